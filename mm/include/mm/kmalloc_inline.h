/*
 * The bodies of kmalloc's public wrappers: private to mm/kmalloc.h.
 *
 * A size that the compiler knows picks its slot while compiling, and the whole of a usual allocation is then a
 * handful of instructions in the caller. Everything else goes to the entry points with an underscore.
 */
#ifndef MM_KMALLOC_INLINE_H
#define MM_KMALLOC_INLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/inline.h"
#include "base/bits.h"
#include "base/relaxed.h"
#include "mm/slab_context.h"

#define KMALLOC_SLAB_MAX  4096u /* above it, blocks are runs of pages */
#define KMALLOC_SHIFT_MIN 4u

/*
 * Whether there are classes of 3 * 2^n bytes between those of 2^(n+1) and 2^(n+2), from 48 to 3072: the setting
 * --config=intermediate of the build. They waste a sixth of memory where powers of two waste a quarter, for a few
 * instructions more. Their objects are aligned to 2^n only.
 */
#ifdef QUARRY_KMALLOC_INTERMEDIATE
#define KMALLOC_HAS_TRIPLES true
#else
#define KMALLOC_HAS_TRIPLES false
#endif
#define KMALLOC_TRIPLE_SHIFT_MIN 4u
#define KMALLOC_TRIPLE_SHIFT_MAX 10u

/* Three times this is 1 modulo 2^64: what is a multiple of 3 becomes its third, and all else a large number. */
#define KMALLOC_THIRD UINT64_C(0xaaaaaaaaaaaaaaab)

/* Whether every block shall come and go by the entry points with an underscore, where kernel/sanitizers looks on. */
#ifdef QUARRY_KASAN
#define KMALLOC_IS_WATCHED true
#else
#define KMALLOC_IS_WATCHED false
#endif

/* kmalloc's internal entry points. */
MUST_USE void *_kmalloc(size_t size);
void _kfree(void *pointer);
MUST_USE void *_krealloc(void *pointer, size_t size);
MUST_USE void *_kcalloc(size_t count, size_t size);
MUST_USE size_t _kmalloc_bulk(size_t size, size_t count, void **objects);
void _kfree_bulk(size_t count, void *const *objects);

/*
 * When a slot has nothing left, or is no class's, because there is none for that size. Records name its caller and what
 * it asked for.
 */
MUST_USE void *kmalloc_refill(size_t size);

/* Whether sizes go to their slots by a table: where that is quicker, or where bits alone don't tell. */
#define KMALLOC_HAS_TABLE (BITS_LAST_SET_IS_SLOW || KMALLOC_HAS_TRIPLES)

/* The slot's number for every size, by 16ths. */
extern const uint8_t kmalloc_slot_numbers[KMALLOC_SLAB_MAX >> KMALLOC_SHIFT_MIN];

/* The highest bit of sizes, less 1, that have no smaller class. */
static ALWAYS_INLINE size_t kmalloc_last(size_t size)
{
    return (size - 1) | ((1u << KMALLOC_SHIFT_MIN) - 1);
}

/* Whether the class for a size is 3 * 2^n bytes; `last` is kmalloc_last() of it, and has a class. */
static ALWAYS_INLINE bool kmalloc_is_triple(size_t last)
{
    const unsigned top = find_last_set_nonzero(last);
    return KMALLOC_HAS_TRIPLES && top > KMALLOC_TRIPLE_SHIFT_MIN && !bit_is_set(last, top - 1);
}

/* The n of a class of 2^n or of 3 * 2^n bytes. */
static ALWAYS_INLINE unsigned kmalloc_class_shift(size_t last)
{
    const unsigned top = find_last_set_nonzero(last);
    return kmalloc_is_triple(last) ? top - 1 : top + 1;
}

/* The bytes of a class. */
static ALWAYS_INLINE size_t kmalloc_class_bytes(size_t last)
{
    return (kmalloc_is_triple(last) ? (size_t)3 : (size_t)1) << kmalloc_class_shift(last);
}

/*
 * The slot for a size; `last` is kmalloc_last() of it. One without a class has a slot that never has anything. (With
 * the table, whoever calls has looked whether the size has a class.)
 */
static ALWAYS_INLINE slab_slot_t *kmalloc_slot_of_last(size_t last)
{
    uintptr_t place = (uintptr_t)allocation_context_current();
    if (KMALLOC_HAS_TABLE && !__builtin_constant_p(last)) {
        place += kmalloc_slot_numbers[last >> KMALLOC_SHIFT_MIN] * sizeof(slab_slot_t);
    } else if (kmalloc_is_triple(last)) {
        place += SLAB_SLOT_OF_TRIPLE(kmalloc_class_shift(last)) * sizeof(slab_slot_t);
    } else {
        place += find_last_set_order(last) * sizeof(slab_slot_t);
    }
    if (!__builtin_constant_p(last)) {
        /* So that the sum is made once, and the rest of the way to a field is in the instruction that loads it. */
        __asm__("" : "+r"(place));
    }
    return (slab_slot_t *)(place + offsetof(slab_context_t, slots));
}

/*
 * Takes an object for `size` bytes, which has a slot, from the slot's current slab. False, with nothing changed, when
 * that has none.
 */
MUST_USE static ALWAYS_INLINE bool kmalloc_take(slab_slot_t *slot, size_t size, uintptr_t *object)
{
    const size_t last = kmalloc_last(size);
    uint64_t free_word = RELAXED_LOAD(&slot->free_word);
    uint64_t index;
    if (UNLIKELY(!bits_take_first(&free_word, &index))) {
        return false;
    }
    RELAXED_STORE(&slot->free_word, free_word);
    uint64_t distance;
    if (__builtin_constant_p(size)) {
        distance = index * kmalloc_class_bytes(last);
    } else if (KMALLOC_HAS_TRIPLES) {
        distance = (uint32_t)index * slot->object_size;
    } else {
        distance = bits_scale(index, slot->object_size, last);
    }
    *object = slot->base + distance;
    return true;
}

/* Allocates an object for `size` bytes, which has a slot, from its current slab, or else as kmalloc_refill() does. */
static ALWAYS_INLINE void *kmalloc_from_slot(size_t size)
{
    uintptr_t object;
    return LIKELY(kmalloc_take(kmalloc_slot_of_last(kmalloc_last(size)), size, &object)) ? (void *)object
                                                                                         : kmalloc_refill(size);
}

static ALWAYS_INLINE void *kmalloc(size_t size)
{
    if (!KMALLOC_IS_WATCHED && __builtin_constant_p(size) && size - 1 < KMALLOC_SLAB_MAX) {
        return kmalloc_from_slot(size);
    }
    return _kmalloc(size);
}

static ALWAYS_INLINE void kfree(void *pointer)
{
    _kfree(pointer);
}

/*
 * Frees the object at `pointer` if it is one of the slot's current slab: its distance from the first, rotated by the
 * class's shift, is its number, or too large a one; for a class of 3 * 2^n bytes that is so times KMALLOC_THIRD.
 * Returns false, with nothing changed, when it is none, or free; *rotated is what became of the pointer, for who has
 * not kept it.
 */
MUST_USE static ALWAYS_INLINE bool kfree_into_slot(slab_slot_t *slot, uintptr_t pointer, uint64_t shift,
                                                   uint64_t multiplier, uint64_t *rotated)
{
    uint64_t limit;
    uintptr_t base;
    RELAXED_LOAD_LIMITED(slot, limit, base, limit, base);
    *rotated = bits_rotate_right(pointer - base, shift);
    const uint64_t index = *rotated * multiplier;
    uint64_t free_word;
    uint64_t frees;
    RELAXED_LOAD_COUNTED(slot, frees, free_word, frees, free_word);
    if (UNLIKELY(!RELAXED_IS_IN_LIMIT(slot, limit, limit, index) || !bit_set_clear(&free_word, index))) {
        return false;
    }
    RELAXED_STORE_COUNTED(slot, frees, free_word, frees, free_word);
    return true;
}

static ALWAYS_INLINE void kfree_sized(void *pointer, size_t size)
{
    if (!KMALLOC_IS_WATCHED && __builtin_constant_p(size) && size - 1 < KMALLOC_SLAB_MAX) {
        const size_t last = kmalloc_last(size);
        const uint64_t multiplier = kmalloc_is_triple(last) ? KMALLOC_THIRD : 1;
        uint64_t rotated;
        if (LIKELY(kfree_into_slot(kmalloc_slot_of_last(last), (uintptr_t)pointer, kmalloc_class_shift(last),
                                   multiplier, &rotated))) {
            return;
        }
    }
    _kfree(pointer);
}

static ALWAYS_INLINE size_t kmalloc_bulk(size_t size, size_t count, void **objects)
{
    return _kmalloc_bulk(size, count, objects);
}

static ALWAYS_INLINE void kfree_bulk(size_t count, void *const *objects)
{
    _kfree_bulk(count, objects);
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
