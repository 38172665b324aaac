-- The views on supply and stock: supplier_performance, inventory_turnover,
-- replenishment_cycle, item_position, reorder_advice, provenance, and what they
-- stand on. Small enough to be worked out by hand, as the comments do.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SET timezone = 'UTC';
SELECT bko.create_book('t_stock_views');
DROP ROLE IF EXISTS regress_bko_bi;
RESET client_min_messages;
SET search_path = t_stock_views;
\set VERBOSITY terse
-- Days are those of Vienna: an hour ahead of UTC, two in summer.
UPDATE book SET time_zone = 'Europe/Vienna', service_level = 0.97;
SELECT (now() AT TIME ZONE 'Europe/Vienna')::date AS today \gset

-- Nothing there at all: no row, and no division by zero.
SELECT (SELECT count(*) FROM supplier_performance) + (SELECT count(*) FROM supply_delivery) + (SELECT count(*) FROM inventory_turnover)
     + (SELECT count(*) FROM replenishment_cycle) + (SELECT count(*) FROM item_position) + (SELECT count(*) FROM reorder_advice)
     + (SELECT count(*) FROM provenance) + (SELECT count(*) FROM demand_rate) AS rows;

-- ---- When a supply line was closed ----

INSERT INTO stock (item) VALUES ('C');
INSERT INTO supply (supply_ref, item, qty_expected, closed, closed_on) VALUES ('open', 'C', 1, false, NULL), ('open with a day', 'C', 1, false, '2024-01-01'), ('closed', 'C', 1, true, NULL), ('closed long ago', 'C', 1, true, '2024-01-01');
SELECT supply_ref, closed_on = :'today' AS closed_today, closed_on < :'today' AS before FROM supply ORDER BY supply_id;
-- It is closed, changed (the day stays), opened, closed again with a day.
UPDATE supply SET closed = true WHERE supply_ref = 'open' RETURNING closed_on = :'today' AS closed_today;
UPDATE supply SET unit_cost = 1 WHERE supply_ref = 'closed long ago' RETURNING closed_on;
UPDATE supply SET closed = false WHERE supply_ref = 'closed long ago' RETURNING closed_on;
UPDATE supply SET closed = true, closed_on = '2024-02-02' WHERE supply_ref = 'closed long ago' RETURNING closed_on;
-- A receipt that is reversed opens its line again, by the engine's own hand.
INSERT INTO supply (supply_ref, item, qty_expected) VALUES ('reversed', 'C', 5);
INSERT INTO receipt (receipt_id, item, qty, supply_ref) VALUES (9001, 'C', 4, 'reversed');
UPDATE supply SET closed = true WHERE supply_ref = 'reversed';
SELECT on_hand FROM reverse_receipt(9001, 1);
SELECT closed, closed_on, qty_received FROM supply WHERE supply_ref = 'reversed';
DELETE FROM supply WHERE qty_received = 0;
UPDATE supply SET closed = true, supplier = 'Short' WHERE supply_ref = 'reversed';

-- ---- supplier_performance ----

-- Acme: 10 of A each, ordered on the 1st of January 2024, promised for the 10th.
INSERT INTO stock (item) VALUES ('A');
INSERT INTO supply (supply_ref, supplier, item, qty_expected, ordered_on, promised_on)
SELECT 'PO-' || n, 'Acme', 'A', 10, '2024-01-01', CASE WHEN n = 9 THEN :'today'::date + 10 ELSE '2024-01-10' END FROM generate_series(1, 9) n;
INSERT INTO receipt (receipt_id, supply_ref, item, qty, received_at) VALUES
    (101, 'PO-1', 'A', 10, '2024-01-08 12:00+01'),                 -- 1: all on the 8th
    (102, 'PO-2', 'A', 6, '2024-01-09 12:00+01'),                  -- 2: the rest on the 12th
    (103, 'PO-2', 'A', 4, '2024-01-12 12:00+01'),
    (104, 'PO-3', 'A', 6, '2024-01-09 12:00+01'),                  -- 3: no more came
    (106, 'PO-6', 'A', 10, '2024-01-10 23:30+01'),                 -- 6: on the last hour of the 10th
    (107, 'PO-7', 'A', 10, '2024-01-10 23:30+00'),                 -- 7: the 11th in Vienna, the 10th elsewhere
    (108, 'PO-8', 'A', 10, '2024-01-08 12:00+01');                 -- 8: 3 of it go back, 3 come on the 13th
SELECT on_hand FROM reverse_receipt(108, 3);
INSERT INTO receipt (receipt_id, supply_ref, item, qty, received_at) VALUES
    (109, 'PO-8', 'A', 3, '2024-01-13 12:00+01'), (110, 'PO-9', 'A', 4, '2024-01-05 12:00+01');   -- 9: not due yet
UPDATE supply SET closed = true, closed_on = CASE supply_ref WHEN 'PO-3' THEN date '2024-01-20'
    WHEN 'PO-4' THEN '2024-01-10' ELSE '2024-01-15' END WHERE supply_ref IN ('PO-3', 'PO-4', 'PO-5');
SELECT supply_ref, delivered_on, judged, on_time, in_full, lead_days, days_late, qty_overdue FROM supply_delivery WHERE supplier = 'Acme' AND supply_ref <> 'PO-9' ORDER BY supply_ref;
SELECT judged, on_time, in_full, days_late, qty_overdue FROM supply_delivery WHERE supply_ref = 'PO-9';
-- 4 was cancelled in time, 9 is not due: 7 lines. On time 1, 3, 6; in full 1, 2, 6, 7,
-- 8; both 1, 6. Lead 7, 11, 8, 9, 10, 12: mean 57 / 6 = 9.5, and the squares of what
-- they are off that are 17.5 in sum: sqrt(17.5 / 5) = 1.87. Late 2, 5, 1, 3: 11 / 7.
\x on
SELECT * FROM supplier_performance WHERE supplier = 'Acme';
-- Late: one of 10 promised 5 days ago, of which 4 came that day, 15 days after it was
-- ordered; one of 2 promised 3 days ago, of which nothing came. Missing 6 + 2, late
-- (5 + 3) / 2.
INSERT INTO supply (supply_ref, supplier, item, qty_expected, ordered_on, promised_on) VALUES
    ('L-1', 'Late', 'A', 10, :'today'::date - 20, :'today'::date - 5), ('L-2', 'Late', 'A', 2, :'today'::date - 20, :'today'::date - 3);
INSERT INTO receipt (supply_ref, item, qty, received_at) VALUES ('L-1', 'A', 4, (:'today'::date - 5)::timestamp AT TIME ZONE 'Europe/Vienna');
SELECT * FROM supplier_performance WHERE supplier = 'Late';
-- No supplier, no promise, 2 days: can't be late. Cancelled without a promise: none
-- was broken.
INSERT INTO supply (supply_ref, kind, item, qty_expected, ordered_on, closed, promised_on) VALUES ('N-1', 'production', 'A', 5, '2024-01-01', false, NULL), ('N-2', 'production', 'A', 5, '2024-01-01', true, NULL);
INSERT INTO receipt (supply_ref, item, qty, received_at) VALUES ('N-1', 'A', 5, '2024-01-03 12:00+01');
SELECT * FROM supplier_performance WHERE supplier IS NULL;
\x off
-- Short is the one above, closed with 3 of 5.
SELECT supplier, lines, lines_on_time, lines_in_full FROM supplier_performance ORDER BY supplier;
-- Today is the last day of a promise, tomorrow it is broken.
INSERT INTO supply (supply_ref, supplier, item, qty_expected, promised_on) VALUES ('T-1', 'Today', 'A', 1, :'today'), ('T-2', 'Today', 'A', 1, :'today'::date - 1);
SELECT supply_ref, judged, days_late, qty_overdue FROM supply_delivery WHERE supplier = 'Today' ORDER BY 1;
-- Received in January and sent back later, all of it: nothing came.
INSERT INTO supply (supply_ref, supplier, item, qty_expected, promised_on, ordered_on) VALUES ('B-1', 'Back', 'A', 1, '2024-01-10', '2024-01-01');
INSERT INTO receipt (receipt_id, supply_ref, item, qty, received_at) VALUES (120, 'B-1', 'A', 1, '2024-01-08 12:00+01');
SELECT lines_otif FROM supplier_performance WHERE supplier = 'Back';
SELECT on_hand > 0 FROM reverse_receipt(120);
SELECT lines, lines_otif, lead_days_mean, qty_overdue FROM supplier_performance WHERE supplier = 'Back';
SELECT * FROM verify();

-- ---- inventory_turnover and replenishment_cycle: history brought in ----

INSERT INTO stock (item, on_hand, allocated, backordered, unit_cost) VALUES ('T', 0, 0, 0, 2), ('R', 4, 0, 0, NULL), ('N', 0, 0, 0, NULL);
INSERT INTO movement (at, kind, item, location, qty, by_role, line_id, to_state) VALUES
    ('2024-01-01 00:00+01', 'adjust', 'T', 'main', 100, 'x', NULL, NULL),
    ('2024-01-16 12:00+01', 'ship', 'T', 'main', 62, 'x', 501, 's'),
    ('2024-03-01 00:00+01', 'ship', 'T', 'main', 38, 'x', 502, 's'),      -- still February in UTC
    ('2024-05-16 12:00+02', 'adjust', 'T', 'main', 10, 'x', NULL, NULL),
    ('2024-06-01 00:00+02', 'adjust', 'T', 'main', -10, 'x', NULL, NULL);
INSERT INTO order_line (line_id, item, qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at, ordered_at, closed_at)
SELECT n, i, q, q, 0, 0, 0, 0, q, t, t, t FROM (VALUES (501, 'T', 62, timestamptz '2024-01-16 12:00+01'), (502, 'T', 38, '2024-03-01 00:00+01'), (503, 'R', 5, '2024-01-03 00:00+01'), (504, 'R', 10, '2024-01-10 00:00+01')) v (n, i, q, t);
-- January: 100 for 15.5 days, 38 for 15.5: 69. 62 / 69 = 0.8986; 31 / 0.8986 = 34.5.
-- February: 38 all the time, nothing ships. March: 38 ship as it begins. April: nothing
-- there. May: 10 for half of it. June: the 10 go as it begins.
SELECT * FROM inventory_turnover WHERE item = 'T' ORDER BY month;
-- This month, without a cost: 10 come as it begins and go in the middle of it up to
-- now: average 5, turnover 2, and half the days until now.
BEGIN;
INSERT INTO order_line (line_id, item, qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at, closed_at) VALUES (505, 'N', 10, 10, 0, 0, 0, 0, 10, now(), now());
INSERT INTO movement (at, kind, item, location, qty, by_role, line_id, to_state)
SELECT t, k, 'N', 'main', 10, 'x', l, s FROM (SELECT date_trunc('month', now() AT TIME ZONE 'Europe/Vienna') AT TIME ZONE 'Europe/Vienna' AS begins) m,
    LATERAL (VALUES (begins, 'adjust', NULL, NULL::"char"), (begins + (now() - begins) / 2, 'ship', 505, 's')) v (t, k, l, s);
SELECT cogs, average_value, turnover, units_shipped, average_units,
       days_of_inventory = trim_scale(round(extract(epoch FROM (now() AT TIME ZONE 'Europe/Vienna') - date_trunc('month', now() AT TIME ZONE 'Europe/Vienna')) / 86400 / 2, 2)) AS days,
       month = date_trunc('month', now() AT TIME ZONE 'Europe/Vienna')::date AS this_month
  FROM inventory_turnover WHERE item = 'N';
COMMIT;

-- R: 5 there on the 1st, shipped on the 3rd: out until 10 come on the 6th: 3 days.
-- They are allocated on the 10th and leave on the 12th; 4 come on the 13th: 3 days more
-- without anything available. Two receipts, 7 days apart, 5 and 10 days after the order.
INSERT INTO supply (supply_id, supply_ref, item, qty_expected, ordered_on, qty_received, closed) VALUES (901, 'R-1', 'R', 10, '2024-01-01', 10, true), (902, 'R-2', 'R', 4, '2024-01-03', 4, true);
INSERT INTO receipt (receipt_id, supply_ref, supply_id, item, qty, received_at, qty_to_backorders, qty_to_stock) VALUES (901, 'R-1', 901, 'R', 10, '2024-01-06 00:00+01', 0, 10), (902, 'R-2', 902, 'R', 4, '2024-01-13 00:00+01', 0, 4);
INSERT INTO movement (at, kind, item, location, qty, by_role, line_id, from_state, to_state, receipt_id, supply_id) VALUES
    ('2024-01-01 00:00+01', 'adjust', 'R', 'main', 5, 'x', NULL, NULL, NULL, NULL, NULL),
    ('2024-01-03 00:00+01', 'ship', 'R', 'main', 5, 'x', 503, NULL, 's', NULL, NULL),
    ('2024-01-06 00:00+01', 'receive', 'R', 'main', 10, 'x', NULL, NULL, NULL, 901, 901),
    ('2024-01-10 00:00+01', 'allocate', 'R', 'main', 10, 'x', 504, NULL, 'a', NULL, NULL),
    ('2024-01-12 00:00+01', 'ship', 'R', 'main', 10, 'x', 504, 'a', 's', NULL, NULL),
    ('2024-01-13 00:00+01', 'receive', 'R', 'main', 4, 'x', NULL, NULL, NULL, 902, 902);
SELECT * FROM replenishment_cycle WHERE item = 'R';
-- No receipt: no mean.
SELECT receipts, days_between_mean, order_to_receipt_days_mean FROM replenishment_cycle WHERE item = 'N';
SELECT * FROM verify();

-- ---- demand, item_position, reorder_advice ----

-- S: 45, 50 and 55 ordered the day before yesterday, yesterday and today: mean 50, sd 5.
-- Stevenson's example: 97 % with a lead time of 1: z 1.88, safety stock 9.40, reorder
-- point 59.40. 300 were there, 150 are left: cover 3 days, nothing to order.
INSERT INTO stock (item, on_hand, lead_time_days) VALUES ('S', 300, 1);
INSERT INTO order_line (item, qty_ordered, ordered_at) SELECT 'S', 55 - 5 * n, (:'today'::date - n + time '12:00') AT TIME ZONE 'Europe/Vienna' FROM generate_series(0, 2) n;
SELECT item, days, units, trim_scale(demand_mean) AS demand_mean, trim_scale(demand_sd) AS demand_sd, units_filled FROM demand_rate WHERE item = 'S';
\x on
SELECT item, location, on_hand, allocated, available, backordered, expected, next_expected_on, days_of_cover, unit_fill_rate FROM item_position WHERE item = 'S';
SELECT * FROM reorder_advice WHERE item = 'S';
\x off
-- 20 on hand: 39.40 below the reorder point: 40; by the dozen 48; with 30 on their way,
-- though others were closed or deleted, 12; with 39.4, which bring it there exactly,
-- none. A safety stock of one's own: 7.
UPDATE stock SET on_hand = 20 WHERE item = 'S';
SELECT position, safety_stock, reorder_point, advised_qty FROM reorder_advice WHERE item = 'S';
UPDATE stock SET qty_step = 12 WHERE item = 'S';
SELECT position, advised_qty FROM reorder_advice WHERE item = 'S';
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('S-1', 'S', 30, :'today'::date + 3), ('S-2', 'S', 5, NULL), ('S-3', 'S', 99, :'today');
UPDATE supply SET closed = true WHERE supply_ref = 'S-3';
DELETE FROM supply WHERE supply_ref = 'S-2';
SELECT expected, position, advised_qty FROM reorder_advice WHERE item = 'S';
SELECT expected, next_expected_on = :'today'::date + 3 AS in_3_days FROM item_position WHERE item = 'S';
UPDATE supply SET qty_expected = 39.4 WHERE supply_ref = 'S-1';
SELECT expected, position, advised_qty FROM reorder_advice WHERE item = 'S';
UPDATE stock SET safety_stock = 7 WHERE item = 'S';
SELECT safety_stock, reorder_point, advised_qty FROM reorder_advice WHERE item = 'S';
-- V: 10 ordered 9 days ago, nothing since: 10 days, mean 1, sd sqrt((100 - 10) / 9).
-- Delivered after 7 and 9 days: 8, sd 1.4142; what is still open counts for nothing. Safety
-- stock 1.8808 * sqrt(8 * 10 + 1 * 2) = 17.03, reorder point 25.03. 0 on hand, 10 wait
-- of which 4 are expected: -6. To order: 32.
INSERT INTO stock (item, lead_time_days) VALUES ('V', 99);
INSERT INTO supply (supply_ref, item, qty_expected, ordered_on) VALUES ('V-1', 'V', 1, '2024-01-01'), ('V-2', 'V', 1, '2024-01-01'), ('V-3', 'V', 8, '2024-01-01');
INSERT INTO receipt (supply_ref, item, qty, received_at) VALUES ('V-1', 'V', 1, '2024-01-08 12:00+01'), ('V-2', 'V', 1, '2024-01-10 12:00+01'), ('V-3', 'V', 4, '2024-03-01 12:00+01');
SELECT on_hand FROM count_stock('V', 0);
INSERT INTO order_line (item, qty_ordered, ordered_at) VALUES ('V', 10, (:'today'::date - 9 + time '12:00') AT TIME ZONE 'Europe/Vienna');
\x on
SELECT * FROM reorder_advice WHERE item = 'V';
\x off
-- W: 1000 ordered 90 days ago, which is one too many; 9 today: 9 / 90. Nothing known of
-- the lead time: null, and reckoned as 0. 1009 wait, and are what to order.
INSERT INTO stock (item) VALUES ('W');
INSERT INTO order_line (item, qty_ordered, ordered_at) SELECT 'W', q, (:'today'::date - d + time '00:00') AT TIME ZONE 'Europe/Vienna' FROM (VALUES (90, 1000), (0, 9)) v (d, q);
SELECT demand_mean, lead_days, lead_sd, safety_stock, reorder_point, advised_qty FROM reorder_advice WHERE item = 'W';
UPDATE book SET demand_days = 91;
SELECT demand_mean FROM reorder_advice WHERE item = 'W';
UPDATE book SET demand_days = 1, service_level = 0.5;
SELECT demand_mean, demand_sd, safety_stock FROM reorder_advice WHERE item = 'W';
UPDATE book SET demand_days = 90, service_level = 0.95;
UPDATE book SET demand_days = 0;
UPDATE book SET service_level = 1;
-- Nobody wants it: no cover, no fill rate. 5 of 20 filled at entry: 0.25, then 5 more come.
INSERT INTO stock (item, on_hand) VALUES ('X', 7), ('Y', 5);
INSERT INTO order_line (item, qty_ordered) VALUES ('Y', 20);
INSERT INTO receipt (item, qty) VALUES ('Y', 5);
SELECT item, available, backordered, expected, next_expected_on, days_of_cover, unit_fill_rate FROM item_position WHERE item IN ('X', 'Y') ORDER BY item;
-- The last 30 days: 10 for half of them, shipped then: 10 / 5.
BEGIN;
INSERT INTO stock (item, on_hand, allocated, backordered) VALUES ('U', 0, 0, 0);
INSERT INTO order_line (line_id, item, qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at, closed_at) VALUES (506, 'U', 10, 10, 0, 0, 0, 0, 10, now(), now());
INSERT INTO movement (at, kind, item, location, qty, by_role, line_id, to_state) VALUES
    (now() - interval '1000 hours', 'adjust', 'U', 'main', 10, 'x', NULL, NULL), (now() - interval '360 hours', 'ship', 'U', 'main', 10, 'x', 506, 's');
SELECT turnover_30_days FROM item_position WHERE item = 'U';
COMMIT;
SELECT * FROM verify();

-- ---- provenance ----

CREATE VIEW came_from AS
    SELECT o.order_ref, p.qty, p.receipt_id, p.supply_ref, p.supply_id, p.supplier FROM provenance p JOIN order_line o USING (line_id, item) ORDER BY o.order_ref, p.shipped_at, p.receipt_id NULLS FIRST, p.supply_id;
-- P: 3 there at first. Receipt 1001 brings 5 of PO-P1; 1002 brings 4 of PO-P2, 3 for its
-- first line and 1 for the second.
INSERT INTO stock (item, on_hand) VALUES ('P', 3);
INSERT INTO supply (supply_id, supply_ref, supplier, item, qty_expected, expected_on) VALUES (1001, 'PO-P1', 'Acme', 'P', 5, '2030-01-01'), (1002, 'PO-P2', 'Bolt', 'P', 3, '2030-01-01'), (1003, 'PO-P2', 'Bolt', 'P', 9, '2030-01-02');
INSERT INTO receipt (receipt_id, item, qty, supply_ref) VALUES (1001, 'P', 5, 'PO-P1');
INSERT INTO receipt (receipt_id, item, qty, supply_ref) VALUES (1002, 'P', 4, 'PO-P2');
-- 2 of the first 3; the last of them and 3 of 1001; its other 2, 4 of 1002, and 4 wait.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('P-1', 'P', 2);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('P-2', 'P', 4);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('P-3', 'P', 10);
-- 1003, on no supply: 4 to P-3, 2 to stock and then to P-4.
INSERT INTO receipt (receipt_id, item, qty) VALUES (1003, 'P', 6);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('P-4', 'P', 2);
-- What came back from a customer is of no receipt; what was written off is nowhere.
SELECT l.order_ref FROM order_line l, return_goods(l.line_id, 1) WHERE l.order_ref = 'P-1';
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('P-5', 'P', 1);
SELECT l.order_ref FROM order_line l, return_goods(l.line_id, 2, false) WHERE l.order_ref = 'P-2';
-- 1004 and 1005 bring 5 each; 2 are lost, the first ones: 3 of 1004 are left, then 1005.
INSERT INTO receipt (receipt_id, item, qty) VALUES (1004, 'P', 5), (1005, 'P', 5);
SELECT on_hand FROM count_stock('P', 8);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('P-6', 'P', 4);
SELECT * FROM came_from WHERE order_ref LIKE 'P-_';
-- Sent back: 1006 brings 5, of which 4 are bad, behind the 4 of 1005. P-7 gets 4 and 1.
INSERT INTO receipt (receipt_id, item, qty) VALUES (1006, 'P', 5);
SELECT on_hand FROM reverse_receipt(1006, 4);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('P-7', 'P', 6);
SELECT * FROM came_from WHERE order_ref = 'P-7';

-- Q is allocated before it ships: Q-1 gets 2 that were there and 3 of 1010, which it
-- ships in that order, 3 and 2.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('Q', 2, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('Q-1', 'Q', 5);
INSERT INTO receipt (receipt_id, item, qty) VALUES (1010, 'Q', 3);
SELECT * FROM came_from WHERE order_ref LIKE 'Q%';
SELECT l.order_ref FROM order_line l, ship(l.line_id, 3) WHERE l.order_ref = 'Q-1';
SELECT * FROM came_from WHERE order_ref LIKE 'Q%';
SELECT l.order_ref FROM order_line l, ship(l.line_id) WHERE l.order_ref = 'Q-1';
SELECT * FROM came_from WHERE order_ref LIKE 'Q%';
-- Q-2 is filled from 1011, loses that to a count, and gets 1 of 1012, which ships. Q-3 is
-- cancelled with the 2 that it got of 1012: they are stock again, and go to Q-4.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('Q-2', 'Q', 1);
INSERT INTO receipt (receipt_id, item, qty) VALUES (1011, 'Q', 1);
SELECT on_hand FROM count_stock('Q', 0);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('Q-3', 'Q', 2);
INSERT INTO receipt (receipt_id, item, qty) VALUES (1012, 'Q', 3);
SELECT l.order_ref FROM order_line l, cancel(l.line_id) WHERE l.order_ref = 'Q-3';
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('Q-4', 'Q', 2);
SELECT l.order_ref FROM order_line l, ship(l.line_id) WHERE l.order_ref IN ('Q-2', 'Q-4');
SELECT * FROM came_from WHERE order_ref IN ('Q-2', 'Q-3', 'Q-4');
-- O-1 holds the 4 of 1020; 3 more are counted in, and 3 of 1020 sent back, which takes
-- what is available. So 1 is left of 1020 to ship, and 3 are those counted in.
INSERT INTO stock (item, ships_at_once) VALUES ('O', false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('O-1', 'O', 4);
INSERT INTO receipt (receipt_id, item, qty) VALUES (1020, 'O', 4);
SELECT on_hand FROM count_stock('O', 7);
SELECT on_hand FROM reverse_receipt(1020, 3);
SELECT l.order_ref FROM order_line l, ship(l.line_id) WHERE l.order_ref = 'O-1';
SELECT * FROM came_from WHERE order_ref = 'O-1';
-- Receipts of a statement with several; decimals.
INSERT INTO stock (item, on_hand) VALUES ('D', 0.5);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('D-1', 'D', 1.75), ('D-2', 'D', 1.25);
INSERT INTO receipt (receipt_id, item, qty) VALUES (1030, 'D', 1), (1031, 'D', 2);
SELECT * FROM came_from WHERE order_ref LIKE 'D-%';
-- All that shipped, of every line, and nothing else.
SELECT count(*) AS lines, count(*) FILTER (WHERE p.qty IS DISTINCT FROM l.qty_shipped) AS differ
  FROM (SELECT * FROM order_line WHERE qty_shipped > 0) l FULL JOIN (SELECT line_id, sum(qty) AS qty FROM provenance GROUP BY line_id) p USING (line_id);
-- Of no receipt more than what came by it and stayed, nor of a supply line.
SELECT receipt_id FROM provenance JOIN receipt r USING (receipt_id) GROUP BY receipt_id, r.qty HAVING sum(provenance.qty) > r.qty;
SELECT supply_id FROM provenance p JOIN supply s USING (supply_id) GROUP BY supply_id, s.qty_received HAVING sum(p.qty) > s.qty_received;
SELECT * FROM verify();

-- ---- Whoever reads them ----

-- Days that are none don't break them.
INSERT INTO supply (supply_ref, supplier, item, qty_expected, ordered_on, promised_on) VALUES ('I-1', 'Infinite', 'A', 1, '-infinity', 'infinity'), ('I-2', 'Infinite', 'A', 1, 'infinity', '-infinity'), ('I-3', 'Infinite', 'A', 1, '-infinity', NULL);
INSERT INTO receipt (item, qty, supply_ref, received_at) VALUES ('A', 1, 'I-1', 'infinity'), ('A', 1, 'I-3', '-infinity');
INSERT INTO order_line (item, qty_ordered, ordered_at) VALUES ('X', 1, 'infinity'), ('X', 1, '-infinity');
UPDATE supply SET closed = true, closed_on = 'infinity' WHERE supply_ref = 'I-2';
SELECT lines, lines_otif, lead_days_mean FROM supplier_performance WHERE supplier = 'Infinite';
SELECT demand_mean FROM reorder_advice WHERE item = 'X';

-- SELECT on the six is all that it takes.
CREATE ROLE regress_bko_bi;
GRANT USAGE ON SCHEMA t_stock_views TO regress_bko_bi;
GRANT SELECT ON supplier_performance, inventory_turnover, replenishment_cycle, item_position, reorder_advice, provenance TO regress_bko_bi;
SET ROLE regress_bko_bi;
SELECT (SELECT count(v::text) FROM supplier_performance v) > 0, (SELECT count(v::text) FROM inventory_turnover v) > 0, (SELECT count(v::text) FROM replenishment_cycle v) > 0,
       (SELECT count(v::text) FROM item_position v) > 0, (SELECT count(v::text) FROM reorder_advice v) > 0, (SELECT count(v::text) FROM provenance v) > 0;
SELECT count(*) FROM stock;
RESET ROLE;
-- In whatever session: the days are the book's, and names are found without a path.
SET search_path = pg_catalog;
SET timezone = 'Pacific/Kiritimati';
SELECT supply_ref, delivered_on FROM t_stock_views.supply_delivery WHERE supply_ref IN ('PO-6', 'PO-7') ORDER BY 1;
SELECT month, turnover FROM t_stock_views.inventory_turnover WHERE item = 'T' ORDER BY month LIMIT 1;
SELECT count(*) AS columns_without_comment FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relnamespace = 't_stock_views'::regnamespace AND c.relkind = 'v' AND c.relname <> 'came_from' AND a.attnum > 0 AND col_description(c.oid, a.attnum) IS NULL;

SET client_min_messages = warning;
DROP SCHEMA t_stock_views CASCADE;
DROP ROLE regress_bko_bi;
