"""Nothing unfinished, nothing overlong and nothing of one machine is in the tree."""

import re

import tree

UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK|for n" + r"ow|not impl" + r"emented|st" + r"ub)\b")
MACHINE = re.compile(r"(?<![\w.$}/])/(?:wo" + r"rk|ro" + r"ot|home/\w+)/")
LINES_MAX = 500
COLUMNS_MAX = 160
HAND_WRITTEN = (".c", ".h", ".S", ".cc", ".py", ".bzl", ".sh", ".ld")


def main():
    complaints = []
    paths = tree.files()
    for path in paths:
        lines = tree.lines(path)
        if path.endswith(HAND_WRITTEN) and len(lines) > LINES_MAX:
            complaints.append("%s: %d lines; look for the second idea in it" % (path, len(lines)))
        if lines and lines[-1][1] != "":
            complaints.append("%s: the last line does not end" % path)
        for number, text in lines:
            if path.endswith(".lock"):
                continue
            unfinished, machine = UNFINISHED.search(text), MACHINE.search(text)
            if unfinished:
                complaints.append("%s:%d: unfinished by its own words: %s" % (path, number, unfinished.group()))
            if machine:
                complaints.append("%s:%d: a path of somebody's machine: %s" % (path, number, machine.group()))
            if text != text.rstrip():
                complaints.append("%s:%d: spaces at the end of the line" % (path, number))
            if "\t" in text:
                complaints.append("%s:%d: a tab" % (path, number))
            if path.endswith(HAND_WRITTEN) and len(text) > COLUMNS_MAX:
                complaints.append("%s:%d: %d columns" % (path, number, len(text)))
    tree.finish(complaints, len(paths), "text files")


if __name__ == "__main__":
    main()
