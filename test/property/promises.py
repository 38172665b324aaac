"""What is promised: supply still to come, laid against the queue."""

from collections import defaultdict
from datetime import date

from quantities import ZERO, round_down


class Promises:
    """Of one stock row: the supplies come in one after the other, in the order of their
    days, and each fills first the line that it was bought for, then the queue."""

    def __init__(self, stock, lines, supplies, available, unassigned, room):
        """lines: those that wait, in fill order. supplies: those still open."""
        self.stock, self.lines, self.room = stock, lines, room
        self.missing = {line.key: line.qty_backordered for line in lines}
        self.completed_by = {}              # line: supply
        self.pegs = defaultdict(lambda: ZERO)       # (line, supply_id): quantity
        self.sources = [[None, max(ZERO, available - unassigned)]]
        self._serve(None)
        self.sources.append([None, unassigned])     # for anybody when stock next rises
        for supply in sorted(supplies, key=lambda s: (s.expected_on or date.max, s.supply_id)):
            if supply.qty_expected > supply.qty_received:
                self._arrive(supply, supply.qty_expected - supply.qty_received)

    def _arrive(self, supply, qty):
        if supply.expected_on is not None:
            self.room.begin_year(supply.expected_on.year)
        for line in self.lines:
            if line.line_id == supply.for_line and not line.held:
                take = min(self.missing[line.key],
                           round_down(self.room.of_caps(line, qty), self.stock.qty_step))
                self._give(line, take, supply, [[supply.supply_id, take]])
                qty -= take
        self.sources.append([supply.supply_id, qty])
        self._serve(supply)

    def _serve(self, supply):
        for line in self.lines:
            there = sum(qty for _, qty in self.sources)
            if not line.held:
                take = min(self.missing[line.key], self.room.take_of(line, there))
                self._give(line, take, supply, self.sources)

    def _give(self, line, qty, supply, sources):
        """What has been there longest goes first."""
        if qty == 0:
            return
        self.room.take(line, qty)
        self.missing[line.key] -= qty
        if self.missing[line.key] == 0:
            self.completed_by[line.key] = supply
        for source in sources:
            part = min(qty, source[1])
            source[1] -= part
            qty -= part
            if part > 0 and source[0] is not None:
                self.pegs[line.key, source[0]] += part

    def rows(self):
        """As open_backorder shows them."""
        ahead, rows = ZERO, {}
        for position, line in enumerate(self.lines, 1):
            supply = self.completed_by.get(line.key)
            rows[line.key] = {
                "line_id": line.line_id, "item": line.item, "position": position,
                "qty_ahead": ahead, "held": line.held,
                "promised_on": supply and supply.expected_on,
                "supply_ref": supply and supply.supply_ref,
            }
            ahead += line.qty_backordered
        return rows
