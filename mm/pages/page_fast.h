/*
 * The two paths that take no lock and no loop: a single page out of, and back into, the block that the context has
 * checked out.
 *
 * Relies on the context being the caller's own: an interrupt handler has another one, so nothing comes in between.
 */
#ifndef MM_PAGES_PAGE_FAST_H
#define MM_PAGES_PAGE_FAST_H

#include "mm/page_context.h"
#include "mm/pages/page_block.h"

/*
 * Takes a page, and returns which one of the block it is. BITS_NONE when there is no block, it has no free page, or the
 * page was retired at this very moment. Does not count.
 */
MUST_USE static ALWAYS_INLINE unsigned page_context_take(page_context_t *context)
{
    page_block_t *const block = context->block;
    if (UNLIKELY(block == NULL)) {
        return BITS_NONE;
    }
    uint64_t free_word = page_block_free_word(block);
    /* The word is what is compared with 0: compilers would compare its complement with all ones, and need both. */
    __asm__("" : "+r"(free_word));
    if (UNLIKELY(free_word == 0)) {
        return BITS_NONE;
    }
    const unsigned index = find_first_set_nonzero(free_word);
    return LIKELY(page_block_claim_one(block, index)) ? index : BITS_NONE;
}

/*
 * Gives back the page at `address`. False, and nothing done, when it is no page of the context's block, misaligned, or
 * not allocated. Does not count.
 */
MUST_USE static ALWAYS_INLINE bool page_context_give(page_context_t *context, uintptr_t address)
{
    page_block_t *const block = context->block;
    if (UNLIKELY(block == NULL)) {
        return false;
    }
    /* Rotated by the page shift, the offset of a misaligned address has bits at the top, and is no index either. */
    const uint64_t offset = address - context->address;
    const uint64_t index = offset >> PAGE_SHIFT | offset << (64 - PAGE_SHIFT);
    return LIKELY(index < BITS_PER_WORD) && page_block_release_one(block, (unsigned)index);
}

#endif
