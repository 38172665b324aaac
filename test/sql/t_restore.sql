-- Rows that arrive with all that the engine once filled in are stored as they are,
-- from the owner alone, and the journal is not written again.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('t_restore');
SELECT bko.create_book('t_restore_to');
DROP ROLE IF EXISTS regress_bko_app;
RESET client_min_messages;
\set VERBOSITY terse

-- A busy book: shipped, waiting, held, received on supply, decimals, passed up.
SET search_path = t_restore;
INSERT INTO stock (item, on_hand, ships_at_once, qty_step) VALUES ('A', 10, true, NULL), ('B', 0, true, NULL), ('C', 7.5, false, 2.5);
INSERT INTO order_line (order_ref, item, qty_ordered, ship_policy) VALUES ('1', 'A', 4, 'partial'), ('2', 'A', 8, 'line'), ('3', 'B', 3, 'partial'), ('4', 'C', 10, 'partial');
INSERT INTO supply (supply_ref, item, qty_expected) VALUES ('P', 'B', 5);
INSERT INTO receipt (item, qty, supply_ref) VALUES ('B', 2, 'P');
INSERT INTO receipt (item, qty) VALUES ('A', 1);
INSERT INTO stock (item, on_hand, ships_at_once) VALUES ('U', 3, false);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('U', 'U', 5);
SELECT order_ref, qty_after FROM reallocate('U', strategies => '{"100": "lose"}');
SELECT * FROM verify();

-- Row by row into another book, in an order that no foreign key would like: lines
-- before their stock, the journal last. Nothing is decided again.
SET search_path = t_restore_to;
INSERT INTO order_line SELECT * FROM t_restore.order_line;
INSERT INTO receipt SELECT * FROM t_restore.receipt;
INSERT INTO supply SELECT * FROM t_restore.supply;
INSERT INTO stock (item, location, on_hand, allocated, backordered, unit_cost, safety_stock, qty_step, backorder_limit, fill_rule, ships_at_once, lead_time_days, last_queued_at, unassigned)
SELECT item, location, on_hand, allocated, backordered, unit_cost, safety_stock, qty_step, backorder_limit, fill_rule, ships_at_once, lead_time_days, last_queued_at, unassigned FROM t_restore.stock;
SELECT count(*) AS movements FROM movement;
INSERT INTO movement SELECT * FROM t_restore.movement;
SELECT * FROM verify();
-- Identical, table by table: 0 rows differ.
SELECT count(*) AS different FROM ((TABLE t_restore.order_line EXCEPT TABLE order_line) UNION ALL (TABLE order_line EXCEPT TABLE t_restore.order_line)) d;
SELECT count(*) AS different FROM ((TABLE t_restore.stock EXCEPT TABLE stock) UNION ALL (TABLE stock EXCEPT TABLE t_restore.stock)) d;
SELECT count(*) AS different FROM ((TABLE t_restore.receipt EXCEPT TABLE receipt) UNION ALL (TABLE receipt EXCEPT TABLE t_restore.receipt)) d;
SELECT count(*) AS different FROM ((TABLE t_restore.supply EXCEPT TABLE supply) UNION ALL (TABLE supply EXCEPT TABLE t_restore.supply)) d;
SELECT count(*) AS different FROM ((TABLE t_restore.movement EXCEPT TABLE movement) UNION ALL (TABLE movement EXCEPT TABLE t_restore.movement)) d;
-- The same again with ON CONFLICT DO NOTHING changes nothing.
INSERT INTO order_line SELECT * FROM t_restore.order_line ON CONFLICT DO NOTHING;
INSERT INTO receipt SELECT * FROM t_restore.receipt ON CONFLICT DO NOTHING;
SELECT * FROM verify();
-- Life goes on there: the identities are moved up, then 6 of A come: line 2 waits
-- for 1 of 8, which completes it, and 5 stay; a new line of 7 gets those.
SELECT setval(pg_get_serial_sequence('order_line', 'line_id'), 100), setval(pg_get_serial_sequence('receipt', 'receipt_id'), 100), setval(pg_get_serial_sequence('movement', 'movement_id'), 100);
INSERT INTO receipt (item, qty) VALUES ('A', 6) RETURNING qty_to_backorders, qty_to_stock;
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('5', 'A', 7) RETURNING qty_shipped, qty_backordered;
SELECT order_ref, qty_shipped, qty_allocated, qty_backordered FROM order_line WHERE item = 'A' ORDER BY line_id;
-- The new line comes after the old ones, whatever their times were.
SELECT bool_and(n.queued_at > o.queued_at) AS later FROM order_line n, order_line o WHERE n.order_ref = '5' AND o.order_ref <> '5';
-- What waiting lines passed up is for new ones there too.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('6', 'U', 2) RETURNING qty_allocated;
SELECT available, unassigned FROM stock WHERE item = 'U';
SELECT * FROM verify();
-- The book that it came from is as it was: 1 waits.
SELECT item, backordered FROM t_restore.stock ORDER BY item;

-- By COPY, all columns, and a line whose stock row comes later.
COPY order_line (line_id, item, qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at, closed_at) FROM stdin;
201	Z	5	2	0	3	0	0	2	2020-02-02 00:00:00+00	\N
202	Z	1	1	0	0	0	0	1	2020-02-02 00:00:01+00	2020-02-02 00:00:01+00
\.
COPY stock (item, on_hand, allocated, backordered) FROM stdin;
Z	0	0	3
\.
COPY movement (at, kind, from_state, to_state, item, location, qty, line_id, by_role) FROM stdin;
2020-02-02 00:00:00+00	adjust	\N	\N	Z	main	3	\N	old
2020-02-02 00:00:00+00	ship	\N	s	Z	main	2	201	old
2020-02-02 00:00:00+00	backorder	\N	b	Z	main	3	201	old
2020-02-02 00:00:01+00	ship	\N	s	Z	main	1	202	old
\.
SELECT * FROM verify();
INSERT INTO receipt (item, qty) VALUES ('Z', 4) RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM verify();

-- Old orders brought in with their old time, from the owner: they go through the
-- split, and stand where they stood. Y: 0 there; first a new one of 1, then one of
-- 2001: 2 come: the old one gets its 1 first, then the new one.
INSERT INTO stock (item, on_hand) VALUES ('Y', 0);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('new', 'Y', 1);
INSERT INTO order_line (order_ref, item, qty_ordered, queued_at) VALUES ('old', 'Y', 1, '2001-01-01 00:00:00+00') RETURNING qty_backordered, queued_at AT TIME ZONE 'UTC' = '2001-01-01' AS kept;
SELECT order_ref, position FROM open_backorder WHERE item = 'Y' ORDER BY position;
INSERT INTO receipt (item, qty) VALUES ('Y', 1);
SELECT order_ref, qty_shipped FROM order_line WHERE item = 'Y' ORDER BY order_ref;
-- Both kinds in one statement: those with a time of their own and those without.
INSERT INTO order_line (order_ref, item, qty_ordered, queued_at) VALUES ('mixed new', 'Y', 1, NULL), ('mixed old', 'Y', 1, '2001-01-02 00:00:00+00');
SELECT order_ref, position FROM open_backorder WHERE item = 'Y' ORDER BY position;
-- A time that no clock shows is refused: the views count days.
\set VERBOSITY sqlstate
INSERT INTO order_line (order_ref, item, qty_ordered, queued_at) VALUES ('never', 'Y', 1, 'infinity');
INSERT INTO order_line (order_ref, item, qty_ordered, queued_at) VALUES ('ever', 'Y', 1, '-infinity');
SELECT count(days_waiting) FROM open_backorder;
SELECT * FROM verify();

-- New rows and rows brought back in one statement can't be told apart afterwards: BK003.
INSERT INTO order_line (item, qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at)
VALUES ('Y', 1, 0, 0, 1, 0, 0, 0, '2001-01-03'), ('Y', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO order_line (item, qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at)
VALUES ('Y', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL), ('Y', 1, 0, 0, 1, 0, 0, 0, '2001-01-03');
INSERT INTO stock (item, on_hand, allocated, backordered) VALUES ('V1', 1, 0, 0), ('V2', 1, NULL, NULL);
INSERT INTO receipt (item, qty, qty_to_backorders, qty_to_stock) VALUES ('Y', 1, 0, 1), ('Y', 1, NULL, NULL);
-- Some of the columns: BK003. A row that doesn't add up: the constraints' 23514.
INSERT INTO order_line (item, qty_ordered, qty_shipped, qty_allocated, qty_backordered) VALUES ('Y', 1, 1, 0, 0);
INSERT INTO stock (item, on_hand, allocated) VALUES ('V1', 1, 0);
INSERT INTO receipt (item, qty, qty_to_backorders) VALUES ('Y', 1, 0);
INSERT INTO order_line (item, qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at) VALUES ('Y', 1, 2, 0, 0, 0, 0, 0, now());
INSERT INTO receipt (item, qty, qty_to_backorders, qty_to_stock) VALUES ('Y', 1, 1, 1);
INSERT INTO stock (item, on_hand, allocated, backordered) VALUES ('V1', 1, 2, 0);
SELECT * FROM verify();

-- By nobody but the owner: a role with all rights on the tables is refused (BK003).
SET client_min_messages = warning;
CREATE ROLE regress_bko_app;
GRANT USAGE ON SCHEMA t_restore, t_restore_to TO regress_bko_app;
GRANT ALL ON ALL TABLES IN SCHEMA t_restore, t_restore_to TO regress_bko_app;
SET ROLE regress_bko_app;
INSERT INTO order_line SELECT * FROM t_restore.order_line ON CONFLICT DO NOTHING;
INSERT INTO receipt SELECT * FROM t_restore.receipt ON CONFLICT DO NOTHING;
INSERT INTO supply SELECT * FROM t_restore.supply ON CONFLICT DO NOTHING;
INSERT INTO stock (item, on_hand, allocated, backordered) VALUES ('V1', 1, 0, 0);
INSERT INTO movement SELECT * FROM t_restore.movement ON CONFLICT DO NOTHING;
RESET ROLE;
\set VERBOSITY terse
SELECT * FROM verify();

DROP SCHEMA t_restore CASCADE;
DROP SCHEMA t_restore_to CASCADE;
DROP ROLE regress_bko_app;
