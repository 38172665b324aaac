/*-------------------------------------------------------------------------
 *
 * transfer.c
 *	  transfer() and cancel_transfer(): goods that go from one location to
 *	  another are demand at the one and supply at the other.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(bko_transfer);
PG_FUNCTION_INFO_V1(bko_cancel_transfer);

enum
{
	ARG_BOOK, ARG_ITEM, ARG_QTY, ARG_FROM, ARG_TO, ARG_EXPECTED_ON, ARG_REF, ARG_PRIORITY,
	ARG_SHIP_POLICY, ARG_REQUESTED_ON
};

/* 22023: goods that stay where they are are not transferred. */
static void
check_places(const text *item, const text *from, const text *to, BkoQty qty)
{
	if (!bko_same_text(from, to))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a transfer of %s of %s goes to the location that it comes from",
					bko_qty_text(qty), bko_where(item, from)),
			 errhint("Give two locations, from_location and to_location.")));
}

/*
 * A reference for a transfer that is given none: the next number whose
 * reference nobody has used, SPI being connected.
 */
static text *
next_ref(const BkoRun *run)
{
	Oid			sequence = get_relname_relid("transfer_number_seq", run->book->nspoid);
	Datum		ref;

	if (!OidIsValid(sequence))
		ereport(ERROR,
				(errcode(ERRCODE_BKO_BOOK),
				 errmsg("book %.*s has no sequence \"transfer_number_seq\"",
						(int) strlen(run->book->prefix) - 1, run->book->prefix),
				 errhint("Give the transfer a ref, or make the sequence again.")));
	do
	{
		ref = CStringGetTextDatum(psprintf("TR-" INT64_FORMAT, nextval_internal(sequence, false)));
	} while (bko_run(run, PLAN_REF_KNOWN, &ref, NULL, 1) > 0);
	return DatumGetTextPP(ref);
}

/* An INSERT of the caller's has given one row, or somebody keeps rows out. */
static void
check_went_in(uint64 n, const char *what, const text *ref)
{
	if (n == 1)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
			 errmsg("the %s of transfer \"%s\" was kept out", what, bko_show_text(ref)),
			 errhint("A trigger or a rule on its table keeps rows from being inserted.")));
}

/* The demand: as if the caller had typed it.  Fills in values of the result. */
static void
insert_line(const BkoRun *run, FunctionCallInfo fcinfo, text *ref, Datum qty, Datum *result)
{
	Datum		args[8];
	char		nulls[8];
	bool		isnull;

	memset(nulls, ' ', sizeof(nulls));
	args[0] = PointerGetDatum(ref);
	args[1] = PG_GETARG_DATUM(ARG_TO);
	args[2] = PG_GETARG_DATUM(ARG_ITEM);
	args[3] = PG_GETARG_DATUM(ARG_FROM);
	args[4] = qty;
	for (int i = 0; i < 3; i++)
	{
		args[5 + i] = PG_GETARG_DATUM(ARG_PRIORITY + i);
		nulls[5 + i] = PG_ARGISNULL(ARG_PRIORITY + i) ? 'n' : ' ';
	}
	check_went_in(bko_run_as_caller(run, PLAN_TRANSFER_LINE, args, nulls), "order line", ref);
	result[1] = Int64GetDatum(DatumGetInt64(bko_result(0, 1, &isnull)));
	for (int i = 0; i < 3; i++)
		result[3 + i] = bko_result(0, 2 + i, &isnull);
}

/* The supply: likewise. */
static void
insert_supply(const BkoRun *run, FunctionCallInfo fcinfo, text *ref, Datum qty, Datum *result)
{
	Datum		args[7];
	char		nulls[7];
	bool		isnull;

	memset(nulls, ' ', sizeof(nulls));
	args[0] = PointerGetDatum(ref);
	args[1] = PG_GETARG_DATUM(ARG_FROM);
	args[2] = PG_GETARG_DATUM(ARG_ITEM);
	args[3] = PG_GETARG_DATUM(ARG_TO);
	args[4] = qty;
	args[5] = PG_GETARG_DATUM(ARG_EXPECTED_ON);
	nulls[5] = PG_ARGISNULL(ARG_EXPECTED_ON) ? 'n' : ' ';
	args[6] = result[1];
	check_went_in(bko_run_as_caller(run, PLAN_TRANSFER_SUPPLY, args, nulls), "supply line", ref);
	result[2] = Int64GetDatum(DatumGetInt64(bko_result(0, 1, &isnull)));
}

/* BK001 where goods that arrive could not be received. */
static void
check_stocked(const BkoRun *run, text *item, text *location)
{
	Datum		args[2];

	args[0] = PointerGetDatum(item);
	args[1] = PointerGetDatum(location);
	if (bko_run(run, PLAN_STOCK_READ, args, NULL, 1) == 0)
		bko_not_stocked(run, item, location);
}

/*
 * bko.transfer(book, item, qty, from_location, to_location, expected_on, ref,
 * priority, ship_policy, requested_on): inserts the order line and the supply
 * line of a transfer, as the caller would, and returns a bko.transferred.
 * Raises what the INSERTs raise, 22004, 22023, and BK001 for either location.
 */
Datum
bko_transfer(PG_FUNCTION_ARGS)
{
	text	   *item = bko_need_text(fcinfo, ARG_ITEM, "item");
	text	   *from = bko_need_text(fcinfo, ARG_FROM, "from_location");
	text	   *to = bko_need_text(fcinfo, ARG_TO, "to_location");
	BkoRun		run;
	TupleDesc	desc;
	Datum		values[6];
	bool		nulls[6] = {false};
	BkoQty		qty;
	text	   *ref;
	Datum		result;

	if (PG_ARGISNULL(ARG_BOOK) ||
		get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		PG_RETURN_NULL();
	run = bko_book_of_regclass(PG_GETARG_OID(ARG_BOOK));
	qty = bko_check_positive(PG_GETARG_DATUM(ARG_QTY), PG_ARGISNULL(ARG_QTY), "qty", item, from);
	check_places(item, from, to, qty);

	SPI_connect();
	/* who may not insert gets no number either: the INSERT says so */
	ref = !PG_ARGISNULL(ARG_REF) ? PG_GETARG_TEXT_PP(ARG_REF) :
		bko_may_insert(&run, BKO_ORDER_LINE) ? next_ref(&run) : cstring_to_text("TR-");
	values[0] = PointerGetDatum(ref);
	insert_line(&run, fcinfo, ref, NumericGetDatum(bko_qty_to_numeric(qty)), values);
	insert_supply(&run, fcinfo, ref, NumericGetDatum(bko_qty_to_numeric(qty)), values);
	check_stocked(&run, item, to);
	result = PointerGetDatum(SPI_returntuple(heap_form_tuple(BlessTupleDesc(desc), values, nulls),
											 desc));
	SPI_finish();
	PG_RETURN_DATUM(result);
}

/* ---- cancel_transfer() ---- */

/* A transfer: its supply line and its order line. */
typedef struct Transfer
{
	int64		supply_id;
	text	   *item;
	int64		line_id;
} Transfer;

/*
 * The transfers of a reference, in the order of their stock rows; palloc'd.  Raises
 * BK007, BK008 where they are archived.
 */
static int
read_transfers(const BkoRun *run, const text *ref, Transfer **transfers)
{
	Datum		arg = PointerGetDatum(ref);
	int			n = bko_run(run, PLAN_TRANSFER_READ, &arg, NULL, 0);
	bool		isnull;

	if (n == 0)
	{
		if (bko_run(run, PLAN_TRANSFER_ARCHIVED, &arg, NULL, 1) > 0)
			bko_refuse_archived(run, DatumGetInt64(bko_result(0, 1, &isnull)));
		ereport(ERROR,
				(errcode(ERRCODE_BKO_SUPPLY),
				 errmsg("there is no transfer \"%s\"", bko_show_text(ref)),
				 errhint("Give the ref that transfer() took or returned.")));
	}
	*transfers = palloc(n * sizeof(Transfer));
	for (int i = 0; i < n; i++)
	{
		(*transfers)[i].supply_id = DatumGetInt64(bko_result(i, 1, &isnull));
		(*transfers)[i].item = DatumGetTextPCopy(PointerGetDatum(bko_result_text(i, 2)));
		(*transfers)[i].line_id = DatumGetInt64(bko_result(i, 3, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	return n;
}

/*
 * bko.cancel_transfer(book, ref, reason): cancels what is open of a transfer's
 * order lines; expected at the other location is no more than what has left
 * and was not taken back.  Raises BK007, BK008, 22004.
 */
Datum
bko_cancel_transfer(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	text	   *ref = bko_need_text(fcinfo, 1, "ref");
	BkoFrame   *frame;
	Transfer   *transfers;
	Datum	   *columns[3];
	Datum		args[3];
	int			n;

	SPI_connect();
	bko_split_pending(&run);
	frame = bko_function_frame(&run, BKO_ARG_TEXT(2));
	n = read_transfers(&run, ref, &transfers);
	for (int c = 0; c < 3; c++)
		columns[c] = palloc(n * sizeof(Datum));
	for (int i = 0; i < n; i++)
	{
		BkoLine		line = bko_cancel_open(frame, transfers[i].line_id);

		columns[0][i] = Int64GetDatum(transfers[i].supply_id);
		columns[1][i] = PointerGetDatum(transfers[i].item);
		columns[2][i] = NumericGetDatum(bko_qty_to_numeric(line.shipped - line.returned));
	}
	args[0] = bko_array(columns[0], NULL, n, INT8OID);
	args[1] = bko_array(columns[1], NULL, n, TEXTOID);
	args[2] = bko_array(columns[2], NULL, n, NUMERICOID);
	bko_run(&run, PLAN_TRANSFER_REDUCE, args, NULL, 0);
	return bko_function_done(frame);
}
