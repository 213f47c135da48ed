/*
 * Time: the time-stamp counter as the clock, the local APIC's timer as the periodic interrupt, both measured at boot.
 *
 * Neither says how fast it counts, so both are compared with a clock of known rate: the ACPI power-management timer
 * (3.579545 MHz, ACPI 6.5, 4.8.3.3), or channel 2 of the 8254 timer (1.193182 MHz) on machines without it. All are read
 * as counts, so it works the same when an emulator counts instructions instead of time.
 *
 * On old CPUs whose counter changes speed with the core's the clock is as uneven as they are; it still never goes back.
 */
#include "arch/timer.h"

#include "acpi.h"
#include "arch/inline.h"
#include "interrupts.h"
#include "local_apic.h"
#include "registers.h"

#define NANOSECONDS_PER_SECOND UINT64_C(1000000000)

#define ACPI_TIMER_HZ        3579545u
#define ACPI_TIMER_MASK      0xffffffu /* 24 bits on every machine, 32 on some */
#define ACPI_TIMER_INTERVAL  14318u    /* 4 ms */
#define LEGACY_TIMER_HZ      1193182u
#define LEGACY_TIMER_COUNT   11932u /* 10 ms */
#define LEGACY_TIMER_DATA    0x42
#define LEGACY_TIMER_COMMAND 0x43
#define LEGACY_TIMER_MODE    0xb0 /* channel 2, low byte then high byte, interrupt on terminal count */
#define LEGACY_GATE          0x61
#define LEGACY_GATE_ENABLE   0x01
#define LEGACY_GATE_SPEAKER  0x02
#define LEGACY_GATE_OUTPUT   0x20

/* A read of an I/O port takes 100 ns at the very least: an interval that is not over after these is never over. */
#define POLLS_MAX 5000000u

/* How often a reading is repeated to get one that nothing came between. */
#define READINGS 5

typedef struct measurement {
    uint64_t reference_ticks;
    uint64_t reference_hz;
    uint64_t counter_ticks; /* time-stamp counter */
    uint64_t apic_ticks;
} measurement_t;

/* All three clocks at one moment. */
typedef struct moment {
    uint64_t counter;
    uint32_t apic;
    uint32_t reference;
} moment_t;

static uint64_t counter_start;
static uint64_t counter_scale; /* nanoseconds a count, times 2^32; 0 before timer_init() */
static uint64_t apic_hz;

/*
 * The reading with the least time between its counter reads: an emulator's host may have done something else in the
 * middle.
 */
static moment_t moment_now(uint16_t reference_port)
{
    moment_t best = {0};
    uint64_t best_width = UINT64_MAX;

    for (unsigned reading = 0; reading < READINGS; reading++) {
        const uint64_t before = cycle_counter();
        const uint32_t reference = port_read_32(reference_port) & ACPI_TIMER_MASK;
        const uint32_t apic = local_apic_timer_current();
        const uint64_t width = cycle_counter() - before;
        if (width < best_width) {
            best_width = width;
            best = (moment_t){before + width / 2, apic, reference};
        }
    }
    return best;
}

static status_t measure_by_acpi(uint16_t port, measurement_t *result)
{
    const moment_t start = moment_now(port);

    for (unsigned poll = 0; poll < POLLS_MAX; poll++) {
        if (((port_read_32(port) - start.reference) & ACPI_TIMER_MASK) >= ACPI_TIMER_INTERVAL) {
            const moment_t end = moment_now(port);
            *result = (measurement_t){
                .reference_ticks = (end.reference - start.reference) & ACPI_TIMER_MASK,
                .reference_hz = ACPI_TIMER_HZ,
                .counter_ticks = end.counter - start.counter,
                .apic_ticks = start.apic - end.apic,
            };
            return STATUS_OK;
        }
    }
    return STATUS_UNSUPPORTED;
}

static status_t measure_by_legacy(measurement_t *result)
{
    const uint8_t gate = port_read_8(LEGACY_GATE) & (uint8_t)~(LEGACY_GATE_SPEAKER | LEGACY_GATE_ENABLE);

    port_write_8(LEGACY_GATE, gate);
    port_write_8(LEGACY_TIMER_COMMAND, LEGACY_TIMER_MODE);
    port_write_8(LEGACY_TIMER_DATA, LEGACY_TIMER_COUNT & 0xff);
    port_write_8(LEGACY_TIMER_DATA, LEGACY_TIMER_COUNT >> 8);
    port_write_8(LEGACY_GATE, gate | LEGACY_GATE_ENABLE);
    const uint64_t counter = cycle_counter();
    const uint32_t apic = local_apic_timer_current();
    for (unsigned poll = 0; poll < POLLS_MAX; poll++) {
        if ((port_read_8(LEGACY_GATE) & LEGACY_GATE_OUTPUT) != 0) {
            *result = (measurement_t){
                .reference_ticks = LEGACY_TIMER_COUNT,
                .reference_hz = LEGACY_TIMER_HZ,
                .counter_ticks = cycle_counter() - counter,
                .apic_ticks = apic - local_apic_timer_current(),
            };
            port_write_8(LEGACY_GATE, gate);
            return STATUS_OK;
        }
    }
    port_write_8(LEGACY_GATE, gate);
    return STATUS_UNSUPPORTED;
}

status_t timer_init(void)
{
    const uint16_t acpi_port = acpi_info()->timer_port;
    measurement_t result = {0};
    status_t status = STATUS_UNSUPPORTED;

    if (!local_apic_is_present()) {
        return STATUS_UNSUPPORTED;
    }
    const interrupt_state_t interrupts = interrupts_save();
    local_apic_timer_start(UINT32_MAX, false, VECTOR_TIMER);
    if (acpi_port != 0) {
        status = measure_by_acpi(acpi_port, &result);
    }
    if (status != STATUS_OK) {
        status = measure_by_legacy(&result);
    }
    local_apic_timer_start(0, false, VECTOR_TIMER);
    interrupts_restore(interrupts);

    if (status != STATUS_OK || result.counter_ticks == 0 || result.apic_ticks == 0) {
        return STATUS_UNSUPPORTED;
    }
    const uint64_t interval_ns = result.reference_ticks * NANOSECONDS_PER_SECOND / result.reference_hz;
    apic_hz = result.apic_ticks * result.reference_hz / result.reference_ticks;
    counter_start = cycle_counter();
    /* The interval is at most a few seconds, so that the shifted number fits in 64 bits. */
    counter_scale = (interval_ns << 32) / result.counter_ticks;
    return counter_scale != 0 ? STATUS_OK : STATUS_UNSUPPORTED;
}

uint64_t timer_nanoseconds(void)
{
    if (counter_scale == 0) {
        return 0;
    }
    const uint64_t elapsed = cycle_counter() - counter_start;
    /* CPUs' counters may differ by a little: before the start is the start. */
    if ((int64_t)elapsed < 0) {
        return 0;
    }
    return (uint64_t)(((unsigned __int128)elapsed * counter_scale) >> 32);
}

void timer_start_periodic(uint32_t frequency_hz)
{
    if (apic_hz == 0 || frequency_hz == 0) {
        return;
    }
    const uint64_t count = apic_hz / frequency_hz;

    local_apic_timer_start(count == 0 ? 1 : count > UINT32_MAX ? UINT32_MAX : (uint32_t)count, true, VECTOR_TIMER);
}

void timer_stop_periodic(void)
{
    local_apic_timer_start(0, false, VECTOR_TIMER);
}
