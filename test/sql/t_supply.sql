-- Expected supply: what is on its way, who is promised what of it, and what comes
-- of it when it arrives in parts, late, short, too much or not at all. (Which line
-- of a reference a receipt goes to, and what is refused: t_fill. Reversing what
-- has gone on: t_functions.)
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_supply');
RESET client_min_messages;
SET search_path = t_supply;
\set VERBOSITY sqlstate

-- Who is promised what: of pegging, each line's shares in the order in which they
-- come, as reference:quantity; and the day that completes the line.
CREATE FUNCTION promises(which text, at text DEFAULT 'main') RETURNS TABLE (who text, waits numeric, gets text, promised_on date, last_ref text)
LANGUAGE sql AS $$
    SELECT b.order_ref, b.qty_backordered, string_agg(p.supply_ref || ':' || p.qty, ' ' ORDER BY p.expected_on, p.supply_id), b.promised_on, b.supply_ref
      FROM t_supply.open_backorder b LEFT JOIN t_supply.pegging p USING (line_id)
     WHERE b.item = which AND b.location = at
     GROUP BY b.line_id, b.order_ref, b.qty_backordered, b.promised_on, b.supply_ref, b.position ORDER BY b.position
$$;
CREATE VIEW supplies AS
    SELECT supply_ref, item, coalesce(expected_on::text, 'unknown') AS expected_on, qty_expected AS expected, qty_received AS received, closed FROM supply ORDER BY supply_id;

-- All kinds count alike, by their days: production on the 1st, the purchase (the
-- kind where none is given) on the 2nd, the transfer on the 3rd. a waits for 3, b
-- for 6: the 4 of WO-1 are a's 3 and 1 of b's, PO-1's 2 and 3 of TO-1's 9 the rest.
INSERT INTO stock (item) VALUES ('A');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'A', 3), ('b', 'A', 6);
INSERT INTO supply (supply_ref, kind, item, qty_expected, expected_on) VALUES ('TO-1', 'transfer', 'A', 9, '2030-01-03');
INSERT INTO supply (supply_ref, kind, item, qty_expected, expected_on) VALUES ('WO-1', 'production', 'A', 4, '2030-01-01');
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('PO-1', 'A', 2, '2030-01-02') RETURNING kind, qty_received, closed;
SELECT * FROM promises('A');
-- They don't come in that order: PO-1 first. Goods go to the first in the queue,
-- whoever was promised them: 2 to a. It needs 1 more of WO-1, b 3 of it and 3 of TO-1.
INSERT INTO receipt (item, qty, supply_ref) VALUES ('A', 2, 'PO-1') RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM promises('A');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('A', 9, 'TO-1') RETURNING qty_to_backorders, qty_to_stock;
-- 2 + 9 came for 9: nobody waits, 2 are there, and WO-1 is for nobody.
SELECT * FROM promises('A');
SELECT on_hand, backordered FROM stock WHERE item = 'A';
SELECT * FROM supplies;
-- c wants 6, gets the 2 and is promised the 4 of WO-1. Of these u, urgent, takes 3.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('c', 'A', 6);
SELECT * FROM promises('A');
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES ('u', 'A', 3, 1);
SELECT * FROM promises('A');
SELECT * FROM verify();

-- One reference in four lines: 5 of an unknown day, 5 on the 2nd twice, 5 on the 1st.
-- They fill up in the order 1st, 2nd by number, unknown: 4, 4 and 4 make 5 + 5 + 2,
-- which are a's 8 and 4 of b's 7. b's other 3 are to come on the 2nd, c's 3 some day.
INSERT INTO stock (item) VALUES ('B');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'B', 8), ('b', 'B', 7), ('c', 'B', 3);
INSERT INTO supply (supply_id, supply_ref, item, qty_expected, expected_on) VALUES (1011, 'PO-2', 'B', 5, NULL), (1012, 'PO-2', 'B', 5, '2030-01-02'), (1013, 'PO-2', 'B', 5, '2030-01-02'), (1014, 'PO-2', 'B', 5, '2030-01-01');
SELECT * FROM promises('B');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('B', 4, 'PO-2') RETURNING supply_id, qty_to_backorders;
INSERT INTO receipt (item, qty, supply_ref) VALUES ('B', 4, 'PO-2'), ('B', 4, 'PO-2') RETURNING supply_id, qty_to_backorders;
SELECT supply_id, qty_expected, qty_received FROM supply WHERE item = 'B' ORDER BY supply_id;
SELECT * FROM promises('B');
-- 12 more: 3 and 5, and 4 too much, on the last, the one of the unknown day. 6 to
-- those who wait, 6 to stock. Once more 1: all are full, the last takes it too.
INSERT INTO receipt (item, qty, supply_ref) VALUES ('B', 12, 'PO-2') RETURNING supply_id, qty_to_backorders, qty_to_stock;
INSERT INTO receipt (item, qty, supply_ref) VALUES ('B', 1, 'PO-2') RETURNING supply_id, qty_to_backorders, qty_to_stock;
SELECT supply_id, qty_expected, qty_received, closed FROM supply WHERE item = 'B' ORDER BY supply_id;
-- What was too much promises nothing, and takes nothing from others: 7 are there, d
-- wants 9; the next 5 are PO-3's.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('d', 'B', 9);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('PO-3', 'B', 5, '2030-02-01');
SELECT * FROM promises('B');
SELECT * FROM verify();

-- Closed short: 6 of 10 came, the other 4 will not. a (8) has 6 and waits for 2: it was
-- to get them of PO-4, now of PO-5; b's 5 are 3 of PO-5's 5, and nobody knows the rest.
INSERT INTO stock (item) VALUES ('C');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'C', 8), ('b', 'C', 5);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('PO-4', 'C', 10, '2030-01-01'), ('PO-5', 'C', 5, '2030-02-01');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('C', 6, 'PO-4') RETURNING qty_to_backorders;
SELECT * FROM promises('C');
UPDATE supply SET closed = true WHERE supply_ref = 'PO-4' RETURNING qty_expected, qty_received;
SELECT * FROM promises('C');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('C', 4, 'PO-4');
SELECT * FROM promises('C');
-- Opened again: promises are as they were before, and the 4 may come.
UPDATE supply SET closed = false WHERE supply_ref = 'PO-4' RETURNING qty_expected, qty_received;
SELECT * FROM promises('C');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('C', 4, 'PO-4') RETURNING qty_to_backorders;
SELECT * FROM promises('C');
-- A delivery and the end of its purchase order in one transaction, and taken back.
BEGIN;
INSERT INTO receipt (item, qty, supply_ref) VALUES ('C', 1, 'PO-5') RETURNING qty_to_backorders;
UPDATE supply SET closed = true WHERE supply_ref = 'PO-5';
SELECT * FROM promises('C');
ROLLBACK;
SELECT * FROM promises('C');
SELECT * FROM supplies WHERE item = 'C';
SELECT * FROM verify();

-- Cancelled: closed before anything came, or deleted. PO-6 and PO-7 are to bring 3 each
-- for a (2) and b (3). Without PO-6 both are PO-7's, b short of 2; without either none.
INSERT INTO stock (item) VALUES ('D');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'D', 2), ('b', 'D', 3);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('PO-6', 'D', 3, '2030-01-01'), ('PO-7', 'D', 3, '2030-02-01');
SELECT * FROM promises('D');
UPDATE supply SET closed = true WHERE supply_ref = 'PO-6' RETURNING qty_received;
SELECT * FROM promises('D');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('D', 3, 'PO-6');
DELETE FROM supply WHERE supply_ref = 'PO-6' RETURNING closed, qty_received;
DELETE FROM supply WHERE supply_ref = 'PO-7' RETURNING closed, qty_received;
SELECT * FROM promises('D');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('D', 3, 'PO-7');
-- Once something came, even with the rest closed, it can't be deleted.
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('PO-8', 'D', 3, '2030-03-01');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('D', 1, 'PO-8') RETURNING qty_to_backorders;
DELETE FROM supply WHERE supply_ref = 'PO-8';
UPDATE supply SET closed = true WHERE supply_ref = 'PO-8';
DELETE FROM supply WHERE supply_ref = 'PO-8';
SELECT * FROM supplies WHERE item = 'D';
SELECT * FROM verify();

-- A day that changes moves promises: PO-9 (4 on the 1st) and PO-10 (4 on the 10th) for
-- a (3) and b (4), both wanted on the 5th.
INSERT INTO stock (item) VALUES ('E');
INSERT INTO order_line (order_ref, item, qty_ordered, requested_on) VALUES ('a', 'E', 3, '2030-01-05'), ('b', 'E', 4, '2030-01-05');
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('PO-9', 'E', 4, '2030-01-01'), ('PO-10', 'E', 4, '2030-01-10');
SELECT *, (SELECT days_late FROM open_backorder WHERE item = 'E' AND order_ref = who) FROM promises('E');
-- PO-9 later than PO-10, on the 20th: a is PO-10's, b 1 of it and 3 of PO-9.
UPDATE supply SET expected_on = '2030-01-20' WHERE supply_ref = 'PO-9';
SELECT *, (SELECT days_late FROM open_backorder WHERE item = 'E' AND order_ref = who) FROM promises('E');
-- Earlier than it was; on the same day (the older number first); nobody knows when.
UPDATE supply SET expected_on = '2029-12-24' WHERE supply_ref = 'PO-9';
SELECT *, (SELECT days_late FROM open_backorder WHERE item = 'E' AND order_ref = who) FROM promises('E');
UPDATE supply SET expected_on = '2030-01-10' WHERE supply_ref = 'PO-9';
SELECT * FROM promises('E');
UPDATE supply SET expected_on = NULL WHERE supply_ref = 'PO-9';
SELECT * FROM promises('E');
-- A quantity that changes: 6 of PO-10 cover all but 1, which is of PO-9; 7 cover all.
UPDATE supply SET qty_expected = CASE supply_ref WHEN 'PO-9' THEN 3 ELSE 6 END WHERE item = 'E';
SELECT * FROM promises('E');
UPDATE supply SET qty_expected = 7 WHERE supply_ref = 'PO-10';
SELECT * FROM promises('E');
-- Less than has come: 5 came of 7, now 4 are expected: 1 too much, none to come. a has
-- its 3 and b 2; PO-9 is to bring b's other 2.
INSERT INTO receipt (item, qty, supply_ref) VALUES ('E', 5, 'PO-10') RETURNING qty_to_backorders;
UPDATE supply SET qty_expected = 4 WHERE supply_ref = 'PO-10' RETURNING qty_expected, qty_received;
SELECT * FROM promises('E');
SELECT * FROM verify();

-- Sent elsewhere before anything came: TO-2 was for main, where a waits, and goes to
-- west, where w does. A delivery of it at main is refused.
INSERT INTO stock (item, location) VALUES ('F', 'main'), ('F', 'west'), ('F2', 'main');
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('a', 'F', 'main', 2), ('w', 'F', 'west', 2), ('f', 'F2', 'main', 2);
INSERT INTO supply (supply_ref, kind, item, qty_expected, expected_on) VALUES ('TO-2', 'transfer', 'F', 3, '2030-01-01');
SELECT * FROM promises('F') UNION ALL SELECT * FROM promises('F', 'west') UNION ALL SELECT * FROM promises('F2');
UPDATE supply SET location = 'west' WHERE supply_ref = 'TO-2';
SELECT * FROM promises('F') UNION ALL SELECT * FROM promises('F', 'west') UNION ALL SELECT * FROM promises('F2');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('F', 3, 'TO-2');
-- As another item, F2 at main: a vendor sends a substitute.
UPDATE supply SET location = 'main', item = 'F2' WHERE supply_ref = 'TO-2';
SELECT * FROM promises('F') UNION ALL SELECT * FROM promises('F', 'west') UNION ALL SELECT * FROM promises('F2');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('F2', 3, 'TO-2') RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM verify();

-- A reversed receipt is to come again: a holds 3 of the 3 that came of PO-11's 5. 2 go
-- back to the vendor: a waits for 2 and is promised them, of the 2 + 2 that are missing.
INSERT INTO stock (item, ships_at_once) VALUES ('G', false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'G', 3);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('PO-11', 'G', 5, '2030-01-01');
INSERT INTO receipt (receipt_id, item, qty, supply_ref) VALUES (2001, 'G', 3, 'PO-11') RETURNING qty_to_backorders;
SELECT on_hand, allocated, backordered FROM reverse_receipt(2001, 2, 'scratched');
SELECT * FROM supplies WHERE item = 'G';
SELECT * FROM promises('G');
-- So it is where the rest was closed short, until it is closed again.
UPDATE supply SET closed = true WHERE supply_ref = 'PO-11';
SELECT on_hand, allocated, backordered FROM reverse_receipt(2001, 1, 'scratched too');
SELECT * FROM supplies WHERE item = 'G';
SELECT * FROM promises('G');
UPDATE supply SET closed = true WHERE supply_ref = 'PO-11';
SELECT * FROM promises('G');
SELECT * FROM verify();

-- A feed of purchase orders, again and again: what has come stays as it was. 2 of 4
-- have come; the feed says 6 on another day, and a new one.
CREATE UNIQUE INDEX feed ON supply (supply_ref, item) WHERE supply_ref LIKE 'FEED%';
PREPARE feed (text, numeric, date) AS
    INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ($1, 'H', $2, $3)
    ON CONFLICT (supply_ref, item) WHERE supply_ref LIKE 'FEED%' DO UPDATE SET qty_expected = EXCLUDED.qty_expected, expected_on = EXCLUDED.expected_on
    RETURNING supply_ref, qty_expected, qty_received, expected_on;
INSERT INTO stock (item) VALUES ('H');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'H', 7);
EXECUTE feed('FEED-1', 4, '2030-01-01');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('H', 2, 'FEED-1') RETURNING qty_to_backorders;
EXECUTE feed('FEED-1', 6, '2030-02-02');
EXECUTE feed('FEED-2', 6, '2030-03-03');
SELECT * FROM promises('H');
-- The same by MERGE: FEED-1 is said to be for 3 only, so 1 is to come.
MERGE INTO supply s USING (VALUES ('FEED-1', 3), ('FEED-3', 9)) AS f (ref, qty) ON s.supply_ref = f.ref
    WHEN MATCHED THEN UPDATE SET qty_expected = f.qty
    WHEN NOT MATCHED THEN INSERT (supply_ref, item, qty_expected) VALUES (f.ref, 'H', f.qty);
SELECT * FROM promises('H');
SELECT * FROM supplies WHERE item = 'H';
SELECT * FROM verify();

-- Supply of what is not stocked is known before the item is: it can't come in yet
-- (BK001), and does when the item is there.
INSERT INTO supply (supply_ref, kind, item, qty_expected, expected_on) VALUES ('WO-2', 'production', 'I', 5, '2030-01-01') RETURNING qty_received;
INSERT INTO receipt (item, qty, supply_ref) VALUES ('I', 5, 'WO-2');
INSERT INTO stock (item) VALUES ('I');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'I', 4);
SELECT * FROM promises('I');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('I', 5, 'WO-2') RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM verify();

-- Came and went back, all of it: the journal tells of these lines. Whether or not they
-- may still be deleted, renumbered, or given another item or location, the book is sound.
INSERT INTO stock (item) VALUES ('J'), ('J2');
INSERT INTO supply (supply_id, supply_ref, item, qty_expected) VALUES (3001, 'PO-12', 'J', 5), (3002, 'PO-13', 'J', 5), (3003, 'PO-14', 'J', 5), (3004, 'PO-15', 'J', 5);
INSERT INTO receipt (receipt_id, item, qty, supply_ref) VALUES (3001, 'J', 5, 'PO-12'), (3002, 'J', 5, 'PO-13'), (3003, 'J', 5, 'PO-14'), (3004, 'J', 5, 'PO-15');
SELECT on_hand FROM generate_series(3001, 3004) AS n, reverse_receipt(n);
SELECT supply_ref, qty_received FROM supply WHERE item = 'J' ORDER BY supply_id;
CREATE FUNCTION try(statement text) RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE statement; EXCEPTION WHEN SQLSTATE 'BK007' THEN NULL; END$$;
SELECT try('DELETE FROM supply WHERE supply_id = 3001'), try('UPDATE supply SET supply_id = 3999 WHERE supply_id = 3002'),
       try('UPDATE supply SET item = ''J2'' WHERE supply_id = 3003'), try('UPDATE supply SET location = ''west'' WHERE supply_id = 3004');
SELECT * FROM verify();

SET client_min_messages = warning;
DROP SCHEMA t_supply CASCADE;
