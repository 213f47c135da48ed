/*
 * The timer's interrupt, and how its comparator is probed.
 */
#ifndef RISCV64_TIMER_H
#define RISCV64_TIMER_H

/* From the timer interrupt: sets the next one. */
void timer_interrupt(void);

/* timer_probe.S: whether stimecmp can be read. An illegal-instruction exception at the second symbol means that it can't. */
int timer_comparator_probe(void);
extern char timer_comparator_access[];

#endif
