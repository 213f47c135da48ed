"""The program behind `bazel run //:qemu_x86_64`: commands run and their status comes out, without a terminal, on every boot path.

    run_test.py PROGRAM
"""

import os
import subprocess
import sys
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1))
SECONDS_MAX = 100


def run(*arguments, typed=""):
    """Returns the exit status and all that was said."""
    result = subprocess.run(
        [PROGRAM, *arguments],
        input=typed.encode("ascii"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS_MAX,
        check=False,
    )
    return result.returncode, result.stdout.decode("utf-8", "replace")


class RunTest(unittest.TestCase):
    def assert_runs(self, status, says, *arguments, typed=""):
        code, output = run(*arguments, typed=typed)
        self.assertEqual(code, status, output)
        self.assertIn(says, output)

    def test_commands_and_their_status(self):
        self.assert_runs(0, "name mem", "--run", "stat //kern/mem")
        self.assert_runs(1, "cat: //nowhere: not found", "--run", "cat //nowhere; echo on")
        self.assert_runs(4, "nonsense: no such command", "--run", "nonsense")
        self.assert_runs(3, "usage: stat path", "--run", "stat")
        self.assert_runs(7, "status 7", "--run", "poweroff 7; echo never")
        self.assert_runs(2, "panic asked for in the shell", "--run", "panic now")

    def test_options_reach_the_machine(self):
        self.assert_runs(0, "cpus: 3 of 3 run", "--cpus", "3", "--memory", "48M", "--append", "mark=here", "--run", "cat //kern/cmdline")
        self.assert_runs(0, "mark=here", "--append", "mark=here", "--run", "cat //kern/cmdline")
        self.assert_runs(1, "say \"a;b\": not found", "--run", "cat '//say \"a;b\"'")

    def test_the_other_boot_path(self):
        self.assert_runs(4, "nonsense: no such command", "--boot", "bios", "--run", "nonsense")

    def test_lines_from_a_pipe(self):
        self.assert_runs(5, "name cmdline", typed="stat //kern/cmdline\rpoweroff 5\r")
        self.assert_runs(0, "quarry> ", typed="")

    def test_what_no_machine_takes_is_refused(self):
        for says, *arguments in (
            ("needs 4M of memory", "--memory", "2M"),
            ("needs 8M of memory", "--boot", "bios", "--memory", "7M"),
            ("needs 64M of memory", "--boot", "uefi", "--memory", "32M"),
            ("a size is a number", "--memory", "many"),
            ("cpus", "--cpus", "0"),
            ("boot path", "--boot", "floppy"),
        ):
            self.assert_runs(2, says, *arguments, "--run", "echo never")


if __name__ == "__main__":
    unittest.main()
