"""Runs the same workloads with several allocators, in turns, and shows what each took.

    bazel run //testing/bench/peers:compare                                          prints the tables
    bazel run //testing/bench/peers:compare -- --write testing/bench/results         writes peers.md and its plots there
    bazel run //testing/bench/peers:compare -- --rounds 11 --only churn,larson

Every process runs one workload with one allocator. A round runs all of them, each workload with one allocator after the other, and begins
with another allocator than the round before; so what else the machine does meets all alike. Instructions are valgrind's count: the
difference of two runs of different length, less that of the same loop without an allocator; exact, and the same in each run.

With --smoke each workload runs a moment with each allocator, and nothing is timed.
"""

import argparse
import collections
import os
import re
import statistics
import subprocess
import sys

import svg

RESULT = re.compile(r"^(\w+) operations=(\d+) nanoseconds=(\d+) used=(\d+) live=(\d+)$", re.MULTILINE)
REFERENCES = re.compile(r"I\s+refs:\s+([\d,]+)")
SECONDS_MAX = 120
OURS = "quarry"

# Operations whose instructions are counted, where 20000 would not do.
COUNTED = {"churn": 200000}
COUNTED_USUALLY = 20000

# What others published, for allocators that are no Debian package: instructions an operation, net of the loop.
PUBLISHED = {
    "pairs_64": "snmalloc 40, mimalloc 3 44, rpmalloc 46",
    "pairs_4096": "snmalloc 68, mimalloc 3 183, rpmalloc 209",
    "batch_random_64": "rpmalloc 35",
    "batch_random_1024": "rpmalloc 64",
    "churn": "snmalloc 51",
    "large_churn": "rpmalloc 117",
}

INTRODUCTION = """\
# Quarry's malloc and its peers

Written by `bazel run //testing/bench/peers:compare -- --write testing/bench/results`; `testing/bench/peers/README.md` says what each workload does
and why rows are lost. The peers are Debian 12's packages ({versions}), on the same C library. The best figure of a row is bold.
"""

TIME_NOTE = "CPU time, the system's included; with two threads (producer_consumer, larson) time on the wall.\n\n"


class Runner:
    def __init__(self, options):
        self.options = options
        root = os.path.dirname(options.loader)
        packages = os.path.join(root, "..")
        folders = [os.path.join(packages, folder, "x86_64-linux-gnu") for folder in ("lib", "usr/lib")]
        self.start = [options.loader, "--inhibit-cache", "--library-path", ":".join(folders)]
        self.libraries = collections.OrderedDict(pair.split("=") for pair in options.allocators)

    def command(self, allocator, program, workload, operations):
        library = self.libraries.get(allocator)
        preload = ["--preload", os.path.abspath(library)] if library else []
        return self.start + preload + [program, workload] + ([str(operations)] if operations else [])

    def run(self, command):
        result = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, timeout=SECONDS_MAX, check=False
        )
        match = RESULT.search(result.stdout)
        if result.returncode != 0 or not match:
            raise SystemExit("%s\nfailed: %s" % (result.stdout, " ".join(command)))
        return [int(number) for number in match.groups()[1:]], result.stdout

    def measure(self, allocator, workload, operations=None):
        """(nanoseconds an operation, used / live or None)"""
        (done, nanoseconds, used, live), _ = self.run(self.command(allocator, self.options.workload, workload, operations))
        return nanoseconds / done, used / live if live else None

    def instructions(self, allocator, program, workload, operations):
        counter = [self.options.valgrind, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
        _, output = self.run(counter + self.command(allocator, program, workload, operations))
        return int(REFERENCES.search(output).group(1).replace(",", ""))

    def count(self, allocator, workload):
        """Instructions an operation, net of the loop."""
        operations = COUNTED.get(workload, COUNTED_USUALLY)
        net = 0
        for program, who, sign in ((self.options.workload, allocator, 1), (self.options.loop, "glibc", -1)):
            short = self.instructions(who, program, workload, operations)
            net += sign * (self.instructions(who, program, workload, 2 * operations) - short)
        return net / operations


def quartiles(values):
    """(least, first quartile, median, third quartile)"""
    if len(values) == 1:
        return values[0], values[0], values[0], values[0]
    first, median, third = statistics.quantiles(values, n=4, method="inclusive")
    return min(values), first, median, third


def measure_all(runner, names, rounds):
    """{workload: {allocator: quartiles}}, {workload: {allocator: used / live}}"""
    times = {name: {allocator: [] for allocator in runner.libraries} for name in names}
    memory = {}
    allocators = list(runner.libraries)
    for turn in range(rounds):
        for name in names:
            first = turn % len(allocators)
            for allocator in allocators[first:] + allocators[:first]:
                time, ratio = runner.measure(allocator, name)
                times[name][allocator].append(time)
                if ratio is not None:
                    memory.setdefault(name, {}).setdefault(allocator, []).append(ratio)
        print("round %d of %d" % (turn + 1, rounds), file=sys.stderr)
    spread = {name: {who: quartiles(values) for who, values in row.items()} for name, row in times.items()}
    ratios = {name: {who: statistics.median(values) for who, values in row.items()} for name, row in memory.items()}
    return spread, ratios


def bold_best(values, style):
    best = min(values)
    return [("**%s**" if value == best else "%s") % (style % value) for value in values]


def table(title, note, allocators, rows, style, last=None):
    """`rows` is {name: {allocator: value}}; `last` adds a column."""
    parts = ["## %s\n" % title, note + "\n"]
    parts.append("| | %s |%s" % (" | ".join(allocators), " %s |" % last[0] if last else ""))
    parts.append("|---|%s%s" % ("---:|" * len(allocators), "---|" if last else ""))
    for name, row in rows.items():
        cells = bold_best([row[allocator] for allocator in allocators], style)
        parts.append("| %s | %s |%s" % (name, " | ".join(cells), " %s |" % last[1].get(name, "") if last else ""))
    return "\n".join(parts) + "\n"


def spread_table(allocators, times):
    parts = ["## The spread: least, first and third quartile\n"]
    parts += ["| | %s |" % " | ".join(allocators), "|---|%s" % ("---:|" * len(allocators))]
    for name, row in times.items():
        cells = ["%.1f, %.1f to %.1f" % (row[who][0], row[who][1], row[who][3]) for who in allocators]
        parts.append("| %s | %s |" % (name, " | ".join(cells)))
    return "\n".join(parts) + "\n"


def summary(allocators, times):
    """How often we are where we want to be."""
    if OURS not in allocators or len(allocators) < 2:
        return ""
    medians = {name: {who: row[who][2] for who in allocators} for name, row in times.items()}
    ratios = {name: row[OURS] / min(value for who, value in row.items() if who != OURS) for name, row in medians.items()}
    won = [name for name, ratio in ratios.items() if ratio <= 1]
    lost = ", ".join("%s %.2f" % (name, ratio) for name, ratio in ratios.items() if ratio > 1)
    return "At or below the best peer on %d of %d rows; the others, as multiples of the best: %s.\n" % (len(won), len(ratios), lost or "none")


def versions(path):
    """What `packages.txt` of the allocators' repository names: package and version."""
    with open(path, encoding="utf-8") as file:
        rows = [line.split() for line in file]
    wanted = ("libc6", "libjemalloc2", "libmimalloc2.0", "libtbbmalloc2", "libtcmalloc-minimal4")
    return ", ".join("%s %s" % (row[1], row[2]) for row in rows if len(row) > 2 and row[1] in wanted)


def report(runner, times, memory, counts):
    allocators = list(runner.libraries)
    medians = {name: {who: row[who][2] for who in allocators} for name, row in times.items()}
    parts = [INTRODUCTION.format(versions=versions(runner.options.packages))]
    parts.append("![time](peers_time.svg)\n\n![instructions](peers_instructions.svg)\n")
    parts.append(table("Time: nanoseconds an operation, median of the rounds", TIME_NOTE + summary(allocators, times), allocators, medians, "%.1f"))
    if counts:
        note = "For one thread: with two, what is counted is how they wait."
        title = "Instructions an operation, net of the loop"
        parts.append(table(title, note, allocators, counts, "%.1f", ("published, of others", PUBLISHED)))
    if memory:
        note = "The process's own memory over the bytes asked for, with 100,000 live objects of 16 to 4096 bytes."
        parts.append(table("Memory used / live", note, allocators, memory, "%.2f"))
    parts.append(spread_table(allocators, times))
    return "\n".join(parts)


def plots(times, memory, counts):
    yield "peers_time.svg", svg.bars(
        "What an allocation and its free take",
        "median; the line spans the quartiles; shorter is better",
        "nanoseconds",
        [(name, [(who, row[2], row[1], row[3]) for who, row in by.items()]) for name, by in times.items()],
    )
    exact = [(name, [(who, value, value, value) for who, value in by.items()]) for name, by in counts.items()]
    exact += [("memory used / live, " + name, [(who, value, value, value) for who, value in by.items()]) for name, by in memory.items()]
    if exact:
        yield "peers_instructions.svg", svg.bars(
            "What an allocation and its free cost", "net of the loop; shorter is better", "instructions; the last panel: used / live", exact
        )


def smoke(runner, names):
    for name in names:
        for allocator in runner.libraries:
            runner.measure(allocator, name, 20000)
            print("ok %s %s" % (name, allocator))
    return 0


def main():
    parser = argparse.ArgumentParser(description="Runs the same workloads with several allocators.")
    parser.add_argument("--workload", required=True, help="the program")
    parser.add_argument("--loop", required=True, help="the program without an allocator")
    parser.add_argument("--loader", required=True, help="the C library's loader, beside its libraries")
    parser.add_argument("--valgrind", required=True)
    parser.add_argument("--packages", required=True, help="the list of the peers' packages")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", help="workloads, with commas")
    parser.add_argument("--no-instructions", action="store_true", help="only times")
    parser.add_argument("--smoke", action="store_true", help="run everything a moment")
    parser.add_argument("--write", metavar="FOLDER", help="where the tables and plots go, relative to the source tree")
    parser.add_argument("allocators", nargs="+", help="NAME=LIBRARY, and glibc= for none")
    options = parser.parse_args()
    runner = Runner(options)

    listed = subprocess.run(runner.start + [options.workload], stdout=subprocess.PIPE, universal_newlines=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    only = options.only.split(",") if options.only else None
    rows = [row for row in rows if only is None or row[0] in only]
    names = [row[0] for row in rows]
    if options.smoke:
        return smoke(runner, names)
    counts = {}
    if not options.no_instructions:
        for name in (row[0] for row in rows if row[2] == "1"):
            counts[name] = {allocator: runner.count(allocator, name) for allocator in runner.libraries}
    times, memory = measure_all(runner, names, options.rounds)
    text = report(runner, times, memory, counts)
    print(text)
    if options.write:
        folder = os.path.join(os.environ.get("BUILD_WORKSPACE_DIRECTORY", ""), options.write)
        for name, content in [("peers.md", text), *plots(times, memory, counts)]:
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
