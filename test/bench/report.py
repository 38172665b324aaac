"""Turns the raw measurements of test/bench/run into a table in Markdown.

Ratios are taken inside one repetition, where the contestants ran one after the
other on the same machine, and the median of those is shown with the lowest and
the highest: noise that lasts longer than a repetition cancels out.
"""
import os
import platform
import statistics
import sys
from collections import defaultdict

cases_file, results_file, settings_file, reps, quick, seconds = sys.argv[1:7]

cases = [line.rstrip("\n").split("\t") for line in open(cases_file, encoding="utf-8")]
per_unit = defaultdict(dict)     # (case, contestant) -> {rep: value per line or receipt}
processor = defaultdict(dict)    # the same in processor time
total = defaultdict(dict)        # (case, contestant) -> {rep: value for all}
status = {}                      # (case, contestant) -> the worst of its statuses
skipped = {}
for line in open(results_file, encoding="utf-8"):
    case, who, rep, value, cpu, n, state = line.rstrip("\n").split("\t")
    if who == "-":
        skipped[case] = state
        continue
    if state == "ok":
        per_unit[case, who][int(rep)] = float(value) / float(n)
        total[case, who][int(rep)] = float(value)
        if float(cpu) > 0:
            processor[case, who][int(rep)] = float(cpu) / float(n)
    if state != "ok" or (case, who) not in status:
        status[case, who] = state
for who in ("floor", "plsql", "bko"):       # the long queue against the short one
    short, long = per_unit.get(("deep_1k", who), {}), per_unit.get(("deep_1m", who), {})
    per_unit["deep", who] = {r: long[r] / short[r] for r in short if r in long}
    if ("deep_1m", who) in status:
        status["deep", who] = status["deep_1m", who]


def number(x):
    if x >= 100:
        return f"{x:,.0f}"
    return f"{x:.1f}" if x >= 10 else f"{x:.2f}" if x >= 1 else f"{x:.3f}"


def spread(values, show=number):
    values = list(values)
    middle = show(statistics.median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({show(min(values))}–{show(max(values))})"


def ratio(case, who, values=per_unit):
    if status.get((case, who), "ok") != "ok":
        return "**" + status[case, who] + "**"
    mine, floor = values.get((case, who), {}), values.get((case, "floor"), {})
    both = [mine[r] / floor[r] for r in mine if floor.get(r)]
    return spread(both, lambda x: f"{x:.2f}") if both else "–"


settings = open(settings_file, encoding="utf-8").read().splitlines()
cpu = ""
try:
    cpu = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
except (OSError, StopIteration):
    cpu = platform.machine()
print(f"{settings[0].split(' on ')[0]}, {os.cpu_count()} cores ({cpu}); {settings[1]}; autovacuum off on the tables measured;")
print(f"{reps} repetitions, contestants in turns, {seconds} s in all.", end="")
print(" **Quick run: shows that it works, its ratios are no measurement.**" if quick == "1" else "")
print()
print("| case | floor | bko / floor | the same, processor time | plsql / floor | target: bko / floor at most |")
print("|---|---|---|---|---|---|")
for case, unit, target, title in cases:
    if case in skipped or (unit == "instructions" and not any(c == case for c, _ in status)):
        print(f"| {title} | {skipped.get(case, 'skipped')} | | | | {target} |")
        continue
    floor = list(per_unit.get((case, "floor"), {}).values())
    whole = list(total.get((case, "floor"), {}).values())
    if not floor:
        cell = "**" + status.get((case, "floor"), "not run") + "**"
    elif unit == "tps":
        cell = spread(1000 / v for v in floor) + " tps"
    elif unit == "ms":
        cell = spread(whole) + " ms"
    elif unit == "ratio":
        bko, plsql = (spread(per_unit[case, w].values()) if per_unit[case, w] and status[case, w] == "ok"
                      else "**" + status.get((case, w), "–") + "**" for w in ("bko", "plsql"))
        print(f"| {title}, each by itself | {spread(floor)} | {bko} | – | {plsql} | {target} |")
        continue
    else:
        cell = spread(floor)
    print(f"| {title} | {cell} | {ratio(case, 'bko')} | {ratio(case, 'bko', processor)} | {ratio(case, 'plsql')} | {target or 'none set'} |")

attached = [(title, sorted(set(per_unit[case, "attached"]) & set(per_unit[case, "bko"])), case) for case, unit, target, title in cases
            if per_unit.get((case, "attached")) and per_unit.get((case, "bko"))]
if attached:
    print()
    print("| an attached table against a plain insert into order_line | attached / plain | the same, processor time | target: at most |")
    print("|---|---|---|---|")
    for title, common, case in attached:
        if status[case, "attached"] != "ok":
            print(f"| {title} | **{status[case, 'attached']}** | | 1.5 |")
            continue
        cpu_ratio = [processor[case, "attached"][r] / processor[case, "bko"][r] for r in common
                     if processor.get((case, "attached"), {}).get(r) and processor.get((case, "bko"), {}).get(r)]
        print(f"| {title} | {spread((per_unit[case, 'attached'][r] / per_unit[case, 'bko'][r] for r in common), lambda x: f'{x:.2f}')} "
              f"| {spread(cpu_ratio, lambda x: f'{x:.2f}') if cpu_ratio else '–'} | 1.5 |")

print()
print("Median (lowest–highest). Ratios are of time, or instructions, per line or receipt: above 1 is slower than the bare SQL. "
      "Processor time is the server's, which other users of the machine disturb less than time by the clock.")
lines = []
for case, label in (("insert_many", "many items by INSERT"), ("copy_many", "many items by COPY"), ("insert_one", "one item")):
    parts = [f"{who} {statistics.median(per_unit[case, who].values()) * 1000:.1f}" for who in ("floor", "bko", "plsql")
             if per_unit.get((case, who)) and status[case, who] == "ok"]
    if parts:
        lines.append(f"{label}: " + ", ".join(parts))
if lines:
    print("Microseconds a line: " + "; ".join(lines) + ".")
if any(case == "insert_one" for case, *_ in cases):
    print("plsql's time for lines of one item grows with their square, hence its smaller number; its ratio is per line and would be worse at the full number.")
