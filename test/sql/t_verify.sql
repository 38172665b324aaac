-- verify() finds every break of a rule. The tables are damaged in each way with
-- bko's triggers and the constraints out of action, and put back by ROLLBACK.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_verify');
RESET client_min_messages;
SET search_path = t_verify;
\set VERBOSITY terse

-- A sound book: A: 10 on hand of 20, a line shipped 10 and closed. B: 0 on hand, line
-- 2 waits for 3 of 5, 2 came by receipt 1 on supply 1. C: 4 on hand, all held for line 3.
-- D: 5 available, nobody orders.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('A', 20, true), ('B', 0, true), ('C', 4, false), ('D', 5, true);
INSERT INTO order_line (item, qty_ordered) VALUES ('A', 10), ('B', 5), ('C', 4);
INSERT INTO supply (supply_ref, item, qty_expected) VALUES ('P', 'B', 9);
INSERT INTO receipt (item, qty, supply_ref) VALUES ('B', 2, 'P');
SELECT line_id, item, qty_ordered, qty_shipped, qty_allocated, qty_backordered FROM order_line ORDER BY line_id;
SELECT * FROM verify();

-- Damages the book by a statement, and tells what verify() finds; nothing must be left.
DO $$
DECLARE c record;
BEGIN
    FOR c IN SELECT conrelid::regclass AS tab, conname FROM pg_constraint WHERE connamespace = 't_verify'::regnamespace AND contype = 'c' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.tab, c.conname);
    END LOOP;
END$$;
CREATE FUNCTION pg_temp.damage(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
    SET LOCAL session_replication_role = replica;
    EXECUTE sql;
    SELECT coalesce(string_agg(DISTINCT format('%s of %s', rule, coalesce(item, '?')), ', ' ORDER BY format('%s of %s', rule, coalesce(item, '?'))), 'NOTHING FOUND')
      INTO found FROM t_verify.verify();
    RAISE EXCEPTION '%', found;
EXCEPTION WHEN raise_exception THEN
    RETURN SQLERRM;
END$$;
CREATE TEMP TABLE damages (n serial, sql text);
INSERT INTO damages (sql) VALUES
    -- the sum of a line, and each counter below zero
    ('UPDATE order_line SET qty_ordered = 11 WHERE line_id = 1'),
    ('UPDATE order_line SET qty_ordered = ''NaN'' WHERE line_id = 1'),
    ('UPDATE order_line SET qty_shipped = 9 WHERE line_id = 1'),
    ('UPDATE order_line SET qty_shipped = -1, qty_backordered = 6 WHERE line_id = 2'),
    ('UPDATE order_line SET qty_allocated = -1, qty_shipped = 11 WHERE line_id = 1'),
    ('UPDATE order_line SET qty_backordered = -1, qty_shipped = 11 WHERE line_id = 1'),
    ('UPDATE order_line SET qty_cancelled = -1, qty_shipped = 11 WHERE line_id = 1'),
    ('UPDATE order_line SET qty_returned = -1 WHERE line_id = 1'),
    ('UPDATE order_line SET qty_returned = 11 WHERE line_id = 1'),
    ('UPDATE order_line SET qty_filled_first = -1 WHERE line_id = 1'),
    ('UPDATE order_line SET qty_ordered = ''NaN'', qty_shipped = ''NaN'' WHERE line_id = 1'),
    -- counters that add up but are not what happened
    ('UPDATE order_line SET qty_shipped = 3, qty_backordered = 2 WHERE line_id = 2'),
    ('UPDATE order_line SET qty_backordered = 2, qty_cancelled = 1 WHERE line_id = 2'),
    ('UPDATE order_line SET qty_allocated = 1, qty_backordered = 2 WHERE line_id = 2'),
    ('UPDATE order_line SET qty_allocated = 3, qty_backordered = 1 WHERE line_id = 3'),
    ('UPDATE order_line SET qty_returned = 1 WHERE line_id = 1'),
    ('UPDATE order_line SET qty_ordered = 12, qty_shipped = 12 WHERE line_id = 1'),
    -- closed and not closed
    ('UPDATE order_line SET closed_at = NULL WHERE line_id = 1'),
    ('UPDATE order_line SET closed_at = now() WHERE line_id = 2'),
    ('UPDATE order_line SET closed_at = now() WHERE line_id = 3'),
    -- a line that is gone, is another item's or another location's, or has come from nowhere
    ('DELETE FROM order_line WHERE line_id = 2'),
    ('DELETE FROM order_line WHERE line_id = 3'),
    ('UPDATE order_line SET item = ''D'' WHERE line_id = 2'),
    ('UPDATE order_line SET item = ''D'' WHERE line_id = 1'),
    ('UPDATE order_line SET location = ''west'' WHERE line_id = 2'),
    ('UPDATE order_line SET line_id = 99 WHERE line_id = 1'),
    ('INSERT INTO order_line SELECT (jsonb_populate_record(l, ''{"line_id": 99}'')).* FROM order_line l WHERE line_id = 1'),
    -- sums of a stock row
    ('UPDATE stock SET allocated = 3 WHERE item = ''C'''),
    ('UPDATE stock SET allocated = 1 WHERE item = ''D'''),
    ('UPDATE stock SET allocated = ''NaN'' WHERE item = ''D'''),
    ('UPDATE stock SET backordered = 0 WHERE item = ''B'''),
    ('UPDATE stock SET backordered = 1 WHERE item = ''D'''),
    ('UPDATE stock SET backordered = -1 WHERE item = ''D'''),
    ('UPDATE stock SET allocated = -1 WHERE item = ''D'''),
    -- bounds
    ('UPDATE stock SET on_hand = 3 WHERE item = ''C'''),
    ('UPDATE stock SET on_hand = -1 WHERE item = ''D'''),
    -- on_hand against the journal
    ('UPDATE stock SET on_hand = 6 WHERE item = ''D'''),
    ('UPDATE stock SET on_hand = 5.000001 WHERE item = ''D'''),
    ('UPDATE stock SET on_hand = ''NaN'' WHERE item = ''D'''),
    ('UPDATE stock SET on_hand = ''Infinity'' WHERE item = ''D'''),
    ('DELETE FROM stock WHERE item = ''D'''),
    ('DELETE FROM stock WHERE item = ''B'''),
    ('UPDATE stock SET item = ''E'' WHERE item = ''D'''),
    ('UPDATE stock SET location = ''west'' WHERE item = ''D'''),
    ('INSERT INTO stock (item, on_hand, allocated, backordered) VALUES (''E'', 1, 0, 0)'),
    ('DELETE FROM movement WHERE item = ''D'''),
    ('UPDATE movement SET qty = 6 WHERE item = ''D'''),
    ('UPDATE movement SET item = ''E'' WHERE item = ''D'''),
    ('UPDATE movement SET kind = ''ship'' WHERE item = ''D'''),
    ('INSERT INTO movement (at, kind, item, location, qty, by_role) VALUES (now(), ''adjust'', ''D'', ''main'', 1, ''me'')'),
    ('INSERT INTO movement (at, kind, item, location, qty, by_role) VALUES (now(), ''adjust'', ''E'', ''main'', 1, ''me'')'),
    -- lines against the journal
    ('DELETE FROM movement WHERE line_id = 1'),
    ('DELETE FROM movement WHERE line_id = 3'),
    ('DELETE FROM movement WHERE line_id = 2 AND kind = ''backorder'''),
    ('UPDATE movement SET qty = 3 WHERE line_id = 3'),
    ('UPDATE movement SET line_id = 1 WHERE line_id = 3'),
    ('UPDATE movement SET line_id = NULL WHERE line_id = 3'),
    ('UPDATE movement SET line_id = 77 WHERE line_id = 3'),
    ('UPDATE movement SET to_state = ''b'' WHERE line_id = 3'),
    ('UPDATE movement SET from_state = NULL WHERE line_id = 2 AND kind = ''ship'''),
    ('UPDATE movement SET location = ''west'' WHERE line_id = 3'),
    ('DELETE FROM movement'),
    ('INSERT INTO movement (at, kind, from_state, to_state, item, location, qty, line_id, by_role) SELECT at, kind, from_state, to_state, item, location, qty, line_id, by_role FROM movement WHERE line_id = 3'),
    -- goods for which somebody waits
    ('UPDATE stock SET on_hand = 1 WHERE item = ''B''; INSERT INTO movement (at, kind, item, location, qty, by_role) VALUES (now(), ''adjust'', ''B'', ''main'', 1, ''me'')'),
    ('UPDATE stock SET on_hand = 0.000001 WHERE item = ''B''; INSERT INTO movement (at, kind, item, location, qty, by_role) VALUES (now(), ''adjust'', ''B'', ''main'', 0.000001, ''me'')'),
    ('UPDATE stock SET qty_step = 2, on_hand = 2 WHERE item = ''B''; INSERT INTO movement (at, kind, item, location, qty, by_role) VALUES (now(), ''adjust'', ''B'', ''main'', 2, ''me'')'),
    -- receipts
    ('UPDATE receipt SET qty = 3'),
    ('UPDATE receipt SET qty_to_stock = 1'),
    ('UPDATE receipt SET qty_to_stock = 1, qty_to_backorders = 1'),
    ('UPDATE receipt SET qty = 3, qty_to_stock = 1'),
    ('UPDATE receipt SET receipt_id = 9'),
    ('INSERT INTO receipt (item, qty, qty_to_backorders, qty_to_stock) VALUES (''D'', 1, 0, 1)'),
    ('DELETE FROM movement WHERE kind = ''receive'''),
    ('UPDATE movement SET receipt_id = NULL WHERE kind = ''receive'''),
    ('UPDATE movement SET receipt_id = NULL WHERE kind = ''ship'' AND line_id = 2'),
    ('UPDATE movement SET receipt_id = 77'),
    -- supply
    ('UPDATE supply SET qty_received = 3'),
    ('UPDATE supply SET qty_received = 0'),
    ('UPDATE supply SET qty_received = ''NaN'''),
    ('UPDATE supply SET supply_id = 9'),
    ('INSERT INTO supply (supply_ref, item, qty_expected, qty_received) VALUES (''Q'', ''D'', 1, 1)'),
    ('UPDATE movement SET supply_id = NULL');
-- What each one makes it say.
SELECT sql, pg_temp.damage(sql) FROM damages ORDER BY n;
-- Rows that the journal tells of and that are gone, or another item's.
SELECT sql, pg_temp.damage(sql) <> 'NOTHING FOUND' AS found
FROM (VALUES (1, 'DELETE FROM receipt'), (2, 'UPDATE receipt SET item = ''D'''), (3, 'DELETE FROM supply'), (4, 'UPDATE supply SET item = ''D''')) v (n, sql)
ORDER BY n;

-- What is no break: less than a step available while somebody waits, other
-- locations, a line of another ship_policy that holds goods and waits for the rest.
INSERT INTO stock (item, location, on_hand, qty_step) VALUES ('S', 'main', 5, 3), ('S', 'west', 50, NULL), ('W', 'main', 2, NULL);
INSERT INTO order_line (item, qty_ordered, ship_policy) VALUES ('S', 6, 'partial'), ('W', 5, 'line');
SELECT item, location, on_hand, available, backordered FROM stock WHERE item IN ('S', 'W') ORDER BY item, location;
SELECT * FROM verify();

-- A row tells where: rule, item, location and line.
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE order_line SET qty_ordered = 11 WHERE line_id = 1;
SELECT rule, item, location, line_id, detail IS NOT NULL AS told FROM verify();
ROLLBACK;
SELECT * FROM verify();

SET client_min_messages = warning;
DROP SCHEMA t_verify CASCADE;
