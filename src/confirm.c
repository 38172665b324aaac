/*-------------------------------------------------------------------------
 *
 * confirm.c
 *	  Rows that have been decided and may still be kept out of their table, by
 *	  ON CONFLICT or another trigger: what they took is remembered, and given
 *	  back where they turn out not to have gone in.
 *
 * In the end the transition table tells what went in.  Before that, a row that
 * finds too little asks the table for the rows before it, so that what its
 * RETURNING says is true.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/timestamp.h"

/*
 * Rows not yet known to have gone in that a frame remembers before it makes
 * sure of them, which bounds the memory of a long COPY.
 */
#define MAX_UNCONFIRMED 500000

/* See confirm_stock(). */
#define CONFIRM_ALL_AFTER 64

/*
 * Which of the rows that took from some stock rows are in the table; palloc'd.
 *
 * A row that was there before has the same key as one that ON CONFLICT keeps
 * out: ours was inserted by this transaction, and a line has the queued_at that
 * we gave it.  (A receipt_id given twice in one transaction is told apart in
 * the end; see bko_receipt_done.)
 */
static bool *
read_there(BkoFrame *frame, BkoStock **stocks, int nstocks, int ntaken)
{
	Datum		args[3];
	Datum	   *ids = palloc_extended(ntaken * sizeof(Datum), MCXT_ALLOC_HUGE);
	Datum	   *items = palloc_extended(ntaken * sizeof(Datum), MCXT_ALLOC_HUGE);
	Datum	   *times = palloc_extended(ntaken * sizeof(Datum), MCXT_ALLOC_HUGE);
	bool	   *there = palloc0(ntaken * sizeof(bool));
	uint64		nrows;
	int			n = 0;

	if (frame->ask)
		return frame->ask(frame, stocks, nstocks, ntaken);
	for (int s = 0; s < nstocks; s++)
	{
		for (int i = 0; i < stocks[s]->ntaken; i++, n++)
		{
			ids[n] = Int64GetDatum(stocks[s]->taken[i].id);
			items[n] = PointerGetDatum(stocks[s]->item);
			times[n] = TimestampTzGetDatum(stocks[s]->taken[i].queued_at);
		}
	}
	args[0] = bko_array(ids, NULL, n, INT8OID);
	args[1] = bko_array(items, NULL, n, TEXTOID);
	args[2] = bko_array(times, NULL, n, TIMESTAMPTZOID);
	nrows = bko_run(&frame->run, frame->table == BKO_RECEIPT ?
					PLAN_RECEIPT_CONFIRM : PLAN_LINE_CONFIRM, args, NULL, 0);
	for (uint64 i = 0; i < nrows; i++)
	{
		bool		isnull;
		int			place = DatumGetInt64(bko_result(i, 1, &isnull)) - 1;

		there[place] = TransactionIdIsCurrentTransactionId(DatumGetTransactionId(bko_result(i, 2, &isnull)));
	}
	return there;
}

/* The rows that took from a stock row are known to be in. */
static void
forget_taken(BkoFrame *frame, BkoStock *stock)
{
	frame->ntaken -= stock->ntaken;
	stock->ntaken = 0;
}

/*
 * Keep what the rows that went in have taken from a stock row; those that
 * were kept out give it back.  "place" counts the rows from the first.
 *
 * A receipt that was kept out also gives back its fills and what it put on
 * supply, which are the last of their lists: each receipt makes sure of the
 * one before it.
 */
void
bko_keep(BkoFrame *frame, BkoStock *stock,
			   bool (*went_in) (const BkoTaken *taken, int place, void *arg), void *arg)
{
	for (int i = stock->ntaken - 1; i >= 0; i--)
	{
		BkoTaken   *taken = &stock->taken[i];

		if (went_in(taken, i, arg))
			continue;
		bko_queue_unfill(stock, taken->nchanges);
		stock->narrivals = Min(stock->narrivals, taken->narrivals);
		stock->received -= taken->on_hand;
		stock->assign_all = stock->assign_all && taken->assign_all;
		stock->part_take -= taken->part_take;
		stock->part_waits -= taken->part_waits;
		bko_stock_add(stock, -taken->on_hand, -taken->allocated, -taken->backordered);
		if (frame->table == BKO_ORDER_LINE)
			bko_limit_took(stock, taken->priority, taken->group,
						   taken->on_hand - taken->allocated);
	}
	forget_taken(frame, stock);
}

static bool
is_there(const BkoTaken *taken, int place, void *arg)
{
	return ((bool *) arg)[place];
}

/*
 * Make sure of a frame's rows that took from some stock rows.  A query in a
 * trigger sees the rows that the outer command has inserted so far.
 */
static void
confirm(BkoFrame *frame, BkoStock **stocks, int nstocks)
{
	bool	   *there;
	int			ntaken = 0;

	for (int s = 0; s < nstocks; s++)
		ntaken += stocks[s]->ntaken;
	if (ntaken == 0)
		return;
	SPI_connect();
	there = read_there(frame, stocks, nstocks, ntaken);
	for (int s = 0; s < nstocks; s++)
	{
		int			n = stocks[s]->ntaken;

		bko_keep(frame, stocks[s], is_there, there);
		there += n;
	}
	SPI_finish();
}

static void
confirm_all(BkoFrame *frame)
{
	BkoStock  **stocks;
	int			n = bko_frame_stocks(frame, &stocks);

	confirm(frame, stocks, n);
	for (int i = 0; i < n; i++)
	{
		/* room for the rows of others: a long COPY may touch many stock rows */
		if (stocks[i]->taken)
			pfree(stocks[i]->taken);
		stocks[i]->taken = NULL;
		stocks[i]->maxtaken = 0;
	}
	if (n > 0)
		pfree(stocks);
}

/*
 * Make sure of the rows that took from one stock row.  Where many of a
 * statement's items run short one after the other, make sure of all now and
 * then: that is one query instead of many.
 */
static void
confirm_stock(BkoFrame *frame, BkoStock *stock, int pending)
{
	if (bko_frame_all_in(frame, pending))
		forget_taken(frame, stock);
	else if (++frame->nconfirms % CONFIRM_ALL_AFTER == 0)
		confirm_all(frame);
	else
		confirm(frame, &stock, 1);
}

/*
 * Make sure of the earlier rows of this statement that took from the stock
 * row, so that what is said next about it is true.  An INSERT with ON CONFLICT
 * DO UPDATE decides in two frames of the same depth; of a frame further out
 * the last row may still be on its way, and can't be made sure of.
 *
 * Returns whether there was anything to make sure of.
 */
bool
bko_confirm(BkoFrame *frame, BkoStock *stock)
{
	BkoFrame   *other = NULL;
	BkoStock   *share;
	bool		any = false;

	if (stock->ntaken > 0)
	{
		confirm_stock(frame, stock, 1);	/* the row that asks */
		any = true;
	}
	while ((share = bko_frame_other(frame, stock, &other)) != NULL)
	{
		if (other->depth == frame->depth && share->ntaken > 0)
		{
			confirm_stock(other, share, 0);
			any = true;
		}
	}
	return any;
}

/*
 * The statement has ended: make sure of all its rows that took from a stock
 * row, as far as they aren't known to have gone in.
 */
void
bko_confirm_rest(BkoFrame *frame, BkoStock *stock)
{
	if (stock->ntaken > 0)
		confirm(frame, &stock, 1);
}

/*
 * Mostly all rows so far have gone in: then the one before "stock" takes is
 * forgotten, and its memory serves the next.
 */
static void
forget_last(BkoFrame *frame, BkoStock *stock)
{
	BkoStock   *last = frame->last_took;

	frame->last_took = stock;
	if (last == NULL || frame->ntaken != last->ntaken || !bko_frame_all_in(frame, 1))
		return;
	forget_taken(frame, last);
	if (stock->taken == NULL)
	{
		stock->taken = last->taken;
		stock->maxtaken = last->maxtaken;
		last->taken = NULL;
		last->maxtaken = 0;
	}
}

/*
 * A row being inserted has taken something, and may still be kept out by ON
 * CONFLICT or another trigger: remember what it took.  (Further parts of a line
 * are remembered after its row, which is still on its way.)
 */
void
bko_took(BkoFrame *frame, BkoStock *stock, const BkoTaken *taken)
{
	bool		part = taken->part_take + taken->part_waits > 0;

	if (!part)
		forget_last(frame, stock);
	if (frame->ntaken >= MAX_UNCONFIRMED && !part)
		confirm_all(frame);
	if (stock->ntaken == stock->maxtaken)
	{
		stock->maxtaken = stock->maxtaken ? stock->maxtaken * 2 : 1;
		stock->taken = stock->taken ?
			repalloc_huge(stock->taken, stock->maxtaken * sizeof(BkoTaken)) :
			MemoryContextAlloc(frame->cxt, stock->maxtaken * sizeof(BkoTaken));
	}
	stock->taken[stock->ntaken++] = *taken;
	frame->ntaken++;
}
