/*
 * Page words: what the slab core keeps for each page (arch/page_backend.h), and how an address leads to its descriptor.
 *
 *    63                                      6 5    0
 *   |  address of the page's first descriptor | code |     code 4 to 12: slab of kmalloc's class of 2^code bytes
 *   |                 "                       |  2   |     slab of a typed cache
 *   |  pages in the run                       |  1   |     large block: its first page
 *   |  0                                      |  3   |     was a slab or a large block, given back
 *   |  whatever who has the page keeps there  |  0   |     not the slab core's: its free is foreign
 *
 * Several slabs of 16 or 32 byte objects share a page, and their descriptors stand in a row, aligned to the row's
 * length. The object's number within the page, without its low 6 bits, is then the distance in bytes from the first
 * descriptor to the right one, because a slab has 64 objects and a descriptor 64 bytes: one AND, one OR and one AND
 * find it, for every class.
 */
#ifndef MM_SLAB_PAGE_CODE_H
#define MM_SLAB_PAGE_CODE_H

#include <stdint.h>

#include "base/units.h"

#define PAGE_CODE_MASK      UINT64_C(63)
#define PAGE_CODE_NONE      0u
#define PAGE_CODE_LARGE     1u
#define PAGE_CODE_TYPED     2u
#define PAGE_CODE_GONE      3u
#define PAGE_CODE_SHIFT_MIN 4u
#define PAGE_CODE_SHIFT_MAX 12u

struct slab;

/* For objects of 2^code bytes: the bits of (address >> code) that tell which slab of its page an object is in. */
static inline uint32_t page_code_row_mask(unsigned code)
{
    return code < PAGE_CODE_SHIFT_MIN ? 0 : (uint32_t)(PAGE_OFFSET_MASK >> code & ~PAGE_CODE_MASK);
}

/*
 * The descriptor of object number `index` (address >> code) of a kmalloc class, by its page's word and the code's row
 * mask.
 */
static inline struct slab *page_word_slab(uint64_t word, uintptr_t index, uint32_t row_mask)
{
    return (struct slab *)((word | (index & row_mask)) & ~PAGE_CODE_MASK);
}

#endif
