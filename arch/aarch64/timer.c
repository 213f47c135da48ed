/*
 * Time: the generic timer (Arm ARM, D11). The virtual counter is the clock and the virtual timer interrupts: they are
 * what a kernel at EL1 may always use, under a hypervisor or not (entry.S sets their offset to 0 where it can).
 *
 * The counter tells its own frequency, as firmware left it in CNTFRQ_EL0 or wrote it into the device tree.
 */
#include "timer.h"

#include "arch/inline.h"
#include "arch/timer.h"
#include "gic.h"
#include "registers.h"

#define NANOSECONDS_PER_SECOND UINT64_C(1000000000)
#define VIRTUAL_TIMER          2 /* among the node's interrupts: secure, physical, virtual, hypervisor's */
#define FREQUENCY_MIN          1000u

/* CNTV_CTL_EL0 */
#define CONTROL_ENABLE 1
#define CONTROL_OFF    0

static const char *const names[] = {"arm,armv8-timer", "arm,armv7-timer"};

static uint32_t number = INTERRUPT_NONE;
static uint32_t tree_frequency;
static uint64_t frequency;
static uint64_t counter_start;
static uint64_t counter_scale; /* nanoseconds a count, times 2^32; 0 before timer_init() */

void timer_find(const devicetree_t *tree)
{
    devicetree_node_t node = devicetree_root(tree);
    devicetree_interrupt_t interrupt;
    uint32_t cursor = 0;

    if (!devicetree_find_compatible(&node, names[0])) {
        node = devicetree_root(tree);
        if (!devicetree_find_compatible(&node, names[1])) {
            return;
        }
    }
    (void)devicetree_property_u32(&node, "clock-frequency", &tree_frequency); /* only where firmware sets no register */
    for (unsigned index = 0; index <= VIRTUAL_TIMER; index++) {
        if (devicetree_next_interrupt(&node, &cursor, &interrupt) != STATUS_OK) {
            return;
        }
    }
    number = gic_number_in_tree(&interrupt);
}

uint32_t timer_interrupt(void)
{
    return number;
}

status_t timer_init(void)
{
    const uint64_t reported = SYSTEM_REGISTER_READ(cntfrq_el0) & UINT32_MAX;

    frequency = reported != 0 ? reported : tree_frequency;
    if (frequency < FREQUENCY_MIN) {
        return STATUS_UNSUPPORTED;
    }
    counter_start = cycle_counter();
    counter_scale = (NANOSECONDS_PER_SECOND << 32) / frequency;
    /* Without an interrupt there is still a clock, so that whoever looks at it waits no longer than it meant to. */
    return number != INTERRUPT_NONE && gic_is_present() ? STATUS_OK : STATUS_UNSUPPORTED;
}

uint64_t timer_nanoseconds(void)
{
    if (counter_scale == 0) {
        return 0;
    }
    return (uint64_t)(((unsigned __int128)(cycle_counter() - counter_start) * counter_scale) >> 32);
}

void timer_start_periodic(uint32_t frequency_hz)
{
    processor_t *const processor = processor_current();

    if (counter_scale == 0 || frequency_hz == 0) {
        return;
    }
    const uint64_t period = frequency / frequency_hz;
    processor->timer_period = period == 0 ? 1 : (uint32_t)period;
    processor->timer_next = cycle_counter() + processor->timer_period;
    SYSTEM_REGISTER_WRITE(cntv_cval_el0, processor->timer_next);
    SYSTEM_REGISTER_WRITE(cntv_ctl_el0, CONTROL_ENABLE);
    instruction_barrier();
    gic_enable(number, false);
}

void timer_take_interrupt(processor_t *processor)
{
    const uint64_t now = cycle_counter();

    /* Ticks that were missed are not made up for. */
    processor->timer_next += processor->timer_period;
    if ((int64_t)(processor->timer_next - now) <= 0) {
        processor->timer_next = now + processor->timer_period;
    }
    SYSTEM_REGISTER_WRITE(cntv_cval_el0, processor->timer_next);
    instruction_barrier();
}

void timer_stop_periodic(void)
{
    if (counter_scale == 0) {
        return;
    }
    SYSTEM_REGISTER_WRITE(cntv_ctl_el0, CONTROL_OFF);
    instruction_barrier();
    gic_disable(number);
}
