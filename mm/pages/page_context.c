/*
 * Contexts as the tree sees them: who has what checked out, and the sums over everybody's counters.
 *
 * A snapshot of sums is taken while the counters run. Frees are read before allocations, and a page is counted as
 * allocated before anybody can free it, so that no snapshot shows more frees than allocations. What was allocated
 * between the two reads can make the difference too large, at most by that; it is cut at what there is.
 */
#include "mm/pages/page_tree_internal.h"

page_block_t page_block_none = {.low = ~UINT64_C(0), .high = ~UINT64_C(0)};

void page_context_init(page_context_t *context)
{
    *context = (page_context_t){.block = &page_block_none, .chunk = &page_block_none};
}

void page_context_list(page_tree_t *tree, page_context_t *context)
{
    if (!context->is_listed) {
        context->next = tree->contexts;
        context->is_listed = true;
        context->is_plain = tree->watch == NULL;
        tree->contexts = context;
    }
}

void page_context_check_in(page_tree_t *tree, page_context_t *context)
{
    (void)page_chunk_return(tree, context);
    page_context_check_in_block(tree, context);
}

void page_context_check_in_block(page_tree_t *tree, page_context_t *context)
{
    const uint64_t chunk = context->first_page.value / PAGES_PER_CHUNK;
    if (!page_context_has_block(context)) {
        return;
    }
    /* Under the tree's lock nobody can lend the chunk, nor take it back. */
    if (page_chunk_is_lent(tree, chunk)) {
        spinlock_t *const lock = page_chunk_lock(tree, chunk);
        const spinlock_hold_t hold = spinlock_lock(lock);
        page_block_leave(tree, context);
        spinlock_unlock(lock, hold);
    } else {
        page_block_leave(tree, context);
    }
}

page_context_t *page_context_of_block(const page_tree_t *tree, const page_block_t *node)
{
    page_context_t *context = tree->contexts;
    /* Others than the holder of this block may be changing theirs. */
    while (context != NULL && RELAXED_LOAD(&context->block) != node) {
        context = context->next;
    }
    return context;
}

uint64_t page_block_bad_pages(const page_tree_t *tree, const page_block_t *node)
{
    const page_context_t *const context = page_context_of_block(tree, node);
    const uint64_t bad = atomic_load(&node->high) & ~atomic_load(&node->low);
    return context == NULL ? bad : bad | context->bad_pages;
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

uint64_t page_tree_pages_allocated(const page_tree_t *tree)
{
    uint64_t freed = tree->taken_by_retire;
    for (const page_context_t *context = tree->contexts; context != NULL; context = context->next) {
        freed += page_counter_read(&context->singles_freed) + page_counter_read(&context->longer_pages_freed);
    }
    uint64_t allocated = tree->claimed_by_retire;
    for (const page_context_t *context = tree->contexts; context != NULL; context = context->next) {
        allocated +=
            page_counter_read(&context->singles_allocated) + page_counter_read(&context->longer_pages_allocated);
    }
    const uint64_t pages = allocated - freed;
    const uint64_t most = tree->pages_total - tree->pages_retired - tree->metadata.pages_from_tree;
    return pages < most ? pages : most;
}

/*
 * The sum looks at every CPU's counters: once in so many slow operations keeps that small beside the operations
 * themselves.
 */
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
