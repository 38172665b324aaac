-- Forecasts from historical demand, how good they were, and the formulas of
-- inventory planning. They take numbers from any query; no book is needed.
-- doc/forecasting.md explains each.

-- ---- forecasts: one observation a period, in the order of the periods ----

CREATE FUNCTION bko.moving_average_add(state internal, y float8, n integer) RETURNS internal
    AS 'MODULE_PATHNAME', 'bko_moving_average_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.moving_average_add(internal, float8, integer) IS 'Behind the aggregate moving_average()';
CREATE FUNCTION bko.moving_average_result(state internal) RETURNS float8
    AS 'MODULE_PATHNAME', 'bko_moving_average' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.moving_average_result(internal) IS 'Behind the aggregate moving_average()';
CREATE AGGREGATE bko.moving_average(y float8, n integer) (
    SFUNC = bko.moving_average_add, STYPE = internal, FINALFUNC = bko.moving_average_result, PARALLEL = SAFE);
COMMENT ON AGGREGATE bko.moving_average(float8, integer) IS 'Forecast for the next period: simple moving average of the last n observations, ORDER BY period; null while there are fewer';

CREATE FUNCTION bko.exponential_smoothing_add(state internal, y float8, alpha float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'bko_exponential_smoothing_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.exponential_smoothing_add(internal, float8, float8) IS 'Behind the aggregate exponential_smoothing()';
CREATE FUNCTION bko.holt_add(state internal, y float8, alpha float8, beta float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'bko_holt_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.holt_add(internal, float8, float8, float8) IS 'Behind the aggregate holt()';
CREATE FUNCTION bko.holt_add(state internal, y float8, alpha float8, beta float8, h integer) RETURNS internal
    AS 'MODULE_PATHNAME', 'bko_holt_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.holt_add(internal, float8, float8, float8, integer) IS 'Behind the aggregate holt()';
CREATE FUNCTION bko.smoothing_result(state internal) RETURNS float8
    AS 'MODULE_PATHNAME', 'bko_smoothing' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.smoothing_result(internal) IS 'Behind the aggregates exponential_smoothing() and holt()';
CREATE AGGREGATE bko.exponential_smoothing(y float8, alpha float8) (
    SFUNC = bko.exponential_smoothing_add, STYPE = internal, FINALFUNC = bko.smoothing_result, PARALLEL = SAFE);
COMMENT ON AGGREGATE bko.exponential_smoothing(float8, float8) IS 'Forecast for the next period: simple (single) exponential smoothing with the constant alpha, ORDER BY period; starts from the first observation';
CREATE AGGREGATE bko.holt(y float8, alpha float8, beta float8) (
    SFUNC = bko.holt_add, STYPE = internal, FINALFUNC = bko.smoothing_result, PARALLEL = SAFE);
COMMENT ON AGGREGATE bko.holt(float8, float8, float8) IS 'Forecast for the next period: Holt''s linear trend (double exponential smoothing) with alpha for the level and beta for the trend, ORDER BY period; starts from the first observation and the first difference';
CREATE AGGREGATE bko.holt(y float8, alpha float8, beta float8, h integer) (
    SFUNC = bko.holt_add, STYPE = internal, FINALFUNC = bko.smoothing_result, PARALLEL = SAFE);
COMMENT ON AGGREGATE bko.holt(float8, float8, float8, integer) IS 'Forecast for the period h ahead by Holt''s linear trend';

CREATE FUNCTION bko.croston_add(state internal, y float8, alpha float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'bko_croston_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.croston_add(internal, float8, float8) IS 'Behind the aggregates croston() and sba()';
CREATE FUNCTION bko.croston_result(state internal) RETURNS float8
    AS 'MODULE_PATHNAME', 'bko_croston' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.croston_result(internal) IS 'Behind the aggregate croston()';
CREATE FUNCTION bko.sba_result(state internal) RETURNS float8
    AS 'MODULE_PATHNAME', 'bko_sba' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.sba_result(internal) IS 'Behind the aggregate sba()';
CREATE AGGREGATE bko.croston(y float8, alpha float8) (
    SFUNC = bko.croston_add, STYPE = internal, FINALFUNC = bko.croston_result, PARALLEL = SAFE);
COMMENT ON AGGREGATE bko.croston(float8, float8) IS 'Forecast of intermittent demand per period: Croston''s method (1972), smoothed demand size over smoothed demand interval, ORDER BY period; a period without demand counts as 0';
CREATE AGGREGATE bko.sba(y float8, alpha float8) (
    SFUNC = bko.croston_add, STYPE = internal, FINALFUNC = bko.sba_result, PARALLEL = SAFE);
COMMENT ON AGGREGATE bko.sba(float8, float8) IS 'Forecast of intermittent demand per period: Syntetos-Boylan approximation (2005), (1 - alpha/2) times croston()';

CREATE FUNCTION bko.tsb_add(state internal, y float8, alpha float8, beta float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'bko_tsb_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.tsb_add(internal, float8, float8, float8) IS 'Behind the aggregate tsb()';
CREATE FUNCTION bko.tsb_result(state internal) RETURNS float8
    AS 'MODULE_PATHNAME', 'bko_tsb' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.tsb_result(internal) IS 'Behind the aggregate tsb()';
CREATE AGGREGATE bko.tsb(y float8, alpha float8, beta float8) (
    SFUNC = bko.tsb_add, STYPE = internal, FINALFUNC = bko.tsb_result, PARALLEL = SAFE);
COMMENT ON AGGREGATE bko.tsb(float8, float8, float8) IS 'Forecast of intermittent demand per period: Teunter, Syntetos and Babai (2011), demand size smoothed by alpha times demand probability smoothed by beta, ORDER BY period; falls when demand stops, unlike croston()';

-- ---- forecast accuracy: the error is actual less forecast ----

CREATE FUNCTION bko.error_add(state float8[], actual float8, forecast float8) RETURNS float8[]
    AS 'MODULE_PATHNAME', 'bko_error_add' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.error_add(float8[], float8, float8) IS 'Behind the aggregates of forecast accuracy';
CREATE FUNCTION bko.error_combine(state float8[], other float8[]) RETURNS float8[]
    AS 'MODULE_PATHNAME', 'bko_error_combine' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.error_combine(float8[], float8[]) IS 'Behind the aggregates of forecast accuracy';
CREATE FUNCTION bko.mae_result(state float8[]) RETURNS float8
    AS 'MODULE_PATHNAME', 'bko_mae' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.mae_result(float8[]) IS 'Behind the aggregate mae()';
CREATE FUNCTION bko.wape_result(state float8[]) RETURNS float8
    AS 'MODULE_PATHNAME', 'bko_wape' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.wape_result(float8[]) IS 'Behind the aggregate wape()';
CREATE FUNCTION bko.bias_result(state float8[]) RETURNS float8
    AS 'MODULE_PATHNAME', 'bko_bias' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.bias_result(float8[]) IS 'Behind the aggregate bias()';
CREATE FUNCTION bko.tracking_signal_result(state float8[]) RETURNS float8
    AS 'MODULE_PATHNAME', 'bko_tracking_signal' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.tracking_signal_result(float8[]) IS 'Behind the aggregate tracking_signal()';

CREATE AGGREGATE bko.mae(actual float8, forecast float8) (
    SFUNC = bko.error_add, STYPE = float8[], INITCOND = '{0,0,0,0}', COMBINEFUNC = bko.error_combine,
    FINALFUNC = bko.mae_result, PARALLEL = SAFE);
COMMENT ON AGGREGATE bko.mae(float8, float8) IS 'Mean absolute error of a forecast, also called mean absolute deviation (MAD); rows with a null are passed over';
CREATE AGGREGATE bko.wape(actual float8, forecast float8) (
    SFUNC = bko.error_add, STYPE = float8[], INITCOND = '{0,0,0,0}', COMBINEFUNC = bko.error_combine,
    FINALFUNC = bko.wape_result, PARALLEL = SAFE);
COMMENT ON AGGREGATE bko.wape(float8, float8) IS 'Weighted absolute percentage error of a forecast (MAD/mean ratio): sum of absolute errors over sum of absolute actuals, as a fraction; null where all actuals are 0';
CREATE AGGREGATE bko.bias(actual float8, forecast float8) (
    SFUNC = bko.error_add, STYPE = float8[], INITCOND = '{0,0,0,0}', COMBINEFUNC = bko.error_combine,
    FINALFUNC = bko.bias_result, PARALLEL = SAFE);
COMMENT ON AGGREGATE bko.bias(float8, float8) IS 'Bias of a forecast: mean error, actual less forecast; above 0 the forecast was too low, below 0 too high';
CREATE AGGREGATE bko.tracking_signal(actual float8, forecast float8) (
    SFUNC = bko.error_add, STYPE = float8[], INITCOND = '{0,0,0,0}', COMBINEFUNC = bko.error_combine,
    FINALFUNC = bko.tracking_signal_result, PARALLEL = SAFE);
COMMENT ON AGGREGATE bko.tracking_signal(float8, float8) IS 'Tracking signal of a forecast: running sum of forecast errors (actual less forecast) over their mean absolute deviation; beyond 4 either way the forecast is biased; null where no error is other than 0';

CREATE FUNCTION bko.mase_add(state internal, actual float8, forecast float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'bko_mase_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.mase_add(internal, float8, float8) IS 'Behind the aggregate mase()';
CREATE FUNCTION bko.mase_add(state internal, actual float8, forecast float8, m integer) RETURNS internal
    AS 'MODULE_PATHNAME', 'bko_mase_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.mase_add(internal, float8, float8, integer) IS 'Behind the aggregate mase()';
CREATE FUNCTION bko.mase_result(state internal) RETURNS float8
    AS 'MODULE_PATHNAME', 'bko_mase' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.mase_result(internal) IS 'Behind the aggregate mase()';
CREATE AGGREGATE bko.mase(actual float8, forecast float8) (
    SFUNC = bko.mase_add, STYPE = internal, FINALFUNC = bko.mase_result, PARALLEL = SAFE);
COMMENT ON AGGREGATE bko.mase(float8, float8) IS 'Mean absolute scaled error (Hyndman and Koehler 2006), ORDER BY period: rows with null forecast are the history whose naive one-step errors set the scale, up to the first forecast; below 1 is better than naive';
CREATE AGGREGATE bko.mase(actual float8, forecast float8, m integer) (
    SFUNC = bko.mase_add, STYPE = internal, FINALFUNC = bko.mase_result, PARALLEL = SAFE);
COMMENT ON AGGREGATE bko.mase(float8, float8, integer) IS 'Mean absolute scaled error, the scale set by the seasonal naive forecast of m periods ago';

-- ---- inventory planning: demand over the lead time is taken as normal ----

CREATE FUNCTION bko.service_factor(service_level float8) RETURNS float8
    AS 'MODULE_PATHNAME', 'bko_service_factor' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.service_factor(float8) IS 'Service factor z (safety factor): the inverse of the standard normal distribution at a cycle service level, 0.95 gives 1.645. Wichura, Algorithm AS 241, Applied Statistics 37 (1988)';

CREATE FUNCTION bko.standard_normal_loss(z float8) RETURNS float8
    AS 'MODULE_PATHNAME', 'bko_standard_normal_loss' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.standard_normal_loss(float8) IS 'Standard normal loss function L(z) (unit normal loss): phi(z) - z (1 - Phi(z)), what demand exceeds z by on average. Silver, Pyke, Thomas, Inventory and Production Management in Supply Chains, appendix on the normal distribution';

CREATE FUNCTION bko.safety_stock(service_level float8, demand_sd float8, lead_time float8,
                                 demand_mean float8 DEFAULT 0, lead_time_sd float8 DEFAULT 0) RETURNS float8
    AS 'MODULE_PATHNAME', 'bko_safety_stock' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.safety_stock(float8, float8, float8, float8, float8) IS 'Safety stock for a cycle service level: z sqrt(L sd_d^2 + d^2 sd_L^2), demand per period and lead time in the same periods. Chopra, Meindl, Supply Chain Management, chapter on safety inventory; Stevenson, Operations Management, chapter on inventory management';

CREATE FUNCTION bko.reorder_point(demand_mean float8, lead_time float8, safety_stock float8) RETURNS float8
    AS 'MODULE_PATHNAME', 'bko_reorder_point' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.reorder_point(float8, float8, float8) IS 'Reorder point (ROP): mean demand over the lead time plus safety stock, d L + ss. Stevenson, Operations Management, chapter on inventory management';

CREATE FUNCTION bko.expected_fill_rate(order_qty float8, reorder_point float8, demand_mean_over_lead float8,
                                       demand_sd_over_lead float8) RETURNS float8
    AS 'MODULE_PATHNAME', 'bko_expected_fill_rate' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.expected_fill_rate(float8, float8, float8, float8) IS 'Expected fill rate (type 2 service) of a reorder point and order quantity: 1 - sd L(z) / Q with z = (ROP - mean) / sd, no less than 0. Chopra, Meindl, Supply Chain Management, chapter on safety inventory';

CREATE FUNCTION bko.economic_order_quantity(annual_demand float8, order_cost float8, holding_cost float8) RETURNS float8
    AS 'MODULE_PATHNAME', 'bko_economic_order_quantity' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bko.economic_order_quantity(float8, float8, float8) IS 'Economic order quantity (EOQ): sqrt(2 D S / H), with annual demand D, cost S of an order, cost H of holding a unit for a year. Harris, How Many Parts to Make at Once, Factory 10 (1913)';
