-- Lanes: a hot stock row split in several that orders take from without a lock
-- of the row itself; users still see one.

CREATE VIEW stock_now AS
SELECT s.item, s.location,
       trim_scale(s.on_hand - coalesce(l.shipped, 0)) AS on_hand,
       trim_scale(s.allocated + coalesce(l.allocated, 0)) AS allocated,
       trim_scale(s.available - coalesce(l.shipped, 0) - coalesce(l.allocated, 0)) AS available,
       s.backordered,
       s.lanes,
       l.qty AS in_lanes
  FROM stock s
  LEFT JOIN (SELECT k.item, k.location, sum(k.shipped) AS shipped, sum(k.allocated) AS allocated,
                    trim_scale(sum(k.qty)) AS qty
               FROM stock_lane k
              GROUP BY k.item, k.location) l ON l.item = s.item AND l.location = s.location;
COMMENT ON VIEW stock_now IS 'The stock rows as they are at this moment, exactly: with what was taken from their lanes. Of a row without lanes it is what the table stock says';
COMMENT ON COLUMN stock_now.item IS 'The item';
COMMENT ON COLUMN stock_now.location IS 'Where it lies';
COMMENT ON COLUMN stock_now.on_hand IS 'Quantity physically there';
COMMENT ON COLUMN stock_now.allocated IS 'Part of on_hand that is held for order lines and has not shipped';
COMMENT ON COLUMN stock_now.available IS 'on_hand - allocated: what the next order can take';
COMMENT ON COLUMN stock_now.backordered IS 'Sum of what order lines wait for';
COMMENT ON COLUMN stock_now.lanes IS 'In how many lanes the row is split; null: none';
COMMENT ON COLUMN stock_now.in_lanes IS 'Part of available that lies in lanes; null: it has none';

CREATE FUNCTION set_lanes(item text, location text DEFAULT 'main', lanes integer DEFAULT 16)
    RETURNS stock LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.set_lanes('book'::regclass, item, location, lanes);
    SELECT s FROM stock s WHERE s.item = set_lanes.item AND s.location = set_lanes.location;
END;
COMMENT ON FUNCTION set_lanes(text, text, integer) IS 'Splits the stock row of a hot item in so many lanes (0 or 1: none), so that orders that come at the same time need not wait for each other while there is plenty; returns the stock row';

CREATE FUNCTION gather_lanes(item text, location text DEFAULT 'main')
    RETURNS stock LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.gather_lanes('book'::regclass, item, location);
    SELECT s FROM stock s WHERE s.item = gather_lanes.item AND s.location = gather_lanes.location;
END;
COMMENT ON FUNCTION gather_lanes(text, text) IS 'Gathers what is in the lanes of a stock row, which is locked and exact until the next statement that writes it, or the end of the transaction; to be called before an UPDATE of its on_hand. Returns the stock row';
