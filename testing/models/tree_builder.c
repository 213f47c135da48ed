/*
 * Trees byte by byte (Devicetree Specification v0.4, chapter 5): testing/models/tree_builder.h.
 */
#include "testing/models/tree_builder.h"

#include "base/text.h"

#define NOP_ONE_IN    12u
#define CELLS_AT_MOST 64u

static void put_u32_at(uint8_t *bytes, uint32_t number)
{
    for (size_t i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(number >> (24 - 8 * i));
    }
}

static void put_bytes(tree_builder_t *tree, const void *bytes, size_t length)
{
    PROPERTY_EXPECT(tree->run, tree->structure_size + length + 4 <= TREE_STRUCTURE_MAX);
    __builtin_memcpy(tree->structure + tree->structure_size, bytes, length);
    tree->structure_size += length;
    while (tree->structure_size % 4 != 0) {
        tree->structure[tree->structure_size++] = 0;
    }
}

static void put_u32(tree_builder_t *tree, uint32_t number)
{
    uint8_t bytes[4];
    put_u32_at(bytes, number);
    put_bytes(tree, bytes, 4);
}

/* A token, perhaps behind a NOP. The root's comes first. */
static void put_token(tree_builder_t *tree, uint32_t token)
{
    if (tree->structure_size != 0 && property_draw(tree->run, NOP_ONE_IN) == NOP_ONE_IN - 1) {
        put_u32(tree, 4);
    }
    put_u32(tree, token);
}

/* Where a name is in the strings block: as the end of another, if it can be. */
static uint32_t put_name(tree_builder_t *tree, const char *name)
{
    const size_t size = text_length(name) + 1;
    for (size_t at = 0; at + size <= tree->strings_size; at++) {
        if (__builtin_memcmp(tree->strings + at, name, size) == 0) {
            return (uint32_t)at;
        }
    }
    PROPERTY_EXPECT(tree->run, tree->strings_size + size <= TREE_STRINGS_MAX);
    const uint32_t offset = (uint32_t)tree->strings_size;
    __builtin_memcpy(tree->strings + offset, name, size);
    tree->strings_size += size;
    return offset;
}

tree_builder_t *tree_builder(property_run_t *run)
{
    tree_builder_t *const tree = property_alloc(run, sizeof(*tree));
    tree->run = run;
    return tree;
}

void tree_begin(tree_builder_t *tree, const char *name)
{
    put_token(tree, 1);
    put_bytes(tree, name, text_length(name) + 1);
}

void tree_end(tree_builder_t *tree)
{
    put_token(tree, 2);
}

void tree_property(tree_builder_t *tree, const char *name, const void *bytes, size_t length)
{
    put_token(tree, 3);
    put_u32(tree, (uint32_t)length);
    put_u32(tree, put_name(tree, name));
    put_bytes(tree, bytes, length);
}

void tree_string(tree_builder_t *tree, const char *name, const char *text)
{
    tree_property(tree, name, text, text_length(text) + 1);
}

void tree_u32(tree_builder_t *tree, const char *name, uint32_t number)
{
    uint8_t bytes[4];
    put_u32_at(bytes, number);
    tree_property(tree, name, bytes, 4);
}

void tree_numbers(tree_builder_t *tree, const char *name, const uint64_t *numbers, const uint32_t *cells, size_t count)
{
    uint8_t bytes[CELLS_AT_MOST * 4];
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t cell = cells[i]; cell-- > 0; length += 4) {
            PROPERTY_EXPECT(tree->run, length < sizeof(bytes));
            put_u32_at(bytes + length, cell >= 2 ? 0 : (uint32_t)(numbers[i] >> (32 * cell)));
        }
    }
    tree_property(tree, name, bytes, length);
}

void tree_reserve(tree_builder_t *tree, uint64_t base, uint64_t size)
{
    PROPERTY_EXPECT(tree->run, tree->reservation_count < TREE_RESERVATIONS_MAX);
    tree->reservations[tree->reservation_count++] = (devicetree_range_t){base, size};
}

/* Appends a block behind a gap; returns its offset. */
static uint32_t append(tree_builder_t *tree, const void *bytes, size_t length, size_t gap)
{
    PROPERTY_EXPECT(tree->run, tree->blob_size + gap + length <= TREE_BYTES_MAX);
    for (size_t i = 0; i < gap; i++) {
        tree->blob[tree->blob_size++] = 0xee;
    }
    const uint32_t offset = (uint32_t)tree->blob_size;
    __builtin_memcpy(tree->blob + offset, bytes, length);
    tree->blob_size += length;
    return offset;
}

static uint32_t append_reservations(tree_builder_t *tree, size_t gap)
{
    uint8_t entries[(TREE_RESERVATIONS_MAX + 1) * 16] = {0};
    for (size_t i = 0; i < tree->reservation_count; i++) {
        const uint64_t numbers[] = {tree->reservations[i].base, tree->reservations[i].size};
        for (size_t k = 0; k < 2; k++) {
            put_u32_at(entries + i * 16 + k * 8, (uint32_t)(numbers[k] >> 32));
            put_u32_at(entries + i * 16 + k * 8 + 4, (uint32_t)numbers[k]);
        }
    }
    return append(tree, entries, (tree->reservation_count + 1) * 16, gap);
}

void tree_finish(tree_builder_t *tree)
{
    put_u32(tree, 9);
    const size_t first = property_draw(tree->run, 3);
    const size_t gap = 4 * property_draw(tree->run, 4);
    uint32_t offsets[3] = {0}; /* of reservations, structure, strings */
    tree->blob_size = DEVICETREE_HEADER_SIZE;
    for (size_t i = 0; i < 3; i++) {
        const size_t block = (first + i) % 3;
        offsets[block] = block == 0   ? append_reservations(tree, gap)
                         : block == 1 ? append(tree, tree->structure, tree->structure_size, gap)
                                      : append(tree, tree->strings, tree->strings_size, gap);
    }
    const uint32_t header[] = {
        0xd00dfeed,
        (uint32_t)tree->blob_size,
        offsets[1],
        offsets[2],
        offsets[0],
        17,
        16,
        0,
        (uint32_t)tree->strings_size,
        (uint32_t)tree->structure_size,
    };
    for (size_t i = 0; i < ARRAY_COUNT(header); i++) {
        put_u32_at(tree->blob + i * 4, header[i]);
    }
}
