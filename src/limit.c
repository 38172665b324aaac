/*-------------------------------------------------------------------------
 *
 * limit.c
 *	  Caps and protected quantities of a stock row: read under its lock, used
 *	  up by what lines take, written when the statement ends.
 *
 * A stock row says whether it has any (stock.limited), so that others pay
 * nothing.  cap.qty_used is, for the period that it names, the sum of what the
 * journal has of the lines that the cap is for: taken less given back.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* The day that a time belongs to, in the book's time zone. */
DateADT
bko_book_day(const BkoBook *book, TimestampTz at)
{
	Datum		local = DirectFunctionCall2(timestamptz_zone, CStringGetTextDatum(book->time_zone),
											TimestampTzGetDatum(at));

	return DatumGetDateADT(DirectFunctionCall1(timestamp_date, local));
}

/*
 * Let nobody change groups until this transaction ends: a limit for a group is
 * about to be written.
 */
void
bko_limit_lock_groups(const BkoRun *run)
{
	LockRelationOid(get_relname_relid(bko_table_name(BKO_GROUP_TABLE), run->book->nspoid),
					ShareLock);
}

/* A row of PLAN_LIMITS, in the current memory context. */
static BkoLimit
limit_of_result(uint64 row)
{
	BkoLimit	limit = {0};
	bool		isnull;
	Datum		value;

	limit.kind = DatumGetBool(bko_result(row, 1, &isnull)) ? BKO_CAP : BKO_PROTECTION;
	limit.id = DatumGetInt64(bko_result(row, 2, &isnull));
	value = bko_result(row, 3, &isnull);
	limit.group = isnull ? NULL : DatumGetTextPCopy(value);
	value = bko_result(row, 4, &isnull);
	limit.priority = isnull ? 0 : DatumGetInt32(value);
	limit.qty = bko_result_qty(row, 5, "qty");
	if (limit.kind == BKO_CAP)
	{
		limit.period = VARDATA_ANY(bko_result_text(row, 6))[0];
		limit.begins = DatumGetDateADT(bko_result(row, 7, &isnull));
		limit.used = bko_result_qty(row, 8, "qty_used");
	}
	return limit;
}

/*
 * The limits of a stock row as they stand on a day, SPI being connected; how
 * many.  They are made in the current memory context; "stable" as in
 * bko_run_stable().
 */
int
bko_limits_read(const BkoRun *run, const text *item, const text *location, DateADT day,
				bool stable, BkoLimit **limits)
{
	MemoryContext cxt = CurrentMemoryContext;
	Datum		args[2];
	int			n;

	args[0] = PointerGetDatum(item);
	args[1] = PointerGetDatum(location);
	n = stable ? bko_run_stable(run, PLAN_LIMITS, args, NULL) :
		bko_run(run, PLAN_LIMITS, args, NULL, 0);
	MemoryContextSwitchTo(cxt);
	*limits = palloc(Max(n, 1) * sizeof(BkoLimit));
	for (int i = 0; i < n; i++)
		(*limits)[i] = limit_of_result(i);
	SPI_freetuptable(SPI_tuptable);
	bko_room_day(*limits, n, day);
	return n;
}

/* Add what a frame has taken and not yet written, where the caps are the same. */
static void
add_taken(BkoLimit *limits, int n, const BkoLimit *from, int nfrom)
{
	for (int i = 0; i < n; i++)
		for (int f = 0; f < nfrom; f++)
			if (limits[i].kind == BKO_CAP && from[f].kind == BKO_CAP &&
				limits[i].id == from[f].id)
			{
				limits[i].used += from[f].taken;
				limits[i].taken += from[f].taken;
			}
}

/*
 * Read the limits of a stock row that is locked, SPI being connected.  What
 * the frame has decided and not yet written counts on.
 */
void
bko_limits_load(BkoFrame *frame, BkoStock *stock)
{
	MemoryContext old = MemoryContextSwitchTo(frame->cxt);
	BkoLimit   *before = stock->limits;
	int			nbefore = stock->nlimits;

	stock->nlimits = bko_limits_read(&frame->run, stock->item, stock->location,
									 bko_book_day(frame->run.book, bko_journal_now(frame)),
									 false, &stock->limits);
	for (int i = 0; i < stock->nlimits; i++)
		if (stock->limits[i].rolled && !frame->dry)
			stock->disturbed = true;	/* who waited for the period is first */
	add_taken(stock->limits, stock->nlimits, before, nbefore);
	MemoryContextSwitchTo(old);
}

/* The limits with what other open frames have taken and not yet written. */
static const BkoLimit *
limits_of_all(BkoFrame *frame, BkoStock *stock)
{
	BkoFrame   *other = NULL;
	BkoStock   *share;
	BkoLimit   *all = NULL;

	while ((share = bko_frame_other(frame, stock, &other)) != NULL)
	{
		if (share->nlimits == 0)
			continue;
		if (all == NULL)
		{
			all = palloc(stock->nlimits * sizeof(BkoLimit));
			memcpy(all, stock->limits, stock->nlimits * sizeof(BkoLimit));
		}
		add_taken(all, stock->nlimits, share->limits, share->nlimits);
	}
	return all ? all : stock->limits;
}

/* What a line may take where "available" is there. */
BkoQty
bko_limit_room(BkoFrame *frame, BkoStock *stock, int32 priority, const text *group,
			   BkoQty available)
{
	if (stock->nlimits == 0)
		return available;
	return bko_room(limits_of_all(frame, stock), stock->nlimits, priority, group, available);
}

/* The same of goods that were bought for it, from which nothing is kept. */
BkoQty
bko_limit_room_bought(BkoFrame *frame, BkoStock *stock, int32 priority, const text *group,
					  BkoQty qty)
{
	if (stock->nlimits == 0)
		return qty;
	return bko_room_bought(limits_of_all(frame, stock), stock->nlimits, priority, group, qty);
}

/* What is kept from a line. */
BkoQty
bko_limit_kept(BkoStock *stock, int32 priority, const text *group)
{
	return bko_room_kept(stock->limits, stock->nlimits, priority, group);
}

/* A line has taken qty, or given it back below zero. */
void
bko_limit_took(BkoStock *stock, int32 priority, const text *group, BkoQty qty)
{
	if (stock->nlimits > 0)
		bko_room_take(stock->limits, stock->nlimits, priority, group, qty);
}

/* The group of a customer, in the frame's memory; NULL: none, or not asked for. */
text *
bko_limit_group(BkoFrame *frame, BkoStock *stock, const text *customer)
{
	Datum		args[1];
	text	   *group = NULL;

	if (stock->nlimits == 0 || customer == NULL)
		return NULL;
	args[0] = PointerGetDatum(customer);
	SPI_connect();
	if (bko_run(&frame->run, PLAN_GROUP_OF, args, NULL, 1) > 0)
	{
		MemoryContext old = MemoryContextSwitchTo(frame->cxt);

		group = DatumGetTextPCopy(PointerGetDatum(bko_result_text(0, 1)));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return group;
}

/*
 * The groups of the customers of n lines, SPI being connected: group[i] is set
 * for line_id[i], in the current memory context.
 */
void
bko_limit_groups(const BkoRun *run, const text *item, const int64 *line_id, int n, bool stable,
				 text **group)
{
	MemoryContext cxt = CurrentMemoryContext;
	Datum	   *ids = palloc_extended(Max(n, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	Datum		args[2];
	uint64		nrows;

	for (int i = 0; i < n; i++)
	{
		ids[i] = Int64GetDatum(line_id[i]);
		group[i] = NULL;
	}
	args[0] = bko_array(ids, NULL, n, INT8OID);
	args[1] = PointerGetDatum(item);
	nrows = stable ? bko_run_stable(run, PLAN_LINE_GROUPS, args, NULL) :
		bko_run(run, PLAN_LINE_GROUPS, args, NULL, 0);
	MemoryContextSwitchTo(cxt);
	for (uint64 i = 0; i < nrows; i++)
	{
		bool		isnull;
		int64		place = DatumGetInt64(bko_result(i, 1, &isnull));

		group[place - 1] = DatumGetTextPCopy(PointerGetDatum(bko_result_text(i, 2)));
	}
	SPI_freetuptable(SPI_tuptable);
}

/* The first instant of a period, as the journal counts it. */
static Datum
begin_time(const BkoBook *book, DateADT begins)
{
	Datum		local = DirectFunctionCall1(date_timestamp, DateADTGetDatum(begins));

	return DirectFunctionCall2(timestamp_zone, CStringGetTextDatum(book->time_zone), local);
}

/* What the journal has of a line since a cap's period began. */
static BkoQty
line_used(const BkoRun *run, const BkoStock *stock, const BkoLimit *cap, int64 line_id)
{
	Datum		args[4];

	args[0] = Int64GetDatum(line_id);
	args[1] = PointerGetDatum(stock->item);
	args[2] = PointerGetDatum(stock->location);
	args[3] = begin_time(run->book, cap->begins);
	(void) bko_run(run, PLAN_LINE_USED, args, NULL, 0);
	return bko_result_qty(0, 1, "qty");
}

/*
 * A line is of another priority or customer from now on, or (gone) no longer
 * of this stock row: what it has used of one cap counts for the other, or for
 * none.  SPI being connected.
 */
void
bko_limit_moved(BkoFrame *frame, BkoStock *stock, int64 line_id, int32 old_priority,
				const text *old_group, int32 priority, const text *group, bool gone)
{
	bko_limit_recount_later(frame, stock, false);
	for (int i = 0; i < stock->nlimits; i++)
	{
		BkoLimit   *cap = &stock->limits[i];
		bool		was = bko_room_is_for(cap, old_priority, old_group);
		bool		is = !gone && bko_room_is_for(cap, priority, group);
		BkoQty		used;

		if (cap->kind != BKO_CAP || was == is)
			continue;
		used = line_used(&frame->run, stock, cap, line_id);
		cap->used += is ? used : -used;
		cap->taken += is ? used : -used;
	}
}

/*
 * What the journal has of all lines that a cap is or would be for, since its
 * period began.  SPI being connected.
 */
BkoQty
bko_limit_used(const BkoRun *run, const text *item, const text *location, const BkoLimit *cap)
{
	Datum		args[5];

	args[0] = PointerGetDatum(item);
	args[1] = PointerGetDatum(location);
	args[2] = begin_time(run->book, cap->begins);
	args[3] = PointerGetDatum(cap->group);
	args[4] = Int32GetDatum(cap->priority);
	(void) bko_run_latest(run, PLAN_CAP_USED, args, cap->group ? "     " : "   n ");
	return bko_result_qty(0, 1, "qty");
}

/*
 * Count the caps of a stock row from the journal when it has been written:
 * always, or where statements further out have decided on it what the journal
 * doesn't have yet.
 */
void
bko_limit_recount_later(BkoFrame *frame, BkoStock *stock, bool always)
{
	BkoFrame   *other = NULL;
	BkoStock   *share;

	while ((share = bko_frame_other(frame, stock, &other)) != NULL)
		always = share->recount = true;
	stock->recount = stock->recount || always;
}

/* Write a cap: what was added to it, or (PLAN_CAP_SET) what it amounts to. */
static void
write_cap(BkoFrame *frame, const BkoStock *stock, BkoLimit *cap, BkoPlanId plan, BkoQty qty)
{
	Datum		args[4];

	args[0] = Int64GetDatum(cap->id);
	args[1] = PointerGetDatum(stock->item);
	args[2] = NumericGetDatum(bko_qty_to_numeric(qty));
	args[3] = DateADTGetDatum(cap->begins);
	cap->taken = 0;
	cap->rolled = false;
	(void) bko_run(&frame->run, plan, args, NULL, 0);
	bko_epoch_next();
}

/* Count the caps of a stock row anew; who may take more is looked at again. */
static void
recount(BkoFrame *frame, BkoStock *stock)
{
	stock->recount = false;
	stock->unsettled = true;
	bko_limits_load(frame, stock);
	for (int i = 0; i < stock->nlimits; i++)
	{
		BkoLimit   *cap = &stock->limits[i];

		if (cap->kind == BKO_CAP)
			write_cap(frame, stock, cap, PLAN_CAP_SET,
					  bko_limit_used(&frame->run, stock->item, stock->location, cap));
	}
}

/*
 * Write what the frame's lines have used of caps, the journal being written
 * and SPI connected.
 */
void
bko_limits_write(BkoFrame *frame)
{
	BkoStock  **stocks;
	int			n = bko_frame_stocks(frame, &stocks);

	for (int s = 0; s < n; s++)
	{
		if (stocks[s]->recount)
		{
			recount(frame, stocks[s]);
			continue;
		}
		for (int i = 0; i < stocks[s]->nlimits; i++)
		{
			BkoLimit   *cap = &stocks[s]->limits[i];

			if (cap->kind == BKO_CAP && (cap->taken != 0 || cap->rolled))
				write_cap(frame, stocks[s], cap, PLAN_CAP_WRITE, cap->taken);
		}
	}
}
