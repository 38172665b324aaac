# The server is killed in the middle of orders, receipts and counts from several
# sessions, again and again. What had been committed must be whole, and what had
# not been must have left nothing.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use BkoTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $rounds = 4;
my $node = new_node('main', 'synchronous_commit = on', 'max_wal_size = 200MB');
my $scripts = PostgreSQL::Test::Utils::tempdir;

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION bko;
SELECT bko.create_book('shop');
INSERT INTO shop.stock (item, on_hand, ships_at_once) SELECT 'item ' || i, 50, i % 4 > 0 FROM generate_series(1, 20) i;
INSERT INTO shop.supply (supply_ref, item, qty_expected) SELECT 'PO-' || i, 'item ' || i, 1000000 FROM generate_series(1, 20) i;
SQL

# One item a transaction, or several in the order of their names: the sessions
# must not lose their time in deadlocks.
my %scripts = (
	order => <<'SQL',
\set i random(1, 20)
\set q random(1, 9)
INSERT INTO shop.order_line (order_ref, item, qty_ordered, priority) VALUES ('SO', 'item ' || :i, :q, 100 + :q % 2);
SQL
	basket => <<'SQL',
\set q random(1, 9)
INSERT INTO shop.order_line (order_ref, item, qty_ordered) SELECT 'BASKET', item, :q FROM shop.stock WHERE item IN ('item 3', 'item 5', 'item 8') ORDER BY item;
SQL
	undone => <<'SQL',
\set i random(1, 20)
BEGIN;
INSERT INTO shop.order_line (order_ref, item, qty_ordered) VALUES ('UNDONE', 'item ' || :i, 5);
SAVEPOINT s;
INSERT INTO shop.receipt (item, qty) VALUES ('item ' || :i, 7);
ROLLBACK TO s;
INSERT INTO shop.order_line (order_ref, item, qty_ordered) VALUES ('KEPT', 'item ' || :i, 5);
END;
SQL
	receipt => <<'SQL',
\set i random(1, 20)
\set q random(1, 25)
INSERT INTO shop.receipt (item, qty, supply_ref) VALUES ('item ' || :i, :q, 'PO-' || :i);
SQL
	count => <<'SQL',
\set i random(1, 20)
UPDATE shop.stock SET on_hand = on_hand + 3 WHERE item = 'item ' || :i;
SQL
);
append_to_file("$scripts/$_", $scripts{$_}) for keys %scripts;
my @load = (
	'pgbench', '--no-vacuum', '--client=6', '--jobs=2', '--time=600', '--protocol=prepared', '--port', $node->port, '--host', $node->host,
	map { ('--file', "$scripts/$_->[0]\@$_->[1]") } [ order => 6 ], [ basket => 2 ], [ undone => 2 ], [ receipt => 3 ], [ count => 1 ]);

for my $round (1 .. $rounds)
{
	my $before = entries();
	my ($out, $err) = ('', '');
	my $pgbench = IPC::Run::start([ @load, "--random-seed=$round", 'postgres' ], '<', \undef, '>', \$out, '2>', \$err);
	my $busy = $node->poll_query_until('postgres', "SELECT count(*) > $before + 1000 FROM shop.movement");
	ok($busy, "round $round: the sessions are at work");
	$node->stop('immediate');
	eval { IPC::Run::finish($pgbench) };
	$node->start;
	cmp_ok(entries(), '>', $before + 1000, "round $round: what was committed is there");
	is_sound($node, 'postgres', 'shop', "round $round: sound after the crash");
	unlike($err, qr/ERROR:/, "round $round: no statement had failed before");
	is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT count(*) FROM shop.order_line WHERE order_ref = 'BASKET' GROUP BY ordered_at HAVING count(*) % 3 <> 0) AS torn"),
		'0', "round $round: no basket is torn");
}

my $waiting = $node->safe_psql('postgres', "SELECT backordered FROM shop.stock WHERE item = 'item 1'");
is($node->safe_psql('postgres', "INSERT INTO shop.receipt (item, qty) VALUES ('item 1', $waiting + 5) RETURNING qty_to_backorders = $waiting, qty_to_stock"),
	't|5', 'a receipt fills everything that waited');
is($node->safe_psql('postgres', "INSERT INTO shop.order_line (item, qty_ordered) VALUES ('item 1', (SELECT available FROM shop.stock WHERE item = 'item 1') + 2) RETURNING qty_backordered"),
	'2', 'and orders go on');
is_sound($node, 'postgres', 'shop', 'sound at the end');

sub entries { return $node->safe_psql('postgres', 'SELECT count(*) FROM shop.movement'); }

done_testing();
