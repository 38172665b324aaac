/*-------------------------------------------------------------------------
 *
 * reallocate.c
 *	  Backorder processing: reallocate() takes up again the open demand of an
 *	  item at a location, by the strategies that its caller gives to segments
 *	  of the lines.
 *
 * What is left over stays available although lines may wait for it: their
 * strategy passed it up.  It is noted as unassigned, which bko_queue_fill()
 * leaves alone until the stock rises or its queue changes; new lines take it.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(bko_reallocate);

/* Lines that an error names. */
#define MAX_NAMED 10

static const char *const strategy_names[BKO_NSTRATEGIES] = {
	[STRATEGY_WIN] = "win",
	[STRATEGY_GAIN] = "gain",
	[STRATEGY_REDISTRIBUTE] = "redistribute",
	[STRATEGY_FILL] = "fill",
	[STRATEGY_LOSE] = "lose",
	[STRATEGY_SKIP] = "skip",
};

/* What the caller wants. */
typedef struct Request
{
	text	   *item;
	text	   *location;
	char		by;				/* p priority, c customer, d demand */
	Jsonb	   *strategies;
	bool		report;			/* on_shortage */
	bool		dry;
	text	   *reason;
} Request;

/* A line that takes part; its claim has the same index. */
typedef struct RunLine
{
	BkoWaiting	line;
	text	   *order_ref;		/* or NULL */
	text	   *customer;		/* or NULL */
	text	   *segment;
} RunLine;

typedef struct RunLines
{
	int			n;
	RunLine    *lines;
	BkoClaim   *claims;
} RunLines;

/* ---- what the caller wants ---- */

/* Which of some words an argument is; "names" are those words for the hint. */
static int
word_of(const text *arg, const char *argname, const char *const *words, int nwords,
		const char *names)
{
	for (int i = 0; i < nwords; i++)
		if (VARSIZE_ANY_EXHDR(arg) == strlen(words[i]) &&
			memcmp(VARDATA_ANY(arg), words[i], strlen(words[i])) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown %s \"%s\"", argname, bko_show_text(arg)),
			 errhint("It is %s.", names)));
	return -1;
}

static text *
json_text(const JsonbValue *value)
{
	return cstring_to_text_with_len(value->val.string.val, value->val.string.len);
}

static BkoStrategy
strategy_of(const JsonbValue *segment, const JsonbValue *value)
{
	if (value->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the strategy of segment \"%s\" is not a string",
						bko_show_text(json_text(segment))),
				 errhint("It is 'win', 'gain', 'redistribute', 'fill', 'lose' or 'skip'.")));
	return word_of(json_text(value), "strategy", strategy_names, BKO_NSTRATEGIES,
				   "'win', 'gain', 'redistribute', 'fill', 'lose' or 'skip'");
}

/* Can a line be in this segment?  22023 where none ever is: a slip. */
static void
check_segment(const JsonbValue *key, char by)
{
	char	   *name = text_to_cstring(json_text(key));
	char	   *end;
	long		priority;

	if (by == 'c' || strcmp(name, "*") == 0)
		return;
	if (by == 'd' && (strcmp(name, "customer") == 0 || strcmp(name, "internal") == 0))
		return;
	priority = strtol(name, &end, 10);
	if (by == 'p' && priority >= 0 && priority <= PG_INT16_MAX &&
		strcmp(name, psprintf("%ld", priority)) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("no line is in segment \"%s\" by %s", bko_show_text(json_text(key)),
					by == 'd' ? "demand" : "priority"),
			 by == 'd' ? errhint("Segments by demand are 'customer' and 'internal', or '*' for all others.") :
			 errhint("Segments by priority are numbers from 0 to 32767, or '*' for all others.")));
}

#define STRATEGIES_HINT \
	errhint("Give an object of segments and their strategies: '{\"10\": \"win\", \"100\": \"redistribute\", \"*\": \"fill\"}'.")

static void
check_strategies(Jsonb *strategies, char by)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	key;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(strategies) || JB_ROOT_COUNT(strategies) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 JB_ROOT_IS_OBJECT(strategies) ? errmsg("strategies names no segment") :
				 errmsg("strategies is not an object"),
				 STRATEGIES_HINT));
	it = JsonbIteratorInit(&strategies->root);
	(void) JsonbIteratorNext(&it, &key, true);
	while ((token = JsonbIteratorNext(&it, &key, true)) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&it, &value, true);
		check_segment(&key, by);
		(void) strategy_of(&key, &value);
	}
}

/* The arguments, checked.  Raises 22004, 22023. */
static Request
read_request(FunctionCallInfo fcinfo)
{
	static const char *const segments[] = {"priority", "customer", "demand"};
	static const char *const shortages[] = {"fail", "report"};
	Request		request;

	request.item = bko_need_text(fcinfo, 1, "item");
	request.location = bko_need_text(fcinfo, 2, "location");
	request.by = segments[word_of(bko_need_text(fcinfo, 3, "by"), "by", segments,
								  lengthof(segments), "'priority', 'customer' or 'demand'")][0];
	if (PG_ARGISNULL(4))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("strategies is null"),
				 STRATEGIES_HINT));
	request.strategies = PG_GETARG_JSONB_P(4);
	check_strategies(request.strategies, request.by);
	request.report = word_of(bko_need_text(fcinfo, 5, "on_shortage"), "on_shortage", shortages,
							 lengthof(shortages), "'fail' or 'report'") == 1;
	if (PG_ARGISNULL(6))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("dry_run is null"),
				 errhint("It is true or false.")));
	request.dry = PG_GETARG_BOOL(6);
	request.reason = PG_ARGISNULL(7) ? cstring_to_text("reallocate") : PG_GETARG_TEXT_PP(7);
	return request;
}

/* The strategy of a segment; that of "*" where it is not named, else skip. */
static BkoStrategy
find_strategy(const Request *request, const text *segment)
{
	JsonbValue	key;
	JsonbValue *value;

	key.type = jbvString;
	key.val.string.val = VARDATA_ANY(segment);
	key.val.string.len = VARSIZE_ANY_EXHDR(segment);
	value = getKeyJsonValueFromContainer(&request->strategies->root, key.val.string.val,
										 key.val.string.len, NULL);
	if (value == NULL)
		value = getKeyJsonValueFromContainer(&request->strategies->root, "*", 1, NULL);
	return value ? strategy_of(&key, value) : STRATEGY_SKIP;
}

/* ---- the lines ---- */

/*
 * 55000 inside a statement that has decided on the same stock row and has not
 * written it: who has what can't be told before it ends.
 */
static void
check_settled(BkoFrame *frame, BkoStock *stock)
{
	BkoFrame   *other = NULL;
	BkoStock   *share;

	while ((share = bko_frame_other(frame, stock, &other)) != NULL)
	{
		if (!share->unsettled && share->nchanges == 0 && share->d_on_hand == 0 &&
			share->d_allocated == 0 && share->d_backordered == 0)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("reallocate() was called inside a statement that changes the stock of %s",
						bko_where(stock->item, stock->location)),
				 errhint("Call it when the statement has ended: from an AFTER STATEMENT trigger, or later.")));
	}
}

static text *
text_or_null(uint64 row, int column)
{
	bool		isnull;
	Datum		value = bko_result(row, column, &isnull);

	return isnull ? NULL : DatumGetTextPCopy(value);
}

/* The segment of a line that was read. */
static text *
segment_of(const Request *request, const RunLine *line, uint64 row)
{
	if (request->by == 'p')
		return cstring_to_text(psprintf("%d", line->line.priority));
	if (request->by == 'd')
		return text_or_null(row, 10);
	return line->customer ? line->customer : cstring_to_text("");
}

/*
 * Lock the open lines of a stock row that are not held and read those that
 * take part, in fill order, SPI being connected.
 */
static RunLines
read_lines(BkoFrame *frame, BkoStock *stock, const Request *request)
{
	RunLines	run;
	Datum		args[3];
	uint64		n;

	args[0] = PointerGetDatum(stock->item);
	args[1] = PointerGetDatum(stock->location);
	args[2] = CharGetDatum(stock->rule);
	(void) bko_whole_open(frame);
	if (!frame->dry)
		(void) bko_run(&frame->run, PLAN_REALLOCATE_LOCK, args, NULL, 0);
	n = bko_run(&frame->run, PLAN_REALLOCATE_LINES, args, NULL, 0);

	run.n = 0;
	run.lines = palloc_extended(Max(n, 1) * sizeof(RunLine), MCXT_ALLOC_HUGE);
	run.claims = palloc_extended(Max(n, 1) * sizeof(BkoClaim), MCXT_ALLOC_HUGE);
	for (uint64 i = 0; i < n; i++)
	{
		RunLine    *line = &run.lines[run.n];
		BkoClaim   *claim = &run.claims[run.n];

		line->line = bko_queue_line(frame, i);
		line->order_ref = text_or_null(i, 7);
		line->customer = text_or_null(i, 9);
		line->segment = segment_of(request, line, i);
		claim->strategy = find_strategy(request, line->segment);
		claim->open = line->line.allocated + line->line.open;
		claim->has = line->line.allocated;
		if (claim->strategy != STRATEGY_SKIP)
			run.n++;
	}
	SPI_freetuptable(SPI_tuptable);
	return run;
}

/* ---- who gets what ---- */

/* The lines whose floor is missed, the first few of them; palloc'd. */
static char *
missed_floors(const RunLines *run)
{
	StringInfoData buf;
	int			n = 0;

	initStringInfo(&buf);
	for (int i = 0; i < run->n; i++)
	{
		const BkoClaim *claim = &run->claims[i];
		const RunLine *line = &run->lines[i];

		if (claim->missing == 0 || ++n > MAX_NAMED)
			continue;
		appendStringInfo(&buf, "%sLine " INT64_FORMAT, n > 1 ? "\n" : "", line->line.line_id);
		if (line->order_ref)
			appendStringInfo(&buf, " of order \"%s\"", bko_show_text(line->order_ref));
		appendStringInfo(&buf, " (%s) must have %s and would get %s.",
						 strategy_names[claim->strategy], bko_qty_text(bko_floor(claim)),
						 bko_qty_text(claim->gets));
	}
	if (n > MAX_NAMED)
		appendStringInfo(&buf, "\nAnd %d more.", n - MAX_NAMED);
	return buf.data;
}

/* 55000 where floors are missed. */
static void
check_floors(const RunLines *run, const BkoStock *stock, BkoQty pool)
{
	BkoQty		needed = 0;
	bool		missed = false;

	for (int i = 0; i < run->n; i++)
	{
		needed += bko_floor(&run->claims[i]);
		missed = missed || run->claims[i].missing > 0;
	}
	if (missed)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 needed > pool ?
				 errmsg("%s is short: %s needed by lines that win or gain, %s there",
						bko_where(stock->item, stock->location), bko_qty_text(needed),
						bko_qty_text(pool)) :
				 errmsg("caps or protected quantities of %s leave less than the %s needed by lines that win or gain",
						bko_where(stock->item, stock->location), bko_qty_text(needed)),
				 errdetail("%s", missed_floors(run)),
				 errhint("Give some of these lines another strategy; on_shortage => 'report' gives what there is, in fill order.")));
}

/* Caps and protected quantities, as they are used up while lines gain. */
typedef struct RunRoom
{
	const RunLines *run;
	BkoLimit   *limits;
	int			nlimits;
	int			last;			/* line that was asked for last, or -1 */
	BkoQty		counted;		/* what it had gained by then */
} RunRoom;

static BkoQty
gained(const BkoClaim *claim)
{
	return Max(claim->gets - claim->has, 0);
}

/*
 * What a line may gain of a pool.  What others of its group lose in the same
 * run doesn't count for their caps before the run has ended.
 */
static BkoQty
room_of(int line, BkoQty pool, void *arg)
{
	RunRoom    *room = arg;
	const BkoWaiting *who;

	if (room->last >= 0)
	{
		who = &room->run->lines[room->last].line;
		bko_room_take(room->limits, room->nlimits, who->priority, who->group,
					  gained(&room->run->claims[room->last]) - room->counted);
	}
	room->last = line;
	room->counted = gained(&room->run->claims[line]);
	who = &room->run->lines[line].line;
	return bko_room(room->limits, room->nlimits, who->priority, who->group, pool);
}

/* The same for a stock row that has limits; false: it has none. */
static bool
make_room(BkoFrame *frame, BkoStock *stock, RunLines *run, RunRoom *room)
{
	int64	   *ids;
	text	  **groups;

	if (stock->nlimits == 0)
		return false;
	ids = palloc_extended((run->n + 1) * sizeof(int64), MCXT_ALLOC_HUGE);
	groups = palloc_extended((run->n + 1) * sizeof(text *), MCXT_ALLOC_HUGE);
	for (int i = 0; i < run->n; i++)
		ids[i] = run->lines[i].line.line_id;
	bko_limit_groups(&frame->run, stock->item, ids, run->n, false, groups);
	for (int i = 0; i < run->n; i++)
		run->lines[i].line.group = groups[i];
	room->run = run;
	room->nlimits = stock->nlimits;
	room->limits = palloc(stock->nlimits * sizeof(BkoLimit));
	memcpy(room->limits, stock->limits, stock->nlimits * sizeof(BkoLimit));
	room->last = -1;
	return true;
}

/* Decide who gets what; returns what is left over. */
static BkoQty
decide(BkoFrame *frame, BkoStock *stock, RunLines *run, bool report)
{
	BkoQty		pool = bko_stock_available(frame, stock);
	BkoQty		left;
	RunRoom		room;
	bool		limited = make_room(frame, stock, run, &room);

	for (int i = 0; i < run->n; i++)
		pool += run->claims[i].has;
	left = bko_reassign(run->claims, run->n, pool, stock->step, limited ? room_of : NULL, &room);
	if (!report)
		check_floors(run, stock, pool);
	return left;
}

/*
 * Take from the lines that lose, give to those that gain, and keep what is
 * left over from those that still wait.
 */
static void
carry_out(BkoFrame *frame, BkoStock *stock, const RunLines *run, BkoQty left)
{
	for (int i = 0; i < run->n; i++)
	{
		const BkoClaim *claim = &run->claims[i];

		if (claim->gets < claim->has)
			bko_queue_lose(frame, stock, &run->lines[i].line, claim->has - claim->gets);
	}
	for (int i = 0; i < run->n; i++)
	{
		const BkoClaim *claim = &run->claims[i];

		if (claim->gets > claim->has)
			bko_queue_gain(frame, stock, &run->lines[i].line, claim->gets - claim->has);
	}
	stock->requeued = (stock->nchanges > 0);
	stock->leaves = true;
	stock->left_over = (bko_whole_steps(left, stock->step) > 0 &&
						bko_stock_backordered(frame, stock) > 0) ? left : 0;
}

/* What was decided, as rows of bko.reallocation. */
static void
return_lines(FunctionCallInfo fcinfo, const RunLines *run)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	for (int i = 0; i < run->n; i++)
	{
		const RunLine *line = &run->lines[i];
		const BkoClaim *claim = &run->claims[i];
		Datum		values[9];
		bool		nulls[9] = {false};

		values[0] = Int64GetDatum(line->line.line_id);
		values[1] = PointerGetDatum(line->order_ref);
		nulls[1] = (line->order_ref == NULL);
		values[2] = PointerGetDatum(line->customer);
		nulls[2] = (line->customer == NULL);
		values[3] = PointerGetDatum(line->segment);
		values[4] = CStringGetTextDatum(strategy_names[claim->strategy]);
		values[5] = NumericGetDatum(bko_qty_to_numeric(claim->open));
		values[6] = NumericGetDatum(bko_qty_to_numeric(claim->has));
		values[7] = NumericGetDatum(bko_qty_to_numeric(claim->gets));
		values[8] = NumericGetDatum(bko_qty_to_numeric(claim->missing));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

/*
 * bko.reallocate(book, item, location, by, strategies, on_shortage, dry_run,
 * reason): see above.  Returns the lines that took part, in fill order, as rows
 * of bko.reallocation.  Raises BK001, 22004, 22023, and 55000 where the stock is
 * not enough for what strategies promise.
 */
Datum
bko_reallocate(PG_FUNCTION_ARGS)
{
	BkoRun		book = bko_function_run(fcinfo);
	Request		request = read_request(fcinfo);
	BkoFrame   *frame;
	BkoStock   *stock;
	RunLines	run;
	BkoQty		left;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	frame = bko_function_frame(&book, request.reason);
	frame->dry = request.dry;
	stock = bko_stock_touch(frame, request.item, request.location);
	(void) bko_stock_gather(frame, stock, BKO_QTY_MAX);
	check_settled(frame, stock);
	run = read_lines(frame, stock, &request);
	left = decide(frame, stock, &run, request.report);
	return_lines(fcinfo, &run);
	if (!request.dry)
	{
		carry_out(frame, stock, &run, left);
		return bko_function_done(frame);
	}
	bko_frame_close(frame);
	bko_epoch_next();			/* what was read without a lock is worth nothing */
	SPI_finish();
	return (Datum) 0;
}
