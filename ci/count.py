"""Counts test cases from what Bazel wrote about test runs.

    bazel test //... --build_event_json_file=/tmp/run/tests.json
    bazel run //ci:count -- /tmp/run

The folder holds Bazel's event files (`*.json`), each of which names the JUnit XML of every test that ran or was cached, and
results of scripts (`*.script`, "name passed" or "name failed"). Failed cases are named; the last line is the sum. A target that
did not build, or ended without an XML or without a case in it, is one failed case: silence never passes.
"""

import json
import os
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree


def xml_cases(path):
    """(name, has failed) of every case in a JUnit file; cases that were skipped are left out."""
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("skipped") is not None or case.get("status") == "notrun":
            continue
        name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
        yield name, case.find("failure") is not None or case.find("error") is not None


def read_events(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def tags_left_out(event):
    """The tags whose tests the run was told to leave out: `--test_tag_filters=-qemu,-check`."""
    words = event.get("optionsParsed", {}).get("cmdLine", [])
    filters = [word.partition("=")[2] for word in words if word.startswith("--test_tag_filters=")]
    return {tag[1:] for tag in ",".join(filters).split(",") if tag.startswith("-")}


def run_cases(path):
    """(label and case, has failed) for every test of one Bazel run."""
    expected, seen = set(), set()
    is_complete = False
    left_out = set()
    for event in read_events(path):
        identity = event.get("id", {})
        is_complete = is_complete or event.get("lastMessage", False)
        left_out |= tags_left_out(event)
        configured = event.get("configured", {})
        if "targetConfigured" in identity and configured.get("testSize") and not left_out & set(configured.get("tag", [])):
            expected.add(identity["targetConfigured"]["label"])
        if "targetCompleted" in identity and event.get("aborted", {}).get("reason") == "SKIPPED":
            expected.discard(identity["targetCompleted"]["label"])
        if "testResult" not in identity:
            continue
        label = identity["testResult"]["label"]
        result = event.get("testResult", {})
        has_passed = result.get("status") == "PASSED"
        cases = []
        for output in result.get("testActionOutput", []):
            if output.get("name") == "test.xml":
                file = urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path)
                try:
                    cases = list(xml_cases(file))
                except (OSError, ElementTree.ParseError) as error:
                    cases = [("test.xml can't be read: %s" % error, True)]
        if not cases or (not has_passed and not any(failed for _, failed in cases)):
            shard = identity["testResult"].get("shard", 0)
            # A shard can be left without a case of its own; a whole test can't.
            if has_passed and shard > 1:
                continue
            cases.append(("ended as %s" % result.get("status", "unknown"), not has_passed or not cases))
        seen.add(label)
        for name, failed in cases:
            yield "%s %s" % (label, name), failed
    for label in sorted(expected - seen):
        yield "%s has no result: it did not build or did not run" % label, True
    if not is_complete:
        yield "%s ends early: Bazel was stopped" % os.path.basename(path), True


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        sys.exit(__doc__)
    folder = sys.argv[1]
    passed = failed = 0
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.endswith(".json"):
            cases = list(run_cases(path))
        elif name.endswith(".script"):
            with open(path, encoding="utf-8") as file:
                cases = [(line.strip(), not line.strip().endswith(" passed")) for line in file if line.strip()]
        else:
            continue
        bad = [case for case, is_bad in cases if is_bad]
        print("%-14s %d passed, %d failed" % (name.rpartition(".")[0], len(cases) - len(bad), len(bad)))
        for case in bad:
            print("    FAILED %s" % case)
        passed += len(cases) - len(bad)
        failed += len(bad)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
