/*
 * Time: the `time` counter as the clock, whose rate the device tree gives; the periodic interrupt by Sstc's comparator
 * where the CPU has one that firmware opened, else by the firmware.
 */
#include "arch/timer.h"

#include <stdbool.h>

#include "arch/trap.h"
#include "board.h"
#include "processor.h"
#include "register_probe.h"
#include "registers.h"
#include "sbi.h"
#include "timer.h"

#define NANOSECONDS_PER_SECOND UINT64_C(1000000000)
#define FREQUENCY_MAX          (UINT64_C(1) << 40)
#define NEVER                  UINT64_MAX

static uint64_t frequency; /* Hz; 0 before timer_init() */
static uint64_t counter_start;
static uint64_t counter_scale; /* nanoseconds a count, times 2^32 */
static bool has_comparator;

static uint64_t counter_now(void)
{
    return CSR_READ(time);
}

static void set_deadline(uint64_t deadline)
{
    if (has_comparator) {
        CSR_WRITE(0x14d, deadline); /* stimecmp */
    } else {
        sbi_set_timer(deadline);
    }
}

status_t timer_init(void)
{
    devicetree_node_t cpu;
    uint64_t hertz;

    if (!board_find_cpu(cpu_current()->hardware_id, &cpu) || !devicetree_timebase_frequency(&cpu, &hertz) ||
        hertz > FREQUENCY_MAX) {
        return STATUS_UNSUPPORTED;
    }
    has_comparator = devicetree_riscv_has(&cpu, "sstc") && register_probe_comparator() != 0;
    set_deadline(NEVER);
    counter_start = counter_now();
    counter_scale = (uint64_t)(((unsigned __int128)NANOSECONDS_PER_SECOND << 32) / hertz);
    frequency = hertz;
    return STATUS_OK;
}

bool timer_is_own(void)
{
    return has_comparator;
}

uint64_t timer_nanoseconds(void)
{
    if (frequency == 0) {
        return 0;
    }
    const uint64_t elapsed = counter_now() - counter_start;
    /* Harts' counters may differ by a count: before the start is the start. */
    if ((int64_t)elapsed < 0) {
        return 0;
    }
    return (uint64_t)(((unsigned __int128)elapsed * counter_scale) >> 32);
}

void timer_start_periodic(uint32_t frequency_hz)
{
    processor_t *const processor = processor_current();

    if (frequency == 0 || frequency_hz == 0) {
        return;
    }
    const uint64_t interval = frequency / frequency_hz;
    processor->tick_interval = interval == 0 ? 1 : interval;
    processor->tick_deadline = counter_now() + processor->tick_interval;
    set_deadline(processor->tick_deadline);
    CSR_SET(sie, INTERRUPT_BIT(INTERRUPT_TIMER));
}

void timer_stop_periodic(void)
{
    CSR_CLEAR(sie, INTERRUPT_BIT(INTERRUPT_TIMER));
    processor_current()->tick_interval = 0;
    set_deadline(NEVER);
}

void timer_interrupt(void)
{
    processor_t *const processor = processor_current();
    const uint64_t now = counter_now();

    if (processor->tick_interval == 0) {
        set_deadline(NEVER);
        return;
    }
    /* In step with the first one, so that the rate is right; ticks that nobody could take are left out. */
    processor->tick_deadline += processor->tick_interval;
    if ((int64_t)(processor->tick_deadline - now) <= 0) {
        processor->tick_deadline = now + processor->tick_interval;
    }
    set_deadline(processor->tick_deadline);
    processor->cpu.timer_ticks++;
    trap_timer_tick();
}
