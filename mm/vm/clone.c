/*
 * Cloning: the areas are copied, and the private pages shared until somebody writes (copy-on-write).
 *
 * Page by page the clone gets the original's frame, without the right to write; then the original loses that right,
 * and all CPUs forget that it had it, before its lock is let go. From then on a write by either side finds out in
 * fault.c whether it is alone. Pages of objects are not copied: the clone's faults find them.
 *
 * When memory runs out, the clone is destroyed. What stays of it in the original is that first writes fault once
 * more.
 */
#include "address_space_internal.h"
#include "base/check.h"
#include "frame.h"
#include "mm/vm/memory_object_internal.h"

typedef struct cloning {
    address_space_t *original;
    address_space_t *clone; /* nobody else knows it yet, so that its table needs no lock */
    vm_area_t area;         /* of the original, as it is: areas don't change meanwhile */
} cloning_t;

/* Original locked. One translation. */
static status_t share_leaf(cloning_t *cloning, const user_leaf_t *leaf)
{
    address_space_t *const clone = cloning->clone;
    void *const first = physical_to_pointer(leaf->physical);
    const uint64_t pages = leaf->size / PAGE_SIZE;
    const status_t status = user_page_table_map(&clone->table, leaf->address, leaf->physical, leaf->size,
                                                vm_page_access(&cloning->area, false), vm_table_page_alloc, clone);
    if (status == STATUS_OK) {
        frames_share(first, pages);
        clone->stats.pages_private += pages;
        clone->stats.pages_large += pages > 1;
    }
    return status;
}

/* Shares what is present from *address on, as far as one hold of the lock goes; moves *address behind that. */
static status_t share_some(cloning_t *cloning, uintptr_t *address)
{
    address_space_t *const original = cloning->original;
    const uintptr_t area_end = cloning->area.node.end;
    uintptr_t end = vm_scan_limit(*address, area_end);
    user_leaf_t leaf;
    status_t status = STATUS_OK;
    const spinlock_hold_t hold = safe_list_lock(&original->areas);
    if (user_page_table_next(&original->table, *address, end, &leaf)) {
        const uintptr_t first = leaf.address;
        const uintptr_t boundary = align_down(first, USER_LARGE_PAGE_SIZE) + USER_LARGE_PAGE_SIZE;
        end = boundary < area_end ? boundary : area_end;
        uintptr_t at = first;
        while (status == STATUS_OK && at < end && user_page_table_next(&original->table, at, end, &leaf)) {
            status = share_leaf(cloning, &leaf);
            at = leaf.address + leaf.size;
        }
        user_page_table_protect(&original->table, first, end - first, vm_page_access(&cloning->area, false));
        user_page_table_flush(&original->table, first, end - first);
    }
    safe_list_unlock(&original->areas, hold);
    *address = end;
    return status;
}

/* Puts a copy of the area into the clone. */
static status_t copy_area(cloning_t *cloning)
{
    address_space_t *const clone = cloning->clone;
    const vm_area_t *const from = &cloning->area;
    vm_area_t *const area = vm_area_alloc(clone);
    if (area == NULL) {
        return STATUS_NO_MEMORY;
    }
    *area = (vm_area_t){.access = from->access,
                        .flags = from->flags,
                        .object = from->object == NULL ? NULL : memory_object_retain(from->object),
                        .object_offset = from->object_offset};
    if (from->object != NULL) {
        memory_object_disown(from->object); /* it is the clone's as well */
    }
    const spinlock_hold_t hold = safe_list_lock(&clone->areas);
    const bool is_in UNUSED = safe_list_insert(&clone->areas, &area->node, from->node.start, from->node.end);
    DEBUG_CHECK(is_in);
    vm_count_mapped(clone, from->node.end - from->node.start);
    safe_list_unlock(&clone->areas, hold);
    return STATUS_OK;
}

static status_t clone_area(cloning_t *cloning)
{
    const uintptr_t end = cloning->area.node.end;
    status_t status = copy_area(cloning);
    if (cloning->area.object != NULL) {
        return status;
    }
    for (uintptr_t address = cloning->area.node.start; status == STATUS_OK && address < end;) {
        status = share_some(cloning, &address);
    }
    return status;
}

/* Changing the original. Copies all areas. */
static status_t clone_areas(cloning_t *cloning)
{
    address_space_t *const original = cloning->original;
    uintptr_t address = USER_SPACE_START;
    for (;;) {
        const spinlock_hold_t hold = safe_list_lock(&original->areas);
        const vm_area_t *const area = area_of_node(safe_list_find_from(&original->areas, address));
        if (area != NULL) {
            cloning->area = *area;
        }
        safe_list_unlock(&original->areas, hold);
        if (area == NULL) {
            return STATUS_OK;
        }
        address = cloning->area.node.end;
        const status_t status = cloning->area.is_pending ? STATUS_OK : clone_area(cloning);
        if (status != STATUS_OK) {
            return status;
        }
    }
}

status_t address_space_clone(address_space_t *original, address_space_t **created)
{
    cloning_t cloning = {.original = original};
    status_t status = vm_space_make(original->quota, &cloning.clone);
    if (status != STATUS_OK) {
        return status;
    }
    vm_change_begin(original);
    status = clone_areas(&cloning);
    vm_change_end(original);
    if (status != STATUS_OK) {
        const status_t refusal = vm_refusal(cloning.clone);
        const status_t emptied UNUSED = vm_space_empty(cloning.clone);
        DEBUG_CHECK(emptied == STATUS_OK);
        vm_space_end(cloning.clone);
        return refusal;
    }
    vm_space_register(cloning.clone);
    vm_count_clone();
    *created = cloning.clone;
    return STATUS_OK;
}
