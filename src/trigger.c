/*-------------------------------------------------------------------------
 *
 * trigger.c
 *	  What the trigger functions share: how they must be called, and a row
 *	  that is being decided.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/htup_details.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

/* The bit of an operation; see BKO_ON_INSERT and so on. */
static int
op_bit(TriggerEvent event)
{
	return TRIGGER_FIRED_BY_INSERT(event) ? BKO_ON_INSERT :
		TRIGGER_FIRED_BY_UPDATE(event) ? BKO_ON_UPDATE :
		TRIGGER_FIRED_BY_DELETE(event) ? BKO_ON_DELETE : BKO_ON_TRUNCATE;
}

/*
 * Refuse a call that is not of the trigger that the function is made for:
 * anybody can make triggers of these functions, and what a trigger of another
 * kind lacks would be read as a null pointer.  "when" is TRIGGER_EVENT_BEFORE
 * or 0 (after); "ops" are the operations that it may be fired by.
 */
void
bko_check_trigger(FunctionCallInfo fcinfo, const char *name,
				  TriggerEvent when, bool for_row, int ops)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by a trigger", name)));
	if ((trigdata->tg_event & TRIGGER_EVENT_TIMINGMASK) != when ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) != !for_row)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired %s each %s", name,
						when == TRIGGER_EVENT_BEFORE ? "BEFORE" : "AFTER",
						for_row ? "ROW" : "STATEMENT")));
	if (!(op_bit(trigdata->tg_event) & ops))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" is not made for triggers of this operation", name)));
}

/* INSERT, UPDATE, DELETE or TRUNCATE, without the other bits. */
TriggerEvent
bko_trigger_op(TriggerEvent event)
{
	return event & TRIGGER_EVENT_OPMASK;
}

/* The row in slot with its columns found by name; values are palloc'd copies
 * of the arrays, so that they can be set. */
BkoRow
bko_row_of_slot(BkoBook *book, BkoTable table, Relation rel, TupleTableSlot *slot)
{
	BkoRow		row;
	int			natts = slot->tts_tupleDescriptor->natts;

	row.desc = slot->tts_tupleDescriptor;
	row.attno = bko_columns(book, table, rel);
	slot_getallattrs(slot);
	row.values = palloc(natts * sizeof(Datum));
	row.nulls = palloc(natts * sizeof(bool));
	memcpy(row.values, slot->tts_values, natts * sizeof(Datum));
	memcpy(row.nulls, slot->tts_isnull, natts * sizeof(bool));
	return row;
}

void
bko_row_set(BkoRow *row, int column, Datum value)
{
	BKO_VALUE(row, column) = value;
	BKO_ISNULL(row, column) = false;
}

void
bko_row_set_qty(BkoRow *row, int column, BkoQty qty)
{
	bko_row_set(row, column, NumericGetDatum(bko_qty_to_numeric(qty)));
}

HeapTuple
bko_row_form(BkoRow *row)
{
	return heap_form_tuple(row->desc, row->values, row->nulls);
}

/* The transition table of an AFTER INSERT trigger. */
Tuplestorestate *
bko_new_rows(TriggerData *trigdata)
{
	if (trigdata->tg_newtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" has no transition table", trigdata->tg_trigger->tgname),
				 errhint("It needs REFERENCING NEW TABLE.")));
	return trigdata->tg_newtable;
}

/* A text of the row, which must not be null.  Raises 23502. */
text *
bko_row_text(BkoRow *row, int column)
{
	if (BKO_ISNULL(row, column))
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("column \"%s\" is null",
						NameStr(TupleDescAttr(row->desc, row->attno[column] - 1)->attname))));
	return DatumGetTextPP(BKO_VALUE(row, column));
}

/* Begin to read a transition table, by a pointer of our own: others may read it too. */
static void
rewind_table(Tuplestorestate *rows)
{
	tuplestore_select_read_pointer(rows, tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND));
	tuplestore_rescan(rows);
}

/*
 * Call "tally" for each row of a transition table.  What it allocates in the
 * current context goes after each row.
 */
void
bko_each_row(TriggerData *trigdata, Tuplestorestate *rows, BkoFrame *frame,
			 void (*tally) (BkoFrame *frame, TupleTableSlot *slot, void *arg), void *arg)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(trigdata->tg_relation),
													&TTSOpsMinimalTuple);
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "bko row",
											  ALLOCSET_SMALL_SIZES);

	rewind_table(rows);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		/* the slot's tuple, read back from disk, must outlive a reset of cxt */
		MemoryContext old = MemoryContextSwitchTo(cxt);

		slot_getallattrs(slot);
		tally(frame, slot, arg);
		MemoryContextSwitchTo(old);
		MemoryContextReset(cxt);
	}
	MemoryContextDelete(cxt);
	ExecDropSingleTupleTableSlot(slot);
}

typedef struct Tally
{
	Relation	rel;
	BkoTable	table;
	void		(*each) (BkoFrame *frame, BkoRow *row);
} Tally;

static void
tally_slot(BkoFrame *frame, TupleTableSlot *slot, void *arg)
{
	Tally	   *tally = arg;
	BkoRow		row;

	row.desc = slot->tts_tupleDescriptor;
	row.attno = bko_columns(frame->run.book, tally->table, tally->rel);
	row.values = slot->tts_values;
	row.nulls = slot->tts_isnull;
	tally->each(frame, &row);
}

/* The same for a table of a book: the rows that really went in. */
void
bko_each_new_row(TriggerData *trigdata, BkoFrame *frame, BkoTable table,
				 void (*each) (BkoFrame *frame, BkoRow *row))
{
	Tally		tally = {trigdata->tg_relation, table, each};

	bko_each_row(trigdata, bko_new_rows(trigdata), frame, tally_slot, &tally);
}

/*
 * Begin to read the rows of an UPDATE before and after, of which it puts both
 * into the transition tables at once: they stand in one order.
 */
BkoPairs
bko_pairs_begin(TriggerData *trigdata)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	BkoPairs	pairs;

	pairs.olds = trigdata->tg_oldtable;
	pairs.news = trigdata->tg_newtable;
	pairs.old = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	pairs.new = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	rewind_table(pairs.olds);
	rewind_table(pairs.news);
	return pairs;
}

bool
bko_pairs_next(BkoPairs *pairs)
{
	return tuplestore_gettupleslot(pairs->news, true, false, pairs->new) &&
		tuplestore_gettupleslot(pairs->olds, true, false, pairs->old);
}

void
bko_pairs_end(BkoPairs *pairs)
{
	ExecDropSingleTupleTableSlot(pairs->old);
	ExecDropSingleTupleTableSlot(pairs->new);
}

/*
 * Refuse a change of a column that the engine keeps, by the owner too: an
 * application that saves whole rows would write stale values back.  A number
 * equal to the old one, in whatever scale, is no change: the old one stays,
 * and true is returned.  Raises BK003.
 */
bool
bko_row_keep(BkoRow *old, BkoRow *new, BkoTable table, int column, Relation rel)
{
	Form_pg_attribute att = TupleDescAttr(new->desc, new->attno[column] - 1);

	if (!bko_row_changed(old, new, column))
		return false;
	if (att->atttypid != NUMERICOID || BKO_ISNULL(old, column) || BKO_ISNULL(new, column) ||
		!DatumGetBool(DirectFunctionCall2(numeric_eq, BKO_VALUE(old, column),
										  BKO_VALUE(new, column))))
		bko_kept_column(bko_column_name(table, column), rel);
	bko_row_set(new, column, BKO_VALUE(old, column));
	return true;
}

/* Did the statement change a column? */
bool
bko_row_changed(BkoRow *old, BkoRow *new, int column)
{
	Form_pg_attribute att = TupleDescAttr(new->desc, new->attno[column] - 1);

	if (BKO_ISNULL(old, column) != BKO_ISNULL(new, column))
		return true;
	return !BKO_ISNULL(old, column) &&
		!datum_image_eq(BKO_VALUE(old, column), BKO_VALUE(new, column), att->attbyval, att->attlen);
}

/* The item and location of a row, which must be given; "what" it is of. */
void
bko_need_item(BkoRow *row, int item_column, int location_column, const char *what,
			  text **item, text **location)
{
	if (BKO_ISNULL(row, item_column) || BKO_ISNULL(row, location_column))
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("%s of %s is null",
						BKO_ISNULL(row, item_column) ? "item" : "location", what),
				 errhint("Give the item; leave location out for the default.")));
	*item = BKO_TEXT(row, item_column);
	*location = BKO_TEXT(row, location_column);
}

/*
 * The executor writes the row that we return, unless a later trigger keeps it
 * from doing so, and then stock and journal would be wrong.
 */
void
bko_check_last_trigger(TriggerData *trigdata)
{
	TriggerDesc *triggers = trigdata->tg_relation->trigdesc;
	int16		type = TRIGGER_TYPE_ROW | TRIGGER_TYPE_BEFORE |
		(TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) ? TRIGGER_TYPE_DELETE : TRIGGER_TYPE_UPDATE);

	for (int i = triggers->numtriggers - 1; i >= 0; i--)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgoid == trigdata->tg_trigger->tgoid)
			return;
		if ((trigger->tgtype & type) == type && trigger->tgenabled != TRIGGER_DISABLED)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("trigger \"%s\" on table \"%s\" fires after \"%s\"",
							trigger->tgname, RelationGetRelationName(trigdata->tg_relation),
							trigdata->tg_trigger->tgname),
					 errhint("Rename it so that it sorts before: bko must have the last word on the row.")));
	}
}

/* A name that will be a key: refused where it is empty or can't be indexed. */
void
bko_check_name(const text *name, const char *column)
{
	int			len = VARSIZE_ANY_EXHDR(name);

	if (len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is empty", column),
				 errhint("Give it a name.")));
	if (len > BKO_MAX_NAME)
		ereport(ERROR,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				 errmsg("%s \"%s\" is too long: %d bytes", column, bko_show_text(name), len),
				 errhint("A name has at most %d bytes.", BKO_MAX_NAME)));
}

/*
 * Whose caps and protected quantities a row of order_line counts for: priority
 * and group of the line, where the stock row has limits.
 */
void
bko_row_who(BkoFrame *frame, BkoStock *stock, BkoRow *row, BkoLine *line)
{
	if (stock->nlimits == 0)
		return;
	line->priority = BKO_ISNULL(row, LINE_PRIORITY) ? 0 :
		DatumGetInt32(BKO_VALUE(row, LINE_PRIORITY));
	line->group = bko_limit_group(frame, stock, BKO_ISNULL(row, LINE_CUSTOMER) ? NULL :
								  BKO_TEXT(row, LINE_CUSTOMER));
}

/*
 * The place in the queue that the owner gives, if any, must be one that was.
 * Raises BK003.
 */
void
bko_row_check_place(BkoRow *row)
{
	TimestampTz given;
	const char *where;

	if (BKO_ISNULL(row, LINE_QUEUED_AT))
		return;
	given = DatumGetTimestampTz(BKO_VALUE(row, LINE_QUEUED_AT));
	if (given <= GetCurrentTimestamp() && !TIMESTAMP_NOT_FINITE(given))
		return;
	where = bko_where(BKO_TEXT(row, LINE_ITEM), BKO_TEXT(row, LINE_LOCATION));
	ereport(ERROR,
			(errcode(ERRCODE_BKO_KEPT_COLUMN),
			 TIMESTAMP_NOT_FINITE(given) ?
			 errmsg("queued_at is infinite for %s", where) :
			 errmsg("queued_at lies in the future for %s", where),
			 errhint("Give the time at which the old order was placed, or leave it out.")));
}

/*
 * How and whether a line ships.  A line of policy "order" that has no order
 * is an order of its own.
 */
void
bko_row_policy(BkoRow *row, BkoLine *line)
{
	line->policy = BKO_ISNULL(row, LINE_SHIP_POLICY) ? 'p' :
		bko_policy_code(BKO_TEXT(row, LINE_SHIP_POLICY));
	line->held = !BKO_ISNULL(row, LINE_HELD) && DatumGetBool(BKO_VALUE(row, LINE_HELD));
	line->order_ref = BKO_ISNULL(row, LINE_ORDER_REF) ? NULL : BKO_TEXT(row, LINE_ORDER_REF);
	if (line->policy == 'o' && line->order_ref == NULL)
		line->policy = 'l';
}

/*
 * May a new line, which is not sourced, take all it wants from a lane?  One whose
 * order ships as a whole needs the stock row when the transaction ends, and an
 * old place is one among those who come to the row.
 */
bool
bko_row_may_use_lane(const BkoBook *book, BkoRow *row)
{
	BkoLine		line;

	if (!book->lanes || !BKO_ISNULL(row, LINE_QUEUED_AT))
		return false;
	bko_row_policy(row, &line);
	return line.policy != 'o' && !line.held;
}
