"""Comparing: one operation's result, whole tables, the journal, the queue."""

from collections import defaultdict

import model as m
from database import LINE_COLUMNS, STOCK_COLUMNS, STOCK_NOW, Failed, Mismatch, show
from limit_operations import COLUMNS, SHOWN
from supply_operations import SUPPLY_COLUMNS


# ------------------------------------------------------------ one operation

def judged(operation, model, rows, error):
    """The model after the operation, if it agrees with the database about it."""
    trial = model.copy()
    trial.now = operation.kind
    try:
        expected = operation.expect(trial, rows)
    except m.Impossible as fault:
        raise Mismatch(f"{operation.kind}: {fault}", operation.items) from None
    except m.Refused as refusal:
        if error is None:
            raise Mismatch(f"{operation.kind}: must be refused with {refusal}, but was done"
                           f"{answer('database', rows)}", operation.items) from None
        if error.code not in refusal.codes | operation.tolerates:
            raise Mismatch(f"{operation.kind}: must be refused with {refusal}, but failed with "
                           f"{error.code}: {error}", operation.items) from None
        return model
    if error is not None:
        if error.code in operation.tolerates:
            return model
        raise Mismatch(f"{operation.kind}: must succeed{answer('model', expected)}\n"
                       f"but failed with {error.code}: {error}", operation.items)
    if expected != rows:
        mismatch = Mismatch(f"{operation.kind}: wrong answer{differences(expected, rows)}", operation.items)
        mismatch.keys = keys_of_lines(operation, expected, rows)
        raise mismatch
    return trial


def keys_of_lines(operation, expected, rows):
    """Lines of which the two sides say different things."""
    numbers = [row["line_id"] for row in expected if row not in rows and "line_id" in row]
    return [(number, item) for number in numbers for item in sorted(filter(None, operation.items))]


def attempt(operation, session):
    """(rows, None) or (None, error)."""
    try:
        return operation.run(session), None
    except Failed as error:
        return None, error


def answer(who, rows):
    if not isinstance(rows, list):
        return ""
    return "".join(f"\n    {who:8} {line(row)}" for row in rows[:20])


def line(row):
    return "  ".join(f"{name}={show(value)}" for name, value in row.items())


def differences(expected, rows):
    """Both sides, row by row, where they differ."""
    text = []
    if len(expected) != len(rows):
        text.append(f"\n    the model has {len(expected)} rows, the database {len(rows)}")
    for n in range(max(len(expected), len(rows))):
        ours = expected[n] if n < len(expected) else None
        theirs = rows[n] if n < len(rows) else None
        if ours != theirs and len(text) < 40:
            text.append(f"\n  row {n + 1}:")
            text.append(f"\n    model    {line(ours) if ours else 'no such row'}")
            text.append(f"\n    database {line(theirs) if theirs else 'no such row'}")
    return "".join(text)


# ------------------------------------------------------------------- tables

def compare_items(session, book, model, items):
    """Stock and lines of some items, as they are now in both."""
    of_items = "WHERE item = ANY (%s)"
    chosen = [sorted(item for item in items if item)]
    compare_stock(model, session.execute(
        f"SELECT {STOCK_COLUMNS} FROM {STOCK_NOW.format(book=book)} {of_items}", chosen, log=False), items)
    compare_lines(model, session.execute(
        f"SELECT {LINE_COLUMNS} FROM {book}.order_line {of_items}", chosen, log=False), items)
    compare_supply(session, book, model, of_items, chosen, items)
    compare_limits(session, book, model, of_items, chosen, items)
    compare_promises(session, book, model, of_items, chosen, items)


def compare_all(session, book, model):
    """Every table of the book, and what the journal makes of it."""
    compare_stock(model, session.execute(
        f"SELECT {STOCK_COLUMNS} FROM {STOCK_NOW.format(book=book)}", log=False))
    try:
        compare_lines(model, session.execute(f"SELECT {LINE_COLUMNS} FROM {book}.order_line", log=False))
    except Mismatch as mismatch:
        raise Mismatch(f"{mismatch}{fills_of(session, book, model, mismatch.keys)}", mismatch.items)
    compare_supply(session, book, model)
    compare_limits(session, book, model)
    compare_promises(session, book, model)
    compare_receipts(session, book, model)
    compare_archive(session, book, model)
    breaks = session.execute(f"SELECT * FROM {book}.verify() UNION ALL "
                             f"SELECT * FROM {book}.verify_archive()", log=False)
    if breaks:
        raise Mismatch("verify() finds:" + "".join(f"\n    {line(row)}" for row in breaks[:20]),
                       {row["item"] for row in breaks if row.get("item")})
    check_journal(session, book, model)


def compare_stock(model, rows, items=None):
    expected = {key: model.stock_row(stock) for key, stock in model.stocks.items()
                if items is None or key[0] in items}
    compare_rows("stock", expected, rows, lambda row: (row["item"], row["location"]))


def compare_lines(model, rows, items=None):
    expected = {key: model.line_row(line) for key, line in model.lines.items()
                if items is None or key[1] in items}
    compare_rows("order_line", expected, rows, lambda row: (row["line_id"], row["item"]))


def compare_supply(session, book, model, condition="", params=None, items=None):
    compare_rows("supply", {n: model.supply_row(s) for n, s in model.supplies.items()
                            if items is None or s.item in items},
                 session.execute(f"SELECT {SUPPLY_COLUMNS} FROM {book}.supply {condition}", params,
                                 log=False),
                 lambda row: row["supply_id"])


def compare_limits(session, book, model, condition="", params=None, items=None):
    for kind, rows, shown in (("cap", model.caps, model.cap_row),
                              ("protection", model.protections, model.protection_row)):
        compare_rows(kind, {key: shown(row) for key, row in rows.items()
                            if items is None or row.item in items},
                     session.execute(f"SELECT {SHOWN[kind]} FROM {book}.{kind} {condition}", params,
                                     log=False),
                     lambda row: tuple(row[column] for column in COLUMNS[kind]))


def compare_promises(session, book, model, condition="", params=None, items=None):
    """Places, promises and pegs of all that waits."""
    promised, pegs = {}, {}
    for stock in model.stocks.values():
        if items is None or stock.item in items:
            promises = model.promises(stock)
            promised.update(promises.rows())
            pegs.update({(key[0], stock.item, supply_id): {
                "line_id": key[0], "item": stock.item, "supply_id": supply_id, "qty": qty,
                "expected_on": model.supplies[supply_id].expected_on}
                for (key, supply_id), qty in promises.pegs.items()})
    rows = session.execute(
        "SELECT line_id, item, location, position, qty_ahead, held, promised_on, supply_ref "
        f"FROM {book}.open_backorder {condition} ORDER BY item, location, position", params, log=False)
    check_promises_in_turn(model, rows)
    compare_rows("open_backorder", promised,
                 [{k: v for k, v in row.items() if k != "location"} for row in rows],
                 lambda row: (row["line_id"], row["item"]))
    compare_rows("pegging", pegs, session.execute(
        f"SELECT line_id, item, supply_id, qty, expected_on FROM {book}.pegging {condition}", params,
        log=False), lambda row: (row["line_id"], row["item"], row["supply_id"]))
    check_pegs(model, pegs)


def check_promises_in_turn(model, rows):
    """Where nothing but the queue decides, nobody is promised before one ahead of him."""
    last = {}
    for row in rows:
        key = (row["item"], row["location"])
        if row["held"] or model.is_bought_for(key) or model.is_limited(key):
            continue
        day = (row["promised_on"] is None, row["promised_on"])
        if key in last and day < last[key]:
            raise Mismatch(f"line {row['line_id']} is promised for {row['promised_on']}, before one "
                           f"ahead of it at {key}", {row["item"]})
        last[key] = day


def check_pegs(model, pegs):
    """No line gets more than it waits for, no supply brings more than is missing."""
    of_line, of_supply = defaultdict(m.Fraction), defaultdict(m.Fraction)
    for peg in pegs.values():
        of_line[peg["line_id"], peg["item"]] += peg["qty"]
        of_supply[peg["supply_id"]] += peg["qty"]
    for key, qty in of_line.items():
        assert qty <= model.lines[key].qty_backordered, key
    for supply_id, qty in of_supply.items():
        supply = model.supplies[supply_id]
        assert qty <= supply.qty_expected - supply.qty_received, supply_id


def compare_receipts(session, book, model):
    """Receipts by their number; what receive() took in has none that we know."""
    rows = session.execute(
        f"SELECT item, location, qty, supply_id, qty_to_backorders, qty_to_stock "
        f"FROM {book}.receipt", log=False)
    ours = [{"item": r.item, "location": r.location, "qty": r.qty, "supply_id": r.supply_id,
             "qty_to_backorders": r.qty_to_backorders, "qty_to_stock": r.qty_to_stock}
            for r in model.receipts.values()]
    order = lambda row: [str(value) for value in row.values()]
    ours.sort(key=order)
    rows.sort(key=order)
    if ours != rows:
        raise Mismatch("table receipt:" + differences(ours, rows))


def compare_archive(session, book, model):
    """Lines as they were when they were archived."""
    rows = session.execute(f"SELECT {LINE_COLUMNS} FROM {book}.archived_line", log=False)
    expected = {key: model.line_row(line) for key, line in model.archived.items()}
    compare_rows("archived_line", expected, rows, lambda row: (row["line_id"], row["item"]))


def compare_rows(table, expected, rows, key_of):
    found = {key_of(row): row for row in rows}
    wrong = [key for key in {**expected, **found} if expected.get(key) != found.get(key)]
    if wrong:
        wrong.sort(key=str)
        text = differences([expected.get(key) for key in wrong], [found.get(key) for key in wrong])
        items = {(expected.get(key) or found.get(key)).get("item") for key in wrong} - {None}
        mismatch = Mismatch(f"table {table}:{text}", items)
        mismatch.keys = wrong
        raise mismatch


def fills_of(session, book, model, keys):
    """What lines got out of the queue: as the model and as the journal has it."""
    text = []
    for key in keys[:4]:
        ours = [f"{show(qty)} ({now})" for line_key, qty, now in model.fills if line_key == key]
        rows = session.execute(
            f"SELECT qty, at FROM {book}.all_movement WHERE line_id = %s AND item = %s "
            "AND from_state = 'b' AND to_state IN ('a', 's') ORDER BY movement_id", key, log=False)
        theirs = [f"{show(row['qty'])} ({row['at'].time()})" for row in rows]
        text.append(f"\n  line {key[0]} got out of the queue\n    model    {', '.join(ours)}"
                    f"\n    database {', '.join(theirs)}")
    return "".join(text)


# ------------------------------------------------------------------ journal

def check_journal(session, book, model):
    """Replays the journal: it must give every counter, and no line may have been
    served from the queue while one before it could have been."""
    rows = session.execute(
        f"SELECT movement_id, kind, from_state, to_state, item, location, qty, line_id, reason "
        f"FROM {book}.all_movement ORDER BY movement_id", log=False)
    on_hand, states = defaultdict(m.Fraction), defaultdict(lambda: defaultdict(m.Fraction))
    waiting = defaultdict(dict)
    for row in rows:
        place = (row["item"], row["location"])
        if row["kind"] in ("receive", "adjust", "return"):
            on_hand[place] += row["qty"]
        elif row["kind"] == "ship":
            on_hand[place] -= row["qty"]
        if row["line_id"] is not None:
            move(states[row["line_id"], row["item"]], row)
            try:
                check_turn(model, waiting[place], row)
            except Mismatch as mismatch:
                raise Mismatch(f"{mismatch}{surroundings(rows, row)}", mismatch.items) from None
    compare_on_hand(model, on_hand)
    compare_states(model, states)


def surroundings(rows, row):
    """The journal of the same place shortly before and after."""
    same = [r for r in rows if (r["item"], r["location"]) == (row["item"], row["location"])]
    n = same.index(row)
    return "".join("\n    " + line(r) for r in same[max(0, n - 12):n + 4])


def move(states, row):
    if row["to_state"]:
        states[row["to_state"]] += row["qty"]
    if row["from_state"] and row["to_state"] != "r":    # a return leaves qty_shipped as it was
        states[row["from_state"]] -= row["qty"]


def known_line(model, key):
    """As it is, or was when it went."""
    return model.lines.get(key) or model.gone.get(key) or model.archived.get(key)


def check_turn(model, waiting, row):
    """waiting: what each line of the queue waits for, as far as the journal has been read."""
    key = (row["line_id"], row["item"])
    line = known_line(model, key)
    stock = model.stocks.get((row["item"], row["location"]))
    if line is None or stock is None or stock.fill_rule != "fifo" or stock.key in model.ruled:
        return
    if row["from_state"] == "b" and row["to_state"] in ("a", "s") and row["reason"] != "reallocate":
        for other, qty in waiting.items():
            peer = known_line(model, other)
            if qty > 0 and not {key, other} & model.restless and peer.place < line.place \
                    and not peer.held:
                raise Mismatch(f"movement {row['movement_id']} gives {show(row['qty'])} to line "
                               f"{line.line_id} while line {peer.line_id} before it waits for "
                               f"{show(qty)}", {line.item})
    if row["to_state"] == "b":
        waiting[key] = waiting.get(key, 0) + row["qty"]
    if row["from_state"] == "b":
        waiting[key] = waiting.get(key, 0) - row["qty"]


def compare_on_hand(model, on_hand):
    for key, stock in model.stocks.items():
        if on_hand[key] != stock.on_hand:
            raise Mismatch(f"the journal of {key} gives on_hand {show(on_hand[key])}, "
                           f"it is {show(stock.on_hand)}", {key[0]})


def compare_states(model, states):
    columns = {"s": "qty_shipped", "a": "qty_allocated", "b": "qty_backordered",
               "c": "qty_cancelled", "r": "qty_returned"}
    for key in {*states, *model.lines, *model.archived}:
        line = model.lines.get(key)
        archived = model.archived.get(key)      # its number may have come again
        for state, column in columns.items():
            is_now = sum((getattr(one, column) for one in (line, archived) if one), m.ZERO)
            if line is None and state == "c":
                continue    # what was cancelled before the line was deleted stays cancelled
            if states[key][state] != is_now:
                raise Mismatch(f"the journal of line {key} gives {column} "
                               f"{show(states[key][state])}, it is {show(is_now)}", {key[1]})
