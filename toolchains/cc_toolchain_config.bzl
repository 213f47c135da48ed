"""The C and C++ toolchains: clang, lld and LLVM's tools from @llvm, for the host and for kernels.

Instantiated in @llvm's own package (llvm.BUILD), because Bazel takes a tool's path relative to its toolchain's package.
Paths in flags are relative to the execution root, where external/llvm is found by that name, in a sandbox or not.

Features to switch with `--features=` or on a target: `warnings` (on), `quarry_debug`, `kmalloc_intermediate`; for kernels `kasan` and
`kasan_image`; on the host `asan`, `ubsan`, `tsan`, `fuzz`, `simulated`.
"""

load(
    "@bazel_tools//tools/build_defs/cc:action_names.bzl",
    "ACTION_NAMES",
)
load(
    "@bazel_tools//tools/cpp:cc_toolchain_config_lib.bzl",
    "feature",
    "flag_group",
    "flag_set",
    "tool_path",
    "with_feature_set",
)
load("@rules_cc//cc:defs.bzl", "cc_toolchain")
load(
    ":flag_groups.bzl",
    "C_WARNINGS",
    "FREESTANDING",
    "HOSTED",
    "HOSTED_COMPILE",
    "HOSTED_LINK",
    "KASAN",
    "KASAN_IMAGE",
    "KERNEL_CPU",
    "KERNEL_CPU_FEATURES",
    "REPRODUCIBLE",
    "SANITIZERS",
    "SIMULATED",
    "WARNINGS",
)

_RESOURCES = "external/llvm/usr/lib/llvm-19/lib/clang/19"

_C = [
    ACTION_NAMES.c_compile,
]

_CXX = [
    ACTION_NAMES.cpp_compile,
    ACTION_NAMES.cpp_header_parsing,
    ACTION_NAMES.cpp_module_compile,
    ACTION_NAMES.cpp_module_codegen,
    ACTION_NAMES.linkstamp_compile,
]

_ASSEMBLE = [
    ACTION_NAMES.assemble,
    ACTION_NAMES.preprocess_assemble,
]

_COMPILE = _C + _CXX + _ASSEMBLE

_LINK = [
    ACTION_NAMES.cpp_link_executable,
    ACTION_NAMES.cpp_link_dynamic_library,
    ACTION_NAMES.cpp_link_nodeps_dynamic_library,
]

def _flags(name, sets, enabled = True):
    """A feature made of (actions, flags) pairs."""
    return feature(
        name = name,
        enabled = enabled,
        flag_sets = [
            flag_set(actions = actions, flag_groups = [flag_group(flags = flags)])
            for actions, flags in sets
        ],
    )

def _include_paths():
    """Our own headers are no system headers, so that they are held to the warnings; Bazel would give `includes` as -isystem."""
    return feature(
        name = "include_paths",
        enabled = True,
        flag_sets = [flag_set(
            actions = _COMPILE,
            flag_groups = [
                flag_group(flags = ["-iquote", "%{quote_include_paths}"], iterate_over = "quote_include_paths"),
                flag_group(flags = ["-I%{include_paths}"], iterate_over = "include_paths"),
                flag_group(flags = ["-I%{system_include_paths}"], iterate_over = "system_include_paths"),
            ],
        )],
    )

def _optimization():
    return feature(
        name = "optimization",
        enabled = True,
        flag_sets = [
            flag_set(
                actions = _COMPILE,
                flag_groups = [flag_group(flags = flags)],
                with_features = [with_feature_set(features = [mode], not_features = ["quarry_debug"])],
            )
            for mode, flags in [
                ("opt", ["-O2", "-g0"]),
                ("fastbuild", ["-O1", "-g1"]),
                ("dbg", ["-O0", "-g"]),
            ]
        ],
    )

def _toolchain_config_impl(ctx):
    hosted = ctx.attr.cpu == "host"
    triple = "x86_64-unknown-linux-gnu" if hosted else ctx.attr.cpu + "-unknown-none-elf"
    machine = HOSTED + HOSTED_COMPILE if hosted else FREESTANDING + KERNEL_CPU[ctx.attr.cpu]
    features = [
        feature(name = "opt"),
        feature(name = "fastbuild"),
        feature(name = "dbg"),
        _flags("target", [
            (_COMPILE, ["--target=" + triple, "-resource-dir=" + _RESOURCES] + REPRODUCIBLE + machine),
            (_C, ["-std=c17"]),
            (_CXX, ["-std=c++17"]),
        ]),
        _include_paths(),
        _optimization(),
        _flags("warnings", [(_COMPILE, WARNINGS), (_C, C_WARNINGS)]),
        _flags("quarry_debug", [(_COMPILE, ["-O1", "-g", "-DQUARRY_DEBUG=1"])], enabled = False),
        _flags("kmalloc_intermediate", [(_COMPILE, ["-DQUARRY_KMALLOC_INTERMEDIATE=1"])], enabled = False),
    ]
    for name, flags in KERNEL_CPU_FEATURES.get(ctx.attr.cpu, {}).items():
        features.append(_flags(name, [(_COMPILE, flags)], enabled = False))
    if not hosted:
        features.append(_flags("kasan", [(_C, KASAN)], enabled = False))
        features.append(_flags("kasan_image", [(_C, KASAN_IMAGE)], enabled = False))
    if hosted:
        features.append(_flags("host_link", [
            (_LINK, ["--target=" + triple, "-resource-dir=" + _RESOURCES, "-no-canonical-prefixes"] + HOSTED + HOSTED_LINK),
        ]))
        features.append(feature(name = "supports_pic", enabled = True))
        features.append(_flags("simulated", [(_C, SIMULATED)], enabled = False))
        for name, flags in SANITIZERS.items():
            features.append(_flags(name, [(_COMPILE, flags + ["-g1"]), (_LINK, flags)], enabled = False))

    tools = {
        "ar": "llvm-ar",
        "compat-ld": "ld.lld",
        "cpp": "clang",
        "dwp": "clang",
        "gcc": "clang",
        "gcov": "llvm-cov",
        "ld": "ld.lld",
        "llvm-cov": "llvm-cov",
        "nm": "llvm-nm",
        "objcopy": "llvm-objcopy",
        "objdump": "llvm-objdump",
        "strip": "llvm-strip",
    }
    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        abi_libc_version = "glibc" if hosted else "none",
        abi_version = "unknown",
        compiler = "clang",
        cxx_builtin_include_directories = ["%workspace%/" + _RESOURCES] + ([
            "%workspace%/external/sysroot/usr",
        ] if hosted else []),
        features = features,
        host_system_name = "local",
        target_cpu = ctx.attr.cpu,
        target_libc = "glibc" if hosted else "none",
        target_system_name = triple,
        tool_paths = [tool_path(name = name, path = "bin/" + tool) for name, tool in tools.items()],
        toolchain_identifier = ctx.attr.cpu,
    )

_toolchain_config = rule(
    implementation = _toolchain_config_impl,
    attrs = {"cpu": attr.string(mandatory = True, doc = "`host`, or a kernel's cpu")},
    provides = [CcToolchainConfigInfo],
)

def _toolchain(name, cpu, files):
    _toolchain_config(
        name = name + "_config",
        cpu = cpu,
    )
    native.filegroup(
        name = name + "_files",
        srcs = files,
    )
    cc_toolchain(
        name = name,
        all_files = name + "_files",
        ar_files = name + "_files",
        as_files = name + "_files",
        compiler_files = name + "_files",
        dwp_files = name + "_files",
        linker_files = name + "_files",
        objcopy_files = name + "_files",
        strip_files = name + "_files",
        supports_param_files = True,
        toolchain_config = name + "_config",
    )

def hosted_toolchain(name, files):
    """Compiles and links programs of this machine, C and C++, against @sysroot."""
    _toolchain(name, "host", files)

def kernel_toolchain(name, cpu, files):
    """Compiles freestanding C for `cpu`. Linking is kernel_image's."""
    _toolchain(name, cpu, files)
