-- Promises that were published, and what moved since (publish_promises()); what if
-- supply came on another day or in another quantity (preview_supply()).
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_publish');
RESET client_min_messages;
SET search_path = t_publish;
\set VERBOSITY sqlstate

-- a 3 and b 4 of X are promised the 4 of P on the 1st and the 4 of Q on the 9th; c waits
-- for Y, of which nothing is on its way.
INSERT INTO stock (item, location) VALUES ('X', 'main'), ('Y', 'main'), ('X', 'west');
INSERT INTO order_line (line_id, order_ref, customer, item, qty_ordered, requested_on) VALUES (1001, 'a', 'Anna', 'X', 3, '2030-01-05'), (1002, 'b', NULL, 'X', 4, '2030-01-05'), (1003, 'c', 'Carl', 'Y', 1, NULL);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('P', 'X', 4, '2030-01-01'), ('Q', 'X', 4, '2030-01-09');
CREATE VIEW promises AS SELECT line_id, item, promised_on, published_at = now() AS now FROM promise ORDER BY line_id;
-- The first time: a and b got a day; c has none, as before.
BEGIN;
SELECT line_id, order_ref, customer, item, location, qty, requested_on, old_promised_on, new_promised_on, at = now() AS now, by_role = session_user AS me FROM publish_promises();
SELECT * FROM promises;
COMMIT;
-- Nothing has changed: nothing is recorded, or touched.
SELECT count(*) FROM publish_promises();
SELECT count(*) FROM promise_change;
SELECT * FROM promises;
-- a partly filled: 1 less to wait for, the same day.
INSERT INTO receipt (item, qty, supply_ref) VALUES ('X', 1, 'P');
SELECT count(*) FROM publish_promises();
-- P on the 20th, after Q: a 2 of Q; b 2 of Q and 2 of P.
UPDATE supply SET expected_on = '2030-01-20' WHERE supply_ref = 'P';
SELECT order_ref, qty, old_promised_on, new_promised_on FROM publish_promises();
-- Twice since last time, and back as it was: no change.
UPDATE supply SET expected_on = '2030-02-20' WHERE supply_ref = 'P';
UPDATE supply SET expected_on = '2030-01-20' WHERE supply_ref = 'P';
SELECT count(*) FROM publish_promises();
-- Lost: P is closed, b has nothing that completes it. Found: c.
UPDATE supply SET closed = true WHERE supply_ref = 'P';
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('R', 'Y', 1, '2030-03-01');
SELECT order_ref, item, qty, old_promised_on, new_promised_on FROM publish_promises();
-- A known day becomes an unknown one: lost as well; the day after all days is no other.
UPDATE supply SET expected_on = NULL WHERE supply_ref = 'R';
SELECT order_ref, item, qty, old_promised_on, new_promised_on FROM publish_promises();
UPDATE supply SET expected_on = 'infinity' WHERE supply_ref = 'R';
SELECT order_ref, item, qty, old_promised_on, new_promised_on FROM publish_promises();
-- Held: what was promised is lost, and Q's 4 are b's; released: as before.
UPDATE order_line SET held = true WHERE line_id = 1001;
SELECT order_ref, qty, old_promised_on, new_promised_on FROM publish_promises();
UPDATE order_line SET held = false WHERE line_id = 1001;
SELECT order_ref, qty, old_promised_on, new_promised_on FROM publish_promises();
-- Gone: a is filled, c cancelled. That is no change of a promise; what was promised to
-- them is forgotten. b has only 2 of Q.
INSERT INTO receipt (item, qty, supply_ref) VALUES ('X', 2, 'Q');
SELECT qty_cancelled FROM cancel(1003);
SELECT order_ref, qty, old_promised_on, new_promised_on FROM publish_promises();
SELECT * FROM promises;
-- Waiting again, since a orders 2 more: as if it were new. Q brings 6 more: 2 and 4.
UPDATE supply SET qty_expected = 8 WHERE supply_ref = 'Q';
UPDATE order_line SET qty_ordered = 5 WHERE line_id = 1001;
SELECT order_ref, qty, old_promised_on, new_promised_on FROM publish_promises();
-- What the transaction did itself is seen; rolled back, nothing was published.
BEGIN;
UPDATE supply SET expected_on = '2031-01-01' WHERE supply_ref = 'Q';
SELECT order_ref, qty, old_promised_on, new_promised_on FROM publish_promises();
SELECT count(*) FROM publish_promises();
ROLLBACK;
SELECT count(*) FROM publish_promises();
-- Who: the role that asks. An item at another location.
CREATE ROLE regress_bko_planner;
GRANT USAGE ON SCHEMA t_publish TO regress_bko_planner;
GRANT EXECUTE ON FUNCTION publish_promises() TO regress_bko_planner;
INSERT INTO order_line (line_id, order_ref, item, location, qty_ordered) VALUES (1004, 'w', 'X', 'west', 2);
INSERT INTO supply (supply_ref, item, location, qty_expected, expected_on) VALUES ('W', 'X', 'west', 2, '2030-04-01');
SET ROLE regress_bko_planner;
SELECT order_ref, location, new_promised_on, by_role FROM publish_promises();
RESET ROLE;
SELECT change_id > 0 AS id, line_id, order_ref, item, location, qty, old_promised_on, new_promised_on, by_role = session_user AS me FROM promise_change ORDER BY change_id;
-- A line's last change agrees with what is published and with what is promised.
SELECT b.line_id, b.promised_on, p.promised_on = b.promised_on AS published, (SELECT c.new_promised_on FROM promise_change c WHERE c.line_id = b.line_id ORDER BY c.change_id DESC LIMIT 1) = b.promised_on AS last
  FROM open_backorder b JOIN promise p USING (line_id, item) ORDER BY line_id;
SELECT * FROM verify();

-- preview_supply(): a 3, b 4, c 2 wait for V; VP (4, on the 1st), VQ (4, on the 9th)
-- and VR (1, on the 20th). a is promised the 1st, b the 9th, c the 20th.
INSERT INTO stock (item, location) VALUES ('V', 'main'), ('V2', 'main'), ('V', 'west');
INSERT INTO order_line (line_id, order_ref, customer, item, location, qty_ordered, requested_on) VALUES
    (1011, 'a', 'Anna', 'V', 'main', 3, '2030-01-05'), (1012, 'b', NULL, 'V', 'main', 4, '2030-01-05'), (1013, 'c', 'Carl', 'V', 'main', 2, '2030-01-31'), (1014, 'v2', NULL, 'V2', 'main', 2, NULL), (1015, 'w', NULL, 'V', 'west', 2, NULL);
INSERT INTO supply (supply_ref, item, location, qty_expected, expected_on) VALUES ('VP', 'V', 'main', 4, '2030-01-01'), ('VQ', 'V', 'main', 4, '2030-01-09'), ('VR', 'V', 'main', 1, '2030-01-20'), ('M', 'V2', 'main', 2, '2030-05-01'), ('M', 'V', 'west', 2, '2030-05-02');
CREATE VIEW everything AS
    SELECT 'stock' AS t, md5(string_agg(s::text, ' ' ORDER BY s::text)) FROM stock s UNION ALL SELECT 'line', md5(string_agg(l::text, ' ' ORDER BY l::text)) FROM order_line l
    UNION ALL SELECT 'supply', md5(string_agg(u::text, ' ' ORDER BY u::text)) FROM supply u UNION ALL SELECT 'movement', md5(string_agg(m::text, ' ' ORDER BY m::text)) FROM movement m
    UNION ALL SELECT 'promise', md5(string_agg(p::text, ' ' ORDER BY p::text)) FROM promise p UNION ALL SELECT 'change', md5(string_agg(c::text, ' ' ORDER BY c::text)) FROM promise_change c;
CREATE TABLE before AS SELECT * FROM everything;
SELECT order_ref, promised_on, supply_ref FROM open_backorder WHERE item LIKE 'V%' ORDER BY line_id;
-- All columns: VQ not before the 25th. b has 1 of VP, 1 of VR, 2 of VQ; c the last 2.
SELECT * FROM preview_supply('VQ', '2030-01-25');
-- VP later than VQ, but not later than VR: a is VQ's 3; b VQ's 1, VP's 3, on the 10th.
SELECT order_ref, promised_on, promised_then FROM preview_supply('VP', '2030-01-10');
-- Earlier: VR on the 2nd. b: 1 of VP, VR, 2 of VQ, on the 9th still; c: VQ's last 2.
SELECT order_ref, promised_on, promised_then FROM preview_supply('VR', '2030-01-02');
-- The same day, or the same quantity: nothing.
SELECT count(*) FROM preview_supply('VQ', '2030-01-09');
SELECT count(*) FROM preview_supply('VQ', qty => 4);
SELECT count(*) FROM preview_supply('VQ');
-- Smaller: 2 of VQ are for b (with VP's 1 and VR's 1), nothing for c. None: VR's 1 and
-- VP's 1 don't make b's 4. More: 6, for c too.
SELECT order_ref, promised_on, promised_then FROM preview_supply('VQ', qty => 2);
SELECT order_ref, promised_on, promised_then FROM preview_supply('VQ', qty => 0);
SELECT order_ref, promised_on, promised_then FROM preview_supply('VQ', qty => 6);
-- Both at once: 6 on the last day of the month. By no known day: lost.
SELECT order_ref, promised_on, promised_then, days_late_then FROM preview_supply('VQ', '2030-01-31', 6);
SELECT order_ref, promised_on, promised_then FROM preview_supply('VQ', 'infinity');
-- Only planned: 5 on the 3rd. b is VP's 1 and its 3; c its 2. Without a day it comes
-- after all that have one, and is for nobody. 0 of it changes nothing.
SELECT order_ref, promised_on, promised_then FROM preview_supply('planned', '2030-01-03', 5, 'V');
SELECT order_ref, promised_on, promised_then FROM preview_supply('planned', '2030-01-03', 5, 'V', 'west');
SELECT count(*) FROM preview_supply('planned', NULL, 5, 'V');
SELECT count(*) FROM preview_supply('planned', '2030-01-03', 0, 'V');
-- M is of V2 and of V at west: both, one item, one location; at main it has nothing
-- open, there it would be planned.
SELECT order_ref, item, location, promised_on, promised_then FROM preview_supply('M', '2030-06-01');
SELECT order_ref, item, location, promised_on, promised_then FROM preview_supply('M', '2030-06-01', item => 'V2');
SELECT order_ref, item, location, promised_on, promised_then FROM preview_supply('M', '2030-06-01', location => 'west');
SELECT order_ref, item, location, promised_on, promised_then FROM preview_supply('M', qty => 1, item => 'V', location => 'west');
SELECT order_ref, item, location, promised_on, promised_then FROM preview_supply('M', '2030-01-02', 9, 'V', 'main');
SELECT * FROM preview_supply('M', '2030-06-01', item => 'V', location => 'main');
-- Several lines of a reference: both move; a quantity goes to them in the order of
-- their days, and what is more to the last. P2 brings 2 on the 1st and 2 on the 2nd for
-- d 2 and e 2 and f 2: 3 are d's 2 and 1 of e; 6 are all's.
INSERT INTO stock (item) VALUES ('V3');
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (1021, 'd', 'V3', 2), (1022, 'e', 'V3', 2), (1023, 'f', 'V3', 2);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('P2', 'V3', 2, '2030-01-02'), ('P2', 'V3', 2, '2030-01-01');
SELECT order_ref, promised_on, promised_then FROM preview_supply('P2', '2030-02-01');
SELECT order_ref, promised_on, promised_then FROM preview_supply('P2', qty => 3);
SELECT order_ref, promised_on, promised_then FROM preview_supply('P2', qty => 6);
-- Bought for a line: its promise moves, those of the queue don't. f is P3's.
INSERT INTO supply (supply_ref, item, qty_expected, expected_on, for_line_id) VALUES ('P3', 'V3', 2, '2029-12-01', 1023);
SELECT order_ref, promised_on, supply_ref FROM open_backorder WHERE item = 'V3' ORDER BY line_id;
SELECT order_ref, promised_on, promised_then FROM preview_supply('P3', '2030-03-01');
-- More than it waits for: one too many, which makes d's day no other: it needs 2.
SELECT order_ref, promised_on, promised_then FROM preview_supply('P3', qty => 3);
SELECT order_ref, promised_on, promised_then FROM preview_supply('P3', qty => 4);
-- A held line has no promise, then as now.
UPDATE order_line SET held = true WHERE line_id = 1023;
SELECT order_ref, promised_on, promised_then FROM preview_supply('P3', '2030-03-01');
UPDATE order_line SET held = false WHERE line_id = 1023;
-- What comes true is what was previewed.
BEGIN;
CREATE TEMP TABLE previewed AS SELECT line_id, promised_then FROM preview_supply('VQ', '2030-01-25');
UPDATE supply SET expected_on = '2030-01-25' WHERE supply_ref = 'VQ' AND item = 'V';
SELECT b.order_ref, b.promised_on = p.promised_then AS as_said FROM open_backorder b JOIN previewed p USING (line_id) ORDER BY line_id;
ROLLBACK;
-- Unknown, closed, complete, with neither item nor quantity: BK007. Not stocked: BK001.
-- Less than none: BK006. No reference: refused.
UPDATE supply SET closed = true WHERE supply_ref = 'VR' AND item = 'V';
SELECT * FROM preview_supply('nothing', '2030-01-01');
SELECT * FROM preview_supply('nothing', '2030-01-01', 5);
SELECT * FROM preview_supply('nothing', '2030-01-01', NULL, 'V');
SELECT * FROM preview_supply('VR', '2030-01-01');
SELECT * FROM preview_supply('M', '2030-01-01', item => 'V3');
SELECT * FROM preview_supply('planned', '2030-01-01', 5, 'nothing');
SELECT * FROM preview_supply('planned', '2030-01-01', 5, 'V', 'nowhere');
SELECT * FROM preview_supply('VQ', '2030-01-01', -1);
SELECT * FROM preview_supply('VQ', '2030-01-01', -1, 'V', 'main');
SELECT * FROM preview_supply('VQ', '2030-01-01', 'NaN', 'V', 'main');
SELECT * FROM preview_supply('VQ', '2030-01-01', 0.0000001, 'V', 'main');
SELECT * FROM preview_supply('VQ', '2030-01-01', 1000000000000, 'V', 'main');
SELECT * FROM preview_supply(NULL, '2030-01-01', 1);
UPDATE supply SET closed = false WHERE supply_ref = 'VR' AND item = 'V';
-- Nothing was changed by any of it (but by what was added here).
DELETE FROM supply WHERE item = 'V3';
DELETE FROM order_line WHERE item = 'V3';
DELETE FROM stock WHERE item = 'V3';
SELECT t FROM everything e JOIN before b USING (t) WHERE e.md5 IS DISTINCT FROM b.md5 AND t <> 'movement';
SELECT * FROM verify();

-- Lateness that nobody knows is null here too: v2 asks for no day, b and c would have none.
SELECT order_ref, promised_on, promised_then, days_late, days_late_then FROM preview_supply('M', '2030-06-01', item => 'V2');
SELECT order_ref, promised_on, promised_then, days_late, days_late_then FROM preview_supply('VQ', qty => 0);
-- No quantity, where no item or no location is given: BK006.
SELECT * FROM preview_supply('VQ', '2030-01-01', 'NaN');
SELECT * FROM preview_supply('VQ', '2030-01-01', 0.0000001, 'V');

SET client_min_messages = warning;
DROP SCHEMA t_publish CASCADE;
DROP ROLE regress_bko_planner;
