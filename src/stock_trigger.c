/*-------------------------------------------------------------------------
 *
 * stock_trigger.c
 *	  Triggers of the table stock: a rise of on_hand fills waiting lines, a
 *	  fall releases allocations.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/sysattr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bko_frame_open);
PG_FUNCTION_INFO_V1(bko_stock_row);
PG_FUNCTION_INFO_V1(bko_stock_done);

/*
 * bko.frame_open(table): BEFORE each statement on a table of a book.  Raises
 * BK009 where the book is of another version.
 */
Datum
bko_frame_open(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoRun		run;
	const char *name;

	bko_check_trigger(fcinfo, "bko.frame_open", TRIGGER_EVENT_BEFORE, false,
					  BKO_ON_INSERT | BKO_ON_UPDATE | BKO_ON_DELETE);
	if (bko_engine_writing())
		return PointerGetDatum(NULL);
	name = trigdata->tg_trigger->tgnargs == 1 ? trigdata->tg_trigger->tgargs[0] : "";
	for (BkoTable table = 0; table < BKO_NTABLES; table++)
	{
		if (strcmp(name, bko_table_name(table)) == 0)
		{
			run = bko_book_of_table(trigdata->tg_relation);
			bko_frame_push(&run, table, bko_trigger_op(trigdata->tg_event),
						   trigdata->tg_relation);
			return PointerGetDatum(NULL);
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("\"%s\" is not a table of a book", name)));
}

/* Check what a user wrote into a stock row; returns on_hand. */
static BkoQty
check_stock_row(BkoRow *row, text **item, text **location)
{
	static const int optional[] = {STOCK_QTY_STEP, STOCK_BACKORDER_LIMIT, STOCK_SAFETY_STOCK};
	BkoQty		on_hand;

	bko_need_item(row, STOCK_ITEM, STOCK_LOCATION, "a stock row", item, location);
	bko_check_name(*item, "item");
	bko_check_name(*location, "location");
	on_hand = bko_check_qty(BKO_VALUE(row, STOCK_ON_HAND), BKO_ISNULL(row, STOCK_ON_HAND),
							"on_hand", *item, *location);
	if (on_hand < 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_BELOW_ZERO),
				 errmsg("on_hand would fall to %s for %s", bko_qty_text(on_hand),
						bko_where(*item, *location)),
				 errhint("Stock is never below zero: what nobody has can't be taken.")));
	for (int i = 0; i < lengthof(optional); i++)
	{
		if (!BKO_ISNULL(row, optional[i]))
			bko_row_set_qty(row, optional[i],
							bko_check_qty(BKO_VALUE(row, optional[i]), false,
										  bko_column_name(BKO_STOCK, optional[i]),
										  *item, *location));
	}
	return on_hand;
}

/* What a row says about the stock it describes. */
static void
read_stock_row(BkoFrame *frame, BkoStock *stock, BkoRow *row, BkoQty on_hand)
{
	stock->on_hand = on_hand;
	stock->allocated = bko_stored_qty(BKO_VALUE(row, STOCK_ALLOCATED),
									  BKO_ISNULL(row, STOCK_ALLOCATED), "allocated");
	stock->backordered = bko_stored_qty(BKO_VALUE(row, STOCK_BACKORDERED),
										BKO_ISNULL(row, STOCK_BACKORDERED), "backordered");
	stock->step = BKO_ISNULL(row, STOCK_QTY_STEP) ? 0 :
		bko_stored_qty(BKO_VALUE(row, STOCK_QTY_STEP), false, "qty_step");
	stock->limit = -1;			/* no demand is taken in here */
	stock->rule = BKO_ISNULL(row, STOCK_FILL_RULE) ? 'f' :
		bko_rule_code(BKO_TEXT(row, STOCK_FILL_RULE));
	stock->ships_at_once = BKO_ISNULL(row, STOCK_SHIPS_AT_ONCE) ||
		DatumGetBool(BKO_VALUE(row, STOCK_SHIPS_AT_ONCE));
	stock->lanes = BKO_ISNULL(row, STOCK_LANES) ? 0 : DatumGetInt32(BKO_VALUE(row, STOCK_LANES));
	stock->laned = BKO_ISNULL(row, STOCK_LANED) ? 0 :
		bko_stored_qty(BKO_VALUE(row, STOCK_LANED), false, "laned");
	stock->limited = DatumGetBool(BKO_VALUE(row, STOCK_LIMITED));
	if (stock->limited)
		bko_limits_load(frame, stock);
	else
		stock->nlimits = 0;
}

/* Is a column in the statement's SET list? */
static bool
is_set(TriggerData *trigdata, BkoRow *row, int column)
{
	return bms_is_member(row->attno[column] - FirstLowInvalidHeapAttributeNumber,
						 trigdata->tg_updatedcols);
}

/*
 * The row is being written: gather its lanes first, and let the stock be what it
 * is with them.  A statement that sets on_hand has not seen what they had.
 */
static void
gather_lanes(BkoFrame *frame, BkoStock *stock, TriggerData *trigdata, BkoRow *row)
{
	BkoLanes	lanes;

	if (stock->lanes == 0)
		return;
	lanes = bko_stock_empty_lanes(frame, stock);
	if (lanes.shipped > 0 && TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) &&
		is_set(trigdata, row, STOCK_ON_HAND))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("on_hand of %s is not what the statement saw: %s has been taken from its lanes",
						bko_where(stock->item, stock->location), bko_qty_text(lanes.shipped)),
				 errhint("Use count_stock(), or call gather_lanes() before the UPDATE, in the same transaction.")));
	stock->on_hand -= lanes.shipped;
	stock->allocated += lanes.allocated;
	stock->laned -= lanes.qty + lanes.shipped + lanes.allocated;
	stock->last_queued_at = lanes.last_queued_at;
}

/* A new stock row: nothing of it is allocated, nobody waits. */
static HeapTuple
insert_stock(BkoFrame *frame, BkoRow *row, Relation rel, HeapTuple tuple)
{
	text	   *item;
	text	   *location;
	BkoQty		on_hand;
	bool		allocated = !BKO_ISNULL(row, STOCK_ALLOCATED);
	bool		backordered = !BKO_ISNULL(row, STOCK_BACKORDERED);
	bool		limited = !BKO_ISNULL(row, STOCK_LIMITED) &&
		DatumGetBool(BKO_VALUE(row, STOCK_LIMITED));
	bool		lanes = !BKO_ISNULL(row, STOCK_LANES) || !BKO_ISNULL(row, STOCK_LANED);

	if (allocated || backordered || limited || lanes || !BKO_ISNULL(row, STOCK_LAST_QUEUED_AT) ||
		!BKO_ISNULL(row, STOCK_UNASSIGNED))
	{
		if (!allocated || !backordered ||
			!bko_owns_relation(RelationGetRelid(rel), GetUserId()))
			bko_kept_column(allocated ? "allocated" : backordered ? "backordered" :
							limited ? "limited" : lanes ? "lanes" :
							BKO_ISNULL(row, STOCK_UNASSIGNED) ? "last_queued_at" : "unassigned", rel);
		bko_frame_count(frame, true, rel);
		return tuple;
	}
	bko_frame_count(frame, false, rel);
	on_hand = check_stock_row(row, &item, &location);
	bko_row_set_qty(row, STOCK_ON_HAND, on_hand);
	bko_row_set_qty(row, STOCK_ALLOCATED, 0);
	bko_row_set_qty(row, STOCK_BACKORDERED, 0);
	return bko_row_form(row);
}

/* Refuse changes of the key, and of what the engine keeps. */
static void
check_update(BkoRow *old, BkoRow *new, Relation rel)
{
	static const int kept[] = {
		STOCK_ALLOCATED, STOCK_BACKORDERED, STOCK_LAST_QUEUED_AT, STOCK_LIMITED, STOCK_UNASSIGNED,
		STOCK_LANES, STOCK_LANED
	};

	for (int i = 0; i < lengthof(kept); i++)
		(void) bko_row_keep(old, new, BKO_STOCK, kept[i], rel);
	if (bko_row_changed(old, new, STOCK_ITEM) || bko_row_changed(old, new, STOCK_LOCATION))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a stock row can't become that of another item or location: it is of %s",
						bko_where(BKO_TEXT(old, STOCK_ITEM), BKO_TEXT(old, STOCK_LOCATION))),
				 errhint("Lines and journal name it. Insert a stock row of the new name and count the old one down.")));
}

/*
 * What of the row is unassigned before the update, and whether that goes to
 * waiting lines: the stock rises, or they are served by another rule now.
 */
static void
read_unassigned(BkoStock *stock, BkoRow *old, BkoRow *new, bool rises)
{
	stock->unassigned = BKO_ISNULL(old, STOCK_UNASSIGNED) ? 0 :
		bko_stored_qty(BKO_VALUE(old, STOCK_UNASSIGNED), false, "unassigned");
	stock->assign_all = rises || bko_row_changed(old, new, STOCK_FILL_RULE) ||
		bko_row_changed(old, new, STOCK_QTY_STEP);
}

/* Put the stock row as decided into the row that is being written. */
static void
write_stock_row(BkoFrame *frame, BkoStock *stock, BkoRow *new)
{
	bko_frame_absorb(frame, stock);
	stock->unassigned = bko_stock_unassigned(frame, stock);
	bko_row_set_qty(new, STOCK_ON_HAND, stock->on_hand + stock->d_on_hand);
	bko_row_set_qty(new, STOCK_ALLOCATED, stock->allocated + stock->d_allocated);
	bko_row_set_qty(new, STOCK_BACKORDERED, stock->backordered + stock->d_backordered);
	if (stock->unassigned == 0)
		BKO_ISNULL(new, STOCK_UNASSIGNED) = true;
	else
		bko_row_set_qty(new, STOCK_UNASSIGNED, stock->unassigned);
	if (stock->lanes > 0)
		bko_row_set_qty(new, STOCK_LANED, stock->laned);
	if (stock->lanes > 0 && stock->last_queued_at != DT_NOBEGIN &&
		(BKO_ISNULL(new, STOCK_LAST_QUEUED_AT) ||
		 stock->last_queued_at > DatumGetTimestampTz(BKO_VALUE(new, STOCK_LAST_QUEUED_AT))))
		bko_row_set(new, STOCK_LAST_QUEUED_AT, TimestampTzGetDatum(stock->last_queued_at));
	stock->d_on_hand = stock->d_allocated = stock->d_backordered = 0;
	stock->assign_all = false;
	bko_epoch_next();
}

/*
 * A stock row is updated: decide who is filled or released, and put the
 * outcome into the row itself, which the executor has locked and now writes.
 */
static HeapTuple
update_stock(BkoFrame *frame, BkoRow *old, BkoRow *new, TriggerData *trigdata)
{
	text	   *item;
	text	   *location;
	BkoQty		was;
	BkoQty		on_hand;
	BkoQty		available;
	BkoStock   *stock;
	bool		found;
	bool		now_ships;

	check_update(old, new, trigdata->tg_relation);
	on_hand = check_stock_row(new, &item, &location);
	was = bko_stored_qty(BKO_VALUE(old, STOCK_ON_HAND), BKO_ISNULL(old, STOCK_ON_HAND), "on_hand");
	stock = bko_frame_stock(frame, item, location, &found);
	read_stock_row(frame, stock, new, on_hand);
	gather_lanes(frame, stock, trigdata, new);
	read_unassigned(stock, old, new, on_hand > was);
	now_ships = stock->ships_at_once && !DatumGetBool(BKO_VALUE(old, STOCK_SHIPS_AT_ONCE));
	bko_journal(frame, KIND_ADJUST, 0, 0, stock->item, stock->location, on_hand - was, BKO_NO_ID, BKO_NO_ID, BKO_NO_ID);

	(void) bko_confirm(frame, stock);
	available = bko_stock_available(frame, stock);
	if (bko_stock_on_hand(frame, stock) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_BELOW_ZERO),
				 errmsg("on_hand would fall to %s for %s",
						bko_qty_text(bko_stock_on_hand(frame, stock)), bko_where(item, location)),
				 errhint("Other statements of this transaction have taken from it.")));
	if (available < 0)
	{
		bko_queue_release(frame, stock, -available);
		if (now_ships)
			bko_queue_write(frame);	/* what is released must be seen not to ship */
	}
	if (now_ships)
		bko_queue_ship_allocated(frame, stock);
	if (bko_frame_shares(frame, stock))
		bko_frame_disturb(frame, stock);
	else
		(void) bko_queue_fill(frame, stock, BKO_NO_ID);

	write_stock_row(frame, stock, new);
	frame->ndecided++;
	return bko_row_form(new);
}

/* The lanes of a stock row go away with it. */
static void
drop_lanes(BkoFrame *frame, BkoStock *stock)
{
	Datum		args[3];

	args[0] = PointerGetDatum(stock->item);
	args[1] = PointerGetDatum(stock->location);
	args[2] = Int32GetDatum(0);
	bko_run(&frame->run, PLAN_LANES_DROP, args, NULL, 0);
	stock->lanes = 0;
}

/* A stock row goes away: only where nothing depends on it. */
static HeapTuple
delete_stock(BkoFrame *frame, BkoRow *old, TriggerData *trigdata)
{
	text	   *item = BKO_TEXT(old, STOCK_ITEM);
	text	   *location = BKO_TEXT(old, STOCK_LOCATION);
	bool		found;
	BkoStock   *stock = bko_frame_stock(frame, item, location, &found);

	read_stock_row(frame, stock, old, bko_stored_qty(BKO_VALUE(old, STOCK_ON_HAND),
													 BKO_ISNULL(old, STOCK_ON_HAND), "on_hand"));
	gather_lanes(frame, stock, trigdata, old);
	if (stock->nlimits > 0)
		ereport(ERROR,
				(errcode(ERRCODE_RESTRICT_VIOLATION),
				 errmsg("stock row of %s can't be deleted: it has caps or protected quantities",
						bko_where(item, location)),
				 errhint("Delete those first, from %scap and %sprotection.",
						 frame->run.book->prefix, frame->run.book->prefix)));
	if (stock->allocated != 0 || bko_stock_backordered(frame, stock) != 0 ||
		bko_frame_shares(frame, stock))
		ereport(ERROR,
				(errcode(ERRCODE_RESTRICT_VIOLATION),
				 errmsg("stock row of %s can't be deleted: %s allocated, %s backordered",
						bko_where(item, location), bko_qty_text(stock->allocated),
						bko_qty_text(bko_stock_backordered(frame, stock))),
				 errhint("Ship or cancel the open order lines first.")));
	bko_journal(frame, KIND_ADJUST, 0, 0, stock->item, stock->location, -stock->on_hand, BKO_NO_ID, BKO_NO_ID, BKO_NO_ID);
	if (stock->lanes > 0)
		drop_lanes(frame, stock);
	frame->ndecided++;
	return trigdata->tg_trigtuple;
}

/*
 * bko.stock_row(): BEFORE INSERT, UPDATE or DELETE on stock.  Raises BK003,
 * BK005, BK006.
 */
Datum
bko_stock_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	bool		update;
	Relation	rel;
	BkoFrame   *frame;
	BkoRow		row;
	HeapTuple	result;

	bko_check_trigger(fcinfo, "bko.stock_row", TRIGGER_EVENT_BEFORE, true,
					  BKO_ON_INSERT | BKO_ON_UPDATE | BKO_ON_DELETE);
	update = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);
	if (update && bko_engine_writing())
		return PointerGetDatum(trigdata->tg_newtuple);

	rel = trigdata->tg_relation;
	frame = bko_frame_need(trigdata, BKO_STOCK);
	if (!TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		bko_check_last_trigger(trigdata);
	row = bko_row_of_slot(frame->run.book, BKO_STOCK, rel, trigdata->tg_trigslot);
	SPI_connect();
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		result = insert_stock(frame, &row, rel, trigdata->tg_trigtuple);
	else if (TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		result = delete_stock(frame, &row, trigdata);
	else
	{
		BkoRow		new = bko_row_of_slot(frame->run.book, BKO_STOCK, rel, trigdata->tg_newslot);

		result = update_stock(frame, &row, &new, trigdata);
	}
	if (result != trigdata->tg_trigtuple)
		result = SPI_copytuple(result);
	SPI_finish();
	return PointerGetDatum(result);
}

/* Journal one stock row that really went in. */
static void
tally_stock(BkoFrame *frame, BkoRow *row)
{
	BkoQty		on_hand = bko_stored_qty(BKO_VALUE(row, STOCK_ON_HAND),
										 BKO_ISNULL(row, STOCK_ON_HAND), "on_hand");
	MemoryContext old = MemoryContextSwitchTo(frame->cxt);

	/* the journal is written in batches: keep the names until then */
	bko_journal(frame, KIND_ADJUST, 0, 0,
				DatumGetTextPCopy(PointerGetDatum(BKO_TEXT(row, STOCK_ITEM))),
				DatumGetTextPCopy(PointerGetDatum(BKO_TEXT(row, STOCK_LOCATION))), on_hand, BKO_NO_ID, BKO_NO_ID, BKO_NO_ID);
	MemoryContextSwitchTo(old);
}

static void
count_in_stock(TriggerData *trigdata, BkoFrame *frame)
{
	bko_each_new_row(trigdata, frame, BKO_STOCK, tally_stock);
}

/* bko.stock_done(): AFTER INSERT, UPDATE or DELETE on stock. */
Datum
bko_stock_done(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	bko_check_trigger(fcinfo, "bko.stock_done", 0, false,
					  BKO_ON_INSERT | BKO_ON_UPDATE | BKO_ON_DELETE);
	if (!bko_engine_writing())
		bko_finish_statement(trigdata, BKO_STOCK,
							 TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ? count_in_stock : NULL);
	return PointerGetDatum(NULL);
}
