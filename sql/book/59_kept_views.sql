-- Reports over a whole book that read the journal from its beginning, kept as they
-- stood when refresh_reports() last ran: for dashboards that must not wait for them.
-- Until then they hold nothing, and say so with an error rather than with no rows.

CREATE MATERIALIZED VIEW backorder_trend_kept AS
SELECT r.*, now() AS as_of
  FROM backorder_trend r
  WITH NO DATA;
CREATE INDEX ON backorder_trend_kept (item, location, day);
CREATE INDEX ON backorder_trend_kept (day);
COMMENT ON MATERIALIZED VIEW backorder_trend_kept IS 'The view backorder_trend as it stood at as_of, when refresh_reports() last ran; with indexes, for a book of millions of lines';
COMMENT ON COLUMN backorder_trend_kept.day IS 'As backorder_trend.day';
COMMENT ON COLUMN backorder_trend_kept.item IS 'As backorder_trend.item';
COMMENT ON COLUMN backorder_trend_kept.location IS 'As backorder_trend.location';
COMMENT ON COLUMN backorder_trend_kept.lines_opened IS 'As backorder_trend.lines_opened';
COMMENT ON COLUMN backorder_trend_kept.lines_filled IS 'As backorder_trend.lines_filled';
COMMENT ON COLUMN backorder_trend_kept.lines_cancelled IS 'As backorder_trend.lines_cancelled';
COMMENT ON COLUMN backorder_trend_kept.lines_waiting IS 'As backorder_trend.lines_waiting';
COMMENT ON COLUMN backorder_trend_kept.units_opened IS 'As backorder_trend.units_opened';
COMMENT ON COLUMN backorder_trend_kept.units_filled IS 'As backorder_trend.units_filled';
COMMENT ON COLUMN backorder_trend_kept.units_cancelled IS 'As backorder_trend.units_cancelled';
COMMENT ON COLUMN backorder_trend_kept.units_waiting IS 'As backorder_trend.units_waiting';
COMMENT ON COLUMN backorder_trend_kept.value_opened IS 'As backorder_trend.value_opened';
COMMENT ON COLUMN backorder_trend_kept.value_filled IS 'As backorder_trend.value_filled';
COMMENT ON COLUMN backorder_trend_kept.value_cancelled IS 'As backorder_trend.value_cancelled';
COMMENT ON COLUMN backorder_trend_kept.value_waiting IS 'As backorder_trend.value_waiting';
COMMENT ON COLUMN backorder_trend_kept.currency IS 'As backorder_trend.currency';
COMMENT ON COLUMN backorder_trend_kept.as_of IS 'When it was refreshed; the same in every row';

CREATE MATERIALIZED VIEW inventory_turnover_kept AS
SELECT r.*, now() AS as_of
  FROM inventory_turnover r
  WITH NO DATA;
CREATE INDEX ON inventory_turnover_kept (item, location, month);
COMMENT ON MATERIALIZED VIEW inventory_turnover_kept IS 'The view inventory_turnover as it stood at as_of, when refresh_reports() last ran; with indexes, for a book of millions of lines';
COMMENT ON COLUMN inventory_turnover_kept.month IS 'As inventory_turnover.month';
COMMENT ON COLUMN inventory_turnover_kept.item IS 'As inventory_turnover.item';
COMMENT ON COLUMN inventory_turnover_kept.location IS 'As inventory_turnover.location';
COMMENT ON COLUMN inventory_turnover_kept.cogs IS 'As inventory_turnover.cogs';
COMMENT ON COLUMN inventory_turnover_kept.average_value IS 'As inventory_turnover.average_value';
COMMENT ON COLUMN inventory_turnover_kept.turnover IS 'As inventory_turnover.turnover';
COMMENT ON COLUMN inventory_turnover_kept.days_of_inventory IS 'As inventory_turnover.days_of_inventory';
COMMENT ON COLUMN inventory_turnover_kept.units_shipped IS 'As inventory_turnover.units_shipped';
COMMENT ON COLUMN inventory_turnover_kept.average_units IS 'As inventory_turnover.average_units';
COMMENT ON COLUMN inventory_turnover_kept.as_of IS 'When it was refreshed; the same in every row';

CREATE MATERIALIZED VIEW provenance_kept AS
SELECT r.*, now() AS as_of
  FROM provenance r
  WITH NO DATA;
CREATE INDEX ON provenance_kept (item, location);
CREATE INDEX ON provenance_kept (line_id);
CREATE INDEX ON provenance_kept (receipt_id);
COMMENT ON MATERIALIZED VIEW provenance_kept IS 'The view provenance as it stood at as_of, when refresh_reports() last ran; with indexes, for a book of millions of lines';
COMMENT ON COLUMN provenance_kept.line_id IS 'As provenance.line_id';
COMMENT ON COLUMN provenance_kept.item IS 'As provenance.item';
COMMENT ON COLUMN provenance_kept.qty IS 'As provenance.qty';
COMMENT ON COLUMN provenance_kept.shipped_at IS 'As provenance.shipped_at';
COMMENT ON COLUMN provenance_kept.receipt_id IS 'As provenance.receipt_id';
COMMENT ON COLUMN provenance_kept.supply_id IS 'As provenance.supply_id';
COMMENT ON COLUMN provenance_kept.supply_ref IS 'As provenance.supply_ref';
COMMENT ON COLUMN provenance_kept.supplier IS 'As provenance.supplier';
COMMENT ON COLUMN provenance_kept.location IS 'As provenance.location';
COMMENT ON COLUMN provenance_kept.as_of IS 'When it was refreshed; the same in every row';

CREATE FUNCTION refresh_reports(report text DEFAULT NULL)
    RETURNS integer LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT bko.refresh_reports('book'::regclass, report);
END;
COMMENT ON FUNCTION refresh_reports(text) IS 'Takes up anew what the views _kept hold, of one report (backorder_trend, inventory_turnover, provenance) or of all; by cron, at night. Orders and receipts go on meanwhile; who reads that view waits. Returns how many were refreshed';
