\set n :n + 1
\set item 1000000 + :client_id * :per_client + :n
INSERT INTO order_line (order_ref, customer, item, qty_ordered, unit_price) VALUES (:item, 'Retailer', :item, 5, 79.90);
