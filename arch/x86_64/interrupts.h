/*
 * Vectors: which number means what on this machine, and what happens when a device or another CPU interrupts.
 */
#ifndef X86_64_INTERRUPTS_H
#define X86_64_INTERRUPTS_H

#define VECTOR_COUNT    256
#define EXCEPTION_COUNT 32

/* Exceptions that the port treats by name (Intel SDM vol. 3, table 6-1). */
#define EXCEPTION_DEBUG         1
#define EXCEPTION_NMI           2
#define EXCEPTION_BREAKPOINT    3
#define EXCEPTION_INVALID       6
#define EXCEPTION_DOUBLE_FAULT  8
#define EXCEPTION_PAGE_FAULT    14
#define EXCEPTION_MACHINE_CHECK 18

/* Interrupts. The local APIC serves higher numbers first, in groups of 16. */
#define VECTOR_LEGACY_BASE 0x20 /* the two 8259s: masked, but they can still send spurious interrupts */
#define VECTOR_CONSOLE     0x30
#define VECTOR_TIMER       0x40
#define VECTOR_WAKE        0x50
#define VECTOR_CALL        0x51
#define VECTOR_SPURIOUS    0xff

/* Silences the 8259 interrupt controllers. Boot CPU, before interrupts are enabled. */
void interrupts_prepare(void);

#endif
