# Installing, making books and taking them away, by a role that is no superuser.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use BkoTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');
$node->safe_psql('postgres', 'CREATE ROLE merchant LOGIN; CREATE ROLE guest LOGIN');

# CREATE on the database is what it takes, not to own it.
$node->safe_psql('postgres', 'CREATE DATABASE trade; GRANT CREATE ON DATABASE trade TO merchant');

sub as { my ($role, $sql) = @_; return sql($node, 'trade', $role, $sql); }

fails($node, 'trade', 'guest', 'CREATE EXTENSION bko', '42501', 'permission denied', 'without CREATE on the database no extension');
as('merchant', 'CREATE EXTENSION bko');
is($node->safe_psql('trade', "SELECT count(*), count(*) FILTER (WHERE deptype = 'e' AND classid = 'pg_class'::regclass AND (SELECT relkind FROM pg_class c WHERE c.oid = objid) IN ('r', 'S', 'v')) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bko')") =~ s/^\d+/some/r,
	'some|0', 'the extension holds no tables');

# --- books -----------------------------------------------------------------------

as('merchant', "SELECT bko.create_book('shop'); SELECT bko.create_book('Second \"Book')");
is(as('merchant', "SELECT count(*), count(DISTINCT relnamespace) FROM pg_class WHERE relname IN ('book', 'stock', 'order_line', 'supply', 'receipt', 'movement') AND relkind = 'r' AND pg_get_userbyid(relowner) = 'merchant'"),
	'12|2', 'two books, owned by who made them');
is(as('merchant', <<'SQL'), '', 'every table, view and column of a book has a comment');
SELECT c.relname, a.attname FROM pg_class c
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL
WHERE c.relnamespace = 'shop'::regnamespace AND c.relkind IN ('r', 'v', 'm') AND (obj_description(c.oid, 'pg_class') IS NULL OR a.attnum IS NOT NULL)
SQL
is(as('merchant', <<'SQL'), '', 'every function has a comment, and SQL functions a search_path of their own');
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = prolang
WHERE pronamespace IN ('bko'::regnamespace, 'shop'::regnamespace)
  AND (obj_description(p.oid, 'pg_proc') IS NULL
       OR lanname = 'plpgsql' AND NOT coalesce(proconfig::text, '') LIKE '%search_path=%'
       OR lanname = 'sql' AND prosqlbody IS NULL AND NOT coalesce(proconfig::text, '') LIKE '%search_path=%')
SQL
is(as('merchant', "SELECT oid::regprocedure FROM pg_proc WHERE pronamespace IN ('bko'::regnamespace, 'shop'::regnamespace) AND prosecdef AND has_function_privilege('guest', oid, 'EXECUTE')"),
	'', 'what works with the owner\'s rights is open to nobody else');

fails($node, 'trade', 'guest', "SELECT bko.create_book('mine')", '42501', 'permission denied', 'without CREATE on the database no book');
fails($node, 'trade', 'merchant', "SELECT bko.create_book('shop')", '\w{5}', '"?shop"?.*exists', 'no book over another');
as('merchant', 'CREATE SCHEMA taken');
fails($node, 'trade', 'merchant', "SELECT bko.create_book('taken')", '\w{5}', '"?taken"?.*exists', 'no book in a schema that is there already');
isnt($node->psql('trade', "SELECT bko.create_book($_)", extra_params => [ '-U', 'merchant' ], on_error_die => 0), 0, "no book called $_")
  for q('')  , q('pg_mine');
is(as('merchant', "SELECT count(*) FROM pg_namespace WHERE nspname IN ('mine', '', 'pg_mine')"), '0', 'and nothing of them is left');
fails($node, 'trade', 'guest', $_, '42501', 'permission denied', "a new book is closed to others: $_")
  for 'SELECT * FROM shop.stock', "INSERT INTO shop.order_line (item, qty_ordered) VALUES ('x', 1)", 'SELECT * FROM shop.verify()';

# --- two books don't touch each other ----------------------------------------------

as('merchant', qq(INSERT INTO $_.stock (item, on_hand) VALUES ('pen', 10))) for 'shop', '"Second ""Book"';
my $second = contents($node, 'trade', 'Second ""Book');
as('merchant', "INSERT INTO shop.order_line (item, qty_ordered) VALUES ('pen', 12); INSERT INTO shop.receipt (item, qty) VALUES ('pen', 1); UPDATE shop.stock SET on_hand = 7");
is_deeply(contents($node, 'trade', 'Second ""Book'), $second, 'what happens in one book leaves the other as it was');
is(as('merchant', 'INSERT INTO "Second ""Book".order_line (item, qty_ordered) VALUES (\'pen\', 12) RETURNING line_id, qty_shipped, qty_backordered'),
	'1|10|2', 'the other has its own stock and numbers');
is(as('merchant', "WITH a AS (INSERT INTO shop.order_line (item, qty_ordered) VALUES ('pen', 7) RETURNING qty_backordered), b AS (INSERT INTO \"Second \"\"Book\".order_line (item, qty_ordered) VALUES ('pen', 3) RETURNING qty_backordered) SELECT a.qty_backordered, b.qty_backordered FROM a, b"),
	'1|3', 'one statement can write both');
is_sound($node, 'trade', $_, "$_: sound") for 'shop', 'Second ""Book';

# --- versions ----------------------------------------------------------------------

as('merchant', 'UPDATE shop.book SET version = version + 1');
fails($node, 'trade', 'merchant', "INSERT INTO shop.order_line (item, qty_ordered) VALUES ('pen', 1)", 'BK009', 'version', 'a book of another version is not written');
as('merchant', 'UPDATE shop.book SET version = version - 1');
is(as('merchant', "INSERT INTO shop.order_line (item, qty_ordered) VALUES ('pen', 1) RETURNING qty_backordered"), '1', 'and is again with the right one');
fails($node, 'trade', 'merchant', "SELECT bko.upgrade_book('taken')", 'BK009', 'taken', 'what is no book is not upgraded');

# --- taking away -------------------------------------------------------------------

fails($node, 'trade', 'merchant', 'DROP EXTENSION bko', '2BP01', 'other objects depend on it', 'DROP EXTENSION is refused while there is a book');
as('merchant', 'DROP SCHEMA "Second ""Book" CASCADE');
fails($node, 'trade', 'merchant', 'DROP EXTENSION bko', '2BP01', 'other objects depend on it', 'and while there is one left');
my $rows = as('merchant', 'SELECT count(*), sum(qty_ordered) FROM shop.order_line');
as('merchant', 'BEGIN; DROP EXTENSION bko CASCADE; SELECT 1; CREATE TABLE taken.kept AS SELECT count(*), sum(qty_ordered) FROM shop.order_line; COMMIT');
is(as('merchant', 'SELECT * FROM taken.kept'), $rows, 'even with CASCADE the data stay');
as('merchant', 'DROP SCHEMA shop CASCADE; CREATE EXTENSION bko; SELECT bko.create_book(\'shop\'); DROP SCHEMA shop CASCADE; DROP EXTENSION bko');
is($node->safe_psql('trade', "SELECT count(*) FROM pg_namespace WHERE nspname IN ('bko', 'shop')"), '0', 'books first, then the extension: nothing is left');

# --- a schema bko that somebody laid out beforehand ---------------------------------

as('merchant', 'CREATE SCHEMA bko; CREATE FUNCTION bko.create_book(text) RETURNS void LANGUAGE sql AS $$SELECT$$');
fails($node, 'trade', 'postgres', 'CREATE EXTENSION bko', '42P06', 'schema "bko" already exists', 'a schema bko that is there stops CREATE EXTENSION');
is($node->safe_psql('trade', "SELECT count(*) FROM pg_extension WHERE extname = 'bko'"), '0', 'and nothing is installed');

done_testing();
