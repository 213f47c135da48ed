/*
 * Names and offsets of all fields, from the lists that also make the structures.
 */
#include "mm/stats.h"

#define PHYSICAL_FIELD(field) {#field, offsetof(stats_physical_t, field)},
#define POOLS_FIELD(field)    {#field, offsetof(stats_pools_t, field)},
#define SLAB_FIELD(field)     {#field, offsetof(stats_slab_t, field)},
#define CACHE_FIELD(field)    {#field, offsetof(stats_cache_t, field)},
#define USAGE_FIELD(field)    {#field, offsetof(stats_usage_t, field)},

static const stats_field_t physical_fields[] = {STATS_PHYSICAL_FIELDS(PHYSICAL_FIELD)};
static const stats_field_t pools_fields[] = {STATS_POOLS_FIELDS(POOLS_FIELD)};
static const stats_field_t slab_fields[] = {STATS_SLAB_FIELDS(SLAB_FIELD)};
static const stats_field_t cache_fields[] = {STATS_CACHE_FIELDS(CACHE_FIELD)};
static const stats_field_t usage_fields[] = {STATS_USAGE_FIELDS(USAGE_FIELD)};

_Static_assert(sizeof(stats_physical_t) == ARRAY_COUNT(physical_fields) * sizeof(uint64_t), "every field is listed");
_Static_assert(sizeof(stats_pools_t) == ARRAY_COUNT(pools_fields) * sizeof(uint64_t), "every field is listed");
_Static_assert(sizeof(stats_slab_t) == ARRAY_COUNT(slab_fields) * sizeof(uint64_t), "every field is listed");
_Static_assert(sizeof(stats_cache_t) == ARRAY_COUNT(cache_fields) * sizeof(uint64_t), "every field is listed");
_Static_assert(sizeof(stats_usage_t) == ARRAY_COUNT(usage_fields) * sizeof(uint64_t), "every field is listed");

const stats_layout_t stats_physical_layout = {physical_fields, ARRAY_COUNT(physical_fields)};
const stats_layout_t stats_pools_layout = {pools_fields, ARRAY_COUNT(pools_fields)};
const stats_layout_t stats_slab_layout = {slab_fields, ARRAY_COUNT(slab_fields)};
const stats_layout_t stats_cache_layout = {cache_fields, ARRAY_COUNT(cache_fields)};
const stats_layout_t stats_usage_layout = {usage_fields, ARRAY_COUNT(usage_fields)};
