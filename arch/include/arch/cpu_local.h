/*
 * What the kernel keeps for each CPU.
 *
 * Written by its own CPU only, so that plain loads and stores do; a port reaches it in one instruction through a
 * register that it sets aside (GS base, TPIDR_EL1, tp; a thread-local on the host).
 */
#ifndef ARCH_CPU_LOCAL_H
#define ARCH_CPU_LOCAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct allocation_context; /* mm's; a port only moves the pointer */
struct check_trap;         /* base/check.h's implementation */

/*
 * Entry code swaps allocation_context to interrupt_context when an interrupt arrives and back when it is done, so
 * that a handler may allocate in the middle of the interrupted code's allocation. Interrupts do not nest. Exceptions
 * (faults) do not swap: what runs in an exception taken from kernel code must not allocate. Kernel code is not
 * preempted.
 */
typedef struct cpu {
    struct allocation_context *allocation_context; /* the one in force; offset 0, assembly relies on it */
    struct allocation_context *interrupt_context;  /* offset 8, assembly relies on it */
    struct allocation_context *thread_context;     /* offset 16 */
    struct cpu *self;              /* offset 24: where cpu_current() loads the structure's address from */
    uint64_t assembly_scratch[4];  /* offsets 32 to 63: for the port's entry code */
    uint32_t index;                /* 0 is the boot CPU; dense */
    uint32_t interrupt_depth;      /* 0 in thread context, 1 in a handler */
    uint32_t ranks_held;           /* debug builds: bit r is set while a lock of rank r is held */
    uint32_t hardware_id;          /* APIC id, MPIDR affinity, hart id */
    struct check_trap *check_trap; /* NULL, or where a failing check goes */
    uint64_t timer_ticks;          /* timer interrupts taken */
} ALIGNED(CACHE_LINE_BYTES) cpu_t;

_Static_assert(offsetof(cpu_t, allocation_context) == 0, "assembly relies on it");
_Static_assert(offsetof(cpu_t, interrupt_context) == 8, "assembly relies on it");
_Static_assert(offsetof(cpu_t, self) == 24, "assembly relies on it");
_Static_assert(offsetof(cpu_t, assembly_scratch) == 32, "assembly relies on it");

#endif
