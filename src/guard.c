/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  Triggers that keep history as it was.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bko_append_only);
PG_FUNCTION_INFO_V1(bko_truncate_guard);
PG_FUNCTION_INFO_V1(bko_journal_guard);
PG_FUNCTION_INFO_V1(bko_lane_guard);

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
			!bko_is_column(RelationGetRelationName(trigdata->tg_relation), NameStr(att->attname)))
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
	bool		row = CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_FOR_ROW(trigdata->tg_event);

	bko_check_trigger(fcinfo, "bko.append_only", TRIGGER_EVENT_BEFORE, row,
					  row ? BKO_ON_UPDATE | BKO_ON_DELETE : BKO_ON_TRUNCATE);
	if (row && bko_engine_writing())	/* archive() moves it */
		return PointerGetDatum(TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) ?
							   trigdata->tg_trigtuple : trigdata->tg_newtuple);
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

/*
 * The closed lines go: let the journal end at nothing for each, so that it
 * agrees with a line that gets one of their numbers (RESTART IDENTITY).
 */
static void
journal_truncate(const BkoRun *run)
{
	Datum		args[2];

	args[0] = TimestampTzGetDatum(GetCurrentTimestamp());
	args[1] = CStringGetTextDatum(GetUserNameFromId(GetOuterUserId(), false));
	bko_run(run, PLAN_TRUNCATE_LINES, args, NULL, 0);
}

/*
 * bko.truncate_guard(): BEFORE TRUNCATE on order_line or stock.  Raises BK003
 * while lines are open, or something is on hand.
 */
Datum
bko_truncate_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Relation	rel;
	BkoRun		run;
	bool		stock;
	uint64		n;
	uint64		left = 0;
	uint64		lanes = 0;

	bko_check_trigger(fcinfo, "bko.truncate_guard", TRIGGER_EVENT_BEFORE, false,
					  BKO_ON_TRUNCATE);
	rel = trigdata->tg_relation;
	run = bko_book_of_table(rel);
	stock = (strcmp(RelationGetRelationName(rel), bko_table_name(BKO_STOCK)) == 0);
	SPI_connect();
	n = bko_run(&run, PLAN_OPEN_LINES, NULL, NULL, 1);
	if (n == 0 && stock)
	{
		lanes = bko_run(&run, PLAN_LANES_LEFT, NULL, NULL, 1);
		left = bko_run(&run, PLAN_STOCK_LEFT, NULL, NULL, 1);
	}
	else if (n == 0)
		journal_truncate(&run);
	SPI_finish();
	if (lanes > 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_KEPT_COLUMN),
				 errmsg("table \"%s\" can't be truncated while stock rows have lanes",
						RelationGetRelationName(rel)),
				 errhint("Take them away first, with set_lanes(item, location, 0).")));
	if (left > 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_KEPT_COLUMN),
				 errmsg("table \"%s\" can't be truncated while something is on hand",
						RelationGetRelationName(rel)),
				 errhint("Count it down to zero first, or drop the whole book with DROP SCHEMA ... CASCADE.")));
	if (n > 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_KEPT_COLUMN),
				 errmsg("table \"%s\" can't be truncated while order lines are open",
						RelationGetRelationName(trigdata->tg_relation)),
				 errhint("Ship or cancel the open lines first, or drop the whole book with DROP SCHEMA ... CASCADE.")));
	return PointerGetDatum(NULL);
}

/*
 * bko.journal_guard(): BEFORE INSERT on movement or the archive.  The engine writes there, and
 * the owner who brings data back; a right granted to anyone else is no leave
 * to write history.  Raises BK003.
 */
Datum
bko_journal_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	bko_check_trigger(fcinfo, "bko.journal_guard", TRIGGER_EVENT_BEFORE, false,
					  BKO_ON_INSERT);
	if (!bko_engine_writing() &&
		!bko_owns_relation(RelationGetRelid(trigdata->tg_relation), GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_BKO_KEPT_COLUMN),
				 errmsg("table \"%s\" is written by bko alone",
						RelationGetRelationName(trigdata->tg_relation)),
				 errhint("Receive, count, ship or cancel: the journal follows.")));
	return PointerGetDatum(NULL);
}

/*
 * bko.lane_guard(): BEFORE each statement that changes stock_lane.  The engine
 * writes there, and the owner inserts who brings data back.  Raises BK003.
 */
Datum
bko_lane_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	bko_check_trigger(fcinfo, "bko.lane_guard", TRIGGER_EVENT_BEFORE, false, BKO_ON_ANY);
	if (bko_engine_writing())
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) &&
		bko_owns_relation(RelationGetRelid(trigdata->tg_relation), GetUserId()))
		return PointerGetDatum(NULL);
	ereport(ERROR,
			(errcode(ERRCODE_BKO_KEPT_COLUMN),
			 errmsg("table \"%s\" is written by bko alone",
					RelationGetRelationName(trigdata->tg_relation)),
			 errhint("set_lanes() makes lanes and takes them away.")));
}
