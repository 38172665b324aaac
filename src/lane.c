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

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* The lane that this session took last: it is the one to try first. */
static int	home_lane = 0;

/* This transaction has locked a lane. */
static bool has_lane = false;

static void
xact_callback(XactEvent event, void *arg)
{
	has_lane = false;
}

void
bko_lane_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
}

/* A lane as it was found. */
typedef struct Lane
{
	ItemPointerData tid;
	int			number;
} Lane;

/* The lanes of a stock row that have enough, and how they were found. */
typedef struct Search
{
	Relation	rel;
	Oid			index;			/* of its primary key */
	const AttrNumber *attno;
	TupleTableSlot *slot;
	Snapshot	snapshot;
	BkoQty		qty;
	Lane	   *lanes;
	int			n;
} Search;

/*
 * The stock row as seen from a lane.  No more than that is there, nobody waits,
 * nothing is limited.
 */
static void
see_from_lane(BkoStock *stock, int lane, BkoQty qty, BkoQty step, bool ships_at_once,
			  TimestampTz last_queued_at)
{
	stock->lane = lane;
	stock->on_hand = qty;
	stock->step = step;
	stock->ships_at_once = ships_at_once;
	stock->last_queued_at = last_queued_at;
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

static void
set_key(Search *search, ScanKey key, int column, RegProcedure equal, Datum value)
{
	AttrNumber	attno = search->attno[column];

	ScanKeyEntryInitialize(key, 0, attno, BTEqualStrategyNumber, InvalidOid,
						   TupleDescAttr(RelationGetDescr(search->rel), attno - 1)->attcollation,
						   equal, value);
}

/* Find the lanes that have enough; "lane" alone, or all where it is 0. */
static void
find_lanes(Search *search, const BkoStock *stock, int lane)
{
	TupleDesc	desc = RelationGetDescr(search->rel);
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	tuple;

	set_key(search, &keys[0], LANE_ITEM, F_TEXTEQ, PointerGetDatum(stock->item));
	set_key(search, &keys[1], LANE_LOCATION, F_TEXTEQ, PointerGetDatum(stock->location));
	set_key(search, &keys[2], LANE_NUMBER, F_INT4EQ, Int32GetDatum(lane));
	search->n = 0;
	scan = systable_beginscan(search->rel, search->index, true, search->snapshot,
							  lane > 0 ? 3 : 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)) && search->n < BKO_MAX_LANES)
	{
		bool		isnull;
		Datum		qty = heap_getattr(tuple, search->attno[LANE_QTY], desc, &isnull);

		if (isnull || bko_stored_qty(qty, false, "qty") < search->qty)
			continue;
		search->lanes[search->n].tid = tuple->t_self;
		search->lanes[search->n++].number =
			DatumGetInt32(heap_getattr(tuple, search->attno[LANE_NUMBER], desc, &isnull));
	}
	systable_endscan(scan);
}

/* The stock row as seen from the lane that was locked. */
static void
see_locked(Search *search, BkoStock *stock, int lane)
{
	Datum		qty;
	Datum		step;
	Datum		last;
	bool		ships_at_once;
	bool		no_step;
	bool		no_last;
	bool		isnull;

	qty = slot_getattr(search->slot, search->attno[LANE_QTY], &isnull);
	step = slot_getattr(search->slot, search->attno[LANE_QTY_STEP], &no_step);
	ships_at_once = DatumGetBool(slot_getattr(search->slot, search->attno[LANE_SHIPS_AT_ONCE],
											  &isnull));
	last = slot_getattr(search->slot, search->attno[LANE_LAST_QUEUED_AT], &no_last);
	see_from_lane(stock, lane, bko_stored_qty(qty, false, "qty"),
				  no_step ? 0 : bko_stored_qty(step, false, "qty_step"), ships_at_once,
				  no_last ? DT_NOBEGIN : DatumGetTimestampTz(last));
	home_lane = lane;
	has_lane = true;
}

/*
 * Lock a lane as it was found.  False where somebody else has it, or has changed
 * it since: then it is not locked.  (SELECT ... FOR UPDATE would lock what it has
 * become, and keep that lock though there be too little in it: who then needs
 * the stock row holds what the next may wait for who has the row.)
 */
static bool
lock_lane(Search *search, BkoStock *stock, const Lane *lane, LockWaitPolicy policy)
{
	TM_FailureData tmfd;
	ItemPointerData tid = lane->tid;

	if (table_tuple_lock(search->rel, &tid, search->snapshot, search->slot,
						 GetCurrentCommandId(false), LockTupleNoKeyExclusive, policy, 0,
						 &tmfd) != TM_Ok)
		return false;
	see_locked(search, stock, lane->number);
	return true;
}

/* Lock one of the lanes that were found and that nobody has locked. */
static bool
lock_free(Search *search, BkoStock *stock, int first)
{
	for (int i = 0; i < search->n; i++)
		if (lock_lane(search, stock, &search->lanes[(first + i) % search->n], LockWaitSkip))
			return true;
	return false;
}

typedef struct Waiting
{
	Search	   *search;
	BkoStock   *stock;
	const Lane *lane;
} Waiting;

static uint64
lock_waiting(void *arg)
{
	Waiting    *waiting = arg;

	return lock_lane(waiting->search, waiting->stock, waiting->lane, LockWaitBlock);
}

/* Lock a lane once nobody else has it; false where it was changed meanwhile. */
static bool
wait_for_lane(Search *search, BkoStock *stock, const Lane *lane)
{
	Waiting		waiting = {search, stock, lane};

	return bko_wait(false, lock_waiting, &waiting) > 0;
}

/*
 * One look at the lanes as they are now.  Sessions begin with the one that they
 * had last, and with different ones at first.  Returns 1 where one is locked,
 * 0 where none has enough, and -1 where it is worth looking again.
 */
static int
look(Search *search, BkoStock *stock)
{
	int			first;
	int			found = -1;

	CommandCounterIncrement();	/* see what this transaction has written */
	search->snapshot = RegisterSnapshot(IsolationUsesXactSnapshot() ? GetTransactionSnapshot() :
										GetLatestSnapshot());
	if (home_lane > 0)
		find_lanes(search, stock, home_lane);
	if (home_lane == 0 || !lock_free(search, stock, 0))
	{
		find_lanes(search, stock, 0);
		first = search->n > 0 ? MyProcPid % search->n : 0;
		if (search->n == 0)
			found = 0;
		else if (lock_free(search, stock, first) ||
				 (!has_lane && wait_for_lane(search, stock, &search->lanes[first])))
			found = 1;
		else if (has_lane || IsolationUsesXactSnapshot())
			found = 0;			/* don't wait, or they will look the same */
	}
	else
		found = 1;
	UnregisterSnapshot(search->snapshot);
	return found;
}

/*
 * Lock one lane of a stock row that has qty, and let "stock" be what it has.
 * False where no lane has as much, or there are none: the stock row decides, and
 * no lane is locked.  Where others have locked them all, waits for one of them,
 * unless the transaction has a lane already: two such would wait for each other.
 */
bool
bko_lane_take(BkoFrame *frame, BkoStock *stock, BkoQty qty)
{
	BkoBook    *book = frame->run.book;
	Oid			relid = get_relname_relid(bko_table_name(BKO_LANE_TABLE), book->nspoid);
	Search		search = {0};
	int			found = -1;

	if (!OidIsValid(relid))
		return false;
	search.rel = table_open(relid, RowExclusiveLock);
	(void) RelationGetIndexList(search.rel);
	search.index = bko_primary_key(search.rel);
	if (search.rel->rd_rel->relkind == RELKIND_RELATION && OidIsValid(search.index))
	{
		search.attno = bko_columns(book, BKO_LANE_TABLE, search.rel);
		search.slot = table_slot_create(search.rel, NULL);
		search.qty = qty;
		search.lanes = palloc(BKO_MAX_LANES * sizeof(Lane));
		while (found < 0)
		{
			CHECK_FOR_INTERRUPTS();
			found = look(&search, stock);
		}
		ExecDropSingleTupleTableSlot(search.slot);
		pfree(search.lanes);
	}
	table_close(search.rel, NoLock);
	return found > 0;
}

/* Does any lane have qty, whoever has locked it?  SPI being connected. */
bool
bko_lanes_have(BkoFrame *frame, const BkoStock *stock, BkoQty qty)
{
	Datum		args[3];

	set_place(stock, args);
	args[2] = NumericGetDatum(bko_qty_to_numeric(qty));
	return bko_run(&frame->run, PLAN_LANES_HAVE, args, NULL, 1) > 0;
}

/* Read a lane again that this transaction has locked. */
void
bko_lane_read(BkoFrame *frame, BkoStock *stock)
{
	Datum		args[3];
	Datum		step;
	Datum		last;
	bool		no_step;
	bool		no_last;
	bool		isnull;

	set_place(stock, args);
	args[2] = Int32GetDatum(stock->lane);
	SPI_connect();
	if (bko_run(&frame->run, PLAN_LANE_READ, args, NULL, 0) != 1)
		elog(ERROR, "lane %d of %s is gone", stock->lane,
			 bko_where(stock->item, stock->location));
	step = bko_result(0, 2, &no_step);
	last = bko_result(0, 4, &no_last);
	see_from_lane(stock, stock->lane, bko_result_qty(0, 1, "qty"),
				  no_step ? 0 : bko_stored_qty(step, false, "qty_step"),
				  DatumGetBool(bko_result(0, 3, &isnull)),
				  no_last ? DT_NOBEGIN : DatumGetTimestampTz(last));
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
	lanes.n = wait ? bko_run_locking(&frame->run, PLAN_LANES_LOCK, args, has_lane) :
		bko_run(&frame->run, PLAN_LANES_LOCK_FREE, args, NULL, 0);
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
