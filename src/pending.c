/*-------------------------------------------------------------------------
 *
 * pending.c
 *	  Order lines of a book that allocates at commit.
 *
 * Such a line goes in as waiting, locks nothing, and is pending: it bears the
 * number of its transaction, stands in no queue and is counted nowhere.  A
 * deferred trigger splits all pending lines of the transaction when it ends, or
 * when SET CONSTRAINTS says so.  It locks their stock rows in their order, so
 * that orders of any lines never wait for each other in a circle; the place in
 * the queue is given under the lock, as to any other line.
 *
 * What a transaction has pending stands in the table alone, since savepoints
 * come and go.  What the session remembers only spares it from looking.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "storage/itemptr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bko_line_split_due);

/* Lines written at once. */
#define BATCH 8192

/* The columns that are read of a pending line, see PENDING_COLUMNS; ctid may follow. */
static const int columns_read[] = {
	LINE_ID, LINE_ITEM, LINE_LOCATION, LINE_PRIORITY, LINE_SHIP_POLICY, LINE_QTY_ORDERED,
	LINE_QUEUED_AT, LINE_ORDER_REF, LINE_HELD, LINE_CUSTOMER, LINE_PENDING
};

/* A line that has been split in memory. */
typedef struct SplitLine
{
	BkoLine		line;
	const BkoStock *stock;
	TimestampTz queued_at;
} SplitLine;

/* ---- a line goes in, or changes before it is split ---- */

/*
 * When a pending line went in, which is the order in which they are split: later
 * than the transaction's start, before which lies any place that the owner gave.
 */
static TimestampTz
went_in_at(void)
{
	static TimestampTz last = 0;
	TimestampTz start = GetCurrentTransactionStartTimestamp();

	last = Max(GetCurrentTimestamp(), Max(start, last) + 1);
	return last;
}

/* Is the place of a pending line one that the owner gave? */
static bool
is_given_place(TimestampTz queued_at)
{
	return queued_at <= GetCurrentTransactionStartTimestamp();
}

/* What can be told of a line without a lock.  Raises BK001, BK006. */
static BkoQty
check_pending(BkoFrame *frame, BkoRow *row, bool sourced)
{
	text	   *item;
	text	   *location;
	BkoStock   *stock;
	BkoQty		qty;

	bko_need_item(row, LINE_ITEM, LINE_LOCATION, "an order line", &item, &location);
	qty = bko_check_positive(BKO_VALUE(row, LINE_QTY_ORDERED), BKO_ISNULL(row, LINE_QTY_ORDERED),
							 "qty_ordered", item, location);
	stock = bko_stock_look(frame, item, location);
	if (!sourced)
		bko_line_check_step(stock, qty);
	return qty;
}

/*
 * A new line, to be split when the transaction commits: fill in what the engine
 * keeps.  A line that names no location gets a provisional one, the first that
 * its rule lists.  Raises BK001, BK003, BK006.
 */
void
bko_pend_line(BkoFrame *frame, BkoRow *row)
{
	BkoBook    *book = frame->run.book;
	bool		sourced = BKO_ISNULL(row, LINE_LOCATION) && !BKO_ISNULL(row, LINE_ITEM);
	int64		xid = (int64) U64FromFullTransactionId(GetTopFullTransactionId());
	BkoQty		qty;

	if (sourced)
		bko_row_set(row, LINE_LOCATION,
					PointerGetDatum(bko_source_first(frame, BKO_TEXT(row, LINE_ITEM))));
	qty = check_pending(frame, row, sourced);
	bko_row_check_place(row);
	bko_row_set_qty(row, LINE_QTY_ORDERED, qty);
	bko_row_set_qty(row, LINE_QTY_SHIPPED, 0);
	bko_row_set_qty(row, LINE_QTY_ALLOCATED, 0);
	bko_row_set_qty(row, LINE_QTY_BACKORDERED, qty);
	bko_row_set_qty(row, LINE_QTY_CANCELLED, 0);
	bko_row_set_qty(row, LINE_QTY_RETURNED, 0);
	bko_row_set_qty(row, LINE_QTY_FILLED_FIRST, 0);
	if (BKO_ISNULL(row, LINE_QUEUED_AT) ||
		!is_given_place(DatumGetTimestampTz(BKO_VALUE(row, LINE_QUEUED_AT))))
		bko_row_set(row, LINE_QUEUED_AT, TimestampTzGetDatum(went_in_at()));
	bko_row_set(row, LINE_PENDING, Int64GetDatum(sourced ? -xid : xid));
	book->pending_xid = xid;
	book->npended++;
}

/*
 * A pending line is changed: it is split as it stands when its turn comes, so
 * nothing need be decided now.  A line that is to be sourced is no longer, where
 * a location is given.  Raises BK001, BK006.
 */
void
bko_pending_changed(BkoFrame *frame, BkoRow *old, BkoRow *new)
{
	int64		pending = DatumGetInt64(BKO_VALUE(old, LINE_PENDING));
	bool		sourced = pending < 0;
	BkoQty		qty;

	if (sourced && bko_row_changed(old, new, LINE_LOCATION))
	{
		bko_row_set(new, LINE_PENDING, Int64GetDatum(-pending));
		sourced = false;
	}
	else if (sourced && bko_row_changed(old, new, LINE_ITEM) && !BKO_ISNULL(new, LINE_ITEM))
		bko_row_set(new, LINE_LOCATION,
					PointerGetDatum(bko_source_first(frame, BKO_TEXT(new, LINE_ITEM))));
	qty = check_pending(frame, new, sourced);
	bko_row_set_qty(new, LINE_QTY_ORDERED, qty);
	bko_row_set_qty(new, LINE_QTY_BACKORDERED, qty);
}

/* ---- the split ---- */

/* The pending lines as read, palloc'd; their texts are where the result is. */
static BkoRow *
read_rows(SPITupleTable *lines, uint64 n)
{
	static AttrNumber attno[LINE_NCOLUMNS];
	int			natts = lines->tupdesc->natts;
	BkoRow	   *rows = palloc_extended(n * sizeof(BkoRow), MCXT_ALLOC_HUGE);

	for (int c = 0; c < lengthof(columns_read); c++)
		attno[columns_read[c]] = c + 1;
	for (uint64 i = 0; i < n; i++)
	{
		rows[i].desc = lines->tupdesc;
		rows[i].attno = attno;
		rows[i].values = palloc(natts * sizeof(Datum));
		rows[i].nulls = palloc(natts * sizeof(bool));
		heap_deform_tuple(lines->vals[i], lines->tupdesc, rows[i].values, rows[i].nulls);
	}
	return rows;
}

/* Where the lines are, if they were read with their ctid; palloc'd, or NULL. */
static ItemPointerData *
places_of(const BkoRow *rows, uint64 n)
{
	const int	column = lengthof(columns_read);
	ItemPointerData *tids;

	if (rows[0].desc->natts == column)
		return NULL;
	tids = palloc_extended(n * sizeof(ItemPointerData), MCXT_ALLOC_HUGE);
	for (uint64 i = 0; i < n; i++)
		tids[i] = *(ItemPointer) DatumGetPointer(rows[i].values[column]);
	return tids;
}

static bool
is_sourced(BkoRow *row)
{
	return DatumGetInt64(BKO_VALUE(row, LINE_PENDING)) < 0;
}

static BkoQty
qty_of(BkoRow *row)
{
	return bko_stored_qty(BKO_VALUE(row, LINE_QTY_ORDERED), BKO_ISNULL(row, LINE_QTY_ORDERED),
						  "qty_ordered");
}

/* Add what a line wants to what is wanted of its stock row. */
static void
want(BkoFrame *frame, BkoRow *row)
{
	bool		found;
	BkoStock   *stock = bko_frame_stock(frame, BKO_TEXT(row, LINE_ITEM),
										BKO_TEXT(row, LINE_LOCATION), &found);

	if (stock->wanted >= 0 &&
		!(bko_row_may_use_lane(frame->run.book, row) &&
		  bko_qty_add(stock->wanted, qty_of(row), &stock->wanted)))
		stock->wanted = -1;
}

/*
 * Lock every stock row that the lines may touch, in their order, or a lane of it
 * that has all that they want.  A line that is to be sourced may want more of any
 * place than is known by now: then no lanes are used.
 */
static void
lock_stocks(BkoFrame *frame, BkoRow *rows, uint64 n)
{
	BkoStock  **stocks;
	int			nstocks;
	bool		sourced = false;

	for (uint64 i = 0; i < n; i++)
	{
		/* a place that wasn't given is given by the split */
		BKO_ISNULL(&rows[i], LINE_QUEUED_AT) =
			!is_given_place(DatumGetTimestampTz(BKO_VALUE(&rows[i], LINE_QUEUED_AT)));
		sourced = sourced || is_sourced(&rows[i]);
		if (is_sourced(&rows[i]))
			(void) bko_source_first(frame, BKO_TEXT(&rows[i], LINE_ITEM));
		else
			want(frame, &rows[i]);
	}
	bko_frame_sort(frame);
	nstocks = bko_frame_stocks(frame, &stocks);
	for (int i = 0; i < nstocks; i++)
	{
		if (!sourced && stocks[i]->wanted > 0)
			(void) bko_stock_touch_lane(frame, stocks[i]->item, stocks[i]->location,
										stocks[i]->wanted);
		else
			(void) bko_stock_touch(frame, stocks[i]->item, stocks[i]->location);
	}
}

/* The stock row of a line, or its lane, which lock_stocks() has locked. */
static BkoStock *
get_locked(BkoFrame *frame, BkoRow *row)
{
	text	   *item = BKO_TEXT(row, LINE_ITEM);
	text	   *location = BKO_TEXT(row, LINE_LOCATION);
	BkoStock   *stock = bko_frame_lookup(frame, item, location);

	if (stock && stock->lane > 0)
	{
		bko_stock_fresh(frame, stock);
		return stock;
	}
	return bko_stock_touch(frame, item, location);
}

/*
 * Split one line, its stock row being locked, as an INSERT would.  Raises BK002,
 * and BK006 for a line that is sourced to a place with another step.
 */
static void
split_line(BkoFrame *frame, BkoRow *row, SplitLine *split)
{
	TimestampTz queued_at = DatumGetTimestampTz(BKO_VALUE(row, LINE_QUEUED_AT));
	bool		given = !BKO_ISNULL(row, LINE_QUEUED_AT);
	BkoLine		line = {0};
	BkoStock   *stock;
	BkoQty		qty;

	if (is_sourced(row))
		bko_source_line(frame, row);
	stock = get_locked(frame, row);
	qty = qty_of(row);
	if (is_sourced(row))
		bko_line_check_step(stock, qty);
	line.line_id = DatumGetInt64(BKO_VALUE(row, LINE_ID));
	bko_row_policy(row, &line);
	bko_row_who(frame, stock, row, &line);
	split->queued_at = given ? queued_at : bko_stock_queued_at(frame, stock);
	(void) bko_line_split(frame, stock, &line, qty);
	if (is_sourced(row))
		bko_source_keep_parts(frame, stock, line.line_id, split->queued_at);

	stock->s_backordered += line.backordered;
	bko_line_journal_entry(frame, stock, line.line_id, line.shipped, line.allocated,
						   line.backordered);
	if (line.policy == 'o' && line.allocated > 0 && line.backordered == 0)
		bko_order_is_due(frame, line.order_ref);
	split->line = line;
	split->stock = stock;
}

enum
{
	COL_LINE_ID, COL_ITEM, COL_LOCATION, COL_ORDERED, COL_SHIPPED, COL_ALLOCATED,
	COL_BACKORDERED, COL_QUEUED_AT, NCOLS
};

static const Oid column_types[NCOLS] = {
	INT8OID, TEXTOID, TEXTOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, TIMESTAMPTZOID
};

static void
split_datums(int i, void *arg, Datum *values, bool *nulls)
{
	const SplitLine *split = (const SplitLine *) arg + i;

	values[COL_LINE_ID] = Int64GetDatum(split->line.line_id);
	values[COL_ITEM] = PointerGetDatum(split->stock->item);
	values[COL_LOCATION] = PointerGetDatum(split->stock->location);
	values[COL_ORDERED] = NumericGetDatum(bko_qty_to_numeric(split->line.ordered));
	values[COL_SHIPPED] = NumericGetDatum(bko_qty_to_numeric(split->line.shipped));
	values[COL_ALLOCATED] = NumericGetDatum(bko_qty_to_numeric(split->line.allocated));
	values[COL_BACKORDERED] = NumericGetDatum(bko_qty_to_numeric(split->line.backordered));
	values[COL_QUEUED_AT] = TimestampTzGetDatum(split->queued_at);
	memset(nulls, false, NCOLS);
}

/* The columns of a line that its split changes. */
static const int columns_changed[] = {
	LINE_LOCATION, LINE_QTY_ORDERED, LINE_QTY_SHIPPED, LINE_QTY_ALLOCATED, LINE_QTY_BACKORDERED,
	LINE_QTY_FILLED_FIRST, LINE_QUEUED_AT, LINE_CLOSED_AT, LINE_PENDING
};

/* The same as PLAN_LINES_SPLIT, of one row. */
static void
fill_split(int64 i, void *arg, const BkoColumns *columns, Datum *values, bool *nulls)
{
	const SplitLine *split = (const SplitLine *) arg + i;
	BkoRow		row = {NULL, columns->attno, values, nulls};

	bko_row_set(&row, LINE_LOCATION, PointerGetDatum(split->stock->location));
	bko_row_set_qty(&row, LINE_QTY_ORDERED, split->line.ordered);
	bko_row_set_qty(&row, LINE_QTY_SHIPPED, split->line.shipped);
	bko_row_set_qty(&row, LINE_QTY_ALLOCATED, split->line.allocated);
	bko_row_set_qty(&row, LINE_QTY_BACKORDERED, split->line.backordered);
	bko_row_set_qty(&row, LINE_QTY_FILLED_FIRST, split->line.shipped + split->line.allocated);
	bko_row_set(&row, LINE_QUEUED_AT, TimestampTzGetDatum(split->queued_at));
	bko_row_set(&row, LINE_CLOSED_AT, TimestampTzGetDatum(split->queued_at));
	BKO_ISNULL(&row, LINE_CLOSED_AT) = split->line.allocated + split->line.backordered > 0;
	BKO_ISNULL(&row, LINE_PENDING) = true;
}

/* Write what has become of the lines; tids as bko_rewrite() takes them, or NULL. */
static void
write_lines(BkoFrame *frame, SplitLine *splits, const ItemPointerData *tids, uint64 n)
{
	for (uint64 done = 0; done < n; done += BATCH)
	{
		int			batch = Min(n - done, BATCH);
		Datum		args[NCOLS];
		MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "bko lines",
												  ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(cxt);

		if (tids == NULL ||
			!bko_rewrite(&frame->run, BKO_ORDER_LINE, columns_changed, lengthof(columns_changed),
						 tids + done, batch, fill_split, splits + done))
		{
			bko_column_arrays(args, column_types, NCOLS, batch, split_datums, splits + done);
			if (bko_run(&frame->run, PLAN_LINES_SPLIT, args, NULL, 0) != batch)
				ereport(ERROR,
						(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
						 errmsg("not all of %d order lines could be split", batch),
						 errhint("A BEFORE UPDATE trigger on order_line keeps rows from being updated.")));
		}
		MemoryContextSwitchTo(old);
		MemoryContextDelete(cxt);
	}
}

/*
 * Split the n lines of the last result, SPI being connected.  They are written
 * before the stock rows are settled, which looks at who waits in the table.
 */
static void
split_lines(const BkoRun *run, uint64 n)
{
	SPITupleTable *lines = SPI_tuptable;
	BkoRow	   *rows = read_rows(lines, n);
	SplitLine  *splits = palloc_extended(n * sizeof(SplitLine), MCXT_ALLOC_HUGE);
	BkoFrame   *frame = bko_frame_push(run, BKO_ORDER_LINE, TRIGGER_EVENT_TRUNCATE, NULL);
	BkoParts   *parts;

	lock_stocks(frame, rows, n);
	for (uint64 i = 0; i < n; i++)
		split_line(frame, &rows[i], &splits[i]);
	bko_shortage_record(frame);
	write_lines(frame, splits, places_of(rows, n), n);
	bko_settle(frame);
	parts = bko_source_parts(frame);
	bko_frame_close(frame);
	SPI_freetuptable(lines);
	if (parts)
		bko_source_insert_parts(run, parts);
}

/* May the transaction have lines pending in a book?  False is certain. */
bool
bko_may_have_pending(const BkoBook *book)
{
	FullTransactionId xid = GetTopFullTransactionIdIfAny();

	return FullTransactionIdIsValid(xid) && book->pending_xid == U64FromFullTransactionId(xid) &&
		!(book->split_at == book->npended && book->split_epoch == bko_epoch());
}

/*
 * Split all lines that the transaction has pending in a book, SPI being
 * connected.  Raises what the split of a new line raises: BK001, BK002, BK006.
 */
void
bko_split_pending(const BkoRun *run)
{
	BkoBook    *book = run->book;
	Datum		numbers[2];
	Datum		arg;
	uint64		n;

	if (!bko_may_have_pending(book))
		return;
	numbers[0] = Int64GetDatum((int64) book->pending_xid);
	numbers[1] = Int64GetDatum(-(int64) book->pending_xid);
	arg = bko_array(numbers, NULL, lengthof(numbers), INT8OID);
	book->split_at = book->npended;
	n = bko_run(run, PLAN_PENDING_OWN, &arg, NULL, 0);
	if (n > 0)
		split_lines(run, n);
	book->split_epoch = bko_epoch();
}

/*
 * Split every line that was left pending: bko's trigger was disabled when its
 * transaction ended.  Returns how many there were, SPI being connected.
 */
uint64
bko_split_stranded(const BkoRun *run)
{
	uint64		n;

	bko_split_pending(run);
	n = bko_run(run, PLAN_PENDING_ALL, NULL, NULL, 0);
	if (n > 0)
		split_lines(run, n);
	return n;
}

/*
 * bko.line_split(): AFTER INSERT on order_line, deferred.  The first one fired
 * splits all lines that the transaction has pending; the others find none left.
 */
Datum
bko_line_split_due(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoRun		run;

	bko_check_trigger(fcinfo, "bko.line_split", 0, true, BKO_ON_INSERT);
	run = bko_book_of_table(trigdata->tg_relation);
	if (!bko_may_have_pending(run.book))
		return PointerGetDatum(NULL);
	SPI_connect();
	bko_split_pending(&run);
	SPI_finish();
	return PointerGetDatum(NULL);
}
