/*
 * Draws the device tree of a machine such as people have: memory in banks, firmware inside it, CPUs, buses, a console.
 */
#ifndef TESTING_MODELS_TREE_BOARD_H
#define TESTING_MODELS_TREE_BOARD_H

#include "testing/models/tree_builder.h"

#define TREE_BANKS_MAX    6u
#define TREE_KEPT_MAX     12u
#define TREE_CPUS_MAX     4u
#define TREE_GRAIN        512u /* every bank begins and ends at a multiple */
#define TREE_BOOTARGS_MAX 48u

/* What the tree says, told otherwise. */
typedef struct tree_board {
    devicetree_range_t banks[TREE_BANKS_MAX]; /* memory, in no order; they may overlap */
    size_t bank_count;
    devicetree_range_t kept[TREE_KEPT_MAX]; /* reserved, by whatever means; never wrapping */
    size_t kept_count;
    bool has_initrd;
    devicetree_range_t initrd;
    bool has_bootargs;
    char bootargs[TREE_BOOTARGS_MAX];
    uint64_t cpu_ids[TREE_CPUS_MAX];
    size_t cpu_count;
    bool has_console;
    uint64_t console; /* as the CPUs see it */
    uint32_t console_interrupt;
} tree_board_t;

/* Draws a board and its tree, finished. */
tree_builder_t *tree_board_draw(property_run_t *run, tree_board_t *board);

#endif
