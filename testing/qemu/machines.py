"""The machines that images run on: one row a platform and boot path, and the QEMU command line of each.

A guest ends by telling QEMU a status, through a device that differs from machine to machine; `status_of` turns QEMU's own exit
code back into it. QEMU always runs with TCG, by name: a /dev/kvm that is there and broken would hang.
"""

import io
import os
import re
import tarfile

MEMORY = re.compile(r"^([1-9][0-9]*)([MGT])$")
MEMORY_UNITS = {"M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
CPUS_MAX = 64
SECTOR = 512
U_BOOT_WORDS_MAX = 0x90 * SECTOR  # kernel/media/boot.cmd reads so much
APPEND_MAX = 65536  # more than any kernel here keeps, so that too long a command line can be tried


class Refused(Exception):
    """An argument that no machine takes; the text says which and why."""


def debug_exit_status(code):
    """QEMU's isa-debug-exit: a guest that writes n makes QEMU exit with 2n + 1. An even code is QEMU's own: no verdict."""
    return code >> 1 if code % 2 == 1 else None


def own_status(code):
    """
    Semihosting on aarch64 and the test finisher on riscv64 make a guest's status QEMU's own exit code. A machine that switched itself
    off without a word exits with 0, too: who judges must ask for more than that.
    """
    return code if code >= 0 else None


class Machine:
    """One row of the table below."""

    def __init__(self, platform, boot, arguments, medium, status_of, firmware=(), memory_min="1M"):
        self.platform = platform
        self.boot = boot
        self.arguments = arguments  # what the machine is
        self.medium = medium  # kernel: loaded by QEMU itself; iso: a medium with GRUB on it; disk: one for U-Boot
        self.firmware = firmware  # files by name in the configuration
        self.status_of = status_of
        self.memory_min = memory_min


X86_64 = """
    -machine q35 -cpu max -device isa-debug-exit,iobase=0xf4,iosize=4
""".split()

# GICv3 and the features of the newest cores; `--qemu '-machine gic-version=2'` and `--qemu '-cpu cortex-a53'` have others.
AARCH64 = """
    -machine virt,gic-version=3 -cpu max -semihosting-config enable=on,target=native
""".split()

# OpenSBI is QEMU's default firmware.
RISCV64 = """
    -machine virt -cpu rv64 -bios default
""".split()

MACHINES = {
    (machine.platform, machine.boot): machine
    for machine in (
        # With less, SeaBIOS, GRUB and OVMF hang before they have started any kernel that has its tests inside.
        Machine("x86_64", "direct", X86_64, "kernel", debug_exit_status, memory_min="4M"),
        Machine("x86_64", "bios", X86_64, "iso", debug_exit_status, memory_min="8M"),
        Machine("x86_64", "uefi", X86_64, "iso", debug_exit_status, ("ovmf_code", "ovmf_vars"), memory_min="64M"),
        Machine("aarch64", "direct", AARCH64, "kernel", own_status),
        Machine("aarch64", "uboot", AARCH64, "disk", own_status, ("u_boot",)),
        Machine("riscv64", "direct", RISCV64, "kernel", own_status),
        # U-Boot loads scripts to 193 MiB from the start of memory.
        Machine("riscv64", "uboot", RISCV64, "disk", own_status, ("u_boot",), memory_min="224M"),
    )
}

# From here on memory is promised to the guest and taken from the host page by page, as it is touched; below, QEMU's own way does.
SPARSE_FROM = 16 << 30

# What a CPU must have so that so much memory has addresses: QEMU's x86_64 CPUs have 40 bits.
SPARSE_WORDS = {"x86_64": ["-cpu", "max,phys-bits=46"]}

COMMON = """
    -accel tcg,thread=multi -nodefaults -no-user-config -display none -no-reboot -net none
""".split()

# One instruction is one nanosecond of the guest's clock, and waiting takes no time (QEMU manual, "TCG Instruction Counting").
COUNTING = "-accel tcg,thread=single -icount shift=0,sleep=off,align=off".split()


def find(platform, boot):
    machine = MACHINES.get((platform, boot))
    if machine is None:
        paths = [row.boot for row in MACHINES.values() if row.platform == platform]
        raise Refused("boot path %r: %s boots by %s" % (boot, platform, ", ".join(paths)))
    return machine


def memory_bytes(text):
    match = MEMORY.match(text)
    if match is None:
        raise Refused("memory %r: a size is a number and M, G or T, such as 128M" % text)
    return int(match.group(1)) * MEMORY_UNITS[match.group(2)]


def parse_memory(text):
    """Checks a memory size such as 128M and returns it as QEMU takes it."""
    size = memory_bytes(text)
    if size < 1 << 20 or size > 4 << 40:
        raise Refused("memory %r: sizes go from 1M to 4T" % text)
    return text


def parse_cpus(text):
    if not re.match(r"^[0-9]{1,4}$", text) or not 1 <= int(text) <= CPUS_MAX:
        raise Refused("cpus %r: a number from 1 to %d" % (text, CPUS_MAX))
    return int(text)


def split_words(append):
    """The words of a kernel command line, as kernel/cmdline.h has them: quotes keep blanks, and are taken off."""
    words, word, quote = [], None, None
    characters = iter(append)
    for character in characters:
        if quote == "'" and character != "'":
            word += character
        elif character == "\\":
            word = (word or "") + next(characters, "")
        elif quote is not None:
            quote, word = (None, word) if character == quote else (quote, word + character)
        elif character in "'\"":
            quote, word = character, word or ""
        elif character in " \t":
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + character
    return words + ([word] if word is not None else [])


def quote_word(word):
    """A word for the kernel's command line: key="value with blanks" where that is needed."""
    key, equals, value = word.partition("=")
    if not equals or not re.search(r"[\s'\"\\]", word):
        return word
    return key + '="' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def append_medium(append):
    """
    A disk for GRUB: a tar archive with append.cfg, which sets `append` to a function's worth of words.

    GRUB has no other way to hear from the one who starts the machine. boot/grub/grub.cfg on the medium looks for the
    file on the first hard disk. GRUB quotes each word for the kernel by itself.
    """
    words = ["'" + word.replace("'", "'\\''") + "'" for word in split_words(append)]
    text = ("multiboot2 /boot/kernel.elf " + " ".join(words) + "\n").encode("utf-8", "surrogateescape")
    disk = io.BytesIO()
    with tarfile.open(fileobj=disk, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo("append.cfg")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    return disk.getvalue().ljust(1 << 20, b"\0")


def u_boot_disk(disk, append):
    """
    The disk with words for the kernel's command line in its second sector, where kernel/media/boot.cmd looks for them: a line of an
    U-Boot environment, in which a backslash takes the next character as it is.
    """
    text = b"bootargs=" + append.replace("\\", "\\\\").encode("utf-8", "surrogateescape") + b"\n\0"
    if len(text) > U_BOOT_WORDS_MAX:
        raise Refused("append: U-Boot takes up to %d characters here" % U_BOOT_WORDS_MAX)
    return disk[:SECTOR] + text + disk[SECTOR + len(text) :]


def write_file(folder, name, contents):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(contents)
    return path


def kernel_words(machine, files, folder, append):
    return ["-kernel", files["kernel"]] + (["-append", append] if append else [])


def iso_words(machine, files, folder, append):
    words = ["-drive", "if=ide,index=1,media=cdrom,readonly=on,format=raw,file=" + files["iso"], "-boot", "d"]
    if append:
        disk = write_file(folder, "append.tar", append_medium(append))
        words += ["-drive", "if=ide,index=0,media=disk,format=raw,file=" + disk]
    if machine.firmware:
        with open(files["ovmf_vars"], "rb") as file:
            variables = write_file(folder, "variables.fd", file.read())
        words += ["-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" + files["ovmf_code"]]
        words += ["-drive", "if=pflash,unit=1,format=raw,file=" + variables]
    return words


def disk_words(machine, files, folder, append):
    disk = files["disk"]
    if append:
        with open(disk, "rb") as file:
            disk = write_file(folder, "boot.disk", u_boot_disk(file.read(), append))
    # On riscv64 OpenSBI is the firmware, and U-Boot the first program in S-mode.
    words = ["-bios" if machine.platform == "aarch64" else "-kernel", files["u_boot"]]
    words += ["-drive", "if=none,id=disk,format=raw,readonly=on,file=" + disk]
    return words + ["-device", "virtio-blk-pci,drive=disk"]


# How each medium is handed to QEMU, with words for the kernel's command line.
MEDIA = {"kernel": kernel_words, "iso": iso_words, "disk": disk_words}


def command(machine, files, folder, memory="128M", cpus=1, append="", counts_instructions=False, extra=()):
    """
    QEMU's command line, without the serial line, which the caller adds.

    `files` are paths by name: qemu, kernel, iso, disk, ovmf_code, ovmf_vars, u_boot. `folder` is a scratch folder of the run.
    """
    if len(append) > APPEND_MAX or "\0" in append or "\n" in append:
        raise Refused("append: one line of up to %d characters" % APPEND_MAX)
    missing = [name for name in ("qemu", machine.medium, *machine.firmware) if name not in files]
    if missing:
        raise Refused("boot path %r: this target was built without %s" % (machine.boot, ", ".join(missing)))
    if memory_bytes(memory) < memory_bytes(machine.memory_min):
        raise Refused("boot path %r: %s needs %s of memory" % (machine.boot, machine.platform, machine.memory_min))
    common = COUNTING + COMMON[2:] if counts_instructions else COMMON
    words = [files["qemu"], *common, *machine.arguments, "-m", memory, "-smp", str(cpus)]
    if memory_bytes(memory) >= SPARSE_FROM:
        words += ["-object", "memory-backend-ram,id=sparse,size=%s,reserve=off" % memory, "-machine", "memory-backend=sparse"]
        words += SPARSE_WORDS.get(machine.platform, [])
    words += MEDIA[machine.medium](machine, files, folder, append)
    return words + list(extra)
