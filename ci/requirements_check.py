"""Every requirement is named by a property of the suites.

A property says what it validates in the comment before it: `/* Validates 1.5, 1.7: ...`, ranges as `1.1-1.4` or `2.1–2.3`.
With --matrix the check prints which file names which requirement.
"""

import re
import sys

import tree

LAST = {1: 15, 2: 14, 3: 12, 4: 12, 5: 10, 6: 10}
OWED = ["%d.%d" % (chapter, number) for chapter, last in LAST.items() for number in range(1, last + 1)]
VALIDATES = re.compile(r"Validates\s+((?:\d+\.\d+(?:\s*[-–]\s*\d+\.\d+)?(?:\s*,\s*|\s+and\s+|\s*&\s*)?(?:\n\s*\*\s*)?)+)")
ONE = re.compile(r"(\d+)\.(\d+)(?:\s*[-–]\s*(\d+)\.(\d+))?")


def named(text):
    """The requirements that a source names."""
    for match in VALIDATES.finditer(text):
        for chapter, first, last_chapter, last in ONE.findall(match.group(1)):
            end = int(last) if last and last_chapter == chapter else int(first)
            for number in range(int(first), end + 1):
                yield "%s.%d" % (chapter, number)


def main():
    where = {}
    paths = [path for path in tree.files(suffixes=(".c", ".cc"), names=()) if path.startswith("testing")]
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for requirement in named(file.read()):
                where.setdefault(requirement, set()).add(path)
    if "--matrix" in sys.argv:
        for requirement in OWED:
            print("%-5s %s" % (requirement, ", ".join(sorted(where.get(requirement, ["-"])))))
    complaints = ["requirement %s is named by no property in testing/" % item for item in OWED if item not in where]
    tree.finish(complaints, len(paths), "suites and tests")


if __name__ == "__main__":
    main()
