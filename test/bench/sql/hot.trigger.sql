\set n :n + 1
\set ref 1000000 + :client_id * 1000000 + :n
\set qty random(1, 5)
INSERT INTO order_line (order_ref, customer, item, qty_ordered, unit_price) VALUES (:ref, 'Retailer', 'HOT', :qty, 79.90);
