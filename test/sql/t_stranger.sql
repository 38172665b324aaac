-- Anyone can put bko's trigger functions on tables of his own. Whatever he does there,
-- wrong types, missing columns, nulls where a book has none, triggers on the wrong event
-- or level, the server must live, and no other book may change. What he is told is not
-- shown: it is enough that the session goes on.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
DROP ROLE IF EXISTS regress_bko_stranger;
CREATE ROLE regress_bko_stranger;
DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_bko_stranger', current_database()); END$$;
SELECT bko.create_book('t_stranger_real');
INSERT INTO t_stranger_real.stock (item, on_hand) VALUES ('A', 10);
INSERT INTO t_stranger_real.order_line (item, qty_ordered) VALUES ('A', 12);
GRANT USAGE ON SCHEMA t_stranger_real TO regress_bko_stranger;
GRANT SELECT ON ALL TABLES IN SCHEMA t_stranger_real TO regress_bko_stranger;
SET ROLE regress_bko_stranger;
\set VERBOSITY terse

-- Runs statements, each by itself, whatever becomes of them.
CREATE FUNCTION pg_temp.survives(VARIADIC sqls text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE sql text;
BEGIN
    FOREACH sql IN ARRAY sqls LOOP
        BEGIN
            EXECUTE sql;
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
    RETURN 'the server lives';
END$$;
-- A fresh look-alike: the tables of a book with neither constraints nor triggers.
CREATE FUNCTION pg_temp.look_alike() RETURNS void LANGUAGE plpgsql AS $$
DECLARE t text;
BEGIN
    DROP SCHEMA IF EXISTS t_stranger CASCADE;
    CREATE SCHEMA t_stranger;
    FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 't_stranger_real'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('CREATE TABLE t_stranger.%1$s AS TABLE t_stranger_real.%1$s WITH NO DATA', t);
    END LOOP;
    INSERT INTO t_stranger.book SELECT * FROM t_stranger_real.book;
    INSERT INTO t_stranger.stock (item, location, on_hand, allocated, backordered, fill_rule, ships_at_once)
    VALUES ('A', 'main', 10, 0, 0, 'fifo', true);
END$$;
-- Gives it the triggers of a book, but without what is named.
CREATE FUNCTION pg_temp.triggers(VARIADIC but text[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
    FOR r IN SELECT tgname, pg_get_triggerdef(t.oid) AS def FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
              WHERE relnamespace = 't_stranger_real'::regnamespace AND NOT tgisinternal LOOP
        IF NOT r.tgname = ANY (but) THEN
            EXECUTE replace(r.def, 't_stranger_real.', 't_stranger.');
        END IF;
    END LOOP;
END$$;

-- Calls every function of the extension: those behind the functions of a book with a
-- book, or what is given as one, and the rest null, then with a few values.
CREATE FUNCTION pg_temp.calls(book regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE f record; n integer;
BEGIN
    FOR f IN SELECT p.oid, p.oid::regproc AS name, proargtypes::oid[] AS types FROM pg_proc p WHERE pronamespace = 'bko'::regnamespace AND prokind = 'f' AND proname <> 'create_book' LOOP
        FOR n IN 0..1 LOOP
            PERFORM pg_temp.survives(format('SELECT %s(%s)', f.name,
                (SELECT string_agg(CASE WHEN t = 'regclass'::regtype THEN quote_nullable(book::oid::text)
                                        WHEN n = 0 THEN 'NULL'
                                        WHEN t IN ('text'::regtype, 'name'::regtype) THEN '''A'''
                                        WHEN t IN ('numeric'::regtype, 'bigint'::regtype, 'integer'::regtype) THEN '1'
                                        WHEN t = 'boolean'::regtype THEN 'true'
                                        WHEN t = 'jsonb'::regtype THEN '''[{"item": "A", "qty": 1}]'''
                                        ELSE 'NULL' END || '::' || format_type(t, NULL), ', ' ORDER BY i)
                   FROM unnest(f.types) WITH ORDINALITY u (t, i))));
        END LOOP;
    END LOOP;
    RETURN 'the server lives';
END$$;

-- A good look-alike works, for himself: 10 of 12.
SELECT pg_temp.look_alike();
SELECT pg_temp.triggers();
INSERT INTO t_stranger.order_line (line_id, item, location, qty_ordered) VALUES (1, 'A', 'main', 12) RETURNING qty_shipped, qty_backordered;

-- So does a function of the language "bko", with his rights; not with other arguments,
-- another result or where there is no book.
CREATE FUNCTION t_stranger.order_of(text, jsonb, text, text, integer, text, date, text, text, integer) RETURNS SETOF t_stranger.order_line
    LANGUAGE bko SECURITY DEFINER AS 'place_order';
ALTER TABLE t_stranger.order_line ALTER line_id SET DEFAULT 7;
SELECT order_ref, qty_shipped, qty_backordered FROM t_stranger.order_of('SO', '[{"item": "A", "qty": 1}]', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
ALTER TABLE t_stranger.order_line ALTER priority TYPE text;
SELECT pg_temp.survives('SELECT t_stranger.order_of(''SO'', ''[{"item": "A", "qty": 1}]'', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)');
ALTER TABLE t_stranger.order_line ALTER line_id TYPE text;
SELECT pg_temp.survives('SELECT t_stranger.order_of(''SO'', ''[{"item": "A", "qty": 1}]'', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)');
DROP TABLE t_stranger.book;
SELECT pg_temp.survives('SELECT t_stranger.order_of(''SO'', ''[{"item": "A", "qty": 1}]'', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)');
CREATE SCHEMA t_stranger_2;
CREATE TYPE t_stranger_2.order_line AS (line_id bigint);
SET check_function_bodies = off;
CREATE FUNCTION t_stranger_2.order_of(text) RETURNS SETOF t_stranger_2.order_line LANGUAGE bko AS 'place_order';
CREATE FUNCTION t_stranger_2.order_of(text, jsonb, text, text, integer, text, date, text, text, integer) RETURNS SETOF t_stranger_2.order_line LANGUAGE bko AS 'place_order';
CREATE FUNCTION t_stranger_2.order_of() RETURNS trigger LANGUAGE bko AS 'place_order';
CREATE PROCEDURE t_stranger_2.do_order(text, jsonb, text, text, integer, text, date, text, text, integer) LANGUAGE bko AS 'place_order';
RESET check_function_bodies;
SELECT pg_temp.survives('SELECT t_stranger_2.order_of(''SO'')', 'SELECT bko.call_handler()', 'SELECT bko.call_validator(0)',
    'SELECT bko.call_validator(''t_stranger_2.order_of(text)''::regprocedure)',
    'SELECT t_stranger_2.order_of(''SO'', ''[{"item": "A", "qty": 1}]'', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)',
    'CALL t_stranger_2.do_order(''SO'', ''[{"item": "A", "qty": 1}]'', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)',
    'CREATE TRIGGER x BEFORE INSERT ON t_stranger.stock FOR EACH ROW EXECUTE FUNCTION t_stranger_2.order_of(); INSERT INTO t_stranger.stock (item) VALUES (''x'')');
SET client_min_messages = error;
DROP SCHEMA t_stranger_2 CASCADE;
SET client_min_messages = warning;
SELECT pg_temp.look_alike();
SELECT pg_temp.triggers();

-- Nulls where a book has none.
SELECT pg_temp.survives('INSERT INTO t_stranger.order_line (line_id, item, location, qty_ordered) VALUES (2, NULL, NULL, 1)',
    'INSERT INTO t_stranger.order_line (item, location, qty_ordered, priority, ship_policy) VALUES (''A'', ''main'', 1, NULL, NULL)',
    'INSERT INTO t_stranger.receipt (item, location, qty) VALUES (''A'', ''main'', 1)',
    'INSERT INTO t_stranger.receipt (item, location, qty) VALUES (NULL, NULL, 1)',
    'INSERT INTO t_stranger.supply (supply_ref, item, location, qty_expected) VALUES (NULL, NULL, NULL, 1)',
    'UPDATE t_stranger.order_line SET priority = NULL, qty_ordered = 20',
    'UPDATE t_stranger.order_line SET item = NULL',
    'UPDATE t_stranger.stock SET on_hand = 20');
SELECT pg_temp.survives('UPDATE t_stranger.stock SET fill_rule = NULL', 'INSERT INTO t_stranger.order_line (line_id, item, location, qty_ordered) VALUES (3, ''A'', ''main'', 1)');
SELECT pg_temp.survives('UPDATE t_stranger.stock SET ships_at_once = NULL, qty_step = NULL, fill_rule = ''''', 'INSERT INTO t_stranger.order_line (line_id, item, location, qty_ordered) VALUES (3, ''A'', ''main'', 1)');
SELECT pg_temp.survives('UPDATE t_stranger.stock SET item = NULL', 'UPDATE t_stranger.stock SET location = NULL');
-- Rows that were there before the triggers, with nulls in every column.
SELECT pg_temp.look_alike();
INSERT INTO t_stranger.order_line (line_id) VALUES (NULL), (1);
INSERT INTO t_stranger.order_line (item, location, qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled) VALUES (NULL, NULL, 5, 0, 0, 5, 0), ('A', NULL, 5, 0, 5, 0, 0);
INSERT INTO t_stranger.order_line (item, location, qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled) VALUES ('A', 'main', 5, 0, 0, 5, 0), ('A', 'main', 5, 0, 5, 0, 0);
INSERT INTO t_stranger.stock (item) VALUES (NULL), ('B');
INSERT INTO t_stranger.stock (item, location, on_hand, allocated, backordered) VALUES (NULL, NULL, 1, 1, 1), ('C', 'main', 1, 0, 0), ('NaN', 'main', 'NaN', 'NaN', 'NaN');
INSERT INTO t_stranger.supply (supply_ref) VALUES (NULL), ('P');
INSERT INTO t_stranger.supply (supply_ref, qty_received, qty_expected) VALUES ('P', 1, 1);
INSERT INTO t_stranger.supply (supply_ref, item, location, qty_received, qty_expected, closed) VALUES ('Q', 'A', 'main', NULL, NULL, false), ('Q', 'A', 'main', 1, 1, NULL);
INSERT INTO t_stranger.receipt (item) VALUES (NULL);
INSERT INTO t_stranger.movement (item) VALUES (NULL);
SELECT pg_temp.triggers();
SELECT pg_temp.survives(VARIADIC array_agg(format('DELETE FROM t_stranger.%s WHERE ctid = ''(0,%s)''', t, i))) FROM unnest(ARRAY['order_line', 'stock', 'supply', 'receipt', 'movement']) t, generate_series(1, 6) i;
SELECT pg_temp.survives(VARIADIC array_agg(format('UPDATE t_stranger.%s SET %s WHERE ctid = ''(0,%s)''', t, s, i)))
FROM (VALUES ('order_line', 'qty_ordered = 1'), ('order_line', 'item = ''A'', location = ''main'''), ('order_line', 'priority = 7'), ('order_line', 'ship_policy = NULL'), ('stock', 'on_hand = 3'), ('stock', 'on_hand = 0'),
             ('stock', 'item = ''X'''), ('stock', 'location = ''X'''), ('stock', 'qty_step = 2'), ('supply', 'qty_expected = 1'), ('supply', 'item = ''X'''), ('supply', 'location = ''X'''), ('receipt', 'qty = 1'), ('movement', 'qty = 1')) v (t, s), generate_series(1, 8) i;
SELECT pg_temp.survives('INSERT INTO t_stranger.receipt (item, location, qty) VALUES (''A'', ''main'', 100)', 'INSERT INTO t_stranger.receipt (item, location, qty, supply_ref) VALUES (''A'', ''main'', 100, ''Q'')',
    'INSERT INTO t_stranger.receipt (item, location, qty) VALUES (''B'', ''main'', 1)', 'INSERT INTO t_stranger.order_line (item, location, qty_ordered) VALUES (''C'', ''main'', 1), (''NaN'', ''main'', 1)', 'TRUNCATE t_stranger.stock');
SELECT pg_temp.calls('t_stranger.book');

-- A trigger of his own, after bko's, that takes the row's names, ids or quantities away.
CREATE FUNCTION pg_temp.spoil() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    CASE TG_ARGV[0]
        WHEN 'item' THEN NEW.item := NULL;
        WHEN 'location' THEN NEW.location := NULL;
        WHEN 'both' THEN NEW.item := NULL; NEW.location := NULL;
        WHEN 'other' THEN NEW.item := 'B';
        WHEN 'id' THEN NEW := jsonb_populate_record(NEW, '{"line_id": null, "receipt_id": null, "supply_id": null}');
        WHEN 'qty' THEN NEW := jsonb_populate_record(NEW, '{"qty_shipped": null, "qty": null, "on_hand": null, "qty_to_stock": null}');
        WHEN 'nan' THEN NEW := jsonb_populate_record(NEW, '{"qty_shipped": "NaN", "qty": "NaN", "on_hand": "NaN"}');
        WHEN 'ref' THEN NEW := jsonb_populate_record(NEW, '{"supply_ref": "P"}');
    END CASE;
    RETURN NEW;
END$$;
CREATE FUNCTION pg_temp.spoiled() RETURNS text LANGUAGE plpgsql AS $$
DECLARE t text; arg text;
BEGIN
    FOREACH t IN ARRAY ARRAY['order_line', 'receipt', 'stock', 'supply'] LOOP
        FOREACH arg IN ARRAY ARRAY['item', 'location', 'both', 'other', 'id', 'qty', 'nan', 'ref'] LOOP
            BEGIN
                EXECUTE format('CREATE TRIGGER zzz BEFORE INSERT OR UPDATE ON t_stranger.%s FOR EACH ROW EXECUTE FUNCTION pg_temp.spoil(%L)', t, arg);
                PERFORM pg_temp.survives('INSERT INTO t_stranger.order_line (line_id, item, location, qty_ordered) VALUES (1, ''A'', ''main'', 4), (2, ''A'', ''main'', 9), (3, ''A'', ''main'', 9)',
                    'UPDATE t_stranger.order_line SET qty_ordered = 11', 'SET CONSTRAINTS ALL IMMEDIATE', 'SET CONSTRAINTS ALL DEFERRED',
                    'INSERT INTO t_stranger.receipt (receipt_id, item, location, qty) VALUES (1, ''A'', ''main'', 4), (2, ''A'', ''main'', 4)',
                    'INSERT INTO t_stranger.receipt (receipt_id, item, location, qty, supply_ref) VALUES (3, ''A'', ''main'', 4, ''P''), (4, ''A'', ''main'', 4, ''P'')',
                    'INSERT INTO t_stranger.stock (item, location, on_hand) VALUES (''B'', ''main'', 1)',
                    'INSERT INTO t_stranger.supply (supply_ref, item, location, qty_expected) VALUES (''P'', ''A'', ''main'', 1)',
                    'UPDATE t_stranger.stock SET on_hand = 5', 'UPDATE t_stranger.order_line SET qty_ordered = 10', 'UPDATE t_stranger.supply SET qty_expected = 7');
                RAISE EXCEPTION 'back';
            EXCEPTION WHEN raise_exception THEN NULL;
            END;
        END LOOP;
    END LOOP;
    RETURN 'the server lives';
END$$;
SELECT pg_temp.look_alike();
INSERT INTO t_stranger.supply (supply_id, supply_ref, item, location, qty_expected, qty_received, closed) VALUES (1, 'P', 'A', 'main', 1, 0, false);
SELECT pg_temp.triggers();
SELECT pg_temp.spoiled();

-- Triggers left out, one after the other.
CREATE FUNCTION pg_temp.left_out() RETURNS text LANGUAGE plpgsql AS $$
DECLARE t record;
BEGIN
    FOR t IN SELECT tgname, tgrelid::regclass AS tab FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = 't_stranger'::regnamespace AND NOT tgisinternal ORDER BY 1, 2 LOOP
        BEGIN
            EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.tab);
            PERFORM pg_temp.survives('INSERT INTO t_stranger.order_line (line_id, item, location, qty_ordered) VALUES (1, ''A'', ''main'', 4), (2, ''A'', ''main'', 9)',
                'UPDATE t_stranger.order_line SET qty_ordered = 11', 'SET CONSTRAINTS ALL IMMEDIATE', 'SET CONSTRAINTS ALL DEFERRED',
                'INSERT INTO t_stranger.receipt (receipt_id, item, location, qty) VALUES (1, ''A'', ''main'', 1)', 'UPDATE t_stranger.stock SET on_hand = 9', 'INSERT INTO t_stranger.stock (item, location, on_hand) VALUES (''B'', ''main'', 1)',
                'UPDATE t_stranger.order_line SET qty_ordered = 10', 'DELETE FROM t_stranger.order_line', 'DELETE FROM t_stranger.stock');
            RAISE EXCEPTION 'back';
        EXCEPTION WHEN raise_exception THEN NULL;
        END;
    END LOOP;
    RETURN 'the server lives';
END$$;
SELECT pg_temp.left_out();
-- The same in a book that allocates at commit, or knows no such thing.
SELECT pg_temp.look_alike();
SELECT pg_temp.triggers();
UPDATE t_stranger.book SET allocate_at = 'commit';
SELECT pg_temp.spoiled();
SELECT pg_temp.left_out();
UPDATE t_stranger.book SET allocate_at = NULL;
SELECT pg_temp.spoiled();
UPDATE t_stranger.book SET allocate_at = 'statement';
-- A frame that is never closed fails the transaction, not the server.
BEGIN;
DROP TRIGGER a_bko_insert_done ON t_stranger.order_line;
INSERT INTO t_stranger.order_line (line_id, item, location, qty_ordered) VALUES (1, 'A', 'main', 4);
INSERT INTO t_stranger.order_line (line_id, item, location, qty_ordered) VALUES (2, 'A', 'main', 4);
\set VERBOSITY sqlstate
COMMIT;
\set VERBOSITY terse

-- Every trigger function on every kind of trigger that the server lets him make, with
-- and without transition tables, together with a frame that is open for every table.
CREATE FUNCTION pg_temp.every_kind() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    f text; tab text; timing text; ev text; lev text; refs text;
BEGIN
    FOR f, tab IN SELECT proname, CASE WHEN proname ~ '^(stock|receipt|supply)_' THEN split_part(proname, '_', 1) ELSE 'order_line' END
                    FROM pg_proc WHERE pronamespace = 'bko'::regnamespace AND prorettype = 'trigger'::regtype ORDER BY proname LOOP
        FOREACH ev IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] LOOP
            FOR timing, lev, refs IN VALUES ('BEFORE', 'ROW', ''), ('BEFORE', 'STATEMENT', ''), ('AFTER', 'ROW', ''), ('AFTER', 'STATEMENT', ''),
                                            ('AFTER', 'STATEMENT', 'REFERENCING NEW TABLE AS n'), ('AFTER', 'STATEMENT', 'REFERENCING OLD TABLE AS o') LOOP
                CONTINUE WHEN ev = 'TRUNCATE' AND (lev = 'ROW' OR refs <> '') OR ev = 'INSERT' AND refs LIKE '%OLD%' OR ev = 'DELETE' AND refs LIKE '%NEW%' OR refs <> '' AND f NOT LIKE '%done';
                BEGIN
                    EXECUTE format('CREATE TRIGGER a BEFORE %s ON t_stranger.%s FOR EACH STATEMENT EXECUTE FUNCTION bko.frame_open(%L)', ev, tab, tab);
                    IF timing = 'AFTER' AND ev <> 'TRUNCATE' THEN
                        EXECUTE format('CREATE TRIGGER r BEFORE %s ON t_stranger.%s FOR EACH ROW EXECUTE FUNCTION bko.%s()', ev, tab,
                            CASE WHEN tab <> 'order_line' THEN tab || '_row' WHEN ev = 'INSERT' THEN 'line_insert_row' ELSE 'line_update_row' END);
                    END IF;
                    EXECUTE format('CREATE TRIGGER x %s %s ON t_stranger.%s %s FOR EACH %s EXECUTE FUNCTION bko.%s(%s)', timing, ev, tab, refs, lev, f, CASE f WHEN 'frame_open' THEN quote_literal(tab) ELSE '' END);
                    EXECUTE CASE ev
                        WHEN 'INSERT' THEN CASE tab
                            WHEN 'order_line' THEN 'INSERT INTO t_stranger.order_line (line_id, item, location, qty_ordered) VALUES (1, ''A'', ''main'', 4), (2, ''A'', ''main'', 9)'
                            WHEN 'stock' THEN 'INSERT INTO t_stranger.stock (item, location, on_hand) VALUES (''B'', ''main'', 1)'
                            WHEN 'receipt' THEN 'INSERT INTO t_stranger.receipt (receipt_id, item, location, qty) VALUES (1, ''A'', ''main'', 4)'
                            ELSE 'INSERT INTO t_stranger.supply (supply_id, supply_ref, item, location, qty_expected) VALUES (1, ''P'', ''A'', ''main'', 1)' END
                        WHEN 'UPDATE' THEN format('UPDATE t_stranger.%s SET %s = 7', tab, CASE tab WHEN 'order_line' THEN 'qty_ordered' WHEN 'stock' THEN 'on_hand' WHEN 'receipt' THEN 'qty' ELSE 'qty_expected' END)
                        WHEN 'DELETE' THEN 'DELETE FROM t_stranger.' || tab
                        ELSE 'TRUNCATE t_stranger.' || tab END;
                    RAISE EXCEPTION 'back';
                EXCEPTION WHEN OTHERS THEN NULL;
                END;
            END LOOP;
        END LOOP;
    END LOOP;
    RETURN 'the server lives';
END$$;
SELECT pg_temp.look_alike();
INSERT INTO t_stranger.receipt (receipt_id, item, location, qty) VALUES (9, 'A', 'main', 1);
INSERT INTO t_stranger.supply (supply_id, supply_ref, item, location, qty_expected, qty_received, closed) VALUES (9, 'P', 'A', 'main', 1, 0, false);
INSERT INTO t_stranger.order_line (line_id, item, location, qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled) VALUES (5, 'A', 'main', 5, 0, 0, 5, 0);
SELECT pg_temp.every_kind();
-- On a table that has none of the columns.
CREATE TABLE t_stranger.t (a integer);
CREATE TRIGGER a BEFORE UPDATE ON t_stranger.t FOR EACH STATEMENT EXECUTE FUNCTION bko.append_only();
CREATE TRIGGER b BEFORE UPDATE ON t_stranger.t FOR EACH ROW EXECUTE FUNCTION bko.append_only();
SELECT pg_temp.survives('INSERT INTO t_stranger.t VALUES (1)', 'UPDATE t_stranger.t SET a = 2');
SELECT pg_temp.survives('CREATE TRIGGER c BEFORE INSERT ON t_stranger.t FOR EACH STATEMENT EXECUTE FUNCTION bko.frame_open(''order_line'')',
    'CREATE TRIGGER d BEFORE INSERT ON t_stranger.t FOR EACH ROW EXECUTE FUNCTION bko.line_insert_row()', 'INSERT INTO t_stranger.t VALUES (1)',
    'CREATE TRIGGER e BEFORE INSERT ON t_stranger.t FOR EACH ROW EXECUTE FUNCTION bko.book_row()', 'INSERT INTO t_stranger.t VALUES (1)',
    'CREATE TRIGGER f BEFORE UPDATE OR DELETE ON t_stranger.t FOR EACH ROW EXECUTE FUNCTION bko.book_row()', 'UPDATE t_stranger.t SET a = 3', 'DELETE FROM t_stranger.t');
-- Each column of each table left out, or of another type.
CREATE FUNCTION pg_temp.retyped() RETURNS text LANGUAGE plpgsql AS $$
DECLARE tab text; col text; was text; typ text;
BEGIN
    FOR tab, col, was IN SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 't_stranger' AND table_name IN ('stock', 'order_line', 'receipt', 'supply') ORDER BY 1, 2 LOOP
        FOREACH typ IN ARRAY ARRAY['', CASE was WHEN 'integer' THEN 'text' ELSE 'integer' END] LOOP
            BEGIN
                EXECUTE format('ALTER TABLE t_stranger.%I DROP COLUMN %I CASCADE %s', tab, col, CASE typ WHEN '' THEN '' ELSE format(', ADD COLUMN %I %s', col, typ) END);
                PERFORM pg_temp.survives('INSERT INTO t_stranger.order_line (line_id, item, location, qty_ordered) VALUES (1, ''A'', ''main'', 4), (2, ''A'', ''main'', 9)',
                    'INSERT INTO t_stranger.receipt (receipt_id, item, location, qty, supply_ref) VALUES (1, ''A'', ''main'', 4, ''P'')', 'UPDATE t_stranger.stock SET on_hand = 7');
                RAISE EXCEPTION 'back';
            EXCEPTION WHEN raise_exception THEN NULL;
            END;
        END LOOP;
    END LOOP;
    RETURN 'the server lives';
END$$;
SELECT pg_temp.look_alike();
INSERT INTO t_stranger.supply (supply_id, supply_ref, item, location, qty_expected, qty_received, closed) VALUES (1, 'P', 'A', 'main', 1, 0, false);
SELECT pg_temp.triggers();
SELECT pg_temp.retyped();
-- Views in the place of tables, and a book that is none.
SELECT pg_temp.look_alike();
SELECT pg_temp.triggers();
SELECT pg_temp.survives('ALTER TABLE t_stranger.stock RENAME TO stock_table', 'CREATE VIEW t_stranger.stock AS SELECT * FROM t_stranger.stock_table',
    'INSERT INTO t_stranger.order_line (line_id, item, location, qty_ordered) VALUES (1, ''A'', ''main'', 4)', 'INSERT INTO t_stranger.receipt (receipt_id, item, location, qty) VALUES (1, ''A'', ''main'', 4)',
    'ALTER TABLE t_stranger.movement RENAME TO movement_table', 'CREATE VIEW t_stranger.movement AS SELECT 1 AS a',
    'INSERT INTO t_stranger.order_line (line_id, item, location, qty_ordered) VALUES (2, ''A'', ''main'', 4)');
SELECT pg_temp.survives('DELETE FROM t_stranger.book', 'INSERT INTO t_stranger.order_line (line_id, item, location, qty_ordered) VALUES (3, ''A'', ''main'', 4)',
    'DROP TABLE t_stranger.book', 'CREATE VIEW t_stranger.book AS SELECT 1 / 0 AS version', 'INSERT INTO t_stranger.order_line (line_id, item, location, qty_ordered) VALUES (3, ''A'', ''main'', 4)',
    'SELECT pg_temp.calls(''t_stranger.book'')', 'SELECT bko.upgrade_book(''t_stranger'')',
    'DROP VIEW t_stranger.book', 'CREATE SEQUENCE t_stranger.book', 'INSERT INTO t_stranger.order_line (line_id, item, location, qty_ordered) VALUES (3, ''A'', ''main'', 4)');
-- Called as functions.
SELECT pg_temp.calls(NULL);
SELECT pg_temp.calls(0);
SELECT pg_temp.calls('pg_class');
SELECT pg_temp.calls('t_stranger.order_line');
SELECT pg_temp.calls('t_stranger_real.book');

-- The real book is as it was, and works.
RESET ROLE;
SELECT on_hand, backordered FROM t_stranger_real.stock;
SELECT count(*) FROM t_stranger_real.movement;
INSERT INTO t_stranger_real.receipt (item, qty) VALUES ('A', 3) RETURNING qty_to_backorders, qty_to_stock;
SELECT count(*) FROM t_stranger_real.verify();

SET client_min_messages = warning;
DROP SCHEMA t_stranger_real CASCADE;
DROP SCHEMA IF EXISTS t_stranger CASCADE;
DISCARD TEMP;
DO $$BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM regress_bko_stranger', current_database()); END$$;
DROP ROLE regress_bko_stranger;
