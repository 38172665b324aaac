-- Allocation at commit writes each line a second time, without a statement where
-- order_line is as create_book() made it or the application has added columns,
-- indexes and CHECKs; by an UPDATE where it has added anything else. What comes
-- of it is the same.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS t_commit_table, t_commit_table_2 CASCADE;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_commit_table'), bko.create_book('t_commit_table_2');
RESET client_min_messages;
SET search_path = t_commit_table, public;
UPDATE book SET allocate_at = 'commit';
UPDATE t_commit_table_2.book SET allocate_at = 'commit';

-- The same orders in two books, of which one has a trigger that does nothing.
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER nothing AFTER UPDATE ON t_commit_table_2.order_line FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE PROCEDURE in_both(sql text) LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL search_path = t_commit_table; EXECUTE sql; COMMIT;
    SET LOCAL search_path = t_commit_table_2; EXECUTE sql; COMMIT;
END$$;
CREATE VIEW differences AS
    (SELECT 1 AS book, to_jsonb(l) - 'queued_at' - 'ordered_at' - 'closed_at' || jsonb_build_object('closed', closed_at = queued_at) AS line FROM t_commit_table.order_line l
     EXCEPT ALL SELECT 1, to_jsonb(l) - 'queued_at' - 'ordered_at' - 'closed_at' || jsonb_build_object('closed', closed_at = queued_at) FROM t_commit_table_2.order_line l)
    UNION ALL
    (SELECT 2, to_jsonb(l) - 'queued_at' - 'ordered_at' - 'closed_at' || jsonb_build_object('closed', closed_at = queued_at) FROM t_commit_table_2.order_line l
     EXCEPT ALL SELECT 2, to_jsonb(l) - 'queued_at' - 'ordered_at' - 'closed_at' || jsonb_build_object('closed', closed_at = queued_at) FROM t_commit_table.order_line l);
-- What the indexes find is what the table has: true for each index that can be asked so.
CREATE FUNCTION by_index(tab regclass) RETURNS TABLE (index regclass, agrees boolean) LANGUAGE plpgsql AS $$
DECLARE pred text; total bigint;
BEGIN
    FOR index, pred IN SELECT indexrelid::regclass, coalesce(pg_get_expr(indpred, indrelid), 'true') FROM pg_index
                        WHERE indrelid = tab ORDER BY indexrelid::regclass::text COLLATE "C" LOOP
        SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = on;
        EXECUTE format('SELECT count(*) FROM %s l WHERE %s', tab, pred) INTO total;
        SET LOCAL enable_indexscan = on; SET LOCAL enable_seqscan = off;
        EXECUTE format('SELECT count(*) = %s FROM (SELECT * FROM %s l WHERE %s ORDER BY %s) x', total, tab, pred, pg_get_indexdef(index, 1, true)) INTO agrees;
        RETURN NEXT;
    END LOOP;
END$$;
CALL in_both($$INSERT INTO stock (item, location, on_hand, ships_at_once, qty_step) VALUES ('A', 'main', 10, true, NULL), ('B', 'main', 5.5, true, NULL),
    ('C', 'main', 7, false, NULL), ('D', 'main', 3, true, NULL), ('D', 'east', 4, true, NULL), ('E', 'main', 20, true, 5)$$);
CALL in_both($$INSERT INTO sourcing VALUES ('D', '{main,east}', true)$$);
CALL in_both($$INSERT INTO order_line (order_ref, item, qty_ordered, customer) VALUES ('1', 'B', 2.25, 'x'), ('1', 'A', 7, 'x'), ('1', 'C', 4, NULL)$$);
CALL in_both($$INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy, priority, requested_on) VALUES ('2', 'A', 7, 'line', 5, '2030-01-01'), ('2', 'C', 9, 'partial', 7, NULL),
    ('2', 'B', 2, 'order', 100, NULL), ('2', 'B', 1.000001, 'order', 100, NULL)$$);
CALL in_both($$INSERT INTO order_line (order_ref, item, location, qty_ordered, held) VALUES ('3', 'D', NULL, 6, false), ('3', 'D', NULL, 3, false), ('3', 'E', 'main', 15, true), ('3', 'E', 'main', 25, false)$$);
CALL in_both($both$DO $$BEGIN
    INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('4', 'B', 100), ('4', 'A', 1);
    BEGIN INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('4 back', 'A', 1); RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END;
    BEGIN INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('4 stays', 'A', 2); EXCEPTION WHEN division_by_zero THEN NULL; END;
    UPDATE order_line SET qty_ordered = 9, customer = 'changed' WHERE order_ref = '4' AND item = 'B';
    DELETE FROM order_line WHERE order_ref = '4 stays';
    INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('4 more', 'C', 1);
END$$ $both$);
CALL in_both($$INSERT INTO receipt (item, qty) VALUES ('A', 3), ('B', 4), ('C', 2)$$);
SELECT order_ref, item, location, qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_filled_first, closed_at IS NOT NULL AS closed, pending FROM order_line ORDER BY line_id;
SELECT * FROM differences;
SELECT * FROM by_index('order_line');
SELECT * FROM verify() UNION ALL SELECT * FROM t_commit_table_2.verify();

-- Columns, indexes and CHECKs of the application's: long values stay, what is
-- dropped is gone, indexes by expression find the line as split.
CALL in_both($$ALTER TABLE order_line ADD COLUMN gone int DEFAULT 3, ADD COLUMN paper text DEFAULT 'none', ADD COLUMN list int[] NOT NULL DEFAULT '{1,2}'$$);
CALL in_both($$ALTER TABLE order_line ALTER COLUMN paper SET STORAGE EXTERNAL, DROP COLUMN gone$$);
CALL in_both($$CREATE INDEX by_part ON order_line ((qty_shipped / qty_ordered)) WHERE pending IS NULL$$);
CALL in_both($$CREATE INDEX by_paper ON order_line (left(paper, 9), qty_backordered) INCLUDE (order_ref)$$);
CALL in_both($$CREATE UNIQUE INDEX once ON order_line (customer, item) WHERE qty_shipped > 0 AND customer LIKE 'only%'$$);
CALL in_both($$ALTER TABLE order_line ADD CONSTRAINT few CHECK (qty_shipped < 40 OR customer IS NOT NULL AND priority = ANY ('{1,2}')),
    ADD CONSTRAINT named CHECK (length(coalesce(customer, '?')) > 0), ADD CONSTRAINT whole CHECK (qty_backordered IS DISTINCT FROM 13)$$);
CALL in_both($$INSERT INTO stock (item, on_hand) VALUES ('F', 100)$$);
CALL in_both($$INSERT INTO order_line (order_ref, item, qty_ordered, customer, paper) VALUES ('5', 'F', 30, 'only one', repeat('long ', 3000)), ('5', 'A', 50, 'x', NULL)$$);
SELECT qty_shipped, qty_backordered, length(paper), md5(paper) = md5(repeat('long ', 3000)) AS same, list FROM order_line WHERE order_ref = '5' ORDER BY line_id;
SELECT * FROM differences;
SELECT * FROM by_index('order_line');
-- what they refuse they refuse when the line is split: nothing is left of the transaction
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('6', 'F', 40);
INSERT INTO order_line (order_ref, item, qty_ordered, customer, priority) VALUES ('6', 'F', 40, 'y', 2);
INSERT INTO order_line (order_ref, item, qty_ordered, customer) VALUES ('7', 'A', 1, 'y'), ('7', 'A', 13, 'y');
INSERT INTO order_line (order_ref, item, qty_ordered, customer) VALUES ('8', 'A', 1, 'only one'), ('8', 'F', 1, 'only one');
INSERT INTO order_line (order_ref, item, qty_ordered, customer) VALUES ('9', 'F', 1, 'only two'), ('9', 'B', 1, 'only two'), ('9', 'F', 1, 'only three'), ('9', 'F', 1, 'only two');
SELECT order_ref, item, qty_ordered, qty_shipped FROM order_line WHERE order_ref >= '6' ORDER BY line_id;
SELECT on_hand, backordered FROM stock WHERE item IN ('A', 'F') ORDER BY item;
SELECT * FROM by_index('order_line');
SELECT * FROM verify();
-- a column that is null as a rule, but not here
ALTER TABLE order_line ADD CONSTRAINT few_2 CHECK (closed_at IS NOT NULL OR pending IS NOT NULL) NOT VALID;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('10', 'A', 1);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('10', 'F', 1);
ALTER TABLE order_line DROP CONSTRAINT few_2;

-- A CHECK that calls a function of the application's, or asks about the whole row.
CREATE FUNCTION is_good(numeric, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN $1 <> 3 OR coalesce($2 = 'z', false); END$$;
ALTER TABLE order_line ADD CONSTRAINT good CHECK (is_good(qty_shipped, customer)) NOT VALID;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('11', 'F', 3);
INSERT INTO order_line (order_ref, item, qty_ordered, customer) VALUES ('11', 'F', 3, 'z') RETURNING qty_backordered;
ALTER TABLE order_line DROP CONSTRAINT good, ADD CONSTRAINT row CHECK (order_line.qty_shipped <> 4 AND (order_line IS NOT NULL OR true)) NOT VALID;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('12', 'F', 4);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('12', 'F', 5);
ALTER TABLE order_line DROP CONSTRAINT row;
SELECT order_ref, qty_shipped FROM order_line WHERE order_ref >= '11' AND length(order_ref) > 1 ORDER BY line_id;

-- Another trigger, which sees the split; one that keeps it from being written.
CREATE TABLE seen (line text);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    INSERT INTO seen VALUES (format('%s %s: %s -> %s, %s waiting', tg_when, new.order_ref, old.qty_shipped, new.qty_shipped, new.qty_backordered));
    IF tg_when = 'BEFORE' AND new.customer = 'never' THEN RETURN NULL; END IF;
    RETURN new; END$$;
CREATE TRIGGER a_see BEFORE UPDATE ON order_line FOR EACH ROW EXECUTE FUNCTION see();
CREATE TRIGGER see_after AFTER UPDATE OF qty_shipped ON order_line FOR EACH ROW EXECUTE FUNCTION see();
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('13', 'F', 2);
INSERT INTO order_line (order_ref, item, qty_ordered, customer) VALUES ('14', 'F', 2, 'never');
DROP TRIGGER a_see ON order_line;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('15', 'F', 2);
DROP TRIGGER see_after ON order_line;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('16', 'F', 2);
CREATE RULE see AS ON UPDATE TO order_line DO ALSO INSERT INTO seen VALUES ('rule ' || new.order_ref);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('17', 'F', 2);
DROP RULE see ON order_line;
SELECT * FROM seen;
SELECT order_ref, qty_shipped, pending FROM order_line WHERE order_ref BETWEEN '13' AND '17' ORDER BY line_id;

-- A generated column follows what it is made from.
ALTER TABLE order_line ADD COLUMN missing numeric GENERATED ALWAYS AS (qty_ordered - qty_shipped) STORED;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('18', 'F', 2);
SELECT qty_shipped, missing FROM order_line WHERE order_ref = '18';
ALTER TABLE order_line DROP COLUMN missing;

-- Foreign keys both ways, a table that inherits.
CREATE TABLE customers (customer text PRIMARY KEY);
INSERT INTO customers VALUES ('known');
ALTER TABLE order_line ADD CONSTRAINT known FOREIGN KEY (customer) REFERENCES customers NOT VALID;
INSERT INTO order_line (order_ref, item, qty_ordered, customer) VALUES ('20', 'F', 1, 'unknown');
INSERT INTO order_line (order_ref, item, qty_ordered, customer) VALUES ('20', 'F', 1, 'known');
ALTER TABLE order_line DROP CONSTRAINT known;
CREATE TABLE notes (line_id bigint, item text, note text, FOREIGN KEY (line_id, item) REFERENCES order_line);
BEGIN;
WITH l AS (INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('21', 'F', 1) RETURNING line_id, item)
    INSERT INTO notes SELECT line_id, item, 'noted' FROM l;
COMMIT;
SELECT count(*) FROM notes JOIN order_line USING (line_id, item) WHERE pending IS NULL;
DROP TABLE notes;
CREATE TABLE more_lines () INHERITS (order_line);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('22', 'F', 1);
DROP TABLE more_lines;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('23', 'F', 1);
SELECT order_ref, qty_shipped, pending FROM order_line WHERE order_ref BETWEEN '20' AND '23' ORDER BY line_id;

-- Somebody else's trigger that changes the lines while they are being split: what
-- it writes stays, and so does the split.
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    UPDATE order_line SET paper = 'meddled' WHERE order_ref = '24'; RETURN NULL; END$$;
CREATE TRIGGER meddle AFTER INSERT ON shortage FOR EACH ROW EXECUTE FUNCTION meddle();
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('24', 'A', 1), ('24', 'F', 1);
DROP TRIGGER meddle ON shortage;
SELECT order_ref, item, qty_shipped, qty_backordered, paper, pending FROM order_line WHERE order_ref = '24' ORDER BY line_id;
SELECT * FROM by_index('order_line');
SELECT * FROM verify();

-- Of a table that publishes updates each row must be known by its key.
SET client_min_messages = error;
CREATE PUBLICATION t_commit_table FOR TABLE order_line;
RESET client_min_messages;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('25', 'F', 1) RETURNING qty_shipped;
ALTER TABLE order_line REPLICA IDENTITY NOTHING;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('25', 'F', 1) RETURNING qty_shipped;
ALTER TABLE order_line REPLICA IDENTITY DEFAULT;
DROP PUBLICATION t_commit_table;

-- Many at once, more than are written in one go, over savepoints.
BEGIN;
INSERT INTO stock (item, on_hand) SELECT 'many ' || i, 500 FROM generate_series(1, 20) i;
INSERT INTO order_line (order_ref, item, qty_ordered) SELECT '26', 'many ' || 1 + i % 20, 1 FROM generate_series(1, 6000) i;
SAVEPOINT s;
INSERT INTO order_line (order_ref, item, qty_ordered) SELECT '26', 'many ' || 1 + i % 20, 1 FROM generate_series(1, 6000) i;
COMMIT;
SELECT sum(qty_shipped), sum(qty_backordered), count(pending), count(DISTINCT item) FROM order_line WHERE order_ref = '26';
SELECT count(*) FROM by_index('order_line') WHERE agrees;
SELECT * FROM verify() UNION ALL SELECT * FROM t_commit_table_2.verify();

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA t_commit_table, t_commit_table_2 CASCADE;
