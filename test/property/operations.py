"""Random operations on order lines and stock, and the choice among all operations.
Which kinds take part is chosen by feature name, so that a book that can't do
something yet can be tested on the rest."""

import datetime
import json

import model as m
from archive_operations import archive
from database import LINE_COLUMNS, STOCK_COLUMNS
from limit_operations import (change_cap, change_protection, drop_cap, drop_protection, join_group,
                              new_cap, new_protection)
from supply_operations import (change_supply, delete_supply, preview, read_promises, receipts, receive,
                               reverse_receipt, supply)
from world import (BAD_LEVELS, CUSTOMERS, FOREVER, TYPES, Operation, columns_of, select_stock, some_number,
                   some_quantity, spec_keys, values_sql, gathered)

# -------------------------------------------------------------- order lines

def line_spec(world, key, extra):
    rng = world.rng
    spec = {
        "order_ref": None if rng.random() < 0.1 else world.fresh_ref("SO"),
        "customer": rng.choice([*CUSTOMERS, None]),
        "item": key[0], "location": key[1],
        "priority": rng.choice([100] * 6 + [0, 1, 50, 200, 32767]),
        "ship_policy": some_policy(world),
        "requested_on": rng.choice([None, None, *(datetime.date(2030, 1, d) for d in (1, 2, 3))]),
        "qty_ordered": some_quantity(world, key),
    }
    luck = rng.random()
    if luck < 0.06:
        spec["customer"] = rng.choice(
            [m.KEPT_OUT_BEFORE, m.KEPT_OUT_AFTER, m.DOUBLED]
            + [m.ORDERS_MORE, m.BRINGS_ONE] * world.has("nested"))
    elif luck < 0.075:
        spec["order_ref"] = rng.choice([m.CHECK_REFUSES, m.TRIGGER_REFUSES])
    elif luck < 0.085:
        spec["priority"] = rng.choice([-1, 32768])
    elif luck < 0.10:
        spec["item"], spec["location"] = rng.choice(
            [("no such item", "main"), (key[0], "nowhere"), ("", "main"), (None, "main"),
             (key[0], None), ("x" * 1001, "main")])
    spec.update(extra(spec))
    return spec


def some_policy(world):
    choices = ["partial"] * 6
    if world.has("line"):
        choices += ["line"] * 2
    if world.has("order"):
        choices += ["order"] * 2
    return world.rng.choice(choices)


def line_specs(world, extra=lambda spec: {}):
    rng = world.rng
    count = rng.choice([1] * 8 + [2, 3, 3, 4, 5, 25])
    one_key = world.some_key() if rng.random() < 0.5 else None
    specs = [line_spec(world, one_key or world.some_key(), extra) for _ in range(count)]
    odd = world.has("hold") or any(
        spec["customer"] == m.KEPT_OUT_AFTER or "line_id" in spec for spec in specs)
    if odd and not world.has("tangle"):
        for spec in specs:
            if spec["customer"] == m.ORDERS_MORE:
                spec["customer"] = "Retailer"
    if count > 1 and rng.random() < 0.5:
        for spec in specs:
            if spec["order_ref"] not in (m.CHECK_REFUSES, m.TRIGGER_REFUSES):
                spec["order_ref"] = specs[0]["order_ref"]
    return specs


def in_order(rows):
    """Facts of lines as RETURNING shows them, one for each line that goes in."""
    waiting = iter(rows or ())

    def next_fact(_spec):
        row = next(waiting, None)
        return row and (row["line_id"], row["queued_at"])
    return next_fact


def by_number(rows):
    """Facts of lines that were inserted with numbers of our own and read afterwards."""
    known = {(row["line_id"], row["item"]): (row["line_id"], row["queued_at"]) for row in rows or ()}
    return lambda spec: known.get((spec["line_id"], spec["item"]))


def expect_inserted(specs, **how):
    return lambda model, rows: model.insert_lines(specs, in_order(rows), **how)


def expect_selected(specs):
    """For statements without RETURNING: the lines as they stand afterwards."""
    def expect(model, rows):
        model.insert_lines(specs, by_number(rows))
        return lines_numbered(model, specs)
    return expect


def lines_numbered(model, specs):
    wanted = {spec["line_id"] for spec in specs}
    return [model.line_row(line) for key, line in sorted(model.lines.items()) if key[0] in wanted]


def select_lines(world, specs, lock=""):
    """Lines that the statement may have left alone must be locked: what others do
    to them would come in between otherwise."""
    numbers = [spec["line_id"] for spec in specs]
    return (f"SELECT {LINE_COLUMNS} FROM {world.book}.order_line "
            f"WHERE line_id = ANY (%s) ORDER BY line_id, item COLLATE \"C\"{lock}", [numbers])


def with_old_place(world):
    """Now and then lines are brought in with the place they had elsewhere."""
    if world.rng.random() < 0.1:
        return lambda spec: {"queued_at": FOREVER + datetime.timedelta(
            seconds=world.rng.randint(0, 1000))}
    if world.has("hold") and world.rng.random() < 0.15:
        return lambda spec: {"held": world.rng.random() < 0.5}
    return lambda spec: {}


def tolerated(specs, numbered=False):
    """A row that is kept out late may first have met the limit of what may wait."""
    late = numbered or any(spec["customer"] == m.KEPT_OUT_AFTER for spec in specs)
    return {"BK002"} if late else ()


def insert_values(world):
    specs = line_specs(world, with_old_place(world))
    columns = columns_of(specs)
    rows, params = values_sql(specs, columns, cast=False)
    sql = (f"INSERT INTO {world.book}.order_line ({', '.join(columns)}) VALUES {rows} "
           f"RETURNING {LINE_COLUMNS}")
    return Operation("insert", spec_keys(specs), sql, params, expect_inserted(specs),
                     tolerates=tolerated(specs), places="queued_at" not in columns)


def insert_plain(world):
    """The shortest form there is: everything else by default."""
    key = world.some_key()
    spec = {"item": key[0], "location": key[1], "qty_ordered": some_quantity(world, key)}
    columns = ["item", "qty_ordered"] if key[1] == "main" else list(spec)
    rows, params = values_sql([spec], columns, cast=False)
    sql = (f"INSERT INTO {world.book}.order_line ({', '.join(columns)}) VALUES {rows} "
           f"RETURNING {LINE_COLUMNS}")
    return Operation("insert", {key}, sql, params, expect_inserted([spec]), places=True)


def insert_huge(world):
    """Each of the two could wait, both together can't."""
    key = world.some_key()
    spec = {"item": key[0], "location": key[1], "qty_ordered": "999999999990"}
    insert = (f"INSERT INTO {world.book}.order_line (item, location, qty_ordered) "
              "VALUES (%s, %s, %s);")
    sql = f"DO $do$BEGIN {insert} {insert} END$do$"

    def expect(model, rows):
        model.insert_lines([spec])
        model.insert_lines([spec])
    return Operation("insert huge", {key}, sql, [*spec.values()] * 2, expect, places=True)


def insert_select(world):
    specs = line_specs(world, with_old_place(world))
    columns = columns_of(specs)
    numbered_specs = [{"n": n, **spec} for n, spec in enumerate(specs)]
    rows, params = values_sql(numbered_specs, ["n", *columns])
    names = ", ".join(columns)
    sql = (f"INSERT INTO {world.book}.order_line ({names}) "
           f"SELECT {names} FROM (VALUES {rows}) AS v (n, {names}) ORDER BY n RETURNING {LINE_COLUMNS}")
    return Operation("insert select", spec_keys(specs), sql, params, expect_inserted(specs),
                     tolerates=tolerated(specs), places="queued_at" not in columns)


def insert_prepared(world):
    key = world.some_key()
    spec = line_spec(world, key, lambda spec: {})
    columns = columns_of([spec])
    marks = ", ".join(f"${n + 1}::{TYPES[c]}" for n, c in enumerate(columns))
    prepare = (f"PREPARE place AS INSERT INTO {world.book}.order_line ({', '.join(columns)}) "
               f"VALUES ({marks}) RETURNING {LINE_COLUMNS}")
    sql = "EXECUTE place (" + ", ".join(["%s"] * len(columns)) + ")"
    operation = Operation("insert prepared", spec_keys([spec]), sql, [spec[c] for c in columns],
                          expect_inserted([spec]), tolerates=tolerated([spec]), places=True)
    run = operation.run

    def prepared_run(session):
        if world.book not in session.prepared:
            session.prepared = {world.book: True}
            session.execute("DEALLOCATE ALL")
            session.execute(prepare)
        return run(session)
    operation.run = prepared_run
    return operation


def insert_copy(world):
    specs = line_specs(world, lambda spec: {"line_id": world.fresh_id()})
    columns = columns_of(specs)
    data = "".join("\t".join(map(copy_field, (spec[c] for c in columns))) + "\n" for spec in specs)
    sql = f"COPY {world.book}.order_line ({', '.join(columns)}) FROM STDIN"
    return Operation("copy", spec_keys(specs), sql, None, expect_selected(specs), copy=data,
                     then=select_lines(world, specs), tolerates=tolerated(specs), places=True)


def copy_field(value):
    if value is None:
        return r"\N"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def numbered(world, taken=0.4):
    """Numbers of our own, some of which belong to lines that are there already."""
    used = set()

    def extra(spec):
        present = world.some_own_line() if world.rng.random() < taken else None
        if present and present[:2] not in used and spec["item"] is not None:
            used.add(present[:2])
            return {"line_id": present[0], "item": present[1], "location": present[2],
                    "qty_ordered": some_quantity(world, present[1:])}
        return {"line_id": world.fresh_id()}
    return extra


def insert_or_nothing(world):
    specs = line_specs(world, numbered(world))
    if len(specs) > 2 and world.rng.random() < 0.3:     # twice in one statement
        specs[-1].update((column, specs[0][column]) for column in ("line_id", "item", "location"))
    columns = columns_of(specs)
    rows, params = values_sql(specs, columns, cast=False)
    target = world.rng.choice(["", "(line_id, item) "])
    sql = (f"INSERT INTO {world.book}.order_line ({', '.join(columns)}) VALUES {rows} "
           f"ON CONFLICT {target}DO NOTHING RETURNING {LINE_COLUMNS}")
    return Operation("insert or nothing", spec_keys(specs), sql, params,
                     expect_inserted(specs, on_conflict=lambda spec: []),
                     tolerates=tolerated(specs, numbered=True), places=True)


def insert_twice(world):
    """A number that is there already, and nothing said about conflicts: an error."""
    specs = line_specs(world, numbered(world, taken=0.7))
    columns = columns_of(specs)
    rows, params = values_sql(specs, columns, cast=False)
    sql = (f"INSERT INTO {world.book}.order_line ({', '.join(columns)}) VALUES {rows} "
           f"RETURNING {LINE_COLUMNS}")
    return Operation("insert twice", spec_keys(specs), sql, params, expect_inserted(specs),
                     tolerates={"BK002", "23505"}, places=True)


def upsert_lines(world):
    """ON CONFLICT DO UPDATE: new lines are split, old ones changed."""
    specs = line_specs(world, numbered(world))
    columns = columns_of(specs)
    rows, params = values_sql(specs, columns, cast=False)
    resize = world.has("upsert") and world.rng.random() < 0.5
    # (another customer has other limits, and takes what they leave him when it ends)
    column = "qty_ordered" if resize else "hold_reason" if world.has("limits") else "customer"
    value_of = "customer" if column == "hold_reason" else column
    sql = (f"INSERT INTO {world.book}.order_line ({', '.join(columns)}) VALUES {rows} "
           f"ON CONFLICT (line_id, item) DO UPDATE SET {column} = excluded.{value_of} "
           f"RETURNING {LINE_COLUMNS}")

    def expect(model, rows):
        facts = in_order(rows)

        def change(spec):
            facts(spec)
            value = spec[value_of]
            if resize and spec["customer"] == m.DOUBLED:
                value = m.shown(2 * m.quantity(value))
            known = {} if column == "hold_reason" else {column: value}
            return model.update_line(spec["line_id"], spec["item"], known)
        return model.insert_lines(specs, facts, on_conflict=change)
    return Operation("upsert lines", spec_keys(specs), sql, params, expect,
                     tolerates=tolerated(specs, numbered=True))


def merge_lines(world):
    specs = line_specs(world, numbered(world))
    columns = columns_of(specs)
    rows, params = values_sql(specs, columns)
    names = ", ".join(columns)
    matched = world.rng.choice(["", " WHEN MATCHED THEN DO NOTHING"]
                               + [" WHEN MATCHED THEN UPDATE SET own_note = 'merged'"]
                               * world.has("edit"))
    sql = (f"MERGE INTO {world.book}.order_line AS o USING (VALUES {rows}) AS v ({names}) "
           f"ON o.line_id = v.line_id AND o.item = v.item "
           f"WHEN NOT MATCHED THEN INSERT ({names}) VALUES "
           f"({', '.join('v.' + c for c in columns)}){matched}")

    def expect(model, rows):
        new = [s for s in specs if (s["line_id"], s["item"]) not in model.lines]
        faults = model.faults_of_rows(new)
        if faults:      # which one is met first depends on the plan
            raise m.Refused(*faults, "BK002")
        arrival = {(row["line_id"], row["item"]): row["queued_at"] for row in rows or ()}
        new.sort(key=lambda s: arrival.get((s["line_id"], s["item"]), m.FAR_FUTURE))
        model.insert_lines(new, by_number(rows))
        return lines_numbered(model, specs)
    return Operation("merge lines", spec_keys(specs), sql, params, expect,
                     then=select_lines(world, specs, " FOR UPDATE"),
                     tolerates=tolerated(specs, numbered=len(specs) > 1))


# ------------------------------------------------------- changes of a line

def update_line(world, changes, kind, line=None):
    line = line or world.some_own_line()
    if line is None:
        return None
    changes = changes(line)
    sets = ", ".join(f"{column} = %s" for column in changes)
    sql = (f"UPDATE {world.book}.order_line SET {sets} WHERE line_id = %s AND item = %s "
           f"RETURNING {LINE_COLUMNS}")
    known = {c: v for c, v in changes.items() if c not in ("own_note", "hold_reason")}
    return Operation(kind, {line[1:]}, sql, [*changes.values(), *line[:2]],
                     lambda model, rows: model.update_line(*line[:2], known))


def edit_line(world):
    return update_line(world, lambda line: {"own_note": f"note {world.rng.randint(1, 9)}"}, "edit",
                       world.some_line())


def resize_line(world):
    return update_line(world, lambda line: {"qty_ordered": some_quantity(world, line[1:])}, "resize")


def requeue_line(world):
    def changes(line):
        if world.rng.random() < 0.5:
            return {"priority": world.rng.choice([0, 1, 50, 100, 200, 32767, 32768])}
        return {"requested_on": datetime.date(2030, 1, world.rng.randint(1, 4))}
    return shown_settled(world, update_line(world, changes, "requeue"))


def shown_settled(world, operation):
    """What a line takes because the queue has changed, it takes in its turn at the end
    of the statement: later than RETURNING."""
    if operation:
        operation.then = (f"SELECT {LINE_COLUMNS} FROM {world.book}.order_line "
                          "WHERE line_id = %s AND item = %s", operation.params[-2:])
    return operation


def change_customer(world):
    return shown_settled(world, update_line(
        world, lambda line: {"customer": world.rng.choice([*CUSTOMERS, None])}, "customer"))


def hold_line(world):
    def changes(line):
        held = world.rng.random() < 0.5
        return {"held": held, "hold_reason": "credit" if held else None}
    return shown_settled(world, update_line(world, changes, "hold", world.some_line()))


def move_line(world):
    line = world.some_own_line()
    if line is None:
        return None
    to = world.some_key()
    sql = (f"UPDATE {world.book}.order_line SET item = %s, location = %s "
           f"WHERE line_id = %s AND item = %s RETURNING {LINE_COLUMNS}")
    return Operation("move", {line[1:], to}, sql, [*to, *line[:2]],
                     lambda model, rows: model.move_line(*line[:2], *to, in_order(rows)),
                     tolerates={"BK006"})       # of what is open or of what was ordered


def delete_line(world):
    line = world.some_own_line()
    if line is None:
        return None
    sql = (f"WITH gone AS (DELETE FROM {world.book}.order_line WHERE line_id = %s AND item = %s"
           f"{spared(world)} RETURNING 1) SELECT count(*) AS deleted FROM gone")

    def expect(model, rows):
        if model.lenient and line[:2] in model.restless and rows == [{"deleted": 0}]:
            return rows     # gone, and inserted again by another session a moment later
        return [{"deleted": delete(world, model, [line[:2]])}]
    return Operation("delete", {line[1:]}, sql, line[:2], expect)


def spared(world):
    """The number of a line that was cancelled and deleted must not come again."""
    return "" if world.has("reuse") else " AND qty_cancelled = 0"


def delete(world, model, keys):
    return model.delete_lines([key for key in keys if world.has("reuse") or (
        key in model.lines and model.lines[key].qty_cancelled == 0)])


def several_lines(world):
    """One statement for lines of any items: less of them, held, released, moved in the
    queue, deleted. (More of them, too, would depend on which comes first.)"""
    rng = world.rng
    lines = {line[:2]: line for line in (world.some_own_line() for _ in range(rng.randint(2, 7))) if line}
    if len(lines) < 2:
        return None
    held, priority, most = rng.random() < 0.3, rng.choice([0, 50, 100, 200]), some_number(rng)
    steps = {line[1:]: world.steps.get(line[1:]) for line in lines.values()}
    kinds = [("priority = %s", priority, lambda line: {"priority": priority})]
    if world.has("hold"):
        kinds += [("held = %s", held, lambda line: {"held": held})] * 2
    if world.has("resize") and not any(steps.values()):
        kinds.append(("qty_ordered = least(qty_ordered, %s)", most, lambda line: {
            "qty_ordered": m.shown(min(line.qty_ordered, m.Fraction(most)))}))
    if world.has("delete"):
        kinds.append((None, None, None))
    sets, value, changes = rng.choice(kinds)
    verb = f"DELETE FROM {world.book}.order_line" if sets is None else (
        f"UPDATE {world.book}.order_line SET {sets}")
    then = (f"SELECT {LINE_COLUMNS} FROM {world.book}.order_line WHERE (line_id, item) IN %s "
            "ORDER BY line_id, item COLLATE \"C\" FOR UPDATE", [tuple(lines)])

    def expect(model, rows):
        if sets is None:
            delete(world, model, lines)
        else:
            model.update_lines(lines, changes)
        return [model.line_row(model.lines[key]) for key in sorted(lines) if key in model.lines]
    return Operation("several", {line[1:] for line in lines.values()},
                     f"{verb} WHERE (line_id, item) IN %s{'' if sets else spared(world)}", [*[value] * (sets is not None), tuple(lines)],
                     expect, then=then)


def call_on_line(world, function, arguments, expect, tolerates=()):
    """One of the book's functions on a line, then the line as it stands."""
    line = world.some_line()
    if line is None:
        return None
    line_id = 10 ** 14 if world.rng.random() < 0.03 else line[0]
    given = arguments(line)
    sql = (f"SELECT count(*) FROM {world.book}.{function}(line_id => %s"
           + "".join(f", {name} => %s" for name in given) + ")")
    then = (f"SELECT {LINE_COLUMNS} FROM {world.book}.order_line WHERE line_id = %s FOR UPDATE",
            [line_id])
    return Operation(function, {line[1:]}, sql, [line_id, *given.values()],
                     lambda model, rows: [model.line_row(expect(model, line_id, given))],
                     then=then, tolerates=tolerates)


def some_part(world, line):
    return {} if world.rng.random() < 0.4 else {"qty": some_quantity(world, line[1:])}


def ship(world):
    return call_on_line(world, "ship", lambda line: some_part(world, line),
                        lambda model, line_id, given: model.ship(line_id, **given),
                        tolerates={"55000"})


def cancel(world):
    def arguments(line):
        return {**some_part(world, line), **({"reason": "changed his mind"}
                                             if world.rng.random() < 0.5 else {})}
    return call_on_line(world, "cancel", arguments,
                        lambda model, line_id, given: model.cancel(line_id, given.get("qty")))


def return_goods(world):
    def arguments(line):
        given = {"qty": some_quantity(world, line[1:])}
        if world.rng.random() < 0.4:
            given["restock"] = world.rng.random() < 0.5
        return given
    return call_on_line(world, "return_goods", arguments,
                        lambda model, line_id, given: model.return_goods(line_id, **given))


def place_order(world):
    specs = [s for s in line_specs(world) if s["customer"] not in (m.KEPT_OUT_BEFORE,)]
    if not specs:
        return None
    order_ref, customer = world.fresh_ref("PO"), "Retailer"
    for spec in specs:
        spec.update(order_ref=order_ref, customer=customer, location=spec["location"] or "main")
    fields = ("item", "location", "priority", "ship_policy", "requested_on", "qty_ordered")
    lines = [{f: str(s[f]) if f == "requested_on" and s[f] else s[f] for f in fields
              if s[f] is not None} for s in specs]
    sql = (f"SELECT {LINE_COLUMNS} FROM {world.book}.place_order(order_ref => %s, lines => %s, "
           "customer => %s) ORDER BY line_id")
    # lines are taken in the order of their stock rows, whatever the order of the array
    arranged = sorted(specs, key=lambda s: ((s["item"] or "").encode(), (s["location"] or "").encode()))

    def expect(model, rows):
        numbers = [row["line_id"] for row in model.insert_lines(arranged, in_order(rows))]
        model.settle_orders(order_ref)
        return [model.line_row(model.line(number)) for number in numbers]
    unnamed = {"22023"} if any(not s["item"] or s["qty_ordered"] is None for s in specs) else ()
    return Operation("place order", spec_keys(specs), sql, [order_ref, json.dumps(lines), customer],
                     expect, tolerates=unnamed)


# --------------------------------------------------------------------- stock

def some_level(world, key):
    if world.rng.random() < 0.04:
        return world.rng.choice(BAD_LEVELS)
    plenty = [str(world.rng.choice([100, 300, 1000]))] * 3 * world.has("lanes")
    return world.rng.choice(["0", some_number(world.rng, 30), some_number(world.rng, 8), *plenty])


def set_on_hand(world):
    key = world.some_key()
    value = some_level(world, key)
    sql = (f"UPDATE {world.book}.stock SET on_hand = %s WHERE item = %s AND location = %s "
           f"RETURNING {STOCK_COLUMNS}")
    return Operation("set on_hand", {key}, sql, [value, *key],
                     lambda model, rows: model.set_stock(*key, **given_level(value)))


def given_level(value):
    m.level(value)
    return {"on_hand": value}


def change_on_hand(world):
    """Up or down by so much, for one row or several."""
    rng = world.rng
    keys = sorted(rng.sample(world.keys, rng.choice([1, 1, min(2, len(world.keys)), len(world.keys)])))
    change = rng.choice(["", "-"]) + some_number(rng, rng.choice([3, 10, 40]))
    if rng.random() < 0.02:
        change = rng.choice(["NaN", "Infinity", "0.0000001", "1000000000000"])
    sql = (f"WITH changed AS (UPDATE {world.book}.stock SET on_hand = on_hand + %s "
           f"WHERE (item, location) IN %s RETURNING {STOCK_COLUMNS}) SELECT * FROM changed "
           "ORDER BY item COLLATE \"C\", location COLLATE \"C\"")

    def expect(model, rows):
        shown, codes = [], set()
        for key in keys:
            try:
                shown += model.set_stock(*key, change=change)
            except m.Refused as refusal:
                codes |= refusal.codes
        if codes:
            raise m.Refused(*codes)
        return shown
    return Operation("change on_hand", keys, sql, [change, tuple(keys)], expect)


def upsert_stock(world):
    """How stock is synchronised from elsewhere."""
    rng = world.rng
    keys = sorted(rng.sample(world.keys, rng.choice([1, 1, len(world.keys)])))
    values = [some_level(world, key) for key in keys]
    added = rng.random() < 0.3
    if added:
        values = [value and value.lstrip("-") for value in values]
    rows = ", ".join(["(%s, %s, %s::numeric)"] * len(keys))
    params = [p for key, value in zip(keys, values) for p in (*key, value)]
    if not added and rng.random() < 0.3:
        sql = (f"MERGE INTO {world.book}.stock AS s USING (VALUES {rows}) AS v (item, location, n) "
               "ON s.item = v.item AND s.location = v.location "
               "WHEN MATCHED THEN UPDATE SET on_hand = v.n "
               "WHEN NOT MATCHED THEN INSERT (item, location, on_hand) VALUES (v.item, v.location, v.n)")
        then = select_stock(world, keys)
    else:
        sql = (f"WITH changed AS (INSERT INTO {world.book}.stock AS s (item, location, on_hand) "
               f"VALUES {rows} ON CONFLICT (item, location) DO UPDATE SET on_hand = "
               f"{'s.on_hand + ' if added else ''}excluded.on_hand RETURNING {STOCK_COLUMNS}) "
               "SELECT * FROM changed ORDER BY item COLLATE \"C\", location COLLATE \"C\"")
        then = None

    def expect(model, rows):
        shown, codes = [], set()
        for key, value in zip(keys, values):
            codes |= m.level_faults(value)
            if not codes:
                how = {"change": value} if added else {"on_hand": value}
                shown += model.set_stock(*key, **how)
        if codes:
            raise m.Refused(*codes)
        return shown
    return Operation("upsert stock", keys, sql, params, expect, then=then)


def new_stock(world):
    """A new item, or one that is there already: an error."""
    rng = world.rng
    key = world.some_key() if rng.random() < 0.3 else (f"new {world.fresh_id()}", "main")
    if rng.random() < 0.1:
        key = rng.choice([("", "main"), ("y" * 1001, "main"), (key[0], "")])
    value = some_level(world, key)
    sql = (f"INSERT INTO {world.book}.stock (item, location, on_hand) VALUES (%s, %s, %s) "
           f"RETURNING {STOCK_COLUMNS}")

    def expect(model, rows):
        return [model.insert_stock(*key, value)]
    return Operation("new stock", {key}, sql, [*key, value], expect)


def count_stock(world):
    key = world.some_key()
    value = some_level(world, key)
    sql = (f"SELECT count(*) FROM {world.book}.count_stock(item => %s, counted => %s, "
           "location => %s, reason => 'stocktaking')")

    def expect(model, rows):
        m.level(value)
        return model.count_stock(key[0], value, key[1])
    return Operation("count stock", {key}, sql, [key[0], value, key[1]], expect,
                     then=select_stock(world, [key]))


def set_lanes(world):
    """Nobody may notice."""
    key = world.some_key()
    sql = f"SELECT count(*) FROM {world.book}.set_lanes(item => %s, location => %s, lanes => %s)"
    return Operation("lanes", {key}, sql, [*key, world.rng.choice([0, 2, 2, 3, 5])],
                     lambda model, rows: [model.stock_row(model.stocks[key])],
                     then=select_stock(world, [key]))


def change_limit(world):
    key = world.some_key()
    limit = world.rng.choice([None, None, "0", "20", "50.5"])
    sql = (f"UPDATE {world.book}.stock SET backorder_limit = %s WHERE item = %s AND location = %s "
           f"RETURNING {STOCK_COLUMNS}")
    return Operation("limit", {key}, sql, [limit, *key],
                     lambda model, rows: model.set_stock(
                         *key, backorder_limit=None if limit is None else m.Fraction(limit)))


def change_rule(world):
    key = world.some_key()
    rules, limited = ["fifo", "due_date"], world.model.is_limited(key)
    if not limited:
        rules.append("fair_share")
    if world.has("shrunk") or not (limited or world.model.is_bought_for(key)):
        rules.append("most_lines")
    rule = world.rng.choice(rules)
    sql = (f"UPDATE {world.book}.stock SET fill_rule = %s WHERE item = %s AND location = %s "
           f"RETURNING {STOCK_COLUMNS}")
    return Operation("rule", {key}, sql, [rule, *key],
                     lambda model, rows: model.set_stock(*key, fill_rule=rule))


def change_flag(world):
    key = world.some_key()
    at_once = world.rng.random() < 0.5
    sql = (f"UPDATE {world.book}.stock SET ships_at_once = %s WHERE item = %s AND location = %s "
           f"RETURNING {STOCK_COLUMNS}")
    return Operation("flag", {key}, sql, [at_once, *key],
                     lambda model, rows: model.set_stock(*key, ships_at_once=at_once))


def change_policy(world):
    return shown_settled(world, update_line(world, lambda line: {"ship_policy": some_policy(world)},
                                            "policy"))


def change_step(world):
    """A finer step, or none: what was too little for the old one may be enough now."""
    key = world.some_key()
    step = world.steps.get(key)
    finer = None if step is None or world.rng.random() < 0.5 else step / 5
    sql = (f"UPDATE {world.book}.stock SET qty_step = %s WHERE item = %s AND location = %s "
           f"RETURNING {STOCK_COLUMNS}")

    def expect(model, rows):
        shown = model.set_stock(*key, qty_step=finer)
        world.steps[key] = finer
        return shown
    return Operation("step", {key}, sql, [finer if finer is None else m.shown(finer), *key], expect)


# -------------------------------------------------------- backorder processing

def some_strategies(world):
    """What to run it by, and a strategy for some of the segments."""
    rng = world.rng
    by = rng.choice(["priority", "priority", "priority", "customer", "demand"])
    segments = {"priority": ["0", "1", "50", "100", "100", "200", "32767", "*"],
                "customer": ["Retailer", "Müller & Söhne", "O'Neill", "", m.DOUBLED, "*"],
                "demand": ["customer", "internal", "*"]}[by]
    strategies = ["win", "gain", "redistribute", "fill", "lose", "skip"]
    return by, {rng.choice(segments): rng.choice(strategies) for _ in range(rng.randint(1, 6))}


REALLOCATION_COLUMNS = ("line_id, order_ref, customer, segment, strategy, qty_open, qty_before, "
                        "qty_after, qty_short")


def reallocation_row(line, segment, strategy, qty_open, before, after, short):
    return {"line_id": line.line_id, "order_ref": line.order_ref, "customer": line.customer,
            "segment": segment, "strategy": strategy, "qty_open": qty_open, "qty_before": before,
            "qty_after": after, "qty_short": short}


def reallocate(world, dry=False):
    rng, key = world.rng, world.some_key()
    by, strategies = some_strategies(world)
    on_shortage = rng.choice(["fail", "report", "report"])
    given = {"item": key[0], "location": key[1], "by": by, "strategies": json.dumps(strategies),
             "on_shortage": on_shortage, "dry_run": dry}
    if rng.random() < 0.03:
        given["by" if rng.random() < 0.5 else "on_shortage"] = "whatever"
    sql = (f"SELECT {REALLOCATION_COLUMNS} FROM {world.book}.reallocate("
           + ", ".join(f"{name} => %s" for name in given) + ")")

    def expect(model, rows):
        if "whatever" in given.values():
            raise m.Refused("22023")
        model = model.copy() if dry else model
        return [reallocation_row(*row) for row in model.reallocate(*key, by, strategies, on_shortage)]
    return Operation("reallocate", {key}, sql, [*given.values()], expect)


def reallocate_dry(world):
    return reallocate(world, dry=True)


# -------------------------------------------------------- two statements in one

PARTS = {   # what is shown of each kind of statement: a number, a time, three quantities
    "insert": ("line_id", "queued_at", "qty_shipped", "qty_allocated", "qty_backordered"),
    "receipt": ("receipt_id", None, "qty_to_backorders", "qty_to_stock", None),
}
SHOWN_AS = ("number", "at", "x", "y", "z")
# what triggers do between the two or after both of them is another story
LATE_WORDS = {m.BRINGS_ONE, m.TRIGGER_REFUSES, m.ORDERS_MORE}


def with_both(world):
    """WITH two statements that write: the second is run when the first has run, but
    before the first one's AFTER triggers. (No UPDATE of stock: both see the rows
    as they were before the statement, so what it shows is a matter of taste.)"""
    makers = world.rng.sample([insert_plain, insert_values, receipts, receipts], 2)
    parts = [make(world) for make in makers]
    if any(LATE_WORDS & set(map(str, part.params)) for part in parts):
        return None
    # UNION ALL runs them in this order
    selects = [f"SELECT {n} AS part, {part_columns(part.kind)} FROM part_{n}"
               for n, part in enumerate(parts)]
    sql = (f"WITH part_0 AS ({parts[0].sql}), part_1 AS ({parts[1].sql}) "
           + " UNION ALL ".join(selects))

    def expect(model, rows):
        shown, late = [], None          # BK002 comes when both are done
        for n, part in enumerate(parts):
            names = PARTS[part.kind]
            own = rows and [{name: row[as_] for name, as_ in zip(names, SHOWN_AS)}
                            for row in rows if row["part"] == n]
            try:
                part_rows = part.expect(model, own)
            except m.Refused as refusal:
                if refusal.codes != {"BK002"}:
                    raise
                late, part_rows = refusal, []
            shown += [{"part": n, **{as_: row[name] if name else None
                                     for name, as_ in zip(names, SHOWN_AS)}} for row in part_rows]
        if late:
            raise late
        return shown
    return Operation("with", parts[0].keys | parts[1].keys, sql,
                     [*parts[0].params, *parts[1].params], expect,
                     tolerates=parts[0].tolerates | parts[1].tolerates)


def part_columns(kind):
    types = ("bigint", "timestamptz", "numeric", "numeric", "numeric")
    return ", ".join(f"{name or 'NULL'}::{type_} AS {as_}"
                     for name, type_, as_ in zip(PARTS[kind], types, SHOWN_AS))


# ------------------------------------------------------------------ intruders

def intruder(world):
    """Those who may not: each is refused, and nothing changes."""
    key, book = world.some_key(), world.book
    qty = m.shown(world.steps.get(key) or m.Fraction(1))
    where = "WHERE item = %s AND location = %s"
    tries = [
        ("app", "BK003", f"INSERT INTO {book}.order_line (item, location, qty_ordered, qty_shipped) "
         f"VALUES (%s, %s, {qty}, {qty})"),
        ("app", "BK003", f"INSERT INTO {book}.order_line (item, location, qty_ordered, queued_at) "
         f"VALUES (%s, %s, {qty}, '2001-01-01')"),
        ("app", "42501", f"UPDATE {book}.stock SET on_hand = 99 {where}"),
        ("app", "42501", f"INSERT INTO {book}.movement (at, kind, item, location, qty, by_role) "
         "VALUES (now(), 'receive', %s, %s, 5, 'me')"),
        ("clerk", "BK003", f"INSERT INTO {book}.receipt (item, location, qty, qty_to_stock) "
         "VALUES (%s, %s, 1, 1)"),
        ("clerk", "BK003", f"INSERT INTO {book}.supply (supply_ref, item, location, qty_expected, "
         "qty_received) VALUES ('x', %s, %s, 1, 1)"),
        ("clerk", "BK003", f"INSERT INTO {book}.archived_total (item, location, on_hand, filled) "
         "VALUES (%s, %s, 1, 0)"),
        ("clerk", "BK003", f"UPDATE {book}.stock SET allocated = allocated + 1 {where}"),
        ("clerk", "BK003", f"UPDATE {book}.stock SET backordered = 7 + backordered {where}"),
    ]
    role, code, sql = world.rng.choice(tries)

    def expect(model, rows):
        raise m.Refused(code)
    return Operation("intruder", {key}, sql, key, expect, role=role)


def line_intruder(world):
    line = world.some_line()
    if line is None:
        return None
    sql = (f"UPDATE {world.book}.order_line SET qty_shipped = qty_shipped + 1, "
           "qty_ordered = qty_ordered + 1 WHERE line_id = %s AND item = %s RETURNING line_id")

    def expect(model, rows):
        if line[:2] not in model.lines:
            return []
        raise m.Refused("BK003")
    return Operation("intruder", {line[1:]}, sql, line[:2], expect, role="clerk")


# ------------------------------------------------------------------ the choice

CHOICES = [     # feature, weight, what makes one
    ("insert", 10, insert_values), ("insert", 10, insert_plain), ("insert", 4, insert_select),
    ("insert", 5, insert_prepared), ("insert", 3, insert_copy), ("conflict", 4, insert_or_nothing),
    ("insert", 1, insert_twice), ("insert", 3, merge_lines), ("conflict", 2, upsert_lines),
    ("edit", 2, edit_line), ("huge", 1, insert_huge), ("with", 3, with_both),
    ("resize", 8, resize_line), ("requeue", 4, requeue_line), ("hold", 5, hold_line),
    ("several", 4, several_lines), ("move", 3, move_line), ("delete", 3, delete_line),
    ("ship", 6, ship), ("cancel", 5, cancel), ("return", 3, return_goods),
    ("place", 5, place_order), ("archive", 3, archive), ("receipt", 12, receipts), ("receipt", 4, receive),
    ("preview", 4, preview), ("reverse", 4, reverse_receipt), ("reallocate", 7, reallocate),
    ("reallocate", 3, reallocate_dry), ("supply", 4, supply), ("supply", 2, change_supply),
    ("promises", 3, change_supply), ("promises", 1, delete_supply), ("pegged", 4, supply),
    ("pegged", 1, change_supply), ("promises", 1, read_promises), ("limits", 3, new_cap),
    ("limits", 2, new_protection), ("limits", 3, change_cap), ("limits", 2, change_protection),
    ("limits", 1, drop_cap), ("limits", 1, drop_protection), ("limits", 3, join_group),
    ("limits", 2, change_customer), ("stock", 3, set_on_hand), ("stock", 5, change_on_hand),
    ("stock", 3, upsert_stock), ("stock", 1, new_stock), ("count", 3, count_stock),
    ("limit", 1, change_limit), ("rules", 2, change_rule), ("step", 1, change_step),
    ("flag", 2, change_flag), ("flag", 2, change_policy), ("intruder", 2, intruder),
    ("intruder", 1, line_intruder), ("lanes", 6, set_lanes),
]

# What sets on_hand by what it reads must read it with its lanes gathered.
READS_ON_HAND = {"set on_hand", "change on_hand", "upsert stock", "with"}


def random_operation(world, fit=lambda operation: True, without=()):
    choices = [c for c in CHOICES if world.has(c[0]) and c[2] not in without]
    while True:
        make = world.rng.choices([c[2] for c in choices], [c[1] for c in choices])[0]
        operation = world.instead(world, make)(world)
        if operation is None or not fit(operation):
            continue
        named = sorted(key for key in operation.keys if None not in key)
        if named and world.has("lanes") and operation.kind in READS_ON_HAND:
            operation.before = (f"SELECT count(*) FROM {gathered(world)}", [tuple(named)])
        return operation
