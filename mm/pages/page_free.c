/*
 * Taking pages back, and taking them out of service.
 *
 * A free changes the block's own word, atomically, and as a rule nothing else. Only at a turning point (the block had
 * no free page before, or has nothing but free pages now) the words above need to hear of it, and the lock is taken. If
 * the block is checked out then, they hear of it at its check-in.
 *
 * A run is looked at as a whole before any of it is freed, so that a mistake changes nothing. When two CPUs free
 * overlapping runs at once, each page is freed once and at least one of them is told; what it freed before it noticed
 * stays free.
 */
#include "mm/page_fast.h"
#include "mm/pages/page_misuse.h"
#include "mm/pages/page_tree_internal.h"

/* The pages of block `block` that lie in `span`, as a mask. */
static uint64_t span_mask(page_span_t span, uint64_t block)
{
    const uint64_t base = block * PAGES_PER_BLOCK;
    const uint64_t first = span.first > base ? span.first - base : 0;
    const uint64_t end = span.end - base < PAGES_PER_BLOCK ? span.end - base : PAGES_PER_BLOCK;
    return bits_range((unsigned)first, (unsigned)(end - first));
}

static uint64_t last_block(page_span_t span)
{
    return (span.end - 1) / PAGES_PER_BLOCK;
}

/* Why a page can't be freed; or not at all, when it can. */
static page_misuse_t judge(page_tree_t *tree, uint64_t page)
{
    switch (page_tree_state(tree, page_number(page))) {
    case PAGE_STATE_FREE:
        return PAGE_MISUSE_FREE;
    case PAGE_STATE_RESERVED:
        return PAGE_MISUSE_RESERVED;
    case PAGE_STATE_INVALID:
        return memory_map_find(tree->config.map, physical_of_page(page_number(page))) == NULL ? PAGE_MISUSE_FOREIGN
                                                                                              : PAGE_MISUSE_INVALID;
    case PAGE_STATE_ALLOCATED:
        break;
    }
    return PAGE_MISUSE_NONE;
}

/*
 * The first page of the span that can't be freed, reported. A racing free may have undone the reason: then it is a
 * double one.
 */
static void report(page_tree_t *tree, page_span_t run, uint64_t from)
{
    for (uint64_t page = from; page < run.end; page++) {
        const page_misuse_t misuse = judge(tree, page);
        if (misuse != PAGE_MISUSE_NONE) {
            page_misuse_report(misuse, page_number(run.first), run.end - run.first, page_number(page));
        }
    }
    page_misuse_report(PAGE_MISUSE_FREE, page_number(run.first), run.end - run.first, page_number(from));
}

static bool has_allocated(const page_block_t *node, uint64_t mask)
{
    return (atomic_load(&node->low) & mask) == mask && (atomic_load(&node->high) & mask) == 0;
}

/* Whether the pages of `mask` in a block are allocated, singly or as a part of it all. */
static bool block_has_allocated(const page_tree_t *tree, uint64_t block, uint64_t mask)
{
    const page_block_t *const node = page_block_find(tree, block);
    if (node == NULL) {
        return false;
    }
    if (!page_whole_is_split(tree, block)) {
        const page_block_t *const wholes = &page_chunk_words(tree, block / BLOCKS_PER_CHUNK)->wholes;
        if (has_allocated(wholes, UINT64_C(1) << (block % BLOCKS_PER_CHUNK))) {
            return true;
        }
        if (!page_whole_is_split(tree, block)) {
            return false;
        }
    }
    return has_allocated(node, mask);
}

/* Whether all pages of the span are allocated; otherwise *wrong is a page at or before the first that is not. */
static bool is_allocated(const page_tree_t *tree, page_span_t span, uint64_t *wrong)
{
    for (uint64_t block = span.first / PAGES_PER_BLOCK; block <= last_block(span); block++) {
        if (!block_has_allocated(tree, block, span_mask(span, block))) {
            *wrong = block * PAGES_PER_BLOCK > span.first ? block * PAGES_PER_BLOCK : span.first;
            return false;
        }
    }
    return true;
}

static void settle(page_tree_t *tree, uint64_t from, uint64_t to)
{
    const page_guard_t guard = page_chunk_guard(tree, from / BLOCKS_PER_CHUNK);
    page_words_settle(tree, from, to);
    page_chunk_unguard(guard);
}

/* Whether the words above are to hear of a free: of a block that is taken they hear at its check-in. */
static bool is_news(const page_tree_t *tree, uint64_t block, page_release_t release)
{
    return release.is_turning_point &&
           !bit_is_set(atomic_load(&page_chunk_words(tree, block / BLOCKS_PER_CHUNK)->wholes.low),
                       block % BLOCKS_PER_CHUNK);
}

static void split(page_tree_t *tree, uint64_t block)
{
    const page_guard_t guard = page_chunk_guard(tree, block / BLOCKS_PER_CHUNK);
    page_whole_split(tree, block);
    page_chunk_unguard(guard);
}

/* Frees pages of one block. */
static bool release_in_block(page_tree_t *tree, uint64_t block, uint64_t mask, bool *is_turning_point)
{
    if (!page_whole_is_split(tree, block)) {
        if (mask != ~UINT64_C(0)) {
            split(tree, block);
        } else {
            page_block_t *const wholes = &page_chunk_words(tree, block / BLOCKS_PER_CHUNK)->wholes;
            const page_release_t release = page_block_release(wholes, UINT64_C(1) << (block % BLOCKS_PER_CHUNK));
            *is_turning_point |= release.is_turning_point;
            if (release.is_done || !page_whole_is_split(tree, block)) {
                return release.is_done;
            }
        }
    }
    const page_release_t release = page_block_release(page_block_find(tree, block), mask);
    *is_turning_point |= is_news(tree, block, release);
    return release.is_done;
}

/* Frees blocks [from, to) of one chunk as wholes, if they all are. */
static bool release_wholes(page_tree_t *tree, uint64_t from, uint64_t to, bool *is_turning_point)
{
    page_block_t *const wholes = &page_chunk_words(tree, from / BLOCKS_PER_CHUNK)->wholes;
    const page_release_t release =
        page_block_release(wholes, bits_range(from % BLOCKS_PER_CHUNK, (unsigned)(to - from)));
    *is_turning_point |= release.is_turning_point;
    return release.is_done;
}

/* Frees the part of a run that lies in one chunk; *wrong is where it met a page that was not allocated any more. */
static bool release_in_chunk(page_tree_t *tree, page_span_t part, uint64_t *wrong)
{
    const uint64_t first_block = part.first / PAGES_PER_BLOCK;
    const uint64_t end_block = last_block(part) + 1;
    const bool is_of_wholes = (part.first | part.end) % PAGES_PER_BLOCK == 0;
    bool is_turning_point = false;
    bool is_done = true;
    if (!is_of_wholes || !release_wholes(tree, first_block, end_block, &is_turning_point)) {
        for (uint64_t block = first_block; is_done && block < end_block; block++) {
            is_done = release_in_block(tree, block, span_mask(part, block), &is_turning_point);
            *wrong = block * PAGES_PER_BLOCK;
        }
    }
    if (is_turning_point || !is_done) {
        settle(tree, first_block, end_block);
    }
    return is_done;
}

/* What some contexts must do before they free: be known to the tree, and close the pages of one that is watched. */
static NOINLINE void prepare(page_tree_t *tree, page_context_t *context, page_span_t run)
{
    const spinlock_hold_t hold = spinlock_lock(&tree->lock);
    page_context_list(tree, context);
    spinlock_unlock(&tree->lock, hold);
    if (tree->watch != NULL) {
        page_watch_given(tree, page_number(run.first), run.end - run.first);
    }
}

/*
 * Frees one page of a block that is split. False, and nothing done, for any other. Walks down by itself, once, and calls
 * nothing, so that the usual free into a block that is not one's own is a straight line, too; and one attempt is
 * enough, however many do so at once. So it can't tell what else is free by what it met: it looks, afterwards.
 */
static ALWAYS_INLINE bool release_single(page_tree_t *tree, uint64_t page, bool *is_turning_point)
{
    const uint64_t block = page / PAGES_PER_BLOCK;
    const uint64_t chunk = block / BLOCKS_PER_CHUNK;
    const uint64_t number = block >> GROUP_BLOCK_SHIFT;
    if (UNLIKELY(number >= PAGE_TREE_GROUP_MAX)) {
        return false;
    }
    page_group_t *const group = atomic_load_explicit(&tree->groups[number], memory_order_acquire);
    if (UNLIKELY(group == NULL)) {
        return false;
    }
    page_region_t *const region =
        atomic_load_explicit(&group->regions[(chunk / CHUNKS_PER_REGION) % REGIONS_PER_GROUP], memory_order_acquire);
    if (UNLIKELY(region == NULL)) {
        return false;
    }
    page_chunk_words_t *const words =
        atomic_load_explicit(&region->chunks[chunk % CHUNKS_PER_REGION], memory_order_acquire);
    if (UNLIKELY(words == NULL) || UNLIKELY(!bit_is_set(atomic_load(&words->wholes.high), block))) {
        return false;
    }
    page_block_t *const pages = &words->node->blocks[page_block_place(block)];
    if (UNLIKELY(!page_block_release_one(pages, page % PAGES_PER_BLOCK))) {
        return false;
    }
    if (!RMW_IS_A_FENCE) {
        atomic_thread_fence(memory_order_seq_cst);
    }
    /* In this order: who takes a block sets its bit in `low` before he clears the one in `partly`. */
    const uint64_t partly = atomic_load(&words->partly);
    const uint64_t is_told = partly | atomic_load(&words->wholes.low);
    *is_turning_point = !bit_is_set(is_told, block % BLOCKS_PER_CHUNK) || page_block_free_word(pages) == ~UINT64_C(0);
    return true;
}

/* After a turning point in a block. */
static NOINLINE void tell(page_tree_t *tree, uint64_t block)
{
    if (is_news(tree, block, (page_release_t){.is_done = true, .is_turning_point = true})) {
        settle(tree, block, block + 1);
    }
}

/* Into the context's own block, or the chunk that it has borrowed, without the lock. */
static bool give_own(page_tree_t *tree, page_context_t *context, page_number_t first, size_t count)
{
    if (count < PAGES_PER_BLOCK) {
        return page_context_has_block(context) &&
               page_block_give(context->block, first.value - context->first_page.value, count);
    }
    const uint64_t blocks = bits_rotate_right(count, BLOCK_SHIFT);
    const uint64_t index = bits_rotate_right(first.value - context->chunk_first_page.value, BLOCK_SHIFT);
    if (!page_context_has_chunk(context) || blocks > BLOCKS_PER_CHUNK) {
        return false;
    }
    const page_wholes_answer_t answer = page_context_give_wholes(context, index, blocks);
    if (answer == PAGE_WHOLES_RECALLED) {
        page_tree_settle_wholes(tree, first);
    }
    return answer != PAGE_WHOLES_NONE;
}

static NOINLINE void free_run(page_tree_t *tree, page_context_t *context, page_number_t first, size_t count)
{
    if (count > 1 && give_own(tree, context, first, count)) {
        page_context_count_free(context, count);
        return;
    }
    if (first.value >= tree->page_end || !tree->is_ready) {
        page_misuse_report(PAGE_MISUSE_FOREIGN, first, count, first);
    }
    if (count == 0 || count > tree->page_end - first.value) {
        page_misuse_report(PAGE_MISUSE_COUNT, first, count, first);
    }
    const page_span_t run = {first.value, first.value + count};
    uint64_t wrong = run.first;
    if (!is_allocated(tree, run, &wrong)) {
        report(tree, run, wrong);
    }
    if (UNLIKELY(!context->is_plain)) {
        prepare(tree, context, run);
    }
    for (uint64_t page = run.first; page < run.end;) {
        const uint64_t chunk_end = align_down(page, PAGES_PER_CHUNK) + PAGES_PER_CHUNK;
        const page_span_t part = {page, run.end < chunk_end ? run.end : chunk_end};
        if (!release_in_chunk(tree, part, &wrong)) {
            report(tree, run, wrong > run.first ? wrong : run.first);
        }
        page = part.end;
    }
    page_context_count_free(context, count);
}

void page_tree_free(page_tree_t *tree, page_context_t *context, page_number_t first, size_t count)
{
    bool is_turning_point;
    /* A single page that comes here is none of the own block's: pages_free() has asked. */
    if (UNLIKELY(count != 1) || UNLIKELY(!context->is_plain) ||
        UNLIKELY(!release_single(tree, first.value, &is_turning_point))) {
        free_run(tree, context, first, count);
        return;
    }
    page_context_count_free(context, 1);
    if (UNLIKELY(is_turning_point)) {
        tell(tree, first.value / PAGES_PER_BLOCK);
    }
}

/* ---- out of service ---- */

/* Locked. Whether every page of the span is usable memory by the map; its chunks are made on the way. */
static status_t reach(page_tree_t *tree, page_span_t span)
{
    for (uint64_t page = span.first; page < span.end;) {
        page_span_t usable;
        if (!page_map_next_usable(tree, page, span.end, &usable) || usable.first != page) {
            return STATUS_OUT_OF_RANGE;
        }
        page = usable.end;
    }
    for (uint64_t chunk = span.first / PAGES_PER_CHUNK; chunk <= (span.end - 1) / PAGES_PER_CHUNK; chunk++) {
        if (!page_nodes_make(tree, chunk)) {
            return STATUS_NO_MEMORY;
        }
    }
    /* Only now: the nodes may have come out of these very pages. */
    for (uint64_t block = span.first / PAGES_PER_BLOCK; block <= last_block(span); block++) {
        const page_block_t *const node = page_block_find(tree, block);
        const uint64_t reserved =
            atomic_load(&node->low) & atomic_load(&node->high) & ~page_block_bad_pages(tree, node);
        if ((reserved & span_mask(span, block)) != 0) {
            return STATUS_OUT_OF_RANGE;
        }
    }
    return STATUS_OK;
}

/* Locked. Pages of the span that are out of service already stay so. */
static void retire(page_tree_t *tree, page_span_t span)
{
    for (uint64_t block = span.first / PAGES_PER_BLOCK; block <= last_block(span); block++) {
        page_whole_split(tree, block);
        page_block_t *const node = page_block_find(tree, block);
        const uint64_t mask = span_mask(span, block) & ~atomic_load(&node->high);
        page_context_t *const context = page_context_of_block(tree, node);
        uint64_t claimed;
        uint64_t taken;
        if (context == NULL) {
            page_block_retire(node, mask, &claimed, &taken);
        } else {
            claimed = page_block_retire_begin(node, mask);
            page_block_retire_mark(node, mask);
            taken = page_block_retire_end_held(node, mask);
            context->bad_pages |= mask;
        }
        page_counter_add(&tree->claimed_by_retire, count_set(claimed));
        page_counter_add(&tree->taken_by_retire, count_set(taken));
        RELAXED_ADD(&tree->pages_retired, count_set(mask));
        page_words_settle(tree, block, block + 1);
    }
}

status_t page_tree_mark_invalid(page_tree_t *tree, page_number_t first, size_t count)
{
    if (count == 0) {
        return STATUS_INVALID;
    }
    if (!tree->is_ready || first.value >= tree->page_end || count > tree->page_end - first.value) {
        return STATUS_OUT_OF_RANGE;
    }
    const page_span_t span = {first.value, first.value + count};
    const spinlock_hold_t hold = spinlock_lock(&tree->lock);
    (void)page_chunks_recall(tree); /* the lock alone then keeps blocks in the hands that they are in */
    const status_t status = reach(tree, span);
    if (status == STATUS_OK) {
        retire(tree, span);
    }
    spinlock_unlock(&tree->lock, hold);
    return status;
}
