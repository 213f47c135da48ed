"""property_test: one line a suite, tests on the host and in QEMU.

    property_test(
        name = "slab",
        srcs = ["suites/slab_properties.c"],
        deps = ["//mm"],
    )

makes :slab_suite (the library), :slab_host_test (GoogleTest), and for each platform :slab_qemu_x86_64_test and the like (the test
image boots and runs this suite only). The file defines PROPERTY_SUITE(slab, ...). The image links every suite that testing/BUILD gives to test_image().
"""

load("@rules_cc//cc:defs.bzl", "cc_library", "cc_test")
load("//testing/qemu:defs.bzl", "qemu_test")
load("//toolchains:kernel_image.bzl", "kernel_image")

# The platforms that have a test image; see platforms/BUILD.
KERNEL_PLATFORMS = [
    "aarch64",
    "riscv64",
    "x86_64",
]

def _suite_list_impl(ctx):
    source = ctx.actions.declare_file(ctx.label.name + ".c")
    lines = ["/* Written by testing/defs.bzl. */", "#include \"testing/property/suite_list.h\"", ""]
    lines += ["extern const property_suite_t %s_properties;" % suite for suite in ctx.attr.suites]
    lines += ["", "const property_suite_t *const property_suite_list[] = {"]
    lines += ["    &%s_properties," % suite for suite in ctx.attr.suites]
    lines += ["    0,", "};", ""]
    ctx.actions.write(source, "\n".join(lines))
    return [DefaultInfo(files = depset([source]))]

_suite_list = rule(
    implementation = _suite_list_impl,
    attrs = {"suites": attr.string_list(mandatory = True)},
)

def suite_library(name, suites, testonly = False):
    """The list of suites that a test program has, and the suites."""
    _suite_list(
        name = name + "_source",
        suites = suites,
        testonly = testonly,
    )
    cc_library(
        name = name,
        testonly = testonly,
        srcs = [":" + name + "_source"],
        deps = ["//testing/property"] + ["//testing:%s_suite" % suite for suite in suites],
    )

def property_test(
        name,
        srcs,
        deps = [],
        hdrs = [],
        host_srcs = [],
        world = "//testing/host:world",
        on_host = True,
        platforms = KERNEL_PLATFORMS,
        size = "medium",
        shard_count = None,
        host_tags = []):
    """Tests of one suite.

    `host_srcs` are C++ files with death tests that share the host program, `platforms` is where it runs besides the host;
    without `on_host` it needs what only kernels have. `host_tags` are the host program's.
    """
    cc_library(
        name = name + "_suite",
        srcs = srcs,
        hdrs = hdrs,
        target_compatible_with = [] if on_host else ["//platforms:kernel"],
        visibility = ["//testing:__subpackages__"],
        deps = deps + ["//testing/property"],
    )
    if on_host:
        suite_library(
            name = name + "_host_list",
            suites = [name],
            testonly = True,
        )
        cc_test(
            name = name + "_host_test",
            size = size,
            srcs = host_srcs,
            shard_count = shard_count,
            tags = host_tags,
            deps = deps + [
                ":" + name + "_host_list",
                "//testing/host:gtest_adapter",
                world,
            ],
        )
    for platform in platforms:
        qemu_test(
            name = "%s_qemu_%s_test" % (name, platform),
            append = "test=%s." % name,
            cpus = 4,
            kernel = "//testing:test_image_" + platform,
            memory = "256M",
            platform = platform,
        )

def test_image(name, platform, suites, toolchain_features = []):
    """A kernel with its shell and these suites: testing/kernel/test_main.c says how the command line chooses."""
    suite_library(
        name = name + "_list",
        suites = suites,
    )
    kernel_image(
        name = name,
        linker_script = "//arch:linker_script",
        platform = "//platforms:" + platform,
        deps = [
            ":" + name + "_list",
            "//arch:backend",
            "//kernel",
            "//testing/kernel:test_main",
        ],
        toolchain_features = toolchain_features,
    )
