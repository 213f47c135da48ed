/*
 * Where slab descriptors live: pages of their own, each a set of 64 things with one word that says which are free.
 *
 * A group is 1, 2 or 4 descriptors in a row, aligned to its own size, for the slabs that are made from one run of
 * pages. Memory of a descriptor stays a descriptor's until descriptor_table_trim(). All functions: any context.
 */
#ifndef MM_SLAB_DESCRIPTOR_TABLE_H
#define MM_SLAB_DESCRIPTOR_TABLE_H

#include <stddef.h>

#include "mm/slab/slab.h"

/* Returns `count` (1, 2 or 4) zeroed descriptors in a row, or NULL when the page backend has nothing left. */
MUST_USE slab_t *descriptors_alloc(unsigned count);

/* Takes a group back. */
void descriptors_free(slab_t *first, unsigned count);

/* Gives pages without a descriptor in use back to the page backend. Returns how many. */
size_t descriptor_table_trim(void);

/* Pages held. */
size_t descriptor_table_pages(void);

/*
 * Calls visit for every descriptor in use. Holds the table's lock meanwhile: visit takes no lock of an earlier rank,
 * and others may change the slabs under its eyes unless they are idle.
 */
void descriptor_table_visit(void (*visit)(slab_t *slab, void *argument), void *argument);

#endif
