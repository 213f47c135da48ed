/*
 * Blocks as wholes: a chunk's word pair says of its 64 blocks what a block's says of its 64 pages, and changes by the
 * same operations (page_block.h).
 *
 *   high low    a block that is
 *     0   0     free, all of it
 *     0   1     allocated, all of it: to one run, or parts of several
 *     1   0     split: its own words tell
 *     1   1     split, and taken: checked out by a context, or the reserve's
 *
 * So a run of whole blocks is had and given back by one operation for all its blocks in a chunk, and their own words,
 * which are all zero meanwhile, are not touched. A block is split, under the lock, when somebody wants some of its
 * pages, or gives back some, or when one of them goes bad; it is joined again when a settling finds all its pages
 * free and nobody has it.
 *
 * Splitting is to the block what retiring is to a page, and races with claims and frees in the same way. What a claim
 * of wholes lost by it is not bad, though: the pages are allocated, and are given back one by one.
 *
 * Out of the chunk that it has borrowed (page_borrow.c) a context takes wholes, and gives them back, without a lock. When
 * the chunk is recalled in the middle of that, it finds out afterwards, and settles what it left: see
 * page_context_take_wholes().
 */
#include "mm/page_fast.h"
#include "mm/pages/page_tree_internal.h"

bool page_whole_is_split(const page_tree_t *tree, uint64_t block)
{
    const page_chunk_words_t *const words = page_chunk_words(tree, block / BLOCKS_PER_CHUNK);
    return bit_is_set(atomic_load(&words->wholes.high), block % BLOCKS_PER_CHUNK);
}

uint64_t page_whole_free_word(const page_tree_t *tree, uint64_t block)
{
    const page_chunk_words_t *const words = page_chunk_words(tree, block / BLOCKS_PER_CHUNK);
    if (page_whole_is_split(tree, block)) {
        return page_block_free_word(page_block_find(tree, block));
    }
    return bit_is_set(page_words_vacant(words), block % BLOCKS_PER_CHUNK) ? ~UINT64_C(0) : 0;
}

void page_whole_split(page_tree_t *tree, uint64_t block)
{
    page_block_t *const wholes = &page_chunk_words(tree, block / BLOCKS_PER_CHUNK)->wholes;
    page_block_t *const node = page_block_find(tree, block);
    const uint64_t bit = UINT64_C(1) << (block % BLOCKS_PER_CHUNK);
    if ((atomic_load(&wholes->high) & bit) != 0) {
        return;
    }
    const bool was_allocated = page_block_retire_begin(wholes, bit) == 0;
    if (was_allocated) {
        atomic_store(&node->low, ~UINT64_C(0));
    }
    page_block_retire_mark(wholes, bit);
    if (page_block_retire_end(wholes, bit) == 0 && was_allocated) {
        atomic_store(&node->low, 0); /* given back, or let go of, in between */
    }
}

/* ---- after an operation in a chunk that was recalled meanwhile ---- */

void page_tree_settle_wholes(page_tree_t *tree, page_number_t first)
{
    const page_guard_t guard = page_chunk_guard(tree, first.value / PAGES_PER_CHUNK);
    page_words_settle_chunk(tree, first.value / PAGES_PER_CHUNK);
    page_chunk_unguard(guard);
}

bool page_tree_keep_wholes(page_tree_t *tree, const page_context_t *context, uint64_t index, size_t count)
{
    const uint64_t chunk = context->chunk_first_page.value / PAGES_PER_CHUNK;
    const page_guard_t guard = page_chunk_guard(tree, chunk);
    /*
     * Others may count on the lock alone to keep everyone out of a chunk that nobody has. A block that was split is
     * ours.
     */
    const page_release_t release =
        page_block_release(&page_chunk_words(tree, chunk)->wholes, bits_range((unsigned)index, (unsigned)count));
    page_words_settle_chunk(tree, chunk);
    page_chunk_unguard(guard);
    return !release.is_done;
}

void page_tree_give_up_wholes(page_tree_t *tree, page_context_t *context, uint64_t gone)
{
    const uint64_t first_block = context->chunk_first_page.value / PAGES_PER_BLOCK;
    const page_guard_t guard = page_chunk_guard(tree, first_block / BLOCKS_PER_CHUNK);
    for (; gone != 0; gone &= gone - 1) {
        const uint64_t block = first_block + find_first_set_nonzero(gone);
        const uint64_t released = atomic_exchange(&page_block_find(tree, block)->low, 0);
        /* Pages that went bad since were counted as freed by whoever retired them. */
        page_counter_add(&context->longer_pages_allocated, PAGES_PER_BLOCK);
        page_counter_add(&context->longer_pages_freed, count_set(released));
        page_words_settle(tree, block, block + 1);
    }
    page_chunk_unguard(guard);
}
