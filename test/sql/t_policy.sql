-- ship_policy: a line that ships as a whole, an order that ships as a whole.
-- An order of several lines is looked at when the transaction ends.
SET client_min_messages = warning;
\set VERBOSITY sqlstate
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('life_policy');
SET search_path = life_policy;
RESET client_min_messages;
CREATE VIEW lines AS
    SELECT order_ref AS ref, item, location AS loc, qty_ordered AS ordered, qty_shipped AS shipped,
           qty_allocated AS alloc, qty_backordered AS back, qty_cancelled AS canc, qty_returned AS ret,
           closed_at IS NOT NULL AS closed
      FROM order_line;
CREATE VIEW stocks AS SELECT item, location AS loc, on_hand, allocated, available, backordered FROM stock;
CREATE FUNCTION id(text, text DEFAULT '%') RETURNS bigint LANGUAGE sql
    AS 'SELECT line_id FROM order_line WHERE order_ref = $1 AND item LIKE $2';

-- "line": 4 of 10 are there: held for it, in its turn. B behind it gets none
-- of them. 3 more: still not whole. 3 more: all 10 leave together.
INSERT INTO stock (item, on_hand) VALUES ('X', 4);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('A', 'X', 10, 'line'), ('B', 'X', 1, 'partial')
RETURNING order_ref, qty_shipped, qty_allocated, qty_backordered;
SELECT * FROM stocks;
SELECT order_ref, qty, qty_shipped, qty_backordered FROM receive('X', 3);
SELECT order_ref, qty, qty_shipped, qty_backordered FROM receive('X', 3);
SELECT * FROM lines ORDER BY 1;
-- 3 more: B gets its 1, 2 are left; whole at once: C ships at entry
SELECT order_ref, qty, qty_shipped, qty_backordered FROM receive('X', 3);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('C', 'X', 2, 'line')
RETURNING order_ref, qty_shipped, qty_allocated, qty_backordered, closed_at IS NOT NULL AS closed;
-- the part that is missing is cancelled, ordered no more: the rest is whole.
-- 2 are there: D wants 5, then 3, then 2; E wants 5, then 2.
UPDATE stock SET on_hand = 2 WHERE item = 'X';
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('D', 'X', 5, 'line');
SELECT qty_shipped, qty_allocated, qty_backordered FROM cancel(id('D'), 2);
SELECT qty_shipped, qty_allocated, qty_backordered FROM cancel(id('D'), 1);
UPDATE stock SET on_hand = 2 WHERE item = 'X';
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('E', 'X', 5, 'line');
UPDATE order_line SET qty_ordered = 2 WHERE order_ref = 'E' RETURNING qty_shipped, qty_allocated, qty_backordered;
SELECT * FROM stocks;
SELECT * FROM verify();

-- "order", one statement, all there: it leaves when the statement's
-- transaction ends, so RETURNING shows it held.
INSERT INTO stock (item, on_hand) VALUES ('P', 5), ('Q', 5);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O1', 'P', 1, 'order'), ('O1', 'Q', 1, 'order')
RETURNING item, qty_shipped, qty_allocated;
SELECT * FROM lines WHERE ref = 'O1' ORDER BY 2;
-- one statement, a part missing: 4 P held, 4 of 6 Q held
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O2', 'P', 4, 'order'), ('O2', 'Q', 6, 'order');
SELECT * FROM lines WHERE ref = 'O2' ORDER BY 2;
-- a receipt completes it: 2 Q
SELECT item, on_hand, allocated FROM stock WHERE item IN ('P', 'Q') ORDER BY 1;
SELECT order_ref, qty, qty_shipped, qty_backordered FROM receive('Q', 2);
SELECT * FROM lines WHERE ref = 'O2' ORDER BY 2;
SELECT item, on_hand, allocated FROM stock WHERE item IN ('P', 'Q') ORDER BY 1;
SELECT * FROM verify();

-- Several statements of one transaction: the first line doesn't leave before
-- the second is known. R: 1 there, S: nothing.
INSERT INTO stock (item, on_hand) VALUES ('R', 1), ('S', 0);
BEGIN;
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O3', 'R', 1, 'order');
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O3', 'S', 1, 'order');
COMMIT;
SELECT * FROM lines WHERE ref = 'O3' ORDER BY 2;
-- and when both are there, both leave at the end; inside, both are held
INSERT INTO stock (item, on_hand) VALUES ('R2', 1), ('S2', 1);
BEGIN;
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O4', 'R2', 1, 'order');
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O4', 'S2', 1, 'order');
SELECT * FROM lines WHERE ref = 'O4' ORDER BY 2;
SELECT * FROM order_due;
COMMIT;
SELECT * FROM lines WHERE ref = 'O4' ORDER BY 2;
SELECT * FROM order_due;
-- the missing line goes away in the same transaction that made it
INSERT INTO stock (item, on_hand) VALUES ('R3', 2);
BEGIN;
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O5', 'R3', 1, 'order'), ('O5', 'S', 1, 'order');
DELETE FROM order_line WHERE order_ref = 'O5' AND item = 'S';
COMMIT;
SELECT * FROM lines WHERE ref = 'O5' ORDER BY 2;
-- or comes back with the savepoint: the order isn't whole
BEGIN;
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O6', 'R3', 1, 'order'), ('O6', 'S', 1, 'order');
SAVEPOINT s;
DELETE FROM order_line WHERE order_ref = 'O6' AND item = 'S';
ROLLBACK TO s;
COMMIT;
SELECT * FROM lines WHERE ref = 'O6' ORDER BY 2;
-- the other way round: the line that made the order whole is rolled back
INSERT INTO stock (item, on_hand) VALUES ('R4', 2);
BEGIN;
SAVEPOINT s;
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O7', 'S', 1, 'order');
ROLLBACK TO s;
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O7', 'R4', 1, 'order');
SAVEPOINT t;
SELECT held FROM hold_line(id('O7'));
ROLLBACK TO t;
RELEASE t;
COMMIT;
SELECT * FROM lines WHERE ref = 'O7' ORDER BY 2;
SELECT * FROM verify();

-- SET CONSTRAINTS ALL IMMEDIATE: looked at now, not at the end. Before the
-- second line: the first leaves alone, for it is all of the order so far.
INSERT INTO stock (item, on_hand) VALUES ('I', 9), ('J', 9);
BEGIN;
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O8', 'I', 1, 'order');
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O8', 'J', 1, 'order');
SELECT ref, item, shipped, alloc FROM lines WHERE ref = 'O8' ORDER BY 2;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT ref, item, shipped, alloc FROM lines WHERE ref = 'O8' ORDER BY 2;
-- from here on each statement is looked at when it ends
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O9', 'I', 1, 'order'), ('O9', 'J', 10, 'order');
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'O9' ORDER BY 2;
SELECT order_ref, qty, qty_shipped FROM receive('J', 2);
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'O9' ORDER BY 2;
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O10', 'I', 1, 'order');
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'O10' ORDER BY 2;
SELECT qty_cancelled, qty_shipped FROM cancel(id('O10'));
SELECT * FROM verify();
SAVEPOINT s;
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O11', 'I', 1, 'order');
ROLLBACK TO s;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O11', 'I', 1, 'order');
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'O11' ORDER BY 2;
COMMIT;
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'O11' ORDER BY 2;
SELECT * FROM stocks WHERE item IN ('I', 'J') ORDER BY 1;
SELECT * FROM verify();

-- What is missing goes away in every other way, and what is there leaves:
-- K there, Z missing. Z cancelled (1), deleted (2), moved to another order (3),
-- no longer of that policy, but waiting as before (4: K stays); K itself no
-- longer of that policy (5).
INSERT INTO stock (item, on_hand) VALUES ('K', 7), ('Z', 0);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) SELECT 'W' || n, i, 1, 'order'
  FROM generate_series(1, 6) n, (VALUES ('K'), ('Z')) v (i);
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref LIKE 'W%' AND item = 'K' ORDER BY 1;
SELECT qty_cancelled FROM cancel(id('W1', 'Z'));
DELETE FROM order_line WHERE order_ref = 'W2' AND item = 'Z';
UPDATE order_line SET order_ref = 'W0' WHERE order_ref = 'W3' AND item = 'Z';
UPDATE order_line SET ship_policy = 'partial' WHERE order_ref = 'W4' AND item = 'Z';
UPDATE order_line SET ship_policy = 'line' WHERE order_ref = 'W5' AND item = 'K';
-- held: the order waits for its release
SELECT held FROM hold_line(id('W6', 'K'));
SELECT qty_cancelled FROM cancel(id('W6', 'Z'));
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref LIKE 'W%' AND item = 'K' ORDER BY 1;
SELECT qty_shipped FROM release_line(id('W6', 'K'));
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'W6' ORDER BY 2;
SELECT * FROM verify();
-- ordered less: 1 of 3 waits, 2 are ordered then
INSERT INTO stock (item, on_hand) VALUES ('K2', 2);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('W7', 'K2', 3, 'order'), ('W7', 'K', 1, 'order');
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'W7' ORDER BY 2;
UPDATE order_line SET qty_ordered = 2 WHERE order_ref = 'W7' AND item = 'K2';
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'W7' ORDER BY 2;
SELECT * FROM verify();

-- A line that has nothing open any more can't keep its order back, held or
-- not: Y waits for Z, which is held and then cancelled in full.
INSERT INTO stock (item, on_hand) VALUES ('Y', 3);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('V1', 'Y', 1, 'order'), ('V1', 'Z', 1, 'order');
SELECT held FROM hold_line(id('V1', 'Z'));
SELECT qty_cancelled FROM cancel(id('V1', 'Z'));
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'V1' ORDER BY 2;
-- held and deleted
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('V2', 'Y', 1, 'order'), ('V2', 'Z', 1, 'order');
SELECT held FROM hold_line(id('V2', 'Z'));
SELECT qty_cancelled FROM cancel(id('V2', 'Z'));
DELETE FROM order_line WHERE order_ref = 'V2' AND item = 'Z';
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'V2' ORDER BY 2;
-- a shipped line that somebody holds doesn't hold back a line added later
UPDATE order_line SET held = true WHERE order_ref = 'O1' AND item = 'P';
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O1', 'Y', 1, 'order');
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'O1' ORDER BY 2;
SELECT * FROM verify();

-- An order that waits gets a line more, and one that has shipped gets another:
-- that one is on its own.
INSERT INTO stock (item, on_hand) VALUES ('L', 5), ('L2', 0);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('U1', 'L', 1, 'order');
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('U1', 'L2', 1, 'order');
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('U1', 'L', 2, 'order');
SELECT ref, item, ordered, shipped, alloc, back FROM lines WHERE ref = 'U1' ORDER BY 2, 3;
SELECT order_ref, qty, qty_shipped FROM receive('L2', 1);
SELECT ref, item, ordered, shipped, alloc, back FROM lines WHERE ref = 'U1' ORDER BY 2, 3;

-- Two lines of one order for the same item; the queue serves them in turn and
-- they leave together.
INSERT INTO stock (item, on_hand) VALUES ('N', 1);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('U2', 'N', 2, 'order'), ('U2', 'N', 3, 'order');
SELECT qty, qty_shipped, qty_backordered FROM receive('N', 2);
SELECT ref, item, ordered, shipped, alloc, back FROM lines WHERE ref = 'U2' ORDER BY 2, 3;
SELECT qty, qty_shipped, qty_backordered FROM receive('N', 2);
SELECT ref, item, ordered, shipped, alloc, back FROM lines WHERE ref = 'U2' ORDER BY 2, 3;
SELECT * FROM verify();

-- Held goods are the order's in its turn: U3 waits for Z with 2 of M in hand,
-- U4 behind it gets nothing of them.
INSERT INTO stock (item, on_hand) VALUES ('M', 2);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('U3', 'M', 2, 'order'), ('U3', 'Z', 1, 'order');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('U4', 'M', 1) RETURNING qty_shipped, qty_backordered;
-- cancelled, what it held passes on
SELECT qty_cancelled FROM cancel(id('U3', 'M'));
SELECT ref, item, shipped, alloc, back, canc FROM lines WHERE ref IN ('U3', 'U4') ORDER BY 1, 2;
SELECT * FROM verify();

-- Stock that ships by ship() alone among them: it stays allocated, the other
-- line leaves when both are there.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('T1', 1, true), ('T2', 0, false);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('U5', 'T1', 1, 'order'), ('U5', 'T2', 1, 'order');
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'U5' ORDER BY 2;
SELECT order_ref, qty, qty_shipped FROM receive('T2', 1);
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'U5' ORDER BY 2;
SELECT qty_shipped FROM ship(id('U5', 'T2'));
SELECT * FROM verify();

-- Without order_ref a line of policy "order" is an order of its own: like
-- "line". Two of them don't wait for each other.
INSERT INTO stock (item, on_hand) VALUES ('H', 2);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES (NULL, 'H', 1, 'order'), (NULL, 'H', 3, 'order')
RETURNING qty_ordered, qty_shipped, qty_allocated, qty_backordered;
SELECT order_ref, qty, qty_shipped FROM receive('H', 2);
SELECT ref, item, ordered, shipped, alloc, back FROM lines WHERE item = 'H' ORDER BY 4;
-- the missing order_ref is given later: it joins that order, which waits
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES (NULL, 'H', 1, 'order'), ('U6', 'Z', 1, 'order');
UPDATE order_line SET order_ref = 'U6' WHERE item = 'H' AND qty_backordered = 1;
SELECT order_ref, qty, qty_shipped FROM receive('H', 1);
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'U6' ORDER BY 2;
-- and taken away again
UPDATE order_line SET order_ref = NULL WHERE order_ref = 'U6' AND item = 'H' RETURNING qty_shipped, qty_allocated;
SELECT * FROM verify();

-- Orders with strange names, long ones, and one that looks like another.
INSERT INTO stock (item, on_hand) VALUES ('G', 20), ('G2', 0);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy)
SELECT r, i, 1, 'order' FROM (VALUES (''), ('"'), ('{}'), ('NULL'), ('o''o'), ('ä'), (repeat('x', 2000))) v (r), (VALUES ('G'), ('G2')) w (i);
SELECT left(ref, 10) AS ref, item, shipped, alloc, back FROM lines WHERE item = 'G' ORDER BY ref COLLATE "C";
SELECT count(*), sum(qty_shipped) FROM receive('G2', 7);
SELECT left(ref, 10) AS ref, item, shipped, alloc, back FROM lines WHERE item = 'G' ORDER BY ref COLLATE "C";
SELECT * FROM verify();

-- One receipt completes many orders, and one transaction several receipts.
INSERT INTO stock (item, on_hand) VALUES ('C1', 50), ('C2', 0), ('C3', 0);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy)
SELECT 'C-' || n, i, 1, 'order' FROM generate_series(1, 50) n, (VALUES ('C1'), ('C2'), ('C3')) v (i);
SELECT sum(shipped), sum(alloc), sum(back) FROM lines WHERE ref LIKE 'C-%';
BEGIN;
INSERT INTO receipt (item, qty) VALUES ('C2', 20), ('C2', 20), ('C3', 30);
SELECT sum(shipped), sum(alloc), sum(back) FROM lines WHERE ref LIKE 'C-%';
INSERT INTO receipt (item, qty) VALUES ('C3', 5);
COMMIT;
-- 35 orders have left, 3 units each; 15 of C1 and 5 of C2 are held, 10 of C2 and
-- 15 of C3 missing
SELECT sum(shipped), sum(alloc), sum(back) FROM lines WHERE ref LIKE 'C-%';
SELECT * FROM stocks WHERE item LIKE 'C_' ORDER BY 1;
SELECT * FROM verify();

-- A count that takes away what an order held: it isn't whole any more.
INSERT INTO stock (item, on_hand) VALUES ('E1', 1), ('E2', 0);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('N60', 'E1', 1, 'order'), ('N60', 'E2', 1, 'order');
BEGIN;
SELECT order_ref, qty, qty_shipped FROM receive('E2', 1);
SELECT on_hand, allocated FROM count_stock('E1', 0);
COMMIT;
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'N60' ORDER BY 2;
SELECT on_hand, allocated FROM count_stock('E1', 1);
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'N60' ORDER BY 2;
SELECT * FROM verify();

-- Every line of the order counts, whatever its own policy: AA is there and waits
-- for BB, which is "partial"; when BB comes, both leave.
INSERT INTO stock (item, on_hand) VALUES ('AA', 1), ('BB', 0);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('MX', 'AA', 1, 'order'), ('MX', 'BB', 1, 'partial');
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'MX' ORDER BY 2;
SELECT order_ref, qty, qty_shipped FROM receive('BB', 1);
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'MX' ORDER BY 2;
SELECT * FROM verify();

SET client_min_messages = warning;
DROP SCHEMA life_policy CASCADE;
