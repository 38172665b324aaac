-- The queue: waiting lines alone, in fill order. A receipt reads it from the
-- front, so a fill costs what it fills, however many lines wait behind.
CREATE INDEX order_line_queue ON order_line (item, location, priority, queued_at, line_id)
    WHERE qty_backordered > 0 AND NOT held AND pending IS NULL;

-- Waiting lines that are held: they keep their place and are shown.
CREATE INDEX order_line_held ON order_line (item, location)
    WHERE qty_backordered > 0 AND held AND pending IS NULL;

-- Lines that hold allocated stock, for releasing the last in the queue first.
CREATE INDEX order_line_allocated ON order_line (item, location, priority, queued_at, line_id)
    WHERE qty_allocated > 0;

CREATE INDEX order_line_order_ref ON order_line (order_ref);

-- Lines that a transaction will split when it commits: each finds its own,
-- whatever others have left behind.
CREATE INDEX order_line_pending ON order_line (pending) WHERE pending IS NOT NULL;

-- Open orders that ship as a whole: mostly none, and then nothing need be asked
-- of an order when one of its lines is filled.
CREATE INDEX order_line_whole ON order_line (order_ref) WHERE ship_policy = 'order' AND closed_at IS NULL;

-- Supply still to come, in the order in which it is laid against the queue.
CREATE INDEX supply_open ON supply (item, location, closed, expected_on, supply_id);
CREATE INDEX supply_ref ON supply (supply_ref);

-- Supply that names a line, which then isn't archived before it has come.
CREATE INDEX supply_for_line ON supply (for_line_id) WHERE for_line_id IS NOT NULL;
CREATE INDEX supply_of_line ON supply (line_id) WHERE line_id IS NOT NULL;

-- A delivery is taken once, however often it is posted.
CREATE UNIQUE INDEX receipt_document ON receipt (document, item, location) WHERE document IS NOT NULL;

-- What was received on which supply, for reversing a receipt.
CREATE INDEX movement_receipt ON movement (receipt_id) WHERE kind = 'receive';

-- What was received on a supply line, which then can't be deleted.
CREATE INDEX movement_supply ON movement (supply_id) WHERE supply_id IS NOT NULL;

-- Shortages are found by the time of the lines' movements.
CREATE INDEX shortage_place ON shortage (item, location, at);

CREATE INDEX movement_line ON movement (line_id) WHERE line_id IS NOT NULL;

CREATE INDEX promise_change_line ON promise_change (line_id);

-- Nobody waits for the archive to be written: what reports ask for has an index.
CREATE INDEX archived_line_order_ref ON archived_line (order_ref);
CREATE INDEX archived_line_place ON archived_line (item, location);
CREATE INDEX archived_movement_line ON archived_movement (line_id);
CREATE INDEX archived_movement_place ON archived_movement (item, location);
