/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  Triggers that keep history as it was.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "miscadmin.h"
#include "utils/datum.h"

PG_FUNCTION_INFO_V1(bko_append_only);
PG_FUNCTION_INFO_V1(bko_truncate_guard);
PG_FUNCTION_INFO_V1(bko_journal_guard);

/* What of a receipt may be corrected later: it moves nothing. */
static bool
may_change(const char *column)
{
	return strcmp(column, "note") == 0 || strcmp(column, "unit_cost") == 0;
}

/* The first column that an UPDATE changes and may not, or NULL. */
static const char *
changed_column(TriggerData *trigdata)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);

	slot_getallattrs(trigdata->tg_trigslot);
	slot_getallattrs(trigdata->tg_newslot);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		bool		oldnull = trigdata->tg_trigslot->tts_isnull[i];
		bool		newnull = trigdata->tg_newslot->tts_isnull[i];

		if (att->attisdropped || (oldnull && newnull) || may_change(NameStr(att->attname)) ||
			!bko_is_column(NameStr(att->attname)))
			continue;
		if (oldnull != newnull ||
			!datum_image_eq(trigdata->tg_trigslot->tts_values[i],
							trigdata->tg_newslot->tts_values[i], att->attbyval, att->attlen))
			return NameStr(att->attname);
	}
	return NULL;
}

/*
 * bko.append_only(): BEFORE UPDATE, DELETE or TRUNCATE on a table that only
 * grows.  Columns that the application added itself are its own, and so are a
 * receipt's note and cost.  Raises BK003.
 */
Datum
bko_append_only(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	const char *column = NULL;

	bko_check_trigger(fcinfo, "bko.append_only", TRIGGER_EVENT_BEFORE,
					  CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_FOR_ROW(trigdata->tg_event));
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
	{
		column = changed_column(trigdata);
		if (column == NULL)
			return PointerGetDatum(trigdata->tg_newtuple);
	}
	ereport(ERROR,
			(errcode(ERRCODE_BKO_KEPT_COLUMN),
			 errmsg("rows of table \"%s\" are never changed or deleted",
					RelationGetRelationName(trigdata->tg_relation)),
			 column ? errdetail("The statement changes column \"%s\".", column) : 0,
			 errhint("Correct stock by another entry: a count or a receipt.")));
}

/* bko.truncate_guard(): BEFORE TRUNCATE.  Raises BK003 while lines are open. */
Datum
bko_truncate_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoRun		run;
	uint64		n;

	bko_check_trigger(fcinfo, "bko.truncate_guard", TRIGGER_EVENT_BEFORE, false);
	run = bko_book_of_table(trigdata->tg_relation);
	SPI_connect();
	n = bko_run(&run, PLAN_OPEN_LINES, NULL, NULL, 1);
	SPI_finish();
	if (n > 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_KEPT_COLUMN),
				 errmsg("table \"%s\" can't be truncated while order lines are open",
						RelationGetRelationName(trigdata->tg_relation)),
				 errhint("Ship or cancel the open lines first, or drop the whole book with DROP SCHEMA ... CASCADE.")));
	return PointerGetDatum(NULL);
}

/*
 * bko.journal_guard(): BEFORE INSERT on movement.  The engine writes there, and
 * the owner who brings data back; a right granted to anyone else is no leave
 * to write history.  Raises BK003.
 */
Datum
bko_journal_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	bko_check_trigger(fcinfo, "bko.journal_guard", TRIGGER_EVENT_BEFORE, false);
	if (!bko_engine_writing() &&
		!bko_owns_relation(RelationGetRelid(trigdata->tg_relation), GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_BKO_KEPT_COLUMN),
				 errmsg("table \"%s\" is written by bko alone",
						RelationGetRelationName(trigdata->tg_relation)),
				 errhint("Receive, count, ship or cancel: the journal follows.")));
	return PointerGetDatum(NULL);
}
