/*
 * The bodies of kmalloc's public wrappers: private to mm/kmalloc.h.
 *
 * A size that the compiler knows picks its slot while compiling, and the whole of a usual allocation is then a
 * handful of instructions in the caller. Everything else goes to the entry points with an underscore.
 */
#ifndef MM_KMALLOC_INLINE_H
#define MM_KMALLOC_INLINE_H

#include <stdint.h>

#include "arch/inline.h"
#include "base/bits.h"
#include "base/relaxed.h"
#include "mm/slab_context.h"

#define KMALLOC_SLAB_MAX  4096u /* above it, blocks are runs of pages */
#define KMALLOC_SHIFT_MIN 4u

/* kmalloc's internal entry points. */
MUST_USE void *_kmalloc(size_t size);
void _kfree(void *pointer);
MUST_USE void *_krealloc(void *pointer, size_t size);
MUST_USE void *_kcalloc(size_t count, size_t size);

/*
 * When the current slab of a slot is used up. Records name its caller and what it asked for. The size comes first, as
 * in _kmalloc(), so that it stays in its register.
 */
MUST_USE void *kmalloc_refill(size_t size, slab_slot_t *slot);

/* The slot's number for every size, by 16ths, for machines that are slow at finding it. */
extern const uint8_t kmalloc_slot_numbers[KMALLOC_SLAB_MAX >> KMALLOC_SHIFT_MIN];

/* The slot for a size from 1 to KMALLOC_SLAB_MAX. `last` is the size less 1. */
static ALWAYS_INLINE slab_slot_t *kmalloc_slot_of_last(size_t last)
{
    slab_context_t *const context = (slab_context_t *)allocation_context_current();
    if (BITS_LAST_SET_IS_SLOW && !__builtin_constant_p(last)) {
        return &context->slots[kmalloc_slot_numbers[last >> KMALLOC_SHIFT_MIN]];
    }
    return &context->slots[find_last_set_nonzero(last | ((1u << KMALLOC_SHIFT_MIN) - 1))];
}

/*
 * Allocates an object for `size` bytes from the slot's current slab, or when that is used up as kmalloc_refill() does.
 * `object_size` is the slot's, if the compiler knows it, or 0.
 */
static ALWAYS_INLINE void *kmalloc_from(slab_slot_t *slot, size_t size, size_t object_size)
{
    uint64_t free_word;
    uint64_t allocations;
    uint64_t index;
    RELAXED_LOAD_COUNTED(slot, free_word, allocations, free_word, allocations);
    if (UNLIKELY(!bits_take_first(&free_word, &index))) {
        return kmalloc_refill(size, slot);
    }
    RELAXED_STORE_COUNTED(slot, free_word, allocations, free_word, allocations);
    return (void *)(slot->base + index * (object_size == 0 ? slot->object_size : object_size));
}

static ALWAYS_INLINE void *kmalloc(size_t size)
{
#ifdef QUARRY_KASAN
    return _kmalloc(size); /* where kernel/sanitizers looks on */
#endif
    if (__builtin_constant_p(size) && size - 1 < KMALLOC_SLAB_MAX) {
        const size_t last = (size - 1) | ((1u << KMALLOC_SHIFT_MIN) - 1);
        return kmalloc_from(kmalloc_slot_of_last(last), size, (size_t)2 << find_last_set_nonzero(last));
    }
    return _kmalloc(size);
}

static ALWAYS_INLINE void kfree(void *pointer)
{
    _kfree(pointer);
}

static ALWAYS_INLINE void *krealloc(void *pointer, size_t size)
{
    return _krealloc(pointer, size);
}

static ALWAYS_INLINE void *kcalloc(size_t count, size_t size)
{
    return _kcalloc(count, size);
}

#endif
