"""Every message of a check has a host death test: a row MISTAKE(name, "message") in testing/host, or an EXPECT_CHECK_DEATH.

A message is what CHECK() and FAIL() end with, and what the check sites in tables start with, in the areas below. DEBUG_CHECK
states a module's own doubts, which are nobody's contract.
"""

import re

import tree

AREAS = ("mm/", "fs/", "arch/include/", "arch/shared/", "arch/host/")

# Messages that no caller can be made to bring about, each with the reason.
EXCEPTIONS = {
    "slab cache keeps slabs without live objects": "an invariant of the slab core's own: only overwritten memory breaks it",
    "memory map with neither a pair of restrictions nor memory": "arithmetic: a full map has one or the other",
    "page freed by mistake": "fills the row of a table that stands for no mistake; nothing reports it",
    "host refuses the interrupt signal": "the system's refusal, which a test has no way to ask for",
    "host refuses a semaphore": "as above",
    "host thread does not start": "as above",
    "host refuses the rights of a page": "as above",
    "host refuses the kernel's window": "as above",
}

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
DEFINITION = re.compile(r"^[ ]*#[ ]*define\b(?:.*\\\n)*.*$", re.MULTILINE)
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
CALL = re.compile(r"(?<!\w)(?:CHECK|FAIL)\(")
SITES = re.compile(r"\bcheck_site_t\s+\w+(?:\[[^\]]*\])?\s*=\s*\{")
SITE = re.compile(r'\{\s*"((?:[^"\\]|\\.)*)"')
MISTAKE = re.compile(r"(?<!\w)(?:MISTAKE|EXPECT_CHECK_DEATH)\(")


def enclosed(text, start):
    """What the bracket before `start` encloses; brackets in strings and characters don't count."""
    depth, at = 1, start
    while depth and at < len(text):
        if text[at] in "\"'":
            quote = text[at]
            at += 1
            while at < len(text) and text[at] != quote:
                at += 2 if text[at] == "\\" else 1
        elif text[at] in "([{":
            depth += 1
        elif text[at] in ")]}":
            depth -= 1
        at += 1
    return text[start : at - 1]


def code_of(path):
    with open(path, encoding="utf-8") as file:
        return DEFINITION.sub("", COMMENT.sub(" ", file.read()))


def last_literals(text, call):
    """Of every call, the string that it ends with; None for a call that ends otherwise."""
    for match in call.finditer(text):
        literals = list(LITERAL.finditer(arguments := enclosed(text, match.end())))
        yield literals[-1].group(1) if literals and literals[-1].end() == len(arguments.rstrip()) else None


def messages_of(text):
    yield from last_literals(text, CALL)
    for match in SITES.finditer(text):
        for site in SITE.finditer("{" + enclosed(text, match.end())):
            yield site.group(1)


def main():
    complaints, where, tested = [], {}, set()
    for path in tree.files(suffixes=tree.C_SUFFIXES, names=()):
        if path.startswith(AREAS):
            for message in messages_of(code_of(path)):
                if message is None:
                    complaints.append("%s: a check whose message is no string" % path)
                else:
                    where.setdefault(message, path)
        elif path.startswith("testing/"):
            tested.update(message for message in last_literals(code_of(path), MISTAKE) if message is not None)
    for message, path in sorted(where.items()):
        if message not in tested and message not in EXCEPTIONS:
            complaints.append('%s: "%s" has no death test; testing/host/mistakes.h says how to add one' % (path, message))
    complaints += ['testing: "%s" is expected of a check, and no check says it' % message for message in sorted(tested - set(where))]
    for message in EXCEPTIONS if where else ():
        if message not in where or message in tested:
            complaints.append('ci/death_tests_check.py: "%s" is no exception any more' % message)
    tree.finish(complaints, len(where), "messages of checks")


if __name__ == "__main__":
    main()
