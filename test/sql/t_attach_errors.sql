-- Bad input of attach_orders(), attach_stock(), attach_receipts() and detach(): SQLSTATE,
-- message and hint of each. Nothing is attached by any.
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_attach_errors');
CREATE SCHEMA t_attach_app;
SET search_path = t_attach_app, t_attach_errors;
CREATE FUNCTION fails(q text) RETURNS TABLE (state text, message text, detail text, hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE q;
    RAISE 'no error' USING ERRCODE = 'P0000';    -- and nothing of it stays
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN NEXT;
END $$;
CREATE TABLE lines (id int PRIMARY KEY, sku text, n int, done int, open int, opt int UNIQUE, code text NOT NULL, day date, half numeric, twice int GENERATED ALWAYS AS (n * 2) STORED, j jsonb, u uuid, flag boolean, t_done text);
CREATE UNIQUE INDEX ON lines (code) WHERE id > 0;
CREATE TABLE nokey (id int, sku text, n int);
CREATE TABLE genkey (a int, sku text, n int, id int GENERATED ALWAYS AS (a + 1) STORED PRIMARY KEY);
CREATE TABLE parts (id int PRIMARY KEY, sku text, n int) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (10);
CREATE TABLE goods (sku text PRIMARY KEY, place text, n int);
CREATE TABLE goods2 (id int PRIMARY KEY, sku text, place text, n int);
CREATE TABLE parent (LIKE nokey);
CREATE TABLE child () INHERITS (parent);
CREATE VIEW v AS SELECT * FROM lines;
CREATE MATERIALIZED VIEW mv AS SELECT * FROM nokey;
CREATE SEQUENCE seq;
CREATE TEMP TABLE temporary (id int PRIMARY KEY, sku text, n int);
CREATE FOREIGN DATA WRAPPER t_attach_wrapper;
CREATE SERVER t_attach_server FOREIGN DATA WRAPPER t_attach_wrapper;
CREATE FOREIGN TABLE far (id int, sku text, n int) SERVER t_attach_server;
CREATE TYPE pair AS (a int, b int);
\x on
-- what it is
SELECT f.* FROM unnest(ARRAY['v', 'mv', 'seq', 'far', 'temporary', 'parts_1', 'parent', 'pair', 'stock', 'order_line', 'attachment', 'pg_class', 'lines_pkey', 'no_such_table']) t, fails(format('SELECT attach_orders(%L, item => ''sku'', qty => ''n'')', t)) f;
SELECT f.* FROM fails('SELECT attach_orders(NULL, item => ''sku'', qty => ''n'')') f;
SELECT f.* FROM fails('SELECT detach(NULL)') f;
SELECT f.* FROM unnest(ARRAY['lines', 'v', 'stock']) t, fails(format('SELECT detach(%L)', t)) f;
-- columns: missing, misspelt, dropped, system, of the wrong type, generated, named twice, null
SELECT f.* FROM unnest(ARRAY['item => ''SKU'', qty => ''n''', 'item => ''sku'', qty => ''qty''', 'item => ''sku'', qty => ''ctid''', 'item => ''sku'', qty => ''''',
    'item => ''sku'', qty => ''twice''', 'item => ''sku'', qty => ''n'', shipped => ''twice''',
    'item => ''sku'', qty => ''flag''', 'item => ''sku'', qty => ''day''', 'item => ''sku'', qty => ''sku''', 'item => ''sku'', qty => ''n'', requested_on => ''n''', 'item => ''sku'', qty => ''n'', ordered_at => ''flag''',
    'item => ''sku'', qty => ''n'', shipped => ''t_done''', 'item => ''sku'', qty => ''n'', backordered => ''j''', 'item => ''sku'', qty => ''n'', priority => ''sku''', 'item => ''sku'', qty => ''n'', line_no => ''u''',
    'item => ''sku'', qty => ''n'', shipped => ''n''', 'item => ''sku'', qty => ''n'', shipped => ''done'', backordered => ''done''', 'item => ''sku'', qty => ''n'', shipped => ''id''', 'item => NULL, qty => ''n''', 'item => ''sku'', qty => NULL']) a, fails(format('SELECT attach_orders(''lines'', %s)', a)) f;
-- keys
SELECT f.* FROM fails('SELECT attach_orders(''nokey'', item => ''sku'', qty => ''n'')') f;
SELECT f.* FROM fails('SELECT attach_orders(''genkey'', item => ''sku'', qty => ''n'')') f;
SELECT f.* FROM unnest(ARRAY['''opt''', '''code''', '''id, sku''', '''''', '''id,''', '''no''', 'ARRAY[]::text[]', 'ARRAY[NULL]', 'ARRAY[''id'', ''id'']', '''twice''']) k, fails(format('SELECT attach_orders(''lines'', item => ''sku'', qty => ''n'', key => %s)', k)) f;
-- constants
SELECT f.* FROM unnest(ARRAY['[]', '3', '{"location": ["a"]}', '{"place": "x"}', '{"item": "x"}', '{"qty": 1}', '{"shipped": 1}', '{"priority": "high"}', '{"requested_on": "soon"}', '{"priority": 5000000000}', '{"demand": "none"}', '{"ship_policy": "never"}', '{"location": ""}']) c,
       fails(format('SELECT attach_orders(''lines'', item => ''sku'', qty => ''n'', constants => %L)', c)) f;
SELECT f.* FROM fails('SELECT attach_stock(''goods'', item => ''sku'', on_hand => ''n'', constants => ''{"priority": 3}'')') f;
SELECT f.* FROM fails('SELECT attach_receipts(''goods'', item => ''sku'', qty => ''n'', constants => ''{"customer": "x"}'')') f;
-- stock and receipts
SELECT f.* FROM unnest(ARRAY['''goods2'', item => ''sku'', on_hand => ''n''', '''goods2'', item => ''sku'', location => ''place'', on_hand => ''n''', '''goods'', item => ''sku'', on_hand => ''place''', '''goods'', item => ''no'', on_hand => ''n''', '''goods'', item => ''sku'', on_hand => ''sku''', '''v'', item => ''sku'', on_hand => ''n''']) a, fails(format('SELECT attach_stock(%s)', a)) f;
SELECT f.* FROM unnest(ARRAY['''goods2'', item => ''sku'', qty => ''place''', '''goods2'', item => ''sku'', qty => ''number''', '''lines'', item => ''sku'', qty => ''n'', unit_cost => ''flag''', '''far'', item => ''sku'', qty => ''n''']) a, fails(format('SELECT attach_receipts(%s)', a)) f;
INSERT INTO goods VALUES ('A', 'main', -1);
SELECT f.* FROM fails('SELECT attach_stock(''goods'', item => ''sku'', on_hand => ''n'')') f;
DELETE FROM goods;
-- triggers of the application that would have the last word
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER zzz BEFORE INSERT ON lines FOR EACH ROW EXECUTE FUNCTION nothing();
SELECT f.* FROM fails('SELECT attach_orders(''lines'', item => ''sku'', qty => ''n'')') f;
DROP TRIGGER zzz ON lines;
\x off
-- nothing of all this is left
SELECT count(*) FROM attachment;
SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = 't_attach_app'::regnamespace AND NOT tgisinternal;
SELECT count(*) FROM pg_trigger WHERE tgname = 'b_bko_push' AND tgrelid IN ('stock'::regclass, 'order_line'::regclass);
\x on
-- twice, as another kind
SELECT attach_orders('lines', item => 'sku', qty => 'n', shipped => 'done', backordered => 'open');
SELECT f.* FROM fails('SELECT attach_orders(''lines'', item => ''sku'', qty => ''n'')') f;
SELECT f.* FROM fails('SELECT attach_receipts(''lines'', item => ''sku'', qty => ''n'')') f;
-- a null key, and one that only the insertion gives
INSERT INTO stock (item, on_hand) VALUES ('A', 1);
SELECT f.* FROM fails('INSERT INTO lines (sku, n, code) VALUES (''A'', 1, ''c'')') f;
INSERT INTO lines (id, sku, n, code) VALUES (1, 'A', 2, 'c');
SELECT f.* FROM fails('UPDATE lines SET done = 2') f;
SELECT f.* FROM fails('UPDATE lines SET id = NULL') f;
SELECT f.* FROM fails('DELETE FROM lines') f;
SELECT f.* FROM fails('TRUNCATE lines') f;
-- a trigger made later that fires after ours
CREATE TRIGGER zzz BEFORE UPDATE OR DELETE ON lines FOR EACH ROW EXECUTE FUNCTION nothing();
SELECT f.* FROM fails('UPDATE lines SET n = 3') f;
DROP TRIGGER zzz ON lines;
-- disabled: what is missing is told apart
ALTER TABLE lines DISABLE TRIGGER a_bko_open;
SELECT f.* FROM fails('UPDATE lines SET n = 3') f;
ALTER TABLE lines ENABLE TRIGGER a_bko_open;
-- attached behind the book's back, under the number of another table
UPDATE attached SET relation = 'goods';
SELECT f.* FROM fails('UPDATE lines SET n = 3') f;
UPDATE attached SET relation = 'lines';
UPDATE lines SET n = 3 RETURNING done, open;
\x off
SELECT * FROM verify();
DROP SCHEMA t_attach_app CASCADE;
DROP SERVER t_attach_server CASCADE;
DROP FOREIGN DATA WRAPPER t_attach_wrapper CASCADE;
DROP SCHEMA t_attach_errors CASCADE;
