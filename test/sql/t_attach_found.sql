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
