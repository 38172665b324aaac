-- Rows that never go in take nothing, however they are kept out, and what
-- is rolled back as well. The states and what RETURNING says
-- follow from the rows that went in alone, as if there had been no others.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_conflict');
RESET client_min_messages;
SET search_path = t_conflict;
\set VERBOSITY terse

-- The state of one item: stock, then the lines in their order.
CREATE FUNCTION state(which text) RETURNS TABLE (what text, on_hand numeric, allocated numeric, backordered numeric)
LANGUAGE sql AS $$
    (SELECT 'stock', on_hand, allocated, backordered FROM t_conflict.stock WHERE item = which AND location = 'main')
    UNION ALL
    (SELECT format('line of %s: %s shipped', qty_ordered, qty_shipped), NULL, qty_allocated, qty_backordered
       FROM t_conflict.order_line WHERE item = which ORDER BY line_id)
$$;

-- ON CONFLICT DO NOTHING, a line_id that is there: 13 on hand, line 1 has taken 3.
-- The row of 5 is dropped, so the row of 10 gets the 10 that are left.
INSERT INTO stock (item, on_hand) VALUES ('A', 13);
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (1, 'A', 3);
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (1, 'A', 5), (2, 'A', 10) ON CONFLICT DO NOTHING
RETURNING line_id, qty_shipped, qty_backordered;
SELECT * FROM state('A');
SELECT * FROM verify();
-- The same id twice in one statement: 13 on hand, the second row of line 11 is
-- dropped; 5 + 8 ship.
INSERT INTO stock (item, on_hand) VALUES ('A2', 13);
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (11, 'A2', 5), (11, 'A2', 5), (12, 'A2', 8) ON CONFLICT (line_id, item) DO NOTHING
RETURNING line_id, qty_shipped, qty_backordered;
SELECT * FROM verify();
-- All rows dropped: nothing changes, nothing is journalled (2 movements: each line shipped once).
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (1, 'A', 50), (2, 'A', 50) ON CONFLICT DO NOTHING RETURNING line_id;
SELECT * FROM state('A');
SELECT count(*) FROM movement WHERE item = 'A' AND line_id IS NOT NULL;
-- The same id for another item is no conflict: the key is (line_id, item).
INSERT INTO stock (item, on_hand) VALUES ('A3', 4);
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (1, 'A3', 3) ON CONFLICT DO NOTHING RETURNING qty_shipped;
SELECT * FROM verify();

-- A unique index of the user's own, line numbers within an order: three rows of
-- one item are dropped in front of the one that needs the goods. 10 on hand: SO-1/1
-- ships 1; 9, 8, 7 are dropped; SO-1/2 gets its 9; then 1 of 2 has nothing.
CREATE UNIQUE INDEX own ON order_line (order_ref, line_no);
INSERT INTO stock (item, on_hand) VALUES ('B', 10);
INSERT INTO order_line (order_ref, line_no, item, qty_ordered) VALUES ('SO-1', 1, 'B', 1), ('SO-1', 1, 'B', 9), ('SO-1', 1, 'B', 8), ('SO-1', 1, 'B', 7), ('SO-1', 2, 'B', 9), ('SO-1', 3, 'B', 2)
ON CONFLICT DO NOTHING RETURNING line_no, qty_shipped, qty_backordered;
SELECT * FROM state('B');
SELECT * FROM verify();
-- Dropped ones while others wait: the queue stays as it is (2 wait, and 4 more).
INSERT INTO order_line (order_ref, line_no, item, qty_ordered) VALUES ('SO-1', 1, 'B', 3), ('SO-1', 4, 'B', 4), ('SO-1', 1, 'B', 3)
ON CONFLICT (order_ref, line_no) DO NOTHING RETURNING line_no, qty_shipped, qty_backordered;
SELECT order_ref, position, qty_ahead, qty_backordered FROM open_backorder WHERE item = 'B' ORDER BY position;
SELECT * FROM verify();
-- With ships_at_once = false: 10 on hand, 6 dropped, 10 held.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('B2', 10, false);
INSERT INTO order_line (order_ref, line_no, item, qty_ordered) VALUES ('SO-1', 1, 'B2', 6), ('SO-2', 1, 'B2', 10), ('SO-1', 1, 'B2', 6)
ON CONFLICT DO NOTHING RETURNING order_ref, qty_shipped, qty_allocated, qty_backordered;
SELECT * FROM state('B2');
SELECT * FROM verify();

-- DO UPDATE on the user's index. 10 on hand, 4 ordered: 6 left. The upsert brings
-- the line to 9: 5 more, 1 left. The new row SO-3/2 of 3 gets the 1, 2 wait.
INSERT INTO stock (item, on_hand) VALUES ('C', 10);
INSERT INTO order_line (order_ref, line_no, item, qty_ordered) VALUES ('SO-3', 1, 'C', 4);
INSERT INTO order_line (order_ref, line_no, item, qty_ordered) VALUES ('SO-3', 1, 'C', 9), ('SO-3', 2, 'C', 3)
ON CONFLICT (order_ref, line_no) DO UPDATE SET qty_ordered = EXCLUDED.qty_ordered
RETURNING line_no, qty_ordered, qty_shipped, qty_backordered;
SELECT * FROM state('C');
SELECT * FROM verify();
-- DO UPDATE by line_id to the quantity that it has: 6 of 10 are left, the line
-- keeps its 4, and the next one finds all 6.
INSERT INTO stock (item, on_hand) VALUES ('C2', 10);
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (101, 'C2', 4);
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (101, 'C2', 4), (102, 'C2', 6)
ON CONFLICT (line_id, item) DO UPDATE SET qty_ordered = EXCLUDED.qty_ordered
RETURNING line_id, qty_ordered, qty_shipped, qty_backordered;
SELECT * FROM state('C2');
SELECT * FROM verify();
-- Up to 10 by DO UPDATE with 6 left: all 10 ship, and the answer says so.
INSERT INTO stock (item, on_hand) VALUES ('C3', 10);
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (111, 'C3', 4);
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (111, 'C3', 10)
ON CONFLICT (line_id, item) DO UPDATE SET qty_ordered = EXCLUDED.qty_ordered
RETURNING line_id, qty_ordered, qty_shipped, qty_backordered;
SELECT * FROM state('C3');
-- DO UPDATE ... WHERE false leaves the row alone.
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (111, 'C3', 99)
ON CONFLICT (line_id, item) DO UPDATE SET qty_ordered = EXCLUDED.qty_ordered WHERE false RETURNING line_id;
SELECT * FROM state('C3');
-- What the engine keeps can't be brought in by DO UPDATE; less than what shipped neither.
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (111, 'C3', 10)
ON CONFLICT (line_id, item) DO UPDATE SET qty_shipped = 0, qty_backordered = 10;
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (111, 'C3', 10)
ON CONFLICT (line_id, item) DO UPDATE SET qty_ordered = 9;
SELECT * FROM verify();

-- A limit is not exceeded by what never goes in. None may wait for L, all 5 have
-- shipped: the same order sent a second time changes nothing and is no error.
INSERT INTO stock (item, on_hand, backorder_limit) VALUES ('L', 5, 0);
INSERT INTO order_line (order_ref, line_no, item, qty_ordered) VALUES ('SO-5', 1, 'L', 5) ON CONFLICT DO NOTHING RETURNING qty_shipped;
INSERT INTO order_line (order_ref, line_no, item, qty_ordered) VALUES ('SO-5', 1, 'L', 5) ON CONFLICT DO NOTHING RETURNING qty_shipped;
-- 5 more there: dropped (4), then 5 of another order ship: no backorder, no error.
UPDATE stock SET on_hand = 5 WHERE item = 'L';
INSERT INTO order_line (order_ref, line_no, item, qty_ordered) VALUES ('SO-5', 1, 'L', 4), ('SO-6', 1, 'L', 5) ON CONFLICT DO NOTHING RETURNING order_ref, qty_shipped;
SELECT * FROM state('L');
SELECT * FROM verify();

-- MERGE. M1 has 10, M2 has 5. Lines of order MO: 1 exists (4 of M1). The merge
-- brings line 1 to 6 (2 more: 4 left of M1), adds line 2 of M1 (7: 4 ship, 3 wait),
-- and line 3 of M2 (5 ship).
INSERT INTO stock (item, on_hand) VALUES ('M1', 10), ('M2', 5);
INSERT INTO order_line (order_ref, line_no, item, qty_ordered) VALUES ('MO', 1, 'M1', 4);
MERGE INTO order_line l USING (VALUES (1, 'M1', 6), (2, 'M1', 7), (3, 'M2', 5)) v (n, i, q) ON l.order_ref = 'MO' AND l.line_no = v.n
WHEN MATCHED THEN UPDATE SET qty_ordered = v.q
WHEN NOT MATCHED THEN INSERT (order_ref, line_no, item, qty_ordered) VALUES ('MO', v.n, v.i, v.q);
SELECT line_no, item, qty_ordered, qty_shipped, qty_backordered FROM order_line WHERE order_ref = 'MO' ORDER BY line_no;
SELECT * FROM verify();
-- Delete line 2? 4 of it have shipped: refused with BK004, and the whole merge with
-- it: line 4 doesn't come in, there are 3 lines as before.
\set VERBOSITY sqlstate
MERGE INTO order_line l USING (VALUES (2, 'M1', 7), (4, 'M2', 5)) v (n, i, q) ON l.order_ref = 'MO' AND l.line_no = v.n
WHEN MATCHED THEN DELETE
WHEN NOT MATCHED THEN INSERT (order_ref, line_no, item, qty_ordered) VALUES ('MO', v.n, v.i, v.q);
\set VERBOSITY terse
SELECT count(*) FROM order_line WHERE order_ref = 'MO';
-- Insert, update, delete and do nothing in one. Line 5 of M2 waits 2; then: line 5
-- is deleted, line 6 is new and waits 1, line 2 shrinks to 5 (1 waits), line 3 stays.
INSERT INTO order_line (order_ref, line_no, item, qty_ordered) VALUES ('MO', 5, 'M2', 2);
MERGE INTO order_line l USING (VALUES (2, 'M1', 5), (3, 'M2', 1), (5, 'M2', 0), (6, 'M2', 1)) v (n, i, q) ON l.order_ref = 'MO' AND l.line_no = v.n
WHEN MATCHED AND v.q = 0 THEN DELETE
WHEN MATCHED AND v.n = 3 THEN DO NOTHING
WHEN MATCHED THEN UPDATE SET qty_ordered = v.q
WHEN NOT MATCHED THEN INSERT (order_ref, line_no, item, qty_ordered) VALUES ('MO', v.n, v.i, v.q);
SELECT line_no, item, qty_ordered, qty_shipped, qty_backordered FROM order_line WHERE order_ref = 'MO' ORDER BY line_no;
SELECT * FROM verify();
-- A merge that matches nothing.
MERGE INTO order_line l USING (SELECT 1 WHERE false) v ON true WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (item, qty_ordered) VALUES ('M1', 1);
-- MERGE into stock: M1 rises by 3 (1 ships to line 2, 2 left), M3 is new.
MERGE INTO stock s USING (VALUES ('M1', 3), ('M3', 7)) v (i, q) ON s.item = v.i
WHEN MATCHED THEN UPDATE SET on_hand = s.on_hand + v.q
WHEN NOT MATCHED THEN INSERT (item, on_hand) VALUES (v.i, v.q);
SELECT item, on_hand, backordered FROM stock WHERE item LIKE 'M%' ORDER BY item;
-- MERGE into receipt: two are new.
MERGE INTO receipt r USING (VALUES ('M2', 4), ('M3', 1)) v (i, q) ON r.item = v.i
WHEN NOT MATCHED THEN INSERT (item, qty) VALUES (v.i, v.q);
SELECT item, qty, qty_to_backorders, qty_to_stock FROM receipt WHERE item LIKE 'M%' ORDER BY item;
SELECT * FROM verify();

-- Triggers of the user that keep rows out, before and after bko's own.
CREATE FUNCTION keep_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.customer = TG_ARGV[0] THEN RETURN NULL; END IF;
    RETURN NEW;
END$$;
CREATE TRIGGER a_keep_out BEFORE INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION keep_out('before');
CREATE TRIGGER zzz_keep_out BEFORE INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION keep_out('after');
-- 10 on hand: 9 and 8 are kept out, 10 ship, then 1 waits.
INSERT INTO stock (item, on_hand) VALUES ('T', 10);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('before', 'T', 9), ('after', 'T', 8), ('x', 'T', 10), ('after', 'T', 8), ('x', 'T', 1)
RETURNING qty_ordered, qty_shipped, qty_backordered;
SELECT * FROM state('T');
SELECT * FROM verify();
-- The last row is kept out: 3 of 7 ship, 4 are left.
INSERT INTO stock (item, on_hand) VALUES ('T2', 7);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'T2', 3), ('after', 'T2', 4) RETURNING qty_ordered, qty_shipped;
SELECT * FROM state('T2');
-- By COPY too: 4 ship, 6 are kept out.
COPY order_line (customer, item, qty_ordered) FROM stdin;
after	T2	6
x	T2	4
\.
SELECT * FROM state('T2');
-- Only rows that are kept out; a limit of 0 doesn't matter to them.
INSERT INTO stock (item, on_hand, backorder_limit) VALUES ('T3', 1, 0);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('after', 'T3', 1), ('after', 'T3', 1) RETURNING qty_ordered;
SELECT * FROM state('T3');
SELECT * FROM verify();
DROP TRIGGER a_keep_out ON order_line;
DROP TRIGGER zzz_keep_out ON order_line;

-- A CHECK of the user's, a failing later row, a duplicate key: nothing is left.
ALTER TABLE order_line ADD CONSTRAINT own CHECK (customer <> 'nobody');
INSERT INTO stock (item, on_hand) VALUES ('K', 10);
\set VERBOSITY sqlstate
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'K', 4), ('nobody', 'K', 4);
INSERT INTO order_line (item, qty_ordered) VALUES ('K', 4), ('K', 0);
INSERT INTO order_line (item, qty_ordered) VALUES ('K', 4), ('not there', 1);
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (1001, 'K', 4), (1001, 'K', 4);
INSERT INTO order_line (item, qty_ordered) SELECT 'K', 4 / (2 - i) FROM generate_series(1, 2) i;
INSERT INTO order_line (item, qty_ordered, priority) VALUES ('K', 4, -1);
INSERT INTO order_line (item, qty_ordered, ship_policy) VALUES ('K', 4, '');
INSERT INTO order_line (item, qty_ordered, demand) VALUES ('K', 4, NULL);
\set VERBOSITY terse
SELECT * FROM state('K');
SELECT count(*) FROM movement WHERE item = 'K';
SELECT * FROM verify();

-- User triggers that change the row. Before bko's own, that is what is ordered:
-- 5 becomes 6, item K becomes K2.
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.customer = 'more' THEN NEW.qty_ordered := NEW.qty_ordered + 1; END IF;
    IF NEW.customer = 'other' THEN NEW.item := 'K2'; END IF;
    IF NEW.customer = 'id' THEN NEW.line_id := NEW.line_id + 1000; END IF;
    RETURN NEW;
END$$;
INSERT INTO stock (item, on_hand) VALUES ('K2', 10);
CREATE TRIGGER a_change BEFORE INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION change();
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('more', 'K', 5), ('other', 'K', 5), ('id', 'K', 1) RETURNING item, qty_ordered, qty_shipped;
SELECT item, on_hand FROM stock WHERE item IN ('K', 'K2') ORDER BY item;
SELECT * FROM verify();
-- After it, a changed quantity breaks the sum (23514) and another item was never
-- decided on (an error): nothing changes either way.
ALTER TRIGGER a_change ON order_line RENAME TO zzz_change;
\set VERBOSITY sqlstate
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('more', 'K', 1);
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('other', 'K', 1);
\set VERBOSITY terse
SELECT item, on_hand FROM stock WHERE item IN ('K', 'K2') ORDER BY item;
SELECT * FROM verify();
DROP TRIGGER zzz_change ON order_line;

-- An AFTER trigger that fails takes everything back with it.
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no'; END$$;
CREATE TRIGGER fail AFTER INSERT ON order_line FOR EACH ROW WHEN (NEW.customer = 'fail') EXECUTE FUNCTION fail();
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', 'K', 1), ('fail', 'K', 1);
SELECT item, on_hand FROM stock WHERE item = 'K';
DROP TRIGGER fail ON order_line;

-- Savepoints: what is rolled back is given back. 10 there: 4 ship, (6 rolled
-- back), 5 ship, (a failing statement), 1 ships, 0 left.
INSERT INTO stock (item, on_hand) VALUES ('S', 10);
BEGIN;
INSERT INTO order_line (item, qty_ordered) VALUES ('S', 4) RETURNING qty_shipped;
SAVEPOINT a;
INSERT INTO order_line (item, qty_ordered) VALUES ('S', 6) RETURNING qty_shipped, qty_backordered;
SAVEPOINT b;
INSERT INTO order_line (item, qty_ordered) VALUES ('S', 6) RETURNING qty_shipped, qty_backordered;
RELEASE b;
ROLLBACK TO a;
INSERT INTO order_line (item, qty_ordered) VALUES ('S', 5) RETURNING qty_shipped, qty_backordered;
SAVEPOINT c;
INSERT INTO order_line (item, qty_ordered) VALUES ('S', 1), ('S', 0);
ROLLBACK TO c;
INSERT INTO order_line (item, qty_ordered) VALUES ('S', 2) RETURNING qty_shipped, qty_backordered;
SELECT * FROM verify();
COMMIT;
SELECT * FROM state('S');
SELECT * FROM verify();
-- The same for fills: a receipt rolled back leaves the line waiting (1 of 2).
BEGIN;
SAVEPOINT a;
INSERT INTO receipt (item, qty) VALUES ('S', 3) RETURNING qty_to_backorders, qty_to_stock;
ROLLBACK TO a;
SELECT * FROM verify();
INSERT INTO receipt (item, qty) VALUES ('S', 1) RETURNING qty_to_backorders, qty_to_stock;
COMMIT;
SELECT * FROM state('S');
-- PL/pgSQL exception blocks: 10 there; each of four rounds orders 2 and fails or
-- not: two go in, 6 are left.
INSERT INTO stock (item, on_hand) VALUES ('S2', 10);
DO $$
BEGIN
    FOR i IN 1..4 LOOP
        BEGIN
            INSERT INTO t_conflict.order_line (item, qty_ordered) VALUES ('S2', 2);
            IF i % 2 = 0 THEN RAISE EXCEPTION 'no'; END IF;
        EXCEPTION WHEN raise_exception THEN NULL;
        END;
    END LOOP;
END$$;
SELECT * FROM state('S2');
SELECT * FROM verify();

-- Exception blocks inside of triggers, before and after the row was split: what
-- they try and roll back (orders of 3 and receipts of 100 of the same item) is
-- not there. 10 on hand: 4 ship, 6 ship, 2 wait.
CREATE FUNCTION try_and_fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.customer = 'try' THEN
        BEGIN
            INSERT INTO t_conflict.order_line (customer, item, qty_ordered) VALUES ('nested', NEW.item, 3);
            INSERT INTO t_conflict.receipt (item, qty) VALUES (NEW.item, 100);
            UPDATE t_conflict.stock SET on_hand = on_hand + 50 WHERE item = NEW.item AND TG_WHEN = 'AFTER' AND TG_OP = 'UPDATE';
            PERFORM 1 / 0;
        EXCEPTION WHEN division_by_zero THEN NULL;
        END;
    END IF;
    RETURN NEW;
END$$;
INSERT INTO stock (item, on_hand) VALUES ('X', 10);
CREATE TRIGGER a_try BEFORE INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION try_and_fail();
CREATE TRIGGER zzz_try BEFORE INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION try_and_fail();
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('try', 'X', 4), ('try', 'X', 6), ('try', 'X', 2) RETURNING qty_shipped, qty_backordered;
SELECT * FROM state('X');
SELECT * FROM verify();
DROP TRIGGER a_try ON order_line;
DROP TRIGGER zzz_try ON order_line;
-- After the row: the same with AFTER triggers. 5 on hand: 4 ship, 1 of 2.
INSERT INTO stock (item, on_hand) VALUES ('X2', 5);
CREATE TRIGGER try AFTER INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION try_and_fail();
INSERT INTO order_line (customer, item, qty_ordered) VALUES ('try', 'X2', 4), ('try', 'X2', 2) RETURNING qty_shipped, qty_backordered;
SELECT * FROM state('X2');
SELECT * FROM verify();
DROP TRIGGER try ON order_line;

SET client_min_messages = warning;
DROP SCHEMA t_conflict CASCADE;
