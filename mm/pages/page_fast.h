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
 * page was taken, or retired, at this very moment. Does not count.
 */
MUST_USE static ALWAYS_INLINE unsigned page_context_take(page_context_t *context)
{
    page_block_t *const block = context->block;
    const uint64_t free_word = ~atomic_load_explicit(&block->low, memory_order_relaxed);
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

/*
 * What the paths below need to know of runs of each length, together so that one address leads to all of it. For
 * lengths that are no power of two there is only what a free needs.
 */
typedef struct page_run_shapes {
    uint64_t starts[BITS_PER_WORD + 1]; /* where naturally aligned runs start in a word; else 0 */
    uint64_t ends[BITS_PER_WORD + 1];   /* where they end */
    uint64_t masks[BITS_PER_WORD + 1];  /* the run at the word's beginning */
    uint64_t limits[BITS_PER_WORD + 1]; /* it may start below this bit; 0 for a run of nothing */
} page_run_shapes_t;

extern const page_run_shapes_t page_run_shapes;

/* The last bit of the first run of `count` clear bits in `used` that starts at a multiple of `count`; false: none. */
MUST_USE static ALWAYS_INLINE bool page_run_find(uint64_t used, size_t count, uint64_t *last)
{
    uint64_t ends = bits_clear_field_ends(used, page_run_shapes.starts[count], page_run_shapes.ends[count]);
    return LIKELY(bits_take_first(&ends, last));
}

/*
 * Takes `count` (up to 64) pages in a row that start at a multiple of `count`, and stores which page of the block the
 * first is. False when there is none, or `count` is no power of two, or something came in between; then another way may
 * still find a run. Does not count the run.
 */
MUST_USE static ALWAYS_INLINE bool page_context_take_run(page_context_t *context, size_t count, uint64_t *first)
{
    page_block_t *const block = context->block;
    const uint64_t low = atomic_load_explicit(&block->low, memory_order_relaxed);
    uint64_t last;
    if (UNLIKELY(!page_run_find(low, count, &last))) {
        return false;
    }
    *first = last + 1 - count;
    return page_block_claim_seen(block, low, page_run_shapes.masks[count] << (*first % BITS_PER_WORD));
}

/*
 * Gives back `count` (up to 64) pages from page `index` of the context's block on. False, and nothing done, when
 * `count` is 0, they are not all in the block, or not all allocated, or another CPU frees there at this moment. Does
 * not count. Nobody else need hear of it: what the words above say of a block that is checked out is settled at its
 * check-in.
 */
MUST_USE static ALWAYS_INLINE bool page_context_give_run(page_context_t *context, uint64_t index, size_t count)
{
    return LIKELY(index < page_run_shapes.limits[count]) &&
           page_block_release_at_once(context->block, page_run_shapes.masks[count] << (index % BITS_PER_WORD));
}

/* ---- runs of whole blocks, out of, and back into, the chunk that the context has borrowed ---- */

typedef enum page_wholes_answer {
    PAGE_WHOLES_DONE,
    PAGE_WHOLES_RECALLED, /* done, in a chunk that was taken away meanwhile: a word with the tree is due */
    PAGE_WHOLES_NONE      /* nothing was done */
} page_wholes_answer_t;

/*
 * Takes `count` (up to 64) blocks in a row that start at a multiple of `count`; *first is the first, within the
 * chunk. After RECALLED page_tree_keep_wholes() says whether they may be kept; after NONE page_tree_give_up_wholes()
 * is due for what is in *gone. Does not count.
 *
 * Who recalls a chunk does so before he looks at its words, and we look whether it is still ours after we have
 * changed them: so either he sees what we did, or we see that he did.
 */
MUST_USE static ALWAYS_INLINE page_wholes_answer_t page_context_take_wholes(page_context_t *context, size_t count,
                                                                            uint64_t *first, uint64_t *gone)
{
    page_block_t *const chunk = atomic_load_explicit(&context->chunk, memory_order_relaxed);
    const uint64_t low = atomic_load_explicit(&chunk->low, memory_order_relaxed);
    const uint64_t used = low | atomic_load_explicit(&chunk->high, memory_order_relaxed);
    uint64_t last;
    *gone = 0;
    if (UNLIKELY(!page_run_find(used, count, &last))) {
        return PAGE_WHOLES_NONE;
    }
    *first = last + 1 - count;
    if (UNLIKELY(!page_wholes_claim_seen(chunk, low, page_run_shapes.masks[count] << (*first % BITS_PER_WORD), gone))) {
        return PAGE_WHOLES_NONE;
    }
    return LIKELY(atomic_load(&context->chunk) == chunk) ? PAGE_WHOLES_DONE : PAGE_WHOLES_RECALLED;
}

/*
 * Gives back `count` (up to 64) blocks from block `index` of the chunk on: all, or NONE, as with pages. After RECALLED
 * page_tree_settle_wholes() is due. Does not count.
 */
MUST_USE static ALWAYS_INLINE page_wholes_answer_t page_context_give_wholes(page_context_t *context, uint64_t index,
                                                                            size_t count)
{
    page_block_t *const chunk = atomic_load_explicit(&context->chunk, memory_order_relaxed);
    if (UNLIKELY(index >= page_run_shapes.limits[count]) ||
        UNLIKELY(!page_block_release_at_once(chunk, page_run_shapes.masks[count] << (index % BITS_PER_WORD)))) {
        return PAGE_WHOLES_NONE;
    }
    return LIKELY(atomic_load(&context->chunk) == chunk) ? PAGE_WHOLES_DONE : PAGE_WHOLES_RECALLED;
}

#endif
