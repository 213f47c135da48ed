"""What is in testing/bench/results can be read, and can be made again: plots are XML, every row of a table has its columns, and the command that
each file names is in the README at the root.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree

COMMAND = re.compile(r"`bazel (run //\S+)")
IMAGE = re.compile(r"!\[[^]]*\]\(([^)]+)\)")


def check_table(path, lines):
    columns = None
    for number, text in enumerate(lines, 1):
        if not text.startswith("|"):
            columns = None
            continue
        count = text.count("|")
        if columns not in (None, count):
            yield "%s:%d: %d bars in a table of %d" % (path, number, count, columns)
        columns = count


def main():
    readme_path, paths = sys.argv[1], sys.argv[2:]
    with open(readme_path, encoding="utf-8") as file:
        readme = file.read()
    names = {path.rsplit("/", 1)[-1] for path in paths}
    complaints, tables = [], 0
    for path in paths:
        if path.endswith(".svg"):
            try:
                ElementTree.parse(path)
            except ElementTree.ParseError as error:
                complaints.append("%s: %s" % (path, error))
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        tables += text.count("|---")
        complaints += check_table(path, text.splitlines())
        complaints += ["%s: shows %s, which is not there" % (path, image) for image in IMAGE.findall(text) if image not in names]
        command = COMMAND.search(text)
        if not command or command.group(1) not in readme:
            complaints.append("%s: the README does not name the command that makes it" % path)
    if not tables:
        complaints.append("no tables")
    print("\n".join(complaints) or "%d files are as they should be" % len(paths))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
