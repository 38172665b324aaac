/*-------------------------------------------------------------------------
 *
 * promise.c
 *	  What the views of a book ask: the place of a waiting line, its promise,
 *	  the supply that will fill it; and what-if over planned supply.
 *
 * The views read order_line and call bko.promise() for each line that they
 * show.  The queue of an item and location is read and laid against its supply
 * once for each query, when the first line of it is asked for: a reader who
 * filters pays for what he sees.
 *
 * A function in a view runs with the rights of whoever reads the view.  Here
 * the tables are read with the rights of the book's owner, for anybody who
 * brings the book's read_key, which only its views do (and those who may read
 * its tables).
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

PG_FUNCTION_INFO_V1(bko_promise);
PG_FUNCTION_INFO_V1(bko_pegging);
PG_FUNCTION_INFO_V1(bko_available_to_promise);
PG_FUNCTION_INFO_V1(bko_preview_supply);

/* ---- reading ---- */

static DateADT
result_date(uint64 row, int column)
{
	bool		isnull;
	Datum		value = bko_result(row, column, &isnull);

	return isnull ? DATEVAL_NOEND : DatumGetDateADT(value);
}

static text *
result_text_copy(uint64 row, int column)
{
	return DatumGetTextPCopy(PointerGetDatum(bko_result_text(row, column)));
}

/* Caps and protected quantities as they stand today, and whom lines are of. */
static void
read_limits(const BkoRun *run, const text *item, const text *location, BkoPegs *pegs)
{
	int64	   *ids = palloc_extended((pegs->nlines + 1) * sizeof(int64), MCXT_ALLOC_HUGE);
	text	  **groups = palloc_extended((pegs->nlines + 1) * sizeof(text *), MCXT_ALLOC_HUGE);

	pegs->nlimits = bko_limits_read(run, item, location,
									bko_book_day(run->book, GetCurrentTimestamp()), true,
									&pegs->limits);
	for (int i = 0; i < pegs->nlines; i++)
		ids[i] = pegs->lines[i].line_id;
	bko_limit_groups(run, item, ids, pegs->nlines, true, groups);
	for (int i = 0; i < pegs->nlines; i++)
		pegs->lines[i].group = groups[i];
}

/* The stock row; false where there is none.  Does it have limits? */
static bool
read_stock(const BkoRun *run, Datum *args, BkoPegs *pegs, bool *limited)
{
	BkoStock	stock;

	if (bko_run_stable(run, PLAN_STOCK_READ, args, NULL) == 0)
		return false;
	*limited = bko_stock_of_result(&stock);
	SPI_freetuptable(SPI_tuptable);
	pegs->available = stock.on_hand - stock.allocated;
	pegs->unassigned = stock.unassigned;
	pegs->backordered = stock.backordered;
	pegs->step = stock.step;
	pegs->limit = stock.limit;
	pegs->rule = stock.rule;
	return true;
}

/* Waiting lines, those that are held or those that are not. */
static void
read_lines(const BkoRun *run, BkoPlanId plan, Datum *args, BkoPegs *pegs)
{
	uint64		n = bko_run_stable(run, plan, args, NULL);
	BkoPegLine *line;

	pegs->lines = pegs->nlines == 0 ?
		palloc_extended((n + 1) * sizeof(BkoPegLine), MCXT_ALLOC_HUGE) :
		repalloc_huge(pegs->lines, (pegs->nlines + n + 1) * sizeof(BkoPegLine));
	for (uint64 i = 0; i < n; i++)
	{
		bool		isnull;

		line = &pegs->lines[pegs->nlines++];
		memset(line, 0, sizeof(BkoPegLine));
		line->line_id = DatumGetInt64(bko_result(i, 1, &isnull));
		line->priority = DatumGetInt32(bko_result(i, 2, &isnull));
		line->requested_on = result_date(i, 3);
		line->queued_at = DatumGetTimestampTz(bko_result(i, 4, &isnull));
		line->open = bko_result_qty(i, 5, "qty_backordered");
		line->held = (plan == PLAN_PEG_HELD);
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
read_supplies(const BkoRun *run, Datum *args, BkoPegs *pegs)
{
	uint64		n = bko_run_stable(run, PLAN_PEG_SUPPLY, args, NULL);

	pegs->supplies = palloc_extended((n + 1) * sizeof(BkoPegSupply), MCXT_ALLOC_HUGE);
	for (uint64 i = 0; i < n; i++)
	{
		BkoPegSupply *supply = &pegs->supplies[pegs->nsupplies++];
		bool		isnull;
		Datum		value;

		supply->supply_id = DatumGetInt64(bko_result(i, 1, &isnull));
		supply->ref = result_text_copy(i, 2);
		supply->expected_on = result_date(i, 3);
		supply->missing = bko_result_qty(i, 4, "qty_expected");
		value = bko_result(i, 5, &isnull);
		supply->for_line = isnull ? BKO_NO_ID : DatumGetInt64(value);
		supply->left = 0;
	}
	SPI_freetuptable(SPI_tuptable);
}

/*
 * The queue of an item at a location and its supply, as the query that asks
 * sees them, SPI being connected; not yet laid against each other.  There is
 * room for one line and one supply more.  Returns NULL where the item is not
 * stocked there.  All of it lives in the current memory context.
 */
static BkoPegs *
read_pegs(const BkoRun *run, const text *item, const text *location)
{
	BkoPegs    *pegs = palloc0(sizeof(BkoPegs));
	Datum		args[2];
	bool		limited;

	args[0] = PointerGetDatum(item);
	args[1] = PointerGetDatum(location);
	if (!read_stock(run, args, pegs, &limited))
		return NULL;
	read_lines(run, PLAN_PEG_LINES, args, pegs);
	read_lines(run, PLAN_PEG_HELD, args, pegs);
	read_supplies(run, args, pegs);
	if (limited)
		read_limits(run, item, location, pegs);
	return pegs;
}

/* ---- what one query has read so far ---- */

typedef struct QueueKey
{
	const text *item;
	const text *location;
} QueueKey;

typedef struct QueueEntry
{
	QueueKey	key;
	bool		read;			/* all of it */
	BkoPegs    *pegs;			/* NULL: not stocked */
	uint32		hash;
	char		status;
} QueueEntry;

static inline uint32
text_hash(const text *str)
{
	return hash_bytes((const unsigned char *) VARDATA_ANY(str), VARSIZE_ANY_EXHDR(str));
}

#define SH_PREFIX		queuehash
#define SH_ELEMENT_TYPE	QueueEntry
#define SH_KEY_TYPE		QueueKey
#define SH_KEY			key
#define SH_HASH_KEY(tb, key)	hash_combine(text_hash(key.item), text_hash(key.location))
#define SH_EQUAL(tb, a, b)		(bko_same_text(a.item, b.item) && bko_same_text(a.location, b.location))
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a)		(a)->hash
#define SH_SCOPE		static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

typedef struct Reading
{
	BkoRun		run;
	Oid			book_relid;
	pg_uuid_t	key;			/* has been found right */
	TupleDesc	desc;
	MemoryContext cxt;			/* of all that was read */
	queuehash_hash *queues;

	/* the snapshot that it was read under; see is_current() */
	TransactionId xmin;
	TransactionId xmax;
	uint32		running;		/* hash of those between them */
	CommandId	curcid;
} Reading;

/* The transactions that ran when a snapshot was taken. */
static uint32
running_hash(Snapshot snapshot)
{
	return hash_combine(hash_bytes((const unsigned char *) snapshot->xip,
								   snapshot->xcnt * sizeof(TransactionId)),
						hash_bytes((const unsigned char *) snapshot->subxip,
								   Max(snapshot->subxcnt, 0) * sizeof(TransactionId)));
}

/*
 * Is what was read still what the query sees?  It always is while one query
 * runs; an expression may be kept by its caller for longer than that.
 */
static bool
is_current(const Reading *reading)
{
	Snapshot	snapshot = GetActiveSnapshot();

	return reading->queues && reading->xmin == snapshot->xmin &&
		reading->xmax == snapshot->xmax && reading->curcid == snapshot->curcid &&
		reading->running == running_hash(snapshot);
}

/* 42501 where the caller doesn't bring the key that the book's views bring. */
static void
check_key(Reading *reading, Datum key)
{
	bko_check_read_key(&reading->run, key);
	reading->key = *DatumGetUUIDP(key);
}

/* What this query has read so far; begun where it has read nothing. */
static Reading *
get_reading(FunctionCallInfo fcinfo)
{
	Reading    *reading = fcinfo->flinfo->fn_extra;
	Oid			book_relid = PG_GETARG_OID(0);
	Datum		key = PG_GETARG_DATUM(1);
	Snapshot	snapshot = GetActiveSnapshot();

	if (reading == NULL)
	{
		reading = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Reading));
		reading->cxt = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "bko queues",
											 ALLOCSET_DEFAULT_SIZES);
		fcinfo->flinfo->fn_extra = reading;
	}
	if (is_current(reading) && reading->book_relid == book_relid &&
		memcmp(&reading->key, DatumGetUUIDP(key), UUID_LEN) == 0)
		return reading;

	reading->queues = NULL;
	MemoryContextReset(reading->cxt);
	reading->run = bko_book_of_regclass(book_relid);
	reading->book_relid = book_relid;
	check_key(reading, key);
	reading->queues = queuehash_create(reading->cxt, 64, NULL);
	reading->xmin = snapshot->xmin;
	reading->xmax = snapshot->xmax;
	reading->curcid = snapshot->curcid;
	reading->running = running_hash(snapshot);
	return reading;
}

/*
 * Where nothing but the running totals counts, a single line needs no more
 * than the sum of those before it.  Is this such a queue, and does the line
 * wait in it?  Then it is all that pegs->lines has, no pegs are made, and what
 * completes the line is told.  Memory and SPI as for read_pegs().
 */
static bool
read_alone(const BkoRun *run, const text *item, const text *location, int64 line_id,
		   BkoPegs *pegs)
{
	Datum		args[3];
	bool		limited;
	bool		isnull;
	BkoPegLine *line;

	args[0] = PointerGetDatum(item);
	args[1] = PointerGetDatum(location);
	args[2] = Int64GetDatum(line_id);
	if (!read_stock(run, args, pegs, &limited) || limited || pegs->step != 0 ||
		pegs->unassigned != 0 || pegs->rule == 'd' || pegs->rule == 'm' ||
		bko_run_stable(run, PLAN_PEG_ALONE, args, NULL) != 1)
		return false;
	pegs->lines = line = palloc0(sizeof(BkoPegLine));
	pegs->nlines = 1;
	line->line_id = line_id;
	line->open = bko_result_qty(0, 1, "qty_backordered");
	line->place = DatumGetInt64(bko_result(0, 2, &isnull)) + 1;
	line->ahead = bko_result_qty(0, 3, "qty_backordered");
	SPI_freetuptable(SPI_tuptable);
	return true;
}

/* Which supply completes a line that was read alone; false: it can't be told. */
static bool
complete_alone(BkoPegs *pegs)
{
	BkoPegLine *line = pegs->lines;
	BkoQty		missing = line->ahead + line->open - pegs->available;

	qsort(pegs->supplies, pegs->nsupplies, sizeof(BkoPegSupply), bko_compare_supplies);
	line->completed_by = missing <= 0 ? BKO_COVERED_NOW : BKO_NOT_COVERED;
	for (int i = 0; i < pegs->nsupplies; i++)
	{
		if (pegs->supplies[i].for_line != BKO_NO_ID)
			return false;
		missing -= pegs->supplies[i].missing;
		if (missing <= 0 && line->completed_by == BKO_NOT_COVERED)
			line->completed_by = i;
	}
	return true;
}

/* The entry of a queue; one that is new is not read. */
static QueueEntry *
get_entry(Reading *reading, text *item, text *location, bool *first)
{
	QueueKey	key = {item, location};
	QueueEntry *entry = queuehash_lookup(reading->queues, key);
	bool		found;

	*first = (entry == NULL);
	if (entry)
		return entry;
	key.item = DatumGetTextPCopy(PointerGetDatum(item));
	key.location = DatumGetTextPCopy(PointerGetDatum(location));
	entry = queuehash_insert(reading->queues, key, &found);
	entry->read = false;
	entry->pegs = NULL;
	return entry;
}

/*
 * A line of a queue that is not read yet, and that queue laid against its
 * supply, in the memory of the reading, SPI being connected.  The first line
 * that a query asks for is looked at alone where that will do ("alone": its
 * pegs aren't asked for); with the second the whole queue is read.
 */
static BkoPegLine *
read_line(Reading *reading, QueueEntry *entry, text *item, text *location, int64 line_id,
		  bool alone, BkoPegs **pegs)
{
	if (alone)
	{
		Datum		args[2];

		args[0] = PointerGetDatum(item);
		args[1] = PointerGetDatum(location);
		*pegs = palloc0(sizeof(BkoPegs));
		if (read_alone(&reading->run, item, location, line_id, *pegs))
		{
			read_supplies(&reading->run, args, *pegs);
			if (complete_alone(*pegs))
				return (*pegs)->lines;
		}
	}
	*pegs = entry->pegs = read_pegs(&reading->run, item, location);
	entry->read = true;
	if (*pegs == NULL)
		return NULL;
	bko_peg(*pegs);
	return bko_peg_line(*pegs, line_id);
}

/* The line that the arguments (book, key, item, location, line_id) name. */
static BkoPegLine *
get_line(FunctionCallInfo fcinfo, bool alone, BkoPegs **pegs, Reading **reading)
{
	MemoryContext old = CurrentMemoryContext;
	BkoPegLine *line;
	QueueEntry *entry;
	bool		first;

	for (int i = 0; i < 5; i++)
		if (PG_ARGISNULL(i))
			return NULL;
	*reading = get_reading(fcinfo);
	MemoryContextSwitchTo((*reading)->cxt);
	entry = get_entry(*reading, PG_GETARG_TEXT_PP(2), PG_GETARG_TEXT_PP(3), &first);
	if (entry->read)
	{
		*pegs = entry->pegs;
		line = *pegs ? bko_peg_line(*pegs, PG_GETARG_INT64(4)) : NULL;
	}
	else
	{
		SPI_connect();
		MemoryContextSwitchTo((*reading)->cxt);
		line = read_line(*reading, entry, PG_GETARG_TEXT_PP(2), PG_GETARG_TEXT_PP(3),
						 PG_GETARG_INT64(4), alone && first, pegs);
		SPI_finish();
	}
	MemoryContextSwitchTo(old);
	return line;
}

/* The supply that completes a line, or NULL. */
static const BkoPegSupply *
completing(const BkoPegs *pegs, const BkoPegLine *line)
{
	return line->completed_by >= 0 ? &pegs->supplies[line->completed_by] : NULL;
}

/* ---- bko.promise() ---- */

enum
{
	PROMISE_POSITION, PROMISE_QTY_AHEAD, PROMISE_PROMISED_ON, PROMISE_SUPPLY_ID,
	PROMISE_SUPPLY_REF, PROMISE_NCOLUMNS
};

/*
 * bko.promise(book, read_key, item, location, line_id): place of a waiting
 * line in the queue, the quantity ahead of it, the day on which it is promised
 * and the supply that completes it.  Null for a line that doesn't wait.
 * Raises 42501.
 */
Datum
bko_promise(PG_FUNCTION_ARGS)
{
	BkoPegs    *pegs;
	Reading    *reading;
	BkoPegLine *line = get_line(fcinfo, true, &pegs, &reading);
	const BkoPegSupply *supply;
	Datum		values[PROMISE_NCOLUMNS];
	bool		nulls[PROMISE_NCOLUMNS] = {false};

	if (line == NULL)
		PG_RETURN_NULL();
	if (reading->desc == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		if (get_call_result_type(fcinfo, NULL, &reading->desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "bko.promise() must return a row");
		reading->desc = BlessTupleDesc(reading->desc);
		MemoryContextSwitchTo(old);
	}
	supply = completing(pegs, line);
	values[PROMISE_POSITION] = Int64GetDatum(line->place);
	values[PROMISE_QTY_AHEAD] = NumericGetDatum(bko_qty_to_numeric(line->ahead));
	nulls[PROMISE_PROMISED_ON] = (supply == NULL || supply->expected_on == DATEVAL_NOEND);
	nulls[PROMISE_SUPPLY_ID] = nulls[PROMISE_SUPPLY_REF] = (supply == NULL);
	if (supply)
	{
		values[PROMISE_PROMISED_ON] = DateADTGetDatum(supply->expected_on);
		values[PROMISE_SUPPLY_ID] = Int64GetDatum(supply->supply_id);
		values[PROMISE_SUPPLY_REF] = PointerGetDatum(supply->ref);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(reading->desc, values, nulls)));
}

/* ---- bko.pegging() ---- */

static int
compare_pegs(const void *a, const void *b)
{
	return ((const BkoPeg *) a)->supply - ((const BkoPeg *) b)->supply;
}

/*
 * What a line will get, by supply; palloc'd.  It may get something of one
 * supply twice, where that came in first and could be taken only later.
 */
static int
pegs_of_line(const BkoPegs *pegs, const BkoPegLine *line, BkoPeg **result)
{
	int			n = 0;
	int			merged = 0;
	BkoPeg	   *found;

	for (int i = line->first; i >= 0; i = pegs->pegs[i].next)
		n++;
	*result = found = palloc_extended((n + 1) * sizeof(BkoPeg), MCXT_ALLOC_HUGE);
	n = 0;
	for (int i = line->first; i >= 0; i = pegs->pegs[i].next)
		found[n++] = pegs->pegs[i];
	qsort(found, n, sizeof(BkoPeg), compare_pegs);
	for (int i = 0; i < n; i++)
	{
		if (merged > 0 && found[merged - 1].supply == found[i].supply)
			found[merged - 1].qty += found[i].qty;
		else
			found[merged++] = found[i];
	}
	return merged;
}

/*
 * bko.pegging(book, read_key, item, location, line_id): which supply will fill
 * a waiting line, and with how much, in the order in which it comes.  Raises
 * 42501.
 */
Datum
bko_pegging(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	BkoPegs    *pegs;
	Reading    *reading;
	BkoPegLine *line = get_line(fcinfo, false, &pegs, &reading);
	BkoPeg	   *found;
	int			n;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	n = line ? pegs_of_line(pegs, line, &found) : 0;
	for (int i = 0; i < n; i++)
	{
		const BkoPegSupply *supply = &pegs->supplies[found[i].supply];
		Datum		values[4];
		bool		nulls[4] = {false};

		values[0] = Int64GetDatum(supply->supply_id);
		values[1] = PointerGetDatum(supply->ref);
		values[2] = NumericGetDatum(bko_qty_to_numeric(found[i].qty));
		values[3] = DateADTGetDatum(supply->expected_on);
		nulls[3] = (supply->expected_on == DATEVAL_NOEND);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* ---- available_to_promise() ---- */

/* Today, as the session's time zone has it. */
static DateADT
today(void)
{
	return DatumGetDateADT(DirectFunctionCall1(timestamptz_date,
											   TimestampTzGetDatum(GetCurrentTransactionStartTimestamp())));
}

/* A line that nobody has ordered yet: the last of its priority. */
static void
add_line(BkoPegs *pegs, BkoQty qty, int32 priority)
{
	BkoPegLine *line = &pegs->lines[pegs->nlines++];

	memset(line, 0, sizeof(BkoPegLine));
	line->line_id = BKO_NO_ID;
	line->priority = priority;
	line->requested_on = DATEVAL_NOEND;
	line->queued_at = DT_NOEND;
	line->open = qty;
}

/* What a new line takes when it comes in, as bko_line_split() gives it. */
static BkoQty
take_now(BkoPegs *pegs, BkoQty qty, int32 priority)
{
	BkoQty		take = bko_take(qty, bko_room(pegs->limits, pegs->nlimits, priority, NULL,
											  pegs->available), pegs->step);

	bko_room_take(pegs->limits, pegs->nlimits, priority, NULL, take);
	pegs->available -= take;
	pegs->unassigned = Min(pegs->unassigned, pegs->available);
	return take;
}

/* BK006 where nobody could order that quantity. */
static void
check_step(const BkoPegs *pegs, BkoQty qty, text *item, text *location)
{
	BkoStock	stock = {0};

	stock.item = item;
	stock.location = location;
	stock.step = pegs->step;
	bko_line_check_step(&stock, qty);
}

/*
 * bko.available_to_promise(book, item, qty, location, priority): the day on
 * which a new line would have all of qty, the queue being served as it is:
 * today where it is available now, null where what is on its way doesn't cover
 * it, or backorder_limit lets nobody wait for it.  Raises BK001, BK006.
 */
Datum
bko_available_to_promise(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	text	   *item = bko_need_text(fcinfo, 1, "item");
	text	   *location = bko_need_text(fcinfo, 3, "location");
	BkoQty		qty = bko_check_positive(PG_GETARG_DATUM(2), PG_ARGISNULL(2), "qty", item, location);
	int32		priority = PG_ARGISNULL(4) ? 100 : PG_GETARG_INT32(4);
	BkoPegs    *pegs;
	const BkoPegSupply *supply;
	DateADT		day = DATEVAL_NOEND;	/* unknown */

	SPI_connect();
	pegs = read_pegs(&run, item, location);
	if (pegs == NULL)
		bko_not_stocked(&run, item, location);
	check_step(pegs, qty, item, location);
	qty -= take_now(pegs, qty, priority);
	if (qty == 0)
	{
		SPI_finish();
		PG_RETURN_DATEADT(today());
	}
	if (pegs->limit >= 0 && pegs->backordered + qty > pegs->limit)
	{
		SPI_finish();
		PG_RETURN_NULL();		/* the backorder would be refused */
	}
	add_line(pegs, qty, priority);
	bko_peg(pegs);
	supply = completing(pegs, bko_peg_line(pegs, BKO_NO_ID));
	if (supply)
		day = supply->expected_on;
	SPI_finish();
	if (day == DATEVAL_NOEND)
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(Max(day, today()));
}

/* ---- preview_supply() ---- */

/* What is supposed of a supply reference. */
typedef struct Supposed
{
	text	   *ref;
	bool		other_day;
	DateADT		expected_on;
	BkoQty		qty;			/* still to come in all, or -1: as it is */
} Supposed;

/* Suppose it: the open lines of the reference, or a new one where there is none. */
static void
suppose(BkoPegs *pegs, const Supposed *supposed)
{
	BkoPegSupply *last = NULL;
	BkoQty		left = supposed->qty;

	qsort(pegs->supplies, pegs->nsupplies, sizeof(BkoPegSupply), bko_compare_supplies);
	for (int i = 0; i < pegs->nsupplies; i++)
	{
		BkoPegSupply *supply = &pegs->supplies[i];

		if (!bko_same_text(supply->ref, supposed->ref))
			continue;
		last = supply;
		if (supposed->other_day)
			supply->expected_on = supposed->expected_on;
		if (supposed->qty >= 0)
		{
			supply->missing = Min(supply->missing, left);
			left -= supply->missing;
		}
	}
	if (last == NULL)
	{
		last = &pegs->supplies[pegs->nsupplies++];
		memset(last, 0, sizeof(BkoPegSupply));
		last->supply_id = PG_INT64_MAX;
		last->for_line = BKO_NO_ID;
		last->ref = supposed->ref;
		last->expected_on = supposed->other_day ? supposed->expected_on : DATEVAL_NOEND;
	}
	if (supposed->qty >= 0)
		last->missing += left;
}

/* Rows for the lines of one queue whose promise would be another. */
static void
return_changes(ReturnSetInfo *rsinfo, text *item, BkoPegs *pegs, BkoPegs *then)
{
	for (int i = 0; i < pegs->nlines; i++)
	{
		BkoPegLine *line = &pegs->lines[i];
		const BkoPegSupply *was = completing(pegs, line);
		const BkoPegSupply *would = completing(then, bko_peg_line(then, line->line_id));
		DateADT		day = was ? was->expected_on : DATEVAL_NOEND;
		DateADT		other = would ? would->expected_on : DATEVAL_NOEND;
		Datum		values[4];
		bool		nulls[4] = {false};

		if (day == other)
			continue;
		values[0] = Int64GetDatum(line->line_id);
		values[1] = PointerGetDatum(item);
		values[2] = DateADTGetDatum(day);
		values[3] = DateADTGetDatum(other);
		nulls[2] = (day == DATEVAL_NOEND);
		nulls[3] = (other == DATEVAL_NOEND);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

/* The same for one item and location; false where it is not stocked. */
static bool
preview_place(ReturnSetInfo *rsinfo, const BkoRun *run, text *item, text *location,
			  const Supposed *supposed)
{
	BkoPegs    *pegs = read_pegs(run, item, location);
	BkoPegs    *then;

	if (pegs == NULL)
		return false;
	then = read_pegs(run, item, location);
	suppose(then, supposed);
	bko_peg(pegs);
	bko_peg(then);
	return_changes(rsinfo, item, pegs, then);
	return true;
}

/* Items and locations of the open lines of a reference; returns how many. */
static int
read_places(const BkoRun *run, FunctionCallInfo fcinfo, text ***items, text ***locations)
{
	Datum		args[3];
	char		nulls[3] = {' ', ' ', ' '};
	int			n;

	args[0] = PG_GETARG_DATUM(1);
	args[1] = PG_GETARG_DATUM(4);
	args[2] = PG_GETARG_DATUM(5);
	nulls[1] = PG_ARGISNULL(4) ? 'n' : ' ';
	nulls[2] = PG_ARGISNULL(5) ? 'n' : ' ';
	n = bko_run_stable(run, PLAN_SUPPLY_PLACES, args, nulls);
	*items = palloc(Max(n, 1) * sizeof(text *));
	*locations = palloc(Max(n, 1) * sizeof(text *));
	for (int i = 0; i < n; i++)
	{
		(*items)[i] = result_text_copy(i, 1);
		(*locations)[i] = result_text_copy(i, 2);
	}
	return n;
}

static Supposed
supposed_of(FunctionCallInfo fcinfo)
{
	Supposed	supposed = {0};

	supposed.ref = bko_need_text(fcinfo, 1, "supply_ref");
	supposed.other_day = !PG_ARGISNULL(2);
	supposed.expected_on = supposed.other_day ? PG_GETARG_DATEADT(2) : 0;
	supposed.qty = -1;
	if (!PG_ARGISNULL(3) &&
		(!bko_qty_from_numeric(PG_GETARG_NUMERIC(3), &supposed.qty) || supposed.qty < 0))
		ereport(ERROR,
				(errcode(ERRCODE_BKO_QUANTITY),
				 errmsg("qty %s is out of range for supply \"%s\"",
						DatumGetCString(DirectFunctionCall1(numeric_out, PG_GETARG_DATUM(3))),
						bko_show_text(supposed.ref)),
				 errhint("Give what is still to come of it: 0 or more, at most 12 digits before the point and 6 after.")));
	return supposed;
}

/*
 * bko.preview_supply(book, supply_ref, expected_on, qty, item, location): the
 * waiting lines whose promise would be another if what is still to come of a
 * supply reference came on that day, or were of that quantity (null: as it
 * is): line_id, item, promised_on, promised_then.  A reference that has no open
 * line is one that is planned, of the item given.  Reads, changes nothing.
 * Raises BK001, BK006, BK007.
 */
Datum
bko_preview_supply(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	Supposed	supposed = supposed_of(fcinfo);
	text	  **items;
	text	  **locations;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	n = read_places(&run, fcinfo, &items, &locations);
	if (n == 0)
	{
		if (PG_ARGISNULL(4) || supposed.qty < 0)
			ereport(ERROR,
					(errcode(ERRCODE_BKO_SUPPLY),
					 errmsg("supply \"%s\" has no open line", bko_show_text(supposed.ref)),
					 errhint("Give item and qty (and location) to preview a supply that is only planned.")));
		items[0] = PG_GETARG_TEXT_PP(4);
		locations[0] = PG_ARGISNULL(5) ? cstring_to_text("main") : PG_GETARG_TEXT_PP(5);
		n = 1;
	}
	if (n > 1 && supposed.qty >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("supply \"%s\" has open lines for %d items or locations: which of them is to be %s?",
						bko_show_text(supposed.ref), n, bko_qty_text(supposed.qty)),
				 errhint("Name item and location.")));
	for (int i = 0; i < n; i++)
		if (!preview_place((ReturnSetInfo *) fcinfo->resultinfo, &run, items[i], locations[i],
						   &supposed))
			bko_not_stocked(&run, items[i], locations[i]);
	SPI_finish();
	return (Datum) 0;
}
