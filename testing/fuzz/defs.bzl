"""fuzz_program and fuzz_test: libFuzzer on the property suites.

    fuzz_program(name = "fuzz", suites = SUITES, world = "//testing/host:world")

is the program with these suites, built with coverage, ASan and UBSan whatever the build around it; and

    fuzz_test(name = "pvh_fuzz_test", program = ":fuzz", property = "raw_input.any_bytes_are_pvh_data", runs = 20000)

runs it for a fixed number of inputs from a fixed seed, as a test. fuzz.py does both that and long runs.
"""

load("@rules_cc//cc:defs.bzl", "cc_binary")
load("//testing:defs.bzl", "suite_library")
load("//toolchains:python.bzl", "python_test")

_SANITIZERS = ["asan", "fuzz", "tsan", "ubsan"]

def _fuzz_transition_impl(settings, attr):
    features = [feature for feature in settings["//command_line_option:features"] if feature not in _SANITIZERS]
    return {"//command_line_option:features": features + ["asan", "fuzz", "ubsan"]}

_fuzz_transition = transition(
    implementation = _fuzz_transition_impl,
    inputs = ["//command_line_option:features"],
    outputs = ["//command_line_option:features"],
)

def _instrumented_impl(ctx):
    program = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = program, target_file = ctx.attr.program[0][DefaultInfo].files_to_run.executable, is_executable = True)
    return [DefaultInfo(executable = program, files = depset([program]), runfiles = ctx.runfiles(files = [program]))]

_instrumented = rule(
    implementation = _instrumented_impl,
    attrs = {
        "program": attr.label(cfg = _fuzz_transition, mandatory = True),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    executable = True,
)

def fuzz_program(name, suites, world):
    """`suites` are names of property_test()s; `world` is what //testing/host starts before the first input."""
    suite_library(
        name = name + "_list",
        suites = suites,
    )
    cc_binary(
        name = name + "_plain",
        testonly = True,
        srcs = ["fuzz_driver.cc"],
        # Only with the features above is there a main().
        tags = ["manual"],
        deps = [
            ":" + name + "_list",
            "//testing/property",
            world,
        ],
    )
    _instrumented(
        name = name,
        testonly = True,
        program = ":" + name + "_plain",
    )

def fuzz_test(name, program, property, runs):
    """Passes when `runs` inputs find nothing."""
    python_test(
        name = name,
        size = "small",
        srcs = ["seeds.py"],
        args = [
            "--runs=%d" % runs,
            "$(rootpath %s)" % program,
            property,
        ],
        data = [program],
        main = "fuzz.py",
        tags = ["fuzz"],
    )
