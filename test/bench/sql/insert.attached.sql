INSERT INTO app_line (order_ref, customer, item, quantity, price)
SELECT order_ref, customer, item, qty, unit_price FROM bench_src.:source;
