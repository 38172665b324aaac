# shellcheck shell=bash
# Shared by the scripts under test/: finds PostgreSQL or installs it, builds bko
# in a directory of its own, installs it there, and runs a throw-away server on
# a unix socket. Nothing is written outside that directory, which goes away when
# the script ends. To be sourced by bash.
#
#   PG_CONFIG  whose PostgreSQL (default: the one in PATH, then the newest of
#              /usr/lib/postgresql/)
#   TMPDIR     where the directory is made (default /tmp)

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PERL=${PERL:-/usr/bin/perl}
PYTHON=${PYTHON:-/usr/bin/python3}
CHROMIUM=${CHROMIUM:-chromium}
JDBC=${JDBC:-/usr/share/java/postgresql.jar}
WORK=
CHILD=
umask 022
unset MAKEFLAGS MFLAGS MAKELEVEL

say() { printf '%s\n' "$@" >&2; }
die() { say "$@"; exit 1; }

# --- what has to be there ----------------------------------------------------

# Whether this pg_config belongs to a server, 15 or later, that can be built for.
is_usable() {
	local bindir pgxs major
	pgxs=$("$1" --pgxs 2>/dev/null) && bindir=$("$1" --bindir) || return 1
	[[ -f $pgxs && -x $bindir/initdb && -x $bindir/postgres && -x $bindir/psql ]] || return 1
	major=$("$1" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
	((major >= 15))
}

# The program of the newest server that Debian's packages have installed.
installed() { printf '%s\n' /usr/lib/postgresql/*/bin/"$1" | grep -v '[*]' | sort -V | tail -n 1 || true; }

find_postgres() {
	local candidate
	if [[ -n ${PG_CONFIG:-} ]]; then
		is_usable "$PG_CONFIG" ||
			die "PG_CONFIG=$PG_CONFIG is not the pg_config of a PostgreSQL server, 15 or later, with its server headers (PGXS)."
		return
	fi
	for candidate in pg_config $(installed pg_config); do
		if is_usable "$candidate"; then
			PG_CONFIG=$candidate
			return
		fi
	done
	return 1
}

has_compiler() { echo '#include <stdio.h>' | "${CC:-cc}" -E - >/dev/null 2>&1; }
has_perl() { "$PERL" -MIPC::Run -MTest::More -MApp::Prove -e 1 2>/dev/null; }
has_node() { command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null; }
has_jdbc() { command -v javac >/dev/null && [[ -e $JDBC ]]; }
has_python() { "$PYTHON" -c 'import psycopg2' 2>/dev/null; }

# Debian's names of the server and its headers: of the server that is there, or
# else of the one that the distribution has.
server_packages() {
	local major
	major=$(installed postgres | cut -d/ -f5)
	if [[ -z $major ]]; then
		major=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | head -n 1)
	fi
	[[ -n $major ]] || die "apt-get knows no package postgresql."
	((major >= 15)) || die "bko needs PostgreSQL 15 or later, this system has $major." \
		"https://www.postgresql.org/download/ says how to add newer ones; then point PG_CONFIG to the pg_config of one."
	echo "postgresql-$major postgresql-server-dev-$major"
}

# Sets LACKING (in words) and PACKAGES (Debian's names, SERVER for the server's)
# for the purposes given: demo, test, bench, dashboard, dashboard-test, and
# clients-python, clients-java, clients-node.
look_for_lacking() {
	LACKING=() PACKAGES=()
	lacks() { LACKING+=("$1"); PACKAGES+=("${@:2}"); }
	find_postgres || lacks 'PostgreSQL 15 or later, server and server headers (pg_config --pgxs); PG_CONFIG says which' SERVER
	command -v make >/dev/null || lacks 'GNU make' make
	has_compiler || lacks 'a C compiler' gcc libc6-dev
	if [[ " $* " == *' test '* ]]; then
		has_perl || lacks "Perl ($PERL) with IPC::Run" perl libipc-run-perl
	fi
	if [[ " $* " == *' test '* || " $* " == *' bench '* || " $* " == *' clients-python '* ]]; then
		has_python || lacks "Python 3 ($PYTHON) with psycopg2" python3 python3-psycopg2
	fi
	if [[ " $* " == *' bench '* ]]; then
		command -v valgrind >/dev/null || lacks 'valgrind' valgrind
	fi
	if [[ " $* " == *' clients-java '* ]]; then
		has_jdbc || lacks "a JDK, and the PostgreSQL JDBC driver ($JDBC)" default-jdk-headless libpostgresql-jdbc-java
	fi
	if [[ " $* " == *' dashboard'* || " $* " == *' clients-node '* ]]; then
		has_node || lacks 'Node.js 18 or later, with npm' nodejs npm
	fi
	if [[ " $* " == *' dashboard-test '* ]]; then
		command -v "$CHROMIUM" >/dev/null || lacks "Chromium ($CHROMIUM)" chromium fonts-dejavu-core
	fi
}

# Runs quietly; shows what the command said only when it fails.
quietly() {
	local log
	log=$(mktemp)
	if "$@" >"$log" 2>&1 </dev/null; then
		rm -f "$log"
	else
		tail -n 100 "$log" >&2
		rm -f "$log"
		say "failed: $*"
		return 1
	fi
}

need() {
	look_for_lacking "$@"
	((${#LACKING[@]})) || return 0
	if ! command -v apt-get >/dev/null || ! may_install; then
		say "Missing on this machine:"
		printf '  %s\n' "${LACKING[@]}" >&2
		die "Please install it and try again. On Debian and Ubuntu this is done for you as root or with sudo; by hand:" \
			"  apt-get install ${PACKAGES[*]/SERVER/postgresql postgresql-server-dev-all}"
	fi
	install_packages
	look_for_lacking "$@"
	((${#LACKING[@]} == 0)) || die "Still missing after the installation:" "${LACKING[@]}"
}

# The same for what can be done without: goes on where it can't be had.
would_like() {
	look_for_lacking "$@"
	if ((${#LACKING[@]})) && command -v apt-get >/dev/null && may_install; then
		install_packages || true
	fi
}

# Sets SUDO to what makes a command root's; fails where nothing does. A password
# is asked only where somebody can type it.
may_install() {
	SUDO=()
	((EUID)) || return 0
	command -v sudo >/dev/null || return 1
	SUDO=(sudo)
	if [[ -t 0 ]]; then sudo true; else sudo -n true 2>/dev/null; fi
}

install_packages() {
	local word packages=() apt=("${SUDO[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
	quietly "${apt[@]}" update || say "going on with the package lists as they are"
	for word in "${PACKAGES[@]}"; do
		[[ $word != SERVER ]] || word=$(server_packages)
		# shellcheck disable=SC2206 # two words
		packages+=($word)
	done
	say "installing with apt-get: ${packages[*]}"
	without_main_cluster quietly "${apt[@]}" install -y --no-install-recommends "${packages[@]}"
}

# Debian makes and starts a server of its own when the package comes in. Nobody
# asked for that one.
without_main_cluster() {
	local dir=/etc/postgresql-common/createcluster.d rc=0
	"${SUDO[@]}" mkdir -p "$dir"
	echo 'create_main_cluster = false' | "${SUDO[@]}" tee "$dir/bko-harness.conf" >/dev/null
	"$@" || rc=$?
	"${SUDO[@]}" rm -f "$dir/bko-harness.conf"
	return "$rc"
}

# --- the directory, the build, the server ------------------------------------

# The server refuses to run as root: root's runs as postgres, or else as nobody.
pick_server_user() {
	local user
	SERVER_USER=$(id -un)
	((EUID == 0)) || return 0
	for user in postgres nobody; do
		if id -u "$user" >/dev/null 2>&1; then
			SERVER_USER=$user
			return
		fi
	done
	die "PostgreSQL does not run as root, and there is neither a user postgres nor nobody."
}

as_server() (
	cd "$WORK" || exit
	export HOME=$WORK
	if ((EUID)); then
		exec "$@"
	elif command -v setpriv >/dev/null; then
		exec setpriv --reuid "$SERVER_USER" --regid "$(id -g "$SERVER_USER")" --init-groups -- "$@"
	fi
	exec runuser -u "$SERVER_USER" -- "$@"
)

begin_work() {
	local base=${TMPDIR:-/tmp}
	((${#base} < 60)) || base=/tmp		# the path of a socket must be short
	pick_server_user
	trap end_work EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 141' PIPE
	trap 'exit 143' TERM
	WORK=$(mktemp -d "$base/bko.XXXXXX")
	((EUID)) || chown "$SERVER_USER:" "$WORK"
}

end_work() {
	local rc=$? pidfile
	trap '' HUP INT PIPE TERM
	set +e
	[[ -z $CHILD ]] || kill -TERM -- "-$CHILD" 2>/dev/null
	if [[ -n $WORK ]]; then
		find "$WORK" -name postmaster.pid 2>/dev/null | while read -r pidfile; do
			as_server "$BINDIR/pg_ctl" -D "$(dirname "$pidfile")" -m immediate -w stop >/dev/null 2>&1
		done
		rm -rf "$WORK"
	fi
	exit "$rc"
}

# Runs a command in a process group of its own and waits for it, so that a
# signal to this script is served at once and takes the whole group along. Not
# for what reads the terminal. Status in RC, since bash would switch off -e in
# all that the command does if this were called as a condition.
in_group() {
	set -m
	"$@" <&0 &
	CHILD=$!
	set +m
	RC=0
	wait "$CHILD" || RC=$?
	CHILD=
}

# The same for a command that may read the terminal, where there is one.
at_terminal() {
	if [[ -t 0 ]]; then
		trap : INT	# psql has its own idea of Ctrl-C
		"$@"
	else
		in_group "$@"
		return "$RC"
	fi
}

# Builds a copy of the sources: the tree may be read-only, or hold objects made
# for another server.
build_bko() {
	set -e
	local flags=(PG_CONFIG="$PG_CONFIG" with_llvm=no COPT="-Werror ${COPT:-}")
	mkdir -p "$WORK/build/sql"
	cp -R "$TOP/Makefile" "$TOP/bko.control" "$TOP/src" "$WORK/build/"
	cp -R "$TOP/sql/book" "$TOP"/sql/[0-9]*.sql "$WORK/build/sql/"
	find "$TOP/sql" -maxdepth 1 -name 'bko--*--*.sql' -exec cp {} "$WORK/build/sql/" \;
	find "$WORK/build/src" -name '*.[ob]*' -delete
	make -C "$WORK/build" -j2 "${flags[@]}" all >"$WORK/build.log" 2>&1
	make -C "$WORK/build" "${flags[@]}" install DESTDIR="$WORK/install" >>"$WORK/build.log" 2>&1
}

# Builds so from now on that what C leaves undefined (a sum or a shift out of range,
# a misaligned or null pointer, an index beyond an array) ends the server, whose log
# says where. What is written beyond palloc's memory a server with assertions finds.
sanitize() {
	COPT="${COPT:-} -fsanitize=undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
	export UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1
}

# From the first complaint of the compiler on; without one, the end.
show_build_log() {
	if grep -qE '(error|warning): ' "$WORK/build.log"; then
		grep -E -A 50 -m 1 '(error|warning): ' "$WORK/build.log"
	else
		tail -n 50 "$WORK/build.log"
	fi >&2
}

has_setting() { grep -q "^$1	" "$WORK/settings"; }

# Makes the server find what lies under $WORK/install, without root's help and
# without a file in the server's own directories. CONF gets the settings for it.
place_bko() {
	local sharedir pkglibdir
	sharedir=$("$PG_CONFIG" --sharedir)
	pkglibdir=$("$PG_CONFIG" --pkglibdir)
	"$BINDIR/postgres" --describe-config >"$WORK/settings"
	if has_setting extension_destdir; then			# Debian and Ubuntu
		echo "extension_destdir = '$WORK/install'" >"$CONF"
	elif has_setting extension_control_path; then		# PostgreSQL 18 and later
		{
			echo "extension_control_path = '$WORK/install$sharedir:\$system'"
			echo "dynamic_library_path = '$WORK/install$pkglibdir:\$libdir'"
		} >"$CONF"
	else
		: >"$CONF"
		copy_server "$sharedir" "$pkglibdir"
	fi
}

# A copy of the programs and of all they look for, laid out as the original is,
# around what is installed: they find each other by relative paths.
copy_server() {
	local dir program
	mkdir -p "$WORK/install$BINDIR"
	for program in clusterdb createdb createuser dropdb dropuser initdb pg_amcheck pg_basebackup pg_config \
		pg_controldata pg_ctl pg_dump pg_dumpall pg_isready pg_receivewal pg_resetwal pg_restore pg_verifybackup \
		pg_waldump pgbench postgres psql reindexdb vacuumdb; do
		[[ ! -x $BINDIR/$program ]] || cp -L "$BINDIR/$program" "$WORK/install$BINDIR/"
	done
	for dir in "$@"; do
		mkdir -p "$WORK/install$dir"
		cp -RLn "$dir/." "$WORK/install$dir/"
	done
	BINDIR=$WORK/install$BINDIR
}

# Settings of the caller's come last, as lines of postgresql.conf.
make_cluster() {
	local locale=C
	if locale -a 2>/dev/null | grep -qix 'c\.utf-\?8'; then
		locale=C.UTF-8
	fi
	as_server "$BINDIR/initdb" -D "$PGDATA" -U postgres --auth-local=trust --auth-host=scram-sha-256 -N -E UTF8 --locale="$locale" --lc-messages=C \
		>"$WORK/initdb.log" 2>&1 </dev/null || { cat "$WORK/initdb.log" >&2; return 1; }
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$WORK'"
		echo "timezone = 'UTC'"
		echo "log_timezone = 'UTC'"
		echo "fsync = off"
		echo "max_connections = 100"
		cat "$CONF"
		printf '%s\n' "$@"
	} >>"$PGDATA/postgresql.conf"
}

start_server() {
	as_server "$BINDIR/pg_ctl" -D "$PGDATA" -l "$WORK/server.log" -w start >"$WORK/start.log" 2>&1 </dev/null ||
		{ cat "$WORK/start.log" "$WORK/server.log" >&2; return 1; }
}

# What the server had to say beyond the errors that statements got.
show_server_log() {
	local lines
	lines=$(grep -vE ' (ERROR|DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION):  |^	' "$WORK/server.log" | tail -n 40)
	say "--- end of the server's log, without errors of statements" "$lines"
}

# Everything up to a running server that knows bko; for the purposes given.
# Exports what programs need to find it, PG* and:
#   BKO_WORK     the directory, which the server's user can write to
#   BKO_BINDIR   the server's programs
#   BKO_CONF     settings by which any other server of that installation finds bko
#   BKO_USER     user that servers run as
prepare() {
	need "$@"
	begin_work
	export PG_CONFIG BINDIR PGDATA=$WORK/data CONF=$WORK/bko.conf
	export BKO_WORK=$WORK BKO_CONF=$CONF BKO_USER=$SERVER_USER
	BINDIR=$("$PG_CONFIG" --bindir)
	unset PGSERVICE PGHOSTADDR PGOPTIONS PGPASSWORD PGSSLMODE PGCLIENTENCODING PGTZ PGDATESTYLE
	export PYTHONDONTWRITEBYTECODE=1
	export PGHOST=$WORK PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
}

# A port of 127.0.0.1 on which nobody listens.
free_port() {
	local port
	for ((;;)); do
		port=$((RANDOM % 20000 + 30000))
		(: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

# Starts the server; lines given are added to its settings.
serve() {
	place_bko
	export BKO_BINDIR=$BINDIR PATH=$BINDIR:$PATH
	make_cluster "$@"
	start_server
}
