/*
 * What mm/vm/vm.c needs of the kernel's own mappings.
 */
#ifndef MM_VM_KERNEL_MAPPING_INTERNAL_H
#define MM_VM_KERNEL_MAPPING_INTERNAL_H

#include "mm/kmem_cache.h"
#include "mm/structures/safe_list.h"

/* One mapping with its guards. */
typedef struct kernel_mapping {
    safe_list_node_t node; /* [start, end) of the window, guards included */
    bool is_stack;         /* its pages are its own */
} kernel_mapping_t;

extern kmem_cache_t *kernel_mapping_cache;

typedef struct kernel_mapping_totals {
    uint64_t mappings;
    uint64_t bytes;
    uint64_t bytes_max;
} kernel_mapping_totals_t;

void kernel_mapping_totals(kernel_mapping_totals_t *totals);

#endif
