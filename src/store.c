/*-------------------------------------------------------------------------
 *
 * store.c
 *	  Stores rows of a book's table without a statement, many at once as COPY
 *	  does.
 *
 * The journal is what every operation writes most of.  Where a table is the
 * plain one that create_book() made (perhaps with more columns and indexes),
 * a row of the engine's needs no executor: its values are known, its indexes
 * and constraints are served here.  Where it is a partition, a shard or has
 * triggers or defaults of somebody else's, the caller runs the statement
 * instead.
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
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Rows stored at once; as many as COPY takes. */
#define BATCH 1000

/* Triggers of ours on INSERT that let the engine's own rows pass. */
static const char *const insert_triggers[] = {
	"journal_guard", "frame_open", "line_insert_row", "line_insert_done", "line_split"
};

static bool
is_among(const Trigger *trigger, const char *const *functions, int n)
{
	const char *name = get_func_name(trigger->tgfoid);
	const char *schema = get_namespace_name(get_func_namespace(trigger->tgfoid));

	for (int i = 0; i < n; i++)
		if (name && schema && strcmp(schema, "bko") == 0 && strcmp(name, functions[i]) == 0)
			return true;
	return false;
}

/*
 * Does every trigger of the table for an event (TRIGGER_TYPE_INSERT, ...) call
 * one of n functions of ours?
 */
bool
bko_has_triggers_only(Relation rel, int16 event, const char *const *functions, int n)
{
	TriggerDesc *triggers = rel->trigdesc;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
		if ((triggers->triggers[i].tgtype & event) != 0 &&
			!is_among(&triggers->triggers[i], functions, n))
			return false;
	return true;
}

/* Can the columns that are not ours be left null? */
static bool
others_are_null(Relation rel, const AttrNumber *attno, int ncolumns)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		bool		ours = false;

		for (int c = 0; c < ncolumns; c++)
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
is_plain(const BkoRun *run, BkoTable table, Relation rel, const AttrNumber *attno)
{
	BkoColumns *columns = &run->book->columns[table];

	if (!columns->plain_known)
	{
		columns->plain = false;
		if (rel->rd_rel->relkind == RELKIND_RELATION && !rel->rd_rel->relispartition &&
			rel->rd_rules == NULL &&
			bko_has_triggers_only(rel, TRIGGER_TYPE_INSERT, insert_triggers,
								  lengthof(insert_triggers)) &&
			others_are_null(rel, attno, bko_column_count(table)))
		{
			/* the first column of such a table is its identity */
			columns->sequence = getIdentitySequence(BKO_SEQUENCE_ARGS(rel, attno[0]));
			columns->plain = OidIsValid(columns->sequence);
		}
		columns->plain_known = true;
	}
	return columns->plain && rel->rd_rel->relowner == run->owner;
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
store(Relation rel, const BkoColumns *columns, int64 n, BkoFill fill, void *arg)
{
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *target = makeNode(ResultRelInfo);
	TupleTableSlot **slots = palloc0(Min(n, BATCH) * sizeof(TupleTableSlot *));
	BulkInsertState bistate = n > 1 ? GetBulkInsertState() : NULL;

	/*
	 * A copy, which is not counted: the resource owner would note every slot
	 * under one and the same address, at a cost that grows with their square.
	 */
	TupleDesc	desc = CreateTupleDescCopy(RelationGetDescr(rel));

	InitResultRelInfo(target, rel, 0, NULL, 0);
	ExecOpenIndices(target, false);
	for (int64 done = 0; done < n;)
	{
		int			k;

		for (k = 0; k < BATCH && done < n; k++, done++)
		{
			if (slots[k] == NULL)
				slots[k] = MakeSingleTupleTableSlot(desc, table_slot_callbacks(rel));
			ExecClearTuple(slots[k]);
			memset(slots[k]->tts_isnull, true, slots[k]->tts_tupleDescriptor->natts);
			fill(done, arg, columns, slots[k]->tts_values, slots[k]->tts_isnull);
			ExecStoreVirtualTuple(slots[k]);
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
 * Store n rows of a table of a book; "fill" sets the values of each, counted
 * from 0, where the columns say, the others staying null.  False where the
 * table is not plain: the caller inserts them by a statement.  What it
 * allocates is in the current memory context.
 */
bool
bko_store(const BkoRun *run, BkoTable table, int64 n, BkoFill fill, void *arg)
{
	Oid			relid = get_relname_relid(bko_table_name(table), run->book->nspoid);
	Relation	rel;
	bool		plain;
	Oid			save_userid;
	int			save_sec;

	if (!OidIsValid(relid))
		return false;			/* the statement says what is wrong */
	rel = table_open(relid, RowExclusiveLock);
	plain = is_plain(run, table, rel, bko_columns(run->book, table, rel));
	if (plain)
	{
		/* expressions of the owner's indexes and constraints run as the owner */
		GetUserIdAndSecContext(&save_userid, &save_sec);
		SetUserIdAndSecContext(run->owner, save_sec | SECURITY_LOCAL_USERID_CHANGE);
		store(rel, &run->book->columns[table], n, fill, arg);
		SetUserIdAndSecContext(save_userid, save_sec);
		CommandCounterIncrement();
	}
	table_close(rel, NoLock);
	return plain;
}
