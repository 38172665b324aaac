-- How well demand is served: views for reports. They are made of the tables
-- and the journal each time they are read; nothing is kept for them. A day is
-- one of book.time_zone. Amounts of different currencies are never added up:
-- where there is a value there is a currency, and rows of each. What has no
-- price counts with its units and adds nothing to a value, which is null where
-- nothing has a price.

-- The journal as the queue sees it. Entries of one stock row are numbered
-- under its lock, so movement_id is the order in which they happened; clocks
-- may step back.
CREATE VIEW waiting_change AS
SELECT m.item, m.location, m.line_id, m.movement_id, m.at,
       CASE WHEN m.to_state = 'b' THEN 'opened'
            WHEN m.to_state = 'a' OR m.to_state = 's' THEN 'filled'
            ELSE 'cancelled' END AS change,
       m.qty,
       sum(CASE WHEN m.to_state = 'b' THEN m.qty ELSE -m.qty END)
           OVER (PARTITION BY m.line_id, m.item, m.location ORDER BY m.movement_id
                 ROWS UNBOUNDED PRECEDING) AS waiting
  FROM all_movement m
 WHERE m.line_id IS NOT NULL AND (m.to_state = 'b' OR m.from_state = 'b');
COMMENT ON VIEW waiting_change IS 'Every change of what an order line waits for, from the journal';
COMMENT ON COLUMN waiting_change.item IS 'The item';
COMMENT ON COLUMN waiting_change.location IS 'The location';
COMMENT ON COLUMN waiting_change.line_id IS 'The line';
COMMENT ON COLUMN waiting_change.movement_id IS 'The journal''s entry; the order in which a line''s changes happened';
COMMENT ON COLUMN waiting_change.at IS 'When it happened';
COMMENT ON COLUMN waiting_change.change IS 'opened: the line waits for qty more; filled: it was allocated or shipped; cancelled: it was cancelled or is no longer ordered';
COMMENT ON COLUMN waiting_change.qty IS 'Quantity by which the waiting quantity rose (opened) or fell (filled, cancelled)';
COMMENT ON COLUMN waiting_change.waiting IS 'Quantity that the line waited for afterwards';

-- Aged as receivables are, by days since the line joined the queue.
CREATE VIEW backorder_aging AS
SELECT l.item, l.location, l.customer,
       CASE l.bucket_no WHEN 1 THEN '0-7' WHEN 2 THEN '8-14' WHEN 3 THEN '15-30'
                        WHEN 4 THEN '31-60' ELSE '61+' END AS bucket,
       count(*) AS lines,
       trim_scale(sum(l.qty_backordered)) AS units,
       trim_scale(sum(l.qty_backordered * l.unit_price)) AS value,
       l.currency,
       l.bucket_no
  FROM (SELECT w.item, w.location, w.customer, w.qty_backordered, w.unit_price, w.currency,
               CASE WHEN w.days <= 7 THEN 1 WHEN w.days <= 14 THEN 2 WHEN w.days <= 30 THEN 3
                    WHEN w.days <= 60 THEN 4 ELSE 5 END AS bucket_no
          FROM (SELECT waiting_line.*, extract(day FROM now() - queued_at) AS days
                  FROM waiting_line) w) l
 GROUP BY l.item, l.location, l.customer, l.bucket_no, l.currency;
COMMENT ON VIEW backorder_aging IS 'Aging of backorders: what waits, by whole days since the line joined the queue, in buckets as receivables are aged';
COMMENT ON COLUMN backorder_aging.item IS 'The item';
COMMENT ON COLUMN backorder_aging.location IS 'The location';
COMMENT ON COLUMN backorder_aging.customer IS 'Who waits; null: order lines without a customer';
COMMENT ON COLUMN backorder_aging.bucket IS 'Whole days (of 24 hours) since queued_at: 0-7, 8-14, 15-30, 31-60, 61+';
COMMENT ON COLUMN backorder_aging.lines IS 'Lines that wait';
COMMENT ON COLUMN backorder_aging.units IS 'Quantity that they wait for';
COMMENT ON COLUMN backorder_aging.value IS 'Sum of qty_backordered * unit_price; null where no line has a price';
COMMENT ON COLUMN backorder_aging.currency IS 'Currency of value; rows are of one currency each';
COMMENT ON COLUMN backorder_aging.bucket_no IS '1 to 5, the order of the buckets';

-- Flows of each day, and their running totals. A day on which nothing happened
-- has a row while something waits, so that a sum over items is right every day.
CREATE VIEW backorder_trend AS
SELECT t.day + d.n AS day, t.item, t.location,
       CASE WHEN d.n = 0 THEN t.lines_opened ELSE 0 END AS lines_opened,
       CASE WHEN d.n = 0 THEN t.lines_filled ELSE 0 END AS lines_filled,
       CASE WHEN d.n = 0 THEN t.lines_cancelled ELSE 0 END AS lines_cancelled,
       t.lines_waiting,
       CASE WHEN d.n = 0 THEN t.units_opened ELSE 0 END AS units_opened,
       CASE WHEN d.n = 0 THEN t.units_filled ELSE 0 END AS units_filled,
       CASE WHEN d.n = 0 THEN t.units_cancelled ELSE 0 END AS units_cancelled,
       t.units_waiting,
       CASE WHEN d.n = 0 OR t.value_opened IS NULL THEN t.value_opened ELSE 0 END AS value_opened,
       CASE WHEN d.n = 0 OR t.value_filled IS NULL THEN t.value_filled ELSE 0 END AS value_filled,
       CASE WHEN d.n = 0 OR t.value_cancelled IS NULL THEN t.value_cancelled ELSE 0 END AS value_cancelled,
       t.value_waiting,
       t.currency
  FROM (SELECT f.day, f.item, f.location, f.currency,
               f.lines_opened, f.lines_filled, f.lines_cancelled,
               (sum(f.lines_opened - f.lines_filled - f.lines_cancelled) OVER so_far)::bigint AS lines_waiting,
               f.units_opened, f.units_filled, f.units_cancelled,
               trim_scale(sum(f.units_opened - f.units_filled - f.units_cancelled) OVER so_far) AS units_waiting,
               CASE WHEN count(f.value_net) OVER so_far > 0 THEN coalesce(f.value_opened, 0) END AS value_opened,
               CASE WHEN count(f.value_net) OVER so_far > 0 THEN coalesce(f.value_filled, 0) END AS value_filled,
               CASE WHEN count(f.value_net) OVER so_far > 0 THEN coalesce(f.value_cancelled, 0) END AS value_cancelled,
               trim_scale(sum(f.value_net) OVER so_far) AS value_waiting,
               lead(f.day) OVER (PARTITION BY f.item, f.location, f.currency ORDER BY f.day) AS next_day
          FROM (SELECT (c.at AT TIME ZONE b.time_zone)::date AS day, c.item, c.location, l.currency,
                       count(*) FILTER (WHERE c.change = 'opened' AND c.waiting = c.qty) AS lines_opened,
                       count(*) FILTER (WHERE c.change = 'filled' AND c.waiting = 0) AS lines_filled,
                       count(*) FILTER (WHERE c.change = 'cancelled' AND c.waiting = 0) AS lines_cancelled,
                       trim_scale(coalesce(sum(c.qty) FILTER (WHERE c.change = 'opened'), 0)) AS units_opened,
                       trim_scale(coalesce(sum(c.qty) FILTER (WHERE c.change = 'filled'), 0)) AS units_filled,
                       trim_scale(coalesce(sum(c.qty) FILTER (WHERE c.change = 'cancelled'), 0)) AS units_cancelled,
                       trim_scale(sum(c.qty * l.unit_price) FILTER (WHERE c.change = 'opened')) AS value_opened,
                       trim_scale(sum(c.qty * l.unit_price) FILTER (WHERE c.change = 'filled')) AS value_filled,
                       trim_scale(sum(c.qty * l.unit_price) FILTER (WHERE c.change = 'cancelled')) AS value_cancelled,
                       sum(CASE WHEN c.change = 'opened' THEN c.qty ELSE -c.qty END * l.unit_price) AS value_net
                  FROM waiting_change c
                 CROSS JOIN (SELECT time_zone FROM book LIMIT 1) b
                  LEFT JOIN all_line l ON l.line_id = c.line_id AND l.item = c.item
                 GROUP BY (c.at AT TIME ZONE b.time_zone)::date, c.item, c.location, l.currency) f
        WINDOW so_far AS (PARTITION BY f.item, f.location, f.currency ORDER BY f.day ROWS UNBOUNDED PRECEDING)) t
 CROSS JOIN (SELECT time_zone FROM book LIMIT 1) b
 CROSS JOIN LATERAL generate_series(0, CASE WHEN t.lines_waiting > 0
                                            THEN greatest(coalesce(t.next_day, (now() AT TIME ZONE b.time_zone)::date + 1)
                                                          - t.day - 1, 0)
                                            ELSE 0 END) AS d(n);
COMMENT ON VIEW backorder_trend IS 'Backorders day by day: opened, filled and cancelled on the day (from the journal), and waiting at its close. A row for each day on which something happened or something waits at close, up to today';
COMMENT ON COLUMN backorder_trend.day IS 'Day in book.time_zone';
COMMENT ON COLUMN backorder_trend.item IS 'The item';
COMMENT ON COLUMN backorder_trend.location IS 'The location';
COMMENT ON COLUMN backorder_trend.lines_opened IS 'Lines that began to wait: what they wait for rose from 0';
COMMENT ON COLUMN backorder_trend.lines_filled IS 'Lines whose wait was ended by a fill';
COMMENT ON COLUMN backorder_trend.lines_cancelled IS 'Lines whose wait was ended by a cancellation or a smaller quantity';
COMMENT ON COLUMN backorder_trend.lines_waiting IS 'Lines that wait at the close of the day: all opened so far less all filled and cancelled';
COMMENT ON COLUMN backorder_trend.units_opened IS 'Quantity backordered, at entry or because stock fell';
COMMENT ON COLUMN backorder_trend.units_filled IS 'Backordered quantity that was allocated or shipped';
COMMENT ON COLUMN backorder_trend.units_cancelled IS 'Backordered quantity that was cancelled or is no longer ordered';
COMMENT ON COLUMN backorder_trend.units_waiting IS 'Quantity backordered at the close of the day';
COMMENT ON COLUMN backorder_trend.value_opened IS 'units_opened at the lines'' unit_price as it is now; null while no line here has had a price';
COMMENT ON COLUMN backorder_trend.value_filled IS 'units_filled at the lines'' unit_price as it is now';
COMMENT ON COLUMN backorder_trend.value_cancelled IS 'units_cancelled at the lines'' unit_price as it is now';
COMMENT ON COLUMN backorder_trend.value_waiting IS 'units_waiting at the lines'' unit_price as it is now';
COMMENT ON COLUMN backorder_trend.currency IS 'Currency of the values; rows are of one currency each. A deleted line has none';

-- Chopra and Meindl's product fill rate, P2 of Silver, Pyke and Thomas: the
-- share of demand that stock met without waiting.
CREATE VIEW fill_rate AS
SELECT (l.ordered_at AT TIME ZONE b.time_zone)::date AS day, l.item, l.location,
       count(*) AS lines,
       count(*) FILTER (WHERE l.qty_filled_first >= l.qty_ordered) AS lines_filled,
       trim_scale(sum(l.qty_ordered)) AS units,
       trim_scale(sum(least(l.qty_filled_first, l.qty_ordered))) AS units_filled,
       trim_scale(round(count(*) FILTER (WHERE l.qty_filled_first >= l.qty_ordered)::numeric
                        / nullif(count(*), 0), 4)) AS line_fill_rate,
       trim_scale(round(sum(least(l.qty_filled_first, l.qty_ordered))
                        / nullif(sum(l.qty_ordered), 0), 4)) AS unit_fill_rate
  FROM all_line l
 CROSS JOIN (SELECT time_zone FROM book LIMIT 1) b
 WHERE l.pending IS NULL
 GROUP BY (l.ordered_at AT TIME ZONE b.time_zone)::date, l.item, l.location;
COMMENT ON VIEW fill_rate IS 'Fill rate at entry, by the day of the order: the share of lines and of units that were met from stock at once (product fill rate, type 2 service: Chopra, Meindl, Supply Chain Management; Silver, Pyke, Thomas, Inventory and Production Management in Supply Chains). For a longer period add up lines, lines_filled, units, units_filled and divide: rates are not averaged';
COMMENT ON COLUMN fill_rate.day IS 'Day of ordered_at in book.time_zone';
COMMENT ON COLUMN fill_rate.item IS 'The item';
COMMENT ON COLUMN fill_rate.location IS 'The location';
COMMENT ON COLUMN fill_rate.lines IS 'Lines ordered';
COMMENT ON COLUMN fill_rate.lines_filled IS 'Lines that got all they order at entry: qty_filled_first >= qty_ordered';
COMMENT ON COLUMN fill_rate.units IS 'Quantity ordered';
COMMENT ON COLUMN fill_rate.units_filled IS 'Quantity that was there at entry: qty_filled_first, at most qty_ordered';
COMMENT ON COLUMN fill_rate.line_fill_rate IS 'lines_filled / lines, 0 to 1';
COMMENT ON COLUMN fill_rate.unit_fill_rate IS 'units_filled / units, 0 to 1';

-- Of whole orders: Chopra and Meindl's order fill rate at entry, and what was
-- delivered on time and in full. The line's closed_at is when its last unit
-- shipped, where all of it did.
CREATE VIEW order_fill_rate AS
SELECT (o.ordered_at AT TIME ZONE b.time_zone)::date AS day,
       count(*) AS orders,
       count(*) FILTER (WHERE o.filled) AS orders_filled,
       trim_scale(round(count(*) FILTER (WHERE o.filled)::numeric / nullif(count(*), 0), 4)) AS order_fill_rate,
       count(*) FILTER (WHERE o.otif) AS orders_otif,
       trim_scale(round(count(*) FILTER (WHERE o.otif)::numeric / nullif(count(*), 0), 4)) AS otif_rate
  FROM (SELECT min(l.ordered_at) AS ordered_at,
               bool_and(l.qty_filled_first >= l.qty_ordered) AS filled,
               bool_and(l.qty_shipped >= l.qty_ordered
                        AND (l.requested_on IS NULL
                             OR coalesce((l.closed_at AT TIME ZONE z.time_zone)::date <= l.requested_on, false))) AS otif
          FROM all_line l
         CROSS JOIN (SELECT time_zone FROM book LIMIT 1) z
         WHERE l.pending IS NULL
         GROUP BY l.order_ref, CASE WHEN l.order_ref IS NULL THEN l.line_id END) o
 CROSS JOIN (SELECT time_zone FROM book LIMIT 1) b
 GROUP BY (o.ordered_at AT TIME ZONE b.time_zone)::date;
COMMENT ON VIEW order_fill_rate IS 'Whole orders, by the day on which each was placed: the share that was met from stock at once (order fill rate: Chopra, Meindl, Supply Chain Management), and the share delivered on time and in full (OTIF). An order is an order_ref; a line without one is an order of its own';
COMMENT ON COLUMN order_fill_rate.day IS 'Day of the order''s first ordered_at in book.time_zone';
COMMENT ON COLUMN order_fill_rate.orders IS 'Orders placed';
COMMENT ON COLUMN order_fill_rate.orders_filled IS 'Orders of which every line got all it orders at entry';
COMMENT ON COLUMN order_fill_rate.order_fill_rate IS 'orders_filled / orders, 0 to 1';
COMMENT ON COLUMN order_fill_rate.orders_otif IS 'Orders of which every line has shipped in full and no later than requested_on; a line without requested_on is never late. An order that is still open is not among them';
COMMENT ON COLUMN order_fill_rate.otif_rate IS 'orders_otif / orders, 0 to 1';

-- Demand is what was asked for; sales would hide what was out of stock.
CREATE VIEW demand_history AS
SELECT (l.ordered_at AT TIME ZONE b.time_zone)::date AS day, l.item, l.location, l.demand,
       count(*) AS lines,
       trim_scale(sum(l.qty_ordered)) AS units
  FROM all_line l
 CROSS JOIN (SELECT time_zone FROM book LIMIT 1) b
 GROUP BY (l.ordered_at AT TIME ZONE b.time_zone)::date, l.item, l.location, l.demand;
COMMENT ON VIEW demand_history IS 'Demand day by day: what was ordered, whether it could be shipped or not, for forecasts. Days without demand have no row';
COMMENT ON COLUMN demand_history.day IS 'Day of ordered_at in book.time_zone';
COMMENT ON COLUMN demand_history.item IS 'The item';
COMMENT ON COLUMN demand_history.location IS 'The location';
COMMENT ON COLUMN demand_history.demand IS 'customer or internal';
COMMENT ON COLUMN demand_history.lines IS 'Lines ordered';
COMMENT ON COLUMN demand_history.units IS 'Quantity ordered, what was cancelled later included';

-- Money that waits with the backorders, in the week in which it would come.
CREATE VIEW cash_flow_forecast AS
SELECT f.week, f.currency,
       count(*) AS lines,
       trim_scale(sum(f.value)) AS value,
       trim_scale(CASE WHEN sum(f.value) IS NOT NULL
                       THEN coalesce(sum(f.value) FILTER (WHERE f.late), 0) END) AS value_late
  FROM (SELECT date_trunc('week', (p.promised_on + coalesce(l.payment_days, 0))::timestamp)::date AS week,
               l.currency,
               l.qty_backordered * l.unit_price AS value,
               coalesce(p.promised_on, (SELECT (now() AT TIME ZONE b.time_zone)::date FROM book b)) > l.requested_on AS late
          FROM waiting_line l
         CROSS JOIN LATERAL bko.promise('book'::regclass, (SELECT b.read_key FROM book b), l.item, l.location,
                                 l.line_id) p
         WHERE l.demand = 'customer') f
 GROUP BY f.week, f.currency;
COMMENT ON VIEW cash_flow_forecast IS 'What customers will pay for what they wait for, by the week in which it falls due: the day that a line is promised for plus its payment_days';
COMMENT ON COLUMN cash_flow_forecast.week IS 'Monday of the week of promised_on + payment_days; null: nothing on its way, or by no known day';
COMMENT ON COLUMN cash_flow_forecast.currency IS 'Currency of the values; rows are of one currency each';
COMMENT ON COLUMN cash_flow_forecast.lines IS 'Waiting lines of customers';
COMMENT ON COLUMN cash_flow_forecast.value IS 'Sum of qty_backordered * unit_price; null where no line has a price';
COMMENT ON COLUMN cash_flow_forecast.value_late IS 'The part of value that is promised for later than requested_on, or has no promise and requested_on has passed';

-- For each time that a line got something: was an older line left waiting?
-- That must cost next to nothing where the answer is no. So, line by line:
-- since when and until when it waited, and when it first got something. Then,
-- along the queue, the time at which the last of all older lines stopped to
-- wait (older_until). A line that got nothing before that has overtaken nobody,
-- and in a first in, first out book there are no others.
--
-- For the others the lines of the place that ever waited are kept as arrays,
-- in the order of the queue. As upto, the running maximum of until, rises, the
-- first of them that still waited at a time is found by halving. Since and
-- until don't tell of breaks in between: what counts in the end is what the
-- journal says of that line, before the entry and after the statement that
-- made it (same "at"): what a statement fills as well has not been overtaken.
CREATE VIEW fairness AS
SELECT c.line_id, w.line_id AS overtook_line_id, p.item, p.location, g.at, g.qty,
       CASE WHEN g.reason = 'reallocate' THEN 'reallocate'
            WHEN EXISTS (SELECT FROM movement r       -- receipts stay
                           JOIN supply u ON u.supply_id = r.supply_id AND u.item = r.item
                          WHERE r.receipt_id = g.receipt_id AND r.kind = 'receive'
                            AND u.for_line_id = c.line_id) THEN 'pegged'
            WHEN l.priority < o.priority THEN 'priority'
            WHEN o.held THEN 'hold'
            WHEN l.priority = o.priority AND s.fill_rule = 'due_date'
                 AND l.requested_on < coalesce(o.requested_on, 'infinity') THEN 'due_date'
            WHEN l.priority = o.priority AND s.fill_rule = 'fair_share' THEN 'fair_share'
            WHEN l.priority = o.priority AND s.fill_rule = 'most_lines' THEN 'most_lines'
            WHEN s.limited THEN 'limit'
            ELSE 'other' END AS reason
  FROM (SELECT q.item, q.location,
               array_agg(q.line_id ORDER BY q.queued_at, q.line_id) FILTER (WHERE q.until IS NOT NULL) AS line_ids,
               array_agg(q.queued_at ORDER BY q.queued_at, q.line_id) FILTER (WHERE q.until IS NOT NULL) AS queued,
               array_agg(q.since ORDER BY q.queued_at, q.line_id) FILTER (WHERE q.until IS NOT NULL) AS since,
               array_agg(q.until ORDER BY q.queued_at, q.line_id) FILTER (WHERE q.until IS NOT NULL) AS until,
               array_agg(greatest(q.until, q.older_until) ORDER BY q.queued_at, q.line_id)
                   FILTER (WHERE q.until IS NOT NULL) AS upto,
               array_agg(q.line_id) FILTER (WHERE q.first_got < q.older_until) AS got_line_ids,
               array_agg(q.older) FILTER (WHERE q.first_got < q.older_until) AS got_older
          FROM (SELECT t.item, t.location, t.line_id, t.queued_at, t.first_got, t.since, t.until,
                       max(t.until) OVER older AS older_until, count(t.until) OVER older AS older
                  FROM (SELECT e.item, e.location, e.line_id, max(e.queued_at) AS queued_at,
                               min(e.at) FILTER (WHERE e.into = 'a' OR e.into = 's') AS first_got,
                               min(e.at) FILTER (WHERE e.into = 'b') AS since,
                               max(e.at) FILTER (WHERE e.out_of = 'b') AS until
                          FROM (SELECT l.item, l.location, l.line_id, l.queued_at,
                                       CASE WHEN l.qty_backordered > 0 THEN 'infinity'::timestamptz END AS at,
                                       'b'::"char" AS out_of, NULL::"char" AS into
                                  FROM all_line l
                                 UNION ALL
                                SELECT m.item, m.location, m.line_id, NULL AS queued_at, m.at, m.from_state, m.to_state
                                  FROM all_movement m
                                 WHERE m.line_id IS NOT NULL) e
                         GROUP BY e.line_id, e.item, e.location) t
                 WHERE t.queued_at IS NOT NULL
                WINDOW older AS (PARTITION BY t.item, t.location ORDER BY t.queued_at, t.line_id
                                 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) q
         GROUP BY q.item, q.location
        HAVING max((q.first_got < q.older_until)::integer) = 1) p     -- few, the planner is to think
 CROSS JOIN LATERAL unnest(p.got_line_ids, p.got_older) AS c (line_id, older)
 CROSS JOIN LATERAL (       -- looked up for each line, however many there are
        SELECT m.movement_id, m.at, m.qty, m.reason, m.receipt_id
          FROM all_movement m
         WHERE m.line_id = c.line_id AND m.item = p.item AND m.location = p.location
           AND (m.to_state = 'a' OR m.to_state = 's')
           AND (m.from_state IS NULL OR m.from_state = 'b')
        OFFSET 0) g
 CROSS JOIN LATERAL (
        SELECT a.queued_at, a.priority, a.requested_on
          FROM all_line a WHERE a.line_id = c.line_id AND a.item = p.item LIMIT 1) l
 CROSS JOIN LATERAL (
        SELECT p.line_ids[n.i] AS line_id
          FROM (SELECT generate_series(width_bucket(g.at, p.upto) + 1, c.older) AS i) n
         CROSS JOIN LATERAL (
                SELECT sum(CASE WHEN h.to_state = 'b' THEN h.qty WHEN h.from_state = 'b' THEN -h.qty END)
                           FILTER (WHERE h.movement_id < g.movement_id) AS before,
                       sum(CASE WHEN h.to_state = 'b' THEN h.qty WHEN h.from_state = 'b' THEN -h.qty END) AS after
                  FROM all_movement h
                 WHERE h.line_id = p.line_ids[n.i] AND h.item = p.item AND h.location = p.location
                   AND (h.movement_id < g.movement_id OR h.at = g.at)) x
         WHERE p.since[n.i] <= g.at AND p.until[n.i] > g.at AND p.queued[n.i] < l.queued_at
           AND x.before > 0 AND x.after > 0
         LIMIT 1) w
 CROSS JOIN LATERAL (
        SELECT a.priority, a.held, a.requested_on
          FROM all_line a WHERE a.line_id = w.line_id AND a.item = p.item LIMIT 1) o
  LEFT JOIN stock s ON s.item = p.item AND s.location = p.location;
COMMENT ON VIEW fairness IS 'Who went before whom: a row for each time that a line got something (at entry or by a fill) and a line that had joined the same queue earlier was left waiting. First in, first out shows none. Lines that are no longer there, or were moved to another item or location, are not looked at';
COMMENT ON COLUMN fairness.line_id IS 'The line that got something';
COMMENT ON COLUMN fairness.overtook_line_id IS 'The oldest line that was waiting and still waited afterwards';
COMMENT ON COLUMN fairness.item IS 'The item';
COMMENT ON COLUMN fairness.location IS 'The location';
COMMENT ON COLUMN fairness.at IS 'When';
COMMENT ON COLUMN fairness.qty IS 'How much it got';
COMMENT ON COLUMN fairness.reason IS 'Why, as far as the tables tell it today: reallocate (so says the journal), pegged (it came on supply that was bought for the line), priority, hold (the older line is held), due_date, fair_share, most_lines (the stock row''s fill_rule), limit (there are caps or protected quantities), other';
