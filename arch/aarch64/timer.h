/*
 * The timer, for whoever finds it and takes its interrupt.
 */
#ifndef AARCH64_TIMER_H
#define AARCH64_TIMER_H

#include <stdint.h>

#include "arch/shared/devicetree.h"
#include "processor.h"

/* Finds the timer's interrupt in the tree. Boot CPU, after gic_find() and before timer_init(). */
void timer_find(const devicetree_t *tree);

/* Its number, or INTERRUPT_NONE. */
uint32_t timer_interrupt(void);

/* Sets the calling CPU's timer to its next tick. */
void timer_take_interrupt(processor_t *processor);

#endif
