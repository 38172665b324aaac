-- Attached tables: triggers of the application, import of the rows that are there,
-- several tables and books, roles, strangers. Numbers are worked out in the comments.
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE EXTENSION IF NOT EXISTS bko;
DROP ROLE IF EXISTS regress_bko_app;
DROP ROLE IF EXISTS regress_bko_owner;
DROP ROLE IF EXISTS regress_bko_stranger;
CREATE ROLE regress_bko_app;
CREATE ROLE regress_bko_owner;
CREATE ROLE regress_bko_stranger;
SELECT bko.create_book('t_attach_nested');
CREATE SCHEMA t_attach_app;
SET search_path = t_attach_app, t_attach_nested;
CREATE FUNCTION fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; hint text; state text;
BEGIN
    EXECUTE q;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || message || CASE WHEN hint = '' THEN ' (no hint)' ELSE '' END;
END $$;
CREATE TABLE orders (id int PRIMARY KEY, sku text, n int, done int, open int, note text);
CREATE TABLE other (id int PRIMARY KEY, sku text, n int, done int, open int, note text);
SELECT attach_orders('orders', item => 'sku', qty => 'n', shipped => 'done', backordered => 'open'),
       attach_orders('other', item => 'sku', qty => 'n', shipped => 'done', backordered => 'open', constants => '{"customer": "other", "priority": 50}');

-- BEFORE ROW, sorting before ours: keeps rows out, changes the quantity, the item.
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.note = 'out' THEN RETURN NULL; END IF;
    IF NEW.note = 'double' THEN NEW.n := NEW.n * 2; END IF;
    IF NEW.note = 'b' THEN NEW.sku := 'B'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER change BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION change();
INSERT INTO stock (item, on_hand) VALUES ('A', 10), ('B', 1);
-- 1 is out; 2 takes 8 of 10, 3 takes 2 of 3, 4 waits in B for 1 of 2
INSERT INTO orders VALUES (1, 'A', 9, NULL, NULL, 'out'), (2, 'A', 4, NULL, NULL, 'double'), (3, 'A', 3, NULL, NULL, NULL), (4, 'A', 2, NULL, NULL, 'b') RETURNING id, sku, n, done, open;
-- out again, so nothing changes; 3 to 6: 2/4; 4 is one of B for good
UPDATE orders SET n = 1, note = 'out' WHERE id = 3;
UPDATE orders SET note = 'double' WHERE id = 3 RETURNING n, done, open;
UPDATE orders SET sku = 'B', n = 3 WHERE id = 4 RETURNING done, open;
SELECT * FROM verify();
-- a fill that it would change something at, is refused: it would double 3 again
SELECT fails('INSERT INTO receipt (item, qty) VALUES (''A'', 9)');
UPDATE orders SET note = NULL WHERE id = 3;
-- one that sorts after ours may keep rows out of an INSERT, but not change them: it
-- isn't let in at the next attach, and an UPDATE or DELETE under it is refused
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.note = 'late out' THEN RETURN NULL; END IF;
    IF NEW.note = 'late key' THEN NEW.id := NEW.id + 1; END IF;
    IF NEW.note = 'late n' THEN NEW.n := NEW.n + 1; END IF;
    IF NEW.note = 'late item' THEN NEW.sku := 'B'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER zz_late BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION late();
INSERT INTO receipt (item, qty) VALUES ('A', 9) RETURNING qty_to_stock;
SELECT q, fails(format('INSERT INTO orders VALUES (20, ''A'', 1, NULL, NULL, %L)', q)) FROM unnest(ARRAY['late key', 'late n', 'late item']) q;
SELECT fails('UPDATE orders SET n = 7 WHERE id = 3'), fails('UPDATE orders SET note = NULL WHERE id = 3');
-- 5 are there: 21 is kept out and takes none, 22 gets all
INSERT INTO orders VALUES (21, 'A', 4, NULL, NULL, 'late out'), (22, 'A', 5, NULL, NULL, NULL) RETURNING id, done, open;
SELECT * FROM verify();
DROP TRIGGER zz_late ON orders;

-- Changes of the row that is being changed, or its line, by a trigger AFTER each row: refused.
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.note = 'receipt' THEN INSERT INTO receipt (item, qty) VALUES (NEW.sku, 2); END IF;
    IF NEW.note = 'cancel' THEN PERFORM cancel((SELECT line_id FROM order_line WHERE attached_key = ARRAY[NEW.id::text]), 1); END IF;
    IF NEW.note = 'update' THEN UPDATE orders SET n = n + 1, note = NULL WHERE id = NEW.id; END IF;
    IF NEW.note = 'delete' THEN DELETE FROM orders WHERE id = NEW.id; END IF;
    IF NEW.note = 'touch' THEN UPDATE orders SET note = 'touched' WHERE id = NEW.id; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER again AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION again();
INSERT INTO stock (item, on_hand) VALUES ('Z', 2);
INSERT INTO orders VALUES (25, 'Z', 5, NULL, NULL, NULL), (26, 'Z', 2, NULL, NULL, NULL);
SELECT q, fails(format('UPDATE orders SET n = n + 1, note = %L WHERE id = 25', q)) FROM unnest(ARRAY['receipt', 'cancel', 'update', 'delete']) q;
SELECT q, fails(format('UPDATE orders SET id = 28, note = %L WHERE id = 26', q)) FROM unnest(ARRAY['update', 'delete', 'touch']) q;
SELECT id, n, done, open, note FROM orders WHERE sku = 'Z' ORDER BY id;
-- what isn't mapped is fine, and a receipt for other lines
UPDATE orders SET note = 'receipt' WHERE id = 25;
SELECT id, n, done, open, note FROM orders WHERE sku = 'Z' ORDER BY id;
SELECT * FROM verify();
DROP TRIGGER again ON orders;

-- Triggers that insert into the same table, another attached one, a receipt; before
-- the row, after it, after the statement.
CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_LEVEL = 'STATEMENT' THEN
        IF TG_WHEN = 'AFTER' AND EXISTS (SELECT FROM orders WHERE note = 'statement') AND NOT EXISTS (SELECT FROM other WHERE id = 900) THEN
            INSERT INTO other (id, sku, n) VALUES (900, 'C', 1);
        END IF;
        RETURN NULL;
    END IF;
    IF NEW.note = TG_WHEN || ' same' THEN INSERT INTO orders VALUES (NEW.id + 100, NEW.sku, 1); END IF;
    IF NEW.note = TG_WHEN || ' other' THEN INSERT INTO other VALUES (NEW.id + 100, NEW.sku, 1); END IF;
    IF NEW.note = TG_WHEN || ' receipt' THEN INSERT INTO receipt (item, qty) VALUES (NEW.sku, 2); END IF;
    IF NEW.note = TG_WHEN || ' delete' THEN DELETE FROM orders WHERE id = NEW.id - 1; END IF;
    IF NEW.note = TG_WHEN || ' update' THEN UPDATE orders SET n = n + 1 WHERE id = NEW.id - 1; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER more1 BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION more();
CREATE TRIGGER more2 AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION more();
CREATE TRIGGER more3 AFTER INSERT OR UPDATE ON orders FOR EACH STATEMENT EXECUTE FUNCTION more();
INSERT INTO stock (item, on_hand) VALUES ('C', 3);
-- the inner row is there first: of 3, 130 takes 1, 30 gets 2/0 of 2; 131 waits before 31
INSERT INTO orders VALUES (30, 'C', 2, NULL, NULL, 'BEFORE same'), (31, 'C', 2, NULL, NULL, 'BEFORE same') RETURNING id, done, open;
SELECT id, n, done, open FROM orders WHERE sku = 'C' ORDER BY id;
-- after the row: the same at the end of the queue; 132 is more urgent, being of the other table
INSERT INTO orders VALUES (32, 'C', 1, NULL, NULL, 'AFTER other'), (33, 'C', 1, NULL, NULL, 'AFTER same');
-- 4 come: 132, 131, 31 (2)
INSERT INTO receipt (item, qty) VALUES ('C', 4);
SELECT id, n, done, open FROM orders WHERE sku = 'C' UNION ALL SELECT * FROM (SELECT id, n, done, open FROM other ORDER BY id) x ORDER BY id;
SELECT * FROM verify();
-- a receipt before the row: 2 come, and go to 32 and 33, who were there; 34 waits. After
-- the row: 2 come, for 133 and 34; 35 waits
INSERT INTO orders VALUES (34, 'C', 1, NULL, NULL, 'BEFORE receipt');
SELECT id, n, done, open FROM orders WHERE sku = 'C' AND open > 0 ORDER BY id;
INSERT INTO orders VALUES (35, 'C', 1, NULL, NULL, 'AFTER receipt') RETURNING done, open;
SELECT id, n, done, open FROM orders WHERE sku = 'C' AND open > 0 ORDER BY id;
SELECT * FROM verify();
-- it deletes and updates rows of the same table
INSERT INTO orders VALUES (36, 'C', 1, NULL, NULL, 'BEFORE delete');
INSERT INTO orders VALUES (37, 'C', 1, NULL, NULL, 'AFTER update');
-- but not a row that the statement itself has written
SELECT fails($q$INSERT INTO orders VALUES (40, 'C', 1, NULL, NULL, NULL), (41, 'C', 1, NULL, NULL, 'AFTER update')$q$);
SELECT fails($q$INSERT INTO orders VALUES (42, 'C', 1, NULL, NULL, NULL), (43, 'C', 1, NULL, NULL, 'AFTER delete')$q$);
SELECT id, n, done, open FROM orders WHERE id BETWEEN 35 AND 43 ORDER BY id;
SELECT * FROM verify();
-- one after the statement
INSERT INTO orders VALUES (50, 'C', 1, NULL, NULL, 'statement');
SELECT id, n, done, open FROM other ORDER BY id;
INSERT INTO receipt (item, qty) VALUES ('C', 2);
SELECT id, n, done, open FROM orders WHERE id BETWEEN 35 AND 50 AND done > 0 UNION ALL SELECT id, n, done, open FROM other WHERE id = 900;
SELECT * FROM verify();
-- triggers that fire when bko shows a fill: they see it, may order again, in their own time zone
CREATE TABLE log (id int, done int, zone text);
CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log VALUES (NEW.id, NEW.done, current_setting('TimeZone'));
    IF NEW.done = NEW.n AND NEW.note = 'again' THEN INSERT INTO other (id, sku, n) VALUES (NEW.id + 1000, 'D', 1); END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER seen AFTER UPDATE ON orders FOR EACH ROW WHEN (OLD.done IS DISTINCT FROM NEW.done) EXECUTE FUNCTION seen();
INSERT INTO stock (item, on_hand) VALUES ('D', 0);
INSERT INTO orders VALUES (60, 'D', 2, NULL, NULL, 'again'), (61, 'D', 2, NULL, NULL, NULL);
SET TimeZone = 'Asia/Tokyo';
-- 1, then 2: 60 is complete, 1060 waits before 61, being more urgent; then 1 for it
INSERT INTO receipt (item, qty) VALUES ('D', 1);
INSERT INTO receipt (item, qty) VALUES ('D', 2);
INSERT INTO receipt (item, qty) VALUES ('D', 1);
RESET TimeZone;
SELECT * FROM log ORDER BY id, done;
SELECT id, n, done, open FROM orders WHERE sku = 'D' UNION ALL SELECT id, n, done, open FROM other WHERE sku = 'D' ORDER BY id;
SELECT * FROM verify();
-- one that keeps our change out: verify() says so
CREATE FUNCTION stubborn() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER a_stubborn BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stubborn();
INSERT INTO receipt (item, qty) VALUES ('D', 1);
SELECT rule, detail FROM verify();
DROP TRIGGER a_stubborn ON orders;
SELECT detach('orders'), attach_orders('orders', item => 'sku', qty => 'n', shipped => 'done', backordered => 'open');
SELECT id, done, open FROM orders WHERE id = 61;
SELECT * FROM verify();
DROP TRIGGER change ON orders;
DROP TRIGGER more1 ON orders;
DROP TRIGGER more2 ON orders;
DROP TRIGGER more3 ON orders;
DROP TRIGGER seen ON orders;

-- Import: oldest first, by ordered_at; in its own order where they are of one age. 12 of
-- E: old (5), then 2, 9, 10, 11 of the same day: 1, 2, 3, 1 of 4.
CREATE TABLE past (id int PRIMARY KEY, sku text, n int, done int, open int, at date, who text);
INSERT INTO past VALUES (11, 'E', 4, NULL, NULL, '2026-02-02'), (10, 'E', 3, NULL, NULL, '2026-02-02'), (2, 'E', 1, NULL, NULL, '2026-02-02'), (9, 'E', 2, NULL, NULL, '2026-02-02'), (12, 'E', 5, NULL, NULL, '2026-01-01'),
    -- nothing ordered: no line
    (13, 'E', 0, NULL, NULL, '2026-01-01'), (14, 'E', NULL, NULL, NULL, NULL);
INSERT INTO stock (item, on_hand) VALUES ('E', 12);
SELECT attach_orders('past', item => 'sku', qty => 'n', shipped => 'done', backordered => 'open', ordered_at => 'at', customer => 'who', import => true);
SELECT id, n, done, open FROM past ORDER BY id;
SELECT attached_key, qty_ordered, qty_shipped, qty_backordered, qty_filled_first, ordered_at::date = queued_at::date AS same, closed_at IS NULL AS open FROM order_line WHERE item = 'E' ORDER BY queued_at, line_id;
SELECT on_hand, backordered FROM stock WHERE item = 'E';
SELECT rows, kept, breaks FROM attachment WHERE relation = 'past'::regclass;
SELECT * FROM verify();
-- rows of no line: may be changed, become no line by it; deleted
UPDATE past SET n = 3, done = 1 WHERE id = 13;
UPDATE past SET open = 5 WHERE id = 14;
DELETE FROM past WHERE id = 13;
INSERT INTO past (id, sku, n, at) VALUES (15, 'E', 1, '2025-01-01') RETURNING done, open;
-- what comes in goes to the oldest of the queue: 11 (3), then 15, which came later
INSERT INTO receipt (item, qty) VALUES ('E', 4);
SELECT id, n, done, open FROM past WHERE id IN (11, 15) ORDER BY id;
-- imported again: nothing is left to import
SELECT detach('past'), attach_orders('past', item => 'sku', qty => 'n', shipped => 'done', backordered => 'open', ordered_at => 'at', customer => 'who', import => true);
SELECT * FROM verify();
DROP TABLE past;
-- What had shipped counts as shipped. 3 of F: 1 is 2 of 5, 2 all of 3; 3 nothing of 4, and
-- the backlog of 3 and 4 gets 3 and 0. On hand stays 3 - 3.
CREATE TABLE past (id int PRIMARY KEY, sku text, n numeric, done numeric, open numeric);
INSERT INTO past VALUES (1, 'F', 5, 2, 99), (2, 'F', 3, 3, NULL), (3, 'F', 4, NULL, NULL);
INSERT INTO stock (item, on_hand) VALUES ('F', 3);
SELECT attach_orders('past', item => 'sku', qty => 'n', shipped => 'done', backordered => 'open', import => true);
SELECT id, n, done, open FROM past ORDER BY id;
SELECT on_hand, backordered FROM stock WHERE item = 'F';
SELECT kind, qty, from_state, to_state, reason, line_id IS NULL AS no_line FROM movement WHERE item = 'F' ORDER BY movement_id;
SELECT detach('past');
SELECT * FROM verify();
-- Rows that don't fit: nothing is attached.
CREATE FUNCTION bad(sku text, n numeric, done numeric) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE t_attach_app.p (id int PRIMARY KEY, sku text, n numeric, done numeric);
    INSERT INTO t_attach_app.p VALUES (1, sku, n, done);
    PERFORM t_attach_nested.attach_orders('t_attach_app.p', item => 'sku', qty => 'n', shipped => 'done', import => true);
    RETURN 'ok';
END $$;
INSERT INTO stock (item, on_hand, backorder_limit, qty_step) VALUES ('LIMIT', 1, 2, NULL), ('STEP', 1, NULL, 0.5);
SELECT s, n, d, fails(format('SELECT bad(%L, %L, %L)', s, n, d)) FROM (VALUES ('X', 1, NULL), (NULL, 1, NULL), ('LIMIT', 4, NULL), ('LIMIT', 9, 9)) v (s, n, d);
SELECT detach('p');
DROP TABLE p;
SELECT s, n, d, fails(format('SELECT bad(%L, %L, %L)', s, n, d)) FROM (VALUES ('STEP', 1.2, NULL), ('STEP', 1.5, 0.2), ('F', -1, NULL), ('F', 1, 2), ('F', 1, -1), ('F', 0.0000001, 0), ('F', 1e12, 0), ('F', 'NaN', 0)) v (s, n, d);
SELECT count(*) FROM attachment;
SELECT * FROM verify();

-- Two tables of one book share the stock; two books don't. 4 of G: 3/0, 1/2.
SELECT bko.create_book('t_attach_nested2');
INSERT INTO stock (item, on_hand) VALUES ('G', 4);
INSERT INTO t_attach_nested2.stock (item, on_hand) VALUES ('G', 4);
CREATE TABLE third (LIKE orders INCLUDING INDEXES);
SELECT t_attach_nested2.attach_orders('third', item => 'sku', qty => 'n', shipped => 'done', backordered => 'open');
INSERT INTO orders VALUES (70, 'G', 3) RETURNING done, open;
INSERT INTO other VALUES (70, 'G', 3) RETURNING done, open;
INSERT INTO third VALUES (70, 'G', 3) RETURNING done, open;
WITH a AS (INSERT INTO orders VALUES (71, 'G', 1) RETURNING done, open), b AS (INSERT INTO other VALUES (71, 'G', 1) RETURNING done, open), c AS (INSERT INTO third VALUES (71, 'G', 2) RETURNING done, open)
SELECT * FROM a UNION ALL SELECT * FROM b UNION ALL SELECT * FROM c;
-- 3 come: the other table is the more urgent: 2 and 1
INSERT INTO receipt (item, qty) VALUES ('G', 3);
SELECT 'orders', id, done, open FROM orders WHERE sku = 'G' UNION ALL SELECT 'other', id, done, open FROM other WHERE sku = 'G' UNION ALL SELECT 'third', id, done, open FROM third ORDER BY 1, 2;
SELECT * FROM verify();
SELECT * FROM t_attach_nested2.verify();
SELECT fails('SELECT t_attach_nested2.detach(''orders'')'), fails('SELECT t_attach_nested2.attach_orders(''orders'', item => ''sku'', qty => ''n'')');
-- the book goes: the table works on without it
DROP SCHEMA t_attach_nested2 CASCADE;
INSERT INTO third VALUES (80, 'nothing', -1, 7, 8) RETURNING done, open;
UPDATE third SET done = 9;
TRUNCATE third;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'third'::regclass AND NOT tgisinternal;

-- Roles. The application has INSERT on its table, nothing of the book, nothing of bko; and
-- row level security of its owner doesn't stand in our way.
CREATE SCHEMA t_attach_own AUTHORIZATION regress_bko_owner;
GRANT USAGE ON SCHEMA t_attach_own, t_attach_app TO regress_bko_app, regress_bko_owner, regress_bko_stranger;
DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_bko_owner, regress_bko_stranger', current_database()); END$$;
SET ROLE regress_bko_owner;
SELECT bko.create_book('t_attach_owned');
CREATE TABLE t_attach_own.orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sku text, n int, done int, open int, who text DEFAULT current_user);
CREATE TABLE t_attach_own.stock (sku text PRIMARY KEY, n int);
CREATE TABLE t_attach_own.receipts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sku text, n int);
ALTER TABLE t_attach_own.orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE t_attach_own.orders FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON t_attach_own.orders USING (who = current_user);
INSERT INTO t_attach_own.stock VALUES ('A', 2);
SELECT t_attach_owned.attach_stock('t_attach_own.stock', item => 'sku', on_hand => 'n'),
       t_attach_owned.attach_orders('t_attach_own.orders', item => 'sku', qty => 'n', shipped => 'done', backordered => 'open'),
       t_attach_owned.attach_receipts('t_attach_own.receipts', item => 'sku', qty => 'n');
GRANT INSERT ON t_attach_own.orders TO regress_bko_app;
GRANT INSERT ON t_attach_own.receipts TO regress_bko_app;
SET ROLE regress_bko_app;
INSERT INTO t_attach_own.orders (sku, n) VALUES ('A', 1), ('A', 3);
INSERT INTO t_attach_own.receipts (sku, n) VALUES ('A', 1);
SELECT fails('SELECT * FROM t_attach_own.orders'), fails('SELECT * FROM t_attach_owned.stock'), fails('SELECT t_attach_owned.detach(''t_attach_own.orders'')'), fails('SELECT bko.detach(''t_attach_owned.book'', ''t_attach_own.orders'')'),
       fails('SELECT bko.attached_rows(''t_attach_owned.book'', gen_random_uuid(), 1)'), fails('SELECT * FROM bko.attached_breaks(''t_attach_owned.book'', gen_random_uuid(), 1)') \gx
RESET ROLE;
SELECT id, done, open, who FROM t_attach_own.orders ORDER BY id;
SELECT * FROM t_attach_own.stock;
SET ROLE regress_bko_owner;
SELECT relation, rows, kept, breaks FROM t_attach_owned.attachment ORDER BY attached_id;
SELECT * FROM t_attach_owned.verify();
-- who owns the book doesn't own every table, nor the other way round
SELECT fails('SELECT t_attach_owned.attach_orders(''t_attach_app.orders'', item => ''sku'', qty => ''n'')');
RESET ROLE;
GRANT USAGE ON SCHEMA t_attach_nested, t_attach_owned TO regress_bko_owner, regress_bko_stranger;
SET ROLE regress_bko_stranger;
SELECT bko.create_book('t_attach_stranger');
CREATE SCHEMA t_attach_strange;
CREATE TABLE t_attach_strange.mine (id int PRIMARY KEY, sku text, n int, done int, open int);
SELECT fails('SELECT t_attach_stranger.attach_orders(''t_attach_own.orders'', item => ''sku'', qty => ''n'')'), fails('SELECT t_attach_stranger.detach(''t_attach_own.orders'')'),
       fails('SELECT bko.attach(''t_attach_owned.book'', ''orders'', ''t_attach_strange.mine'', ''{"item": "sku", "qty": "n"}'', NULL, NULL, false)') \gx
-- A stranger's own triggers with our functions, that name the book of another: an error
-- and nothing else, whatever number of an attachment they claim.
CREATE FUNCTION t_attach_strange.try(arg text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text;
BEGIN
    EXECUTE format('CREATE TRIGGER a_bko_map BEFORE UPDATE OF id, sku, n, done, open ON t_attach_strange.mine FOR EACH STATEMENT WHEN (bko.serves(''t_attach_owned.book'')) EXECUTE FUNCTION bko.attached_map(%s, ''key1'', ''item'', ''qty,on_hand'', ''shipped'', ''backordered'')', arg);
    INSERT INTO t_attach_strange.mine VALUES (1, 'A', 1);
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
    RETURN state || ': ' || message;
END $$;
BEGIN;
CREATE TRIGGER a_bko_open BEFORE INSERT OR UPDATE OR DELETE ON t_attach_strange.mine FOR EACH STATEMENT EXECUTE FUNCTION bko.attached_open();
CREATE TRIGGER zz_bko_row BEFORE INSERT OR UPDATE OR DELETE ON t_attach_strange.mine FOR EACH ROW EXECUTE FUNCTION bko.attached_row();
SELECT a, t_attach_strange.try(a) FROM unnest(ARRAY['1', '2', '99', '''x''', '''''', '2, ''more''']) a;
ROLLBACK;
BEGIN;
CREATE TRIGGER s AFTER INSERT ON t_attach_strange.mine REFERENCING NEW TABLE AS bko_new FOR EACH STATEMENT EXECUTE FUNCTION bko.attached_stock();
SELECT a, t_attach_strange.try(a) FROM unnest(ARRAY['1', '2', '3']) a;
ROLLBACK;
BEGIN;
CREATE TRIGGER r AFTER INSERT ON t_attach_strange.mine REFERENCING NEW TABLE AS bko_new FOR EACH STATEMENT EXECUTE FUNCTION bko.attached_receipt();
SELECT a, t_attach_strange.try(a) FROM unnest(ARRAY['1', '2', '3']) a;
ROLLBACK;
-- A stranger's book that says it had the tables of another: it doesn't reach them.
INSERT INTO t_attach_stranger.attached (kind, relation) VALUES ('stock', 't_attach_own.stock'), ('orders', 't_attach_own.orders');
INSERT INTO t_attach_stranger.stock (item, on_hand) VALUES ('A', 9);
INSERT INTO t_attach_stranger.order_line (item, qty_ordered, attached_id, attached_key) VALUES ('A', 10, 2, '{2}') RETURNING qty_backordered;
CREATE TRIGGER b_bko_push AFTER UPDATE ON t_attach_stranger.stock REFERENCING OLD TABLE AS o NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION bko.attached_stock_push();
CREATE TRIGGER b_bko_push AFTER UPDATE ON t_attach_stranger.order_line REFERENCING OLD TABLE AS o NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION bko.attached_push();
INSERT INTO t_attach_stranger.receipt (item, qty) VALUES ('A', 1);
UPDATE t_attach_stranger.stock SET on_hand = 77;
SELECT item, on_hand, backordered FROM t_attach_stranger.stock;
SELECT * FROM t_attach_stranger.verify();
SELECT relation, rows, kept, breaks FROM t_attach_stranger.attachment;
DELETE FROM t_attach_stranger.attached;
-- triggers of the wrong kind, without the map, called as functions
SELECT f, fails(format('CREATE TRIGGER t BEFORE INSERT ON t_attach_strange.mine FOR EACH ROW EXECUTE FUNCTION bko.%s()', f)), fails('INSERT INTO t_attach_strange.mine VALUES (1)'), fails('DROP TRIGGER t ON t_attach_strange.mine'), fails(format('SELECT bko.%s()', f))
  FROM unnest(ARRAY['attached_map', 'attached_open', 'attached_row', 'attached_done', 'attached_truncate', 'attached_push', 'attached_stock', 'attached_stock_push', 'attached_receipt']) f;
SELECT f, fails(format('CREATE TRIGGER t AFTER INSERT ON t_attach_strange.mine FOR EACH STATEMENT EXECUTE FUNCTION bko.%s()', f)), fails('INSERT INTO t_attach_strange.mine VALUES (1)'), fails('DROP TRIGGER t ON t_attach_strange.mine')
  FROM unnest(ARRAY['attached_done', 'attached_stock', 'attached_receipt']) f;
SELECT f, fails(format('CREATE TRIGGER t AFTER UPDATE ON t_attach_strange.mine REFERENCING OLD TABLE AS o NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION bko.%s()', f)), fails('UPDATE t_attach_strange.mine SET n = 1'), fails('DROP TRIGGER t ON t_attach_strange.mine')
  FROM unnest(ARRAY['attached_push', 'attached_stock_push']) f;
RESET ROLE;
SELECT id, done, open, who FROM t_attach_own.orders ORDER BY id;
SELECT * FROM t_attach_own.stock;
SELECT * FROM t_attach_owned.verify();
SELECT * FROM t_attach_nested.verify();

SET ROLE regress_bko_owner;
DROP SCHEMA t_attach_owned, t_attach_own CASCADE;
SET ROLE regress_bko_stranger;
DROP SCHEMA t_attach_stranger, t_attach_strange CASCADE;
RESET ROLE;
DROP SCHEMA t_attach_app CASCADE;
DROP SCHEMA t_attach_nested CASCADE;
DROP OWNED BY regress_bko_app, regress_bko_owner, regress_bko_stranger;
DROP ROLE regress_bko_app, regress_bko_owner, regress_bko_stranger;
