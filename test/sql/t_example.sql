-- The worked example of DESIGN section 1. It must read exactly like this.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
RESET client_min_messages;
SELECT bko.create_book('t_example');
SET search_path = t_example;

INSERT INTO stock (item, on_hand) VALUES ('PHONE-X', 350);

-- 500 ordered, 350 there: 350 ship, 150 wait.
INSERT INTO order_line (order_ref, customer, item, qty_ordered, unit_price)
VALUES ('SO-1001', 'Retailer', 'PHONE-X', 500, 799)
RETURNING qty_shipped, qty_backordered;
SELECT count(*) FROM verify();

-- 400 are on their way, which is more than the 150: the line is promised for that day.
INSERT INTO supply (supply_ref, kind, supplier, item, qty_expected, expected_on)
VALUES ('PO-77', 'purchase', 'Acme', 'PHONE-X', 400, current_date + 14);
SELECT order_ref, qty_backordered, promised_on - current_date AS promised_in_days, supply_ref
FROM open_backorder;

-- They come in: 150 go to the line that waits, 250 to stock.
INSERT INTO receipt (item, qty, supply_ref) VALUES ('PHONE-X', 400, 'PO-77')
RETURNING qty_to_backorders, qty_to_stock;

-- What that leaves: nobody waits, the line is closed, the supply received.
SELECT count(*) AS waiting FROM open_backorder;
SELECT order_ref, qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned,
       qty_filled_first, closed_at IS NOT NULL AS closed
FROM order_line;
SELECT item, location, on_hand, allocated, available, backordered FROM stock;
SELECT supply_ref, qty_expected, qty_received FROM supply;

-- The journal: 350 counted in, 350 shipped at once as one row, 150 backordered,
-- 400 received on PO-77, 150 shipped out of that receipt.
SELECT kind, item, location, qty, line_id, receipt_id, supply_id, by_role = current_user AS by_me
FROM movement ORDER BY movement_id;
SELECT count(*) FROM verify();

SET client_min_messages = warning;
DROP SCHEMA t_example CASCADE;
