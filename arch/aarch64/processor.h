/*
 * What the port keeps for each CPU, around the kernel's cpu_t.
 */
#ifndef AARCH64_PROCESSOR_H
#define AARCH64_PROCESSOR_H

#include <stdint.h>

#include "arch/cpu.h"
#include "arch/cpu_local.h"
#include "base/compiler.h"
#include "base/units.h"

typedef struct processor {
    cpu_t cpu;             /* X18 and TPIDR_EL1 point here */
    uint64_t affinity;     /* MPIDR_EL1's Aff3 to Aff0, in their places */
    uint32_t gic_target;   /* GICv2: the CPU's bit */
    uint32_t timer_period; /* counts between ticks; 0 while there are none */
    uint64_t timer_next;
    volatile void *redistributor;       /* GICv3 */
    struct user_page_table *user_table; /* that TTBR0_EL1 leads to; NULL: none */
} processor_t;

_Static_assert(sizeof(processor_t) <= PAGE_SIZE, "one page holds one");

static inline processor_t *processor_current(void)
{
    return CONTAINER_OF(cpu_current(), processor_t, cpu);
}

/* MPIDR_EL1's affinity, and the same in the 32 bits of cpu_t's hardware_id. */
#define PROCESSOR_AFFINITY_MASK UINT64_C(0xff00ffffff)

static inline uint32_t processor_hardware_id(uint64_t affinity)
{
    return (uint32_t)((affinity & 0xffffff) | (affinity >> 32 & 0xff) << 24);
}

/* The boot CPU's, ready from the first line of C. */
extern processor_t boot_processor;

/*
 * Makes `processor` the calling CPU's, and the port's vectors its own. `emergency_top` is where exceptions go that find no
 * stack.
 */
void processor_attach(processor_t *processor, uintptr_t emergency_top);

/*
 * Switches on what the calling CPU offers against user code, and everything off that user code has no business with. The
 * kernel's own tables are in force, and no user's. In cpu_features.c, which shows it.
 */
void processor_protect(void);

/* Has the calling CPU check memory tags, if they are in use (memory_tags.c); shows that they are (cpu_features.c). */
void processor_check_tags(void);
void processor_note_tags(void);

#endif
