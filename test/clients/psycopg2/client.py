"""psycopg2 on the tables of schema.sql."""

import io

import psycopg2
import psycopg2.errors
from psycopg2.extras import NamedTupleCursor, execute_batch, execute_values

ME = "psycopg2"


def connect():
    """PG* in the environment say where to. `with connection` is a transaction."""
    return psycopg2.connect(cursor_factory=NamedTupleCursor)


def check(what, found, expected):
    assert found == expected, f"{what}: {found}, not {expected}"
    print(f"ok - {ME}: {what}")


def sku(item):
    return f"{ME}-{item}"


connection = connect()
cursor = connection.cursor()


def new_order():
    cursor.execute("INSERT INTO orders (customer) VALUES (%s) RETURNING id", ["Retailer"])
    return cursor.fetchone().id


def add_item(order, item, quantity):
    cursor.execute("INSERT INTO order_item (order_id, sku, quantity) VALUES (%s, %s, %s) RETURNING *",
                   [order, sku(item), quantity])
    return cursor.fetchone()


def item_numbered(number):
    cursor.execute("SELECT * FROM order_item WHERE id = %s", [number])
    return cursor.fetchone()


def split(row):
    return (row.shipped, row.backordered)


def refused(what, code, action):
    """The error has a class, a message and a hint; the transaction is over, or goes back to
    a savepoint."""
    try:
        with connection:
            action()
    except psycopg2.Error as error:
        assert error.diag.message_hint, error
        check(f"{what}: {code}", error.pgcode, code)
    else:
        raise AssertionError(f"{what}: not refused")


def again(transaction):
    """What every client of a database in which several write needs: another try."""
    while True:
        try:
            with connection:
                return transaction()
        except (psycopg2.errors.SerializationFailure, psycopg2.errors.DeadlockDetected):
            continue


# An order in a transaction of its own; RETURNING has the split.
with connection:
    order = new_order()
    phone, cable = add_item(order, "PHONE", 6), add_item(order, "CABLE", 7)
check("RETURNING shows what ships", split(phone), (6, 0))
check("RETURNING shows what waits", split(cable), (4, 3))

# More of it, and a row saved whole with what was read last.
with connection:
    cursor.execute("UPDATE order_item SET quantity = %s WHERE id = %s RETURNING *", [9, cable.id])
    cable = cursor.fetchone()
check("a larger quantity is split anew", split(cable), (4, 5))


def save(row):
    cursor.execute("UPDATE order_item SET order_id = %(order_id)s, sku = %(sku)s, quantity = %(quantity)s, "
                   "note = %(note)s, shipped = %(shipped)s, backordered = %(backordered)s WHERE id = %(id)s",
                   row._asdict())


with connection:
    save(cable._replace(note="gift"))
check("a row saved whole", item_numbered(cable.id), cable._replace(note="gift"))
connection.commit()

# A delivery that somebody else commits shows in the row; what was read before is stale.
with connect() as other, other.cursor() as their:
    their.execute("INSERT INTO delivery (sku, quantity) VALUES (%s, %s)", [sku("CABLE"), 2])
other.commit()
check("a delivery shows in the row", split(item_numbered(cable.id)), (6, 3))
connection.commit()
refused("a stale row saved whole", "BK003", lambda: save(cable))

# A line that waits can be deleted, one that has shipped can't.
with connection:
    lens = add_item(order, "LENS", 5)
    cursor.execute("DELETE FROM order_item WHERE id = %s", [lens.id])
check("a waiting line is deleted", item_numbered(lens.id), None)
connection.commit()
refused("deletion of what has shipped", "BK004",
        lambda: cursor.execute("DELETE FROM order_item WHERE id = %s", [phone.id]))
refused("an unknown item", "BK001", lambda: add_item(order, "NOTHING", 1))
refused("a backorder that is not allowed", "BK002", lambda: add_item(order, "RARE", 2))

# Rolled back, nothing was taken.
check("before ROLLBACK", split(add_item(order, "RARE", 1)), (1, 0))
connection.rollback()
check("after ROLLBACK it is there again", split(add_item(order, "RARE", 1)), (1, 0))
connection.rollback()

# Back to a savepoint, and on.
with connection:
    cursor.execute("SAVEPOINT before_rare")
    try:
        add_item(order, "RARE", 2)
    except psycopg2.Error as error:
        assert error.pgcode == "BK002", error
        cursor.execute("ROLLBACK TO SAVEPOINT before_rare")
    lens = add_item(order, "LENS", 2)
check("after ROLLBACK TO SAVEPOINT", split(item_numbered(lens.id)), (0, 2))
connection.commit()

# Many at once: one statement, a statement each, and COPY.
with connection:
    rows = execute_values(cursor, "INSERT INTO order_item (order_id, sku, quantity) VALUES %s RETURNING *",
                          [(order, sku("CASE"), 1)] * 50, fetch=True)
    check("execute_values: 50 rows", sum(row.shipped for row in rows), 50)
    execute_batch(cursor, "INSERT INTO order_item (order_id, sku, quantity) VALUES (%s, %s, %s)",
                  [(order, sku("CASE"), 1)] * 15)
    cursor.executemany("INSERT INTO order_item (order_id, sku, quantity) VALUES (%s, %s, %s)",
                       [(order, sku("CASE"), 1)] * 5)
    cursor.copy_expert("COPY order_item (order_id, sku, quantity) FROM STDIN",
                       io.StringIO(f"{order}\t{sku('CASE')}\t1\n" * 30))
    cursor.execute("SELECT sum(shipped) AS shipped, sum(backordered) AS backordered FROM order_item "
                   "WHERE sku = %s", [sku("CASE")])
    check("execute_batch, executemany, COPY: 60 of 100", split(cursor.fetchone()), (60, 40))

# A statement that the server has prepared, time and again.
with connection:
    cursor.execute("PREPARE add_bag AS INSERT INTO order_item (order_id, sku, quantity) VALUES ($1, $2, $3) "
                   "RETURNING *")
    for n in range(30):
        cursor.execute("EXECUTE add_bag (%s, %s, %s)", [order, sku("BAG"), 30])
        assert split(cursor.fetchone()) == (30, 0)
    cursor.execute("EXECUTE add_bag (%s, %s, %s)", [order, sku("BAG"), 130])
    check("a prepared statement, 31 times", split(cursor.fetchone()), (100, 30))

# A transaction that has seen too old a book is tried again.
tries = []


def order_lens():
    tries.append(1)
    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    cursor.execute("SELECT in_stock FROM product WHERE sku = %s", [sku("LENS")])
    if len(tries) == 1:
        with connect() as another, another.cursor() as their:
            their.execute("UPDATE product SET in_stock = in_stock + 3 WHERE sku = %s", [sku("LENS")])
        another.commit()
    return add_item(order, "LENS", 2)


check("after 40001, tried again", (split(again(order_lens)), len(tries)), ((1, 1), 2))
connection.close()
