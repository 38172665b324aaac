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
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(bko_place_order);

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

/* Return the placed lines whole, whatever columns the table has. */
static void
return_lines(FunctionCallInfo fcinfo, const BkoRun *run, Datum *ids)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	uint64		n = bko_run_as_caller(run, PLAN_LINES_READ, ids, NULL);

	for (uint64 i = 0; i < n; i++)
	{
		bool		isnull;
		HeapTupleHeader row = DatumGetHeapTupleHeader(bko_result(i, 1, &isnull));
		HeapTupleData tuple;

		tuple.t_len = HeapTupleHeaderGetDatumLength(row);
		ItemPointerSetInvalid(&tuple.t_self);
		tuple.t_tableOid = InvalidOid;
		tuple.t_data = row;
		tuplestore_puttuple(rsinfo->setResult, &tuple);
	}
}

/*
 * bko.place_order(book, order_ref, lines, customer, location, priority,
 * ship_policy, requested_on, currency, demand, payment_days, row): inserts the lines
 * as the caller would, in the order of items and locations, so that orders
 * placed at the same time never deadlock.  Returns the
 * lines as split, as rows of the type of the last argument.  Raises what an INSERT raises, and 22023 for lines that are
 * not what they should be.
 */
Datum
bko_place_order(PG_FUNCTION_ARGS)
{
	BkoRun		run;
	Datum		args[10];
	char		nulls[10];
	Datum	   *ids;
	int			n;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the lines of the order are null"),
				 errhint("Give a JSON array of lines: '[{\"item\": \"X\", \"qty\": 1}]'.")));
	InitMaterializedSRF(fcinfo, 0);
	run = bko_book_of_regclass(PG_GETARG_OID(0));
	for (int i = 0; i < lengthof(args); i++)
	{
		args[i] = PG_GETARG_DATUM(i + 1);
		nulls[i] = PG_ARGISNULL(i + 1) ? 'n' : ' ';
	}
	SPI_connect();
	check_lines(&run, args[1]);
	n = bko_run_as_caller(&run, PLAN_LINES_INSERT, args, nulls);
	ids = palloc(Max(n, 1) * sizeof(Datum));
	for (int i = 0; i < n; i++)
	{
		bool		isnull;

		ids[i] = Int64GetDatum(DatumGetInt64(bko_result(i, 1, &isnull)));
	}
	/* every line of the order is known: it need not wait for the commit */
	bko_due_settle(&run);
	args[0] = bko_array(ids, NULL, n, INT8OID);
	return_lines(fcinfo, &run, args);
	SPI_finish();
	return (Datum) 0;
}
