/*-------------------------------------------------------------------------
 *
 * attach.c
 *	  Tables of an application that the engine works behind: what of them is
 *	  mapped to what, and how values of one become values of the other.
 *
 * The mapping stands in the catalog, in the trigger a_bko_map of the table: its
 * column list (UPDATE OF ...) has the columns, its arguments what each is for,
 * its condition names the book.  So it follows columns and schemas that are
 * renamed, is dumped and restored, and goes when the table or the book goes.
 * That the table belongs to the book is said by the book's table "attached":
 * a trigger of ours on a stranger's table is no leave to write.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "nodes/nodeFuncs.h"
#include "nodes/nodes.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(bko_serves);
PG_FUNCTION_INFO_V1(bko_attached_map);

typedef struct Entry
{
	Oid			relid;			/* hash key: a table or a partition of it */
	BkoAttached *attached;		/* NULL: to be looked up */
} Entry;

static HTAB *entries = NULL;

/* No longer good, but perhaps in use further up the stack. */
static List *outdated = NIL;

/* Counts invalidations: one that comes in while we load must not be lost. */
static uint64 ninvalidated = 0;

/* What columns of order_line an attached table may bring, and by which name. */
static const struct
{
	const char *role;
	int			column;
	const char *unset;			/* where it is neither mapped nor constant */
}			line_roles[] = {
	{"item", LINE_ITEM, NULL},
	{"qty", LINE_QTY_ORDERED, NULL},
	{"order_ref", LINE_ORDER_REF, NULL},
	{"line_no", LINE_NO, NULL},
	{"demand", LINE_DEMAND, "customer"},
	{"customer", LINE_CUSTOMER, NULL},
	{"location", LINE_LOCATION, "main"},
	{"priority", LINE_PRIORITY, "100"},
	{"ship_policy", LINE_SHIP_POLICY, "partial"},
	{"requested_on", LINE_REQUESTED_ON, NULL},
	{"unit_price", LINE_UNIT_PRICE, NULL},
	{"currency", LINE_CURRENCY, NULL},
	{"payment_days", LINE_PAYMENT_DAYS, "0"},
	{"ordered_at", LINE_ORDERED_AT, NULL}
};

static void forget(Entry *entry);

/* ---- casts ---- */

/*
 * Prepare the cast from one type to another, as an assignment would do it.
 * False where there is none.
 */
bool
bko_cast_init(BkoCast *cast, Oid from, Oid to, MemoryContext cxt)
{
	Oid			funcid = InvalidOid;
	Oid			inout;
	bool		varlena;

	from = getBaseType(from);
	cast->to = to;
	cast->single = from == FLOAT4OID && to == NUMERICOID;
	cast->dbl = from == FLOAT8OID && to == NUMERICOID;
	cast->path = from == to ? COERCION_PATH_RELABELTYPE :
		find_coercion_pathway(to, from, COERCION_ASSIGNMENT, &funcid);
	switch (cast->path)
	{
		case COERCION_PATH_RELABELTYPE:
			return true;
		case COERCION_PATH_FUNC:
			fmgr_info_cxt(funcid, &cast->func, cxt);
			return true;
		case COERCION_PATH_COERCEVIAIO:
			getTypeOutputInfo(from, &inout, &varlena);
			fmgr_info_cxt(inout, &cast->func, cxt);
			getTypeInputInfo(to, &inout, &cast->ioparam);
			fmgr_info_cxt(inout, &cast->in, cxt);
			return true;
		default:
			return false;
	}
}

/*
 * Decimal places of a double precision that count: three more than a quantity
 * has, so that what binary arithmetic leaves is dropped (40 - 39.9 is
 * 0.100000000000001) and a quantity that has too many is still told.
 */
#define DOUBLE_SCALE 9

/* The number that a real prints as: its cast to numeric keeps 6 digits. */
static Datum
exact_numeric(char *number)
{
	Datum		value = DirectFunctionCall3(numeric_in, CStringGetDatum(number),
											ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));

	pfree(number);
	return value;
}

/* A value, not null, as one of the type that the cast is to. */
Datum
bko_cast(BkoCast *cast, Datum value)
{
	if (cast->single)
		return exact_numeric(float_to_shortest_decimal(DatumGetFloat4(value)));
	if (cast->dbl)
		return DirectFunctionCall1(numeric_trim_scale,
								   DirectFunctionCall2(numeric_round, FunctionCall1(&cast->func, value),
													   Int32GetDatum(DOUBLE_SCALE)));
	if (cast->path == COERCION_PATH_RELABELTYPE)
		return value;
	if (cast->path == COERCION_PATH_COERCEVIAIO)
		return InputFunctionCall(&cast->in, OutputFunctionCall(&cast->func, value),
								 cast->ioparam, -1);
	switch (cast->func.fn_nargs)
	{
		case 1:
			return FunctionCall1(&cast->func, value);
		case 2:
			return FunctionCall2(&cast->func, value, Int32GetDatum(-1));
		default:
			return FunctionCall3(&cast->func, value, Int32GetDatum(-1), BoolGetDatum(false));
	}
}

/* ---- the trigger that holds the mapping ---- */

static bool
find_regclass(Node *node, void *found)
{
	if (node == NULL)
		return false;
	if (IsA(node, Const) && ((Const *) node)->consttype == REGCLASSOID)
	{
		*(Oid *) found = DatumGetObjectId(((Const *) node)->constvalue);
		return true;
	}
	return expression_tree_walker(node, find_regclass, found);
}

static Oid
operator_namespace(Oid opno)
{
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(opno));
	Oid			nspoid;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", opno);
	nspoid = ((Form_pg_operator) GETSTRUCT(tuple))->oprnamespace;
	ReleaseSysCache(tuple);
	return nspoid;
}

/* The trigger of a table that holds its mapping, or NULL. */
const Trigger *
bko_map_trigger(Relation rel)
{
	TriggerDesc *triggers = rel->trigdesc;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (strcmp(trigger->tgname, BKO_MAP_TRIGGER) == 0 && trigger->tgnargs > 0 &&
			trigger->tgnargs == trigger->tgnattr + 1 && trigger->tgqual != NULL)
			return trigger;
	}
	return NULL;
}

/* The book that a map trigger names, by its table "book". */
Oid
bko_map_book(const Trigger *map)
{
	Oid			book = InvalidOid;

	(void) find_regclass(stringToNode(map->tgqual), &book);
	return book;
}

/* ---- loading ---- */

/* The number of a key role: key1 is 0; -1 for others. */
static int
key_role(const char *role)
{
	return strncmp(role, "key", 3) == 0 && role[3] >= '1' && role[3] <= '9' ?
		atoi(role + 3) - 1 : -1;
}

/* Note what a column of the table is for; "attno" as in the relation at hand. */
static void
add_role(BkoAttached *a, const char *role, AttrNumber attno)
{
	int			key = key_role(role);

	if (key >= 0 && key < INDEX_MAX_KEYS)
	{
		a->key[key] = attno;
		a->nkeys = Max(a->nkeys, key + 1);
		return;
	}
	if (strcmp(role, "shipped") == 0)
		a->output[BKO_OUT_SHIPPED].attno = attno;
	else if (strcmp(role, "backordered") == 0)
		a->output[BKO_OUT_BACKORDERED].attno = attno;
	for (int i = 0; i < lengthof(line_roles); i++)
		if (strcmp(role, line_roles[i].role) == 0)
			a->line[line_roles[i].column].attno = attno;
	a->roles[a->nroles].role = pstrdup(role);
	a->roles[a->nroles++].attno = attno;
}

/* Read the roles of all columns; those of a partition lie elsewhere. */
static void
read_roles(BkoAttached *a, const Trigger *map, Relation rel)
{
	a->roles = palloc0((BKO_MAX_ROLES + 1) * sizeof(BkoRole));
	for (int i = 0; i < map->tgnattr; i++)
	{
		AttrNumber	attno = map->tgattr[i];
		char	   *names = pstrdup(map->tgargs[i + 1]);
		char	   *save = NULL;

		if (a->root != RelationGetRelid(rel))
			attno = get_attnum(RelationGetRelid(rel), get_attname(a->root, attno, false));
		for (char *name = strtok_r(names, ",", &save); name; name = strtok_r(NULL, ",", &save))
			if (a->nroles < BKO_MAX_ROLES)
				add_role(a, name, attno);
	}
}

static Datum
input_constant(const char *value, Oid type)
{
	Oid			in;
	Oid			ioparam;

	getTypeInputInfo(type, &in, &ioparam);
	return OidInputFunctionCall(in, (char *) value, ioparam, -1);
}

/* A constant as text, or NULL; jsonb may be NULL. */
char *
bko_constant(Jsonb *constants, const char *name)
{
	JsonbValue *value;

	if (constants == NULL)
		return NULL;
	value = getKeyJsonValueFromContainer(&constants->root, name, strlen(name), NULL);
	if (value == NULL || value->type == jbvNull)
		return NULL;
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	if (value->type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	if (value->type == jbvBool)
		return pstrdup(value->val.boolean ? "true" : "false");
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("constant \"%s\" is neither a string, a number nor a boolean", name)));
}

/* Prepare how the columns of an order line come about. */
static void
load_line(BkoAttached *a, Relation rel, Jsonb *constants)
{
	for (int i = 0; i < lengthof(line_roles); i++)
	{
		int			c = line_roles[i].column;
		BkoAttachedColumn *column = &a->line[c];
		Oid			type = bko_column_type(BKO_ORDER_LINE, c);
		const char *constant = bko_constant(constants, line_roles[i].role);

		if (constant == NULL)
			constant = line_roles[i].unset;
		column->isnull = (constant == NULL);
		if (constant)
			column->constant = input_constant(constant, type);
		if (column->attno != 0 &&
			!bko_cast_init(&column->cast, TupleDescAttr(rel->rd_att, column->attno - 1)->atttypid,
						   type, a->cxt))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of table \"%s\" can't be cast to %s any more",
							NameStr(TupleDescAttr(rel->rd_att, column->attno - 1)->attname),
							RelationGetRelationName(rel), format_type_be(type)),
					 errhint("Detach the table and attach it again with another column.")));
	}
	for (int i = 0; i < BKO_NOUT; i++)
		if (a->output[i].attno != 0)
			(void) bko_cast_init(&a->output[i].cast, NUMERICOID, a->output[i].attno == 0 ? InvalidOid :
								 TupleDescAttr(rel->rd_att, a->output[i].attno - 1)->atttypid, a->cxt);
}

/* Does a type look the same as text under any setting of the session? */
static bool
is_plain_text(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID || type == TEXTOID ||
		type == VARCHAROID || type == BPCHAROID || type == UUIDOID || type == NUMERICOID;
}

static void
load_key(BkoAttached *a, Relation rel)
{
	a->keyplain = true;
	for (int i = 0; i < a->nkeys; i++)
	{
		Oid			out;
		bool		varlena;
		Oid			type = getBaseType(TupleDescAttr(rel->rd_att, a->key[i] - 1)->atttypid);

		getTypeOutputInfo(type, &out, &varlena);
		fmgr_info_cxt(out, &a->keyout[i], a->cxt);
		a->keyplain = a->keyplain && is_plain_text(type);
	}
}

/* What the book says of the table.  Raises BK009 where it isn't attached. */
static Jsonb *
read_registry(BkoAttached *a, const BkoRun *run)
{
	Datum		args[2];
	bool		isnull;
	Jsonb	   *constants = NULL;
	MemoryContext cxt = CurrentMemoryContext;

	args[0] = Int32GetDatum(a->id);
	args[1] = ObjectIdGetDatum(a->root);
	SPI_connect();
	if (bko_run(run, PLAN_ATTACHED, args, NULL, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_BOOK),
				 errmsg("table \"%s\" has triggers of bko, but is not attached to a book",
						get_rel_name(a->root)),
				 errhint("Drop those triggers, or attach the table by the functions of the book.")));
	a->kind = text_to_cstring(bko_result_text(0, 1))[0];
	constants = DatumGetJsonbP(bko_result(0, 2, &isnull));
	constants = memcpy(MemoryContextAlloc(cxt, VARSIZE(constants)), constants, VARSIZE(constants));
	SPI_finish();
	return constants;
}

/* The attached table that a table is, or is a partition of, open; or NULL. */
static Relation
open_root(Relation rel)
{
	List	   *ancestors;
	ListCell   *cell;

	if (bko_map_trigger(rel))
		return rel;
	if (!rel->rd_rel->relispartition)
		return NULL;
	ancestors = get_partition_ancestors(RelationGetRelid(rel));
	foreach(cell, ancestors)
	{
		Relation	root = table_open(lfirst_oid(cell), AccessShareLock);

		if (bko_map_trigger(root))
			return root;
		table_close(root, AccessShareLock);
	}
	return NULL;
}

static BkoAttached *
load(Relation rel)
{
	Relation	root = open_root(rel);
	MemoryContext cxt;
	MemoryContext old;
	BkoAttached *a;
	const Trigger *map;
	BkoRun		run;
	Jsonb	   *constants;

	if (root == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_BOOK),
				 errmsg("table \"%s\" has triggers of bko, but not the one that says what is mapped",
						RelationGetRelationName(rel)),
				 errhint("Detach the table and attach it again.")));
	cxt = AllocSetContextCreate(CurrentMemoryContext, "bko attached", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(cxt);
	a = palloc0(sizeof(BkoAttached));
	a->cxt = cxt;
	a->relid = RelationGetRelid(rel);
	a->root = RelationGetRelid(root);
	map = bko_map_trigger(root);
	a->id = pg_strtoint32(map->tgargs[0]);
	a->book_relid = bko_map_book(map);
	read_roles(a, map, rel);
	run = bko_book_of_regclass(a->book_relid);
	a->registry = get_relname_relid("attached", run.book->nspoid);
	constants = read_registry(a, &run);
	a->constants = constants;
	if (a->kind == BKO_ATTACH_ORDERS)
		load_line(a, rel, constants);
	load_key(a, rel);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(cxt, TopMemoryContext);
	if (root != rel)
		table_close(root, AccessShareLock);
	return a;
}

/*
 * What is mapped of a table, or of the table that it is a partition of; good
 * until the end of the transaction.  Raises BK009 where it isn't attached.
 */
BkoAttached *
bko_attached(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	bool		found;
	Entry	   *entry = hash_search(entries, &relid, HASH_ENTER, &found);
	uint64		before = ninvalidated;
	BkoAttached *a;

	if (!found)
		entry->attached = NULL;
	if (entry->attached != NULL)
		return entry->attached;
	a = load(rel);
	/* loading may have made other entries */
	entry = hash_search(entries, &relid, HASH_FIND, &found);
	entry->attached = a;
	if (ninvalidated != before)
		forget(entry);
	return a;
}

/* With whose rights the engine works for an attached table. */
BkoRun
bko_attached_run(const BkoAttached *a)
{
	return bko_book_of_regclass(a->book_relid);
}

/* ---- forgetting ---- */

static void
forget(Entry *entry)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	outdated = lappend(outdated, entry->attached);
	entry->attached = NULL;
	MemoryContextSwitchTo(old);
}

static void
forget_relation(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS seq;
	Entry	   *entry;

	ninvalidated++;
	hash_seq_init(&seq, entries);
	while ((entry = hash_seq_search(&seq)) != NULL)
		if (entry->attached &&
			(relid == InvalidOid || relid == entry->relid || relid == entry->attached->root ||
			 relid == entry->attached->registry || relid == entry->attached->book_relid))
			forget(entry);
}

static void
forget_names(Datum arg, int cacheid, uint32 hashvalue)
{
	forget_relation(arg, InvalidOid);
}

/* At the end of a transaction nobody uses what is outdated. */
static void
xact_callback(XactEvent event, void *arg)
{
	ListCell   *cell;

	if (outdated == NIL ||
		(event != XACT_EVENT_COMMIT && event != XACT_EVENT_PREPARE && event != XACT_EVENT_ABORT))
		return;
	foreach(cell, outdated)
	{
		BkoAttached *a = lfirst(cell);

		for (int i = 0; i < BKO_NATTACHED_PLANS; i++)
			if (a->plans[i])
				SPI_freeplan(a->plans[i]);
		MemoryContextDelete(a->cxt);
	}
	list_free(outdated);
	outdated = NIL;
}

void
bko_attach_init(void)
{
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(Entry);
	entries = hash_create("bko attached tables", 8, &ctl, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_names, (Datum) 0);
	RegisterXactCallback(xact_callback, NULL);
}

/* ---- rows ---- */

/*
 * Settings under which the text of any type is the same, see postgres_fdw, or
 * that of numbers alone; returns the level to go back to by AtEOXact_GUC().
 */
static int
set_modes(bool all)
{
	static const char *const modes[][2] = {
		{"extra_float_digits", "3"}, {"datestyle", "ISO"}, {"timezone", "UTC"},
		{"intervalstyle", "postgres"}
	};
	int			nestlevel = NewGUCNestLevel();

	for (int i = 0; i < (all ? lengthof(modes) : 1); i++)
		(void) set_config_option(modes[i][0], modes[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return nestlevel;
}

int
bko_text_modes(void)
{
	return set_modes(true);
}

/*
 * Such settings for quantities and keys of a table: triggers of the application
 * that fire meanwhile should see the session's own, where that is possible.
 */
int
bko_attached_modes(const BkoAttached *a)
{
	return set_modes(!a->keyplain);
}

/* The key of a row as the text of an array of texts; palloc'd. */
text *
bko_attached_key(BkoAttached *a, Datum *values, bool *nulls)
{
	StringInfoData buf;
	int			nestlevel = a->keyplain ? 0 : bko_text_modes();
	text	   *key;

	initStringInfo(&buf);
	for (int i = 0; i < a->nkeys; i++)
	{
		if (nulls[a->key[i] - 1])
			ereport(ERROR,
					(errcode(ERRCODE_NOT_NULL_VIOLATION),
					 errmsg("the key of a row of the attached table \"%s\" is null",
							get_rel_name(a->root)),
					 errhint("bko must know the row before it is inserted: give the key, or a default.")));
		appendStringInfoString(&buf, i == 0 ? "{\"" : "\",\"");
		for (const char *p = OutputFunctionCall(&a->keyout[i], values[a->key[i] - 1]); *p; p++)
		{
			if (*p == '"' || *p == '\\')
				appendStringInfoChar(&buf, '\\');
			appendStringInfoChar(&buf, *p);
		}
	}
	appendStringInfoString(&buf, "\"}");
	if (nestlevel)
		AtEOXact_GUC(true, nestlevel);
	key = cstring_to_text_with_len(buf.data, buf.len);
	pfree(buf.data);
	return key;
}

/*
 * A column of the order line that a row of the application stands for: its
 * value, or the constant, where it is null or there is no such column.
 */
void
bko_attached_value(BkoAttached *a, int column, Datum *values, bool *nulls, BkoRow *row)
{
	BkoAttachedColumn *from = &a->line[column];

	if (from->attno != 0 && !nulls[from->attno - 1])
		bko_row_set(row, column, bko_cast(&from->cast, values[from->attno - 1]));
	else if (column == LINE_ORDERED_AT && from->isnull)
		bko_row_set(row, column, TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	else
	{
		BKO_VALUE(row, column) = from->constant;
		BKO_ISNULL(row, column) = from->isnull;
	}
}

/* All columns of a new order line that the application's row gives. */
void
bko_attached_line(BkoAttached *a, Datum *values, bool *nulls, BkoRow *row)
{
	for (int i = 0; i < lengthof(line_roles); i++)
		bko_attached_value(a, line_roles[i].column, values, nulls, row);
}

/* The column of order_line that a role is for, or -1. */
int
bko_role_column(const char *role)
{
	for (int i = 0; i < lengthof(line_roles); i++)
		if (strcmp(role, line_roles[i].role) == 0)
			return line_roles[i].column;
	return -1;
}

/* The column of the table that plays a role, or 0. */
AttrNumber
bko_role_attno(const BkoAttached *a, const char *role)
{
	for (int i = 0; i < a->nroles; i++)
		if (strcmp(a->roles[i].role, role) == 0)
			return a->roles[i].attno;
	return 0;
}

/* ---- SQL for one attached table ---- */

/* The qualified name of a table, palloc'd. */
char *
bko_relation_name(Oid relid)
{
	char	   *name = get_rel_name(relid);

	if (name == NULL)
		elog(ERROR, "cache lookup failed for relation %u", relid);
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), name);
}

/*
 * The condition that a row of the table, by its alias, has the key that an
 * array of texts says: by the equality that its index has.
 */
void
bko_append_key_match(StringInfo sql, const BkoAttached *a, const char *alias, const char *key)
{
	for (int i = 0; i < a->nkeys; i++)
	{
		Oid			type;
		int32		typmod;
		Oid			collation;
		Oid			eq;

		get_atttypetypmodcoll(a->relid, a->key[i], &type, &typmod, &collation);
		eq = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;
		appendStringInfo(sql, "%s%s.%s OPERATOR(%s.%s) (%s)[%d]::%s", i > 0 ? " AND " : "", alias,
						 quote_identifier(get_attname(a->relid, a->key[i], false)),
						 quote_identifier(get_namespace_name(operator_namespace(eq))),
						 get_opname(eq), key, i + 1,
						 format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN |
											  FORMAT_TYPE_FORCE_QUALIFY));
	}
}

/*
 * The text of a column of the key as its type's output function has it, which
 * a cast to text need not be: char(n), boolean, inet.
 */
static void
append_key_text(StringInfo sql, const BkoAttached *a, AttrNumber attno, const char *alias)
{
	const char *column = quote_identifier(get_attname(a->relid, attno, false));
	Oid			funcid;

	if (find_coercion_pathway(TEXTOID, getBaseType(get_atttype(a->relid, attno)),
							  COERCION_EXPLICIT, &funcid) == COERCION_PATH_FUNC)
		appendStringInfo(sql, "pg_catalog.format('%%s', %s.%s)", alias, column);
	else
		appendStringInfo(sql, "%s.%s::pg_catalog.text", alias, column);
}

/* The key of a row, by its alias, as an array of texts. */
char *
bko_key_value(const BkoAttached *a, const char *alias)
{
	StringInfoData sql;

	if (a->nkeys == 0)
		return pstrdup("NULL::pg_catalog.text[]");
	initStringInfo(&sql);
	for (int i = 0; i < a->nkeys; i++)
	{
		appendStringInfoString(&sql, i == 0 ? "ARRAY[" : ", ");
		append_key_text(&sql, a, a->key[i], alias);
	}
	appendStringInfoChar(&sql, ']');
	return sql.data;
}

bool
bko_is_integer(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

/*
 * A column of a row, by its alias, as a value of some type; palloc'd.  A real
 * becomes the number that it prints as under bko_text_modes(); see bko_cast().
 */
char *
bko_column_value(const BkoAttached *a, AttrNumber attno, const char *alias, const char *type)
{
	Oid			from = getBaseType(get_atttype(a->relid, attno));
	const char *column = quote_identifier(get_attname(a->relid, attno, false));

	if (from == FLOAT8OID && strcmp(type, "pg_catalog.numeric") == 0)
		return psprintf("pg_catalog.trim_scale(pg_catalog.round(%s.%s::pg_catalog.numeric, %d))",
						alias, column, DOUBLE_SCALE);
	return psprintf("%s.%s%s::%s", alias, column, from == FLOAT4OID ? "::pg_catalog.text" : "", type);
}

/*
 * What a role is as an expression over a row of the table, by its alias: the
 * column, or the constant where it is null or there is none.
 */
char *
bko_role_value(const BkoAttached *a, const char *role, const char *alias, const char *type)
{
	AttrNumber	attno = bko_role_attno(a, role);
	char	   *constant = bko_constant(a->constants, role);
	char	   *column = attno == 0 ? NULL : bko_column_value(a, attno, alias, type);

	if (constant == NULL && strcmp(role, "location") == 0)
		constant = "main";
	if (constant == NULL)
		return column ? column : psprintf("NULL::%s", type);
	constant = psprintf("%s::%s", quote_literal_cstr(constant), type);
	return column ? psprintf("COALESCE(%s, %s)", column, constant) : constant;
}

/* The same book, with the rights of a table's owner. */
BkoRun
bko_owner_run(const BkoRun *run, Oid relid)
{
	BkoRun		owner = *run;
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner.owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * The attached table of a number, open, or NULL where it is gone or detached.
 * What a book says of its attachments is its owner's word alone: a table whose
 * map trigger names another book isn't ours to write, nor to lock.
 */
Relation
bko_attached_relation(const BkoRun *run, int32 id)
{
	Datum		args[1];
	bool		isnull;
	Oid			relid = InvalidOid;
	Relation	rel;
	const Trigger *map;

	args[0] = Int32GetDatum(id);
	SPI_connect();
	if (bko_run(run, PLAN_ATTACHED_RELATION, args, NULL, 1) > 0)
		relid = DatumGetObjectId(bko_result(0, 1, &isnull));
	SPI_finish();
	rel = OidIsValid(relid) ? try_relation_open(relid, AccessShareLock) : NULL;
	if (rel == NULL)
		return NULL;
	map = bko_map_trigger(rel);
	if (map && (bko_map_book(map) != run->book->book_relid || pg_strtoint32(map->tgargs[0]) != id))
	{
		relation_close(rel, AccessShareLock);
		return NULL;
	}
	if (map)
		LockRelationOid(relid, RowExclusiveLock);
	return rel;
}

/* ---- functions ---- */

/* bko.serves(book): true. Names the book in the condition of a trigger. */
Datum
bko_serves(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(true);
}

/* bko.attached_map(): does nothing; its trigger holds the mapping. */
Datum
bko_attached_map(PG_FUNCTION_ARGS)
{
	bko_check_trigger(fcinfo, "bko.attached_map", TRIGGER_EVENT_BEFORE, false, BKO_ON_UPDATE);
	return PointerGetDatum(NULL);
}
