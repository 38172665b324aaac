-- place_order(): the lines of an order from a JSON array, inserted in lock order.
SET client_min_messages = warning;
\set VERBOSITY sqlstate
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('life_place');
SET search_path = life_place;
RESET client_min_messages;
CREATE VIEW lines AS
    SELECT order_ref AS ref, item, location AS loc, qty_ordered AS ordered, qty_shipped AS shipped,
           qty_allocated AS alloc, qty_backordered AS back, qty_cancelled AS canc, qty_returned AS ret,
           closed_at IS NOT NULL AS closed
      FROM order_line;
CREATE VIEW stocks AS SELECT item, location AS loc, on_hand, allocated, available, backordered FROM stock;
CREATE FUNCTION id(text, text DEFAULT '%') RETURNS bigint LANGUAGE sql
    AS 'SELECT line_id FROM order_line WHERE order_ref = $1 AND item LIKE $2';
CREATE FUNCTION fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; hint text;
BEGIN
    EXECUTE q;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || message || CASE WHEN hint = '' AND state < '22P' THEN ' (no hint)' ELSE '' END;
END $$;
INSERT INTO stock (item, location, on_hand) VALUES ('A', 'main', 5), ('B', 'main', 1), ('C', 'main', 0), ('B', 'east', 9);

-- In the order of items and locations, whatever the order of the array; the
-- lines come back in their own, split: 2 of A ship, of B 1 of 3, of C none.
SELECT line_no, order_ref, item, qty_ordered, qty_shipped, qty_backordered
  FROM place_order('SO-1', '[{"item": "C", "qty": 1}, {"item": "B", "qty": 3}, {"item": "A", "qty": 2}]');
SELECT item, line_no FROM order_line WHERE order_ref = 'SO-1' ORDER BY line_id;
-- everything that a line can say, and what the call says for all of them
SELECT line_no, demand, customer, item, location, priority, ship_policy, requested_on, unit_price, currency, payment_days, qty_ordered, qty_shipped
  FROM place_order(order_ref => 'SO-2', lines => '[
    {"item": "B"       , "qty_ordered": "2.50", "location": "east", "line_no": 30, "demand": "internal", "customer": "Own", "priority": 7,
     "ship_policy": "line", "requested_on": "2030-02-03", "unit_price": 9.99, "currency": "EUR", "payment_days": 14},
    {"item": "A", "qty": 0.5, "line_no": 10}, {"item": "A", "qty": 1e0, "location": null, "priority": null}]',
    customer => 'Retail', location => 'main', priority => 50, ship_policy => 'partial', requested_on => '2030-01-01',
    currency => 'USD', demand => 'customer', payment_days => 30);
-- and the defaults where neither says anything
SELECT line_no, demand, customer, item, location, priority, ship_policy, requested_on, unit_price, currency, payment_days
  FROM place_order('SO-3', '[{"item": "A", "qty": 0.25}]');
-- a location for all
SELECT item, location, qty_shipped FROM place_order('SO-4', '[{"item": "B", "qty": 1}]', location => 'east');
SELECT * FROM stocks ORDER BY 1, 2;
SELECT * FROM verify();

-- An order that ships as a whole: it is known whole here, and leaves at once
-- where all of it is there.
SELECT item, qty_shipped, qty_allocated, qty_backordered
  FROM place_order('SO-5', '[{"item": "A", "qty": 1}, {"item": "B", "qty": 1, "location": "east"}]', ship_policy => 'order');
SELECT item, qty_shipped, qty_allocated, qty_backordered
  FROM place_order('SO-6', '[{"item": "C", "qty": 1}, {"item": "B", "qty": 1, "location": "east"}]', ship_policy => 'order');
-- another order of that kind, on its way in the same transaction, waits for
-- its end: SO-7 has one of E, but its line of C is not known yet
INSERT INTO stock (item, on_hand) VALUES ('E', 5);
BEGIN;
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('SO-7', 'E', 1, 'order');
SELECT item, qty_shipped FROM place_order('SO-8', '[{"item": "E", "qty": 1}]', ship_policy => 'order');
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('SO-7', 'C', 1, 'order');
COMMIT;
SELECT ref, item, shipped, alloc, back FROM lines WHERE ref = 'SO-7' ORDER BY 2;
-- without order_ref
SELECT order_ref, item, qty_shipped FROM place_order(NULL, '[{"item": "B", "qty": 1}]', location => 'east', ship_policy => 'order');
SELECT * FROM verify();

-- What is wrong with the lines; nothing happens.
SELECT count(*) AS lines_before FROM order_line \gset
SELECT fails(format('SELECT place_order(''X'', %L)', j)) FROM unnest(ARRAY[
    NULL, 'null', '[]', '{}', '{"item": "A", "qty": 1}', '"A"', '7', 'true', '[null]', '["A"]', '[[]]', '[{}]',
    '[{"item": "A"}]', '[{"qty": 1}]', '[{"item": null, "qty": 1}]', '[{"item": "A", "qty": null}]',
    '[{"item": "A", "quantity": 1}]', '[{"Item": "A", "qty": 1}]', '[{"item": "A", "qty": 1, "": 1}]',
    '[{"item": "A", "qty": 1}, {"item": "B", "qty": 1, "price": 3}]', '[{"item": "A", "qty": 1, "qty_shipped": 1}]',
    '[{"item": "A", "qty": 1, "held": true}]', '[{"item": "A", "qty": 1}, 5]']) j;
-- of a wrong kind, out of range
SELECT left(fails(format('SELECT place_order(''X'', %L)', j)), 60) FROM unnest(ARRAY[
    '[{"item": "A", "qty": "many"}]', '[{"item": "A", "qty": true}]', '[{"item": "A", "qty": {}}]', '[{"item": "A", "qty": [1]}]',
    '[{"item": "A", "qty": 0}]', '[{"item": "A", "qty": -1}]', '[{"item": "A", "qty": "NaN"}]', '[{"item": "A", "qty": 1e12}]',
    '[{"item": "A", "qty": 0.0000001}]', '[{"item": "A", "qty": 1, "priority": 1.5}]', '[{"item": "A", "qty": 1, "priority": -1}]',
    '[{"item": "A", "qty": 1, "priority": "high"}]', '[{"item": "A", "qty": 1, "ship_policy": "never"}]',
    '[{"item": "A", "qty": 1, "demand": "none"}]', '[{"item": "A", "qty": 1, "requested_on": "soon"}]',
    '[{"item": "A", "qty": 1, "currency": "euro"}]', '[{"item": "A", "qty": 1, "payment_days": -1}]',
    '[{"item": "D", "qty": 1}]', '[{"item": "", "qty": 1}]', '[{"item": {"a": 1}, "qty": 1}]', '[{"item": "A", "qty": 1, "location": "moon"}]',
    '[{"item": "A", "qty": 1}, {"item": "D", "qty": 1}]']) j;
-- a line too many for the limit: the whole order is refused
UPDATE stock SET backorder_limit = 2 WHERE item = 'C';
SELECT fails('SELECT place_order(''X'', ''[{"item": "A", "qty": 0.25}, {"item": "C", "qty": 2}]'')') LIKE 'BK002: %';
UPDATE stock SET backorder_limit = NULL WHERE item = 'C';
SELECT count(*) - :lines_before AS new FROM order_line;
SELECT count(*) FROM order_line WHERE order_ref = 'X';
SELECT * FROM stocks ORDER BY 1, 2;
SELECT * FROM verify();

-- Columns of the application's own, before and after the session's first call;
-- dropped ones, defaults, generated and not-null ones.
ALTER TABLE order_line ADD COLUMN gone int, ADD COLUMN colour text;
ALTER TABLE order_line ALTER COLUMN colour SET DEFAULT 'red';
SELECT item, qty_shipped, colour FROM place_order('SO-9', '[{"item": "B", "qty": 1, "location": "east"}]');
ALTER TABLE order_line DROP COLUMN gone;
SELECT item, qty_shipped, colour FROM place_order('SO-10', '[{"item": "B", "qty": 1, "location": "east"}]');
ALTER TABLE order_line ADD COLUMN size numeric DEFAULT 1.5, ADD COLUMN twice numeric GENERATED ALWAYS AS (qty_ordered * 2) STORED,
    ADD COLUMN made timestamptz NOT NULL DEFAULT clock_timestamp();
SELECT item, qty_shipped, colour, size, twice, made IS NOT NULL AS made FROM place_order('SO-11', '[{"item": "B", "qty": 1, "location": "east"}]');
SELECT (p).item, (p).twice FROM (SELECT place_order('SO-12', '[{"item": "A", "qty": 1}, {"item": "B", "qty": 1}]') p) x ORDER BY 1;
ALTER TABLE order_line ALTER COLUMN colour TYPE varchar(10);
SELECT item, qty_shipped, colour FROM place_order('SO-13', '[{"item": "C", "qty": 0.5}]');
SELECT count(*) FROM place_order('SO-14', '[{"item": "C", "qty": 0.5}]');
-- a column of the name of anything
ALTER TABLE order_line ADD COLUMN l int DEFAULT 7, ADD COLUMN order_line text DEFAULT 'o', ADD COLUMN lines jsonb;
SELECT item, qty_shipped, l, order_line FROM place_order('SO-14b', '[{"item": "C", "qty": 0.5}]');
SELECT * FROM verify();

-- A trigger of the application that puts a line elsewhere, one that drops it.
CREATE FUNCTION elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    IF new.customer = 'nobody' THEN RETURN NULL; END IF; new.location := 'east'; RETURN new; END$$;
CREATE TRIGGER elsewhere BEFORE INSERT ON order_line FOR EACH ROW WHEN (new.item = 'B') EXECUTE FUNCTION elsewhere();
SELECT item, location FROM place_order('SO-15', '[{"item": "B", "qty": 1}, {"item": "B", "qty": 1, "customer": "nobody"}]');
SELECT item, location FROM place_order('SO-15', '[{"item": "B", "qty": 1, "customer": "nobody"}]');
DROP TRIGGER elsewhere ON order_line;
SELECT * FROM verify();

-- One that changes the lines after they went in, and takes one out of the order.
CREATE FUNCTION afterwards() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    UPDATE order_line SET hold_reason = 'seen', order_ref = CASE customer WHEN 'other' THEN 'SO-15d' ELSE order_ref END WHERE line_id = new.line_id;
    RETURN NULL; END$$;
CREATE TRIGGER afterwards AFTER INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION afterwards();
SELECT order_ref, line_no, hold_reason FROM place_order('SO-15c', '[{"item": "B", "qty": 1}, {"item": "A", "qty": 1, "customer": "other"}, {"item": "A", "qty": 1}]');
DROP TRIGGER afterwards ON order_line;
SELECT order_ref, line_no, hold_reason FROM order_line WHERE order_ref LIKE 'SO-15_' ORDER BY 1, 2;
SELECT * FROM verify();

-- In the select list, some rows of it, with no result wanted; line_no says the order.
SELECT (place_order('SO-15e', '[{"item": "B", "qty": 1, "line_no": 9}, {"item": "C", "qty": 1, "line_no": 4}]')).item;
SELECT line_no FROM place_order('SO-15f', '[{"item": "B", "qty": 1}, {"item": "C", "qty": 1}]') LIMIT 1;
DO $$BEGIN PERFORM life_place.place_order('SO-15g', '[{"item": "B", "qty": 1}]'); END$$;
SELECT order_ref, count(*) FROM order_line WHERE order_ref LIKE 'SO-15_' GROUP BY 1 ORDER BY 1;

-- The schema is renamed, in the same session.
ALTER SCHEMA life_place RENAME TO "life 'place";
SELECT item, qty_shipped, qty_backordered FROM "life 'place".place_order('SO-15h', '[{"item": "A", "qty": 0.5}]');
ALTER SCHEMA "life 'place" RENAME TO life_place;
-- no other place for the function, no other function for the language
\set VERBOSITY terse
CREATE SCHEMA life_place_2;
ALTER FUNCTION place_order(text, jsonb, text, text, integer, text, date, text, text, integer) SET SCHEMA life_place_2;
SELECT life_place_2.place_order('SO-15i', '[{"item": "A", "qty": 0.5}]');
ALTER FUNCTION life_place_2.place_order(text, jsonb, text, text, integer, text, date, text, text, integer) SET SCHEMA life_place;
DROP SCHEMA life_place_2;
SELECT count(*) FROM place_order('SO-15i', '[{"item": "A", "qty": 0.5}]');
CREATE FUNCTION other(text, jsonb) RETURNS SETOF order_line LANGUAGE bko AS 'place_order';
CREATE FUNCTION other(text, jsonb, text, text, integer, text, date, text, text, integer) RETURNS SETOF stock LANGUAGE bko AS 'place_order';
CREATE FUNCTION other(text, jsonb, text, text, integer, text, date, text, text, integer) RETURNS order_line LANGUAGE bko AS 'place_order';
CREATE FUNCTION other(text, jsonb, text, text, integer, text, date, text, text, integer) RETURNS SETOF order_line LANGUAGE bko AS 'other';
SET check_function_bodies = off;
CREATE FUNCTION other(text) RETURNS SETOF order_line LANGUAGE bko AS 'place_order';
SELECT other('SO-15j');
RESET check_function_bodies;
DROP FUNCTION other(text);
SELECT bko.call_handler();
\set VERBOSITY sqlstate

-- A hundred lines of two items.
SELECT count(*), sum(qty_ordered), count(DISTINCT item) FROM place_order('SO-16', (SELECT jsonb_agg(jsonb_build_object('item', chr(65 + n % 2), 'qty', n)) FROM generate_series(1, 100) n));
SELECT * FROM verify();

-- Who may: whoever may INSERT and SELECT; nothing else is needed, nothing else
-- is possible. RETURNING shows the split to that role as well.
RESET search_path;
SET client_min_messages = warning;
CREATE ROLE regress_bko_app;
RESET client_min_messages;
GRANT USAGE ON SCHEMA life_place TO regress_bko_app;
GRANT INSERT ON life_place.order_line TO regress_bko_app;
SET ROLE regress_bko_app;
SELECT item FROM life_place.place_order('SO-20', '[{"item": "A", "qty": 1}]');
RESET ROLE;
GRANT SELECT ON life_place.order_line TO regress_bko_app;
SET ROLE regress_bko_app;
SELECT item, qty_shipped, qty_backordered FROM life_place.place_order('SO-20', '[{"item": "C", "qty": 0.5}, {"item": "B", "location": "east", "qty": 1}]', ship_policy => 'order');
INSERT INTO life_place.order_line (order_ref, item, location, qty_ordered, ship_policy) VALUES ('SO-21', 'B', 'east', 1, 'order') RETURNING qty_shipped, qty_allocated;
SELECT item, qty_shipped FROM life_place.order_line WHERE order_ref = 'SO-21';
SELECT * FROM life_place.stock;
SELECT * FROM life_place.order_due;
INSERT INTO life_place.order_due VALUES ('SO-20');
UPDATE life_place.order_line SET qty_ordered = 1;
DELETE FROM life_place.order_line;
SELECT life_place.receive('A', 1);
RESET ROLE;
SELECT DISTINCT by_role FROM life_place.movement m JOIN life_place.order_line l USING (line_id) WHERE order_ref IN ('SO-20', 'SO-21');
SELECT * FROM life_place.verify();

SET client_min_messages = warning;
DROP SCHEMA life_place CASCADE;
DROP ROLE regress_bko_app;
