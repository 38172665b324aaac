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
