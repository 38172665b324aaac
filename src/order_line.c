/*-------------------------------------------------------------------------
 *
 * order_line.c
 *	  Triggers of the table order_line: the split of a new line, and what a
 *	  change of a line means for its stock.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bko_line_insert_row);
PG_FUNCTION_INFO_V1(bko_line_insert_done);
PG_FUNCTION_INFO_V1(bko_line_update_row);
PG_FUNCTION_INFO_V1(bko_line_update_done);

/* Columns that the engine fills in, all of them or none given by a restore. */
static const int kept[] = {
	LINE_QTY_SHIPPED, LINE_QTY_ALLOCATED, LINE_QTY_BACKORDERED, LINE_QTY_CANCELLED,
	LINE_QTY_RETURNED, LINE_QTY_FILLED_FIRST, LINE_QUEUED_AT
};

/* ---- INSERT ---- */

/* Which of the kept columns are given? */
static int
count_given(BkoRow *row)
{
	int			n = 0;

	for (int i = 0; i < lengthof(kept); i++)
		if (!BKO_ISNULL(row, kept[i]))
			n++;
	return n;
}

/*
 * Is this row brought back with all that the engine once filled in?  Then it
 * is stored as it is.  Raises BK003 where somebody gives kept columns who may
 * not, or some of them; queued_at alone may be given by the owner.
 */
static bool
is_restored(BkoFrame *frame, BkoRow *row, Relation rel)
{
	int			ngiven = count_given(row);
	bool		all = (ngiven == lengthof(kept));
	bool		closed = !BKO_ISNULL(row, LINE_CLOSED_AT);
	bool		attached = !BKO_ISNULL(row, LINE_ATTACHED_ID) || !BKO_ISNULL(row, LINE_ATTACHED_KEY);
	bool		pending = !BKO_ISNULL(row, LINE_PENDING);

	if (attached && !bko_owns_relation(RelationGetRelid(rel), GetUserId()))
		bko_kept_column("attached_id", rel);
	if (ngiven == 0 && !closed && !pending)
		return false;
	if (!bko_owns_relation(RelationGetRelid(rel), GetUserId()) ||
		(!all && !(ngiven == 1 && !closed && !pending && !BKO_ISNULL(row, LINE_QUEUED_AT))))
	{
		for (int i = 0; i < lengthof(kept); i++)
			if (!BKO_ISNULL(row, kept[i]))
				bko_kept_column(bko_column_name(BKO_ORDER_LINE, kept[i]), rel);
		bko_kept_column(closed ? "closed_at" : "pending", rel);
	}
	return all;
}

/* The place in the queue: now, or an older one given by the owner. */
static TimestampTz
place_in_queue(BkoFrame *frame, BkoStock *stock, BkoRow *row)
{
	bko_row_check_place(row);
	return BKO_ISNULL(row, LINE_QUEUED_AT) ? bko_stock_queued_at(frame, stock) :
		DatumGetTimestampTz(BKO_VALUE(row, LINE_QUEUED_AT));
}

static void
set_quantities(BkoRow *row, const BkoLine *line)
{
	bko_row_set_qty(row, LINE_QTY_ORDERED, line->ordered);
	bko_row_set_qty(row, LINE_QTY_SHIPPED, line->shipped);
	bko_row_set_qty(row, LINE_QTY_ALLOCATED, line->allocated);
	bko_row_set_qty(row, LINE_QTY_BACKORDERED, line->backordered);
	bko_row_set_qty(row, LINE_QTY_CANCELLED, line->cancelled);
}

/* closed_at says since when nothing of the line is open. */
static void
set_closed(BkoRow *row, const BkoLine *line, TimestampTz now)
{
	if (line->allocated > 0 || line->backordered > 0)
		BKO_ISNULL(row, LINE_CLOSED_AT) = true;
	else if (BKO_ISNULL(row, LINE_CLOSED_AT))
		bko_row_set(row, LINE_CLOSED_AT, TimestampTzGetDatum(now));
}

/* A new line may still be kept out of the table: note what it would give back. */
static void
remember_taken(BkoFrame *frame, BkoStock *stock, const BkoLine *line, TimestampTz queued_at)
{
	BkoTaken	taken = {0};

	taken.id = line->line_id;
	taken.row = frame->ndecided - 1;
	taken.queued_at = queued_at;
	taken.on_hand = -line->shipped;
	taken.allocated = line->allocated;
	taken.priority = line->priority;
	taken.group = line->group;
	taken.backordered = line->backordered;
	taken.nchanges = taken.narrivals = PG_INT32_MAX; /* a line fills nobody */
	taken.assign_all = true;		/* nor does it bring anything */
	bko_took(frame, stock, &taken);
}

/*
 * Decide about a new line: lock its stock row on first touch, split it in
 * memory and fill in what the engine keeps; a line that names no location is
 * placed first.  Raises BK001, BK002, BK006.
 */
void
bko_line_decide_new(BkoFrame *frame, BkoRow *row)
{
	BkoLine		line = {0};
	BkoStock   *stock;
	BkoQty		qty;
	BkoQty		first;
	TimestampTz queued_at;
	text	   *item;
	text	   *location;
	bool		sourced = BKO_ISNULL(row, LINE_LOCATION) && !BKO_ISNULL(row, LINE_ITEM);

	if (sourced)
		bko_source_line(frame, row);
	bko_need_item(row, LINE_ITEM, LINE_LOCATION, "an order line", &item, &location);
	qty = bko_check_positive(BKO_VALUE(row, LINE_QTY_ORDERED), BKO_ISNULL(row, LINE_QTY_ORDERED),
							 "qty_ordered", item, location);
	stock = !sourced && bko_row_may_use_lane(frame->run.book, row) ?
		bko_stock_touch_lane(frame, item, location, qty) : bko_stock_touch(frame, item, location);
	bko_frame_note_row(frame, stock);
	bko_line_check_step(stock, qty);
	line.line_id = DatumGetInt64(BKO_VALUE(row, LINE_ID));
	bko_row_policy(row, &line);
	bko_row_who(frame, stock, row, &line);
	queued_at = place_in_queue(frame, stock, row);
	first = bko_line_split(frame, stock, &line, qty);
	if (first > 0 || stock->limit >= 0)
		remember_taken(frame, stock, &line, queued_at);
	if (sourced)
		bko_source_note_parts(frame, stock, line.line_id, queued_at);

	set_quantities(row, &line);
	bko_row_set_qty(row, LINE_QTY_RETURNED, 0);
	bko_row_set_qty(row, LINE_QTY_FILLED_FIRST, first);
	bko_row_set(row, LINE_QUEUED_AT, TimestampTzGetDatum(queued_at));
	set_closed(row, &line, queued_at);
}

/*
 * bko.line_insert_row(): BEFORE INSERT on order_line.  In a book that allocates
 * at commit the decision is left to the end of the transaction.  Raises BK001,
 * BK002, BK003, BK006.
 */
Datum
bko_line_insert_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Relation	rel;
	BkoFrame   *frame;
	BkoRow		row;
	bool		restored;

	bko_check_trigger(fcinfo, "bko.line_insert_row", TRIGGER_EVENT_BEFORE, true, BKO_ON_INSERT);
	if (bko_engine_writing())
		return PointerGetDatum(trigdata->tg_trigtuple);
	rel = trigdata->tg_relation;
	frame = bko_frame_need(trigdata, BKO_ORDER_LINE);
	row = bko_row_of_slot(frame->run.book, BKO_ORDER_LINE, rel, trigdata->tg_trigslot);
	restored = is_restored(frame, &row, rel);
	bko_frame_count(frame, restored, rel);
	if (restored)
		return PointerGetDatum(trigdata->tg_trigtuple);
	if (frame->run.book->at_commit && !bko_source_inserting())
		bko_pend_line(frame, &row);
	else
		bko_line_decide_new(frame, &row);
	return PointerGetDatum(bko_row_form(&row));
}

/* Count in one line that really went in. */
void
bko_line_tally(BkoFrame *frame, BkoRow *row)
{
	BkoStock   *stock;
	BkoQty		shipped;
	BkoQty		allocated;
	BkoQty		backordered;

	if (!BKO_ISNULL(row, LINE_PENDING))
		return;
	stock = bko_frame_next_stock(frame, BKO_TEXT(row, LINE_ITEM), BKO_TEXT(row, LINE_LOCATION));
	shipped = bko_stored_qty(BKO_VALUE(row, LINE_QTY_SHIPPED),
							 BKO_ISNULL(row, LINE_QTY_SHIPPED), "qty_shipped");
	allocated = bko_stored_qty(BKO_VALUE(row, LINE_QTY_ALLOCATED),
							   BKO_ISNULL(row, LINE_QTY_ALLOCATED), "qty_allocated");
	backordered = bko_stored_qty(BKO_VALUE(row, LINE_QTY_BACKORDERED),
								 BKO_ISNULL(row, LINE_QTY_BACKORDERED), "qty_backordered");
	if (stock == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("a trigger changed item or location of an order line after it was split"),
				 errhint("Give that trigger a name that sorts before \"zz_bko_insert\".")));
	if (frame->sourcing)
		bko_source_went_in(frame, stock, DatumGetInt64(BKO_VALUE(row, LINE_ID)),
						   DatumGetTimestampTz(BKO_VALUE(row, LINE_QUEUED_AT)));
	if (frame->over)
		bko_line_went_in(frame, stock, DatumGetInt64(BKO_VALUE(row, LINE_ID)));
	stock->s_on_hand -= shipped;
	stock->s_allocated += allocated;
	stock->s_backordered += backordered;
	bko_line_journal_entry(frame, stock, DatumGetInt64(BKO_VALUE(row, LINE_ID)),
						   shipped, allocated, backordered);
	if (allocated > 0 && backordered == 0)
	{
		BkoLine		line;

		bko_row_policy(row, &line);
		if (line.policy == 'o')
			bko_order_is_due(frame, line.order_ref);
	}
}

/* Rows that were kept out gave back what they took: what went in counts. */
static void
correct_stocks(BkoFrame *frame)
{
	BkoStock  **stocks;
	int			n = bko_frame_stocks(frame, &stocks);

	for (int i = 0; i < n; i++)
	{
		stocks[i]->d_on_hand = stocks[i]->s_on_hand - stocks[i]->w_on_hand;
		stocks[i]->d_allocated = stocks[i]->s_allocated - stocks[i]->w_allocated;
		stocks[i]->d_backordered = stocks[i]->s_backordered - stocks[i]->w_backordered;
	}
}

/* Rows that were kept out have used nothing of a cap. */
static void
correct_limits(BkoFrame *frame)
{
	BkoStock  **stocks;
	int			n = bko_frame_stocks(frame, &stocks);

	for (int i = 0; i < n; i++)
		if (stocks[i]->nlimits > 0)
			bko_confirm_rest(frame, stocks[i]);
}

/*
 * Count in the lines that really went in: "each" calls bko_line_tally() for
 * every one of them.
 */
void
bko_line_count_in(TriggerData *trigdata, BkoFrame *frame,
				  void (*each) (TriggerData *trigdata, BkoFrame *frame))
{
	correct_limits(frame);
	bko_source_recount(frame);
	each(trigdata, frame);
	correct_stocks(frame);
	bko_shortage_record(frame);
}

static void
tally_lines(TriggerData *trigdata, BkoFrame *frame)
{
	bko_each_new_row(trigdata, frame, BKO_ORDER_LINE, bko_line_tally);
}

static void
count_in_lines(TriggerData *trigdata, BkoFrame *frame)
{
	bko_line_count_in(trigdata, frame, tally_lines);
}

/*
 * bko.line_insert_done(): AFTER INSERT on order_line.  Reads what really went
 * in, and writes each touched stock row once and the journal in one batch; then
 * inserts the further parts of lines that are split over locations.
 */
Datum
bko_line_insert_done(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	BkoFrame   *frame;
	BkoRun		run;
	BkoParts   *parts;

	bko_check_trigger(fcinfo, "bko.line_insert_done", 0, false, BKO_ON_INSERT);
	if (bko_engine_writing())
		return PointerGetDatum(NULL);
	frame = bko_frame_need(trigdata, BKO_ORDER_LINE);
	run = frame->run;
	parts = bko_source_parts(frame);
	bko_finish_statement(trigdata, BKO_ORDER_LINE, count_in_lines);
	if (parts)
		bko_source_insert_parts(&run, parts);
	return PointerGetDatum(NULL);
}

/* ---- UPDATE and DELETE ---- */

static BkoLine
line_of_row(BkoRow *row)
{
	BkoLine		line;

	line.line_id = DatumGetInt64(BKO_VALUE(row, LINE_ID));
	bko_row_policy(row, &line);
	line.ordered = bko_stored_qty(BKO_VALUE(row, LINE_QTY_ORDERED),
								  BKO_ISNULL(row, LINE_QTY_ORDERED), "qty_ordered");
	line.shipped = bko_stored_qty(BKO_VALUE(row, LINE_QTY_SHIPPED),
								  BKO_ISNULL(row, LINE_QTY_SHIPPED), "qty_shipped");
	line.allocated = bko_stored_qty(BKO_VALUE(row, LINE_QTY_ALLOCATED),
									BKO_ISNULL(row, LINE_QTY_ALLOCATED), "qty_allocated");
	line.backordered = bko_stored_qty(BKO_VALUE(row, LINE_QTY_BACKORDERED),
									  BKO_ISNULL(row, LINE_QTY_BACKORDERED), "qty_backordered");
	line.cancelled = bko_stored_qty(BKO_VALUE(row, LINE_QTY_CANCELLED),
									BKO_ISNULL(row, LINE_QTY_CANCELLED), "qty_cancelled");
	line.returned = bko_stored_qty(BKO_VALUE(row, LINE_QTY_RETURNED),
								   BKO_ISNULL(row, LINE_QTY_RETURNED), "qty_returned");
	return line;
}

/* BK004: what has shipped stands in the way of a change. */
static void
refuse_shipped(const BkoLine *line, const char *what, const text *item, const text *location)
{
	ereport(ERROR,
			(errcode(ERRCODE_BKO_LINE_SHIPPED),
			 errmsg("%s of order line " INT64_FORMAT " is refused: %s of %s has shipped of %s",
					what, line->line_id, bko_qty_text(line->shipped),
					bko_qty_text(line->ordered), bko_where(item, location)),
			 errhint("Cancel what is open with cancel(), take back what has shipped with return_goods().")));
}

/* Refuse changes of what the engine keeps; true where only a scale changed. */
static bool
check_kept(BkoRow *old, BkoRow *new, Relation rel)
{
	bool		rescaled = false;

	for (int i = 0; i < lengthof(kept); i++)
		rescaled |= bko_row_keep(old, new, BKO_ORDER_LINE, kept[i], rel);
	(void) bko_row_keep(old, new, BKO_ORDER_LINE, LINE_CLOSED_AT, rel);
	(void) bko_row_keep(old, new, BKO_ORDER_LINE, LINE_PENDING, rel);
	(void) bko_row_keep(old, new, BKO_ORDER_LINE, LINE_ID, rel);
	(void) bko_row_keep(old, new, BKO_ORDER_LINE, LINE_ATTACHED_ID, rel);
	(void) bko_row_keep(old, new, BKO_ORDER_LINE, LINE_ATTACHED_KEY, rel);
	return rescaled;
}

/* BK004: the quantity would be less than has shipped and was cancelled. */
static void
refuse_less(const BkoLine *line, BkoQty ordered, const text *item, const text *location)
{
	ereport(ERROR,
			(errcode(ERRCODE_BKO_LINE_SHIPPED),
			 errmsg("quantity %s of order line " INT64_FORMAT " is less than %s shipped and %s cancelled of %s",
					bko_qty_text(ordered), line->line_id, bko_qty_text(line->shipped),
					bko_qty_text(line->cancelled), bko_where(item, location)),
			 errhint("Order no less than has shipped; return_goods() takes goods back.")));
}

/* Bring a line to another quantity ordered. */
static void
change_quantity(BkoFrame *frame, BkoStock *stock, BkoLine *line, BkoQty ordered)
{
	if (ordered == line->ordered)
		return;
	bko_line_check_step(stock, ordered);
	if (ordered < line->shipped + line->cancelled)
		refuse_less(line, ordered, stock->item, stock->location);
	if (ordered > line->ordered)
		bko_line_grow(frame, stock, line, ordered - line->ordered);
	else
		bko_line_shrink(frame, stock, line, line->ordered - ordered, 0);
}

/*
 * The line leaves its stock row: what it had is for the others, and what it
 * has used of a cap no longer counts.
 */
static void
leave(BkoFrame *frame, BkoStock *stock, BkoLine *line)
{
	bko_limit_took(stock, line->priority, line->group, line->allocated);
	bko_line_shrink(frame, stock, line, line->allocated + line->backordered, 0);
	bko_limit_moved(frame, stock, line->line_id, line->priority, line->group, 0, NULL, true);
}

/* The line may be another's from now on, or of another priority. */
static void
change_who(BkoFrame *frame, BkoStock *stock, BkoRow *new, BkoLine *line)
{
	int32		priority = line->priority;
	text	   *group = line->group;

	bko_row_who(frame, stock, new, line);
	bko_limit_moved(frame, stock, line->line_id, priority, group, line->priority, line->group,
					false);
}

/*
 * Move a line of which nothing has shipped to another stock row, at another
 * quantity perhaps: it leaves one queue and joins the other at its end.
 */
static BkoStock *
move_line(BkoFrame *frame, BkoStock *from, BkoLine *line, BkoRow *new,
		  text *item, text *location, BkoQty ordered)
{
	BkoStock   *to;

	if (line->shipped > 0)
		refuse_shipped(line, "a new item or location", from->item, from->location);
	if (ordered < line->cancelled)
		refuse_less(line, ordered, from->item, from->location);
	leave(frame, from, line);
	bko_journal(frame, KIND_CANCEL, STATE_CANCELLED, 0, from->item, from->location,
				line->cancelled, line->line_id, BKO_NO_ID, BKO_NO_ID);

	to = bko_stock_touch(frame, item, location);
	bko_row_who(frame, to, new, line);
	bko_line_check_step(to, ordered - line->cancelled);	/* what it will want there */
	bko_journal(frame, KIND_CANCEL, 0, STATE_CANCELLED, to->item, to->location,
				line->cancelled, line->line_id, BKO_NO_ID, BKO_NO_ID);
	if (ordered > line->ordered)
		bko_line_grow(frame, to, line, ordered - line->ordered);
	bko_row_set(new, LINE_QUEUED_AT, TimestampTzGetDatum(bko_stock_queued_at(frame, to)));
	return to;
}

/*
 * Decide what becomes of the stock row of a line that is deleted.  Raises
 * BK004 where something of it has shipped.
 */
void
bko_line_decide_delete(BkoFrame *frame, BkoRow *old)
{
	BkoLine		line = line_of_row(old);
	BkoStock   *stock;

	if (line.shipped > 0)
		refuse_shipped(&line, "deletion", BKO_TEXT(old, LINE_ITEM), BKO_TEXT(old, LINE_LOCATION));
	bko_order_is_due(frame, line.order_ref);
	if (!BKO_ISNULL(old, LINE_PENDING))
	{
		frame->ndecided++;		/* its order is looked at */
		return;
	}
	if (line.allocated + line.backordered + line.cancelled == 0)
		return;
	stock = bko_stock_touch(frame, BKO_TEXT(old, LINE_ITEM), BKO_TEXT(old, LINE_LOCATION));
	bko_row_who(frame, stock, old, &line);
	leave(frame, stock, &line);
	bko_journal(frame, KIND_CANCEL, STATE_CANCELLED, 0, stock->item, stock->location,
				line.cancelled, line.line_id, BKO_NO_ID, BKO_NO_ID);
	frame->ndecided++;
}

/*
 * Has the stock row of a line caps or protected quantities?  Then it matters
 * whose the line is.  Asked under the lock, lest a first limit is made just now.
 */
static bool
is_limited(BkoFrame *frame, BkoRow *row)
{
	return bko_stock_lock(frame, BKO_TEXT(row, LINE_ITEM),
						  BKO_TEXT(row, LINE_LOCATION))->nlimits > 0;
}

/*
 * Decide about a change of a line, rel being order_line, and set in "new" what
 * the engine keeps.  Returns whether anything there is to be written.  Raises
 * BK001 to BK004, BK006.
 */
bool
bko_line_decide_update(BkoFrame *frame, BkoRow *old, BkoRow *new, Relation rel)
{
	bool		moved = bko_row_changed(old, new, LINE_ITEM) || bko_row_changed(old, new, LINE_LOCATION);
	bool		requeued = bko_row_changed(old, new, LINE_PRIORITY) ||
		bko_row_changed(old, new, LINE_REQUESTED_ON) || bko_row_changed(old, new, LINE_SHIP_POLICY) ||
		bko_row_changed(old, new, LINE_ORDER_REF) || bko_row_changed(old, new, LINE_HELD);
	bool		rescaled = check_kept(old, new, rel);
	BkoLine		line;
	BkoStock   *stock;
	BkoQty		ordered;
	text	   *item;
	text	   *location;

	if (!BKO_ISNULL(old, LINE_PENDING))
	{
		bko_pending_changed(frame, old, new);
		bko_order_is_due(frame, BKO_ISNULL(old, LINE_ORDER_REF) ? NULL :
						 BKO_TEXT(old, LINE_ORDER_REF));
		frame->ndecided++;
		return true;
	}
	requeued = requeued || (bko_row_changed(old, new, LINE_CUSTOMER) && is_limited(frame, old));
	if (!moved && !requeued && !bko_row_changed(old, new, LINE_QTY_ORDERED))
		return rescaled;

	bko_need_item(new, LINE_ITEM, LINE_LOCATION, "an order line", &item, &location);
	ordered = bko_check_positive(BKO_VALUE(new, LINE_QTY_ORDERED), BKO_ISNULL(new, LINE_QTY_ORDERED),
								 "qty_ordered", item, location);
	line = line_of_row(old);
	bko_order_is_due(frame, line.order_ref);
	bko_row_policy(new, &line);
	stock = bko_stock_touch(frame, BKO_TEXT(old, LINE_ITEM), BKO_TEXT(old, LINE_LOCATION));
	bko_row_who(frame, stock, old, &line);
	if (moved)
		stock = move_line(frame, stock, &line, new, item, location, ordered);
	else
	{
		change_who(frame, stock, new, &line);
		change_quantity(frame, stock, &line, ordered);
	}
	bko_line_ship_held(frame, stock, &line);
	stock->requeued = stock->requeued || requeued;
	stock->disturbed = stock->disturbed || requeued;
	stock->assign_all = stock->assign_all || requeued;
	frame->ndecided++;

	set_quantities(new, &line);
	set_closed(new, &line, bko_journal_now(frame));
	return true;
}

/*
 * bko.line_update_row(): BEFORE UPDATE or DELETE on order_line.  Takes the
 * change to the stock row and decides the line's new split.  Raises BK001 to
 * BK004, BK006.
 */
Datum
bko_line_update_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	bool		delete;
	BkoFrame   *frame;
	BkoRow		old;
	BkoRow		new;
	HeapTuple	result;

	bko_check_trigger(fcinfo, "bko.line_update_row", TRIGGER_EVENT_BEFORE, true,
					  BKO_ON_UPDATE | BKO_ON_DELETE);
	delete = TRIGGER_FIRED_BY_DELETE(trigdata->tg_event);
	if (bko_engine_writing())
		return PointerGetDatum(delete ? trigdata->tg_trigtuple : trigdata->tg_newtuple);

	frame = bko_frame_need(trigdata, BKO_ORDER_LINE);
	bko_check_last_trigger(trigdata);
	old = bko_row_of_slot(frame->run.book, BKO_ORDER_LINE, trigdata->tg_relation,
						  trigdata->tg_trigslot);
	SPI_connect();
	if (delete)
	{
		bko_line_decide_delete(frame, &old);
		result = trigdata->tg_trigtuple;
	}
	else
	{
		new = bko_row_of_slot(frame->run.book, BKO_ORDER_LINE, trigdata->tg_relation,
							  trigdata->tg_newslot);
		result = trigdata->tg_newtuple;
		if (bko_line_decide_update(frame, &old, &new, trigdata->tg_relation))
			result = SPI_copytuple(bko_row_form(&new));
	}
	SPI_finish();
	return PointerGetDatum(result);
}

/* bko.line_update_done(): AFTER UPDATE or DELETE on order_line. */
Datum
bko_line_update_done(PG_FUNCTION_ARGS)
{
	bko_check_trigger(fcinfo, "bko.line_update_done", 0, false, BKO_ON_UPDATE | BKO_ON_DELETE);
	if (!bko_engine_writing())
		bko_finish_statement((TriggerData *) fcinfo->context, BKO_ORDER_LINE, NULL);
	return PointerGetDatum(NULL);
}
