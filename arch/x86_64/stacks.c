/*
 * Where kernel stacks are:
 *
 *   ADDRESS_STACKS + index * STACK_SLOT_BYTES
 *     | guard | thread 64 KiB | guard | interrupt 16 KiB | guard | double fault 8 KiB | guard | NMI 8 KiB | ...
 *
 * Addresses are computed, so asking about one takes no lock and works in any fault handler.
 */
#include "stacks.h"

#include "address_map.h"
#include "arch/cpu.h"
#include "page_table.h"

#define STACK_GUARD_BYTES PAGE_SIZE
#define STACK_SLOT_BYTES  KIB(256)

static const uint32_t stack_bytes[STACK_KIND_COUNT] = {
    [STACK_THREAD] = KIB(64), [STACK_INTERRUPT] = KIB(16),    [STACK_DOUBLE_FAULT] = KIB(8),
    [STACK_NMI] = KIB(8),     [STACK_MACHINE_CHECK] = KIB(8), [STACK_DEBUG] = KIB(8),
};

_Static_assert(KIB(64 + 16 + 4 * 8) + STACK_KIND_COUNT * STACK_GUARD_BYTES <= STACK_SLOT_BYTES,
               "a slot holds all stacks");

/* One past the slots that were mapped; only the boot CPU writes it. */
static uint32_t slots_mapped;

uintptr_t stack_top(uint32_t index, stack_kind_t kind)
{
    uintptr_t top = ADDRESS_STACKS + index * STACK_SLOT_BYTES;

    for (unsigned below = 0; below <= (unsigned)kind; below++) {
        top += STACK_GUARD_BYTES + stack_bytes[below];
    }
    return top;
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

/* Finds the stack whose guard or body holds `address`, as an offset into that pair; false outside of all stacks. */
static bool locate(uintptr_t address, uint64_t *offset, uint64_t *pair_bytes)
{
    if (address < ADDRESS_STACKS || address - ADDRESS_STACKS >= slots_mapped * STACK_SLOT_BYTES) {
        return false;
    }
    uint64_t rest = (address - ADDRESS_STACKS) % STACK_SLOT_BYTES;
    for (unsigned kind = 0; kind < STACK_KIND_COUNT; kind++) {
        const uint64_t pair = STACK_GUARD_BYTES + stack_bytes[kind];
        if (rest < pair) {
            *offset = rest;
            *pair_bytes = pair;
            return true;
        }
        rest -= pair;
    }
    return false;
}

bool stack_contains(uintptr_t address, size_t size)
{
    uint64_t offset;
    uint64_t pair_bytes;

    return locate(address, &offset, &pair_bytes) && offset >= STACK_GUARD_BYTES && size <= pair_bytes - offset;
}

bool stack_guard_contains(uintptr_t address)
{
    uint64_t offset;
    uint64_t pair_bytes;

    return locate(address, &offset, &pair_bytes) && offset < STACK_GUARD_BYTES;
}
