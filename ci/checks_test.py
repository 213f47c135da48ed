"""Each check notices what it is for: fed a small tree with one thing wrong, it fails and names it; without, it passes."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

CI = os.path.join(os.getcwd(), "ci")
sys.path.insert(0, CI)
BUILD = '# A package.\nfilegroup(\n    name = "sources",\n    srcs = glob(["**"]),\n)\n'


class Tree(unittest.TestCase):
    def check(self, name, files, *arguments):
        """Runs a check on a tree made of `files`; returns (exit status, what it printed)."""
        with tempfile.TemporaryDirectory() as folder:
            for path, text in files.items():
                os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
                with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
                    file.write(text)
            result = subprocess.run(
                [sys.executable, os.path.join(CI, name + ".py"), *[word.replace("%FOLDER%", folder) for word in arguments]],
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                universal_newlines=True,
            )
            return result.returncode, result.stdout

    def assert_passes(self, name, files, *arguments):
        status, text = self.check(name, files, *arguments)
        self.assertEqual(status, 0, text)
        return text

    def assert_complains(self, expected, name, files, *arguments):
        status, text = self.check(name, files, *arguments)
        self.assertNotEqual(status, 0, text)
        self.assertIn(expected, text)


class Checks(Tree):
    def test_an_empty_tree_is_no_success(self):
        for name in ("layers_check", "words_check", "requirements_check", "build_files_check", "death_tests_check"):
            self.assert_complains("nothing to check" if name != "requirements_check" else "", name, {})

    def test_layers(self):
        self.assert_passes("layers_check", {"mm/a.c": '#include "base/list.h"\n#include "mm/kmalloc.h"\n#include "slab.h"\n'})
        self.assert_complains("mm must not know kernel", "layers_check", {"mm/a.c": '#include "kernel/log.h"\n'})
        self.assert_complains("arch must not know mm", "layers_check", {"arch/host/a.c": '#include "mm/pages.h"\n'})
        self.assert_complains("a path out of its folder", "layers_check", {"fs/a.c": '#include "../mm/slab/slab.h"\n'})
        self.assert_complains("the build picks", "layers_check", {"kernel/a.c": "#if defined(__x86_64__)\n"})

    def test_words(self):
        self.assert_passes("words_check", {"mm/a.c": "int a;\n"})
        self.assert_complains("unfinished", "words_check", {"mm/a.c": "/* TO" + "DO */\n"})
        self.assert_complains("somebody's machine", "words_check", {"mm/a.c": '"/home/' + 'ann/x"\n'})
        self.assert_complains("502 lines", "words_check", {"mm/a.c": "int a;\n" * 501})
        self.assert_complains("does not end", "words_check", {"mm/a.c": "int a;"})
        self.assert_complains("a tab", "words_check", {"mm/a.c": "\tint a;\n"})

    def test_requirements(self):
        everything = "/* Validates 1.1-1.15, 2.1–2.14, 3.1-3.12, 4.1-4.12, 5.1-5.10, 6.1-6.10: all. */\n"
        self.assert_passes("requirements_check", {"testing/suites/a.c": everything})
        self.assert_complains("2.14 is named by no", "requirements_check", {"testing/suites/a.c": everything.replace("2.14", "2.13")})

    def test_death_tests(self):
        from death_tests_check import EXCEPTIONS  # they have to be found in any tree

        excepted = "".join('CHECK(a, "%s");\n' % message for message in EXCEPTIONS)
        source = excepted + '#define FAIL(text) CHECK(0, text)\n/* CHECK(a, "x") */ CHECK(f(a, ")"), "a mistake");\nDEBUG_CHECK(a);\n'
        table = 'static const check_site_t sites[] = {\n    [A] = {"a site", "a", __FILE__, 1},\n};\n'
        row = '    MISTAKE(making_it, "a mistake"),\n'
        self.assert_passes("death_tests_check", {"mm/a.c": source, "testing/host/a.c": row})
        self.assert_complains('"a mistake" has no death test', "death_tests_check", {"mm/a.c": source})
        self.assert_complains('"a site" has no death test', "death_tests_check", {"mm/a.c": source + table, "testing/host/a.c": row})
        self.assert_complains("whose message is no string", "death_tests_check", {"mm/a.c": source + "CHECK(a, b);", "testing/host/a.c": row})
        self.assert_complains("no check says it", "death_tests_check", {"mm/a.c": excepted, "testing/host/a.c": row})
        self.assert_complains("no exception any more", "death_tests_check", {"mm/a.c": source.replace(excepted, ""), "testing/host/a.c": row})

    def test_build_files(self):
        self.assert_passes("build_files_check", {"mm/BUILD": BUILD})
        self.assert_complains("opens without a comment", "build_files_check", {"mm/BUILD": BUILD[BUILD.index("filegroup") :]})
        self.assert_complains("no filegroup", "build_files_check", {"mm/BUILD": BUILD.replace("sources", "others")})
        self.assert_complains("never used", "build_files_check", {"mm/BUILD": '# A.\nload("//a:a.bzl", "unused")\n' + BUILD})
        self.assert_complains("out of order", "build_files_check", {"mm/BUILD": BUILD + 'a(\n    name = "a",\n    srcs = ["b", "a"],\n)\n'})
        self.assert_complains("`name` comes first", "build_files_check", {"mm/BUILD": BUILD + 'a(srcs = [], name = "a")\n'})
        self.assert_complains("no comma", "build_files_check", {"mm/BUILD": BUILD.replace("),\n)", "),\n)").replace("]),", "])")})
        self.assert_complains("single quotes", "build_files_check", {"mm/BUILD": BUILD + "a(name = 'a')\n"})


class Count(Tree):
    """What Bazel says about one test, turned into cases."""

    def events(self, status="PASSED", xml="%FOLDER%/test.xml", is_complete=True):
        label = "//a:a_test"
        lines = [{"id": {"targetConfigured": {"label": label}}, "configured": {"testSize": "SMALL"}}]
        if status:
            outputs = [{"name": "test.xml", "uri": "file://" + xml}] if xml else []
            lines.append({"id": {"testResult": {"label": label}}, "testResult": {"status": status, "testActionOutput": outputs}})
        lines.append({"id": {}, "lastMessage": is_complete})
        return "".join(json.dumps(line) + "\n" for line in lines)

    def count(self, xml, expect_success, expected, **options):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "test.xml"), "w", encoding="utf-8") as file:
                file.write(xml)
            events = self.events(**options).replace("%FOLDER%", folder)
            status, text = self.check("count", {"run.json": events}, "%FOLDER%")
        self.assertEqual(text.splitlines()[-1], expected, text)
        self.assertEqual(status == 0, expect_success, text)

    def test_cases_are_summed(self):
        self.count('<a><testcase name="x"/><testcase name="y"/><testcase name="z"><skipped/></testcase></a>', True, "2 passed, 0 failed")

    def test_a_failed_case_fails(self):
        self.count('<a><testcase name="x"/><testcase name="y"><failure/></testcase></a>', False, "1 passed, 1 failed", status="FAILED")

    def test_a_failed_test_with_passing_cases_fails(self):
        self.count('<a><testcase name="x"/></a>', False, "1 passed, 1 failed", status="TIMEOUT")

    def test_no_case_fails(self):
        self.count("<a/>", False, "0 passed, 1 failed")

    def test_an_unreadable_report_fails(self):
        self.count("<a", False, "0 passed, 1 failed")

    def test_a_test_that_did_not_build_fails(self):
        self.count("<a/>", False, "0 passed, 1 failed", status=None)

    def test_a_run_that_was_cut_short_fails(self):
        self.count('<a><testcase name="x"/></a>', False, "1 passed, 1 failed", is_complete=False)

    def test_scripts_count(self):
        status, text = self.check("count", {"a.script": "a passed\n", "b.script": "b failed\n"}, "%FOLDER%")
        self.assertEqual((status, text.splitlines()[-1]), (1, "1 passed, 1 failed"))


if __name__ == "__main__":
    unittest.main()
