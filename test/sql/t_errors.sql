-- Bad input: each a clear error with its SQLSTATE, and nothing changed.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_errors');
DROP ROLE IF EXISTS regress_bko_app;
RESET client_min_messages;
SET search_path = t_errors;
\set VERBOSITY terse
CREATE ROLE regress_bko_app;
GRANT USAGE ON SCHEMA t_errors TO regress_bko_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA t_errors TO regress_bko_app;

-- Runs a statement as a role; what it fails with, or "no error".
CREATE FUNCTION pg_temp.try(who text, sql text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('role', who, true);
    EXECUTE sql;
    PERFORM set_config('role', 'none', true);
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || '  ' || SQLERRM;
END$$;
-- All that the book holds, in one line.
CREATE FUNCTION pg_temp.contents() RETURNS text LANGUAGE sql AS $$
    SELECT md5(string_agg(row, '|' ORDER BY row)) FROM (
        SELECT t::text FROM t_errors.stock t UNION ALL SELECT t::text FROM t_errors.order_line t
        UNION ALL SELECT t::text FROM t_errors.receipt t UNION ALL SELECT t::text FROM t_errors.supply t
        UNION ALL SELECT t::text FROM t_errors.movement t UNION ALL SELECT t::text FROM t_errors.book t) r (row)
$$;

-- A book in use: A has 3 on hand; B is waited for (2), C is held (2 of 2), on supply P.
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('A', 4, true), ('B', 0, true), ('C', 2, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('a', 'A', 2), ('b', 'B', 2), ('c', 'C', 2);
INSERT INTO supply (supply_ref, item, qty_expected) VALUES ('P', 'B', 9);
INSERT INTO receipt (item, qty) VALUES ('A', 1);
CREATE TEMP TABLE before AS SELECT pg_temp.contents() AS contents;

-- Quantities that are none, in every table: null, zero, negative, NaN, infinite, 7
-- decimals, 13 digits. 0 is a quantity for on_hand, step and limits it is not.
SELECT t.target, q.qty, pg_temp.try('none', format(t.sql, q.qty)) AS error
FROM (VALUES (1, 'order', 'INSERT INTO order_line (item, qty_ordered) VALUES (''A'', %s)'),
             (2, 'order changed', 'UPDATE order_line SET qty_ordered = %s WHERE item = ''B'''),
             (3, 'receipt', 'INSERT INTO receipt (item, qty) VALUES (''B'', %s)'),
             (4, 'receive()', 'SELECT * FROM receive(''B'', %s)'),
             (5, 'supply', 'INSERT INTO supply (supply_ref, item, qty_expected) VALUES (''Q'', ''B'', %s)'),
             (6, 'supply changed', 'UPDATE supply SET qty_expected = %s WHERE supply_ref = ''P'''))
     t (n, target, sql),
     (VALUES (1, 'NULL'), (2, '0'), (3, '-1'), (4, '-0.000001'), (5, '''NaN'''), (6, '''Infinity'''), (7, '''-Infinity'''),
             (8, '1.0000001'), (9, '1000000000000'), (10, '1e100'), (11, '0.0000001')) q (n, qty)
ORDER BY t.n, q.n;
SELECT t.target, q.qty, pg_temp.try('none', format(t.sql, q.qty)) AS error
FROM (VALUES (1, 'new stock', 'INSERT INTO stock (item, on_hand) VALUES (''X'', %s)'),
             (2, 'stock changed', 'UPDATE stock SET on_hand = %s WHERE item = ''B'''),
             (3, 'step', 'UPDATE stock SET qty_step = %s WHERE item = ''B'''),
             (4, 'limit', 'UPDATE stock SET backorder_limit = %s WHERE item = ''B'''),
             (5, 'safety stock', 'INSERT INTO stock (item, safety_stock) VALUES (''X'', %s)'))
     t (n, target, sql),
     (VALUES (1, '-1'), (2, '''NaN'''), (3, '''Infinity'''), (4, '''-Infinity'''), (5, '1.0000001'), (6, '1000000000000'), (7, '-1e100')) q (n, qty)
ORDER BY t.n, q.n;
SELECT pg_temp.try('none', 'INSERT INTO stock (item, on_hand) VALUES (''X'', NULL)') AS on_hand_null,
       pg_temp.try('none', 'UPDATE stock SET qty_step = 0') AS step_0;
-- The most that there can be, and one millionth more.
SELECT pg_temp.try('none', 'INSERT INTO receipt (item, qty) VALUES (''A'', 999999999999.999999)') AS stock_too_large,
       pg_temp.try('none', 'INSERT INTO order_line (item, qty_ordered) SELECT ''B'', 999999999999.999999 FROM generate_series(1, 2)') AS too_much_waits;
SELECT pg_temp.try('none', 'INSERT INTO receipt (item, qty, supply_ref) VALUES (''B'', 999999999999, ''P''), (''B'', 999999999999, ''P'')') AS received_too_much;
SELECT pg_temp.contents() = contents AS unchanged FROM before;

-- Items and locations: unknown, empty, null, of 10 MB, of 1001 bytes, of another case.
-- (A line whose location is null is sourced: t_sourcing.)
SELECT t.target, i.item, pg_temp.try('none', format(t.sql, i.sql)) AS error
FROM (VALUES (1, 'order', 'INSERT INTO order_line (item, qty_ordered) VALUES (%s, 1)'),
             (2, 'order at', 'INSERT INTO order_line (item, location, qty_ordered) VALUES (''A'', %s, 1)'),
             (3, 'receipt', 'INSERT INTO receipt (item, qty) VALUES (%s, 1)'),
             (4, 'receive()', 'SELECT * FROM receive(%s, 1)'),
             (5, 'receipt at', 'INSERT INTO receipt (item, location, qty) VALUES (''A'', %s, 1)'),
             (6, 'line moved', 'UPDATE order_line SET item = %s WHERE item = ''B'''))
     t (n, target, sql),
     (VALUES (1, 'unknown', '''nothing'''), (2, 'empty', ''''''), (3, 'null', 'NULL'), (4, '10 MB', 'repeat(''x'', 10000000)'),
             (5, '1001 bytes', 'repeat(''é'', 500) || ''x'''), (6, 'case', '''a''')) i (n, item, sql)
WHERE (t.target, i.item) <> ('order at', 'null')
ORDER BY t.n, i.n;
SELECT t.target, i.item, pg_temp.try('none', format(t.sql, i.sql)) AS error
FROM (VALUES (1, 'stock', 'INSERT INTO stock (item, on_hand) VALUES (%s, 1)'),
             (2, 'stock at', 'INSERT INTO stock (item, location, on_hand) VALUES (''A'', %s, 1)'),
             (3, 'supply', 'INSERT INTO supply (supply_ref, item, qty_expected) VALUES (''S'', %s, 1)'),
             (4, 'supply at', 'INSERT INTO supply (supply_ref, item, location, qty_expected) VALUES (''S'', ''A'', %s, 1)'))
     t (n, target, sql),
     (VALUES (2, 'empty', ''''''), (3, 'null', 'NULL'), (4, '10 MB', 'repeat(''x'', 10000000)'), (5, '1001 bytes', 'repeat(''é'', 500) || ''x''')) i (n, item, sql)
ORDER BY t.n, i.n;
SELECT pg_temp.contents() = contents AS unchanged FROM before;

-- What the engine keeps, given by hand: by the owner one at a time, by a role with
-- all rights on the tables one at a time and all together.
SELECT who, col, left(pg_temp.try(who, format('INSERT INTO order_line (item, qty_ordered, %s) VALUES (''A'', 1, %s)', col, val)), 100) AS error
FROM (VALUES ('none'), ('regress_bko_app')) w (who),
     (VALUES ('qty_shipped', '1'), ('qty_allocated', '1'), ('qty_backordered', '1'), ('qty_cancelled', '0'), ('qty_returned', '0'), ('qty_filled_first', '1'),
             ('closed_at', 'now()'), ('queued_at, closed_at', 'now(), now()'), ('qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned, qty_filled_first', '1, 0, 0, 0, 0, 1')) c (col, val)
ORDER BY who, col;
SELECT pg_temp.try('regress_bko_app', 'INSERT INTO order_line (item, qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at) VALUES (''A'', 1, 1, 0, 0, 0, 0, 1, now())') AS all_given;
SELECT pg_temp.try('regress_bko_app', 'INSERT INTO order_line (item, qty_ordered, queued_at) VALUES (''A'', 1, ''2001-01-01'')') AS queued_at_given,
       pg_temp.try('none', 'INSERT INTO order_line (item, qty_ordered, queued_at) VALUES (''A'', 1, ''infinity'')') AS queued_at_never;
SELECT who, target, pg_temp.try(who, sql) AS error
FROM (VALUES ('none'), ('regress_bko_app')) w (who),
     (VALUES (1, 'allocated', 'INSERT INTO stock (item, on_hand, allocated) VALUES (''X'', 1, 0)'),
             (2, 'backordered', 'INSERT INTO stock (item, on_hand, backordered) VALUES (''X'', 1, 0)'),
             (3, 'last_queued_at', 'INSERT INTO stock (item, on_hand, last_queued_at) VALUES (''X'', 1, now())'),
             (4, 'qty_to_stock', 'INSERT INTO receipt (item, qty, qty_to_stock) VALUES (''A'', 1, 1)'),
             (5, 'qty_to_backorders', 'INSERT INTO receipt (item, qty, qty_to_backorders) VALUES (''A'', 1, 0)'),
             (6, 'supply_id', 'INSERT INTO receipt (item, qty, supply_id) VALUES (''A'', 1, 1)'),
             (7, 'allocated changed', 'UPDATE stock SET allocated = 1 WHERE item = ''A'''),
             (8, 'backordered changed', 'UPDATE stock SET backordered = 1 WHERE item = ''A'''),
             (9, 'last_queued_at changed', 'UPDATE stock SET last_queued_at = NULL WHERE item = ''A'''),
             (10, 'qty_shipped changed', 'UPDATE order_line SET qty_shipped = 1, qty_backordered = 1 WHERE item = ''A'''),
             (11, 'qty_allocated changed', 'UPDATE order_line SET qty_allocated = 0, qty_shipped = 2 WHERE item = ''C'''),
             (12, 'qty_cancelled changed', 'UPDATE order_line SET qty_cancelled = 2, qty_backordered = 0 WHERE item = ''B'''),
             (13, 'qty_returned changed', 'UPDATE order_line SET qty_returned = 1 WHERE item = ''A'''),
             (14, 'qty_filled_first changed', 'UPDATE order_line SET qty_filled_first = 1 WHERE item = ''A'''),
             (15, 'queued_at changed', 'UPDATE order_line SET queued_at = ''2001-01-01'' WHERE item = ''B'''),
             (16, 'closed_at changed', 'UPDATE order_line SET closed_at = NULL WHERE item = ''A'''),
             (17, 'line_id changed', 'UPDATE order_line SET line_id = 99 WHERE item = ''B'''),
             (18, 'qty_received changed', 'UPDATE supply SET qty_received = 1'),
             (19, 'receipt changed', 'UPDATE receipt SET qty = 2, qty_to_stock = 2'),
             (20, 'journal changed', 'UPDATE movement SET qty = 1'),
             (21, 'journal deleted', 'DELETE FROM movement')) c (n, target, sql)
ORDER BY n, who;
-- By the role alone: a supply line that says it was received, a journal of one's own.
SELECT pg_temp.try('regress_bko_app', 'INSERT INTO supply (supply_ref, item, qty_expected, qty_received) VALUES (''S'', ''A'', 1, 1)') AS qty_received,
       pg_temp.try('regress_bko_app', 'INSERT INTO movement (at, kind, item, location, qty, by_role) VALUES (now(), ''adjust'', ''A'', ''main'', 1, ''me'')') AS journal;
SELECT pg_temp.contents() = contents AS unchanged FROM before;

-- Other columns out of range.
SELECT sql, left(pg_temp.try('none', sql), 5) AS sqlstate
FROM (VALUES (1, 'INSERT INTO order_line (item, qty_ordered, priority) VALUES (''A'', 1, -1)'),
             (2, 'INSERT INTO order_line (item, qty_ordered, priority) VALUES (''A'', 1, 32768)'),
             (3, 'INSERT INTO order_line (item, qty_ordered, priority) VALUES (''A'', 1, NULL)'),
             (4, 'INSERT INTO order_line (item, qty_ordered, ship_policy) VALUES (''A'', 1, ''never'')'),
             (5, 'INSERT INTO order_line (item, qty_ordered, ship_policy) VALUES (''A'', 1, NULL)'),
             (6, 'INSERT INTO order_line (item, qty_ordered, demand) VALUES (''A'', 1, ''wish'')'),
             (7, 'INSERT INTO order_line (item, qty_ordered, currency) VALUES (''A'', 1, ''euro'')'),
             (8, 'INSERT INTO order_line (item, qty_ordered, line_id) VALUES (''A'', 1, NULL)'),
             (9, 'INSERT INTO order_line (item, qty_ordered, line_id) VALUES (''A'', 1, 1)'),
             (10, 'INSERT INTO order_line (item, qty_ordered, order_ref) VALUES (''A'', 1, repeat(md5(''x''), 1000000))'),
             (11, 'INSERT INTO stock (item, fill_rule) VALUES (''X'', ''random'')'),
             (12, 'INSERT INTO stock (item, fill_rule) VALUES (''X'', '''')'),
             (13, 'INSERT INTO stock (item, ships_at_once) VALUES (''X'', NULL)'),
             (14, 'INSERT INTO stock (item, unit_cost) VALUES (''X'', -1)'),
             (15, 'INSERT INTO stock (item, available) VALUES (''X'', 1)'),
             (16, 'INSERT INTO stock (item) VALUES (''A'')'),
             (17, 'INSERT INTO receipt (item, qty, unit_cost) VALUES (''A'', 1, -1)'),
             (18, 'INSERT INTO receipt (item, qty, receipt_id) VALUES (''A'', 1, NULL)'),
             (19, 'INSERT INTO supply (supply_ref, item, qty_expected, kind) VALUES (''S'', ''A'', 1, ''gift'')'),
             (20, 'INSERT INTO supply (supply_ref, item, qty_expected) VALUES (NULL, ''A'', 1)'),
             (21, 'INSERT INTO movement (at, kind, item, location, qty, by_role) VALUES (now(), ''wish'', ''A'', ''main'', 1, ''me'')')) c (n, sql)
ORDER BY n;
SELECT pg_temp.contents() = contents AS unchanged FROM before;

-- What a line's change refuses: less than has shipped, another item when shipped,
-- deletion when shipped (BK004).
SELECT sql, left(pg_temp.try('none', sql), 5) AS sqlstate
FROM (VALUES (1, 'UPDATE order_line SET qty_ordered = 1 WHERE item = ''A'''),
             (2, 'UPDATE order_line SET item = ''B'' WHERE item = ''A'''),
             (3, 'UPDATE order_line SET location = ''west'' WHERE item = ''A'''),
             (4, 'DELETE FROM order_line WHERE item = ''A'''),
             (5, 'DELETE FROM order_line'),
             (6, 'UPDATE order_line SET qty_ordered = 1')) c (n, sql)
ORDER BY n;
SELECT pg_temp.contents() = contents AS unchanged FROM before;
SELECT * FROM verify();

-- A value that equals the old one, in whatever scale, is no change: ORMs write rows whole.
UPDATE order_line SET qty_shipped = qty_shipped + 0.000, qty_ordered = qty_ordered, queued_at = queued_at, closed_at = closed_at, line_id = line_id;
UPDATE stock SET allocated = allocated + 0.00, backordered = 0.0 + backordered, last_queued_at = last_queued_at;
UPDATE supply SET qty_received = 0.00;
SELECT * FROM verify();

-- Emptying a table whose rows the journal tells of: whether it is refused or not,
-- the book is sound afterwards.
DELETE FROM order_line WHERE item <> 'A';
SELECT left(pg_temp.try('none', 'TRUNCATE t_errors.stock'), 0);
SELECT * FROM verify();
SELECT left(pg_temp.try('none', 'TRUNCATE t_errors.order_line RESTART IDENTITY'), 0);
INSERT INTO stock (item, on_hand) VALUES ('A', 5) ON CONFLICT DO NOTHING;
SELECT left(pg_temp.try('none', 'INSERT INTO t_errors.order_line (line_id, item, qty_ordered) VALUES (1, ''A'', 1)'), 0);
SELECT * FROM verify();

SET client_min_messages = warning;
DROP SCHEMA t_errors CASCADE;
DROP ROLE regress_bko_app;
