/*
 * Areas: their rules, and how they are cut and joined.
 *
 * An area is cut where a change begins and ends, so that a change concerns whole areas; afterwards neighbours that
 * say the same are joined again (V2). Cutting needs memory, which is made before anything changes.
 */
#include "address_space_internal.h"
#include "base/check.h"
#include "mm/vm/memory_object_internal.h"

kmem_cache_t *vm_area_cache;

/* ---- rules ---- */

bool vm_range_is_valid(uintptr_t address, uint64_t size)
{
    return ((address | size) & PAGE_OFFSET_MASK) == 0 && size != 0 && address >= USER_SPACE_START &&
           address < USER_SPACE_END && size <= USER_SPACE_END - address;
}

status_t vm_access_check(vm_access_t access, vm_flags_t flags)
{
    const vm_flags_t known = VM_FIXED | VM_GUARD | VM_LARGE_PAGES | VM_WX_ALLOWED;
    const bool is_known = (access & ~(VM_READ | VM_WRITE | VM_EXECUTE)) == 0 && (flags & ~known) == 0;
    if (!is_known || (access != VM_NONE && (access & VM_READ) == 0) || ((flags & VM_GUARD) != 0 && access != VM_NONE)) {
        return STATUS_INVALID;
    }
    const bool is_wx = (access & VM_WRITE) != 0 && (access & VM_EXECUTE) != 0;
    return is_wx && (flags & VM_WX_ALLOWED) == 0 ? STATUS_DENIED : STATUS_OK;
}

page_access_t vm_page_access(const vm_area_t *area, bool may_write)
{
    page_access_t access = area->access == VM_NONE ? PAGE_ACCESS_HIDDEN : PAGE_ACCESS_READ;
    if (may_write && (area->access & VM_WRITE) != 0) {
        access |= PAGE_ACCESS_WRITE;
    }
    if ((area->access & VM_EXECUTE) != 0) {
        access |= PAGE_ACCESS_EXECUTE;
    }
    return access;
}

/* ---- spare areas ---- */

void vm_spare_put(vm_area_t **spares, vm_area_t *area)
{
    area->node.parent = *spares == NULL ? NULL : &(*spares)->node;
    *spares = area;
}

vm_area_t *vm_spare_take(vm_area_t **spares)
{
    vm_area_t *const area = *spares;
    /* vm_spares_make() was told how many a change takes at most. */
    DEBUG_CHECK(area != NULL);
    __builtin_assume(area != NULL);
    *spares = area_of_node(area->node.parent);
    return area;
}

vm_area_t *vm_area_alloc(const address_space_t *space)
{
    if (!quota_take(space->quota, QUOTA_AREAS, 1)) {
        return NULL;
    }
    vm_area_t *const area = kmem_cache_alloc(vm_area_cache);
    if (area == NULL) {
        quota_give_back(space->quota, QUOTA_AREAS, 1);
    }
    return area;
}

void vm_area_free(const address_space_t *space, vm_area_t *area)
{
    kmem_cache_free(vm_area_cache, area);
    quota_give_back(space->quota, QUOTA_AREAS, 1);
}

status_t vm_refusal(const address_space_t *space)
{
    return quota_is_full(space->quota, QUOTA_PAGES) || quota_is_full(space->quota, QUOTA_AREAS) ? STATUS_OVER_QUOTA
                                                                                                : STATUS_NO_MEMORY;
}

bool vm_spares_make(const address_space_t *space, vm_area_t **spares, unsigned count)
{
    *spares = NULL;
    for (; count > 0; count--) {
        vm_area_t *const area = vm_area_alloc(space);
        if (area == NULL) {
            vm_spares_free(space, *spares);
            *spares = NULL;
            return false;
        }
        vm_spare_put(spares, area);
    }
    return true;
}

void vm_spares_free(const address_space_t *space, vm_area_t *spares)
{
    while (spares != NULL) {
        vm_area_free(space, vm_spare_take(&spares));
    }
}

/* ---- cutting and joining ---- */

bool vm_area_reaches_across(address_space_t *space, uintptr_t address)
{
    const safe_list_node_t *const node = safe_list_find(&space->areas, address);
    return node != NULL && node->start != address;
}

void vm_area_split(address_space_t *space, uintptr_t address, vm_area_t **spares)
{
    vm_area_t *const lower = area_of_node(safe_list_find(&space->areas, address));
    if (lower == NULL || lower->node.start == address) {
        return;
    }
    vm_area_t *const upper = vm_spare_take(spares);
    const uint64_t end = lower->node.end;
    *upper = *lower;
    if (upper->object != NULL) {
        (void)memory_object_retain(upper->object);
        upper->object_offset += address - lower->node.start;
    }
    const bool is_cut UNUSED = safe_list_resize(&space->areas, &lower->node, lower->node.start, address) &&
                               safe_list_insert(&space->areas, &upper->node, address, end);
    DEBUG_CHECK(is_cut);
}

bool vm_areas_say_the_same(const vm_area_t *lower, const vm_area_t *upper)
{
    return lower->node.end == upper->node.start && lower->access == upper->access && lower->flags == upper->flags &&
           lower->object == upper->object && !lower->is_pending && !upper->is_pending &&
           (lower->object == NULL ||
            lower->object_offset + (lower->node.end - lower->node.start) == upper->object_offset);
}

vm_area_t *vm_area_merge_before(address_space_t *space, vm_area_t *area, vm_area_t **spares)
{
    vm_area_t *const before = area_of_node(safe_list_previous(&space->areas, &area->node));
    if (before == NULL || !vm_areas_say_the_same(before, area)) {
        return area;
    }
    const uint64_t end = area->node.end;
    safe_list_remove(&space->areas, &area->node);
    const bool is_joined UNUSED = safe_list_resize(&space->areas, &before->node, before->node.start, end);
    DEBUG_CHECK(is_joined);
    if (area->object != NULL) {
        memory_object_release_early(area->object);
    }
    vm_spare_put(spares, area);
    return before;
}

void vm_area_merge(address_space_t *space, vm_area_t *area, vm_area_t **spares)
{
    vm_area_t *const behind = area_of_node(safe_list_next(&space->areas, &area->node));
    (void)vm_area_merge_before(space, area, spares);
    if (behind != NULL) {
        (void)vm_area_merge_before(space, behind, spares);
    }
}

void vm_merge_range(address_space_t *space, uintptr_t start, uintptr_t end)
{
    vm_area_t *spent = NULL;
    uintptr_t address = start;
    while (address <= end) {
        const spinlock_hold_t hold = safe_list_lock(&space->areas);
        vm_area_t *area = area_of_node(safe_list_find_from(&space->areas, address));
        if (area == NULL || area->node.start > end) {
            address = end + PAGE_SIZE;
        } else {
            area = vm_area_merge_before(space, area, &spent);
            address = area->node.end;
        }
        safe_list_unlock(&space->areas, hold);
    }
    vm_spares_free(space, spent);
}

void vm_count_mapped(address_space_t *space, uint64_t size)
{
    space->stats.bytes_mapped += size;
    if (space->stats.bytes_mapped > space->stats.bytes_mapped_peak) {
        space->stats.bytes_mapped_peak = space->stats.bytes_mapped;
    }
}

/* ---- getting ready for a change ---- */

/* Whether page_map() has reserved a part of the range. */
static bool has_pending(address_space_t *space, uintptr_t start, uintptr_t end)
{
    if (space->pending_count == 0) {
        return false;
    }
    const vm_area_t *area = area_of_node(safe_list_find_from(&space->areas, start));
    while (area != NULL && area->node.start < end) {
        if (area->is_pending) {
            return true;
        }
        area = area_of_node(safe_list_next(&space->areas, &area->node));
    }
    return false;
}

/* Locked. Cuts the large pages that reach across the ends; those that are cut are large no more. */
static status_t split_tables(address_space_t *space, uintptr_t start, uintptr_t end)
{
    const uintptr_t ends[] = {start, end};
    for (unsigned i = 0; i < ARRAY_COUNT(ends); i++) {
        user_leaf_t leaf;
        const bool is_inside = ends[i] > USER_SPACE_START && ends[i] < USER_SPACE_END;
        if (!is_inside || !user_page_table_next(&space->table, ends[i], ends[i] + PAGE_SIZE, &leaf) ||
            leaf.address == ends[i]) {
            continue;
        }
        const status_t status = user_page_table_split(&space->table, ends[i], vm_table_page_alloc, space);
        if (status != STATUS_OK) {
            return status;
        }
        space->stats.pages_large--;
    }
    return STATUS_OK;
}

status_t vm_prepare_range(address_space_t *space, uintptr_t start, uintptr_t end)
{
    vm_area_t *spares = NULL;
    spinlock_hold_t hold = safe_list_lock(&space->areas);
    const bool is_busy = has_pending(space, start, end);
    const unsigned cuts = (unsigned)vm_area_reaches_across(space, start) + (unsigned)vm_area_reaches_across(space, end);
    safe_list_unlock(&space->areas, hold);
    if (is_busy) {
        return STATUS_BUSY;
    }
    if (!vm_spares_make(space, &spares, cuts)) {
        return vm_refusal(space);
    }
    hold = safe_list_lock(&space->areas);
    const status_t status = split_tables(space, start, end);
    if (status == STATUS_OK) {
        vm_area_split(space, start, &spares);
        vm_area_split(space, end, &spares);
    }
    safe_list_unlock(&space->areas, hold);
    vm_spares_free(space, spares);
    return status == STATUS_OK ? STATUS_OK : vm_refusal(space);
}
