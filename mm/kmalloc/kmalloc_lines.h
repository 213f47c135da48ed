/*
 * The straight lines of kmalloc and kfree, for whoever puts a public name on them: kmalloc.c, and a program that
 * embeds the slab core under other names (testing/preload).
 *
 * Neither line calls, loops or locks. Where they turn off they end in functions that their user defines.
 *
 * kfree's line checks, before it changes anything, that the pointer is the start of an object of the slot's current
 * slab, by one comparison: the pointer's distance from the first object, rotated by the class's shift, is the object's
 * number, or, off an object's start or outside the slab, a number too large. So it need not trust the page word to
 * have led it to the right slot.
 */
#ifndef MM_KMALLOC_KMALLOC_LINES_H
#define MM_KMALLOC_KMALLOC_LINES_H

#include "arch/page_backend.h"
#include "mm/kmalloc.h"
#include "mm/slab/page_code.h"

/* A size that has no class: none at all, or more than a slab's objects have. */
MUST_USE void *kmalloc_odd(size_t size);

/* A free where no page's word is; of NULL, too. */
void kfree_nowhere(void *pointer);

/*
 * A free that is not into the current slab of the slot that the word names. All that kfree has left of the pointer is
 * what it rotated, since it need not keep a copy: kfree_line_pointer() undoes that.
 */
void kfree_elsewhere(uint64_t rotated, uint64_t word);

/* The current context's slot that a page's word names. */
static ALWAYS_INLINE slab_slot_t *kfree_line_slot(uint64_t word)
{
    return (slab_slot_t *)((uintptr_t)allocation_context_current() + (word >> PAGE_WORD_SLOT_SHIFT));
}

static ALWAYS_INLINE uintptr_t kfree_line_pointer(uint64_t rotated, uint64_t word)
{
    return kfree_line_slot(word)->base + bits_rotate_left(rotated, word);
}

/* KMALLOC_THIRD - 1 for each line of a context that is a slot of a class of 3 * 2^n bytes; 0 for the others. */
#define KFREE_TRIPLE_LINE(n) (offsetof(slab_context_t, slots[SLAB_SLOT_OF_TRIPLE(n)]) / sizeof(slab_slot_t))
#define KFREE_SLOT_LINES     (offsetof(slab_context_t, slots[SLAB_SLOT_COUNT]) / sizeof(slab_slot_t))

static const uint64_t kfree_line_multipliers[KFREE_SLOT_LINES] UNUSED = {
    [KFREE_TRIPLE_LINE(KMALLOC_TRIPLE_SHIFT_MIN)... KFREE_TRIPLE_LINE(KMALLOC_TRIPLE_SHIFT_MAX)] = KMALLOC_THIRD - 1,
};

static ALWAYS_INLINE uint64_t kfree_line_multiplier(uint64_t word)
{
    return KMALLOC_HAS_TRIPLES ? kfree_line_multipliers[page_word_slot_line(word)] + 1 : 1;
}

static ALWAYS_INLINE void *kmalloc_line(size_t size)
{
    if (KMALLOC_HAS_TABLE && UNLIKELY(size - 1 >= KMALLOC_SLAB_MAX)) {
        return kmalloc_odd(size);
    }
    return kmalloc_from_slot(size);
}

static ALWAYS_INLINE void kfree_line(void *pointer)
{
    const uint64_t *const word_place = page_word(pointer);
    if (UNLIKELY(word_place == NULL)) {
        kfree_nowhere(pointer);
        return;
    }
    const uint64_t word = RELAXED_LOAD(word_place);
    uint64_t rotated;
    if (UNLIKELY(
            !kfree_into_slot(kfree_line_slot(word), (uintptr_t)pointer, word, kfree_line_multiplier(word), &rotated))) {
        kfree_elsewhere(rotated, word);
    }
}

#endif
