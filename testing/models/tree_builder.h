/*
 * Builds flattened device trees, as firmware might: blocks in any order, gaps between them, NOPs anywhere.
 */
#ifndef TESTING_MODELS_TREE_BUILDER_H
#define TESTING_MODELS_TREE_BUILDER_H

#include "arch/shared/devicetree.h"
#include "testing/property/property.h"

#define TREE_BYTES_MAX        3584u /* of a finished tree */
#define TREE_STRUCTURE_MAX    2560u
#define TREE_STRINGS_MAX      512u
#define TREE_RESERVATIONS_MAX 8u

typedef struct tree_builder {
    property_run_t *run;
    uint8_t structure[TREE_STRUCTURE_MAX];
    size_t structure_size;
    char strings[TREE_STRINGS_MAX]; /* names that end alike share their ends */
    size_t strings_size;
    devicetree_range_t reservations[TREE_RESERVATIONS_MAX];
    size_t reservation_count;
    uint8_t blob[TREE_BYTES_MAX]; /* the finished tree */
    size_t blob_size;
} tree_builder_t;

/* An empty tree. Out of room fails the property, in all of these. */
tree_builder_t *tree_builder(property_run_t *run);

/* Nodes, the root ("") first and all ended; a node's properties come before its first child. */
void tree_begin(tree_builder_t *tree, const char *name);
void tree_end(tree_builder_t *tree);

void tree_property(tree_builder_t *tree, const char *name, const void *bytes, size_t length);
void tree_string(tree_builder_t *tree, const char *name, const char *text);
void tree_u32(tree_builder_t *tree, const char *name, uint32_t number);

/* Numbers of cells[i] cells each, in a row. */
void tree_numbers(tree_builder_t *tree, const char *name, const uint64_t *numbers, const uint32_t *cells, size_t count);

/* An entry of the memory reservation block; `size` is not 0. */
void tree_reserve(tree_builder_t *tree, uint64_t base, uint64_t size);

/* Puts header and blocks together, as blob[0 .. blob_size). */
void tree_finish(tree_builder_t *tree);

#endif
