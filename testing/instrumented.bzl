"""What rules that build a program in another way than the build around them have in common: testing/fuzz, testing/bench/scaling."""

def without(features, names):
    """The features but for those named."""
    return [feature for feature in features if feature not in names]

def _impl(ctx):
    program = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = program, target_file = ctx.attr.program[0][DefaultInfo].files_to_run.executable, is_executable = True)
    return [DefaultInfo(executable = program, files = depset([program]), runfiles = ctx.runfiles(files = [program]))]

def instrumented_rule(features_transition):
    """A rule whose attribute `program` is built under the transition: its target is that program."""
    return rule(
        implementation = _impl,
        attrs = {
            "program": attr.label(cfg = features_transition, mandatory = True),
            "_allowlist_function_transition": attr.label(
                default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
            ),
        },
        executable = True,
    )
