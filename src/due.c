/*-------------------------------------------------------------------------
 *
 * due.c
 *	  Notes which orders of ship_policy "order" may have become whole: they go
 *	  into the table order_due, whose deferred trigger looks at them when the
 *	  transaction ends (see whole_order.c).
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"

/* Note that an order is to be looked at; order_ref need not live on. */
void
bko_order_is_due(BkoFrame *frame, const text *order_ref)
{
	MemoryContext old;
	text	   *last = frame->due ? llast(frame->due) : NULL;

	if (order_ref == NULL ||
		(last && VARSIZE_ANY_EXHDR(last) == VARSIZE_ANY_EXHDR(order_ref) &&
		 memcmp(VARDATA_ANY(last), VARDATA_ANY(order_ref), VARSIZE_ANY_EXHDR(last)) == 0))
		return;
	old = MemoryContextSwitchTo(frame->cxt);
	frame->due = lappend(frame->due,
						 cstring_to_text_with_len(VARDATA_ANY(order_ref),
												  VARSIZE_ANY_EXHDR(order_ref)));
	MemoryContextSwitchTo(old);
}

/*
 * Is any order open that ships as a whole?  Then every line that is filled may
 * complete one.  (Whether it holds goods already can't be asked: another
 * transaction may be giving them to it.)  SPI being connected.
 */
bool
bko_whole_open(BkoFrame *frame)
{
	if (!frame->whole_known)
	{
		frame->whole_open = bko_run(&frame->run, PLAN_WHOLE_OPEN, NULL, NULL, 1) > 0;
		frame->whole_known = true;
	}
	return frame->whole_open;
}

/* Put the frame's due orders into the table, SPI being connected. */
void
bko_due_write(BkoFrame *frame)
{
	Datum	   *refs;
	Datum		args[1];
	ListCell   *cell;
	int			n = 0;

	if (frame->due == NIL)
		return;
	refs = palloc(list_length(frame->due) * sizeof(Datum));
	foreach(cell, frame->due)
		refs[n++] = PointerGetDatum(lfirst(cell));
	args[0] = bko_array(refs, NULL, n, TEXTOID);
	if (bko_run(&frame->run, PLAN_DUE_INSERT, args, NULL, 0) > 0)
		bko_due_inserted(frame->run.book);
	frame->due = NIL;
}

/* The transaction has put orders into the table. */
void
bko_due_inserted(BkoBook *book)
{
	book->due_xid = U64FromFullTransactionId(GetTopFullTransactionId());
}

/* May it have some there?  False is certain. */
bool
bko_may_be_due(const BkoBook *book)
{
	FullTransactionId xid = GetTopFullTransactionIdIfAny();

	return FullTransactionIdIsValid(xid) && book->due_xid == U64FromFullTransactionId(xid);
}
