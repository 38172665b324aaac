"""The rows of a book's tables, as far as the rules are about them."""

from dataclasses import dataclass
from datetime import date, datetime, timezone
from fractions import Fraction

from quantities import ZERO

FAR_FUTURE = datetime(9999, 1, 1, tzinfo=timezone.utc)


class Row:
    def copy(self):
        return type(self)(**vars(self))


@dataclass
class Stock(Row):
    item: str
    location: str
    on_hand: Fraction = ZERO
    qty_step: Fraction = None
    backorder_limit: Fraction = None
    fill_rule: str = "fifo"
    ships_at_once: bool = True
    last_queued_at: datetime = None
    unassigned: Fraction = ZERO     # available, but not for who waits now

    @property
    def key(self):
        return (self.item, self.location)


@dataclass
class Line(Row):
    line_id: int
    item: str
    location: str
    qty_ordered: Fraction
    queued_at: datetime = FAR_FUTURE
    order_ref: str = None
    customer: str = None
    priority: int = 100
    ship_policy: str = "partial"
    requested_on: date = None
    held: bool = False
    row: tuple = None               # key of the application's row that it stands for
    qty_shipped: Fraction = ZERO
    qty_allocated: Fraction = ZERO
    qty_backordered: Fraction = ZERO
    qty_cancelled: Fraction = ZERO
    qty_returned: Fraction = ZERO
    qty_filled_first: Fraction = ZERO

    @property
    def key(self):
        return (self.line_id, self.item)

    @property
    def stock_key(self):
        return (self.item, self.location)

    @property
    def qty_open(self):
        return self.qty_allocated + self.qty_backordered

    @property
    def place(self):
        """Place in the queue under fifo."""
        return (self.priority, self.queued_at, self.line_id)


@dataclass
class Supply(Row):
    supply_id: int
    supply_ref: str
    item: str
    location: str
    qty_expected: Fraction
    expected_on: date = None
    for_line: int = None
    closed: bool = False
    qty_received: Fraction = ZERO
    named: bool = False             # something has been received on it once


@dataclass
class Receipt(Row):
    receipt_id: int
    item: str
    location: str
    qty: Fraction
    parts: tuple = ()               # what went on which supply line
    qty_to_backorders: Fraction = ZERO
    qty_to_stock: Fraction = ZERO
    qty_reversed: Fraction = ZERO

    @property
    def supply_id(self):
        return self.parts[0][0] if self.parts else None


@dataclass
class Fill:
    """What one line got out of one rise of stock."""
    line: Line
    qty: Fraction
    qty_shipped: Fraction


@dataclass
class Cap(Row):
    """The most that lines of a customer group, or of a priority, may get."""
    item: str
    location: str
    customer_group: str
    priority: int
    qty: Fraction
    period: str = "ever"

    @property
    def key(self):
        return (self.item, self.location, self.customer_group, self.priority, self.period)

    @property
    def stock_key(self):
        return (self.item, self.location)

    def is_for(self, line, group):
        if self.customer_group is not None:
            return group == self.customer_group
        return line.priority == self.priority


@dataclass
class Protection(Row):
    """A quantity that others leave on the shelf."""
    item: str
    location: str
    customer_group: str
    priority: int
    qty: Fraction

    @property
    def key(self):
        return (self.item, self.location, self.customer_group, self.priority)

    @property
    def stock_key(self):
        return (self.item, self.location)

    def is_kept_from(self, line, group):
        if self.customer_group is None:
            return line.priority > self.priority
        return group != self.customer_group and line.priority >= self.priority
