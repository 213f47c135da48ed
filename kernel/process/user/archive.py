"""The archive of user programs, as assembly: archive.py OUTPUT MACHINE PROGRAM.elf...

What it defines is kernel/process/programs.h's table. The bytes are written out, and not included by the assembler, because what an
assembler includes by itself is no input that Bazel sees.
"""

import os
import sys

ROW = 32


def assembly(machine, programs):
    lines = [
        "    /* Writable, since a host program is linked to run anywhere. */",
        '    .section .data.programs, "aw"',
        "    .balign 8",
        "    .globl program_files, program_count, program_machine",
        "program_files:",
    ]
    contents = []
    for name, content in programs:
        lines.append("    .quad .Lname_%s, .Lbytes_%s, %d" % (name, name, len(content)))
        contents += ["    .balign 8", ".Lbytes_%s:" % name]
        contents += ["    .byte " + ",".join(map(str, content[at : at + ROW])) for at in range(0, len(content), ROW)]
        contents += [".Lname_%s:" % name, '    .asciz "%s"' % name]
    lines += ["program_count:", "    .quad %d" % len(programs), "program_machine:", "    .quad %d" % machine]
    return "\n".join(lines + contents + ['    .section .note.GNU-stack, "", %progbits', ""])


def main():
    output, machine, paths = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    programs = []
    for path in sorted(paths, key=os.path.basename):
        with open(path, "rb") as file:
            programs.append((os.path.basename(path)[: -len(".elf")], file.read()))
    with open(output, "w", encoding="ascii") as file:
        file.write(assembly(machine, programs))


if __name__ == "__main__":
    main()
