"""Quantities as a book takes and shows them, and what it means to be refused."""

from decimal import Decimal
from fractions import Fraction

ZERO = Fraction(0)
TOO_LARGE = 10 ** 12
FINEST = 10 ** 6            # six decimals


class Refused(Exception):
    """The statement must fail with one of these SQLSTATEs and change nothing."""

    def __init__(self, *codes):
        super().__init__(" or ".join(sorted(codes)))
        self.codes = frozenset(codes)


class Impossible(Exception):
    """The database answered something that no rule allows."""


def number_faults(text):
    """Why a numeric can be no quantity of any kind, whatever its sign."""
    if text is None:
        return {"23502"}
    value = Decimal(text)
    if not value.is_finite() or abs(value) >= TOO_LARGE:
        return {"BK006"}
    if (Fraction(value) * FINEST).denominator != 1:
        return {"BK006"}
    return set()


def quantity_faults(text, step=None):
    """Why a numeric can be no quantity ordered, received or moved."""
    faults = number_faults(text)
    if not faults and Decimal(text) <= 0:
        faults = {"BK006"}
    if not faults and step is not None and Fraction(text) % step != 0:
        faults = {"BK006"}
    return faults


def level_faults(text):
    """Why a numeric can be no quantity on hand: zero may be, below zero is BK005."""
    faults = number_faults(text)
    if text is not None and not Decimal(text).is_nan() and Decimal(text) < 0:
        faults.add("BK005")
    return faults


def name_faults(*names):
    """Why texts can't be names of an item and a location."""
    faults = set()
    for name in names:
        if name is None:
            faults.add("23502")
        elif not name:
            faults |= {"22023", "23514"}
        elif len(name.encode()) > 1000:
            faults |= {"22001", "23514"}
    return faults


def line_key(spec):
    """Item and location of a new line: without a sourcing rule it goes to main."""
    return spec["item"], "main" if spec["location"] is None else spec["location"]


def quantity(text, step=None):
    faults = quantity_faults(text, step)
    if faults:
        raise Refused(*faults)
    return Fraction(text)


def level(text):
    faults = level_faults(text)
    if faults:
        raise Refused(*faults)
    return Fraction(text)


def round_down(qty, step):
    return qty if step is None else qty // step * step


def round_up(qty, step):
    return qty if step is None else -(-qty // step) * step


def shown(qty):
    """A quantity as the book prints it: no padding zeros."""
    if qty.denominator == 1:
        return str(qty.numerator)
    scaled = qty * FINEST
    assert scaled.denominator == 1, qty
    sign, digits = "-" if qty < 0 else "", str(abs(scaled.numerator)).rjust(7, "0")
    return f"{sign}{digits[:-6]}.{digits[-6:]}".rstrip("0")
