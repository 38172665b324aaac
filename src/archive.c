/*-------------------------------------------------------------------------
 *
 * archive.c
 *	  archive(): closed lines and their journal go to tables of their own.
 *
 * No stock row is read or locked: a closed line has nothing of it, and what its
 * movements did to on_hand, and what of it receipts had filled, is added up in
 * archived_total by the statement that moves them.  Whoever
 * changes a closed line (a return, a larger quantity) or its journal has the
 * line locked; such lines are left for another time.
 *
 * One at a time in a book, by the lock of its row in "book": two would meet in
 * the rows of archived_total.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Lines looked at together, which bounds the memory that they take. */
#define BATCH 4096

PG_FUNCTION_INFO_V1(bko_archive);

/* Lines that were closed in time, as they come by their numbers. */
typedef struct Picked
{
	int			n;				/* how many, with and without an order */
	Datum	   *line_ids;		/* those that belong to no order */
	Datum	   *items;
	int			nlines;
	Datum	   *refs;			/* orders of the others, each once in a row */
	int			nrefs;
} Picked;

/* The last line that was looked at. */
typedef struct Place
{
	int64		line_id;
	text	   *item;
} Place;

/* Behind the last of the lines read; the item outlives the batch. */
static void
go_on_behind(Place *place, uint64 last, MemoryContext cxt)
{
	MemoryContext old = MemoryContextSwitchTo(cxt);
	bool		isnull;

	pfree(place->item);
	place->line_id = DatumGetInt64(bko_result(last, 1, &isnull));
	place->item = DatumGetTextPCopy(PointerGetDatum(bko_result_text(last, 2)));
	MemoryContextSwitchTo(old);
}

/*
 * The next lines behind a place, which moves on; palloc'd.  There are no more
 * where fewer than max come.
 */
static Picked
pick(const BkoRun *run, Datum before, Place *place, int max, MemoryContext cxt)
{
	Picked		picked = {0};
	Datum		args[4];

	args[0] = before;
	args[1] = Int64GetDatum(place->line_id);
	args[2] = PointerGetDatum(place->item);
	args[3] = Int64GetDatum(max);
	picked.n = bko_run(run, PLAN_ARCHIVE_PICK, args, NULL, 0);
	picked.line_ids = palloc(max * sizeof(Datum));
	picked.items = palloc(max * sizeof(Datum));
	picked.refs = palloc(max * sizeof(Datum));
	for (int i = 0; i < picked.n; i++)
	{
		bool		isnull;
		Datum		ref = bko_result(i, 3, &isnull);

		if (isnull)
		{
			picked.line_ids[picked.nlines] = bko_result(i, 1, &isnull);
			picked.items[picked.nlines++] = PointerGetDatum(bko_result_text(i, 2));
		}
		else if (picked.nrefs == 0 ||
				 !bko_same_text(DatumGetTextPP(ref), DatumGetTextPP(picked.refs[picked.nrefs - 1])))
			picked.refs[picked.nrefs++] = ref;
	}
	if (picked.n > 0)
		go_on_behind(place, picked.n - 1, cxt);
	return picked;
}

/*
 * Leave out the orders that have a line which is open or was closed later: they
 * may be long, and are not to be locked for nothing.
 */
static void
leave_out_open_orders(const BkoRun *run, Datum before, Picked *picked)
{
	Datum		args[2];
	uint64		n;
	bool	   *open = palloc0(Max(picked->nrefs, 1) * sizeof(bool));
	int			nleft = 0;

	args[0] = bko_array(picked->refs, NULL, picked->nrefs, TEXTOID);
	args[1] = before;
	n = bko_run(run, PLAN_ARCHIVE_OPEN_ORDERS, args, NULL, 0);
	for (uint64 i = 0; i < n; i++)
	{
		bool		isnull;

		open[DatumGetInt64(bko_result(i, 1, &isnull)) - 1] = true;
	}
	for (int i = 0; i < picked->nrefs; i++)
		if (!open[i])
			picked->refs[nleft++] = picked->refs[i];
	picked->nrefs = nleft;
}

/* The keys of the last result, line_id and item, as arrays; returns their number. */
static int
keys_of_result(uint64 n, Datum *args)
{
	Datum	   *ids = palloc_extended(Max(n, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	Datum	   *items = palloc_extended(Max(n, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);

	for (uint64 i = 0; i < n; i++)
	{
		bool		isnull;

		ids[i] = bko_result(i, 1, &isnull);
		items[i] = PointerGetDatum(bko_result_text(i, 2));
	}
	args[0] = bko_array(ids, NULL, n, INT8OID);
	args[1] = bko_array(items, NULL, n, TEXTOID);
	return n;
}

/*
 * Move those of the picked lines that can go, and the others of their orders.
 * They are locked first: what is asked of them next is told by a later snapshot,
 * with whatever was done to them until then.
 */
static int64
move(const BkoRun *run, Datum before, const Picked *picked)
{
	Datum		args[4];
	int			n;

	if (picked->nlines + picked->nrefs == 0)
		return 0;
	args[0] = bko_array(picked->line_ids, NULL, picked->nlines, INT8OID);
	args[1] = bko_array(picked->items, NULL, picked->nlines, TEXTOID);
	args[2] = bko_array(picked->refs, NULL, picked->nrefs, TEXTOID);
	args[3] = before;
	n = keys_of_result(bko_run(run, PLAN_ARCHIVE_LOCK, args, NULL, 0), args);
	n = keys_of_result(bko_run(run, PLAN_ARCHIVE_READY, args, NULL, 0), args);
	if (n == 0)
		return 0;
	(void) bko_run(run, PLAN_ARCHIVE_JOURNAL, args, NULL, 0);
	if (bko_run(run, PLAN_ARCHIVE_LINES, args, NULL, 0) != n)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("closed lines could not be moved to table \"archived_line\""),
				 errhint("A trigger on order_line or archived_line keeps rows from being deleted or inserted.")));
	return n;
}

/* Raises 22004, 22023. */
static void
check_arguments(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("before is null"),
				 errhint("Lines closed before that time are moved.")));
	if (PG_ARGISNULL(2) || PG_GETARG_INT32(2) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_lines must be 1 or more"),
				 errhint("Leave it out for batches of 10000 lines.")));
}

/*
 * bko.archive(book, before, max_lines): moves lines closed before that time, and
 * what the journal has of them, to the archive: those with the lowest numbers
 * first, each with its whole order, until max_lines have gone or none is left.
 * Returns how many have gone, which may be more by what belongs to the last
 * orders.  Raises 22004, 22023, 55000 where the archive lacks a column.
 */
Datum
bko_archive(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	MemoryContext cxt = CurrentMemoryContext;
	Place		place;
	int64		nmoved = 0;
	bool		ended = false;
	Datum		before;
	int			max;

	check_arguments(fcinfo);
	before = PG_GETARG_DATUM(1);
	max = PG_GETARG_INT32(2);
	place.line_id = PG_INT64_MIN;
	place.item = cstring_to_text("");
	SPI_connect();
	(void) bko_run(&run, PLAN_ARCHIVE_TURN, NULL, NULL, 0);
	SPI_finish();
	while (nmoved < max && !ended)
	{
		int			batch = Min(max - nmoved, BATCH);
		Picked		picked;

		SPI_connect();			/* what a batch needs goes with it */
		picked = pick(&run, before, &place, batch, cxt);
		ended = (picked.n < batch);
		leave_out_open_orders(&run, before, &picked);
		nmoved += move(&run, before, &picked);
		SPI_finish();
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_INT64(nmoved);
}
