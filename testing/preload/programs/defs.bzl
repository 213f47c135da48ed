"""program_test: a program of a Debian package, as it is, on our malloc.

    program_test(name = "git", package = "@program_git", programs = ["git"], arguments = ["400"], long_arguments = ["5000"])

makes :git_test, git_test.py with the library, bin/git of the package and "400"; and :git_long_test, by hand, with "5000".
"""

load("//toolchains:python.bzl", "python_test")

_LIBRARY = "//testing/preload:libquarry_malloc.so"

# Each runs as it is; the variants of the build (.bazelrc) would run the same bytes again.
_TAGS = ["program"]

def program_test(name, package, programs, arguments = [], long_arguments = [], data = []):
    """`programs` are the package's, in bin; `arguments` come behind them, `long_arguments` in a test to be run by hand."""
    binaries = ["%s//:bin/%s" % (package, program) for program in programs]
    variants = [(name + "_test", "medium", arguments, _TAGS)]
    if long_arguments:
        variants.append((name + "_long_test", "enormous", long_arguments, _TAGS + ["manual"]))
    for variant, size, words, tags in variants:
        python_test(
            name = variant,
            size = size,
            srcs = ["program.py"],
            args = ["$(rootpath %s)" % label for label in [_LIBRARY] + binaries] + words,
            data = [_LIBRARY, package + "//:all"] + binaries + data,
            main = name + "_test.py",
            tags = tags,
        )
