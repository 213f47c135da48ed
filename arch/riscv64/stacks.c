/*
 * Where kernel stacks are:
 *
 *   ADDRESS_STACKS + index << STACK_SLOT_SHIFT
 *     | guard 64 KiB | thread 64 KiB || guard | interrupt 16 KiB | free || guard | overflow 16 KiB | free || free |
 *
 * Addresses are computed, so asking about one takes no lock and works in any fault handler.
 */
#include "stacks.h"

#include "address_map.h"
#include "arch/cpu.h"
#include "page_table.h"

#define LANE_BYTES  (UINT64_C(1) << STACK_LANE_SHIFT)
#define GUARD_BYTES (UINT64_C(1) << STACK_GUARD_SHIFT)

static const uint32_t stack_bytes[STACK_KIND_COUNT] = {
    [STACK_THREAD] = STACK_THREAD_SIZE,
    [STACK_INTERRUPT] = STACK_INTERRUPT_SIZE,
    [STACK_OVERFLOW] = STACK_OVERFLOW_SIZE,
};

_Static_assert(STACK_INTERRUPT == 1 && STACK_OVERFLOW == 2, "STACK_INTERRUPT_TOP and STACK_OVERFLOW_TOP rely on it");
_Static_assert(STACK_THREAD_SIZE <= 1 << STACK_GUARD_SHIFT, "a stack fits in the upper half of its lane");
_Static_assert(ADDRESS_STACKS + ((uint64_t)CPU_COUNT_MAX << STACK_SLOT_SHIFT) <= ADDRESS_DEVICES,
               "the window holds all");

/* One past the slots that were mapped; only the boot CPU writes it. */
static uint32_t slots_mapped;

uintptr_t stack_slot(uint32_t index)
{
    return ADDRESS_STACKS + ((uintptr_t)index << STACK_SLOT_SHIFT);
}

uintptr_t stack_top(uint32_t index, stack_kind_t kind)
{
    return stack_slot(index) + (uintptr_t)kind * LANE_BYTES + GUARD_BYTES + stack_bytes[kind];
}

status_t stacks_map(uint32_t index, machine_page_source_t source, void *context)
{
    for (unsigned kind = 0; kind < STACK_KIND_COUNT; kind++) {
        const uintptr_t top = stack_top(index, (stack_kind_t)kind);
        for (uintptr_t at = top - stack_bytes[kind]; at < top; at += PAGE_SIZE) {
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

/* Finds the lane of a stack that holds `address`, as an offset into it; false outside of all. */
static bool locate(uintptr_t address, uint64_t *offset, uint32_t *size)
{
    if (address < ADDRESS_STACKS || address >= stack_slot(slots_mapped)) {
        return false;
    }
    const uint64_t lane = (address >> STACK_LANE_SHIFT) % (UINT64_C(1) << (STACK_SLOT_SHIFT - STACK_LANE_SHIFT));
    if (lane >= STACK_KIND_COUNT) {
        return false;
    }
    *offset = address % LANE_BYTES;
    *size = stack_bytes[lane];
    return true;
}

bool stack_contains(uintptr_t address, size_t size)
{
    uint64_t offset;
    uint32_t stack_size;

    return locate(address, &offset, &stack_size) && offset >= GUARD_BYTES && size <= stack_size &&
           offset - GUARD_BYTES <= stack_size - size;
}

bool stack_guard_contains(uintptr_t address)
{
    uint64_t offset;
    uint32_t size;

    return locate(address, &offset, &size) && offset < GUARD_BYTES;
}
