/*-------------------------------------------------------------------------
 *
 * plan.c
 *	  The SQL that the engine runs: every statement of it stands here, and is
 *	  prepared once per session and book.
 *
 * In the texts, @ stands for the book's schema, # for the columns that parts of
 * a line have in common, each after a comma, ~ and & for those of a line and of
 * a movement that go to the archive.  Operators, functions and
 * types are qualified, since the text is analysed under the search_path of
 * whoever fires the trigger, and runs with the rights of the tables' owner.
 *
 *-------------------------------------------------------------------------
 */
#include "bko.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/snapmgr.h"

#define MAX_ARGS 28

#define EQ		" OPERATOR(pg_catalog.=) "
#define GT		" OPERATOR(pg_catalog.>) "
#define LT		" OPERATOR(pg_catalog.<) "
#define PLUS	" OPERATOR(pg_catalog.+) "
#define MINUS	" OPERATOR(pg_catalog.-) "
#define TSTZ	"timestamp with time zone"

/* What the stock row says, locked or only read. */
#define STOCK_SELECT \
	"SELECT on_hand::numeric, allocated::numeric, backordered::numeric," \
	" last_queued_at::" TSTZ ", qty_step::numeric, backorder_limit::numeric," \
	" fill_rule::pg_catalog.text, ships_at_once::boolean, unassigned::numeric," \
	" limited::boolean, lanes::integer, laned::numeric" \
	" FROM @stock WHERE item" EQ "$1 AND location" EQ "$2"

/* All of them, to be gathered. */
#define LANES_SELECT \
	"SELECT lane::integer, qty::numeric, shipped::numeric, allocated::numeric," \
	" last_queued_at::" TSTZ " FROM @stock_lane WHERE item" EQ "$1 AND location" EQ "$2" \
	" ORDER BY lane FOR NO KEY UPDATE"

#define QUEUE_SELECT \
	"SELECT " QUEUE_COLUMNS " FROM @order_line" \
	" WHERE item" EQ "$1 AND location" EQ "$2 AND qty_backordered" GT "0 AND NOT held" \
	" AND pending IS NULL"

#define ALLOCATED_SELECT \
	"SELECT " QUEUE_COLUMNS " FROM @order_line" \
	" WHERE item" EQ "$1 AND location" EQ "$2 AND qty_allocated" GT "0"

#define QUEUE_COLUMNS \
	"line_id::bigint, priority::integer, queued_at::" TSTZ ", qty_backordered::numeric," \
	" qty_allocated::numeric, ship_policy::pg_catalog.text, order_ref::pg_catalog.text," \
	" held::boolean"

/* In the order in which pending.c numbers them. */
#define PENDING_COLUMNS \
	"line_id::bigint, item::pg_catalog.text, location::pg_catalog.text, priority::integer," \
	" ship_policy::pg_catalog.text, qty_ordered::numeric, queued_at::" TSTZ "," \
	" order_ref::pg_catalog.text, held::boolean, customer::pg_catalog.text, pending::bigint"

#define PEG_SELECT \
	"SELECT line_id::bigint, priority::integer, requested_on::pg_catalog.date, queued_at::" TSTZ "," \
	" qty_backordered::numeric FROM @order_line" \
	" WHERE item" EQ "$1 AND location" EQ "$2 AND qty_backordered" GT "0 AND pending IS NULL"

/* Is the line of that order? */
#define OF_ORDER(ref) \
	" COALESCE(l.order_ref" EQ ref ", l.order_ref IS NULL AND " ref " IS NULL)"

/* What a movement means for a cap: a line takes, or gives back. */
#define NET_TAKEN \
	"COALESCE(pg_catalog.sum(CASE WHEN (m.to_state" EQ "'a' OR m.to_state" EQ "'s')" \
	" AND (m.from_state IS NULL OR m.from_state" EQ "'b') THEN m.qty" \
	" WHEN m.from_state" EQ "'a' AND (m.to_state IS NULL OR m.to_state" EQ "'b'" \
	" OR m.to_state" EQ "'c') THEN OPERATOR(pg_catalog.-) m.qty END), 0)::numeric"

/* Movements that may count for a cap, and whose they are. */
#define TAKEN_BY(journal, lines) \
	"SELECT j.from_state, j.to_state, j.qty, l.priority, l.customer" \
	" FROM " journal " AS j JOIN " lines " AS l" \
	" ON l.line_id" EQ "j.line_id AND l.item" EQ "j.item AND l.location" EQ "j.location" \
	" WHERE j.item" EQ "$1 AND j.location" EQ "$2 AND j.at OPERATOR(pg_catalog.>=) $3"

/* What the journal has put into a state of a line, and what is there of it. */
#define STATE_TOTAL(state) \
	"COALESCE(pg_catalog.sum(m.qty) FILTER (WHERE m.to_state" EQ "'" state "'), 0)"
#define STATE_NET(state) \
	STATE_TOTAL(state) MINUS \
	"COALESCE(pg_catalog.sum(m.qty) FILTER (WHERE m.from_state" EQ "'" state "'), 0)"

/* A closed supply line is open again where what came on it is missing once more. */
#define STAYS_CLOSED \
	"s.closed AND (d.qty" GT "0" \
	" OR s.qty_received" PLUS "d.qty OPERATOR(pg_catalog.>=) s.qty_expected)"

/*
 * Open lines that may take part in a reallocation: those that wait, and the
 * others.  The order is that of the indexes made for them, which so are used.
 */
#define WAITING_LINES \
	" FROM @order_line WHERE item" EQ "$1 AND location" EQ "$2 AND qty_backordered" GT "0" \
	" AND NOT held AND pending IS NULL ORDER BY priority, queued_at, line_id"

#define COMPLETE_LINES \
	" FROM @order_line WHERE item" EQ "$1 AND location" EQ "$2 AND qty_allocated" GT "0" \
	" AND qty_backordered" EQ "0 AND NOT held ORDER BY priority, queued_at, line_id"

#define REALLOCATE_COLUMNS \
	QUEUE_COLUMNS ", customer::pg_catalog.text, demand::pg_catalog.text," \
	" requested_on::pg_catalog.date"

#define SHORTAGE_COLUMNS \
	"(at, item, location, on_hand, available, backordered, expected, overdue_purchase," \
	" overdue_production, short_received, supplier, safety_stock, demand_per_day, reorder_point)"

#define SHORTAGE_VALUES \
	"$1, s.item, s.location, s.on_hand, s.available, s.backordered," \
	" COALESCE(u.expected, 0), COALESCE(u.purchase, 0), COALESCE(u.production, 0)," \
	" COALESCE(u.short, 0), CASE WHEN u.purchase" GT "0 OR u.short" GT "0 THEN (" \
	"SELECT o.supplier FROM @supply AS o WHERE " OWED \
	" AND o.kind OPERATOR(pg_catalog.<>) 'production' AND (o.closed OR o.promised_on" LT "$2)" \
	" ORDER BY o.closed, CASE WHEN o.closed THEN $2" MINUS "o.expected_on" \
	" ELSE o.promised_on" MINUS "$2 END, o.supply_id LIMIT 1) END," \
	" s.safety_stock, s.demand_per_day, s.demand_per_day OPERATOR(pg_catalog.*) s.lead_time_days" \
	PLUS "COALESCE(s.safety_stock, 0)"

/* Supply that is missing: to come, or closed short in the last 30 days. */
#define OWED \
	"o.item" EQ "s.item AND o.location" EQ "s.location AND o.qty_expected" GT "o.qty_received" \
	" AND (NOT o.closed OR (o.qty_received" GT "0 AND o.kind OPERATOR(pg_catalog.<>) 'production'" \
	" AND o.expected_on" GT "($2" MINUS "30)))"

/* The sums of it, in one look at the item's supply. */
#define SHORTAGE_SUPPLY \
	"(SELECT pg_catalog.sum(o.qty_expected" MINUS "o.qty_received) FILTER (WHERE NOT o.closed) AS expected," \
	" pg_catalog.sum(o.qty_expected" MINUS "o.qty_received) FILTER (WHERE NOT o.closed" \
	" AND o.promised_on" LT "$2 AND o.kind OPERATOR(pg_catalog.<>) 'production') AS purchase," \
	" pg_catalog.sum(o.qty_expected" MINUS "o.qty_received) FILTER (WHERE NOT o.closed" \
	" AND o.promised_on" LT "$2 AND o.kind" EQ "'production') AS production," \
	" pg_catalog.sum(o.qty_expected" MINUS "o.qty_received) FILTER (WHERE o.closed) AS short" \
	" FROM @supply AS o WHERE " OWED ")"

/* Every column of order_line that the engine knows, in the order of enum BkoLineColumn. */
#define ALL_LINE_COLUMNS \
	"line_id, item, location, priority, ship_policy, requested_on, qty_ordered, " \
	"qty_shipped, qty_allocated, qty_backordered, qty_cancelled, qty_returned, " \
	"qty_filled_first, queued_at, closed_at, order_ref, held, customer, line_no, demand, " \
	"unit_price, currency, payment_days, ordered_at, attached_id, attached_key, " \
	"pending"

#define ALL_LINE_VALUES \
	"l.line_id::bigint, l.item::pg_catalog.text, l.location::pg_catalog.text, " \
	"l.priority::integer, l.ship_policy::pg_catalog.text, " \
	"l.requested_on::pg_catalog.date, l.qty_ordered::numeric, l.qty_shipped::numeric, " \
	"l.qty_allocated::numeric, l.qty_backordered::numeric, l.qty_cancelled::numeric, " \
	"l.qty_returned::numeric, l.qty_filled_first::numeric, l.queued_at::" TSTZ ", " \
	"l.closed_at::" TSTZ ", l.order_ref::pg_catalog.text, l.held::boolean, " \
	"l.customer::pg_catalog.text, l.line_no::integer, l.demand::pg_catalog.text, " \
	"l.unit_price::numeric, l.currency::pg_catalog.text, l.payment_days::integer, " \
	"l.ordered_at::" TSTZ ", l.attached_id::integer, l.attached_key::pg_catalog.text, " \
	"l.pending::bigint"

#define ALL_LINE_SETS \
	"item = u.item, location = u.location, priority = u.priority, " \
	"ship_policy = u.ship_policy, requested_on = u.requested_on, " \
	"qty_ordered = u.qty_ordered, qty_shipped = u.qty_shipped, " \
	"qty_allocated = u.qty_allocated, qty_backordered = u.qty_backordered, " \
	"qty_cancelled = u.qty_cancelled, qty_returned = u.qty_returned, " \
	"qty_filled_first = u.qty_filled_first, queued_at = u.queued_at, " \
	"closed_at = u.closed_at, order_ref = u.order_ref, held = u.held, " \
	"customer = u.customer, line_no = u.line_no, demand = u.demand, " \
	"unit_price = u.unit_price, currency = u.currency, payment_days = u.payment_days, " \
	"ordered_at = u.ordered_at, attached_id = u.attached_id, " \
	"attached_key = u.attached_key::pg_catalog.text[], pending = u.pending"

#define ALL_LINE_ARRAYS \
	INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT4ARRAYOID, TEXTARRAYOID, DATEARRAYOID, \
	NUMERICARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID, \
	NUMERICARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID, TIMESTAMPTZARRAYOID, \
	TIMESTAMPTZARRAYOID, TEXTARRAYOID, BOOLARRAYOID, TEXTARRAYOID, INT4ARRAYOID, \
	TEXTARRAYOID, NUMERICARRAYOID, TEXTARRAYOID, INT4ARRAYOID, TIMESTAMPTZARRAYOID, \
	INT4ARRAYOID, TEXTARRAYOID, INT8ARRAYOID

typedef struct PlanSpec
{
	enum
	{
		READS,
		WRITES,					/* fires our own triggers: see bko_engine_writing */
		WHOLE,					/* reads whole tables: planned as anybody's statement */
		WHOLE_WRITES
	}			what;
	const char *sql;
	int			nargs;
	Oid			argtypes[MAX_ARGS];
} PlanSpec;

static const PlanSpec specs[BKO_NPLANS] = {
	[PLAN_BOOK] = {
		WHOLE,
		"SELECT version::integer, time_zone::pg_catalog.text, record_shortages::boolean,"
		" EXISTS (SELECT FROM @attached WHERE kind" EQ "'stock' AND detached_at IS NULL),"
		" (allocate_at" EQ "'commit')::boolean, lanes::boolean FROM @book"
	},
	[PLAN_STOCK_LOCK] = {
		READS, STOCK_SELECT " FOR NO KEY UPDATE", 2, {TEXTOID, TEXTOID}
	},
	[PLAN_STOCK_READ] = {
		READS,					/* as it is now, with its lanes */
		"SELECT s.on_hand" MINUS "COALESCE(l.shipped, 0), s.allocated" PLUS
		"COALESCE(l.allocated, 0), s.backordered::numeric, s.last_queued_at::" TSTZ ","
		" s.qty_step::numeric, s.backorder_limit::numeric, s.fill_rule::pg_catalog.text,"
		" s.ships_at_once::boolean, s.unassigned::numeric, s.limited::boolean,"
		" NULL::integer, NULL::numeric FROM @stock AS s"
		" CROSS JOIN LATERAL (SELECT pg_catalog.sum(k.shipped)::numeric AS shipped,"
		" pg_catalog.sum(k.allocated)::numeric AS allocated FROM @stock_lane AS k"
		" WHERE s.lanes IS NOT NULL AND k.item" EQ "$1 AND k.location" EQ "$2) AS l"
		" WHERE s.item" EQ "$1 AND s.location" EQ "$2",
		2, {TEXTOID, TEXTOID}
	},
	[PLAN_STOCK_LOOK] = {
		READS,
		"SELECT qty_step::numeric FROM @stock WHERE item" EQ "$1 AND location" EQ "$2",
		2, {TEXTOID, TEXTOID}
	},
	[PLAN_STOCK_WRITE] = {
		WRITES,
		"UPDATE @stock SET"
		" on_hand = pg_catalog.trim_scale(on_hand" PLUS "$3),"
		" allocated = pg_catalog.trim_scale(allocated" PLUS "$4),"
		" backordered = pg_catalog.trim_scale(backordered" PLUS "$5),"
		" last_queued_at = GREATEST(last_queued_at, $6)"
		" WHERE item" EQ "$1 AND location" EQ "$2",
		6, {TEXTOID, TEXTOID, NUMERICOID, NUMERICOID, NUMERICOID, TIMESTAMPTZOID}
	},
	[PLAN_STOCK_ASSIGN] = {
		WRITES,
		"UPDATE @stock SET"
		" on_hand = pg_catalog.trim_scale(on_hand" PLUS "$3),"
		" allocated = pg_catalog.trim_scale(allocated" PLUS "$4),"
		" backordered = pg_catalog.trim_scale(backordered" PLUS "$5),"
		" last_queued_at = GREATEST(last_queued_at, $6), unassigned = $7"
		" WHERE item" EQ "$1 AND location" EQ "$2",
		7, {TEXTOID, TEXTOID, NUMERICOID, NUMERICOID, NUMERICOID, TIMESTAMPTZOID, NUMERICOID}
	},
	[PLAN_STOCK_WRITE_LANED] = {
		WRITES,
		"UPDATE @stock SET"
		" on_hand = pg_catalog.trim_scale(on_hand" PLUS "$3),"
		" allocated = pg_catalog.trim_scale(allocated" PLUS "$4),"
		" backordered = pg_catalog.trim_scale(backordered" PLUS "$5),"
		" last_queued_at = GREATEST(last_queued_at, $6), unassigned = $7,"
		" laned = pg_catalog.trim_scale(laned" PLUS "$8)"
		" WHERE item" EQ "$1 AND location" EQ "$2",
		8, {TEXTOID, TEXTOID, NUMERICOID, NUMERICOID, NUMERICOID, TIMESTAMPTZOID, NUMERICOID,
		NUMERICOID}
	},
	[PLAN_STOCK_GATHER] = {
		WRITES,
		"UPDATE @stock SET"
		" on_hand = pg_catalog.trim_scale(on_hand" MINUS "$3),"
		" allocated = pg_catalog.trim_scale(allocated" PLUS "$4),"
		" laned = pg_catalog.trim_scale(laned" MINUS "$5),"
		" last_queued_at = GREATEST(last_queued_at, $6)"
		" WHERE item" EQ "$1 AND location" EQ "$2",
		6, {TEXTOID, TEXTOID, NUMERICOID, NUMERICOID, NUMERICOID, TIMESTAMPTZOID}
	},
	[PLAN_LANES_HAVE] = {
		READS,
		"SELECT 1 FROM @stock_lane WHERE item" EQ "$1 AND location" EQ "$2"
		" AND qty OPERATOR(pg_catalog.>=) $3",
		3, {TEXTOID, TEXTOID, NUMERICOID}
	},
	[PLAN_LANE_READ] = {
		READS,
		"SELECT qty::numeric, qty_step::numeric, ships_at_once::boolean, last_queued_at::" TSTZ
		" FROM @stock_lane WHERE item" EQ "$1 AND location" EQ "$2 AND lane" EQ "$3"
		" FOR NO KEY UPDATE",
		3, {TEXTOID, TEXTOID, INT4OID}
	},
	[PLAN_LANE_WRITE] = {
		WRITES,
		"UPDATE @stock_lane SET"
		" qty = pg_catalog.trim_scale(qty" MINUS "$4" MINUS "$5),"
		" shipped = pg_catalog.trim_scale(shipped" PLUS "$4),"
		" allocated = pg_catalog.trim_scale(allocated" PLUS "$5),"
		" last_queued_at = GREATEST(last_queued_at, $6)"
		" WHERE item" EQ "$1 AND location" EQ "$2 AND lane" EQ "$3",
		6, {TEXTOID, TEXTOID, INT4OID, NUMERICOID, NUMERICOID, TIMESTAMPTZOID}
	},
	[PLAN_LANES_LOCK] = {
		READS, LANES_SELECT, 2, {TEXTOID, TEXTOID}
	},
	[PLAN_LANES_LOCK_FREE] = {
		READS, LANES_SELECT " SKIP LOCKED", 2, {TEXTOID, TEXTOID}
	},
	[PLAN_LANES_FILL] = {
		WRITES,
		"UPDATE @stock_lane SET qty = $4, shipped = 0, allocated = 0, qty_step = $5,"
		" ships_at_once = $6, last_queued_at = GREATEST(last_queued_at, $7)"
		" WHERE item" EQ "$1 AND location" EQ "$2 AND lane" EQ "ANY ($3)",
		7, {TEXTOID, TEXTOID, INT4ARRAYOID, NUMERICOID, NUMERICOID, BOOLOID, TIMESTAMPTZOID}
	},
	[PLAN_LANES_ADD] = {
		WRITES,
		"INSERT INTO @stock_lane (item, location, lane, qty, shipped, allocated, ships_at_once)"
		" SELECT $1, $2, g.n, 0, 0, 0, true"
		" FROM pg_catalog.generate_series($3" PLUS "1, $4) AS g(n)",
		4, {TEXTOID, TEXTOID, INT4OID, INT4OID}
	},
	[PLAN_LANES_DROP] = {
		WRITES,
		"DELETE FROM @stock_lane WHERE item" EQ "$1 AND location" EQ "$2 AND lane" GT "$3",
		3, {TEXTOID, TEXTOID, INT4OID}
	},
	[PLAN_STOCK_LANES] = {
		WRITES,
		"UPDATE @stock SET lanes = CASE WHEN $3" GT "0 THEN $3 END, laned = CASE WHEN $3" GT "0 THEN 0::numeric END"
		" WHERE item" EQ "$1 AND location" EQ "$2",
		3, {TEXTOID, TEXTOID, INT4OID}
	},
	[PLAN_LANES_LEFT] = {
		WHOLE, "SELECT 1 FROM @stock_lane LIMIT 1"
	},
	[PLAN_BOOK_LOCK] = {
		WHOLE, "SELECT 1 FROM @book FOR NO KEY UPDATE"
	},
	[PLAN_STOCK_ATTACHED] = {
		WHOLE, "SELECT 1 FROM @attached WHERE kind" EQ "'stock' AND detached_at IS NULL"
	},
	[PLAN_BOOK_LANES] = {
		WHOLE,
		"UPDATE @book SET lanes = NOT lanes"
		" WHERE lanes OPERATOR(pg_catalog.<>) EXISTS (SELECT FROM @stock_lane)"
	},
	[PLAN_STOCK_WRITE_MANY] = {
		WRITES,
		"UPDATE @stock AS s SET"
		" on_hand = pg_catalog.trim_scale(s.on_hand" PLUS "d.on_hand),"
		" allocated = pg_catalog.trim_scale(s.allocated" PLUS "d.allocated),"
		" backordered = pg_catalog.trim_scale(s.backordered" PLUS "d.backordered),"
		" last_queued_at = GREATEST(s.last_queued_at, d.queued_at)"
		" FROM unnest($1, $2, $3, $4, $5, $6)"
		" AS d(item, location, on_hand, allocated, backordered, queued_at)"
		" WHERE s.item" EQ "d.item AND s.location" EQ "d.location",
		6, {TEXTARRAYOID, TEXTARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID,
		TIMESTAMPTZARRAYOID}
	},
	[PLAN_LINE_CONFIRM] = {
		READS,
		"SELECT t.n, l.xmin FROM unnest($1, $2, $3) WITH ORDINALITY AS t(id, item, queued_at, n)"
		" JOIN @order_line AS l ON l.line_id" EQ "t.id AND l.item" EQ "t.item"
		" AND l.queued_at" EQ "t.queued_at",
		3, {INT8ARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID}
	},
	[PLAN_RECEIPT_CONFIRM] = {
		READS,
		"SELECT t.n, r.xmin FROM unnest($1, $2) WITH ORDINALITY AS t(id, item, n)"
		" JOIN @receipt AS r ON r.receipt_id" EQ "t.id AND r.item" EQ "t.item",
		2, {INT8ARRAYOID, TEXTARRAYOID}
	},
	[PLAN_QUEUE_HEAD] = {
		READS, QUEUE_SELECT " ORDER BY priority, queued_at, line_id LIMIT 16",
		2, {TEXTOID, TEXTOID}
	},
	[PLAN_QUEUE_NEXT] = {
		READS,
		QUEUE_SELECT " AND ROW(priority, queued_at, line_id)" GT "ROW($3, $4, $5)"
		" ORDER BY priority, queued_at, line_id LIMIT 1024",
		5, {TEXTOID, TEXTOID, INT4OID, TIMESTAMPTZOID, INT8OID}
	},
	[PLAN_QUEUE_LINE] = {
		READS, QUEUE_SELECT " AND line_id" EQ "$3", 3, {TEXTOID, TEXTOID, INT8OID}
	},
	[PLAN_QUEUE_BY_DATE] = {
		READS,
		QUEUE_SELECT " ORDER BY priority, requested_on, queued_at, line_id OFFSET $3 LIMIT $4",
		4, {TEXTOID, TEXTOID, INT8OID, INT8OID}
	},
	[PLAN_QUEUE_BY_QUANTITY] = {
		READS,
		QUEUE_SELECT " ORDER BY priority, qty_backordered, queued_at, line_id OFFSET $3 LIMIT $4",
		4, {TEXTOID, TEXTOID, INT8OID, INT8OID}
	},
	[PLAN_ALLOCATED_LAST] = {
		READS,
		ALLOCATED_SELECT " ORDER BY priority DESC, queued_at DESC, line_id DESC"
		" OFFSET $3 LIMIT $4",
		4, {TEXTOID, TEXTOID, INT8OID, INT8OID}
	},
	[PLAN_ALLOCATED_LAST_BY_DATE] = {
		READS,
		ALLOCATED_SELECT " ORDER BY priority DESC, requested_on DESC, queued_at DESC,"
		" line_id DESC OFFSET $3 LIMIT $4",
		4, {TEXTOID, TEXTOID, INT8OID, INT8OID}
	},
	[PLAN_LINES_WRITE] = {
		WRITES,
		"UPDATE @order_line AS l SET"
		" qty_shipped = pg_catalog.trim_scale(l.qty_shipped" PLUS "c.shipped),"
		" qty_allocated = pg_catalog.trim_scale(l.qty_allocated" PLUS "c.allocated),"
		" qty_backordered = pg_catalog.trim_scale(l.qty_backordered" PLUS "c.backordered),"
		" closed_at = CASE WHEN l.qty_allocated" PLUS "c.allocated" PLUS "l.qty_backordered" PLUS
		"c.backordered" EQ "0 THEN $6 END"
		" FROM unnest($1, $2, $3, $4, $5)"
		" AS c(line_id, item, shipped, allocated, backordered)"
		" WHERE l.line_id" EQ "c.line_id AND l.item" EQ "c.item",
		6, {INT8ARRAYOID, TEXTARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID,
		TIMESTAMPTZOID}
	},
	[PLAN_JOURNAL_ONE] = {
		WRITES,
		"INSERT INTO @movement (at, by_role, reason, kind, from_state, to_state, item,"
		" location, qty, line_id, receipt_id, supply_id)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		12, {TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID, CHAROID, CHAROID, TEXTOID,
		TEXTOID, NUMERICOID, INT8OID, INT8OID, INT8OID}
	},
	[PLAN_JOURNAL_MANY] = {
		WRITES,
		"INSERT INTO @movement (at, by_role, reason, kind, from_state, to_state, item,"
		" location, qty, line_id, receipt_id, supply_id)"
		" SELECT $1, $2, $3, m.kind, m.from_state, m.to_state, m.item,"
		" m.location, m.qty, m.line_id, m.receipt_id, m.supply_id"
		" FROM unnest($4, $5, $6, $7, $8, $9, $10, $11, $12)"
		" AS m(kind, from_state, to_state, item, location, qty, line_id, receipt_id, supply_id)",
		12, {TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTARRAYOID, CHARARRAYOID, CHARARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID, NUMERICARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID}
	},
	[PLAN_ATTACHED] = {
		WHOLE, "SELECT kind::pg_catalog.text, constants::pg_catalog.jsonb FROM @attached WHERE attached_id" EQ "$1"
		" AND relation::pg_catalog.oid" EQ "$2 AND detached_at IS NULL",
		2, {INT4OID, OIDOID}
	},
	[PLAN_ATTACHED_RELATION] = {
		WHOLE, "SELECT relation::pg_catalog.oid FROM @attached WHERE attached_id" EQ "$1"
		" AND detached_at IS NULL",
		1, {INT4OID}
	},
	[PLAN_ATTACHED_STOCKS] = {
		WHOLE, "SELECT attached_id::integer FROM @attached WHERE kind" EQ "'stock'"
		" AND detached_at IS NULL ORDER BY attached_id"
	},
	[PLAN_ATTACHED_SHOWN] = {
		READS,
		"SELECT l.attached_key::pg_catalog.text, l.qty_shipped::numeric, l.qty_backordered::numeric"
		" FROM unnest($1) AS d(line_id) JOIN @order_line AS l ON l.line_id" EQ "d.line_id"
		/* not an index's condition: that index would give all lines of the table */
		" AND NOT (l.attached_id IS DISTINCT FROM $2)",
		2, {INT8ARRAYOID, INT4OID}
	},
	[PLAN_ATTACHED_KNOWN] = {
		READS,
		"SELECT t.n FROM unnest($1) WITH ORDINALITY AS t(key, n)"
		" WHERE EXISTS (SELECT FROM @order_line AS l WHERE l.attached_id" EQ "$2"
		" AND pg_catalog.hash_array(l.attached_key)" EQ "pg_catalog.hash_array(t.key::pg_catalog.text[])"
		" AND l.attached_key" EQ "t.key::pg_catalog.text[])",
		2, {TEXTARRAYOID, INT4OID}
	},
	[PLAN_ATTACHED_LINE] = {
		READS, "SELECT " ALL_LINE_VALUES " FROM @order_line AS l"
		" WHERE l.attached_id" EQ "$1"
		" AND pg_catalog.hash_array(l.attached_key)" EQ "pg_catalog.hash_array($2::pg_catalog.text[])"
		" AND l.attached_key" EQ "$2::pg_catalog.text[]",
		2, {INT4OID, TEXTOID}
	},
	[PLAN_ATTACHED_ARCHIVED] = {
		READS, "SELECT l.line_id::bigint FROM @archived_line AS l WHERE l.attached_id" EQ "$1"
		" AND pg_catalog.hash_array(l.attached_key)" EQ "pg_catalog.hash_array($2::pg_catalog.text[])"
		" AND l.attached_key" EQ "$2::pg_catalog.text[]",
		2, {INT4OID, TEXTOID}
	},
	[PLAN_ATTACHED_INSERT] = {
		WRITES,
		"INSERT INTO @order_line (" ALL_LINE_COLUMNS ") SELECT * FROM ("
		"SELECT "
		"u.line_id, u.item, u.location, u.priority, u.ship_policy, u.requested_on, "
		"u.qty_ordered, u.qty_shipped, u.qty_allocated, u.qty_backordered, u.qty_cancelled, "
		"u.qty_returned, u.qty_filled_first, u.queued_at, u.closed_at, u.order_ref, u.held, "
		"u.customer, u.line_no, u.demand, u.unit_price, u.currency, u.payment_days, "
		"u.ordered_at, u.attached_id, "
		"u.attached_key::pg_catalog.text[], u.pending"
		" FROM unnest("
		"$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
		"$19, $20, $21, $22, $23, $24, $25, $26, $27, $28"
		")"
		" AS u(" ALL_LINE_COLUMNS ", old_item)) AS l",
		LINE_NCOLUMNS + 1, {ALL_LINE_ARRAYS, TEXTARRAYOID}
	},
	[PLAN_ATTACHED_UPDATE] = {
		WRITES,
		"UPDATE @order_line AS l SET " ALL_LINE_SETS " FROM unnest("
		"$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
		"$19, $20, $21, $22, $23, $24, $25, $26, $27, $28"
		")"
		" AS u(" ALL_LINE_COLUMNS ", old_item)"
		" WHERE l.line_id" EQ "u.line_id AND l.item" EQ "u.old_item",
		LINE_NCOLUMNS + 1, {ALL_LINE_ARRAYS, TEXTARRAYOID}
	},
	[PLAN_ATTACHED_DELETE] = {
		WRITES,
		"DELETE FROM @order_line AS l USING unnest($1, $2) AS d(line_id, item)"
		" WHERE l.line_id" EQ "d.line_id AND l.item" EQ "d.item",
		2, {INT8ARRAYOID, TEXTARRAYOID}
	},
	[PLAN_ATTACHED_UNCHANGED] = {
		READS,
		"SELECT 1 FROM unnest($1, $2, $3, $4, $5, $6) AS d(line_id, item, ordered, shipped, allocated, backordered)"
		" JOIN @order_line AS l ON l.line_id" EQ "d.line_id AND l.item" EQ "d.item"
		" WHERE l.qty_ordered::numeric" EQ "d.ordered AND l.qty_shipped::numeric" EQ "d.shipped"
		" AND l.qty_allocated::numeric" EQ "d.allocated AND l.qty_backordered::numeric" EQ "d.backordered",
		6, {INT8ARRAYOID, TEXTARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID,
		NUMERICARRAYOID}
	},
	[PLAN_ATTACHED_UNKEY] = {
		WRITES,
		"UPDATE @order_line AS l SET attached_key = NULL FROM unnest($1, $2) AS d(line_id, item)"
		" WHERE l.line_id" EQ "d.line_id AND l.item" EQ "d.item",
		2, {INT8ARRAYOID, TEXTARRAYOID}
	},
	[PLAN_ATTACHED_OPEN] = {
		READS,
		"SELECT 1 FROM @order_line WHERE attached_id" EQ "$1"
		" AND (qty_backordered" GT "0 OR qty_allocated" GT "0) LIMIT 1",
		1, {INT4OID}
	},
	[PLAN_ATTACHED_FREE_ARCHIVED] = {
		WRITES,
		"UPDATE @archived_line SET attached_id = NULL, attached_key = NULL WHERE attached_id" EQ "$1",
		1, {INT4OID}
	},
	[PLAN_ATTACHED_FREE] = {
		WRITES,
		"UPDATE @order_line SET attached_id = NULL, attached_key = NULL WHERE attached_id" EQ "$1",
		1, {INT4OID}
	},
	[PLAN_SUPPLY_OPEN] = {
		READS,
		"SELECT supply_id::bigint, expected_on::pg_catalog.date, qty_expected::numeric,"
		" qty_received::numeric, for_line_id::bigint"
		" FROM @supply WHERE supply_ref" EQ "$1 AND item" EQ "$2 AND location" EQ "$3"
		" AND NOT closed FOR NO KEY UPDATE",
		3, {TEXTOID, TEXTOID, TEXTOID}
	},
	[PLAN_SUPPLY_WRITE] = {
		WRITES,
		"UPDATE @supply AS s SET"
		" qty_received = pg_catalog.trim_scale(s.qty_received" PLUS "d.qty),"
		" closed = " STAYS_CLOSED ","
		" closed_on = CASE WHEN " STAYS_CLOSED " THEN s.closed_on END"
		" FROM unnest($1, $2, $3) AS d(supply_id, item, qty)"
		" WHERE s.supply_id" EQ "d.supply_id AND s.item" EQ "d.item",
		3, {INT8ARRAYOID, TEXTARRAYOID, NUMERICARRAYOID}
	},
	[PLAN_SUPPLY_NAMED] = {
		READS, "SELECT 1 FROM @movement WHERE supply_id" EQ "$1 AND item" EQ "$2 LIMIT 1",
		2, {INT8OID, TEXTOID}
	},
	[PLAN_RECEIPT_INSERT] = {
		READS,
		"INSERT INTO @receipt (item, qty, location, supply_ref, unit_cost, note, document)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7)"
		" ON CONFLICT (document, item, location) WHERE document IS NOT NULL DO NOTHING",
		7, {TEXTOID, NUMERICOID, TEXTOID, TEXTOID, NUMERICOID, TEXTOID, TEXTOID}
	},
	[PLAN_DOCUMENT_KNOWN] = {
		READS,
		"SELECT 1 FROM @receipt WHERE document" EQ "$1 AND item" EQ "$2 AND location" EQ "$3",
		3, {TEXTOID, TEXTOID, TEXTOID}
	},
	[PLAN_ORDER_WAITS] = {
		READS,
		"SELECT item::pg_catalog.text, qty_backordered::numeric FROM @order_line"
		" WHERE order_ref" EQ "$1 AND qty_backordered" GT "0"
		" ORDER BY line_id LIMIT 1",
		1, {TEXTOID}
	},
	[PLAN_FILLED_LINES] = {
		READS,
		"SELECT w.place, l.order_ref::pg_catalog.text, l.customer::pg_catalog.text"
		" FROM pg_catalog.unnest($1) WITH ORDINALITY AS w(line_id, place)"
		" JOIN @order_line AS l ON l.line_id" EQ "w.line_id AND l.item" EQ "$2",
		2, {INT8ARRAYOID, TEXTOID}
	},
	[PLAN_STOCK_LEFT] = {
		WHOLE,
		"SELECT 1 FROM @stock WHERE on_hand OPERATOR(pg_catalog.<>) 0 LIMIT 1"
	},
	[PLAN_TRUNCATE_LINES] = {
		WHOLE_WRITES,
		"INSERT INTO @movement (at, by_role, reason, kind, from_state, item, location, qty, line_id)"
		" SELECT $1, $2, 'truncate', 'cancel', m.from_state, j.item, j.location, m.qty, j.line_id"
		" FROM @journal_total AS j CROSS JOIN LATERAL (VALUES"
		" ('s'::\"char\", j.shipped), ('c', j.cancelled), ('r', j.returned)) AS m(from_state, qty)"
		" WHERE m.qty OPERATOR(pg_catalog.<>) 0",
		2, {TIMESTAMPTZOID, TEXTOID}
	},
	[PLAN_OPEN_LINES] = {
		WHOLE,
		"SELECT 1 FROM @order_line WHERE qty_backordered" GT "0 OR qty_allocated" GT "0 LIMIT 1"
	},
	[PLAN_LINE_AT] = {
		READS,
		"SELECT 1 FROM @order_line WHERE line_id" EQ "$1 AND item" EQ "$2 AND location" EQ "$3",
		3, {INT8OID, TEXTOID, TEXTOID}
	},
	[PLAN_LINE_PLACE] = {
		READS,
		"SELECT item::pg_catalog.text, location::pg_catalog.text, pending IS NOT NULL"
		" FROM @order_line WHERE line_id" EQ "$1",
		1, {INT8OID}
	},
	[PLAN_ORDER_PLACES] = {
		READS,
		"SELECT item::pg_catalog.text, location::pg_catalog.text FROM @order_line"
		" WHERE order_ref" EQ "$1 AND pending IS NULL GROUP BY item, location"
		" ORDER BY item COLLATE \"C\", location COLLATE \"C\"",
		1, {TEXTOID}
	},
	[PLAN_LINE_LOCK] = {
		READS,
		"SELECT ship_policy::pg_catalog.text, order_ref::pg_catalog.text, held::boolean,"
		" qty_ordered::numeric, qty_shipped::numeric, qty_allocated::numeric,"
		" qty_backordered::numeric, qty_cancelled::numeric, qty_returned::numeric,"
		" priority::integer, customer::pg_catalog.text"
		" FROM @order_line WHERE line_id" EQ "$1 AND item" EQ "$2 AND location" EQ "$3"
		" FOR NO KEY UPDATE",
		3, {INT8OID, TEXTOID, TEXTOID}
	},
	[PLAN_LINE_WRITE] = {
		WRITES,
		"UPDATE @order_line SET qty_shipped = $3, qty_allocated = $4, qty_backordered = $5,"
		" qty_cancelled = $6, qty_returned = $7,"
		" closed_at = CASE WHEN $4" PLUS "$5" EQ "0 THEN COALESCE(closed_at, $8) END"
		" WHERE line_id" EQ "$1 AND item" EQ "$2",
		8, {INT8OID, TEXTOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID, NUMERICOID,
		TIMESTAMPTZOID}
	},
	[PLAN_PENDING_OWN] = {
		READS,
		"SELECT " PENDING_COLUMNS ", ctid FROM @order_line"
		" WHERE pending" EQ "ANY ($1) AND pending IS NOT NULL ORDER BY queued_at, line_id",
		1, {INT8ARRAYOID}
	},
	[PLAN_PENDING_ALL] = {
		READS,
		"SELECT " PENDING_COLUMNS " FROM @order_line"
		" WHERE pending IS NOT NULL ORDER BY queued_at, line_id"
	},
	[PLAN_LINES_SPLIT] = {
		WRITES,
		"UPDATE @order_line AS l SET location = c.location, qty_ordered = c.ordered,"
		" qty_shipped = c.shipped, qty_allocated = c.allocated, qty_backordered = c.backordered,"
		" qty_filled_first = c.shipped" PLUS "c.allocated, queued_at = c.queued_at,"
		" closed_at = CASE WHEN c.allocated" PLUS "c.backordered" EQ "0 THEN c.queued_at END,"
		" pending = NULL"
		" FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)"
		" AS c(line_id, item, location, ordered, shipped, allocated, backordered, queued_at)"
		" WHERE l.line_id" EQ "c.line_id AND l.item" EQ "c.item",
		8, {INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, NUMERICARRAYOID, NUMERICARRAYOID,
		NUMERICARRAYOID, NUMERICARRAYOID, TIMESTAMPTZARRAYOID}
	},
	[PLAN_DUE_INSERT] = {
		READS,
		"INSERT INTO @order_due (order_ref) SELECT DISTINCT d.r FROM pg_catalog.unnest($1) AS d(r)"
		" WHERE EXISTS (SELECT FROM @order_line AS o WHERE o.order_ref" EQ "d.r"
		" AND o.ship_policy" EQ "'order' AND o.closed_at IS NULL)",
		1, {TEXTARRAYOID}
	},
	[PLAN_WHOLE_OPEN] = {
		READS,
		"SELECT 1 FROM @order_line WHERE ship_policy" EQ "'order' AND closed_at IS NULL LIMIT 1"
	},
	[PLAN_DUE_READ] = {
		WHOLE,
		"SELECT DISTINCT order_ref::pg_catalog.text COLLATE \"C\" FROM @order_due"
		" WHERE $1 IS NULL OR order_ref" EQ "$1 ORDER BY 1",
		1, {TEXTOID}
	},
	[PLAN_DUE_CLEAR] = {
		WHOLE, "DELETE FROM @order_due WHERE order_ref" EQ "ANY ($1)", 1, {TEXTARRAYOID}
	},
	[PLAN_DUE_LINES] = {
		READS,
		"SELECT l.line_id::bigint, l.item::pg_catalog.text, l.location::pg_catalog.text,"
		" l.qty_allocated::numeric"
		" FROM @order_line AS l"
		" WHERE l.order_ref" EQ "ANY ($1) AND l.ship_policy" EQ "'order' AND l.qty_allocated" GT "0"
		" AND NOT EXISTS (SELECT FROM @order_line AS o WHERE o.order_ref" EQ "l.order_ref"
		" AND (o.qty_backordered" GT "0 OR (o.held AND o.closed_at IS NULL)))"
		" ORDER BY l.item COLLATE \"C\", l.location COLLATE \"C\", l.line_id",
		1, {TEXTARRAYOID}
	},
	[PLAN_COUNT] = {
		READS,
		"UPDATE @stock SET on_hand = $3 WHERE item" EQ "$1 AND location" EQ "$2",
		3, {TEXTOID, TEXTOID, NUMERICOID}
	},
	[PLAN_RECEIPT_READ] = {
		READS,
		"SELECT item::pg_catalog.text, location::pg_catalog.text FROM @receipt"
		" WHERE receipt_id" EQ "$1",
		1, {INT8OID}
	},
	[PLAN_RECEIVED_ON] = {
		READS,
		"SELECT supply_id::bigint, pg_catalog.sum(qty)::numeric FROM @movement"
		" WHERE receipt_id" EQ "$1 AND kind" EQ "'receive' AND item" EQ "$2"
		" GROUP BY supply_id ORDER BY pg_catalog.max(movement_id) DESC",
		2, {INT8OID, TEXTOID}
	},
	[PLAN_LINES_INSERT] = {
		READS,
		"INSERT INTO @order_line AS l (order_ref, line_no, demand, customer, item, location, priority,"
		" ship_policy, requested_on, unit_price, currency, payment_days, qty_ordered)"
		" SELECT $1, COALESCE((v OPERATOR(pg_catalog.->>) 'line_no')::integer, n::integer),"
		" COALESCE(v OPERATOR(pg_catalog.->>) 'demand', $9, 'customer'),"
		" COALESCE(v OPERATOR(pg_catalog.->>) 'customer', $3),"
		" v OPERATOR(pg_catalog.->>) 'item',"
		" COALESCE(v OPERATOR(pg_catalog.->>) 'location', $4),"
		" COALESCE((v OPERATOR(pg_catalog.->>) 'priority')::integer, $5, 100),"
		" COALESCE(v OPERATOR(pg_catalog.->>) 'ship_policy', $6, 'partial'),"
		" COALESCE((v OPERATOR(pg_catalog.->>) 'requested_on')::pg_catalog.date, $7),"
		" (v OPERATOR(pg_catalog.->>) 'unit_price')::numeric,"
		" COALESCE(v OPERATOR(pg_catalog.->>) 'currency', $8),"
		" COALESCE((v OPERATOR(pg_catalog.->>) 'payment_days')::integer, $10, 0),"
		" COALESCE((v OPERATOR(pg_catalog.->>) 'qty')::numeric,"
		" (v OPERATOR(pg_catalog.->>) 'qty_ordered')::numeric)"
		" FROM pg_catalog.jsonb_array_elements($2) WITH ORDINALITY AS e(v, n)"
		" ORDER BY (v OPERATOR(pg_catalog.->>) 'item') COLLATE \"C\","
		" COALESCE(v OPERATOR(pg_catalog.->>) 'location', $4) COLLATE \"C\", n"
		" RETURNING l.line_id::bigint, l.line_no::integer," OF_ORDER("$1") ", l.ctid, ROW(l.*)::@order_line",
		10, {TEXTOID, JSONBOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, DATEOID, TEXTOID, TEXTOID,
		INT4OID}
	},
	[PLAN_LINES_PLACED] = {
		READS,
		/* the row, whatever columns it has, one of the alias's name too */
		"SELECT ROW(l.*)::@order_line FROM @order_line AS l WHERE l.line_id" EQ "ANY ($1)"
		" AND" OF_ORDER("$2") " ORDER BY l.line_no, l.line_id",
		2, {INT8ARRAYOID, TEXTOID}
	},
	[PLAN_READ_KEY] = {
		WHOLE, "SELECT read_key FROM @book"
	},
	[PLAN_PEG_LINES] = {
		READS, PEG_SELECT " AND NOT held ORDER BY priority, queued_at, line_id",
		2, {TEXTOID, TEXTOID}
	},
	[PLAN_PEG_HELD] = {
		READS, PEG_SELECT " AND held", 2, {TEXTOID, TEXTOID}
	},
	[PLAN_PEG_ALONE] = {
		READS,
		"SELECT l.qty_backordered::numeric, a.n, a.qty::numeric"
		" FROM @order_line AS l CROSS JOIN LATERAL (SELECT pg_catalog.count(*) AS n,"
		" COALESCE(pg_catalog.sum(o.qty_backordered), 0) AS qty FROM @order_line AS o"
		" WHERE o.item" EQ "$1 AND o.location" EQ "$2 AND o.qty_backordered" GT "0 AND NOT o.held"
		" AND o.pending IS NULL AND ROW(o.priority, o.queued_at, o.line_id)" LT
		"ROW(l.priority, l.queued_at, l.line_id)) AS a"
		" WHERE l.line_id" EQ "$3 AND l.item" EQ "$1 AND l.location" EQ "$2"
		" AND l.qty_backordered" GT "0 AND NOT l.held AND l.pending IS NULL"
		" AND NOT EXISTS (SELECT FROM @order_line AS h WHERE h.item" EQ "$1 AND h.location" EQ "$2"
		" AND h.qty_backordered" GT "0 AND h.held AND h.pending IS NULL)",
		3, {TEXTOID, TEXTOID, INT8OID}
	},
	[PLAN_PEG_SUPPLY] = {
		READS,
		"SELECT supply_id::bigint, supply_ref::pg_catalog.text, expected_on::pg_catalog.date,"
		" (qty_expected" MINUS "qty_received)::numeric, for_line_id::bigint"
		" FROM @supply WHERE item" EQ "$1 AND location" EQ "$2 AND NOT closed"
		" AND qty_expected" GT "qty_received ORDER BY expected_on, supply_id",
		2, {TEXTOID, TEXTOID}
	},
	[PLAN_SUPPLY_PLACES] = {
		READS,
		"SELECT item::pg_catalog.text, location::pg_catalog.text FROM @supply"
		" WHERE supply_ref" EQ "$1 AND NOT closed AND qty_expected" GT "qty_received"
		" AND ($2 IS NULL OR item" EQ "$2) AND ($3 IS NULL OR location" EQ "$3)"
		" GROUP BY item, location ORDER BY item COLLATE \"C\", location COLLATE \"C\"",
		3, {TEXTOID, TEXTOID, TEXTOID}
	},
	[PLAN_SHORTAGE_ONE] = {
		READS,
		"INSERT INTO @shortage " SHORTAGE_COLUMNS
		" SELECT " SHORTAGE_VALUES " FROM @stock AS s CROSS JOIN LATERAL " SHORTAGE_SUPPLY " AS u"
		" WHERE s.item" EQ "$3 AND s.location" EQ "$4",
		4, {TIMESTAMPTZOID, DATEOID, TEXTOID, TEXTOID}
	},
	[PLAN_SHORTAGE_MANY] = {
		READS,
		"INSERT INTO @shortage " SHORTAGE_COLUMNS
		" SELECT " SHORTAGE_VALUES " FROM unnest($3, $4) AS d(item, location)"
		" JOIN @stock AS s ON s.item" EQ "d.item AND s.location" EQ "d.location"
		" CROSS JOIN LATERAL " SHORTAGE_SUPPLY " AS u",
		4, {TIMESTAMPTZOID, DATEOID, TEXTARRAYOID, TEXTARRAYOID}
	},
	[PLAN_LIMITS] = {
		READS,
		"SELECT true, cap_id::bigint, customer_group::pg_catalog.text, priority::integer,"
		" qty::numeric, period::pg_catalog.text, period_begins::pg_catalog.date, qty_used::numeric"
		" FROM @cap WHERE item" EQ "$1 AND location" EQ "$2"
		" UNION ALL SELECT false, protection_id::bigint, customer_group::pg_catalog.text,"
		" priority::integer, qty::numeric, NULL, NULL, NULL"
		" FROM @protection WHERE item" EQ "$1 AND location" EQ "$2",
		2, {TEXTOID, TEXTOID}
	},
	[PLAN_GROUP_OF] = {
		READS,
		"SELECT group_name::pg_catalog.text FROM @customer_group WHERE customer" EQ "$1",
		1, {TEXTOID}
	},
	[PLAN_LINE_GROUPS] = {
		READS,
		"SELECT w.place, g.group_name::pg_catalog.text"
		" FROM pg_catalog.unnest($1) WITH ORDINALITY AS w(line_id, place)"
		" JOIN @order_line AS l ON l.line_id" EQ "w.line_id AND l.item" EQ "$2"
		" JOIN @customer_group AS g ON g.customer" EQ "l.customer",
		2, {INT8ARRAYOID, TEXTOID}
	},
	[PLAN_LINE_USED] = {
		READS,
		"SELECT " NET_TAKEN " FROM @movement AS m WHERE m.line_id" EQ "$1 AND m.item" EQ "$2"
		" AND m.location" EQ "$3 AND m.at OPERATOR(pg_catalog.>=) $4",
		4, {INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID}
	},
	[PLAN_CAP_USED] = {
		WHOLE,
		"SELECT " NET_TAKEN " FROM (" TAKEN_BY("@movement", "@order_line")
		" UNION ALL " TAKEN_BY("@archived_movement", "@archived_line") ") AS m"
		" WHERE CASE WHEN $4 IS NULL THEN m.priority" EQ "$5 ELSE EXISTS (SELECT FROM"
		" @customer_group AS g WHERE g.customer" EQ "m.customer AND g.group_name" EQ "$4) END",
		5, {TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, INT4OID}
	},
	[PLAN_CAP_WRITE] = {
		WRITES,
		"UPDATE @cap SET qty_used = pg_catalog.trim_scale($3" PLUS
		"CASE WHEN period_begins" EQ "$4 THEN qty_used ELSE 0 END), period_begins = $4"
		" WHERE cap_id" EQ "$1 AND item" EQ "$2",
		4, {INT8OID, TEXTOID, NUMERICOID, DATEOID}
	},
	[PLAN_CAP_SET] = {
		WRITES,
		"UPDATE @cap SET qty_used = $3, period_begins = $4 WHERE cap_id" EQ "$1 AND item" EQ "$2",
		4, {INT8OID, TEXTOID, NUMERICOID, DATEOID}
	},
	[PLAN_STOCK_LIMITED] = {
		WRITES,
		"UPDATE @stock SET limited = $3 OR EXISTS (SELECT FROM @cap AS c WHERE c.item" EQ "$1"
		" AND c.location" EQ "$2) OR EXISTS (SELECT FROM @protection AS p WHERE p.item" EQ "$1"
		" AND p.location" EQ "$2) WHERE item" EQ "$1 AND location" EQ "$2",
		3, {TEXTOID, TEXTOID, BOOLOID}
	},
	[PLAN_GROUP_PLACES] = {
		WHOLE,
		"SELECT s.item::pg_catalog.text, s.location::pg_catalog.text FROM @stock AS s"
		" WHERE s.limited AND (EXISTS (SELECT FROM @cap AS c WHERE c.item" EQ "s.item"
		" AND c.location" EQ "s.location AND c.customer_group" EQ "ANY ($1))"
		" OR EXISTS (SELECT FROM @protection AS p WHERE p.item" EQ "s.item"
		" AND p.location" EQ "s.location AND p.customer_group" EQ "ANY ($1)))"
		" ORDER BY s.item COLLATE \"C\", s.location COLLATE \"C\"",
		1, {TEXTARRAYOID}
	},
	[PLAN_LIMITED_PLACES] = {
		WHOLE,
		"SELECT item::pg_catalog.text, location::pg_catalog.text FROM @stock"
		" WHERE limited AND backordered" GT "0 AND ($1 IS NULL OR item" EQ "$1)"
		" ORDER BY item COLLATE \"C\", location COLLATE \"C\"",
		1, {TEXTOID}
	},
	[PLAN_ORDER_LOCK] = {
		READS,
		"SELECT 1 FROM @stock AS s JOIN (SELECT DISTINCT o.item, p.location"
		" FROM (SELECT v OPERATOR(pg_catalog.->>) 'item' AS item,"
		" v OPERATOR(pg_catalog.->>) 'location' AS location"
		" FROM pg_catalog.jsonb_array_elements($1) AS e(v)) AS o"
		" LEFT JOIN @sourcing AS r ON r.item" EQ "o.item"
		" LEFT JOIN @sourcing AS d ON d.item" EQ "''"
		" CROSS JOIN LATERAL pg_catalog.unnest(CASE WHEN o.location IS NULL"
		" THEN COALESCE(r.locations, d.locations, ARRAY['main'])"
		" ELSE ARRAY[o.location] END) AS p(location)) AS w"
		" ON s.item" EQ "w.item AND s.location" EQ "w.location WHERE s.lanes IS NULL"
		" ORDER BY s.item COLLATE \"C\", s.location COLLATE \"C\" FOR NO KEY UPDATE OF s",
		1, {JSONBOID}
	},
	[PLAN_SOURCES] = {
		READS,
		"SELECT p.location::pg_catalog.text, r.split::boolean, s.item IS NOT NULL"
		" FROM (SELECT w.locations, w.split FROM @sourcing AS w"
		" WHERE w.item OPERATOR(pg_catalog.=) ANY (ARRAY[$1, ''])"
		" ORDER BY w.item COLLATE \"C\" DESC LIMIT 1) AS r"
		" CROSS JOIN LATERAL pg_catalog.unnest(r.locations) WITH ORDINALITY AS p(location, n)"
		" LEFT JOIN @stock AS s ON s.item" EQ "$1 AND s.location" EQ "p.location"
		" ORDER BY p.n",
		1, {TEXTOID}
	},
	[PLAN_SOURCED] = {
		READS, "SELECT 1 FROM @sourcing LIMIT 1"
	},
	[PLAN_PARTS_INSERT] = {
		READS,
		"INSERT INTO @order_line (location, qty_ordered, queued_at#)"
		" SELECT bko_location, bko_qty, bko_queued_at#"
		" FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY"
		" AS bko_part(bko_line_id, bko_item, bko_location, bko_qty, bko_queued_at, bko_n)"
		" CROSS JOIN LATERAL (SELECT * FROM @order_line WHERE line_id" EQ "bko_line_id"
		" AND item" EQ "bko_item OFFSET 0) AS bko_line"	/* a look-up for each part */
		" ORDER BY bko_n RETURNING line_id::bigint, location::pg_catalog.text, qty_ordered::numeric",
		5, {INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, NUMERICARRAYOID, TIMESTAMPTZARRAYOID}
	},
	[PLAN_REF_KNOWN] = {
		READS,
		"SELECT 1 FROM @supply WHERE supply_ref" EQ "$1"
		" UNION ALL SELECT 1 FROM @order_line WHERE order_ref" EQ "$1"
		" UNION ALL SELECT 1 FROM @archived_line WHERE order_ref" EQ "$1",
		1, {TEXTOID}
	},
	[PLAN_TRANSFER_LINE] = {
		READS,
		"INSERT INTO @order_line (order_ref, demand, customer, item, location, qty_ordered,"
		" priority, ship_policy, requested_on)"
		" VALUES ($1, 'internal', $2, $3, $4, $5, COALESCE($6, 100), COALESCE($7, 'partial'), $8)"
		" RETURNING line_id::bigint, qty_shipped::numeric, qty_allocated::numeric,"
		" qty_backordered::numeric",
		8, {TEXTOID, TEXTOID, TEXTOID, TEXTOID, NUMERICOID, INT4OID, TEXTOID, DATEOID}
	},
	[PLAN_TRANSFER_SUPPLY] = {
		READS,
		"INSERT INTO @supply (supply_ref, kind, supplier, item, location, qty_expected,"
		" expected_on, line_id) VALUES ($1, 'transfer', $2, $3, $4, $5, $6, $7)"
		" RETURNING supply_id::bigint",
		7, {TEXTOID, TEXTOID, TEXTOID, TEXTOID, NUMERICOID, DATEOID, INT8OID}
	},
	[PLAN_TRANSFER_READ] = {
		READS,
		"SELECT s.supply_id::bigint, s.item::pg_catalog.text, s.line_id::bigint FROM @supply AS s"
		" JOIN @order_line AS l ON l.line_id" EQ "s.line_id AND l.item" EQ "s.item"
		" WHERE s.supply_ref" EQ "$1 AND s.kind" EQ "'transfer'"
		" ORDER BY l.item COLLATE \"C\", l.location COLLATE \"C\", l.line_id",
		1, {TEXTOID}
	},
	[PLAN_TRANSFER_REDUCE] = {
		WRITES,
		"UPDATE @supply AS s SET"
		" qty_expected = CASE WHEN d.qty" GT "0"
		" THEN pg_catalog.trim_scale(LEAST(s.qty_expected, d.qty)) ELSE s.qty_expected END,"
		" closed = s.closed OR d.qty OPERATOR(pg_catalog.<=) s.qty_received"
		" FROM unnest($1, $2, $3) AS d(supply_id, item, qty)"
		" WHERE s.supply_id" EQ "d.supply_id AND s.item" EQ "d.item",
		3, {INT8ARRAYOID, TEXTARRAYOID, NUMERICARRAYOID}
	},
	[PLAN_REBUILD_LINES] = {
		WHOLE_WRITES,
		"UPDATE @order_line AS l SET"
		" qty_ordered = pg_catalog.trim_scale(j.shipped" PLUS "j.allocated" PLUS "j.backordered" PLUS "j.cancelled),"
		" qty_shipped = pg_catalog.trim_scale(j.shipped),"
		" qty_allocated = pg_catalog.trim_scale(j.allocated),"
		" qty_backordered = pg_catalog.trim_scale(j.backordered),"
		" qty_cancelled = pg_catalog.trim_scale(j.cancelled),"
		" qty_returned = pg_catalog.trim_scale(j.returned),"
		" closed_at = CASE WHEN j.allocated" PLUS "j.backordered" EQ "0"
		" THEN COALESCE(l.closed_at, $2) END"
		" FROM @journal_total AS j"
		" WHERE l.line_id" EQ "j.line_id AND l.item" EQ "j.item AND l.location" EQ "j.location"
		" AND ($1 IS NULL OR l.item" EQ "$1)"
		" AND NOT ((l.closed_at IS NOT NULL)" EQ "(j.allocated" PLUS "j.backordered" EQ "0)"
		" AND l.qty_shipped" EQ "j.shipped AND l.qty_allocated" EQ "j.allocated"
		" AND l.qty_backordered" EQ "j.backordered AND l.qty_cancelled" EQ "j.cancelled"
		" AND l.qty_returned" EQ "j.returned AND l.qty_ordered" EQ
		"(j.shipped" PLUS "j.allocated" PLUS "j.backordered" PLUS "j.cancelled))",
		2, {TEXTOID, TIMESTAMPTZOID}
	},
	[PLAN_REBUILD_LIMITED] = {
		WHOLE_WRITES,
		"UPDATE @stock AS s SET limited = NOT s.limited WHERE ($1 IS NULL OR s.item" EQ "$1)"
		" AND s.limited OPERATOR(pg_catalog.<>) (EXISTS (SELECT FROM @cap AS c"
		" WHERE c.item" EQ "s.item AND c.location" EQ "s.location)"
		" OR EXISTS (SELECT FROM @protection AS p WHERE p.item" EQ "s.item"
		" AND p.location" EQ "s.location))",
		1, {TEXTOID}
	},
	[PLAN_REBUILD_UNKNOWN] = {
		WHOLE_WRITES,
		"INSERT INTO @movement (at, by_role, reason, kind, to_state, item, location, qty, line_id)"
		" SELECT $2, $3, 'rebuild', m.kind, m.to_state, l.item, l.location, m.qty, l.line_id"
		" FROM @order_line AS l CROSS JOIN LATERAL (VALUES"
		" ('ship', 's'::\"char\", l.qty_shipped), ('allocate', 'a', l.qty_allocated),"
		" ('backorder', 'b', l.qty_backordered), ('cancel', 'c', l.qty_cancelled),"
		" ('return', 'r', l.qty_returned)) AS m(kind, to_state, qty)"
		" WHERE ($1 IS NULL OR l.item" EQ "$1) AND m.qty" GT "0"
		" AND NOT EXISTS (SELECT FROM @movement AS o WHERE o.line_id" EQ "l.line_id"
		" AND o.item" EQ "l.item AND o.location" EQ "l.location)",
		3, {TEXTOID, TIMESTAMPTZOID, TEXTOID}
	},
	[PLAN_REBUILD_GONE] = {
		WHOLE_WRITES,
		"INSERT INTO @movement (at, by_role, reason, kind, from_state, item, location, qty, line_id)"
		" SELECT $2, $3, 'rebuild', 'cancel', m.from_state, j.item, j.location, m.qty, j.line_id"
		" FROM @journal_total AS j CROSS JOIN LATERAL (VALUES"
		" ('a'::\"char\", j.allocated), ('b', j.backordered)) AS m(from_state, qty)"
		" WHERE ($1 IS NULL OR j.item" EQ "$1) AND m.qty OPERATOR(pg_catalog.<>) 0"
		" AND NOT EXISTS (SELECT FROM @order_line AS l WHERE l.line_id" EQ "j.line_id"
		" AND l.item" EQ "j.item AND l.location" EQ "j.location)",
		3, {TEXTOID, TIMESTAMPTZOID, TEXTOID}
	},
	[PLAN_REBUILD_SUPPLY] = {
		WHOLE_WRITES,
		"UPDATE @supply AS s SET qty_received = pg_catalog.trim_scale(j.received)"
		" FROM (SELECT u.supply_id, u.item, COALESCE(pg_catalog.sum(m.qty), 0) AS received"
		" FROM @supply AS u LEFT JOIN @movement AS m ON m.supply_id" EQ "u.supply_id"
		" AND m.item" EQ "u.item AND m.kind" EQ "'receive'"
		" WHERE ($1 IS NULL OR u.item" EQ "$1) GROUP BY u.supply_id, u.item) AS j"
		" WHERE s.supply_id" EQ "j.supply_id AND s.item" EQ "j.item"
		" AND s.qty_received OPERATOR(pg_catalog.<>) j.received",
		1, {TEXTOID}
	},
	[PLAN_REBUILD_DUE] = {
		WHOLE,
		"INSERT INTO @order_due (order_ref) SELECT DISTINCT order_ref FROM @order_line"
		" WHERE ship_policy" EQ "'order' AND qty_allocated" GT "0 AND order_ref IS NOT NULL"
		" AND ($1 IS NULL OR item" EQ "$1)",
		1, {TEXTOID}
	},
	[PLAN_REBUILD_PLACES] = {
		WHOLE,
		"SELECT item::pg_catalog.text, location::pg_catalog.text FROM @stock"
		" WHERE $1 IS NULL OR item" EQ "$1"
		" ORDER BY item COLLATE \"C\", location COLLATE \"C\"",
		1, {TEXTOID}
	},
	[PLAN_REBUILD_LANES] = {
		WHOLE_WRITES,
		"UPDATE @stock AS s SET lanes = CASE WHEN l.n" GT "0 THEN l.n END, laned = l.laned"
		" FROM (SELECT t.item, t.location, pg_catalog.count(k.lane)::integer AS n,"
		" pg_catalog.trim_scale(pg_catalog.sum(k.qty" PLUS "k.shipped" PLUS "k.allocated)) AS laned"
		" FROM @stock AS t LEFT JOIN @stock_lane AS k ON k.item" EQ "t.item AND k.location" EQ "t.location"
		" WHERE $1 IS NULL OR t.item" EQ "$1 GROUP BY t.item, t.location) AS l"
		" WHERE s.item" EQ "l.item AND s.location" EQ "l.location"
		" AND (COALESCE(s.lanes, 0) OPERATOR(pg_catalog.<>) l.n OR"
		" COALESCE(s.laned, -1) OPERATOR(pg_catalog.<>) COALESCE(l.laned, -1))",
		1, {TEXTOID}
	},
	[PLAN_REBUILD_LANES_GONE] = {
		WHOLE_WRITES,
		"DELETE FROM @stock_lane AS k WHERE ($1 IS NULL OR k.item" EQ "$1) AND NOT EXISTS"
		" (SELECT FROM @stock AS s WHERE s.item" EQ "k.item AND s.location" EQ "k.location)",
		1, {TEXTOID}
	},
	[PLAN_REBUILD_STOCK] = {
		WHOLE,
		"SELECT s.item::pg_catalog.text, s.location::pg_catalog.text,"
		" COALESCE(m.on_hand, 0)::numeric, COALESCE(l.allocated, 0)::numeric,"
		" COALESCE(l.backordered, 0)::numeric"
		" FROM @stock AS s"
		" LEFT JOIN (SELECT item, location, pg_catalog.sum(qty) AS on_hand FROM"
		" (SELECT item, location, CASE WHEN kind" EQ "'ship' THEN OPERATOR(pg_catalog.-) qty"
		" ELSE qty END AS qty FROM @movement"
		" WHERE ($1 IS NULL OR item" EQ "$1) AND (kind" EQ "'ship' OR kind" EQ "'receive'"
		" OR kind" EQ "'adjust' OR kind" EQ "'return')"
		" UNION ALL SELECT item, location, on_hand FROM @archived_total"
		" WHERE $1 IS NULL OR item" EQ "$1) AS j GROUP BY item, location) AS m"
		" ON m.item" EQ "s.item AND m.location" EQ "s.location"
		" LEFT JOIN (SELECT item, location, pg_catalog.sum(qty_allocated) AS allocated,"
		" pg_catalog.sum(qty_backordered) AS backordered FROM @order_line"
		" WHERE ($1 IS NULL OR item" EQ "$1) AND (qty_allocated" GT "0 OR qty_backordered" GT "0)"
		" GROUP BY item, location) AS l"
		" ON l.item" EQ "s.item AND l.location" EQ "s.location"
		" WHERE $1 IS NULL OR s.item" EQ "$1",
		1, {TEXTOID}
	},
	[PLAN_ARCHIVE_TURN] = {
		WHOLE, "SELECT 1 FROM @book FOR NO KEY UPDATE"
	},
	[PLAN_ARCHIVE_PICK] = {
		READS,
		"SELECT line_id::bigint, item::pg_catalog.text, order_ref::pg_catalog.text FROM @order_line"
		" WHERE ROW(line_id, item)" GT "ROW($2, $3) AND closed_at" LT "$1"
		" ORDER BY line_id, item LIMIT $4",
		4, {TIMESTAMPTZOID, INT8OID, TEXTOID, INT8OID}
	},
	[PLAN_ARCHIVE_OPEN_ORDERS] = {
		READS,
		"SELECT d.n FROM pg_catalog.unnest($1) WITH ORDINALITY AS d(order_ref, n)"
		" WHERE EXISTS (SELECT FROM @order_line AS o WHERE o.order_ref" EQ "d.order_ref"
		" AND (o.closed_at IS NULL OR o.closed_at OPERATOR(pg_catalog.>=) $2))",
		2, {TEXTARRAYOID, TIMESTAMPTZOID}
	},
	[PLAN_ARCHIVE_LOCK] = {
		READS,
		"SELECT l.line_id::bigint, l.item::pg_catalog.text"
		" FROM (SELECT p.line_id, p.item FROM unnest($1, $2) AS p(line_id, item)"
		" UNION SELECT o.line_id, o.item FROM @order_line AS o WHERE o.order_ref" EQ "ANY ($3)) AS w"
		" JOIN @order_line AS l ON l.line_id" EQ "w.line_id AND l.item" EQ "w.item"
		" WHERE l.closed_at" LT "$4 ORDER BY l.line_id, l.item FOR UPDATE OF l SKIP LOCKED",
		4, {INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZOID}
	},
	[PLAN_ARCHIVE_READY] = {
		READS,
		"SELECT w.line_id::bigint, w.item::pg_catalog.text FROM (SELECT c.line_id, c.item, c.order_ref, c.fit,"
		" pg_catalog.max(c.n) OVER (PARTITION BY c.order_ref) AS n"
		" FROM (SELECT f.line_id, f.item, f.order_ref,"
		" pg_catalog.count(*) OVER (PARTITION BY f.order_ref) AS fit,"
		/* once for each order */
		" CASE WHEN f.order_ref IS NOT NULL"
		" AND pg_catalog.row_number() OVER (PARTITION BY f.order_ref)" EQ "1"
		" THEN (SELECT pg_catalog.count(*) FROM @order_line AS o WHERE o.order_ref" EQ "f.order_ref) END AS n"
		" FROM (SELECT l.line_id, l.item, l.order_ref"
		" FROM unnest($1, $2) AS d(line_id, item)"
		" JOIN @order_line AS l ON l.line_id" EQ "d.line_id AND l.item" EQ "d.item"
		" CROSS JOIN LATERAL (SELECT " STATE_TOTAL("s") MINUS "COALESCE(pg_catalog.sum(m.qty)"
		" FILTER (WHERE m.from_state" EQ "'s' AND m.kind OPERATOR(pg_catalog.<>) 'return'), 0) AS shipped,"
		" " STATE_NET("a") " AS allocated, " STATE_NET("b") " AS backordered,"
		" " STATE_NET("c") " AS cancelled, " STATE_NET("r") " AS returned"
		" FROM @movement AS m WHERE m.line_id" EQ "l.line_id AND m.item" EQ "l.item"
		" AND m.location" EQ "l.location) AS j"
		" WHERE j.shipped" EQ "l.qty_shipped AND j.allocated" EQ "0 AND j.backordered" EQ "0"
		" AND j.cancelled" EQ "l.qty_cancelled AND j.returned" EQ "l.qty_returned"
		" AND NOT EXISTS (SELECT FROM @supply AS s WHERE s.line_id" EQ "l.line_id"
		" AND s.item" EQ "l.item AND NOT s.closed AND s.qty_received" LT "s.qty_expected)"
		" AND NOT EXISTS (SELECT FROM @supply AS s WHERE s.for_line_id" EQ "l.line_id"
		" AND s.item" EQ "l.item AND NOT s.closed AND s.qty_received" LT "s.qty_expected)"
		" AND NOT EXISTS (SELECT FROM @archived_line AS a WHERE a.line_id" EQ "l.line_id"
		" AND a.item" EQ "l.item)) AS f) AS c) AS w"
		" WHERE w.order_ref IS NULL OR w.fit" EQ "w.n ORDER BY w.line_id, w.item",
		2, {INT8ARRAYOID, TEXTARRAYOID}
	},
	[PLAN_ARCHIVE_JOURNAL] = {
		WRITES,
		"WITH gone AS (DELETE FROM @movement AS m USING unnest($1, $2) AS d(line_id, item)"
		" WHERE m.line_id" EQ "d.line_id AND (m.item" EQ "d.item OR NOT EXISTS ("
		"SELECT FROM @order_line AS o WHERE o.line_id" EQ "m.line_id AND o.item" EQ "m.item))"
		" RETURNING m.*),"
		" kept AS (INSERT INTO @archived_movement (&) SELECT & FROM gone ORDER BY movement_id)"
		" INSERT INTO @archived_total AS t (item, location, receipt_id, on_hand, filled)"
		" SELECT g.item, g.location, g.receipt_id, pg_catalog.trim_scale(g.on_hand),"
		" pg_catalog.trim_scale(g.filled) FROM (SELECT item, location, receipt_id,"
		" pg_catalog.sum(CASE WHEN kind" EQ "'ship' THEN OPERATOR(pg_catalog.-) qty"
		" WHEN kind" EQ "'receive' OR kind" EQ "'adjust' OR kind" EQ "'return' THEN qty"
		" ELSE 0 END) AS on_hand,"
		" pg_catalog.sum(CASE WHEN receipt_id IS NOT NULL AND (kind" EQ "'ship'"
		" OR kind" EQ "'allocate') THEN qty ELSE 0 END) AS filled"
		" FROM gone GROUP BY item, location, receipt_id) AS g"
		" WHERE g.on_hand OPERATOR(pg_catalog.<>) 0 OR g.filled OPERATOR(pg_catalog.<>) 0"
		" ON CONFLICT (item, location, receipt_id) DO UPDATE SET"
		" on_hand = pg_catalog.trim_scale(t.on_hand" PLUS "excluded.on_hand),"
		" filled = pg_catalog.trim_scale(t.filled" PLUS "excluded.filled)",
		2, {INT8ARRAYOID, TEXTARRAYOID}
	},
	[PLAN_ARCHIVE_LINES] = {
		WRITES,
		"WITH gone AS (DELETE FROM @order_line AS l USING unnest($1, $2) AS d(line_id, item)"
		" WHERE l.line_id" EQ "d.line_id AND l.item" EQ "d.item RETURNING l.*)"
		" INSERT INTO @archived_line (~) SELECT ~ FROM gone ORDER BY line_id, item",
		2, {INT8ARRAYOID, TEXTARRAYOID}
	},
	[PLAN_ARCHIVED] = {
		READS,
		"SELECT item::pg_catalog.text, location::pg_catalog.text FROM @archived_line"
		" WHERE line_id" EQ "$1 LIMIT 1",
		1, {INT8OID}
	},
	[PLAN_TRANSFER_ARCHIVED] = {
		READS,
		"SELECT s.line_id::bigint FROM @supply AS s JOIN @archived_line AS l"
		" ON l.line_id" EQ "s.line_id AND l.item" EQ "s.item"
		" WHERE s.supply_ref" EQ "$1 AND s.kind" EQ "'transfer' LIMIT 1",
		1, {TEXTOID}
	},
	[PLAN_REALLOCATE_LOCK] = {
		READS,
		"WITH w AS (SELECT line_id" WAITING_LINES " FOR NO KEY UPDATE),"
		" c AS (SELECT line_id" COMPLETE_LINES " FOR NO KEY UPDATE)"
		" SELECT pg_catalog.count(*) FROM w UNION ALL SELECT pg_catalog.count(*) FROM c",
		2, {TEXTOID, TEXTOID}
	},
	[PLAN_REALLOCATE_LINES] = {
		READS,
		"SELECT * FROM ((SELECT " REALLOCATE_COLUMNS WAITING_LINES ")"
		" UNION ALL (SELECT " REALLOCATE_COLUMNS COMPLETE_LINES ")) AS l"
		" ORDER BY priority, CASE WHEN $3" EQ "'d' THEN requested_on END,"
		" CASE WHEN $3" EQ "'m' THEN qty_allocated" PLUS "qty_backordered END,"
		" queued_at, line_id",
		3, {TEXTOID, TEXTOID, CHAROID}
	},
};

/* Planner settings under which the kept plans are made; see make_plan(). */
static const char *const planner_off[] = {
	"jit", "enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin"
};

/* Trigger depth at which our own triggers see the engine's writes; 0: none. */
static int	writing_depth = 0;

/* Plans that became invalid while they may have been running. */
static List *outdated = NIL;

/* How deep triggers are nested: 0 outside of any. */
int
bko_trigger_depth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

/*
 * In one of our triggers: was it fired by a statement of the engine itself?
 * The depth tells it from statements of other triggers that this one fired.
 */
bool
bko_engine_writing(void)
{
	return writing_depth != 0 && writing_depth == bko_trigger_depth();
}

/* Put outdated plans aside: one may be running further up the stack. */
static void
outdate(SPIPlanPtr plan)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	outdated = lappend(outdated, plan);
	MemoryContextSwitchTo(old);
}

/* At the end of a transaction nothing runs any more. */
void
bko_plan_at_commit(void)
{
	ListCell   *cell;

	foreach(cell, outdated)
		SPI_freeplan(lfirst(cell));
	list_free(outdated);
	outdated = NIL;
	writing_depth = 0;
}

/* Forget every plan of a book: its name has changed. */
void
bko_plan_forget(BkoBook *book)
{
	for (int i = 0; i < BKO_NPLANS; i++)
	{
		if (book->plans[i])
			outdate(book->plans[i]);
		book->plans[i] = NULL;
	}
}

/* The text of a statement for one book, palloc'd. */
static char *
plan_text(const BkoBook *book, const char *sql)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *p = sql; *p; p++)
	{
		if (*p == '@')
			appendStringInfoString(&buf, book->prefix);
		else if (*p == '#')
			appendStringInfoString(&buf, bko_part_columns(book));
		else if (*p == '~' || *p == '&')
			appendStringInfoString(&buf, bko_archive_columns(book, *p == '~' ? BKO_ORDER_LINE :
															 BKO_MOVEMENT));
		else
			appendStringInfoChar(&buf, *p);
	}
	return buf.data;
}

/*
 * Prepare a statement and plan it at once, for good: a session may live for
 * days, and a plan made while the tables were small would scan them whole
 * when they have grown.  Every statement here has an index made for it.
 */
static SPIPlanPtr
prepare(const char *sql, int nargs, const Oid *types, bool whole)
{
	int			nestlevel = NewGUCNestLevel();
	SPIPlanPtr	plan;
	CachedPlan *cplan;

	for (int i = 0; i < lengthof(planner_off) && !whole; i++)
		(void) set_config_option(planner_off[i], "off", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);

	plan = SPI_prepare_cursor(sql, nargs, (Oid *) types, whole ? 0 : CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare_cursor returned %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	if (!whole)
	{
		cplan = SPI_plan_get_cached_plan(plan);
		if (cplan)
			ReleaseCachedPlan(cplan, CurrentResourceOwner);
	}

	AtEOXact_GUC(true, nestlevel);
	return plan;
}

static SPIPlanPtr
make_plan(const BkoBook *book, BkoPlanId id)
{
	return prepare(plan_text(book, specs[id].sql), specs[id].nargs, specs[id].argtypes,
				   specs[id].what == WHOLE || specs[id].what == WHOLE_WRITES);
}

/*
 * The same for a statement whose text is made for one attached table; the
 * caller keeps the plan.  Names are looked up with the rights of run's owner.
 * "whole" where no index is made for it: then it is planned as anybody's
 * statement.
 */
SPIPlanPtr
bko_keep_plan(const BkoRun *run, const char *sql, int nargs, const Oid *types, bool whole)
{
	Oid			save_userid;
	int			save_sec;
	SPIPlanPtr	plan;

	GetUserIdAndSecContext(&save_userid, &save_sec);
	SetUserIdAndSecContext(run->owner, save_sec | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_NOFORCE_RLS);
	plan = prepare(sql, nargs, types, whole);
	SetUserIdAndSecContext(save_userid, save_sec);
	return plan;
}

/* The kept plan of a statement, made anew where it is no longer good. */
static SPIPlanPtr
get_plan(BkoBook *book, BkoPlanId id)
{
	SPIPlanPtr	plan = book->plans[id];

	if (book->plan_path == NULL || strcmp(book->plan_path, namespace_search_path) != 0)
	{
		/* plancache would plan them anew by itself, but with other settings */
		char	   *old = book->plan_path;

		bko_plan_forget(book);
		book->plan_path = MemoryContextStrdup(TopMemoryContext, namespace_search_path);
		if (old)
			pfree(old);
		plan = NULL;
	}
	if (plan && SPI_plan_is_valid(plan))
		return plan;

	book->plans[id] = NULL;
	if (plan)
		outdate(plan);
	book->plans[id] = make_plan(book, id);
	return book->plans[id];
}

static uint64
execute(SPIPlanPtr plan, Datum *values, const char *nulls, long limit)
{
	int			rc;

	/* volatile: the statement sees all that was written so far */
	rc = SPI_execute_plan(plan, values, nulls, false, limit);
	if (rc < 0)
		elog(ERROR, "SPI_execute_plan returned %s", SPI_result_code_string(rc));
	return SPI_processed;
}

/* The same for a statement whose tables have triggers of ours. */
static uint64
execute_writing(SPIPlanPtr plan, Datum *values, const char *nulls, long limit)
{
	int			save_depth = writing_depth;
	uint64		n = 0;

	writing_depth = bko_trigger_depth() + 1;
	PG_TRY();
	{
		n = execute(plan, values, nulls, limit);
	}
	PG_FINALLY();
	{
		writing_depth = save_depth;
	}
	PG_END_TRY();
	return n;
}

/*
 * Run a kept plan with an owner's rights, SPI being connected: "writing" where
 * triggers of ours are to know that the engine itself writes.  nulls as in
 * SPI_execute_plan.  Returns the number of rows; bko_result() reads them.
 */
uint64
bko_run_plan(const BkoRun *run, SPIPlanPtr plan, Datum *values, const char *nulls, long limit,
			 bool writing)
{
	Oid			save_userid;
	int			save_sec;
	uint64		n;

	GetUserIdAndSecContext(&save_userid, &save_sec);
	SetUserIdAndSecContext(run->owner, save_sec | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_NOFORCE_RLS);
	n = writing ? execute_writing(plan, values, nulls, limit) :
		execute(plan, values, nulls, limit);
	SetUserIdAndSecContext(save_userid, save_sec);
	return n;
}

/* Run a statement of the book with its owner's rights, in the same way. */
uint64
bko_run(const BkoRun *run, BkoPlanId id, Datum *values, const char *nulls, long limit)
{
	Oid			save_userid;
	int			save_sec;
	uint64		n;

	GetUserIdAndSecContext(&save_userid, &save_sec);
	SetUserIdAndSecContext(run->owner, save_sec | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_NOFORCE_RLS);
	n = (specs[id].what == WRITES || specs[id].what == WHOLE_WRITES) ?
		execute_writing(get_plan(run->book, id), values, nulls, limit) :
		execute(get_plan(run->book, id), values, nulls, limit);
	SetUserIdAndSecContext(save_userid, save_sec);
	return n;
}

/*
 * The same for a query that must see what others have committed by now, even
 * in a transaction that otherwise sees an older state.
 */
uint64
bko_run_latest(const BkoRun *run, BkoPlanId id, Datum *values, const char *nulls)
{
	Oid			save_userid;
	int			save_sec;
	int			rc;

	CommandCounterIncrement();
	GetUserIdAndSecContext(&save_userid, &save_sec);
	SetUserIdAndSecContext(run->owner, save_sec | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_NOFORCE_RLS);
	rc = SPI_execute_snapshot(get_plan(run->book, id), values, nulls, GetLatestSnapshot(),
							  InvalidSnapshot, false, false, 0);
	if (rc < 0)
		elog(ERROR, "SPI_execute_snapshot returned %s", SPI_result_code_string(rc));
	SetUserIdAndSecContext(save_userid, save_sec);
	return SPI_processed;
}

/*
 * The same for a query that sees what the statement sees which it is part of,
 * and runs as often as that one likes.  Unlike SPI it leaves the caller in his
 * memory context, where he keeps what he reads.
 */
uint64
bko_run_stable(const BkoRun *run, BkoPlanId id, Datum *values, const char *nulls)
{
	MemoryContext cxt = CurrentMemoryContext;
	Oid			save_userid;
	int			save_sec;
	int			rc;

	GetUserIdAndSecContext(&save_userid, &save_sec);
	SetUserIdAndSecContext(run->owner, save_sec | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_NOFORCE_RLS);
	rc = SPI_execute_plan(get_plan(run->book, id), values, nulls, true, 0);
	MemoryContextSwitchTo(cxt);
	if (rc < 0)
		elog(ERROR, "SPI_execute_plan returned %s", SPI_result_code_string(rc));
	SetUserIdAndSecContext(save_userid, save_sec);
	return SPI_processed;
}

/* The same with the caller's rights, as if the user had typed it. */
uint64
bko_run_as_caller(const BkoRun *run, BkoPlanId id, Datum *values, const char *nulls)
{
	return execute(get_plan(run->book, id), values, nulls, 0);
}

/* A value of the last result; columns count from 1 as in SPI. */
Datum
bko_result(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

/* The same for text, which is never null where the book is sound. */
text *
bko_result_text(uint64 row, int column)
{
	bool		isnull;
	Datum		value = bko_result(row, column, &isnull);

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_BKO_BOOK),
				 errmsg("column \"%s\" of the book is null",
						NameStr(TupleDescAttr(SPI_tuptable->tupdesc, column - 1)->attname)),
				 errhint("Its table is not as create_book() made it.")));
	return DatumGetTextPP(value);
}

/* The same for a quantity; its column's name for the error. */
BkoQty
bko_result_qty(uint64 row, int column, const char *name)
{
	bool		isnull;
	Datum		value = bko_result(row, column, &isnull);

	return bko_stored_qty(value, isnull, name);
}

/* A row of the last result, for bko_column_arrays(). */
void
bko_result_row(int i, void *arg, Datum *values, bool *nulls)
{
	for (int c = 0; c < SPI_tuptable->tupdesc->natts; c++)
		values[c] = bko_result(i, c + 1, &nulls[c]);
}

/* A one-dimensional array of n values of a type; nulls may be NULL. */
Datum
bko_array(Datum *values, bool *nulls, int n, Oid type)
{
	int16		typlen;
	bool		typbyval;
	char		typalign;
	int			lbound = 1;

	get_typlenbyvalalign(type, &typlen, &typbyval, &typalign);
	return PointerGetDatum(construct_md_array(values, nulls, 1, &n, &lbound,
											  type, typlen, typbyval, typalign));
}

/*
 * Arrays for a statement that takes n rows at once, one for each of ncols
 * columns: "row" gives the values of the i-th row.
 */
void
bko_column_arrays(Datum *arrays, const Oid *types, int ncols, int n,
				  void (*row) (int i, void *arg, Datum *values, bool *nulls), void *arg)
{
	Datum	   *values = palloc_extended(ncols * n * sizeof(Datum), MCXT_ALLOC_HUGE);
	bool	   *nulls = palloc_extended(ncols * n * sizeof(bool), MCXT_ALLOC_HUGE);
	Datum	   *rowvalues = palloc(ncols * sizeof(Datum));
	bool	   *rownulls = palloc(ncols * sizeof(bool));

	for (int i = 0; i < n; i++)
	{
		row(i, arg, rowvalues, rownulls);
		for (int c = 0; c < ncols; c++)
		{
			values[c * n + i] = rowvalues[c];
			nulls[c * n + i] = rownulls[c];
		}
	}
	for (int c = 0; c < ncols; c++)
		arrays[c] = bko_array(values + c * n, nulls + c * n, n, types[c]);
}
