/*
 * Statistics of a page tree: one snapshot, and how long the free runs are.
 */
#include "mm/pages/page_tree_internal.h"

/* How many regions the search for a long free run looks at. */
#define LARGEST_RUN_TRIES 16u

#define PAGES_PER_REGION (CHUNKS_PER_REGION * PAGES_PER_CHUNK)

/* The longest row of set bits. */
static unsigned longest_row(uint64_t word)
{
    unsigned length = 0;
    for (; word != 0; word &= word << 1) {
        length++;
    }
    return length;
}

/* The longest row of blocks in [first, end), pages that nobody has touched, that lie in whole chunks of usable memory. */
static uint64_t longest_untouched(const page_tree_t *tree, uint64_t first, uint64_t end)
{
    uint64_t longest = 0;
    page_span_t span = {first, first};
    while (page_map_next_usable(tree, span.end, end, &span)) {
        const uint64_t from = align_up(span.first, PAGES_PER_CHUNK);
        const uint64_t to = align_down(span.end, PAGES_PER_CHUNK);
        if (to > from && (to - from) / PAGES_PER_BLOCK > longest) {
            longest = (to - from) / PAGES_PER_BLOCK;
        }
    }
    return longest;
}

/* The vacant blocks of a chunk; of an untouched one only if it is usable from end to end. */
static uint64_t vacant_word(const page_tree_t *tree, uint64_t chunk)
{
    const uint64_t first = chunk * PAGES_PER_CHUNK;
    if (page_chunk_find(tree, chunk) != NULL) {
        return page_words_vacant(page_chunk_words(tree, chunk));
    }
    return longest_untouched(tree, first, first + PAGES_PER_CHUNK) == BLOCKS_PER_CHUNK ? ~UINT64_C(0) : 0;
}

/* The longest row of vacant blocks in a region, in blocks. */
static uint64_t longest_in_region(const page_tree_t *tree, uint64_t region)
{
    if (page_region_find(tree, region) == NULL) {
        return longest_untouched(tree, region * PAGES_PER_REGION, (region + 1) * PAGES_PER_REGION);
    }
    uint64_t longest = 0;
    uint64_t current = 0; /* vacant blocks at the end of what has been looked at */
    for (unsigned i = 0; i < CHUNKS_PER_REGION; i++) {
        const uint64_t vacant = vacant_word(tree, region * CHUNKS_PER_REGION + i);
        if (vacant == ~UINT64_C(0)) {
            current += BLOCKS_PER_CHUNK;
        } else {
            const uint64_t joined = current + find_first_zero(vacant);
            const uint64_t inside = longest_row(vacant);
            longest = joined > longest ? joined : longest;
            longest = inside > longest ? inside : longest;
            current = 63u - find_last_set(~vacant); /* set bits at the top */
        }
        longest = current > longest ? current : longest;
    }
    return longest;
}

/* The first region at or above `region` with anything vacant or untouched; PAGE_NONE when there is none. */
static uint64_t next_region(const page_tree_t *tree, uint64_t region)
{
    const uint64_t end = align_up(tree->page_end, PAGES_PER_BLOCK) / PAGES_PER_BLOCK;
    const uint64_t vacant = page_words_next(tree, PAGE_PLANE_VACANT, region << REGION_BLOCK_SHIFT, end);
    uint64_t next = vacant == end ? PAGE_NONE : vacant >> REGION_BLOCK_SHIFT;
    uint64_t first;
    uint64_t last;
    if (page_words_next_untouched(tree, region * CHUNKS_PER_REGION, &first, &last) &&
        first / CHUNKS_PER_REGION < next) {
        next = first / CHUNKS_PER_REGION;
    }
    return next;
}

/*
 * Locked. A lower bound of the longest free run, in pages, found in a bounded number of steps; 0 only when no page is
 * free.
 */
static uint64_t largest_free_run(const page_tree_t *tree)
{
    uint64_t longest = 0;
    uint64_t region = next_region(tree, 0);
    for (unsigned tries = 0; tries < LARGEST_RUN_TRIES && region != PAGE_NONE && longest != PAGES_PER_REGION; tries++) {
        const uint64_t pages = longest_in_region(tree, region) * PAGES_PER_BLOCK;
        longest = pages > longest ? pages : longest;
        region = next_region(tree, region + 1);
    }
    for (const page_context_t *context = tree->contexts; context != NULL; context = context->next) {
        for (uint32_t i = 0; i < context->chunk_count; i++) {
            const uint64_t pages = (uint64_t)longest_row(vacant_word(tree, context->chunks[i])) * PAGES_PER_BLOCK;
            longest = pages > longest ? pages : longest;
        }
    }
    if (longest > 0) {
        return longest;
    }

    const uint64_t end = align_up(tree->page_end, PAGES_PER_BLOCK) / PAGES_PER_BLOCK;
    const uint64_t partly = page_words_next(tree, PAGE_PLANE_PARTLY, 0, end);
    if (partly != end) {
        longest = longest_row(page_block_free_word(page_block_find(tree, partly)));
    }
    uint64_t first;
    uint64_t last;
    page_span_t span;
    if (page_words_next_untouched(tree, 0, &first, &last) &&
        page_map_next_usable(tree, first * PAGES_PER_CHUNK, last * PAGES_PER_CHUNK, &span)) {
        longest = span.end - span.first > longest ? span.end - span.first : longest;
    }
    return longest;
}

void page_tree_stats(page_tree_t *tree, pages_stats_t *stats)
{
    *stats = (pages_stats_t){0};
    const spinlock_hold_t hold = spinlock_lock(&tree->lock);
    for (const page_context_t *context = tree->contexts; context != NULL; context = context->next) {
        stats->runs_freed +=
            page_counter_read(&context->singles_freed) + page_counter_read(&context->longer_runs_freed);
        stats->requests_failed += page_counter_read(&context->requests_failed);
    }
    stats->pages_allocated = page_tree_pages_allocated(tree);
    for (const page_context_t *context = tree->contexts; context != NULL; context = context->next) {
        stats->runs_allocated +=
            page_counter_read(&context->singles_allocated) + page_counter_read(&context->longer_runs_allocated);
    }
    page_tree_raise_peak(tree, stats->pages_allocated);
    stats->pages_total = tree->pages_total;
    stats->pages_invalid = tree->pages_retired;
    stats->pages_reserved = tree->metadata.pages_from_tree;
    stats->pages_free = stats->pages_total - stats->pages_allocated - stats->pages_invalid - stats->pages_reserved;
    stats->metadata_bytes = tree->metadata.pages * PAGE_SIZE;
    stats->pages_allocated_peak = tree->pages_allocated_peak;
    if (tree->is_ready) {
        stats->pages_emergency = page_reserve_free_pages(tree);
        stats->largest_free_run = largest_free_run(tree);
    }
    spinlock_unlock(&tree->lock, hold);
}
