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
 * Settle the stock rows of a frame and write everything that it has decided,
 * SPI being connected.
 */
void
bko_settle(BkoFrame *frame)
{
	BkoStock  **stocks;
	int			n = bko_frame_stocks(frame, &stocks);

	for (int i = 0; i < n; i++)
	{
		BkoStock   *stock = stocks[i];

		if (!stock->unsettled || bko_frame_shares(frame, stock))
			continue;
		bko_stock_fresh(frame, stock);
		bko_queue_fill(frame, stock, 0);
	}
	bko_queue_write(frame);
	bko_journal_write(frame);
	bko_stock_write(frame);
	bko_due_write(frame);
}
