#include "testing/models/elf_builder.h"

#include "base/check.h"

void elf_builder_put(uint8_t *bytes, size_t at, size_t size, uint64_t value)
{
    for (size_t index = 0; index < size; index++) {
        bytes[at + index] = (uint8_t)(value >> (8 * index));
    }
}

size_t elf_builder_write(uint8_t *bytes, size_t capacity, const elf_image_t *image)
{
    static const uint8_t identification[7] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    const size_t length = ELF_HEADER_BYTES + image->segment_count * ELF_PROGRAM_BYTES;
    CHECK(length <= capacity, "an ELF file needs room for its headers");
    for (size_t index = 0; index < length; index++) {
        bytes[index] = index < sizeof(identification) ? identification[index] : 0;
    }
    elf_builder_put(bytes, ELF_AT_TYPE, 2, 2);
    elf_builder_put(bytes, ELF_AT_MACHINE, 2, ELF_BUILDER_MACHINE);
    elf_builder_put(bytes, ELF_AT_VERSION, 4, 1);
    elf_builder_put(bytes, ELF_AT_ENTRY, 8, image->entry);
    elf_builder_put(bytes, ELF_AT_PROGRAMS, 8, ELF_HEADER_BYTES);
    elf_builder_put(bytes, ELF_AT_PROGRAM_SIZE, 2, ELF_PROGRAM_BYTES);
    elf_builder_put(bytes, ELF_AT_PROGRAM_COUNT, 2, image->segment_count);
    for (size_t index = 0; index < image->segment_count; index++) {
        const elf_segment_t *const segment = &image->segments[index];
        const uint32_t flags = 4u | (segment->is_writable ? 2u : 0) | (segment->is_executable ? 1u : 0);
        elf_builder_put(bytes, ELF_AT_PROGRAM(index, ELF_AT_SEGMENT_TYPE), 4, 1);
        elf_builder_put(bytes, ELF_AT_PROGRAM(index, ELF_AT_SEGMENT_FLAGS), 4, flags);
        elf_builder_put(bytes, ELF_AT_PROGRAM(index, ELF_AT_SEGMENT_OFFSET), 8, segment->file_offset);
        elf_builder_put(bytes, ELF_AT_PROGRAM(index, ELF_AT_SEGMENT_ADDRESS), 8, segment->address);
        elf_builder_put(bytes, ELF_AT_PROGRAM(index, ELF_AT_SEGMENT_FILE_SIZE), 8, segment->file_size);
        elf_builder_put(bytes, ELF_AT_PROGRAM(index, ELF_AT_SEGMENT_SIZE), 8, segment->size);
    }
    return length;
}
