/*-------------------------------------------------------------------------
 *
 * lane_function.c
 *	  Functions on lanes: set_lanes(), gather_lanes().
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

PG_FUNCTION_INFO_V1(bko_set_lanes);
PG_FUNCTION_INFO_V1(bko_gather_lanes);

/* How many lanes there are to be.  Raises 22023. */
static int
read_lanes(FunctionCallInfo fcinfo)
{
	int			lanes = PG_ARGISNULL(3) ? -1 : PG_GETARG_INT32(3);

	if (lanes < 0 || lanes > BKO_MAX_LANES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 PG_ARGISNULL(3) ? errmsg("lanes is null") :
				 errmsg("a stock row can't be split in %d lanes", lanes),
				 errhint("Give a number from 2 to %d, or 0 for none.", BKO_MAX_LANES)));
	return lanes == 1 ? 0 : lanes;
}

/* Let the stock row, whose lanes are gathered, have so many of them. */
static void
write_lanes(BkoFrame *frame, BkoStock *stock, int lanes)
{
	Datum		args[4];

	args[0] = PointerGetDatum(stock->item);
	args[1] = PointerGetDatum(stock->location);
	args[2] = Int32GetDatum(lanes);
	bko_run(&frame->run, PLAN_STOCK_LANES, args, NULL, 0);
	bko_run(&frame->run, PLAN_LANES_DROP, args, NULL, 0);
	if (lanes > stock->lanes)
	{
		args[2] = Int32GetDatum(stock->lanes);
		args[3] = Int32GetDatum(lanes);
		bko_run(&frame->run, PLAN_LANES_ADD, args, NULL, 0);
	}
	bko_run(&frame->run, PLAN_BOOK_LANES, NULL, NULL, 0);
	bko_epoch_next();
}

/*
 * A table of the application that says what is there must say it at any time,
 * which a stock row with lanes doesn't.  The book is locked: attach_stock() locks
 * it too.  Raises 55000.
 */
static void
check_not_attached(const BkoRun *run)
{
	if (bko_run_latest(run, PLAN_STOCK_ATTACHED, NULL, NULL) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a stock row can't have lanes where stock is kept in an attached table"),
				 errdetail("What is taken from lanes is counted back later, and the attached table would not say what is there."),
				 errhint("Detach the table first, or do without lanes.")));
}

/*
 * bko.set_lanes(book, item, location, lanes): splits a stock row in so many
 * lanes; 0 or 1: none.  Where there is plenty they are filled at once.  Raises
 * BK001, 22023, 55000.
 */
Datum
bko_set_lanes(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	text	   *item = bko_need_text(fcinfo, 1, "item");
	text	   *location = bko_need_text(fcinfo, 2, "location");
	int			lanes = read_lanes(fcinfo);
	BkoFrame   *frame;
	BkoStock   *stock;

	SPI_connect();
	/* one at a time: who takes the last lanes away must not miss another's first */
	bko_run(&run, PLAN_BOOK_LOCK, NULL, NULL, 0);
	if (lanes > 0)
		check_not_attached(&run);
	frame = bko_function_frame(&run, NULL);
	stock = bko_stock_lock(frame, item, location);
	(void) bko_stock_gather(frame, stock, BKO_QTY_MAX);
	if (lanes != stock->lanes)
	{
		write_lanes(frame, stock, lanes);
		bko_stock_fresh(frame, stock);
	}
	return bko_function_done(frame);
}

/*
 * bko.gather_lanes(book, item, location): locks a stock row and gathers its
 * lanes.  The next statement that writes the row hands out again.  Raises BK001.
 */
Datum
bko_gather_lanes(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	text	   *item = bko_need_text(fcinfo, 1, "item");
	text	   *location = bko_need_text(fcinfo, 2, "location");
	BkoFrame   *frame;

	SPI_connect();
	frame = bko_function_frame(&run, NULL);
	(void) bko_stock_gather(frame, bko_stock_lock(frame, item, location), BKO_QTY_MAX);
	bko_frame_close(frame);
	SPI_finish();
	return (Datum) 0;
}
