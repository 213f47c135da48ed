"""simulated_program: a program whose accesses to memory are calls, but for what says features = ["-simulated"].

    simulated_program(name = "scaling_program", program = ":scaling_plain")
"""

load("//testing:instrumented.bzl", "instrumented_rule", "without")

# Counts are the release build's, whatever the build around it.
_OTHERS = ["asan", "fuzz", "quarry_debug", "tsan", "ubsan"]

def _simulated_transition_impl(settings, attr):
    features = without(settings["//command_line_option:features"], _OTHERS)
    return {"//command_line_option:features": features + ["simulated"]}

_simulated_transition = transition(
    implementation = _simulated_transition_impl,
    inputs = ["//command_line_option:features"],
    outputs = ["//command_line_option:features"],
)

simulated_program = instrumented_rule(_simulated_transition)
