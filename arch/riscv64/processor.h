/*
 * A CPU that runs: what the port keeps for it beyond the kernel's cpu_t.
 */
#ifndef RISCV64_PROCESSOR_H
#define RISCV64_PROCESSOR_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/cpu_local.h"
#include "base/compiler.h"
#include "base/units.h"

/* cpu_t's assembly_scratch, by what trap_entry.S uses each word for. */
#define SCRATCH_STACK_SLOT \
    3 /* the number of this CPU's stack slot: an address on its stacks, shifted by STACK_SLOT_SHIFT */

/* A CPU on its way (smp.c). */
typedef enum processor_start_state { START_EXPECTED, START_RUNNING, START_GIVEN_UP } processor_start_state_t;

typedef struct processor {
    cpu_t cpu;                    /* tp and, in the kernel, sscratch point here */
    _Atomic uint32_t start_state; /* a processor_start_state_t */
    uint64_t tick_interval;       /* in counts of `time`; 0: no periodic interrupt */
    uint64_t tick_deadline;
    uintptr_t fault_instruction; /* the last fault that was put down to a stale translation, and how often in a row */
    uintptr_t fault_address;
    uint32_t fault_repeats;
} processor_t;

_Static_assert(sizeof(processor_t) <= PAGE_SIZE, "one page holds one");

static inline processor_t *processor_current(void)
{
    return CONTAINER_OF(cpu_current(), processor_t, cpu);
}

/* The boot CPU's, ready from the first line of C. */
extern processor_t boot_processor;

/* Fills in a structure for CPU `index`, which is all zero. Its stacks are mapped by then or before it runs. */
void processor_init(processor_t *processor, uint32_t index, uint32_t hart);

/* From the software interrupt: does what another CPU sent it for. */
void processor_software_interrupt(void);

/* What the bootloader left (boot/start.c). */
const boot_handoff_t *boot_handoff(void);

#endif
