"""Requirement x platform, from what really ran: the JUnit files of host and QEMU tests.

    matrix.py [--owed FIRST-LAST,...] [--write FILE | --check FILE] FOLDER ...

Reads every test.xml below the folders (bazel-testlogs, usually) and prints one row a requirement, one column a platform: how many
properties that validate it passed there, or '-' for none. With --owed (such as 1.1-1.15,2.1-2.14) it exits with 1 unless
every requirement of those is validated on every platform that was found.

--write puts the parity table between the two marks in FILE (testing/README.md): each requirement, a property that validates it on every
platform, and the platforms on which it holds. --check exits with 1 when the table in FILE is another. The property named is the one that validates
the fewest requirements besides, then the first by its name: so it is to the point, and the table seldom changes.
"""

import argparse
import collections
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

MARK_START = "<!-- the table below is written by //testing:matrix -->"
MARK_END = "<!-- end of the table -->"
NUMBER = re.compile(r"^(\d+)\.(\d+)$")


def key(number):
    return tuple(int(part) for part in number.split("."))


def read_cases(path):
    """Yields (name, platform, requirements, passed) for each property in a file."""
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        facts = {item.get("name"): item.get("value") for item in case.iter("property")}
        requirements = [word for word in facts.get("requirements", "").split() if NUMBER.match(word)]
        if not requirements or "platform" not in facts:
            continue
        passed = case.find("failure") is None and case.find("error") is None and case.find("skipped") is None
        name = "%s.%s" % (case.get("classname"), case.get("name"))
        yield name, facts["platform"], requirements, passed


def collect(folders):
    """{requirement: {platform: {property name: passed}}}; a property that failed anywhere on a platform failed there."""
    matrix = {}
    for folder in folders:
        for parent, _, files in os.walk(folder, followlinks=True):
            if "test.xml" not in files:
                continue
            for name, platform, requirements, passed in read_cases(os.path.join(parent, "test.xml")):
                for requirement in requirements:
                    cell = matrix.setdefault(requirement, {}).setdefault(platform, {})
                    cell[name] = cell.get(name, True) and passed
    return matrix


def parse_owed(text):
    owed = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        last = last or first
        if not NUMBER.match(first) or not NUMBER.match(last) or key(first)[0] != key(last)[0] or key(first) > key(last):
            raise ValueError("no range of requirements: %r" % part)
        owed += ["%d.%d" % (key(first)[0], number) for number in range(key(first)[1], key(last)[1] + 1)]
    return owed


def platforms_of(matrix):
    return sorted({platform for row in matrix.values() for platform in row}, key=lambda name: (name != "host", name))


def table(matrix, owed):
    """The lines of the table, and the complaints."""
    platforms = platforms_of(matrix)
    rows = sorted(set(matrix) | set(owed), key=key)
    lines = ["requirement " + " ".join("%10s" % platform for platform in platforms)]
    complaints = [] if platforms else ["no results were found"]
    for requirement in rows:
        cells = []
        for platform in platforms:
            results = matrix.get(requirement, {}).get(platform, {})
            failed = sum(not passed for passed in results.values())
            cells.append("%10s" % ("-" if not results else "%d" % len(results) if not failed else "%d FAIL" % failed))
            if failed:
                complaints.append("%s fails on %s" % (requirement, platform))
            elif requirement in owed and not results:
                complaints.append("%s is validated by nothing on %s" % (requirement, platform))
        lines.append("%-11s " % requirement + " ".join(cells))
    return lines, complaints


def parity_table(matrix):
    """The table as lines of Markdown."""
    platforms = platforms_of(matrix)
    breadth = collections.Counter(name for row in matrix.values() for name in set().union(*row.values()))
    lines = ["| | validated on every platform by | %s |" % " | ".join(platforms), "|---|---|%s" % ("---|" * len(platforms))]
    for requirement in sorted(matrix, key=key):
        row = matrix[requirement]
        holding = [{name for name, passed in row.get(platform, {}).items() if passed} for platform in platforms]
        everywhere = sorted(set.intersection(*holding), key=lambda name: (breadth[name], name))
        cells = []
        for platform in platforms:
            results = row.get(platform, {})
            cells.append("-" if not results else "yes" if all(results.values()) else "FAIL")
        lines.append("| %s | %s | %s |" % (requirement, "`%s`" % everywhere[0] if everywhere else "-", " | ".join(cells)))
    return lines


def with_table(text, lines):
    """`text` with the table between its marks replaced."""
    before, start, rest = text.partition(MARK_START)
    _, end, after = rest.partition(MARK_END)
    if not start or not end:
        raise ValueError("the marks of the table are missing")
    return "%s%s\n\n%s\n\n%s%s" % (before, MARK_START, "\n".join(lines), MARK_END, after)


def update(path, lines, is_check):
    """Writes or checks the table in a file. Returns the complaints."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        wanted = with_table(text, lines)
    except ValueError as problem:
        return ["%s: %s" % (path, problem)]
    if text == wanted:
        return []
    if is_check:
        return ["the table in %s is out of date: bazel test //... ; bazel run //testing:matrix -- --write %s bazel-testlogs" % (path, path)]
    with open(path, "w", encoding="utf-8") as file:
        file.write(wanted)
    return []


def main():
    parser = argparse.ArgumentParser(description="Prints which requirement is validated on which platform.")
    parser.add_argument("--owed", default="")
    parser.add_argument("--write", metavar="FILE")
    parser.add_argument("--check", metavar="FILE")
    parser.add_argument("folders", nargs="+")
    options = parser.parse_args()
    os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    try:
        owed = parse_owed(options.owed)
    except ValueError as problem:
        parser.error(str(problem))
    matrix = collect(options.folders)
    lines, complaints = table(matrix, owed)
    print("\n".join(lines))
    for path, is_check in ((options.write, False), (options.check, True)):
        if path and matrix:
            complaints += update(path, parity_table(matrix), is_check)
    for complaint in complaints:
        print("matrix: " + complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
