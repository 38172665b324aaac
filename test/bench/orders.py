"""Turns what case "orders" of test/bench/run measured into a table in Markdown: orders
a second, and processor time for each, against those with sorted items, within one
repetition, and deadlocks."""
import statistics
import sys
from collections import defaultdict

NAMES = {
    "floor": "bare SQL, stock rows locked in their order",
    "sorted": "INSERT of sorted lines",
    "place": "place_order(), unsorted",
    "commit": "INSERT of unsorted lines, allocate_at = 'commit'",
    "unsorted": "INSERT of unsorted lines",
}

runs = defaultdict(dict)        # (fsync, who) -> {rep: (orders a second, tried again for each order, processor ms each)}
bad = {}
for line in open(sys.argv[1], encoding="utf-8"):
    fsync, rep, who, tps, retries, orders, cpu, status = line.rstrip("\n").split("\t")
    if status != "ok":
        bad[fsync, who] = status
        continue
    runs[fsync, who][int(rep)] = (float(tps), int(retries) / max(int(orders), 1),
                                      int(cpu) / max(int(orders), 1))


def spread(values, digits):
    values = sorted(values)
    if not values:
        return "–"
    text = f"{statistics.median(values):.{digits}f}"
    return text if len(values) == 1 else f"{text} ({values[0]:.{digits}f}–{values[-1]:.{digits}f})"


for fsync in ("on", "off"):
    if not any(key[0] == fsync for key in [*runs, *bad]):
        continue
    print(f"\n| orders of 5 lines, 16 clients, 20 items; fsync {fsync} | orders a second | / sorted "
          "| processor / sorted | deadlocks an order |\n|---|---|---|---|---|")
    reference = runs[fsync, "sorted"]
    for who, name in NAMES.items():
        if (fsync, who) in bad:
            print(f"| {name} | **{bad[fsync, who]}** | | | |")
            continue
        mine = runs[fsync, who]
        ratios = [mine[rep][0] / reference[rep][0] for rep in mine if rep in reference]
        work = [mine[rep][2] / reference[rep][2] for rep in mine
                if rep in reference and reference[rep][2] > 0]
        print(f"| {name} | {spread([run[0] for run in mine.values()], 0)} | {spread(ratios, 2)} "
              f"| {spread(work, 2)} | {spread([run[1] for run in mine.values()], 1)} |")
