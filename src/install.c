/*-------------------------------------------------------------------------
 *
 * install.c
 *	  Books are made and brought up: create_book() and upgrade_book().
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(bko_create_book);
PG_FUNCTION_INFO_V1(bko_upgrade_book);
PG_FUNCTION_INFO_V1(bko_book_row);

static void
run_sql(const char *sql)
{
	int			rc = SPI_execute(sql, false, 0);

	if (rc < 0)
		elog(ERROR, "SPI_execute returned %s", SPI_result_code_string(rc));
}

/*
 * From 18 on NOT NULL constraints have names, which tables made LIKE others share
 * with them: give the archive's its own, or a restore would rename the others'.
 */
static void
name_constraints(void)
{
	SPITupleTable *statements;
	uint64		n;

	run_sql("SELECT pg_catalog.format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I',"
			" conrelid::pg_catalog.regclass, conname, 'archived_' || conname)"
			" FROM pg_catalog.pg_constraint WHERE contype = 'n' AND"
			" conrelid IN ('archived_line'::pg_catalog.regclass, 'archived_movement'::pg_catalog.regclass)");
	statements = SPI_tuptable;
	n = SPI_processed;
	for (uint64 i = 0; i < n; i++)
		run_sql(SPI_getvalue(statements->vals[i], statements->tupdesc, 1));
}

/*
 * Run the definition of a book under a search_path of its schema alone: its
 * names are unqualified, and nothing else may be found by them.
 */
static void
run_definition(const char *schema)
{
	char	   *path = psprintf("%s, pg_temp", quote_identifier(schema));
	int			nestlevel = NewGUCNestLevel();
	char	   *sql;

	if (SPI_execute("SELECT bko.book_definition()", true, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not read bko.book_definition()");
	sql = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);

	(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("client_min_messages", "warning", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	run_sql(sql);
	name_constraints();
	run_sql(psprintf("INSERT INTO book (version) VALUES (%d)", BKO_BOOK_VERSION));
	AtEOXact_GUC(true, nestlevel);
}

/*
 * bko.create_book(name): makes a schema with the tables of a book, owned by
 * the caller, who needs CREATE on the database.  Raises 42P06 where a schema
 * of that name is there already.
 */
Datum
bko_create_book(PG_FUNCTION_ARGS)
{
	Name		name = PG_GETARG_NAME(0);
	const char *schema = NameStr(*name);

	if (schema[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("the name of a book is empty"),
				 errhint("Give a name for the schema that will hold it.")));
	if (OidIsValid(get_namespace_oid(schema, true)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_SCHEMA),
				 errmsg("schema \"%s\" exists already", schema),
				 errhint("A book has a schema of its own: choose another name.")));
	SPI_connect();
	run_sql(psprintf("CREATE SCHEMA %s", quote_identifier(schema)));
	run_definition(schema);
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * bko.upgrade_book(name): brings a book up to the version that this code
 * serves.  Raises BK009 where it is no book, or a later one.
 */
Datum
bko_upgrade_book(PG_FUNCTION_ARGS)
{
	Name		name = PG_GETARG_NAME(0);
	Oid			nspoid = get_namespace_oid(NameStr(*name), true);
	Oid			relid = OidIsValid(nspoid) ? get_relname_relid("book", nspoid) : InvalidOid;
	bool		isnull;
	int			version;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_BKO_BOOK),
				 errmsg("there is no book \"%s\"", NameStr(*name)),
				 errhint("Make one with: SELECT bko.create_book('name');")));
	if (!bko_owns_relation(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_SCHEMA, NameStr(*name));

	SPI_connect();
	if (SPI_execute(psprintf("SELECT version::integer FROM %s.book",
							 quote_identifier(NameStr(*name))), true, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_BOOK),
				 errmsg("book \"%s\" has no version", NameStr(*name))));
	version = DatumGetInt32(bko_result(0, 1, &isnull));
	SPI_finish();

	/* There is one version so far: each later one adds its step here. */
	if (version != BKO_BOOK_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_BOOK),
				 errmsg("book \"%s\" is of version %d, which this bko can't bring to version %d",
						NameStr(*name), version, BKO_BOOK_VERSION),
				 errhint("Install the bko that made it, or a later one.")));
	PG_RETURN_INT32(version);
}

/*
 * bko.book_row(): BEFORE INSERT on the table "book".  A book has one row, and
 * a restore of data alone into a new book brings another: it takes the place
 * of the first.
 */
Datum
bko_book_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	char	   *sql;

	bko_check_trigger(fcinfo, "bko.book_row", TRIGGER_EVENT_BEFORE, true, BKO_ON_INSERT);
	sql = psprintf("DELETE FROM %s",
				   quote_qualified_identifier(get_namespace_name(RelationGetNamespace(trigdata->tg_relation)),
											  RelationGetRelationName(trigdata->tg_relation)));
	SPI_connect();
	run_sql(sql);
	SPI_finish();
	return PointerGetDatum(trigdata->tg_trigtuple);
}
