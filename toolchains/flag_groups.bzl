"""The compiler's flags, by what they are for; cc_toolchain_config.bzl puts them together."""

# Same source, same bytes: no path of this machine, no date.
REPRODUCIBLE = [
    "-no-canonical-prefixes",
    "-ffile-compilation-dir=.",
    "-Wdate-time",
    "-fno-ident",
]

# Errors, all of them, in our own code. Third-party code is built with `features = ["-warnings"]`.
WARNINGS = [
    "-Werror",
    "-Wall",
    "-Wextra",
    "-Wcast-align",
    "-Wcast-qual",
    "-Wformat=2",
    "-Wimplicit-fallthrough",
    "-Wpointer-arith",
    "-Wshadow",
    "-Wundef",
    "-Wunused",
    "-Wvla",
    "-Wwrite-strings",
]

C_WARNINGS = [
    "-Wmissing-prototypes",
    "-Wstrict-prototypes",
    "-Wold-style-definition",
]

# A kernel has no C library (the headers that clang brings itself are enough), is linked at a fixed address, and keeps frame pointers for its backtraces.
FREESTANDING = [
    "-ffreestanding",
    "-nostdlibinc",
    "-fno-pic",
    "-fno-pie",
    "-fno-common",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-fno-unwind-tables",
    "-fno-omit-frame-pointer",
    "-momit-leaf-frame-pointer",
    "-ffunction-sections",
    "-fdata-sections",
    "-fvisibility=hidden",
]

# What a kernel needs of each machine: code at the top of the address space, and no register that an interrupt does not
# save.
KERNEL_CPU = {
    # X18 is the port's: it points at the running CPU's structure.
    "aarch64": [
        "-ffixed-x18",
        "-mgeneral-regs-only",
        "-mstrict-align",
    ],
    "riscv64": [
        "-march=rv64imac_zicsr_zifencei",
        "-mabi=lp64",
        "-mcmodel=medany",
        "-mno-relax",
    ],
    "x86_64": [
        "-mcmodel=kernel",
        "-mno-red-zone",
        "-mno-80387",
        "-mno-mmx",
        "-mno-sse",
        "-mno-sse2",
        "-msoft-float",
    ],
}

# What a kernel may be built to need of a machine beyond that: features of the toolchain, off unless an image asks.
KERNEL_CPU_FEATURES = {
    "riscv64": {
        # Bit scans in one instruction instead of ten (RISC-V Zbb; all of RVA22's CPUs have it).
        "zbb": ["-march=rv64imac_zicsr_zifencei_zbb"],
        # What the host's CPU in software reads: testing/fakes/riscv_user.c.
        "plain": ["-march=rv64im_zicsr_zifencei"],
    },
}

# KASan and UBSan in kernels: `kasan` watches a package's code, `kasan_image` is for all code of an image that has such packages.
# The runtime is //kernel/sanitizers. clang's driver offers KASan for no bare machine, the compiler itself for all.
KASAN = [
    "-Xclang",
    "-fsanitize=kernel-address",
    "-Xclang",
    "-fsanitize-recover=kernel-address",
    # Calls, with no assumption of where the shadow is; and no stack or global variables, whose shadow the compiler would write by itself.
    "-mllvm",
    "-asan-instrumentation-with-call-threshold=0",
    "-mllvm",
    "-asan-kernel-mem-intrinsic-prefix=1",
    "-mllvm",
    "-asan-stack=0",
    "-mllvm",
    "-asan-globals=0",
    "-mllvm",
    "-asan-constructor-kind=none",
    "-fsanitize=undefined",
]

KASAN_IMAGE = ["-DQUARRY_KASAN=1"]

# The functions that kernel/sanitizers/allocations.c stands in front of.
KASAN_WRAPPED = [
    "pages_init",
    "pages_shutdown",
    "pages_alloc",
    "pages_alloc_with",
    "pages_free",
    "_kmalloc",
    "_kfree",
    "_krealloc",
    "_kcalloc",
    "kmalloc_usable_size",
    "kmem_cache_alloc",
    "kmem_cache_free",
]

# How ld.lld links what runs without a loader of libraries: kernels, and the programs that they run.
STATIC_LINK = [
    "-static",
    "--no-dynamic-linker",
    "--gc-sections",
    "--build-id=none",
    "--fatal-warnings",
    "-z",
    "max-page-size=4096",
    "-z",
    "noexecstack",
    "-z",
    "norelro",
]

# The sysroot stands in for the machine's /usr.
HOSTED = [
    "--sysroot=external/sysroot",
    "--gcc-install-dir=external/sysroot/usr/lib/gcc/x86_64-linux-gnu/12",
]

HOSTED_COMPILE = [
    "--system-header-prefix=gtest/",
    "-fPIC",
    "-fno-omit-frame-pointer",
    "-fstack-protector-strong",
    "-ffunction-sections",
    "-fdata-sections",
]

# The C++ library is linked in: a test needs nothing of the machine but the C library that every Debian has.
HOSTED_LINK = [
    "--driver-mode=g++",
    "--ld-path=external/llvm/bin/ld.lld",
    "-static-libstdc++",
    "-static-libgcc",
    "-pthread",
    "-Wl,--gc-sections",
    "-Wl,--build-id=none",
    "-Wl,-z,relro,-z,now",
]

SANITIZERS = {
    "asan": ["-fsanitize=address"],
    # Coverage for libFuzzer, which brings main(): //testing/fuzz.
    "fuzz": ["-fsanitize=fuzzer"],
    "tsan": ["-fsanitize=thread"],
    "ubsan": [
        "-fsanitize=undefined",
        "-fno-sanitize-recover=all",
    ],
}

# Accesses to memory as calls, for //testing/bench/scaling, which brings the functions. More CPUs than kernels are built for.
SIMULATED = [
    "-fsanitize=thread",
    "-mllvm",
    "-tsan-instrument-func-entry-exit=0",
    "-DSLAB_CONTEXT_MAX=512",
]
