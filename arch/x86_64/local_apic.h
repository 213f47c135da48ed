/*
 * The local APIC: this CPU's timer, its end-of-interrupt, and interrupts to other CPUs (Intel SDM vol. 3, chapter 10).
 *
 * On a machine without one, local_apic_is_present() is false, the rest does nothing, and the kernel runs on one CPU,
 * without a timer.
 */
#ifndef X86_64_LOCAL_APIC_H
#define X86_64_LOCAL_APIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

/* Finds it (first call), switches it on for the calling CPU, everything masked. */
void local_apic_init_cpu(void);

MUST_USE bool local_apic_is_present(void);

/* Whether identifiers above 254 can be reached (x2APIC mode). */
MUST_USE bool local_apic_has_wide_ids(void);

/* The calling CPU's identifier. */
uint32_t local_apic_id(void);

void local_apic_end_of_interrupt(void);

/*
 * Interrupts to the CPU with this identifier. Any context. A message that does not leave in a bounded time is
 * dropped.
 */
void local_apic_send_interrupt(uint32_t id, uint8_t vector);
void local_apic_send_nmi(uint32_t id);
void local_apic_send_init(uint32_t id);
void local_apic_send_startup(uint32_t id, uint8_t page);

/*
 * The timer counts down from `count` at the bus clock over 16, once or for ever, interrupting at 0 with `vector`. 0
 * stops it.
 */
void local_apic_timer_start(uint32_t count, bool is_periodic, uint8_t vector);
uint32_t local_apic_timer_current(void);

#endif
