/*
 * A CPU that runs: what the port keeps for it beyond the kernel's cpu_t. For C and assembly.
 */
#ifndef RISCV64_PROCESSOR_H
#define RISCV64_PROCESSOR_H

/* Offsets in processor_t. */
#define PROCESSOR_KERNEL_STACK 128
#define PROCESSOR_USER_FRAME   136

#ifndef __ASSEMBLER__

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
    cpu_t cpu;                     /* tp and, in the kernel, sscratch point here */
    uint64_t kernel_stack;         /* while in user mode: what sp was before (user_entry.S) */
    struct trap_frame *user_frame; /* and where the registers go */
    _Atomic uint32_t start_state;  /* a processor_start_state_t */
    uint64_t tick_interval;        /* in counts of `time`; 0: no periodic interrupt */
    uint64_t tick_deadline;
    uintptr_t fault_instruction; /* the last fault that was put down to a stale translation, and how often in a row */
    uintptr_t fault_address;
    uint32_t fault_repeats;
    uint64_t code_count; /* user_table.c's, when this CPU last fetched anew */
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

/*
 * Has the CPUs of a set (bit i: CPU i, not the caller) forget translations of [address, address + size), or fetch instructions
 * anew; all have when it returns. Any context.
 */
void processors_flush(uint64_t cpus, uintptr_t address, uint64_t size);
void processors_fetch_code(uint64_t cpus);

/* What the bootloader left (boot/start.c). */
const boot_handoff_t *boot_handoff(void);

#endif

#endif
