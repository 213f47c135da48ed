/*
 * The paths that take no lock: single pages and short runs out of, and back into, the block that the context has
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

/* Which page of the context's block is at `address`: 64 or more for any other, and for one that is misaligned. */
static ALWAYS_INLINE uint64_t page_context_index(const page_context_t *context, uintptr_t address)
{
    /* Rotated by the page shift, the offset of a misaligned address has bits at the top, and is no index either. */
    return bits_rotate_right(address - context->address, PAGE_SHIFT);
}

/*
 * Gives back the page at `address`. False, and nothing done, when it is no page of the context's block, misaligned, or
 * not allocated. Does not count.
 */
MUST_USE static ALWAYS_INLINE bool page_context_give(page_context_t *context, uintptr_t address)
{
    page_block_t *const block = context->block;
    const uint64_t index = page_context_index(context, address);
    return LIKELY(index < BITS_PER_WORD) && page_block_release_one(block, index);
}

/* Counts pages of a claim that failed, which had been claimed before a retirer took them away: it counts a free. */
static inline void page_context_count_gone(page_context_t *context, uint64_t gone)
{
    page_counter_add(&context->longer_pages_allocated, count_set(gone));
}

/*
 * Takes `count` pages in a row, a power of two up to 64, that start at a multiple of `count`: returns the first.
 * BITS_NONE as above. Does not count the run.
 */
MUST_USE static inline unsigned page_context_take_run(page_context_t *context, size_t count)
{
    page_block_t *const block = context->block;
    const unsigned index = find_first_run(page_block_free_word(block), (unsigned)count, (unsigned)count);
    uint64_t gone;
    if (UNLIKELY(index == BITS_NONE)) {
        return BITS_NONE;
    }
    if (UNLIKELY(!page_block_claim(block, bits_range(index, (unsigned)count), &gone))) {
        page_context_count_gone(context, gone);
        return BITS_NONE;
    }
    return index;
}

/*
 * Gives back `count` pages from page `index` of the context's block on. False, and nothing done, when they are not all
 * in it, or not all allocated. Does not count. Nobody else need hear of it: what the words above say of a block that is
 * checked out is settled at its check-in.
 */
MUST_USE static inline bool page_context_give_run(page_context_t *context, uint64_t index, size_t count)
{
    return index < BITS_PER_WORD && count - 1 < BITS_PER_WORD - index &&
           page_block_release(context->block, bits_range((unsigned)index, (unsigned)count)).is_done;
}

#endif
