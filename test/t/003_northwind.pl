# Real orders: all lines of Northwind in the order of their dates against the
# products' stock, then the deliveries that were on their way. First in, first out
# of one product has a closed form, so plain SQL says independently what every
# line must get.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use BkoTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = ($ENV{BKO_SHARED} // "$FindBin::RealBin/../../../shared") . '/data/northwind.sql';
plan skip_all => 'northwind.sql is missing' unless -r $data;

# Little memory, so that the rows of a statement go by way of temporary files.
my $node = new_node('main', "work_mem = '64kB'");
$node->safe_psql('postgres', 'CREATE DATABASE northwind');
$node->command_ok(
	[ 'psql', '--no-psqlrc', '--quiet', '--output', '/dev/null', '--dbname', 'northwind', '--port', $node->port, '--host', $node->host, '--file', $data ],
	'Northwind is loaded');

# What must come out. before: ordered of the product by earlier lines. A line gets
# what is left after those, of the stock at once, of the deliveries later.
$node->safe_psql('northwind', <<'SQL');
CREATE SCHEMA expected;
CREATE VIEW expected.demand AS
SELECT row_number() OVER (ORDER BY order_date, order_id, product_id) AS n, order_id, product_id, quantity::numeric AS qty, customer_id, order_date,
       unit_price, units_in_stock::numeric AS stock, units_on_order::numeric AS coming,
       sum(quantity) OVER (PARTITION BY product_id ORDER BY order_date, order_id ROWS UNBOUNDED PRECEDING) - quantity AS before
FROM public.order_details JOIN public.orders USING (order_id) JOIN (SELECT product_id, units_in_stock, units_on_order FROM public.products) AS p USING (product_id);
CREATE TABLE expected.line AS
SELECT *, least(qty, greatest(stock - before, 0)) AS first, least(qty, greatest(stock + coming - before, 0)) AS shipped
FROM expected.demand;
CREATE TABLE expected.product AS
SELECT product_id, units_in_stock::numeric AS stock, units_on_order::numeric AS coming, coalesce(sum(quantity), 0)::numeric AS demand
FROM public.products LEFT JOIN public.order_details USING (product_id) GROUP BY product_id;
SQL
is($node->safe_psql('northwind', 'SELECT count(*), sum(qty) FROM expected.line'), '2155|51317', 'all lines are there');

my $lines = <<'SQL';
SELECT order_id::text AS order_ref, customer_id AS customer, product_id::text AS item, qty AS qty_ordered, unit_price::numeric AS unit_price, order_date AS ordered_at
FROM expected.demand ORDER BY n
SQL

# Three ways in: one statement, a statement a line, and COPY from a file.
my %entries = (
	one => "INSERT INTO one.order_line (order_ref, customer, item, qty_ordered, unit_price, ordered_at) $lines",
	many => "DO \$\$DECLARE l record; BEGIN FOR l IN $lines LOOP
		INSERT INTO many.order_line (order_ref, customer, item, qty_ordered, unit_price, ordered_at)
		VALUES (l.order_ref, l.customer, l.item, l.qty_ordered, l.unit_price, l.ordered_at); END LOOP; END\$\$",
	copied => 'COPY copied.order_line (order_ref, customer, item, qty_ordered, unit_price, ordered_at) FROM stdin');

$node->safe_psql('northwind', 'CREATE EXTENSION bko');
for my $book (sort keys %entries)
{
	$node->safe_psql('northwind', "SELECT bko.create_book('$book')");
	$node->safe_psql('northwind', "INSERT INTO $book.stock (item, on_hand, unit_cost) SELECT product_id::text, units_in_stock, 1 FROM public.products");
	if ($book eq 'copied')
	{
		my $rows = $node->safe_psql('northwind', "COPY ($lines) TO stdout");
		$node->safe_psql('northwind', "$entries{$book};\n$rows\n\\.\n");
	}
	else
	{
		$node->safe_psql('northwind', $entries{$book});
	}
	lines_are($book, 'first', 'after the orders');
	is_sound($node, 'northwind', $book, "$book: sound after the orders");

	$node->safe_psql('northwind', "INSERT INTO $book.receipt (item, qty) SELECT product_id::text, units_on_order FROM public.products WHERE units_on_order > 0");
	lines_are($book, 'shipped', 'after the deliveries');
	is_sound($node, 'northwind', $book, "$book: sound after the deliveries");

	is( $node->safe_psql('northwind', <<~SQL), '', "$book: stock is as expected");
		SELECT product_id, on_hand, greatest(s.stock + coming - demand, 0), backordered, greatest(demand - s.stock - coming, 0)
		FROM expected.product AS s FULL JOIN $book.stock AS b ON item = product_id::text
		WHERE (on_hand, available, allocated, backordered) IS DISTINCT FROM
			(greatest(s.stock + coming - demand, 0), greatest(s.stock + coming - demand, 0), 0, greatest(demand - s.stock - coming, 0))
		SQL
	is( $node->safe_psql('northwind', <<~SQL), '', "$book: deliveries went where expected");
		SELECT product_id, qty_to_backorders, qty_to_stock
		FROM (SELECT * FROM expected.product WHERE coming > 0) AS s FULL JOIN $book.receipt AS r ON item = product_id::text
		WHERE (qty, qty_to_backorders, qty_to_stock) IS DISTINCT FROM
			(coming, least(coming, greatest(demand - s.stock, 0)), coming - least(coming, greatest(demand - s.stock, 0)))
		SQL
	is( $node->safe_psql('northwind', "SELECT sum(qty) FROM $book.movement WHERE kind = 'ship'"),
		$node->safe_psql('northwind', 'SELECT sum(shipped) FROM expected.line'),
		"$book: the journal has every unit shipped");
}

# lines_are(BOOK, COLUMN, WHEN): each line has shipped what COLUMN says, and got at
# entry what it should.
sub lines_are
{
	my ($book, $column, $when) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is( $node->safe_psql('northwind', <<~SQL), '', "$book: each line is as expected $when");
		SELECT order_id, product_id, qty, $column, qty_shipped, qty_backordered, first, qty_filled_first
		FROM expected.line FULL JOIN $book.order_line ON order_ref = order_id::text AND item = product_id::text
		WHERE (qty_ordered, qty_shipped, qty_backordered, qty_allocated, qty_filled_first) IS DISTINCT FROM (qty, $column, qty - $column, 0, first)
		LIMIT 10
		SQL
	is( $node->safe_psql('northwind', "SELECT sum(qty_shipped), sum(qty_backordered) FROM $book.order_line"),
		$node->safe_psql('northwind', "SELECT sum($column), sum(qty - $column) FROM expected.line"),
		"$book: so are the totals $when");
	return;
}

done_testing();
