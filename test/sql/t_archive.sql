-- archive(): closed lines and their journal are moved; nothing else changes.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_archive');
SET search_path = t_archive;
UPDATE book SET time_zone = 'UTC';

-- Lines of every kind; 'far' is another location.
INSERT INTO stock (item, on_hand, unit_cost) VALUES ('X', 10, 2), ('Y', 5, 3), ('Z', 0, 1);
INSERT INTO stock (item, location, on_hand) VALUES ('X', 'far', 4);
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('held', 6, false);
INSERT INTO customer_group (customer, group_name) VALUES ('Miller', 'mills');
INSERT INTO cap (item, customer_group, qty, period) VALUES ('Y', 'mills', 4, 'ever');
CREATE FUNCTION line_of(text) RETURNS bigint LANGUAGE sql STABLE
    AS 'SELECT line_id FROM t_archive.all_line WHERE order_ref = $1 ORDER BY line_no, line_id LIMIT 1';

INSERT INTO order_line (order_ref, customer, item, qty_ordered, unit_price, currency) VALUES
    ('A', 'Miller', 'X', 6, 10, 'EUR'), ('A', 'Miller', 'Y', 3, 20, 'EUR'),     -- all shipped
    ('B', 'Smith', 'X', 6, 10, 'EUR'),                                          -- 4 at once, 2 by a receipt
    ('C', 'Smith', 'Y', 1, 20, 'EUR'), ('C', 'Smith', 'Z', 2, 1, 'EUR'),        -- of Z none: open
    (NULL, 'Jones', 'Y', 1, 20, 'EUR');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('H', 'held', 4), ('gone', 'Z', 1), ('cancelled', 'Z', 5);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('W', 'Y', 1, 'order'), ('W', 'X', 1, 'order');
INSERT INTO receipt (item, qty) VALUES ('X', 5), ('Y', 2);
SELECT qty_shipped FROM ship(line_of('H'), 4);
DELETE FROM order_line WHERE order_ref = 'gone';
SELECT qty_cancelled FROM cancel(line_of('cancelled'));
SELECT qty_returned FROM return_goods(line_of('A'), 2);
SELECT qty_returned FROM return_goods(line_of('A'), 1, restock => false);
SELECT on_hand FROM count_stock('X', 3);
-- P2 overtakes P1
INSERT INTO stock (item, on_hand) VALUES ('P', 0);
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES ('P1', 'P', 1, 100), ('P2', 'P', 1, 1);
INSERT INTO receipt (item, qty) VALUES ('P', 1);
INSERT INTO receipt (item, qty) VALUES ('P', 1);
SELECT ref FROM transfer('X', 2, 'far', 'main', ref => 'TR');
INSERT INTO supply (supply_ref, item, qty_expected, expected_on, for_line_id) VALUES ('PO', 'X', 3, '2030-01-01', line_of('B'));
SELECT on_hand FROM reverse_receipt((SELECT max(receipt_id) FROM receipt), 1);
SELECT * FROM verify();
SELECT order_ref, item, location, qty_ordered, qty_shipped, qty_backordered, qty_cancelled, qty_returned, closed_at IS NOT NULL AS closed
  FROM order_line ORDER BY line_id;

-- What reports say before, in one transaction, so that now() is the same after.
BEGIN;
CREATE FUNCTION reports() RETURNS TABLE (report text, line text) LANGUAGE plpgsql AS $$
BEGIN
    FOREACH report IN ARRAY ARRAY['fill_rate', 'order_fill_rate', 'demand_history', 'demand_rate', 'backorder_trend', 'backorder_aging',
        'open_backorder', 'pegging', 'fairness', 'inventory_turnover', 'replenishment_cycle', 'item_position', 'reorder_advice', 'provenance',
        'stock_flow', 'stock_outflow', 'waiting_change', 'shortage_cause', 'supplier_performance', 'cash_flow_forecast', 'order_position']
    LOOP
        RETURN QUERY EXECUTE format('SELECT %L, (to_jsonb(v) - ''archived'')::text FROM %I v', report, report);
    END LOOP;
END $$;
CREATE TEMP TABLE before AS SELECT * FROM reports();
SELECT report, count(*) FROM before GROUP BY 1 ORDER BY 1;

-- B stays because of PO, C because of its other line, TR because it has not come.
SELECT archive('-infinity'), archive(now() - interval '1 year');
SELECT archive('infinity', 1) AS "A, both lines";
SELECT archive('infinity', 2) AS "the line of no order, and H";
SELECT archive('infinity') AS "cancelled, W, P1, P2";
SELECT archive('infinity') AS "nothing left";
SELECT order_ref, item, archived FROM order_position ORDER BY archived, line_id;
SELECT item, location, receipt_id, on_hand, filled FROM archived_total ORDER BY item COLLATE "C", location, receipt_id;
SELECT count(*) AS of_archived_lines FROM movement m JOIN archived_line l USING (line_id);
SELECT count(*) AS of_other_lines FROM archived_movement m WHERE line_id NOT IN (SELECT line_id FROM archived_line);
SELECT * FROM verify();
SELECT * FROM verify_archive();
SELECT rebuild();

-- The reports say the same.
(SELECT 'no more' AS what, * FROM before EXCEPT ALL SELECT 'no more', * FROM reports())
UNION ALL
(SELECT 'new', * FROM reports() EXCEPT ALL SELECT 'new', * FROM before);

-- What Miller took of Y counts for his caps, old and new ones; 1 is left.
SELECT qty_used FROM cap WHERE item = 'Y';
SELECT rebuild('Y');
SELECT qty_used FROM cap WHERE item = 'Y';
INSERT INTO cap (item, customer_group, qty, period) VALUES ('Y', 'mills', 7, 'year') RETURNING qty_used;
UPDATE customer_group SET group_name = 'nobody' WHERE customer = 'Miller';
SELECT qty_used FROM cap WHERE item = 'Y';
UPDATE customer_group SET group_name = 'mills' WHERE customer = 'Miller';
SELECT qty_used FROM cap WHERE item = 'Y';
SELECT * FROM verify();
COMMIT;

-- Nobody changes them any more.
SELECT return_goods(line_of('A'), 1);
SELECT ship(line_of('H'));
SELECT cancel(line_of('cancelled'));
SELECT explain(line_of('W'));
SELECT hold_line(line_of('W'));
UPDATE order_line SET priority = 1 WHERE order_ref = 'A' RETURNING line_id;
SELECT hold_order('A');
INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) VALUES ('PO-2', 'X', 1, line_of('A'));
DELETE FROM archived_line;
UPDATE archived_line SET qty_shipped = qty_shipped + 1;
UPDATE archived_line SET unit_price = 11 WHERE unit_price = 10;
UPDATE archived_movement SET qty = 1;
DELETE FROM archived_movement;
UPDATE archived_total SET on_hand = 0;
DELETE FROM archived_total;
TRUNCATE archived_line, archived_movement, archived_total;
SELECT archive(NULL);
SELECT archive('infinity', 0);
SELECT archive('infinity', NULL);

-- A transfer goes when nothing of it is still to come; it can't be cancelled then.
INSERT INTO receipt (item, qty, supply_ref) VALUES ('X', 2, 'TR');
SELECT archive('infinity');
SELECT cancel_transfer('TR');
SELECT cancel_transfer('no such transfer');
UPDATE supply SET closed = true WHERE supply_ref = 'PO';
SELECT archive('infinity');
SELECT order_ref, item FROM order_line ORDER BY line_id;
INSERT INTO receipt (item, qty) VALUES ('Z', 2);
SELECT archive('infinity');

-- The book goes on: archived lines and new ones, their receipts, an order that gets another line.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('A', 'X', 4), ('D', 'X', 30);
INSERT INTO receipt (item, qty) VALUES ('X', 100);
SELECT archive('infinity');
SELECT on_hand FROM stock WHERE item = 'X' AND location = 'main';
SELECT * FROM verify();
SELECT * FROM verify_archive();

-- A column of the application's own must have its place.
ALTER TABLE order_line ADD COLUMN "our note" text;
ALTER TABLE movement ADD COLUMN batch_no integer;
INSERT INTO order_line (order_ref, item, qty_ordered, "our note") VALUES ('E', 'X', 1, 'seen');
SELECT archive('infinity');
ALTER TABLE archived_movement ADD COLUMN batch_no integer;
SELECT archive('infinity');
ALTER TABLE archived_line ADD COLUMN "our note" varchar(10);
SELECT archive('infinity');
SELECT order_ref, "our note" FROM archived_line WHERE "our note" IS NOT NULL;

-- What doesn't add up stays where verify() sees it; so does a number that comes again.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('F', 'X', 1), ('G', 'X', 2);
SET session_replication_role = replica;
UPDATE order_line SET qty_ordered = 3, qty_shipped = 3 WHERE order_ref = 'F';
SET session_replication_role = origin;
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) SELECT line_of('E'), 'again', 'X', 1;
SELECT archive('infinity');
SELECT rule, detail FROM verify();
SELECT order_ref FROM order_line ORDER BY order_ref COLLATE "C";
SELECT rebuild();
SELECT archive('infinity');
SELECT * FROM verify();
SELECT order_ref FROM order_line;

-- rebuild() goes by what the archive adds up to.
SET session_replication_role = replica;
UPDATE stock SET on_hand = 1000 WHERE item = 'X' AND location = 'main';
SET session_replication_role = origin;
SELECT rule, item FROM verify();
SELECT rebuild('X');
SELECT on_hand FROM stock WHERE item = 'X' AND location = 'main';
SELECT * FROM verify();

-- verify_archive() sees what was done behind bko's back.
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE archived_total SET on_hand = on_hand + 1 WHERE item = 'held';
UPDATE archived_movement SET qty = 2 WHERE kind = 'cancel' AND item = 'Z' AND qty = 5;
UPDATE archived_line SET closed_at = NULL WHERE order_ref = 'B';
DELETE FROM archived_movement WHERE line_id = line_of('H') AND kind = 'ship';
SELECT rule, item, line_id, detail FROM verify_archive() ORDER BY rule COLLATE "C", item COLLATE "C", line_id;
SELECT rule, item, detail FROM verify();
ROLLBACK;

-- In many calls, a few lines each: all of them, and no call takes long.
DELETE FROM cap;
INSERT INTO stock (item, on_hand) SELECT 'M' || i, 100000 FROM generate_series(1, 7) i;
INSERT INTO order_line (order_ref, item, qty_ordered)
    SELECT nullif('O' || i / 3, 'O5'), 'M' || 1 + i % 7, 1 + i % 3 FROM generate_series(1, 9000) i;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('O2000', 'M1', 1000000);     -- waits
DO $$
DECLARE moved bigint; calls integer := 0; total bigint := 0;
BEGIN
    LOOP
        SELECT archive('infinity', 1000) INTO moved;
        EXIT WHEN moved = 0;
        calls := calls + 1;
        total := total + moved;
        IF moved > 1002 THEN RAISE EXCEPTION 'too many: %', moved; END IF;
    END LOOP;
    RAISE INFO '% calls, % lines', calls, total;
END $$;
SELECT order_ref, count(*), count(closed_at) AS closed FROM order_line GROUP BY 1 ORDER BY order_ref COLLATE "C";
SELECT * FROM verify();
SELECT * FROM verify_archive();

-- For the owner, and whoever he lets.
CREATE ROLE regress_bko_archivist;
GRANT USAGE ON SCHEMA t_archive TO regress_bko_archivist;
GRANT ALL ON archived_line, archived_movement, archived_total TO regress_bko_archivist;
SET ROLE regress_bko_archivist;
SELECT archive('infinity');
INSERT INTO archived_total (item, location, on_hand, filled) VALUES ('X', 'here', 1, 0);
INSERT INTO archived_line (line_id, item, location) VALUES (-1, 'X', 'here');
INSERT INTO archived_movement (movement_id, item) VALUES (-1, 'X');
RESET ROLE;
GRANT EXECUTE ON FUNCTION archive TO regress_bko_archivist;
SET ROLE regress_bko_archivist;
SELECT archive('infinity');
RESET ROLE;
DROP OWNED BY regress_bko_archivist;
DROP ROLE regress_bko_archivist;
DROP SCHEMA t_archive CASCADE;
