/*
 * The CPU that runs: what it has switched on, how it waits, how it interrupts others (arch/shared/running_cpus.c says why).
 * Starting others is smp.c's.
 */
#include "processor.h"

#include "arch/shared/running_cpus.h"
#include "gic.h"
#include "registers.h"
#include "trap_frame.h"

processor_t boot_processor;

_Static_assert(offsetof(cpu_t, assembly_scratch) == CPU_SCRATCH, "trap_entry.S relies on it");

void processor_attach(processor_t *processor, uintptr_t emergency_top)
{
    processor->cpu.self = &processor->cpu;
    processor->cpu.assembly_scratch[(CPU_EMERGENCY_TOP - CPU_SCRATCH) / sizeof(uint64_t)] = emergency_top;
    processor->affinity = SYSTEM_REGISTER_READ(mpidr_el1) & PROCESSOR_AFFINITY_MASK;
    processor->cpu.hardware_id = processor_hardware_id(processor->affinity);
    SYSTEM_REGISTER_WRITE(tpidr_el1, (uintptr_t)processor);
    port_cpu = &processor->cpu;
    SYSTEM_REGISTER_WRITE(vbar_el1, (uintptr_t)trap_vectors);
    instruction_barrier();
}

status_t running_cpus_send(cpu_t *cpu, cpu_signal_t signal)
{
    static const uint32_t numbers[] = {
        [CPU_SIGNAL_WAKE] = INTERRUPT_WAKE,
        [CPU_SIGNAL_CALL] = INTERRUPT_CALL,
        [CPU_SIGNAL_STOP] = INTERRUPT_STOP,
    };

    if (!gic_is_present()) {
        return STATUS_UNSUPPORTED;
    }
    gic_send(CONTAINER_OF(cpu, processor_t, cpu), numbers[signal]);
    return STATUS_OK;
}

void running_cpus_halt(void)
{
    cpu_halt_forever();
}

void cpu_wait_for_interrupt(void)
{
    const interrupt_state_t interrupts = interrupts_save();

    /* A wake that came before counts: its interrupt may have been taken between the caller's last look and here. */
    if (!running_cpus_take_wake()) {
        /* WFI ends for a masked interrupt as well, so that none can slip in between (Arm ARM, D1.6.2). */
        __asm__ volatile("dsb sy\n\twfi" ::: "memory");
        interrupts_enable();
        instruction_barrier();
    }
    interrupts_restore(interrupts);
}
