/*
 * Nodes of the page tree: made from the memory map when memory below them is first needed, out of pages of the tree
 * itself.
 *
 * A making needs at most a group, a region, a chunk and its words, and those fit into one page together. So the rule is: one whole
 * page is always in hand (metadata.spare), and a making starts only when it is. Right after, the next page is taken
 * from the memory that has just become reachable, which has a free page, or nobody would have asked for it. Hence no
 * recursion, and no state in which memory is there but the tree has no room to describe it.
 *
 * The very first page is chosen by the map alone: one that has a usable neighbour in its chunk, so that the rule can
 * hold from then on.
 */
#include "arch/inline.h"
#include "mm/pages/page_tree_internal.h"

#define NODE_ALIGNMENT   CACHE_LINE_BYTES
#define NODE_BYTES(type) (((sizeof(type) + NODE_ALIGNMENT - 1) / NODE_ALIGNMENT) * NODE_ALIGNMENT)

_Static_assert(sizeof(page_chunk_t) == 1024, "a chunk's planes are 1 KiB");
_Static_assert(NODE_BYTES(page_group_t) + NODE_BYTES(page_region_t) + NODE_BYTES(page_chunk_t) +
                       NODE_BYTES(page_chunk_words_t) <=
                   4096,
               "one page holds one node of each level");

/* Firmware of PCs keeps to itself more of the first MiB than it says; what the tree uses first should be elsewhere. */
#define START_ABOVE_PAGE (MIB(1) >> PAGE_SHIFT)

bool page_map_next_usable(const page_tree_t *tree, uint64_t first, uint64_t end, page_span_t *span)
{
    end = end < tree->page_end ? end : tree->page_end;
    if (first >= end) {
        return false;
    }
    const memory_region_t *const region =
        memory_map_find_usable(tree->config.map, physical_of_page(page_number(first)));
    if (region == NULL) {
        return false;
    }
    const uint64_t region_first = region->base.value >> PAGE_SHIFT;
    const uint64_t region_end = region_first + (region->size_bytes >> PAGE_SHIFT);
    span->first = region_first > first ? region_first : first;
    span->end = region_end < end ? region_end : end;
    return span->first < span->end;
}

/* ---- memory for nodes ---- */

bool page_nodes_take_page(page_tree_t *tree, page_number_t *page)
{
    const uint64_t end = align_up(tree->page_end, PAGES_PER_BLOCK) / PAGES_PER_BLOCK;
    uint64_t block = page_words_next(tree, PAGE_PLANE_PARTLY, 0, end);
    if (block == end) {
        block = page_words_next(tree, PAGE_PLANE_VACANT, 0, end);
    }
    if (block == end) {
        return false;
    }
    page_whole_split(tree, block);
    page_block_t *const node = page_block_find(tree, block);
    const unsigned index = find_first_set_nonzero(page_block_free_word(node));
    if (!page_block_claim_one(node, index, UINT64_C(1) << index)) {
        return false; /* can't be: the block is in nobody's hands and we hold the lock */
    }
    page_block_reserve(node, UINT64_C(1) << index);
    page_words_settle(tree, block, block + 1);
    tree->metadata.pages++;
    RELAXED_ADD(&tree->metadata.pages_from_tree, 1);
    *page = page_number(block * PAGES_PER_BLOCK + index);
    if (UNLIKELY(tree->watch != NULL)) {
        page_watch_taken(tree, *page, 1);
    }
    return true;
}

static bool has_spare(page_tree_t *tree)
{
    page_metadata_t *const metadata = &tree->metadata;
    page_number_t page;
    if (metadata->spare != NULL) {
        return true;
    }
    if (tree->config.metadata_source != NULL) {
        metadata->spare = tree->config.metadata_source(tree->config.metadata_argument);
        metadata->pages += metadata->spare != NULL;
    } else if (page_nodes_take_page(tree, &page)) {
        metadata->spare = physical_to_pointer(physical_of_page(page));
    }
    return metadata->spare != NULL;
}

/*
 * Zeroed room for a node. The caller has seen has_spare(), and asks once for each kind at most. What a page has left
 * over is for nodes that are smaller: so four chunks come out of a page, and their words out of what is left of others.
 */
static void *carve(page_metadata_t *metadata, size_t bytes)
{
    char *node;
    if (metadata->rest_left >= bytes) {
        node = metadata->rest;
        metadata->rest += bytes;
        metadata->rest_left -= bytes;
    } else {
        if (metadata->bump_left < bytes) {
            if (metadata->bump_left > metadata->rest_left) {
                metadata->rest = metadata->bump;
                metadata->rest_left = metadata->bump_left;
            }
            metadata->bump = metadata->spare;
            metadata->bump_left = PAGE_SIZE;
            metadata->spare = NULL;
        }
        node = metadata->bump;
        metadata->bump += bytes;
        metadata->bump_left -= bytes;
    }
    __builtin_memset(node, 0, bytes);
    return node;
}

/* ---- making nodes ---- */

/* Which of the 64 parts of `part_pages` pages each, from page `first` on, have usable memory. */
static uint64_t usable_parts(const page_tree_t *tree, uint64_t first, uint64_t part_pages)
{
    const uint64_t end = first + 64 * part_pages;
    uint64_t parts = 0;
    page_span_t span = {first, first};
    while (page_map_next_usable(tree, span.end, end, &span)) {
        const uint64_t from = (span.first - first) / part_pages;
        const uint64_t last = (span.end - 1 - first) / part_pages;
        parts |= bits_range((unsigned)from, (unsigned)(last - from + 1));
        /* The rest of the last part is settled; going on behind it bounds the loop by 64 turns. */
        span.end = first + (last + 1) * part_pages;
    }
    return parts;
}

/* Puts pages [first, end), which lie in the chunk that starts at page `chunk_first`, into a state. */
static void fill_state(page_chunk_t *chunk, uint64_t chunk_first, page_span_t span, page_state_t state)
{
    for (uint64_t page = span.first; page < span.end;) {
        page_block_t *const block = &chunk->blocks[page_block_place((page - chunk_first) / PAGES_PER_BLOCK)];
        const uint64_t block_end = align_down(page, PAGES_PER_BLOCK) + PAGES_PER_BLOCK;
        const uint64_t end = span.end < block_end ? span.end : block_end;
        const uint64_t mask = bits_range((unsigned)(page % PAGES_PER_BLOCK), (unsigned)(end - page));
        const uint64_t low = atomic_load_explicit(&block->low, memory_order_relaxed) & ~mask;
        const uint64_t high = atomic_load_explicit(&block->high, memory_order_relaxed) & ~mask;
        atomic_store_explicit(&block->low, (state & 1) != 0 ? low | mask : low, memory_order_relaxed);
        atomic_store_explicit(&block->high, (state & 2) != 0 ? high | mask : high, memory_order_relaxed);
        page = end;
    }
}

page_state_t page_state_at_start(const memory_region_t *region)
{
    if (memory_region_is_usable(region)) {
        return PAGE_STATE_FREE;
    }
    return region->type == MEMORY_REGION_BAD ? PAGE_STATE_INVALID : PAGE_STATE_RESERVED;
}

static void fill_chunk(const page_tree_t *tree, page_chunk_t *chunk, uint64_t number)
{
    const uint64_t first = number * PAGES_PER_CHUNK;
    const uint64_t end = first + PAGES_PER_CHUNK;
    fill_state(chunk, first, (page_span_t){first, end}, PAGE_STATE_INVALID);
    for (uint64_t page = first; page < end;) {
        const memory_region_t *const region =
            memory_map_find_at_or_above(tree->config.map, physical_of_page(page_number(page)));
        const uint64_t base = region == NULL ? end : region->base.value >> PAGE_SHIFT;
        if (base >= end) {
            break;
        }
        const uint64_t region_end = base + (region->size_bytes >> PAGE_SHIFT);
        const page_span_t span = {base > page ? base : page, region_end < end ? region_end : end};
        fill_state(chunk, first, span, page_state_at_start(region));
        page = span.end;
    }
}

static void make_group(page_tree_t *tree, uint64_t number)
{
    const uint64_t pages_per_region = PAGES_PER_CHUNK * CHUNKS_PER_REGION;
    page_group_t *const group = carve(&tree->metadata, NODE_BYTES(page_group_t));
    group->planes[PAGE_PLANE_UNTOUCHED] =
        usable_parts(tree, number * REGIONS_PER_GROUP * pages_per_region, pages_per_region);
    atomic_store_explicit(&tree->groups[number], group, memory_order_release);
}

static void make_region(page_tree_t *tree, uint64_t number)
{
    page_group_t *const group = tree->groups[number / REGIONS_PER_GROUP];
    page_region_t *const region = carve(&tree->metadata, NODE_BYTES(page_region_t));
    region->planes[PAGE_PLANE_UNTOUCHED] =
        usable_parts(tree, number * CHUNKS_PER_REGION * PAGES_PER_CHUNK, PAGES_PER_CHUNK);
    atomic_store_explicit(&group->regions[number % REGIONS_PER_GROUP], region, memory_order_release);
}

static void make_chunk(page_tree_t *tree, uint64_t number)
{
    page_region_t *const region = page_region_find(tree, number / CHUNKS_PER_REGION);
    page_chunk_t *const chunk = carve(&tree->metadata, NODE_BYTES(page_chunk_t));
    fill_chunk(tree, chunk, number);
    page_chunk_words_t *const words = carve(&tree->metadata, NODE_BYTES(page_chunk_words_t));
    words->node = chunk;
    spinlock_init(&words->lock, LOCK_RANK_PAGE_CHUNK);
    for (unsigned i = 0; i < BLOCKS_PER_CHUNK; i++) {
        if (page_block_free_word(&chunk->blocks[page_block_place(i)]) != ~UINT64_C(0)) {
            words->wholes.high |= UINT64_C(1) << i;
        }
    }
    region->planes[PAGE_PLANE_UNTOUCHED] &= ~(UINT64_C(1) << (number % CHUNKS_PER_REGION));
    atomic_store_explicit(&region->chunks[number % CHUNKS_PER_REGION], words, memory_order_release);
    page_words_settle(tree, number * BLOCKS_PER_CHUNK, (number + 1) * BLOCKS_PER_CHUNK);
    if (UNLIKELY(tree->watch != NULL)) {
        page_watch_chunk(tree, number);
    }
}

/* The making proper; the caller has a spare page, or the start's first page. */
static void make_path(page_tree_t *tree, uint64_t chunk)
{
    const uint64_t region = chunk / CHUNKS_PER_REGION;
    if (tree->groups[region / REGIONS_PER_GROUP] == NULL) {
        make_group(tree, region / REGIONS_PER_GROUP);
    }
    if (page_region_find(tree, region) == NULL) {
        make_region(tree, region);
    }
    make_chunk(tree, chunk);
}

bool page_nodes_make(page_tree_t *tree, uint64_t chunk)
{
    if (page_chunk_find(tree, chunk) != NULL) {
        return true;
    }
    if (!has_spare(tree)) {
        return false;
    }
    make_path(tree, chunk);
    (void)has_spare(tree); /* refusal is no news: the next making asks again before it begins */
    return true;
}

bool page_nodes_make_next(page_tree_t *tree, uint64_t from, uint64_t to)
{
    uint64_t chunk = from / BLOCKS_PER_CHUNK;
    uint64_t first;
    uint64_t end;
    while (page_words_next_untouched(tree, chunk, &first, &end)) {
        page_span_t span;
        if (first * BLOCKS_PER_CHUNK >= to) {
            return false;
        }
        if (page_map_next_usable(tree, first * PAGES_PER_CHUNK, end * PAGES_PER_CHUNK, &span)) {
            const uint64_t found = span.first / PAGES_PER_CHUNK;
            return found * BLOCKS_PER_CHUNK < to && page_nodes_make(tree, found);
        }
        chunk = end; /* the search began in the middle of a node whose memory all lies before */
    }
    return false;
}

/* ---- the start ---- */

/* The first page, from `from` on, whose successor is usable too and in the same chunk. */
static bool find_first_page(const page_tree_t *tree, uint64_t from, uint64_t *page)
{
    page_span_t span = {from, from};
    while (page_map_next_usable(tree, span.end, tree->page_end, &span)) {
        const bool is_last_of_chunk = span.first % PAGES_PER_CHUNK == PAGES_PER_CHUNK - 1;
        *page = span.first + is_last_of_chunk;
        if (span.end - *page >= 2) {
            return true;
        }
    }
    return false;
}

status_t page_nodes_start(page_tree_t *tree)
{
    uint64_t page;
    if (tree->config.metadata_source != NULL) {
        return has_spare(tree) ? STATUS_OK : STATUS_NO_MEMORY;
    }
    if (!find_first_page(tree, START_ABOVE_PAGE, &page) && !find_first_page(tree, 0, &page)) {
        return STATUS_NO_MEMORY;
    }
    tree->metadata.spare = physical_to_pointer(physical_of_page(page_number(page)));
    make_path(tree, page / PAGES_PER_CHUNK);

    /* The page was in use before its state could say so. */
    page_whole_split(tree, page / PAGES_PER_BLOCK);
    page_block_t *const block = page_block_find(tree, page / PAGES_PER_BLOCK);
    const uint64_t mask = UINT64_C(1) << (page % PAGES_PER_BLOCK);
    atomic_fetch_or(&block->low, mask);
    atomic_fetch_or(&block->high, mask);
    page_words_settle(tree, page / PAGES_PER_BLOCK, page / PAGES_PER_BLOCK + 1);
    tree->metadata.pages = 1;
    tree->metadata.pages_from_tree = 1;
    return has_spare(tree) ? STATUS_OK : STATUS_NO_MEMORY;
}
