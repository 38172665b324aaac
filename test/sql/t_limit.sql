-- stock.backorder_limit: null no limit, 0 backorders refused, n at most n waiting in all.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_limit');
RESET client_min_messages;
SET search_path = t_limit;
\set VERBOSITY sqlstate

INSERT INTO stock (item, on_hand, backorder_limit) VALUES ('FREE', 5, NULL), ('NONE', 5, 0), ('TEN', 5, 10), ('DEC', 0, 0.5);

-- null: any number may wait.
INSERT INTO order_line (item, qty_ordered) VALUES ('FREE', 1000000) RETURNING qty_shipped, qty_backordered;
-- 0: 5 of 5 go, 1 more is refused, and so is 6 of 5 from the beginning.
INSERT INTO order_line (item, qty_ordered) VALUES ('NONE', 6);
INSERT INTO order_line (item, qty_ordered) VALUES ('NONE', 5) RETURNING qty_shipped, qty_backordered;
INSERT INTO order_line (item, qty_ordered) VALUES ('NONE', 0.000001);
-- The refused statement takes its other rows with it: FREE and its journal stay.
INSERT INTO order_line (item, qty_ordered) VALUES ('FREE', 1), ('NONE', 1);
SELECT item, on_hand, backordered FROM stock ORDER BY item;
SELECT item, count(*) FROM movement GROUP BY item ORDER BY item;
SELECT count(*) FROM verify();

-- n: 12 of 5: 7 wait. 4 more would be 11: refused; 3 more are exactly 10. Then nothing.
INSERT INTO order_line (item, qty_ordered) VALUES ('TEN', 12) RETURNING qty_shipped, qty_backordered;
INSERT INTO order_line (item, qty_ordered) VALUES ('TEN', 4);
INSERT INTO order_line (item, qty_ordered) VALUES ('TEN', 3) RETURNING qty_shipped, qty_backordered;
INSERT INTO order_line (item, qty_ordered) VALUES ('TEN', 0.000001);
-- A receipt of 4 makes room for 4: in one statement 3 go and the row of 2 is refused,
-- so that neither goes; 2 and 2 go.
INSERT INTO receipt (item, qty) VALUES ('TEN', 4) RETURNING qty_to_backorders, qty_to_stock;
INSERT INTO order_line (item, qty_ordered) VALUES ('TEN', 3), ('TEN', 2);
INSERT INTO order_line (item, qty_ordered) VALUES ('TEN', 2), ('TEN', 2) RETURNING qty_shipped, qty_backordered;
SELECT on_hand, backordered FROM stock WHERE item = 'TEN';
-- Decimals: exactly 0.5 may wait.
INSERT INTO order_line (item, qty_ordered) VALUES ('DEC', 0.500001);
INSERT INTO order_line (item, qty_ordered) VALUES ('DEC', 0.5) RETURNING qty_shipped, qty_backordered;

-- A limit below what waits already refuses the next, and disturbs nobody who waits;
-- a limit raised or taken away lets them in.
UPDATE stock SET backorder_limit = 1 WHERE item = 'TEN' RETURNING backordered;
INSERT INTO order_line (item, qty_ordered) VALUES ('TEN', 1);
UPDATE stock SET backorder_limit = 11 WHERE item = 'TEN';
INSERT INTO order_line (item, qty_ordered) VALUES ('TEN', 1) RETURNING qty_backordered;
UPDATE stock SET backorder_limit = NULL WHERE item = 'TEN';
INSERT INTO order_line (item, qty_ordered) VALUES ('TEN', 100) RETURNING qty_backordered;
UPDATE stock SET backorder_limit = -1 WHERE item = 'TEN';
SELECT count(*) FROM verify();

-- A line that grows is a new demand: 2 there and limit 1: from 1 to 4 would let 2
-- wait: refused; to 3 takes the one that is left, and 1 waits.
INSERT INTO stock (item, on_hand, backorder_limit) VALUES ('GROW', 2, 1);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('g', 'GROW', 1) RETURNING qty_shipped;
UPDATE order_line SET qty_ordered = 4 WHERE order_ref = 'g';
UPDATE order_line SET qty_ordered = 3 WHERE order_ref = 'g' RETURNING qty_shipped, qty_backordered;
SELECT on_hand, backordered FROM stock WHERE item = 'GROW';

-- Limits and steps: step 2, 3 there: 4 wanted give 2, and 2 wait: limit 2 allows it,
-- limit 1 doesn't.
INSERT INTO stock (item, on_hand, backorder_limit, qty_step) VALUES ('STEP', 3, 1, 2);
INSERT INTO order_line (item, qty_ordered) VALUES ('STEP', 4);
UPDATE stock SET backorder_limit = 2 WHERE item = 'STEP';
INSERT INTO order_line (item, qty_ordered) VALUES ('STEP', 4) RETURNING qty_shipped, qty_backordered;

-- In a loop that catches the error, one line of three fits: 1 waits, not 3.
INSERT INTO stock (item, on_hand, backorder_limit) VALUES ('LOOP', 0, 1);
DO $$
DECLARE refused integer := 0;
BEGIN
    FOR i IN 1..3 LOOP
        BEGIN
            INSERT INTO t_limit.order_line (item, qty_ordered) VALUES ('LOOP', 1);
        EXCEPTION WHEN SQLSTATE 'BK002' THEN refused := refused + 1;
        END;
    END LOOP;
    ASSERT refused = 2;
END$$;
SELECT backordered FROM stock WHERE item = 'LOOP';
-- Allocated stock doesn't count as waiting: 3 held of 3, limit 0.
INSERT INTO stock (item, on_hand, backorder_limit, ships_at_once) VALUES ('HELD', 3, 0, false);
INSERT INTO order_line (item, qty_ordered) VALUES ('HELD', 3) RETURNING qty_allocated, qty_backordered;
INSERT INTO order_line (item, qty_ordered) VALUES ('HELD', 1);
-- A count that releases them makes them wait although the limit is 0: they were taken in.
UPDATE stock SET on_hand = 1 WHERE item = 'HELD' RETURNING allocated, backordered;
SELECT * FROM verify();

SET client_min_messages = warning;
DROP SCHEMA t_limit CASCADE;
