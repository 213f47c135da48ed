/*
 * Contexts as a whole: the registry of all of them, and a context that leaves.
 *
 * The registry is a list that only grows, so it can be walked without a lock. A context that leaves hands every slab
 * to the caches, full ones too, which are on no list: they are looked up in the descriptor table. It stays
 * registered, with its counters, for the next CPU.
 *
 * Leaving and posting meet like this (slab_free.c, post): the leaver clears is_attached, then gives up its slabs,
 * then empties its stack; a poster pushes, then looks at is_attached. Whichever comes second sees the other and
 * empties the stack.
 */
#include "mm/slab/slab_lifecycle.h"

#include "base/check.h"
#include "mm/slab/descriptor_table.h"
#include "mm/slab/slab.h"
#include "mm/slab/slab_quarantine.h"

static spinlock_t registry_lock = SPINLOCK_INITIALIZER(LOCK_RANK_CONTEXTS);
static slab_context_t *_Atomic registry;
static uint32_t registry_count;

status_t slab_context_register(slab_context_t *context)
{
    for (unsigned shift = PAGE_CODE_SHIFT_MIN; shift <= PAGE_CODE_SHIFT_MAX; shift++) {
        slab_slot_init(&context->slots[SLAB_SLOT_OF_SHIFT(shift)], 1u << shift);
    }
    for (unsigned shift = KMALLOC_TRIPLE_SHIFT_MIN; KMALLOC_HAS_TRIPLES && shift <= KMALLOC_TRIPLE_SHIFT_MAX; shift++) {
        slab_slot_init(&context->slots[SLAB_SLOT_OF_TRIPLE(shift)], 3u << shift);
    }
    for (unsigned number = 0; number < SLAB_SLOT_COUNT; number++) {
        context->remote_frees[number] = 0;
    }
    atomic_init(&context->posted, NULL);
    atomic_init(&context->is_collecting, 0);
    atomic_init(&context->is_attached, true);

    const spinlock_hold_t hold = spinlock_lock(&registry_lock);
    const bool has_room = registry_count < SLAB_CONTEXT_MAX;
    if (has_room) {
        context->index = registry_count++;
        context->next = atomic_load_explicit(&registry, memory_order_relaxed);
        atomic_store_explicit(&registry, context, memory_order_release);
    }
    spinlock_unlock(&registry_lock, hold);
    return has_room ? STATUS_OK : STATUS_OUT_OF_RANGE;
}

slab_context_t *slab_context_first(void)
{
    return atomic_load_explicit(&registry, memory_order_acquire);
}

void slab_slot_trim(kmem_cache_t *cache, slab_context_t *context)
{
    slab_slot_t *const slot = slab_slot(cache, context);
    if (slot->current != NULL && slot->free_word == slab_all_free(slot->current)) {
        slab_slot_retire(slot, context);
    }
    slab_t *slab = slot->partial;
    while (slab != NULL && slab_slot_empty_count(slot) != 0) {
        slab_t *const next = slab->link.next == NULL ? NULL : CONTAINER_OF(slab->link.next, slab_t, link);
        if (slab->free_word == slab_all_free(slab)) {
            slab_partial_remove(slot, slab);
            RELAXED_ADD(&slot->state, -SLAB_SLOT_EMPTY);
            slab_pool_put(slab);
        }
        slab = next;
    }
}

void slab_slot_drain(kmem_cache_t *cache, slab_context_t *context)
{
    slab_slot_t *const slot = slab_slot(cache, context);
    slab_slot_retire(slot, context);
    slab_slot_trim(cache, context);
    while (slot->partial != NULL) {
        slab_t *const slab = slot->partial;
        slab_partial_remove(slot, slab);
        slab_pool_put(slab);
    }
}

/* What the walk over all descriptors looks for, and the slabs found, chained by link.next. */
typedef struct owned_search {
    const slab_context_t *owner;
    list_link_t *found;
} owned_search_t;

static void note_owned(slab_t *slab, void *argument)
{
    owned_search_t *const search = argument;
    if (slab_owner_context(atomic_load(&slab->owner)) == search->owner) {
        slab->link.next = search->found;
        search->found = &slab->link;
    }
}

static void drain_slot_of(kmem_cache_t *cache, void *argument)
{
    slab_slot_drain(cache, argument);
}

void slab_context_leave(slab_context_t *context)
{
    atomic_store(&context->is_attached, false);
    slab_quarantine_drain_context(context);
    slab_collect(context);
    kmem_caches_visit(drain_slot_of, context);

    /* What is still ours is full, and so on no list. */
    owned_search_t search = {context, NULL};
    descriptor_table_visit(note_owned, &search);
    while (search.found != NULL) {
        slab_t *const slab = CONTAINER_OF(search.found, slab_t, link);
        search.found = slab->link.next;
        slab_pool_put(slab);
    }
    slab_collect(context);
}

void slab_context_return(slab_context_t *context)
{
    atomic_store(&context->is_attached, true);
}
