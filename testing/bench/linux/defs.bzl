"""built_for: a file built for another platform than the command line's.

    built_for(name = "peer_x86_64", file = ":peer", platform = "//platforms:x86_64")
"""

load("//platforms:transition.bzl", "platform_transition")

def _impl(ctx):
    return [DefaultInfo(files = depset(ctx.files.file))]

built_for = rule(
    implementation = _impl,
    attrs = {
        "file": attr.label(cfg = platform_transition, mandatory = True),
        "platform": attr.string(mandatory = True),
        "toolchain_features": attr.string_list(),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    doc = "A file built for another platform.",
)
