# A busy book goes through pg_dump and back, by every way there is, and must come
# out the same: the triggers may neither split the lines again nor write the
# journal a second time. Everything is done by a role that is no superuser.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use BkoTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');
my @books = ('shop', 'Second "Book');
my $dumps = PostgreSQL::Test::Utils::tempdir;

$node->safe_psql('postgres', 'CREATE ROLE merchant LOGIN; CREATE ROLE till LOGIN');

sub quoted { my $name = shift; $name =~ s/"/""/g; return $name; }

# --- a busy book ---------------------------------------------------------------

# The user's own columns, index, trigger and rights.
my $own = <<'SQL';
ALTER TABLE order_line ADD COLUMN "our note" text DEFAULT 'none', ADD COLUMN tags text[];
ALTER TABLE archived_line ADD COLUMN "our note" text, ADD COLUMN tags text[];
ALTER TABLE stock ADD COLUMN shelf text;
CREATE INDEX our_index ON order_line ("our note") WHERE qty_backordered > 0;
CREATE FUNCTION our_trigger() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN new.tags := new.tags || 'seen'::text; RETURN new; END$$;
CREATE TRIGGER our_trigger BEFORE INSERT ON order_line FOR EACH ROW WHEN (new.tags IS NULL) EXECUTE FUNCTION our_trigger();
GRANT SELECT, INSERT ON order_line TO till;
SQL

# Lines that wait, ship in part, in full, are held, and that came by receipts;
# names that need quoting; one item at two locations.
my $busy = <<'SQL';
INSERT INTO stock (item, location, on_hand, unit_cost, qty_step, backorder_limit, ships_at_once, shelf) VALUES
    ('bolt', 'main', 100, 0.25, NULL, NULL, true, 'A1'), ('bolt', 'west', 5, 0.25, NULL, 500, true, NULL),
    ('held', 'main', 20, 7, NULL, NULL, false, E'back\\slash\tand tab'), ('by ten', 'main', 55, 1, 10, NULL, true, ''),
    (E'tricky ''"\\N\n é', 'main', 3, 1.000001, NULL, NULL, true, 'NULL');
INSERT INTO supply (supply_ref, kind, supplier, item, qty_expected, expected_on, unit_cost) VALUES
    ('PO-1', 'purchase', 'Acme', 'bolt', 60, '2030-01-01', 0.2), ('PO-2', 'production', NULL, 'held', 30, NULL, NULL);
INSERT INTO order_line (order_ref, line_no, customer, item, priority, qty_ordered, unit_price, currency, requested_on)
    SELECT 'SO-' || i, 1, 'Customer ' || i % 7, 'bolt', 100 - i % 3, 1 + i % 11, 9.90, 'EUR', date '2030-01-01' + i
    FROM generate_series(1, 60) i;
INSERT INTO order_line (order_ref, location, item, qty_ordered, demand, "our note") VALUES
    ('W-1', 'west', 'bolt', 4.5, 'internal', 'x'), ('W-2', 'west', 'bolt', 4.000001, 'customer', E'line\nbreak');
INSERT INTO order_line (order_ref, item, qty_ordered) SELECT 'H-' || i, 'held', 6 FROM generate_series(1, 6) i;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('T-1', 'by ten', 40), ('T-2', 'by ten', 40);
INSERT INTO order_line (order_ref, item, qty_ordered, tags) VALUES (NULL, E'tricky ''"\\N\n é', 5, '{a,"b c"}');
INSERT INTO sourcing (item, locations, split) VALUES ('bolt', '{west,"no such place",main}', true), ('', '{main}', false);
INSERT INTO order_line (order_ref, location, item, qty_ordered, "our note") VALUES ('S-1', NULL, 'bolt', 7, 'sourced'), ('S-2', NULL, 'held', 1, 'sourced');
SELECT transfer('bolt', 3, 'west', 'main', '2030-02-02'), transfer('bolt', 2, 'main', 'west', ref => 'T-1');
INSERT INTO receipt (item, qty, supply_ref, unit_cost, note) VALUES ('bolt', 37, 'PO-1', 0.2, 'torn box'), ('held', 10, 'PO-2', NULL, NULL);
INSERT INTO receipt (item, qty) VALUES ('by ten', 25), (E'tricky ''"\\N\n é', 0.5);
UPDATE stock SET on_hand = on_hand + 3.25 WHERE item = 'bolt' AND location = 'west';
INSERT INTO stock (item, on_hand) VALUES ('hot', 1000);
SELECT set_lanes('hot', lanes => 3);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('L-1', 'hot', 7), ('L-2', 'hot', 200), ('L-3', 'hot', 2);
INSERT INTO stock (item, on_hand) VALUES ('rationed', 20);
INSERT INTO customer_group (customer, group_name) VALUES ('Customer 1', 'few'), ('Customer 2', 'many');
INSERT INTO cap (item, customer_group, qty, period) VALUES ('rationed', 'many', 5, 'ever');
INSERT INTO protection (item, customer_group, qty) VALUES ('rationed', 'few', 6);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('R-1', 'Customer 2', 'rationed', 9), ('R-2', 'Customer 3', 'rationed', 12);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on, for_line_id) SELECT 'PO-3', 'rationed', 4, '2030-03-03', line_id FROM order_line WHERE order_ref = 'R-2';
SELECT publish_promises();
SQL

# What a book can do beyond that, as soon as it can.
my %more = (
	ship => "SELECT ship(line_id, 2) FROM order_line WHERE order_ref = 'H-1'",
	cancel => "SELECT cancel(line_id, 1) FROM order_line WHERE order_ref IN ('SO-58', 'H-2')",
	return_goods => "SELECT return_goods(line_id, 1) FROM order_line WHERE order_ref = 'SO-2'",
	count_stock => "SELECT count_stock('held', 25)",
	archive => "SELECT archive('infinity', 10)",
	cancel_transfer => "SELECT cancel_transfer('T-1')",
	reverse_receipt => "SELECT reverse_receipt(receipt_id, 1) FROM receipt WHERE item = 'held'",);

new_database($node, 'source', 'merchant');
sql($node, 'source', 'merchant', 'CREATE EXTENSION bko');
for my $book (@books)
{
	my $in_book = sprintf('SET search_path = "%s"; ', quoted($book));
	sql($node, 'source', 'merchant', "SELECT bko.create_book('$book')");
	sql($node, 'source', 'merchant', $in_book . $own);
	sql($node, 'source', 'merchant', $in_book . $busy);
	for my $function (sort keys %more)
	{
		if (has_function($node, 'source', quoted($book), $function))
		{
			sql($node, 'source', 'merchant', $in_book . $more{$function});
		}
		else
		{
			note("no function $function() yet");
		}
	}
	is_sound($node, 'source', quoted($book), "$book: sound before the dump");
}
is( sql($node, 'source', 'merchant', <<~'SQL'), 't|t|t|t|t', 'the book has lines in many states');
	SELECT bool_or(qty_backordered = qty_ordered), bool_or(qty_backordered > 0 AND qty_shipped > 0), bool_or(qty_shipped = qty_ordered),
	       bool_or(qty_allocated > 0), bool_or(qty_filled_first < qty_shipped) FROM shop.order_line
	SQL

# --- the ways of a dump --------------------------------------------------------

# compare DATABASE, WAY: the books in it are those of the source, sound, and go on
# where those were.
sub compare
{
	my ($db, $way) = @_;
	for my $book (@books)
	{
		my $name = quoted($book);
		is_deeply(contents($node, $db, $name), contents($node, 'source', $name), "$way: $book has the same rows");
		same_lines(schema_of($node, $db, $name), schema_of($node, 'source', $name), "$way: $book is defined the same");
		is_sound($node, $db, $name, "$way: $book is sound");
		go_on($db, $way, $name);
	}
	return;
}

sub go_on
{
	my ($db, $way, $book) = @_;
	my $last = sql($node, $db, 'merchant', "SELECT max(line_id) FROM \"$book\".order_line");
	is( sql($node, $db, 'merchant',
			"INSERT INTO \"$book\".order_line (order_ref, item, qty_ordered) VALUES ('NEW', 'held', 1000) RETURNING line_id - $last, qty_ordered - qty_backordered - qty_allocated"),
		'1|0', "$way: $book goes on numbering lines");
	my $waiting = sql($node, $db, 'merchant', "SELECT backordered FROM \"$book\".stock WHERE (item, location) = ('bolt', 'main')");
	is( sql($node, $db, 'merchant',
			"INSERT INTO \"$book\".receipt (item, qty) VALUES ('bolt', 10000) RETURNING qty_to_backorders = $waiting, qty_to_stock = 10000 - $waiting"),
		't|t', "$way: $book fills what waited before the dump");
	is( sql($node, $db, 'merchant',
			"INSERT INTO \"$book\".order_line (order_ref, item, location, qty_ordered) VALUES ('NEW', 'bolt', NULL, 10000) RETURNING location; "
			  . "SELECT sum(qty_ordered) FROM \"$book\".order_line WHERE (order_ref, item) = ('NEW', 'bolt'); "
			  . "SELECT ref FROM \"$book\".transfer('bolt', 1, 'main', 'west')"),
		"main\n10000\nTR-2", "$way: $book sources by its rules and numbers transfers on");
	is( sql($node, $db, 'merchant', <<~"SQL"), "0\nR-2|3\n6", "$way: $book goes on rationing, and filling the line that supply was bought for");
		INSERT INTO "$book".order_line (order_ref, customer, item, qty_ordered) VALUES ('NEW', 'Customer 2', 'rationed', 1) RETURNING qty_shipped;
		SELECT order_ref, qty FROM "$book".receive('rationed', 3, supply_ref => 'PO-3');
		INSERT INTO "$book".order_line (order_ref, customer, item, qty_ordered) VALUES ('NEW', 'Customer 1', 'rationed', 7) RETURNING qty_shipped;
		SQL
	is( sql($node, $db, 'merchant', <<~"SQL"), "10\nt\n0", "$way: $book goes on archiving");
		SELECT count(*) FROM "$book".archived_line;
		SELECT "$book".archive('infinity') > 0;
		SELECT count(*) FROM "$book".verify_archive();
		SQL
	is_sound($node, $db, $book, "$way: $book is sound after going on");
	return;
}

sub run_as_merchant
{
	my ($program, @arguments) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return $node->command_ok([ $program, '--username', 'merchant', @arguments ], join(' ', $program, grep { !/\Q$dumps/ } @arguments));
}

my @psql = ('psql', '--no-psqlrc', '--quiet', '--set', 'ON_ERROR_STOP=1', '--output', '/dev/null');
my %ways = (
	custom => [ [ '--format=custom' ], [ 'pg_restore', '--exit-on-error' ] ],
	parallel => [ [ '--format=directory', '--jobs=2' ], [ 'pg_restore', '--exit-on-error', '--jobs=2' ] ],
	plain => [ [ '--format=plain' ], [ @psql, '--file' ] ],
	inserts => [ [ '--format=plain', '--inserts' ], [ @psql, '--file' ] ],);
for my $way (sort keys %ways)
{
	my ($dump, $restore) = @{ $ways{$way} };
	new_database($node, $way, 'merchant');
	run_as_merchant('pg_dump', @$dump, '--file', "$dumps/$way", 'source');
	run_as_merchant(@$restore, '--dbname', $way, "$dumps/$way") if $restore->[0] eq 'pg_restore';
	run_as_merchant(@$restore, "$dumps/$way", '--dbname', $way) if $restore->[0] eq 'psql';
	compare($way, $way);
}

# Data alone, into books made by this version of the code.
for my $way ('copy', 'column-inserts')
{
	my $db = $way =~ s/-/_/r;
	new_database($node, $db, 'merchant');
	sql($node, $db, 'merchant', 'CREATE EXTENSION bko');
	for my $book (@books)
	{
		sql($node, $db, 'merchant', "SELECT bko.create_book('$book')");
		sql($node, $db, 'merchant', sprintf('SET search_path = "%s"; ', quoted($book)) . $own);
	}
	run_as_merchant('pg_dump', '--data-only', ($way eq 'copy' ? () : "--$way"), '--file', "$dumps/$way.data", 'source');
	run_as_merchant(@psql, '--file', "$dumps/$way.data", '--dbname', $db);
	compare($db, "data only, $way");
}

done_testing();
