"""The checks see the whole tree: every source file of the workspace is in some package's `sources`, and that in //ci:packages.bzl.

Runs outside the sandbox, for only there a file that no package names can be seen. The workspace is where the link to this
package's BUILD file leads.
"""

import os

import tree


def main():
    here = os.getcwd()
    workspace = os.path.dirname(os.path.dirname(os.path.realpath(os.path.join("ci", "BUILD"))))
    suffixes = tree.C_SUFFIXES + (".S", ".ld", ".py", ".bzl", ".sh")
    seen = set(tree.files(suffixes, ("BUILD",)))
    os.chdir(workspace)
    paths = tree.files(suffixes, ("BUILD",))
    os.chdir(here)
    complaints = ["%s is in no `sources`: name its package in ci/packages.bzl" % path for path in paths if path not in seen]
    tree.finish(complaints, len(paths), "files of the workspace")


if __name__ == "__main__":
    main()
