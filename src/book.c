/*-------------------------------------------------------------------------
 *
 * book.c
 *	  Books as this session knows them: name, version, where their columns are.
 *
 * An entry is kept until the session ends and marked invalid by catalog
 * invalidation (a rename, DDL on a table) and by changes of the row in the
 * book's own table "book", whose trigger sends one (see bko_book_changed).
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

typedef struct ColumnSpec
{
	const char *name;
	Oid			type;
} ColumnSpec;

static const ColumnSpec stock_columns[STOCK_NCOLUMNS] = {
	[STOCK_ITEM] = {"item", TEXTOID},
	[STOCK_LOCATION] = {"location", TEXTOID},
	[STOCK_ON_HAND] = {"on_hand", NUMERICOID},
	[STOCK_ALLOCATED] = {"allocated", NUMERICOID},
	[STOCK_BACKORDERED] = {"backordered", NUMERICOID},
	[STOCK_QTY_STEP] = {"qty_step", NUMERICOID},
	[STOCK_BACKORDER_LIMIT] = {"backorder_limit", NUMERICOID},
	[STOCK_FILL_RULE] = {"fill_rule", TEXTOID},
	[STOCK_SHIPS_AT_ONCE] = {"ships_at_once", BOOLOID},
	[STOCK_LAST_QUEUED_AT] = {"last_queued_at", TIMESTAMPTZOID},
	[STOCK_SAFETY_STOCK] = {"safety_stock", NUMERICOID},
	[STOCK_LIMITED] = {"limited", BOOLOID},
	[STOCK_UNASSIGNED] = {"unassigned", NUMERICOID},
	[STOCK_LANES] = {"lanes", INT4OID},
	[STOCK_LANED] = {"laned", NUMERICOID},
};

static const ColumnSpec line_columns[LINE_NCOLUMNS] = {
	[LINE_ID] = {"line_id", INT8OID},
	[LINE_ITEM] = {"item", TEXTOID},
	[LINE_LOCATION] = {"location", TEXTOID},
	[LINE_PRIORITY] = {"priority", INT4OID},
	[LINE_SHIP_POLICY] = {"ship_policy", TEXTOID},
	[LINE_REQUESTED_ON] = {"requested_on", DATEOID},
	[LINE_QTY_ORDERED] = {"qty_ordered", NUMERICOID},
	[LINE_QTY_SHIPPED] = {"qty_shipped", NUMERICOID},
	[LINE_QTY_ALLOCATED] = {"qty_allocated", NUMERICOID},
	[LINE_QTY_BACKORDERED] = {"qty_backordered", NUMERICOID},
	[LINE_QTY_CANCELLED] = {"qty_cancelled", NUMERICOID},
	[LINE_QTY_RETURNED] = {"qty_returned", NUMERICOID},
	[LINE_QTY_FILLED_FIRST] = {"qty_filled_first", NUMERICOID},
	[LINE_QUEUED_AT] = {"queued_at", TIMESTAMPTZOID},
	[LINE_CLOSED_AT] = {"closed_at", TIMESTAMPTZOID},
	[LINE_ORDER_REF] = {"order_ref", TEXTOID},
	[LINE_HELD] = {"held", BOOLOID},
	[LINE_CUSTOMER] = {"customer", TEXTOID},
	[LINE_NO] = {"line_no", INT4OID},
	[LINE_DEMAND] = {"demand", TEXTOID},
	[LINE_UNIT_PRICE] = {"unit_price", NUMERICOID},
	[LINE_CURRENCY] = {"currency", TEXTOID},
	[LINE_PAYMENT_DAYS] = {"payment_days", INT4OID},
	[LINE_ORDERED_AT] = {"ordered_at", TIMESTAMPTZOID},
	[LINE_ATTACHED_ID] = {"attached_id", INT4OID},
	[LINE_ATTACHED_KEY] = {"attached_key", TEXTARRAYOID},
	[LINE_PENDING] = {"pending", INT8OID},
};

static const ColumnSpec supply_columns[SUPPLY_NCOLUMNS] = {
	[SUPPLY_ID] = {"supply_id", INT8OID},
	[SUPPLY_REF] = {"supply_ref", TEXTOID},
	[SUPPLY_ITEM] = {"item", TEXTOID},
	[SUPPLY_LOCATION] = {"location", TEXTOID},
	[SUPPLY_QTY_EXPECTED] = {"qty_expected", NUMERICOID},
	[SUPPLY_QTY_RECEIVED] = {"qty_received", NUMERICOID},
	[SUPPLY_PROMISED_ON] = {"promised_on", DATEOID},
	[SUPPLY_EXPECTED_ON] = {"expected_on", DATEOID},
	[SUPPLY_FOR_LINE] = {"for_line_id", INT8OID},
	[SUPPLY_CLOSED] = {"closed", BOOLOID},
	[SUPPLY_CLOSED_ON] = {"closed_on", DATEOID},
};

static const ColumnSpec receipt_columns[RECEIPT_NCOLUMNS] = {
	[RECEIPT_ID] = {"receipt_id", INT8OID},
	[RECEIPT_SUPPLY_REF] = {"supply_ref", TEXTOID},
	[RECEIPT_SUPPLY_ID] = {"supply_id", INT8OID},
	[RECEIPT_ITEM] = {"item", TEXTOID},
	[RECEIPT_LOCATION] = {"location", TEXTOID},
	[RECEIPT_QTY] = {"qty", NUMERICOID},
	[RECEIPT_TO_BACKORDERS] = {"qty_to_backorders", NUMERICOID},
	[RECEIPT_TO_STOCK] = {"qty_to_stock", NUMERICOID},
};

static const ColumnSpec movement_columns[MOVEMENT_NCOLUMNS] = {
	[MOVEMENT_ID] = {"movement_id", INT8OID},
	[MOVEMENT_AT] = {"at", TIMESTAMPTZOID},
	[MOVEMENT_KIND] = {"kind", TEXTOID},
	[MOVEMENT_FROM_STATE] = {"from_state", CHAROID},
	[MOVEMENT_TO_STATE] = {"to_state", CHAROID},
	[MOVEMENT_ITEM] = {"item", TEXTOID},
	[MOVEMENT_LOCATION] = {"location", TEXTOID},
	[MOVEMENT_QTY] = {"qty", NUMERICOID},
	[MOVEMENT_LINE_ID] = {"line_id", INT8OID},
	[MOVEMENT_RECEIPT_ID] = {"receipt_id", INT8OID},
	[MOVEMENT_SUPPLY_ID] = {"supply_id", INT8OID},
	[MOVEMENT_REASON] = {"reason", TEXTOID},
	[MOVEMENT_BY_ROLE] = {"by_role", TEXTOID},
};

static const ColumnSpec cap_columns[CAP_NCOLUMNS] = {
	[CAP_ID] = {"cap_id", INT8OID},
	[CAP_ITEM] = {"item", TEXTOID},
	[CAP_LOCATION] = {"location", TEXTOID},
	[CAP_GROUP] = {"customer_group", TEXTOID},
	[CAP_PRIORITY] = {"priority", INT4OID},
	[CAP_QTY] = {"qty", NUMERICOID},
	[CAP_SINCE] = {"since", TIMESTAMPTZOID},
	[CAP_PERIOD] = {"period", TEXTOID},
	[CAP_PERIOD_BEGINS] = {"period_begins", DATEOID},
	[CAP_QTY_USED] = {"qty_used", NUMERICOID},
};

static const ColumnSpec protection_columns[PROTECTION_NCOLUMNS] = {
	[CAP_ID] = {"protection_id", INT8OID},
	[CAP_ITEM] = {"item", TEXTOID},
	[CAP_LOCATION] = {"location", TEXTOID},
	[CAP_GROUP] = {"customer_group", TEXTOID},
	[CAP_PRIORITY] = {"priority", INT4OID},
	[CAP_QTY] = {"qty", NUMERICOID},
	[CAP_SINCE] = {"since", TIMESTAMPTZOID},
};

static const ColumnSpec group_columns[GROUP_NCOLUMNS] = {
	[GROUP_CUSTOMER] = {"customer", TEXTOID},
	[GROUP_NAME] = {"group_name", TEXTOID},
	[GROUP_SINCE] = {"since", TIMESTAMPTZOID},
};

static const ColumnSpec lane_columns[LANE_NCOLUMNS] = {
	[LANE_ITEM] = {"item", TEXTOID},
	[LANE_LOCATION] = {"location", TEXTOID},
	[LANE_NUMBER] = {"lane", INT4OID},
	[LANE_QTY] = {"qty", NUMERICOID},
	[LANE_QTY_STEP] = {"qty_step", NUMERICOID},
	[LANE_SHIPS_AT_ONCE] = {"ships_at_once", BOOLOID},
	[LANE_LAST_QUEUED_AT] = {"last_queued_at", TIMESTAMPTZOID},
};

static const struct
{
	const char *name;
	int			ncolumns;
	const ColumnSpec *columns;
}			tables[BKO_NTABLES] = {
	[BKO_STOCK] = {"stock", STOCK_NCOLUMNS, stock_columns},
	[BKO_ORDER_LINE] = {"order_line", LINE_NCOLUMNS, line_columns},
	[BKO_SUPPLY] = {"supply", SUPPLY_NCOLUMNS, supply_columns},
	[BKO_RECEIPT] = {"receipt", RECEIPT_NCOLUMNS, receipt_columns},
	[BKO_MOVEMENT] = {"movement", MOVEMENT_NCOLUMNS, movement_columns},
	[BKO_CAP_TABLE] = {"cap", CAP_NCOLUMNS, cap_columns},
	[BKO_PROTECTION_TABLE] = {"protection", PROTECTION_NCOLUMNS, protection_columns},
	[BKO_GROUP_TABLE] = {"customer_group", GROUP_NCOLUMNS, group_columns},
	[BKO_LANE_TABLE] = {"stock_lane", LANE_NCOLUMNS, lane_columns},
};

StaticAssertDecl((int) LINE_NCOLUMNS <= BKO_MAX_COLUMNS, "BKO_MAX_COLUMNS is too small");

static HTAB *books = NULL;

PG_FUNCTION_INFO_V1(bko_book_changed);

const char *
bko_table_name(BkoTable table)
{
	return tables[table].name;
}

int
bko_column_count(BkoTable table)
{
	return tables[table].ncolumns;
}

Oid
bko_column_type(BkoTable table, int column)
{
	return tables[table].columns[column].type;
}

const char *
bko_column_name(BkoTable table, int column)
{
	return tables[table].columns[column].name;
}

/*
 * Is this a column that bko gives one of its append-only tables?  Of an archived
 * line those that the engine knew; what else is told of it may be corrected.
 */
bool
bko_is_column(const char *table, const char *name)
{
	static const char *const columns[] = {
		"receipt_id", "supply_ref", "supply_id", "item", "location", "qty", "received_at",
		"unit_cost", "note", "document", "qty_to_backorders", "qty_to_stock",
		"attached_id", "attached_key",
		"movement_id", "at", "kind", "from_state", "to_state", "line_id", "reason", "by_role",
		"total_id", "on_hand", "filled"
	};

	if (strcmp(table, "archived_line") == 0)
	{
		/* number, prices and the like decide nothing */
		for (int c = 0; c < LINE_NCOLUMNS; c++)
			if ((c < LINE_NO || c > LINE_ORDERED_AT) && strcmp(line_columns[c].name, name) == 0)
				return true;
		return false;
	}
	for (int i = 0; i < lengthof(columns); i++)
		if (strcmp(columns[i], name) == 0)
			return true;
	return false;
}

/* Has the column a value for one row alone, by a unique index on nothing else? */
static bool
is_unique(Relation rel, AttrNumber attno)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *cell;
	bool		unique = false;

	foreach(cell, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
		Form_pg_index index = (Form_pg_index) GETSTRUCT(tuple);

		unique = unique || (index->indisunique && index->indnkeyatts == 1 &&
							index->indkey.values[0] == attno);
		ReleaseSysCache(tuple);
	}
	list_free(indexes);
	return unique;
}

/* Does each part of a line have a value of its own in this column? */
static bool
is_of_part(const char *name)
{
	static const int columns[] = {
		LINE_ID, LINE_LOCATION, LINE_QTY_ORDERED, LINE_QTY_SHIPPED, LINE_QTY_ALLOCATED,
		LINE_QTY_BACKORDERED, LINE_QTY_CANCELLED, LINE_QTY_RETURNED, LINE_QTY_FILLED_FIRST,
		LINE_QUEUED_AT, LINE_CLOSED_AT, LINE_ATTACHED_ID, LINE_ATTACHED_KEY, LINE_PENDING
	};

	for (int i = 0; i < lengthof(columns); i++)
		if (strcmp(line_columns[columns[i]].name, name) == 0)
			return true;
	return false;
}

/*
 * The columns of order_line that the parts of one line have in common, the
 * application's own among them, each with a comma before it; palloc'd.
 */
char *
bko_part_columns(const BkoBook *book)
{
	Relation	rel = table_open(get_relname_relid("order_line", book->nspoid), AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || att->attgenerated != '\0' || att->attidentity != '\0' ||
			is_of_part(NameStr(att->attname)) || is_unique(rel, att->attnum))
			continue;
		appendStringInfo(&buf, ", %s", quote_identifier(NameStr(att->attname)));
	}
	table_close(rel, NoLock);
	return buf.data;
}

/*
 * The columns of order_line or movement that go to its archive, with commas
 * between them; palloc'd.  Raises 55000 where the archive has no place for a
 * column, which the application has added.
 */
char *
bko_archive_columns(const BkoBook *book, BkoTable table)
{
	const char *archive = table == BKO_ORDER_LINE ? "archived_line" : "archived_movement";
	Oid			archive_relid = get_relname_relid(archive, book->nspoid);
	Relation	rel = table_open(get_relname_relid(tables[table].name, book->nspoid),
								 AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		AttrNumber	attno = att->attisdropped ? InvalidAttrNumber :
			get_attnum(archive_relid, NameStr(att->attname));

		if (att->attisdropped ||
			(attno != InvalidAttrNumber && get_attgenerated(archive_relid, attno) != '\0'))
			continue;
		if (attno == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("column \"%s\" of table \"%s\" has no place in table \"%s\"",
							NameStr(att->attname), tables[table].name, archive),
					 errhint("Make it one: ALTER TABLE %s%s ADD COLUMN %s %s;", book->prefix, archive,
							 quote_identifier(NameStr(att->attname)),
							 format_type_with_typemod(att->atttypid, att->atttypmod))));
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "",
						 quote_identifier(NameStr(att->attname)));
	}
	table_close(rel, NoLock);
	return buf.data;
}

/* Relation cache invalidation: a table of a book may have changed. */
static void
forget_relation(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS seq;
	BkoBook    *book;

	hash_seq_init(&seq, books);
	while ((book = hash_seq_search(&seq)) != NULL)
	{
		if (relid == InvalidOid || relid == book->book_relid)
			book->valid = false;
		for (int t = 0; t < BKO_NTABLES; t++)
			if (relid == InvalidOid || relid == book->columns[t].relid)
				book->columns[t].relid = InvalidOid;
	}
}

/* A schema was renamed or dropped; which one doesn't matter, it is rare. */
static void
forget_names(Datum arg, int cacheid, uint32 hashvalue)
{
	HASH_SEQ_STATUS seq;
	BkoBook    *book;

	hash_seq_init(&seq, books);
	while ((book = hash_seq_search(&seq)) != NULL)
		book->valid = false;
}

void
bko_book_init(void)
{
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(BkoBook);
	books = hash_create("bko books", 8, &ctl, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_names, (Datum) 0);
}

static Oid
relation_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Look the book's name and version up again. */
static void
load_book(BkoBook *book)
{
	char	   *name = get_namespace_name(book->nspoid);
	char	   *prefix;
	BkoRun		run;
	bool		isnull = true;

	if (name == NULL)
		elog(ERROR, "cache lookup failed for namespace %u", book->nspoid);
	prefix = psprintf("%s.", quote_identifier(name));
	if (book->prefix == NULL || strcmp(book->prefix, prefix) != 0)
	{
		char	   *old = book->prefix;

		bko_plan_forget(book);
		book->prefix = MemoryContextStrdup(TopMemoryContext, prefix);
		if (old)
			pfree(old);
	}

	book->book_relid = get_relname_relid("book", book->nspoid);
	if (!OidIsValid(book->book_relid))
		ereport(ERROR,
				(errcode(ERRCODE_BKO_BOOK),
				 errmsg("schema \"%s\" is not a book", name),
				 errhint("Make one with: SELECT bko.create_book('name');")));

	/*
	 * Valid from here: an invalidation that comes in while we read the row
	 * must not be lost.
	 */
	book->valid = true;
	run.book = book;
	run.owner = relation_owner(book->book_relid);
	SPI_connect();
	if (bko_run_latest(&run, PLAN_BOOK, NULL, NULL) == 1)
	{
		char	   *old = book->time_zone;

		book->record_shortages = DatumGetBool(bko_result(0, 3, &isnull));
		book->stock_attached = DatumGetBool(bko_result(0, 4, &isnull));
		book->at_commit = DatumGetBool(bko_result(0, 5, &isnull));
		book->lanes = DatumGetBool(bko_result(0, 6, &isnull));
		book->version = DatumGetInt32(bko_result(0, 1, &isnull));
		book->time_zone = MemoryContextStrdup(TopMemoryContext,
											  text_to_cstring(bko_result_text(0, 2)));
		if (old)
			pfree(old);
	}
	SPI_finish();
	if (isnull || book->version != BKO_BOOK_VERSION)
	{
		book->valid = false;
		ereport(ERROR,
				(errcode(ERRCODE_BKO_BOOK),
				 isnull ? errmsg("book \"%s\" has no version", name) :
				 errmsg("book \"%s\" is of version %d, this bko serves version %d",
						name, book->version, BKO_BOOK_VERSION),
				 errhint("Its owner can bring it up with: SELECT bko.upgrade_book('%s');", name)));
	}
}

/*
 * The book in a schema.  Raises BK009 where there is none, or one of another
 * version.
 */
static BkoBook *
get_book(Oid nspoid)
{
	bool		found;
	BkoBook    *book = hash_search(books, &nspoid, HASH_ENTER, &found);

	if (!found)
		memset((char *) book + sizeof(Oid), 0, sizeof(BkoBook) - sizeof(Oid));
	if (!book->valid)
		load_book(book);
	return book;
}

/* The book that a table belongs to, with the rights of the table's owner. */
BkoRun
bko_book_of_table(Relation rel)
{
	BkoRun		run;

	run.book = get_book(RelationGetNamespace(rel));
	run.owner = rel->rd_rel->relowner;
	return run;
}

/*
 * The book whose table "book" is book_relid, with its owner's rights.  For
 * functions: the caller decides what the user may do.
 */
BkoRun
bko_book_of_regclass(Oid book_relid)
{
	BkoRun		run;
	Oid			nspoid = get_rel_namespace(book_relid);

	if (!OidIsValid(nspoid))
		ereport(ERROR,
				(errcode(ERRCODE_BKO_BOOK),
				 errmsg("relation %u is not the table \"book\" of a book", book_relid)));
	run.book = get_book(nspoid);
	if (run.book->book_relid != book_relid)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_BOOK),
				 errmsg("\"%s\" is not the table \"book\" of a book", get_rel_name(book_relid)),
				 errhint("Call the functions in the book's own schema.")));
	run.owner = relation_owner(book_relid);
	return run;
}

/* The same by its schema, for functions that are in it. */
BkoRun
bko_book_of_schema(Oid nspoid)
{
	BkoRun		run;

	run.book = get_book(nspoid);
	run.owner = relation_owner(run.book->book_relid);
	return run;
}

/*
 * Attribute numbers of a table's columns in rel.  The types are checked here,
 * once: values are read as C types afterwards, and anyone can put our trigger
 * functions on a table of his own.
 */
const AttrNumber *
bko_columns(BkoBook *book, BkoTable table, Relation rel)
{
	BkoColumns *columns = &book->columns[table];

	if (columns->relid == RelationGetRelid(rel))
		return columns->attno;

	columns->relid = InvalidOid;
	for (int c = 0; c < tables[table].ncolumns; c++)
	{
		const ColumnSpec *spec = &tables[table].columns[c];
		AttrNumber	attno = get_attnum(RelationGetRelid(rel), spec->name);

		if (attno <= 0 || TupleDescAttr(RelationGetDescr(rel), attno - 1)->atttypid != spec->type)
			ereport(ERROR,
					(errcode(ERRCODE_BKO_BOOK),
					 errmsg("table \"%s\" is not the table \"%s\" of a book",
							RelationGetRelationName(rel), tables[table].name),
					 errdetail("It has no column \"%s\" of type %s.",
							   spec->name, format_type_be(spec->type))));
		columns->attno[c] = attno;
	}
	columns->plain_known = false;
	columns->rewriting_known = false;
	columns->relid = RelationGetRelid(rel);
	return columns->attno;
}

/*
 * bko.book_changed(): trigger on the table "book".  Makes every session look
 * the book up again once this commits.
 */
Datum
bko_book_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	bko_check_trigger(fcinfo, "bko.book_changed", 0, false, BKO_ON_ANY);
	CacheInvalidateRelcache(trigdata->tg_relation);
	return PointerGetDatum(NULL);
}
