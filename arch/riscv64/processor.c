/*
 * The calling CPU's structure, and interrupts between CPUs. What those are for is arch/shared/running_cpus.c's; starting
 * CPUs is smp.c's.
 *
 * One software interrupt serves for waking, calling and stopping.
 */
#include "processor.h"

#include "address_map.h"
#include "arch/shared/running_cpus.h"
#include "base/bits.h"
#include "base/check.h"
#include "registers.h"
#include "sbi.h"
#include "stacks.h"

processor_t boot_processor;

void processor_init(processor_t *processor, uint32_t index, uint32_t hart)
{
    processor->cpu.index = index;
    processor->cpu.hardware_id = hart;
    processor->cpu.self = &processor->cpu;
    processor->cpu.assembly_scratch[SCRATCH_STACK_SLOT] = (uint64_t)((int64_t)stack_slot(index) >> STACK_SLOT_SHIFT);
}

status_t running_cpus_send(cpu_t *cpu, cpu_signal_t signal)
{
    (void)signal;
    fence_all();
    return sbi_send_ipi(cpu->hardware_id);
}

NORETURN void running_cpus_halt(void)
{
    cpu_halt_forever();
}

/* The next group of a set that one call to the firmware can name: 64 harts from the lowest one on. Takes it out of *cpus. */
static uint64_t next_harts(uint64_t *cpus, uint64_t *first)
{
    uint64_t harts = 0;

    *first = UINT64_MAX;
    for (uint64_t rest = *cpus; rest != 0; rest &= rest - 1) {
        const uint64_t hart = cpu_by_index(find_first_set(rest))->hardware_id;
        *first = hart < *first ? hart : *first;
    }
    for (uint64_t rest = *cpus; rest != 0; rest &= rest - 1) {
        const uint64_t offset = cpu_by_index(find_first_set(rest))->hardware_id - *first;
        if (offset < 64) {
            harts |= UINT64_C(1) << offset;
            *cpus &= ~(rest & -rest);
        }
    }
    return harts;
}

void processors_flush(uint64_t cpus, uintptr_t address, uint64_t size)
{
    uint64_t first;

    while (cpus != 0) {
        const uint64_t harts = next_harts(&cpus, &first);
        CHECK(sbi_remote_flush(harts, first, address, size) == STATUS_OK, "firmware does not flush translations");
    }
}

void processors_fetch_code(uint64_t cpus)
{
    uint64_t first;

    while (cpus != 0) {
        const uint64_t harts = next_harts(&cpus, &first);
        CHECK(sbi_remote_fetch(harts, first) == STATUS_OK, "firmware does not flush instructions");
    }
}

void processor_software_interrupt(void)
{
    /* Before looking: what is written after a look raises it again. */
    CSR_CLEAR(sip, INTERRUPT_BIT(INTERRUPT_SOFTWARE));
    atomic_thread_fence(memory_order_seq_cst);
    running_cpus_stop_if_asked();
    running_cpus_take_call();
}

void cpu_wait_for_interrupt(void)
{
    const interrupt_state_t interrupts = interrupts_save();

    /* A wake that came before counts: its interrupt may have been taken between the caller's last look and here. */
    if (!running_cpus_take_wake()) {
        /* Goes on when an interrupt is pending, masked or not (Privileged Architecture, 3.3.3), so none slips in before. */
        __asm__ volatile("wfi" ::: "memory");
        interrupts_enable(); /* it is taken here */
    }
    interrupts_restore(interrupts);
}
