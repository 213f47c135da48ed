"""Boots Debian's Linux in the pinned QEMU with peer.c as its only process, and prints what its virtual memory costs, in instructions.

    bazel run //testing/bench/linux:measure_x86_64        or aarch64, riscv64
"""

import glob
import os
import subprocess
import sys
import tempfile

SECONDS_MAX = 900

CONSOLES = {"x86_64": "ttyS0", "aarch64": "ttyAMA0", "riscv64": "ttyS0"}

# The machines of testing/qemu/machines.py, without what only Quarry's tests need; counting, on one CPU.
MACHINES = {
    "x86_64": "-machine q35 -cpu max",
    "aarch64": "-machine virt,gic-version=3 -cpu max",
    "riscv64": "-machine virt -cpu rv64 -bios default",
}
COUNTING = (
    "-accel tcg,thread=single -icount shift=0,sleep=off,align=off -nodefaults -no-user-config -display none "
    "-no-reboot -net none -serial stdio -monitor none -smp 1 -m 1G"
)


def archive_entry(name, mode, data=b"", major=0, minor=0, number=0):
    """An entry of a cpio archive in the "newc" format (Linux, Documentation/driver-api/early-userspace/buffer-format.rst)."""
    path = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(path), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return head.ljust(-(-len(head) // 4) * 4, b"\0") + data.ljust(-(-len(data) // 4) * 4, b"\0")


def initial_files(program):
    return (
        archive_entry("dev", 0o40755, number=1)
        + archive_entry("dev/console", 0o20600, major=5, minor=1, number=2)
        + archive_entry("init", 0o100755, program, number=3)
        + archive_entry("TRAILER!!!", 0)
    )


def main():
    platform, qemu, program, folder = sys.argv[1:]
    kernels = glob.glob(os.path.join(folder, "boot", "vmlinu*"))
    if len(kernels) != 1:
        print("no kernel, or several, in %s" % folder, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        files = os.path.join(scratch, "files")
        with open(program, "rb") as source, open(files, "wb") as file:
            file.write(initial_files(source.read()))
        words = "console=%s quiet panic=-1 transparent_hugepage=never" % CONSOLES[platform]
        command = [qemu, *MACHINES[platform].split(), *COUNTING.split()]
        command += ["-kernel", kernels[0], "-initrd", files, "-append", words]
        try:
            result = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS_MAX, check=False
            )
            output = result.stdout.decode("utf-8", "replace")
        except subprocess.TimeoutExpired as late:
            output = (late.stdout or b"").decode("utf-8", "replace")
    rows = [line.strip() for line in output.splitlines() if line.startswith("linux ")]
    if "linux done" not in rows:
        print(output)
        print("Linux did not come to the end of the measurements", file=sys.stderr)
        return 1
    print("# %s" % os.path.basename(kernels[0]))
    # The second round: the first finds the kernel busy with its own start.
    for line in rows[len(rows) // 2 : -1]:
        print("%s %s" % (platform, line.partition(" ")[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
