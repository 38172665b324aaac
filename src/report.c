/*-------------------------------------------------------------------------
 *
 * report.c
 *	  refresh_reports(): the reports that a book keeps as they stood.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(bko_refresh_reports);

/* Views of the same names with _kept behind them hold them. */
static const char *const reports[] = {
	"backorder_trend", "inventory_turnover", "provenance"
};

static void
refresh(const BkoBook *book, const char *report)
{
	StringInfoData sql;
	char	   *name = psprintf("%s_kept", report);
	int			rc;

	initStringInfo(&sql);
	appendStringInfo(&sql, "REFRESH MATERIALIZED VIEW %s",
					 quote_qualified_identifier(get_namespace_name(book->nspoid), name));
	rc = SPI_execute(sql.data, false, 0);
	if (rc != SPI_OK_UTILITY)
		elog(ERROR, "SPI_execute returned %s", SPI_result_code_string(rc));
}

/*
 * bko.refresh_reports(book, report): take up anew what is kept of a report, or
 * of all of them where report is null.  Returns how many.  Raises 42501 for
 * anyone but the owner, 42704 for a report that isn't kept.
 */
Datum
bko_refresh_reports(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	char	   *only = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	int32		nrefreshed = 0;

	SPI_connect();
	for (int i = 0; i < lengthof(reports); i++)
	{
		if (only != NULL && strcmp(only, reports[i]) != 0)
			continue;
		refresh(run.book, reports[i]);
		nrefreshed++;
	}
	if (nrefreshed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no report \"%s\" is kept", only),
				 errhint("Kept are backorder_trend, inventory_turnover and provenance; all of them are refreshed where none is named.")));
	SPI_finish();
	PG_RETURN_INT32(nrefreshed);
}
