\set n :n + 1
\set ref 1000000 + :client_id * 1000000 + :n
\set i1 random(101, 120)
\set i2 random(101, 120)
\set i3 random(101, 120)
\set i4 random(101, 120)
\set i5 random(101, 120)
SELECT count(*) FROM place_order((:ref)::text, jsonb_build_array(jsonb_build_object('item', (:i1)::text, 'qty', 1, 'unit_price', 79.90), jsonb_build_object('item', (:i2)::text, 'qty', 1, 'unit_price', 79.90), jsonb_build_object('item', (:i3)::text, 'qty', 1, 'unit_price', 79.90), jsonb_build_object('item', (:i4)::text, 'qty', 1, 'unit_price', 79.90), jsonb_build_object('item', (:i5)::text, 'qty', 1, 'unit_price', 79.90)), customer => 'Retailer');
