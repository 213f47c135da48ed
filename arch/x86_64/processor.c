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

#define CR4_MACHINE_CHECK     (UINT64_C(1) << 6)
#define LEAF_FEATURES         1
#define FEATURE_MACHINE_CHECK (1u << 7) /* EDX */
#define LEAF_MORE_FEATURES    7
#define FEATURE_SMEP          (1u << 7)  /* EBX */
#define FEATURE_SMAP          (1u << 20) /* EBX */
#define FEATURE_UMIP          (1u << 2)  /* ECX */

processor_t boot_processor;

void processor_init(processor_t *processor)
{
    const uint32_t features = cpuid_read(LEAF_FEATURES, 0).edx;
    const cpuid_result_t more = cpuid_read(LEAF_MORE_FEATURES, 0);
    uint64_t control = cr4_read();

    processor->cpu.self = &processor->cpu;
    msr_write(MSR_GS_BASE, (uint64_t)(uintptr_t)processor);
    cr0_write(cr0_read() | CR0_WRITE_PROTECT);
    control |= (features & FEATURE_MACHINE_CHECK) != 0 ? CR4_MACHINE_CHECK : 0;
    control |= (more.ebx & FEATURE_SMEP) != 0 ? CR4_SMEP : 0;
    control |= (more.ebx & FEATURE_SMAP) != 0 ? CR4_SMAP : 0;
    control |= (more.ecx & FEATURE_UMIP) != 0 ? CR4_UMIP : 0;
    cr4_write(control);
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
