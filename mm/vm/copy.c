/*
 * Copies between the kernel and user memory: page by page, each resolved and copied under the lock, through the
 * direct map.
 *
 * A user address is a number here and nothing else. So no fault of the kernel's can come of it, and what a process
 * may not access by itself it can't access through the kernel.
 */
#include "address_space_internal.h"

/* One copy: of a part of a page, and what to do with it. */
typedef struct copy {
    address_space_t *space;
    uintptr_t address; /* the user's */
    vm_access_t access;
    bool is_load;
    size_t size;
    size_t done;
    /* Moves `size` bytes between user memory and wherever the copy's owner is; returns false to end there. */
    bool (*move)(struct copy *copy, char *user, size_t size);
    char *to;
    const char *from;
} copy_t;

static size_t part_of_page(uintptr_t address, size_t size)
{
    const size_t rest = PAGE_SIZE - (address & PAGE_OFFSET_MASK);
    return rest < size ? rest : size;
}

/* Resolves one page and moves the part of it that is next. */
static vm_fault_t copy_part(copy_t *copy, vm_supply_t *supply, bool *goes_on)
{
    address_space_t *const space = copy->space;
    const uintptr_t address = copy->address + copy->done;
    const size_t part = part_of_page(address, copy->size - copy->done);
    vm_visit_t visit = {.address = address, .access = copy->access, .is_load = copy->is_load, .supply = *supply};
    const spinlock_hold_t hold = safe_list_lock(&space->areas);
    const vm_outcome_t outcome = vm_resolve(space, &visit);
    if (outcome != VM_OUTCOME_SPURIOUS && outcome != VM_OUTCOME_FAILED && outcome != VM_OUTCOME_WANTS_SUPPLY) {
        vm_count_fault(space, outcome, visit.fault);
    }
    if (outcome != VM_OUTCOME_FAILED && outcome != VM_OUTCOME_WANTS_SUPPLY) {
        *goes_on = copy->move(copy, visit.page + (address & PAGE_OFFSET_MASK), part);
    }
    safe_list_unlock(&space->areas, hold);
    *supply = visit.supply;
    if (outcome == VM_OUTCOME_WANTS_SUPPLY) {
        vm_supply_fill(space, supply);
    } else {
        supply->has_tried = false; /* the next 2 MiB may ask again */
    }
    return visit.fault;
}

static status_t copy_all(copy_t *copy)
{
    vm_supply_t supply = {0};
    vm_fault_t fault = VM_FAULT_RESOLVED;
    bool goes_on = true;
    while (goes_on && copy->done < copy->size && fault == VM_FAULT_RESOLVED) {
        /* Also where the range wraps: address 0 is nobody's. */
        fault = copy_part(copy, &supply, &goes_on);
    }
    vm_supply_drop(copy->space, &supply);
    if (fault == VM_FAULT_RESOLVED) {
        return STATUS_OK;
    }
    return fault == VM_FAULT_NO_MEMORY    ? STATUS_NO_MEMORY
           : fault == VM_FAULT_OVER_QUOTA ? STATUS_OVER_QUOTA
                                          : STATUS_DENIED;
}

static bool move_in(copy_t *copy, char *user, size_t size)
{
    __builtin_memcpy(copy->to + copy->done, user, size);
    copy->done += size;
    return true;
}

static bool move_out(copy_t *copy, char *user, size_t size)
{
    __builtin_memcpy(user, copy->from + copy->done, size);
    copy->done += size;
    return true;
}

/* Like move_in, up to and with the end of a text. */
static bool move_text(copy_t *copy, char *user, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        copy->to[copy->done] = user[i];
        if (user[i] == '\0') {
            return false;
        }
        copy->done++;
    }
    return true;
}

static void tell(size_t *copied, const copy_t *copy)
{
    if (copied != NULL) {
        *copied = copy->done;
    }
}

status_t address_space_copy_in(address_space_t *space, void *to, uintptr_t from, size_t size, size_t *copied)
{
    copy_t copy = {.space = space, .address = from, .access = VM_READ, .size = size, .move = move_in, .to = to};
    const status_t status = copy_all(&copy);
    tell(copied, &copy);
    return status;
}

status_t address_space_copy_out(address_space_t *space, uintptr_t to, const void *from, size_t size, size_t *copied)
{
    copy_t copy = {.space = space, .address = to, .access = VM_WRITE, .size = size, .move = move_out, .from = from};
    const status_t status = copy_all(&copy);
    tell(copied, &copy);
    return status;
}

status_t address_space_load(address_space_t *space, uintptr_t to, const void *from, size_t size, size_t *copied)
{
    copy_t copy = {.space = space,
                   .address = to,
                   .access = VM_WRITE,
                   .is_load = true,
                   .size = size,
                   .move = move_out,
                   .from = from};
    const status_t status = copy_all(&copy);
    tell(copied, &copy);
    return status;
}

status_t address_space_copy_text_in(address_space_t *space, char *text, size_t capacity, uintptr_t from, size_t *length)
{
    copy_t copy = {.space = space, .address = from, .access = VM_READ, .size = capacity, .move = move_text, .to = text};
    status_t status = copy_all(&copy);
    if (status == STATUS_OK && copy.done == capacity) {
        copy.done = capacity - 1;
        status = STATUS_OUT_OF_RANGE;
    } else if (status != STATUS_OK) {
        copy.done = 0;
    }
    text[copy.done] = '\0';
    *length = copy.done;
    return status;
}
