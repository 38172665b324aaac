-- The same delivery posted twice is taken once: document, the number of the
-- delivery note, is unique for an item and location.
SET client_min_messages = warning;
\set VERBOSITY sqlstate
CREATE EXTENSION IF NOT EXISTS bko;
SELECT bko.create_book('life_idempotent');
SET search_path = life_idempotent;
RESET client_min_messages;
CREATE VIEW lines AS
    SELECT order_ref AS ref, item, location AS loc, qty_ordered AS ordered, qty_shipped AS shipped,
           qty_allocated AS alloc, qty_backordered AS back, qty_cancelled AS canc, qty_returned AS ret,
           closed_at IS NOT NULL AS closed
      FROM order_line;
CREATE VIEW stocks AS SELECT item, location AS loc, on_hand, allocated, available, backordered FROM stock;
CREATE FUNCTION id(text, text DEFAULT '%') RETURNS bigint LANGUAGE sql
    AS 'SELECT line_id FROM order_line WHERE order_ref = $1 AND item LIKE $2';

-- A waits for 3. Document D-1 brings 2; posted again it brings nothing.
INSERT INTO stock (item, location) VALUES ('X', 'main'), ('X', 'east'), ('Y', 'main');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('A', 'X', 3);
SELECT order_ref, qty FROM receive('X', 2, document => 'D-1');
SELECT order_ref, qty FROM receive('X', 2, document => 'D-1');
SELECT order_ref, qty FROM receive(item => 'X', qty => 5, document => 'D-1', note => 'another quantity');
SELECT * FROM stocks ORDER BY 1, 2;
SELECT count(*), sum(qty) FROM receipt;
-- the same document for another item or location is another delivery; so is
-- one without a document, and an empty one is a document
SELECT count(*) FROM receive('Y', 2, document => 'D-1');
SELECT count(*) FROM receive('X', 2, 'east', document => 'D-1');
SELECT order_ref, qty FROM receive('X', 0.5);
SELECT order_ref, qty FROM receive('X', 0.5);
SELECT count(*) FROM receive('Y', 1, document => '');
SELECT count(*) FROM receive('Y', 1, document => '');
SELECT * FROM stocks ORDER BY 1, 2;
SELECT * FROM verify();

-- INSERT: twice is an error, ON CONFLICT DO NOTHING takes it once; within one
-- statement too. B, C wait for 4 and 4. 3 (D-2), 3 (D-2 again), 2 (D-3), 9
-- (D-1, long known), 1 (D-3 again): 5 in all: B 4, C 1.
INSERT INTO receipt (item, qty, document) VALUES ('X', 2, 'D-1');
INSERT INTO order_line (order_ref, item, qty_ordered) VALUES ('B', 'X', 4), ('C', 'X', 4);
INSERT INTO receipt (item, qty, document) VALUES ('X', 3, 'D-2'), ('X', 3, 'D-2'), ('X', 2, 'D-3'), ('X', 9, 'D-1'), ('X', 1, 'D-3')
ON CONFLICT DO NOTHING RETURNING document, qty, qty_to_backorders, qty_to_stock;
SELECT * FROM lines ORDER BY 1;
SELECT * FROM verify();
-- named columns of the index, with its condition
INSERT INTO receipt (item, qty, document) VALUES ('X', 3, 'D-2'), ('X', 1, 'D-4'), ('Y', 1, 'D-1')
ON CONFLICT (document, item, location) WHERE document IS NOT NULL DO NOTHING RETURNING document, qty, qty_to_backorders, qty_to_stock;
-- all of them known: nothing happens
INSERT INTO receipt (item, qty, document) VALUES ('X', 3, 'D-2'), ('Y', 1, 'D-1') ON CONFLICT DO NOTHING;
SELECT * FROM lines ORDER BY 1;
SELECT * FROM stocks ORDER BY 1, 2;
SELECT * FROM verify();

-- On supply: what is dropped leaves the supply line as it was. 5 expected; 2
-- (E-1), 2 (E-1 again), 2 (E-2): 4 received.
INSERT INTO supply (supply_ref, item, qty_expected, expected_on) VALUES ('PO-1', 'Y', 5, '2030-01-01'), ('PO-1', 'Y', 5, '2030-01-02');
INSERT INTO receipt (item, qty, supply_ref, document) VALUES ('Y', 2, 'PO-1', 'E-1'), ('Y', 9, 'PO-1', 'E-1'), ('Y', 2, 'PO-1', 'E-2')
ON CONFLICT DO NOTHING RETURNING document, qty;
SELECT expected_on, qty_received FROM supply ORDER BY 1;
-- again through the function
SELECT count(*) FROM receive('Y', 2, supply_ref => 'PO-1', document => 'E-2');
SELECT expected_on, qty_received FROM supply ORDER BY 1;
SELECT * FROM verify();

-- A receipt with the number of another one is no duplicate delivery but a
-- mistake: said, not swallowed.
INSERT INTO receipt (receipt_id, item, qty) VALUES (700, 'Y', 1);
SELECT setval(pg_get_serial_sequence('receipt', 'receipt_id'), 699) > 0;
SELECT count(*) FROM receive('Y', 7);
SELECT setval(pg_get_serial_sequence('receipt', 'receipt_id'), 1000) > 0;
-- where the statement asks for it, nothing is taken of the ones that are known: 700
-- is there, 701 is new once; C gets that 1. Y keeps its 8.
INSERT INTO receipt (receipt_id, item, qty) VALUES (700, 'Y', 5) ON CONFLICT DO NOTHING;
INSERT INTO receipt (receipt_id, item, qty) VALUES (700, 'Y', 5), (701, 'X', 1), (701, 'X', 1) ON CONFLICT (receipt_id, item) DO NOTHING;
SELECT * FROM stocks ORDER BY 1, 2;
SELECT * FROM verify();
-- of lines too: id 900 is there
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (900, 'F', 'Y', 1);
INSERT INTO order_line (line_id, order_ref, item, qty_ordered) VALUES (900, 'F', 'Y', 2), (901, 'G', 'Y', 1), (900, 'F', 'Y', 3)
ON CONFLICT DO NOTHING RETURNING order_ref, qty_ordered, qty_shipped;
SELECT * FROM verify();

-- Reversed, it stays known: the document is not taken again.
SELECT on_hand FROM reverse_receipt((SELECT receipt_id FROM receipt WHERE document = 'D-1' AND item = 'Y'));
SELECT count(*) FROM receive('Y', 2, document => 'D-1');
SELECT * FROM verify();

-- Rolled back, it is not known.
BEGIN;
SELECT count(*) FROM receive('Y', 2, document => 'F-1');
SAVEPOINT s;
SELECT count(*) FROM receive('Y', 2, document => 'F-2');
ROLLBACK TO s;
SELECT count(*) FROM receive('Y', 4, document => 'F-2');
ROLLBACK;
SELECT count(*) FROM receipt WHERE document LIKE 'F-%';
SELECT count(*) FROM receive('Y', 1, document => 'F-2');
SELECT document, qty FROM receipt WHERE document LIKE 'F-%';

-- document can't be changed afterwards, a note can.
UPDATE receipt SET document = 'F-3' WHERE document = 'F-2';
UPDATE receipt SET note = 'late' WHERE document = 'F-2' RETURNING note;
SELECT * FROM verify();

SET client_min_messages = warning;
DROP SCHEMA life_idempotent CASCADE;
