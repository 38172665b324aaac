/*-------------------------------------------------------------------------
 *
 * attach_stock.c
 *	  Triggers of an application's stock and receipt tables that the engine
 *	  works behind, and what keeps the application's quantity equal to on_hand.
 *
 * What a statement did to the application's table is taken over when it ends,
 * set by set, from its transition tables.  What the engine does to a stock row
 * is pushed to the application's row by a trigger on stock.  Everyone locks the
 * application's row before the stock row: an UPDATE of the application has
 * locked it before we are asked.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(bko_attached_stock);
PG_FUNCTION_INFO_V1(bko_attached_stock_push);
PG_FUNCTION_INFO_V1(bko_attached_receipt);

/* ---- the application's changes are taken over ---- */

/* Check that the trigger has the transition tables of its operation. */
static void
need_transition_tables(TriggerData *trigdata)
{
	bool		old = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(trigdata->tg_event);
	bool		new = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ||
		TRIGGER_FIRED_BY_INSERT(trigdata->tg_event);

	if ((old && trigdata->tg_oldtable == NULL) || (new && trigdata->tg_newtable == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" has no transition tables", trigdata->tg_trigger->tgname),
				 errhint("Detach the table and attach it again.")));
}

/* Run a statement over the transition tables, its plan kept for next time. */
static uint64
run_kept(const BkoRun *run, BkoAttached *a, BkoAttachedPlan which,
		 char *(*sql) (const BkoRun *run, const BkoAttached *a))
{
	if (a->plans[which] == NULL)
		a->plans[which] = bko_keep_plan(run, sql(run, a), 0, NULL, true);
	return bko_run_plan(run, a->plans[which], NULL, NULL, 0, false);
}

/* A new row of the application's table makes a stock row, or says what there is. */
static char *
insert_sql(const BkoRun *run, const BkoAttached *a)
{
	return psprintf("INSERT INTO %sstock AS s (item, location, on_hand)"
					" SELECT %s, %s, COALESCE(%s, 0) FROM bko_new AS n ORDER BY 1, 2"
					" ON CONFLICT (item, location) DO UPDATE SET on_hand = EXCLUDED.on_hand",
					run->book->prefix, bko_role_value(a, "item", "n", "pg_catalog.text"),
					bko_role_value(a, "location", "n", "pg_catalog.text"),
					bko_role_value(a, "on_hand", "n", "pg_catalog.numeric"));
}

/*
 * An UPDATE counts by the difference that it made: a trigger of the application
 * may have ordered of the item meanwhile, whose units would come back else.
 * Where there is no stock row it makes one.
 */
static char *
update_sql(const BkoRun *run, const BkoAttached *a)
{
	const char *on_hand = quote_identifier(get_attname(a->relid, bko_role_attno(a, "on_hand"), false));

	return psprintf("WITH c AS (SELECT %s AS item, %s AS location, COALESCE(%s, 0) AS new, COALESCE(%s, 0) AS old"
					" FROM bko_new AS n JOIN bko_old AS o ON %s OPERATOR(pg_catalog.=) %s"
					" AND %s OPERATOR(pg_catalog.=) %s WHERE n.%s IS DISTINCT FROM o.%s),"
					" u AS (UPDATE %sstock AS s SET on_hand = (s.on_hand OPERATOR(pg_catalog.+) c.new)"
					" OPERATOR(pg_catalog.-) c.old FROM c WHERE s.item OPERATOR(pg_catalog.=) c.item"
					" AND s.location OPERATOR(pg_catalog.=) c.location RETURNING s.item, s.location)"
					" INSERT INTO %sstock (item, location, on_hand) SELECT c.item, c.location, c.new FROM c"
					" WHERE NOT EXISTS (SELECT FROM %sstock AS s WHERE s.item OPERATOR(pg_catalog.=) c.item"
					" AND s.location OPERATOR(pg_catalog.=) c.location) ORDER BY 1, 2",
					bko_role_value(a, "item", "n", "pg_catalog.text"),
					bko_role_value(a, "location", "n", "pg_catalog.text"),
					bko_role_value(a, "on_hand", "n", "pg_catalog.numeric"),
					bko_role_value(a, "on_hand", "o", "pg_catalog.numeric"),
					bko_role_value(a, "item", "n", "pg_catalog.text"),
					bko_role_value(a, "item", "o", "pg_catalog.text"),
					bko_role_value(a, "location", "n", "pg_catalog.text"),
					bko_role_value(a, "location", "o", "pg_catalog.text"),
					on_hand, on_hand, run->book->prefix, run->book->prefix, run->book->prefix);
}

static char *
delete_sql(const BkoRun *run, const BkoAttached *a)
{
	return psprintf("DELETE FROM %sstock AS s USING bko_old AS o"
					" WHERE s.item OPERATOR(pg_catalog.=) %s AND s.location OPERATOR(pg_catalog.=) %s",
					run->book->prefix, bko_role_value(a, "item", "o", "pg_catalog.text"),
					bko_role_value(a, "location", "o", "pg_catalog.text"));
}

/* Items and locations that the UPDATE took away. */
static char *
renamed_sql(const BkoRun *run, const BkoAttached *a)
{
	return psprintf("SELECT %s, %s FROM bko_old AS o EXCEPT SELECT %s, %s FROM bko_new AS n LIMIT 1",
					bko_role_value(a, "item", "o", "pg_catalog.text"),
					bko_role_value(a, "location", "o", "pg_catalog.text"),
					bko_role_value(a, "item", "n", "pg_catalog.text"),
					bko_role_value(a, "location", "n", "pg_catalog.text"));
}

/* ---- the engine's changes are shown ---- */

/*
 * The condition that a row of the application's table, alias a, is of a stock
 * row, such that an index of the column can be used: names that can't be of the
 * column's type are never cast.
 */
static char *
is_of(const BkoAttached *a, const char *item, const char *location)
{
	AttrNumber	attno = bko_role_attno(a, "item");
	const char *column = quote_identifier(get_attname(a->relid, attno, false));
	Oid			type = getBaseType(get_atttype(a->relid, attno));
	StringInfoData sql;

	initStringInfo(&sql);
	if (type == INT2OID || type == INT4OID || type == INT8OID)
		appendStringInfo(&sql, "a.%s OPERATOR(pg_catalog.=) CASE WHEN %s OPERATOR(pg_catalog.~)"
						 " '^-?[0-9]{1,18}$' THEN %s::bigint END AND ", column, item, item);
	else if (type == UUIDOID)
		appendStringInfo(&sql, "a.%s OPERATOR(pg_catalog.=) CASE WHEN %s OPERATOR(pg_catalog.~)"
						 " '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN %s::pg_catalog.uuid END AND ",
						 column, item, item);
	else if (type == BPCHAROID)
		appendStringInfo(&sql, "a.%s OPERATOR(pg_catalog.=) %s::pg_catalog.bpchar AND ", column, item);
	appendStringInfo(&sql, "a.%s::pg_catalog.text OPERATOR(pg_catalog.=) %s AND"
					 " %s OPERATOR(pg_catalog.=) %s",
					 column, item, bko_role_value(a, "location", "a", "pg_catalog.text"), location);
	return sql.data;
}

static SPIPlanPtr
push_plan(const BkoRun *run, BkoAttached *a)
{
	Oid			types[3] = {TEXTARRAYOID, TEXTARRAYOID, NUMERICARRAYOID};
	AttrNumber	attno = bko_role_attno(a, "on_hand");
	const char *column = quote_identifier(get_attname(a->relid, attno, false));

	if (a->plans[BKO_ATTACHED_PUSH] == NULL)
		a->plans[BKO_ATTACHED_PUSH] =
			bko_keep_plan(run,
						  psprintf("UPDATE %s AS a SET %s = %s FROM unnest($1, $2, $3)"
								   " AS d(item, location, on_hand) WHERE %s"
								   " AND %s IS DISTINCT FROM d.on_hand",
								   bko_relation_name(a->root), column,
								   bko_is_integer(get_atttype(a->relid, attno)) ?
								   "bko.whole(d.on_hand)" : "d.on_hand",
								   is_of(a, "d.item", "d.location"),
								   bko_column_value(a, attno, "a", "pg_catalog.numeric")),
						  3, types, false);
	return a->plans[BKO_ATTACHED_PUSH];
}

/* Rows that the statement wrote, of which stock says something else by now. */
static char *
differs_sql(const BkoRun *run, const BkoAttached *a)
{
	return psprintf("SELECT s.item::pg_catalog.text, s.location::pg_catalog.text, s.on_hand::pg_catalog.numeric"
					" FROM bko_new AS n JOIN %sstock AS s ON s.item OPERATOR(pg_catalog.=) %s"
					" AND s.location OPERATOR(pg_catalog.=) %s WHERE s.on_hand IS DISTINCT FROM COALESCE(%s, 0)",
					run->book->prefix, bko_role_value(a, "item", "n", "pg_catalog.text"),
					bko_role_value(a, "location", "n", "pg_catalog.text"),
					bko_role_value(a, "on_hand", "n", "pg_catalog.numeric"));
}

/*
 * Show what is left of quantities that were taken over: where waiting lines
 * got all of a rise, on_hand is what it was, and nothing else tells of it.
 */
static void
show_taken(const BkoRun *run, BkoAttached *a)
{
	Oid			types[3] = {TEXTOID, TEXTOID, NUMERICOID};
	Datum		args[3];
	BkoRun		owner = bko_owner_run(run, a->root);
	uint64		n = run_kept(run, a, BKO_ATTACHED_DIFFERS, differs_sql);

	if (n == 0)
		return;
	bko_column_arrays(args, types, 3, n, bko_result_row, NULL);
	(void) bko_run_plan(&owner, push_plan(&owner, a), args, NULL, 0, true);
}

/*
 * bko.attached_stock(): AFTER each statement on an attached stock table. A
 * rise fills, a fall releases.  Raises what an UPDATE of stock raises.
 */
Datum
bko_attached_stock(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoAttached *a;
	BkoRun		run;
	int			nestlevel;

	bko_check_trigger(fcinfo, "bko.attached_stock", 0, false,
					  BKO_ON_INSERT | BKO_ON_UPDATE | BKO_ON_DELETE);
	if (bko_engine_writing())
		return PointerGetDatum(NULL);
	need_transition_tables(trigdata);
	a = bko_attached(trigdata->tg_relation);
	run = bko_attached_run(a);
	nestlevel = bko_attached_modes(a);
	SPI_connect();
	SPI_register_trigger_data(trigdata);
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		(void) run_kept(&run, a, BKO_ATTACHED_INSERT, insert_sql);
	else if (TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		(void) run_kept(&run, a, BKO_ATTACHED_DELETE, delete_sql);
	else
	{
		if (run_kept(&run, a, BKO_ATTACHED_CHECK, renamed_sql) > 0)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("a row of \"%s\" can't become that of another item or location: it is of %s",
							RelationGetRelationName(trigdata->tg_relation),
							bko_where(bko_result_text(0, 1), bko_result_text(0, 2))),
					 errhint("Order lines and journal name it. Insert a row of the new name and bring the old one to 0.")));
		(void) run_kept(&run, a, BKO_ATTACHED_UPDATE, update_sql);
	}
	if (!TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		show_taken(&run, a);
	SPI_finish();
	AtEOXact_GUC(true, nestlevel);
	return PointerGetDatum(NULL);
}

/* Stock rows by their names. */
typedef struct Places
{
	Datum	   *item;
	Datum	   *location;
	Datum	   *on_hand;
	int			n;
} Places;

/*
 * The stock rows that an UPDATE of stock may have made differ from those of the
 * application; palloc'd.  Where it isn't the engine's own, a rise that the
 * queue took at once leaves on_hand as it was, but not as the application wrote
 * it.
 */
static Places
changed_places(TriggerData *trigdata, BkoBook *book)
{
	bool		engine = bko_engine_writing();
	const AttrNumber *attno = bko_columns(book, BKO_STOCK, trigdata->tg_relation);
	BkoPairs	pairs = bko_pairs_begin(trigdata);
	Places		places = {0};
	int			max = 8;

	places.item = palloc(max * sizeof(Datum));
	places.location = palloc(max * sizeof(Datum));
	places.on_hand = palloc(max * sizeof(Datum));
	while (bko_pairs_next(&pairs))
	{
		bool		isnull;

		if (engine &&
			datum_image_eq(slot_getattr(pairs.old, attno[STOCK_ON_HAND], &isnull),
						   slot_getattr(pairs.new, attno[STOCK_ON_HAND], &isnull), false, -1))
			continue;
		if (places.n == max)
		{
			max *= 2;
			places.item = repalloc_huge(places.item, max * sizeof(Datum));
			places.location = repalloc_huge(places.location, max * sizeof(Datum));
			places.on_hand = repalloc_huge(places.on_hand, max * sizeof(Datum));
		}
		places.item[places.n] = datumCopy(slot_getattr(pairs.new, attno[STOCK_ITEM], &isnull), false, -1);
		places.location[places.n] = datumCopy(slot_getattr(pairs.new, attno[STOCK_LOCATION], &isnull),
											  false, -1);
		places.on_hand[places.n++] = datumCopy(slot_getattr(pairs.new, attno[STOCK_ON_HAND], &isnull),
											   false, -1);
	}
	bko_pairs_end(&pairs);
	return places;
}

/* The tables that are attached to a book's stock, by their numbers; palloc'd. */
static int
stock_tables(const BkoRun *run, int32 **ids)
{
	MemoryContext cxt = CurrentMemoryContext;
	uint64		n;

	SPI_connect();
	n = bko_run(run, PLAN_ATTACHED_STOCKS, NULL, NULL, 0);
	*ids = MemoryContextAlloc(cxt, Max(n, 1) * sizeof(int32));
	for (uint64 i = 0; i < n; i++)
	{
		bool		isnull;

		(*ids)[i] = DatumGetInt32(bko_result(i, 1, &isnull));
	}
	SPI_finish();
	return n;
}

/*
 * bko.attached_stock_push(): AFTER UPDATE on stock of a book that a stock
 * table is attached to.  Shows on_hand in the application's rows.
 */
Datum
bko_attached_stock_push(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoRun		run;
	Places		places;
	int32	   *ids;
	int			n;
	Datum		args[3];

	bko_check_trigger(fcinfo, "bko.attached_stock_push", 0, false, BKO_ON_UPDATE);
	need_transition_tables(trigdata);
	run = bko_book_of_table(trigdata->tg_relation);
	places = changed_places(trigdata, run.book);
	if (places.n == 0)
		return PointerGetDatum(NULL);
	args[0] = bko_array(places.item, NULL, places.n, TEXTOID);
	args[1] = bko_array(places.location, NULL, places.n, TEXTOID);
	args[2] = bko_array(places.on_hand, NULL, places.n, NUMERICOID);
	n = stock_tables(&run, &ids);
	for (int i = 0; i < n; i++)
	{
		Relation	rel = bko_attached_relation(&run, ids[i]);
		BkoRun		owner;

		if (rel == NULL)
			continue;
		owner = bko_owner_run(&run, RelationGetRelid(rel));
		SPI_connect();
		(void) bko_run_plan(&owner, push_plan(&owner, bko_attached(rel)), args, NULL, 0, true);
		SPI_finish();
		table_close(rel, NoLock);
	}
	return PointerGetDatum(NULL);
}

/* ---- locks ---- */

static void
lock_application(const BkoRun *run, const text *item, const text *location)
{
	Oid			types[2] = {TEXTOID, TEXTOID};
	Datum		args[2];
	int32	   *ids;
	int			n;

	args[0] = PointerGetDatum(item);
	args[1] = PointerGetDatum(location);
	n = stock_tables(run, &ids);
	for (int i = 0; i < n; i++)
	{
		Relation	rel = bko_attached_relation(run, ids[i]);
		BkoAttached *a;
		BkoRun		owner;

		if (rel == NULL)
			continue;
		a = bko_attached(rel);
		owner = bko_owner_run(run, a->root);
		SPI_connect();
		if (a->plans[BKO_ATTACHED_LOCK] == NULL)
			a->plans[BKO_ATTACHED_LOCK] =
				bko_keep_plan(&owner,
							  psprintf("SELECT 1 FROM %s AS a WHERE %s FOR NO KEY UPDATE",
									   bko_relation_name(a->root), is_of(a, "$1", "$2")),
							  2, types, false);
		(void) bko_run_plan(&owner, a->plans[BKO_ATTACHED_LOCK], args, NULL, 0, false);
		SPI_finish();
		table_close(rel, NoLock);
	}
}

void
bko_attach_stock_init(void)
{
	bko_before_stock_lock = lock_application;
}

/* ---- receipts ---- */

static char *
receipt_sql(const BkoRun *run, const BkoAttached *a)
{
	return psprintf("INSERT INTO %sreceipt (item, location, qty, supply_ref, unit_cost, note, attached_id, attached_key)"
					" SELECT %s, %s, %s, %s, %s, %s, %d, %s FROM bko_new AS n",
					run->book->prefix, bko_role_value(a, "item", "n", "pg_catalog.text"),
					bko_role_value(a, "location", "n", "pg_catalog.text"),
					bko_role_value(a, "qty", "n", "pg_catalog.numeric"),
					bko_role_value(a, "supply_ref", "n", "pg_catalog.text"),
					bko_role_value(a, "unit_cost", "n", "pg_catalog.numeric"),
					bko_role_value(a, "note", "n", "pg_catalog.text"),
					a->id, bko_key_value(a, "n"));
}

/* Rows of which a mapped column changed, but the note. */
static char *
corrected_sql(const BkoRun *run, const BkoAttached *a)
{
	StringInfoData list;

	initStringInfo(&list);
	appendStringInfoString(&list, bko_key_value(a, "r"));
	for (int i = 0; i < a->nroles; i++)
		if (strcmp(a->roles[i].role, "note") != 0 && strcmp(a->roles[i].role, "unit_cost") != 0)
			appendStringInfo(&list, ", r.%s::pg_catalog.text",
							 quote_identifier(get_attname(a->relid, a->roles[i].attno, false)));
	return psprintf("SELECT %s FROM bko_old AS r EXCEPT ALL SELECT %s FROM bko_new AS r LIMIT 1",
					list.data, list.data);
}

/*
 * bko.attached_receipt(): AFTER each statement on an attached table of
 * receipts.  What is inserted is received; what was received isn't changed or
 * deleted (BK003).  Raises what an INSERT into receipt raises.
 */
Datum
bko_attached_receipt(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoAttached *a;
	BkoRun		run;
	uint64		n = 0;
	int			nestlevel;

	bko_check_trigger(fcinfo, "bko.attached_receipt", 0, false,
					  BKO_ON_INSERT | BKO_ON_UPDATE | BKO_ON_DELETE);
	if (bko_engine_writing())
		return PointerGetDatum(NULL);
	need_transition_tables(trigdata);
	a = bko_attached(trigdata->tg_relation);
	run = bko_attached_run(a);
	nestlevel = bko_attached_modes(a);
	SPI_connect();
	SPI_register_trigger_data(trigdata);
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		(void) run_kept(&run, a, BKO_ATTACHED_INSERT, receipt_sql);
	else if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		n = run_kept(&run, a, BKO_ATTACHED_CHECK, corrected_sql);
	else
		n = tuplestore_tuple_count(trigdata->tg_oldtable);
	if (n > 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_KEPT_COLUMN),
				 errmsg("rows of table \"%s\" are receipts, which are never changed or deleted",
						RelationGetRelationName(trigdata->tg_relation)),
				 errhint("Reverse the receipt with reverse_receipt(), or insert another; detach() the table to clear it.")));
	SPI_finish();
	AtEOXact_GUC(true, nestlevel);
	return PointerGetDatum(NULL);
}
