-- fill_rule: who is filled first. due_date, fair_share, most_lines; preview() says
-- exactly what the receipt then does.
SET client_min_messages = warning;
\set VERBOSITY sqlstate
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('life_rules');
SET search_path = life_rules;
RESET client_min_messages;
CREATE VIEW lines AS
    SELECT order_ref AS ref, item, location AS loc, qty_ordered AS ordered, qty_shipped AS shipped,
           qty_allocated AS alloc, qty_backordered AS back, qty_cancelled AS canc, qty_returned AS ret,
           closed_at IS NOT NULL AS closed
      FROM order_line;
CREATE VIEW stocks AS SELECT item, location AS loc, on_hand, allocated, available, backordered FROM stock;
CREATE FUNCTION id(text, text DEFAULT '%') RETURNS bigint LANGUAGE sql
    AS 'SELECT line_id FROM order_line WHERE order_ref = $1 AND item LIKE $2';

-- due_date: priority, then the day asked for, no day last, then the queue.
-- Lines want 2 each. C is urgent; E and A are due on the 1st, E queued first; B
-- on the 2nd; D at no day. 7 come in: C 2, E 2, A 2, B 1.
INSERT INTO stock (item, fill_rule) VALUES ('D', 'due_date');
INSERT INTO order_line (order_ref, item, qty_ordered, priority, requested_on) VALUES
    ('D', 'D', 2, 100, NULL), ('E', 'D', 2, 100, '2030-01-01'), ('B', 'D', 2, 100, '2030-01-02'),
    ('A', 'D', 2, 100, '2030-01-01'), ('C', 'D', 2, 99, '2030-12-31');
SELECT order_ref, qty, qty_backordered FROM preview('D', 7);
SELECT order_ref, qty, qty_backordered FROM receive('D', 7);
-- the day after tomorrow becomes never, and infinity is a day like others
UPDATE order_line SET requested_on = 'infinity' WHERE order_ref = 'B';
INSERT INTO order_line (order_ref, item, qty_ordered, requested_on) VALUES ('F', 'D', 1, '-infinity');
SELECT order_ref, qty, qty_backordered FROM receive('D', 3);
SELECT * FROM verify();

-- most_lines: in one priority the smallest open quantity first. G 5, H 2, I 3,
-- J 2, urgent K 9. 9 + 2 + 2 + 1: K, H, J (queued after H), I in part.
INSERT INTO stock (item, fill_rule) VALUES ('M', 'most_lines');
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES
    ('G', 'M', 5, 100), ('H', 'M', 2, 100), ('I', 'M', 3, 100), ('J', 'M', 2, 100), ('K', 'M', 9, 1);
SELECT order_ref, qty, qty_backordered FROM preview('M', 14);
SELECT order_ref, qty, qty_backordered FROM receive('M', 14);
-- what counts is what is open: I waits for 2 of its 3, L for 3 since 4 of its 7
-- are cancelled, G for 5. 6 come in: I 2, L 3, G 1.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('L', 'M', 7);
SELECT qty_backordered FROM cancel(id('L'), 4);
SELECT order_ref, qty, qty_backordered FROM receive('M', 6);
SELECT * FROM verify();

-- fair_share: 10 among 6, 3, 2 (11 in all): 60/11 = 5 r 5, 30/11 = 2 r 8,
-- 20/11 = 1 r 9: 8 are given out, of the 2 that are left one goes to the third
-- (9), one to the second (8): 5, 3, 2.
INSERT INTO stock (item, fill_rule) VALUES ('F', 'fair_share');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('N', 'F', 6), ('O', 'F', 3), ('P', 'F', 2);
SELECT order_ref, qty, qty_backordered FROM preview('F', 10);
SELECT order_ref, qty, qty_backordered FROM receive('F', 10);
-- equal claims: the first in the queue. 2 among 1, 1, 1: Q and R get one.
INSERT INTO stock (item, fill_rule) VALUES ('F2', 'fair_share');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('Q', 'F2', 1), ('R', 'F2', 1), ('S', 'F2', 1);
SELECT order_ref, qty, qty_backordered FROM receive('F2', 2);
-- steps of 6: 20 are 3 steps and 2 left over. Among 12, 12, 6 (30): 18*12/30 =
-- 7.2, 7.2, 3.6 or 1.2, 1.2, 0.6 steps: 1, 1, 0 and the third step to the
-- largest remainder, 0.6: 6, 6, 6; 2 stay on hand.
INSERT INTO stock (item, fill_rule, qty_step) VALUES ('F3', 'fair_share', 6);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('T', 'F3', 12), ('U', 'F3', 12), ('V', 'F3', 6);
SELECT order_ref, qty, qty_backordered FROM preview('F3', 20);
INSERT INTO receipt (item, qty) VALUES ('F3', 20) RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM lines WHERE item = 'F3' ORDER BY 1;
SELECT * FROM stocks WHERE item = 'F3';
-- 4 more: with the 2 that were left over a step, for T (remainders 0.5, 0.5)
INSERT INTO receipt (item, qty) VALUES ('F3', 4) RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM lines WHERE item = 'F3' ORDER BY 1;
-- decimals: 1 among 0.7, 0.7, 0.6 (2.0), counted in tenths since all are
-- tenths: 3.5, 3.5, 3 tenths: 3, 3, 3, the last one to the first: 0.4, 0.3, 0.3
INSERT INTO stock (item, fill_rule) VALUES ('F4', 'fair_share');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('W', 'F4', 0.7), ('X', 'F4', 0.7), ('Y', 'F4', 0.6);
SELECT order_ref, qty, qty_backordered FROM receive('F4', 1);
-- the finest: 0.000005 among 0.000002, 0.000002, 0.000002: 2, 2, 1 millionths
INSERT INTO stock (item, fill_rule) VALUES ('F5', 'fair_share');
INSERT INTO order_line (order_ref, item, qty_ordered) SELECT 'Z' || n, 'F5', 0.000002 FROM generate_series(1, 3) n;
SELECT order_ref, qty, qty_backordered FROM receive('F5', 0.000005);
-- and the largest: 99999999999.999999 among three times 100000000000, a third
-- each, which is 33333333333.333333 exactly
INSERT INTO stock (item, fill_rule) VALUES ('F6', 'fair_share');
INSERT INTO order_line (order_ref, item, qty_ordered) SELECT 'Z' || n, 'F6', 100000000000 FROM generate_series(1, 3) n;
SELECT order_ref, qty, qty_backordered FROM receive('F6', 99999999999.999999);
-- priorities: the urgent ones in full, the others share what is left: 2 of 2
-- and 1 of 1, then 4 among 4 and 4; nothing for priority 200
INSERT INTO stock (item, fill_rule) VALUES ('F7', 'fair_share');
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES
    ('p200', 'F7', 5, 200), ('p100a', 'F7', 4, 100), ('p1a', 'F7', 2, 1), ('p100b', 'F7', 4, 100), ('p1b', 'F7', 1, 1);
SELECT order_ref, qty, qty_backordered FROM preview('F7', 7);
SELECT order_ref, qty, qty_backordered FROM receive('F7', 7);
-- lines that ship as a whole hold their share
INSERT INTO stock (item, fill_rule) VALUES ('F8', 'fair_share');
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('a', 'F8', 4, 'line'), ('b', 'F8', 4, 'partial');
SELECT order_ref, qty, qty_shipped, qty_backordered FROM receive('F8', 6);
SELECT order_ref, qty, qty_shipped, qty_backordered FROM receive('F8', 2);
-- parts of a step that a cancellation left behind: twenty lines want 1 each,
-- 5 go together. 15 come in: whatever is said about that step, nobody waits
-- while 5 are there.
INSERT INTO stock (item, fill_rule, qty_step) VALUES ('F9', 'fair_share', 5);
BEGIN;
INSERT INTO order_line (order_ref, item, qty_ordered) SELECT 'c' || n, 'F9', 5 FROM generate_series(1, 20) n;
DO $$ BEGIN PERFORM cancel(line_id, 4) FROM order_line WHERE item = 'F9';
EXCEPTION WHEN SQLSTATE 'BK006' THEN NULL; END $$;
INSERT INTO receipt (item, qty) VALUES ('F9', 15);
SELECT count(*) FROM verify();
ROLLBACK;

-- The arithmetic of fair_share once more, in plain SQL. shares(): one pool
-- among the lines of one item that wait, priority after priority; a share is
-- floor(units * open / sum), what is left over goes by remainders, then by place.
CREATE FUNCTION shares(the_item text, pool numeric, step numeric)
    RETURNS TABLE (ref text, qty numeric) LANGUAGE plpgsql AS $$
DECLARE p int; total numeric; unit numeric; units numeric;
BEGIN
    pool := pool - coalesce(mod(pool, step), 0);
    FOR p IN SELECT DISTINCT priority FROM order_line WHERE item = the_item AND qty_backordered > 0 ORDER BY 1 LOOP
        CREATE TEMP TABLE w ON COMMIT DROP AS
            SELECT order_ref, qty_backordered AS open, row_number() OVER (ORDER BY queued_at, line_id) AS place
              FROM order_line WHERE item = the_item AND priority = p AND qty_backordered > 0;
        SELECT sum(open) INTO total FROM w;
        SELECT coalesce(step, max(u)) INTO unit FROM unnest('{1,0.1,0.01,0.001,0.0001,0.00001,0.000001}'::numeric[]) u
         WHERE mod(pool, u) = 0 AND NOT EXISTS (SELECT FROM w WHERE mod(open, u) <> 0);
        units := div(least(pool, total), unit);
        RETURN QUERY
            SELECT order_ref, unit * (base + (row_number() OVER (ORDER BY rest DESC, place) <= units - sum(base) OVER ())::int)
              FROM (SELECT order_ref, place, div(units * open, total) AS base, mod(units * open, total) AS rest FROM w) q;
        pool := pool - least(pool, total);
        DROP TABLE w;
        EXIT WHEN pool <= 0;
    END LOOP;
END $$;
-- 60 pools of all kinds: 1 to 9 lines, in priorities, whole numbers, fractions
-- of any length, steps; up to 3 receipts after each other on the same lines.
CREATE TABLE oracle (pool int, round int, ref text, share numeric, preview numeric, receipt numeric);
SET client_min_messages = warning;
DO $$
DECLARE k int; r int; grain numeric; step numeric; q numeric; i text;
BEGIN
    FOR k IN 1..60 LOOP
        i := 'K' || k;
        step := CASE WHEN k % 4 = 1 THEN (k % 7 + 1) * CASE WHEN k % 8 = 1 THEN 0.25 ELSE 1 END END;
        grain := coalesce(step, (ARRAY[1, 1, 0.5, 0.01, 0.001, 0.000001])[k % 6 + 1]);
        INSERT INTO stock (item, fill_rule, qty_step) VALUES (i, 'fair_share', step);
        INSERT INTO order_line (order_ref, item, qty_ordered, priority)
        SELECT 'k' || n, i, grain * ((k * 7 + n * 13 + n * n * k) % 23 + 1), CASE WHEN k % 5 = 0 THEN n % 3 ELSE 7 END
          FROM generate_series(1, 1 + k % 9) n;
        FOR r IN 1..3 LOOP
            SELECT grain * (1 + (k * 31 + r * 17) % greatest(div(sum(qty_backordered) * 2 / 3, grain), 1)) INTO q
              FROM order_line WHERE item = i;
            CONTINUE WHEN q IS NULL OR NOT EXISTS (SELECT FROM order_line WHERE item = i AND qty_backordered > 0);
            INSERT INTO oracle
            SELECT k, r, coalesce(s.ref, p.order_ref), s.qty, p.qty, NULL FROM shares(i, q, step) s
              FULL JOIN preview(i, q) p ON p.order_ref = s.ref WHERE s.qty > 0 OR p.qty > 0;
            UPDATE oracle o SET receipt = f.qty FROM receive(i, q) f WHERE o.pool = k AND o.round = r AND o.ref = f.order_ref;
        END LOOP;
    END LOOP;
END $$;
RESET client_min_messages;
SELECT count(DISTINCT pool) AS pools, count(*) > 300 AS "many shares", count(*) FILTER (WHERE share IS DISTINCT FROM preview) AS "preview differs",
       count(*) FILTER (WHERE share IS DISTINCT FROM receipt) AS "receipt differs" FROM oracle;
SELECT * FROM oracle WHERE share IS DISTINCT FROM preview OR share IS DISTINCT FROM receipt ORDER BY 1, 2, 3 LIMIT 10;
-- the shares add up to what was there
SELECT count(*) FROM receipt r WHERE item LIKE 'K%' AND qty_to_backorders <> qty;
SELECT * FROM verify();

-- preview() agrees with the receipt for every rule, with stock that ships at
-- once or not, steps, ship policies, held lines, days and priorities; and three
-- receipts of one statement do the same as three statements. "a" gets its
-- receipts one by one, "b" in one statement.
CREATE TABLE differs (what text, item text, before text, after text);
DO $$
DECLARE rule text; at_once boolean; step numeric; q numeric; v int := 0; w text; before text; after text;
BEGIN
    FOREACH rule IN ARRAY ARRAY['fifo', 'due_date', 'fair_share', 'most_lines'] LOOP
    FOREACH at_once IN ARRAY ARRAY[true, false] LOOP
    FOREACH step IN ARRAY ARRAY[NULL, 2]::numeric[] LOOP
        v := v + 1;
        FOREACH w IN ARRAY ARRAY['a', 'b'] LOOP
            INSERT INTO stock (item, location, fill_rule, ships_at_once, qty_step) VALUES ('V' || v, w, rule, at_once, step);
            INSERT INTO order_line (order_ref, location, item, qty_ordered, priority, requested_on, ship_policy, held)
            SELECT format('V%s-%s-%s', v, w, g), w, 'V' || v, 2 + 2 * (g * 5 % 7), 50 + 50 * (g % 3 / 2), date '2030-01-01' + g * 3 % 5,
                   (ARRAY['partial', 'line', 'order'])[g % 3 + 1], g % 6 = 5
              FROM generate_series(1, 12) g;
        END LOOP;
        FOREACH q IN ARRAY ARRAY[7, 12, 30] LOOP
            SELECT string_agg(concat_ws('/', id, ref, got, ships, waits), ' ' ORDER BY n) INTO before FROM preview('V' || v, q, 'a') WITH ORDINALITY f (id, ref, customer, got, ships, waits, n);
            SELECT string_agg(concat_ws('/', id, ref, got, ships, waits), ' ' ORDER BY n) INTO after FROM receive('V' || v, q, 'a') WITH ORDINALITY f (id, ref, customer, got, ships, waits, n);
            IF before IS DISTINCT FROM after THEN INSERT INTO differs VALUES (rule, 'V' || v, before, after); END IF;
        END LOOP;
        INSERT INTO receipt (item, location, qty) VALUES ('V' || v, 'b', 7), ('V' || v, 'b', 12), ('V' || v, 'b', 30);
    END LOOP; END LOOP; END LOOP;
END $$;
SELECT count(*) FROM stock WHERE item LIKE 'V%';
SELECT * FROM differs;
SELECT a.order_ref, a.qty_shipped, a.qty_allocated, a.qty_backordered, b.qty_shipped, b.qty_allocated, b.qty_backordered
  FROM order_line a JOIN order_line b ON b.order_ref = replace(a.order_ref, '-a-', '-b-')
 WHERE a.item LIKE 'V%' AND a.location = 'a'
   AND (a.qty_shipped, a.qty_allocated, a.qty_backordered) <> (b.qty_shipped, b.qty_allocated, b.qty_backordered) ORDER BY a.line_id LIMIT 10;
-- what each rule did with the 49, lines 1 to 12 shipped + allocated
SELECT s.fill_rule, string_agg(concat(l.qty_shipped + l.qty_allocated, '/', l.qty_ordered), ' ' ORDER BY l.line_id) AS filled
  FROM stock s JOIN order_line l ON l.item = s.item AND l.location = s.location
 WHERE s.item IN ('V1', 'V5', 'V9', 'V13') AND s.location = 'a' GROUP BY s.fill_rule ORDER BY 1;
SELECT * FROM verify();

-- preview() changes nothing, not even with what is not yet committed, and says
-- what is wrong with its arguments.
BEGIN;
SET TRANSACTION READ ONLY;
SELECT order_ref, qty FROM preview('F', 1);
COMMIT;
SELECT order_ref, qty FROM preview(qty => 1000, item => 'F7');
SELECT * FROM preview('F', 0);
SELECT * FROM preview('F', -1);
SELECT * FROM preview('F', NULL);
SELECT * FROM preview(NULL, 1);
SELECT * FROM preview('F', 1, NULL);
SELECT * FROM preview('F', 1, 'moon');
SELECT * FROM preview('F', 'NaN');
SELECT * FROM preview('F', 1e12);
SELECT * FROM verify();

-- A rule is changed while lines wait: the next receipt goes by the new one.
UPDATE stock SET fill_rule = 'fifo' WHERE item = 'F';
SELECT order_ref, qty FROM receive('F', 1);
UPDATE stock SET fill_rule = 'random' WHERE item = 'F';
UPDATE stock SET fill_rule = '' WHERE item = 'F';

-- More lines than a batch of the queue: 3000 lines of 1 in one priority, 1500
-- come in. Under fair_share each has the same claim: the first 1500 get it.
INSERT INTO stock (item, fill_rule) SELECT 'B-' || r, r FROM unnest('{fifo,due_date,fair_share,most_lines}'::text[]) r;
INSERT INTO order_line (order_ref, item, qty_ordered, line_no, requested_on)
SELECT 'batch', s.item, CASE WHEN fill_rule = 'most_lines' THEN 3001 - n ELSE 1 END, n, date '2030-01-01' - n
  FROM stock s, generate_series(1, 3000) n WHERE item LIKE 'B-%';
INSERT INTO receipt (item, qty) SELECT item, CASE WHEN fill_rule = 'most_lines' THEN 1500 * 1501 / 2 ELSE 1500 END FROM stock WHERE item LIKE 'B-%';
SELECT item, count(*), min(line_no), max(line_no), sum(qty_shipped) FROM order_line
 WHERE item LIKE 'B-%' AND qty_backordered = 0 GROUP BY item ORDER BY item;
SELECT * FROM verify();

SET client_min_messages = warning;
DROP SCHEMA life_rules CASCADE;
