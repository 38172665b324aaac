-- Stop-ship: a held line or order keeps its place and what it has, takes and ships
-- nothing, and blocks nobody.
SET client_min_messages = warning;
\set VERBOSITY sqlstate
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('life_hold');
SET search_path = life_hold;
RESET client_min_messages;
CREATE VIEW lines AS
    SELECT order_ref AS ref, item, location AS loc, qty_ordered AS ordered, qty_shipped AS shipped,
           qty_allocated AS alloc, qty_backordered AS back, qty_cancelled AS canc, qty_returned AS ret,
           closed_at IS NOT NULL AS closed
      FROM order_line;
CREATE VIEW stocks AS SELECT item, location AS loc, on_hand, allocated, available, backordered FROM stock;
CREATE FUNCTION id(text, text DEFAULT '%') RETURNS bigint LANGUAGE sql
    AS 'SELECT line_id FROM order_line WHERE order_ref = $1 AND item LIKE $2';

-- A, B, C wait for 2 each; B is held. 3 come: A 2, C 1. 2 more: C 1, and 1
-- stays available: B is the only one that waits. Released, B takes it.
INSERT INTO stock (item) VALUES ('X');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('A', 'X', 2), ('B', 'X', 2), ('C', 'X', 2);
SELECT held, hold_reason, qty_backordered FROM hold_line(id('B'), 'credit check');
SELECT order_ref, qty FROM preview('X', 3);
SELECT order_ref, qty FROM receive('X', 3);
SELECT order_ref, qty FROM receive('X', 2);
SELECT * FROM stocks;
SELECT * FROM verify();
-- D comes and takes what B leaves
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('D', 'X', 2) RETURNING qty_shipped, qty_backordered;
-- released, B is before D again: 1 comes, for B; 2 more: B 1, D 1
SELECT held, hold_reason, qty_backordered FROM release_line(id('B'));
SELECT order_ref, qty FROM receive('X', 1);
SELECT order_ref, qty FROM receive('X', 2);
SELECT * FROM verify();

-- Released lines take what is there in the old order, whatever the order of
-- release: E, F, G wait for 2 each, all held; 3 come; released in one statement: E 2, F 1.
INSERT INTO stock (item) VALUES ('Y');
INSERT INTO order_line (order_ref, item, qty_ordered, held) VALUES ('E', 'Y', 2, true), ('F', 'Y', 2, true), ('G', 'Y', 2, true)
RETURNING qty_shipped, qty_backordered, held;
SELECT count(*) FROM receive('Y', 3);
UPDATE order_line SET held = false WHERE item = 'Y';
SELECT * FROM lines WHERE item = 'Y' ORDER BY 1;
-- one at a time: the first to be released takes, nothing waits for the held
INSERT INTO stock (item, on_hand) VALUES ('Z', 3);
INSERT INTO order_line (order_ref, item, qty_ordered, held) VALUES ('H', 'Z', 2, true), ('I', 'Z', 2, true);
SELECT qty_filled_first, qty_backordered FROM order_line WHERE item = 'Z';
SELECT order_ref FROM release_line(id('I'));
SELECT order_ref FROM release_line(id('H'));
SELECT * FROM lines WHERE item = 'Z' ORDER BY 1;
SELECT * FROM verify();

-- A held line keeps what it has, and doesn't ship it: J holds 3 of 5.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('S', 3, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('J', 'S', 5), ('K', 'S', 1);
SELECT qty_allocated, qty_backordered FROM hold_line(id('J'));
SELECT ship(id('J'), 1);
UPDATE stock SET ships_at_once = true WHERE item = 'S';
SELECT order_ref, qty, qty_shipped FROM receive('S', 2);
SELECT * FROM lines WHERE item = 'S' ORDER BY 1;
-- 1 is left over; released, J takes it and ships all 4 it then has
SELECT qty_shipped, qty_allocated, qty_backordered FROM release_line(id('J'));
SELECT * FROM lines WHERE item = 'S' ORDER BY 1;
SELECT * FROM verify();
-- it can be changed, cancelled, deleted while held: J (4 of 5 gone) is held
-- again; more of it waits though 2 are there, the rest is cancelled
SELECT held FROM hold_line(id('J'));
SELECT count(*) FROM receive('S', 2);
UPDATE order_line SET qty_ordered = 6 WHERE order_ref = 'J' RETURNING qty_shipped, qty_backordered;
SELECT qty_cancelled, held, closed_at IS NOT NULL AS closed FROM cancel(id('J'));
INSERT INTO order_line (order_ref, item, qty_ordered, held) VALUES ('L', 'S', 2, true);
DELETE FROM order_line WHERE order_ref = 'L';
SELECT * FROM stocks WHERE item = 'S';
SELECT * FROM verify();
-- moved and held at the other place too
INSERT INTO stock (item, location, on_hand) VALUES ('S', 'east', 2);
INSERT INTO order_line (order_ref, item, qty_ordered, held) VALUES ('M', 'S', 1, true);
UPDATE order_line SET location = 'east' WHERE order_ref = 'M' RETURNING qty_shipped, qty_backordered;
-- released and moved, held and ordered more, in one statement
UPDATE order_line SET location = 'main', held = false WHERE order_ref = 'M' RETURNING location;
SELECT * FROM lines WHERE ref = 'M';
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('N', 'S', 'east', 1);
UPDATE order_line SET qty_ordered = 2, held = true WHERE order_ref = 'N' RETURNING qty_shipped, qty_backordered;
SELECT * FROM stocks WHERE item = 'S' ORDER BY 2;
SELECT * FROM verify();

-- "line": O holds 2 of 3 and is held; the third comes: not for O. Released it
-- takes it and ships 3.
INSERT INTO stock (item, on_hand) VALUES ('T', 2);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('O', 'T', 3, 'line');
SELECT qty_allocated FROM hold_line(id('O'));
SELECT count(*) FROM receive('T', 1);
SELECT * FROM lines WHERE ref = 'O';
SELECT qty_shipped, qty_allocated FROM release_line(id('O'));
SELECT * FROM lines WHERE ref = 'O';
-- whole and held: stays. P holds 2 of 2 because it is held when the flag
-- changes; released it ships
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('U', 2, false);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('P', 'U', 2, 'line');
SELECT held FROM hold_line(id('P'));
UPDATE stock SET ships_at_once = true WHERE item = 'U';
SELECT * FROM lines WHERE ref = 'P';
SELECT qty_shipped FROM release_line(id('P'));
SELECT * FROM verify();

-- A whole order: hold_order() holds what is open of it, release_order() lets it
-- go. Q1 has shipped, Q2 waits for V, Q3 (of W) too.
INSERT INTO stock (item, on_hand) VALUES ('V', 1), ('W', 0);
INSERT INTO order_line (order_ref, line_no, item, qty_ordered) VALUES ('Q', 1, 'V', 1), ('Q', 2, 'V', 1), ('Q', 3, 'W', 1), ('R', 1, 'V', 1);
SELECT line_no, held, hold_reason FROM hold_order('Q', reason => 'dispute');
INSERT INTO receipt (item, qty) VALUES ('V', 2), ('W', 1);
SELECT * FROM lines WHERE ref IN ('Q', 'R') ORDER BY 1, 2;
SELECT line_no, held, hold_reason FROM release_order('Q');
SELECT * FROM lines WHERE ref IN ('Q', 'R') ORDER BY 1, 2;
SELECT count(*) FROM hold_order('nobody knows it');
SELECT count(*) FROM release_order(NULL);
SELECT hold_line(123456);
SELECT release_line(123456);
SELECT hold_line(NULL);
SELECT * FROM verify();

-- ship_policy "order": one of its lines is held, the order waits for it.
INSERT INTO stock (item, on_hand) VALUES ('A1', 1), ('A2', 0);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('S', 'A1', 1, 'order'), ('S', 'A2', 1, 'order');
SELECT qty_allocated FROM hold_line(id('S', 'A1'));
SELECT order_ref, qty, qty_shipped FROM receive('A2', 1);
SELECT * FROM lines WHERE ref = 'S' ORDER BY 2;
SELECT held FROM release_order('S') WHERE item = 'A1';
SELECT * FROM lines WHERE ref = 'S' ORDER BY 2;
-- one statement inserts it, all there, one line held
INSERT INTO stock (item, on_hand) VALUES ('B1', 1), ('B2', 1);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy, held) VALUES ('T', 'B1', 1, 'order', true), ('T', 'B2', 1, 'order', false);
SELECT * FROM lines WHERE ref = 'T' ORDER BY 2;
SELECT item, held FROM release_line(id('T', 'B1'));
SELECT * FROM lines WHERE ref = 'T' ORDER BY 2;
-- held and released within a transaction, and rolled back
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('U', 'B1', 1);
BEGIN;
SELECT held FROM hold_line(id('U'));
SAVEPOINT s;
SELECT held FROM release_line(id('U'));
ROLLBACK TO s;
SELECT count(*) FROM receive('B1', 1);
COMMIT;
SELECT * FROM lines WHERE ref = 'U';
SELECT qty_ordered FROM release_order('U');
SELECT * FROM lines WHERE ref = 'U';
SELECT * FROM verify();

-- What a held line waits for counts against backorder_limit like all that
-- waits: 2 of 3 are taken by a held one.
INSERT INTO stock (item, on_hand, backorder_limit) VALUES ('C1', 2, 3);
INSERT INTO order_line (order_ref, item, qty_ordered, held) VALUES ('V', 'C1', 2, true);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('W', 'C1', 4);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('W', 'C1', 3) RETURNING qty_shipped, qty_backordered;
INSERT INTO order_line (order_ref, item, qty_ordered, held) VALUES ('X', 'C1', 1, true);
SELECT * FROM stocks WHERE item = 'C1';
-- where no backorders are taken, nothing can be held either
INSERT INTO stock (item, on_hand, backorder_limit) VALUES ('C2', 5, 0);
INSERT INTO order_line (order_ref, item, qty_ordered, held) VALUES ('Y', 'C2', 1, true);
SELECT * FROM verify();

-- The other rules pass over held lines too. 4 wait for 2; the second by each
-- rule is held; 4 come.
INSERT INTO stock (item, fill_rule) VALUES ('D1', 'due_date'), ('D2', 'fair_share'), ('D3', 'most_lines');
INSERT INTO order_line (order_ref, item, qty_ordered, requested_on, held)
SELECT 'd' || n, i, CASE i WHEN 'D3' THEN n ELSE 2 END, date '2030-01-01' + n, n = 2
  FROM generate_series(1, 4) n, (VALUES ('D1'), ('D2'), ('D3')) v (i);
-- due_date 2, -, 2; fair_share 4/6: 1 r 2, 1 r 2, 1 r 2, one more for the first: 2, -, 1, 1; most_lines 1, -, 3
INSERT INTO receipt (item, qty) VALUES ('D1', 4), ('D2', 4), ('D3', 4);
SELECT item, string_agg(qty_shipped::text, ' ' ORDER BY order_ref) FROM order_line WHERE item LIKE 'D_' GROUP BY item ORDER BY item;
SELECT * FROM verify();

-- A held line keeps its place in the views.
INSERT INTO stock (item) VALUES ('E1');
INSERT INTO order_line (order_ref, item, qty_ordered, held) VALUES ('e1', 'E1', 1, false), ('e2', 'E1', 2, true), ('e3', 'E1', 3, false);
SELECT order_ref, held, position FROM open_backorder WHERE item = 'E1' ORDER BY position;
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('PO', 'E1', 4, '2030-01-01');
-- supply is pegged to those that will take it: e1 1, e3 3
SELECT order_ref, qty FROM pegging WHERE item = 'E1' ORDER BY 1;
UPDATE order_line SET held = NULL WHERE order_ref = 'e1';

SET client_min_messages = warning;
DROP SCHEMA life_hold CASCADE;
