/*
 * The kernel stacks of each CPU, in a window of their own, nothing mapped below any: overflow faults instead of spoiling
 * data.
 */
#ifndef RISCV64_STACKS_H
#define RISCV64_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/machine.h"
#include "base/compiler.h"
#include "base/status.h"

/* By lane (address_map.h). Exceptions stay on the stack that they interrupt, if it has room for them. */
typedef enum stack_kind {
    STACK_THREAD,
    STACK_INTERRUPT,
    STACK_OVERFLOW, /* for exceptions on a stack that is full */
    STACK_KIND_COUNT
} stack_kind_t;

/*
 * Maps the stacks of CPU `index`, with pages and tables from `source`. STATUS_NO_MEMORY when it runs dry; what was
 * taken stays in use, and a second call goes on from there. Boot CPU.
 */
MUST_USE status_t stacks_map(uint32_t index, machine_page_source_t source, void *context);

/* Where CPU `index` has its stacks. */
uintptr_t stack_slot(uint32_t index);

/* Where the stack starts: its highest address, a multiple of 16. */
uintptr_t stack_top(uint32_t index, stack_kind_t kind);

/* Whether all of [address, address + size) is on one mapped kernel stack. */
MUST_USE bool stack_contains(uintptr_t address, size_t size);

/* Whether `address` is in the guard below a stack. */
MUST_USE bool stack_guard_contains(uintptr_t address);

#endif
