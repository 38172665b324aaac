"""Operations on caps, protected quantities and the groups that customers are in."""

import model as m
from world import CUSTOMERS, Operation, some_number

GROUPS = ["north", "south"]
COLUMNS = {
    "cap": ("item", "location", "customer_group", "priority", "period"),
    "protection": ("item", "location", "customer_group", "priority"),
}
SHOWN = {"cap": "item, location, customer_group, priority, qty, period, qty_used",
         "protection": "item, location, customer_group, priority, qty"}


def some_whom(world, kind):
    """A group or a priority; a protection of a group has a priority, too."""
    rng = world.rng
    group, priority = rng.choice(GROUPS), rng.choice([100, 100, 100, 1, 50, 200])
    if kind == "cap":
        whom = (group, None) if rng.random() < 0.6 else (None, priority)
        return (*whom, rng.choice(["ever", "year"]))
    return (group if rng.random() < 0.5 else None, priority)


def some_most(rng):
    if rng.random() < 0.04:
        return rng.choice(["-1", "NaN", "1.1234567", "1000000000000", "Infinity", None])
    return rng.choice(["0", some_number(rng, 8), some_number(rng, 30), some_number(rng, 120)])


def rows_of(model, kind):
    return model.caps if kind == "cap" else model.protections


def row_of(model, kind, key):
    row = rows_of(model, kind).get(key)
    if row is None:
        return []
    return [model.cap_row(row) if kind == "cap" else model.protection_row(row)]


def set_limit(model, kind, *how):
    (model.set_cap if kind == "cap" else model.set_protection)(*how)


def where(kind, key):
    return (" AND ".join(f"{column} IS NOT DISTINCT FROM %s" for column in COLUMNS[kind]), list(key))


def read(world, kind, key):
    """After all that it has set off."""
    condition, params = where(kind, key)
    return f"SELECT {SHOWN[kind]} FROM {world.book}.{kind} WHERE {condition}", params


def new_limit(world, kind):
    place = world.some_key_for_limits()
    if place is None:
        return None
    if world.rng.random() < 0.02:
        place = (place[0], "nowhere")
    key, qty = (*place, *some_whom(world, kind)), some_most(world.rng)
    sql = (f"INSERT INTO {world.book}.{kind} ({', '.join(COLUMNS[kind])}, qty) "
           f"VALUES ({', '.join(['%s'] * len(key))}, %s) RETURNING {SHOWN[kind]}")

    def expect(model, rows):
        if key in rows_of(model, kind):
            faults = m.number_faults(qty) | {"23505", "BK006"}
            raise m.Refused(*faults)
        set_limit(model, kind, key, qty, None)
        return row_of(model, kind, key)
    return Operation(f"new {kind}", {place}, sql, [*key, qty], expect)


def change_limit(world, kind):
    """Another quantity, or for somebody else."""
    key = world.some_limit(kind)
    if key is None:
        return None
    qty = some_most(world.rng)
    new_key = (*key[:2], *some_whom(world, kind)) if world.rng.random() < 0.25 else key
    condition, params = where(kind, key)
    sql = (f"UPDATE {world.book}.{kind} SET qty = %s, "
           + ", ".join(f"{column} = %s" for column in COLUMNS[kind][2:]) + f" WHERE {condition}")

    def expect(model, rows):
        if key in rows_of(model, kind):
            set_limit(model, kind, key, qty, new_key)
        return row_of(model, kind, new_key)
    return Operation(f"change {kind}", {key[:2]}, sql, [qty, *new_key[2:], *params], expect,
                     then=read(world, kind, new_key), tolerates={"23505"} if new_key != key else ())


def drop_limit(world, kind):
    key = world.some_limit(kind)
    if key is None:
        return None
    condition, params = where(kind, key)
    sql = (f"WITH gone AS (DELETE FROM {world.book}.{kind} WHERE {condition} RETURNING qty) "
           "SELECT * FROM gone")

    def expect(model, rows):
        shown = [{"qty": row["qty"]} for row in row_of(model, kind, key)]
        if shown:
            model.drop_limit(rows_of(model, kind), key)
        return shown
    return Operation(f"drop {kind}", {key[:2]}, sql, params, expect)


def new_cap(world):
    return new_limit(world, "cap")


def new_protection(world):
    return new_limit(world, "protection")


def change_cap(world):
    return change_limit(world, "cap")


def change_protection(world):
    return change_limit(world, "protection")


def drop_cap(world):
    return drop_limit(world, "cap")


def drop_protection(world):
    return drop_limit(world, "protection")


def join_group(world):
    """A customer joins a group, changes it, or leaves it."""
    rng = world.rng
    customer, group = rng.choice(CUSTOMERS), rng.choice([*GROUPS, *GROUPS, None])
    if group is None:
        sql = (f"DELETE FROM {world.book}.customer_group WHERE customer = %s RETURNING customer")
        params = [customer]
    else:
        sql = (f"INSERT INTO {world.book}.customer_group (customer, group_name) VALUES (%s, %s) "
               "ON CONFLICT (customer) DO UPDATE SET group_name = excluded.group_name "
               "RETURNING customer")
        params = [customer, group]

    def expect(model, rows):
        shown = [{"customer": customer}] if group or model.groups.get(customer) else []
        model.set_group(customer, group)
        return shown
    return Operation("group", world.keys, sql, params, expect)
