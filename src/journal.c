/*-------------------------------------------------------------------------
 *
 * journal.c
 *	  Rows for the table movement, gathered by a frame and written in batches.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "commands/sequence.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Rows written at once, which bounds the memory that they take. */
#define BATCH 4096

/*
 * Memory that is kept from one full batch to the next: given back each time, it
 * would have to be cleared by the system each time.
 */
#define KEPT (1024 * 1024)

/* How far ahead the names of stock rows are fetched from memory. */
#define AHEAD 8

struct BkoJournal
{
	TimestampTz now;
	text	   *reason;
	int			n;
	int			max;
	BkoMove	   *moves;
	MemoryContext cxt;			/* for one batch's arrays */
};

static const char *const kinds[BKO_NKINDS] = {
	[KIND_RECEIVE] = "receive",
	[KIND_ADJUST] = "adjust",
	[KIND_BACKORDER] = "backorder",
	[KIND_ALLOCATE] = "allocate",
	[KIND_SHIP] = "ship",
	[KIND_RELEASE] = "release",
	[KIND_CANCEL] = "cancel",
	[KIND_RETURN] = "return",
};

enum
{
	COL_KIND, COL_FROM, COL_TO, COL_ITEM, COL_LOCATION, COL_QTY,
	COL_LINE, COL_RECEIPT, COL_SUPPLY, NCOLS
};

static const Oid column_types[NCOLS] = {
	TEXTOID, CHAROID, CHAROID, TEXTOID, TEXTOID, NUMERICOID, INT8OID, INT8OID, INT8OID
};

/* What the next frame's movements will say why; see bko_journal_next_reason(). */
static const text *next_reason = NULL;

static BkoJournal *
journal_of(BkoFrame *frame)
{
	if (frame->journal == NULL)
	{
		frame->journal = MemoryContextAllocZero(frame->cxt, sizeof(BkoJournal));
		frame->journal->now = GetCurrentTimestamp();
		if (next_reason)
			bko_journal_reason(frame, next_reason);
	}
	return frame->journal;
}

/*
 * Why the statement that the caller runs next moves what it moves; NULL ends
 * it.  The caller sees to it that it ends, and that reason lives until then.
 */
void
bko_journal_next_reason(const text *reason)
{
	next_reason = reason;
}

/* The time that a frame's movements bear. */
TimestampTz
bko_journal_now(BkoFrame *frame)
{
	return journal_of(frame)->now;
}

/* Why: stands in every movement that the frame writes; NULL: nothing said. */
void
bko_journal_reason(BkoFrame *frame, const text *reason)
{
	MemoryContext old = MemoryContextSwitchTo(frame->cxt);

	journal_of(frame)->reason = reason ?
		cstring_to_text_with_len(VARDATA_ANY(reason), VARSIZE_ANY_EXHDR(reason)) : NULL;
	MemoryContextSwitchTo(old);
}

/*
 * Note a movement.  item and location must live as long as the frame; BKO_NO_ID
 * and states of 0 become nulls.  Nothing is written for a quantity of zero.
 * Writes what has been gathered when that is a batch, SPI being connected.
 */
void
bko_journal(BkoFrame *frame, BkoKind kind, char from, char to,
			const text *item, const text *location, BkoQty qty,
			int64 line_id, int64 receipt_id, int64 supply_id)
{
	BkoJournal *journal = journal_of(frame);
	BkoMove	   *move;

	if (qty == 0)
		return;
	if (journal->n == BATCH)
		bko_journal_write(frame);
	if (journal->n == journal->max)
	{
		journal->max = journal->max ? journal->max * 2 : 4;
		journal->moves = journal->moves ?
			repalloc(journal->moves, journal->max * sizeof(BkoMove)) :
			MemoryContextAlloc(frame->cxt, journal->max * sizeof(BkoMove));
	}
	move = &journal->moves[journal->n++];
	move->kind = kind;
	move->from = from;
	move->to = to;
	move->item = item;
	move->location = location;
	move->qty = qty;
	move->line_id = line_id;
	move->receipt_id = receipt_id;
	move->supply_id = supply_id;
}

/* The text of a kind, made once per session. */
static Datum
kind_text(BkoKind kind)
{
	static text *texts[BKO_NKINDS];

	if (texts[kind] == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		texts[kind] = cstring_to_text(kinds[kind]);
		MemoryContextSwitchTo(old);
	}
	return PointerGetDatum(texts[kind]);
}

/*
 * A movement's columns as datums, in the order of the statements' parameters:
 * kind, from_state, to_state, item, location, qty and the three ids.
 */
void
bko_move_datums(const BkoMove *move, Datum *values, bool *nulls)
{
	values[COL_KIND] = kind_text(move->kind);
	values[COL_FROM] = CharGetDatum(move->from);
	values[COL_TO] = CharGetDatum(move->to);
	values[COL_ITEM] = PointerGetDatum(move->item);
	values[COL_LOCATION] = PointerGetDatum(move->location);
	values[COL_QTY] = NumericGetDatum(bko_qty_to_numeric(move->qty));
	values[COL_LINE] = Int64GetDatum(move->line_id);
	values[COL_RECEIPT] = Int64GetDatum(move->receipt_id);
	values[COL_SUPPLY] = Int64GetDatum(move->supply_id);
	memset(nulls, false, NCOLS);
	nulls[COL_FROM] = (move->from == 0);
	nulls[COL_TO] = (move->to == 0);
	nulls[COL_LINE] = (move->line_id == BKO_NO_ID);
	nulls[COL_RECEIPT] = (move->receipt_id == BKO_NO_ID);
	nulls[COL_SUPPLY] = (move->supply_id == BKO_NO_ID);
}

/* What the movements of one writing have in common. */
typedef struct Storing
{
	const BkoMove *moves;
	int			n;
	Datum		at;
	Datum		by_role;
	const text *reason;
} Storing;

/* Where the columns of bko_move_datums() go. */
static const int move_columns[] = {
	MOVEMENT_KIND, MOVEMENT_FROM_STATE, MOVEMENT_TO_STATE, MOVEMENT_ITEM, MOVEMENT_LOCATION,
	MOVEMENT_QTY, MOVEMENT_LINE_ID, MOVEMENT_RECEIPT_ID, MOVEMENT_SUPPLY_ID
};

static void
fill_move(int64 row, void *arg, const BkoColumns *columns, Datum *values, bool *isnull)
{
	const Storing *storing = arg;
	const AttrNumber *attno = columns->attno;
	Datum		move[NCOLS];
	bool		nulls[NCOLS];

#define SET(column, value, null) \
	(values[attno[column] - 1] = (value), isnull[attno[column] - 1] = (null))

	if (row + AHEAD < storing->n)
		__builtin_prefetch(storing->moves[row + AHEAD].item);
	bko_move_datums(&storing->moves[row], move, nulls);
	for (int c = 0; c < NCOLS; c++)
		SET(move_columns[c], move[c], nulls[c]);
	SET(MOVEMENT_ID, Int64GetDatum(nextval_internal(columns->sequence, false)), false);
	SET(MOVEMENT_AT, storing->at, false);
	SET(MOVEMENT_BY_ROLE, storing->by_role, false);
	SET(MOVEMENT_REASON, PointerGetDatum(storing->reason), storing->reason == NULL);
}

static void
write_one(BkoFrame *frame, const BkoMove *move, Datum *args, char *argnulls)
{
	bool		nulls[NCOLS];

	bko_move_datums(move, args + 3, nulls);
	for (int c = 0; c < NCOLS; c++)
		argnulls[3 + c] = nulls[c] ? 'n' : ' ';
	bko_run(&frame->run, PLAN_JOURNAL_ONE, args, argnulls, 0);
}

static void
move_row(int i, void *moves, Datum *values, bool *nulls)
{
	bko_move_datums((const BkoMove *) moves + i, values, nulls);
}

static void
write_many(BkoFrame *frame, BkoMove *moves, int n, Datum *args, char *argnulls)
{
	bko_column_arrays(args + 3, column_types, NCOLS, n, move_row, moves);
	bko_run(&frame->run, PLAN_JOURNAL_MANY, args, argnulls, 0);
}

/*
 * Write what the frame has gathered, SPI being connected.
 *
 * by_role is the role at the outside: neither the owner whose rights the
 * engine has, nor that of a SECURITY DEFINER function in between.
 */
void
bko_journal_write(BkoFrame *frame)
{
	BkoJournal *journal = frame->journal;
	Datum		args[3 + NCOLS];
	char		argnulls[3 + NCOLS];
	Storing		storing;
	MemoryContext old;

	if (journal == NULL || journal->n == 0)
		return;
	if (journal->cxt == NULL)
		journal->cxt = AllocSetContextCreate(frame->cxt, "bko journal",
											 journal->n == BATCH ? KEPT : 0,
											 ALLOCSET_DEFAULT_INITSIZE, ALLOCSET_DEFAULT_MAXSIZE);
	old = MemoryContextSwitchTo(journal->cxt);

	memset(argnulls, ' ', sizeof(argnulls));
	args[0] = TimestampTzGetDatum(journal->now);
	args[1] = CStringGetTextDatum(GetUserNameFromId(GetOuterUserId(), false));
	args[2] = PointerGetDatum(journal->reason);
	argnulls[2] = journal->reason ? ' ' : 'n';

	storing.moves = journal->moves;
	storing.n = journal->n;
	storing.at = args[0];
	storing.by_role = args[1];
	storing.reason = journal->reason;
	if (bko_store(&frame->run, BKO_MOVEMENT, journal->n, fill_move, &storing))
		;						/* done */
	else if (journal->n == 1)
		write_one(frame, &journal->moves[0], args, argnulls);
	else
		write_many(frame, journal->moves, journal->n, args, argnulls);

	MemoryContextSwitchTo(old);
	MemoryContextReset(journal->cxt);
	journal->n = 0;
}
