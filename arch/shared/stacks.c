/*
 * Kernel stacks; stacks.h says how they lie.
 */
#include "stacks.h"

#include "kernel_page_table.h"

/* One past the slots that were mapped; only the boot CPU writes it. */
static uint32_t slots_mapped;

uintptr_t stack_slot(uint32_t index)
{
    return stack_layout.window + index * stack_layout.slot_bytes;
}

uintptr_t stack_top(uint32_t index, unsigned kind)
{
    return stack_slot(index) + stack_layout.places[kind].offset + stack_layout.places[kind].bytes;
}

status_t stacks_map(uint32_t index, machine_page_source_t source, void *context)
{
    for (unsigned kind = 0; kind < stack_layout.count; kind++) {
        const uintptr_t top = stack_top(index, kind);
        for (uintptr_t at = top - stack_layout.places[kind].bytes; at < top; at += PAGE_SIZE) {
            radix_leaf_t leaf;
            if (page_table_find(at, &leaf)) {
                continue;
            }
            const status_t status = page_table_map_new_page(at, source, context);
            if (status != STATUS_OK) {
                return status;
            }
        }
    }
    if (slots_mapped <= index) {
        slots_mapped = index + 1;
    }
    return STATUS_OK;
}

/* Finds the stack whose guard or body holds `address`, and the offset from the body's start; NULL outside of all. */
static const stack_place_t *locate(uintptr_t address, int64_t *offset)
{
    if (address < stack_layout.window || address >= stack_slot(slots_mapped)) {
        return NULL;
    }
    const int64_t in_slot = (int64_t)((address - stack_layout.window) % stack_layout.slot_bytes);
    for (unsigned kind = 0; kind < stack_layout.count; kind++) {
        const stack_place_t *const place = &stack_layout.places[kind];
        *offset = in_slot - place->offset;
        if (*offset >= -(int64_t)place->guard_bytes && *offset < place->bytes) {
            return place;
        }
    }
    return NULL;
}

bool stack_contains(uintptr_t address, size_t size)
{
    int64_t offset;
    const stack_place_t *const place = locate(address, &offset);

    return place != NULL && offset >= 0 && size <= place->bytes - (uint64_t)offset;
}

bool stack_guard_contains(uintptr_t address)
{
    int64_t offset;

    return locate(address, &offset) != NULL && offset < 0;
}
