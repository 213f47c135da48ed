/*
 * Running CPUs: finding one by index, waking it, calling on it, stopping it. Starting them is smp.c's.
 */
#include "processor.h"

#include "address_map.h"
#include "base/check.h"
#include "interrupts.h"
#include "local_apic.h"
#include "processors.h"
#include "registers.h"

#define CR4_MACHINE_CHECK     (UINT64_C(1) << 6)
#define LEAF_FEATURES         1
#define FEATURE_MACHINE_CHECK (1u << 7) /* EDX */
#define LEAF_MORE_FEATURES    7
#define FEATURE_SMEP          (1u << 7)  /* EBX */
#define FEATURE_SMAP          (1u << 20) /* EBX */
#define FEATURE_UMIP          (1u << 2)  /* ECX */

/* A CPU that takes no NMI within this many looks is beyond help. */
#define STOP_POLLS 10000000u

#define STOPPER_NONE UINT32_MAX

processor_t boot_processor;

static processor_t *processors[CPU_COUNT_MAX] = {&boot_processor};
static _Atomic uint32_t processor_count = 1;

/* Which CPU stops the others. The first one wins; there is no way back. */
static _Atomic uint32_t stopper = STOPPER_NONE;

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

void processors_add(processor_t *processor)
{
    const uint32_t index = atomic_load_explicit(&processor_count, memory_order_relaxed);

    processors[index] = processor;
    atomic_store_explicit(&processor_count, index + 1, memory_order_release);
}

uint32_t processors_running(void)
{
    return atomic_load_explicit(&processor_count, memory_order_acquire);
}

/* A running CPU's structure. */
static processor_t *processor_by_index(uint32_t index)
{
    CHECK(index < processors_running(), "no such CPU");
    return processors[index];
}

cpu_t *cpu_by_index(uint32_t index)
{
    return &processor_by_index(index)->cpu;
}

void cpu_wake(uint32_t index)
{
    processor_t *const processor = processor_by_index(index);

    if (index != cpu_current()->index) {
        atomic_store_explicit(&processor->is_woken, 1, memory_order_release);
        local_apic_send_interrupt(processor->cpu.hardware_id, VECTOR_WAKE);
    }
}

status_t cpu_interrupt(uint32_t index, void (*function)(void *argument), void *argument)
{
    processor_t *const processor = processor_by_index(index);
    uint32_t expected = CALL_FREE;

    if (!local_apic_is_present()) {
        return STATUS_UNSUPPORTED;
    }
    if (!atomic_compare_exchange_strong_explicit(&processor->call_state, &expected, CALL_FILLING, memory_order_acquire,
                                                 memory_order_relaxed)) {
        return STATUS_BUSY;
    }
    processor->call_function = function;
    processor->call_argument = argument;
    atomic_store_explicit(&processor->call_state, CALL_READY, memory_order_release);
    local_apic_send_interrupt(processor->cpu.hardware_id, VECTOR_CALL);
    return STATUS_OK;
}

void processor_take_call(void)
{
    processor_t *const processor = processor_current();

    if (atomic_load_explicit(&processor->call_state, memory_order_acquire) != CALL_READY) {
        return;
    }
    void (*const function)(void *argument) = processor->call_function;
    void *const argument = processor->call_argument;
    /* Free before the call: the function, or whoever waits for it, may ask for the next one. */
    atomic_store_explicit(&processor->call_state, CALL_FREE, memory_order_release);
    function(argument);
}

void cpu_wait_for_interrupt(void)
{
    const interrupt_state_t interrupts = interrupts_save();

    /* A wake that came before counts: its interrupt may have been taken between the caller's last look and here. */
    if (atomic_exchange_explicit(&processor_current()->is_woken, 0, memory_order_acquire) != 0) {
        interrupts_restore(interrupts);
        return;
    }
    /* STI holds interrupts off for one more instruction, so none can slip in before HLT (Intel SDM vol. 2, STI). */
    __asm__ volatile("sti\n\thlt" ::: "memory");
    interrupts_restore(interrupts);
}

bool processor_stop_was_asked(void)
{
    processor_t *const processor = processor_current();
    const uint32_t by = atomic_load_explicit(&stopper, memory_order_acquire);

    if (by == STOPPER_NONE || by == processor->cpu.index) {
        return false;
    }
    atomic_store_explicit(&processor->is_stopped, 1, memory_order_release);
    return true;
}

void cpu_stop_others(void)
{
    const uint32_t self = cpu_current()->index;
    uint32_t expected = STOPPER_NONE;

    if (!atomic_compare_exchange_strong_explicit(&stopper, &expected, self, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        if (expected != self) {
            /* Another CPU was first: to it, this one is one of the others. */
            atomic_store_explicit(&processor_current()->is_stopped, 1, memory_order_release);
            cpu_halt_forever();
        }
        return;
    }
    /* By NMI, because a CPU that spins with interrupts masked must stop as well. */
    for (uint32_t index = 0; index < processors_running(); index++) {
        if (index != self) {
            local_apic_send_nmi(processors[index]->cpu.hardware_id);
        }
    }
    for (uint32_t index = 0; index < processors_running(); index++) {
        for (unsigned poll = 0; index != self && poll < STOP_POLLS; poll++) {
            if (atomic_load_explicit(&processors[index]->is_stopped, memory_order_acquire) != 0) {
                break;
            }
            cpu_relax();
        }
    }
}
