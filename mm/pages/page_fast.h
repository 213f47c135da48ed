/*
 * The two paths that take no lock and no loop: a single page out of, and back into, the block that the context has
 * checked out.
 *
 * Relies on the context being the caller's own: an interrupt handler has another one, so nothing comes in between. A
 * context without a block has page_block_none, so that neither path need ask.
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
    const uint64_t free_word = page_block_free_word(block);
    uint64_t rest = free_word;
    uint64_t index;
    if (UNLIKELY(!bits_take_first(&rest, &index))) {
        return BITS_NONE;
    }
    const uint64_t bit = BITS_ATOMIC_TEST_IS_FREE ? UINT64_C(1) << index : free_word & -free_word;
    return LIKELY(page_block_claim_one(block, index, bit)) ? (unsigned)index : BITS_NONE;
}

/*
 * Gives back the page at `address`. False, and nothing done, when it is no page of the context's block, misaligned, or
 * not allocated. Does not count.
 */
MUST_USE static ALWAYS_INLINE bool page_context_give(page_context_t *context, uintptr_t address)
{
    page_block_t *const block = context->block;
    /* Rotated by the page shift, the offset of a misaligned address has bits at the top, and is no index either. */
    const uint64_t offset = address - context->address;
    const uint64_t index = offset >> PAGE_SHIFT | offset << (64 - PAGE_SHIFT);
    return LIKELY(index < BITS_PER_WORD) && page_block_release_one(block, index);
}

#endif
