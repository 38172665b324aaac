BEGIN;
INSERT INTO receipt (item, qty, qty_to_backorders, qty_to_stock)
SELECT r.item, r.qty, least(r.qty, s.backordered), r.qty - least(r.qty, s.backordered)
  FROM bench_src.receipts r JOIN stock s ON s.item = r.item AND s.location = 'main';
WITH q AS (
    SELECT w.row, w.waits, least(w.waits, r.qty - w.before) AS take, r.receipt_id
      FROM (SELECT ctid AS row, item, qty_backordered AS waits,
                   sum(qty_backordered) OVER (PARTITION BY item, location ORDER BY priority, queued_at, line_id ROWS UNBOUNDED PRECEDING) - qty_backordered AS before
              FROM order_line WHERE location = 'main' AND @waiting@) w
           JOIN receipt r ON r.item = w.item AND w.before < r.qty
), u AS (
    UPDATE order_line l
       SET qty_shipped = l.qty_shipped + q.take, qty_backordered = l.qty_backordered - q.take,
           closed_at = CASE WHEN q.take = q.waits THEN now() END
      FROM q WHERE l.ctid = q.row
    RETURNING l.line_id, l.item, q.take, q.receipt_id
)
INSERT INTO movement (kind, from_state, to_state, item, qty, line_id, receipt_id)
SELECT 'ship', 'b', 's', item, take, line_id, receipt_id FROM u;
UPDATE stock SET on_hand = on_hand + r.qty_to_stock, backordered = backordered - r.qty_to_backorders
  FROM receipt r WHERE stock.item = r.item AND stock.location = 'main';
INSERT INTO movement (kind, item, qty, receipt_id) SELECT 'receive', item, qty, receipt_id FROM receipt;
COMMIT;
