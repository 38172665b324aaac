# Sixteen sessions place orders of five random items of twenty, the items in no
# order, while deliveries come in. place_order() takes the locks in one order, so
# nobody ever waits for somebody who waits for him; and what the sessions leave
# behind is sound, under every ship_policy.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use BkoTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', 'max_connections = 40', 'deadlock_timeout = 100ms', 'log_lock_waits = off');
$node->safe_psql('postgres', 'CREATE ROLE merchant LOGIN; CREATE ROLE app LOGIN');
new_database($node, 'trade', 'merchant');
sql($node, 'trade', 'merchant', <<'SQL');
CREATE EXTENSION bko;
SELECT bko.create_book('shop');
INSERT INTO shop.stock (item, on_hand, fill_rule, ships_at_once)
SELECT 'item ' || n, 50, (ARRAY['fifo', 'due_date', 'fair_share', 'most_lines'])[n % 4 + 1], n % 5 <> 0 FROM generate_series(1, 20) n;
GRANT USAGE ON SCHEMA shop TO app;
GRANT SELECT, INSERT ON shop.order_line, shop.receipt TO app;
GRANT EXECUTE ON FUNCTION shop.cancel TO app;
SQL

# An order of five items as JSON; %s stands for more arguments of the call.
my $order = <<'SQL' =~ s/\s+/ /gr;
SELECT count(*) FROM shop.place_order('SO-' || :client_id || '-' || random(),
	(SELECT jsonb_agg(jsonb_build_object('item', 'item ' || n, 'qty', 1 + (random() * 3)::integer) ORDER BY random())
	 FROM (SELECT n FROM generate_series(1, 20) n ORDER BY random() LIMIT 5) x)%s);
SQL
my %script = (
	order => sprintf($order, ''),
	together => sprintf($order, ", ship_policy => 'order'"),
	lines => sprintf($order, ", ship_policy => 'line', priority => (random() * 5)::integer, requested_on => current_date + (random() * 9)::integer"),
	receipt => "\\set n random(1, 20)\nSELECT count(*) FROM shop.receive('item ' || :n, 12);",
	cancel => "SELECT shop.cancel(line_id) IS NULL FROM (SELECT line_id FROM shop.order_line WHERE closed_at IS NULL LIMIT 1) x;");
append_to_file($node->basedir . "/$_.sql", $script{$_}) for keys %script;

# Sixteen sessions for some seconds. Returns how many transactions there were and
# how many failed, and what the server's log said meanwhile.
sub sessions
{
	my ($seconds, %weight) = @_;
	my $offset = -s $node->logfile;
	my ($out, $err) = run_command(
		[ 'pgbench', '-n', '-c', 16, '-j', 2, '-T', $seconds, '-h', $node->host, '-p', $node->port, '-U', 'app',
			(map { ('-f', $node->basedir . "/$_.sql\@$weight{$_}") } sort keys %weight), 'trade' ]);
	my ($done) = $out =~ /transactions actually processed: (\d+)/;
	my ($failed) = $out =~ /number of failed transactions: (\d+)/;
	note("$out\n$err");
	my @errors = grep { /ERROR:|FATAL:|PANIC:/ } split /\n/, slurp_file($node->logfile, $offset);
	return ($done // 0, $failed // 0, @errors);
}

my ($done, $failed, @errors) = sessions(4, order => 6, receipt => 5);
cmp_ok($done, '>', 50, "16 sessions place orders: $done transactions");
is($failed, 0, 'none of them failed');
is(join("\n", @errors), '', 'the server logged no deadlock and no other error');
is_sound($node, 'trade', 'shop', 'and the book is sound');
is($node->safe_psql('trade', 'SELECT count(*) FROM shop.order_line WHERE qty_shipped = 0 AND qty_allocated > 0 AND item IN (SELECT item FROM shop.stock WHERE ships_at_once)'),
	0, 'nothing that may leave is held');

# Cancellations lock the stock row before the line, as deliveries do.
($done, $failed, @errors) = sessions(3, order => 3, receipt => 4, cancel => 2);
cmp_ok($done, '>', 50, "cancellations among them: $done transactions");
is(join("\n", @errors), '', 'no deadlock and no other error');
is_sound($node, 'trade', 'shop', 'and the book is sound');

# Orders that ship as a whole are settled at the commit of whoever completes
# them. Two such deliveries may want each other's items; then one of them must be
# tried again, but no order is left lying (verify() looks for those).
($done, $failed, @errors) = sessions(4, together => 4, lines => 2, receipt => 9);
cmp_ok($done, '>', 50, "orders that ship as a whole: $done transactions");
is(join("\n", grep { !/deadlock detected/ } @errors), '', 'no error but to try again');
is_sound($node, 'trade', 'shop', 'and the book is sound');
is($node->safe_psql('trade', 'SELECT count(*) FROM shop.order_due'), 0, 'no order is left to be looked at');

# Several locations: lines that name one and lines that are sourced, by lists in
# opposite orders, split and not. All that an order may touch is locked first. (The
# orders that ship as a whole, which may deadlock at commit, are cancelled before.)
sql($node, 'trade', 'merchant', <<'SQL');
SELECT shop.cancel(line_id) FROM shop.order_line WHERE ship_policy = 'order' AND closed_at IS NULL;
INSERT INTO shop.stock (item, location, on_hand) SELECT 'item ' || n, l, 50 FROM generate_series(1, 20) n, unnest('{east,west}'::text[]) l;
INSERT INTO shop.sourcing (item, locations, split)
SELECT 'item ' || n, CASE n % 3 WHEN 0 THEN '{west,main,east}'::text[] WHEN 1 THEN '{east,west}' ELSE '{main,nowhere,west}' END, n % 2 = 0
  FROM generate_series(1, 19) n
UNION ALL SELECT '', '{west,main}', true;
SQL
append_to_file($node->basedir . '/sourced.sql', <<'SQL' =~ s/\s+/ /gr);
SELECT count(*) FROM shop.place_order('SO-' || :client_id || '-' || random(),
	(SELECT jsonb_agg(jsonb_build_object('item', 'item ' || n, 'qty', 1 + (random() * 6)::integer,
	        'location', CASE WHEN random() < 0.3 THEN (ARRAY['east', 'main', 'west'])[1 + (random() * 2)::integer] END) ORDER BY random())
	 FROM (SELECT n FROM generate_series(1, 20) n ORDER BY random() LIMIT 5) x));
SQL
append_to_file($node->basedir . '/one.sql', <<'SQL' =~ s/\s+/ /gr);
INSERT INTO shop.order_line (order_ref, item, location, qty_ordered) SELECT 'ONE-' || :client_id || '-' || random(), 'item ' || (1 + (random() * 19)::integer), NULL, 8;
SQL
append_to_file($node->basedir . '/arrival.sql', <<'SQL' =~ s/\s+/ /gr);
SELECT count(*) FROM shop.receive('item ' || (1 + (random() * 19)::integer), 12, (ARRAY['east', 'main', 'west'])[1 + (random() * 2)::integer]);
SQL
($done, $failed, @errors) = sessions(4, sourced => 4, one => 2, arrival => 5);
cmp_ok($done, '>', 50, "sourced lines: $done transactions");
is($failed, 0, 'none of them failed');
is(join("\n", @errors), '', 'no deadlock and no other error');
is_sound($node, 'trade', 'shop', 'and the book is sound');
is( $node->safe_psql('trade', "SELECT count(*) FROM (SELECT FROM shop.order_line WHERE order_ref LIKE 'ONE-%' GROUP BY order_ref HAVING sum(qty_ordered) <> 8) x"),
	0, 'the parts of each line add up to what was ordered');
cmp_ok($node->safe_psql('trade', "SELECT count(*) FROM (SELECT FROM shop.order_line WHERE order_ref LIKE 'ONE-%' GROUP BY order_ref HAVING count(*) > 1) x"),
	'>', 0, 'some were split');

done_testing();
