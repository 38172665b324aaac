-- The engine behind tables that an application already has. They run with the
-- rights of their caller, who owns the table as well as the book.

CREATE FUNCTION attach_orders("table" regclass, item text, qty text, key text DEFAULT NULL,
                              order_ref text DEFAULT NULL, customer text DEFAULT NULL,
                              location text DEFAULT NULL, priority text DEFAULT NULL,
                              requested_on text DEFAULT NULL, unit_price text DEFAULT NULL,
                              currency text DEFAULT NULL, shipped text DEFAULT NULL,
                              backordered text DEFAULT NULL, line_no text DEFAULT NULL,
                              demand text DEFAULT NULL, ship_policy text DEFAULT NULL,
                              payment_days text DEFAULT NULL, ordered_at text DEFAULT NULL,
                              constants jsonb DEFAULT NULL, import boolean DEFAULT false)
    RETURNS bigint LANGUAGE sql
BEGIN ATOMIC
    SELECT bko.attach('book'::regclass, 'orders', "table", jsonb_strip_nulls(jsonb_build_object(
               'item', attach_orders.item, 'qty', attach_orders.qty, 'order_ref', attach_orders.order_ref,
               'customer', attach_orders.customer, 'location', attach_orders.location,
               'priority', attach_orders.priority, 'requested_on', attach_orders.requested_on,
               'unit_price', attach_orders.unit_price, 'currency', attach_orders.currency,
               'shipped', attach_orders.shipped, 'backordered', attach_orders.backordered,
               'line_no', attach_orders.line_no, 'demand', attach_orders.demand,
               'ship_policy', attach_orders.ship_policy, 'payment_days', attach_orders.payment_days,
               'ordered_at', attach_orders.ordered_at)),
               regexp_split_to_array(btrim(key), '\s*,\s*'), constants, import);
END;
COMMENT ON FUNCTION attach_orders(regclass, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, jsonb, boolean) IS 'Puts the engine behind an order-line table of the application. Each argument names the column for it; key is the primary key, or the columns named, with commas; shipped and backordered are kept up to date in the rows of the application; constants is a JSON object of values that the table lacks; import brings in the rows that are there, oldest first. Returns how many';

CREATE FUNCTION attach_orders("table" regclass, item text, qty text, key text[], order_ref text DEFAULT NULL,
                              customer text DEFAULT NULL, location text DEFAULT NULL,
                              priority text DEFAULT NULL, requested_on text DEFAULT NULL,
                              unit_price text DEFAULT NULL, currency text DEFAULT NULL,
                              shipped text DEFAULT NULL, backordered text DEFAULT NULL,
                              line_no text DEFAULT NULL, demand text DEFAULT NULL,
                              ship_policy text DEFAULT NULL, payment_days text DEFAULT NULL,
                              ordered_at text DEFAULT NULL, constants jsonb DEFAULT NULL,
                              import boolean DEFAULT false)
    RETURNS bigint LANGUAGE sql
BEGIN ATOMIC
    SELECT bko.attach('book'::regclass, 'orders', "table", jsonb_strip_nulls(jsonb_build_object(
               'item', attach_orders.item, 'qty', attach_orders.qty, 'order_ref', attach_orders.order_ref,
               'customer', attach_orders.customer, 'location', attach_orders.location,
               'priority', attach_orders.priority, 'requested_on', attach_orders.requested_on,
               'unit_price', attach_orders.unit_price, 'currency', attach_orders.currency,
               'shipped', attach_orders.shipped, 'backordered', attach_orders.backordered,
               'line_no', attach_orders.line_no, 'demand', attach_orders.demand,
               'ship_policy', attach_orders.ship_policy, 'payment_days', attach_orders.payment_days,
               'ordered_at', attach_orders.ordered_at)),
               key, constants, import);
END;
COMMENT ON FUNCTION attach_orders(regclass, text, text, text[], text, text, text, text, text, text, text, text, text, text, text, text, text, text, jsonb, boolean) IS 'The same, the key given as an array of columns';

CREATE FUNCTION attach_stock("table" regclass, item text, on_hand text, location text DEFAULT NULL,
                             constants jsonb DEFAULT NULL)
    RETURNS bigint LANGUAGE sql
BEGIN ATOMIC
    SELECT bko.attach('book'::regclass, 'stock', "table", jsonb_strip_nulls(jsonb_build_object(
               'item', attach_stock.item, 'on_hand', attach_stock.on_hand, 'location', attach_stock.location)),
               NULL, constants, false);
END;
COMMENT ON FUNCTION attach_stock(regclass, text, text, text, jsonb) IS 'Puts the engine behind a stock table of the application: its quantities become those of the book, and from then on both are equal, whoever changes one. Each argument names the column for it. Returns how many rows were taken over';

CREATE FUNCTION attach_receipts("table" regclass, item text, qty text, location text DEFAULT NULL,
                                supply_ref text DEFAULT NULL, unit_cost text DEFAULT NULL, note text DEFAULT NULL,
                                constants jsonb DEFAULT NULL)
    RETURNS bigint LANGUAGE sql
BEGIN ATOMIC
    SELECT bko.attach('book'::regclass, 'receipts', "table", jsonb_strip_nulls(jsonb_build_object(
               'item', attach_receipts.item, 'qty', attach_receipts.qty, 'location', attach_receipts.location,
               'supply_ref', attach_receipts.supply_ref, 'unit_cost', attach_receipts.unit_cost,
               'note', attach_receipts.note)), NULL, constants, false);
END;
COMMENT ON FUNCTION attach_receipts(regclass, text, text, text, text, text, text, jsonb) IS 'Puts the engine behind a table of deliveries of the application: what is inserted there is received. Each argument names the column for it. Rows that are there already are not';

CREATE FUNCTION detach("table" regclass)
    RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT bko.detach('book'::regclass, "table");
END;
COMMENT ON FUNCTION detach(regclass) IS 'Takes the engine away from a table of the application, whose rows stay as they are; so do their lines in the book';

CREATE VIEW attachment AS
SELECT t.attached_id, t.kind, t.relation, bko.attached_columns(t.relation) AS columns, t.constants, t.attached_at,
       bko.attached_rows('book'::regclass, (SELECT b.read_key FROM book b), t.attached_id) AS rows,
       CASE t.kind WHEN 'orders' THEN (SELECT count(*) FROM order_line l WHERE l.attached_id = t.attached_id)
                                     + (SELECT count(*) FROM archived_line l WHERE l.attached_id = t.attached_id)
                   WHEN 'receipts' THEN (SELECT count(*) FROM receipt r WHERE r.attached_id = t.attached_id)
                   ELSE bko.attached_rows('book'::regclass, (SELECT b.read_key FROM book b), t.attached_id) END AS kept,
       (SELECT count(*) FROM bko.attached_breaks('book'::regclass, (SELECT b.read_key FROM book b), t.attached_id)) AS breaks
  FROM attached t
 WHERE t.detached_at IS NULL AND bko.attached_columns(t.relation) IS NOT NULL;
COMMENT ON VIEW attachment IS 'Tables of the application that the engine works behind, and how far they agree with the book';
COMMENT ON COLUMN attachment.attached_id IS 'Number of the attachment';
COMMENT ON COLUMN attachment.kind IS 'orders, stock or receipts';
COMMENT ON COLUMN attachment.relation IS 'The table';
COMMENT ON COLUMN attachment.columns IS 'What is mapped to which column; key1, key2 ... are its key';
COMMENT ON COLUMN attachment.constants IS 'Values of columns that the table lacks';
COMMENT ON COLUMN attachment.attached_at IS 'Since when';
COMMENT ON COLUMN attachment.rows IS 'Rows in the table';
COMMENT ON COLUMN attachment.kept IS 'Of these, rows that the book knows: not those that were there before and were not imported';
COMMENT ON COLUMN attachment.breaks IS 'Rows that disagree with the book, one by one in verify(); 0: none';
