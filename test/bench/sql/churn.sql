-- A piece of a day: most of it is about 20 hot items, the rest about 10,000.
-- pgbench variables: n (0)
\set n :n + 1
\set luck random(1, 100)
\set kind random(1, 100)
\set qty random(1, 5)
\if :luck <= 70
\set item 100000 + random(1, 20)
\else
\set item 100000 + random(1, 10000)
\endif
\if :n % 8 = 0
-- bought now, and what was bought 50 times before comes in
\set bought 100001 + :n / 8 * 7919 % 10000
\set due greatest(:n - 400, 8)
\set comes 100001 + :due / 8 * 7919 % 10000
\set now :client_id * 100000000 + :n
\set then :client_id * 100000000 + :due
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES (:now, :bought, 5, '2030-01-01');
\if :n > 400
INSERT INTO receipt (item, qty, supply_ref) VALUES (:comes, 5, :then);
\endif
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
