/*
 * Giving areas other rights.
 *
 * First it is made sure that nothing can fail; then area by area gets its new rights, at once for faults to come, and
 * the translations that are there get them 2 MiB at a time. Private pages get no right to write here: whether a page
 * may be written depends on who else has it, and the first write asks that (fault.c).
 */
#include "address_space_internal.h"

/* How many areas are looked at, and how far translations are changed, while others wait for the lock. */
#define AREAS_PER_BATCH 64u
_Static_assert(USER_LARGE_PAGE_SIZE / PAGE_SIZE <= ADDRESS_SPACE_BATCH_PAGES, "a batch is no more than is promised");

/* What stands in the way of giving `area` these rights. */
static status_t check_area(const vm_area_t *area, vm_access_t access)
{
    if (area->is_pending) {
        return STATUS_BUSY;
    }
    return (area->flags & VM_GUARD) != 0 ? STATUS_DENIED : vm_access_check(access, area->flags);
}

/* Changing. Whether areas cover all of [start, end), and may have these rights. */
static status_t check_range(address_space_t *space, uintptr_t start, uintptr_t end, vm_access_t access)
{
    status_t status = STATUS_OK;
    while (start < end && status == STATUS_OK) {
        const spinlock_hold_t hold = safe_list_lock(&space->areas);
        const vm_area_t *area = area_of_node(safe_list_find(&space->areas, start));
        for (unsigned i = 0; i < AREAS_PER_BATCH && start < end && status == STATUS_OK; i++) {
            if (area == NULL || area->node.start > start) {
                status = STATUS_NOT_FOUND;
            } else {
                status = check_area(area, access);
                start = area->node.end;
                area = area_of_node(safe_list_next(&space->areas, &area->node));
            }
        }
        safe_list_unlock(&space->areas, hold);
    }
    return status;
}

/* Locked. Gives translations from *address on, within the area, its rights; moves *address behind what was done. */
static void protect_some(address_space_t *space, const vm_area_t *area, uintptr_t *address)
{
    user_leaf_t leaf;
    const uintptr_t limit = vm_scan_limit(*address, area->node.end);
    if (!user_page_table_next(&space->table, *address, limit, &leaf)) {
        *address = limit;
        return;
    }
    const uintptr_t boundary = align_down(leaf.address, USER_LARGE_PAGE_SIZE) + USER_LARGE_PAGE_SIZE;
    const uintptr_t end = boundary < area->node.end ? boundary : area->node.end;
    const uint64_t size = end - leaf.address;
    user_page_table_protect(&space->table, leaf.address, size, vm_page_access(area, area->object != NULL));
    user_page_table_flush(&space->table, leaf.address, size);
    *address = end;
}

/* Changing. One area, which begins at `address`. Returns the area's end. */
static uintptr_t protect_area(address_space_t *space, uintptr_t address, vm_access_t access)
{
    spinlock_hold_t hold = safe_list_lock(&space->areas);
    vm_area_t *const area = area_of_node(safe_list_find(&space->areas, address));
    const uintptr_t end = area->node.end;
    if (area->access == access) {
        address = end;
    }
    area->access = access;
    while (address < end) {
        protect_some(space, area, &address);
        safe_list_unlock(&space->areas, hold);
        hold = safe_list_lock(&space->areas);
    }
    safe_list_unlock(&space->areas, hold);
    return end;
}

status_t address_space_protect(address_space_t *space, uintptr_t address, uint64_t size, vm_access_t access)
{
    if (!vm_range_is_valid(address, size) || vm_access_check(access, VM_WX_ALLOWED) != STATUS_OK) {
        return STATUS_INVALID;
    }
    const uintptr_t end = address + size;
    vm_change_begin(space);
    status_t status = check_range(space, address, end, access);
    if (status == STATUS_OK) {
        status = vm_prepare_range(space, address, end);
    }
    if (status == STATUS_OK) {
        for (uintptr_t at = address; at < end;) {
            at = protect_area(space, at, access);
        }
        vm_merge_range(space, address, end);
    }
    vm_change_end(space);
    return status;
}
