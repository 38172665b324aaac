/*-------------------------------------------------------------------------
 *
 * rewrite.c
 *	  Changes lines that this transaction has inserted, without a statement.
 *
 * Lines that are split when the transaction commits are written a second time
 * then.  An UPDATE reads every CHECK of the table from its text and asks it
 * again, and joins the lines to what is to become of them: most of its work is
 * not the writing.  Here the versions to replace are known, nobody else sees
 * or locks them, and those CHECKs alone are asked, kept ready from one
 * transaction to the next, that a change of these columns can break.
 *
 * As in store.c this is for the plain table, perhaps with more columns,
 * indexes and CHECKs, which are served here.  Where it has triggers, rules or
 * generated columns of somebody else's, is a partition or has children, the
 * caller runs the statement instead; likewise where a CHECK would fail, so
 * that the statement says what is wrong.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* What a session keeps of a table while its definition stays. */
struct BkoRewriting
{
	MemoryContext cxt;
	bool		plain;			/* the rest is there */
	Bitmapset  *changed;		/* numbers of the columns that change */
	List	   *checks;			/* ExprState: CHECKs that name one of them */
};

/* ---- may rows be changed here? ---- */

/* Triggers of ours on UPDATE that let the engine's own changes pass. */
static const char *const update_triggers[] = {
	"frame_open", "line_update_row", "line_update_done"
};

/* Can the columns that change be set as they are, and does no other follow them? */
static bool
are_columns_plain(Relation rel, const Bitmapset *changed)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped)
			continue;
		if (att->attgenerated != '\0' ||
			(bms_is_member(att->attnum, changed) && att->atttypmod != -1))
			return false;
	}
	return true;
}

static bool
is_internal_function(Oid funcid, void *context)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	bool		internal;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", funcid);
	internal = ((Form_pg_proc) GETSTRUCT(tuple))->prolang == INTERNALlanguageId &&
		funcid < FirstUnpinnedObjectId;
	ReleaseSysCache(tuple);
	return internal;
}

static bool
is_foreign_function(Oid funcid, void *context)
{
	return !is_internal_function(funcid, context);
}

/* Is there anything in a CHECK that can't be kept from transaction to transaction? */
static bool
is_unusual(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
			return ((Var *) node)->varattno <= 0;
		case T_List:
		case T_Const:
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_RelabelType:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_CoalesceExpr:
			break;
		default:
			return true;
	}
	return check_functions_in_node(node, is_foreign_function, context) ||
		expression_tree_walker(node, is_unusual, context);
}

/* Make a CHECK ready where it can be broken; false where it is an unusual one. */
static bool
keep_check(struct BkoRewriting *kept, const ConstrCheck *check)
{
	Expr	   *expr = expression_planner(stringToNode(check->ccbin));
	Bitmapset  *named = NULL;
	int			attno = -1;

	if (is_unusual((Node *) expr, NULL) || contain_mutable_functions((Node *) expr))
		return false;
	pull_varattnos((Node *) expr, 1, &named);
	while ((attno = bms_next_member(named, attno)) >= 0)
		if (bms_is_member(attno + FirstLowInvalidHeapAttributeNumber, kept->changed))
		{
			MemoryContext old = MemoryContextSwitchTo(kept->cxt);

			kept->checks = lappend(kept->checks, ExecInitExpr(copyObject(expr), NULL));
			MemoryContextSwitchTo(old);
			break;
		}
	return true;
}

static bool
keep_checks(struct BkoRewriting *kept, Relation rel)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;

	for (int i = 0; constr && i < constr->num_check; i++)
		if (BKO_CHECK_ENFORCED(&constr->check[i]) && !keep_check(kept, &constr->check[i]))
			return false;
	return true;
}

/*
 * What is kept of a table, looked up once as long as its definition stays;
 * "changed" are the columns, by bko's numbers, that are ever changed.
 */
static struct BkoRewriting *
get_rewriting(BkoColumns *columns, Relation rel, const int *changed, int nchanged)
{
	struct BkoRewriting *kept = columns->rewriting;
	MemoryContext cxt;
	MemoryContext old;

	if (columns->rewriting_known)
		return kept;
	columns->rewriting = NULL;
	if (kept)
		MemoryContextDelete(kept->cxt);

	cxt = AllocSetContextCreate(TopMemoryContext, "bko rewriting", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(cxt);
	kept = palloc0(sizeof(*kept));
	kept->cxt = cxt;
	columns->rewriting = kept;
	for (int i = 0; i < nchanged; i++)
		kept->changed = bms_add_member(kept->changed, columns->attno[changed[i]]);
	MemoryContextSwitchTo(old);
	kept->plain = rel->rd_rel->relkind == RELKIND_RELATION && !rel->rd_rel->relispartition &&
		!rel->rd_rel->relhassubclass && rel->rd_rules == NULL &&
		bko_has_triggers_only(rel, TRIGGER_TYPE_UPDATE, update_triggers,
							  lengthof(update_triggers)) &&
		are_columns_plain(rel, kept->changed) && keep_checks(kept, rel);
	columns->rewriting_known = true;
	return kept;
}

/* ---- the rows ---- */

static bool
holds(struct BkoRewriting *kept, TupleTableSlot *slot, ExprContext *econtext)
{
	ListCell   *cell;
	bool		holds = true;

	econtext->ecxt_scantuple = slot;
	foreach(cell, kept->checks)
		holds = holds && ExecCheck(lfirst(cell), econtext);
	ResetExprContext(econtext);
	return holds;
}

/* A column that is null now and mustn't be? */
static bool
has_bad_null(TupleDesc desc, const Bitmapset *changed, const bool *nulls)
{
	int			attno = -1;

	while ((attno = bms_next_member(changed, attno)) >= 0)
		if (nulls[attno - 1] && TupleDescAttr(desc, attno - 1)->attnotnull)
			return true;
	return false;
}

/*
 * The rows as they will be, palloc'd; NULL where one of them is none of ours,
 * isn't there any more or would break a constraint.
 */
static HeapTuple *
make_rows(Relation rel, struct BkoRewriting *kept, const BkoColumns *columns,
		  const ItemPointerData *tids, int n, BkoFill fill, void *arg, EState *estate)
{
	TupleDesc	desc = RelationGetDescr(rel);
	TupleTableSlot *old = table_slot_create(rel, NULL);
	TupleTableSlot *new = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
	ExprContext *econtext = GetPerTupleExprContext(estate);
	HeapTuple  *rows = palloc(n * sizeof(HeapTuple));
	bool		good = true;

	for (int i = 0; i < n && good; i++)
	{
		ItemPointerData tid = tids[i];
		bool		isnull;

		good = table_tuple_fetch_row_version(rel, &tid, SnapshotSelf, old) &&
			TransactionIdIsCurrentTransactionId(DatumGetTransactionId(
				slot_getsysattr(old, MinTransactionIdAttributeNumber, &isnull)));
		if (!good)
			break;
		slot_getallattrs(old);
		fill(i, arg, columns, old->tts_values, old->tts_isnull);
		rows[i] = heap_form_tuple(desc, old->tts_values, old->tts_isnull);
		rows[i]->t_self = tid;
		ExecStoreHeapTuple(rows[i], new, false);
		good = !has_bad_null(desc, kept->changed, old->tts_isnull) && holds(kept, new, econtext);
		ExecClearTuple(old);
	}
	ExecDropSingleTupleTableSlot(old);
	ExecDropSingleTupleTableSlot(new);
	return good ? rows : NULL;
}

/*
 * Tell each index whether the new entries are but new versions of old ones: it
 * then looks for dead ones to remove before it splits a page.
 */
static void
tell_indexes(ResultRelInfo *target, const Bitmapset *changed)
{
	for (int i = 0; i < target->ri_NumIndices; i++)
	{
		IndexInfo  *index = target->ri_IndexRelationInfo[i];

		index->ii_CheckedUnchanged = true;
		index->ii_IndexUnchanged = index->ii_Expressions == NIL;
		for (int k = 0; k < index->ii_NumIndexKeyAttrs; k++)
			if (bms_is_member(index->ii_IndexAttrNumbers[k], changed))
				index->ii_IndexUnchanged = false;
	}
}

static void
write_rows(Relation rel, struct BkoRewriting *kept, HeapTuple *rows, int n, EState *estate)
{
	ResultRelInfo *target = makeNode(ResultRelInfo);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsHeapTuple);
	CommandId	cid = GetCurrentCommandId(true);

	CheckCmdReplicaIdentity(rel, CMD_UPDATE);
	InitResultRelInfo(target, rel, 0, NULL, 0);
	ExecOpenIndices(target, false);
	tell_indexes(target, kept->changed);
	for (int i = 0; i < n; i++)
	{
		ItemPointerData tid = rows[i]->t_self;
		TM_FailureData failure;
		LockTupleMode mode;
		BkoIndexesToUpdate indexes;

		ExecStoreHeapTuple(rows[i], slot, false);
		slot->tts_tableOid = RelationGetRelid(rel);
		if (table_tuple_update(rel, &tid, slot, cid, GetActiveSnapshot(), InvalidSnapshot,
							   true, &failure, &mode, &indexes) != TM_Ok)
			elog(ERROR, "a line that was inserted by this transaction could not be changed");
		if (indexes != BKO_NO_INDEXES && target->ri_NumIndices > 0)
			list_free(bko_update_index_tuples(target, slot, estate, indexes));
		ResetPerTupleExprContext(estate);
	}
	ExecDropSingleTupleTableSlot(slot);
	ExecCloseIndices(target);
}

/*
 * Change n rows of a table of a book, which this transaction has inserted: the
 * versions at "tids", as somebody has just read them.  "fill" sets what
 * changes in each, counted from 0: some of the columns "changed", which are
 * the same in each call for that table.  False where nothing was done and the
 * caller is to run the statement: the table isn't plain, a row isn't there as
 * it was, or a constraint would be broken.  What it allocates is in the current
 * memory context.
 */
bool
bko_rewrite(const BkoRun *run, BkoTable table, const int *changed, int nchanged,
			const ItemPointerData *tids, int n, BkoFill fill, void *arg)
{
	Oid			relid = get_relname_relid(bko_table_name(table), run->book->nspoid);
	BkoColumns *columns = &run->book->columns[table];
	struct BkoRewriting *kept;
	Relation	rel;
	HeapTuple  *rows = NULL;

	if (!OidIsValid(relid))
		return false;			/* the statement says what is wrong */
	rel = table_open(relid, RowExclusiveLock);
	(void) bko_columns(run->book, table, rel);
	kept = get_rewriting(columns, rel, changed, nchanged);
	if (kept->plain && rel->rd_rel->relowner == run->owner)
	{
		EState	   *estate = CreateExecutorState();
		Oid			save_userid;
		int			save_sec;

		/* expressions of the owner's indexes run as the owner */
		GetUserIdAndSecContext(&save_userid, &save_sec);
		SetUserIdAndSecContext(run->owner, save_sec | SECURITY_LOCAL_USERID_CHANGE);
		rows = make_rows(rel, kept, columns, tids, n, fill, arg, estate);
		if (rows)
			write_rows(rel, kept, rows, n, estate);
		SetUserIdAndSecContext(save_userid, save_sec);
		FreeExecutorState(estate);
		if (rows)
			CommandCounterIncrement();
	}
	table_close(rel, NoLock);
	return rows != NULL;
}
