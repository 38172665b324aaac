/*-------------------------------------------------------------------------
 *
 * settle.c
 *	  What every statement does before it ends: nobody may wait for what is
 *	  available, then lines, journal and stock rows are written.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

/*
 * Fill who can be filled from the frame's unsettled stock rows.  A row that a
 * statement further out has decided on is left to that one.
 */
static void
fill_unsettled(BkoFrame *frame, BkoStock **stocks, int n)
{
	for (int i = 0; i < n; i++)
	{
		BkoStock   *stock = stocks[i];

		if (!stock->unsettled)
			continue;
		stock->unsettled = stock->disturbed = false;
		bko_stock_fresh(frame, stock);
		if (bko_frame_shares(frame, stock))
			bko_frame_disturb(frame, stock);
		else
			(void) bko_queue_fill(frame, stock, BKO_NO_ID);
	}
}

static bool
any_unsettled(BkoStock **stocks, int n)
{
	for (int i = 0; i < n; i++)
		if (stocks[i]->unsettled)
			return true;
	return false;
}

/*
 * Settle the stock rows of a frame and write everything that it has decided,
 * SPI being connected.  Writing fires triggers of the application, which may
 * write to the book in turn and leave something to be settled here.
 */
void
bko_settle(BkoFrame *frame)
{
	BkoStock  **stocks;
	int			n = bko_frame_stocks(frame, &stocks);

	do
	{
		fill_unsettled(frame, stocks, n);
		bko_queue_write(frame);
		bko_journal_write(frame);
		bko_limits_write(frame);
		bko_stock_write(frame);
	} while (any_unsettled(stocks, n));
	bko_due_write(frame);
}

/*
 * What every AFTER STATEMENT trigger does: count in what really went in (where
 * "count_in" is given), settle, write, and close the frame.
 */
void
bko_finish_statement(TriggerData *trigdata, BkoTable table,
					 void (*count_in) (TriggerData *trigdata, BkoFrame *frame))
{
	BkoFrame   *frame = bko_frame_need(trigdata, table);

	if (frame->ndecided > 0)
	{
		SPI_connect();
		bko_frame_sort(frame);
		if (count_in)
			count_in(trigdata, frame);
		bko_settle(frame);
		SPI_finish();
	}
	bko_frame_close(frame);
}
