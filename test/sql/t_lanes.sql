-- Lanes: a hot stock row split in several, of which users see one.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_lanes');
RESET client_min_messages;
SET search_path = t_lanes;
\set VERBOSITY terse

-- What is in the lanes of an item: how many, what is left, what was taken.
CREATE VIEW lanes AS
SELECT item, count(*) AS lanes, sum(qty) AS qty, max(qty) AS most, sum(shipped) AS shipped, sum(allocated) AS allocated
  FROM stock_lane GROUP BY item;
CREATE FUNCTION now_of(text) RETURNS TABLE (on_hand numeric, allocated numeric, available numeric, backordered numeric, in_lanes numeric)
    LANGUAGE sql AS 'SELECT on_hand, allocated, available, backordered, in_lanes FROM t_lanes.stock_now WHERE item = $1 ORDER BY location';

-- Half of what is available is handed out: of 1000 to 4 lanes 125 each.
INSERT INTO stock (item, on_hand) VALUES ('HOT', 1000), ('COLD', 10);
SELECT lanes FROM book;
SELECT on_hand, available, lanes, laned FROM set_lanes('HOT', lanes => 4);
SELECT lane, qty, shipped, allocated FROM stock_lane ORDER BY lane;
SELECT lanes FROM book;
SELECT * FROM now_of('HOT');
SELECT * FROM now_of('COLD');
SELECT count(*) FROM verify();

-- An order takes from a lane: the stock row isn't written, stock_now is exact.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'HOT', 5) RETURNING qty_shipped, qty_backordered;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('b', 'HOT', 3), ('b', 'COLD', 4), ('b', 'HOT', 2.5) RETURNING item, qty_shipped, qty_backordered;
SELECT on_hand, available, laned FROM stock WHERE item = 'HOT';
SELECT * FROM now_of('HOT');
SELECT * FROM lanes;
SELECT on_hand, available FROM item_position ORDER BY item;
SELECT count(*) FROM verify();

-- More than a lane has: 200 of the 500 in the row, the lanes stay. More than that
-- has: 700 of the 789.5 that are left of all; the lanes are gathered, and with 89.5 left not filled again.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('c', 'HOT', 200) RETURNING qty_shipped, qty_backordered;
SELECT on_hand, available, laned FROM stock WHERE item = 'HOT';
SELECT * FROM now_of('HOT');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('d', 'HOT', 700) RETURNING qty_shipped, qty_backordered;
SELECT on_hand, available, laned FROM stock WHERE item = 'HOT';
SELECT * FROM now_of('HOT');

-- Nobody is backordered before everything is given, and then everybody waits in turn.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('e', 'HOT', 100), ('f', 'HOT', 1) RETURNING qty_shipped, qty_backordered;
SELECT * FROM now_of('HOT');
-- 5 of 11.5 come: all for e. 1000 come: 5.5 for e, 1 for f, 993.5 are left: 124 (whole units of 124.19) in each lane.
INSERT INTO receipt (item, qty) VALUES ('HOT', 5) RETURNING qty_to_backorders, qty_to_stock;
SELECT order_ref, qty_backordered FROM order_line WHERE qty_backordered > 0 ORDER BY queued_at;
INSERT INTO receipt (item, qty) VALUES ('HOT', 1000) RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM now_of('HOT');
SELECT * FROM lanes;
SELECT count(*) FROM verify();

-- The last ones: 993.5 in one order, that of half a unit waits for nothing, the next waits.
INSERT INTO order_line (item, qty_ordered) VALUES ('HOT', 993) RETURNING qty_shipped, qty_backordered;
INSERT INTO order_line (item, qty_ordered) VALUES ('HOT', 0.5) RETURNING qty_shipped, qty_backordered;
INSERT INTO order_line (item, qty_ordered) VALUES ('HOT', 0.5) RETURNING qty_shipped, qty_backordered;
SELECT * FROM now_of('HOT');
SELECT count(*) FROM verify();

-- Little is not split: 8 units for each of 4 lanes at least, that is 64 in all.
INSERT INTO stock (item, on_hand) VALUES ('63', 63), ('64', 64);
SELECT lanes, laned FROM set_lanes('63', lanes => 4);
SELECT lanes, laned FROM set_lanes('64', lanes => 4);
-- A lane of 8 has the first 5; the second takes the statement to the row, and the lanes with it. Of
-- 54 that are left each would get 6: that is too little.
INSERT INTO order_line (item, qty_ordered) VALUES ('64', 5), ('64', 5) RETURNING qty_shipped;
SELECT * FROM now_of('64');
SELECT count(*) FROM verify();

-- Steps: whole ones are handed out, and asked of lines.
INSERT INTO stock (item, on_hand, qty_step) VALUES ('STEP', 1000, 6);
SELECT lanes, laned FROM set_lanes('STEP', lanes => 4);
INSERT INTO order_line (item, qty_ordered) VALUES ('STEP', 12) RETURNING qty_shipped;
INSERT INTO order_line (item, qty_ordered) VALUES ('STEP', 7);
INSERT INTO order_line (item, qty_ordered) VALUES ('STEP', 1200) RETURNING qty_shipped, qty_backordered;
SELECT * FROM now_of('STEP');
SELECT count(*) FROM verify();

-- What doesn't ship at once is counted as allocated, in the lane; ship() and cancel()
-- work on the row, which gathers where it knows of less than that.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('HELD', 1000, false);
SELECT lanes, laned FROM set_lanes('HELD', lanes => 4);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('h1', 'HELD', 10), ('h2', 'HELD', 20) RETURNING qty_shipped, qty_allocated;
SELECT * FROM now_of('HELD');
SELECT on_hand, allocated, available FROM stock WHERE item = 'HELD';
SELECT qty_shipped, qty_allocated FROM ship((SELECT line_id FROM order_line WHERE order_ref = 'h1'), 4);
SELECT * FROM now_of('HELD');
SELECT count(*) FROM verify();
SELECT qty_allocated, qty_cancelled FROM cancel((SELECT line_id FROM order_line WHERE order_ref = 'h2'));
SELECT * FROM now_of('HELD');
-- Stock falls below what is allocated: 3 of 6 go back to the queue, and nothing is handed out.
SELECT on_hand, allocated, backordered, laned FROM count_stock('HELD', 3);
SELECT * FROM now_of('HELD');
SELECT count(*) FROM verify();

-- A line that is held waits with all it wants, and disturbs no lane; released, it
-- takes that before anyone else.
SELECT on_hand, laned FROM count_stock('COLD', 1000);
SELECT lanes, laned FROM set_lanes('COLD', lanes => 2);
INSERT INTO order_line (order_ref, item, qty_ordered, held) VALUES ('wait', 'COLD', 900, true) RETURNING qty_shipped, qty_backordered;
SELECT * FROM now_of('COLD');
INSERT INTO order_line (item, qty_ordered) VALUES ('COLD', 10) RETURNING qty_shipped, qty_backordered;
SELECT * FROM now_of('COLD');
SELECT count(*) FROM verify();
UPDATE order_line SET held = false WHERE order_ref = 'wait';
SELECT qty_shipped, qty_backordered FROM order_line WHERE order_ref = 'wait';
SELECT * FROM now_of('COLD');
SELECT count(*) FROM verify();

-- on_hand of the row is not what is there while something was taken from lanes: who
-- would set it by what he read is refused, count_stock() is not.
SELECT on_hand, laned FROM count_stock('COLD', 1000);
UPDATE stock SET on_hand = on_hand + 1 WHERE item = 'COLD' RETURNING on_hand, laned;
INSERT INTO order_line (item, qty_ordered) VALUES ('COLD', 10) RETURNING qty_shipped;
UPDATE stock SET on_hand = on_hand + 1 WHERE item = 'COLD';
BEGIN;
SELECT on_hand, laned FROM gather_lanes('COLD');
UPDATE stock SET on_hand = on_hand + 1 WHERE item = 'COLD' RETURNING on_hand, available, laned;
SELECT * FROM now_of('COLD');
COMMIT;
INSERT INTO order_line (item, qty_ordered) VALUES ('COLD', 2) RETURNING qty_shipped;
SELECT on_hand, laned FROM count_stock('COLD', 1000, reason => 'counted');
SELECT qty, reason FROM movement WHERE reason = 'counted';
-- Other columns may be set, and count at once: what is taken now stays allocated.
INSERT INTO order_line (item, qty_ordered) VALUES ('COLD', 2) RETURNING qty_shipped;
UPDATE stock SET ships_at_once = false, unit_cost = 7 WHERE item = 'COLD' RETURNING on_hand;
INSERT INTO order_line (item, qty_ordered) VALUES ('COLD', 2) RETURNING qty_shipped, qty_allocated;
UPDATE stock SET ships_at_once = true WHERE item = 'COLD' RETURNING on_hand, allocated;
SELECT * FROM now_of('COLD');
UPDATE stock SET lanes = 7 WHERE item = 'COLD';
UPDATE stock SET laned = 0 WHERE item = 'COLD';
SELECT count(*) FROM verify();

-- Returns, receipts and receipts reversed: while nobody waits they go by the row alone.
SELECT on_hand, laned FROM count_stock('COLD', 1000);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('back', 'COLD', 50) RETURNING qty_shipped;
SELECT qty_returned FROM return_goods((SELECT line_id FROM order_line WHERE order_ref = 'back'), 20);
SELECT line_id FROM receive('COLD', 30);
SELECT * FROM now_of('COLD');
SELECT on_hand, laned FROM reverse_receipt((SELECT max(receipt_id) FROM receipt));
SELECT * FROM now_of('COLD');
SELECT count(*) FROM verify();

-- What only reads knows what is in the lanes.
SELECT * FROM preview('COLD', 5);
SELECT available_to_promise('COLD', 970) = current_date AS today, available_to_promise('COLD', 971) IS NULL AS never;

-- Caps and protected quantities: nothing is handed out while there are any.
INSERT INTO protection (item, qty, priority) VALUES ('COLD', 400, 50);
SELECT * FROM lanes WHERE item = 'COLD';
INSERT INTO order_line (item, qty_ordered) VALUES ('COLD', 600) RETURNING qty_shipped, qty_backordered;
SELECT * FROM now_of('COLD');
SELECT count(*) FROM verify();
DELETE FROM protection;
SELECT * FROM now_of('COLD');
SELECT * FROM lanes WHERE item = 'COLD';
SELECT count(*) FROM verify();

-- Savepoints: what a lane gave is back in it.
BEGIN;
INSERT INTO order_line (item, qty_ordered) VALUES ('COLD', 10);
SAVEPOINT s;
INSERT INTO order_line (item, qty_ordered) VALUES ('COLD', 20);
SELECT on_hand FROM now_of('COLD');
ROLLBACK TO s;
SELECT on_hand FROM now_of('COLD');
INSERT INTO order_line (item, qty_ordered) VALUES ('COLD', 365) RETURNING qty_shipped, qty_backordered;
SELECT * FROM now_of('COLD');
ROLLBACK TO s;
SELECT * FROM now_of('COLD');
COMMIT;
SELECT * FROM now_of('COLD');
SELECT count(*) FROM verify();

-- Rows that are kept out give back what they took from the lane, though the statement went on
-- to the row: 90 of the lane, kept out; 90; 270 of 500.
SELECT on_hand, laned FROM count_stock('COLD', 450);
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (1000001, 'COLD', 90), (1000001, 'COLD', 80) ON CONFLICT DO NOTHING;
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (1000001, 'COLD', 90), (1000002, 'COLD', 90), (1000003, 'COLD', 500)
    ON CONFLICT DO NOTHING RETURNING line_id, qty_shipped, qty_backordered;
SELECT * FROM now_of('COLD');
SELECT count(*) FROM verify();
SELECT qty_cancelled FROM cancel(1000003);

-- A trigger that orders the same item in the middle of a statement: lane or row, both go the same way.
SELECT on_hand, laned FROM count_stock('COLD', 1000);
CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.order_ref = 'outer' THEN
        BEGIN
            INSERT INTO t_lanes.order_line (order_ref, item, qty_ordered) VALUES ('inner', new.item, new.unit_price);
            IF new.payment_days = 1 THEN RAISE EXCEPTION 'back'; END IF;
        EXCEPTION WHEN raise_exception THEN
            NULL;
        END;
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER more BEFORE INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION more();
CREATE TRIGGER zzz_more AFTER INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION more();
-- 5 + 2 * 3 from the lane
INSERT INTO order_line (order_ref, item, qty_ordered, unit_price) VALUES ('outer', 'COLD', 5, 3) RETURNING qty_shipped;
SELECT * FROM now_of('COLD');
-- 5 from the lane, 300 (before) and 300 from the row; the second time rolled back
INSERT INTO order_line (order_ref, item, qty_ordered, unit_price) VALUES ('outer', 'COLD', 5, 300) RETURNING qty_shipped;
SELECT * FROM now_of('COLD');
SELECT count(*) FROM verify();
SELECT on_hand, laned FROM count_stock('COLD', 1000);
INSERT INTO order_line (order_ref, item, qty_ordered, unit_price, payment_days) VALUES ('outer', 'COLD', 5, 700, 1), ('outer', 'COLD', 6, 700, 1) RETURNING qty_shipped;
SELECT * FROM now_of('COLD');
SELECT count(*) FROM verify();
DROP TRIGGER more ON order_line;
DROP TRIGGER zzz_more ON order_line;

-- Orders that ship as a whole, sourced lines and lines with an old place go by the row.
INSERT INTO stock (item, location, on_hand) VALUES ('COLD', 'east', 1000);
SELECT lanes, laned FROM set_lanes('COLD', 'east', 4);
INSERT INTO sourcing (item, locations, split) VALUES ('COLD', '{main,east}', true);
SELECT location, qty_shipped, qty_backordered FROM place_order('whole', '[{"item": "COLD", "qty": 1100}]', ship_policy => 'order') ORDER BY location;
SELECT location, on_hand, available, in_lanes FROM stock_now WHERE item = 'COLD' ORDER BY location;
INSERT INTO order_line (item, location, qty_ordered, queued_at) VALUES ('COLD', 'east', 1, '2020-01-01') RETURNING qty_shipped;
SELECT ref IS NOT NULL AS done FROM transfer('COLD', 10, 'east', 'main');
SELECT location, on_hand, available, in_lanes FROM stock_now WHERE item = 'COLD' ORDER BY location;
SELECT count(*) FROM verify();
DELETE FROM sourcing;

-- reallocate() leaves something over for new orders: nothing is handed out until it is gone.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('RE', 1000, false);
SELECT lanes, laned FROM set_lanes('RE', lanes => 4);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('r1', 'RE', 600), ('r2', 'RE', 100) RETURNING qty_allocated;
SELECT order_ref, qty_before, qty_after FROM reallocate('RE', strategies => '{"*": "lose"}');
SELECT unassigned, laned FROM stock WHERE item = 'RE';
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('r3', 'RE', 900) RETURNING qty_allocated, qty_backordered;
SELECT * FROM now_of('RE');
SELECT count(*) FROM verify();

-- Fewer lanes, more, none; a wrong number; an unknown item.
SELECT lanes, laned FROM set_lanes('COLD', 'east', 2);
SELECT lanes, laned FROM set_lanes('COLD', 'east', 5);
SELECT lanes, laned FROM set_lanes('COLD', 'east', 1);
SELECT lanes, laned FROM set_lanes('COLD', 'east', 0);
SELECT count(*) FROM stock_lane WHERE location = 'east';
SELECT lanes FROM set_lanes('COLD', 'east', -1);
SELECT lanes FROM set_lanes('COLD', 'east', 257);
SELECT lanes FROM set_lanes('COLD', 'east', NULL);
SELECT lanes FROM set_lanes('no such item');
SELECT lanes FROM gather_lanes('no such item');
SELECT lanes FROM book;
SELECT count(*) FROM verify();

-- Nobody writes lanes but bko; the owner may bring rows back.
UPDATE stock_lane SET qty = 1;
DELETE FROM stock_lane;
TRUNCATE stock_lane;
BEGIN;
INSERT INTO stock_lane (item, location, lane, qty, shipped, allocated, ships_at_once) VALUES ('63', 'main', 5, 0, 0, 0, true);
SELECT rule, item, detail FROM verify();
-- rebuild() believes the lanes that are there
SELECT rebuild('63');
SELECT lanes, laned FROM stock WHERE item = '63';
SELECT count(*) FROM verify();
ROLLBACK;
INSERT INTO stock (item, on_hand, lanes) VALUES ('X', 1, 2);

-- verify() sees what is wrong with lanes, rebuild() puts it right.
SELECT on_hand, laned FROM count_stock('COLD', 1000);
INSERT INTO order_line (item, qty_ordered) VALUES ('COLD', 10);
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE stock_lane SET qty = qty + 1 WHERE item = 'COLD' AND lane = 1;
SELECT rule, item, detail FROM verify() ORDER BY rule;
SET LOCAL session_replication_role = origin;
SELECT rebuild('COLD');
SELECT * FROM now_of('COLD');
SELECT count(*) FROM verify();
ROLLBACK;
BEGIN;
SET LOCAL session_replication_role = replica;
DELETE FROM stock_lane WHERE item = 'COLD' AND shipped = 0;
SELECT rule, item FROM verify() ORDER BY rule;
SET LOCAL session_replication_role = origin;
SELECT rebuild() > 0 AS corrected;
SELECT on_hand, available FROM now_of('COLD');
SELECT count(*) FROM verify();
ROLLBACK;
BEGIN;
SET LOCAL session_replication_role = replica;
DELETE FROM stock WHERE item = '63';
UPDATE book SET lanes = false;
SELECT rule, item FROM verify() ORDER BY rule, item;
ROLLBACK;
BEGIN;
UPDATE book SET lanes = false;
SELECT rebuild();
SELECT lanes FROM book;
ROLLBACK;
-- A book that is sound is left as it is.
SELECT rebuild();

-- A stock row goes with its lanes; the table isn't truncated while there are any.
SELECT on_hand, laned FROM count_stock('64', 1000);
INSERT INTO order_line (item, qty_ordered) VALUES ('64', 10);
DELETE FROM stock WHERE item = '64';
SELECT count(*) FROM stock_lane WHERE item = '64';
SELECT sum(CASE kind WHEN 'ship' THEN -qty ELSE qty END) FROM movement WHERE item = '64';
SELECT bko.create_book('t_lanes_2');
INSERT INTO t_lanes_2.stock (item) VALUES ('A');
SELECT lanes, laned FROM t_lanes_2.set_lanes('A');
TRUNCATE t_lanes_2.stock;
SELECT lanes, laned FROM t_lanes_2.set_lanes('A', lanes => 0);
SELECT lanes FROM t_lanes_2.book;
TRUNCATE t_lanes_2.stock;

-- Lines of an attached table come from lanes like any other: 5 of 500 in each of 2 lanes of 1000.
CREATE TABLE shop_line (id integer PRIMARY KEY, sku text, qty numeric, shipped numeric);
INSERT INTO stock (item, on_hand) VALUES ('ROW', 2000);
SELECT lanes, laned FROM set_lanes('ROW', lanes => 2);
SELECT attach_orders('shop_line', item => 'sku', qty => 'qty', shipped => 'shipped');
INSERT INTO shop_line (id, sku, qty) VALUES (1, 'ROW', 5), (2, 'ROW', 7) RETURNING id, shipped;
SELECT on_hand, laned FROM stock WHERE item = 'ROW';
SELECT * FROM now_of('ROW');
SELECT count(*) FROM verify();
SELECT detach('shop_line');
-- An attached stock table must say what is there, which a row with lanes doesn't.
CREATE TABLE shop_stock (sku text PRIMARY KEY, count numeric);
SELECT attach_stock('shop_stock', item => 'sku', on_hand => 'count');
SET search_path = t_lanes_2;
SELECT attach_stock('t_lanes.shop_stock', item => 'sku', on_hand => 'count');
INSERT INTO t_lanes.shop_stock VALUES ('B', 100);
SELECT lanes FROM set_lanes('B');
SELECT lanes FROM set_lanes('B', lanes => 0);
SELECT detach('t_lanes.shop_stock');
SELECT lanes FROM set_lanes('B');
SET search_path = t_lanes;

-- In a book that allocates at commit lines take from a lane what they want together, 7 of 493;
-- with a held one, or where no lane has as much, they are split by the row and what is in its lanes.
BEGIN;
UPDATE book SET allocate_at = 'commit';
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('late', 'ROW', 5), ('late', 'ROW', 2);
SELECT * FROM now_of('ROW');
SET CONSTRAINTS ALL IMMEDIATE;
SELECT qty_ordered, qty_shipped, qty_backordered FROM order_line WHERE order_ref = 'late' ORDER BY line_id;
SELECT on_hand, laned FROM stock WHERE item = 'ROW';
SELECT * FROM now_of('ROW');
SELECT count(*) FROM verify();
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO order_line (order_ref, item, qty_ordered, held) VALUES ('held', 'ROW', 5, true), ('held', 'ROW', 2, false);
SET CONSTRAINTS ALL IMMEDIATE;
SELECT qty_ordered, qty_shipped, qty_backordered FROM order_line WHERE order_ref = 'held' ORDER BY line_id;
SELECT on_hand, laned FROM stock WHERE item = 'ROW';
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('later', 'ROW', 5), ('later', 'ROW', 1990), ('later', 'ROW', 2);
SET CONSTRAINTS ALL IMMEDIATE;
SELECT qty_ordered, qty_shipped, qty_backordered FROM order_line WHERE order_ref = 'later' ORDER BY line_id;
SELECT * FROM now_of('ROW');
SELECT count(*) FROM verify();
ROLLBACK;
SELECT * FROM now_of('ROW');

-- An application role orders from lanes and needs no right on them.
CREATE ROLE regress_lanes_app;
GRANT USAGE ON SCHEMA t_lanes TO regress_lanes_app;
GRANT INSERT, SELECT ON order_line TO regress_lanes_app;
GRANT SELECT ON stock_now TO regress_lanes_app;
SET ROLE regress_lanes_app;
INSERT INTO order_line (item, qty_ordered) VALUES ('COLD', 10) RETURNING qty_shipped;
SELECT on_hand FROM stock_now WHERE item = 'COLD' AND location = 'main';
SELECT lanes FROM set_lanes('COLD');
SELECT lanes FROM gather_lanes('COLD');
SELECT bko.set_lanes('book', 'COLD', 'main', 2);
RESET ROLE;
DROP OWNED BY regress_lanes_app;
DROP ROLE regress_lanes_app;

SELECT count(*) FROM verify();
SELECT count(*) FROM t_lanes_2.verify();
SET client_min_messages = warning;
DROP SCHEMA t_lanes, t_lanes_2 CASCADE;
