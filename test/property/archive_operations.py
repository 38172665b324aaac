"""archive(): closed lines are moved, and nobody changes them any more."""

from world import Operation, PoolWorld


def archive(world):
    if world.shop and isinstance(world, PoolWorld):
        return None     # others change rows at the time: which of them come too late isn't modelled
    most = world.rng.choice([1, 2, 5, 10000])
    before = "-infinity" if world.rng.random() < 0.05 else "infinity"
    sql = f"SELECT {world.book}.archive(before => %s, max_lines => %s) AS moved"
    then = (f"SELECT line_id, item FROM {world.book}.archived_line "
            "ORDER BY line_id, item COLLATE \"C\"", None)

    def expect(model, rows):
        if before == "infinity" and model.lenient:
            # older archives may not be seen, the own one is
            shown = [(row["line_id"], row["item"]) for row in rows or ()]
            model.archive_these([key for key in shown if key not in model.archived])
            return rows
        if before == "infinity":
            model.archive(most)
        return [{"line_id": line_id, "item": item} for line_id, item in sorted(model.archived)]
    return Operation("archive", world.keys, sql, [before, most], expect, then=then)
