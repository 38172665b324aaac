-- A piece of a day: most of it is about 20 hot items, the rest about 10,000.
\set luck random(1, 100)
\set kind random(1, 100)
\set hot 100000 + random(1, 20)
\set any 100000 + random(1, 10000)
\set qty random(1, 5)
\if :luck <= 70
\set item :hot
\else
\set item :any
\endif
\if :kind <= 70
INSERT INTO order_line (order_ref, customer, item, qty_ordered, unit_price) VALUES (:item, 'Retailer', :item, :qty, 79.90);
\elif :kind <= 95
INSERT INTO receipt (item, qty) VALUES (:item, 8);
\elif :kind <= 98
UPDATE stock SET on_hand = on_hand + 1 WHERE item = :item AND location = 'main';
\else
UPDATE order_line SET priority = 50 WHERE line_id = (SELECT line_id FROM order_line WHERE item = :item AND location = 'main' AND qty_backordered > 0 AND NOT held LIMIT 1);
\endif
