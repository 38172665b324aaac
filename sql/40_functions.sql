CREATE FUNCTION bko.create_book(name name) RETURNS void
    AS 'MODULE_PATHNAME', 'bko_create_book' LANGUAGE C STRICT;
COMMENT ON FUNCTION bko.create_book(name) IS 'Makes a schema with the tables, triggers, views and functions of a book, owned by the caller';

CREATE FUNCTION bko.upgrade_book(name name) RETURNS integer
    AS 'MODULE_PATHNAME', 'bko_upgrade_book' LANGUAGE C STRICT;
COMMENT ON FUNCTION bko.upgrade_book(name) IS 'Brings an older book up to the version that the installed bko serves, and returns that version';

-- The functions behind those of a book. A book's own functions call them with
-- its table "book", which names the book whatever its schema is called.

CREATE FUNCTION bko.receive(book regclass, item text, qty numeric, location text, supply_ref text,
                            unit_cost numeric, note text, document text)
    RETURNS SETOF bko.fill AS 'MODULE_PATHNAME', 'bko_receive' LANGUAGE C;
COMMENT ON FUNCTION bko.receive(regclass, text, numeric, text, text, numeric, text, text) IS 'Behind receive() of a book';

CREATE FUNCTION bko.preview(book regclass, item text, qty numeric, location text)
    RETURNS SETOF bko.fill AS 'MODULE_PATHNAME', 'bko_preview' LANGUAGE C;
COMMENT ON FUNCTION bko.preview(regclass, text, numeric, text) IS 'Behind preview() of a book';

CREATE FUNCTION bko.reverse_receipt(book regclass, receipt_id bigint, qty numeric, reason text)
    RETURNS void AS 'MODULE_PATHNAME', 'bko_reverse_receipt' LANGUAGE C;
COMMENT ON FUNCTION bko.reverse_receipt(regclass, bigint, numeric, text) IS 'Behind reverse_receipt() of a book';

CREATE FUNCTION bko.count_stock(book regclass, item text, counted numeric, location text, reason text)
    RETURNS void AS 'MODULE_PATHNAME', 'bko_count_stock' LANGUAGE C;
COMMENT ON FUNCTION bko.count_stock(regclass, text, numeric, text, text) IS 'Behind count_stock() of a book';

CREATE FUNCTION bko.set_lanes(book regclass, item text, location text, lanes integer)
    RETURNS void AS 'MODULE_PATHNAME', 'bko_set_lanes' LANGUAGE C;
COMMENT ON FUNCTION bko.set_lanes(regclass, text, text, integer) IS 'Behind set_lanes() of a book';

CREATE FUNCTION bko.gather_lanes(book regclass, item text, location text)
    RETURNS void AS 'MODULE_PATHNAME', 'bko_gather_lanes' LANGUAGE C;
COMMENT ON FUNCTION bko.gather_lanes(regclass, text, text) IS 'Behind gather_lanes() of a book';

CREATE FUNCTION bko.reallocate(book regclass, item text, location text, by text, strategies jsonb,
                               on_shortage text, dry_run boolean, reason text)
    RETURNS SETOF bko.reallocation AS 'MODULE_PATHNAME', 'bko_reallocate' LANGUAGE C;
COMMENT ON FUNCTION bko.reallocate(regclass, text, text, text, jsonb, text, boolean, text) IS 'Behind reallocate() of a book';

CREATE FUNCTION bko.ship(book regclass, line_id bigint, qty numeric)
    RETURNS void AS 'MODULE_PATHNAME', 'bko_ship' LANGUAGE C;
COMMENT ON FUNCTION bko.ship(regclass, bigint, numeric) IS 'Behind ship() of a book';

CREATE FUNCTION bko.cancel(book regclass, line_id bigint, qty numeric, reason text)
    RETURNS void AS 'MODULE_PATHNAME', 'bko_cancel' LANGUAGE C;
COMMENT ON FUNCTION bko.cancel(regclass, bigint, numeric, text) IS 'Behind cancel() of a book';

CREATE FUNCTION bko.return_goods(book regclass, line_id bigint, qty numeric, restock boolean, reason text)
    RETURNS void AS 'MODULE_PATHNAME', 'bko_return_goods' LANGUAGE C;
COMMENT ON FUNCTION bko.return_goods(regclass, bigint, numeric, boolean, text) IS 'Behind return_goods() of a book';

CREATE FUNCTION bko.need_line(book regclass, line_id bigint)
    RETURNS boolean AS 'MODULE_PATHNAME', 'bko_need_line' LANGUAGE C;
COMMENT ON FUNCTION bko.need_line(regclass, bigint) IS 'True, or error BK008 where a book has no such line';

CREATE FUNCTION bko.lock_line(book regclass, line_id bigint)
    RETURNS void AS 'MODULE_PATHNAME', 'bko_lock_line' LANGUAGE C;
COMMENT ON FUNCTION bko.lock_line(regclass, bigint) IS 'Locks the stock row of a line, before the line is changed; BK008 where there is no such line';

CREATE FUNCTION bko.lock_order(book regclass, order_ref text)
    RETURNS void AS 'MODULE_PATHNAME', 'bko_lock_order' LANGUAGE C;
COMMENT ON FUNCTION bko.lock_order(regclass, text) IS 'Locks the stock rows of an order''s lines, in their order, before the lines are changed';

CREATE FUNCTION bko.transfer(book regclass, item text, qty numeric, from_location text, to_location text,
                             expected_on date, ref text, priority integer, ship_policy text,
                             requested_on date)
    RETURNS bko.transferred AS 'MODULE_PATHNAME', 'bko_transfer' LANGUAGE C;
COMMENT ON FUNCTION bko.transfer(regclass, text, numeric, text, text, date, text, integer, text, date) IS 'Behind transfer() of a book';

CREATE FUNCTION bko.cancel_transfer(book regclass, ref text, reason text)
    RETURNS void AS 'MODULE_PATHNAME', 'bko_cancel_transfer' LANGUAGE C;
COMMENT ON FUNCTION bko.cancel_transfer(regclass, text, text) IS 'Behind cancel_transfer() of a book';

CREATE FUNCTION bko.is_location_list(locations text[])
    RETURNS boolean AS 'MODULE_PATHNAME', 'bko_is_location_list' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bko.is_location_list(text[]) IS 'Whether a sourcing rule may have this list of locations: one or more names, none null, empty or twice';

-- What the views of a book call. They bring the read_key of its table "book".
CREATE FUNCTION bko.promise(book regclass, read_key uuid, item text, location text, line_id bigint,
                            OUT "position" bigint, OUT qty_ahead numeric, OUT promised_on date,
                            OUT supply_id bigint, OUT supply_ref text)
    AS 'MODULE_PATHNAME', 'bko_promise' LANGUAGE C STABLE COST 10 PARALLEL RESTRICTED;
COMMENT ON FUNCTION bko.promise(regclass, uuid, text, text, bigint) IS 'Behind the view open_backorder: a waiting line''s place in the queue and its promise';

CREATE FUNCTION bko.pegging(book regclass, read_key uuid, item text, location text, line_id bigint)
    RETURNS TABLE (supply_id bigint, supply_ref text, qty numeric, expected_on date)
    AS 'MODULE_PATHNAME', 'bko_pegging' LANGUAGE C STABLE COST 10 ROWS 1 PARALLEL RESTRICTED;
COMMENT ON FUNCTION bko.pegging(regclass, uuid, text, text, bigint) IS 'Behind the view pegging: which supply will fill a waiting line';

CREATE FUNCTION bko.available_to_promise(book regclass, item text, qty numeric, location text, priority integer)
    RETURNS date AS 'MODULE_PATHNAME', 'bko_available_to_promise' LANGUAGE C STABLE;
COMMENT ON FUNCTION bko.available_to_promise(regclass, text, numeric, text, integer) IS 'Behind available_to_promise() of a book';

CREATE FUNCTION bko.preview_supply(book regclass, supply_ref text, expected_on date, qty numeric,
                                   item text, location text)
    RETURNS TABLE (line_id bigint, line_item text, promised_on date, promised_then date)
    AS 'MODULE_PATHNAME', 'bko_preview_supply' LANGUAGE C STABLE;
COMMENT ON FUNCTION bko.preview_supply(regclass, text, date, numeric, text, text) IS 'Behind preview_supply() of a book';

CREATE FUNCTION bko.shortage_shares(qty_short numeric, waiting_before numeric, supplier numeric,
                                    production numeric, demand numeric,
                                    OUT supplier_delay numeric, OUT production_delay numeric,
                                    OUT demand_above_forecast numeric, OUT planning numeric)
    AS 'MODULE_PATHNAME', 'bko_shortage_shares' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.shortage_shares(numeric, numeric, numeric, numeric, numeric) IS 'Shares a short quantity out among what could explain it (what a supplier owes, production owes, was ordered above forecast), averaged over the orders of counting (Shapley value); planning is what nothing explains. The shares add up to qty_short';

CREATE FUNCTION bko.fill_waiting(book regclass, item text)
    RETURNS numeric AS 'MODULE_PATHNAME', 'bko_fill_waiting' LANGUAGE C;
COMMENT ON FUNCTION bko.fill_waiting(regclass, text) IS 'Behind fill_waiting() of a book';

CREATE FUNCTION bko.rebuild(book regclass, item text)
    RETURNS bigint AS 'MODULE_PATHNAME', 'bko_rebuild' LANGUAGE C;
COMMENT ON FUNCTION bko.rebuild(regclass, text) IS 'Behind rebuild() of a book';

CREATE FUNCTION bko.archive(book regclass, before timestamptz, max_lines integer)
    RETURNS bigint AS 'MODULE_PATHNAME', 'bko_archive' LANGUAGE C;
COMMENT ON FUNCTION bko.archive(regclass, timestamptz, integer) IS 'Behind archive() of a book';

CREATE FUNCTION bko.refresh_reports(book regclass, report text)
    RETURNS integer AS 'MODULE_PATHNAME', 'bko_refresh_reports' LANGUAGE C;
COMMENT ON FUNCTION bko.refresh_reports(regclass, text) IS 'Behind refresh_reports() of a book';

CREATE FUNCTION bko.attach(book regclass, kind text, "table" regclass, columns jsonb, key text[],
                           constants jsonb, import boolean)
    RETURNS bigint AS 'MODULE_PATHNAME', 'bko_attach' LANGUAGE C;
COMMENT ON FUNCTION bko.attach(regclass, text, regclass, jsonb, text[], jsonb, boolean) IS 'Behind attach_orders(), attach_stock() and attach_receipts() of a book';

CREATE FUNCTION bko.detach(book regclass, "table" regclass)
    RETURNS void AS 'MODULE_PATHNAME', 'bko_detach' LANGUAGE C;
COMMENT ON FUNCTION bko.detach(regclass, regclass) IS 'Behind detach() of a book';

CREATE FUNCTION bko.whole(qty numeric) RETURNS numeric
    AS 'MODULE_PATHNAME', 'bko_whole' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bko.whole(numeric) IS 'The quantity, or error BK006 where it is not a whole number: for columns that hold nothing else';

CREATE FUNCTION bko.attached_columns("table" regclass) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'bko_attached_columns' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION bko.attached_columns(regclass) IS 'What the columns of an attached table are for';

CREATE FUNCTION bko.attached_breaks(book regclass, read_key uuid, attached_id integer)
    RETURNS TABLE (item text, location text, line_id bigint, detail text)
    AS 'MODULE_PATHNAME', 'bko_attached_breaks' LANGUAGE C STABLE;
COMMENT ON FUNCTION bko.attached_breaks(regclass, uuid, integer) IS 'Where an attached table and the book disagree; for views of the book, which know its read_key';

CREATE FUNCTION bko.attached_rows(book regclass, read_key uuid, attached_id integer)
    RETURNS bigint AS 'MODULE_PATHNAME', 'bko_attached_rows' LANGUAGE C STABLE;
COMMENT ON FUNCTION bko.attached_rows(regclass, uuid, integer) IS 'How many rows an attached table has; for views of the book, which know its read_key';
