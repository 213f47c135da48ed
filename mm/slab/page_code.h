/*
 * Page words: what the slab core keeps for each page (arch/page_backend.h), and how an address leads to its
 * descriptor.
 *
 *    63            48 47                            6 5    0
 *   |  slot's place  |  the page's first descriptor  |  n   |     n from 4 to 12: slab of kmalloc's 2^n, or 3 * 2^n, bytes
 *   |       0        |              "                |  2   |     slab of a typed cache
 *   |            pages in the run                    |  1   |     large block: its first page
 *   |       0        |              0                |  3   |     was a slab or a large block, given back
 *   |       0        | whatever who has the page keeps  0   |     not the slab core's: its free is foreign
 *
 * kfree reads off it how far to shift, and where the context's slot is, in bytes from the context: no more than a
 * shift and an addition lead there. Of a descriptor's address it has bits 6 to 47; those below are zeros and those
 * above are the same for all pages of the backend and so for the object, whose address is at hand.
 *
 * Several slabs of 16 or 32 byte objects share a page, and their descriptors stand in a row.
 */
#ifndef MM_SLAB_PAGE_CODE_H
#define MM_SLAB_PAGE_CODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/units.h"
#include "mm/slab_context.h"

#define PAGE_CODE_MASK      UINT64_C(63)
#define PAGE_CODE_NONE      0u
#define PAGE_CODE_LARGE     1u
#define PAGE_CODE_TYPED     2u
#define PAGE_CODE_GONE      3u
#define PAGE_CODE_SHIFT_MIN 4u
#define PAGE_CODE_SHIFT_MAX 12u

/* From here up to the slot's place, which is 0: a length. */
#define PAGE_WORD_VALUE_SHIFT 11

/* From here up: the slot's place in the context, in bytes. */
#define PAGE_WORD_SLOT_SHIFT      48
#define PAGE_WORD_SLOT_LINE_SHIFT 6

_Static_assert(sizeof(slab_slot_t) == 1u << PAGE_WORD_SLOT_LINE_SHIFT, "a slot is a line");

#define PAGE_WORD_DESCRIPTOR_MASK ((UINT64_C(1) << PAGE_WORD_SLOT_SHIFT) - 1 - PAGE_CODE_MASK)

_Static_assert(sizeof(slab_context_t) <= UINT64_C(1) << (64 - PAGE_WORD_SLOT_SHIFT), "places have room");
_Static_assert(offsetof(slab_context_t, nothing) == 0, "where words lead that name no slot");

struct slab;

/* The word for the pages of slabs whose first descriptor is `first`; `slot_number` matters for kmalloc's alone. */
static inline uint64_t page_word_make(const struct slab *first, unsigned code, unsigned slot_number)
{
    const uint64_t slot_offset = offsetof(slab_context_t, slots) + slot_number * sizeof(slab_slot_t);
    const uint64_t place = code < PAGE_CODE_SHIFT_MIN ? 0 : slot_offset;
    return place << PAGE_WORD_SLOT_SHIFT | ((uintptr_t)first & PAGE_WORD_DESCRIPTOR_MASK) | code;
}

/* The line of a context that is the slot that a page's word names, counted from the context's beginning. */
static inline uint64_t page_word_slot_line(uint64_t word)
{
    return word >> PAGE_WORD_SLOT_SHIFT >> PAGE_WORD_SLOT_LINE_SHIFT;
}

/* The first descriptor of the page of `address`, by the page's word. */
static inline struct slab *page_word_slab(uint64_t word, uintptr_t address)
{
    return (struct slab *)((address & ~PAGE_WORD_DESCRIPTOR_MASK & ~PAGE_CODE_MASK) |
                           (word & PAGE_WORD_DESCRIPTOR_MASK));
}

#endif
