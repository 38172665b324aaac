-- attach_orders(): types of keys and columns, names in need of quotes, columns and
-- tables that are renamed, dropped, altered, generated, partitioned.
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_attach_types');
CREATE SCHEMA t_attach_app;
SET search_path = t_attach_app, t_attach_types;
CREATE FUNCTION fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; hint text; state text;
BEGIN
    EXECUTE q;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || message || CASE WHEN hint = '' THEN ' (no hint)' ELSE '' END;
END $$;

-- A key of each type, two values of each. Of 3, the first gets 2/0, the second 1/2;
-- then 1 comes: 2/1; the second becomes one of 2: 2/0; verify() knows the rows.
CREATE FUNCTION try_key(type text, one text, two text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r record; said text := '';
BEGIN
    EXECUTE format('CREATE TABLE t_attach_app.k (k %s PRIMARY KEY, item text, n int, done int, open int)', type);
    INSERT INTO t_attach_types.stock (item, on_hand) VALUES (type, 3);
    PERFORM t_attach_types.attach_orders('t_attach_app.k', item => 'item', qty => 'n', shipped => 'done', backordered => 'open');
    EXECUTE format('INSERT INTO t_attach_app.k VALUES (%L, %L, 2), (%L, %2$L, 3)', one, type, two);
    INSERT INTO t_attach_types.receipt (item, qty) VALUES (type, 1);
    EXECUTE format('SELECT done, open FROM t_attach_app.k WHERE k = %L', two) INTO r;
    said := r.done || '/' || r.open;
    EXECUTE format('UPDATE t_attach_app.k SET n = 2 WHERE k = %L RETURNING done, open', two) INTO r;
    said := said || ' ' || r.done || '/' || r.open || ' ' || (SELECT string_agg(attached_key::text, ' ' ORDER BY line_id) FROM t_attach_types.order_line l WHERE l.item = type);
    said := said || coalesce((SELECT string_agg(detail, '; ') FROM t_attach_types.verify()), '');
    PERFORM t_attach_types.detach('t_attach_app.k');
    DROP TABLE t_attach_app.k;
    RETURN said;
END $$;
SELECT type, try_key(type, one, two) FROM (VALUES
    ('smallint', '-1', '2'), ('int', '1', '10'), ('bigint', '10000000000', '1'), ('numeric', '1.50', '1.5000001'), ('numeric(8,2)', '1.5', '2'),
    ('real', '0.1', '1234567'), ('double precision', '0.3', '1e300'), ('boolean', 'true', 'false'),
    ('uuid', '11111111-1111-1111-1111-111111111111', '11111111-1111-1111-1111-111111111112'),
    ('text', 'a,"{}\b', 'NULL'), ('varchar(9)', ' x', 'x '), ('char(6)', 'a', 'ab'), ('"char"', 'a', 'b'), ('name', 'A b', ''),
    ('date', '2026-02-01', '2026-01-02'), ('timestamp', '2026-02-01 13:00', '2026-01-02 00:00:00.000001'),
    ('timestamptz', '2026-02-01 13:00+00', '2026-01-02'), ('interval', '-1 day 2 hours', '1 mon'), ('time', '13:00', '14:00'),
    ('inet', '10.0.0.1', '10.0.0.0/8'), ('bytea', '\x01', '\x5c22'), ('int[]', '{1,2}', '{}'), ('jsonb', '{"a": 1}', '[]'), ('int4range', '[1,3)', 'empty')) v (type, one, two);

-- The text of a key doesn't depend on the session's settings. 2 of T; the first two
-- rows go in under one setting, the others under another; 4 more come.
CREATE TABLE times (d date, at timestamptz, i interval, f double precision, item text, n int, done int, open int, PRIMARY KEY (d, at, i, f));
INSERT INTO stock (item, on_hand) VALUES ('T', 2);
SELECT attach_orders('times', item => 'item', qty => 'n', shipped => 'done', backordered => 'open', ordered_at => 'at', requested_on => 'd');
SET DateStyle = 'German'; SET TimeZone = 'Asia/Tokyo'; SET IntervalStyle = 'sql_standard'; SET extra_float_digits = 0;
INSERT INTO times VALUES (DATE '2026-02-01', TIMESTAMPTZ '2026-02-01 12:00+00', INTERVAL '-1' DAY, 0.1::float8 + 0.2, 'T', 2) RETURNING *;
INSERT INTO times VALUES (DATE '2026-01-02', TIMESTAMPTZ '2026-01-02 12:00+00', INTERVAL '26' HOUR, 1e-7, 'T', 2) RETURNING done, open;
SET DateStyle = 'SQL, MDY'; SET TimeZone = 'America/New_York'; SET IntervalStyle = 'iso_8601'; SET extra_float_digits = 3;
INSERT INTO times VALUES (DATE '2026-03-04', TIMESTAMPTZ '2026-03-04 12:00+00', INTERVAL '1' MONTH, 3, 'T', 3) RETURNING done, open;
INSERT INTO receipt (item, qty) VALUES ('T', 4);
SELECT done, open FROM times ORDER BY d;
RESET DateStyle; SET TimeZone = 'UTC';
UPDATE times SET n = n + 1, f = f + 1 RETURNING d, done, open;
SELECT attached_key, requested_on = (attached_key)[1]::date AS day, ordered_at = (attached_key)[2]::timestamptz AS at FROM order_line WHERE item = 'T' ORDER BY line_id;
RESET TimeZone; RESET IntervalStyle; RESET extra_float_digits;
SELECT * FROM verify();

-- Columns. Quantities of each type, shown in each type; more than 6 digits of a real.
CREATE FUNCTION try_column(type text, q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
    EXECUTE format('CREATE TABLE t_attach_app.q (k int PRIMARY KEY, item text, n %s, done %1$s, open %1$s)', type);
    INSERT INTO t_attach_types.stock (item, on_hand) VALUES (type || q, 1);
    PERFORM t_attach_types.attach_orders('t_attach_app.q', item => 'item', qty => 'n', shipped => 'done', backordered => 'open');
    EXECUTE format('INSERT INTO t_attach_app.q VALUES (1, %L, %L) RETURNING n, done, open, (SELECT qty_ordered FROM t_attach_types.order_line l WHERE l.item = q.item) AS ordered', type || q, q) INTO r;
    INSERT INTO t_attach_types.receipt (item, qty) VALUES (type || q, 1);
    RETURN r.n || ' ' || r.done || '/' || r.open || (SELECT format(' %s: %s/%s', qty_ordered, qty_shipped, qty_backordered) FROM t_attach_types.order_line l WHERE l.item = type || q)
           || coalesce((SELECT string_agg(detail, '; ') FROM t_attach_types.verify()), '') || coalesce(t_attach_types.detach('t_attach_app.q')::text, '');
END $$;
SELECT type, try_column(type, q), fails('DROP TABLE t_attach_app.q') FROM (VALUES
    ('smallint', '3'), ('int', '3'), ('bigint', '999999999999'), ('numeric', '3.000001'), ('numeric(6,2)', '3.5'), ('real', '3.1'), ('real', '1234567'), ('double precision', '1234567.123456')) v (type, q);
SET extra_float_digits = 0;
SELECT try_column('real', '2345678'), fails('DROP TABLE t_attach_app.q');
RESET extra_float_digits;

-- Items of other types, their text as PostgreSQL prints it; char(n) without its blanks.
CREATE TABLE i4 (k int PRIMARY KEY, item int, n int, open int);
CREATE TABLE iu (k int PRIMARY KEY, item uuid, n int, open int);
CREATE TABLE ic (k int PRIMARY KEY, item char(8), n int, open int);
SELECT attach_orders('i4', item => 'item', qty => 'n', backordered => 'open'), attach_orders('iu', item => 'item', qty => 'n', backordered => 'open'),
       attach_orders('ic', item => 'item', qty => 'n', backordered => 'open');
INSERT INTO stock (item, on_hand) VALUES ('42', 1), ('6ecd8c99-4036-403d-bf84-cf8400f67836', 1), ('ABC', 1);
INSERT INTO i4 VALUES (1, 42, 2) RETURNING open;
INSERT INTO iu VALUES (1, '6ECD8C99-4036-403D-BF84-CF8400F67836', 2) RETURNING open;
INSERT INTO ic VALUES (1, 'ABC', 2) RETURNING open;
SELECT item, qty_ordered, qty_backordered FROM order_line WHERE attached_key = '{1}' AND qty_backordered = 1 AND item IN ('42', 'ABC', '6ecd8c99-4036-403d-bf84-cf8400f67836') ORDER BY item;
SELECT * FROM verify();
-- NaN, infinity, too much
CREATE TABLE fl (k int PRIMARY KEY, item text, n double precision);
SELECT attach_orders('fl', item => 'item', qty => 'n');
SELECT q, fails(format('INSERT INTO fl VALUES (1, ''T'', %L)', q)) FROM unnest(ARRAY['NaN', 'Infinity', '-Infinity', '1e12', '0.0000001', '1e300']) q;
-- 4.35 * 100 is 434.99999999999994 in binary, 40 - 39.911209 is 0.0887910000000005: 435 and 0.088791
INSERT INTO fl VALUES (1, 'T', 4.35::float8 * 100), (2, 'T', 40::float8 - 39.911209);
SELECT qty_ordered FROM order_line WHERE item = 'T' AND attached_key IN ('{1}', '{2}') AND qty_ordered IN (435, 0.088791) ORDER BY 1;
SELECT * FROM verify();
-- domains
CREATE DOMAIN quantity AS int CHECK (VALUE > 0);
CREATE DOMAIN sku AS varchar(20);
CREATE TABLE dom (k sku PRIMARY KEY, item sku, n quantity, done int);
SELECT attach_orders('dom', item => 'item', qty => 'n', shipped => 'done');
INSERT INTO dom VALUES ('D', 'T', 2) RETURNING done;
SELECT * FROM verify();

-- Names in need of quotes, everywhere.
SELECT bko.create_book('t_attach "B"');
CREATE SCHEMA "t_attach A'p""p";
CREATE TABLE "t_attach A'p""p"."Order Lines" ("Id, no" int, "key" text, "Item's" text, "Q""ty" int, "Shipped" int, "select" int, "Where?" text, PRIMARY KEY ("Id, no", "key"));
SELECT "t_attach ""B""".attach_orders('"t_attach A''p""p"."Order Lines"', item => 'Item''s', qty => 'Q"ty', key => ARRAY['Id, no', 'key'], shipped => 'Shipped', backordered => 'select', location => 'Where?');
INSERT INTO "t_attach ""B""".stock (item, location, on_hand) VALUES ('It''s "A"', 'o''er "there"', 1), ('It''s "A"', 'main', 1);
INSERT INTO "t_attach A'p""p"."Order Lines" VALUES (1, 'k', 'It''s "A"', 2, NULL, NULL, 'o''er "there"'), (1, 'l', 'It''s "A"', 2, NULL, NULL, NULL) RETURNING *;
INSERT INTO "t_attach ""B""".receipt (item, location, qty) VALUES ('It''s "A"', 'o''er "there"', 1);
UPDATE "t_attach A'p""p"."Order Lines" SET "Where?" = 'main' WHERE "key" = 'l';
UPDATE "t_attach A'p""p"."Order Lines" SET "Q""ty" = 3 RETURNING "key", "Shipped", "select";
SELECT relation, columns, breaks FROM "t_attach ""B""".attachment;
SELECT * FROM "t_attach ""B""".verify();
SELECT "t_attach ""B""".detach('"t_attach A''p""p"."Order Lines"');
DROP SCHEMA "t_attach A'p""p" CASCADE;
DROP SCHEMA "t_attach ""B""" CASCADE;

-- Generated columns follow; dropped columns before and after; one computed from what
-- bko shows. 5 of R: 3/0, 2/2.
CREATE TABLE shape (gone1 int, id int GENERATED BY DEFAULT AS IDENTITY, gone2 text, sku text, qty int DEFAULT 4, done int, gone3 int, open int,
                    left_over int GENERATED ALWAYS AS (qty - done) STORED, worth numeric GENERATED ALWAYS AS (done * 2.5) STORED, PRIMARY KEY (id));
ALTER TABLE shape DROP COLUMN gone1, DROP COLUMN gone2;
INSERT INTO stock (item, on_hand) VALUES ('R', 5);
SELECT attach_orders('shape', item => 'sku', qty => 'qty', shipped => 'done', backordered => 'open');
ALTER TABLE shape DROP COLUMN gone3;
ALTER TABLE shape ADD COLUMN added text DEFAULT 'new';
INSERT INTO shape (sku, qty) VALUES ('R', 3) RETURNING *;
INSERT INTO shape (sku) VALUES ('R') RETURNING *;
INSERT INTO receipt (item, qty) VALUES ('R', 1);
SELECT * FROM shape ORDER BY id;
-- renamed: columns, table, its schema, the book
ALTER TABLE shape RENAME COLUMN done TO shipped_now;
ALTER TABLE shape RENAME COLUMN sku TO article;
ALTER TABLE shape RENAME TO formed;
UPDATE formed SET qty = 5 WHERE id = 2 RETURNING shipped_now, open, left_over;
INSERT INTO receipt (item, qty) VALUES ('R', 1);
ALTER SCHEMA t_attach_app RENAME TO t_attach_app2;
ALTER SCHEMA t_attach_types RENAME TO t_attach_types2;
SET search_path = t_attach_app2, t_attach_types2;
INSERT INTO receipt (item, qty) VALUES ('R', 1);
INSERT INTO formed (article, qty) VALUES ('R', 1) RETURNING id, open;
DELETE FROM formed WHERE id = 3;
SELECT * FROM formed ORDER BY id;
SELECT relation, columns, breaks FROM attachment WHERE relation = 'formed'::regclass;
SELECT * FROM verify();
ALTER SCHEMA t_attach_app2 RENAME TO t_attach_app;
ALTER SCHEMA t_attach_types2 RENAME TO t_attach_types;
SET search_path = t_attach_app, t_attach_types;
-- The type of a mapped column is altered, or it is dropped, when the table is detached.
SELECT fails('ALTER TABLE formed ALTER COLUMN open TYPE bigint'), fails('ALTER TABLE formed DROP COLUMN open');
BEGIN;
SELECT detach('formed');
ALTER TABLE formed DROP COLUMN left_over;
ALTER TABLE formed ALTER COLUMN qty TYPE numeric, ALTER COLUMN id TYPE bigint;
SELECT attach_orders('formed', item => 'article', qty => 'qty', shipped => 'shipped_now', backordered => 'open');
INSERT INTO receipt (item, qty) VALUES ('R', 1);
SELECT * FROM formed ORDER BY id;
SELECT * FROM verify();
ROLLBACK;
-- by CASCADE the mapping goes with it: everything fails clearly until it is detached
BEGIN;
ALTER TABLE formed DROP COLUMN open CASCADE;
SELECT fails('INSERT INTO formed (article) VALUES (''R'')'), fails('UPDATE formed SET qty = 6 WHERE id = 2');
SELECT rule, detail FROM verify();
SELECT detach('formed');
SELECT attach_orders('formed', item => 'article', qty => 'qty', shipped => 'shipped_now');
INSERT INTO receipt (item, qty) VALUES ('R', 1);
SELECT * FROM formed ORDER BY id;
SELECT * FROM verify();
ROLLBACK;
SELECT * FROM verify();

-- A key that may be deferred: rows exchange theirs. 2 of S: 1/0, 1/2.
CREATE TABLE places (ref int, pos int, item text, n int, open int, PRIMARY KEY (ref, pos) DEFERRABLE);
INSERT INTO stock (item, on_hand) VALUES ('S', 2);
SELECT attach_orders('places', item => 'item', qty => 'n', backordered => 'open', line_no => 'pos');
INSERT INTO places VALUES (1, 1, 'S', 1), (1, 2, 'S', 3), (1, 3, 'S', 1);
UPDATE places SET pos = 4 - pos;
INSERT INTO receipt (item, qty) VALUES ('S', 2);
SELECT pos, n, open FROM places ORDER BY pos;
SELECT line_no, attached_key, qty_backordered FROM order_line WHERE item = 'S' ORDER BY line_id;
-- one goes, another takes its key
MERGE INTO places p USING (VALUES (1, 0), (2, 1)) v (pos, new) ON p.pos = v.pos WHEN MATCHED AND v.new = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET pos = v.new;
SELECT pos, n, open FROM places ORDER BY pos;
SELECT * FROM verify();
-- a unique index as key, of two
CREATE TABLE uniq (id int PRIMARY KEY, code text NOT NULL UNIQUE, item text, n int, open int);
SELECT attach_orders('uniq', item => 'item', qty => 'n', key => ' code ', backordered => 'open');
INSERT INTO uniq VALUES (1, 'a', 'S', 1) RETURNING open;
UPDATE uniq SET id = 2;
SELECT attached_key FROM order_line WHERE attached_key = '{a}';
SELECT * FROM verify();

-- Foreign keys of the application: what goes or changes by CASCADE.
CREATE TABLE head (h int PRIMARY KEY, customer text);
CREATE TABLE detail (h int REFERENCES head ON DELETE CASCADE ON UPDATE CASCADE, item text, n smallint, open smallint, PRIMARY KEY (h, item));
SELECT attach_orders('detail', item => 'item', qty => 'n', order_ref => 'h', backordered => 'open');
INSERT INTO stock (item, on_hand) VALUES ('U', 0), ('V', 0);
INSERT INTO head VALUES (1), (2);
INSERT INTO detail VALUES (1, 'U', 2), (1, 'V', 3), (2, 'U', 4);
UPDATE head SET h = 9 WHERE h = 1;
SELECT order_ref, attached_key FROM order_line WHERE item IN ('U', 'V') ORDER BY line_id;
DELETE FROM head WHERE h = 9;
INSERT INTO receipt (item, qty) VALUES ('U', 1);
SELECT h, item, open FROM detail;
SELECT fails('DELETE FROM head WHERE h = 2');
-- several at once, which is one statement on the table of details
INSERT INTO head VALUES (3), (4);
INSERT INTO detail VALUES (3, 'U', 1), (4, 'U', 1), (4, 'V', 1);
UPDATE head SET h = h + 10 WHERE h > 2;
SELECT order_ref, attached_key FROM order_line WHERE item IN ('U', 'V') ORDER BY line_id;
DELETE FROM head WHERE h > 2;
SELECT h, item, open FROM detail;
SELECT * FROM verify();

-- Partitioned, the columns of one partition in another order. 2 of W go to the first: 2/0.5.
CREATE TABLE parts (junk int, region text, id int, sku text, n numeric(10,2), done numeric(10,2), open numeric(10,2), PRIMARY KEY (region, id)) PARTITION BY LIST (region);
ALTER TABLE parts DROP COLUMN junk;
CREATE TABLE parts_e (open numeric(10,2), done numeric(10,2), n numeric(10,2), x int, sku text, id int NOT NULL, region text NOT NULL);
ALTER TABLE parts_e DROP COLUMN x;
CREATE TABLE parts_w PARTITION OF parts FOR VALUES IN ('w');
INSERT INTO stock (item, on_hand) VALUES ('W', 2);
SELECT attach_orders('parts', item => 'sku', qty => 'n', customer => 'region', shipped => 'done', backordered => 'open');
ALTER TABLE parts ATTACH PARTITION parts_e FOR VALUES IN ('e');
INSERT INTO parts VALUES ('e', 1, 'W', 2.5), ('w', 2, 'W', 3), ('e', 3, 'W', 1) RETURNING *;
SELECT fails('INSERT INTO parts_e (region, id, sku, n) VALUES (''e'', 4, ''W'', 1)'), fails('UPDATE parts_w SET n = 3 WHERE id = 2'), fails('DELETE FROM parts_e WHERE id = 3');
-- 1 comes: 0.5 and 0.5
INSERT INTO receipt (item, qty) VALUES ('W', 1);
SELECT tableoid::regclass, * FROM parts ORDER BY id;
-- rows move: with another quantity too
UPDATE parts SET region = 'w', n = 4 WHERE id = 1 RETURNING *;
UPDATE parts SET region = CASE region WHEN 'e' THEN 'w' ELSE 'e' END WHERE id > 1 RETURNING *;
SELECT tableoid::regclass, * FROM parts ORDER BY id;
SELECT * FROM verify();
-- MERGE moves one, changes one, deletes one, inserts one
MERGE INTO parts p USING (VALUES (2, 'w', 1), (1, 'w', 5), (3, 'w', 5), (9, 'e', 2)) v (i, r, q) ON p.id = v.i
 WHEN MATCHED AND i = 3 THEN DELETE
 WHEN MATCHED THEN UPDATE SET region = r, n = n + q
 WHEN NOT MATCHED THEN INSERT (region, id, sku, n) VALUES (r, i, 'W', q);
SELECT tableoid::regclass, * FROM parts ORDER BY id;
SELECT customer, attached_key, qty_ordered, qty_shipped, qty_backordered FROM order_line WHERE item = 'W' ORDER BY line_id;
SELECT * FROM verify();
-- a trigger of a partition inserts another row of the table while one moves
CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id < 100 THEN INSERT INTO parts (region, id, sku, n) VALUES ('w', NEW.id + 100, 'W', 1); END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER follow BEFORE INSERT ON parts_w FOR EACH ROW EXECUTE FUNCTION follow();
UPDATE parts SET region = 'w' WHERE id = 9;
SELECT tableoid::regclass, * FROM parts ORDER BY id;
SELECT * FROM verify();
-- a partition leaves: its rows are no longer there, its lines are
ALTER TABLE parts DETACH PARTITION parts_e;
INSERT INTO parts_e (region, id, sku, n) VALUES ('e', 50, 'nothing', 0);
SELECT rows, kept, breaks FROM attachment WHERE relation = 'parts'::regclass;
SELECT detach('parts');
INSERT INTO parts (region, id, sku, n) VALUES ('w', 51, 'nothing', 0);
SELECT * FROM verify();

DROP SCHEMA t_attach_app CASCADE;
DROP SCHEMA t_attach_types CASCADE;
