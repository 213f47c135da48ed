/*
 * The two paths that take no lock and no loop: a single page out of, and back into, the block that the context has checked out.
 *
 * Relies on the context being the caller's own: an interrupt handler has another one, so nothing comes in between.
 */
#ifndef MM_PAGES_PAGE_FAST_H
#define MM_PAGES_PAGE_FAST_H

#include "mm/page_context.h"
#include "page_block.h"

/* Takes a page; false when there is no block, it has no free page, or the page was retired at this very moment. Does not count. */
MUST_USE static ALWAYS_INLINE bool page_context_take(page_context_t *context, page_number_t *page)
{
    page_block_t *const block = context->block;
    if (UNLIKELY(block == NULL)) {
        return false;
    }
    const uint64_t free_word = page_block_free_word(block);
    if (UNLIKELY(free_word == 0)) {
        return false;
    }
    const unsigned index = find_first_set_nonzero(free_word);
    if (UNLIKELY(!page_block_claim_one(block, index))) {
        return false;
    }
    page->value = context->first_page.value + index;
    return true;
}

#endif
