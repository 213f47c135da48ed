/*
 * Starting the other CPUs (PSCI, DEN 0022, 5.6: CPU_ON).
 *
 * One CPU is started at a time. It gets an offer of its own: a prepared structure and stacks. It takes the offer by one
 * exchange as soon as its caches are on, before it touches anything else (entry.S); if it is late and the offer was
 * withdrawn, it stops there:
 *
 *   NONE -> OPEN (boot CPU) -> TAKEN (the new CPU) -> RUNNING (the new CPU, ready for work)
 *             '-> NONE (boot CPU, after TAKE_NANOSECONDS: that CPU is left out, the structure serves for the next)
 *
 * A CPU that took the offer but never got to RUNNING owns the structure and the stacks for good; starting ends there,
 * so that indexes stay dense.
 */
#include "smp.h"

#include "arch/machine.h"
#include "arch/shared/start_cpus.h"
#include "arch/trap.h"
#include "base/log.h"
#include "board.h"
#include "gic.h"
#include "page_table.h"
#include "psci.h"
#include "registers.h"
#include "stacks.h"

#define TAKE_NANOSECONDS UINT64_C(2000000000)
#define RUN_NANOSECONDS  UINT64_C(5000000000)

uint64_t smp_tables[3];

static uint64_t affinities[CPU_COUNT_MAX - 1]; /* of the CPUs in the tree but the boot CPU */
static smp_offer_t offers[CPU_COUNT_MAX - 1];  /* one for each of those */
static uint32_t listed;
static void (*secondary_idle)(void);

uint32_t cpu_find_all(void)
{
    listed = start_cpus_list(&board_tree, boot_processor.affinity, ~PROCESSOR_AFFINITY_MASK, affinities);
    return listed + 1;
}

start_result_t start_cpus_one(cpu_t *cpu, uint64_t affinity, uint32_t position)
{
    smp_offer_t *const offer = &offers[position];
    uint32_t expected = SMP_OFFER_OPEN;

    offer->processor = CONTAINER_OF(cpu, processor_t, cpu);
    offer->interrupt_top = stack_top(cpu->index, STACK_INTERRUPT);
    offer->thread_top = stack_top(cpu->index, STACK_THREAD);
    atomic_store_explicit(&offer->state, SMP_OFFER_OPEN, memory_order_release);
    const status_t status = psci_cpu_on(affinity, physical_of_image(smp_secondary_entry).value, (uintptr_t)offer);
    if (status != STATUS_OK) {
        log_line("cpu: firmware does not start 0x%llx: %s", (unsigned long long)affinity, status_name(status));
        atomic_store_explicit(&offer->state, SMP_OFFER_NONE, memory_order_release);
        return START_LEFT_OUT;
    }
    if (!start_cpus_wait_while(&offer->state, SMP_OFFER_OPEN, TAKE_NANOSECONDS) &&
        atomic_compare_exchange_strong_explicit(&offer->state, &expected, SMP_OFFER_NONE, memory_order_acq_rel,
                                                memory_order_acquire)) {
        log_line("cpu: 0x%llx does not answer and is left out", (unsigned long long)affinity);
        return START_LEFT_OUT;
    }
    if (!start_cpus_wait_while(&offer->state, SMP_OFFER_TAKEN, RUN_NANOSECONDS)) {
        log_line("cpu: 0x%llx woke but did not get ready; no more CPUs are started", (unsigned long long)affinity);
        return START_LOST;
    }
    return START_RUNS;
}

uint32_t cpu_start_all(status_t (*prepare)(cpu_t *cpu), void (*idle)(void))
{
    secondary_idle = idle;
    smp_tables[0] = page_table_low_root().value;
    smp_tables[1] = page_table_root_physical().value;
    smp_tables[2] = page_table_empty_root().value;
    cache_clean(smp_tables, sizeof(smp_tables)); /* read with caches off */
    return start_cpus(affinities, listed, "MPIDR", prepare);
}

NORETURN void smp_secondary_start(processor_t *processor, smp_offer_t *offer)
{
    processor_attach(processor, stack_top(processor->cpu.index, STACK_EMERGENCY));
    processor_protect();
    trap_init_cpu();
    atomic_store_explicit(&offer->state, SMP_OFFER_RUNNING, memory_order_release);
    interrupts_enable();
    secondary_idle();
    cpu_halt_forever();
}
