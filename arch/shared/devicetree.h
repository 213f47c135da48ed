/*
 * Flattened device trees (Devicetree Specification v0.4, chapter 5), read where they lie: nodes, properties, cells.
 *
 * Functions of bytes: no memory is allocated, nothing outside [bytes, bytes + length) is touched, and the bytes may be
 * anything. Opening a tree walks all of it once; what is malformed, truncated or nested too deeply is refused there.
 * All else then takes time linear in the tree. Numbers in a tree are big-endian and may lie at any alignment. Any
 * context. devicetree_board.h answers what machines ask of a tree.
 *
 * Strings and values that are handed out lie in the tree and live as long as it does.
 */
#ifndef ARCH_SHARED_DEVICETREE_H
#define ARCH_SHARED_DEVICETREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"

#define DEVICETREE_HEADER_SIZE 40u
#define DEVICETREE_DEPTH_MAX   64u /* nested nodes, the root included; real trees stay below 12 */
#define DEVICETREE_CELLS_MAX   4u  /* 32-bit cells of one number, at most */

/* An opened tree. Private to devicetree.c, but for `total_size`. */
typedef struct devicetree {
    const uint8_t *bytes;
    uint32_t total_size;   /* of the tree in bytes, as its header has it */
    uint32_t reservations; /* offset of the memory reservation block, which has an end */
    uint32_t structure;    /* offset and size of the structure block */
    uint32_t structure_size;
    uint32_t strings; /* offset of the strings block, cut so that its last byte is 0 */
    uint32_t strings_size;
} devicetree_t;

/* A node, and the way to it: small enough to copy, valid as long as the tree. */
typedef struct devicetree_node {
    const devicetree_t *tree;
    uint32_t depth;                      /* 0 for the root */
    uint32_t path[DEVICETREE_DEPTH_MAX]; /* offsets in the structure: of the root, ..., of the node at [depth] */
} devicetree_node_t;

/* A property's value. */
typedef struct devicetree_value {
    const uint8_t *bytes;
    uint32_t length;
} devicetree_value_t;

/* [base, base + size): never wrapping; ending at the top of the address space is fine. */
typedef struct devicetree_range {
    uint64_t base;
    uint64_t size;
} devicetree_range_t;

/* How many 32-bit cells addresses and sizes have in the `reg` of a node's children, and in the node's `ranges`. */
typedef struct devicetree_cells {
    uint32_t address;
    uint32_t size;
} devicetree_cells_t;

/*
 * The size that the header at prefix[0 .. length) gives for its tree, or 0 when no device tree that this reader knows
 * starts there. At least DEVICETREE_HEADER_SIZE bytes are needed. For callers that know where a tree begins, and not
 * how long it is.
 */
uint32_t devicetree_total_size(const void *prefix, size_t length);

/*
 * Opens the tree at bytes[0 .. length).
 *
 * Returns STATUS_UNSUPPORTED when it is no device tree or of a version that needs another reader (other than 17), and
 * STATUS_CORRUPT when it is longer than `length`, or malformed anywhere. *tree is then not to be used.
 */
MUST_USE status_t devicetree_open(const void *bytes, size_t length, devicetree_t *tree);

/*
 * The memory reservation block's entry `index`. Returns false past its end. The range may wrap: it is as the tree has
 * it.
 */
bool devicetree_reservation(const devicetree_t *tree, size_t index, devicetree_range_t *range);

/*
 * Nodes: the root; the next one in the order of the tree; the first inside; the next beside. False, *node unspecified,
 * without one.
 */
devicetree_node_t devicetree_root(const devicetree_t *tree);
bool devicetree_next(devicetree_node_t *node);
bool devicetree_first_child(const devicetree_node_t *parent, devicetree_node_t *child);
bool devicetree_next_sibling(devicetree_node_t *node);

/* The node that holds `node`, which is not the root. */
devicetree_node_t devicetree_parent(const devicetree_node_t *node);

/*
 * Finds a node by its path, "/soc/serial@9000000": the first whose names match. A name without a unit address matches
 * one with any. A path may begin with an alias ("serial0"), which has to stand for a whole path. `path` ends at its
 * zero byte or at `length`.
 */
MUST_USE status_t devicetree_find(const devicetree_t *tree, const char *path, size_t length, devicetree_node_t *node);

/* Finds the node that others refer to by `phandle`. */
MUST_USE status_t devicetree_find_phandle(const devicetree_t *tree, uint32_t phandle, devicetree_node_t *node);

/* The first node at or after *node, in the order of the tree, that is compatible with `compatible` and available. */
bool devicetree_find_compatible(devicetree_node_t *node, const char *compatible);

/* "serial@9000000"; the root's is "". */
const char *devicetree_name(const devicetree_node_t *node);

/* Whether the node's name is `name`, with any unit address or none. */
bool devicetree_is_named(const devicetree_node_t *node, const char *name);

/* Whether `compatible` lists the string. */
bool devicetree_is_compatible(const devicetree_node_t *node, const char *compatible);

/* Whether `status` is absent, "okay" or "ok". */
bool devicetree_is_available(const devicetree_node_t *node);

/* Looks up a property. False, *value empty, without one. */
bool devicetree_property(const devicetree_node_t *node, const char *name, devicetree_value_t *value);

/* All properties in turn: start with *cursor 0. False after the last. */
bool devicetree_next_property(const devicetree_node_t *node, uint32_t *cursor, const char **name,
                              devicetree_value_t *value);

/* The first string of a property; NULL without the property, or when it does not end inside. */
const char *devicetree_property_string(const devicetree_node_t *node, const char *name);

/* A property of one cell. False, *number untouched, without one, or when its length is not 4. */
bool devicetree_property_u32(const devicetree_node_t *node, const char *name, uint32_t *number);

/*
 * Reads `cells` cells from cell `first` of a value as one number. False when they are not all inside or the number has
 * more than 64 bits that matter. No cells make the number 0.
 */
bool devicetree_value_number(devicetree_value_t value, uint64_t first, uint32_t cells, uint64_t *number);

/* Whether the value is a list of strings that has `string`. */
bool devicetree_value_has_string(devicetree_value_t value, const char *string);

/*
 * #address-cells and #size-cells of a node, which hold for its children: 2 and 1 when it does not say (section 2.3.5;
 * they are not inherited). Returns STATUS_CORRUPT for properties of another length than 4, or more than
 * DEVICETREE_CELLS_MAX cells.
 */
MUST_USE status_t devicetree_cells(const devicetree_node_t *node, devicetree_cells_t *cells);

/*
 * Entry `index` of the node's `reg`, in the address space of its parent.
 *
 * Returns STATUS_NOT_FOUND past the last entry or without `reg`, STATUS_CORRUPT when `reg` is not a whole number of
 * entries or the parent's cells are unsound, and STATUS_OUT_OF_RANGE for an entry (others may be fine) that wraps, which
 * is then cut at the top of the address space, or that does not fit in 64 bits, which then is empty.
 */
MUST_USE status_t devicetree_reg_local(const devicetree_node_t *node, size_t index, devicetree_range_t *range);

/*
 * The same in the address space of the root, which is the CPUs': taken through the `ranges` of all buses on the way.
 * Returns STATUS_OUT_OF_RANGE as well when a bus has no `ranges` or none that holds the whole entry, STATUS_CORRUPT when
 * they make no sense; *range is then as far as it came.
 */
MUST_USE status_t devicetree_reg(const devicetree_node_t *node, size_t index, devicetree_range_t *range);

#endif
