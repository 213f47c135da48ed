"""BUILD and .bzl files read alike. buildifier is no Debian 12 package, so this holds the part of its style that matters for
reading and for diffs: loads first and all of them used, `name` first, lists of labels sorted, one thing a line with a comma
after the last, double quotes, four spaces. A BUILD file opens with a comment on what its package is for, and hands its files to
the checks as `sources`.
"""

import ast
import io
import os
import tokenize

import tree

SORTED = {"data", "deps", "hdrs", "srcs", "textual_hdrs"}


def sort_key(label):
    """Files, then this package's targets, then the workspace's, then external ones."""
    phase = 3 if label.startswith("@") else 2 if label.startswith("//") else 1 if label.startswith(":") else 0
    return phase, label.replace(":", " ").replace("/", "!")


def strings(node):
    """The strings of a list that holds nothing else, or None."""
    if not isinstance(node, ast.List) or not node.elts:
        return None
    values = [item.value for item in node.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    return values if len(values) == len(node.elts) else None


def check_loads(module, text):
    used = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    seen_code = False
    for statement in module.body:
        is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "load":
            if seen_code:
                yield statement.lineno, "a load after other code"
            names = [argument.value for argument in call.args[1:]]
            if names != sorted(names):
                yield statement.lineno, "names of a load out of order"
            for name in names + [keyword.arg for keyword in call.keywords]:
                if name not in used:
                    yield statement.lineno, "%s is loaded and never used" % name
        elif isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "workspace":
            pass
        elif not is_text:
            seen_code = True


def check_calls(module, text_lines):
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        names = [keyword.arg for keyword in node.keywords]
        if "name" in names[1:] and not node.args:
            yield node.lineno, "`name` comes first"
        for keyword in node.keywords:
            values = strings(keyword.value)
            if keyword.arg in SORTED and values and values != sorted(values, key=sort_key):
                yield keyword.value.lineno, "%s out of order; sorted: %s" % (keyword.arg, ", ".join(sorted(values, key=sort_key)))
            if keyword.arg in SORTED and values and len(values) != len(set(values)):
                yield keyword.value.lineno, "%s names something twice" % keyword.arg
        if names and node.end_lineno > node.lineno:
            before = text_lines[node.end_lineno - 2].rstrip()
            closing = text_lines[node.end_lineno - 1].strip()
            if closing.startswith(")") and not before.endswith((",", "(")) and not before.lstrip().startswith("#"):
                yield node.end_lineno - 1, "no comma after the last argument"


def check_tokens(text):
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING and token.string.lstrip("rb").startswith("'"):
            yield token.start[0], "single quotes"
        if token.type == tokenize.INDENT and len(token.string) % 4:
            yield token.start[0], "indented by %d spaces" % len(token.string)


def check_package(path, text, module):
    if os.path.basename(path) != "BUILD":
        return
    if not text.startswith("#"):
        yield 1, "opens without a comment on what the package is for"
    names = [
        keyword.value.value
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)
    ]
    if "sources" not in names:
        yield 1, 'no filegroup(name = "sources", srcs = glob(["**"]), visibility = ["//ci:__pkg__"])'


def main():
    complaints = []
    paths = tree.files(suffixes=(".bzl", ".BUILD"), names=("BUILD", "WORKSPACE"))
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        try:
            module = ast.parse(text)
        except SyntaxError as error:
            complaints.append("%s:%s: %s" % (path, error.lineno, error.msg))
            continue
        checks = [check_loads(module, text), check_calls(module, text.split("\n")), check_tokens(text), check_package(path, text, module)]
        complaints += ["%s:%d: %s" % (path, number, what) for check in checks for number, what in check]
    tree.finish(complaints, len(paths), "BUILD and .bzl files")


if __name__ == "__main__":
    main()
