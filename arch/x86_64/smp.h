/*
 * The hand-over between smp.c and the trampoline that starting CPUs run. For C and assembly.
 */
#ifndef X86_64_SMP_H
#define X86_64_SMP_H

/* States of the offer; smp.c tells the story. */
#define SMP_OFFER_NONE    0
#define SMP_OFFER_OPEN    1
#define SMP_OFFER_TAKEN   2
#define SMP_OFFER_RUNNING 3

#ifndef __ASSEMBLER__

#include <stdatomic.h>
#include <stdint.h>

#include "base/compiler.h"
#include "processor.h"

extern _Atomic uint32_t smp_offer;
extern processor_t *smp_offer_processor;
extern uint64_t smp_offer_stack;
extern uint64_t smp_offer_root; /* physical address of the kernel's page-table root */

/* The first C code of a secondary CPU, on its own thread stack. */
NORETURN void smp_secondary_start(processor_t *processor);

#endif

#endif
