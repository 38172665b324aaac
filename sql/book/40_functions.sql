-- Bodies are BEGIN ATOMIC: names are bound to objects when the book is made,
-- so no search_path of a caller can point them elsewhere, and they follow the
-- schema when it is renamed. (Those of the language "bko" find their book by the
-- schema that they are in.)
--
-- Functions that insert for the caller (receive, place_order, transfer) run with the
-- caller's rights: who may INSERT into the table may call them. The others do
-- what no right on a table allows; they run with the owner's rights, and the
-- owner grants EXECUTE on them (70_privileges.sql takes it from PUBLIC).

CREATE FUNCTION receive(item text, qty numeric, location text DEFAULT 'main',
                        supply_ref text DEFAULT NULL, unit_cost numeric DEFAULT NULL,
                        note text DEFAULT NULL, document text DEFAULT NULL)
    RETURNS SETOF bko.fill LANGUAGE sql
BEGIN ATOMIC
    SELECT * FROM bko.receive('book'::regclass, item, qty, location, supply_ref, unit_cost, note, document);
END;
COMMENT ON FUNCTION receive(text, numeric, text, text, numeric, text, text) IS 'Takes a delivery in, as an INSERT into receipt would, and returns who got what of it; a document is taken once';

CREATE FUNCTION place_order(order_ref text, lines jsonb, customer text DEFAULT NULL,
                            location text DEFAULT NULL, priority integer DEFAULT NULL,
                            ship_policy text DEFAULT NULL, requested_on date DEFAULT NULL,
                            currency text DEFAULT NULL, demand text DEFAULT NULL,
                            payment_days integer DEFAULT NULL)
    RETURNS SETOF order_line LANGUAGE bko AS 'place_order';
COMMENT ON FUNCTION place_order(text, jsonb, text, text, integer, text, date, text, text, integer) IS 'Places an order: lines is a JSON array of objects with item, qty and where wanted location, line_no, unit_price, ...; a line without a location is sourced; returns the lines as split, over several locations too. Orders placed at the same time never deadlock';

CREATE FUNCTION transfer(item text, qty numeric, from_location text, to_location text,
                         expected_on date DEFAULT NULL, ref text DEFAULT NULL,
                         priority integer DEFAULT NULL, ship_policy text DEFAULT NULL,
                         requested_on date DEFAULT NULL)
    RETURNS bko.transferred LANGUAGE sql
BEGIN ATOMIC
    SELECT * FROM bko.transfer('book'::regclass, item, qty, from_location, to_location, expected_on, ref,
                               priority, ship_policy, requested_on);
END;
COMMENT ON FUNCTION transfer(text, numeric, text, text, date, text, integer, text, date) IS 'Transfers goods: an internal order line at one location, expected supply of the same reference at the other; the arrival is a receipt with that supply_ref';

CREATE FUNCTION cancel_transfer(ref text, reason text DEFAULT NULL)
    RETURNS SETOF order_line LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.cancel_transfer('book'::regclass, ref, reason);
    SELECT l FROM order_line l JOIN supply s ON s.line_id = l.line_id AND s.item = l.item
     WHERE s.supply_ref = ref AND s.kind = 'transfer'
     ORDER BY l.line_id;
END;
COMMENT ON FUNCTION cancel_transfer(text, text) IS 'Cancels what has not left of a transfer and expects at the other location no more than what has; returns its order lines';

CREATE FUNCTION ship(line_id bigint, qty numeric DEFAULT NULL)
    RETURNS order_line LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.ship('book'::regclass, line_id, qty);
    SELECT l FROM order_line l WHERE l.line_id = ship.line_id;
END;
COMMENT ON FUNCTION ship(bigint, numeric) IS 'Ships what is allocated to a line, all of it or a part, and returns the line';

CREATE FUNCTION cancel(line_id bigint, qty numeric DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS order_line LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.cancel('book'::regclass, line_id, qty, reason);
    SELECT l FROM order_line l WHERE l.line_id = cancel.line_id;
END;
COMMENT ON FUNCTION cancel(bigint, numeric, text) IS 'Cancels what is open of a line, all of it or a part: what waits first, then what is allocated, which passes to the next in the queue; returns the line';

CREATE FUNCTION return_goods(line_id bigint, qty numeric DEFAULT NULL, restock boolean DEFAULT true,
                             reason text DEFAULT NULL)
    RETURNS order_line LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.return_goods('book'::regclass, line_id, qty, restock, reason);
    SELECT l FROM order_line l WHERE l.line_id = return_goods.line_id;
END;
COMMENT ON FUNCTION return_goods(bigint, numeric, boolean, text) IS 'Takes back what has shipped of a line, all of it or a part; restocked goods fill waiting lines, others are written off; returns the line';

CREATE FUNCTION reverse_receipt(receipt_id bigint, qty numeric DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS stock LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.reverse_receipt('book'::regclass, receipt_id, qty, reason);
    SELECT s FROM stock s JOIN receipt r ON r.item = s.item AND r.location = s.location
     WHERE r.receipt_id = reverse_receipt.receipt_id;
END;
COMMENT ON FUNCTION reverse_receipt(bigint, numeric, text) IS 'Takes a receipt back, all of it or a part: what is available goes first, then allocations from the last in the queue; its supply is open again by that much; returns the stock row';

CREATE FUNCTION count_stock(item text, counted numeric, location text DEFAULT 'main',
                            reason text DEFAULT NULL)
    RETURNS stock LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.count_stock('book'::regclass, item, counted, location, reason);
    SELECT s FROM stock s WHERE s.item = count_stock.item AND s.location = count_stock.location;
END;
COMMENT ON FUNCTION count_stock(text, numeric, text, text) IS 'What was counted is what is there: more fills waiting lines, less releases the last in the queue; returns the stock row';

CREATE FUNCTION hold_line(line_id bigint, reason text DEFAULT NULL)
    RETURNS order_line LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.lock_line('book'::regclass, line_id);
    UPDATE order_line l SET held = true, hold_reason = reason WHERE l.line_id = hold_line.line_id;
    SELECT l FROM order_line l WHERE l.line_id = hold_line.line_id;
END;
COMMENT ON FUNCTION hold_line(bigint, text) IS 'Stop-ship: the line keeps its place and what it has, takes and ships nothing until it is released; returns it';

CREATE FUNCTION release_line(line_id bigint)
    RETURNS order_line LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.lock_line('book'::regclass, line_id);
    UPDATE order_line l SET held = false, hold_reason = NULL WHERE l.line_id = release_line.line_id;
    SELECT l FROM order_line l WHERE l.line_id = release_line.line_id;
END;
COMMENT ON FUNCTION release_line(bigint) IS 'Ends the hold of a line, which takes what is available at its old place; returns it';

CREATE FUNCTION hold_order(order_ref text, reason text DEFAULT NULL)
    RETURNS SETOF order_line LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.lock_order('book'::regclass, order_ref);
    UPDATE order_line l SET held = true, hold_reason = reason
     WHERE l.order_ref = hold_order.order_ref AND l.closed_at IS NULL;
    SELECT l FROM order_line l WHERE l.order_ref = hold_order.order_ref ORDER BY l.line_no, l.line_id;
END;
COMMENT ON FUNCTION hold_order(text, text) IS 'Stop-ship of every open line of an order; returns the order''s lines';

CREATE FUNCTION release_order(order_ref text)
    RETURNS SETOF order_line LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.lock_order('book'::regclass, order_ref);
    UPDATE order_line l SET held = false, hold_reason = NULL
     WHERE l.order_ref = release_order.order_ref AND l.held;
    SELECT l FROM order_line l WHERE l.order_ref = release_order.order_ref ORDER BY l.line_no, l.line_id;
END;
COMMENT ON FUNCTION release_order(text) IS 'Ends the hold of an order''s lines, which take what is available at their old places; returns the order''s lines';

CREATE FUNCTION preview(item text, qty numeric, location text DEFAULT 'main')
    RETURNS SETOF bko.fill LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT * FROM bko.preview('book'::regclass, item, qty, location);
END;
COMMENT ON FUNCTION preview(text, numeric, text) IS 'Who would get what of a receipt, exactly as the receipt would give it; changes nothing';

CREATE FUNCTION fill_waiting(item text DEFAULT NULL)
    RETURNS numeric LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.fill_waiting('book'::regclass, item);
END;
COMMENT ON FUNCTION fill_waiting(text) IS 'Fills lines that a cap held back and that may take again since its period is over; to be called when a period begins, by hand or by cron. Returns the quantity given';

CREATE FUNCTION reallocate(item text, location text DEFAULT 'main', by text DEFAULT 'priority',
                           strategies jsonb DEFAULT NULL, on_shortage text DEFAULT 'fail',
                           dry_run boolean DEFAULT false, reason text DEFAULT NULL)
    RETURNS SETOF bko.reallocation LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT * FROM bko.reallocate('book'::regclass, item, location, by, strategies, on_shortage, dry_run,
                                 reason);
END;
COMMENT ON FUNCTION reallocate(text, text, text, jsonb, text, boolean, text) IS 'Backorder processing: takes up again who gets what of an item that has not shipped. by is priority, customer or demand; strategies is a JSON object that gives each of its values (*: all others) win, gain, redistribute, fill, lose or skip; where the stock is not enough for win and gain, on_shortage says fail or report; dry_run changes nothing. Returns the lines that took part, in fill order. What is left over is for new orders (stock.unassigned)';

CREATE FUNCTION archive(before timestamptz, max_lines integer DEFAULT 10000)
    RETURNS bigint LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.archive('book'::regclass, before, max_lines);
END;
COMMENT ON FUNCTION archive(timestamptz, integer) IS 'Moves order lines closed before that time, and what the journal has of them, to archived_line and archived_movement: the oldest numbers first, each with its whole order, about max_lines of them; to be called again, each call a transaction of its own, until it returns 0. Returns how many lines were moved';

CREATE FUNCTION rebuild(item text DEFAULT NULL)
    RETURNS bigint LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.rebuild('book'::regclass, item);
END;
COMMENT ON FUNCTION rebuild(text) IS 'Counters again from lines and journal, of an item or of the whole book, after changes behind bko''s back; returns how many rows it corrected';
