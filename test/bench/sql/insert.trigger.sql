INSERT INTO order_line (order_ref, customer, item, qty_ordered, unit_price)
SELECT order_ref, customer, item, qty, unit_price FROM bench_src.:source;
