/*
 * When a slot's current slab has nothing left: find the next one.
 *
 *   collected remote frees -> the slot's partial list -> the cache's lists -> new pages -> once more, after a shrink
 *
 * or take an object without one, where the list's first slab has few (slab_beside.h).
 *
 * Only the slot's own context runs this, so nothing here is locked; slab_pool.c takes the cache's lock where slabs
 * change hands. The number in `state` is odd while current and free_word disagree, for the eyes of other contexts
 * (slab_free.c).
 */
#include "base/check.h"
#include "mm/inject.h"
#include "mm/slab/slab.h"
#include "mm/slab/slab_beside.h"
#include "mm/slab/slab_guard.h"
#include "mm/slab/slab_quarantine.h"
#include "mm/slab/slab_tracking.h"

void slab_partial_remove(slab_slot_t *slot, slab_t *slab)
{
    list_link_t *const next = slab->link.next;
    list_link_t *const previous = slab->link.previous;
    if (next != NULL) {
        next->previous = previous;
    }
    if (previous != NULL) {
        previous->next = next;
    } else {
        slot->partial = next == NULL ? NULL : CONTAINER_OF(next, slab_t, link);
    }
    list_link_init(&slab->link);
}

void slab_slot_init(slab_slot_t *slot, uint32_t object_size)
{
    *slot = (slab_slot_t){.object_size = object_size};
}

static void slot_begin_change(slab_slot_t *slot)
{
    RELAXED_ADD(&slot->state, SLAB_SLOT_CHANGE);
    atomic_thread_fence(memory_order_release);
}

static void slot_end_change(slab_slot_t *slot)
{
    atomic_thread_fence(memory_order_release);
    RELAXED_ADD(&slot->state, SLAB_SLOT_CHANGE);
}

/* The slot's limit while `slab` is current. With red zones, not every number below a limit is an object's. */
static uint64_t limit_of(const slab_t *slab)
{
    return UNLIKELY((slab->base & SLAB_HAS_RED_ZONES) != 0) ? 0 : slab->cache->objects_per_slab;
}

/*
 * Either this sees what another context freed, or that one sees that the slab is current and the slot open, and closes
 * it: both first write and then read, all four sequentially consistent (slab_free.c, close_slot_of).
 */
static void close_if_pending(slab_slot_t *slot, slab_t *slab)
{
    if (UNLIKELY(atomic_load(&slab->remote_word) != 0)) {
        RELAXED_STORE(&slot->limit, 0);
    }
}

void slab_slot_open(slab_slot_t *slot)
{
    slab_t *const slab = slot->current;
    __atomic_store_n(&slot->limit, limit_of(slab), __ATOMIC_SEQ_CST);
    close_if_pending(slot, slab);
}

/* Puts a slab that was current where it belongs. One that is full is on no list. */
static void park(slab_slot_t *slot, slab_t *slab)
{
    if (slab->free_word == 0) {
        return;
    }
    slab_partial_push(slot, slab);
    if (slab->free_word == slab_all_free(slab)) {
        slab_slot_got_empty(slot, slab);
    }
}

/* Takes a slab off the partial list. */
static void unpark(slab_slot_t *slot, slab_t *slab)
{
    slab_partial_remove(slot, slab);
    if (slab->free_word == slab_all_free(slab)) {
        RELAXED_ADD(&slot->state, -SLAB_SLOT_EMPTY);
    }
}

void slab_slot_retire(slab_slot_t *slot, slab_context_t *context)
{
    slab_t *const slab = slot->current;
    if (slab == NULL) {
        return;
    }
    slot_begin_change(slot);
    RELAXED_STORE(&slab->free_word, slot->free_word);
    slab_slot_set_free_word(slab->cache, slot, 0);
    RELAXED_STORE(&slot->current, NULL);
    RELAXED_STORE(&slot->limit, 0);
    slot_end_change(slot);
    atomic_store_explicit(&slab->owner, (uintptr_t)context, memory_order_release);
    park(slot, slab);
}

/*
 * Makes an owned slab, which is on no list, the current one, with `free_word` for its free objects, in the place of
 * another, or of none.
 */
static void slot_make_current(slab_slot_t *slot, slab_t *slab, slab_context_t *context, uint64_t free_word)
{
    slab_t *const before = slot->current;
    slot_begin_change(slot);
    if (before != NULL) {
        RELAXED_STORE(&before->free_word, slot->free_word);
    }
    RELAXED_STORE(&slot->current, slab);
    RELAXED_STORE(&slot->base, slab_start(slab));
    slab_slot_set_free_word(slab->cache, slot, free_word);
    RELAXED_STORE(&slab->free_word, 0);
    RELAXED_STORE(&slot->limit, limit_of(slab));
    slot_end_change(slot);
    if (free_word == slab_all_free(slab)) {
        /* Whoever comes to free an object of it has got that from us, and knows the owner. */
        atomic_store_explicit(&slab->owner, (uintptr_t)context | SLAB_OWNER_CURRENT, memory_order_release);
    } else {
        atomic_store(&slab->owner, (uintptr_t)context | SLAB_OWNER_CURRENT);
        close_if_pending(slot, slab);
    }
    if (before != NULL) {
        atomic_store_explicit(&before->owner, (uintptr_t)context, memory_order_release);
        park(slot, before);
    }
}

void slab_slot_switch(slab_slot_t *slot, slab_t *slab, slab_context_t *context, uint64_t free_word)
{
    if (slab->free_word != 0) {
        unpark(slot, slab);
    }
    slot_make_current(slot, slab, context, free_word);
}

/* A slab of ours with a free object, off every list; NULL when memory is out. */
static slab_t *find_slab(kmem_cache_t *cache, slab_slot_t *slot, slab_context_t *context)
{
    slab_t *const slab = slot->partial;
    if (slab == NULL) {
        return slab_pool_take(cache, context);
    }
    unpark(slot, slab);
    return slab;
}

/* The same when memory was out at first: after all that can be given back has been. */
static slab_t *find_or_make_room(kmem_cache_t *cache, slab_slot_t *slot, slab_context_t *context)
{
    slab_t *slab = find_slab(cache, slot, context);
    if (slab == NULL && slab_quarantine_drain(NULL) + kmem_caches_shrink() != 0) {
        slab = find_slab(cache, slot, context);
    }
    if (slab == NULL) {
        atomic_fetch_add_explicit(&cache->failures, 1, memory_order_relaxed);
    }
    return slab;
}

/* Takes one object from the current slab, which has one. */
static void *take_object(kmem_cache_t *cache, slab_slot_t *slot)
{
    void *const object = (void *)(slot->base + (uintptr_t)find_first_set_nonzero(slot->free_word) * cache->object_size);
    RELAXED_STORE(&slot->free_word, slot->free_word & (slot->free_word - 1));
    return object;
}

void slab_slot_follow_tier(slab_slot_t *slot, slab_context_t *context)
{
    slab_t *const slab = slot->current;
    if (slab != NULL) {
        slab_debug_distrust(slab);
        slab_slot_retire(slot, context);
    }
}

/* take_object() under failure injection: no slab stays current, so that the next one asks again. */
static void *take_injected(kmem_cache_t *cache, slab_slot_t *slot, slab_context_t *context)
{
    void *const object = take_object(cache, slot);
    slab_slot_retire(slot, context);
    return object;
}

/*
 * One object of a cache that is not in the tier fast. Its slots have no current slab between operations, so that every
 * one comes by the slow paths. The object is still free while it is looked at.
 */
static void *alloc_tracked(kmem_cache_t *cache, slab_slot_t *slot, slab_context_t *context, size_t size,
                           uintptr_t caller)
{
    slab_slot_follow_tier(slot, context);
    if (slot->partial == NULL) {
        slab_t *const fresh = find_or_make_room(cache, slot, context);
        if (fresh == NULL) {
            return NULL;
        }
        slab_partial_push(slot, fresh);
        if (fresh->free_word == slab_all_free(fresh)) {
            RELAXED_ADD(&slot->state, SLAB_SLOT_EMPTY);
        }
    }
    slab_t *const slab = slot->partial;
    const unsigned index = slab_guard_choose(slab, context);
    slab_guard_on_alloc(slab, index, size, caller);

    const uint64_t before = slab->free_word;
    if (before == slab_all_free(slab)) {
        RELAXED_ADD(&slot->state, -SLAB_SLOT_EMPTY);
    }
    RELAXED_STORE(&slab->free_word, before & ~(UINT64_C(1) << index));
    if (slab->free_word == 0) {
        slab_partial_remove(slot, slab);
    }
    slab_slot_count_allocation(slot);
    return (void *)slab_object(slab, index);
}

void *slab_alloc_slow(kmem_cache_t *cache, slab_context_t *context, size_t size, uintptr_t caller)
{
    slab_slot_t *const slot = slab_slot(cache, context);
    const bool is_injected = RELAXED_LOAD(&cache->is_injected);
    if (UNLIKELY(is_injected) && inject_refuses(INJECT_OBJECTS, cache->name, caller)) {
        atomic_fetch_add_explicit(&cache->failures, 1, memory_order_relaxed);
        return NULL;
    }
    if (atomic_load_explicit(&context->posted, memory_order_relaxed) != NULL) {
        slab_collect(context);
    }
    if (UNLIKELY(RELAXED_LOAD(&cache->tier) != SLAB_TIER_FAST)) {
        return alloc_tracked(cache, slot, context, size, caller);
    }
    if (slot->free_word == 0) {
        if (slot->partial != NULL && slot->partial->free_word != slab_all_free(slot->partial) && !is_injected) {
            void *const object = slab_beside_alloc(slot);
            if (object != NULL) {
                return object;
            }
        }
        slab_t *const slab = find_or_make_room(cache, slot, context);
        if (slab == NULL) {
            return NULL;
        }
        slot_make_current(slot, slab, context, slab->free_word);
    }
    return UNLIKELY(is_injected) ? take_injected(cache, slot, context) : take_object(cache, slot);
}
