/*-------------------------------------------------------------------------
 *
 * journal_store.c
 *	  Stores rows of the table movement without a statement, many at once as
 *	  COPY does.
 *
 * The journal is what every operation writes most of.  Where the table is the
 * plain one that create_book() made (perhaps with more columns and indexes),
 * a row needs no executor: its values are known, its indexes and constraints
 * are served here.  Where it is a partition, a shard or has triggers or
 * defaults of somebody else's, the caller runs the statement instead.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_trigger.h"
#include "commands/sequence.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Rows stored at once; as many as COPY takes. */
#define BATCH 1000

/* Is every INSERT trigger of the table our own guard? */
static bool
has_our_triggers_only(Relation rel)
{
	TriggerDesc *triggers = rel->trigdesc;

	if (triggers == NULL)
		return true;
	if (triggers->trig_insert_before_row || triggers->trig_insert_after_row ||
		triggers->trig_insert_instead_row || triggers->trig_insert_after_statement ||
		triggers->trig_insert_new_table)
		return false;
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (TRIGGER_FOR_INSERT(trigger->tgtype) &&
			strcmp(get_func_name(trigger->tgfoid), "journal_guard") != 0)
			return false;
	}
	return true;
}

/* Can the columns that are not ours be left null? */
static bool
others_are_null(Relation rel, const AttrNumber *attno)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		bool		ours = false;

		for (int c = 0; c < MOVEMENT_NCOLUMNS; c++)
			ours = ours || attno[c] == i + 1;
		if (att->attisdropped)
			continue;
		if (att->attgenerated != '\0' ||
			(!ours && (att->atthasdef || att->attidentity != '\0' ||
					   get_typtype(att->atttypid) == TYPTYPE_DOMAIN)))
			return false;
	}
	return true;
}

/*
 * Look up whether rows may be stored here, once as long as the table's
 * definition stays.  Owned by whose rights we have: no right is missing.
 */
static bool
is_plain(const BkoRun *run, Relation rel, const AttrNumber *attno)
{
	BkoColumns *columns = &run->book->columns[BKO_MOVEMENT];

	if (!columns->plain_known)
	{
		columns->plain = false;
		if (rel->rd_rel->relkind == RELKIND_RELATION && !rel->rd_rel->relispartition &&
			rel->rd_rules == NULL && has_our_triggers_only(rel) && others_are_null(rel, attno))
		{
			columns->sequence = getIdentitySequence(BKO_SEQUENCE_ARGS(rel, attno[MOVEMENT_ID]));
			columns->plain = OidIsValid(columns->sequence);
		}
		columns->plain_known = true;
	}
	return columns->plain && rel->rd_rel->relowner == run->owner;
}

/* Where the columns of bko_move_datums() go. */
static const int move_columns[] = {
	MOVEMENT_KIND, MOVEMENT_FROM_STATE, MOVEMENT_TO_STATE, MOVEMENT_ITEM, MOVEMENT_LOCATION,
	MOVEMENT_QTY, MOVEMENT_LINE_ID, MOVEMENT_RECEIPT_ID, MOVEMENT_SUPPLY_ID
};

static void
fill_slot(TupleTableSlot *slot, const AttrNumber *attno, Oid sequence, const BkoMove *move,
		  Datum at, Datum by_role, const text *reason)
{
	Datum		values[lengthof(move_columns)];
	bool		nulls[lengthof(move_columns)];

#define SET(column, value, isnull) \
	(slot->tts_values[attno[column] - 1] = (value), slot->tts_isnull[attno[column] - 1] = (isnull))

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts);
	bko_move_datums(move, values, nulls);
	for (int c = 0; c < lengthof(move_columns); c++)
		SET(move_columns[c], values[c], nulls[c]);
	SET(MOVEMENT_ID, Int64GetDatum(nextval_internal(sequence, false)), false);
	SET(MOVEMENT_AT, at, false);
	SET(MOVEMENT_BY_ROLE, by_role, false);
	SET(MOVEMENT_REASON, PointerGetDatum(reason), reason == NULL);
	ExecStoreVirtualTuple(slot);
}

/* Store filled slots and their index entries. */
static void
store_batch(ResultRelInfo *target, EState *estate, TupleTableSlot **slots, int n,
			BulkInsertState bistate)
{
	Relation	rel = target->ri_RelationDesc;

	for (int i = 0; i < n; i++)
	{
		slots[i]->tts_tableOid = RelationGetRelid(rel);
		if (rel->rd_att->constr)
			ExecConstraints(target, slots[i], estate);
	}
	table_multi_insert(rel, slots, n, GetCurrentCommandId(true), 0, bistate);
	for (int i = 0; i < n; i++)
	{
		if (target->ri_NumIndices > 0)
			list_free(bko_insert_index_tuples(target, slots[i], estate));
		ResetPerTupleExprContext(estate);
	}
}

static void
store(Relation rel, const AttrNumber *attno, Oid sequence, const BkoMove *moves, int n,
	  Datum at, Datum by_role, const text *reason)
{
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *target = makeNode(ResultRelInfo);
	TupleTableSlot **slots = palloc0(Min(n, BATCH) * sizeof(TupleTableSlot *));
	BulkInsertState bistate = n > 1 ? GetBulkInsertState() : NULL;

	InitResultRelInfo(target, rel, 0, NULL, 0);
	ExecOpenIndices(target, false);
	for (int done = 0; done < n;)
	{
		int			k;

		for (k = 0; k < BATCH && done < n; k++, done++)
		{
			if (slots[k] == NULL)
				slots[k] = table_slot_create(rel, NULL);
			fill_slot(slots[k], attno, sequence, &moves[done], at, by_role, reason);
		}
		store_batch(target, estate, slots, k, bistate);
	}
	for (int k = 0; k < Min(n, BATCH); k++)
		ExecDropSingleTupleTableSlot(slots[k]);
	if (bistate)
		FreeBulkInsertState(bistate);
	ExecCloseIndices(target);
	FreeExecutorState(estate);
}

/*
 * Store n movements.  False where the table is not plain: the caller inserts
 * them by a statement.  What it allocates is in the current memory context.
 */
bool
bko_journal_store(BkoFrame *frame, const BkoMove *moves, int n, Datum at,
				  Datum by_role, const text *reason)
{
	const BkoRun *run = &frame->run;
	Oid			relid = get_relname_relid(bko_table_name(BKO_MOVEMENT), run->book->nspoid);
	Relation	rel;
	const AttrNumber *attno;
	bool		plain;
	Oid			save_userid;
	int			save_sec;

	if (!OidIsValid(relid))
		return false;			/* the statement says what is wrong */
	rel = table_open(relid, RowExclusiveLock);
	attno = bko_columns(run->book, BKO_MOVEMENT, rel);
	plain = is_plain(run, rel, attno);
	if (plain)
	{
		/* expressions of the owner's indexes and constraints run as the owner */
		GetUserIdAndSecContext(&save_userid, &save_sec);
		SetUserIdAndSecContext(run->owner, save_sec | SECURITY_LOCAL_USERID_CHANGE);
		store(rel, attno, run->book->columns[BKO_MOVEMENT].sequence, moves, n, at, by_role, reason);
		SetUserIdAndSecContext(save_userid, save_sec);
		CommandCounterIncrement();
	}
	table_close(rel, NoLock);
	return plain;
}
