-- Books: made, named, renamed, upgraded, dropped; two of them don't touch each other;
-- the owner's own columns; comments.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
DROP ROLE IF EXISTS regress_bko_owner, regress_bko_other;
RESET client_min_messages;
\set VERBOSITY terse
CREATE ROLE regress_bko_owner;
CREATE ROLE regress_bko_other;
DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_bko_owner', current_database()); END$$;

-- Made for whoever calls, who needs CREATE on the database and owns all of it.
SET ROLE regress_bko_other;
\set VERBOSITY sqlstate
SELECT bko.create_book('t_books');
\set VERBOSITY terse
SET ROLE regress_bko_owner;
SELECT bko.create_book('t_books');
SELECT bko.create_book('t_books_2');
SELECT nspname, nspowner::regrole FROM pg_namespace WHERE nspname LIKE 't\_books%' ORDER BY nspname;
SELECT count(*) AS not_the_owners FROM pg_class WHERE relnamespace IN ('t_books'::regnamespace, 't_books_2'::regnamespace) AND relowner <> 'regress_bko_owner'::regrole;
SELECT count(*) AS not_the_owners FROM pg_proc WHERE pronamespace IN ('t_books'::regnamespace, 't_books_2'::regnamespace) AND proowner <> 'regress_bko_owner'::regrole;
SELECT bko.upgrade_book('t_books') = (SELECT version FROM t_books.book) AS current_version;
-- Nothing of a book is a member of the extension; the extension's schema is its own.
SELECT count(*) FROM pg_depend d WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
  AND (d.classid, d.objid) IN (SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relnamespace = 't_books'::regnamespace);

-- Names: what is there already (42P06), empty, null, reserved (42939).
\set VERBOSITY sqlstate
SELECT bko.create_book('t_books');
SELECT bko.create_book('public');
SELECT bko.create_book('');
SELECT bko.create_book(NULL);
SELECT bko.create_book('pg_book');
SELECT bko.upgrade_book('no such book');
SELECT bko.upgrade_book('public');
\set VERBOSITY terse

-- Two books with the same items, orders and references don't touch each other: 3 of 5
-- here, 5 of 5 there; a receipt there fills nobody here.
INSERT INTO t_books.stock (item, on_hand) VALUES ('A', 3);
INSERT INTO t_books_2.stock (item, on_hand) VALUES ('A', 30);
INSERT INTO t_books.order_line (order_ref, item, qty_ordered) VALUES ('1', 'A', 5) RETURNING line_id, qty_shipped, qty_backordered;
INSERT INTO t_books_2.order_line (order_ref, item, qty_ordered) VALUES ('1', 'A', 5) RETURNING line_id, qty_shipped, qty_backordered;
INSERT INTO t_books_2.receipt (item, qty) VALUES ('A', 9) RETURNING qty_to_backorders, qty_to_stock;
SELECT on_hand, backordered FROM t_books.stock;
SELECT on_hand, backordered FROM t_books_2.stock;
-- One statement that writes to both: 4 come to each.
WITH a AS (INSERT INTO t_books.receipt (item, qty) VALUES ('A', 4) RETURNING item, qty)
INSERT INTO t_books_2.receipt (item, qty) SELECT item, qty FROM a RETURNING qty_to_backorders, qty_to_stock;
SELECT on_hand, backordered FROM t_books.stock;
-- An order in one that orders in the other by a trigger: of 2 there 1 more.
CREATE FUNCTION t_books.passes_on() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO t_books_2.order_line (item, qty_ordered) VALUES (NEW.item, NEW.qty_ordered); RETURN NEW; END$$;
CREATE TRIGGER zzz BEFORE INSERT ON t_books.order_line FOR EACH ROW EXECUTE FUNCTION t_books.passes_on();
INSERT INTO t_books.order_line (item, qty_ordered) VALUES ('A', 1), ('A', 2) RETURNING qty_shipped, qty_backordered;
DROP TRIGGER zzz ON t_books.order_line;
SELECT on_hand, backordered FROM t_books.stock;
SELECT on_hand, backordered FROM t_books_2.stock;
SELECT count(*) FROM t_books.verify();
SELECT count(*) FROM t_books_2.verify();

-- Every object and column that a user can see has a comment (no rows), in the book
-- and in the extension's schema.
SELECT n.nspname, c.relname, a.attname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname IN ('t_books_2', 'bko') AND c.relkind IN ('r', 'v', 'm', 'p', 'f', 'c')
  AND col_description(c.oid, a.attnum) IS NULL
UNION ALL
SELECT n.nspname, c.relname, NULL
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('t_books_2', 'bko') AND c.relkind IN ('r', 'v', 'm', 'p', 'f') AND obj_description(c.oid, 'pg_class') IS NULL
UNION ALL
SELECT n.nspname, p.proname, NULL
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('t_books_2', 'bko') AND obj_description(p.oid, 'pg_proc') IS NULL
UNION ALL
SELECT n.nspname, t.typname, NULL
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE n.nspname IN ('t_books_2', 'bko') AND (t.typrelid = 0 AND t.typcategory <> 'A' OR c.relkind = 'c') AND obj_description(t.oid, 'pg_type') IS NULL
UNION ALL
SELECT n.nspname, NULL, NULL FROM pg_namespace n WHERE n.nspname = 'bko' AND obj_description(n.oid, 'pg_namespace') IS NULL;

-- Schema names that need quoting, with everything that a statement does there.
CREATE FUNCTION pg_temp.play(book text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text; breaks bigint;
BEGIN
    PERFORM bko.create_book(book::name);
    EXECUTE format('INSERT INTO %I.stock (item, on_hand) VALUES (''A'', 3), (''B'', 4)', book);
    EXECUTE format('INSERT INTO %I.order_line (item, qty_ordered) VALUES (''A'', 5), (''B'', 5)', book);
    EXECUTE format('INSERT INTO %I.supply (supply_ref, item, qty_expected) VALUES (''P'', ''A'', 5)', book);
    EXECUTE format('INSERT INTO %I.receipt (item, qty, supply_ref) VALUES (''A'', 1, ''P'')', book);
    EXECUTE format('UPDATE %I.stock SET on_hand = 1 WHERE item = ''B''', book);
    EXECUTE format('SELECT string_agg(format(''%%s %%s %%s'', item, qty_shipped, qty_backordered), '', '' ORDER BY item) FROM %I.order_line', book) INTO result;
    EXECUTE format('SELECT 1 FROM %I.receive(''A'', 1)', book);
    EXECUTE format('SELECT count(*) FROM %I.verify()', book) INTO breaks;
    PERFORM bko.upgrade_book(book::name);
    EXECUTE format('DROP SCHEMA %I CASCADE', book);
    RETURN format('%s; %s breaks', result, breaks);
END$$;
SET client_min_messages = warning;
-- 3 + 1 of A ship and 1 waits; 5 of B.
SELECT name, pg_temp.play(name) FROM (VALUES ('My Shop'), ('a"b'), ('select'), ('x.y'), ('it''s'), ('100%'), ('@'), ('Gänge'), ('$1'), ('a; DROP TABLE book'), (repeat('n', 63)), ('%s%n'), ('{}\')) v (name);
RESET client_min_messages;

-- Renamed in mid-session: kept plans and functions follow (a prepared statement of the
-- user's is analysed anew by its text, and so fails).
PREPARE o (numeric) AS INSERT INTO t_books.order_line (item, qty_ordered) VALUES ('A', $1) RETURNING qty_shipped, qty_backordered;
INSERT INTO t_books.receipt (item, qty) VALUES ('A', 20) RETURNING qty_to_backorders, qty_to_stock;
EXECUTE o (1);
ALTER SCHEMA t_books RENAME TO "t_books old";
EXECUTE o (1);
INSERT INTO "t_books old".order_line (item, qty_ordered) VALUES ('A', 1) RETURNING qty_shipped, qty_backordered;
SELECT count(*) FROM "t_books old".receive('A', 1);
SELECT count(*) FROM "t_books old".verify();
SELECT count(*) FROM "t_books old".open_backorder;
-- Two books that change names: each keeps its goods, 18 and 35, of which 2 and 10 go.
SELECT on_hand FROM "t_books old".stock;
SELECT on_hand FROM t_books_2.stock;
BEGIN;
ALTER SCHEMA t_books_2 RENAME TO t_books;
ALTER SCHEMA "t_books old" RENAME TO t_books_2;
INSERT INTO t_books.order_line (item, qty_ordered) VALUES ('A', 10) RETURNING qty_shipped;
EXECUTE o (2);
COMMIT;
SELECT on_hand FROM t_books.stock;
SELECT on_hand FROM t_books_2.stock;
-- A rename rolled back.
BEGIN;
ALTER SCHEMA t_books RENAME TO t_books_9;
INSERT INTO t_books_9.order_line (item, qty_ordered) VALUES ('A', 1) RETURNING qty_shipped;
ROLLBACK;
INSERT INTO t_books.order_line (item, qty_ordered) VALUES ('A', 1) RETURNING qty_shipped;
SELECT count(*) FROM t_books.verify();
SELECT count(*) FROM t_books_2.verify();

-- Columns of the owner's own: added, filled, renamed, dropped, in front of plans that
-- are kept, with a default, generated, and of the engine's tables all.
SET search_path = t_books;
ALTER TABLE order_line ADD COLUMN colour text DEFAULT 'red', ADD COLUMN extra integer, ADD COLUMN twice numeric GENERATED ALWAYS AS (qty_ordered * 2) STORED;
INSERT INTO order_line (item, qty_ordered, extra) VALUES ('A', 2, 7) RETURNING colour, extra, twice, qty_shipped;
ALTER TABLE order_line DROP COLUMN extra;
ALTER TABLE order_line RENAME COLUMN colour TO color;
INSERT INTO order_line (item, qty_ordered, color) VALUES ('A', 2, 'blue') RETURNING color, twice, qty_shipped;
ALTER TABLE stock ADD COLUMN shelf text DEFAULT 's1', ADD COLUMN gone integer;
ALTER TABLE stock DROP COLUMN gone;
ALTER TABLE receipt ADD COLUMN truck text;
ALTER TABLE receipt ADD COLUMN gone integer;
ALTER TABLE receipt DROP COLUMN gone;
ALTER TABLE supply ADD COLUMN gone integer DEFAULT 3, ADD COLUMN ship text;
ALTER TABLE supply DROP COLUMN gone;
ALTER TABLE movement ADD COLUMN exported boolean DEFAULT false;
INSERT INTO stock (item, on_hand, shelf) VALUES ('B', 1, 's2') RETURNING shelf, on_hand, available;
INSERT INTO order_line (item, qty_ordered) VALUES ('B', 5) RETURNING color, qty_shipped, qty_backordered;
INSERT INTO supply (supply_ref, item, qty_expected, ship) VALUES ('P', 'B', 3, 'Bounty') RETURNING ship, qty_received;
INSERT INTO receipt (item, qty, truck, supply_ref) VALUES ('B', 2, 'T1', 'P') RETURNING truck, supply_id IS NOT NULL AS on_supply, qty_to_backorders;
UPDATE stock SET on_hand = 1, shelf = 's3' WHERE item = 'B' RETURNING shelf, on_hand, backordered;
UPDATE receipt SET truck = 'T2' WHERE item = 'B' RETURNING truck;
UPDATE movement SET exported = true WHERE item = 'B' AND kind = 'receive' RETURNING exported;
UPDATE order_line SET color = 'green', qty_ordered = 6 WHERE item = 'B' RETURNING color, twice, qty_shipped, qty_backordered;
SELECT count(*) FROM verify();
-- A column that the engine needs can't be renamed away unnoticed (BK009), and works again.
ALTER TABLE order_line RENAME COLUMN priority TO prio;
\set VERBOSITY sqlstate
INSERT INTO order_line (item, qty_ordered) VALUES ('B', 1);
\set VERBOSITY terse
ALTER TABLE order_line RENAME COLUMN prio TO priority;
INSERT INTO order_line (item, qty_ordered) VALUES ('B', 1) RETURNING qty_backordered;
-- Of a type that it doesn't know: BK009.
BEGIN;
ALTER TABLE stock ALTER COLUMN last_queued_at TYPE timestamp;
\set VERBOSITY sqlstate
INSERT INTO stock (item) VALUES ('T');
\set VERBOSITY terse
ROLLBACK;
INSERT INTO receipt (item, qty) VALUES ('B', 1) RETURNING qty_to_backorders;
SELECT count(*) FROM verify();

-- A book of another version, of none, and what isn't a book: BK009, in this session
-- that has just used it; and good again as soon as it is.
UPDATE book SET version = version + 1;
\set VERBOSITY sqlstate
INSERT INTO order_line (item, qty_ordered) VALUES ('A', 1);
INSERT INTO receipt (item, qty) VALUES ('A', 1);
INSERT INTO stock (item, on_hand) VALUES ('C', 1);
UPDATE stock SET on_hand = 100 WHERE item = 'A';
INSERT INTO supply (supply_ref, item, qty_expected) VALUES ('P', 'A', 1);
SELECT * FROM receive('A', 1);
DELETE FROM order_line;
TRUNCATE order_line;
SELECT bko.upgrade_book('t_books');
\set VERBOSITY terse
UPDATE book SET version = version - 1;
INSERT INTO order_line (item, qty_ordered) VALUES ('A', 1) RETURNING qty_shipped;
BEGIN;
DELETE FROM book;
\set VERBOSITY sqlstate
INSERT INTO order_line (item, qty_ordered) VALUES ('A', 1);
ROLLBACK;
BEGIN;
ALTER TABLE book RENAME TO no_book;
INSERT INTO order_line (item, qty_ordered) VALUES ('A', 1);
ROLLBACK;
\set VERBOSITY terse
INSERT INTO order_line (item, qty_ordered) VALUES ('A', 1) RETURNING qty_shipped;
SELECT count(*) FROM verify();
-- One row for ever: a second takes the place of the first.
INSERT INTO book (version) SELECT version FROM book;
SELECT count(*) FROM book;
-- Another's book can't be upgraded by somebody else.
SET ROLE regress_bko_other;
\set VERBOSITY sqlstate
SELECT bko.upgrade_book('t_books');
RESET ROLE;

-- The extension can't be dropped while a book uses it (2BP01); a book goes by DROP SCHEMA
-- CASCADE, and another of its name is empty and works.
DROP EXTENSION bko;
\set VERBOSITY terse
SET ROLE regress_bko_owner;
SET client_min_messages = warning;
DROP SCHEMA t_books CASCADE;
RESET client_min_messages;
SELECT bko.create_book('t_books');
INSERT INTO t_books.stock (item, on_hand) VALUES ('A', 1);
INSERT INTO t_books.order_line (item, qty_ordered) VALUES ('A', 2) RETURNING line_id, qty_shipped, qty_backordered;
SELECT count(*) FROM t_books.verify();
-- One made, used and rolled back.
BEGIN;
SELECT bko.create_book('t_books_3');
INSERT INTO t_books_3.stock (item, on_hand) VALUES ('A', 1);
INSERT INTO t_books_3.order_line (item, qty_ordered) VALUES ('A', 2) RETURNING qty_shipped, qty_backordered;
ROLLBACK;
SELECT bko.create_book('t_books_3');
INSERT INTO t_books_3.stock (item, on_hand) VALUES ('A', 2);
INSERT INTO t_books_3.order_line (item, qty_ordered) VALUES ('A', 2) RETURNING qty_shipped, qty_backordered;

SET client_min_messages = warning;
DROP FUNCTION pg_temp.play;
DROP SCHEMA t_books CASCADE;
DROP SCHEMA t_books_2 CASCADE;
DROP SCHEMA t_books_3 CASCADE;
RESET ROLE;
DO $$BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM regress_bko_owner', current_database()); END$$;
DROP ROLE regress_bko_owner, regress_bko_other;
