/*
 * The chunks that contexts borrow.
 *
 * A context that had to ask the tree borrows the chunk that it was served from, and keeps it until it has too many of
 * them. The words above then show nothing of that chunk to others, and the context finds its next blocks and runs
 * there: wholes without a lock (page_wholes.c), all else by the chunk's own lock. Its words and its blocks' lie in 17
 * cache lines of which no other CPU has a part, so that CPUs meet in the tree's lock and words only when one has used
 * up its chunks, and where they free each other's pages.
 *
 * While a chunk is lent, its lock guards its words, its blocks that are in nobody's hands, and the context's block if
 * that is one of them; else the tree's lock does. It is lent and taken back under the tree's lock, and taken back
 * with the chunk's, too: who holds either sees it stay as it is.
 *
 * Whoever finds no memory elsewhere recalls what is lent, without the borrower's help, and then does not borrow
 * himself: where there are fewer chunks than CPUs, they would take them from each other for nothing.
 */
#include "mm/page_fast.h"
#include "mm/pages/page_tree_internal.h"

/* ---- who guards a chunk ---- */

bool page_chunk_is_lent(const page_tree_t *tree, uint64_t chunk)
{
    return atomic_load(&page_chunk_words(tree, chunk)->borrower) != NULL;
}

page_guard_t page_chunk_guard(page_tree_t *tree, uint64_t chunk)
{
    page_chunk_words_t *const words = page_chunk_words(tree, chunk);
    for (;;) {
        const bool is_lent = atomic_load(&words->borrower) != NULL;
        spinlock_t *const lock = is_lent ? &words->lock : &tree->lock;
        const page_guard_t guard = {lock, spinlock_lock(lock)};
        if (LIKELY((atomic_load(&words->borrower) != NULL) == is_lent)) {
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

/* Guarded. The context goes on in a chunk that it has. */
static void use(page_tree_t *tree, page_context_t *context, uint64_t chunk)
{
    context->chunk_first_page = page_number(chunk * PAGES_PER_CHUNK);
    context->chunk_address = page_tree_address(tree, context->chunk_first_page);
    atomic_store(&context->chunk, &page_chunk_words(tree, chunk)->wholes);
}

/* Locked. Gives back the first of the context's chunks. */
static void give_back_first(page_tree_t *tree, page_context_t *context)
{
    const uint64_t chunk = context->chunks[0];
    page_chunk_words_t *const words = page_chunk_words(tree, chunk);
    struct page_block *wholes = &words->wholes;
    const spinlock_hold_t hold = spinlock_lock(&words->lock);
    /* First: what its borrower does to wholes from here on he settles himself. He may be going on elsewhere. */
    (void)atomic_compare_exchange_strong(&context->chunk, &wholes, &page_block_none);
    atomic_thread_fence(memory_order_seq_cst);
    atomic_store(&words->borrower, NULL);
    spinlock_unlock(&words->lock, hold);
    page_words_settle_lending(tree, chunk);
    for (uint32_t i = 1; i < context->chunk_count; i++) {
        RELAXED_STORE(&context->chunks[i - 1], context->chunks[i]);
    }
    RELAXED_STORE(&context->chunk_count, context->chunk_count - 1);
}

void page_chunk_borrow(page_tree_t *tree, page_context_t *context, uint64_t chunk)
{
    if (chunk * BLOCKS_PER_CHUNK < tree->ordinary_from) {
        return; /* what is spared is asked for each time */
    }
    if (context->chunk_count == PAGE_CONTEXT_CHUNKS) {
        give_back_first(tree, context);
    }
    use(tree, context, chunk);
    atomic_store(&page_chunk_words(tree, chunk)->borrower, context);
    RELAXED_STORE(&context->chunks[context->chunk_count], (uint32_t)chunk);
    RELAXED_STORE(&context->chunk_count, context->chunk_count + 1);
    page_words_settle_lending(tree, chunk);
}

bool page_chunks_return(page_tree_t *tree, page_context_t *context)
{
    const bool is_any = context->chunk_count != 0;
    while (context->chunk_count != 0) {
        give_back_first(tree, context);
    }
    return is_any;
}

bool page_chunks_recall(page_tree_t *tree)
{
    bool is_any = false;
    for (page_context_t *context = tree->contexts; context != NULL; context = context->next) {
        is_any |= page_chunks_return(tree, context);
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

/* Takes a run from one chunk, if the context has it. */
static bool take_from_chunk(page_tree_t *tree, page_context_t *context, uint64_t chunk, const page_search_t *search,
                            uint64_t *first)
{
    page_chunk_words_t *const words = page_chunk_words(tree, chunk);
    if ((atomic_load_explicit(&words->partly, memory_order_relaxed) | page_words_vacant(words)) == 0) {
        return false;
    }
    /* The guards of two chunks are never held together. */
    const uint64_t own = context->first_page.value / PAGES_PER_CHUNK;
    if (page_context_has_block(context) && own != chunk) {
        const page_guard_t guard = page_chunk_guard(tree, own);
        page_block_leave(tree, context);
        page_chunk_unguard(guard);
    }
    const spinlock_hold_t hold = spinlock_lock(&words->lock);
    bool is_found = false;
    if (atomic_load(&words->borrower) == context) { /* not recalled meanwhile */
        is_found = search->count == 1 && search->alignment == 1 ? take_single(tree, context, chunk, first)
                                                                : take_run(tree, context, chunk, search, first);
        if (is_found) {
            use(tree, context, chunk);
        }
    }
    spinlock_unlock(&words->lock, hold);
    return is_found;
}

bool page_borrowed_run_take(page_tree_t *tree, page_context_t *context, const page_search_t *search, uint64_t *first)
{
    const uint32_t count = RELAXED_LOAD(&context->chunk_count);
    if (count == 0 || search->count >= PAGES_PER_BLOCK || search->alignment > PAGES_PER_BLOCK ||
        search->limit != tree->page_end) {
        return false;
    }
    page_tree_sample_peak(tree, context);
    const uint64_t last = context->chunk_first_page.value / PAGES_PER_CHUNK;
    if (page_context_has_chunk(context) && take_from_chunk(tree, context, last, search, first)) {
        return true;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t chunk = RELAXED_LOAD(&context->chunks[i]);
        if (chunk != last && take_from_chunk(tree, context, chunk, search, first)) {
            return true;
        }
    }
    return false;
}
