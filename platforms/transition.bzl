"""platform_transition: builds what an attribute names for the platform that the rule's `platform` attribute names.

A rule sets `cfg = platform_transition` on the attribute and has an attribute `platform`, a label as a string, and may have
`toolchain_features`, a list of strings: features of the platform's toolchain to switch on. Features
of the host's toolchain (the sanitizers) stay behind: an image is the same file whatever its runner was built with, and
is built once.
"""

_KERNEL_FEATURES = [
    "kasan",
    "kasan_image",
    "kmalloc_intermediate",
    "quarry_debug",
]

def _platform_transition_impl(settings, attr):
    return {
        "//command_line_option:features": [
            feature
            for feature in settings["//command_line_option:features"]
            if feature in _KERNEL_FEATURES
        ] + getattr(attr, "toolchain_features", []),
        "//command_line_option:platforms": attr.platform,
        "//command_line_option:platform_suffix": "",
    }

platform_transition = transition(
    implementation = _platform_transition_impl,
    inputs = ["//command_line_option:features"],
    outputs = [
        "//command_line_option:features",
        "//command_line_option:platforms",
        "//command_line_option:platform_suffix",
    ],
)
