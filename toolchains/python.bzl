"""python_tool and python_test: a Python script on the pinned interpreter, never on the machine's.

    python_tool(
        name = "relock",
        main = "relock.py",
        srcs = ["helpers.py"],      # modules beside it, imported by name
        data = ["//some:file"],     # found under the runfiles, as ctx.expand_location spells it in `args`
    )

Only the standard library is there. A script gets its files as arguments: `args = ["$(rootpath //some:file)"]`; the working
directory of a test is the runfiles' workspace folder, so such a path opens as it stands. A tool run with `bazel run` starts there too, with
BUILD_WORKSPACE_DIRECTORY naming the source tree.
"""

_LAUNCHER = """\
#!/bin/sh
# Runs {script} on the pinned Python.
runfiles=${{RUNFILES_DIR:-}}
if [ ! -e "$runfiles/{python}" ]; then
    case $0 in
    *.runfiles/*) runfiles=${{0%%.runfiles/*}}.runfiles ;;
    *) runfiles=$0.runfiles ;;
    esac
fi
exec "$runfiles/{python}" -B -s -S "$runfiles/{script}" "$@"
"""

def _runfiles_path(ctx, file):
    if file.short_path.startswith("../"):
        return file.short_path[3:]
    return ctx.workspace_name + "/" + file.short_path

def _python_impl(ctx):
    launcher = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(
        launcher,
        _LAUNCHER.format(
            python = _runfiles_path(ctx, ctx.file._python),
            script = _runfiles_path(ctx, ctx.file.main),
        ),
        is_executable = True,
    )
    runfiles = ctx.runfiles(files = [ctx.file.main] + ctx.files.srcs + ctx.files.data + ctx.files._python_files)
    for target in ctx.attr.data + ctx.attr.srcs:
        runfiles = runfiles.merge(target[DefaultInfo].default_runfiles)
    return [DefaultInfo(executable = launcher, files = depset([launcher]), runfiles = runfiles)]

_ATTRS = {
    "data": attr.label_list(allow_files = True, doc = "files the script opens"),
    "main": attr.label(allow_single_file = [".py"], mandatory = True, doc = "the script"),
    "srcs": attr.label_list(allow_files = [".py"], doc = "modules beside the script"),
    "_python": attr.label(allow_single_file = True, default = "@python3//:bin/python3"),
    "_python_files": attr.label(default = "@python3//:all"),
}

python_tool = rule(
    implementation = _python_impl,
    attrs = _ATTRS,
    doc = "A Python script to run in the build or with `bazel run`.",
    executable = True,
)

python_test = rule(
    implementation = _python_impl,
    attrs = _ATTRS,
    doc = "A Python script that is a test: its exit status is the verdict.",
    test = True,
)
