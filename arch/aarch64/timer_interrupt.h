/*
 * The timer, for whoever takes its interrupt.
 */
#ifndef AARCH64_TIMER_INTERRUPT_H
#define AARCH64_TIMER_INTERRUPT_H

#include <stdint.h>

#include "processor.h"

/* Its number, or INTERRUPT_NONE. */
uint32_t timer_interrupt(void);

/* Sets the calling CPU's timer to its next tick. */
void timer_take_interrupt(processor_t *processor);

#endif
