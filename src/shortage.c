/*-------------------------------------------------------------------------
 *
 * shortage.c
 *	  The facts of a shortage, recorded when it comes about: what was there and
 *	  what was owed can't be told later.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

/*
 * Lines of an INSERT wait: record, once for each of their stock rows, what
 * stood there before the statement, SPI being connected and nothing written.
 * The time is that of the lines' movements, by which they are found.
 */
void
bko_shortage_record(BkoFrame *frame)
{
	BkoStock  **stocks;
	int			n = bko_frame_stocks(frame, &stocks);
	Datum	   *items;
	Datum	   *locations;
	Datum		args[4];
	int			nshort = 0;

	if (!frame->run.book->record_shortages)
		return;
	items = palloc(Max(n, 1) * sizeof(Datum));
	locations = palloc(Max(n, 1) * sizeof(Datum));
	for (int i = 0; i < n; i++)
	{
		if (stocks[i]->s_backordered <= 0)
			continue;
		items[nshort] = PointerGetDatum(stocks[i]->item);
		locations[nshort++] = PointerGetDatum(stocks[i]->location);
	}
	if (nshort == 0)
		return;
	args[0] = TimestampTzGetDatum(bko_journal_now(frame));
	args[1] = DateADTGetDatum(bko_book_day(frame->run.book, bko_journal_now(frame)));
	args[2] = nshort == 1 ? items[0] : bko_array(items, NULL, nshort, TEXTOID);
	args[3] = nshort == 1 ? locations[0] : bko_array(locations, NULL, nshort, TEXTOID);
	(void) bko_run(&frame->run, nshort == 1 ? PLAN_SHORTAGE_ONE : PLAN_SHORTAGE_MANY,
				   args, NULL, 0);
}
