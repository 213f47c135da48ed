"""debian_packages: an external repository made of one group of packages.lock.

fetch.sh fetches, verifies and unpacks; this rule adds a BUILD file and one launcher for each program, `bin/<name>`. A
launcher starts the program on the loader and the libraries that were unpacked beside it, never on the machine's, and
the rule refuses a set in which any library would still come from elsewhere.

A launcher's text carries the digest of the group's rows, so that an action which names the launcher runs again when
the lock changes, although the folders with the contents are declared to Bazel as folders (a few links in a sandbox
instead of thousands).
"""

_LOADER = "lib64/ld-linux-x86-64.so.2"

_LIBRARY_FOLDERS = [
    "lib/x86_64-linux-gnu",
    "usr/lib/x86_64-linux-gnu",
]

_LAUNCHER = """\
#!/bin/sh
# {program}, on its own loader and libraries. Packages: {digest}
case $0 in */*) root=${{0%/*}}/.. ;; *) root=.. ;; esac
{environment}exec "$root/{loader}" --inhibit-cache --library-path "{library_path}" --argv0 "$0" "$root/{program}"{arguments} "$@"
"""

_STRIP = "mv \"$1\" .stripped && rm -rf usr lib lib64 && mv .stripped/* . && rmdir .stripped"

def _launch(ctx, name, program, digest):
    folders = _LIBRARY_FOLDERS + ctx.attr.library_folders
    ctx.file(
        "bin/" + name,
        _LAUNCHER.format(
            arguments = "".join([" " + word for word in ctx.attr.tool_arguments.get(name, [])]),
            digest = digest,
            environment = "".join([
                "export %s=\"%s\"\n" % (pair.partition("=")[0], pair.partition("=")[2])
                for pair in ctx.attr.tool_environment.get(name, [])
            ]),
            library_path = ":".join(["$root/" + folder for folder in folders]),
            loader = _LOADER,
            program = program,
        ),
        executable = True,
    )
    root = str(ctx.path("."))
    listed = ctx.execute([
        root + "/" + _LOADER,
        "--inhibit-cache",
        "--library-path",
        ":".join([root + "/" + folder for folder in folders]),
        "--list",
        root + "/" + program,
    ])
    if listed.return_code != 0:
        fail("@%s: %s does not start: %s" % (ctx.name, program, listed.stderr))
    for line in listed.stdout.split("\n"):
        words = line.strip().split(" ")
        if len(words) > 2 and words[1] == "=>" and not words[2].startswith(root + "/"):
            fail("@%s: %s would take %s from this machine (%s); packages.ini leaves out too much" %
                 (ctx.name, program, words[0], words[2]))

def _debian_packages_impl(ctx):
    # Named first: resolving labels may restart this function, and fetching twice would be a waste.
    fetch = ctx.path(ctx.attr._fetch)
    lock = ctx.path(ctx.attr.lock)
    build_file = ctx.path(ctx.attr.build_file) if ctx.attr.build_file else None
    group = ctx.attr.group or ctx.name
    ctx.report_progress("fetching Debian packages")

    result = ctx.execute(
        ["/bin/sh", fetch, lock, group, ctx.path("."), ctx.attr.pattern],
        timeout = 3600,
        quiet = False,
    )
    if result.return_code != 0:
        fail("@%s could not be made; see the lines above that begin with 'quarry:'" % ctx.name)

    if ctx.attr.strip_prefix:
        moved = ctx.execute(["/bin/sh", "-c", _STRIP, "sh", ctx.attr.strip_prefix])
        if moved.return_code != 0:
            fail("@%s: %s" % (ctx.name, moved.stderr))
    rows = [row for row in ctx.read(lock).split("\n") if row.startswith(group + " ")]
    ctx.file("packages.txt", "\n".join(rows) + "\n", executable = False)
    digest = ctx.execute(["sha256sum", "packages.txt"]).stdout[:16]
    for name, program in ctx.attr.tools.items():
        _launch(ctx, name, program, digest)
    for path in ctx.attr.remove:
        ctx.delete(path)
    for path, edits in ctx.attr.edits.items():
        text = ctx.read(path)
        for edit in edits:
            old, _, new = edit.partition(" ==> ")
            if old not in text:
                fail("@%s: %s no longer holds '%s', which WORKSPACE replaces" % (ctx.name, path, old))
            text = text.replace(old, new)
        ctx.file(path, text, executable = False)
    ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % ctx.name, executable = False)
    if ctx.attr.build_file:
        ctx.file("BUILD.bazel", ctx.read(build_file), executable = False)

debian_packages = repository_rule(
    implementation = _debian_packages_impl,
    doc = "Packages of Debian 12, fetched and verified by packages.lock, unpacked.",
    attrs = {
        "build_file": attr.label(doc = "the repository's BUILD file, when the packages bring none"),
        "edits": attr.string_list_dict(doc = "by file: 'text ==> replacement', to suit the Bazel in use"),
        "group": attr.string(doc = "the group in the lock; the repository's own name when empty"),
        "library_folders": attr.string_list(doc = "where libraries are besides the usual two folders"),
        "lock": attr.label(default = "//toolchains:packages.lock"),
        "pattern": attr.string(doc = "unpack only files whose paths match: a shell's wildcards; all when empty"),
        "remove": attr.string_list(doc = "files and folders to drop after unpacking"),
        "strip_prefix": attr.string(doc = "the folder that becomes the root of the repository"),
        "tool_arguments": attr.string_list_dict(doc = "by launcher: words put before the caller's; $root is the repository"),
        "tool_environment": attr.string_list_dict(doc = "by launcher: NAME=value; $root is the repository"),
        "tools": attr.string_dict(doc = "launchers to write: name, and the program's path in the packages"),
        "_fetch": attr.label(default = "//toolchains:fetch.sh"),
    },
    environ = ["QUARRY_MIRROR", "XDG_CACHE_HOME"],
)
