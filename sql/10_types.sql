CREATE TYPE bko.fill AS (
    line_id          bigint,
    order_ref        text,
    customer         text,
    qty              numeric,
    qty_shipped      numeric,
    qty_backordered  numeric
);
COMMENT ON TYPE bko.fill IS 'What one waiting order line gets out of a rise of stock';
COMMENT ON COLUMN bko.fill.line_id IS 'The line that was filled';
COMMENT ON COLUMN bko.fill.order_ref IS 'Its order';
COMMENT ON COLUMN bko.fill.customer IS 'Its customer';
COMMENT ON COLUMN bko.fill.qty IS 'What it got';
COMMENT ON COLUMN bko.fill.qty_shipped IS 'What ships at once because of it; the rest is held for the line';
COMMENT ON COLUMN bko.fill.qty_backordered IS 'What the line still waits for afterwards';

CREATE TYPE bko.reallocation AS (
    line_id     bigint,
    order_ref   text,
    customer    text,
    segment     text,
    strategy    text,
    qty_open    numeric,
    qty_before  numeric,
    qty_after   numeric,
    qty_short   numeric
);
COMMENT ON TYPE bko.reallocation IS 'What backorder processing does with one open order line';
COMMENT ON COLUMN bko.reallocation.line_id IS 'The line';
COMMENT ON COLUMN bko.reallocation.order_ref IS 'Its order';
COMMENT ON COLUMN bko.reallocation.customer IS 'Its customer';
COMMENT ON COLUMN bko.reallocation.segment IS 'Its segment: its priority, customer (none: empty) or demand';
COMMENT ON COLUMN bko.reallocation.strategy IS 'The strategy of that segment: win, gain, redistribute, fill or lose';
COMMENT ON COLUMN bko.reallocation.qty_open IS 'What of the line was allocated or backordered';
COMMENT ON COLUMN bko.reallocation.qty_before IS 'What was allocated to it';
COMMENT ON COLUMN bko.reallocation.qty_after IS 'What it has afterwards: allocated to it, or shipped at once because of this';
COMMENT ON COLUMN bko.reallocation.qty_short IS 'By how much that is less than its strategy promises; 0: it is not';

CREATE TYPE bko.transferred AS (
    ref              text,
    line_id          bigint,
    supply_id        bigint,
    qty_shipped      numeric,
    qty_allocated    numeric,
    qty_backordered  numeric
);
COMMENT ON TYPE bko.transferred IS 'A transfer as it was taken in: its order line at one location, its supply line at the other';
COMMENT ON COLUMN bko.transferred.ref IS 'The transfer: order_ref of the line, supply_ref of the supply';
COMMENT ON COLUMN bko.transferred.line_id IS 'The order line at the location that it comes from';
COMMENT ON COLUMN bko.transferred.supply_id IS 'The supply line at the location that it goes to';
COMMENT ON COLUMN bko.transferred.qty_shipped IS 'What has left';
COMMENT ON COLUMN bko.transferred.qty_allocated IS 'What is held for it and has not left';
COMMENT ON COLUMN bko.transferred.qty_backordered IS 'What it waits for';
