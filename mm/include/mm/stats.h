/*
 * Statistics of the memory subsystem, as plain structures of 64-bit numbers with a description of their fields.
 *
 * Taking one is one snapshot: the numbers in it fit together as the layout's laws say, whatever other CPUs do meanwhile
 * (mm/stats/stats_layouts.c has the laws, fs/README.md repeats them). Percentages are whole numbers from 0 to 100. Any
 * CPU, thread or interrupt context; needs no memory.
 */
#ifndef MM_STATS_H
#define MM_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "mm/kmem_cache.h"
#include "mm/stats_fields.h"

#define STATS_DECLARE_FIELD(field) uint64_t field;

typedef struct stats_physical {
    STATS_PHYSICAL_FIELDS(STATS_DECLARE_FIELD)
} stats_physical_t;

typedef struct stats_pools {
    STATS_POOLS_FIELDS(STATS_DECLARE_FIELD)
} stats_pools_t;

typedef struct stats_slab {
    STATS_SLAB_FIELDS(STATS_DECLARE_FIELD)
} stats_slab_t;

typedef struct stats_cache {
    STATS_CACHE_FIELDS(STATS_DECLARE_FIELD)
} stats_cache_t;

typedef struct stats_usage {
    STATS_USAGE_FIELDS(STATS_DECLARE_FIELD)
} stats_usage_t;

typedef struct stats_virtual {
    STATS_VIRTUAL_FIELDS(STATS_DECLARE_FIELD)
} stats_virtual_t;

typedef struct stats_system {
    STATS_SYSTEM_FIELDS(STATS_DECLARE_FIELD)
} stats_system_t;

/* A field's name, and the field: a uint64_t at `offset` in the structure. */
typedef struct stats_field {
    const char *name;
    size_t offset;
} stats_field_t;

/*
 * Which fields a structure has, and what always holds among them.
 *
 * A law is text: two sums with " = " or " <= " between; a sum is products with " + " between, a product is fields and
 * numbers with " * " between. Nothing in it overflows 64 bits as long as the fields stay below 2^57.
 */
typedef struct stats_layout {
    const stats_field_t *fields;
    size_t count;
    const char *const *laws; /* ended by NULL */
} stats_layout_t;

extern const stats_layout_t stats_physical_layout;
extern const stats_layout_t stats_pools_layout;
extern const stats_layout_t stats_slab_layout;
extern const stats_layout_t stats_cache_layout;
extern const stats_layout_t stats_usage_layout;
extern const stats_layout_t stats_virtual_layout;
extern const stats_layout_t stats_system_layout;

/* The value of `field` in a structure of that layout. */
static inline uint64_t stats_value(const stats_field_t *field, const void *structure)
{
    return *(const uint64_t *)(const void *)((const char *)structure + field->offset);
}

/* The field of that name (name[0 .. length)), or NULL. */
const stats_field_t *stats_find_field(const stats_layout_t *layout, const char *name, size_t length);

/* NULL, or the first law that does not hold, or can't be read. */
const char *stats_validate(const stats_layout_t *layout, const void *structure);

void stats_physical_take(stats_physical_t *stats);
void stats_pools_take(stats_pools_t *stats);
void stats_slab_take(stats_slab_t *stats);
void stats_virtual_take(stats_virtual_t *stats);
void stats_system_take(stats_system_t *stats);

/* The same from what the allocators say of themselves; `cached_bytes` are held in empty slabs. */
struct pages_stats;
void stats_physical_from(const struct pages_stats *pages, uint64_t cached_bytes, stats_physical_t *stats);

/* One cache's rows from its own statistics; and the usage row of large blocks. */
void stats_cache_from(const kmem_cache_stats_t *cache, stats_cache_t *stats);
void stats_usage_from(const kmem_cache_stats_t *cache, stats_usage_t *stats);
void stats_usage_large_take(stats_usage_t *stats);

/* Adds a cache to the numbers of pools, which start as all zero; stats_pools_end() reckons the shares. */
void stats_pools_add(stats_pools_t *stats, const kmem_cache_stats_t *cache);
void stats_pools_end(stats_pools_t *stats);

#endif
