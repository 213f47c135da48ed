/*
 * The reader of program files: sound files are read as they were built, one mistake is called by its name, and nothing
 * that any bytes say leads out of the file or out of the user's space.
 */
#include "arch/user_page_table.h"
#include "base/text.h"
#include "kernel/process/elf.h"
#include "testing/models/elf_builder.h"
#include "testing/property/property.h"

#define FILE_BYTES 4096u
#define INPUT_MAX  1000u

/* A file in two copies, with different bytes behind them: a reader that looks beyond the end tells by differing. */
typedef struct twins {
    uint8_t bytes[2][FILE_BYTES + 64];
    elf_image_t images[2];
    status_t statuses[2];
} twins_t;

/* Reads both. */
static void read_twins(property_run_t *run, twins_t *twins, size_t length)
{
    for (size_t twin = 0; twin < 2; twin++) {
        twins->images[twin] = (elf_image_t){0};
        for (size_t index = length; twin == 1 && index < sizeof(twins->bytes[1]); index++) {
            twins->bytes[1][index] = (uint8_t)~twins->bytes[0][index];
        }
        twins->statuses[twin] = elf_read(twins->bytes[twin], length, ELF_BUILDER_MACHINE, &twins->images[twin]);
    }
    PROPERTY_EXPECT_EQUAL(run, twins->statuses[0], twins->statuses[1]);
    if (twins->statuses[0] == STATUS_OK) {
        PROPERTY_EXPECT_VALID(run, elf_validate(&twins->images[0], length));
        PROPERTY_EXPECT_EQUAL(run, twins->images[0].entry, twins->images[1].entry);
        PROPERTY_EXPECT_EQUAL(run, twins->images[0].segment_count, twins->images[1].segment_count);
    }
}

/* Draws what a sound file describes: 1 to `most` segments, the last one executable with the entry in it. */
static void draw_image(property_run_t *run, size_t most, elf_image_t *image)
{
    const size_t count = property_range(run, 1, most);
    uint64_t page = USER_SPACE_START >> PAGE_SHIFT;
    uint64_t offset = ELF_HEADER_BYTES + count * ELF_PROGRAM_BYTES;
    *image = (elf_image_t){.segment_count = count};
    for (size_t index = 0; index < count; index++) {
        const uint64_t gap = property_draw(run, 5000);
        const uint64_t start = property_draw(run, PAGE_SIZE);
        const uint64_t size = property_size_skewed(run, 3 * PAGE_SIZE);
        const uint64_t room = FILE_BYTES - offset;
        const uint64_t in_file = property_draw(run, (size < room ? size : room) + 1);
        const unsigned kind = (unsigned)property_draw(run, 3);
        elf_segment_t *const segment = &image->segments[index];
        *segment = (elf_segment_t){
            .address = ((page + gap) << PAGE_SHIFT) + start,
            .size = size,
            .file_offset = offset,
            .file_size = in_file,
            .is_writable = kind == 1 && index != count - 1,
            .is_executable = kind == 2 || index == count - 1,
        };
        offset += in_file;
        page = pages_for_bytes(segment->address + size);
    }
    const elf_segment_t *const last = &image->segments[count - 1];
    image->entry = last->address + property_draw(run, last->size);
}

/* Validates 3.1, 3.2: a sound file is read as it was built. */
static void a_sound_file_is_read_as_it_was_built(property_run_t *run)
{
    twins_t *const twins = property_alloc(run, sizeof(*twins));
    elf_image_t image;
    draw_image(run, ELF_SEGMENTS_MAX, &image);
    (void)elf_builder_write(twins->bytes[0], FILE_BYTES, &image);
    __builtin_memcpy(twins->bytes[1], twins->bytes[0], FILE_BYTES);
    read_twins(run, twins, FILE_BYTES);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, twins->statuses[0]);
    const elf_image_t *const read = &twins->images[0];
    PROPERTY_EXPECT_EQUAL(run, read->entry, image.entry);
    PROPERTY_EXPECT_EQUAL(run, read->segment_count, image.segment_count);
    for (size_t index = 0; index < image.segment_count; index++) {
        PROPERTY_EXPECT_EQUAL(run, read->segments[index].address, image.segments[index].address);
        PROPERTY_EXPECT_EQUAL(run, read->segments[index].size, image.segments[index].size);
        PROPERTY_EXPECT_EQUAL(run, read->segments[index].file_offset, image.segments[index].file_offset);
        PROPERTY_EXPECT_EQUAL(run, read->segments[index].file_size, image.segments[index].file_size);
        PROPERTY_EXPECT_EQUAL(run, read->segments[index].is_writable, image.segments[index].is_writable);
        PROPERTY_EXPECT_EQUAL(run, read->segments[index].is_executable, image.segments[index].is_executable);
    }
}

/* One wrong number in a sound file of one segment, and what is said of it. */
typedef struct mistake {
    size_t at;
    size_t size;
    uint64_t value;
    status_t status;
} mistake_t;

#define SEGMENT(field) ELF_AT_PROGRAM(0, ELF_AT_SEGMENT_##field)

static const mistake_t mistakes[] = {
    {0, 1, 0x7e, STATUS_CORRUPT},
    {ELF_AT_CLASS, 1, 1, STATUS_UNSUPPORTED},
    {ELF_AT_DATA, 1, 2, STATUS_UNSUPPORTED},
    {ELF_AT_TYPE, 2, 3, STATUS_UNSUPPORTED}, /* position-independent */
    {ELF_AT_MACHINE, 2, ELF_BUILDER_MACHINE + 1, STATUS_UNSUPPORTED},
    {ELF_AT_VERSION, 4, 2, STATUS_UNSUPPORTED},
    {ELF_AT_PROGRAM_SIZE, 2, 55, STATUS_CORRUPT},
    {ELF_AT_PROGRAM_COUNT, 2, 0, STATUS_CORRUPT}, /* no segment, so no entry */
    {ELF_AT_PROGRAM_COUNT, 2, ELF_HEADERS_MAX + 1, STATUS_OUT_OF_RANGE},
    {ELF_AT_PROGRAMS, 8, FILE_BYTES - ELF_PROGRAM_BYTES + 1, STATUS_CORRUPT},
    {ELF_AT_PROGRAMS, 8, UINT64_MAX, STATUS_CORRUPT},
    {ELF_AT_ENTRY, 8, 0x400800, STATUS_CORRUPT},
    {ELF_AT_ENTRY, 8, 0x3fffff, STATUS_CORRUPT},
    {SEGMENT(TYPE), 4, 2, STATUS_UNSUPPORTED},
    {SEGMENT(TYPE), 4, 3, STATUS_UNSUPPORTED},
    {SEGMENT(TYPE), 4, 4, STATUS_CORRUPT}, /* a note: no segment is left */
    {SEGMENT(FLAGS), 4, 7, STATUS_DENIED},
    {SEGMENT(FLAGS), 4, 4, STATUS_CORRUPT},
    {SEGMENT(OFFSET), 8, FILE_BYTES - 0x400 + 1, STATUS_CORRUPT},
    {SEGMENT(OFFSET), 8, UINT64_MAX, STATUS_CORRUPT},
    {SEGMENT(ADDRESS), 8, USER_SPACE_START - 1, STATUS_OUT_OF_RANGE},
    {SEGMENT(ADDRESS), 8, USER_SPACE_END - 0x7ff, STATUS_OUT_OF_RANGE},
    {SEGMENT(ADDRESS), 8, UINT64_MAX, STATUS_OUT_OF_RANGE},
    {SEGMENT(ADDRESS), 8, UINT64_C(0xffffffff80000000), STATUS_OUT_OF_RANGE},
    {SEGMENT(FILE_SIZE), 8, 0x801, STATUS_CORRUPT},
    {SEGMENT(SIZE), 8, 0x3ff, STATUS_CORRUPT},
    {SEGMENT(SIZE), 8, ELF_MEMORY_MAX + 1, STATUS_OUT_OF_RANGE},
    {SEGMENT(SIZE), 8, UINT64_MAX, STATUS_OUT_OF_RANGE},
};

/* Validates 3.2, 3.3: each mistake in an otherwise sound file is refused, and named. */
static void every_mistake_is_called_by_its_name(property_run_t *run)
{
    const elf_image_t image = {
        .entry = 0x400000,
        .segment_count = 1,
        .segments =
            {{.address = 0x400000, .size = 0x800, .file_offset = 0x200, .file_size = 0x400, .is_executable = true}},
    };
    twins_t *const twins = property_alloc(run, sizeof(*twins));
    const size_t choice = property_draw(run, ARRAY_COUNT(mistakes) + 1);
    (void)elf_builder_write(twins->bytes[0], FILE_BYTES, &image);
    if (choice != 0) {
        const mistake_t *const mistake = &mistakes[choice - 1];
        property_note(run, "%u bytes at %u are 0x%llx", (unsigned)mistake->size, (unsigned)mistake->at,
                      (unsigned long long)mistake->value);
        elf_builder_put(twins->bytes[0], mistake->at, mistake->size, mistake->value);
    }
    __builtin_memcpy(twins->bytes[1], twins->bytes[0], FILE_BYTES);
    read_twins(run, twins, FILE_BYTES);
    PROPERTY_EXPECT_STATUS(run, choice == 0 ? STATUS_OK : mistakes[choice - 1].status, twins->statuses[0]);
}

/* Validates 3.2: segments that share a page, go down, or are too many or too large together, are refused. */
static void segments_never_meet(property_run_t *run)
{
    twins_t *const twins = property_alloc(run, sizeof(*twins));
    elf_image_t image;
    draw_image(run, ELF_SEGMENTS_MAX, &image);
    const size_t victim = property_draw(run, image.segment_count);
    if (victim != 0) {
        image.segments[victim].address = image.segments[victim - 1].address + image.segments[victim - 1].size - 1;
    } else {
        image.segments[0].size = ELF_MEMORY_MAX + 1;
    }
    (void)elf_builder_write(twins->bytes[0], FILE_BYTES, &image);
    __builtin_memcpy(twins->bytes[1], twins->bytes[0], FILE_BYTES);
    read_twins(run, twins, FILE_BYTES);
    PROPERTY_EXPECT(run, twins->statuses[0] != STATUS_OK);
}

/* Validates 3.2, 3.3: a sound file with any number replaced is refused, or is sound all the same. */
static void a_damaged_file_is_refused_or_sound(property_run_t *run)
{
    twins_t *const twins = property_alloc(run, sizeof(*twins));
    elf_image_t image;
    draw_image(run, 4, &image);
    const size_t headers = elf_builder_write(twins->bytes[0], FILE_BYTES, &image);
    const size_t damages = property_range(run, 1, 4);
    for (size_t index = 0; index < damages; index++) {
        const size_t at = property_draw(run, headers - 8);
        const unsigned shift = (unsigned)property_draw(run, 64);
        const uint64_t value = property_bits64(run) >> shift;
        const size_t size = (size_t)1 << property_draw(run, 4);
        elf_builder_put(twins->bytes[0], at, size, value);
    }
    const size_t cut = property_draw(run, FILE_BYTES);
    __builtin_memcpy(twins->bytes[1], twins->bytes[0], FILE_BYTES);
    read_twins(run, twins, FILE_BYTES - cut);
}

/* Validates 3.2, 3.3: any bytes at all, for fuzzers: one choice a byte. */
static void any_bytes_are_an_elf_file(property_run_t *run)
{
    twins_t *const twins = property_alloc(run, sizeof(*twins));
    const size_t length = property_draw(run, INPUT_MAX + 1);
    for (size_t index = 0; index < length; index++) {
        twins->bytes[0][index] = (uint8_t)property_draw(run, 256);
        twins->bytes[1][index] = twins->bytes[0][index];
    }
    read_twins(run, twins, length);
}

/* ---- names ---- */

#define SYMBOLS_MAX   24u
#define SYMBOL_BYTES  24u
#define SECTION_BYTES 64u
#define SYMBOLS_AT    ELF_HEADER_BYTES
#define STRINGS_AT    (SYMBOLS_AT + SYMBOLS_MAX * SYMBOL_BYTES)
#define SECTIONS_AT   2048u
#define ADDRESSES     400u /* functions lie within as many bytes from 0 on */

/* Where the numbers of section headers and symbols are, from their start. */
enum {
    AT_SECTIONS = 40,
    AT_SECTION_SIZE = 58,
    AT_SECTION_COUNT = 60,
    AT_TYPE = 4,
    AT_OFFSET = 24,
    AT_SIZE = 32,
    AT_LINK = 40,
    AT_ENTRY_SIZE = 56,
    AT_SYMBOL_KIND = 4,
    AT_SYMBOL_ADDRESS = 8,
    AT_SYMBOL_SIZE = 16,
};

typedef struct drawn_symbol {
    char name[12];
    uint64_t address;
    uint64_t size;
    bool is_function;
} drawn_symbol_t;

typedef struct symbol_file {
    drawn_symbol_t symbols[SYMBOLS_MAX];
    size_t count;
    twins_t twins;
} symbol_file_t;

static void put_section(uint8_t *bytes, size_t index, uint64_t type, uint64_t offset, uint64_t size, uint64_t link)
{
    uint8_t *const section = bytes + SECTIONS_AT + index * SECTION_BYTES;
    elf_builder_put(section, AT_TYPE, 4, type);
    elf_builder_put(section, AT_OFFSET, 8, offset);
    elf_builder_put(section, AT_SIZE, 8, size);
    elf_builder_put(section, AT_LINK, 4, link);
    elf_builder_put(section, AT_ENTRY_SIZE, 8, type == 2 ? SYMBOL_BYTES : 0);
}

/* A file with a drawn symbol table; returns its length. */
static size_t draw_symbols(property_run_t *run, symbol_file_t *file)
{
    uint8_t *const bytes = file->twins.bytes[0];
    uint64_t text = 1; /* the first name is the empty one */
    file->count = property_draw(run, SYMBOLS_MAX + 1);
    for (size_t index = 0; index < file->count; index++) {
        drawn_symbol_t *const symbol = &file->symbols[index];
        const size_t length = text_print(symbol->name, sizeof(symbol->name), "name%u", (unsigned)index);
        symbol->address = property_draw(run, ADDRESSES);
        symbol->size = property_draw(run, 50);
        symbol->is_function = property_draw(run, 4) != 1;
        uint8_t *const place = bytes + SYMBOLS_AT + index * SYMBOL_BYTES;
        elf_builder_put(place, 0, 4, text);
        elf_builder_put(place, AT_SYMBOL_KIND, 1, symbol->is_function ? 0x12 : 0x11);
        elf_builder_put(place, AT_SYMBOL_ADDRESS, 8, symbol->address);
        elf_builder_put(place, AT_SYMBOL_SIZE, 8, symbol->size);
        __builtin_memcpy(bytes + STRINGS_AT + text, symbol->name, length + 1);
        text += length + 1;
    }
    elf_builder_put(bytes, AT_SECTIONS, 8, SECTIONS_AT);
    elf_builder_put(bytes, AT_SECTION_SIZE, 2, SECTION_BYTES);
    elf_builder_put(bytes, AT_SECTION_COUNT, 2, 3);
    put_section(bytes, 1, 2, SYMBOLS_AT, file->count * SYMBOL_BYTES, 2);
    put_section(bytes, 2, 3, STRINGS_AT, text, 0);
    return SECTIONS_AT + 3 * SECTION_BYTES;
}

/* Validates 3.2, 5.6: an address has the name of the first function of the table that holds it, or none. */
static void functions_have_the_names_of_the_table(property_run_t *run)
{
    symbol_file_t *const file = property_alloc(run, sizeof(*file));
    __builtin_memset(file, 0, sizeof(*file));
    const size_t length = draw_symbols(run, file);
    for (uint64_t address = 0; address < ADDRESSES + 50; address++) {
        const char *name = NULL;
        uint64_t offset = 0;
        const drawn_symbol_t *expected = NULL;
        for (size_t index = file->count; index > 0; index--) {
            const drawn_symbol_t *const symbol = &file->symbols[index - 1];
            if (symbol->is_function && address >= symbol->address && address < symbol->address + symbol->size) {
                expected = symbol;
            }
        }
        PROPERTY_EXPECT_EQUAL(run, elf_symbol_find(file->twins.bytes[0], length, address, &name, &offset),
                              expected != NULL);
        if (expected != NULL) {
            PROPERTY_EXPECT_TEXT(run, expected->name, name);
            PROPERTY_EXPECT_EQUAL(run, offset, address - expected->address);
        }
    }
}

/* Validates 3.2, 3.3: whatever is spoiled in a file, and wherever it is cut, a name that is found lies within it. */
static void names_of_spoiled_files_lie_within_them(property_run_t *run)
{
    symbol_file_t *const file = property_alloc(run, sizeof(*file));
    __builtin_memset(file, 0, sizeof(*file));
    size_t length = draw_symbols(run, file);
    uint8_t *const bytes = file->twins.bytes[0];
    const uint64_t spoiled = property_range(run, 1, 6);
    for (uint64_t index = 0; index < spoiled; index++) {
        const uint64_t where = property_draw(run, 3);
        const size_t from = where == 0 ? 0 : where == 1 ? SYMBOLS_AT : SECTIONS_AT;
        const size_t room = where == 0 ? ELF_HEADER_BYTES : where == 1 ? 1000 : 3 * SECTION_BYTES;
        elf_builder_put(bytes, from + property_draw(run, room), 1, property_draw(run, 256));
    }
    length -= property_draw(run, 4) == 1 ? property_draw(run, length + 1) : 0;
    __builtin_memcpy(file->twins.bytes[1], bytes, length);
    for (size_t index = length; index < sizeof(file->twins.bytes[1]); index++) {
        file->twins.bytes[1][index] = (uint8_t)~bytes[index];
    }
    for (uint64_t address = 0; address < ADDRESSES; address += 3) {
        const char *names[2] = {NULL, NULL};
        uint64_t offsets[2] = {0, 0};
        bool is_found[2];
        for (size_t twin = 0; twin < 2; twin++) {
            is_found[twin] = elf_symbol_find(file->twins.bytes[twin], length, address, &names[twin], &offsets[twin]);
        }
        PROPERTY_EXPECT_EQUAL(run, is_found[0], is_found[1]);
        if (is_found[0]) {
            const size_t at = (size_t)((const uint8_t *)names[0] - bytes);
            const size_t end = at + text_length(names[0]);
            PROPERTY_EXPECT(run, at < length && end < length && end - at <= ELF_NAME_MAX);
            PROPERTY_EXPECT_TEXT(run, names[0], names[1]);
            PROPERTY_EXPECT_EQUAL(run, offsets[0], offsets[1]);
        }
    }
}

PROPERTY_SUITE(elf,

               PROPERTY(a_sound_file_is_read_as_it_was_built, "3.1 3.2"),
               PROPERTY_EXHAUSTIVE(every_mistake_is_called_by_its_name, 1, "3.2 3.3"),
               PROPERTY(segments_never_meet, "3.2"), PROPERTY(a_damaged_file_is_refused_or_sound, "3.2 3.3"),
               PROPERTY(any_bytes_are_an_elf_file, "3.2 3.3"),
               PROPERTY(functions_have_the_names_of_the_table, "3.2 5.6"),
               PROPERTY(names_of_spoiled_files_lie_within_them, "3.2 3.3"));
