-- Five months of a shop for bicycle parts, the same every time: dice are hashes,
-- days are counted back from today. Played through the book's own tables and
-- functions in a book of its own, where everything happens now; then brought into
-- the book "shop" as a restore is, with the times when it would have happened.
--
-- psql -f demo.sql, as somebody who may make schemas, in a database that has bko
-- and no schemas shop and shop_played. It keeps nothing but shop.
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;

SELECT bko.create_book('shop') \g /dev/null
SELECT bko.create_book('shop_played') \g /dev/null
SET search_path = shop_played;

CREATE FUNCTION pg_temp.dice(VARIADIC seed text[]) RETURNS numeric LANGUAGE sql
    RETURN ('x' || substr(md5(array_to_string(seed, '/')), 1, 7))::bit(28)::integer / 268435456.0;

-- Who delivers: days from order to delivery, share of deliveries that are late,
-- and by how many days at most.
CREATE TEMP TABLE vendor (name text, lead_days integer, late_share numeric, late_days integer);
INSERT INTO vendor VALUES ('Acme', 10, 0.06, 4), ('Borealis', 14, 0.55, 28), ('Corvo', 28, 0.15, 7);

-- Eight families of five: rate is lines a day, most is units a line.
CREATE TEMP TABLE article AS
SELECT family || '-' || variant AS item, location, vendor, unit_cost + 3 * n AS unit_cost, price + 5 * n AS price,
       rate * (1.3 - 0.15 * n) * CASE location WHEN 'main' THEN 1 ELSE 0.5 END AS rate, most, fill_rule, ships_at_once
FROM (VALUES
    ('FRAME',  '{48,52,56,60,64}',              '{main}',       'Borealis', 210, 399, 0.5, 2,  'fifo',       false),
    ('WHEEL',  '{20,24,26,28,29}',              '{main}',       'Borealis',  48,  99, 0.9, 4,  'due_date',   true),
    ('TYRE',   '{CITY,GRAVEL,RACE,SNOW,TOUR}',  '{main,north}', 'Acme',      11,  29, 1.1, 12, 'fair_share', true),
    ('SADDLE', '{BLACK,BROWN,GEL,RACE,TOUR}',   '{main}',       'Acme',      24,  59, 0.6, 3,  'fifo',       true),
    ('LIGHT',  '{BASIC,DYNAMO,HELMET,REAR,USB}','{main}',       'Corvo',     15,  45, 0.8, 6,  'fifo',       true),
    ('BRAKE',  '{CABLE,DISC,DRUM,HYDRO,RIM}',   '{main}',       'Acme',      33,  79, 0.7, 4,  'most_lines', true),
    ('CHAIN',  '{8,9,10,11,12}',                '{main,north}', 'Corvo',      8,  25, 1.0, 10, 'fifo',       true),
    ('PEDAL',  '{CLICK,FLAT,KIDS,RACE,TOUR}',   '{main}',       'Corvo',     19,  49, 0.5, 4,  'fifo',       true)
) AS family (family, variants, locations, vendor, unit_cost, price, rate, most, fill_rule, ships_at_once),
    unnest(variants::text[]) WITH ORDINALITY AS variant (variant, n), unnest(locations::text[]) AS location;

CREATE TEMP TABLE customer AS
SELECT n - 1 AS place, name, CASE WHEN name LIKE 'Police%' THEN 10 ELSE 100 END AS priority,
       CASE WHEN n % 3 = 0 THEN 'USD' ELSE 'EUR' END AS currency, (ARRAY[0, 14, 30, 60])[1 + n % 4] AS payment_days
FROM unnest(ARRAY[
    'Abel Bikes', 'Bergrad', 'City Wheels', 'Delta Cycles', 'Eddy & Sons', 'Fahrrad Meier', 'Gravel Co', 'Hudson Velo',
    'Isar Rad', 'Jansen BV', 'Kette & Kranz', 'Long Island Bikes', 'Moreau Cycles', 'Norte Bicis', 'Oakland Pedal',
    'Police Cycle Unit', 'Quick Fix', 'Rad & Tat', 'Seattle Spokes', 'Tandem', 'Uphill', 'Velo Nord', 'Wheelhouse', 'Zweirad Krug'
]) WITH ORDINALITY AS customer (name, n);

-- What the play knows and the book doesn't: when a delivery will really come, and
-- which journal entries belong to which moment.
CREATE TEMP TABLE delivery (supply_ref text, item text, location text, comes_on date, qty numeric, unit_cost numeric);
CREATE TEMP TABLE moment (movement_id bigint, at timestamptz);

CREATE PROCEDURE pg_temp.happened(moment timestamptz) LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO moment SELECT max(movement_id), happened.moment FROM movement;
END;

CREATE PROCEDURE pg_temp.play(day date, n integer) LANGUAGE plpgsql AS $$
BEGIN
    -- Deliveries come in.
    INSERT INTO receipt (supply_ref, item, location, qty, received_at, unit_cost)
    SELECT supply_ref, item, location, qty, day + time '07:00', unit_cost
      FROM delivery WHERE comes_on = day ORDER BY supply_ref, item, location;
    CALL pg_temp.happened(day + time '07:00');

    -- What was allocated the day before leaves.
    PERFORM ship(l.line_id) FROM order_line l WHERE l.qty_allocated > 0 ORDER BY l.line_id;
    CALL pg_temp.happened(day + time '08:00');

    -- Orders: a dozen a day. Business grows, more than whoever reorders has seen.
    INSERT INTO order_line (order_ref, line_no, demand, customer, priority, item, location, requested_on, unit_price, currency,
                            payment_days, qty_ordered, ordered_at, queued_at)
    SELECT 'SO-' || 1000 + n * 12 + d.place, row_number() OVER (PARTITION BY d.place ORDER BY item, location),
           CASE WHEN internal THEN 'internal' ELSE 'customer' END, CASE WHEN internal THEN 'Workshop' ELSE c.name END,
           c.priority, item, location, day + 2 + (d.place * 5 + n) % 9,
           CASE WHEN internal THEN NULL WHEN c.currency = 'USD' THEN round(price * 1.1) - 0.05 ELSE price END,
           CASE WHEN NOT internal THEN c.currency END, c.payment_days,
           1 + floor(most * pg_temp.dice('qty', n::text, item, location)),
           entered_at, entered_at
      FROM (SELECT *, place = 11 AND n % 5 = 0 AS internal,
                   day + time '09:00' + row_number() OVER (ORDER BY place, item, location) * interval '4 s' AS entered_at
              FROM article, CAST(floor(12 * pg_temp.dice('order', n::text, item, location)) AS integer) AS place
             WHERE pg_temp.dice('demand', n::text, item, location) < rate * (0.6 + n / 350.0 + 0.2 * sin(n / 9.0))) AS d
      JOIN customer c ON c.place = (d.place * 7 + n * 5) % 24
     ORDER BY entered_at;
    CALL pg_temp.happened(day + time '09:10');

    -- What the book has noted of shortages just now, as it stood on the day of the play.
    UPDATE shortage f
       SET at = day + time '09:10', overdue_purchase = coalesce(o.qty, 0), short_received = 0, supplier = o.supplier
      FROM shortage g
      LEFT JOIN LATERAL (SELECT sum(u.qty_expected - u.qty_received) AS qty,
                                (array_agg(u.supplier ORDER BY u.promised_on, u.supply_id))[1] AS supplier
                           FROM supply u
                          WHERE u.item = g.item AND u.location = g.location AND NOT u.closed
                            AND u.qty_expected > u.qty_received AND u.promised_on < play.day) o ON true
     WHERE g.shortage_id = f.shortage_id AND f.at >= current_date;

    -- Some give up, some send back.
    PERFORM cancel(l.line_id, reason => 'customer gave up')
       FROM order_line l
      WHERE l.qty_backordered > 0 AND l.queued_at < day - 20 AND pg_temp.dice('cancel', n::text, l.line_id::text) < 0.02
      ORDER BY l.line_id;
    CALL pg_temp.happened(day + time '15:00');
    PERFORM return_goods(l.line_id, 1, reason => 'did not fit')
       FROM order_line l
      WHERE l.qty_shipped > l.qty_returned AND l.ordered_at BETWEEN day - 10 AND day - 9
        AND pg_temp.dice('return', l.line_id::text) < 0.03
      ORDER BY l.line_id;
    CALL pg_temp.happened(day + time '16:00');

    -- What runs short is ordered, of each vendor once a week.
    INSERT INTO supply (supply_ref, supplier, item, location, qty_expected, ordered_on, promised_on, expected_on, unit_cost)
    SELECT format('PO-%s%s', 100 + n, left(v.name, 1)), v.name, a.item, a.location,
           ceil(a.rate * 0.75 * (a.most + 1) / 2 * 24 / 5) * 5, day, day + v.lead_days, day + v.lead_days, a.unit_cost
      FROM article a
      JOIN vendor v ON v.name = a.vendor
      JOIN stock s ON s.item = a.item AND s.location = a.location
     WHERE n % 7 = ascii(v.name) % 7
       AND s.available - s.backordered + coalesce((SELECT sum(greatest(u.qty_expected - u.qty_received, 0)) FROM supply u
                                                    WHERE u.item = a.item AND u.location = a.location), 0)
           < a.rate * 0.75 * (a.most + 1) / 2 * (v.lead_days + 4)
       AND (n < 55 OR a.item NOT IN ('SADDLE-BROWN', 'PEDAL-KIDS'))        -- no longer made
     ORDER BY a.item, a.location;

    -- When it will really come: in time or late, whole or in two parts.
    INSERT INTO delivery
    SELECT u.supply_ref, u.item, u.location, u.promised_on + late + part.days, part.qty, u.unit_cost
      FROM supply u
      JOIN vendor v ON v.name = u.supplier
     CROSS JOIN LATERAL (SELECT CASE WHEN v.name = 'Corvo' AND n BETWEEN 95 AND 115 THEN 24    -- a ship is stuck
                                     WHEN pg_temp.dice('late', u.supply_ref) < v.late_share
                                     THEN 2 + floor(v.late_days * pg_temp.dice('how late', u.supply_ref)) ELSE 0 END::integer) AS l (late)
     CROSS JOIN LATERAL (SELECT floor(u.qty_expected * CASE WHEN pg_temp.dice('part', u.supply_ref, u.item) < 0.15 THEN 0.6 ELSE 1 END)) AS f (first)
     CROSS JOIN LATERAL (VALUES (f.first, 0), (u.qty_expected - f.first, 6)) AS part (qty, days)
     WHERE u.ordered_on = day AND part.qty > 0;

    -- Some vendors say in time that they will be late.
    UPDATE supply u SET expected_on = d.comes_on
      FROM (SELECT supply_ref, item, location, max(comes_on) AS comes_on FROM delivery GROUP BY supply_ref, item, location) AS d
     WHERE (u.supply_ref, u.item, u.location) = (d.supply_ref, d.item, d.location)
       AND u.promised_on = day + 3 AND d.comes_on > u.promised_on AND pg_temp.dice('says so', u.supply_ref) < 0.6;
END $$;

INSERT INTO stock (item, location, on_hand, unit_cost, fill_rule, ships_at_once, lead_time_days)
SELECT a.item, a.location, ceil(a.rate * 0.75 * (a.most + 1) / 2 * 22), a.unit_cost, a.fill_rule, a.ships_at_once, v.lead_days
  FROM article a JOIN vendor v ON v.name = a.vendor ORDER BY a.item, a.location;
CALL pg_temp.happened(current_date - 151 + time '06:00');

SELECT format('CALL pg_temp.play(%L, %s)', current_date - 151 + n, n) FROM generate_series(1, 150) AS n \gexec

-- Into the book that stays, with the times of the play. All that the engine keeps
-- is given, so bko stores it as it is.
CREATE TEMP TABLE journal AS TABLE movement;
UPDATE journal j SET at = (SELECT min(m.at) FROM moment m WHERE m.movement_id >= j.movement_id);
CREATE TEMP TABLE line AS TABLE order_line;
UPDATE line l SET closed_at = (SELECT max(j.at) FROM journal j WHERE j.line_id = l.line_id) WHERE closed_at IS NOT NULL;

SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) AS stock_columns
  FROM information_schema.columns
 WHERE table_schema = 'shop' AND table_name = 'stock' AND is_generated = 'NEVER' \gset
INSERT INTO shop.stock (:stock_columns) SELECT :stock_columns FROM stock;
INSERT INTO shop.order_line TABLE line;
INSERT INTO shop.supply TABLE supply;
INSERT INTO shop.receipt TABLE receipt;
INSERT INTO shop.movement TABLE journal;
INSERT INTO shop.shortage TABLE shortage;
SELECT setval(pg_get_serial_sequence('shop.order_line', 'line_id'), max(line_id)) FROM line \g /dev/null
SELECT setval(pg_get_serial_sequence('shop.supply', 'supply_id'), max(supply_id)) FROM supply \g /dev/null
SELECT setval(pg_get_serial_sequence('shop.receipt', 'receipt_id'), max(receipt_id)) FROM receipt \g /dev/null
SELECT setval(pg_get_serial_sequence('shop.movement', 'movement_id'), max(movement_id)) FROM journal \g /dev/null
SELECT setval(pg_get_serial_sequence('shop.shortage', 'shortage_id'), max(shortage_id)) FROM shortage \g /dev/null

SET search_path = shop;
DROP SCHEMA shop_played CASCADE;
ANALYZE;
