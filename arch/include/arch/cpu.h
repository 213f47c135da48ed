/*
 * CPUs: how many there are, starting them, and running a function on another one.
 *
 * cpu_find_all() and cpu_start_all() run once, on the boot CPU, in thread context, when the allocators are up. The rest
 * may be called from anywhere afterwards.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <stdint.h>

#include "arch/inline.h"
#include "base/compiler.h"
#include "base/status.h"

#define CPU_COUNT_MAX 64

/* Finds out (ACPI MADT, device tree) which CPUs there are. Returns how many, at least 1. */
uint32_t cpu_find_all(void);

/*
 * Starts every other CPU that was found. Each gets its cpu_t and the two allocation contexts from `prepare`, which may
 * refuse (that CPU is then left alone), enables interrupts, and then runs `idle` for good. Returns how many CPUs run,
 * this one included; a CPU that does not come up in time is reported to the log and left out.
 */
uint32_t cpu_start_all(status_t (*prepare)(cpu_t *cpu), void (*idle)(void));

/* How many CPUs run: 1 until cpu_start_all() has returned. Their indexes are 0 to cpu_count() - 1. */
uint32_t cpu_count(void);

/* The structure of a CPU that runs. */
cpu_t *cpu_by_index(uint32_t index);

/*
 * Makes CPU `index` leave its idle wait (interprocessor interrupt), or not begin the next one: a wake between its last
 * look for work and cpu_wait_for_interrupt() counts. Waking oneself is allowed and does nothing.
 */
void cpu_wake(uint32_t index);

/*
 * Has the next interrupt on CPU `index` call function(argument) in interrupt context, once, and sends that interrupt.
 * At most one call is pending for a CPU: STATUS_BUSY while an earlier one has not been taken. The calling CPU may name
 * itself.
 */
MUST_USE status_t cpu_interrupt(uint32_t index, void (*function)(void *argument), void *argument);

/*
 * Waits for the next interrupt; returns after it was handled. Interrupts are enabled during the wait and then as they
 * were before, so that a caller who masks them first loses no interrupt between looking and waiting.
 */
void cpu_wait_for_interrupt(void);

/* Stops all other CPUs for good, for panic and shutdown. Any context. */
void cpu_stop_others(void);

#endif
