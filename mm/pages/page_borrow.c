/*
 * The chunks that contexts borrow.
 *
 * A context that had to ask the tree borrows the chunk that it was served from, if nobody has it. The words above then
 * show nothing of that chunk to others, and the context finds its next blocks and runs there: wholes without a lock
 * (page_wholes.c), all else by the chunk's own lock. Its words and its blocks' lie in 17 cache lines of which no other CPU
 * has a part, so that CPUs meet in the tree's lock and words only when one has used up 16 MiB, and where they free each
 * other's pages.
 *
 * While a chunk is lent, its lock guards its words, its blocks that are in nobody's hands, and the context's block if
 * that is one of them; else the tree's lock does. It is lent and taken back under the tree's lock, and taken back with
 * the chunk's, too: who holds either sees it stay as it is. A context that has a chunk has no block elsewhere.
 *
 * Whoever finds no memory elsewhere recalls what is lent, without the borrower's help, and then does not borrow
 * himself: where there are fewer chunks than CPUs, they would take them from each other for nothing.
 */
#include "mm/page_fast.h"
#include "mm/pages/page_tree_internal.h"

/* ---- who guards a chunk ---- */

bool page_chunk_is_lent(const page_tree_t *tree, uint64_t chunk)
{
    return atomic_load(&page_chunk_words(tree, chunk)->is_lent);
}

page_guard_t page_chunk_guard(page_tree_t *tree, uint64_t chunk)
{
    page_chunk_words_t *const words = page_chunk_words(tree, chunk);
    for (;;) {
        const bool is_lent = atomic_load(&words->is_lent);
        spinlock_t *const lock = is_lent ? &words->lock : &tree->lock;
        const page_guard_t guard = {lock, spinlock_lock(lock)};
        if (LIKELY(atomic_load(&words->is_lent) == is_lent)) {
            return guard;
        }
        page_chunk_unguard(guard);
    }
}

void page_chunk_unguard(page_guard_t guard)
{
    spinlock_unlock(guard.lock, guard.hold);
}

/* ---- lending ---- */

void page_chunk_borrow(page_tree_t *tree, page_context_t *context, uint64_t chunk)
{
    if (chunk * BLOCKS_PER_CHUNK < tree->ordinary_from) {
        return; /* what is spared is asked for each time */
    }
    (void)page_chunk_return(tree, context);
    if (context->first_page.value / PAGES_PER_CHUNK != chunk) {
        page_context_check_in_block(tree, context);
    }
    context->chunk_first_page = page_number(chunk * PAGES_PER_CHUNK);
    context->chunk_address = page_tree_address(tree, context->chunk_first_page);
    page_chunk_words_t *const words = page_chunk_words(tree, chunk);
    atomic_store(&context->chunk, &words->wholes);
    atomic_store(&words->is_lent, true);
    page_words_settle_lending(tree, chunk);
}

bool page_chunk_return(page_tree_t *tree, page_context_t *context)
{
    const uint64_t chunk = context->chunk_first_page.value / PAGES_PER_CHUNK;
    if (!page_context_has_chunk(context)) {
        return false;
    }
    page_chunk_words_t *const words = page_chunk_words(tree, chunk);
    const spinlock_hold_t hold = spinlock_lock(&words->lock);
    /* First: what its borrower does to wholes from here on he settles himself. */
    atomic_store(&context->chunk, &page_block_none);
    atomic_thread_fence(memory_order_seq_cst);
    atomic_store(&words->is_lent, false);
    spinlock_unlock(&words->lock, hold);
    page_words_settle_lending(tree, chunk);
    return true;
}

bool page_chunks_recall(page_tree_t *tree)
{
    bool is_any = false;
    for (page_context_t *context = tree->contexts; context != NULL; context = context->next) {
        is_any |= page_chunk_return(tree, context);
    }
    return is_any;
}

/* ---- short runs out of a borrowed chunk ---- */

/* Guarded. The first block that is partly free, else the first that is entirely; false when there is none. */
static bool next_block(page_tree_t *tree, uint64_t chunk, uint64_t *block)
{
    const page_chunk_words_t *const words = page_chunk_words(tree, chunk);
    uint64_t rest = atomic_load_explicit(&words->partly, memory_order_relaxed);
    uint64_t index;
    if (rest == 0) {
        rest = page_words_vacant(words);
    }
    if (!bits_take_first(&rest, &index)) {
        return false;
    }
    *block = chunk * BLOCKS_PER_CHUNK + index;
    return true;
}

/* Guarded. Puts a block of the chunk in the place of the context's own. */
static void change_block(page_tree_t *tree, page_context_t *context, uint64_t block)
{
    if (page_context_has_block(context)) {
        page_block_leave(tree, context);
    }
    page_block_adopt(tree, context, block);
}

/* Guarded. */
static bool take_single(page_tree_t *tree, page_context_t *context, uint64_t chunk, uint64_t *first)
{
    uint64_t block;
    while (next_block(tree, chunk, &block)) {
        change_block(tree, context, block);
        uint64_t index;
        if (page_block_take(context->block, 1, &index)) {
            *first = context->first_page.value + index;
            return true;
        }
    }
    return false;
}

/* Guarded. Takes a run from one of the blocks in `word`. */
static bool take_from_word(page_tree_t *tree, uint64_t chunk, uint64_t word, const page_search_t *search,
                           uint64_t *first)
{
    uint64_t index;
    while (bits_take_first(&word, &index)) {
        const uint64_t block = chunk * BLOCKS_PER_CHUNK + index;
        page_whole_split(tree, block);
        const bool is_found = page_block_run_take(page_block_find(tree, block), block, search, first);
        page_words_settle(tree, block, block + 1);
        if (is_found) {
            return true;
        }
    }
    return false;
}

/* Guarded. */
static bool take_run(page_tree_t *tree, page_context_t *context, uint64_t chunk, const page_search_t *search,
                     uint64_t *first)
{
    const page_chunk_words_t *const words = page_chunk_words(tree, chunk);
    const uint64_t partly = atomic_load_explicit(&words->partly, memory_order_relaxed);
    if (!take_from_word(tree, chunk, partly, search, first) &&
        !take_from_word(tree, chunk, page_words_vacant(words), search, first)) {
        return false;
    }
    if (search->count <= PAGE_ADOPT_MAX) {
        change_block(tree, context, *first / PAGES_PER_BLOCK);
    }
    return true;
}

bool page_borrowed_run_take(page_tree_t *tree, page_context_t *context, const page_search_t *search, uint64_t *first)
{
    if (!page_context_has_chunk(context) || search->count >= PAGES_PER_BLOCK || search->alignment > PAGES_PER_BLOCK ||
        search->limit != tree->page_end) {
        return false;
    }
    page_tree_sample_peak(tree, context);
    const uint64_t chunk = context->chunk_first_page.value / PAGES_PER_CHUNK;
    spinlock_t *const lock = &page_chunk_words(tree, chunk)->lock;
    const spinlock_hold_t hold = spinlock_lock(lock);
    bool is_found = false;
    if (page_context_has_chunk(context)) { /* not recalled meanwhile */
        is_found = search->count == 1 && search->alignment == 1 ? take_single(tree, context, chunk, first)
                                                                : take_run(tree, context, chunk, search, first);
    }
    spinlock_unlock(lock, hold);
    return is_found;
}
