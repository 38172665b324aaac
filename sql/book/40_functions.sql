-- Bodies are BEGIN ATOMIC: names are bound to objects when the book is made,
-- so no search_path of a caller can point them elsewhere, and they follow the
-- schema when it is renamed.

CREATE FUNCTION receive(item text, qty numeric, location text DEFAULT 'main',
                        supply_ref text DEFAULT NULL, unit_cost numeric DEFAULT NULL,
                        note text DEFAULT NULL)
    RETURNS SETOF bko.fill LANGUAGE sql
BEGIN ATOMIC
    SELECT * FROM bko.receive('book'::regclass, item, qty, location, supply_ref, unit_cost, note);
END;
COMMENT ON FUNCTION receive(text, numeric, text, text, numeric, text) IS 'Takes a delivery in, as an INSERT into receipt would, and returns who got what of it';
