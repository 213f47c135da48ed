/*
 * Starting the other CPUs through the firmware (SBI 2.0, chapter 9: hart state management).
 *
 * Each hart gets a structure and stacks of its own before it is started, and the firmware hands it their address. So a
 * hart can't be mistaken for another; what is left to settle is whether it came in time, by one word in its structure:
 *
 *   EXPECTED -> RUNNING (the hart)
 *         '---> GIVEN_UP (the boot CPU, after RUN_NANOSECONDS: the hart stops when it gets there after all)
 *
 * A hart that was given up owns its structure and stacks for good; starting ends there, so that indexes stay dense. One
 * that the firmware refuses to start has taken nothing, and what was prepared serves for the next.
 */
#include "smp.h"

#include "arch/page_backend.h"
#include "arch/shared/running_cpus.h"
#include "arch/timer.h"
#include "arch/trap.h"
#include "base/log.h"
#include "board.h"
#include "page_table.h"
#include "registers.h"
#include "sbi.h"
#include "stacks.h"

#define RUN_NANOSECONDS UINT64_C(5000000000)

static smp_start_t starts[CPU_COUNT_MAX];
static void (*secondary_idle)(void);

/* The next hart in the tree that is not the boot CPU, could have an index, and has not come before. */
static bool next_other_hart(devicetree_node_t *node, uint32_t *hart)
{
    while (devicetree_next_cpu(node)) {
        uint64_t id;
        if (devicetree_cpu_id(node, &id) && id <= UINT32_MAX && id != boot_processor.cpu.hardware_id) {
            *hart = (uint32_t)id;
            return true;
        }
    }
    return false;
}

uint32_t cpu_find_all(void)
{
    const devicetree_t *const tree = board_tree();
    uint32_t count = 1;
    uint32_t hart;

    if (tree == NULL) {
        return count;
    }
    devicetree_node_t node = devicetree_root(tree);
    while (next_other_hart(&node, &hart)) {
        count++;
    }
    if (count > CPU_COUNT_MAX) {
        log_line("cpu: %u CPUs beyond the first %u are left alone", count - CPU_COUNT_MAX, CPU_COUNT_MAX);
        count = CPU_COUNT_MAX;
    }
    return count;
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
    processor_init(processor, index, 0);
    /* Stacks that were mapped before memory ran out stay mapped for the next CPU that gets this index. */
    if (stacks_map(index, page_from_backend, NULL) != STATUS_OK) {
        pages_free(processor, 1);
        return NULL;
    }
    return processor;
}

/* Waits until the hart runs; false when that takes too long, and the hart will then stop by itself. */
static bool wait_until_running(processor_t *processor)
{
    const uint64_t start = timer_nanoseconds();
    uint32_t expected = START_EXPECTED;

    while (atomic_load_explicit(&processor->start_state, memory_order_acquire) == START_EXPECTED) {
        if (timer_nanoseconds() - start >= RUN_NANOSECONDS) {
            return !atomic_compare_exchange_strong_explicit(&processor->start_state, &expected, START_GIVEN_UP,
                                                            memory_order_acq_rel, memory_order_acquire);
        }
        cpu_relax();
    }
    return true;
}

static status_t start_one(processor_t *processor, uint32_t hart)
{
    smp_start_t *const start = &starts[processor->cpu.index];

    processor->cpu.hardware_id = hart;
    *start = (smp_start_t){page_table_satp(), processor, stack_top(processor->cpu.index, STACK_THREAD)};
    fence_all();
    return sbi_hart_start(hart, physical_of_image(smp_entry), physical_of_image(start).value);
}

uint32_t cpu_start_all(status_t (*prepare)(cpu_t *cpu), void (*idle)(void))
{
    const devicetree_t *const tree = board_tree();
    processor_t *spare = NULL; /* prepared, and not taken by a hart that the firmware refused */
    uint32_t hart;

    if (tree == NULL) {
        return cpu_count();
    }
    secondary_idle = idle;
    devicetree_node_t node = devicetree_root(tree);
    while (cpu_count() < CPU_COUNT_MAX && next_other_hart(&node, &hart)) {
        if (spare == NULL) {
            spare = processor_create(cpu_count());
            if (spare == NULL) {
                log_line("cpu: no memory for hart %u", hart);
                break;
            }
            const status_t status = prepare(&spare->cpu);
            if (status != STATUS_OK) {
                log_line("cpu: hart %u is left alone: %s", hart, status_name(status));
                pages_free(spare, 1);
                spare = NULL;
                continue;
            }
        }
        const status_t status = start_one(spare, hart);
        if (status != STATUS_OK) {
            log_line("cpu: hart %u is not started by the firmware: %s", hart, status_name(status));
            continue;
        }
        if (!wait_until_running(spare)) {
            log_line("cpu: hart %u does not get ready and is left out; no more are started", hart);
            break;
        }
        running_cpus_add(&spare->cpu);
        spare = NULL;
    }
    /* A prepared structure that nobody took stays: `prepare` has no inverse, and its contexts may be registered. */
    return cpu_count();
}

NORETURN void smp_secondary_start(processor_t *processor)
{
    uint32_t expected = START_EXPECTED;

    tlb_flush();
    trap_init_cpu();
    if (atomic_compare_exchange_strong_explicit(&processor->start_state, &expected, START_RUNNING, memory_order_acq_rel,
                                                memory_order_acquire)) {
        interrupts_enable();
        secondary_idle();
    }
    cpu_halt_forever();
}
