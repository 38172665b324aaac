"""Operations on what comes in: supply lines and receipts."""

import datetime

import model as m
from database import RECEIPT_COLUMNS
from world import (BAD_QUANTITIES, Operation, columns_of, select_stock, some_number, spec_keys,
                   values_sql)


def receipt_spec(world):
    rng = world.rng
    key = world.some_key()
    spec = {"item": key[0], "location": key[1], "qty": some_receipt_quantity(rng),
            "supply_ref": None, "note": "delivery"}
    luck = 0.5 if world.has("pegged") else 0.3
    supply = world.some_supply() if world.has("supply") and rng.random() < luck else None
    if supply:
        spec["supply_ref"], spec["item"], spec["location"] = supply
        if rng.random() < 0.1:
            spec["item"], spec["location"] = world.some_key()
    if rng.random() < 0.02:
        spec["supply_ref"] = "no such reference"
    if rng.random() < 0.02:
        spec["item"] = rng.choice(["no such item", ""])
    return spec


def some_receipt_quantity(rng):
    if rng.random() < 0.03:
        return rng.choice(BAD_QUANTITIES)
    return some_number(rng, rng.choice([3, 20, 60]))


def receipts(world):
    specs = [receipt_spec(world) for _ in range(world.rng.choice([1, 1, 1, 2, 3, 8]))]
    columns = columns_of(specs)
    rows, params = values_sql(specs, columns, cast=False)
    sql = (f"INSERT INTO {world.book}.receipt ({', '.join(columns)}) VALUES {rows} "
           f"RETURNING {RECEIPT_COLUMNS}")

    def expect(model, rows):
        numbers = iter(rows or ())
        shown = []
        for spec in specs:
            fact = next(numbers, None)
            receipt, _ = model.receive(spec, fact and fact["receipt_id"])
            shown.append(model.receipt_row(receipt))
        return shown
    return Operation("receipt", spec_keys(specs), sql, params, expect)


def fill_rows(fills):
    """A row for each line, in the order in which lines got something first."""
    rows = {}
    for fill in fills:
        row = rows.setdefault(fill.line.key, {
            "line_id": fill.line.line_id, "order_ref": fill.line.order_ref,
            "customer": fill.line.customer, "qty": 0, "qty_shipped": 0,
            "qty_backordered": fill.line.qty_backordered})
        row["qty"] += fill.qty
        row["qty_shipped"] += fill.qty_shipped
    return list(rows.values())


FILL_COLUMNS = "line_id, order_ref, customer, qty, qty_shipped, qty_backordered"


def receive(world):
    spec = receipt_spec(world)
    names = ["item", "qty"] + ["location"] * (spec["location"] != "main") \
        + ["supply_ref"] * (spec["supply_ref"] is not None)
    sql = (f"SELECT {FILL_COLUMNS} FROM {world.book}.receive("
           + ", ".join(f"{name} => %s" for name in names) + ")")

    def expect(model, rows):
        _, fills = model.receive(spec)
        return fill_rows(fills)
    return Operation("receive", spec_keys([spec]), sql, [spec[n] for n in names], expect)


def preview(world):
    """preview() must say what the receipt would do, and do nothing."""
    spec = receipt_spec(world)
    spec["supply_ref"] = None
    names = ("item", "qty", "location")
    sql = (f"SELECT {FILL_COLUMNS} FROM {world.book}.preview("
           + ", ".join(f"{name} => %s" for name in names) + ")")

    def expect(model, rows):
        _, fills = model.copy().receive(spec)
        return fill_rows(fills)
    return Operation("preview", spec_keys([spec]), sql, [spec[n] for n in names], expect)


def reverse_receipt(world):
    receipt = world.some_receipt()
    if receipt is None:
        return None
    given = {} if world.rng.random() < 0.4 else {"qty": some_number(world.rng)}
    sql = (f"SELECT count(*) FROM {world.book}.reverse_receipt(receipt_id => %s"
           + "".join(f", {name} => %s" for name in given) + ")")
    key = receipt[1:]

    def expect(model, rows):
        model.reverse_receipt(receipt[0], **given)
        return [model.stock_row(model.stocks[key])]
    return Operation("reverse receipt", {key}, sql, [receipt[0], *given.values()], expect,
                     then=select_stock(world, [key]))


# -------------------------------------------------------------- supply lines

SUPPLY_COLUMNS = "supply_id, item, qty_expected, qty_received, expected_on, for_line_id, closed"


def some_day(rng):
    return rng.choice([None, *(datetime.date(2030, 2, day) for day in (1, 5, 5, 9, 14, 28))])


def some_expected(rng):
    return rng.choice(["NaN", "-1", "0", "1.1234567", None]) if rng.random() < 0.05 else some_number(rng, 60)


def line_to_buy_for(world, key, luck):
    """An order line of the same item and location, or now and then of another."""
    if not world.has("pegged") or world.rng.random() > luck:
        return None
    if world.rule_of(key) == "most_lines" and not world.has("shrunk"):
        return None
    for _ in range(1 if world.rng.random() < 0.05 else 8):
        line = world.some_waiting_line(key) if world.rng.random() < 0.7 else world.some_line()
        if line and (line[1:] == key or world.rng.random() < 0.03):
            return line[0]
    return None


def supply(world):
    """One reference, in one line or several."""
    rng = world.rng
    known = world.some_supply() if world.grows_supply and rng.random() < 0.3 else None
    ref = known[0] if known else world.fresh_ref("SUP")
    key = known[1:] if known else world.some_key()
    specs = [{"supply_ref": ref, "item": key[0], "location": key[1],
              "qty_expected": some_expected(rng), "expected_on": some_day(rng),
              "for_line_id": line_to_buy_for(world, key, 0.5)}
             for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    columns = columns_of(specs)
    rows, params = values_sql(specs, columns, cast=False)
    sql = (f"INSERT INTO {world.book}.supply ({', '.join(columns)}) VALUES {rows} "
           f"RETURNING {SUPPLY_COLUMNS}")

    def expect(model, rows):
        shown = []
        for n, spec in enumerate(specs):
            number = rows[n]["supply_id"] if rows else 10 ** 15 + n
            model.insert_supply(number, *spec.values())
            shown.append(model.supply_row(model.supplies[number]))
        return shown
    return Operation("supply", {key}, sql, params, expect, tolerates=gone_meanwhile(world, specs))


def gone_meanwhile(world, specs):
    """Others may just have deleted or moved the line that it was to be for."""
    return {"BK008"} if any(spec.get("for_line_id") for spec in specs) else ()


def change_supply(world):
    """All rows of a reference: a day, a quantity, a line that it is for; closed or open."""
    known, rng = world.some_supply(), world.rng
    if known is None:
        return None
    kinds = [{"closed": True}, {"closed": False}, {"closed": False}]
    if world.has("promises"):
        kinds += [{"expected_on": some_day(rng)}] * 3 + [{"qty_expected": some_expected(rng)}] * 3
    if world.has("pegged"):
        kinds += [{"for_line_id": line_to_buy_for(world, known[1:], 0.8)}] * 3
    change = rng.choice(kinds)
    column, value = next(iter(change.items()))
    sql = (f"WITH changed AS (UPDATE {world.book}.supply SET {column} = %s WHERE supply_ref = %s "
           f"RETURNING {SUPPLY_COLUMNS}) SELECT * FROM changed ORDER BY supply_id")

    def expect(model, rows):
        numbers = sorted(s.supply_id for s in model.supplies_of(known[0]))
        named = {"for_line" if column == "for_line_id" else column: value}
        return [row for number in numbers for row in model.update_supply(number, named)]
    return Operation("change supply", {known[1:]}, sql, [value, known[0]], expect,
                     tolerates=gone_meanwhile(world, [change]))


def delete_supply(world):
    known = world.some_supply()
    if known is None:
        return None
    sql = (f"WITH gone AS (DELETE FROM {world.book}.supply WHERE supply_ref = %s RETURNING supply_id) "
           "SELECT * FROM gone ORDER BY supply_id")

    def expect(model, rows):
        numbers = sorted(s.supply_id for s in model.supplies_of(known[0]))
        for number in numbers:
            model.delete_supply(number)
        return [{"supply_id": number} for number in numbers]
    return Operation("delete supply", {known[1:]}, sql, [known[0]], expect)


def read_promises(world):
    """Whatever others do meanwhile: what one statement sees fits together."""
    sql = (f"SELECT 'line' AS of, p.line_id AS number FROM {world.book}.pegging p "
           f"JOIN {world.book}.order_line l USING (line_id, item) "
           "GROUP BY p.line_id, p.item, l.qty_backordered "
           "HAVING sum(p.qty) > l.qty_backordered OR min(p.qty) <= 0 "
           f"UNION ALL SELECT 'supply', supply_id FROM {world.book}.pegging p "
           f"JOIN {world.book}.supply s USING (supply_id, item) "
           "GROUP BY supply_id, item, qty_expected, qty_received, closed "
           "HAVING closed OR sum(p.qty) > qty_expected - qty_received "
           f"UNION ALL SELECT 'promised', line_id FROM {world.book}.open_backorder b "
           "WHERE (b.promised_on IS NOT NULL AND (b.supply_ref IS NULL OR b.held)) OR b.position < 1")
    return Operation("read promises", world.keys, sql, [], lambda model, rows: [])
