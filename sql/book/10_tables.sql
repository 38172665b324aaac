-- The tables of a book. Run by bko.create_book() under the new schema's
-- search_path, hence unqualified names. Columns "kept by bko" have no default:
-- the engine fills them in, and what arrives filled in is a restore.
--
-- Storage parameters are chosen by make bench BENCH=churn; doc/performance.md
-- says why. An order line's update is never HOT: what a fill changes stands in
-- the predicates of the queue's indexes, so room on its page is of no use to it.

CREATE TABLE book (
    one               boolean      NOT NULL DEFAULT true PRIMARY KEY CHECK (one),
    version           integer      NOT NULL,
    created_at        timestamptz  NOT NULL DEFAULT now(),
    time_zone         text         NOT NULL DEFAULT current_setting('TimeZone')
                                   CHECK (now() AT TIME ZONE time_zone IS NOT NULL),
    record_shortages  boolean      NOT NULL DEFAULT true,
    allocate_at       text         NOT NULL DEFAULT 'statement' CHECK (allocate_at IN ('statement', 'commit')),
    demand_days       integer      NOT NULL DEFAULT 90 CHECK (demand_days BETWEEN 1 AND 3660),
    service_level     numeric      NOT NULL DEFAULT 0.95 CHECK (service_level BETWEEN 0.5 AND 0.9999),
    read_key          uuid         NOT NULL DEFAULT gen_random_uuid(),
    lanes             boolean      NOT NULL DEFAULT false
);
COMMENT ON TABLE book IS 'One row: the version and settings of this book';
COMMENT ON COLUMN book.one IS 'True: there is one row';
COMMENT ON COLUMN book.version IS 'Version of the book''s tables, views and functions; bko.upgrade_book() raises it';
COMMENT ON COLUMN book.created_at IS 'When the book was made';
COMMENT ON COLUMN book.time_zone IS 'Time zone in which the book counts days, weeks and months; at first that of the session that made it';
COMMENT ON COLUMN book.record_shortages IS 'True: the facts of each shortage are recorded in the table shortage when it comes about';
COMMENT ON COLUMN book.allocate_at IS 'statement: an order line is split when it is inserted. commit: it goes in as waiting and is split when the transaction commits, so that orders of several lines never deadlock';
COMMENT ON COLUMN book.read_key IS 'What the book''s views show to the functions that they call, so that nobody else can call them';
COMMENT ON COLUMN book.lanes IS 'Kept by bko: some stock row has lanes; see set_lanes()';
COMMENT ON COLUMN book.demand_days IS 'How many days of orders, up to today, the demand of an item is reckoned from';
COMMENT ON COLUMN book.service_level IS 'Cycle service level that reorder_advice plans for: the share of order cycles in which stock does not run out';

CREATE TABLE stock (
    item             text        NOT NULL CHECK (octet_length(item) BETWEEN 1 AND 1000),
    location         text        NOT NULL DEFAULT 'main' CHECK (octet_length(location) BETWEEN 1 AND 1000),
    on_hand          numeric     NOT NULL DEFAULT 0,
    allocated        numeric     NOT NULL CHECK (allocated >= 0),
    available        numeric     GENERATED ALWAYS AS (trim_scale(on_hand - allocated)) STORED,
    backordered      numeric     NOT NULL CHECK (backordered >= 0),
    unit_cost        numeric     CHECK (unit_cost >= 0),
    safety_stock     numeric     CHECK (safety_stock >= 0),
    qty_step         numeric     CHECK (qty_step > 0),
    backorder_limit  numeric     CHECK (backorder_limit >= 0),
    fill_rule        text        NOT NULL DEFAULT 'fifo'
                                 CHECK (fill_rule IN ('fifo', 'due_date', 'fair_share', 'most_lines')),
    ships_at_once    boolean     NOT NULL DEFAULT true,
    lead_time_days   numeric     CHECK (lead_time_days >= 0),
    demand_per_day   numeric     CHECK (demand_per_day >= 0),
    last_queued_at   timestamptz,
    limited          boolean     NOT NULL DEFAULT false,
    unassigned       numeric     CHECK (unassigned > 0),
    lanes            integer,
    laned            numeric,
    PRIMARY KEY (item, location),
    CONSTRAINT stock_on_hand_check CHECK (on_hand >= allocated)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE stock IS 'What is there of an item at a location, what is promised of it, and what is waited for';
COMMENT ON COLUMN stock.item IS 'The item';
COMMENT ON COLUMN stock.location IS 'Where it lies';
COMMENT ON COLUMN stock.on_hand IS 'Quantity physically there; raising it fills waiting lines, lowering it releases. Of a row with lanes: without what was taken from them since; stock_now has it exactly';
COMMENT ON COLUMN stock.allocated IS 'Kept by bko: part of on_hand that is held for order lines and has not shipped. Of a row with lanes: without what was taken from them since; stock_now has it exactly';
COMMENT ON COLUMN stock.available IS 'on_hand - allocated: what the next order can take; of a row with lanes stock_now has it exactly';
COMMENT ON COLUMN stock.backordered IS 'Kept by bko: sum of what order lines wait for';
COMMENT ON COLUMN stock.unit_cost IS 'Cost of a unit';
COMMENT ON COLUMN stock.safety_stock IS 'Safety stock: quantity kept against uncertainty of demand and supply';
COMMENT ON COLUMN stock.qty_step IS 'Lines are ordered and filled in multiples of this; null: any quantity';
COMMENT ON COLUMN stock.backorder_limit IS 'Most that may wait in all: null no limit, 0 backorders refused';
COMMENT ON COLUMN stock.fill_rule IS 'Who is filled first: fifo, due_date, fair_share, most_lines';
COMMENT ON COLUMN stock.ships_at_once IS 'True: what a line gets ships in the same step; false: it stays allocated until ship()';
COMMENT ON COLUMN stock.lead_time_days IS 'Days from order to delivery, as planned';
COMMENT ON COLUMN stock.demand_per_day IS 'Demand per day as forecast, where somebody forecasts it; reports go by history where it is null';
COMMENT ON COLUMN stock.last_queued_at IS 'Kept by bko: the latest order_line.queued_at given here; the next is later';
COMMENT ON COLUMN stock.limited IS 'Kept by bko: there are caps or protected quantities for it';
COMMENT ON COLUMN stock.unassigned IS 'Kept by bko: part of available that reallocate() left over and that waiting lines passed up: it is for new orders, until stock next rises or the queue changes';

COMMENT ON COLUMN stock.lanes IS 'Kept by bko: in how many lanes the row is split; null: none. set_lanes() sets it';
COMMENT ON COLUMN stock.laned IS 'Kept by bko: of available, what has been handed out to the lanes, whether it is still there or was taken since; null: it has no lanes';

-- Rows of one hot item, each of which an order may lock in place of the stock
-- row: they are few, updated all the time, and should stay on their pages.
CREATE TABLE stock_lane (
    item            text        NOT NULL,
    location        text        NOT NULL,
    lane            integer     NOT NULL,
    qty             numeric     NOT NULL CHECK (qty >= 0),
    shipped         numeric     NOT NULL,
    allocated       numeric     NOT NULL,
    qty_step        numeric,
    ships_at_once   boolean     NOT NULL,
    last_queued_at  timestamptz,
    PRIMARY KEY (item, location, lane)
) WITH (fillfactor = 10);
COMMENT ON TABLE stock_lane IS 'Lanes of hot stock rows: what of them was handed out to be taken without a lock of the stock row. Kept by bko; set_lanes() makes them, stock_now adds them up';
COMMENT ON COLUMN stock_lane.item IS 'The item';
COMMENT ON COLUMN stock_lane.location IS 'The location';
COMMENT ON COLUMN stock_lane.lane IS 'Number of the lane, from 1';
COMMENT ON COLUMN stock_lane.qty IS 'What the next order can take here';
COMMENT ON COLUMN stock_lane.shipped IS 'What has shipped from here since it was handed out: stock.on_hand is to fall by it';
COMMENT ON COLUMN stock_lane.allocated IS 'What was allocated from here since it was handed out: stock.allocated is to rise by it';
COMMENT ON COLUMN stock_lane.qty_step IS 'stock.qty_step when it was handed out, which stays until it is gathered';
COMMENT ON COLUMN stock_lane.ships_at_once IS 'stock.ships_at_once, likewise';
COMMENT ON COLUMN stock_lane.last_queued_at IS 'The latest order_line.queued_at given here or before; the next is later';

CREATE TABLE order_line (
    line_id           bigint      GENERATED BY DEFAULT AS IDENTITY,
    order_ref         text,
    line_no           integer,
    demand            text        NOT NULL DEFAULT 'customer' CHECK (demand IN ('customer', 'internal')),
    customer          text,
    item              text        NOT NULL,
    location          text        NOT NULL DEFAULT 'main',
    priority          integer     NOT NULL DEFAULT 100 CHECK (priority BETWEEN 0 AND 32767),
    ship_policy       text        NOT NULL DEFAULT 'partial' CHECK (ship_policy IN ('partial', 'line', 'order')),
    requested_on      date,
    unit_price        numeric,
    currency          text        CHECK (currency ~ '^[A-Z]{3}$'),
    payment_days      integer     DEFAULT 0 CHECK (payment_days >= 0),
    qty_ordered       numeric     NOT NULL,
    ordered_at        timestamptz NOT NULL DEFAULT now(),
    qty_shipped       numeric     NOT NULL CHECK (qty_shipped >= 0),
    qty_allocated     numeric     NOT NULL CHECK (qty_allocated >= 0),
    qty_backordered   numeric     NOT NULL CHECK (qty_backordered >= 0),
    qty_cancelled     numeric     NOT NULL CHECK (qty_cancelled >= 0),
    qty_returned      numeric     NOT NULL CHECK (qty_returned >= 0 AND qty_returned <= qty_shipped),
    qty_filled_first  numeric     NOT NULL CHECK (qty_filled_first >= 0),
    queued_at         timestamptz NOT NULL,
    closed_at         timestamptz,
    held              boolean     NOT NULL DEFAULT false,
    hold_reason       text,
    attached_id       integer,
    attached_key      text[],
    pending           bigint,
    PRIMARY KEY (line_id, item),
    CONSTRAINT order_line_qty_check
        CHECK (qty_ordered = qty_shipped + qty_allocated + qty_backordered + qty_cancelled)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE order_line IS 'Order lines: what was ordered, and where each unit of it stands';
COMMENT ON COLUMN order_line.line_id IS 'Number of the line, given by the table';
COMMENT ON COLUMN order_line.order_ref IS 'The order that the line belongs to';
COMMENT ON COLUMN order_line.line_no IS 'Number of the line within its order';
COMMENT ON COLUMN order_line.demand IS 'customer: to be sold; internal: for own use, in the same queue';
COMMENT ON COLUMN order_line.customer IS 'Who ordered';
COMMENT ON COLUMN order_line.item IS 'What was ordered';
COMMENT ON COLUMN order_line.location IS 'Where it is to be taken from; inserted as NULL: where the table sourcing says';
COMMENT ON COLUMN order_line.priority IS 'Lower is more urgent, 0 to 32767';
COMMENT ON COLUMN order_line.ship_policy IS 'partial: what is there ships; line: ships when the whole line is there; order: ships when every line of the order is';
COMMENT ON COLUMN order_line.requested_on IS 'Day the customer asked for';
COMMENT ON COLUMN order_line.unit_price IS 'Price of a unit';
COMMENT ON COLUMN order_line.currency IS 'Currency of unit_price, three letters';
COMMENT ON COLUMN order_line.payment_days IS 'Days from shipment to payment';
COMMENT ON COLUMN order_line.qty_ordered IS 'Quantity ordered: always shipped + allocated + backordered + cancelled';
COMMENT ON COLUMN order_line.ordered_at IS 'When the order was placed';
COMMENT ON COLUMN order_line.qty_shipped IS 'Kept by bko: shipped so far; a return leaves it as it was';
COMMENT ON COLUMN order_line.qty_allocated IS 'Kept by bko: held for the line, not yet shipped';
COMMENT ON COLUMN order_line.qty_backordered IS 'Kept by bko: what the line waits for';
COMMENT ON COLUMN order_line.qty_cancelled IS 'Kept by bko: cancelled so far';
COMMENT ON COLUMN order_line.qty_returned IS 'Kept by bko: came back of what was shipped';
COMMENT ON COLUMN order_line.qty_filled_first IS 'Kept by bko: what the line got at entry, never changed later';
COMMENT ON COLUMN order_line.queued_at IS 'Kept by bko: place in the queue, taken under the lock of the stock row; the owner may give an older one for old orders';
COMMENT ON COLUMN order_line.closed_at IS 'Kept by bko: since when nothing of the line is open';
COMMENT ON COLUMN order_line.held IS 'True: stop-ship. The line keeps its place and what it has, takes and ships nothing, and blocks nobody';
COMMENT ON COLUMN order_line.hold_reason IS 'Why it is held';
COMMENT ON COLUMN order_line.attached_id IS 'Kept by bko. The attached table whose row the line serves; null: the line stands for itself';
COMMENT ON COLUMN order_line.attached_key IS 'Kept by bko. Key of that row, as text';
COMMENT ON COLUMN order_line.pending IS 'Kept by bko: the transaction that inserted the line and has not split it yet (book.allocate_at commit; negative: it is to be sourced, too); null once it is split, which is all that others see';

CREATE TABLE supply (
    supply_id     bigint  GENERATED BY DEFAULT AS IDENTITY,
    supply_ref    text    NOT NULL,
    kind          text    NOT NULL DEFAULT 'purchase' CHECK (kind IN ('purchase', 'production', 'transfer')),
    supplier      text,
    item          text    NOT NULL CHECK (octet_length(item) BETWEEN 1 AND 1000),
    location      text    NOT NULL DEFAULT 'main' CHECK (octet_length(location) BETWEEN 1 AND 1000),
    qty_expected  numeric NOT NULL,
    ordered_on    date    NOT NULL DEFAULT current_date,
    promised_on   date,
    expected_on   date,
    unit_cost     numeric CHECK (unit_cost >= 0),
    for_line_id   bigint,
    closed        boolean NOT NULL DEFAULT false,
    closed_on     date,
    qty_received  numeric NOT NULL CHECK (qty_received >= 0),
    line_id       bigint,
    PRIMARY KEY (supply_id, item)
) WITH (fillfactor = 90);
COMMENT ON TABLE supply IS 'What is on its way: purchase, production and transfer lines';
COMMENT ON COLUMN supply.supply_id IS 'Number of the supply line, given by the table';
COMMENT ON COLUMN supply.supply_ref IS 'Purchase order, production order or transfer that the line belongs to';
COMMENT ON COLUMN supply.kind IS 'purchase, production or transfer';
COMMENT ON COLUMN supply.supplier IS 'Who delivers';
COMMENT ON COLUMN supply.item IS 'The item';
COMMENT ON COLUMN supply.location IS 'Where it will arrive';
COMMENT ON COLUMN supply.qty_expected IS 'Quantity ordered of the supplier';
COMMENT ON COLUMN supply.ordered_on IS 'Day it was ordered of the supplier';
COMMENT ON COLUMN supply.promised_on IS 'Day that the supplier first promised; the first expected_on where none is given';
COMMENT ON COLUMN supply.expected_on IS 'Day on which it is expected now; promised_on where none is given';
COMMENT ON COLUMN supply.unit_cost IS 'Cost of a unit';
COMMENT ON COLUMN supply.for_line_id IS 'The order line that it was bought for, which its receipts fill first; null: none';
COMMENT ON COLUMN supply.closed IS 'True: nothing more will come';
COMMENT ON COLUMN supply.closed_on IS 'Day on which it was closed, in book.time_zone; today where none is given; null while it is open';
COMMENT ON COLUMN supply.qty_received IS 'Kept by bko: received so far, over-receipts included';
COMMENT ON COLUMN supply.line_id IS 'Of a transfer: the order line at the location that it comes from';

CREATE TABLE receipt (
    receipt_id         bigint      GENERATED BY DEFAULT AS IDENTITY,
    supply_ref         text,
    supply_id          bigint,
    item               text        NOT NULL,
    location           text        NOT NULL DEFAULT 'main',
    qty                numeric     NOT NULL,
    received_at        timestamptz NOT NULL DEFAULT now(),
    unit_cost          numeric     CHECK (unit_cost >= 0),
    note               text,
    document           text,
    qty_to_backorders  numeric     NOT NULL CHECK (qty_to_backorders >= 0),
    qty_to_stock       numeric     NOT NULL CHECK (qty_to_stock >= 0),
    attached_id        integer,
    attached_key       text[],
    PRIMARY KEY (receipt_id, item),
    CONSTRAINT receipt_qty_check CHECK (qty = qty_to_backorders + qty_to_stock)
);
COMMENT ON TABLE receipt IS 'Deliveries as they came in; an insert takes the goods into stock and fills waiting lines';
COMMENT ON COLUMN receipt.receipt_id IS 'Number of the receipt, given by the table';
COMMENT ON COLUMN receipt.supply_ref IS 'The purchase order, production order or transfer that it delivers on; null: none';
COMMENT ON COLUMN receipt.supply_id IS 'Kept by bko: the supply line of that reference which it went to first';
COMMENT ON COLUMN receipt.item IS 'The item';
COMMENT ON COLUMN receipt.location IS 'Where it came in';
COMMENT ON COLUMN receipt.qty IS 'Quantity that came in';
COMMENT ON COLUMN receipt.received_at IS 'When it came in';
COMMENT ON COLUMN receipt.unit_cost IS 'Cost of a unit';
COMMENT ON COLUMN receipt.note IS 'A remark';
COMMENT ON COLUMN receipt.document IS 'Number of the delivery note: the same number is taken once for an item and location';
COMMENT ON COLUMN receipt.qty_to_backorders IS 'Kept by bko: what went to waiting lines';
COMMENT ON COLUMN receipt.qty_to_stock IS 'Kept by bko: what was left over and became available';
COMMENT ON COLUMN receipt.attached_id IS 'Kept by bko. The attached table that it was inserted into; null: none';
COMMENT ON COLUMN receipt.attached_key IS 'Kept by bko. Key of its row there, as text';

CREATE TABLE movement (
    movement_id  bigint      GENERATED BY DEFAULT AS IDENTITY,
    at           timestamptz NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('receive', 'adjust', 'backorder', 'allocate',
                                                      'ship', 'release', 'cancel', 'return')),
    from_state   "char",
    to_state     "char",
    item         text        NOT NULL,
    location     text        NOT NULL,
    qty          numeric     NOT NULL,
    line_id      bigint,
    receipt_id   bigint,
    supply_id    bigint,
    reason       text,
    by_role      text        NOT NULL,
    PRIMARY KEY (movement_id, item)
);
COMMENT ON TABLE movement IS 'The journal: everything that happened to stock and lines, append-only and complete';
COMMENT ON COLUMN movement.movement_id IS 'Number of the entry';
COMMENT ON COLUMN movement.at IS 'When it happened';
COMMENT ON COLUMN movement.kind IS 'receive, adjust and return change on_hand by qty, ship by -qty; backorder, allocate, release and cancel move a line''s quantity between its states';
COMMENT ON COLUMN movement.from_state IS 'State of the line that qty left: b backordered, a allocated, s shipped; null: none, it is new';
COMMENT ON COLUMN movement.to_state IS 'State of the line that qty entered: b backordered, a allocated, s shipped, c cancelled, r returned; null: none, it is no longer ordered';
COMMENT ON COLUMN movement.item IS 'The item';
COMMENT ON COLUMN movement.location IS 'The location';
COMMENT ON COLUMN movement.qty IS 'Quantity; below zero where a count, damage or a reversed receipt lowers on_hand';
COMMENT ON COLUMN movement.line_id IS 'The order line, where there is one';
COMMENT ON COLUMN movement.receipt_id IS 'The receipt that it came from';
COMMENT ON COLUMN movement.supply_id IS 'The supply line that was received on';
COMMENT ON COLUMN movement.reason IS 'Why, where somebody said so';
COMMENT ON COLUMN movement.by_role IS 'Role on whose behalf it happened';

CREATE TABLE sourcing (
    item       text     NOT NULL PRIMARY KEY CHECK (octet_length(item) <= 1000),
    locations  text[]   NOT NULL
                        CONSTRAINT locations_named_and_distinct CHECK (bko.is_location_list(locations)),
    split      boolean  NOT NULL DEFAULT false
);
COMMENT ON TABLE sourcing IS 'Sourcing rules: where an order line is taken from that names no location (location NULL)';
COMMENT ON COLUMN sourcing.item IS 'The item; the empty name: every item that has no rule of its own';
COMMENT ON COLUMN sourcing.locations IS 'Locations, the first choice first; those that don''t stock the item are passed over';
COMMENT ON COLUMN sourcing.split IS 'False: the first location that can fill the whole line takes it; true: each gives what it has';

-- Numbers of transfers that are given none.
CREATE SEQUENCE transfer_number_seq;
COMMENT ON SEQUENCE transfer_number_seq IS 'Numbers the transfers that transfer() gives a reference: TR-1, TR-2, ...';

CREATE TABLE order_due (
    order_ref  text NOT NULL
);
COMMENT ON TABLE order_due IS 'Orders of ship_policy "order" to look at when the transaction ends; always empty between transactions';
COMMENT ON COLUMN order_due.order_ref IS 'The order';

CREATE TABLE customer_group (
    customer    text        NOT NULL PRIMARY KEY,
    group_name  text        NOT NULL,
    since       timestamptz NOT NULL
);
COMMENT ON TABLE customer_group IS 'Which group a customer is in, for caps and protected quantities';
COMMENT ON COLUMN customer_group.customer IS 'The customer, as order_line.customer names him';
COMMENT ON COLUMN customer_group.group_name IS 'His group';
COMMENT ON COLUMN customer_group.since IS 'Kept by bko: since when he is in it';

CREATE TABLE cap (
    cap_id          bigint      GENERATED BY DEFAULT AS IDENTITY,
    item            text        NOT NULL,
    location        text        NOT NULL DEFAULT 'main',
    customer_group  text,
    priority        integer     CHECK (priority BETWEEN 0 AND 32767),
    qty             numeric     NOT NULL CHECK (qty >= 0),
    period          text        NOT NULL DEFAULT 'month'
                                CHECK (period IN ('day', 'week', 'month', 'quarter', 'year', 'ever')),
    since           timestamptz NOT NULL,
    period_begins   date        NOT NULL,
    qty_used        numeric     NOT NULL,
    PRIMARY KEY (cap_id, item),
    UNIQUE NULLS NOT DISTINCT (item, location, customer_group, priority, period),
    CONSTRAINT cap_for_check CHECK (num_nonnulls(customer_group, priority) = 1)
);
COMMENT ON TABLE cap IS 'The most that the lines of a customer group, or of a priority, may get of an item in a period';
COMMENT ON COLUMN cap.cap_id IS 'Number of the cap, given by the table';
COMMENT ON COLUMN cap.item IS 'The item';
COMMENT ON COLUMN cap.location IS 'The location';
COMMENT ON COLUMN cap.customer_group IS 'Whom it is for: the customers of this group ...';
COMMENT ON COLUMN cap.priority IS '... or the lines of this priority';
COMMENT ON COLUMN cap.qty IS 'The most they may get in a period, shipped and allocated together';
COMMENT ON COLUMN cap.period IS 'day, week (from Monday), month, quarter or year of the calendar in book.time_zone; ever';
COMMENT ON COLUMN cap.since IS 'Kept by bko: since when it holds as it is';
COMMENT ON COLUMN cap.period_begins IS 'Kept by bko: first day of the period that qty_used counts';
COMMENT ON COLUMN cap.qty_used IS 'Kept by bko: what they got in that period, less what they gave back before it shipped';

CREATE TABLE protection (
    protection_id   bigint      GENERATED BY DEFAULT AS IDENTITY,
    item            text        NOT NULL,
    location        text        NOT NULL DEFAULT 'main',
    customer_group  text,
    priority        integer     NOT NULL DEFAULT 100 CHECK (priority BETWEEN 0 AND 32767),
    qty             numeric     NOT NULL CHECK (qty >= 0),
    since           timestamptz NOT NULL,
    PRIMARY KEY (protection_id, item),
    UNIQUE NULLS NOT DISTINCT (item, location, customer_group, priority)
);
COMMENT ON TABLE protection IS 'A quantity that is kept on the shelf for some lines, against less urgent ones';
COMMENT ON COLUMN protection.protection_id IS 'Number of the row, given by the table';
COMMENT ON COLUMN protection.item IS 'The item';
COMMENT ON COLUMN protection.location IS 'The location';
COMMENT ON COLUMN protection.customer_group IS 'The customers that it is kept for; null: the lines of the priority and more urgent ones';
COMMENT ON COLUMN protection.priority IS 'Without a group: kept from lines less urgent than this. With a group: kept from lines outside it, but for those more urgent than this';
COMMENT ON COLUMN protection.qty IS 'The quantity: others take only what is available above it';
COMMENT ON COLUMN protection.since IS 'Kept by bko: since when it holds as it is';

CREATE TABLE shortage (
    shortage_id         bigint      GENERATED BY DEFAULT AS IDENTITY,
    at                  timestamptz NOT NULL,
    item                text        NOT NULL,
    location            text        NOT NULL,
    on_hand             numeric     NOT NULL,
    available           numeric     NOT NULL,
    backordered         numeric     NOT NULL,
    expected            numeric     NOT NULL,
    overdue_purchase    numeric     NOT NULL,
    overdue_production  numeric     NOT NULL,
    short_received      numeric     NOT NULL,
    supplier            text,
    safety_stock        numeric,
    demand_per_day      numeric,
    reorder_point       numeric,
    PRIMARY KEY (shortage_id, item)
);
COMMENT ON TABLE shortage IS 'What stood there when order lines came in that had to wait: a row for each statement and stock row; recorded then, since it cannot be told later';
COMMENT ON COLUMN shortage.shortage_id IS 'Number of the row';
COMMENT ON COLUMN shortage.at IS 'When it was: the movements of the lines have the same time';
COMMENT ON COLUMN shortage.item IS 'What was short';
COMMENT ON COLUMN shortage.location IS 'Where';
COMMENT ON COLUMN shortage.on_hand IS 'On hand before the lines came in';
COMMENT ON COLUMN shortage.available IS 'Available before';
COMMENT ON COLUMN shortage.backordered IS 'Waited for by others before';
COMMENT ON COLUMN shortage.expected IS 'Supply still to come, overdue or not';
COMMENT ON COLUMN shortage.overdue_purchase IS 'Of it, what suppliers (or other locations) had promised for an earlier day';
COMMENT ON COLUMN shortage.overdue_production IS 'Of it, what production had promised for an earlier day';
COMMENT ON COLUMN shortage.short_received IS 'What was missing of deliveries closed short that were expected in the 30 days before';
COMMENT ON COLUMN shortage.supplier IS 'Supplier of the longest overdue purchase, or of the last one closed short';
COMMENT ON COLUMN shortage.safety_stock IS 'stock.safety_stock then';
COMMENT ON COLUMN shortage.demand_per_day IS 'stock.demand_per_day then: the forecast';
COMMENT ON COLUMN shortage.reorder_point IS 'Reorder point then: demand_per_day * lead_time_days + safety_stock';

CREATE TABLE promise (
    line_id       bigint      NOT NULL,
    item          text        NOT NULL,
    promised_on   date,
    published_at  timestamptz NOT NULL,
    PRIMARY KEY (line_id, item)
) WITH (fillfactor = 80);
COMMENT ON TABLE promise IS 'What publish_promises() found last for each waiting line; what holds now is in open_backorder';
COMMENT ON COLUMN promise.line_id IS 'The waiting line';
COMMENT ON COLUMN promise.item IS 'Its item';
COMMENT ON COLUMN promise.promised_on IS 'The day it was promised for then; null: none';
COMMENT ON COLUMN promise.published_at IS 'When that day was found first';

CREATE TABLE promise_change (
    change_id        bigint      GENERATED BY DEFAULT AS IDENTITY,
    at               timestamptz NOT NULL,
    line_id          bigint      NOT NULL,
    order_ref        text,
    customer         text,
    item             text        NOT NULL,
    location         text        NOT NULL,
    qty              numeric     NOT NULL,
    requested_on     date,
    old_promised_on  date,
    new_promised_on  date,
    by_role          text        NOT NULL,
    PRIMARY KEY (change_id, item)
);
COMMENT ON TABLE promise_change IS 'Promises that moved: a row for each line whose day was another when publish_promises() looked again';
COMMENT ON COLUMN promise_change.change_id IS 'Number of the change';
COMMENT ON COLUMN promise_change.at IS 'When it was found';
COMMENT ON COLUMN promise_change.line_id IS 'The waiting line';
COMMENT ON COLUMN promise_change.order_ref IS 'Its order';
COMMENT ON COLUMN promise_change.customer IS 'Who waits';
COMMENT ON COLUMN promise_change.item IS 'For which item';
COMMENT ON COLUMN promise_change.location IS 'At which location';
COMMENT ON COLUMN promise_change.qty IS 'Quantity that it waited for';
COMMENT ON COLUMN promise_change.requested_on IS 'Day the customer asked for';
COMMENT ON COLUMN promise_change.old_promised_on IS 'The day it was promised for the last time; null: none';
COMMENT ON COLUMN promise_change.new_promised_on IS 'The day it is promised for since; null: none any more';
COMMENT ON COLUMN promise_change.by_role IS 'Who looked';

-- An application's own tables behind which the engine works. What is mapped to
-- what stands in a trigger on each (a_bko_map), where it follows renamed columns.
CREATE TABLE attached (
    attached_id  integer     GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    kind         text        NOT NULL CHECK (kind IN ('orders', 'stock', 'receipts')),
    relation     regclass    NOT NULL,
    constants    jsonb       NOT NULL DEFAULT '{}',
    attached_at  timestamptz NOT NULL DEFAULT now(),
    detached_at  timestamptz
);
COMMENT ON TABLE attached IS 'Tables of the application that attach_orders(), attach_stock() and attach_receipts() have put the engine behind; read the view attachment';
COMMENT ON COLUMN attached.attached_id IS 'Number of the attachment, see order_line.attached_id';
COMMENT ON COLUMN attached.kind IS 'orders, stock or receipts';
COMMENT ON COLUMN attached.relation IS 'The table';
COMMENT ON COLUMN attached.constants IS 'Values of columns that the table lacks';
COMMENT ON COLUMN attached.attached_at IS 'Since when';
COMMENT ON COLUMN attached.detached_at IS 'When detach() ended it; null: not ended';

-- What archive() has taken out of order_line and movement; nothing here is
-- changed any more. What a book's rules need of it is in archived_total.
CREATE TABLE archived_line (
    LIKE order_line INCLUDING COMMENTS,
    PRIMARY KEY (line_id, item)
);
COMMENT ON TABLE archived_line IS 'Closed order lines that archive() has moved here; all_line has them and the others';

CREATE TABLE archived_movement (
    LIKE movement INCLUDING COMMENTS,
    PRIMARY KEY (movement_id, item)
);
COMMENT ON TABLE archived_movement IS 'The journal of the lines in archived_line; all_movement is the whole journal';

CREATE TABLE archived_total (
    total_id    bigint   GENERATED BY DEFAULT AS IDENTITY,
    item        text     NOT NULL,
    location    text     NOT NULL,
    receipt_id  bigint,
    on_hand     numeric  NOT NULL,
    filled      numeric  NOT NULL,
    PRIMARY KEY (total_id, item),
    UNIQUE NULLS NOT DISTINCT (item, location, receipt_id)
);
COMMENT ON TABLE archived_total IS 'What the entries in archived_movement add up to: the journal in movement goes on from there';
COMMENT ON COLUMN archived_total.total_id IS 'Number of the row';
COMMENT ON COLUMN archived_total.item IS 'The item';
COMMENT ON COLUMN archived_total.location IS 'The location';
COMMENT ON COLUMN archived_total.receipt_id IS 'The receipt that the entries name; null: none';
COMMENT ON COLUMN archived_total.on_hand IS 'By how much they changed on_hand';
COMMENT ON COLUMN archived_total.filled IS 'What they filled from that receipt';
