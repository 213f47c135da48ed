/*
 * Names of functions in an ELF file: section headers, then the symbol table, then its strings.
 *
 * What is wrong with any of it means that there is no name; nothing is changed, and nothing is remembered. Numbers are
 * copied out of the bytes, as in elf.c.
 */
#include "elf.h"

/* System V ABI, chapter 4 ("ELF header", "Sections", "Symbol table"). */
#define HEADER_SECTION_OFFSET 40u
#define HEADER_SECTION_SIZE   58u
#define HEADER_SECTION_COUNT  60u
#define HEADER_BYTES          64u
#define TYPE_SYMBOLS          2u
#define TYPE_STRINGS          3u
#define KIND_MASK             15u
#define KIND_FUNCTION         2u

typedef struct elf_section {
    uint32_t name;
    uint32_t type;
    uint64_t flags;
    uint64_t address;
    uint64_t offset;
    uint64_t size;
    uint32_t link; /* of symbols: the section with their names */
    uint32_t information;
    uint64_t alignment;
    uint64_t entry_size;
} elf_section_t;

_Static_assert(sizeof(elf_section_t) == 64, "the layout is the file's");

typedef struct elf_symbol {
    uint32_t name;
    uint8_t kind; /* and binding, above KIND_MASK */
    uint8_t visibility;
    uint16_t section;
    uint64_t address;
    uint64_t size;
} elf_symbol_t;

_Static_assert(sizeof(elf_symbol_t) == 24, "the layout is the file's");

/* The file, and where its section headers are. */
typedef struct sections {
    const uint8_t *bytes;
    size_t length;
    uint64_t offset;
    uint16_t count;
} sections_t;

/* Whether [offset, offset + size) lies within `length` bytes. */
static bool fits(uint64_t offset, uint64_t size, uint64_t length)
{
    return offset <= length && size <= length - offset;
}

static bool find_sections(sections_t *sections)
{
    uint16_t size;
    if (sections->length < HEADER_BYTES) {
        return false;
    }
    __builtin_memcpy(&sections->offset, sections->bytes + HEADER_SECTION_OFFSET, sizeof(sections->offset));
    __builtin_memcpy(&size, sections->bytes + HEADER_SECTION_SIZE, sizeof(size));
    __builtin_memcpy(&sections->count, sections->bytes + HEADER_SECTION_COUNT, sizeof(sections->count));
    return size == sizeof(elf_section_t) && sections->count <= ELF_SECTIONS_MAX &&
           fits(sections->offset, sections->count * sizeof(elf_section_t), sections->length);
}

/* Copies section header `index`, if there is one, of that type, with its contents in the file. */
static bool read_section(const sections_t *sections, uint32_t index, uint32_t type, elf_section_t *section)
{
    if (index >= sections->count) {
        return false;
    }
    __builtin_memcpy(section, sections->bytes + sections->offset + index * sizeof(*section), sizeof(*section));
    return section->type == type && fits(section->offset, section->size, sections->length);
}

/* The length of the text at `offset` of a section of strings, or 0 when it is none that can be shown. */
static size_t name_length(const uint8_t *bytes, const elf_section_t *strings, uint32_t offset)
{
    const uint8_t *const text = bytes + strings->offset;
    for (uint64_t length = 0; offset + length < strings->size && length <= ELF_NAME_MAX; length++) {
        const uint8_t byte = text[offset + length];
        if (byte == '\0') {
            return (size_t)length;
        }
        if (byte <= ' ' || byte > '~') {
            return 0;
        }
    }
    return 0;
}

bool elf_symbol_find(const uint8_t *bytes, size_t length, uint64_t address, const char **name, uint64_t *offset)
{
    sections_t sections = {.bytes = bytes, .length = length};
    elf_section_t symbols;
    elf_section_t strings;
    uint32_t index = 0;
    if (!find_sections(&sections)) {
        return false;
    }
    while (index < sections.count && !read_section(&sections, index, TYPE_SYMBOLS, &symbols)) {
        index++;
    }
    if (index == sections.count || symbols.entry_size != sizeof(elf_symbol_t) ||
        !read_section(&sections, symbols.link, TYPE_STRINGS, &strings)) {
        return false;
    }
    for (uint64_t at = 0; at < symbols.size / sizeof(elf_symbol_t) && at < ELF_SYMBOLS_MAX; at++) {
        elf_symbol_t symbol;
        __builtin_memcpy(&symbol, bytes + symbols.offset + at * sizeof(symbol), sizeof(symbol));
        if ((symbol.kind & KIND_MASK) == KIND_FUNCTION && address >= symbol.address &&
            address - symbol.address < symbol.size && name_length(bytes, &strings, symbol.name) != 0) {
            *name = (const char *)bytes + strings.offset + symbol.name;
            *offset = address - symbol.address;
            return true;
        }
    }
    return false;
}
