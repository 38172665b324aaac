-- reallocate(): backorder processing. Every strategy, shortages, dry runs, steps,
-- ship policies; what is left over is for new orders, and until when.
SET client_min_messages = warning;
\set VERBOSITY sqlstate
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('realloc');
SET search_path = realloc;
RESET client_min_messages;
CREATE VIEW lines AS
    SELECT item, order_ref AS ref, qty_ordered AS ordered, qty_shipped AS shipped, qty_allocated AS alloc,
           qty_backordered AS back, held
      FROM order_line;
CREATE VIEW stocks AS SELECT item, on_hand, allocated, available, unassigned, backordered FROM stock;
CREATE FUNCTION id(text) RETURNS bigint LANGUAGE sql AS 'SELECT line_id FROM order_line WHERE order_ref = $1';
CREATE FUNCTION fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; hint text;
BEGIN
    EXECUTE q;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || message || CASE WHEN hint = '' THEN ' (no hint)' ELSE '' END;
END $$;
-- the same in short: who gets how much of what
CREATE FUNCTION run(item text, strategies jsonb, by text DEFAULT 'priority', on_shortage text DEFAULT 'fail',
                    dry boolean DEFAULT false)
    RETURNS TABLE (ref text, strategy text, q numeric, c numeric, gets numeric, short numeric) LANGUAGE sql
    AS 'SELECT order_ref, strategy, qty_open, qty_before, qty_after, qty_short
          FROM reallocate($1, strategies => $2, by => $3, on_shortage => $4, dry_run => $5)';

-- The worked example: q and c per line are win 40/10, gain 30/20, redistribute
-- 30/30 and 20/0, fill 30/20, lose 20/20. All 100 are allocated: the pool is
-- 100. Floors: win 40, gain 20. 40 are left: gain to its ceiling 10, redistribute
-- 30 to C, nothing is left for D, E, F.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('W', 100, false);
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES
    ('A', 'W', 10, 10), ('B', 'W', 20, 20), ('C', 'W', 30, 30), ('E', 'W', 20, 40), ('F', 'W', 20, 50);
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES ('D', 'W', 20, 30);
UPDATE order_line SET qty_ordered = CASE order_ref WHEN 'A' THEN 40 ELSE 30 END WHERE order_ref IN ('A', 'B', 'E');
\set strategies '{"10": "win", "20": "gain", "30": "redistribute", "40": "fill", "50": "lose"}'
SELECT * FROM reallocate('W', strategies => :'strategies', dry_run => true);
SELECT * FROM lines WHERE alloc <> 0 ORDER BY 2;
SELECT * FROM reallocate('W', strategies => :'strategies', reason => 'Monday''s run');
SELECT * FROM lines ORDER BY 2;
SELECT * FROM stocks;
-- the journal: who lost first, then who gained
SELECT kind, from_state AS f, to_state AS t, line_id, qty, reason FROM movement WHERE reason IS NOT NULL ORDER BY movement_id;
SELECT * FROM verify();
-- once more: nothing is left to do, nothing is written
SELECT * FROM run('W', :'strategies');
SELECT count(*) FROM movement WHERE reason IS NOT NULL;

-- The same with a pool of 120: 20 are available besides. They are what X had,
-- gave up and cancelled: nobody of the others took them. Floors 40 and 20, tops
-- 10, 30, 20; nothing for E and F.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('V', 120, false);
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES
    ('A2', 'V', 10, 10), ('B2', 'V', 20, 20), ('C2', 'V', 30, 30), ('E2', 'V', 20, 40), ('F2', 'V', 20, 50), ('X', 'V', 20, 60);
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES ('D2', 'V', 20, 30);
UPDATE order_line SET qty_ordered = CASE order_ref WHEN 'A2' THEN 40 ELSE 30 END WHERE order_ref IN ('A2', 'B2', 'E2');
SELECT * FROM run('V', '{"60": "lose"}');
SELECT qty_cancelled FROM cancel(id('X'));
SELECT * FROM stocks WHERE item = 'V';
SELECT * FROM verify();
SELECT * FROM run('V', :'strategies');
SELECT * FROM stocks WHERE item = 'V';
SELECT * FROM verify();

-- Each strategy alone. G has 4 of 10 and H 6 of 6, held apart from 5 available:
-- the stock is 15. T1 to T5 are the same thing five times.
CREATE FUNCTION make(the_item text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stock (item, on_hand, ships_at_once) VALUES (the_item, 15, false);
    INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES
        (the_item || 'g', the_item, 4, 10), (the_item || 'h', the_item, 6, 20), (the_item || 'x', the_item, 5, 30);
    UPDATE order_line SET qty_ordered = 10 WHERE order_ref = the_item || 'g';
    PERFORM reallocate(the_item, strategies => '{"30": "lose"}');
    DELETE FROM order_line WHERE order_ref = the_item || 'x';
END $$;
SELECT make('T' || n) FROM generate_series(1, 5) n;
SELECT * FROM lines WHERE item = 'T1' ORDER BY 2;
SELECT * FROM stocks WHERE item = 'T1';
-- win: 10 of 15, H is in no segment and keeps its 6: the pool is 4 + 5, one short
SELECT fails($$SELECT * FROM run('T1', '{"10": "win"}')$$);
-- with H's 6 in the pool it is enough: H may only lose, and 5 are left for it
SELECT * FROM run('T1', '{"10": "win", "20": "fill"}');
-- gain: 4 at least, as it comes first it takes the 5 too; H keeps its 6
SELECT * FROM run('T2', '{"10": "gain", "20": "gain"}');
-- redistribute: both may lose; G is first and gets 10 of 15, H 5
SELECT * FROM run('T3', '{"*": "redistribute"}');
-- fill: no more than they have; the 5 stay for new orders
SELECT * FROM run('T4', '{"*": "fill"}');
-- lose: nothing for anybody, all 15 for new orders
SELECT * FROM run('T5', '{"*": "lose"}');
SELECT * FROM stocks WHERE item LIKE 'T_' ORDER BY 1;
SELECT * FROM verify();
-- the order is that of strategies first, of the queue inside one: H has 5 and comes
-- before G, although G is before it in the queue. 15: H 6, then 9 for G.
SELECT * FROM run('T3', '{"10": "redistribute", "20": "gain"}');
-- the other way round: G wins 10, H gives one up
SELECT * FROM run('T3', '{"10": "win", "20": "redistribute"}');
-- skip is the same as not to be named
SELECT * FROM run('T3', '{"10": "skip", "*": "skip"}');
SELECT * FROM run('T3', '{"4711": "win"}');
SELECT * FROM verify();

-- What is left over is for new orders: T5 has 15, G and H wait for 16.
-- A new line of 4 takes 4 of it, 11 are left; one that may wait takes them all.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('n1', 'T5', 4) RETURNING qty_allocated, qty_backordered;
SELECT * FROM stocks WHERE item = 'T5';
SELECT * FROM verify();
BEGIN;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('n2', 'T5', 5), ('n3', 'T5', 5), ('n4', 'T5', 5) RETURNING qty_allocated, qty_backordered;
SELECT * FROM stocks WHERE item = 'T5';
ROLLBACK;
-- a line that grows takes of it as well
UPDATE order_line SET qty_ordered = 6 WHERE order_ref = 'n1' RETURNING qty_allocated, qty_backordered;
SELECT * FROM stocks WHERE item = 'T5';
-- as do orders of several lines, by place_order() and COPY, and a row that is
-- kept out takes nothing
SELECT qty_allocated FROM place_order('n5', '[{"item": "T5", "qty": 1}, {"item": "T5", "qty": 2}]');
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (id('n1'), 'n6', 'T5', 3), (DEFAULT, 'n7', 'T5', 1)
    ON CONFLICT DO NOTHING RETURNING order_ref, qty_allocated;
SELECT * FROM stocks WHERE item = 'T5';
SELECT * FROM verify();
-- what changes nothing for it: other settings, a waiting line that wants less,
-- shipments, a fall (5 on hand are lost: 5 are left)
UPDATE stock SET unit_cost = 3, backorder_limit = 100, safety_stock = 2 WHERE item = 'T5';
SELECT qty_backordered FROM cancel(id('T5g'), 1);
UPDATE order_line SET qty_ordered = 5 WHERE order_ref = 'T5h';
SELECT qty_shipped FROM ship(id('n7'));
SELECT * FROM stocks WHERE item = 'T5';
UPDATE stock SET on_hand = on_hand - 0 WHERE item = 'T5';
SELECT available, unassigned FROM count_stock('T5', 11);
SELECT * FROM verify();
-- a fall below what is allocated: nothing is left; G and H wait on
BEGIN;
SELECT available, unassigned, allocated FROM count_stock('T5', 7);
SELECT * FROM verify();
ROLLBACK;
-- another reallocation says anew what is left: H gains the 2, G is after it
SELECT * FROM run('T5', '{"10": "redistribute", "20": "gain"}');
SELECT * FROM stocks WHERE item = 'T5';
SELECT * FROM run('T5', '{"10": "lose", "20": "lose"}');
SELECT * FROM stocks WHERE item = 'T5';
SELECT * FROM verify();

-- What ends it: whenever stock rises or the queue changes, those who wait are
-- served in turn. Each of these in a transaction of its own: 2 are unassigned, G waits
-- for 9, H for 5. One more: G gets 3; G moved behind H: H gets 2; G held: likewise.
INSERT INTO receipt (receipt_id, item, qty) VALUES (78, 'T5', 1);
SELECT * FROM run('T5', '{"10": "lose", "20": "lose"}');
SELECT on_hand, available, unassigned FROM reverse_receipt(78);
CREATE FUNCTION ends(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
    EXECUTE q;
    SELECT format('%s available, %s unassigned; G %s H %s%s', s.available, coalesce(s.unassigned::text, 'nothing'),
                  g.qty_allocated, h.qty_allocated, (SELECT ', ' || rule FROM verify() LIMIT 1)) INTO found
      FROM stock s, order_line g, order_line h
     WHERE s.item = 'T5' AND g.order_ref = 'T5g' AND h.order_ref = 'T5h';
    RAISE EXCEPTION USING ERRCODE = 'XX123', MESSAGE = found;
EXCEPTION WHEN SQLSTATE 'XX123' THEN
    RETURN SQLERRM;
END $$;
SELECT ends('SELECT 1');
SELECT q, ends(q) FROM unnest(ARRAY[
    'SELECT receive(''T5'', 1)',
    'INSERT INTO receipt (item, qty) VALUES (''T5'', 1)',
    'UPDATE stock SET on_hand = on_hand + 1 WHERE item = ''T5''',
    'SELECT count_stock(''T5'', 12)',
    'SELECT return_goods(id(''n7''))',
    'SELECT cancel(id(''n1''), 1)',
    'UPDATE order_line SET qty_ordered = qty_ordered - 1 WHERE order_ref = ''n1''',
    'DELETE FROM order_line WHERE order_ref = ''n1''',
    'UPDATE order_line SET priority = 30 WHERE order_ref = ''T5g''',
    'UPDATE order_line SET requested_on = ''2030-01-01'' WHERE order_ref = ''T5h''',
    'UPDATE order_line SET ship_policy = ''line'' WHERE order_ref = ''T5h''',
    'SELECT hold_line(id(''T5g''))',
    'UPDATE stock SET fill_rule = ''due_date'' WHERE item = ''T5''',
    'UPDATE stock SET qty_step = 1 WHERE item = ''T5''']) WITH ORDINALITY AS t(q, n) ORDER BY n;
-- and what doesn't
SELECT q, ends(q) FROM unnest(ARRAY[
    'SELECT return_goods(id(''n7''), restock => false)',
    'SELECT cancel(id(''T5g''), 1)',
    'UPDATE order_line SET qty_ordered = 3 WHERE order_ref = ''T5h''',
    'UPDATE order_line SET customer = ''somebody'' WHERE order_ref = ''T5g''',
    'UPDATE stock SET unit_cost = 4, on_hand = on_hand WHERE item = ''T5''',
    'SELECT ship(id(''n1''))',
    'SELECT rebuild()',
    'INSERT INTO receipt (receipt_id, item, qty) VALUES (78, ''T5'', 5) ON CONFLICT DO NOTHING',
    'INSERT INTO order_line (line_id, item, qty_ordered) VALUES (id(''n1''), ''T5'', 1) ON CONFLICT DO NOTHING']) WITH ORDINALITY AS t(q, n) ORDER BY n;
-- one of two receipts of a statement is kept out, the other ends it
SELECT ends('INSERT INTO receipt (receipt_id, item, qty) VALUES (DEFAULT, ''T5'', 1), (78, ''T5'', 5) ON CONFLICT DO NOTHING');
-- savepoints: what was rolled back ended nothing
BEGIN;
SAVEPOINT a;
INSERT INTO receipt (item, qty) VALUES ('T5', 1);
SELECT * FROM stocks WHERE item = 'T5';
ROLLBACK TO a;
SELECT * FROM stocks WHERE item = 'T5';
DO $$ BEGIN
    UPDATE order_line SET customer = 'c' WHERE order_ref = 'T5g';
    PERFORM count_stock('T5', 12);
    RAISE 'no';
EXCEPTION WHEN raise_exception THEN
    INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('t', 'T5', 1);
END $$;
SELECT * FROM stocks WHERE item = 'T5';
ROLLBACK TO a;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('s', 'T5', 2) RETURNING qty_allocated;
SELECT * FROM stocks WHERE item = 'T5';
ROLLBACK TO a;
SELECT * FROM run('T5', '{"10": "redistribute"}');
SELECT * FROM stocks WHERE item = 'T5';
ROLLBACK TO a;
SELECT * FROM stocks WHERE item = 'T5';
SELECT * FROM verify();
COMMIT;
-- several stock rows in one statement: 2 of T5 and 5 of T4 are unassigned, nothing of T3
BEGIN;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('u1', 'T5', 1), ('u2', 'T3', 1), ('u3', 'T4', 9), ('u4', 'T1', 2)
    RETURNING order_ref, qty_allocated;
SELECT * FROM stocks WHERE item LIKE 'T_' ORDER BY 1;
INSERT INTO receipt (item, qty) VALUES ('T3', 1), ('T5', 1), ('T4', 1);
SELECT * FROM stocks WHERE item LIKE 'T_' ORDER BY 1;
SELECT * FROM verify();
ROLLBACK;
-- nested statements: the trigger's line takes of it before the statement's own (2 are
-- there), and what the trigger brings goes to who waits when the statement ends
CREATE FUNCTION nested() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.order_ref = 'orders' THEN
        INSERT INTO realloc.order_line (order_ref, item, qty_ordered) VALUES ('its own', NEW.item, 1);
    ELSIF NEW.order_ref = 'brings' THEN
        UPDATE realloc.stock SET on_hand = on_hand + 1 WHERE item = NEW.item;
    ELSIF NEW.order_ref = 'tries' THEN
        BEGIN
            INSERT INTO realloc.order_line (order_ref, item, qty_ordered) VALUES ('tried', NEW.item, 1);
            UPDATE realloc.stock SET unit_cost = 1 / (on_hand - on_hand) WHERE item = NEW.item;
        EXCEPTION WHEN division_by_zero THEN NULL;
        END;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER nested BEFORE INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION nested();
BEGIN;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('orders', 'T5', 2) RETURNING qty_allocated, qty_backordered;
SELECT * FROM lines WHERE ref IN ('orders', 'its own') ORDER BY 2;
SELECT * FROM stocks WHERE item = 'T5';
SELECT * FROM verify();
ROLLBACK;
BEGIN;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('first', 'T5', 1), ('orders', 'T5', 2), ('last', 'T5', 1) RETURNING order_ref, qty_allocated, qty_backordered;
SELECT * FROM lines WHERE ref = 'its own';
SELECT * FROM stocks WHERE item = 'T5';
SELECT * FROM verify();
ROLLBACK;
BEGIN;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('first', 'T5', 1), ('brings', 'T5', 1) RETURNING order_ref, qty_allocated, qty_backordered;
SELECT * FROM lines WHERE item = 'T5' AND ref IN ('T5g', 'T5h', 'brings', 'first') ORDER BY 2;
SELECT * FROM stocks WHERE item = 'T5';
SELECT * FROM verify();
ROLLBACK;
BEGIN;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('tries', 'T5', 1) RETURNING order_ref, qty_allocated, qty_backordered;
SELECT * FROM stocks WHERE item = 'T5';
SELECT * FROM verify();
ROLLBACK;
DROP TRIGGER nested ON order_line;
-- preview() says what a receipt does, with what is left over
SELECT order_ref, qty FROM preview('T5', 1);
SELECT order_ref, qty FROM receive('T5', 1);
SELECT * FROM stocks WHERE item = 'T5';
-- a column that bko keeps; explain() tells of it
SELECT * FROM run('T5', '{"10": "lose", "20": "lose"}');
SELECT fails(q) FROM unnest('{"UPDATE stock SET unassigned = 7 WHERE item = ''T5''","UPDATE stock SET unassigned = NULL WHERE item = ''T5''",
    "INSERT INTO stock (item, on_hand, unassigned) VALUES (''U'', 5, 5)","UPDATE stock SET unassigned = 1 WHERE item = ''T1''"}'::text[]) q;
UPDATE stock SET unassigned = unassigned + 0.0 WHERE item = 'T5';
SELECT value FROM explain(id('T5g')) WHERE fact = 'available now';
-- behind bko's back: verify() finds it, rebuild() mends it
BEGIN;
ALTER TABLE stock DISABLE TRIGGER USER;
UPDATE stock SET unassigned = 1000 WHERE item = 'T5';
UPDATE stock SET unassigned = NULL WHERE item = 'T4';
ALTER TABLE stock ENABLE TRIGGER USER;
SELECT rule, item, detail FROM verify();
SELECT rebuild('T5'), rebuild('T4');
SELECT * FROM stocks WHERE item IN ('T4', 'T5') ORDER BY 1;
SELECT * FROM verify();
ROLLBACK;

-- Shortages. I wants 6 and wins, J has 5 and gains, K wants 4 and wins: 15 for the
-- floors. L is in no segment and keeps its 1 of the 10: 9 are there.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('S', 10, false);
INSERT INTO order_line (order_ref, item, qty_ordered, priority, customer) VALUES ('K', 'S', 4, 100, 'k'), ('J', 'S', 5, 50, NULL), ('L', 'S', 1, 70, 'l'), ('I', 'S', 6, 1, 'i');
\set VERBOSITY default
\set SHOW_CONTEXT never
DO $$
BEGIN
    PERFORM reallocate('S', strategies => '{"1": "win", "50": "gain", "100": "win"}');
EXCEPTION WHEN OTHERS THEN
    DECLARE detail text; hint text;
    BEGIN
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        RAISE NOTICE '% %', SQLSTATE, SQLERRM;
        RAISE NOTICE '%', regexp_replace(detail, 'Line \d+', 'Line N', 'g');
        RAISE NOTICE '%', hint;
    END;
END $$;
SELECT * FROM lines WHERE item = 'S' ORDER BY 2;
-- with report, first who wins: I 6, K 3, nothing for J. With L's 1 in the pool K has 4.
SELECT * FROM run('S', '{"1": "win", "50": "gain", "100": "win"}', on_shortage => 'report', dry => true);
SELECT * FROM run('S', '{"1": "win", "50": "gain", "70": "fill", "100": "win"}', on_shortage => 'report');
SELECT * FROM lines WHERE item = 'S' ORDER BY 2;
SELECT * FROM stocks WHERE item = 'S';
SELECT * FROM verify();
-- more lines than an error names
INSERT INTO stock (item, ships_at_once) VALUES ('S2', false);
INSERT INTO order_line (item, qty_ordered) SELECT 'S2', 1 FROM generate_series(1, 13);
DO $$
BEGIN
    PERFORM reallocate('S2', strategies => '{"100": "win"}');
EXCEPTION WHEN OTHERS THEN
    DECLARE detail text;
    BEGIN
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
        RAISE NOTICE '% lines: %', array_length(string_to_array(detail, E'\n'), 1), substring(detail from 'And.*');
    END;
END $$;
\set VERBOSITY sqlstate

-- Segments. By customer: none is ''. By demand.
SELECT * FROM run('S', '{"i": "lose", "": "gain", "*": "skip"}', by => 'customer');
SELECT * FROM stocks WHERE item = 'S';
UPDATE order_line SET demand = 'internal' WHERE order_ref = 'J';
SELECT * FROM run('S', '{"internal": "lose", "customer": "win"}', by => 'demand', on_shortage => 'report');
SELECT * FROM run('S', '{"internal": "redistribute", "*": "lose"}', by => 'demand');
SELECT segment, order_ref, customer FROM reallocate('S', by => 'customer', strategies => '{"*": "gain"}', dry_run => true);
SELECT segment, order_ref FROM reallocate('S', by => 'demand', strategies => '{"*": "gain"}', dry_run => true);
SELECT * FROM verify();

-- Held lines keep what they have and take nothing, whatever the strategy.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('H', 8, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('h1', 'H', 4), ('h2', 'H', 6), ('h3', 'H', 5);
SELECT held FROM hold_line(id('h1'));
SELECT held FROM hold_line(id('h3'));
SELECT * FROM run('H', '{"100": "lose"}');
SELECT * FROM lines WHERE item = 'H' ORDER BY 2;
SELECT * FROM stocks WHERE item = 'H';
SELECT * FROM verify();
-- released, h3 takes its turn: h2 is before it
SELECT qty_allocated FROM release_line(id('h3'));
SELECT * FROM lines WHERE item = 'H' ORDER BY 2;

-- Fill rules; the first line has 5 of its 5, the second 1 of 4, the third 0 of 3.
-- due_date: the second is due first. most_lines: the smallest open quantity first,
-- allocated or not. fair_share: as fifo.
INSERT INTO stock (item, on_hand, ships_at_once, fill_rule) VALUES ('R1', 6, false, 'due_date'), ('R2', 6, false, 'most_lines'), ('R3', 6, false, 'fair_share');
INSERT INTO order_line (order_ref, item, qty_ordered, requested_on)
    SELECT r || n, r, q, d::date FROM unnest('{R1,R2,R3}'::text[]) r, (VALUES (1, 5, NULL), (2, 4, '2030-01-01'), (3, 3, '2030-01-02')) v(n, q, d);
SELECT * FROM run('R1', '{"100": "redistribute"}');
SELECT * FROM run('R2', '{"100": "redistribute"}');
SELECT * FROM run('R3', '{"100": "redistribute"}');
SELECT * FROM verify();

-- Steps of 5: what lines gain or lose is whole steps. 13 on hand: p1 10, 3 left
-- over for nobody. p1 to p3 want 10 each; p3 wins 10: p1 gives up 10.
INSERT INTO stock (item, on_hand, ships_at_once, qty_step) VALUES ('P', 13, false, 5);
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES ('p1', 'P', 10, 1), ('p2', 'P', 10, 2), ('p3', 'P', 10, 3);
SELECT * FROM run('P', '{"1": "redistribute", "3": "win"}');
SELECT * FROM stocks WHERE item = 'P';
-- 3 + 10 are there: 10 for p2, who is before p3 by strategy
SELECT * FROM run('P', '{"2": "redistribute", "3": "fill"}');
SELECT * FROM lines WHERE item = 'P' ORDER BY 2;
SELECT * FROM verify();
-- odd quantities: p2 cancels 3, 7 of it are open, all allocated; p1 gets 5 of the 6
-- that are left of 13. p2 keeps its 7 where it may: it is not cut to a step.
SELECT qty_allocated, qty_backordered FROM cancel(id('p2'), 3);
SELECT * FROM lines WHERE item = 'P' ORDER BY 2;
SELECT * FROM run('P', '{"2": "redistribute", "*": "fill"}');
-- p1 takes 5 more: p2 gives up a step, not the 4 that are missing
SELECT * FROM run('P', '{"1": "redistribute", "2": "redistribute", "3": "redistribute"}');
-- p2 wins all of its 7, to the unit; 6 left: 5 for p1
SELECT * FROM run('P', '{"2": "win", "1": "redistribute", "3": "lose"}');
SELECT * FROM lines WHERE item = 'P' ORDER BY 2;
SELECT * FROM stocks WHERE item = 'P';
-- p3 wins the 6 that it still wants; 13 - 6 - 5 (p1) leaves 2: p2 gives up a step
SELECT qty_backordered FROM cancel(id('p3'), 4);
SELECT * FROM run('P', '{"1": "gain", "2": "fill", "3": "win"}');
SELECT * FROM stocks WHERE item = 'P';
SELECT * FROM verify();

-- Stock that ships at once: what a line gains ships. q1 and q4 are of policy
-- "partial", q0, q2, q5 and q6 "line", q3 "order". 12 come in: 3 for q0, 4 for q1,
-- 4 for q2, which have shipped, and 1 which q3 holds.
INSERT INTO stock (item) VALUES ('Q');
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy, priority) VALUES
    ('q0', 'Q', 3, 'line', 1), ('q1', 'Q', 4, 'partial', 2), ('q2', 'Q', 4, 'line', 2), ('q3', 'Q', 4, 'order', 2),
    ('q4', 'Q', 9, 'partial', 3), ('q5', 'Q', 5, 'line', 4), ('q6', 'Q', 4, 'line', 5);
SELECT order_ref, qty, qty_shipped FROM receive('Q', 2);
SELECT order_ref, qty, qty_shipped FROM receive('Q', 10);
-- q3 loses its 1, q4 takes it away
SELECT * FROM run('Q', '{"2": "lose", "3": "win"}', on_shortage => 'report');
SELECT * FROM lines WHERE item = 'Q' ORDER BY 2;
-- 6 come to q5 and q6, the others being held: 5 for q5, which is whole and ships,
-- 1 for q6. 3 more for q6. Then q3 wins those 4: it is whole, and ships when the
-- transaction ends.
UPDATE order_line SET held = true WHERE order_ref IN ('q3', 'q4');
UPDATE order_line SET qty_ordered = 6 WHERE order_ref = 'q6';
SELECT order_ref, qty, qty_shipped FROM receive('Q', 6);
SELECT order_ref, qty, qty_shipped FROM receive('Q', 3);
UPDATE order_line SET held = false WHERE order_ref IN ('q3', 'q4');
BEGIN;
SELECT * FROM run('Q', '{"2": "win", "5": "redistribute"}');
SELECT * FROM lines WHERE item = 'Q' AND ref IN ('q3', 'q6') ORDER BY 2;
COMMIT;
SELECT * FROM lines WHERE item = 'Q' AND ref IN ('q3', 'q6') ORDER BY 2;
-- a "line" ships with what it held when it becomes whole: q6 gets 3 and q7 2 while
-- q4 is held; q7 wins 5 and takes 3 from q6
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy, priority) VALUES ('q7', 'Q', 5, 'line', 6);
SELECT held FROM hold_line(id('q4'));
SELECT order_ref, qty, qty_shipped FROM receive('Q', 3);
SELECT held FROM hold_line(id('q6'));
SELECT order_ref, qty, qty_shipped FROM receive('Q', 2);
SELECT held FROM release_line(id('q6'));
SELECT * FROM lines WHERE item = 'Q' AND back > 0 ORDER BY 2;
SELECT * FROM run('Q', '{"5": "redistribute", "6": "win"}');
-- what is left over here is shipped to new orders
SELECT order_ref, qty, qty_shipped FROM receive('Q', 3);
SELECT * FROM run('Q', '{"5": "lose"}');
SELECT * FROM stocks WHERE item = 'Q';
INSERT INTO order_line (order_ref, item, qty_ordered, priority) VALUES ('q8', 'Q', 2, 9) RETURNING qty_shipped;
SELECT * FROM lines WHERE item = 'Q' ORDER BY 2;
SELECT * FROM stocks WHERE item = 'Q';
SELECT kind, from_state AS f, to_state AS t, (SELECT order_ref FROM order_line l WHERE l.line_id = m.line_id) AS ref, qty, reason
  FROM movement m WHERE item = 'Q' AND movement_id > 0 AND kind <> 'backorder' ORDER BY movement_id;
SELECT * FROM verify();

-- Bad input: nothing happens.
SELECT fails(format('SELECT reallocate(%s)', a)) FROM unnest(ARRAY[
    '''W''',
    '''W'', strategies => ''{}''',
    '''W'', strategies => ''[]''',
    '''W'', strategies => ''"win"''',
    '''W'', strategies => ''{"10": "wins"}''',
    '''W'', strategies => ''{"10": "Win"}''',
    '''W'', strategies => ''{"10": null}''',
    '''W'', strategies => ''{"10": {"20": "win"}}''',
    '''W'', strategies => ''{"*": 1}''',
    '''W'', strategies => ''{"urgent": "win"}''',
    '''W'', strategies => ''{"010": "win"}''',
    '''W'', strategies => ''{"-1": "win"}''',
    '''W'', strategies => ''{"32768": "win"}''',
    '''W'', strategies => ''{"99999999999999999999": "win"}''',
    '''W'', strategies => ''{"": "win"}''',
    '''W'', by => ''demand'', strategies => ''{"10": "win"}''',
    '''W'', by => ''line'', strategies => ''{"10": "win"}''',
    '''W'', by => '''', strategies => ''{"10": "win"}''',
    '''W'', by => NULL, strategies => ''{"10": "win"}''',
    '''W'', strategies => ''{"10": "win"}'', on_shortage => ''ignore''',
    '''W'', strategies => ''{"10": "win"}'', on_shortage => NULL',
    '''W'', strategies => ''{"10": "win"}'', dry_run => NULL',
    'NULL, strategies => ''{"10": "win"}''',
    '''W'', NULL, strategies => ''{"10": "win"}''',
    '''nothing'', strategies => ''{"10": "win"}''',
    '''W'', ''moon'', strategies => ''{"10": "win"}''',
    '''nothing'', strategies => ''{"10": "win"}'', dry_run => true']) WITH ORDINALITY AS t(a, n) ORDER BY n;
-- inside a statement that is not settled; after it is
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM realloc.reallocate('W', strategies => '{"100": "lose"}');
    RETURN NULL;
END $$;
CREATE TRIGGER again AFTER INSERT ON order_line FOR EACH ROW WHEN (NEW.order_ref = 'again') EXECUTE FUNCTION again();
SELECT fails($$INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('again', 'W', 3)$$);
SELECT fails($$INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('again', 'R1', 3)$$);
DROP TRIGGER again ON order_line;
CREATE TRIGGER again AFTER INSERT ON order_line EXECUTE FUNCTION again();
SELECT * FROM run('W', '{"10": "lose"}');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('later', 'W', 3) RETURNING qty_allocated;
SELECT * FROM lines WHERE ref = 'later';
SELECT * FROM stocks WHERE item = 'W';
DROP TRIGGER again ON order_line;
-- statements of triggers that its own writing fires: a delivery ends what it leaves
CREATE FUNCTION deliver() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.order_ref = 'A' THEN INSERT INTO realloc.receipt (item, qty) VALUES ('W', 1); END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER deliver AFTER UPDATE OF qty_allocated ON order_line FOR EACH ROW EXECUTE FUNCTION deliver();
SELECT * FROM run('W', '{"10": "win", "20": "lose", "30": "lose"}');
DROP TRIGGER deliver ON order_line;
SELECT * FROM lines WHERE item = 'W' ORDER BY 2;
SELECT * FROM stocks WHERE item = 'W';
SELECT * FROM verify();
-- not for everybody
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_bko_reallocate;
CREATE ROLE regress_bko_reallocate;
RESET client_min_messages;
GRANT USAGE ON SCHEMA realloc TO regress_bko_reallocate;
SET ROLE regress_bko_reallocate;
SELECT count(*) FROM reallocate('W', strategies => '{"*": "fill"}');
RESET ROLE;
GRANT EXECUTE ON FUNCTION reallocate TO regress_bko_reallocate;
SET ROLE regress_bko_reallocate;
SELECT count(*) FROM reallocate('W', strategies => '{"*": "fill"}');
SELECT count(*) FROM bko.reallocate('realloc.book', 'W', 'main', 'priority', '{"*": "fill"}', 'fail', false, NULL);
RESET ROLE;
REVOKE ALL ON FUNCTION reallocate FROM regress_bko_reallocate;
REVOKE ALL ON SCHEMA realloc FROM regress_bko_reallocate;
DROP ROLE regress_bko_reallocate;

-- The promises, for some hundred random books: floors and ceilings, no more than
-- the pool, served strategy by strategy in fill order, and nothing left while
-- somebody below his ceiling could take it.
CREATE TEMP TABLE result OF bko.reallocation;
CREATE FUNCTION promises(the_item text, step numeric, pool numeric) RETURNS TABLE (broken text, detail text) LANGUAGE sql AS $$
    WITH r AS (
        SELECT *, row_number() OVER () AS place,
               CASE strategy WHEN 'win' THEN qty_open WHEN 'gain' THEN qty_before ELSE 0 END AS floor,
               CASE strategy WHEN 'fill' THEN qty_before WHEN 'lose' THEN 0 ELSE qty_open END AS ceiling,
               array_position('{win,gain,redistribute,fill,lose}'::text[], strategy) AS turn
          FROM result
    )
    SELECT 'floor', r::text FROM r WHERE qty_after < floor - qty_short
    UNION ALL SELECT 'short', r::text FROM r WHERE qty_short <> greatest(floor - qty_after, 0)
    UNION ALL SELECT 'ceiling', r::text FROM r WHERE qty_after > ceiling
    UNION ALL SELECT 'pool', sum(qty_after)::text FROM r HAVING sum(qty_after) > pool
    UNION ALL SELECT 'steps', r::text FROM r
               WHERE qty_after NOT IN (0, qty_before, qty_open) AND mod(qty_after - qty_before, step) <> 0
    UNION ALL SELECT 'left', r::text FROM r
               WHERE (qty_after >= qty_before AND qty_after < ceiling
                      AND pool - (SELECT sum(qty_after) FROM r) >= step)
                  OR (qty_after < least(qty_before, ceiling)
                      AND pool - (SELECT sum(qty_after) FROM r) >= least(step, qty_before - qty_after))
    UNION ALL SELECT 'turn', format('%s before %s', b, a) FROM r a, r b
               WHERE (a.turn, a.place) < (b.turn, b.place)
                 AND a.qty_after < a.ceiling AND b.qty_after > b.floor AND b.qty_after - b.floor >= step
                 AND (step <= 0.000001 OR (mod(a.qty_before, step) = 0 AND mod(a.qty_open, step) = 0
                                           AND mod(b.qty_before, step) = 0 AND mod(b.qty_open, step) = 0))
$$;
DO $$
DECLARE
    n int; i int; the_item text; step numeric; strategy jsonb; pool numeric; broken record; words text[];
    short int := 0; left_over int := 0; changed int := 0; odd int := 0;
BEGIN
    PERFORM setseed(0.25);
    FOR n IN 1..400 LOOP
        the_item := 'random ' || n;
        step := CASE WHEN random() < 0.5 THEN 5 END;
        INSERT INTO stock (item, on_hand, qty_step, ships_at_once, fill_rule)
        VALUES (the_item, floor(random() * 60), step, false, (ARRAY['fifo', 'due_date', 'most_lines', 'fair_share'])[1 + floor(random() * 4)]);
        INSERT INTO order_line (order_ref, item, qty_ordered, priority, requested_on)
        SELECT the_item || '.' || l, the_item, coalesce(step, 1) * (1 + floor(random() * 4)), 1 + floor(random() * 5), date '2030-01-01' + floor(random() * 3)::int
          FROM generate_series(1, 2 + floor(random() * 8)::int) l;
        -- odd quantities, lines that want more than they have though others could give, held ones
        PERFORM cancel(line_id, (1 + floor(random() * 3))::numeric) FROM order_line WHERE item = the_item AND random() < 0.3 AND qty_ordered > 3;
        UPDATE order_line SET qty_ordered = qty_ordered + coalesce(step, 1) * 2 WHERE item = the_item AND random() < 0.3;
        UPDATE order_line SET priority = 1 + floor(random() * 5) WHERE item = the_item AND random() < 0.4;
        UPDATE order_line SET held = true WHERE item = the_item AND random() < 0.1;
        FOR i IN 1..3 LOOP
            words := ARRAY['win', 'gain', 'redistribute', 'fill', 'lose', 'skip'];
            SELECT jsonb_object_agg(p, words[1 + floor(random() * 6)]) INTO strategy FROM generate_series(1, 5) p;
            SELECT s.available + coalesce(sum(l.qty_allocated), 0) INTO pool
              FROM stock s LEFT JOIN order_line l ON l.item = s.item AND NOT l.held AND strategy ->> l.priority::text <> 'skip'
             WHERE s.item = the_item GROUP BY s.available;
            DELETE FROM result;
            BEGIN
                INSERT INTO result SELECT * FROM reallocate(the_item, strategies => strategy);
            EXCEPTION WHEN object_not_in_prerequisite_state THEN
                short := short + 1;
                INSERT INTO result SELECT * FROM reallocate(the_item, strategies => strategy, on_shortage => 'report');
                IF (SELECT sum(qty_short) FROM result) = 0 THEN RAISE 'nothing is short in %', n; END IF;
            END;
            FOR broken IN SELECT * FROM promises(the_item, coalesce(step, 0.000001), pool) LOOP
                RAISE 'case % %, step %, pool %: % %', n, strategy, step, pool, broken.broken, broken.detail;
            END LOOP;
            IF EXISTS (SELECT FROM result r JOIN order_line l USING (line_id) WHERE l.qty_allocated <> r.qty_after OR l.held OR l.item <> the_item) THEN
                RAISE 'case %: not what it said', n;
            END IF;
            left_over := left_over + (SELECT (unassigned IS NOT NULL)::int FROM stock WHERE item = the_item);
            changed := changed + (EXISTS (SELECT FROM result WHERE qty_before <> qty_after))::int;
            odd := odd + (EXISTS (SELECT FROM result WHERE mod(qty_before, step) <> 0))::int;
        END LOOP;
    END LOOP;
    FOR broken IN SELECT * FROM verify() LOOP
        RAISE '%', broken;
    END LOOP;
    IF least(short, left_over, changed, odd) < 50 THEN
        RAISE 'too few of a kind: % short, % left over, % changed, % odd', short, left_over, changed, odd;
    END IF;
END $$;
SET client_min_messages = warning;
DROP SCHEMA realloc CASCADE;
