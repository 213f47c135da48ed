/*
 * The timer's interrupt.
 */
#ifndef RISCV64_TIMER_H
#define RISCV64_TIMER_H

#include <stdbool.h>

#include "base/compiler.h"

/* Whether the timer is the CPU's (Sstc), and not the firmware's. Once timer_init() was there. */
MUST_USE bool timer_is_own(void);

/* From the timer interrupt: sets the next one. */
void timer_interrupt(void);

#endif
