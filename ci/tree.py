"""What the checks share: the files of the tree, and how a check reports.

A check reads the tree below the current directory. As a Bazel test that is the runfiles, which hold every package's
`sources`; by hand it is the workspace, so `python3 ci/words_check.py` from there says the same.
"""

import os
import sys

SKIPPED_FOLDERS = {".git", ".cache", "__pycache__", "external"}
TEXT_SUFFIXES = (
    ".c", ".h", ".cc", ".S", ".ld", ".py", ".bzl", ".sh", ".md", ".cfg", ".ini", ".BUILD", ".lock", ".txt", ".bazelrc", ".clang-tidy",
)  # fmt: skip
TEXT_NAMES = ("BUILD", "WORKSPACE", "bazelw", ".bazelrc", ".clang-format", ".clang-tidy", ".gitignore", "run", "hermetic", "reproducible")
C_SUFFIXES = (".c", ".h", ".cc")


def files(suffixes=TEXT_SUFFIXES, names=TEXT_NAMES):
    """Paths of the tree's text files, sorted, relative to its top."""
    found = []
    for root, folders, entries in os.walk(".", followlinks=False):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS and not name.startswith("bazel-"))
        for name in entries:
            if name.endswith(suffixes) or name in names:
                found.append(os.path.relpath(os.path.join(root, name), "."))
    return sorted(found)


def lines(path):
    """(number from 1, text) of every line of a file."""
    with open(path, encoding="utf-8") as file:
        return list(enumerate(file.read().split("\n"), 1))


def finish(complaints, checked, what):
    """Ends a check: prints what is wrong and fails, or says what was looked at. A check that saw nothing has failed."""
    for complaint in complaints:
        print(complaint)
    if not checked:
        sys.exit("nothing to check: no %s was found" % what)
    if complaints:
        sys.exit("%d complaints in %d %s" % (len(complaints), checked, what))
    print("%d %s are in order" % (checked, what))
