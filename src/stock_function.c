/*-------------------------------------------------------------------------
 *
 * stock_function.c
 *	  Functions on stock: count_stock(), reverse_receipt(), preview().
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "funcapi.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(bko_count_stock);
PG_FUNCTION_INFO_V1(bko_reverse_receipt);
PG_FUNCTION_INFO_V1(bko_preview);

/* Let the stock row's on_hand be what is there: its lanes are gathered. */
static void
gather_first(const BkoRun *run, const text *item, const text *location)
{
	BkoFrame   *frame = bko_function_frame(run, NULL);

	(void) bko_stock_gather(frame, bko_stock_lock(frame, item, location), BKO_QTY_MAX);
	bko_frame_close(frame);
}

/*
 * bko.count_stock(book, item, counted, location, reason): what was counted is
 * what is there.  More fills waiting lines, less releases the last in the
 * queue.  Raises BK001, BK005, BK006.
 */
Datum
bko_count_stock(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	text	   *item = bko_need_text(fcinfo, 1, "item");
	text	   *location = bko_need_text(fcinfo, 3, "location");
	Datum		args[3];
	uint64		n = 0;

	args[0] = PointerGetDatum(item);
	args[1] = PointerGetDatum(location);
	args[2] = NumericGetDatum(bko_qty_to_numeric(bko_check_qty(PG_GETARG_DATUM(2), PG_ARGISNULL(2),
															   "counted", item, location)));
	if (run.book->stock_attached)
		bko_before_stock_lock(&run, item, location);
	SPI_connect();
	gather_first(&run, item, location);
	bko_journal_next_reason(BKO_ARG_TEXT(4));
	PG_TRY();
	{
		n = bko_run(&run, PLAN_COUNT, args, NULL, 0);
	}
	PG_FINALLY();
	{
		bko_journal_next_reason(NULL);
	}
	PG_END_TRY();
	SPI_finish();
	if (n == 0)
		bko_not_stocked(&run, item, location);
	return (Datum) 0;
}

/* What came in by a receipt and was not reversed: per supply line. */
typedef struct Received
{
	int64		supply_id;		/* BKO_NO_ID: on none */
	BkoQty		qty;
} Received;

/* The supply lines that a receipt went to, the last one first; palloc'd. */
static int
read_received(const BkoRun *run, int64 receipt_id, const text *item, Received **received,
			  BkoQty *total)
{
	Datum		args[2];
	int			n;

	args[0] = Int64GetDatum(receipt_id);
	args[1] = PointerGetDatum(item);
	n = bko_run(run, PLAN_RECEIVED_ON, args, NULL, 0);
	*received = palloc(Max(n, 1) * sizeof(Received));
	*total = 0;
	for (int i = 0; i < n; i++)
	{
		bool		isnull;
		Datum		value = bko_result(i, 1, &isnull);

		(*received)[i].supply_id = isnull ? BKO_NO_ID : DatumGetInt64(value);
		(*received)[i].qty = bko_result_qty(i, 2, "qty");
		*total += (*received)[i].qty;
	}
	SPI_freetuptable(SPI_tuptable);
	return n;
}

/* Where a receipt came in.  Raises BK008 where there is none. */
static void
find_receipt(const BkoRun *run, int64 receipt_id, text **item, text **location)
{
	Datum		args[1];

	args[0] = Int64GetDatum(receipt_id);
	if (bko_run(run, PLAN_RECEIPT_READ, args, NULL, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_NO_LINE),
				 errmsg("there is no receipt " INT64_FORMAT, receipt_id),
				 errhint("receipt_id is the number that INSERT ... RETURNING receipt_id gave.")));
	*item = DatumGetTextPCopy(PointerGetDatum(bko_result_text(0, 1)));
	*location = DatumGetTextPCopy(PointerGetDatum(bko_result_text(0, 2)));
}

/* Take qty off the supply lines that it was received on, the last one first. */
static void
reverse_supply(BkoFrame *frame, BkoStock *stock, int64 receipt_id,
			   const Received *received, int n, BkoQty qty)
{
	for (int i = 0; i < n && qty > 0; i++)
	{
		BkoQty		part = Min(qty, received[i].qty);

		if (part <= 0)
			continue;
		bko_journal(frame, KIND_RECEIVE, 0, 0, stock->item, stock->location, -part,
					BKO_NO_ID, receipt_id, received[i].supply_id);
		if (received[i].supply_id != BKO_NO_ID)
			bko_supply_reverse(frame, stock, receipt_id, received[i].supply_id, part);
		qty -= part;
	}
	bko_supply_write(frame);
}

/*
 * bko.reverse_receipt(book, receipt_id, qty, reason): takes a receipt back, all
 * of it where qty is null.  What is available goes first, then allocations from
 * the last in the queue; its supply is open again by that much.  Raises BK005
 * where goods have shipped, BK006, BK008.
 */
Datum
bko_reverse_receipt(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	int64		receipt_id = PG_ARGISNULL(1) ? BKO_NO_ID : PG_GETARG_INT64(1);
	BkoFrame   *frame;
	BkoStock   *stock;
	text	   *item;
	text	   *location;
	Received   *received;
	BkoQty		total;
	BkoQty		qty;
	int			n;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_BKO_NO_LINE),
				 errmsg("no receipt is named: receipt_id is null"),
				 errhint("receipt_id is the number that INSERT ... RETURNING receipt_id gave.")));
	SPI_connect();
	frame = bko_function_frame(&run, BKO_ARG_TEXT(3));
	find_receipt(&run, receipt_id, &item, &location);
	stock = bko_stock_touch(frame, item, location);
	(void) bko_stock_gather(frame, stock, BKO_QTY_MAX);
	n = read_received(&run, receipt_id, item, &received, &total);
	qty = PG_ARGISNULL(2) ? total :
		bko_check_positive(PG_GETARG_DATUM(2), false, "qty", item, location);
	if (qty > total)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_QUANTITY),
				 errmsg("receipt " INT64_FORMAT " can't be reversed by %s: %s is left of it of %s",
						receipt_id, bko_qty_text(qty), bko_qty_text(total),
						bko_where(item, location)),
				 errhint("Give no more than that, or leave the quantity out for all of it.")));
	if (qty > bko_stock_on_hand(frame, stock))
		ereport(ERROR,
				(errcode(ERRCODE_BKO_BELOW_ZERO),
				 errmsg("receipt " INT64_FORMAT " can't be reversed by %s: %s is on hand of %s",
						receipt_id, bko_qty_text(qty),
						bko_qty_text(bko_stock_on_hand(frame, stock)), bko_where(item, location)),
				 errhint("The rest has shipped; return_goods() takes it back.")));

	bko_stock_add(stock, -qty, 0, 0);
	reverse_supply(frame, stock, receipt_id, received, n, qty);
	if (bko_stock_available(frame, stock) < 0)
		bko_queue_release(frame, stock, -bko_stock_available(frame, stock));
	return bko_function_done(frame);
}

/*
 * bko.preview(book, item, qty, location): who would get what of a receipt, as
 * rows of bko.fill.  Decides as the receipt would, but locks and writes
 * nothing.  Raises BK001, BK006.
 */
Datum
bko_preview(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	text	   *item = bko_need_text(fcinfo, 1, "item");
	text	   *location = bko_need_text(fcinfo, 3, "location");
	BkoFrame   *frame;
	BkoStock   *stock;
	BkoSink		sink = {0};

	InitMaterializedSRF(fcinfo, 0);
	sink.cxt = CurrentMemoryContext;
	SPI_connect();
	frame = bko_function_frame(&run, NULL);
	frame->dry = true;
	stock = bko_stock_touch(frame, item, location);
	bko_stock_add(stock, bko_check_positive(PG_GETARG_DATUM(2), PG_ARGISNULL(2), "qty",
											item, location), 0, 0);
	stock->assign_all = true;
	(void) bko_queue_fill(frame, stock, BKO_NO_ID);
	bko_queue_tell(frame, &sink);
	bko_return_fills(fcinfo, &run, &sink, PointerGetDatum(item));
	bko_frame_close(frame);
	bko_epoch_next();			/* what was read without a lock is worth nothing */
	SPI_finish();
	return (Datum) 0;
}
