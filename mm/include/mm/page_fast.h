/*
 * The paths that take no lock: single pages and short runs out of, and back into, the block that the context has
 * checked out; runs of whole blocks out of, and back into, the chunk that it has borrowed.
 *
 * Relies on the context being the caller's own: an interrupt handler has another one, so nothing comes in between. A
 * context without a block has page_block_none, so that no path need ask.
 */
#ifndef MM_PAGE_FAST_H
#define MM_PAGE_FAST_H

#include "mm/page_block.h"
#include "mm/page_context.h"

/*
 * Which page, or block, is at `address`: 64 or more for any that is not among the 64 from `first` on, and for one that
 * is misaligned. (Rotated by the shift, the offset of a misaligned address has bits at the top.)
 */
static ALWAYS_INLINE uint64_t page_fast_index(uintptr_t first, uintptr_t address, unsigned shift)
{
    return bits_rotate_right(address - first, shift);
}

/* ---- what is to be known of runs of each length ---- */

/* Fields of `length` bits, a power of two: the first bits are the quotient of all bits and one field. */
#define PAGE_RUN_MASK(length)   (~UINT64_C(0) >> (BITS_PER_WORD - (length)))
#define PAGE_RUN_STARTS(length) (~UINT64_C(0) / PAGE_RUN_MASK(length))
#define PAGE_RUN_ENDS(length)   (PAGE_RUN_STARTS(length) << ((length) - 1))
#define PAGE_RUN_LIMIT(length)  (BITS_PER_WORD + 1 - (length))

/* What the compiler does not know when it does not know the length. No power of two: only what a free needs. */
typedef struct page_run_shapes {
    uint64_t starts[BITS_PER_WORD + 1]; /* where naturally aligned runs start in a word; else 0 */
    uint64_t ends[BITS_PER_WORD + 1];   /* where they end */
    uint64_t masks[BITS_PER_WORD + 1];  /* the run at the word's beginning */
    uint64_t limits[BITS_PER_WORD + 1]; /* it may start below this bit; 0 for a run of nothing */
} page_run_shapes_t;

extern const page_run_shapes_t page_run_shapes;

static ALWAYS_INLINE uint64_t page_run_mask(size_t count)
{
    return __builtin_constant_p(count) ? PAGE_RUN_MASK(count) : page_run_shapes.masks[count];
}

static ALWAYS_INLINE uint64_t page_run_limit(size_t count)
{
    return __builtin_constant_p(count) ? PAGE_RUN_LIMIT(count) : page_run_shapes.limits[count];
}

/* The last bit of the first run of `count` clear bits in `used` that starts at a multiple of `count`; false: none. */
MUST_USE static ALWAYS_INLINE bool page_run_find(uint64_t used, size_t count, uint64_t *last)
{
    const bool is_known = __builtin_constant_p(count); /* then it is a power of two */
    const uint64_t starts =
        is_known && BITS_CONSTANTS_ARE_SHORT ? PAGE_RUN_STARTS(count) : page_run_shapes.starts[count];
    const uint64_t ends = is_known ? starts << (count - 1) : page_run_shapes.ends[count];
    uint64_t found = bits_clear_field_ends(used, starts, ends);
    return LIKELY(bits_take_first(&found, last));
}

/* ---- pages of the own block ---- */

/*
 * Takes `count` (up to 64) pages in a row that start at a multiple of `count`; *first is the first, within the
 * context's block. False when there is no such run, or no block, or `count` is no power of two, or something came in
 * between; then another way may still find one. Does not count the run.
 */
MUST_USE static ALWAYS_INLINE bool page_block_take(page_block_t *block, size_t count, uint64_t *first)
{
    if (__builtin_constant_p(count) && count == 1) {
        return page_block_claim_first(block, first);
    }
    const uint64_t low = atomic_load_explicit(&block->low, memory_order_relaxed);
    uint64_t last;
    if (UNLIKELY(!page_run_find(low, count, &last))) {
        return false;
    }
    *first = last + 1 - count;
    return page_block_claim_seen(block, low, page_run_mask(count) << (*first % BITS_PER_WORD));
}

/*
 * Gives back `count` (up to 64) pages from page `index` of the context's block on. False, and nothing done, when
 * `count` is 0, or they are not all in the block, or not all allocated, or another CPU frees there at this moment. Does
 * not count. Nobody else need hear of it: what the words above say of a block that is checked out is settled at its
 * check-in.
 */
MUST_USE static ALWAYS_INLINE bool page_block_give(page_block_t *block, uint64_t index, size_t count)
{
    if (__builtin_constant_p(count) && count == 1) {
        return LIKELY(index < BITS_PER_WORD) && page_block_release_one(block, index);
    }
    return LIKELY(index < page_run_limit(count)) &&
           page_block_release_at_once(block, page_run_mask(count) << (index % BITS_PER_WORD));
}

/* ---- blocks of the borrowed chunk ---- */

typedef enum page_wholes_answer {
    PAGE_WHOLES_DONE,
    PAGE_WHOLES_RECALLED, /* done, in a chunk that was taken away meanwhile: a word with the tree is due */
    PAGE_WHOLES_NONE      /* nothing was done */
} page_wholes_answer_t;

/* Whether the chunk is still the context's, after something was done there. */
static ALWAYS_INLINE page_wholes_answer_t page_context_after_wholes(const page_context_t *context,
                                                                    const page_block_t *chunk)
{
    return LIKELY(atomic_load_explicit(&context->chunk, PAGE_BLOCK_LOAD_AFTER) == chunk) ? PAGE_WHOLES_DONE
                                                                                         : PAGE_WHOLES_RECALLED;
}

/*
 * Takes `count` (up to 64) blocks in a row that start at a multiple of `count`; *first is the first, within the
 * chunk. After RECALLED page_tree_keep_wholes() says whether they may be kept; after NONE page_tree_give_up_wholes()
 * is due for what is in *gone. Does not count.
 *
 * Who recalls a chunk does so before he looks at its words, and we look whether it is still ours after we have
 * changed them: so either he sees what we did, or we see that he did.
 */
MUST_USE static ALWAYS_INLINE page_wholes_answer_t page_context_take_wholes(const page_context_t *context, size_t count,
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
    if (UNLIKELY(!page_wholes_claim_seen(chunk, low, page_run_mask(count) << (*first % BITS_PER_WORD), gone))) {
        return PAGE_WHOLES_NONE;
    }
    return page_context_after_wholes(context, chunk);
}

/*
 * Gives back `count` (up to 64) blocks from block `index` of the chunk on: all, or NONE, as with pages. After RECALLED
 * page_tree_settle_wholes() is due. Does not count.
 */
MUST_USE static ALWAYS_INLINE page_wholes_answer_t page_context_give_wholes(const page_context_t *context,
                                                                            uint64_t index, size_t count)
{
    page_block_t *const chunk = atomic_load_explicit(&context->chunk, memory_order_relaxed);
    if (UNLIKELY(index >= page_run_limit(count)) ||
        UNLIKELY(!page_block_release_at_once(chunk, page_run_mask(count) << (index % BITS_PER_WORD)))) {
        return PAGE_WHOLES_NONE;
    }
    return page_context_after_wholes(context, chunk);
}

#endif
