/*
 * Programs as files: what an ELF file asks to be loaded, as a function of its bytes.
 *
 * Only what a static program of this machine needs is taken: ELF64, little-endian, ET_EXEC, loadable segments (System
 * V ABI, chapter 4 and 5). The bytes are hostile: every offset is checked against their length, every address against
 * the user's space, and what remains can be mapped without overlap. Needs no memory; any context.
 */
#ifndef KERNEL_PROCESS_ELF_H
#define KERNEL_PROCESS_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"

#define ELF_SEGMENTS_MAX 8u                   /* loadable ones */
#define ELF_HEADERS_MAX  32u                  /* program headers of all kinds */
#define ELF_MEMORY_MAX   (UINT64_C(64) << 20) /* bytes of all segments together */

/* A part of the program in memory: bytes[file_offset .. + file_size) at `address`, then zeros up to `size`. */
typedef struct elf_segment {
    uint64_t address;
    uint64_t size; /* at least 1, at least file_size */
    uint64_t file_offset;
    uint64_t file_size;
    bool is_writable;
    bool is_executable; /* never both */
} elf_segment_t;

/* Segments are in ascending order of address, no two in one page, all of them in the user's space. */
typedef struct elf_image {
    uint64_t entry; /* in an executable segment */
    size_t segment_count;
    elf_segment_t segments[ELF_SEGMENTS_MAX];
} elf_image_t;

/*
 * Reads bytes[0 .. length). `machine` is the ELF machine number of the programs that run here. Returns STATUS_CORRUPT
 * for what is no sound ELF file, STATUS_UNSUPPORTED for one of another kind or machine, STATUS_DENIED for a segment
 * both writable and executable, and STATUS_OUT_OF_RANGE for too many segments or bytes, or addresses outside the
 * user's space; *image is then unspecified.
 */
MUST_USE status_t elf_read(const uint8_t *bytes, size_t length, uint16_t machine, elf_image_t *image);

#define ELF_SECTIONS_MAX 64u    /* section headers of a file whose functions have names here */
#define ELF_SYMBOLS_MAX  65536u /* that are looked at */
#define ELF_NAME_MAX     63u    /* characters of a function's name; one with a longer name has none */

/*
 * Finds the function that holds `address` in the file's symbol table: its name, ended and printable, within bytes[0 ..
 * length), and how far into it the address is. False when there is none, or the file is not as it should be. Any bytes
 * do; any context.
 */
MUST_USE bool elf_symbol_find(const uint8_t *bytes, size_t length, uint64_t address, const char **name,
                              uint64_t *offset);

/* NULL, or the name of the first promise above that `image` breaks for a file of `length` bytes: "E2". For tests. */
const char *elf_validate(const elf_image_t *image, size_t length);

#endif
