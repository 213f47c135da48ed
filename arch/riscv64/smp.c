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

#include "arch/shared/start_cpus.h"
#include "arch/trap.h"
#include "base/log.h"
#include "board.h"
#include "page_table.h"
#include "registers.h"
#include "sbi.h"
#include "stacks.h"
#include "timer.h"

#define RUN_NANOSECONDS UINT64_C(5000000000)

static smp_start_t starts[CPU_COUNT_MAX];
static uint64_t harts[CPU_COUNT_MAX - 1]; /* all but the boot CPU's */
static uint32_t listed;
static void (*secondary_idle)(void);

uint32_t cpu_find_all(void)
{
    log_line("cpu: Sv%u, timer of %s", page_table_address_bits(), timer_is_own() ? "its own" : "the firmware");
    if (board_tree() == NULL) {
        return 1;
    }
    /* cpu_t keeps 32 bits of a number. */
    listed = start_cpus_list(board_tree(), boot_processor.cpu.hardware_id, ~(uint64_t)UINT32_MAX, harts);
    return listed + 1;
}

start_result_t start_cpus_one(cpu_t *cpu, uint64_t hart, uint32_t position)
{
    processor_t *const processor = CONTAINER_OF(cpu, processor_t, cpu);
    smp_start_t *const start = &starts[cpu->index];
    uint32_t expected = START_EXPECTED;

    (void)position;
    processor_init(processor, cpu->index, (uint32_t)hart);
    *start = (smp_start_t){page_table_satp(), processor, stack_top(cpu->index, STACK_THREAD)};
    fence_all();
    const status_t status = sbi_hart_start(hart, physical_of_image(smp_entry), physical_of_image(start).value);
    if (status != STATUS_OK) {
        log_line("cpu: hart 0x%llx is not started by the firmware: %s", (unsigned long long)hart, status_name(status));
        return START_LEFT_OUT;
    }
    if (!start_cpus_wait_while(&processor->start_state, START_EXPECTED, RUN_NANOSECONDS) &&
        atomic_compare_exchange_strong_explicit(&processor->start_state, &expected, START_GIVEN_UP,
                                                memory_order_acq_rel, memory_order_acquire)) {
        log_line("cpu: hart 0x%llx does not get ready and is left out; no more are started", (unsigned long long)hart);
        return START_LOST;
    }
    return START_RUNS;
}

uint32_t cpu_start_all(status_t (*prepare)(cpu_t *cpu), void (*idle)(void))
{
    if (listed != 0 && !sbi_has(SBI_EXTENSION_RFENCE)) {
        log_line("cpu: firmware does not flush translations of other CPUs, which are left alone");
        return cpu_count();
    }
    secondary_idle = idle;
    return start_cpus(harts, listed, "hart", prepare);
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
