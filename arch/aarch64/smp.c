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
#include "arch/page_backend.h"
#include "arch/shared/devicetree_board.h"
#include "arch/shared/running_cpus.h"
#include "arch/timer.h"
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

/* Without a clock: looks at a word that nobody else writes. */
#define TAKE_LOOKS UINT64_C(100000000)

uint64_t smp_tables[3];

static uint64_t affinities[CPU_COUNT_MAX]; /* of the CPUs in the tree, in its order */
static smp_offer_t offers[CPU_COUNT_MAX];  /* one for each of those */
static uint32_t listed;
static void (*secondary_idle)(void);

/* Whether the list has it; a tree that names a CPU twice does not make it two. */
static bool is_listed(uint64_t affinity)
{
    for (uint32_t index = 0; index < listed; index++) {
        if (affinities[index] == affinity) {
            return true;
        }
    }
    return false;
}

uint32_t cpu_find_all(void)
{
    devicetree_node_t node = devicetree_root(&board_tree);
    uint32_t left_out = 0;
    uint64_t id;

    listed = 0;
    affinities[listed++] = boot_processor.affinity;
    while (devicetree_next_cpu(&node)) {
        if (!devicetree_cpu_id(&node, &id) || (id & ~PROCESSOR_AFFINITY_MASK) != 0) {
            log_line("cpu: %s has no usable number", devicetree_name(&node));
        } else if (!is_listed(id)) {
            if (listed == CPU_COUNT_MAX) {
                left_out++;
            } else {
                affinities[listed++] = id;
            }
        }
    }
    if (left_out != 0) {
        log_line("cpu: %u CPUs beyond the first %u are left alone", left_out, CPU_COUNT_MAX);
    }
    return listed;
}

/* Waits until the offer has left `state`; false when that takes too long. */
static bool wait_while(smp_offer_t *offer, uint32_t state, uint64_t nanoseconds)
{
    const uint64_t start = timer_nanoseconds();

    for (uint64_t look = 0; atomic_load_explicit(&offer->state, memory_order_acquire) == state; look++) {
        const uint64_t now = timer_nanoseconds();
        if (now != 0 ? now - start >= nanoseconds : look >= TAKE_LOOKS) {
            return false;
        }
        cpu_relax();
    }
    return true;
}

static void *page_from_backend(void *context)
{
    (void)context;
    return pages_alloc(1);
}

/* A structure and stacks for CPU `index`, or NULL when memory is out. */
static processor_t *processor_create(uint32_t index)
{
    processor_t *const processor = pages_alloc(1);

    if (processor == NULL) {
        return NULL;
    }
    machine_zero_page(processor);
    processor->cpu.index = index;
    processor->cpu.self = &processor->cpu;
    /* Stacks that were mapped before memory ran out stay mapped for the next CPU that gets this index. */
    if (stacks_map(index, page_from_backend, NULL) != STATUS_OK) {
        pages_free(processor, 1);
        return NULL;
    }
    return processor;
}

typedef enum start_result { START_RUNS, START_SILENT, START_LOST } start_result_t;

/* Has firmware start the CPU, and sees it into the kernel. */
static start_result_t start_one(processor_t *processor, uint64_t affinity, smp_offer_t *offer)
{
    uint32_t expected = SMP_OFFER_OPEN;

    offer->processor = processor;
    offer->interrupt_top = stack_top(processor->cpu.index, STACK_INTERRUPT);
    offer->thread_top = stack_top(processor->cpu.index, STACK_THREAD);
    atomic_store_explicit(&offer->state, SMP_OFFER_OPEN, memory_order_release);
    const status_t status = psci_cpu_on(affinity, physical_of_image(smp_secondary_entry).value, (uintptr_t)offer);
    if (status != STATUS_OK) {
        log_line("cpu: firmware does not start 0x%llx: %s", (unsigned long long)affinity, status_name(status));
        atomic_store_explicit(&offer->state, SMP_OFFER_NONE, memory_order_release);
        return START_SILENT;
    }
    if (!wait_while(offer, SMP_OFFER_OPEN, TAKE_NANOSECONDS) &&
        atomic_compare_exchange_strong_explicit(&offer->state, &expected, SMP_OFFER_NONE, memory_order_acq_rel,
                                                memory_order_acquire)) {
        log_line("cpu: 0x%llx does not answer and is left out", (unsigned long long)affinity);
        return START_SILENT;
    }
    return wait_while(offer, SMP_OFFER_TAKEN, RUN_NANOSECONDS) ? START_RUNS : START_LOST;
}

uint32_t cpu_start_all(status_t (*prepare)(cpu_t *cpu), void (*idle)(void))
{
    processor_t *spare = NULL; /* prepared, and not taken by a CPU that stayed silent */

    secondary_idle = idle;
    smp_tables[0] = page_table_low_root().value;
    smp_tables[1] = page_table_root_physical().value;
    smp_tables[2] = page_table_empty_root().value;
    cache_clean(smp_tables, sizeof(smp_tables)); /* read with caches off */
    for (uint32_t entry = 0; entry < listed; entry++) {
        const uint64_t affinity = affinities[entry];
        if (affinity == boot_processor.affinity) {
            continue;
        }
        if (spare == NULL) {
            spare = processor_create(cpu_count());
            if (spare == NULL) {
                log_line("cpu: no memory for 0x%llx", (unsigned long long)affinity);
                break;
            }
            const status_t status = prepare(&spare->cpu);
            if (status != STATUS_OK) {
                log_line("cpu: 0x%llx is left alone: %s", (unsigned long long)affinity, status_name(status));
                pages_free(spare, 1);
                spare = NULL;
                continue;
            }
        }
        const start_result_t result = start_one(spare, affinity, &offers[entry]);
        if (result == START_LOST) {
            log_line("cpu: 0x%llx woke but did not get ready; no more CPUs are started", (unsigned long long)affinity);
            break;
        }
        if (result == START_RUNS) {
            running_cpus_add(&spare->cpu);
            spare = NULL;
        }
    }
    /*
     * A prepared structure that nobody took stays as it is: `prepare` has no inverse, and its contexts may be
     * registered.
     */
    return cpu_count();
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
