-- One line that says everything about where a contestant ended up: equal work
-- from an equal state must end in an equal state, line by line and journal row
-- by journal row. Hashes are summed, so the order of rows doesn't matter; ids
-- and times, which may differ, are left out.
SELECT 'stock ' || count(*) || ' rows, on hand ' || trim_scale(sum(on_hand)) || ', backordered ' || trim_scale(sum(backordered))
       || ' #' || coalesce(sum(hashtextextended(concat_ws('|', item, location, trim_scale(on_hand), trim_scale(allocated),
                                        trim_scale(backordered), last_queued_at IS NULL), 0)), 0)::text
  FROM stock
UNION ALL
SELECT 'lines ' || count(*) || ' rows, shipped ' || trim_scale(coalesce(sum(qty_shipped), 0))
       || ', backordered ' || trim_scale(coalesce(sum(qty_backordered), 0)) || ', closed ' || count(closed_at)
       || ' #' || coalesce(sum(hashtextextended(concat_ws('|', order_ref, item, location, trim_scale(qty_ordered), trim_scale(qty_shipped),
                                        trim_scale(qty_allocated), trim_scale(qty_backordered), trim_scale(qty_cancelled),
                                        trim_scale(qty_returned), trim_scale(qty_filled_first), closed_at IS NULL), 0)), 0)::text
  FROM order_line
UNION ALL
SELECT 'receipts ' || count(*) || ' rows, to backorders ' || trim_scale(coalesce(sum(qty_to_backorders), 0))
       || ' #' || coalesce(sum(hashtextextended(concat_ws('|', item, location, trim_scale(qty), trim_scale(qty_to_backorders),
                                        trim_scale(qty_to_stock)), 0)), 0)::text
  FROM receipt
UNION ALL
SELECT 'journal ' || count(*) || ' rows, ' || count(m.line_id) || ' of lines, ' || count(m.receipt_id) || ' of receipts'
       || ' #' || coalesce(sum(hashtextextended(concat_ws('|', m.kind, m.from_state, m.to_state, m.item, m.location, trim_scale(m.qty),
                                        o.order_ref, m.receipt_id IS NULL, m.by_role), 0)), 0)::text
  FROM movement m LEFT JOIN order_line o ON o.line_id = m.line_id AND o.item = m.item
 ORDER BY 1;
