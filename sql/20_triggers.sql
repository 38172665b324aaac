-- Trigger functions. Each knows the table of a book that it belongs to; a
-- trigger of a name or kind that it is not made for is refused.

CREATE FUNCTION bko.frame_open() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_frame_open' LANGUAGE C;
COMMENT ON FUNCTION bko.frame_open() IS 'BEFORE each statement on a table of a book: opens the frame in which its rows are decided';

CREATE FUNCTION bko.line_insert_row() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_line_insert_row' LANGUAGE C;
COMMENT ON FUNCTION bko.line_insert_row() IS 'BEFORE INSERT on order_line: splits the line into what it gets now and what it waits for';

CREATE FUNCTION bko.line_insert_done() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_line_insert_done' LANGUAGE C;
COMMENT ON FUNCTION bko.line_insert_done() IS 'AFTER INSERT on order_line: writes stock and journal for the lines that went in';

CREATE FUNCTION bko.line_update_row() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_line_update_row' LANGUAGE C;
COMMENT ON FUNCTION bko.line_update_row() IS 'BEFORE UPDATE or DELETE on order_line: takes a change of the line to its stock and place in the queue';

CREATE FUNCTION bko.line_update_done() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_line_update_done' LANGUAGE C;
COMMENT ON FUNCTION bko.line_update_done() IS 'AFTER UPDATE or DELETE on order_line: writes stock and journal for the lines that changed';

CREATE FUNCTION bko.line_split() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_line_split_due' LANGUAGE C;
COMMENT ON FUNCTION bko.line_split() IS 'At the end of the transaction: splits its order lines, where book.allocate_at is commit';

CREATE FUNCTION bko.stock_row() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_stock_row' LANGUAGE C;
COMMENT ON FUNCTION bko.stock_row() IS 'BEFORE INSERT, UPDATE or DELETE on stock: a rise of on_hand fills waiting lines, a fall releases';

CREATE FUNCTION bko.stock_done() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_stock_done' LANGUAGE C;
COMMENT ON FUNCTION bko.stock_done() IS 'AFTER a statement on stock: writes lines and journal for the rows that changed';

CREATE FUNCTION bko.receipt_row() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_receipt_row' LANGUAGE C;
COMMENT ON FUNCTION bko.receipt_row() IS 'BEFORE INSERT on receipt: decides who gets what of the delivery';

CREATE FUNCTION bko.receipt_done() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_receipt_done' LANGUAGE C;
COMMENT ON FUNCTION bko.receipt_done() IS 'AFTER INSERT on receipt: writes lines, stock, supply and journal for the receipts that went in';

CREATE FUNCTION bko.supply_row() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_supply_row' LANGUAGE C;
COMMENT ON FUNCTION bko.supply_row() IS 'BEFORE INSERT or UPDATE on supply: checks quantities, keeps qty_received';

CREATE FUNCTION bko.append_only() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_append_only' LANGUAGE C;
COMMENT ON FUNCTION bko.append_only() IS 'Refuses changes of rows that are history: the journal and the receipts';

CREATE FUNCTION bko.truncate_guard() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_truncate_guard' LANGUAGE C;
COMMENT ON FUNCTION bko.truncate_guard() IS 'Refuses TRUNCATE of a table of a book while order lines are open';

CREATE FUNCTION bko.book_changed() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_book_changed' LANGUAGE C;
COMMENT ON FUNCTION bko.book_changed() IS 'Tells every session that the settings of a book have changed';

CREATE FUNCTION bko.book_row() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_book_row' LANGUAGE C;
COMMENT ON FUNCTION bko.book_row() IS 'BEFORE INSERT on book: the row takes the place of the one that is there';

CREATE FUNCTION bko.order_due() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_order_due' LANGUAGE C;
COMMENT ON FUNCTION bko.order_due() IS 'At the end of the transaction: ships the orders of ship_policy "order" of which every line is there';

CREATE FUNCTION bko.journal_guard() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_journal_guard' LANGUAGE C;
COMMENT ON FUNCTION bko.journal_guard() IS 'BEFORE INSERT on movement: refuses everyone but the engine, and the owner who brings data back';

CREATE FUNCTION bko.lane_guard() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_lane_guard' LANGUAGE C;
COMMENT ON FUNCTION bko.lane_guard() IS 'BEFORE any change of stock_lane: refuses everyone but the engine, and the owner who brings data back';

CREATE FUNCTION bko.limit_row() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_limit_row' LANGUAGE C;
COMMENT ON FUNCTION bko.limit_row() IS 'BEFORE INSERT or UPDATE on cap or protection: locks the stock row, keeps what has been used of a cap';

CREATE FUNCTION bko.limit_done() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_limit_done' LANGUAGE C;
COMMENT ON FUNCTION bko.limit_done() IS 'AFTER UPDATE or DELETE on cap or protection: fills whoever may take more now';

CREATE FUNCTION bko.group_row() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_group_row' LANGUAGE C;
COMMENT ON FUNCTION bko.group_row() IS 'BEFORE INSERT or UPDATE on customer_group: keeps since when a customer is in his group';

CREATE FUNCTION bko.group_done() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_group_done' LANGUAGE C;
COMMENT ON FUNCTION bko.group_done() IS 'AFTER a change of customer_group: counts caps anew, fills whoever may take more now';

-- Triggers of an application's own tables; see attach_orders() of a book. Their
-- condition names the book, on which they thereby depend.

CREATE FUNCTION bko.serves(book regclass) RETURNS boolean
    AS 'MODULE_PATHNAME', 'bko_serves' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bko.serves(regclass) IS 'True: the condition of triggers on attached tables, which names their book';

CREATE FUNCTION bko.attached_map() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_attached_map' LANGUAGE C;
COMMENT ON FUNCTION bko.attached_map() IS 'Does nothing: the columns and arguments of its trigger say what is mapped of an attached table';

CREATE FUNCTION bko.attached_open() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_attached_open' LANGUAGE C;
COMMENT ON FUNCTION bko.attached_open() IS 'BEFORE each statement on an attached table of order lines: opens the frame in which its rows are decided';

CREATE FUNCTION bko.attached_row() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_attached_row' LANGUAGE C;
COMMENT ON FUNCTION bko.attached_row() IS 'BEFORE each row of an attached table of order lines: decides the split and shows it in the row';

CREATE FUNCTION bko.attached_done() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_attached_done' LANGUAGE C;
COMMENT ON FUNCTION bko.attached_done() IS 'AFTER each statement on an attached table of order lines: writes lines, stock and journal for the rows that went in';

CREATE FUNCTION bko.attached_truncate() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_attached_truncate' LANGUAGE C;
COMMENT ON FUNCTION bko.attached_truncate() IS 'Refuses TRUNCATE of an attached table while order lines of it are open';

CREATE FUNCTION bko.attached_push() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_attached_push' LANGUAGE C;
COMMENT ON FUNCTION bko.attached_push() IS 'AFTER UPDATE on order_line: shows in the rows of attached tables how their lines stand';

CREATE FUNCTION bko.attached_stock() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_attached_stock' LANGUAGE C;
COMMENT ON FUNCTION bko.attached_stock() IS 'AFTER each statement on an attached stock table: takes its quantities over';

CREATE FUNCTION bko.attached_stock_push() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_attached_stock_push' LANGUAGE C;
COMMENT ON FUNCTION bko.attached_stock_push() IS 'AFTER UPDATE on stock: shows on_hand in attached stock tables';

CREATE FUNCTION bko.attached_receipt() RETURNS trigger
    AS 'MODULE_PATHNAME', 'bko_attached_receipt' LANGUAGE C;
COMMENT ON FUNCTION bko.attached_receipt() IS 'AFTER each statement on an attached table of receipts: takes in what was delivered';
