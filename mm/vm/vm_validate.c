/*
 * The invariants of an address space, checked by walking all of it: address_space_internal.h numbers them.
 */
#include "address_space_internal.h"
#include "frame.h"
#include "mm/vm/memory_object_internal.h"

/* What a walk counts. */
typedef struct vm_walk {
    address_space_t *space;
    uint64_t bytes;
    uint64_t pages_private;
    uint64_t pages_shared;
    uint64_t pages_large;
    uint64_t pending;
} vm_walk_t;

/* V1, V2, V3: the area by itself and beside the one before it. */
static const char *validate_area(const vm_area_t *area, const vm_area_t *before)
{
    const uint64_t size = area->node.end - area->node.start;
    if (!vm_range_is_valid(area->node.start, size)) {
        return "V1";
    }
    if (before != NULL && vm_areas_say_the_same(before, area)) {
        return "V2";
    }
    const bool is_allowed = vm_access_check(area->access, area->flags) == STATUS_OK && (area->flags & VM_FIXED) == 0;
    const bool is_within = area->object == NULL || memory_object_contains(area->object, area->object_offset, size);
    return is_allowed && is_within ? NULL : "V3";
}

/* V6: whose frames these are. */
static const char *validate_frames(const vm_area_t *area, const user_leaf_t *leaf, bool is_writable)
{
    char *const first = physical_to_pointer(leaf->physical);
    if (area->object != NULL) {
        const uint64_t offset = area->object_offset + (leaf->address - area->node.start);
        const bool is_its = leaf->size == PAGE_SIZE && frame_holders(first) == 1 &&
                            memory_object_page_if_present(area->object, offset) == first;
        return is_its ? NULL : "V6";
    }
    for (uint64_t at = 0; at < leaf->size; at += PAGE_SIZE) {
        const uint64_t holders = frame_holders(first + at);
        if (holders == 0 || (is_writable && holders != 1)) {
            return "V6";
        }
    }
    return NULL;
}

static const char *validate_leaf(vm_walk_t *walk, const vm_area_t *area, const user_leaf_t *leaf)
{
    const page_access_t allowed = vm_page_access(area, true);
    if (leaf->address < area->node.start || leaf->address + leaf->size > area->node.end ||
        (area->flags & VM_GUARD) != 0 || area->is_pending) {
        return "V4";
    }
    if ((leaf->access & ~allowed) != 0 || ((leaf->access ^ allowed) & PAGE_ACCESS_HIDDEN) != 0) {
        return "V5";
    }
    if (area->object != NULL) {
        walk->pages_shared++;
    } else {
        walk->pages_private += leaf->size / PAGE_SIZE;
        walk->pages_large += leaf->size != PAGE_SIZE;
    }
    return validate_frames(area, leaf, (leaf->access & PAGE_ACCESS_WRITE) != 0);
}

/* The translations from `address` up to the end of `area`; none may lie before it. */
static const char *validate_leaves(vm_walk_t *walk, const vm_area_t *area, uintptr_t address)
{
    user_leaf_t leaf;
    const char *broken = NULL;
    while (broken == NULL && user_page_table_next(&walk->space->table, address, area->node.end, &leaf)) {
        broken = validate_leaf(walk, area, &leaf);
        address = leaf.address + leaf.size;
    }
    return broken;
}

/* V7. */
static const char *validate_counters(const vm_walk_t *walk)
{
    const address_space_stats_t *const stats = &walk->space->stats;
    const bool agrees = walk->bytes == stats->bytes_mapped && walk->pages_private == stats->pages_private &&
                        walk->pages_shared == stats->pages_shared && walk->pages_large == stats->pages_large &&
                        walk->pending == walk->space->pending_count && stats->pages_tables != 0 &&
                        stats->bytes_mapped <= stats->bytes_mapped_peak;
    return agrees ? NULL : "V7";
}

const char *address_space_validate(address_space_t *space)
{
    vm_walk_t walk = {.space = space};
    uintptr_t address = USER_SPACE_START;
    user_leaf_t leaf;
    const vm_area_t *before = NULL;
    const spinlock_hold_t hold = safe_list_lock(&space->areas);
    const char *broken = safe_list_validate(&space->areas) == NULL ? NULL : "V1";
    const vm_area_t *area = broken == NULL ? area_of_node(safe_list_find_from(&space->areas, 0)) : NULL;
    while (broken == NULL && area != NULL) {
        broken = validate_area(area, before);
        if (broken == NULL) {
            broken = validate_leaves(&walk, area, address);
        }
        walk.bytes += area->node.end - area->node.start;
        walk.pending += area->is_pending;
        address = area->node.end;
        before = area;
        area = area_of_node(safe_list_next(&space->areas, &area->node));
    }
    if (broken == NULL && address < USER_SPACE_END &&
        user_page_table_next(&space->table, address, USER_SPACE_END, &leaf)) {
        broken = "V4";
    }
    if (broken == NULL) {
        broken = validate_counters(&walk);
    }
    safe_list_unlock(&space->areas, hold);
    return broken;
}
