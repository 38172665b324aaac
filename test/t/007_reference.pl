# doc/reference.md says what the database's comments say.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use BkoTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $doc = "$FindBin::RealBin/../doc";
my $node = new_node('reference');
$node->safe_psql('postgres', 'CREATE EXTENSION bko');
my ($out, $err) = run_command(
	[ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', "$doc/reference.sql", '-d', $node->connstr('postgres') ]);
is($err, '', 'the reference can be made');
same_lines("$out\n", slurp_file("$doc/reference.md"), 'doc/reference.md is in step with the comments');
unlike($out, qr/\|  \|$/m, 'every column has a comment');
$node->stop;
done_testing();
