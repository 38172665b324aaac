BEGIN;
INSERT INTO receipt (item, qty, qty_to_backorders, qty_to_stock)
SELECT item, :qty, least(:qty, backordered), :qty - least(:qty, backordered) FROM stock WHERE item = 'HOT' AND location = 'main'
RETURNING receipt_id \gset
WITH q AS (
    SELECT row, least(waits, :qty - before) AS take, waits
      FROM (SELECT ctid AS row, qty_backordered AS waits,
                   sum(qty_backordered) OVER (ORDER BY priority, queued_at, line_id ROWS UNBOUNDED PRECEDING) - qty_backordered AS before
              FROM order_line WHERE item = 'HOT' AND location = 'main' AND @waiting@) w
     WHERE before < :qty
), u AS (
    UPDATE order_line l
       SET qty_shipped = l.qty_shipped + q.take, qty_backordered = l.qty_backordered - q.take,
           closed_at = CASE WHEN q.take = q.waits THEN now() END
      FROM q WHERE l.ctid = q.row
    RETURNING l.line_id, q.take
)
INSERT INTO movement (kind, from_state, to_state, item, qty, line_id, receipt_id)
SELECT 'ship', 'b', 's', 'HOT', take, line_id, :receipt_id FROM u;
UPDATE stock SET on_hand = on_hand + r.qty_to_stock, backordered = backordered - r.qty_to_backorders
  FROM receipt r WHERE r.receipt_id = :receipt_id AND stock.item = 'HOT' AND stock.location = 'main';
INSERT INTO movement (kind, item, qty, receipt_id) VALUES ('receive', 'HOT', :qty, :receipt_id);
COMMIT;
