/*-------------------------------------------------------------------------
 *
 * rebuild.c
 *	  rebuild(): counters again from lines and journal.
 *
 * For a book that was changed behind the engine's back (triggers disabled,
 * session_replication_role, a partial restore).  The journal is believed for
* lines that it knows and for on_hand; lines that it doesn't know are taken as
 * they stand and journalled; stock rows get the sums of their lines.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bko_rebuild);

/* Lock all stock rows of an item, or of the book, in their order. */
static void
lock_stocks(BkoFrame *frame, Datum item, const char *nulls)
{
	uint64		n = bko_run(&frame->run, PLAN_REBUILD_PLACES, &item, nulls, 0);

	for (uint64 i = 0; i < n; i++)
		(void) bko_stock_touch(frame, bko_result_text(i, 1),
							   bko_result_text(i, 2));
}

/*
 * Let the stock rows say what lanes there are and what they have, and gather
 * them; returns how many rows were wrong.
 */
static int64
correct_lanes(BkoFrame *frame, Datum item, const char *nulls)
{
	int64		n = bko_run(&frame->run, PLAN_REBUILD_LANES_GONE, &item, nulls, 0);
	BkoStock  **stocks;
	int			nstocks = bko_frame_stocks(frame, &stocks);

	n += bko_run(&frame->run, PLAN_REBUILD_LANES, &item, nulls, 0);
	bko_epoch_next();
	for (int i = 0; i < nstocks; i++)
	{
		bko_stock_fresh(frame, stocks[i]);
		(void) bko_stock_gather(frame, stocks[i], BKO_QTY_MAX);
	}
	return n + bko_run(&frame->run, PLAN_BOOK_LANES, NULL, NULL, 0);
}

/* Bring each stock row to what journal and lines say; returns how many differ. */
static int64
correct_stocks(BkoFrame *frame, Datum item, const char *nulls)
{
	uint64		n = bko_run(&frame->run, PLAN_REBUILD_STOCK, &item, nulls, 0);
	SPITupleTable *sums = SPI_tuptable;
	int64		ndifferent = 0;

	for (uint64 i = 0; i < n; i++)
	{
		BkoStock   *stock;
		BkoQty		on_hand;
		BkoQty		allocated;
		BkoQty		backordered;

		SPI_tuptable = sums;	/* a release has run queries of its own */
		stock = bko_stock_touch(frame, bko_result_text(i, 1),
								bko_result_text(i, 2));
		on_hand = bko_result_qty(i, 3, "on_hand");
		allocated = bko_result_qty(i, 4, "allocated");
		backordered = bko_result_qty(i, 5, "backordered");
		if (on_hand < 0)
			ereport(ERROR,
					(errcode(ERRCODE_BKO_BELOW_ZERO),
					 errmsg("the journal says %s on hand of %s", bko_qty_text(on_hand),
							bko_where(stock->item, stock->location)),
					 errhint("Count it first: count_stock() writes the difference into the journal.")));
		if (on_hand != stock->on_hand || allocated != stock->allocated ||
			backordered != stock->backordered ||
			stock->unassigned > on_hand - allocated)
			ndifferent++;
		if (on_hand - allocated > stock->on_hand - stock->allocated)
			stock->assign_all = true;
		bko_limit_recount_later(frame, stock, stock->nlimits > 0);
		bko_stock_add(stock, on_hand - stock->on_hand, allocated - stock->allocated,
					  backordered - stock->backordered);
		if (bko_stock_available(frame, stock) < 0)
			bko_queue_release(frame, stock, -bko_stock_available(frame, stock));
	}
	return ndifferent;
}

/*
 * bko.rebuild(book, item): see above; all items where item is null.  Returns
 * how many rows were corrected.  Raises BK005 where the journal says that less
 * than nothing is on hand.
 */
Datum
bko_rebuild(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	Datum		args[3];
	const char *nulls = PG_ARGISNULL(1) ? "n  " : "   ";
	BkoFrame   *frame;
	int64		nsplit;
	int64		ncorrected;

	SPI_connect();
	nsplit = bko_split_stranded(&run);
	frame = bko_function_frame(&run, NULL);
	args[0] = PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1);
	lock_stocks(frame, args[0], nulls);
	ncorrected = nsplit + correct_lanes(frame, args[0], nulls);
	ncorrected += bko_run(&run, PLAN_REBUILD_LIMITED, args, nulls, 0);
	bko_epoch_next();
	args[1] = TimestampTzGetDatum(bko_journal_now(frame));
	args[2] = CStringGetTextDatum(GetUserNameFromId(GetOuterUserId(), false));
	ncorrected += bko_run(&run, PLAN_REBUILD_UNKNOWN, args, nulls, 0);
	ncorrected += bko_run(&run, PLAN_REBUILD_GONE, args, nulls, 0);
	ncorrected += bko_run(&run, PLAN_REBUILD_LINES, args, nulls, 0);
	ncorrected += bko_run(&run, PLAN_REBUILD_SUPPLY, args, nulls, 0);
	if (bko_run(&run, PLAN_REBUILD_DUE, args, nulls, 0) > 0)
		bko_due_inserted(run.book);
	ncorrected += correct_stocks(frame, args[0], nulls);
	(void) bko_function_done(frame);
	PG_RETURN_INT64(ncorrected);
}
