-- A year of a first in, first out book, brought in as a restore would be: of
-- 100 lines an item 90 are closed, half of which waited, and the last 10 wait;
-- two entries of the journal a line.
-- psql variables: items

INSERT INTO stock (item, on_hand, allocated, backordered, unit_cost)
SELECT (100000 + i)::text, 0, 0, 20, 5 FROM generate_series(1, :items) i;

-- Line j of an item is ordered every 3.65 days. In each ten the first five ship
-- at once, the others wait until a receipt at the end of the ten.
CREATE TEMP TABLE line AS
SELECT i * 100 + j AS line_id, (100000 + i)::text AS item, j,
       date_trunc('day', now()) - interval '365 days' + j * interval '3.65 days' + i % 86400 * interval '1 second' AS at,
       date_trunc('day', now()) - interval '365 days' + (j / 10 * 10 + 9.5) * interval '3.65 days' + i % 86400 * interval '1 second' AS filled_at,
       j % 10 >= 5 OR j >= 90 AS waits, j >= 90 AS still
  FROM generate_series(1, :items) i, generate_series(0, 99) j;

INSERT INTO order_line (line_id, order_ref, customer, item, priority, requested_on, unit_price, currency, payment_days,
                        qty_ordered, ordered_at, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned,
                        qty_filled_first, queued_at, closed_at)
SELECT line_id, 'SO-' || line_id / 3, 'Customer ' || line_id % 997, item, 100, at::date + 7, 79.90,
       CASE WHEN line_id % 10 = 0 THEN 'USD' ELSE 'EUR' END, 30,
       2, at, CASE WHEN still THEN 0 ELSE 2 END, 0, CASE WHEN still THEN 2 ELSE 0 END, 0, 0,
       CASE WHEN waits THEN 0 ELSE 2 END, at, CASE WHEN still THEN NULL WHEN waits THEN filled_at ELSE at END
  FROM line ORDER BY line.at, line_id;

INSERT INTO movement (at, kind, from_state, to_state, item, location, qty, line_id, by_role)
SELECT e.at, e.kind, e.from_state::"char", e.to_state::"char", l.item, 'main', e.qty, e.line_id, 'old'
  FROM line l
 CROSS JOIN LATERAL (VALUES (1, l.at, CASE WHEN l.waits THEN 'backorder' ELSE 'ship' END, NULL,
                             CASE WHEN l.waits THEN 'b' ELSE 's' END, 2, l.line_id, true),
                            (3, l.filled_at, 'ship', 'b', 's', 2, l.line_id, l.waits AND NOT l.still),
                            (2, CASE WHEN l.waits THEN l.filled_at ELSE l.at - interval '1 hour' END, 'receive', NULL, NULL,
                             CASE WHEN l.waits THEN 10 ELSE 2 END, NULL, NOT l.still AND (NOT l.waits OR l.j % 5 = 0)))
       e (n, at, kind, from_state, to_state, qty, line_id, there)
 WHERE e.there
 ORDER BY e.at, e.n, l.line_id;
DROP TABLE line;

-- Half of those who wait are promised something.
INSERT INTO supply (supply_ref, supplier, item, qty_expected, expected_on, qty_received)
SELECT 'PO-' || i, 'Acme', (100000 + i)::text, 10, current_date + i % 60, 0 FROM generate_series(1, :items) i;

VACUUM (ANALYZE) stock, order_line, supply, receipt, movement;
CHECKPOINT;
