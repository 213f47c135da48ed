/*
 * Free pages are closed: whoever touches one is stopped there, and not when the next owner finds strange bytes.
 *
 * Who watches is given with the tree: of the kernel's own it is the machine, by its tags (arch/memory_tags.h). A page
 * is opened after it was claimed and closed before it is released, and so always by its owner. The straight paths
 * take a page out of a block that the context has checked out, and know nothing of this: the gate of a tree that is
 * watched is armed for good, as by an injection that refuses nothing, so nobody checks a block out and every request
 * comes by page_tree_alloc() and page_tree_free().
 *
 * Memory that no node was made for stays open, since its pages have never been anybody's; its chunk is closed as it
 * is made. A page that was retired while it was free stays closed.
 */
#include "mm/pages/page_tree_internal.h"

static void *pointer_of(page_number_t page)
{
    return physical_to_pointer(physical_of_page(page));
}

void page_watch_taken(const page_tree_t *tree, page_number_t first, uint64_t count)
{
    tree->watch->open(pointer_of(first), count);
}

void page_watch_given(const page_tree_t *tree, page_number_t first, uint64_t count)
{
    tree->watch->close(pointer_of(first), count);
}

void page_watch_chunk(const page_tree_t *tree, uint64_t chunk)
{
    const uint64_t start = chunk * BLOCKS_PER_CHUNK;
    for (uint64_t block = start; block < start + BLOCKS_PER_CHUNK; block++) {
        uint64_t rest = page_whole_free_word(tree, block);
        uint64_t index;
        while (bits_take_first(&rest, &index)) {
            tree->watch->close(pointer_of(page_number(block * PAGES_PER_BLOCK + index)), 1);
        }
    }
}

void page_tree_watch(page_tree_t *tree, const page_watch_t *watch)
{
    page_tree_drain_all(tree);
    const spinlock_hold_t hold = spinlock_lock(&tree->lock);
    const uint64_t chunks = (tree->page_end + PAGES_PER_CHUNK - 1) / PAGES_PER_CHUNK;
    tree->watch = watch;
    for (page_context_t *context = tree->contexts; context != NULL; context = context->next) {
        context->is_plain = false;
    }
    for (uint64_t chunk = 0; chunk < chunks; chunk++) {
        if (page_chunk_find(tree, chunk) != NULL) {
            page_watch_chunk(tree, chunk);
        }
    }
    page_gate_rest(tree);
    spinlock_unlock(&tree->lock, hold);
}
