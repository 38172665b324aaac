-- Promises: asked for, supposed, and published.

CREATE FUNCTION available_to_promise(item text, qty numeric, location text DEFAULT 'main',
                                     priority integer DEFAULT 100)
    RETURNS date LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.available_to_promise('book'::regclass, item, qty, location, priority);
END;
COMMENT ON FUNCTION available_to_promise(text, numeric, text, integer) IS 'Available to promise: the day on which a new line would have all of qty, today where it can have it now; null: what is on its way does not cover it, or by no known day';

CREATE FUNCTION preview_supply(supply_ref text, expected_on date DEFAULT NULL,
                               qty numeric DEFAULT NULL, item text DEFAULT NULL,
                               location text DEFAULT NULL)
    RETURNS TABLE (line_id bigint, order_ref text, customer text, item text, location text,
                   qty_backordered numeric, requested_on date, promised_on date,
                   promised_then date, days_late integer, days_late_then integer)
    LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT l.line_id, l.order_ref, l.customer, l.item, l.location, l.qty_backordered,
           l.requested_on, p.promised_on, p.promised_then,
           CASE WHEN isfinite(p.promised_on) AND isfinite(l.requested_on)
                THEN greatest(p.promised_on - l.requested_on, 0) END,
           CASE WHEN isfinite(p.promised_then) AND isfinite(l.requested_on)
                THEN greatest(p.promised_then - l.requested_on, 0) END
      FROM bko.preview_supply('book'::regclass, preview_supply.supply_ref,
                              preview_supply.expected_on, preview_supply.qty,
                              preview_supply.item, preview_supply.location)
           WITH ORDINALITY AS p (line_id, line_item, promised_on, promised_then, n)
      JOIN order_line l ON l.line_id = p.line_id AND l.item = p.line_item
     ORDER BY p.n;
END;
COMMENT ON FUNCTION preview_supply(text, date, numeric, text, text) IS 'What if: the waiting lines whose promise would be another if what is still to come of a supply reference came on that day, or were that quantity; with an item and a reference that has nothing open, a supply that is only planned. Changes nothing';

CREATE FUNCTION publish_promises()
    RETURNS SETOF promise_change LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    -- one at a time: the second sees what the first found
    SELECT b.version FROM book b FOR UPDATE;
    WITH waiting AS MATERIALIZED (
        SELECT b.line_id, b.order_ref, b.customer, b.item, b.location, b.qty_backordered,
               b.requested_on, b.promised_on
          FROM open_backorder b
    ), changed AS (
        INSERT INTO promise_change (at, line_id, order_ref, customer, item, location, qty,
                                    requested_on, old_promised_on, new_promised_on, by_role)
        SELECT now(), w.line_id, w.order_ref, w.customer, w.item, w.location, w.qty_backordered,
               w.requested_on, p.promised_on, w.promised_on,
               coalesce(nullif(current_setting('role'), 'none'), session_user)
          FROM waiting w
          LEFT JOIN promise p ON p.line_id = w.line_id AND p.item = w.item
         WHERE p.promised_on IS DISTINCT FROM w.promised_on
         ORDER BY w.item, w.location, w.line_id
        RETURNING *
    ), published AS (
        INSERT INTO promise AS p (line_id, item, promised_on, published_at)
        SELECT w.line_id, w.item, w.promised_on, now() FROM waiting w
        ON CONFLICT (line_id, item) DO UPDATE
           SET promised_on = excluded.promised_on, published_at = excluded.published_at
         WHERE p.promised_on IS DISTINCT FROM excluded.promised_on
    ), gone AS (
        DELETE FROM promise p
         WHERE NOT EXISTS (SELECT FROM waiting w WHERE w.line_id = p.line_id AND w.item = p.item)
    )
    SELECT * FROM changed ORDER BY change_id;
END;
COMMENT ON FUNCTION publish_promises() IS 'Compares what is promised now with what was when it was last called, records each change in promise_change, and returns the changes; to be called by hand or by cron';
