/*
 * page_tree_validate(): every invariant of page_tree.c, over all nodes that have been made. The map and the blocks' own
 * words are the only things it believes.
 */
#include "mm/pages/page_tree_internal.h"

/* What was counted on the way, to be compared with the books. */
typedef struct validation {
    page_tree_t *tree;
    uint64_t allocated;
    uint64_t reserved;
    uint64_t invalid;
    uint64_t taken_blocks;
    uint64_t lent_chunks;
    bool has_free_page; /* in a block that is not taken */
} validation_t;

/* The pages of a block that the map calls usable, and, of the others, those that it calls RESERVED. */
static void map_words(const page_tree_t *tree, uint64_t block, uint64_t *usable, uint64_t *reserved)
{
    *usable = 0;
    *reserved = 0;
    const uint64_t first = block * PAGES_PER_BLOCK;
    for (uint64_t page = first; page < first + PAGES_PER_BLOCK;) {
        const memory_region_t *const region =
            memory_map_find_at_or_above(tree->config.map, physical_of_page(page_number(page)));
        const uint64_t base = region == NULL ? UINT64_MAX : region->base.value >> PAGE_SHIFT;
        if (base >= first + PAGES_PER_BLOCK) {
            return;
        }
        const uint64_t from = base > page ? base : page;
        const uint64_t region_end = base + (region->size_bytes >> PAGE_SHIFT);
        const uint64_t to = region_end < first + PAGES_PER_BLOCK ? region_end : first + PAGES_PER_BLOCK;
        const uint64_t mask = bits_range((unsigned)(from - first), (unsigned)(to - from));
        if (memory_region_is_usable(region)) {
            *usable |= mask;
        } else if (page_state_at_start(region) == PAGE_STATE_RESERVED) {
            *reserved |= mask;
        }
        page = to;
    }
}

static const char *validate_block(validation_t *validation, const page_chunk_words_t *words, const page_block_t *node,
                                  uint64_t block, bool is_lent)
{
    const uint64_t bad = page_block_bad_pages(validation->tree, node);
    const uint64_t low = atomic_load(&node->low) & ~bad;
    const uint64_t high = atomic_load(&node->high);
    const uint64_t free_word = ~(low | high);
    const unsigned index = block % BLOCKS_PER_CHUNK;
    const page_state_t whole = page_block_state(&words->wholes, index);
    const bool is_split = whole == PAGE_WHOLE_SPLIT || whole == PAGE_WHOLE_TAKEN;
    const bool is_partly = whole == PAGE_WHOLE_SPLIT && free_word != 0;
    if (((words->partly >> index) & 1) != is_partly || (whole == PAGE_WHOLE_SPLIT && free_word == ~UINT64_C(0)) ||
        (!is_split && (low | high) != 0)) {
        return "P1";
    }
    uint64_t usable;
    uint64_t reserved;
    map_words(validation->tree, block, &usable, &reserved);
    if ((high & ~usable) != ~usable || (low & ~usable) != reserved) {
        return "P5";
    }
    validation->allocated += whole == PAGE_STATE_ALLOCATED ? PAGES_PER_BLOCK : count_set(low & ~high);
    validation->reserved += count_set(low & high & usable);
    validation->invalid += count_set(high & ~low & usable);
    validation->taken_blocks += whole == PAGE_WHOLE_TAKEN;
    validation->has_free_page |= !is_lent && (is_partly || whole == PAGE_STATE_FREE);
    return NULL;
}

static const char *validate_chunk(validation_t *validation, const page_region_t *region, uint64_t chunk)
{
    const page_tree_t *const tree = validation->tree;
    const uint64_t index = chunk % CHUNKS_PER_REGION;
    const page_chunk_words_t *const words = region->chunks[index];
    page_span_t span;
    const bool is_untouched =
        words == NULL && page_map_next_usable(tree, chunk * PAGES_PER_CHUNK, (chunk + 1) * PAGES_PER_CHUNK, &span);
    if (((region->planes[PAGE_PLANE_UNTOUCHED] >> index) & 1) != is_untouched) {
        return "P4";
    }
    const bool is_lent = words != NULL && words->borrower != NULL;
    const uint64_t partly = words == NULL || is_lent ? 0 : words->partly;
    const uint64_t vacant = words == NULL || is_lent ? 0 : page_words_vacant(words);
    if (((region->planes[PAGE_PLANE_PARTLY] >> index) & 1) != page_plane_summary(PAGE_PLANE_PARTLY, partly) ||
        ((region->planes[PAGE_PLANE_VACANT] >> index) & 1) != page_plane_summary(PAGE_PLANE_VACANT, vacant) ||
        ((region->planes[PAGE_PLANE_WHOLE] >> index) & 1) != page_plane_summary(PAGE_PLANE_WHOLE, vacant)) {
        return "P3";
    }
    validation->lent_chunks += is_lent;
    for (uint64_t i = 0; words != NULL && i < BLOCKS_PER_CHUNK; i++) {
        const char *const broken = validate_block(validation, words, &words->node->blocks[page_block_place(i)],
                                                  chunk * BLOCKS_PER_CHUNK + i, is_lent);
        if (broken != NULL) {
            return broken;
        }
    }
    return NULL;
}

/*
 * One bit of a word of planes at `word_planes`, over a node that covers `pages` pages from `first` on and has planes of
 * its own, or none yet.
 */
static const char *validate_planes(const page_tree_t *tree, const uint64_t *above, uint64_t index,
                                   const uint64_t *below, uint64_t first, uint64_t pages)
{
    page_span_t span;
    for (unsigned plane = 0; plane < PAGE_PLANE_COUNT; plane++) {
        bool expected = below != NULL && page_plane_summary(plane, below[plane]);
        if (below == NULL && plane == PAGE_PLANE_UNTOUCHED) {
            expected = page_map_next_usable(tree, first, first + pages, &span);
        }
        if (((above[plane] >> index) & 1) != expected) {
            return plane == PAGE_PLANE_UNTOUCHED ? "P4" : "P3";
        }
    }
    return NULL;
}

static const char *validate_group(validation_t *validation, const page_group_t *group, uint64_t number)
{
    const uint64_t pages_per_region = PAGES_PER_CHUNK * CHUNKS_PER_REGION;
    const char *broken = NULL;
    for (uint64_t i = 0; broken == NULL && i < REGIONS_PER_GROUP; i++) {
        const uint64_t region = number * REGIONS_PER_GROUP + i;
        const page_region_t *const node = group->regions[i];
        broken = validate_planes(validation->tree, group->planes, i, node == NULL ? NULL : node->planes,
                                 region * pages_per_region, pages_per_region);
        for (uint64_t j = 0; broken == NULL && node != NULL && j < CHUNKS_PER_REGION; j++) {
            broken = validate_chunk(validation, node, region * CHUNKS_PER_REGION + j);
        }
    }
    return broken;
}

static bool is_taken(const page_tree_t *tree, uint64_t block)
{
    return page_block_state(&page_chunk_words(tree, block / BLOCKS_PER_CHUNK)->wholes, block % BLOCKS_PER_CHUNK) ==
           PAGE_WHOLE_TAKEN;
}

/*
 * P2 for chunks: whoever says that he has borrowed one is its borrower, and as many are said to be as are; he goes on
 * in one of them, if in any.
 */
static const char *validate_borrowers(const validation_t *validation)
{
    const page_tree_t *const tree = validation->tree;
    uint64_t borrowed = 0;
    for (const page_context_t *context = tree->contexts; context != NULL; context = context->next) {
        bool is_among = !page_context_has_chunk(context);
        for (uint32_t i = 0; i < context->chunk_count; i++) {
            const page_chunk_words_t *const words = page_chunk_words(tree, context->chunks[i]);
            is_among |= context->chunk == &words->wholes;
            if (words->borrower != context) {
                return "P2";
            }
        }
        if (!is_among) {
            return "P2";
        }
        borrowed += context->chunk_count;
    }
    return borrowed == validation->lent_chunks ? NULL : "P2";
}

/*
 * P2: whoever holds a block holds one that is taken, and there are as many holders as taken blocks; two holders of one
 * would leave another without.
 */
static const char *validate_holders(const validation_t *validation)
{
    const page_tree_t *const tree = validation->tree;
    uint64_t holders = tree->reserve_count;
    for (size_t i = 0; i < tree->reserve_count; i++) {
        const uint64_t block = tree->reserve_blocks[i];
        if (!is_taken(tree, block)) {
            return "P2";
        }
    }
    for (const page_context_t *context = tree->contexts; context != NULL; context = context->next) {
        const uint64_t block = context->first_page.value / PAGES_PER_BLOCK;
        if (!page_context_has_block(context)) {
            continue;
        }
        holders++;
        if (page_block_find(tree, block) != context->block || !is_taken(tree, block)) {
            return "P2";
        }
        for (const page_context_t *other = context->next; other != NULL; other = other->next) {
            if (other->block == context->block) {
                return "P2";
            }
        }
    }
    return holders == validation->taken_blocks ? NULL : "P2";
}

static const char *validate_books(const validation_t *validation)
{
    const page_tree_t *const tree = validation->tree;
    if (validation->reserved != tree->metadata.pages_from_tree || validation->invalid != tree->pages_retired) {
        return "P6";
    }
    if (validation->allocated != page_tree_pages_allocated(tree)) {
        return "P7";
    }
    const bool is_own_metadata = tree->config.metadata_source == NULL;
    return tree->metadata.spare == NULL && is_own_metadata && validation->has_free_page ? "P8" : NULL;
}

const char *page_tree_validate(page_tree_t *tree)
{
    validation_t validation = {.tree = tree};
    const uint64_t pages_per_group = PAGES_PER_CHUNK * CHUNKS_PER_REGION * REGIONS_PER_GROUP;
    const char *broken = NULL;
    for (uint64_t i = 0; broken == NULL && i < PAGE_TREE_GROUP_MAX; i++) {
        const page_group_t *const group = tree->groups[i];
        uint64_t above[PAGE_PLANE_COUNT];
        for (unsigned plane = 0; plane < PAGE_PLANE_COUNT; plane++) {
            above[plane] = tree->planes[plane][i / BITS_PER_WORD];
        }
        broken = validate_planes(tree, above, i % BITS_PER_WORD, group == NULL ? NULL : group->planes,
                                 i * pages_per_group, pages_per_group);
        if (broken == NULL && group != NULL) {
            broken = validate_group(&validation, group, i);
        }
    }
    if (broken == NULL) {
        broken = validate_holders(&validation);
    }
    if (broken == NULL) {
        broken = validate_borrowers(&validation);
    }
    return broken != NULL ? broken : validate_books(&validation);
}
