/*
 * What happens when a device or another CPU interrupts.
 */
#ifndef AARCH64_INTERRUPTS_H
#define AARCH64_INTERRUPTS_H

/* From the entry code: IRQ, and FIQ. */
void interrupt_dispatch(void);
void interrupt_dispatch_fast(void);

#endif
