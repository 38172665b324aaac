-- attach_stock(): the application's quantity and that of the book are equal, whoever
-- changes one. Numbers are worked out in the comments.
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_attach_stock');
CREATE SCHEMA t_attach_app;
SET search_path = t_attach_app, t_attach_stock;
CREATE FUNCTION fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; hint text; state text;
BEGIN
    EXECUTE q;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || message || CASE WHEN hint = '' THEN ' (no hint)' ELSE '' END;
END $$;
-- The items as the application and the book have them.
CREATE TABLE products (id int PRIMARY KEY, name text, in_stock smallint, price real);
CREATE FUNCTION pair() RETURNS TABLE (id int, in_stock smallint, on_hand numeric, allocated numeric, backordered numeric)
    LANGUAGE sql AS 'SELECT p.id, p.in_stock, s.on_hand, s.allocated, s.backordered FROM t_attach_app.products p FULL JOIN t_attach_stock.stock s ON s.item = p.id::text ORDER BY p.id, s.item';

-- What is there comes in: also where the book has another quantity, and what null says.
-- Items of the book that look like no number don't matter. 4 wait for 1, which has 10.
INSERT INTO stock (item, on_hand) VALUES ('1', 3), ('one', 1), ('12345678901234567890', 1), ('01', 1), ('-1', 1);
INSERT INTO order_line (item, qty_ordered) VALUES ('1', 7), ('one', 3) RETURNING qty_shipped, qty_backordered;
INSERT INTO products VALUES (1, 'a', 10), (2, 'b', NULL), (3, 'c', 5);
SELECT attach_stock('products', item => 'id', on_hand => 'in_stock');
SELECT * FROM pair();
SELECT kind, relation, columns, rows, kept, breaks FROM attachment;
SELECT * FROM verify();

-- From the book to the application: an order (4 of 6), a receipt, a fill, a count, a return.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('o1', '1', 4), ('o2', '3', 7) RETURNING qty_shipped, qty_backordered;
SELECT * FROM pair();
-- 5: 2 for o2, 3 are left. A count of 1. o1 returns 1.
INSERT INTO receipt (item, qty) VALUES ('3', 5) RETURNING qty_to_backorders, qty_to_stock;
SELECT count_stock('1', 1) IS NULL AS x;
SELECT count(*) FROM return_goods((SELECT line_id FROM order_line WHERE order_ref = 'o1'), 1);
SELECT * FROM pair();
SELECT count(*) FROM reverse_receipt((SELECT max(receipt_id) FROM receipt), 2);
UPDATE stock SET on_hand = on_hand + 1 WHERE item IN ('1', '2', '3', 'one');
SELECT * FROM pair();
SELECT * FROM verify();

-- From the application to the book. A rise fills: 9 of 3 come to 11, a line of 12 took 2 and
-- waits for 10: it gets all but 1 of the 9.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('o3', '3', 12) RETURNING qty_shipped, qty_backordered;
UPDATE products SET in_stock = 9 WHERE id = 3 RETURNING in_stock;
SELECT * FROM pair() WHERE id = 3;
-- by adding, in one statement for many; what isn't mapped, and null
UPDATE products SET in_stock = in_stock + 10;
UPDATE products SET name = upper(name), price = 9.99;
UPDATE products SET in_stock = NULL WHERE id = 1;
SELECT * FROM pair();
UPDATE products SET in_stock = 5 WHERE id = 1;
SELECT * FROM verify();
-- A fall releases what is allocated: 8 of 10 allocated to p1 (5) and p2 (3), 6 are left: p2 has 1.
INSERT INTO products VALUES (4, 'd', 10);
UPDATE stock SET ships_at_once = false WHERE item = '4';
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('p1', '4', 5), ('p2', '4', 3);
UPDATE products SET in_stock = 6 WHERE id = 4;
SELECT order_ref, qty_allocated, qty_backordered FROM order_line WHERE item = '4' ORDER BY line_id;
SELECT * FROM pair() WHERE id = 4;
SELECT fails('UPDATE products SET in_stock = -1 WHERE id = 4');
SELECT * FROM verify();

-- INSERT, several; one that the book has already (its line gets 2 of 3); ON CONFLICT; MERGE; COPY
INSERT INTO stock (item, on_hand) VALUES ('7', 0);
INSERT INTO order_line (item, qty_ordered) VALUES ('7', 3);
INSERT INTO products VALUES (5, 'e', 1), (6, 'f', 2), (7, 'g', 2);
INSERT INTO products VALUES (5, 'e', 7), (8, 'h', 8) ON CONFLICT DO NOTHING;
INSERT INTO products VALUES (5, 'e', 7), (9, 'i', 9) ON CONFLICT (id) DO UPDATE SET in_stock = products.in_stock + EXCLUDED.in_stock;
MERGE INTO products p USING (VALUES (6, 4), (8, 0), (10, 1)) v (id, n) ON p.id = v.id
 WHEN MATCHED AND v.n = 0 THEN DELETE
 WHEN MATCHED THEN UPDATE SET in_stock = p.in_stock + v.n
 WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'new', v.n);
COPY products (id, in_stock) FROM stdin;
11	11
12	\N
\.
SELECT * FROM pair() WHERE id > 4;
SELECT * FROM verify();
-- DELETE: not where the book still needs the row; TRUNCATE; another item
SELECT fails('DELETE FROM products WHERE id = 7'), fails('DELETE FROM products'), fails('TRUNCATE products'), fails('UPDATE products SET id = 20 WHERE id = 5'),
       fails('UPDATE products SET id = id + 1 WHERE id = 12');
DELETE FROM products WHERE id IN (11, 12);
SELECT * FROM pair() WHERE id IS NULL OR id > 9;
SELECT * FROM verify();
-- Savepoints
BEGIN;
SAVEPOINT a;
UPDATE products SET in_stock = 50 WHERE id = 7;
SELECT * FROM pair() WHERE id = 7;
ROLLBACK TO a;
SELECT * FROM pair() WHERE id = 7;
UPDATE products SET in_stock = 1 WHERE id = 7;
COMMIT;
SELECT * FROM pair() WHERE id = 7;
-- more than the column holds, or what it can't show: refused, nothing changes
SELECT fails('INSERT INTO receipt (item, qty) VALUES (''9'', 40000)'), fails('INSERT INTO receipt (item, qty) VALUES (''9'', 0.5)');
-- session_replication_role lets changes by: verify() shows them; a change of the quantity heals them
SET session_replication_role = replica;
UPDATE products SET in_stock = 99 WHERE id = 5;
SET session_replication_role = origin;
SELECT rule, item, detail FROM verify();
SELECT breaks FROM attachment;
UPDATE products SET in_stock = 98 WHERE id = 5;
SELECT * FROM verify();

-- Both kinds of tables: what an application does. 8 of 5: 3/0, 5/1; 8 of 6: 8/1. Two more
-- of each fill 1 and 1. One more and 4 ordered in one statement: 2/2.
CREATE TABLE orders (o int, product int REFERENCES products, qty smallint, shipped smallint, waiting smallint, PRIMARY KEY (o, product));
SELECT attach_orders('orders', item => 'product', qty => 'qty', order_ref => 'o', shipped => 'shipped', backordered => 'waiting');
UPDATE products SET in_stock = 8 WHERE id IN (5, 6);
INSERT INTO orders VALUES (1, 5, 3), (1, 6, 9), (2, 5, 6) RETURNING shipped, waiting;
SELECT * FROM pair() WHERE id IN (5, 6);
UPDATE products SET in_stock = in_stock + 2 WHERE id IN (5, 6);
SELECT * FROM pair() WHERE id IN (5, 6);
SELECT * FROM orders ORDER BY o, product;
-- in one statement with CTEs: both see the same
WITH s AS (UPDATE products SET in_stock = in_stock + 1 WHERE id = 5 RETURNING id) INSERT INTO orders SELECT 3, id, 4 FROM s RETURNING shipped, waiting;
SELECT * FROM orders WHERE o = 3;
SELECT * FROM pair() WHERE id = 5;
SELECT * FROM verify();
-- detach: both go their own ways; attached again: the application's quantity is right
SELECT detach('products');
UPDATE products SET in_stock = 100 WHERE id = 5;
SELECT count_stock('6', 2) IS NULL AS x;
SELECT * FROM pair() WHERE id IN (5, 6);
SELECT * FROM verify();
SELECT attach_stock('products', item => 'id', on_hand => 'in_stock');
SELECT * FROM pair() WHERE id IN (5, 6);
SELECT * FROM verify();
RESET client_min_messages;
SELECT detach('orders'), detach('products');
SET client_min_messages = warning;

-- Locations: a column with null, a constant; a composite key; text, uuid, char items;
-- quantities of other types; two tables on one book; transfers.
CREATE TABLE shelf (sku text, place text, n numeric(8,2), UNIQUE (sku, place));
SELECT fails($$SELECT attach_stock('shelf', item => 'sku', on_hand => 'n', location => 'place')$$);
ALTER TABLE shelf ALTER sku SET NOT NULL, ALTER place SET NOT NULL;
CREATE TABLE yard (u uuid PRIMARY KEY, n real);
CREATE TABLE box (code char(5) PRIMARY KEY, n double precision);
SELECT attach_stock('shelf', item => 'sku', on_hand => 'n', location => 'place'), attach_stock('yard', item => 'u', on_hand => 'n', constants => '{"location": "yard"}'), attach_stock('box', item => 'code', on_hand => 'n');
INSERT INTO shelf VALUES ('X', 'main', 5.5), ('X', 'east', 1), ('Y', 'east', 2);
INSERT INTO yard VALUES ('6ECD8C99-4036-403D-BF84-CF8400F67836', 1234567.5);
INSERT INTO box VALUES ('AB', 0.1);
INSERT INTO order_line (item, location, qty_ordered) VALUES ('X', 'main', 2.25), ('X', 'east', 2), ('6ecd8c99-4036-403d-bf84-cf8400f67836', 'yard', 1), ('AB', 'main', 0.3) RETURNING qty_shipped, qty_backordered;
SELECT item, location, on_hand, backordered FROM stock WHERE item IN ('X', 'Y', 'AB', '6ecd8c99-4036-403d-bf84-cf8400f67836') ORDER BY item, location;
SELECT * FROM shelf ORDER BY sku, place;
SELECT * FROM yard, box;
-- 3 go from main to the east, where 1 waits
SELECT count(*) FROM transfer('X', 3, 'main', 'east', DATE '2030-01-01');
INSERT INTO receipt (item, location, qty, supply_ref) VALUES ('X', 'east', 3, 'TR-1') RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM shelf ORDER BY sku, place;
-- 4 and 0.5; 1 more; 0.7 less 0.2 that waited
UPDATE shelf SET n = n * 2, place = place;
UPDATE yard SET n = n + 1;
UPDATE box SET n = 0.7;
-- 40 - 39.911209 is 0.0887910000000005 in binary: 0.088791; more than six places of one's own are told
INSERT INTO box VALUES ('BIN', 40);
UPDATE box SET n = n - 39.911209 WHERE code = 'BIN';
SELECT on_hand FROM stock WHERE item = 'BIN';
SELECT fails('UPDATE box SET n = 0.0887911 WHERE code = ''BIN''');
UPDATE box SET n = 0 WHERE code = 'BIN';
DELETE FROM box WHERE code = 'BIN';
SELECT fails('UPDATE shelf SET place = ''west'' WHERE sku = ''Y''');
SELECT * FROM shelf ORDER BY sku, place;
SELECT * FROM yard, box;
SELECT * FROM verify();
-- rows of one statement that exchange their items: no row goes, so both are right
CREATE TABLE swap (sku text PRIMARY KEY DEFERRABLE, n int);
SELECT attach_stock('swap', item => 'sku', on_hand => 'n');
INSERT INTO swap VALUES ('S1', 1), ('S2', 2);
UPDATE swap SET sku = CASE sku WHEN 'S1' THEN 'S2' ELSE 'S1' END;
SELECT sku, n, on_hand FROM swap JOIN stock ON item = sku ORDER BY sku;
SELECT * FROM verify();
-- renamed and dropped columns, partitions
CREATE TABLE wide (gone int, region text, sku text, x int, n int, PRIMARY KEY (region, sku)) PARTITION BY LIST (region);
ALTER TABLE wide DROP COLUMN gone;
CREATE TABLE wide_e (n int, sku text NOT NULL, region text NOT NULL, x int);
ALTER TABLE wide ATTACH PARTITION wide_e FOR VALUES IN ('e');
CREATE TABLE wide_w PARTITION OF wide FOR VALUES IN ('w');
SELECT attach_stock('wide', item => 'sku', location => 'region', on_hand => 'n');
ALTER TABLE wide DROP COLUMN x;
ALTER TABLE wide RENAME COLUMN n TO quantity;
ALTER TABLE wide RENAME TO broad;
-- 3 - 1 + 1; 2 go to the 5 that wait, then 1: none are left
INSERT INTO broad (region, sku, quantity) VALUES ('e', 'P', 3), ('w', 'P', 2);
INSERT INTO order_line (item, location, qty_ordered) VALUES ('P', 'e', 1), ('P', 'w', 5);
UPDATE broad SET quantity = quantity + 1;
SELECT region, quantity FROM broad ORDER BY region;
SELECT * FROM verify();
-- A trigger of the application that orders of the item while its quantity rises: 9 + 3 - 2
CREATE TABLE t_attach_app.eager (sku text PRIMARY KEY, n integer);
SELECT attach_stock('t_attach_app.eager', item => 'sku', on_hand => 'n');
INSERT INTO t_attach_app.eager VALUES ('EAGER', 9);
CREATE FUNCTION t_attach_app.orders() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN INSERT INTO t_attach_stock.order_line (item, qty_ordered) VALUES (NEW.sku, 2); END IF;
    RETURN NULL;
END$$;
CREATE TRIGGER orders AFTER UPDATE ON t_attach_app.eager FOR EACH ROW EXECUTE FUNCTION t_attach_app.orders();
UPDATE t_attach_app.eager SET n = n + 3;
SELECT n, (SELECT on_hand FROM stock WHERE item = 'EAGER'), (SELECT qty_shipped FROM order_line WHERE item = 'EAGER') FROM t_attach_app.eager;
SELECT * FROM verify();
DROP SCHEMA t_attach_app CASCADE;
INSERT INTO order_line (item, qty_ordered) VALUES ('9', 1) RETURNING qty_shipped;
SELECT * FROM verify();
DROP SCHEMA t_attach_stock CASCADE;
