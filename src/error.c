/*-------------------------------------------------------------------------
 *
 * error.c
 *	  Errors that several files raise, and how item and quantities are shown
 *	  in them.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

/* Longest part of a name that a message repeats, in bytes. */
#define SHOW_MAX 80

/* A name for a message, palloc'd: cut where it is too long to be read. */
static char *
show(const char *str, int len)
{
	if (len <= SHOW_MAX)
		return pnstrdup(str, len);
	return psprintf("%.*s...", pg_mbcliplen(str, len, SHOW_MAX), str);
}

char *
bko_show_text(const text *str)
{
	return show(VARDATA_ANY(str), VARSIZE_ANY_EXHDR(str));
}

/* 'item "X" at location "Y"', palloc'd; for messages. */
char *
bko_where(const text *item, const text *location)
{
	return psprintf("item \"%s\" at location \"%s\"",
					bko_show_text(item), bko_show_text(location));
}

/*
 * The quantity in value, which a user gave for column.  Raises 23502 for
 * null, BK006 for what is no quantity.
 */
BkoQty
bko_check_qty(Datum value, bool isnull, const char *column,
			  const text *item, const text *location)
{
	BkoQty		qty;

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("%s is null for %s", column, bko_where(item, location)),
				 errhint("Give a quantity.")));
	if (!bko_qty_from_numeric(DatumGetNumeric(value), &qty))
		ereport(ERROR,
				(errcode(ERRCODE_BKO_QUANTITY),
				 errmsg("%s %.60s is out of range for %s", column,
						DatumGetCString(DirectFunctionCall1(numeric_out, value)),
						bko_where(item, location)),
				 errhint("A quantity has at most 12 digits before the point and 6 after.")));
	return qty;
}

/* The same, and it must be more than zero. */
BkoQty
bko_check_positive(Datum value, bool isnull, const char *column,
				   const text *item, const text *location)
{
	BkoQty		qty = bko_check_qty(value, isnull, column, item, location);

	if (qty <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_QUANTITY),
				 errmsg("%s %s is not above zero for %s", column,
						bko_qty_text(qty), bko_where(item, location)),
				 errhint("Give a quantity above zero.")));
	return qty;
}

/* A quantity as a table of a book has it: what is wrong there is corruption. */
BkoQty
bko_stored_qty(Datum value, bool isnull, const char *column)
{
	BkoQty		qty;

	if (isnull || !bko_qty_from_numeric(DatumGetNumeric(value), &qty))
		ereport(ERROR,
				(errcode(ERRCODE_BKO_QUANTITY),
				 errmsg("stored quantity in column \"%s\" is out of range", column),
				 errhint("The table was changed behind bko's back; see verify() and rebuild().")));
	return qty;
}

/* a + b; BK006 where the sum is no quantity any more. */
BkoQty
bko_sum(BkoQty a, BkoQty b, const char *what, const text *item, const text *location)
{
	BkoQty		sum;

	if (!bko_qty_add(a, b, &sum))
		ereport(ERROR,
				(errcode(ERRCODE_BKO_QUANTITY),
				 errmsg("%s goes out of range for %s", what, bko_where(item, location)),
				 errdetail("%s plus %s has more than 12 digits before the point.",
						   bko_qty_text(a), bko_qty_text(b))));
	return sum;
}

/* BK003: somebody gave a column that the engine keeps. */
void
bko_kept_column(const char *column, Relation rel)
{
	ereport(ERROR,
			(errcode(ERRCODE_BKO_KEPT_COLUMN),
			 errmsg("column \"%s\" of table \"%s\" is kept by bko",
					column, RelationGetRelationName(rel)),
			 errhint("Leave it out of the statement: bko writes it. To bring data back, the owner may insert rows that have all such columns filled in.")));
	pg_unreachable();
}
