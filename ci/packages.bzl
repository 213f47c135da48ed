"""The packages whose files the checks read. //ci:packages_test says when one is missing."""

PACKAGES = [
    "",
    "ci",
    "mm/memory_map",
    "platforms",
    "toolchains",
    "toolchains/coverage",
    "toolchains/grub",
    "toolchains/qemu",
]

SOURCES = ["//%s:sources" % package for package in PACKAGES]
