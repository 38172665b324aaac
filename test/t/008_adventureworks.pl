# Real deliveries: every purchase order of AdventureWorks is loaded as supply and
# received as it was, in the order of the days, while orders wait for all of it.
# What must come of it is worked out beside the book, from the loaded files alone:
# - first in, first out of one item has a closed form, in plain SQL: what came in
#   so far is laid against the running total of what waited;
# - pegging and promises by walking along queue and supply, in Perl.
#
# How the files are read. Item: the product's number. Stock: by location; the
# store, "Miscellaneous Storage", is main, where deliveries go, since purchase orders
# know no location. A delivery: ReceivedQty on the order's ShipDate. RejectedQty is
# found at inspection and goes back to the vendor by reverse_receipt(), not by a
# count: the vendor hasn't delivered it, which a count would not say, and the
# receipt that it came by is known. So stock of items that were ever rejected
# doesn't ship at once: what is inspected must still be there.
#
# Status 1 is pending, 2 approved, 3 rejected, 4 complete; the data have
# deliveries on all of them. Of those that are over (3, 4), what is missing will not
# come: they are closed short. The others stay open.
#
# Not in the files but made from them: the orders that wait; that every fifth line
# comes in two parts; that some purchase orders are delayed; at last, that the
# vendors of approved ones send too much.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use BkoTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = ($ENV{BKO_SHARED} // "$FindBin::RealBin/../../../shared") . '/data/adventureworks';
plan skip_all => 'the folder adventureworks is missing' unless -r "$data/PurchaseOrderDetail.csv";

my $node = new_node('main');
$node->safe_psql('postgres', 'CREATE DATABASE works');

sub works { return $node->safe_psql('works', $_[0]); }

# ---- The files, as they are: tabs, CRLF, no header, an empty field is null. ----

my %columns = (
	Location => 'id int, name text, cost_rate numeric, availability numeric, modified date',
	Vendor => 'id int, account text, name text, credit int, preferred int, active int, url text, modified date',
	Product => 'id int, name text, number text, make int, finished int, color text, safety_stock int, reorder_point int,
		standard_cost numeric, list_price numeric, size text, size_unit text, weight_unit text, weight numeric, days int, line text, class text, style text,
		subcategory int, model int, sell_start date, sell_end date, discontinued date, guid text, modified date',
	ProductInventory => 'product int, location int, shelf text, bin int, qty int, guid text, modified date',
	PurchaseOrderHeader => 'id int, revision int, status int, employee int, vendor int, ship_method int, ordered_on date, shipped_on date,
		sub_total numeric, tax numeric, freight numeric, total numeric, modified date',
	PurchaseOrderDetail => 'purchase_order int, id int, due date, qty int, product int, price numeric, total numeric,
		received numeric, rejected numeric, stocked numeric, modified date');
my $load = 'CREATE SCHEMA raw;';
for my $table (sort keys %columns)
{
	my $file = "$data/$table.csv" =~ s/'/''/gr;
	$load .= "CREATE TABLE raw.$table ($columns{$table}); COPY raw.$table FROM '$file' WITH (NULL '');\n";
}
works($load);

is(works('SELECT count(*), sum(qty), sum(received), sum(rejected), sum(stocked) FROM raw.PurchaseOrderDetail'),
	'8845|2348637|2327299.00|72700.00|2254599.00', 'all purchase order lines are there');
is(works('SELECT status, count(DISTINCT d.purchase_order), count(*) FILTER (WHERE received < qty), count(*) FILTER (WHERE rejected > 0), count(*) FILTER (WHERE rejected = received)
	FROM raw.PurchaseOrderDetail d JOIN raw.PurchaseOrderHeader h ON h.id = purchase_order GROUP BY status ORDER BY status'),
	"1|225|21|22|0\n2|12|3|0|0\n3|86|1|142|141\n4|3689|355|399|0", 'a rejected purchase order is one of which the goods were rejected');
is(works('SELECT count(*) FILTER (WHERE received > qty), count(*) FILTER (WHERE stocked <> received - rejected), count(*) FILTER (WHERE received = 0), count(*) FILTER (WHERE h.shipped_on > due)
	FROM raw.PurchaseOrderDetail d JOIN raw.PurchaseOrderHeader h ON h.id = purchase_order'),
	'0|0|0|7', 'the data know no over-receipt, and seven late lines');

# ---- What must come out, from the files alone ----

works(<<'SQL');
CREATE SCHEMA expected;

-- The day of the story, and up to which day inspected goods have left.
CREATE TABLE expected.today AS SELECT NULL::date AS day, NULL::date AS left_on, false AS delays_known;

-- Purchase order lines. delayed_to: where expected_on moves to, once it is known.
-- second: so much of it comes three days later. closes_on: the day after which no
-- more will come.
CREATE TABLE expected.purchase AS
SELECT d.id, status, 'PO-' || d.purchase_order AS supply_ref, p.number AS item, v.name AS supplier, h.ordered_on, d.due, d.price,
       qty, received::int, rejected::int, second::int, arrives, CASE WHEN delay > 0 THEN due + delay END AS delayed_to,
       CASE WHEN status IN (3, 4) AND stocked < qty THEN arrives + CASE WHEN second > 0 THEN 3 ELSE 0 END END AS closes_on
FROM raw.PurchaseOrderDetail d JOIN raw.PurchaseOrderHeader h ON h.id = d.purchase_order JOIN raw.Product p ON p.id = product JOIN raw.Vendor v ON v.id = vendor,
     LATERAL (SELECT CASE WHEN h.id % 8 = 3 AND shipped_on > '2014-01-15' THEN 45 ELSE 0 END AS delay) x,
     LATERAL (SELECT shipped_on + delay AS arrives, CASE WHEN d.id % 5 = 0 THEN floor(received / 2) ELSE 0 END AS second) y;

-- What comes through the door. n: in this order. Rejects are found in the second
-- part first.
CREATE TABLE expected.delivery AS
SELECT row_number() OVER (ORDER BY day, id, part) AS n, id || '/' || part AS document, supply_ref, item, price, day, received, rejected
FROM (SELECT id, supply_ref, item, price, 1 AS part, arrives AS day, received - second AS received, rejected - least(rejected, second) AS rejected FROM expected.purchase
      UNION ALL
      SELECT id, supply_ref, item, price, 2, arrives + 3, second, least(rejected, second) FROM expected.purchase WHERE second > 0
      UNION ALL -- too much
      SELECT id, supply_ref, item, price, 3, '2016-01-02', 7, 0 FROM expected.purchase WHERE status = 2) d;
CREATE INDEX ON expected.delivery (day);

-- Stock. inspected: ships when it was looked at, not at once.
CREATE TABLE expected.stock AS
SELECT item, location, coalesce(qty, 0) AS qty, item IN (SELECT item FROM expected.purchase WHERE rejected > 0) AS inspected
FROM (SELECT number AS item, CASE WHEN l.id = 6 THEN 'main' ELSE l.name END AS location, i.qty
      FROM raw.ProductInventory i JOIN raw.Product p ON p.id = product JOIN raw.Location l ON l.id = location) i
     FULL JOIN (SELECT DISTINCT item, 'main' AS location FROM expected.purchase) m USING (item, location);

-- Orders. In each store, one for more than there is; then in main one for each
-- purchase, of 60, 100 or 130 per cent of it, so that supply is too much for some
-- items and too little for others. Every sixth is urgent.
CREATE TABLE expected.line AS
SELECT row_number() OVER (ORDER BY k, item, location) AS n, *, qty - first AS waits, NULL::bigint AS before
FROM (SELECT 0 AS k, item, location, 100 AS priority, qty + 10 AS qty, qty AS first FROM expected.stock
      UNION ALL
      SELECT id, item, 'main', CASE WHEN id % 6 = 0 THEN 10 ELSE 100 END, (qty * CASE ascii(right(item, 1)) % 3 WHEN 0 THEN 60 WHEN 1 THEN 100 ELSE 130 END + 99) / 100, 0
      FROM expected.purchase) l;
-- before: what waits in front of it.
UPDATE expected.line l SET before = x.before
FROM (SELECT n, sum(waits) OVER (PARTITION BY item, location ORDER BY priority, n ROWS UNBOUNDED PRECEDING) - waits AS before FROM expected.line) x
WHERE x.n = l.n;

-- What each delivery goes to. in_before: what is there of those before it; those of
-- the same day are not inspected yet.
CREATE TABLE expected.receipt AS
SELECT document, item, supply_ref, day, received, least(demand, in_before + received) - least(demand, in_before) AS to_backorders
FROM (SELECT *, coalesce(sum(received - rejected) OVER (PARTITION BY item ORDER BY day RANGE UNBOUNDED PRECEDING EXCLUDE GROUP), 0)
              + sum(received) OVER (PARTITION BY item, day ORDER BY n ROWS UNBOUNDED PRECEDING) - received AS in_before
      FROM expected.delivery) d
     JOIN (SELECT item, sum(waits) AS demand FROM expected.line WHERE location = 'main' GROUP BY item) w USING (item);

-- As of today. came: in for good; left_by: so much when inspected goods last left.
CREATE VIEW expected.came_now AS
SELECT item, location, CASE WHEN location = 'main' THEN coalesce(came, 0) ELSE 0 END AS came,
       CASE WHEN location <> 'main' THEN 0 WHEN inspected THEN coalesce(left_by, 0) ELSE coalesce(came, 0) END AS left_by
FROM expected.stock LEFT JOIN
     (SELECT item, sum(received - rejected) AS came, sum(received - rejected) FILTER (WHERE d.day <= left_on) AS left_by
      FROM expected.delivery d, expected.today t WHERE d.day <= t.day GROUP BY item) d USING (item);
CREATE VIEW expected.line_now AS
SELECT n, item, location, priority, qty, first, waits - filled AS waits, first + left_by AS shipped, filled - left_by AS allocated
FROM (SELECT l.*, least(waits, greatest(came - before, 0)) AS filled, least(waits, greatest(left_by - before, 0)) AS left_by
      FROM expected.line l JOIN expected.came_now USING (item, location)) l;
CREATE VIEW expected.stock_now AS
SELECT item, location, came - sum(left_by) AS on_hand, sum(filled - left_by) AS allocated, sum(waits - filled) AS waits
FROM (SELECT item, location, came, waits, least(waits, greatest(came - before, 0)) AS filled, least(waits, greatest(c.left_by - before, 0)) AS left_by
      FROM expected.line l JOIN expected.came_now c USING (item, location)) l
GROUP BY item, location, came;
-- Lines of one reference and item fill up one after the other; the last takes all
-- that is too much.
CREATE VIEW expected.supply_now AS
SELECT id, supply_ref, item, qty, coalesce(CASE WHEN delays_known THEN delayed_to END, due) AS expected_on, coalesce(closes_on <= day, false) AS closed,
       CASE WHEN is_last THEN greatest(came - front, 0) ELSE least(qty, greatest(came - front, 0)) END AS got
FROM (SELECT *, sum(qty) OVER line - qty AS front, lead(id) OVER line IS NULL AS is_last
      FROM expected.purchase WINDOW line AS (PARTITION BY supply_ref, item ORDER BY due, id)) p
     JOIN (SELECT supply_ref, item, coalesce(sum(received - rejected) FILTER (WHERE d.day <= t.day), 0) AS came
           FROM expected.delivery d, expected.today t GROUP BY supply_ref, item) d USING (supply_ref, item), expected.today;
ANALYZE;
SQL

# What of the story the checks would not notice if it were missing.
is(works(<<'SQL'), '1769|896|663|t|t', 'the story has split deliveries, purchases closed short, delays, and items with too little and too much supply');
SELECT (SELECT count(*) FROM expected.delivery WHERE document LIKE '%/2'), (SELECT count(*) FROM expected.purchase WHERE closes_on IS NOT NULL),
       (SELECT count(*) FROM expected.purchase WHERE delayed_to IS NOT NULL), bool_or(demand > supply), bool_or(demand < supply)
FROM (SELECT item, sum(waits) AS demand FROM expected.line WHERE location = 'main' GROUP BY item) l JOIN (SELECT item, sum(qty) AS supply FROM expected.purchase GROUP BY item) p USING (item)
SQL

# ---- The book ----

works(<<'SQL');
CREATE EXTENSION bko;
SELECT bko.create_book('shop');
ALTER TABLE shop.supply ADD COLUMN purchase_line integer UNIQUE;
INSERT INTO shop.stock (item, location, on_hand, ships_at_once) SELECT item, location, qty, NOT inspected FROM expected.stock;
INSERT INTO shop.order_line (order_ref, item, location, priority, qty_ordered)
SELECT 'SO-' || n, item, location, priority, qty FROM expected.line ORDER BY n;
SQL
is(works('SELECT count(*), count(promised_on) FROM shop.open_backorder'), works('SELECT count(*), 0 FROM expected.line'), 'every order waits, and nothing is promised');
is(works('SELECT sum(on_hand), sum(allocated) FROM shop.stock'), works('SELECT sum(qty), sum(qty) FROM expected.stock WHERE inspected'),
	'what is there has gone to the first orders; it left, but for goods that are inspected');

works(<<'SQL');
INSERT INTO shop.supply (supply_ref, supplier, item, qty_expected, ordered_on, promised_on, expected_on, unit_cost, purchase_line)
SELECT supply_ref, supplier, item, qty, ordered_on, due, due, price, id FROM expected.purchase ORDER BY id;
ANALYZE;
SQL
leave('2011-01-01');
book_is_as_expected('before the first delivery');

receive_until('2014-01-15');
book_is_as_expected('in January 2014');
leave('2014-01-15');

# The vendors of some write that they are late.
is(works(<<'SQL'), 't|0', 'delays move promises at once, and none forward');
BEGIN;
CREATE TEMPORARY TABLE promise AS SELECT line_id, promised_on FROM shop.open_backorder;
UPDATE shop.supply SET expected_on = delayed_to FROM expected.purchase WHERE id = purchase_line AND delayed_to IS NOT NULL;
SELECT count(*) FILTER (WHERE b.promised_on > p.promised_on) > 1000, count(*) FILTER (WHERE b.promised_on < p.promised_on OR p.promised_on IS NULL AND b.promised_on IS NOT NULL)
FROM shop.open_backorder b JOIN promise p USING (line_id);
COMMIT;
SQL
works('UPDATE expected.today SET delays_known = true');
book_is_as_expected('when delays are known');

receive_until('2014-06-10');
is(works(<<'SQL'), 't|t|t', 'in June 2014 some supply is overdue, some partly here, some closed short');
SELECT count(*) FILTER (WHERE expected_on < '2014-06-10' AND NOT closed AND qty_received = 0) > 0, count(*) FILTER (WHERE qty_received BETWEEN 1 AND qty_expected - 1 AND NOT closed) > 0,
       count(*) FILTER (WHERE closed AND qty_received < qty_expected) > 0 FROM shop.supply
SQL
book_is_as_expected('in June 2014');
leave('2014-06-10');

receive_until('2016-01-01');
book_is_as_expected('when all is received');
is(works('SELECT count(*), sum(qty_received) FROM shop.supply'), works('SELECT count(*), sum(stocked)::int FROM raw.PurchaseOrderDetail'), 'received is what AdventureWorks has stocked');
is(works('SELECT sum(qty_expected - qty_received) FROM shop.supply WHERE NOT closed'),
	works('SELECT sum(qty - stocked)::int FROM raw.PurchaseOrderDetail d JOIN raw.PurchaseOrderHeader h ON h.id = purchase_order WHERE status IN (1, 2)'),
	'what is missing of open purchase orders, or was rejected, is still to come');

# Nothing comes on what is closed.
is(works(<<'SQL'), works("SELECT 'BK007|' || count(closes_on) FROM expected.purchase"), 'each closed line refuses a delivery');
CREATE FUNCTION pg_temp.try(item text, supply_ref text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO shop.receipt (item, qty, supply_ref) VALUES (item, 1, supply_ref);
    RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END$$;
SELECT pg_temp.try(item, supply_ref), count(*) FROM shop.supply WHERE closed GROUP BY 1;
SQL

# Too much comes on approved ones, even where three lines of one product are open.
leave('2016-01-01');
receive_until('2016-01-02');
is(works('SELECT sum(qty_received - qty_expected) FROM shop.supply WHERE qty_received > qty_expected'),
	works('SELECT sum(got - qty) FROM expected.supply_now WHERE got > qty'), 'over-receipts are taken and recorded');
book_is_as_expected('when too much has come');
leave('2016-01-02');

same_lines(works(<<'SQL'), works(<<'SQL'), 'each delivery went to waiting lines and to stock as expected');
SELECT document, item, location, supply_ref, received_at::date, qty, qty_to_backorders, qty_to_stock FROM shop.receipt
SQL
SELECT document, item, 'main', supply_ref, day, received, to_backorders, received - to_backorders FROM expected.receipt
SQL
is(works(<<'SQL'), '', 'the journal names the delivery of each fill');
SELECT receipt_id, r.qty_to_backorders, filled
FROM shop.receipt r FULL JOIN (SELECT receipt_id, sum(qty) AS filled FROM shop.movement WHERE from_state = 'b' AND line_id IS NOT NULL GROUP BY receipt_id) m USING (receipt_id)
WHERE coalesce(filled, 0) IS DISTINCT FROM qty_to_backorders LIMIT 10
SQL
same_lines(works(<<'SQL'), works(<<'SQL'), 'the journal has each rejection, on its delivery');
SELECT document, -sum(m.qty), m.reason FROM shop.movement m JOIN shop.receipt r USING (receipt_id) WHERE m.kind = 'receive' AND m.qty < 0 GROUP BY document, m.reason
SQL
SELECT document, rejected, 'rejected' FROM expected.delivery WHERE rejected > 0
SQL
same_lines(works('SELECT item, sum(on_hand) FROM shop.stock GROUP BY item'), works(<<'SQL'), 'on hand is what was there and came, less what left');
SELECT item, sum(qty) FROM (
	SELECT number AS item, i.qty FROM raw.ProductInventory i JOIN raw.Product p ON p.id = product
	UNION ALL SELECT item, received - rejected FROM expected.delivery
	UNION ALL SELECT item, -qty_shipped FROM shop.order_line) x GROUP BY item
SQL

# ---- How ----

# All deliveries up to a day, and what is done about them on that day: inspection,
# and closing what will stay short.
sub receive_until
{
	my ($day) = @_;
	works(<<~SQL);
		DO \$\$
		DECLARE today date;
		BEGIN
		    FOR today IN SELECT DISTINCT d.day FROM expected.delivery d, expected.today t WHERE d.day > t.day AND d.day <= '$day' ORDER BY d.day LOOP
		        INSERT INTO shop.receipt (item, qty, supply_ref, received_at, unit_cost, document)
		        SELECT item, received, supply_ref, day, price, document FROM expected.delivery WHERE day = today ORDER BY n;
		        PERFORM shop.reverse_receipt(receipt_id, rejected, 'rejected') FROM expected.delivery JOIN shop.receipt USING (document, item) WHERE day = today AND rejected > 0;
		        UPDATE shop.supply SET closed = true FROM expected.purchase WHERE id = purchase_line AND closes_on = today;
		        COMMIT;
		    END LOOP;
		END\$\$;
		UPDATE expected.today SET day = '$day';
		ANALYZE shop.order_line, shop.supply;
		SQL
	return;
}

# What was inspected ships.
sub leave
{
	my ($day) = @_;
	works("SELECT shop.ship(line_id) IS NULL FROM shop.order_line WHERE qty_allocated > 0");
	works("UPDATE expected.today SET day = '$day', left_on = '$day'");
	return;
}

sub book_is_as_expected
{
	my ($when) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	same_lines(works(<<~SQL), works(<<~SQL), "each line is as expected $when");
		SELECT order_ref, item, location, qty_ordered, qty_filled_first, qty_shipped, qty_allocated, qty_backordered FROM shop.order_line
		SQL
		SELECT 'SO-' || n, item, location, qty, first, shipped, allocated, waits FROM expected.line_now
		SQL
	same_lines(works(<<~SQL), works(<<~SQL), "stock is as expected $when");
		SELECT item, location, on_hand, allocated, backordered FROM shop.stock
		SQL
		SELECT item, location, on_hand, allocated, waits FROM expected.stock_now
		SQL
	same_lines(works(<<~SQL), works(<<~SQL), "supply is as expected $when");
		SELECT purchase_line, supply_ref, item, qty_expected, qty_received, expected_on, closed FROM shop.supply
		SQL
		SELECT id, supply_ref, item, qty, got, expected_on, closed FROM expected.supply_now
		SQL

	my ($pegging, $promises) = lay_supply_against_queue();
	same_lines(works(<<~SQL), join("\n", @$pegging), "pegging is as expected $when");
		SELECT order_ref, p.supply_ref, purchase_line, qty, p.expected_on FROM shop.pegging p JOIN shop.supply s USING (supply_id)
		SQL
	same_lines(works(<<~SQL), join("\n", @$promises), "places and promises are as expected $when");
		SELECT order_ref, qty_backordered, position, qty_ahead, promised_on, supply_ref FROM shop.open_backorder
		SQL

	is(works(<<~SQL), '', "no line is pegged to more than it waits for, no supply to more than comes $when");
		SELECT 'line', line_id, sum(p.qty) FROM shop.pegging p JOIN shop.order_line l USING (line_id) GROUP BY line_id, qty_backordered HAVING sum(p.qty) > qty_backordered OR min(p.qty) <= 0
		UNION ALL
		SELECT 'supply', supply_id, sum(p.qty) FROM shop.pegging p JOIN shop.supply s USING (supply_id) GROUP BY supply_id, closed, qty_expected, qty_received HAVING closed OR sum(p.qty) > qty_expected - qty_received
		SQL
	is(works(<<~SQL), '', "nobody is promised an earlier day than one before him $when");
		SELECT line_id, ahead, promised_on
		FROM (SELECT line_id, coalesce(promised_on, 'infinity') AS promised_on, max(coalesce(promised_on, 'infinity')) OVER (PARTITION BY item, location ORDER BY position) AS ahead FROM shop.open_backorder) b
		WHERE promised_on < ahead
		SQL
	is_sound($node, 'works', 'shop', "the book is sound $when");
	return;
}

# Lays what comes against what waits, line by line: pegging and open_backorder as
# they should be now.
sub lay_supply_against_queue
{
	my (%coming, %place, %ahead, @pegging, @promises);
	for (split /\n/, works('SELECT item, supply_ref, id, qty - got, expected_on FROM expected.supply_now WHERE NOT closed AND qty > got ORDER BY expected_on, id'))
	{
		my ($item, $ref, $id, $qty, $day) = split /\|/;
		push @{ $coming{"$item|main"} }, { ref => $ref, id => $id, qty => $qty, day => $day };
	}
	for (split /\n/, works('SELECT n, item, location, waits FROM expected.line_now WHERE waits > 0 ORDER BY priority, n'))
	{
		my ($n, $item, $location, $waits) = split /\|/;
		my $queue = "$item|$location";
		my $supplies = $coming{$queue} // [];
		my ($missing, $promise) = ($waits, '|');
		while ($missing > 0 && @$supplies)
		{
			my $supply = $supplies->[0];
			my $qty = $missing < $supply->{qty} ? $missing : $supply->{qty};
			push @pegging, "SO-$n|$supply->{ref}|$supply->{id}|$qty|$supply->{day}";
			$missing -= $qty;
			$supply->{qty} -= $qty;
			$promise = "$supply->{day}|$supply->{ref}" if $missing == 0;
			shift @$supplies if $supply->{qty} == 0;
		}
		push @promises, join '|', "SO-$n", $waits, ++$place{$queue}, $ahead{$queue} // 0, $promise;
		$ahead{$queue} += $waits;
	}
	return (\@pegging, \@promises);
}

done_testing();
