/*-------------------------------------------------------------------------
 *
 * order_function.c
 *	  place_order(): the lines of an order, inserted in lock order.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

static const char *const line_keys[] = {
	"item", "qty", "qty_ordered", "location", "line_no", "demand", "customer", "priority",
	"ship_policy", "requested_on", "unit_price", "currency", "payment_days"
};

/* What may be wrong with a line, the worst first. */
typedef enum Fault
{
	NOT_AN_OBJECT, UNKNOWN_KEY, BOTH_QUANTITIES, INCOMPLETE, NFAULTS
} Fault;

static void
refuse_lines(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", what),
			 errhint("A line is an object with the keys item and qty, and, where wanted, location, line_no, demand, customer, priority, ship_policy, requested_on, unit_price, currency, payment_days.")));
}

static bool
is_key(const JsonbValue *key, const char *name)
{
	return key->val.string.len == strlen(name) &&
		memcmp(key->val.string.val, name, key->val.string.len) == 0;
}

static bool
is_line_key(const JsonbValue *key)
{
	for (int i = 0; i < lengthof(line_keys); i++)
		if (is_key(key, line_keys[i]))
			return true;
	return false;
}

/* Note the first fault of each kind. */
static void
check_line(JsonbContainer *line, int n, char **faults)
{
	JsonbIterator *it = JsonbIteratorInit(line);
	JsonbValue	v;
	JsonbIteratorToken token;
	bool		item = false;
	bool		qty = false;
	int			nqtys = 0;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		JsonbValue	key = v;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &v, true);
		if (is_key(&key, "item"))
			item = v.type != jbvNull;
		else if (is_key(&key, "qty") || is_key(&key, "qty_ordered"))
		{
			nqtys++;
			qty = qty || v.type != jbvNull;
		}
		else if (faults[UNKNOWN_KEY] == NULL && !is_line_key(&key))
			faults[UNKNOWN_KEY] = psprintf("line %d has an unknown key \"%.*s\"", n,
										   key.val.string.len, key.val.string.val);
	}
	if (nqtys > 1 && faults[BOTH_QUANTITIES] == NULL)
		faults[BOTH_QUANTITIES] = psprintf("line %d has both qty and qty_ordered", n);
	if ((!item || !qty) && faults[INCOMPLETE] == NULL)
		faults[INCOMPLETE] = psprintf("line %d has no %s", n, item ? "qty" : "item");
}

/* Refuse a JSON array whose lines are not what they should be.  Raises 22023. */
static void
check_lines(Jsonb *lines)
{
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;
	char	   *faults[NFAULTS] = {NULL};
	int			n = 0;

	if (!JB_ROOT_IS_ARRAY(lines) || JB_ROOT_IS_SCALAR(lines))
		refuse_lines("lines is not an array");
	if (JB_ROOT_COUNT(lines) == 0)
		refuse_lines("the order has no lines");
	it = JsonbIteratorInit(&lines->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		n++;
		if (v.type == jbvBinary && JsonContainerIsObject(v.val.binary.data))
			check_line(v.val.binary.data, n, faults);
		else if (faults[NOT_AN_OBJECT] == NULL)
			faults[NOT_AN_OBJECT] = psprintf("line %d is not an object but %s", n,
											 JsonbTypeName(&v));
	}
	for (int i = 0; i < NFAULTS; i++)
		if (faults[i])
			refuse_lines(faults[i]);
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

/* A line as it went in. */
typedef struct Placed
{
	int64		line_id;
	int64		line_no;		/* none: behind all others */
	bool		of_order;		/* no trigger has made it another's */
	ItemPointer tid;
	Datum		row;
} Placed;

/* The lines that the last statement has inserted, palloc'd. */
static Placed *
placed_lines(uint64 n)
{
	Placed	   *placed = palloc_extended(Max(n, 1) * sizeof(Placed), MCXT_ALLOC_HUGE);
	bool		isnull;

	for (uint64 i = 0; i < n; i++)
	{
		placed[i].line_id = DatumGetInt64(bko_result(i, 1, &isnull));
		placed[i].line_no = DatumGetInt32(bko_result(i, 2, &isnull));
		if (isnull)
			placed[i].line_no = PG_INT64_MAX;
		placed[i].of_order = DatumGetBool(bko_result(i, 3, &isnull));
		placed[i].tid = (ItemPointer) DatumGetPointer(bko_result(i, 4, &isnull));
		placed[i].row = bko_result(i, 5, &isnull);
	}
	return placed;
}

static int
compare_placed(const void *a, const void *b)
{
	const Placed *x = a;
	const Placed *y = b;

	if (x->line_no != y->line_no)
		return x->line_no < y->line_no ? -1 : 1;
	return x->line_id < y->line_id ? -1 : x->line_id > y->line_id;
}

/*
 * Are the lines still as they went in?  Triggers may have changed them, and
 * what ships as a whole may have left.
 */
static bool
are_unchanged(const BkoRun *run, const Placed *placed, int n)
{
	Relation	rel = table_open(get_relname_relid("order_line", run->book->nspoid), AccessShareLock);
	bool		unchanged = rel->rd_rel->relkind == RELKIND_RELATION && rel->rd_rules == NULL;
	TupleTableSlot *slot = unchanged ? table_slot_create(rel, NULL) : NULL;

	for (int i = 0; i < n && unchanged; i++)
		unchanged = table_tuple_fetch_row_version(rel, placed[i].tid, SnapshotSelf, slot);
	if (slot)
		ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	return unchanged;
}

static void
return_line(FunctionCallInfo fcinfo, Datum row)
{
	HeapTupleHeader line = DatumGetHeapTupleHeader(row);
	HeapTupleData tuple = {0};

	tuple.t_len = HeapTupleHeaderGetDatumLength(line);
	tuple.t_data = line;
	tuplestore_puttuple(((ReturnSetInfo *) fcinfo->resultinfo)->setResult, &tuple);
}

/*
 * Return the lines as they are now, those alone that still are of the order:
 * where they aren't as they went in, or there are further parts, by a query of
 * the caller's.
 */
static void
return_lines(FunctionCallInfo fcinfo, const BkoRun *run, Placed *placed, int n,
			 const BkoPartSink *sink)
{
	Datum	   *ids;
	Datum		args[2] = {0, PG_GETARG_DATUM(0)};
	uint64		nlines;
	bool		isnull;

	if (sink->n == 0 && are_unchanged(run, placed, n))
	{
		qsort(placed, n, sizeof(Placed), compare_placed);
		for (int i = 0; i < n; i++)
			if (placed[i].of_order)
				return_line(fcinfo, placed[i].row);
		return;
	}
	ids = palloc_extended((n + sink->n) * sizeof(Datum), MCXT_ALLOC_HUGE);
	for (int i = 0; i < n; i++)
		ids[i] = Int64GetDatum(placed[i].line_id);
	for (int i = 0; i < sink->n; i++)
		ids[n + i] = Int64GetDatum(sink->line_id[i]);
	args[0] = bko_array(ids, NULL, n + sink->n, INT8OID);
	nlines = bko_run_as_caller(run, PLAN_LINES_PLACED, args, PG_ARGISNULL(0) ? " n" : "  ");
	for (uint64 i = 0; i < nlines; i++)
		return_line(fcinfo, bko_result(i, 1, &isnull));
}

/*
 * A book's place_order(order_ref, lines, customer, location, priority,
 * ship_policy, requested_on, currency, demand, payment_days): inserts the lines
 * as the caller would, in the order of items and locations, so that orders
 * placed at the same time never deadlock, and returns them by their line_no.
 * Lines for which neither the line nor the call names a location are sourced.
 * In a book that allocates at commit nothing is locked before.  Raises what an
 * INSERT raises, and 22023 for lines that are not what they should be.
 */
Datum
bko_place_order(FunctionCallInfo fcinfo, const BkoRun *run)
{
	Datum		args[10];
	char		nulls[10];
	BkoPartSink sink = {0};
	Placed	   *placed;
	int			n;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the lines of the order are null"),
				 errhint("Give a JSON array of lines: '[{\"item\": \"X\", \"qty\": 1}]'.")));
	InitMaterializedSRF(fcinfo, 0);
	check_lines(PG_GETARG_JSONB_P(1));
	for (int i = 0; i < lengthof(args); i++)
	{
		args[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	SPI_connect();
	if (nulls[3] == 'n')
	{
		text	   *location = lock_sources(run, args[1]);

		args[3] = PointerGetDatum(location);
		nulls[3] = location ? ' ' : 'n';
	}
	n = insert_lines(run, args, nulls, &sink);
	placed = placed_lines(n);
	/* every line of the order is known: it need not wait for the commit, if they are split */
	if (!PG_ARGISNULL(0) && bko_may_be_due(run->book) && !bko_may_have_pending(run->book))
		bko_due_settle(run, PG_GETARG_TEXT_PP(0));
	return_lines(fcinfo, run, placed, n, &sink);
	SPI_finish();
	return (Datum) 0;
}
