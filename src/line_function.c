/*-------------------------------------------------------------------------
 *
 * line_function.c
 *	  Functions on one order line: ship(), cancel(), return_goods().
 *
 * They lock the stock row first and the line second, as a receipt does, so
 * they never deadlock with one.  What the transaction has still to split, they
 * split first.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bko_ship);
PG_FUNCTION_INFO_V1(bko_cancel);
PG_FUNCTION_INFO_V1(bko_return_goods);
PG_FUNCTION_INFO_V1(bko_need_line);
PG_FUNCTION_INFO_V1(bko_lock_line);
PG_FUNCTION_INFO_V1(bko_lock_order);

/*
 * BK008 where archive() has moved the line, SPI being connected; else nothing.
 * For callers who don't find it.
 */
void
bko_refuse_archived(const BkoRun *run, int64 line_id)
{
	Datum		args[1];

	args[0] = Int64GetDatum(line_id);
	if (bko_run(run, PLAN_ARCHIVED, args, NULL, 1) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_BKO_NO_LINE),
			 errmsg("order line " INT64_FORMAT " of %s is archived", line_id,
					bko_where(bko_result_text(0, 1), bko_result_text(0, 2))),
			 errhint("It is in the table archived_line and changes no more; take what comes back in with count_stock() or a receipt.")));
}

/*
 * Where a line stands: its item and location.  Returns false where it has no
 * place in a queue yet, being split when the transaction commits.  Raises BK008.
 */
static bool
find_line(const BkoRun *run, int64 line_id, text **item, text **location)
{
	Datum		args[1];
	uint64		n;
	bool		isnull;

	args[0] = Int64GetDatum(line_id);
	n = bko_run(run, PLAN_LINE_PLACE, args, NULL, 2);
	if (n == 0)
	{
		bko_refuse_archived(run, line_id);
		ereport(ERROR,
				(errcode(ERRCODE_BKO_NO_LINE),
				 errmsg("there is no order line " INT64_FORMAT, line_id),
				 errhint("line_id is the number that INSERT ... RETURNING line_id gave.")));
	}
	if (n > 1)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_NO_LINE),
				 errmsg("there are several order lines " INT64_FORMAT ", of different items", line_id),
				 errhint("Numbers that the table gives are unique; these were given by hand.")));
	*item = DatumGetTextPCopy(PointerGetDatum(bko_result_text(0, 1)));
	*location = DatumGetTextPCopy(PointerGetDatum(bko_result_text(0, 2)));
	return !DatumGetBool(bko_result(0, 3, &isnull));
}

/*
 * Lock the stock row of a line and then the line, and read it, SPI being
 * connected.  Raises BK008, and 40001 where the line moved to another stock row
 * meanwhile.
 */
static BkoStock *
lock_line(BkoFrame *frame, int64 line_id, BkoLine *line)
{
	text	   *item;
	text	   *location;
	BkoStock   *stock;
	Datum		args[3];
	Datum		value;
	bool		isnull;
	text	   *customer;

	(void) find_line(&frame->run, line_id, &item, &location);
	stock = bko_stock_touch(frame, item, location);
	args[0] = Int64GetDatum(line_id);
	args[1] = PointerGetDatum(item);
	args[2] = PointerGetDatum(location);
	if (bko_run(&frame->run, PLAN_LINE_LOCK, args, NULL, 0) != 1)
	{
		bko_refuse_archived(&frame->run, line_id);
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("order line " INT64_FORMAT " was moved or deleted by another transaction", line_id),
				 errhint("Try again.")));
	}
	line->line_id = line_id;
	line->policy = bko_policy_code(bko_result_text(0, 1));
	value = bko_result(0, 2, &isnull);
	line->order_ref = isnull ? NULL : DatumGetTextPCopy(value);
	if (line->policy == 'o' && line->order_ref == NULL)
		line->policy = 'l';
	line->held = DatumGetBool(bko_result(0, 3, &isnull));
	line->ordered = bko_result_qty(0, 4, "qty_ordered");
	line->shipped = bko_result_qty(0, 5, "qty_shipped");
	line->allocated = bko_result_qty(0, 6, "qty_allocated");
	line->backordered = bko_result_qty(0, 7, "qty_backordered");
	line->cancelled = bko_result_qty(0, 8, "qty_cancelled");
	line->returned = bko_result_qty(0, 9, "qty_returned");
	line->priority = DatumGetInt32(bko_result(0, 10, &isnull));
	value = bko_result(0, 11, &isnull);
	customer = isnull ? NULL : DatumGetTextPCopy(value);
	SPI_freetuptable(SPI_tuptable);
	line->group = bko_limit_group(frame, stock, customer);
	return stock;
}

static void
write_line(BkoFrame *frame, const BkoStock *stock, const BkoLine *line)
{
	Datum		args[8];

	args[0] = Int64GetDatum(line->line_id);
	args[1] = PointerGetDatum(stock->item);
	args[2] = NumericGetDatum(bko_qty_to_numeric(line->shipped));
	args[3] = NumericGetDatum(bko_qty_to_numeric(line->allocated));
	args[4] = NumericGetDatum(bko_qty_to_numeric(line->backordered));
	args[5] = NumericGetDatum(bko_qty_to_numeric(line->cancelled));
	args[6] = NumericGetDatum(bko_qty_to_numeric(line->returned));
	args[7] = TimestampTzGetDatum(bko_journal_now(frame));
	if (bko_run(&frame->run, PLAN_LINE_WRITE, args, NULL, 0) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("order line " INT64_FORMAT " could not be written", line->line_id),
				 errhint("A BEFORE UPDATE trigger on order_line keeps rows from being updated.")));
	bko_epoch_next();
}

/*
 * The quantity in the third argument, or "all" where it is null.  Raises BK006
 * where it is no quantity above zero, or more than all.
 */
static BkoQty
quantity_of(FunctionCallInfo fcinfo, BkoQty all, const char *verb, const char *state,
			const BkoLine *line, const BkoStock *stock)
{
	BkoQty		qty;

	if (PG_ARGISNULL(2))
		return all;
	qty = bko_check_positive(PG_GETARG_DATUM(2), false, "qty", stock->item, stock->location);
	if (qty > all)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_QUANTITY),
				 errmsg("order line " INT64_FORMAT " can't %s %s: %s %s of %s",
						line->line_id, verb, bko_qty_text(qty), bko_qty_text(all), state,
						bko_where(stock->item, stock->location)),
				 errhint("Give no more than that, or leave the quantity out for all of it.")));
	return qty;
}

static int64
line_id_of(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_BKO_NO_LINE),
				 errmsg("no order line is named: line_id is null"),
				 errhint("line_id is the number that INSERT ... RETURNING line_id gave.")));
	return PG_GETARG_INT64(1);
}

/* 55000 where another line of an order that ships as a whole still waits. */
static void
check_order_waits(BkoFrame *frame, const BkoLine *line)
{
	Datum		args[1];
	bool		isnull;
	Datum		qty;

	args[0] = PointerGetDatum(line->order_ref);
	if (bko_run(&frame->run, PLAN_ORDER_WAITS, args, NULL, 1) == 0)
		return;
	qty = bko_result(0, 2, &isnull);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("order \"%s\" ships as a whole, and %s of item \"%s\" are backordered",
					bko_show_text(line->order_ref),
					bko_qty_text(bko_stored_qty(qty, isnull, "qty_backordered")),
					bko_show_text(bko_result_text(0, 1))),
			 errhint("Set the ship_policy of its lines to 'partial' to ship a part.")));
}

/* 55000 where a line must not leave now. */
static void
check_may_ship(BkoFrame *frame, const BkoLine *line, const BkoStock *stock)
{
	if (line->policy == 'o')
		check_order_waits(frame, line);
	if (line->held)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("order line " INT64_FORMAT " of %s is held", line->line_id,
						bko_where(stock->item, stock->location)),
				 errhint("Release it first: UPDATE order_line SET held = false.")));
	if (line->policy == 'l' && line->backordered > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("order line " INT64_FORMAT " ships as a whole, and %s of %s are backordered",
						line->line_id, bko_qty_text(line->backordered),
						bko_where(stock->item, stock->location)),
				 errhint("Set its ship_policy to 'partial' to ship a part.")));
}

/*
 * bko.ship(book, line_id, qty): ships what is allocated to a line, all of it
 * where qty is null.  Raises BK006, BK008, 55000.
 */
Datum
bko_ship(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	BkoFrame   *frame;
	BkoStock   *stock;
	BkoLine		line;
	BkoQty		qty;

	SPI_connect();
	bko_split_pending(&run);
	frame = bko_function_frame(&run, NULL);
	stock = lock_line(frame, line_id_of(fcinfo), &line);
	qty = quantity_of(fcinfo, line.allocated, "ship", "is allocated", &line, stock);
	check_may_ship(frame, &line, stock);
	if (qty > 0)
	{
		bko_line_ship(frame, stock, &line, qty);
		write_line(frame, stock, &line);
	}
	return bko_function_done(frame);
}

/*
 * bko.cancel(book, line_id, qty, reason): cancels what is open of a line, all
 * of it where qty is null; what was allocated passes to the next in the queue.
 * Raises BK006, BK008.
 */
Datum
bko_cancel(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	BkoFrame   *frame;
	BkoStock   *stock;
	BkoLine		line;
	BkoQty		qty;

	SPI_connect();
	bko_split_pending(&run);
	frame = bko_function_frame(&run, BKO_ARG_TEXT(3));
	stock = lock_line(frame, line_id_of(fcinfo), &line);
	qty = quantity_of(fcinfo, line.allocated + line.backordered, "cancel", "is open", &line, stock);
	if (qty > 0)
	{
		bko_line_shrink(frame, stock, &line, qty, STATE_CANCELLED);
		bko_line_ship_held(frame, stock, &line);
		write_line(frame, stock, &line);
	}
	return bko_function_done(frame);
}

/*
 * Cancel all that is open of a line and return what the line is then, SPI being
 * connected.  Raises BK008, 40001.
 */
BkoLine
bko_cancel_open(BkoFrame *frame, int64 line_id)
{
	BkoLine		line;
	BkoStock   *stock = lock_line(frame, line_id, &line);

	if (line.allocated + line.backordered > 0)
	{
		bko_line_shrink(frame, stock, &line, line.allocated + line.backordered, STATE_CANCELLED);
		bko_line_ship_held(frame, stock, &line);
		write_line(frame, stock, &line);
	}
	return line;
}

/*
 * bko.return_goods(book, line_id, qty, restock, reason): takes back what has
 * shipped, all of it where qty is null.  Goods that are restocked go to the
 * waiting lines, others are written off.  Raises BK006, BK008.
 */
Datum
bko_return_goods(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	bool		restock = PG_ARGISNULL(3) || PG_GETARG_BOOL(3);
	BkoFrame   *frame;
	BkoStock   *stock;
	BkoLine		line;
	BkoQty		qty;

	SPI_connect();
	bko_split_pending(&run);
	frame = bko_function_frame(&run, BKO_ARG_TEXT(4));
	stock = lock_line(frame, line_id_of(fcinfo), &line);
	qty = quantity_of(fcinfo, line.shipped - line.returned, "take back", "is shipped and not returned",
					  &line, stock);
	if (qty > 0)
	{
		line.returned += qty;
		bko_journal(frame, KIND_RETURN, STATE_SHIPPED, STATE_RETURNED, stock->item,
					stock->location, qty, line.line_id, BKO_NO_ID, BKO_NO_ID);
		if (restock)
		{
			bko_stock_add(stock, qty, 0, 0);
			stock->assign_all = true;
		}
		else
			bko_journal(frame, KIND_ADJUST, 0, 0, stock->item, stock->location,
						-qty, line.line_id, BKO_NO_ID, BKO_NO_ID);
		write_line(frame, stock, &line);
	}
	return bko_function_done(frame);
}

/* bko.need_line(book, line_id): raises BK008 where there is no such line. */
Datum
bko_need_line(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	text	   *item;
	text	   *location;

	SPI_connect();
	(void) find_line(&run, line_id_of(fcinfo), &item, &location);
	SPI_finish();
	PG_RETURN_BOOL(true);
}

/*
 * bko.lock_line(book, line_id): locks the stock row of a line, unless the line
 * is still to be split.  An UPDATE that follows locks the line second, as a
 * receipt does.  Raises BK008.
 */
Datum
bko_lock_line(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	BkoFrame   *frame;
	text	   *item;
	text	   *location;

	SPI_connect();
	frame = bko_function_frame(&run, NULL);
	if (find_line(&run, line_id_of(fcinfo), &item, &location))
		(void) bko_stock_touch(frame, item, location);
	return bko_function_done(frame);
}

/* bko.lock_order(book, order_ref): the same for every line of an order. */
Datum
bko_lock_order(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	Datum		args[1];
	BkoFrame   *frame;
	uint64		n;

	if (PG_ARGISNULL(1))
		return (Datum) 0;
	args[0] = PG_GETARG_DATUM(1);
	SPI_connect();
	frame = bko_function_frame(&run, NULL);
	n = bko_run(&run, PLAN_ORDER_PLACES, args, NULL, 0);
	for (uint64 i = 0; i < n; i++)
		(void) bko_stock_touch(frame, bko_result_text(i, 1),
							   bko_result_text(i, 2));
	return bko_function_done(frame);
}
