"""Operations on the application's own tables, which stand for those on the book's
where it is attached (attached.py)."""

import datetime

import model as m
import operations as o
import supply_operations
from attached import row_shown, shown
from database import LINE_COLUMNS, RECEIPT_COLUMNS
from world import CUSTOMERS, Operation, select_stock, some_number, some_quantity, spec_keys

COLUMNS = ("order_no", "row_no", "order_ref", "customer", "item", "location", "priority", "ship_policy",
           "requested_on", "qty_ordered")


class RowOperation(Operation):
    """A statement on rows, then their lines as they stand. What it shows: the rows of
    RETURNING, if there are, and the lines, by their rows."""

    def __init__(self, world, kind, keys, sql, params, expect, row_keys, *, lock="", **how):
        super().__init__(kind, keys, sql, params, expect, **how)
        wanted = tuple([order_no, str(row_no)] for order_no, row_no in row_keys)
        self.read = (f"SELECT {LINE_COLUMNS}, attached_key FROM {world.book}.order_line "
                     f"WHERE attached_key IN %s{lock}", [wanted])
        self.then = self.read       # it reads what it did before the transaction ends

    def run(self, session):
        if self.role != "owner":
            session.execute(f"SET ROLE {session.roles[self.role]}", items=self.items)
        rows = session.execute(self.sql, self.params, self.items, copy=self.copy)
        if self.role != "owner":
            session.execute(f"SET ROLE {session.roles['owner']}", items=self.items)
        lines = session.execute(*self.read, self.items)
        return (rows if isinstance(rows, list) else []) + sorted(lines, key=lambda row: row["attached_key"])


def lines_of(model, row_keys):
    """What RowOperation reads of them."""
    wanted = set(row_keys)
    rows = [{**model.line_row(line), "attached_key": [line.row[0], str(line.row[1])]}
            for line in model.lines.values() if line.row in wanted]
    return sorted(rows, key=lambda row: row["attached_key"])


def by_row(rows):
    """The number and the place of the line of each row."""
    known = {tuple(row["attached_key"]): (row["line_id"], row["queued_at"])
             for row in rows or () if "attached_key" in row}
    return lambda spec: known.get((spec["row"][0], str(spec["row"][1])))


def of_row(model, row):
    return next((line for line in model.lines.values() if line.row == row), None)


def returning(world):
    shop = world.shop
    return (f"RETURNING {shop.column('order_no')}::text AS order_no, {shop.column('row_no')} AS row_no, "
            f"{shown(shop, 'shipped')}, {shown(shop, 'backordered')}")


# -------------------------------------------------------------------- INSERT

def row_specs(world, taken=0.0):
    """Rows to insert; some of them, as taken says, under keys that are there already."""
    rng, used = world.rng, set()

    def extra(spec):
        present = world.some_row() if rng.random() < taken else None
        if present and present[0] not in used and spec["item"] is not None:
            used.add(present[0])
            return {"row": present[0], "item": present[1], "location": present[2],
                    "qty_ordered": some_quantity(world, present[1:])}
        return {"row": world.shop.fresh_row(world.fresh_id())}
    specs = o.line_specs(world, extra)
    if taken and not world.has("tangle"):
        for spec in specs:
            if spec["customer"] == m.ORDERS_MORE:
                spec["customer"] = "Retailer"
    for spec in specs:
        spec.update(world.shop.constants)
    return specs


def columns_of(world):
    return [column for column in COLUMNS if column not in world.shop.constants]


def fields(world, spec):
    values = {**spec, "order_no": spec["row"][0], "row_no": spec["row"][1]}
    return [values[column] for column in columns_of(world)]


def names(world, prefix=""):
    return ", ".join(prefix + world.shop.column(column) for column in columns_of(world))


def values_sql(world, specs, cast=True):
    row = "(" + ", ".join(f"%s::{world.shop.types[c]}" if cast else "%s" for c in columns_of(world)) + ")"
    return ", ".join([row] * len(specs)), [value for spec in specs for value in fields(world, spec)]


def keys_of(specs):
    rows = [spec["row"] for spec in specs]
    return rows + [(order_no, row_no + m.MORE_ROWS) for order_no, row_no in rows]


def expect_rows(specs, shows=True, on_conflict=None, new_only=False):
    def expect(model, rows):
        new = specs
        if new_only:
            new = [spec for spec in specs if of_row(model, spec["row"]) is None]
            place = {key: fact[1] for key, fact in ((s["row"], by_row(rows)(s)) for s in new) if fact}
            new.sort(key=lambda spec: place.get(spec["row"], m.FAR_FUTURE))
        faults = model.faults_of_rows(new)      # some are found only when the statement ends
        try:
            shown_lines = model.insert_lines(new, by_row(rows), on_conflict and on_conflict(model))
        except m.Refused as refusal:
            late = {"BK002"} if new_only else set()
            raise m.Refused(*refusal.codes, *faults, *late) from None
        return (as_shown(model, shown_lines) if shows else []) + lines_of(model, keys_of(specs))
    return expect


def as_shown(model, line_rows):
    """RETURNING, of lines as they stood when their rows were written."""
    return [{**row_shown(model.lines[row["line_id"], row["item"]]), "shipped": row["qty_shipped"],
             "backordered": row["qty_backordered"]} for row in line_rows]


def insert_into(world, kind, specs, sql, params, expect, *, taken=False, **how):
    return RowOperation(world, kind, spec_keys(specs), sql, params, expect, keys_of(specs),
                        tolerates=o.tolerated(specs, numbered=taken), **how)


def insert_rows(world):
    specs = row_specs(world)
    rows, params = values_sql(world, specs, cast=False)
    return insert_into(world, "insert rows", specs, f"INSERT INTO webshop.order_row ({names(world)}) "
                       f"VALUES {rows} {returning(world)}", params, expect_rows(specs), places=True)


def insert_select(world):
    specs = row_specs(world)
    rows, params = values_sql(world, specs)
    return insert_into(world, "insert rows select", specs, f"INSERT INTO webshop.order_row ({names(world)}) "
                       f"SELECT * FROM (VALUES {rows}) AS v {returning(world)}", params,
                       expect_rows(specs), places=True)


def insert_prepared(world):
    specs = row_specs(world)[:1]
    columns = columns_of(world)
    marks = ", ".join(f"${n + 1}::{world.shop.types[c]}" for n, c in enumerate(columns))
    prepare = f"PREPARE add_row AS INSERT INTO webshop.order_row ({names(world)}) VALUES ({marks}) {returning(world)}"
    sql = "EXECUTE add_row (" + ", ".join(["%s"] * len(columns)) + ")"
    operation = insert_into(world, "insert rows prepared", specs, sql, fields(world, specs[0]),
                            expect_rows(specs), places=True)
    run = operation.run

    def prepared_run(session):
        if session.prepared.get("add_row") != prepare:
            if "add_row" in session.prepared:
                session.execute("DEALLOCATE add_row")
            session.prepared["add_row"] = prepare
            session.execute(prepare)
        return run(session)
    operation.run = prepared_run
    return operation


def insert_copy(world):
    specs = row_specs(world)
    data = "".join("\t".join(map(o.copy_field, fields(world, spec))) + "\n" for spec in specs)
    return insert_into(world, "copy rows", specs, f"COPY webshop.order_row ({names(world)}) FROM STDIN",
                       None, expect_rows(specs, shows=False), copy=data, places=True)


def insert_or_nothing(world):
    specs = row_specs(world, taken=0.4)
    if len(specs) > 2 and world.rng.random() < 0.3:     # twice in one statement
        specs[-1].update((column, specs[0][column]) for column in ("row", "item", "location"))
    rows, params = values_sql(world, specs, cast=False)
    target = world.rng.choice(["", f"({world.shop.column('order_no')}, {world.shop.column('row_no')}) "])
    sql = (f"INSERT INTO webshop.order_row ({names(world)}) VALUES {rows} ON CONFLICT {target}DO NOTHING "
           f"{returning(world)}")
    return insert_into(world, "rows or nothing", specs, sql, params,
                       expect_rows(specs, on_conflict=lambda model: lambda spec: []), taken=True,
                       lock=" FOR UPDATE")


def insert_twice(world):
    """A key that is there already, and nothing said about conflicts: an error."""
    specs = row_specs(world, taken=0.7)
    rows, params = values_sql(world, specs, cast=False)
    operation = insert_into(world, "rows twice", specs, f"INSERT INTO webshop.order_row ({names(world)}) "
                            f"VALUES {rows} {returning(world)}", params, expect_rows(specs), taken=True,
                            places=True)
    operation.tolerates |= {"23505"}
    return operation


def upsert_rows(world):
    """ON CONFLICT DO UPDATE: new rows are split, old ones changed."""
    specs = row_specs(world, taken=0.4)
    resize = world.has("upsert") and world.rng.random() < 0.5
    column = "qty_ordered" if resize else "note" if world.has("limits") else "customer"
    value_of = "customer" if column == "note" else column
    rows, params = values_sql(world, specs, cast=False)
    names_of = [world.shop.column(name) for name in ("order_no", "row_no", column, value_of)]
    sql = (f"INSERT INTO webshop.order_row ({names(world)}) VALUES {rows} ON CONFLICT "
           f"({names_of[0]}, {names_of[1]}) DO UPDATE SET {names_of[2]} = excluded.{names_of[3]} "
           f"{returning(world)}")

    def on_conflict(model):
        def change(spec):
            value = spec[value_of]
            if resize and spec["customer"] == m.DOUBLED:
                value = m.shown(2 * m.quantity(value))
            line = of_row(model, spec["row"])
            return model.update_line(*line.key, {} if column == "note" else {column: value})
        return change
    return insert_into(world, "upsert rows", specs, sql, params,
                       expect_rows(specs, on_conflict=on_conflict), taken=True)


def merge_rows(world):
    specs = row_specs(world, taken=0.4)
    rows, params = values_sql(world, specs)
    key = " AND ".join(f"o.{world.shop.column(name)} = v.{world.shop.column(name)}" for name in ("order_no", "row_no"))
    matched = world.rng.choice(["", " WHEN MATCHED THEN DO NOTHING"] + [
        f" WHEN MATCHED THEN UPDATE SET {world.shop.column('note')} = 'merged'"] * world.has("edit"))
    sql = (f"MERGE INTO webshop.order_row AS o USING (VALUES {rows}) AS v ({names(world)}) ON {key} "
           f"WHEN NOT MATCHED THEN INSERT ({names(world)}) VALUES ({names(world, 'v.')}){matched}")
    return insert_into(world, "merge rows", specs, sql, params,
                       expect_rows(specs, shows=False, new_only=True), taken=len(specs) > 1,
                       lock=" FOR UPDATE")


# ---------------------------------------------------------- UPDATE and DELETE

def update_row(world, changes_of, kind, *, shows=False, whole=None):
    """changes_of(row): the new values of columns, called as the model calls them. whole: the
    other columns are written back as they are, as many an ORM does it."""
    row = world.some_row()
    if row is None:
        return None
    changes = {c: v for c, v in changes_of(row).items() if c not in world.shop.constants}
    if not changes:
        return None
    column = world.shop.column
    sets = [f"{column(name)} = %s" for name in changes]
    if world.rng.random() < 0.3 if whole is None else whole:
        sets += [f"{column(name)} = {column(name)}" for name in world.shop.names if name not in changes]
    world.rng.shuffle(sets)
    order = sorted(changes, key=lambda name: sets.index(f"{column(name)} = %s"))
    sql = (f"UPDATE webshop.order_row SET {', '.join(sets)} WHERE {column('order_no')} = %s "
           f"AND {column('row_no')} = %s {returning(world) if shows else ''}")
    known = {c: v for c, v in changes.items() if c != "note"}
    if "priority" in known and known["priority"] is None:
        known["priority"] = 100

    def expect(model, rows):
        line = of_row(model, row[0])
        if line is None:
            return []
        after = model.update_line(*line.key, known)
        return (as_shown(model, after) if shows else []) + lines_of(model, [row[0]])
    return RowOperation(world, kind, {row[1:]}, sql, [*[changes[name] for name in order], *row[0]], expect,
                        [row[0]], lock=" FOR UPDATE")


def edit_row(world):
    return update_row(world, lambda row: {"note": f"note {world.rng.randint(1, 9)}"}, "edit row", shows=True)


def resize_row(world):
    return update_row(world, lambda row: {"qty_ordered": some_quantity(world, row[1:])}, "resize row",
                      shows=True)


def requeue_row(world):
    def changes(row):
        if world.rng.random() < 0.5:
            return {"priority": world.rng.choice([0, 1, 50, 100, 200, 32767, 32768, None])}
        return {"requested_on": datetime.date(2030, 1, world.rng.randint(1, 4))}
    return update_row(world, changes, "requeue row")


def change_customer(world):
    return update_row(world, lambda row: {"customer": world.rng.choice([*CUSTOMERS, None])}, "row customer")


def change_policy(world):
    return update_row(world, lambda row: {"ship_policy": o.some_policy(world)}, "row policy")


def move_row(world):
    """To another item or location, or under another key, which may lead it to another partition."""
    row = world.some_row()
    if row is None:
        return None
    column = world.shop.column
    where = f"WHERE {column('order_no')} = %s AND {column('row_no')} = %s"
    if world.rng.random() < 0.4:    # a row that goes to another partition is inserted there:
        special = (m.DOUBLED, m.ORDERS_MORE, m.BRINGS_ONE)     # not those that triggers look for
        new = world.shop.fresh_row(world.fresh_id())
        sql = (f"UPDATE webshop.order_row SET {column('order_no')} = %s, {column('row_no')} = %s {where} "
               f"AND COALESCE({column('customer')}, '') NOT IN %s")

        def rename(model, rows):
            line = of_row(model, row[0])
            if line and line.customer not in special:
                line.row = new
            return lines_of(model, [row[0], new])
        return RowOperation(world, "rename row", {row[1:]}, sql, [*new, *row[0], special], rename,
                            [row[0], new], lock=" FOR UPDATE")
    to = world.some_key()
    sql = f"UPDATE webshop.order_row SET {column('item')} = %s, {column('location')} = %s {where}"

    def expect(model, rows):
        line = of_row(model, row[0])
        if line is None:
            return []
        facts = by_row(rows)
        model.move_line(*line.key, *to, lambda moved: facts({"row": row[0]}))
        return lines_of(model, [row[0]])
    return RowOperation(world, "move row", {row[1:], to}, sql, [*to, *row[0]], expect, [row[0]],
                        lock=" FOR UPDATE", tolerates={"BK006"})


def delete_row(world):
    row = world.some_row()
    if row is None:
        return None
    column = world.shop.column
    sql = f"DELETE FROM webshop.order_row WHERE {column('order_no')} = %s AND {column('row_no')} = %s"

    def expect(model, rows):
        line = of_row(model, row[0])
        if line:
            model.delete_lines([line.key])
        return []
    return RowOperation(world, "delete row", {row[1:]}, sql, [*row[0]], expect, [row[0]])


def several_rows(world):
    """One statement for rows of any items; see several_lines()."""
    rng, column = world.rng, world.shop.column
    rows = {row[0]: row for row in (world.some_row() for _ in range(rng.randint(2, 7))) if row}
    if len(rows) < 2:
        return None
    priority, most = rng.choice([0, 50, 100, 200]), some_number(rng)
    kinds = [(None, None, None)] * world.has("delete")
    if "priority" not in world.shop.constants:
        kinds.append((f"{column('priority')} = %s", priority, lambda line: {"priority": priority}))
    if world.has("resize") and not any(world.steps.get(row[1:]) for row in rows.values()):
        kinds.append((f"{column('qty_ordered')} = least({column('qty_ordered')}, %s)", most, lambda line: {
            "qty_ordered": m.shown(min(line.qty_ordered, m.Fraction(most)))}))
    if not kinds:
        return None
    sets, value, changes = rng.choice(kinds)
    verb = "DELETE FROM webshop.order_row" if sets is None else f"UPDATE webshop.order_row SET {sets}"
    types = [world.shop.types[name] for name in ("order_no", "row_no")]
    condition = ", ".join([f"(%s::{types[0]}, %s::{types[1]})"] * len(rows))

    def expect(model, _rows):
        lines = [line.key for line in (of_row(model, row) for row in rows) if line]
        if sets is None:
            model.delete_lines(lines)
        else:
            model.update_lines(lines, changes)
        return lines_of(model, rows)
    return RowOperation(world, "several rows", {row[1:] for row in rows.values()},
                        f"{verb} WHERE ({column('order_no')}, {column('row_no')}) IN ({condition})",
                        [*[value] * (sets is not None), *[part for row in rows for part in row]],
                        expect, list(rows), lock=" FOR UPDATE")


def row_intruder(world):
    """What bko keeps in the application's tables is nobody else's."""
    row, column = world.some_row(), world.shop.column
    if row is None:
        return None
    kept = column(world.rng.choice(["shipped", "backordered"]))
    sql = (f"UPDATE webshop.order_row SET {kept} = {kept} + 1 WHERE {column('order_no')} = %s "
           f"AND {column('row_no')} = %s {returning(world)}")

    def expect(model, rows):
        if of_row(model, row[0]) is None:
            return []
        raise m.Refused("BK003")
    return RowOperation(world, "intruder", {row[1:]}, sql, [*row[0]], expect, [row[0]])


# --------------------------------------------------------- stock and receipts

def level_of(value):
    """An application's null counts as nothing."""
    return "0" if value is None else value


def refusing(model, change):
    """A level that is refused: below zero or no quantity, whichever is found first."""
    try:
        return change(model)
    except m.Refused as refusal:
        raise m.Refused(*refusal.codes, *({"BK005", "BK006"} & refusal.codes and {"BK005", "BK006"})) from None


def set_count(world):
    key = world.some_key()
    value = o.some_level(world, key)
    sql = "UPDATE webshop.stock_row SET count = %s WHERE sku = %s AND depot = %s"

    def expect(model, rows):
        refusing(model, lambda model: model.set_stock(*key, **o.given_level(level_of(value))))
        return [model.stock_row(model.stocks[key])]
    return Operation("set count", {key}, sql, [value, *key], expect, then=select_stock(world, [key]))


def change_count(world):
    """Up or down by so much, for one row or several."""
    rng = world.rng
    keys = sorted(rng.sample(world.keys, rng.choice([1, 1, min(2, len(world.keys)), len(world.keys)])))
    change = rng.choice(["", "-"]) + some_number(rng, rng.choice([3, 10, 40]))
    sql = "UPDATE webshop.stock_row SET count = COALESCE(count, 0) + %s WHERE (sku, depot) IN %s"

    def expect(model, rows):
        for key in keys:
            refusing(model, lambda model: model.set_stock(*key, change=change))
        return [model.stock_row(model.stocks[key]) for key in ordered(keys)]
    return Operation("change count", keys, sql, [change, tuple(keys)], expect, then=select_stock(world, keys))


def ordered(keys):
    return sorted(keys, key=lambda key: (key[0].encode(), key[1].encode()))


def upsert_counts(world):
    """How stock is synchronised from elsewhere."""
    rng = world.rng
    keys = sorted(rng.sample(world.keys, rng.choice([1, 1, len(world.keys)])))
    values = [o.some_level(world, key) for key in keys]
    rows = ", ".join(["(%s, %s, %s::numeric)"] * len(keys))
    params = [p for key, value in zip(keys, values) for p in (*key, value)]
    if rng.random() < 0.3:
        sql = (f"MERGE INTO webshop.stock_row AS s USING (VALUES {rows}) AS v (sku, depot, n) "
               "ON s.sku = v.sku AND s.depot = v.depot WHEN MATCHED THEN UPDATE SET count = v.n "
               "WHEN NOT MATCHED THEN INSERT (sku, depot, count) VALUES (v.sku, v.depot, v.n)")
    else:
        sql = (f"INSERT INTO webshop.stock_row AS s (sku, depot, count) VALUES {rows} "
               "ON CONFLICT (sku, depot) DO UPDATE SET count = excluded.count")

    def expect(model, _rows):
        codes = set().union(*(m.level_faults(level_of(value)) for value in values))
        if codes:
            raise m.Refused(*codes, "BK005", "BK006")
        for key, value in zip(keys, values):
            model.set_stock(*key, on_hand=level_of(value))
        return [model.stock_row(model.stocks[key]) for key in ordered(keys)]
    return Operation("upsert counts", keys, sql, params, expect, then=select_stock(world, keys))


def new_count(world):
    """A new item, or one that is there already: an error."""
    rng = world.rng
    key = world.some_key() if rng.random() < 0.3 else (f"new {world.fresh_id()}", "main")
    if rng.random() < 0.1:
        key = rng.choice([("", "main"), ("y" * 1001, "main"), (key[0], "")])
    value = o.some_level(world, key)
    sql = "INSERT INTO webshop.stock_row (sku, depot, count) VALUES (%s, %s, %s)"

    def expect(model, rows):
        if key in model.stocks:
            raise m.Refused("23505")
        refusing(model, lambda model: model.insert_stock(*key, level_of(value)))
        return [model.stock_row(model.stocks[key])]
    return Operation("new count", {key}, sql, [*key, value], expect, then=select_stock(world, [key]))


def deliveries(world):
    rng = world.rng
    specs = [supply_operations.receipt_spec(world) for _ in range(rng.choice([1, 1, 1, 2, 3, 8]))]
    numbers = [world.fresh_id() for _ in specs]
    columns = ("item", "location", "qty", "supply_ref", "note")
    sql = ("INSERT INTO webshop.delivery (delivery_no, sku, depot, amount, paper, remark) VALUES "
           + ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(specs)))
    params = [p for n, spec in zip(numbers, specs) for p in (n, *(spec[c] for c in columns))]

    def expect(model, rows):
        facts, shown_rows = iter(rows or ()), []
        for spec in specs:
            fact = next(facts, None)
            receipt, _ = model.receive(spec, fact and fact["receipt_id"])
            shown_rows.append(model.receipt_row(receipt))
        model.deliveries += len(specs)
        return shown_rows
    return Operation("delivery", spec_keys(specs), sql, params, expect, places=True,
                     then=(f"SELECT {RECEIPT_COLUMNS} FROM {world.book}.receipt WHERE attached_key IN %s "
                           "ORDER BY receipt_id", [tuple([str(n)] for n in numbers)]))


def delivery_intruder(world):
    """What was received is not changed or deleted, but what is noted about it may be."""
    key = world.some_key()
    verb, code = world.rng.choice([("UPDATE webshop.delivery SET amount = amount + 1", "BK003"),
                                   ("DELETE FROM webshop.delivery", "BK003"),
                                   ("UPDATE webshop.delivery SET remark = 'noted', amount = amount", None)])
    sql = (f"WITH touched AS ({verb} WHERE delivery_no = (SELECT min(delivery_no) FROM webshop.delivery) "
           "RETURNING 1) SELECT count(*) > 1 AS many FROM touched")

    def expect(model, rows):
        if code and model.deliveries:
            raise m.Refused(code)
        return [{"many": False}]
    return Operation("delivery intruder", {key}, sql, None, expect)


# What is done to the application's tables instead of the book's.
INSTEAD = {
    o.insert_values: insert_rows, o.insert_plain: insert_rows, o.insert_select: insert_select,
    o.insert_prepared: insert_prepared, o.insert_copy: insert_copy, o.insert_or_nothing: insert_or_nothing,
    o.insert_twice: insert_twice, o.merge_lines: merge_rows, o.upsert_lines: upsert_rows,
    o.edit_line: edit_row, o.resize_line: resize_row, o.requeue_line: requeue_row,
    o.change_customer: change_customer, o.change_policy: change_policy, o.several_lines: several_rows,
    o.move_line: move_row, o.delete_line: delete_row, o.line_intruder: row_intruder,
    o.intruder: delivery_intruder, o.receipts: deliveries,
}
# Of stock the two are equal, whoever writes, but a new row is the application's.
ALWAYS = {o.set_on_hand: set_count, o.upsert_stock: upsert_counts, o.change_on_hand: change_count,
          o.new_stock: new_count}


def instead(world, make):
    """What makes the operation: of the application mostly, else of the book."""
    if make in ALWAYS and not world.shop.keeps_stock:
        return make
    if make is o.new_stock or make in ALWAYS and world.rng.random() < 0.7:
        return ALWAYS[make]
    if make in INSTEAD and world.rng.random() < 0.8:
        return INSTEAD[make]
    return make
