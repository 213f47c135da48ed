"""Judges the costs that a bench image prints against a file of budgets.

The image prints, each on a line, `cost NAME HUNDREDTHS` (instructions times 100) and at last `costs COUNT`. Every row of the
budgets for this platform must come, once, and no other.
"""

import re

COST = re.compile(r"^cost ([a-z0-9_]+) (\d+)$")
END = re.compile(r"^costs (\d+)$")


class Budget:
    def __init__(self, name, limit, note):
        self.name = name
        self.limit = limit  # hundredths of an instruction
        self.note = note


def hundredths(text):
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int((part + "00")[:2])


def read_budgets(text, platform):
    """Rows are `platform name instructions note...`; '#' begins a comment."""
    budgets = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split(None, 3)
        if not words:
            continue
        if len(words) < 3 or not re.match(r"^\d+(\.\d{1,2})?$", words[2]):
            raise ValueError("budget line %d is no `platform name instructions`: %s" % (number, line))
        if words[0] != platform:
            continue
        if words[1] in budgets:
            raise ValueError("budget line %d repeats %s" % (number, words[1]))
        budgets[words[1]] = Budget(words[1], hundredths(words[2]), words[3] if len(words) > 3 else "")
    return budgets


def measured(lines):
    """{name: hundredths of an instruction}"""
    return {match.group(1): int(match.group(2)) for match in map(COST.match, lines) if match}


def compare(here, there, percent):
    """Returns [(name, what is wrong or None)]: costs of two runs may differ by so much of the smaller one."""
    rows = [] if here or there else [("costs", "neither run measured anything")]
    for name in sorted(set(here) | set(there)):
        figures = sorted(figure.get(name, -1) for figure in (here, there))
        wrong = None
        if figures[0] < 0:
            wrong = "measured in one run only"
        elif figures[1] * 100 > figures[0] * (100 + percent):
            wrong = "%.2f instructions and %.2f: more than %d %% apart" % (figures[0] / 100, figures[1] / 100, percent)
        rows.append((name, wrong))
    return rows


def judge(lines, status, reason, budgets):
    """Returns [(name, measured or None, what is wrong or None)], and the problems of the run as a whole."""
    measured, problems, ended = {}, [], None
    for line in lines:
        match = COST.match(line)
        if match:
            if match.group(1) in measured:
                problems.append("a second row for " + match.group(1))
            measured[match.group(1)] = int(match.group(2))
        elif END.match(line):
            ended = int(END.match(line).group(1))
    if ended is None:
        problems.append("the measurements did not come to an end")
    elif ended != len(measured):
        problems.append("%d rows of %d" % (len(measured), ended))
    if reason is not None:
        problems.append("killed: " + reason)
    elif status != 0:
        problems.append("no exit status" if status is None else "exit status %d" % status)
    results = []
    for name, budget in budgets.items():
        value = measured.get(name)
        if value is None:
            results.append((name, None, "not measured"))
        elif value > budget.limit:
            text = "%.2f instructions, over the budget of %.2f" % (value / 100, budget.limit / 100)
            results.append((name, value, text))
        else:
            results.append((name, value, None))
    for name, value in measured.items():
        if name not in budgets:
            results.append((name, value, "has no budget: add a row"))
    return results, problems
