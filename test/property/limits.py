"""Caps and protected quantities: what they leave for a line."""

from datetime import date

from quantities import ZERO, round_down


class Room:
    """What the limits of a stock row leave, while lines take it one after the other."""

    def __init__(self, stock, caps, protections, used, group_of):
        self.step, self.group_of = stock.qty_step, group_of
        self.caps = [cap for cap in caps if cap.stock_key == stock.key]
        self.protections = [row for row in protections if row.stock_key == stock.key]
        self.used = {cap.key: used(cap) for cap in self.caps}
        self.year = date.today().year

    def _caps_of(self, line):
        return [cap for cap in self.caps if cap.is_for(line, self.group_of(line))]

    def of_caps(self, line, qty):
        """As much of qty as the line's caps leave."""
        return max(ZERO, min([qty] + [cap.qty - self.used[cap.key] for cap in self._caps_of(line)]))

    def of(self, line, available):
        """As much as the line may have where so much is available, whole steps or not."""
        group = self.group_of(line)
        kept = sum((row.qty for row in self.protections if row.is_kept_from(line, group)), ZERO)
        return self.of_caps(line, max(ZERO, available - kept))

    def take_of(self, line, available):
        """In whole steps."""
        return round_down(self.of(line, available), self.step)

    def take(self, line, qty):
        for cap in self._caps_of(line):
            self.used[cap.key] += qty

    def begin_year(self, year):
        """Caps of a year that is over begin anew."""
        for cap in self.caps:
            if cap.period == "year" and year > self.year:
                self.used[cap.key] = ZERO
        self.year = max(self.year, year)
