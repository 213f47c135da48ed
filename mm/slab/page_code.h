/*
 * Page words: what the slab core keeps for each page (arch/page_backend.h), and how an address leads to its descriptor.
 *
 *    63                                          11 10       6 5    0
 *   |  address of the page's first descriptor, / 64 | slot n-1 | n    |     n from 4 to 12: slab of kmalloc's 2^n bytes
 *   |                 "                             |    0     | 2    |     slab of a typed cache
 *   |  pages in the run                             |    0     | 1    |     large block: its first page
 *   |  0                                            |    0     | 3    |     was a slab or a large block, given back
 *   |  whatever who has the page keeps there                   | 0    |     not the slab core's: its free is foreign
 *
 * kfree reads off it how far to shift, and where the context's slot is: the slot's number times the size of a slot
 * stands there ready made. (A descriptor's address has six zeros at the end, and so loses nothing.)
 *
 * Several slabs of 16 or 32 byte objects share a page, and their descriptors stand in a row.
 */
#ifndef MM_SLAB_PAGE_CODE_H
#define MM_SLAB_PAGE_CODE_H

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

/* The slot's place in the context, in bytes. */
#define PAGE_WORD_SLOT_MASK UINT64_C(0x3c0)

/* Bits above this one: a descriptor, or a length. */
#define PAGE_WORD_VALUE_SHIFT 11
#define PAGE_WORD_VALUE_MASK  (~UINT64_C(0) << PAGE_WORD_VALUE_SHIFT)

#define PAGE_WORD_DESCRIPTOR_SHIFT 5

_Static_assert(sizeof(slab_slot_t) == 64, "a slot's number, moved up by 6, is its place");
_Static_assert((PAGE_CODE_SHIFT_MAX - 1) < SLAB_SLOT_COUNT, "every class has a slot");
_Static_assert(((uint64_t)SLAB_SLOT_COUNT - 1) << 6 == PAGE_WORD_SLOT_MASK, "whatever a word says, there is a slot");

struct slab;

/* The word for the pages of slabs whose first descriptor is `first`. */
static inline uint64_t page_word_make(const struct slab *first, unsigned code)
{
    const uint64_t slot = code < PAGE_CODE_SHIFT_MIN ? 0 : (uint64_t)(code - 1) << 6;
    return (uint64_t)(uintptr_t)first << PAGE_WORD_DESCRIPTOR_SHIFT | slot | code;
}

/* The first descriptor of the page, by its word. Upper bits of addresses are copies of each other. */
static inline struct slab *page_word_slab(uint64_t word)
{
    return (struct slab *)(uintptr_t)((int64_t)(word & PAGE_WORD_VALUE_MASK) >> PAGE_WORD_DESCRIPTOR_SHIFT);
}

#endif
