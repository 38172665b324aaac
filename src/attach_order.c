/*-------------------------------------------------------------------------
 *
 * attach_order.c
 *	  Triggers of an application's order-line table that attach_orders() has
 *	  put the engine behind, and what keeps its columns up to date.
 *
 * A statement on the attached table opens a frame of order_line.  Its rows are
 * decided there by the rules of order_line, before they are written, so that
 * the split stands in the application's row at once.  When the statement ends,
 * the order lines of the rows that really went in are written in one batch.
 *
 * Later changes of a line are pushed to the application's row by a trigger on
 * order_line.  While a statement on the attached table runs they are kept
 * until it ends: it could not update a row that was updated under its feet.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(bko_attached_open);
PG_FUNCTION_INFO_V1(bko_attached_row);
PG_FUNCTION_INFO_V1(bko_attached_done);
PG_FUNCTION_INFO_V1(bko_attached_truncate);
PG_FUNCTION_INFO_V1(bko_attached_push);

/* Order lines written at once. */
#define BATCH 1000

/* What was decided about a row that is being inserted. */
typedef struct Decision
{
	uint64		hash;			/* of the row's key, item, location and quantity */
	text	   *key;
	int64		line_id;
	TimestampTz queued_at;
	BkoQty		shipped;
	BkoQty		allocated;
	BkoQty		backordered;
	bool		went_in;
} Decision;

/* What a line is when it is decided about, see check_unchanged(). */
static const int change_qty[] = {
	LINE_QTY_ORDERED, LINE_QTY_SHIPPED, LINE_QTY_ALLOCATED, LINE_QTY_BACKORDERED
};

#define CHANGE_NQTY	4

/* A line that changes with its row; new is NULL where the row is deleted. */
typedef struct Change
{
	int64		line_id;
	text	   *item;			/* before */
	BkoQty		qty[CHANGE_NQTY];
	bool		rekeyed;
	BkoRow	   *new;
} Change;

/* What a frame keeps for its attached table. */
struct BkoAttachedFrame
{
	BkoAttached *a;
	TupleDesc	desc;			/* of order_line */
	AttrNumber	attno[LINE_NCOLUMNS];
	Oid			sequence;
	Decision   *lines;
	int64		nlines;
	int64		maxlines;
	int64		next;			/* the first that may still be found */
	List	   *changes;
	int64	   *pending;		/* lines whose rows are to be brought up to date */
	int			npending;
	int			maxpending;
	uint64		decided;		/* hash of the row updated last, as it was decided */
	bool		moving;			/* it goes to another partition */
	List	   *moved;			/* hashes of rows that MERGE brings there */
	ItemPointerData last;		/* the row updated last */
	Oid			last_rel;
};

/* ---- frames ---- */

static bool *ask_table(BkoFrame *frame, BkoStock **stocks, int nstocks, int ntaken);

/*
 * bko.attached_open(): BEFORE each statement on an attached table of order
 * lines.  Raises BK009 where it isn't attached.
 */
Datum
bko_attached_open(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoAttached *a;
	BkoAttachedFrame *attached;
	BkoFrame   *frame;
	BkoRun		run;
	Relation	lines;
	MemoryContext old;

	bko_check_trigger(fcinfo, "bko.attached_open", TRIGGER_EVENT_BEFORE, false,
					  BKO_ON_INSERT | BKO_ON_UPDATE | BKO_ON_DELETE);
	if (bko_engine_writing())
		return PointerGetDatum(NULL);
	a = bko_attached(trigdata->tg_relation);
	run = bko_attached_run(a);
	lines = table_open(get_relname_relid(bko_table_name(BKO_ORDER_LINE), run.book->nspoid),
					   AccessShareLock);
	frame = bko_frame_push(&run, BKO_ORDER_LINE, bko_trigger_op(trigdata->tg_event),
						   trigdata->tg_relation);
	frame->of = a->root;
	frame->ask = ask_table;
	old = MemoryContextSwitchTo(frame->cxt);
	frame->attached = attached = palloc0(sizeof(BkoAttachedFrame));
	attached->a = a;
	attached->desc = CreateTupleDescCopy(RelationGetDescr(lines));
	memcpy(attached->attno, bko_columns(run.book, BKO_ORDER_LINE, lines),
		   sizeof(attached->attno));
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		attached->sequence = getIdentitySequence(BKO_SEQUENCE_ARGS(lines, attached->attno[LINE_ID]));
	MemoryContextSwitchTo(old);
	table_close(lines, AccessShareLock);
	return PointerGetDatum(NULL);
}

/* A row of order_line with nothing in it; palloc'd. */
static BkoRow
empty_line(const BkoAttachedFrame *attached)
{
	BkoRow		row;

	row.desc = attached->desc;
	row.attno = attached->attno;
	row.values = palloc0(attached->desc->natts * sizeof(Datum));
	row.nulls = palloc(attached->desc->natts * sizeof(bool));
	memset(row.nulls, true, attached->desc->natts * sizeof(bool));
	return row;
}

/* The order line that a row of the application's table stands for. */
static BkoRow
line_of(const BkoAttachedFrame *attached, BkoAttached *a, Datum *values, bool *nulls)
{
	BkoRow		row = empty_line(attached);

	bko_attached_line(a, values, nulls, &row);
	bko_row_set(&row, LINE_HELD, BoolGetDatum(false));
	bko_row_set(&row, LINE_ATTACHED_ID, Int32GetDatum(a->id));
	bko_row_set(&row, LINE_ATTACHED_KEY, PointerGetDatum(bko_attached_key(a, values, nulls)));
	return row;
}

static uint64
hash_text(uint64 hash, BkoRow *row, int column)
{
	text	   *value;

	if (BKO_ISNULL(row, column))
		return hash;
	value = DatumGetTextPP(BKO_VALUE(row, column));
	return hash_combine64(hash, hash_bytes_extended((unsigned char *) VARDATA_ANY(value),
													VARSIZE_ANY_EXHDR(value), 0));
}

/* Tells the rows of a statement apart, as far as they are decided differently. */
static uint64
hash_of(BkoRow *row)
{
	uint64		hash = hash_text(0, row, LINE_ATTACHED_KEY);
	BkoQty		qty = 0;

	hash = hash_text(hash, row, LINE_ITEM);
	hash = hash_text(hash, row, LINE_LOCATION);
	if (!BKO_ISNULL(row, LINE_QTY_ORDERED))
		(void) bko_qty_from_numeric(DatumGetNumeric(BKO_VALUE(row, LINE_QTY_ORDERED)), &qty);
	return hash_combine64(hash, (uint64) qty);
}

/* ---- INSERT ---- */

static BkoQty
line_qty(BkoRow *row, int column)
{
	return bko_stored_qty(BKO_VALUE(row, column), BKO_ISNULL(row, column),
						  bko_column_name(BKO_ORDER_LINE, column));
}

static void
note_decision(BkoFrame *frame, BkoRow *row, uint64 hash)
{
	BkoAttachedFrame *attached = frame->attached;
	MemoryContext old = MemoryContextSwitchTo(frame->cxt);
	Decision   *d;

	if (attached->nlines == attached->maxlines)
	{
		attached->maxlines = attached->maxlines ? attached->maxlines * 2 : 4;
		attached->lines = attached->lines ?
			repalloc_huge(attached->lines, attached->maxlines * sizeof(Decision)) :
			palloc(attached->maxlines * sizeof(Decision));
	}
	d = &attached->lines[attached->nlines++];
	d->hash = hash;
	d->key = DatumGetTextPP(datumCopy(BKO_VALUE(row, LINE_ATTACHED_KEY), false, -1));
	d->line_id = DatumGetInt64(BKO_VALUE(row, LINE_ID));
	d->queued_at = DatumGetTimestampTz(BKO_VALUE(row, LINE_QUEUED_AT));
	d->shipped = line_qty(row, LINE_QTY_SHIPPED);
	d->allocated = line_qty(row, LINE_QTY_ALLOCATED);
	d->backordered = line_qty(row, LINE_QTY_BACKORDERED);
	d->went_in = false;
	frame->unwritten = true;
	MemoryContextSwitchTo(old);
}

/*
 * A quantity as a value of the column that shows it.  Raises BK006 where the
 * column can't hold it exactly.
 */
static Datum
output_value(BkoAttachedColumn *out, Relation rel, BkoRow *row, int column)
{
	Form_pg_attribute att = TupleDescAttr(rel->rd_att, out->attno - 1);
	Datum		qty = BKO_VALUE(row, column);
	Datum		value;

	if (bko_is_integer(att->atttypid) && line_qty(row, column) % BKO_UNIT != 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_QUANTITY),
				 errmsg("column \"%s\" of table \"%s\" can't show %s of %s",
						NameStr(att->attname), RelationGetRelationName(rel),
						bko_qty_text(line_qty(row, column)),
						bko_where(BKO_TEXT(row, LINE_ITEM), BKO_TEXT(row, LINE_LOCATION))),
				 errhint("It holds whole numbers: make it numeric, or set stock.qty_step to 1.")));
	value = bko_cast(&out->cast, qty);
	if (att->atttypid == NUMERICOID && att->atttypmod >= 0)
		value = DirectFunctionCall2(numeric, value, Int32GetDatum(att->atttypmod));
	return value;
}

/* The application's row with the split in the columns that show it. */
static HeapTuple
show_split(BkoAttached *a, Relation rel, HeapTuple tuple, BkoRow *row)
{
	int			cols[BKO_NOUT];
	Datum		values[BKO_NOUT];
	bool		nulls[BKO_NOUT] = {false};
	int			n = 0;

	for (int i = 0; i < BKO_NOUT; i++)
	{
		if (a->output[i].attno == 0)
			continue;
		cols[n] = a->output[i].attno;
		values[n++] = output_value(&a->output[i], rel, row,
								   i == BKO_OUT_SHIPPED ? LINE_QTY_SHIPPED : LINE_QTY_BACKORDERED);
	}
	return n == 0 ? tuple :
		heap_modify_tuple_by_cols(tuple, RelationGetDescr(rel), n, cols, values, nulls);
}

static HeapTuple
insert_row(BkoFrame *frame, BkoAttached *a, TriggerData *trigdata)
{
	TupleTableSlot *slot = trigdata->tg_trigslot;
	BkoRow		row;
	uint64		hash;

	slot_getallattrs(slot);
	row = line_of(frame->attached, a, slot->tts_values, slot->tts_isnull);
	hash = hash_of(&row);
	bko_row_set(&row, LINE_ID, Int64GetDatum(nextval_internal(frame->attached->sequence, false)));
	bko_frame_count(frame, false, trigdata->tg_relation);
	bko_line_decide_new(frame, &row);
	note_decision(frame, &row, hash);
	return show_split(a, trigdata->tg_relation, trigdata->tg_trigtuple, &row);
}

/* Rows of order_line that are gathered to be written by one statement. */
typedef struct Batch
{
	MemoryContext cxt;
	BkoRow		rows[BATCH];
	text	   *old_item[BATCH];
	int			n;
	FmgrInfo	array_in;
} Batch;

static void
batch_row(int i, void *arg, Datum *values, bool *nulls)
{
	Batch	   *b = arg;

	for (int c = 0; c < LINE_NCOLUMNS; c++)
	{
		values[c] = BKO_VALUE(&b->rows[i], c);
		nulls[c] = BKO_ISNULL(&b->rows[i], c);
	}
	values[LINE_NCOLUMNS] = PointerGetDatum(b->old_item[i]);
	nulls[LINE_NCOLUMNS] = b->old_item[i] == NULL;
}

/* A gathered row as it is stored: the key is an array there. */
static void
fill_line(int64 row, void *arg, const BkoColumns *columns, Datum *values, bool *nulls)
{
	Batch	   *b = arg;
	BkoRow	   *line = &b->rows[row];

	for (int c = 0; c < LINE_NCOLUMNS; c++)
	{
		values[columns->attno[c] - 1] = BKO_VALUE(line, c);
		nulls[columns->attno[c] - 1] = BKO_ISNULL(line, c);
	}
	values[columns->attno[LINE_ATTACHED_KEY] - 1] =
		FunctionCall3(&b->array_in, CStringGetDatum(text_to_cstring(BKO_TEXT(line, LINE_ATTACHED_KEY))),
					  ObjectIdGetDatum(TEXTOID), Int32GetDatum(-1));
}

/* Write what is gathered. */
static void
write_batch(BkoFrame *frame, Batch *b, bool insert)
{
	Datum		args[LINE_NCOLUMNS + 1];
	Oid			types[LINE_NCOLUMNS + 1];
	MemoryContext old;

	if (b->n == 0)
		return;
	old = MemoryContextSwitchTo(b->cxt);
	if (!insert || !bko_store(&frame->run, BKO_ORDER_LINE, b->n, fill_line, b))
	{
		for (int c = 0; c < LINE_NCOLUMNS; c++)
			types[c] = c == LINE_ATTACHED_KEY ? TEXTOID : bko_column_type(BKO_ORDER_LINE, c);
		types[LINE_NCOLUMNS] = TEXTOID;
		bko_column_arrays(args, types, LINE_NCOLUMNS + 1, b->n, batch_row, b);
		bko_run(&frame->run, insert ? PLAN_ATTACHED_INSERT : PLAN_ATTACHED_UPDATE, args, NULL, 0);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(b->cxt);
	b->n = 0;
}

static Batch *
new_batch(void)
{
	Batch	   *b = palloc0(sizeof(Batch));

	b->cxt = AllocSetContextCreate(CurrentMemoryContext, "bko batch", ALLOCSET_DEFAULT_SIZES);
	fmgr_info(F_ARRAY_IN, &b->array_in);
	return b;
}

/* Gather a row, with copies of what it points to. */
static void
add_to_batch(BkoFrame *frame, Batch *b, BkoRow *row, const text *old_item, bool insert)
{
	MemoryContext old = MemoryContextSwitchTo(b->cxt);
	BkoRow	   *copy = &b->rows[b->n];

	*copy = empty_line(frame->attached);
	for (int c = 0; c < LINE_NCOLUMNS; c++)
	{
		Form_pg_attribute att = TupleDescAttr(row->desc, row->attno[c] - 1);

		if (!BKO_ISNULL(row, c))
			bko_row_set(copy, c, datumCopy(BKO_VALUE(row, c), att->attbyval, att->attlen));
	}
	b->old_item[b->n] = old_item == NULL ? NULL :
		(text *) DatumGetPointer(datumCopy(PointerGetDatum(old_item), false, -1));
	MemoryContextSwitchTo(old);
	if (++b->n == BATCH)
		write_batch(frame, b, insert);
}

/*
 * The decision about a row that went in.  Rows go in in the order in which
 * they are decided, some are kept out.  Raises 27000 where a trigger changed
 * the row afterwards.
 */
static Decision *
find_decision(BkoAttachedFrame *attached, BkoRow *row)
{
	uint64		hash = hash_of(row);

	for (int64 i = attached->next; i < attached->nlines; i++)
	{
		if (attached->lines[i].hash != hash)
			continue;
		attached->lines[i].went_in = true;
		attached->next = i + 1;
		return &attached->lines[i];
	}
	for (int64 i = 0; i < attached->next; i++)
	{
		if (attached->lines[i].hash != hash || attached->lines[i].went_in)
			continue;
		attached->lines[i].went_in = true;
		return &attached->lines[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
			 errmsg("a trigger changed key, item, location or quantity of a row of \"%s\" after it was split",
					get_rel_name(attached->a->root)),
			 errhint("Give that trigger a name that sorts before \"zz_bko_row\".")));
}

/*
 * The frame of the statement whose row trigger we are, not one further out.
 * (What a foreign key cascades has its AFTER triggers fired further out.)
 */
static BkoFrame *
frame_here(BkoAttached *a, TriggerEvent op)
{
	BkoFrame   *frame = bko_frame_of(a->root, op);

	return frame && frame->depth == bko_trigger_depth() ? frame : NULL;
}

/*
 * A row goes from one partition to another, and has its line.  Where MERGE did
 * it, the row is in the transition table of what it inserted all the same.
 */
static void
note_moved(BkoAttached *a, TriggerData *trigdata)
{
	BkoFrame   *frame = frame_here(a, TRIGGER_EVENT_INSERT);
	TupleTableSlot *slot = trigdata->tg_trigslot;
	BkoRow		row;
	MemoryContext old;
	uint64	   *hash;

	if (frame == NULL)
		return;
	slot_getallattrs(slot);
	row = line_of(frame->attached, a, slot->tts_values, slot->tts_isnull);
	old = MemoryContextSwitchTo(frame->cxt);
	hash = palloc(sizeof(uint64));
	*hash = hash_of(&row);
	frame->attached->moved = lappend(frame->attached->moved, hash);
	MemoryContextSwitchTo(old);
}

static bool
was_moved(BkoAttachedFrame *attached, BkoRow *row)
{
	uint64		hash;
	ListCell   *cell;

	if (attached->moved == NIL)
		return false;
	hash = hash_of(row);
	foreach(cell, attached->moved)
		if (*(uint64 *) lfirst(cell) == hash)
			return true;
	return false;
}

/* Count in a row that went in, and gather its line. */
static void
tally_row(BkoFrame *frame, TupleTableSlot *slot, void *arg)
{
	BkoAttachedFrame *attached = frame->attached;
	BkoRow		row = line_of(attached, attached->a, slot->tts_values, slot->tts_isnull);
	Decision   *d;
	BkoQty		ordered;

	if (was_moved(attached, &row))
		return;
	d = find_decision(attached, &row);
	ordered = d->shipped + d->allocated + d->backordered;
	bko_row_set(&row, LINE_ID, Int64GetDatum(d->line_id));
	bko_row_set_qty(&row, LINE_QTY_ORDERED, ordered);
	bko_row_set_qty(&row, LINE_QTY_SHIPPED, d->shipped);
	bko_row_set_qty(&row, LINE_QTY_ALLOCATED, d->allocated);
	bko_row_set_qty(&row, LINE_QTY_BACKORDERED, d->backordered);
	bko_row_set_qty(&row, LINE_QTY_CANCELLED, 0);
	bko_row_set_qty(&row, LINE_QTY_RETURNED, 0);
	bko_row_set_qty(&row, LINE_QTY_FILLED_FIRST, d->shipped + d->allocated);
	bko_row_set(&row, LINE_QUEUED_AT, TimestampTzGetDatum(d->queued_at));
	if (d->shipped == ordered)
		bko_row_set(&row, LINE_CLOSED_AT, TimestampTzGetDatum(d->queued_at));
	bko_line_tally(frame, &row);
	add_to_batch(frame, arg, &row, NULL, true);
}

/* The rows that really went in, and their lines. */
static void
tally_rows(TriggerData *trigdata, BkoFrame *frame)
{
	Batch	   *batch = new_batch();

	bko_each_row(trigdata, bko_new_rows(trigdata), frame, tally_row, batch);
	write_batch(frame, batch, true);
	frame->unwritten = false;
}

/* A query that tells which of some keys are in the attached table. */
static SPIPlanPtr
confirm_plan(const BkoRun *run, BkoAttached *a)
{
	StringInfoData sql;
	Oid			types[1] = {TEXTARRAYOID};

	if (a->plans[BKO_ATTACHED_CONFIRM])
		return a->plans[BKO_ATTACHED_CONFIRM];
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT t.n, a.xmin FROM (SELECT u.k::pg_catalog.text[] AS key, u.n"
					 " FROM pg_catalog.unnest($1) WITH ORDINALITY AS u(k, n)) AS t JOIN %s AS a ON ",
					 bko_relation_name(a->root));
	bko_append_key_match(&sql, a, "a", "t.key");
	return a->plans[BKO_ATTACHED_CONFIRM] = bko_keep_plan(run, sql.data, 1, types, false);
}

/*
 * Which of a frame's rows are in the attached table; see read_there().  Those
 * that have a line already were there before this statement.
 */
static bool *
ask_table(BkoFrame *frame, BkoStock **stocks, int nstocks, int ntaken)
{
	BkoAttached *a = frame->attached->a;
	BkoRun		run = bko_owner_run(&frame->run, a->root);
	Datum	   *keys = palloc_extended(ntaken * sizeof(Datum), MCXT_ALLOC_HUGE);
	bool	   *there = palloc0(ntaken * sizeof(bool));
	Datum		args[2];
	uint64		nrows;
	int			n = 0;
	bool		isnull;

	for (int s = 0; s < nstocks; s++)
		for (int i = 0; i < stocks[s]->ntaken; i++)
			keys[n++] = PointerGetDatum(frame->attached->lines[stocks[s]->taken[i].row].key);
	args[0] = bko_array(keys, NULL, n, TEXTOID);
	args[1] = Int32GetDatum(a->id);
	nrows = bko_run_plan(&run, confirm_plan(&run, a), args, NULL, 0, false);
	for (uint64 i = 0; i < nrows; i++)
		there[DatumGetInt64(bko_result(i, 1, &isnull)) - 1] =
			TransactionIdIsCurrentTransactionId(DatumGetTransactionId(bko_result(i, 2, &isnull)));
	nrows = bko_run(&frame->run, PLAN_ATTACHED_KNOWN, args, NULL, 0);
	for (uint64 i = 0; i < nrows; i++)
		there[DatumGetInt64(bko_result(i, 1, &isnull)) - 1] = false;
	return there;
}

/* ---- UPDATE and DELETE ---- */

/* The order line of a row, as it stands; false where it has none. */
static bool
read_line(BkoFrame *frame, text *key, BkoRow *row)
{
	Datum		args[2];
	uint64		n;

	args[0] = Int32GetDatum(frame->attached->a->id);
	args[1] = PointerGetDatum(key);
	n = bko_run(&frame->run, PLAN_ATTACHED_LINE, args, NULL, 1);
	if (n == 0)
		return false;
	*row = empty_line(frame->attached);
	for (int c = 0; c < LINE_NCOLUMNS; c++)
	{
		bool		isnull;
		Datum		value = bko_result(0, c + 1, &isnull);

		if (!isnull)
			bko_row_set(row, c, value);
	}
	return true;
}

/*
 * The order line of a row, read under its stock row's lock, under which it
 * doesn't change.
 */
static bool
lock_line(BkoFrame *frame, text *key, BkoRow *row)
{
	BkoRow		seen;

	if (!read_line(frame, key, &seen))
		return false;
	(void) bko_stock_touch(frame, BKO_TEXT(&seen, LINE_ITEM), BKO_TEXT(&seen, LINE_LOCATION));
	if (!read_line(frame, key, row) ||
		!bko_same_text(BKO_TEXT(&seen, LINE_ITEM), BKO_TEXT(row, LINE_ITEM)) ||
		!bko_same_text(BKO_TEXT(&seen, LINE_LOCATION), BKO_TEXT(row, LINE_LOCATION)))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("order line " INT64_FORMAT " was changed by another transaction",
						DatumGetInt64(BKO_VALUE(&seen, LINE_ID))),
				 errhint("Try the transaction again.")));
	return true;
}

static bool
slot_changed(TupleTableSlot *old, TupleTableSlot *new, AttrNumber attno)
{
	Form_pg_attribute att = TupleDescAttr(old->tts_tupleDescriptor, attno - 1);
	int			i = attno - 1;

	if (old->tts_isnull[i] != new->tts_isnull[i])
		return true;
	return !old->tts_isnull[i] &&
		!datum_image_eq(old->tts_values[i], new->tts_values[i], att->attbyval, att->attlen);
}

/* The column that shows the split and is written by the application, or 0. */
static AttrNumber
written_output(BkoAttached *a, TupleTableSlot *old, TupleTableSlot *new)
{

	for (int i = 0; i < BKO_NOUT; i++)
	{
		AttrNumber	attno = a->output[i].attno;

		if (attno == 0 || !slot_changed(old, new, attno))
			continue;
		if (TupleDescAttr(old->tts_tupleDescriptor, attno - 1)->atttypid == NUMERICOID &&
			!old->tts_isnull[attno - 1] && !new->tts_isnull[attno - 1] &&
			DatumGetBool(DirectFunctionCall2(numeric_eq, old->tts_values[attno - 1],
											 new->tts_values[attno - 1])))
			continue;
		return attno;
	}
	return 0;
}

static void
refuse_output(TriggerData *trigdata, AttrNumber attno)
{
	ereport(ERROR,
			(errcode(ERRCODE_BKO_KEPT_COLUMN),
			 errmsg("column \"%s\" of table \"%s\" is kept by bko",
					NameStr(TupleDescAttr(RelationGetDescr(trigdata->tg_relation), attno - 1)->attname),
					RelationGetRelationName(trigdata->tg_relation)),
			 errhint("It shows how the row's order line stands: leave it out of the statement, or write back what was read last.")));
}

/* Does the statement change anything that is mapped? */
static bool
mapped_changed(BkoAttached *a, TupleTableSlot *old, TupleTableSlot *new)
{
	for (int i = 0; i < a->nkeys; i++)
		if (slot_changed(old, new, a->key[i]))
			return true;
	for (int c = 0; c < LINE_NCOLUMNS; c++)
		if (a->line[c].attno != 0 && slot_changed(old, new, a->line[c].attno))
			return true;
	return false;
}

static void
note_change(BkoFrame *frame, BkoRow *old, const text *old_key, BkoRow *new)
{
	MemoryContext cxt = MemoryContextSwitchTo(frame->cxt);
	Change	   *change = palloc0(sizeof(Change));

	change->line_id = DatumGetInt64(BKO_VALUE(old, LINE_ID));
	change->item = DatumGetTextPCopy(BKO_VALUE(old, LINE_ITEM));
	for (int i = 0; i < CHANGE_NQTY; i++)
		change->qty[i] = line_qty(old, change_qty[i]);
	if (new)
	{
		change->rekeyed = !bko_same_text(old_key, BKO_TEXT(new, LINE_ATTACHED_KEY));
		change->new = palloc(sizeof(BkoRow));
		*change->new = empty_line(frame->attached);
		for (int c = 0; c < LINE_NCOLUMNS; c++)
		{
			Form_pg_attribute att = TupleDescAttr(new->desc, new->attno[c] - 1);

			/* the key is the text of an array here */
			if (!BKO_ISNULL(new, c))
				bko_row_set(change->new, c, datumCopy(BKO_VALUE(new, c), att->attbyval, att->attlen));
		}
	}
	frame->attached->changes = lappend(frame->attached->changes, change);
	MemoryContextSwitchTo(cxt);
}

/* A copy of a line with the mapped columns as the application's new row has them. */
static BkoRow
changed_line(BkoFrame *frame, BkoAttached *a, BkoRow *old, TupleTableSlot *slot)
{
	BkoRow		new = empty_line(frame->attached);

	memcpy(new.values, old->values, new.desc->natts * sizeof(Datum));
	memcpy(new.nulls, old->nulls, new.desc->natts * sizeof(bool));
	for (int c = 0; c < LINE_NCOLUMNS; c++)
		if (a->line[c].attno != 0)
			bko_attached_value(a, c, slot->tts_values, slot->tts_isnull, &new);
	return new;
}

/* Is a row of this key among what a statement has decided and not written yet? */
static bool
is_unfinished(const BkoAttachedFrame *attached, const text *key)
{
	ListCell   *cell;

	for (int64 i = 0; i < attached->nlines; i++)
		if (bko_same_text(attached->lines[i].key, key))
			return true;
	foreach(cell, attached->changes)
	{
		Change	   *change = lfirst(cell);

		if (change->new && bko_same_text(BKO_TEXT(change->new, LINE_ATTACHED_KEY), key))
			return true;
	}
	return false;
}

/*
 * Raises 55000 where a trigger of a statement on the table that has not ended
 * changes a row that this statement has inserted or changed: the line isn't there.
 */
static void
refuse_unfinished(BkoAttached *a, text *key)
{
	int			depth = bko_trigger_depth();

	for (BkoFrame *frame = bko_frame_of_next(a->root, NULL); frame;
		 frame = bko_frame_of_next(a->root, frame))
		if (frame->depth < depth && is_unfinished(frame->attached, key))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("row %s of table \"%s\" is being written by a statement that has not ended",
							text_to_cstring(key), get_rel_name(a->root)),
					 errhint("Change it in a BEFORE ROW trigger that sorts before \"zz_bko_row\", or AFTER each STATEMENT.")));
}

/* BK008 where the line of a row is archived: then a change of it comes too late. */
static void
refuse_archived(BkoFrame *frame, text *key)
{
	Datum		args[2];
	bool		isnull;

	args[0] = Int32GetDatum(frame->attached->a->id);
	args[1] = PointerGetDatum(key);
	if (bko_run(&frame->run, PLAN_ATTACHED_ARCHIVED, args, NULL, 1) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_BKO_NO_LINE),
			 errmsg("row %s of table \"%s\" can't be changed: its order line " INT64_FORMAT " is archived",
					text_to_cstring(key), get_rel_name(frame->attached->a->root),
					DatumGetInt64(bko_result(0, 1, &isnull))),
			 errhint("Order anew, or take what comes back in with count_stock() or a receipt. The row may be deleted.")));
}

static HeapTuple
update_row(BkoFrame *frame, BkoAttached *a, TriggerData *trigdata)
{
	TupleTableSlot *before = trigdata->tg_trigslot;
	TupleTableSlot *after = trigdata->tg_newslot;
	BkoRow		old;
	BkoRow		new;
	Relation	lines;
	HeapTuple	result = trigdata->tg_newtuple;
	AttrNumber	written;
	text	   *key;

	slot_getallattrs(before);
	slot_getallattrs(after);
	written = written_output(a, before, after);
	if (written == 0 && !mapped_changed(a, before, after))
		return result;
	bko_check_last_trigger(trigdata);
	SPI_connect();
	key = bko_attached_key(a, before->tts_values, before->tts_isnull);
	refuse_unfinished(a, key);
	if (lock_line(frame, key, &old))
	{
		if (written != 0)
			refuse_output(trigdata, written);
		new = changed_line(frame, a, &old, after);
		lines = table_open(get_relname_relid(bko_table_name(BKO_ORDER_LINE),
											 frame->run.book->nspoid), AccessShareLock);
		(void) bko_line_decide_update(frame, &old, &new, lines);
		table_close(lines, AccessShareLock);
		bko_row_set(&new, LINE_ATTACHED_KEY,
					PointerGetDatum(bko_attached_key(a, after->tts_values, after->tts_isnull)));
		note_change(frame, &old, key, &new);
		result = show_split(a, trigdata->tg_relation, result, &new);
		if (result != trigdata->tg_newtuple)
			result = SPI_copytuple(result);
	}
	else
		refuse_archived(frame, key);
	SPI_finish();
	return result;
}

static void
delete_row(BkoFrame *frame, BkoAttached *a, TriggerData *trigdata)
{
	TupleTableSlot *slot = trigdata->tg_trigslot;
	BkoRow		old;
	text	   *key;

	slot_getallattrs(slot);
	bko_check_last_trigger(trigdata);
	SPI_connect();
	key = bko_attached_key(a, slot->tts_values, slot->tts_isnull);
	refuse_unfinished(a, key);
	if (lock_line(frame, key, &old))
	{
		bko_line_decide_delete(frame, &old);
		note_change(frame, &old, NULL, NULL);
	}
	SPI_finish();
}

static void
moved_otherwise(const BkoAttached *a)
{
	ereport(ERROR,
			(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
			 errmsg("a trigger changed or kept out a row that goes to another partition of \"%s\"",
					get_rel_name(a->root)),
			 errhint("INSERT triggers fire for such a row, too: leave key, item, location and quantity as they are there.")));
}

/*
 * Is this the deletion or the insertion by which an UPDATE brings its row to
 * another partition?  Raises 27000 where the row isn't the one decided about.
 */
static bool
is_move(BkoAttached *a, TriggerData *trigdata)
{
	BkoFrame   *frame = frame_here(a, TRIGGER_EVENT_UPDATE);
	BkoAttachedFrame *attached = frame ? frame->attached : NULL;

	if (attached == NULL)
		return false;
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) && attached->moving)
	{
		TupleTableSlot *slot = trigdata->tg_trigslot;
		BkoRow		row;

		slot_getallattrs(slot);
		row = line_of(attached, a, slot->tts_values, slot->tts_isnull);
		if (hash_of(&row) != attached->decided)
			moved_otherwise(a);
		attached->moving = false;
		return true;
	}
	if (TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) &&
		attached->last_rel == RelationGetRelid(trigdata->tg_relation) &&
		ItemPointerIsValid(&attached->last) &&
		ItemPointerEquals(&attached->last, &trigdata->tg_trigtuple->t_self))
	{
		attached->moving = true;
		ItemPointerSetInvalid(&attached->last);
		return true;
	}
	return false;
}

/* Note what was decided about: the row may be inserted into another partition. */
static void
note_row(BkoAttachedFrame *attached, BkoAttached *a, TupleTableSlot *slot)
{
	BkoRow		row;

	if (a->relid == a->root)
		return;
	slot_getallattrs(slot);
	row = line_of(attached, a, slot->tts_values, slot->tts_isnull);
	attached->decided = hash_of(&row);
}

/* The frame of the statement that fired a row trigger of an attached table. */
static BkoFrame *
need_frame(BkoAttached *a, TriggerData *trigdata)
{
	TriggerEvent op = bko_trigger_op(trigdata->tg_event);
	BkoFrame   *frame = TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ?
		frame_here(a, op) : bko_frame_of(a->root, op);

	if (frame == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" on \"%s\" fired without bko's BEFORE STATEMENT trigger",
						trigdata->tg_trigger->tgname,
						RelationGetRelationName(trigdata->tg_relation)),
				 errhint("Write to the table itself, not to a partition of it, and leave its triggers enabled.")));
	return frame;
}

/*
 * We are bringing a row up to date.  Raises 27000 where a trigger changes at
 * this opportunity what the order line has from it.
 */
static void
check_shown(TriggerData *trigdata)
{
	BkoAttached *a = bko_attached(trigdata->tg_relation);

	if (!TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		return;
	slot_getallattrs(trigdata->tg_trigslot);
	slot_getallattrs(trigdata->tg_newslot);
	if (mapped_changed(a, trigdata->tg_trigslot, trigdata->tg_newslot))
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("a trigger changed a mapped column of table \"%s\" while bko brought its row up to date",
						RelationGetRelationName(trigdata->tg_relation)),
				 errhint("Let that trigger fire BEFORE UPDATE OF the columns that the application writes.")));
}

/*
 * bko.attached_row(): BEFORE each row of an attached table of order lines is
 * inserted, updated or deleted.  Decides the split and shows it in the row.
 * Raises what order_line raises, BK003 for a column that bko keeps up to date.
 */
Datum
bko_attached_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoAttached *a;
	HeapTuple	result;

	bko_check_trigger(fcinfo, "bko.attached_row", TRIGGER_EVENT_BEFORE, true,
					  BKO_ON_INSERT | BKO_ON_UPDATE | BKO_ON_DELETE);
	result = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
		trigdata->tg_newtuple : trigdata->tg_trigtuple;
	if (bko_engine_writing())
	{
		check_shown(trigdata);
		return PointerGetDatum(result);
	}
	a = bko_attached(trigdata->tg_relation);
	if (!TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) && is_move(a, trigdata))
	{
		if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
			note_moved(a, trigdata);
		return PointerGetDatum(result);
	}
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		return PointerGetDatum(insert_row(need_frame(a, trigdata), a, trigdata));
	if (TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		delete_row(need_frame(a, trigdata), a, trigdata);
	else
	{
		BkoFrame   *frame = need_frame(a, trigdata);

		if (frame->attached->moving)
			moved_otherwise(a);
		frame->attached->last = trigdata->tg_trigtuple->t_self;
		frame->attached->last_rel = RelationGetRelid(trigdata->tg_relation);
		result = update_row(frame, a, trigdata);
		note_row(frame->attached, a, trigdata->tg_newslot);
	}
	return PointerGetDatum(result);
}

/*
 * The statement may insert rows, too (ON CONFLICT, MERGE): those of them that
 * have not gone in give back what they took, before it is said what is left.
 */
static void
confirm_inserted(BkoFrame *frame)
{
	BkoStock  **stocks;
	int			n = bko_frame_stocks(frame, &stocks);

	for (int i = 0; i < n; i++)
		(void) bko_confirm(frame, stocks[i]);
}

static bool
is_deleted(const Change *change)
{
	return change->new == NULL;
}

static bool
is_rekeyed(const Change *change)
{
	return change->rekeyed;
}

/* Run a statement over the lines of some of the changes. */
static void
run_over(BkoFrame *frame, bool (*wanted) (const Change *change), BkoPlanId plan)
{
	List	   *changes = frame->attached->changes;
	Datum	   *ids = palloc_extended(list_length(changes) * sizeof(Datum), MCXT_ALLOC_HUGE);
	Datum	   *items = palloc_extended(list_length(changes) * sizeof(Datum), MCXT_ALLOC_HUGE);
	Datum		args[2];
	ListCell   *cell;
	int			n = 0;

	foreach(cell, changes)
	{
		Change	   *change = lfirst(cell);

		if (!wanted(change))
			continue;
		ids[n] = Int64GetDatum(change->line_id);
		items[n++] = PointerGetDatum(change->item);
	}
	if (n == 0)
		return;
	args[0] = bko_array(ids, NULL, n, INT8OID);
	args[1] = bko_array(items, NULL, n, TEXTOID);
	bko_run(&frame->run, plan, args, NULL, 0);
}

/*
 * A line stands as it was decided about, under its stock row's lock, unless a
 * trigger of this statement has changed it.  Raises 27000.
 */
static void
check_unchanged(BkoFrame *frame)
{
	List	   *changes = frame->attached->changes;
	int			n = list_length(changes);
	Datum	   *values = palloc_extended(n * sizeof(Datum), MCXT_ALLOC_HUGE);
	Datum		args[2 + CHANGE_NQTY];

	for (int i = 0; i < n; i++)
		values[i] = Int64GetDatum(((Change *) list_nth(changes, i))->line_id);
	args[0] = bko_array(values, NULL, n, INT8OID);
	for (int i = 0; i < n; i++)
		values[i] = PointerGetDatum(((Change *) list_nth(changes, i))->item);
	args[1] = bko_array(values, NULL, n, TEXTOID);
	for (int q = 0; q < CHANGE_NQTY; q++)
	{
		for (int i = 0; i < n; i++)
			values[i] = NumericGetDatum(bko_qty_to_numeric(((Change *) list_nth(changes, i))->qty[q]));
		args[2 + q] = bko_array(values, NULL, n, NUMERICOID);
	}
	if (bko_run(&frame->run, PLAN_ATTACHED_UNCHANGED, args, NULL, 0) != n)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("a trigger changed an order line while the row of \"%s\" that it serves was changed",
						get_rel_name(frame->attached->a->root)),
				 errhint("Let that trigger fire AFTER each STATEMENT.")));
}

/*
 * Write the lines of rows that were updated or deleted.  Keys are taken away
 * first: rows may have exchanged them.
 */
static void
write_changes(BkoFrame *frame)
{
	Batch	   *b = new_batch();
	ListCell   *cell;

	if (frame->attached->changes == NIL)
		return;
	check_unchanged(frame);
	run_over(frame, is_deleted, PLAN_ATTACHED_DELETE);
	run_over(frame, is_rekeyed, PLAN_ATTACHED_UNKEY);
	foreach(cell, frame->attached->changes)
	{
		Change	   *change = lfirst(cell);

		if (change->new)
			add_to_batch(frame, b, change->new, change->item, false);
	}
	write_batch(frame, b, false);
	frame->attached->changes = NIL;
	bko_epoch_next();
}

/* ---- the application's rows are brought up to date ---- */

static SPIPlanPtr
push_plan(const BkoRun *run, BkoAttached *a)
{
	static const char *const columns[BKO_NOUT] = {"shipped", "backordered"};
	Oid			types[3] = {TEXTARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID};
	StringInfoData sql;
	StringInfoData differs;
	const char *sep = "";

	if (a->plans[BKO_ATTACHED_PUSH])
		return a->plans[BKO_ATTACHED_PUSH];
	initStringInfo(&sql);
	initStringInfo(&differs);
	appendStringInfo(&sql, "UPDATE %s AS a SET ", bko_relation_name(a->root));
	for (int i = 0; i < BKO_NOUT; i++)
	{
		const char *name;

		if (a->output[i].attno == 0)
			continue;
		name = quote_identifier(get_attname(a->relid, a->output[i].attno, false));
		appendStringInfo(&sql, bko_is_integer(get_atttype(a->relid, a->output[i].attno)) ?
						 "%s%s = bko.whole(d.%s)" : "%s%s = d.%s", sep, name, columns[i]);
		appendStringInfo(&differs, "%s%s IS DISTINCT FROM d.%s", *sep ? " OR " : "",
						 bko_column_value(a, a->output[i].attno, "a", "pg_catalog.numeric"),
						 columns[i]);
		sep = ", ";
	}
	appendStringInfoString(&sql, " FROM (SELECT u.k::pg_catalog.text[] AS key, u.shipped, u.backordered"
						   " FROM unnest($1, $2, $3) AS u(k, shipped, backordered)) AS d WHERE ");
	bko_append_key_match(&sql, a, "a", "d.key");
	appendStringInfo(&sql, " AND (%s)", differs.data);
	return a->plans[BKO_ATTACHED_PUSH] = bko_keep_plan(run, sql.data, 3, types, false);
}

/*
 * Bring the rows of n lines up to date.  The lines are read with the rights of
 * the book's owner, the rows written with those of their table's.
 */
void
bko_attached_show(const BkoRun *book, BkoAttached *a, const int64 *line_id, int n)
{
	BkoRun		run = bko_owner_run(book, a->root);
	Datum	   *ids = palloc_extended(n * sizeof(Datum), MCXT_ALLOC_HUGE);
	Datum		args[3];
	uint64		nlines;

	for (int i = 0; i < n; i++)
		ids[i] = Int64GetDatum(line_id[i]);
	SPI_connect();
	args[0] = bko_array(ids, NULL, n, INT8OID);
	args[1] = Int32GetDatum(a->id);
	nlines = bko_run(book, PLAN_ATTACHED_SHOWN, args, NULL, 0);
	if (nlines > 0)
	{
		Oid			types[3] = {TEXTOID, NUMERICOID, NUMERICOID};

		bko_column_arrays(args, types, 3, nlines, bko_result_row, NULL);
		(void) bko_run_plan(&run, push_plan(&run, a), args, NULL, 0, true);
	}
	SPI_finish();
	pfree(ids);
}

static void
add_pending(BkoFrame *frame, const int64 *line_id, int n)
{
	BkoAttachedFrame *attached = frame->attached;

	if (n == 0)
		return;
	if (attached->npending + n > attached->maxpending)
	{
		attached->maxpending = Max(2 * attached->maxpending, attached->npending + n);
		attached->pending = attached->pending ?
			repalloc_huge(attached->pending, attached->maxpending * sizeof(int64)) :
			MemoryContextAllocHuge(frame->cxt, attached->maxpending * sizeof(int64));
	}
	memcpy(attached->pending + attached->npending, line_id, n * sizeof(int64));
	attached->npending += n;
}

/*
 * The statement ends: bring up to date what changed meanwhile, unless another
 * one on the same table is still under way, which then does it.
 */
static void
flush_pending(BkoFrame *frame)
{
	BkoAttachedFrame *attached = frame->attached;
	BkoFrame   *other = bko_frame_of_other(attached->a->root, frame);

	if (other)
	{
		add_pending(other, attached->pending, attached->npending);
		return;
	}
	while (attached->npending > 0)
	{
		int			n = attached->npending;
		int64	   *ids = palloc_extended(n * sizeof(int64), MCXT_ALLOC_HUGE);

		memcpy(ids, attached->pending, n * sizeof(int64));
		attached->npending = 0;
		bko_attached_show(&frame->run, attached->a, ids, n);
		pfree(ids);
	}
}

/*
 * bko.attached_done(): AFTER each statement on an attached table of order
 * lines.  Writes the lines, settles, writes stock and journal, and brings rows
 * up to date whose lines were filled.
 */
Datum
bko_attached_done(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoFrame   *frame;

	bko_check_trigger(fcinfo, "bko.attached_done", 0, false,
					  BKO_ON_INSERT | BKO_ON_UPDATE | BKO_ON_DELETE);
	if (bko_engine_writing())
		return PointerGetDatum(NULL);
	frame = need_frame(bko_attached(trigdata->tg_relation), trigdata);
	if (frame->attached->moving)
		moved_otherwise(frame->attached->a);
	if (frame->ndecided > 0 || frame->attached->changes != NIL)
	{
		SPI_connect();
		if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
			bko_line_count_in(trigdata, frame, tally_rows);
		else
		{
			confirm_inserted(frame);
			write_changes(frame);
		}
		bko_settle(frame);
		SPI_finish();
	}
	flush_pending(frame);
	bko_frame_close(frame);
	return PointerGetDatum(NULL);
}

/* Lines of one attached table that changed. */
typedef struct Pushed
{
	int32		id;
	int64	   *line_id;
	int			n;
	int			max;
} Pushed;

static void
note_pushed(List **pushed, int32 id, int64 line_id)
{
	Pushed	   *p = NULL;
	ListCell   *cell;

	foreach(cell, *pushed)
		if (((Pushed *) lfirst(cell))->id == id)
			p = lfirst(cell);
	if (p == NULL)
	{
		p = palloc0(sizeof(Pushed));
		p->id = id;
		p->line_id = palloc((p->max = 16) * sizeof(int64));
		*pushed = lappend(*pushed, p);
	}
	if (p->n == p->max)
		p->line_id = repalloc_huge(p->line_id, (p->max *= 2) * sizeof(int64));
	p->line_id[p->n++] = line_id;
}

/* The lines of attached tables whose split an UPDATE of order_line changed. */
static List *
changed_lines(TriggerData *trigdata, BkoBook *book)
{
	static const int shown[] = {LINE_QTY_SHIPPED, LINE_QTY_BACKORDERED};
	const AttrNumber *attno = bko_columns(book, BKO_ORDER_LINE, trigdata->tg_relation);
	BkoPairs	pairs = bko_pairs_begin(trigdata);
	List	   *pushed = NIL;

	while (bko_pairs_next(&pairs))
	{
		bool		isnull;
		int32		id = DatumGetInt32(slot_getattr(pairs.new, attno[LINE_ATTACHED_ID], &isnull));
		bool		changed = false;

		if (isnull)
			continue;
		for (int i = 0; i < lengthof(shown); i++)
		{
			Datum		a = slot_getattr(pairs.old, attno[shown[i]], &isnull);
			Datum		b = slot_getattr(pairs.new, attno[shown[i]], &isnull);

			changed = changed || !datum_image_eq(a, b, false, -1);
		}
		if (changed)
			note_pushed(&pushed, id, DatumGetInt64(slot_getattr(pairs.new, attno[LINE_ID], &isnull)));
	}
	bko_pairs_end(&pairs);
	return pushed;
}

/* Bring rows up to date, or leave it to a statement under way on their table. */
static void
push_to(const BkoRun *run, Pushed *pushed)
{
	Relation	rel = bko_attached_relation(run, pushed->id);
	BkoAttached *a;
	BkoFrame   *frame;

	if (rel == NULL)
		return;					/* the table is gone, or detached */
	a = bko_attached(rel);
	table_close(rel, NoLock);
	if (a->output[BKO_OUT_SHIPPED].attno == 0 && a->output[BKO_OUT_BACKORDERED].attno == 0)
		return;
	frame = bko_frame_of_other(a->root, NULL);
	if (frame)
		add_pending(frame, pushed->line_id, pushed->n);
	else
		bko_attached_show(run, a, pushed->line_id, pushed->n);
}

/*
 * bko.attached_push(): AFTER UPDATE on order_line of a book that tables are
 * attached to.  Shows in their rows how the lines stand now.
 */
Datum
bko_attached_push(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoRun		run;
	List	   *pushed;
	ListCell   *cell;

	bko_check_trigger(fcinfo, "bko.attached_push", 0, false, BKO_ON_UPDATE);
	if (trigdata->tg_oldtable == NULL || trigdata->tg_newtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" has no transition tables", trigdata->tg_trigger->tgname),
				 errhint("It needs REFERENCING OLD TABLE and NEW TABLE.")));
	run = bko_book_of_table(trigdata->tg_relation);
	pushed = changed_lines(trigdata, run.book);
	foreach(cell, pushed)
		push_to(&run, lfirst(cell));
	return PointerGetDatum(NULL);
}

/* ---- TRUNCATE ---- */

/*
 * bko.attached_truncate(): BEFORE TRUNCATE of an attached table.  Raises BK003
 * while lines of it are open; closed ones stay in the book, for themselves.
 */
Datum
bko_attached_truncate(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoAttached *a;
	BkoRun		run;
	Datum		args[1];
	uint64		nopen;

	bko_check_trigger(fcinfo, "bko.attached_truncate", TRIGGER_EVENT_BEFORE, false,
					  BKO_ON_TRUNCATE);
	a = bko_attached(trigdata->tg_relation);
	run = bko_attached_run(a);
	if (a->kind != BKO_ATTACH_ORDERS)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_KEPT_COLUMN),
				 errmsg("table \"%s\" can't be truncated while it is attached",
						RelationGetRelationName(trigdata->tg_relation)),
				 errhint("Stock and receipts behind it are in the book: detach() the table first.")));
	args[0] = Int32GetDatum(a->id);
	SPI_connect();
	nopen = bko_run(&run, PLAN_ATTACHED_OPEN, args, NULL, 1);
	if (nopen > 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_KEPT_COLUMN),
				 errmsg("table \"%s\" can't be truncated while order lines of it are open",
						RelationGetRelationName(trigdata->tg_relation)),
				 errhint("Ship or cancel the open lines first, or detach() the table.")));
	bko_run(&run, PLAN_ATTACHED_FREE, args, NULL, 0);
	bko_run(&run, PLAN_ATTACHED_FREE_ARCHIVED, args, NULL, 0);
	SPI_finish();
	return PointerGetDatum(NULL);
}
