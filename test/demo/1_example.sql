\echo
\echo '=== 1. One item, one order, one delivery ==================================='
\echo
CREATE EXTENSION bko;
\o /dev/null
SELECT bko.create_book('shop');
\o
\echo
\echo '--- 350 phones in stock; a retailer orders 500. What ships now, what waits?'
\echo
INSERT INTO shop.stock (item, on_hand) VALUES ('PHONE-X', 350);

INSERT INTO shop.order_line (order_ref, customer, item, qty_ordered, unit_price)
VALUES ('SO-1001', 'Retailer', 'PHONE-X', 500, 799)
RETURNING qty_shipped, qty_backordered;
\echo '--- 400 more are ordered from the supplier. What does the retailer see?'
\echo
INSERT INTO shop.supply (supply_ref, kind, supplier, item, qty_expected, expected_on)
VALUES ('PO-77', 'purchase', 'Acme', 'PHONE-X', 400, current_date + 14);

SELECT order_ref, qty_backordered, promised_on, supply_ref FROM shop.open_backorder;
\echo '--- They arrive. Where do they go?'
\echo
INSERT INTO shop.receipt (item, qty, supply_ref) VALUES ('PHONE-X', 400, 'PO-77')
RETURNING qty_to_backorders, qty_to_stock;

SELECT order_ref, customer, qty_ordered, qty_shipped, qty_backordered FROM shop.order_line;
