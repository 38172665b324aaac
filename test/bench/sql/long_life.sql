-- A book with a long life behind it, brought in as a restore would be, but in
-- pieces and with no triggers: lines that are closed, and lines that wait, one
-- half of them in the queue of item LONG. Of 100001 and so on there is plenty, of
-- 200001 and so on nothing.
-- psql variables: closed, waiting (lines), few (lines that wait at least)

SET session_replication_role = replica;

INSERT INTO stock (item, on_hand, allocated, backordered)
SELECT i::text, 1000000000, 0, 0 FROM generate_series(100001, 110000) i;
INSERT INTO movement (at, kind, item, location, qty, by_role)
SELECT now() - interval '10 years', 'adjust', s.item, 'main', 1000000000, 'old' FROM stock s;

-- Closed: shipped at once, one entry of the journal each.
SELECT format($$
    INSERT INTO order_line (line_id, order_ref, customer, item, qty_ordered, unit_price, currency, ordered_at, qty_shipped, qty_allocated,
                            qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at, closed_at)
    SELECT n, 'SO-' || n / 3, 'Customer ' || n %% 997, (100001 + n %% 10000)::text, 2, 79.90, 'EUR', at, 2, 0, 0, 0, 0, 2, at, at
      FROM generate_series(%s, %s) n, LATERAL (SELECT now() - interval '9 years' + n * interval '10 seconds' AS at OFFSET 0) t;
    INSERT INTO movement (at, kind, to_state, item, location, qty, line_id, by_role)
    SELECT now() - interval '9 years' + n * interval '10 seconds', 'ship', 's', (100001 + n %% 10000)::text, 'main', 2, n, 'old'
      FROM generate_series(%s, %s) n$$, a, b, a, b)
  FROM (SELECT a, least(a + 499999, :closed) AS b FROM generate_series(1, :closed, 500000) a) p
\gexec

-- Waiting: every other line in the long queue.
SELECT format($$
    INSERT INTO order_line (line_id, order_ref, customer, item, qty_ordered, unit_price, currency, ordered_at, qty_shipped, qty_allocated,
                            qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at)
    SELECT n, 'SO-' || n / 3, 'Customer ' || n %% 997, CASE WHEN n %% 2 = 0 THEN 'LONG' ELSE (200001 + n / 2 %% 10000)::text END,
           5, 79.90, 'EUR', at, 0, 0, 5, 0, 0, 0, at
      FROM generate_series(%s, %s) n, LATERAL (SELECT now() - interval '1 year' + n * interval '1 second' AS at OFFSET 0) t;
    INSERT INTO movement (at, kind, to_state, item, location, qty, line_id, by_role)
    SELECT l.queued_at, 'backorder', 'b', l.item, 'main', 5, l.line_id, 'old'
      FROM order_line l WHERE l.line_id BETWEEN %s AND %s ORDER BY l.line_id$$, a, b, a, b)
  FROM (SELECT a, least(a + 499999, :closed + :waiting + 2 * :few) AS b
          FROM generate_series(:closed + 1, :closed + :waiting + 2 * :few, 500000) a) p
\gexec

-- What the lines shipped and wait for.
UPDATE stock s SET on_hand = 1000000000 - j.qty
  FROM (SELECT item, sum(qty) AS qty FROM movement WHERE kind = 'ship' GROUP BY item) j WHERE j.item = s.item;
INSERT INTO stock (item, on_hand, allocated, backordered, last_queued_at)
SELECT w.item, 0, 0, coalesce(sum(l.qty_backordered), 0), max(l.queued_at)
  FROM (SELECT 'LONG' AS item UNION ALL SELECT i::text FROM generate_series(200001, 210000) i) w
  LEFT JOIN order_line l ON l.item = w.item AND l.qty_backordered > 0
 GROUP BY w.item;

SELECT setval(pg_get_serial_sequence('order_line', 'line_id'), :closed + :waiting + 2 * :few + 1);
SELECT setval(pg_get_serial_sequence('movement', 'movement_id'), (SELECT max(movement_id) FROM movement) + 1);
VACUUM (ANALYZE) stock, order_line, supply, receipt, movement;
CHECKPOINT;
