-- Stock falls: counts and damage release the allocations of the last in the queue
-- first; what was released waits again at its old place.
SET client_min_messages = warning;
\set VERBOSITY sqlstate
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('life_fall');
SET search_path = life_fall;
RESET client_min_messages;
CREATE VIEW lines AS
    SELECT order_ref AS ref, item, location AS loc, qty_ordered AS ordered, qty_shipped AS shipped,
           qty_allocated AS alloc, qty_backordered AS back, qty_cancelled AS canc, qty_returned AS ret,
           closed_at IS NOT NULL AS closed
      FROM order_line;
CREATE VIEW stocks AS SELECT item, location AS loc, on_hand, allocated, available, backordered FROM stock;
CREATE FUNCTION id(text, text DEFAULT '%') RETURNS bigint LANGUAGE sql
    AS 'SELECT line_id FROM order_line WHERE order_ref = $1 AND item LIKE $2';

-- fifo: A, B, C hold 4 each of 12, D waits for 2. 3 are broken: C keeps 1.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('X', 12, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('A', 'X', 4), ('B', 'X', 4), ('C', 'X', 4), ('D', 'X', 2);
UPDATE stock SET on_hand = on_hand - 3 WHERE item = 'X' RETURNING on_hand, allocated, available, backordered;
SELECT * FROM lines WHERE item = 'X' ORDER BY 1;
-- 6 are counted: C's last, then 2 of B
SELECT on_hand, allocated, available, backordered FROM count_stock('X', 6, reason => 'inventory');
SELECT * FROM lines WHERE item = 'X' ORDER BY 1;
-- C and B wait again before D: 5 come, B 2 and C 3
SELECT order_ref, qty, qty_backordered FROM receive('X', 5);
-- 3 more: C 1, D 2; all 14 are held. C becomes the most urgent, so D is the
-- last, then B: 11 are counted, D loses 2 and B 1
SELECT order_ref, qty, qty_backordered FROM receive('X', 3);
UPDATE order_line SET priority = 1 WHERE order_ref = 'C';
SELECT on_hand, allocated, available, backordered FROM count_stock('X', 11);
SELECT * FROM lines WHERE item = 'X' ORDER BY 1;
-- what is available goes first: B holds 3 and cancels, D takes 2 of them, 1 is
-- available; counted 1 less, nobody loses
SELECT qty_cancelled FROM cancel(id('B'), 4);
SELECT * FROM stocks WHERE item = 'X';
UPDATE stock SET on_hand = 10 WHERE item = 'X' RETURNING on_hand, allocated, available, backordered;
-- nothing left
SELECT on_hand, allocated, available, backordered FROM count_stock('X', 0);
SELECT * FROM lines WHERE item = 'X' ORDER BY 1;
-- on_hand never goes below zero
UPDATE stock SET on_hand = -1 WHERE item = 'X';
UPDATE stock SET on_hand = on_hand - 1 WHERE item = 'X';
SELECT count_stock('X', -0.000001);
SELECT kind, qty, reason FROM movement WHERE item = 'X' AND kind IN ('adjust', 'release') ORDER BY movement_id;
SELECT * FROM verify();

-- due_date: the line that named no day gives up first, then the one due last. E on the 3rd, F on the 1st, G no day, H on the 2nd; 2 each of
-- 8. 7 are left: G gives 1. 5: G 1, E 1. 2: E 1, H 2.
INSERT INTO stock (item, on_hand, ships_at_once, fill_rule) VALUES ('D', 8, false, 'due_date');
INSERT INTO order_line (order_ref, item, qty_ordered, requested_on) VALUES
    ('E', 'D', 2, '2030-01-03'), ('F', 'D', 2, '2030-01-01'), ('G', 'D', 2, NULL), ('H', 'D', 2, '2030-01-02');
UPDATE stock SET on_hand = 7 WHERE item = 'D';
SELECT ref, alloc, back FROM lines WHERE item = 'D' ORDER BY 1;
UPDATE stock SET on_hand = 5 WHERE item = 'D';
SELECT ref, alloc, back FROM lines WHERE item = 'D' ORDER BY 1;
UPDATE stock SET on_hand = 2 WHERE item = 'D';
SELECT ref, alloc, back FROM lines WHERE item = 'D' ORDER BY 1;
-- and the rise fills in the order of days: H 2, E 2, G 1
SELECT order_ref, qty FROM receive('D', 5);
SELECT * FROM verify();

-- fair_share, most_lines: which line is last in the queue depends on what is
-- open, and of what is allocated nothing is; by priority, then by arrival.
INSERT INTO stock (item, on_hand, ships_at_once, fill_rule) VALUES ('S', 9, false, 'fair_share'), ('M', 9, false, 'most_lines');
INSERT INTO order_line (order_ref, item, qty_ordered, priority)
SELECT r, i, 3, p FROM (VALUES ('S'), ('M')) v (i), (VALUES ('I', 100), ('J', 200), ('K', 100)) w (r, p);
UPDATE stock SET on_hand = 4 WHERE item IN ('S', 'M');
SELECT item, ref, alloc, back FROM lines WHERE item IN ('S', 'M') ORDER BY 1, 2;
SELECT * FROM verify();

-- Steps of 5: N, O hold 5 each of 10. 9 are left: O gives up a whole step and
-- 4 are available, of use to nobody. 10 again: O has it back. 4: both gave up.
INSERT INTO stock (item, on_hand, ships_at_once, qty_step) VALUES ('T', 10, false, 5);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('N', 'T', 5), ('O', 'T', 5);
UPDATE stock SET on_hand = 9 WHERE item = 'T' RETURNING on_hand, allocated, available, backordered;
UPDATE stock SET on_hand = 10 WHERE item = 'T' RETURNING on_hand, allocated, available, backordered;
UPDATE stock SET on_hand = 4 WHERE item = 'T' RETURNING on_hand, allocated, available, backordered;
SELECT ref, alloc, back FROM lines WHERE item = 'T' ORDER BY 1;
-- one line of 15: 11 are left, it keeps 10
INSERT INTO stock (item, on_hand, ships_at_once, qty_step) VALUES ('T2', 15, false, 5);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('P', 'T2', 15);
UPDATE stock SET on_hand = 11 WHERE item = 'T2' RETURNING on_hand, allocated, available, backordered;
SELECT * FROM verify();
-- A step that is introduced, or grows, while others are held: 3 of 7 are held
-- for Q, 4 for R; in steps of 5 R gives up what it has, Q keeps its 3. Nobody
-- waits for a whole step that is there.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('T3', 7, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('Q', 'T3', 3), ('R', 'T3', 4);
UPDATE stock SET on_hand = 6, qty_step = 5 WHERE item = 'T3' RETURNING on_hand, allocated, available, backordered;
SELECT ref, alloc, back FROM lines WHERE item = 'T3' ORDER BY 1;
SELECT * FROM verify();

-- Held goods of lines that ship as a whole are allocations like others, and so
-- are those of stopped lines: U holds 2 of 5, V holds 1 and is stopped: V loses
-- its 1 and gets none back until released.
INSERT INTO stock (item, on_hand) VALUES ('W', 2);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('U', 'W', 5, 'line');
UPDATE stock SET ships_at_once = false, on_hand = 6 WHERE item = 'W';
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('V', 'W', 1);
SELECT held FROM hold_line(id('V'));
UPDATE stock SET on_hand = 4 WHERE item = 'W' RETURNING on_hand, allocated, available, backordered;
SELECT ref, shipped, alloc, back FROM lines WHERE item = 'W' ORDER BY 1;
UPDATE stock SET on_hand = 7 WHERE item = 'W' RETURNING on_hand, allocated, available, backordered;
SELECT qty_allocated FROM release_line(id('V'));
SELECT * FROM stocks WHERE item = 'W';
SELECT * FROM verify();

-- Many stock rows in one statement, each with its own: 1 less of 3 each.
INSERT INTO stock (item, on_hand, ships_at_once) SELECT 'Y' || n, 3, false FROM generate_series(1, 5) n;
INSERT INTO order_line (order_ref, item, qty_ordered) SELECT r, 'Y' || n, q FROM generate_series(1, 5) n, (VALUES ('y1', 2), ('y2', 2)) v (r, q);
UPDATE stock SET on_hand = on_hand - 1 - (item = 'Y5')::int WHERE item LIKE 'Y_';
SELECT ref, item, alloc, back FROM lines WHERE item LIKE 'Y_' ORDER BY 2, 1;
SELECT * FROM verify();
-- more lines than are read at once: 200 lines hold 1 each, 50 units are left:
-- the first 50 keep theirs
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('L', 200, false);
INSERT INTO order_line (order_ref, line_no, item, qty_ordered) SELECT 'l', n, 'L', 1 FROM generate_series(1, 200) n;
UPDATE stock SET on_hand = 50 WHERE item = 'L' RETURNING on_hand, allocated, backordered;
SELECT count(*), min(line_no), max(line_no) FROM order_line WHERE item = 'L' AND qty_allocated = 1;
SELECT order_ref, line_no FROM receive('L', 1) JOIN order_line USING (line_id, order_ref);
SELECT * FROM verify();

-- What falls can't fall for what has shipped: 5 there, 5 gone.
INSERT INTO stock (item, on_hand) VALUES ('Z', 5);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('Z', 'Z', 5);
UPDATE stock SET on_hand = on_hand - 1 WHERE item = 'Z';
-- not a stock row any more while somebody waits for it or holds something
DELETE FROM stock WHERE item = 'Z' RETURNING item;
DELETE FROM stock WHERE item = 'L';
DELETE FROM stock WHERE item = 'X';
SELECT * FROM verify();

-- A count that is rolled back.
BEGIN;
SAVEPOINT s;
SELECT allocated, backordered FROM count_stock('L', 0);
ROLLBACK TO s;
SELECT * FROM stocks WHERE item = 'L';
COMMIT;
SELECT * FROM verify();

SET client_min_messages = warning;
DROP SCHEMA life_fall CASCADE;
