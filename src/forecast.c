/*-------------------------------------------------------------------------
 *
 * forecast.c
 *	  Forecasts from a history of demand, as aggregates over one value per
 *	  period in the order of the periods.  Knows numbers alone: no tables,
 *	  no SPI.
 *
 * Statistics are float8; quantities that the engine keeps never come here.
 * A null observation is passed over.  NaN and the infinities go through the
 * arithmetic as IEEE 754 has it, so what is forecast from then on is NaN or
 * infinite; an infinity out of finite observations is an error, as everywhere
 * in PostgreSQL.  Too small a number becomes zero without a word: a level that
 * fades away over thousands of periods is nothing to stop a query for.
 *
 * A final function reads its state and leaves it alone, which lets every
 * aggregate here be a window function too.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include <math.h>

#include "utils/float.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(bko_moving_average_add);
PG_FUNCTION_INFO_V1(bko_moving_average);
PG_FUNCTION_INFO_V1(bko_exponential_smoothing_add);
PG_FUNCTION_INFO_V1(bko_holt_add);
PG_FUNCTION_INFO_V1(bko_smoothing);
PG_FUNCTION_INFO_V1(bko_croston_add);
PG_FUNCTION_INFO_V1(bko_croston);
PG_FUNCTION_INFO_V1(bko_sba);
PG_FUNCTION_INFO_V1(bko_tsb_add);
PG_FUNCTION_INFO_V1(bko_tsb);

/* Simple smoothing is Holt's method without a trend. */
typedef struct Smoothing
{
	double		alpha;
	double		beta;
	int32		horizon;
	int64		n;				/* observations */
	double		level;
	double		trend;
	bool		finite;
} Smoothing;

/* Croston's method, and Teunter, Syntetos and Babai's. */
typedef struct Intermittent
{
	double		alpha;
	double		beta;
	int64		n;				/* observations */
	int64		since;			/* the same, since the last demand */
	bool		seen;			/* a demand; the next three are set */
	double		size;			/* of a demand */
	double		interval;		/* periods from one demand to the next */
	double		probability;	/* of a demand in a period */
	bool		finite;
} Intermittent;

/* ---- what aggregates share ---- */

/*
 * The state that an aggregate keeps from row to row, all zero for the first
 * row, and where it and all that hangs on it live.
 */
void *
bko_aggregate_state(FunctionCallInfo fcinfo, Size size, bool *first, MemoryContext *cxt)
{
	if (!AggCheckCallContext(fcinfo, cxt))
		elog(ERROR, "aggregate support function called outside of an aggregate");
	*first = PG_ARGISNULL(0);
	return *first ? MemoryContextAllocZero(*cxt, size) : PG_GETARG_POINTER(0);
}

/* A parameter belongs to the aggregate, so it is the same in every row. */
static void
parameter_changed(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s is not the same in all rows of an aggregate", name),
			 errhint("Give a constant, or one value for each group.")));
}

/* A number of periods or observations: 1 or more.  *kept has it from the first row. */
void
bko_count_parameter(FunctionCallInfo fcinfo, int arg, const char *name, bool first, int32 *kept)
{
	int32		value = PG_ARGISNULL(arg) ? 0 : PG_GETARG_INT32(arg);

	if (value < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 PG_ARGISNULL(arg) ? errmsg("%s is null", name) :
				 errmsg("%s of %d is below 1", name, value),
				 errhint("Give a whole number, 1 or more.")));
	if (first)
		*kept = value;
	else if (*kept != value)
		parameter_changed(name);
}

/* A smoothing constant: 0 to 1. */
static void
smoothing_parameter(FunctionCallInfo fcinfo, int arg, const char *name, bool first, double *kept)
{
	double		value = PG_ARGISNULL(arg) ? -1 : PG_GETARG_FLOAT8(arg);

	if (!(value >= 0 && value <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 PG_ARGISNULL(arg) ? errmsg("%s is null", name) :
				 errmsg("%s of %g is not from 0 to 1", name, value),
				 errhint("A smoothing constant is the weight of the newest observation, from 0 to 1; 0.1 to 0.3 is usual.")));
	if (first)
		*kept = value;
	else if (*kept != value)
		parameter_changed(name);
}

/* A result, unless finite observations made it overflow. */
static Datum
result(double value, bool finite)
{
	if (finite && !isfinite(value))
		float_overflow_error();
	return Float8GetDatum(value);
}

/* ---- the last observations ---- */

/* An empty ring for the last "size" values.  It grows with what comes in. */
void
bko_ring_init(BkoRing *ring, int32 size, MemoryContext cxt)
{
	ring->size = size;
	ring->filled = 0;
	ring->next = 0;
	ring->room = Min(size, 16);
	ring->values = MemoryContextAlloc(cxt, ring->room * sizeof(double));
}

/* Takes a value in; the oldest leaves a full ring. */
void
bko_ring_add(BkoRing *ring, double value)
{
	if (ring->next == ring->room && ring->room < ring->size)
	{
		ring->room = ring->room > ring->size / 2 ? ring->size : ring->room * 2;
		ring->values = repalloc_huge(ring->values, ring->room * sizeof(double));
	}
	else if (ring->next == ring->size)
		ring->next = 0;
	ring->values[ring->next++] = value;
	if (ring->filled < ring->size)
		ring->filled++;
}

/* The oldest value of a full ring. */
double
bko_ring_oldest(const BkoRing *ring)
{
	Assert(ring->filled == ring->size);
	return ring->values[ring->next == ring->size ? 0 : ring->next];
}

/* ---- moving average ---- */

Datum
bko_moving_average_add(PG_FUNCTION_ARGS)
{
	MemoryContext cxt;
	bool		first;
	BkoRing    *last = bko_aggregate_state(fcinfo, sizeof(BkoRing), &first, &cxt);
	int32		size = last->size;

	bko_count_parameter(fcinfo, 2, "n", first, &size);
	if (first)
		bko_ring_init(last, size, cxt);
	if (!PG_ARGISNULL(1))
		bko_ring_add(last, PG_GETARG_FLOAT8(1));
	PG_RETURN_POINTER(last);
}

/*
 * The sum is made anew each time: one that is carried along keeps the rounding
 * errors of all that has left it, and a NaN for ever.
 */
Datum
bko_moving_average(PG_FUNCTION_ARGS)
{
	BkoRing    *last = PG_ARGISNULL(0) ? NULL : (BkoRing *) PG_GETARG_POINTER(0);
	double		sum = 0;
	bool		finite = true;

	if (last == NULL || last->filled < last->size)
		PG_RETURN_NULL();
	for (int32 i = 0; i < last->size; i++)
	{
		sum += last->values[i];
		finite = finite && isfinite(last->values[i]);
	}
	return result(sum / last->size, finite);
}

/* ---- exponential smoothing ---- */

/*
 * The first observation is the first level, the first difference the first
 * trend: the second observation then changes nothing but these.
 */
static void
smooth(Smoothing *state, double y, bool with_trend)
{
	double		expected = state->level + state->trend;
	double		level;

	state->finite = state->finite && isfinite(y);
	if (state->n == 0)
		state->level = y;
	else if (state->n == 1 && with_trend)
	{
		state->trend = y - state->level;
		state->level = y;
	}
	else
	{
		level = state->alpha * y + (1 - state->alpha) * expected;
		if (with_trend)
			state->trend = state->beta * (level - state->level) + (1 - state->beta) * state->trend;
		state->level = level;
	}
	state->n++;
}

Datum
bko_exponential_smoothing_add(PG_FUNCTION_ARGS)
{
	MemoryContext cxt;
	bool		first;
	Smoothing  *state = bko_aggregate_state(fcinfo, sizeof(Smoothing), &first, &cxt);

	if (first)
		state->finite = true;
	smoothing_parameter(fcinfo, 2, "alpha", first, &state->alpha);
	if (!PG_ARGISNULL(1))
		smooth(state, PG_GETARG_FLOAT8(1), false);
	PG_RETURN_POINTER(state);
}

Datum
bko_holt_add(PG_FUNCTION_ARGS)
{
	MemoryContext cxt;
	bool		first;
	Smoothing  *state = bko_aggregate_state(fcinfo, sizeof(Smoothing), &first, &cxt);

	if (first)
	{
		state->finite = true;
		state->horizon = 1;
	}
	smoothing_parameter(fcinfo, 2, "alpha", first, &state->alpha);
	smoothing_parameter(fcinfo, 3, "beta", first, &state->beta);
	if (PG_NARGS() > 4)
		bko_count_parameter(fcinfo, 4, "h", first, &state->horizon);
	if (!PG_ARGISNULL(1))
		smooth(state, PG_GETARG_FLOAT8(1), true);
	PG_RETURN_POINTER(state);
}

/* The forecast of either. */
Datum
bko_smoothing(PG_FUNCTION_ARGS)
{
	Smoothing  *state = PG_ARGISNULL(0) ? NULL : (Smoothing *) PG_GETARG_POINTER(0);

	if (state == NULL || state->n == 0)
		PG_RETURN_NULL();
	return result(state->level + state->horizon * state->trend, state->finite);
}

/* ---- intermittent demand ---- */

/*
 * Takes in a period.  The first demand is the first size, the periods up to it
 * the first interval, and one over those the first probability.
 */
static void
take_in(Intermittent *state, double y)
{
	double		alpha = state->alpha;
	double		beta = state->beta;

	if (y < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("demand of %g is below zero", y),
				 errhint("Methods for intermittent demand know demand or none: set returns against the demand that they take back, or use greatest(y, 0).")));
	state->finite = state->finite && isfinite(y);
	state->n++;
	state->since++;
	if (y == 0)
		state->probability *= 1 - beta;
	else if (!state->seen)
	{
		state->seen = true;
		state->size = y;
		state->interval = state->since;
		state->probability = 1.0 / state->since;
	}
	else
	{
		state->size = alpha * y + (1 - alpha) * state->size;
		state->interval = alpha * state->since + (1 - alpha) * state->interval;
		state->probability = beta + (1 - beta) * state->probability;
	}
	if (y != 0)
		state->since = 0;
}

static Intermittent *
intermittent_state(FunctionCallInfo fcinfo, bool *first)
{
	MemoryContext cxt;
	Intermittent *state = bko_aggregate_state(fcinfo, sizeof(Intermittent), first, &cxt);

	if (*first)
		state->finite = true;
	smoothing_parameter(fcinfo, 2, "alpha", *first, &state->alpha);
	return state;
}

/* For croston() and sba(). */
Datum
bko_croston_add(PG_FUNCTION_ARGS)
{
	bool		first;
	Intermittent *state = intermittent_state(fcinfo, &first);

	if (!PG_ARGISNULL(1))
		take_in(state, PG_GETARG_FLOAT8(1));
	PG_RETURN_POINTER(state);
}

Datum
bko_tsb_add(PG_FUNCTION_ARGS)
{
	bool		first;
	Intermittent *state = intermittent_state(fcinfo, &first);

	smoothing_parameter(fcinfo, 3, "beta", first, &state->beta);
	if (!PG_ARGISNULL(1))
		take_in(state, PG_GETARG_FLOAT8(1));
	PG_RETURN_POINTER(state);
}

/* The state where there is something to forecast from, or NULL. */
static Intermittent *
intermittent_history(FunctionCallInfo fcinfo)
{
	Intermittent *state = PG_ARGISNULL(0) ? NULL : (Intermittent *) PG_GETARG_POINTER(0);

	return state != NULL && state->n > 0 ? state : NULL;
}

/* Periods without any demand forecast none. */
static double
demand_rate(const Intermittent *state)
{
	return state->seen ? state->size / state->interval : 0;
}

Datum
bko_croston(PG_FUNCTION_ARGS)
{
	Intermittent *state = intermittent_history(fcinfo);

	if (state == NULL)
		PG_RETURN_NULL();
	return result(demand_rate(state), state->finite);
}

Datum
bko_sba(PG_FUNCTION_ARGS)
{
	Intermittent *state = intermittent_history(fcinfo);

	if (state == NULL)
		PG_RETURN_NULL();
	return result((1 - state->alpha / 2) * demand_rate(state), state->finite);
}

Datum
bko_tsb(PG_FUNCTION_ARGS)
{
	Intermittent *state = intermittent_history(fcinfo);

	if (state == NULL)
		PG_RETURN_NULL();
	return result(state->probability * state->size, state->finite);
}
