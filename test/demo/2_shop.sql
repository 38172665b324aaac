-- A month of orders, the same every time: arithmetic instead of random().
\set ECHO none
CREATE TEMP TABLE article (
    n integer, item text, on_hand numeric, unit_cost numeric, unit_price numeric, supplier text, arrives numeric
);
INSERT INTO article VALUES
    (0, 'PHONE-S',        260, 290, 449, 'Acme',       120),
    (1, 'TABLET-10',      180, 210, 329, 'Acme',       150),
    (2, 'LAPTOP-14',       90, 610, 899, 'Nordlicht',  110),
    (3, 'LAPTOP-16',       60, 840, 1249, 'Nordlicht',  90),
    (4, 'EARBUDS',        520,  31,  79, 'Soundworks', 200),
    (5, 'HEADPHONES',     210,  88, 179, 'Soundworks', 140),
    (6, 'CHARGER-65W',    700,  12,  39, 'Kabelwerk',  400),
    (7, 'CABLE-USB-C',    900,   2,  12, 'Kabelwerk',  500),
    (8, 'MONITOR-27',      75, 160, 279, 'Nordlicht',   80),
    (9, 'KEYBOARD-DE',    150,  34,  89, 'Tastenhaus', 120),
    (10, 'MOUSE',         340,  11,  29, 'Tastenhaus', 100),
    (11, 'DOCK-PRO',       40,  95, 199, 'Kabelwerk',   60);

CREATE TEMP TABLE customer AS
SELECT n - 1 AS n, name, CASE WHEN name LIKE '%Klinik%' THEN 10 ELSE 100 END AS priority
FROM unnest(ARRAY[
    'Abel & Sohn', 'Baumann Elektro', 'City Phones', 'Delta Office', 'Elbe-Klinik', 'Fjord Retail', 'Gallo S.p.A.',
    'Hansa Versand', 'Ibis Hotels', 'Jansen BV', 'Kranich Schulen', 'Lumen Ltd', 'Moreau et Fils', 'Nova Telecom',
    'Ostsee-Klinik', 'Petersen A/S', 'Quick Shop', 'Rivera Hermanos', 'Stadtwerke Linz', 'Tech Corner'
]) WITH ORDINALITY AS customer (name, n);

-- 240 orders of two lines; big customers order big.
CREATE TEMP TABLE order_book AS
SELECT 2000 + (i + 1) / 2 AS order_no, 1 + (i + 1) % 2 AS line_no, customer.name, customer.priority, article.item, article.unit_price,
       ceil((1 + i * 37 % 23) * CASE i * 11 % 7 WHEN 0 THEN 2 ELSE 0.6 END) AS qty,
       date_trunc('day', now()) - interval '30 days' + i * interval '88 minutes' AS ordered_at
FROM generate_series(1, 480) AS i
JOIN customer ON customer.n = (i + 1) / 2 * 7 % 20
JOIN article ON article.n = (i * 5 + i / 12) % 12;

\echo
\echo '=== 2. A month of a shop ==================================================='
\echo
\set ECHO queries
INSERT INTO shop.stock (item, on_hand, unit_cost)
SELECT item, on_hand, unit_cost FROM article;
\echo
\echo '--- 480 order lines of 20 customers come in, in one statement. The two'
\echo '--- hospitals have priority 10, everybody else 100.'
\echo
WITH entered AS (
    INSERT INTO shop.order_line (order_ref, line_no, customer, priority, item, qty_ordered, unit_price, currency, ordered_at)
    SELECT 'SO-' || order_no, line_no, name, priority, item, qty, unit_price, 'EUR', ordered_at
    FROM order_book
    ORDER BY ordered_at
    RETURNING *
)
SELECT count(*) AS lines, sum(qty_ordered) AS ordered, sum(qty_shipped) AS shipped, sum(qty_backordered) AS backordered,
       count(*) FILTER (WHERE qty_backordered = 0) AS lines_in_full,
       round(100 * sum(qty_filled_first) / sum(qty_ordered), 1) || ' %' AS fill_rate
FROM entered;
\echo '--- The stock now: what is sold out, and who waits for it?'
\echo
SELECT item, on_hand, allocated, available, backordered FROM shop.stock ORDER BY backordered DESC, item;

SELECT item, position, order_ref, customer, priority, qty_ordered, qty_backordered, qty_ahead
FROM shop.open_backorder
WHERE item = 'TABLET-10'
ORDER BY position LIMIT 8;
\echo '--- Purchase orders go out for what is missing, and most of it arrives today.'
\echo
INSERT INTO shop.supply (supply_ref, supplier, item, qty_expected, expected_on, unit_cost)
SELECT 'PO-' || 100 + n, supplier, item, backordered + 50, current_date + 3 + n % 5, article.unit_cost
FROM article JOIN shop.stock USING (item)
WHERE backordered > 0
ORDER BY n;

INSERT INTO shop.receipt (item, qty, supply_ref, unit_cost)
SELECT item, arrives, supply_ref, supply.unit_cost
FROM shop.supply JOIN article USING (item)
ORDER BY supply_id
RETURNING receipt_id, supply_ref, item, qty, qty_to_backorders, qty_to_stock;
\echo '--- The biggest delivery: who got what? (the first ten)'
\echo
SELECT order_ref, customer, priority, movement.qty AS got, qty_backordered AS still_waits_for
FROM shop.movement JOIN shop.order_line USING (line_id, item)
WHERE receipt_id = (SELECT receipt_id FROM shop.receipt ORDER BY qty_to_backorders DESC, receipt_id DESC LIMIT 1)
ORDER BY movement_id LIMIT 10;
\echo '--- What still waits, the dearest first:'
\echo
SELECT order_ref, customer, item, qty_backordered, value, position, promised_on, supply_ref
FROM shop.open_backorder
ORDER BY value DESC, line_id LIMIT 10;
\echo '--- The stock after the deliveries:'
\echo
SELECT item, on_hand, allocated, available, backordered FROM shop.stock ORDER BY backordered DESC, item;
\echo '--- Everything that happened is in the journal:'
\echo
SELECT kind, count(*) AS entries, sum(qty) AS qty FROM shop.movement GROUP BY kind ORDER BY kind;
\echo '--- And the book is sound (a row for each thing wrong, so none):'
\echo
SELECT * FROM shop.verify();
