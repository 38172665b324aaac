-- Promises: the place of a waiting line, which supply will fill it, and when.
-- (What becomes of supply that is received, closed or changed: t_supply. Supply that
-- was bought for one line: t_pegged. Published promises and what-if: t_publish.)
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_promise');
RESET client_min_messages;
SET search_path = t_promise;
\set VERBOSITY sqlstate

-- A queue as the views show it: of pegging, each line's shares in the order in which
-- they come, as reference:quantity; days late where both days are known.
CREATE FUNCTION queue(which text, at text DEFAULT 'main') RETURNS TABLE (pos bigint, who text, waits numeric, ahead numeric, gets text, promised_on date, ref text, late integer)
LANGUAGE sql AS $$
    SELECT b.position, b.order_ref, b.qty_backordered, b.qty_ahead,
           (SELECT string_agg(p.supply_ref || ':' || p.qty, ' ' ORDER BY p.expected_on, p.supply_id)
              FROM t_promise.pegging p WHERE p.line_id = b.line_id AND p.item = b.item AND p.location = b.location),
           b.promised_on, b.supply_ref, CASE WHEN b.promised_on IS NOT NULL AND b.requested_on IS NOT NULL THEN b.days_late END
      FROM t_promise.open_backorder b
     WHERE b.item = which AND b.location = at
     ORDER BY b.position
$$;

-- Several supplies for a line, several lines of a supply. Days in order: P1 (5) on the
-- 1st; P2 (4) and P3 (2) on the 5th, P3 having the lower number; P4 (3) nobody knows
-- when, nor P5 (2), of the day after all days, whose number is lower than P4's.
-- a 3: P1. b 6: 2 of P1, 2 of P3, 2 of P2, whole on the 5th. c 1: P2, on the 5th, wanted
-- on the 3rd: 2 days late. d 4: the last 1 of P2, 2 of P5, 1 of P4: it is known what
-- completes it, not when. e 2: the last 2 of P4. f 1: nothing is left for it.
INSERT INTO stock (item) VALUES ('A');
INSERT INTO order_line (order_ref, item, qty_ordered, requested_on) VALUES
    ('a', 'A', 3, '2030-01-01'), ('b', 'A', 6, '2030-01-07'), ('c', 'A', 1, '2030-01-03'), ('d', 'A', 4, '2030-01-03'), ('e', 'A', 2, NULL), ('f', 'A', 1, NULL);
INSERT INTO supply (supply_id, supply_ref, item, qty_expected, expected_on) VALUES
    (900104, 'P4', 'A', 3, NULL), (900102, 'P2', 'A', 4, '2030-01-05'), (900101, 'P3', 'A', 2, '2030-01-05'), (900103, 'P5', 'A', 2, 'infinity'), (900105, 'P1', 'A', 5, '2030-01-01');
SELECT * FROM queue('A');
SELECT order_ref, supply_id, supply_ref, qty, expected_on, item, location FROM pegging WHERE item = 'A' ORDER BY line_id, expected_on, supply_id;
-- A changed purchase order moves every promise at once: P1 later than all known days.
-- a 3: P3's 2, P2's 1; b 6: P2's 3, P1's 3, on the 9th, 2 days late; c and d: P1's last
-- 2 are c's 1 and d's first.
UPDATE supply SET expected_on = '2030-01-09' WHERE supply_ref = 'P1';
SELECT * FROM queue('A');
-- Overdue: the day is told as it is, in the past.
UPDATE supply SET expected_on = '2020-02-29' WHERE supply_ref = 'P1';
SELECT * FROM queue('A') WHERE pos <= 2;
-- What of it came, was too much or will not come: P1 has 3 to come of 5, P3 brings 3
-- instead of 2 and P2 is closed. a's 3 and 2 of b's 6 have come; P1's 3 are b's, then
-- P5 and P4.
INSERT INTO receipt (item, qty, supply_ref) VALUES ('A', 2, 'P1'), ('A', 3, 'P3');
UPDATE supply SET closed = true WHERE supply_ref = 'P2';
SELECT * FROM queue('A');
SELECT * FROM verify();

-- Each rule has an order of its own, and places are told in it: S1 brings 8 on the
-- 10th, S2 6 on the 20th, 14 for 18. c is urgent (50) and first in all of them.
-- fifo: c 3, a 6 (5 of S1, 1 of S2), b 4, d 1 of 4.
-- due_date: c, d and e (1 February, by number), b (1 March), a (none).
-- most_lines: c, e 1, b 4, d 4, a 6.
-- fair_share: the place is that of fifo.
INSERT INTO stock (item) VALUES ('B');
INSERT INTO order_line (order_ref, item, priority, requested_on, qty_ordered) VALUES
    ('a', 'B', 100, NULL, 6), ('b', 'B', 100, '2030-03-01', 4), ('c', 'B', 50, NULL, 3), ('d', 'B', 100, '2030-02-01', 4), ('e', 'B', 100, '2030-02-01', 1);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('S1', 'B', 8, '2030-02-10'), ('S2', 'B', 6, '2030-02-20');
SELECT * FROM queue('B');
UPDATE stock SET fill_rule = 'due_date' WHERE item = 'B';
SELECT * FROM queue('B');
UPDATE stock SET fill_rule = 'most_lines' WHERE item = 'B';
SELECT * FROM queue('B');
UPDATE stock SET fill_rule = 'fair_share' WHERE item = 'B';
SELECT * FROM queue('B');
-- A line moves in its queue, and all promises behind it: a more urgent than c. a 6,
-- c 2 of S1 and 1 of S2, b 4, d 1.
UPDATE stock SET fill_rule = 'fifo' WHERE item = 'B';
UPDATE order_line SET priority = 10 WHERE item = 'B' AND order_ref = 'a';
SELECT * FROM queue('B');
-- What is cancelled is no longer ahead: b, d and e have 4 + 1 less before them.
UPDATE order_line SET qty_ordered = 2 WHERE item = 'B' AND order_ref IN ('a', 'c');
SELECT * FROM queue('B');
SELECT * FROM verify();

-- A step: fills are fives. 3 are there, too few. 4 of P make 7: a takes 5, the 3 and 2
-- of P; 4 of Q and the 2 left of P make 6: a takes 5 more, and is complete. The 1 of Q
-- and 1 of R make no five; with 9 of T they are 11: b takes 5, of which Q has 1, R 1,
-- T 3. Nobody gets more of a supply than it has. Of the 6 that are left c takes 5, and
-- has no day: it waits for 10.
INSERT INTO stock (item, on_hand, qty_step) VALUES ('C', 3, 5);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'C', 10), ('b', 'C', 5), ('c', 'C', 10);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('P', 'C', 4, '2030-01-01'), ('Q', 'C', 4, '2030-01-02'), ('R', 'C', 1, '2030-01-03'), ('T', 'C', 9, '2030-01-04');
SELECT * FROM queue('C');
-- So it comes: 5 to a, 5 to a, nothing, 5 to b and 5 to c, and 1 is left.
SELECT order_ref, qty FROM receive('C', 4, supply_ref => 'P');
SELECT * FROM queue('C');
SELECT order_ref, qty FROM receive('C', 4, supply_ref => 'Q');
SELECT order_ref, qty FROM receive('C', 1, supply_ref => 'R');
SELECT * FROM queue('C');
SELECT order_ref, qty FROM receive('C', 9, supply_ref => 'T');
SELECT available FROM stock WHERE item = 'C';
SELECT * FROM verify();

-- Held: b keeps place 2 and its 3 are ahead of c, but P's 6 are a's 2 and c's 4. It is
-- promised nothing and pegged nothing. Released: a 2, b 3, c 1.
INSERT INTO stock (item) VALUES ('D');
INSERT INTO order_line (order_ref, item, qty_ordered, requested_on, held) VALUES ('a', 'D', 2, NULL, false), ('b', 'D', 3, '2030-01-01', true), ('c', 'D', 4, NULL, false);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('P', 'D', 6, '2030-01-01');
SELECT * FROM queue('D');
SELECT order_ref, held FROM open_backorder WHERE item = 'D' ORDER BY position;
UPDATE order_line SET held = false WHERE item = 'D' AND order_ref = 'b';
SELECT * FROM queue('D');
-- The only one, held, while there is stock: 5 are available and not promised to it.
INSERT INTO stock (item) VALUES ('D2');
INSERT INTO order_line (order_ref, item, qty_ordered, held) VALUES ('a', 'D2', 2, true);
UPDATE stock SET on_hand = 5 WHERE item = 'D2';
SELECT * FROM queue('D2');
SELECT * FROM verify();

-- Items and locations have queues of their own; supply of a place that nothing is
-- stocked at, and of an item that nobody waits for, is for nobody.
INSERT INTO stock (item, location) VALUES ('E', 'main'), ('E', 'west'), ('E2', 'main'), ('E3', 'main');
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('em', 'E', 'main', 2), ('ew', 'E', 'west', 3), ('e2', 'E2', 'main', 4), ('ew2', 'E', 'west', 1);
INSERT INTO supply (supply_ref, item, location, qty_expected, expected_on) VALUES
    ('P', 'E', 'west', 4, '2030-01-01'), ('P', 'E2', 'main', 3, '2030-01-02'), ('P', 'E', 'east', 9, '2030-01-03'), ('P', 'E3', 'main', 9, '2030-01-04');
SELECT 'E main' AS place, * FROM queue('E') UNION ALL SELECT 'E west', * FROM queue('E', 'west') UNION ALL SELECT 'E2', * FROM queue('E2') UNION ALL SELECT 'E3', * FROM queue('E3');
SELECT * FROM verify();

-- Values: 3 x 2.50, 2 x 0; no price, no value. Promised 2 days after it was asked for:
-- 2 late; 2 days before: 0.
INSERT INTO stock (item) VALUES ('F');
INSERT INTO order_line (order_ref, customer, demand, item, qty_ordered, unit_price, currency, requested_on) VALUES
    ('a', 'Anna', 'customer', 'F', 3, 2.50, 'EUR', '2030-01-01'), ('b', NULL, 'internal', 'F', 2, 0, NULL, NULL), ('c', 'Carl', 'customer', 'F', 1, NULL, 'USD', '2030-01-05'), ('d', 'Dora', 'customer', 'F', 1, 1, 'USD', '2030-01-05');
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('P', 'F', 6, '2030-01-03');
SELECT order_ref, customer, demand, item, location, priority, qty_ordered, qty_backordered, value, currency, days_waiting, requested_on, promised_on FROM open_backorder WHERE item = 'F' ORDER BY position;
SELECT who, late FROM queue('F');
-- Days waited: whole ones, of 24 hours.
INSERT INTO stock (item) VALUES ('F2');
INSERT INTO order_line (order_ref, item, qty_ordered, queued_at) VALUES ('a', 'F2', 1, now() - interval '50 hours'), ('b', 'F2', 1, now() - interval '24 hours'), ('c', 'F2', 1, now() - interval '23 hours');
SELECT order_ref, days_waiting FROM open_backorder WHERE item = 'F2' ORDER BY position;
SELECT * FROM verify();

-- A transaction sees what it did itself, and no more once that is rolled back.
INSERT INTO stock (item) VALUES ('G'), ('G2');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'G', 2), ('b', 'G', 3), ('a', 'G2', 1);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('P', 'G', 3, '2030-01-01'), ('P2', 'G2', 1, '2030-01-01');
BEGIN;
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES ('urgent', 'G', 2, 1);
SELECT * FROM queue('G');
SAVEPOINT s;
UPDATE supply SET expected_on = '2030-02-02', qty_expected = 7 WHERE supply_ref = 'P';
SELECT * FROM queue('G');
ROLLBACK TO s;
SELECT * FROM queue('G');
INSERT INTO receipt (item, qty, supply_ref) VALUES ('G', 1, 'P');
SELECT * FROM queue('G');
ROLLBACK;
SELECT * FROM queue('G');
-- One expression evaluated again and again, by a loop: each time as it stands then.
-- P brings 3, 4, 5: b's 3 are missing by 2, 1, none.
DO $$
DECLARE
    total numeric;
BEGIN
    FOR n IN 3..5 LOOP
        UPDATE t_promise.supply SET qty_expected = n WHERE supply_ref = 'P' AND item = 'G';
        total := (SELECT sum(p.qty) FROM t_promise.pegging p WHERE p.item = 'G');
        IF total <> n OR ((SELECT b.promised_on FROM t_promise.open_backorder b WHERE b.item = 'G' AND b.order_ref = 'b') IS NOT NULL) <> (n = 5) THEN
            RAISE EXCEPTION 'of % pegged are %', n, total;
        END IF;
    END LOOP;
END$$;
-- A statement sees what was there when it began: the update in it is not seen.
WITH u AS (UPDATE supply SET qty_expected = 3 WHERE supply_ref = 'P' AND item = 'G' RETURNING 1)
SELECT (SELECT sum(qty) FROM pegging WHERE item = 'G') AS pegged FROM u;
SELECT sum(qty) AS pegged FROM pegging WHERE item = 'G';
-- Neither does a cursor, in a queue that it comes to later: both of the old day.
BEGIN;
DECLARE c CURSOR FOR SELECT l.item, (SELECT promised_on FROM open_backorder b WHERE b.item = l.item AND b.order_ref = 'a') FROM (VALUES ('G'), ('G2')) l (item);
FETCH 1 FROM c;
UPDATE supply SET expected_on = '2031-01-01' WHERE item IN ('G', 'G2');
FETCH 1 FROM c;
SELECT item, promised_on FROM open_backorder WHERE item IN ('G', 'G2') AND order_ref = 'a' ORDER BY item;
ROLLBACK;

-- In one query each queue is read once, however many lines of it are shown (the first
-- line is looked at alone before): 40 lines of 2 queues cost 4 looks at supply; of both
-- views, 6. One line costs one.
INSERT INTO stock (item) VALUES ('H1'), ('H2');
INSERT INTO order_line (order_ref, item, qty_ordered) SELECT 'h' || i, 'H' || 1 + i % 2, 1 FROM generate_series(1, 40) i;
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('H1', 'H1', 15, '2030-01-01'), ('H2', 'H2', 30, '2030-01-02');
CREATE FUNCTION looks() RETURNS bigint LANGUAGE sql VOLATILE AS $$SELECT seq_scan + coalesce(idx_scan, 0) FROM pg_stat_xact_user_tables WHERE relid = 't_promise.supply'::regclass$$;
BEGIN;
SELECT looks() AS before \gset
SELECT item, count(*), count(promised_on) FROM open_backorder WHERE item IN ('H1', 'H2') GROUP BY item ORDER BY item;
SELECT looks() - :before AS looks, looks() AS before \gset
\echo looks :looks
SELECT count(*), sum(p.qty) FROM open_backorder b JOIN pegging p USING (line_id, item) WHERE b.item IN ('H1', 'H2');
SELECT looks() - :before AS looks, looks() AS before \gset
\echo looks :looks
SELECT promised_on FROM open_backorder WHERE order_ref = 'h7';
SELECT looks() - :before AS looks \gset
\echo looks :looks
COMMIT;
SELECT * FROM verify();

-- available_to_promise(): 4 are there; P (3) comes on the 1st, Q (5) on the 9th, R (6)
-- some day. 4 today, 7 on the 1st, 8 and 12 on the 9th, 13 and 18 by no known day.
INSERT INTO stock (item, on_hand) VALUES ('I', 4);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('R', 'I', 6, NULL), ('P', 'I', 3, '2030-01-01'), ('Q', 'I', 5, '2030-01-09');
SELECT q, available_to_promise('I', q) = current_date AS today, nullif(available_to_promise('I', q), current_date) AS later
  FROM unnest(ARRAY[0.000001, 4, 4.000001, 7, 8, 12, 12.5, 13, 18, 19, 999999999999]) q;
-- What it says comes true: a line of 8 is promised the 9th. The next has 4 of Q, then
-- nothing known; one more urgent than the line is served before it: 3 of P, 5 of Q.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'I', 8) RETURNING qty_shipped, qty_backordered;
SELECT * FROM queue('I');
SELECT q, available_to_promise('I', q) AS normal, available_to_promise('I', q, priority => 10) AS urgent, available_to_promise('I', q, priority => 100) AS same, available_to_promise('I', q, priority => NULL) AS unsaid
  FROM generate_series(1, 9) q;
-- Supply that is late already: not before today. It asks nothing of stock that is held
-- for a line.
UPDATE supply SET expected_on = '2020-01-01' WHERE item = 'I' AND supply_ref = 'P';
SELECT available_to_promise('I', 3, priority => 1) = current_date AS today;
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('I2', 5, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'I2', 4);
SELECT available_to_promise('I2', 1) = current_date AS one, available_to_promise('I2', 2) AS two;
-- Held lines are passed over.
INSERT INTO stock (item) VALUES ('I3');
INSERT INTO order_line (order_ref, item, qty_ordered, held) VALUES ('a', 'I3', 9, true);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('P', 'I3', 5, '2030-01-01');
SELECT available_to_promise('I3', 5) AS five, available_to_promise('I3', 6) AS six;
-- A step of 5: 3 are there, and 4 make one five on the 1st, 9 more on the 2nd two more.
INSERT INTO stock (item, on_hand, qty_step) VALUES ('I5', 3, 5);
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('P', 'I5', 4, '2030-01-01'), ('Q', 'I5', 9, '2030-01-02');
SELECT q, available_to_promise('I5', q) FROM unnest(ARRAY[5, 10, 15, 20]) q;
-- By due_date, a line that asks for no day is last of its priority.
INSERT INTO stock (item, fill_rule) VALUES ('I6', 'due_date');
INSERT INTO order_line (order_ref, item, qty_ordered, requested_on) VALUES ('a', 'I6', 3, '2030-01-01');
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('P', 'I6', 3, '2030-01-01'), ('Q', 'I6', 3, '2030-01-02');
SELECT available_to_promise('I6', 3), available_to_promise('I6', 3, priority => 99) AS urgent;
-- Today is a day of the session's time zone: where it is 26 hours later it is tomorrow
-- or the day after. What comes tomorrow is promised for no earlier day.
BEGIN;
UPDATE supply SET expected_on = '2020-01-01' WHERE item = 'I3';
SET LOCAL TIME ZONE 'Etc/GMT+12';
SELECT available_to_promise('I3', 5) = current_date AS overdue, available_to_promise('I2', 1) = current_date AS there, current_date AS day \gset west_
SET LOCAL TIME ZONE 'Pacific/Kiritimati';
SELECT available_to_promise('I3', 5) = current_date AS overdue, available_to_promise('I2', 1) = current_date AS there, current_date > :'west_day' AS later, current_date AS day \gset east_
\echo :west_overdue :west_there :east_overdue :east_there :east_later
UPDATE supply SET expected_on = :'east_day' WHERE item = 'I3';
SET LOCAL TIME ZONE 'Etc/GMT+12';
SELECT available_to_promise('I3', 5) = :'east_day' AS not_today;
ROLLBACK;
-- Not stocked: BK001. No quantity: BK006. Nothing changes.
SELECT available_to_promise('nothing', 1);
SELECT available_to_promise('I', 1, 'nowhere');
SELECT available_to_promise('I', 0);
SELECT available_to_promise('I', -1);
SELECT available_to_promise('I', 0.0000001);
SELECT available_to_promise('I', 1000000000000);
SELECT available_to_promise('I', 'NaN');
SELECT available_to_promise('I', NULL);
SELECT available_to_promise(NULL, 1) IS NULL;
SELECT available_to_promise('I', 1, NULL) IS NULL;
SELECT * FROM verify();

-- Random queues and supplies, 200 of them, against the running total of one laid over
-- the running total of the other. Lines of halves up to 9, of two priorities, some with
-- a day, some held; supplies of few days, so that many come on the same, some of no
-- known day, some closed, some received in part.
CREATE TABLE random_result (item text, what text, detail text);
CREATE FUNCTION some_book(which text, rule text, step numeric) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stock (item, fill_rule, qty_step) VALUES (which, rule, step);
    INSERT INTO order_line (order_ref, item, qty_ordered, priority, requested_on, held)
    SELECT 'o' || i, which, coalesce(step, 0.5) * (1 + floor(random() * 18)), 50 + 50 * floor(random() * 2), CASE WHEN random() < 0.7 THEN date '2030-01-01' + floor(random() * 4)::integer END, random() < 0.15
      FROM generate_series(1, 1 + floor(random() * 14)::integer) i;
    INSERT INTO supply (supply_ref, item, qty_expected, expected_on, closed)
    SELECT 's' || i, which, 0.5 * (1 + floor(random() * 30)), CASE WHEN random() < 0.8 THEN date '2030-01-01' + floor(random() * 4)::integer END, random() < 0.1
      FROM generate_series(1, floor(random() * 9)::integer) i;
END$$;
CREATE FUNCTION running_totals(which text) RETURNS TABLE (line_id bigint, supply_id bigint, qty numeric, completes boolean) LANGUAGE sql AS $$
    WITH l AS (
        SELECT o.line_id, o.qty_backordered AS qty,
               sum(o.qty_backordered) OVER (ORDER BY o.priority, CASE WHEN s.fill_rule = 'due_date' THEN o.requested_on END, CASE WHEN s.fill_rule = 'most_lines' THEN o.qty_backordered END, o.queued_at, o.line_id) AS total
          FROM order_line o JOIN stock s USING (item, location) WHERE o.item = which AND o.qty_backordered > 0 AND NOT o.held
    ), s AS (
        SELECT supply_id, qty_expected - qty_received AS qty, sum(qty_expected - qty_received) OVER (ORDER BY expected_on NULLS LAST, supply_id) AS total
          FROM supply WHERE item = which AND NOT closed AND qty_expected > qty_received
    )
    SELECT l.line_id, s.supply_id, least(l.total, s.total) - greatest(l.total - l.qty, s.total - s.qty), l.total <= s.total
      FROM l JOIN s ON l.total - l.qty < s.total AND s.total - s.qty < l.total
$$;
CREATE FUNCTION places(which text) RETURNS TABLE (line_id bigint, pos bigint, ahead numeric) LANGUAGE sql AS $$
    SELECT o.line_id, row_number() OVER w, sum(o.qty_backordered) OVER w - o.qty_backordered
      FROM order_line o JOIN stock s USING (item, location) WHERE o.item = which AND o.qty_backordered > 0
    WINDOW w AS (ORDER BY o.priority, CASE WHEN s.fill_rule = 'due_date' THEN o.requested_on END, CASE WHEN s.fill_rule = 'most_lines' THEN o.qty_backordered END, o.queued_at, o.line_id ROWS UNBOUNDED PRECEDING)
$$;
-- What holds of any book: no line is pegged more than it waits for, no supply more than
-- is still to come of it, nothing to held lines; a line is pegged in full, or what was
-- available with it, where a supply completes it; under fifo nobody is promised an
-- earlier day than one before him.
CREATE FUNCTION always(which text) RETURNS TABLE (what text, detail text) LANGUAGE sql AS $$
    SELECT 'line', format('%s: %s of %s', b.line_id, p.qty, b.qty_backordered)
      FROM open_backorder b JOIN (SELECT line_id, sum(qty) AS qty FROM pegging WHERE item = which GROUP BY line_id) p USING (line_id)
     WHERE b.item = which AND (p.qty > b.qty_backordered OR b.held)
    UNION ALL
    SELECT 'supply', format('%s: %s of %s', s.supply_id, p.qty, s.qty_expected - s.qty_received)
      FROM supply s JOIN (SELECT supply_id, sum(qty) AS qty FROM pegging WHERE item = which GROUP BY supply_id) p USING (supply_id)
     WHERE s.item = which AND (p.qty > s.qty_expected - s.qty_received OR s.closed)
    UNION ALL
    SELECT 'twice', format('line %s, supply %s', line_id, supply_id) FROM pegging WHERE item = which GROUP BY line_id, supply_id HAVING count(*) > 1 OR min(qty) <= 0
    UNION ALL
    SELECT 'whole', format('%s: %s of %s by %s', b.line_id, p.qty, b.qty_backordered, b.supply_ref)
      FROM open_backorder b JOIN stock t USING (item, location) LEFT JOIN (SELECT line_id, sum(qty) AS qty FROM pegging WHERE item = which GROUP BY line_id) p USING (line_id)
     WHERE b.item = which AND (b.supply_ref IS NOT NULL) <> (coalesce(p.qty, 0) + CASE WHEN b.supply_ref IS NULL THEN 0 ELSE t.available END >= b.qty_backordered)
    UNION ALL
    SELECT 'earlier', format('%s before %s', b.line_id, b.before)
      FROM (SELECT b.*, lag(line_id) OVER w AS before, coalesce(promised_on, 'infinity') < lag(coalesce(promised_on, 'infinity')) OVER w AS earlier
              FROM open_backorder b WHERE item = which AND NOT held AND NOT EXISTS (SELECT FROM supply s WHERE s.item = which AND s.for_line_id IS NOT NULL)
            WINDOW w AS (ORDER BY position)) b JOIN stock t USING (item, location)
     WHERE b.earlier AND t.fill_rule = 'fifo'
$$;
SELECT setseed(0.4711) IS NOT NULL AS seeded;
DO $$
DECLARE
    which text;
    r record;
BEGIN
    FOR n IN 1..200 LOOP
        which := 'R' || n;
        PERFORM some_book(which, (ARRAY['fifo', 'due_date', 'most_lines'])[1 + n % 3], NULL);
        FOR r IN SELECT supply_ref, qty_expected FROM supply WHERE item = which AND NOT closed AND qty_expected >= 2 AND random() < 0.2 LOOP
            INSERT INTO receipt (item, qty, supply_ref) VALUES (which, floor(r.qty_expected / 2), r.supply_ref);
        END LOOP;
        INSERT INTO random_result
        SELECT which, 'pegging', d::text FROM ((SELECT line_id, supply_id, qty FROM running_totals(which) EXCEPT ALL SELECT line_id, supply_id, qty FROM pegging WHERE item = which)
                                               UNION ALL (SELECT line_id, supply_id, qty FROM pegging WHERE item = which EXCEPT ALL SELECT line_id, supply_id, qty FROM running_totals(which))) d
        UNION ALL
        SELECT which, 'promise', b.line_id::text FROM open_backorder b LEFT JOIN running_totals(which) t ON t.line_id = b.line_id AND t.completes LEFT JOIN supply s ON s.supply_id = t.supply_id
         WHERE b.item = which AND ((b.supply_ref, b.promised_on) IS DISTINCT FROM (s.supply_ref, s.expected_on) OR b.days_late <> greatest(s.expected_on - b.requested_on, 0) AND s.expected_on - b.requested_on IS NOT NULL)
        UNION ALL
        SELECT which, 'place', b.line_id::text FROM open_backorder b FULL JOIN places(which) p USING (line_id) WHERE coalesce(b.item, which) = which AND (b.position, b.qty_ahead) IS DISTINCT FROM (p.pos, p.ahead)
        UNION ALL
        SELECT which, a.what, a.detail FROM always(which) a;
    END LOOP;
END$$;
SELECT * FROM random_result LIMIT 10;
-- They were worth looking at: many lines with several supplies and the other way round.
SELECT count(*) > 500 AS lines, count(DISTINCT item) FILTER (WHERE n > 1) > 100 AS several FROM (SELECT item, line_id, count(*) AS n FROM pegging WHERE item LIKE 'R%' GROUP BY item, line_id) p;

-- What was promised comes true. Another 200, with steps, and supplies that were bought
-- for one line: each comes in whole, in the order of the days. Whoever was promised a
-- supply is completed by it; without steps everybody gets just what was pegged (with
-- them, of several deliveries that lie there, the last is what fills).
CREATE FUNCTION deliver(which text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT supply_ref, qty_expected FROM supply WHERE item = which AND NOT closed ORDER BY expected_on NULLS LAST, supply_id LOOP
        INSERT INTO receipt (item, qty, supply_ref) VALUES (which, r.qty_expected, r.supply_ref);
    END LOOP;
END$$;
DO $$
DECLARE
    which text;
    rule text;
BEGIN
    FOR n IN 1..200 LOOP
        which := 'T' || n;
        rule := (ARRAY['fifo', 'due_date', 'most_lines'])[1 + n % 3];
        PERFORM some_book(which, rule, CASE WHEN n % 2 = 0 THEN 1.5 END);
        IF rule <> 'most_lines' THEN
            UPDATE supply s SET for_line_id = (SELECT line_id FROM order_line l WHERE l.item = which ORDER BY hashint8(l.line_id + s.supply_id) LIMIT 1) WHERE item = which AND random() < 0.3;
        END IF;
        CREATE TEMP TABLE said AS SELECT p.line_id, p.supply_id, p.qty FROM pegging p WHERE p.item = which;
        CREATE TEMP TABLE promised AS SELECT b.line_id, b.supply_ref FROM open_backorder b WHERE b.item = which;
        INSERT INTO random_result SELECT which, a.what, a.detail FROM always(which) a;
        PERFORM deliver(which);
        CREATE TEMP TABLE got AS
        SELECT m.line_id, r.supply_id, r.supply_ref, sum(m.qty) AS qty, max(m.receipt_id) = max(max(m.receipt_id)) OVER (PARTITION BY m.line_id) AND l.qty_backordered = 0 AS completes
          FROM movement m JOIN receipt r USING (receipt_id, item) JOIN order_line l USING (line_id, item) WHERE m.item = which AND m.line_id IS NOT NULL GROUP BY m.line_id, r.supply_id, r.supply_ref, l.qty_backordered;
        INSERT INTO random_result
        SELECT which, 'got', d::text FROM ((SELECT line_id, supply_id, qty FROM said EXCEPT ALL SELECT line_id, supply_id, qty FROM got) UNION ALL (SELECT line_id, supply_id, qty FROM got EXCEPT ALL SELECT line_id, supply_id, qty FROM said)) d WHERE n % 2 = 1
        UNION ALL
        SELECT which, 'completed', p.line_id || ': ' || coalesce(p.supply_ref, '-') || ', not ' || coalesce(g.supply_ref, '-')
          FROM promised p LEFT JOIN got g ON g.line_id = p.line_id AND g.completes WHERE p.supply_ref IS DISTINCT FROM g.supply_ref;
        DROP TABLE said, promised, got;
    END LOOP;
END$$;
SELECT * FROM random_result LIMIT 10;
SELECT count(*) > 150 AS bought FROM supply WHERE item LIKE 'T%' AND for_line_id IS NOT NULL;
SELECT * FROM verify();

-- Nobody knows how late a line is that asks for no day, or that is promised none: null.
SELECT order_ref, requested_on, promised_on, days_late FROM open_backorder WHERE item = 'F' ORDER BY position;
-- A day before or after all days, asked for or expected: the view can be read all the
-- same.
INSERT INTO stock (item) VALUES ('U1'), ('U2');
INSERT INTO order_line (order_ref, item, qty_ordered, requested_on) VALUES ('a', 'U1', 1, 'infinity'), ('b', 'U1', 1, '-infinity'), ('c', 'U2', 1, '2030-01-01');
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('P', 'U1', 2, '2030-01-01'), ('Q', 'U2', 1, '-infinity');
SELECT count(b) FROM open_backorder b WHERE item LIKE 'U%';
-- Numbers of supply lines are told apart by their items, as the key is: 4 came on the
-- first 990001 and nothing on the second.
INSERT INTO stock (item) VALUES ('W1'), ('W2');
INSERT INTO supply (supply_id, supply_ref, item, qty_expected) VALUES (990001, 'P', 'W1', 5), (990001, 'P', 'W2', 5);
INSERT INTO receipt (item, qty, supply_ref) VALUES ('W1', 4, 'P');
SELECT * FROM verify();

-- Who may read. A reader has SELECT on the two views, and nothing else; the owner of
-- the book is no superuser.
SET client_min_messages = warning;
DROP SCHEMA t_promise CASCADE;
DROP ROLE IF EXISTS regress_bko_keeper, regress_bko_reader, regress_bko_guest;
CREATE ROLE regress_bko_keeper;
CREATE ROLE regress_bko_reader;
CREATE ROLE regress_bko_guest;
DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_bko_keeper, regress_bko_reader', current_database()); END$$;
SET ROLE regress_bko_keeper;
SELECT bko.create_book('t_promise');
RESET client_min_messages;
RESET search_path;
INSERT INTO t_promise.stock (item) VALUES ('A');
INSERT INTO t_promise.order_line (order_ref, item, qty_ordered) VALUES ('a', 'A', 2), ('b', 'A', 3);
INSERT INTO t_promise.supply (supply_ref, item, qty_expected, expected_on) VALUES ('P', 'A', 3, '2030-01-01');
SELECT read_key FROM t_promise.book \gset
GRANT USAGE ON SCHEMA t_promise TO regress_bko_reader, regress_bko_guest;
GRANT SELECT ON t_promise.open_backorder, t_promise.pegging TO regress_bko_reader;
SET ROLE regress_bko_reader;
SELECT order_ref, position, qty_ahead, promised_on, supply_ref FROM t_promise.open_backorder ORDER BY position;
SELECT order_ref, supply_ref, qty FROM t_promise.pegging ORDER BY line_id;
-- Not the tables, not the key, not the functions.
SELECT * FROM t_promise.order_line;
SELECT * FROM t_promise.supply;
SELECT * FROM t_promise.stock;
SELECT read_key FROM t_promise.book;
SELECT * FROM t_promise.promise;
SELECT * FROM t_promise.promise_change;
SELECT t_promise.available_to_promise('A', 1);
SELECT * FROM t_promise.preview_supply('P', '2031-01-01');
SELECT * FROM t_promise.publish_promises();
-- A view of his own, for somebody who may read nothing of the book.
CREATE SCHEMA t_promise_mine;
GRANT USAGE ON SCHEMA t_promise_mine TO regress_bko_guest;
CREATE VIEW t_promise_mine.late AS SELECT order_ref, promised_on FROM t_promise.open_backorder WHERE item = 'A';
CREATE VIEW t_promise_mine.pegs AS SELECT order_ref, supply_ref, qty FROM t_promise.pegging;
GRANT SELECT ON t_promise_mine.late, t_promise_mine.pegs TO regress_bko_guest;
SET ROLE regress_bko_guest;
SELECT * FROM t_promise_mine.late ORDER BY order_ref;
SELECT * FROM t_promise_mine.pegs ORDER BY order_ref;
SELECT * FROM t_promise.open_backorder;
SELECT * FROM t_promise.pegging;
-- Without the right key the functions behind the views tell nothing: a wrong one is
-- refused, by whomever, and null gives nothing.
SELECT bko.promise('t_promise.book', gen_random_uuid(), 'A', 'main', 1);
SELECT * FROM bko.pegging('t_promise.book', gen_random_uuid(), 'A', 'main', 1);
SELECT bko.promise('t_promise.book', gen_random_uuid(), 'no item', 'nowhere', 0);
SELECT bko.promise('t_promise.book', NULL, 'A', 'main', 1) IS NULL AS nothing;
SELECT count(*) FROM bko.pegging('t_promise.book', NULL, 'A', 'main', 1);
SELECT count(*) FROM bko.pegging(NULL, gen_random_uuid(), 'A', 'main', 1);
SELECT bko.promise('pg_class', gen_random_uuid(), 'A', 'main', 1);
SELECT bko.promise('t_promise.stock', gen_random_uuid(), 'A', 'main', 1);
SELECT bko.available_to_promise('t_promise.book', 'A', 1, 'main', 100);
SELECT * FROM bko.preview_supply('t_promise.book', 'P', '2031-01-01', NULL, NULL, NULL);
-- One row right, one wrong: the second is refused as well.
SET ROLE regress_bko_keeper;
SELECT bko.promise('t_promise.book', k, 'A', 'main', 1) IS NULL FROM (VALUES (:'read_key'::uuid), (gen_random_uuid())) v (k);
-- With the right one: the first line; a line, an item, a location that isn't.
SELECT p.* FROM t_promise.order_line l, bko.promise('t_promise.book', :'read_key', 'A', 'main', l.line_id) p ORDER BY position;
SELECT bko.promise('t_promise.book', :'read_key', 'A', 'main', 0), bko.promise('t_promise.book', :'read_key', 'B', 'main', 1), bko.promise('t_promise.book', :'read_key', 'A', 'west', 1), bko.promise('t_promise.book', :'read_key', NULL, 'main', 1);
-- The owner grants the functions one by one.
GRANT EXECUTE ON FUNCTION t_promise.available_to_promise(text, numeric, text, integer), t_promise.preview_supply(text, date, numeric, text, text), t_promise.publish_promises() TO regress_bko_guest;
SET ROLE regress_bko_guest;
SELECT t_promise.available_to_promise('A', 1) IS NULL AS none;
SELECT order_ref, promised_on, promised_then FROM t_promise.preview_supply('P', '2031-01-01');
SELECT order_ref, new_promised_on, by_role FROM t_promise.publish_promises();
-- The search_path of a reader has names that the views and functions could fall for.
SET ROLE regress_bko_reader;
CREATE FUNCTION t_promise_mine.fell(text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $$BEGIN RAISE EXCEPTION 'fell for %', $1 USING ERRCODE = 'XX999'; END$$;
DO $$
DECLARE
    t text;
    op text;
BEGIN
    FOREACH t IN ARRAY ARRAY['text', 'numeric', 'int8', 'int4', 'date', 'uuid', 'bool', 'timestamptz'] LOOP
        EXECUTE format('CREATE FUNCTION t_promise_mine.compare(pg_catalog.%1$s, pg_catalog.%1$s) RETURNS boolean LANGUAGE sql AS $f$SELECT t_promise_mine.fell(%1$L)$f$', t);
        FOREACH op IN ARRAY ARRAY['=', '<>', '<', '>', '<=', '>=', '-', '+', '*'] LOOP
            EXECUTE format('CREATE OPERATOR t_promise_mine.%1$s (LEFTARG = pg_catalog.%2$s, RIGHTARG = pg_catalog.%2$s, FUNCTION = t_promise_mine.compare)', op, t);
        END LOOP;
    END LOOP;
    FOREACH t IN ARRAY ARRAY['book', 'stock', 'order_line', 'supply', 'promise', 'promise_change', 'open_backorder', 'waiting_line'] LOOP
        EXECUTE format('CREATE TABLE t_promise_mine.%I (a pg_catalog.int4)', t);
    END LOOP;
    CREATE FUNCTION t_promise_mine.now() RETURNS pg_catalog.timestamptz LANGUAGE sql AS $f$SELECT pg_catalog.now() WHERE t_promise_mine.fell('now')$f$;
    CREATE FUNCTION t_promise_mine.trim_scale(pg_catalog.numeric) RETURNS pg_catalog.numeric LANGUAGE sql AS $f$SELECT $1 WHERE t_promise_mine.fell('trim_scale')$f$;
    CREATE DOMAIN t_promise_mine.text AS pg_catalog.text CHECK (t_promise_mine.fell('text'));
    CREATE DOMAIN t_promise_mine.date AS pg_catalog.date CHECK (t_promise_mine.fell('date'));
    CREATE DOMAIN t_promise_mine.numeric AS pg_catalog.numeric CHECK (t_promise_mine.fell('numeric'));
END$$;
GRANT ALL ON ALL TABLES IN SCHEMA t_promise_mine TO PUBLIC;
SET search_path = t_promise_mine, pg_catalog;
SELECT count(promised_on) FROM t_promise.open_backorder;
SELECT count(qty) FROM t_promise.pegging;
RESET ROLE;
SET ROLE regress_bko_keeper;
SET search_path = t_promise_mine, pg_catalog;
INSERT INTO t_promise.supply (supply_ref, item, qty_expected, expected_on, for_line_id) SELECT 'Q', 'A', 1, '2030-02-01', max(l.line_id) FROM t_promise.order_line l;
SET ROLE regress_bko_guest;
SELECT t_promise.available_to_promise('A', 1) IS NULL AS none;
SELECT count(p.line_id) FROM t_promise.preview_supply('P', '2031-01-01') p;
SELECT count(p.line_id) FROM t_promise.publish_promises() p;
SET ROLE regress_bko_keeper;
SELECT count(line_id) AS filled FROM t_promise.receive('A', 1, supply_ref => 'Q');
SELECT count(rule) FROM t_promise.verify();
RESET search_path;
-- The views stand where the schema is renamed.
ALTER SCHEMA t_promise RENAME TO t_promise_2;
SET ROLE regress_bko_reader;
SELECT order_ref, position, qty_ahead, promised_on, supply_ref FROM t_promise_2.open_backorder ORDER BY position;
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA t_promise_mine CASCADE;
DROP SCHEMA t_promise_2 CASCADE;
DO $$BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM regress_bko_keeper, regress_bko_reader', current_database()); END$$;
DROP ROLE regress_bko_keeper, regress_bko_reader, regress_bko_guest;
