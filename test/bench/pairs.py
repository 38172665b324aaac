"""A table in Markdown of measurements that belong together two by two: lines of
name, repetition, first value, second value. The ratio is taken inside each
repetition; shown are medians with the lowest and the highest.

usage: pairs.py FILE UNIT FIRST SECOND
"""
import statistics
import sys
from collections import defaultdict

file, unit, first, second = sys.argv[1:5]
rows = defaultdict(list)
for line in open(file, encoding="utf-8"):
    name, _rep, a, b = line.rstrip("\n").split("\t")
    rows[name].append((float(a), float(b)))


def spread(values, digits):
    values = list(values)
    show = f"{{:,.{digits}f}}".format
    if len(values) == 1:
        return show(values[0])
    return f"{show(statistics.median(values))} ({show(min(values))}–{show(max(values))})"


print(f"| {unit} | {first} | {second} | {second} / {first} |\n|---|---|---|---|")
for name, pairs in rows.items():
    digits = 0 if max(b for _, b in pairs) >= 1000 else 3
    print(f"| {name} | {spread((a for a, _ in pairs), digits)} | {spread((b for _, b in pairs), digits)} | "
          f"{spread((b / a for a, b in pairs), 2)} |")
