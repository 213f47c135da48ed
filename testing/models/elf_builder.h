/*
 * ELF files as a test wants them: sound ones of a few segments, with every field at hand to be spoiled.
 */
#ifndef TESTING_MODELS_ELF_BUILDER_H
#define TESTING_MODELS_ELF_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/process/elf.h"

#define ELF_BUILDER_MACHINE 4711u /* of no machine that there is */

/* Where the numbers of a file are, from its start: the header's, and a program header's from that one's start. */
enum {
    ELF_AT_CLASS = 4,
    ELF_AT_DATA = 5,
    ELF_AT_TYPE = 16,
    ELF_AT_MACHINE = 18,
    ELF_AT_VERSION = 20,
    ELF_AT_ENTRY = 24,
    ELF_AT_PROGRAMS = 32,
    ELF_AT_PROGRAM_SIZE = 54,
    ELF_AT_PROGRAM_COUNT = 56,
    ELF_HEADER_BYTES = 64,
    ELF_AT_SEGMENT_TYPE = 0,
    ELF_AT_SEGMENT_FLAGS = 4,
    ELF_AT_SEGMENT_OFFSET = 8,
    ELF_AT_SEGMENT_ADDRESS = 16,
    ELF_AT_SEGMENT_FILE_SIZE = 32,
    ELF_AT_SEGMENT_SIZE = 40,
    ELF_PROGRAM_BYTES = 56,
};

/* The place of a field of program header number `index` in a built file. */
#define ELF_AT_PROGRAM(index, field) (ELF_HEADER_BYTES + (index) * ELF_PROGRAM_BYTES + (field))

/* Writes a number of `size` bytes, the lowest first. */
void elf_builder_put(uint8_t *bytes, size_t at, size_t size, uint64_t value);

/*
 * Writes the file that `image` describes (its file offsets, too) into bytes[0 .. capacity), contents of segments
 * excepted: these bytes stay as they are. Returns the length of header and program headers.
 */
size_t elf_builder_write(uint8_t *bytes, size_t capacity, const elf_image_t *image);

#endif
