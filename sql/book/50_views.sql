-- What a book shows. A view runs with its owner's rights: SELECT on it is all
-- that a reader needs.

-- Lines and journal with what archive() has moved: reports are of all of it.
CREATE VIEW all_line AS
SELECT line_id, order_ref, line_no, demand, customer, item, location, priority, ship_policy,
       requested_on, unit_price, currency, payment_days, qty_ordered, ordered_at, qty_shipped,
       qty_allocated, qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at,
       closed_at, held, hold_reason, pending
  FROM order_line
UNION ALL
SELECT line_id, order_ref, line_no, demand, customer, item, location, priority, ship_policy,
       requested_on, unit_price, currency, payment_days, qty_ordered, ordered_at, qty_shipped,
       qty_allocated, qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at,
       closed_at, held, hold_reason, pending
  FROM archived_line;
COMMENT ON VIEW all_line IS 'Every order line, archived or not';
COMMENT ON COLUMN all_line.line_id IS 'Number of the line, given by the table';
COMMENT ON COLUMN all_line.order_ref IS 'The order that the line belongs to';
COMMENT ON COLUMN all_line.line_no IS 'Number of the line within its order';
COMMENT ON COLUMN all_line.demand IS 'customer: to be sold; internal: for own use, in the same queue';
COMMENT ON COLUMN all_line.customer IS 'Who ordered';
COMMENT ON COLUMN all_line.item IS 'What was ordered';
COMMENT ON COLUMN all_line.location IS 'Where it is to be taken from; inserted as NULL: where the table sourcing says';
COMMENT ON COLUMN all_line.priority IS 'Lower is more urgent, 0 to 32767';
COMMENT ON COLUMN all_line.ship_policy IS 'partial: what is there ships; line: ships when the whole line is there; order: ships when every line of the order is';
COMMENT ON COLUMN all_line.requested_on IS 'Day the customer asked for';
COMMENT ON COLUMN all_line.unit_price IS 'Price of a unit';
COMMENT ON COLUMN all_line.currency IS 'Currency of unit_price, three letters';
COMMENT ON COLUMN all_line.payment_days IS 'Days from shipment to payment';
COMMENT ON COLUMN all_line.qty_ordered IS 'Quantity ordered: always shipped + allocated + backordered + cancelled';
COMMENT ON COLUMN all_line.ordered_at IS 'When the order was placed';
COMMENT ON COLUMN all_line.qty_shipped IS 'shipped so far; a return leaves it as it was';
COMMENT ON COLUMN all_line.qty_allocated IS 'held for the line, not yet shipped';
COMMENT ON COLUMN all_line.qty_backordered IS 'what the line waits for';
COMMENT ON COLUMN all_line.qty_cancelled IS 'cancelled so far';
COMMENT ON COLUMN all_line.qty_returned IS 'came back of what was shipped';
COMMENT ON COLUMN all_line.qty_filled_first IS 'what the line got at entry, never changed later';
COMMENT ON COLUMN all_line.queued_at IS 'place in the queue, taken under the lock of the stock row; the owner may give an older one for old orders';
COMMENT ON COLUMN all_line.closed_at IS 'since when nothing of the line is open';
COMMENT ON COLUMN all_line.held IS 'True: stop-ship. The line keeps its place and what it has, takes and ships nothing, and blocks nobody';
COMMENT ON COLUMN all_line.hold_reason IS 'Why it is held';
COMMENT ON COLUMN all_line.pending IS 'the transaction that inserted the line and has not split it yet; null once it is split, which is all that others see';

CREATE VIEW all_movement AS
SELECT movement_id, at, kind, from_state, to_state, item, location, qty, line_id, receipt_id,
       supply_id, reason, by_role
  FROM movement
UNION ALL
SELECT movement_id, at, kind, from_state, to_state, item, location, qty, line_id, receipt_id,
       supply_id, reason, by_role
  FROM archived_movement;
COMMENT ON VIEW all_movement IS 'The whole journal, archived or not';
COMMENT ON COLUMN all_movement.movement_id IS 'Number of the entry';
COMMENT ON COLUMN all_movement.at IS 'When it happened';
COMMENT ON COLUMN all_movement.kind IS 'receive, adjust and return change on_hand by qty, ship by -qty; backorder, allocate, release and cancel move a line''s quantity between its states';
COMMENT ON COLUMN all_movement.from_state IS 'State of the line that qty left: b backordered, a allocated, s shipped; null: none, it is new';
COMMENT ON COLUMN all_movement.to_state IS 'State of the line that qty entered: b backordered, a allocated, s shipped, c cancelled, r returned; null: none, it is no longer ordered';
COMMENT ON COLUMN all_movement.item IS 'The item';
COMMENT ON COLUMN all_movement.location IS 'The location';
COMMENT ON COLUMN all_movement.qty IS 'Quantity; below zero where a count, damage or a reversed receipt lowers on_hand';
COMMENT ON COLUMN all_movement.line_id IS 'The order line, where there is one';
COMMENT ON COLUMN all_movement.receipt_id IS 'The receipt that it came from';
COMMENT ON COLUMN all_movement.supply_id IS 'The supply line that was received on';
COMMENT ON COLUMN all_movement.reason IS 'Why, where somebody said so';
COMMENT ON COLUMN all_movement.by_role IS 'Role on whose behalf it happened';

-- Waiting lines. Held ones have an index of their own, hence the two arms.
CREATE VIEW waiting_line AS
SELECT line_id, order_ref, line_no, demand, customer, item, location, priority, ship_policy,
       requested_on, unit_price, currency, payment_days, qty_ordered, ordered_at, qty_allocated,
       qty_backordered, queued_at, held
  FROM order_line
 WHERE qty_backordered > 0 AND NOT held AND pending IS NULL
UNION ALL
SELECT line_id, order_ref, line_no, demand, customer, item, location, priority, ship_policy,
       requested_on, unit_price, currency, payment_days, qty_ordered, ordered_at, qty_allocated,
       qty_backordered, queued_at, held
  FROM order_line
 WHERE qty_backordered > 0 AND held AND pending IS NULL;
COMMENT ON VIEW waiting_line IS 'The order lines that wait for something';
COMMENT ON COLUMN waiting_line.line_id IS 'The waiting line';
COMMENT ON COLUMN waiting_line.order_ref IS 'Its order';
COMMENT ON COLUMN waiting_line.line_no IS 'Number of the line within its order';
COMMENT ON COLUMN waiting_line.demand IS 'customer or internal';
COMMENT ON COLUMN waiting_line.customer IS 'Who waits';
COMMENT ON COLUMN waiting_line.item IS 'For which item';
COMMENT ON COLUMN waiting_line.location IS 'At which location';
COMMENT ON COLUMN waiting_line.priority IS 'Lower is more urgent';
COMMENT ON COLUMN waiting_line.ship_policy IS 'partial, line or order';
COMMENT ON COLUMN waiting_line.requested_on IS 'Day the customer asked for';
COMMENT ON COLUMN waiting_line.unit_price IS 'Price of a unit';
COMMENT ON COLUMN waiting_line.currency IS 'Currency of unit_price';
COMMENT ON COLUMN waiting_line.payment_days IS 'Days from shipment to payment';
COMMENT ON COLUMN waiting_line.qty_ordered IS 'Quantity ordered';
COMMENT ON COLUMN waiting_line.ordered_at IS 'When the order was placed';
COMMENT ON COLUMN waiting_line.qty_allocated IS 'Quantity that is held for the line already';
COMMENT ON COLUMN waiting_line.qty_backordered IS 'Quantity that the line waits for';
COMMENT ON COLUMN waiting_line.queued_at IS 'Since when it waits';
COMMENT ON COLUMN waiting_line.held IS 'True: it is held, and passed over';

-- Supply still to come is laid against the queue in the order of its days:
-- the running total of one against the running total of the other. A row for
-- each stretch they share.
CREATE VIEW pegging AS
SELECT l.line_id, l.order_ref, l.item, l.location, p.supply_id, p.supply_ref, p.qty, p.expected_on
  FROM waiting_line l
 CROSS JOIN LATERAL bko.pegging('book'::regclass, (SELECT b.read_key FROM book b), l.item, l.location,
                                 l.line_id) p;
COMMENT ON VIEW pegging IS 'Which expected supply will fill which waiting line, and with how much';
COMMENT ON COLUMN pegging.line_id IS 'The waiting line';
COMMENT ON COLUMN pegging.order_ref IS 'Its order';
COMMENT ON COLUMN pegging.item IS 'The item';
COMMENT ON COLUMN pegging.location IS 'The location';
COMMENT ON COLUMN pegging.supply_id IS 'The supply line that will fill it';
COMMENT ON COLUMN pegging.supply_ref IS 'Its purchase order, production order or transfer';
COMMENT ON COLUMN pegging.qty IS 'How much of the line that supply covers';
COMMENT ON COLUMN pegging.expected_on IS 'When that supply is expected';

-- A line is promised for the day of the supply that completes it. Its place is
-- that in which its stock row's fill_rule serves it; under fair_share the lines
-- of one priority are served together, and the order shown is that in which
-- what is left over goes to them.
CREATE VIEW open_backorder AS
SELECT l.line_id, l.order_ref, l.demand, l.customer, l.item, l.location, l.priority,
       l.qty_ordered, l.qty_backordered,
       trim_scale(l.qty_backordered * l.unit_price) AS value,
       l.queued_at,
       greatest(extract(day FROM now() - l.queued_at), 0)::integer AS days_waiting,
       p.position,
       p.qty_ahead,
       l.requested_on,
       p.promised_on,
       p.supply_ref,
       CASE WHEN isfinite(p.promised_on) AND isfinite(l.requested_on)
            THEN greatest(p.promised_on - l.requested_on, 0) END AS days_late,
       l.currency,
       l.held
  FROM waiting_line l
 CROSS JOIN LATERAL bko.promise('book'::regclass, (SELECT b.read_key FROM book b), l.item, l.location,
                                 l.line_id) p;
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
COMMENT ON COLUMN open_backorder.days_late IS 'Days from requested_on to promised_on; 0: in time; null: either is unknown';
COMMENT ON COLUMN open_backorder.currency IS 'Currency of value';
COMMENT ON COLUMN open_backorder.held IS 'True: the line is held; it keeps its place, and nothing is promised';

-- Every line of every order, as a reader sees it.
CREATE VIEW order_position AS
SELECT order_ref, line_no, line_id, demand, customer, item, location, priority, ship_policy,
       requested_on, ordered_at, unit_price, currency,
       qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned,
       held, hold_reason, closed_at, false AS archived
  FROM order_line
UNION ALL
SELECT order_ref, line_no, line_id, demand, customer, item, location, priority, ship_policy,
       requested_on, ordered_at, unit_price, currency,
       qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned,
       held, hold_reason, closed_at, true AS archived
  FROM archived_line;
COMMENT ON VIEW order_position IS 'Order lines and where each unit of them stands, open or closed';
COMMENT ON COLUMN order_position.order_ref IS 'The order';
COMMENT ON COLUMN order_position.line_no IS 'Number of the line within its order';
COMMENT ON COLUMN order_position.line_id IS 'The line';
COMMENT ON COLUMN order_position.demand IS 'customer or internal';
COMMENT ON COLUMN order_position.customer IS 'Who ordered';
COMMENT ON COLUMN order_position.item IS 'What was ordered';
COMMENT ON COLUMN order_position.location IS 'Where it is taken from';
COMMENT ON COLUMN order_position.priority IS 'Lower is more urgent';
COMMENT ON COLUMN order_position.ship_policy IS 'partial, line or order';
COMMENT ON COLUMN order_position.requested_on IS 'Day the customer asked for';
COMMENT ON COLUMN order_position.ordered_at IS 'When the order was placed';
COMMENT ON COLUMN order_position.unit_price IS 'Price of a unit';
COMMENT ON COLUMN order_position.currency IS 'Currency of unit_price';
COMMENT ON COLUMN order_position.qty_ordered IS 'Quantity ordered: shipped + allocated + backordered + cancelled';
COMMENT ON COLUMN order_position.qty_shipped IS 'Shipped so far';
COMMENT ON COLUMN order_position.qty_allocated IS 'Held for the line, not yet shipped';
COMMENT ON COLUMN order_position.qty_backordered IS 'What the line waits for';
COMMENT ON COLUMN order_position.qty_cancelled IS 'Cancelled';
COMMENT ON COLUMN order_position.qty_returned IS 'Came back of what was shipped';
COMMENT ON COLUMN order_position.held IS 'True: stop-ship';
COMMENT ON COLUMN order_position.hold_reason IS 'Why it is held';
COMMENT ON COLUMN order_position.closed_at IS 'Since when nothing of it is open';
COMMENT ON COLUMN order_position.archived IS 'True: archive() has moved it to archived_line; it changes no more';
