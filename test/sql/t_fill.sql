-- Stock rises and falls: who is filled, and who gives up.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_fill');
RESET client_min_messages;
SET search_path = t_fill;
\set VERBOSITY terse

CREATE FUNCTION state(which text) RETURNS TABLE (what text, on_hand numeric, allocated numeric, backordered numeric)
LANGUAGE sql AS $$
    (SELECT 'stock', on_hand, allocated, backordered FROM t_fill.stock WHERE item = which AND location = 'main')
    UNION ALL
    (SELECT format('%s of %s: %s shipped', order_ref, qty_ordered, qty_shipped), NULL, qty_allocated, qty_backordered
       FROM t_fill.order_line WHERE item = which ORDER BY line_id)
    UNION ALL
    SELECT 'BROKEN ' || rule || ': ' || detail, NULL, NULL, NULL FROM t_fill.verify() WHERE item = which
$$;

-- One receipt: 4 come, 3 go to the first line and 1 to the second; its fills name it.
INSERT INTO stock (item, on_hand) VALUES ('A', 0);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'A', 3), ('b', 'A', 3), ('c', 'A', 3);
INSERT INTO receipt (item, qty, note) VALUES ('A', 4, 'first') RETURNING supply_id, qty_to_backorders, qty_to_stock;
SELECT * FROM state('A');
SELECT m.kind, m.qty, l.order_ref, r.note FROM movement m LEFT JOIN order_line l USING (line_id) LEFT JOIN receipt r USING (receipt_id)
WHERE m.item = 'A' ORDER BY movement_id;
-- More than anybody waits for: 5 go to lines, 2 to stock; all lines are closed.
INSERT INTO receipt (item, qty) VALUES ('A', 7) RETURNING qty_to_backorders, qty_to_stock;
SELECT count(*) FILTER (WHERE closed_at IS NULL) AS open FROM order_line WHERE item = 'A';
SELECT * FROM state('A');

-- Several receipts of two items in one statement, 3 lines wait for 2 each (B) and
-- one for 1 (C): 1: 1 to a; 2: nothing of B, 1 of C; 3: 1 to a and 2 to b; 4: 2 to c, 8 left.
INSERT INTO stock (item, on_hand) VALUES ('B', 0), ('C', 0);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'B', 2), ('b', 'B', 2), ('c', 'B', 2), ('a', 'C', 1);
INSERT INTO receipt (item, qty) VALUES ('B', 1), ('C', 5), ('B', 3), ('B', 10) RETURNING item, qty, qty_to_backorders, qty_to_stock;
SELECT * FROM state('B');
SELECT * FROM state('C');
-- Each fill names the receipt that it came out of.
SELECT l.order_ref, m.qty, r.qty AS of_receipt FROM movement m JOIN order_line l USING (line_id) JOIN receipt r USING (receipt_id) WHERE m.item = 'B' ORDER BY movement_id;
-- By COPY, 1 and 2 of 4 that are waited for.
INSERT INTO stock (item, on_hand) VALUES ('D', 0);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'D', 4);
COPY receipt (item, qty, note) FROM stdin;
D	1	\N
D	2	x
\.
SELECT qty, qty_to_backorders, qty_to_stock FROM receipt WHERE item = 'D' ORDER BY receipt_id;
SELECT * FROM state('D');

-- Receipts that ON CONFLICT drops bring nothing: a delivery note is unique. 2, then
-- 3 dropped, then 4: of 5 that are waited for 2 and 3 are filled, 1 goes to stock.
CREATE UNIQUE INDEX own ON receipt (note);
INSERT INTO stock (item, on_hand) VALUES ('E', 0);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'E', 3), ('b', 'E', 2);
INSERT INTO receipt (item, qty, note) VALUES ('E', 2, 'E1'), ('E', 3, 'E1'), ('E', 4, 'E2'), ('E', 5, 'E2')
ON CONFLICT DO NOTHING RETURNING note, qty, qty_to_backorders, qty_to_stock;
SELECT * FROM state('E');
-- All dropped, while 2 more wait: nothing changes.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('c', 'E', 3);
INSERT INTO receipt (item, qty, note) VALUES ('E', 9, 'E1'), ('E', 9, 'E2') ON CONFLICT (note) DO NOTHING RETURNING qty;
SELECT * FROM state('E');
-- By the primary key, given: receipt 1001 is there; the same again is no second
-- delivery. 5 wait; 2 come once, and again, and as an upsert of the note: 3 wait.
INSERT INTO stock (item, on_hand) VALUES ('F', 0);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'F', 5);
INSERT INTO receipt (receipt_id, item, qty) VALUES (1001, 'F', 2) RETURNING qty_to_backorders, qty_to_stock;
INSERT INTO receipt (receipt_id, item, qty) VALUES (1001, 'F', 2) ON CONFLICT DO NOTHING RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM state('F');
INSERT INTO receipt (receipt_id, item, qty) VALUES (1001, 'F', 2) ON CONFLICT (receipt_id, item) DO UPDATE SET note = 'again' RETURNING qty, qty_to_backorders, qty_to_stock, note;
SELECT * FROM state('F');
INSERT INTO receipt (receipt_id, item, qty) VALUES (1002, 'F', 1), (1002, 'F', 1), (1003, 'F', 1) ON CONFLICT DO NOTHING RETURNING receipt_id, qty_to_backorders, qty_to_stock;
SELECT * FROM state('F');

-- UPDATE of on_hand: from 0 to 4 is a count of 4 that goes to a (3) and b (1), so 0
-- stay; the journal says 4 counted in.
INSERT INTO stock (item, on_hand) VALUES ('G', 0);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'G', 3), ('b', 'G', 3);
UPDATE stock SET on_hand = 4 WHERE item = 'G' RETURNING on_hand, allocated, available, backordered;
SELECT * FROM state('G');
SELECT kind, qty, receipt_id FROM movement WHERE item = 'G' ORDER BY movement_id;
-- The same value again is nothing; +5 fills 2, 3 stay; -1 is a fall of what is free.
UPDATE stock SET on_hand = on_hand WHERE item = 'G';
UPDATE stock SET on_hand = on_hand + 5 WHERE item = 'G' RETURNING on_hand, backordered;
UPDATE stock SET on_hand = on_hand - 1 WHERE item = 'G' RETURNING on_hand, backordered;
SELECT kind, qty FROM movement WHERE item = 'G' AND line_id IS NULL ORDER BY movement_id;
SELECT * FROM state('G');
-- Two items in one UPDATE, one up and one down.
INSERT INTO stock (item, on_hand) VALUES ('G2', 5), ('G3', 0);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'G3', 3);
UPDATE stock SET on_hand = CASE item WHEN 'G2' THEN 1 ELSE 9 END WHERE item IN ('G2', 'G3');
SELECT item, on_hand, backordered FROM stock WHERE item IN ('G2', 'G3') ORDER BY item;
-- Columns that move nothing, and other locations, fill nothing.
UPDATE stock SET unit_cost = 2, lead_time_days = 3, safety_stock = 1, fill_rule = 'fifo' WHERE item = 'G2' RETURNING on_hand;
SELECT count(*) FROM movement WHERE item = 'G2';

-- INSERT ... ON CONFLICT DO UPDATE, how stock is synchronised: H is there with 0 and
-- 3 waiting, H2 is new. The feed says 5: 3 ship, 2 stay. Again 5 by the feed: it is a
-- count, so 5.
INSERT INTO stock (item, on_hand) VALUES ('H', 0);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'H', 3);
INSERT INTO stock (item, on_hand) VALUES ('H', 5), ('H2', 7) ON CONFLICT (item, location) DO UPDATE SET on_hand = EXCLUDED.on_hand RETURNING item, on_hand, backordered;
INSERT INTO stock (item, on_hand) VALUES ('H', 5), ('H2', 7) ON CONFLICT (item, location) DO UPDATE SET on_hand = EXCLUDED.on_hand RETURNING item, on_hand, backordered;
INSERT INTO stock (item, on_hand) VALUES ('H', 99), ('H3', 1) ON CONFLICT DO NOTHING RETURNING item, on_hand;
SELECT item, kind, qty FROM movement WHERE item LIKE 'H%' AND line_id IS NULL ORDER BY movement_id;
SELECT * FROM state('H');
-- One row twice in one upsert is the server's own error (21000), and changes nothing.
\set VERBOSITY sqlstate
INSERT INTO stock (item, on_hand) VALUES ('H', 6), ('H', 7) ON CONFLICT (item, location) DO UPDATE SET on_hand = EXCLUDED.on_hand;
\set VERBOSITY terse
SELECT * FROM state('H');

-- fifo: priority first, then queued_at, then line_id. The owner brings two old orders
-- in: "old" of 2001 and, of the very same time, two lines that line_id decides about.
-- Order: urgent (priority 1), old, then twin 7001, twin 7002 (given later, but lower
-- id first), then new. 1 each.
INSERT INTO stock (item, on_hand) VALUES ('I', 0);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('new', 'I', 2);
INSERT INTO order_line (line_id, order_ref, item, qty_ordered, queued_at) VALUES (7002, 'twin 2', 'I', 2, '2002-02-02 UTC');
INSERT INTO order_line (line_id, order_ref, item, qty_ordered, queued_at) VALUES (7001, 'twin 1', 'I', 2, '2002-02-02 UTC');
INSERT INTO order_line (order_ref, item, qty_ordered, queued_at) VALUES ('old', 'I', 2, '2001-01-01 UTC');
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES ('urgent', 'I', 2, 1);
SELECT order_ref, position FROM open_backorder WHERE item = 'I' ORDER BY position;
INSERT INTO receipt (item, qty) VALUES ('I', 3);
SELECT order_ref, position, qty_backordered FROM open_backorder WHERE item = 'I' ORDER BY position;
INSERT INTO receipt (item, qty) VALUES ('I', 4);
SELECT order_ref, position, qty_backordered FROM open_backorder WHERE item = 'I' ORDER BY position;
SELECT * FROM state('I');
-- queued_at of one statement's lines differs, and grows, and is what the stock row remembers.
SELECT count(*) AS lines, count(DISTINCT queued_at) AS times FROM order_line WHERE item IN ('A', 'B') AND queued_at > '2003-01-01';
SELECT bool_and(queued_at > before) AS grows FROM (SELECT queued_at, lag(queued_at) OVER (ORDER BY line_id) AS before FROM order_line WHERE item = 'A') q;
SELECT s.last_queued_at = max(l.queued_at) AS kept FROM stock s JOIN order_line l USING (item, location) WHERE item = 'A' GROUP BY s.last_queued_at;
-- A priority that changes moves the line: "new" waits for 2 behind the others; put to
-- the front it gets the next goods.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('last', 'I', 1);
UPDATE order_line SET priority = 0 WHERE item = 'I' AND order_ref = 'last';
INSERT INTO receipt (item, qty) VALUES ('I', 1);
SELECT order_ref, qty_backordered FROM order_line WHERE item = 'I' AND order_ref IN ('last', 'new') ORDER BY order_ref;

-- More lines than are read at once (16, then 1024): 40 wait for 1; 35 come in one
-- receipt, then 3 in one and 3 in another of the same statement.
INSERT INTO stock (item, on_hand) VALUES ('J', 0);
INSERT INTO order_line (order_ref, item, qty_ordered) SELECT 'j', 'J', 1 FROM generate_series(1, 40);
INSERT INTO receipt (item, qty) VALUES ('J', 35) RETURNING qty_to_backorders, qty_to_stock;
INSERT INTO receipt (item, qty) VALUES ('J', 3), ('J', 3) RETURNING qty_to_backorders, qty_to_stock;
SELECT on_hand, backordered FROM stock WHERE item = 'J';
SELECT count(*) FROM verify();

-- Steps: only whole ones are given. Step 4, two lines of 8: 6 come: 4 to a; 3 more:
-- 5 are there: 4 to a; 20 more: b gets its 8, 13 stay.
INSERT INTO stock (item, on_hand, qty_step) VALUES ('K', 0, 4);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'K', 8), ('b', 'K', 8);
INSERT INTO receipt (item, qty) VALUES ('K', 6) RETURNING qty_to_backorders, qty_to_stock;
INSERT INTO receipt (item, qty) VALUES ('K', 3) RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM state('K');
INSERT INTO receipt (item, qty) VALUES ('K', 20) RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM state('K');
-- Two receipts of 2 in one statement make a step of 4: the second one is told of 2.
INSERT INTO stock (item, on_hand, qty_step) VALUES ('K2', 0, 4);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'K2', 8);
INSERT INTO receipt (item, qty) VALUES ('K2', 2), ('K2', 2) RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM state('K2');
-- A step that is lifted frees what it held back: 3 are there, and go out.
INSERT INTO receipt (item, qty) VALUES ('K2', 3) RETURNING qty_to_backorders, qty_to_stock;
UPDATE stock SET qty_step = NULL WHERE item = 'K2' RETURNING on_hand, backordered;
SELECT * FROM state('K2');

-- A fall below what is allocated releases the last in the queue first; they wait
-- again at their old place. a, b, c hold 4 each of 12. Down to 7: 5 must go: c loses
-- 4, b 1. Then 2 come back: b is whole again (1), c gets 1.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('L', 12, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'L', 4), ('b', 'L', 4), ('c', 'L', 4);
UPDATE stock SET on_hand = 7 WHERE item = 'L' RETURNING on_hand, allocated, available, backordered;
SELECT * FROM state('L');
SELECT m.kind, m.qty, l.order_ref FROM movement m JOIN order_line l USING (line_id) WHERE m.item = 'L' AND kind <> 'allocate' ORDER BY l.order_ref;
UPDATE stock SET on_hand = 9 WHERE item = 'L' RETURNING on_hand, allocated, available, backordered;
SELECT * FROM state('L');
-- An urgent line that holds some is the last to lose it; all are released by 0.
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES ('u', 'L', 2, 1);
INSERT INTO receipt (item, qty) VALUES ('L', 2) RETURNING qty_to_backorders, qty_to_stock;
UPDATE stock SET on_hand = 3 WHERE item = 'L';
SELECT * FROM state('L');
UPDATE stock SET on_hand = 0 WHERE item = 'L';
SELECT * FROM state('L');
-- Never below zero: BK005.
\set VERBOSITY sqlstate
UPDATE stock SET on_hand = -1 WHERE item = 'L';
UPDATE stock SET on_hand = on_hand - 0.000001 WHERE item = 'L';
\set VERBOSITY terse
-- What has shipped is gone: a fall releases nothing of it.
SELECT * FROM state('G');
-- Steps when releasing: step 3, a and b hold 6 each; down to 10: 2 too few, b gives
-- up a whole step of 3, and 1 is free.
INSERT INTO stock (item, on_hand, qty_step, ships_at_once) VALUES ('M', 12, 3, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'M', 6), ('b', 'M', 6);
UPDATE stock SET on_hand = 10 WHERE item = 'M' RETURNING on_hand, allocated, available, backordered;
SELECT * FROM state('M');
-- More than 64 holders are released over several batches: 100 lines of 1 down to 10.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('N', 100, false);
INSERT INTO order_line (order_ref, item, qty_ordered) SELECT i::text, 'N', 1 FROM generate_series(1, 100) i;
UPDATE stock SET on_hand = 10 WHERE item = 'N' RETURNING on_hand, allocated, available, backordered;
SELECT min(order_ref::integer) AS first_that_waits FROM order_line WHERE item = 'N' AND qty_backordered > 0;
SELECT count(*) FROM verify();

-- receive(): who got what, in the order of the queue. 5 come: 3 to a, 2 of 4 to b,
-- which still waits for 2.
INSERT INTO stock (item, on_hand) VALUES ('O', 0), ('O', 0) ON CONFLICT DO NOTHING;
INSERT INTO stock (item, location, on_hand, ships_at_once) VALUES ('O', 'west', 0, false);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'Ann', 'O', 3), ('b', NULL, 'O', 4);
INSERT INTO order_line (order_ref, customer, item, location, qty_ordered) VALUES ('w', 'Will', 'O', 'west', 2);
SELECT order_ref, customer, qty, qty_shipped, qty_backordered FROM receive('O', 5);
-- Named arguments in any order: west, where goods are held, so nothing ships.
SELECT order_ref, customer, qty, qty_shipped, qty_backordered FROM receive(location => 'west', qty => 3, item => 'O', note => 'dock 4', unit_cost => 1.50);
SELECT item, location, qty, qty_to_backorders, qty_to_stock, unit_cost, note FROM receipt WHERE item = 'O' ORDER BY receipt_id;
-- Nobody is left there: no rows, and 1 more in stock.
SELECT * FROM receive('O', 1, 'west');
SELECT on_hand, allocated, available FROM stock WHERE item = 'O' AND location = 'west';
SELECT * FROM state('O');
-- It fails as an INSERT would.
\set VERBOSITY sqlstate
SELECT * FROM receive('O', 0);
SELECT * FROM receive('nothing', 1);
SELECT * FROM receive(NULL, 1);
SELECT * FROM receive('O', NULL);
SELECT * FROM receive('O', 1, supply_ref => 'nowhere');
\set VERBOSITY terse

-- Supply. P has two lines of PO-1, 5 expected on the 1st and 5 on the 3rd; PO-2
-- has one. A receipt of 3 on PO-1 goes to the first line; 4 go 2 to the first and 2
-- to the second; 9 more go to the second, which counts what is too much: 2 + 9 = 11.
INSERT INTO stock (item, on_hand) VALUES ('P', 0);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'P', 10);
INSERT INTO supply (supply_ref, supplier, item, qty_expected, expected_on) VALUES ('PO-1', 'late', 'P', 5, '2030-01-03'), ('PO-1', 'early', 'P', 5, '2030-01-01'), ('PO-2', 'other', 'P', 5, '2029-01-01'), ('PO-1', 'other item', 'O', 5, '2029-01-01');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('P', 3, 'PO-1') RETURNING supply_id, qty_to_backorders, qty_to_stock;
INSERT INTO receipt (item, qty, supply_ref) VALUES ('P', 4, 'PO-1') RETURNING supply_id, qty_to_backorders, qty_to_stock;
SELECT supply_ref, supplier, qty_expected, qty_received FROM supply ORDER BY supply_id;
INSERT INTO receipt (item, qty, supply_ref) VALUES ('P', 9, 'PO-1') RETURNING supply_id, qty_to_backorders, qty_to_stock;
SELECT supply_ref, supplier, qty_expected, qty_received FROM supply ORDER BY supply_id;
SELECT kind, qty, supply_id FROM movement WHERE item = 'P' AND kind = 'receive' ORDER BY movement_id;
SELECT * FROM state('P');
-- Several receipts of one statement on one line, by receive() too.
INSERT INTO receipt (item, qty, supply_ref) VALUES ('P', 1, 'PO-2'), ('P', 2, 'PO-2');
SELECT * FROM receive('P', 1, supply_ref => 'PO-2');
SELECT qty_received FROM supply WHERE supply_ref = 'PO-2';
-- A supply line of unknown date is filled after the dated ones.
INSERT INTO supply (supply_ref, supplier, item, qty_expected) VALUES ('PO-3', 'undated', 'P', 5);
INSERT INTO supply (supply_ref, supplier, item, qty_expected, expected_on) VALUES ('PO-3', 'dated', 'P', 5, '2031-01-01');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('P', 6, 'PO-3');
SELECT supplier, qty_received FROM supply WHERE supply_ref = 'PO-3' ORDER BY supplier;
-- A receipt on supply that is dropped or rolled back is not received there.
INSERT INTO receipt (item, qty, supply_ref, note) VALUES ('P', 1, 'PO-2', 'P1'), ('P', 1, 'PO-2', 'P1'), ('P', 1, 'PO-2', 'P1') ON CONFLICT DO NOTHING;
BEGIN;
INSERT INTO receipt (item, qty, supply_ref) VALUES ('P', 1, 'PO-2');
ROLLBACK;
SELECT qty_received FROM supply WHERE supply_ref = 'PO-2';
SELECT count(*) FROM verify();
-- Unknown, of another item or location, closed: BK007, and nothing changes.
\set VERBOSITY sqlstate
INSERT INTO receipt (item, qty, supply_ref) VALUES ('P', 1, 'PO-9');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('A', 1, 'PO-1');
INSERT INTO receipt (item, location, qty, supply_ref) VALUES ('O', 'west', 1, 'PO-1');
UPDATE supply SET closed = true WHERE supply_ref = 'PO-2';
INSERT INTO receipt (item, qty, supply_ref) VALUES ('P', 1, 'PO-2');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('P', 1, '');
\set VERBOSITY terse
-- One of two lines closed: the other takes it.
UPDATE supply SET closed = true WHERE supplier = 'early';
INSERT INTO receipt (item, qty, supply_ref) VALUES ('P', 1, 'PO-1');
SELECT supplier, qty_received FROM supply WHERE supply_ref = 'PO-1' AND item = 'P' ORDER BY supplier;
SELECT count(*) FROM verify();

-- What was received on supply stays: it can't become another item's, lose its
-- counter, be deleted or emptied; what was not received on may be changed.
\set VERBOSITY sqlstate
UPDATE supply SET item = 'A' WHERE supplier = 'late';
UPDATE supply SET location = 'west' WHERE supplier = 'late';
UPDATE supply SET supply_id = 99 WHERE supplier = 'late';
UPDATE supply SET qty_received = 0 WHERE supplier = 'late';
UPDATE supply SET qty_expected = 0 WHERE supplier = 'late';
DELETE FROM supply WHERE supplier = 'late';
TRUNCATE supply;
\set VERBOSITY terse
UPDATE supply SET item = 'A', qty_expected = 6.50, expected_on = NULL WHERE supplier = 'other item' RETURNING item, qty_expected, qty_received;
DELETE FROM supply WHERE supplier = 'other item';
UPDATE supply SET expected_on = '2031-05-05', qty_expected = 4, promised_on = '2031-05-05' WHERE supplier = 'late' RETURNING qty_expected, qty_received;
SELECT count(*) FROM verify();

-- Receipts and the journal are history: BK003. A note or a cost may be corrected.
\set VERBOSITY sqlstate
UPDATE receipt SET qty = 1 WHERE item = 'A';
UPDATE receipt SET item = 'B' WHERE item = 'A';
UPDATE receipt SET qty_to_stock = 0, qty_to_backorders = qty WHERE item = 'A';
DELETE FROM receipt WHERE item = 'A';
TRUNCATE receipt;
UPDATE movement SET qty = 1;
DELETE FROM movement;
TRUNCATE movement;
TRUNCATE stock;
TRUNCATE order_line;
DELETE FROM stock WHERE item = 'L';
UPDATE stock SET item = 'L9' WHERE item = 'L';
UPDATE stock SET location = 'east' WHERE item = 'L';
\set VERBOSITY terse
UPDATE receipt SET note = 'corrected', unit_cost = 3 WHERE item = 'D' AND note = 'x' RETURNING note, unit_cost;
-- A stock row that nobody needs may go, and is journalled out.
INSERT INTO stock (item, on_hand) VALUES ('Q', 7);
DELETE FROM stock WHERE item = 'Q';
SELECT kind, qty FROM movement WHERE item = 'Q' ORDER BY movement_id;
SELECT count(*) FROM verify();

SET client_min_messages = warning;
DROP SCHEMA t_fill CASCADE;
