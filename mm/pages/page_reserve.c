/*
 * The emergency reserve (6.7): a few blocks that belong to no context and appear in no word, so that ordinary requests
 * can't see them, at no cost to any path. A request that must not fail looks there when everything else has failed.
 *
 * Pages that come back into such a block are in the reserve again: it refills by itself.
 */
#include "mm/pages/page_tree_internal.h"

void page_reserve_fill(page_tree_t *tree, uint64_t pages)
{
    const uint64_t end = align_up(tree->page_end, PAGES_PER_BLOCK) / PAGES_PER_BLOCK;
    uint64_t wanted = (pages + PAGES_PER_BLOCK - 1) / PAGES_PER_BLOCK;
    wanted = wanted < PAGE_RESERVE_BLOCK_MAX ? wanted : PAGE_RESERVE_BLOCK_MAX;
    while (tree->reserve_count < wanted) {
        uint64_t block = page_words_next(tree, PAGE_PLANE_VACANT, 0, end);
        if (block == end && page_nodes_make_next(tree, 0, end)) {
            continue;
        }
        if (block == end) {
            block = page_words_next(tree, PAGE_PLANE_PARTLY, 0, end);
        }
        if (block == end) {
            return; /* a machine this small has no reserve */
        }
        page_block_check_out(tree, block);
        tree->reserve_blocks[tree->reserve_count++] = block;
    }
}

bool page_reserve_take(page_tree_t *tree, const page_search_t *search, uint64_t *first)
{
    for (size_t i = 0; search->count <= PAGES_PER_BLOCK && i < tree->reserve_count; i++) {
        const uint64_t block = tree->reserve_blocks[i];
        if (page_block_run_take(page_block_find(tree, block), block, search, first)) {
            return true;
        }
    }
    return false;
}

uint64_t page_reserve_free_pages(const page_tree_t *tree)
{
    uint64_t pages = 0;
    for (size_t i = 0; i < tree->reserve_count; i++) {
        pages += count_set(page_block_free_word(page_block_find(tree, tree->reserve_blocks[i])));
    }
    return pages;
}
