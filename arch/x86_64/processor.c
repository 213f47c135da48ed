/*
 * The CPU that runs: what it has switched on, how it waits, how it interrupts others (arch/shared/running_cpus.c says why).
 * Starting others is smp.c's.
 */
#include "processor.h"

#include "address_map.h"
#include "arch/shared/running_cpus.h"
#include "interrupts.h"
#include "local_apic.h"
#include "registers.h"

processor_t boot_processor;

bool processor_has_smap;

void processor_init(processor_t *processor)
{
    const uint32_t features = cpuid_read(CPUID_LEAF_FEATURES, 0).edx;
    const cpuid_result_t more = cpuid_read(CPUID_LEAF_MORE, 0);

    processor->cpu.self = &processor->cpu;
    msr_write(MSR_GS_BASE, (uint64_t)(uintptr_t)processor);
    /* Every instruction of the x87, MMX, SSE and later faults, in the kernel and for users. */
    cr0_write(cr0_read() | CR0_WRITE_PROTECT | CR0_MONITOR_COPROCESSOR | CR0_EMULATION | CR0_TASK_SWITCHED);
    /*
     * This and no more, whatever firmware left: no vector state, no FS and GS bases by instruction, no performance
     * counters for users, and no clock.
     */
    uint64_t control = CR4_PAE | CR4_TIME_STAMP_DISABLE;
    control |= (features & CPUID_EDX_MACHINE_CHECK) != 0 ? CR4_MACHINE_CHECK : 0;
    control |= (more.ebx & CPUID_MORE_EBX_SMEP) != 0 ? CR4_SMEP : 0;
    control |= (more.ebx & CPUID_MORE_EBX_SMAP) != 0 ? CR4_SMAP : 0;
    control |= (more.ecx & CPUID_MORE_ECX_UMIP) != 0 ? CR4_UMIP : 0;
    cr4_write(control);
    user_init_cpu();
    if (processor == &boot_processor) {
        processor_has_smap = (control & CR4_SMAP) != 0;
        cpu_features_find();
    }
}

status_t running_cpus_send(cpu_t *cpu, cpu_signal_t signal)
{
    if (!local_apic_is_present()) {
        return STATUS_UNSUPPORTED;
    }
    switch (signal) {
    case CPU_SIGNAL_WAKE:
        local_apic_send_interrupt(cpu->hardware_id, VECTOR_WAKE);
        break;
    case CPU_SIGNAL_CALL:
        local_apic_send_interrupt(cpu->hardware_id, VECTOR_CALL);
        break;
    case CPU_SIGNAL_STOP:
        /* A CPU that spins with interrupts masked must stop as well. */
        local_apic_send_nmi(cpu->hardware_id);
        break;
    }
    return STATUS_OK;
}

NORETURN void running_cpus_halt(void)
{
    cpu_halt_forever();
}

void cpu_wait_for_interrupt(void)
{
    const interrupt_state_t interrupts = interrupts_save();

    /* A wake that came before counts: its interrupt may have been taken between the caller's last look and here. */
    if (running_cpus_take_wake()) {
        interrupts_restore(interrupts);
        return;
    }
    /* STI holds interrupts off for one more instruction, so none can slip in before HLT (Intel SDM vol. 2, STI). */
    __asm__ volatile("sti\n\thlt" ::: "memory");
    interrupts_restore(interrupts);
}
