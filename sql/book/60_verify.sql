-- verify(): every rule that always holds, each with the query that would find
-- a break of it. Sums are of the whole book: a check, not for every minute.

CREATE VIEW journal_total AS
SELECT item, location, line_id,
       coalesce(sum(qty) FILTER (WHERE to_state = 's'), 0)
           - coalesce(sum(qty) FILTER (WHERE from_state = 's' AND kind <> 'return'), 0) AS shipped,
       coalesce(sum(qty) FILTER (WHERE to_state = 'a'), 0)
           - coalesce(sum(qty) FILTER (WHERE from_state = 'a'), 0) AS allocated,
       coalesce(sum(qty) FILTER (WHERE to_state = 'b'), 0)
           - coalesce(sum(qty) FILTER (WHERE from_state = 'b'), 0) AS backordered,
       coalesce(sum(qty) FILTER (WHERE to_state = 'c'), 0)
           - coalesce(sum(qty) FILTER (WHERE from_state = 'c'), 0) AS cancelled,
       coalesce(sum(qty) FILTER (WHERE to_state = 'r'), 0)
           - coalesce(sum(qty) FILTER (WHERE from_state = 'r'), 0) AS returned
  FROM movement
 WHERE line_id IS NOT NULL
 GROUP BY item, location, line_id;
COMMENT ON VIEW journal_total IS 'What the journal says of each line that is not archived: every unit is in the state that it entered last';
COMMENT ON COLUMN journal_total.item IS 'The item';
COMMENT ON COLUMN journal_total.location IS 'The location';
COMMENT ON COLUMN journal_total.line_id IS 'The line';
COMMENT ON COLUMN journal_total.shipped IS 'Units shipped';
COMMENT ON COLUMN journal_total.allocated IS 'Units held for the line';
COMMENT ON COLUMN journal_total.backordered IS 'Units that the line waits for';
COMMENT ON COLUMN journal_total.cancelled IS 'Units cancelled';
COMMENT ON COLUMN journal_total.returned IS 'Units that came back';

-- Both bind: the least that a line's caps leave, and what is available above
-- all that is kept from it. The engine's own arithmetic is src/room.c.
CREATE FUNCTION limit_room(item text, location text, priority integer, customer text,
                           available numeric)
    RETURNS numeric LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT greatest(least(
        limit_room.available
            - coalesce((SELECT sum(p.qty) FROM protection p
                         WHERE p.item = limit_room.item AND p.location = limit_room.location
                           AND CASE WHEN p.customer_group IS NULL
                                    THEN limit_room.priority > p.priority
                                    ELSE limit_room.priority >= p.priority
                                         AND p.customer_group IS DISTINCT FROM g.group_name END), 0),
        (SELECT min(c.qty - c.qty_used) FROM cap c
          WHERE c.item = limit_room.item AND c.location = limit_room.location
            AND (c.priority = limit_room.priority OR c.customer_group = g.group_name))), 0)
      FROM (SELECT (SELECT g.group_name FROM customer_group g
                     WHERE g.customer = limit_room.customer) AS group_name) g;
END;
COMMENT ON FUNCTION limit_room(text, text, integer, text, numeric) IS 'What a line of that priority and customer may take where so much is available, by caps (as last counted) and protected quantities';

CREATE FUNCTION verify()
    RETURNS TABLE (rule text, item text, location text, line_id bigint, detail text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    -- a line's units are all somewhere, none negative
    SELECT 'line quantities', l.item, l.location, l.line_id,
           format('%s ordered, %s shipped, %s allocated, %s backordered, %s cancelled, %s returned',
                  l.qty_ordered, l.qty_shipped, l.qty_allocated, l.qty_backordered,
                  l.qty_cancelled, l.qty_returned)
      FROM order_line l
     WHERE l.qty_ordered <> l.qty_shipped + l.qty_allocated + l.qty_backordered + l.qty_cancelled
        OR least(l.qty_ordered, l.qty_shipped, l.qty_allocated, l.qty_backordered,
                 l.qty_cancelled, l.qty_returned, l.qty_filled_first) < 0
        OR l.qty_returned > l.qty_shipped
    UNION ALL
    -- a line is closed when nothing of it is open
    SELECT 'line closed', l.item, l.location, l.line_id,
           format('closed_at is %s with %s open', coalesce(l.closed_at::text, 'null'),
                  l.qty_allocated + l.qty_backordered)
      FROM order_line l
     WHERE (l.closed_at IS NULL) <> (l.qty_allocated + l.qty_backordered > 0)
    UNION ALL
    -- a line that is to be split at commit is this transaction's own, and as it went in
    SELECT 'line pending', l.item, l.location, l.line_id,
           format('inserted by transaction %s and never split', abs(l.pending))
      FROM order_line l
     WHERE l.pending IS NOT NULL
       AND (abs(l.pending) IS DISTINCT FROM pg_current_xact_id_if_assigned()::text::bigint
            OR l.qty_backordered <> l.qty_ordered)
    UNION ALL
    -- allocated and backordered are the sums over the lines
    SELECT 'stock sums', coalesce(s.item, o.item), coalesce(s.location, o.location), NULL,
           format('stock says %s allocated, %s backordered; lines say %s, %s',
                  s.allocated, s.backordered, coalesce(o.allocated, 0), coalesce(o.backordered, 0))
      FROM stock_now s
      FULL JOIN (SELECT l.item, l.location, sum(l.qty_allocated) AS allocated,
                        sum(l.qty_backordered) AS backordered
                   FROM order_line l
                  WHERE (l.qty_allocated > 0 OR l.qty_backordered > 0) AND l.pending IS NULL
                  GROUP BY l.item, l.location) o
        ON o.item = s.item AND o.location = s.location
     WHERE s.allocated IS DISTINCT FROM coalesce(o.allocated, 0)
        OR s.backordered IS DISTINCT FROM coalesce(o.backordered, 0)
    UNION ALL
    -- on_hand >= allocated >= 0
    SELECT 'stock bounds', s.item, s.location, NULL,
           format('%s on hand, %s allocated, %s backordered', s.on_hand, s.allocated, s.backordered)
      FROM stock_now s
     WHERE s.allocated < 0 OR s.backordered < 0 OR s.on_hand < s.allocated
    UNION ALL
    -- what waiting lines passed up is part of what is available
    SELECT 'unassigned', s.item, s.location, NULL,
           format('%s unassigned of %s available', s.unassigned, s.on_hand - s.allocated)
      FROM stock s
     WHERE s.unassigned <= 0 OR s.unassigned > s.on_hand - s.allocated
    UNION ALL
    -- on_hand is the sum of its movements, archived ones included
    SELECT 'on_hand journal', coalesce(s.item, m.item), coalesce(s.location, m.location), NULL,
           format('stock says %s on hand, the journal %s', s.on_hand, coalesce(m.on_hand, 0))
      FROM stock_now s
      FULL JOIN (SELECT j.item, j.location, sum(j.qty) AS on_hand
                   FROM (SELECT m.item, m.location,
                                CASE m.kind WHEN 'ship' THEN -m.qty ELSE m.qty END AS qty
                           FROM movement m
                          WHERE m.kind IN ('receive', 'adjust', 'return', 'ship')
                         UNION ALL
                         SELECT t.item, t.location, t.on_hand FROM archived_total t) j
                  GROUP BY j.item, j.location) m
        ON m.item = s.item AND m.location = s.location
     WHERE coalesce(s.on_hand, 0) <> coalesce(m.on_hand, 0)
    UNION ALL
    -- the journal replays to the line's counters
    SELECT 'line journal', l.item, l.location, l.line_id,
           format('line says %s shipped, %s allocated, %s backordered, %s cancelled, %s returned;'
                  ' the journal %s, %s, %s, %s, %s',
                  l.qty_shipped, l.qty_allocated, l.qty_backordered, l.qty_cancelled, l.qty_returned,
                  coalesce(j.shipped, 0), coalesce(j.allocated, 0), coalesce(j.backordered, 0),
                  coalesce(j.cancelled, 0), coalesce(j.returned, 0))
      FROM order_line l
      LEFT JOIN journal_total j
        ON j.line_id = l.line_id AND j.item = l.item AND j.location = l.location
     WHERE l.qty_shipped <> coalesce(j.shipped, 0)
        OR l.qty_allocated <> coalesce(j.allocated, 0)
        OR CASE WHEN l.pending IS NULL THEN l.qty_backordered ELSE 0 END <> coalesce(j.backordered, 0)
        OR l.qty_cancelled <> coalesce(j.cancelled, 0)
        OR l.qty_returned <> coalesce(j.returned, 0)
    UNION ALL
    -- what is open in the journal is open in a line of that item and location
    SELECT 'journal line', j.item, j.location, j.line_id,
           format('the journal says %s allocated, %s backordered of a line that is not there',
                  j.allocated, j.backordered)
      FROM journal_total j
     WHERE (j.allocated <> 0 OR j.backordered <> 0)
       AND NOT EXISTS (SELECT FROM order_line l
                        WHERE l.line_id = j.line_id AND l.item = j.item AND l.location = j.location)
    UNION ALL
    -- no line waits while something that it may take is available
    SELECT 'waits in vain', s.item, s.location, w.line_id,
           format('%s available while %s wait', s.available - coalesce(s.unassigned, 0),
                  s.backordered)
      FROM (SELECT n.item, n.location, n.available, n.backordered, t.unassigned, t.limited, t.qty_step
              FROM stock_now n JOIN stock t ON t.item = n.item AND t.location = n.location) s
     CROSS JOIN LATERAL (
        SELECT l.line_id FROM order_line l
         WHERE l.item = s.item AND l.location = s.location AND l.qty_backordered > 0
           AND NOT l.held AND l.pending IS NULL
           AND (NOT s.limited OR
                limit_room(l.item, l.location, l.priority, l.customer,
                           s.available - coalesce(s.unassigned, 0))
                    >= coalesce(nullif(s.qty_step, 0), 0.000001))
         ORDER BY l.priority, l.queued_at, l.line_id LIMIT 1) w
     WHERE s.available - coalesce(s.unassigned, 0)
               >= coalesce(nullif(s.qty_step, 0), 0.000001)
    UNION ALL
    -- lanes have what was handed out to them, the stock row has the rest, and where
    -- lines could be treated differently nothing is handed out
    SELECT 'lanes', coalesce(s.item, l.item), coalesce(s.location, l.location), NULL,
           format('stock says %s in %s lanes of %s available; there are %s with %s left, %s shipped, %s allocated',
                  coalesce(s.laned, 0), coalesce(s.lanes, 0), s.available, coalesce(l.n, 0),
                  coalesce(l.qty, 0), coalesce(l.shipped, 0), coalesce(l.allocated, 0))
      FROM stock s
      FULL JOIN (SELECT k.item, k.location, count(*) AS n, sum(k.qty) AS qty, min(k.qty) AS least,
                        sum(k.shipped) AS shipped, sum(k.allocated) AS allocated,
                        count(*) FILTER (WHERE k.qty > 0 AND
                            (k.qty_step, k.ships_at_once) IS DISTINCT FROM (t.qty_step, t.ships_at_once)) AS other
                   FROM stock_lane k
                   LEFT JOIN stock t ON t.item = k.item AND t.location = k.location
                  GROUP BY k.item, k.location) l ON l.item = s.item AND l.location = s.location
     WHERE coalesce(s.lanes, 0) <> coalesce(l.n, 0)
        OR coalesce(s.laned, 0) <> coalesce(l.qty + l.shipped + l.allocated, 0)
        OR (s.lanes IS NULL) <> (s.laned IS NULL)
        OR l.least < 0 OR l.other > 0
        OR s.laned > s.available
        OR (l.qty > 0 AND (s.limited OR s.unassigned IS NOT NULL))
    UNION ALL
    -- the book knows that it has lanes
    SELECT 'book lanes', NULL, NULL, NULL, format('there are lanes, and book.lanes is %s', b.lanes)
      FROM book b
     WHERE NOT b.lanes AND EXISTS (SELECT FROM stock_lane)
    UNION ALL
    -- a cap has counted what the journal has of its lines in its period
    SELECT 'cap', c.item, c.location, NULL,
           format('cap %s says %s used since %s, the journal %s', c.cap_id, c.qty_used,
                  c.period_begins, u.qty)
      FROM cap c
     CROSS JOIN LATERAL (
        SELECT coalesce(sum(CASE WHEN m.to_state IN ('a', 's')
                                  AND (m.from_state IS NULL OR m.from_state = 'b') THEN m.qty
                                 WHEN m.from_state = 'a'
                                  AND (m.to_state IS NULL OR m.to_state IN ('b', 'c')) THEN -m.qty
                            END), 0) AS qty
          FROM (SELECT j.at, j.item, j.location, j.from_state, j.to_state, j.qty, l.priority, l.customer
                  FROM movement j
                  JOIN order_line l ON l.line_id = j.line_id AND l.item = j.item AND l.location = j.location
                 UNION ALL
                SELECT j.at, j.item, j.location, j.from_state, j.to_state, j.qty, l.priority, l.customer
                  FROM archived_movement j
                  JOIN archived_line l ON l.line_id = j.line_id AND l.item = j.item AND l.location = j.location) m
          JOIN book b ON m.at >= c.period_begins::timestamp AT TIME ZONE b.time_zone
         WHERE m.item = c.item AND m.location = c.location
           AND (m.priority = c.priority OR
                EXISTS (SELECT FROM customer_group g
                         WHERE g.customer = m.customer AND g.group_name = c.customer_group))) u
     WHERE c.qty_used <> u.qty
    UNION ALL
    -- a stock row knows that it has limits (that it may have some does no harm)
    SELECT 'limited', s.item, s.location, NULL,
           'there are caps or protected quantities, and stock.limited is false'
      FROM stock s
     WHERE NOT s.limited
       AND (EXISTS (SELECT FROM cap c WHERE c.item = s.item AND c.location = s.location) OR
            EXISTS (SELECT FROM protection p WHERE p.item = s.item AND p.location = s.location))
    UNION ALL
    -- an order that ships as a whole has not been left lying when it is all there
    SELECT 'order held back', l.item, l.location, l.line_id,
           format('every line of order %s is there, and %s of this one has not shipped',
                  l.order_ref, l.qty_allocated)
      FROM order_line l
      JOIN stock s ON s.item = l.item AND s.location = l.location AND s.ships_at_once
     WHERE l.ship_policy = 'order' AND l.qty_allocated > 0 AND l.qty_backordered = 0 AND NOT l.held
       AND NOT EXISTS (SELECT FROM order_line o
                        WHERE o.order_ref = l.order_ref
                          AND (o.qty_backordered > 0 OR (o.held AND o.closed_at IS NULL)))
       AND NOT EXISTS (SELECT FROM order_due d WHERE d.order_ref = l.order_ref)
    UNION ALL
    -- a receipt went to lines and to stock, and its fills name it
    SELECT 'receipt', r.item, r.location, NULL,
           format('receipt %s of %s: %s to backorders and %s to stock, %s journalled as received, %s as fills',
                  r.receipt_id, r.qty, r.qty_to_backorders, r.qty_to_stock,
                  coalesce(m.received, 0), coalesce(m.filled, 0))
      FROM receipt r
      LEFT JOIN (SELECT j.receipt_id, j.item, sum(j.received) AS received, sum(j.filled) AS filled
                   FROM (SELECT m.receipt_id, m.item,
                                CASE WHEN m.kind = 'receive' AND m.qty > 0 THEN m.qty END AS received,
                                CASE WHEN m.kind IN ('ship', 'allocate') THEN m.qty END AS filled
                           FROM movement m
                          WHERE m.receipt_id IS NOT NULL
                         UNION ALL
                         SELECT t.receipt_id, t.item, NULL AS received, t.filled
                           FROM archived_total t
                          WHERE t.receipt_id IS NOT NULL) j
                  GROUP BY j.receipt_id, j.item) m ON m.receipt_id = r.receipt_id AND m.item = r.item
     WHERE r.qty <> r.qty_to_backorders + r.qty_to_stock
        OR r.qty <> coalesce(m.received, 0)
        OR r.qty_to_backorders <> least(coalesce(m.filled, 0), r.qty)
    UNION ALL
    -- what the journal names is there
    SELECT 'journal receipt', m.item, m.location, NULL,
           format('the journal has %s of receipt %s, which is not there', sum(m.qty), m.receipt_id)
      FROM movement m
     WHERE m.receipt_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM receipt r
                        WHERE r.receipt_id = m.receipt_id AND r.item = m.item AND r.location = m.location)
     GROUP BY m.item, m.location, m.receipt_id
    UNION ALL
    SELECT 'journal supply', m.item, m.location, NULL,
           format('the journal has %s received on supply line %s, which is not there', sum(m.qty), m.supply_id)
      FROM movement m
     WHERE m.supply_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM supply u
                        WHERE u.supply_id = m.supply_id AND u.item = m.item AND u.location = m.location)
     GROUP BY m.item, m.location, m.supply_id
    UNION ALL
    -- supply.qty_received is the sum of what was received on it
    SELECT 'supply received', u.item, u.location, NULL,
           format('supply line %s says %s received, the journal %s',
                  u.supply_id, u.qty_received, coalesce(m.received, 0))
      FROM supply u
      LEFT JOIN (SELECT m.supply_id, m.item, sum(m.qty) AS received
                   FROM movement m
                  WHERE m.supply_id IS NOT NULL AND m.kind = 'receive'
                  GROUP BY m.supply_id, m.item) m ON m.supply_id = u.supply_id AND m.item = u.item
     WHERE u.qty_received <> coalesce(m.received, 0)
    UNION ALL
    -- an attached table says what the book says
    SELECT 'attached', b.item, b.location, b.line_id, b.detail
      FROM attached t
     CROSS JOIN LATERAL bko.attached_breaks('book'::regclass, (SELECT k.read_key FROM book k), t.attached_id) b
     WHERE t.detached_at IS NULL;
END;
COMMENT ON FUNCTION verify() IS 'A row for each break of a rule that must always hold; none: the book is sound';

CREATE FUNCTION verify_archive()
    RETURNS TABLE (rule text, item text, location text, line_id bigint, detail text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    -- what archived entries add up to is what the journal goes on from
    SELECT 'archived totals', coalesce(t.item, m.item), coalesce(t.location, m.location), NULL::bigint AS line_id,
           format('archived_total says %s on hand and %s filled%s; the archived journal %s and %s',
                  coalesce(t.on_hand, 0), coalesce(t.filled, 0),
                  ' from receipt ' || coalesce(t.receipt_id, m.receipt_id),
                  coalesce(m.on_hand, 0), coalesce(m.filled, 0))
      FROM archived_total t
      FULL JOIN (SELECT a.item, a.location, a.receipt_id, coalesce(a.receipt_id, -1) AS receipt_key,
                        coalesce(sum(CASE WHEN a.kind = 'ship' THEN -a.qty ELSE a.qty END)
                                     FILTER (WHERE a.kind IN ('receive', 'adjust', 'return', 'ship')), 0) AS on_hand,
                        coalesce(sum(a.qty) FILTER (WHERE a.receipt_id IS NOT NULL
                                                      AND a.kind IN ('ship', 'allocate')), 0) AS filled
                   FROM archived_movement a
                  GROUP BY a.item, a.location, a.receipt_id) m
        ON m.item = t.item AND m.location = t.location AND m.receipt_key = coalesce(t.receipt_id, -1)
     WHERE coalesce(t.on_hand, 0) <> coalesce(m.on_hand, 0)
        OR coalesce(t.filled, 0) <> coalesce(m.filled, 0)
    UNION ALL
    -- an archived line is closed, and its units are all somewhere
    SELECT 'archived line', l.item, l.location, l.line_id,
           format('closed_at %s; %s ordered, %s shipped, %s allocated, %s backordered, %s cancelled, %s returned',
                  coalesce(l.closed_at::text, 'null'), l.qty_ordered, l.qty_shipped, l.qty_allocated,
                  l.qty_backordered, l.qty_cancelled, l.qty_returned)
      FROM archived_line l
     WHERE l.closed_at IS NULL OR l.qty_allocated <> 0 OR l.qty_backordered <> 0
        OR l.qty_ordered <> l.qty_shipped + l.qty_cancelled
        OR l.qty_returned > l.qty_shipped
    UNION ALL
    -- the archived journal replays to the line's counters
    SELECT 'archived journal', l.item, l.location, l.line_id,
           format('line says %s shipped, %s cancelled, %s returned; the archived journal %s, %s, %s',
                  l.qty_shipped, l.qty_cancelled, l.qty_returned,
                  coalesce(j.shipped, 0), coalesce(j.cancelled, 0), coalesce(j.returned, 0))
      FROM archived_line l
      LEFT JOIN (SELECT a.item, a.location, a.line_id,
                        coalesce(sum(a.qty) FILTER (WHERE a.to_state = 's'), 0)
                            - coalesce(sum(a.qty) FILTER (WHERE a.from_state = 's' AND a.kind <> 'return'), 0) AS shipped,
                        coalesce(sum(a.qty) FILTER (WHERE a.to_state = 'c'), 0)
                            - coalesce(sum(a.qty) FILTER (WHERE a.from_state = 'c'), 0) AS cancelled,
                        coalesce(sum(a.qty) FILTER (WHERE a.to_state = 'r'), 0)
                            - coalesce(sum(a.qty) FILTER (WHERE a.from_state = 'r'), 0) AS returned
                   FROM archived_movement a
                  GROUP BY a.item, a.location, a.line_id) j
        ON j.line_id = l.line_id AND j.item = l.item AND j.location = l.location
     WHERE l.qty_shipped <> coalesce(j.shipped, 0)
        OR l.qty_cancelled <> coalesce(j.cancelled, 0)
        OR l.qty_returned <> coalesce(j.returned, 0);
END;
COMMENT ON FUNCTION verify_archive() IS 'The same for what archive() has moved, which verify() believes: a row for each break; none: the archive is sound';
