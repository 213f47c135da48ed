"""Runs the simulation of many CPUs, and shows or judges what it counted.

    bazel run //testing/bench/scaling                       prints the tables
    bazel run //testing/bench/scaling -- --write FOLDER     writes scaling.md and scaling.svg there (relative to the source tree)

With --budgets every row must be within FILE's limits. Counts are the same on every machine, so this is a test.
"""

import argparse
import os
import re
import subprocess
import sys

import svg

COUNTS = "1,2,4,8,16,32,64,128,256"
ROW = re.compile(r"^scaling (\w+) (\d+) ((?:\w+=\d+ ?)+)$")
END = re.compile(r"^scaling rows (\d+)$")

COLUMNS = [
    ("locks", "lock acquisitions"),
    ("contended", "contended acquisitions"),
    ("rmws", "atomic read-modify-writes"),
    ("transfers", "cache-line transfers"),
    ("ticks", "simulated time"),
]

INTRODUCTION = """\
# Scaling, counted

Written by `bazel run //testing/bench/scaling -- --write testing/bench/results`; `testing/bench/scaling/README.md` says how it is counted and what
each kind of traffic does. All figures are for one operation, an allocation and its free, at so many simulated CPUs. `contended` is in
`locks`; a transfer is a cache line that had to come from another CPU, or to go from one; time is in ticks, an access to an own line.

![scaling](scaling.svg)
"""


def parse(output):
    """{traffic: {cpus: {column: per operation}}} in the program's order."""
    rows, count, ended = {}, 0, None
    for text in output.splitlines():
        match = ROW.match(text)
        if match:
            pairs = (pair.split("=") for pair in match.group(3).split())
            rows.setdefault(match.group(1), {})[int(match.group(2))] = {name: int(value) / 1000 for name, value in pairs}
            count += 1
        elif END.match(text):
            ended = int(END.match(text).group(1))
    if ended is None or ended != count:
        raise ValueError("%d rows, of %s" % (count, ended))
    return rows


def table(rows):
    parts = []
    for traffic, by_cpus in rows.items():
        parts.append("## %s\n" % traffic)
        parts.append("| CPUs | locks | contended | atomic RMWs | transfers | accesses | ticks |")
        parts.append("|---:|---:|---:|---:|---:|---:|---:|")
        for cpus, row in by_cpus.items():
            values = ["%.3f" % row[name] for name in ("locks", "contended", "rmws", "transfers")]
            values += ["%.1f" % row["accesses"], "%.0f" % row["ticks"]]
            parts.append("| %d | %s |" % (cpus, " | ".join(values)))
        parts.append("")
    return "\n".join(parts)


def plot(rows):
    panels = [
        (title + ", an operation", {traffic: [(cpus, row[name]) for cpus, row in by_cpus.items()] for traffic, by_cpus in rows.items()})
        for name, title in COLUMNS[:4]
    ]
    return svg.lines("What an allocation and its free cost the others", "1 to 256 simulated CPUs; flat is good", "CPUs", panels)


def read_budgets(path):
    """{traffic: (most CPUs, {column: limit})}; rows are `traffic CPUs locks contended rmws transfers ticks`, and '#' begins a comment."""
    budgets = {}
    with open(path, encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            words = text.partition("#")[0].split()
            if not words:
                continue
            if len(words) != 2 + len(COLUMNS) or words[0] in budgets:
                raise ValueError("%s:%d: not a limit for each column, once" % (path, number))
            limits = {name: float(limit) for (name, _), limit in zip(COLUMNS, words[2:])}
            budgets[words[0]] = (int(words[1]), limits)
    return budgets


def judge(rows, budgets):
    """What is wrong, one text a complaint."""
    complaints = ["%s has a budget and was not counted" % traffic for traffic in budgets if traffic not in rows]
    for traffic, by_cpus in rows.items():
        if traffic not in budgets:
            complaints.append("%s has no budget" % traffic)
            continue
        most, limits = budgets[traffic]
        if most not in by_cpus:
            complaints.append("%s was not counted on %d CPUs" % (traffic, most))
        for cpus, row in by_cpus.items():
            for name, title in COLUMNS:
                if cpus <= most and row[name] > limits[name]:
                    complaints.append("%s on %d CPUs: %s %.3f, over the budget of %.3f" % (traffic, cpus, title, row[name], limits[name]))
    return complaints


def main():
    parser = argparse.ArgumentParser(description="Counts what decides scaling, on simulated CPUs.")
    parser.add_argument("program")
    parser.add_argument("--cpus", default=COUNTS, help="numbers of CPUs, with commas")
    parser.add_argument("--budgets", help="fail on rows over these limits")
    parser.add_argument("--write", metavar="FOLDER", help="where scaling.md and scaling.svg go")
    options = parser.parse_args()

    result = subprocess.run([options.program, options.cpus], stdout=subprocess.PIPE, universal_newlines=True, check=False)
    if result.returncode != 0:
        print(result.stdout)
        return 1
    rows = parse(result.stdout)
    print(table(rows))
    if options.write:
        folder = os.path.join(os.environ.get("BUILD_WORKSPACE_DIRECTORY", ""), options.write)
        for name, content in (("scaling.md", INTRODUCTION + "\n" + table(rows)), ("scaling.svg", plot(rows))):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(content)
    if options.budgets:
        complaints = judge(rows, read_budgets(options.budgets))
        for complaint in complaints:
            print("FAILED: " + complaint)
        return 1 if complaints else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
