# An application that knows nothing of bko: Northwind as it is, its order_details and
# products attached. Orders are placed as it places them, an old backlog is imported,
# and the whole is dumped and restored. What must come out is said by plain SQL.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use BkoTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = ($ENV{BKO_SHARED} // "$FindBin::RealBin/../../../shared") . '/data/northwind.sql';
plan skip_all => 'northwind.sql is missing' unless -r $data;

my $node = new_node('main');
$node->safe_psql('postgres', 'CREATE DATABASE northwind');
$node->command_ok(
	[ 'psql', '--no-psqlrc', '--quiet', '--output', '/dev/null', '--dbname', 'northwind', '--port', $node->port, '--host', $node->host, '--file', $data ],
	'Northwind is loaded');
$node->safe_psql('northwind', <<'SQL');
CREATE EXTENSION bko;
SELECT bko.create_book('shop');
CREATE SCHEMA expected;
CREATE TABLE expected.stock AS SELECT product_id, units_in_stock FROM public.products;
SQL
$node->safe_psql('postgres', 'CREATE DATABASE imported TEMPLATE northwind');

# --- orders as the application places them -----------------------------------

is($node->safe_psql('northwind', "SELECT shop.attach_stock('products', item => 'product_id', on_hand => 'units_in_stock')"), '77', 'all products are attached');
is( $node->safe_psql('northwind', "SELECT shop.attach_orders('order_details', item => 'product_id', qty => 'quantity', order_ref => 'order_id', unit_price => 'unit_price')"),
	'0', 'no old line is brought in unasked');
is($node->safe_psql('northwind', 'SELECT item, on_hand FROM shop.stock EXCEPT SELECT product_id::text, units_in_stock FROM expected.stock'), '', 'stock is what the products say');
is( $node->safe_psql('northwind', 'SELECT columns FROM shop.attachment ORDER BY attached_id DESC LIMIT 1'),
	'{"qty": "quantity", "item": "product_id", "key1": "order_id", "key2": "product_id", "order_ref": "order_id", "unit_price": "unit_price"}',
	'the composite key is found');

# 20 orders of 3 products each, 20 of each: together more than there is of most.
$node->safe_psql('northwind', <<'SQL');
DO $$
BEGIN
    FOR o IN 20001 .. 20020 LOOP
        INSERT INTO orders (order_id, customer_id, order_date) VALUES (o, 'ALFKI', current_date);
        INSERT INTO order_details (order_id, product_id, unit_price, quantity, discount)
        SELECT o, p, 9.99, 20, 0 FROM generate_series(1, 60) p WHERE p % 20 = o % 20;
    END LOOP;
    FOR o IN 20021 .. 20022 LOOP
        INSERT INTO orders (order_id, customer_id, order_date) VALUES (o, 'ALFKI', current_date);
        INSERT INTO order_details SELECT o, product_id, unit_price, 30, 0.1 FROM products;
    END LOOP;
END $$;
CREATE VIEW expected.line AS
SELECT order_id, product_id, quantity AS qty, least(quantity, greatest(units_in_stock - before, 0)) AS shipped, 0 AS before_shipped
FROM (SELECT order_id, product_id, quantity, sum(quantity) OVER (PARTITION BY product_id ORDER BY order_id ROWS UNBOUNDED PRECEDING) - quantity AS before
      FROM public.order_details WHERE order_id > 20000) AS d JOIN expected.stock USING (product_id);
SQL

# lines_are(DATABASE, WHEN): the book, the products and what was expected agree.
sub lines_are
{
	my ($db, $when) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is( $node->safe_psql($db, <<~SQL), '', "$db: each line is as expected $when");
		SELECT order_id, product_id, qty, shipped, qty_shipped, qty_backordered
		FROM expected.line FULL JOIN shop.order_line ON order_ref = order_id::text AND item = product_id::text
		WHERE (qty_ordered, qty_shipped, qty_backordered) IS DISTINCT FROM (qty, shipped, qty - shipped)
		LIMIT 10
		SQL
	is( $node->safe_psql($db, <<~SQL), '', "$db: the products say what is left $when");
		SELECT p.product_id, p.units_in_stock, e.units_in_stock, sum(l.shipped)
		FROM public.products AS p JOIN expected.stock AS e USING (product_id) LEFT JOIN expected.line AS l USING (product_id)
		GROUP BY p.product_id, e.units_in_stock
		HAVING p.units_in_stock <> e.units_in_stock - coalesce(sum(l.shipped - l.before_shipped), 0)
		SQL
	is_sound($node, $db, 'shop', "$db: sound $when");
	return;
}
is($node->safe_psql('northwind', 'SELECT count(*), sum(qty), sum(qty_backordered) > 0 FROM expected.line JOIN shop.order_line ON order_ref = order_id::text AND item = product_id::text'), '214|5820|t', 'all new lines are in the book');
lines_are('northwind', 'after the orders');

# What comes in is 10 of each product, by the book; and 5 more, counted by the application.
$node->safe_psql('northwind', <<'SQL');
INSERT INTO shop.receipt (item, qty) SELECT product_id::text, 10 FROM products;
UPDATE products SET units_in_stock = units_in_stock + 5;
UPDATE expected.stock SET units_in_stock = units_in_stock + 15;
SQL
lines_are('northwind', 'after deliveries');

# Old rows are none of ours.
$node->safe_psql('northwind', <<'SQL');
UPDATE order_details SET quantity = quantity + 1 WHERE order_id = 10248;
DELETE FROM order_details WHERE order_id = 10249;
SQL
lines_are('northwind', 'after changes of old rows');
fails($node, 'northwind', 'postgres', 'DELETE FROM order_details WHERE order_id = 20001', 'BK004', 'has shipped', 'what has shipped is not deleted');
fails($node, 'northwind', 'postgres', 'UPDATE order_details SET quantity = 1 WHERE order_id = 20001', 'BK004', 'is less than', 'nor made less');

# --- an old backlog is imported ----------------------------------------------

# Lines of orders with a date of shipping have shipped, the others wait, oldest first.
$node->safe_psql('imported', <<'SQL');
ALTER TABLE order_details ADD COLUMN shipped smallint, ADD COLUMN waiting smallint, ADD COLUMN ordered date;
UPDATE order_details SET shipped = CASE WHEN shipped_date IS NULL THEN 0 ELSE quantity END, ordered = order_date
FROM orders WHERE orders.order_id = order_details.order_id;
CREATE TABLE expected.line AS
SELECT order_id, product_id, qty, before_shipped, CASE WHEN before_shipped > 0 THEN before_shipped ELSE least(qty, greatest(units_in_stock - before, 0)) END AS shipped
FROM (SELECT order_id, product_id, quantity AS qty, shipped AS before_shipped,
             sum(quantity - shipped) OVER (PARTITION BY product_id ORDER BY ordered, order_id ROWS UNBOUNDED PRECEDING) - (quantity - shipped) AS before
      FROM order_details) AS d JOIN expected.stock USING (product_id);
SELECT shop.attach_stock('products', item => 'product_id', on_hand => 'units_in_stock');
SQL
is( $node->safe_psql('imported', "SELECT shop.attach_orders('order_details', item => 'product_id', qty => 'quantity', order_ref => 'order_id', unit_price => 'unit_price', shipped => 'shipped', backordered => 'waiting', ordered_at => 'ordered', import => true)"),
	'2155', 'all lines are brought in');
ok($node->safe_psql('imported', 'SELECT sum(qty_backordered) FROM shop.order_line') > 0, 'some wait');
lines_are('imported', 'after the import');
is($node->safe_psql('imported', 'SELECT count(*) FROM order_details JOIN expected.line AS e USING (order_id, product_id) WHERE (order_details.shipped, waiting) IS DISTINCT FROM (e.shipped, e.qty - e.shipped)'), '0', "the application's rows say so");
is($node->safe_psql('imported', 'SELECT rows, kept, breaks FROM shop.attachment ORDER BY attached_id'), "77|77|0\n2155|2155|0", 'attachment: all are kept');

# --- dumped and restored -----------------------------------------------------

my $dump = "$ENV{TESTDATADIR}/northwind.dump";
mkdir $ENV{TESTDATADIR} unless -d $ENV{TESTDATADIR};
$node->command_ok([ 'pg_dump', '--port', $node->port, '--host', $node->host, '--format', 'custom', '--file', $dump, 'imported' ], 'it is dumped');
$node->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--port', $node->port, '--host', $node->host, '--exit-on-error', '--dbname', 'restored', $dump ], 'and restored');
for my $schema (qw(public shop))
{
	my ($there, $here) = map { contents($node, $_, $schema) } qw(imported restored);
	is_deeply([ sort keys %$here ], [ sort keys %$there ], "the tables of $schema are there");
	same_lines($here->{$_}, $there->{$_}, "$_ is the same") for sort keys %$there;
	same_lines(schema_of($node, 'restored', $schema), schema_of($node, 'imported', $schema), "the definition of $schema is the same");
}
my $attachment = 'SELECT attached_id, kind, relation, columns, constants, rows, kept, breaks FROM shop.attachment ORDER BY attached_id';
is($node->safe_psql('restored', $attachment), $node->safe_psql('imported', $attachment), 'it is attached as before');
lines_are('restored', 'after the restore');

# It works on: a receipt for the first who waits, an order, a rise by the application.
my ($product) = $node->safe_psql('restored', 'SELECT product_id FROM order_details WHERE waiting > 0 ORDER BY product_id LIMIT 1');
for my $db (qw(imported restored))
{
	$node->safe_psql($db, <<~SQL);
		INSERT INTO shop.receipt (item, qty) VALUES ('$product', 10000);
		UPDATE products SET units_in_stock = units_in_stock + 7 WHERE product_id = 1;
		INSERT INTO orders (order_id, customer_id, order_date) VALUES (20001, 'ALFKI', current_date);
		INSERT INTO order_details (order_id, product_id, unit_price, quantity, discount) VALUES (20001, $product, 1, 3, 0), (20001, 2, 1, 30000, 0);
		SQL
	is($node->safe_psql($db, "SELECT count(*) FROM order_details WHERE product_id = $product AND waiting > 0"), '0', "$db: what waited has come");
	is($node->safe_psql($db, "SELECT shipped, waiting FROM order_details WHERE order_id = 20001 AND product_id = $product"), '3|0', "$db: the new line is split");
	is($node->safe_psql($db, 'SELECT breaks FROM shop.attachment ORDER BY attached_id'), "0\n0", "$db: both agree");
	is_sound($node, $db, 'shop', "$db: sound at last");
}
is( $node->safe_psql('restored', 'SELECT order_id, product_id, shipped, waiting FROM order_details ORDER BY 1, 2'),
	$node->safe_psql('imported', 'SELECT order_id, product_id, shipped, waiting FROM order_details ORDER BY 1, 2'),
	'both went the same way');
is($node->safe_psql('restored', 'SELECT product_id, units_in_stock FROM products ORDER BY 1'), $node->safe_psql('imported', 'SELECT product_id, units_in_stock FROM products ORDER BY 1'), 'in stock too');

# The book goes, the application stays as it was made.
$node->safe_psql('restored', 'DROP SCHEMA shop CASCADE');
$node->safe_psql('restored', "INSERT INTO order_details (order_id, product_id, unit_price, quantity, discount) VALUES (20001, 3, 1, 3, 0)");
is($node->safe_psql('restored', "SELECT count(*) FROM pg_trigger WHERE tgname ~ 'bko'"), '0', 'no trigger of ours is left');

done_testing();
