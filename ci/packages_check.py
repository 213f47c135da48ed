"""The checks see the whole tree: every source file of the workspace is in some package's `sources`, and that in //ci:packages.bzl.

    bazel run //ci:list_packages        rewrites packages.bzl from the BUILD files that there are

The test runs outside the sandbox, for only there a file that no package names can be seen. The workspace is where the link
to this package's BUILD file leads.
"""

import os

import tree

LIST = '''\
"""The packages whose files the checks read. `bazel run //ci:list_packages` rewrites this; //ci:packages_test says when it has to."""

PACKAGES = [
%s]

SOURCES = ["//%%s:sources" %% package for package in PACKAGES]
'''


def write_list(workspace):
    os.chdir(workspace)
    packages = sorted(os.path.dirname(path) for path in tree.files((), ("BUILD",)))
    with open(os.path.join("ci", "packages.bzl"), "w", encoding="utf-8") as file:
        file.write(LIST % "".join('    "%s",\n' % package for package in packages))
    print("%d packages are in ci/packages.bzl" % len(packages))


def check():
    here = os.getcwd()
    workspace = os.path.dirname(os.path.dirname(os.path.realpath(os.path.join("ci", "BUILD"))))
    suffixes = tree.C_SUFFIXES + (".S", ".ld", ".py", ".bzl", ".sh")
    seen = set(tree.files(suffixes, ("BUILD",)))
    os.chdir(workspace)
    paths = tree.files(suffixes, ("BUILD",))
    os.chdir(here)
    complaints = ["%s is in no `sources`; bazel run //ci:list_packages" % path for path in paths if path not in seen]
    tree.finish(complaints, len(paths), "files of the workspace")


if __name__ == "__main__":
    if "BUILD_WORKSPACE_DIRECTORY" in os.environ:
        write_list(os.environ["BUILD_WORKSPACE_DIRECTORY"])
    else:
        check()
