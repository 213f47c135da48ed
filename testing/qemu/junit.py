"""Writes the XML that Bazel shows: JUnit's, one test case a row."""

import re
import xml.etree.ElementTree as ElementTree

# What XML 1.0 can't hold at all (section 2.2).
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text):
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


class Case:
    def __init__(self, name, failure=None, properties=None):
        self.name = name  # suite.property
        self.failure = failure  # None, or what went wrong
        self.properties = properties or {}


def write(path, suite_name, cases, seconds, output):
    suite = ElementTree.Element(
        "testsuite",
        name=suite_name,
        tests=str(len(cases)),
        failures=str(sum(case.failure is not None for case in cases)),
        errors="0",
        time="%.3f" % seconds,
    )
    for case in cases:
        group, _, name = case.name.rpartition(".")
        element = ElementTree.SubElement(suite, "testcase", classname=clean(group or suite_name), name=clean(name), time="0")
        if case.properties:
            properties = ElementTree.SubElement(element, "properties")
            for key, value in sorted(case.properties.items()):
                ElementTree.SubElement(properties, "property", name=clean(key), value=clean(value))
        if case.failure is not None:
            failure = ElementTree.SubElement(element, "failure", message=clean(case.failure.split("\n")[0]))
            failure.text = clean(case.failure)
    ElementTree.SubElement(suite, "system-out").text = clean(output)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
