/*
 * The words above the blocks: walking down them, keeping them true, and searching them.
 *
 * Each is a function of what lies below it (page_words_settle computes it, from the block up to the root), so that it
 * can be recomputed at any time and in any order under the lock, and a doubt costs a recomputation and never a wrong
 * answer.
 */
#include "mm/pages/page_tree_internal.h"

static page_group_t *group_find(const page_tree_t *tree, uint64_t group)
{
    return group < PAGE_TREE_GROUP_MAX ? atomic_load_explicit(&tree->groups[group], memory_order_acquire) : NULL;
}

page_region_t *page_region_find(const page_tree_t *tree, uint64_t region)
{
    const page_group_t *const group = group_find(tree, region / REGIONS_PER_GROUP);
    return group == NULL ? NULL
                         : atomic_load_explicit(&group->regions[region % REGIONS_PER_GROUP], memory_order_acquire);
}

page_chunk_words_t *page_chunk_words(const page_tree_t *tree, uint64_t chunk)
{
    const page_region_t *const region = page_region_find(tree, chunk / CHUNKS_PER_REGION);
    return region == NULL ? NULL
                          : atomic_load_explicit(&region->chunks[chunk % CHUNKS_PER_REGION], memory_order_acquire);
}

page_chunk_t *page_chunk_find(const page_tree_t *tree, uint64_t chunk)
{
    const page_chunk_words_t *const words = page_chunk_words(tree, chunk);
    return words == NULL ? NULL : words->node;
}

page_block_t *page_block_find(const page_tree_t *tree, uint64_t block)
{
    page_chunk_t *const chunk = page_chunk_find(tree, block / BLOCKS_PER_CHUNK);
    return chunk == NULL ? NULL : &chunk->blocks[page_block_place(block)];
}

bool page_plane_summary(page_plane_t plane, uint64_t word)
{
    return plane == PAGE_PLANE_WHOLE ? word == ~UINT64_C(0) : word != 0;
}

static void put_bit(uint64_t *word, uint64_t index, bool value)
{
    const uint64_t bit = UINT64_C(1) << index;
    *word = value ? *word | bit : *word & ~bit;
}

void page_words_settle_region(page_tree_t *tree, uint64_t region)
{
    const uint64_t number = region / REGIONS_PER_GROUP;
    page_group_t *const group = group_find(tree, number);
    const page_region_t *const node = page_region_find(tree, region);
    for (unsigned plane = 0; plane < PAGE_PLANE_COUNT; plane++) {
        if (node != NULL) {
            put_bit(&group->planes[plane], region % REGIONS_PER_GROUP, page_plane_summary(plane, node->planes[plane]));
        }
        put_bit(&tree->planes[plane][number / BITS_PER_WORD], number % BITS_PER_WORD,
                page_plane_summary(plane, group->planes[plane]));
    }
}

uint64_t page_words_vacant(const page_chunk_words_t *words)
{
    return page_block_free_word(&words->wholes);
}

uint64_t page_chunk_vacant(const page_tree_t *tree, uint64_t chunk)
{
    return page_chunk_is_lent(tree, chunk) ? 0 : page_words_vacant(page_chunk_words(tree, chunk));
}

uint64_t page_chunk_partly(const page_tree_t *tree, uint64_t chunk)
{
    return page_chunk_is_lent(tree, chunk)
               ? 0
               : atomic_load_explicit(&page_chunk_words(tree, chunk)->partly, memory_order_relaxed);
}

void page_words_settle_lending(page_tree_t *tree, uint64_t chunk)
{
    page_region_t *const region = page_region_find(tree, chunk / CHUNKS_PER_REGION);
    const uint64_t index = chunk % CHUNKS_PER_REGION;
    const uint64_t vacant = page_chunk_vacant(tree, chunk);
    const uint64_t partly = page_chunk_partly(tree, chunk);
    put_bit(&region->planes[PAGE_PLANE_PARTLY], index, page_plane_summary(PAGE_PLANE_PARTLY, partly));
    put_bit(&region->planes[PAGE_PLANE_VACANT], index, page_plane_summary(PAGE_PLANE_VACANT, vacant));
    put_bit(&region->planes[PAGE_PLANE_WHOLE], index, page_plane_summary(PAGE_PLANE_WHOLE, vacant));
    page_words_settle_region(tree, chunk / CHUNKS_PER_REGION);
}

void page_words_settle_chunk(page_tree_t *tree, uint64_t chunk)
{
    if (!page_chunk_is_lent(tree, chunk)) {
        page_words_settle_lending(tree, chunk);
    }
}

/*
 * What the chunk's words say of one block. Who frees a single page asks `partly`, after he has freed it, whether there
 * is news in that, without a lock; and we look at the block once more after we have told that nothing is free there:
 * so either he sees what we told, or we see what he freed.
 */
static void settle_block(page_chunk_words_t *words, const page_block_t *node, uint64_t index)
{
    const uint64_t bit = UINT64_C(1) << index;
    const bool is_split = (atomic_load(&words->wholes.high) & ~atomic_load(&words->wholes.low) & bit) != 0;
    uint64_t free_word;
    do {
        free_word = is_split ? ~(atomic_load(&node->low) | atomic_load(&node->high)) : 0;
        uint64_t partly = atomic_load_explicit(&words->partly, memory_order_relaxed);
        put_bit(&partly, index, free_word != 0 && free_word != ~UINT64_C(0));
        atomic_store(&words->partly, partly);
    } while (is_split && free_word == 0 && (atomic_load(&node->low) | atomic_load(&node->high)) != ~UINT64_C(0));
    if (free_word == ~UINT64_C(0)) {
        atomic_fetch_and(&words->wholes.high, ~bit); /* a whole again */
    }
}

void page_words_settle(page_tree_t *tree, uint64_t from, uint64_t to)
{
    const uint64_t chunk = from / BLOCKS_PER_CHUNK;
    page_chunk_words_t *const words = page_chunk_words(tree, chunk);
    for (uint64_t block = from; block < to; block++) {
        settle_block(words, page_block_find(tree, block), block % BLOCKS_PER_CHUNK);
    }
    page_words_settle_chunk(tree, chunk);
}

/* The first set bit of a word at or above `index`; BITS_NONE when there is none. */
static unsigned next_bit(uint64_t word, uint64_t index)
{
    return find_first_set(word & ~bits_low((unsigned)index));
}

/* The first group at or above `number` in a plane; PAGE_TREE_GROUP_MAX when there is none. At most four words. */
static uint64_t next_group(const page_tree_t *tree, page_plane_t plane, uint64_t number)
{
    while (number < PAGE_TREE_GROUP_MAX) {
        const unsigned bit = next_bit(tree->planes[plane][number / BITS_PER_WORD], number % BITS_PER_WORD);
        if (bit != BITS_NONE) {
            return align_down(number, BITS_PER_WORD) + bit;
        }
        number = align_down(number, BITS_PER_WORD) + BITS_PER_WORD;
    }
    return PAGE_TREE_GROUP_MAX;
}

/*
 * The first node at or above `chunk` in a plane, as a range of chunks: the chunk, or, in UNTOUCHED, the region or group
 * that has no node. Each turn goes down one level or on to the next word of a level above, so that a search ends after
 * a few words when its bit is set, and looks at no word twice when it is not.
 */
static bool next_node(const page_tree_t *tree, page_plane_t plane, uint64_t chunk, uint64_t *first, uint64_t *end)
{
    const uint64_t chunks_per_group = (uint64_t)CHUNKS_PER_REGION * REGIONS_PER_GROUP;
    for (;;) {
        const uint64_t group = next_group(tree, plane, chunk / chunks_per_group);
        if (group == PAGE_TREE_GROUP_MAX) {
            return false;
        }
        if (group != chunk / chunks_per_group) {
            chunk = group * chunks_per_group;
        }
        const page_group_t *const group_node = group_find(tree, group);
        if (group_node == NULL) {
            *first = chunk;
            *end = (group + 1) * chunks_per_group;
            return true;
        }
        const unsigned region_bit =
            next_bit(group_node->planes[plane], (chunk / CHUNKS_PER_REGION) % REGIONS_PER_GROUP);
        if (region_bit == BITS_NONE) {
            chunk = (group + 1) * chunks_per_group;
            continue;
        }
        const uint64_t region = group * REGIONS_PER_GROUP + region_bit;
        if (region != chunk / CHUNKS_PER_REGION) {
            chunk = region * CHUNKS_PER_REGION;
        }
        const page_region_t *const region_node = page_region_find(tree, region);
        if (region_node == NULL) {
            *first = chunk;
            *end = (region + 1) * CHUNKS_PER_REGION;
            return true;
        }
        const unsigned chunk_bit = next_bit(region_node->planes[plane], chunk % CHUNKS_PER_REGION);
        if (chunk_bit != BITS_NONE) {
            *first = region * CHUNKS_PER_REGION + chunk_bit;
            *end = *first + 1;
            return true;
        }
        chunk = (region + 1) * CHUNKS_PER_REGION;
    }
}

bool page_words_next_untouched(const page_tree_t *tree, uint64_t chunk, uint64_t *first, uint64_t *end)
{
    return next_node(tree, PAGE_PLANE_UNTOUCHED, chunk, first, end);
}

uint64_t page_words_next(const page_tree_t *tree, page_plane_t plane, uint64_t from, uint64_t to)
{
    uint64_t chunk = from / BLOCKS_PER_CHUNK;
    uint64_t end;
    while (from < to && next_node(tree, plane, chunk, &chunk, &end) && chunk * BLOCKS_PER_CHUNK < to) {
        const uint64_t word =
            plane == PAGE_PLANE_PARTLY ? page_chunk_partly(tree, chunk) : page_chunk_vacant(tree, chunk);
        const uint64_t start = chunk == from / BLOCKS_PER_CHUNK ? from % BLOCKS_PER_CHUNK : 0;
        const unsigned bit = next_bit(word, start);
        if (bit != BITS_NONE) {
            const uint64_t block = chunk * BLOCKS_PER_CHUNK + bit;
            return block < to ? block : to;
        }
        chunk = end;
    }
    return to;
}
