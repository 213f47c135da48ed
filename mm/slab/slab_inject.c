/*
 * Caches under failure injection (mm/inject.h): their slots have no current slab between operations, so that every
 * allocation comes by the slow path, which asks.
 */
#include "mm/inject.h"
#include "mm/slab/slab.h"
#include "mm/slab/slab_lifecycle.h"

static void apply_to_cache(kmem_cache_t *cache, void *argument)
{
    slab_context_t *const context = argument;
    const bool is_covered = inject_covers_cache(cache->name);
    RELAXED_STORE(&cache->is_injected, is_covered);
    if (is_covered) {
        slab_slot_retire(slab_slot(cache, context), context);
    }
}

void slab_inject_apply(void)
{
    kmem_caches_visit(apply_to_cache, allocation_context_current());
}
