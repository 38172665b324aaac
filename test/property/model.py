"""What a book must hold: the rules of bko in plain Python, slow and obvious.

Written from the design alone, so that a mistake would have to be made twice to
go unseen. Quantities are Fractions, hence exact. Counters of a stock row are
not kept but summed up over its lines each time they are asked for.

A statement that the book refuses raises Refused with every SQLSTATE that would
be right; the model may then be half changed, so callers work on a copy().
"""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

from limits import Room
from promises import Promises
from quantities import (FINEST, TOO_LARGE, ZERO, Impossible, Refused, level, level_faults, line_key,
                        name_faults, number_faults, quantity, quantity_faults, round_down,
                        round_up, shown)
from rows import FAR_FUTURE, Cap, Fill, Line, Protection, Receipt, Stock, Supply

LONG_AGO = datetime(2019, 1, 1, tzinfo=timezone.utc)

# Customers and orders that the triggers and constraints of the test's own
# application treat in a special way; see database.py.
KEPT_OUT_BEFORE = "kept out before bko's trigger"
KEPT_OUT_AFTER = "kept out after bko's trigger"
DOUBLED = "orders twice as much"
ORDERS_MORE = "orders something else first"
BRINGS_ONE = "brings one back"
CHECK_REFUSES = "refused by a check"
TRIGGER_REFUSES = "refused by a trigger at the end"
MORE_ROWS = 1000            # what its trigger adds to the number of a row


# -------------------------------------------------------------- fair shares

def coarsest_unit(quantities):
    """The coarsest of 1, 0.1 … 0.000001 of which all quantities are multiples."""
    for decimals in range(7):
        unit = Fraction(1, 10 ** decimals)
        if all(qty % unit == 0 for qty in quantities):
            return unit
    raise AssertionError("a quantity with more than six decimals")


def fair_shares(lines, pool, step):
    """Shares of one priority, in fifo order: pro rata to what is open, the
    largest remainders rounded up until the pool is spent."""
    open_total = sum(line.qty_backordered for line in lines)
    if pool >= open_total:
        return [(line, line.qty_backordered) for line in lines]
    unit = step or coarsest_unit([pool] + [line.qty_backordered for line in lines])
    units = pool // unit
    exact = [units * line.qty_backordered / open_total for line in lines]
    given = [share // 1 for share in exact]
    by_remainder = sorted(range(len(lines)), key=lambda i: (given[i] - exact[i], i))
    for i in by_remainder[:units - sum(given)]:
        given[i] += 1
    return [(line, min(line.qty_backordered, n * unit)) for line, n in zip(lines, given)]


# --------------------------------------------------------------- the model

class Model:
    def __init__(self):
        self.stocks = {}
        self.lines = {}
        self.supplies = {}
        self.receipts = {}
        self.caps = {}
        self.protections = {}
        self.groups = {}        # of customers
        self.gone = {}          # deleted lines: the journal still tells of them
        self.archived = {}      # lines that archive() has moved
        self.lenient = False    # others were at it too
        self.restless = set()   # lines whose place in the queue has changed
        self.ruled = set()      # stock rows that weren't always simply first in, first out
        self.deliveries = 0     # rows of the application that are receipts
        self.placeholders = 0
        self.laned = False      # some stock rows may have lanes
        self.now = ""           # what is being done, for the record of fills
        self.fills = []

    def copy(self):
        twin = Model()
        for name in ("stocks", "lines", "supplies", "receipts", "caps", "protections"):
            setattr(twin, name, {key: row.copy() for key, row in getattr(self, name).items()})
        twin.gone, twin.groups = dict(self.gone), dict(self.groups)
        twin.archived, twin.lenient = dict(self.archived), self.lenient
        twin.restless, twin.ruled = set(self.restless), set(self.ruled)
        twin.deliveries = self.deliveries
        twin.placeholders, twin.now, twin.fills = self.placeholders, self.now, list(self.fills)
        twin.laned = self.laned
        return twin

    # -- reading

    def stock(self, item, location):
        if (item, location) not in self.stocks:
            raise Refused("BK001")
        return self.stocks[item, location]

    def stock_of(self, line):
        return self.stocks[line.stock_key]

    def line(self, line_id):
        for line in self.lines.values():
            if line.line_id == line_id:
                return line
        raise Refused("BK008")

    def lines_at(self, stock):
        return [line for line in self.lines.values() if line.stock_key == stock.key]

    def allocated(self, stock):
        return sum((line.qty_allocated for line in self.lines_at(stock)), ZERO)

    def backordered(self, stock):
        return sum((line.qty_backordered for line in self.lines_at(stock)), ZERO)

    def available(self, stock):
        return stock.on_hand - self.allocated(stock)

    def unassigned(self, stock):
        """What waiting lines have passed up: no more than what is still there of it."""
        return max(ZERO, min(stock.unassigned, self.available(stock)))

    def group_of(self, line):
        return self.groups.get(line.customer)

    def used(self, cap):
        """What the lines of a cap got, less what they gave back before it shipped. (No
        period ends while this runs.)"""
        return sum((line.qty_shipped + line.qty_allocated
                    for line in [*self.lines.values(), *self.archived.values()]
                    if line.stock_key == cap.stock_key and cap.is_for(line, self.group_of(line))), ZERO)

    def room(self, stock):
        return Room(stock, self.caps.values(), self.protections.values(), self.used, self.group_of)

    def is_limited(self, key):
        return any(row.stock_key == key for row in (*self.caps.values(), *self.protections.values()))

    def is_bought_for(self, key):
        """Is there supply that was bought for one line of it?"""
        return any(s.for_line is not None and (s.item, s.location) == key
                   for s in self.supplies.values())

    def takable(self, stock, line):
        """What a new line may take."""
        return self.room(stock).take_of(line, self.available(stock))

    def in_fill_order(self, stock, lines):
        last_day = date.max
        order = {
            "fifo": lambda line: line.place,
            "fair_share": lambda line: line.place,
            "due_date": lambda line: (line.priority, line.requested_on or last_day,
                                      line.queued_at, line.line_id),
            "most_lines": lambda line: (line.priority, line.qty_backordered,
                                        line.queued_at, line.line_id),
        }
        return sorted(lines, key=order[stock.fill_rule])

    def queue(self, stock):
        """Lines that may take something, the next one first."""
        return self.in_fill_order(stock, [line for line in self.lines_at(stock)
                                          if line.qty_backordered > 0 and not line.held])

    # -- the two movements that everything is made of

    def fill(self, stock):
        """Gives what is available to the waiting lines, in order."""
        if stock.fill_rule == "fair_share":
            shares = self._shares_by_priority(stock)
        else:
            shares = self._shares_in_turn(stock)
        self.fills += [(line.key, qty, self.now) for line, qty in shares if qty > 0]
        fills = [Fill(line, qty, self._give(line, qty)) for line, qty in shares if qty > 0]
        stock.unassigned = self.unassigned(stock)
        return fills

    def _pool(self, stock):
        """What there is for those who wait."""
        return self.available(stock) - self.unassigned(stock)

    def _shares_in_turn(self, stock):
        pool, room, shares = self._pool(stock), self.room(stock), []
        for line in self.queue(stock):
            qty = min(line.qty_backordered, room.take_of(line, pool))
            shares.append((line, qty))
            room.take(line, qty)
            pool -= qty
        return shares

    def _shares_by_priority(self, stock):
        pool, shares, queue = self._pool(stock), [], self.queue(stock)
        for priority in sorted({line.priority for line in queue}):
            peers = [line for line in queue if line.priority == priority]
            given = fair_shares(peers, round_down(pool, stock.qty_step), stock.qty_step)
            shares += given
            pool -= sum(qty for _, qty in given)
        return shares

    def _give(self, line, qty):
        """The line takes qty; what ships because of it is returned."""
        line.qty_backordered -= qty
        line.qty_allocated += qty
        shipped, stock = self._let_go(line), self.stock_of(line)
        stock.unassigned = self.unassigned(stock)
        return shipped

    def _let_go(self, line):
        """Ships what is held for the line, if it may leave; an order of several
        lines is looked at when the transaction ends."""
        if line.held or not self.stock_of(line).ships_at_once:
            return ZERO
        if line.ship_policy == "partial" or (self._alone(line) and line.qty_backordered == 0):
            return self._ship(line, line.qty_allocated)
        return ZERO

    def _alone(self, line):
        """It ships as a whole, but waits for no other line."""
        return line.ship_policy == "line" or (line.ship_policy == "order" and line.order_ref is None)

    def _ship(self, line, qty):
        line.qty_allocated -= qty
        line.qty_shipped += qty
        self.stock_of(line).on_hand -= qty
        return qty

    def _release(self, stock):
        """Stock has fallen below what is allocated: the last in the queue give up first."""
        holders = [line for line in self.lines_at(stock) if line.qty_allocated > 0]
        if stock.fill_rule == "most_lines":     # nothing of theirs is open: by arrival
            holders.sort(key=lambda line: line.place)
        else:
            holders = self.in_fill_order(stock, holders)
        for line in reversed(holders):
            short = self.allocated(stock) - stock.on_hand
            if short <= 0:
                break
            qty = min(line.qty_allocated, round_up(short, stock.qty_step))
            line.qty_allocated -= qty
            line.qty_backordered += qty

    def _settle(self, stock):
        """After any change: nothing promised that isn't there, and nobody waits
        while something that he may take is available."""
        if self.allocated(stock) > stock.on_hand:
            self._release(stock)
        return self.fill(stock)

    def settle_orders(self, order_ref=None):
        """At the end of a transaction: orders that ship whole and are whole, ship."""
        for line in [line for line in self.lines.values() if line.qty_allocated > 0]:
            if order_ref not in (None, line.order_ref):
                continue
            if line.ship_policy == "order" and not self._alone(line) and self._order_is_whole(line):
                if self.stock_of(line).ships_at_once:
                    self._ship(line, line.qty_allocated)

    def _order_is_whole(self, line):
        peers = [peer for peer in self.lines.values() if peer.order_ref == line.order_ref]
        return not any(peer.qty_backordered > 0 or (peer.held and peer.qty_open > 0)
                       for peer in peers)

    # -- order lines

    def insert_lines(self, specs, facts=None, on_conflict=None):
        """One INSERT statement. A spec maps columns to what the statement says.
        facts(spec) gives (line_id, queued_at) as the database chose them; it is
        asked only for rows that go in. on_conflict(spec) stands for what ON CONFLICT
        does with a row whose number is taken. Returns the rows of RETURNING."""
        shown_rows, brought, refused_at_end, over_limit = [], [], False, False
        for spec in specs:
            if spec.get("customer") == KEPT_OUT_BEFORE:
                continue
            taken = self._taken(spec)
            stays_out = spec.get("customer") == KEPT_OUT_AFTER or (taken and on_conflict)
            fact = facts(spec) if facts and not stays_out else None
            if spec.get("customer") == ORDERS_MORE:
                self._order_more(spec, fact, facts)
            if stays_out:
                # the application's table has no check of its own
                self._check_new_line(spec, kept_out="row" in spec)
                if spec.get("customer") != KEPT_OUT_AFTER:
                    self._check_own_constraint(spec)
                    shown_rows += on_conflict(spec)
                continue
            line, over = self._split(spec, fact)
            self._check_own_constraint(spec)
            if taken:
                raise Refused("23505")
            if line.key in self.gone or line.key in self.archived:
                self.restless.add(line.key)     # the journal tells of another line of its number
            self.lines[line.key] = line
            self.stock_of(line).unassigned = self.unassigned(self.stock_of(line))
            over_limit |= over
            refused_at_end |= spec.get("order_ref") == TRIGGER_REFUSES
            if spec.get("customer") == BRINGS_ONE:
                brought.append(line.stock_key)
            shown_rows.append(self.line_row(line))
        # what the statement's own triggers bring is given out when it settles, at once
        for key in dict.fromkeys(brought):
            self.set_stock(*key, change=str(brought.count(key)))
        if refused_at_end:
            raise Refused("P0001")
        if over_limit:                  # said when the line has gone in
            raise Refused("BK002")
        return shown_rows

    def _taken(self, spec):
        """Is there a line of that number, or a row of that key?"""
        if "row" in spec:
            return any(line.row == spec["row"] for line in self.with_rows())
        return (spec.get("line_id"), spec["item"]) in self.lines

    def _order_more(self, spec, fact, facts):
        """The application's trigger inserts another line just before this one, as
        far back in the queue as database.py says, under a number made of this one's."""
        if "row" in spec:
            order_no, row_no = spec["row"]
            self.insert_lines([{**{c: spec[c] for c in ("item", "location", "qty_ordered")},
                                "order_ref": "more", "row": (order_no, row_no + MORE_ROWS)}], facts)
            return
        number = fact[0] if fact else spec.get("line_id") or self._placeholder()
        more = {"line_id": number + 10 ** 11, "item": spec["item"], "location": spec["location"],
                "qty_ordered": spec["qty_ordered"], "order_ref": "more",
                "queued_at": LONG_AGO + timedelta(seconds=number % 10 ** 6)}
        self.insert_lines([more], lambda spec: (spec["line_id"], spec["queued_at"]))

    def _placeholder(self):
        self.placeholders += 1
        return 10 ** 15 + self.placeholders

    def _check_own_constraint(self, spec):
        if spec.get("order_ref") == CHECK_REFUSES:
            raise Refused("23514")

    def faults_of_rows(self, specs):
        """What is wrong with rows whichever comes first."""
        codes = set()
        for spec in specs:
            if spec.get("customer") == KEPT_OUT_BEFORE:
                continue
            try:
                self._check_new_line(spec)
                self._check_own_constraint(spec)
            except Refused as refusal:
                codes |= refusal.codes
            if spec.get("order_ref") == TRIGGER_REFUSES:
                codes.add("P0001")
        return codes

    def _check_new_line(self, spec, kept_out=False):
        item, location = line_key(spec)
        faults = name_faults(item, location)
        stock = self.stocks.get((item, location))
        if stock is None:
            faults.add("BK001")
        faults |= quantity_faults(self._wanted(spec), stock.qty_step if stock else None)
        if faults:
            raise Refused(*faults)
        if not 0 <= spec.get("priority", 100) <= 32767 and not kept_out:
            raise Refused("23514", "BK006", "BK002")
        return stock

    def _wanted(self, spec):
        """qty_ordered as bko sees it: the application's own trigger comes first."""
        qty = spec["qty_ordered"]
        doubled = spec.get("customer") == DOUBLED and qty is not None
        return str(2 * Decimal(qty)) if doubled else qty

    def _split(self, spec, fact):
        stock = self._check_new_line(spec)
        qty = Fraction(self._wanted(spec))
        line = Line(line_id=spec.get("line_id"), item=stock.item, location=stock.location,
                    qty_ordered=qty, qty_backordered=qty)
        for column in ("order_ref", "customer", "priority", "ship_policy", "requested_on", "held", "row"):
            if column in spec:
                setattr(line, column, spec[column])
        take = ZERO if line.held else min(qty, self.takable(stock, line))
        over = self._is_over_limit(stock, qty - take)
        self._name(line, spec, stock, fact, qty - take)
        line.qty_filled_first = take
        self._give(line, take)
        return line, over

    def _name(self, line, spec, stock, fact, waits):
        """The line gets the number and the place that the database gave it."""
        if fact is None:
            line.line_id = line.line_id or self._placeholder()
            line.queued_at = spec.get("queued_at") or FAR_FUTURE
            return
        line.line_id, line.queued_at = fact
        if spec.get("queued_at") is not None:
            if line.queued_at != spec["queued_at"]:
                raise Impossible(f"line {line.line_id} was brought in with queued_at "
                                 f"{spec['queued_at']} and has {line.queued_at}")
            return
        if self.laned and (line.held or waits == 0):
            # taken from a lane, or beside lines that were: in no order with those
            stock.last_queued_at = max(stock.last_queued_at or line.queued_at, line.queued_at)
            return
        if stock.last_queued_at is not None and line.queued_at <= stock.last_queued_at:
            raise Impossible(f"line {line.line_id} has queued_at {line.queued_at}, not later "
                             f"than the line before it at {stock.key}: {stock.last_queued_at}")
        stock.last_queued_at = line.queued_at

    def _is_over_limit(self, stock, qty_to_wait):
        limit, total = stock.backorder_limit, self.backordered(stock) + qty_to_wait
        if total >= TOO_LARGE:
            raise Refused("BK006")
        return limit is not None and qty_to_wait > 0 and total > limit

    def _check_limit(self, stock, qty_to_wait):
        if self._is_over_limit(stock, qty_to_wait):
            raise Refused("BK002")

    def update_line(self, line_id, item, changes):
        """UPDATE of one line: a new qty_ordered, priority, requested_on, held …
        Returns the rows of RETURNING: none if there is no such line."""
        return self.update_lines([(line_id, item)], lambda line: changes)

    def update_lines(self, keys, changes_of):
        """UPDATE of several lines in one statement: what they free goes to the queue
        as it is when all of them have changed."""
        lines = [self.lines[key] for key in keys if key in self.lines]
        for line in lines:
            self._change(line, changes_of(line))
        for key in {line.stock_key for line in lines}:
            self._settle(self.stocks[key])
        return [self.line_row(line) for line in lines]

    def _change(self, line, changes):
        changes = dict(changes)
        stock = self.stock_of(line)
        resized, new_qty = "qty_ordered" in changes, changes.pop("qty_ordered", None)
        if {"priority", "requested_on", "held"} & set(changes):
            self.restless.add(line.key)
        if any(getattr(line, c) != v for c, v in changes.items()
               if c in ("priority", "requested_on", "held", "ship_policy", "order_ref")):
            stock.unassigned = ZERO
        # where there are limits it matters whose a line is
        if changes.get("customer", line.customer) != line.customer and self.is_limited(stock.key):
            stock.unassigned = ZERO
        if not 0 <= changes.get("priority", 100) <= 32767:
            raise Refused("23514", "BK006")
        for column, value in changes.items():
            setattr(line, column, value)
        if resized:
            new_qty = quantity(new_qty, stock.qty_step)
            if new_qty < line.qty_ordered:
                self._shrink(line, line.qty_ordered - new_qty)
            else:
                self._grow(stock, line, new_qty - line.qty_ordered)
        self._let_go(line)

    def _shrink(self, line, qty):
        """The backordered part goes first, then the allocated part."""
        waiting = min(qty, line.qty_backordered)
        if qty - waiting > line.qty_allocated:
            raise Refused("BK004")
        line.qty_backordered -= waiting
        line.qty_allocated -= qty - waiting
        if qty > waiting:
            self.stock_of(line).unassigned = ZERO
        line.qty_ordered -= qty

    def _grow(self, stock, line, qty):
        """More of it: the additional quantity is split like a new line."""
        take = ZERO if line.held else min(qty, self.takable(stock, line))
        self._check_limit(stock, qty - take)
        line.qty_ordered += qty
        line.qty_backordered += qty
        self._give(line, take)

    def move_line(self, line_id, item, to_item, to_location, facts=None):
        """UPDATE of item or location: the line leaves one queue and enters another."""
        line = self.lines.get((line_id, item))
        if line is None:
            return []
        if (to_item, to_location) == line.stock_key:
            return [self.line_row(line)]
        if line.qty_shipped > 0:
            raise Refused("BK004")
        stock = self.stock(to_item, to_location)
        if line.qty_open > 0:
            quantity(shown(line.qty_open), stock.qty_step)
        left = self.stock_of(line)
        if line.qty_allocated > 0:
            left.unassigned = ZERO
        self.restless.add(line.key)     # another item may come under its number
        del self.lines[line.key]
        qty = line.qty_open
        take = ZERO if line.held else min(qty, self.takable(stock, line))
        self._check_limit(stock, qty - take)
        line.item, line.location = stock.item, stock.location
        line.qty_backordered, line.qty_allocated = qty, ZERO
        fact = facts(line) if facts else None
        if fact is not None:
            line.queued_at = fact[1]
        self.lines[line.key] = line
        self.restless.add(line.key)
        if fact is not None and (stock.last_queued_at is None
                                 or stock.last_queued_at < line.queued_at):
            stock.last_queued_at = line.queued_at
        self._give(line, take)
        self._settle(left)
        return [self.line_row(line)]

    def delete_lines(self, keys):
        """DELETE of lines: the number of lines deleted."""
        lines = [self.lines[key] for key in keys if key in self.lines]
        if any(line.qty_shipped > 0 for line in lines):
            raise Refused("BK004")
        for line in lines:
            if line.qty_allocated > 0:
                self.stock_of(line).unassigned = ZERO
            self.gone[line.key] = self.lines.pop(line.key)
        for key in {line.stock_key for line in lines}:
            self._settle(self.stocks[key])
        return len(lines)

    def cancel(self, line_id, qty=None):
        line = self.line(line_id)
        qty = line.qty_open if qty is None else quantity(qty)
        if qty > line.qty_open:
            raise Refused("BK004", "BK006")
        ordered = line.qty_ordered
        self._shrink(line, qty)
        line.qty_ordered = ordered
        line.qty_cancelled += qty
        self._let_go(line)
        self._settle(self.stock_of(line))
        return line

    def ship(self, line_id, qty=None):
        line = self.line(line_id)
        qty = line.qty_allocated if qty is None else quantity(qty)
        if qty > line.qty_allocated:
            raise Refused("BK004", "BK005", "BK006")
        whole = line.ship_policy != "line" or line.qty_backordered == 0
        if qty > 0 and (line.held or not whole):
            raise Refused("55000")
        self._ship(line, qty)
        return line

    def return_goods(self, line_id, qty=None, restock=True):
        line = self.line(line_id)
        back = line.qty_shipped - line.qty_returned
        qty = back if qty is None else quantity(qty)
        if qty > back:
            raise Refused("BK004", "BK006")
        line.qty_returned += qty
        if restock:
            stock = self.stock_of(line)
            stock.on_hand += qty
            stock.unassigned = ZERO if qty > 0 else stock.unassigned
            self._settle(stock)
        return line

    # -- the archive

    def archive(self, most):
        """The lines that archive() takes: closed ones by their numbers, each with its whole
        order, until so many have gone."""
        taken = []
        for line in sorted(self.lines.values(), key=lambda line: line.key):
            if len(taken) >= most:
                break
            order = self._order_of(line)
            if line.key in self.lines and all(self._may_be_archived(peer) for peer in order):
                taken += order
                self._move_to_archive(order)
        return taken

    def _order_of(self, line):
        if line.order_ref is None:
            return [line]
        return [peer for peer in self.lines.values() if peer.order_ref == line.order_ref]

    def with_rows(self):
        """Lines that serve a row of an attached table, archived ones too."""
        return [line for line in (*self.lines.values(), *self.archived.values()) if line.row is not None]

    def _may_be_archived(self, line):
        return line.qty_open == 0 and line.key not in self.archived and not any(
            s.item == line.item and s.for_line == line.line_id and not s.closed
            and s.qty_received < s.qty_expected for s in self.supplies.values())

    def _move_to_archive(self, lines):
        for line in lines:
            self.archived[line.key] = self.lines.pop(line.key)

    def archive_these(self, keys):
        """What archive() took while others were at work, who may have been quicker or
        slower with an order or with supply: but a line that is open stays."""
        for key in keys:
            if key not in self.lines or self.lines[key].qty_open > 0:
                raise Impossible(f"line {key} was archived, and was not a closed line")
        self._move_to_archive([self.lines[key] for key in keys])

    # -- stock

    def insert_stock(self, item, location, on_hand="0", **settings):
        faults = level_faults(on_hand) | name_faults(item, location)
        if faults:
            raise Refused(*faults)
        if (item, location) in self.stocks:
            raise Refused("23505")
        stock = Stock(item, location, **settings)
        stock.on_hand = level(on_hand)
        self.stocks[stock.key] = stock
        return self.stock_row(stock)

    def set_stock(self, item, location, on_hand=None, change=None, **settings):
        """UPDATE of a stock row: on_hand to a value or by a change, or settings.
        Returns the rows of RETURNING: none if there is no such row."""
        stock = self.stocks.get((item, location))
        if stock is None:
            return []
        was = stock.on_hand
        if change is not None:
            faults = number_faults(change)
            if faults:
                raise Refused(*faults)
            stock.on_hand += Fraction(change)
            if stock.on_hand < 0:
                raise Refused("BK005")
            level(shown(stock.on_hand))
        elif on_hand is not None:
            stock.on_hand = level(on_hand)
        if {"fill_rule", "qty_step"} & set(settings):
            self.ruled.add(stock.key)
        if stock.on_hand > was or any(getattr(stock, c) != settings[c]
                                      for c in ("fill_rule", "qty_step") if c in settings):
            stock.unassigned = ZERO
        for column, value in settings.items():
            setattr(stock, column, value)
        if stock.on_hand >= self.allocated(stock):
            for line in self.lines_at(stock):
                self._let_go(line)
        self._settle(stock)
        return [self.stock_row(stock)]

    def count_stock(self, item, counted, location):
        self.stock(item, location)
        return self.set_stock(item, location, on_hand=counted)

    # -- backorder processing

    def reallocate(self, item, location, by, strategies, on_shortage="fail"):
        """Takes up the open demand of a stock row again. Returns (line, segment,
        strategy, before, after, short) for each line that takes part."""
        stock = self.stock(item, location)
        run = self._run(stock, by, strategies)
        has = {line.key: line.qty_allocated for line, _, _ in run}
        gets = {line.key: ZERO for line, _, _ in run}
        pool = self.available(stock) + sum(has.values(), ZERO)

        room = self.room(stock)     # what others lose counts for caps when the run has ended

        def bring(line, bound, promised):
            """Up to a bound, as far as the pool goes: what the line has already to the
            unit, or in whole steps where it loses; more of it as limits leave it."""
            nonlocal pool
            held, can = has[line.key], gets[line.key] + pool
            keeps = min(bound, held)
            if can < keeps:
                keeps = max(ZERO, held - round_up(held - can, stock.qty_step))
            if keeps > gets[line.key]:
                pool -= keeps - gets[line.key]
                gets[line.key] = keeps
            wanted = bound - gets[line.key]
            if wanted > 0 and gets[line.key] >= held:
                gain = min(wanted, room.take_of(line, pool))
                if promised and room.of(line, pool) >= wanted:
                    gain = wanted
                room.take(line, gain)
                pool -= gain
                gets[line.key] += gain

        floors = {"win": lambda line: line.qty_open, "gain": lambda line: has[line.key]}
        ceilings = {**floors, "gain": floors["win"], "redistribute": floors["win"],
                    "fill": floors["gain"], "lose": lambda line: ZERO}
        for strategy, floor in floors.items():
            for line, _, its_own in run:
                if its_own == strategy:
                    bring(line, floor(line), promised=True)
        short = {line.key: floors[strategy](line) - gets[line.key] if strategy in floors else ZERO
                 for line, _, strategy in run}
        if on_shortage == "fail" and any(short.values()):
            raise Refused("55000")
        for strategy, ceiling in ceilings.items():
            for line, _, its_own in run:
                if its_own == strategy:
                    bring(line, ceiling(line), promised=False)
        rows = [(line, segment, strategy, line.qty_open, has[line.key], gets[line.key], short[line.key])
                for line, segment, strategy in run]
        self._carry_out(stock, run, gets, pool)
        return rows

    def _run(self, stock, by, strategies):
        """Lines that take part, in fill order, each with its segment and strategy."""
        segment = {"priority": lambda line: str(line.priority),
                   "customer": lambda line: line.customer or "", "demand": lambda line: "customer"}[by]
        lines = [line for line in self.lines_at(stock) if line.qty_open > 0 and not line.held]
        if stock.fill_rule == "most_lines":
            lines.sort(key=lambda line: (line.priority, line.qty_open, line.queued_at, line.line_id))
        else:
            lines = self.in_fill_order(stock, lines)
        run = [(line, segment(line), strategies.get(segment(line), strategies.get("*", "skip")))
               for line in lines]
        return [entry for entry in run if entry[2] != "skip"]

    def _carry_out(self, stock, run, gets, left):
        changes = [(line, gets[line.key] - line.qty_allocated) for line, _, _ in run]
        for line, change in changes:
            if change < 0:
                line.qty_allocated += change
                line.qty_backordered -= change
        for line, change in changes:
            if change > 0:
                self._give(line, change)
        left_over = round_down(left, stock.qty_step) > 0 and self.backordered(stock) > 0
        stock.unassigned = left if left_over else ZERO

    # -- caps and protected quantities

    def set_cap(self, key, qty, new_key=None):
        """INSERT; with a new key, which may be the old one: UPDATE."""
        self._set_limit(self.caps, Cap, key, qty, new_key)

    def set_protection(self, key, qty, new_key=None):
        self._set_limit(self.protections, Protection, key, qty, new_key)

    def _set_limit(self, table, row_type, key, qty, new_key):
        faults = number_faults(qty)
        if not faults and Fraction(qty) < 0:
            faults = {"BK006"}
        if key[:2] not in self.stocks:
            faults.add("BK001")
        if (new_key or key) in table and new_key != key:
            faults.add("23505")
        if faults:
            raise Refused(*faults)
        table.pop(key, None)
        item, location, *whom = new_key or key
        row = row_type(item, location, *whom[:2], Fraction(qty), *whom[2:])
        table[row.key] = row
        self._limits_changed(key[:2], loosened=new_key is not None)

    def drop_limit(self, table, key):
        table.pop(key, None)
        self._limits_changed(key[:2], loosened=True)

    def set_group(self, customer, group_name):
        """A customer joins a group, or none."""
        groups = {self.groups.get(customer), group_name} - {None}
        self.groups[customer] = group_name
        for limit in [*self.caps.values(), *self.protections.values()]:
            if limit.customer_group in groups:
                self._limits_changed((limit.item, limit.location), loosened=True)

    def _limits_changed(self, key, loosened):
        """Who may take more does so, also of what reallocate() had left for new orders."""
        self.ruled.add(key)
        if loosened:
            self.stocks[key].unassigned = ZERO
        self._settle(self.stocks[key])

    # -- supply and receipts

    def insert_supply(self, supply_id, supply_ref, item, location, qty_expected, expected_on=None,
                      for_line=None):
        qty = quantity(qty_expected)
        self._check_for_line(for_line, item, location)
        self.supplies[supply_id] = Supply(supply_id, supply_ref, item, location, qty, expected_on,
                                          for_line)

    def _check_for_line(self, for_line, item, location):
        if for_line is None:
            return
        key = (for_line, item)
        there = key in self.lines and self.lines[key].location == location
        # others may have archived, deleted or moved it a moment after it was looked at
        left = self.lenient and (key in self.archived or key in self.gone or key in self.restless)
        if not there and not left:
            raise Refused("BK008")
        self.ruled.add((item, location))

    def update_supply(self, supply_id, changes):
        """The row, as a list that is empty where it is not there."""
        supply = self.supplies.get(supply_id)
        if supply is None:
            return []
        if "qty_expected" in changes:
            changes = {**changes, "qty_expected": quantity(changes["qty_expected"])}
        if changes.get("for_line", supply.for_line) != supply.for_line:
            self._check_for_line(changes["for_line"], supply.item, supply.location)
        for column, value in changes.items():
            setattr(supply, column, value)
        return [self.supply_row(supply)]

    def delete_supply(self, supply_id):
        if supply_id in self.supplies and self.supplies[supply_id].named:
            raise Refused("BK007")
        return self.supplies.pop(supply_id, None)

    def supplies_of(self, supply_ref):
        """All rows of a reference, open or closed."""
        return [s for s in self.supplies.values() if s.supply_ref == supply_ref]

    def _open_supplies(self, supply_ref, item, location):
        found = [s for s in self.supplies_of(supply_ref)
                 if (s.item, s.location) == (item, location) and not s.closed]
        if not found:
            raise Refused("BK007")
        return sorted(found, key=lambda s: (s.expected_on or date.max, s.supply_id))

    def _receive_on(self, supplies, qty):
        """Lines of one reference are received on in turn, what is too much on the last.
        Returns what went on which."""
        parts = []
        for supply in supplies:
            part = max(ZERO, min(qty, supply.qty_expected - supply.qty_received))
            if supply is supplies[-1]:
                part = qty
            if part > 0:
                supply.qty_received += part
                supply.named = True
                parts.append((supply.supply_id, part))
            qty -= part
        return tuple(parts)

    def _fill_bought(self, stock, parts):
        """What was bought for a line goes to it, as far as it waits and its caps leave it."""
        fills = []
        for supply_id, qty in parts:
            line = self.lines.get((self.supplies[supply_id].for_line, stock.item))
            if line and line.location == stock.location and not line.held:
                qty = min(line.qty_backordered,
                          round_down(self.room(stock).of_caps(line, qty), stock.qty_step))
                if qty > 0:
                    self.fills.append((line.key, qty, self.now))
                    fills.append(Fill(line, qty, self._give(line, qty)))
        return fills

    def receive(self, spec, receipt_id=None):
        """One row of INSERT INTO receipt. Returns it and who got what."""
        faults = quantity_faults(spec["qty"]) | name_faults(spec["item"], spec["location"])
        key = (spec["item"], spec["location"])
        supplies = []
        if key not in self.stocks:
            faults.add("BK001")
        if spec.get("supply_ref") is not None:
            try:
                supplies = self._open_supplies(spec["supply_ref"], *key)
            except Refused as refusal:
                faults |= refusal.codes
        if faults:
            raise Refused(*faults)
        stock, qty = self.stocks[key], Fraction(spec["qty"])
        level(shown(stock.on_hand + qty))
        receipt = Receipt(receipt_id or self._placeholder(), stock.item, stock.location, qty)
        if supplies:
            receipt.parts = self._receive_on(supplies, qty)
        stock.on_hand += qty
        stock.unassigned = ZERO
        fills = self._fill_bought(stock, receipt.parts) + self.fill(stock)
        # what an older rest adds to make up a step doesn't come out of this receipt
        receipt.qty_to_backorders = min(qty, sum((fill.qty for fill in fills), ZERO))
        receipt.qty_to_stock = qty - receipt.qty_to_backorders
        self.receipts[receipt.receipt_id] = receipt
        return receipt, fills

    def reverse_receipt(self, receipt_id, qty=None):
        """What is available goes first, then allocations from the last in the queue."""
        receipt = self.receipts.get(receipt_id)
        if receipt is None:
            raise Refused("BK007", "BK008", "BK006")
        left = receipt.qty - receipt.qty_reversed
        qty = left if qty is None else quantity(qty)
        stock = self.stocks[receipt.item, receipt.location]
        if qty > left or qty > stock.on_hand:
            raise Refused("BK005", "BK006")
        receipt.qty_reversed += qty
        stock.on_hand -= qty
        self._take_back(receipt, qty)
        self._settle(stock)

    def _take_back(self, receipt, qty):
        """Supply lines are open again by that much, the last one first, where
        something of them is missing."""
        parts = []
        for supply_id, part in reversed(receipt.parts):
            back = min(part, qty)
            supply = self.supplies[supply_id]
            if back > 0:
                supply.qty_received -= back
                supply.closed &= supply.qty_received >= supply.qty_expected
            parts.insert(0, (supply_id, part - back))
            qty -= back
        receipt.parts = tuple(parts)

    # -- promises

    def promises(self, stock):
        waiting = [line for line in self.lines_at(stock) if line.qty_backordered > 0]
        return Promises(stock, self.in_fill_order(stock, waiting),
                        [s for s in self.supplies.values()
                         if (s.item, s.location) == stock.key and not s.closed],
                        self.available(stock), self.unassigned(stock), self.room(stock))

    # -- rows as the database shows them

    def line_row(self, line):
        return {
            "line_id": line.line_id, "item": line.item, "location": line.location,
            "qty_ordered": line.qty_ordered, "qty_shipped": line.qty_shipped,
            "qty_allocated": line.qty_allocated, "qty_backordered": line.qty_backordered,
            "qty_cancelled": line.qty_cancelled, "qty_returned": line.qty_returned,
            "qty_filled_first": line.qty_filled_first, "queued_at": line.queued_at,
            "closed": line.qty_open == 0,
        }

    def stock_row(self, stock):
        return {
            "item": stock.item, "location": stock.location, "on_hand": stock.on_hand,
            "allocated": self.allocated(stock), "available": self.available(stock),
            "backordered": self.backordered(stock), "unassigned": self.unassigned(stock) or None,
        }

    def receipt_row(self, receipt):
        return {
            "receipt_id": receipt.receipt_id, "supply_id": receipt.supply_id,
            "qty_to_backorders": receipt.qty_to_backorders, "qty_to_stock": receipt.qty_to_stock,
        }

    def supply_row(self, supply):
        return {"supply_id": supply.supply_id, "item": supply.item,
                "qty_expected": supply.qty_expected, "qty_received": supply.qty_received,
                "expected_on": supply.expected_on, "for_line_id": supply.for_line,
                "closed": supply.closed}

    def cap_row(self, cap):
        return {**vars(cap), "qty_used": self.used(cap)}

    def protection_row(self, protection):
        return dict(vars(protection))
