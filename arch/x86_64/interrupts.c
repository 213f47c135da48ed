/*
 * Interrupts: what each vector does. Exceptions are trap.c's.
 *
 * Handlers run on the CPU's interrupt stack, masked, so they do not nest, and in the interrupt's allocation context
 * (arch/cpu_local.h).
 */
#include "interrupts.h"

#include <stdatomic.h>

#include "arch/shared/running_cpus.h"
#include "arch/trap.h"
#include "base/log.h"
#include "local_apic.h"
#include "processor.h"
#include "registers.h"
#include "trap_frame.h"

/* The 8259 interrupt controllers (Intel 8259A data sheet). */
#define LEGACY_PRIMARY_COMMAND   0x20
#define LEGACY_PRIMARY_DATA      0x21
#define LEGACY_SECONDARY_COMMAND 0xa0
#define LEGACY_SECONDARY_DATA    0xa1
#define LEGACY_INIT              0x11 /* ICW1: edge-triggered, cascaded, ICW4 follows */
#define LEGACY_LINES             16

void interrupts_prepare(void)
{
    /* Even masked they may raise line 7, so they are first moved away from the exceptions. */
    port_write_8(LEGACY_PRIMARY_COMMAND, LEGACY_INIT);
    port_write_8(LEGACY_SECONDARY_COMMAND, LEGACY_INIT);
    port_write_8(LEGACY_PRIMARY_DATA, VECTOR_LEGACY_BASE);
    port_write_8(LEGACY_SECONDARY_DATA, VECTOR_LEGACY_BASE + 8);
    port_write_8(LEGACY_PRIMARY_DATA, 1 << 2); /* ICW3: the second one is at line 2 */
    port_write_8(LEGACY_SECONDARY_DATA, 2);
    port_write_8(LEGACY_PRIMARY_DATA, 1); /* ICW4: 8086 mode */
    port_write_8(LEGACY_SECONDARY_DATA, 1);
    port_write_8(LEGACY_PRIMARY_DATA, 0xff);
    port_write_8(LEGACY_SECONDARY_DATA, 0xff);
}

/* An interrupt that nothing here asked for: told once for each vector, so that a storm can't fill the log. */
static void report_unexpected(unsigned vector)
{
    static _Atomic uint64_t reported[VECTOR_COUNT / 64];
    const uint64_t bit = UINT64_C(1) << vector % 64;

    if ((atomic_fetch_or_explicit(&reported[vector / 64], bit, memory_order_relaxed) & bit) == 0) {
        log_line("interrupt: unexpected vector %u", vector);
    }
}

static void handle(cpu_t *cpu, unsigned vector)
{
    switch (vector) {
    case VECTOR_TIMER:
        cpu->timer_ticks++;
        local_apic_end_of_interrupt();
        trap_timer_tick();
        return;
    case VECTOR_CALL:
        local_apic_end_of_interrupt();
        running_cpus_take_call();
        return;
    case VECTOR_WAKE:
    case VECTOR_CONSOLE:
        /* Having left HLT is the whole effect. */
        local_apic_end_of_interrupt();
        return;
    case VECTOR_SPURIOUS:
        /* Not in service, so not to be ended (Intel SDM vol. 3, 10.9). */
        return;
    default:
        if (vector >= VECTOR_LEGACY_BASE + LEGACY_LINES) {
            local_apic_end_of_interrupt();
        }
        report_unexpected(vector);
        return;
    }
}

void interrupt_dispatch(const trap_frame_t *frame)
{
    cpu_t *const cpu = cpu_current();
    struct allocation_context *const interrupted = cpu->allocation_context;

    cpu->allocation_context = cpu->interrupt_context;
    cpu->interrupt_depth++;
    atomic_signal_fence(memory_order_seq_cst);
    handle(cpu, (unsigned)frame->vector);
    atomic_signal_fence(memory_order_seq_cst);
    cpu->interrupt_depth--;
    cpu->allocation_context = interrupted;
}
