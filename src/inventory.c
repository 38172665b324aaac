/*-------------------------------------------------------------------------
 *
 * inventory.c
 *	  Formulas of inventory planning: safety stock, reorder point, fill rate,
 *	  order quantity.  Knows numbers alone: no tables, no SPI.
 *
 * Demand over the lead time is taken to be normally distributed.  Every
 * parameter must be finite and in its range; what overflows is an error.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include <math.h>

#include "utils/float.h"

PG_FUNCTION_INFO_V1(bko_service_factor);
PG_FUNCTION_INFO_V1(bko_standard_normal_loss);
PG_FUNCTION_INFO_V1(bko_safety_stock);
PG_FUNCTION_INFO_V1(bko_reorder_point);
PG_FUNCTION_INFO_V1(bko_expected_fill_rate);
PG_FUNCTION_INFO_V1(bko_economic_order_quantity);

/* ---- parameters and results ---- */

static double
finite_arg(FunctionCallInfo fcinfo, int arg, const char *name)
{
	double		value = PG_GETARG_FLOAT8(arg);

	if (!isfinite(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is not a finite number", name),
				 errhint("NaN and the infinities are no quantities.")));
	return value;
}

static double
not_negative_arg(FunctionCallInfo fcinfo, int arg, const char *name)
{
	double		value = finite_arg(fcinfo, arg, name);

	if (value < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of %g is below zero", name, value),
				 errhint("Give zero or more.")));
	return value;
}

static double
positive_arg(FunctionCallInfo fcinfo, int arg, const char *name)
{
	double		value = finite_arg(fcinfo, arg, name);

	if (value <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of %g is not above zero", name, value),
				 errhint("Give more than zero.")));
	return value;
}

/* A probability short of certainty, which no stock can promise. */
static double
service_level_arg(FunctionCallInfo fcinfo, int arg)
{
	double		value = PG_GETARG_FLOAT8(arg);

	if (!(value > 0 && value < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("service_level of %g is not between 0 and 1", value),
				 errhint("Give a probability between 0 and 1, such as 0.95 for 95 %%.")));
	return value;
}

static Datum
finite_result(double value)
{
	if (!isfinite(value))
		float_overflow_error();
	return Float8GetDatum(value);
}

/* ---- the standard normal distribution ---- */

/* c[0] + c[1] x + ... + c[7] x^7 */
static double
polynomial(const double *c, double x)
{
	double		value = c[7];

	for (int i = 6; i >= 0; i--)
		value = value * x + c[i];
	return value;
}

/*
 * The z that a standard normal variable stays below with probability p: M. J.
 * Wichura, Algorithm AS 241, PPND16, Applied Statistics 37 (1988), 477-484.
 * Accurate to about 1 part in 10^16.
 */
static double
normal_quantile(double p)
{
	static const double a[] = {
		3.3871328727963666080e0, 1.3314166789178437745e2,
		1.9715909503065514427e3, 1.3731693765509461125e4,
		4.5921953931549871457e4, 6.7265770927008700853e4,
		3.3430575583588128105e4, 2.5090809287301226727e3
	};
	static const double b[] = {
		1.0, 4.2313330701600911252e1,
		6.8718700749205790830e2, 5.3941960214247511077e3,
		2.1213794301586595867e4, 3.9307895800092710610e4,
		2.8729085735721942674e4, 5.2264952788528545610e3
	};
	static const double c[] = {
		1.42343711074968357734e0, 4.63033784615654529590e0,
		5.76949722146069140550e0, 3.64784832476320460504e0,
		1.27045825245236838258e0, 2.41780725177450611770e-1,
		2.27238449892691845833e-2, 7.74545014278341407640e-4
	};
	static const double d[] = {
		1.0, 2.05319162663775882187e0,
		1.67638483018380384940e0, 6.89767334985100004550e-1,
		1.48103976427480074590e-1, 1.51986665636164571966e-2,
		5.47593808499534494600e-4, 1.05075007164441684324e-9
	};
	static const double e[] = {
		6.65790464350110377720e0, 5.46378491116411436990e0,
		1.78482653991729133580e0, 2.96560571828504891230e-1,
		2.65321895265761230930e-2, 1.24266094738807843860e-3,
		2.71155556874348757815e-5, 2.01033439929228813265e-7
	};
	static const double f[] = {
		1.0, 5.99832206555887937690e-1,
		1.36929880922735805310e-1, 1.48753612908506148525e-2,
		7.86869131145613259100e-4, 1.84631831751005468180e-5,
		1.42151175831644588870e-7, 2.04426310338993978564e-15
	};
	double		q = p - 0.5;
	double		r;
	double		z;

	if (fabs(q) <= 0.425)
	{
		r = 0.180625 - q * q;
		return q * polynomial(a, r) / polynomial(b, r);
	}
	r = sqrt(-log(q < 0 ? p : 1 - p));
	if (r <= 5)
		z = polynomial(c, r - 1.6) / polynomial(d, r - 1.6);
	else
		z = polynomial(e, r - 5) / polynomial(f, r - 5);
	return q < 0 ? -z : z;
}

/*
 * What a standard normal variable exceeds z by, on average.  Far out the two
 * terms nearly cancel: 3 of 16 digits are lost where z is 30.
 */
static double
normal_loss(double z)
{
	double		density = exp(-z * z / 2) / sqrt(2 * M_PI);
	double		above = erfc(z / sqrt(2)) / 2;

	if (isnan(z))
		return z;
	if (above == 0)
		return 0;				/* not infinity times it */
	return Max(density - z * above, 0.0);
}

/* ---- functions ---- */

Datum
bko_service_factor(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(normal_quantile(service_level_arg(fcinfo, 0)));
}

Datum
bko_standard_normal_loss(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(normal_loss(PG_GETARG_FLOAT8(0)));
}

Datum
bko_safety_stock(PG_FUNCTION_ARGS)
{
	double		z = normal_quantile(service_level_arg(fcinfo, 0));
	double		demand_sd = not_negative_arg(fcinfo, 1, "demand_sd");
	double		lead_time = not_negative_arg(fcinfo, 2, "lead_time");
	double		demand_mean = not_negative_arg(fcinfo, 3, "demand_mean");
	double		lead_time_sd = not_negative_arg(fcinfo, 4, "lead_time_sd");

	return finite_result(z * hypot(sqrt(lead_time) * demand_sd, demand_mean * lead_time_sd));
}

Datum
bko_reorder_point(PG_FUNCTION_ARGS)
{
	double		demand_mean = not_negative_arg(fcinfo, 0, "demand_mean");
	double		lead_time = not_negative_arg(fcinfo, 1, "lead_time");
	double		safety_stock = finite_arg(fcinfo, 2, "safety_stock");

	return finite_result(demand_mean * lead_time + safety_stock);
}

/*
 * Short of an order are, on average, the units by which demand over the lead
 * time exceeds the reorder point.  A rate below zero would say that more than
 * the whole order is gone before it comes: then nothing is filled from stock.
 */
Datum
bko_expected_fill_rate(PG_FUNCTION_ARGS)
{
	double		order_qty = positive_arg(fcinfo, 0, "order_qty");
	double		reorder_point = finite_arg(fcinfo, 1, "reorder_point");
	double		mean = not_negative_arg(fcinfo, 2, "demand_mean_over_lead");
	double		sd = not_negative_arg(fcinfo, 3, "demand_sd_over_lead");
	double		cover = reorder_point - mean;
	double		short_units;

	if (sd > 0)
		short_units = sd * normal_loss(cover / sd);
	else
		short_units = Max(-cover, 0.0);
	PG_RETURN_FLOAT8(Max(1 - short_units / order_qty, 0.0));
}

Datum
bko_economic_order_quantity(PG_FUNCTION_ARGS)
{
	double		demand = not_negative_arg(fcinfo, 0, "annual_demand");
	double		order_cost = not_negative_arg(fcinfo, 1, "order_cost");
	double		holding_cost = positive_arg(fcinfo, 2, "holding_cost");

	return finite_result(sqrt(2 * demand * order_cost / holding_cost));
}
