/*-------------------------------------------------------------------------
 *
 * receipt.c
 *	  Triggers of the table receipt: who gets what of a delivery, and the
 *	  function receive().
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(bko_receipt_row);
PG_FUNCTION_INFO_V1(bko_receipt_done);
PG_FUNCTION_INFO_V1(bko_receive);

BkoSink    *bko_fill_sink = NULL;

/*
 * A receipt brought back is stored as it is.  Raises BK003 where somebody
 * gives kept columns who may not, or some of them.
 */
static bool
is_restored(BkoRow *row, Relation rel)
{
	bool		to_backorders = !BKO_ISNULL(row, RECEIPT_TO_BACKORDERS);
	bool		to_stock = !BKO_ISNULL(row, RECEIPT_TO_STOCK);
	bool		supply_id = !BKO_ISNULL(row, RECEIPT_SUPPLY_ID);

	if (!to_backorders && !to_stock && !supply_id)
		return false;
	if (!to_backorders || !to_stock || !bko_owns_relation(RelationGetRelid(rel), GetUserId()))
		bko_kept_column(to_backorders ? "qty_to_backorders" : to_stock ? "qty_to_stock" :
						"supply_id", rel);
	return true;
}

/*
 * Does another row have the number of this receipt?  Then ON CONFLICT keeps it
 * out, or the statement fails.  Asked where the statement has brought goods to
 * the stock row before: after the fact the two could not be told apart.
 */
static bool
is_doomed(BkoFrame *frame, BkoStock *stock, int64 receipt_id)
{
	Datum		args[2];
	Datum		id = Int64GetDatum(receipt_id);
	Datum		item = PointerGetDatum(stock->item);
	bool		doomed;

	if (stock->received == 0)
		return false;
	SPI_connect();
	args[0] = bko_array(&id, NULL, 1, INT8OID);
	args[1] = bko_array(&item, NULL, 1, TEXTOID);
	doomed = bko_run(&frame->run, PLAN_RECEIPT_CONFIRM, args, NULL, 0) > 0;
	SPI_finish();
	return doomed;
}

/* Supply that was bought for a line fills it first; returns what they got. */
static BkoQty
fill_bought(BkoFrame *frame, BkoStock *stock, int first, int64 receipt_id)
{
	BkoQty		filled = 0;

	for (int i = first; i < stock->narrivals; i++)
		if (stock->arrivals[i].for_line != BKO_NO_ID)
			filled += bko_queue_fill_line(frame, stock, stock->arrivals[i].for_line,
										  stock->arrivals[i].qty, receipt_id);
	return filled;
}

/* Decide a receipt: who gets what of it, and which supply it came in on. */
static BkoQty
decide(BkoFrame *frame, BkoStock *stock, BkoRow *row, int64 receipt_id, BkoQty qty)
{
	BkoTaken	taken = {0};
	int64		supply_id = BKO_NO_ID;
	BkoQty		filled;

	taken.id = receipt_id;
	taken.on_hand = qty;
	taken.nchanges = stock->nchanges;
	taken.narrivals = stock->narrivals;
	taken.assign_all = stock->assign_all;
	if (!BKO_ISNULL(row, RECEIPT_SUPPLY_REF))
		supply_id = bko_supply_arrive(frame, stock, BKO_TEXT(row, RECEIPT_SUPPLY_REF),
									  receipt_id, qty);
	if (supply_id != BKO_NO_ID)
		bko_row_set(row, RECEIPT_SUPPLY_ID, Int64GetDatum(supply_id));
	bko_took(frame, stock, &taken);
	bko_stock_add(stock, qty, 0, 0);
	stock->received += qty;
	stock->assign_all = true;
	(void) bko_sum(bko_stock_on_hand(frame, stock), 0, "on_hand", stock->item, stock->location);
	SPI_connect();
	filled = fill_bought(frame, stock, taken.narrivals, receipt_id);
	filled += bko_queue_fill(frame, stock, receipt_id);
	SPI_finish();

	/* a larger step may have left over before what is now given away */
	return Min(filled, qty);
}

/*
 * bko.receipt_row(): BEFORE INSERT on receipt.  Decides who gets what and
 * which supply it was expected on, and fills in what the engine keeps.
 * Raises BK001, BK003, BK006, BK007.
 */
Datum
bko_receipt_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Relation	rel;
	BkoFrame   *frame;
	BkoRow		row;
	text	   *item;
	text	   *location;
	int64		receipt_id;
	BkoQty		qty;
	BkoQty		filled = 0;
	BkoStock   *stock;
	bool		restored;

	bko_check_trigger(fcinfo, "bko.receipt_row", TRIGGER_EVENT_BEFORE, true, BKO_ON_INSERT);
	rel = trigdata->tg_relation;
	frame = bko_frame_need(trigdata, BKO_RECEIPT);
	row = bko_row_of_slot(frame->run.book, BKO_RECEIPT, rel, trigdata->tg_trigslot);
	restored = is_restored(&row, rel);
	bko_frame_count(frame, restored, rel);
	if (restored)
		return PointerGetDatum(trigdata->tg_trigtuple);

	bko_need_item(&row, RECEIPT_ITEM, RECEIPT_LOCATION, "a receipt", &item, &location);
	qty = bko_check_positive(BKO_VALUE(&row, RECEIPT_QTY), BKO_ISNULL(&row, RECEIPT_QTY),
							 "qty", item, location);
	receipt_id = DatumGetInt64(BKO_VALUE(&row, RECEIPT_ID));
	stock = bko_stock_touch(frame, item, location);
	(void) bko_confirm(frame, stock);
	if (!is_doomed(frame, stock, receipt_id))
		filled = decide(frame, stock, &row, receipt_id, qty);
	bko_row_set_qty(&row, RECEIPT_QTY, qty);
	bko_row_set_qty(&row, RECEIPT_TO_BACKORDERS, filled);
	bko_row_set_qty(&row, RECEIPT_TO_STOCK, qty - filled);
	return PointerGetDatum(bko_row_form(&row));
}

/* Count in one receipt that really went in. */
static void
tally_receipt(BkoFrame *frame, BkoRow *row)
{
	BkoStock   *stock = bko_frame_lookup(frame, BKO_TEXT(row, RECEIPT_ITEM),
										 BKO_TEXT(row, RECEIPT_LOCATION));
	int64		receipt_id = DatumGetInt64(BKO_VALUE(row, RECEIPT_ID));
	BkoQty		qty = bko_stored_qty(BKO_VALUE(row, RECEIPT_QTY),
									 BKO_ISNULL(row, RECEIPT_QTY), "qty");

	if (stock == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("a trigger changed item or location of a receipt after it was decided"),
				 errhint("Give that trigger a name that sorts before \"zz_bko_insert\".")));
	stock->s_on_hand += qty;
	if (!BKO_ISNULL(row, RECEIPT_SUPPLY_REF))
		bko_supply_arrived(frame, stock, receipt_id);
	else
		bko_journal(frame, KIND_RECEIVE, 0, 0, stock->item, stock->location, qty,
					BKO_NO_ID, receipt_id, BKO_NO_ID);
}

/* Ids of the receipts that really went in. */
typedef struct WentIn
{
	int64	   *id;
	int			n;
} WentIn;

static WentIn *went_in;

static void
note_receipt(BkoFrame *frame, BkoRow *row)
{
	went_in->id[went_in->n++] = DatumGetInt64(BKO_VALUE(row, RECEIPT_ID));
}

static int
compare_ids(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

static bool
receipt_went_in(const BkoTaken *taken, int place, void *arg)
{
	WentIn	   *in = arg;

	return bsearch(&taken->id, in->id, in->n, sizeof(int64), compare_ids) != NULL;
}

/* Receipts were kept out: those not yet made sure of are now. */
static void
drop_kept_out(TriggerData *trigdata, BkoFrame *frame)
{
	WentIn		in = {0};
	BkoStock  **stocks;
	int			n = bko_frame_stocks(frame, &stocks);

	in.id = palloc_extended((tuplestore_tuple_count(trigdata->tg_newtable) + 1) * sizeof(int64),
							MCXT_ALLOC_HUGE);
	went_in = &in;
	bko_each_new_row(trigdata, frame, BKO_RECEIPT, note_receipt);
	went_in = NULL;
	qsort(in.id, in.n, sizeof(int64), compare_ids);
	for (int i = 0; i < n; i++)
	{
		bko_keep(frame, stocks[i], receipt_went_in, &in);
		bko_stock_fresh(frame, stocks[i]);
		(void) bko_stock_gather(frame, stocks[i], 0);
		if (bko_stock_available(frame, stocks[i]) < 0)
			ereport(ERROR,
					(errcode(ERRCODE_BKO_BELOW_ZERO),
					 errmsg("a receipt for %s was kept out after a trigger had given its goods away: %s are missing",
							bko_where(stocks[i]->item, stocks[i]->location),
							bko_qty_text(-bko_stock_available(frame, stocks[i]))),
					 errhint("A BEFORE trigger on receipt that keeps rows out must not order.")));
	}
}

/*
 * What the receipts of a stock row brought must be what was decided.  It is
 * not where a receipt was kept out that has the number of one which this
 * transaction inserted before, and another followed it.
 */
static void
check_received(BkoFrame *frame)
{
	BkoStock  **stocks;
	int			n = bko_frame_stocks(frame, &stocks);

	for (int i = 0; i < n; i++)
	{
		if (stocks[i]->received == stocks[i]->s_on_hand)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("receipts of %s for %s were decided, but of %s went in",
						bko_qty_text(stocks[i]->received),
						bko_where(stocks[i]->item, stocks[i]->location),
						bko_qty_text(stocks[i]->s_on_hand)),
				 errhint("Leave receipt_id to the table, or insert these receipts one by one.")));
	}
}

static void
count_in_receipts(TriggerData *trigdata, BkoFrame *frame)
{
	if (tuplestore_tuple_count(bko_new_rows(trigdata)) != frame->ndecided)
		drop_kept_out(trigdata, frame);
	bko_each_new_row(trigdata, frame, BKO_RECEIPT, tally_receipt);
	check_received(frame);
	bko_supply_write(frame);
}

/*
 * bko.receipt_done(): AFTER INSERT on receipt.  Writes lines, supply, stock
 * and journal for the receipts that really went in.
 */
Datum
bko_receipt_done(PG_FUNCTION_ARGS)
{
	bko_check_trigger(fcinfo, "bko.receipt_done", 0, false, BKO_ON_INSERT);
	bko_finish_statement((TriggerData *) fcinfo->context, BKO_RECEIPT, count_in_receipts);
	return PointerGetDatum(NULL);
}

/* ---- receive() ---- */

/* Insert the receipt as if the caller had typed it, noting what it fills. */
static void
insert_receipt(const BkoRun *run, FunctionCallInfo fcinfo, BkoSink *sink)
{
	Datum		args[7];
	char		nulls[7];
	BkoSink    *save = bko_fill_sink;

	for (int i = 0; i < lengthof(args); i++)
	{
		args[i] = PG_GETARG_DATUM(i + 1);
		nulls[i] = PG_ARGISNULL(i + 1) ? 'n' : ' ';
	}
	bko_fill_sink = sink;
	PG_TRY();
	{
		bko_run_as_caller(run, PLAN_RECEIPT_INSERT, args, nulls);
	}
	PG_FINALLY();
	{
		bko_fill_sink = save;
	}
	PG_END_TRY();
}

/*
 * The lines that a sink tells of, as rows of bko.fill in the order in which
 * they were filled.
 */
void
bko_return_fills(FunctionCallInfo fcinfo, const BkoRun *run, const BkoSink *sink, Datum item)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum	   *ids;
	int		   *place;
	Datum		args[2];
	uint64		n;

	if (sink->n == 0)
		return;
	ids = palloc(sink->n * sizeof(Datum));
	place = palloc(sink->n * sizeof(int));
	for (int i = 0; i < sink->n; i++)
		ids[i] = Int64GetDatum(sink->line_id[i]);
	args[0] = bko_array(ids, NULL, sink->n, INT8OID);
	args[1] = item;
	n = bko_run(run, PLAN_FILLED_LINES, args, NULL, 0);

	for (int i = 0; i < sink->n; i++)
		place[i] = -1;
	for (uint64 r = 0; r < n; r++)
	{
		bool		isnull;
		Datum		at = bko_result(r, 1, &isnull);

		place[DatumGetInt64(at) - 1] = r;
	}
	for (int i = 0; i < sink->n; i++)
	{
		Datum		values[6];
		bool		nulls[6] = {false};

		if (place[i] < 0)
			continue;
		values[0] = Int64GetDatum(sink->line_id[i]);
		values[1] = bko_result(place[i], 2, &nulls[1]);
		values[2] = bko_result(place[i], 3, &nulls[2]);
		values[3] = NumericGetDatum(bko_qty_to_numeric(sink->qty[i]));
		values[4] = NumericGetDatum(bko_qty_to_numeric(sink->shipped[i]));
		values[5] = NumericGetDatum(bko_qty_to_numeric(sink->left[i]));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

/*
 * Was this document taken already?  The unique index decides; this spares a
 * late duplicate the complaint that its supply is closed by now.
 */
static bool
is_known(const BkoRun *run, FunctionCallInfo fcinfo)
{
	Datum		args[3];

	if (PG_ARGISNULL(7) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
		return false;
	args[0] = PG_GETARG_DATUM(7);
	args[1] = PG_GETARG_DATUM(1);
	args[2] = PG_GETARG_DATUM(3);
	return bko_run(run, PLAN_DOCUMENT_KNOWN, args, NULL, 1) > 0;
}

/*
 * bko.receive(book, item, qty, location, supply_ref, unit_cost, note,
 * document): takes a delivery in, as an INSERT into receipt by the caller
 * would, and returns who got what; nothing where the document was taken before.
 */
Datum
bko_receive(PG_FUNCTION_ARGS)
{
	BkoRun		run;
	BkoSink		sink = {0};

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	run = bko_book_of_regclass(PG_GETARG_OID(0));
	sink.cxt = CurrentMemoryContext;
	SPI_connect();
	if (!is_known(&run, fcinfo))
	{
		insert_receipt(&run, fcinfo, &sink);
		bko_return_fills(fcinfo, &run, &sink, PG_GETARG_DATUM(1));
	}
	SPI_finish();
	return (Datum) 0;
}
