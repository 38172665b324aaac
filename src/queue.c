/*-------------------------------------------------------------------------
 *
 * queue.c
 *	  Who is filled when stock rises, and who gives up when it falls.
 *
 * The queue is read through a partial index in fill order, in batches, until
 * the quantity is spent: a fill costs what it fills, however long the queue.
 * Decisions are kept as changes of lines and written when the statement ends.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Lines written at once, which bounds the memory that they take. */
#define BATCH 8192

/* The one-letter code of a ship_policy. */
char
bko_policy_code(const text *policy)
{
	return VARDATA_ANY(policy)[0];
}

/* Room for the first lines of a queue, and no more: mostly they are all. */
static void
reserve_waiting(BkoFrame *frame, BkoStock *stock, uint64 n)
{
	if (stock->queue || n == 0)
		return;
	stock->maxqueue = n;
	stock->queue = MemoryContextAllocHuge(frame->cxt, n * sizeof(BkoWaiting));
}

static BkoWaiting *
add_waiting(BkoFrame *frame, BkoStock *stock)
{
	if (stock->nqueue == stock->maxqueue)
	{
		stock->maxqueue = stock->maxqueue ? stock->maxqueue * 2 : 16;
		stock->queue = stock->queue ?
			repalloc_huge(stock->queue, stock->maxqueue * sizeof(BkoWaiting)) :
			MemoryContextAlloc(frame->cxt, stock->maxqueue * sizeof(BkoWaiting));
	}
	return &stock->queue[stock->nqueue++];
}

/* A row of QUEUE_COLUMNS; names are kept as long as the frame. */
BkoWaiting
bko_queue_line(BkoFrame *frame, uint64 row)
{
	BkoWaiting	waiting = {0};
	bool		isnull;
	Datum		value;

	waiting.line_id = DatumGetInt64(bko_result(row, 1, &isnull));
	waiting.priority = DatumGetInt32(bko_result(row, 2, &isnull));
	waiting.queued_at = DatumGetTimestampTz(bko_result(row, 3, &isnull));
	waiting.open = bko_result_qty(row, 4, "qty_backordered");
	waiting.allocated = bko_result_qty(row, 5, "qty_allocated");
	waiting.policy = bko_policy_code(bko_result_text(row, 6));
	value = bko_result(row, 7, &isnull);
	if (isnull)
	{
		if (waiting.policy == 'o')
			waiting.policy = 'l';	/* a line without an order is one of its own */
	}
	else if (waiting.policy == 'o' || frame->whole_open)
	{
		MemoryContext old = MemoryContextSwitchTo(frame->cxt);

		waiting.order_ref = DatumGetTextPCopy(value);
		MemoryContextSwitchTo(old);
	}
	return waiting;
}

/* The groups of lines that were read, where the stock row has limits. */
static void
read_groups(BkoFrame *frame, BkoStock *stock, BkoWaiting *lines, int n)
{
	MemoryContext old = MemoryContextSwitchTo(frame->cxt);
	int64	   *ids;
	text	  **groups;

	if (stock->nlimits > 0 && n > 0)
	{
		ids = palloc_extended(n * sizeof(int64), MCXT_ALLOC_HUGE);
		groups = palloc_extended(n * sizeof(text *), MCXT_ALLOC_HUGE);
		for (int i = 0; i < n; i++)
			ids[i] = lines[i].line_id;
		bko_limit_groups(&frame->run, stock->item, ids, n, false, groups);
		for (int i = 0; i < n; i++)
			lines[i].group = groups[i];
	}
	MemoryContextSwitchTo(old);
}

/* The last line that was read in its turn, or NULL. */
static BkoWaiting *
last_read(BkoStock *stock)
{
	for (int i = stock->nqueue - 1; i >= 0; i--)
		if (!stock->queue[i].aside)
			return &stock->queue[i];
	return NULL;
}

/*
 * A line comes up in its turn that was read out of turn before: what was
 * decided for it goes with it.
 */
static void
take_over(BkoStock *stock, int place)
{
	BkoWaiting *line = &stock->queue[place];
	ListCell   *cell;

	foreach(cell, stock->aside)
	{
		int			before = lfirst_int(cell);

		if (stock->queue[before].line_id != line->line_id)
			continue;
		*line = stock->queue[before];
		line->aside = false;
		memset(&stock->queue[before], 0, sizeof(BkoWaiting));
		stock->queue[before].aside = true;
		stock->queue[before].line_id = BKO_NO_ID;
		for (int c = 0; c < stock->nchanges; c++)
			if (stock->changes[c].waiting == before)
				stock->changes[c].waiting = place;
		stock->aside = foreach_delete_current(stock->aside, cell);
		return;
	}
}

/*
 * Read the next lines of the queue: a few at first, since most receipts fill
 * a few.  In fifo order (which fair_share uses too) more are read from behind
 * the last; in the other orders all the rest at once, the rows don't change
 * while we hold the lock.
 */
static void
read_queue(BkoFrame *frame, BkoStock *stock)
{
	Datum		args[5];
	BkoPlanId	plan;
	uint64		n;
	uint64		asked = stock->queue_read ? 1024 : 16;

	(void) bko_whole_open(frame);
	args[0] = PointerGetDatum(stock->item);
	args[1] = PointerGetDatum(stock->location);
	if (stock->rule == 'd' || stock->rule == 'm')
	{
		plan = stock->rule == 'd' ? PLAN_QUEUE_BY_DATE : PLAN_QUEUE_BY_QUANTITY;
		if (stock->queue_read)
			asked = PG_INT64_MAX;
		args[2] = Int64GetDatum(stock->nqueue - stock->naside);
		args[3] = Int64GetDatum(asked);
	}
	else if (!stock->queue_read)
		plan = PLAN_QUEUE_HEAD;
	else
	{
		BkoWaiting *last = last_read(stock);

		plan = PLAN_QUEUE_NEXT;
		args[2] = Int32GetDatum(last->priority);
		args[3] = TimestampTzGetDatum(last->queued_at);
		args[4] = Int64GetDatum(last->line_id);
	}
	n = bko_run(&frame->run, plan, args, NULL, 0);
	reserve_waiting(frame, stock, n);
	for (uint64 i = 0; i < n; i++)
	{
		*add_waiting(frame, stock) = bko_queue_line(frame, i);
		if (stock->aside != NIL)
			take_over(stock, stock->nqueue - 1);
	}
	SPI_freetuptable(SPI_tuptable);
	read_groups(frame, stock, stock->queue + stock->nqueue - n, n);
	stock->queue_read = true;
	stock->queue_ended = (n < asked);
}

/* The first line that still waits, or NULL. */
static BkoWaiting *
first_waiting(BkoFrame *frame, BkoStock *stock)
{
	for (;;)
	{
		while (stock->nextqueue < stock->nqueue)
		{
			if (stock->queue[stock->nextqueue].open > 0 &&
				!stock->queue[stock->nextqueue].aside)
				return &stock->queue[stock->nextqueue];
			stock->nextqueue++;
		}
		if (stock->queue_ended)
			return NULL;
		read_queue(frame, stock);
	}
}

static BkoChange *
add_change(BkoFrame *frame, BkoStock *stock)
{
	if (stock->nchanges == stock->maxchanges)
	{
		stock->maxchanges = stock->maxchanges ? stock->maxchanges * 2 : 4;
		stock->changes = stock->changes ?
			repalloc_huge(stock->changes, stock->maxchanges * sizeof(BkoChange)) :
			MemoryContextAlloc(frame->cxt, stock->maxchanges * sizeof(BkoChange));
	}
	return &stock->changes[stock->nchanges++];
}

/*
 * Decide that a line gets "take" of what it waits for: it ships, or is held for
 * it where the stock row or its ship_policy says so.  A line of policy "line"
 * that is now whole ships with all that was held for it; an order that ships as
 * a whole is looked at when the transaction ends.
 */
static void
fill_line(BkoFrame *frame, BkoStock *stock, const BkoWaiting *waiting, BkoQty take,
		  BkoChange *change)
{
	bool		whole = (take == waiting->open);
	bool		ships = stock->ships_at_once &&
		(waiting->policy == 'p' || (waiting->policy == 'l' && whole));
	BkoQty		held = (ships && waiting->policy == 'l') ? waiting->allocated : 0;

	change->line_id = waiting->line_id;
	change->stock = stock;
	change->shipped = ships ? take + held : 0;
	change->allocated = ships ? -held : take;
	change->backordered = -take;
	bko_stock_add(stock, -change->shipped, change->allocated, change->backordered);
	bko_limit_took(stock, waiting->priority, waiting->group, take);
	if (whole)
		bko_order_is_due(frame, waiting->order_ref);
}

/* Fill a line of the queue that was read. */
static void
give(BkoFrame *frame, BkoStock *stock, BkoWaiting *waiting, BkoQty take, int64 receipt_id)
{
	BkoChange  *change = add_change(frame, stock);

	fill_line(frame, stock, waiting, take, change);
	change->receipt_id = receipt_id;
	change->waiting = waiting - stock->queue;

	waiting->open -= take;
	waiting->allocated += change->allocated;
	waiting->d_shipped += change->shipped;
	waiting->d_allocated += change->allocated;
	waiting->d_backordered += change->backordered;
}

/* Has another open frame decided on lines of this stock row already? */
static bool
decided_elsewhere(BkoFrame *frame, BkoStock *stock)
{
	BkoFrame   *other = NULL;
	BkoStock   *share;

	while ((share = bko_frame_other(frame, stock, &other)) != NULL)
		if (share->nchanges > 0 || other->unwritten)
			return true;
	return false;
}

/* Fill lines one after the other, each as far as it goes. */
static BkoQty
fill_in_turn(BkoFrame *frame, BkoStock *stock, BkoQty available, int64 receipt_id)
{
	BkoQty		given = 0;
	BkoWaiting *waiting;

	while ((waiting = first_waiting(frame, stock)) != NULL)
	{
		BkoQty		take = bko_take(waiting->open, available - given, stock->step);

		if (take == 0)
			break;
		give(frame, stock, waiting, take, receipt_id);
		given += take;
	}
	return given;
}

/*
 * The lines of one priority, the first of which is "first": indexes into the
 * queue and what each has open, palloc'd.
 */
static int
read_priority(BkoFrame *frame, BkoStock *stock, const BkoWaiting *first,
			  int **index, BkoQty **open)
{
	int32		priority = first->priority;
	int			n = 0;

	while (!stock->queue_ended && last_read(stock)->priority == priority)
		read_queue(frame, stock);
	*index = palloc_extended((stock->nqueue - stock->nextqueue) * sizeof(int), MCXT_ALLOC_HUGE);
	*open = palloc_extended((stock->nqueue - stock->nextqueue) * sizeof(BkoQty), MCXT_ALLOC_HUGE);
	for (int i = stock->nextqueue; i < stock->nqueue; i++)
	{
		if (stock->queue[i].open == 0 || stock->queue[i].aside)
			continue;
		if (stock->queue[i].priority != priority)
			break;
		(*index)[n] = i;
		(*open)[n] = stock->queue[i].open;
		n++;
	}
	return n;
}

/*
 * Fill priority after priority; the lines of the last one share what is left.
 * Where lines want less than a step, a share leaves something over for another.
 */
static BkoQty
fill_fairly(BkoFrame *frame, BkoStock *stock, BkoQty available, int64 receipt_id)
{
	BkoQty		given = 0;
	BkoQty		before = -1;
	BkoWaiting *first;

	while (given > before && bko_whole_steps(available - given, stock->step) > 0 &&
		   (first = first_waiting(frame, stock)) != NULL)
	{
		BkoQty		pool = bko_whole_steps(available - given, stock->step);
		int		   *index;
		BkoQty	   *open;
		BkoQty	   *shares;
		int			n = read_priority(frame, stock, first, &index, &open);
		int128		wanted = 0;

		before = given;
		for (int i = 0; i < n; i++)
			wanted += open[i];
		shares = open;
		if (wanted > pool)
		{
			shares = palloc_extended(n * sizeof(BkoQty), MCXT_ALLOC_HUGE);
			bko_fair_shares(pool, open, n, bko_share_unit(pool, open, n, stock->step), shares);
		}
		for (int i = 0; i < n; i++)
		{
			if (shares[i] == 0)
				continue;
			give(frame, stock, &stock->queue[index[i]], shares[i], receipt_id);
			given += shares[i];
		}
	}
	return given;
}

/* The i-th line of the queue as far as it has been read or can be, or NULL. */
static BkoWaiting *
nth_waiting(BkoFrame *frame, BkoStock *stock, int i)
{
	while (i >= stock->nqueue && !stock->queue_ended)
		read_queue(frame, stock);
	return i < stock->nqueue ? &stock->queue[i] : NULL;
}

/* What a line may take where "available" is there and its caps leave it. */
static BkoQty
may_take(BkoFrame *frame, BkoStock *stock, const BkoWaiting *waiting, BkoQty available)
{
	return bko_take(waiting->open,
					bko_limit_room(frame, stock, waiting->priority, waiting->group, available),
					stock->step);
}

/*
 * Fill lines one after the other where caps or protected quantities may pass
 * over some of them: whoever is behind may still take.
 */
static BkoQty
fill_limited_in_turn(BkoFrame *frame, BkoStock *stock, BkoQty available, int64 receipt_id)
{
	BkoQty		given = 0;
	BkoWaiting *waiting;

	for (int i = 0; bko_whole_steps(available - given, stock->step) > 0 &&
		 (waiting = nth_waiting(frame, stock, i)) != NULL; i++)
	{
		BkoQty		take;

		if (waiting->aside || waiting->open == 0)
			continue;
		take = may_take(frame, stock, waiting, available - given);
		if (take == 0)
			continue;
		give(frame, stock, waiting, take, receipt_id);
		given += take;
	}
	return given;
}

/* A line that shares, and what is kept from it. */
typedef struct Claimant
{
	int			waiting;
	BkoQty		kept;
	BkoQty		share;
} Claimant;

/* Whoever has most kept from him takes first: what is kept is there for the rest. */
static int
compare_claimants(const void *a, const void *b)
{
	const Claimant *x = a;
	const Claimant *y = b;

	if (x->kept != y->kept)
		return x->kept > y->kept ? -1 : 1;
	return x->waiting - y->waiting;
}

/*
 * One round of fair shares for the lines from..to of one priority, as far as
 * limits let them take: they share what is there above the least that is kept
 * from any of them.
 */
static BkoQty
share_limited(BkoFrame *frame, BkoStock *stock, int from, int to, BkoQty available,
			  int64 receipt_id)
{
	Claimant   *claimants = palloc_extended((to - from) * sizeof(Claimant), MCXT_ALLOC_HUGE);
	BkoQty	   *open = palloc_extended((to - from) * sizeof(BkoQty), MCXT_ALLOC_HUGE);
	BkoQty	   *shares = palloc_extended((to - from) * sizeof(BkoQty), MCXT_ALLOC_HUGE);
	BkoQty		pool = 0;
	BkoQty		given = 0;
	int128		wanted = 0;
	int			n = 0;

	for (int i = from; i < to; i++)
	{
		BkoWaiting *waiting = &stock->queue[i];
		BkoQty		may = waiting->aside ? 0 : may_take(frame, stock, waiting, available);

		if (may == 0)
			continue;
		claimants[n].waiting = i;
		claimants[n].kept = bko_limit_kept(stock, waiting->priority, waiting->group);
		pool = Max(pool, available - claimants[n].kept);
		open[n++] = may;
		wanted += may;
	}
	pool = bko_whole_steps(pool, stock->step);
	if (wanted > pool)
		bko_fair_shares(pool, open, n, bko_share_unit(pool, open, n, stock->step), shares);
	else
		memcpy(shares, open, n * sizeof(BkoQty));
	for (int i = 0; i < n; i++)
		claimants[i].share = shares[i];
	qsort(claimants, n, sizeof(Claimant), compare_claimants);
	for (int i = 0; i < n; i++)
	{
		BkoWaiting *waiting = &stock->queue[claimants[i].waiting];
		BkoQty		take = Min(claimants[i].share,
							   may_take(frame, stock, waiting, available - given));

		if (take == 0)
			continue;
		give(frame, stock, waiting, take, receipt_id);
		given += take;
	}
	return given;
}

/* The same priority after priority, until nobody can take any more. */
static BkoQty
fill_limited_fairly(BkoFrame *frame, BkoStock *stock, BkoQty available, int64 receipt_id)
{
	BkoQty		given = 0;
	int			from = 0;
	int			to;
	BkoWaiting *waiting;

	for (; (waiting = nth_waiting(frame, stock, from)) != NULL &&
		 bko_whole_steps(available - given, stock->step) > 0; from = to)
	{
		int32		priority = waiting->priority;
		BkoQty		round;

		for (to = from; (waiting = nth_waiting(frame, stock, to)) != NULL &&
			 (waiting->aside || waiting->priority == priority); to++)
			;
		do
		{
			round = share_limited(frame, stock, from, to, available - given, receipt_id);
			given += round;
		} while (round > 0);
	}
	return given;
}

/* Does anyone wait who could take, as far as can be told? */
static bool
someone_waits(BkoFrame *frame, BkoStock *stock)
{
	return bko_stock_backordered(frame, stock) > 0 &&
		(decided_elsewhere(frame, stock) || first_waiting(frame, stock) != NULL);
}

/*
 * Fill waiting lines with what is available and not left over for new orders,
 * by the stock row's fill_rule, SPI being connected and the stock row fresh.  receipt_id: where the goods came
 * from, or 0.  Returns what was given away.
 *
 * Where another open frame has decided on lines of this row and not written
 * them, the table doesn't show who waits: that frame settles when it ends.
 */
BkoQty
bko_queue_fill(BkoFrame *frame, BkoStock *stock, int64 receipt_id)
{
	BkoQty		available;

	if (stock->laned > 0 && someone_waits(frame, stock))
		(void) bko_stock_gather(frame, stock, BKO_QTY_MAX);
	available = bko_stock_free(frame, stock);
	if (bko_whole_steps(available, stock->step) == 0 ||
		bko_stock_backordered(frame, stock) <= 0)
		return 0;
	if (decided_elsewhere(frame, stock))
	{
		bko_frame_disturb(frame, stock);
		return 0;
	}
	available -= bko_stock_unassigned(frame, stock);
	if (stock->nlimits > 0)
		return stock->rule == 's' ?
			fill_limited_fairly(frame, stock, available, receipt_id) :
			fill_limited_in_turn(frame, stock, available, receipt_id);
	if (stock->rule == 's')
		return fill_fairly(frame, stock, available, receipt_id);
	return fill_in_turn(frame, stock, available, receipt_id);
}

/* The line that was read last was read out of turn. */
static void
remember_aside(BkoFrame *frame, BkoStock *stock)
{
	MemoryContext old = MemoryContextSwitchTo(frame->cxt);

	stock->aside = lappend_int(stock->aside, stock->nqueue - 1);
	stock->naside++;
	MemoryContextSwitchTo(old);
}

/* A line that waits and is not held, wherever in the queue; NULL: none such. */
static BkoWaiting *
find_waiting(BkoFrame *frame, BkoStock *stock, int64 line_id)
{
	BkoWaiting *waiting = NULL;
	Datum		args[3];

	for (int i = 0; i < stock->nqueue; i++)
		if (stock->queue[i].line_id == line_id)
			return &stock->queue[i];
	(void) bko_whole_open(frame);
	args[0] = PointerGetDatum(stock->item);
	args[1] = PointerGetDatum(stock->location);
	args[2] = Int64GetDatum(line_id);
	if (bko_run(&frame->run, PLAN_QUEUE_LINE, args, NULL, 0) > 0)
	{
		waiting = add_waiting(frame, stock);
		*waiting = bko_queue_line(frame, 0);
		waiting->aside = true;
		remember_aside(frame, stock);
	}
	SPI_freetuptable(SPI_tuptable);
	read_groups(frame, stock, waiting, waiting ? 1 : 0);
	return waiting;
}

/*
 * Goods that were bought for one line come in: it gets as much of qty as it
 * waits for, wherever it stands in the queue, SPI being connected.  Returns
 * what it got: nothing where it no longer waits here, or is held.
 */
BkoQty
bko_queue_fill_line(BkoFrame *frame, BkoStock *stock, int64 line_id, BkoQty qty,
					int64 receipt_id)
{
	BkoQty		take;
	BkoWaiting *waiting;

	if (bko_stock_backordered(frame, stock) <= 0 || decided_elsewhere(frame, stock))
		return 0;
	waiting = find_waiting(frame, stock, line_id);
	if (waiting == NULL)
		return 0;
	qty = bko_limit_room_bought(frame, stock, waiting->priority, waiting->group,
								Min(qty, bko_stock_available(frame, stock)));
	take = bko_take(waiting->open, qty, stock->step);
	if (take > 0)
		give(frame, stock, waiting, take, receipt_id);
	return take;
}

/* Take the changes from the nchanges-th on back: their receipt never went in. */
void
bko_queue_unfill(BkoStock *stock, int nchanges)
{
	while (stock->nchanges > nchanges)
	{
		BkoChange  *change = &stock->changes[--stock->nchanges];
		BkoWaiting *waiting = &stock->queue[change->waiting];

		waiting->open -= change->backordered;
		waiting->allocated -= change->allocated;
		waiting->d_shipped -= change->shipped;
		waiting->d_allocated -= change->allocated;
		waiting->d_backordered -= change->backordered;
		stock->nextqueue = Min(stock->nextqueue, change->waiting);
		bko_limit_took(stock, waiting->priority, waiting->group, change->backordered);
		bko_stock_add(stock, change->shipped, -change->allocated, -change->backordered);
	}
}

/* A change of a line that was not read from the queue. */
static BkoChange *
add_other_change(BkoFrame *frame, BkoStock *stock, int64 line_id)
{
	BkoChange  *change = add_change(frame, stock);

	memset(change, 0, sizeof(BkoChange));
	change->receipt_id = BKO_NO_ID;
	change->line_id = line_id;
	change->stock = stock;
	change->waiting = -1;
	return change;
}

/*
 * A line that is not of the queue as read gets qty of what it waits for.  Each
 * line can be given to once, before the frame is written.
 */
void
bko_queue_gain(BkoFrame *frame, BkoStock *stock, const BkoWaiting *line, BkoQty qty)
{
	fill_line(frame, stock, line, qty, add_other_change(frame, stock, line->line_id));
}

/*
 * A line gives up qty of what is allocated to it, and waits again at its old
 * place.  Raises BK006 where more would wait than a quantity can be.
 */
void
bko_queue_lose(BkoFrame *frame, BkoStock *stock, const BkoWaiting *line, BkoQty qty)
{
	BkoChange  *change = add_other_change(frame, stock, line->line_id);

	change->allocated = -qty;
	change->backordered = qty;
	bko_stock_add(stock, 0, -qty, qty);
	bko_limit_took(stock, line->priority, line->group, -qty);
	(void) bko_sum(bko_stock_backordered(frame, stock), 0, "backordered",
				   stock->item, stock->location);
}

/*
 * Read lines that hold allocations, the last of the queue first: a few, then
 * the rest.
 */
static uint64
read_allocated(BkoFrame *frame, BkoStock *stock, uint64 offset)
{
	Datum		args[4];

	args[0] = PointerGetDatum(stock->item);
	args[1] = PointerGetDatum(stock->location);
	args[2] = Int64GetDatum(offset);
	args[3] = Int64GetDatum(offset == 0 ? 64 : PG_INT64_MAX);
	return bko_run(&frame->run, stock->rule == 'd' ? PLAN_ALLOCATED_LAST_BY_DATE :
				   PLAN_ALLOCATED_LAST, args, NULL, 0);
}

/*
 * Free "needed" units of what is allocated: the last in the queue give up
 * first, and wait again at their old place.  SPI being connected.
 */
void
bko_queue_release(BkoFrame *frame, BkoStock *stock, BkoQty needed)
{
	uint64		offset = 0;
	uint64		n;

	while (needed > 0)
	{
		BkoWaiting *last;

		n = read_allocated(frame, stock, offset);
		last = palloc_extended(Max(n, 1) * sizeof(BkoWaiting), MCXT_ALLOC_HUGE);
		for (uint64 i = 0; i < n; i++)
			last[i] = bko_queue_line(frame, i);
		SPI_freetuptable(SPI_tuptable);
		read_groups(frame, stock, last, n);
		for (uint64 i = 0; i < n && needed > 0; i++)
		{
			BkoQty		freed = bko_give_up(last[i].allocated, needed, stock->step);

			bko_queue_lose(frame, stock, &last[i], freed);
			needed -= freed;
		}
		pfree(last);
		if (n == 0)
			ereport(ERROR,
					(errcode(ERRCODE_BKO_BELOW_ZERO),
					 errmsg("no line is left to release %s of %s",
							bko_qty_text(needed), bko_where(stock->item, stock->location)),
					 errhint("The stock row's counters don't agree with the lines; see verify() and rebuild().")));
		offset += n;
	}
}

/* Ship qty that is allocated to a line. */
void
bko_queue_ship(BkoFrame *frame, BkoStock *stock, int64 line_id, BkoQty qty)
{
	BkoChange  *change = add_other_change(frame, stock, line_id);

	change->shipped = qty;
	change->allocated = -qty;
	bko_stock_add(stock, -qty, -qty, 0);
}

/*
 * The stock row ships at once from now on: so does what it holds for lines
 * that may leave.  SPI being connected.
 */
void
bko_queue_ship_allocated(BkoFrame *frame, BkoStock *stock)
{
	uint64		offset = 0;
	uint64		n;

	while ((n = read_allocated(frame, stock, offset)) > 0)
	{
		for (uint64 i = 0; i < n; i++)
		{
			BkoWaiting	line = bko_queue_line(frame, i);
			bool		isnull;

			if (DatumGetBool(bko_result(i, 8, &isnull)))
				continue;		/* held */
			if (line.policy == 'o')
				bko_order_is_due(frame, line.order_ref);
			else if (line.policy == 'p' || line.open == 0)
				bko_queue_ship(frame, stock, line.line_id, line.allocated);
		}
		SPI_freetuptable(SPI_tuptable);
		offset += n;
	}
}

/* The movements that a change of a line amounts to. */
static void
journal_change(BkoFrame *frame, const BkoChange *change)
{
	const BkoStock *stock = change->stock;
	BkoQty		took = -change->backordered;

	/* bko_journal writes nothing for zero */
	if (took < 0)
		bko_journal(frame, KIND_RELEASE, STATE_ALLOCATED, STATE_BACKORDERED,
					stock->item, stock->location, -took, change->line_id, BKO_NO_ID, BKO_NO_ID);
	else if (change->shipped > 0)
	{
		bko_journal(frame, KIND_SHIP, STATE_BACKORDERED, STATE_SHIPPED, stock->item,
					stock->location, took, change->line_id, change->receipt_id, BKO_NO_ID);
		bko_journal(frame, KIND_SHIP, STATE_ALLOCATED, STATE_SHIPPED, stock->item,
					stock->location, -change->allocated, change->line_id, BKO_NO_ID, BKO_NO_ID);
	}
	else
		bko_journal(frame, KIND_ALLOCATE, STATE_BACKORDERED, STATE_ALLOCATED, stock->item,
					stock->location, took, change->line_id, change->receipt_id, BKO_NO_ID);
}

/* What is to be added to a line's columns. */
typedef struct LineSum
{
	int64		line_id;
	text	   *item;
	BkoQty		shipped;
	BkoQty		allocated;
	BkoQty		backordered;
} LineSum;

static const Oid line_types[] = {INT8OID, TEXTOID, NUMERICOID, NUMERICOID, NUMERICOID};

static int
compare_lines(const void *a, const void *b)
{
	int64		x = ((const LineSum *) a)->line_id;
	int64		y = ((const LineSum *) b)->line_id;

	return x < y ? -1 : x > y;
}

static void
line_row(int i, void *lines, Datum *values, bool *nulls)
{
	const LineSum *line = (const LineSum *) lines + i;

	values[0] = Int64GetDatum(line->line_id);
	values[1] = PointerGetDatum(line->item);
	values[2] = NumericGetDatum(bko_qty_to_numeric(line->shipped));
	values[3] = NumericGetDatum(bko_qty_to_numeric(line->allocated));
	values[4] = NumericGetDatum(bko_qty_to_numeric(line->backordered));
	memset(nulls, false, lengthof(line_types));
}

static void
write_batch(BkoFrame *frame, LineSum *lines, int n)
{
	Datum		args[lengthof(line_types) + 1];

	bko_column_arrays(args, line_types, lengthof(line_types), n, line_row, lines);
	args[lengthof(line_types)] = TimestampTzGetDatum(bko_journal_now(frame));
	if (bko_run(&frame->run, PLAN_LINES_WRITE, args, NULL, 0) != n)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("not all of %d order lines could be written", n),
				 errhint("A BEFORE UPDATE trigger on order_line keeps rows from being updated.")));
}

/* In the order in which lines came, which mostly is that of the table. */
static void
write_lines(BkoFrame *frame, LineSum *lines, int n)
{
	MemoryContext cxt;
	MemoryContext old;

	if (n == 0)
		return;
	cxt = AllocSetContextCreate(CurrentMemoryContext, "bko lines", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(cxt);
	qsort(lines, n, sizeof(LineSum), compare_lines);
	for (int done = 0; done < n; done += BATCH)
	{
		write_batch(frame, lines + done, Min(n - done, BATCH));
		MemoryContextReset(cxt);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
}

static void
set_line(LineSum *line, const BkoStock *stock, int64 line_id,
		 BkoQty shipped, BkoQty allocated, BkoQty backordered)
{
	line->line_id = line_id;
	line->item = stock->item;
	line->shipped = shipped;
	line->allocated = allocated;
	line->backordered = backordered;
}

/*
 * Several changes may fill one line (two receipts of one statement): one
 * UPDATE must carry them all, so lines of the queue are written from there.
 */
static int
sum_filled(BkoStock *stock, LineSum *lines)
{
	int			n = 0;

	for (int i = 0; i < stock->nqueue; i++)
	{
		BkoWaiting *waiting = &stock->queue[i];

		if (waiting->d_backordered == 0)
			continue;
		set_line(&lines[n++], stock, waiting->line_id, waiting->d_shipped,
				 waiting->d_allocated, waiting->d_backordered);
		waiting->d_shipped = waiting->d_allocated = waiting->d_backordered = 0;
	}
	return n;
}

/* What was read of the queue is written; who waits is read again if need be. */
static void
forget_queue(BkoStock *stock)
{
	stock->nchanges = 0;
	stock->nqueue = stock->nextqueue = stock->naside = 0;
	stock->aside = NIL;
	stock->queue_read = stock->queue_ended = false;
}

/* "place" of the line in the sink: several changes of one line are one row. */
static void
tell_sink(BkoSink *sink, const BkoChange *change, int *place)
{
	if (*place >= 0)
	{
		sink->qty[*place] += -change->backordered;
		sink->shipped[*place] += change->shipped;
		return;
	}
	*place = sink->n;
	if (sink->n == sink->max)
	{
		MemoryContext old = MemoryContextSwitchTo(sink->cxt);
		int			max = sink->max ? sink->max * 2 : 16;

		sink->line_id = sink->max ? repalloc_huge(sink->line_id, max * sizeof(int64)) :
			palloc(max * sizeof(int64));
		sink->qty = sink->max ? repalloc_huge(sink->qty, max * sizeof(BkoQty)) :
			palloc(max * sizeof(BkoQty));
		sink->shipped = sink->max ? repalloc_huge(sink->shipped, max * sizeof(BkoQty)) :
			palloc(max * sizeof(BkoQty));
		sink->left = sink->max ? repalloc_huge(sink->left, max * sizeof(BkoQty)) :
			palloc(max * sizeof(BkoQty));
		sink->max = max;
		MemoryContextSwitchTo(old);
	}
	sink->line_id[sink->n] = change->line_id;
	sink->qty[sink->n] = -change->backordered;
	sink->shipped[sink->n] = change->shipped;
	sink->left[sink->n] = change->stock->queue[change->waiting].open;
	sink->n++;
}

/* Tell a sink what a frame gives to whom. */
void
bko_queue_tell(BkoFrame *frame, BkoSink *sink)
{
	BkoStock  **stocks;
	int			n = bko_frame_stocks(frame, &stocks);

	for (int s = 0; s < n; s++)
	{
		BkoStock   *stock = stocks[s];
		int		   *place = palloc_extended((stock->nqueue + 1) * sizeof(int), MCXT_ALLOC_HUGE);

		for (int i = 0; i < stock->nqueue; i++)
			place[i] = -1;
		for (int i = 0; i < stock->nchanges; i++)
			if (stock->changes[i].waiting >= 0)
				tell_sink(sink, &stock->changes[i], &place[stock->changes[i].waiting]);
		pfree(place);
	}
}

/* Write all changes of lines that the frame has decided, SPI being connected. */
void
bko_queue_write(BkoFrame *frame)
{
	BkoStock  **stocks;
	int			n = bko_frame_stocks(frame, &stocks);
	int			nchanges = 0;
	int			nlines = 0;
	LineSum    *lines;

	for (int s = 0; s < n; s++)
		nchanges += stocks[s]->nchanges;
	if (nchanges == 0)
		return;
	if (bko_fill_sink && frame->table == BKO_RECEIPT)
		bko_queue_tell(frame, bko_fill_sink);

	lines = palloc_extended(nchanges * sizeof(LineSum), MCXT_ALLOC_HUGE);
	for (int s = 0; s < n; s++)
	{
		for (int i = 0; i < stocks[s]->nchanges; i++)
		{
			BkoChange  *change = &stocks[s]->changes[i];

			journal_change(frame, change);
			if (change->waiting < 0)
				set_line(&lines[nlines++], stocks[s], change->line_id, change->shipped,
						 change->allocated, change->backordered);
		}
	}
	/* a line may have shipped what it held and be filled as well: two statements */
	write_lines(frame, lines, nlines);
	nlines = 0;
	for (int s = 0; s < n; s++)
	{
		if (stocks[s]->nchanges > 0)
			nlines += sum_filled(stocks[s], lines + nlines);
		forget_queue(stocks[s]);
	}
	write_lines(frame, lines, nlines);
	pfree(lines);
	bko_epoch_next();
}
