"""The database side: a scratch database with a book and an application around
it, sessions that keep a readable history, and rows turned into exact numbers."""

import datetime
import io
import random
import threading
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import psycopg2
import psycopg2.extensions

import model as m

LINE_COLUMNS = ("line_id, item, location, qty_ordered, qty_shipped, qty_allocated, "
                "qty_backordered, qty_cancelled, qty_returned, qty_filled_first, queued_at, "
                "closed_at IS NOT NULL AS closed")
STOCK_COLUMNS = "item, location, on_hand, allocated, available, backordered, unassigned"
# ... and where they are exact, whatever is in lanes
STOCK_NOW = ("(SELECT n.*, s.unassigned FROM {book}.stock_now n JOIN {book}.stock s "
             "USING (item, location)) AS stock")
RECEIPT_COLUMNS = "receipt_id, supply_id, qty_to_backorders, qty_to_stock"

# What the test's own application does around a book: BEFORE triggers that keep
# rows out or change them, a CHECK, and a trigger that refuses a whole statement
# when everything has been decided; and triggers that order or bring goods while
# the statement that fired them is under way. aa_ sorts before bko's triggers, zzz_
# after.
APPLICATION = """
ALTER TABLE {book}.archived_line ADD COLUMN own_note text;
ALTER TABLE {book}.order_line ADD COLUMN own_note text{default},
    ADD CONSTRAINT own_check CHECK (order_ref <> '{check_refuses}');
CREATE TRIGGER aa_keep_out BEFORE INSERT ON {book}.order_line FOR EACH ROW
    WHEN (new.customer = '{kept_out_before}' AND new.attached_id IS NULL) EXECUTE FUNCTION app.keep_out();
CREATE TRIGGER zzz_keep_out BEFORE INSERT ON {book}.order_line FOR EACH ROW
    WHEN (new.customer = '{kept_out_after}' AND new.attached_id IS NULL) EXECUTE FUNCTION app.keep_out();
CREATE TRIGGER aa_double BEFORE INSERT ON {book}.order_line FOR EACH ROW
    WHEN (new.customer = '{doubled}' AND new.attached_id IS NULL) EXECUTE FUNCTION app.double();
CREATE TRIGGER zzz_refuse AFTER INSERT ON {book}.order_line FOR EACH ROW
    WHEN (new.order_ref = '{trigger_refuses}' AND new.attached_id IS NULL) EXECUTE FUNCTION app.refuse();
CREATE TRIGGER aa_more BEFORE INSERT ON {book}.order_line FOR EACH ROW
    WHEN (new.customer = '{orders_more}' AND new.attached_id IS NULL) EXECUTE FUNCTION app.more();
CREATE TRIGGER zzz_bring AFTER INSERT ON {book}.order_line FOR EACH ROW
    WHEN (new.customer = '{brings_one}' AND new.attached_id IS NULL) EXECUTE FUNCTION app.bring();
GRANT USAGE ON SCHEMA {book} TO {app}, {clerk};
GRANT INSERT, SELECT ON {book}.order_line TO {app};
GRANT ALL ON ALL TABLES IN SCHEMA {book} TO {clerk};
"""

TABLES = ["stock", "order_line", "supply", "receipt", "movement", "cap", "protection", "customer_group",
          "archived_line", "archived_movement", "archived_total", "stock_lane", "book"]
NUMBERED = [*TABLES[1:7], "archived_total"]     # by the table itself

APPLICATION_FUNCTIONS = """
CREATE SCHEMA app;
GRANT USAGE, CREATE ON SCHEMA app TO PUBLIC;
CREATE FUNCTION app.keep_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION app.double() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN new.qty_ordered := new.qty_ordered * 2; RETURN new; END';
CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION ''refused at the end''; END';
CREATE FUNCTION app.more() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    EXECUTE format('INSERT INTO %I.order_line (line_id, item, location, qty_ordered, order_ref,
                    queued_at) VALUES ($1, $2, $3, $4, ''more'', $5)', tg_table_schema)
    USING new.line_id + 100000000000, new.item, new.location, new.qty_ordered,
          '2019-01-01 00:00:00+00'::timestamptz + new.line_id % 1000000 * interval '1 second';
    RETURN new;
END $$;
CREATE FUNCTION app.bring() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    EXECUTE format('SELECT %I.gather_lanes($1, $2)', tg_table_schema) USING new.item, new.location;
    EXECUTE format('UPDATE %I.stock SET on_hand = on_hand + 1 WHERE item = $1 AND location = $2',
                   tg_table_schema) USING new.item, new.location;
    RETURN NULL;
END $$;
ALTER FUNCTION app.more() OWNER TO {owner};
ALTER FUNCTION app.bring() OWNER TO {owner};
CREATE SEQUENCE app.ticket;
GRANT USAGE ON SEQUENCE app.ticket TO PUBLIC;
"""


class Mismatch(Exception):
    """Model and database disagree. items and until (a piece of its last statement):
    the part of the history that helps to see why. keys: the lines that it is about."""

    def __init__(self, text, items=(), until=None):
        super().__init__(text)
        self.items, self.until = frozenset(items), until
        self.keys = []


def ident(name):
    return '"' + name.replace('"', '""') + '"'


class Scratch:
    """A database of our own on the server that PG* in the environment names."""

    def __init__(self):
        self.name = f"bko_property_{random.SystemRandom().randrange(10 ** 9)}"
        self.column_default = True
        self.roles = {role: f"{self.name}_{role}" for role in ("owner", "app", "clerk")}

    def create(self):
        with self._admin("postgres") as admin:
            admin.execute(f"CREATE DATABASE {self.name}")
            # deadlocks are part of the game: find them fast; nothing here must survive a crash
            admin.execute(f"ALTER DATABASE {self.name} SET deadlock_timeout = '20ms'")
            admin.execute(f"ALTER DATABASE {self.name} SET synchronous_commit = off")
            admin.execute(f"ALTER DATABASE {self.name} SET statement_timeout = '60s'")
            admin.execute(f"ALTER DATABASE {self.name} SET client_min_messages = warning")
            for role in self.roles.values():
                admin.execute(f"CREATE ROLE {role}")
            admin.execute(f"GRANT CREATE ON DATABASE {self.name} TO {self.roles['owner']}")
        with self._admin(self.name) as admin:
            admin.execute("CREATE EXTENSION bko")
            admin.execute(APPLICATION_FUNCTIONS.format(owner=self.roles["owner"]))

    def drop(self):
        with self._admin("postgres") as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
            for role in self.roles.values():
                admin.execute(f"DROP ROLE IF EXISTS {role}")

    def connect(self, dbname=None):
        connection = psycopg2.connect(dbname=dbname or self.name)
        connection.autocommit = True
        return connection

    def _admin(self, dbname):
        return _Admin(self.connect(dbname))

    def create_book(self, session, book):
        """A fresh book instead of the last one, made by an ordinary role."""
        session.execute(f"DROP SCHEMA IF EXISTS {book} CASCADE")
        session.execute("SELECT bko.create_book(%s)", [book[1:-1].replace('""', '"')])

    def create_application(self, session, book):
        session.execute(APPLICATION.format(
            book=book, default=" DEFAULT 'ours'" if self.column_default else "", **self.words()))

    def words(self):
        """Roles, and what the triggers of the application look for."""
        return {**self.roles, "check_refuses": m.CHECK_REFUSES, "trigger_refuses": m.TRIGGER_REFUSES,
                "kept_out_before": m.KEPT_OUT_BEFORE.replace("'", "''"),
                "kept_out_after": m.KEPT_OUT_AFTER.replace("'", "''"), "doubled": m.DOUBLED,
                "orders_more": m.ORDERS_MORE, "brings_one": m.BRINGS_ONE}

    def restore_book(self, session, book, tables):
        """The same book once more, its data dumped and restored, as a move to another
        server does it: tables in any order, triggers of the application afterwards."""
        session.execute(f"ALTER SCHEMA {book} RENAME TO old")
        self.create_book(session, book)
        for table in tables:
            columns = session.execute(
                "SELECT string_agg(quote_ident(attname), ', ') AS names FROM pg_attribute "
                "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
                "AND attgenerated = '' AND attname <> 'own_note'", [f"old.{table}"])[0]["names"]
            session.copy_table(f"old.{table}", f"{book}.{table}", columns)
            if table in NUMBERED:
                session.execute(
                    f"SELECT setval(pg_get_serial_sequence(%s, %s), nextval("
                    "pg_get_serial_sequence(%s, %s)), false)",
                    [f"{book}.{table}", f"{number_of(table)}", f"old.{table}", f"{number_of(table)}"])
        self.create_application(session, book)
        session.execute("DROP SCHEMA old CASCADE")


def number_of(table):
    return {"order_line": "line_id", "archived_total": "total_id"}.get(table, f"{table}_id")


class _Admin:
    def __init__(self, connection):
        self.connection = connection

    def __enter__(self):
        return self.connection.cursor()

    def __exit__(self, *exc):
        self.connection.close()


class History:
    """Every statement of every session, as SQL that psql can play again."""

    def __init__(self):
        self.entries = []
        self.lock = threading.Lock()

    def add(self, session, items, text, outcome=""):
        with self.lock:
            self.entries.append((session, frozenset(items), text, outcome))

    def of(self, items, most, until=None):
        """The last statements about these items, each in its transaction."""
        entries = self.entries
        if until:
            entries = entries[:1 + next(n for n, e in enumerate(entries) if until in e[2])]
        lines = [self._line(*entry) for entry in self._about(items, entries)]
        left_out = max(0, len(lines) - most)
        return "\n".join([f"-- ({left_out} earlier ones left out)"] * (left_out > 0) + lines[left_out:])

    def _about(self, items, entries):
        """Entries about the items; what else a session did only if it is around them."""
        chosen, pending, inside = [], defaultdict(list), defaultdict(bool)
        for n, entry in enumerate(entries):
            session, about, text, _ = entry
            if about and items and not about & items:
                continue
            if text.startswith("BEGIN"):
                pending[session], inside[session] = [], False
            pending[session].append((n, entry))
            inside[session] |= bool(about) or not items
            if inside[session]:
                chosen += pending[session]
                pending[session] = []
            if text.startswith(("COMMIT", "ROLLBACK")) and "TO s" not in text:
                pending[session], inside[session] = [], False
        return [entry for _, entry in sorted(chosen, key=lambda pair: pair[0])]

    def _line(self, session, _items, text, outcome):
        mark = f"/* {session} */ " if session else ""
        text = text.replace(LINE_COLUMNS, "*")
        return f"{mark}{text};" + (f"  -- {outcome}" if outcome else "")


class Failed(Exception):
    """A statement failed in the database."""

    def __init__(self, error):
        super().__init__(str(error).strip())
        self.code = error.pgcode or "?"


class Session:
    def __init__(self, scratch, history, name=""):
        self.connection = scratch.connect()
        self.roles = scratch.roles
        self.history = history
        self.name = name
        self.prepared = {}
        self.execute(f"SET ROLE {self.roles['owner']}", log=False)

    def close(self):
        self.connection.close()

    def execute(self, sql, params=None, items=(), copy=None, log=True):
        """Rows as dicts, or the number of rows touched where there are none."""
        with self.connection.cursor() as cursor:
            text = cursor.mogrify(sql, params).decode() if log else ""
            if copy is not None:
                text += ";\n" + copy + "\\."
            outcome = ""
            try:
                if copy is not None:
                    cursor.copy_expert(sql, io.StringIO(copy))
                else:
                    cursor.execute(sql, params)
                return self._rows(cursor, items)
            except psycopg2.Error as error:
                outcome = f"{error.pgcode} {str(error).strip().splitlines()[0]}"
                raise Failed(error) from None
            finally:
                if log:
                    self.history.add(self.name, items, text, outcome)

    def copy_table(self, source, target, columns):
        data = io.StringIO()
        with self.connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {source} ({columns}) TO STDOUT", data)
        self.execute(f"COPY {target} ({columns}) FROM STDIN", copy=data.getvalue())

    def _rows(self, cursor, items):
        if cursor.description is None:
            return cursor.rowcount
        names = [column.name for column in cursor.description]
        return [{name: exact(value, name, items) for name, value in zip(names, row)}
                for row in cursor.fetchall()]


def exact(value, column="", items=()):
    """Numbers as Fractions; one printed with padding zeros is a failure."""
    if not isinstance(value, Decimal):
        return value
    digits = value.as_tuple()
    if value.is_finite() and digits.exponent < 0 and digits.digits[-1] == 0:
        raise Mismatch(f"{column} is shown with padding zeros: {value}", items)
    return Fraction(value) if value.is_finite() else str(value)


def show(value):
    if isinstance(value, Fraction):
        return m.shown(value) if (value * m.FINEST).denominator == 1 else str(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    return repr(value) if isinstance(value, str) else str(value)
