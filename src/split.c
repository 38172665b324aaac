/*-------------------------------------------------------------------------
 *
 * split.c
 *	  The arithmetic of splitting and filling.  Knows numbers alone: no
 *	  tables, no SPI.  A step of 0 means that any quantity goes.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

/* The largest multiple of step that is no more than qty; 0 below zero. */
BkoQty
bko_whole_steps(BkoQty qty, BkoQty step)
{
	if (qty <= 0)
		return 0;
	return step > 0 ? qty - qty % step : qty;
}

/* The smallest multiple of step that is no less than qty; 0 below zero. */
static BkoQty
steps_up(BkoQty qty, BkoQty step)
{
	if (qty <= 0)
		return 0;
	if (step > 0 && qty % step != 0)
		return qty - qty % step + step;
	return qty;
}

/* What a line that wants "open" takes of what is available. */
BkoQty
bko_take(BkoQty open, BkoQty available, BkoQty step)
{
	return Min(open, bko_whole_steps(available, step));
}

/*
 * What a line gives up of "held" when "needed" must be freed: whole steps, so
 * that what stays with it can still be shipped as ordered.
 */
BkoQty
bko_give_up(BkoQty held, BkoQty needed, BkoQty step)
{
	return Min(held, steps_up(needed, step));
}

/*
 * The unit in which fair shares are counted: the step, or where any quantity
 * goes the coarsest of 1, 0.1, ... 0.000001 that pool and open quantities are
 * all multiples of: whole things are not cut up.
 */
BkoQty
bko_share_unit(BkoQty pool, const BkoQty *open, int n, BkoQty step)
{
	BkoQty		unit = BKO_UNIT;

	if (step > 0)
		return step;
	while (unit > 1)
	{
		bool		fits = (pool % unit == 0);

		for (int i = 0; fits && i < n; i++)
			fits = (open[i] % unit == 0);
		if (fits)
			break;
		unit /= 10;
	}
	return unit;
}

/* Orders that a lane must serve before it runs dry, to be worth it. */
#define ORDERS_PER_LANE 8

/*
 * What each of n lanes gets of a pool: half of it all, so that who wants more
 * than a lane has finds it in the other half, and a lane that has run dry can be
 * filled again.  Nothing where that is little beside what orders seek: near
 * exhaustion the lanes would only be gathered again and again.
 */
BkoQty
bko_lane_share(BkoQty pool, int n, BkoQty step, BkoQty sought)
{
	BkoQty		share = bko_whole_steps(pool / 2 / n, step > 0 ? step : BKO_UNIT);

	return share / ORDERS_PER_LANE >= Max(sought, step > 0 ? step : BKO_UNIT) ? share : 0;
}

/* A line's claim to one of the units that are left over. */
typedef struct Claim
{
	int128		remainder;
	int			line;
} Claim;

/* The largest remainder first, ties to the first line. */
static int
compare_claims(const void *a, const void *b)
{
	const Claim *x = a;
	const Claim *y = b;

	if (x->remainder != y->remainder)
		return x->remainder > y->remainder ? -1 : 1;
	return x->line - y->line;
}

/*
 * Share a pool among n lines pro rata to what each has open, in whole units,
 * by the method of largest remainders (Hamilton): each gets the whole units of
 * its quota, what is left goes one unit each to the largest remainders, ties
 * to the first.  The pool is less than the sum of the open quantities.
 */
void
bko_fair_shares(BkoQty pool, const BkoQty *open, int n, BkoQty unit, BkoQty *shares)
{
	Claim	   *claims = palloc_extended(n * sizeof(Claim), MCXT_ALLOC_HUGE);
	int128		sum = 0;
	int64		units = pool / unit;
	int64		left = units;

	for (int i = 0; i < n; i++)
		sum += open[i];
	for (int i = 0; i < n; i++)
	{
		int128		quota = (int128) units * open[i];

		shares[i] = (int64) (quota / sum) * unit;
		left -= shares[i] / unit;
		claims[i].remainder = quota % sum;
		claims[i].line = i;
	}
	qsort(claims, n, sizeof(Claim), compare_claims);
	for (int i = 0; i < n && left > 0; i++)
	{
		int			line = claims[i].line;

		if (shares[line] < open[line])
		{
			shares[line] = Min(shares[line] + unit, open[line]);
			left--;
		}
	}
	pfree(claims);
}
