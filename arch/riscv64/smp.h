/*
 * What a starting hart finds: the hand-over between smp.c and smp_entry.S. For C and assembly.
 */
#ifndef RISCV64_SMP_H
#define RISCV64_SMP_H

/* Offsets in smp_start_t. */
#define SMP_START_SATP      0
#define SMP_START_PROCESSOR 8
#define SMP_START_STACK     16

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "processor.h"

/* Read by its physical address, before paging is on. */
typedef struct smp_start {
    uint64_t satp;
    processor_t *processor;
    uint64_t stack;
} smp_start_t;

_Static_assert(offsetof(smp_start_t, satp) == SMP_START_SATP, "smp_entry.S relies on it");
_Static_assert(offsetof(smp_start_t, processor) == SMP_START_PROCESSOR, "smp_entry.S relies on it");
_Static_assert(offsetof(smp_start_t, stack) == SMP_START_STACK, "smp_entry.S relies on it");

/* Where harts start, at its physical address; a1 is that of an smp_start_t. */
extern char smp_entry[];

/* The first C code of a secondary CPU, on its own thread stack. */
NORETURN void smp_secondary_start(processor_t *processor);

#endif

#endif
