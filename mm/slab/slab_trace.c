/*
 * The newest operations of tracked caches: a ring. Operation n stands at n modulo its size; numbers start at 1.
 */
#include "base/text.h"
#include "mm/slab/slab_tracking.h"

uint64_t slab_trace_add(const slab_call_t *call, slab_operation_kind_t kind, const kmem_cache_t *cache,
                        uintptr_t address, uint32_t size, uint16_t site)
{
    const uint64_t number = ++slab_tracking.operations;
    slab_operation_t *const place = &slab_tracking.trace[number % SLAB_TRACE_COUNT];
    *place = (slab_operation_t){
        .number = number,
        .time = call->time,
        .address = address,
        .size_bytes = size,
        .cpu = call->cpu,
        .site = site,
        .owner = call->owner,
        .kind = kind,
    };
    __builtin_memcpy(place->cache, cache->name, sizeof place->cache);
    return number;
}

bool slab_debug_operation(uint64_t from, slab_operation_t *operation)
{
    const spinlock_hold_t hold = slab_tracking_lock();
    const uint64_t newest = slab_tracking.operations;
    const uint64_t oldest = newest > SLAB_TRACE_COUNT ? newest - SLAB_TRACE_COUNT + 1 : 1;
    const uint64_t number = from < oldest ? oldest : from;
    const bool is_there = slab_tracking.trace != NULL && number <= newest;
    if (is_there) {
        *operation = slab_tracking.trace[number % SLAB_TRACE_COUNT];
    }
    slab_tracking_unlock(hold);
    return is_there;
}
