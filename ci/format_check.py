"""Every C and C++ file is formatted as .clang-format says.

    format_check.py CLANG-FORMAT [--fix]
"""

import subprocess
import sys

import tree


def main():
    clang_format, *options = sys.argv[1:]
    paths = tree.files(suffixes=tree.C_SUFFIXES, names=())
    mode = ["-i"] if options == ["--fix"] else ["--dry-run", "-Werror"]
    complaints = []
    if paths:
        result = subprocess.run(
            [clang_format, "--style=file:.clang-format", *mode, *paths],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
        )
        complaints = [line for line in result.stdout.splitlines() if ": error:" in line]
        if result.returncode != 0:
            complaints.append("bazel run //ci:format puts this right")
            print(result.stdout if len(complaints) == 1 else "", end="")
    tree.finish(complaints, len(paths), "C and C++ files")


if __name__ == "__main__":
    main()
