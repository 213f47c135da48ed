/*
 * Statistics of the memory subsystem, as plain structures of 64-bit numbers with a description of their fields.
 *
 * Taking one is one snapshot: the numbers in it fit together as the laws below say, whatever other CPUs do meanwhile.
 * Percentages are whole numbers from 0 to 100. Any CPU, thread or interrupt context; needs no memory.
 */
#ifndef MM_STATS_H
#define MM_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "mm/kmem_cache.h"
#include "mm/stats_fields.h"

#define STATS_DECLARE_FIELD(field) uint64_t field;

/*
 * total = free + used + reserved + invalid; cached <= used; emergency <= free; largest_free_run <= free; used <=
 * used_peak.
 */
typedef struct stats_physical {
    STATS_PHYSICAL_FIELDS(STATS_DECLARE_FIELD)
} stats_physical_t;

/*
 * bytes_live <= bytes_held; objects_live <= objects_total; slabs_empty <= slabs_held; utilization + fragmentation =
 * 100 (0 when empty).
 */
typedef struct stats_pools {
    STATS_POOLS_FIELDS(STATS_DECLARE_FIELD)
} stats_pools_t;

/* frees <= allocations; large_frees <= large_allocations; objects_live = allocations - frees. */
typedef struct stats_slab {
    STATS_SLAB_FIELDS(STATS_DECLARE_FIELD)
} stats_slab_t;

/* live <= total; live <= peak; frees <= allocs. */
typedef struct stats_cache {
    STATS_CACHE_FIELDS(STATS_DECLARE_FIELD)
} stats_cache_t;

/* bytes_live <= bytes_held. */
typedef struct stats_usage {
    STATS_USAGE_FIELDS(STATS_DECLARE_FIELD)
} stats_usage_t;

/* A field's name, and the field: a uint64_t at `offset` in the structure. */
typedef struct stats_field {
    const char *name;
    size_t offset;
} stats_field_t;

typedef struct stats_layout {
    const stats_field_t *fields;
    size_t count;
} stats_layout_t;

extern const stats_layout_t stats_physical_layout;
extern const stats_layout_t stats_pools_layout;
extern const stats_layout_t stats_slab_layout;
extern const stats_layout_t stats_cache_layout;
extern const stats_layout_t stats_usage_layout;

/* The value of `field` in a structure of that layout. */
static inline uint64_t stats_value(const stats_field_t *field, const void *structure)
{
    return *(const uint64_t *)(const void *)((const char *)structure + field->offset);
}

void stats_physical_take(stats_physical_t *stats);
void stats_pools_take(stats_pools_t *stats);
void stats_slab_take(stats_slab_t *stats);

/* One cache's rows from its own statistics; and the usage row of large blocks. */
void stats_cache_from(const kmem_cache_stats_t *cache, stats_cache_t *stats);
void stats_usage_from(const kmem_cache_stats_t *cache, stats_usage_t *stats);
void stats_usage_large_take(stats_usage_t *stats);

/* NULL, or the first of the laws above that does not hold. */
const char *stats_physical_validate(const stats_physical_t *stats);
const char *stats_pools_validate(const stats_pools_t *stats);
const char *stats_slab_validate(const stats_slab_t *stats);

#endif
