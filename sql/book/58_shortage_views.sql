-- Why we ran out. The facts stand in the table shortage; demand is in the
-- order lines themselves, and what was ordered above forecast is told from them.

-- Demand of an item's last 30 days against what was forecast for 30 days: the
-- plan of then (stock.demand_per_day), or the mean of the 90 days before them.
CREATE VIEW demand_surge AS
SELECT l.line_id, l.item, l.location, l.ordered_at,
       trim_scale(l.last_30) AS demand_30_days,
       trim_scale(round((l.last_120 - l.last_30)
           / greatest(least(l.days_before, 90), 1) * 30, 6)) AS mean_30_days
  FROM (SELECT l.line_id, l.item, l.location, l.ordered_at,
               sum(l.qty_ordered) OVER (queue RANGE BETWEEN '30 days' PRECEDING AND CURRENT ROW) AS last_30,
               sum(l.qty_ordered) OVER (queue RANGE BETWEEN '120 days' PRECEDING AND CURRENT ROW) AS last_120,
               extract(epoch FROM l.ordered_at - interval '30 days' - min(l.ordered_at) OVER (queue))
                   / 86400 AS days_before
          FROM all_line l
         WHERE (l.item, l.location) IN (SELECT f.item, f.location FROM shortage f)
        WINDOW queue AS (PARTITION BY l.item, l.location ORDER BY l.ordered_at)) l;
COMMENT ON VIEW demand_surge IS 'For each order line of an item that was ever short: the demand of the 30 days up to it, and what history made one expect of 30 days';
COMMENT ON COLUMN demand_surge.line_id IS 'The order line';
COMMENT ON COLUMN demand_surge.item IS 'Its item';
COMMENT ON COLUMN demand_surge.location IS 'Its location';
COMMENT ON COLUMN demand_surge.ordered_at IS 'When it was ordered';
COMMENT ON COLUMN demand_surge.demand_30_days IS 'Quantity ordered in the 30 days up to it, itself included';
COMMENT ON COLUMN demand_surge.mean_30_days IS 'Thirty times the mean per day of the 90 days before those (or of as many as there are)';

CREATE VIEW shortage_cause AS
SELECT w.line_id, w.item, w.location, w.supplier,
       date_trunc('month', w.at AT TIME ZONE (SELECT b.time_zone FROM book b))::date AS month,
       w.qty AS qty_short,
       c.supplier_delay, c.production_delay, c.demand_above_forecast, c.planning
  FROM (SELECT m.line_id, m.item, m.location, m.at, m.qty, f.supplier, f.demand_per_day,
               f.overdue_purchase + f.short_received AS owed_by_suppliers,
               f.overdue_production AS owed_by_production,
               f.backordered + sum(m.qty) OVER (PARTITION BY f.shortage_id, f.item
                                                ORDER BY m.movement_id) - m.qty AS waiting_before
          FROM shortage f
          JOIN all_movement m ON m.item = f.item AND m.location = f.location AND m.at = f.at
                         AND m.kind = 'backorder' AND m.from_state IS NULL) w
  LEFT JOIN demand_surge d ON d.line_id = w.line_id AND d.item = w.item
 CROSS JOIN LATERAL bko.shortage_shares(w.qty, w.waiting_before, w.owed_by_suppliers,
                                        w.owed_by_production,
                                        d.demand_30_days - CASE WHEN w.demand_per_day IS NOT NULL
                                                                THEN w.demand_per_day * 30
                                                                WHEN d.mean_30_days > 0
                                                                THEN d.mean_30_days END) c;
COMMENT ON VIEW shortage_cause IS 'Why order lines had to wait: the short quantity of each, shared out among its causes; the shares add up to it';
COMMENT ON COLUMN shortage_cause.line_id IS 'The line that had to wait';
COMMENT ON COLUMN shortage_cause.item IS 'What was short';
COMMENT ON COLUMN shortage_cause.location IS 'Where';
COMMENT ON COLUMN shortage_cause.supplier IS 'Supplier of the longest overdue purchase then, or of the last one closed short';
COMMENT ON COLUMN shortage_cause.month IS 'First day of the month in which it came about';
COMMENT ON COLUMN shortage_cause.qty_short IS 'What the line had to wait for when it came in';
COMMENT ON COLUMN shortage_cause.supplier_delay IS 'Share of purchases that were overdue or had been closed short';
COMMENT ON COLUMN shortage_cause.production_delay IS 'Share of production that was overdue';
COMMENT ON COLUMN shortage_cause.demand_above_forecast IS 'Share of demand in the last 30 days above what was forecast for 30 days';
COMMENT ON COLUMN shortage_cause.planning IS 'What nothing of this explains: nothing, or too little, was ordered in time';
