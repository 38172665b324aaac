/*-------------------------------------------------------------------------
 *
 * whole_order.c
 *	  Orders of ship_policy "order": they ship when every line is there.
 *
 * Looked at when the transaction ends, so that the first line of an order
 * doesn't leave before the second is known.
 *
 * Two transactions may complete two lines of one order at the same time, each
 * not yet seeing the other's.  A lock on the order, taken at the end and held
 * for the commit alone, makes the second look when the first is done.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(bko_order_due);

/* Advisory locks of users have 1 and 2 here; see SET_LOCKTAG_ADVISORY. */
#define LOCK_CLASS_ORDER 3

/*
 * Take the due orders out of the table, all or only one, sorted and each
 * locked; palloc'd.
 */
static int
lock_due(const BkoRun *run, const text *only, Datum *refs)
{
	Datum		arg = PointerGetDatum(only);
	int			n = bko_run(run, PLAN_DUE_READ, &arg, only ? " " : "n", 0);
	Datum	   *values;

	if (n == 0)
		return 0;
	values = palloc(n * sizeof(Datum));
	for (int i = 0; i < n; i++)
	{
		text	   *ref = DatumGetTextPCopy(PointerGetDatum(bko_result_text(i, 1)));
		LOCKTAG		tag;

		SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, run->book->nspoid,
							 hash_bytes((unsigned char *) VARDATA_ANY(ref),
										VARSIZE_ANY_EXHDR(ref)),
							 LOCK_CLASS_ORDER);
		(void) LockAcquire(&tag, ExclusiveLock, false, false);
		values[i] = PointerGetDatum(ref);
	}
	SPI_freetuptable(SPI_tuptable);
	*refs = bko_array(values, NULL, n, TEXTOID);
	bko_run(run, PLAN_DUE_CLEAR, refs, NULL, 0);
	return n;
}

/*
 * As many lines are to be shipped by the transaction's snapshot as by the newest,
 * where it keeps one: else a line that is not among them was changed since.
 * Returns how many.  Raises 40001.
 */
static uint64
check_snapshot(uint64 newest, uint64 own)
{
	if (own != newest && IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update"),
				 errdetail("Another transaction has completed an order, or a line of it was changed meanwhile.")));
	return own;
}

/*
 * Ship the due orders of which every line is there, or only one of them where
 * "only" names it, SPI being connected.
 *
 * Which orders those are is read twice: first to know the stock rows to lock,
 * in their order, and with the newest snapshot, since another transaction may
 * have completed the order just now; then under their locks, to be acted on.
 * A snapshot that doesn't show what completed it is too old: 40001.
 */
void
bko_due_settle(const BkoRun *run, const text *only)
{
	BkoFrame   *frame;
	Datum		refs;
	uint64		n;
	bool		isnull;

	if (lock_due(run, only, &refs) == 0)
		return;
	frame = bko_frame_push(run, BKO_ORDER_LINE, TRIGGER_EVENT_TRUNCATE, NULL);
	n = bko_run_latest(run, PLAN_DUE_LINES, &refs, NULL);
	for (uint64 i = 0; i < n; i++)
		(void) bko_stock_touch(frame, bko_result_text(i, 2),
							   bko_result_text(i, 3));
	if (n > 0)
		n = check_snapshot(n, bko_run(run, PLAN_DUE_LINES, &refs, NULL, 0));
	for (uint64 i = 0; i < n; i++)
	{
		BkoStock   *stock = bko_frame_lookup(frame, bko_result_text(i, 2),
											 bko_result_text(i, 3));
		Datum		qty = bko_result(i, 4, &isnull);

		if (stock && stock->ships_at_once)
			bko_queue_ship(frame, stock, DatumGetInt64(bko_result(i, 1, &isnull)),
						   bko_stored_qty(qty, isnull, "qty_allocated"));
	}
	bko_settle(frame);
	bko_frame_close(frame);
}

/*
 * bko.order_due(): AFTER INSERT on order_due, deferred.  The first one fired
 * settles all orders that are due; the others find none left.  A line that is
 * not split yet would keep its order from being whole.
 */
Datum
bko_order_due(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoRun		run;

	bko_check_trigger(fcinfo, "bko.order_due", 0, true, BKO_ON_INSERT);
	run = bko_book_of_table(trigdata->tg_relation);
	SPI_connect();
	bko_split_pending(&run);
	bko_due_settle(&run, NULL);
	SPI_finish();
	return PointerGetDatum(NULL);
}
