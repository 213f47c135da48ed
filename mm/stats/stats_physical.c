/*
 * Statistics of physical memory: the page allocator's own snapshot, in bytes, and what the slab core could give back.
 *
 * The page allocator's numbers are one snapshot. What caches hold in empty slabs is looked at afterwards and may have
 * grown since, so it is cut to what is used: the law "cached <= used" holds in what is shown.
 */
#include "mm/stats.h"

#include "base/units.h"
#include "mm/pages.h"

static void add_empty_slabs(kmem_cache_t *cache, void *argument)
{
    uint64_t *const cached = argument;
    kmem_cache_stats_t one;
    kmem_cache_stats(cache, &one);
    *cached += one.slabs_empty * one.slab_size_bytes;
}

void stats_physical_from(const pages_stats_t *pages, uint64_t cached_bytes, stats_physical_t *stats)
{
    const uint64_t used = pages->pages_allocated * PAGE_SIZE;
    *stats = (stats_physical_t){
        .total = pages->pages_total * PAGE_SIZE,
        .free = pages->pages_free * PAGE_SIZE,
        .used = used,
        .cached = cached_bytes < used ? cached_bytes : used,
        .reserved = pages->pages_reserved * PAGE_SIZE,
        .invalid = pages->pages_invalid * PAGE_SIZE,
        .emergency = pages->pages_emergency * PAGE_SIZE,
        .metadata = pages->metadata_bytes,
        .used_peak = pages->pages_allocated_peak * PAGE_SIZE,
        .largest_free_run = pages->largest_free_run * PAGE_SIZE,
        .run_allocations = pages->runs_allocated,
        .run_frees = pages->runs_freed,
        .failed_requests = pages->requests_failed,
    };
}

void stats_physical_take(stats_physical_t *stats)
{
    uint64_t cached = 0;
    pages_stats_t pages;
    kmem_caches_visit(add_empty_slabs, &cached);
    pages_stats(&pages);
    stats_physical_from(&pages, cached, stats);
}
