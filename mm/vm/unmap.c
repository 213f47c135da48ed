/*
 * Taking areas away, from the lowest address up, a batch of pages at a time.
 *
 * A batch is: take translations out of the table, have every CPU forget them, move the area's start behind them, let
 * go of the lock, and then of the frames. So no frame has a new use while some CPU could still reach it, and whoever
 * looks in between sees an area that begins later.
 */
#include "address_space_internal.h"
#include "base/check.h"
#include "frame.h"

/* How many translations one batch takes out: 2 KiB of stack. */
#define LEAVES_MAX 64u

typedef struct unmap_batch {
    user_leaf_t leaves[LEAVES_MAX];
    size_t count;
    bool is_private;
    vm_area_t *spent;        /* areas that are gone */
    memory_object_t *object; /* the reference of one that is */
} unmap_batch_t;

/* Locked. Takes translations out of [area's start, *address) and accounts for them; moves *address. */
static void take_leaves(address_space_t *space, vm_area_t *area, unmap_batch_t *batch, uintptr_t *address)
{
    const uintptr_t limit = vm_scan_limit(*address, area->node.end);
    batch->count = user_page_table_unmap(&space->table, address, limit, batch->leaves, LEAVES_MAX);
    batch->is_private = area->object == NULL;
    if (batch->count == 0) {
        return;
    }
    const user_leaf_t *const last = &batch->leaves[batch->count - 1];
    const uintptr_t first = batch->leaves[0].address;
    user_page_table_flush(&space->table, first, last->address + last->size - first);
    for (size_t i = 0; i < batch->count; i++) {
        const uint64_t pages = batch->leaves[i].size / PAGE_SIZE;
        if (batch->is_private) {
            space->stats.pages_private -= pages;
            space->stats.pages_large -= pages > 1;
        } else {
            space->stats.pages_shared -= pages;
        }
    }
}

/* Locked. The area begins at `address` from now on, or is gone. */
static void shorten(address_space_t *space, vm_area_t *area, uintptr_t address, unmap_batch_t *batch)
{
    const uint64_t gone = address - area->node.start;
    space->stats.bytes_mapped -= gone;
    if (address == area->node.end) {
        safe_list_remove(&space->areas, &area->node);
        batch->object = area->object;
        vm_spare_put(&batch->spent, area);
        return;
    }
    if (area->object != NULL) {
        area->object_offset += gone;
    }
    const bool is_shorter UNUSED = safe_list_resize(&space->areas, &area->node, address, area->node.end);
    DEBUG_CHECK(is_shorter);
}

static void release(const address_space_t *space, unmap_batch_t *batch)
{
    for (size_t i = 0; batch->is_private && i < batch->count; i++) {
        frames_release(space->quota, physical_to_pointer(batch->leaves[i].physical), batch->leaves[i].size / PAGE_SIZE);
    }
    memory_object_release(batch->object);
    vm_spares_free(space, batch->spent);
}

/* One batch of what lies in [start, end). Returns false when nothing does any more. */
static bool unmap_some(address_space_t *space, uintptr_t start, uintptr_t end)
{
    unmap_batch_t batch;
    batch.spent = NULL;
    batch.object = NULL;
    const spinlock_hold_t hold = safe_list_lock(&space->areas);
    vm_area_t *const area = area_of_node(safe_list_find_from(&space->areas, start));
    const bool is_any = area != NULL && area->node.start < end;
    if (is_any) {
        uintptr_t address = area->node.start;
        take_leaves(space, area, &batch, &address);
        shorten(space, area, address, &batch);
    }
    safe_list_unlock(&space->areas, hold);
    if (is_any) {
        release(space, &batch);
    }
    return is_any;
}

/* ---- tables ---- */

/*
 * A space keeps a few tables that serve nothing, since addresses are often used again; beyond these they go back. Of very
 * many, those of 1 GiB at a time.
 */
#define TABLES_KEPT      16u
#define TABLES_PER_BATCH 1024u

/* Changing. Gives tables back that served [start, end) and the gap around it only. */
static void trim_tables(address_space_t *space, uintptr_t start, uintptr_t end)
{
    spinlock_hold_t hold = safe_list_lock(&space->areas);
    const bool has_many = space->stats.pages_tables > TABLES_PER_BATCH;
    const safe_list_node_t *const behind = safe_list_find_from(&space->areas, end);
    const safe_list_node_t *const before = safe_list_find_before(&space->areas, start);
    uintptr_t at = before == NULL ? USER_SPACE_START : before->end;
    const uintptr_t gap_end = behind == NULL ? USER_SPACE_END : behind->start;
    while (at < gap_end && space->stats.pages_tables > TABLES_KEPT) {
        const uintptr_t boundary = align_down(at, GIB(1)) + GIB(1);
        const uintptr_t part_end = has_many && boundary < gap_end ? boundary : gap_end;
        user_page_table_trim(&space->table, at, part_end, vm_table_page_free, space);
        at = part_end;
        safe_list_unlock(&space->areas, hold);
        hold = safe_list_lock(&space->areas);
    }
    safe_list_unlock(&space->areas, hold);
}

status_t address_space_unmap(address_space_t *space, uintptr_t address, uint64_t size)
{
    if (!vm_range_is_valid(address, size)) {
        return STATUS_INVALID;
    }
    const uintptr_t end = address + size;
    vm_change_begin(space);
    const status_t status = vm_prepare_range(space, address, end);
    if (status == STATUS_OK) {
        while (unmap_some(space, address, end)) {
        }
        trim_tables(space, address, end);
    }
    vm_change_end(space);
    return status;
}

status_t vm_space_empty(address_space_t *space)
{
    vm_change_begin(space);
    const bool is_busy = space->pending_count != 0;
    while (!is_busy && unmap_some(space, USER_SPACE_START, USER_SPACE_END)) {
    }
    vm_change_end(space);
    return is_busy ? STATUS_BUSY : STATUS_OK;
}
