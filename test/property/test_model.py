"""The model against numbers that can be checked by hand."""

import random
import unittest
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction

from checks import check_turn
from database import Mismatch
from model import (CHECK_REFUSES, KEPT_OUT_AFTER, KEPT_OUT_BEFORE, MORE_ROWS, ORDERS_MORE, Impossible, Model, Refused,
                   coarsest_unit, fair_shares, shown)
from operations import random_operation
from world import FEATURES, ModelWorld

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Book:
    """A model with short ways to write things down."""

    def __init__(self, on_hand="0", **settings):
        for name in ("qty_step", "backorder_limit"):
            if settings.get(name) is not None:
                settings[name] = Fraction(settings[name])
        self.model, self.arrivals = Model(), 0
        self.model.insert_stock("A", "main", on_hand, **settings)
        self.stock = self.model.stocks["A", "main"]

    def order(self, qty, **columns):
        """The number of a new line."""
        return self.orders([{"qty_ordered": qty, **columns}])[0]["line_id"]

    def orders(self, specs, **how):
        return self.model.insert_lines(
            [{"item": "A", "location": "main", **spec} for spec in specs], self.fact, **how)

    def fact(self, spec):
        self.arrivals += 1
        return (spec.get("line_id") or self.arrivals,
                spec.get("queued_at") or START + timedelta(seconds=self.arrivals))

    def receive(self, qty, **columns):
        receipt, fills = self.model.receive({"item": "A", "location": "main", "qty": qty, **columns},
                                            receipt_id=len(self.model.receipts) + 1)
        return ([shown(receipt.qty_to_backorders), shown(receipt.qty_to_stock)],
                {fill.line.line_id: shown(fill.qty) for fill in fills})

    def set(self, **changes):
        self.model.set_stock("A", "main", **changes)

    def change(self, number, **changes):
        self.model.update_line(number, "A", changes)

    def line(self, number):
        """shipped, allocated, backordered, cancelled"""
        line = self.model.line(number)
        return [shown(q) for q in (line.qty_shipped, line.qty_allocated, line.qty_backordered,
                                   line.qty_cancelled)]

    def lines(self):
        return [self.line(number) for number, _ in sorted(self.model.lines)]

    def levels(self):
        """on_hand, allocated, backordered"""
        return [shown(q) for q in (self.stock.on_hand, self.model.allocated(self.stock),
                                   self.model.backordered(self.stock))]


class Test(unittest.TestCase):
    def refused(self, code, call, *args, **named):
        with self.assertRaises(Refused) as caught:
            call(*args, **named)
        self.assertIn(code, caught.exception.codes)

    # -- the worked example

    def test_example(self):
        book = Book("350")
        first = book.order("500")
        self.assertEqual(book.line(first), ["350", "0", "150", "0"])
        book.model.insert_supply(1, "PO-77", "A", "main", "400")
        self.assertEqual(book.receive("400", supply_ref="PO-77"), (["150", "250"], {first: "150"}))
        self.assertEqual(book.line(first), ["500", "0", "0", "0"])
        self.assertEqual(book.levels(), ["250", "0", "0"])
        self.assertEqual(book.model.supplies[1].qty_received, 400)
        self.assertEqual(book.model.line(first).qty_filled_first, 350)

    # -- order lines

    def test_a_statement_of_several_lines(self):
        book = Book("10")
        book.orders([{"qty_ordered": "4"}, {"qty_ordered": "4"}, {"qty_ordered": "4"}])
        self.assertEqual(book.lines(), [["4", "0", "0", "0"], ["4", "0", "0", "0"], ["2", "0", "2", "0"]])

    def test_rows_kept_out_take_nothing(self):
        book = Book("10")
        book.orders([{"qty_ordered": "9", "customer": KEPT_OUT_BEFORE},
                     {"qty_ordered": "9", "customer": KEPT_OUT_AFTER}, {"qty_ordered": "8"}])
        book.orders([{"qty_ordered": "9", "line_id": 1}], on_conflict=lambda spec: [])
        self.assertEqual(book.lines(), [["8", "0", "0", "0"]])
        self.assertEqual(book.levels(), ["2", "0", "0"])

    def test_step(self):
        book = Book("12", qty_step="5")
        self.assertEqual(book.line(book.order("15")), ["10", "0", "5", "0"])
        self.assertEqual(book.line(book.order("5")), ["0", "0", "5", "0"])
        self.assertEqual(book.receive("3"), (["3", "0"], {1: "5"}))     # 2 + 3 make a step
        self.assertEqual(book.receive("4"), (["0", "4"], {}))
        self.refused("BK006", book.order, "7")

    def test_limit(self):
        full = Book("4", backorder_limit="3")
        full.order("6")
        self.refused("BK002", full.order, "2")          # half changed now
        book = Book("4", backorder_limit="3")
        self.assertEqual(book.line(book.order("6")), ["4", "0", "2", "0"])
        book.order("1")
        book.set(backorder_limit=Fraction(0))
        book.receive("4")
        self.assertEqual(book.levels(), ["1", "0", "0"])
        book.order("1")
        self.refused("BK002", book.order, "0.000001")

    def test_bad_input(self):
        book = Book("5")
        for qty in ("0", "-1", "NaN", "Infinity", "-Infinity", "0.0000001", "1000000000000"):
            self.refused("BK006", book.order, qty)
            self.refused("BK006", book.receive, qty)
        self.refused("23502", book.order, None)
        self.refused("BK001", book.order, "1", item="B")
        self.refused("BK001", book.order, "1", location="elsewhere")
        self.refused("23514", book.order, "1", order_ref=CHECK_REFUSES)
        self.refused("23514", book.order, "1", priority=-1)
        self.refused("BK007", book.receive, "1", supply_ref="unknown")
        self.refused("BK005", book.set, on_hand="-1")
        self.refused("BK006", book.set, on_hand="NaN")
        book.order("999999999999.999999")
        book.order("1.50000000")

    # -- filling

    def test_fifo(self):
        book = Book()
        book.order("5")
        book.order("5", priority=1)
        book.order("5")
        book.order("5", queued_at=START)        # an old order, brought in
        self.assertEqual(book.receive("12"), (["12", "0"], {2: "5", 4: "5", 1: "2"}))

    def test_held_lines_are_passed_over(self):
        book = Book()
        book.order("5")
        book.order("5")
        book.change(1, held=True)
        self.assertEqual(book.receive("7"), (["5", "2"], {2: "5"}))
        book.change(1, held=False)
        self.assertEqual(book.line(1), ["2", "0", "3", "0"])

    def test_line_ships_whole(self):
        book = Book("4")
        book.order("6", ship_policy="line")
        self.assertEqual(book.line(1), ["0", "4", "2", "0"])
        self.assertEqual(book.levels(), ["4", "4", "2"])
        self.assertEqual(book.receive("5"), (["2", "3"], {1: "2"}))
        self.assertEqual(book.line(1), ["6", "0", "0", "0"])
        self.assertEqual(book.levels(), ["3", "0", "0"])

    def test_line_ships_when_the_rest_is_cancelled(self):
        book = Book("4")
        book.order("6", ship_policy="line")
        book.model.cancel(1, "2")
        self.assertEqual(book.line(1), ["4", "0", "0", "2"])

    def test_order_ships_whole(self):
        book = Book("4")
        book.orders([{"qty_ordered": "3", "order_ref": "O", "ship_policy": "order"},
                     {"qty_ordered": "3", "order_ref": "O", "ship_policy": "order"}])
        book.model.settle_orders()
        self.assertEqual(book.lines(), [["0", "3", "0", "0"], ["0", "1", "2", "0"]])
        book.receive("2")
        book.model.settle_orders()
        self.assertEqual(book.lines(), [["3", "0", "0", "0"], ["3", "0", "0", "0"]])

    def test_due_date(self):
        book = Book(fill_rule="due_date")
        book.order("5")
        book.order("5", requested_on=(START + timedelta(2)).date())
        book.order("5", requested_on=(START + timedelta(1)).date())
        self.assertEqual(book.receive("11")[1], {3: "5", 2: "5", 1: "1"})

    def test_most_lines(self):
        book = Book(fill_rule="most_lines")
        for qty in ("9", "2", "5", "2"):
            book.order(qty)
        self.assertEqual(book.receive("10")[1], {2: "2", 4: "2", 3: "5", 1: "1"})

    def test_fair_share(self):
        book = Book(fill_rule="fair_share")
        for qty in ("10", "20", "30"):
            book.order(qty)
        # 10 over 60: 1.67, 3.33, 5 - the one left over to the largest remainder
        self.assertEqual(book.receive("10")[1], {1: "2", 2: "3", 3: "5"})

    def test_fair_share_priority_first(self):
        book = Book(fill_rule="fair_share")
        book.order("4", priority=1)
        book.order("6")
        book.order("6")
        self.assertEqual(book.receive("9")[1], {1: "4", 2: "3", 3: "2"})

    def test_fair_share_in_steps(self):
        book = Book(fill_rule="fair_share", qty_step="5")
        book.order("10")
        book.order("10")
        self.assertEqual(book.receive("17")[1], {1: "10", 2: "5"})

    def test_fair_share_unit(self):
        self.assertEqual(coarsest_unit([Fraction(3), Fraction(20)]), 1)
        self.assertEqual(coarsest_unit([Fraction(3), Fraction("0.25")]), Fraction("0.01"))
        book = Book(fill_rule="fair_share")
        book.order("1")
        book.order("1")
        book.order("1")
        self.assertEqual(book.receive("0.1")[1], {1: "0.1"})
        self.assertEqual(fair_shares([], Fraction(5), None), [])

    # -- stock falls

    def test_the_last_in_the_queue_release_first(self):
        book = Book("10", ships_at_once=False)
        book.order("4")
        book.order("6")
        book.set(on_hand="7")
        self.assertEqual(book.lines(), [["0", "4", "0", "0"], ["0", "3", "3", "0"]])
        book.set(on_hand="2")
        self.assertEqual(book.lines(), [["0", "2", "2", "0"], ["0", "0", "6", "0"]])
        book.set(change="3")
        self.assertEqual(book.lines(), [["0", "4", "0", "0"], ["0", "1", "5", "0"]])
        self.refused("BK005", book.set, change="-6")

    def test_release_in_steps(self):
        book = Book("10", ships_at_once=False, qty_step="5")
        book.order("10")
        book.set(on_hand="9")
        self.assertEqual(book.line(1), ["0", "5", "5", "0"])
        self.assertEqual(book.levels(), ["9", "5", "5"])

    # -- changes

    def test_less(self):
        book = Book("4", ships_at_once=False)
        book.order("6")
        book.order("3")
        book.change(1, qty_ordered="5")
        self.assertEqual(book.lines(), [["0", "4", "1", "0"], ["0", "0", "3", "0"]])
        book.change(1, qty_ordered="2")
        self.assertEqual(book.lines(), [["0", "2", "0", "0"], ["0", "2", "1", "0"]])
        book.model.ship(1)
        self.refused("BK004", book.change, 1, qty_ordered="1")
        self.refused("BK006", book.change, 1, qty_ordered="0")

    def test_more(self):
        book = Book("4", backorder_limit="5")
        book.order("2")
        book.change(1, qty_ordered="7")
        self.assertEqual(book.line(1), ["4", "0", "3", "0"])
        self.assertEqual(book.model.line(1).qty_filled_first, 2)
        self.refused("BK002", book.change, 1, qty_ordered="10")

    def test_priority_moves_the_line(self):
        book = Book()
        book.order("5")
        book.order("5")
        book.change(2, priority=1)
        self.assertEqual(book.receive("5")[1], {2: "5"})

    def test_move(self):
        book = Book("5", ships_at_once=False)
        book.model.insert_stock("B", "main", "2")
        book.order("5")
        book.order("5")
        book.model.move_line(1, "A", "B", "main")
        self.assertEqual(book.lines(), [["2", "0", "3", "0"], ["0", "5", "0", "0"]])
        self.refused("BK004", book.model.move_line, 1, "B", "A", "main")
        self.refused("BK001", book.model.move_line, 2, "A", "C", "main")

    def test_delete(self):
        book = Book("5", ships_at_once=False)
        book.order("5")
        book.order("5")
        self.assertEqual(book.model.delete_lines([(1, "A")]), 1)
        self.assertEqual(book.model.delete_lines([(1, "A")]), 0)
        self.assertEqual(book.lines(), [["0", "5", "0", "0"]])
        book.model.ship(2, "1")
        self.refused("BK004", book.model.delete_lines, [(2, "A")])

    def test_cancel(self):
        book = Book("4", ships_at_once=False)
        book.order("6")
        book.order("3")
        book.model.cancel(1, "3")
        self.assertEqual(book.lines(), [["0", "3", "0", "3"], ["0", "1", "2", "0"]])
        self.refused("BK006", book.model.cancel, 1, "4")
        book.model.cancel(1)
        self.assertEqual(book.lines(), [["0", "0", "0", "6"], ["0", "3", "0", "0"]])
        self.refused("BK008", book.model.cancel, 99)

    def test_ship_and_return(self):
        book = Book("4", ships_at_once=False)
        book.order("6")
        self.refused("BK006", book.model.ship, 1, "5")
        book.model.ship(1, "3")
        self.assertEqual((book.line(1), book.levels()), (["3", "1", "2", "0"], ["1", "1", "2"]))
        book.model.return_goods(1, "1")
        self.assertEqual((book.line(1), book.levels()), (["3", "2", "1", "0"], ["2", "2", "1"]))
        book.model.return_goods(1, "1", restock=False)
        self.assertEqual(book.levels(), ["2", "2", "1"])
        self.refused("BK006", book.model.return_goods, 1, "2")

    def test_reversal(self):
        book = Book(ships_at_once=False)
        book.order("4")
        book.receive("6")
        book.model.reverse_receipt(1, "1")
        self.assertEqual(book.levels(), ["5", "4", "0"])
        book.model.reverse_receipt(1, "3")
        self.assertEqual(book.line(1), ["0", "2", "2", "0"])
        self.refused("BK005", book.model.reverse_receipt, 1, "3")
        book.model.ship(1)
        self.refused("BK005", book.model.reverse_receipt, 1)

    def test_reallocation(self):
        """The example of the design: q and c are win 40/10, gain 30/20, redistribute 30/30
        and 20/0, fill 30/20, lose 20/20."""
        for pool, result in ("100", [40, 30, 30, 0, 0, 0]), ("120", [40, 30, 30, 20, 0, 0]):
            book = Book(pool, ships_at_once=False)
            for number, (q, c) in enumerate([(40, 10), (30, 20), (30, 30), (20, 0), (30, 20), (20, 20)]):
                book.order(str(q), priority=[10, 20, 30, 30, 40, 50][number])
                line = book.model.line(number + 1)
                line.qty_allocated, line.qty_backordered = Fraction(c), Fraction(q - c)
            rows = book.model.reallocate("A", "main", "priority", {
                "10": "win", "20": "gain", "30": "redistribute", "40": "fill", "50": "lose"})
            self.assertEqual([row[5] for row in rows], result)
            self.assertEqual([line[1] for line in book.lines()], [str(q) for q in result])

    def test_reallocation_short(self):
        book = Book("9", ships_at_once=False)
        book.orders([{"qty_ordered": q, "priority": p} for q, p in (("6", 1), ("5", 2), ("4", 3))])
        strategies = {"1": "lose", "2": "win", "3": "gain"}
        self.assertEqual(book.lines(), [["0", "6", "0", "0"], ["0", "3", "2", "0"], ["0", "0", "4", "0"]])
        book.model.reallocate("A", "main", "priority", strategies)
        self.assertEqual(book.lines(), [["0", "0", "6", "0"], ["0", "5", "0", "0"], ["0", "4", "0", "0"]])
        strategies = {"1": "win", "2": "gain", "*": "win"}
        self.refused("55000", book.model.copy().reallocate, "A", "main", "priority", strategies)
        rows = book.model.reallocate("A", "main", "priority", strategies, "report")
        self.assertEqual([row[6] for row in rows], [0, 5, 1])

    def test_left_over(self):
        """What a reallocation leaves is for new orders, until stock rises."""
        book = Book("9", ships_at_once=False)
        book.order("8")
        book.model.reallocate("A", "main", "customer", {"*": "lose"})
        book.order("4")
        self.assertEqual(book.lines(), [["0", "0", "8", "0"], ["0", "4", "0", "0"]])
        book.change(1, qty_ordered="7")
        self.assertEqual(book.line(1), ["0", "0", "7", "0"])
        book.receive("1")
        self.assertEqual(book.line(1), ["0", "6", "1", "0"])

    # -- promises

    def promised(self, book):
        """Of each waiting line in fill order: what is ahead, its day, its supplies."""
        promises = book.model.promises(book.stock)
        return [(number, shown(row["qty_ahead"]), row["promised_on"] and row["promised_on"].day,
                 {supply: shown(qty) for (key, supply), qty in promises.pegs.items() if key[0] == number})
                for (number, _), row in promises.rows().items()]

    def supply(self, book, number, qty, day, **more):
        book.model.insert_supply(number, f"P{number}", "A", "main", qty, day and date(2030, 1, day), **more)

    def test_promises(self):
        """The 4 of the 1st are line 1's 3 and 1 of line 2's 6; 2 of the 2nd, 3 of the 3rd."""
        book = Book()
        book.order("3")
        book.order("6")
        for number, qty, day in (1, "9", 3), (2, "4", 1), (3, "2", 2):
            self.supply(book, number, qty, day)
        self.assertEqual(self.promised(book), [(1, "0", 1, {2: "3"}), (2, "3", 3, {2: "1", 3: "2", 1: "3"})])
        book.change(1, held=True)
        self.assertEqual(self.promised(book), [(1, "0", None, {}), (2, "3", 2, {2: "4", 3: "2"})])
        book.model.update_supply(2, {"closed": True})
        book.model.update_supply(1, {"expected_on": None})
        self.assertEqual(self.promised(book)[1], (2, "3", None, {3: "2", 1: "4"}))

    def test_promises_in_steps(self):
        """2 are there and 4 come: a step of 5 is made of the 2 and 3 of the 4."""
        book = Book("2", qty_step="5")
        book.order("10")
        self.supply(book, 1, "4", 1)
        self.supply(book, 2, "3", 2)
        self.supply(book, 3, "30", 3)
        self.assertEqual(self.promised(book), [(1, "0", 3, {1: "4", 2: "3", 3: "1"})])

    def test_supply_changes(self):
        book = Book()
        self.supply(book, 1, "5", 1)
        self.refused("BK006", book.model.update_supply, 1, {"qty_expected": "0"})
        book.receive("7", supply_ref="P1")
        self.refused("BK007", book.model.delete_supply, 1)
        book.model.update_supply(1, {"closed": True})
        book.model.reverse_receipt(1, "1")
        self.assertTrue(book.model.supplies[1].closed)      # 6 of 5: nothing is missing
        book.model.reverse_receipt(1, "2")
        self.assertFalse(book.model.supplies[1].closed)

    def test_a_reference_of_several_lines(self):
        book = Book()
        for number, day in (1, None), (2, 2), (3, 1):
            book.model.insert_supply(number, "P", "A", "main", "5", day and date(2030, 1, day))
        book.receive("17", supply_ref="P")
        self.assertEqual([book.model.supplies[n].qty_received for n in (3, 2, 1)], [5, 5, 7])
        book.model.reverse_receipt(1, "9")                  # the last one first
        self.assertEqual([book.model.supplies[n].qty_received for n in (3, 2, 1)], [5, 3, 0])

    def test_bought_for_a_line(self):
        book = Book()
        for qty in ("5", "5", "5"):
            book.order(qty)
        self.supply(book, 1, "4", 2, for_line=3)
        self.supply(book, 2, "9", 1)
        self.assertEqual(self.promised(book), [(1, "0", 1, {2: "5"}), (2, "5", None, {2: "4"}),
                                               (3, "10", None, {1: "4"})])
        self.assertEqual(book.receive("6", supply_ref="P1")[1], {3: "5", 1: "1"})
        self.refused("BK008", self.supply, book, 3, "1", 1, for_line=9)
        self.supply(book, 4, "4", 2, for_line=2)
        book.change(2, held=True)
        self.assertEqual(book.receive("2", supply_ref="P4")[1], {1: "2"})

    # -- limits

    def test_cap(self):
        book = Book("10")
        book.model.set_group("a", "north")
        north = ("A", "main", "north", None, "ever")
        book.model.set_cap(north, "6")
        self.refused("23505", book.model.set_cap, north, "8")
        self.assertEqual(book.line(book.order("4", customer="a")), ["4", "0", "0", "0"])
        self.assertEqual(book.line(book.order("4", customer="a")), ["2", "0", "2", "0"])
        self.assertEqual(book.line(book.order("3")), ["3", "0", "0", "0"])
        self.assertEqual(book.receive("5")[1], {})
        self.supply(book, 1, "1", 1, for_line=2)
        self.assertEqual(book.receive("1", supply_ref="P1")[1], {})     # binds here, too
        book.model.set_cap(north, "7", north)
        self.assertEqual(book.line(2), ["3", "0", "1", "0"])
        book.change(1, customer="b")                                    # takes 4 along
        self.assertEqual(book.line(2), ["4", "0", "0", "0"])
        cap = book.model.caps[north]
        self.assertEqual(book.model.used(cap), 4)
        book.model.return_goods(2, "2")                                 # had shipped: stays used
        self.assertEqual(book.model.used(cap), 4)

    def test_cap_of_a_priority(self):
        book = Book("10", ships_at_once=False, qty_step="2")
        book.model.set_cap(("A", "main", None, 100, "ever"), "5")
        self.assertEqual(book.line(book.order("6")), ["0", "4", "2", "0"])
        self.assertEqual(book.line(book.order("6", priority=1)), ["0", "6", "0", "0"])
        book.set(on_hand="12")
        book.model.cancel(1, "4")                                       # gives 2 back
        self.assertEqual(book.line(book.order("6")), ["0", "2", "4", "0"])

    def test_protection(self):
        book = Book("10")
        book.model.set_group("a", "north")
        book.model.set_protection(("A", "main", None, 50), "3")
        book.model.set_protection(("A", "main", "north", 100), "4")
        self.assertEqual(book.line(book.order("9")), ["3", "0", "6", "0"])
        self.assertEqual(book.line(book.order("9", customer="a", priority=60)), ["4", "0", "5", "0"])
        self.assertEqual(book.line(book.order("2", priority=50)), ["2", "0", "0", "0"])
        self.assertEqual(book.receive("7")[1], {2: "5"})                # of 8; the 3 left are kept from 1
        book.model.drop_limit(book.model.protections, ("A", "main", "north", 100))
        self.assertEqual(book.levels(), ["3", "0", "6"])

    def test_limits_of_promises_and_reallocation(self):
        book = Book(ships_at_once=False)
        book.model.set_cap(("A", "main", None, 1, "year"), "2")
        book.model.set_cap(("A", "main", None, 2, "ever"), "3")
        for qty, priority in (("4", 1), ("4", 2), ("4", 3)):
            book.order(qty, priority=priority)
        self.supply(book, 1, "6", 1)
        self.assertEqual(self.promised(book), [(1, "0", None, {1: "2"}), (2, "4", None, {1: "3"}),
                                               (3, "8", None, {1: "1"})])
        book.receive("6")
        book.model.reallocate("A", "main", "priority", {"3": "lose", "2": "gain"})
        self.assertEqual(book.lines(), [["0", "2", "2", "0"], ["0", "3", "1", "0"], ["0", "0", "4", "0"]])
        self.refused("55000", book.model.reallocate, "A", "main", "priority", {"2": "win"})

    def test_archive(self):
        book = Book("10")
        first, second = book.order("3", order_ref="one"), book.order("2")
        late = book.order("20", order_ref="one")
        self.assertEqual([line.line_id for line in book.model.archive(9)], [second])
        book.model.cancel(late)
        again = book.model.copy()
        self.assertEqual([line.line_id for line in book.model.archive(1)], [first, late])
        self.assertEqual(book.model.archive(9), [])
        with self.assertRaises(Refused) as refusal:
            book.model.return_goods(first)
        self.assertEqual(refusal.exception.codes, {"BK008"})
        again.archive_these([(late, "A")])          # somebody else had the other
        self.assertEqual(sorted(again.lines), [(first, "A")])
        with self.assertRaises(Impossible):
            again.archive_these([(late, "A")])

    def test_quantities_as_shown(self):
        self.assertEqual([shown(Fraction(q)) for q in ("350", "1.50", "0", "-0.000001", "12.3")],
                         ["350", "1.5", "0", "-0.000001", "12.3"])


class Journal(unittest.TestCase):
    """Whose turn it was, by the journal."""

    def setUp(self):
        self.book, self.waiting, self.rows = Book(), {}, 0

    def entry(self, line, from_state, to_state, qty):
        self.rows += 1
        check_turn(self.book.model, self.waiting, {
            "movement_id": self.rows, "line_id": line, "item": "A", "location": "main", "reason": None,
            "from_state": from_state, "to_state": to_state, "qty": Fraction(qty)})

    def test_out_of_turn(self):
        first, second = self.book.order("9"), self.book.order("1")
        self.entry(first, None, "b", 9)
        self.entry(second, None, "b", 1)
        with self.assertRaises(Mismatch):
            self.entry(second, "b", "s", 1)

    def test_a_number_that_comes_again(self):
        first, second = self.book.order("1"), self.book.order("9")
        self.book.receive("1")
        self.book.model.archive(10)
        self.book.orders([{"qty_ordered": "1", "line_id": first}])     # now behind the second
        self.entry(first, None, "b", 1)
        self.entry(second, None, "b", 9)
        self.entry(first, "b", "s", 1)

    def test_a_number_that_is_free_again(self):
        first, second = self.book.order("1"), self.book.order("9")
        self.book.model.insert_stock("B", "main", "0")
        self.book.model.move_line(first, "A", "B", "main")
        self.book.orders([{"qty_ordered": "1", "line_id": first}])     # now behind the second
        self.entry(first, None, "b", 1)
        self.entry(second, None, "b", 9)
        self.entry(first, "b", "s", 1)


class Rows(unittest.TestCase):
    """Lines that stand for rows of an application."""

    def test_keys(self):
        model = Model()
        model.insert_stock("A", "main", "10")
        spec = {"item": "A", "location": "main", "qty_ordered": "4", "row": ("o", 1)}
        model.insert_lines([spec])
        with self.assertRaises(Refused) as refusal:
            model.copy().insert_lines([spec])
        self.assertEqual(refusal.exception.codes, {"23505"})
        # one that stays out takes nothing, and its priority is nobody's
        model.insert_lines([{**spec, "priority": 99999}], on_conflict=lambda spec: [])
        model.insert_lines([{**spec, "row": ("o", 2), "customer": ORDERS_MORE}])
        self.assertEqual([(line.row, line.qty_shipped) for line in model.lines.values()],
                         [(("o", 1), 4), (("o", 2 + MORE_ROWS), 4), (("o", 2), 2)])


class Alone(unittest.TestCase):
    """Random operations on the model alone: it must keep its own promises."""

    def test_invariants(self):
        for seed in range(6):
            world = ModelWorld(random.Random(seed), "book", [("A", "main"), ("B", "main"), ("A", "x")],
                               FEATURES, 10 ** 9)
            world.model = self.stocked(world)
            for _ in range(150):
                self.one(world)

    def stocked(self, world):
        model = Model()
        for number, key in enumerate(world.keys):
            world.steps[key] = [None, Fraction(5), None][number]
            model.insert_stock(*key, "10", qty_step=world.steps[key], ships_at_once=number == 2,
                               fill_rule=world.rng.choice(["fifo", "fair_share", "most_lines"]))
        return model

    def one(self, world):
        operation, trial = random_operation(world), world.model.copy()
        try:
            operation.expect(trial, None)
        except Refused:
            return
        trial.settle_orders()
        for stock in trial.stocks.values():
            self.assertGreaterEqual(trial.available(stock), 0, operation.kind)
            self.assertLessEqual(stock.unassigned, trial.available(stock), operation.kind)
            pool, room = trial.available(stock) - stock.unassigned, trial.room(stock)
            self.assertFalse([line for line in trial.queue(stock)
                              if min(line.qty_backordered, room.take_of(line, pool)) > 0],
                             f"somebody waits needlessly after {operation.kind}")
        for line in trial.lines.values():
            parts = (line.qty_shipped, line.qty_allocated, line.qty_backordered, line.qty_cancelled)
            self.assertEqual(line.qty_ordered, sum(parts), operation.kind)
            self.assertGreaterEqual(min(parts), 0, operation.kind)
            self.assertLessEqual(line.qty_returned, line.qty_shipped, operation.kind)
        world.model = trial


if __name__ == "__main__":
    unittest.main()
