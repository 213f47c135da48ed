"""The canary under a fuzzer: it is found, and the line printed repeats it in the host's test program.

canary_test.py FUZZER HOST_PROGRAM
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

import fuzz

HOST = os.path.abspath(sys.argv.pop(2))
FUZZER = os.path.abspath(sys.argv.pop(1))


def run(command):
    """The program's exit status and output. Its failures are what is expected here, so it must not write this test's own XML report."""
    environment = {name: value for name, value in os.environ.items() if name != "XML_OUTPUT_FILE"}
    result = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=50,
        check=False,
        env=environment,
    )
    return result.returncode, result.stdout.decode("utf-8", "replace")


class CanaryTest(unittest.TestCase):
    def test_the_canary_is_found_and_replays(self):
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as folder:
            options = ["-seed=1", "-runs=1000000", "-artifact_prefix=" + os.path.join(folder, "finding_")]
            fuzz.write_seeds(folder, "canary")
            code, output = run(fuzz.command_line(FUZZER, "canary.the_canary_dies", folder, None, options))
        self.assertNotEqual(code, 0, output)
        lines = re.findall(r"^replay: (canary\.the_canary_dies:\S+)$", output, re.MULTILINE)
        self.assertEqual(len(lines), 1, output)
        code, output = run([HOST, "--quarry_replay=" + lines[0]])
        self.assertNotEqual(code, 0)
        self.assertIn("replay: %s\n" % lines[0], output)
        self.assertIn("[  FAILED  ] canary.the_canary_dies", output)

    def test_a_pattern_that_names_nothing_is_refused(self):
        code, output = run([FUZZER, "--quarry_property=nonsense"])
        self.assertEqual(code, 2, output)

    def test_a_smoke_test_fails_on_a_finding(self):
        self.assertIsNotNone(fuzz.run_test(FUZZER, "canary.the_canary_dies", 1000000))
        self.assertIsNone(fuzz.run_test(FUZZER, "canary.the_miner_lives", 100))


if __name__ == "__main__":
    unittest.main()
