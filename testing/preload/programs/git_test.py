"""git on our malloc: a history of its own, cloned, repacked by several threads, and checked.

    git_test LIBRARY GIT COMMITS
"""

import os
import random
import sys

import program


def history(commits):
    """The stream that git fast-import reads: files that change a little from commit to commit."""
    source = random.Random(1)
    files = ["\n".join("line %d of %d" % (line, file) for line in range(40 * file + 10)).split("\n") for file in range(60)]
    stream = []
    for commit in range(commits):
        message = "commit %d" % commit
        stream.append("commit refs/heads/main\ncommitter A <a@b.c> %d +0000\ndata %d\n%s\n" % (commit + 1, len(message), message))
        for file in source.sample(range(len(files)), 4):
            files[file][source.randrange(len(files[file]))] = "%x" % source.getrandbits(200)
            text = "\n".join(files[file])
            stream.append("M 100644 inline folder%d/file%d\ndata %d\n%s\n" % (file % 7, file, len(text), text))
        stream.append("\n")
    return "".join(stream)


def main():
    library, git_path, commits = sys.argv[1:]
    with program.Programs(library) as run:
        # git starts itself by name: from here, and on its own libraries.
        os.mkdir(run.path("exec"))
        for name, command in (("git", '"$@"'), ("git-upload-pack", 'upload-pack "$@"')):
            with open(run.path("exec", name), "w") as script:
                script.write('#!/bin/sh\nexec "%s" %s\n' % (os.path.abspath(git_path), command))
            os.chmod(run.path("exec", name), 0o755)
        settings = {"GIT_EXEC_PATH": run.path("exec"), "GIT_CONFIG_NOSYSTEM": "1"}

        def git(*words, **options):
            return run.run(os.path.abspath(git_path), *words, environment=settings, **options)

        git("init", "-q", "--template=", "-b", "main", "first")
        git("-C", "first", "fast-import", "--quiet", input=history(int(commits)))
        head = git("-C", "first", "rev-parse", "main")
        git("clone", "-q", "--template=", "--no-local", "first", "second")
        git("-C", "second", "-c", "pack.threads=4", "repack", "-q", "-a", "-d", "-f", "--depth=50", "--window=30")
        git("-C", "second", "fsck", "--full", "--strict")
        if git("-C", "second", "rev-parse", "HEAD") != head:
            sys.exit("the clone's head is another one")
        if len(git("-C", "second", "log", "--format=%H").split()) != int(commits):
            sys.exit("commits are missing")
        text = git("-C", "second", "blame", "-s", "folder3/file59").split("\n")
        with open(run.path("second", "folder3", "file59")) as file:
            if [line.partition(") ")[2] for line in text if line] != file.read().split("\n"):
                sys.exit("blame does not tell the file's lines")
        if git("-C", "second", "status", "--porcelain") != "":
            sys.exit("the work tree is not what was cloned")
        run.evidence(allocations=150000, threads=4, processes=10)


if __name__ == "__main__":
    main()
