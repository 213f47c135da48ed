/*
 * Starting the other CPUs (Intel SDM vol. 3, 8.4.4: INIT, then two start-up messages).
 *
 * One CPU is started at a time. The boot CPU makes an offer: a prepared structure and stacks. The CPU that wakes in the
 * trampoline takes the offer by one compare-and-exchange, before it touches anything else; if it is late and the offer
 * was withdrawn, it stops there:
 *
 *   NONE -> OFFERED (boot CPU) -> TAKEN (the new CPU) -> RUNNING (the new CPU, ready for work)
 *              '-> NONE (boot CPU, after TAKE_NANOSECONDS: that CPU is left out, the structure serves for the next)
 *
 * A CPU that took the offer but never got to RUNNING owns the structure and the stacks for good; starting ends there,
 * so that indexes stay dense.
 */
#include "smp.h"

#include "acpi.h"
#include "address_map.h"
#include "arch/shared/start_cpus.h"
#include "arch/timer.h"
#include "arch/trap.h"
#include "base/log.h"
#include "local_apic.h"
#include "page_table.h"
#include "processor.h"
#include "registers.h"
#include "stacks.h"

#define INIT_NANOSECONDS    UINT64_C(10000000)
#define STARTUP_NANOSECONDS UINT64_C(200000)
#define TAKE_NANOSECONDS    UINT64_C(2000000000)
#define RUN_NANOSECONDS     UINT64_C(5000000000)

/* Without a clock: a read of this port (the POST code's) takes about a microsecond. */
#define DELAY_PORT           0x80
#define NANOSECONDS_PER_READ 1000

#define NARROW_ID_MAX 254 /* what an xAPIC can name */

extern const char smp_trampoline_start[], smp_trampoline_end[];
extern const char smp_trampoline_root[], smp_trampoline_efer[];

_Atomic uint32_t smp_offer;
processor_t *smp_offer_processor;
uint64_t smp_offer_stack;
uint64_t smp_offer_root;

static void (*secondary_idle)(void);

uint32_t cpu_find_all(void)
{
    const acpi_info_t *const info = acpi_info();

    boot_processor.cpu.hardware_id = local_apic_id();
    if (info->cpus_left_out != 0) {
        log_line("cpu: %u CPUs beyond the first %u are left alone", info->cpus_left_out, CPU_COUNT_MAX);
    }
    return info->cpu_id_count == 0 || !local_apic_is_present() ? 1 : info->cpu_id_count;
}

/* Measures a wait: by the clock, or by reads of a slow port when there is none. */
typedef struct stopwatch {
    uint64_t start;
    uint64_t passed;
} stopwatch_t;

static stopwatch_t stopwatch_start(void)
{
    return (stopwatch_t){timer_nanoseconds(), 0};
}

/* Passes a moment; returns the nanoseconds since the start. */
static uint64_t stopwatch_step(stopwatch_t *watch)
{
    (void)port_read_8(DELAY_PORT);
    cpu_relax();
    const uint64_t now = timer_nanoseconds();
    watch->passed = now != 0 ? now - watch->start : watch->passed + NANOSECONDS_PER_READ;
    return watch->passed;
}

static void delay(uint64_t nanoseconds)
{
    stopwatch_t watch = stopwatch_start();

    while (stopwatch_step(&watch) < nanoseconds) {
    }
}

/* Waits until the offer has left `state`; false when that takes too long. */
static bool wait_while(uint32_t state, uint64_t nanoseconds)
{
    stopwatch_t watch = stopwatch_start();

    while (atomic_load_explicit(&smp_offer, memory_order_acquire) == state) {
        if (stopwatch_step(&watch) >= nanoseconds) {
            return false;
        }
    }
    return true;
}

/* Copies the trampoline to its page and fills in what it needs before it can reach the kernel's memory. */
static status_t trampoline_install(void)
{
    char *const page = physical_to_pointer(physical_address(PHYSICAL_TRAMPOLINE));
    physical_address_t root;
    const status_t status = page_table_trampoline_root(&root);

    if (status != STATUS_OK) {
        return status;
    }
    __builtin_memcpy(page, smp_trampoline_start, (size_t)(smp_trampoline_end - smp_trampoline_start));
    const uint32_t root_low = (uint32_t)root.value;
    const uint32_t efer = (uint32_t)msr_read(MSR_EFER);
    __builtin_memcpy(page + (smp_trampoline_root - smp_trampoline_start), &root_low, sizeof(root_low));
    __builtin_memcpy(page + (smp_trampoline_efer - smp_trampoline_start), &efer, sizeof(efer));
    smp_offer_root = page_table_root_physical().value;
    return STATUS_OK;
}

start_result_t start_cpus_one(cpu_t *cpu, uint64_t id, uint32_t position)
{
    uint32_t expected = SMP_OFFER_OPEN;

    (void)position;
    cpu->hardware_id = (uint32_t)id;
    smp_offer_processor = CONTAINER_OF(cpu, processor_t, cpu);
    smp_offer_stack = stack_top(cpu->index, STACK_THREAD);
    atomic_store_explicit(&smp_offer, SMP_OFFER_OPEN, memory_order_release);

    local_apic_send_startup(cpu->hardware_id, PHYSICAL_TRAMPOLINE >> PAGE_SHIFT);
    if (!wait_while(SMP_OFFER_OPEN, STARTUP_NANOSECONDS)) {
        local_apic_send_startup(cpu->hardware_id, PHYSICAL_TRAMPOLINE >> PAGE_SHIFT);
        if (!wait_while(SMP_OFFER_OPEN, TAKE_NANOSECONDS) &&
            atomic_compare_exchange_strong_explicit(&smp_offer, &expected, SMP_OFFER_NONE, memory_order_acq_rel,
                                                    memory_order_acquire)) {
            log_line("cpu: APIC id %u does not answer and is left out", cpu->hardware_id);
            return START_LEFT_OUT;
        }
    }
    if (!wait_while(SMP_OFFER_TAKEN, RUN_NANOSECONDS)) {
        log_line("cpu: APIC id %u woke but did not get ready; no more CPUs are started", cpu->hardware_id);
        return START_LOST;
    }
    return START_RUNS;
}

uint32_t cpu_start_all(status_t (*prepare)(cpu_t *cpu), void (*idle)(void))
{
    const acpi_info_t *const info = acpi_info();
    uint64_t others[ARRAY_COUNT(info->cpu_ids)];
    uint32_t count = 0;

    if (info->cpu_id_count <= 1 || !local_apic_is_present()) {
        return cpu_count();
    }
    const status_t status = trampoline_install();
    if (status != STATUS_OK) {
        log_line("cpu: no trampoline: %s", status_name(status));
        return cpu_count();
    }
    secondary_idle = idle;
    for (uint32_t entry = 0; entry < info->cpu_id_count; entry++) {
        const uint32_t id = info->cpu_ids[entry];
        if (id == boot_processor.cpu.hardware_id) {
            continue;
        }
        if (id > NARROW_ID_MAX && !local_apic_has_wide_ids()) {
            log_line("cpu: APIC id %u can't be reached without x2APIC", id);
            continue;
        }
        local_apic_send_init(id);
        others[count++] = id;
    }
    delay(INIT_NANOSECONDS);
    return start_cpus(others, count, "APIC id", prepare);
}

NORETURN void smp_secondary_start(processor_t *processor)
{
    processor_init(processor);
    trap_init_cpu();
    processor->cpu.hardware_id = local_apic_id(); /* a CPU that was given up may take a later one's offer */
    atomic_store_explicit(&smp_offer, SMP_OFFER_RUNNING, memory_order_release);
    interrupts_enable();
    secondary_idle();
    cpu_halt_forever();
}
