/*-------------------------------------------------------------------------
 *
 * function.c
 *	  What the functions of a book share.
 *
 * The functions that users call live in the book, belong to its owner and are
 * SECURITY DEFINER: who may execute them, may do what they do.  What they call
 * here therefore asks that the current user is the owner.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

/*
 * The book that the first argument names, for its owner.  Raises BK009 where
 * it is none, 42501 where the current user doesn't own it.
 */
BkoRun
bko_function_run(FunctionCallInfo fcinfo)
{
	BkoRun		run;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_BKO_BOOK),
				 errmsg("no book is named"),
				 errhint("Call the functions in the book's own schema.")));
	run = bko_book_of_regclass(PG_GETARG_OID(0));
	if (!bko_owns_relation(run.book->book_relid, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for book \"%s\"",
						get_namespace_name(run.book->nspoid)),
				 errhint("Call the function in the book's own schema; its owner grants EXECUTE on it.")));
	return run;
}

/* The n-th argument, a text that must be given.  Raises 22004. */
text *
bko_need_text(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s is null", name),
				 errhint("Give a value, or leave it out where it has a default.")));
	return PG_GETARG_TEXT_PP(n);
}

/*
 * Does the caller bring the book's read_key, which only its views do?  Raises
 * 42501.
 */
void
bko_check_read_key(const BkoRun *run, Datum key)
{
	bool		isnull;
	bool		right;

	SPI_connect();
	right = bko_run_stable(run, PLAN_READ_KEY, NULL, NULL) == 1;
	if (right)
	{
		Datum		value = bko_result(0, 1, &isnull);

		right = !isnull && memcmp(DatumGetUUIDP(value), DatumGetUUIDP(key), UUID_LEN) == 0;
	}
	SPI_finish();
	if (!right)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for what waits in book %s", run->book->prefix),
				 errhint("Read the views of the book: open_backorder, pegging.")));
}

/* Open a frame for a function, SPI being connected; reason may be NULL. */
BkoFrame *
bko_function_frame(const BkoRun *run, const text *reason)
{
	/* an operation that no row trigger asks for: the frame is ours alone */
	BkoFrame   *frame = bko_frame_push(run, BKO_ORDER_LINE, TRIGGER_EVENT_TRUNCATE, NULL);

	bko_journal_reason(frame, reason);
	return frame;
}

/*
 * May the current user insert into a table of the book, if not all columns?
 * Asked where the engine does something ahead of the user's own INSERT.
 */
bool
bko_may_insert(const BkoRun *run, BkoTable table)
{
	Oid			relid = get_relname_relid(bko_table_name(table), run->book->nspoid);

	return pg_class_aclcheck(relid, GetUserId(), ACL_INSERT) == ACLCHECK_OK ||
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_INSERT, ACLMASK_ANY) == ACLCHECK_OK;
}

/* Write what the function has decided, and end it. */
Datum
bko_function_done(BkoFrame *frame)
{
	bko_settle(frame);
	bko_frame_close(frame);
	SPI_finish();
	return (Datum) 0;
}
