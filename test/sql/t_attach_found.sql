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
