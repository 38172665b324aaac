BEGIN;
\copy order_line (order_ref, customer, item, qty_ordered, unit_price, qty_shipped, qty_backordered, qty_filled_first, closed_at) FROM 'many.floor.copy'
UPDATE stock
   SET on_hand = stock.on_hand - l.got, backordered = stock.backordered + l.rest, last_queued_at = clock_timestamp()
  FROM (SELECT item, sum(qty_shipped) AS got, sum(qty_backordered) AS rest FROM order_line WHERE queued_at >= now() GROUP BY item) l
 WHERE stock.item = l.item AND stock.location = 'main';
INSERT INTO movement (at, kind, to_state, item, qty, line_id)
SELECT queued_at, 'ship', 's', item, qty_shipped, line_id FROM order_line WHERE queued_at >= now() AND qty_shipped > 0;
INSERT INTO movement (at, kind, to_state, item, qty, line_id)
SELECT queued_at, 'backorder', 'b', item, qty_backordered, line_id FROM order_line WHERE queued_at >= now() AND qty_backordered > 0;
COMMIT;
