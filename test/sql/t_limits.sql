-- Caps and protected quantities. cap: the most that the lines of a customer group, or
-- of a priority, may get in a period. protection: a quantity that is kept on the shelf
-- for some lines. Both bind: a line gets the lesser of what they leave.
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE EXTENSION IF NOT EXISTS bko;
DROP ROLE IF EXISTS regress_bko_app, regress_bko_planner;
SELECT bko.create_book('t_limits');
SET search_path = t_limits;
RESET client_min_messages;

-- The book's day is one of those in which it is noon now, so that no period ends
-- while this runs.
UPDATE book SET time_zone = (SELECT 'Etc/GMT' || CASE WHEN h < 12 THEN '-' || 12 - h WHEN h > 12 THEN '+' || h - 12 ELSE '' END
                               FROM (SELECT extract(hour FROM now() AT TIME ZONE 'UTC')::int AS h) u);
SELECT extract(hour FROM now() AT TIME ZONE time_zone) BETWEEN 11 AND 13 AS noon FROM book;

-- Customers g1 and g2 are in group G, h1 in H; x, y and z are in none.
INSERT INTO customer_group (customer, group_name) VALUES ('g1', 'G'), ('g2', 'G'), ('h1', 'H');

CREATE VIEW lines AS
    SELECT item, location AS loc, order_ref AS ref, customer AS cust, priority AS prio, qty_ordered AS ordered,
           qty_shipped AS shipped, qty_allocated AS alloc, qty_backordered AS back, qty_cancelled AS canc
      FROM order_line;
CREATE FUNCTION id(text) RETURNS bigint LANGUAGE sql AS 'SELECT line_id FROM t_limits.order_line WHERE order_ref = $1';
-- What there is of an item, its lines and what they have used of its caps; a break
-- of a rule would show as BROKEN.
CREATE FUNCTION state(the_item text) RETURNS TABLE (what text, got numeric, waits numeric) LANGUAGE sql AS $$
    (SELECT 'stock' || CASE WHEN location <> 'main' THEN ' ' || location ELSE '' END
            || CASE WHEN allocated > 0 THEN format(', %s allocated', allocated) ELSE '' END
            || CASE WHEN unassigned > 0 THEN format(', %s unassigned', unassigned) ELSE '' END
            || CASE WHEN limited THEN '' ELSE ', no limits' END, on_hand, backordered
       FROM t_limits.stock WHERE item = the_item ORDER BY location)
    UNION ALL
    (SELECT format('%s %s, priority %s', order_ref, customer, priority), qty_shipped + qty_allocated, qty_backordered
       FROM t_limits.order_line WHERE item = the_item ORDER BY line_id)
    UNION ALL
    (SELECT format('cap %s for %s, %s', qty, coalesce(customer_group, priority::text), period), qty_used, NULL
       FROM t_limits.cap WHERE item = the_item ORDER BY cap_id)
    UNION ALL
    SELECT 'BROKEN ' || rule || ': ' || detail, NULL, NULL FROM t_limits.verify()
$$;
-- Time goes by: what there is of an item happened so much earlier.
CREATE FUNCTION goes_by(the_item text, how_long interval) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica;
    UPDATE t_limits.movement SET at = (at AT TIME ZONE time_zone - how_long) AT TIME ZONE time_zone FROM t_limits.book WHERE item = the_item;
    UPDATE t_limits.cap SET period_begins = date_trunc(period, period_begins - how_long)
     WHERE item = the_item AND period <> 'ever';
    SET LOCAL session_replication_role = origin;
END$$;
CREATE FUNCTION fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; hint text;
BEGIN
    EXECUTE q;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || message || CASE WHEN hint = '' THEN ' (no hint)' ELSE '' END;
END $$;

-- ---- Lines come in ----

-- A cap of 10 for G, 100 there: g1 4, g2 4, g1 2 of 4; x is not in the group: 5.
INSERT INTO stock (item, on_hand) VALUES ('E1', 100);
INSERT INTO cap (item, customer_group, qty) VALUES ('E1', 'G', 10) RETURNING location, period, qty_used;
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'E1', 4), ('b', 'g2', 'E1', 4), ('c', 'g1', 'E1', 4), ('d', 'x', 'E1', 5)
RETURNING order_ref, qty_shipped, qty_backordered;
-- The cap is used up: g2 waits, and so does c; whoever is behind may take: x 3, and a
-- line of nobody 1.
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('e', 'g2', 'E1', 3) RETURNING qty_shipped, qty_backordered;
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('f', 'x', 'E1', 3), ('g', NULL, 'E1', 1) RETURNING qty_shipped, qty_backordered;
SELECT * FROM state('E1');

-- A cap of 6 for priority 5, exactly that one, by COPY: 4, 2 of 4; priority 4 and 6 are free.
INSERT INTO stock (item, on_hand) VALUES ('E2', 100);
INSERT INTO cap (item, priority, qty, period) VALUES ('E2', 5, 6, 'ever');
COPY order_line (order_ref, customer, item, priority, qty_ordered) FROM stdin;
a	g1	E2	5	4
b	x	E2	5	4
c	x	E2	4	7
d	x	E2	6	7
\.
SELECT * FROM state('E2');

-- Rows that are kept out use nothing. A cap of 10: 8 are used by a. b is kept out with
-- 2, c takes 2; d is kept out with 5, e waits for 3.
INSERT INTO stock (item, on_hand) VALUES ('E3', 100);
INSERT INTO cap (item, customer_group, qty) VALUES ('E3', 'G', 10);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('E3a', 'g1', 'E3', 8) RETURNING qty_shipped;
INSERT INTO order_line (line_id, order_ref, customer, item, qty_ordered) VALUES
    (id('E3a'), 'b', 'g1', 'E3', 2), (DEFAULT, 'c', 'g2', 'E3', 2), (id('E3a'), 'd', 'g1', 'E3', 5), (DEFAULT, 'e', 'g2', 'E3', 3)
    ON CONFLICT DO NOTHING RETURNING order_ref, qty_shipped, qty_backordered;
INSERT INTO order_line (line_id, customer, item, qty_ordered) VALUES (id('E3a'), 'g1', 'E3', 2) ON CONFLICT DO NOTHING;
SELECT * FROM state('E3');
-- DO UPDATE: the row that is kept out uses nothing, the line that grows does. A cap of
-- 10: a has 4; the row for 5 is kept out, a grows by 3, b takes the 3 that are left of 4.
INSERT INTO stock (item, on_hand) VALUES ('E4', 100);
INSERT INTO cap (item, customer_group, qty) VALUES ('E4', 'G', 10);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('E4a', 'g1', 'E4', 4);
INSERT INTO order_line AS o (line_id, order_ref, customer, item, qty_ordered) VALUES (id('E4a'), 'E4a', 'g1', 'E4', 5), (DEFAULT, 'b', 'g2', 'E4', 4)
    ON CONFLICT (line_id, item) DO UPDATE SET qty_ordered = o.qty_ordered + 3 RETURNING order_ref, qty_shipped, qty_backordered;
SELECT * FROM state('E4');
-- Kept out by a trigger that comes after the split: 3 of a cap of 4 are not used, so b
-- and c get 4.
CREATE FUNCTION keeps_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
INSERT INTO stock (item, on_hand) VALUES ('E5', 100);
INSERT INTO cap (item, customer_group, qty) VALUES ('E5', 'G', 4);
CREATE TRIGGER zzz BEFORE INSERT ON order_line FOR EACH ROW WHEN (NEW.order_ref = 'out') EXECUTE FUNCTION keeps_out();
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('out', 'g1', 'E5', 3), ('b', 'g1', 'E5', 3), ('out', 'g1', 'E5', 1), ('c', 'g1', 'E5', 3);
SELECT * FROM state('E5');
DROP TRIGGER zzz ON order_line;
-- MERGE: a has 4 of a cap of 10 and grows by 4, b is new and gets 2 of 5.
INSERT INTO stock (item, on_hand) VALUES ('E6', 100);
INSERT INTO cap (item, customer_group, qty) VALUES ('E6', 'G', 10);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('E6a', 'g1', 'E6', 4);
MERGE INTO order_line l USING (VALUES (1, 'E6a', 4), (2, 'b', 5)) v (n, ref, q) ON l.item = 'E6' AND l.order_ref = v.ref
 WHEN MATCHED THEN UPDATE SET qty_ordered = l.qty_ordered + v.q
 WHEN NOT MATCHED THEN INSERT (order_ref, customer, item, qty_ordered) VALUES (v.ref, 'g2', 'E6', v.q);
SELECT sum(got) AS got, sum(waits) AS wait FROM state('E6') WHERE what LIKE '%priority%';
SELECT * FROM verify();
-- An order of two items, both capped: 3 of 5 and 2 of 2.
INSERT INTO stock (item, on_hand) VALUES ('E7', 100), ('E8', 100);
INSERT INTO cap (item, customer_group, qty) VALUES ('E7', 'G', 3), ('E8', 'G', 3);
SELECT item, qty_shipped, qty_backordered FROM place_order('o', '[{"item": "E8", "qty": 2}, {"item": "E7", "qty": 5}]', customer => 'g1');
SELECT * FROM state('E7');
SELECT * FROM state('E8');
-- Many rows of one statement: 100 lines of 1, a cap of 30 for G, of which half are.
INSERT INTO stock (item, on_hand) VALUES ('E9', 1000);
INSERT INTO cap (item, customer_group, qty) VALUES ('E9', 'G', 30);
INSERT INTO order_line (customer, item, qty_ordered) SELECT CASE n % 2 WHEN 0 THEN 'g1' ELSE 'x' END, 'E9', 1 FROM generate_series(1, 100) n;
SELECT customer, sum(qty_shipped) AS shipped, sum(qty_backordered) AS waits FROM order_line WHERE item = 'E9' GROUP BY 1 ORDER BY 1;
SELECT qty_used FROM cap WHERE item = 'E9';

-- Several caps on one line: the least that any leaves. G may have 10 a month and 6 a
-- day; priority 5 may have 8 ever. g1 at priority 5 wants 20: 6. At any other priority:
-- none is left of the day. x at priority 5: 8 - 6 = 2. Other priorities of x: all.
INSERT INTO stock (item, on_hand) VALUES ('S1', 100);
INSERT INTO cap (item, customer_group, priority, qty, period) VALUES ('S1', 'G', NULL, 10, 'month'), ('S1', 'G', NULL, 6, 'day'), ('S1', NULL, 5, 8, 'ever');
INSERT INTO order_line (order_ref, customer, priority, item, qty_ordered) VALUES ('a', 'g1', 5, 'S1', 20), ('b', 'g2', 7, 'S1', 1), ('c', 'x', 5, 'S1', 4), ('d', 'x', 7, 'S1', 3);
SELECT * FROM state('S1');
-- A cap of 0: nothing, ever. Decimals: 0.5 of 0.75.
INSERT INTO stock (item, on_hand) VALUES ('S2', 100);
INSERT INTO cap (item, customer_group, qty) VALUES ('S2', 'G', 0), ('S2', 'H', 0.5);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'S2', 1), ('b', 'h1', 'S2', 0.75);
SELECT * FROM state('S2');
-- Steps of 6: a cap of 10 leaves 6 of 12, and then nothing although 4 are left of it.
INSERT INTO stock (item, on_hand, qty_step) VALUES ('S3', 100, 6);
INSERT INTO cap (item, customer_group, qty) VALUES ('S3', 'G', 10);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'S3', 12), ('b', 'g2', 'S3', 6), ('c', 'x', 'S3', 6);
SELECT * FROM state('S3');
-- backorder_limit: what a cap makes wait waits. 4 of a cap of 4, 3 may wait: 8 is refused, 7 not.
INSERT INTO stock (item, on_hand, backorder_limit) VALUES ('S4', 100, 3);
INSERT INTO cap (item, customer_group, qty) VALUES ('S4', 'G', 4);
SELECT fails($$INSERT INTO order_line (customer, item, qty_ordered) VALUES ('g1', 'S4', 8)$$);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'S4', 7);
SELECT * FROM state('S4');

-- Kept for priority 10 and more urgent: 5. 12 there: a line of 100 takes the 7 above it.
-- One of 11 nothing, one of 10 takes 4 of the 5, one of 0 the last.
INSERT INTO stock (item, on_hand) VALUES ('P1', 12);
INSERT INTO protection (item, priority, qty) VALUES ('P1', 10, 5);
INSERT INTO order_line (order_ref, customer, priority, item, qty_ordered) VALUES ('a', 'x', 100, 'P1', 10), ('b', 'x', 11, 'P1', 1), ('c', 'x', 10, 'P1', 4), ('d', 'x', 0, 'P1', 1);
SELECT * FROM state('P1');
-- It is kept whether they draw on it or not: of 5 that come nothing is for the others,
-- of 2 more the most urgent of them gets 1, then a gets 1.
SELECT order_ref, qty FROM receive('P1', 5);
SELECT order_ref, qty FROM receive('P1', 2);
SELECT * FROM state('P1');
-- Kept for G against all but more urgent ones, priority 100: 5 of 12. x at 100 takes 7, h1
-- at 200 waits, x at 99 takes 2, g1 at 200 takes 2, and 1 is left.
INSERT INTO stock (item, on_hand) VALUES ('P2', 12);
INSERT INTO protection (item, customer_group, qty) VALUES ('P2', 'G', 5) RETURNING priority;
INSERT INTO order_line (order_ref, customer, priority, item, qty_ordered) VALUES ('a', 'x', 100, 'P2', 8), ('b', 'h1', 200, 'P2', 1), ('c', 'x', 99, 'P2', 2), ('d', 'g1', 200, 'P2', 2);
SELECT * FROM state('P2');
-- Several add up. 5 for priority 10 and up, 4 for G and 3 for H against 50 and up; 20 there:
-- x at 100: 20 - 12 = 8. x at 50: no more. x at 49: 12 - 5 = 7. g1 at 100: 5 - 5 - 3 < 0. x at 10: 5.
INSERT INTO stock (item, on_hand) VALUES ('P3', 20);
INSERT INTO protection (item, customer_group, priority, qty) VALUES ('P3', NULL, 10, 5), ('P3', 'G', 50, 4), ('P3', 'H', 50, 3);
INSERT INTO order_line (order_ref, customer, priority, item, qty_ordered) VALUES ('a', 'x', 100, 'P3', 9), ('b', 'x', 50, 'P3', 1), ('c', 'x', 49, 'P3', 8), ('d', 'g1', 100, 'P3', 1), ('e', 'x', 10, 'P3', 6);
SELECT * FROM state('P3');
-- 9 come: e, the most urgent, gets the 1 that it waits for, 8 are left. c at 49 gets 1
-- (8 > 5), 7 are left; none of the others: g1 needs more than 8.
SELECT order_ref, qty FROM receive('P3', 9);
-- 2 come: 9 are there, g1 gets 1.
SELECT order_ref, qty FROM receive('P3', 2);
SELECT * FROM state('P3');
-- Steps of 4, 5 kept, 11 there: 6 are above it: 4.
INSERT INTO stock (item, on_hand, qty_step) VALUES ('P4', 11, 4);
INSERT INTO protection (item, customer_group, qty) VALUES ('P4', 'G', 5);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'x', 'P4', 8), ('b', 'g1', 'P4', 8);
SELECT * FROM state('P4');
-- A row that is kept out took nothing from above what is kept: 10 there, 4 kept; the row
-- of 6 is kept out, so b gets 6.
INSERT INTO stock (item, on_hand) VALUES ('P5', 10);
INSERT INTO protection (item, customer_group, qty) VALUES ('P5', 'G', 4);
INSERT INTO order_line (line_id, order_ref, customer, item, qty_ordered) VALUES (1000000, 'P5a', 'g1', 'P5', 1);
INSERT INTO order_line (line_id, order_ref, customer, item, qty_ordered) VALUES (1000000, 'out', 'x', 'P5', 5), (DEFAULT, 'b', 'x', 'P5', 6) ON CONFLICT DO NOTHING;
SELECT * FROM state('P5');

-- Cap and protected quantity together: 10 kept for G, of which they may have 3. 10 there:
-- g1 gets 3 of 5, x nothing.
INSERT INTO stock (item, on_hand) VALUES ('B1', 10);
INSERT INTO cap (item, customer_group, qty) VALUES ('B1', 'G', 3);
INSERT INTO protection (item, customer_group, qty) VALUES ('B1', 'G', 10);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'B1', 5), ('b', 'x', 'B1', 5);
SELECT * FROM state('B1');
-- The lesser of both: x's priority may have 4, and 2 are above what is kept: 2; 5 come:
-- 2 more; then its cap is used up and 3 + 1 above stay there.
INSERT INTO stock (item, on_hand) VALUES ('B2', 5);
INSERT INTO cap (item, priority, qty) VALUES ('B2', 100, 4);
INSERT INTO protection (item, customer_group, qty) VALUES ('B2', 'G', 3);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'x', 'B2', 9);
SELECT order_ref, qty FROM receive('B2', 3);
SELECT * FROM state('B2');

-- ---- Stock rises ----

-- fifo, a cap of 5 for G. 10 come: a 4, b 3, c 1 of 4 (the cap is used up), d 2 of 2.
INSERT INTO stock (item) VALUES ('F1');
INSERT INTO cap (item, customer_group, qty) VALUES ('F1', 'G', 5);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'F1', 4), ('b', 'x', 'F1', 3), ('c', 'g2', 'F1', 4), ('d', 'y', 'F1', 2);
SELECT order_ref, qty, qty_backordered FROM preview('F1', 10);
INSERT INTO receipt (item, qty) VALUES ('F1', 10) RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM state('F1');
-- 2 more: nobody may take them.
INSERT INTO receipt (item, qty) VALUES ('F1', 2) RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM verify();
-- due_date: the urgent first, then by the day. A cap of 3 for G. 8 come: c (1st) 2, a
-- (2nd) 1 of 4, b (3rd) 4, d (no day) 1.
INSERT INTO stock (item, fill_rule) VALUES ('F2', 'due_date');
INSERT INTO cap (item, customer_group, qty) VALUES ('F2', 'G', 3);
INSERT INTO order_line (order_ref, customer, item, qty_ordered, requested_on) VALUES ('a', 'g1', 'F2', 4, '2030-01-02'), ('b', 'x', 'F2', 4, '2030-01-03'), ('c', 'g2', 'F2', 2, '2030-01-01'), ('d', 'y', 'F2', 2, NULL);
SELECT order_ref, qty, qty_backordered FROM receive('F2', 8);
SELECT * FROM state('F2');
-- most_lines: the smallest open quantity first: b 2, c 2 of 3 (a cap of 4), a 4 of 5.
INSERT INTO stock (item, fill_rule) VALUES ('F3', 'most_lines');
INSERT INTO cap (item, customer_group, qty) VALUES ('F3', 'G', 4);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'x', 'F3', 5), ('b', 'g1', 'F3', 2), ('c', 'g2', 'F3', 3);
SELECT order_ref, qty, qty_backordered FROM receive('F3', 8);
SELECT * FROM state('F3');
-- fair_share, a cap of 4 for G, 10 come. a and b may have 4 each, c 6, d 2: of 16 these
-- are 2.5, 2.5, 3.75, 1.25: 2, 2, 3, 1, and the two that are left go to c and a: 3, 2, 4, 1.
-- a has used 3 of the cap, b gets 1, so 1 is over: c and d share it, c is first: 5.
INSERT INTO stock (item, fill_rule) VALUES ('F4', 'fair_share');
INSERT INTO cap (item, customer_group, qty) VALUES ('F4', 'G', 4);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'F4', 6), ('b', 'g2', 'F4', 6), ('c', 'x', 'F4', 6), ('d', 'y', 'F4', 2);
SELECT order_ref, sum(qty) AS qty FROM preview('F4', 10) GROUP BY 1 ORDER BY 1;
SELECT order_ref, sum(qty) AS qty FROM receive('F4', 10) GROUP BY 1 ORDER BY 1;
SELECT * FROM state('F4');
-- fair_share with 3 kept for G, 9 come, all want 6: a third each. Those it is kept from take
-- first, c and d 3 each of the 6 above it; what is kept is there for a.
INSERT INTO stock (item, fill_rule) VALUES ('F5', 'fair_share');
INSERT INTO protection (item, customer_group, qty) VALUES ('F5', 'G', 3);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'F5', 6), ('c', 'x', 'F5', 6), ('d', 'y', 'F5', 6);
INSERT INTO receipt (item, qty) VALUES ('F5', 9) RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM state('F5');
-- Priorities and fair_share: the urgent one is capped and passed over, the others share.
-- 7 come, a cap of 2 for priority 1: a 2 of 5; of 5 b and c (4 each) get 3 and 2.
INSERT INTO stock (item, fill_rule) VALUES ('F6', 'fair_share');
INSERT INTO cap (item, priority, qty) VALUES ('F6', 1, 2);
INSERT INTO order_line (order_ref, customer, priority, item, qty_ordered) VALUES ('a', 'x', 1, 'F6', 5), ('b', 'x', 100, 'F6', 4), ('c', 'y', 100, 'F6', 4);
INSERT INTO receipt (item, qty) VALUES ('F6', 7) RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM state('F6');
-- Steps of 5, fifo, a cap of 9 for G, 4 kept for H: 20 come: a 5 (of 10, 9 leave 5), b 10
-- of 15 (15 - 4 = 11), 5 are left: none of it for x (1 above), 5 for h1.
INSERT INTO stock (item, qty_step) VALUES ('F7', 5);
INSERT INTO cap (item, customer_group, qty) VALUES ('F7', 'G', 9);
INSERT INTO protection (item, customer_group, qty) VALUES ('F7', 'H', 4);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'F7', 10), ('b', 'x', 'F7', 15), ('c', 'h1', 'F7', 5);
SELECT order_ref, qty FROM receive('F7', 20);
SELECT * FROM state('F7');
-- 60 capped lines in front: those behind are found all the same.
INSERT INTO stock (item) VALUES ('F8');
INSERT INTO cap (item, customer_group, qty) VALUES ('F8', 'G', 2);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) SELECT n, CASE WHEN n <= 60 THEN 'g1' ELSE 'x' END, 'F8', 1 FROM generate_series(1, 62) n;
SELECT order_ref, qty FROM receive('F8', 5);
UPDATE stock SET fill_rule = 'most_lines' WHERE item = 'F8';
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('late', 'x', 'F8', 3) RETURNING qty_shipped, qty_backordered;
SELECT order_ref, qty FROM receive('F8', 5);
SELECT * FROM verify();

-- By a count, an UPDATE, a cancellation, a smaller quantity, a return: 2 each time, of which
-- b gets 1: then the cap of 1 for G holds it back, and c is next.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('R1', 10, false);
INSERT INTO cap (item, customer_group, qty) VALUES ('R1', 'G', 1);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('R1a', 'x', 'R1', 10), ('b', 'g1', 'R1', 3), ('c', 'y', 'R1', 9);
SELECT available FROM count_stock('R1', 12);
SELECT * FROM state('R1');
UPDATE stock SET on_hand = on_hand + 2 WHERE item = 'R1' RETURNING allocated, backordered;
SELECT qty_cancelled FROM cancel(id('R1a'), 2);
UPDATE order_line SET qty_ordered = 8 WHERE order_ref = 'R1a' RETURNING qty_allocated;
SELECT * FROM state('R1');
SELECT qty_shipped FROM ship(id('R1a'), 4);
SELECT qty_returned FROM return_goods(id('R1a'), 2);
SELECT * FROM state('R1');
-- What has shipped and comes back does not free its cap: g1 has had 3 of 3, returns 2;
-- they are for x, and g1 waits on.
INSERT INTO stock (item, on_hand) VALUES ('R2', 3);
INSERT INTO cap (item, customer_group, qty) VALUES ('R2', 'G', 3);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('R2a', 'g1', 'R2', 4), ('b', 'x', 'R2', 1);
SELECT qty_returned FROM return_goods(id('R2a'), 2);
SELECT * FROM state('R2');
-- Two receipts in one statement, and a receipt that ON CONFLICT keeps out after it was
-- decided: it filled nobody, and used nothing of the cap. A cap of 3, lines of 2, 2 and 5:
-- 2 come: a; 4 are kept out; 4 come: b 1, c 3.
INSERT INTO stock (item) VALUES ('R3');
INSERT INTO cap (item, customer_group, qty) VALUES ('R3', 'G', 3);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'R3', 2), ('b', 'g2', 'R3', 2), ('c', 'x', 'R3', 5);
INSERT INTO receipt (receipt_id, item, qty) VALUES (1000001, 'R3', 2);
INSERT INTO receipt (receipt_id, item, qty) VALUES (1000001, 'R3', 4), (DEFAULT, 'R3', 4) ON CONFLICT DO NOTHING RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM state('R3');
-- The same where nothing goes in after it.
INSERT INTO stock (item) VALUES ('R4');
INSERT INTO cap (item, customer_group, qty) VALUES ('R4', 'G', 3);
INSERT INTO protection (item, customer_group, qty) VALUES ('R4', 'H', 1);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'R4', 2), ('b', 'g2', 'R4', 2);
INSERT INTO receipt (item, qty, document) VALUES ('R4', 1, 'D');
INSERT INTO receipt (item, qty, document) VALUES ('R4', 3, 'E'), ('R4', 1, 'D') ON CONFLICT (document, item, location) WHERE document IS NOT NULL DO NOTHING RETURNING qty_to_backorders, qty_to_stock;
INSERT INTO receipt (item, qty, document) VALUES ('R4', 9, 'D'), ('R4', 9, 'E') ON CONFLICT DO NOTHING RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM state('R4');
-- A receipt is reversed: what is allocated of it is given back, and the cap is free again by
-- that much. 5 come: a 3 (its cap), b 2. Reversed by 4: b gives 2, a gives 2. 4 come again.
INSERT INTO stock (item, ships_at_once) VALUES ('R5', false);
INSERT INTO cap (item, customer_group, qty) VALUES ('R5', 'G', 3);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'R5', 5), ('b', 'x', 'R5', 2);
INSERT INTO receipt (receipt_id, item, qty) VALUES (1000002, 'R5', 5);
SELECT * FROM state('R5');
SELECT on_hand, allocated FROM reverse_receipt(1000002, 4);
SELECT * FROM state('R5');
SELECT order_ref, qty FROM receive('R5', 4);
SELECT * FROM state('R5');
-- The last in the queue gives up although it is capped, and gets no more than its cap again:
-- 6 there, a 3 of 3, b 3 of 9 (a cap of 3). A count of 4 takes 2 from b; one of 9 gives 2 back.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('R6', 6, false);
INSERT INTO cap (item, customer_group, qty) VALUES ('R6', 'G', 3);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'x', 'R6', 3), ('b', 'g1', 'R6', 9);
SELECT on_hand, allocated FROM count_stock('R6', 4);
SELECT qty_used FROM cap WHERE item = 'R6';
SELECT on_hand, allocated FROM count_stock('R6', 9);
SELECT * FROM state('R6');

-- Supply bought for a line passes by what is kept for others, but not by caps. 10 kept for G.
-- 4 come for b, behind a: b gets them. 4 come for c of g1, whose cap is 3: 3; the 1 that is
-- left is kept for G, and g1 may not have it.
INSERT INTO stock (item) VALUES ('O1');
INSERT INTO cap (item, customer_group, qty) VALUES ('O1', 'G', 3);
INSERT INTO protection (item, customer_group, qty) VALUES ('O1', 'G', 10);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'x', 'O1', 5), ('O1b', 'x', 'O1', 5), ('O1c', 'g1', 'O1', 5);
INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) VALUES ('PB', 'O1', 4, id('O1b')), ('PC', 'O1', 4, id('O1c'));
SELECT order_ref, qty FROM receive('O1', 4, supply_ref => 'PB');
SELECT order_ref, qty FROM receive('O1', 4, supply_ref => 'PC');
SELECT * FROM state('O1');
-- The same under fair_share, where the line stands in another priority: 6 come for c (5 at
-- priority 200): 5, then 1 for a.
INSERT INTO stock (item, fill_rule) VALUES ('O2', 'fair_share');
INSERT INTO protection (item, priority, qty) VALUES ('O2', 10, 0);
INSERT INTO order_line (order_ref, customer, priority, item, qty_ordered) VALUES ('a', 'x', 100, 'O2', 5), ('b', 'x', 100, 'O2', 5), ('O2c', 'x', 200, 'O2', 5);
INSERT INTO supply (supply_ref, item, qty_expected, for_line_id) VALUES ('P2', 'O2', 6, id('O2c'));
SELECT order_ref, qty FROM receive('O2', 6, supply_ref => 'P2');
SELECT * FROM state('O2');

-- ---- Lines change ----

-- More: a has 6 of a cap of 10 and grows to 12: 4 more, 2 wait. Less by 3: the 2 that wait go,
-- and 1 of what is allocated, which the cap has again: b gets it.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('C1', 100, false);
INSERT INTO cap (item, customer_group, qty) VALUES ('C1', 'G', 10);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('C1a', 'g1', 'C1', 6);
UPDATE order_line SET qty_ordered = 12 WHERE order_ref = 'C1a' RETURNING qty_allocated, qty_backordered;
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('C1b', 'g2', 'C1', 5);
UPDATE order_line SET qty_ordered = 9 WHERE order_ref = 'C1a' RETURNING qty_allocated, qty_backordered;
SELECT * FROM state('C1');
-- cancel(): 4 of a: b gets them, its last. cancel() of all of a: 5 of the cap are left.
SELECT qty_allocated FROM cancel(id('C1a'), 4);
SELECT * FROM state('C1');
SELECT qty_cancelled FROM cancel(id('C1a'));
SELECT * FROM state('C1');
-- Deleted: nothing of the cap is used.
DELETE FROM order_line WHERE order_ref IN ('C1a', 'C1b');
SELECT * FROM state('C1');

-- Another priority: what the line has used counts for the other cap. 8 of 10 of priority 5
-- are a's, 2 b's, who waits for 3; 5 of 10 of priority 6 are c's, who waits for nothing. a goes to
-- 6: that has 13 now, nobody gives anything up; b gets the 3. d at 6 gets nothing.
INSERT INTO stock (item, on_hand) VALUES ('C2', 100);
INSERT INTO cap (item, priority, qty) VALUES ('C2', 5, 10), ('C2', 6, 10);
INSERT INTO order_line (order_ref, customer, priority, item, qty_ordered) VALUES ('C2a', 'x', 5, 'C2', 8), ('b', 'x', 5, 'C2', 5), ('c', 'y', 6, 'C2', 5);
SELECT * FROM state('C2');
UPDATE order_line SET priority = 6 WHERE order_ref = 'C2a';
INSERT INTO order_line (order_ref, customer, priority, item, qty_ordered) VALUES ('d', 'y', 6, 'C2', 1);
SELECT * FROM state('C2');
-- To 7, which has no cap: c's cap has 5 again, and d gets 1. And back to 5: 13 of 10 there.
UPDATE order_line SET priority = 7 WHERE order_ref = 'C2a';
SELECT * FROM state('C2');
UPDATE order_line SET priority = 5 WHERE order_ref = 'C2a';
SELECT * FROM state('C2');
-- Priority and quantity at once: 2 more at priority 6, where 6 of 10 and its own 8 are used:
-- none. All of an item at once: the caps trade places, and nobody waits.
UPDATE order_line SET priority = 6, qty_ordered = 10 WHERE order_ref = 'C2a';
SELECT * FROM state('C2');
UPDATE order_line SET priority = 11 - priority WHERE item = 'C2';
SELECT * FROM state('C2');
-- A more urgent line may take what is kept from it no longer: 3 kept, 3 there; x from 100 to 10.
INSERT INTO stock (item, on_hand) VALUES ('C3', 3);
INSERT INTO protection (item, priority, qty) VALUES ('C3', 10, 3);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('C3a', 'x', 'C3', 2);
UPDATE order_line SET priority = 10 WHERE order_ref = 'C3a';
SELECT * FROM state('C3');

-- Another customer: all 4 of G's cap are a's. As x's, the line leaves them to b, who gets 3, and it
-- gets the 2 that it waits for. As h1's it counts for H.
INSERT INTO stock (item, on_hand) VALUES ('C4', 100);
INSERT INTO cap (item, customer_group, qty) VALUES ('C4', 'G', 4), ('C4', 'H', 10);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('C4a', 'g1', 'C4', 6), ('b', 'g2', 'C4', 3);
SELECT * FROM state('C4');
UPDATE order_line SET customer = 'x' WHERE order_ref = 'C4a';
SELECT * FROM state('C4');
UPDATE order_line SET customer = 'h1' WHERE order_ref = 'C4a';
SELECT * FROM state('C4');
UPDATE order_line SET customer = NULL WHERE order_ref = 'C4a';
SELECT * FROM state('C4');

-- Moved: to another location and to another item; the cap that it leaves is free again, that which
-- it joins counts. C5: a has 4 of 4, b waits for 4; at location other the cap is 3, at C6 it is 1.
INSERT INTO stock (item, location, on_hand, ships_at_once) VALUES ('C5', 'main', 100, false), ('C5', 'other', 100, false), ('C6', 'main', 100, false);
INSERT INTO cap (item, location, customer_group, qty) VALUES ('C5', 'main', 'G', 4), ('C5', 'other', 'G', 3), ('C6', 'main', 'G', 1);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('C5a', 'g1', 'C5', 4), ('b', 'g2', 'C5', 4);
UPDATE order_line SET location = 'other' WHERE order_ref = 'C5a' RETURNING qty_allocated, qty_backordered;
SELECT * FROM state('C5');
UPDATE order_line SET item = 'C6', location = 'main', qty_ordered = 5 WHERE order_ref = 'C5a';
SELECT * FROM state('C5');
SELECT * FROM state('C6');

-- Held and released: a keeps its 2 of the cap of 4, takes nothing more; released, it gets 2 more
-- of the 3 that it waits for.
INSERT INTO stock (item, on_hand) VALUES ('C7', 2);
INSERT INTO cap (item, customer_group, qty) VALUES ('C7', 'G', 4);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('C7a', 'g1', 'C7', 5);
SELECT held FROM hold_line(id('C7a'), 'credit');
INSERT INTO receipt (item, qty) VALUES ('C7', 9) RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM state('C7');
SELECT held FROM release_line(id('C7a'));
SELECT * FROM state('C7');

-- ship() uses nothing more: it was counted when it was allocated. Then the allocated rest is
-- cancelled: of a cap of 5, 2 are used, 3 are for b.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('C8', 100, false);
INSERT INTO cap (item, customer_group, qty) VALUES ('C8', 'G', 5);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('C8a', 'g1', 'C8', 5), ('b', 'g2', 'C8', 4);
SELECT qty_shipped, qty_allocated FROM ship(id('C8a'), 2);
SELECT * FROM state('C8');
SELECT qty_cancelled FROM cancel(id('C8a'));
SELECT * FROM state('C8');
UPDATE stock SET ships_at_once = true WHERE item = 'C8';
SELECT * FROM state('C8');
-- Lines that ship as a whole hold what the cap leaves them: 3 of 4; once there are 4 they ship.
INSERT INTO stock (item, on_hand) VALUES ('C9', 100);
INSERT INTO cap (item, customer_group, qty) VALUES ('C9', 'G', 3);
INSERT INTO order_line (order_ref, customer, item, qty_ordered, ship_policy) VALUES ('C9a', 'g1', 'C9', 4, 'line');
SELECT ref, shipped, alloc, back FROM lines WHERE item = 'C9';
UPDATE cap SET qty = 4 WHERE item = 'C9';
SELECT ref, shipped, alloc, back FROM lines WHERE item = 'C9';
SELECT * FROM state('C9');

-- ---- Groups change ----

-- x has 4 and waits for nothing; G has 3 of a cap of 5, and g2 waits for 1 that is not there. x joins:
-- 7 of 5 are used. 10 come: nothing for G. x leaves: 3 are used, g2 gets 1.
INSERT INTO stock (item, on_hand) VALUES ('G1', 7);
INSERT INTO cap (item, customer_group, qty) VALUES ('G1', 'G', 5);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'x', 'G1', 4), ('b', 'g1', 'G1', 3), ('c', 'g2', 'G1', 1);
INSERT INTO customer_group (customer, group_name) VALUES ('x', 'G');
SELECT * FROM state('G1');
INSERT INTO receipt (item, qty) VALUES ('G1', 10) RETURNING qty_to_backorders, qty_to_stock;
DELETE FROM customer_group WHERE customer = 'x';
SELECT * FROM state('G1');
-- From one group to another: z with 4 allocated and 2 waiting in G (a cap of 4) goes to H (a cap of
-- 7, 1 used): 5 + 2 of 7. g1 gets 3 of G's 4.
INSERT INTO stock (item, on_hand) VALUES ('G2', 100);
INSERT INTO cap (item, customer_group, qty) VALUES ('G2', 'G', 4), ('G2', 'H', 7);
INSERT INTO customer_group (customer, group_name) VALUES ('z', 'G');
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'z', 'G2', 6), ('b', 'g1', 'G2', 3), ('c', 'h1', 'G2', 1);
UPDATE customer_group SET group_name = 'H' WHERE customer = 'z';
SELECT * FROM state('G2');
-- The row becomes another customer's: z's lines are in no group, h1 stays.
UPDATE customer_group SET customer = 'zz' WHERE customer = 'z';
SELECT * FROM state('G2');
DELETE FROM customer_group WHERE customer = 'zz';
-- Who joins a group takes what is kept for it: 5 kept, 5 there, y waits for 3.
INSERT INTO stock (item, on_hand) VALUES ('G3', 5);
INSERT INTO protection (item, customer_group, qty) VALUES ('G3', 'G', 5);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'y', 'G3', 3);
INSERT INTO customer_group (customer, group_name) VALUES ('y', 'G');
SELECT * FROM state('G3');
DELETE FROM customer_group WHERE customer = 'y';
-- Several at once, by one statement: a and b swap groups; each cap has 2 of 2, each wants 3. The
-- usage goes with them, so nobody gets anything.
INSERT INTO stock (item, on_hand) VALUES ('G4', 100);
INSERT INTO customer_group (customer, group_name) VALUES ('a', 'A'), ('b', 'B');
INSERT INTO cap (item, customer_group, qty) VALUES ('G4', 'A', 2), ('G4', 'B', 2);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'a', 'G4', 3), ('b', 'b', 'G4', 3);
UPDATE customer_group SET group_name = CASE group_name WHEN 'A' THEN 'B' ELSE 'A' END WHERE customer IN ('a', 'b');
SELECT * FROM state('G4');
-- Both in one group: 4 of 2; then in none: each gets its last.
UPDATE customer_group SET group_name = 'A' WHERE customer = 'a';
SELECT * FROM state('G4');
DELETE FROM customer_group WHERE customer IN ('a', 'b');
SELECT * FROM state('G4');

-- ---- Limits change ----

-- A cap that is new counts what they have had in its period already: 6. So of 8 there are 2.
INSERT INTO stock (item, on_hand) VALUES ('L1', 100);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'L1', 6);
INSERT INTO cap (item, customer_group, qty) VALUES ('L1', 'G', 8) RETURNING qty_used;
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('b', 'g2', 'L1', 5), ('c', 'x', 'L1', 5);
SELECT * FROM state('L1');
-- Raised to 10: b gets 2 in the same statement. Lowered to 3: nobody gives anything up, nobody gets any.
UPDATE cap SET qty = 10 WHERE item = 'L1' RETURNING qty_used;
SELECT * FROM state('L1');
UPDATE cap SET qty = 3 WHERE item = 'L1';
INSERT INTO receipt (item, qty) VALUES ('L1', 1);
SELECT * FROM state('L1');
-- For another: H's, then those of priority 100, then G's in a year.
UPDATE cap SET customer_group = 'H' WHERE item = 'L1';
SELECT * FROM state('L1');
UPDATE cap SET customer_group = NULL, priority = 100 WHERE item = 'L1';
SELECT * FROM state('L1');
UPDATE cap SET customer_group = 'G', priority = NULL, period = 'year' WHERE item = 'L1';
SELECT * FROM state('L1');
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('d', 'g2', 'L1', 2);
-- Deleted: d gets all, and the row has no limits any more.
DELETE FROM cap WHERE item = 'L1';
SELECT * FROM state('L1');
-- By an upsert, as an application does it: 1 there, then 4.
INSERT INTO stock (item, on_hand) VALUES ('L2', 100);
INSERT INTO cap (item, customer_group, qty) VALUES ('L2', 'G', 1);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'L2', 5);
INSERT INTO cap AS c (item, customer_group, qty) VALUES ('L2', 'G', 4) ON CONFLICT (item, location, customer_group, priority, period) DO UPDATE SET qty = EXCLUDED.qty;
SELECT * FROM state('L2');
INSERT INTO cap AS c (item, customer_group, qty) VALUES ('L2', 'G', 9) ON CONFLICT DO NOTHING;
SELECT * FROM state('L2');
-- A protected quantity that is new takes nothing away; lowered, it gives up what is above: 10 there, x
-- has 4; 8 kept: b and c wait. 5 kept: 1 for b. For H: c gets its 3. 2 kept: 2 are there. From 101
-- on alone: 2 for b. Deleted: the row has no limits.
INSERT INTO stock (item, on_hand) VALUES ('L3', 10);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'x', 'L3', 4);
INSERT INTO protection (item, customer_group, qty) VALUES ('L3', 'G', 8);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('b', 'x', 'L3', 5), ('c', 'h1', 'L3', 3);
SELECT * FROM state('L3');
UPDATE protection SET qty = 5 WHERE item = 'L3';
SELECT * FROM state('L3');
UPDATE protection SET customer_group = 'H' WHERE item = 'L3';
SELECT * FROM state('L3');
UPDATE protection SET qty = 2 WHERE item = 'L3';
UPDATE protection SET priority = 101 WHERE item = 'L3';
SELECT * FROM state('L3');
DELETE FROM protection WHERE item = 'L3';
SELECT * FROM state('L3');
-- Several caps of an item deleted at once, several protected quantities changed at once.
INSERT INTO stock (item, on_hand) VALUES ('L4', 9);
INSERT INTO cap (item, customer_group, priority, qty) VALUES ('L4', 'G', NULL, 1), ('L4', NULL, 100, 2);
INSERT INTO protection (item, customer_group, qty) VALUES ('L4', 'G', 1), ('L4', 'H', 2);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'L4', 5), ('b', 'x', 'L4', 5);
SELECT * FROM state('L4');
DELETE FROM cap WHERE item = 'L4';
SELECT * FROM state('L4');
INSERT INTO receipt (item, qty) VALUES ('L4', 3) RETURNING qty_to_backorders;
UPDATE protection SET qty = 0 WHERE item = 'L4';
DELETE FROM protection WHERE item = 'L4';
SELECT * FROM state('L4');

-- ---- Periods ----

-- The first day of the period, by the calendar.
INSERT INTO stock (item, on_hand) VALUES ('T1', 100);
INSERT INTO cap (item, customer_group, qty, period) SELECT 'T1', 'G', 9, p FROM unnest('{day,week,month,quarter,year}'::text[]) p;
SELECT period, period_begins = date_trunc(period, now() AT TIME ZONE time_zone)::date AS begins FROM cap, book WHERE item = 'T1' ORDER BY cap_id;
INSERT INTO cap (item, customer_group, qty, period) VALUES ('T1', 'G', 9, 'ever') RETURNING period_begins;

-- A cap of 5 a month: all used, a waits for 4. The month is over: nobody has noticed, and
-- verify() is content. The next statement on the stock row begins anew: a gets 4 when x orders.
INSERT INTO stock (item, on_hand) VALUES ('T2', 100);
INSERT INTO cap (item, customer_group, qty) VALUES ('T2', 'G', 5);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'T2', 9);
SELECT goes_by('T2', '1 month');
SELECT * FROM state('T2');
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('b', 'x', 'T2', 1);
SELECT * FROM state('T2');
SELECT period_begins = date_trunc('month', now() AT TIME ZONE time_zone)::date AS this_month FROM cap, book WHERE item = 'T2';
-- A period begins with lines that are new: c 2, d 3 of 9.
SELECT goes_by('T2', '1 month');
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('c', 'g2', 'T2', 2), ('d', 'g2', 'T2', 9);
SELECT * FROM state('T2');
-- By hand, for one item and for all.
SELECT goes_by('T2', '1 month');
SELECT fill_waiting('none of these'), fill_waiting('T2'), fill_waiting('T2');
SELECT * FROM state('T2');
SELECT goes_by('T2', '1 month');
SELECT fill_waiting();
SELECT * FROM state('T2');
-- A day, a week, a quarter, a year; not one that has not ended: a cap of 1, lines of 3.
INSERT INTO stock (item, on_hand) SELECT 'T3' || p, 9 FROM unnest('{day,week,month,quarter,year,ever}'::text[]) p;
INSERT INTO cap (item, customer_group, qty, period) SELECT 'T3' || p, 'G', 1, p FROM unnest('{day,week,month,quarter,year,ever}'::text[]) p;
INSERT INTO order_line (order_ref, customer, item, qty_ordered) SELECT 'a', 'g1', 'T3' || p, 3 FROM unnest('{day,week,month,quarter,year,ever}'::text[]) p;
SELECT fill_waiting();
SELECT goes_by('T3' || p, ('1 ' || p)::interval) FROM unnest('{day,week,month,year}'::text[]) p UNION ALL SELECT goes_by('T3quarter', '3 months') UNION ALL SELECT goes_by('T3ever', '5 years');
SELECT fill_waiting();
SELECT item, qty_shipped, qty_backordered FROM order_line WHERE item LIKE 'T3%' ORDER BY line_id;
SELECT * FROM verify();
-- What is given back in a later period than it was taken in: 3 of 3 are allocated last month, 2 of them
-- are cancelled this month: this month has -2 of 3, so that 5 may be taken.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('T4', 100, false);
INSERT INTO cap (item, customer_group, qty) VALUES ('T4', 'G', 3);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('T4a', 'g1', 'T4', 3);
SELECT goes_by('T4', '1 month');
SELECT qty_allocated FROM cancel(id('T4a'), 2);
SELECT * FROM state('T4');
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('b', 'g1', 'T4', 9);
SELECT * FROM state('T4');
-- Time goes by for a line that moves to another cap: only what it took in the period goes along. a took 3 last
-- month and 2 this month, goes to priority 5: that has 2.
INSERT INTO stock (item, on_hand) VALUES ('T5', 3);
INSERT INTO cap (item, priority, qty) VALUES ('T5', 100, 10), ('T5', 5, 10);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('T5a', 'x', 'T5', 5);
SELECT goes_by('T5', '1 month');
INSERT INTO receipt (item, qty) VALUES ('T5', 4);
SELECT * FROM state('T5');
UPDATE order_line SET priority = 5 WHERE order_ref = 'T5a';
SELECT * FROM state('T5');
-- And for a group: x took 3 last month, 2 this month; x joins G: 2.
INSERT INTO stock (item, on_hand) VALUES ('T6', 3);
INSERT INTO cap (item, customer_group, qty) VALUES ('T6', 'G', 10);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'x', 'T6', 5);
SELECT goes_by('T6', '1 month');
INSERT INTO receipt (item, qty) VALUES ('T6', 4);
INSERT INTO customer_group (customer, group_name) VALUES ('x', 'G');
SELECT * FROM state('T6');
DELETE FROM customer_group WHERE customer = 'x';
-- A cap of another period counts anew: 3 last month are 3 ever, and none today.
INSERT INTO stock (item, on_hand) VALUES ('T7', 9);
INSERT INTO cap (item, customer_group, qty) VALUES ('T7', 'G', 3);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'T7', 3);
SELECT goes_by('T7', '1 month');
UPDATE cap SET period = 'ever' WHERE item = 'T7' RETURNING qty_used, period_begins;
UPDATE cap SET period = 'day' WHERE item = 'T7' RETURNING qty_used, period_begins = (now() AT TIME ZONE (SELECT time_zone FROM book))::date AS today;
SELECT * FROM verify();
-- The book's day is that of its time zone: these two are never on the same day.
BEGIN;
INSERT INTO stock (item, on_hand) VALUES ('T8', 9);
UPDATE book SET time_zone = 'Etc/GMT-14';
INSERT INTO cap (item, customer_group, qty, period) VALUES ('T8', 'G', 3, 'day') RETURNING period_begins = (now() AT TIME ZONE 'Etc/GMT-14')::date AS there;
UPDATE book SET time_zone = 'Etc/GMT+12';
INSERT INTO cap (item, customer_group, qty, period) VALUES ('T8', 'H', 3, 'day') RETURNING period_begins = (now() AT TIME ZONE 'Etc/GMT+12')::date AS here;
SELECT max(period_begins) - min(period_begins) IN (1, 2) AS another FROM cap WHERE item = 'T8';
ROLLBACK;

-- ---- Errors ----

INSERT INTO stock (item, on_hand) VALUES ('X', 100);
\set VERBOSITY default
INSERT INTO cap (item, customer_group, qty) VALUES ('nowhere', 'G', 1);
INSERT INTO protection (item, location, qty) VALUES ('X', 'nowhere', 1);
INSERT INTO cap (item, customer_group, qty) VALUES ('X', 'G', -1);
INSERT INTO cap (item, customer_group, qty, qty_used) VALUES ('X', 'G', 1, 0);
INSERT INTO cap (item, customer_group, qty, since, period_begins) VALUES ('X', 'G', 1, now(), now());
TRUNCATE cap;
INSERT INTO cap (item, customer_group, qty) VALUES ('X', 'G', 5);
INSERT INTO protection (item, customer_group, qty) VALUES ('X', 'G', 5);
UPDATE cap SET item = 'T1' WHERE item = 'X';
UPDATE cap SET qty_used = 3 WHERE item = 'X';
DELETE FROM stock WHERE item = 'X';
\set VERBOSITY terse
SELECT fails(q) FROM unnest(ARRAY[
    $$INSERT INTO cap (item, customer_group, qty) VALUES ('X', 'H', 'NaN')$$,
    $$INSERT INTO cap (item, customer_group, qty) VALUES ('X', 'H', 'Infinity')$$,
    $$INSERT INTO cap (item, customer_group, qty) VALUES ('X', 'H', 1000000000000)$$,
    $$INSERT INTO cap (item, customer_group, qty) VALUES ('X', 'H', 0.0000001)$$,
    $$INSERT INTO cap (item, customer_group, qty) VALUES ('X', 'H', NULL)$$,
    $$INSERT INTO cap (customer_group, qty) VALUES ('H', 1)$$,
    $$INSERT INTO cap (item, location, customer_group, qty) VALUES ('X', NULL, 'H', 1)$$,
    $$INSERT INTO cap (item, qty) VALUES ('X', 1)$$,
    $$INSERT INTO cap (item, customer_group, priority, qty) VALUES ('X', 'H', 5, 1)$$,
    $$INSERT INTO cap (item, priority, qty) VALUES ('X', -1, 1)$$,
    $$INSERT INTO cap (item, priority, qty, period) VALUES ('X', 5, 1, 'hour')$$,
    $$INSERT INTO cap (item, priority, qty, period) VALUES ('X', 5, 1, NULL)$$,
    $$INSERT INTO cap (item, customer_group, qty) VALUES ('X', 'G', 6)$$,
    $$INSERT INTO cap (item, customer_group, qty, since) VALUES ('X', 'H', 6, now())$$,
    $$INSERT INTO cap (item, customer_group, qty, period_begins) VALUES ('X', 'H', 6, now())$$,
    $$UPDATE cap SET qty = -1 WHERE item = 'X'$$,
    $$UPDATE cap SET qty = NULL WHERE item = 'X'$$,
    $$UPDATE cap SET location = 'x' WHERE item = 'X'$$,
    $$UPDATE cap SET since = now() WHERE item = 'X'$$,
    $$UPDATE cap SET period_begins = period_begins - 1 WHERE item = 'X'$$,
    $$UPDATE cap SET cap_id = 1 WHERE item = 'X'$$,
    $$UPDATE cap SET qty_used = qty_used, since = since, qty = 5.00 WHERE item = 'X'$$,
    $$INSERT INTO protection (item, qty) VALUES ('nowhere', 1)$$,
    $$INSERT INTO protection (item, qty) VALUES ('X', -0.5)$$,
    $$INSERT INTO protection (item, qty) VALUES ('X', NULL)$$,
    $$INSERT INTO protection (item, qty, priority) VALUES ('X', 1, 40000)$$,
    $$INSERT INTO protection (item, qty, priority) VALUES ('X', 1, NULL)$$,
    $$INSERT INTO protection (item, customer_group, qty) VALUES ('X', 'G', 6)$$,
    $$UPDATE protection SET item = 'T1' WHERE item = 'X'$$,
    $$UPDATE protection SET location = 'x' WHERE item = 'X'$$,
    $$UPDATE protection SET since = now() WHERE item = 'X'$$,
    $$UPDATE protection SET protection_id = 1 WHERE item = 'X'$$,
    $$INSERT INTO customer_group (customer, group_name) VALUES (NULL, 'G')$$,
    $$INSERT INTO customer_group (customer, group_name) VALUES ('n', NULL)$$,
    $$INSERT INTO customer_group (customer, group_name) VALUES ('g1', 'H')$$,
    $$UPDATE customer_group SET since = now() - interval '1 day'$$,
    $$INSERT INTO stock (item, limited) VALUES ('Y', true)$$,
    $$UPDATE stock SET limited = false WHERE item = 'X'$$,
    $$TRUNCATE protection$$, $$TRUNCATE customer_group$$, $$TRUNCATE book, cap$$]) q;
-- Nothing of that has left a trace.
SELECT customer_group, qty, qty_used FROM cap WHERE item = 'X';
SELECT * FROM verify();
-- Without limits a stock row can be deleted.
DELETE FROM cap WHERE item = 'X';
SELECT fails($$DELETE FROM stock WHERE item = 'X'$$);
DELETE FROM protection WHERE item = 'X';
DELETE FROM stock WHERE item = 'X';
-- verify() sees a cap that has counted wrong and a row that doesn't know its limits; writing the cap
-- anew counts it again.
INSERT INTO stock (item, on_hand) VALUES ('X', 100), ('X2', 100);
INSERT INTO cap (item, customer_group, qty) VALUES ('X', 'G', 5);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'X', 3);
SET session_replication_role = replica;
UPDATE cap SET qty_used = 4 WHERE item = 'X';
UPDATE stock SET limited = true WHERE item = 'X2';
RESET session_replication_role;
SELECT rule, item, regexp_replace(detail, 'cap \d+|since \S+', '*', 'g') AS detail FROM verify();
UPDATE cap SET qty = qty WHERE item = 'X';
INSERT INTO protection (item, qty) VALUES ('X2', 1);
SELECT * FROM state('X');

-- ---- Rights ----

SET client_min_messages = warning;
CREATE ROLE regress_bko_app;
CREATE ROLE regress_bko_planner;
RESET client_min_messages;
GRANT USAGE ON SCHEMA t_limits TO regress_bko_app, regress_bko_planner;
GRANT INSERT, SELECT ON order_line TO regress_bko_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON cap, protection, customer_group TO regress_bko_planner;
INSERT INTO stock (item, on_hand) VALUES ('Z', 100);
-- The planner makes limits, and may read nothing else; the kept columns are not his.
SET ROLE regress_bko_planner;
INSERT INTO t_limits.cap (item, customer_group, qty) VALUES ('Z', 'G', 3);
INSERT INTO t_limits.protection (item, priority, qty) VALUES ('Z', 10, 90);
INSERT INTO t_limits.customer_group (customer, group_name) VALUES ('g3', 'G');
SELECT t_limits.fails(q) FROM unnest(ARRAY[
    $$INSERT INTO t_limits.cap (item, customer_group, qty, since, period_begins, qty_used) VALUES ('Z', 'H', 3, now(), now(), 0)$$,
    $$INSERT INTO t_limits.protection (item, qty, since) VALUES ('Z', 3, now())$$,
    $$INSERT INTO t_limits.customer_group (customer, group_name, since) VALUES ('g4', 'G', '2020-01-01')$$,
    $$UPDATE t_limits.cap SET qty_used = 1$$,
    $$SELECT * FROM t_limits.stock$$,
    $$SELECT * FROM t_limits.order_line$$,
    $$UPDATE t_limits.stock SET limited = false$$,
    $$SELECT t_limits.fill_waiting()$$,
    $$SELECT bko.fill_waiting('t_limits.book'::regclass, NULL)$$,
    $$SELECT bko.limit_row()$$,
    $$TRUNCATE t_limits.cap$$]) q;
-- The app orders under limits that it can't read.
SET ROLE regress_bko_app;
INSERT INTO t_limits.order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g3', 'Z', 5), ('b', 'x', 'Z', 9) RETURNING qty_shipped, qty_backordered;
SELECT t_limits.fails(q) FROM unnest(ARRAY[
    $$SELECT * FROM t_limits.cap$$, $$UPDATE t_limits.cap SET qty = 9$$, $$DELETE FROM t_limits.protection$$,
    $$INSERT INTO t_limits.customer_group (customer, group_name) VALUES ('x', 'VIP')$$]) q;
-- What the planner loosens fills lines in the owner's name, and the journal says who did it.
SET ROLE regress_bko_planner;
UPDATE t_limits.cap SET qty = 4 WHERE item = 'Z';
DELETE FROM t_limits.protection WHERE item = 'Z';
DELETE FROM t_limits.customer_group WHERE customer = 'g3';
RESET ROLE;
SELECT * FROM state('Z');
SELECT kind, qty, by_role FROM movement WHERE item = 'Z' AND by_role <> current_user ORDER BY movement_id;
SET client_min_messages = warning;
DROP OWNED BY regress_bko_app, regress_bko_planner;
DROP ROLE regress_bko_app, regress_bko_planner;
RESET client_min_messages;

-- ---- Restore ----

-- The whole book, row by row, limits before anything else: nothing is counted or filled again.
SET client_min_messages = warning;
SELECT bko.create_book('t_limits_to');
RESET client_min_messages;
UPDATE t_limits_to.book SET time_zone = b.time_zone FROM book b;
INSERT INTO t_limits_to.customer_group SELECT * FROM customer_group;
INSERT INTO t_limits_to.cap SELECT * FROM cap;
INSERT INTO t_limits_to.protection SELECT * FROM protection;
INSERT INTO t_limits_to.order_line SELECT * FROM order_line;
INSERT INTO t_limits_to.receipt SELECT * FROM receipt;
INSERT INTO t_limits_to.supply SELECT * FROM supply;
INSERT INTO t_limits_to.stock (item, location, on_hand, allocated, backordered, qty_step, backorder_limit, fill_rule, ships_at_once, last_queued_at, limited, unassigned)
    SELECT item, location, on_hand, allocated, backordered, qty_step, backorder_limit, fill_rule, ships_at_once, last_queued_at, limited, unassigned FROM stock;
INSERT INTO t_limits_to.movement SELECT * FROM movement;
SELECT * FROM t_limits_to.verify();
SELECT count(*) AS different FROM ((TABLE cap EXCEPT TABLE t_limits_to.cap) UNION ALL (TABLE t_limits_to.cap EXCEPT TABLE cap)) d;
SELECT count(*) AS different FROM ((TABLE stock EXCEPT TABLE t_limits_to.stock) UNION ALL (TABLE t_limits_to.stock EXCEPT TABLE stock)) d;
SELECT count(*) AS different FROM ((TABLE order_line EXCEPT TABLE t_limits_to.order_line) UNION ALL (TABLE t_limits_to.order_line EXCEPT TABLE order_line)) d;
-- Once more, with ON CONFLICT DO NOTHING: no change. And life goes on there: a cap of 4 for G is used
-- up, a line of g1 waits for 2. 3 are counted more, and it gets none; the cap is 6, and it gets 2.
INSERT INTO t_limits_to.cap SELECT * FROM cap ON CONFLICT DO NOTHING;
SELECT count(*) AS different FROM ((TABLE cap EXCEPT TABLE t_limits_to.cap) UNION ALL (TABLE t_limits_to.cap EXCEPT TABLE cap)) d;
SELECT on_hand, backordered FROM t_limits_to.count_stock('E5', 99);
UPDATE t_limits_to.cap SET qty = 6 WHERE item = 'E5';
SELECT order_ref, qty_shipped, qty_backordered FROM t_limits_to.order_line WHERE item = 'E5' ORDER BY line_id;
SELECT * FROM t_limits_to.verify();
-- By COPY: k, who has 1 and waits for 4, is brought back into group K, of which 0 is counted; that
-- stays so, and so does what a cap says that is brought back.
INSERT INTO t_limits_to.stock (item, on_hand) VALUES ('K', 1);
INSERT INTO t_limits_to.cap (item, customer_group, qty) VALUES ('K', 'K', 0);
INSERT INTO t_limits_to.order_line (order_ref, customer, item, qty_ordered) VALUES ('k', 'k', 'K', 5);
COPY t_limits_to.customer_group (customer, group_name, since) FROM stdin;
k	K	2020-02-02 00:00:00+00
\.
COPY t_limits_to.cap (cap_id, item, customer_group, qty, period, since, period_begins, qty_used) FROM stdin;
1000	K	K	9	year	2020-02-02 00:00:00+00	2020-01-01	7
\.
COPY t_limits_to.protection (protection_id, item, priority, qty, since) FROM stdin;
1000	K	5	3	2020-02-02 00:00:00+00
\.
SELECT order_ref, qty_shipped, qty_backordered FROM t_limits_to.order_line WHERE item = 'K';
SELECT period, period_begins, qty_used FROM t_limits_to.cap WHERE item = 'K' ORDER BY cap_id;
-- What is new and what is brought back may stand in one statement: the new one counts k's 1.
INSERT INTO t_limits_to.cap (item, customer_group, qty, period, since, period_begins, qty_used) VALUES ('K', 'K', 5, 'week', NULL, NULL, NULL), ('K', 'K', 5, 'day', '2020-02-02 UTC', '2020-02-02', 1);
SELECT period, period_begins >= '2021-01-01' AS now, qty_used FROM t_limits_to.cap WHERE item = 'K' AND period IN ('week', 'day') ORDER BY cap_id;
SET client_min_messages = warning;
DROP SCHEMA t_limits_to CASCADE;
RESET client_min_messages;

-- ---- Triggers and savepoints ----

-- A cap of 10 for G, lines of 4, and an order of 1 for g2 by a trigger for each of them. Before the
-- split: 1, 4, 1, 4, which is all of it; then 1 and 4 wait.
CREATE FUNCTION orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t_limits.order_line (order_ref, customer, item, qty_ordered) VALUES ('nested', 'g2', NEW.item, 1);
    RETURN NEW;
END$$;
CREATE TRIGGER a BEFORE INSERT ON order_line FOR EACH ROW WHEN (NEW.customer = 'g1') EXECUTE FUNCTION orders();
INSERT INTO stock (item, on_hand) VALUES ('N1', 100), ('N2', 100), ('N3', 100), ('N4', 100), ('N5', 100);
INSERT INTO cap (item, customer_group, qty) SELECT 'N' || n, 'G', 10 FROM generate_series(1, 5) n;
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'N1', 4), ('b', 'g1', 'N1', 4), ('c', 'g1', 'N1', 4) RETURNING qty_shipped;
SELECT * FROM state('N1');
-- After the split, before it is in: 4, 1, 4, 1.
ALTER TRIGGER a ON order_line RENAME TO zzz;
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'N2', 4), ('b', 'g1', 'N2', 4), ('c', 'g1', 'N2', 4) RETURNING qty_shipped;
SELECT * FROM state('N2');
DROP TRIGGER zzz ON order_line;
-- After it is in: 4, 4, 2; all the nested ones wait.
CREATE TRIGGER t AFTER INSERT ON order_line FOR EACH ROW WHEN (NEW.customer = 'g1') EXECUTE FUNCTION orders();
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'N3', 4), ('b', 'g1', 'N3', 4), ('c', 'g1', 'N3', 4) RETURNING qty_shipped;
SELECT * FROM state('N3');
DROP TRIGGER t ON order_line;
-- What lines wait for by their cap is granted by a trigger, row by row: 12 in all.
CREATE FUNCTION grants() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE t_limits.cap SET qty = qty + NEW.qty_backordered WHERE item = NEW.item;
    RETURN NULL;
END$$;
CREATE TRIGGER t AFTER INSERT ON order_line FOR EACH ROW WHEN (NEW.qty_backordered > 0) EXECUTE FUNCTION grants();
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'N4', 4), ('b', 'g1', 'N4', 4), ('c', 'g1', 'N4', 4);
SELECT * FROM state('N4');
DROP TRIGGER t ON order_line;
-- When a line is filled it orders 1 more: of a cap of 6, 4 for a, 1 for b, 1 for the nested one; 9 come.
INSERT INTO stock (item) VALUES ('N6');
INSERT INTO cap (item, customer_group, qty) VALUES ('N6', 'G', 6);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'N6', 4), ('b', 'g2', 'N6', 1);
CREATE TRIGGER t AFTER UPDATE ON order_line FOR EACH ROW WHEN (NEW.qty_backordered = 0 AND OLD.qty_backordered > 0 AND NEW.order_ref <> 'nested') EXECUTE FUNCTION orders();
INSERT INTO receipt (item, qty) VALUES ('N6', 9);
SELECT * FROM state('N6');
DROP TRIGGER t ON order_line;

-- Savepoints: 4 of 10, 6 that are rolled back, 5, and 1 of 3.
INSERT INTO stock (item, on_hand) VALUES ('V1', 100);
INSERT INTO cap (item, customer_group, qty) VALUES ('V1', 'G', 10);
BEGIN;
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'V1', 4);
SAVEPOINT s;
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('b', 'g1', 'V1', 6);
UPDATE cap SET qty = 1 WHERE item = 'V1';
DELETE FROM customer_group WHERE customer = 'g1';
ROLLBACK TO s;
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('c', 'g2', 'V1', 5);
SAVEPOINT s;
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('d', 'g1', 'V1', 1), ('e', 'g1', 'V1', 0);
ROLLBACK TO s;
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('f', 'g1', 'V1', 3);
COMMIT;
SELECT * FROM state('V1');
-- In a trigger: what it tries and rolls back uses nothing. A cap of 10, 4 and 6.
CREATE FUNCTION tries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.order_ref <> 'nested' THEN
        INSERT INTO t_limits.order_line (order_ref, customer, item, qty_ordered) VALUES ('nested', 'g2', NEW.item, 3);
        PERFORM 1 / 0;
    END IF;
    RETURN NEW;
EXCEPTION WHEN division_by_zero THEN RETURN NEW;
END$$;
CREATE TRIGGER a BEFORE INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION tries();
CREATE TRIGGER t AFTER INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION tries();
CREATE TRIGGER zzz BEFORE INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION tries();
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'N5', 4), ('b', 'g1', 'N5', 6), ('c', 'g1', 'N5', 1);
SELECT * FROM state('N5');
DROP TRIGGER a ON order_line;
DROP TRIGGER t ON order_line;
DROP TRIGGER zzz ON order_line;
-- Two statements in one: of a cap of 10, 6 and 4 of 6. One deleted and one ordered: 4 of a cap of 4 are
-- a's; b gets them when the statement ends.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('V2', 100, true), ('V3', 100, false);
INSERT INTO cap (item, customer_group, qty) VALUES ('V2', 'G', 10), ('V3', 'G', 4);
WITH a AS (INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'V2', 6) RETURNING qty_shipped)
INSERT INTO order_line (order_ref, customer, item, qty_ordered) SELECT 'b', 'g2', 'V2', qty_shipped FROM a RETURNING qty_shipped;
SELECT * FROM state('V2');
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('V3a', 'g1', 'V3', 4);
WITH d AS (DELETE FROM order_line WHERE order_ref = 'V3a' RETURNING item)
INSERT INTO order_line (order_ref, customer, item, qty_ordered) SELECT 'b', 'g2', item, 5 FROM d;
SELECT * FROM state('V3');

-- ---- Promises ----

-- 10 there, 4 kept for G, 10 come in 5 days. A new line of priority 100, of no group, can have 6 today, 16 in
-- 5 days, more never; one of 99 has 10 today.
CREATE FUNCTION in_days(d date) RETURNS integer LANGUAGE sql AS 'SELECT d - (now() AT TIME ZONE time_zone)::date FROM t_limits.book';
CREATE FUNCTION day_in(n integer) RETURNS date LANGUAGE sql AS 'SELECT (now() AT TIME ZONE time_zone)::date + n FROM t_limits.book';
INSERT INTO stock (item, on_hand) VALUES ('A1', 10);
INSERT INTO protection (item, customer_group, qty) VALUES ('A1', 'G', 4);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('A1', 'A1', 10, day_in(5));
SELECT q, available_to_promise('A1', q) IS NULL AS never, in_days(available_to_promise('A1', q)) > 1 AS later, in_days(available_to_promise('A1', q, priority => 99)) > 1 AS later_for_99 FROM unnest('{6,7,10,11,16,17}'::int[]) q;
-- And a cap of 8 for priority 100, ever.
INSERT INTO cap (item, priority, qty, period) VALUES ('A1', 100, 8, 'ever');
SELECT q, in_days(available_to_promise('A1', q)) > 1 AS later FROM unnest('{6,7,8,9}'::int[]) q;
-- Lines and supply: a cap of 4 for G, ever. 5 in 5 days: a 4, b 1; 10 in 10 days: b 4, and the rest of
-- a and c have no day.
INSERT INTO stock (item) VALUES ('A2');
INSERT INTO cap (item, customer_group, qty, period) VALUES ('A2', 'G', 4, 'ever');
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'A2', 6), ('b', 'x', 'A2', 5), ('c', 'g2', 'A2', 1);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('S1', 'A2', 5, day_in(5)), ('S2', 'A2', 10, day_in(10));
SELECT order_ref, supply_ref, qty FROM pegging WHERE item = 'A2' ORDER BY 1, 2;
SELECT order_ref, qty_backordered, position, qty_ahead, in_days(promised_on) AS days, supply_ref FROM open_backorder WHERE item = 'A2' ORDER BY position;
-- The same cap by the day: on the 10th day it is new: a 2, b 4, c 1.
UPDATE cap SET period = 'day' WHERE item = 'A2';
SELECT order_ref, supply_ref, qty FROM pegging WHERE item = 'A2' ORDER BY 1, 2;
SELECT order_ref, in_days(promised_on) AS days FROM open_backorder WHERE item = 'A2' ORDER BY position;
-- With 3 kept for H: of the first 5 a gets 2, 3 stay. On the 10th day 13 are there: a gets the 4 of the cap
-- of that day, the 3 that stayed and 1; b 5 of the 6 above what is kept; c has none of the cap that day.
INSERT INTO protection (item, customer_group, qty) VALUES ('A2', 'H', 3);
SELECT order_ref, supply_ref, qty FROM pegging WHERE item = 'A2' ORDER BY 1, 2;
-- What comes today does what it promises: the preview, the receipt.
SELECT order_ref, qty FROM preview('A2', 5);
SELECT order_ref, qty FROM receive('A2', 5, supply_ref => 'S1');
SELECT * FROM state('A2');
-- Supply for a line: passes by what is kept, not by the cap.
INSERT INTO stock (item) VALUES ('A3');
INSERT INTO cap (item, customer_group, qty, period) VALUES ('A3', 'G', 4, 'ever');
INSERT INTO protection (item, customer_group, qty) VALUES ('A3', 'H', 9);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'x', 'A3', 5), ('A3b', 'g1', 'A3', 6);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on, for_line_id) VALUES ('S3', 'A3', 6, day_in(5), id('A3b'));
SELECT order_ref, supply_ref, qty FROM pegging WHERE item = 'A3' ORDER BY 1, 2;

-- ---- Backorder processing ----

-- Gains are bound. 15 there: a of g1 has 5 of 8 (a cap of 5), b of x 10 of 12. a can't win.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('W1', 15, false);
INSERT INTO cap (item, customer_group, qty) VALUES ('W1', 'G', 5);
INSERT INTO order_line (order_ref, customer, priority, item, qty_ordered) VALUES ('a', 'g1', 10, 'W1', 8), ('b', 'x', 20, 'W1', 12);
SELECT fails($$SELECT reallocate('W1', strategies => '{"10": "win", "20": "lose"}')$$);
SELECT order_ref, qty_before, qty_after, qty_short FROM reallocate('W1', strategies => '{"10": "win", "20": "lose"}', on_shortage => 'report', dry_run => true);
-- a keeps 5, b loses 10: they are for new orders: c of g2 gets none, its cap is used up; d of y 4.
SELECT order_ref, qty_before, qty_after, qty_short FROM reallocate('W1', strategies => '{"10": "win", "20": "lose"}', on_shortage => 'report');
SELECT * FROM state('W1');
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('c', 'g2', 'W1', 1), ('d', 'y', 'W1', 4);
SELECT * FROM state('W1');
-- What one of the group loses doesn't count for another in the same run: a loses 5, c gains nothing; of the
-- pool of 15 b gets 12, d 3. In the next run c may gain: c 1, d 4, and b the other 10.
SELECT order_ref, qty_before, qty_after FROM reallocate('W1', strategies => '{"10": "lose", "100": "redistribute", "20": "redistribute"}');
SELECT * FROM state('W1');
SELECT order_ref, qty_before, qty_after FROM reallocate('W1', strategies => '{"100": "win", "20": "redistribute"}');
SELECT * FROM state('W1');
-- Protected: 10 there, 4 kept for G. a of x has 6, b of g1 the 4. When b loses them, neither a nor c of y, whom
-- they are kept from, gains any.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('W2', 10, false);
INSERT INTO protection (item, customer_group, qty) VALUES ('W2', 'G', 4);
INSERT INTO order_line (order_ref, customer, priority, item, qty_ordered) VALUES ('a', 'x', 100, 'W2', 8), ('b', 'g1', 200, 'W2', 4), ('c', 'y', 300, 'W2', 3);
SELECT * FROM state('W2');
SELECT order_ref, qty_before, qty_after FROM reallocate('W2', strategies => '{"*": "redistribute"}', dry_run => true);
SELECT order_ref, qty_before, qty_after FROM reallocate('W2', strategies => '{"100": "gain", "200": "lose", "300": "gain"}');
SELECT * FROM state('W2');
-- New orders take of it what they may: y none (4 are kept), g2 2.
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('d', 'y', 'W2', 1), ('e', 'g2', 'W2', 2);
SELECT * FROM state('W2');
-- Stock rises: those that wait are served of the 7 that are there then, 3 of which are above what is kept: a 2,
-- d 1, and the 4 are for b.
SELECT order_ref, qty FROM receive('W2', 5);
SELECT * FROM state('W2');

-- ---- Anything in any order ----

-- 300 random operations on six items: orders, receipts, counts, cancellations, returns, changes of
-- lines, of groups, of limits, backorder processing, and time that goes by. After each of them:
-- verify() is content; a cap of which something was taken has not been exceeded; whoever took something
-- from which a quantity is kept left that quantity there; on_hand is what was brought less what shipped. Each
-- receipt goes to whom the rules say, worked out once more here, and preview() knew it.
SET client_min_messages = warning;
SELECT bko.create_book('t_limits_any');
SET search_path = t_limits_any;
RESET client_min_messages;
UPDATE book SET time_zone = b.time_zone FROM t_limits.book b;
INSERT INTO stock (item, fill_rule, ships_at_once, qty_step) VALUES ('1', 'fifo', true, NULL), ('2', 'due_date', false, NULL), ('3', 'most_lines', false, NULL), ('4', 'fair_share', false, NULL), ('5', 'fifo', false, 3), ('6', 'fair_share', true, 2);

CREATE TABLE before AS SELECT item, on_hand, available, 0::numeric AS shipped FROM stock;
CREATE VIEW group_of AS SELECT l.*, g.group_name FROM order_line l LEFT JOIN customer_group g USING (customer);
CREATE VIEW today AS SELECT (now() AT TIME ZONE time_zone)::date AS today, time_zone FROM book;
-- What a cap's lines have taken, net, in its period of today, and what of it since a movement.
CREATE FUNCTION used(c cap, last_id bigint, OUT net numeric, OUT taken numeric) LANGUAGE sql AS $$
    SELECT coalesce(sum(CASE WHEN to_state IN ('a', 's') AND from_state IS DISTINCT FROM 'a' THEN qty
                             WHEN from_state = 'a' AND to_state IS DISTINCT FROM 's' THEN -qty END)
                        FILTER (WHERE c.period = 'ever' OR at >= date_trunc(nullif(c.period, 'ever'), today::timestamp) AT TIME ZONE time_zone), 0),
           coalesce(sum(qty) FILTER (WHERE to_state IN ('a', 's') AND from_state IS DISTINCT FROM 'a' AND movement_id > last_id), 0)
      FROM today, movement m JOIN group_of l USING (line_id, item)
     WHERE item = c.item AND (l.priority = c.priority OR l.group_name = c.customer_group)
$$;
-- What is kept from a line.
CREATE FUNCTION kept(the_item text, prio integer, the_group text) RETURNS numeric LANGUAGE sql AS $$
    SELECT coalesce(sum(qty), 0) FROM protection p WHERE item = the_item
       AND CASE WHEN customer_group IS NULL THEN prio > priority
                ELSE prio >= priority AND customer_group IS DISTINCT FROM the_group END
$$;
-- Who gets what of a receipt, the lines being served one after the other.
CREATE FUNCTION who_gets(the_item text, q numeric) RETURNS text LANGUAGE plpgsql AS $$
DECLARE s stock; l record; room numeric; line_takes numeric; got text := '';
BEGIN
    SELECT * INTO s FROM stock WHERE item = the_item;
    s.available := s.available + q;
    CREATE TEMP TABLE room_left ON COMMIT DROP AS
        SELECT c.*, c.qty - (used(c, 0)).net AS room FROM cap c WHERE item = the_item;
    FOR l IN SELECT * FROM group_of WHERE item = the_item AND qty_backordered > 0 AND NOT held
              ORDER BY priority, CASE s.fill_rule WHEN 'due_date' THEN requested_on END, CASE s.fill_rule WHEN 'most_lines' THEN qty_backordered END, queued_at, line_id LOOP
        SELECT least(min(c.room), s.available - kept(the_item, l.priority, l.group_name)) INTO room
          FROM room_left c WHERE c.priority = l.priority OR c.customer_group = l.group_name;
        line_takes := greatest(least(l.qty_backordered, room - coalesce(mod(room, s.qty_step), 0)), 0);
        CONTINUE WHEN line_takes = 0;
        got := got || format('%s:%s ', l.line_id, trim_scale(line_takes));
        s.available := s.available - line_takes;
        UPDATE room_left c SET room = c.room - line_takes WHERE c.priority = l.priority OR c.customer_group = l.group_name;
    END LOOP;
    DROP TABLE room_left;
    RETURN got;
END$$;
CREATE FUNCTION check_all(what text, brought numeric, the_item text, last_id bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
    FOR r IN SELECT * FROM verify() LOOP
        RAISE EXCEPTION '% : %', what, r;
    END LOOP;
    FOR r IN SELECT c.*, u.net, u.taken FROM cap c, used(c, last_id) u
              WHERE c.item IN (SELECT m.item FROM movement m WHERE m.movement_id > last_id) AND u.taken > 0 AND u.net > c.qty LOOP
        RAISE EXCEPTION '% : more than the cap: %', what, r;
    END LOOP;
    FOR r IN WITH took AS (
                 SELECT l.item, kept(l.item, l.priority, l.group_name) AS kept, sum(m.qty) AS qty
                   FROM movement m JOIN group_of l USING (line_id, item)
                  WHERE m.movement_id > last_id AND m.to_state IN ('a', 's') AND m.from_state IS DISTINCT FROM 'a'
                  GROUP BY 1, 2
             ), came AS (
                 SELECT b.item, b.available + coalesce(sum(m.qty), 0) AS qty
                   FROM before b LEFT JOIN movement m ON m.item = b.item AND m.movement_id > last_id
                        AND (m.kind IN ('receive', 'adjust', 'return') AND m.qty > 0 OR m.from_state = 'a' AND m.to_state IS DISTINCT FROM 's')
                  GROUP BY b.item, b.available
             )
             SELECT t.*, c.qty AS there, (SELECT sum(o.qty) FROM took o WHERE o.item = t.item AND o.kept >= t.kept) AS by_all
               FROM took t JOIN came c USING (item) WHERE t.kept > 0 LOOP
        CONTINUE WHEN r.by_all <= r.there - r.kept;
        RAISE EXCEPTION '% : from what is kept: %', what, r;
    END LOOP;
    FOR r IN SELECT s.item, s.on_hand, b.on_hand AS was, sum(coalesce(l.qty_shipped, 0)) - b.shipped AS shipped
               FROM stock s JOIN before b USING (item) LEFT JOIN order_line l USING (item)
              GROUP BY s.item, s.on_hand, b.on_hand, b.shipped LOOP
        CONTINUE WHEN r.on_hand = r.was - r.shipped + CASE WHEN r.item = the_item THEN brought ELSE 0 END;
        RAISE EXCEPTION '% : on_hand is wrong: %, % brought', what, r, brought;
    END LOOP;
    UPDATE before b SET on_hand = s.on_hand, available = s.available,
           shipped = (SELECT coalesce(sum(qty_shipped), 0) FROM order_line l WHERE l.item = b.item)
      FROM stock s WHERE s.item = b.item;
END$$;
CREATE FUNCTION pick(VARIADIC anyarray) RETURNS anyelement LANGUAGE sql VOLATILE AS 'SELECT $1[1 + floor(random() * cardinality($1))::int]';
-- One operation.
CREATE FUNCTION anything(n integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    i text := pick('1'::text, '2', '3', '4', '5', '6');
    step numeric; q numeric; brought numeric := 0; dice integer := floor(random() * 100); what text;
    l order_line; would text; would_too text; did text; last_id bigint;
BEGIN
    SELECT coalesce(max(movement_id), 0) INTO last_id FROM movement;
    SELECT coalesce(qty_step, 1) INTO step FROM stock WHERE item = i;
    q := step * ceil(random() * 6);
    SELECT o.* INTO l FROM order_line o WHERE item = i AND closed_at IS NULL ORDER BY random() LIMIT 1;
    IF dice < 32 OR l.line_id IS NULL THEN
        what := 'order';
        INSERT INTO order_line (customer, item, qty_ordered, priority, requested_on, ship_policy)
        SELECT pick('a1'::text, 'a2', 'b1', 'b2', 'x', NULL), i, step * ceil(random() * 6), pick(5, 50, 100), pick('2030-01-01'::date, '2030-01-02', NULL), pick('partial'::text, 'partial', 'line')
          FROM generate_series(1, 1 + floor(random() * 3)::int);
    ELSIF dice < 35 THEN
        what := 'order that is kept out in part';
        INSERT INTO order_line (line_id, customer, item, qty_ordered)
        VALUES (l.line_id, pick('a1'::text, 'b1'), i, q), (DEFAULT, 'a2', i, q), (l.line_id, 'b2', i, q), (DEFAULT, 'b1', i, step) ON CONFLICT DO NOTHING;
    ELSIF dice < 50 THEN
        brought := q * 2 + CASE WHEN random() < 0.3 THEN 1 ELSE 0 END;
        what := 'receipt of ' || brought;
        would := who_gets(i, brought);
        SELECT string_agg(format('%s:%s ', line_id, qty), '') INTO would_too FROM preview(i, brought);
        SELECT string_agg(format('%s:%s ', line_id, qty), '') INTO did FROM receive(i, brought);
        IF would_too IS DISTINCT FROM did OR i NOT IN ('4', '6') AND would <> coalesce(did, '') THEN
            RAISE EXCEPTION '% %, item %: should go to %, preview() says %, went to %', n, what, i, would, would_too, did;
        END IF;
    ELSIF dice < 56 THEN
        SELECT greatest(0, on_hand + ceil(random() * 12) - 6) INTO q FROM stock WHERE item = i;
        what := 'count of ' || q;
        SELECT q - on_hand INTO brought FROM before WHERE item = i;
        PERFORM count_stock(i, q);
    ELSIF dice < 60 THEN
        what := 'cancel';
        PERFORM cancel(l.line_id, least(q, l.qty_allocated + l.qty_backordered));
    ELSIF dice < 62 THEN
        what := 'return';
        SELECT o.* INTO l FROM order_line o WHERE item = i AND qty_shipped > qty_returned ORDER BY random() LIMIT 1;
        IF FOUND THEN
            brought := least(q, l.qty_shipped - l.qty_returned);
            PERFORM return_goods(l.line_id, brought);
        END IF;
    ELSIF dice < 65 THEN
        what := 'ship';
        IF l.qty_allocated > 0 AND NOT l.held AND (l.ship_policy = 'partial' OR l.qty_backordered = 0) THEN PERFORM ship(l.line_id); END IF;
    ELSIF dice < 71 THEN
        what := 'priority, customer or day';
        UPDATE order_line SET priority = pick(5, 50, 100, priority), customer = pick(customer, customer, 'a1', 'b1', 'x'), requested_on = pick(requested_on, NULL) WHERE line_id = l.line_id;
    ELSIF dice < 76 THEN
        what := 'quantity';
        UPDATE order_line SET qty_ordered = greatest(q, qty_shipped + qty_cancelled + step)
         WHERE line_id = l.line_id AND mod(qty_shipped + qty_cancelled, step) = 0;
    ELSIF dice < 78 THEN
        what := 'hold or release';
        UPDATE order_line SET held = NOT held WHERE line_id = l.line_id;
    ELSIF dice < 80 THEN
        what := 'delete or move';
        IF l.qty_shipped = 0 AND l.qty_cancelled = 0 AND random() < 0.5 THEN DELETE FROM order_line WHERE line_id = l.line_id;
        ELSIF l.qty_shipped = 0 AND l.qty_cancelled = 0 THEN UPDATE order_line SET item = pick('1'::text, '2', '3', '4'), qty_ordered = q WHERE line_id = l.line_id;
        END IF;
    ELSIF dice < 88 THEN
        what := 'cap';
        IF random() < 0.5 THEN
            INSERT INTO cap (item, customer_group, qty, period) VALUES (i, pick('A'::text, 'B'), floor(random() * 15), pick('day'::text, 'month', 'ever')) ON CONFLICT DO NOTHING;
            INSERT INTO cap (item, priority, qty, period) VALUES (i, pick(5, 100), floor(random() * 15), 'week') ON CONFLICT DO NOTHING;
        ELSIF random() < 0.6 THEN
            UPDATE cap SET qty = floor(random() * 25) WHERE cap_id = (SELECT cap_id FROM cap WHERE item = i ORDER BY random() LIMIT 1);
        ELSE
            DELETE FROM cap WHERE cap_id = (SELECT cap_id FROM cap WHERE item = i ORDER BY random() LIMIT 1);
        END IF;
    ELSIF dice < 93 THEN
        what := 'protected quantity';
        IF random() < 0.4 THEN
            INSERT INTO protection (item, customer_group, priority, qty) VALUES (i, pick('A'::text, 'B', NULL), pick(5, 50, 100), floor(random() * 8)) ON CONFLICT DO NOTHING;
        ELSIF random() < 0.5 THEN
            UPDATE protection SET qty = floor(random() * 8) WHERE protection_id = (SELECT protection_id FROM protection WHERE item = i ORDER BY random() LIMIT 1);
        ELSE
            DELETE FROM protection WHERE item = i;
        END IF;
    ELSIF dice < 96 THEN
        what := 'group';
        IF random() < 0.6 THEN
            INSERT INTO customer_group AS g (customer, group_name) VALUES (pick('a1'::text, 'b1', 'x'), pick('A'::text, 'B')) ON CONFLICT (customer) DO UPDATE SET group_name = EXCLUDED.group_name;
        ELSE
            DELETE FROM customer_group WHERE customer = pick('a1'::text, 'b1', 'x');
        END IF;
    ELSIF dice < 98 THEN
        what := 'reallocate';
        PERFORM reallocate(i, by => 'priority', on_shortage => 'report', strategies => jsonb_build_object('5', pick('win'::text, 'gain', 'redistribute'), '50', pick('redistribute'::text, 'lose', 'skip'), '100', pick('redistribute'::text, 'fill', 'lose')));
    ELSE
        what := 'time goes by';
        SET LOCAL session_replication_role = replica;
        UPDATE movement SET at = at - interval '400 days' WHERE item = i;
        UPDATE cap SET period_begins = period_begins - 400 WHERE item = i AND period <> 'ever';
        SET LOCAL session_replication_role = origin;
        IF random() < 0.5 THEN PERFORM fill_waiting(i);
        ELSE INSERT INTO order_line (customer, item, qty_ordered) VALUES ('x', i, step);
        END IF;
    END IF;
    PERFORM check_all(format('%s %s, item %s', n, what, i), brought, i, last_id);
END$$;
INSERT INTO customer_group (customer, group_name) VALUES ('a1', 'A'), ('a2', 'A'), ('b1', 'B'), ('b2', 'B');
DO $$
BEGIN
    PERFORM setseed(0.25);
    FOR n IN 1..300 LOOP
        PERFORM t_limits_any.anything(n);
    END LOOP;
END$$;
-- It was not all in vain.
SELECT count(*) FILTER (WHERE kind = 'ship') > 20 AS shipped, count(*) FILTER (WHERE kind = 'release') > 0 AS released,
       (SELECT sum(backordered) > 10 AND sum(available) > 0 FROM stock WHERE limited) AS held_back, (SELECT count(*) > 2 FROM cap) AS caps
  FROM movement;
SET search_path = t_limits;
SET client_min_messages = warning;
DROP SCHEMA t_limits_any CASCADE;
RESET client_min_messages;

-- ---- A period that is over, and limits that change ----

-- The period of a cap is over while a waits for 15, and then the cap is raised: the new period has 12.
INSERT INTO stock (item, on_hand) VALUES ('Y1', 30), ('Y2', 30), ('Y3', 30), ('Y4', 30);
INSERT INTO cap (item, customer_group, qty) SELECT 'Y' || n, 'G', 10 FROM generate_series(1, 4) n;
INSERT INTO order_line (order_ref, customer, item, qty_ordered) SELECT 'a', 'g1', 'Y' || n, 25 FROM generate_series(1, 2) n;
SELECT goes_by('Y1', '1 month');
UPDATE cap SET qty = 12 WHERE item = 'Y1';
SELECT * FROM state('Y1');
-- The same, and another cap is made: it binds, and gives nothing. fill_waiting() does: both have the 10 of the new period.
SELECT goes_by('Y2', '1 month');
INSERT INTO cap (item, priority, qty) VALUES ('Y2', 100, 12);
SELECT fill_waiting('Y2');
SELECT * FROM state('Y2');
-- Two caps of one line are raised by one statement: 10 and 15 are 15 and 20, so a gets 15.
INSERT INTO cap (item, priority, qty) VALUES ('Y3', 100, 15);
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'Y3', 25);
UPDATE cap SET qty = qty + 5 WHERE item = 'Y3';
SELECT * FROM state('Y3');
-- Who waits comes first when a period begins: a has 10 and waits for 4; b is new: a 4, b 6 of 10.
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'Y4', 14);
SELECT goes_by('Y4', '1 month');
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('b', 'g2', 'Y4', 10);
SELECT * FROM state('Y4');

-- A cap that ON CONFLICT keeps out: the row is looked at as if it had limits, and has none.
INSERT INTO stock (item, location, on_hand) VALUES ('Y5', 'main', 9), ('Y5', 'other', 9);
INSERT INTO cap (cap_id, item, customer_group, qty) VALUES (1000003, 'Y5', 'G', 1);
INSERT INTO cap (cap_id, item, location, customer_group, qty) VALUES (1000003, 'Y5', 'other', 'G', 1) ON CONFLICT DO NOTHING;
SELECT * FROM state('Y5');
DELETE FROM cap WHERE item = 'Y5';
DELETE FROM stock WHERE item = 'Y5';

-- Triggers that change whose a new line is, before its statement has ended: what it took counts for the cap
-- that it ends up under. Its priority: 4 for 6, none for 5.
CREATE FUNCTION changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(TG_ARGV[0], NEW.item, NEW.line_id, NEW.customer);
    RETURN NULL;
END$$;
INSERT INTO stock (item, on_hand) SELECT 'Y' || n, 30 FROM generate_series(6, 9) n;
INSERT INTO cap (item, priority, qty) VALUES ('Y6', 5, 10), ('Y6', 6, 10);
CREATE TRIGGER t AFTER INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION changes('UPDATE t_limits.order_line SET priority = 6 WHERE line_id = %2$s');
INSERT INTO order_line (order_ref, customer, priority, item, qty_ordered) VALUES ('a', 'x', 5, 'Y6', 4);
DROP TRIGGER t ON order_line;
SELECT * FROM state('Y6');
-- Its customer's group: he joins with the 9 that he has.
INSERT INTO cap (item, customer_group, qty) VALUES ('Y7', 'G', 5);
CREATE TRIGGER t AFTER INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION changes('INSERT INTO t_limits.customer_group (customer, group_name) VALUES (%3$L, ''G'')');
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'y7', 'Y7', 9);
DROP TRIGGER t ON order_line;
SELECT * FROM state('Y7');
-- A cap that is made meanwhile counts the 4.
CREATE TRIGGER t AFTER INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION changes('INSERT INTO t_limits.cap (item, customer_group, qty) VALUES (%1$L, ''G'', 5)');
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'Y8', 4);
DROP TRIGGER t ON order_line;
SELECT * FROM state('Y8');
-- A cap that is raised by a trigger on the journal, by the 4 that wait: all 9 are shipped and counted once.
INSERT INTO cap (item, customer_group, qty) VALUES ('Y9', 'G', 5);
CREATE TRIGGER t AFTER INSERT ON movement FOR EACH ROW WHEN (NEW.kind = 'backorder') EXECUTE FUNCTION changes('UPDATE t_limits.cap SET qty = qty + 4 WHERE item = %1$L');
ALTER TABLE movement ADD COLUMN customer text;
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'Y9', 9);
DROP TRIGGER t ON movement;
ALTER TABLE movement DROP COLUMN customer;
SELECT * FROM state('Y9');

-- rebuild(): caps again from the journal. A line that came in behind bko's back, with 4; and a cap that has
-- counted wrong.
INSERT INTO stock (item, on_hand) VALUES ('YR', 30);
INSERT INTO cap (item, customer_group, qty) VALUES ('YR', 'G', 5), ('YR', 'H', 5);
SET session_replication_role = replica;
INSERT INTO order_line (line_id, order_ref, customer, item, qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at, closed_at)
    VALUES (1000004, 'a', 'g1', 'YR', 4, 4, 0, 0, 0, 0, 4, now(), now());
UPDATE cap SET qty_used = 3 WHERE item = 'YR' AND customer_group = 'H';
RESET session_replication_role;
SELECT rebuild('YR') > 0 AS corrected;
SELECT qty_used FROM cap WHERE item = 'YR' ORDER BY cap_id;
SELECT * FROM verify();

-- Another time zone: the days that a cap has counted are others, and so is what it has used: verify() says so, and
-- rebuild() counts again. 4 at one o'clock of the day, which is
-- the day before two hours further west, where it is ten o'clock now.
INSERT INTO stock (item, on_hand) VALUES ('YT', 30);
BEGIN;
INSERT INTO cap (item, customer_group, qty, period) VALUES ('YT', 'G', 5, 'day');
INSERT INTO order_line (order_ref, customer, item, qty_ordered) VALUES ('a', 'g1', 'YT', 4);
SET LOCAL session_replication_role = replica;
UPDATE movement SET at = date_trunc('day', now() AT TIME ZONE time_zone) AT TIME ZONE time_zone + interval '1 hour' FROM book WHERE item = 'YT';
SET LOCAL session_replication_role = origin;
UPDATE book SET time_zone = format('<W>%s', extract(hour FROM now() AT TIME ZONE 'UTC')::integer - 10);
SELECT rule, item FROM verify();
SELECT rebuild('YT');
SELECT qty_used FROM cap WHERE item = 'YT';
SELECT * FROM verify();
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA t_limits CASCADE;
