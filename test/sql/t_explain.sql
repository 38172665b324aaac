-- explain(): why a line waits, a row for each answer.
SET client_min_messages = warning;
\set VERBOSITY sqlstate
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('life_explain');
SET search_path = life_explain;
RESET client_min_messages;
CREATE VIEW lines AS
    SELECT order_ref AS ref, item, location AS loc, qty_ordered AS ordered, qty_shipped AS shipped,
           qty_allocated AS alloc, qty_backordered AS back, qty_cancelled AS canc, qty_returned AS ret,
           closed_at IS NOT NULL AS closed
      FROM order_line;
CREATE VIEW stocks AS SELECT item, location AS loc, on_hand, allocated, available, backordered FROM stock;
CREATE FUNCTION id(text, text DEFAULT '%') RETURNS bigint LANGUAGE sql
    AS 'SELECT line_id FROM order_line WHERE order_ref = $1 AND item LIKE $2';

-- Of X, 1 is there: A gets 1 of 3, B, C, D, E wait behind it; E asked for a day.
INSERT INTO stock (item, on_hand) VALUES ('X', 1);
INSERT INTO order_line (order_ref, line_no, customer, item, qty_ordered, requested_on) VALUES
    ('A', 1, 'Anna', 'X', 3, NULL), ('B', 1, NULL, 'X', 2, NULL), ('C', 1, 'Carl', 'X', 4, NULL), ('D', 1, 'Dora', 'X', 1, NULL),
    ('E', 1, 'Emil', 'X', 9, '2030-01-15');
-- what it says of the place ends with the time, which is left out here
CREATE FUNCTION why(text, text DEFAULT '%') RETURNS TABLE (fact text, value text) LANGUAGE sql
    AS $$SELECT fact, regexp_replace(value, ', since .*', ', since ...') FROM explain(id($1, $2)) WITH ORDINALITY ORDER BY ordinality$$;
-- nothing on its way: the first in the queue, and the last: 2 + 2 + 4 + 1 ahead
SELECT * FROM why('A');
SELECT * FROM why('E');
-- B: 2 ahead (A), C: 4
SELECT * FROM why('B') WHERE fact IN ('place in the queue', 'quantity ahead', 'next ahead');
SELECT * FROM why('C') WHERE fact IN ('place in the queue', 'quantity ahead', 'next ahead');
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('PO-1', 'X', 4, '2030-01-01'), ('PO-2', 'X', 12, '2030-02-01'), ('PO-3', 'X', 7, NULL);
-- A and B take the 4 of PO-1, C 4 of PO-2, D 1, E the other 7 and 2 of PO-3, whose
-- day nobody knows
SELECT * FROM why('C') WHERE fact IN ('waits for', 'promised on');
SELECT * FROM why('D') WHERE fact IN ('waits for', 'promised on');
SELECT * FROM why('E') WHERE fact IN ('waits for', 'promised on', 'requested on');
-- with a day: E is promised for it
UPDATE supply SET expected_on = '2030-03-01' WHERE supply_ref = 'PO-3';
SELECT * FROM why('E') WHERE fact IN ('waits for', 'promised on', 'requested on');

-- Each state. Held: keeps its place, and is promised nothing.
SELECT held FROM hold_line(id('B'), 'credit check');
SELECT * FROM why('B');
SELECT held FROM release_line(id('B'));
SELECT held FROM hold_line(id('C'));
SELECT * FROM why('C') WHERE fact = 'held because';
-- cancelled, shipped and cancelled, shipped, returned
SELECT qty_cancelled FROM cancel(id('D'));
SELECT * FROM why('D');
SELECT qty_cancelled FROM cancel(id('A'));
SELECT * FROM why('A');
SELECT count(*) FROM receive('X', 2);
SELECT * FROM why('B');
SELECT qty_returned FROM return_goods(id('B'), 1, restock => false);
SELECT * FROM why('B') WHERE fact = 'state';
-- allocated: by stock that doesn't ship at once; by policy "line"; by policy
-- "order", with what the order waits for
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('S', 2, false), ('T', 2, true), ('U', 0, true);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('F', 'S', 2);
SELECT * FROM why('F');
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('G', 'T', 3, 'line');
SELECT * FROM why('G') WHERE fact LIKE 'not shipped%' OR fact = 'state';
SELECT qty_cancelled FROM cancel(id('G'), 2);
INSERT INTO order_line (order_ref, line_no, item, qty_ordered, ship_policy) VALUES ('H', 1, 'U', 2, 'order'), ('H', 2, 'T', 1, 'order');
UPDATE stock SET on_hand = 1 WHERE item = 'T';
SELECT * FROM why('H', 'T') WHERE fact LIKE 'not shipped%' OR fact = 'state';
SELECT * FROM why('H', 'U') WHERE fact IN ('state', 'available now', 'waits for', 'promised on');
SELECT held FROM hold_line(id('H', 'T'));
SELECT * FROM why('H', 'T') WHERE fact LIKE 'not shipped%' OR fact LIKE 'held%' OR fact = 'state';
-- other rules: E (due) is last by arrival and first by day
INSERT INTO stock (item, fill_rule) VALUES ('V', 'due_date');
INSERT INTO order_line (order_ref, item, qty_ordered, requested_on) VALUES ('I', 'V', 1, '2030-01-02'), ('J', 'V', 1, '2030-01-01');
SELECT * FROM why('J') WHERE fact IN ('place in the queue', 'available now');
SELECT * FROM why('I') WHERE fact IN ('place in the queue', 'quantity ahead', 'next ahead');
-- internal demand is a line like others; a line without order or customer too
INSERT INTO order_line (item, qty_ordered, demand) VALUES ('V', 2.5, 'internal');
SELECT fact, value FROM explain((SELECT line_id FROM order_line WHERE demand = 'internal')) WHERE fact IN ('line', 'quantity ahead');

-- No such line: BK008, whether there are others or none.
SELECT * FROM explain(123456);
SELECT * FROM explain(NULL);
SELECT * FROM explain(-1);
SELECT count(*) FROM explain(123456);
SET client_min_messages = warning;
SELECT bko.create_book('life_empty');
SELECT * FROM life_empty.explain(1);
-- it reads alone
BEGIN READ ONLY;
SELECT count(*) > 3 FROM explain(id('E'));
COMMIT;
SELECT * FROM verify();
DROP SCHEMA life_empty CASCADE;

SET client_min_messages = warning;
DROP SCHEMA life_explain CASCADE;
