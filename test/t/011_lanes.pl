# Lanes under load: many sessions order one item from its lanes while others receive
# it, cancel, ship and count it, again and again until it runs short. No unit may be
# sold twice, nobody may wait while a lane has something; and that must hold after a
# crash, with prepared transactions, and on a standby that is promoted.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use BkoTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', 'wal_level = replica', 'max_wal_senders = 4', 'max_prepared_transactions = 10',
	'deadlock_timeout = 50ms', 'max_connections = 60', 'hot_standby = on');
my $scripts = PostgreSQL::Test::Utils::tempdir;

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION bko;
SELECT bko.create_book('shop');
INSERT INTO shop.stock (item, on_hand, ships_at_once) VALUES ('HOT', 3000, true), ('KEPT', 3000, false), ('OTHER', 1000000, true);
SELECT shop.set_lanes('HOT', lanes => 4), shop.set_lanes('KEPT', lanes => 4);
SQL

# Of a line among the last: it may not be in a state for it (BK006, 55000).
my %scripts = (
	order => <<'SQL',
\set i random(0, 1)
\set q random(1, 5)
INSERT INTO shop.order_line (order_ref, item, qty_ordered) VALUES ('SO', (ARRAY['HOT', 'KEPT'])[1 + :i::integer], :q);
SQL
	big => <<'SQL',
\set i random(0, 1)
\set q random(50, 400)
INSERT INTO shop.order_line (order_ref, item, qty_ordered) VALUES ('BIG', (ARRAY['HOT', 'KEPT'])[1 + :i::integer], :q);
SQL
	basket => <<'SQL',
\set q random(1, 5)
SELECT shop.place_order('BASKET', jsonb_build_array(jsonb_build_object('item', 'HOT', 'qty', :q::integer),
       jsonb_build_object('item', 'KEPT', 'qty', :q::integer), jsonb_build_object('item', 'OTHER', 'qty', :q::integer)));
SQL
	undone => <<'SQL',
BEGIN;
INSERT INTO shop.order_line (order_ref, item, qty_ordered) VALUES ('KEPT', 'HOT', 2);
SAVEPOINT s;
INSERT INTO shop.order_line (order_ref, item, qty_ordered) VALUES ('UNDONE', 'HOT', 7);
ROLLBACK TO s;
INSERT INTO shop.order_line (order_ref, item, qty_ordered) VALUES ('KEPT', 'HOT', 1);
END;
SQL
	receipt => <<'SQL',
\set i random(0, 1)
\set q random(1, 1500)
INSERT INTO shop.receipt (item, qty) VALUES ((ARRAY['HOT', 'KEPT'])[1 + :i::integer], :q);
SQL
	count => <<'SQL',
\set q random(0, 3000)
SELECT shop.count_stock('HOT', :q);
SQL
	line => <<'SQL',
\set back random(1, 300)
\set what random(1, 2)
SELECT touch(:what::integer, :back::integer);
SQL
);
append_to_file("$scripts/$_", $scripts{$_}) for keys %scripts;

$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION touch(what integer, back integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    l shop.order_line;
BEGIN
    SELECT * INTO l FROM shop.order_line WHERE line_id = (SELECT max(line_id) FROM shop.order_line) - back;
    IF what = 1 THEN PERFORM shop.cancel(l.line_id); ELSE PERFORM shop.ship(l.line_id); END IF;
EXCEPTION WHEN SQLSTATE 'BK006' OR SQLSTATE 'BK008' OR SQLSTATE '55000' THEN
    NULL;
END $$;
SQL

sub load
{
	my ($time, $seed, %weights) = @_;
	my $tries = $weights{undone} ? 1000 : 1;
	return ('pgbench', '--no-vacuum', '--client=16', '--jobs=2', "--time=$time", '--protocol=prepared', "--max-tries=$tries",
		'--port', $node->port, '--host', $node->host, "--random-seed=$seed",
		map({ ('--file', "$scripts/$_\@$weights{$_}") } sort keys %weights), 'postgres');
}

# What the lines got is what came in less what is there: no unit is sold twice.
sub is_exact
{
	my ($node, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($node->safe_psql('postgres', <<'SQL'), 't|t', "$name: no unit is sold twice");
SELECT bool_and(n.on_hand = c.came - l.shipped), bool_and(n.available >= 0 AND n.allocated = l.allocated)
  FROM shop.stock_now n
  JOIN (SELECT item, sum(qty) AS came FROM shop.movement WHERE kind IN ('receive', 'adjust') GROUP BY item) c USING (item)
  JOIN (SELECT item, sum(qty_shipped) AS shipped, sum(qty_allocated) AS allocated FROM shop.order_line GROUP BY item) l USING (item);
SQL
	is_sound($node, 'postgres', 'shop', "$name: sound");
	return;
}

# Orders that take from lanes don't touch the stock row.
my $row = "SELECT xmin, ctid FROM shop.stock WHERE item = 'HOT'";
my $before = $node->safe_psql('postgres', $row);
is($node->safe_psql('postgres', "INSERT INTO shop.order_line (item, qty_ordered) VALUES ('HOT', 1) RETURNING qty_shipped"), '1', 'an order');
is($node->safe_psql('postgres', $row), $before, 'the stock row is as it was');

# Everything at once. Only a transaction that orders an item by several statements can be
# ended by a deadlock, and tries again: there are none of them in the first round.
for my $round (1 .. 2)
{
	command_checks_all([ load(6, $round, order => 20, big => 1, basket => 4, ($round > 1 ? (undone => 2) : ()), receipt => 1, count => 1, line => 4) ],
		0, [qr/actually processed: \d+/], [qr/^(?!.*(?:BK00|ERROR:)).*$/s], "round $round: all went well");
	is_exact($node, "round $round");
	my $shape = $node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE qty_backordered > 0 OR qty_filled_first < qty_ordered) > 0, count(*) > 500 FROM shop.order_line WHERE item = 'HOT'");
	is($shape, 't|t', "round $round: much was ordered, and some of it was short");
}

# Killed in the middle.
for my $round (1 .. 2)
{
	my ($out, $err) = ('', '');
	$node->safe_psql('postgres', "SELECT shop.receive('HOT', 20000), shop.receive('KEPT', 20000)");
	my $lines = $node->safe_psql('postgres', 'SELECT count(*) FROM shop.order_line');
	my $pgbench = IPC::Run::start([ load(600, $round, order => 20, basket => 3, undone => 2, receipt => 1) ], '<', \undef, '>', \$out, '2>', \$err);
	sleep 1 for grep { $pgbench->pumpable && $node->safe_psql('postgres', "SELECT count(*) < $lines + 2000 FROM shop.order_line") eq 't' } 1 .. 60;
	ok($pgbench->pumpable, "crash $round: at work") or diag $err;
	$node->stop('immediate');
	eval { IPC::Run::finish($pgbench) };
	$node->start;
	is_exact($node, "crash $round");
}

# Prepared transactions keep their lane: others take from the rest, and who must know
# what is in it waits.
my $quantities = "SELECT on_hand, available, in_lanes, backordered FROM shop.stock_now WHERE item = 'HOT'";
$node->safe_psql('postgres', "UPDATE shop.order_line SET qty_ordered = qty_ordered - qty_backordered WHERE qty_backordered > 0; SELECT shop.count_stock('HOT', 1600)");
is($node->safe_psql('postgres', $quantities), '1600|1600|800|0', '200 in each of 4 lanes');
$node->safe_psql('postgres', "BEGIN; INSERT INTO shop.order_line (order_ref, item, qty_ordered) VALUES ('one', 'HOT', 10); PREPARE TRANSACTION 'one'");
$node->safe_psql('postgres', "BEGIN; INSERT INTO shop.order_line (order_ref, item, qty_ordered) VALUES ('two', 'HOT', 20); PREPARE TRANSACTION 'two'");
$node->restart;
is($node->safe_psql('postgres', "INSERT INTO shop.order_line (item, qty_ordered) VALUES ('HOT', 100) RETURNING qty_shipped"), '100', 'others order');
is($node->safe_psql('postgres', "SELECT count(*) FROM shop.receive('HOT', 50)"), '0', 'others receive');
my ($rc, $stdout, $stderr) = $node->psql('postgres', "SET lock_timeout = '500ms'; SELECT shop.count_stock('HOT', 7)");
like($stderr, qr/lock timeout/, 'a count waits');
$node->safe_psql('postgres', "COMMIT PREPARED 'one'; ROLLBACK PREPARED 'two'");
is($node->safe_psql('postgres', $quantities), '1540|1540|690|0', 'one has its goods, two has none');
is($node->safe_psql('postgres', "INSERT INTO shop.order_line (item, qty_ordered) VALUES ('HOT', 1545) RETURNING qty_shipped, qty_backordered"), '1540|5', 'all that is there can be had');
is_exact($node, 'prepared');

# A standby shows the same and takes over.
$node->safe_psql('postgres', "SELECT shop.receive('HOT', 100000)");
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
command_ok([ load(2, 9, order => 20, undone => 2) ], 'orders while it follows');
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', $quantities), $node->safe_psql('postgres', $quantities), 'the standby shows what is there');
is_exact($standby, 'standby');
$node->stop('immediate');
$standby->promote;
is($standby->safe_psql('postgres', "INSERT INTO shop.order_line (item, qty_ordered) VALUES ('HOT', 3) RETURNING qty_shipped"), '3', 'the new primary goes on');
is_exact($standby, 'promoted');

done_testing();
