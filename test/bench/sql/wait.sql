\set item random(200001, 210000)
INSERT INTO order_line (order_ref, customer, item, qty_ordered, unit_price) VALUES (:item, 'Retailer', :item, 5, 79.90);
