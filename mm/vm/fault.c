/*
 * Page faults: making true what an area promises, one page at a time.
 *
 * The decisions are drawn in address_space_internal.h. All of it happens under the space's lock but for the zeros of
 * a large page, which take long: the fault lets go, brings a run along (vm_supply_t), and asks again.
 */
#include "address_space_internal.h"
#include "base/check.h"
#include "frame.h"
#include "mm/vm/memory_object_internal.h"

/* ---- what is there already ---- */

/* Whether a translation with these rights lets user code do that. */
static bool allows(page_access_t rights, vm_access_t access)
{
    const page_access_t needed =
        ((access & VM_WRITE) != 0 ? PAGE_ACCESS_WRITE : 0) | ((access & VM_EXECUTE) != 0 ? PAGE_ACCESS_EXECUTE : 0);
    return (rights & PAGE_ACCESS_HIDDEN) == 0 && (needed & ~rights) == 0;
}

/* Gives what is present at a leaf all rights that it may have. */
static void raise(address_space_t *space, const vm_area_t *area, const user_leaf_t *leaf, bool may_write)
{
    const page_access_t access = vm_page_access(area, may_write);
    if (access != leaf->access) {
        user_page_table_protect(&space->table, leaf->address, leaf->size, access);
        /* Also on this CPU, which may remember what it was refused for. */
        user_page_table_flush(&space->table, leaf->address, leaf->size);
    }
}

/* Replaces a private page that others have, too, by a copy. */
static vm_outcome_t copy_page(address_space_t *space, const vm_area_t *area, vm_visit_t *visit, void *shared)
{
    uintptr_t address = visit->address;
    user_leaf_t old;
    char *const copy = frame_alloc(space->quota);
    if (copy == NULL) {
        return VM_OUTCOME_FAILED;
    }
    __builtin_memcpy(copy, shared, PAGE_SIZE);
    const size_t count UNUSED = user_page_table_unmap(&space->table, &address, visit->address + PAGE_SIZE, &old, 1);
    user_page_table_flush(&space->table, visit->address, PAGE_SIZE);
    /* The tables are those of the old translation, so that this needs no memory. */
    const status_t status UNUSED =
        user_page_table_map(&space->table, visit->address, pointer_to_physical(copy), PAGE_SIZE,
                            vm_page_access(area, true), vm_table_page_alloc, space);
    DEBUG_CHECK(count == 1 && status == STATUS_OK);
    frames_release(space->quota, shared, 1);
    visit->page = copy;
    return VM_OUTCOME_COPY;
}

/* A private page that is there, and must become this space's alone. */
static vm_outcome_t make_own(address_space_t *space, const vm_area_t *area, vm_visit_t *visit, user_leaf_t *leaf)
{
    void *const first = physical_to_pointer(leaf->physical);
    if (!frames_are_shared(first, leaf->size / PAGE_SIZE)) {
        raise(space, area, leaf, true);
        return VM_OUTCOME_REUSE;
    }
    if (leaf->size != PAGE_SIZE) {
        /* Only this page becomes a copy. It can't reach across both of its ends and lie at neither. */
        if (user_page_table_split(&space->table, visit->address, vm_table_page_alloc, space) != STATUS_OK ||
            user_page_table_split(&space->table, visit->address + PAGE_SIZE, vm_table_page_alloc, space) != STATUS_OK) {
            return VM_OUTCOME_FAILED;
        }
        space->stats.pages_large--;
        *leaf = (user_leaf_t){visit->address, pointer_to_physical(visit->page), PAGE_SIZE, leaf->access};
        if (frame_holders(visit->page) == 1) {
            raise(space, area, leaf, true);
            return VM_OUTCOME_REUSE;
        }
    }
    return copy_page(space, area, visit, visit->page);
}

static vm_outcome_t resolve_present(address_space_t *space, const vm_area_t *area, vm_visit_t *visit, user_leaf_t *leaf)
{
    visit->page = (char *)physical_to_pointer(leaf->physical) + (visit->address - leaf->address);
    const bool is_enough =
        visit->is_load ? area->object != NULL || frame_holders(visit->page) == 1 : allows(leaf->access, visit->access);
    if (is_enough) {
        return VM_OUTCOME_SPURIOUS;
    }
    if (area->object != NULL) {
        raise(space, area, leaf, true);
        return VM_OUTCOME_SHARED;
    }
    if (visit->access != VM_WRITE) {
        raise(space, area, leaf, (leaf->access & PAGE_ACCESS_WRITE) != 0);
        return VM_OUTCOME_REUSE;
    }
    return make_own(space, area, visit, leaf);
}

/* ---- what is not there yet ---- */

/* Maps frames for the visited address. Tables that were made for it stay when it fails. */
static bool map_frames(address_space_t *space, const vm_area_t *area, uintptr_t address, void *frames, uint64_t size)
{
    return user_page_table_map(&space->table, address, pointer_to_physical(frames), size, vm_page_access(area, true),
                               vm_table_page_alloc, space) == STATUS_OK;
}

static vm_outcome_t bring_shared(address_space_t *space, const vm_area_t *area, vm_visit_t *visit)
{
    visit->page = memory_object_page(area->object, area->object_offset + (visit->address - area->node.start));
    if (visit->page == NULL || !map_frames(space, area, visit->address, visit->page, PAGE_SIZE)) {
        return VM_OUTCOME_FAILED; /* the page is the object's, and stays */
    }
    space->stats.pages_shared++;
    return VM_OUTCOME_SHARED;
}

/* Whether the 2 MiB around `address` are the area's, and empty. */
static bool may_be_large(const address_space_t *space, const vm_area_t *area, uintptr_t address)
{
    const uintptr_t start = align_down(address, USER_LARGE_PAGE_SIZE);
    user_leaf_t leaf;
    return (area->flags & VM_LARGE_PAGES) != 0 && start >= area->node.start &&
           start + USER_LARGE_PAGE_SIZE <= area->node.end &&
           !user_page_table_next(&space->table, start, start + USER_LARGE_PAGE_SIZE, &leaf);
}

static vm_outcome_t bring_large(address_space_t *space, const vm_area_t *area, vm_visit_t *visit)
{
    const uintptr_t start = align_down(visit->address, USER_LARGE_PAGE_SIZE);
    user_leaf_t leaf;
    char *const run = visit->supply.large;
    if (!map_frames(space, area, start, run, USER_LARGE_PAGE_SIZE)) {
        return VM_OUTCOME_FAILED;
    }
    visit->supply.large = NULL;
    visit->page = run + (visit->address - start);
    space->stats.pages_private += FRAMES_PER_LARGE_PAGE;
    /* A table of small pages that had been left here is used again: then it is as many small ones. */
    space->stats.pages_large +=
        user_page_table_next(&space->table, start, start + PAGE_SIZE, &leaf) && leaf.size == USER_LARGE_PAGE_SIZE;
    return VM_OUTCOME_ZERO;
}

static vm_outcome_t bring_private(address_space_t *space, const vm_area_t *area, vm_visit_t *visit)
{
    if (may_be_large(space, area, visit->address)) {
        if (visit->supply.large != NULL) {
            return bring_large(space, area, visit);
        }
        if (!visit->supply.has_tried) {
            return VM_OUTCOME_WANTS_SUPPLY;
        }
    }
    visit->page = frame_alloc_zeroed(space->quota);
    if (visit->page == NULL) {
        return VM_OUTCOME_FAILED;
    }
    if (!map_frames(space, area, visit->address, visit->page, PAGE_SIZE)) {
        frames_release(space->quota, visit->page, 1);
        return VM_OUTCOME_FAILED;
    }
    space->stats.pages_private++;
    return VM_OUTCOME_ZERO;
}

/* ---- the decision ---- */

static vm_fault_t may_access(const vm_area_t *area, const vm_visit_t *visit)
{
    if (area == NULL || area->is_pending) {
        return VM_FAULT_NO_AREA;
    }
    if ((area->flags & VM_GUARD) != 0) {
        return VM_FAULT_GUARD;
    }
    return visit->is_load || (visit->access & ~area->access) == 0 ? VM_FAULT_RESOLVED : VM_FAULT_DENIED;
}

vm_outcome_t vm_resolve(address_space_t *space, vm_visit_t *visit)
{
    user_leaf_t leaf;
    visit->address = align_down(visit->address, PAGE_SIZE);
    const vm_area_t *const area = area_of_node(safe_list_find(&space->areas, visit->address));
    visit->fault = may_access(area, visit);
    if (visit->fault != VM_FAULT_RESOLVED) {
        return VM_OUTCOME_FAILED;
    }
    vm_outcome_t outcome;
    if (user_page_table_next(&space->table, visit->address, visit->address + PAGE_SIZE, &leaf)) {
        outcome = resolve_present(space, area, visit, &leaf);
    } else {
        outcome = area->object != NULL ? bring_shared(space, area, visit) : bring_private(space, area, visit);
    }
    if (outcome == VM_OUTCOME_FAILED) {
        const bool is_over = quota_is_full(space->quota, QUOTA_PAGES) ||
                             (area->object != NULL && quota_is_full(area->object->quota, QUOTA_PAGES));
        visit->fault = is_over ? VM_FAULT_OVER_QUOTA : VM_FAULT_NO_MEMORY;
    }
    return outcome;
}

void vm_supply_fill(const address_space_t *space, vm_supply_t *supply)
{
    supply->large = frame_alloc_large(space->quota);
    supply->has_tried = true;
}

void vm_supply_drop(const address_space_t *space, vm_supply_t *supply)
{
    if (supply->large != NULL) {
        frames_release(space->quota, supply->large, FRAMES_PER_LARGE_PAGE);
    }
}

void vm_count_fault(address_space_t *space, vm_outcome_t outcome, vm_fault_t fault)
{
    address_space_stats_t *const stats = &space->stats;
    switch (outcome) {
    case VM_OUTCOME_SPURIOUS:
        stats->faults_spurious++;
        break;
    case VM_OUTCOME_ZERO:
        stats->faults_zero++;
        break;
    case VM_OUTCOME_COPY:
        stats->faults_copy++;
        break;
    case VM_OUTCOME_REUSE:
        stats->faults_reuse++;
        break;
    case VM_OUTCOME_SHARED:
        stats->faults_shared++;
        break;
    default:
        if (fault == VM_FAULT_NO_MEMORY || fault == VM_FAULT_OVER_QUOTA) {
            stats->faults_no_memory++;
        } else {
            stats->faults_refused++;
        }
        break;
    }
}

vm_fault_t address_space_fault(address_space_t *space, uintptr_t address, vm_access_t access)
{
    vm_visit_t visit = {.address = address, .access = access};
    vm_outcome_t outcome;
    do {
        const spinlock_hold_t hold = safe_list_lock(&space->areas);
        outcome = vm_resolve(space, &visit);
        if (outcome == VM_OUTCOME_SPURIOUS) {
            /* This CPU remembers what is no longer so. */
            user_page_table_flush(&space->table, visit.address, PAGE_SIZE);
        }
        if (outcome != VM_OUTCOME_WANTS_SUPPLY) {
            vm_count_fault(space, outcome, visit.fault);
        }
        safe_list_unlock(&space->areas, hold);
        if (outcome == VM_OUTCOME_WANTS_SUPPLY) {
            vm_supply_fill(space, &visit.supply);
        }
    } while (outcome == VM_OUTCOME_WANTS_SUPPLY);
    vm_supply_drop(space, &visit.supply);
    return visit.fault;
}
