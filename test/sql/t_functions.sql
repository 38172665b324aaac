-- cancel(), return_goods(), count_stock(), reverse_receipt(): what they do, refuse,
-- and write into the journal; who may execute them.
SET client_min_messages = warning;
\set VERBOSITY sqlstate
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('life_functions');
SET search_path = life_functions;
RESET client_min_messages;
CREATE VIEW lines AS
    SELECT order_ref AS ref, item, location AS loc, qty_ordered AS ordered, qty_shipped AS shipped,
           qty_allocated AS alloc, qty_backordered AS back, qty_cancelled AS canc, qty_returned AS ret,
           closed_at IS NOT NULL AS closed
      FROM order_line;
CREATE VIEW stocks AS SELECT item, location AS loc, on_hand, allocated, available, backordered FROM stock;
CREATE FUNCTION id(text, text DEFAULT '%') RETURNS bigint LANGUAGE sql
    AS 'SELECT line_id FROM order_line WHERE order_ref = $1 AND item LIKE $2';
CREATE VIEW journal AS
    SELECT movement_id AS id, kind, from_state AS f, to_state AS t, item, qty, line_id IS NOT NULL AS line,
           receipt_id AS receipt, supply_id AS supply, reason, by_role
      FROM movement;
CREATE FUNCTION fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; hint text;
BEGIN
    EXECUTE q;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || message || CASE WHEN hint = '' AND state LIKE 'BK%' THEN ' (no hint)' ELSE '' END;
END $$;

-- cancel(): what waits first, then what is allocated, which passes on. A holds
-- 5 and waits for 2, B waits for 4. 1, then 3 (the other 1 that waits and 2 held),
-- then all (3).
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('X', 5, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('A', 'X', 7), ('B', 'X', 4);
SELECT qty_ordered, qty_allocated, qty_backordered, qty_cancelled FROM cancel(id('A'), 1);
SELECT qty_ordered, qty_allocated, qty_backordered, qty_cancelled FROM cancel(line_id => id('A'), qty => 3, reason => 'changed his mind');
SELECT * FROM lines ORDER BY 1;
SELECT qty_cancelled, closed_at IS NOT NULL AS closed FROM cancel(id('A'), reason => 'moved away');
SELECT * FROM lines ORDER BY 1;
SELECT * FROM stocks;
SELECT kind, f, t, qty, reason FROM journal ORDER BY id;
-- nothing is open any more: all of it is nothing
SELECT qty_cancelled FROM cancel(id('A'));
-- the 4 of B, 3 of which have left; 1 is cancelled, 3 can't be
SELECT qty_shipped FROM ship(id('B'), 3);
SELECT qty_shipped, qty_allocated, qty_cancelled, closed_at IS NOT NULL AS closed FROM cancel(id('B'));
SELECT * FROM stocks;
SELECT * FROM verify();
-- what is not possible: more than is open, nothing, no line
SELECT fails('SELECT cancel(id(''A''), 1)') ~ '^BK006: order line \d+ can''t cancel 1: 0 is open of item "X" at location "main"$';
SELECT fails(format('SELECT cancel(id(''B''), %s)', q)) FROM unnest('{0,-1,''NaN'',''Infinity'',1e12,0.0000001}'::text[]) q;
SELECT fails('SELECT cancel(123456)');
SELECT fails('SELECT cancel(NULL)');
SELECT fails('SELECT cancel(-1, 1)');
SELECT * FROM verify();

-- A fill that a cancellation makes room for, in the same transaction: C holds
-- 2, D 2 (held), E waits for 3; C cancels: 2 for E; D cancels 1: 1 for E.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('Y', 4, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('C', 'Y', 2), ('D', 'Y', 2), ('E', 'Y', 3);
BEGIN;
SELECT qty_cancelled FROM cancel(id('C'));
SELECT qty_cancelled FROM cancel(id('D'), 1);
COMMIT;
SELECT * FROM lines WHERE item = 'Y' ORDER BY 1;
-- several in one statement
SELECT sum((cancel(line_id)).qty_cancelled) FROM order_line WHERE item = 'Y';
SELECT * FROM stocks WHERE item = 'Y';
SELECT * FROM verify();

-- return_goods(): 5 have gone to F, G waits for 2. 3 come back: G gets 2 of
-- them, 1 is available. F's qty_shipped stays.
INSERT INTO stock (item, on_hand) VALUES ('Z', 5);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('F', 'Z', 5), ('G', 'Z', 2);
SELECT qty_shipped, qty_returned, closed_at IS NOT NULL AS closed FROM return_goods(id('F'), 3, reason => 'wrong colour');
SELECT * FROM lines WHERE item = 'Z' ORDER BY 1;
SELECT * FROM stocks WHERE item = 'Z';
-- 1 is broken: it comes back and is written off; H gets nothing
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('H', 'Z', 3);
SELECT qty_returned FROM return_goods(id('F'), 1, restock => false, reason => 'broken');
SELECT * FROM stocks WHERE item = 'Z';
-- more than 1 is not out there; the rest of it
SELECT fails('SELECT return_goods(id(''F''), 2)') ~ '^BK006: order line \d+ can''t take back 2: 1 is shipped and not returned of item "Z" at location "main"$';
SELECT qty_returned FROM return_goods(id('F'));
SELECT qty_returned FROM return_goods(id('F'));
SELECT * FROM lines WHERE item = 'Z' ORDER BY 1;
SELECT kind, f, t, qty, line, reason FROM journal WHERE item = 'Z' ORDER BY id;
-- a line that waits takes back what it sent back: H has 2 of 3, returns 1, and
-- as the first in the queue it gets that one again
SELECT qty_shipped, qty_returned, qty_backordered FROM return_goods(id('H'), 1);
SELECT * FROM lines WHERE ref = 'H';
SELECT fails(format('SELECT return_goods(id(''F''), %s)', q)) FROM unnest('{0,-1,''NaN'',1e12,0.0000001}'::text[]) q;
SELECT fails('SELECT return_goods(123456)');
SELECT fails('SELECT return_goods(NULL, 1)');
-- restock null is the default
SELECT qty_returned FROM return_goods(id('G'), 1, NULL);
SELECT * FROM stocks WHERE item = 'Z';
SELECT * FROM verify();

-- count_stock(): the difference is journalled, nothing where there is none.
SELECT * FROM stocks WHERE item = 'X';
SELECT on_hand, allocated, available FROM count_stock('X', 9, reason => 'inventory 2026');
SELECT on_hand, allocated, available FROM count_stock(item => 'X', counted => 9.000, location => 'main');
SELECT on_hand, allocated, available FROM count_stock('X', 7.25);
SELECT kind, qty, reason FROM journal WHERE item = 'X' AND kind = 'adjust' ORDER BY id;
SELECT fails(q) FROM unnest('{"SELECT count_stock(''X'', -1)","SELECT count_stock(''X'', NULL)","SELECT count_stock(NULL, 1)",
    "SELECT count_stock(''X'', 1, NULL)","SELECT count_stock(''Q'', 1)","SELECT count_stock(''X'', 1, ''moon'')",
    "SELECT count_stock(''X'', ''NaN'')","SELECT count_stock(''X'', 1e12)","SELECT count_stock(''X'', 0.0000001)"}'::text[]) q;
-- the reason of one statement is not that of the next, not even after an error
UPDATE stock SET on_hand = 7 WHERE item = 'X';
SELECT kind, qty, reason FROM journal WHERE item = 'X' ORDER BY id DESC LIMIT 1;
SELECT * FROM verify();

-- reverse_receipt(). 10 came in and are available: 4 are taken back, then the
-- rest, then nothing is left; more is not possible.
INSERT INTO stock (item, ships_at_once) VALUES ('R', false);
INSERT INTO receipt (receipt_id, item, qty) VALUES (1001, 'R', 10) RETURNING qty_to_backorders, qty_to_stock;
SELECT on_hand, allocated, available FROM reverse_receipt(1001, 4, 'miscounted');
SELECT fails('SELECT reverse_receipt(1001, 7)');
SELECT on_hand, allocated, available FROM reverse_receipt(receipt_id => 1001);
SELECT on_hand FROM reverse_receipt(1001);
SELECT fails('SELECT reverse_receipt(1001, 1)');
SELECT fails(format('SELECT reverse_receipt(1001, %s)', q)) FROM unnest('{0,-1,''NaN'',1e12}'::text[]) q;
SELECT fails('SELECT reverse_receipt(99999)');
SELECT fails('SELECT reverse_receipt(NULL)');
-- the receipt stands as it was, the journal has three rows
SELECT qty, qty_to_backorders, qty_to_stock FROM receipt WHERE receipt_id = 1001;
SELECT kind, qty, receipt, reason FROM journal WHERE item = 'R' ORDER BY id;
-- What is available goes first, then allocations from the last in the queue:
-- 8 come in for I (3) and J (4), 1 is left. 3 are taken back: that 1 and 2 of
-- J. J waits for 2.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('I', 'R', 3), ('J', 'R', 4);
INSERT INTO receipt (receipt_id, item, qty) VALUES (1002, 'R', 8) RETURNING qty_to_backorders, qty_to_stock;
SELECT on_hand, allocated, available, backordered FROM reverse_receipt(1002, 3);
SELECT * FROM lines WHERE item = 'R' ORDER BY 1;
-- I ships its 3: 2 are on hand, 5 of the receipt are left to be taken back: 3
-- are too many, 2 go
SELECT qty_shipped FROM ship(id('I'));
SELECT fails('SELECT reverse_receipt(1002)');
SELECT fails('SELECT reverse_receipt(1002, 3)');
SELECT on_hand, allocated, available, backordered FROM reverse_receipt(1002, 2);
SELECT * FROM lines WHERE item = 'R' ORDER BY 1;
SELECT * FROM verify();
-- goods are alike: what came in later is on hand and can go for the earlier
-- receipt, of which 3 are left; then 6 are on hand for the 9 of the later one
INSERT INTO receipt (receipt_id, item, qty) VALUES (1003, 'R', 9);
SELECT on_hand, allocated, available, backordered FROM reverse_receipt(1002);
SELECT fails('SELECT reverse_receipt(1003)');
SELECT on_hand, allocated, available, backordered FROM reverse_receipt(1003, 6);
SELECT * FROM verify();

-- On supply: 4 of PO-1's two lines (3 on the 1st, 5 on the 2nd), 12 come: 3 and
-- 9, an over-receipt of 4. Reversed by 6: the last line first, 9 - 6 = 3; then
-- by 4: 3 of it and 1 of the first: both are open by 5 and 1.
INSERT INTO stock (item) VALUES ('S');
INSERT INTO supply (supply_id, supply_ref, item, qty_expected, expected_on)
VALUES (501, 'PO-1', 'S', 3, '2030-01-01'), (502, 'PO-1', 'S', 5, '2030-01-02');
INSERT INTO receipt (receipt_id, item, qty, supply_ref) VALUES (1010, 'S', 12, 'PO-1') RETURNING supply_id;
SELECT supply_id, qty_expected, qty_received FROM supply WHERE item = 'S' ORDER BY 1;
SELECT on_hand FROM reverse_receipt(1010, 6);
SELECT supply_id, qty_expected, qty_received FROM supply WHERE item = 'S' ORDER BY 1;
SELECT on_hand FROM reverse_receipt(1010, 4);
SELECT supply_id, qty_expected, qty_received FROM supply WHERE item = 'S' ORDER BY 1;
SELECT kind, qty, receipt, supply FROM journal WHERE item = 'S' ORDER BY id;
-- what waits is promised by it again: K wants 6, 2 are there; 1 of the first, 3
-- of the second line
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('K', 'S', 6);
SELECT supply_id, qty FROM pegging WHERE order_ref = 'K' ORDER BY 1;
-- and received again: 7 fill 1 and 5 and 1 more on the last
INSERT INTO receipt (receipt_id, item, qty, supply_ref) VALUES (1011, 'S', 7, 'PO-1') RETURNING supply_id, qty_to_backorders;
SELECT supply_id, qty_expected, qty_received FROM supply WHERE item = 'S' ORDER BY 1;
-- two receipts on one line, each is reversed by its own: 1010 has 2 left on
-- the first, 1011 has 1 + 6; 3 are on hand
SELECT on_hand FROM reverse_receipt(1010);
SELECT fails('SELECT reverse_receipt(1011, 2)');
SELECT on_hand FROM reverse_receipt(1011, 1);
SELECT supply_id, qty_expected, qty_received FROM supply WHERE item = 'S' ORDER BY 1;
-- a supply line that was closed meanwhile is open again
UPDATE supply SET closed = true WHERE item = 'S';
SELECT qty_returned FROM return_goods(id('K'), 2, reason => 'to be sent back');
SELECT on_hand FROM reverse_receipt(1011, 2);
SELECT supply_id, qty_expected, qty_received, closed FROM supply WHERE item = 'S' ORDER BY 1;
SELECT * FROM verify();
-- steps: the last in the queue gives up a whole one. 10 came for L and M, 5
-- each; 2 are reversed: M waits for 5, 3 are left and of no use.
INSERT INTO stock (item, ships_at_once, qty_step) VALUES ('T', false, 5);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('L', 'T', 5), ('M', 'T', 5);
INSERT INTO receipt (receipt_id, item, qty) VALUES (1020, 'T', 10);
SELECT on_hand, allocated, available, backordered FROM reverse_receipt(1020, 2);
SELECT * FROM lines WHERE item = 'T' ORDER BY 1;
SELECT * FROM verify();

-- Everything in one transaction, and back.
BEGIN;
SELECT qty_cancelled FROM cancel(id('L'));
SELECT on_hand FROM count_stock('T', 20);
SELECT qty_shipped FROM ship(id('M'), 5);
SELECT qty_returned FROM return_goods(id('M'), 5);
SELECT on_hand FROM reverse_receipt(1020, 8);
SELECT * FROM verify();
ROLLBACK;
SELECT * FROM lines WHERE item = 'T' ORDER BY 1;
SELECT * FROM verify();
-- in a read-only transaction nothing of it
BEGIN READ ONLY;
SELECT cancel(id('L'));
ROLLBACK;

-- Who may. PUBLIC may execute none of them; a role that the owner granted one
-- to needs nothing else. The journal names that role.
-- Without a step the 3 that were of no use go to M.
UPDATE stock SET qty_step = NULL WHERE item = 'T' RETURNING on_hand, allocated, backordered;
RESET search_path;
SET client_min_messages = warning;
CREATE ROLE regress_bko_clerk;
CREATE ROLE regress_bko_nobody;
RESET client_min_messages;
GRANT USAGE ON SCHEMA life_functions TO regress_bko_clerk, regress_bko_nobody;
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'life_functions'::regnamespace
   AND p.prosecdef AND has_function_privilege('public', p.oid, 'EXECUTE');
SELECT line_id AS line_l FROM life_functions.order_line WHERE order_ref = 'L' \gset
GRANT EXECUTE ON FUNCTION life_functions.cancel, life_functions.ship, life_functions.return_goods, life_functions.count_stock,
    life_functions.reverse_receipt, life_functions.hold_line, life_functions.release_line, life_functions.hold_order,
    life_functions.release_order, life_functions.preview, life_functions.explain, life_functions.rebuild TO regress_bko_clerk;
SET ROLE regress_bko_nobody;
SELECT life_functions.cancel(:line_l);
SELECT life_functions.ship(:line_l);
SELECT life_functions.return_goods(:line_l);
SELECT life_functions.count_stock('T', 1);
SELECT life_functions.reverse_receipt(1020);
SELECT life_functions.hold_line(:line_l);
SELECT life_functions.release_line(:line_l);
SELECT life_functions.hold_order('L');
SELECT life_functions.release_order('L');
SELECT life_functions.preview('T', 1);
SELECT life_functions.explain(:line_l);
SELECT life_functions.rebuild();
-- nor what is behind them, whatever book they name
SELECT bko.cancel('life_functions.book'::regclass, :line_l, NULL, NULL);
SELECT bko.count_stock('life_functions.book'::regclass, 'T', 1, 'main', NULL);
SELECT bko.rebuild('life_functions.book'::regclass, NULL);
SELECT bko.cancel('pg_class'::regclass, 1, 1, NULL);
SELECT bko.cancel(0::regclass, 1, 1, NULL);
SELECT bko.cancel(NULL, 1, 1, NULL);
-- receive() and place_order() do what an INSERT by the caller would
SELECT * FROM life_functions.receive('T', 5);
SELECT * FROM life_functions.place_order('N', '[{"item": "T", "qty": 5}]');
SET ROLE regress_bko_clerk;
SELECT count(*) FROM life_functions.order_line;
SELECT qty_allocated FROM life_functions.hold_line(:line_l, 'clerk''s');
SELECT qty_allocated FROM life_functions.release_line(:line_l);
SELECT qty_shipped, qty_allocated FROM life_functions.ship(:line_l, 2);
SELECT qty_cancelled FROM life_functions.cancel(:line_l, 1);
SELECT qty_returned FROM life_functions.return_goods(:line_l, 1);
SELECT on_hand FROM life_functions.count_stock('T', 12);
SELECT on_hand FROM life_functions.reverse_receipt(1020, 3);
SELECT held FROM life_functions.hold_order('M');
SELECT held FROM life_functions.release_order('M');
SELECT order_ref, qty FROM life_functions.preview('T', 10);
SELECT count(*) > 2 FROM life_functions.explain(:line_l);
SELECT life_functions.rebuild('T');
SELECT bko.cancel('life_functions.book'::regclass, :line_l, NULL, NULL);
RESET ROLE;
SELECT DISTINCT by_role = 'regress_bko_clerk' FROM life_functions.journal WHERE item = 'T' AND kind IN ('cancel', 'ship', 'return');
SELECT * FROM life_functions.verify();

SET client_min_messages = warning;
DROP SCHEMA life_functions CASCADE;
DROP ROLE regress_bko_clerk, regress_bko_nobody;
