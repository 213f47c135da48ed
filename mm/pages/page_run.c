/*
 * Long runs: more than 64 pages, or aligned to more, made of consecutive blocks that are entirely free, across chunks,
 * regions and groups.
 *
 * The search alternates between two questions: where is the next vacant block, and up to where is all vacant from there
 * on? Both go over words, and skip a chunk by one bit of its region and a region by one word. Memory that has no nodes
 * yet is asked of the map instead, and only when touched memory holds no such run. Nodes are then made for the run that
 * was found; their own pages may have to come from it, so that it is looked at once more.
 *
 * Costs a few words a hole, and an operation for each chunk of the run, under the lock.
 */
#include "mm/pages/page_tree_internal.h"

/* What the two questions are about. */
typedef struct run_search {
    const page_tree_t *tree;
    bool is_untouched_allowed;
} run_search_t;

/* By the map: the first vacant block of untouched memory in [from, to); `to` when there is none. */
static uint64_t next_vacant_untouched(const page_tree_t *tree, uint64_t from, uint64_t to)
{
    uint64_t chunk = from / BLOCKS_PER_CHUNK;
    uint64_t first;
    uint64_t end;
    while (from < to && page_words_next_untouched(tree, chunk, &first, &end) && first * BLOCKS_PER_CHUNK < to) {
        const uint64_t start = first * BLOCKS_PER_CHUNK > from ? first * BLOCKS_PER_CHUNK : from;
        page_span_t span = {start * PAGES_PER_BLOCK, start * PAGES_PER_BLOCK};
        while (page_map_next_usable(tree, span.end, end * PAGES_PER_CHUNK, &span)) {
            const uint64_t block = (span.first + PAGES_PER_BLOCK - 1) / PAGES_PER_BLOCK;
            if ((block + 1) * PAGES_PER_BLOCK <= span.end) {
                return block < to ? block : to;
            }
        }
        chunk = end;
    }
    return to;
}

static uint64_t next_vacant(const run_search_t *search, uint64_t from, uint64_t to)
{
    const uint64_t touched = page_words_next(search->tree, PAGE_PLANE_VACANT, from, to);
    return search->is_untouched_allowed ? next_vacant_untouched(search->tree, from, touched) : touched;
}

/* By the map: the end of the vacant blocks from `from` on, which lies in a node that has not been made. */
static uint64_t vacant_end_untouched(const page_tree_t *tree, uint64_t from, uint64_t to)
{
    uint64_t first;
    uint64_t end;
    page_span_t span;
    const uint64_t page = from * PAGES_PER_BLOCK;
    if (!page_words_next_untouched(tree, from / BLOCKS_PER_CHUNK, &first, &end) || first != from / BLOCKS_PER_CHUNK ||
        !page_map_next_usable(tree, page, end * PAGES_PER_CHUNK, &span) || span.first != page) {
        return from;
    }
    const uint64_t vacant_end = span.end / PAGES_PER_BLOCK;
    return vacant_end < to ? vacant_end : to;
}

/* The first block of [from, to) that is not vacant; `to` when all are. */
static uint64_t vacant_end(const run_search_t *search, uint64_t from, uint64_t to)
{
    const page_tree_t *const tree = search->tree;
    while (from < to) {
        const uint64_t chunk = from / BLOCKS_PER_CHUNK;
        const page_region_t *const region = page_region_find(tree, chunk / CHUNKS_PER_REGION);
        if (page_chunk_find(tree, chunk) == NULL) {
            const uint64_t end = search->is_untouched_allowed ? vacant_end_untouched(tree, from, to) : from;
            if (end == from) {
                return from;
            }
            from = end;
            continue;
        }
        if (region->planes[PAGE_PLANE_WHOLE] == ~UINT64_C(0)) {
            from = (align_down(chunk, CHUNKS_PER_REGION) + CHUNKS_PER_REGION) * BLOCKS_PER_CHUNK;
            continue;
        }
        const uint64_t used = ~page_chunk_vacant(tree, chunk) & ~bits_low((unsigned)(from % BLOCKS_PER_CHUNK));
        if (used != 0) {
            const uint64_t end = chunk * BLOCKS_PER_CHUNK + find_first_set_nonzero(used);
            return end < to ? end : to;
        }
        from = (chunk + 1) * BLOCKS_PER_CHUNK;
    }
    return to;
}

/* Makes the nodes for blocks [from, to). */
static bool touch(page_tree_t *tree, uint64_t from, uint64_t to)
{
    for (uint64_t chunk = from / BLOCKS_PER_CHUNK; chunk <= (to - 1) / BLOCKS_PER_CHUNK; chunk++) {
        if (!page_nodes_make(tree, chunk)) {
            return false;
        }
    }
    return true;
}

/* Takes back what claim() took, when it can't have it all. */
static void unclaim(page_tree_t *tree, uint64_t from, uint64_t to)
{
    for (uint64_t block = from; block < to;) {
        const uint64_t chunk = block / BLOCKS_PER_CHUNK;
        const uint64_t end = (chunk + 1) * BLOCKS_PER_CHUNK < to ? (chunk + 1) * BLOCKS_PER_CHUNK : to;
        const page_release_t release = page_block_release(
            &page_chunk_words(tree, chunk)->wholes, bits_range(block % BLOCKS_PER_CHUNK, (unsigned)(end - block)));
        DEBUG_CHECK(release.is_done); /* nobody else knows of them, and splitting needs the lock */
        (void)release;
        page_words_settle_chunk(tree, chunk);
        block = end;
    }
}

/*
 * Takes `count` pages from the start of block `from` on, which are all free and in nobody's hands. False, with
 * nothing taken, when a borrower was there whose chunk has been recalled in the middle of his claim: he is about to
 * let go of it.
 */
static bool claim(page_tree_t *tree, uint64_t from, uint64_t count)
{
    const uint64_t whole_end = from + count / PAGES_PER_BLOCK;
    const uint64_t rest = count % PAGES_PER_BLOCK;
    uint64_t gone;
    for (uint64_t block = from; block < whole_end;) {
        const uint64_t chunk = block / BLOCKS_PER_CHUNK;
        const uint64_t end = (chunk + 1) * BLOCKS_PER_CHUNK < whole_end ? (chunk + 1) * BLOCKS_PER_CHUNK : whole_end;
        const uint64_t mask = bits_range(block % BLOCKS_PER_CHUNK, (unsigned)(end - block));
        const bool is_claimed = page_wholes_claim(&page_chunk_words(tree, chunk)->wholes, mask, &gone);
        page_words_settle_chunk(tree, chunk);
        if (!is_claimed) {
            unclaim(tree, from, block);
            return false;
        }
        block = end;
    }
    if (rest != 0) {
        page_whole_split(tree, whole_end);
        const bool is_claimed = page_block_claim(page_block_find(tree, whole_end), bits_low((unsigned)rest));
        page_words_settle(tree, whole_end, whole_end + 1);
        if (!is_claimed) {
            unclaim(tree, from, whole_end);
            return false;
        }
    }
    return true;
}

static bool take(page_tree_t *tree, const page_search_t *wanted, bool is_untouched_allowed, uint64_t from, uint64_t to,
                 uint64_t *first)
{
    const run_search_t search = {tree, is_untouched_allowed};
    const uint64_t blocks = (wanted->count + PAGES_PER_BLOCK - 1) / PAGES_PER_BLOCK;
    const uint64_t alignment =
        wanted->alignment <= PAGES_PER_BLOCK ? 1 : wanted->alignment / PAGES_PER_BLOCK; /* in blocks */
    for (;;) {
        const uint64_t vacant = next_vacant(&search, from, to);
        if (vacant > UINT64_MAX - alignment) {
            return false;
        }
        const uint64_t start = align_up(vacant, alignment);
        if (start >= to || to - start < blocks || start * PAGES_PER_BLOCK + wanted->count > wanted->limit) {
            return false;
        }
        const uint64_t end = vacant_end(&search, start, start + blocks);
        if (end < start + blocks) {
            from = end + 1;
            continue;
        }
        if (is_untouched_allowed && !touch(tree, start, start + blocks)) {
            return false;
        }
        if (vacant_end(&search, start, start + blocks) == start + blocks && claim(tree, start, wanted->count)) {
            *first = start * PAGES_PER_BLOCK;
            return true;
        }
        /*
         * The new nodes came out of the run itself, and everything up to its end is touched now, so that this ends; or
         * somebody held a part of it for a moment.
         */
        from = start;
    }
}

bool page_long_run_take(page_tree_t *tree, const page_search_t *search, uint64_t from, uint64_t to, uint64_t *first)
{
    return take(tree, search, false, from, to, first) || take(tree, search, true, from, to, first);
}
