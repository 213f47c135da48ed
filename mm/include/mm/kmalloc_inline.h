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
 * When the current slab of slots[shift] is used up. Records name its caller and what it asked for. The size comes
 * first, as in _kmalloc(), so that it stays in its register.
 */
MUST_USE void *kmalloc_refill(size_t size, unsigned shift);

/* The class of a size from 1 to KMALLOC_SLAB_MAX, as log2 of its objects' size. `last` is the size less 1. */
static ALWAYS_INLINE unsigned kmalloc_shift_of_last(size_t last)
{
    return find_last_set_nonzero(last | ((1u << KMALLOC_SHIFT_MIN) - 1)) + 1;
}

static ALWAYS_INLINE unsigned kmalloc_shift(size_t size)
{
    return kmalloc_shift_of_last(size - 1);
}

/*
 * Allocates an object of class `shift` for `size` bytes: from the calling context's current slab, or when that is
 * used up as kmalloc_refill() does.
 */
static ALWAYS_INLINE void *kmalloc_class(unsigned shift, size_t size)
{
    slab_slot_t *const slot = &((slab_context_t *)allocation_context_current())->slots[shift];
    const uint64_t word = RELAXED_LOAD(&slot->free_word);
    if (UNLIKELY(word == 0)) {
        return kmalloc_refill(size, shift);
    }
    RELAXED_STORE(&slot->free_word, word & (word - 1));
    RELAXED_ADD(&slot->allocations, 1);
    return (void *)(slot->base + ((uintptr_t)find_first_set_nonzero(word) << shift));
}

static ALWAYS_INLINE void *kmalloc(size_t size)
{
#ifdef QUARRY_KASAN
    return _kmalloc(size); /* where kernel/sanitizers looks on */
#endif
    if (__builtin_constant_p(size) && size - 1 < KMALLOC_SLAB_MAX) {
        return kmalloc_class(kmalloc_shift(size), size);
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
