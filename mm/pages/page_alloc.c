/*
 * Finding pages: single ones and runs of up to 64, which lie within one block.
 *
 * Who asks for a page and has none in the block he has checked out changes blocks. He gets the first that is partly
 * used, else the first that is entirely free, else the first in memory that nobody has touched: so what is entirely
 * free stays so for long runs, and metadata grows only when it must.
 *
 * A short run looks in the caller's own block first, without the lock. Then, under the lock, in PARTLY_TRIES blocks
 * that are partly used, so that a fragmented tree costs it a bounded search; then in an entirely free or untouched
 * one, where it always fits; and only when there is none left in all the partly used ones, before it gives up. The
 * block that a run of up to ADOPT_PAGES_MAX is found in becomes the caller's own, for the runs to come. Likewise with
 * runs of whole blocks and chunks: the caller borrows the chunk that one was found in.
 */
#include "mm/page_fast.h"
#include "mm/pages/page_tree_internal.h"

#define PARTLY_TRIES 64u

/* ---- blocks in somebody's hands ---- */

/* The two states of split blocks differ in `low`, which nobody else changes in them. */
void page_block_check_out(page_tree_t *tree, uint64_t block)
{
    page_whole_split(tree, block);
    atomic_fetch_or(&page_chunk_words(tree, block / BLOCKS_PER_CHUNK)->wholes.low, UINT64_C(1)
                                                                                       << (block % BLOCKS_PER_CHUNK));
    page_words_settle(tree, block, block + 1);
}

void page_block_check_in(page_tree_t *tree, uint64_t block)
{
    atomic_fetch_and(&page_chunk_words(tree, block / BLOCKS_PER_CHUNK)->wholes.low,
                     ~(UINT64_C(1) << (block % BLOCKS_PER_CHUNK)));
    /*
     * Frees into a taken block left the words above alone. They count from here on: whoever frees after we have
     * looked at the block takes the lock after us, if what he saw was a turning point.
     */
    page_words_settle(tree, block, block + 1);
}

void page_block_adopt(page_tree_t *tree, page_context_t *context, uint64_t block)
{
    page_block_check_out(tree, block);
    context->first_page = page_number(block * PAGES_PER_BLOCK);
    context->address = page_tree_address(tree, context->first_page);
    page_block_t *const node = page_block_find(tree, block);
    context->bad_pages = atomic_load(&node->high) & ~atomic_load(&node->low);
    atomic_fetch_or(&node->low, context->bad_pages);
    RELAXED_STORE(&context->block, node);
}

void page_block_leave(page_tree_t *tree, page_context_t *context)
{
    atomic_fetch_and(&context->block->low, ~context->bad_pages);
    RELAXED_STORE(&context->block, &page_block_none);
    page_block_check_in(tree, context->first_page.value / PAGES_PER_BLOCK);
}

/* ---- short runs ---- */

bool page_block_run_take(page_block_t *node, uint64_t block, const page_search_t *search, uint64_t *first)
{
    const uint64_t base = block * PAGES_PER_BLOCK;
    if (search->limit <= base) {
        return false;
    }
    const uint64_t below = search->limit - base;
    const uint64_t allowed = bits_low(below < PAGES_PER_BLOCK ? (unsigned)below : PAGES_PER_BLOCK);
    const unsigned count = (unsigned)search->count;
    unsigned alignment = PAGES_PER_BLOCK;
    if (search->alignment < PAGES_PER_BLOCK) {
        alignment = (unsigned)search->alignment;
    } else if (base % search->alignment != 0) {
        return false;
    }
    for (;;) {
        const unsigned index = find_first_run(page_block_free_word(node) & allowed, count, alignment);
        if (index == BITS_NONE) {
            return false;
        }
        if (page_block_claim(node, bits_range(index, count))) {
            *first = base + index;
            return true;
        }
        /*
         * A page of the run was retired or taken between the look and the claim, so that the next look finds fewer
         * free.
         */
    }
}

/* Looks through a plane, at most `tries` blocks of it. *from moves on to where the search ended. */
static bool take_from_plane(page_tree_t *tree, page_plane_t plane, const page_search_t *search, uint64_t *from,
                            uint64_t to, uint64_t tries, uint64_t *first)
{
    for (; tries > 0; tries--) {
        const uint64_t block = page_words_next(tree, plane, *from, to);
        *from = block;
        if (block == to) {
            return false;
        }
        page_whole_split(tree, block);
        const bool is_found = page_block_run_take(page_block_find(tree, block), block, search, first);
        page_words_settle(tree, block, block + 1);
        if (is_found) {
            return true;
        }
        *from = block + 1;
    }
    return false;
}

bool page_small_run_take(page_tree_t *tree, const page_search_t *search, uint64_t from, uint64_t to, uint64_t *first)
{
    uint64_t partly = from;
    do {
        uint64_t vacant = from;
        if (partly == from && take_from_plane(tree, PAGE_PLANE_PARTLY, search, &partly, to, PARTLY_TRIES, first)) {
            return true;
        }
        if (take_from_plane(tree, PAGE_PLANE_VACANT, search, &vacant, to, UINT64_MAX, first)) {
            return true;
        }
    } while (page_nodes_make_next(tree, from, to));

    partly = from; /* chunks made on the way may lie before where the bounded search ended */
    return take_from_plane(tree, PAGE_PLANE_PARTLY, search, &partly, to, UINT64_MAX, first);
}

/* ---- singles ---- */

/*
 * Locked. Gives the context a block of a chunk that nobody has, in the place of its own, and as a rule the chunk, too.
 */
static void adopt_block(page_tree_t *tree, page_context_t *context, const page_search_t *search, uint64_t block)
{
    page_context_check_in_block(tree, context);
    page_block_adopt(tree, context, block);
    if (search->may_borrow) {
        page_chunk_borrow(tree, context, block / BLOCKS_PER_CHUNK);
    }
}

/* Locked. Gives the context another block, one with a free page, from [from, to). */
static bool change_block(page_tree_t *tree, page_context_t *context, const page_search_t *search, uint64_t from,
                         uint64_t to)
{
    uint64_t block;
    do {
        block = page_words_next(tree, PAGE_PLANE_PARTLY, from, to);
        if (block == to) {
            block = page_words_next(tree, PAGE_PLANE_VACANT, from, to);
        }
    } while (block == to && page_nodes_make_next(tree, from, to));
    if (block == to) {
        return false;
    }
    adopt_block(tree, context, search, block);
    return true;
}

/* ---- requests ---- */

/* Translates a request; false when it breaks a rule or can't be met by any state of the tree. */
static bool translate(const page_tree_t *tree, const pages_request_t *request, page_search_t *search)
{
    const bool is_natural = is_power_of_two(request->count) && request->count <= PAGES_PER_BLOCK;
    *search = (page_search_t){.count = request->count, .alignment = request->alignment, .limit = tree->page_end};
    if (search->alignment == 0) {
        search->alignment = is_natural ? search->count : 1;
    }
    const uint64_t limit_page = request->limit.value >> PAGE_SHIFT;
    if (request->limit.value != 0 && limit_page < search->limit) {
        search->limit = limit_page;
    }
    return tree->is_ready && search->count != 0 && search->count <= search->limit && is_power_of_two(search->alignment);
}

/*
 * Whether a run is of whole blocks, a power of two of them, so that it lies in one chunk where it starts at a
 * multiple of its own length.
 */
static bool is_of_wholes(const page_search_t *search)
{
    return search->count >= PAGES_PER_BLOCK && search->count <= PAGES_PER_CHUNK && is_power_of_two(search->count) &&
           search->alignment <= search->count;
}

/* A run of so few leaves room for more of its kind in the chunk, which the context borrows. */
#define BORROW_PAGES_MAX (PAGES_PER_CHUNK / 2)

/* Locked. Searches blocks [from, to) for a run of wholes at a multiple of its own length. */
static bool take_wholes(page_tree_t *tree, page_context_t *context, const page_search_t *search, uint64_t from,
                        uint64_t to, uint64_t *first)
{
    page_search_t natural = *search;
    natural.alignment = search->count;
    if (!page_long_run_take(tree, &natural, from, to, first)) {
        return false;
    }
    if (search->count <= BORROW_PAGES_MAX && search->may_borrow) {
        page_chunk_borrow(tree, context, *first / PAGES_PER_CHUNK);
    }
    return true;
}

/* Locked. Searches blocks [from, to). */
static bool take_between(page_tree_t *tree, page_context_t *context, const page_search_t *search, uint64_t from,
                         uint64_t to, uint64_t *first)
{
    if (from >= to) {
        return false;
    }
    if (is_of_wholes(search) && take_wholes(tree, context, search, from, to, first)) {
        return true;
    }
    if (search->count > PAGES_PER_BLOCK || search->alignment > PAGES_PER_BLOCK) {
        return page_long_run_take(tree, search, from, to, first);
    }
    if (search->count != 1 || search->alignment != 1 || !search->may_adopt) {
        if (!page_small_run_take(tree, search, from, to, first)) {
            return false;
        }
        if (search->count <= PAGE_ADOPT_MAX && search->may_adopt) {
            adopt_block(tree, context, search, *first / PAGES_PER_BLOCK);
        }
        return true;
    }
    while (change_block(tree, context, search, from, to)) {
        uint64_t index;
        if (page_block_take(context->block, 1, &index)) {
            *first = context->first_page.value + index;
            return true;
        }
    }
    return false;
}

/* Locked. Searches where ordinary requests should, and then where they may. */
static bool take_anywhere(page_tree_t *tree, page_context_t *context, const page_search_t *search, uint64_t *first)
{
    const uint64_t end = align_up(search->limit, PAGES_PER_BLOCK) / PAGES_PER_BLOCK;
    const uint64_t spared = tree->ordinary_from < end ? tree->ordinary_from : end;
    if (take_between(tree, context, search, spared, end, first)) {
        return true;
    }
    /* All of it once more, since a long run may lie across the boundary. */
    return spared > 0 && take_between(tree, context, search, 0, end, first);
}

/*
 * Locked. The last resort of short runs: a block that another context has checked out. Its owner may be taking pages
 * there at the same time; of two claims of a page one fails and looks again.
 */
static bool take_from_others(page_tree_t *tree, const page_search_t *search, uint64_t *first)
{
    for (page_context_t *context = tree->contexts; context != NULL; context = context->next) {
        const uint64_t block = context->first_page.value / PAGES_PER_BLOCK;
        if (page_context_has_block(context) && search->count <= PAGES_PER_BLOCK &&
            page_block_run_take(context->block, block, search, first)) {
            return true;
        }
    }
    return false;
}

static bool take_locked(page_tree_t *tree, page_context_t *context, page_search_t *search, bool may_use_reserve,
                        uint64_t *first)
{
    page_context_list(tree, context);
    page_tree_sample_peak(tree, context);
    if (page_gate_refuses(&tree->gate)) {
        return false;
    }
    search->may_adopt = search->limit == tree->page_end && !tree->gate.is_armed;
    search->may_borrow = search->may_adopt;
    if (take_anywhere(tree, context, search, first)) {
        return true;
    }
    /* What we hold ourselves must not be the reason to refuse, nor what others have borrowed. */
    const bool has_block = page_context_has_block(context);
    page_context_check_in_block(tree, context);
    search->may_borrow = false;
    if ((page_chunks_recall(tree) || has_block) && take_anywhere(tree, context, search, first)) {
        return true;
    }
    return take_from_others(tree, search, first) || (may_use_reserve && page_reserve_take(tree, search, first));
}

/* Out of the chunk that the context has borrowed, without the lock. */
static bool take_own_wholes(page_tree_t *tree, page_context_t *context, uint64_t count, uint64_t *first)
{
    uint64_t index;
    uint64_t gone;
    switch (page_context_take_wholes(context, count / PAGES_PER_BLOCK, &index, &gone)) {
    case PAGE_WHOLES_DONE:
        *first = context->chunk_first_page.value + index * PAGES_PER_BLOCK;
        return true;
    case PAGE_WHOLES_RECALLED:
        *first = context->chunk_first_page.value + index * PAGES_PER_BLOCK;
        return page_tree_keep_wholes(tree, context, index, count / PAGES_PER_BLOCK);
    case PAGE_WHOLES_NONE:
        break;
    }
    if (gone != 0) {
        page_tree_give_up_wholes(tree, context, gone);
    }
    return false;
}

bool page_tree_alloc(page_tree_t *tree, page_context_t *context, const pages_request_t *request, page_number_t *first)
{
    page_search_t search;
    uint64_t found = PAGE_NONE;
    bool is_found = false;
    if (translate(tree, request, &search)) {
        if (is_of_wholes(&search) && search.limit == tree->page_end && page_context_has_chunk(context)) {
            is_found = take_own_wholes(tree, context, search.count, &found);
        } else if (page_context_has_block(context) && search.count < PAGES_PER_BLOCK) {
            const uint64_t own = context->first_page.value / PAGES_PER_BLOCK;
            is_found = page_block_run_take(context->block, own, &search, &found);
        }
        if (!is_found) {
            is_found = page_borrowed_run_take(tree, context, &search, &found);
        }
        if (!is_found) {
            const spinlock_hold_t hold = spinlock_lock(&tree->lock);
            is_found = take_locked(tree, context, &search, request->may_use_reserve, &found);
            spinlock_unlock(&tree->lock, hold);
            if (UNLIKELY(tree->watch != NULL) && is_found) {
                page_watch_taken(tree, page_number(found), search.count);
            }
        }
    }
    if (!is_found) {
        page_counter_add(&context->requests_failed, 1);
        return false;
    }
    page_context_count_allocated(context, search.count);
    *first = page_number(found);
    return true;
}

/* Locked. */
static bool take_metadata(page_tree_t *tree, page_number_t *page)
{
    const uint64_t end = align_up(tree->page_end, PAGES_PER_BLOCK) / PAGES_PER_BLOCK;
    bool is_taken = page_nodes_take_page(tree, page);
    while (!is_taken && page_nodes_make_next(tree, 0, end)) {
        is_taken = page_nodes_take_page(tree, page);
    }
    return is_taken;
}

bool page_tree_alloc_metadata(page_tree_t *tree, page_number_t *page)
{
    const spinlock_hold_t hold = spinlock_lock(&tree->lock);
    const bool is_taken = tree->is_ready && !page_gate_refuses(&tree->gate) &&
                          (take_metadata(tree, page) || (page_chunks_recall(tree) && take_metadata(tree, page)));
    spinlock_unlock(&tree->lock, hold);
    return is_taken;
}
