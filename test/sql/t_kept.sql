-- Reports that are kept as they stood: refresh_reports() and the views _kept.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_kept');
SET search_path = t_kept, public;
RESET client_min_messages;
UPDATE book SET time_zone = 'UTC';

-- Never refreshed: an error, since no rows would be read as nothing to report.
SELECT * FROM provenance_kept;
SELECT * FROM backorder_trend_kept;
SELECT * FROM inventory_turnover_kept;

-- 5 there, 7 ordered, 4 come: 5 of no receipt and 2 of receipt 1 have shipped.
INSERT INTO stock (item, on_hand, unit_cost) VALUES ('A', 5, 2);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('SO-1', 'A', 7);
INSERT INTO receipt (item, qty) VALUES ('A', 4);
SELECT refresh_reports();
SELECT line_id, item, qty, receipt_id, location FROM provenance_kept ORDER BY receipt_id;
SELECT item, lines_opened, lines_filled, lines_waiting, units_opened, units_filled, units_waiting FROM backorder_trend_kept;
SELECT item, cogs, units_shipped FROM inventory_turnover_kept;

-- What happens later isn't in it until it is refreshed; each alone, too.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('SO-2', 'A', 3);
SELECT count(*), sum(qty) FROM provenance_kept;
SELECT sum(qty) FROM provenance;
SELECT refresh_reports('provenance');
SELECT count(*), sum(qty) FROM provenance_kept;
SELECT units_opened FROM backorder_trend_kept;
SELECT refresh_reports('backorder_trend');
SELECT units_opened, units_waiting FROM backorder_trend_kept;

-- It is as of the transaction that refreshed it.
BEGIN;
SELECT refresh_reports('inventory_turnover');
SELECT as_of = now() AS now FROM inventory_turnover_kept;
ROLLBACK;

-- What isn't kept
SELECT refresh_reports('fill_rate');
SELECT refresh_reports('');

-- It goes by the book, whatever that is called, and is the owner's to grant.
ALTER SCHEMA t_kept RENAME TO "t_kept ""2";
SELECT "t_kept ""2".refresh_reports('provenance');
ALTER SCHEMA "t_kept ""2" RENAME TO t_kept;
CREATE ROLE regress_kept_reader;
GRANT USAGE ON SCHEMA t_kept TO regress_kept_reader;
GRANT SELECT ON provenance_kept TO regress_kept_reader;
SET ROLE regress_kept_reader;
SELECT count(*) FROM provenance_kept;
SELECT refresh_reports();
RESET ROLE;
GRANT EXECUTE ON FUNCTION refresh_reports(text) TO regress_kept_reader;
SET ROLE regress_kept_reader;
SELECT refresh_reports();
RESET ROLE;

SELECT * FROM verify();
SET client_min_messages = warning;
DROP SCHEMA t_kept CASCADE;
DROP ROLE regress_kept_reader;
