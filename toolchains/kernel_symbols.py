"""The table of function names that a kernel prints backtraces with.

    kernel_symbols.py empty TABLE.S           a table without entries, for the first link
    kernel_symbols.py table IMAGE TABLE.S     the functions of a linked image, for the second link
    kernel_symbols.py check IMAGE COPY        copies IMAGE, unless its table disagrees with its own symbols

The table is assembly for section .kernel_symbols, which a linker script places last, so that filling it in moves no function;
`check` proves that it did not. What it defines, in C:

    struct kernel_symbol { uint64_t address; uint32_t name_offset; uint32_t size; };
    extern const struct kernel_symbol kernel_symbols[];    sorted by address
    extern const uint64_t kernel_symbols_count;
    extern const char kernel_symbol_names[];               strings, each ended by a zero byte

A size of 0 stands for a label of assembly code that states none: such a function ends where the next one begins.
"""

import struct
import sys

SYMBOL_TABLE = 2  # sh_type
FUNCTION = 2  # symbol type
UNTYPED = 0
EXECUTABLE = 4  # sh_flags
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
ENTRY = struct.Struct("<QII")


class Image:
    """An ELF64 image: its sections and its symbols."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        header = HEADER.unpack_from(self.bytes)
        if header[0][:6] != b"\x7fELF\x02\x01":
            sys.exit("kernel_symbols: %s is not a little-endian ELF64 file" % path)
        offset, size, count = header[6], header[11], header[12]
        self.sections = [SECTION.unpack_from(self.bytes, offset + index * size) for index in range(count)]

    def text_at(self, offset):
        return self.bytes[offset : self.bytes.index(b"\0", offset)].decode()

    def symbols(self):
        """Every symbol as (name, info, section index, value, size)."""
        for section in self.sections:
            if section[1] != SYMBOL_TABLE:
                continue
            names = self.sections[section[6]][4]
            for offset in range(section[4], section[4] + section[5], SYMBOL.size):
                name, info, _, index, value, size = SYMBOL.unpack_from(self.bytes, offset)
                yield self.text_at(names + name), info, index, value, size

    def functions(self):
        """(address, size, name) of every function and global code label, one for each address, by address."""
        found = {}
        for name, info, index, value, size in self.symbols():
            if not name or index == 0 or index >= len(self.sections) or not self.sections[index][2] & EXECUTABLE:
                continue
            kind, is_global = info & 15, info >> 4 != 0
            if kind != FUNCTION and not (kind == UNTYPED and is_global):
                continue
            # Of several names for one address, the one that states a size is the function's own.
            rank = (size != 0, is_global, name)
            if value not in found or rank > found[value][0]:
                found[value] = (rank, size, name)
        return [(value, size, name) for value, (_, size, name) in sorted(found.items())]

    def at(self, address, size):
        """The loaded bytes at an address."""
        for section in self.sections:
            if section[2] & 2 and section[1] != 8 and section[3] <= address and address + size <= section[3] + section[5]:
                offset = section[4] + address - section[3]
                return self.bytes[offset : offset + size]
        sys.exit("kernel_symbols: nothing is loaded at %#x" % address)

    def table(self):
        """What the image's own table says, in the form of functions()."""
        where = {name: value for name, _, _, value, _ in self.symbols()}
        missing = [name for name in ("kernel_symbols", "kernel_symbols_count", "kernel_symbol_names") if name not in where]
        if missing:
            # A kernel that never looks names up has its table collected as garbage; there is nothing to disagree with.
            return None
        (count,) = struct.unpack("<Q", self.at(where["kernel_symbols_count"], 8))
        rows = []
        for address, offset, size in ENTRY.iter_unpack(self.at(where["kernel_symbols"], count * ENTRY.size)):
            start = where["kernel_symbol_names"] + offset
            name = b""
            while not name.endswith(b"\0"):
                name += self.at(start + len(name), 1)
            rows.append((address, size, name[:-1].decode()))
        return rows


def assembly(functions):
    lines = [
        '    .section .kernel_symbols, "a"',
        "    .balign 8",
        "    .globl kernel_symbols, kernel_symbols_count, kernel_symbol_names",
        "kernel_symbols_count:",
        "    .quad %d" % len(functions),
        "kernel_symbols:",
    ]
    names = []
    offset = 0
    for address, size, name in functions:
        lines.append("    .quad %#x" % address)
        lines.append("    .long %d, %d" % (offset, size))
        names.append('    .asciz "%s"' % name)
        offset += len(name) + 1
    # At least one byte, so that the address is the table's own even when it is empty.
    return "\n".join(lines + ["kernel_symbol_names:"] + names + ["    .byte 0", ""])


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["empty"] and len(arguments) == 2:
        with open(arguments[1], "w", encoding="ascii") as file:
            file.write(assembly([]))
    elif arguments[:1] == ["table"] and len(arguments) == 3:
        with open(arguments[2], "w", encoding="ascii") as file:
            file.write(assembly(Image(arguments[1]).functions()))
    elif arguments[:1] == ["check"] and len(arguments) == 3:
        image = Image(arguments[1])
        table = image.table()
        if table is not None and table != image.functions():
            wrong = [row for row in image.functions() if row not in table]
            sys.exit("kernel_symbols: the table moved what it names; is .kernel_symbols last? First: %s" % (wrong[:1] or table[:1]))
        with open(arguments[2], "wb") as file:
            file.write(image.bytes)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
