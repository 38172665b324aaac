-- Sourcing: an order line that names no location goes where a rule says, whole or
-- split over several locations. Numbers are worked out in the comments.
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE EXTENSION IF NOT EXISTS bko;
DROP ROLE IF EXISTS regress_bko_app;
CREATE ROLE regress_bko_app;
SELECT bko.create_book('t_sourcing');
SET search_path = t_sourcing;
-- The parts of an order, in the order in which they went in.
CREATE FUNCTION parts(ref text) RETURNS TABLE (item text, location text, ordered numeric, shipped numeric, allocated numeric, backordered numeric)
    LANGUAGE sql AS 'SELECT item, location, qty_ordered, qty_shipped, qty_allocated, qty_backordered FROM t_sourcing.order_line WHERE order_ref = ref ORDER BY line_id';
CREATE FUNCTION there(which text) RETURNS TABLE (location text, on_hand numeric, allocated numeric, backordered numeric)
    LANGUAGE sql AS 'SELECT location, on_hand, allocated, backordered FROM t_sourcing.stock WHERE item = which ORDER BY location';
CREATE FUNCTION fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; hint text; state text;
BEGIN
    EXECUTE q;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || message || CASE WHEN hint = '' THEN ' (no hint)' ELSE '' END;
END $$;

-- Rules: the list is one of names, none null, empty, too long or twice.
SELECT l, fails(format('INSERT INTO sourcing (item, locations) VALUES (''X'', %L)', l)) LIKE '%locations_named_and_distinct%' AS refused
  FROM unnest(ARRAY['{}', '{a,NULL}', '{a,b,a}', '{a,""}', '{{a,b}}', '[0:1]={a,b}']) l;
SELECT left(fails(format('INSERT INTO sourcing (item, locations) VALUES (''X'', ARRAY[''a'', repeat(''x'', %s)])', n)), 20) FROM (VALUES (1000), (1001)) v (n);
SELECT fails('INSERT INTO sourcing (item, locations) VALUES (''Y'', NULL)'), fails('INSERT INTO sourcing (item, locations) VALUES (NULL, ''{a}'')');
DELETE FROM sourcing;

-- No rule: main, as the default of the column.
INSERT INTO stock (item, location, on_hand) VALUES ('N', 'main', 3), ('M', 'east', 3);
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('N', 'N', NULL, 5) RETURNING location, qty_shipped, qty_backordered;
SELECT fails('INSERT INTO order_line (item, location, qty_ordered) VALUES (''M'', NULL, 1)');
SELECT fails('INSERT INTO order_line (item, location, qty_ordered) VALUES (NULL, NULL, 1)');

-- Whole. 5 in the south, 3 in main, 10 in the west; the north doesn't stock it.
INSERT INTO stock (item, location, on_hand) VALUES ('A', 'south', 5), ('A', 'main', 3), ('A', 'west', 10);
INSERT INTO sourcing (item, locations) VALUES ('A', '{north,main,south,west}');
-- 3 fit into main, which is then empty; 4 go to the south; 2 to the west, as 1 is left in the south.
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('A-1', 'A', NULL, 3), ('A-2', 'A', NULL, 4), ('A-3', 'A', NULL, 2)
RETURNING order_ref, location, qty_shipped, qty_backordered;
-- 9 are nowhere: main, the first that stocks it, is where all of it waits, though the west has 8.
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('A-4', 'A', NULL, 9) RETURNING location, qty_shipped, qty_backordered;
-- A line that names a location is none of the rule's.
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('A-5', 'A', 'main', 1) RETURNING location, qty_shipped, qty_backordered;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('A-6', 'A', 1) RETURNING location, qty_shipped, qty_backordered;
-- What is held takes nothing anywhere: the first location.
INSERT INTO order_line (order_ref, item, location, qty_ordered, held) VALUES ('A-7', 'A', NULL, 1, true) RETURNING location, qty_shipped, qty_backordered;
-- Goods come to main: the queue there is served, 9 of A-4 and 1 of A-5, and A-6.
INSERT INTO receipt (item, location, qty) VALUES ('A', 'main', 11) RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM there('A');
SELECT * FROM verify();

-- A rule for all items, and one for an item instead of it. No location stocks it: BK001.
INSERT INTO sourcing (item, locations) VALUES ('', '{east,main}');
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('M', 'M', NULL, 2) RETURNING location, qty_shipped;
SELECT fails('INSERT INTO order_line (item, location, qty_ordered) VALUES (''nothing'', NULL, 1)');
UPDATE sourcing SET locations = (SELECT array_agg('place ' || n ORDER BY n) FROM generate_series(1, 12) n) WHERE item = '';
SELECT fails('INSERT INTO order_line (item, location, qty_ordered) VALUES (''nothing'', NULL, 1)');
SELECT fails('INSERT INTO order_line (item, location, qty_ordered) VALUES ('''', NULL, 1)');
UPDATE sourcing SET locations = '{east,main}' WHERE item = '';

-- Split. 5 in main, 0 in the east, 4 in the south, 10 in the west; 12 ordered: 5 in
-- main, 4 in the south, 3 in the west, three lines of one order that are alike
-- otherwise. RETURNING shows the row's own part.
INSERT INTO stock (item, location, on_hand) VALUES ('B', 'main', 5), ('B', 'east', 0), ('B', 'south', 4), ('B', 'west', 10);
INSERT INTO sourcing (item, locations, split) VALUES ('B', '{main,east,south,west}', true);
INSERT INTO order_line (order_ref, line_no, demand, customer, item, location, priority, requested_on, unit_price, currency, payment_days, ordered_at, qty_ordered)
VALUES ('B-1', 7, 'internal', 'C', 'B', NULL, 5, '2030-01-02', 9.99, 'EUR', 14, '2020-01-01', 12)
RETURNING location, qty_ordered, qty_shipped, qty_backordered;
SELECT * FROM parts('B-1');
SELECT DISTINCT order_ref, line_no, demand, customer, item, priority, ship_policy, requested_on = '2030-01-02' AS day, unit_price, currency, payment_days, ordered_at = '2020-01-01' AS old, held, qty_returned, closed_at IS NOT NULL AS closed FROM order_line WHERE order_ref = 'B-1';
-- 7 in the west are left, 9 ordered: the row becomes the part in the west, and 2 wait
-- in main, the first.
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('B-2', 'B', NULL, 9) RETURNING location, qty_ordered, qty_shipped, qty_backordered;
SELECT * FROM parts('B-2');
-- Nobody has any: one line, in main.
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('B-3', 'B', NULL, 1) RETURNING location, qty_ordered, qty_shipped, qty_backordered;
SELECT * FROM there('B');
-- 4 come to main: 2 for B-2, 1 for B-3; of 6 ordered then 1 is there, 5 wait with it.
INSERT INTO receipt (item, qty) VALUES ('B', 4) RETURNING qty_to_backorders, qty_to_stock;
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('B-4', 'B', NULL, 6) RETURNING location, qty_ordered, qty_shipped, qty_backordered;
SELECT * FROM parts('B-4');
-- What doesn't ship at once stays allocated: 2 in the east, 3 ordered, 1 waits in main.
UPDATE stock SET ships_at_once = false, on_hand = 2 WHERE item = 'B' AND location = 'east';
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('B-5', 'B', NULL, 3) RETURNING location, qty_ordered, qty_shipped, qty_allocated, qty_backordered;
SELECT * FROM parts('B-5');
SELECT * FROM verify();

-- ship_policy: a line that ships together is not split, nor is an order of one line;
-- an order that ships as a whole is split, and leaves when every part is there.
INSERT INTO stock (item, location, on_hand) VALUES ('P', 'main', 2), ('P', 'east', 2);
INSERT INTO sourcing (item, locations, split) VALUES ('P', '{main,east}', true);
INSERT INTO order_line (order_ref, item, location, qty_ordered, ship_policy) VALUES ('P-1', 'P', NULL, 3, 'line') RETURNING location, qty_ordered, qty_allocated, qty_backordered;
DELETE FROM order_line WHERE order_ref = 'P-1';
INSERT INTO order_line (customer, item, location, qty_ordered, ship_policy) VALUES ('P-2', 'P', NULL, 3, 'order') RETURNING location, qty_ordered, qty_allocated, qty_backordered;
DELETE FROM order_line WHERE customer = 'P-2';
BEGIN;
INSERT INTO order_line (order_ref, item, location, qty_ordered, ship_policy) VALUES ('P-3', 'P', NULL, 3, 'order') RETURNING location, qty_ordered, qty_allocated, qty_backordered;
SELECT * FROM parts('P-3');
COMMIT;
SELECT * FROM parts('P-3');
-- 1 is left in the east; of 2 one waits in main, and nothing leaves before it is there.
INSERT INTO order_line (order_ref, item, location, qty_ordered, ship_policy) VALUES ('P-4', 'P', NULL, 2, 'order');
SELECT * FROM parts('P-4');
INSERT INTO receipt (item, qty) VALUES ('P', 1);
SELECT * FROM parts('P-4');
SELECT * FROM verify();

-- Steps. Main gives tens, the east threes, the west any quantity: 17 and 8 there, and
-- 4. Of 22: 10 in main; 6 of 12 in the east; 4 of 6 in the west; 2 are left, no multiple
-- of 10 or 3: they wait in the west, with its 4.
INSERT INTO stock (item, location, on_hand, qty_step) VALUES ('S', 'main', 17, 10), ('S', 'east', 8, 3), ('S', 'west', 4, NULL);
INSERT INTO sourcing (item, locations, split) VALUES ('S', '{main,east,west}', true);
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('S-1', 'S', NULL, 22) RETURNING location, qty_ordered, qty_shipped, qty_backordered;
SELECT * FROM parts('S-1');
SELECT * FROM there('S');
-- Not split: 20 are no multiple of 3, and main has not got them: they wait there. 6 fit the
-- east, which has 2: they wait there; 1 goes to the west. 7.5 fit the west alone.
UPDATE sourcing SET split = false WHERE item = 'S';
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('S-2', 'S', NULL, 20), ('S-3', 'S', NULL, 6), ('S-4', 'S', NULL, 1), ('S-5', 'S', NULL, 7.5)
RETURNING order_ref, location, qty_shipped, qty_backordered;
-- No place for such a quantity: the first one says why.
INSERT INTO stock (item, location, on_hand, qty_step) VALUES ('S2', 'main', 17, 10), ('S2', 'east', 8, 3);
INSERT INTO sourcing (item, locations, split) VALUES ('S2', '{main,east}', true);
SELECT fails('INSERT INTO order_line (item, location, qty_ordered) VALUES (''S2'', NULL, 11)');
UPDATE sourcing SET split = false WHERE item = 'S2';
SELECT fails('INSERT INTO order_line (item, location, qty_ordered) VALUES (''S2'', NULL, 11)');
SELECT * FROM there('S2');
SELECT * FROM verify();

-- Limits. Main refuses backorders, the east lets 2 wait, the west any. 3, 1 and 0 there.
INSERT INTO stock (item, location, on_hand, backorder_limit) VALUES ('L', 'main', 3, 0), ('L', 'east', 1, 2), ('L', 'west', 0, NULL);
INSERT INTO sourcing (item, locations, split) VALUES ('L', '{main,east}', true);
-- 6: 3 from main, 1 from the east, where the other 2 wait.
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('L-1', 'L', NULL, 6);
SELECT * FROM parts('L-1');
-- Then no place lets any wait: BK002 of the first, and nothing has changed.
SELECT fails('INSERT INTO order_line (item, location, qty_ordered) VALUES (''L'', NULL, 1)');
UPDATE sourcing SET locations = '{main,east,west}' WHERE item = 'L';
-- 1 more may wait in the west; not split, the same.
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('L-2', 'L', NULL, 1) RETURNING location, qty_backordered;
UPDATE sourcing SET split = false WHERE item = 'L';
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('L-3', 'L', NULL, 1) RETURNING location, qty_backordered;
-- A part that waits counts at once: of 7 the west gives 5, and 2 wait in the east, which
-- lets no more wait then; so the 1 of the next row waits in the west.
INSERT INTO stock (item, location, on_hand, backorder_limit) VALUES ('L2', 'east', 0, 2), ('L2', 'west', 5, NULL);
INSERT INTO sourcing (item, locations, split) VALUES ('L2', '{east,west}', true);
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('L2-1', 'L2', NULL, 7), ('L2-2', 'L2', NULL, 1)
RETURNING order_ref, location, qty_ordered, qty_shipped, qty_backordered;
SELECT * FROM parts('L2-1');
SELECT fails('INSERT INTO order_line (item, location, qty_ordered) VALUES (''L2'', ''east'', 1)');
SELECT * FROM verify();

-- Several rows in one statement: what is meant for a further part is gone for the rows
-- behind it. 2, 3 and 4 there. The first takes 2 and 3 and 1 (6); the second the 3 that are left
-- in the west, and waits for 2 in main; the third, which names the east, waits.
INSERT INTO stock (item, location, on_hand) VALUES ('R', 'main', 2), ('R', 'east', 3), ('R', 'west', 4);
INSERT INTO sourcing (item, locations, split) VALUES ('R', '{main,east,west}', true);
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('R-1', 'R', NULL, 6), ('R-2', 'R', NULL, 5), ('R-3', 'R', 'east', 1)
RETURNING order_ref, location, qty_ordered, qty_shipped, qty_backordered;
SELECT * FROM parts('R-1');
SELECT * FROM parts('R-2');
SELECT * FROM parts('R-3');
SELECT * FROM there('R');
SELECT * FROM verify();
-- Two statements in one.
INSERT INTO stock (item, location, on_hand) VALUES ('R2', 'main', 2), ('R2', 'east', 3), ('R2', 'west', 4);
INSERT INTO sourcing (item, locations, split) VALUES ('R2', '{main,east,west}', true);
WITH a AS (INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('R2-1', 'R2', NULL, 6) RETURNING 1),
     b AS (INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('R2-2', 'R2', NULL, 5) RETURNING 1)
SELECT (SELECT count(*) FROM a) AS a, (SELECT count(*) FROM b) AS b;
SELECT sum(qty_ordered), sum(qty_shipped), sum(qty_backordered) FROM order_line WHERE item = 'R2' GROUP BY order_ref ORDER BY 1 DESC;
SELECT * FROM there('R2');
SELECT * FROM verify();

-- Rows that never go in leave no part behind, and RETURNING of the others is true. 2 and 3
-- there: the second row is kept out, so the third gets 1 and 2 of what that one would have had.
CREATE UNIQUE INDEX own_key ON order_line (order_ref, line_no, location);
INSERT INTO stock (item, location, on_hand) VALUES ('K', 'main', 2), ('K', 'east', 3), ('K', 'west', 0);
INSERT INTO sourcing (item, locations, split) VALUES ('K', '{main,east}', true);
INSERT INTO order_line (order_ref, line_no, item, location, qty_ordered) VALUES ('K-1', 1, 'K', NULL, 1), ('K-1', 1, 'K', NULL, 4), ('K-2', 1, 'K', NULL, 3)
ON CONFLICT DO NOTHING RETURNING order_ref, location, qty_ordered, qty_shipped, qty_backordered;
SELECT * FROM parts('K-1');
SELECT * FROM parts('K-2');
SELECT * FROM there('K');
-- Another trigger keeps the row out after it was decided.
CREATE FUNCTION keeps_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER zzz BEFORE INSERT ON order_line FOR EACH ROW WHEN (NEW.customer = 'nobody') EXECUTE FUNCTION keeps_out();
UPDATE stock SET on_hand = 2 WHERE item = 'K' AND location = 'main';
INSERT INTO order_line (order_ref, customer, item, location, qty_ordered) VALUES ('K-3', 'nobody', 'K', NULL, 4), ('K-3', 'x', 'K', NULL, 3)
RETURNING location, qty_ordered, qty_shipped, qty_backordered;
SELECT * FROM parts('K-3');
SELECT * FROM there('K');
DROP TRIGGER zzz ON order_line;
-- DO UPDATE: no part comes of a row that is there. 1 and 5 are: EXCLUDED is the row as it
-- was placed, 1 of the 6 in main.
INSERT INTO receipt (item, location, qty) VALUES ('K', 'main', 1), ('K', 'east', 5);
INSERT INTO order_line (order_ref, line_no, item, location, qty_ordered) VALUES ('K-1', 1, 'K', NULL, 6)
ON CONFLICT (order_ref, line_no, location) DO UPDATE SET qty_ordered = EXCLUDED.qty_ordered RETURNING location, qty_ordered, qty_shipped, qty_backordered;
SELECT * FROM parts('K-1');
-- One that keeps out a part: the whole order fails, nothing has changed.
CREATE TRIGGER a BEFORE INSERT ON order_line FOR EACH ROW WHEN (NEW.location = 'west') EXECUTE FUNCTION keeps_out();
CREATE FUNCTION elsewhere() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.location := ''main''; RETURN NEW; END';
UPDATE stock SET on_hand = 1 WHERE item = 'K' AND location = 'west';
UPDATE sourcing SET locations = '{east,west,main}' WHERE item = 'K';
SELECT * FROM there('K');
SELECT fails('INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES (''K-4'', ''K'', NULL, 6)');
DROP TRIGGER a ON order_line;
CREATE TRIGGER a BEFORE INSERT ON order_line FOR EACH ROW WHEN (NEW.location = 'west') EXECUTE FUNCTION elsewhere();
SELECT fails('INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES (''K-4'', ''K'', NULL, 6)');
DROP TRIGGER a ON order_line;
SELECT * FROM there('K');
SELECT * FROM parts('K-4');
SELECT * FROM verify();

-- Triggers of the application that order between the row and its parts: 2 in main, 3 in
-- the east; when the row goes in, the 3 are kept for its part: the other line waits. When the
-- part is about to go in, they are anybody's: then the part waits. The parts
-- add up in any case.
CREATE FUNCTION orders() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    INSERT INTO t_sourcing.order_line (order_ref, item, location, qty_ordered) VALUES ('nested ' || TG_NAME, NEW.item, 'east', 3); RETURN NEW; END$$;
INSERT INTO stock (item, location, on_hand) VALUES ('T1', 'main', 2), ('T1', 'east', 3), ('T2', 'main', 2), ('T2', 'east', 3), ('T3', 'main', 2), ('T3', 'east', 3);
INSERT INTO sourcing (item, locations, split) VALUES ('T1', '{main,east}', true), ('T2', '{main,east}', true), ('T3', '{main,east}', true);
CREATE TRIGGER t1 AFTER INSERT ON order_line FOR EACH ROW WHEN (NEW.order_ref = 'T1' AND NEW.location = 'main') EXECUTE FUNCTION orders();
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('T1', 'T1', NULL, 5);
SELECT order_ref, location, qty_ordered, qty_shipped, qty_backordered FROM order_line WHERE item = 'T1' ORDER BY order_ref, location DESC;
CREATE TRIGGER a_t2 BEFORE INSERT ON order_line FOR EACH ROW WHEN (NEW.order_ref = 'T2' AND NEW.location = 'east') EXECUTE FUNCTION orders();
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('T2', 'T2', NULL, 5);
SELECT order_ref, location, qty_ordered, qty_shipped, qty_backordered FROM order_line WHERE item = 'T2' ORDER BY order_ref, location DESC;
-- A line that is sourced in a trigger of one that is decided already: 2 and 2 are T3's;
-- of the nested 3 the east gives the 1 that is left, 2 wait in main.
CREATE FUNCTION orders_anywhere() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    INSERT INTO t_sourcing.order_line (order_ref, item, location, qty_ordered) VALUES ('nested', NEW.item, NULL, 3); RETURN NEW; END$$;
CREATE TRIGGER zzz_t3 BEFORE INSERT ON order_line FOR EACH ROW WHEN (NEW.order_ref = 'T3' AND NEW.location = 'main') EXECUTE FUNCTION orders_anywhere();
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('T3', 'T3', NULL, 4);
SELECT order_ref, location, qty_ordered, qty_shipped, qty_backordered FROM order_line WHERE item = 'T3' ORDER BY order_ref, location DESC;
DROP TRIGGER t1 ON order_line;
DROP TRIGGER a_t2 ON order_line;
DROP TRIGGER zzz_t3 ON order_line;
SELECT * FROM verify();

-- Columns of the application's own go to every part; one that is unique by itself gets
-- its default, a generated one is generated.
CREATE SEQUENCE own_number;
ALTER TABLE order_line ADD COLUMN "Own note" text, ADD COLUMN own_no integer DEFAULT nextval('own_number') UNIQUE,
    ADD COLUMN twice numeric GENERATED ALWAYS AS (qty_ordered * 2) STORED;
INSERT INTO stock (item, location, on_hand) VALUES ('O', 'main', 1), ('O', 'east', 2);
INSERT INTO sourcing (item, locations, split) VALUES ('O', '{main,east}', true);
INSERT INTO order_line (order_ref, item, location, qty_ordered, "Own note") VALUES ('O-1', 'O', NULL, 3, 'hello');
SELECT location, "Own note", count(own_no) OVER () AS numbers, twice FROM order_line WHERE order_ref = 'O-1' ORDER BY line_id;
ALTER TABLE order_line DROP COLUMN own_no, DROP COLUMN twice;
ALTER TABLE order_line ADD COLUMN tag text NOT NULL DEFAULT 'red';
INSERT INTO receipt (item, location, qty) VALUES ('O', 'main', 1), ('O', 'east', 2);
INSERT INTO order_line (order_ref, item, location, qty_ordered, tag) VALUES ('O-2', 'O', NULL, 3, 'blue') RETURNING tag;
SELECT location, tag FROM order_line WHERE order_ref = 'O-2' ORDER BY line_id;
SELECT * FROM verify();

-- COPY; a default of NULL sources every line that names none; old places of old orders.
INSERT INTO stock (item, location, on_hand) VALUES ('C', 'main', 1), ('C', 'east', 2);
INSERT INTO sourcing (item, locations, split) VALUES ('C', '{main,east}', true);
COPY order_line (order_ref, item, location, qty_ordered) FROM stdin;
C-1	C	\N	2
C-2	C	east	1
C-3	C	\N	1
\.
SELECT order_ref, location, qty_ordered, qty_shipped, qty_backordered FROM order_line WHERE item = 'C' ORDER BY order_ref, line_id;
ALTER TABLE order_line ALTER COLUMN location DROP DEFAULT;
INSERT INTO receipt (item, location, qty) VALUES ('C', 'east', 1);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('C-4', 'C', 1) RETURNING location, qty_shipped;
ALTER TABLE order_line ALTER COLUMN location SET DEFAULT 'main';
UPDATE stock SET on_hand = 2 WHERE item = 'C';
INSERT INTO order_line (order_ref, item, location, qty_ordered, queued_at) VALUES ('C-5', 'C', NULL, 4, '2001-02-03');
SELECT location, qty_ordered, qty_shipped, qty_backordered, queued_at = '2001-02-03' AS old FROM order_line WHERE order_ref = 'C-5' ORDER BY line_id;
-- What is brought back is never sourced, nor is an UPDATE.
SELECT fails('INSERT INTO order_line (item, location, qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at) VALUES (''C'', NULL, 1, 1, 0, 0, 0, 0, 1, now())');
SELECT fails('UPDATE order_line SET location = NULL WHERE order_ref = ''C-5''');
SELECT fails('UPDATE order_line SET location = NULL, qty_ordered = 9 WHERE order_ref = ''C-3''');
SELECT * FROM verify();
-- Quantities that are none.
SELECT q, fails(format('INSERT INTO order_line (item, location, qty_ordered) VALUES (''C'', NULL, %s)', q))
  FROM unnest(ARRAY['NULL', '0', '-1', '''NaN''', '1e12', '0.0000001']) q;

-- place_order: lines that name a location and lines that don't; all parts come back.
INSERT INTO stock (item, location, on_hand) VALUES ('D', 'main', 1), ('D', 'east', 2), ('E', 'main', 4), ('E', 'east', 9);
INSERT INTO sourcing (item, locations, split) VALUES ('D', '{main,east}', true);
SELECT line_no, item, location, qty_ordered, qty_shipped, qty_backordered
  FROM place_order('D-1', '[{"item": "E", "qty": 3}, {"item": "D", "qty": 4}, {"item": "D", "qty": 1, "location": "east"}]');
-- a location for the whole order: nothing is sourced
SELECT item, location, qty_ordered, qty_shipped, qty_backordered FROM place_order('D-2', '[{"item": "E", "qty": 3}, {"item": "D", "qty": 1}]', location => 'main');
-- an order that ships as a whole, split over two places, leaves at once
INSERT INTO receipt (item, location, qty) VALUES ('D', 'main', 5), ('D', 'east', 2);
SELECT item, location, qty_ordered, qty_shipped, qty_allocated FROM place_order('D-3', '[{"item": "D", "qty": 4}, {"item": "E", "qty": 2}]', ship_policy => 'order');
SELECT fails('SELECT place_order(''D-4'', ''[{"item": "D", "qty": 1}, {"item": "nothing", "qty": 1}]'')');
-- the lines of an order placed by a trigger are not the order's
CREATE FUNCTION places() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    PERFORM t_sourcing.place_order('nested', '[{"item": "K", "qty": 9}]'); RETURN NEW; END$$;
CREATE TRIGGER a BEFORE INSERT ON order_line FOR EACH ROW WHEN (NEW.order_ref = 'D-5') EXECUTE FUNCTION places();
SELECT order_ref, item, location, qty_ordered FROM place_order('D-5', '[{"item": "E", "qty": 1}]');
DROP TRIGGER a ON order_line;
SELECT * FROM verify();

-- Caps and protected quantities: a place is asked for what this line would get there.
-- Urgent lines get no more than 1 from the east: of 8 main gives 5 and the east 1; 2 wait
-- in main. Others get the 4 that are left.
INSERT INTO stock (item, location, on_hand) VALUES ('V', 'main', 5), ('V', 'east', 5), ('V2', 'main', 5), ('V2', 'east', 5);
INSERT INTO cap (item, location, priority, qty, period) VALUES ('V', 'east', 7, 1, 'ever');
INSERT INTO sourcing (item, locations, split) VALUES ('V', '{main,east}', true), ('V2', '{main,east}', false);
INSERT INTO order_line (order_ref, item, location, qty_ordered, priority) VALUES ('V-1', 'V', NULL, 8, 7) RETURNING location, qty_ordered, qty_shipped, qty_backordered;
SELECT * FROM parts('V-1');
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('V-2', 'V', NULL, 4) RETURNING location, qty_ordered, qty_shipped, qty_backordered;
-- Whole: 4 of main's 5 are kept for urgent lines, so 3 come from the east, urgent ones from main.
INSERT INTO protection (item, priority, qty) VALUES ('V2', 7, 4);
INSERT INTO order_line (order_ref, item, location, qty_ordered, priority) VALUES ('V-3', 'V2', NULL, 3, 100), ('V-4', 'V2', NULL, 3, 7) RETURNING order_ref, location, qty_shipped;
-- A row that is kept out at last, with a part where there is a cap, has used nothing of it:
-- main 2, the east 6 and the west 3, of which urgent lines get 2 and 1.
INSERT INTO stock (item, location, on_hand) VALUES ('V3', 'main', 2), ('V3', 'east', 6), ('V3', 'west', 3);
INSERT INTO cap (item, location, priority, qty, period) VALUES ('V3', 'east', 7, 2, 'ever'), ('V3', 'west', 7, 1, 'ever');
INSERT INTO sourcing (item, locations, split) VALUES ('V3', '{main,east,west}', true);
CREATE TRIGGER zzz BEFORE INSERT ON order_line FOR EACH ROW WHEN (NEW.customer = 'nobody') EXECUTE FUNCTION keeps_out();
INSERT INTO order_line (order_ref, customer, item, location, qty_ordered, priority) VALUES ('V-5', 'x', 'V3', NULL, 3, 7), ('V-5', 'nobody', 'V3', NULL, 4, 7) RETURNING location, qty_ordered;
DROP TRIGGER zzz ON order_line;
SELECT * FROM parts('V-5');
SELECT location, qty_used FROM cap WHERE item = 'V3' ORDER BY location;
SELECT * FROM verify();

-- Who may INSERT into order_line may be sourced, and needs no right on sourcing or
-- stock; the journal names him, for the further parts too.
INSERT INTO stock (item, location, on_hand) VALUES ('Z', 'main', 1), ('Z', 'east', 2);
INSERT INTO sourcing (item, locations, split) VALUES ('Z', '{main,east}', true);
GRANT USAGE ON SCHEMA t_sourcing TO regress_bko_app;
GRANT INSERT ON order_line TO regress_bko_app;
SET ROLE regress_bko_app;
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('Z-1', 'Z', NULL, 4);
SELECT fails('SELECT * FROM t_sourcing.sourcing');
SELECT fails('SELECT t_sourcing.place_order(''Z-2'', ''[{"item": "Z", "qty": 1}]'')') LIKE '42501%' AS may_not_see;
RESET ROLE;
GRANT SELECT ON order_line TO regress_bko_app;
INSERT INTO receipt (item, location, qty) VALUES ('Z', 'main', 2), ('Z', 'east', 2);
SET ROLE regress_bko_app;
SELECT location, qty_ordered, qty_shipped FROM place_order('Z-2', '[{"item": "Z", "qty": 3}]');
RESET ROLE;
SELECT * FROM parts('Z-1');
SELECT DISTINCT by_role FROM movement WHERE item = 'Z' AND line_id IS NOT NULL AND receipt_id IS NULL;
SELECT * FROM verify();

-- A thousand rows, three places, quantities of 1 to 7: all that is there ships, each
-- order's parts add up to what was asked for.
INSERT INTO stock (item, location, on_hand) SELECT 'bulk ' || n, l, 40 FROM generate_series(1, 10) n, unnest('{main,east,west}'::text[]) l;
INSERT INTO sourcing (item, locations, split) SELECT 'bulk ' || n, '{west,main,east}', n % 2 = 0 FROM generate_series(1, 10) n;
INSERT INTO order_line (order_ref, item, location, qty_ordered) SELECT 'bulk ' || n, 'bulk ' || 1 + n % 10, NULL, 1 + n % 7 FROM generate_series(1, 1000) n;
SELECT count(*) AS wrong FROM (SELECT order_ref FROM order_line WHERE order_ref LIKE 'bulk %' GROUP BY order_ref
                               HAVING sum(qty_ordered) <> 1 + substr(order_ref, 6)::integer % 7) x;
SELECT sum(on_hand) AS left_where_split FROM stock s JOIN sourcing r USING (item) WHERE item LIKE 'bulk %' AND split;
SELECT * FROM verify();

DROP SCHEMA t_sourcing CASCADE;
DROP ROLE regress_bko_app;
