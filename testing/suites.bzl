"""The suites that the kernel's test image has, and that fuzzers choose from: each is a property_test() in BUILD."""

# Those that need user mode, and those of parts that not every port has yet: by platform.
KERNEL_SUITES = {
    "aarch64": [
        "user_mode",
        "user_mode_aarch64",
    ],
    "riscv64": [
        "user_mode",
    ],
    "x86_64": [
        "user_mode",
    ],
}

SUITES = [
    "address_space",
    "address_space_scale",
    "arch_contract",
    "base_words",
    "boot",
    "cmdline",
    "devicetree",
    "devicetree_boot",
    "elf",
    "exhaustion",
    "failure_sweep",
    "init",
    "inject",
    "isolation",
    "kernel_mapping",
    "kernel_parts",
    "kernel_window",
    "kfs",
    "kfs_tree",
    "line_editor",
    "memory_map",
    "memory_object",
    "memory_tags",
    "page_tree",
    "page_tree_concurrency",
    "page_tree_scale",
    "pages",
    "pages_concurrency",
    "pages_known_length",
    "process",
    "process_leaks",
    "quota",
    "radix_page_table",
    "raw_input",
    "safe_list",
    "shell",
    "slab",
    "slab_bulk",
    "slab_concurrency",
    "slab_files",
    "slab_misuse",
    "slab_tier",
    "slab_tier_misuse",
    "stats",
    "stats_trace",
    "syscall",
    "text",
    "user_access",
    "user_page_table",
    "vm_clone",
    "vm_concurrency",
]

# Of these, what images with KASan leave out: suites of long computations that the host's sanitizers watch in less time, two that tell
# callers apart, which are KASan's own functions there, and one that touches free pages, of which KASan tells first.
UNWATCHED_SUITES = [
    "devicetree",
    "devicetree_boot",
    "inject",
    "memory_map",
    "memory_tags",
    "page_tree",
    "page_tree_concurrency",
    "page_tree_scale",
    "raw_input",
    "slab_files",
]
