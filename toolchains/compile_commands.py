"""Writes compile_commands.json, from which clangd and editors know how each file is compiled.

    bazel run //toolchains:compile_commands

Asks Bazel which compile actions the workspace has (`aquery`), so it is as true as the build. A file that is compiled for
the host and for a kernel is listed once, for the host. Paths of external headers go through the convenience links that a build leaves behind.
"""

import json
import os
import subprocess
import sys

SOURCE_SUFFIXES = (".c", ".cc", ".S")


def bazel(workspace, *words):
    command = [os.path.join(workspace, "bazelw"), *words]
    result = subprocess.run(command, cwd=workspace, stdout=subprocess.PIPE, universal_newlines=True)
    if result.returncode != 0:
        sys.exit("compile_commands: `%s` failed" % " ".join(command))
    return result.stdout


def entries(workspace, execution_root):
    """One entry a source file of the workspace; the host's when there are several."""
    answer = json.loads(bazel(workspace, "aquery", "--output=jsonproto", "--ui_event_filters=-info", 'mnemonic("CppCompile", //...)'))
    found = {}
    for action in answer.get("actions", []):
        words = action["arguments"]
        sources = [word for word in words if word.endswith(SOURCE_SUFFIXES) and not word.startswith(("-", "external/"))]
        if not sources:
            continue
        is_kernel = "-ffreestanding" in words
        if sources[0] not in found or (found[sources[0]][0] and not is_kernel):
            # clangd runs nothing; but it takes the name of the compiler for its dialect.
            found[sources[0]] = (is_kernel, {"directory": execution_root, "file": os.path.join(workspace, sources[0]), "arguments": words})
    return [entry for _, (_, entry) in sorted(found.items())]


def main():
    workspace = os.environ.get("BUILD_WORKSPACE_DIRECTORY")
    if not workspace:
        sys.exit(__doc__)
    execution_root = bazel(workspace, "info", "--ui_event_filters=-info", "execution_root").strip()
    commands = entries(workspace, execution_root)
    path = os.path.join(workspace, "compile_commands.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(commands, file, indent=1)
        file.write("\n")
    print("compile_commands: %d files in %s" % (len(commands), path))


if __name__ == "__main__":
    main()
