/*
 * The kernel stacks of each CPU, in a window of their own, each with an unmapped page below it: overflow faults instead
 * of spoiling data.
 */
#ifndef X86_64_STACKS_H
#define X86_64_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/machine.h"
#include "base/compiler.h"
#include "base/status.h"

/*
 * What a CPU needs a stack for. All but the thread's are in the task state's interrupt stack table (Intel SDM vol.
 * 3, 6.14.5).
 */
typedef enum stack_kind {
    STACK_THREAD,
    STACK_INTERRUPT,
    STACK_DOUBLE_FAULT,
    STACK_NMI,
    STACK_MACHINE_CHECK,
    STACK_DEBUG,
    STACK_KIND_COUNT
} stack_kind_t;

/*
 * Maps the stacks of CPU `index`, with pages and tables from `source`. STATUS_NO_MEMORY when it runs dry; what was
 * taken stays in use, and a second call goes on from there. Boot CPU.
 */
MUST_USE status_t stacks_map(uint32_t index, machine_page_source_t source, void *context);

/* Where the stack starts: its highest address, a multiple of 16. */
uintptr_t stack_top(uint32_t index, stack_kind_t kind);

/* Whether all of [address, address + size) is on one mapped kernel stack. */
MUST_USE bool stack_contains(uintptr_t address, size_t size);

/* Whether `address` is in the guard page of a stack. */
MUST_USE bool stack_guard_contains(uintptr_t address);

#endif
