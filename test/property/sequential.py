"""One session: random operations, the model asked after each of them. Now and
then several in a transaction, with savepoints and rollbacks."""

from attached import compare_everything, compare_shop
from checks import attempt, compare_items, judged
from operations import random_operation

LEVELS = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]


class Sequential:
    def __init__(self, session, world, model):
        self.session, self.world, self.rng = session, world, world.rng
        self.model = world.model = model
        self.operations = 0

    def run(self, count):
        while self.operations < count:
            if self.rng.random() < 0.25:
                self.transaction()
            else:
                self.single()
        compare_everything(self.session, self.world, self.model)
        return self.model

    def know(self, model):
        self.model = self.world.model = model

    def single(self):
        """A statement that is a transaction of its own."""
        operation = self.choose()
        several = operation.then or operation.before
        if several:             # it reads what it did before the transaction ends
            self.execute("BEGIN")
        rows, error = attempt(operation, self.session)
        if several:
            self.execute("ROLLBACK" if error else "COMMIT")
        if error and operation.role != "owner":
            self.session.execute(f"SET ROLE {self.session.roles['owner']}", items=operation.items)
        self.judge(operation, rows, error, ends_transaction=True)

    def transaction(self):
        before, touched = self.model.copy(), set()
        self.execute(f"BEGIN ISOLATION LEVEL {self.rng.choice(LEVELS)}")
        for _ in range(self.rng.randint(1, 5)):
            operation = self.choose()
            touched |= operation.items
            failed = (self.in_savepoint if self.rng.random() < 0.7 else self.bare)(operation)
            if failed:
                break
        if failed or self.rng.random() < 0.25:
            self.execute("ROLLBACK")
            self.know(before)
        else:
            self.execute("COMMIT")
            self.model.settle_orders()
        self.compare(touched)

    def bare(self, operation):
        """An error here spoils the transaction."""
        rows, error = attempt(operation, self.session)
        if not error:
            self.judge(operation, rows, error)
            return False
        judged(operation, self.model, rows, error)
        return True

    def in_savepoint(self, operation):
        before = self.model.copy()
        self.execute("SAVEPOINT s")
        rows, error = attempt(operation, self.session)
        if error:
            self.execute("ROLLBACK TO s")
        self.judge(operation, rows, error)
        if not error and self.rng.random() < 0.3:
            self.execute("ROLLBACK TO s")
            self.know(before)
            self.compare(operation.items)
        if self.rng.random() < 0.7:
            self.execute("RELEASE s")
        return False

    def choose(self):
        operation = random_operation(self.world)
        if operation.places and self.rng.random() < 0.3:
            operation.role = "app"
        return operation

    def judge(self, operation, rows, error, ends_transaction=False):
        self.operations += 1
        self.know(judged(operation, self.model, rows, error))
        if ends_transaction:
            self.model.settle_orders()
        self.compare(operation.items)

    def compare(self, items):
        compare_items(self.session, self.world.book, self.model, items)
        if self.world.shop:
            compare_shop(self.session, self.world.shop, self.model, items)

    def execute(self, sql):
        self.session.execute(sql)
