-- Allocate now, ship later: stock with ships_at_once = false, ship(), and the flag
-- switched both ways while lines are open.
SET client_min_messages = warning;
\set VERBOSITY sqlstate
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('life_ship');
SET search_path = life_ship;
RESET client_min_messages;
CREATE VIEW lines AS
    SELECT order_ref AS ref, item, location AS loc, qty_ordered AS ordered, qty_shipped AS shipped,
           qty_allocated AS alloc, qty_backordered AS back, qty_cancelled AS canc, qty_returned AS ret,
           closed_at IS NOT NULL AS closed
      FROM order_line;
CREATE VIEW stocks AS SELECT item, location AS loc, on_hand, allocated, available, backordered FROM stock;
CREATE FUNCTION id(text, text DEFAULT '%') RETURNS bigint LANGUAGE sql
    AS 'SELECT line_id FROM order_line WHERE order_ref = $1 AND item LIKE $2';

-- 10 there; A takes 6, B 4 of 7. Nothing leaves: on_hand stays 10.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('X', 10, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('A', 'X', 6), ('B', 'X', 7)
RETURNING order_ref, qty_shipped, qty_allocated, qty_backordered, qty_filled_first;
SELECT * FROM stocks;
-- a part: 2 of A's 6 leave
SELECT qty_shipped, qty_allocated, closed_at IS NULL AS open FROM ship(id('A'), 2);
SELECT * FROM stocks;
-- the rest; A is closed
SELECT qty_shipped, qty_allocated, closed_at IS NULL AS open FROM ship(id('A'));
-- all that B has; it waits for 3 still
SELECT qty_shipped, qty_allocated, qty_backordered, closed_at IS NULL AS open FROM ship(line_id => id('B'));
SELECT * FROM stocks;
-- again: nothing is allocated, so all of it is nothing, and 1 is too much
SELECT qty_shipped FROM ship(id('B'));
SELECT ship(id('B'), 1);
SELECT ship(id('A'), 1);
-- 5 come in: 3 for B, held; 4 is more than that
SELECT order_ref, qty, qty_shipped, qty_backordered FROM receive('X', 5);
SELECT ship(id('B'), 4);
SELECT ship(id('B'), 0);
SELECT ship(id('B'), -1);
SELECT ship(id('B'), 'NaN');
SELECT ship(id('B'), 'Infinity');
SELECT ship(id('B'), 0.0000001);
SELECT ship(id('B'), 1000000000000);
SELECT ship(987654321);
SELECT ship(NULL);
SELECT ship(NULL, NULL);
-- a fraction is a quantity like others
SELECT qty_shipped, qty_allocated FROM ship(id('B'), 0.5);
SELECT qty_shipped, qty_allocated FROM ship(id('B'), 2.500000);
SELECT * FROM lines ORDER BY 1;
SELECT * FROM stocks;
-- what has been journalled of B: 4 allocated, 3 waited for, then allocated;
-- 4, 0.5 and 2.5 shipped
SELECT kind, from_state, to_state, qty FROM movement WHERE line_id = id('B') ORDER BY movement_id;
SELECT * FROM verify();

-- ship() names the columns of the application's own too.
ALTER TABLE order_line ADD COLUMN gone int, ADD COLUMN colour text;
ALTER TABLE order_line DROP COLUMN gone;
INSERT INTO order_line (order_ref, item, qty_ordered, colour) VALUES ('C', 'X', 2, 'blue');
SELECT qty_shipped, colour FROM ship(id('C'));
SELECT qty_cancelled, colour FROM cancel(id('C'));
SELECT qty_returned, colour FROM return_goods(id('C'), 1);
SELECT held, colour FROM hold_line(id('C'));
SELECT held, colour FROM release_line(id('C'));
SELECT held, colour FROM hold_order('C');

-- Off to on, with lines open. D holds 2 of 2, E 1 of 3, L 2 of 3 and ships as a
-- whole, H 2 of 2 but is held, O 1 of 1 but its order waits for item O. D and E
-- leave with what they have, L waits for its last, H for its release, O for
-- its order: 8 - 3 are left on hand.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('S', 2, false), ('O', 0, false);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('D', 'S', 2, 'partial');
UPDATE stock SET on_hand = 3 WHERE item = 'S';
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('E', 'S', 1);
UPDATE stock SET on_hand = 5 WHERE item = 'S';
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('L', 'S', 2, 'line');
UPDATE stock SET on_hand = 8 WHERE item = 'S';
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('H', 'S', 2, 'partial'), ('O', 'S', 1, 'order'), ('O', 'O', 1, 'order');
UPDATE order_line SET qty_ordered = 3 WHERE order_ref IN ('E', 'L');
SELECT held FROM hold_line(id('H'));
UPDATE stock SET ships_at_once = true WHERE item = 'S';
SELECT * FROM lines WHERE ref IN ('D', 'E', 'L', 'H', 'O') ORDER BY 1, 2 DESC;
SELECT * FROM stocks WHERE item = 'S';
SELECT * FROM verify();
-- 3 come in: E, L get their last 2 and 1: L ships 3 at once. H when released.
SELECT order_ref, qty, qty_shipped FROM receive('S', 3);
SELECT qty_shipped, qty_allocated FROM release_line(id('H'));
-- O's other line is there, but of stock that ships by ship() alone: the line
-- of S leaves, the other stays allocated.
SELECT order_ref, qty, qty_shipped FROM receive('O', 1);
SELECT * FROM lines WHERE ref IN ('E', 'L', 'H', 'O') ORDER BY 1, 2 DESC;
SELECT * FROM verify();
-- On, with the order all there: it leaves.
UPDATE stock SET ships_at_once = true WHERE item = 'O';
SELECT * FROM lines WHERE ref = 'O' ORDER BY 1, 2 DESC;
SELECT * FROM stocks WHERE item IN ('O', 'S') ORDER BY 1;
SELECT * FROM verify();

-- On to off, with a line open: what has shipped has shipped, what comes from
-- now on is held. F: 1 shipped, then 2 held; then on again: gone.
INSERT INTO stock (item, on_hand) VALUES ('T', 1);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('F', 'T', 4);
UPDATE stock SET ships_at_once = false WHERE item = 'T';
SELECT order_ref, qty, qty_shipped, qty_backordered FROM receive('T', 2);
SELECT * FROM lines WHERE ref = 'F';
UPDATE stock SET ships_at_once = true WHERE item = 'T';
SELECT * FROM lines WHERE ref = 'F';
SELECT * FROM verify();

-- On, and counted, in one statement. Counted up: U holds 1 of 3, 2 more are
-- there, all 3 leave. Counted down from 5 to 4: V holds 3, W 2; W gives up 1,
-- and what is held then, 3 and 1, leaves.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('U', 1, false), ('V', 5, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('U', 'U', 3), ('V', 'V', 3), ('W', 'V', 2);
UPDATE stock SET on_hand = on_hand + CASE item WHEN 'U' THEN 2 ELSE -1 END, ships_at_once = true WHERE item IN ('U', 'V');
SELECT * FROM lines WHERE ref IN ('U', 'V', 'W') ORDER BY 1;
SELECT * FROM stocks WHERE item IN ('U', 'V') ORDER BY 1;
SELECT * FROM verify();

-- More than a batch of lines (64 are read at first): 200 lines hold 1 each.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('M', 200, false);
INSERT INTO order_line (order_ref, item, qty_ordered) SELECT 'M' || n, 'M', 1 FROM generate_series(1, 200) n;
SELECT count(*), sum(qty_allocated) FROM order_line WHERE item = 'M' AND qty_shipped = 0;
UPDATE stock SET ships_at_once = true WHERE item = 'M';
SELECT count(*), sum(qty_shipped) FROM order_line WHERE item = 'M' AND qty_allocated = 0 AND closed_at IS NOT NULL;
SELECT * FROM verify();

-- A line that is held doesn't ship, and one that ships as a whole not in part
-- while something of it is missing.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('P', 3, false);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('P', 'P', 2, 'partial'), ('Q', 'P', 2, 'line');
SELECT held FROM hold_line(id('P'));
SELECT ship(id('P'));
SELECT ship(id('Q'));
SELECT qty_shipped FROM ship((SELECT line_id FROM release_line(id('P'))));
SELECT order_ref, qty FROM receive('P', 1);
SELECT qty_shipped, closed_at IS NOT NULL AS closed FROM ship(id('Q'));
SELECT * FROM verify();

-- Shipping moves nothing else: a rolled back one leaves all as it was.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('R', 'P', 2);
SELECT order_ref, qty FROM receive('P', 2);
BEGIN;
SELECT qty_shipped FROM ship(id('R'), 1);
SAVEPOINT s;
SELECT qty_shipped FROM ship(id('R'));
ROLLBACK TO s;
SELECT qty_shipped, qty_allocated FROM order_line WHERE order_ref = 'R';
SELECT ship(id('R'), 2);
ROLLBACK;
SELECT * FROM lines WHERE ref = 'R';
SELECT * FROM verify();

SET client_min_messages = warning;
DROP SCHEMA life_ship CASCADE;
