"""Several sessions at once, then the model once more in the order in which the
database let them pass.

Every decision about an (item, location) is made under the lock of its stock row,
and the lock is held until commit. So a transaction that draws a number from a
sequence after its last operation, just before COMMIT, does so while it holds the
locks of everything that it has touched: of two transactions with a stock row in
common, the one with the lower number went first. Played to the model one after
the other in the order of these numbers, the committed transactions must show
what they showed.

What a rolled back savepoint saw is known for certain only if the transaction
held the locks before it, so only then is it compared.
"""

import random
import threading
import time

from attached import compare_everything
from attached_operations import delivery_intruder
from checks import attempt, fills_of, judged
from database import Mismatch, Session
from operations import change_rule, change_step, preview, random_operation, reallocate_dry
from sequential import LEVELS
from world import PoolWorld

AGAIN = {"40001", "40P01"}
ALLOWED = {"55000", "22001", "22023", "23502", "23505", "23514", "42501", "P0001"}
# preview() and dry runs take no lock and so have no place in the order; the
# others need to know the book as it is
UNFIT = {preview, reallocate_dry, change_rule, change_step, delivery_intruder}


# kinds whose result tells for certain which stock rows they have locked
LOCKING = {"insert", "insert select", "insert prepared", "copy", "receipt", "receive",
           "set on_hand", "change on_hand", "upsert stock"}


def locked(world, operation, rows):
    if operation.kind not in LOCKING or world.has("lanes"):    # lanes are locked in their place
        return set()
    if operation.kind in ("receipt", "receive"):
        return operation.keys
    return {(row["item"], row["location"]) for row in rows}


class Passed:
    """A committed transaction: its number and what it did."""

    def __init__(self, ticket, session, done):
        self.ticket, self.session, self.done = ticket, session, done


class Done:
    def __init__(self, operation, rows, error, kept, locked):
        self.operation, self.rows, self.error = operation, rows, error
        self.kept = kept            # not rolled back to a savepoint
        self.locked = locked        # the locks were held before


class Worker(threading.Thread):
    def __init__(self, number, scratch, history, world, transactions):
        super().__init__(daemon=True)
        self.session = Session(scratch, history, f"session {number}")
        self.world, self.rng, self.transactions = world, world.rng, transactions
        self.passed, self.attempts, self.retries, self.failure = [], 0, 0, None

    def run(self):
        try:
            self.session.execute(f"SET plan_cache_mode = "
                                 f"{self.rng.choice(['auto', 'force_generic_plan'])}", log=False)
            for _ in range(self.transactions):
                self.one_transaction()
        except Exception as failure:    # told by the main thread
            self.failure = failure
        finally:
            self.session.close()

    def one_transaction(self):
        # what it is about is chosen before it begins: chosen later, it could know
        # of lines that its own snapshot doesn't
        as_app = self.rng.random() < 0.2
        operations = [self.choose(as_app) for _ in range(self.rng.randint(1, 4))]
        plan = [(operation, self.rng.random() < 0.5, self.rng.random() < 0.2)
                for operation in operations]
        level, commits = self.rng.choice(LEVELS), self.rng.random() < 0.85
        for tries in range(20):
            code = self.try_once(plan, level, commits, as_app)
            if code not in AGAIN:
                return
            self.retries += 1
            time.sleep(self.rng.random() * 0.01 * (tries + 1))

    def choose(self, as_app):
        return random_operation(
            self.world, lambda op: op.places if as_app else op.role == "owner", without=UNFIT)

    def try_once(self, plan, level, commits, as_app):
        """The SQLSTATE that ended the transaction, None if nothing did."""
        execute, done, held = self.session.execute, [], set()
        execute(f"BEGIN ISOLATION LEVEL {level}")
        if as_app:
            execute(f"SET LOCAL ROLE {self.session.roles['app']}")
        for operation, in_savepoint, undone in plan:
            self.attempts += 1
            if in_savepoint:
                execute("SAVEPOINT s")
            rows, error = attempt(operation, self.session)
            if error and error.code not in AGAIN | ALLOWED and not error.code.startswith("BK"):
                raise Mismatch(f"{operation.kind}: unexpected error {error.code}: {error}",
                               operation.items)
            if error and (not in_savepoint or error.code in AGAIN):
                execute("ROLLBACK")
                return error.code
            kept = not error and not (in_savepoint and undone)
            done.append(Done(operation, rows, error, kept, operation.keys <= held))
            if in_savepoint and not kept:
                execute("ROLLBACK TO s")
            if kept:
                held |= locked(self.world, operation, rows)
        if not commits:
            execute("ROLLBACK")
            return None
        return self.commit(done)

    def commit(self, done):
        def both():
            self.session.execute("SET CONSTRAINTS ALL IMMEDIATE")
            ticket = self.session.execute("SELECT nextval('app.ticket') AS n", log=False)[0]["n"]
            self.session.execute(f"COMMIT {ticket_mark(ticket)}")
            return ticket
        ticket, error = attempt(_Both(both), self.session)
        if error:
            self.session.execute("ROLLBACK")
            if error.code not in AGAIN:
                raise Mismatch(f"COMMIT failed with {error.code}: {error}")
            return error.code
        self.passed.append(Passed(ticket, self.session.name, done))
        for each in done:
            if each.kept:
                publish(self.world.pool, each)
        return None


def ticket_mark(ticket):
    return f"/* ticket {ticket} */"


class _Both:
    def __init__(self, run):
        self._run = run

    def run(self, _session):
        return self._run()


def publish(pool, done):
    """Others may use what has been committed. (list.append is atomic.)"""
    for row in done.rows if isinstance(done.rows, list) else ():
        if "attached_key" in row:
            order_no, row_no = row["attached_key"]
            pool["attached"].add(row["line_id"])
            pool["rows"].append(((order_no, int(row_no)), row["item"], row["location"]))
        if "line_id" in row and "location" in row:
            pool["lines"].append((row["line_id"], row["item"], row["location"]))
        elif "customer_group" in row:
            key = (row["item"], row["location"], row["customer_group"], row["priority"])
            if "period" in row:
                pool["cap"].append((*key, row["period"]))
            else:
                pool["protection"].append(key)
        elif "receipt_id" in row and len(done.operation.keys) == 1:
            pool["receipts"].append((row["receipt_id"], *min(done.operation.keys)))
    if done.operation.kind == "supply":
        pool["supplies"].append((done.operation.params[0], *min(done.operation.keys)))


class Concurrent:
    def __init__(self, session, scratch, history, world, model, sessions):
        self.session, self.scratch, self.history = session, scratch, history
        self.world, self.model, self.sessions = world, model, sessions
        self.operations = self.retries = self.committed = 0

    def run(self, operations):
        workers = self.start(max(1, round(operations / self.sessions / 2.5)))
        for worker in workers:
            worker.join(300)
        self.look_for_failures(workers)
        self.operations = sum(worker.attempts for worker in workers)
        self.retries = sum(worker.retries for worker in workers)
        self.replay(sorted((p for worker in workers for p in worker.passed), key=lambda p: p.ticket))
        compare_everything(self.session, self.world, self.model)
        return self.model

    def start(self, transactions):
        self.model.lenient = True
        pool = {
            "lines": [(x.line_id, x.item, x.location) for x in self.model.lines.values()],
            "receipts": [(x.receipt_id, x.item, x.location) for x in self.model.receipts.values()
                         if x.receipt_id < 10 ** 15],
            "supplies": [(x.supply_ref, x.item, x.location) for x in self.model.supplies.values()],
            "rows": [(x.row, x.item, x.location) for x in self.model.lines.values() if x.row],
            "attached": {x.line_id for x in self.model.lines.values() if x.row},
            "cap": list(self.model.caps), "protection": list(self.model.protections),
        }
        rules = {key: stock.fill_rule for key, stock in self.model.stocks.items()}
        workers = []
        for number in range(1, self.sessions + 1):
            rng = random.Random(self.world.rng.random())
            world = PoolWorld(rng, self.world.book, self.world.keys, self.world.features,
                              number * 10 ** 8 + self.world.next_id, pool=pool, rules=rules)
            world.steps = dict(self.world.steps)
            world.shop, world.instead = self.world.shop, self.world.instead
            workers.append(Worker(number, self.scratch, self.history, world, transactions))
        for worker in workers:
            worker.start()
        return workers

    def look_for_failures(self, workers):
        for worker in workers:
            if worker.is_alive():
                raise Mismatch(f"{worker.session.name} hangs")
            if worker.failure:
                raise worker.failure

    def replay(self, passed):
        for transaction in passed:
            self.committed += 1
            try:
                self.replay_one(transaction)
            except Mismatch as mismatch:
                raise Mismatch(f"replaying {transaction.session}, ticket {transaction.ticket}:\n"
                               f"{mismatch}"
                               f"{fills_of(self.session, self.world.book, self.model, mismatch.keys)}",
                               mismatch.items,
                               ticket_mark(transaction.ticket)) from None
        self.world.model = self.model

    def replay_one(self, transaction):
        for done in transaction.done:
            if done.kept:
                self.model = judged(done.operation, self.model, done.rows, done.error)
            elif done.locked:
                judged(done.operation, self.model, done.rows, done.error)
        self.model.settle_orders()
