-- Why lines had to wait: the facts are recorded when they come in, and the short
-- quantity is shared out among its causes so that the shares add up to it.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_shortage');
SET search_path = t_shortage, public;
RESET client_min_messages;
CREATE FUNCTION fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE s text; m text;
BEGIN
    EXECUTE q;
    RETURN 'did not fail';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS s = RETURNED_SQLSTATE, m = MESSAGE_TEXT;
    RETURN s || ': ' || m;
END$$;

-- The arithmetic. What a set of causes explains is the least of what they owe
-- together (less what others waited for before) and what is short.
-- 80 owed by suppliers, 60 above forecast, 100 short. Counted first a supplier
-- explains 80 and demand the other 20; demand first 60, and suppliers 40. The
-- mean: (80 + 40) / 2 = 60 and (20 + 60) / 2 = 40. Nothing is left for planning.
SELECT * FROM bko.shortage_shares(100, 0, 80, 0, 60);
-- together they explain less than is short: each its own, planning the rest
SELECT * FROM bko.shortage_shares(100, 0, 30, 20, 10);
-- three that could explain all: a third each, what can't be divided to the first
SELECT * FROM bko.shortage_shares(100, 0, 100, 100, 100);
SELECT * FROM bko.shortage_shares(0.000002, 0, 1, 1, 1);
-- 50 waited before: of 80 and 60 alone 30 and 10 are left for this line, of both
-- 90. (30 + 80) / 2 = 55, (10 + 60) / 2 = 35, and 10 that nothing explains.
SELECT * FROM bko.shortage_shares(100, 50, 80, 0, 60);
-- nothing known, nothing short, quantities below zero and null are nothing
SELECT * FROM bko.shortage_shares(7, 0, 0, 0, 0);
SELECT * FROM bko.shortage_shares(0, 0, 5, 5, 5);
SELECT * FROM bko.shortage_shares(7, NULL, NULL, -3, NULL);
SELECT fails('SELECT bko.shortage_shares(''NaN'', 0, 0, 0, 0)'), fails('SELECT bko.shortage_shares(1, 1e12, 0, 0, 0)');
-- the shares always add up, none below zero, none above what its cause owes
SELECT setseed(0.4);
SELECT count(*) AS cases, bool_and(c.supplier_delay + c.production_delay + c.demand_above_forecast + c.planning = q) AS add_up,
       bool_and(least(c.supplier_delay, c.production_delay, c.demand_above_forecast, c.planning) >= 0) AS none_below_zero,
       bool_and(c.supplier_delay <= s AND c.production_delay <= p AND c.demand_above_forecast <= d) AS none_above
  FROM (SELECT round((random() * 100)::numeric, g % 7) AS q, round((random() * 50)::numeric, g % 3) AS b,
               round((random() * 100)::numeric, g % 5) AS s, round((random() * 100)::numeric, g % 4) AS p,
               round((random() * 100)::numeric, g % 2) AS d FROM generate_series(1, 2000) g) r
 CROSS JOIN LATERAL bko.shortage_shares(q, b, s, p, d) c;

-- The facts: 30 overdue at Acme since three days, 5 at Bolt since one, 7 in production
-- since two, 40 not due. The reorder point is 2 a day * 5 days + 4.
INSERT INTO stock (item, on_hand, safety_stock, demand_per_day, lead_time_days) VALUES ('A', 10, 4, 2, 5);
INSERT INTO supply (supply_ref, kind, supplier, item, qty_expected, promised_on, expected_on) VALUES
    ('PO-1', 'purchase', 'Acme', 'A', 30, current_date - 3, current_date + 2), ('PO-2', 'purchase', 'Bolt', 'A', 5, current_date - 1, current_date - 1),
    ('MO-1', 'production', NULL, 'A', 7, current_date - 2, current_date), ('PO-3', 'purchase', 'Bolt', 'A', 40, current_date, current_date);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('s1', 'A', 8);         -- nothing short, nothing recorded
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('s2', 'A', 5);         -- 2 there: 3 short
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('s3', 'A', 20), ('s4', 'A', 50), ('s5', 'A', 1);
SELECT item, location, on_hand, available, backordered, expected, overdue_purchase, overdue_production, short_received, supplier, safety_stock, demand_per_day, reorder_point FROM shortage ORDER BY shortage_id;
-- Forecast 2 a day: 60 in 30 days. 13 had been ordered when s2 came in, and 84 with
-- s3, s4 and s5, which came in together: 24 above.
--   s2: 3 short, 35 and 7 owed: each alone explains all of it: (3 + 0) / 2 = 1.5 each
--   s3: 20 behind 3: suppliers alone 20, production 4, demand 20, any two of them 20. Suppliers
--       (2*20 + (20-4) + (20-20) + 2*(20-20)) / 6 = 56 / 6, demand the same, production 2*4 / 6
--   s4: 50 behind 23: suppliers alone 12, production 0, demand 1; suppliers and production 19, suppliers and demand 36,
--       production and demand 8; all three 43. Suppliers (2*12 + (19-0) + (36-1) + 2*(43-8)) / 6 = 148 / 6,
--       production (0 + (19-12) + (8-1) + 2*(43-36)) / 6 = 28 / 6, demand (2*1 + (36-12) + (8-0) + 2*(43-19)) / 6 = 82 / 6:
--       43 together, and 7 are planning
--   s5: 1 behind 73: 35 + 7 + 24 = 66 explain nothing of it: planning
SELECT l.order_ref, c.supplier, c.month = date_trunc('month', now())::date AS this_month, c.qty_short, c.supplier_delay, c.production_delay, c.demand_above_forecast, c.planning
  FROM shortage_cause c JOIN order_line l USING (line_id, item) ORDER BY 1;
SELECT bool_and(supplier_delay + production_delay + demand_above_forecast + planning = qty_short) FROM shortage_cause;
SELECT * FROM verify();

-- The facts stay as they were, whatever comes later.
SELECT * FROM receive('A', 42, supply_ref => 'PO-1') ORDER BY 1;
UPDATE supply SET closed = true WHERE supply_ref IN ('PO-2', 'MO-1');
SELECT l.order_ref, c.qty_short, c.supplier_delay, c.production_delay, c.planning FROM shortage_cause c JOIN order_line l USING (line_id, item) ORDER BY 1;

-- A delivery that was closed short: 6 of 10 came, 4 are missing. One that never
-- came and was closed is no delivery, one expected long ago is forgotten.
INSERT INTO stock (item) VALUES ('B');
INSERT INTO supply (supply_ref, supplier, item, qty_expected, expected_on) VALUES
    ('PO-4', 'Acme', 'B', 10, current_date - 2), ('PO-5', 'Bolt', 'B', 9, current_date - 1), ('PO-6', 'Cog', 'B', 8, current_date - 60);
INSERT INTO receipt (item, qty, supply_ref) VALUES ('B', 6, 'PO-4'), ('B', 1, 'PO-6');
UPDATE supply SET closed = true WHERE item = 'B';
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('s6', 'B', 20);
SELECT available, overdue_purchase, short_received, supplier FROM shortage WHERE item = 'B';
-- 13 short: 4 by the short delivery. No forecast and no history: nothing is above it.
SELECT c.qty_short, c.supplier_delay, c.demand_above_forecast, c.planning FROM shortage_cause c WHERE item = 'B';

-- Demand above what history makes one expect: 1 a day for 90 days before the last
-- 30, then 50 at once: 30 are expected of 30 days, 50 came, 20 above. All 50 wait.
INSERT INTO stock (item, on_hand) VALUES ('C', 90);
INSERT INTO order_line (item, qty_ordered, ordered_at) SELECT 'C', 1, now() - interval '1 day' * (30 + d) - interval '1 hour' FROM generate_series(0, 89) d;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('s7', 'C', 50);
SELECT demand_30_days, round(mean_30_days) AS mean_30_days FROM demand_surge s JOIN order_line l USING (line_id) WHERE l.order_ref = 's7';
SELECT c.qty_short, round(c.demand_above_forecast) AS above, round(c.planning) AS planning FROM shortage_cause c WHERE item = 'C';

-- One row for each statement and stock row; rows that are kept out are no shortage.
INSERT INTO stock (item) VALUES ('D'), ('E');
INSERT INTO order_line (item, qty_ordered) SELECT i, 1 FROM unnest(ARRAY['D', 'E', 'D', 'D']) i;
INSERT INTO order_line (line_id, item, qty_ordered) SELECT min(line_id), 'D', 7 FROM order_line WHERE item = 'D' ON CONFLICT DO NOTHING;
SELECT item, count(*), sum(backordered) AS before FROM shortage WHERE item IN ('D', 'E') GROUP BY 1 ORDER BY 1;
SELECT item, count(*), sum(qty_short) FROM shortage_cause WHERE item IN ('D', 'E') GROUP BY 1 ORDER BY 1;
-- rolled back with the statement
BEGIN; INSERT INTO order_line (item, qty_ordered) VALUES ('E', 1); ROLLBACK;
SELECT count(*) FROM shortage WHERE item = 'E';

-- Whoever doesn't want it turns it off.
UPDATE book SET record_shortages = false;
INSERT INTO order_line (item, qty_ordered) VALUES ('E', 1);
SELECT count(*) FROM shortage WHERE item = 'E';
UPDATE book SET record_shortages = true;
INSERT INTO order_line (item, qty_ordered) VALUES ('E', 1);
SELECT count(*) FROM shortage WHERE item = 'E';

-- SELECT on the view is all a reader needs.
CREATE ROLE regress_bko_reader;
GRANT USAGE ON SCHEMA t_shortage TO regress_bko_reader;
GRANT SELECT ON shortage_cause TO regress_bko_reader;
SET ROLE regress_bko_reader;
SELECT count(*) FROM shortage_cause;
SELECT fails('SELECT 1 FROM t_shortage.shortage');
RESET ROLE;
SELECT * FROM verify();

SET client_min_messages = warning;
DROP SCHEMA t_shortage CASCADE;
DROP ROLE regress_bko_reader;
