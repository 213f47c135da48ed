/*
 * Where kernel stacks are:
 *
 *   ADDRESS_STACKS + index << STACK_SLOT_SHIFT
 *     | guard 64 KiB | thread 64 KiB || guard | interrupt 16 KiB | free || guard | overflow 16 KiB | free || free |
 */
#include "stacks.h"

#include "address_map.h"
#include "arch/cpu.h"

#define LANE_BYTES            (1u << STACK_LANE_SHIFT)
#define GUARD_BYTES           (1u << STACK_GUARD_SHIFT)
#define PLACE_OF(kind, bytes) {(kind) * LANE_BYTES + GUARD_BYTES, (bytes), GUARD_BYTES}

_Static_assert(STACK_INTERRUPT == 1 && STACK_OVERFLOW == 2, "STACK_INTERRUPT_TOP and STACK_OVERFLOW_TOP rely on it");
_Static_assert(STACK_THREAD_SIZE <= 1 << STACK_GUARD_SHIFT, "a stack fits in the upper half of its lane");
_Static_assert(ADDRESS_STACKS + ((uint64_t)CPU_COUNT_MAX << STACK_SLOT_SHIFT) <= ADDRESS_DEVICES,
               "the window holds all");

static const stack_place_t places[STACK_KIND_COUNT] = {
    [STACK_THREAD] = PLACE_OF(STACK_THREAD, STACK_THREAD_SIZE),
    [STACK_INTERRUPT] = PLACE_OF(STACK_INTERRUPT, STACK_INTERRUPT_SIZE),
    [STACK_OVERFLOW] = PLACE_OF(STACK_OVERFLOW, STACK_OVERFLOW_SIZE),
};

const stack_layout_t stack_layout = {ADDRESS_STACKS, UINT64_C(1) << STACK_SLOT_SHIFT, STACK_KIND_COUNT, places};
