-- Demand and service as reports see them: what waits and for how long, how much was
-- there at once, what money waits, who went before whom. (open_backorder and pegging:
-- t_supply.) Old days are brought in as a restore would, with their own times.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_demand_views');
DROP ROLE IF EXISTS regress_bko_bi;
RESET client_min_messages;
SET search_path = t_demand_views;
UPDATE book SET time_zone = 'UTC';

-- Nothing there at all: no rows, no errors.
SELECT (SELECT count(*) FROM backorder_aging) AS aging, (SELECT count(*) FROM backorder_trend) AS trend, (SELECT count(*) FROM fill_rate) AS fill,
       (SELECT count(*) FROM order_fill_rate) AS orders, (SELECT count(*) FROM demand_history) AS demand, (SELECT count(*) FROM cash_flow_forecast) AS cash,
       (SELECT count(*) FROM fairness) AS fairness, (SELECT count(*) FROM waiting_change) AS changes;

-- The columns that are fixed, in their order; every view and column has a comment.
SELECT c.relname, string_agg(a.attname, ', ' ORDER BY a.attnum) AS columns
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
 WHERE c.relnamespace = 't_demand_views'::regnamespace AND c.relkind = 'v'
   AND c.relname IN ('backorder_aging', 'backorder_trend', 'fill_rate', 'order_fill_rate', 'demand_history', 'cash_flow_forecast', 'fairness')
 GROUP BY c.relname ORDER BY c.relname;
SELECT c.relname, a.attname AS without_comment
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum >= 0
 WHERE c.relnamespace = 't_demand_views'::regnamespace AND c.relkind = 'v'
   AND coalesce(col_description(c.oid, a.attnum), '') = '';
SELECT c.relname AS without_comment FROM pg_class c
 WHERE c.relnamespace = 't_demand_views'::regnamespace AND c.relkind = 'v' AND obj_description(c.oid, 'pg_class') IS NULL;

-- The worked example: 350 there of 500 ordered. 350 / 500 = 0.7 of the units, no whole
-- line, no whole order.
BEGIN;
INSERT INTO stock (item, on_hand) VALUES ('PHONE-X', 350);
INSERT INTO order_line (order_ref, customer, item, qty_ordered, unit_price) VALUES ('SO-1001', 'Retailer', 'PHONE-X', 500, 799);
SELECT lines, lines_filled, units, units_filled, line_fill_rate, unit_fill_rate FROM fill_rate;
SELECT orders, orders_filled, order_fill_rate, orders_otif, otif_rate FROM order_fill_rate;
SELECT lines_opened, lines_waiting, units_opened, units_waiting, value_opened, value_waiting, currency FROM backorder_trend;
-- The rest arrives the same day: what was there at entry stays what it was, and nothing
-- was asked for earlier than it came: on time and in full.
INSERT INTO receipt (item, qty) VALUES ('PHONE-X', 400);
SELECT line_fill_rate, unit_fill_rate FROM fill_rate;
SELECT order_fill_rate, orders_otif, otif_rate FROM order_fill_rate;
SELECT lines_opened, lines_filled, lines_waiting, units_opened, units_filled, units_waiting, value_filled, value_waiting FROM backorder_trend;
SELECT * FROM verify();
ROLLBACK;

-- Days in January 2024, UTC:
--   1st 10:00  line 1: 10 of A at 2 EUR wait        1st 11:00  line 2: 5 of A at 3 EUR wait
--   3rd 09:00  4 of A come: 4 of line 1             4th 09:00  line 2 is cancelled
--   3rd 23:30  line 3: 7 of C at 1 USD, 3 are there, 4 wait
--   5th 09:00  6 of A come: the rest of line 1      5th 12:00  line 4: 2 of A, no price, wait; 13:00 one is cancelled
--   6th 08:00  1 of A and 4 of C come               10th 23:30 line 5: 2 of C, both there
INSERT INTO stock (item, location, on_hand, allocated, backordered) VALUES ('A', 'main', 0, 0, 0), ('C', 'north', 0, 0, 0);
INSERT INTO order_line (line_id, order_ref, customer, demand, item, location, requested_on, unit_price, currency, qty_ordered, ordered_at, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at, closed_at) VALUES
 (1, 'O-1', 'X', 'customer', 'A', 'main', '2024-01-05', 2, 'EUR', 10, '2024-01-01 10:00Z', 10, 0, 0, 0, 0, 0, '2024-01-01 10:00Z', '2024-01-05 09:00Z'),
 (2, 'O-2', 'Y', 'customer', 'A', 'main', NULL, 3, 'EUR', 5, '2024-01-01 11:00Z', 0, 0, 0, 5, 0, 0, '2024-01-01 11:00Z', '2024-01-04 09:00Z'),
 (3, 'O-1', 'X', 'customer', 'C', 'north', '2024-01-06', 1, 'USD', 7, '2024-01-03 23:30Z', 7, 0, 0, 0, 0, 3, '2024-01-03 23:30Z', '2024-01-06 08:00Z'),
 (4, NULL, NULL, 'internal', 'A', 'main', '2024-01-07', NULL, NULL, 2, '2024-01-05 12:00Z', 1, 0, 0, 1, 0, 0, '2024-01-05 12:00Z', '2024-01-06 08:00Z'),
 (5, NULL, 'Y', 'customer', 'C', 'north', '2024-01-10', 1, 'USD', 2, '2024-01-10 23:30Z', 2, 0, 0, 0, 0, 2, '2024-01-10 23:30Z', '2024-01-10 23:30Z');
INSERT INTO movement (at, kind, from_state, to_state, item, location, qty, line_id, by_role) VALUES
 ('2024-01-01 09:00Z', 'adjust', NULL, NULL, 'C', 'north', 5, NULL, 'old'),
 ('2024-01-01 10:00Z', 'backorder', NULL, 'b', 'A', 'main', 10, 1, 'old'),
 ('2024-01-01 11:00Z', 'backorder', NULL, 'b', 'A', 'main', 5, 2, 'old'),
 ('2024-01-03 09:00Z', 'adjust', NULL, NULL, 'A', 'main', 4, NULL, 'old'),
 ('2024-01-03 09:00Z', 'ship', 'b', 's', 'A', 'main', 4, 1, 'old'),
 ('2024-01-03 23:30Z', 'adjust', NULL, NULL, 'C', 'north', -2, NULL, 'old'),
 ('2024-01-03 23:30Z', 'ship', NULL, 's', 'C', 'north', 3, 3, 'old'),
 ('2024-01-03 23:30Z', 'backorder', NULL, 'b', 'C', 'north', 4, 3, 'old'),
 ('2024-01-04 09:00Z', 'cancel', 'b', 'c', 'A', 'main', 5, 2, 'old'),
 ('2024-01-05 09:00Z', 'adjust', NULL, NULL, 'A', 'main', 6, NULL, 'old'),
 ('2024-01-05 09:00Z', 'ship', 'b', 's', 'A', 'main', 6, 1, 'old'),
 ('2024-01-05 12:00Z', 'backorder', NULL, 'b', 'A', 'main', 2, 4, 'old'),
 ('2024-01-05 13:00Z', 'cancel', 'b', 'c', 'A', 'main', 1, 4, 'old'),
 ('2024-01-06 08:00Z', 'adjust', NULL, NULL, 'A', 'main', 1, NULL, 'old'),
 ('2024-01-06 08:00Z', 'ship', 'b', 's', 'A', 'main', 1, 4, 'old'),
 ('2024-01-06 08:00Z', 'adjust', NULL, NULL, 'C', 'north', 4, NULL, 'old'),
 ('2024-01-06 08:00Z', 'ship', 'b', 's', 'C', 'north', 4, 3, 'old'),
 ('2024-01-10 23:30Z', 'adjust', NULL, NULL, 'C', 'north', 2, NULL, 'old'),
 ('2024-01-10 23:30Z', 'ship', NULL, 's', 'C', 'north', 2, 5, 'old');
SELECT * FROM verify();
SELECT setval(pg_get_serial_sequence('order_line', 'line_id'), 100) AS next;

-- A in EUR: 15 units of 20 + 15 = 35 EUR wait on the 1st and, though nothing happens, on
-- the 2nd; 4 of 2 EUR are filled on the 3rd, no line in full; 5 of 3 EUR are cancelled on
-- the 4th; the last 6 filled on the 5th. A without a price and currency: units, no value.
-- C in USD: 4 from the 3rd to the 6th.
CREATE FUNCTION trend(which text) RETURNS TABLE (day text, currency text, lines text, units text, value text) LANGUAGE sql AS $$
    SELECT to_char(t.day, 'MM-DD'), t.currency, format('+%s -%s x%s =%s', lines_opened, lines_filled, lines_cancelled, lines_waiting),
           format('+%s -%s x%s =%s', units_opened, units_filled, units_cancelled, units_waiting),
           format('+%s -%s x%s =%s', value_opened, value_filled, value_cancelled, value_waiting)
      FROM t_demand_views.backorder_trend t WHERE t.item = which ORDER BY t.currency, t.day
$$;
SELECT * FROM trend('A');
SELECT * FROM trend('C');
SELECT line_id, at AT TIME ZONE 'UTC' AS at, change, qty, waiting FROM waiting_change WHERE line_id IN (1, 4) ORDER BY line_id, movement_id;
-- 0 of 15 A on the 1st, 3 of 7 C on the 3rd, 0 of 2 A on the 5th, 2 of 2 C on the 10th.
SELECT * FROM fill_rate ORDER BY day, item;
SELECT * FROM demand_history ORDER BY day, item;
-- Orders: on the 1st O-1 (lines 1 and 3: not filled at once; shipped in full on the days
-- asked for) and O-2 (cancelled: not in full); line 4 lost one to cancellation; line 5 was
-- there and shipped on its day.
SELECT * FROM order_fill_rate ORDER BY day;

-- In Tokyo 23:30 is 08:30 of the next day: line 3 is of the 4th, line 5 of the 11th and a
-- day late. The reader's own time zone changes nothing.
UPDATE book SET time_zone = 'Asia/Tokyo';
SELECT * FROM trend('C');
SELECT * FROM fill_rate WHERE item = 'C' ORDER BY day;
SELECT * FROM demand_history WHERE item = 'C' ORDER BY day;
SELECT * FROM order_fill_rate ORDER BY day;
SET TimeZone = 'Pacific/Kiritimati';
SELECT * FROM order_fill_rate ORDER BY day;
RESET TimeZone;
UPDATE book SET time_zone = 'UTC';

-- Aging: days are 24 hours. By hours, an hour before and at each border: 7 d 23 h, 8 d,
-- 14 d 23 h, 15 d, 30 d 23 h, 31 d, 60 d 23 h, 61 d; a held one of today without a price,
-- and 2 that wait in dollars.
INSERT INTO stock (item) VALUES ('G');
INSERT INTO order_line (customer, item, qty_ordered, unit_price, currency, queued_at)
SELECT 'X', 'G', 1, 10, 'EUR', now() - make_interval(hours => h) FROM unnest(ARRAY[191, 192, 359, 360, 743, 744, 1463, 1464]) h;
INSERT INTO order_line (customer, item, qty_ordered, held) VALUES ('X', 'G', 2.5, true);
INSERT INTO order_line (item, qty_ordered, unit_price, currency) VALUES ('G', 2, 3, 'USD');
SELECT bucket_no, bucket, customer, currency, lines, units, value FROM backorder_aging WHERE item = 'G' ORDER BY bucket_no, currency;
-- The trend goes on to today, and there tells what waits.
SELECT max(day) - (now() AT TIME ZONE 'UTC')::date AS behind FROM backorder_trend WHERE item = 'G';
SELECT currency, lines_waiting, units_waiting, value_waiting FROM backorder_trend WHERE item = 'G' AND day = (now() AT TIME ZONE 'UTC')::date ORDER BY currency;
-- A line that is deleted, and one that moves to another item: cancelled here, opened there.
INSERT INTO stock (item) VALUES ('G2'), ('G3');
INSERT INTO order_line (order_ref, item, qty_ordered, unit_price, currency) VALUES ('gone', 'G2', 3, 1, 'EUR'), ('moved', 'G2', 4, 1, 'EUR');
DELETE FROM order_line WHERE order_ref = 'gone';
UPDATE order_line SET item = 'G3' WHERE order_ref = 'moved';
SELECT item, currency, lines_opened, lines_cancelled, lines_waiting, units_opened, units_cancelled, units_waiting, value_waiting FROM backorder_trend WHERE item IN ('G2', 'G3') ORDER BY item;
DELETE FROM order_line WHERE order_ref = 'moved';
-- Stock falls: the 3 that were allocated wait again. Two waits of one line.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('G4', 0, false);
INSERT INTO order_line (item, qty_ordered) VALUES ('G4', 3);
SELECT backordered FROM count_stock('G4', 3);
SELECT backordered FROM count_stock('G4', 1);
SELECT lines_opened, lines_filled, lines_waiting, units_opened, units_filled, units_waiting, value_waiting FROM backorder_trend WHERE item = 'G4';

-- Cash: PO of 9 comes on Wednesday 2040-03-07. For pay in 30 days, on Friday 2040-04-06,
-- week of Monday the 2nd: 2 of 5 EUR asked for the 1st (late) and 3 of 5 EUR asked for the
-- 7th; 1 USD without a date, late nowhere; pay at once, week of Monday 2040-03-05, payment_days null.
-- Internal lines are no money. Nothing is left for the last four: 7 EUR asked for in
-- 2001 (late), 8 EUR for 2050 and 9 EUR without a day, not late, and one without a price.
DELETE FROM order_line WHERE item LIKE 'G%' AND qty_shipped = 0;
INSERT INTO stock (item) VALUES ('H');
INSERT INTO order_line (demand, item, qty_ordered, unit_price, currency, payment_days, requested_on) VALUES
 ('customer', 'H', 2, 5, 'EUR', 30, '2040-03-01'), ('customer', 'H', 3, 5, 'EUR', 30, '2040-03-07'), ('customer', 'H', 1, 1, 'USD', 30, NULL),
 ('internal', 'H', 1, 100, 'EUR', 0, NULL), ('customer', 'H', 2, 0.5, 'EUR', NULL, NULL),
 ('customer', 'H', 1, 7, 'EUR', 0, '2001-01-01'), ('customer', 'H', 1, 8, 'EUR', 0, '2050-01-01'), ('customer', 'H', 1, 9, 'EUR', 0, NULL), ('customer', 'H', 1, NULL, NULL, 0, '2001-01-01');
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('PO', 'H', 9, '2040-03-07');
SELECT * FROM cash_flow_forecast ORDER BY week, currency;

-- Fairness. First in, first out: partly filled, filled together, at entry, none overtaken.
CREATE VIEW overtaken AS
    SELECT f.item, l.order_ref AS line, o.order_ref AS overtook, f.qty, f.reason
      FROM fairness f JOIN order_line l USING (line_id, item) JOIN order_line o ON o.line_id = f.overtook_line_id ORDER BY f.item, f.at, l.line_id;
INSERT INTO stock (item, on_hand) VALUES ('1 fifo', 2);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', '1 fifo', 1), ('b', '1 fifo', 4), ('c', '1 fifo', 2);
INSERT INTO receipt (item, qty) VALUES ('1 fifo', 2);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('d', '1 fifo', 2);
INSERT INTO receipt (item, qty) VALUES ('1 fifo', 4);
INSERT INTO receipt (item, qty) VALUES ('1 fifo', 4);
-- Urgent d gets 3 while a, the oldest, and b wait; the next 9 go to d, a and b alike:
-- nobody is left waiting.
INSERT INTO stock (item) VALUES ('2 priority');
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES ('a', '2 priority', 5, 100), ('b', '2 priority', 1, 100), ('d', '2 priority', 6, 1);
INSERT INTO receipt (item, qty) VALUES ('2 priority', 3);
INSERT INTO receipt (item, qty) VALUES ('2 priority', 9);
-- b is due first, then most_lines: b is the smallest; fair_share: 2 of 4 each.
INSERT INTO stock (item, fill_rule) VALUES ('3 due', 'due_date'), ('4 most', 'most_lines'), ('5 fair', 'fair_share');
INSERT INTO order_line (order_ref, item, qty_ordered, requested_on) VALUES ('a', '3 due', 5, '2030-02-01'), ('b', '3 due', 2, '2030-01-01'), ('a', '4 most', 5, NULL), ('b', '4 most', 2, NULL), ('a', '5 fair', 4, NULL), ('b', '5 fair', 4, NULL);
INSERT INTO receipt (item, qty) VALUES ('3 due', 3), ('4 most', 3), ('5 fair', 4);
-- a is held: b is filled, and c, who comes later, takes what is there at entry.
INSERT INTO stock (item) VALUES ('6 hold');
INSERT INTO order_line (order_ref, item, qty_ordered, held) VALUES ('a', '6 hold', 5, true), ('b', '6 hold', 1, false);
INSERT INTO receipt (item, qty) VALUES ('6 hold', 3);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('c', '6 hold', 2);
-- Customers of a group may have 1 a month: a waits for the rest, b takes 2.
INSERT INTO customer_group (customer, group_name) VALUES ('X', 'small');
INSERT INTO stock (item, on_hand) VALUES ('7 limit', 3);
INSERT INTO cap (item, customer_group, qty) VALUES ('7 limit', 'small', 1);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'X', '7 limit', 3);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('b', 'Y', '7 limit', 2);
-- Bought for b: its receipt fills b first, and 1 is left for a.
INSERT INTO stock (item) VALUES ('8 pegged');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', '8 pegged', 5), ('b', '8 pegged', 2);
INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) SELECT 'FOR-B', item, 3, line_id FROM order_line WHERE item = '8 pegged' AND order_ref = 'b';
INSERT INTO receipt (item, qty, supply_ref) VALUES ('8 pegged', 3, 'FOR-B');
-- reallocate takes 3 of a, which then waits, and gives b its 2.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('9 reallocate', 3, false);
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES ('a', '9 reallocate', 3, 100), ('b', '9 reallocate', 2, 200);
SELECT order_ref, qty_before, qty_after FROM reallocate('9 reallocate', strategies => '{"100": "lose", "200": "win"}');
-- b was urgent when it was filled, and is no longer: no table tells why.
INSERT INTO stock (item) VALUES ('X other');
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES ('a', 'X other', 5, 100), ('b', 'X other', 2, 1);
INSERT INTO receipt (item, qty) VALUES ('X other', 1);
UPDATE order_line SET priority = 100 WHERE item = 'X other';
SELECT * FROM overtaken;
-- An old order brought in today with its old time was not waiting when others were filled.
INSERT INTO order_line (order_ref, item, qty_ordered, queued_at) VALUES ('old', '1 fifo', 1, '2001-01-01');
SELECT * FROM overtaken WHERE item = '1 fifo';
-- What the view says, asked of the journal in the plainest way: for each gain the oldest
-- older line that waited before it and after its statement.
WITH gain AS (
    SELECT m.*, l.queued_at FROM movement m JOIN order_line l USING (line_id, item, location)
     WHERE m.to_state IN ('a', 's') AND coalesce(m.from_state, 'b') = 'b'
), plain AS (
    SELECT g.line_id, (SELECT o.line_id FROM order_line o
                        WHERE o.item = g.item AND o.location = g.location AND o.queued_at < g.queued_at
                          AND (SELECT coalesce(sum(CASE WHEN h.to_state = 'b' THEN h.qty WHEN h.from_state = 'b' THEN -h.qty END), 0)
                                 FROM movement h WHERE h.line_id = o.line_id AND h.movement_id < g.movement_id) > 0
                          AND (SELECT coalesce(sum(CASE WHEN h.to_state = 'b' THEN h.qty WHEN h.from_state = 'b' THEN -h.qty END), 0)
                                 FROM movement h WHERE h.line_id = o.line_id AND (h.movement_id < g.movement_id OR h.at = g.at)) > 0
                        ORDER BY o.queued_at LIMIT 1) AS overtook_line_id, g.item, g.location, g.at, g.qty
      FROM gain g
)
SELECT count(*) AS different FROM (
    (SELECT * FROM plain WHERE overtook_line_id IS NOT NULL EXCEPT ALL SELECT line_id, overtook_line_id, item, location, at, qty FROM fairness) UNION ALL
    (SELECT line_id, overtook_line_id, item, location, at, qty FROM fairness EXCEPT ALL SELECT * FROM plain)) d;
SELECT * FROM verify();

-- Somebody who may read the views and nothing else reads them all, with the same rows.
CREATE TABLE owner_sees AS SELECT (SELECT count(*) FROM backorder_aging) AS aging, (SELECT count(*) FROM backorder_trend) AS trend, (SELECT count(*) FROM fill_rate) AS fill,
       (SELECT count(*) FROM order_fill_rate) AS orders, (SELECT count(*) FROM demand_history) AS demand, (SELECT count(*) FROM cash_flow_forecast) AS cash, (SELECT count(*) FROM fairness) AS fairness;
SET client_min_messages = warning;
CREATE ROLE regress_bko_bi;
GRANT USAGE ON SCHEMA t_demand_views TO regress_bko_bi;
GRANT SELECT ON backorder_aging, backorder_trend, fill_rate, order_fill_rate, demand_history, cash_flow_forecast, fairness, owner_sees TO regress_bko_bi;
SET ROLE regress_bko_bi;
SELECT (SELECT count(*) FROM backorder_aging) = aging AS aging, (SELECT count(*) FROM backorder_trend) = trend AS trend, (SELECT count(*) FROM fill_rate) = fill AS fill,
       (SELECT count(*) FROM order_fill_rate) = orders AS orders, (SELECT count(*) FROM demand_history) = demand AS demand, (SELECT count(*) FROM cash_flow_forecast) = cash AS cash,
       (SELECT count(*) FROM fairness) = fairness AS fairness FROM owner_sees;
SELECT count(*) FROM order_line;
SELECT count(*) FROM movement;
SELECT count(*) FROM book;
SELECT count(*) FROM waiting_line;
SELECT bko.promise('book'::regclass, gen_random_uuid(), 'A', 'main', 1);
RESET ROLE;
DROP SCHEMA t_demand_views CASCADE;
DROP ROLE regress_bko_bi;
