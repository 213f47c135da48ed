"""qemu_test and qemu_run: images in QEMU, as tests and as programs.

Both carry the image for its own platform (kernel_image has the transition), the pinned QEMU, and the pinned Python with this
folder's scripts; a JSON file tells the scripts the rest. machines.py has the machines and boot paths.
"""

# What runs a platform's images; machines.py knows the same platforms.
_QEMU = {
    "aarch64": "@qemu_aarch64//:bin/qemu-system-aarch64",
    "riscv64": "@qemu_riscv64//:bin/qemu-system-riscv64",
    "x86_64": "@qemu//:bin/qemu-system-x86_64",
}

_LAUNCHER = """\
#!/bin/sh
# Starts {script} on the pinned Python.
runfiles=${{RUNFILES_DIR:-}}
if [ ! -e "$runfiles/{python}" ]; then
    case $0 in
    *.runfiles/*) runfiles=${{0%%.runfiles/*}}.runfiles ;;
    *) runfiles=$0.runfiles ;;
    esac
fi
exec "$runfiles/{python}" -B -s -S "$runfiles/{script}" --config "$runfiles/{config}" --runfiles "$runfiles" "$@"
"""

def _runfiles_path(ctx, file):
    if file.short_path.startswith("../"):
        return file.short_path[3:]
    return ctx.workspace_name + "/" + file.short_path

def _impl(ctx, script, facts):
    files = {"qemu": ctx.file.qemu}
    for name in ["kernel", "iso", "disk", "ovmf_code", "ovmf_vars", "u_boot", "budgets"]:
        file = getattr(ctx.file, name, None)
        if file:
            files[name] = file
    if getattr(ctx.executable, "host", None):
        files["host"] = ctx.executable.host
    config = ctx.actions.declare_file(ctx.label.name + ".json")
    facts = dict(
        facts,
        append = ctx.attr.append,
        boot = ctx.attr.boot,
        cpus = ctx.attr.cpus,
        files = {name: _runfiles_path(ctx, file) for name, file in files.items()},
        memory = ctx.attr.memory,
        name = ctx.label.name,
        platform = ctx.attr.platform,
    )
    ctx.actions.write(config, struct(**facts).to_json())
    launcher = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(
        launcher,
        _LAUNCHER.format(
            config = _runfiles_path(ctx, config),
            python = _runfiles_path(ctx, ctx.file._python),
            script = _runfiles_path(ctx, script),
        ),
        is_executable = True,
    )
    runfiles = ctx.runfiles(
        files = [config, script] + files.values() + ctx.files._scripts,
        transitive_files = depset(transitive = [ctx.attr._python_files[DefaultInfo].files, ctx.attr.qemu_files[DefaultInfo].files]),
    )
    return [DefaultInfo(executable = launcher, files = depset([launcher]), runfiles = runfiles)]

def _test_impl(ctx):
    facts = {
        "beside": ctx.attr.beside,
        "beside_percent": ctx.attr.beside_percent,
        "expects": ctx.attr.expects,
        "extra": ctx.attr.extra,
        "feed": ctx.attr.feed,
        "feed_after": ctx.attr.feed_after,
        "silence_seconds": ctx.attr.silence_seconds,
        "total_seconds": ctx.attr.total_seconds,
    }
    if ctx.attr.expects == "failure":
        facts["failing_row"] = ctx.attr.failing_row
        facts["failing_line"] = ctx.attr.failing_line
    if ctx.attr.expects == "text":
        facts["has"] = ctx.attr.has

        # A machine that goes down without a verdict has no status.
        facts["status"] = ctx.attr.status if ctx.attr.status >= 0 else None
    return _impl(ctx, ctx.file._judge, facts)

def _run_impl(ctx):
    return _impl(ctx, ctx.file._run, {})

_ATTRS = {
    "append": attr.string(doc = "the kernel's command line"),
    "boot": attr.string(default = "direct", doc = "a boot path of machines.py"),
    "cpus": attr.int(default = 2),
    "disk": attr.label(allow_single_file = [".disk"], doc = "what the uboot path boots"),
    "iso": attr.label(allow_single_file = [".iso"], doc = "what the bios and uefi paths boot"),
    "kernel": attr.label(allow_single_file = [".elf", ".image"], doc = "what the direct path boots"),
    "memory": attr.string(default = "128M"),
    "ovmf_code": attr.label(allow_single_file = True),
    "ovmf_vars": attr.label(allow_single_file = True),
    "platform": attr.string(default = "x86_64"),
    "qemu": attr.label(allow_single_file = True, mandatory = True),
    "qemu_files": attr.label(mandatory = True, doc = "all that QEMU opens by itself"),
    "u_boot": attr.label(allow_single_file = True),
    "_python": attr.label(allow_single_file = True, default = "@python3//:bin/python3"),
    "_python_files": attr.label(default = "@python3//:all"),
    "_scripts": attr.label(allow_files = True, default = "//testing/qemu:scripts"),
}

_qemu_test = rule(
    implementation = _test_impl,
    attrs = dict(
        _ATTRS,
        beside = attr.string(doc = "with expects = costs: another size of memory, with which everything costs nearly the same"),
        beside_percent = attr.int(default = 10, doc = "how nearly"),
        budgets = attr.label(allow_single_file = True, doc = "with expects = costs"),
        expects = attr.string(default = "ktap", values = ["ktap", "failure", "costs", "text"]),
        extra = attr.string_list(doc = "more words for QEMU"),
        failing_line = attr.string(doc = "with expects = failure: a line that the failing row's story has"),
        failing_row = attr.string(doc = "with expects = failure: the one row that fails"),
        feed = attr.string(doc = "typed on the console"),
        feed_after = attr.string(default = "quarry> ", doc = "what the guest says before it is typed to"),
        has = attr.string_list(doc = "with expects = text: parts of lines, in order"),
        host = attr.label(cfg = "target", doc = "with expects = failure: a test program of the host that repeats it", executable = True),
        silence_seconds = attr.int(default = 60, doc = "a guest that says nothing for so long hangs"),
        status = attr.int(default = 0, doc = "with expects = text: the exit status; -1: ends without one"),
        total_seconds = attr.int(default = 280, doc = "and one that runs for so long does, too"),
        _judge = attr.label(allow_single_file = True, default = "//testing/qemu:judge.py"),
    ),
    test = True,
)

_qemu_run = rule(
    implementation = _run_impl,
    attrs = dict(
        _ATTRS,
        _run = attr.label(allow_single_file = True, default = "//testing/qemu:run.py"),
    ),
    executable = True,
)

def _runner(platform, needs_firmware):
    attributes = {
        "platform": platform,
        "qemu": _QEMU[platform],
        "qemu_files": _QEMU[platform].partition("//")[0] + "//:all",
    }
    if needs_firmware and platform == "x86_64":
        attributes["ovmf_code"] = "@ovmf//:code"
        attributes["ovmf_vars"] = "@ovmf//:vars"
    elif needs_firmware:
        attributes["u_boot"] = "@u_boot//:" + platform
    return attributes

def qemu_test(name, platform = "x86_64", boot = "direct", tags = [], size = "medium", **attributes):
    """Boots an image and judges it. See the attributes above; `kernel` for the direct path, `disk` for uboot, `iso` for others."""
    attributes.update(_runner(platform, boot in ["uboot", "uefi"]))
    _qemu_test(name = name, boot = boot, size = size, tags = tags + ["qemu"], **attributes)

def qemu_run(name, platform = "x86_64", **attributes):
    """`bazel run` opens the image's console: run.py says which options go after `--`."""
    attributes.update(_runner(platform, True))
    _qemu_run(name = name, **attributes)
