/*
 * The table of running CPUs, between processor.c, which keeps it, and smp.c, which fills it.
 */
#ifndef X86_64_PROCESSORS_H
#define X86_64_PROCESSORS_H

#include <stdint.h>

#include "processor.h"

/* Adds a CPU that runs; its index is the count before. Boot CPU. */
void processors_add(processor_t *processor);

uint32_t processors_running(void);

#endif
