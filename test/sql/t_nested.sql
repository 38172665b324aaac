-- Triggers and functions of the user that write to the book while a statement on
-- the book runs. Whatever they do, and whenever, counts as if it had been done
-- by itself: nothing fails, nobody waits for what is there, nothing is taken twice. A break
-- of a rule would show in the state as BROKEN.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_nested');
RESET client_min_messages;
SET search_path = t_nested;
\set VERBOSITY terse

CREATE FUNCTION state(which text) RETURNS TABLE (what text, on_hand numeric, allocated numeric, backordered numeric)
LANGUAGE sql AS $$
    (SELECT 'stock', on_hand, allocated, backordered FROM t_nested.stock WHERE item = which AND location = 'main')
    UNION ALL
    (SELECT format('%s of %s: %s shipped', customer, qty_ordered, qty_shipped), NULL, qty_allocated, qty_backordered
       FROM t_nested.order_line WHERE item = which ORDER BY line_id)
    UNION ALL
    SELECT 'BROKEN ' || rule || ': ' || detail, NULL, NULL, NULL FROM t_nested.verify() WHERE item = which
$$;
-- Trigger functions: order, receive or count up TG_ARGV[0] of the row's item.
CREATE FUNCTION orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t_nested.order_line (customer, item, qty_ordered) VALUES ('nested', NEW.item, TG_ARGV[0]::numeric);
    RETURN NEW;
END$$;
CREATE FUNCTION receives() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t_nested.receipt (item, qty, note) VALUES (NEW.item, TG_ARGV[0]::numeric, 'nested');
    RETURN NEW;
END$$;
CREATE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE t_nested.stock SET on_hand = on_hand + TG_ARGV[0]::numeric WHERE item = NEW.item;
    RETURN NEW;
END$$;
CREATE FUNCTION replenishes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t_nested.receipt (item, qty, note) VALUES (NEW.item, NEW.qty_backordered, 'replenish');
    RETURN NEW;
END$$;

-- Replenish what is backordered, for each line as it goes in. 10 there, 15 and 3
-- ordered: 5 and 3 are received at once, so that all ships and 0 is left.
INSERT INTO stock (item, on_hand) VALUES ('A1', 10);
CREATE TRIGGER t AFTER INSERT ON order_line FOR EACH ROW WHEN (NEW.qty_backordered > 0) EXECUTE FUNCTION replenishes();
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'A1', 15), ('x', 'A1', 3);
DROP TRIGGER t ON order_line;
SELECT * FROM state('A1');
SELECT sum(qty) AS received FROM receipt WHERE item = 'A1';
-- The same with ships_at_once = false: 18 on hand, all allocated.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('A2', 10, false);
CREATE TRIGGER t AFTER INSERT ON order_line FOR EACH ROW WHEN (NEW.qty_backordered > 0) EXECUTE FUNCTION replenishes();
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'A2', 15), ('x', 'A2', 3);
DROP TRIGGER t ON order_line;
SELECT * FROM state('A2');

-- The same for the statement as a whole, by a trigger that fires before bko's own
-- (A sorts before a), and by one that fires after it.
CREATE FUNCTION replenishes_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t_nested.receipt (item, qty, note) SELECT item, sum(qty_backordered), 'all' FROM n GROUP BY item HAVING sum(qty_backordered) > 0;
    RETURN NULL;
END$$;
INSERT INTO stock (item, on_hand) VALUES ('A3', 10), ('A4', 10);
CREATE TRIGGER "A" AFTER INSERT ON order_line REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION replenishes_all();
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'A3', 15), ('x', 'A3', 3);
ALTER TRIGGER "A" ON order_line RENAME TO zzz;
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'A4', 15), ('x', 'A4', 3);
DROP TRIGGER zzz ON order_line;
SELECT * FROM state('A3');
SELECT * FROM state('A4');

-- The same by a trigger on stock, which sees the engine's own write of it: the 5
-- that are missing come in once, and not a second time for what is no longer missing.
CREATE FUNCTION replenishes_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t_nested.receipt (item, qty, note) VALUES (NEW.item, NEW.backordered - OLD.backordered, 'stock');
    RETURN NULL;
END$$;
INSERT INTO stock (item, on_hand) VALUES ('A5', 10);
CREATE TRIGGER t AFTER UPDATE ON stock FOR EACH ROW WHEN (NEW.backordered > OLD.backordered) EXECUTE FUNCTION replenishes_stock();
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'A5', 15);
DROP TRIGGER t ON stock;
SELECT * FROM state('A5');
SELECT sum(qty) AS received FROM receipt WHERE item = 'A5';

-- The same by a trigger on the journal, which is the outbox: 5 missing, 5 received.
CREATE FUNCTION replenishes_journal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t_nested.receipt (item, qty, note) VALUES (NEW.item, NEW.qty, 'journal');
    RETURN NULL;
END$$;
INSERT INTO stock (item, on_hand) VALUES ('A6', 10);
CREATE TRIGGER t AFTER INSERT ON movement FOR EACH ROW WHEN (NEW.kind = 'backorder') EXECUTE FUNCTION replenishes_journal();
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'A6', 15);
DROP TRIGGER t ON movement;
SELECT * FROM state('A6');

-- A count that is too small draws the rest from elsewhere: 20 wait, 5 are counted,
-- the trigger receives the 15 that still wait. All 20 ship.
INSERT INTO stock (item, on_hand) VALUES ('B1', 0);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'B1', 20);
CREATE TRIGGER t AFTER UPDATE ON stock FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION receives(15);
UPDATE stock SET on_hand = 5 WHERE item = 'B1';
DROP TRIGGER t ON stock;
SELECT * FROM state('B1');
-- An order placed by that trigger comes after those that wait: of 10, 4 go to the
-- line that waits, 3 to the new one, 3 stay.
INSERT INTO stock (item, on_hand) VALUES ('B2', 0);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'B2', 4);
CREATE TRIGGER t AFTER UPDATE ON stock FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION orders(3);
UPDATE stock SET on_hand = 10 WHERE item = 'B2';
SELECT * FROM state('B2');
-- The same with too little, by an upsert: 5 wait, 7 come, 2 are left for the nested
-- order of 3, which waits for 1.
INSERT INTO stock (item, on_hand) VALUES ('B3', 0);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'B3', 5);
INSERT INTO stock AS s (item, on_hand) VALUES ('B3', 7) ON CONFLICT (item, location) DO UPDATE SET on_hand = s.on_hand + EXCLUDED.on_hand;
DROP TRIGGER t ON stock;
SELECT * FROM state('B3');
-- A new stock row from which a trigger orders at once: 3 of 10.
CREATE TRIGGER t AFTER INSERT ON stock FOR EACH ROW EXECUTE FUNCTION orders(3);
INSERT INTO stock (item, on_hand) VALUES ('B4', 10);
DROP TRIGGER t ON stock;
SELECT * FROM state('B4');
-- Before the update, in its own row, that can't be: the server refuses (27000).
INSERT INTO stock (item, on_hand) VALUES ('B5', 10);
CREATE TRIGGER t BEFORE UPDATE ON stock FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION orders(3);
\set VERBOSITY sqlstate
UPDATE stock SET on_hand = 11 WHERE item = 'B5';
\set VERBOSITY terse
DROP TRIGGER t ON stock;
SELECT * FROM state('B5');
-- After a statement on stock, before bko's own trigger and after it: 1 ordered by
-- each; of 5 + 5, 8 are left.
CREATE FUNCTION orders_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t_nested.order_line (customer, item, qty_ordered) VALUES ('nested', TG_ARGV[0], TG_ARGV[1]::numeric);
    RETURN NULL;
END$$;
INSERT INTO stock (item, on_hand) VALUES ('B6', 5);
CREATE TRIGGER "A2" AFTER UPDATE ON stock FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION orders_fixed('B6', 1);
CREATE TRIGGER z2 AFTER UPDATE ON stock FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION orders_fixed('B6', 1);
UPDATE stock SET on_hand = on_hand + 5 WHERE item = 'B6';
DROP TRIGGER "A2" ON stock;
DROP TRIGGER z2 ON stock;
SELECT * FROM state('B6');

-- Before the row of an order is split: the trigger's own comes first. 10 there:
-- nested 1, x 4, nested 1, x 4, and nothing is left: the third nested 1 and x 4 wait.
INSERT INTO stock (item, on_hand) VALUES ('C1', 10);
CREATE TRIGGER a BEFORE INSERT ON order_line FOR EACH ROW WHEN (NEW.customer = 'x') EXECUTE FUNCTION orders(1);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'C1', 4), ('x', 'C1', 4), ('x', 'C1', 4) RETURNING qty_shipped, qty_backordered;
SELECT customer, qty_ordered, qty_shipped, qty_backordered FROM order_line WHERE item = 'C1' ORDER BY queued_at;
SELECT on_hand, backordered FROM stock WHERE item = 'C1';
-- After it is split but before it is in: x 4, nested 1, x 4, nested 1; then both wait.
ALTER TRIGGER a ON order_line RENAME TO zzz;
INSERT INTO stock (item, on_hand) VALUES ('C2', 10);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'C2', 4), ('x', 'C2', 4), ('x', 'C2', 4) RETURNING qty_shipped, qty_backordered;
SELECT customer, qty_ordered, qty_shipped, qty_backordered FROM order_line WHERE item = 'C2' ORDER BY queued_at;
SELECT on_hand, backordered FROM stock WHERE item = 'C2';
DROP TRIGGER zzz ON order_line;
-- After it is in (the row triggers fire when all rows are): x 4, 4, 2 of 4; all nested wait.
CREATE TRIGGER t AFTER INSERT ON order_line FOR EACH ROW WHEN (NEW.customer = 'x') EXECUTE FUNCTION orders(1);
INSERT INTO stock (item, on_hand) VALUES ('C3', 10);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'C3', 4), ('x', 'C3', 4), ('x', 'C3', 4) RETURNING qty_shipped, qty_backordered;
DROP TRIGGER t ON order_line;
SELECT * FROM state('C3');
-- Before and after the statement: 1 is taken first, 1 last. 10 there, 8 ordered.
INSERT INTO stock (item, on_hand) VALUES ('C4', 10);
CREATE TRIGGER "A" BEFORE INSERT ON order_line FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION orders_fixed('C4', 1);
CREATE TRIGGER z BEFORE INSERT ON order_line FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION orders_fixed('C4', 1);
CREATE TRIGGER "A2" AFTER INSERT ON order_line FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION orders_fixed('C4', 1);
CREATE TRIGGER z2 AFTER INSERT ON order_line FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION orders_fixed('C4', 1);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'C4', 7) RETURNING qty_shipped, qty_backordered;
DROP TRIGGER "A" ON order_line;
DROP TRIGGER z ON order_line;
DROP TRIGGER "A2" ON order_line;
DROP TRIGGER z2 ON order_line;
SELECT * FROM state('C4');
-- Goods that come in before the split are there for it: 2 come for each line of 5,
-- so 2 ship at once; then the first line gets the next 2, since it is first.
INSERT INTO stock (item, on_hand) VALUES ('C5', 0);
CREATE TRIGGER a BEFORE INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION receives(2);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'C5', 5), ('x', 'C5', 5);
SELECT * FROM state('C5');
-- Goods that come in between the split and the row: 2 for each of two lines of 5,
-- 4 in all for the first.
ALTER TRIGGER a ON order_line RENAME TO zzz;
INSERT INTO stock (item, on_hand) VALUES ('C6', 0);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'C6', 5), ('x', 'C6', 5);
SELECT * FROM state('C6');
DROP TRIGGER zzz ON order_line;
-- Counting up at all three moments (3 times 2 for the one line of 10): 6 ship.
INSERT INTO stock (item, on_hand) VALUES ('C7', 0);
CREATE TRIGGER a BEFORE INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION counts(2);
CREATE TRIGGER zzz BEFORE INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION counts(2);
CREATE TRIGGER zzzz AFTER INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION counts(2);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'C7', 10);
DROP TRIGGER a ON order_line;
DROP TRIGGER zzz ON order_line;
DROP TRIGGER zzzz ON order_line;
SELECT * FROM state('C7');
-- A row that orders something by its trigger and is then kept out: the 6 that it
-- took meanwhile go to the nested order of 10.
CREATE FUNCTION orders_and_keeps_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t_nested.order_line (customer, item, qty_ordered) VALUES ('nested', NEW.item, TG_ARGV[0]::numeric);
    RETURN NULL;
END$$;
INSERT INTO stock (item, on_hand) VALUES ('C8', 10);
CREATE TRIGGER zzz BEFORE INSERT ON order_line FOR EACH ROW WHEN (NEW.customer = 'x') EXECUTE FUNCTION orders_and_keeps_out(10);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'C8', 6) RETURNING qty_shipped;
DROP TRIGGER zzz ON order_line;
SELECT * FROM state('C8');

-- Receipts. 4 wait, 10 come; the trigger's own order of 2 before the row is decided
-- waits behind the 4, and both are filled by it: 6 to backorders, 4 to stock.
INSERT INTO stock (item, on_hand) VALUES ('D1', 0);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'D1', 4);
CREATE TRIGGER a BEFORE INSERT ON receipt FOR EACH ROW EXECUTE FUNCTION orders(2);
INSERT INTO receipt (item, qty) VALUES ('D1', 10) RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM state('D1');
-- After the row is decided: 4 to backorders, and the nested 2 take of the 6 that are left.
ALTER TRIGGER a ON receipt RENAME TO zzz;
INSERT INTO stock (item, on_hand) VALUES ('D2', 0);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'D2', 4);
INSERT INTO receipt (item, qty) VALUES ('D2', 10);
DROP TRIGGER zzz ON receipt;
SELECT * FROM state('D2');
-- After the row is in, and after the statement.
INSERT INTO stock (item, on_hand) VALUES ('D3', 0);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'D3', 4);
CREATE TRIGGER t AFTER INSERT ON receipt FOR EACH ROW EXECUTE FUNCTION orders(2);
CREATE TRIGGER t2 AFTER INSERT ON receipt FOR EACH STATEMENT EXECUTE FUNCTION orders_fixed('D3', 2);
INSERT INTO receipt (item, qty) VALUES ('D3', 7);
DROP TRIGGER t ON receipt;
DROP TRIGGER t2 ON receipt;
SELECT * FROM state('D3');
-- Kept out after it was decided, while its trigger orders 2 of it: those can't be
-- given, nothing came. Refused, and nothing has changed.
INSERT INTO stock (item, on_hand) VALUES ('D4', 0);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'D4', 4);
CREATE TRIGGER zzz BEFORE INSERT ON receipt FOR EACH ROW EXECUTE FUNCTION orders_and_keeps_out(2);
INSERT INTO receipt (item, qty) VALUES ('D4', 10) RETURNING qty_to_backorders, qty_to_stock;
DROP TRIGGER zzz ON receipt;
SELECT * FROM state('D4');
-- A receipt of 3 that brings another of 3 along: 4 of 6 go to the line.
INSERT INTO stock (item, on_hand) VALUES ('D5', 0);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'D5', 4);
CREATE TRIGGER t AFTER INSERT ON receipt FOR EACH ROW WHEN (NEW.note IS NULL) EXECUTE FUNCTION receives(3);
INSERT INTO receipt (item, qty) VALUES ('D5', 3);
DROP TRIGGER t ON receipt;
SELECT * FROM state('D5');

-- Triggers on lines that the engine fills. When x is filled it orders 4 again, of
-- the 6 that the receipt of 10 has left: 2 stay.
CREATE FUNCTION orders_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t_nested.order_line (customer, item, qty_ordered) VALUES ('again', NEW.item, NEW.qty_ordered);
    RETURN NULL;
END$$;
INSERT INTO stock (item, on_hand) VALUES ('E1', 0);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'E1', 4);
CREATE TRIGGER t AFTER UPDATE ON order_line FOR EACH ROW WHEN (NEW.customer = 'x' AND NEW.qty_backordered = 0) EXECUTE FUNCTION orders_again();
INSERT INTO receipt (item, qty) VALUES ('E1', 10);
SELECT * FROM state('E1');
-- The same by a count of 10, and with too little: 5, of which 1 is left for the second.
INSERT INTO stock (item, on_hand) VALUES ('E2', 0), ('E3', 0);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'E2', 4), ('x', 'E3', 4);
UPDATE stock SET on_hand = 10 WHERE item = 'E2';
UPDATE stock SET on_hand = 5 WHERE item = 'E3';
DROP TRIGGER t ON order_line;
SELECT * FROM state('E2');
SELECT * FROM state('E3');
-- When the second line is filled, the first one, which holds 5, is deleted: its
-- goods pass to the third at once.
CREATE FUNCTION deletes_first() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM t_nested.order_line WHERE item = NEW.item AND customer = 'first';
    RETURN NULL;
END$$;
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('E4', 5, false);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('first', 'E4', 5), ('second', 'E4', 5), ('third', 'E4', 5);
CREATE TRIGGER t AFTER UPDATE ON order_line FOR EACH ROW WHEN (NEW.customer = 'second' AND NEW.qty_backordered < OLD.qty_backordered) EXECUTE FUNCTION deletes_first();
INSERT INTO receipt (item, qty) VALUES ('E4', 5);
DROP TRIGGER t ON order_line;
SELECT * FROM state('E4');
-- A trigger that writes the updated lines' time or a remark doesn't disturb.
CREATE FUNCTION touches() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.customer := NEW.customer || '+'; RETURN NEW; END$$;
INSERT INTO stock (item, on_hand) VALUES ('E5', 1);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'E5', 4);
CREATE TRIGGER touches BEFORE UPDATE ON order_line FOR EACH ROW EXECUTE FUNCTION touches();
INSERT INTO receipt (item, qty) VALUES ('E5', 1), ('E5', 1);
SELECT * FROM state('E5');
DROP TRIGGER touches ON order_line;
-- One that keeps the engine's update from happening makes the receipt fail, whole.
CREATE FUNCTION keeps_out() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
CREATE TRIGGER a BEFORE UPDATE ON order_line FOR EACH ROW EXECUTE FUNCTION keeps_out();
\set VERBOSITY sqlstate
INSERT INTO receipt (item, qty) VALUES ('E5', 1);
\set VERBOSITY terse
DROP TRIGGER a ON order_line;
SELECT * FROM state('E5');

-- Functions in INSERT ... SELECT. 0 there, lines of 5; before the second row, 7 are
-- received: 5 for the first line, 2 for the second.
CREATE FUNCTION f_receives(i integer, which text, q numeric) RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    IF i = 2 THEN INSERT INTO t_nested.receipt (item, qty) VALUES (which, q); END IF;
    RETURN 5;
END$$;
CREATE FUNCTION f_orders(i integer, which text, q numeric) RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    IF i = 2 THEN INSERT INTO t_nested.order_line (customer, item, qty_ordered) VALUES ('nested', which, q); END IF;
    RETURN 5;
END$$;
CREATE FUNCTION f_counts(i integer, which text, q numeric) RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    IF i = 2 THEN UPDATE t_nested.stock SET on_hand = on_hand + q WHERE item = which; END IF;
    RETURN 5;
END$$;
INSERT INTO stock (item, on_hand) VALUES ('F1', 0);
INSERT INTO order_line (customer, item, qty_ordered) SELECT 'x', 'F1', f_receives(i, 'F1', 7) FROM generate_series(1, 3) i;
SELECT * FROM state('F1');
-- The same by a count, with 1 there: 1 + 7 are 5 for the first and 3 for the second.
INSERT INTO stock (item, on_hand) VALUES ('F2', 1);
INSERT INTO order_line (customer, item, qty_ordered) SELECT 'x', 'F2', f_counts(i, 'F2', 7) FROM generate_series(1, 3) i;
SELECT * FROM state('F2');
-- An order of 2 in between, 8 there: x 5, nested 2, x 1 of 5, x 0.
INSERT INTO stock (item, on_hand) VALUES ('F3', 8);
INSERT INTO order_line (customer, item, qty_ordered) SELECT 'x', 'F3', f_orders(i, 'F3', 2) FROM generate_series(1, 3) i RETURNING qty_shipped, qty_backordered;
SELECT customer, qty_ordered, qty_shipped, qty_backordered FROM order_line WHERE item = 'F3' ORDER BY queued_at;
SELECT on_hand, backordered FROM stock WHERE item = 'F3';
-- Receipts whose second row orders 2 by a function: 3 wait, 5 + 5 come.
INSERT INTO stock (item, on_hand) VALUES ('F4', 0);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'F4', 3);
INSERT INTO receipt (item, qty) SELECT 'F4', f_orders(i, 'F4', 2) FROM generate_series(1, 2) i;
SELECT * FROM state('F4');
-- A receipt in RETURNING, 1 after each of three rows: 3 for the first line.
INSERT INTO stock (item, on_hand) VALUES ('F5', 0);
INSERT INTO order_line (customer, item, qty_ordered) SELECT 'x', 'F5', 5 FROM generate_series(1, 3) i RETURNING f_receives(2, 'F5', 1);
SELECT * FROM state('F5');
-- And in the default of a column of the user's own: 1 before each of two rows.
CREATE FUNCTION f_default() RETURNS integer LANGUAGE plpgsql AS $$BEGIN INSERT INTO t_nested.receipt (item, qty) VALUES ('F6', 1); RETURN 1; END$$;
INSERT INTO stock (item, on_hand) VALUES ('F6', 0);
ALTER TABLE order_line ADD COLUMN own integer;
ALTER TABLE order_line ALTER COLUMN own SET DEFAULT f_default();
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'F6', 5), ('x', 'F6', 5);
ALTER TABLE order_line DROP COLUMN own;
SELECT * FROM state('F6');

-- Several statements in one, WITH. Two inserts into the same table: 10 there, 6 and
-- 6 ordered: 10 ship in all, 2 wait.
INSERT INTO stock (item, on_hand) VALUES ('G1', 10);
WITH a AS (INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'G1', 6) RETURNING qty_shipped, qty_backordered),
     b AS (INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'G1', 6) RETURNING qty_shipped, qty_backordered)
SELECT sum(qty_shipped) AS shipped, sum(qty_backordered) AS backordered FROM (SELECT * FROM a UNION ALL SELECT * FROM b) u;
SELECT * FROM state('G1');
-- Two into receipt: 5 wait, 3 and 4 come.
INSERT INTO stock (item, on_hand) VALUES ('G2', 0);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'G2', 5);
WITH a AS (INSERT INTO receipt (item, qty) VALUES ('G2', 3) RETURNING qty_to_backorders, qty_to_stock),
     b AS (INSERT INTO receipt (item, qty) VALUES ('G2', 4) RETURNING qty_to_backorders, qty_to_stock)
SELECT sum(qty_to_backorders) AS to_backorders, sum(qty_to_stock) AS to_stock FROM (SELECT * FROM a UNION ALL SELECT * FROM b) u;
SELECT * FROM state('G2');
-- Orders, and a receipt of 7 out of the first of them, which ends before the orders
-- do: of three lines of 5 the first two get 5 and 2.
INSERT INTO stock (item, on_hand) VALUES ('G3', 0);
WITH o AS (INSERT INTO order_line (customer, item, qty_ordered) SELECT 'x', 'G3', 5 FROM generate_series(1, 3) RETURNING *)
INSERT INTO receipt (item, qty) SELECT item, 7 FROM o LIMIT 1;
SELECT * FROM state('G3');
-- A receipt of 7, and out of it two lines of 5: 5 and 2 ship.
INSERT INTO stock (item, on_hand) VALUES ('G4', 0);
WITH r AS (INSERT INTO receipt (item, qty) VALUES ('G4', 7) RETURNING *)
INSERT INTO order_line (customer, item, qty_ordered) SELECT 'x', item, 5 FROM r, generate_series(1, 2);
SELECT * FROM state('G4');
-- A count and an order, in both orders of execution: 3 wait, 4 come, 5 more ordered:
-- the 3 come first, the other gets 1 of 5.
INSERT INTO stock (item, on_hand) VALUES ('G5', 0), ('G6', 0);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'G5', 3), ('x', 'G6', 3);
WITH u AS (UPDATE stock SET on_hand = on_hand + 4 WHERE item = 'G5' RETURNING item)
INSERT INTO order_line (customer, item, qty_ordered) SELECT 'y', item, 5 FROM u;
SELECT * FROM state('G5');
WITH o AS (INSERT INTO order_line (customer, item, qty_ordered) VALUES ('y', 'G6', 5) RETURNING item)
UPDATE stock SET on_hand = on_hand + 4 FROM o WHERE stock.item = o.item;
SELECT * FROM state('G6');
-- An order, and another one deleted that held 5: the new one gets them.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('G7', 5, false);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'G7', 5);
WITH d AS (DELETE FROM order_line WHERE item = 'G7' RETURNING item)
INSERT INTO order_line (customer, item, qty_ordered) SELECT 'y', item, 5 FROM d;
SELECT * FROM state('G7');
-- A new item and an order for it.
WITH s AS (INSERT INTO stock (item, on_hand) VALUES ('G8', 5) RETURNING item)
INSERT INTO order_line (customer, item, qty_ordered) SELECT 'x', item, 3 FROM s RETURNING qty_shipped, qty_backordered;
SELECT * FROM state('G8');

-- Deferred triggers run at commit: 10 there, 6 ordered, 5 more when it commits.
INSERT INTO stock (item, on_hand) VALUES ('H1', 10);
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON order_line DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.customer = 'x') EXECUTE FUNCTION orders(5);
BEGIN;
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'H1', 6);
SELECT * FROM state('H1');
COMMIT;
DROP TRIGGER t ON order_line;
SELECT * FROM state('H1');

-- Two items that order of each other by triggers, three deep.
CREATE FUNCTION orders_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t_nested.order_line (customer, demand, item, qty_ordered) VALUES ('part', 'internal', 'I' || substr(NEW.item, 2)::integer + 1, NEW.qty_ordered * 2);
    RETURN NEW;
END$$;
INSERT INTO stock (item, on_hand) VALUES ('I1', 3), ('I2', 5), ('I3', 9), ('I4', 0);
CREATE TRIGGER t AFTER INSERT ON order_line FOR EACH ROW WHEN (NEW.item < 'I4') EXECUTE FUNCTION orders_part();
CREATE TRIGGER zzz BEFORE INSERT ON order_line FOR EACH ROW WHEN (NEW.item = 'I3') EXECUTE FUNCTION orders_part();
-- 1 of I1 and again 2: 2 and 4 of I2 (5 there), 4 and 8 of I3 (9 there), and each of
-- those twice in I4: 8 + 8 + 16 + 16 wait.
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'I1', 1), ('x', 'I1', 2);
DROP TRIGGER t ON order_line;
DROP TRIGGER zzz ON order_line;
SELECT item, on_hand, backordered FROM stock WHERE item LIKE 'I_' ORDER BY item;
SELECT item, qty_ordered, qty_shipped, qty_backordered FROM order_line WHERE item LIKE 'I_' ORDER BY item, queued_at;
SELECT * FROM verify();

SET client_min_messages = warning;
DROP SCHEMA t_nested CASCADE;
