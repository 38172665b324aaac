\set n :n + 1
\set ref 1000000 + :client_id * 1000000 + :n
\set i1 random(101, 120)
\set i2 random(101, 120)
\set i3 random(101, 120)
\set i4 random(101, 120)
\set i5 random(101, 120)
BEGIN;
SELECT on_hand FROM stock WHERE item IN (:i1, :i2, :i3, :i4, :i5) AND location = 'main' ORDER BY item COLLATE "C" FOR NO KEY UPDATE;
WITH l AS (INSERT INTO order_line (order_ref, customer, item, qty_ordered, unit_price, qty_shipped, qty_backordered, qty_filled_first, closed_at) SELECT :ref, 'Retailer', item, 1, 79.90, 1, 0, 1, now() FROM (VALUES (:i1), (:i2), (:i3), (:i4), (:i5)) v (item) RETURNING line_id, item, qty_shipped), s AS (UPDATE stock SET on_hand = on_hand - t.qty, last_queued_at = clock_timestamp() FROM (SELECT item, count(*) AS qty FROM (VALUES (:i1), (:i2), (:i3), (:i4), (:i5)) v (item) GROUP BY item) t WHERE stock.item = t.item AND location = 'main') INSERT INTO movement (kind, to_state, item, qty, line_id) SELECT 'ship', 's', item, qty_shipped, line_id FROM l;
COMMIT;
