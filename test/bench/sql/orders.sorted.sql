\set n :n + 1
\set ref 1000000 + :client_id * 1000000 + :n
\set i1 random(101, 120)
\set i2 random(101, 120)
\set i3 random(101, 120)
\set i4 random(101, 120)
\set i5 random(101, 120)
INSERT INTO order_line (order_ref, customer, item, qty_ordered, unit_price) SELECT :ref, 'Retailer', item, 1, 79.90 FROM (VALUES (:i1), (:i2), (:i3), (:i4), (:i5)) v (item) ORDER BY item COLLATE "C";
