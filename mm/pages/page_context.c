/*
 * Contexts as the tree sees them: who has what checked out, and the sums over everybody's counters.
 *
 * A snapshot of sums is taken while the counters run. Frees are read before allocations, and a page is counted as
 * allocated before anybody can free it, so that no snapshot shows more frees than allocations; likewise a context is
 * listed before it allocates, and the list is read anew for the allocations. What was allocated between the two reads
 * can make the difference too large, at most by that; it is cut at what there is.
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
        __atomic_store_n(&tree->contexts, context, __ATOMIC_RELEASE);
        RELAXED_ADD(&tree->context_count, 1);
    }
}

void page_context_check_in(page_tree_t *tree, page_context_t *context)
{
    (void)page_chunks_return(tree, context);
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
        spinlock_t *const lock = &page_chunk_words(tree, chunk)->lock;
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

static const page_context_t *first_context(const page_tree_t *tree)
{
    return __atomic_load_n(&tree->contexts, __ATOMIC_ACQUIRE);
}

uint64_t page_tree_pages_allocated(const page_tree_t *tree)
{
    uint64_t freed = page_counter_read(&tree->taken_by_retire);
    for (const page_context_t *context = first_context(tree); context != NULL; context = context->next) {
        freed += page_counter_read(&context->singles_freed) + page_counter_read(&context->longer_pages_freed);
    }
    uint64_t allocated = page_counter_read(&tree->claimed_by_retire);
    for (const page_context_t *context = first_context(tree); context != NULL; context = context->next) {
        allocated +=
            page_counter_read(&context->singles_allocated) + page_counter_read(&context->longer_pages_allocated);
    }
    const uint64_t pages = allocated - freed;
    const uint64_t most =
        tree->pages_total - RELAXED_LOAD(&tree->pages_retired) - RELAXED_LOAD(&tree->metadata.pages_from_tree);
    return pages < most ? pages : most;
}

void page_tree_raise_peak(page_tree_t *tree, uint64_t allocated)
{
    uint64_t peak = atomic_load_explicit(&tree->pages_allocated_peak, memory_order_relaxed);
    while (allocated > peak && !atomic_compare_exchange_weak(&tree->pages_allocated_peak, &peak, allocated)) {
    }
}

/*
 * The sum looks at every context's counters: once in so many slow operations for each context that there is, it stays
 * small beside the operations themselves.
 */
#define PEAK_SAMPLE_INTERVAL 4u

void page_tree_sample_peak(page_tree_t *tree, page_context_t *context)
{
    if (context->slow_operations++ % (PEAK_SAMPLE_INTERVAL * RELAXED_LOAD(&tree->context_count)) == 0) {
        page_tree_raise_peak(tree, page_tree_pages_allocated(tree));
    }
}
