/*
 * The tree as bytes: header, tokens, nodes, properties in turn. devicetree_find.c looks things up, devicetree_cells.c
 * reads numbers.
 *
 *   header | reservation block: (address, size) ..., (any, 0) | structure block | strings block
 *
 *   structure: BEGIN_NODE "name\0"  PROP length name_offset value  PROP ...  BEGIN_NODE ... END_NODE  END_NODE  END
 *               every token on a multiple of 4 from the block's start; NOPs anywhere behind the first. Blocks in any order.
 *
 * devicetree_open() establishes, and all else relies on:
 *   T1  the blocks lie in the tree, and the tree in the caller's bytes
 *   T2  the reservation block has an end, an entry of size 0
 *   T3  the structure is one root with a proper nesting inside, no deeper than DEVICETREE_DEPTH_MAX, and an END
 *   T4  node names and values end inside the structure; property names end inside the strings
 *
 * Offsets of blocks need not be aligned here, though section 5.1 asks for it: numbers are put together from bytes.
 * Reads ask for bounds all the same, so that a tree that changes while it is read gives wrong answers and not stray
 * reads.
 *
 * Work is bounded by the tree's size. No offset leads back: a node remembers its ancestors, so that nothing is searched
 * for a parent. The strings block is cut behind its last zero byte once; every offset into it is then the start of a
 * string with an end, and none needs to be looked at.
 */
#include "devicetree.h"

#include "devicetree_bytes.h"

#define MAGIC       0xd00dfeedu
#define VERSION     17u /* the one whose header has the structure's size; 18 and up promise to stay readable as 17 */
#define TOTAL_MAX   ((uint32_t)INT32_MAX)
#define TOKEN_SIZE  4u
#define ENTRY_SIZE  16u /* of the reservation block */
#define PROP_HEADER 12u /* token, length, name */

enum {
    TOKEN_BEGIN_NODE = 1,
    TOKEN_END_NODE = 2,
    TOKEN_PROP = 3,
    TOKEN_NOP = 4,
    TOKEN_END = 9,
};

/* Offsets in the header. */
enum {
    HEADER_TOTAL_SIZE = 4,
    HEADER_STRUCTURE = 8,
    HEADER_STRINGS = 12,
    HEADER_RESERVATIONS = 16,
    HEADER_VERSION = 20,
    HEADER_LAST_COMPATIBLE = 24,
    HEADER_STRINGS_SIZE = 32,
    HEADER_STRUCTURE_SIZE = 36,
};

/* One token of the structure block, and where the next one is. Of a property, also what its header says. */
typedef struct token {
    uint32_t type;
    uint32_t next;
    uint32_t value_length;
    uint32_t name; /* offset in the strings block: any number */
} token_t;

/* Reads the token at `offset`. False when it is none, or not whole. Most of what reading a tree takes is taken here. */
static bool read_token(const devicetree_t *tree, uint32_t offset, token_t *token)
{
    if (tree->structure_size < TOKEN_SIZE || offset > tree->structure_size - TOKEN_SIZE) {
        return false;
    }
    const uint8_t *const bytes = tree->bytes + tree->structure + offset;
    const uint32_t room = tree->structure_size - offset; /* at least a token, at most TOTAL_MAX */
    uint32_t size = TOKEN_SIZE;
    token->type = bytes_u32(bytes);
    switch (token->type) {
    case TOKEN_BEGIN_NODE:
        while (size < room && bytes[size] != 0) {
            size++;
        }
        size++;
        break;
    case TOKEN_PROP:
        if (room < PROP_HEADER) {
            return false;
        }
        token->value_length = bytes_u32(bytes + TOKEN_SIZE);
        token->name = bytes_u32(bytes + 2 * TOKEN_SIZE);
        if (token->value_length > room - PROP_HEADER) {
            return false;
        }
        size = PROP_HEADER + token->value_length;
        break;
    case TOKEN_END_NODE:
    case TOKEN_NOP:
    case TOKEN_END:
        break;
    default:
        return false;
    }
    token->next = (offset + size + TOKEN_SIZE - 1) & ~(TOKEN_SIZE - 1);
    return size <= room;
}

/* Establishes T3 and T4. */
static bool structure_is_sound(const devicetree_t *tree)
{
    token_t token;
    uint32_t depth = 0;

    if (!read_token(tree, 0, &token) || token.type != TOKEN_BEGIN_NODE || tree->bytes[tree->structure + TOKEN_SIZE]) {
        return false; /* the root comes first, and has no name */
    }
    uint32_t offset = 0;
    bool root_has_ended = false;
    while (read_token(tree, offset, &token)) {
        if (root_has_ended && token.type != TOKEN_END) {
            return false;
        }
        switch (token.type) {
        case TOKEN_END:
            return root_has_ended;
        case TOKEN_BEGIN_NODE:
            if (++depth > DEVICETREE_DEPTH_MAX) {
                return false;
            }
            break;
        case TOKEN_END_NODE:
            root_has_ended = --depth == 0;
            break;
        case TOKEN_PROP:
            if (token.name >= tree->strings_size) {
                return false;
            }
            break;
        default:
            break;
        }
        offset = token.next;
    }
    return false;
}

/* Whether a block lies behind the header and inside the tree. */
static bool block_is_inside(uint32_t total_size, uint32_t offset, uint32_t size)
{
    return offset >= DEVICETREE_HEADER_SIZE && offset <= total_size && size <= total_size - offset;
}

uint32_t devicetree_total_size(const void *prefix, size_t length)
{
    const uint8_t *header = prefix;
    if (length < DEVICETREE_HEADER_SIZE || bytes_u32(header) != MAGIC) {
        return 0;
    }
    const uint32_t total_size = bytes_u32(header + HEADER_TOTAL_SIZE);
    const bool is_known =
        bytes_u32(header + HEADER_VERSION) >= VERSION && bytes_u32(header + HEADER_LAST_COMPATIBLE) <= VERSION;
    return is_known && total_size >= DEVICETREE_HEADER_SIZE && total_size <= TOTAL_MAX ? total_size : 0;
}

status_t devicetree_open(const void *bytes, size_t length, devicetree_t *tree)
{
    const uint8_t *header = bytes;
    const uint32_t total_size = devicetree_total_size(bytes, length);
    if (total_size == 0) {
        return STATUS_UNSUPPORTED;
    }
    *tree = (devicetree_t){
        .bytes = header,
        .total_size = total_size,
        .reservations = bytes_u32(header + HEADER_RESERVATIONS),
        .structure = bytes_u32(header + HEADER_STRUCTURE),
        .structure_size = bytes_u32(header + HEADER_STRUCTURE_SIZE),
        .strings = bytes_u32(header + HEADER_STRINGS),
        .strings_size = bytes_u32(header + HEADER_STRINGS_SIZE),
    };
    if (total_size > length || !block_is_inside(total_size, tree->reservations, 0) ||
        !block_is_inside(total_size, tree->structure, tree->structure_size) ||
        !block_is_inside(total_size, tree->strings, tree->strings_size)) {
        return STATUS_CORRUPT;
    }
    while (tree->strings_size != 0 && header[tree->strings + tree->strings_size - 1] != 0) {
        tree->strings_size--;
    }
    uint64_t end = tree->reservations;
    do {
        if (end + ENTRY_SIZE > total_size) {
            return STATUS_CORRUPT;
        }
        end += ENTRY_SIZE;
    } while (bytes_u64(header + end - 8) != 0);
    return structure_is_sound(tree) ? STATUS_OK : STATUS_CORRUPT;
}

bool devicetree_reservation(const devicetree_t *tree, size_t index, devicetree_range_t *range)
{
    const uint64_t room = (tree->total_size - tree->reservations) / ENTRY_SIZE;
    if (index >= room) {
        return false;
    }
    const uint8_t *entry = tree->bytes + tree->reservations + index * ENTRY_SIZE;
    *range = (devicetree_range_t){bytes_u64(entry), bytes_u64(entry + 8)};
    return range->size != 0;
}

devicetree_node_t devicetree_root(const devicetree_t *tree)
{
    return (devicetree_node_t){.tree = tree};
}

bool devicetree_next(devicetree_node_t *node)
{
    uint32_t depth = node->depth + 1; /* how many nodes are open */
    uint32_t offset = node->path[node->depth];
    token_t token;
    if (!read_token(node->tree, offset, &token)) {
        return false;
    }
    for (;;) {
        offset = token.next;
        if (!read_token(node->tree, offset, &token) || token.type == TOKEN_END) {
            return false;
        }
        if (token.type == TOKEN_END_NODE && --depth == 0) {
            return false;
        }
        if (token.type == TOKEN_BEGIN_NODE) {
            if (depth >= DEVICETREE_DEPTH_MAX) {
                return false;
            }
            node->depth = depth;
            node->path[depth] = offset;
            return true;
        }
    }
}

bool devicetree_first_child(const devicetree_node_t *parent, devicetree_node_t *child)
{
    *child = *parent;
    return devicetree_next(child) && child->depth == parent->depth + 1;
}

bool devicetree_next_sibling(devicetree_node_t *node)
{
    const uint32_t depth = node->depth;
    while (devicetree_next(node) && node->depth >= depth) {
        if (node->depth == depth) {
            return true;
        }
    }
    return false;
}

devicetree_node_t devicetree_parent(const devicetree_node_t *node)
{
    devicetree_node_t parent = *node;
    parent.depth -= parent.depth != 0;
    return parent;
}

const char *devicetree_name(const devicetree_node_t *node)
{
    return (const char *)node->tree->bytes + node->tree->structure + node->path[node->depth] + TOKEN_SIZE;
}

bool devicetree_next_property(const devicetree_node_t *node, uint32_t *cursor, const char **name,
                              devicetree_value_t *value)
{
    const devicetree_t *tree = node->tree;
    token_t token;
    uint32_t offset = *cursor;
    *value = (devicetree_value_t){tree->bytes, 0};
    if (offset == 0) {
        if (!read_token(tree, node->path[node->depth], &token)) {
            return false;
        }
        offset = token.next;
    }
    bool is_token = read_token(tree, offset, &token);
    while (is_token && token.type == TOKEN_NOP) {
        offset = token.next;
        is_token = read_token(tree, offset, &token);
    }
    if (!is_token || token.type != TOKEN_PROP || token.name >= tree->strings_size) {
        return false; /* properties behind a node's first child are none: section 5.4.2 */
    }
    *cursor = token.next;
    *name = (const char *)tree->bytes + tree->strings + token.name;
    *value = (devicetree_value_t){tree->bytes + tree->structure + offset + PROP_HEADER, token.value_length};
    return true;
}
