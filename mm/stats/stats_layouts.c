/*
 * Names and offsets of all fields, from the lists that also make the structures, and the laws among them.
 */
#include "mm/stats.h"

#define PHYSICAL_FIELD(field) {#field, offsetof(stats_physical_t, field)},
#define POOLS_FIELD(field)    {#field, offsetof(stats_pools_t, field)},
#define SLAB_FIELD(field)     {#field, offsetof(stats_slab_t, field)},
#define CACHE_FIELD(field)    {#field, offsetof(stats_cache_t, field)},
#define USAGE_FIELD(field)    {#field, offsetof(stats_usage_t, field)},
#define VIRTUAL_FIELD(field)  {#field, offsetof(stats_virtual_t, field)},
#define SYSTEM_FIELD(field)   {#field, offsetof(stats_system_t, field)},

static const stats_field_t physical_fields[] = {STATS_PHYSICAL_FIELDS(PHYSICAL_FIELD)};
static const stats_field_t pools_fields[] = {STATS_POOLS_FIELDS(POOLS_FIELD)};
static const stats_field_t slab_fields[] = {STATS_SLAB_FIELDS(SLAB_FIELD)};
static const stats_field_t cache_fields[] = {STATS_CACHE_FIELDS(CACHE_FIELD)};
static const stats_field_t usage_fields[] = {STATS_USAGE_FIELDS(USAGE_FIELD)};
static const stats_field_t virtual_fields[] = {STATS_VIRTUAL_FIELDS(VIRTUAL_FIELD)};
static const stats_field_t system_fields[] = {STATS_SYSTEM_FIELDS(SYSTEM_FIELD)};

_Static_assert(sizeof(stats_physical_t) == ARRAY_COUNT(physical_fields) * sizeof(uint64_t), "every field is listed");
_Static_assert(sizeof(stats_pools_t) == ARRAY_COUNT(pools_fields) * sizeof(uint64_t), "every field is listed");
_Static_assert(sizeof(stats_slab_t) == ARRAY_COUNT(slab_fields) * sizeof(uint64_t), "every field is listed");
_Static_assert(sizeof(stats_cache_t) == ARRAY_COUNT(cache_fields) * sizeof(uint64_t), "every field is listed");
_Static_assert(sizeof(stats_usage_t) == ARRAY_COUNT(usage_fields) * sizeof(uint64_t), "every field is listed");
_Static_assert(sizeof(stats_virtual_t) == ARRAY_COUNT(virtual_fields) * sizeof(uint64_t), "every field is listed");
_Static_assert(sizeof(stats_system_t) == ARRAY_COUNT(system_fields) * sizeof(uint64_t), "every field is listed");

static const char *const physical_laws[] = {
    "total = free + used + reserved + invalid",
    "cached <= used",
    "emergency <= free",
    "largest_free_run <= free",
    "used <= used_peak",
    NULL,
};

static const char *const pools_laws[] = {
    "bytes_live <= bytes_held",
    "objects_live <= objects_total",
    "slabs_empty <= slabs_held",
    "bytes_held * utilization + bytes_held * fragmentation = bytes_held * 100",
    "bytes_held * utilization <= bytes_live * 100",
    NULL,
};

static const char *const slab_laws[] = {
    "allocations = frees + objects_live",
    "objects_live <= objects_total",
    "bytes_live <= bytes_held",
    "large_allocations = large_frees + large_blocks",
    NULL,
};

static const char *const cache_laws[] = {
    "allocs = frees + live",
    "total = slabs * objects_per_slab",
    "slabs = available + full + empty + owned",
    "live + resting <= total",
    "live <= peak",
    "remote_frees <= frees",
    "total * fragmentation + live * 100 <= total * 100",
    NULL,
};

static const char *const usage_laws[] = {
    "bytes_live <= bytes_held",
    "bytes_live <= bytes_peak",
    "bytes_held * utilization <= bytes_live * 100",
    NULL,
};

static const char *const virtual_laws[] = {
    "total = allocated + reserved",
    "allocated = private + shared + kernel",
    "large <= private",
    "kernel <= kernel_limit",
    NULL,
};

static const char faults_law[] = "faults = faults_zero + faults_copy + faults_reuse + faults_shared + faults_spurious "
                                 "+ faults_refused + faults_no_memory";

static const char *const system_laws[] = {
    "allocations = frees + live",           faults_law, "swapping = 0", "spaces_destroyed <= spaces_created",
    "objects_destroyed <= objects_created", NULL,
};

const stats_layout_t stats_physical_layout = {physical_fields, ARRAY_COUNT(physical_fields), physical_laws};
const stats_layout_t stats_pools_layout = {pools_fields, ARRAY_COUNT(pools_fields), pools_laws};
const stats_layout_t stats_slab_layout = {slab_fields, ARRAY_COUNT(slab_fields), slab_laws};
const stats_layout_t stats_cache_layout = {cache_fields, ARRAY_COUNT(cache_fields), cache_laws};
const stats_layout_t stats_usage_layout = {usage_fields, ARRAY_COUNT(usage_fields), usage_laws};
const stats_layout_t stats_virtual_layout = {virtual_fields, ARRAY_COUNT(virtual_fields), virtual_laws};
const stats_layout_t stats_system_layout = {system_fields, ARRAY_COUNT(system_fields), system_laws};
