/*-------------------------------------------------------------------------
 *
 * queue.c
 *	  Who is filled when stock rises, and who gives up when it falls.
 *
 * The queue is read through a partial index in fill order, in batches, until
 * the quantity is spent: a fill costs what it fills, however long the queue.
 * Decisions are kept as changes of lines and written when the statement ends.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Lines written at once. */
#define BATCH 8192

/* The one-letter code of a ship_policy. */
char
bko_policy_code(const text *policy)
{
	return VARDATA_ANY(policy)[0];
}

static BkoWaiting *
add_waiting(BkoFrame *frame, BkoStock *stock)
{
	if (stock->nqueue == stock->maxqueue)
	{
		stock->maxqueue = stock->maxqueue ? stock->maxqueue * 2 : 16;
		stock->queue = stock->queue ?
			repalloc_huge(stock->queue, stock->maxqueue * sizeof(BkoWaiting)) :
			MemoryContextAlloc(frame->cxt, stock->maxqueue * sizeof(BkoWaiting));
	}
	return &stock->queue[stock->nqueue++];
}

/* A row of QUEUE_COLUMNS. */
static BkoWaiting
waiting_of_result(uint64 row)
{
	BkoWaiting	waiting;
	bool		isnull;
	Datum		value;

	waiting.line_id = DatumGetInt64(bko_result(row, 1, &isnull));
	waiting.priority = DatumGetInt32(bko_result(row, 2, &isnull));
	waiting.queued_at = DatumGetTimestampTz(bko_result(row, 3, &isnull));
	value = bko_result(row, 4, &isnull);
	waiting.open = bko_stored_qty(value, isnull, "qty_backordered");
	value = bko_result(row, 5, &isnull);
	waiting.allocated = bko_stored_qty(value, isnull, "qty_allocated");
	waiting.policy = bko_policy_code(DatumGetTextPP(bko_result(row, 6, &isnull)));
	return waiting;
}

/* Read the next lines of the queue. */
static void
read_queue(BkoFrame *frame, BkoStock *stock)
{
	Datum		args[5];
	uint64		n;
	uint64		asked;

	args[0] = PointerGetDatum(stock->item);
	args[1] = PointerGetDatum(stock->location);
	if (!stock->queue_read)
	{
		asked = 16;
		n = bko_run(&frame->run, PLAN_QUEUE_HEAD, args, NULL, 0);
	}
	else
	{
		BkoWaiting *last = &stock->queue[stock->nqueue - 1];

		asked = 1024;
		args[2] = Int32GetDatum(last->priority);
		args[3] = TimestampTzGetDatum(last->queued_at);
		args[4] = Int64GetDatum(last->line_id);
		n = bko_run(&frame->run, PLAN_QUEUE_NEXT, args, NULL, 0);
	}
	for (uint64 i = 0; i < n; i++)
		*add_waiting(frame, stock) = waiting_of_result(i);
	SPI_freetuptable(SPI_tuptable);
	stock->queue_read = true;
	stock->queue_ended = (n < asked);
}

/* The first line that still waits, or NULL. */
static BkoWaiting *
first_waiting(BkoFrame *frame, BkoStock *stock)
{
	for (;;)
	{
		while (stock->nextqueue < stock->nqueue)
		{
			if (stock->queue[stock->nextqueue].open > 0)
				return &stock->queue[stock->nextqueue];
			stock->nextqueue++;
		}
		if (stock->queue_ended)
			return NULL;
		read_queue(frame, stock);
	}
}

static BkoChange *
add_change(BkoFrame *frame, BkoStock *stock)
{
	if (stock->nchanges == stock->maxchanges)
	{
		stock->maxchanges = stock->maxchanges ? stock->maxchanges * 2 : 4;
		stock->changes = stock->changes ?
			repalloc_huge(stock->changes, stock->maxchanges * sizeof(BkoChange)) :
			MemoryContextAlloc(frame->cxt, stock->maxchanges * sizeof(BkoChange));
	}
	return &stock->changes[stock->nchanges++];
}

/*
 * Give a waiting line "take" units: they ship, or are held for it where the
 * stock row or its ship_policy says so.  A line of policy "line" that is now
 * whole ships with all that was held for it.
 */
static void
give(BkoFrame *frame, BkoStock *stock, BkoWaiting *waiting, BkoQty take, int64 receipt_id)
{
	BkoChange  *change = add_change(frame, stock);
	bool		whole = (take == waiting->open);
	bool		ships = stock->ships_at_once &&
		(waiting->policy == 'p' || (waiting->policy == 'l' && whole));
	BkoQty		held = (ships && waiting->policy == 'l') ? waiting->allocated : 0;

	change->line_id = waiting->line_id;
	change->stock = stock;
	change->shipped = ships ? take + held : 0;
	change->allocated = ships ? -held : take;
	change->backordered = -take;
	change->receipt_id = receipt_id;
	change->waiting = waiting - stock->queue;

	waiting->open -= take;
	waiting->allocated += change->allocated;
	change->closes = (waiting->open == 0 && waiting->allocated == 0);
	bko_stock_add(stock, -change->shipped, change->allocated, change->backordered);
}

/* Has another open frame decided on lines of this stock row already? */
static bool
decided_elsewhere(BkoFrame *frame, BkoStock *stock)
{
	BkoFrame   *other = NULL;
	BkoStock   *share;

	while ((share = bko_frame_other(frame, stock, &other)) != NULL)
		if (share->nchanges > 0)
			return true;
	return false;
}

/*
 * Fill waiting lines, first in first out, with what is available, SPI being
 * connected and the stock row fresh.  receipt_id: where the goods came from,
 * or 0.  Returns what was given away.
 *
 * Where another open frame has decided on lines of this row and not written
 * them, the table doesn't show who waits: that frame settles when it ends.
 */
BkoQty
bko_queue_fill(BkoFrame *frame, BkoStock *stock, int64 receipt_id)
{
	BkoQty		available = bko_stock_available(frame, stock);
	BkoQty		given = 0;
	BkoWaiting *waiting;

	if (bko_whole_steps(available, stock->step) == 0 ||
		bko_stock_backordered(frame, stock) <= 0 ||
		decided_elsewhere(frame, stock))
		return 0;

	while ((waiting = first_waiting(frame, stock)) != NULL)
	{
		BkoQty		take = bko_take(waiting->open, available, stock->step);

		if (take == 0)
			break;
		give(frame, stock, waiting, take, receipt_id);
		available -= take;
		given += take;
	}
	return given;
}

/* Take the changes from the nchanges-th on back: their receipt never went in. */
void
bko_queue_unfill(BkoStock *stock, int nchanges)
{
	while (stock->nchanges > nchanges)
	{
		BkoChange  *change = &stock->changes[--stock->nchanges];
		BkoWaiting *waiting = &stock->queue[change->waiting];

		waiting->open -= change->backordered;
		waiting->allocated -= change->allocated;
		stock->nextqueue = Min(stock->nextqueue, change->waiting);
		bko_stock_add(stock, change->shipped, -change->allocated, -change->backordered);
	}
}

/*
 * Free "needed" units of what is allocated: the last in the queue give up
 * first, and wait again at their old place.  SPI being connected.
 */
void
bko_queue_release(BkoFrame *frame, BkoStock *stock, BkoQty needed)
{
	Datum		args[5];
	uint64		n;

	args[0] = PointerGetDatum(stock->item);
	args[1] = PointerGetDatum(stock->location);
	args[2] = Int32GetDatum(PG_INT32_MAX);
	args[3] = TimestampTzGetDatum(DT_NOEND);
	args[4] = Int64GetDatum(PG_INT64_MAX);
	while (needed > 0)
	{
		BkoWaiting	last = {0};

		n = bko_run(&frame->run, PLAN_ALLOCATED_LAST, args, NULL, 0);
		for (uint64 i = 0; i < n && needed > 0; i++)
		{
			BkoChange  *change;
			BkoQty		freed;

			last = waiting_of_result(i);
			freed = bko_give_up(last.allocated, needed, stock->step);
			change = add_change(frame, stock);
			memset(change, 0, sizeof(BkoChange));
			change->line_id = last.line_id;
			change->stock = stock;
			change->allocated = -freed;
			change->backordered = freed;
			bko_stock_add(stock, 0, -freed, freed);
			needed -= freed;
		}
		SPI_freetuptable(SPI_tuptable);
		if (n == 0)
			ereport(ERROR,
					(errcode(ERRCODE_BKO_BELOW_ZERO),
					 errmsg("no line is left to release %s of %s",
							bko_qty_text(needed), bko_where(stock->item, stock->location)),
					 errhint("The stock row's counters don't agree with the lines; see verify() and rebuild().")));
		args[2] = Int32GetDatum(last.priority);
		args[3] = TimestampTzGetDatum(last.queued_at);
		args[4] = Int64GetDatum(last.line_id);
	}
}

/* The movements that a change of a line amounts to. */
static void
journal_change(BkoFrame *frame, const BkoChange *change)
{
	const BkoStock *stock = change->stock;
	BkoQty		took = -change->backordered;

	if (took < 0)
		bko_journal(frame, KIND_RELEASE, STATE_ALLOCATED, STATE_BACKORDERED,
					stock->item, stock->location, -took, change->line_id, 0, 0);
	else if (change->shipped > 0)
	{
		bko_journal(frame, KIND_SHIP, STATE_BACKORDERED, STATE_SHIPPED, stock->item,
					stock->location, took, change->line_id, change->receipt_id, 0);
		bko_journal(frame, KIND_SHIP, STATE_ALLOCATED, STATE_SHIPPED, stock->item,
					stock->location, -change->allocated, change->line_id, 0, 0);
	}
	else
		bko_journal(frame, KIND_ALLOCATE, STATE_BACKORDERED, STATE_ALLOCATED, stock->item,
					stock->location, took, change->line_id, change->receipt_id, 0);
}

/* Changes of lines, gathered column by column for one statement. */
typedef struct LineBatch
{
	int			n;
	int			max;
	Datum	   *line_id;
	Datum	   *item;
	BkoQty	   *shipped;
	BkoQty	   *allocated;
	BkoQty	   *backordered;
	Datum	   *closes;
} LineBatch;

static LineBatch *
make_batch(int nchanges)
{
	LineBatch  *batch = palloc(sizeof(LineBatch));

	batch->n = 0;
	batch->max = Min(nchanges, BATCH);
	batch->line_id = palloc(batch->max * sizeof(Datum));
	batch->item = palloc(batch->max * sizeof(Datum));
	batch->shipped = palloc(batch->max * sizeof(BkoQty));
	batch->allocated = palloc(batch->max * sizeof(BkoQty));
	batch->backordered = palloc(batch->max * sizeof(BkoQty));
	batch->closes = palloc(batch->max * sizeof(Datum));
	return batch;
}

static Datum
qty_array(const BkoQty *qty, int n)
{
	Datum	   *values = palloc(n * sizeof(Datum));

	for (int i = 0; i < n; i++)
		values[i] = NumericGetDatum(bko_qty_to_numeric(qty[i]));
	return bko_array(values, NULL, n, NUMERICOID);
}

static void
write_batch(BkoFrame *frame, LineBatch *batch)
{
	int			n = batch->n;
	Datum		args[7];
	MemoryContext cxt;
	MemoryContext old;

	if (n == 0)
		return;
	cxt = AllocSetContextCreate(CurrentMemoryContext, "bko lines", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(cxt);
	args[0] = bko_array(batch->line_id, NULL, n, INT8OID);
	args[1] = bko_array(batch->item, NULL, n, TEXTOID);
	args[2] = qty_array(batch->shipped, n);
	args[3] = qty_array(batch->allocated, n);
	args[4] = qty_array(batch->backordered, n);
	args[5] = bko_array(batch->closes, NULL, n, BOOLOID);
	args[6] = TimestampTzGetDatum(bko_journal_now(frame));
	if (bko_run(&frame->run, PLAN_LINES_WRITE, args, NULL, 0) != n)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("not all of %d order lines could be written", n),
				 errhint("A BEFORE UPDATE trigger on order_line keeps rows from being updated.")));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
	batch->n = 0;
}

/*
 * Add a change to the batch.  Two receipts of one statement may fill one line:
 * their changes follow each other, and one UPDATE must carry both.
 */
static void
add_to_batch(BkoFrame *frame, LineBatch *batch, const BkoChange *change)
{
	int			i = batch->n - 1;

	if (i < 0 || DatumGetInt64(batch->line_id[i]) != change->line_id)
	{
		if (batch->n == batch->max)
			write_batch(frame, batch);
		i = batch->n++;
		batch->line_id[i] = Int64GetDatum(change->line_id);
		batch->item[i] = PointerGetDatum(change->stock->item);
		batch->shipped[i] = batch->allocated[i] = batch->backordered[i] = 0;
	}
	batch->shipped[i] += change->shipped;
	batch->allocated[i] += change->allocated;
	batch->backordered[i] += change->backordered;
	batch->closes[i] = BoolGetDatum(change->closes);
}

static void
tell_sink(const BkoChange *change)
{
	BkoSink    *sink = bko_fill_sink;

	if (sink->n == sink->max)
	{
		MemoryContext old = MemoryContextSwitchTo(sink->cxt);
		int			max = sink->max ? sink->max * 2 : 16;

		sink->line_id = sink->max ? repalloc_huge(sink->line_id, max * sizeof(int64)) :
			palloc(max * sizeof(int64));
		sink->qty = sink->max ? repalloc_huge(sink->qty, max * sizeof(BkoQty)) :
			palloc(max * sizeof(BkoQty));
		sink->shipped = sink->max ? repalloc_huge(sink->shipped, max * sizeof(BkoQty)) :
			palloc(max * sizeof(BkoQty));
		sink->max = max;
		MemoryContextSwitchTo(old);
	}
	sink->line_id[sink->n] = change->line_id;
	sink->qty[sink->n] = -change->backordered;
	sink->shipped[sink->n] = change->shipped;
	sink->n++;
}

/* Write all changes of lines that the frame has decided, SPI being connected. */
void
bko_queue_write(BkoFrame *frame)
{
	BkoStock  **stocks;
	int			n = bko_frame_stocks(frame, &stocks);
	int			nchanges = 0;
	LineBatch  *batch;

	for (int s = 0; s < n; s++)
		nchanges += stocks[s]->nchanges;
	if (nchanges == 0)
		return;

	batch = make_batch(nchanges);
	for (int s = 0; s < n; s++)
	{
		for (int i = 0; i < stocks[s]->nchanges; i++)
		{
			BkoChange  *change = &stocks[s]->changes[i];

			add_to_batch(frame, batch, change);
			journal_change(frame, change);
			if (bko_fill_sink && change->receipt_id != 0)
				tell_sink(change);
		}
		stocks[s]->nchanges = 0;
	}
	write_batch(frame, batch);
	bko_epoch_next();
}
