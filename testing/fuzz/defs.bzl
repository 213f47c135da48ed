"""fuzz_program and fuzz_test: libFuzzer on the property suites.

    fuzz_program(name = "fuzz", suites = SUITES, world = "//testing/host:world")

is the program with these suites, built with coverage, ASan and UBSan whatever the build around it; and

    fuzz_test(name = "pvh_fuzz_test", program = ":fuzz", property = "raw_input.any_bytes_are_pvh_data", runs = 20000)

runs it for a fixed number of inputs from a fixed seed, as a test. fuzz.py does both that and long runs.
"""

load("@rules_cc//cc:defs.bzl", "cc_binary")
load("//testing:defs.bzl", "suite_library")
load("//testing:instrumented.bzl", "instrumented_rule", "without")
load("//toolchains:python.bzl", "python_test")

_SANITIZERS = ["asan", "fuzz", "tsan", "ubsan"]

def _fuzz_transition_impl(settings, attr):
    features = without(settings["//command_line_option:features"], _SANITIZERS)
    return {"//command_line_option:features": features + ["asan", "fuzz", "ubsan"]}

_fuzz_transition = transition(
    implementation = _fuzz_transition_impl,
    inputs = ["//command_line_option:features"],
    outputs = ["//command_line_option:features"],
)

_instrumented = instrumented_rule(_fuzz_transition)

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
