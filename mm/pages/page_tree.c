/*
 * The page tree: start, end, and the design.
 *
 *                       root      4 words a plane
 *                    .---'---.
 *                  group    group        1 word a plane, and 64 pointers
 *                .---'---.
 *             region   region            the same
 *           .---'---.
 *        chunk     chunk                 three words of its 64 blocks: partly, and two of wholes
 *          |
 *        block block block ...           low and high word of 64 pages
 *
 * The blocks hold the truth; the words above are hints for searches, recomputed from below under the lock.
 *
 * Invariants, when no CPU is in the tree
 *   P1  a block is in its chunk's `partly` word when it is split, not taken, and some of its pages are free; all of them
 *       never are; the words of one that is not split are zero
 *   P2  the taken blocks are those that contexts have checked out, and the reserve's: each in one pair of hands; and the lent
 *       chunks are those that contexts have borrowed
 *   P3  every bit above the chunks' words says of the word below it what page_plane says; of what is lent, none
 *   P4  an untouched bit is set exactly where the map has usable memory and the node below has not been made
 *   P5  pages that the map calls not usable are INVALID or RESERVED, as the map says, and nothing has changed that
 *   P6  of the usable pages, as many are RESERVED as metadata came from the tree, and as many INVALID as were retired
 *   P7  as many pages are ALLOCATED as the contexts' counters say
 *   P8  metadata in hand is enough for the next node of each level, or no touched page is free
 *
 * Locking: one lock for everything above the blocks, but for the words of chunks that are lent: those have a lock for
 * each chunk, which comes after it (page_borrow.c). Blocks change by atomic operations: page_block.h says who may do
 * what, with and without the lock. Pointers to nodes are set once, with release, and never change. Reports of misuse
 * are made without the lock.
 *
 * Contexts: each CPU's thread level and interrupt level has a block checked out, for it to allocate from. So its fast
 * path needs no lock, and everyone else keeps away, without looking at the block, until there is nothing else. Each has
 * borrowed chunks, too, for its next blocks, and for runs of whole ones.
 */
#include "mm/pages/page_tree_internal.h"

static uint64_t count_usable(const page_tree_t *tree)
{
    uint64_t pages = 0;
    page_span_t span = {0, 0};
    while (page_map_next_usable(tree, span.end, tree->page_end, &span)) {
        pages += span.end - span.first;
    }
    return pages;
}

/* Sets the root's untouched bits: a few words for each region of the map. */
static void mark_untouched_groups(page_tree_t *tree)
{
    const unsigned shift = GROUP_BLOCK_SHIFT + BLOCK_SHIFT;
    page_span_t span = {0, 0};
    while (page_map_next_usable(tree, span.end, tree->page_end, &span)) {
        for (uint64_t group = span.first >> shift; group <= (span.end - 1) >> shift; group++) {
            tree->planes[PAGE_PLANE_UNTOUCHED][group / BITS_PER_WORD] |= UINT64_C(1) << (group % BITS_PER_WORD);
        }
    }
}

status_t page_tree_init(page_tree_t *tree, const page_tree_config_t *config)
{
    __builtin_memset(tree, 0, sizeof(*tree));
    spinlock_init(&tree->lock, LOCK_RANK_PAGE_TREE);
    if (!config->map->is_finished) {
        return STATUS_NOT_READY;
    }
    tree->config = *config;
    const uint64_t map_end = memory_map_usable_end(config->map).value >> PAGE_SHIFT;
    tree->page_end = map_end < PAGE_TREE_PAGE_MAX ? map_end : PAGE_TREE_PAGE_MAX;
    tree->pages_total = count_usable(tree);
    if (tree->pages_total == 0) {
        return STATUS_NO_MEMORY;
    }
    mark_untouched_groups(tree);
    const status_t status = page_nodes_start(tree);
    if (status != STATUS_OK) {
        return status;
    }
    page_reserve_fill(tree, config->reserve_pages);
    tree->is_ready = true;
    return STATUS_OK;
}

void page_tree_spare_below(page_tree_t *tree, page_number_t page)
{
    const spinlock_hold_t hold = spinlock_lock(&tree->lock);
    /* With nothing above it there is nobody to spare it for. */
    tree->ordinary_from = page.value < tree->page_end ? page.value / PAGES_PER_BLOCK : 0;
    (void)page_chunks_recall(tree); /* whoever has one below looks for another */
    spinlock_unlock(&tree->lock, hold);
}

page_state_t page_tree_state(page_tree_t *tree, page_number_t page)
{
    page_state_t state = PAGE_STATE_INVALID;
    if (page.value > UINT64_MAX >> PAGE_SHIFT) {
        return state;
    }
    /*
     * Under the lock, since a page on its way out of service shows both bits for a moment; and with the chunk's, since
     * its block may be changing hands.
     */
    const spinlock_hold_t hold = spinlock_lock(&tree->lock);
    const page_block_t *const block = page_block_find(tree, page.value / PAGES_PER_BLOCK);
    spinlock_t *const chunk_lock = block == NULL ? NULL : &page_chunk_words(tree, page.value / PAGES_PER_CHUNK)->lock;
    const bool is_lent = block != NULL && page_chunk_is_lent(tree, page.value / PAGES_PER_CHUNK);
    const spinlock_hold_t chunk_hold = is_lent ? spinlock_lock(chunk_lock) : hold;
    const memory_region_t *const region = memory_map_find(tree->config.map, physical_of_page(page));
    if (block != NULL && page_whole_is_split(tree, page.value / PAGES_PER_BLOCK)) {
        const unsigned index = page.value % PAGES_PER_BLOCK;
        state =
            bit_is_set(page_block_bad_pages(tree, block), index) ? PAGE_STATE_INVALID : page_block_state(block, index);
    } else if (block != NULL) {
        const uint64_t number = page.value / PAGES_PER_BLOCK;
        state = page_block_state(&page_chunk_words(tree, number / BLOCKS_PER_CHUNK)->wholes, number % BLOCKS_PER_CHUNK);
    } else if (region != NULL) {
        state = page_state_at_start(region);
    }
    if (is_lent) {
        spinlock_unlock(chunk_lock, chunk_hold);
    }
    spinlock_unlock(&tree->lock, hold);
    return state;
}

uint64_t page_tree_shutdown(page_tree_t *tree)
{
    page_tree_drain_all(tree);
    const spinlock_hold_t hold = spinlock_lock(&tree->lock);
    const uint64_t leaked = page_tree_pages_allocated(tree);
    tree->is_ready = false;
    page_context_t *context = tree->contexts;
    tree->contexts = NULL;
    tree->context_count = 0;
    while (context != NULL) {
        page_context_t *const next = context->next;
        page_context_init(context);
        context = next;
    }
    spinlock_unlock(&tree->lock, hold);
    return leaked;
}
