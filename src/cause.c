/*-------------------------------------------------------------------------
 *
 * cause.c
 *	  Why was something short?  A short quantity shared out among its causes.
 *	  Knows numbers alone: no tables, no SPI.
 *
 * Each cause could explain so much of what waits: what a supplier or the
 * production owes, what was ordered above forecast.  Together they may explain
 * more than is short, and then it matters which is counted first.  So every
 * order of counting is taken, and the average is the cause's share: the Shapley
 * value of the game in which a coalition of causes is worth what it explains
 * (Shapley 1953; Shorrocks 2013 for decompositions).  What no cause explains is
 * planning: nothing, or too little, was ordered in time.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "funcapi.h"

PG_FUNCTION_INFO_V1(bko_shortage_shares);

#define NCAUSES 3				/* besides planning */

/*
 * What a coalition of causes explains of a line that is short of qty behind
 * others that wait for "before".
 */
static BkoQty
explained(const BkoQty *causes, int coalition, BkoQty qty, BkoQty before)
{
	int128		sum = -(int128) before;

	for (int i = 0; i < NCAUSES; i++)
		if (coalition & (1 << i))
			sum += causes[i];
	return sum <= 0 ? 0 : sum >= qty ? qty : (BkoQty) sum;
}

/* Six times the share of a cause: its part in all six orders of counting. */
static int128
six_shares(const BkoQty *causes, int cause, BkoQty qty, BkoQty before)
{
	/* how many of the orders have a coalition of that size before the cause */
	static const int orders[NCAUSES] = {2, 1, 2};
	int128		sum = 0;

	for (int coalition = 0; coalition < (1 << NCAUSES); coalition++)
	{
		int			size = 0;

		if (coalition & (1 << cause))
			continue;
		for (int i = 0; i < NCAUSES; i++)
			size += (coalition >> i) & 1;
		sum += orders[size] *
			((int128) explained(causes, coalition | (1 << cause), qty, before) -
			 explained(causes, coalition, qty, before));
	}
	return sum;
}

/*
 * Share out a short quantity: shares[0..2] to the causes, shares[3] to
 * planning.  They add up to qty exactly; what can't be divided by six goes a
 * millionth each to the largest remainders, ties to the first.
 */
static void
share_out(BkoQty qty, BkoQty before, const BkoQty *causes, BkoQty *shares)
{
	BkoQty		all = explained(causes, (1 << NCAUSES) - 1, qty, before);
	BkoQty		left = all;
	int			remainder[NCAUSES];

	for (int i = 0; i < NCAUSES; i++)
	{
		int128		six = six_shares(causes, i, qty, before);

		shares[i] = (BkoQty) (six / 6);
		remainder[i] = (int) (six % 6);
		left -= shares[i];
	}
	for (; left > 0; left--)
	{
		int			most = 0;

		for (int i = 1; i < NCAUSES; i++)
			if (remainder[i] > remainder[most])
				most = i;
		shares[most]++;
		remainder[most] = -1;
	}
	shares[NCAUSES] = qty - all;
}

/* A quantity of the arguments: null, and what is below zero, is nothing. */
static BkoQty
quantity(FunctionCallInfo fcinfo, int n)
{
	BkoQty		qty = 0;

	if (PG_ARGISNULL(n))
		return 0;
	if (!bko_qty_from_numeric(PG_GETARG_NUMERIC(n), &qty))
		ereport(ERROR,
				(errcode(ERRCODE_BKO_QUANTITY),
				 errmsg("argument %d of shortage_shares() is no quantity", n + 1),
				 errhint("A quantity has at most 12 digits before the point and 6 after.")));
	return Max(qty, 0);
}

/*
 * bko.shortage_shares(qty_short, waiting_before, supplier, production,
 * demand): the shares of supplier delay, production delay, demand above
 * forecast and planning in a short quantity.  Raises BK006.
 */
Datum
bko_shortage_shares(PG_FUNCTION_ARGS)
{
	BkoQty		causes[NCAUSES];
	BkoQty		shares[NCAUSES + 1];
	Datum		values[NCAUSES + 1];
	bool		nulls[NCAUSES + 1] = {false};
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "bko.shortage_shares() must return a row");
	for (int i = 0; i < NCAUSES; i++)
		causes[i] = quantity(fcinfo, i + 2);
	share_out(quantity(fcinfo, 0), quantity(fcinfo, 1), causes, shares);
	for (int i = 0; i <= NCAUSES; i++)
		values[i] = NumericGetDatum(bko_qty_to_numeric(shares[i]));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
