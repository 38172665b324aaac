-- An order line is split at entry, however it comes in.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_split');
RESET client_min_messages;
SET search_path = t_split;
\set VERBOSITY terse

-- One row of 6 against 10: all of it ships, 4 stay. What ships at once is one
-- movement, and the line is closed.
INSERT INTO stock (item, on_hand) VALUES ('A', 10);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('one', 'A', 6)
RETURNING line_id, qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned, qty_filled_first;
SELECT on_hand, allocated, available, backordered FROM stock WHERE item = 'A';
SELECT kind, qty FROM movement WHERE line_id = 1;
SELECT closed_at IS NOT NULL AS closed FROM order_line WHERE line_id = 1;

-- Several rows against the 4: 3 ship; then 1 of 2, 1 waits; the third waits whole.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('many', 'A', 3), ('many', 'A', 2), ('many', 'A', 5)
RETURNING line_id, qty_shipped, qty_backordered, qty_filled_first;
SELECT on_hand, allocated, available, backordered FROM stock WHERE item = 'A';
-- Lines in the queue are open, in the order of their arrival.
SELECT order_ref, position, qty_ahead, qty_backordered FROM open_backorder ORDER BY position;
SELECT count(*) FROM verify();

-- INSERT ... SELECT over three items and a second location, in no order: B ships
-- 2 of 3, A waits (4 more behind 6), C at "main" has nothing, at "west" all.
INSERT INTO stock (item, location, on_hand) VALUES ('B', 'main', 2), ('C', 'main', 0), ('C', 'west', 9);
INSERT INTO order_line (order_ref, item, location, qty_ordered)
SELECT 'select', i, l, q FROM (VALUES (1, 'C', 'west', 4), (2, 'B', 'main', 3), (3, 'A', 'main', 4), (4, 'C', 'main', 1), (5, 'C', 'west', 5)) v (n, i, l, q)
ORDER BY n
RETURNING item, location, qty_shipped, qty_backordered;
SELECT item, location, on_hand, backordered FROM stock ORDER BY item, location;
SELECT count(*) FROM verify();

-- An INSERT of no rows does nothing.
INSERT INTO order_line (item, qty_ordered) SELECT 'A', 1 WHERE false;
SELECT count(*) FROM movement WHERE item = 'A';

-- COPY: D has 5: 2 and 3 ship, the last 2 wait. Columns of the engine are left out.
INSERT INTO stock (item, on_hand) VALUES ('D', 5);
COPY order_line (order_ref, item, qty_ordered) FROM stdin;
copy	D	2
copy	D	3
copy	D	2
\.
SELECT item, qty_ordered, qty_shipped, qty_backordered FROM order_line WHERE order_ref = 'copy' ORDER BY line_id;
SELECT on_hand, backordered FROM stock WHERE item = 'D';
-- A COPY that fails in its last row leaves nothing (0 rows, stock as it was).
INSERT INTO stock (item, on_hand) VALUES ('E', 5);
COPY order_line (order_ref, item, qty_ordered) FROM stdin;
bad copy	E	2
bad copy	E	-1
\.
SELECT count(*) FROM order_line WHERE order_ref = 'bad copy';
SELECT on_hand, backordered FROM stock WHERE item = 'E';
SELECT count(*) FROM verify();

-- A prepared statement, eight times (the sixth may use a generic plan): 20 there,
-- 3 each: six ship whole, the seventh 2 of 3, the eighth nothing.
INSERT INTO stock (item, on_hand) VALUES ('P', 20);
PREPARE o (text, numeric) AS INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('prep', $1, $2) RETURNING qty_shipped, qty_backordered;
EXECUTE o ('P', 3);
EXECUTE o ('P', 3);
EXECUTE o ('P', 3);
EXECUTE o ('P', 3);
EXECUTE o ('P', 3);
EXECUTE o ('P', 3);
EXECUTE o ('P', 3);
EXECUTE o ('P', 3);
SELECT on_hand, backordered FROM stock WHERE item = 'P';
-- The same from PL/pgSQL, in one statement each: 10 more lines of 1 wait.
DO $$BEGIN FOR i IN 1..10 LOOP INSERT INTO t_split.order_line (order_ref, item, qty_ordered) VALUES ('loop', 'P', 1); END LOOP; END$$;
SELECT on_hand, backordered FROM stock WHERE item = 'P';
SELECT count(*) FROM verify();

-- Decimals of 6 places are exact: 0.3 there, 0.1 and 0.2 leave exactly nothing.
INSERT INTO stock (item, on_hand) VALUES ('N', 0.3);
INSERT INTO order_line (item, qty_ordered) VALUES ('N', 0.1), ('N', 0.2) RETURNING qty_shipped, qty_backordered;
SELECT on_hand, available FROM stock WHERE item = 'N';
-- One millionth more than there is: 1.000001 wanted of 1: 0.000001 waits.
UPDATE stock SET on_hand = 1 WHERE item = 'N';
INSERT INTO order_line (item, qty_ordered) VALUES ('N', 1.000001) RETURNING qty_ordered, qty_shipped, qty_backordered;
-- Once that came, quantities print without zeros again: 1.000001 shipped, 0 waits.
INSERT INTO receipt (item, qty) VALUES ('N', 2.000001) RETURNING qty, qty_to_backorders, qty_to_stock;
SELECT qty_ordered, qty_shipped, qty_backordered FROM order_line WHERE item = 'N' ORDER BY line_id;
SELECT on_hand, allocated, available, backordered FROM stock WHERE item = 'N';
-- Padding zeros that the user types go too, in every table; the largest quantity goes in.
INSERT INTO stock (item, on_hand, qty_step, backorder_limit, safety_stock) VALUES ('Z', 5.500, 0.50, 10.0, 1.000)
RETURNING on_hand, available, allocated, backordered, qty_step, backorder_limit, safety_stock;
INSERT INTO order_line (item, qty_ordered) VALUES ('Z', 5.5000) RETURNING qty_ordered, qty_shipped;
INSERT INTO receipt (item, qty) VALUES ('Z', 2.0) RETURNING qty, qty_to_backorders, qty_to_stock;
UPDATE stock SET on_hand = 7.10 WHERE item = 'Z' RETURNING on_hand, available;
INSERT INTO supply (supply_ref, item, qty_expected) VALUES ('S', 'Z', 3.000) RETURNING qty_expected, qty_received;
SELECT qty FROM movement WHERE item = 'Z' ORDER BY movement_id;
INSERT INTO stock (item, on_hand) VALUES ('MAX', 999999999999.999999) RETURNING on_hand, available;
INSERT INTO order_line (item, qty_ordered) VALUES ('MAX', 999999999999.999999) RETURNING qty_shipped, qty_backordered;
SELECT count(*) FROM verify();

-- qty_step 6: 20 there, 24 wanted: 18 ship (three whole steps), 6 wait although 2
-- are there; the next line of 6 waits too.
INSERT INTO stock (item, on_hand, qty_step) VALUES ('STEP', 20, 6);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('s1', 'STEP', 24), ('s2', 'STEP', 6) RETURNING order_ref, qty_shipped, qty_backordered;
SELECT on_hand, available, backordered FROM stock WHERE item = 'STEP';
SELECT count(*) FROM verify();
-- 3 more are 5, not yet a step: nobody gets anything.
INSERT INTO receipt (item, qty) VALUES ('STEP', 3) RETURNING qty_to_backorders, qty_to_stock;
-- 5 there + 1: the step that is filled is larger than this receipt, which brought 1.
INSERT INTO receipt (item, qty) VALUES ('STEP', 1) RETURNING qty_to_backorders, qty_to_stock;
SELECT order_ref, qty_shipped, qty_backordered FROM order_line WHERE item = 'STEP' ORDER BY line_id;
SELECT on_hand, available, backordered FROM stock WHERE item = 'STEP';
-- A quantity that is not a multiple of the step is refused.
INSERT INTO order_line (item, qty_ordered) VALUES ('STEP', 7);
INSERT INTO order_line (item, qty_ordered) VALUES ('STEP', 6.000001);
-- A step of decimals: 0.25 fits 0.75; 0.9 there gives 0.75.
INSERT INTO stock (item, on_hand, qty_step) VALUES ('QUART', 0.9, 0.25);
INSERT INTO order_line (item, qty_ordered) VALUES ('QUART', 1) RETURNING qty_shipped, qty_backordered;
SELECT count(*) FROM verify();

-- ships_at_once = false: what a line gets stays allocated, on_hand stays 10.
-- 6 and 4 of 7 are held, 3 wait. available is 0.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('HELD', 10, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('h1', 'HELD', 6), ('h2', 'HELD', 7)
RETURNING order_ref, qty_shipped, qty_allocated, qty_backordered, qty_filled_first, closed_at IS NULL AS open;
SELECT on_hand, allocated, available, backordered FROM stock WHERE item = 'HELD';
SELECT kind, qty, line_id - (SELECT min(line_id) FROM order_line WHERE item = 'HELD') AS line FROM movement WHERE item = 'HELD' ORDER BY movement_id;
-- A receipt of 5 is held too: 3 for h2, 2 are available.
INSERT INTO receipt (item, qty) VALUES ('HELD', 5) RETURNING qty_to_backorders, qty_to_stock;
SELECT order_ref, qty_shipped, qty_allocated, qty_backordered FROM order_line WHERE item = 'HELD' ORDER BY line_id;
SELECT on_hand, allocated, available, backordered FROM stock WHERE item = 'HELD';
SELECT count(*) FROM verify();

-- ship_policy line: 4 of 10 are held for it, and nothing ships; a line of policy
-- partial behind it waits. 5 more are held; the last one completes it and 10 ship.
INSERT INTO stock (item, on_hand) VALUES ('WHOLE', 4);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('w1', 'WHOLE', 10, 'line'), ('w2', 'WHOLE', 2, 'partial')
RETURNING order_ref, qty_shipped, qty_allocated, qty_backordered, qty_filled_first;
SELECT on_hand, allocated, available, backordered FROM stock WHERE item = 'WHOLE';
INSERT INTO receipt (item, qty) VALUES ('WHOLE', 5) RETURNING qty_to_backorders, qty_to_stock;
SELECT order_ref, qty_shipped, qty_allocated, qty_backordered FROM order_line WHERE item = 'WHOLE' ORDER BY line_id;
SELECT count(*) FROM verify();
-- 2: one completes w1, which ships 10; one ships for w2.
INSERT INTO receipt (item, qty) VALUES ('WHOLE', 2) RETURNING qty_to_backorders, qty_to_stock;
SELECT order_ref, qty_shipped, qty_allocated, qty_backordered, closed_at IS NULL AS open FROM order_line WHERE item = 'WHOLE' ORDER BY line_id;
SELECT on_hand, allocated, available, backordered FROM stock WHERE item = 'WHOLE';
-- A line of that policy for which everything is there ships at once: w4 of 3.
INSERT INTO receipt (item, qty) VALUES ('WHOLE', 4) RETURNING qty_to_backorders, qty_to_stock;
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('w4', 'WHOLE', 3, 'line') RETURNING qty_shipped, qty_allocated, qty_backordered;
SELECT count(*) FROM verify();

-- Priorities: a more urgent line that comes later stands before those that wait,
-- but takes nothing from them that they have. 0 there: p100 first, then p5 goes ahead.
INSERT INTO stock (item, on_hand) VALUES ('PRIO', 0);
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES ('p100', 'PRIO', 2, 100), ('p5', 'PRIO', 2, 5), ('p5 too', 'PRIO', 2, 5), ('p32767', 'PRIO', 1, 32767), ('p0', 'PRIO', 1, 0);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('default', 'PRIO', 1);
SELECT order_ref, priority, position, qty_ahead FROM open_backorder WHERE item = 'PRIO' ORDER BY position;
INSERT INTO receipt (item, qty) VALUES ('PRIO', 4);
SELECT order_ref, qty_shipped, qty_backordered FROM order_line WHERE item = 'PRIO' ORDER BY line_id;
SELECT count(*) FROM verify();

-- Explicit ids, 0 and negative ones among them, are ids like others.
INSERT INTO stock (item, on_hand) VALUES ('ID', 3);
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (0, 'ID', 1), (-5, 'ID', 1), (9223372036854775807, 'ID', 3) RETURNING line_id, qty_shipped, qty_backordered;
INSERT INTO receipt (receipt_id, item, qty) VALUES (0, 'ID', 1) RETURNING qty_to_backorders, qty_to_stock;
INSERT INTO supply (supply_id, supply_ref, item, qty_expected) VALUES (0, 'S0', 'ID', 5);
INSERT INTO receipt (receipt_id, item, qty, supply_ref) VALUES (-1, 'ID', 2, 'S0') RETURNING supply_id, qty_to_backorders, qty_to_stock;
SELECT qty_received FROM supply WHERE supply_ref = 'S0';
SELECT * FROM verify();

-- Names of any text: an empty order_ref, quotes, other letters, 1000 bytes.
INSERT INTO stock (item, location, on_hand) VALUES ('O''Neill "x" \ $1', 'Gänge', 1), (repeat('n', 1000), repeat('l', 1000), 2);
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('', 'O''Neill "x" \ $1', 'Gänge', 2), ('', repeat('n', 1000), repeat('l', 1000), 3) RETURNING qty_shipped, qty_backordered;
SELECT count(*) FROM verify();

-- RETURNING tells what the table has: every line against its row.
CREATE TABLE said AS SELECT line_id, qty_shipped, qty_backordered FROM order_line WITH NO DATA;
INSERT INTO stock (item, on_hand) VALUES ('R', 7);
WITH i AS (INSERT INTO order_line (item, qty_ordered) SELECT 'R', n FROM generate_series(1, 5) n RETURNING line_id, qty_shipped, qty_backordered)
INSERT INTO said SELECT * FROM i;
SELECT said.qty_shipped, said.qty_backordered, said.qty_shipped = l.qty_shipped AND said.qty_backordered = l.qty_backordered AS true
FROM said JOIN order_line l USING (line_id) ORDER BY line_id;

-- A transaction that is rolled back leaves no trace, and the next is split anew.
BEGIN;
INSERT INTO stock (item, on_hand) VALUES ('ROLL', 5);
COMMIT;
BEGIN;
INSERT INTO order_line (item, qty_ordered) VALUES ('ROLL', 4) RETURNING qty_shipped;
ROLLBACK;
INSERT INTO order_line (item, qty_ordered) VALUES ('ROLL', 5) RETURNING qty_shipped, qty_backordered;
SELECT * FROM verify();

SET client_min_messages = warning;
DROP SCHEMA t_split CASCADE;
