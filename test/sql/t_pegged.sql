-- Supply that was bought for one order line (supply.for_line_id): what comes in on it
-- fills that line first, wherever it stands in the queue, and the rest in turn.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_pegged');
RESET client_min_messages;
SET search_path = t_pegged;
\set VERBOSITY sqlstate
-- A queue: each line's shares of pegging as reference:quantity, and the promise.
CREATE FUNCTION queue(which text, at text DEFAULT 'main') RETURNS TABLE (pos bigint, who text, waits numeric, gets text, promised_on date, ref text)
LANGUAGE sql AS $$
    SELECT b.position, b.order_ref, b.qty_backordered,
           (SELECT string_agg(p.supply_ref || ':' || p.qty, ' ' ORDER BY p.expected_on, p.supply_id)
              FROM t_pegged.pegging p WHERE p.line_id = b.line_id AND p.item = b.item AND p.location = b.location),
           b.promised_on, b.supply_ref
      FROM t_pegged.open_backorder b
     WHERE b.item = which AND b.location = at
     ORDER BY b.position
$$;
CREATE VIEW lines AS
    SELECT item, location AS at, order_ref AS who, qty_ordered AS ordered, qty_shipped AS shipped, qty_allocated AS alloc, qty_backordered AS waits, qty_cancelled AS canc FROM order_line ORDER BY item, line_id;
CREATE VIEW supplies AS SELECT item, supply_ref AS ref, for_line_id AS line, qty_expected AS expected, qty_received AS received FROM supply ORDER BY supply_id;
-- How often a statement wrote each line: it should be once.
CREATE TABLE written (line_id bigint, at xid8 DEFAULT pg_current_xact_id());
CREATE FUNCTION write_down() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO t_pegged.written VALUES (NEW.line_id); RETURN NULL; END$$;
CREATE TRIGGER written AFTER UPDATE ON order_line FOR EACH ROW EXECUTE FUNCTION write_down();

-- a, b and c wait for 5 each. P (5, on the 2nd) is for c, Q (7, on the 9th) for anybody:
-- c has its 5 on the 2nd, a 5 and b 2 of Q. So it comes.
INSERT INTO stock (item) VALUES ('A');
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (1001, 'a', 'A', 5), (1002, 'b', 'A', 5), (1003, 'c', 'A', 5);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on, for_line_id) VALUES ('P', 'A', 5, '2030-01-02', 1003), ('Q', 'A', 7, '2030-01-09', NULL);
SELECT * FROM queue('A');
SELECT order_ref, qty, qty_backordered FROM receive('A', 5, supply_ref => 'P');
SELECT * FROM queue('A');
SELECT order_ref, qty, qty_backordered FROM receive('A', 7, supply_ref => 'Q');
SELECT kind, from_state, to_state, qty, line_id, receipt_id IS NOT NULL AS receipt FROM movement WHERE item = 'A' AND kind <> 'backorder' ORDER BY movement_id;
SELECT * FROM verify();

-- In parts: of 8 for c (5), 3 come: all to c. 3 more: c's last 2, then 1 for a. 2 more
-- and 9 too many: c is whole, all in turn: a 4, b 5, and 2 to stock.
INSERT INTO stock (item) VALUES ('B');
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (1011, 'a', 'B', 5), (1012, 'b', 'B', 5), (1013, 'c', 'B', 5);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on, for_line_id) VALUES ('P', 'B', 8, '2030-01-02', 1013);
SELECT * FROM queue('B');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('B', 3, 'P') RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM queue('B');
SELECT order_ref, qty, qty_backordered FROM receive('B', 3, supply_ref => 'P');
SELECT * FROM queue('B');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('B', 11, 'P') RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM lines WHERE item = 'B';
SELECT * FROM supplies WHERE item = 'B';
SELECT * FROM verify();

-- A line that no longer waits, is held, cancelled, deleted or has gone to another
-- location: its supply is the queue's, in the promises as when it comes. Each supply
-- brings 2; z, first in the queue, waits for 20 and gets them all.
INSERT INTO stock (item, location) VALUES ('C', 'main'), ('C', 'west');
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (1020, 'z', 'C', 20), (1021, 'filled', 'C', 2), (1022, 'held', 'C', 2), (1023, 'cancelled', 'C', 2), (1024, 'deleted', 'C', 2), (1025, 'moved', 'C', 2), (1026, 'shorter', 'C', 5);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on, for_line_id) SELECT 'P' || i, 'C', 2, date '2030-01-01' + i, 1020 + i FROM generate_series(1, 6) i;
SELECT * FROM queue('C');
UPDATE order_line SET priority = 1 WHERE line_id = 1021;
SELECT order_ref, qty FROM receive('C', 2);
UPDATE order_line SET held = true WHERE line_id = 1022;
SELECT qty_cancelled FROM cancel(1023);
DELETE FROM order_line WHERE line_id = 1024;
UPDATE order_line SET location = 'west' WHERE line_id = 1025;
UPDATE order_line SET qty_ordered = 1 WHERE line_id = 1026;
-- P1 to P5 and 1 of P6 are z's; the one who wants less now has 1 of P6.
SELECT * FROM queue('C') UNION ALL SELECT * FROM queue('C', 'west');
SELECT i, (SELECT string_agg(order_ref || ' ' || qty, ', ') FROM receive('C', 2, supply_ref => 'P' || i)) FROM generate_series(1, 6) i;
SELECT * FROM lines WHERE item = 'C';
-- A held line that is released has its supply again.
INSERT INTO supply (supply_ref, item, qty_expected, expected_on, for_line_id) VALUES ('R', 'C', 2, '2030-02-01', 1022);
SELECT * FROM queue('C');
UPDATE order_line SET held = false WHERE line_id = 1022;
SELECT * FROM queue('C');
SELECT order_ref, qty FROM receive('C', 2, supply_ref => 'R');
SELECT * FROM verify();

-- For a line of another item or location, or none: BK008, at INSERT and UPDATE; so it is
-- when the supply becomes one of another item. A line that has been filled may be named.
INSERT INTO stock (item, location) VALUES ('D', 'main'), ('D', 'west'), ('D2', 'main');
INSERT INTO order_line (line_id, order_ref, item, location, qty_ordered) VALUES (1031, 'd', 'D', 'main', 1), (1032, 'dw', 'D', 'west', 1), (1033, 'd2', 'D2', 'main', 1);
INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) VALUES ('P', 'D', 1, 1032);
INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) VALUES ('P', 'D', 1, 1033);
INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) VALUES ('P', 'D', 1, 999999);
INSERT INTO supply (supply_ref, item, location, qty_expected, for_line_id) VALUES ('P', 'D', 'west', 1, 1032), ('P', 'D', 'west', 1, 1031);
INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) VALUES ('P', 'D', 1, 1031) RETURNING for_line_id;
UPDATE supply SET for_line_id = 1032 WHERE item = 'D';
UPDATE supply SET location = 'west' WHERE item = 'D';
UPDATE supply SET item = 'D2' WHERE item = 'D';
UPDATE supply SET item = 'D2', for_line_id = 1033 WHERE item = 'D' RETURNING item, for_line_id;
UPDATE supply SET item = 'D', for_line_id = NULL WHERE item = 'D2' RETURNING item, for_line_id;
SELECT order_ref, qty FROM receive('D', 1, supply_ref => 'P');
INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) VALUES ('P2', 'D', 1, 1031) RETURNING for_line_id;
-- Another column of a supply whose line has gone may be changed all the same.
INSERT INTO supply (supply_ref, item, location, qty_expected, for_line_id) VALUES ('P3', 'D', 'west', 2, 1032);
DELETE FROM order_line WHERE line_id = 1032;
UPDATE supply SET expected_on = '2030-01-01' WHERE supply_ref = 'P3' AND item = 'D' RETURNING for_line_id;
SELECT * FROM verify();

-- One reference, several supplies: on the 1st 3 for c, on the 2nd 3 for b and 3 for
-- anybody, on the 3rd 3 for c. One receipt of 8: c 3, b 3, 2 for anybody: a. The other
-- 4: 1 for anybody, a; 3 for c, which waits for 2: the third goes to a.
INSERT INTO stock (item) VALUES ('E');
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (1041, 'a', 'E', 5), (1042, 'b', 'E', 5), (1043, 'c', 'E', 5);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on, for_line_id) VALUES ('P', 'E', 3, '2030-01-03', 1043), ('P', 'E', 3, '2030-01-02', 1042), ('P', 'E', 3, '2030-01-02', NULL), ('P', 'E', 3, '2030-01-01', 1043);
SELECT * FROM queue('E');
SELECT order_ref, qty, qty_backordered FROM receive('E', 8, supply_ref => 'P');
SELECT * FROM queue('E');
SELECT order_ref, qty, qty_backordered FROM receive('E', 4, supply_ref => 'P');
SELECT * FROM lines WHERE item = 'E';
SELECT expected_on, for_line_id, qty_received FROM supply WHERE item = 'E' ORDER BY expected_on, supply_id;
SELECT * FROM verify();

-- Several receipts in one statement, for c, b and anybody, of two items: each line is
-- written once, with the sum. 2 for anybody: a; 2 of P: c; 6 for anybody: a 3, b 3; 3 of
-- P: c, which waits for 3; 4 of Q: b's last 2, then nobody waits.
INSERT INTO stock (item) VALUES ('F'), ('F2');
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (1051, 'a', 'F', 5), (1052, 'b', 'F', 5), (1053, 'c', 'F', 5), (1054, 'a', 'F2', 1), (1055, 'b', 'F2', 1);
INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) VALUES ('P', 'F', 5, 1053), ('Q', 'F', 4, 1052), ('P', 'F2', 1, 1055);
TRUNCATE written;
INSERT INTO receipt (item, qty, supply_ref) VALUES ('F', 2, NULL), ('F', 2, 'P'), ('F2', 1, 'P'), ('F', 6, NULL), ('F', 3, 'P'), ('F', 4, 'Q') RETURNING item, qty, qty_to_backorders, qty_to_stock;
SELECT * FROM lines WHERE item LIKE 'F%';
SELECT line_id, count(*) FROM written GROUP BY line_id ORDER BY line_id;
SELECT item, line_id, qty, (SELECT r.qty FROM receipt r WHERE r.receipt_id = m.receipt_id) AS of FROM movement m WHERE item LIKE 'F%' AND kind = 'ship' ORDER BY movement_id;
SELECT * FROM supplies WHERE item LIKE 'F%';
SELECT * FROM verify();

-- A receipt that ON CONFLICT keeps out gives back what it gave: the first, one in the
-- middle, the last, and by its document. c gets 1 and 1 of P; a 1 of the others.
INSERT INTO stock (item) VALUES ('G');
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (1061, 'a', 'G', 5), (1062, 'b', 'G', 5), (1063, 'c', 'G', 5);
INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) VALUES ('P', 'G', 9, 1063);
INSERT INTO receipt (receipt_id, item, qty, document) VALUES (5001, 'G', 1, 'D1') RETURNING qty_to_backorders;
TRUNCATE written;
INSERT INTO receipt (receipt_id, item, qty, supply_ref) VALUES (5001, 'G', 4, 'P'), (5002, 'G', 1, 'P'), (5001, 'G', 4, 'P'), (5003, 'G', 1, NULL), (5004, 'G', 1, 'P'), (5001, 'G', 4, 'P') ON CONFLICT DO NOTHING RETURNING receipt_id, qty_to_backorders;
SELECT * FROM lines WHERE item = 'G';
SELECT line_id, count(*) FROM written GROUP BY line_id ORDER BY line_id;
INSERT INTO receipt (item, qty, supply_ref, document) VALUES ('G', 3, 'P', 'D1') ON CONFLICT DO NOTHING;
INSERT INTO receipt (item, qty, supply_ref, document) VALUES ('G', 1, 'P', 'D2'), ('G', 3, 'P', 'D1') ON CONFLICT DO NOTHING RETURNING document, qty_to_backorders;
SELECT * FROM lines WHERE item = 'G';
SELECT * FROM supplies WHERE item = 'G';
-- All of them kept out.
INSERT INTO receipt (receipt_id, item, qty, supply_ref) VALUES (5001, 'G', 4, 'P'), (5002, 'G', 1, 'P') ON CONFLICT DO NOTHING;
SELECT * FROM lines WHERE item = 'G';
SELECT on_hand, backordered FROM stock WHERE item = 'G';
SELECT * FROM verify();

-- ship_policy line: what comes for it is kept until it is whole. 3 for c; 4 in turn, all
-- a's; 2 for c, whole: 5 ship.
INSERT INTO stock (item) VALUES ('H'), ('H2');
INSERT INTO order_line (line_id, order_ref, item, qty_ordered, ship_policy) VALUES (1071, 'a', 'H', 5, 'partial'), (1072, 'b', 'H', 5, 'line'), (1073, 'c', 'H', 5, 'line');
INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) VALUES ('P', 'H', 5, 1073);
SELECT order_ref, qty, qty_shipped FROM receive('H', 3, supply_ref => 'P');
SELECT order_ref, qty, qty_shipped FROM receive('H', 4);
SELECT order_ref, qty, qty_shipped FROM receive('H', 2, supply_ref => 'P');
-- In one statement, out of turn and then in turn: 1 of P2 for b, 1 + 4 for all: a 1, b 4:
-- b is whole and ships 5.
INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) VALUES ('P2', 'H', 1, 1072);
TRUNCATE written;
INSERT INTO receipt (item, qty, supply_ref) VALUES ('H', 1, 'P2'), ('H', 5, NULL) RETURNING qty_to_backorders;
SELECT line_id, count(*) FROM written GROUP BY line_id ORDER BY line_id;
SELECT * FROM lines WHERE item = 'H';
-- Order: "whole" has a line of H, which is kept until that of H2 has come as well; a
-- line without an order is an order of its own.
INSERT INTO order_line (line_id, order_ref, item, qty_ordered, ship_policy) VALUES (1081, 'a', 'H', 5, 'partial'), (1082, 'whole', 'H', 2, 'order'), (1083, 'whole', 'H2', 3, 'order'), (1084, NULL, 'H', 2, 'order');
INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) VALUES ('P3', 'H', 2, 1082), ('P3', 'H2', 3, 1083), ('P3', 'H', 2, 1084);
SELECT order_ref, qty, qty_shipped FROM receive('H', 4, supply_ref => 'P3');
SELECT * FROM lines WHERE item LIKE 'H%' AND waits + alloc > 0;
SELECT order_ref, qty, qty_shipped FROM receive('H2', 3, supply_ref => 'P3');
SELECT * FROM lines WHERE item LIKE 'H%' AND who IN ('a', 'whole');
-- Stock that ships by ship() alone: allocated to c.
INSERT INTO stock (item, ships_at_once) VALUES ('H3', false);
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (1085, 'a', 'H3', 5), (1086, 'c', 'H3', 5);
INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) VALUES ('P', 'H3', 6, 1086);
INSERT INTO receipt (receipt_id, item, qty, supply_ref) VALUES (5101, 'H3', 6, 'P');
SELECT * FROM lines WHERE item = 'H3';
-- Reversed: the last of the queue gives up first, 4 of c's 5; then c's last and a's 1.
-- The supply is to come again, and is c's again.
SELECT on_hand, allocated, backordered FROM reverse_receipt(5101, 4);
SELECT * FROM lines WHERE item = 'H3';
SELECT * FROM queue('H3');
SELECT on_hand, allocated, backordered FROM reverse_receipt(5101);
SELECT * FROM queue('H3');
SELECT * FROM supplies WHERE item = 'H3';
SELECT order_ref, qty FROM receive('H3', 6, supply_ref => 'P');
SELECT * FROM verify();

-- Rolled back to a savepoint, also inside of one statement: as if it had not come.
INSERT INTO stock (item) VALUES ('I');
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (1091, 'a', 'I', 5), (1092, 'c', 'I', 5);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on, for_line_id) VALUES ('P', 'I', 5, '2030-01-01', 1092);
BEGIN;
SELECT order_ref, qty FROM receive('I', 2, supply_ref => 'P');
SAVEPOINT s;
SELECT order_ref, qty FROM receive('I', 3, supply_ref => 'P');
ROLLBACK TO s;
SELECT * FROM queue('I');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('I', 1, 'P'), ('I', 0, 'P');
ROLLBACK TO s;
SELECT order_ref, qty FROM receive('I', 1, supply_ref => 'P');
COMMIT;
SELECT * FROM queue('I');
SELECT * FROM supplies WHERE item = 'I';
-- Meant for a instead: its promises move, and what comes.
UPDATE supply SET for_line_id = 1091 WHERE item = 'I';
SELECT * FROM queue('I');
SELECT order_ref, qty FROM receive('I', 2, supply_ref => 'P');
SELECT * FROM verify();

-- A step of 5: c takes 5 of the 7 that were bought for it, 2 are left. The next 4 that
-- were are no whole step, and go to all with the 2: a takes 5 of 6.
INSERT INTO stock (item, qty_step) VALUES ('J', 5);
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (1101, 'a', 'J', 10), (1102, 'c', 'J', 10);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on, for_line_id) VALUES ('P', 'J', 7, '2030-01-01', 1102), ('Q', 'J', 4, '2030-01-02', 1102);
SELECT * FROM queue('J');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('J', 7, 'P') RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM queue('J');
SELECT order_ref, qty FROM receive('J', 4, supply_ref => 'Q');
SELECT on_hand FROM stock WHERE item = 'J';
SELECT * FROM verify();

-- Long queues: 1100 lines of 2, more than are read at first (16) and at a second time
-- (1024 more). One statement brings 3 for all, "bought" for the line at a place, and
-- "more" for all. What each line gets is told by hand: first 3 in turn, then the line's,
-- then in turn what is left. The line is at the front, in the first batch, right behind
-- it, at the end of the second, right behind that, at the very end; "more" is 1, just
-- enough for all before the line, and enough to pass it.
CREATE FUNCTION long_queue(which text, rule text, bought_at integer, bought numeric, more numeric) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n CONSTANT integer := 1100;
    base bigint;
    open numeric[] := array_fill(2::numeric, ARRAY[n]);
    part numeric;
    next integer := 1;
    qty numeric;
    result text;
BEGIN
    INSERT INTO stock (item, fill_rule) VALUES (which, rule);
    INSERT INTO order_line (order_ref, item, qty_ordered, requested_on) SELECT i, which, 2, CASE WHEN i < n THEN date '2030-01-01' + i / 500 END FROM generate_series(1, n) i ORDER BY i;
    base := (SELECT min(line_id) - 1 FROM order_line WHERE item = which);
    INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) VALUES ('P', which, bought, base + bought_at);
    TRUNCATE written;
    INSERT INTO receipt (item, qty, supply_ref) VALUES (which, 3, NULL), (which, bought, 'P'), (which, more, NULL);

    -- by hand
    open[1] := 0;
    open[2] := 1;
    part := least(open[bought_at], bought);
    open[bought_at] := open[bought_at] - part;
    qty := bought - part + more;
    WHILE qty > 0 AND next <= n LOOP
        part := least(open[next], qty);
        open[next] := open[next] - part;
        qty := qty - part;
        next := next + 1;
    END LOOP;
    SELECT string_agg(format('line %s waits for %s, not %s', l.line_id - base, l.qty_backordered, open[l.line_id - base]), ', ') INTO result
      FROM order_line l WHERE l.item = which AND l.qty_backordered <> open[l.line_id - base];
    IF EXISTS (SELECT FROM written GROUP BY line_id HAVING count(*) > 1) THEN
        result := concat_ws(', ', result, 'lines were written more than once');
    END IF;
    IF (SELECT on_hand FROM stock WHERE item = which) <> qty THEN
        result := concat_ws(', ', result, 'wrong stock');
    END IF;
    RETURN result;
END$$;
SELECT rule, place, more, long_queue(format('%s %s %s', rule, place, n), rule, place, CASE rule WHEN 'most_lines' THEN 2 ELSE 1 END, more) AS wrong
  FROM unnest(ARRAY['fifo', 'due_date', 'most_lines']) rule, unnest(ARRAY[1, 10, 16, 17, 1040, 1041, 1100]) place, LATERAL (VALUES (1, 1), (2, greatest(2 * place - 3, 2)), (3, 2 * place + 1)) m (n, more)
 WHERE rule = 'fifo' OR place IN (1, 16, 17, 1100) AND n > 1
 ORDER BY rule, place, more;
-- fair_share: the line gets what was bought for it, and shares what there is for all:
-- 1100 lines of 2, 550 for all of them are one for every second, by largest remainders.
-- Whoever had one of the first 3, and the line itself, want less and get no more.
CREATE FUNCTION fair_queue(which text, bought_at integer, more numeric) RETURNS TABLE (line_waits numeric, wait_2 bigint, wait_1 bigint, wait_0 bigint, on_hand numeric, most_written bigint) LANGUAGE plpgsql AS $$
DECLARE
    base bigint;
BEGIN
    INSERT INTO stock (item, fill_rule) VALUES (which, 'fair_share');
    INSERT INTO order_line (order_ref, item, qty_ordered) SELECT i, which, 2 FROM generate_series(1, 1100) i ORDER BY i;
    base := (SELECT min(line_id) - 1 FROM order_line WHERE item = which);
    INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) VALUES ('P', which, 1, base + bought_at);
    TRUNCATE written;
    INSERT INTO receipt (item, qty, supply_ref) VALUES (which, 3, NULL), (which, 1, 'P'), (which, more, NULL);
    RETURN QUERY SELECT (SELECT qty_backordered FROM order_line WHERE line_id = base + bought_at AND item = which), count(*) FILTER (WHERE qty_backordered = 2), count(*) FILTER (WHERE qty_backordered = 1), count(*) FILTER (WHERE qty_backordered = 0),
                        (SELECT s.on_hand FROM stock s WHERE s.item = which), (SELECT max(c) FROM (SELECT count(*) AS c FROM written GROUP BY line_id) w)
                   FROM order_line WHERE item = which;
END$$;
SELECT place, more, f.* FROM unnest(ARRAY[1, 17, 1041]) place, unnest(ARRAY[550, 2200]) more, fair_queue(format('fair %s %s', place, more), place, more) f ORDER BY place, more;
SELECT * FROM verify();

-- most_lines: the smallest open quantity first. P1 brings 8 for a (10), which then waits
-- for 2, less than b (5): P2's 2 are for a. The promise goes by what they wait for now, and
-- gives them to b; when P1 has come, it is as it comes.
INSERT INTO stock (item, fill_rule) VALUES ('K', 'most_lines');
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (1201, 'a', 'K', 10), (1202, 'b', 'K', 5);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on, for_line_id) VALUES ('P1', 'K', 8, '2030-01-01', 1201), ('P2', 'K', 2, '2030-01-02', NULL);
SELECT * FROM queue('K');
SELECT order_ref, qty, qty_backordered FROM receive('K', 8, supply_ref => 'P1');
SELECT order_ref, qty, qty_backordered FROM receive('K', 2, supply_ref => 'P2');

SET client_min_messages = warning;
DROP SCHEMA t_pegged CASCADE;
