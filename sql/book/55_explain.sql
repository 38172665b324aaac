-- explain(): what a person asks about a line, a row for each answer.

CREATE FUNCTION explain(line_id bigint)
    RETURNS TABLE (fact text, value text) LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.need_line('book'::regclass, line_id);
    WITH line AS (
        SELECT l.* FROM order_line l WHERE l.line_id = explain.line_id
    ), place AS (
        SELECT b.* FROM open_backorder b JOIN line ON line.line_id = b.line_id AND line.item = b.item
    ), ahead AS (
        SELECT b.line_id, b.order_ref, b.customer, b.qty_backordered, b.position
          FROM open_backorder b
          JOIN place p ON p.item = b.item AND p.location = b.location AND b.position < p.position
         ORDER BY b.position DESC
         LIMIT 3
    ), answers AS (
        SELECT 1 AS n, 'line' AS fact,
               format('%s of %s at %s%s%s', l.qty_ordered, l.item, l.location,
                      ' for order ' || l.order_ref, ', customer ' || l.customer) AS value
          FROM line l
        UNION ALL
        SELECT 2, 'state',
               CASE WHEN l.pending IS NOT NULL THEN 'to be split when the transaction commits'
                    WHEN l.held AND l.closed_at IS NULL THEN 'held'
                    WHEN l.qty_backordered > 0 THEN 'waiting'
                    WHEN l.qty_allocated > 0 THEN 'allocated, not shipped'
                    WHEN l.qty_shipped > 0 THEN 'shipped'
                    ELSE 'cancelled' END
               || format(': %s shipped, %s allocated, %s backordered, %s cancelled, %s returned',
                         l.qty_shipped, l.qty_allocated, l.qty_backordered, l.qty_cancelled,
                         l.qty_returned)
          FROM line l
        UNION ALL
        SELECT 3, 'held because', coalesce(l.hold_reason, 'no reason was given')
          FROM line l WHERE l.held
        UNION ALL
        SELECT 4, 'not shipped because',
               CASE WHEN l.held THEN 'it is held'
                    WHEN NOT s.ships_at_once THEN 'the stock row ships by ship() alone'
                    WHEN l.ship_policy = 'line' THEN 'the whole line ships together'
                    WHEN l.ship_policy = 'order' THEN
                        format('the whole order ships together; still waiting: %s',
                               coalesce((SELECT string_agg(format('%s of %s', o.qty_backordered, o.item), ', '
                                                           ORDER BY o.line_no, o.line_id)
                                           FROM order_line o
                                          WHERE o.order_ref = l.order_ref
                                            AND o.qty_backordered > 0), 'nothing, but a line is held')) END
          FROM line l JOIN stock s ON s.item = l.item AND s.location = l.location
         WHERE l.qty_allocated > 0
        UNION ALL
        SELECT 5, 'place in the queue', format('%s, since %s', p.position, p.queued_at::timestamptz(0))
          FROM place p
        UNION ALL
        SELECT 6, 'quantity ahead', p.qty_ahead::text FROM place p
        UNION ALL
        SELECT 7, 'next ahead',
               string_agg(format('%s of %s%s', a.qty_backordered,
                                 coalesce('order ' || a.order_ref, 'line ' || a.line_id),
                                 ' (' || a.customer || ')'), ', ' ORDER BY a.position DESC)
          FROM ahead a HAVING count(*) > 0
        UNION ALL
        SELECT 8, 'available now', format('%s%s; the queue is served by %s', n.available,
                      ', of which ' || s.unassigned || ' for new orders alone', s.fill_rule)
          FROM line l JOIN stock s ON s.item = l.item AND s.location = l.location
          JOIN stock_now n ON n.item = l.item AND n.location = l.location
         WHERE l.qty_backordered > 0
        UNION ALL
        SELECT 9, 'held back by', string_agg(k.what, '; ' ORDER BY k.n, k.what)
          FROM line l
          JOIN stock s ON s.item = l.item AND s.location = l.location AND s.limited
          LEFT JOIN customer_group g ON g.customer = l.customer
         CROSS JOIN LATERAL (
            SELECT 1 AS n, format('a cap of %s per %s for %s, %s used', c.qty, c.period,
                                  coalesce('group ' || c.customer_group, 'priority ' || c.priority),
                                  c.qty_used) AS what
              FROM cap c
             WHERE c.item = l.item AND c.location = l.location
               AND (c.priority = l.priority OR c.customer_group = g.group_name)
            UNION ALL
            SELECT 2, format('%s protected for %s', p.qty,
                             coalesce('group ' || p.customer_group, 'priority ' || p.priority))
              FROM protection p
             WHERE p.item = l.item AND p.location = l.location
               AND CASE WHEN p.customer_group IS NULL THEN l.priority > p.priority
                        ELSE l.priority >= p.priority
                             AND p.customer_group IS DISTINCT FROM g.group_name END) k
         WHERE l.qty_backordered > 0 AND NOT l.held
        HAVING count(*) > 0
        UNION ALL
        SELECT 10, 'waits for',
               coalesce((SELECT string_agg(format('%s from %s expected on %s', g.qty, g.supply_ref,
                                                  coalesce(g.expected_on::text, 'an unknown day')), ', '
                                           ORDER BY g.expected_on, g.supply_id)
                           FROM pegging g WHERE g.line_id = p.line_id AND g.item = p.item),
                        'nothing is on its way')
          FROM place p JOIN line l ON NOT l.held
        UNION ALL
        SELECT 11, 'promised on', coalesce(p.promised_on::text, 'no date: what is on its way does not cover it, or not by a known day')
          FROM place p JOIN line l ON NOT l.held
        UNION ALL
        SELECT 12, 'requested on', l.requested_on::text FROM line l WHERE l.requested_on IS NOT NULL
    )
    SELECT a.fact, a.value FROM answers a ORDER BY a.n;
END;
COMMENT ON FUNCTION explain(bigint) IS 'Why a line waits: its state, place in the queue, who is ahead, which supply will fill it and when';
