"""What operations are made of: the features, what a generator knows of the book,
and the operation itself, a statement for the database together with what the
model says about it."""

import datetime

import model as m
from database import STOCK_COLUMNS

# What each feature adds; the names are the ones --features takes.
ENGINE = {
    "insert": "order lines by INSERT, COPY, MERGE, prepared",
    "receipt": "receipts, receive()",
    "stock": "stock.on_hand up and down, upserts",
    "supply": "supply lines, receipts that name them",
    "promises": "supply lines that are changed and deleted",
    "pegged": "supply bought for an order line",
    "shrunk": "limits, or supply bought for a line, where fill_rule is most_lines",
    "limits": "caps, protected quantities, customer groups",
    "conflict": "ON CONFLICT DO NOTHING, DO UPDATE on order lines",
    "limit": "backorder_limit changes",
    "line": "ship_policy line",
    "edit": "UPDATE of columns that mean nothing to the engine",
    "nested": "triggers of the application that write to the book themselves",
    "huge": "lines that add up to more than a quantity can hold",
    "with": "two statements in one, by WITH",
    "default": "a column of the application's own that has a default",
    "restore": "a data-only dump and restore in the middle of a round",
    "tangle": "nested statements where lines are held, or rows of the outer one stay out",
    "lanes": "stock rows that are split in lanes",
    "commit": "a part of a round in which the book allocates at commit",
    "attached": "every other round: rows, stock and deliveries of an application's own tables",
    "intruder": "engine columns and tables written by those who may not",
}
LIFE = {
    "resize": "UPDATE of qty_ordered",
    "requeue": "UPDATE of priority, requested_on",
    "several": "UPDATE and DELETE of several lines at once",
    "move": "UPDATE of item, location",
    "delete": "DELETE of lines",
    "ship": "ship()",
    "cancel": "cancel()",
    "return": "return_goods()",
    "count": "count_stock()",
    "place": "place_order()",
    "archive": "archive()",
    "preview": "preview()",
    "reverse": "reverse_receipt()",
    "reallocate": "reallocate()",
    "hold": "held lines",
    "rules": "fill_rule due_date, fair_share, most_lines",
    "order": "ship_policy order",
    "upsert": "ON CONFLICT DO UPDATE of qty_ordered",
    "reuse": "numbers of lines that were cancelled and deleted come again",
    "step": "qty_step changes",
    "flag": "ships_at_once and ship_policy changes",
}
FEATURES = {**ENGINE, **LIFE}

TYPES = {"n": "integer", "line_id": "bigint", "order_ref": "text", "customer": "text", "item": "text",
         "location": "text", "priority": "integer", "ship_policy": "text",
         "requested_on": "date", "qty_ordered": "numeric", "queued_at": "timestamptz",
         "held": "boolean", "qty": "numeric", "supply_ref": "text", "note": "text",
         "customer_group": "text", "period": "text"}

BAD_QUANTITIES = [None, "0", "-1", "NaN", "Infinity", "-Infinity", "0.0000001", "1.1234567",
                  "1000000000000", "9999999999999", "1e15", "-0.000001", "0.00"]
BAD_LEVELS = [None, "-1", "NaN", "Infinity", "-Infinity", "1.1234567", "1000000000000", "-0.000001"]
CUSTOMERS = ["Retailer", "Müller & Söhne", "O'Neill"]
FOREVER = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)


class Operation:
    """A statement, perhaps a second one that reads its result, and the model's answer.

    keys      (item, location) pairs that it may touch
    expect    expect(model, rows): the rows that must be shown; it may take from rows what
              only the database can know (numbers and times given); rows is None if it failed
    tolerates SQLSTATEs that are right as well, where the rules leave it open
    """

    def __init__(self, kind, keys, sql, params, expect, *, copy=None, then=None, role="owner",
                 tolerates=(), places=False):
        self.kind, self.keys, self.sql, self.params = kind, frozenset(keys), sql, params
        self.expect, self.copy, self.then, self.role = expect, copy, then, role
        self.tolerates = frozenset(tolerates)
        self.before = None          # (sql, params) to run first, in the same transaction
        self.places = places        # inserts lines and nothing else: fit for the app's role

    @property
    def items(self):
        return frozenset(item for item, _ in self.keys)

    def run(self, session):
        if self.role != "owner":
            session.execute(f"SET ROLE {session.roles[self.role]}", items=self.items)
        if self.before:
            session.execute(*self.before, self.items)
        rows = session.execute(self.sql, self.params, self.items, copy=self.copy)
        if self.then:
            rows = session.execute(*self.then, self.items)
        if self.role != "owner":
            session.execute(f"SET ROLE {session.roles['owner']}", items=self.items)
        return rows


class World:
    """What the generator knows: the items of the round and what has been committed."""

    grows_supply = False        # lines may be added to a reference that is there
    shop = None                 # the application whose tables are attached
    instead = staticmethod(lambda world, make: make)    # what is done to them instead

    def __init__(self, rng, book, keys, features, first_id):
        self.rng, self.book, self.keys, self.features = rng, book, keys, features
        self.next_id = first_id
        self.steps = {}
        self.order_refs = 0

    def fresh_id(self):
        self.next_id += 1
        return self.next_id

    def fresh_ref(self, kind):
        self.order_refs += 1
        return f"{kind}-{self.next_id}-{self.order_refs}"

    def has(self, feature):
        return feature in self.features

    def some_key(self):
        return self.rng.choice(self.keys)

    # what is known of the book: from the model, or from what others have committed
    def some_line(self):
        raise NotImplementedError

    def some_own_line(self):
        """One that stands for no row of the application."""
        raise NotImplementedError

    def some_row(self):
        """Key, item and location of a row of the application."""
        raise NotImplementedError

    def some_waiting_line(self, key):
        return self.some_line()

    def some_receipt(self):
        raise NotImplementedError

    def some_supply(self):
        raise NotImplementedError

    def some_limit(self, kind):
        """The key of a cap or a protection."""
        raise NotImplementedError

    def rule_of(self, key):
        raise NotImplementedError

    def some_key_for_limits(self):
        """Not with fair_share: what it gives under limits is not defined."""
        unfit = {"fair_share"} if self.has("shrunk") else {"fair_share", "most_lines"}
        keys = [key for key in self.keys if self.rule_of(key) not in unfit]
        return self.rng.choice(keys) if keys else None


class ModelWorld(World):
    """One session, one operation at a time: the model knows everything."""

    model = None
    grows_supply = True

    def _some(self, rows):
        return self.rng.choice(rows) if rows else None

    def _some_line(self, fit=lambda line: True):
        lines = sorted(filter(fit, self.model.lines.values()), key=lambda line: line.key)
        still_open = [line for line in lines if line.qty_open > 0]
        return self._some(still_open if still_open and self.rng.random() < 0.8 else lines)

    def some_line(self):
        if self.model.archived and self.rng.random() < 0.04:    # changes no more
            line = self._some(sorted(self.model.archived.values(), key=lambda line: line.key))
        else:
            line = self._some_line()
        return line and (line.line_id, line.item, line.location)

    def some_own_line(self):
        line = self._some_line(lambda line: line.row is None)
        return line and (line.line_id, line.item, line.location)

    def some_row(self):
        line = self._some_line(lambda line: line.row is not None)
        return line and (line.row, line.item, line.location)

    def some_receipt(self):
        numbers = sorted(n for n in self.model.receipts if n < 10 ** 15)    # others: receive()
        receipt = self._some([self.model.receipts[n] for n in numbers])
        return receipt and (receipt.receipt_id, receipt.item, receipt.location)

    def some_waiting_line(self, key):
        waiting = [line for line in sorted(self.model.lines.values(), key=lambda line: line.key)
                   if line.stock_key == key and line.qty_backordered > 0]
        return self._some([(line.line_id, line.item, line.location) for line in waiting])

    def _still_waits(self, line_id, item):
        line = self.model.lines.get((line_id, item))
        return line and line.qty_backordered > 0

    def some_supply(self):
        supplies = sorted(self.model.supplies.values(), key=lambda s: s.supply_id)
        bought = [s for s in supplies if not s.closed and self._still_waits(s.for_line, s.item)]
        supply = self._some(bought if bought and self.rng.random() < 0.5 else supplies)
        return supply and (supply.supply_ref, supply.item, supply.location)

    def some_limit(self, kind):
        return self._some(sorted({"cap": self.model.caps, "protection": self.model.protections}[kind],
                                 key=str))

    def rule_of(self, key):
        return self.model.stocks[key].fill_rule


class PoolWorld(World):
    """Many sessions: one knows what the others have said they committed. (None of them
    changes a fill_rule.)"""

    def __init__(self, *args, pool, rules):
        super().__init__(*args)
        self.pool, self.rules = pool, rules

    def _some(self, kind):
        known = self.pool[kind]
        if not known:
            return None
        return self.rng.choice(known[-30:] if self.rng.random() < 0.7 else known)

    def some_line(self):
        return self._some("lines")

    def some_own_line(self):
        line = self.some_line()
        return None if line is None or line[0] in self.pool["attached"] else line

    def some_row(self):
        return self._some("rows")

    def some_receipt(self):
        return self._some("receipts")

    def some_supply(self):
        return self._some("supplies")

    def some_limit(self, kind):
        return self._some(kind)

    def rule_of(self, key):
        return self.rules[key]


# --------------------------------------------------------------- quantities

def some_quantity(world, key, bad=0.02):
    rng, step = world.rng, world.steps.get(key)
    if rng.random() < bad:
        return rng.choice(BAD_QUANTITIES)
    if step is not None:
        if rng.random() < bad:
            return m.shown(step * rng.randint(1, 9) + step / 2)
        return m.shown(step * rng.randint(1, 6))
    return some_number(rng)


def some_number(rng, most=15):
    whole = rng.randint(1, most)
    return rng.choice([str(whole)] * 6 + [f"{whole}.50000000", f"{whole}.{rng.randint(0, 99)}",
                                          f"{rng.randint(0, most)}.{rng.randint(1, 999999):06}"])


# ---------------------------------------------------------------------- SQL

def spec_keys(specs):
    return {m.line_key(spec) for spec in specs}


def columns_of(specs):
    return list(specs[0])


def values_sql(specs, columns, cast=True):
    row = "(" + ", ".join(f"%s::{TYPES[c]}" if cast else "%s" for c in columns) + ")"
    return ", ".join([row] * len(specs)), [spec[c] for spec in specs for c in columns]


def select_stock(world, keys):
    if not world.has("lanes"):
        return (f"SELECT {STOCK_COLUMNS} FROM {world.book}.stock WHERE (item, location) IN %s "
                "ORDER BY item COLLATE \"C\", location COLLATE \"C\" FOR UPDATE", [tuple(sorted(keys))])
    # what others take from lanes meanwhile would come in between
    columns = ", ".join(f"g.{column}" for column in STOCK_COLUMNS.split(", "))
    return (f"SELECT {columns} FROM {gathered(world)} ORDER BY g.item COLLATE \"C\", g.location COLLATE \"C\"",
            [tuple(sorted(keys))])


def gathered(world):
    """Stock rows of some keys with their lanes gathered, so that they are exact and stay so."""
    return (f"(SELECT item, location FROM {world.book}.stock WHERE (item, location) IN %s "
            f"ORDER BY item COLLATE \"C\", location COLLATE \"C\") AS k "
            f"CROSS JOIN LATERAL {world.book}.gather_lanes(k.item, k.location) AS g")
