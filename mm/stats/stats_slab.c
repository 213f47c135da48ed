/*
 * Statistics of the slab core: each cache's snapshot, and sums over all caches.
 *
 * Each cache's snapshot keeps its laws, and the laws of the sums follow from them term by term, so a sum over caches
 * that are looked at one after the other keeps them too. What a sum can't promise is a moment in time that is the
 * same for all caches.
 */
#include "mm/stats.h"

#include "base/units.h"

/* `part` of `whole` in percent, rounded down; 0 of nothing. */
static uint64_t percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : part <= UINT64_MAX / 100 ? part * 100 / whole : part / (whole / 100);
}

/* Bytes of objects that are live, of what the cache holds. */
static uint64_t live_bytes(const kmem_cache_stats_t *cache)
{
    return cache->objects_live * cache->object_size_bytes;
}

static uint64_t held_bytes(const kmem_cache_stats_t *cache)
{
    return cache->slabs_held * cache->slab_size_bytes;
}

void stats_cache_from(const kmem_cache_stats_t *cache, stats_cache_t *stats)
{
    *stats = (stats_cache_t){
        .object_size = cache->object_size_bytes,
        .objects_per_slab = cache->objects_per_slab,
        .slabs = cache->slabs_held,
        .available = cache->slabs_available,
        .full = cache->slabs_full,
        .empty = cache->slabs_empty,
        .total = cache->objects_total,
        .live = cache->objects_live,
        .peak = cache->objects_live_peak,
        .allocs = cache->allocations,
        .frees = cache->frees,
        .failed = cache->allocations_failed,
        .fragmentation = cache->fragmentation_percent,
        .owned = cache->slabs_owned,
        .remote_frees = cache->remote_frees,
        .resting = cache->objects_resting,
    };
}

void stats_usage_from(const kmem_cache_stats_t *cache, stats_usage_t *stats)
{
    *stats = (stats_usage_t){
        .bytes_live = live_bytes(cache),
        .bytes_held = held_bytes(cache),
        .bytes_peak = cache->objects_live_peak * cache->object_size_bytes,
        .utilization = percent(live_bytes(cache), held_bytes(cache)),
    };
}

void stats_usage_large_take(stats_usage_t *stats)
{
    kmalloc_large_stats_t large;
    kmalloc_large_stats(&large);
    const uint64_t bytes = large.pages_live * PAGE_SIZE;
    *stats = (stats_usage_t){
        .bytes_live = bytes,
        .bytes_held = bytes,
        .bytes_peak = bytes,
        .utilization = bytes != 0 ? 100 : 0,
    };
}

void stats_pools_add(stats_pools_t *stats, const kmem_cache_stats_t *cache)
{
    stats->pool_count++;
    stats->bytes_held += held_bytes(cache);
    stats->bytes_live += live_bytes(cache);
    stats->objects_live += cache->objects_live;
    stats->objects_total += cache->objects_total;
    stats->slabs_held += cache->slabs_held;
    stats->slabs_empty += cache->slabs_empty;
}

void stats_pools_end(stats_pools_t *stats)
{
    stats->utilization = percent(stats->bytes_live, stats->bytes_held);
    stats->fragmentation = stats->bytes_held != 0 ? 100 - stats->utilization : 0;
}

static void add_to_pools(kmem_cache_t *cache, void *argument)
{
    kmem_cache_stats_t one;
    kmem_cache_stats(cache, &one);
    stats_pools_add(argument, &one);
}

void stats_pools_take(stats_pools_t *stats)
{
    *stats = (stats_pools_t){0};
    kmem_caches_visit(add_to_pools, stats);
    stats_pools_end(stats);
}

static void add_to_slab(kmem_cache_t *cache, void *argument)
{
    stats_slab_t *const stats = argument;
    kmem_cache_stats_t one;
    kmem_cache_stats(cache, &one);
    stats->caches++;
    stats->slabs += one.slabs_held;
    stats->objects_total += one.objects_total;
    stats->bytes_live += live_bytes(&one);
    stats->bytes_held += held_bytes(&one);
    stats->allocations += one.allocations;
    stats->frees += one.frees;
    stats->failed += one.allocations_failed;
    stats->remote_frees += one.remote_frees;
}

void stats_slab_take(stats_slab_t *stats)
{
    *stats = (stats_slab_t){0};
    kmem_caches_visit(add_to_slab, stats);
    stats->objects_live = stats->allocations - stats->frees;

    kmalloc_large_stats_t large;
    kmalloc_large_stats(&large);
    stats->large_blocks = large.blocks_live;
    stats->large_pages = large.pages_live;
    stats->large_allocations = large.allocations;
    stats->large_frees = large.frees;
    stats->large_failed = large.allocations_failed;
}
