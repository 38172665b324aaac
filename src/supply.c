/*-------------------------------------------------------------------------
 *
 * supply.c
 *	  Expected supply: which lines of it a receipt is delivered on, and the
 *	  trigger of the table supply.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"

PG_FUNCTION_INFO_V1(bko_supply_row);

/* An open line of a supply reference. */
typedef struct OpenSupply
{
	int64		supply_id;
	DateADT		expected_on;	/* unknown: DATEVAL_NOEND */
	int64		for_line;		/* BKO_NO_ID: for none */
	BkoQty		missing;		/* what is still to come; may be below zero */
} OpenSupply;

/* Earliest first; rows locked by FOR UPDATE may come out of order. */
static int
compare_supply(const void *a, const void *b)
{
	const OpenSupply *x = a;
	const OpenSupply *y = b;

	if (x->expected_on != y->expected_on)
		return x->expected_on < y->expected_on ? -1 : 1;
	return x->supply_id < y->supply_id ? -1 : x->supply_id > y->supply_id;
}

/* What receipts of this statement have already put on a supply line. */
static BkoQty
arrived_already(const BkoStock *stock, int64 supply_id)
{
	BkoQty		qty = 0;

	for (int i = 0; i < stock->narrivals; i++)
		if (stock->arrivals[i].supply_id == supply_id)
			qty += stock->arrivals[i].qty;
	return qty;
}

/* The open lines of a reference, locked, earliest first; palloc'd. */
static int
read_open(BkoFrame *frame, BkoStock *stock, const text *ref, OpenSupply **open)
{
	Datum		args[3];
	int			n;

	args[0] = PointerGetDatum(ref);
	args[1] = PointerGetDatum(stock->item);
	args[2] = PointerGetDatum(stock->location);
	n = bko_run(&frame->run, PLAN_SUPPLY_OPEN, args, NULL, 0);
	*open = palloc(Max(n, 1) * sizeof(OpenSupply));
	for (int i = 0; i < n; i++)
	{
		OpenSupply *supply = &(*open)[i];
		bool		isnull;
		Datum		value;

		supply->supply_id = DatumGetInt64(bko_result(i, 1, &isnull));
		value = bko_result(i, 2, &isnull);
		supply->expected_on = isnull ? DATEVAL_NOEND : DatumGetDateADT(value);
		supply->missing = bko_result_qty(i, 3, "qty_expected");
		value = bko_result(i, 5, &isnull);
		supply->for_line = isnull ? BKO_NO_ID : DatumGetInt64(value);
		supply->missing -= bko_result_qty(i, 4, "qty_received") +
			arrived_already(stock, supply->supply_id);
	}
	qsort(*open, n, sizeof(OpenSupply), compare_supply);
	return n;
}

static void
add_arrival(BkoFrame *frame, BkoStock *stock, int64 receipt_id, int64 supply_id,
			int64 for_line, BkoQty qty)
{
	BkoArrival *arrival;

	if (stock->narrivals == stock->maxarrivals)
	{
		stock->maxarrivals = stock->maxarrivals ? stock->maxarrivals * 2 : 4;
		stock->arrivals = stock->arrivals ?
			repalloc(stock->arrivals, stock->maxarrivals * sizeof(BkoArrival)) :
			MemoryContextAlloc(frame->cxt, stock->maxarrivals * sizeof(BkoArrival));
	}
	arrival = &stock->arrivals[stock->narrivals++];
	arrival->receipt_id = receipt_id;
	arrival->supply_id = supply_id;
	arrival->for_line = for_line;
	arrival->qty = qty;
}

/* Take back what a receipt put on a supply line; bko_supply_write() writes it. */
void
bko_supply_reverse(BkoFrame *frame, BkoStock *stock, int64 receipt_id,
				   int64 supply_id, BkoQty qty)
{
	add_arrival(frame, stock, receipt_id, supply_id, BKO_NO_ID, -qty);
}

/*
 * A receipt comes in on a supply reference: its open lines of this item and
 * location take it, earliest first; what is more than was expected goes on the
 * last.  The stock row is locked; the lines are locked here.  Returns the
 * supply_id that it went to first.  Raises BK007 where no line is open.
 */
int64
bko_supply_arrive(BkoFrame *frame, BkoStock *stock, const text *ref,
				  int64 receipt_id, BkoQty qty)
{
	OpenSupply *open;
	int			n;
	int64		first = BKO_NO_ID;

	SPI_connect();
	n = read_open(frame, stock, ref, &open);
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_SUPPLY),
				 errmsg("supply \"%s\" has no open line for %s: %s can't be received on it",
						bko_show_text(ref), bko_where(stock->item, stock->location),
						bko_qty_text(qty)),
				 errhint("Add it to the table supply or open it again (closed = false), or receive without supply_ref.")));
	for (int i = 0; i < n && qty > 0; i++)
	{
		BkoQty		part = (i == n - 1) ? qty : Min(qty, Max(open[i].missing, 0));

		if (part == 0)
			continue;
		if (first == BKO_NO_ID)
			first = open[i].supply_id;
		add_arrival(frame, stock, receipt_id, open[i].supply_id, open[i].for_line, part);
		qty -= part;
	}
	SPI_finish();
	return first;
}

/*
 * A receipt on supply has really gone in: journal it, a movement for each
 * supply line.  Receipts of a stock row come in the order they were decided.
 */
void
bko_supply_arrived(BkoFrame *frame, BkoStock *stock, int64 receipt_id)
{
	for (int i = stock->nextarrival; i < stock->narrivals; i++)
	{
		BkoArrival *arrival = &stock->arrivals[i];

		if (arrival->receipt_id != receipt_id)
			break;
		bko_journal(frame, KIND_RECEIVE, 0, 0, stock->item, stock->location,
					arrival->qty, BKO_NO_ID, receipt_id, arrival->supply_id);
		stock->nextarrival++;
	}
}

static int
compare_arrivals(const void *a, const void *b)
{
	const BkoArrival *x = a;
	const BkoArrival *y = b;

	return x->supply_id < y->supply_id ? -1 : x->supply_id > y->supply_id;
}

/* Write qty_received of the supply lines of one stock row. */
static void
write_received(BkoFrame *frame, BkoStock *stock)
{
	Datum	   *ids = palloc(stock->narrivals * sizeof(Datum));
	Datum	   *items = palloc(stock->narrivals * sizeof(Datum));
	Datum	   *qtys = palloc(stock->narrivals * sizeof(Datum));
	Datum		args[3];
	int			n = 0;

	qsort(stock->arrivals, stock->narrivals, sizeof(BkoArrival), compare_arrivals);
	for (int i = 0; i < stock->narrivals;)
	{
		int64		supply_id = stock->arrivals[i].supply_id;
		BkoQty		qty = 0;

		for (; i < stock->narrivals && stock->arrivals[i].supply_id == supply_id; i++)
			qty = bko_sum(qty, stock->arrivals[i].qty, "qty_received",
						  stock->item, stock->location);
		ids[n] = Int64GetDatum(supply_id);
		items[n] = PointerGetDatum(stock->item);
		qtys[n] = NumericGetDatum(bko_qty_to_numeric(qty));
		n++;
	}
	args[0] = bko_array(ids, NULL, n, INT8OID);
	args[1] = bko_array(items, NULL, n, TEXTOID);
	args[2] = bko_array(qtys, NULL, n, NUMERICOID);
	bko_run(&frame->run, PLAN_SUPPLY_WRITE, args, NULL, 0);
	stock->narrivals = stock->nextarrival = 0;
}

/* Write what the statement's receipts put on supply lines, SPI being connected. */
void
bko_supply_write(BkoFrame *frame)
{
	BkoStock  **stocks;
	int			n = bko_frame_stocks(frame, &stocks);

	for (int i = 0; i < n; i++)
		if (stocks[i]->narrivals > 0)
			write_received(frame, stocks[i]);
}

/* ---- the trigger ---- */

/* A new supply line: nothing of it has been received, unless it is brought back. */
static HeapTuple
insert_supply(BkoRow *row, Relation rel, HeapTuple tuple)
{
	if (!BKO_ISNULL(row, SUPPLY_QTY_RECEIVED))
	{
		if (!bko_owns_relation(RelationGetRelid(rel), GetUserId()))
			bko_kept_column("qty_received", rel);
		return tuple;
	}
	bko_row_set_qty(row, SUPPLY_QTY_RECEIVED, 0);
	return NULL;
}

/* Does the journal name the supply line? */
static bool
is_named(const BkoRun *run, BkoRow *row)
{
	Datum		args[2];
	bool		named;

	args[0] = BKO_VALUE(row, SUPPLY_ID);
	args[1] = BKO_VALUE(row, SUPPLY_ITEM);
	SPI_connect();
	named = bko_run(run, PLAN_SUPPLY_NAMED, args, NULL, 1) > 0;
	SPI_finish();
	return named;
}

/* BK007 where something was received on a line, though it be reversed. */
static void
refuse_received(const BkoRun *run, BkoRow *old, const char *what, const char *hint)
{
	BkoQty		received = bko_stored_qty(BKO_VALUE(old, SUPPLY_QTY_RECEIVED),
										  BKO_ISNULL(old, SUPPLY_QTY_RECEIVED), "qty_received");

	if (received == 0 && !is_named(run, old))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_BKO_SUPPLY),
			 received != 0 ?
			 errmsg("supply line " INT64_FORMAT " can't %s: %s was received on it of %s",
					DatumGetInt64(BKO_VALUE(old, SUPPLY_ID)), what, bko_qty_text(received),
					bko_where(BKO_TEXT(old, SUPPLY_ITEM), BKO_TEXT(old, SUPPLY_LOCATION))) :
			 errmsg("supply line " INT64_FORMAT " can't %s: what was received on it of %s was reversed",
					DatumGetInt64(BKO_VALUE(old, SUPPLY_ID)), what,
					bko_where(BKO_TEXT(old, SUPPLY_ITEM), BKO_TEXT(old, SUPPLY_LOCATION))),
			 errhint("%s", hint)));
}

static void
check_update(const BkoRun *run, BkoRow *old, BkoRow *new, Relation rel)
{
	(void) bko_row_keep(old, new, BKO_SUPPLY, SUPPLY_QTY_RECEIVED, rel);
	if (bko_row_changed(old, new, SUPPLY_ITEM) || bko_row_changed(old, new, SUPPLY_LOCATION) ||
		bko_row_changed(old, new, SUPPLY_ID))
		refuse_received(run, old, "become one of another item or location",
						"Close it (closed = true) and add another line.");
}

/*
 * What the supplier promised first is what is expected first, and the other
 * way round; later on, a day that is no longer known stays unknown.
 */
static void
fill_in_dates(BkoRow *row, bool insert)
{
	if (BKO_ISNULL(row, SUPPLY_PROMISED_ON) && !BKO_ISNULL(row, SUPPLY_EXPECTED_ON))
		bko_row_set(row, SUPPLY_PROMISED_ON, BKO_VALUE(row, SUPPLY_EXPECTED_ON));
	else if (insert && BKO_ISNULL(row, SUPPLY_EXPECTED_ON) && !BKO_ISNULL(row, SUPPLY_PROMISED_ON))
		bko_row_set(row, SUPPLY_EXPECTED_ON, BKO_VALUE(row, SUPPLY_PROMISED_ON));
}

static bool
is_closed(BkoRow *row)
{
	return !BKO_ISNULL(row, SUPPLY_CLOSED) && DatumGetBool(BKO_VALUE(row, SUPPLY_CLOSED));
}

/* A line that is closed now was closed today, unless a day is given. */
static void
fill_in_closed_on(const BkoRun *run, BkoRow *row, bool was_closed)
{
	if (!is_closed(row))
		BKO_ISNULL(row, SUPPLY_CLOSED_ON) = true;
	else if (!was_closed && BKO_ISNULL(row, SUPPLY_CLOSED_ON))
		bko_row_set(row, SUPPLY_CLOSED_ON,
					DateADTGetDatum(bko_book_day(run->book, GetCurrentTransactionStartTimestamp())));
}

/* BK008 where the line that supply is bought for is none of its item and location. */
static void
check_for_line(const BkoRun *run, BkoRow *row, text *item, text *location)
{
	Datum		args[3];

	if (BKO_ISNULL(row, SUPPLY_FOR_LINE))
		return;
	args[0] = BKO_VALUE(row, SUPPLY_FOR_LINE);
	args[1] = PointerGetDatum(item);
	args[2] = PointerGetDatum(location);
	SPI_connect();
	if (bko_run(run, PLAN_LINE_AT, args, NULL, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_NO_LINE),
				 errmsg("there is no order line " INT64_FORMAT " of %s that supply \"%s\" could be for",
						DatumGetInt64(args[0]), bko_where(item, location),
						bko_show_text(BKO_TEXT(row, SUPPLY_REF))),
				 errhint("for_line_id names an order line of the same item and location, or is null.")));
	SPI_finish();
}

/*
 * bko.supply_row(): BEFORE INSERT, UPDATE or DELETE on supply.  Raises BK003,
 * BK006, BK007, BK008.
 */
Datum
bko_supply_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoRun		run;
	Relation	rel;
	BkoRow		row;
	text	   *item;
	text	   *location;
	HeapTuple	restored = NULL;
	bool		insert;
	bool		other_line;
	bool		was_closed = false;

	bko_check_trigger(fcinfo, "bko.supply_row", TRIGGER_EVENT_BEFORE, true,
					  BKO_ON_INSERT | BKO_ON_UPDATE | BKO_ON_DELETE);
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) && bko_engine_writing())
		return PointerGetDatum(trigdata->tg_newtuple);

	rel = trigdata->tg_relation;
	run = bko_book_of_table(rel);
	row = bko_row_of_slot(run.book, BKO_SUPPLY, rel, trigdata->tg_trigslot);
	if (TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
	{
		refuse_received(&run, &row, "be deleted", "Close it instead (closed = true).");
		return PointerGetDatum(trigdata->tg_trigtuple);
	}
	insert = other_line = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event);
	if (insert)
		restored = insert_supply(&row, rel, trigdata->tg_trigtuple);
	else
	{
		BkoRow		new = bko_row_of_slot(run.book, BKO_SUPPLY, rel, trigdata->tg_newslot);

		check_update(&run, &row, &new, rel);
		other_line = bko_row_changed(&row, &new, SUPPLY_FOR_LINE) ||
			bko_row_changed(&row, &new, SUPPLY_ITEM) ||
			bko_row_changed(&row, &new, SUPPLY_LOCATION);
		was_closed = is_closed(&row);
		row = new;
	}
	if (restored)
		return PointerGetDatum(restored);
	bko_need_item(&row, SUPPLY_ITEM, SUPPLY_LOCATION, "a supply line", &item, &location);
	bko_check_name(item, "item");
	bko_check_name(location, "location");
	fill_in_dates(&row, insert);
	fill_in_closed_on(&run, &row, was_closed);
	if (other_line)
		check_for_line(&run, &row, item, location);
	bko_row_set_qty(&row, SUPPLY_QTY_EXPECTED,
					bko_check_positive(BKO_VALUE(&row, SUPPLY_QTY_EXPECTED),
									   BKO_ISNULL(&row, SUPPLY_QTY_EXPECTED),
									   "qty_expected", item, location));
	return PointerGetDatum(bko_row_form(&row));
}
