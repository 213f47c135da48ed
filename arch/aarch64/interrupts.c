/*
 * Interrupts: what each number does. Exceptions are trap.c's, the controller gic.c's.
 *
 * Handlers run on the CPU's interrupt stack, masked, so they do not nest, and in the interrupt's allocation context
 * (arch/cpu_local.h). FIQ is the exception to both: it stops the CPU, or does nothing.
 */
#include "interrupts.h"

#include <stdatomic.h>

#include "arch/shared/running_cpus.h"
#include "arch/trap.h"
#include "base/log.h"
#include "console_device.h"
#include "gic.h"
#include "processor.h"
#include "timer.h"

/* Told once for each number, so that a storm can't fill the log; and switched off. */
static void report_unexpected(uint32_t interrupt)
{
    gic_disable(interrupt);
    log_line("interrupt: unexpected number %u", interrupt);
}

static void handle(processor_t *processor, uint32_t interrupt)
{
    switch (interrupt) {
    case INTERRUPT_WAKE:
        /* Having left WFI is the whole effect. */
        return;
    case INTERRUPT_CALL:
        running_cpus_take_call();
        return;
    case INTERRUPT_STOP:
        running_cpus_stop_if_asked();
        return;
    default:
        if (interrupt == timer_interrupt()) {
            timer_take_interrupt(processor);
            processor->cpu.timer_ticks++;
            trap_timer_tick();
        } else if (interrupt == console_interrupt()) {
            console_take_interrupt();
        } else {
            report_unexpected(interrupt);
        }
        return;
    }
}

void interrupt_dispatch(void)
{
    processor_t *const processor = processor_current();
    cpu_t *const cpu = &processor->cpu;
    struct allocation_context *const interrupted = cpu->allocation_context;
    const gic_token_t token = gic_acknowledge();

    if (token == GIC_TOKEN_NONE) {
        return;
    }
    cpu->allocation_context = cpu->interrupt_context;
    cpu->interrupt_depth++;
    atomic_signal_fence(memory_order_seq_cst);
    handle(processor, gic_number(token));
    atomic_signal_fence(memory_order_seq_cst);
    cpu->interrupt_depth--;
    cpu->allocation_context = interrupted;
    gic_end(token);
}

void interrupt_dispatch_fast(void)
{
    const gic_token_t token = gic_acknowledge_fast();

    if (token == GIC_TOKEN_NONE) {
        return;
    }
    if (gic_number(token) == INTERRUPT_STOP) {
        running_cpus_stop_if_asked();
    }
    gic_end_fast(token);
}
