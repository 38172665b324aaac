/*-------------------------------------------------------------------------
 *
 * attach_function.c
 *	  attach_orders(), attach_stock(), attach_receipts() and detach(): put the
 *	  engine behind a table of the application, and tell how far they agree.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(bko_attach);
PG_FUNCTION_INFO_V1(bko_detach);
PG_FUNCTION_INFO_V1(bko_whole);
PG_FUNCTION_INFO_V1(bko_attached_columns);
PG_FUNCTION_INFO_V1(bko_attached_breaks);
PG_FUNCTION_INFO_V1(bko_attached_rows);

/* Lines whose rows are brought up to date at once after an import. */
#define SHOW_AT_ONCE 50000

/* A table that is being attached. */
typedef struct Attaching
{
	BkoRun		run;
	Relation	rel;
	char		kind;
	Jsonb	   *constants;
	int			ncolumns;		/* mapped columns and what each is for */
	AttrNumber	attno[MaxHeapAttributeNumber];
	char	   *roles[MaxHeapAttributeNumber];
	int			nkeys;
} Attaching;

static const char *
kind_name(char kind)
{
	return kind == BKO_ATTACH_ORDERS ? "orders" : kind == BKO_ATTACH_STOCK ? "stock" : "receipts";
}

static void
run_sql(const char *sql)
{
	int			rc = SPI_execute(sql, false, 0);

	if (rc < 0)
		elog(ERROR, "SPI_execute returned %s", SPI_result_code_string(rc));
}

/* ---- what may be attached ---- */

/* Is it a table that create_book() made? */
static bool
is_of_book(Relation rel)
{
	static const char *const tables[] = {
		"attached", "book", "cap", "customer_group", "movement", "order_due", "order_line",
		"promise", "promise_change", "protection", "receipt", "shortage", "sourcing", "stock",
		"supply"
	};

	if (!OidIsValid(get_relname_relid("attached", RelationGetNamespace(rel))))
		return false;
	for (int i = 0; i < lengthof(tables); i++)
		if (strcmp(RelationGetRelationName(rel), tables[i]) == 0)
			return true;
	return false;
}

/* Raises 42809 for what is not an ordinary table of the application. */
static void
check_relation(Relation rel)
{
	const char *name = RelationGetRelationName(rel);
	char		kind = rel->rd_rel->relkind;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", name),
				 kind == RELKIND_VIEW ? errdetail("It is a view.") :
				 kind == RELKIND_MATVIEW ? errdetail("It is a materialized view.") :
				 kind == RELKIND_FOREIGN_TABLE ? errdetail("It is a foreign table.") : 0,
				 kind == RELKIND_FOREIGN_TABLE ?
				 errhint("Rows there are written without bko's triggers: attach the table where it is.") :
				 errhint("Attach the table that the rows are in.")));
	if (rel->rd_rel->relispartition)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a partition", name),
				 errhint("Attach the partitioned table that it belongs to.")));
	if (kind == RELKIND_RELATION && find_inheritance_children(RelationGetRelid(rel), NoLock) != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("other tables inherit from \"%s\"", name),
				 errhint("Rows of those are written without its triggers: attach a table that nothing inherits from, or partition it.")));
	if (rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a temporary table", name),
				 errhint("Its rows would go and their order lines stay: attach a table that lasts.")));
	if (is_of_book(rel) || IsCatalogRelation(rel))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is %s", name, is_of_book(rel) ? "a table of a book" : "a system catalog"),
				 errhint("Attach a table of the application.")));
}

/* Open a table of the caller's, whom alone we let wait for such a lock. */
static Relation
open_own(Oid relid, LOCKMODE lock)
{
	const char *name = get_rel_name(relid);

	if (name != NULL && !bko_owns_relation(relid, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table \"%s\"", name),
				 errhint("Who attaches a table owns it and the book.")));
	return relation_open(relid, lock);
}

/* Raises 42710 where the table is attached already. */
static void
check_not_attached(Relation rel)
{
	const Trigger *map = bko_map_trigger(rel);

	if (map == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("table \"%s\" is attached already, to book \"%s\"", RelationGetRelationName(rel),
					get_namespace_name(get_rel_namespace(bko_map_book(map)))),
			 errhint("Detach it first: SELECT %s.detach('%s');",
					 quote_identifier(get_namespace_name(get_rel_namespace(bko_map_book(map)))),
					 bko_relation_name(RelationGetRelid(rel)))));
}

/* Raises 55000 where a trigger would have the last word on the row. */
static void
check_triggers(Relation rel)
{
	TriggerDesc *triggers = rel->trigdesc;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (TRIGGER_FOR_ROW(trigger->tgtype) && TRIGGER_FOR_BEFORE(trigger->tgtype) &&
			strcmp(trigger->tgname, "zz_bko_row") > 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("trigger \"%s\" on table \"%s\" would fire after \"zz_bko_row\"",
							trigger->tgname, RelationGetRelationName(rel)),
					 errhint("Rename it so that it sorts before: bko must have the last word on the row.")));
	}
}

/* ---- columns ---- */

/* The columns of a table, for a hint; palloc'd. */
static char *
column_list(Relation rel)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < rel->rd_att->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(rel->rd_att, i);

		if (!att->attisdropped)
			appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "", NameStr(att->attname));
	}
	return buf.data;
}

/* Can a constant stand for a column of this role? */
static bool
is_constant(char kind, const char *role)
{
	if (kind == BKO_ATTACH_ORDERS)
		return bko_role_column(role) >= 0 && strcmp(role, "item") != 0 && strcmp(role, "qty") != 0;
	return strcmp(role, "location") == 0 ||
		(kind == BKO_ATTACH_RECEIPTS && (strcmp(role, "supply_ref") == 0 || strcmp(role, "note") == 0));
}

/* Raises 42703 where there is no such column, 428C9 where it is generated. */
static AttrNumber
find_column(Relation rel, char kind, const char *role, const char *name)
{
	AttrNumber	attno = get_attnum(RelationGetRelid(rel), name);

	if (attno <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table \"%s\" has no column \"%s\", named for %s",
						RelationGetRelationName(rel), name, role),
				 errdetail("Its columns are %s.", column_list(rel)),
				 is_constant(kind, role) ?
				 errhint("Name a column; a value for all rows is given by constants => '{\"%s\": \"...\"}'.",
						 role) :
				 errhint("Name one of them.")));
	if (TupleDescAttr(rel->rd_att, attno - 1)->attgenerated != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_GENERATED_ALWAYS),
				 errmsg("column \"%s\" of table \"%s\", named for %s, is a generated column",
						name, RelationGetRelationName(rel), role),
				 errhint("It is computed after bko has decided: name a column that it is computed from.")));
	return attno;
}

/* The type that a role's column must cast to, or InvalidOid for any number. */
static Oid
role_type(char kind, const char *role)
{
	if (kind == BKO_ATTACH_ORDERS)
		return bko_role_column(role) < 0 ? InvalidOid :
			bko_column_type(BKO_ORDER_LINE, bko_role_column(role));
	return strcmp(role, "qty") == 0 || strcmp(role, "unit_cost") == 0 ? NUMERICOID :
		strcmp(role, "on_hand") == 0 ? InvalidOid : TEXTOID;
}

/* Raises 42804 where a column's type doesn't suit its role. */
static void
check_type(Attaching *at, const char *role, AttrNumber attno)
{
	Form_pg_attribute att = TupleDescAttr(at->rel->rd_att, attno - 1);
	Oid			type = role_type(at->kind, role);
	Oid			base = att->atttypid;
	BkoCast		cast;

	if (type == InvalidOid)
	{
		if (base == NUMERICOID || base == FLOAT4OID || base == FLOAT8OID || bko_is_integer(base))
			return;
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table \"%s\", named for %s, is of type %s",
						NameStr(att->attname), RelationGetRelationName(at->rel), role,
						format_type_be(base)),
				 errhint("bko writes quantities there: it must be numeric, an integer or a float.")));
	}
	if (!bko_cast_init(&cast, base, type, CurrentMemoryContext))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table \"%s\", named for %s, is of type %s, which can't be assigned to %s",
						NameStr(att->attname), RelationGetRelationName(at->rel), role,
						format_type_be(base), format_type_be(type)),
				 errhint("Name a column of a type that casts to %s.", format_type_be(type))));
}

static bool
is_output(const char *role)
{
	return strcmp(role, "shipped") == 0 || strcmp(role, "backordered") == 0;
}

/* Note what a column is for.  Raises 22023 where bko would write into another's. */
static void
add_role(Attaching *at, AttrNumber attno, const char *role)
{
	for (int i = 0; i < at->ncolumns; i++)
	{
		if (at->attno[i] == attno)
		{
			if (is_output(role) || is_output(at->roles[i]))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("column \"%s\" is named for %s and for %s",
								get_attname(RelationGetRelid(at->rel), attno, false),
								at->roles[i], role),
						 errhint("bko writes into it, so it can be for nothing else.")));
			at->roles[i] = psprintf("%s,%s", at->roles[i], role);
			return;
		}
	}
	at->attno[at->ncolumns] = attno;
	at->roles[at->ncolumns++] = pstrdup(role);
}

/* Raises 22004 where no column is named for what every row must have. */
static void
need_role(Attaching *at, const char *role)
{
	for (int i = 0; i < at->ncolumns; i++)
		if (strstr(at->roles[i], role))
			return;
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("no column of table \"%s\" is named for %s", RelationGetRelationName(at->rel), role),
			 errdetail("Its columns are %s.", column_list(at->rel)),
			 errhint("Name one of them.")));
}

/* Read the roles and their columns, which jsonb has as strings. */
static void
map_columns(Attaching *at, Jsonb *columns)
{
	JsonbIterator *it = JsonbIteratorInit(&columns->root);
	JsonbValue	value;
	JsonbIteratorToken token;
	char	   *role = NULL;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		AttrNumber	attno;

		if (token == WJB_KEY)
			role = pnstrdup(value.val.string.val, value.val.string.len);
		if (token != WJB_VALUE || value.type != jbvString)
			continue;
		attno = find_column(at->rel, at->kind, role, pnstrdup(value.val.string.val, value.val.string.len));
		check_type(at, role, attno);
		add_role(at, attno, role);
	}
}

/* Raises 22023 for a constant that no column of that kind of table takes. */
static void
check_constants(Attaching *at)
{
	JsonbIterator *it;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (at->constants == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(at->constants))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("constants is not a JSON object"),
				 errhint("Give names and values: constants => '{\"location\": \"east\"}'.")));
	it = JsonbIteratorInit(&at->constants->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		char	   *role;

		if (token != WJB_KEY)
			continue;
		role = pnstrdup(value.val.string.val, value.val.string.len);
		if (!is_constant(at->kind, role))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("there is no constant \"%s\" for %s", role, kind_name(at->kind)),
					 errhint("Constants stand for columns that the table lacks, such as location.")));
		(void) bko_constant(at->constants, role);
	}
}

/* ---- key ---- */

/* Is there a unique index on these columns alone, none of them nullable? */
static bool
is_key(Relation rel, const AttrNumber *attno, int n)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *cell;

	for (int i = 0; i < n; i++)
		if (!TupleDescAttr(rel->rd_att, attno[i] - 1)->attnotnull)
			return false;
	foreach(cell, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
		Form_pg_index index = (Form_pg_index) GETSTRUCT(tuple);
		bool		same = index->indisunique && index->indisvalid && index->indnkeyatts == n &&
			heap_attisnull(tuple, Anum_pg_index_indpred, NULL);

		for (int i = 0; i < n && same; i++)
		{
			bool		found = false;

			for (int k = 0; k < n; k++)
				found = found || index->indkey.values[k] == attno[i];
			same = found;
		}
		ReleaseSysCache(tuple);
		if (same)
			return true;
	}
	return false;
}

/*
 * The primary key's columns, though it be deferrable; returns how many, 0 where
 * there is none.
 */
static int
primary_key(Relation rel, AttrNumber *attno)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *cell;
	int			n = 0;

	foreach(cell, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
		Form_pg_index index = (Form_pg_index) GETSTRUCT(tuple);

		if (index->indisprimary)
			for (n = 0; n < index->indnkeyatts; n++)
				attno[n] = index->indkey.values[n];
		ReleaseSysCache(tuple);
	}
	return n;
}

/* Find the key: as given, or the primary key.  Raises 42P16 where there is none. */
static void
map_key(Attaching *at, ArrayType *given)
{
	AttrNumber	attno[INDEX_MAX_KEYS] = {0};
	Datum	   *names;
	bool	   *nulls;

	if (given == NULL)
	{
		at->nkeys = primary_key(at->rel, attno);
		if (at->nkeys == 0 && at->kind == BKO_ATTACH_ORDERS)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
					 errmsg("table \"%s\" has no primary key", RelationGetRelationName(at->rel)),
					 errhint("Give it one, or name columns that are unique and not null: key => 'a, b'.")));
	}
	else
	{
		deconstruct_array(given, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &at->nkeys);
		if (at->nkeys == 0 || at->nkeys > INDEX_MAX_KEYS)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a key of %d columns", at->nkeys),
					 errhint("Name the columns that are unique together, or leave key out.")));
		for (int i = 0; i < at->nkeys; i++)
			attno[i] = find_column(at->rel, at->kind, "key", nulls[i] ? "" : TextDatumGetCString(names[i]));
		if (!is_key(at->rel, attno, at->nkeys))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
					 errmsg("the columns named as key of table \"%s\" are not unique and not null",
							RelationGetRelationName(at->rel)),
					 errhint("Name those of its primary key, or of a unique index without a condition.")));
	}
	for (int i = 0; i < at->nkeys; i++)
	{
		if (TupleDescAttr(at->rel->rd_att, attno[i] - 1)->attgenerated != '\0')
			(void) find_column(at->rel, at->kind, "key", get_attname(RelationGetRelid(at->rel), attno[i], false));
		add_role(at, attno[i], psprintf("key%d", i + 1));
	}
}

/* A stock table has one row for each item and location.  Raises 42P16. */
static void
check_stock_key(Attaching *at)
{
	AttrNumber	attno[2] = {0};
	int			n = 0;

	for (int i = 0; i < at->ncolumns; i++)
		if (strstr(at->roles[i], "item") || strstr(at->roles[i], "location"))
			attno[n++] = at->attno[i];
	if (!is_key(at->rel, attno, n) && !(n == 2 && is_key(at->rel, attno, 1)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("table \"%s\" may have several rows of one item and location",
						RelationGetRelationName(at->rel)),
				 errhint("Name the columns of a unique index as item and location, or make one.")));
}

/* ---- attaching ---- */

/* The condition of a trigger, which names the book. */
static char *
condition(const BkoRun *run)
{
	return psprintf("WHEN (bko.serves(%s::pg_catalog.regclass))",
					quote_literal_cstr(bko_relation_name(run->book->book_relid)));
}

/* The trigger that holds the mapping; see attach.c. */
static void
create_map(Attaching *at, int32 id)
{
	StringInfoData sql;
	Oid			relid = RelationGetRelid(at->rel);

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TRIGGER " BKO_MAP_TRIGGER " BEFORE UPDATE OF ");
	for (int i = 0; i < at->ncolumns; i++)
		appendStringInfo(&sql, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(get_attname(relid, at->attno[i], false)));
	appendStringInfo(&sql, " ON %s FOR EACH STATEMENT %s EXECUTE FUNCTION bko.attached_map(%d",
					 bko_relation_name(relid), condition(&at->run), id);
	for (int i = 0; i < at->ncolumns; i++)
		appendStringInfo(&sql, ", %s", quote_literal_cstr(at->roles[i]));
	appendStringInfoChar(&sql, ')');
	run_sql(sql.data);
}

static void
create_trigger(Attaching *at, const char *name, const char *event, const char *tables,
			   const char *each, const char *function)
{
	run_sql(psprintf("CREATE TRIGGER %s %s ON %s %s FOR EACH %s %s EXECUTE FUNCTION bko.%s()",
					 name, event, bko_relation_name(RelationGetRelid(at->rel)), tables, each,
					 condition(&at->run), function));
}

#define NEW_TABLE	"REFERENCING NEW TABLE AS bko_new"
#define OLD_TABLE	"REFERENCING OLD TABLE AS bko_old"
#define BOTH_TABLES	"REFERENCING OLD TABLE AS bko_old NEW TABLE AS bko_new"

static void
create_triggers(Attaching *at, int32 id)
{
	create_map(at, id);
	create_trigger(at, "a_bko_truncate", "BEFORE TRUNCATE", "", "STATEMENT", "attached_truncate");
	if (at->kind == BKO_ATTACH_ORDERS)
	{
		create_trigger(at, "a_bko_open", "BEFORE INSERT OR UPDATE OR DELETE", "", "STATEMENT", "attached_open");
		create_trigger(at, "zz_bko_row", "BEFORE INSERT OR UPDATE OR DELETE", "", "ROW", "attached_row");
		create_trigger(at, "a_bko_insert_done", "AFTER INSERT", NEW_TABLE, "STATEMENT", "attached_done");
		create_trigger(at, "a_bko_done", "AFTER UPDATE OR DELETE", "", "STATEMENT", "attached_done");
	}
	else
	{
		const char *function = at->kind == BKO_ATTACH_STOCK ? "attached_stock" : "attached_receipt";

		create_trigger(at, "a_bko_insert_done", "AFTER INSERT", NEW_TABLE, "STATEMENT", function);
		create_trigger(at, "a_bko_update_done", "AFTER UPDATE", BOTH_TABLES, "STATEMENT", function);
		create_trigger(at, "a_bko_delete_done", "AFTER DELETE", OLD_TABLE, "STATEMENT", function);
	}
}

/*
 * What the book needs only where tables are attached to it: made with the
 * first, so that others don't pay for it.  Keys are found by their hash, since
 * arrays are compared slowly; the application's own index makes them unique.
 */
static void
prepare_book(Attaching *at)
{
	const char *prefix = at->run.book->prefix;
	bool		orders = at->kind == BKO_ATTACH_ORDERS;
	const char *table = orders ? "order_line" : "stock";
	Oid			relid = get_relname_relid(table, at->run.book->nspoid);

	if (at->kind == BKO_ATTACH_RECEIPTS)
		return;
	if (orders && !OidIsValid(get_relname_relid("order_line_attached", at->run.book->nspoid)))
	{
		run_sql(psprintf("CREATE INDEX order_line_attached ON %sorder_line"
						 " (attached_id, hash_array(attached_key)) WHERE attached_id IS NOT NULL", prefix));
		run_sql(psprintf("CREATE INDEX archived_line_attached ON %sarchived_line"
						 " (attached_id, hash_array(attached_key)) WHERE attached_id IS NOT NULL", prefix));
	}
	if (!OidIsValid(get_trigger_oid(relid, "b_bko_push", true)))
		run_sql(psprintf("CREATE TRIGGER b_bko_push AFTER UPDATE ON %s%s " BOTH_TABLES
						 " FOR EACH STATEMENT EXECUTE FUNCTION bko.attached_%spush()",
						 prefix, table, orders ? "" : "stock_"));
}

/*
 * The table must say at any time what is there, which stock rows with lanes
 * don't.  Locks the book, as set_lanes() does.  Raises 55000.
 */
static void
check_no_lanes(const BkoRun *run)
{
	bko_run(run, PLAN_BOOK_LOCK, NULL, NULL, 0);
	if (bko_run_latest(run, PLAN_LANES_LEFT, NULL, NULL) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a stock table can't be attached while stock rows have lanes"),
				 errhint("Take them away first, with set_lanes(item, location, 0).")));
}

/* Write the table down, under the number that it had, where it was attached before. */
static int32
enter(Attaching *at, const char *constants)
{
	const char *prefix = at->run.book->prefix;
	bool		isnull;

	run_sql(psprintf("DELETE FROM %sattached WHERE NOT EXISTS"
					 " (SELECT FROM pg_catalog.pg_class c WHERE c.oid = relation)", prefix));
	run_sql(psprintf("UPDATE %sattached SET detached_at = NULL, attached_at = now(), constants = %s"
					 " WHERE relation = %u AND kind = '%s' RETURNING attached_id",
					 prefix, constants, RelationGetRelid(at->rel), kind_name(at->kind)));
	if (SPI_processed == 0)
		run_sql(psprintf("INSERT INTO %sattached (kind, relation, constants) VALUES ('%s', %u, %s)"
						 " RETURNING attached_id",
						 prefix, kind_name(at->kind), RelationGetRelid(at->rel), constants));
	return DatumGetInt32(bko_result(0, 1, &isnull));
}

/* ---- what is there already ---- */

/* The columns that an import brings beside key, item and quantity, and their values. */
static void
import_columns(BkoAttached *a, StringInfo columns, StringInfo values)
{
	static const struct
	{
		const char *role;
		const char *unset;		/* what is null counts as the default */
	}			roles[] = {
		{"order_ref", NULL}, {"line_no", NULL}, {"demand", "'customer'"}, {"customer", NULL},
		{"priority", "100"}, {"ship_policy", "'partial'"}, {"requested_on", NULL},
		{"unit_price", NULL}, {"currency", NULL}, {"payment_days", "0"}
	};

	for (int i = 0; i < lengthof(roles); i++)
	{
		int			c = bko_role_column(roles[i].role);
		char	   *value = bko_role_value(a, roles[i].role, "a",
										   format_type_be_qualified(bko_column_type(BKO_ORDER_LINE, c)));

		appendStringInfo(columns, ", %s", bko_column_name(BKO_ORDER_LINE, c));
		if (roles[i].unset)
			value = psprintf("COALESCE(%s, %s)", value, roles[i].unset);
		appendStringInfo(values, ", %s AS %s", value, bko_column_name(BKO_ORDER_LINE, c));
	}
}

/* The columns of the key, or their names in import_rows(). */
static char *
key_columns(const BkoAttached *a, bool names)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < a->nkeys; i++)
	{
		appendStringInfoString(&sql, i > 0 ? ", " : "");
		if (names)
			appendStringInfo(&sql, "r.key%d", i + 1);
		else
			appendStringInfo(&sql, "a.%s AS key%d",
							 quote_identifier(get_attname(a->relid, a->key[i], false)), i + 1);
	}
	return sql.data;
}

/*
 * The rows that have no line yet, each as the line that it becomes; key1, ...
 * put those of one age in order.
 */
static char *
import_rows(BkoAttached *a, const BkoRun *run, const char *values)
{
	AttrNumber	shipped = a->output[BKO_OUT_SHIPPED].attno;

	return psprintf("SELECT %s, %s AS key, %s AS item, %s AS location, %s AS qty, %s AS shipped,"
					" LEAST(COALESCE(%s, now()), now()) AS ordered_at%s"
					" FROM %s AS a WHERE COALESCE(%s, 0) <> 0 AND NOT EXISTS (SELECT FROM %sorder_line AS l"
					" WHERE l.attached_id = %d AND l.attached_key = %s)"
					" AND NOT EXISTS (SELECT FROM %sarchived_line AS l"
					" WHERE l.attached_id = %d AND l.attached_key = %s)",
					key_columns(a, false), bko_key_value(a, "a"), bko_role_value(a, "item", "a", "pg_catalog.text"),
					bko_role_value(a, "location", "a", "pg_catalog.text"),
					bko_role_value(a, "qty", "a", "pg_catalog.numeric"),
					shipped == 0 ? "0" :
					psprintf("COALESCE(%s, 0)", bko_column_value(a, shipped, "a", "pg_catalog.numeric")),
					bko_role_value(a, "ordered_at", "a", "timestamptz"), values,
					bko_relation_name(a->root), bko_role_value(a, "qty", "a", "pg_catalog.numeric"),
					run->book->prefix, a->id, bko_key_value(a, "a"),
					run->book->prefix, a->id, bko_key_value(a, "a"));
}

/* Raises BK006 for a row that can't be an order line. */
static void
check_rows(BkoAttached *a, const BkoRun *run)
{
	SPITupleTable *rows;

	run_sql(psprintf("SELECT r.key, r.qty, r.shipped, s.qty_step FROM (%s) AS r"
					 " LEFT JOIN %sstock AS s ON s.item = r.item AND s.location = r.location"
					 " WHERE NOT (r.qty > 0 AND r.shipped BETWEEN 0 AND r.qty AND r.qty < 1e12"
					 " AND round(r.qty, 6) = r.qty AND round(r.shipped, 6) = r.shipped)"
					 " OR (r.qty - r.shipped) %% s.qty_step <> 0 LIMIT 1",
					 import_rows(a, run, ""), run->book->prefix));
	if (SPI_processed == 0)
		return;
	rows = SPI_tuptable;
	ereport(ERROR,
			(errcode(ERRCODE_BKO_QUANTITY),
			 errmsg("row %s of table \"%s\" can't be brought in: %s ordered, %s shipped%s%s",
					SPI_getvalue(rows->vals[0], rows->tupdesc, 1), get_rel_name(a->root),
					SPI_getvalue(rows->vals[0], rows->tupdesc, 2),
					SPI_getvalue(rows->vals[0], rows->tupdesc, 3),
					SPI_getvalue(rows->vals[0], rows->tupdesc, 4) ? ", in steps of " : "",
					SPI_getvalue(rows->vals[0], rows->tupdesc, 4) ?
					SPI_getvalue(rows->vals[0], rows->tupdesc, 4) : ""),
			 errhint("Correct the row, or attach the table without import.")));
}

/*
 * Bring the rows in as lines of which nothing is allocated yet, by one
 * statement, and journal them.  What had shipped before was there and has
 * left: two movements that leave stock as it is.
 */
static void
import_lines(BkoAttached *a, const BkoRun *run)
{
	const char *prefix = run->book->prefix;
	StringInfoData columns;
	StringInfoData values;
	SPIPlanPtr	plan;
	char	   *sql;

	initStringInfo(&columns);
	initStringInfo(&values);
	import_columns(a, &columns, &values);
	sql = psprintf("WITH r AS (%s), l AS (INSERT INTO %sorder_line (attached_id, attached_key, item, location,"
				   " qty_ordered, qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned,"
				   " qty_filled_first, ordered_at, queued_at, closed_at%s)"
				   " SELECT %d, r.key, r.item, r.location, r.qty, r.shipped, 0, r.qty - r.shipped, 0, 0,"
				   " r.shipped, r.ordered_at, r.ordered_at, CASE WHEN r.qty = r.shipped THEN r.ordered_at END%s"
				   " FROM r ORDER BY r.ordered_at, %s"
				   " RETURNING line_id, item, location, qty_shipped, qty_backordered, queued_at),"
				   " m AS (INSERT INTO %smovement (at, kind, from_state, to_state, item, location, qty, line_id,"
				   " reason, by_role)"
				   " SELECT now(), k.kind, NULL, k.to_state, l.item, l.location,"
				   " CASE WHEN k.n < 3 THEN l.qty_shipped ELSE l.qty_backordered END,"
				   " CASE WHEN k.n > 1 THEN l.line_id END, 'import', session_user"
				   " FROM l CROSS JOIN (VALUES (1, 'adjust', NULL::\"char\"), (2, 'ship', 's'), (3, 'backorder', 'b'))"
				   " AS k(n, kind, to_state)"
				   " WHERE CASE WHEN k.n < 3 THEN l.qty_shipped ELSE l.qty_backordered END > 0"
				   " ORDER BY l.line_id, k.n)"
				   " UPDATE %sstock AS s SET backordered = trim_scale(s.backordered + d.qty),"
				   " last_queued_at = GREATEST(s.last_queued_at, d.queued_at)"
				   " FROM (SELECT l.item, l.location, sum(l.qty_backordered) AS qty, max(l.queued_at) AS queued_at"
				   " FROM l GROUP BY l.item, l.location) AS d"
				   " WHERE s.item = d.item AND s.location = d.location",
				   import_rows(a, run, values.data), prefix, columns.data, a->id, columns.data,
				   key_columns(a, true), prefix, prefix);
	plan = SPI_prepare(sql, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare returned %s", SPI_result_code_string(SPI_result));
	(void) bko_run_plan(run, plan, NULL, NULL, 0, true);
}

/* Let the stock rows that lines now wait for fill them, oldest first. */
static void
import_fill(BkoAttached *a, const BkoRun *run)
{
	BkoFrame   *frame;
	SPITupleTable *places;
	uint64		n;

	run_sql(psprintf("SELECT DISTINCT item, location FROM %sorder_line"
					 " WHERE attached_id = %d AND qty_backordered > 0 ORDER BY 1, 2",
					 run->book->prefix, a->id));
	places = SPI_tuptable;
	n = SPI_processed;
	frame = bko_function_frame(run, cstring_to_text("import"));
	bko_epoch_next();
	for (uint64 i = 0; i < n; i++)
	{
		BkoStock   *stock;

		SPI_tuptable = places;
		stock = bko_stock_touch(frame, bko_result_text(i, 1), bko_result_text(i, 2));
		stock->assign_all = true;
	}
	bko_settle(frame);
	bko_frame_close(frame);
}

/* Raises BK002 where more waits now than a stock row allows. */
static void
check_limits(const BkoRun *run, int32 id)
{
	SPITupleTable *rows;

	run_sql(psprintf("SELECT s.item, s.location, s.backordered, s.backorder_limit FROM %sstock AS s"
					 " WHERE s.backordered > s.backorder_limit AND EXISTS (SELECT FROM %sorder_line AS l"
					 " WHERE l.attached_id = %d AND l.item = s.item AND l.location = s.location"
					 " AND l.qty_backordered > 0) LIMIT 1", run->book->prefix, run->book->prefix, id));
	if (SPI_processed == 0)
		return;
	rows = SPI_tuptable;
	ereport(ERROR,
			(errcode(ERRCODE_BKO_BACKORDER_REFUSED),
			 errmsg("backorder limit %s exceeded for %s: %s would wait after the import",
					SPI_getvalue(rows->vals[0], rows->tupdesc, 4),
					bko_where(bko_result_text(0, 1), bko_result_text(0, 2)),
					SPI_getvalue(rows->vals[0], rows->tupdesc, 3)),
			 errhint("Raise stock.backorder_limit (null: no limit), or attach the table without import.")));
}

/* Show in the rows how their lines stand. */
static void
show_all(BkoAttached *a, const BkoRun *run)
{
	SPITupleTable *lines;
	uint64		n;
	int64	   *ids;
	bool		isnull;

	run_sql(psprintf("SELECT line_id FROM %sorder_line WHERE attached_id = %d ORDER BY line_id",
					 run->book->prefix, a->id));
	lines = SPI_tuptable;
	n = SPI_processed;
	ids = palloc_extended(Max(n, 1) * sizeof(int64), MCXT_ALLOC_HUGE);
	for (uint64 i = 0; i < n; i++)
		ids[i] = DatumGetInt64(bko_result(i, 1, &isnull));
	SPI_freetuptable(lines);
	if (a->output[BKO_OUT_SHIPPED].attno == 0 && a->output[BKO_OUT_BACKORDERED].attno == 0)
		return;
	for (uint64 i = 0; i < n; i += SHOW_AT_ONCE)
		bko_attached_show(run, a, ids + i, Min(SHOW_AT_ONCE, n - i));
}

/* Bring in the rows that are there; returns how many lines were made. */
static int64
import_orders(Attaching *at, BkoAttached *a)
{
	BkoRun		run = at->run;
	int64		before;
	int			nestlevel = bko_text_modes();
	bool		isnull;
	char	   *count = psprintf("SELECT count(*) FROM %sorder_line WHERE attached_id = %d",
								 run.book->prefix, a->id);

	run.owner = GetUserId();	/* who reads the one table and writes the other */
	run_sql(count);
	before = DatumGetInt64(bko_result(0, 1, &isnull));
	check_rows(a, &run);
	import_lines(a, &run);
	import_fill(a, &at->run);
	check_limits(&run, a->id);
	show_all(a, &at->run);
	run_sql(count);
	AtEOXact_GUC(true, nestlevel);
	return DatumGetInt64(bko_result(0, 1, &isnull)) - before;
}

/* The application's quantities become those of the book; returns how many rows. */
static int64
import_stock(Attaching *at, BkoAttached *a)
{
	int			nestlevel = bko_attached_modes(a);

	run_sql(psprintf("INSERT INTO %sstock AS s (item, location, on_hand)"
					 " SELECT %s, %s, COALESCE(%s, 0) FROM %s AS n ORDER BY 1, 2"
					 " ON CONFLICT (item, location) DO UPDATE SET on_hand = EXCLUDED.on_hand",
					 at->run.book->prefix, bko_role_value(a, "item", "n", "pg_catalog.text"),
					 bko_role_value(a, "location", "n", "pg_catalog.text"),
					 bko_role_value(a, "on_hand", "n", "pg_catalog.numeric"),
					 bko_relation_name(a->root)));
	AtEOXact_GUC(true, nestlevel);
	return SPI_processed;
}

/* ---- attach and detach ---- */

/*
 * bko.attach(book, kind, table, columns, key, constants, import): puts the
 * engine behind a table of the application.  columns is a JSON object of what
 * is mapped to which column.  Returns how many rows were brought in.
 *
 * Raises 42501, 42809, 42710, 42703, 42804, 428C9, 42P16, 22004, 22023, 55000; what an INSERT
 * into order_line or stock raises for the rows that are there.
 */
Datum
bko_attach(PG_FUNCTION_ARGS)
{
	Attaching	at = {0};
	BkoAttached *a;
	int32		id;
	int64		nrows = 0;
	char	   *constants;

	at.run = bko_function_run(fcinfo);
	at.kind = text_to_cstring(bko_need_text(fcinfo, 1, "kind"))[0];
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("no table is named"),
				 errhint("Give its name: attach_orders('order_details', ...).")));
	at.rel = open_own(PG_GETARG_OID(2), ShareRowExclusiveLock);
	at.constants = PG_ARGISNULL(5) ? NULL : PG_GETARG_JSONB_P(5);
	check_relation(at.rel);
	check_not_attached(at.rel);
	check_triggers(at.rel);
	check_constants(&at);
	map_columns(&at, PG_GETARG_JSONB_P(3));
	need_role(&at, "item");
	need_role(&at, at.kind == BKO_ATTACH_STOCK ? "on_hand" : "qty");
	if (at.kind == BKO_ATTACH_STOCK)
		check_stock_key(&at);
	map_key(&at, PG_ARGISNULL(4) ? NULL : PG_GETARG_ARRAYTYPE_P(4));

	SPI_connect();
	constants = at.constants == NULL ? "'{}'" :
		quote_literal_cstr(JsonbToCString(NULL, &at.constants->root, VARSIZE(at.constants)));
	if (at.kind == BKO_ATTACH_STOCK)
		check_no_lanes(&at.run);
	prepare_book(&at);
	id = enter(&at, constants);
	create_triggers(&at, id);
	CacheInvalidateRelcacheByRelid(at.run.book->book_relid);
	CommandCounterIncrement();
	a = bko_attached(at.rel);
	if (at.kind == BKO_ATTACH_STOCK)
		nrows = import_stock(&at, a);
	else if (at.kind == BKO_ATTACH_ORDERS && !PG_ARGISNULL(6) && PG_GETARG_BOOL(6))
		nrows = import_orders(&at, a);
	else if (at.kind == BKO_ATTACH_ORDERS)
		show_all(a, &at.run);	/* lines from when it was attached before */
	SPI_finish();
	table_close(at.rel, NoLock);
	PG_RETURN_INT64(nrows);
}

/* Drop a trigger of ours where it is: IF EXISTS would tell where it is not. */
static void
drop_trigger(Oid relid, const char *name)
{
	if (OidIsValid(get_trigger_oid(relid, name, true)))
		run_sql(psprintf("DROP TRIGGER %s ON %s", name, bko_relation_name(relid)));
}

/* Drop what is no longer needed where nothing of the kind is attached any more. */
static void
release_book(const BkoRun *run, const char *kind, const char *table)
{
	run_sql(psprintf("SELECT 1 FROM %sattached WHERE kind = '%s' AND detached_at IS NULL",
					 run->book->prefix, kind));
	if (SPI_processed == 0)
		drop_trigger(get_relname_relid(table, run->book->nspoid), "b_bko_push");
}

/*
 * Is a table attached to the book?  One that has lost its map trigger, with a
 * column that was dropped, is so by what the book says.
 */
static bool
serves(const BkoRun *run, Relation rel)
{
	const Trigger *map = bko_map_trigger(rel);

	if (map)
		return bko_map_book(map) == run->book->book_relid;
	run_sql(psprintf("SELECT 1 FROM %sattached WHERE relation = %u AND detached_at IS NULL",
					 run->book->prefix, RelationGetRelid(rel)));
	return SPI_processed > 0;
}

/*
 * bko.detach(book, table): takes the engine away; the rows of the table stay
 * as they are, their lines stay in the book.  Raises 42704 where the table
 * isn't attached to this book.
 */
Datum
bko_detach(PG_FUNCTION_ARGS)
{
	static const char *const triggers[] = {
		BKO_MAP_TRIGGER, "a_bko_open", "zz_bko_row", "a_bko_insert_done", "a_bko_done",
		"a_bko_update_done", "a_bko_delete_done", "a_bko_truncate"
	};
	BkoRun		run = bko_function_run(fcinfo);
	Relation	rel;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("no table is named"),
				 errhint("The view attachment has the tables that are attached.")));
	rel = open_own(PG_GETARG_OID(1), AccessExclusiveLock);
	SPI_connect();
	if (!serves(&run, rel))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\" is not attached to book \"%s\"", RelationGetRelationName(rel),
						get_namespace_name(run.book->nspoid)),
				 errhint("The view attachment has the tables that are attached.")));
	table_close(rel, NoLock);
	for (int i = 0; i < lengthof(triggers); i++)
		drop_trigger(PG_GETARG_OID(1), triggers[i]);
	run_sql(psprintf("UPDATE %sattached SET detached_at = now() WHERE relation = %u",
					 run.book->prefix, PG_GETARG_OID(1)));
	release_book(&run, "orders", "order_line");
	release_book(&run, "stock", "stock");
	CacheInvalidateRelcacheByRelid(run.book->book_relid);
	SPI_finish();
	return (Datum) 0;
}

/* ---- what is attached ---- */

/* bko.whole(qty): the quantity.  Raises BK006 where it is no whole number. */
Datum
bko_whole(PG_FUNCTION_ARGS)
{
	BkoQty		qty = bko_stored_qty(PG_GETARG_DATUM(0), false, "qty");

	if (qty % BKO_UNIT != 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_QUANTITY),
				 errmsg("a column of an attached table can't show %s: it holds whole numbers",
						bko_qty_text(qty)),
				 errhint("Make the column numeric, or set stock.qty_step to 1.")));
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/*
 * bko.attached_columns(table): a JSON object of what the columns of an attached
 * table are for; null where it is not attached, or gone.
 */
Datum
bko_attached_columns(PG_FUNCTION_ARGS)
{
	Relation	rel = try_relation_open(PG_GETARG_OID(0), AccessShareLock);
	const Trigger *map = rel ? bko_map_trigger(rel) : NULL;
	StringInfoData json;

	if (map == NULL)
	{
		if (rel)
			relation_close(rel, AccessShareLock);
		PG_RETURN_NULL();
	}
	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int i = 0; i < map->tgnattr; i++)
	{
		char	   *save = NULL;
		char	   *names = pstrdup(map->tgargs[i + 1]);

		for (char *role = strtok_r(names, ",", &save); role; role = strtok_r(NULL, ",", &save))
		{
			appendStringInfo(&json, "%s", json.len > 1 ? ", " : "");
			escape_json(&json, role);
			appendStringInfoString(&json, ": ");
			escape_json(&json, get_attname(RelationGetRelid(rel), map->tgattr[i], false));
		}
	}
	appendStringInfoChar(&json, '}');
	relation_close(rel, AccessShareLock);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

/* ---- how far it agrees ---- */

static void
append_difference(StringInfo sql, const char *what, const char *theirs, const char *ours)
{
	appendStringInfo(sql, "%s CASE WHEN %s IS DISTINCT FROM %s THEN format('%s is %%s in the table, %%s in the book', %s, %s) END",
					 sql->len > 0 ? "," : "", theirs, ours, what, theirs, ours);
}

/* Order lines and rows of an attached table that differ. */
static char *
order_breaks(BkoAttached *a, const BkoRun *run)
{
	StringInfoData differences;

	initStringInfo(&differences);
	append_difference(&differences, "item", bko_role_value(a, "item", "a", "pg_catalog.text"), "l.item");
	append_difference(&differences, "location", bko_role_value(a, "location", "a", "pg_catalog.text"), "l.location");
	append_difference(&differences, "quantity", bko_role_value(a, "qty", "a", "pg_catalog.numeric"), "l.qty_ordered");
	if (a->output[BKO_OUT_SHIPPED].attno != 0)
		append_difference(&differences, "shipped", bko_role_value(a, "shipped", "a", "pg_catalog.numeric"), "l.qty_shipped");
	if (a->output[BKO_OUT_BACKORDERED].attno != 0)
		append_difference(&differences, "backordered", bko_role_value(a, "backordered", "a", "pg_catalog.numeric"), "l.qty_backordered");
	return psprintf("SELECT l.item, l.location, l.line_id, format('row %%s of %%s: %%s', l.attached_key, %s,"
					" CASE WHEN a.bko_key IS NULL THEN 'it is not there' ELSE concat_ws(', ', %s) END)"
					" FROM %sorder_line AS l LEFT JOIN (SELECT *, %s AS bko_key FROM %s AS a) AS a ON a.bko_key = l.attached_key"
					" WHERE l.attached_id = %d AND (a.bko_key IS NULL OR concat_ws(', ', %s) <> '')",
					quote_literal_cstr(bko_relation_name(a->root)), differences.data,
					run->book->prefix, bko_key_value(a, "a"), bko_relation_name(a->root), a->id,
					differences.data);
}

/* Rows of an attached stock table that say something else than the book. */
static char *
stock_breaks(BkoAttached *a, const BkoRun *run)
{
	char	   *item = bko_role_value(a, "item", "a", "pg_catalog.text");
	char	   *location = bko_role_value(a, "location", "a", "pg_catalog.text");
	char	   *on_hand = psprintf("COALESCE(%s, 0)", bko_role_value(a, "on_hand", "a", "pg_catalog.numeric"));

	return psprintf("SELECT %s, %s, NULL::bigint, format('%%s says %%s on hand, stock %%s', %s, %s, COALESCE(s.on_hand::text, 'nothing'))"
					" FROM %s AS a LEFT JOIN %sstock AS s ON s.item = %s AND s.location = %s"
					" WHERE s.on_hand IS DISTINCT FROM %s",
					item, location, quote_literal_cstr(bko_relation_name(a->root)), on_hand,
					bko_relation_name(a->root), run->book->prefix, item, location, on_hand);
}

/* Receipts of which the row is gone or says something else. */
static char *
receipt_breaks(BkoAttached *a, const BkoRun *run)
{
	return psprintf("SELECT r.item, r.location, NULL::bigint, format('row %%s of %%s: receipt %%s is of %%s, the row of %%s',"
					" r.attached_key, %s, r.receipt_id, r.qty, COALESCE(a.bko_qty::text, 'nothing'))"
					" FROM %sreceipt AS r LEFT JOIN (SELECT %s AS bko_key, %s AS bko_qty FROM %s AS a) AS a"
					" ON a.bko_key = r.attached_key WHERE r.attached_id = %d AND r.attached_key IS NOT NULL"
					" AND a.bko_qty IS DISTINCT FROM r.qty",
					quote_literal_cstr(bko_relation_name(a->root)), run->book->prefix,
					bko_key_value(a, "a"), bko_role_value(a, "qty", "a", "pg_catalog.numeric"),
					bko_relation_name(a->root), a->id);
}

/* Run a query over the book and the table, as the book's owner, who may read both. */
static uint64
run_query(const BkoRun *run, const char *sql)
{
	SPIPlanPtr	plan;
	Oid			save_userid;
	int			save_sec;
	int			rc;

	GetUserIdAndSecContext(&save_userid, &save_sec);
	SetUserIdAndSecContext(run->owner, save_sec | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_NOFORCE_RLS);
	plan = SPI_prepare(sql, 0, NULL);
	rc = plan == NULL ? SPI_result : SPI_execute_plan(plan, NULL, NULL, true, 0);
	if (rc < 0)
		elog(ERROR, "SPI returned %s", SPI_result_code_string(rc));
	SetUserIdAndSecContext(save_userid, save_sec);
	return SPI_processed;
}

/* Nobody knows any more what is mapped, and every statement on the table fails. */
static void
put_lost_map(ReturnSetInfo *rsinfo, Relation rel)
{
	Datum		values[4] = {0};
	bool		nulls[4] = {true, true, true, false};

	values[3] = CStringGetTextDatum(psprintf("%s has lost its trigger " BKO_MAP_TRIGGER
											 ": detach() it and attach it again",
											 bko_relation_name(RelationGetRelid(rel))));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * bko.attached_breaks(book, read_key, attached_id): item, location, line_id and
 * detail of each row of an attached table that disagrees with the book.  Raises
 * 42501.
 */
Datum
bko_attached_breaks(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	BkoRun		run;
	Relation	rel;
	BkoAttached *a;
	int			nestlevel;
	uint64		n;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return (Datum) 0;
	run = bko_book_of_regclass(PG_GETARG_OID(0));
	bko_check_read_key(&run, PG_GETARG_DATUM(1));
	rel = bko_attached_relation(&run, PG_GETARG_INT32(2));
	if (rel == NULL)
		return (Datum) 0;
	if (bko_map_trigger(rel) == NULL)
	{
		put_lost_map(rsinfo, rel);
		table_close(rel, NoLock);
		return (Datum) 0;
	}
	a = bko_attached(rel);
	nestlevel = bko_text_modes();
	SPI_connect();
	n = run_query(&run, a->kind == BKO_ATTACH_ORDERS ? order_breaks(a, &run) :
				  a->kind == BKO_ATTACH_STOCK ? stock_breaks(a, &run) : receipt_breaks(a, &run));
	for (uint64 i = 0; i < n; i++)
	{
		Datum		values[4];
		bool		nulls[4];

		bko_result_row(i, NULL, values, nulls);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	SPI_finish();
	AtEOXact_GUC(true, nestlevel);
	table_close(rel, NoLock);
	return (Datum) 0;
}

/* bko.attached_rows(book, read_key, attached_id): how many.  Raises 42501. */
Datum
bko_attached_rows(PG_FUNCTION_ARGS)
{
	BkoRun		run;
	Relation	rel;
	bool		isnull;
	int64		nrows;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	run = bko_book_of_regclass(PG_GETARG_OID(0));
	bko_check_read_key(&run, PG_GETARG_DATUM(1));
	rel = bko_attached_relation(&run, PG_GETARG_INT32(2));
	if (rel == NULL)
		PG_RETURN_NULL();
	SPI_connect();
	(void) run_query(&run, psprintf("SELECT count(*) FROM %s",
									bko_relation_name(RelationGetRelid(rel))));
	nrows = DatumGetInt64(bko_result(0, 1, &isnull));
	SPI_finish();
	table_close(rel, NoLock);
	PG_RETURN_INT64(nrows);
}
