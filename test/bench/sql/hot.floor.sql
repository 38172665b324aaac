\set n :n + 1
\set ref 1000000 + :client_id * 1000000 + :n
\set qty random(1, 5)
WITH l AS (INSERT INTO order_line (order_ref, customer, item, qty_ordered, unit_price, qty_shipped, qty_backordered, qty_filled_first, closed_at) VALUES (:ref, 'Retailer', 'HOT', :qty, 79.90, :qty, 0, :qty, now()) RETURNING line_id, item, qty_shipped), s AS (UPDATE stock SET on_hand = on_hand - :qty, last_queued_at = clock_timestamp() WHERE item = 'HOT' AND location = 'main') INSERT INTO movement (kind, to_state, item, qty, line_id) SELECT 'ship', 's', item, qty_shipped, line_id FROM l;
