/*-------------------------------------------------------------------------
 *
 * peg.c
 *	  Supply still to come, laid against the queue: which supply will fill
 *	  which line, and with how much.  Knows numbers alone: no tables, no SPI.
 *
 * Supply is taken in the order of its days.  Each fills first the line that it
 * was bought for, then the queue in fill order, as its receipt will.  Where
 * nothing holds a line back this is the running total of one against the
 * running total of the other, in one pass over both.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

/* What is available now is a source like a supply, the first one. */
#define NOW (-1)

/* Lines in fill order; what has no requested day comes last in its priority. */
static int
compare_lines(const void *a, const void *b, void *arg)
{
	const BkoPegLine *x = a;
	const BkoPegLine *y = b;
	char		rule = *(char *) arg;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	if (rule == 'd' && x->requested_on != y->requested_on)
		return x->requested_on < y->requested_on ? -1 : 1;
	if (rule == 'm' && x->open != y->open)
		return x->open < y->open ? -1 : 1;
	if (x->queued_at != y->queued_at)
		return x->queued_at < y->queued_at ? -1 : 1;
	return x->line_id < y->line_id ? -1 : x->line_id > y->line_id;
}

/* Supplies in the order in which they come: for qsort. */
int
bko_compare_supplies(const void *a, const void *b)
{
	const BkoPegSupply *x = a;
	const BkoPegSupply *y = b;

	if (x->expected_on != y->expected_on)
		return x->expected_on < y->expected_on ? -1 : 1;
	return x->supply_id < y->supply_id ? -1 : x->supply_id > y->supply_id;
}

static int
compare_keys(const void *a, const void *b)
{
	const BkoPegKey *x = a;
	const BkoPegKey *y = b;

	return x->line_id < y->line_id ? -1 : x->line_id > y->line_id;
}

/* The line of that number, or NULL; the queue being in order. */
BkoPegLine *
bko_peg_line(BkoPegs *pegs, int64 line_id)
{
	BkoPegKey	key = {line_id, 0};
	BkoPegKey  *found = bsearch(&key, pegs->keys, pegs->nlines, sizeof(BkoPegKey), compare_keys);

	return found ? &pegs->lines[found->line] : NULL;
}

/* Bring lines and supplies into order; each line is told its place. */
static void
sort_all(BkoPegs *pegs)
{
	BkoQty		ahead = 0;

	qsort_arg(pegs->lines, pegs->nlines, sizeof(BkoPegLine), compare_lines, &pegs->rule);
	qsort(pegs->supplies, pegs->nsupplies, sizeof(BkoPegSupply), bko_compare_supplies);
	pegs->keys = palloc_extended(Max(pegs->nlines, 1) * sizeof(BkoPegKey), MCXT_ALLOC_HUGE);
	for (int i = 0; i < pegs->nlines; i++)
	{
		BkoPegLine *line = &pegs->lines[i];

		line->place = i + 1;
		line->ahead = ahead;
		line->missing = line->open;
		line->first = line->last = -1;
		line->completed_by = BKO_NOT_COVERED;
		ahead += line->open;
		pegs->keys[i].line_id = line->line_id;
		pegs->keys[i].line = i;
	}
	qsort(pegs->keys, pegs->nlines, sizeof(BkoPegKey), compare_keys);
}

/* Note that a line gets qty of a supply. */
static void
add_peg(BkoPegs *pegs, BkoPegLine *line, int supply, BkoQty qty)
{
	BkoPeg	   *peg;

	if (pegs->npegs == pegs->maxpegs)
	{
		pegs->maxpegs = pegs->maxpegs ? pegs->maxpegs * 2 : 16;
		pegs->pegs = pegs->pegs ?
			repalloc_huge(pegs->pegs, pegs->maxpegs * sizeof(BkoPeg)) :
			palloc(pegs->maxpegs * sizeof(BkoPeg));
	}
	peg = &pegs->pegs[pegs->npegs];
	peg->supply = supply;
	peg->qty = qty;
	peg->next = -1;
	if (line->last >= 0)
		pegs->pegs[line->last].next = pegs->npegs;
	else
		line->first = pegs->npegs;
	line->last = pegs->npegs++;
}

/* A line will have qty more, since the supply "now" has come in. */
static void
cover(BkoPegs *pegs, BkoPegLine *line, BkoQty qty, int now)
{
	line->missing -= qty;
	if (line->missing == 0)
		line->completed_by = now;
	bko_room_take(pegs->limits, pegs->nlimits, line->priority, line->group, qty);
}

/*
 * Give a line qty of what is there, the oldest source first, the supply "now"
 * having come in last: that one completes the line where nothing is missing.
 */
static void
give(BkoPegs *pegs, BkoPegLine *line, BkoQty qty, int now)
{
	cover(pegs, line, qty, now);
	pegs->there -= qty;
	while (qty > 0)
	{
		BkoQty	   *left = pegs->oldest == NOW ? &pegs->available :
			&pegs->supplies[pegs->oldest].left;
		BkoQty		part = Min(qty, *left);

		if (part > 0 && pegs->oldest != NOW)
			add_peg(pegs, line, pegs->oldest, part);
		*left -= part;
		qty -= part;
		if (qty > 0)
			pegs->oldest++;
	}
}

/*
 * Serve the queue from what is there.  Where no line can be held back by a
 * limit, all before the first that still waits are done with for good.
 */
static void
serve(BkoPegs *pegs, int now)
{
	int			i = pegs->next;

	for (; i < pegs->nlines && bko_whole_steps(pegs->there, pegs->step) > 0; i++)
	{
		BkoPegLine *line = &pegs->lines[i];
		BkoQty		take;

		if (line->held || line->missing == 0)
		{
			if (i == pegs->next)
				pegs->next++;
			continue;
		}
		take = bko_take(line->missing,
						bko_room(pegs->limits, pegs->nlimits, line->priority, line->group,
								 pegs->there), pegs->step);
		if (take > 0)
			give(pegs, line, take, now);
		if (line->missing == 0 && i == pegs->next)
			pegs->next++;
	}
}

/* A supply comes in: the line that it was bought for first, then the queue. */
static void
arrive(BkoPegs *pegs, int now)
{
	BkoPegSupply *supply = &pegs->supplies[now];
	BkoPegLine *line;

	bko_room_day(pegs->limits, pegs->nlimits, supply->expected_on);
	if (supply->for_line != BKO_NO_ID &&
		(line = bko_peg_line(pegs, supply->for_line)) != NULL && !line->held)
	{
		BkoQty		take = bko_take(line->missing,
									bko_room_bought(pegs->limits, pegs->nlimits, line->priority,
													line->group, supply->missing), pegs->step);

		if (take > 0)
		{
			cover(pegs, line, take, now);
			add_peg(pegs, line, now, take);
		}
		supply->left = supply->missing - take;
	}
	else
		supply->left = supply->missing;
	pegs->there += supply->left;
	serve(pegs, now);
}

/*
 * Lay supply against the queue.  The caller gives lines and supplies in any
 * order, what is available, step, rule and limits (which are used up); they
 * are sorted, and each line is told its place, what is ahead of it, its pegs
 * and what completes it.  Allocates in the current memory context.
 */
void
bko_peg(BkoPegs *pegs)
{
	sort_all(pegs);
	pegs->next = 0;
	pegs->oldest = NOW;
	pegs->available = Max(pegs->available, 0);
	pegs->there = pegs->available - pegs->unassigned;
	serve(pegs, BKO_COVERED_NOW);
	pegs->there += pegs->unassigned;
	for (int i = 0; i < pegs->nsupplies; i++)
		arrive(pegs, i);
}
