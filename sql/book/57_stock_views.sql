-- Supply and stock for BI: who delivers when, how fast stock turns over, what to
-- order, and which delivery each shipped unit came by. doc/views.md says it at
-- length. A day is one of the calendar in book.time_zone. Rates have 4 decimals,
-- days and money 2.
--
-- The table book is read by scalar subqueries, once a query: as a table to join, the
-- planner would take it for hundreds of rows. Where a join by two columns could be
-- taken for a few rows too, LATERAL or UNION ALL stands in its place.

-- ---- deliveries ----

-- A receipt may be spread over several supply lines, and part of it reversed.
CREATE VIEW delivery AS
SELECT n.receipt_id, n.supply_id, n.item, n.location, n.qty,
       (CASE WHEN isfinite(r.received_at) THEN r.received_at ELSE n.at END
           AT TIME ZONE (SELECT b.time_zone FROM book b))::date AS received_on,
       n.at, n.movement_id
  FROM (SELECT m.receipt_id, m.supply_id, m.item, m.location, sum(m.qty) AS qty,
               min(m.at) AS at, min(m.movement_id) AS movement_id
          FROM movement m
         WHERE m.kind = 'receive'
         GROUP BY m.receipt_id, m.supply_id, m.item, m.location
        HAVING sum(m.qty) > 0) n
  JOIN receipt r ON r.receipt_id = n.receipt_id AND r.item = n.item;
COMMENT ON VIEW delivery IS 'What came in by each receipt on each supply line, less what of it was reversed';
COMMENT ON COLUMN delivery.receipt_id IS 'The receipt';
COMMENT ON COLUMN delivery.supply_id IS 'The supply line that it came on; null: none';
COMMENT ON COLUMN delivery.item IS 'The item';
COMMENT ON COLUMN delivery.location IS 'Where it came in';
COMMENT ON COLUMN delivery.qty IS 'Quantity that came and was not sent back';
COMMENT ON COLUMN delivery.received_on IS 'Day of receipt.received_at';
COMMENT ON COLUMN delivery.at IS 'When it was journalled';
COMMENT ON COLUMN delivery.movement_id IS 'The journal''s first entry of it';

-- A supply line is delivered on the day on which all of it was there, or as much
-- as ever came. It can be judged once it is there, given up, or overdue; given up
-- with nothing received before it was due, it was cancelled, and nobody is to blame.
CREATE VIEW supply_delivery AS
SELECT u.supply_id, u.supply_ref, u.supplier, u.item, u.location, u.ordered_on, u.promised_on,
       u.qty_expected, u.qty_received, u.closed, u.closed_on, d.delivered_on,
       j.in_full OR j.overdue
           OR (u.closed AND (u.qty_received > 0 OR coalesce(u.closed_on > u.promised_on,
                                                            u.promised_on IS NOT NULL))) AS judged,
       j.in_full,
       u.promised_on IS NULL
           OR (NOT j.overdue AND coalesce(d.delivered_on <= u.promised_on, false)) AS on_time,
       CASE WHEN isfinite(u.ordered_on) THEN d.delivered_on - u.ordered_on END AS lead_days,
       greatest(CASE WHEN j.overdue THEN u.today
                     ELSE coalesce(d.delivered_on, u.closed_on, u.today) END
                    - u.promised_on, 0) AS days_late,
       CASE WHEN j.overdue THEN trim_scale(u.qty_expected - u.qty_received) ELSE 0 END AS qty_overdue
  FROM (SELECT s.supply_id, s.supply_ref, s.supplier, s.item, s.location, s.ordered_on,
               CASE WHEN isfinite(s.promised_on) THEN s.promised_on END AS promised_on,
               s.qty_expected, s.qty_received, s.closed,
               CASE WHEN isfinite(s.closed_on) THEN s.closed_on END AS closed_on,
               (SELECT (now() AT TIME ZONE b.time_zone)::date FROM book b) AS today
          FROM supply s) u
 CROSS JOIN LATERAL (
        SELECT u.qty_received >= u.qty_expected AS in_full,
               NOT u.closed AND u.qty_received < u.qty_expected
                   AND coalesce(u.promised_on < u.today, false) AS overdue) j
 CROSS JOIN LATERAL (
        SELECT coalesce(min(c.received_on) FILTER (WHERE c.so_far >= u.qty_expected),
                        max(c.received_on) FILTER (WHERE c.qty > 0)) AS delivered_on
          FROM (SELECT g.received_on, sum(g.qty) AS qty,
                       sum(sum(g.qty)) OVER (ORDER BY g.received_on) AS so_far
                  FROM (SELECT m.qty, (CASE WHEN isfinite(r.received_at) THEN r.received_at ELSE m.at END
                                           AT TIME ZONE (SELECT b.time_zone FROM book b))::date AS received_on
                          FROM movement m
                          JOIN receipt r ON r.receipt_id = m.receipt_id AND r.item = m.item
                         WHERE m.supply_id = u.supply_id AND m.item = u.item
                           AND m.kind = 'receive') g
                 GROUP BY g.received_on) c) d;
COMMENT ON VIEW supply_delivery IS 'Every supply line: when it was delivered, and whether that was on time and in full';
COMMENT ON COLUMN supply_delivery.supply_id IS 'The supply line';
COMMENT ON COLUMN supply_delivery.supply_ref IS 'Its purchase order, production order or transfer';
COMMENT ON COLUMN supply_delivery.supplier IS 'Who delivers';
COMMENT ON COLUMN supply_delivery.item IS 'The item';
COMMENT ON COLUMN supply_delivery.location IS 'Where it arrives';
COMMENT ON COLUMN supply_delivery.ordered_on IS 'Day it was ordered of the supplier';
COMMENT ON COLUMN supply_delivery.promised_on IS 'Day that the supplier first promised';
COMMENT ON COLUMN supply_delivery.qty_expected IS 'Quantity ordered of the supplier';
COMMENT ON COLUMN supply_delivery.qty_received IS 'Quantity received and not sent back';
COMMENT ON COLUMN supply_delivery.closed IS 'True: nothing more will come';
COMMENT ON COLUMN supply_delivery.closed_on IS 'Day on which it was closed';
COMMENT ON COLUMN supply_delivery.delivered_on IS 'Day on which all that was ordered had come, net of what was sent back; the last delivery''s day where it has not all come; null: nothing came';
COMMENT ON COLUMN supply_delivery.judged IS 'True: supplier_performance counts it. It is in full, closed, or overdue, and was not cancelled in time: closed with nothing received, no later than promised_on';
COMMENT ON COLUMN supply_delivery.in_full IS 'True: qty_received is no less than qty_expected';
COMMENT ON COLUMN supply_delivery.on_time IS 'True: what was delivered came no later than promised_on, and nothing is overdue; without promised_on nothing is late';
COMMENT ON COLUMN supply_delivery.lead_days IS 'delivered_on - ordered_on';
COMMENT ON COLUMN supply_delivery.days_late IS 'Days from promised_on to delivered_on, or to today where it is overdue, or to the day of closing where nothing came; 0: on time; null: no promise';
COMMENT ON COLUMN supply_delivery.qty_overdue IS 'Quantity that is missing though promised_on has passed and the line is open';

CREATE VIEW supplier_performance AS
SELECT d.supplier,
       count(*) AS lines,
       count(*) FILTER (WHERE d.on_time) AS lines_on_time,
       count(*) FILTER (WHERE d.in_full) AS lines_in_full,
       count(*) FILTER (WHERE d.on_time AND d.in_full) AS lines_otif,
       trim_scale(round(count(*) FILTER (WHERE d.on_time)::numeric / count(*), 4)) AS on_time_rate,
       trim_scale(round(count(*) FILTER (WHERE d.in_full)::numeric / count(*), 4)) AS in_full_rate,
       trim_scale(round(count(*) FILTER (WHERE d.on_time AND d.in_full)::numeric / count(*), 4)) AS otif_rate,
       trim_scale(round(avg(d.lead_days), 2)) AS lead_days_mean,
       trim_scale(round(stddev_samp(d.lead_days), 2)) AS lead_days_sd,
       trim_scale(round(avg(coalesce(d.days_late, 0)), 2)) AS days_late_mean,
       trim_scale(sum(d.qty_overdue)) AS qty_overdue
  FROM supply_delivery d
 WHERE d.judged
 GROUP BY d.supplier;
COMMENT ON VIEW supplier_performance IS 'Delivery performance of each supplier, counted in supply lines: on time, in full, both (OTIF). APICS/ASCM SCOR, reliability; the lines are those of supply_delivery that are judged';
COMMENT ON COLUMN supplier_performance.supplier IS 'The supplier; null: lines that name none';
COMMENT ON COLUMN supplier_performance.lines IS 'Supply lines that can be judged: in full, closed, or overdue; not those cancelled in time';
COMMENT ON COLUMN supplier_performance.lines_on_time IS 'Of these, lines of which all that came was there by promised_on and nothing is overdue';
COMMENT ON COLUMN supplier_performance.lines_in_full IS 'Of these, lines of which all that was ordered has come';
COMMENT ON COLUMN supplier_performance.lines_otif IS 'Of these, lines on time and in full';
COMMENT ON COLUMN supplier_performance.on_time_rate IS 'lines_on_time / lines';
COMMENT ON COLUMN supplier_performance.in_full_rate IS 'lines_in_full / lines';
COMMENT ON COLUMN supplier_performance.otif_rate IS 'lines_otif / lines';
COMMENT ON COLUMN supplier_performance.lead_days_mean IS 'Mean days from ordered_on to delivery, over lines of which something came';
COMMENT ON COLUMN supplier_performance.lead_days_sd IS 'Standard deviation of these days (of a sample); null where there is one line or none';
COMMENT ON COLUMN supplier_performance.days_late_mean IS 'Mean days late over all lines, 0 for those that were not';
COMMENT ON COLUMN supplier_performance.qty_overdue IS 'Quantity missing now of open lines whose promised_on has passed';

-- ---- stock over time ----

-- The mean of a level that changes by delta at the time at, from begins to ends:
-- what it was at first, plus each delta * (ends - at) / (ends - begins). So nothing
-- need be sorted: one sum of delta and one of delta * at are enough for a month.
CREATE VIEW inventory_turnover AS
SELECT a.month, a.item, a.location,
       trim_scale(a.units_shipped * s.unit_cost) AS cogs,
       trim_scale(round(a.average_units * s.unit_cost, 2)) AS average_value,
       trim_scale(round(a.units_shipped / nullif(round(a.average_units, 4), 0), 4)) AS turnover,
       trim_scale(round(a.days * a.average_units / nullif(a.units_shipped, 0), 2)) AS days_of_inventory,
       trim_scale(a.units_shipped) AS units_shipped,
       trim_scale(round(a.average_units, 4)) AS average_units
  FROM (SELECT p.month::date AS month, l.item, l.location, q.units_shipped, q.level
                   + (q.delta * extract(epoch FROM t.ends) - q.delta_at)
                   / nullif(extract(epoch FROM t.ends - t.begins), 0) AS average_units,
               extract(epoch FROM t.ends AT TIME ZONE (SELECT b.time_zone FROM book b) - p.month) / 86400 AS days
          FROM (SELECT m.item, m.location, m.month, m.units_shipped, m.delta, m.delta_at,
                       sum(m.delta) OVER w - m.delta AS level,
                       lead(m.month) OVER w AS next_month
                  FROM (SELECT v.item, v.location,
                               date_trunc('month', v.at AT TIME ZONE (SELECT b.time_zone FROM book b)) AS month,
                               coalesce(sum(v.qty) FILTER (WHERE v.kind = 'ship'), 0) AS units_shipped,
                               sum(CASE v.kind WHEN 'ship' THEN -v.qty ELSE v.qty END) AS delta,
                               sum(CASE v.kind WHEN 'ship' THEN -v.qty ELSE v.qty END
                                   * extract(epoch FROM least(v.at, now()))) AS delta_at
                          FROM all_movement v
                         WHERE v.kind IN ('receive', 'adjust', 'return', 'ship')
                         GROUP BY 1, 2, 3) m
                WINDOW w AS (PARTITION BY m.item, m.location ORDER BY m.month
                             ROWS UNBOUNDED PRECEDING)) l
         -- the month itself, and those up to the next one that has movements
         CROSS JOIN LATERAL generate_series(
                l.month,
                CASE WHEN l.level + l.delta = 0 THEN l.month
                     ELSE coalesce(l.next_month - interval '1 month',
                                   greatest(l.month, date_trunc('month', now() AT TIME ZONE (SELECT b.time_zone FROM book b))))
                     END,
                interval '1 month') AS p (month)
         CROSS JOIN LATERAL (
                SELECT p.month AT TIME ZONE (SELECT b.time_zone FROM book b) AS begins,
                       least((p.month + interval '1 month') AT TIME ZONE (SELECT b.time_zone FROM book b),
                             now()) AS ends) t
         CROSS JOIN LATERAL (
                SELECT CASE WHEN p.month = l.month THEN l.units_shipped ELSE 0 END AS units_shipped,
                       CASE WHEN p.month = l.month THEN l.level ELSE l.level + l.delta END AS level,
                       CASE WHEN p.month = l.month THEN l.delta ELSE 0 END AS delta,
                       CASE WHEN p.month = l.month THEN l.delta_at ELSE 0 END AS delta_at) q
         WHERE t.begins < now()) a
  LEFT JOIN stock s ON s.item = a.item AND s.location = a.location;
COMMENT ON VIEW inventory_turnover IS 'Inventory turnover per calendar month: cost of goods sold over the average value of the stock (Stevenson, Operations Management, chapter on inventory management; Horngren, Cost Accounting). A row for each month with movements or something on hand; the current month up to now';
COMMENT ON COLUMN inventory_turnover.month IS 'First day of the month';
COMMENT ON COLUMN inventory_turnover.item IS 'The item';
COMMENT ON COLUMN inventory_turnover.location IS 'The location';
COMMENT ON COLUMN inventory_turnover.cogs IS 'Cost of goods sold: units_shipped * stock.unit_cost as it is today; null: no cost is given';
COMMENT ON COLUMN inventory_turnover.average_value IS 'average_units * stock.unit_cost as it is today; null: no cost is given';
COMMENT ON COLUMN inventory_turnover.turnover IS 'units_shipped / average_units: how often the stock turned over in this month, which the cost changes nothing about; null: nothing was on hand';
COMMENT ON COLUMN inventory_turnover.days_of_inventory IS 'Days of the month (up to now) / turnover: how long the average stock lasts; null: nothing shipped';
COMMENT ON COLUMN inventory_turnover.units_shipped IS 'Units shipped in the month';
COMMENT ON COLUMN inventory_turnover.average_units IS 'Average on hand, each level weighted by the time that it lasted';

CREATE VIEW replenishment_cycle AS
SELECT c.item, c.location,
       count(DISTINCT c.receipt_id) AS receipts,
       trim_scale(round((max(c.received_on) - min(c.received_on))::numeric
                        / nullif(count(DISTINCT c.receipt_id) - 1, 0), 2)) AS days_between_mean,
       trim_scale(round(avg(c.lead_days), 2)) AS order_to_receipt_days_mean,
       trim_scale(round(coalesce(sum(c.seconds_out), 0) / 86400, 2)) AS days_out_of_stock
  FROM (SELECT l.item, l.location, NULL::bigint AS receipt_id, NULL::date AS received_on,
               NULL::integer AS lead_days,
               CASE WHEN l.available <= 0 THEN greatest(extract(epoch FROM l.until - l.at), 0) END AS seconds_out
          FROM (SELECT m.item, m.location, m.at,
                       sum(CASE WHEN m.kind IN ('receive', 'adjust', 'return') THEN m.qty
                                WHEN m.from_state = 'a' THEN m.qty
                                WHEN m.to_state = 'a' OR m.kind = 'ship' THEN -m.qty
                                ELSE 0 END) OVER w AS available,
                       lead(m.at, 1, now()) OVER w AS until
                  FROM all_movement m
                 -- what is shipped of an allocation was not available before
                 WHERE m.from_state IS DISTINCT FROM 'a' OR m.to_state IS DISTINCT FROM 's'
                WINDOW w AS (PARTITION BY m.item, m.location ORDER BY m.at, m.movement_id
                             ROWS UNBOUNDED PRECEDING)) l
        UNION ALL
        SELECT d.item, d.location, d.receipt_id, d.received_on,
               CASE WHEN isfinite(u.ordered_on) THEN d.received_on - u.ordered_on END, NULL AS seconds_out
          FROM delivery d
          LEFT JOIN supply u ON u.supply_id = d.supply_id AND u.item = d.item) c
 GROUP BY c.item, c.location;
COMMENT ON VIEW replenishment_cycle IS 'How often and how quickly stock was replenished, and how long it was out. Order cycle and lead time as in Silver, Pyke, Thomas, Inventory and Production Management in Supply Chains';
COMMENT ON COLUMN replenishment_cycle.item IS 'The item';
COMMENT ON COLUMN replenishment_cycle.location IS 'The location';
COMMENT ON COLUMN replenishment_cycle.receipts IS 'Receipts, but for those reversed as a whole';
COMMENT ON COLUMN replenishment_cycle.days_between_mean IS 'Mean days between receipts: (day of the last - day of the first) / (receipts - 1); null where there are fewer than two';
COMMENT ON COLUMN replenishment_cycle.order_to_receipt_days_mean IS 'Mean days from supply.ordered_on to receipt, over receipts on supply; one that came on several supply lines counts for each';
COMMENT ON COLUMN replenishment_cycle.days_out_of_stock IS 'Days (with their fractions) during which nothing was available (on_hand - allocated), from the first movement until now';

-- ---- demand, positions, advice ----

-- Days without an order count as 0: sum and sum of squares over the days that have
-- one, divided by all days. What came before is one day in front, so that one pass
-- over the lines finds both.
CREATE VIEW demand_rate AS
SELECT r.item, r.location, r.days, trim_scale(r.units) AS units,
       r.units / r.days AS demand_mean,
       CASE WHEN r.days > 1
            THEN sqrt(greatest(r.squares - r.units * r.units / r.days, 0) / (r.days - 1))
            ELSE 0 END AS demand_sd,
       trim_scale(r.units_filled) AS units_filled
  FROM (SELECT d.item, d.location,
               (SELECT b.demand_days FROM book b) - greatest(min(d.day), 0) AS days,
               coalesce(sum(d.units) FILTER (WHERE d.day >= 0), 0) AS units,
               coalesce(sum(d.units * d.units) FILTER (WHERE d.day >= 0), 0) AS squares,
               coalesce(sum(d.units_filled) FILTER (WHERE d.day >= 0), 0) AS units_filled
          FROM (SELECT l.item, l.location,
                       -- day 0 is the first of demand_days days, of which today is the last
                       greatest((l.ordered_at AT TIME ZONE (SELECT b.time_zone FROM book b))::date,
                                (SELECT (now() AT TIME ZONE b.time_zone)::date - b.demand_days FROM book b))
                           - (SELECT (now() AT TIME ZONE b.time_zone)::date - b.demand_days + 1 FROM book b) AS day,
                       sum(l.qty_ordered) AS units,
                       sum(least(l.qty_filled_first, l.qty_ordered)) AS units_filled
                  FROM all_line l
                 WHERE l.ordered_at < (SELECT ((now() AT TIME ZONE b.time_zone)::date + 1)::timestamp
                                                  AT TIME ZONE b.time_zone FROM book b)
                 GROUP BY 1, 2, 3) d
         GROUP BY d.item, d.location) r;
COMMENT ON VIEW demand_rate IS 'Demand per day of what was ever ordered, over the last book.demand_days days, today included, or since the first order where that is later; by day of order_line.ordered_at, cancelled or not';
COMMENT ON COLUMN demand_rate.item IS 'The item';
COMMENT ON COLUMN demand_rate.location IS 'The location';
COMMENT ON COLUMN demand_rate.days IS 'Days that were reckoned with';
COMMENT ON COLUMN demand_rate.units IS 'Units ordered on those days';
COMMENT ON COLUMN demand_rate.demand_mean IS 'Mean units per day; a day without orders counts as 0';
COMMENT ON COLUMN demand_rate.demand_sd IS 'Standard deviation of the units per day (of a sample); 0 where there is but one day';
COMMENT ON COLUMN demand_rate.units_filled IS 'Of the units, those that their lines got at entry';

CREATE VIEW item_position AS
SELECT s.item, s.location, s.on_hand, s.allocated, s.available, s.backordered,
       coalesce(e.expected, 0) AS expected,
       e.next_expected_on,
       trim_scale(round(s.available / nullif(d.demand_mean, 0), 2)) AS days_of_cover,
       trim_scale(round(coalesce(m.units_shipped, 0)
                        / nullif(round(s.on_hand - coalesce(m.not_yet, 0), 4), 0), 4)) AS turnover_30_days,
       trim_scale(round(d.units_filled / nullif(d.units, 0), 4)) AS unit_fill_rate
  FROM stock_now s
  LEFT JOIN (SELECT u.item, u.location, trim_scale(sum(u.qty_expected - u.qty_received)) AS expected,
                    min(u.expected_on) AS next_expected_on
               FROM supply u
              WHERE NOT u.closed AND u.qty_expected > u.qty_received
              GROUP BY u.item, u.location) e ON e.item = s.item AND e.location = s.location
  LEFT JOIN demand_rate d ON d.item = s.item AND d.location = s.location
  -- backwards from what is on hand now: a movement was not yet there before its time
  LEFT JOIN (SELECT v.item, v.location, sum(v.qty) FILTER (WHERE v.kind = 'ship') AS units_shipped,
                    sum(CASE v.kind WHEN 'ship' THEN -v.qty ELSE v.qty END
                        * extract(epoch FROM least(v.at, now()) - (now() - interval '720 hours')))
                        / (30 * 86400) AS not_yet
               FROM all_movement v
              WHERE v.at >= now() - interval '720 hours'
                AND v.kind IN ('receive', 'adjust', 'return', 'ship')
              GROUP BY v.item, v.location) m ON m.item = s.item AND m.location = s.location;
COMMENT ON VIEW item_position IS 'Where each item stands at each location: what is there, waited for and on its way, and how long it lasts';
COMMENT ON COLUMN item_position.item IS 'The item';
COMMENT ON COLUMN item_position.location IS 'The location';
COMMENT ON COLUMN item_position.on_hand IS 'Quantity physically there';
COMMENT ON COLUMN item_position.allocated IS 'Part of it that is held for order lines';
COMMENT ON COLUMN item_position.available IS 'on_hand - allocated';
COMMENT ON COLUMN item_position.backordered IS 'Quantity that order lines wait for';
COMMENT ON COLUMN item_position.expected IS 'Quantity still to come of open supply lines';
COMMENT ON COLUMN item_position.next_expected_on IS 'The first day on which some of it is expected; in the past where that is overdue';
COMMENT ON COLUMN item_position.days_of_cover IS 'Days of cover (days of supply): available / mean demand per day of demand_rate; null: no demand';
COMMENT ON COLUMN item_position.turnover_30_days IS 'Units shipped in the last 30 days / average on hand in them, as in inventory_turnover; null: nothing was on hand';
COMMENT ON COLUMN item_position.unit_fill_rate IS 'Unit fill rate (type 2 service) over the days of demand_rate: units that lines got at entry / units ordered; null: none ordered';

CREATE VIEW reorder_advice AS
SELECT a.item, a.location, a.on_hand, a.available, a.backordered, a.expected, a.position,
       trim_scale(round(a.demand_mean, 4)) AS demand_mean,
       trim_scale(round(a.demand_sd, 4)) AS demand_sd,
       trim_scale(round(a.lead_days, 2)) AS lead_days,
       trim_scale(round(a.lead_sd, 2)) AS lead_sd,
       a.service_level,
       trim_scale(k.safety_stock) AS safety_stock,
       trim_scale(k.reorder_point) AS reorder_point,
       trim_scale(greatest(ceil((k.reorder_point - a.position) / a.step), 0) * a.step) AS advised_qty
  FROM (SELECT p.item, p.location, p.on_hand, p.available, p.backordered, p.expected,
               trim_scale(p.on_hand + p.expected - p.backordered) AS position,
               coalesce(d.demand_mean, 0) AS demand_mean,
               coalesce(d.demand_sd, 0) AS demand_sd,
               coalesce(l.lead_days, s.lead_time_days) AS lead_days,
               coalesce(l.lead_sd, 0) AS lead_sd,
               (SELECT b.service_level FROM book b) AS service_level,
               s.safety_stock, coalesce(s.qty_step, 1) AS step
          FROM item_position p
          JOIN stock s ON s.item = p.item AND s.location = p.location
          LEFT JOIN demand_rate d ON d.item = p.item AND d.location = p.location
          LEFT JOIN (SELECT y.item, y.location, avg(greatest(y.lead_days, 0)) AS lead_days,
                            stddev_samp(greatest(y.lead_days, 0)) AS lead_sd
                       FROM supply_delivery y
                      WHERE (y.in_full OR y.closed) AND y.lead_days IS NOT NULL
                      GROUP BY y.item, y.location) l ON l.item = p.item AND l.location = p.location) a
 CROSS JOIN LATERAL (
        SELECT coalesce(a.safety_stock,
                        bko.safety_stock(a.service_level::float8, a.demand_sd::float8,
                                         coalesce(a.lead_days, 0)::float8, a.demand_mean::float8,
                                         a.lead_sd::float8)::numeric) AS safety_stock) z
 CROSS JOIN LATERAL (
        SELECT round(z.safety_stock, 2) AS safety_stock,
               round(a.demand_mean * coalesce(a.lead_days, 0) + z.safety_stock, 2) AS reorder_point) k;
COMMENT ON VIEW reorder_advice IS 'What to order: continuous review of the inventory position against a reorder point (Stevenson, Operations Management; Chopra, Meindl, Supply Chain Management, chapter on safety inventory)';
COMMENT ON COLUMN reorder_advice.item IS 'The item';
COMMENT ON COLUMN reorder_advice.location IS 'The location';
COMMENT ON COLUMN reorder_advice.on_hand IS 'Quantity physically there';
COMMENT ON COLUMN reorder_advice.available IS 'Part of it that is not held for order lines';
COMMENT ON COLUMN reorder_advice.backordered IS 'Quantity that order lines wait for';
COMMENT ON COLUMN reorder_advice.expected IS 'Quantity still to come of open supply lines';
COMMENT ON COLUMN reorder_advice.position IS 'Inventory position: on_hand + expected - backordered';
COMMENT ON COLUMN reorder_advice.demand_mean IS 'Mean demand per day, of demand_rate, 4 decimals; 0: none';
COMMENT ON COLUMN reorder_advice.demand_sd IS 'Standard deviation of the demand per day, of demand_rate, 4 decimals';
COMMENT ON COLUMN reorder_advice.lead_days IS 'Mean lead time in days of the supply lines delivered (in full, or closed), of supply_delivery; stock.lead_time_days where there is none; null, reckoned as 0: not known either';
COMMENT ON COLUMN reorder_advice.lead_sd IS 'Standard deviation of that lead time (of a sample); 0 where fewer than two lines were delivered';
COMMENT ON COLUMN reorder_advice.service_level IS 'book.service_level: the share of order cycles in which stock is not to run out';
COMMENT ON COLUMN reorder_advice.safety_stock IS 'stock.safety_stock where given, else z sqrt(L sd_d^2 + d^2 sd_L^2) by bko.safety_stock(); 2 decimals';
COMMENT ON COLUMN reorder_advice.reorder_point IS 'Reorder point: d L + safety stock; 2 decimals';
COMMENT ON COLUMN reorder_advice.advised_qty IS 'What brings position up to reorder_point, in whole steps of stock.qty_step, else in whole units; 0: position is there';

-- ---- where shipped units came from ----

-- Twice, two rows of quantities are laid against each other: what a line was
-- allocated against what left its allocation, and what came against what went. Each
-- time every row bears the running total that it ends at; the ends of both sides
-- are sorted once, the last first; between two neighbouring ends lies a quantity
-- that belongs to the lowest row of either side seen so far. Rows are compared by
-- their place n, which is the first element of the arrays that carry their numbers.

-- What ships, or goes otherwise, and the receipt that it was filled from. What was
-- allocated to a line first leaves its allocation first.
CREATE VIEW stock_outflow AS
SELECT m.item, m.location, m.at, m.movement_id, m.line_id, m.receipt_id, m.qty
  FROM all_movement m
 WHERE m.kind = 'ship' AND m.from_state IS DISTINCT FROM 'a'
UNION ALL
SELECT c.item, c.location, c.at, c.gone[2], c.line_id, c.got[2], c.qty
  FROM (SELECT e.item, e.location, e.line_id,
               e.upto - coalesce(lead(e.upto) OVER w, 0) AS qty,
               min(e.at) FILTER (WHERE e.leaves) OVER w AS at,
               min(ARRAY[e.n, e.movement_id, e.ships]) FILTER (WHERE e.leaves) OVER w AS gone,
               min(ARRAY[e.n, e.receipt_id]) FILTER (WHERE NOT e.leaves) OVER w AS got
          FROM (SELECT m.item, m.location, m.line_id, m.at, m.movement_id, m.receipt_id, l.leaves,
                       (m.kind = 'ship')::integer::bigint AS ships,
                       sum(m.qty) OVER w AS upto, row_number() OVER w AS n
                  FROM all_movement m
                 CROSS JOIN LATERAL (SELECT coalesce(m.from_state = 'a', false) AS leaves) l
                 WHERE m.from_state = 'a' OR m.to_state = 'a'
                WINDOW w AS (PARTITION BY m.line_id, m.item, m.location, l.leaves
                             ORDER BY m.at, m.movement_id ROWS UNBOUNDED PRECEDING)) e
        WINDOW w AS (PARTITION BY e.line_id, e.item, e.location ORDER BY e.upto DESC
                     ROWS UNBOUNDED PRECEDING)) c
 WHERE c.gone[3] = 1 AND c.qty > 0;
COMMENT ON VIEW stock_outflow IS 'What shipped, with the receipt that its line was filled from';
COMMENT ON COLUMN stock_outflow.item IS 'The item';
COMMENT ON COLUMN stock_outflow.location IS 'The location';
COMMENT ON COLUMN stock_outflow.at IS 'When it shipped';
COMMENT ON COLUMN stock_outflow.movement_id IS 'The journal''s entry';
COMMENT ON COLUMN stock_outflow.line_id IS 'The order line';
COMMENT ON COLUMN stock_outflow.receipt_id IS 'The receipt that the journal names as filling the line, at once or by an allocation; null: it came from stock';
COMMENT ON COLUMN stock_outflow.qty IS 'Quantity';

-- What came in and what went out. A fill takes from its receipt; what is left of
-- receipts and all else that came makes up the stock, which goes first in, first out.
-- Of a fill that is more than what its receipt holds net of reversals, the rest
-- is from stock too.
CREATE VIEW stock_flow AS
WITH side AS (
    SELECT d.item, d.location, d.receipt_id AS of_receipt, false AS goes, d.at, d.movement_id,
           d.receipt_id, d.supply_id, NULL::bigint AS line_id, d.qty
      FROM delivery d
    UNION ALL
    SELECT o.item, o.location, o.receipt_id, true, o.at, o.movement_id, NULL, NULL, o.line_id, o.qty
      FROM stock_outflow o
     WHERE o.receipt_id IS NOT NULL
), named AS (
    SELECT s.*, sum(s.qty) OVER w AS upto,
           coalesce(sum(s.qty) FILTER (WHERE NOT s.goes) OVER r, 0) AS came,
           coalesce(sum(s.qty) FILTER (WHERE s.goes) OVER r, 0) AS gone
      FROM side s
    WINDOW r AS (PARTITION BY s.of_receipt, s.item, s.location),
           w AS (PARTITION BY s.of_receipt, s.item, s.location, s.goes ORDER BY s.at, s.movement_id
                 ROWS UNBOUNDED PRECEDING)
)
SELECT n.item, n.location, p.of_receipt, n.goes, n.at, n.movement_id, n.receipt_id, n.supply_id,
       n.line_id, p.qty
  FROM named n
 CROSS JOIN LATERAL (
        SELECT least(n.upto, n.came, n.gone) - least(n.upto - n.qty, n.came, n.gone) AS direct) t
 CROSS JOIN LATERAL (VALUES (n.of_receipt, t.direct), (NULL, n.qty - t.direct)) AS p (of_receipt, qty)
 WHERE p.qty > 0
UNION ALL
SELECT o.item, o.location, NULL, true, o.at, o.movement_id, NULL, NULL, o.line_id, o.qty
  FROM stock_outflow o
 WHERE o.receipt_id IS NULL
UNION ALL
-- a return that was written off came and went: neither is stock
SELECT m.item, m.location, NULL, sum(m.qty) < 0, m.at, min(m.movement_id), NULL, NULL, NULL,
       abs(sum(m.qty))
  FROM all_movement m
 WHERE m.kind IN ('return', 'adjust') AND m.line_id IS NOT NULL
 GROUP BY m.item, m.location, m.line_id, m.at
HAVING sum(m.qty) <> 0
UNION ALL
SELECT m.item, m.location, NULL, m.qty < 0, m.at, m.movement_id, NULL, NULL, NULL, abs(m.qty)
  FROM all_movement m
 WHERE m.line_id IS NULL AND (m.kind = 'adjust' OR (m.kind = 'receive' AND m.receipt_id IS NULL));
COMMENT ON VIEW stock_flow IS 'What came into stock and what left it, for provenance';
COMMENT ON COLUMN stock_flow.item IS 'The item';
COMMENT ON COLUMN stock_flow.location IS 'The location';
COMMENT ON COLUMN stock_flow.of_receipt IS 'The receipt that it is part of, where a fill names it; null: it goes through stock, first in, first out';
COMMENT ON COLUMN stock_flow.goes IS 'True: it left; false: it came';
COMMENT ON COLUMN stock_flow.at IS 'When';
COMMENT ON COLUMN stock_flow.movement_id IS 'The journal''s entry, the first of several';
COMMENT ON COLUMN stock_flow.receipt_id IS 'The receipt that it came by; null: by none, or it left';
COMMENT ON COLUMN stock_flow.supply_id IS 'The supply line that it came on';
COMMENT ON COLUMN stock_flow.line_id IS 'The order line that it shipped for; null: it was lost, or it came';
COMMENT ON COLUMN stock_flow.qty IS 'Quantity, above zero';

CREATE VIEW provenance AS
SELECT c.gone[2] AS line_id, c.item, trim_scale(c.qty) AS qty, c.at AS shipped_at,
       c.came[2] AS receipt_id, c.came[3] AS supply_id, u.supply_ref, u.supplier, c.location
  FROM (SELECT e.item, e.location,
               e.upto - coalesce(lead(e.upto) OVER w, 0) AS qty,
               min(e.at) FILTER (WHERE e.goes) OVER w AS at,
               min(ARRAY[e.n, e.line_id]) FILTER (WHERE e.goes) OVER w AS gone,
               min(ARRAY[e.n, e.receipt_id, e.supply_id]) FILTER (WHERE NOT e.goes) OVER w AS came
          FROM (SELECT f.item, f.location, f.of_receipt, f.goes, f.at, f.line_id, f.receipt_id, f.supply_id,
                       sum(f.qty) OVER w AS upto, row_number() OVER w AS n
                  FROM stock_flow f
                WINDOW w AS (PARTITION BY f.item, f.location, f.of_receipt, f.goes
                             ORDER BY f.at, f.movement_id ROWS UNBOUNDED PRECEDING)) e
        WINDOW w AS (PARTITION BY e.item, e.location, e.of_receipt ORDER BY e.upto DESC
                     ROWS UNBOUNDED PRECEDING)) c
  LEFT JOIN supply u ON u.supply_id = c.came[3] AND u.item = c.item
 WHERE c.gone[2] IS NOT NULL AND c.qty > 0;
COMMENT ON VIEW provenance IS 'Lot traceability: every shipped unit back to the delivery that it came by. What the journal says a receipt filled is taken from it; the rest first in, first out, of what remained of receipts and of other rises';
COMMENT ON COLUMN provenance.line_id IS 'The order line that it shipped for';
COMMENT ON COLUMN provenance.item IS 'The item';
COMMENT ON COLUMN provenance.qty IS 'Quantity; those of a line add up to what it has shipped';
COMMENT ON COLUMN provenance.shipped_at IS 'When it shipped';
COMMENT ON COLUMN provenance.receipt_id IS 'The receipt that it came by; null: by none, it was counted in, there at first, or came back from a customer';
COMMENT ON COLUMN provenance.supply_id IS 'The supply line that the receipt was on; null: on none';
COMMENT ON COLUMN provenance.supply_ref IS 'Its purchase order, production order or transfer';
COMMENT ON COLUMN provenance.supplier IS 'Who delivered';
COMMENT ON COLUMN provenance.location IS 'Where it shipped from';
