"""user_program and user_programs: programs for user mode, and the archive of them that an image carries.

    user_program(name = "hello", srcs = ["hello.c"])
    user_programs(name = "programs", programs = [":hello", ":cat"])

A program is a static ELF file at a fixed address, linked by user.ld from freestanding C and the runtime; it is built for the platform
that asks. The archive is a cc_library that defines kernel/process/programs.h's table, with the files' bytes as they are.
"""

load("//platforms:transition.bzl", "platform_transition")
load("//toolchains:flag_groups.bzl", "STATIC_LINK")
load("//toolchains:kernel_image.bzl", "archives")
load("@rules_cc//cc:defs.bzl", "cc_library")

# The kernel's instrumentation needs the kernel's runtime.
_FEATURES = [
    "-kasan",
    "-kasan_image",
]

# ELF machine numbers (System V ABI, chapter 4, e_machine).
_MACHINES = {
    "//platforms:is_aarch64": "183",
    "//platforms:is_riscv64": "243",
    "//platforms:is_x86_64": "62",
}

def _program_impl(ctx):
    program = ctx.actions.declare_file(ctx.label.name + ".elf")
    asked, whole = archives(ctx.attr.deps)
    libraries = asked + whole
    arguments = ctx.actions.args()
    arguments.add_all(STATIC_LINK)
    arguments.add("--strip-debug")
    arguments.add("-T", ctx.file._script)
    arguments.add("-o", program)
    arguments.add("--start-group")
    arguments.add_all(libraries)
    arguments.add("--end-group")
    ctx.actions.run(
        executable = ctx.file._lld,
        arguments = [arguments],
        inputs = depset([ctx.file._script] + libraries, transitive = [ctx.attr._llvm[DefaultInfo].files]),
        outputs = [program],
        mnemonic = "UserLink",
        progress_message = "Linking the user program " + str(ctx.label),
    )
    return [DefaultInfo(files = depset([program]))]

_program = rule(
    implementation = _program_impl,
    attrs = {
        "deps": attr.label_list(providers = [CcInfo]),
        "_lld": attr.label(
            allow_single_file = True,
            default = "@llvm//:bin/ld.lld",
        ),
        "_llvm": attr.label(default = "@llvm//:all"),
        "_script": attr.label(
            allow_single_file = True,
            default = "//kernel/process/user:user.ld",
        ),
    },
    doc = "A user program for the platform that is built for.",
)

def user_program(name, srcs, deps = []):
    cc_library(
        name = name + "_code",
        srcs = srcs,
        # A function that calls none has a frame as well: its caller would be missing in the report of a fault.
        copts = ["-mno-omit-leaf-frame-pointer"],
        features = _FEATURES,
        tags = ["manual"],
        target_compatible_with = ["//platforms:kernel"],
        deps = deps + ["//kernel/process/user:runtime"],
    )
    _program(
        name = name,
        tags = ["manual"],
        target_compatible_with = ["//platforms:kernel"],
        visibility = ["//visibility:public"],
        deps = [
            ":" + name + "_code",
            "//arch:user_runtime",
            "//kernel/process/user:runtime",
        ],
    )

def _table_impl(ctx):
    source = ctx.actions.declare_file(ctx.label.name + ".S")
    ctx.actions.run(
        executable = ctx.executable._archive,
        arguments = [source.path, ctx.attr.machine] + [program.path for program in ctx.files.programs],
        inputs = ctx.files.programs,
        outputs = [source],
        mnemonic = "UserArchive",
        progress_message = "Writing the archive " + str(ctx.label),
    )
    return [DefaultInfo(files = depset([source]))]

_TABLE_ATTRS = {
    "machine": attr.string(mandatory = True),
    "_archive": attr.label(
        cfg = "exec",
        default = "//kernel/process/user:archive",
        executable = True,
    ),
}

_table = rule(
    implementation = _table_impl,
    attrs = dict(
        _TABLE_ATTRS,
        programs = attr.label_list(allow_files = [".elf"]),
    ),
    doc = "The archive's source, for the platform that is built for.",
)

_table_for_host = rule(
    implementation = _table_impl,
    attrs = dict(
        _TABLE_ATTRS,
        platform = attr.string(default = "//platforms:riscv64"),
        programs = attr.label_list(
            allow_files = [".elf"],
            cfg = platform_transition,
        ),
        toolchain_features = attr.string_list(default = ["plain"]),
        _allowlist_function_transition = attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    ),
    doc = "The archive's source with the programs that the host's CPU in software runs.",
)

def user_programs(name, programs):
    """The archive; and `name`_for_host, the same programs for testing/fakes/riscv_user.c."""
    _table(
        name = name + "_table",
        machine = select(_MACHINES),
        programs = programs,
        tags = ["manual"],
        target_compatible_with = ["//platforms:kernel"],
    )
    _table_for_host(
        name = name + "_for_host_table",
        machine = _MACHINES["//platforms:is_riscv64"],
        programs = programs,
        tags = ["manual"],
        target_compatible_with = ["//platforms:hosted"],
    )
    for archive, environment in [(name, "//platforms:kernel"), (name + "_for_host", "//platforms:hosted")]:
        cc_library(
            name = archive,
            srcs = [":" + archive + "_table"],
            tags = ["manual"],
            target_compatible_with = [environment],
            visibility = ["//visibility:public"],
        )
