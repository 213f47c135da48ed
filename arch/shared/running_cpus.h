/*
 * The CPUs that run, for ports with interrupts between CPUs: implements cpu_count(), cpu_by_index(), cpu_wake(), cpu_interrupt()
 * and cpu_stop_others() of arch/cpu.h. A port brings the interrupts, and calls back when one arrives.
 */
#ifndef ARCH_SHARED_RUNNING_CPUS_H
#define ARCH_SHARED_RUNNING_CPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/cpu.h"
#include "base/compiler.h"
#include "base/status.h"

/* Why one CPU interrupts another. A port may send one kind of interrupt for all: what is not meant is not found. */
typedef enum cpu_signal { CPU_SIGNAL_WAKE, CPU_SIGNAL_CALL, CPU_SIGNAL_STOP } cpu_signal_t;

/* ---- what the port brings ---- */

/*
 * Interrupts `cpu`, which runs and may be the caller. What the caller stored before is seen by the handler. Returns
 * STATUS_UNSUPPORTED when there is no way; for CPU_SIGNAL_STOP the strongest interrupt there is. Any context.
 */
MUST_USE status_t running_cpus_send(cpu_t *cpu, cpu_signal_t signal);

/* Stops the calling CPU for good. */
NORETURN void running_cpus_halt(void);

/* ---- what the port calls ---- */

/* Adds a CPU that runs. Its index is the count before, the boot CPU's the first. Boot CPU. */
void running_cpus_add(cpu_t *cpu);

/* In interrupt context, for CPU_SIGNAL_CALL: takes the call that waits for this CPU, if one does. */
void running_cpus_take_call(void);

/* For CPU_SIGNAL_STOP: does not return when this CPU is to stop. Any context. */
void running_cpus_stop_if_asked(void);

/* Whether CPU `index`, which ran, was stopped and has said so. */
MUST_USE bool running_cpus_is_stopped(uint32_t index);

/* Whether this CPU was woken since the last look: then it must not begin to wait. */
MUST_USE bool running_cpus_take_wake(void);

#endif
