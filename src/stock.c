/*-------------------------------------------------------------------------
 *
 * stock.c
 *	  A stock row under its lock.
 *
 * Every decision about an item at a location is made while its stock row is
 * locked, and every change of its lines also writes that row.  So READ
 * COMMITTED decides on the newest state, and under REPEATABLE READ and
 * SERIALIZABLE a session with an older one gets a serialization failure,
 * never a wrong split.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Rows written at once, which bounds the memory that they take. */
#define BATCH 65536

/* The one-letter code of a fill_rule. */
char
bko_rule_code(const text *rule)
{
	return VARDATA_ANY(rule)[0] == 'd' ? 'd' : VARDATA_ANY(rule)[0] == 'm' ? 'm' :
		VARSIZE_ANY_EXHDR(rule) > 1 && VARDATA_ANY(rule)[1] == 'a' ? 's' : 'f';
}

/* BK001: the item has no stock row at that location. */
void
bko_not_stocked(const BkoRun *run, const text *item, const text *location)
{
	ereport(ERROR,
			(errcode(ERRCODE_BKO_NOT_STOCKED),
			 errmsg("%s is not stocked", bko_where(item, location)),
			 errhint("Add it first: INSERT INTO %sstock (item, location, on_hand) VALUES (...).",
					 run->book->prefix)));
	pg_unreachable();
}

/*
 * What the last result of PLAN_STOCK_LOCK or PLAN_STOCK_READ says of a stock
 * row.  Returns whether it has caps or protected quantities, which are not read.
 */
bool
bko_stock_of_result(BkoStock *stock)
{
	bool		isnull;
	Datum		value;

	stock->on_hand = bko_result_qty(0, 1, "on_hand");
	stock->allocated = bko_result_qty(0, 2, "allocated");
	stock->backordered = bko_result_qty(0, 3, "backordered");
	value = bko_result(0, 4, &isnull);
	stock->last_queued_at = isnull ? DT_NOBEGIN : DatumGetTimestampTz(value);
	value = bko_result(0, 5, &isnull);
	stock->step = isnull ? 0 : bko_stored_qty(value, isnull, "qty_step");
	value = bko_result(0, 6, &isnull);
	stock->limit = isnull ? -1 : bko_stored_qty(value, isnull, "backorder_limit");
	stock->rule = bko_rule_code(bko_result_text(0, 7));
	value = bko_result(0, 8, &isnull);
	stock->ships_at_once = DatumGetBool(value);
	value = bko_result(0, 9, &isnull);
	stock->unassigned = isnull ? 0 : bko_stored_qty(value, isnull, "unassigned");
	value = bko_result(0, 11, &isnull);
	stock->lanes = isnull ? 0 : DatumGetInt32(value);
	stock->laned = isnull ? 0 : bko_result_qty(0, 12, "laned");
	return DatumGetBool(bko_result(0, 10, &isnull));
}

void		(*bko_before_stock_lock) (const BkoRun *run, const text *item,
									  const text *location) = NULL;
/* By item and location: the order in which stock rows are locked. */
int
bko_stock_compare(const BkoStock *a, const BkoStock *b)
{
	int			cmp = bko_compare_texts(a->item, b->item);

	return cmp != 0 ? cmp : bko_compare_texts(a->location, b->location);
}

/*
 * Lock the stock row and read it, SPI being connected.  Raises BK001 where
 * there is none.
 *
 * The lock query itself returns the newest version of the row; the queue is
 * read in later statements, whose snapshot is taken under the lock.
 */
static void
lock_row(BkoFrame *frame, BkoStock *stock)
{
	Datum		args[2];

	if (!frame->dry && frame->run.book->stock_attached)
		bko_before_stock_lock(&frame->run, stock->item, stock->location);
	args[0] = PointerGetDatum(stock->item);
	args[1] = PointerGetDatum(stock->location);
	if ((frame->dry ? bko_run(&frame->run, PLAN_STOCK_READ, args, NULL, 0) :
		 bko_lock_stock(frame, stock, args)) == 0)
		bko_not_stocked(&frame->run, stock->item, stock->location);

	stock->limited = bko_stock_of_result(stock);
	if (stock->limited)
		bko_limits_load(frame, stock);
	else
		stock->nlimits = 0;
	stock->epoch = bko_epoch();
}

static void
refuse_unwritten(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
			 errmsg("a stock row could not be written"),
			 errhint("A BEFORE UPDATE trigger on stock keeps rows from being updated.")));
}

/* What was decided on a lane is for the stock row from now on. */
static void
leave_lane(BkoStock *stock)
{
	stock->lane = 0;
	stock->left_lane = true;
	stock->unsettled = true;
	stock->epoch = 0;
}

/*
 * A frame decides on the stock row: so must all.  Returns whether any has
 * decided on a lane and not yet written it.
 */
static bool
leave_lanes(BkoFrame *frame, BkoStock *stock)
{
	BkoFrame   *other = NULL;
	BkoStock   *share;
	bool		left = stock->left_lane;

	while ((share = bko_frame_other(frame, stock, &other)) != NULL)
	{
		if (share->lane > 0)
			leave_lane(share);
		left = left || share->left_lane;
	}
	return left;
}

/*
 * Bring back what lanes have to the stock row, which is locked, SPI being
 * connected; "wait" as for bko_lanes_lock().  False where there was nothing.
 */
static bool
gather(BkoFrame *frame, BkoStock *stock, bool wait)
{
	Datum		args[6];
	BkoLanes	lanes;

	if (!bko_lanes_empty(frame, stock, wait, &lanes))
		return false;
	args[0] = PointerGetDatum(stock->item);
	args[1] = PointerGetDatum(stock->location);
	args[2] = NumericGetDatum(bko_qty_to_numeric(lanes.shipped));
	args[3] = NumericGetDatum(bko_qty_to_numeric(lanes.allocated));
	args[4] = NumericGetDatum(bko_qty_to_numeric(lanes.qty + lanes.shipped + lanes.allocated));
	args[5] = TimestampTzGetDatum(lanes.last_queued_at);
	if (bko_run(&frame->run, PLAN_STOCK_GATHER, args,
				lanes.last_queued_at == DT_NOBEGIN ? "     n" : NULL, 0) != 1)
		refuse_unwritten();
	bko_epoch_next();
	lock_row(frame, stock);
	return true;
}

/*
 * Lock and read what the frame decides on.  SPI need not be connected.  What
 * was decided on a lane before is to come from the stock row now, so the lane
 * is gathered, with those that nobody has locked.
 */
static void
lock_and_read(BkoFrame *frame, BkoStock *stock)
{
	if (stock->lane > 0)
	{
		bko_lane_read(frame, stock);
		return;
	}
	SPI_connect();
	lock_row(frame, stock);
	if (stock->lanes > 0 && leave_lanes(frame, stock) && stock->laned > 0)
		(void) gather(frame, stock, false);
	SPI_finish();
}

/* The step of a stock row, by a statement; false where there is no such row. */
static bool
read_step(BkoFrame *frame, const BkoStock *stock, Datum *step, bool *isnull)
{
	Datum		args[2];
	bool		found;

	args[0] = PointerGetDatum(stock->item);
	args[1] = PointerGetDatum(stock->location);
	SPI_connect();
	found = bko_run(&frame->run, PLAN_STOCK_LOOK, args, NULL, 0) > 0;
	if (found)
	{
		*step = bko_result(0, 1, isnull);
		if (!*isnull)
			*step = SPI_datumTransfer(*step, false, -1);
	}
	SPI_finish();
	return found;
}

/*
 * What is told of a stock row that isn't locked: that it is there, and its step.
 * Raises BK001 where it is not there.  SPI need not be connected.
 */
BkoStock *
bko_stock_look(BkoFrame *frame, const text *item, const text *location)
{
	bool		found;
	BkoStock   *stock = bko_frame_stock(frame, item, location, &found);
	BkoSought	sought;
	Datum		step = 0;
	bool		isnull = true;

	if (stock->looked == bko_epoch() || stock->epoch == bko_epoch())
		return stock;
	sought = bko_seek(&frame->run, BKO_STOCK, STOCK_ITEM, stock->item,
					  STOCK_LOCATION, stock->location, STOCK_QTY_STEP, &step, &isnull);
	if (sought == BKO_ABSENT ||
		(sought == BKO_RUN_STATEMENT && !read_step(frame, stock, &step, &isnull)))
		bko_not_stocked(&frame->run, stock->item, stock->location);
	stock->step = isnull ? 0 : bko_stored_qty(step, isnull, "qty_step");
	stock->looked = bko_epoch();
	return stock;
}

/*
 * The stock row of an item at a location, locked and up to date.  The lock is
 * taken on first touch and kept until the transaction ends; the statement will
 * settle the row before it ends.  Raises BK001 where the item is not stocked
 * there.
 */
BkoStock *
bko_stock_touch(BkoFrame *frame, const text *item, const text *location)
{
	BkoStock   *stock = bko_stock_lock(frame, item, location);

	stock->unsettled = true;
	return stock;
}

/* The same for a statement that may have nothing to settle. */
BkoStock *
bko_stock_lock(BkoFrame *frame, const text *item, const text *location)
{
	bool		found;
	BkoStock   *stock = bko_frame_stock(frame, item, location, &found);

	if (stock->lane > 0)
		leave_lane(stock);
	bko_stock_fresh(frame, stock);
	return stock;
}

/*
 * The same for a new line that wants qty and may take it from a lane: where
 * one has as much, the stock row is not locked.  All open frames decide on the
 * same, be it a lane or the row.
 */
BkoStock *
bko_stock_touch_lane(BkoFrame *frame, const text *item, const text *location, BkoQty qty)
{
	bool		found;
	BkoStock   *stock = bko_frame_stock(frame, item, location, &found);
	BkoFrame   *other = NULL;
	BkoStock   *share;

	if (stock->epoch == 0 && !stock->left_lane) /* it was never read */
	{
		share = bko_frame_other(frame, stock, &other);
		if (share)
			stock->lane = share->lane;
		else if (bko_lane_take(frame, stock, qty))
			return stock;
		else
			stock->sought = qty;
	}
	if (stock->lane == 0)
		return bko_stock_touch(frame, item, location);
	bko_stock_fresh(frame, stock);
	return stock;
}

/* Read a stock row again where something may have been written since. */
void
bko_stock_fresh(BkoFrame *frame, BkoStock *stock)
{
	if (stock->epoch != bko_epoch())
		lock_and_read(frame, stock);
}

/*
 * The next line wants "needed", and less than that is known to be there: gather
 * lanes of the stock row, all of them if need be.  SPI need not be connected.
 * False where there is no more than was known.
 */
bool
bko_stock_gather(BkoFrame *frame, BkoStock *stock, BkoQty needed)
{
	bool		more = (stock->lane > 0);

	if (stock->lane > 0)
	{
		leave_lane(stock);
		bko_stock_fresh(frame, stock);
	}
	if (stock->laned == 0)
		return more;
	SPI_connect();
	if (bko_stock_free(frame, stock) < needed)
		more = gather(frame, stock, false) || more;
	if (stock->laned > 0 && bko_stock_free(frame, stock) < needed)
		more = gather(frame, stock, true) || more;
	SPI_finish();
	return more;
}

/*
 * The user's statement is writing the stock row, which the executor has locked:
 * take everything out of the lanes.  The caller puts it into the row that is
 * written.  SPI being connected.
 */
BkoLanes
bko_stock_empty_lanes(BkoFrame *frame, BkoStock *stock)
{
	BkoLanes	lanes = {0};

	lanes.last_queued_at = DT_NOBEGIN;
	(void) leave_lanes(frame, stock);
	if (stock->laned > 0)
		(void) bko_lanes_empty(frame, stock, true, &lanes);
	return lanes;
}

/*
 * What the row amounts to now: what the table has, with all that open frames
 * have decided and not yet written.
 */
static BkoQty
total(BkoFrame *frame, BkoStock *stock, size_t offset, BkoQty base)
{
	BkoFrame   *other = NULL;
	BkoStock   *share;

	base += *(BkoQty *) ((char *) stock + offset);
	while ((share = bko_frame_other(frame, stock, &other)) != NULL)
		base += *(BkoQty *) ((char *) share + offset);
	return base;
}

BkoQty
bko_stock_on_hand(BkoFrame *frame, BkoStock *stock)
{
	return total(frame, stock, offsetof(BkoStock, d_on_hand), stock->on_hand);
}

/* Of a row with lanes: what is there for sure, without what was handed out. */
BkoQty
bko_stock_available(BkoFrame *frame, BkoStock *stock)
{
	return bko_stock_on_hand(frame, stock) - stock->laned -
		total(frame, stock, offsetof(BkoStock, d_allocated), stock->allocated);
}

/* What the next line can take: not what is kept for parts still to be inserted. */
BkoQty
bko_stock_free(BkoFrame *frame, BkoStock *stock)
{
	return bko_stock_available(frame, stock) -
		total(frame, stock, offsetof(BkoStock, part_take), 0);
}

BkoQty
bko_stock_backordered(BkoFrame *frame, BkoStock *stock)
{
	return total(frame, stock, offsetof(BkoStock, d_backordered), stock->backordered) +
		total(frame, stock, offsetof(BkoStock, part_waits), 0);
}

/*
 * What of the available part waiting lines have passed up: reallocate() left
 * it over, and it is for new orders.  The stock row must be fresh.
 */
BkoQty
bko_stock_unassigned(BkoFrame *frame, BkoStock *stock)
{
	BkoQty		unassigned = stock->leaves ? stock->left_over : stock->unassigned;
	bool		assign_all = stock->assign_all;
	BkoFrame   *other = NULL;
	BkoStock   *share;

	while ((share = bko_frame_other(frame, stock, &other)) != NULL)
	{
		if (share->leaves)
			unassigned = share->left_over;
		assign_all = assign_all || share->assign_all;
	}
	if (unassigned == 0 || assign_all)
		return 0;
	return Max(Min(unassigned, bko_stock_available(frame, stock)), 0);
}

/*
 * The next place in the queue: the time now, but later than the last given
 * for this stock row, since clocks step back.
 */
TimestampTz
bko_stock_queued_at(BkoFrame *frame, BkoStock *stock)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz last = Max(stock->last_queued_at, stock->queued_at);
	BkoFrame   *other = NULL;
	BkoStock   *share;

	while ((share = bko_frame_other(frame, stock, &other)) != NULL)
		last = Max(last, share->queued_at);
	stock->queued_at = Max(now, last + 1);
	return stock->queued_at;
}

/* Add to what this frame has decided about the row. */
void
bko_stock_add(BkoStock *stock, BkoQty on_hand, BkoQty allocated, BkoQty backordered)
{
	stock->d_on_hand = bko_sum(stock->d_on_hand, on_hand, "on_hand",
							   stock->item, stock->location);
	stock->d_allocated = bko_sum(stock->d_allocated, allocated, "allocated",
								 stock->item, stock->location);
	stock->d_backordered = bko_sum(stock->d_backordered, backordered, "backordered",
								   stock->item, stock->location);
}

static bool
has_changed(const BkoStock *stock)
{
	return stock->requeued || stock->d_on_hand != 0 || stock->d_allocated != 0 ||
		stock->d_backordered != 0 || stock->queued_at != 0;
}

enum
{
	COL_ITEM, COL_LOCATION, COL_ON_HAND, COL_ALLOCATED, COL_BACKORDERED, COL_QUEUED_AT, NCOLS,
	COL_UNASSIGNED = NCOLS,		/* where that is written too */
	COL_LANED					/* and that */
};

static const Oid column_types[NCOLS] = {
	TEXTOID, TEXTOID, NUMERICOID, NUMERICOID, NUMERICOID, TIMESTAMPTZOID
};

static void
stock_datums(const BkoStock *stock, Datum *values, bool *nulls)
{
	values[COL_ITEM] = PointerGetDatum(stock->item);
	values[COL_LOCATION] = PointerGetDatum(stock->location);
	values[COL_ON_HAND] = NumericGetDatum(bko_qty_to_numeric(stock->d_on_hand));
	values[COL_ALLOCATED] = NumericGetDatum(bko_qty_to_numeric(stock->d_allocated));
	values[COL_BACKORDERED] = NumericGetDatum(bko_qty_to_numeric(stock->d_backordered));
	values[COL_QUEUED_AT] = TimestampTzGetDatum(stock->queued_at);
	memset(nulls, false, NCOLS);
	nulls[COL_QUEUED_AT] = (stock->queued_at == 0);
}

/*
 * The share is in the statement now.  It counts as written before it runs:
 * the application's triggers that it fires see the table as it will be.
 */
static void
clear_share(BkoStock *stock)
{
	stock->d_on_hand = stock->d_allocated = stock->d_backordered = 0;
	stock->queued_at = 0;
	stock->requeued = stock->assign_all = stock->leaves = stock->left_lane = false;
}

/*
 * Does what is unassigned change with what is written?  It is asked of few
 * rows: mostly nothing was, and nothing is left over.
 */
static bool
is_assigned_anew(BkoFrame *frame, BkoStock *stock, BkoQty *unassigned)
{
	if (stock->unassigned == 0 && !stock->leaves)
		return false;
	bko_stock_fresh(frame, stock);
	*unassigned = bko_stock_unassigned(frame, stock);
	return *unassigned != stock->unassigned;
}

/* The arguments of a statement that writes a row and what is unassigned of it. */
static void
set_args(const BkoStock *stock, BkoQty unassigned, Datum *args, char *argnulls)
{
	bool		nulls[NCOLS];

	stock_datums(stock, args, nulls);
	for (int c = 0; c < NCOLS; c++)
		argnulls[c] = nulls[c] ? 'n' : ' ';
	args[COL_UNASSIGNED] = NumericGetDatum(bko_qty_to_numeric(unassigned));
	argnulls[COL_UNASSIGNED] = unassigned == 0 ? 'n' : ' ';
}

/* Write a row together with what is unassigned of it. */
static void
write_assigned(BkoFrame *frame, BkoStock *stock, BkoQty unassigned)
{
	Datum		args[NCOLS + 1];
	char		argnulls[NCOLS + 1];

	bko_frame_absorb(frame, stock);
	bko_epoch_next();
	set_args(stock, unassigned, args, argnulls);
	clear_share(stock);
	stock->unassigned = unassigned;
	if (bko_run(&frame->run, PLAN_STOCK_ASSIGN, args, argnulls, 0) != 1)
		refuse_unwritten();
	bko_epoch_next();
}

static void
write_one(BkoFrame *frame, BkoStock *stock)
{
	Datum		args[NCOLS];
	bool		nulls[NCOLS];
	char		argnulls[NCOLS];

	stock_datums(stock, args, nulls);
	for (int c = 0; c < NCOLS; c++)
		argnulls[c] = nulls[c] ? 'n' : ' ';
	clear_share(stock);
	if (bko_run(&frame->run, PLAN_STOCK_WRITE, args, argnulls, 0) != 1)
		refuse_unwritten();
}

static void
stock_row(int i, void *stocks, Datum *values, bool *nulls)
{
	stock_datums(((BkoStock **) stocks)[i], values, nulls);
}

static void
write_many(BkoFrame *frame, BkoStock **stocks, int n)
{
	Datum		args[NCOLS];
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "bko stock rows",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);

	bko_column_arrays(args, column_types, NCOLS, n, stock_row, stocks);
	for (int i = 0; i < n; i++)
		clear_share(stocks[i]);
	if (bko_run(&frame->run, PLAN_STOCK_WRITE_MANY, args, NULL, 0) != n)
		refuse_unwritten();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
}

/* ---- rows with lanes ---- */

/*
 * Does the row, as it is written, count less than there is because lanes
 * haven't been gathered?  A line may ship what it was allocated in a lane.
 */
static bool
is_short(BkoFrame *frame, BkoStock *stock)
{
	return stock->laned > 0 &&
		(stock->allocated + stock->d_allocated < 0 || bko_stock_available(frame, stock) < 0);
}

/* Does a line wait that isn't held?  The lines of the statement are written. */
static bool
anyone_waits(BkoFrame *frame, BkoStock *stock)
{
	Datum		args[2];

	if (stock->backordered + stock->d_backordered == 0)
		return false;
	args[0] = PointerGetDatum(stock->item);
	args[1] = PointerGetDatum(stock->location);
	return bko_run(&frame->run, PLAN_QUEUE_HEAD, args, NULL, 1) > 0;
}

/*
 * Is it time to hand out to the lanes?  Where they have nothing, or an order
 * found too little in each, and still there is plenty.
 */
static bool
is_handing_out(BkoFrame *frame, BkoStock *stock, BkoQty unassigned)
{
	BkoFrame   *other = NULL;

	return stock->lanes > 0 && !frame->dry && !stock->limited && unassigned == 0 &&
		(stock->laned == 0 || stock->sought > 0) &&
		bko_lane_share(bko_stock_available(frame, stock), stock->lanes, stock->step,
					   stock->sought) > 0 &&
		bko_frame_other(frame, stock, &other) == NULL && !anyone_waits(frame, stock) &&
		(stock->laned == 0 || !bko_lanes_have(frame, stock, stock->sought));
}

/*
 * Hand out to the lanes that nobody has locked, and put what they had and what
 * they get now into the row's changes.
 */
static BkoQty
hand_out(BkoFrame *frame, BkoStock *stock)
{
	BkoLanes	lanes = bko_lanes_lock(frame, stock, false);
	BkoQty		each = bko_lane_share(bko_stock_available(frame, stock) + lanes.qty,
									  stock->lanes, stock->step, stock->sought);

	if (lanes.n == 0)
		return 0;
	if (lanes.last_queued_at != DT_NOBEGIN)
		stock->queued_at = Max(Max(stock->queued_at, stock->last_queued_at), lanes.last_queued_at);
	bko_lanes_fill(frame, stock, &lanes, each);
	stock->d_on_hand -= lanes.shipped;
	stock->d_allocated += lanes.allocated;
	return each * lanes.n - lanes.qty - lanes.shipped - lanes.allocated;
}

static void
write_row_with_lanes(BkoFrame *frame, BkoStock *stock)
{
	Datum		args[NCOLS + 2];
	char		argnulls[NCOLS + 2];
	BkoQty		unassigned;
	BkoQty		laned = 0;

	bko_stock_fresh(frame, stock);
	bko_frame_absorb(frame, stock);
	if (is_short(frame, stock))
		(void) gather(frame, stock, false);
	if (is_short(frame, stock))
		(void) gather(frame, stock, true);
	unassigned = bko_stock_unassigned(frame, stock);
	if (is_handing_out(frame, stock, unassigned))
		laned = hand_out(frame, stock);
	stock->sought = 0;
	if (!has_changed(stock) && laned == 0 && unassigned == stock->unassigned)
		return;

	bko_epoch_next();
	set_args(stock, unassigned, args, argnulls);
	args[COL_LANED] = NumericGetDatum(bko_qty_to_numeric(laned));
	argnulls[COL_LANED] = ' ';
	clear_share(stock);
	if (bko_run(&frame->run, PLAN_STOCK_WRITE_LANED, args, argnulls, 0) != 1)
		refuse_unwritten();
	bko_epoch_next();
}

/* What was decided on a lane goes to it. */
static void
write_lane(BkoFrame *frame, BkoStock *stock)
{
	BkoStock	share;

	if (!has_changed(stock))
		return;
	bko_frame_absorb(frame, stock);
	bko_epoch_next();
	share = *stock;
	clear_share(stock);
	bko_lane_write(frame, &share);
	bko_epoch_next();
}

/*
 * Write each stock row that the frame has changed, once, SPI being connected.
 */
void
bko_stock_write(BkoFrame *frame)
{
	BkoStock  **stocks;
	int			n = bko_frame_stocks(frame, &stocks);
	int			nchanged = 0;

	for (int i = 0; i < n; i++)
	{
		BkoQty		unassigned;

		if (stocks[i]->lane > 0)
			write_lane(frame, stocks[i]);
		else if (stocks[i]->lanes > 0 || stocks[i]->left_lane)
			write_row_with_lanes(frame, stocks[i]);
		else if (is_assigned_anew(frame, stocks[i], &unassigned))
			write_assigned(frame, stocks[i], unassigned);
		else if (has_changed(stocks[i]))
			stocks[nchanged++] = stocks[i];
	}
	if (nchanged == 0)
		return;
	for (int i = 0; i < nchanged; i++)
		bko_frame_absorb(frame, stocks[i]);
	bko_epoch_next();
	if (nchanged == 1)
		write_one(frame, stocks[0]);
	else
		for (int done = 0; done < nchanged; done += BATCH)
			write_many(frame, stocks + done, Min(nchanged - done, BATCH));
	bko_epoch_next();
}
