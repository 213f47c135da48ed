"""Reads the KTAP (version 1) that a test image writes, and judges it: every promised row, in order, and nothing that contradicts it.

Lines that are no KTAP belong to the kernel's log and are passed over, wherever they stand. What is strict is what was promised: one
version line, one plan, each row once and in order, an exit status that says the same as the rows, and an end by the guest's own
will.
"""

import re

VERSION = "KTAP version 1"
PLAN = re.compile(r"^1\.\.(\d+)$")
ROW = re.compile(r"^(ok|not ok) (\d+) ([A-Za-z0-9_]+\.[A-Za-z0-9_]+)(?: # (.*))?$")
PANIC = re.compile(r"^(\[[^\]]*\] )?panic( on cpu \d+:| inside |: )")


class Row:
    def __init__(self, name, passed, properties, story):
        self.name = name
        self.passed = passed
        self.properties = properties  # "requirements": "1.1 1.2", "runs": "20"
        self.story = story  # the diagnostic lines before it


class Verdict:
    def __init__(self, rows, problems):
        self.rows = rows
        self.problems = problems  # sentences: why the run as a whole is not what it should be

    @property
    def passed(self):
        return not self.problems and all(row.passed for row in self.rows)


def parse_properties(text):
    """`requirements=1.1,1.2 runs=20` as a dictionary; words without '=' are kept under 'note'."""
    properties = {}
    for word in (text or "").split():
        key, equals, value = word.partition("=")
        if equals:
            properties[key] = value.replace(",", " ")
        else:
            properties["note"] = (properties.get("note", "") + " " + word).strip()
    return properties


def judge(lines, status, reason=None):
    """`status` is the guest's exit status, None without one; `reason` is why it was killed, if it was."""
    rows, problems, story = [], [], []
    has_version, planned = False, None
    for line in lines:
        if line == VERSION:
            if has_version:
                problems.append("a second version line: the kernel has started again")
            has_version = True
        elif PANIC.match(line):
            problems.append("the kernel has stopped: " + line)
        elif not has_version:
            continue
        elif PLAN.match(line):
            if planned is not None:
                problems.append("a second plan: " + line)
            planned = int(PLAN.match(line).group(1))
        elif line.startswith("# "):
            story.append(line[2:])
        elif ROW.match(line):
            result, number, name, data = ROW.match(line).groups()
            if int(number) != len(rows) + 1:
                problems.append("row %s where row %d was due: %s" % (number, len(rows) + 1, line))
            if name in (row.name for row in rows):
                problems.append("a second row for " + name)
            rows.append(Row(name, result == "ok", parse_properties(data), story))
            story = []
        elif line.startswith(("ok ", "not ok ")):
            problems.append("a row that can't be read: " + line)
    if not has_version:
        problems.append("no %r line" % VERSION)
    elif planned is None:
        problems.append("no plan")
    elif planned == 0:
        problems.append("a plan of no tests" + "".join(": " + line for line in story[:1]))
    elif planned != len(rows):
        problems.append("%d rows of %d planned" % (len(rows), planned))
    if reason is not None:
        problems.append("killed: " + reason)
    elif status is None:
        problems.append("the machine went down without a verdict")
    elif (status == 0) != all(row.passed for row in rows):
        problems.append("exit status %d contradicts the rows" % status)
    return Verdict(rows, problems)
