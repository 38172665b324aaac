/*-------------------------------------------------------------------------
 *
 * frame.c
 *	  Frames: what a statement on a table of a book has decided and not yet
 *	  written.
 *
 * The BEFORE STATEMENT trigger opens a frame, the row triggers decide in it,
 * the AFTER STATEMENT trigger writes and closes it.  Triggers nest (a trigger
 * of the application may write to the book again), so frames are a stack.
 * A frame belongs to the subtransaction it was opened in and is dropped when
 * that aborts; none outlives its transaction.
 *
 * Decisions of all open frames count: what one has taken from a stock row and
 * not yet written is gone for the others.  Each frame keeps only its own
 * share; what the table has is read again whenever anything may have been
 * written or rolled back since, which the epoch tells.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "pgstat.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

typedef struct StockKey
{
	const char *item;
	int			itemlen;
	const char *location;
	int			locationlen;
} StockKey;

typedef struct StockEntry
{
	StockKey	key;			/* points into *stock */
	BkoStock   *stock;
	uint32		hash;
	char		status;
} StockEntry;

static inline uint32
key_hash(StockKey key)
{
	return hash_combine(hash_bytes((const unsigned char *) key.item, key.itemlen),
						hash_bytes((const unsigned char *) key.location, key.locationlen));
}

/* The default collation is deterministic: equal means equal bytes. */
static inline bool
key_equal(StockKey a, StockKey b)
{
	return a.itemlen == b.itemlen && a.locationlen == b.locationlen &&
		memcmp(a.item, b.item, a.itemlen) == 0 &&
		memcmp(a.location, b.location, a.locationlen) == 0;
}

#define SH_PREFIX		stockhash
#define SH_ELEMENT_TYPE	StockEntry
#define SH_KEY_TYPE		StockKey
#define SH_KEY			key
#define SH_HASH_KEY(tb, key)	key_hash(key)
#define SH_EQUAL(tb, a, b)		key_equal(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a)		(a)->hash
#define SH_SCOPE		static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

/*
 * A share that a statement further in wrote together with its own, in a
 * subtransaction of its own: to be undone should that one abort.
 */
typedef struct Absorbed
{
	struct Absorbed *next;
	SubTransactionId subid;
	BkoFrame   *frame;			/* whose share it was */
	BkoStock   *share;
	BkoQty		on_hand;
	BkoQty		allocated;
	BkoQty		backordered;
} Absorbed;

static BkoFrame *top = NULL;
static Absorbed *absorbed = NULL;
static uint64 epoch = 1;

static inline StockKey
make_key(const text *item, const text *location)
{
	StockKey	key;

	key.item = VARDATA_ANY(item);
	key.itemlen = VARSIZE_ANY_EXHDR(item);
	key.location = VARDATA_ANY(location);
	key.locationlen = VARSIZE_ANY_EXHDR(location);
	return key;
}

/* Counts the writes and rollbacks after which stock rows must be read again. */
uint64
bko_epoch(void)
{
	return epoch;
}

void
bko_epoch_next(void)
{
	epoch++;
}

/* Move part of a share between "decided" and "written with another's". */
static void
move_share(BkoStock *share, BkoQty on_hand, BkoQty allocated, BkoQty backordered)
{
	share->d_on_hand -= on_hand;
	share->d_allocated -= allocated;
	share->d_backordered -= backordered;
	share->w_on_hand += on_hand;
	share->w_allocated += allocated;
	share->w_backordered += backordered;
}

/* What a subtransaction wrote of outer shares was rolled back with it. */
static void
undo_absorbed(SubTransactionId subid)
{
	Absorbed  **link = &absorbed;

	while (*link)
	{
		Absorbed   *a = *link;

		if (a->subid < subid)
		{
			link = &a->next;
			continue;
		}
		move_share(a->share, -a->on_hand, -a->allocated, -a->backordered);
		*link = a->next;
		pfree(a);
	}
}

/* Forget what was noted about the shares of a frame that goes away. */
static void
forget_absorbed(BkoFrame *frame)
{
	Absorbed  **link = &absorbed;

	while (*link)
	{
		Absorbed   *a = *link;

		if (a->frame != frame)
		{
			link = &a->next;
			continue;
		}
		*link = a->next;
		pfree(a);
	}
}

/* Drop every frame of a subtransaction that is going away. */
static void
subxact_callback(SubXactEvent event, SubTransactionId mySubid,
				 SubTransactionId parentSubid, void *arg)
{
	if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		for (Absorbed *a = absorbed; a; a = a->next)
			if (a->subid == mySubid)
				a->subid = parentSubid;
		return;
	}
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	while (top && top->subid >= mySubid)
	{
		BkoFrame   *frame = top;

		top = frame->prev;
		forget_absorbed(frame);
		MemoryContextDelete(frame->cxt);
	}
	undo_absorbed(mySubid);
	epoch++;
}

static void
xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			if (top)
				ereport(ERROR,
						(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
						 errmsg("a statement on table \"%s\" was never finished by bko",
								bko_table_name(top->table)),
						 errhint("One of bko's AFTER triggers is disabled or missing; see verify().")));
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
			top = NULL;			/* memory goes with the transaction */
			absorbed = NULL;
			epoch++;
			bko_plan_at_commit();
			break;
		default:
			break;
	}
}

void
bko_frame_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
}

/*
 * The innermost open frame for an operation on a table of a book, or NULL.
 * An INSERT with ON CONFLICT DO UPDATE, or a MERGE, has one for each operation.
 */
static BkoFrame *
find_frame(Oid nspoid, BkoTable table, TriggerEvent op)
{
	for (BkoFrame *frame = top; frame; frame = frame->prev)
		if (frame->run.book->nspoid == nspoid && frame->table == table && frame->op == op &&
			frame->of == InvalidOid)
			return frame;
	return NULL;
}

/* The innermost open frame for an operation on an attached table, or NULL. */
BkoFrame *
bko_frame_of(Oid attached, TriggerEvent op)
{
	for (BkoFrame *frame = top; frame; frame = frame->prev)
		if (frame->of == attached && frame->op == op)
			return frame;
	return NULL;
}

/* The open frame of an attached table next further out; frame NULL: the innermost. */
BkoFrame *
bko_frame_of_next(Oid attached, const BkoFrame *frame)
{
	BkoFrame   *next = frame ? frame->prev : top;

	while (next && next->of != attached)
		next = next->prev;
	return next;
}

/* An open frame of an attached table but a given one, or NULL. */
BkoFrame *
bko_frame_of_other(Oid attached, const BkoFrame *but)
{
	for (BkoFrame *frame = top; frame; frame = frame->prev)
		if (frame->of == attached && frame != but)
			return frame;
	return NULL;
}

/* The frame of the statement that fired a row or AFTER trigger. */
BkoFrame *
bko_frame_need(TriggerData *trigdata, BkoTable table)
{
	Relation	rel = trigdata->tg_relation;
	BkoFrame   *frame = find_frame(RelationGetNamespace(rel), table,
									   bko_trigger_op(trigdata->tg_event));

	if (frame == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" on \"%s\" fired without bko's BEFORE STATEMENT trigger",
						trigdata->tg_trigger->tgname, RelationGetRelationName(rel)),
				 errhint("Write to the table itself, not to a partition of it, and leave its triggers enabled.")));
	return frame;
}

/*
 * How many rows this subtransaction has inserted into a table so far, as the
 * statistics count them; -1 where they don't.
 */
static int64
rows_inserted(Relation rel)
{
	PgStat_TableXactStatus *trans;

	if (rel == NULL || !pgstat_should_count_relation(rel))
		return -1;
	trans = rel->pgstat_info->trans;
	if (trans == NULL || trans->nest_level != GetCurrentTransactionNestLevel())
		return 0;
	return trans->tuples_inserted - trans->tuples_deleted;
}

/*
 * Have all rows that the frame decided gone in, but for "pending" ones that
 * are on their way?  True only where that is certain: it spares the query that
 * asks the table.  An insertion that ON CONFLICT takes back is counted as
 * deleted; what other statements insert meanwhile opens frames of its own.
 */
bool
bko_frame_all_in(BkoFrame *frame, int pending)
{
	return frame->inserted_before >= 0 && !frame->nested &&
		rows_inserted(frame->rel) - frame->inserted_before == frame->ndecided - pending;
}

BkoFrame *
bko_frame_push(const BkoRun *run, BkoTable table, TriggerEvent op, Relation rel)
{
	MemoryContext cxt = AllocSetContextCreate(TopTransactionContext, "bko frame",
											  ALLOCSET_SMALL_SIZES);
	BkoFrame   *frame = MemoryContextAllocZero(cxt, sizeof(BkoFrame));

	frame->cxt = cxt;
	frame->run = *run;
	frame->table = table;
	frame->op = op;
	frame->subid = GetCurrentSubTransactionId();
	frame->depth = bko_trigger_depth();
	frame->rel = rel;
	frame->inserted_before = rows_inserted(rel);
	for (BkoFrame *outer = top; outer; outer = outer->prev)
		if (rel && outer->rel == rel)
			outer->nested = true;
	frame->prev = top;
	top = frame;
	return frame;
}

/* Take a finished frame off the stack; it need not be the topmost one. */
void
bko_frame_close(BkoFrame *frame)
{
	BkoFrame  **link = &top;

	while (*link && *link != frame)
		link = &(*link)->prev;
	Assert(*link == frame);
	*link = frame->prev;
	forget_absorbed(frame);
	MemoryContextDelete(frame->cxt);
}

/* A stock row as the frame knows it; made, unlocked and unread, where new. */
BkoStock *
bko_frame_stock(BkoFrame *frame, const text *item, const text *location, bool *found)
{
	StockKey	key = make_key(item, location);
	StockEntry *entry;
	MemoryContext old;

	if (frame->last_stock &&
		key_equal(key, make_key(frame->last_stock->item, frame->last_stock->location)))
	{
		*found = true;
		return frame->last_stock;
	}

	old = MemoryContextSwitchTo(frame->cxt);
	if (frame->stocks == NULL)
		frame->stocks = stockhash_create(frame->cxt, 8, NULL);
	entry = stockhash_insert(frame->stocks, key, found);
	if (!*found)
	{
		BkoStock   *stock = palloc0(sizeof(BkoStock));

		stock->item = cstring_to_text_with_len(key.item, key.itemlen);
		stock->location = cstring_to_text_with_len(key.location, key.locationlen);
		entry->key = make_key(stock->item, stock->location);
		entry->stock = stock;
	}
	MemoryContextSwitchTo(old);
	frame->last_stock = entry->stock;
	return entry->stock;
}

/* The same, or NULL where the frame doesn't know it. */
BkoStock *
bko_frame_lookup(BkoFrame *frame, const text *item, const text *location)
{
	StockKey	key = make_key(item, location);
	StockEntry *entry;

	if (frame->last_stock &&
		key_equal(key, make_key(frame->last_stock->item, frame->last_stock->location)))
		return frame->last_stock;
	if (frame->stocks == NULL)
		return NULL;
	entry = stockhash_lookup(frame->stocks, key);
	return entry ? entry->stock : NULL;
}

/* All stock rows of a frame, palloc'd; returns how many. */
int
bko_frame_stocks(BkoFrame *frame, BkoStock ***stocks)
{
	stockhash_iterator iter;
	StockEntry *entry;
	int			n = 0;

	*stocks = NULL;
	if (frame->stocks == NULL)
		return 0;
	*stocks = palloc(frame->stocks->members * sizeof(BkoStock *));
	stockhash_start_iterate(frame->stocks, &iter);
	while ((entry = stockhash_iterate(frame->stocks, &iter)) != NULL)
		(*stocks)[n++] = entry->stock;
	return n;
}

/*
 * Another open frame's share of the same stock row: begin with *other = NULL,
 * and call until it returns NULL.
 */
BkoStock *
bko_frame_other(BkoFrame *frame, BkoStock *stock, BkoFrame **other)
{
	BkoFrame   *f = *other ? (*other)->prev : top;

	for (; f; f = f->prev)
	{
		if (f != frame && f->run.book == frame->run.book)
		{
			BkoStock   *share = bko_frame_lookup(f, stock->item, stock->location);

			if (share)
			{
				*other = f;
				return share;
			}
		}
	}
	*other = NULL;
	return NULL;
}

/*
 * Has a statement further out, in one of whose triggers this one runs, decided
 * on the same stock row?  Then that one settles the row when it ends.
 */
bool
bko_frame_shares(BkoFrame *frame, BkoStock *stock)
{
	BkoFrame   *other = NULL;

	while (bko_frame_other(frame, stock, &other) != NULL)
		if (other->depth < frame->depth)
			return true;
	return false;
}

/*
 * Count a row of the statement: brought back as it was, or decided here.  Rows
 * of both kinds in one statement could not be told apart afterwards.
 */
void
bko_frame_count(BkoFrame *frame, bool restored, Relation rel)
{
	if (restored)
		frame->nrestored++;
	else
		frame->ndecided++;
	if (frame->nrestored > 0 && frame->ndecided > 0)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_KEPT_COLUMN),
				 errmsg("new rows and rows brought back stand in one statement on \"%s\"",
						RelationGetRelationName(rel)),
				 errhint("Insert rows that have the columns kept by bko filled in apart from those that have not.")));
}

/*
 * Take over what other frames have decided about a stock row and not written:
 * the row is about to be written, and on_hand and allocated hold together only
 * with all of it (a line deleted and another inserted by one statement).
 */
void
bko_frame_absorb(BkoFrame *frame, BkoStock *stock)
{
	BkoFrame   *other = NULL;
	BkoStock   *share;

	while ((share = bko_frame_other(frame, stock, &other)) != NULL)
	{
		BkoQty		on_hand = share->d_on_hand;
		BkoQty		allocated = share->d_allocated;
		BkoQty		backordered = share->d_backordered;

		if (on_hand == 0 && allocated == 0 && backordered == 0)
			continue;
		stock->d_on_hand += on_hand;
		stock->d_allocated += allocated;
		stock->d_backordered += backordered;
		move_share(share, on_hand, allocated, backordered);
		if (GetCurrentSubTransactionId() > other->subid)
		{
			Absorbed   *a = MemoryContextAlloc(TopTransactionContext, sizeof(Absorbed));

			a->subid = GetCurrentSubTransactionId();
			a->frame = other;
			a->share = share;
			a->on_hand = on_hand;
			a->allocated = allocated;
			a->backordered = backordered;
			a->next = absorbed;
			absorbed = a;
		}
	}
}

/*
 * A statement leaves a stock row unsettled to those further out that have
 * decided on it: they look again, and meanwhile serve nobody out of turn.
 * (Should the statement be rolled back, they do so for nothing.)
 */
void
bko_frame_disturb(BkoFrame *frame, BkoStock *stock)
{
	BkoFrame   *other = NULL;
	BkoStock   *share;

	while ((share = bko_frame_other(frame, stock, &other)) != NULL)
	{
		share->unsettled = true;
		share->disturbed = true;
		share->assign_all = share->assign_all || stock->assign_all;
	}
}

/* Is something left to settle on a stock row, by this frame or another? */
bool
bko_frame_disturbed(BkoFrame *frame, BkoStock *stock)
{
	BkoFrame   *other = NULL;
	BkoStock   *share;

	if (stock->disturbed)
		return true;
	while ((share = bko_frame_other(frame, stock, &other)) != NULL)
		if (share->disturbed)
			return true;
	return false;
}
