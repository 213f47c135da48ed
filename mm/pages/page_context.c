/*
 * Contexts as the tree sees them: who has what checked out, and the sums over everybody's counters.
 *
 * A snapshot of sums is taken while the counters run. Frees are read before allocations, and a page is counted as
 * allocated before anybody can free it, so that no snapshot shows more frees than allocations. What was allocated between the two
 * reads can make the difference too large, at most by that; it is cut at what there is.
 */
#include "mm/pages/page_tree_internal.h"

void page_context_list(page_tree_t *tree, page_context_t *context)
{
    if (!context->is_listed) {
        context->next = tree->contexts;
        context->is_listed = true;
        tree->contexts = context;
    }
}

void page_context_check_in(page_tree_t *tree, page_context_t *context)
{
    if (context->block != NULL) {
        context->block = NULL;
        page_block_check_in(tree, context->first_page.value / PAGES_PER_BLOCK);
    }
}

void page_tree_drain(page_tree_t *tree, page_context_t *context)
{
    const spinlock_hold_t hold = spinlock_lock(&tree->lock);
    page_context_check_in(tree, context);
    spinlock_unlock(&tree->lock, hold);
}

void page_tree_drain_all(page_tree_t *tree)
{
    const spinlock_hold_t hold = spinlock_lock(&tree->lock);
    for (page_context_t *context = tree->contexts; context != NULL; context = context->next) {
        page_context_check_in(tree, context);
    }
    spinlock_unlock(&tree->lock, hold);
}

static uint64_t read_counter(const page_counter_t *counter)
{
    return atomic_load_explicit(counter, memory_order_acquire);
}

uint64_t page_tree_pages_allocated(const page_tree_t *tree)
{
    uint64_t freed = tree->taken_by_retire;
    for (const page_context_t *context = tree->contexts; context != NULL; context = context->next) {
        freed += read_counter(&context->singles_freed) + read_counter(&context->longer_pages_freed);
    }
    uint64_t allocated = tree->claimed_by_retire;
    for (const page_context_t *context = tree->contexts; context != NULL; context = context->next) {
        allocated += read_counter(&context->singles_allocated) + read_counter(&context->longer_pages_allocated);
    }
    const uint64_t pages = allocated - freed;
    const uint64_t most = tree->pages_total - tree->pages_retired - tree->metadata.pages_from_tree;
    return pages < most ? pages : most;
}

/* The sum looks at every CPU's counters: once in so many slow operations keeps that small beside the operations themselves. */
#define PEAK_SAMPLE_INTERVAL 16u

void page_tree_sample_peak(page_tree_t *tree)
{
    if (tree->slow_operations++ % PEAK_SAMPLE_INTERVAL != 0) {
        return;
    }
    const uint64_t allocated = page_tree_pages_allocated(tree);
    if (allocated > tree->pages_allocated_peak) {
        tree->pages_allocated_peak = allocated;
    }
}

/* ---- statistics ---- */

/* How many regions, and how many stretches of untouched memory, the search for a long free run looks at. */
#define LARGEST_RUN_TRIES 16u

/* The longest row of set bits. */
static unsigned longest_row(uint64_t word)
{
    unsigned length = 0;
    for (; word != 0; word &= word << 1) {
        length++;
    }
    return length;
}

/* The longest row of vacant blocks in a region, in blocks. */
static uint64_t longest_in_region(const page_region_t *region)
{
    uint64_t longest = 0;
    uint64_t current = 0; /* vacant blocks at the end of what has been looked at */
    for (unsigned i = 0; i < CHUNKS_PER_REGION; i++) {
        const uint64_t vacant = region->words[i].vacant;
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

/* Locked. A lower bound of the longest free run, in pages, found in a bounded number of steps. */
static uint64_t largest_free_run(const page_tree_t *tree)
{
    const uint64_t end = align_up(tree->page_end, PAGES_PER_BLOCK) / PAGES_PER_BLOCK;
    const uint64_t blocks_per_region = UINT64_C(1) << REGION_BLOCK_SHIFT;
    uint64_t longest = 0;

    uint64_t from = 0;
    for (unsigned tries = 0; tries < LARGEST_RUN_TRIES; tries++) {
        const uint64_t block = page_words_next(tree, PAGE_PLANE_VACANT, from, end);
        if (block == end) {
            break;
        }
        const uint64_t pages = longest_in_region(page_region_find(tree, block >> REGION_BLOCK_SHIFT)) * PAGES_PER_BLOCK;
        longest = pages > longest ? pages : longest;
        from = align_down(block, blocks_per_region) + blocks_per_region;
    }

    uint64_t chunk = 0;
    uint64_t chunk_end;
    for (unsigned tries = 0; tries < LARGEST_RUN_TRIES && page_words_next_untouched(tree, chunk, &chunk, &chunk_end);
         tries++) {
        const uint64_t region_end = align_down(chunk, CHUNKS_PER_REGION) + CHUNKS_PER_REGION;
        page_span_t span;
        if (page_map_next_usable(tree, chunk * PAGES_PER_CHUNK, region_end * PAGES_PER_CHUNK, &span)) {
            const uint64_t pages = span.end - span.first;
            longest = pages > longest ? pages : longest;
        }
        chunk = chunk_end;
    }

    const uint64_t partly = longest < PAGES_PER_BLOCK ? page_words_next(tree, PAGE_PLANE_PARTLY, 0, end) : end;
    if (partly != end) {
        const uint64_t pages = longest_row(page_block_free_word(page_block_find(tree, partly)));
        longest = pages > longest ? pages : longest;
    }
    return longest;
}

void page_tree_stats(page_tree_t *tree, pages_stats_t *stats)
{
    *stats = (pages_stats_t){0};
    const spinlock_hold_t hold = spinlock_lock(&tree->lock);
    for (const page_context_t *context = tree->contexts; context != NULL; context = context->next) {
        stats->runs_freed += read_counter(&context->singles_freed) + read_counter(&context->longer_runs_freed);
        stats->requests_failed += read_counter(&context->requests_failed);
    }
    stats->pages_allocated = page_tree_pages_allocated(tree);
    for (const page_context_t *context = tree->contexts; context != NULL; context = context->next) {
        stats->runs_allocated +=
            read_counter(&context->singles_allocated) + read_counter(&context->longer_runs_allocated);
    }
    if (stats->pages_allocated > tree->pages_allocated_peak) {
        tree->pages_allocated_peak = stats->pages_allocated;
    }
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
