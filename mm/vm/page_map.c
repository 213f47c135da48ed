/*
 * page_map: pages of one process in another, through a memory object.
 *
 * Three steps, each under the locks of one space, so that two processes which map each other's pages can't wait for
 * each other:
 *
 *   1  the target reserves the place: a pending area, which nobody can use or change
 *   2  the source's pages become an object's, unless they are already: what can fail comes first, then all pages move
 *   3  the target's area gets the object, and is pending no more
 *
 * A failure in step 2 takes the reservation back. Step 3 can't fail.
 */
#include "address_space_internal.h"
#include "base/check.h"
#include "frame.h"
#include "mm/vm/memory_object_internal.h"

_Static_assert(PAGE_MAP_SIZE_MAX / PAGE_SIZE <= ADDRESS_SPACE_BATCH_PAGES, "one hold of the lock moves all pages");

/* Step 2: what is asked of the source, and what comes out. */
typedef struct lending {
    address_space_t *space;
    uintptr_t start;
    uintptr_t end;
    vm_access_t access; /* the target's */
    memory_object_t *object;
    uint64_t offset;
} lending_t;

/* Changing. Whether one area covers the range with the rights, and whose pages it has. */
static status_t look(lending_t *lending)
{
    status_t status = STATUS_OK;
    const spinlock_hold_t hold = safe_list_lock(&lending->space->areas);
    const vm_area_t *const area = area_of_node(safe_list_find(&lending->space->areas, lending->start));
    if (area == NULL || area->is_pending || area->node.end < lending->end) {
        status = STATUS_NOT_FOUND;
    } else if ((area->flags & VM_GUARD) != 0 || (lending->access & ~area->access) != 0) {
        status = STATUS_DENIED;
    } else if (area->object != NULL) {
        lending->object = memory_object_retain(area->object);
        lending->offset = area->object_offset + (lending->start - area->node.start);
    }
    safe_list_unlock(&lending->space->areas, hold);
    return status;
}

/*
 * Locked. What can fail about moving pages into the object: large pages become small ones, and of pages that other
 * spaces have, too, the object gets a copy.
 */
static status_t prepare_pages(lending_t *lending)
{
    address_space_t *const space = lending->space;
    user_leaf_t leaf;
    for (uintptr_t at = lending->start; user_page_table_next(&space->table, at, lending->end, &leaf);
         at = leaf.address + PAGE_SIZE) {
        if (leaf.size != PAGE_SIZE) {
            if (user_page_table_split(&space->table, leaf.address + PAGE_SIZE, vm_table_page_alloc, space) !=
                STATUS_OK) {
                return STATUS_NO_MEMORY;
            }
            space->stats.pages_large--;
        }
        const void *const frame = physical_to_pointer(leaf.physical);
        if (frame_holders(frame) != 1) {
            void *const copy = frame_alloc(space->quota);
            if (copy == NULL) {
                return STATUS_NO_MEMORY;
            }
            __builtin_memcpy(copy, frame, PAGE_SIZE);
            memory_object_adopt(lending->object, leaf.address - lending->start, copy);
        }
    }
    return STATUS_OK;
}

/* Locked. Moves one page: the object has it from now on, or a copy, which the next fault will find. */
static void move_page(lending_t *lending, const user_leaf_t *leaf)
{
    address_space_t *const space = lending->space;
    const uint64_t offset = leaf->address - lending->start;
    void *const frame = physical_to_pointer(leaf->physical);
    space->stats.pages_private--;
    if (memory_object_page_if_present(lending->object, offset) == NULL) {
        memory_object_adopt(lending->object, offset, frame);
        space->stats.pages_shared++;
        return;
    }
    user_leaf_t old;
    uintptr_t address = leaf->address;
    const size_t count UNUSED = user_page_table_unmap(&space->table, &address, leaf->address + PAGE_SIZE, &old, 1);
    DEBUG_CHECK(count == 1);
    user_page_table_flush(&space->table, leaf->address, PAGE_SIZE);
    frames_release(space->quota, frame, 1);
}

/* Changing. Private pages become those of a new object. */
static status_t convert(lending_t *lending)
{
    address_space_t *const space = lending->space;
    status_t status = memory_object_create_for(space->quota, lending->end - lending->start, &lending->object);
    if (status != STATUS_OK) {
        return status;
    }
    lending->offset = 0;
    status = memory_object_prepare(lending->object);
    if (status == STATUS_OK) {
        status = vm_prepare_range(space, lending->start, lending->end);
    }
    spinlock_hold_t hold = safe_list_lock(&space->areas);
    if (status == STATUS_OK) {
        status = prepare_pages(lending);
    }
    vm_area_t *const area = area_of_node(safe_list_find(&space->areas, lending->start));
    if (status == STATUS_OK) {
        user_leaf_t leaf;
        for (uintptr_t at = lending->start; user_page_table_next(&space->table, at, lending->end, &leaf);
             at = leaf.address + PAGE_SIZE) {
            move_page(lending, &leaf);
        }
        area->object = memory_object_retain(lending->object);
        area->object_offset = 0;
        area->flags &= ~VM_LARGE_PAGES;
    }
    safe_list_unlock(&space->areas, hold);
    if (status != STATUS_OK) {
        status = status == STATUS_NO_MEMORY ? vm_refusal(space) : status;
        vm_merge_range(space, lending->start, lending->end);
        memory_object_release(lending->object);
    }
    return status;
}

/* Step 2. */
static status_t lend(lending_t *lending)
{
    vm_change_begin(lending->space);
    status_t status = look(lending);
    if (status == STATUS_OK && lending->object == NULL) {
        status = convert(lending);
    }
    vm_change_end(lending->space);
    if (status == STATUS_OK) {
        memory_object_disown(lending->object);
    }
    return status;
}

/* Takes the reservation back. */
static void cancel(address_space_t *to, vm_area_t *area)
{
    vm_change_begin(to);
    const spinlock_hold_t hold = safe_list_lock(&to->areas);
    to->stats.bytes_mapped -= area->node.end - area->node.start;
    to->pending_count--;
    safe_list_remove(&to->areas, &area->node);
    safe_list_unlock(&to->areas, hold);
    vm_change_end(to);
    vm_area_free(to, area);
}

/* Step 3. The area's reference is the caller's. */
static void fill(address_space_t *to, vm_area_t *area, const lending_t *lending)
{
    vm_area_t *spent = NULL;
    vm_change_begin(to);
    const spinlock_hold_t hold = safe_list_lock(&to->areas);
    area->object = lending->object;
    area->object_offset = lending->offset;
    area->is_pending = false;
    to->pending_count--;
    vm_area_merge(to, area, &spent);
    safe_list_unlock(&to->areas, hold);
    vm_change_end(to);
    vm_spares_free(to, spent);
}

status_t page_map(address_space_t *from, uintptr_t address, uint64_t size, address_space_t *to,
                  const vm_request_t *request, uintptr_t *mapped)
{
    vm_area_t *area;
    vm_request_t reservation = *request;
    lending_t lending = {.space = from, .start = address, .end = address + size, .access = request->access};
    if (!vm_range_is_valid(address, size) || size > PAGE_MAP_SIZE_MAX ||
        (request->flags & (VM_GUARD | VM_LARGE_PAGES)) != 0) {
        return STATUS_INVALID;
    }
    reservation.size = size;
    reservation.object = NULL;
    status_t status = vm_area_make(to, &reservation, true, mapped, &area);
    if (status != STATUS_OK) {
        return status;
    }
    status = lend(&lending);
    if (status != STATUS_OK) {
        cancel(to, area);
        return status;
    }
    fill(to, area, &lending);
    return STATUS_OK;
}
