-- What a book shows. A view runs with its owner's rights: SELECT on it is all
-- that a reader needs.

-- The queue in the order in which its stock row's fill_rule serves it. Under
-- fair_share the lines of one priority are served together; shown is the order
-- in which what is left over goes to them. Held lines keep their place.
CREATE VIEW fill_order AS
SELECT l.line_id, l.order_ref, l.demand, l.customer, l.item, l.location, l.priority, l.requested_on,
       l.unit_price, l.qty_ordered, l.qty_backordered, l.queued_at, l.held,
       row_number() OVER (PARTITION BY l.item, l.location
                          ORDER BY l.priority,
                                   CASE WHEN s.fill_rule = 'due_date' THEN l.requested_on END,
                                   CASE WHEN s.fill_rule = 'most_lines' THEN l.qty_backordered END,
                                   l.queued_at, l.line_id) AS place
  FROM order_line l
  JOIN stock s ON s.item = l.item AND s.location = l.location
 WHERE l.qty_backordered > 0;
COMMENT ON VIEW fill_order IS 'Waiting lines, each with its place in the queue of its item and location';
COMMENT ON COLUMN fill_order.line_id IS 'The waiting line';
COMMENT ON COLUMN fill_order.order_ref IS 'Its order';
COMMENT ON COLUMN fill_order.demand IS 'customer or internal';
COMMENT ON COLUMN fill_order.customer IS 'Who waits';
COMMENT ON COLUMN fill_order.item IS 'For which item';
COMMENT ON COLUMN fill_order.location IS 'At which location';
COMMENT ON COLUMN fill_order.priority IS 'Lower is more urgent';
COMMENT ON COLUMN fill_order.requested_on IS 'Day the customer asked for';
COMMENT ON COLUMN fill_order.unit_price IS 'Price of a unit';
COMMENT ON COLUMN fill_order.qty_ordered IS 'Quantity ordered';
COMMENT ON COLUMN fill_order.qty_backordered IS 'Quantity that the line waits for';
COMMENT ON COLUMN fill_order.queued_at IS 'Since when it waits';
COMMENT ON COLUMN fill_order.held IS 'True: it is held, and passed over';
COMMENT ON COLUMN fill_order.place IS 'Place in the queue; 1 is next';

-- Supply still to come, laid against the queue: the running total of one
-- against the running total of the other. A row for each stretch they share.
CREATE VIEW pegging AS
WITH waiting AS (
    SELECT line_id, order_ref, item, location,
           sum(qty_backordered) OVER queue - qty_backordered AS from_qty,
           sum(qty_backordered) OVER queue AS to_qty
      FROM fill_order
     WHERE NOT held
    WINDOW queue AS (PARTITION BY item, location ORDER BY place ROWS UNBOUNDED PRECEDING)
), coming AS (
    SELECT supply_id, supply_ref, item, location, expected_on,
           sum(qty_expected - qty_received) OVER arrival - (qty_expected - qty_received) AS from_qty,
           sum(qty_expected - qty_received) OVER arrival AS to_qty
      FROM supply
     WHERE NOT closed AND qty_expected > qty_received
    WINDOW arrival AS (PARTITION BY item, location ORDER BY expected_on, supply_id
                       ROWS UNBOUNDED PRECEDING)
)
SELECT w.line_id, w.order_ref, w.item, w.location, c.supply_id, c.supply_ref,
       trim_scale(least(w.to_qty, c.to_qty) - greatest(w.from_qty, c.from_qty)) AS qty,
       c.expected_on
  FROM waiting w
  JOIN coming c ON c.item = w.item AND c.location = w.location
               AND c.from_qty < w.to_qty AND w.from_qty < c.to_qty;
COMMENT ON VIEW pegging IS 'Which expected supply will fill which waiting line, and with how much';
COMMENT ON COLUMN pegging.line_id IS 'The waiting line';
COMMENT ON COLUMN pegging.order_ref IS 'Its order';
COMMENT ON COLUMN pegging.item IS 'The item';
COMMENT ON COLUMN pegging.location IS 'The location';
COMMENT ON COLUMN pegging.supply_id IS 'The supply line that will fill it';
COMMENT ON COLUMN pegging.supply_ref IS 'Its purchase order, production order or transfer';
COMMENT ON COLUMN pegging.qty IS 'How much of the line that supply covers';
COMMENT ON COLUMN pegging.expected_on IS 'When that supply is expected';

-- A line is promised for the day of the supply that completes it.
CREATE VIEW open_backorder AS
WITH promise AS (
    SELECT DISTINCT ON (line_id, item)
           line_id, item, expected_on, supply_ref,
           sum(qty) OVER (PARTITION BY line_id, item) AS pegged
      FROM pegging
     ORDER BY line_id, item, expected_on DESC NULLS FIRST, supply_id DESC
)
SELECT l.line_id, l.order_ref, l.demand, l.customer, l.item, l.location, l.priority,
       l.qty_ordered, l.qty_backordered,
       trim_scale(l.qty_backordered * l.unit_price) AS value,
       l.queued_at,
       greatest(extract(day FROM now() - l.queued_at), 0)::integer AS days_waiting,
       l.place AS position,
       trim_scale(sum(l.qty_backordered) OVER queue - l.qty_backordered) AS qty_ahead,
       l.requested_on,
       p.expected_on AS promised_on,
       p.supply_ref,
       greatest(p.expected_on - l.requested_on, 0) AS days_late
  FROM fill_order l
  LEFT JOIN promise p ON p.line_id = l.line_id AND p.item = l.item AND p.pegged = l.qty_backordered
WINDOW queue AS (PARTITION BY l.item, l.location ORDER BY l.place ROWS UNBOUNDED PRECEDING);
COMMENT ON VIEW open_backorder IS 'Every waiting line: how much of what, since when, its place in the queue and its promise';
COMMENT ON COLUMN open_backorder.line_id IS 'The waiting line';
COMMENT ON COLUMN open_backorder.order_ref IS 'Its order';
COMMENT ON COLUMN open_backorder.demand IS 'customer or internal';
COMMENT ON COLUMN open_backorder.customer IS 'Who waits';
COMMENT ON COLUMN open_backorder.item IS 'For which item';
COMMENT ON COLUMN open_backorder.location IS 'At which location';
COMMENT ON COLUMN open_backorder.priority IS 'Lower is more urgent';
COMMENT ON COLUMN open_backorder.qty_ordered IS 'Quantity ordered';
COMMENT ON COLUMN open_backorder.qty_backordered IS 'Quantity that the line waits for';
COMMENT ON COLUMN open_backorder.value IS 'qty_backordered * unit_price, in the line''s currency';
COMMENT ON COLUMN open_backorder.queued_at IS 'Since when it waits';
COMMENT ON COLUMN open_backorder.days_waiting IS 'Whole days since then';
COMMENT ON COLUMN open_backorder.position IS 'Place in the queue of its item and location; 1 is next';
COMMENT ON COLUMN open_backorder.qty_ahead IS 'Quantity that lines before it wait for';
COMMENT ON COLUMN open_backorder.requested_on IS 'Day the customer asked for';
COMMENT ON COLUMN open_backorder.promised_on IS 'Day of the expected supply that completes it; null: none on its way';
COMMENT ON COLUMN open_backorder.supply_ref IS 'That supply';
COMMENT ON COLUMN open_backorder.days_late IS 'Days from requested_on to promised_on; 0: in time';
