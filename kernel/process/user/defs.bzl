"""user_program and user_programs: programs for user mode, and the archive of them that an image carries.

    user_program(name = "hello", srcs = ["hello.c"])
    user_programs(name = "programs", programs = [":hello", ":cat"])

A program is a static ELF file at a fixed address, linked by user.ld from freestanding C and the runtime; it is built for the platform
that asks. The archive is a cc_library that defines kernel/process/programs.h's table, with the files' bytes as they are.
"""

load("@rules_cc//cc:defs.bzl", "cc_library")

# The kernel's instrumentation needs the kernel's runtime.
_FEATURES = [
    "-kasan",
    "-kubsan",
]

_LINK = [
    "-static",
    "--no-dynamic-linker",
    "--gc-sections",
    "--strip-debug",
    "--build-id=none",
    "--fatal-warnings",
    "-z",
    "max-page-size=4096",
    "-z",
    "noexecstack",
    "-z",
    "norelro",
]

# ELF machine numbers (System V ABI, chapter 4, e_machine).
_MACHINES = {
    "//platforms:is_aarch64": "183",
    "//platforms:is_riscv64": "243",
    "//platforms:is_x86_64": "62",
}

def _archives(deps):
    found = []
    for dep in deps:
        for linker_input in dep[CcInfo].linking_context.linker_inputs.to_list():
            for library in linker_input.libraries:
                archive = library.static_library or library.pic_static_library
                if archive != None and archive not in found:
                    found.append(archive)
    return found

def _program_impl(ctx):
    program = ctx.actions.declare_file(ctx.label.name + ".elf")
    archives = _archives(ctx.attr.deps)
    arguments = ctx.actions.args()
    arguments.add_all(_LINK)
    arguments.add("-T", ctx.file._script)
    arguments.add("-o", program)
    arguments.add("--start-group")
    arguments.add_all(archives)
    arguments.add("--end-group")
    ctx.actions.run(
        executable = ctx.file._lld,
        arguments = [arguments],
        inputs = depset([ctx.file._script] + archives, transitive = [ctx.attr._llvm[DefaultInfo].files]),
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

def user_program(name, srcs):
    cc_library(
        name = name + "_code",
        srcs = srcs,
        features = _FEATURES,
        tags = ["manual"],
        target_compatible_with = ["//platforms:kernel"],
        deps = ["//kernel/process/user:runtime"],
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
    rows, contents = [], []
    for program in ctx.files.programs:
        name = program.basename[:-len(".elf")]
        rows.append("    .quad .Lname_%s, .Lbytes_%s, .Lend_%s - .Lbytes_%s" % (name, name, name, name))
        contents += [
            ".Lname_%s:" % name,
            "    .asciz \"%s\"" % name,
            "    .balign 8",
            ".Lbytes_%s:" % name,
            "    .incbin \"%s\"" % program.path,
            ".Lend_%s:" % name,
        ]
    lines = [
        "    .section .rodata.programs, \"a\"",
        "    .balign 8",
        "    .globl program_files, program_count, program_machine",
        "program_files:",
    ] + rows + [
        "program_count:",
        "    .quad %d" % len(rows),
        "program_machine:",
        "    .quad " + ctx.attr.machine,
    ] + contents
    source = ctx.actions.declare_file(ctx.label.name + ".S")
    ctx.actions.write(source, "\n".join(lines + [""]))
    return [DefaultInfo(files = depset([source]))]

_table = rule(
    implementation = _table_impl,
    attrs = {
        "machine": attr.string(mandatory = True),
        "programs": attr.label_list(allow_files = [".elf"]),
    },
)

def user_programs(name, programs):
    _table(
        name = name + "_table",
        machine = select(_MACHINES),
        programs = programs,
        tags = ["manual"],
        target_compatible_with = ["//platforms:kernel"],
    )
    cc_library(
        name = name,
        srcs = [":" + name + "_table"],
        tags = ["manual"],
        target_compatible_with = ["//platforms:kernel"],
        textual_hdrs = programs,
        visibility = ["//visibility:public"],
    )
