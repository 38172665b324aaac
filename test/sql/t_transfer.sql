-- transfer(): demand at one location and supply at the other, in one call; and
-- cancel_transfer(). Numbers are worked out in the comments.
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE EXTENSION IF NOT EXISTS bko;
DROP ROLE IF EXISTS regress_bko_app, regress_bko_clerk;
CREATE ROLE regress_bko_app;
CREATE ROLE regress_bko_clerk;
SELECT bko.create_book('t_transfer');
SET search_path = t_transfer;
CREATE VIEW lines AS SELECT order_ref AS ref, demand, customer, item, location, qty_ordered AS ordered, qty_shipped AS shipped,
    qty_allocated AS alloc, qty_backordered AS back, qty_cancelled AS canc, priority, ship_policy FROM order_line;
CREATE VIEW supplies AS SELECT supply_ref AS ref, kind, supplier, item, location, qty_expected AS expected, qty_received AS received, closed,
    expected_on - current_date AS in_days FROM supply;
CREATE FUNCTION fails(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; hint text; state text;
BEGIN
    EXECUTE q;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || message || CASE WHEN hint = '' THEN ' (no hint)' ELSE '' END;
END $$;
INSERT INTO stock (item, location, on_hand) VALUES ('A', 'main', 10), ('A', 'shop', 0), ('B', 'main', 4), ('B', 'shop', 0);

-- 3 wait in the shop. 8 are transferred from main, which has 10: they leave at once, and the
-- shop's backorder is promised for the day of their arrival.
INSERT INTO order_line (order_ref, item, location, qty_ordered) VALUES ('SO-1', 'A', 'shop', 3);
SELECT ref, qty_shipped, qty_allocated, qty_backordered FROM transfer('A', 8, 'main', 'shop', current_date + 2);
SELECT * FROM lines ORDER BY ref;
SELECT * FROM supplies;
SELECT order_ref, qty_backordered, promised_on - current_date AS in_days, supply_ref FROM open_backorder;
SELECT l.order_ref AS line_of, l.line_id = s.line_id AS linked FROM supply s JOIN order_line l USING (line_id, item);
-- The arrival, 5 and 3: 3 go to the backorder.
INSERT INTO receipt (item, location, qty, supply_ref) VALUES ('A', 'shop', 5, 'TR-1') RETURNING qty_to_backorders, qty_to_stock;
SELECT * FROM receive('A', 3, 'shop', 'TR-1');
SELECT * FROM supplies;
SELECT item, location, on_hand, backordered FROM stock ORDER BY 1, 2;
SELECT * FROM verify();

-- More than there is. Of B main has 4, and what ships as a whole holds them. Of A it has 2,
-- which SO-2 takes, waiting for 2 more: the transfer of 5 waits behind it, in main's queue.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('SO-2', 'A', 4) RETURNING qty_shipped, qty_backordered;
SELECT * FROM transfer('B', 5, 'main', 'shop', ref => 'T-B', priority => 7, ship_policy => 'line', requested_on => current_date) \gset
SELECT :'ref' AS ref, :qty_shipped AS shipped, :qty_allocated AS allocated, :qty_backordered AS backordered;
SELECT * FROM lines WHERE ref = 'T-B';
SELECT ref, qty_shipped, qty_backordered FROM transfer('A', 5, 'main', 'shop', ref => 'T-A');
SELECT order_ref, demand, customer, location, qty_backordered, position FROM open_backorder WHERE item = 'A' ORDER BY position;
SELECT * FROM supplies ORDER BY ref;
-- 3 come to main: 2 for SO-2, 1 leaves for the shop.
INSERT INTO receipt (item, qty) VALUES ('A', 3);
SELECT * FROM lines WHERE ref = 'T-A';
SELECT * FROM verify();

-- Cancelled: what has not left is; expected in the shop is no more than the 1 that has.
SELECT item, location, qty_ordered, qty_shipped, qty_backordered, qty_cancelled FROM cancel_transfer('T-A', 'not needed');
SELECT * FROM supplies WHERE ref = 'T-A';
SELECT DISTINCT reason FROM movement WHERE kind = 'cancel';
INSERT INTO receipt (item, location, qty, supply_ref) VALUES ('A', 'shop', 1, 'T-A') RETURNING qty_to_stock;
-- Once more: nothing is left to cancel, all of it has arrived.
SELECT item, qty_ordered, qty_shipped, qty_cancelled FROM cancel_transfer('T-A');
SELECT * FROM supplies WHERE ref = 'T-A';
-- Nothing has left of T-B, which ships as a whole: the 4 that were held go back to stock.
SELECT item, qty_ordered, qty_shipped, qty_allocated, qty_cancelled FROM cancel_transfer('T-B');
SELECT * FROM supplies WHERE ref = 'T-B';
SELECT on_hand, allocated, backordered FROM stock WHERE item = 'B' AND location = 'main';
SELECT fails('INSERT INTO receipt (item, location, qty, supply_ref) VALUES (''B'', ''shop'', 1, ''T-B'')');
SELECT * FROM verify();
-- What was taken back at the place it came from is no longer on its way: of 4 that left 1 came
-- back, 2 have arrived, 1 is still to come.
SELECT line_id FROM transfer('B', 4, 'main', 'shop', ref => 'T-C') \gset
SELECT qty_returned FROM return_goods(:line_id, 1);
INSERT INTO receipt (item, location, qty, supply_ref) VALUES ('B', 'shop', 2, 'T-C') RETURNING qty_to_stock;
SELECT qty_shipped, qty_returned FROM cancel_transfer('T-C');
SELECT * FROM supplies WHERE ref = 'T-C';
SELECT * FROM verify();

-- Several under one reference; an order and a purchase of the same reference are not the
-- transfer's.
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('T-D', 'A', 2);
INSERT INTO supply (supply_ref, item, location, qty_expected) VALUES ('T-D', 'A', 'shop', 2);
SELECT qty_shipped, qty_backordered FROM transfer('A', 2, 'main', 'shop', ref => 'T-D');
SELECT qty_shipped, qty_backordered FROM transfer('B', 2, 'shop', 'main', ref => 'T-D');
SELECT item, location, demand, qty_shipped, qty_cancelled FROM cancel_transfer('T-D');
SELECT * FROM lines WHERE ref = 'T-D' ORDER BY item, location, demand;
SELECT * FROM supplies WHERE ref = 'T-D' ORDER BY item, kind;
-- References that are made pass over those that somebody has used.
INSERT INTO supply (supply_ref, item, qty_expected) VALUES ('TR-2', 'A', 1);
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('TR-3', 'A', 1);
SELECT ref FROM transfer('A', 1, 'main', 'shop');
SELECT * FROM verify();

-- What is wrong. Nothing happens.
SELECT (SELECT count(*) FROM order_line) AS lines_before, (SELECT count(*) FROM supply) AS supplies_before \gset
SELECT args, fails(format('SELECT transfer(%s)', args)) FROM unnest(ARRAY[
    '''A'', 1, ''main'', ''main''', '''A'', 1, ''main'', ''nowhere''', '''A'', 1, ''nowhere'', ''main''', '''X'', 1, ''main'', ''shop''',
    '''A'', 0, ''main'', ''shop''', '''A'', -1, ''main'', ''shop''', '''A'', ''NaN'', ''main'', ''shop''', '''A'', 1e12, ''main'', ''shop''',
    '''A'', NULL, ''main'', ''shop''', 'NULL, 1, ''main'', ''shop''', '''A'', 1, NULL, ''shop''', '''A'', 1, ''main'', NULL',
    '''A'', 1, ''main'', ''shop'', priority => -1', '''A'', 1, ''main'', ''shop'', ship_policy => ''some''']) args;
UPDATE stock SET qty_step = 2, backorder_limit = 0 WHERE item = 'B' AND location = 'main';
SELECT fails('SELECT transfer(''B'', 3, ''main'', ''shop'')'), fails('SELECT transfer(''B'', 400, ''main'', ''shop'')');
SELECT ref, fails(format('SELECT cancel_transfer(%s)', ref)) FROM unnest(ARRAY['NULL', '''nothing''', '''SO-1''', '''TR-2''']) ref;
CREATE FUNCTION keeps_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER a BEFORE INSERT ON supply FOR EACH ROW EXECUTE FUNCTION keeps_out();
SELECT fails('SELECT transfer(''A'', 1, ''main'', ''shop'', ref => ''T-E'')');
DROP TRIGGER a ON supply;
CREATE TRIGGER a BEFORE INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION keeps_out();
SELECT fails('SELECT transfer(''A'', 1, ''main'', ''shop'', ref => ''T-E'')');
DROP TRIGGER a ON order_line;
SELECT (SELECT count(*) FROM order_line) - :lines_before AS lines, (SELECT count(*) FROM supply) - :supplies_before AS supplies;
SELECT * FROM verify();

-- Rights: INSERT on both tables (and SELECT, for what it returns) to transfer; EXECUTE to cancel.
GRANT USAGE ON SCHEMA t_transfer TO regress_bko_app, regress_bko_clerk;
GRANT INSERT, SELECT ON order_line TO regress_bko_app;
SELECT last_value AS number_before FROM transfer_number_seq \gset
SET ROLE regress_bko_app;
SELECT fails('SELECT t_transfer.transfer(''A'', 1, ''main'', ''shop'')');
RESET ROLE;
GRANT INSERT, SELECT ON supply TO regress_bko_app;
SET ROLE regress_bko_app;
SELECT qty_shipped, qty_backordered FROM t_transfer.transfer('A', 1, 'main', 'shop', ref => 'T-F');
SELECT fails('SELECT t_transfer.cancel_transfer(''T-F'')');
SET ROLE regress_bko_clerk;
SELECT fails('SELECT t_transfer.transfer(''A'', 1, ''main'', ''shop'')');
SELECT fails('SELECT bko.cancel_transfer(''t_transfer.book'', ''T-F'', NULL)');
RESET ROLE;
GRANT EXECUTE ON FUNCTION cancel_transfer TO regress_bko_clerk;
SET ROLE regress_bko_clerk;
SELECT qty_cancelled FROM t_transfer.cancel_transfer('T-F');
RESET ROLE;
SELECT by_role, kind FROM movement JOIN order_line USING (line_id) WHERE order_ref = 'T-F' ORDER BY movement_id;
-- who may not insert uses up no number (the first try above did, before its supply failed)
SELECT last_value - :number_before AS numbers FROM transfer_number_seq;
SELECT * FROM verify();

DROP SCHEMA t_transfer CASCADE;
DROP ROLE regress_bko_app, regress_bko_clerk;
