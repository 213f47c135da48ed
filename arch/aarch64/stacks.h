/*
 * The kernel stacks of each CPU, in a window of their own, each with an unmapped page below it: overflow faults instead
 * of spoiling data. For C and assembly.
 *
 *   ADDRESS_STACKS + index * STACK_SLOT_BYTES
 *     | guard | thread 64 KiB | guard | interrupt 16 KiB | guard | emergency 8 KiB | guard ...
 *
 * Threads run on SP_EL0 and everything else on SP_EL1, so that a thread's overflow is reported on a stack that is whole.
 * The emergency stack is for exceptions that find SP_EL1 itself at its end (trap_entry.S).
 */
#ifndef AARCH64_STACKS_H
#define AARCH64_STACKS_H

#define STACK_SLOT_BYTES       0x20000
#define STACK_THREAD_OFFSET    0x1000
#define STACK_THREAD_BYTES     0x10000
#define STACK_INTERRUPT_OFFSET 0x12000
#define STACK_INTERRUPT_BYTES  0x4000
#define STACK_EMERGENCY_OFFSET 0x17000
#define STACK_EMERGENCY_BYTES  0x2000

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/machine.h"
#include "base/compiler.h"
#include "base/status.h"

typedef enum stack_kind { STACK_THREAD, STACK_INTERRUPT, STACK_EMERGENCY, STACK_KIND_COUNT } stack_kind_t;

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

#endif
