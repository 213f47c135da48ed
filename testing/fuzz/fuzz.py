"""Runs a fuzzer on what a pattern names: for long, or as a test.

    bazel run //testing/fuzz:run -- 'raw_input.any_bytes_are_pvh_data' [--corpus FOLDER] [libFuzzer's options]
    fuzz.py --runs=N PROGRAM PATTERN        a test: so many inputs from a fixed seed

The first inputs are made by seeds.py. With --corpus, what the fuzzer finds interesting is kept there and is where the next run starts. A
finding ends the run with exit status 1 and the line that replays it, on the host or in the kernel.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

import seeds

# Our CPUs take interrupts by SIGUSR1. Memory is an arena of 3 GiB that nobody touches in full.
OPTIONS = ["-handle_usr1=0", "-detect_leaks=0", "-rss_limit_mb=4096", "-timeout=60"]
FIRST_SEED = 20171


def write_seeds(folder, name):
    for index, content in enumerate(seeds.seeds_of(name)):
        with open(os.path.join(folder, "seed_%d" % index), "wb") as file:
            file.write(content)


def command_line(program, name, seed_folder, corpus, options):
    own = [corpus] if corpus else []
    return [os.path.abspath(program), "--quarry_property=" + name, *OPTIONS, *options, *own, seed_folder]


def run_test(program, name, runs):
    """A smoke test: nothing is found, and the number of inputs says that the fuzzer ran at all. Returns what is wrong, or None."""
    scratch = os.environ.get("TEST_TMPDIR")
    keep = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR", scratch or ".")
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        write_seeds(folder, name)
        options = ["-seed=%d" % FIRST_SEED, "-runs=%d" % runs, "-max_len=1024", "-artifact_prefix=" + os.path.join(keep, "")]
        result = subprocess.run(
            command_line(program, name, folder, None, options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    output = result.stdout.decode("utf-8", "replace")
    done = re.search(r"^Done (\d+) runs", output, re.MULTILINE)
    print(output)
    if result.returncode != 0:
        return "the fuzzer ended with status %d" % result.returncode
    if not done or int(done.group(1)) < runs:
        return "the fuzzer did not make its %d runs" % runs
    if not re.search(r"DONE\s+cov: [1-9]", output):
        return "the fuzzer saw no coverage"
    return None


def main():
    parser = argparse.ArgumentParser(description="Runs a fuzzer on properties.", prog="//testing/fuzz:run")
    parser.add_argument("--runs", type=int, help="run as a test, for so many inputs")
    parser.add_argument("--corpus", help="where interesting inputs are kept")
    parser.add_argument("program")
    parser.add_argument("pattern", help="suite.property, or a pattern with *; `list` lists all")
    arguments, options = parser.parse_known_args()
    if arguments.pattern == "list":
        return subprocess.call([os.path.abspath(arguments.program), "--quarry_list"])
    if arguments.runs is not None:
        problem = run_test(arguments.program, arguments.pattern, arguments.runs)
        if problem:
            print(problem)
        return 1 if problem else 0
    program = os.path.abspath(arguments.program)
    os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    if arguments.corpus:
        os.makedirs(arguments.corpus, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="quarry-") as folder:
        write_seeds(folder, arguments.pattern)
        return 1 if subprocess.call(command_line(program, arguments.pattern, folder, arguments.corpus, options)) else 0


if __name__ == "__main__":
    sys.exit(main())
