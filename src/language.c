/*-------------------------------------------------------------------------
 *
 * language.c
 *	  The language "bko": functions of a book whose body is only a name.
 *
 * A function that a book calls often is written in C here, but must belong to
 * the book, be dumped and renamed with it, and be made by who may not make
 * functions in C.  In the language "sql" PostgreSQL would parse and plan its
 * body at each call.  In this one the body names the C function, which finds
 * the book in whose schema its caller is.
 *
 * Anybody may make functions in it: so nothing is called whose arguments and
 * result aren't what it is made for.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(bko_call_handler);
PG_FUNCTION_INFO_V1(bko_call_validator);

typedef struct BookFunction
{
	const char *name;
	int			nargs;
	Oid			args[FUNC_MAX_ARGS];
	BkoTable	returns;		/* rows of this table */
	Datum		(*call) (FunctionCallInfo fcinfo, const BkoRun *run);
} BookFunction;

static const BookFunction functions[] = {
	{"place_order", 10,
		{TEXTOID, JSONBOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, DATEOID, TEXTOID, TEXTOID, INT4OID},
	BKO_ORDER_LINE, bko_place_order}
};

static bool
has_signature(Form_pg_proc proc, const BookFunction *function)
{
	Oid			table = get_relname_relid(bko_table_name(function->returns), proc->pronamespace);

	return proc->prokind == PROKIND_FUNCTION && proc->proretset &&
		proc->pronargs == function->nargs &&
		memcmp(proc->proargtypes.values, function->args, function->nargs * sizeof(Oid)) == 0 &&
		OidIsValid(table) && proc->prorettype == get_rel_type_id(table);
}

/* What a function is to call, and its schema.  Raises 42P13. */
static const BookFunction *
find_function(Oid fn_oid, Oid *nspoid)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(fn_oid));
	Form_pg_proc proc;
	char	   *body;
	bool		isnull;
	const BookFunction *found = NULL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", fn_oid);
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	body = TextDatumGetCString(SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull));
	for (int i = 0; i < lengthof(functions) && found == NULL; i++)
		if (strcmp(body, functions[i].name) == 0 && has_signature(proc, &functions[i]))
			found = &functions[i];
	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("function \"%s\" is not as bko makes it", NameStr(proc->proname)),
				 errhint("The language \"bko\" is for the functions that bko.create_book() makes.")));
	*nspoid = proc->pronamespace;
	ReleaseSysCache(tuple);
	return found;
}

/*
 * bko.call_handler(): calls what a function of the language "bko" names, for
 * the book of its schema.  Raises 42P13 for a function that isn't a book's,
 * BK009 where the schema is none, and what it calls raises.
 */
Datum
bko_call_handler(PG_FUNCTION_ARGS)
{
	Oid			nspoid;
	const BookFunction *function = find_function(fcinfo->flinfo->fn_oid, &nspoid);
	BkoRun		run = bko_book_of_schema(nspoid);

	return function->call(fcinfo, &run);
}

/* bko.call_validator(oid): may there be such a function?  Raises 42P13. */
Datum
bko_call_validator(PG_FUNCTION_ARGS)
{
	Oid			fn_oid = PG_GETARG_OID(0);
	Oid			nspoid;

	if (CheckFunctionValidatorAccess(fcinfo->flinfo->fn_oid, fn_oid) && check_function_bodies)
		(void) find_function(fn_oid, &nspoid);
	PG_RETURN_VOID();
}
