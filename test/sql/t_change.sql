-- Changes of a line that is there: quantity, place in the queue, policy, order, item,
-- location; deletion; whole rows saved by an application that read them before.
SET client_min_messages = warning;
\set VERBOSITY sqlstate
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('life_change');
SET search_path = life_change;
RESET client_min_messages;
CREATE VIEW lines AS
    SELECT order_ref, item, location AS loc, qty_ordered AS ordered, qty_shipped AS shipped,
           qty_allocated AS alloc, qty_backordered AS back, qty_cancelled AS canc,
           closed_at IS NOT NULL AS closed
      FROM order_line;
CREATE VIEW stocks AS SELECT item, location AS loc, on_hand, allocated, available, backordered FROM stock;

-- More quantity is a new split, less gives back what waits first. 10 there:
-- A wants 8, gets 8; 2 are left.
INSERT INTO stock (item, on_hand) VALUES ('Q', 10);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('A', 'Q', 8) RETURNING qty_shipped, qty_backordered;
-- 8 to 13: of 5 more 2 ship, 3 wait; the line is open again
UPDATE order_line SET qty_ordered = 13 WHERE order_ref = 'A' RETURNING qty_shipped, qty_backordered, closed_at IS NULL AS open;
-- what it got at entry stays 8
SELECT qty_filled_first FROM order_line WHERE order_ref = 'A';
-- 13 to 11: 1 waits still
UPDATE order_line SET qty_ordered = 11 WHERE order_ref = 'A' RETURNING qty_shipped, qty_backordered, closed_at IS NULL AS open;
-- 11 to 10: nothing waits, the line is closed
UPDATE order_line SET qty_ordered = 10 WHERE order_ref = 'A' RETURNING qty_shipped, qty_backordered, closed_at IS NULL AS open;
SELECT * FROM stocks;
-- to 9: 10 have shipped
UPDATE order_line SET qty_ordered = 9 WHERE order_ref = 'A';
-- nothing, less than nothing, nothing known, too fine
UPDATE order_line SET qty_ordered = 0 WHERE order_ref = 'A';
UPDATE order_line SET qty_ordered = -1 WHERE order_ref = 'A';
UPDATE order_line SET qty_ordered = NULL WHERE order_ref = 'A';
UPDATE order_line SET qty_ordered = 'NaN' WHERE order_ref = 'A';
UPDATE order_line SET qty_ordered = 10.0000001 WHERE order_ref = 'A';
-- 10.000 is 10: no change, printed without zeros
UPDATE order_line SET qty_ordered = 10.000 WHERE order_ref = 'A' RETURNING qty_ordered;
SELECT * FROM lines;
SELECT * FROM verify();

-- A line that grows keeps its place: B waits 1, C waits 1, B grows to 4; 3 come
-- in: B gets 3 of its 4, C nothing.
INSERT INTO stock (item) VALUES ('P');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('B', 'P', 1), ('C', 'P', 1);
UPDATE order_line SET qty_ordered = 4 WHERE order_ref = 'B';
SELECT order_ref, qty, qty_backordered FROM receive('P', 3);
-- Priority: C before B now; 1 comes in, C gets it.
UPDATE order_line SET priority = 50 WHERE order_ref = 'C';
SELECT order_ref, qty, qty_backordered FROM receive('P', 1);
UPDATE order_line SET priority = -1 WHERE order_ref = 'B';
UPDATE order_line SET priority = 32768 WHERE order_ref = 'B';
UPDATE order_line SET priority = 32767 WHERE order_ref = 'B' RETURNING priority;
UPDATE order_line SET priority = 0 WHERE order_ref = 'B' RETURNING priority;
SELECT * FROM lines WHERE item = 'P' ORDER BY 1;
-- requested_on moves a line where due dates rule: E, later by place, is due
-- earlier since its change; 2 come in and go to E.
INSERT INTO stock (item, fill_rule) VALUES ('R', 'due_date');
INSERT INTO order_line (order_ref, item, qty_ordered, requested_on) VALUES ('D', 'R', 2, '2030-01-02'), ('E', 'R', 2, '2030-01-03');
UPDATE order_line SET requested_on = '2030-01-01' WHERE order_ref = 'E';
SELECT order_ref, qty FROM receive('R', 2);
SELECT * FROM verify();

-- The backordered part goes first, then the allocated part, which passes to
-- the next: F holds 5 and waits for 2, G waits for 4. F 7 to 6: waits for 1.
-- F 6 to 2: the 1 that waits, then 3 of what it holds, and G takes those 3.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('S', 5, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('F', 'S', 7), ('G', 'S', 4);
UPDATE order_line SET qty_ordered = 6 WHERE order_ref = 'F';
SELECT * FROM lines WHERE item = 'S' ORDER BY 1;
UPDATE order_line SET qty_ordered = 2 WHERE order_ref = 'F';
SELECT * FROM lines WHERE item = 'S' ORDER BY 1;
SELECT * FROM stocks WHERE item = 'S';
SELECT * FROM verify();

-- Many lines in one statement, some of them of the same stock row: what one
-- gives up goes to the first in the queue, not to the one that happens to come
-- next in the statement. H holds 5; I, J, K wait for 1, 4, 2 in this order.
-- H 5 to 1 and K 2 to 6: 4 are free, I gets 1, J gets 3, K nothing.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('M', 5, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('H', 'M', 5), ('I', 'M', 1), ('J', 'M', 4), ('K', 'M', 2);
UPDATE order_line SET qty_ordered = CASE order_ref WHEN 'H' THEN 1 ELSE 6 END WHERE order_ref IN ('H', 'K');
SELECT * FROM lines WHERE item = 'M' ORDER BY 1;
SELECT * FROM stocks WHERE item = 'M';
SELECT * FROM verify();

-- Quantities are multiples of the step, after a change too. 14 are counted in:
-- L takes its 10, M could use 15 but goes in steps of 5, and only 4 are there.
INSERT INTO stock (item, qty_step) VALUES ('N', 5);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('L', 'N', 10), ('M', 'N', 5);
UPDATE order_line SET qty_ordered = 12 WHERE order_ref = 'M';
UPDATE order_line SET qty_ordered = 15 WHERE order_ref = 'M';
UPDATE stock SET on_hand = 14 WHERE item = 'N';
SELECT * FROM lines WHERE item = 'N' ORDER BY 1;
SELECT * FROM stocks WHERE item = 'N';

-- Several stock rows, each written once: one movement of either line, and the
-- row's newest version is one update away from the last.
INSERT INTO stock (item, on_hand) VALUES ('T1', 3), ('T2', 3);
INSERT INTO order_line (order_ref, item, qty_ordered) SELECT 'T', i, 1 FROM (VALUES ('T1'), ('T2')) v (i), generate_series(1, 3);
CREATE TABLE written (item text);
CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO written VALUES (new.item); RETURN NULL; END$$;
CREATE TRIGGER note_write AFTER UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION note_write();
UPDATE order_line SET qty_ordered = 2 WHERE order_ref = 'T';
SELECT item, count(*) FROM written GROUP BY item ORDER BY item;
DROP TRIGGER note_write ON stock;
SELECT * FROM stocks WHERE item LIKE 'T_' ORDER BY 1;
SELECT * FROM verify();

-- The limit counts at a change too: 4 may wait, 3 do. 2 more is one too many,
-- 1 more goes; a change of something else is no new backorder even where the
-- limit has since been lowered.
INSERT INTO stock (item, backorder_limit) VALUES ('B', 4);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('N', 'B', 3);
UPDATE order_line SET qty_ordered = 5 WHERE order_ref = 'N';
UPDATE order_line SET qty_ordered = 4 WHERE order_ref = 'N' RETURNING qty_backordered;
UPDATE stock SET backorder_limit = 0 WHERE item = 'B';
UPDATE order_line SET priority = 5, qty_ordered = 3 WHERE order_ref = 'N' RETURNING qty_backordered;
UPDATE order_line SET qty_ordered = 4 WHERE order_ref = 'N';
SELECT * FROM verify();

-- Another item or location: the line leaves its queue, gives back what it
-- held, and joins the other queue at the end. O holds 4 of V at "main", P waits for
-- 3 there; Q waits for 1 at "east", where O goes: P gets 3, 1 is left; O waits behind Q.
INSERT INTO stock (item, location, on_hand, ships_at_once) VALUES ('V', 'main', 4, false), ('V', 'east', 0, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('O', 'V', 4), ('P', 'V', 3);
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('Q', 'V', 'east', 1);
UPDATE order_line SET location = 'east' WHERE order_ref = 'O' RETURNING qty_allocated, qty_backordered;
SELECT * FROM lines WHERE item = 'V' ORDER BY 1;
SELECT * FROM stocks WHERE item = 'V' ORDER BY 2;
-- 3 at "east": Q 1, O 2
SELECT order_ref, qty, qty_backordered FROM receive('V', 3, 'east');
-- to another item, with another quantity at once: W has 10, O wants 7 of it,
-- all at once; what it held at "east" (2) is available there
INSERT INTO stock (item, on_hand) VALUES ('W', 10);
UPDATE order_line SET item = 'W', location = 'main', qty_ordered = 7 WHERE order_ref = 'O' RETURNING qty_shipped, qty_backordered;
SELECT * FROM stocks WHERE item IN ('V', 'W') ORDER BY 1, 2;
SELECT * FROM verify();
-- now it has shipped
UPDATE order_line SET item = 'V' WHERE order_ref = 'O';
UPDATE order_line SET location = 'east' WHERE order_ref = 'O';
DELETE FROM order_line WHERE order_ref = 'O';
-- not stocked there; null
UPDATE order_line SET location = 'moon' WHERE order_ref = 'P';
UPDATE order_line SET item = NULL WHERE order_ref = 'P';
-- What was cancelled goes along: P (3 held) cancels 1 and moves to "east",
-- where 2 are available: it holds them.
SELECT qty_allocated, qty_cancelled FROM cancel((SELECT line_id FROM order_line WHERE order_ref = 'P'), 1);
UPDATE order_line SET location = 'east' WHERE order_ref = 'P' RETURNING qty_ordered, qty_allocated, qty_backordered, qty_cancelled;
SELECT * FROM verify();
-- The step of the new place is that of the new quantity: 7 to "a" of any
-- quantity; moved to "b", where 5 go together, as 10.
INSERT INTO stock (item, location, qty_step) VALUES ('X', 'a', NULL), ('X', 'b', 5);
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('R', 'X', 'a', 7);
UPDATE order_line SET location = 'b' WHERE order_ref = 'R';
UPDATE order_line SET location = 'b', qty_ordered = 10 WHERE order_ref = 'R' RETURNING qty_ordered, qty_backordered;
SELECT * FROM stocks WHERE item = 'X' ORDER BY 2;
SELECT * FROM verify();
-- Two lines change places in one statement: each leaves 2, each finds 2.
INSERT INTO stock (item, location, on_hand, ships_at_once) VALUES ('Y', 'a', 2, false), ('Y', 'b', 2, false);
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('S', 'Y', 'a', 2), ('U', 'Y', 'b', 2);
UPDATE order_line SET location = CASE location WHEN 'a' THEN 'b' ELSE 'a' END WHERE item = 'Y';
SELECT * FROM lines WHERE item = 'Y' ORDER BY 1;
SELECT * FROM stocks WHERE item = 'Y' ORDER BY 2;
SELECT * FROM verify();

-- DELETE is like cancelling all: U (2 held at "a") goes, V waited for 1: it
-- gets it. What never waited and never shipped goes silently.
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('V', 'Y', 'a', 1);
DELETE FROM order_line WHERE order_ref = 'U';
SELECT * FROM lines WHERE item = 'Y' ORDER BY 1;
SELECT * FROM stocks WHERE item = 'Y' ORDER BY 2;
-- Several in one statement, a shipped one among them: none goes.
DELETE FROM order_line WHERE order_ref IN ('V', 'S', 'O');
SELECT count(*) FROM lines WHERE order_ref IN ('V', 'S', 'O');
DELETE FROM order_line WHERE order_ref IN ('V', 'S');
SELECT * FROM stocks WHERE item = 'Y' ORDER BY 2;
-- a cancelled line goes too; the journal still tells of it
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('W', 'Y', 'a', 3);
SELECT qty_cancelled FROM cancel((SELECT line_id FROM order_line WHERE order_ref = 'W'));
DELETE FROM order_line WHERE order_ref = 'W' RETURNING qty_cancelled;
SELECT * FROM verify();

-- Saving whole rows. An application read a line, changes the customer and
-- writes every column back, numbers in a scale of its own: fine.
INSERT INTO stock (item, on_hand) VALUES ('Z', 3);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('X', 'Z', 5);
CREATE TEMP TABLE seen AS SELECT * FROM order_line WHERE order_ref = 'X';
UPDATE order_line o SET order_ref = s.order_ref, line_no = s.line_no, demand = s.demand, customer = 'Mayer',
       item = s.item, location = s.location, priority = s.priority, ship_policy = s.ship_policy,
       requested_on = s.requested_on, unit_price = s.unit_price, currency = s.currency,
       payment_days = s.payment_days, qty_ordered = s.qty_ordered * 1.000, ordered_at = s.ordered_at,
       qty_shipped = s.qty_shipped * 1.00, qty_allocated = s.qty_allocated, qty_backordered = s.qty_backordered * 1.0,
       qty_cancelled = s.qty_cancelled, qty_returned = s.qty_returned, qty_filled_first = s.qty_filled_first * 1.0000,
       queued_at = s.queued_at, closed_at = s.closed_at, held = s.held, hold_reason = s.hold_reason
  FROM seen s WHERE o.line_id = s.line_id
RETURNING o.customer, o.qty_ordered, o.qty_shipped, o.qty_backordered, o.qty_filled_first;
-- with constants as an application sends them, the text in full
UPDATE order_line SET order_ref = 'X', item = 'Z', location = 'main', customer = 'Meyer', qty_shipped = 3.000000,
       qty_backordered = 2.000000 WHERE order_ref = 'X' RETURNING customer, qty_shipped, qty_backordered;
-- 1 comes in between: what the application read is stale now
SELECT order_ref, qty FROM receive('Z', 1);
UPDATE order_line o SET customer = 'Maier', qty_shipped = s.qty_shipped, qty_backordered = s.qty_backordered
  FROM seen s WHERE o.line_id = s.line_id;
-- the same trap with only one of them, with its place, its end, its number
UPDATE order_line SET qty_backordered = 2 WHERE order_ref = 'X';
UPDATE order_line SET queued_at = queued_at - interval '1 day' WHERE order_ref = 'X';
UPDATE order_line SET closed_at = now() WHERE order_ref = 'X';
UPDATE order_line SET line_id = line_id + 1000 WHERE order_ref = 'X';
UPDATE order_line SET qty_cancelled = NULL WHERE order_ref = 'X';
SELECT order_ref, customer, qty_shipped, qty_backordered FROM order_line WHERE order_ref = 'X';
-- a stock row saved whole, in another scale: 0 on hand, 0 allocated, 1 waited for
UPDATE stock SET item = 'Z', location = 'main', on_hand = 0.00, allocated = 0.00, backordered = 1.00, unit_cost = 7 WHERE item = 'Z'
RETURNING on_hand, allocated, backordered, unit_cost;
UPDATE stock SET backordered = 0 WHERE item = 'Z';
UPDATE stock SET allocated = 1 WHERE item = 'Z';
SELECT * FROM verify();

-- Columns of the application's own are its own: no stock row is touched, so a
-- line whose stock row somebody else holds can be changed, and one without.
ALTER TABLE order_line ADD COLUMN tag text;
UPDATE order_line SET tag = 'urgent', customer = 'Meier', unit_price = 3 WHERE order_ref = 'X' RETURNING tag, qty_backordered;
UPDATE order_line SET tag = 'all of them';
SELECT count(*) FROM order_line WHERE tag = 'all of them' AND order_ref = 'X';
SELECT * FROM verify();

-- order_ref alone: the line goes over to the other order. Y1 is all there and
-- waits for Y2 of the same order; Y2 leaves the order: Y1 ships.
INSERT INTO stock (item, on_hand) VALUES ('O1', 1), ('O2', 0);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('Y', 'O1', 1, 'order'), ('Y', 'O2', 1, 'order');
SELECT * FROM lines WHERE item IN ('O1', 'O2') ORDER BY 2;
UPDATE order_line SET order_ref = 'Z' WHERE item = 'O2';
SELECT * FROM lines WHERE item IN ('O1', 'O2') ORDER BY 2;
SELECT * FROM verify();
-- policy "line" to "partial": what was held for it ships
INSERT INTO stock (item, on_hand) VALUES ('L', 2);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('A2', 'L', 5, 'line') RETURNING qty_shipped, qty_allocated, qty_backordered;
UPDATE order_line SET ship_policy = 'partial' WHERE order_ref = 'A2' RETURNING qty_shipped, qty_allocated, qty_backordered;
-- and back: from now on what comes is held; 2 of 3 come, then the last
UPDATE order_line SET ship_policy = 'line' WHERE order_ref = 'A2';
SELECT qty, qty_shipped, qty_backordered FROM receive('L', 2);
SELECT * FROM lines WHERE order_ref = 'A2';
SELECT qty, qty_shipped, qty_backordered FROM receive('L', 1);
SELECT * FROM lines WHERE order_ref = 'A2';
UPDATE order_line SET ship_policy = 'never' WHERE order_ref = 'A2';
UPDATE order_line SET ship_policy = '' WHERE order_ref = 'A2';
SELECT * FROM verify();

-- What fails or is rolled back changes nothing: a savepoint in between.
BEGIN;
UPDATE order_line SET qty_ordered = 9 WHERE order_ref = 'X' RETURNING qty_backordered;
SAVEPOINT s;
UPDATE order_line SET qty_ordered = 20 WHERE order_ref = 'X';
UPDATE order_line SET qty_ordered = 1 WHERE order_ref = 'X';
ROLLBACK TO s;
UPDATE order_line SET qty_ordered = 7 WHERE order_ref = 'X' RETURNING qty_backordered;
COMMIT;
SELECT * FROM lines WHERE order_ref = 'X';
SELECT * FROM stocks WHERE item = 'Z';
SELECT * FROM verify();

-- A trigger of the application that keeps the row from being changed: whatever
-- bko does with it, it says so or nothing has happened.
CREATE FUNCTION keep_out() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
\set ON_ERROR_ROLLBACK on
BEGIN;
CREATE TRIGGER a_keep_out BEFORE UPDATE ON order_line FOR EACH ROW WHEN (old.order_ref = 'X') EXECUTE FUNCTION keep_out();
UPDATE order_line SET qty_ordered = 20 WHERE order_ref = 'X';
INSERT INTO receipt (item, qty) VALUES ('Z', 1);
SELECT qty_cancelled FROM cancel((SELECT line_id FROM order_line WHERE order_ref = 'X'));
SELECT qty_returned FROM return_goods((SELECT line_id FROM order_line WHERE order_ref = 'X'), 1);
SELECT * FROM verify();
ROLLBACK;
\set ON_ERROR_ROLLBACK off
-- one that fires after bko's is refused
CREATE TRIGGER zzz_keep_out BEFORE UPDATE ON order_line FOR EACH ROW WHEN (old.order_ref = 'X') EXECUTE FUNCTION keep_out();
UPDATE order_line SET qty_ordered = 20 WHERE order_ref = 'X';
DROP TRIGGER zzz_keep_out ON order_line;

-- One that changes another line of the same stock row while the statement is
-- on its way: X waits for 3 and grows by 1, the trigger orders 2 more for
-- itself. Nothing is there, 6 wait.
CREATE FUNCTION order_more() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('more', new.item, 2); RETURN new; END$$;
CREATE TRIGGER order_more BEFORE UPDATE OF qty_ordered ON order_line FOR EACH ROW
    WHEN (old.order_ref = 'X') EXECUTE FUNCTION order_more();
UPDATE order_line SET qty_ordered = qty_ordered + 1 WHERE order_ref = 'X';
SELECT * FROM stocks WHERE item = 'Z';
-- 6 come in: X 4, the other 2
SELECT order_ref, qty FROM receive('Z', 6);
SELECT * FROM verify();

-- MERGE, and INSERT that turns into an UPDATE, of lines that are there.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('G', 6, false);
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (9001, 'G1', 'G', 2), (9002, 'G2', 'G', 2);
MERGE INTO order_line o USING (VALUES (9001, 1), (9002, 4), (9003, 5)) v (id, qty) ON o.line_id = v.id
 WHEN MATCHED AND v.qty < o.qty_ordered THEN DELETE
 WHEN MATCHED THEN UPDATE SET qty_ordered = v.qty
 WHEN NOT MATCHED THEN INSERT (line_id, order_ref, item, qty_ordered) VALUES (v.id, 'G3', 'G', v.qty);
-- G1 is gone, G2 has 4, G3 took the 2 that are left of 6 and waits for 3
SELECT * FROM lines WHERE item = 'G' ORDER BY 1;
SELECT * FROM verify();
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (9002, 'G2', 'G', 1), (9003, 'G3', 'G', 6)
ON CONFLICT (line_id, item) DO UPDATE SET qty_ordered = excluded.qty_ordered;
-- G2 gives back 3; G3 wants 1 more: it has 2 + 3 and waits for 1
SELECT * FROM lines WHERE item = 'G' ORDER BY 1;
SELECT * FROM stocks WHERE item = 'G';
SELECT * FROM verify();

SET client_min_messages = warning;
DROP SCHEMA life_change CASCADE;
