/*
 * The files that show the memory subsystem: //kern/slab and //kern/mem.
 */
#ifndef FS_KFS_NODES_H
#define FS_KFS_NODES_H

#include "fs/kfs.h"
#include "mm/init.h"
#include "mm/memory_map.h"

/* A file to put somewhere: a row of a table of files. */
typedef struct kfs_placement {
    const char *directory; /* made when it is not there */
    kfs_node_t *node;
} kfs_placement_t;

/* Places files in order. Stops at the first failure and returns it; files placed until then stay. */
MUST_USE status_t kfs_place(kfs_t *kfs, const kfs_placement_t *placements, size_t count);

/*
 * The nodes are the kernel's own static ones, so each set can be in one tree at a time. `map` is finished and
 * outlives the tree, as does `sequence`.
 */
MUST_USE status_t kfs_add_slab_nodes(kfs_t *kfs);
MUST_USE status_t kfs_add_slab_safety_nodes(kfs_t *kfs);
MUST_USE status_t kfs_add_memory_nodes(kfs_t *kfs, const memory_map_t *map, const init_sequence_t *sequence);

#endif
