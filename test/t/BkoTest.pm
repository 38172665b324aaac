# What the TAP tests share: servers that know bko, statements run as some role,
# and the contents of a book in a form that can be compared.
package BkoTest;

use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_node new_database sql fails contents schema_of same_lines is_sound has_function);

# A running server. Where it finds bko is in TEMP_CONFIG, which init() reads.
sub new_node
{
	my ($name, @conf) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
	$node->append_conf('postgresql.conf', join("\n", 'log_statement = none', @conf, ''));
	$node->start;
	return $node;
}

# A database of a role that is no superuser.
sub new_database
{
	my ($node, $db, $owner) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db OWNER $owner TEMPLATE template0");
	return;
}

# Runs SQL as a role, which must go well; returns what it printed.
sub sql
{
	my ($node, $db, $role, $sql) = @_;
	return $node->safe_psql($db, $sql, extra_params => [ '-U', $role ]);
}

# Runs SQL as a role, which must fail with this SQLSTATE and message.
sub fails
{
	my ($node, $db, $role, $sql, $sqlstate, $message, $name) = @_;
	my ($rc, $out, $err) =
	  $node->psql($db, $sql, extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose' ]);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return like($err, qr/ERROR:  $sqlstate: .*$message/s, $name);
}

# Every table of a schema with all its rows in order, and its sequences.
sub contents
{
	my ($node, $db, $schema) = @_;
	my @tables = split /\n/, $node->safe_psql($db, <<~SQL);
		SELECT oid::regclass FROM pg_class
		WHERE relkind IN ('r', 'p', 'S') AND relnamespace = '"$schema"'::regnamespace
		ORDER BY relname
		SQL
	my %contents;
	for my $table (@tables)
	{
		my $columns = $table =~ /_seq"?$/ ? 'last_value, is_called' : '*';
		$contents{$table} = $node->safe_psql($db, "SELECT r FROM (SELECT $columns FROM $table) AS r ORDER BY r::text COLLATE \"C\"");
	}
	return \%contents;
}

# What pg_dump says of a schema's definition: columns, triggers, views, comments.
sub schema_of
{
	my ($node, $db, $schema) = @_;
	my ($out, $err) = run_command(
		[ 'pg_dump', '--schema-only', '--no-owner', '--schema', "\"$schema\"", '--port', $node->port, '--host', $node->host, $db ]);
	$out =~ s/^\\(un)?restrict .*$//mg;    # a random word in newer versions
	$out =~ s/(::\w+) AS \w+(,?)$/$1$2/mg;    # names of constants, which PostgreSQL adds as it reads its own
	return $out;
}

# Compares two texts; a failure shows only the lines that differ.
sub same_lines
{
	my ($got, $expected, $name) = @_;
	my %count;
	$count{$_}++ for split /\n/, $got;
	$count{$_}-- for split /\n/, $expected;
	my @differences = map { ($count{$_} > 0 ? 'only here: ' : 'only there: ') . $_ } grep { $count{$_} } sort keys %count;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(join("\n", @differences), '', $name) or return;
	return 1;
}

sub is_sound
{
	my ($node, $db, $book, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($node->safe_psql($db, "SELECT * FROM \"$book\".verify()"), '', $name);
}

# Whether a book has a function of this name, in whatever form.
sub has_function
{
	my ($node, $db, $book, $function) = @_;
	return $node->safe_psql($db,
		"SELECT EXISTS (SELECT FROM pg_proc WHERE proname = '$function' AND pronamespace = '\"$book\"'::regnamespace)") eq 't';
}

1;
