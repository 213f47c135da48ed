/*
 * The hand-over between smp.c and entry.S, which starting CPUs run. For C and assembly.
 */
#ifndef AARCH64_SMP_H
#define AARCH64_SMP_H

/* States of an offer; smp.c tells the story. */
#define SMP_OFFER_NONE    0
#define SMP_OFFER_OPEN    1
#define SMP_OFFER_TAKEN   2
#define SMP_OFFER_RUNNING 3

/* Offsets in smp_offer_t. */
#define SMP_OFFER_STATE     0
#define SMP_OFFER_PROCESSOR 8
#define SMP_OFFER_STACKS    16

#ifndef __ASSEMBLER__

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "processor.h"

/* What one CPU may take: a prepared structure and stacks. */
typedef struct smp_offer {
    _Atomic uint32_t state;
    processor_t *processor;
    uint64_t interrupt_top;
    uint64_t thread_top;
} smp_offer_t;

_Static_assert(offsetof(smp_offer_t, state) == SMP_OFFER_STATE, "entry.S relies on it");
_Static_assert(offsetof(smp_offer_t, processor) == SMP_OFFER_PROCESSOR, "entry.S relies on it");
_Static_assert(offsetof(smp_offer_t, interrupt_top) == SMP_OFFER_STACKS, "entry.S relies on it");
_Static_assert(offsetof(smp_offer_t, thread_top) == SMP_OFFER_STACKS + 8, "entry.S relies on it");

/* Physical addresses of page-table roots: the lower half's on the way in, the kernel's, the lower half's afterwards. */
extern uint64_t smp_tables[3];

/* Where PSCI sends a CPU, at its physical address. */
extern const char smp_secondary_entry[];

/* The first C code of a secondary CPU, on its own thread stack. */
NORETURN void smp_secondary_start(processor_t *processor, smp_offer_t *offer);

#endif

#endif
