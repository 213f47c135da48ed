"""Python's own regression tests on our malloc: every object, however small, comes from it (PYTHONMALLOC=malloc).

    python_test LIBRARY PYTHON TEST...
"""

import os
import sys

import program

# These fail here with every malloc: in a sandbox there is one user alone and the library can't be written to, a launcher's shell
# opens files and keeps no odd locale, an interpreter without PYTHONHOME does not find its library, and sockets to a virtual
# machine's host are there without anybody behind them.
IGNORED = [
    "test_close_fds", "test_extra_groups", "test_flags", "test_group", "test_undecodable_env", "test_unpickle_module_race",
    "test_user", "ThreadedVSOCKSocketStreamTest",
]


def main():
    library, python, *tests = sys.argv[1:]
    with program.Programs(library) as run:
        ignored = [word for name in IGNORED for word in ("-i", name)]
        report = run.run(
            os.path.abspath(python), "-m", "test", "-W", "--timeout", "900", *ignored, *tests, timeout=2400,
            environment={"PYTHONMALLOC": "malloc"},
        )
        print(report)
        if "Tests result: SUCCESS" not in report:
            sys.exit("not all of Python's tests passed")
        run.evidence(allocations=1000000, threads=20, processes=50)


if __name__ == "__main__":
    main()
