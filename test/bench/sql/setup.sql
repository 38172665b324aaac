-- The state before a measurement: stock, and lines that wait. A book comes to
-- it by its own doing, the others by SQL without triggers; the rows are the same.
-- psql variables: who, stock (a query: item, on_hand), waiting (a query: order_ref, customer, item, qty, unit_price)

SELECT :'who' IN ('bko', 'attached') AS bko \gset
\if :bko

INSERT INTO stock (item, on_hand) :stock ;
INSERT INTO order_line (order_ref, customer, item, qty_ordered, unit_price) :waiting ;

\else

SET session_replication_role = replica;
WITH s AS (INSERT INTO stock (item, on_hand) :stock RETURNING item, on_hand)
INSERT INTO movement (kind, item, qty)
SELECT 'adjust', item, on_hand FROM s WHERE on_hand <> 0;

WITH l AS (
    INSERT INTO order_line (order_ref, customer, item, qty_ordered, unit_price, qty_shipped, qty_backordered, qty_filled_first)
    SELECT order_ref, customer, item, qty, unit_price, 0, qty, 0
      FROM (:waiting) w (order_ref, customer, item, qty, unit_price)
    RETURNING line_id, item, qty_backordered, queued_at
), s AS (
    UPDATE stock SET backordered = w.qty, last_queued_at = w.at
      FROM (SELECT item, sum(qty_backordered) AS qty, max(queued_at) AS at FROM l GROUP BY item) w
     WHERE stock.item = w.item
)
INSERT INTO movement (at, kind, to_state, item, qty, line_id)
SELECT queued_at, 'backorder', 'b', item, qty_backordered, line_id FROM l;

\endif

VACUUM (ANALYZE) stock, order_line, supply, receipt, movement;
CHECKPOINT;
