"""simulated_program: a program whose accesses to memory are calls, but for what says features = ["-simulated"].

    simulated_program(name = "scaling_program", program = ":scaling_plain")
"""

# Counts are the release build's, whatever the build around it.
_OTHERS = ["asan", "fuzz", "quarry_debug", "tsan", "ubsan"]

def _simulated_transition_impl(settings, attr):
    features = [feature for feature in settings["//command_line_option:features"] if feature not in _OTHERS]
    return {"//command_line_option:features": features + ["simulated"]}

_simulated_transition = transition(
    implementation = _simulated_transition_impl,
    inputs = ["//command_line_option:features"],
    outputs = ["//command_line_option:features"],
)

def _impl(ctx):
    program = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = program, target_file = ctx.attr.program[0][DefaultInfo].files_to_run.executable, is_executable = True)
    return [DefaultInfo(executable = program, files = depset([program]), runfiles = ctx.runfiles(files = [program]))]

simulated_program = rule(
    implementation = _impl,
    attrs = {
        "program": attr.label(cfg = _simulated_transition, mandatory = True),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    executable = True,
)
