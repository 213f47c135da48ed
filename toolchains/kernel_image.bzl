"""kernel_image: links C libraries into a bootable image for one platform.

    kernel_image(
        name = "image",
        deps = ["//kernel"],
        linker_script = "//arch:linker_script",
    )

makes image.elf for x86_64 whatever the command line's platform is: the rule carries its own platform transition. The
image contains the names of its functions (see kernel_symbols.py), so it is linked twice: with an empty table, and with
the table made of that. The second link is checked to have moved nothing.

Where loaders take a flat image with a header of its own (Linux's Image, on aarch64 and riscv64), image.image is made of the ELF
file and is what the target's label stands for; the ELF file, for debuggers, is in the output group `elf`.
"""

load("//platforms:transition.bzl", "platform_transition")
load(":flag_groups.bzl", "KASAN_WRAPPED", "KERNEL_CPU", "STATIC_LINK")

KernelImageInfo = provider(
    doc = "A bootable image.",
    fields = {
        "bootable": "what a loader takes: the flat image where there is one, else the ELF file",
        "cpu": "x86_64, aarch64 or riscv64",
        "elf": "the ELF file",
    },
)

# Cpus whose loaders take a flat image.
_FLAT = [
    "aarch64",
    "riscv64",
]

def archives(deps):
    """The static libraries of `deps`: those that a symbol has to ask for, and those that are linked whole."""
    asked, whole = [], []
    for dep in deps:
        for linker_input in dep[CcInfo].linking_context.linker_inputs.to_list():
            for library in linker_input.libraries:
                archive = library.static_library or library.pic_static_library
                if archive == None:
                    continue
                group = whole if library.alwayslink else asked
                if archive not in group:
                    group.append(archive)
    return asked, whole

def _table_object(ctx, cpu, step, arguments, inputs):
    """Has kernel_symbols.py write a table, and assembles it."""
    source = ctx.actions.declare_file("%s.%s.S" % (ctx.label.name, step))
    ctx.actions.run(
        executable = ctx.executable._symbols,
        arguments = arguments + [source.path],
        inputs = inputs,
        outputs = [source],
        mnemonic = "KernelSymbols",
        progress_message = "Listing the functions of " + str(ctx.label),
    )
    table = ctx.actions.declare_file("%s.%s.o" % (ctx.label.name, step))
    ctx.actions.run(
        executable = ctx.file._clang,
        arguments = [
            "--target=%s-unknown-none-elf" % cpu,
            "-no-canonical-prefixes",
            "-Wno-unused-command-line-argument",
        ] + KERNEL_CPU[cpu] + ["-c", "-x", "assembler", source.path, "-o", table.path],
        inputs = depset([source], transitive = [ctx.attr._llvm[DefaultInfo].files]),
        outputs = [table],
        mnemonic = "KernelSymbolsAssemble",
        progress_message = "Assembling the function table of " + str(ctx.label),
    )
    return table

def _link(ctx, step, table):
    output = ctx.actions.declare_file("%s.%s.elf" % (ctx.label.name, step))
    asked, whole = archives(ctx.attr.deps)
    script = ctx.file.linker_script
    arguments = ctx.actions.args()
    arguments.add_all(STATIC_LINK)
    arguments.add_all(ctx.attr.linkopts)
    if "kasan_image" in ctx.attr.toolchain_features + ctx.features:
        arguments.add_all(KASAN_WRAPPED, format_each = "--wrap=%s")
    arguments.add("-T", script)
    arguments.add("-o", output)
    arguments.add(table)
    arguments.add("--whole-archive")
    arguments.add_all(whole)
    arguments.add("--no-whole-archive")
    arguments.add("--start-group")
    arguments.add_all(asked)
    arguments.add("--end-group")
    ctx.actions.run(
        executable = ctx.file._lld,
        arguments = [arguments],
        inputs = depset([script, table] + asked + whole, transitive = [ctx.attr._llvm[DefaultInfo].files]),
        outputs = [output],
        mnemonic = "KernelLink",
        progress_message = "Linking %s (%s)" % (ctx.label, step),
    )
    return output

def _flatten(ctx, elf):
    """The bytes that the ELF file loads, in a row; what it only clears is there as zeros when something is loaded behind it."""
    flat = ctx.actions.declare_file(ctx.label.name + ".image")
    ctx.actions.run(
        executable = ctx.file._objcopy,
        arguments = ["-O", "binary", elf.path, flat.path],
        inputs = depset([elf], transitive = [ctx.attr._llvm[DefaultInfo].files]),
        outputs = [flat],
        mnemonic = "KernelFlatten",
        progress_message = "Flattening " + str(ctx.label),
    )
    return flat

def _kernel_image_impl(ctx):
    cpu = ctx.attr.platform.rpartition(":")[2]
    first = _link(ctx, "unnamed", _table_object(ctx, cpu, "empty", ["empty"], []))
    table = _table_object(ctx, cpu, "functions", ["table", first.path], [first])
    second = _link(ctx, "named", table)
    image = ctx.actions.declare_file(ctx.label.name + ".elf")
    ctx.actions.run(
        executable = ctx.executable._symbols,
        arguments = ["check", second.path, image.path],
        inputs = [second],
        outputs = [image],
        mnemonic = "KernelImage",
        progress_message = "Checking the function table of " + str(ctx.label),
    )
    bootable = _flatten(ctx, image) if cpu in _FLAT else image
    return [
        DefaultInfo(files = depset([bootable]), runfiles = ctx.runfiles(files = [bootable])),
        KernelImageInfo(bootable = bootable, cpu = cpu, elf = image),
        OutputGroupInfo(elf = depset([image])),
    ]

kernel_image = rule(
    implementation = _kernel_image_impl,
    attrs = {
        "deps": attr.label_list(
            cfg = platform_transition,
            doc = "what is linked; the linker script's ENTRY pulls in the rest",
            providers = [CcInfo],
        ),
        "linker_script": attr.label(
            allow_single_file = True,
            cfg = platform_transition,
            doc = "places the sections; .kernel_symbols after everything else",
            mandatory = True,
        ),
        "linkopts": attr.string_list(doc = "more arguments for ld.lld"),
        "platform": attr.string(default = "//platforms:x86_64", doc = "which of //platforms to build for"),
        "toolchain_features": attr.string_list(doc = "features of the platform's toolchain to switch on, such as zbb"),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
        "_clang": attr.label(
            allow_single_file = True,
            default = "@llvm//:bin/clang",
        ),
        "_lld": attr.label(
            allow_single_file = True,
            default = "@llvm//:bin/ld.lld",
        ),
        "_llvm": attr.label(default = "@llvm//:all"),
        "_objcopy": attr.label(
            allow_single_file = True,
            default = "@llvm//:bin/llvm-objcopy",
        ),
        "_symbols": attr.label(
            cfg = "exec",
            default = "//toolchains:kernel_symbols",
            executable = True,
        ),
    },
    doc = "A bootable image for one platform.",
)
