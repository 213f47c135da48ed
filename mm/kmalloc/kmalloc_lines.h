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
void kfree_elsewhere(uint64_t rotated, uint64_t word, const slab_slot_t *slot);

static ALWAYS_INLINE uintptr_t kfree_line_pointer(uint64_t rotated, uint64_t word, const slab_slot_t *slot)
{
    return slot->base + bits_rotate_left(rotated, word);
}

static ALWAYS_INLINE void *kmalloc_line(size_t size)
{
    size_t last = size - 1;
    /* So that the compiler keeps this one difference, and does not compute the comparison from another. */
    __asm__("" : "+r"(last));
    if (UNLIKELY(last >= KMALLOC_SLAB_MAX)) {
        return kmalloc_odd(size);
    }
    return kmalloc_from(kmalloc_slot_of_last(last), size, 0);
}

static ALWAYS_INLINE void kfree_line(void *pointer)
{
    const uint64_t *const word_place = page_word(pointer);
    if (UNLIKELY(word_place == NULL)) {
        kfree_nowhere(pointer);
        return;
    }
    const uint64_t word = RELAXED_LOAD(word_place);
    slab_context_t *const context = (slab_context_t *)allocation_context_current();
    slab_slot_t *const slot = &context->slots[(word & PAGE_WORD_SLOT_MASK) / sizeof(slab_slot_t)];
    const uint64_t index = bits_rotate_right((uintptr_t)pointer - slot->base, word);
    const int32_t limit = RELAXED_LOAD(&slot->limit);
    __builtin_assume(limit >= 0);
    if (UNLIKELY(index >= (uint64_t)limit)) {
        kfree_elsewhere(index, word, slot);
        return;
    }
    uint64_t free_word;
    uint64_t frees;
    RELAXED_LOAD_COUNTED(slot, free_word, frees, free_word, frees);
    if (UNLIKELY(bit_test_and_set(&free_word, index))) {
        kfree_elsewhere(index, word, slot);
        return;
    }
    RELAXED_STORE_COUNTED(slot, free_word, frees, free_word, frees);
}

#endif
