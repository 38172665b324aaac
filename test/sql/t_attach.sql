-- attach_orders(): the engine behind an application's own table of order lines.
-- Numbers are worked out in the comments; s/b is shipped/backordered.
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_attach');
CREATE SCHEMA t_attach_app;
SET search_path = t_attach_app, t_attach;
-- What an application's statement raises, nothing of it kept.
CREATE FUNCTION fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; hint text; state text;
BEGIN
    EXECUTE q;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || message || CASE WHEN hint = '' THEN ' (no hint)' ELSE '' END;
END $$;
CREATE VIEW lines AS SELECT attached_key AS key, item, qty_ordered AS ordered, qty_shipped AS shipped, qty_allocated AS allocated,
       qty_backordered AS backordered, qty_cancelled AS cancelled, qty_returned AS returned FROM t_attach.order_line;
CREATE FUNCTION there(which text) RETURNS TABLE (on_hand numeric, allocated numeric, backordered numeric)
    LANGUAGE sql AS 'SELECT on_hand, allocated, backordered FROM t_attach.stock WHERE item = which';
CREATE TABLE orders (id int PRIMARY KEY, sku text NOT NULL, n int, done int, open int, who text, note text);
INSERT INTO stock (item, on_hand) VALUES ('A', 10), ('B', 5), ('C', 0);
SELECT attach_orders('orders', item => 'sku', qty => 'n', shipped => 'done', backordered => 'open', customer => 'who');
SELECT kind, relation, columns, constants, rows, kept, breaks FROM attachment;

-- A statement of several rows: 10 of A go 4/0, 6/3; 5 of B 5/2. What the
-- application says of the columns that bko keeps is overwritten.
INSERT INTO orders VALUES (1, 'A', 4, NULL, 7), (2, 'A', 9, 77, 88), (3, 'B', 7, NULL, -1) RETURNING id, done, open;
SELECT * FROM lines ORDER BY key;
-- INSERT ... SELECT, nothing is left: 0/1, 0/2.
INSERT INTO orders (id, sku, n) SELECT 10 + g, 'A', g FROM generate_series(1, 2) g RETURNING id, done, open;
-- Nothing at all
INSERT INTO orders (id, sku, n) SELECT 1, 'A', 1 WHERE false;
-- A receipt fills row 2 (3), 11 (1), and 1 of 2 of row 12: 9/0, 1/0, 1/1.
INSERT INTO receipt (item, qty) VALUES ('A', 5) RETURNING qty_to_backorders, qty_to_stock;
SELECT id, done, open FROM orders ORDER BY id;
COPY orders (id, sku, n, note) FROM stdin;
20	A	1	copied
21	B	2	copied
\.
SELECT id, done, open, note FROM orders WHERE id >= 20 ORDER BY id;
SELECT * FROM t_attach.verify();

-- Errors change nothing: no item, over the limit, no quantity, too fine.
UPDATE stock SET backorder_limit = 3, qty_step = 1 WHERE item = 'C';
SELECT fails('INSERT INTO orders VALUES (30, ''A'', 1), (31, ''X'', 1)'), fails('INSERT INTO orders VALUES (30, ''C'', 4)'),
       fails('INSERT INTO orders VALUES (30, ''A'', 0)'), fails('INSERT INTO orders VALUES (30, ''A'', NULL)'),
       fails('INSERT INTO orders VALUES (30, ''A'', -1)'), fails('UPDATE orders SET n = 0 WHERE id = 12'),
       fails('UPDATE orders SET sku = ''X'' WHERE id = 11'), fails('UPDATE orders SET sku = ''X'' WHERE id = 20') \gx
SELECT count(*) FROM orders;
SELECT * FROM t_attach.verify();

-- ON CONFLICT. 6 of C come in. Row 40 takes 2; the row kept out takes nothing, and
-- 41, which finds too little if it did, gets all 4 it wants; 42 finds none: 0/1.
UPDATE stock SET backorder_limit = NULL, on_hand = 6 WHERE item = 'C';
INSERT INTO orders VALUES (40, 'C', 2);
INSERT INTO orders VALUES (40, 'C', 3), (41, 'C', 4), (42, 'C', 1) ON CONFLICT DO NOTHING RETURNING id, done, open;
SELECT * FROM there('C');
-- All kept out: nothing changes.
INSERT INTO orders VALUES (40, 'C', 3), (41, 'C', 3) ON CONFLICT DO NOTHING RETURNING id;
-- DO UPDATE: 2 more of row 40, which is 2/2 at its old place, before 42; a new row 43 waits too.
INSERT INTO orders VALUES (40, 'C', 2), (43, 'C', 1) ON CONFLICT (id) DO UPDATE SET n = orders.n + EXCLUDED.n RETURNING id, n, done, open;
-- The same with fewer: 40 is 2/1 again.
INSERT INTO orders VALUES (40, 'C', 1) ON CONFLICT (id) DO UPDATE SET n = orders.n - EXCLUDED.n RETURNING id, n, done, open;
-- 3 come: by queued_at row 40 (1), then 42 (1) and 43 (1).
INSERT INTO receipt (item, qty) VALUES ('C', 3) RETURNING qty_to_backorders;
SELECT id, n, done, open FROM orders WHERE sku = 'C' ORDER BY id;
SELECT * FROM t_attach.verify();
-- Kept out by a row of the same transaction, and a key that was free before.
BEGIN;
INSERT INTO receipt (item, qty) VALUES ('C', 5);
INSERT INTO orders VALUES (44, 'C', 1);
INSERT INTO orders VALUES (44, 'C', 4), (45, 'C', 4) ON CONFLICT DO NOTHING RETURNING id, done, open;
SELECT * FROM there('C');
SELECT * FROM t_attach.verify();
ROLLBACK;

-- UPDATE of the quantity. 4 of D: 50 gets 3/0, 51 1/4, 52 0/2.
INSERT INTO stock (item, on_hand) VALUES ('D', 4), ('E', 1);
INSERT INTO orders VALUES (50, 'D', 3), (51, 'D', 5), (52, 'D', 2) RETURNING id, done, open;
-- Up by 2: 3/2, at its old place. Down: what waits goes: 51 is 1/1.
UPDATE orders SET n = 5 WHERE id = 50 RETURNING id, done, open;
UPDATE orders SET n = 2 WHERE id = 51 RETURNING id, done, open;
SELECT fails('UPDATE orders SET n = 2 WHERE id = 50');
-- 3 come: 50 gets 2, 51 gets 1.
INSERT INTO receipt (item, qty) VALUES ('D', 3);
-- Many rows of one item at once: 50 5/5, 51 2/2, 52 0/4. Then 8 of these 11 come: 5, 2, 1.
UPDATE orders SET n = 2 * n WHERE sku = 'D' RETURNING id, n, done, open;
INSERT INTO receipt (item, qty) VALUES ('D', 8);
SELECT id, n, done, open FROM orders WHERE sku = 'D' ORDER BY id;
-- 52 is 1/3 and wants 2 now: 1/1. Two columns at once: customer too.
UPDATE orders SET n = 2, who = 'Z' WHERE id = 52 RETURNING done, open;
SELECT customer, qty_ordered, qty_backordered FROM order_line WHERE attached_key = '{52}';
-- Of item: 53 waits for D with 3, becomes one of E, of which there is 1: 1/2.
INSERT INTO orders VALUES (53, 'D', 3) RETURNING done, open;
UPDATE orders SET sku = 'E' WHERE id = 53 RETURNING done, open;
SELECT fails('UPDATE orders SET sku = ''D'' WHERE id = 53');
SELECT * FROM there('D') UNION ALL SELECT * FROM there('E');
-- Of the key, and of what is not mapped; writing the shown values back is fine.
UPDATE orders SET id = 153 WHERE id = 53;
UPDATE orders SET note = 'x', done = done, open = open WHERE sku = 'D';
UPDATE orders SET id = id, sku = sku, n = n;
SELECT fails('UPDATE orders SET done = done + 1 WHERE id = 50'), fails('UPDATE orders SET open = NULL WHERE id = 50');
SELECT * FROM lines WHERE item IN ('D', 'E') ORDER BY key;
SELECT id, done, open FROM orders WHERE sku IN ('D', 'E') ORDER BY id;
SELECT * FROM t_attach.verify();

-- DELETE: refused for 52, of which 1 has shipped; many rows of one item at once;
-- what a deleted row would have got goes to the next.
SELECT fails('DELETE FROM orders WHERE id = 52'), fails('DELETE FROM orders WHERE sku = ''D''');
INSERT INTO orders SELECT 60 + g, 'D', g FROM generate_series(1, 4) g;
DELETE FROM orders WHERE id BETWEEN 61 AND 63 RETURNING id, done, open;
INSERT INTO receipt (item, qty) VALUES ('D', 3) RETURNING qty_to_backorders;
SELECT id, n, done, open FROM orders WHERE sku = 'D' ORDER BY id;
SELECT * FROM t_attach.verify();

-- MERGE: 64 (2/2) gets 1 more to 2/3; 70 goes in as 0/6; 71, 0/1, goes.
INSERT INTO orders VALUES (71, 'D', 1);
MERGE INTO orders o USING (VALUES (64, 1), (70, 6), (71, 0)) v (id, n) ON o.id = v.id
 WHEN MATCHED AND v.n = 0 THEN DELETE
 WHEN MATCHED THEN UPDATE SET n = o.n + v.n
 WHEN NOT MATCHED THEN INSERT (id, sku, n) VALUES (v.id, 'D', v.n);
SELECT id, n, done, open FROM orders WHERE id IN (64, 70, 71) ORDER BY id;
MERGE INTO orders o USING (VALUES (64, 1)) v (id, n) ON o.id = v.id WHEN MATCHED AND v.n = 2 THEN DELETE WHEN NOT MATCHED THEN DO NOTHING;
-- Gone and there again in one statement, with 4. 5 come: 64 waits for 3, 70 gets 2: 5/0, 2/2.
WITH gone AS (DELETE FROM orders WHERE id = 70 RETURNING id, n) INSERT INTO orders (id, sku, n) SELECT id, 'D', n - 2 FROM gone RETURNING id, done, open;
INSERT INTO receipt (item, qty) VALUES ('D', 5);
SELECT id, n, done, open FROM orders WHERE id IN (64, 70) ORDER BY id;
SELECT * FROM t_attach.verify();

-- The functions of the book. 2 wait of 70: cancel 1. 1 of the rest is returned, to
-- stock, and goes to who waits: 70.
SELECT qty_cancelled FROM cancel((SELECT line_id FROM order_line WHERE attached_key = '{70}'), 1) LIMIT 1;
SELECT id, n, done, open FROM orders WHERE id = 70;
SELECT qty_returned FROM return_goods((SELECT line_id FROM order_line WHERE attached_key = '{64}'), 1) LIMIT 1;
SELECT id, n, done, open FROM orders WHERE id IN (64, 70) ORDER BY id;
SELECT returned FROM lines WHERE key = '{64}';
SELECT * FROM t_attach.verify();
-- Stock that is allocated first. 8 of F: 80 has 5 allocated, 81 3 and waits for 2; the
-- rows show what has shipped: 0.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('F', 8, false);
INSERT INTO orders VALUES (80, 'F', 5), (81, 'F', 5) RETURNING id, done, open;
SELECT * FROM there('F');
SELECT qty_shipped FROM ship((SELECT line_id FROM order_line WHERE attached_key = '{80}'), 4) LIMIT 1;
-- a count of 1: 4 are left, 1 for 80 and 3 for 81; 81 loses all
SELECT count_stock('F', 1) IS NULL AS x;
SELECT id, done, open FROM orders WHERE sku = 'F' ORDER BY id;
-- reallocate: 81 wins: 1 for it, 0 for 80, which waits with 1 now
UPDATE order_line SET priority = 1 WHERE attached_key = '{81}';
SELECT order_ref, qty_before, qty_after FROM reallocate('F', strategies => '{"1": "win", "100": "lose"}', on_shortage => 'report') ORDER BY qty_after;
SELECT id, done, open FROM orders WHERE sku = 'F' ORDER BY id;
-- held: what comes passes 81 by (4 wait) and goes to 80 (1)
SELECT hold_line((SELECT line_id FROM order_line WHERE attached_key = '{81}')) IS NULL AS x;
INSERT INTO receipt (item, qty) VALUES ('F', 3) RETURNING qty_to_backorders, qty_to_stock;
SELECT id, done, open FROM orders WHERE sku = 'F' ORDER BY id;
-- released: it has 2 more, 2 are open. Then all that is allocated ships: 80 5/0, 81 3/2
SELECT release_line((SELECT line_id FROM order_line WHERE attached_key = '{81}')) IS NULL AS x;
UPDATE stock SET ships_at_once = true WHERE item = 'F';
SELECT id, done, open FROM orders WHERE sku = 'F' ORDER BY id;
SELECT * FROM there('F');
SELECT * FROM t_attach.verify();

-- Raw changes of the line behind a row show in the row; its key can't be written.
UPDATE order_line SET qty_ordered = 3 WHERE attached_key = '{81}';
SELECT fails('UPDATE order_line SET attached_key = ''{9}'' WHERE attached_key = ''{81}'''), fails('UPDATE order_line SET attached_id = NULL WHERE attached_key = ''{81}''');
SELECT id, n, done, open FROM orders WHERE id = 81;
-- the quantity ordered is the application's: verify() shows that it says something else
SELECT rule, item, detail FROM verify();
UPDATE orders SET n = 3 WHERE id = 81;
SELECT * FROM t_attach.verify();

-- Savepoints: what was rolled back was never there. 2 of G.
INSERT INTO stock (item, on_hand) VALUES ('G', 2);
BEGIN;
INSERT INTO orders VALUES (90, 'G', 1);
SAVEPOINT a;
INSERT INTO orders VALUES (91, 'G', 1);
UPDATE orders SET n = 2 WHERE id = 90 RETURNING done, open;
ROLLBACK TO a;
INSERT INTO orders VALUES (91, 'G', 2) RETURNING done, open;
SAVEPOINT b;
INSERT INTO receipt (item, qty) VALUES ('G', 1);
SELECT done, open FROM orders WHERE id = 91;
INSERT INTO orders VALUES (91, 'G', 2);
ROLLBACK TO b;
SELECT done, open FROM orders WHERE id = 91;
COMMIT;
SELECT id, done, open FROM orders WHERE sku = 'G' ORDER BY id;
SELECT * FROM t_attach.verify();

-- TRUNCATE: refused while lines are open; when all are closed they stay in the book.
SELECT fails('TRUNCATE orders');
BEGIN;
SELECT sum((SELECT count(*) FROM cancel(l.line_id))) > 5 AS some FROM (SELECT line_id FROM order_line WHERE qty_backordered + qty_allocated > 0 ORDER BY line_id) l;
SELECT count(*) FROM orders WHERE open > 0;
TRUNCATE orders;
SELECT count(*) > 20 AS many, count(attached_key) FROM order_line;
INSERT INTO orders VALUES (1, 'A', 1) RETURNING open;
SELECT rows, kept, breaks FROM attachment;
SELECT * FROM t_attach.verify();
ROLLBACK;

-- Policies. An order of a and b, ship_policy from a column: "order" ships when both
-- are there, at commit; "line" when the whole line is. H 3, I 1.
CREATE TABLE policies (ref text, pos int, sku text, n int, done int, open int, how text, prio int, wanted date, price real, PRIMARY KEY (ref, pos));
INSERT INTO stock (item, on_hand) VALUES ('H', 3), ('I', 1);
SELECT attach_orders('policies', item => 'sku', qty => 'n', key => 'ref, pos', order_ref => 'ref', line_no => 'pos', ship_policy => 'how', priority => 'prio',
                     requested_on => 'wanted', unit_price => 'price', shipped => 'done', backordered => 'open', constants => '{"demand": "internal", "currency": "EUR", "payment_days": 30}');
-- o1: 2 of H held for the order, 1 of I, 1 waits. l1: 1 of H, 1 waits, held for the line.
INSERT INTO policies (ref, pos, sku, n, how, prio, wanted, price)
VALUES ('o1', 1, 'H', 2, 'order', 5, '2030-01-02', 9.99), ('o1', 2, 'I', 2, 'order', NULL, NULL, 1234.567), ('l1', 1, 'H', 2, 'line', NULL, NULL, NULL) RETURNING ref, pos, done, open;
SELECT order_ref, line_no, demand, currency, payment_days, priority, requested_on = '2030-01-02' AS day, unit_price, ship_policy, qty_allocated FROM order_line WHERE attached_id = 2 ORDER BY line_id;
-- The second of I and the third of H come: all ship.
INSERT INTO receipt (item, qty) VALUES ('I', 1), ('H', 1);
SELECT ref, pos, done, open FROM policies ORDER BY ref, pos;
-- null counts as the default, also when it is written later
SELECT fails('UPDATE policies SET how = ''never'' WHERE ref = ''l1''');
INSERT INTO policies (ref, pos, sku, n, how, prio) VALUES ('p1', 1, 'H', 2, 'partial', 7) RETURNING done, open;
UPDATE policies SET prio = NULL, how = NULL WHERE ref = 'p1';
SELECT priority, ship_policy FROM order_line WHERE order_ref = 'p1';
SELECT * FROM t_attach.verify();
-- An order of which everything is there at once ships when the transaction ends.
INSERT INTO receipt (item, qty) VALUES ('I', 4), ('H', 4);
BEGIN;
INSERT INTO policies (ref, pos, sku, n, how) VALUES ('o2', 1, 'H', 1, 'order');
INSERT INTO policies (ref, pos, sku, n, how) VALUES ('o2', 2, 'I', 1, 'order');
SELECT pos, done, open FROM policies WHERE ref = 'o2' ORDER BY pos;
COMMIT;
SELECT pos, done, open FROM policies WHERE ref = 'o2' ORDER BY pos;
SELECT * FROM t_attach.verify();

-- A split that a column of whole numbers can't show: clearly refused at entry and at a fill.
INSERT INTO stock (item, on_hand) VALUES ('J', 1.5);
SELECT fails('INSERT INTO orders VALUES (100, ''J'', 2)');
INSERT INTO orders VALUES (101, 'J', 1) RETURNING done, open;
SELECT fails('UPDATE orders SET n = 2 WHERE id = 101');
UPDATE stock SET on_hand = 0 WHERE item = 'J';
INSERT INTO orders VALUES (102, 'J', 1) RETURNING done, open;
SELECT fails('INSERT INTO receipt (item, qty) VALUES (''J'', 0.5)');
SELECT * FROM there('J');
SELECT * FROM t_attach.verify();

-- session_replication_role lets changes by: verify() shows them.
SET session_replication_role = replica;
UPDATE orders SET n = 50, sku = 'B', open = 7 WHERE id = 102;
DELETE FROM orders WHERE id = 101;
SET session_replication_role = origin;
SELECT rule, item, detail FROM verify() ORDER BY detail;
SELECT relation, breaks FROM attachment ORDER BY attached_id;
SET session_replication_role = replica;
UPDATE orders SET n = 1, sku = 'J', open = 1 WHERE id = 102;
INSERT INTO orders VALUES (101, 'J', 1, 1, 0);
SET session_replication_role = origin;
SELECT * FROM t_attach.verify();

-- detach: the rows stay as they are, and the lines too. Attached again they know each
-- other, and show how the lines stand: 102 is 1/0.
SELECT detach('orders');
SELECT relation FROM attachment;
UPDATE orders SET open = 9 WHERE id = 102;
INSERT INTO receipt (item, qty) VALUES ('J', 1);
SELECT open FROM orders WHERE id = 102;
SELECT * FROM t_attach.verify();
SELECT attach_orders('orders', item => 'sku', qty => 'n', shipped => 'done', backordered => 'open', customer => 'who');
SELECT done, open FROM orders WHERE id = 102;
SELECT * FROM t_attach.verify();
-- archive(): the row stays, and its line changes no more; it may be deleted. The closed line 102 is kept, not brought in again.
SELECT archive(clock_timestamp()) > 0 AS archived;
SELECT count(*) FROM order_line WHERE attached_key = '{102}';
SELECT rows = kept AS all_kept, breaks FROM attachment;
SELECT fails('UPDATE orders SET n = 2 WHERE id = 102');
UPDATE orders SET who = who WHERE id = 102;
RESET client_min_messages;
SELECT detach('orders');
SET client_min_messages = warning;
SELECT attach_orders('orders', item => 'sku', qty => 'n', shipped => 'done', backordered => 'open', customer => 'who', import => true);
DELETE FROM orders WHERE id = 102;
SELECT * FROM t_attach.verify();
SELECT * FROM t_attach.verify_archive();
-- The application's schema goes: its lines stay, and are filled.
DROP SCHEMA t_attach_app CASCADE;
SELECT * FROM attachment;
INSERT INTO receipt (item, qty) VALUES ('A', 100) RETURNING qty_to_backorders > 0 AS filled;
SELECT * FROM t_attach.verify();
DROP SCHEMA t_attach CASCADE;
