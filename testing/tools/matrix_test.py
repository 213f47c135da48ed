"""The matrix's own tests."""

import os
import tempfile
import unittest

import matrix

CASE = (
    '<testcase classname="{0}" name="{1}"><properties><property name="requirements" value="{2}"/>'
    '<property name="platform" value="{3}"/></properties>{4}</testcase>'
)


class MatrixTest(unittest.TestCase):
    def collect(self, *files):
        with tempfile.TemporaryDirectory() as folder:
            for number, cases in enumerate(files):
                os.makedirs(os.path.join(folder, str(number), "shard"))
                with open(os.path.join(folder, str(number), "shard", "test.xml"), "w", encoding="utf-8") as file:
                    file.write("<testsuites><testsuite>%s</testsuite></testsuites>" % "".join(cases))
            return matrix.collect([folder])

    def test_rows_and_columns(self):
        found = self.collect(
            [CASE.format("slab", "x", "1.1 1.10", "host", ""), CASE.format("slab", "y", "1.1", "host", "")],
            [CASE.format("slab", "x", "1.1 1.10", "x86_64", ""), '<testcase classname="other" name="z"/>'],
        )
        lines, complaints = matrix.table(found, matrix.parse_owed("1.1,1.10"))
        self.assertEqual(complaints, [])
        self.assertEqual([line.split() for line in lines], [["requirement", "host", "x86_64"], ["1.1", "2", "1"], ["1.10", "1", "1"]])

    def test_what_is_owed_and_missing(self):
        found = self.collect([CASE.format("slab", "x", "1.1", "host", ""), CASE.format("slab", "y", "1.2", "x86_64", "")])
        _, complaints = matrix.table(found, matrix.parse_owed("1.1-1.3"))
        self.assertEqual(len(complaints), 4)
        self.assertIn("1.1 is validated by nothing on x86_64", complaints)
        self.assertIn("1.3 is validated by nothing on host", complaints)

    def test_a_failure_anywhere_is_a_failure(self):
        passing = CASE.format("slab", "x", "1.1", "x86_64", "")
        failing = CASE.format("slab", "x", "1.1", "x86_64", '<failure message="no"/>')
        for files in (([passing], [failing]), ([failing], [passing])):
            _, complaints = matrix.table(self.collect(*files), [])
            self.assertEqual(complaints, ["1.1 fails on x86_64"])

    def test_the_parity_table(self):
        found = self.collect(
            [CASE.format("slab", "b", "1.1", "host", ""), CASE.format("slab", "a", "1.1", "host", "")],
            [CASE.format("slab", "b", "1.1 1.2", "x86_64", ""), CASE.format("slab", "c", "1.1", "x86_64", "<failure/>")],
        )
        self.assertEqual(
            matrix.parity_table(found),
            [
                "| | validated on every platform by | host | x86_64 |",
                "|---|---|---|---|",
                "| 1.1 | `slab.b` | yes | FAIL |",
                "| 1.2 | - | - | yes |",
            ],
        )

    def test_writing_and_checking(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "README.md")
            with open(path, "w", encoding="utf-8") as file:
                file.write("above\n%s\nold\n%s\nbelow\n" % (matrix.MARK_START, matrix.MARK_END))
            self.assertEqual(len(matrix.update(path, ["| new |"], True)), 1)
            self.assertEqual(matrix.update(path, ["| new |"], False), [])
            self.assertEqual(matrix.update(path, ["| new |"], True), [])
            with open(path, encoding="utf-8") as file:
                text = file.read()
            self.assertEqual(text, "above\n%s\n\n| new |\n\n%s\nbelow\n" % (matrix.MARK_START, matrix.MARK_END))
            with open(path, "w", encoding="utf-8") as file:
                file.write("no marks\n")
            self.assertEqual(len(matrix.update(path, ["| new |"], False)), 1)

    def test_nothing_found(self):
        self.assertEqual(matrix.table(self.collect(), ["1.1"])[1], ["no results were found"])

    def test_ranges(self):
        self.assertEqual(matrix.parse_owed("1.9-1.11,2.3"), ["1.9", "1.10", "1.11", "2.3"])
        for text in ("1", "1.2-2.3", "1.5-1.2", "a.b"):
            with self.assertRaises(ValueError):
                matrix.parse_owed(text)


if __name__ == "__main__":
    unittest.main()
