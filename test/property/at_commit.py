"""A book that allocates at commit. One session: until its transaction ends, lines are
waiting in full and count nowhere; then the model inserts what has become of them, as
one statement would. Then several sessions that insert lines in any order: none may
fail of a deadlock, and played to the model in the order in which they were let pass
they must give what they gave."""

import datetime
import random
import threading
import time

import model as m
from checks import attempt, compare_all, compare_items, judged
from database import LINE_COLUMNS, Failed, Mismatch, Session
from operations import by_number, line_spec, select_lines
from sequential import LEVELS
from supply_operations import receipts
from world import CUSTOMERS, Operation, World, columns_of, some_quantity, values_sql

# customers and orders that the application's triggers treat in a special way
SPECIAL = {m.KEPT_OUT_BEFORE, m.KEPT_OUT_AFTER, m.DOUBLED, m.ORDERS_MORE, m.BRINGS_ONE}


def new_lines(world, count):
    """Lines of any items, each with a number of its own and a location."""
    def plain(spec):
        odd = spec["customer"] in SPECIAL
        return {"line_id": world.fresh_id(), "location": spec["location"] or "main",
                "customer": CUSTOMERS[0] if odd else spec["customer"], "held": False}
    specs = [line_spec(world, world.some_key(), plain) for _ in range(count)]
    for spec in specs:
        if spec["order_ref"] in (m.CHECK_REFUSES, m.TRIGGER_REFUSES):
            spec["order_ref"] = None
    return specs


def insert(world, specs):
    columns = columns_of(specs)
    rows, params = values_sql(specs, columns)
    return (f"INSERT INTO {world.book}.order_line ({', '.join(columns)}) VALUES {rows} "
            f"RETURNING {LINE_COLUMNS}", params)


def check_waiting(rows, items):
    for row in rows:
        if row["qty_backordered"] != row["qty_ordered"] or row["qty_filled_first"] or row["closed"]:
            raise Mismatch(f"line {row['line_id']} is split before the transaction ends: {row}", items)


class _Run:
    """For attempt()."""

    def __init__(self, run):
        self.run = lambda _session: run()


class AtCommit:
    """The single session."""

    def __init__(self, session, world, model):
        self.session, self.world, self.rng = session, world, world.rng
        self.model = world.model = model
        self.pending = {}           # lines not split yet, in the order in which they went in
        self.operations = 0

    def run(self, count):
        self.set("commit")
        while self.operations < count:
            self.transaction()
        self.set("statement")
        compare_all(self.session, self.world.book, self.model)
        return self.model

    def set(self, when):
        self.execute(f"UPDATE {self.world.book}.book SET allocate_at = '{when}'")

    def execute(self, sql, params=None, items=()):
        return self.session.execute(sql, params, items)

    def know(self, model, pending):
        self.model = self.world.model = model
        self.pending = pending

    def known(self):
        return self.model.copy(), dict(self.pending)

    def transaction(self):
        before = self.known()
        self.execute(f"BEGIN ISOLATION LEVEL {self.rng.choice(LEVELS)}")
        for _ in range(self.rng.randint(1, 6)):
            if not self.step():
                self.execute("ROLLBACK")
                self.know(*before)
                return
        if self.rng.random() < 0.15:
            self.execute("ROLLBACK")
            self.know(*before)
        elif not self.split("COMMIT"):
            self.know(*before)
        compare_items(self.session, self.world.book, self.model, {key[0] for key in self.world.keys})

    def step(self):
        """One thing, in a savepoint perhaps; false where it has spoiled the transaction."""
        self.operations += 1
        before, in_savepoint = self.known(), self.rng.random() < 0.7
        if in_savepoint:
            self.execute("SAVEPOINT s")
        done = self.rng.choice([self.insert] * 4 + [self.change] * 3 + [self.receipt, self.split_now])()
        if in_savepoint and (not done or self.rng.random() < 0.25):
            self.execute("ROLLBACK TO s")
            self.know(*before)
            done = True
        if done:
            self.verify()
        return done

    def verify(self):
        breaks = self.session.execute(f"SELECT * FROM {self.world.book}.verify()", log=False)
        if breaks:
            raise Mismatch(f"verify() finds before the commit: {breaks[:5]}")

    def told(self, faults, sql, params, items):
        """Runs a statement of which faults says with what it must be refused: rows or None."""
        rows, error = attempt(_Run(lambda: self.execute(sql, params, items)), self.session)
        if error and error.code not in faults:
            raise Mismatch(f"must {'fail with ' + str(faults) if faults else 'succeed'}, but failed "
                           f"with {error.code}: {error}", items)
        if faults and not error:
            raise Mismatch(f"must be refused with {faults}, but was done", items)
        return rows

    def insert(self):
        specs = new_lines(self.world, self.rng.choice([1, 1, 2, 3, 5]))
        items = {spec["item"] for spec in specs}
        rows = self.told(self.model.faults_of_rows(specs), *insert(self.world, specs), items)
        if rows is None:
            return False
        check_waiting(rows, items)
        self.pending.update((spec["line_id"], spec) for spec in specs)
        return True

    def change(self):
        """A line is changed or deleted before it is split."""
        if not self.pending:
            return True
        spec = self.rng.choice(list(self.pending.values()))
        key = (spec["item"], spec["location"])
        column, value = self.rng.choice([
            ("qty_ordered", some_quantity(self.world, key)), ("priority", self.rng.choice([0, 50, 200])),
            ("held", self.rng.random() < 0.5), ("requested_on", datetime.date(2030, 1, 3)),
            ("location", self.rng.choice(["main", "nowhere"])), (None, None)])
        where, mine = "WHERE line_id = %s AND item = %s", [spec["line_id"], spec["item"]]
        if column is None:
            self.told(set(), f"DELETE FROM {self.world.book}.order_line {where}", mine, {key[0]})
            del self.pending[spec["line_id"]]
            return True
        changed = {**spec, column: value}
        rows = self.told(self.model.faults_of_rows([changed]), f"UPDATE {self.world.book}.order_line "
                         f"SET {column} = %s {where} RETURNING {LINE_COLUMNS}", [value, *mine], {key[0]})
        if rows is None:
            return False
        check_waiting(rows, {key[0]})
        self.pending[spec["line_id"]] = changed
        return True

    def receipt(self):
        """It serves who has a place in the queue."""
        operation = receipts(self.world)
        rows, error = attempt(operation, self.session)
        self.know(judged(operation, self.model, rows, error), self.pending)
        return error is None

    def split_now(self):
        return self.split("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")

    def split(self, sql):
        """Whatever is pending is split, as one INSERT would; false where it is refused."""
        specs, items = list(self.pending.values()), {spec["item"] for spec in self.pending.values()}
        _, error = attempt(_Run(lambda: self.execute(sql, None, items)), self.session)
        trial, rows = self.model.copy(), None
        if not error and specs:
            rows = self.execute(*select_lines(self.world, specs))
        try:
            trial.insert_lines(specs, by_number(rows) if rows is not None else None)
        except m.Refused as refusal:
            if error and error.code in refusal.codes:
                return False
            raise Mismatch(f"{sql}: must be refused with {refusal}, but "
                           f"{'failed with ' + error.code if error else 'was done'}", items) from None
        except m.Impossible as fault:
            raise Mismatch(f"{sql}: {fault}", items) from None
        if error:
            raise Mismatch(f"{sql} failed with {error.code}: {error}", items)
        trial.settle_orders()
        self.know(trial, {})
        return True


class Orderer(threading.Thread):
    """One of several sessions that place orders of several lines."""

    def __init__(self, number, scratch, history, world, transactions):
        super().__init__(daemon=True)
        self.session = Session(scratch, history, f"session {number}")
        self.world, self.rng, self.transactions = world, world.rng, transactions
        self.passed, self.retries, self.failure = [], 0, None

    def run(self):
        try:
            for _ in range(self.transactions):
                specs = new_lines(self.world, self.rng.randint(2, 5))
                for tries in range(30):
                    if self.order(specs) != "40001":
                        break
                    self.retries += 1
                    time.sleep(self.rng.random() * 0.01 * (tries + 1))
        except Exception as failure:    # told by the main thread
            self.failure = failure
        finally:
            self.session.close()

    def order(self, specs):
        """One statement or several; the SQLSTATE that ended it, or None."""
        execute, items = self.session.execute, {spec["item"] for spec in specs}
        at = self.rng.randint(0, len(specs) - 1)
        execute(f"BEGIN ISOLATION LEVEL {self.rng.choice(LEVELS)}")
        try:
            for part in filter(None, (specs[:at], specs[at:])):
                check_waiting(execute(*insert(self.world, part), items), items)
            execute("SET CONSTRAINTS ALL IMMEDIATE")
            rows = execute(*select_lines(self.world, specs), items)
            ticket = execute("SELECT nextval('app.ticket') AS n", log=False)[0]["n"]
            execute("COMMIT")
        except Failed as error:
            execute("ROLLBACK")
            if error.code == "40P01":
                raise Mismatch(f"lines that are split at commit deadlock: {error}", items) from None
            return error.code
        self.passed.append((ticket, specs, rows))
        return None


class OrdersAtCommit:
    """The several sessions, and the model afterwards."""

    def __init__(self, session, scratch, history, world, model, sessions):
        self.session, self.scratch, self.history = session, scratch, history
        self.world, self.model, self.sessions = world, model, sessions
        self.operations = self.retries = self.committed = 0

    def run(self, operations):
        book = self.world.book
        self.session.execute(f"UPDATE {book}.book SET allocate_at = 'commit'")
        workers = [self.worker(n, max(1, operations // self.sessions // 4))
                   for n in range(1, self.sessions + 1)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(300)
            if worker.failure:
                raise worker.failure
        self.session.execute(f"UPDATE {book}.book SET allocate_at = 'statement'")
        self.retries = sum(worker.retries for worker in workers)
        self.replay(sorted((p for worker in workers for p in worker.passed), key=lambda p: p[0]))
        compare_all(self.session, book, self.model)
        return self.model

    def worker(self, number, transactions):
        rng = random.Random(self.world.rng.random())
        world = World(rng, self.world.book, self.world.keys, self.world.features,
                      number * 10 ** 8 + self.world.next_id)
        world.steps = dict(self.world.steps)
        return Orderer(number, self.scratch, self.history, world, transactions)

    def replay(self, passed):
        for ticket, specs, rows in passed:
            self.committed += 1
            self.operations += len(specs)
            operation = Operation("order at commit", {m.line_key(spec) for spec in specs}, "", None,
                                  self.expected(specs))
            try:
                self.model = judged(operation, self.model, rows, None)
            except Mismatch as mismatch:
                raise Mismatch(f"replaying ticket {ticket}:\n{mismatch}", mismatch.items) from None
        self.world.model = self.model
        self.world.next_id += 10 ** 9

    @staticmethod
    def expected(specs):
        def expect(model, rows):
            model.insert_lines(specs, by_number(rows))
            model.settle_orders()
            numbers = {spec["line_id"] for spec in specs}
            return [model.line_row(line) for key, line in sorted(model.lines.items()) if key[0] in numbers]
        return expect
