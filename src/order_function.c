/*-------------------------------------------------------------------------
 *
 * order_function.c
 *	  place_order(): the lines of an order, inserted in lock order.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"

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

/*
 * Return the lines as they are now, those alone that still are of the order:
 * by a query of the caller's, who must be allowed to read them.
 */
static void
return_lines(FunctionCallInfo fcinfo, const BkoRun *run, Datum *ids, int n)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		args[2] = {bko_array(ids, NULL, n, INT8OID), PG_GETARG_DATUM(0)};
	uint64		nlines = bko_run_as_caller(run, PLAN_LINES_PLACED, args,
										   PG_ARGISNULL(0) ? " n" : "  ");

	for (uint64 i = 0; i < nlines; i++)
	{
		bool		isnull;
		HeapTupleHeader line = DatumGetHeapTupleHeader(bko_result(i, 1, &isnull));
		HeapTupleData tuple = {0};

		tuple.t_len = HeapTupleHeaderGetDatumLength(line);
		tuple.t_data = line;
		tuplestore_puttuple(rsinfo->setResult, &tuple);
	}
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
	Datum	   *ids;
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
	ids = palloc(Max(n + sink.n, 1) * sizeof(Datum));
	for (int i = 0; i < n; i++)
	{
		bool		isnull;

		ids[i] = Int64GetDatum(DatumGetInt64(bko_result(i, 1, &isnull)));
	}
	for (int i = 0; i < sink.n; i++)
		ids[n++] = Int64GetDatum(sink.line_id[i]);
	/* every line of the order is known: it need not wait for the commit, if they are split */
	if (!PG_ARGISNULL(0) && !bko_may_have_pending(run->book))
		bko_due_settle(run, PG_GETARG_TEXT_PP(0));
	return_lines(fcinfo, run, ids, n);
	SPI_finish();
	return (Datum) 0;
}
