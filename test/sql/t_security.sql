-- The engine works with the rights of the tables' owner: a role that may only order
-- can order and nothing else, and nobody slips own code or own tables under it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
DROP ROLE IF EXISTS regress_bko_owner, regress_bko_app, regress_bko_dock;
CREATE ROLE regress_bko_owner;
CREATE ROLE regress_bko_app;
CREATE ROLE regress_bko_dock;
GRANT regress_bko_app TO regress_bko_dock;
DO $$BEGIN EXECUTE format('GRANT CREATE, TEMP ON DATABASE %I TO regress_bko_owner, regress_bko_app', current_database()); END$$;
SET ROLE regress_bko_owner;
SELECT bko.create_book('t_security');
RESET client_min_messages;
\set VERBOSITY terse
GRANT USAGE ON SCHEMA t_security TO regress_bko_app, regress_bko_dock;
GRANT SELECT, INSERT ON t_security.order_line TO regress_bko_app;
GRANT SELECT, INSERT ON t_security.receipt TO regress_bko_dock;
INSERT INTO t_security.stock (item, on_hand, ships_at_once) VALUES ('A', 10, true), ('B', 5, false), ('C', 0, true);
INSERT INTO t_security.supply (supply_ref, item, qty_expected, expected_on) VALUES ('P', 'A', 100, '2030-01-01');

-- The app orders, by every way in; the stock, which it can't even read, follows.
SET ROLE regress_bko_app;
INSERT INTO t_security.order_line (item, qty_ordered) VALUES ('A', 4), ('B', 6) RETURNING qty_shipped, qty_allocated, qty_backordered;
COPY t_security.order_line (item, qty_ordered) FROM stdin;
A	2
\.
INSERT INTO t_security.order_line (line_id, item, qty_ordered) VALUES (1, 'A', 9) ON CONFLICT DO NOTHING;
\set VERBOSITY sqlstate
SELECT on_hand FROM t_security.stock;
SELECT * FROM t_security.movement;
SELECT * FROM t_security.supply;
SELECT * FROM t_security.receipt;
SELECT * FROM t_security.book;
UPDATE t_security.stock SET on_hand = 99;
UPDATE t_security.order_line SET qty_ordered = 1;
UPDATE t_security.order_line SET qty_shipped = 1;
DELETE FROM t_security.order_line;
TRUNCATE t_security.order_line;
INSERT INTO t_security.stock (item, on_hand) VALUES ('X', 1);
INSERT INTO t_security.receipt (item, qty) VALUES ('A', 1);
INSERT INTO t_security.movement (at, kind, item, location, qty, by_role) VALUES (now(), 'adjust', 'A', 'main', 1, 'x');
INSERT INTO t_security.order_line (item, qty_ordered) VALUES ('A', 1) ON CONFLICT (line_id, item) DO UPDATE SET qty_ordered = 1;
MERGE INTO t_security.order_line l USING (SELECT 1) v ON l.item = 'A' WHEN MATCHED THEN DELETE;
-- Functions do no more than the tables let it.
SELECT * FROM t_security.receive('A', 1);
SELECT * FROM t_security.verify();
SELECT bko.upgrade_book('t_security');
SELECT bko.create_book('t_security');
SELECT bko.line_insert_row();
SELECT bko.append_only();
\set VERBOSITY terse
-- The dock may receive, and its receipts fill lines that it could not update.
SET ROLE regress_bko_dock;
INSERT INTO t_security.receipt (item, qty) VALUES ('B', 3) RETURNING qty_to_backorders, qty_to_stock;
-- Who did it: the journal names the role that acted, not the owner, and through a
-- SECURITY DEFINER function of the owner's the one who called it.
SET ROLE regress_bko_owner;
CREATE FUNCTION t_security.order_for_me() RETURNS void LANGUAGE sql SECURITY DEFINER
AS $$INSERT INTO t_security.order_line (order_ref, item, qty_ordered) VALUES ('definer', 'C', 1)$$;
SET ROLE regress_bko_app;
SELECT t_security.order_for_me();
SET ROLE regress_bko_owner;
SELECT kind, item, qty, by_role FROM t_security.movement ORDER BY movement_id;
SELECT count(*) FROM t_security.verify();

-- Row level security, forced on the owner too, hides rows from users; the engine sees
-- them all: the receipt fills the app's line although the policy shows it to nobody else.
CREATE POLICY own ON t_security.order_line USING (order_ref = current_user) WITH CHECK (true);
CREATE POLICY none ON t_security.stock USING (false) WITH CHECK (true);
ALTER TABLE t_security.order_line ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE t_security.stock ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SET ROLE regress_bko_app;
INSERT INTO t_security.order_line (order_ref, item, qty_ordered) VALUES ('regress_bko_app', 'C', 2);
SELECT order_ref, item, qty_backordered FROM t_security.order_line;
SET ROLE regress_bko_dock;
INSERT INTO t_security.receipt (item, qty) VALUES ('C', 5) RETURNING qty_to_backorders, qty_to_stock;
SET ROLE regress_bko_owner;
ALTER TABLE t_security.order_line NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
ALTER TABLE t_security.stock NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
SELECT item, on_hand, allocated, backordered FROM t_security.stock ORDER BY item;
SELECT count(*) FROM t_security.verify();

-- search_path. Everything that the engine's statements could find by an unqualified
-- name lies as a trap in a schema of the app's, first in its search_path, even before
-- pg_catalog: operators, functions, types, tables. What falls in is told with the
-- rights that it had then.
SET ROLE regress_bko_app;
CREATE SCHEMA t_security_evil;
CREATE TABLE t_security_evil.fallen (what text, who text);
GRANT USAGE ON SCHEMA t_security_evil TO PUBLIC;
GRANT INSERT ON t_security_evil.fallen TO PUBLIC;
CREATE FUNCTION t_security_evil.tell(what text) RETURNS boolean LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO t_security_evil.fallen VALUES (what, CASE WHEN current_user = 'regress_bko_app' THEN 'himself' ELSE 'AS ' || current_user END);
    RETURN true;
END$$;
DO $$
DECLARE
    t text;
    op text;
BEGIN
    FOREACH t IN ARRAY ARRAY['text', 'numeric', 'int8', 'int4', 'bool', 'timestamptz', 'date'] LOOP
        EXECUTE format('CREATE FUNCTION t_security_evil.compare(pg_catalog.%1$s, pg_catalog.%1$s) RETURNS boolean LANGUAGE sql AS $f$SELECT t_security_evil.tell(%2$L)$f$', t, 'operator of ' || t);
        EXECUTE format('CREATE FUNCTION t_security_evil.first(pg_catalog.%1$s, pg_catalog.%1$s) RETURNS pg_catalog.%1$s LANGUAGE sql AS $f$SELECT $1 WHERE t_security_evil.tell(%2$L)$f$', t, 'operator of ' || t);
        FOREACH op IN ARRAY ARRAY['=', '<>', '<', '>', '<=', '>='] LOOP
            EXECUTE format('CREATE OPERATOR t_security_evil.%1$s (LEFTARG = pg_catalog.%2$s, RIGHTARG = pg_catalog.%2$s, FUNCTION = t_security_evil.compare)', op, t);
        END LOOP;
        FOREACH op IN ARRAY ARRAY['+', '-', '*', '||'] LOOP
            EXECUTE format('CREATE OPERATOR t_security_evil.%1$s (LEFTARG = pg_catalog.%2$s, RIGHTARG = pg_catalog.%2$s, FUNCTION = t_security_evil.first)', op, t);
        END LOOP;
    END LOOP;
    CREATE FUNCTION t_security_evil.trim_scale(pg_catalog.numeric) RETURNS pg_catalog.numeric LANGUAGE sql AS $f$SELECT $1 WHERE t_security_evil.tell('trim_scale')$f$;
    CREATE FUNCTION t_security_evil.unnest(anyarray) RETURNS SETOF anyelement LANGUAGE sql AS $f$SELECT $1[1] WHERE t_security_evil.tell('unnest')$f$;
    CREATE FUNCTION t_security_evil.now() RETURNS pg_catalog.timestamptz LANGUAGE sql AS $f$SELECT pg_catalog.now() WHERE t_security_evil.tell('now')$f$;
END$$;
-- Types: in that schema, and temporary ones, which are looked for before all others.
DO $$
DECLARE
    place text;
    t text[];
BEGIN
    FOREACH place IN ARRAY ARRAY['t_security_evil', 'pg_temp'] LOOP
        FOREACH t SLICE 1 IN ARRAY ARRAY[['date', 'date'], ['text', 'text'], ['numeric', 'numeric'], ['bigint', 'int8'], ['int8', 'int8'], ['integer', 'int4'], ['int4', 'int4'],
                                         ['boolean', 'bool'], ['bool', 'bool'], ['timestamptz', 'timestamptz'], ['name', 'name']] LOOP
            EXECUTE format('CREATE DOMAIN %s.%I AS pg_catalog.%s CHECK (t_security_evil.tell(%L))', place, t[1], t[2], 'type ' || t[1] || ' in ' || place);
        END LOOP;
        FOREACH t SLICE 1 IN ARRAY ARRAY[['stock'], ['order_line'], ['receipt'], ['supply'], ['movement'], ['book']] LOOP
            EXECUTE format('CREATE TABLE %s.%I (a pg_catalog.int4)', place, t[1]);
            EXECUTE format('GRANT ALL ON %s.%I TO PUBLIC', place, t[1]);
        END LOOP;
    END LOOP;
END$$;
SET search_path = t_security_evil, pg_catalog;
-- One item, several items (other statements are kept for that), rows dropped, supply.
INSERT INTO t_security.order_line (item, qty_ordered) VALUES ('A', 5);
INSERT INTO t_security.order_line (item, qty_ordered) VALUES ('A', 1), ('B', 1), ('C', 1);
INSERT INTO t_security.order_line (line_id, item, qty_ordered) VALUES (1, 'A', 9), (901, 'A', 1), (901, 'A', 1), (902, 'A', 2) ON CONFLICT DO NOTHING;
SET ROLE regress_bko_dock;
INSERT INTO t_security.receipt (item, qty) VALUES ('A', 1), ('C', 1), ('A', 2);
INSERT INTO t_security.receipt (item, qty, supply_ref) VALUES ('A', 3, 'P'), ('A', 1, 'P');
SELECT count(line_id) AS filled FROM t_security.receive('A', 1, supply_ref => 'P');
SET ROLE regress_bko_owner;
UPDATE t_security.stock SET on_hand = 1 WHERE item OPERATOR(pg_catalog.=) 'B';
DELETE FROM t_security.order_line WHERE item OPERATOR(pg_catalog.=) 'B';
INSERT INTO t_security.supply (supply_ref, item, qty_expected) VALUES ('Q', 'A', 1);
-- The functions: 5 of S; 4 are held for line 951, 951 ships 3 of them, takes 1 back, is
-- cancelled for the last; 7 are counted, an order of 9 for S leaves 2 waiting.
INSERT INTO t_security.stock (item, on_hand, ships_at_once) VALUES ('S', 5, false);
INSERT INTO t_security.order_line (line_id, item, qty_ordered) VALUES (951, 'S', 4);
DO $$
BEGIN
    PERFORM t_security.ship(951, 3);
    PERFORM t_security.return_goods(951, 1);
    PERFORM t_security.cancel(951, 1, 'no longer wanted');
    PERFORM t_security.count_stock('S', 7);
    PERFORM t_security.place_order('SO', '[{"item": "S", "qty_ordered": 9}]');
    PERFORM t_security.preview('S', 5);
    PERFORM t_security.explain(951);
    INSERT INTO t_security.receipt (receipt_id, item, qty, supply_ref) VALUES (951, 'A', 2, 'P');
    PERFORM t_security.reverse_receipt(951, 1);
    PERFORM t_security.rebuild('S');
END$$;
SELECT on_hand, allocated, backordered FROM t_security.stock WHERE item OPERATOR(pg_catalog.=) 'S';
SELECT count(rule) FROM t_security.verify();
SELECT count(line_id) >= 0 AS read FROM t_security.open_backorder;
-- A book made under that search_path is a book like others.
SELECT bko.create_book('t_security_2');
INSERT INTO t_security_2.stock (item, on_hand) VALUES ('A', 3);
INSERT INTO t_security_2.order_line (item, qty_ordered) VALUES ('A', 5) RETURNING qty_shipped, qty_backordered;
SELECT count(rule) FROM t_security_2.verify();
RESET search_path;
RESET ROLE;
SELECT t.what, t.who, pg_catalog.count(*) FROM t_security_evil.fallen t GROUP BY t.what, t.who ORDER BY t.what, t.who;
DISCARD TEMP;

-- Somebody who may create tables in the book's schema gets no more rights by putting
-- bko's triggers on them: a statement of his own inside of one on the book's table,
-- whose goods he would like to have. Whatever happens to the statement, the stock stays
-- what it was (10 of Z, or 9 when the first row of the statement goes in).
GRANT CREATE ON SCHEMA t_security TO regress_bko_app;
INSERT INTO t_security.stock (item, on_hand) VALUES ('Z', 10);
SET ROLE regress_bko_app;
CREATE TABLE t_security.foo (LIKE t_security.order_line);
CREATE TRIGGER d AFTER INSERT ON t_security.foo REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION bko.line_insert_done();
CREATE TABLE t_security.foo2 (LIKE t_security.order_line);
CREATE TRIGGER d BEFORE INSERT ON t_security.foo2 FOR EACH STATEMENT EXECUTE FUNCTION bko.frame_open('order_line');
CREATE FUNCTION t_security_evil.slip_in(i integer) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF i = 2 THEN
        INSERT INTO t_security.foo (line_id, demand, item, location, priority, ship_policy, qty_ordered, ordered_at, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at)
        VALUES (77, 'customer', 'Z', 'main', 1, 'partial', 1, now(), -1000, 0, 0, 0, 0, 0, now());
        INSERT INTO t_security.foo2 SELECT * FROM t_security.foo WHERE false;
    END IF;
    RETURN i < 2;
END$$;
DO $$
BEGIN
    INSERT INTO t_security.order_line (item, qty_ordered) SELECT 'Z', 1 FROM generate_series(1, 2) i WHERE t_security_evil.slip_in(i);
EXCEPTION WHEN OTHERS THEN NULL;
END$$;
RESET ROLE;
SELECT on_hand IN (9, 10) AS untouched FROM t_security.stock WHERE item = 'Z';
SELECT count(*) AS forged FROM t_security.movement WHERE line_id = 77;
SELECT count(*) FROM t_security.verify();

SET client_min_messages = warning;
DROP SCHEMA t_security CASCADE;
DROP SCHEMA t_security_2 CASCADE;
DROP SCHEMA t_security_evil CASCADE;
DO $$BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM regress_bko_owner, regress_bko_app', current_database()); END$$;
DROP ROLE regress_bko_owner, regress_bko_app, regress_bko_dock;
