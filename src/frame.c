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

/* Memory for stock rows is taken so much at a time, but by small frames. */
#define SLAB 32768
#define SMALL_FRAME 8

/* Rows of a statement that are noted, and by how many they are fetched ahead. */
#define MAX_NOTED 500000
#define AHEAD 4

/* Found by item and location; small, so that many fit the processor's cache. */
typedef struct StockEntry
{
	const BkoStock *stock;
	uint32		hash;
	char		status;
} StockEntry;

static inline uint32
key_hash(const BkoStock *stock)
{
	return hash_combine(hash_bytes((const unsigned char *) VARDATA_ANY(stock->item),
								   VARSIZE_ANY_EXHDR(stock->item)),
						hash_bytes((const unsigned char *) VARDATA_ANY(stock->location),
								   VARSIZE_ANY_EXHDR(stock->location)));
}

/*
 * Fetch from memory what a row of the statement will touch of a stock row, all
 * at once: one after the other it would be waited for line by line.
 */
static inline void
fetch_stock(const BkoStock *stock)
{
	const char *begin = (const char *) stock;

	__builtin_prefetch(begin - 1);	/* its names */
	for (int i = 0; i < offsetof(BkoStock, looked); i += 64)
		__builtin_prefetch(begin + i);
}

static inline bool
is_stock(const BkoStock *stock, const text *item, const text *location)
{
	return bko_same_text(stock->item, item) && bko_same_text(stock->location, location);
}

#define SH_PREFIX		stockhash
#define SH_ELEMENT_TYPE	StockEntry
#define SH_KEY_TYPE		const BkoStock *
#define SH_KEY			stock
#define SH_HASH_KEY(tb, key)	key_hash(key)
#define SH_EQUAL(tb, a, b)		(fetch_stock(a), is_stock(a, (b)->item, (b)->location))
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

/*
 * Memory for stock rows that is never freed before the frame: side by side,
 * since a bulk insert comes back to thousands of them in any order.
 */
static void *
carve(BkoFrame *frame, Size size)
{
	void	   *memory;

	if (frame->nstocks < SMALL_FRAME || size > SLAB)
		return MemoryContextAlloc(frame->cxt, size);
	if (size > frame->slab_left)
	{
		frame->slab = MemoryContextAlloc(frame->cxt, SLAB);
		frame->slab_left = SLAB;
	}
	memory = frame->slab;
	frame->slab += size;
	frame->slab_left -= size;
	return memory;
}

static text *
copy_text(char *to, const text *from)
{
	text	   *copy = (text *) to;

	SET_VARSIZE(copy, VARSIZE_ANY_EXHDR(from) + VARHDRSZ);
	memcpy(VARDATA(copy), VARDATA_ANY(from), VARSIZE_ANY_EXHDR(from));
	return copy;
}

/* A stock row that the frame has not met; its names stand before it. */
static BkoStock *
make_stock(BkoFrame *frame, const text *item, const text *location)
{
	Size		itemsize = INTALIGN(VARSIZE_ANY_EXHDR(item) + VARHDRSZ);
	Size		names = MAXALIGN(itemsize + VARSIZE_ANY_EXHDR(location) + VARHDRSZ);
	char	   *memory = carve(frame, names + MAXALIGN(sizeof(BkoStock)));
	BkoStock   *stock = (BkoStock *) (memory + names);

	memset(stock, 0, sizeof(BkoStock));
	stock->item = copy_text(memory, item);
	stock->location = copy_text(memory + itemsize, location);
	if (frame->nstocks == frame->maxstocks)
	{
		frame->maxstocks = frame->maxstocks ? frame->maxstocks * 2 : 8;
		frame->stock = frame->stock ?
			repalloc_huge(frame->stock, frame->maxstocks * sizeof(BkoStock *)) :
			MemoryContextAlloc(frame->cxt, frame->maxstocks * sizeof(BkoStock *));
	}
	frame->stock[frame->nstocks++] = stock;
	return stock;
}

/* A stock row as the frame knows it; made, unlocked and unread, where new. */
BkoStock *
bko_frame_stock(BkoFrame *frame, const text *item, const text *location, bool *found)
{
	BkoStock	key;
	StockEntry *entry;

	if (frame->last_stock && is_stock(frame->last_stock, item, location))
	{
		*found = true;
		return frame->last_stock;
	}
	if (frame->stocks == NULL)
		frame->stocks = stockhash_create(frame->cxt, 8, NULL);
	key.item = (text *) item;
	key.location = (text *) location;
	entry = stockhash_insert(frame->stocks, &key, found);
	if (!*found)
		entry->stock = make_stock(frame, item, location);
	frame->last_stock = (BkoStock *) entry->stock;
	return frame->last_stock;
}

/* The same, or NULL where the frame doesn't know it. */
BkoStock *
bko_frame_lookup(BkoFrame *frame, const text *item, const text *location)
{
	BkoStock	key;
	StockEntry *entry;

	if (frame->last_stock && is_stock(frame->last_stock, item, location))
		return frame->last_stock;
	if (frame->stocks == NULL)
		return NULL;
	key.item = (text *) item;
	key.location = (text *) location;
	entry = stockhash_lookup(frame->stocks, &key);
	return entry ? (BkoStock *) entry->stock : NULL;
}

/*
 * Note that the row decided last is one of this stock row: when rows are
 * counted in, bko_frame_next_stock() needn't search.
 */
void
bko_frame_note_row(BkoFrame *frame, BkoStock *stock)
{
	if (frame->nnoted == MAX_NOTED)
		return;
	if (frame->nnoted == frame->maxnoted)
	{
		frame->maxnoted = frame->maxnoted ? frame->maxnoted * 2 : 16;
		frame->noted = frame->noted ?
			repalloc_huge(frame->noted, frame->maxnoted * sizeof(BkoStock *)) :
			MemoryContextAlloc(frame->cxt, frame->maxnoted * sizeof(BkoStock *));
	}
	frame->noted[frame->nnoted++] = stock;
}

/*
 * The stock row of the next row that went in, or NULL where the frame doesn't
 * know it.  Mostly it is the next one noted, and those that come after it are
 * fetched from memory meanwhile.
 */
BkoStock *
bko_frame_next_stock(BkoFrame *frame, const text *item, const text *location)
{
	if (frame->nextnoted < frame->nnoted)
	{
		BkoStock   *stock = frame->noted[frame->nextnoted++];

		if (frame->nextnoted + AHEAD < frame->nnoted)
		{
			const char *ahead = (const char *) frame->noted[frame->nextnoted + AHEAD];

			__builtin_prefetch(ahead - 1);	/* its names */
			__builtin_prefetch(ahead);
		}
		if (is_stock(stock, item, location))
			return stock;
	}
	return bko_frame_lookup(frame, item, location);
}

static int
compare_stocks(const void *a, const void *b)
{
	return bko_stock_compare(*(BkoStock *const *) a, *(BkoStock *const *) b);
}

/*
 * From now on the frame's stock rows come in the order of their names, which is
 * that in which they are locked and that of the indexes that find them.
 */
void
bko_frame_sort(BkoFrame *frame)
{
	qsort(frame->stock, frame->nstocks, sizeof(BkoStock *), compare_stocks);
}

/* All stock rows of a frame, palloc'd; returns how many. */
int
bko_frame_stocks(BkoFrame *frame, BkoStock ***stocks)
{
	*stocks = NULL;
	if (frame->nstocks == 0)
		return 0;
	*stocks = palloc_extended(frame->nstocks * sizeof(BkoStock *), MCXT_ALLOC_HUGE);
	memcpy(*stocks, frame->stock, frame->nstocks * sizeof(BkoStock *));
	return frame->nstocks;
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
