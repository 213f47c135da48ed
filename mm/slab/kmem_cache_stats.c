/*
 * Statistics of caches: sums over what each context counted for itself.
 *
 * A reader adds up all frees first and all allocations after. Every free that it saw was made after its allocation, so
 * that the second sum includes that allocation (loads of the first pass are acquire; on machines with multi-copy atomic
 * stores, which all of ours are, that suffices).
 *
 * A context's allocations follow from three of its words (mm/slab_context.h), which belong together when nothing was
 * freed and no slab changed between the first look and the last. What an allocation or a free in the middle makes them
 * wrong by is that one; and what they are wrong by for a context that never stood still, the end of the sum takes back:
 * frees never exceed allocations.
 *
 * The difference is then never too small. It is too large by the frees that came meanwhile, and may so exceed what the
 * slabs hold, which is looked at last. So many more frees have surely happened by then: they are counted, too.
 */
#include "base/relaxed.h"
#include "mm/slab/slab.h"

/* Looks at a slot that its context changes again and again end after so many. */
#define COUNT_TRIES_MAX 8

uint64_t slab_slot_allocations(const slab_slot_t *slot)
{
    uint64_t allocations = 0;
    for (unsigned tries = 0; tries < COUNT_TRIES_MAX; tries++) {
        const uint32_t state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
        const uint64_t frees = __atomic_load_n(&slot->frees, __ATOMIC_ACQUIRE);
        const uint64_t balance = RELAXED_LOAD(&slot->balance);
        const uint64_t free_word = RELAXED_LOAD(&slot->free_word);
        atomic_thread_fence(memory_order_acquire);
        allocations = frees + balance - count_set(free_word);
        if ((state & SLAB_SLOT_CHANGE) == 0 && RELAXED_LOAD(&slot->state) == state &&
            RELAXED_LOAD(&slot->frees) == frees && RELAXED_LOAD(&slot->balance) == balance) {
            break;
        }
    }
    return allocations;
}

void slab_cache_count(kmem_cache_t *cache, uint64_t *allocations, uint64_t *frees)
{
    *frees = 0;
    for (slab_context_t *context = slab_context_first(); context != NULL; context = context->next) {
        *frees += __atomic_load_n(&slab_slot(cache, context)->frees, __ATOMIC_ACQUIRE);
    }
    *allocations = 0;
    for (slab_context_t *context = slab_context_first(); context != NULL; context = context->next) {
        *allocations += slab_slot_allocations(slab_slot(cache, context));
    }
    if (UNLIKELY((int64_t)(*allocations - *frees) < 0)) {
        *allocations = *frees;
    }
}

static uint64_t count_remote_frees(const kmem_cache_t *cache)
{
    uint64_t sum = 0;
    for (slab_context_t *context = slab_context_first(); context != NULL; context = context->next) {
        sum += RELAXED_LOAD(slab_slot_remote_frees(cache, context));
    }
    return sum;
}

void kmem_cache_stats(kmem_cache_t *cache, kmem_cache_stats_t *stats)
{
    *stats = (kmem_cache_stats_t){
        .object_size_bytes = cache->object_size,
        .objects_per_slab = cache->objects_per_slab,
        .slab_size_bytes = cache->slab_bytes,
    };
    __builtin_memcpy(stats->name, cache->name, sizeof stats->name);
    slab_cache_count(cache, &stats->allocations, &stats->frees);
    stats->allocations_failed = atomic_load_explicit(&cache->failures, memory_order_relaxed);
    const uint64_t remote_frees = count_remote_frees(cache);

    const spinlock_hold_t hold = spinlock_lock(&cache->lock);
    stats->slabs_held = cache->slabs_held;
    stats->objects_total = stats->slabs_held * stats->objects_per_slab;
    if (stats->allocations - stats->frees > stats->objects_total) {
        stats->frees = stats->allocations - stats->objects_total;
    }
    stats->objects_live = stats->allocations - stats->frees;
    stats->remote_frees = remote_frees < stats->frees ? remote_frees : stats->frees; /* collected, not yet counted */
    const uint64_t resting = atomic_load_explicit(&cache->resting, memory_order_relaxed);
    const uint64_t not_live = stats->objects_total - stats->objects_live;
    stats->objects_resting = resting < not_live ? resting : not_live;
    if (stats->objects_live > cache->live_peak) {
        cache->live_peak = stats->objects_live;
    }
    stats->objects_live_peak = cache->live_peak;
    stats->slabs_available = cache->available_count;
    stats->slabs_full = cache->full_count;
    stats->slabs_empty = cache->empty_count;
    spinlock_unlock(&cache->lock, hold);

    stats->slabs_owned = stats->slabs_held - stats->slabs_available - stats->slabs_full - stats->slabs_empty;
    if (stats->objects_total != 0) {
        stats->fragmentation_percent = (stats->objects_total - stats->objects_live) * 100 / stats->objects_total;
    }
}
