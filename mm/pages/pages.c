/*
 * The kernel's page allocator: one page tree over the boot memory map, and pointers in place of page numbers.
 *
 * The fast paths are in mm/pages_inline.h, for callers to have in place; here they are for counts that are not known
 * while compiling.
 */
#include "mm/pages.h"

#include "arch/machine.h"
#include "arch/memory_tags.h"
#include "mm/allocation_context.h"
#include "mm/inject.h"
#include "mm/page_fast.h"
#include "mm/pages/page_misuse.h"
#include "mm/pages/page_tree_internal.h"
#include "mm/pages/pages_global.h"

/* The emergency reserve: 1 MiB, but no more than a 64th of a small machine. */
#define RESERVE_PAGES_MAX   256u
#define RESERVE_SHARE_SHIFT 6u

page_tree_t pages_tree;

static page_context_t *own_context(void)
{
    return &allocation_context_current()->pages;
}

static void *pointer_of(page_number_t page)
{
    return physical_to_pointer(physical_of_page(page));
}

/* ---- allocation ---- */

/* `caller` is where the call of the public function returns to. */
static void *alloc_for(const pages_request_t *request, uintptr_t caller)
{
    page_number_t first;
    if (UNLIKELY(inject_is_armed()) && inject_refuses(INJECT_PAGES, NULL, caller)) {
        page_counter_add(&own_context()->requests_failed, 1);
        return NULL;
    }
    if (!page_tree_alloc(&pages_tree, own_context(), request, &first)) {
        return NULL;
    }
    char *const run = pointer_of(first);
    for (size_t i = 0; request->is_zeroed && i < request->count; i++) {
        machine_zero_page(run + i * PAGE_SIZE);
    }
    return run;
}

/* What comes here was pages_alloc() in a function, or ended it by a jump: so this is its caller. */
NOINLINE void *pages_alloc_slowly(size_t count)
{
    return alloc_for(&(pages_request_t){.count = count}, (uintptr_t)__builtin_return_address(0));
}

/* After an attempt in the borrowed chunk: `index` is what it took, `gone` what it lost. */
NOINLINE void *pages_alloc_after(page_wholes_answer_t answer, size_t count, uint64_t index, uint64_t gone)
{
    page_context_t *const context = own_context();
    if (answer == PAGE_WHOLES_RECALLED) {
        if (page_tree_keep_wholes(&pages_tree, context, index, count / PAGES_PER_BLOCK)) {
            return pages_wholes_taken(allocation_context_current(), count, index);
        }
    } else if (gone != 0) {
        page_tree_give_up_wholes(&pages_tree, context, gone);
    }
    return pages_alloc_slowly(count);
}

/*
 * The lines once more, for counts that the compiler did not know. While requests are to be asked about, no context has
 * a block checked out: see mm/pages/page_inject.h.
 */
static NOINLINE void *alloc_long(size_t count)
{
    const uint64_t blocks = bits_rotate_right(count, BLOCK_SHIFT);
    return LIKELY(blocks <= BLOCKS_PER_CHUNK) ? pages_alloc_wholes(count, blocks) : pages_alloc_slowly(count);
}

static NOINLINE void *alloc_other(size_t count)
{
    return count <= PAGES_SHORT_MAX ? pages_alloc_short(count) : alloc_long(count);
}

void *(pages_alloc)(size_t count)
{
    return LIKELY(count == 1) ? pages_alloc_short(1) : alloc_other(count);
}

void *pages_alloc_with(const pages_request_t *request)
{
    return alloc_for(request, (uintptr_t)__builtin_return_address(0));
}

void *pages_alloc_for_good(void)
{
    page_number_t page;
    return page_tree_alloc_metadata(&pages_tree, &page) ? pointer_of(page) : NULL;
}

/* ---- free ---- */

NOINLINE void pages_free_slowly(void *address, size_t count)
{
    if (((uintptr_t)address & PAGE_OFFSET_MASK) != 0) {
        page_misuse_report_pointer(PAGE_MISUSE_MISALIGNED, address, count);
    }
    if (!direct_map_contains(address)) {
        page_misuse_report_pointer(PAGE_MISUSE_FOREIGN, address, count);
    }
    page_tree_free(&pages_tree, own_context(), page_of_physical(pointer_to_physical(address)), count);
}

/* After a free into a chunk that was recalled meanwhile. */
NOINLINE void pages_free_after(void *address)
{
    page_tree_settle_wholes(&pages_tree, page_of_physical(pointer_to_physical(address)));
}

static NOINLINE void free_long(void *address, size_t count)
{
    const uint64_t blocks = bits_rotate_right(count, BLOCK_SHIFT);
    if (LIKELY(blocks <= BLOCKS_PER_CHUNK)) {
        pages_free_wholes(address, count, blocks);
    } else {
        pages_free_slowly(address, count);
    }
}

static NOINLINE void free_other(void *address, size_t count)
{
    if (count <= PAGES_SHORT_MAX) {
        pages_free_short(address, count);
    } else {
        free_long(address, count);
    }
}

void(pages_free)(void *address, size_t count)
{
    if (LIKELY(count == 1)) {
        pages_free_short(address, 1);
    } else {
        free_other(address, count);
    }
}

status_t pages_mark_invalid(void *address, size_t count)
{
    if (((uintptr_t)address & PAGE_OFFSET_MASK) != 0 || count == 0) {
        return STATUS_INVALID;
    }
    if (!direct_map_contains(address)) {
        return STATUS_OUT_OF_RANGE;
    }
    return page_tree_mark_invalid(&pages_tree, page_of_physical(pointer_to_physical(address)), count);
}

/* ---- the allocator as a whole ---- */

const char *page_state_name(page_state_t state)
{
    static const char *const names[] = {"free", "allocated", "invalid", "reserved"};
    return (unsigned)state < ARRAY_COUNT(names) ? names[state] : "unknown";
}

status_t pages_init(const memory_map_t *map)
{
    const uint64_t share = (memory_map_usable_bytes(map) >> PAGE_SHIFT) >> RESERVE_SHARE_SHIFT;
    return page_tree_init(&pages_tree,
                          &(page_tree_config_t){
                              .map = map,
                              .reserve_pages = share < PAGES_PER_BLOCK     ? 0
                                               : share < RESERVE_PAGES_MAX ? align_down(share, PAGES_PER_BLOCK)
                                                                           : RESERVE_PAGES_MAX,
                          });
}

void pages_spare_below(physical_address_t address)
{
    page_tree_spare_below(&pages_tree, page_of_physical(address));
}

void pages_watch(void)
{
    static const page_watch_t by_tags = {.open = memory_tags_open, .close = memory_tags_close};
    page_tree_watch(&pages_tree, &by_tags);
}

bool pages_are_watched(void)
{
    return pages_tree.watch != NULL;
}

void pages_stats(pages_stats_t *stats)
{
    page_tree_stats(&pages_tree, stats);
}

uint64_t pages_count_allocated(void)
{
    const spinlock_hold_t hold = spinlock_lock(&pages_tree.lock);
    const uint64_t allocated = page_tree_pages_allocated(&pages_tree);
    spinlock_unlock(&pages_tree.lock, hold);
    return allocated;
}

uint64_t pages_count_total(void)
{
    return pages_tree.pages_total; /* as it was at the start */
}

page_state_t pages_state(physical_address_t address)
{
    return page_tree_state(&pages_tree, page_of_physical(address));
}

void pages_drain_context(struct allocation_context *context)
{
    page_tree_drain(&pages_tree, &context->pages);
}

void pages_drain_contexts(void)
{
    page_tree_drain_all(&pages_tree);
}

uint64_t pages_shutdown(void)
{
    return page_tree_shutdown(&pages_tree);
}

const char *pages_validate(void)
{
    return page_tree_validate(&pages_tree);
}

void pages_inject_hold(bool is_armed)
{
    page_tree_inject_hold(&pages_tree, own_context(), is_armed);
}
