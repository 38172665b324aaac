/*-------------------------------------------------------------------------
 *
 * limit_trigger.c
 *	  Triggers of the tables cap, protection and customer_group, and the
 *	  function fill_waiting().
 *
 * A limit is changed under the lock of its stock row.  One that is new holds
 * from its own statement on; one that is loosened or gone lets lines take what
 * they may, once its row has changed.  Whoever writes a limit for a group waits
 * for those who change groups, and they for him.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bko_limit_row);
PG_FUNCTION_INFO_V1(bko_limit_done);
PG_FUNCTION_INFO_V1(bko_group_row);
PG_FUNCTION_INFO_V1(bko_group_done);
PG_FUNCTION_INFO_V1(bko_fill_waiting);

/* Which table's trigger is this?  A cap has what a protected quantity has not. */
static BkoTable
limit_table(TriggerData *trigdata)
{
	return trigdata->tg_trigger->tgnargs == 1 &&
		strcmp(trigdata->tg_trigger->tgargs[0], "cap") == 0 ?
		BKO_CAP_TABLE : BKO_PROTECTION_TABLE;
}

static const char *
limit_name(BkoTable table)
{
	return table == BKO_CAP_TABLE ? "a cap" : "a protected quantity";
}

/*
 * Is the row brought back with all that the engine once filled in?  Raises
 * BK003 where somebody gives kept columns who may not, or some of them.
 */
static bool
is_restored(BkoRow *row, BkoTable table, Relation rel)
{
	bool		cap = (table == BKO_CAP_TABLE);
	bool		since = !BKO_ISNULL(row, CAP_SINCE);
	bool		begins = cap && !BKO_ISNULL(row, CAP_PERIOD_BEGINS);
	bool		used = cap && !BKO_ISNULL(row, CAP_QTY_USED);

	if (!since && !begins && !used)
		return false;
	if (!since || (cap && (!begins || !used)) ||
		!bko_owns_relation(RelationGetRelid(rel), GetUserId()))
		bko_kept_column(since ? "since" : begins ? "period_begins" : "qty_used", rel);
	return true;
}

/* Check what a user wrote into a limit; item and location are returned. */
static void
check_limit(BkoRow *row, BkoTable table, text **item, text **location)
{
	BkoQty		qty;

	bko_need_item(row, CAP_ITEM, CAP_LOCATION, limit_name(table), item, location);
	qty = bko_check_qty(BKO_VALUE(row, CAP_QTY), BKO_ISNULL(row, CAP_QTY), "qty", *item, *location);
	if (qty < 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_QUANTITY),
				 errmsg("qty is %s in %s for %s", bko_qty_text(qty), limit_name(table),
						bko_where(*item, *location)),
				 errhint("Give 0 or more.")));
	bko_row_set_qty(row, CAP_QTY, qty);
}

/* A cap's row as it is to be, its period begun today. */
static BkoLimit
cap_of_row(BkoFrame *frame, BkoRow *row)
{
	BkoLimit	cap = {0};

	cap.kind = BKO_CAP;
	cap.group = BKO_ISNULL(row, CAP_GROUP) ? NULL : BKO_TEXT(row, CAP_GROUP);
	cap.priority = BKO_ISNULL(row, CAP_PRIORITY) ? 0 : DatumGetInt32(BKO_VALUE(row, CAP_PRIORITY));
	cap.period = BKO_ISNULL(row, CAP_PERIOD) ? 'e' : VARDATA_ANY(BKO_TEXT(row, CAP_PERIOD))[0];
	cap.begins = bko_room_period(cap.period,
								 bko_book_day(frame->run.book, bko_journal_now(frame)));
	return cap;
}

/* Fill in what the engine keeps of a limit, its stock row being locked. */
static void
fill_in(BkoFrame *frame, BkoStock *stock, BkoRow *row, BkoTable table)
{
	bko_row_set(row, CAP_SINCE, TimestampTzGetDatum(bko_journal_now(frame)));
	if (table == BKO_CAP_TABLE)
	{
		BkoLimit	cap = cap_of_row(frame, row);

		bko_row_set(row, CAP_PERIOD_BEGINS, DateADTGetDatum(cap.begins));
		bko_row_set_qty(row, CAP_QTY_USED,
						bko_limit_used(&frame->run, stock->item, stock->location, &cap));
	}
}

/* Tell the stock row whether it has limits; "yes": one is about to go in. */
static void
mark_limited(BkoFrame *frame, BkoStock *stock, bool yes)
{
	Datum		args[3];

	args[0] = PointerGetDatum(stock->item);
	args[1] = PointerGetDatum(stock->location);
	args[2] = BoolGetDatum(yes);
	(void) bko_run(&frame->run, PLAN_STOCK_LIMITED, args, NULL, 0);
	bko_epoch_next();
}

static void
check_update(BkoRow *old, BkoRow *new, BkoTable table, Relation rel)
{
	(void) bko_row_keep(old, new, table, CAP_SINCE, rel);
	(void) bko_row_keep(old, new, table, CAP_ID, rel);
	if (table == BKO_CAP_TABLE)
	{
		(void) bko_row_keep(old, new, table, CAP_PERIOD_BEGINS, rel);
		(void) bko_row_keep(old, new, table, CAP_QTY_USED, rel);
	}
	if (bko_row_changed(old, new, CAP_ITEM) || bko_row_changed(old, new, CAP_LOCATION))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s can't become that of another item or location: it is of %s",
						limit_name(table),
						bko_where(BKO_TEXT(old, CAP_ITEM), BKO_TEXT(old, CAP_LOCATION))),
				 errhint("Delete it and insert another.")));
}

/*
 * bko.limit_row(table): BEFORE INSERT or UPDATE on cap or protection.  Locks
 * the stock row, and fills in what the engine keeps.  Raises BK001, BK003,
 * BK006.
 */
Datum
bko_limit_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoTable	table;
	Relation	rel;
	BkoRun		run;
	BkoFrame   *frame;
	BkoStock   *stock;
	BkoRow		row;
	text	   *item;
	text	   *location;
	HeapTuple	result;

	bko_check_trigger(fcinfo, "bko.limit_row", TRIGGER_EVENT_BEFORE, true,
					  BKO_ON_INSERT | BKO_ON_UPDATE);
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) && bko_engine_writing())
		return PointerGetDatum(trigdata->tg_newtuple);
	table = limit_table(trigdata);
	rel = trigdata->tg_relation;
	run = bko_book_of_table(rel);
	row = bko_row_of_slot(run.book, table, rel, trigdata->tg_trigslot);
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
	{
		if (is_restored(&row, table, rel))
			return PointerGetDatum(trigdata->tg_trigtuple);
	}
	else
	{
		BkoRow		new = bko_row_of_slot(run.book, table, rel, trigdata->tg_newslot);

		check_update(&row, &new, table, rel);
		row = new;
	}
	check_limit(&row, table, &item, &location);
	SPI_connect();
	frame = bko_function_frame(&run, NULL);
	stock = bko_stock_touch(frame, item, location);
	(void) bko_stock_gather(frame, stock, BKO_QTY_MAX);
	if (!BKO_ISNULL(&row, CAP_GROUP))
		bko_limit_lock_groups(&run);
	fill_in(frame, stock, &row, table);
	mark_limited(frame, stock, true);
	bko_limit_recount_later(frame, stock, false);
	result = SPI_copytuple(bko_row_form(&row));
	bko_frame_close(frame);
	SPI_finish();
	return PointerGetDatum(result);
}

/*
 * bko.limit_done(table): AFTER UPDATE or DELETE on cap or protection, for each
 * row: fills whoever may take more now.
 */
Datum
bko_limit_done(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoTable	table;
	BkoRun		run;
	BkoFrame   *frame;
	BkoStock   *stock;
	BkoRow		row;

	bko_check_trigger(fcinfo, "bko.limit_done", 0, true, BKO_ON_UPDATE | BKO_ON_DELETE);
	if (bko_engine_writing())
		return PointerGetDatum(NULL);
	table = limit_table(trigdata);
	run = bko_book_of_table(trigdata->tg_relation);
	row = bko_row_of_slot(run.book, table, trigdata->tg_relation, trigdata->tg_trigslot);
	SPI_connect();
	frame = bko_function_frame(&run, NULL);
	stock = bko_stock_touch(frame, BKO_TEXT(&row, CAP_ITEM), BKO_TEXT(&row, CAP_LOCATION));
	stock->assign_all = true;
	mark_limited(frame, stock, false);
	(void) bko_function_done(frame);
	return PointerGetDatum(NULL);
}

/* ---- customers and their groups ---- */

/*
 * bko.group_row(): BEFORE INSERT or UPDATE on customer_group: keeps "since",
 * by which a row that is brought back is told from one that is new.
 */
Datum
bko_group_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Relation	rel;
	BkoBook    *book;
	BkoRow		row;

	bko_check_trigger(fcinfo, "bko.group_row", TRIGGER_EVENT_BEFORE, true,
					  BKO_ON_INSERT | BKO_ON_UPDATE);
	rel = trigdata->tg_relation;
	book = bko_book_of_table(rel).book;
	row = bko_row_of_slot(book, BKO_GROUP_TABLE, rel, trigdata->tg_trigslot);
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
	{
		BkoRow		new = bko_row_of_slot(book, BKO_GROUP_TABLE, rel, trigdata->tg_newslot);

		(void) bko_row_keep(&row, &new, BKO_GROUP_TABLE, GROUP_SINCE, rel);
		row = new;
	}
	else if (!BKO_ISNULL(&row, GROUP_SINCE))
	{
		if (!bko_owns_relation(RelationGetRelid(rel), GetUserId()))
			bko_kept_column("since", rel);
		return PointerGetDatum(trigdata->tg_trigtuple);
	}
	bko_row_set(&row, GROUP_SINCE, TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	return PointerGetDatum(bko_row_form(&row));
}

/* Lock the stock rows of places, in their order, and give their number. */
static int
touch_places(BkoFrame *frame, BkoPlanId plan, Datum arg, const char *nulls, BkoStock ***stocks)
{
	int			n = nulls ? bko_run(&frame->run, plan, &arg, nulls, 0) :
		bko_run_latest(&frame->run, plan, &arg, NULL);
	SPITupleTable *places = SPI_tuptable;

	*stocks = palloc(Max(n, 1) * sizeof(BkoStock *));
	for (int i = 0; i < n; i++)
	{
		SPI_tuptable = places;
		(*stocks)[i] = bko_stock_touch(frame, bko_result_text(i, 1), bko_result_text(i, 2));
	}
	return n;
}

/*
 * bko.group_done(): AFTER INSERT, UPDATE or DELETE on customer_group, for each
 * row: what a customer's lines have used counts for his new group, and who may
 * take more now is filled.
 */
Datum
bko_group_done(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoRun		run;
	BkoFrame   *frame;
	BkoStock  **stocks;
	BkoRow		row;
	Datum		groups[2];
	int			n = 1;

	bko_check_trigger(fcinfo, "bko.group_done", 0, true,
					  BKO_ON_INSERT | BKO_ON_UPDATE | BKO_ON_DELETE);
	run = bko_book_of_table(trigdata->tg_relation);
	row = bko_row_of_slot(run.book, BKO_GROUP_TABLE, trigdata->tg_relation, trigdata->tg_trigslot);
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) &&
		DatumGetTimestampTz(BKO_VALUE(&row, GROUP_SINCE)) != GetCurrentTransactionStartTimestamp())
		return PointerGetDatum(NULL);	/* brought back */
	groups[0] = PointerGetDatum(BKO_TEXT(&row, GROUP_NAME));
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
	{
		row = bko_row_of_slot(run.book, BKO_GROUP_TABLE, trigdata->tg_relation,
							  trigdata->tg_newslot);
		groups[n++] = PointerGetDatum(BKO_TEXT(&row, GROUP_NAME));
	}
	SPI_connect();
	frame = bko_function_frame(&run, NULL);
	n = touch_places(frame, PLAN_GROUP_PLACES, bko_array(groups, NULL, n, TEXTOID), NULL, &stocks);
	for (int i = 0; i < n; i++)
	{
		bko_stock_fresh(frame, stocks[i]);
		bko_limit_recount_later(frame, stocks[i], true);
		bko_limits_write(frame);
		stocks[i]->requeued = true; /* whoever decided on the old groups must notice */
		stocks[i]->assign_all = true;
	}
	(void) bko_function_done(frame);
	return PointerGetDatum(NULL);
}

/*
 * bko.fill_waiting(book, item): fills whoever may take what is available: at
 * the beginning of a period lines that a cap held back may take again, and
 * nothing else happens then by itself.  All items where item is null.  Returns
 * the quantity that was given.
 */
Datum
bko_fill_waiting(PG_FUNCTION_ARGS)
{
	BkoRun		run = bko_function_run(fcinfo);
	BkoFrame   *frame;
	BkoStock  **stocks;
	BkoQty		given = 0;
	int			n;

	SPI_connect();
	frame = bko_function_frame(&run, NULL);
	n = touch_places(frame, PLAN_LIMITED_PLACES, PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1),
					 PG_ARGISNULL(1) ? "n" : " ", &stocks);
	for (int i = 0; i < n; i++)
	{
		bko_stock_fresh(frame, stocks[i]);
		given += bko_queue_fill(frame, stocks[i], BKO_NO_ID);
	}
	(void) bko_function_done(frame);
	PG_RETURN_NUMERIC(bko_qty_to_numeric(given));
}
