/*-------------------------------------------------------------------------
 *
 * accuracy.c
 *	  How good forecasts were: aggregates over actual and forecast.  The error
 *	  is actual less forecast everywhere.  NaN and the infinities go through
 *	  as they do in forecast.c.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/float.h"

PG_FUNCTION_INFO_V1(bko_error_add);
PG_FUNCTION_INFO_V1(bko_error_combine);
PG_FUNCTION_INFO_V1(bko_mae);
PG_FUNCTION_INFO_V1(bko_wape);
PG_FUNCTION_INFO_V1(bko_bias);
PG_FUNCTION_INFO_V1(bko_tracking_signal);
PG_FUNCTION_INFO_V1(bko_mase_add);
PG_FUNCTION_INFO_V1(bko_mase);

/* ---- errors summed up in an array, so that workers can share the rows ---- */

enum Sums
{
	SUM_N, SUM_ERROR, SUM_ABS_ERROR, SUM_ABS_ACTUAL, NSUMS
};

static double *
sums_of(ArrayType *array)
{
	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != NSUMS || ARR_HASNULL(array) ||
		ARR_ELEMTYPE(array) != FLOAT8OID)
		elog(ERROR, "expected an array of %d float8", NSUMS);
	return (double *) ARR_DATA_PTR(array);
}

/* The state, which may be written to: it is the aggregate's own. */
static ArrayType *
sums_state(FunctionCallInfo fcinfo)
{
	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate support function called outside of an aggregate");
	return PG_GETARG_ARRAYTYPE_P(0);
}

Datum
bko_error_add(PG_FUNCTION_ARGS)
{
	ArrayType  *state = sums_state(fcinfo);
	double	   *sums = sums_of(state);
	double		actual = PG_GETARG_FLOAT8(1);
	double		error = float8_mi(actual, PG_GETARG_FLOAT8(2));

	sums[SUM_N] += 1;
	sums[SUM_ERROR] = float8_pl(sums[SUM_ERROR], error);
	sums[SUM_ABS_ERROR] = float8_pl(sums[SUM_ABS_ERROR], fabs(error));
	sums[SUM_ABS_ACTUAL] = float8_pl(sums[SUM_ABS_ACTUAL], fabs(actual));
	PG_RETURN_ARRAYTYPE_P(state);
}

Datum
bko_error_combine(PG_FUNCTION_ARGS)
{
	ArrayType  *state = sums_state(fcinfo);
	double	   *sums = sums_of(state);
	const double *others = sums_of(PG_GETARG_ARRAYTYPE_P(1));

	for (int i = 0; i < NSUMS; i++)
		sums[i] = float8_pl(sums[i], others[i]);
	PG_RETURN_ARRAYTYPE_P(state);
}

/* One sum over another; null where there is nothing to divide by. */
static Datum
ratio(FunctionCallInfo fcinfo, int of, int over)
{
	const double *sums = sums_of(PG_GETARG_ARRAYTYPE_P(0));

	if (sums[over] == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(sums[of] / sums[over]);
}

Datum
bko_mae(PG_FUNCTION_ARGS)
{
	return ratio(fcinfo, SUM_ABS_ERROR, SUM_N);
}

Datum
bko_wape(PG_FUNCTION_ARGS)
{
	return ratio(fcinfo, SUM_ABS_ERROR, SUM_ABS_ACTUAL);
}

Datum
bko_bias(PG_FUNCTION_ARGS)
{
	return ratio(fcinfo, SUM_ERROR, SUM_N);
}

Datum
bko_tracking_signal(PG_FUNCTION_ARGS)
{
	const double *sums = sums_of(PG_GETARG_ARRAYTYPE_P(0));

	if (sums[SUM_ABS_ERROR] == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(sums[SUM_ERROR] / sums[SUM_ABS_ERROR] * sums[SUM_N]);
}

/* ---- mean absolute scaled error ---- */

typedef struct Scaled
{
	int32		m;				/* periods that the naive forecast looks back */
	BkoRing		history;		/* its last m actuals */
	int64		nnaive;
	double		naive;			/* absolute errors of the naive forecast, summed up */
	int64		nerrors;
	double		errors;			/* those of the forecast */
} Scaled;

/*
 * Rows without a forecast are the history that the forecast was made from; they
 * set the scale.  With the first forecast the history ends.
 */
Datum
bko_mase_add(PG_FUNCTION_ARGS)
{
	MemoryContext cxt;
	bool		first;
	Scaled	   *state = bko_aggregate_state(fcinfo, sizeof(Scaled), &first, &cxt);
	double		actual;

	if (first)
		state->m = 1;
	if (PG_NARGS() > 3)
		bko_count_parameter(fcinfo, 3, "m", first, &state->m);
	if (first)
		bko_ring_init(&state->history, state->m, cxt);
	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);

	actual = PG_GETARG_FLOAT8(1);
	if (!PG_ARGISNULL(2))
	{
		state->errors = float8_pl(state->errors, fabs(float8_mi(actual, PG_GETARG_FLOAT8(2))));
		state->nerrors++;
	}
	else if (state->nerrors == 0)
	{
		if (state->history.filled == state->m)
		{
			state->naive = float8_pl(state->naive,
									 fabs(float8_mi(actual, bko_ring_oldest(&state->history))));
			state->nnaive++;
		}
		bko_ring_add(&state->history, actual);
	}
	PG_RETURN_POINTER(state);
}

Datum
bko_mase(PG_FUNCTION_ARGS)
{
	Scaled	   *state = PG_ARGISNULL(0) ? NULL : (Scaled *) PG_GETARG_POINTER(0);

	if (state == NULL || state->nerrors == 0 || state->naive == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((state->errors / state->nerrors) / (state->naive / state->nnaive));
}
