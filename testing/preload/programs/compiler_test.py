"""The compiler of this very build on our malloc: it makes of our sources the same objects, to the byte, as on its own.

    compiler_test LIBRARY CLANG LLD FILE...
"""

import hashlib
import os
import subprocess
import sys

import program

FLAGS = "--target=x86_64-unknown-linux-gnu --sysroot=../sysroot -std=c17 -O2 -g -D_GNU_SOURCE -fno-ident -Wall".split()
FOLDERS = [".", "testing/preload", "arch/include", "mm/include"]


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def main():
    library, clang, linker, *files = sys.argv[1:]
    sources = sorted(file for file in files if file.endswith(".c"))
    resources = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(clang))), "usr/lib/llvm-19/lib/clang/19")
    flags = FLAGS + ["-resource-dir=" + resources] + ["-iquote" + folder for folder in FOLDERS]
    here = os.getcwd()
    with program.Programs(library) as run:
        made = {}
        for kind, environment in (("plain", run.plain), ("ours", run.environment)):
            objects = []
            for source in sources:
                made_object = run.path("%s-%s.o" % (kind, os.path.basename(source)))
                subprocess.run(
                    [os.path.abspath(clang), *flags, "-c", source, "-o", made_object], cwd=here, env=environment, check=True,
                    timeout=240,
                )
                objects.append(made_object)
            joined = run.path(kind + ".o")
            link = [os.path.abspath(linker), "-r", "--threads=4", "-o", joined, *objects]
            subprocess.run(link, cwd=here, env=environment, check=True, timeout=240)
            made[kind] = [digest(each) for each in objects + [joined]]
        for source, plain, ours in zip(sources + ["all of them, linked"], made["plain"], made["ours"]):
            if plain != ours:
                sys.exit("%s: another object" % source)
        run.evidence(allocations=1000000, processes=len(sources))  # the linker leaves by a way that says nothing


if __name__ == "__main__":
    main()
