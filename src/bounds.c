/*-------------------------------------------------------------------------
 *
 * bounds.c
 *	  The arithmetic of backorder processing: who ends up with what when the
 *	  open demand of an item is taken up again.  Knows numbers alone: no
 *	  tables, no SPI.
 *
 * A strategy is nothing but a floor and a ceiling on what a line may end up
 * with.  The floors are met first, then lines are topped up to their ceilings,
 * strategy by strategy, in fill order inside one.
 *
 * Steps: what a line gains above what it has is as in any fill whole steps of
 * what is there, or all that it waits for; what it loses is whole steps, or
 * all that it has.  So a line that has an odd quantity (of an odd rest that a
 * cancellation left) can keep it, and nobody gives up part of a step for
 * nothing.  Floors are promises: where the pool is enough they are met to the
 * unit.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

/* What a line may end up with at least. */
BkoQty
bko_floor(const BkoClaim *claim)
{
	switch (claim->strategy)
	{
		case STRATEGY_WIN:
			return claim->open;
		case STRATEGY_GAIN:
		case STRATEGY_SKIP:
			return claim->has;
		default:
			return 0;
	}
}

/* And at most. */
static BkoQty
ceiling(const BkoClaim *claim)
{
	switch (claim->strategy)
	{
		case STRATEGY_WIN:
		case STRATEGY_GAIN:
		case STRATEGY_REDISTRIBUTE:
			return claim->open;
		case STRATEGY_FILL:
		case STRATEGY_SKIP:
			return claim->has;
		default:
			return 0;
	}
}

typedef struct Pool
{
	BkoQty		left;
	BkoQty		step;
	BkoRoom		room;			/* or NULL */
	void	   *arg;
} Pool;

/*
 * What a line that is to have "bound" gains above what it has, where "beyond"
 * is left of the pool for that.
 */
static BkoQty
gain(const Pool *pool, const BkoClaim *claim, int line, BkoQty bound, BkoQty beyond, bool exact)
{
	BkoQty		wanted = bound - claim->has;

	if (wanted > 0 && pool->room)
		beyond = Min(beyond, pool->room(line, beyond, pool->arg));
	if (exact && beyond >= wanted)
		return wanted;
	return bko_take(wanted, beyond, pool->step);
}

/* Bring a line nearer to a bound, as far as the pool goes. */
static void
approach(Pool *pool, BkoClaim *claim, int line, BkoQty bound, bool exact)
{
	BkoQty		within = claim->gets + pool->left;
	BkoQty		kept = Min(bound, claim->has);
	BkoQty		gets;

	if (claim->gets >= bound)
		return;
	if (within < kept)
		gets = claim->has - bko_give_up(claim->has, claim->has - within, pool->step);
	else
		gets = kept + gain(pool, claim, line, bound, within - claim->has, exact);
	gets = Max(gets, claim->gets);
	pool->left -= gets - claim->gets;
	claim->gets = gets;
}

/*
 * Decide what n lines, given in fill order, get of a pool, which is what is
 * available and what they have now.  Gains are limited by "room" where that is
 * given.  Sets gets and missing of each; returns what is left over.
 */
BkoQty
bko_reassign(BkoClaim *claims, int n, BkoQty pool, BkoQty step, BkoRoom room, void *arg)
{
	Pool		rest = {pool, step, room, arg};

	for (int i = 0; i < n; i++)
		claims[i].gets = 0;
	for (BkoStrategy s = STRATEGY_WIN; s <= STRATEGY_GAIN; s++)
		for (int i = 0; i < n; i++)
			if (claims[i].strategy == s)
				approach(&rest, &claims[i], i, bko_floor(&claims[i]), true);
	for (int i = 0; i < n; i++)
		claims[i].missing = bko_floor(&claims[i]) - claims[i].gets;
	for (BkoStrategy s = STRATEGY_WIN; s <= STRATEGY_LOSE; s++)
		for (int i = 0; i < n; i++)
			if (claims[i].strategy == s)
				approach(&rest, &claims[i], i, ceiling(&claims[i]), false);
	return rest.left;
}
