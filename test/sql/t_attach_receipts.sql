-- attach_receipts(): what is inserted into the application's table of deliveries is received.
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_attach_receipts');
CREATE SCHEMA t_attach_app;
SET search_path = t_attach_app, t_attach_receipts;
CREATE FUNCTION fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; hint text; state text;
BEGIN
    EXECUTE q;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || message || CASE WHEN hint = '' THEN ' (no hint)' ELSE '' END;
END $$;
CREATE VIEW received AS SELECT item, location, qty, qty_to_backorders AS to_lines, qty_to_stock AS to_stock, supply_ref, unit_cost, note, attached_id AS a, attached_key AS key FROM t_attach_receipts.receipt ORDER BY receipt_id;
CREATE TABLE orders (id int PRIMARY KEY, sku text, n int, done int, open int);
CREATE TABLE goods (sku text PRIMARY KEY, n int);
CREATE TABLE deliveries (id int PRIMARY KEY, sku text, n numeric, po text, place text, cost real, remark text, other text);
-- Rows that are there already are not received.
INSERT INTO deliveries VALUES (100, 'A', 100);
INSERT INTO goods VALUES ('A', 3), ('B', 0), ('C', 1);
SELECT attach_orders('orders', item => 'sku', qty => 'n', shipped => 'done', backordered => 'open'), attach_stock('goods', item => 'sku', on_hand => 'n'),
       attach_receipts('deliveries', item => 'sku', qty => 'n', location => 'place', supply_ref => 'po', unit_cost => 'cost', note => 'remark');
SELECT kind, columns, rows, kept, breaks FROM attachment ORDER BY attached_id;
INSERT INTO stock (item, location, on_hand) VALUES ('A', 'east', 0);
INSERT INTO supply (supply_ref, kind, item, qty_expected) VALUES ('PO-1', 'purchase', 'A', 10);
-- Push after order: 3 of A go to 1; 2 waits for 4, 3 for 1, 4 for 2 of B.
INSERT INTO orders VALUES (1, 'A', 3), (2, 'A', 4), (3, 'A', 1), (4, 'B', 2) RETURNING id, done, open;
-- 2 of A and 3 of B: 2 for row 2; 2 for row 4, 1 is left. The application's stock says so too.
INSERT INTO deliveries VALUES (1, 'A', 2, 'PO-1', NULL, 9.99, 'first', 'x'), (2, 'B', 3, NULL, NULL, NULL, NULL, NULL);
SELECT * FROM received;
SELECT id, done, open FROM orders ORDER BY id;
SELECT * FROM goods ORDER BY sku;
SELECT qty_received FROM supply;
SELECT * FROM verify();
-- a location; a statement of several rows of one item: 5 of A in three rows, 2 and 1 wait
INSERT INTO deliveries (id, sku, n, place) VALUES (3, 'A', 1, 'main'), (4, 'A', 1, 'main'), (5, 'A', 3, NULL), (6, 'A', 7, 'east');
SELECT * FROM received OFFSET 2;
SELECT item, location, on_hand, backordered FROM stock WHERE item = 'A' ORDER BY location;
SELECT id, done, open FROM orders WHERE open > 0;
-- COPY, INSERT ... SELECT, none; ON CONFLICT receives what really went in
COPY deliveries (id, sku, n) FROM stdin;
7	C	1
8	C	2
\.
INSERT INTO deliveries (id, sku, n) SELECT 9, 'C', 5 WHERE false;
INSERT INTO deliveries (id, sku, n) VALUES (8, 'C', 50), (9, 'C', 3) ON CONFLICT DO NOTHING;
SELECT item, on_hand FROM stock WHERE item = 'C';
INSERT INTO deliveries (id, sku, n) VALUES (9, 'C', 3), (10, 'C', 4) ON CONFLICT (id) DO UPDATE SET remark = 'again', cost = 1.25, other = EXCLUDED.other;
SELECT item, on_hand FROM stock WHERE item = 'C';
MERGE INTO deliveries d USING (VALUES (10, 1), (11, 5)) v (id, n) ON d.id = v.id WHEN MATCHED THEN UPDATE SET remark = 'merged' WHEN NOT MATCHED THEN INSERT (id, sku, n) VALUES (v.id, 'C', v.n);
SELECT item, on_hand FROM stock WHERE item = 'C';
SELECT * FROM goods ORDER BY sku;
SELECT rows, kept, breaks FROM attachment WHERE kind = 'receipts';
SELECT * FROM verify();
-- What was received isn't changed or deleted; note, cost and what isn't mapped may be.
SELECT fails('UPDATE deliveries SET n = 2 WHERE id = 3'), fails('UPDATE deliveries SET sku = ''C'' WHERE id = 3'), fails('UPDATE deliveries SET place = ''east'' WHERE id = 3'),
       fails('UPDATE deliveries SET po = ''x'' WHERE id = 3'), fails('UPDATE deliveries SET id = 33 WHERE id = 3'), fails('DELETE FROM deliveries WHERE id = 3'), fails('TRUNCATE deliveries'),
       fails('INSERT INTO deliveries (id, sku, n) VALUES (3, ''C'', 3) ON CONFLICT (id) DO UPDATE SET n = 4'), fails('MERGE INTO deliveries d USING (VALUES (3)) v (id) ON d.id = v.id WHEN MATCHED THEN DELETE') \gx
UPDATE deliveries SET other = 'y', remark = 'z', cost = 3, n = n, sku = sku;
UPDATE deliveries SET n = 5 WHERE false;
DELETE FROM deliveries WHERE false;
SELECT * FROM verify();
-- Errors: nothing is received. Not stocked, nothing, too little, unknown order.
SELECT fails('INSERT INTO deliveries (id, sku, n) VALUES (20, ''C'', 1), (21, ''X'', 1)'), fails('INSERT INTO deliveries (id, sku, n) VALUES (20, ''C'', 0)'), fails('INSERT INTO deliveries (id, sku, n) VALUES (20, ''C'', -1)'),
       fails('INSERT INTO deliveries (id, sku, n) VALUES (20, ''C'', NULL)'), fails('INSERT INTO deliveries (id, sku, n) VALUES (20, NULL, 1)'), fails('INSERT INTO deliveries (id, sku, n, po) VALUES (20, ''C'', 1, ''PO-9'')'),
       fails('INSERT INTO deliveries (id, sku, n, po) VALUES (20, ''C'', 1, ''PO-1'')'), fails('INSERT INTO deliveries (id, sku, n) VALUES (20, ''C'', 0.0000001)'), fails('INSERT INTO deliveries (id, sku, n) VALUES (20, ''C'', 0.5)') \gx
SELECT count(*) FROM deliveries WHERE id = 20;
SELECT * FROM verify();
-- a savepoint; reverse_receipt() of what the table brought: the row stays
BEGIN;
SAVEPOINT a;
INSERT INTO deliveries (id, sku, n) VALUES (30, 'C', 9);
ROLLBACK TO a;
INSERT INTO deliveries (id, sku, n) VALUES (30, 'C', 8);
COMMIT;
SELECT count(*) FROM reverse_receipt((SELECT receipt_id FROM receipt WHERE attached_key = '{30}'), 8, 'broken');
SELECT item, on_hand FROM stock WHERE item = 'C';
SELECT rows, kept, breaks FROM attachment WHERE kind = 'receipts';
SELECT * FROM verify();
-- a trigger of the application that delivers when something is ordered: 2 come for the row itself
CREATE FUNCTION deliver() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO deliveries (id, sku, n) SELECT 1000 + id, sku, open FROM fresh WHERE open > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER deliver AFTER INSERT ON orders REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION deliver();
INSERT INTO orders VALUES (50, 'B', 3), (51, 'B', 1) RETURNING id, done, open;
SELECT id, done, open FROM orders WHERE id >= 50 ORDER BY id;
DROP TRIGGER deliver ON orders;
SELECT * FROM verify();
-- the key is text that no setting of the session changes; no key; constants; int, uuid items
CREATE TABLE days (day timestamptz PRIMARY KEY, sku int, n real);
CREATE TABLE nokey (sku uuid, n int);
SELECT attach_receipts('days', item => 'sku', qty => 'n', constants => '{"location": "yard", "note": "by day", "supply_ref": "PO-2"}'), attach_receipts('nokey', item => 'sku', qty => 'n');
INSERT INTO stock (item, location, on_hand) VALUES ('42', 'yard', 0), ('6ecd8c99-4036-403d-bf84-cf8400f67836', 'main', 0);
INSERT INTO supply (supply_ref, kind, item, location, qty_expected) VALUES ('PO-2', 'purchase', '42', 'yard', 1234567);
SET DateStyle = German; SET TimeZone = 'Asia/Tokyo';
INSERT INTO days VALUES (TIMESTAMPTZ '2026-02-01 12:00+00', 42, 1234567);
INSERT INTO nokey VALUES ('6ecd8c99-4036-403d-bf84-cf8400f67836', 2), ('6ecd8c99-4036-403d-bf84-cf8400f67836', 2);
RESET DateStyle; RESET TimeZone;
SELECT item, location, qty, note, supply_ref, key FROM received WHERE a > 3;
SELECT fails('UPDATE nokey SET n = 3'), fails('DELETE FROM nokey');
SELECT relation, rows, kept, breaks FROM attachment WHERE kind = 'receipts' ORDER BY attached_id;
SELECT * FROM verify();
-- drift
SET session_replication_role = replica;
UPDATE deliveries SET n = 77 WHERE id = 3;
DELETE FROM deliveries WHERE id = 4;
SET session_replication_role = origin;
SELECT rule, item, detail FROM verify() ORDER BY detail;
SET session_replication_role = replica;
UPDATE deliveries SET n = 1 WHERE id = 3;
INSERT INTO deliveries (id, sku, n, place) VALUES (4, 'A', 1, 'main');
SET session_replication_role = origin;
-- detached, the table is the application's alone
SELECT detach('deliveries');
DELETE FROM deliveries WHERE id < 5;
INSERT INTO deliveries (id, sku, n) VALUES (1, 'nothing', -1);
SELECT * FROM verify();
SELECT attach_receipts('deliveries', item => 'sku', qty => 'n');
-- its rows that were received and are gone or another now
SELECT item, detail FROM verify() ORDER BY detail;
DROP SCHEMA t_attach_app CASCADE;
SELECT * FROM verify();
DROP SCHEMA t_attach_receipts CASCADE;
