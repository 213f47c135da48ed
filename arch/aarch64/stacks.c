/*
 * Where kernel stacks are; stacks.h draws it. Addresses are computed, so asking about one takes no lock and works in any
 * fault handler.
 */
#include "stacks.h"

#include "address_map.h"
#include "arch/cpu.h"
#include "page_table.h"

typedef struct stack_place {
    uint32_t offset;
    uint32_t bytes;
} stack_place_t;

static const stack_place_t places[STACK_KIND_COUNT] = {
    [STACK_THREAD] = {STACK_THREAD_OFFSET, STACK_THREAD_BYTES},
    [STACK_INTERRUPT] = {STACK_INTERRUPT_OFFSET, STACK_INTERRUPT_BYTES},
    [STACK_EMERGENCY] = {STACK_EMERGENCY_OFFSET, STACK_EMERGENCY_BYTES},
};

_Static_assert(STACK_THREAD_OFFSET >= PAGE_SIZE, "a guard below");
_Static_assert(STACK_INTERRUPT_OFFSET >= STACK_THREAD_OFFSET + STACK_THREAD_BYTES + PAGE_SIZE, "a guard below");
_Static_assert(STACK_EMERGENCY_OFFSET >= STACK_INTERRUPT_OFFSET + STACK_INTERRUPT_BYTES + PAGE_SIZE, "a guard below");
_Static_assert(STACK_SLOT_BYTES >= STACK_EMERGENCY_OFFSET + STACK_EMERGENCY_BYTES, "a slot holds all stacks");
_Static_assert(ADDRESS_STACKS % STACK_SLOT_BYTES == 0, "trap_entry.S takes an address's low bits for the offset");

/* One past the slots that were mapped; only the boot CPU writes it. */
static uint32_t slots_mapped;

uintptr_t stack_top(uint32_t index, stack_kind_t kind)
{
    return ADDRESS_STACKS + (uintptr_t)index * STACK_SLOT_BYTES + places[kind].offset + places[kind].bytes;
}

status_t stacks_map(uint32_t index, machine_page_source_t source, void *context)
{
    for (unsigned kind = 0; kind < STACK_KIND_COUNT; kind++) {
        const uintptr_t top = stack_top(index, (stack_kind_t)kind);
        for (uintptr_t at = top - places[kind].bytes; at < top; at += PAGE_SIZE) {
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

/* Whether `address` is in a slot that was mapped; its offset there. */
static bool locate(uintptr_t address, uint64_t *offset)
{
    if (address < ADDRESS_STACKS || address - ADDRESS_STACKS >= (uint64_t)slots_mapped * STACK_SLOT_BYTES) {
        return false;
    }
    *offset = (address - ADDRESS_STACKS) % STACK_SLOT_BYTES;
    return true;
}

bool stack_contains(uintptr_t address, size_t size)
{
    uint64_t offset;

    if (!locate(address, &offset)) {
        return false;
    }
    for (unsigned kind = 0; kind < STACK_KIND_COUNT; kind++) {
        if (offset >= places[kind].offset && offset - places[kind].offset < places[kind].bytes) {
            return size <= places[kind].offset + places[kind].bytes - offset;
        }
    }
    return false;
}

bool stack_guard_contains(uintptr_t address)
{
    uint64_t offset;

    if (!locate(address, &offset)) {
        return false;
    }
    for (unsigned kind = 0; kind < STACK_KIND_COUNT; kind++) {
        if (offset < places[kind].offset && places[kind].offset - offset <= PAGE_SIZE) {
            return true;
        }
    }
    return false;
}
