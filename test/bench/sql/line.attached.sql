\set n :n + 1
\set ref 1000000 + :client_id * 1000000 + :n
\set item random(100001, 110000)
\set qty random(1, 5)
INSERT INTO app_line (order_ref, customer, item, quantity, price) VALUES (:ref, 'Retailer', :item, :qty, 79.90);
