"""The judge's own tests: it must notice every way in which a guest can fail to do what was promised."""

import contextlib
import io
import os
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ElementTree
from unittest import mock

import costs
import judge
import ktap
import machines
import session

FAKE_GUEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake_guest.py")

PASSING = """\
[    0.001000] quarry is up
KTAP version 1
1..2
ok 1 a.x # requirements=1.1,2.3 runs=20
[    0.002000] a line of the log between the rows
ok 2 a.y
"""
FAILING = PASSING.replace("ok 2 a.y", "# a.y failed in run 3\n# replay: a.y:steps=1:choices=7,1000\nnot ok 2 a.y")


class KtapTest(unittest.TestCase):
    def judge(self, text, status=0, reason=None):
        return ktap.judge(text.split("\n"), status, reason)

    def assert_problem(self, part, text, status=0, reason=None):
        verdict = self.judge(text, status, reason)
        self.assertFalse(verdict.passed)
        self.assertTrue(any(part in problem for problem in verdict.problems), verdict.problems)

    def test_all_as_promised(self):
        verdict = self.judge(PASSING)
        self.assertEqual(verdict.problems, [])
        self.assertTrue(verdict.passed)
        self.assertEqual([row.name for row in verdict.rows], ["a.x", "a.y"])
        self.assertEqual(verdict.rows[0].properties, {"requirements": "1.1 2.3", "runs": "20"})

    def test_a_failed_row_fails_and_keeps_its_story(self):
        verdict = self.judge(FAILING, status=1)
        self.assertEqual(verdict.problems, [])
        self.assertFalse(verdict.passed)
        self.assertEqual(verdict.rows[1].story, ["a.y failed in run 3", "replay: a.y:steps=1:choices=7,1000"])
        self.assertEqual(verdict.rows[0].story, [])

    def test_silence(self):
        self.assert_problem("no 'KTAP version 1' line", "")
        self.assert_problem("no 'KTAP version 1' line", "1..1\nok 1 a.x\n")

    def test_no_plan(self):
        self.assert_problem("no plan", PASSING.replace("1..2\n", ""))

    def test_an_empty_plan(self):
        self.assert_problem("no tests: no test of this image", "KTAP version 1\n# no test of this image\n1..0\n", status=2)
        self.assert_problem("no tests", "KTAP version 1\n1..0\n", status=0)

    def test_a_missing_row(self):
        self.assert_problem("1 rows of 2 planned", PASSING.replace("ok 2 a.y\n", ""))

    def test_a_row_too_many(self):
        self.assert_problem("3 rows of 2 planned", PASSING + "ok 3 a.z\n")

    def test_rows_out_of_order(self):
        self.assert_problem("row 3 where row 2 was due", PASSING.replace("ok 2 a.y", "ok 3 a.y"))

    def test_one_row_twice(self):
        self.assert_problem("a second row for a.x", PASSING.replace("ok 2 a.y", "ok 2 a.x"))

    def test_a_torn_row(self):
        self.assert_problem("can't be read", PASSING.replace("ok 2 a.y", "ok 2"))
        self.assert_problem("rows of 2", PASSING.replace("ok 2 a.y", "o[    0.1] noise\nk 2 a.y"))

    def test_starting_again(self):
        self.assert_problem("started again", PASSING + PASSING)

    def test_a_panic(self):
        self.assert_problem("has stopped", PASSING + "[    1.000000] panic on cpu 1: double free\n")
        self.assert_problem("has stopped", "[    1.000000] panic on cpu 0: no memory\n", status=101)
        self.assert_problem("has stopped", PASSING + "panic inside a panic\n")

    def test_exit_status(self):
        self.assert_problem("contradicts", PASSING, status=1)
        self.assert_problem("contradicts", FAILING, status=0)
        self.assert_problem("without a verdict", PASSING, status=None)

    def test_killed(self):
        self.assert_problem("killed: nothing said for 9 seconds", PASSING, status=None, reason="nothing said for 9 seconds")


class SessionTest(unittest.TestCase):
    def run_guest(self, script, silence=20, total=40, **options):
        return session.run([sys.executable, "-S", "-s", FAKE_GUEST, repr(script)], silence, total, **options)

    def test_output_and_code(self):
        ending = self.run_guest([("say", "one\r\ntwo\r\n"), ("exit", 3)])
        self.assertEqual((ending.lines(), ending.code, ending.reason), (["one", "two", ""], 3, None))

    def test_input_reaches_the_guest(self):
        ending = self.run_guest([("echo",), ("exit", 1)], feed=b"help\n")
        self.assertEqual(ending.output, b"help\n")
        ending = self.run_guest([("say", "$ "), ("echo",), ("exit", 1)], feed=b"help\n", feed_after=b"$ ")
        self.assertEqual(ending.output, b"$ help\n")

    def test_bytes_that_are_no_text(self):
        ending = self.run_guest([("say", "\xff\xfe\x00ok\n"), ("exit", 1)])
        self.assertIn("ok", ending.lines()[0])

    def test_silence_is_a_hang(self):
        started = time.monotonic()
        ending = self.run_guest([("say", "booting\n"), ("sleep", 60)], silence=3)
        self.assertLess(time.monotonic() - started, 20)
        self.assertIsNone(ending.code)
        self.assertIn("nothing said for 3 seconds", ending.reason)
        self.assertEqual(ending.output, b"booting\n")

    def test_talking_for_ever_is_a_hang_too(self):
        script = [("say", "."), ("sleep", 0.1)] * 400
        ending = self.run_guest(script, silence=20, total=0.7)
        self.assertIn("still running after 0.7 seconds", ending.reason)

    def test_closing_the_line_without_an_end(self):
        ending = self.run_guest([("say", "bye\n"), ("close",), ("sleep", 60)], silence=0.5, total=1)
        self.assertIn("did not end", ending.reason)

    def test_a_flood(self):
        ending = self.run_guest([("flood", 1 << 20), ("sleep", 60)], output_max=1 << 18)
        self.assertIn("bytes of output", ending.reason)

    def test_a_program_that_is_not_there(self):
        with self.assertRaises(FileNotFoundError):
            session.run(["/nonexistent/qemu"], 1, 1)


class JudgeTest(unittest.TestCase):
    """From a guest to the exit status and the XML."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.xml = os.path.join(self.folder.name, "test.xml")

    def run_judge(self, script, beside_script=None, **changes):
        """With beside_script for the guest that has `beside` as its memory."""
        config = {
            "name": "t", "platform": "x86_64", "boot": "direct", "memory": "128M", "cpus": 1, "expects": "ktap",
            "silence_seconds": 20, "total_seconds": 40, "files": {"qemu": "-", "kernel": "-"},
        }
        config.update(changes)

        def fake_command(*_, memory, **__):
            return [sys.executable, "-S", "-s", FAKE_GUEST, repr(beside_script if memory == config.get("beside") else script)]

        output = io.StringIO()
        with mock.patch.object(machines, "command", fake_command), contextlib.redirect_stdout(output):
            result = judge.run_test(config, {"XML_OUTPUT_FILE": self.xml, "TEST_TMPDIR": self.folder.name})
        self.output = output.getvalue()
        suite = ElementTree.parse(self.xml).getroot().find("testsuite")
        self.cases = {case.get("classname") + "." + case.get("name"): case for case in suite.iter("testcase")}
        self.failed = sorted(name for name, case in self.cases.items() if case.find("failure") is not None)
        self.assertEqual(int(suite.get("failures")), len(self.failed))
        return result

    def test_passing(self):
        self.assertEqual(self.run_judge([("say", PASSING), ("exit", 1)]), 0)
        self.assertEqual((sorted(self.cases), self.failed), (["a.x", "a.y"], []))
        properties = {p.get("name"): p.get("value") for p in self.cases["a.x"].iter("property")}
        self.assertEqual(properties["requirements"], "1.1 2.3")
        self.assertEqual(properties["platform"], "x86_64")

    def test_failing(self):
        self.assertEqual(self.run_judge([("say", FAILING), ("exit", 3)]), 1)
        self.assertEqual(self.failed, ["a.y"])
        self.assertIn("choices=7,1000", self.cases["a.y"].find("failure").text)
        self.assertIn("serial line", self.output)

    def test_every_other_end_fails(self):
        for script in (
            [("exit", 1)],
            [("say", PASSING), ("exit", 3)],
            [("say", PASSING), ("exit", 0)],
            [("say", PASSING), ("exit", 2)],
            [("say", FAILING), ("exit", 1)],
            [("say", PASSING[:-9]), ("exit", 1)],
            [("say", "\x00\x1b[2J\xff"), ("exit", 1)],
        ):
            self.assertEqual(self.run_judge(script), 1, script)
            self.assertNotEqual(self.failed, [])

    def test_a_hang_shows_the_serial_line(self):
        self.assertEqual(self.run_judge([("say", PASSING), ("sleep", 60)], silence_seconds=3), 1)
        self.assertEqual(self.failed, ["run.t"])
        self.assertIn("quarry is up", self.output)
        self.assertIn("nothing said for 3 seconds", self.output)

    def test_the_canary(self):
        wanted = {"expects": "failure", "failing_row": "a.y", "failing_line": "replay: a.y:steps=1:choices=7,1000"}
        self.assertEqual(self.run_judge([("say", FAILING), ("exit", 3)], **wanted), 0)
        for script in (
            [("say", PASSING), ("exit", 1)],
            [("say", FAILING), ("exit", 1)],
            [("say", FAILING.replace("7,1000", "7,1001")), ("exit", 3)],
            [("say", FAILING.replace("ok 1 a.x", "not ok 1 a.x")), ("exit", 3)],
            [("say", FAILING.replace("\nok 1 a.x", "\nnot ok 1 a.x").replace("not ok 2", "ok 2")), ("exit", 3)],
        ):
            self.assertEqual(self.run_judge(script, **wanted), 1, script)

    def test_the_canary_on_the_host(self):
        story = "# a.y failed in run 3\n# first said\n# shrunk in 5 attempts:\n#   note: n\n# wrong: b\n# replay: a.y:steps=1:choices=7,1000\n"
        guest = [("say", PASSING.replace("ok 2 a.y", story + "not ok 2 a.y")), ("exit", 3)]
        told = "  note: n\nwrong: b\nreplay: a.y:steps=1:choices=7,1000\n"
        wanted = {"expects": "failure", "failing_row": "a.y", "failing_line": "replay: a.y:steps=1:choices=7,1000"}
        for says, code, verdict in (
            ("x\n" + told, 1, 0),
            (told, 0, 1),  # it passes there
            (told.replace("wrong: b", "wrong: c"), 1, 1),
            (told.replace("wrong: b\n", "") + "wrong: b\n", 1, 1),  # not in this order
            (told.replace("1000", "1001"), 1, 1),
            ("", 1, 1),
        ):
            host = os.path.join(self.folder.name, "host")
            with open(host, "w", encoding="utf-8") as file:
                file.write("#!/bin/sh\n[ \"$*\" = --quarry_replay=a.y:steps=1:choices=7,1000 ] || exit 9\n")
                file.write("cat <<'END'\n%sEND\nexit %d\n" % (says, code))
            os.chmod(host, 0o755)
            self.assertEqual(self.run_judge(guest, **wanted, files={"host": host}), verdict, (says, self.output))

    def test_text(self):
        wanted = {"expects": "text", "has": ["one", "three"], "status": 0}
        self.assertEqual(self.run_judge([("say", "one\ntwo\nthree\n"), ("exit", 1)], **wanted), 0)
        self.assertEqual(self.run_judge([("say", "three\none\n"), ("exit", 1)], **wanted), 1)
        self.assertEqual(self.run_judge([("say", "one\nthree\n"), ("exit", 3)], **wanted), 1)
        self.assertEqual(self.run_judge([("say", "one\nthree\n"), ("exit", 0)], **wanted), 1)
        self.assertEqual(self.run_judge([("say", "one\nthree\n"), ("exit", 0)], **dict(wanted, status=None)), 0)

    def test_costs(self):
        path = os.path.join(self.folder.name, "budgets.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("# a comment\nx86_64 pair 60 Linux 6.12: 195\naarch64 pair 1\nx86_64 other 10.5\n")
        wanted = {"expects": "costs", "files": {"budgets": path}}
        good = "cost pair 6000\ncost other 1050\ncosts 2\n"
        self.assertEqual(self.run_judge([("say", good), ("exit", 1)], **wanted), 0)
        self.assertEqual(sorted(self.cases), ["cost.other", "cost.pair"])
        self.assertEqual(self.run_judge([("say", good.replace("6000", "6001")), ("exit", 1)], **wanted), 1)
        self.assertEqual(self.failed, ["cost.pair"])
        for script in (
            [("say", "cost pair 6000\ncosts 1\n"), ("exit", 1)],
            [("say", "cost pair 6000\ncost other 1050\n"), ("exit", 1)],
            [("say", good.replace("costs 2", "cost new 1\ncosts 3")), ("exit", 1)],
            [("say", good.replace("costs 2", "cost pair 1\ncosts 2")), ("exit", 1)],
            [("say", good), ("exit", 3)],
            [("say", good), ("exit", 0)],
        ):
            self.assertEqual(self.run_judge(script, **wanted), 1, script)

    def test_costs_beside_another_memory(self):
        path = os.path.join(self.folder.name, "budgets.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("x86_64 boot 120\n")
        wanted = {"expects": "costs", "files": {"budgets": path}, "beside": "1T", "beside_percent": 10}
        guest = [("say", "cost boot 10000\ncosts 1\n"), ("exit", 1)]
        for other, verdict in (
            ("cost boot 10000\n", 0),
            ("cost boot 11000\n", 0),
            ("cost boot 9091\n", 0),
            ("cost boot 11001\n", 1),
            ("cost boot 9090\n", 1),
            ("cost boot 10000\ncost more 1\n", 1),  # measured in one run only
            ("", 1),
        ):
            self.assertEqual(self.run_judge(guest, [("say", other + "costs 1\n"), ("exit", 1)], **wanted), verdict, other)
            self.assertEqual(bool(self.failed), verdict != 0)
        self.assertEqual(self.run_judge([("exit", 1)], [("exit", 1)], **wanted), 1)
        self.assertIn("beside.costs", self.failed)

    def test_budgets_that_make_no_sense(self):
        for text in ("x86_64 pair", "x86_64 pair many", "x86_64 pair -1", "x86_64 pair 1\nx86_64 pair 2"):
            with self.assertRaises(ValueError):
                costs.read_budgets(text, "x86_64")

    def test_the_environment_reaches_the_guest(self):
        config = {"append": "quiet", "expects": "ktap"}
        environment = {"QUARRY_REPLAY": "replay: a.y:steps=1:choices=7,1000", "QUARRY_SEED": "0x12", "PATH": "/bin"}
        self.assertEqual(judge.append_of(config, environment), "quiet seed=0x12 replay=a.y:steps=1:choices=7,1000")
        self.assertEqual(judge.append_of(dict(config, expects="failure"), environment), "quiet")


class MachinesTest(unittest.TestCase):
    FILES = {"qemu": "qemu", "kernel": "k", "iso": "i", "disk": FAKE_GUEST, "u_boot": "u", "ovmf_code": "c", "ovmf_vars": FAKE_GUEST}

    def command(self, boot, platform="x86_64", **options):
        with tempfile.TemporaryDirectory() as folder:
            return machines.command(machines.find(platform, boot), self.FILES, folder, memory="256M", **options)

    def test_always_tcg(self):
        for platform, boot in machines.MACHINES:
            for counting in (False, True):
                words = self.command(boot, platform, counts_instructions=counting)
                self.assertEqual(words.count("-accel"), 1)
                self.assertTrue(words[words.index("-accel") + 1].startswith("tcg"))

    def test_the_command_line_reaches_each_boot_path(self):
        self.assertIn("a=b c", self.command("direct", append="a=b c"))
        for boot in ("bios", "uefi"):
            self.assertTrue(any("append.tar" in word for word in self.command(boot, append="a=b c")))
        for platform in ("aarch64", "riscv64"):
            self.assertIn("a=b c", self.command("direct", platform, append="a=b c"))
            self.assertTrue(any("boot.disk" in word for word in self.command("uboot", platform, append="a=b c")))

    def test_words_for_u_boot(self):
        blank = bytes(2048 * machines.SECTOR) + b"partition"
        disk = machines.u_boot_disk(blank, 'run="a\\b"')
        self.assertEqual(len(disk), len(blank))
        self.assertEqual(disk[: machines.SECTOR], blank[: machines.SECTOR])
        self.assertEqual(disk[machines.SECTOR :].partition(b"\0")[0], b'bootargs=run="a\\\\b"\n')
        self.assertTrue(disk.endswith(b"\0partition"))
        with self.assertRaises(machines.Refused):
            machines.u_boot_disk(blank, "\\" * machines.U_BOOT_WORDS_MAX)

    def test_much_memory_is_taken_as_it_is_touched(self):
        for platform in ("x86_64", "aarch64", "riscv64"):
            for memory, is_sparse in (("15G", False), ("16G", True), ("1T", True)):
                words = machines.command(machines.find(platform, "direct"), self.FILES, "/", memory=memory)
                self.assertEqual(any("size=%s,reserve=off" % memory in word for word in words), is_sparse)
                self.assertEqual(words[words.index("-m") + 1], memory)

    def test_nonsense_is_refused(self):
        for text in ("", "0M", "12", "128MB", "-1M", "1.5G", "5T", "999999999999T"):
            with self.assertRaises(machines.Refused):
                machines.parse_memory(text)
        for text in ("", "0", "65", "-1", "two"):
            with self.assertRaises(machines.Refused):
                machines.parse_cpus(text)
        for arguments in (("x86_64", "floppy"), ("z80", "direct")):
            with self.assertRaises(machines.Refused):
                machines.find(*arguments)
        with self.assertRaises(machines.Refused):
            self.command("direct", append="a\nb")
        with self.assertRaises(machines.Refused):
            machines.command(machines.find("x86_64", "uefi"), {"qemu": "q", "iso": "i"}, "/")
        with self.assertRaises(machines.Refused):
            machines.command(machines.find("riscv64", "uboot"), self.FILES, "/", memory="128M")

    def test_words_are_split_and_quoted_as_the_kernel_has_it(self):
        for text, words in (
            ("", []),
            ("  a  b=c ", ["a", "b=c"]),
            ("run='ls //; stat x' q", ["run=ls //; stat x", "q"]),
            ('run="say \\"hi\\"" x', ['run=say "hi"', "x"]),
            ('"run=ls //"', ["run=ls //"]),
            ("a='it is", ["a=it is"]),
            ("a\\ b", ["a b"]),
            ("''", [""]),
        ):
            self.assertEqual(machines.split_words(text), words, text)
        for word in ("a", "a=b", "run=ls; stat x", 'say="hi" \\ there'):
            self.assertEqual(machines.split_words(machines.quote_word(word)), [word])

    def test_exit_codes(self):
        self.assertEqual([machines.debug_exit_status(code) for code in (0, 1, 2, 3, 201)], [None, 0, None, 1, 100])
        self.assertEqual([machines.own_status(code) for code in (0, 1, 77, -9)], [0, 1, 77, None])


if __name__ == "__main__":
    unittest.main()
