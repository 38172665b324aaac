-- Allocation at commit: lines go in as waiting and are split when the
-- transaction ends.
\set VERBOSITY default
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS t_commit CASCADE;
CREATE EXTENSION IF NOT EXISTS bko;
RESET client_min_messages;
SELECT bko.create_book('t_commit');
SET search_path = t_commit;
\set VERBOSITY terse
UPDATE book SET allocate_at = 'never';
\set VERBOSITY default
UPDATE book SET allocate_at = 'commit';
CREATE VIEW line AS
SELECT line_id AS id, order_ref AS ref, item, location AS loc, qty_ordered AS ord, qty_shipped AS ship,
       qty_allocated AS alloc, qty_backordered AS back, qty_cancelled AS canc, qty_filled_first AS first,
       closed_at IS NOT NULL AS closed, pending IS NOT NULL AS pending
  FROM order_line ORDER BY line_id;
CREATE VIEW shelf AS
SELECT item, location AS loc, on_hand, allocated AS alloc, backordered AS back FROM stock ORDER BY 1, 2;

-- What is seen before and after the commit: B has 5, A has 10.
INSERT INTO stock (item, on_hand) VALUES ('A', 10), ('B', 5);
BEGIN;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('O1', 'B', 3), ('O1', 'A', 12)
RETURNING line_id, item, qty_shipped, qty_backordered, qty_filled_first, queued_at <= clock_timestamp() AS then;
SELECT * FROM line;
SELECT * FROM shelf;
SELECT count(*) FROM movement WHERE line_id IS NOT NULL;
SELECT count(*) FROM open_backorder;
SELECT count(*) FROM backorder_aging;
SELECT sum(lines) FROM fill_rate;
SELECT fact, value FROM explain(2) WHERE fact = 'state';
SELECT * FROM preview('A', 3);
SELECT * FROM verify();
COMMIT;
SELECT * FROM line;
SELECT * FROM shelf;
SELECT kind, from_state, to_state, item, qty, line_id FROM movement WHERE line_id IS NOT NULL ORDER BY movement_id;
SELECT item, on_hand, available, backordered FROM shortage;
SELECT item, lines, lines_filled, units, units_filled FROM fill_rate ORDER BY item;
SELECT line_id, position, qty_ahead FROM open_backorder;
SELECT * FROM verify();

-- In the order in which they went in, whatever their numbers, over several
-- statements; queued_at is given by turn. 6 of C: 4, then 2 of 3, then none.
INSERT INTO stock (item, on_hand) VALUES ('C', 6);
BEGIN;
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (112, 'P1', 'C', 4);
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (111, 'P2', 'C', 3), (110, 'P3', 'C', 1);
COMMIT;
SELECT * FROM line WHERE item = 'C';
SELECT array_agg(line_id ORDER BY queued_at), count(DISTINCT queued_at), max(queued_at) = max(s.last_queued_at) AS last
  FROM order_line l JOIN stock s USING (item, location) WHERE item = 'C';
SELECT * FROM receive('C', 2);
SELECT * FROM verify();

-- Before it is split a line is changed freely: nothing has been decided. D has 10.
INSERT INTO stock (item, on_hand, qty_step) VALUES ('D', 10, 2), ('E', 1, NULL);
BEGIN;
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (120, 'D', 4), (121, 'D', 4), (122, 'D', 4), (123, 'D', 4);
UPDATE order_line SET qty_ordered = 8, priority = 5 WHERE line_id = 120 RETURNING qty_ordered, qty_backordered;
DELETE FROM order_line WHERE line_id = 121;
UPDATE order_line SET held = true WHERE line_id = 122;
UPDATE order_line SET item = 'E', qty_ordered = 3 WHERE line_id = 123;
SELECT qty_ordered FROM hold_line(123);
SELECT qty_ordered FROM release_line(123);
SAVEPOINT s;
UPDATE order_line SET qty_ordered = 7 WHERE line_id = 120;
ROLLBACK TO s;
UPDATE order_line SET qty_ordered = 0 WHERE line_id = 120;
ROLLBACK TO s;
UPDATE order_line SET item = 'nothing' WHERE line_id = 120;
ROLLBACK TO s;
UPDATE order_line SET qty_backordered = 1 WHERE line_id = 120;
ROLLBACK TO s;
UPDATE order_line SET pending = NULL WHERE line_id = 120;
ROLLBACK TO s;
SELECT * FROM verify();
COMMIT;
SELECT * FROM line WHERE id BETWEEN 120 AND 129;
SELECT * FROM shelf WHERE item IN ('D', 'E');
SELECT * FROM verify();

-- What can be told at once, is. Whatever is given of what bko keeps is refused.
INSERT INTO order_line (item, qty_ordered) VALUES ('nothing', 1);
INSERT INTO order_line (item, qty_ordered) VALUES ('A', -1);
INSERT INTO order_line (item, qty_ordered) VALUES ('D', 3);
INSERT INTO order_line (item, qty_ordered, pending) VALUES ('A', 1, 1);
INSERT INTO order_line (item, qty_ordered, queued_at) VALUES ('A', 1, 'infinity');

-- backorder_limit is asked when the line is split: the commit fails, and nothing has happened.
INSERT INTO stock (item, on_hand, backorder_limit) VALUES ('F', 5, 2);
BEGIN;
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (130, 'F', 6), (131, 'A', 1);
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (132, 'F', 2);
COMMIT;
SELECT count(*) FROM line WHERE id BETWEEN 130 AND 139;
BEGIN;
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (130, 'F', 6), (131, 'F', 1);
COMMIT;
SELECT * FROM line WHERE id BETWEEN 130 AND 139;
-- The stock row has gone meanwhile.
INSERT INTO stock (item) VALUES ('G');
BEGIN;
INSERT INTO order_line (item, qty_ordered) VALUES ('G', 1);
DELETE FROM stock WHERE item = 'G';
COMMIT;
SELECT * FROM verify();

-- A receipt of the same transaction serves who has a place; what is over is
-- there when the line is split. H: 5 wait, 8 come in, 3 are over for 4.
INSERT INTO stock (item) VALUES ('H');
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (140, 'H', 5);
BEGIN;
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (141, 'H', 4);
INSERT INTO receipt (item, qty) VALUES ('H', 8) RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM shelf WHERE item = 'H';
SELECT * FROM verify();
COMMIT;
SELECT * FROM line WHERE item = 'H';
SELECT * FROM fairness WHERE item = 'H';

-- Functions on a line split first what is pending. I has 5: 142 gets 5 of 6, and
-- 143 waits.
INSERT INTO stock (item, on_hand) VALUES ('I', 5);
BEGIN;
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (142, 'I', 6), (143, 'I', 2);
SELECT qty_shipped, qty_backordered, qty_cancelled FROM cancel(142);
SELECT qty_shipped, qty_backordered, qty_returned FROM return_goods(142, 1);
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (144, 'I', 1);
SELECT qty_shipped FROM ship(144);
SELECT * FROM line WHERE item = 'I';
SELECT * FROM verify();
COMMIT;

-- SET CONSTRAINTS splits now, or each statement as it ends; savepoints go back.
INSERT INTO stock (item, on_hand) VALUES ('J', 5);
BEGIN;
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (150, 'J', 3);
SAVEPOINT s;
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (151, 'J', 1);
SET CONSTRAINTS bko_split IMMEDIATE;
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (152, 'J', 3) RETURNING qty_backordered;
SELECT * FROM line WHERE item = 'J';
SELECT * FROM verify();
ROLLBACK TO s;
SELECT * FROM line WHERE item = 'J';
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (153, 'J', 1);
SELECT * FROM verify();
RELEASE s;
COMMIT;
SELECT * FROM line WHERE item = 'J';
BEGIN;
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (154, 'J', 9);
ROLLBACK;
SELECT * FROM shelf WHERE item = 'J';

-- ON CONFLICT, MERGE, COPY; rows kept out take nothing.
BEGIN;
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (150, 'J', 9), (155, 'J', 1) ON CONFLICT DO NOTHING
RETURNING line_id;
INSERT INTO order_line AS l (line_id, item, qty_ordered) VALUES (155, 'J', 2), (150, 'J', 1)
ON CONFLICT (line_id, item) DO UPDATE SET qty_ordered = l.qty_ordered + excluded.qty_ordered
RETURNING line_id, qty_ordered, qty_shipped, qty_backordered;
MERGE INTO order_line l USING (VALUES (155, 4), (156, 1)) v (id, qty) ON l.line_id = v.id AND l.item = 'J'
  WHEN MATCHED THEN UPDATE SET qty_ordered = v.qty
  WHEN NOT MATCHED THEN INSERT (line_id, item, qty_ordered) VALUES (v.id, 'J', v.qty);
COPY order_line (line_id, item, qty_ordered) FROM stdin;
157	J	1
\.
SELECT * FROM line WHERE item = 'J';
SELECT * FROM verify();
COMMIT;
SELECT * FROM line WHERE item = 'J';
SELECT * FROM verify();

-- Orders that ship as a whole: K has 3, L has 1.
INSERT INTO stock (item, on_hand) VALUES ('K', 3), ('L', 1);
BEGIN;
INSERT INTO order_line (line_id, order_ref, item, qty_ordered, ship_policy) VALUES (160, 'W1', 'L', 1, 'order');
INSERT INTO order_line (line_id, order_ref, item, qty_ordered, ship_policy) VALUES (161, 'W1', 'K', 2, 'order'), (162, 'W2', 'K', 2, 'order');
INSERT INTO order_line (line_id, order_ref, item, qty_ordered, ship_policy) VALUES (163, 'W2', 'L', 1, 'line');
COMMIT;
SELECT * FROM line WHERE ref LIKE 'W_';
-- A line that isn't split yet keeps its order back, and lets it go in the end:
-- 163 and 162 get what they wait for, and the order would be whole but for 164.
BEGIN;
SELECT line_id, qty FROM receive('L', 2);
SELECT line_id, qty FROM receive('K', 1);
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (164, 'W2', 'L', 1);
SELECT * FROM verify();
COMMIT;
SELECT * FROM line WHERE ref LIKE 'W_';
SELECT * FROM verify();

-- place_order() and transfer() likewise.
INSERT INTO stock (item, location, on_hand) VALUES ('A', 'east', 4);
SELECT * FROM receive('A', 4);
BEGIN;
SELECT item, qty_shipped, qty_backordered FROM place_order('Q1', '[{"item": "B", "qty": 1}, {"item": "A", "qty": 1}]');
SELECT qty_shipped, qty_backordered FROM transfer('A', 2, 'east', 'main', ref => 'TR');
SELECT qty_shipped, qty_cancelled FROM cancel_transfer('TR');
SELECT qty_shipped, qty_backordered FROM transfer('A', 3, 'east', 'main', ref => 'TS');
COMMIT;
SELECT ref, item, loc, ord, ship, back, canc FROM line WHERE ref IN ('Q1', 'TR', 'TS') ORDER BY ref, item;
SELECT supply_ref, qty_expected, closed FROM supply ORDER BY 1;
SELECT * FROM verify();

-- Lines that name no location are placed when they are split, over several
-- locations where the rule says so: M has 3 in main and 5 in the east.
INSERT INTO stock (item, location, on_hand) VALUES ('M', 'main', 3), ('M', 'east', 5), ('N', 'east', 2), ('N', 'main', 9);
INSERT INTO sourcing (item, locations, split) VALUES ('M', '{main,east}', true), ('N', '{east,main}', false);
BEGIN;
INSERT INTO order_line (line_id, order_ref, item, location, qty_ordered) VALUES (170, 'S1', 'N', NULL, 3), (171, 'S1', 'M', NULL, 6)
RETURNING line_id, location;
INSERT INTO order_line (line_id, order_ref, item, location, qty_ordered) VALUES (172, 'S2', 'M', NULL, 4), (173, 'S2', 'M', NULL, 1);
UPDATE order_line SET location = 'main' WHERE line_id = 173;
UPDATE order_line SET location = 'east' WHERE line_id = 173;
INSERT INTO order_line (line_id, order_ref, item, location, qty_ordered) VALUES (174, 'S3', 'M', NULL, 1);
UPDATE order_line SET item = 'N' WHERE line_id = 174;
SELECT * FROM verify();
COMMIT;
SELECT ref, item, loc, ord, ship, back, pending FROM line WHERE ref LIKE 'S_' ORDER BY ref, item, loc, ord;
SELECT * FROM shelf WHERE item IN ('M', 'N');
BEGIN;
SELECT location, qty_ordered FROM place_order('S4', '[{"item": "N", "qty": 2}]');
COMMIT;
SELECT loc, ord, ship FROM line WHERE ref = 'S4';
SELECT * FROM verify();

-- Caps and protected quantities.
INSERT INTO stock (item, on_hand) VALUES ('R', 10);
INSERT INTO customer_group (customer, group_name) VALUES ('w', 'WEB');
INSERT INTO cap (item, customer_group, qty, period) VALUES ('R', 'WEB', 3, 'ever');
INSERT INTO protection (item, customer_group, qty) VALUES ('R', 'VIP', 4);
BEGIN;
INSERT INTO order_line (line_id, item, customer, qty_ordered) VALUES (180, 'R', 'w', 2), (181, 'R', 'w', 2), (182, 'R', 'x', 9);
SELECT qty_used FROM cap;
SELECT * FROM verify();
COMMIT;
SELECT * FROM line WHERE item = 'R';
SELECT qty_used FROM cap;
SELECT * FROM verify();

-- Old orders keep the places that the owner gives them, and are split by them:
-- 191 before 190.
INSERT INTO stock (item, on_hand) VALUES ('T', 1);
BEGIN;
INSERT INTO order_line (line_id, item, qty_ordered, queued_at) VALUES (190, 'T', 1, '2024-02-01'), (191, 'T', 1, '2024-01-01');
INSERT INTO order_line (line_id, item, qty_ordered, queued_at) VALUES (192, 'T', 1, clock_timestamp());
COMMIT;
SELECT line_id, qty_shipped, queued_at < '2025-01-01' AS old FROM order_line WHERE item = 'T' ORDER BY 1;
SELECT * FROM verify();

-- The setting changes while lines are pending: they are split all the same, and
-- new ones at once. U has 3.
INSERT INTO stock (item, on_hand) VALUES ('U', 3);
BEGIN;
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (200, 'U', 2);
UPDATE book SET allocate_at = 'statement';
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (201, 'U', 2) RETURNING qty_shipped, qty_backordered;
SELECT * FROM verify();
COMMIT;
SELECT * FROM line WHERE item = 'U';
SELECT * FROM verify();
UPDATE book SET allocate_at = 'commit';

-- What was brought back is stored as it is.
BEGIN;
CREATE TEMP TABLE kept AS SELECT * FROM order_line WHERE item = 'U';
SET LOCAL session_replication_role = replica;
DELETE FROM order_line WHERE item = 'U';
SET LOCAL session_replication_role = origin;
INSERT INTO order_line SELECT * FROM kept;
SELECT * FROM line WHERE item = 'U';
SELECT * FROM verify();
COMMIT;

-- TRUNCATE is refused by PostgreSQL itself.
BEGIN;
INSERT INTO order_line (item, qty_ordered) VALUES ('A', 1);
TRUNCATE order_line;
ROLLBACK;

-- The trigger was disabled: verify() finds the line, rebuild() splits it.
ALTER TABLE order_line DISABLE TRIGGER bko_split;
INSERT INTO stock (item, on_hand) VALUES ('V', 5);
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (210, 'V', 7);
ALTER TABLE order_line ENABLE TRIGGER bko_split;
SELECT rule, item, line_id FROM verify();
SELECT rebuild('V');
SELECT * FROM line WHERE item = 'V';
SELECT * FROM verify();
-- rebuild() of a transaction's own pending lines
BEGIN;
INSERT INTO order_line (line_id, item, qty_ordered) VALUES (211, 'V', 1);
SELECT rebuild();
SELECT * FROM line WHERE id = 211;
COMMIT;
SELECT * FROM verify();

-- A trigger of the application that orders more while lines are split.
CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.order_ref = 'more' AND new.qty_backordered > 0 THEN
        INSERT INTO t_commit.order_line (order_ref, item, qty_ordered) VALUES ('again', new.item, new.qty_backordered);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER more AFTER UPDATE ON order_line FOR EACH ROW EXECUTE FUNCTION more();
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (220, 'more', 'V', 2);
SELECT ref, item, ord, ship, back, pending FROM line WHERE ref IN ('more', 'again') ORDER BY id;
SELECT * FROM verify();

SET client_min_messages = warning;
DROP SCHEMA t_commit CASCADE;
