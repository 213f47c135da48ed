/*
 * The ELF reader: header, program headers, then the promises that the loader relies on.
 *
 * Numbers are copied out of the bytes, never read in place: nothing says that they are aligned.
 *
 * Promises (elf_validate)
 *   E1  1 to ELF_SEGMENTS_MAX segments, their sizes together at most ELF_MEMORY_MAX
 *   E2  each segment's file part lies in the file and is no longer than the segment
 *   E3  each segment lies in the user's space
 *   E4  segments ascend, and no page holds parts of two
 *   E5  no segment is both writable and executable
 *   E6  the entry lies in an executable segment
 */
#include "elf.h"

#include "arch/user_page_table.h"

/* System V ABI, chapter 4 ("ELF header") and 5 ("Program header"). */
typedef struct elf_header {
    uint8_t identification[16];
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint64_t entry;
    uint64_t program_offset;
    uint64_t section_offset;
    uint32_t flags;
    uint16_t header_size;
    uint16_t program_size;
    uint16_t program_count;
    uint16_t section_size;
    uint16_t section_count;
    uint16_t section_names;
} elf_header_t;

_Static_assert(sizeof(elf_header_t) == 64, "the layout is the file's");

typedef struct elf_program {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t address;
    uint64_t physical;
    uint64_t file_size;
    uint64_t memory_size;
    uint64_t alignment;
} elf_program_t;

_Static_assert(sizeof(elf_program_t) == 56, "the layout is the file's");

#define CLASS_64            2
#define DATA_LITTLE         1
#define TYPE_EXECUTABLE     2
#define VERSION_CURRENT     1
#define PROGRAM_LOAD        1u
#define PROGRAM_DYNAMIC     2u
#define PROGRAM_INTERPRETER 3u
#define FLAG_EXECUTE        1u
#define FLAG_WRITE          2u

static status_t check_header(const elf_header_t *header, uint16_t machine)
{
    static const uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};
    if (__builtin_memcmp(header->identification, magic, sizeof(magic)) != 0) {
        return STATUS_CORRUPT;
    }
    if (header->identification[4] != CLASS_64 || header->identification[5] != DATA_LITTLE ||
        header->identification[6] != VERSION_CURRENT || header->version != VERSION_CURRENT ||
        header->type != TYPE_EXECUTABLE || header->machine != machine) {
        return STATUS_UNSUPPORTED;
    }
    return header->program_size == sizeof(elf_program_t) ? STATUS_OK : STATUS_CORRUPT;
}

/* Whether [offset, offset + size) lies within `length` bytes. */
static bool fits(uint64_t offset, uint64_t size, uint64_t length)
{
    return offset <= length && size <= length - offset;
}

/* Adds a loadable segment to the image; one of no size is passed over. */
static status_t add_segment(const elf_program_t *program, size_t length, elf_image_t *image)
{
    if (program->file_size > program->memory_size || !fits(program->offset, program->file_size, length)) {
        return STATUS_CORRUPT;
    }
    if (program->memory_size == 0) {
        return STATUS_OK;
    }
    if (program->memory_size > ELF_MEMORY_MAX || program->address < USER_SPACE_START ||
        !fits(program->address, program->memory_size, USER_SPACE_END) || image->segment_count == ELF_SEGMENTS_MAX) {
        return STATUS_OUT_OF_RANGE;
    }
    if ((program->flags & FLAG_WRITE) != 0 && (program->flags & FLAG_EXECUTE) != 0) {
        return STATUS_DENIED;
    }
    if (image->segment_count != 0) {
        const elf_segment_t *const last = &image->segments[image->segment_count - 1];
        if (align_down(program->address, PAGE_SIZE) < align_up(last->address + last->size, PAGE_SIZE)) {
            return STATUS_CORRUPT; /* the ABI has them ascend */
        }
    }
    image->segments[image->segment_count++] = (elf_segment_t){
        .address = program->address,
        .size = program->memory_size,
        .file_offset = program->offset,
        .file_size = program->file_size,
        .is_writable = (program->flags & FLAG_WRITE) != 0,
        .is_executable = (program->flags & FLAG_EXECUTE) != 0,
    };
    return STATUS_OK;
}

/* Whether `address` lies in an executable segment. */
static bool is_code(const elf_image_t *image, uint64_t address)
{
    for (size_t index = 0; index < image->segment_count; index++) {
        const elf_segment_t *const segment = &image->segments[index];
        if (segment->is_executable && address >= segment->address && address - segment->address < segment->size) {
            return true;
        }
    }
    return false;
}

static uint64_t bytes_of_segments(const elf_image_t *image)
{
    uint64_t bytes = 0;
    for (size_t index = 0; index < image->segment_count; index++) {
        bytes += image->segments[index].size;
    }
    return bytes;
}

status_t elf_read(const uint8_t *bytes, size_t length, uint16_t machine, elf_image_t *image)
{
    elf_header_t header;
    if (length < sizeof(header)) {
        return STATUS_CORRUPT;
    }
    __builtin_memcpy(&header, bytes, sizeof(header));
    status_t status = check_header(&header, machine);
    if (status != STATUS_OK) {
        return status;
    }
    if (header.program_count > ELF_HEADERS_MAX) {
        return STATUS_OUT_OF_RANGE;
    }
    if (!fits(header.program_offset, header.program_count * sizeof(elf_program_t), length)) {
        return STATUS_CORRUPT;
    }
    *image = (elf_image_t){.entry = header.entry};
    for (size_t index = 0; index < header.program_count; index++) {
        elf_program_t program;
        __builtin_memcpy(&program, bytes + header.program_offset + index * sizeof(program), sizeof(program));
        if (program.type == PROGRAM_DYNAMIC || program.type == PROGRAM_INTERPRETER) {
            return STATUS_UNSUPPORTED; /* nobody here links at run time */
        }
        status = program.type == PROGRAM_LOAD ? add_segment(&program, length, image) : STATUS_OK;
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (bytes_of_segments(image) > ELF_MEMORY_MAX) {
        return STATUS_OUT_OF_RANGE;
    }
    return is_code(image, header.entry) ? STATUS_OK : STATUS_CORRUPT;
}

const char *elf_validate(const elf_image_t *image, size_t length)
{
    if (image->segment_count == 0 || image->segment_count > ELF_SEGMENTS_MAX ||
        bytes_of_segments(image) > ELF_MEMORY_MAX) {
        return "E1";
    }
    uint64_t page_end = 0; /* of the segment before */
    for (size_t index = 0; index < image->segment_count; index++) {
        const elf_segment_t *const segment = &image->segments[index];
        if (segment->size == 0 || segment->file_size > segment->size ||
            !fits(segment->file_offset, segment->file_size, length)) {
            return "E2";
        }
        if (segment->address < USER_SPACE_START || !fits(segment->address, segment->size, USER_SPACE_END)) {
            return "E3";
        }
        if (align_down(segment->address, PAGE_SIZE) < page_end) {
            return "E4";
        }
        if (segment->is_writable && segment->is_executable) {
            return "E5";
        }
        page_end = align_up(segment->address + segment->size, PAGE_SIZE);
    }
    return is_code(image, image->entry) ? NULL : "E6";
}
