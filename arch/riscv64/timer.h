/*
 * The timer's interrupt.
 */
#ifndef RISCV64_TIMER_H
#define RISCV64_TIMER_H

/* From the timer interrupt: sets the next one. */
void timer_interrupt(void);

#endif
