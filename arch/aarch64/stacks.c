/*
 * Where kernel stacks are; stacks.h draws it.
 */
#include "stacks.h"

#include "address_map.h"
#include "base/units.h"

_Static_assert(STACK_THREAD_OFFSET >= PAGE_SIZE, "a guard below");
_Static_assert(STACK_INTERRUPT_OFFSET >= STACK_THREAD_OFFSET + STACK_THREAD_BYTES + PAGE_SIZE, "a guard below");
_Static_assert(STACK_EMERGENCY_OFFSET >= STACK_INTERRUPT_OFFSET + STACK_INTERRUPT_BYTES + PAGE_SIZE, "a guard below");
_Static_assert(STACK_SLOT_BYTES >= STACK_EMERGENCY_OFFSET + STACK_EMERGENCY_BYTES, "a slot holds all stacks");
_Static_assert(ADDRESS_STACKS % STACK_SLOT_BYTES == 0, "trap_entry.S takes an address's low bits for the offset");

static const stack_place_t places[STACK_KIND_COUNT] = {
    [STACK_THREAD] = {STACK_THREAD_OFFSET, STACK_THREAD_BYTES, PAGE_SIZE},
    [STACK_INTERRUPT] = {STACK_INTERRUPT_OFFSET, STACK_INTERRUPT_BYTES, PAGE_SIZE},
    [STACK_EMERGENCY] = {STACK_EMERGENCY_OFFSET, STACK_EMERGENCY_BYTES, PAGE_SIZE},
};

const stack_layout_t stack_layout = {ADDRESS_STACKS, STACK_SLOT_BYTES, STACK_KIND_COUNT, places};
