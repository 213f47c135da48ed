"""Includes follow the arrows of the picture, and only a port knows its machine.

    kernel -> fs -> mm -> arch/include <- arch/<port>          testing -> everything

A name in quotes is public when it begins with an area (`mm/kmalloc.h`), and private to its folder otherwise.
"""

import os
import re

import tree

# What an area may include of others by their public names, besides itself.
MAY_INCLUDE = {
    "arch": {"arch", "base"},
    "mm": {"mm", "arch", "base"},
    "fs": {"fs", "mm", "arch", "base"},
    "kernel": {"kernel", "fs", "mm", "arch", "base"},
    "testing": {"testing", "kernel", "fs", "mm", "arch", "base"},
}
AREAS = {"arch", "base", "mm", "fs", "kernel", "testing"}
PORTS = {"x86_64", "aarch64", "riscv64", "host"}
MACHINE = re.compile(
    r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b.*\b(?:__x86_64__|__i386__|__aarch64__|__arm__|__riscv\w*|__amd64__|_M_X64|ARCH_\w*(?:X86|ARM|RISCV)\w*)",
    re.IGNORECASE,
)
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def complaint_about(path, included):
    """What is wrong with one include, or None."""
    area = path.split(os.sep)[0]
    first = included.split("/")[0]
    if area not in MAY_INCLUDE:
        return None
    if included.startswith("/") or ".." in included.split("/"):
        return "a path out of its folder"
    if "/" in included and first in AREAS:
        if first not in MAY_INCLUDE[area]:
            return "%s must not know %s" % (area, first)
    if "/" in included and first in PORTS and not path.startswith(os.path.join("arch", first) + os.sep) and area != "testing":
        return "only arch/%s knows its own headers" % first
    return None


def main():
    complaints = []
    paths = tree.files(suffixes=tree.C_SUFFIXES + (".S",), names=())
    for path in paths:
        area = path.split(os.sep)[0]
        for number, text in tree.lines(path):
            match = INCLUDE.match(text)
            wrong = complaint_about(path, match.group(1)) if match else None
            if wrong:
                complaints.append('%s:%d: #include "%s": %s' % (path, number, match.group(1), wrong))
            if area in ("mm", "fs", "kernel") and MACHINE.match(text):
                complaints.append("%s:%d: the build picks a machine's files, not the preprocessor: %s" % (path, number, text.strip()))
    tree.finish(complaints, len(paths), "source files")


if __name__ == "__main__":
    main()
