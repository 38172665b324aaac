/*-------------------------------------------------------------------------
 *
 * lane.c
 *	  The lanes of a hot stock row.
 *
 * A lock of the stock row that is held until commit lets one order through at
 * a time.  While there is plenty, who comes first makes no difference: part of
 * what is available is handed out to lanes, rows of the table stock_lane, and an
 * order that finds all that it wants in a lane nobody has locked takes it there,
 * neither locking nor writing the stock row.
 *
 * A lane counts what is left in it, and what has shipped and was allocated from
 * it; the stock row counts what it has handed out (laned), which gathering the
 * lanes brings back.  So whoever holds the stock row's lock knows without a look
 * at the lanes what is there for sure: what is available and not handed out.  He
 * may take of that, and add to it.  Whoever needs more gathers the lanes: those
 * that nobody has locked, and if that isn't enough, all, waiting for orders that
 * are on their way.  Nobody is backordered before, and nothing is handed out
 * while somebody waits: then everyone comes to the stock row, and is served in
 * turn.
 *
 * Nor is anything handed out of a row that has caps, protected quantities or an
 * unassigned part.  What else an order has to know of the stock row stands in
 * the lane, and stays as it is until the lane is gathered: who changes it,
 * gathers first.
 *
 * Locks are taken stock row first, then lanes in their order.  An order that
 * holds a lane and then needs the row goes the other way round; see
 * doc/operations.md.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

/* The lane that this session took last: it is the one to try first. */
static int	home_lane = 0;

/*
 * The stock row as seen from a lane: what the last result says, row 0.  No more
 * than that is there, nobody waits, nothing is limited.
 */
static void
stock_of_lane(BkoStock *stock)
{
	bool		isnull;
	Datum		value;

	stock->lane = DatumGetInt32(bko_result(0, 1, &isnull));
	stock->on_hand = bko_result_qty(0, 2, "qty");
	value = bko_result(0, 3, &isnull);
	stock->step = isnull ? 0 : bko_stored_qty(value, isnull, "qty_step");
	stock->ships_at_once = DatumGetBool(bko_result(0, 4, &isnull));
	value = bko_result(0, 5, &isnull);
	stock->last_queued_at = isnull ? DT_NOBEGIN : DatumGetTimestampTz(value);
	stock->allocated = stock->backordered = stock->unassigned = stock->laned = 0;
	stock->limit = -1;
	stock->rule = 'f';
	stock->nlimits = 0;
	stock->limited = false;
	stock->lanes = 1;
	stock->epoch = bko_epoch();
}

/* The names of a stock row, as the first two arguments of a statement. */
static void
set_place(const BkoStock *stock, Datum *args)
{
	args[0] = PointerGetDatum(stock->item);
	args[1] = PointerGetDatum(stock->location);
}

/* Lock a lane that has qty: the first from "lane" on that nobody has locked. */
static bool
take_from(BkoFrame *frame, BkoStock *stock, BkoPlanId plan, int lane, BkoQty qty)
{
	Datum		args[4];

	set_place(stock, args);
	args[2] = Int32GetDatum(lane);
	args[3] = NumericGetDatum(bko_qty_to_numeric(qty));
	if (bko_run(&frame->run, plan, args, NULL, 0) == 0)
		return false;
	stock_of_lane(stock);
	home_lane = stock->lane;
	return true;
}

/*
 * How many lanes have qty, whether they are locked or not, SPI being connected;
 * "first" is the one that this session begins with, which spreads sessions over
 * them.
 */
int
bko_lanes_with(BkoFrame *frame, const BkoStock *stock, BkoQty qty, int *first)
{
	Datum		args[3];
	bool		isnull;
	int			n;

	set_place(stock, args);
	args[2] = NumericGetDatum(bko_qty_to_numeric(qty));
	n = bko_run(&frame->run, PLAN_LANES_WITH, args, NULL, 0);
	if (n > 0)
		*first = DatumGetInt32(bko_result(MyProcPid % n, 1, &isnull));
	return n;
}

/*
 * Lock one lane of a stock row that has qty, and let "stock" be what it has.
 * False where no lane has as much, or there are none: the stock row decides.
 * Where they are all locked, waits for one of them, holding nothing.
 */
bool
bko_lane_take(BkoFrame *frame, BkoStock *stock, BkoQty qty)
{
	bool		taken;
	int			first;

	SPI_connect();
	taken = home_lane > 0 && take_from(frame, stock, PLAN_LANE_TAKE, home_lane, qty);
	while (!taken && bko_lanes_with(frame, stock, qty, &first) > 0)
		taken = take_from(frame, stock, PLAN_LANE_TAKE, first, qty) ||
			take_from(frame, stock, PLAN_LANE_TAKE, 1, qty) ||
			take_from(frame, stock, PLAN_LANE_WAIT, first, qty);
	SPI_finish();
	return taken;
}

/* Read a lane again that this transaction has locked. */
void
bko_lane_read(BkoFrame *frame, BkoStock *stock)
{
	Datum		args[3];

	set_place(stock, args);
	args[2] = Int32GetDatum(stock->lane);
	SPI_connect();
	if (bko_run(&frame->run, PLAN_LANE_READ, args, NULL, 0) != 1)
		elog(ERROR, "lane %d of %s is gone", stock->lane,
			 bko_where(stock->item, stock->location));
	stock_of_lane(stock);
	SPI_finish();
}

/* Write what the frame has decided on a lane to it, SPI being connected. */
void
bko_lane_write(BkoFrame *frame, const BkoStock *stock)
{
	Datum		args[6];

	set_place(stock, args);
	args[2] = Int32GetDatum(stock->lane);
	args[3] = NumericGetDatum(bko_qty_to_numeric(-stock->d_on_hand));
	args[4] = NumericGetDatum(bko_qty_to_numeric(stock->d_allocated));
	args[5] = TimestampTzGetDatum(stock->queued_at);
	if (bko_run(&frame->run, PLAN_LANE_WRITE, args, stock->queued_at == 0 ? "     n" : NULL, 0) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("lane %d of %s could not be written", stock->lane,
						bko_where(stock->item, stock->location)),
				 errhint("A BEFORE UPDATE trigger on stock_lane keeps rows from being updated.")));
}

/*
 * Lock the lanes of a stock row that is locked, in their order, SPI being
 * connected: all, waiting for whoever has them, or those that nobody else has.
 */
BkoLanes
bko_lanes_lock(BkoFrame *frame, const BkoStock *stock, bool wait)
{
	BkoLanes	lanes = {0};
	Datum		args[2];

	set_place(stock, args);
	lanes.n = bko_run(&frame->run, wait ? PLAN_LANES_LOCK : PLAN_LANES_LOCK_FREE, args, NULL, 0);
	lanes.lane = palloc(Max(lanes.n, 1) * sizeof(Datum));
	lanes.last_queued_at = DT_NOBEGIN;
	for (int i = 0; i < lanes.n; i++)
	{
		bool		isnull;
		Datum		last = bko_result(i, 5, &isnull);

		if (!isnull)
			lanes.last_queued_at = Max(lanes.last_queued_at, DatumGetTimestampTz(last));
		lanes.lane[i] = Int32GetDatum(DatumGetInt32(bko_result(i, 1, &isnull)));
		lanes.qty += bko_result_qty(i, 2, "qty");
		lanes.shipped += bko_result_qty(i, 3, "shipped");
		lanes.allocated += bko_result_qty(i, 4, "allocated");
	}
	SPI_freetuptable(SPI_tuptable);
	return lanes;
}

/* Let each of the lanes have that much, and forget what was taken from them. */
void
bko_lanes_fill(BkoFrame *frame, const BkoStock *stock, const BkoLanes *lanes, BkoQty each)
{
	Datum		args[7];
	char		nulls[] = "       ";
	TimestampTz last = stock->queued_at != 0 ? stock->queued_at : stock->last_queued_at;

	set_place(stock, args);
	args[2] = bko_array(lanes->lane, NULL, lanes->n, INT4OID);
	args[3] = NumericGetDatum(bko_qty_to_numeric(each));
	args[4] = NumericGetDatum(bko_qty_to_numeric(stock->step));
	if (stock->step == 0)
		nulls[4] = 'n';
	args[5] = BoolGetDatum(stock->ships_at_once);
	args[6] = TimestampTzGetDatum(last);
	if (last == DT_NOBEGIN)
		nulls[6] = 'n';
	if (bko_run(&frame->run, PLAN_LANES_FILL, args, nulls, 0) != lanes->n)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("the lanes of %s could not be written",
						bko_where(stock->item, stock->location)),
				 errhint("A BEFORE UPDATE trigger on stock_lane keeps rows from being updated.")));
}

/*
 * Take everything out of the lanes of a stock row that is locked, "wait" as for
 * bko_lanes_lock(), SPI being connected.  What they had is for the caller to
 * bring back to the stock row.  False where there was nothing in them.
 */
bool
bko_lanes_empty(BkoFrame *frame, const BkoStock *stock, bool wait, BkoLanes *lanes)
{
	*lanes = bko_lanes_lock(frame, stock, wait);
	if (lanes->qty == 0 && lanes->shipped == 0 && lanes->allocated == 0)
		return false;
	bko_lanes_fill(frame, stock, lanes, 0);
	return true;
}
