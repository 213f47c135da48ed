"""First inputs for the fuzzers, made here: sound boot data and the like, which a fuzzer would take long to guess.

An input of a raw_input property is two bytes of length and then the bytes themselves (suites/raw_input_properties.c). Where there is nothing
here, a fuzzer starts from all zeros and a few plain texts, the simplest choices that there are.
"""

import struct

BASE = 0x9000  # BOOT_WORLD_BASE of models/boot_world.h: where the bytes lie in physical memory


def raw(content):
    return struct.pack("<H", len(content)) + content


def aligned(content, alignment=8):
    return content + b"\0" * (-len(content) % alignment)


def multiboot2_tag(kind, content):
    return aligned(struct.pack("<II", kind, 8 + len(content)) + content)


def multiboot2():
    regions = [(0, 0x9FC00, 1), (0xF0000, 0x10000, 2), (0x100000, 0x7F00000, 1), (1 << 32, 1 << 30, 5)]
    entries = b"".join(struct.pack("<QQII", *region, 0) for region in regions)
    tags = [
        multiboot2_tag(1, b'run="stat //kern"\0'),
        multiboot2_tag(2, b"GRUB\0"),
        multiboot2_tag(3, struct.pack("<II", 0x200000, 0x201000) + b"module\0"),
        multiboot2_tag(6, struct.pack("<II", 24, 0) + entries),
        multiboot2_tag(14, acpi_root(BASE)[:20]),
        multiboot2_tag(15, acpi_root(BASE)),
    ]
    for chosen in ([], tags[:1], tags[3:4], tags):
        content = b"".join(chosen) + multiboot2_tag(0, b"")
        yield raw(struct.pack("<II", 8 + len(content), 0) + content)


def pvh():
    regions = b"".join(struct.pack("<QQII", *region, 0) for region in [(0, 0x9FC00, 1), (0x100000, 0x7F00000, 1)])
    text = b"console=serial\0"
    start = BASE + 56
    module = struct.pack("<QQQQ", 0x200000, 0x1000, 0, 0)
    for module_count in (0, 1):
        places = (start, start + len(regions), start + len(regions) + len(module))
        yield raw(
            struct.pack("<IIIIQQQQII", 0x336EC578, 1, 0, module_count, places[1], places[2], BASE, places[0], 2, 0) + regions + module + text
        )


def acpi_root(list_address, revision=2):
    root = bytearray(struct.pack("<8sB6sBIIQB3s", b"RSD PTR ", 0, b"QUARRY", revision, list_address, 36, list_address, 0, b""))
    root[8] = -sum(root[:20]) % 256
    root[32] = -sum(root) % 256
    return bytes(root)


def acpi_table(signature, content):
    table = bytearray(struct.pack("<4sIBB6s8sIII", signature, 36 + len(content), 1, 0, b"QUARRY", b"SEED", 1, 0, 1) + content)
    table[9] = -sum(table) % 256
    return bytes(table)


def acpi_tables():
    for revision, signature, form in ((0, b"RSDT", "<I"), (2, b"XSDT", "<Q")):
        place = BASE + 36 + 36 + struct.calcsize(form)
        yield raw(acpi_root(BASE + 36, revision) + acpi_table(signature, struct.pack(form, place)) + fadt())


def fadt():
    content = bytearray(232 - 36)
    struct.pack_into("<I", content, 40 - 36, BASE)  # the DSDT
    struct.pack_into("<I", content, 64 - 36, 0x604)  # power control
    struct.pack_into("<I", content, 76 - 36, 0x608)  # the timer
    content[91 - 36] = 4
    struct.pack_into("<BBBBQ", content, 208 - 36, 1, 32, 0, 3, 0x608)
    return acpi_table(b"FACP", bytes(content))


def madt():
    entries = [
        struct.pack("<BBBBI", 0, 8, 0, 0, 1),
        struct.pack("<BBBBI", 0, 8, 1, 1, 1),
        struct.pack("<BBBBII", 1, 12, 2, 0, 0xFEC00000, 0),
        struct.pack("<BBBBIH", 2, 10, 0, 0, 2, 0),
        struct.pack("<BBHIII", 9, 16, 0, 300, 1, 0),
    ]
    return acpi_table(b"APIC", struct.pack("<II", 0xFEE00000, 1) + b"".join(entries))


def memory_map():
    regions = [(0, 0xA0000, 0), (0x9F000, 0x61000, 2), (0x100000, 1 << 40, 0), (2**64 - 4096, 4096, 4)]
    yield struct.pack("<QB", 1 << 46, len(regions)) + b"".join(struct.pack("<QQB", *region) for region in regions)


def elf():
    """A program of one segment, for the machine that models/elf_builder.h invents."""
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 4711, 1, 0x400000, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    code = struct.pack("<IIQQQQQQ", 1, 5, 176, 0x400000, 0, 8, 16, 4096)
    data = struct.pack("<IIQQQQQQ", 1, 6, 180, 0x401000, 0, 4, 4096, 4096)
    return raw(header + code + data + bytes(8))


def texts(*lines):
    return [raw(line.encode("ascii")) for line in lines]


SEEDS = {
    "raw_input.any_bytes_are_multiboot2_data": multiboot2,
    "raw_input.any_bytes_are_pvh_data": pvh,
    "raw_input.any_bytes_are_acpi_tables": acpi_tables,
    "raw_input.any_bytes_are_an_acpi_madt": lambda: [raw(madt())],
    "raw_input.any_bytes_are_an_acpi_fadt": lambda: [raw(fadt()), raw(fadt()[:116])],
    "raw_input.any_regions_make_a_map": memory_map,
    "raw_input.any_bytes_are_a_path": lambda: texts("//", "//a/b", "//a/./../a//a", "//a/b/..", "/a", ""),
    "raw_input.any_bytes_are_a_command_list": lambda: texts("ls; cat //a 'b c' \"d\\\"\"", "a\\ b;;", "'", ""),
    "elf.any_bytes_are_an_elf_file": lambda: [elf(), elf()[:120]],
    "cmdline.any_bytes_are_a_command_line": lambda: [bytes([20]) + b"a=\"b c\" 'a=d' e\\ f  ", bytes([3]) + b"a=\""],
}


def seeds_of(name):
    """Inputs for a property, or for what a pattern matches."""
    found = list(SEEDS[name]()) if name in SEEDS else []
    return found + [b"", bytes(64), bytes(range(256))]
