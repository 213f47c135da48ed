/*
 * The fields of every statistics structure, in the order in which //kern shows them.
 *
 * One list makes the structure, the names and the values (mm/stats/), so that these can't disagree. Readers look
 * fields up by name: new ones go at the end, and none is ever renamed or moved. fs/README.md says what each means.
 */
#ifndef MM_STATS_FIELDS_H
#define MM_STATS_FIELDS_H

#include "mm/vm.h"

/* //kern/mem/stats/physical; bytes unless the name says else. */
#define STATS_PHYSICAL_FIELDS(FIELD) \
    FIELD(total)                     \
    FIELD(free)                      \
    FIELD(used)                      \
    FIELD(cached)                    \
    FIELD(reserved)                  \
    FIELD(invalid)                   \
    FIELD(emergency)                 \
    FIELD(metadata)                  \
    FIELD(used_peak)                 \
    FIELD(largest_free_run)          \
    FIELD(run_allocations)           \
    FIELD(run_frees)                 \
    FIELD(failed_requests)

/* //kern/mem/stats/pools: all caches together. */
#define STATS_POOLS_FIELDS(FIELD) \
    FIELD(pool_count)             \
    FIELD(utilization)            \
    FIELD(fragmentation)          \
    FIELD(bytes_held)             \
    FIELD(bytes_live)             \
    FIELD(objects_live)           \
    FIELD(objects_total)          \
    FIELD(slabs_held)             \
    FIELD(slabs_empty)

/* //kern/slab/stats: all of kmalloc and the caches. */
#define STATS_SLAB_FIELDS(FIELD) \
    FIELD(caches)                \
    FIELD(slabs)                 \
    FIELD(objects_live)          \
    FIELD(objects_total)         \
    FIELD(bytes_live)            \
    FIELD(bytes_held)            \
    FIELD(allocations)           \
    FIELD(frees)                 \
    FIELD(failed)                \
    FIELD(remote_frees)          \
    FIELD(large_blocks)          \
    FIELD(large_pages)           \
    FIELD(large_allocations)     \
    FIELD(large_frees)           \
    FIELD(large_failed)

/* //kern/slab/caches: a row a cache, after its name. */
#define STATS_CACHE_FIELDS(FIELD) \
    FIELD(object_size)            \
    FIELD(objects_per_slab)       \
    FIELD(slabs)                  \
    FIELD(available)              \
    FIELD(full)                   \
    FIELD(empty)                  \
    FIELD(total)                  \
    FIELD(live)                   \
    FIELD(peak)                   \
    FIELD(allocs)                 \
    FIELD(frees)                  \
    FIELD(failed)                 \
    FIELD(fragmentation)          \
    FIELD(owned)                  \
    FIELD(remote_frees)           \
    FIELD(resting)

/* //kern/slab/usage: a row a cache, after its name, and one for large blocks. Bytes. */
#define STATS_USAGE_FIELDS(FIELD) \
    FIELD(bytes_live)             \
    FIELD(bytes_held)             \
    FIELD(bytes_peak)             \
    FIELD(utilization)

/* //kern/mem/stats/virtual: all address spaces and the kernel's own mappings; bytes unless the name says else. */
#define STATS_VIRTUAL_FIELDS(FIELD) \
    FIELD(total)                    \
    FIELD(allocated)                \
    FIELD(reserved)                 \
    FIELD(private)                  \
    FIELD(shared)                   \
    FIELD(large)                    \
    FIELD(tables)                   \
    FIELD(kernel)                   \
    FIELD(kernel_limit)             \
    FIELD(object_bytes)             \
    FIELD(space_count)              \
    FIELD(area_count)               \
    FIELD(object_count)             \
    FIELD(kernel_mapping_count)

/* //kern/mem/stats/system: what has happened since boot, but for `live`. */
#define STATS_SYSTEM_FIELDS(FIELD) \
    FIELD(allocations)             \
    FIELD(frees)                   \
    FIELD(live)                    \
    FIELD(failed)                  \
    FIELD(faults)                  \
    FIELD(swapping)                \
    VM_FAULT_FIELDS(FIELD)         \
    VM_LIFE_FIELDS(FIELD)

#endif
