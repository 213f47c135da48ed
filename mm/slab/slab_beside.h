/*
 * Slabs beside the current one: objects that come from, and go to, slabs on a context's partial list, without a slab
 * changing its place but for one that gets its first free object or gives its last.
 *
 * For frees in no order, and for the allocations that follow them: a switch of slabs costs as much as several of these.
 * Both lines do nothing, and say so, when there is more to do; the slow paths then do all of it.
 *
 * They are for the context's own CPU, and for caches that are fast. Words are written in an order in which the list is
 * sound at any moment but for, at worst, the one slab that is moved: who copies a context in mid-change, as fork() does,
 * loses no more than that slab.
 */
#ifndef MM_SLAB_SLAB_BESIDE_H
#define MM_SLAB_SLAB_BESIDE_H

#include "mm/slab/slab.h"

/* slab_partial_remove() of the list's first, which gives its last free object. */
static ALWAYS_INLINE void slab_beside_pop(slab_slot_t *slot, slab_t *slab)
{
    list_link_t *const next = slab->link.next;
    slot->partial = next == NULL ? NULL : CONTAINER_OF(next, slab_t, link);
    atomic_signal_fence(memory_order_seq_cst);
    if (LIKELY(next != NULL)) {
        next->previous = NULL;
    }
    list_link_init(&slab->link);
    RELAXED_STORE(&slab->free_word, 0);
}

/*
 * Frees object `index` of a slab of the slot's own context that is not its current one; `all` is slab_all_free(slab).
 * False, with nothing changed, when the object is free, others have freed into the slab, it would get empty, or it was
 * full and had better become the current one: because that has got all its objects back, and more frees are likely here.
 */
MUST_USE static ALWAYS_INLINE bool slab_beside_free(slab_slot_t *slot, slab_t *slab, uint64_t index, uint64_t all)
{
    const uint64_t before = slab->free_word;
    uint64_t after = before;
    if (UNLIKELY(index >= BITS_PER_WORD || !bit_set_clear(&after, index) || after == all ||
                 atomic_load_explicit(&slab->remote_word, memory_order_relaxed) != 0)) {
        return false;
    }
    if (before != 0) {
        RELAXED_STORE(&slab->free_word, after);
    } else if (LIKELY(RELAXED_LOAD(&slot->free_word) != all)) {
        RELAXED_STORE(&slab->free_word, after);
        slab_partial_push(slot, slab);
    } else {
        return false;
    }
    slab_slot_count_free(slot);
    return true;
}

/*
 * An object of the first slab of the slot's list, when that has one or two: more are worth a switch. NULL otherwise.
 * Nothing may be posted to the context, and the slot's current slab, if any, has nothing left; that first slab has a
 * live object, or its cache more than two in each.
 */
MUST_USE static ALWAYS_INLINE void *slab_beside_alloc(slab_slot_t *slot)
{
    slab_t *const slab = slot->partial;
    if (UNLIKELY(slab == NULL)) {
        return NULL;
    }
    const uint64_t free_word = slab->free_word;
    const uint64_t but_one = free_word & (free_word - 1);
    if (but_one == 0) {
        slab_beside_pop(slot, slab);
    } else if ((but_one & (but_one - 1)) == 0) {
        RELAXED_STORE(&slab->free_word, but_one);
    } else {
        return NULL;
    }
    slab_slot_count_allocation(slot);
    return (void *)(slab_start(slab) + (uintptr_t)find_first_set_nonzero(free_word) * slot->object_size);
}

#endif
