-- What the property test has found about tables that are attached.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('attach_found');
RESET client_min_messages;
\set VERBOSITY terse
CREATE TABLE found_row (id integer PRIMARY KEY, sku text, pieces numeric, sent numeric, owed numeric);
CREATE TABLE found_stock (sku text PRIMARY KEY, count numeric);
INSERT INTO found_stock VALUES ('A', 0), ('B', 1);
SELECT attach_found.attach_orders('found_row', item => 'sku', qty => 'pieces', shipped => 'sent', backordered => 'owed');
SELECT attach_found.attach_stock('found_stock', item => 'sku', on_hand => 'count');

-- a rise that the queue takes whole leaves on_hand as it was, but not the row that the application wrote
INSERT INTO found_row VALUES (1, 'A', 5), (2, 'B', 4) RETURNING sent, owed;
UPDATE found_stock SET count = count + 2;
SELECT f.*, s.on_hand FROM found_stock f JOIN attach_found.stock s ON s.item = f.sku ORDER BY 1;
INSERT INTO found_stock VALUES ('A', 1), ('B', 2) ON CONFLICT (sku) DO UPDATE SET count = excluded.count;
SELECT f.*, s.on_hand FROM found_stock f JOIN attach_found.stock s ON s.item = f.sku ORDER BY 1;
SELECT * FROM found_row ORDER BY id;
SELECT * FROM attach_found.verify();

-- INSERT triggers fire for a row that an UPDATE brings to another partition: what they make of it was not decided
CREATE TABLE found_part (id integer PRIMARY KEY, sku text, pieces numeric, sent numeric, owed numeric, what text) PARTITION BY LIST (id);
CREATE TABLE found_part1 PARTITION OF found_part FOR VALUES IN (1);
CREATE TABLE found_part2 PARTITION OF found_part DEFAULT;
CREATE FUNCTION found_own() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN IF new.what = 'keep out' THEN RETURN NULL; END IF; new.pieces := new.pieces * 2; RETURN new; END$$;
CREATE TRIGGER aa_own BEFORE INSERT ON found_part FOR EACH ROW WHEN (new.what IS NOT NULL) EXECUTE FUNCTION found_own();
SELECT attach_found.attach_orders('found_part', item => 'sku', qty => 'pieces', shipped => 'sent', backordered => 'owed');
INSERT INTO found_part (id, sku, pieces) VALUES (1, 'B', 3) RETURNING sent, owed;
UPDATE found_part SET id = 2, what = 'double';
UPDATE found_part SET id = 2, what = 'keep out';
UPDATE found_part SET id = 2, pieces = 2 RETURNING sent, owed;
SELECT attached_key, qty_ordered, qty_shipped, qty_backordered FROM attach_found.order_line WHERE attached_id = 3;
SELECT * FROM attach_found.verify();

-- who may write the application's tables needs no right on the book, whose own roles need none on the application's tables
CREATE SCHEMA found_shop;
CREATE TABLE found_shop.count (sku text PRIMARY KEY, n integer);
CREATE TABLE found_shop.row (id integer PRIMARY KEY, sku text, n integer, sent integer, owed integer);
CREATE TABLE found_shop.delivery (id integer PRIMARY KEY, sku text, n integer);
SELECT bko.create_book('attach_rights');
SELECT attach_rights.attach_stock('found_shop.count', item => 'sku', on_hand => 'n');
SELECT attach_rights.attach_orders('found_shop.row', item => 'sku', qty => 'n', shipped => 'sent', backordered => 'owed');
SELECT attach_rights.attach_receipts('found_shop.delivery', item => 'sku', qty => 'n');
CREATE ROLE regress_bko_found_shop;
GRANT USAGE ON SCHEMA found_shop TO regress_bko_found_shop;
GRANT INSERT, UPDATE, DELETE, SELECT ON ALL TABLES IN SCHEMA found_shop TO regress_bko_found_shop;
CREATE ROLE regress_bko_found_clerk;
GRANT USAGE ON SCHEMA attach_rights TO regress_bko_found_clerk;
GRANT INSERT, UPDATE, SELECT ON attach_rights.stock, attach_rights.receipt TO regress_bko_found_clerk;
-- each in a session of its own, which has no plan from another role
\connect -
SET ROLE regress_bko_found_shop;
INSERT INTO found_shop.count VALUES ('A', 1), ('B', 0);
UPDATE found_shop.count SET n = 2 WHERE sku = 'A';
INSERT INTO found_shop.row VALUES (1, 'A', 5), (2, 'B', 5) ON CONFLICT DO NOTHING RETURNING sent, owed;
INSERT INTO found_shop.delivery VALUES (1, 'A', 1);
\connect -
SET ROLE regress_bko_found_clerk;
INSERT INTO attach_rights.receipt (item, qty) VALUES ('A', 1) RETURNING qty_to_backorders;
\connect -
SET ROLE regress_bko_found_clerk;
UPDATE attach_rights.stock SET on_hand = 7 WHERE item = 'B';
RESET ROLE;
SELECT * FROM found_shop.row ORDER BY id;
SELECT * FROM found_shop.count ORDER BY sku;
SELECT * FROM attach_rights.verify();
SELECT * FROM attach_found.verify();
SET client_min_messages = warning;
DROP SCHEMA found_shop, attach_rights CASCADE;
DROP OWNED BY regress_bko_found_shop, regress_bko_found_clerk;
DROP ROLE regress_bko_found_shop, regress_bko_found_clerk;

-- what ON CONFLICT sets free goes to all who wait when the statement ends: 3 of row 1, to row 3, which is more urgent than 2
RESET client_min_messages;
CREATE TABLE found_first (id integer PRIMARY KEY, sku text, pieces numeric, owed numeric, urgency integer, client text);
SELECT attach_found.attach_orders('found_first', item => 'sku', qty => 'pieces', backordered => 'owed', priority => 'urgency', customer => 'client');
INSERT INTO attach_found.stock (item, on_hand, ships_at_once) VALUES ('C', 5, false), ('D', 66, false);
INSERT INTO found_first VALUES (1, 'C', 5), (2, 'C', 4);
INSERT INTO found_first VALUES (1, 'C', 2, 0, 100), (3, 'C', 2, 0, 1) ON CONFLICT (id) DO UPDATE SET pieces = excluded.pieces;
SELECT * FROM found_first ORDER BY id;
-- a row that ON CONFLICT keeps out takes nothing of what reallocate() has left for new orders
INSERT INTO found_first VALUES (4, 'D', 41), (5, 'D', 25);
SELECT count(*) FROM attach_found.reallocate('D', strategies => '{"*": "lose"}');
INSERT INTO found_first VALUES (5, 'D', 13) ON CONFLICT (id) DO UPDATE SET client = 'me' RETURNING owed;
SELECT available, backordered, unassigned FROM attach_found.stock WHERE item = 'D';
SELECT * FROM found_first WHERE sku = 'D' ORDER BY id;
SELECT * FROM attach_found.verify();
