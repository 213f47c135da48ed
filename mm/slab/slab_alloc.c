/*
 * When a slot's current slab has nothing left: find the next one.
 *
 *   collected remote frees -> the slot's partial list -> the cache's lists -> new pages -> once more, after a shrink
 *
 * Only the slot's own context runs this, so nothing here is locked; slab_pool.c takes the cache's lock where slabs
 * change hands. `generation` is odd while current, base and free_word disagree, for the eyes of other contexts
 * (slab_free.c).
 */
#include "base/check.h"
#include "mm/inject.h"
#include "mm/slab/slab.h"
#include "mm/slab/slab_debug.h"

void slab_partial_push(slab_slot_t *slot, slab_t *slab)
{
    slab_t *const head = slot->partial;
    slab->link.previous = NULL;
    slab->link.next = head == NULL ? NULL : &head->link;
    if (head != NULL) {
        head->link.previous = &slab->link;
    }
    slot->partial = slab;
}

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

static void slot_begin_change(slab_slot_t *slot)
{
    RELAXED_ADD(&slot->generation, 1);
    atomic_thread_fence(memory_order_release);
}

static void slot_end_change(slab_slot_t *slot)
{
    atomic_thread_fence(memory_order_release);
    RELAXED_ADD(&slot->generation, 1);
}

void slab_slot_retire(slab_slot_t *slot, slab_context_t *context)
{
    slab_t *const slab = slot->current;
    if (slab == SLAB_NONE) {
        return;
    }
    slot_begin_change(slot);
    RELAXED_STORE(&slab->free_word, slot->free_word);
    RELAXED_STORE(&slot->free_word, 0);
    RELAXED_STORE(&slot->current, SLAB_NONE);
    slot_end_change(slot);
    atomic_store_explicit(&slab->owner, (uintptr_t)context, memory_order_release);
    if (slab->free_word != 0) {
        slab_partial_push(slot, slab);
        if (slab->free_word == slab_all_free(slab)) {
            slot->empty_count++;
        }
    }
}

/*
 * Makes an owned slab, which is on no list and not full, the current one in the place of one that is full, or of
 * none.
 */
static void slot_make_current(slab_slot_t *slot, slab_t *slab, slab_context_t *context)
{
    slab_t *const used_up = slot->current;
    if (used_up != SLAB_NONE) {
        /* Its free_word is 0 already, as that of every current slab, and nothing is free in the slot either. */
        atomic_store_explicit(&used_up->owner, (uintptr_t)context, memory_order_release);
    }
    slot_begin_change(slot);
    RELAXED_STORE(&slot->current, slab);
    RELAXED_STORE(&slot->base, slab_word_base(slab));
    RELAXED_STORE(&slot->free_word, slab->free_word);
    RELAXED_STORE(&slab->free_word, 0);
    slot_end_change(slot);
    atomic_store_explicit(&slab->owner, (uintptr_t)context | SLAB_OWNER_CURRENT, memory_order_release);
}

/* Takes a slab off the partial list. */
static void unpark(slab_slot_t *slot, slab_t *slab)
{
    slab_partial_remove(slot, slab);
    if (slab->free_word == slab_all_free(slab)) {
        slot->empty_count--;
    }
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

/* The object that take_object() takes next. */
static void *next_object(const kmem_cache_t *cache, const slab_slot_t *slot)
{
    return (void *)(slot->base + (uintptr_t)find_first_set_nonzero(slot->free_word) * cache->object_size);
}

/* Takes one object from the current slab, which has one. */
static void *take_object(kmem_cache_t *cache, slab_slot_t *slot)
{
    void *const object = next_object(cache, slot);
    RELAXED_STORE(&slot->free_word, slot->free_word & (slot->free_word - 1));
    RELAXED_ADD(&slot->allocations, 1);
    return object;
}

/*
 * The same in a tracked cache, whose slots have no current slab between operations, so that every one comes by the
 * slow paths. The object is still free while its poison is looked at.
 */
static void *take_tracked(kmem_cache_t *cache, slab_slot_t *slot, slab_context_t *context, uintptr_t caller)
{
    slab_t *const slab = slot->current;
    void *const object = next_object(cache, slot);
    slab_slot_retire(slot, context);
    slab_debug_on_alloc(cache, object, caller);
    unpark(slot, slab);
    slot_make_current(slot, slab, context);
    (void)take_object(cache, slot);
    slab_slot_retire(slot, context);
    return object;
}

/* The same under failure injection: no slab stays current, so that the next one asks again. */
static void *take_injected(kmem_cache_t *cache, slab_slot_t *slot, slab_context_t *context)
{
    void *const object = take_object(cache, slot);
    slab_slot_retire(slot, context);
    return object;
}

void *slab_alloc_slow(kmem_cache_t *cache, slab_context_t *context, uintptr_t caller)
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
    if (slot->free_word == 0) {
        slab_t *slab = find_slab(cache, slot, context);
        if (slab == NULL && kmem_caches_shrink() != 0) {
            slab = find_slab(cache, slot, context);
        }
        if (slab == NULL) {
            atomic_fetch_add_explicit(&cache->failures, 1, memory_order_relaxed);
            return NULL;
        }
        slot_make_current(slot, slab, context);
    }
    if (UNLIKELY(cache->is_tracked)) {
        return take_tracked(cache, slot, context, caller);
    }
    return UNLIKELY(is_injected) ? take_injected(cache, slot, context) : take_object(cache, slot);
}
