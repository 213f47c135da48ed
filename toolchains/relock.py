"""Rewrites packages.lock: the exact packages of Debian 12 that the build uses.

    bazel run //toolchains:relock

Reads packages.ini, asks apt's own metadata for the current candidates, follows their dependencies, and writes one line a
package. apt runs with private lists and an empty list of installed packages, through `fetch.sh`, so neither root nor the
state of this machine matters; the sources are the machine's own, or QUARRY_MIRROR's. Nothing is written unless every
package was found.
"""

import argparse
import collections
import configparser
import fnmatch
import os
import re
import subprocess
import sys

LOCK_HEADER = """\
# Written by `bazel run //toolchains:relock` from packages.ini; edit that, not this.
#
# group package version architecture sha256 bytes policy
#
# policy: exact = these very bytes or an error; moves = the archive's current version will do once this one is gone.
"""


def split_words(text):
    return [line.split()[0] for line in text.splitlines() if line.strip()]


def read_candidates(fetch_script, architecture):
    """Every package of the archive by name, as apt's candidate versions; and who provides the virtual ones."""
    text = subprocess.run(
        ["sh", fetch_script, "--available", architecture], check=True, stdout=subprocess.PIPE, universal_newlines=True
    ).stdout
    candidates = {}
    providers = collections.defaultdict(list)
    for stanza in text.split("\n\n"):
        fields = {}
        for line in stanza.splitlines():
            name, colon, value = line.partition(":")
            if colon and not name.startswith(" "):
                fields[name] = value.strip()
        if "Package" not in fields:
            continue
        candidates[fields["Package"]] = fields
        for provided in re.split(r",\s*", fields.get("Provides", "")):
            if provided:
                providers[re.split(r"[ (]", provided)[0]].append(fields["Package"])
    return candidates, providers


def dependencies(fields, candidates, providers):
    """The packages that one package needs: the first alternative that the archive has."""
    for relation in re.split(r",\s*", ", ".join(filter(None, (fields.get("Pre-Depends"), fields.get("Depends"))))):
        names = [re.split(r"[ (:\[]", alternative.strip())[0] for alternative in relation.split("|")]
        real = [name for name in names if name in candidates]
        virtual = [provider for name in names for provider in sorted(providers.get(name, []))]
        if real or virtual:
            yield (real + virtual)[0], names
        elif any(names):
            sys.exit("relock: %s needs %s, which no source has" % (fields["Package"], relation))


def closure(section, candidates, providers):
    without = set(split_words(section.get("without", "")))
    unused = set(without)
    wanted = collections.deque(split_words(section["packages"]))
    found = {}
    while wanted:
        name = wanted.popleft()
        if name in found:
            continue
        if name not in candidates:
            sys.exit("relock: no package source has %s; is `apt-get update` complete?" % name)
        found[name] = candidates[name]
        for dependency, alternatives in dependencies(candidates[name], candidates, providers):
            left_out = without.intersection(alternatives + [dependency])
            unused -= left_out
            if not left_out:
                wanted.append(dependency)
    for name in sorted(unused):
        print("relock: [%s] leaves out %s, which nothing there asks for" % (section.name, name), file=sys.stderr)
    return found


def main():
    here = os.path.dirname(os.path.realpath(__file__))
    workspace = os.environ.get("BUILD_WORKSPACE_DIRECTORY")
    folder = os.path.join(workspace, "toolchains") if workspace else here
    parser = argparse.ArgumentParser(description="Rewrites packages.lock from packages.ini and apt's metadata.")
    parser.parse_args()

    wanted = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    with open(os.path.join(folder, "packages.ini"), encoding="utf-8") as file:
        wanted.read_file(file)
    archives = {}

    rows = []
    for group in wanted.sections():
        section = wanted[group]
        architecture = section.get("architecture", "amd64")
        if architecture not in archives:
            archives[architecture] = read_candidates(os.path.join(folder, "fetch.sh"), architecture)
        candidates, providers = archives[architecture]
        exact = split_words(section.get("exact", ""))
        total = 0
        for name, fields in sorted(closure(section, candidates, providers).items()):
            policy = "exact" if any(fnmatch.fnmatchcase(name, pattern) for pattern in exact) else "moves"
            row = (group, name, fields["Version"], fields["Architecture"], fields["SHA256"], fields["Size"], policy)
            rows.append(" ".join(row))
            total += int(fields["Size"])
        print("relock: %-14s %6.1f MB" % (group, total / 1e6), file=sys.stderr)

    path = os.path.join(folder, "packages.lock")
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(LOCK_HEADER + "\n".join(rows) + "\n")
    os.replace(path + ".new", path)


if __name__ == "__main__":
    main()
