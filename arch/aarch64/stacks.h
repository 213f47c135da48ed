/*
 * The kernel stacks of each CPU, each with an unmapped page below it; arch/shared/stacks.h has the rest. For C and
 * assembly.
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

#include "arch/shared/stacks.h"

typedef enum stack_kind { STACK_THREAD, STACK_INTERRUPT, STACK_EMERGENCY, STACK_KIND_COUNT } stack_kind_t;

#endif

#endif
