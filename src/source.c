/*-------------------------------------------------------------------------
 *
 * source.c
 *	  Sourcing: where an order line is placed that names no location.
 *
 * A rule of the item, or else of all items, lists locations.  All of them that
 * stock the item are locked, in the order of their names, before anything is
 * decided: two such lines never wait for each other in a circle, and what a
 * place has is what the line gets.
 *
 * Where the rule splits, the row being inserted becomes the part at one place.
 * The further parts are inserted when the statement has been settled, for rows
 * that really went in.  Until then what they will take is kept for them: others
 * of the statement count it as gone (see bko_stock_free).
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Where a line is placed that no rule is for: the default of the column. */
#define DEFAULT_LOCATION "main"

/* Locations that a message names. */
#define SHOW_LOCATIONS 8

PG_FUNCTION_INFO_V1(bko_is_location_list);

BkoPartSink *bko_part_sink = NULL;

/* Trigger depth at which triggers see parts being inserted; 0: none are. */
static int	inserting_depth = 0;

/* A location that a line may be placed at. */
typedef struct Place
{
	BkoStock   *stock;

	/* for the line being decided */
	BkoQty		take;
	BkoQty		waits;
} Place;

typedef struct ItemKey
{
	const char *name;
	int			len;
} ItemKey;

/* Where an item may be sourced from. */
typedef struct Sources
{
	text	   *item;
	uint64		epoch;			/* at which this was read */
	bool		split;
	int			nplaces;
	int			maxplaces;
	Place	   *places;			/* in the order of the rule */
	Place	  **by_name;		/* in the order of their names, to be locked */
} Sources;

typedef struct SourcesEntry
{
	ItemKey		key;			/* points into *sources */
	Sources    *sources;
	uint32		hash;
	char		status;
} SourcesEntry;

#define SH_PREFIX		sourcehash
#define SH_ELEMENT_TYPE	SourcesEntry
#define SH_KEY_TYPE		ItemKey
#define SH_KEY			key
#define SH_HASH_KEY(tb, key)	hash_bytes((const unsigned char *) (key).name, (key).len)
#define SH_EQUAL(tb, a, b)		((a).len == (b).len && memcmp((a).name, (b).name, (a).len) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a)		(a)->hash
#define SH_SCOPE		static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

/* A further part of a line, to be inserted if the line's own row goes in. */
typedef struct Part
{
	int64		line_id;		/* of the row: these three tell which one */
	TimestampTz queued_at;
	const BkoStock *own;
	int			n;				/* the order in which parts were decided */
	bool		went_in;		/* the row has gone in */
	bool		given;			/* queued_at was given: the part has it too */
	BkoStock   *stock;			/* where the part goes */
	text	   *item;			/* copies that outlive the frame */
	text	   *location;
	BkoQty		take;
	BkoQty		waits;
} Part;

struct BkoParts
{
	Part	   *part;
	int			n;
	int			max;
};

struct BkoSourcing
{
	struct sourcehash_hash *items;
	Sources    *chosen;			/* of the line being decided */
	bool		given;			/* its queued_at was */
	BkoParts   *parts;
};

/* ---- the rule ---- */

/* BK001: no location of the rule stocks the item; the rule is the last result. */
static void
refuse_not_stocked(const BkoRun *run, const text *item, uint64 n)
{
	StringInfoData list;

	initStringInfo(&list);
	for (uint64 i = 0; i < n && i < SHOW_LOCATIONS; i++)
		appendStringInfo(&list, "%s\"%s\"", i > 0 ? ", " : "",
						 bko_show_text(bko_result_text(i, 1)));
	if (n > SHOW_LOCATIONS)
		appendStringInfoString(&list, ", ...");
	ereport(ERROR,
			(errcode(ERRCODE_BKO_NOT_STOCKED),
			 errmsg("item \"%s\" is stocked at none of the locations that it is sourced from: %s",
					bko_show_text(item), list.data),
			 errhint("Add it to one of them (INSERT INTO %sstock ...), change the rule in %ssourcing, or name a location in the order line.",
					 run->book->prefix, run->book->prefix)));
}

static int
compare_names(const void *a, const void *b)
{
	return bko_compare_texts((*(Place *const *) a)->stock->location,
							 (*(Place *const *) b)->stock->location);
}

static void
add_place(BkoFrame *frame, Sources *sources, const text *location)
{
	bool		found;
	BkoStock   *stock = bko_frame_stock(frame, sources->item, location, &found);

	for (int i = 0; i < sources->nplaces; i++)
		if (sources->places[i].stock == stock)
			return;
	if (sources->nplaces == sources->maxplaces)
	{
		sources->maxplaces = sources->maxplaces ? sources->maxplaces * 2 : 4;
		sources->places = sources->places ?
			repalloc(sources->places, sources->maxplaces * sizeof(Place)) :
			MemoryContextAlloc(frame->cxt, sources->maxplaces * sizeof(Place));
	}
	sources->places[sources->nplaces++].stock = stock;
}

/* Read the rule for an item, and which of its locations stock the item. */
static void
read_sources(BkoFrame *frame, Sources *sources)
{
	Datum		args[1];
	uint64		n;
	bool		isnull;

	args[0] = PointerGetDatum(sources->item);
	sources->nplaces = 0;
	sources->split = false;
	SPI_connect();
	n = bko_run(&frame->run, PLAN_SOURCES, args, NULL, 0);
	for (uint64 i = 0; i < n; i++)
	{
		sources->split = DatumGetBool(bko_result(i, 2, &isnull));
		if (DatumGetBool(bko_result(i, 3, &isnull)))
			add_place(frame, sources, bko_result_text(i, 1));
	}
	if (n == 0)
		add_place(frame, sources, cstring_to_text(DEFAULT_LOCATION));
	if (sources->nplaces == 0)
		refuse_not_stocked(&frame->run, sources->item, n);
	SPI_finish();

	if (sources->by_name)
		pfree(sources->by_name);
	sources->by_name = MemoryContextAlloc(frame->cxt, sources->nplaces * sizeof(Place *));
	for (int i = 0; i < sources->nplaces; i++)
		sources->by_name[i] = &sources->places[i];
	qsort(sources->by_name, sources->nplaces, sizeof(Place *), compare_names);
	sources->epoch = bko_epoch();
}

/*
 * Where an item may be sourced from, read once in a statement; again where
 * somebody may have written to the book meanwhile.
 */
static Sources *
sources_of(BkoFrame *frame, const text *item)
{
	ItemKey		key;
	SourcesEntry *entry;
	bool		found;
	MemoryContext old = MemoryContextSwitchTo(frame->cxt);

	key.name = VARDATA_ANY(item);
	key.len = VARSIZE_ANY_EXHDR(item);
	if (frame->sourcing == NULL)
		frame->sourcing = palloc0(sizeof(BkoSourcing));
	if (frame->sourcing->items == NULL)
		frame->sourcing->items = sourcehash_create(frame->cxt, 8, NULL);
	entry = sourcehash_insert(frame->sourcing->items, key, &found);
	if (!found)
	{
		entry->sources = palloc0(sizeof(Sources));
		entry->sources->item = cstring_to_text_with_len(key.name, key.len);
		entry->key.name = VARDATA_ANY(entry->sources->item);
	}
	MemoryContextSwitchTo(old);
	if (entry->sources->epoch != bko_epoch())
		read_sources(frame, entry->sources);
	return entry->sources;
}

/* ---- the decision ---- */

static bool
fits_step(const BkoStock *stock, BkoQty qty)
{
	return stock->step == 0 || qty % stock->step == 0;
}

/*
 * Where qty goes that nobody has: to the first place whose qty_step and
 * backorder_limit let it wait there; if none does, to the first one, which will
 * say why.  A whole line takes along what the place has for it.
 */
static Place *
waiting_place(BkoFrame *frame, Sources *sources, BkoQty qty, bool whole)
{
	for (int i = 0; i < sources->nplaces; i++)
	{
		Place	   *place = &sources->places[i];

		if (fits_step(place->stock, qty) &&
			bko_line_may_wait(frame, place->stock, whole ? qty - place->take : qty))
			return place;
	}
	return &sources->places[0];
}

/* The whole line goes to the first place that can fill it, or waits at one. */
static void
place_whole(BkoFrame *frame, Sources *sources, const BkoLine *line, BkoQty qty)
{
	Place	   *chosen = NULL;

	for (int i = 0; i < sources->nplaces && chosen == NULL; i++)
	{
		Place	   *place = &sources->places[i];

		place->take = bko_line_would_get(frame, place->stock, line, qty);
		if (place->take == qty)
			chosen = place;
	}
	if (chosen == NULL)
		chosen = waiting_place(frame, sources, qty, true);
	for (int i = 0; i < sources->nplaces; i++)
		sources->places[i].take = 0;
	chosen->take = qty;
}

/* Each place gives what it has; what nobody has waits at one. */
static void
share_out(BkoFrame *frame, Sources *sources, const BkoLine *line, BkoQty qty)
{
	for (int i = 0; i < sources->nplaces && qty > 0; i++)
	{
		Place	   *place = &sources->places[i];

		place->take = bko_line_would_get(frame, place->stock, line, qty);
		qty -= place->take;
	}
	if (qty > 0)
		waiting_place(frame, sources, qty, false)->waits = qty;
}

/* May a line be split over places?  Not where it ships together, or is held. */
static bool
may_be_split(BkoRow *row)
{
	char		policy = BKO_ISNULL(row, LINE_SHIP_POLICY) ? 'p' :
		bko_policy_code(BKO_TEXT(row, LINE_SHIP_POLICY));

	return policy == 'p' || (policy == 'o' && !BKO_ISNULL(row, LINE_ORDER_REF));
}

/* The place of the row itself: the first that gives something, or where it waits. */
static Place *
own_place(Sources *sources)
{
	for (int i = 0; i < sources->nplaces; i++)
		if (sources->places[i].take > 0)
			return &sources->places[i];
	for (int i = 0; i < sources->nplaces; i++)
		if (sources->places[i].waits > 0)
			return &sources->places[i];
	pg_unreachable();
}

/* Whose the line is, where a place has caps or protected quantities. */
static void
read_who(BkoFrame *frame, Sources *sources, BkoRow *row, BkoLine *line)
{
	for (int i = 0; i < sources->nplaces; i++)
	{
		BkoStock   *stock = sources->places[i].stock;

		if (stock->nlimits == 0)
			continue;
		bko_row_who(frame, stock, row, line);
		return;
	}
}

/*
 * The first location that an item may be sourced from, for a line that is
 * placed later; every such location is known to the frame then.  Raises BK001.
 */
text *
bko_source_first(BkoFrame *frame, const text *item)
{
	return sources_of(frame, item)->places[0].stock->location;
}

/*
 * A new line names no location: lock every place that it may go to and decide.
 * Sets location and qty_ordered of the row to those of its own part;
 * bko_source_note_parts() notes the further ones when the row is decided.
 * Raises BK001, BK006.
 */
void
bko_source_line(BkoFrame *frame, BkoRow *row)
{
	Sources    *sources = sources_of(frame, BKO_TEXT(row, LINE_ITEM));
	BkoLine		line = {0};
	BkoQty		qty;
	Place	   *own;

	for (int i = 0; i < sources->nplaces; i++)
		(void) bko_stock_touch(frame, sources->item, sources->by_name[i]->stock->location);
	qty = bko_check_positive(BKO_VALUE(row, LINE_QTY_ORDERED), BKO_ISNULL(row, LINE_QTY_ORDERED),
							 "qty_ordered", sources->item, sources->places[0].stock->location);
	line.held = !BKO_ISNULL(row, LINE_HELD) && DatumGetBool(BKO_VALUE(row, LINE_HELD));
	read_who(frame, sources, row, &line);
	for (int i = 0; i < sources->nplaces; i++)
		sources->places[i].take = sources->places[i].waits = 0;
	if (sources->split && may_be_split(row))
		share_out(frame, sources, &line, qty);
	else
		place_whole(frame, sources, &line, qty);

	own = own_place(sources);
	bko_row_set(row, LINE_LOCATION, PointerGetDatum(own->stock->location));
	bko_row_set_qty(row, LINE_QTY_ORDERED, own->take + own->waits);
	frame->sourcing->chosen = sources;
	frame->sourcing->given = !BKO_ISNULL(row, LINE_QUEUED_AT);
}

/* ---- further parts ---- */

static Part *
add_part(BkoFrame *frame)
{
	BkoParts   *parts = frame->sourcing->parts;

	if (parts == NULL)
		parts = frame->sourcing->parts = MemoryContextAllocZero(frame->cxt, sizeof(BkoParts));
	if (parts->n == parts->max)
	{
		parts->max = parts->max ? parts->max * 2 : 4;
		parts->part = parts->part ?
			repalloc_huge(parts->part, parts->max * sizeof(Part)) :
			MemoryContextAlloc(frame->cxt, parts->max * sizeof(Part));
	}
	memset(&parts->part[parts->n], 0, sizeof(Part));
	parts->part[parts->n].n = parts->n;
	return &parts->part[parts->n++];
}

/*
 * Note the part at a place of the line that bko_source_line() placed and that
 * is now this row; what it will take is kept for it.
 */
static Part *
note_part(BkoFrame *frame, Place *place, const BkoStock *own, int64 line_id,
		  TimestampTz queued_at)
{
	Part	   *part = add_part(frame);

	part->line_id = line_id;
	part->queued_at = queued_at;
	part->own = own;
	part->given = frame->sourcing->given;
	part->stock = place->stock;
	part->take = place->take;
	part->waits = place->waits;
	place->stock->part_take += place->take;
	place->stock->part_waits += place->waits;
	return part;
}

static bool
has_further_part(const Place *place, const BkoStock *own)
{
	return place->stock != own && place->take + place->waits > 0;
}

/*
 * The line that bko_source_line() placed has become this row at its own place:
 * note its further parts, and keep for them what they will take.  The row may
 * still be kept out.
 */
void
bko_source_note_parts(BkoFrame *frame, const BkoStock *own, int64 line_id, TimestampTz queued_at)
{
	Sources    *sources = frame->sourcing->chosen;

	for (int i = 0; i < sources->nplaces; i++)
	{
		Place	   *place = &sources->places[i];
		BkoTaken	taken = {0};

		if (!has_further_part(place, own))
			continue;
		(void) note_part(frame, place, own, line_id, queued_at);
		taken.id = line_id;
		taken.queued_at = queued_at;
		taken.part_take = place->take;
		taken.part_waits = place->waits;
		taken.nchanges = taken.narrivals = PG_INT32_MAX;	/* fills nobody */
		taken.assign_all = true;	/* nor does it bring anything */
		bko_took(frame, place->stock, &taken);
	}
}

/* The same for a line whose row is in the table already. */
void
bko_source_keep_parts(BkoFrame *frame, const BkoStock *own, int64 line_id, TimestampTz queued_at)
{
	Sources    *sources = frame->sourcing->chosen;

	for (int i = 0; i < sources->nplaces; i++)
		if (has_further_part(&sources->places[i], own))
			note_part(frame, &sources->places[i], own, line_id, queued_at)->went_in = true;
}

/* By the row that they are parts of. */
static int
compare_rows(const void *a, const void *b)
{
	const Part *x = a;
	const Part *y = b;

	if (x->line_id != y->line_id)
		return x->line_id < y->line_id ? -1 : 1;
	if (x->queued_at != y->queued_at)
		return x->queued_at < y->queued_at ? -1 : 1;
	if (x->own != y->own)
		return x->own < y->own ? -1 : 1;
	return 0;
}

static int
compare_parts(const void *a, const void *b)
{
	int			cmp = compare_rows(a, b);

	return cmp != 0 ? cmp : ((const Part *) a)->n - ((const Part *) b)->n;
}

/*
 * The statement has ended: a copy of the frame's parts that outlives the frame,
 * or NULL where there are none.
 */
BkoParts *
bko_source_parts(BkoFrame *frame)
{
	BkoParts   *noted = frame->sourcing ? frame->sourcing->parts : NULL;
	BkoParts   *parts;

	if (noted == NULL)
		return NULL;
	parts = palloc(sizeof(BkoParts));
	*parts = *noted;
	parts->part = palloc_extended(parts->n * sizeof(Part), MCXT_ALLOC_HUGE);
	memcpy(parts->part, noted->part, parts->n * sizeof(Part));
	qsort(parts->part, parts->n, sizeof(Part), compare_parts);
	for (int i = 0; i < parts->n; i++)
	{
		Part	   *part = &parts->part[i];

		part->item = DatumGetTextPCopy(PointerGetDatum(part->stock->item));
		part->location = DatumGetTextPCopy(PointerGetDatum(part->stock->location));
	}
	frame->sourcing->parts = parts;
	return parts;
}

/*
 * What went in is about to be counted: from now on nothing is kept for a part
 * until bko_source_went_in() has seen its row.
 */
void
bko_source_recount(BkoFrame *frame)
{
	BkoParts   *parts = frame->sourcing ? frame->sourcing->parts : NULL;

	for (int i = 0; parts && i < parts->n; i++)
		parts->part[i].stock->part_take = parts->part[i].stock->part_waits = 0;
}

/* A row has gone in at a place: so will the further parts of its line. */
void
bko_source_went_in(BkoFrame *frame, const BkoStock *own, int64 line_id, TimestampTz queued_at)
{
	BkoParts   *parts = frame->sourcing->parts;
	Part		key = {0};
	Part	   *part;

	if (parts == NULL)
		return;
	key.line_id = line_id;
	key.queued_at = queued_at;
	key.own = own;
	part = bsearch(&key, parts->part, parts->n, sizeof(Part), compare_rows);
	if (part == NULL)
		return;
	while (part > parts->part && compare_rows(part - 1, &key) == 0)
		part--;
	for (; part < parts->part + parts->n && compare_rows(part, &key) == 0; part++)
	{
		part->went_in = true;
		part->stock->part_take += part->take;
		part->stock->part_waits += part->waits;
	}
}

enum
{
	COL_LINE_ID, COL_ITEM, COL_LOCATION, COL_QTY, COL_QUEUED_AT, NCOLS
};

static const Oid column_types[NCOLS] = {
	INT8OID, TEXTOID, TEXTOID, NUMERICOID, TIMESTAMPTZOID
};

static void
part_row(int i, void *arg, Datum *values, bool *nulls)
{
	const Part *part = ((const Part **) arg)[i];

	values[COL_LINE_ID] = Int64GetDatum(part->line_id);
	values[COL_ITEM] = PointerGetDatum(part->item);
	values[COL_LOCATION] = PointerGetDatum(part->location);
	values[COL_QTY] = NumericGetDatum(bko_qty_to_numeric(part->take + part->waits));
	values[COL_QUEUED_AT] = TimestampTzGetDatum(part->queued_at);
	memset(nulls, false, NCOLS);
	nulls[COL_QUEUED_AT] = !part->given;
}

/*
 * The parts must have gone in as they were decided, or the quantity asked for
 * would not be that of the line's parts any more.
 */
static void
check_inserted(const Part **parts, int n, int ninserted)
{
	for (int i = 0; i < n; i++)
	{
		if (i < ninserted)
		{
			text	   *location = bko_result_text(i, 2);

			if (bko_same_text(location, parts[i]->location) &&
				bko_result_qty(i, 3, "qty_ordered") == parts[i]->take + parts[i]->waits)
				continue;
		}
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("a part of order line " INT64_FORMAT " was kept out or changed: %s of %s",
						parts[i]->line_id, bko_qty_text(parts[i]->take + parts[i]->waits),
						bko_where(parts[i]->item, parts[i]->location)),
				 errhint("A trigger on order_line must let the parts of a line that is split over locations in as they are, and leave the line itself.")));
	}
}

/* Tell place_order() of the parts of its own lines. */
static void
tell_sink(const BkoRun *run, int ninserted)
{
	BkoPartSink *sink = bko_part_sink;

	if (sink == NULL || sink->book != run->book || bko_trigger_depth() != sink->depth + 1)
		return;
	sink->line_id = sink->n ?
		repalloc_huge(sink->line_id, (sink->n + ninserted) * sizeof(int64)) :
		MemoryContextAlloc(sink->cxt, ninserted * sizeof(int64));
	for (int i = 0; i < ninserted; i++)
	{
		bool		isnull;

		sink->line_id[sink->n++] = DatumGetInt64(bko_result(i, 1, &isnull));
	}
}

/*
 * In one of our triggers: was it fired for the further parts of lines?  These are
 * decided at once, also where other lines are split when the transaction commits.
 */
bool
bko_source_inserting(void)
{
	return inserting_depth != 0 && inserting_depth == bko_trigger_depth();
}

static uint64
insert_parts(const BkoRun *run, Datum *args)
{
	int			save_depth = inserting_depth;
	uint64		n = 0;

	inserting_depth = bko_trigger_depth() + 1;
	PG_TRY();
	{
		n = bko_run(run, PLAN_PARTS_INSERT, args, NULL, 0);
	}
	PG_FINALLY();
	{
		inserting_depth = save_depth;
	}
	PG_END_TRY();
	return n;
}

/*
 * Insert the further parts of the lines that went in, at the places that were
 * decided, whose stock rows are still locked.  With the rights of the owner:
 * whoever was let in with the line orders nothing beyond it.  In one statement:
 * what was kept for all of them must not go to others after the first.
 */
void
bko_source_insert_parts(const BkoRun *run, const BkoParts *parts)
{
	const Part **in = palloc_extended(parts->n * sizeof(Part *), MCXT_ALLOC_HUGE);
	Datum		args[NCOLS];
	int			n = 0;
	int			ninserted;

	for (int i = 0; i < parts->n; i++)
		if (parts->part[i].went_in)
			in[n++] = &parts->part[i];
	if (n == 0)
		return;
	bko_column_arrays(args, column_types, NCOLS, n, part_row, in);
	SPI_connect();
	ninserted = insert_parts(run, args);
	check_inserted(in, n, ninserted);
	tell_sink(run, ninserted);
	SPI_finish();
}

/* ---- the table sourcing ---- */

static bool
is_same_name(Datum a, Datum b)
{
	text	   *x = DatumGetTextPP(a);
	text	   *y = DatumGetTextPP(b);

	return bko_same_text(x, y);
}

/*
 * bko.is_location_list(locations): may a sourcing rule have this list?  One or
 * more names of locations, none null, empty or too long, none twice.
 */
Datum
bko_is_location_list(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *names;
	bool	   *nulls;
	int			n;

	if (ARR_NDIM(array) != 1 || ARR_LBOUND(array)[0] != 1)
		PG_RETURN_BOOL(false);
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i] || VARSIZE_ANY_EXHDR(DatumGetPointer(names[i])) == 0 ||
			VARSIZE_ANY_EXHDR(DatumGetPointer(names[i])) > BKO_MAX_NAME)
			PG_RETURN_BOOL(false);
		for (int j = 0; j < i; j++)
			if (is_same_name(names[i], names[j]))
				PG_RETURN_BOOL(false);
	}
	PG_RETURN_BOOL(n > 0);
}
