/*-------------------------------------------------------------------------
 *
 * line.c
 *	  What can happen to the quantities of one order line: it is split, grows,
 *	  shrinks, ships what is held for it.
 *
 * Each function changes the line in memory, adds its share to the stock row's,
 * and journals the movement; the caller holds the stock row's lock and writes
 * the line.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

/* May what is there of the line leave at once? */
static bool
ships_now(const BkoStock *stock, const BkoLine *line)
{
	return stock->ships_at_once && !line->held &&
		(line->policy == 'p' || (line->policy == 'l' && line->backordered == 0));
}

/* Ship qty of what is allocated to the line. */
void
bko_line_ship(BkoFrame *frame, BkoStock *stock, BkoLine *line, BkoQty qty)
{
	Assert(qty <= line->allocated);
	line->shipped += qty;
	line->allocated -= qty;
	bko_stock_add(stock, -qty, -qty, 0);
	bko_journal(frame, KIND_SHIP, STATE_ALLOCATED, STATE_SHIPPED, stock->item,
				stock->location, qty, line->line_id, BKO_NO_ID, BKO_NO_ID);
}

/*
 * After a change: let what is allocated to the line ship, where its
 * ship_policy and the stock row say that it may.  An order that ships as a
 * whole is looked at when the transaction ends.
 */
void
bko_line_ship_held(BkoFrame *frame, BkoStock *stock, BkoLine *line)
{
	bko_order_is_due(frame, line->order_ref);
	if (line->allocated > 0 && ships_now(stock, line))
		bko_line_ship(frame, stock, line, line->allocated);
}

static bool
is_over_limit(const BkoStock *stock, BkoQty open, BkoQty waiting)
{
	return open > 0 && stock->limit >= 0 && waiting + open > stock->limit;
}

/*
 * BK002 where a line that wants "wanted" and could take "take" would wait for
 * more than the stock row allows, "waiting" being what waits without it.
 */
static void
check_limit(const BkoStock *stock, BkoQty wanted, BkoQty take, BkoQty waiting)
{
	if (!is_over_limit(stock, wanted - take, waiting))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_BKO_BACKORDER_REFUSED),
			 stock->limit == 0 ?
			 errmsg("backorders are refused for %s: %s wanted, %s available",
					bko_where(stock->item, stock->location),
					bko_qty_text(wanted), bko_qty_text(take)) :
			 errmsg("backorder limit %s exceeded for %s: %s wanted, %s available, %s waiting already",
					bko_qty_text(stock->limit), bko_where(stock->item, stock->location),
					bko_qty_text(wanted), bko_qty_text(take), bko_qty_text(waiting)),
			 errhint("Order no more than is available, or raise stock.backorder_limit (null: no limit).")));
}

/* Note a new line that is over the limit, should it go in. */
static void
note_over_limit(BkoFrame *frame, BkoStock *stock, const BkoLine *line, BkoQty wanted, BkoQty take)
{
	MemoryContext old;
	BkoOver    *over;
	BkoQty		waiting = bko_stock_backordered(frame, stock);

	if (!is_over_limit(stock, wanted - take, waiting))
		return;
	old = MemoryContextSwitchTo(frame->cxt);
	over = palloc(sizeof(BkoOver));
	over->line_id = line->line_id;
	over->stock = stock;
	over->wanted = wanted;
	over->take = take;
	over->waiting = waiting;
	frame->over = lappend(frame->over, over);
	MemoryContextSwitchTo(old);
}

/* A new line has gone in: BK002 where it is over the limit. */
void
bko_line_went_in(BkoFrame *frame, const BkoStock *stock, int64 line_id)
{
	ListCell   *cell;

	foreach(cell, frame->over)
	{
		BkoOver    *over = lfirst(cell);

		if (over->line_id == line_id && over->stock == stock)
			check_limit(stock, over->wanted, over->take, over->waiting);
	}
}

/* BK006 where a quantity is not a multiple of the stock row's step. */
void
bko_line_check_step(const BkoStock *stock, BkoQty qty)
{
	if (stock->step == 0 || qty % stock->step == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_BKO_QUANTITY),
			 errmsg("quantity %s is not a multiple of the step %s of %s",
					bko_qty_text(qty), bko_qty_text(stock->step),
					bko_where(stock->item, stock->location)),
			 errhint("Order a multiple of stock.qty_step.")));
}

/*
 * What a line that wants qty gets of the stock row now: nothing where it is
 * held.  "all" is what it could get if it were first in the queue.
 *
 * Where lines wait although something is available, this statement, or one
 * further out, has not settled yet: then the line joins them, and who is first
 * gets it when the statement settles.  What is unassigned is for the line all
 * the same.
 */
static BkoQty
available_for(BkoFrame *frame, BkoStock *stock, const BkoLine *line, BkoQty qty, BkoQty *all)
{
	*all = line->held ? 0 :
		bko_take(qty, bko_limit_room(frame, stock, line->priority, line->group,
									 bko_stock_free(frame, stock)), stock->step);
	if (bko_stock_backordered(frame, stock) > 0 &&
		(bko_frame_disturbed(frame, stock) || bko_frame_shares(frame, stock)))
		return Min(*all, bko_whole_steps(bko_stock_unassigned(frame, stock), stock->step));
	return *all;
}

/*
 * What a new line that wants qty would get of the stock row now, in whole
 * steps; the same makes sure of earlier rows that bko_line_split() does.
 */
BkoQty
bko_line_would_get(BkoFrame *frame, BkoStock *stock, const BkoLine *line, BkoQty qty)
{
	BkoQty		all;
	BkoQty		take = available_for(frame, stock, line, qty, &all);

	if (take < qty && bko_confirm(frame, stock))
		take = available_for(frame, stock, line, qty, &all);
	if (take < qty && !line->held && bko_stock_gather(frame, stock, qty))
		take = available_for(frame, stock, line, qty, &all);
	return bko_whole_steps(take, stock->step);
}

/* Does the stock row's backorder_limit let "open" more units wait? */
bool
bko_line_may_wait(BkoFrame *frame, BkoStock *stock, BkoQty open)
{
	return !is_over_limit(stock, open, bko_stock_backordered(frame, stock));
}

/*
 * Split qty more units for a line into what it takes now and what it waits
 * for.  Raises BK002 where the backorder is refused, for a line that is in the
 * table; a new one may still be kept out by ON CONFLICT, and is asked when it
 * has gone in.  Returns what it took.
 */
BkoQty
bko_line_split(BkoFrame *frame, BkoStock *stock, BkoLine *line, BkoQty qty)
{
	BkoQty		all;
	BkoQty		take = available_for(frame, stock, line, qty, &all);
	BkoQty		waits;

	if (take < qty && bko_confirm(frame, stock))
		take = available_for(frame, stock, line, qty, &all);
	if (take < qty && !line->held && bko_stock_gather(frame, stock, qty))
		take = available_for(frame, stock, line, qty, &all);
	waits = qty - take;
	if (frame->op != TRIGGER_EVENT_INSERT)
		check_limit(stock, qty, all, bko_stock_backordered(frame, stock));
	else
		note_over_limit(frame, stock, line, qty, all);

	bko_limit_took(stock, line->priority, line->group, take);
	line->ordered += qty;
	line->backordered += waits;
	(void) bko_sum(bko_stock_backordered(frame, stock), waits, "backordered",
				   stock->item, stock->location);
	if (ships_now(stock, line))
	{
		line->shipped += take;
		bko_stock_add(stock, -take, 0, waits);
	}
	else
	{
		line->allocated += take;
		bko_stock_add(stock, 0, take, waits);
	}
	return take;
}

/* The movements of what a line has taken anew: what ships at once is one row. */
void
bko_line_journal_entry(BkoFrame *frame, const BkoStock *stock, int64 line_id,
			  BkoQty shipped, BkoQty allocated, BkoQty backordered)
{
	bko_journal(frame, KIND_SHIP, 0, STATE_SHIPPED, stock->item, stock->location,
				shipped, line_id, BKO_NO_ID, BKO_NO_ID);
	bko_journal(frame, KIND_ALLOCATE, 0, STATE_ALLOCATED, stock->item, stock->location,
				allocated, line_id, BKO_NO_ID, BKO_NO_ID);
	bko_journal(frame, KIND_BACKORDER, 0, STATE_BACKORDERED, stock->item, stock->location,
				backordered, line_id, BKO_NO_ID, BKO_NO_ID);
}

/*
 * Take qty of what is open from a line: the backordered part goes first, then
 * the allocated part, which becomes available to the next.  "to" is the state
 * it goes to: cancelled, or none where it is no longer ordered.
 */
void
bko_line_shrink(BkoFrame *frame, BkoStock *stock, BkoLine *line, BkoQty qty, char to)
{
	BkoQty		from_queue = Min(qty, line->backordered);
	BkoQty		from_stock = qty - from_queue;

	Assert(from_stock <= line->allocated);
	line->backordered -= from_queue;
	line->allocated -= from_stock;
	if (to == STATE_CANCELLED)
		line->cancelled += qty;
	else
		line->ordered -= qty;
	bko_stock_add(stock, 0, -from_stock, -from_queue);
	bko_limit_took(stock, line->priority, line->group, -from_stock);
	stock->disturbed = stock->disturbed || from_stock > 0;
	stock->assign_all = stock->assign_all || from_stock > 0;
	bko_journal(frame, KIND_CANCEL, STATE_BACKORDERED, to, stock->item, stock->location,
				from_queue, line->line_id, BKO_NO_ID, BKO_NO_ID);
	bko_journal(frame, KIND_CANCEL, STATE_ALLOCATED, to, stock->item, stock->location,
				from_stock, line->line_id, BKO_NO_ID, BKO_NO_ID);
}

/* The line takes its split anew at more than it had. */
void
bko_line_grow(BkoFrame *frame, BkoStock *stock, BkoLine *line, BkoQty qty)
{
	BkoLine		before = *line;

	(void) bko_line_split(frame, stock, line, qty);
	bko_line_journal_entry(frame, stock, line->line_id, line->shipped - before.shipped,
				  line->allocated - before.allocated, line->backordered - before.backordered);
}

