"""An application with tables of its own, attached to the book: order rows under a
composite key, stock and deliveries, under names and of types that the seed chooses."""

from checks import compare_all, compare_rows
from database import Mismatch
from model import MORE_ROWS

# What the model calls a column, and what the application does.
NAMES = {"order_no": "order_no", "row_no": "row_no", "item": "sku", "location": "depot",
         "qty_ordered": "pieces", "shipped": "sent", "backordered": "owed", "customer": "client",
         "priority": "urgency", "ship_policy": "terms", "requested_on": "due", "order_ref": "paper",
         "note": "remark"}
RENAMED = {**NAMES, "row_no": "Zeile", "qty_ordered": 'how "many"', "shipped": "select", "item": "der Artikel"}
ROLES = {"item": "item", "qty": "qty_ordered", "order_ref": "order_ref", "customer": "customer",
         "location": "location", "priority": "priority", "requested_on": "requested_on",
         "ship_policy": "ship_policy", "shipped": "shipped", "backordered": "backordered"}
TYPES = {"row_no": "integer", "location": "text", "order_ref": "text", "customer": "text",
         "ship_policy": "text", "requested_on": "date", "note": "text"}

ORDERS = """
DROP SCHEMA IF EXISTS webshop CASCADE;
CREATE SCHEMA webshop;
CREATE TABLE webshop.order_row (
    gone text, {columns}, owes boolean GENERATED ALWAYS AS ({backordered} > 0) STORED,
    CONSTRAINT own_check CHECK ({order_ref} <> '{check_refuses}'),
    PRIMARY KEY ({order_no}, {row_no})) {partitioned};
CREATE TABLE webshop.stock_row (gone text, sku {sku}, depot text, count {count}, PRIMARY KEY (depot, sku));
CREATE TABLE webshop.delivery (
    delivery_no bigint PRIMARY KEY, sku {sku}, depot text, amount numeric, paper text, remark text);
ALTER TABLE webshop.order_row DROP COLUMN gone;
ALTER TABLE webshop.stock_row DROP COLUMN gone;
GRANT USAGE ON SCHEMA webshop TO {app};
GRANT INSERT, SELECT ON webshop.order_row, webshop.delivery TO {app};
GRANT SELECT ON {book}.receipt TO {app};
"""

# The same triggers as on order_line, see database.py.
FUNCTIONS = """
CREATE OR REPLACE FUNCTION webshop.double() RETURNS trigger LANGUAGE plpgsql AS
    $f$BEGIN new.{qty_ordered} := new.{qty_ordered} * 2; RETURN new; END$f$;
CREATE OR REPLACE FUNCTION webshop.more() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $f$
BEGIN
    INSERT INTO webshop.order_row ({order_no}, {row_no}, {item}, {location}, {qty_ordered}, {order_ref})
    VALUES (new.{order_no}, new.{row_no} + {more_rows}, new.{item}, new.{location}, new.{qty_ordered}, 'more');
    RETURN new;
END $f$;
CREATE OR REPLACE FUNCTION webshop.bring() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $f$
BEGIN
    {bring};
    RETURN NULL;
END $f$;
"""
# One comes back, of whichever table keeps the stock.
BRING = """UPDATE webshop.stock_row SET count = count + 1
     WHERE sku = new.{item} AND depot = COALESCE(new.{location}, 'main')"""
BRING_TO_BOOK = """PERFORM {book}.gather_lanes(new.{item}, COALESCE(new.{location}, 'main'));
    UPDATE {book}.stock SET on_hand = on_hand + 1
     WHERE item = new.{item} AND location = COALESCE(new.{location}, 'main')"""
TRIGGERS = """
CREATE TRIGGER aa_keep_out BEFORE INSERT ON webshop.order_row FOR EACH ROW
    WHEN (new.{customer} = '{kept_out_before}') EXECUTE FUNCTION app.keep_out();
CREATE TRIGGER zzz_keep_out BEFORE INSERT ON webshop.order_row FOR EACH ROW
    WHEN (new.{customer} = '{kept_out_after}') EXECUTE FUNCTION app.keep_out();
CREATE TRIGGER aa_double BEFORE INSERT ON webshop.order_row FOR EACH ROW
    WHEN (new.{customer} = '{doubled}') EXECUTE FUNCTION webshop.double();
CREATE TRIGGER zzz_refuse AFTER INSERT ON webshop.order_row FOR EACH ROW
    WHEN (new.{order_ref} = '{trigger_refuses}') EXECUTE FUNCTION app.refuse();
CREATE TRIGGER aa_more BEFORE INSERT ON webshop.order_row FOR EACH ROW
    WHEN (new.{customer} = '{orders_more}') EXECUTE FUNCTION webshop.more();
CREATE TRIGGER zzz_bring AFTER INSERT ON webshop.order_row FOR EACH ROW
    WHEN (new.{customer} = '{brings_one}') EXECUTE FUNCTION webshop.bring();
"""


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class Webshop:
    """The application: its names and types, and what is done with its tables as a whole."""

    def __init__(self, rng, book, keeps_stock=True):
        self.rng, self.book = rng, book
        self.keeps_stock = keeps_stock      # in a table of its own, else the book alone does
        self.names = dict(NAMES)
        self.types = {
            **TYPES, "order_no": rng.choice(["bigint", "text", "text", "varchar(100)"]),
            "item": rng.choice(["text", "text", "varchar(2000)"]), "priority": "integer",
            "qty_ordered": rng.choice(["numeric", "numeric", "double precision"]),
            "shipped": rng.choice(["numeric", "numeric(20,6)", "double precision"]),
            "backordered": rng.choice(["numeric", "numeric(20,6)", "double precision"])}
        self.words, self.constants = {}, {}
        if rng.random() < 0.25:
            self.constants["priority"] = 50
        self.partitioned = rng.random() < 0.3

    def column(self, name):
        return quoted(self.names[name])

    def fresh_row(self, number):
        """The key of a new row."""
        if self.types["order_no"] == "bigint":
            return (str(number), 1)
        return (f"O'{number}, {{\"\\}} ", self.rng.choice([1, 2]))

    def names_for(self, roles, **more):
        names = {**{name: quoted(column) for name, column in self.names.items()}, "book": self.book}
        bring = (BRING if self.keeps_stock else BRING_TO_BOOK).format(**names)
        return {**names, "bring": bring, **roles, **more}

    def create(self, session, words):
        """words: the roles, and what the triggers look for."""
        self.words = words
        columns = ", ".join(f"{self.column(name)} {self.types[name]}" for name in self.names)
        partitioned = f"PARTITION BY HASH ({self.column('order_no')})" if self.partitioned else ""
        names = self.names_for(words, columns=columns, partitioned=partitioned,
                               sku=self.types["item"], more_rows=MORE_ROWS,
                               count=self.rng.choice(["numeric", "numeric", "double precision"]))
        execute = lambda text: session.execute(text.format(**names))
        execute(ORDERS)
        for n in range(3 * self.partitioned):
            execute("CREATE TABLE webshop.part_%d PARTITION OF webshop.order_row "
                    "FOR VALUES WITH (MODULUS 3, REMAINDER %d)" % (n, n))
        execute(FUNCTIONS)
        execute("INSERT INTO webshop.stock_row (sku, depot, count) "
                f"SELECT item, location, on_hand FROM {self.book}.stock")
        self.attach(session)
        execute(TRIGGERS)

    def attach(self, session):
        roles = {role: name for role, name in ROLES.items() if name not in self.constants}
        session.execute(
            f"SELECT {self.book}.attach_orders('webshop.order_row', "
            + ", ".join(f"{role} => %s" for role in roles) + ", key => %s::text[], constants => %s::jsonb)",
            [self.names[name] for name in roles.values()]
            + [[self.names["order_no"], self.names["row_no"]],
               "{" + ", ".join(f'"{k}": {v}' for k, v in self.constants.items()) + "}"])
        if self.keeps_stock:
            session.execute(f"SELECT {self.book}.attach_stock('webshop.stock_row', item => 'sku', "
                            "on_hand => 'count', location => 'depot')")
        session.execute(f"SELECT {self.book}.attach_receipts('webshop.delivery', item => 'sku', "
                        "qty => 'amount', location => 'depot', supply_ref => 'paper', note => 'remark')")

    def rebuild(self, session):
        """What happens to tables in the long run: columns come, go and get other names; the
        book is detached and attached again."""
        if self.rng.random() < 0.6:
            session.execute("DROP TRIGGER zzz_keep_out ON webshop.order_row")    # has the last word
            tables = ["order_row", "delivery"] + ["stock_row"] * self.keeps_stock
            for table in self.rng.sample(tables, len(tables)):
                session.execute(f"SELECT {self.book}.detach('webshop.{table}')")
            self.attach(session)
            session.execute(self._trigger("zzz_keep_out"))
        if self.rng.random() < 0.6:
            for name, column in RENAMED.items():
                if column != self.names[name]:
                    session.execute(f"ALTER TABLE webshop.order_row RENAME COLUMN {self.column(name)} "
                                    f"TO {quoted(column)}")
            self.names = dict(RENAMED)
            session.execute(FUNCTIONS.format(**self.names_for({}, more_rows=MORE_ROWS)))
            session.execute("ALTER TABLE webshop.order_row ADD COLUMN extra integer DEFAULT 7")

    def _trigger(self, name):
        statement = next(s for s in TRIGGERS.split(";\n") if f"TRIGGER {name} " in s)
        return statement.format(**self.names_for(self.words))


def compare_everything(session, world, model):
    compare_all(session, world.book, model)
    if world.shop:
        compare_shop(session, world.shop, model)
        compare_attachments(session, world.shop, model)


def compare_shop(session, shop, model, items=None):
    """Rows of the application show how their lines and stock stand."""
    condition, params = ("", None) if items is None else (
        "WHERE {} = ANY (%s)", [sorted(item for item in items if item)])
    column = shop.column
    rows = session.execute(
        f"SELECT {column('order_no')}::text AS order_no, {column('row_no')} AS row_no, "
        f"{column('item')} AS item, COALESCE({column('location')}, 'main') AS location, "
        f"trim_scale({column('qty_ordered')}::numeric) AS qty, {shown(shop, 'shipped')}, "
        f"{shown(shop, 'backordered')}, owes FROM webshop.order_row {condition.format(column('item'))}",
        params, log=False)
    expected = {line.row: {**row_shown(line), "item": line.item, "location": line.location,
                           "qty": line.qty_ordered, "owes": line.qty_backordered > 0}
                for line in model.with_rows() if (items is None or line.item in items)}
    compare_rows("webshop.order_row", expected, rows, row_key)
    if shop.keeps_stock:
        compare_counts(session, model, items, condition, params)


def compare_counts(session, model, items, condition, params):
    compare_rows("webshop.stock_row",
                 {key: {"item": key[0], "location": key[1], "on_hand": stock.on_hand}
                  for key, stock in model.stocks.items() if items is None or key[0] in items},
                 session.execute("SELECT sku AS item, depot AS location, trim_scale(round(COALESCE(count, 0)::numeric, 9)) AS on_hand "
                                 f"FROM webshop.stock_row {condition.format('sku')}", params, log=False),
                 lambda row: (row["item"], row["location"]))


def compare_attachments(session, shop, model):
    """The book tells how many rows it knows, and finds none that disagrees."""
    rows = session.execute(f"SELECT kind, kept, breaks FROM {shop.book}.attachment ORDER BY kind", log=False)
    kept = {row["kind"]: row["kept"] for row in rows}
    lines = len(model.with_rows())
    if list(kept) != ["orders", "receipts", "stock"][:2 + shop.keeps_stock] or kept["orders"] != lines \
            or shop.keeps_stock and kept["stock"] != len(model.stocks) or any(row["breaks"] for row in rows):
        raise Mismatch(f"{lines} rows have lines, {len(model.stocks)} stock; attachment says {rows}")


def row_key(row):
    return (row["order_no"], row["row_no"])


def row_shown(line):
    """What the application's row shows of its line."""
    return {"order_no": line.row[0], "row_no": line.row[1], "shipped": line.qty_shipped,
            "backordered": line.qty_backordered}


def shown(shop, name):
    """A column that bko writes, as an exact number."""
    form = {"numeric": "{}", "numeric(20,6)": "trim_scale({})", "double precision": "{}::numeric"}
    return f"{form[shop.types[name]].format(shop.column(name))} AS {name}"
