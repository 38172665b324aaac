/*-------------------------------------------------------------------------
 *
 * bko.h
 *	  Types and functions that the files of bko share.
 *
 * The files depend on each other in one direction only, from the bottom:
 *
 *	  qty, split, room, peg, bounds, cause
 *						quantities and arithmetic; know nothing of tables
 *	  forecast, accuracy, inventory
 *						statistics of demand; know nothing of tables or quantities
 *	  error				the errors BK001 to BK009
 *	  book, plan		which book, its columns, its kept plans
 *	  seek				a row that is read without a statement
 *	  store				rows that are stored without a statement
 *	  rewrite			rows that are changed without a statement
 *	  frame				what a statement has decided and not yet written
 *	  journal			rows for the table movement
 *	  shortage			facts to record when something is short
 *	  due				which orders may have become whole
 *	  limit				caps and protected quantities of a stock row
 *	  lock				waiting for a stock row
 *	  lane				the rows that a hot stock row is split in
 *	  stock				a stock row under its lock
 *	  queue				who is filled, who is released
 *	  confirm			rows that may still be kept out
 *	  line				what can happen to one line
 *	  source			where a line goes that names no location
 *	  supply			which supply a receipt is delivered on
 *	  settle			what every statement does before it ends
 *	  pending			lines that are split when the transaction commits
 *	  whole_order		orders that ship as a whole
 *	  trigger			what trigger functions share
 *	  order_line, stock_trigger, receipt, limit_trigger, guard
 *						triggers, one file per table
 *	  attach			tables of an application that the engine works behind
 *	  attach_order, attach_stock
 *						their triggers
 *	  function			what functions share
 *	  line_function, order_function, transfer, stock_function, lane_function,
 *	  promise, reallocate, rebuild, archive, report, attach_function, install
 *						functions
 *	  language			functions of a book that are called without planning
 *
 *-------------------------------------------------------------------------
 */
#ifndef BKO_H
#define BKO_H

#include "compat.h"

#include "commands/trigger.h"
#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "parser/parse_coerce.h"
#include "utils/date.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

/* Version of the tables that this code serves; see bko.upgrade_book(). */
#define BKO_BOOK_VERSION 1

/* Longest name of an item or location, in bytes: it must fit an index. */
#define BKO_MAX_NAME 1000

/* No line, receipt or supply line: 0 may be one. */
#define BKO_NO_ID PG_INT64_MIN

/* Names are compared by their bytes: the default collation is deterministic. */
static inline bool
bko_same_text(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/* The same order as that of COLLATE "C", in which stock rows are locked. */
static inline int
bko_compare_texts(const text *a, const text *b)
{
	int			alen = VARSIZE_ANY_EXHDR(a);
	int			blen = VARSIZE_ANY_EXHDR(b);
	int			cmp = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(alen, blen));

	return cmp != 0 ? cmp : alen - blen;
}

/* ---- qty.c: quantities are counted in millionths, in an int64 ---- */

typedef int64 BkoQty;

#define BKO_UNIT		INT64CONST(1000000)
#define BKO_QTY_MAX		INT64CONST(999999999999999999)

extern bool bko_qty_from_numeric(Numeric num, BkoQty *qty);
extern Numeric bko_qty_to_numeric(BkoQty qty);
extern char *bko_qty_text(BkoQty qty);
extern bool bko_qty_add(BkoQty a, BkoQty b, BkoQty *sum);

/* ---- split.c: arithmetic on quantities ---- */

extern BkoQty bko_whole_steps(BkoQty qty, BkoQty step);
extern BkoQty bko_take(BkoQty open, BkoQty available, BkoQty step);
extern BkoQty bko_give_up(BkoQty held, BkoQty needed, BkoQty step);
extern BkoQty bko_share_unit(BkoQty pool, const BkoQty *open, int n, BkoQty step);
extern BkoQty bko_lane_share(BkoQty pool, int n, BkoQty step, BkoQty sought);
extern void bko_fair_shares(BkoQty pool, const BkoQty *open, int n, BkoQty unit,
							BkoQty *shares);

/* ---- room.c: what caps and protected quantities leave for a line ---- */

typedef enum BkoLimitKind
{
	BKO_CAP,
	BKO_PROTECTION
} BkoLimitKind;

/* A cap or a protected quantity of a stock row. */
typedef struct BkoLimit
{
	BkoLimitKind kind;
	int64		id;				/* of the row that it was read from */
	text	   *group;			/* of customers, or NULL: by priority */
	int32		priority;
	BkoQty		qty;
	char		period;			/* of a cap: d, w, m, q, y, or e for ever */
	DateADT		begins;			/* of a cap: first day of its period */
	BkoQty		used;			/* of a cap: taken in that period */
	BkoQty		taken;			/* of it, what a frame has not yet written */
	bool		rolled;			/* of a cap: its period has begun anew */
} BkoLimit;

extern bool bko_room_is_for(const BkoLimit *limit, int32 priority, const text *group);
extern BkoQty bko_room_kept(const BkoLimit *limits, int n, int32 priority, const text *group);
extern DateADT bko_room_period(char period, DateADT day);

extern BkoQty bko_room(const BkoLimit *limits, int n, int32 priority, const text *group,
					   BkoQty available);
extern BkoQty bko_room_bought(const BkoLimit *limits, int n, int32 priority, const text *group,
							  BkoQty qty);
extern void bko_room_take(BkoLimit *limits, int n, int32 priority, const text *group, BkoQty qty);
extern void bko_room_day(BkoLimit *limits, int n, DateADT day);

/* ---- peg.c: supply laid against the queue ---- */

#define BKO_NOT_COVERED (-2)	/* nothing known completes the line */
#define BKO_COVERED_NOW (-1)	/* what is available does */

/* A waiting line, and what will become of it. */
typedef struct BkoPegLine
{
	int64		line_id;
	int32		priority;
	DateADT		requested_on;	/* none: DATEVAL_NOEND */
	TimestampTz queued_at;
	BkoQty		open;
	bool		held;			/* keeps its place, takes nothing */
	text	   *group;			/* of its customer, or NULL */

	int			place;			/* 1 is next */
	BkoQty		ahead;			/* what lines before it wait for */
	BkoQty		missing;		/* what no supply covers */
	int			first;			/* its pegs, or -1 */
	int			last;
	int			completed_by;	/* a supply, BKO_COVERED_NOW or BKO_NOT_COVERED */
} BkoPegLine;

/* Supply still to come. */
typedef struct BkoPegSupply
{
	int64		supply_id;
	text	   *ref;
	DateADT		expected_on;	/* unknown: DATEVAL_NOEND */
	int64		for_line;		/* bought for that line, or BKO_NO_ID */
	BkoQty		missing;		/* still to come */
	BkoQty		left;			/* of what has come */
} BkoPegSupply;

/* What a line will get of a supply. */
typedef struct BkoPeg
{
	int			supply;
	BkoQty		qty;
	int			next;			/* of the same line, or -1 */
} BkoPeg;

typedef struct BkoPegKey
{
	int64		line_id;
	int			line;
} BkoPegKey;

/* The queue of an item at a location, and its supply. */
typedef struct BkoPegs
{
	BkoPegLine *lines;
	int			nlines;
	BkoPegSupply *supplies;
	int			nsupplies;
	BkoQty		available;
	BkoQty		unassigned;		/* of it, what lines pass up until stock rises */
	BkoQty		backordered;	/* by the stock row */
	BkoQty		limit;			/* backorder_limit, -1: none */
	BkoQty		step;
	char		rule;
	BkoLimit   *limits;
	int			nlimits;

	BkoPeg	   *pegs;
	int			npegs;
	int			maxpegs;
	BkoPegKey  *keys;			/* lines by their number */

	BkoQty		there;			/* of what has come in */
	int			oldest;			/* supply of which something may be left */
	int			next;			/* first line that may still wait */
} BkoPegs;

extern void bko_peg(BkoPegs *pegs);
extern BkoPegLine *bko_peg_line(BkoPegs *pegs, int64 line_id);
extern int	bko_compare_supplies(const void *a, const void *b);

/* ---- bounds.c: backorder processing; each strategy is a floor and a ceiling ---- */

/* In the order in which lines are served. */
typedef enum BkoStrategy
{
	STRATEGY_WIN, STRATEGY_GAIN, STRATEGY_REDISTRIBUTE, STRATEGY_FILL, STRATEGY_LOSE,
	STRATEGY_SKIP, BKO_NSTRATEGIES
} BkoStrategy;

/* A line whose open demand is taken up again. */
typedef struct BkoClaim
{
	BkoStrategy strategy;
	BkoQty		open;			/* allocated and backordered */
	BkoQty		has;			/* allocated now */
	BkoQty		gets;			/* out: what it ends up with */
	BkoQty		missing;		/* out: by how much its floor was missed */
} BkoClaim;

/*
 * How much of the pool that is left a line may gain at most, above what it has
 * now; lines count from 0.
 */
typedef BkoQty (*BkoRoom) (int line, BkoQty pool, void *arg);

extern BkoQty bko_floor(const BkoClaim *claim);
extern BkoQty bko_reassign(BkoClaim *claims, int n, BkoQty pool, BkoQty step,
						   BkoRoom room, void *arg);
/* ---- forecast.c: what aggregates share ---- */

/* The last values, of a number that is fixed at first. */
typedef struct BkoRing
{
	int32		size;
	int32		filled;
	int32		next;			/* where the next one goes */
	int32		room;			/* allocated, up to size */
	double	   *values;
} BkoRing;

extern void *bko_aggregate_state(FunctionCallInfo fcinfo, Size size, bool *first,
								 MemoryContext *cxt);
extern void bko_count_parameter(FunctionCallInfo fcinfo, int arg, const char *name, bool first,
								int32 *kept);
extern void bko_ring_init(BkoRing *ring, int32 size, MemoryContext cxt);
extern void bko_ring_add(BkoRing *ring, double value);
extern double bko_ring_oldest(const BkoRing *ring);

/* ---- error.c ---- */

#define ERRCODE_BKO_NOT_STOCKED			MAKE_SQLSTATE('B','K','0','0','1')
#define ERRCODE_BKO_BACKORDER_REFUSED	MAKE_SQLSTATE('B','K','0','0','2')
#define ERRCODE_BKO_KEPT_COLUMN			MAKE_SQLSTATE('B','K','0','0','3')
#define ERRCODE_BKO_LINE_SHIPPED		MAKE_SQLSTATE('B','K','0','0','4')
#define ERRCODE_BKO_BELOW_ZERO			MAKE_SQLSTATE('B','K','0','0','5')
#define ERRCODE_BKO_QUANTITY			MAKE_SQLSTATE('B','K','0','0','6')
#define ERRCODE_BKO_SUPPLY				MAKE_SQLSTATE('B','K','0','0','7')
#define ERRCODE_BKO_NO_LINE				MAKE_SQLSTATE('B','K','0','0','8')
#define ERRCODE_BKO_BOOK				MAKE_SQLSTATE('B','K','0','0','9')

extern char *bko_show_text(const text *str);
extern char *bko_where(const text *item, const text *location);
extern BkoQty bko_check_qty(Datum value, bool isnull, const char *column,
							const text *item, const text *location);
extern BkoQty bko_check_positive(Datum value, bool isnull, const char *column,
								 const text *item, const text *location);
extern BkoQty bko_stored_qty(Datum value, bool isnull, const char *column);
extern BkoQty bko_sum(BkoQty a, BkoQty b, const char *what,
					  const text *item, const text *location);
extern void bko_kept_column(const char *column, Relation rel) pg_attribute_noreturn();

/* ---- book.c ---- */

typedef enum BkoTable
{
	BKO_STOCK,
	BKO_ORDER_LINE,
	BKO_SUPPLY,
	BKO_RECEIPT,
	BKO_MOVEMENT,
	BKO_CAP_TABLE,
	BKO_PROTECTION_TABLE,
	BKO_GROUP_TABLE,
	BKO_LANE_TABLE,
	BKO_NTABLES
} BkoTable;

enum BkoStockColumn
{
	STOCK_ITEM, STOCK_LOCATION, STOCK_ON_HAND, STOCK_ALLOCATED, STOCK_BACKORDERED,
	STOCK_QTY_STEP, STOCK_BACKORDER_LIMIT, STOCK_FILL_RULE, STOCK_SHIPS_AT_ONCE,
	STOCK_LAST_QUEUED_AT, STOCK_SAFETY_STOCK, STOCK_LIMITED, STOCK_UNASSIGNED, STOCK_LANES,
	STOCK_LANED, STOCK_NCOLUMNS
};

enum BkoLineColumn
{
	LINE_ID, LINE_ITEM, LINE_LOCATION, LINE_PRIORITY, LINE_SHIP_POLICY, LINE_REQUESTED_ON,
	LINE_QTY_ORDERED, LINE_QTY_SHIPPED, LINE_QTY_ALLOCATED, LINE_QTY_BACKORDERED,
	LINE_QTY_CANCELLED, LINE_QTY_RETURNED, LINE_QTY_FILLED_FIRST, LINE_QUEUED_AT,
	LINE_CLOSED_AT, LINE_ORDER_REF, LINE_HELD, LINE_CUSTOMER, LINE_NO, LINE_DEMAND,
	LINE_UNIT_PRICE, LINE_CURRENCY, LINE_PAYMENT_DAYS, LINE_ORDERED_AT, LINE_ATTACHED_ID,
	LINE_ATTACHED_KEY, LINE_PENDING, LINE_NCOLUMNS
};

enum BkoSupplyColumn
{
	SUPPLY_ID, SUPPLY_REF, SUPPLY_ITEM, SUPPLY_LOCATION, SUPPLY_QTY_EXPECTED,
	SUPPLY_QTY_RECEIVED, SUPPLY_PROMISED_ON, SUPPLY_EXPECTED_ON, SUPPLY_FOR_LINE,
	SUPPLY_CLOSED, SUPPLY_CLOSED_ON, SUPPLY_NCOLUMNS
};

enum BkoReceiptColumn
{
	RECEIPT_ID, RECEIPT_SUPPLY_REF, RECEIPT_SUPPLY_ID, RECEIPT_ITEM, RECEIPT_LOCATION,
	RECEIPT_QTY, RECEIPT_TO_BACKORDERS, RECEIPT_TO_STOCK, RECEIPT_NCOLUMNS
};

enum BkoMovementColumn
{
	MOVEMENT_ID, MOVEMENT_AT, MOVEMENT_KIND, MOVEMENT_FROM_STATE, MOVEMENT_TO_STATE,
	MOVEMENT_ITEM, MOVEMENT_LOCATION, MOVEMENT_QTY, MOVEMENT_LINE_ID, MOVEMENT_RECEIPT_ID,
	MOVEMENT_SUPPLY_ID, MOVEMENT_REASON, MOVEMENT_BY_ROLE, MOVEMENT_NCOLUMNS
};

enum BkoCapColumn
{
	CAP_ID, CAP_ITEM, CAP_LOCATION, CAP_GROUP, CAP_PRIORITY, CAP_QTY, CAP_SINCE, CAP_PERIOD,
	CAP_PERIOD_BEGINS, CAP_QTY_USED, CAP_NCOLUMNS
};

/* As far as a protected quantity has them, its columns are those of a cap. */
enum BkoProtectionColumn
{
	PROTECTION_NCOLUMNS = CAP_SINCE + 1
};

enum BkoGroupColumn
{
	GROUP_CUSTOMER, GROUP_NAME, GROUP_SINCE, GROUP_NCOLUMNS
};

enum BkoLaneColumn
{
	LANE_ITEM, LANE_LOCATION, LANE_NUMBER, LANE_QTY, LANE_QTY_STEP, LANE_SHIPS_AT_ONCE,
	LANE_LAST_QUEUED_AT, LANE_NCOLUMNS
};

#define BKO_MAX_COLUMNS 28

typedef enum BkoPlanId
{
	PLAN_BOOK,
	PLAN_STOCK_LOCK,
	PLAN_STOCK_LOOK,
	PLAN_STOCK_WRITE,
	PLAN_STOCK_WRITE_MANY,
	PLAN_STOCK_ASSIGN,
	PLAN_STOCK_WRITE_LANED,
	PLAN_STOCK_GATHER,
	PLAN_LANES_HAVE,
	PLAN_LANE_READ,
	PLAN_LANE_WRITE,
	PLAN_LANES_LOCK,
	PLAN_LANES_LOCK_FREE,
	PLAN_LANES_FILL,
	PLAN_LANES_ADD,
	PLAN_LANES_DROP,
	PLAN_STOCK_LANES,
	PLAN_LANES_LEFT,
	PLAN_BOOK_LOCK,
	PLAN_STOCK_ATTACHED,
	PLAN_BOOK_LANES,
	PLAN_LINE_CONFIRM,
	PLAN_RECEIPT_CONFIRM,
	PLAN_QUEUE_HEAD,
	PLAN_QUEUE_NEXT,
	PLAN_QUEUE_LINE,
	PLAN_ALLOCATED_LAST,
	PLAN_LINES_WRITE,
	PLAN_JOURNAL_ONE,
	PLAN_JOURNAL_MANY,
	PLAN_SUPPLY_OPEN,
	PLAN_SUPPLY_WRITE,
	PLAN_SUPPLY_NAMED,
	PLAN_RECEIPT_INSERT,
	PLAN_DOCUMENT_KNOWN,
	PLAN_ORDER_WAITS,
	PLAN_FILLED_LINES,
	PLAN_OPEN_LINES,
	PLAN_STOCK_LEFT,
	PLAN_TRUNCATE_LINES,
	PLAN_STOCK_READ,
	PLAN_QUEUE_BY_DATE,
	PLAN_QUEUE_BY_QUANTITY,
	PLAN_ALLOCATED_LAST_BY_DATE,
	PLAN_LINE_PLACE,
	PLAN_LINE_AT,
	PLAN_ORDER_PLACES,
	PLAN_LINE_LOCK,
	PLAN_LINE_WRITE,
	PLAN_PENDING_OWN,
	PLAN_PENDING_ALL,
	PLAN_LINES_SPLIT,
	PLAN_DUE_INSERT,
	PLAN_WHOLE_OPEN,
	PLAN_DUE_READ,
	PLAN_DUE_CLEAR,
	PLAN_DUE_LINES,
	PLAN_COUNT,
	PLAN_RECEIPT_READ,
	PLAN_RECEIVED_ON,
	PLAN_LINES_INSERT,
	PLAN_LINES_PLACED,
	PLAN_READ_KEY,
	PLAN_PEG_LINES,
	PLAN_PEG_HELD,
	PLAN_PEG_ALONE,
	PLAN_PEG_SUPPLY,
	PLAN_SUPPLY_PLACES,
	PLAN_SHORTAGE_ONE,
	PLAN_SHORTAGE_MANY,
	PLAN_LIMITS,
	PLAN_GROUP_OF,
	PLAN_LINE_GROUPS,
	PLAN_LINE_USED,
	PLAN_CAP_USED,
	PLAN_CAP_WRITE,
	PLAN_CAP_SET,
	PLAN_STOCK_LIMITED,
	PLAN_GROUP_PLACES,
	PLAN_LIMITED_PLACES,
	PLAN_ORDER_LOCK,
	PLAN_SOURCES,
	PLAN_SOURCED,
	PLAN_PARTS_INSERT,
	PLAN_REF_KNOWN,
	PLAN_TRANSFER_LINE,
	PLAN_TRANSFER_SUPPLY,
	PLAN_TRANSFER_READ,
	PLAN_TRANSFER_REDUCE,
	PLAN_REBUILD_LINES,
	PLAN_REBUILD_LIMITED,
	PLAN_REBUILD_UNKNOWN,
	PLAN_REBUILD_GONE,
	PLAN_REBUILD_SUPPLY,
	PLAN_REBUILD_DUE,
	PLAN_REBUILD_PLACES,
	PLAN_REBUILD_LANES,
	PLAN_REBUILD_LANES_GONE,
	PLAN_REBUILD_STOCK,
	PLAN_ARCHIVE_TURN,
	PLAN_ARCHIVE_PICK,
	PLAN_ARCHIVE_OPEN_ORDERS,
	PLAN_ARCHIVE_LOCK,
	PLAN_ARCHIVE_READY,
	PLAN_ARCHIVE_JOURNAL,
	PLAN_ARCHIVE_LINES,
	PLAN_ARCHIVED,
	PLAN_TRANSFER_ARCHIVED,
	PLAN_REALLOCATE_LOCK,
	PLAN_REALLOCATE_LINES,
	PLAN_ATTACHED,
	PLAN_ATTACHED_RELATION,
	PLAN_ATTACHED_STOCKS,
	PLAN_ATTACHED_SHOWN,
	PLAN_ATTACHED_KNOWN,
	PLAN_ATTACHED_LINE,
	PLAN_ATTACHED_ARCHIVED,
	PLAN_ATTACHED_INSERT,
	PLAN_ATTACHED_UPDATE,
	PLAN_ATTACHED_DELETE,
	PLAN_ATTACHED_UNCHANGED,
	PLAN_ATTACHED_UNKEY,
	PLAN_ATTACHED_OPEN,
	PLAN_ATTACHED_FREE,
	PLAN_ATTACHED_FREE_ARCHIVED,
	BKO_NPLANS
} BkoPlanId;

/* Where the columns of a table of a book are in one relation. */
typedef struct BkoColumns
{
	Oid			relid;			/* InvalidOid: to be looked up */
	AttrNumber	attno[BKO_MAX_COLUMNS];
	bool		plain_known;	/* the next two are looked up; see store.c */
	bool		plain;			/* rows may be stored without the executor */
	Oid			sequence;		/* behind its identity column */
	bool		rewriting_known;	/* the next is looked up; see rewrite.c */
	struct BkoRewriting *rewriting;
} BkoColumns;

/* A book as this session knows it; lives until the session ends. */
typedef struct BkoBook
{
	Oid			nspoid;			/* hash key */
	bool		valid;			/* name and settings are current */
	char	   *prefix;			/* quoted schema name and a point */
	Oid			book_relid;		/* its table "book" */
	int			version;
	BkoColumns	columns[BKO_NTABLES];
	char	   *time_zone;		/* in which it counts days */
	bool		record_shortages;
	bool		lanes;			/* some stock row has lanes */
	bool		stock_attached;	/* the application has its stock in a table of its own */
	bool		at_commit;		/* lines are split when the transaction commits */
	uint64		pending_xid;	/* the last transaction of this session with such lines */
	uint64		npended;		/* how many it had, over all of its time */
	uint64		split_at;		/* npended, and the epoch, when all were split last */
	uint64		split_epoch;
	uint64		due_xid;		/* the last one that put orders into order_due */
	char	   *plan_path;		/* search_path under which plans were made */
	SPIPlanPtr	plans[BKO_NPLANS];
} BkoBook;

/* On whose behalf the engine works: a book, with the rights of an owner. */
typedef struct BkoRun
{
	BkoBook    *book;
	Oid			owner;
} BkoRun;

extern void bko_book_init(void);
extern BkoRun bko_book_of_table(Relation rel);
extern BkoRun bko_book_of_regclass(Oid book_relid);
extern BkoRun bko_book_of_schema(Oid nspoid);
extern const AttrNumber *bko_columns(BkoBook *book, BkoTable table, Relation rel);
extern const char *bko_table_name(BkoTable table);
extern bool bko_is_column(const char *table, const char *name);
extern const char *bko_column_name(BkoTable table, int column);
extern Oid	bko_column_type(BkoTable table, int column);
extern int	bko_column_count(BkoTable table);
extern char *bko_part_columns(const BkoBook *book);
extern char *bko_archive_columns(const BkoBook *book, BkoTable table);

/* ---- plan.c ---- */

extern void bko_plan_at_commit(void);
extern void bko_plan_forget(BkoBook *book);
extern uint64 bko_run(const BkoRun *run, BkoPlanId id, Datum *values,
					  const char *nulls, long limit);
extern SPIPlanPtr bko_keep_plan(const BkoRun *run, const char *sql, int nargs,
								const Oid *types, bool whole);
extern uint64 bko_run_plan(const BkoRun *run, SPIPlanPtr plan, Datum *values,
						   const char *nulls, long limit, bool writing);
extern uint64 bko_run_latest(const BkoRun *run, BkoPlanId id, Datum *values, const char *nulls);
extern uint64 bko_run_stable(const BkoRun *run, BkoPlanId id, Datum *values,
							 const char *nulls);
extern uint64 bko_run_as_caller(const BkoRun *run, BkoPlanId id, Datum *values,
								const char *nulls);
extern int	bko_trigger_depth(void);
extern bool bko_engine_writing(void);
extern Datum bko_array(Datum *values, bool *nulls, int n, Oid type);
extern void bko_column_arrays(Datum *arrays, const Oid *types, int ncols, int n,
							  void (*row) (int i, void *arg, Datum *values, bool *nulls),
							  void *arg);
extern Datum bko_result(uint64 row, int column, bool *isnull);
extern void bko_result_row(int i, void *arg, Datum *values, bool *nulls);
extern text *bko_result_text(uint64 row, int column);
extern BkoQty bko_result_qty(uint64 row, int column, const char *name);

/* ---- seek.c ---- */

typedef enum BkoSought
{
	BKO_RUN_STATEMENT,			/* the table isn't one to be read without */
	BKO_ABSENT,
	BKO_FOUND
} BkoSought;

extern BkoSought bko_seek(const BkoRun *run, BkoTable table, int item_column, const text *item,
						  int location_column, const text *location, int wanted,
						  Datum *value, bool *isnull);

/* ---- store.c ---- */

/* Sets the values of a row that is stored, by the numbers of its columns. */
typedef void (*BkoFill) (int64 row, void *arg, const BkoColumns *columns, Datum *values,
						 bool *nulls);

extern bool bko_store(const BkoRun *run, BkoTable table, int64 n, BkoFill fill, void *arg);
extern bool bko_has_triggers_only(Relation rel, int16 event, const char *const *functions, int n);

/* ---- rewrite.c ---- */

extern bool bko_rewrite(const BkoRun *run, BkoTable table, const int *changed, int nchanged,
						const ItemPointerData *tids, int n, BkoFill fill, void *arg);

/* ---- frame.c ---- */

typedef struct BkoStock BkoStock;
typedef struct BkoFrame BkoFrame;

/* What a row of the statement, not yet known to have gone in, has taken. */
typedef struct BkoTaken
{
	int64		id;				/* line_id or receipt_id */
	int64		row;			/* of the statement, from 0 */
	TimestampTz queued_at;		/* a line: tells it from one that was there before */
	BkoQty		on_hand;
	BkoQty		allocated;
	BkoQty		backordered;
	int32		priority;		/* a line: whose caps it has used */
	text	   *group;
	int			nchanges;		/* a receipt: what the stock row had before it */
	int			narrivals;
	bool		assign_all;
	BkoQty		part_take;		/* a line: what it will have here by a further part */
	BkoQty		part_waits;
} BkoTaken;

/* A line that waits, as read from the queue. */
typedef struct BkoWaiting
{
	int64		line_id;
	int32		priority;
	TimestampTz queued_at;
	BkoQty		open;
	BkoQty		allocated;
	char		policy;			/* p partial, l line, o order */
	text	   *order_ref;		/* where its order may become whole */
	text	   *group;			/* of its customer, where the stock row has limits */
	bool		aside;			/* read out of turn, for supply bought for it */

	/* decided and not yet written: what to add to the line */
	BkoQty		d_shipped;
	BkoQty		d_allocated;
	BkoQty		d_backordered;
} BkoWaiting;

/* A decided change of a line, to be written when the statement ends. */
typedef struct BkoChange
{
	int64		line_id;
	BkoStock   *stock;
	BkoQty		shipped;		/* what to add to the line's columns */
	BkoQty		allocated;
	BkoQty		backordered;
	int64		receipt_id;		/* of a fill: where it came from, or BKO_NO_ID */
	int			waiting;		/* of a fill: index into the queue read, or -1 */
} BkoChange;

/* Part of a receipt that is put on a supply line. */
typedef struct BkoArrival
{
	int64		receipt_id;
	int64		supply_id;
	int64		for_line;		/* it was bought for, or BKO_NO_ID */
	BkoQty		qty;
} BkoArrival;

/*
 * A stock row that a frame has locked.  What every row of a statement touches
 * stands first.
 */
struct BkoStock
{
	text	   *item;
	text	   *location;

	/* what really went in */
	BkoQty		s_on_hand;
	BkoQty		s_allocated;
	BkoQty		s_backordered;

	/* as the table has it, read at "epoch" */
	uint64		epoch;
	BkoQty		on_hand;
	BkoQty		allocated;
	BkoQty		backordered;
	TimestampTz last_queued_at;
	BkoQty		step;			/* 0: any quantity */
	BkoQty		limit;			/* -1: no limit */
	BkoQty		laned;			/* of what the table has available, handed out to lanes */
	int			nlimits;
	int16		lane;			/* all this is of that lane alone, the row is not locked; 0: no */
	int16		lanes;			/* it is split in so many, see lane.c; 0: not */
	bool		ships_at_once;
	char		rule;

	/* decided by this frame, not yet written */
	bool		unsettled;		/* look again when the statement ends */
	bool		disturbed;		/* something is left to settle: nobody is served before */
	bool		requeued;		/* its queue changed: write it, so that others notice */
	bool		assign_all;		/* it rose or its queue changed: nothing stays unassigned */
	bool		leaves;			/* reallocate() leaves left_over for new orders */
	bool		left_lane;		/* what was decided on a lane is now to be written to the row */
	TimestampTz queued_at;		/* last given, 0: none */
	BkoQty		d_on_hand;
	BkoQty		d_allocated;
	BkoQty		d_backordered;

	/* kept for parts of lines that are still to be inserted; see source.c */
	BkoQty		part_take;
	BkoQty		part_waits;

	/* rows of the statement that may still be kept out */
	int			ntaken;
	int			maxtaken;
	BkoTaken   *taken;

	uint64		looked;			/* the epoch at which it was read without its lock */
	BkoQty		unassigned;		/* as the table has it; 0: none */
	BkoLimit   *limits;			/* caps and protected quantities */
	bool		limited;		/* has limits, or is about to get some */
	bool		recount;		/* what is used of its caps, when the journal is written */
	BkoQty		wanted;			/* by lines that are split together, all of which may use lanes; -1: not all */
	BkoQty		sought;			/* no lane had as much as this: they run low; 0: unknown */
	BkoQty		left_over;		/* see "leaves" */
	BkoQty		received;		/* by receipts that count as gone in */

	/* of what was decided, written already together with another frame's share */
	BkoQty		w_on_hand;
	BkoQty		w_allocated;
	BkoQty		w_backordered;

	/* the queue, as far as it has been read */
	BkoWaiting *queue;
	int			nqueue;
	int			maxqueue;
	int			nextqueue;
	int			naside;			/* of it, lines read out of turn */
	List	   *aside;			/* those that haven't come up: places in the queue */
	bool		queue_read;		/* begun */
	bool		queue_ended;	/* nothing behind what was read */

	BkoChange  *changes;
	int			nchanges;
	int			maxchanges;

	BkoArrival *arrivals;		/* receipts on supply, in their order */
	int			narrivals;
	int			maxarrivals;
	int			nextarrival;	/* journalled up to here */
};

typedef struct BkoJournal BkoJournal;
typedef struct BkoSourcing BkoSourcing;
typedef struct BkoAttachedFrame BkoAttachedFrame;

/* A new line that would wait for more than its stock row allows. */
typedef struct BkoOver
{
	int64		line_id;
	BkoStock   *stock;
	BkoQty		wanted;
	BkoQty		take;
	BkoQty		waiting;		/* without it */
} BkoOver;

struct BkoFrame
{
	BkoFrame   *prev;
	BkoRun		run;
	BkoTable	table;
	TriggerEvent op;
	SubTransactionId subid;
	int			depth;			/* of triggers, when it was opened */
	MemoryContext cxt;
	struct stockhash_hash *stocks;
	BkoStock   *last_stock;		/* most statements touch one */
	BkoStock   *last_took;		/* see confirm.c */
	BkoStock  **stock;			/* all of them */
	int			nstocks;
	int			maxstocks;
	char	   *slab;			/* room for more of them */
	Size		slab_left;
	BkoStock  **noted;			/* of the rows decided, in their order */
	int			nnoted;
	int			maxnoted;
	int			nextnoted;		/* row that is counted in next */
	Relation	rel;			/* as the statement names it, or NULL */
	int64		inserted_before;	/* see bko_frame_all_in() */
	bool		nested;			/* others inserted into it meanwhile */
	int64		ndecided;		/* rows decided here */
	int64		nrestored;		/* rows stored as they came */
	int64		ntaken;			/* unconfirmed rows, all stock rows together */
	int			nconfirms;		/* times that rows were made sure of */
	bool		whole_known;	/* the next is looked up */
	bool		whole_open;		/* some order that ships as a whole is open */
	bool		dry;			/* only asks: locks nothing, writes nothing */
	BkoJournal *journal;
	List	   *due;			/* orders to look at when the transaction ends */
	List	   *over;			/* BkoOver: new lines that exceed a backorder_limit */
	BkoSourcing *sourcing;		/* of lines that name no location, or NULL */
	Oid			of;				/* the attached table that it decides for */
	BkoAttachedFrame *attached;
	bool		unwritten;		/* lines were decided that the table does not show yet */
	bool	   *(*ask) (BkoFrame *frame, BkoStock **stocks, int nstocks, int ntaken);
};

extern void bko_frame_init(void);
extern BkoFrame *bko_frame_need(TriggerData *trigdata, BkoTable table);
extern BkoFrame *bko_frame_push(const BkoRun *run, BkoTable table, TriggerEvent op, Relation rel);
extern void bko_frame_close(BkoFrame *frame);
extern BkoStock *bko_frame_stock(BkoFrame *frame, const text *item,
								 const text *location, bool *found);
extern BkoStock *bko_frame_lookup(BkoFrame *frame, const text *item, const text *location);
extern void bko_frame_note_row(BkoFrame *frame, BkoStock *stock);
extern BkoStock *bko_frame_next_stock(BkoFrame *frame, const text *item, const text *location);
extern void bko_frame_sort(BkoFrame *frame);
extern int	bko_frame_stocks(BkoFrame *frame, BkoStock ***stocks);
extern BkoFrame *bko_frame_of(Oid attached, TriggerEvent op);
extern BkoFrame *bko_frame_of_next(Oid attached, const BkoFrame *frame);
extern BkoFrame *bko_frame_of_other(Oid attached, const BkoFrame *but);
extern bool bko_frame_all_in(BkoFrame *frame, int pending);
extern void bko_frame_count(BkoFrame *frame, bool restored, Relation rel);
extern void bko_frame_disturb(BkoFrame *frame, BkoStock *stock);
extern bool bko_frame_disturbed(BkoFrame *frame, BkoStock *stock);
extern bool bko_frame_shares(BkoFrame *frame, BkoStock *stock);
extern BkoStock *bko_frame_other(BkoFrame *frame, BkoStock *stock, BkoFrame **other);
extern void bko_frame_absorb(BkoFrame *frame, BkoStock *stock);
extern uint64 bko_epoch(void);
extern void bko_epoch_next(void);

/* ---- journal.c ---- */

typedef enum BkoKind
{
	KIND_RECEIVE, KIND_ADJUST, KIND_BACKORDER, KIND_ALLOCATE,
	KIND_SHIP, KIND_RELEASE, KIND_CANCEL, KIND_RETURN, BKO_NKINDS
} BkoKind;

/* States of a line's units in the journal; 0 is none. */
#define STATE_BACKORDERED	'b'
#define STATE_ALLOCATED		'a'
#define STATE_SHIPPED		's'
#define STATE_CANCELLED		'c'
#define STATE_RETURNED		'r'

extern void bko_journal(BkoFrame *frame, BkoKind kind, char from, char to,
						const text *item, const text *location, BkoQty qty,
						int64 line_id, int64 receipt_id, int64 supply_id);
/* A movement, as it is noted until it is written; BKO_NO_ID for null. */
typedef struct BkoMove
{
	BkoKind		kind;
	char		from;
	char		to;
	const text *item;
	const text *location;
	BkoQty		qty;
	int64		line_id;
	int64		receipt_id;
	int64		supply_id;
} BkoMove;

extern void bko_move_datums(const BkoMove *move, Datum *values, bool *nulls);
extern void bko_journal_reason(BkoFrame *frame, const text *reason);
extern void bko_journal_next_reason(const text *reason);
extern void bko_journal_write(BkoFrame *frame);
extern TimestampTz bko_journal_now(BkoFrame *frame);

/* ---- lock.c ---- */

extern uint64 bko_wait(bool back, uint64 (*lock) (void *arg), void *arg);
extern uint64 bko_run_locking(const BkoRun *run, BkoPlanId plan, Datum *args, bool back);
extern uint64 bko_lock_stock(BkoFrame *frame, const BkoStock *stock, Datum *args);

/* ---- lane.c ---- */

#define BKO_MAX_LANES 256

/* Lanes that were locked, and what they have. */
typedef struct BkoLanes
{
	int			n;
	Datum	   *lane;			/* their numbers, as int4 */
	BkoQty		qty;			/* left in them all */
	BkoQty		shipped;
	BkoQty		allocated;
	TimestampTz last_queued_at;
} BkoLanes;

extern void bko_lane_init(void);
extern bool bko_lane_take(BkoFrame *frame, BkoStock *stock, BkoQty qty);
extern void bko_lane_read(BkoFrame *frame, BkoStock *stock);
extern void bko_lane_write(BkoFrame *frame, const BkoStock *stock);
extern bool bko_lanes_have(BkoFrame *frame, const BkoStock *stock, BkoQty qty);
extern BkoLanes bko_lanes_lock(BkoFrame *frame, const BkoStock *stock, bool wait);
extern void bko_lanes_fill(BkoFrame *frame, const BkoStock *stock, const BkoLanes *lanes,
						   BkoQty each);
extern bool bko_lanes_empty(BkoFrame *frame, const BkoStock *stock, bool wait, BkoLanes *lanes);

/* ---- stock.c ---- */

extern int	bko_stock_compare(const BkoStock *a, const BkoStock *b);
extern bool bko_stock_of_result(BkoStock *stock);
extern void bko_not_stocked(const BkoRun *run, const text *item,
							const text *location) pg_attribute_noreturn();
extern BkoStock *bko_stock_look(BkoFrame *frame, const text *item, const text *location);
extern BkoStock *bko_stock_lock(BkoFrame *frame, const text *item, const text *location);
extern BkoStock *bko_stock_touch(BkoFrame *frame, const text *item, const text *location);
extern BkoStock *bko_stock_touch_lane(BkoFrame *frame, const text *item, const text *location,
									  BkoQty qty);
extern void bko_stock_fresh(BkoFrame *frame, BkoStock *stock);
extern bool bko_stock_gather(BkoFrame *frame, BkoStock *stock, BkoQty needed);
extern BkoLanes bko_stock_empty_lanes(BkoFrame *frame, BkoStock *stock);
extern BkoQty bko_stock_available(BkoFrame *frame, BkoStock *stock);
extern BkoQty bko_stock_free(BkoFrame *frame, BkoStock *stock);
extern BkoQty bko_stock_backordered(BkoFrame *frame, BkoStock *stock);
extern BkoQty bko_stock_on_hand(BkoFrame *frame, BkoStock *stock);
extern BkoQty bko_stock_unassigned(BkoFrame *frame, BkoStock *stock);
extern TimestampTz bko_stock_queued_at(BkoFrame *frame, BkoStock *stock);
extern void bko_stock_add(BkoStock *stock, BkoQty on_hand, BkoQty allocated, BkoQty backordered);
extern void bko_stock_write(BkoFrame *frame);
extern char bko_rule_code(const text *rule);

/* Called before a stock row is locked: what must be locked before it. */
extern void (*bko_before_stock_lock) (const BkoRun *run, const text *item, const text *location);

/* ---- limit.c ---- */

extern void bko_limit_lock_groups(const BkoRun *run);
extern void bko_limit_recount_later(BkoFrame *frame, BkoStock *stock, bool always);
extern DateADT bko_book_day(const BkoBook *book, TimestampTz at);
extern int	bko_limits_read(const BkoRun *run, const text *item, const text *location,
							DateADT day, bool stable, BkoLimit **limits);
extern void bko_limits_load(BkoFrame *frame, BkoStock *stock);
extern BkoQty bko_limit_room(BkoFrame *frame, BkoStock *stock, int32 priority,
							 const text *group, BkoQty available);
extern BkoQty bko_limit_room_bought(BkoFrame *frame, BkoStock *stock, int32 priority,
									const text *group, BkoQty qty);
extern BkoQty bko_limit_kept(BkoStock *stock, int32 priority, const text *group);
extern void bko_limit_took(BkoStock *stock, int32 priority, const text *group, BkoQty qty);
extern text *bko_limit_group(BkoFrame *frame, BkoStock *stock, const text *customer);
extern void bko_limit_groups(const BkoRun *run, const text *item, const int64 *line_id, int n,
							 bool stable, text **group);
extern void bko_limit_moved(BkoFrame *frame, BkoStock *stock, int64 line_id, int32 old_priority,
							const text *old_group, int32 priority, const text *group, bool gone);
extern BkoQty bko_limit_used(const BkoRun *run, const text *item, const text *location,
							 const BkoLimit *cap);
extern void bko_limits_write(BkoFrame *frame);

/* ---- queue.c ---- */

/* Gathers what a receipt gives to whom, for receive(). */
typedef struct BkoSink
{
	MemoryContext cxt;
	int64	   *line_id;
	BkoQty	   *qty;
	BkoQty	   *shipped;
	BkoQty	   *left;			/* what the line still waits for */
	int			n;
	int			max;
} BkoSink;

extern BkoWaiting bko_queue_line(BkoFrame *frame, uint64 row);
extern BkoQty bko_queue_fill(BkoFrame *frame, BkoStock *stock, int64 receipt_id);
extern BkoQty bko_queue_fill_line(BkoFrame *frame, BkoStock *stock, int64 line_id, BkoQty qty,
								  int64 receipt_id);
extern void bko_queue_unfill(BkoStock *stock, int nchanges);
extern void bko_queue_release(BkoFrame *frame, BkoStock *stock, BkoQty needed);
extern void bko_queue_gain(BkoFrame *frame, BkoStock *stock, const BkoWaiting *line, BkoQty qty);
extern void bko_queue_lose(BkoFrame *frame, BkoStock *stock, const BkoWaiting *line, BkoQty qty);
extern void bko_queue_ship_allocated(BkoFrame *frame, BkoStock *stock);
extern void bko_queue_ship(BkoFrame *frame, BkoStock *stock, int64 line_id, BkoQty qty);
extern void bko_queue_tell(BkoFrame *frame, BkoSink *sink);
extern void bko_queue_write(BkoFrame *frame);
extern char bko_policy_code(const text *policy);

/* ---- shortage.c ---- */

extern void bko_shortage_record(BkoFrame *frame);

/* ---- due.c ---- */

extern void bko_order_is_due(BkoFrame *frame, const text *order_ref);
extern bool bko_whole_open(BkoFrame *frame);
extern void bko_due_write(BkoFrame *frame);
extern void bko_due_inserted(BkoBook *book);
extern bool bko_may_be_due(const BkoBook *book);

/* ---- confirm.c ---- */

extern void bko_took(BkoFrame *frame, BkoStock *stock, const BkoTaken *taken);
extern bool bko_confirm(BkoFrame *frame, BkoStock *stock);
extern void bko_confirm_rest(BkoFrame *frame, BkoStock *stock);
extern void bko_keep(BkoFrame *frame, BkoStock *stock,
					 bool (*went_in) (const BkoTaken *taken, int place, void *arg), void *arg);

/* ---- line.c ---- */

/* The quantities of a line while something is decided about it. */
typedef struct BkoLine
{
	int64		line_id;
	char		policy;			/* p partial, l line, o order */
	bool		held;
	int32		priority;
	text	   *group;			/* of its customer, where the stock row has limits */
	text	   *order_ref;		/* or NULL */
	BkoQty		ordered;
	BkoQty		shipped;
	BkoQty		allocated;
	BkoQty		backordered;
	BkoQty		cancelled;
	BkoQty		returned;
} BkoLine;

extern void bko_line_check_step(const BkoStock *stock, BkoQty qty);
extern void bko_line_went_in(BkoFrame *frame, const BkoStock *stock, int64 line_id);
extern BkoQty bko_line_would_get(BkoFrame *frame, BkoStock *stock, const BkoLine *line, BkoQty qty);
extern bool bko_line_may_wait(BkoFrame *frame, BkoStock *stock, BkoQty open);
extern BkoQty bko_line_split(BkoFrame *frame, BkoStock *stock, BkoLine *line, BkoQty qty);
extern void bko_line_grow(BkoFrame *frame, BkoStock *stock, BkoLine *line, BkoQty qty);
extern void bko_line_shrink(BkoFrame *frame, BkoStock *stock, BkoLine *line, BkoQty qty, char to);
extern void bko_line_ship(BkoFrame *frame, BkoStock *stock, BkoLine *line, BkoQty qty);
extern void bko_line_ship_held(BkoFrame *frame, BkoStock *stock, BkoLine *line);
extern void bko_line_journal_entry(BkoFrame *frame, const BkoStock *stock, int64 line_id,
								   BkoQty shipped, BkoQty allocated, BkoQty backordered);

/* ---- settle.c ---- */

extern void bko_settle(BkoFrame *frame);
extern void bko_finish_statement(TriggerData *trigdata, BkoTable table,
								 void (*count_in) (TriggerData *trigdata, BkoFrame *frame));

/* ---- pending.c ---- */

/* A row that is being decided, as BKO_VALUE() reads it. */
typedef struct BkoRow
{
	TupleDesc	desc;
	const AttrNumber *attno;
	Datum	   *values;
	bool	   *nulls;
} BkoRow;

extern void bko_pend_line(BkoFrame *frame, BkoRow *row);
extern void bko_pending_changed(BkoFrame *frame, BkoRow *old, BkoRow *new);
extern bool bko_may_have_pending(const BkoBook *book);
extern void bko_split_pending(const BkoRun *run);
extern uint64 bko_split_stranded(const BkoRun *run);

/* ---- whole_order.c ---- */

extern void bko_due_settle(const BkoRun *run, const text *only);

/* ---- what triggers share (trigger.c) ---- */

/* Operations that a trigger function is made for. */
#define BKO_ON_INSERT		1
#define BKO_ON_UPDATE		2
#define BKO_ON_DELETE		4
#define BKO_ON_TRUNCATE		8
#define BKO_ON_ANY			15

extern void bko_check_trigger(FunctionCallInfo fcinfo, const char *name,
							  TriggerEvent when, bool for_row, int ops);
extern text *bko_row_text(BkoRow *row, int column);
extern Tuplestorestate *bko_new_rows(TriggerData *trigdata);
extern TriggerEvent bko_trigger_op(TriggerEvent event);
extern BkoRow bko_row_of_slot(BkoBook *book, BkoTable table, Relation rel, TupleTableSlot *slot);
extern void bko_each_row(TriggerData *trigdata, Tuplestorestate *rows, BkoFrame *frame,
						 void (*tally) (BkoFrame *frame, TupleTableSlot *slot, void *arg),
						 void *arg);
extern void bko_each_new_row(TriggerData *trigdata, BkoFrame *frame, BkoTable table,
							 void (*each) (BkoFrame *frame, BkoRow *row));

/* The rows of an UPDATE, before and after, from its transition tables. */
typedef struct BkoPairs
{
	Tuplestorestate *olds;
	Tuplestorestate *news;
	TupleTableSlot *old;
	TupleTableSlot *new;
} BkoPairs;

extern BkoPairs bko_pairs_begin(TriggerData *trigdata);
extern bool bko_pairs_next(BkoPairs *pairs);
extern void bko_pairs_end(BkoPairs *pairs);
extern bool bko_row_keep(BkoRow *old, BkoRow *new, BkoTable table, int column, Relation rel);
extern bool bko_row_changed(BkoRow *old, BkoRow *new, int column);
extern void bko_need_item(BkoRow *row, int item_column, int location_column,
						  const char *what, text **item, text **location);
extern void bko_check_name(const text *name, const char *column);
extern void bko_check_last_trigger(TriggerData *trigdata);
extern void bko_row_set(BkoRow *row, int column, Datum value);
extern void bko_row_set_qty(BkoRow *row, int column, BkoQty qty);
extern HeapTuple bko_row_form(BkoRow *row);
extern void bko_row_check_place(BkoRow *row);
extern void bko_row_policy(BkoRow *row, BkoLine *line);
extern bool bko_row_may_use_lane(const BkoBook *book, BkoRow *row);
extern void bko_row_who(BkoFrame *frame, BkoStock *stock, BkoRow *row, BkoLine *line);

#define BKO_VALUE(row, column)	((row)->values[(row)->attno[column] - 1])
#define BKO_ISNULL(row, column) ((row)->nulls[(row)->attno[column] - 1])
#define BKO_TEXT(row, column)	bko_row_text(row, column)

/* ---- source.c ---- */

typedef struct BkoParts BkoParts;

/* Gathers the further parts of the lines that place_order() inserts. */
typedef struct BkoPartSink
{
	MemoryContext cxt;
	BkoBook    *book;
	int			depth;			/* of triggers, where place_order() was called */
	int64	   *line_id;
	int			n;
} BkoPartSink;

extern BkoPartSink *bko_part_sink;

extern void bko_source_line(BkoFrame *frame, BkoRow *row);
extern void bko_source_note_parts(BkoFrame *frame, const BkoStock *own, int64 line_id,
								  TimestampTz queued_at);
extern text *bko_source_first(BkoFrame *frame, const text *item);
extern void bko_source_keep_parts(BkoFrame *frame, const BkoStock *own, int64 line_id,
								  TimestampTz queued_at);
extern BkoParts *bko_source_parts(BkoFrame *frame);
extern void bko_source_recount(BkoFrame *frame);
extern void bko_source_went_in(BkoFrame *frame, const BkoStock *own, int64 line_id,
							   TimestampTz queued_at);
extern void bko_source_insert_parts(const BkoRun *run, const BkoParts *parts);
extern bool bko_source_inserting(void);

/* ---- order_line.c: what other files decide about lines by the same rules ---- */

extern void bko_line_decide_new(BkoFrame *frame, BkoRow *row);
extern bool bko_line_decide_update(BkoFrame *frame, BkoRow *old, BkoRow *new, Relation rel);
extern void bko_line_decide_delete(BkoFrame *frame, BkoRow *old);
extern void bko_line_tally(BkoFrame *frame, BkoRow *row);
extern void bko_line_count_in(TriggerData *trigdata, BkoFrame *frame,
							  void (*each) (TriggerData *trigdata, BkoFrame *frame));

/* ---- supply.c ---- */

extern int64 bko_supply_arrive(BkoFrame *frame, BkoStock *stock, const text *ref,
							   int64 receipt_id, BkoQty qty);
extern void bko_supply_reverse(BkoFrame *frame, BkoStock *stock, int64 receipt_id,
							   int64 supply_id, BkoQty qty);
extern void bko_supply_arrived(BkoFrame *frame, BkoStock *stock, int64 receipt_id);
extern void bko_supply_write(BkoFrame *frame);

/* ---- function.c: what the functions of a book share ---- */

extern BkoRun bko_function_run(FunctionCallInfo fcinfo);
extern text *bko_need_text(FunctionCallInfo fcinfo, int n, const char *name);
extern void bko_check_read_key(const BkoRun *run, Datum key);
extern BkoFrame *bko_function_frame(const BkoRun *run, const text *reason);
extern Datum bko_function_done(BkoFrame *frame);
extern bool bko_may_insert(const BkoRun *run, BkoTable table);

/* ---- line_function.c ---- */

extern void bko_refuse_archived(const BkoRun *run, int64 line_id);
extern BkoLine bko_cancel_open(BkoFrame *frame, int64 line_id);

#define BKO_ARG_TEXT(n) (PG_ARGISNULL(n) ? NULL : PG_GETARG_TEXT_PP(n))

/* ---- order_function.c ---- */

extern Datum bko_place_order(FunctionCallInfo fcinfo, const BkoRun *run);

/* ---- attach.c: tables of an application that the engine works behind ---- */

#define BKO_MAP_TRIGGER		"a_bko_map"
#define BKO_MAX_ROLES		(INDEX_MAX_KEYS + 20)

/* First letters of attached.kind. */
#define BKO_ATTACH_ORDERS	'o'
#define BKO_ATTACH_STOCK	's'
#define BKO_ATTACH_RECEIPTS	'r'

/* How a value of one type becomes one of another. */
typedef struct BkoCast
{
	Oid			to;
	CoercionPathType path;
	bool		single;			/* from a real to numeric */
	bool		dbl;			/* from a double precision to numeric */
	FmgrInfo	func;			/* the cast, or the output function */
	FmgrInfo	in;
	Oid			ioparam;
} BkoCast;

/* Where a column of order_line comes from. */
typedef struct BkoAttachedColumn
{
	AttrNumber	attno;			/* 0: none */
	BkoCast		cast;
	Datum		constant;		/* where there is none, or it is null */
	bool		isnull;
} BkoAttachedColumn;

/* What a column of the application is for. */
typedef struct BkoRole
{
	const char *role;
	AttrNumber	attno;
} BkoRole;

/* Columns of the application that show how its line stands. */
typedef enum BkoOut
{
	BKO_OUT_SHIPPED, BKO_OUT_BACKORDERED, BKO_NOUT
} BkoOut;

typedef enum BkoAttachedPlan
{
	BKO_ATTACHED_CONFIRM,		/* which rows are in the table */
	BKO_ATTACHED_PUSH,			/* bring it up to date */
	BKO_ATTACHED_LOCK,			/* lock its row of a stock row */
	BKO_ATTACHED_INSERT,		/* take its changes over */
	BKO_ATTACHED_UPDATE,
	BKO_ATTACHED_DELETE,
	BKO_ATTACHED_CHECK,
	BKO_ATTACHED_DIFFERS,		/* what it says now that stock doesn't */
	BKO_NATTACHED_PLANS
} BkoAttachedPlan;

typedef struct BkoAttached
{
	MemoryContext cxt;
	Oid			relid;			/* this table, or partition of the attached one */
	Oid			root;			/* the attached table */
	Oid			book_relid;
	Oid			registry;		/* the book's table "attached" */
	int32		id;
	char		kind;
	int			nkeys;
	AttrNumber	key[INDEX_MAX_KEYS];
	FmgrInfo	keyout[INDEX_MAX_KEYS];
	bool		keyplain;		/* its text depends on no setting */
	BkoAttachedColumn line[LINE_NCOLUMNS];
	BkoAttachedColumn output[BKO_NOUT];
	BkoRole    *roles;			/* but the key's */
	int			nroles;
	Jsonb	   *constants;
	SPIPlanPtr	plans[BKO_NATTACHED_PLANS];
} BkoAttached;

extern void bko_attach_init(void);
extern bool bko_cast_init(BkoCast *cast, Oid from, Oid to, MemoryContext cxt);
extern Datum bko_cast(BkoCast *cast, Datum value);
extern const Trigger *bko_map_trigger(Relation rel);
extern Oid	bko_map_book(const Trigger *map);
extern char *bko_constant(Jsonb *constants, const char *name);
extern BkoAttached *bko_attached(Relation rel);
extern BkoRun bko_attached_run(const BkoAttached *a);
extern text *bko_attached_key(BkoAttached *a, Datum *values, bool *nulls);
extern void bko_attached_value(BkoAttached *a, int column, Datum *values, bool *nulls,
							   BkoRow *row);
extern void bko_attached_line(BkoAttached *a, Datum *values, bool *nulls, BkoRow *row);
extern int	bko_role_column(const char *role);
extern AttrNumber bko_role_attno(const BkoAttached *a, const char *role);
extern void bko_attach_stock_init(void);
extern char *bko_relation_name(Oid relid);
extern int	bko_text_modes(void);
extern int	bko_attached_modes(const BkoAttached *a);
extern bool bko_is_integer(Oid type);
extern char *bko_column_value(const BkoAttached *a, AttrNumber attno, const char *alias,
							  const char *type);
extern char *bko_key_value(const BkoAttached *a, const char *alias);
extern char *bko_role_value(const BkoAttached *a, const char *role, const char *alias,
							const char *type);
extern void bko_append_key_match(StringInfo sql, const BkoAttached *a, const char *alias,
								 const char *key);
extern BkoRun bko_owner_run(const BkoRun *run, Oid relid);
extern Relation bko_attached_relation(const BkoRun *run, int32 id);

/* ---- attach_order.c ---- */

extern void bko_attached_show(const BkoRun *book, BkoAttached *a, const int64 *line_id, int n);

/* ---- receipt.c ---- */

extern BkoSink *bko_fill_sink;

extern void bko_return_fills(FunctionCallInfo fcinfo, const BkoRun *run,
							 const BkoSink *sink, Datum item);

#endif							/* BKO_H */
