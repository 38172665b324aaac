/*-------------------------------------------------------------------------
 *
 * order_function.c
 *	  place_order(): the lines of an order, inserted in lock order.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(bko_place_order);
PG_FUNCTION_INFO_V1(bko_placed_lines);

static const char *const line_keys[] = {
	"item", "qty", "qty_ordered", "location", "line_no", "demand", "customer", "priority",
	"ship_policy", "requested_on", "unit_price", "currency", "payment_days"
};

/* Refuse a JSON array whose lines are not what they should be. */
static void
check_lines(const BkoRun *run, Datum lines)
{
	Datum		args[2];
	Datum		keys[lengthof(line_keys)];
	Datum		bad;
	bool		isnull;

	for (int i = 0; i < lengthof(line_keys); i++)
		keys[i] = CStringGetTextDatum(line_keys[i]);
	args[0] = lines;
	args[1] = bko_array(keys, NULL, lengthof(line_keys), TEXTOID);
	(void) bko_run(run, PLAN_LINES_BAD_KEY, args, NULL, 0);
	bad = bko_result(0, 1, &isnull);
	if (!isnull)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s", TextDatumGetCString(bad)),
				 errhint("A line is an object with the keys item and qty, and, where wanted, location, line_no, demand, customer, priority, ship_policy, requested_on, unit_price, currency, payment_days.")));
}

/* line_ids that place_order() gave last, for placed_lines(); NULL: none. */
static ArrayType *placed = NULL;

static void
remember_placed(Datum *ids, int n)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	if (placed)
		pfree(placed);
	placed = NULL;
	placed = DatumGetArrayTypeP(bko_array(ids, NULL, n, INT8OID));
	MemoryContextSwitchTo(old);
}

/*
 * Where the call names no location, lines that name none are sourced if the
 * book has rules: then lock every stock row that the order may touch, in their
 * order, before the first line goes in.  Returns the location of such lines,
 * or null where the engine is to find one.
 */
static text *
lock_sources(const BkoRun *run, Datum lines)
{
	if (bko_run(run, PLAN_SOURCED, NULL, NULL, 1) == 0)
		return cstring_to_text("main");
	if (!run->book->at_commit && bko_may_insert(run, BKO_ORDER_LINE))
		bko_run(run, PLAN_ORDER_LOCK, &lines, NULL, 0);
	return NULL;
}

/* Insert the lines as the caller would; sink gets their further parts. */
static int
insert_lines(const BkoRun *run, Datum *args, const char *nulls, BkoPartSink *sink)
{
	BkoPartSink *save = bko_part_sink;
	int			n = 0;

	sink->cxt = CurrentMemoryContext;
	sink->book = run->book;
	sink->depth = bko_trigger_depth();
	bko_part_sink = sink;
	PG_TRY();
	{
		n = bko_run_as_caller(run, PLAN_LINES_INSERT, args, nulls);
	}
	PG_FINALLY();
	{
		bko_part_sink = save;
	}
	PG_END_TRY();
	return n;
}

/*
 * bko.place_order(book, order_ref, lines, customer, location, priority,
 * ship_policy, requested_on, currency, demand, payment_days): inserts the lines
 * as the caller would, in the order of items and locations, so that orders
 * placed at the same time never deadlock.  Lines for which neither the line nor
 * the call names a location are sourced.  In a book that allocates at commit
 * nothing is locked before.  Raises what an INSERT raises, and
 * 22023 for lines that are not what they should be.
 */
Datum
bko_place_order(PG_FUNCTION_ARGS)
{
	BkoRun		run;
	Datum		args[10];
	char		nulls[10];
	BkoPartSink sink = {0};
	Datum	   *ids;
	int			n;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the lines of the order are null"),
				 errhint("Give a JSON array of lines: '[{\"item\": \"X\", \"qty\": 1}]'.")));
	run = bko_book_of_regclass(PG_GETARG_OID(0));
	for (int i = 0; i < lengthof(args); i++)
	{
		args[i] = PG_GETARG_DATUM(i + 1);
		nulls[i] = PG_ARGISNULL(i + 1) ? 'n' : ' ';
	}
	SPI_connect();
	check_lines(&run, args[1]);
	if (nulls[3] == 'n')
	{
		text	   *location = lock_sources(&run, args[1]);

		args[3] = PointerGetDatum(location);
		nulls[3] = location ? ' ' : 'n';
	}
	n = insert_lines(&run, args, nulls, &sink);
	ids = palloc(Max(n + sink.n, 1) * sizeof(Datum));
	for (int i = 0; i < n; i++)
	{
		bool		isnull;

		ids[i] = Int64GetDatum(DatumGetInt64(bko_result(i, 1, &isnull)));
	}
	for (int i = 0; i < sink.n; i++)
		ids[n++] = Int64GetDatum(sink.line_id[i]);
	/* every line of the order is known: it need not wait for the commit, if they are split */
	if (!PG_ARGISNULL(1) && !bko_may_have_pending(run.book))
		bko_due_settle(&run, PG_GETARG_TEXT_PP(1));
	remember_placed(ids, n);
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * bko.placed_lines(): the line_ids that place_order() gave last in this
 * session, for the book's function of that name to return the lines.  (It
 * can't be told the type of its rows: a function that mentions it would keep
 * the owner from adding columns to order_line.)
 */
Datum
bko_placed_lines(PG_FUNCTION_ARGS)
{
	if (placed == NULL)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(DatumGetArrayTypePCopy(PointerGetDatum(placed)));
}
