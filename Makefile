# bko: backorders kept by PostgreSQL itself.
#
# For everybody: make demo, make demo-shell, make test (SUITE=..., TESTS=...),
# make test-long, make bench (BENCH=--quick), make dashboard (PORT=8080), make
# dashboard-test (SCREENSHOTS=1), make test-clients (CLIENTS=...). They bring a throw-away server of their own and
# install nothing but packages that are missing.
#
# For a server of your own: make, make install, make installcheck. PG_CONFIG
# says which server; the rules are PGXS's.

HARNESS = demo demo-shell test test-long test-clients bench dashboard dashboard-test

# The harness must start where PostgreSQL isn't installed yet, so PGXS is read
# only for the other goals.
ifneq ($(filter-out $(HARNESS),$(or $(MAKECMDGOALS),all)),)

EXTENSION = bko
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" bko.control)
MODULE_big = bko
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))
DATA = $(wildcard sql/bko--*--*.sql)
DATA_built = sql/bko--$(EXTVERSION).sql
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Wno-cast-function-type

# Inputs lie under test/, what they must give in expected/.
REGRESS = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/t_*.sql)))
REGRESS_OPTS = --inputdir=test
ISOLATION = $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/i_*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=.

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(wildcard $(PGXS)),)
$(error $(PG_CONFIG) gives no PGXS. Install PostgreSQL's server headers (Debian and Ubuntu: postgresql-server-dev-N) or say where they are: make PG_CONFIG=/path/to/pg_config)
endif
include $(PGXS)

MODULES_SQL = $(sort $(wildcard sql/[0-9]*.sql))
BOOK_SQL = $(sort $(wildcard sql/book/*.sql))

# What create_book() runs is kept inside the extension as the body of a
# function, so that a book is always made by the code that will serve it.
$(DATA_built): $(MODULES_SQL) $(BOOK_SQL) bko.control
	{ echo '-- made by make from sql/*.sql and sql/book/*.sql'; \
	  printf '%s\n' '\echo Use "CREATE EXTENSION bko" to load this file. \quit'; \
	  cat $(MODULES_SQL); \
	  echo 'CREATE FUNCTION bko.book_definition() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE'; \
	  echo "    RETURN \$$book\$$"; \
	  cat $(BOOK_SQL); \
	  echo "\$$book\$$;"; \
	  echo "COMMENT ON FUNCTION bko.book_definition() IS 'The SQL that bko.create_book() runs under the search_path of the new book';"; \
	} > $@

$(OBJS): $(wildcard src/*.h)

endif

.PHONY: $(HARNESS)
demo:
	@test/demo/run
demo-shell:
	@test/demo/run --shell
test:
	@test/run
test-long:
	@test/run --long
	@test/run --sanitized
# Not part of the tests: they need a JDK, and packages of npm.
test-clients:
	@test/with-server --for demo --with clients-python --with clients-java --with clients-node --tcp -- test/clients/run
# Room enough that no checkpoint falls into a measurement.
bench:
	@test/with-server --for bench --unprivileged -c shared_buffers=1GB -c max_wal_size=10GB -c checkpoint_timeout=1h \
		-- test/bench/run $(BENCH)
# Not part of the tests: they need packages of npm, and a browser.
dashboard:
	@test/with-server --for dashboard -- examples/dashboard/run serve
dashboard-test:
	@test/with-server --for dashboard-test -- examples/dashboard/run test
