-- Forecasts, forecast accuracy and inventory formulas, against published worked
-- numbers. Where nobody has published one, the steps stand in the comment.
--
-- How far the sources were followed. Read and reproduced: Stevenson's safety stock,
-- the moving averages of Wallace Garden Supply, Coghlan's skirts for Holt, and the
-- Croston and TSB values in sktime's tests. NIST's smoothing: the pages, but the row
-- at alpha 0.3 through other projects' tests. Cited from memory, with the arithmetic
-- done again but the page not looked up: Carlson's Bakery, Sharp, Chopra and Meindl,
-- the loss table of Cachon and Terwiesch, the test values of AS 241, the results of
-- productC in FPP2, sktime's example for MASE. No page was found for the fill rate of
-- 0.96: it follows from the formula (0.9561).
SET client_min_messages = warning;
\set VERBOSITY sqlstate
CREATE EXTENSION IF NOT EXISTS bko;
CREATE SCHEMA life_forecast;
SET search_path = life_forecast;
RESET client_min_messages;
-- unnest(), numbered
CREATE FUNCTION series(float8[]) RETURNS TABLE (y float8, t bigint) LANGUAGE sql
    AS 'SELECT * FROM unnest($1) WITH ORDINALITY';
CREATE FUNCTION pairs(float8[], float8[]) RETURNS TABLE (actual float8, forecast float8, t bigint) LANGUAGE sql
    AS 'SELECT * FROM unnest($1, $2) WITH ORDINALITY';

-- ---- moving average ----

-- Render, Stair, Hanna, Quantitative Analysis for Management, chapter 5
-- (Forecasting), Wallace Garden Supply: three-month moving averages of sales of
-- storage sheds. Published for April to January: 11.67, 13.67, 16.00, 19.33,
-- 22.67, 26.33, 28.00, 25.33, 20.67, 16.00.
SELECT t + 1 AS month, round(f::numeric, 2) AS forecast
  FROM (SELECT t, bko.moving_average(y, 3) OVER (ORDER BY t) AS f
          FROM series('{10,12,13,16,19,23,26,30,28,18,16,14}')) w
 ORDER BY t;
SELECT round(bko.moving_average(y, 3 ORDER BY t)::numeric, 2) AS january
  FROM series('{10,12,13,16,19,23,26,30,28,18,16,14}');
-- the order of ORDER BY counts, not that of the rows
SELECT bko.moving_average(y, 2 ORDER BY t DESC) AS "of 12 and 10" FROM series('{10,12,13,16}');
-- quantities are numeric: no cast is needed
SELECT bko.moving_average(q, 2 ORDER BY t) FROM (VALUES (1, 1.5::numeric), (2, 2), (3, 4)) v (t, q);

-- ---- simple exponential smoothing ----

-- NIST/SEMATECH e-Handbook of Statistical Methods, 6.4.3.1: alpha 0.1. Published
-- S_2 to S_12: 71, 70.9, 70.71, 70.44, 69.80, 69.32, 69.58, 70.43, 70.88, 71.29
-- (71.295), 71.67; and 6.4.3.2 for the period after: 71.50.
SELECT t + 1 AS period, round(f::numeric, 3) AS s
  FROM (SELECT t, bko.exponential_smoothing(y, 0.1) OVER (ORDER BY t) AS f
          FROM series('{71,70,69,68,64,65,72,78,75,75,75,70}')) w
 ORDER BY t;
-- the same, 6.4.3.4, alpha 0.3. Published: 6.4, 6.2, 6.7, 7.3, 8.4, 9.4, 11.6, 12.7, 15.4
SELECT string_agg(round(f::numeric, 1)::text, ', ' ORDER BY t) AS smoothed
  FROM (SELECT t, bko.exponential_smoothing(y, 0.3) OVER (ORDER BY t) AS f
          FROM series('{6.4,5.6,7.8,8.8,11,11.6,16.7,15.3,21.6}')) w;
-- alpha 1 is the naive forecast, 0 never learns
SELECT bko.exponential_smoothing(y, 1 ORDER BY t) AS naive, bko.exponential_smoothing(y, 0 ORDER BY t) AS first
  FROM series('{3,1,4,1,5}');

-- ---- Holt's linear trend ----

-- A. Coghlan, A Little Book of R for Time Series, Holt's Exponential Smoothing:
-- women's skirts' diameter at the hem, 1866 to 1911; R's HoltWinters() starts as
-- holt() does. Published: alpha 0.8383481, beta 1, level 529.308585, trend
-- 5.690464; sum of squared one-step errors 16954.18.
CREATE VIEW skirts AS SELECT * FROM series('{608,617,625,636,657,691,728,784,816,876,949,997,1027,1047,1049,1018,
    1021,1012,1018,991,962,921,871,829,822,820,802,821,819,791,746,726,661,620,588,568,542,551,541,557,556,534,528,529,523,531}');
SELECT round(bko.holt(y, 0.8383481, 1 ORDER BY t)::numeric, 5) - round(529.308585 + 5.690464, 5) AS "one ahead",
       round(bko.holt(y, 0.8383481, 1, 3 ORDER BY t)::numeric, 5) - round(529.308585 + 3 * 5.690464, 5) AS "three ahead",
       round((bko.holt(y, 0.8383481, 1, 2 ORDER BY t) - bko.holt(y, 0.8383481, 1, 1 ORDER BY t))::numeric, 6) AS trend
  FROM skirts;
-- R makes its first forecast for the third observation
SELECT round(sum((y - f) ^ 2)::numeric, 2) AS sse
  FROM (SELECT y, t, bko.holt(y, 0.8383481, 1) OVER (ORDER BY t ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS f FROM skirts) w
 WHERE t > 2;
-- a straight line is continued, whatever the constants
SELECT round(bko.holt(3 + 2 * t, 0.3, 0.1, 5 ORDER BY t)::numeric, 9) AS "3 + 2 * 25" FROM generate_series(1, 20) t;
-- by hand, alpha 0.5, beta 0.5: 10 | level 10; 12 | level 12, trend 2; 20 | level
-- 10 + 0.5 * 14 = 17, trend 0.5 * 5 + 0.5 * 2 = 3.5: forecasts 10, 14, 20.5
SELECT array_agg(f ORDER BY t) FROM (SELECT t, bko.holt(y, 0.5, 0.5) OVER (ORDER BY t) AS f FROM series('{10,12,20}')) w;

-- ---- intermittent demand ----

-- Hyndman, Athanasopoulos, Forecasting: Principles and Practice, 2nd edition,
-- 12.2, series productC, alpha 0.1: demand 2.750, interval 2.793, forecast 0.985.
SELECT round(bko.croston(y, 0.1 ORDER BY t)::numeric, 3) AS croston, round(2.750 / 2.793, 3) AS published
  FROM series('{0,2,0,1,0,11,0,0,0,0,2,0,6,3,0,0,0,0,0,7,0,0,0,0,0,0,0,3,1,0,0,1,0,1,0,0}');
-- The same book, 3rd edition, 13.2: monthly scripts of immune sera (PBS, J06), July
-- 1991 to June 2008. R's forecast::croston(), as quoted by the tests of the
-- package sktime (test_croston.py): 0.8688921 at 0.1, 0.6754646 at 0.5, 1.405808
-- at 0.05. Its test_tsb.py: 0.015194 at alpha = beta = 0.1. (Its other two start
-- from a probability of 1/2 where the first period has demand, here it is 1; of
-- 0.1 nothing is left of that after 204 periods, of 0.05 a little.)
CREATE VIEW scripts AS SELECT * FROM series(('{1,1,1,0,0,1,3,1,1,1,1,1,2,1,1,0,0,2,0,0,1,2,0,1,0,0,1,1,1,1,0,0,2,1,0,0,0,1,0,3,3,2,4,1,1,3,3,1,0,4,1,3,
    0,1,2,5,14,2,0,0,3,6,2,2,2,5,1,6,3,3,2,0,1,1,0,0,0,1,4,12,4,0,7,0,2,1,4,1,3,1,0,6,9,3,1,3,1,7,1,3,3,3,5,6,10,5,1,3,1,1,1,2,
    1,3,7,11,10,5,5,2,2,1,0,3,6,5,8,9,1,1,0,0,0,1,2,2,0,0,0,0,1,0,0,0,2,1,1,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,1,0,1,3'
    || repeat(',0', 38) || '}')::float8[]);
SELECT count(*), round(bko.croston(y, 0.1 ORDER BY t)::numeric, 7) AS "0.1", round(bko.croston(y, 0.5 ORDER BY t)::numeric, 7) AS "0.5",
       round(bko.croston(y, 0.05 ORDER BY t)::numeric, 6) AS "0.05", round(bko.tsb(y, 0.1, 0.1 ORDER BY t)::numeric, 6) AS tsb
  FROM scripts;
-- worked step by step in the same tests of sktime: demand 2.775, interval 3.128
SELECT abs(bko.croston(y, 0.1 ORDER BY t) - 2.775 / 3.128) < 1e-12 AS published, round((bko.sba(y, 0.1 ORDER BY t) / bko.croston(y, 0.1 ORDER BY t))::numeric, 9) AS sba
  FROM series('{0,0,2,7,0,0,0,5,0,0,0,0,3}');
-- by hand, alpha 0.5, beta 0.2. Period 2: demand 4, size 4, interval 2, probability
-- 0.5. Period 3: none, probability 0.4. Period 4: demand 8, size 6, interval
-- (2 + 2) / 2 = 2, probability 0.2 + 0.8 * 0.4 = 0.52. Periods 5, 6: none, 0.416,
-- 0.3328. Croston 0, 2, 2, 3, 3, 3; SBA 3/4 of it; TSB 0, 2, 1.6, 3.12, 2.496, 1.9968.
SELECT t, y, bko.croston(y, 0.5) OVER w AS croston, bko.sba(y, 0.5) OVER w AS sba, round((bko.tsb(y, 0.5, 0.2) OVER w)::numeric, 9) AS tsb
  FROM series('{0,4,0,8,0,0}') WINDOW w AS (ORDER BY t) ORDER BY t;
-- demand in every period: Croston is simple smoothing
SELECT abs(bko.croston(y, 0.3 ORDER BY t) - bko.exponential_smoothing(y, 0.3 ORDER BY t)) < 1e-12 AS same FROM series('{3,1,4,1,5,9,2,6}');

-- ---- forecast accuracy ----

-- Heizer, Render, Operations Management, chapter 4, Carlson's Bakery: quarterly
-- sales of croissants. Published: cumulative error 35, MAD 14.2 (85 / 6), tracking
-- signals -1, -2, 0, -1, 0.5, 2.5. Of these: bias 35 / 6, WAPE 85 / 665.
SELECT t, round((bko.mae(actual, forecast) OVER w)::numeric, 1) AS mad, round((bko.tracking_signal(actual, forecast) OVER w)::numeric, 1) AS signal
  FROM pairs('{90,95,115,100,125,140}', '{100,100,100,110,110,110}') WINDOW w AS (ORDER BY t) ORDER BY t;
SELECT round(bko.mae(actual, forecast)::numeric, 1) AS mad, round(bko.tracking_signal(actual, forecast)::numeric, 1) AS signal,
       bko.bias(actual, forecast) = 35 / 6.0 AS bias, round(bko.wape(actual, forecast)::numeric, 4) AS wape, round(85 / 665.0, 4) AS "85 / 665"
  FROM pairs('{90,95,115,100,125,140}', '{100,100,100,110,110,110}');
-- MASE. The example in the documentation of sktime's mean_absolute_scaled_error():
-- history 5, 0.5, 4, 6, 3, 5, 2 (naive errors 4.5, 3.5, 2, 3, 2, 3: mean 3), actual
-- 3, -0.5, 2, 7, 2 and forecast 2.5, 0, 2, 8, 1.25 (mean error 0.55): 0.18333.
CREATE VIEW scaled AS SELECT * FROM pairs('{5,0.5,4,6,3,5,2,3,-0.5,2,7,2}', '{NULL,NULL,NULL,NULL,NULL,NULL,NULL,2.5,0,2,8,1.25}');
SELECT round(bko.mase(actual, forecast ORDER BY t)::numeric, 5) AS mase, round(bko.mase(actual, forecast, 1 ORDER BY t)::numeric, 5) AS "1" FROM scaled;
-- by hand, m = 2: |4-5|, |6-0.5|, |3-4|, |5-6|, |2-3|: 9.5 / 5 = 1.9; 0.55 / 1.9 = 0.28947.
-- m = 6: |2-5| = 3 alone. m = 7: no pair, null.
SELECT round(bko.mase(actual, forecast, 2 ORDER BY t)::numeric, 5) AS "2", round(bko.mase(actual, forecast, 6 ORDER BY t)::numeric, 5) AS "6",
       bko.mase(actual, forecast, 7 ORDER BY t) AS "7" FROM scaled;
-- the history ends with the first forecast: 100 and 0 behind it say nothing
SELECT round(bko.mase(actual, forecast ORDER BY t)::numeric, 5) AS mase
  FROM (TABLE scaled UNION ALL VALUES (100, NULL, 13), (0, NULL, 14), (NULL, 7, 15)) s;
-- a history that never changes, or none, gives no scale
SELECT bko.mase(actual, forecast ORDER BY t) FROM pairs('{3,3,3,4}', '{NULL,NULL,NULL,3}');
SELECT bko.mase(actual, forecast ORDER BY t) FROM pairs('{3,4}', '{3,3}');

-- ---- inventory ----

-- Wichura, Algorithm AS 241 (1988), test values of PPND16: 0.25 gives
-- -0.6744897501960817, 0.001 gives -3.090232306167814, 1e-20 gives -9.262340089798408
SELECT p, abs(bko.service_factor(p) - z) < 1e-14 AS ok
  FROM (VALUES (0.25::float8, -0.6744897501960817::float8), (0.001, -3.090232306167814), (1e-20, -9.262340089798408), (0.5, 0),
               (0.95, 1.6448536269514722), (0.975, 1.959963984540054), (0.97, 1.8807936081512504), (0.9999, 3.719016485455709)) v (p, z);
SELECT count(*) AS "not antisymmetric" FROM generate_series(1, 511) i
 WHERE bko.service_factor(i / 1024.0::float8) <> -bko.service_factor(1 - i / 1024.0::float8);
-- rises all the way, over the seams of its three parts
SELECT count(*) AS "steps back" FROM (SELECT bko.service_factor(p) - lag(bko.service_factor(p)) OVER (ORDER BY p) AS step
    FROM (SELECT i / 100000.0::float8 AS p FROM generate_series(1, 99999) i UNION ALL SELECT 10::float8 ^ -i FROM generate_series(6, 300) i) q) s
 WHERE step <= 0;
-- the loss function, as tabled in Cachon, Terwiesch, Matching Supply with Demand,
-- appendix B: L(-1) 1.0833, L(0) 0.3989, L(0.5) 0.1978, L(1) 0.0833, L(2) 0.0085
SELECT z, round(bko.standard_normal_loss(z)::numeric, 4) AS loss FROM unnest('{-1,0,0.5,1,2}'::float8[]) z;
-- L(-z) = L(z) + z; no demand is left far out
SELECT count(*) AS "not symmetric" FROM generate_series(0, 400) i
 WHERE abs(bko.standard_normal_loss(-i / 100.0::float8) - bko.standard_normal_loss(i / 100.0::float8) - i / 100.0) > 1e-14;
SELECT z, bko.standard_normal_loss(z) FROM unnest('{NaN,-Infinity,-1e300,1e300,Infinity}'::float8[]) z;
-- its derivative is Phi(z) - 1: so service_factor() and the loss belong together
SELECT max(abs((bko.standard_normal_loss(z + 1e-5) - bko.standard_normal_loss(z - 1e-5)) / 2e-5 - (p - 1))) < 1e-9 AS consistent
  FROM (SELECT i / 1000.0 AS p, bko.service_factor(i / 1000.0) AS z FROM generate_series(1, 999) i) q;

-- Stevenson, Operations Management, 14th edition, chapter 12, example 8: demand over the lead
-- time 50 tons, deviation 5, 3 % risk: safety stock 9.40, reorder point 59.40
SELECT round(bko.safety_stock(0.97, 5, 1)::numeric, 2) AS safety_stock, round(bko.reorder_point(50, 1, bko.safety_stock(0.97, 5, 1))::numeric, 2) AS reorder_point;
-- Chopra, Meindl, Supply Chain Management, chapter on safety inventory. B&M: 2,500 a
-- week, deviation 500, two weeks: at 90 % safety stock 906. Dell: 2,500 a
-- day, deviation 500, lead time 7 days, its deviation 7: deviation over
-- the lead time 17,550 and at 90 % safety stock 22,491.
SELECT round(bko.safety_stock(0.9, 500, 2)::numeric) AS "B&M", round(bko.safety_stock(0.9, 500, 7, 2500, 7)::numeric) AS "Dell",
       bko.safety_stock(service_level => 0.9, demand_sd => 500, lead_time => 7, demand_mean => 2500, lead_time_sd => 7)
       - bko.service_factor(0.9) * sqrt(7 * 500.0 ^ 2 + 2500.0 ^ 2 * 7 ^ 2)::float8 < 1e-9 AS formula;
-- the same chapter: order 10,000, reorder point 6,000: fill rate 0.9975
SELECT round(bko.expected_fill_rate(10000, 6000, 2 * 2500, sqrt(2) * 500)::numeric, 4) AS fill_rate;
-- 250 a week, deviation 150, two weeks, order 1,000, reorder point 600: demand
-- over the lead time is 500, its deviation 150 sqrt(2) = 212.1; z = 0.4714,
-- L(z) = 0.2068, 43.9 short in a cycle: 0.956, published as 0.96
SELECT round(bko.expected_fill_rate(1000, 600, 2 * 250, sqrt(2) * 150)::numeric, 2) AS fill_rate,
       round((1 - 212.132 * bko.standard_normal_loss(100 / 212.132) / 1000)::numeric, 4) AS formula;
-- without deviation: in full, or short of what is missing; never below nothing
SELECT bko.expected_fill_rate(100, 50, 40, 0) AS full, bko.expected_fill_rate(100, 50, 75, 0) AS quarter_short, bko.expected_fill_rate(100, 0, 500, 20) AS none;
-- Heizer, Render, Operations Management, chapter 12, Sharp, Inc.: 1,000 needles, 10
-- an order, 0.50 to hold: 200. Chopra, Meindl, cycle inventory, Best Buy: 12,000
-- computers, 4,000 a lot, 20 % of 500 to hold: 980.
SELECT bko.economic_order_quantity(1000, 10, 0.5) AS "Sharp", round(bko.economic_order_quantity(12000, 4000, 0.2 * 500)::numeric) AS "Best Buy";
SELECT bko.service_factor(NULL), bko.standard_normal_loss(NULL), bko.safety_stock(0.9, NULL, 1), bko.reorder_point(1, 1, NULL),
       bko.expected_fill_rate(1, 1, 1, NULL), bko.economic_order_quantity(1, NULL, 1);

-- ---- nothing, null, one, all zero ----

SELECT bko.moving_average(y, 2), bko.exponential_smoothing(y, 0.1), bko.holt(y, 0.1, 0.1), bko.holt(y, 0.1, 0.1, 2) AS holt2,
       bko.croston(y, 0.1), bko.sba(y, 0.1), bko.tsb(y, 0.1, 0.1) FROM series('{}');
SELECT bko.moving_average(y, 1), bko.exponential_smoothing(y, 0.1), bko.holt(y, 0.1, 0.1), bko.holt(y, 0.1, 0.1, 2) AS holt2,
       bko.croston(y, 0.1), bko.sba(y, 0.1), bko.tsb(y, 0.1, 0.1) FROM series('{NULL,NULL}');
SELECT bko.mae(actual, forecast), bko.wape(actual, forecast), bko.bias(actual, forecast), bko.tracking_signal(actual, forecast),
       bko.mase(actual, forecast), bko.mase(actual, forecast, 2) AS mase2 FROM pairs('{}', '{}');
SELECT bko.mae(actual, forecast), bko.wape(actual, forecast), bko.bias(actual, forecast), bko.tracking_signal(actual, forecast),
       bko.mase(actual, forecast) FROM pairs('{NULL,3}', '{4,NULL}');
-- nulls are passed over, also as the first and the last
SELECT bko.moving_average(y, 2 ORDER BY t), bko.exponential_smoothing(y, 0.5 ORDER BY t), bko.holt(y, 0.5, 0.5 ORDER BY t),
       bko.croston(y, 0.5 ORDER BY t), bko.tsb(y, 0.5, 0.5 ORDER BY t) FROM series('{NULL,4,NULL,8,6,NULL}');
SELECT bko.moving_average(y, 2 ORDER BY t), bko.exponential_smoothing(y, 0.5 ORDER BY t), bko.holt(y, 0.5, 0.5 ORDER BY t),
       bko.croston(y, 0.5 ORDER BY t), bko.tsb(y, 0.5, 0.5 ORDER BY t) FROM series('{4,8,6}');
SELECT bko.mae(actual, forecast), bko.bias(actual, forecast) FROM pairs('{NULL,3,5,9}', '{4,NULL,4,6}');
SELECT bko.moving_average(y, 2) AS ma2, bko.moving_average(y, 1) AS ma1, bko.exponential_smoothing(y, 0.1), bko.holt(y, 0.1, 0.1, 9),
       bko.croston(y, 0.1), bko.sba(y, 0.1), bko.tsb(y, 0.1, 0.1) FROM series('{7}');
SELECT bko.mae(actual, forecast), bko.wape(actual, forecast), bko.bias(actual, forecast), bko.tracking_signal(actual, forecast) FROM pairs('{4}', '{5}');
SELECT bko.moving_average(y, 2), bko.exponential_smoothing(y, 0.1), bko.holt(y, 0.1, 0.1), bko.croston(y, 0.1), bko.sba(y, 0.1), bko.tsb(y, 0.1, 0.1)
  FROM series('{0,0,0,0}');
-- a perfect forecast of nothing
SELECT bko.mae(actual, forecast), bko.wape(actual, forecast), bko.bias(actual, forecast), bko.tracking_signal(actual, forecast) FROM pairs('{0,0}', '{0,0}');

-- ---- parameters ----

\set VERBOSITY default
SELECT bko.moving_average(y, 0) FROM series('{1}');
SELECT bko.exponential_smoothing(y, 1.5) FROM series('{1}');
SELECT bko.exponential_smoothing(y, y / 10) FROM series('{1,2}');
SELECT bko.tsb(y, 0.1, NULL) FROM series('{1}');
SELECT bko.croston(y, 0.1) FROM series('{1,0,-2}');
SELECT bko.service_factor(95);
SELECT bko.safety_stock(0.95, -1, 2);
SELECT bko.expected_fill_rate(0, 10, 5, 1);
SELECT bko.reorder_point(1, 'NaN', 0);
\set VERBOSITY sqlstate
SELECT bko.moving_average(y, -1) FROM series('{1}');
SELECT bko.moving_average(y, NULL) FROM series('{1}');
SELECT bko.moving_average(y, 1 + y::int) FROM series('{1,2}');
-- also where there is no observation to use them on
SELECT bko.moving_average(y, 0) FROM series('{NULL}');
SELECT bko.exponential_smoothing(y, 2) FROM series('{NULL}');
SELECT bko.exponential_smoothing(y, -0.01) FROM series('{1}');
SELECT bko.exponential_smoothing(y, 'NaN') FROM series('{1}');
SELECT bko.exponential_smoothing(y, 'Infinity') FROM series('{1}');
SELECT bko.exponential_smoothing(y, NULL) FROM series('{1}');
SELECT bko.holt(y, 2, 0.1) FROM series('{1}');
SELECT bko.holt(y, 0.1, 2) FROM series('{1}');
SELECT bko.holt(y, 0.1, NULL) FROM series('{1}');
SELECT bko.holt(y, 0.1, 0.1, 0) FROM series('{1}');
SELECT bko.holt(y, 0.1, 0.1, NULL) FROM series('{1}');
SELECT bko.holt(y, 0.1, 0.1, y::int) FROM series('{1,2}');
SELECT bko.croston(y, 1.1) FROM series('{1}');
SELECT bko.croston(y, '-Infinity') FROM series('{1}');
SELECT bko.croston(y, 0.1) FROM series('{-Infinity}');
SELECT bko.sba(y, NULL) FROM series('{1}');
SELECT bko.sba(y, 0.1) FROM series('{-1}');
SELECT bko.tsb(y, -1, 0.1) FROM series('{1}');
SELECT bko.tsb(y, 0.1, 1.1) FROM series('{1}');
SELECT bko.tsb(y, 0.1, 0.1) FROM series('{-1}');
SELECT bko.mase(actual, forecast, 0) FROM pairs('{1}', '{1}');
SELECT bko.mase(actual, forecast, NULL) FROM pairs('{1}', '{1}');
SELECT bko.mase(actual, forecast, t::int) FROM pairs('{1,2}', '{1,2}');
SELECT bko.service_factor(0);
SELECT bko.service_factor(1);
SELECT bko.service_factor('NaN');
SELECT bko.service_factor(-0.5);
SELECT bko.safety_stock(1, 1, 1);
SELECT bko.safety_stock(0.9, 'Infinity', 1);
SELECT bko.safety_stock(0.9, 1, -1);
SELECT bko.safety_stock(0.9, 1, 1, -1, 1);
SELECT bko.safety_stock(0.9, 1, 1, 1, -1);
SELECT bko.reorder_point(-1, 1, 1);
SELECT bko.reorder_point(1, -1, 1);
SELECT bko.reorder_point(1, 1, 'Infinity');
SELECT bko.expected_fill_rate(-1, 1, 1, 1);
SELECT bko.expected_fill_rate(1, 'NaN', 1, 1);
SELECT bko.expected_fill_rate(1, 1, -1, 1);
SELECT bko.expected_fill_rate(1, 1, 1, -1);
SELECT bko.economic_order_quantity(-1, 1, 1);
SELECT bko.economic_order_quantity(1, -1, 1);
SELECT bko.economic_order_quantity(1, 1, 0);
-- what stands behind the aggregates is of no use elsewhere
SELECT bko.error_add('{0,0,0,0}', 1, 1);
SELECT bko.error_combine('{0,0,0,0}', '{0,0,0,0}');
SELECT bko.mae_result('{1}');
SELECT bko.mae_result('{1,2,3,NULL}');

-- ---- big, small, and no numbers at all ----

SELECT bko.moving_average(y, 2), bko.exponential_smoothing(y, 0.5), bko.croston(y, 0.5), bko.sba(y, 0.5), bko.tsb(y, 0.5, 0.5) FROM series('{1e300,1e300}');
SELECT bko.exponential_smoothing(y, 0.5 ORDER BY t) FROM series('{1.7e308,-1.7e308,1.7e308}');
SELECT bko.moving_average(y, 2) FROM series('{1.7e308,1.7e308}');
SELECT bko.holt(y, 0.5, 0.5 ORDER BY t) FROM series('{-1.7e308,1.7e308}');
SELECT bko.mae(actual, forecast) FROM pairs('{1.7e308}', '{-1.7e308}');
SELECT bko.mae(actual, forecast) FROM pairs('{1.7e308,1.7e308}', '{0,0}');
SELECT bko.mase(actual, forecast ORDER BY t) FROM pairs('{1.7e308,-1.7e308,0}', '{NULL,NULL,1}');
SELECT bko.safety_stock(0.9, 1e308, 1e308);
SELECT bko.reorder_point(1e308, 1e308, 0);
SELECT bko.economic_order_quantity(1e308, 1e308, 1);
-- a level that fades away is no error
SELECT bko.exponential_smoothing(CASE WHEN t = 1 THEN 1 ELSE 0 END, 0.9 ORDER BY t) AS level, bko.tsb(CASE WHEN t = 1 THEN 1 ELSE 0 END, 0.9, 0.9 ORDER BY t)
  FROM generate_series(1, 5000) t;
-- NaN and infinity: what follows from them, and only as long as they are in use
SELECT bko.moving_average(y, 2 ORDER BY t), bko.exponential_smoothing(y, 0.5 ORDER BY t), bko.holt(y, 0.5, 0.5 ORDER BY t),
       bko.croston(y, 0.5 ORDER BY t), bko.tsb(y, 0.5, 0.5 ORDER BY t) FROM series('{1,NaN,3,4}');
SELECT bko.moving_average(y, 3 ORDER BY t), bko.exponential_smoothing(y, 0.5 ORDER BY t), bko.holt(y, 0.5, 0.5 ORDER BY t),
       bko.croston(y, 0.5 ORDER BY t), bko.tsb(y, 0.5, 0.5 ORDER BY t) FROM series('{1,Infinity,3,4}');
SELECT bko.mae(actual, forecast), bko.wape(actual, forecast), bko.bias(actual, forecast), bko.tracking_signal(actual, forecast) FROM pairs('{1,NaN}', '{2,1}');
SELECT bko.mae(actual, forecast), bko.bias(actual, forecast) FROM pairs('{1,-Infinity}', '{2,1}');

-- ---- the same again, another way ----

-- 40 items of 1 to 90 days, a third of them with demand on few days
CREATE TABLE history (item int, day int, y float8, forecast float8, PRIMARY KEY (item, day));
SELECT setseed(0.42) \g /dev/null
INSERT INTO history
SELECT i, d, CASE WHEN i % 3 = 0 OR random() < 0.3 THEN round(random() * 20) ELSE 0 END, round(random() * 20)
  FROM generate_series(1, 40) i, generate_series(1, 1 + (i * 37) % 90) d;
-- alpha 0.3, beta 0.2, after every day
CREATE TABLE oracle AS
WITH RECURSIVE r AS (
    SELECT item, day, y AS level, 0::float8 AS trend, y AS holt_level,
           CASE WHEN y > 0 THEN y END AS size, CASE WHEN y > 0 THEN 1::float8 END AS gap, CASE WHEN y > 0 THEN 1::float8 END AS prob,
           CASE WHEN y > 0 THEN 0 ELSE 1 END AS since
      FROM history WHERE day = 1
    UNION ALL
    SELECT h.item, h.day, r.level + 0.3 * (h.y - r.level),
           CASE WHEN h.day = 2 THEN h.y - r.holt_level ELSE r.trend + 0.2 * 0.3 * (h.y - r.holt_level - r.trend) END,
           CASE WHEN h.day = 2 THEN h.y ELSE r.holt_level + r.trend + 0.3 * (h.y - r.holt_level - r.trend) END,
           CASE WHEN h.y = 0 THEN r.size ELSE coalesce(r.size + 0.3 * (h.y - r.size), h.y) END,
           CASE WHEN h.y = 0 THEN r.gap ELSE coalesce(r.gap + 0.3 * (r.since + 1 - r.gap), r.since + 1) END,
           CASE WHEN h.y = 0 THEN r.prob * 0.8 ELSE coalesce(r.prob + 0.2 * (1 - r.prob), 1.0 / (r.since + 1)) END,
           CASE WHEN h.y = 0 THEN r.since + 1 ELSE 0 END
      FROM r JOIN history h ON h.item = r.item AND h.day = r.day + 1)
SELECT item, day, level AS ses, holt_level + trend AS holt, holt_level + 7 * trend AS holt7, coalesce(size / gap, 0) AS croston,
       coalesce(0.85 * size / gap, 0) AS sba, coalesce(size * prob, 0) AS tsb FROM r;
CREATE FUNCTION differs(float8, float8) RETURNS boolean LANGUAGE sql
    AS 'SELECT abs($1 - $2) > 1e-12 * greatest(1, abs($2)) OR ($1 IS NULL) <> ($2 IS NULL)';
CREATE TABLE running AS
SELECT item, day, bko.exponential_smoothing(y, 0.3) OVER w AS ses, bko.holt(y, 0.3, 0.2) OVER w AS holt, bko.holt(y, 0.3, 0.2, 7) OVER w AS holt7,
       bko.croston(y, 0.3) OVER w AS croston, bko.sba(y, 0.3) OVER w AS sba, bko.tsb(y, 0.3, 0.2) OVER w AS tsb, bko.moving_average(y, 28) OVER w AS ma,
       bko.mae(y, forecast) OVER w AS mae, bko.wape(y, forecast) OVER w AS wape, bko.bias(y, forecast) OVER w AS bias,
       bko.tracking_signal(y, forecast) OVER w AS signal
  FROM history WINDOW w AS (PARTITION BY item ORDER BY day);
SELECT count(*) AS days, count(*) FILTER (WHERE differs(r.ses, o.ses)) AS ses, count(*) FILTER (WHERE differs(r.holt, o.holt)) AS holt,
       count(*) FILTER (WHERE differs(r.holt7, o.holt7)) AS holt7, count(*) FILTER (WHERE differs(r.croston, o.croston)) AS croston,
       count(*) FILTER (WHERE differs(r.sba, o.sba)) AS sba, count(*) FILTER (WHERE differs(r.tsb, o.tsb)) AS tsb
  FROM running r JOIN oracle o USING (item, day);
-- the plain aggregates say what the last row of the window says; croston() and
-- sba(), mae() and bias() share their states
SELECT count(*) AS items, count(*) FILTER (WHERE (a.ses, a.holt, a.holt7, a.croston, a.sba, a.tsb, a.ma, a.mae, a.wape, a.bias, a.signal)
       IS DISTINCT FROM (r.ses, r.holt, r.holt7, r.croston, r.sba, r.tsb, r.ma, r.mae, r.wape, r.bias, r.signal)) AS differ
  FROM (SELECT item, max(day) AS day, bko.exponential_smoothing(y, 0.3 ORDER BY day) AS ses, bko.holt(y, 0.3, 0.2 ORDER BY day) AS holt,
               bko.holt(y, 0.3, 0.2, 7 ORDER BY day) AS holt7, bko.croston(y, 0.3 ORDER BY day) AS croston, bko.sba(y, 0.3 ORDER BY day) AS sba,
               bko.tsb(y, 0.3, 0.2 ORDER BY day) AS tsb, bko.moving_average(y, 28 ORDER BY day) AS ma, bko.mae(y, forecast ORDER BY day) AS mae,
               bko.wape(y, forecast ORDER BY day) AS wape, bko.bias(y, forecast ORDER BY day) AS bias, bko.tracking_signal(y, forecast ORDER BY day) AS signal
          FROM history GROUP BY item) a JOIN running r USING (item, day);
-- moving averages of every length against avg(), errors against their formulas
SELECT count(*) FILTER (WHERE differs(ma, CASE WHEN day >= n THEN av END)) AS "moving average"
  FROM generate_series(1, 40) n, LATERAL (SELECT day, bko.moving_average(y, n) OVER (PARTITION BY item ORDER BY day) AS ma,
       avg(y) OVER (PARTITION BY item ORDER BY day ROWS BETWEEN n - 1 PRECEDING AND CURRENT ROW) AS av FROM history) q;
SELECT count(*) FILTER (WHERE differs(r.mae, f.mae)) AS mae, count(*) FILTER (WHERE differs(r.bias, f.bias)) AS bias,
       count(*) FILTER (WHERE differs(r.wape, f.wape)) AS wape, count(*) FILTER (WHERE differs(r.signal, f.signal)) AS signal
  FROM running r JOIN (SELECT item, day, avg(abs(y - forecast)) OVER w AS mae, avg(y - forecast) OVER w AS bias,
                              sum(abs(y - forecast)) OVER w / nullif(sum(abs(y)) OVER w, 0) AS wape,
                              sum(y - forecast) OVER w / nullif(avg(abs(y - forecast)) OVER w, 0) AS signal
                         FROM history WINDOW w AS (PARTITION BY item ORDER BY day)) f USING (item, day);
-- MASE of the last 7 days of each item, for seasons of 1 to 12 days
SELECT count(*) AS cases, count(mase) AS "with a scale", count(*) FILTER (WHERE differs(mase, mae / nullif(scale, 0))) AS mase
  FROM generate_series(1, 12) m, generate_series(1, 40) i,
       LATERAL (SELECT max(day) - 7 AS until FROM history WHERE item = i) u,
       LATERAL (SELECT bko.mase(y, CASE WHEN day > until THEN forecast END, m ORDER BY day) AS mase,
                       avg(abs(y - forecast)) FILTER (WHERE day > until) AS mae FROM history WHERE item = i) a,
       LATERAL (SELECT avg(abs(h.y - b.y)) AS scale FROM history h JOIN history b ON b.item = i AND b.day = h.day - m
                 WHERE h.item = i AND h.day <= until) s;
-- a frame that moves, in which every row starts anew
SELECT count(*) FILTER (WHERE w.f IS DISTINCT FROM (SELECT bko.croston(y, 0.3 ORDER BY day) FROM history h
                         WHERE h.item = w.item AND h.day BETWEEN w.day - 9 AND w.day)) AS differ
  FROM (SELECT item, day, bko.croston(y, 0.3) OVER (PARTITION BY item ORDER BY day ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS f FROM history) w;

-- workers share the rows of the aggregates that need no order
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS 'BEGIN RETURN QUERY EXECUTE ''EXPLAIN (COSTS OFF) '' || query; END';
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT count(*) > 0 AS "in parallel" FROM plan('SELECT bko.mae(y, forecast) FROM history') line WHERE line ~ 'Partial Aggregate';
CREATE TABLE shared AS SELECT bko.mae(y, forecast), bko.wape(y, forecast), bko.bias(y, forecast), bko.tracking_signal(y, forecast) FROM history;
SET max_parallel_workers_per_gather = 0;
SELECT s = r AS same FROM shared s, (SELECT bko.mae(y, forecast), bko.wape(y, forecast), bko.bias(y, forecast), bko.tracking_signal(y, forecast) FROM history) r;
RESET ALL;

-- every function is described, and may run anywhere
SELECT p.oid::regprocedure FROM pg_proc p
 WHERE pronamespace = 'bko'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL;
SELECT count(*) AS aggregates, bool_and(provolatile = 'i' AND proparallel = 's') AS "immutable, parallel safe"
  FROM pg_proc WHERE pronamespace = 'bko'::regnamespace AND prokind = 'a';

SET client_min_messages = warning;
DROP SCHEMA life_forecast CASCADE;
