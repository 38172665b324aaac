/*-------------------------------------------------------------------------
 *
 * seek.c
 *	  Reads a row by its primary key without a statement.
 *
 * To start and end a statement costs many times what it takes to find one row in
 * an index.  Where the table is the plain one, nothing that a statement would do
 * beside is missed: rights (the engine reads with those of the owner), children,
 * views.  Where it isn't, the caller runs the statement instead.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Is this the index of a key that consists of the two columns? */
static bool
is_key(Oid index, AttrNumber a, AttrNumber b)
{
	Relation	rel = index_open(index, AccessShareLock);
	const int16 *key = rel->rd_index->indkey.values;
	bool		is = (rel->rd_index->indnkeyatts == 2 &&
					  ((key[0] == a && key[1] == b) || (key[0] == b && key[1] == a)));

	index_close(rel, NoLock);
	return is;
}

static void
set_key(ScanKey key, Relation rel, AttrNumber attno, const text *value)
{
	ScanKeyEntryInitialize(key, 0, attno, BTEqualStrategyNumber, InvalidOid,
						   TupleDescAttr(RelationGetDescr(rel), attno - 1)->attcollation,
						   F_TEXTEQ, PointerGetDatum(value));
}

/* The column of the one row with these keys, copied; as it is for a new statement. */
static BkoSought
read_column(Relation rel, Oid index, ScanKey keys, AttrNumber wanted, Datum *value, bool *isnull)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Form_pg_attribute att = TupleDescAttr(desc, wanted - 1);
	Snapshot	snapshot;
	SysScanDesc scan;
	HeapTuple	tuple;

	CommandCounterIncrement();	/* see what this transaction has written */
	snapshot = RegisterSnapshot(IsolationUsesXactSnapshot() ? GetTransactionSnapshot() :
								GetLatestSnapshot());
	scan = systable_beginscan(rel, index, true, snapshot, 2, keys);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		*value = heap_getattr(tuple, wanted, desc, isnull);
		if (!*isnull)
			*value = datumCopy(*value, att->attbyval, att->attlen);
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	return HeapTupleIsValid(tuple) ? BKO_FOUND : BKO_ABSENT;
}

/*
 * Read the column "wanted" of a row of a table of a book whose primary key is
 * its item and location, which have these columns; the value is palloc'd.
 * BKO_RUN_STATEMENT where that is for a statement.
 */
BkoSought
bko_seek(const BkoRun *run, BkoTable table, int item_column, const text *item,
		 int location_column, const text *location, int wanted, Datum *value, bool *isnull)
{
	Oid			relid = get_relname_relid(bko_table_name(table), run->book->nspoid);
	BkoSought	sought = BKO_RUN_STATEMENT;
	const AttrNumber *attno;
	ScanKeyData keys[2];
	Relation	rel;
	Oid			index;

	if (!OidIsValid(relid))
		return BKO_RUN_STATEMENT;	/* it says what is wrong */
	rel = table_open(relid, AccessShareLock);
	attno = bko_columns(run->book, table, rel);
	index = bko_primary_key(rel);
	if (rel->rd_rel->relkind == RELKIND_RELATION && !rel->rd_rel->relhassubclass &&
		rel->rd_rel->relowner == run->owner && OidIsValid(index) &&
		is_key(index, attno[item_column], attno[location_column]))
	{
		set_key(&keys[0], rel, attno[item_column], item);
		set_key(&keys[1], rel, attno[location_column], location);
		sought = read_column(rel, index, keys, attno[wanted], value, isnull);
	}
	table_close(rel, NoLock);
	return sought;
}
