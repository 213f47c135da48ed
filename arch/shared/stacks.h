/*
 * The kernel stacks of each CPU, in a window of their own, nothing mapped below any: overflow faults instead of spoiling
 * data.
 *
 * A port has slots of one size, a slot for each CPU, and in each the same stacks at the same places. Addresses are
 * computed, so asking about one takes no lock and works in any fault handler.
 */
#ifndef ARCH_SHARED_STACKS_H
#define ARCH_SHARED_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/machine.h"
#include "base/compiler.h"
#include "base/status.h"

/* ---- what the port brings ---- */

/* One stack of a slot: nothing is mapped in the `guard_bytes` below it. All three are multiples of PAGE_SIZE. */
typedef struct stack_place {
    uint32_t offset;
    uint32_t bytes;
    uint32_t guard_bytes;
} stack_place_t;

typedef struct stack_layout {
    uintptr_t window;
    uint64_t slot_bytes;
    unsigned count; /* of places, by the port's stack_kind_t; the first is the thread's */
    const stack_place_t *places;
} stack_layout_t;

extern const stack_layout_t stack_layout;

/* ---- what the port and its parts call ---- */

/*
 * Maps the stacks of CPU `index`, with pages and tables from `source`. STATUS_NO_MEMORY when it runs dry; what was
 * taken stays in use, and a second call goes on from there. Boot CPU.
 */
MUST_USE status_t stacks_map(uint32_t index, machine_page_source_t source, void *context);

/* Where CPU `index` has its stacks. */
uintptr_t stack_slot(uint32_t index);

/* Where stack `kind` starts: its highest address, a multiple of 16. */
uintptr_t stack_top(uint32_t index, unsigned kind);

/* Whether all of [address, address + size) is on one mapped kernel stack. */
MUST_USE bool stack_contains(uintptr_t address, size_t size);

/* Whether `address` is in the guard below a stack. */
MUST_USE bool stack_guard_contains(uintptr_t address);

#endif
