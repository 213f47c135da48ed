"""The canary on the host: its program must fail, in exactly one test, for exactly the right reason, and repeat that on request.

    canary_test.py PROGRAM
"""

import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

PROGRAM = os.path.abspath(sys.argv.pop(1))
REPLAY = "canary.the_canary_dies:steps=1:choices=7,1000"


class CanaryTest(unittest.TestCase):
    def run_program(self, *arguments, **environment):
        """Returns the exit code, the output, and the failures by test name, from the XML that Bazel would read."""
        with tempfile.TemporaryDirectory() as folder:
            xml = os.path.join(folder, "test.xml")
            variables = {"XML_OUTPUT_FILE": xml, "PATH": os.environ.get("PATH", ""), **environment}
            result = subprocess.run(
                [PROGRAM, *arguments], env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=50, check=False
            )
            self.failures, self.cases = {}, {}
            if os.path.exists(xml):
                for case in ElementTree.parse(xml).getroot().iter("testcase"):
                    name = case.get("classname") + "." + case.get("name")
                    self.cases[name] = case
                    if case.find("failure") is not None:
                        self.failures[name] = case.find("failure").text
        return result.returncode, result.stdout.decode("utf-8", "replace")

    def test_exactly_the_canary_fails(self):
        code, output = self.run_program()
        self.assertNotEqual(code, 0)
        self.assertEqual(sorted(self.cases), ["canary.the_canary_dies", "canary.the_miner_lives"])
        self.assertEqual(list(self.failures), ["canary.the_canary_dies"])
        self.assertIn("replay: %s\n" % REPLAY, self.failures["canary.the_canary_dies"])
        self.assertIn("note: drew 7 and 1000", output)

    def test_every_seed_shrinks_to_the_same(self):
        for seed in range(1, 20):
            code, output = self.run_program("--quarry_seed=%d" % seed, "--quarry_runs=1000")
            self.assertNotEqual(code, 0)
            self.assertIn("replay: %s\n" % REPLAY, output)

    def test_the_replay_fails_alone(self):
        for text in (REPLAY, "replay: " + REPLAY):
            code, output = self.run_program(QUARRY_REPLAY=text)
            self.assertNotEqual(code, 0)
            self.assertEqual((list(self.cases), list(self.failures)), (["canary.the_canary_dies"],) * 2)
            self.assertIn("replay: %s\n" % REPLAY, output)

    def test_a_replay_that_holds_passes(self):
        code, _ = self.run_program("--quarry_replay=" + REPLAY.replace("1000", "999"))
        self.assertEqual((code, self.failures), (0, {}))

    def test_nonsense_is_refused(self):
        for arguments in (("--quarry_replay=nonsense",), ("--quarry_runs=0",), ("--quarry_seed=x",), ("--nonsense",)):
            code, output = self.run_program(*arguments)
            self.assertEqual(code, 2, output)

    def test_a_damaged_replay_fails(self):
        code, _ = self.run_program("--quarry_replay=canary.the_canary_dies:steps=1:choices=x")
        self.assertNotEqual(code, 0)


if __name__ == "__main__":
    unittest.main()
