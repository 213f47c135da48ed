/*
 * Running CPUs: finding one by index, waking it, calling on it, stopping it. Starting them is smp.c's.
 */
#include "processor.h"

#include "base/check.h"
#include "control.h"
#include "gic.h"
#include "registers.h"
#include "trap_frame.h"

#define PAN_SHIFT 20 /* ID_AA64MMFR1_EL1 */

/* A CPU that takes no interrupt within this many looks is beyond help, or spins where it can't be reached. */
#define STOP_POLLS 10000000u

#define STOPPER_NONE UINT32_MAX

processor_t boot_processor;

static processor_t *processors[CPU_COUNT_MAX] = {&boot_processor};
static _Atomic uint32_t processor_count = 1;

/* Which CPU stops the others. The first one wins; there is no way back. */
static _Atomic uint32_t stopper = STOPPER_NONE;

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

void processor_protect(void)
{
    const bool has_pan = register_field(SYSTEM_REGISTER_READ(id_aa64mmfr1_el1), PAN_SHIFT) != 0;

    SYSTEM_REGISTER_WRITE(cpacr_el1, 0); /* floating point and vectors trap: kernel code has none */
    SYSTEM_REGISTER_WRITE(sctlr_el1, (SCTLR_ON | SCTLR_WXN) & ~(uint64_t)(has_pan ? SCTLR_SPAN : 0));
    instruction_barrier();
    if (has_pan) {
        __asm__ volatile(".arch_extension pan\n\tmsr pan, #1" ::: "memory");
    }
    /* WXN may be cached with translations (Arm ARM, D8.4.1). */
    __asm__ volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" ::: "memory");
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

uint32_t cpu_count(void)
{
    return processors_running();
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
        gic_send(processor, INTERRUPT_WAKE);
    }
}

status_t cpu_interrupt(uint32_t index, void (*function)(void *argument), void *argument)
{
    processor_t *const processor = processor_by_index(index);
    uint32_t expected = CALL_FREE;

    if (!gic_is_present()) {
        return STATUS_UNSUPPORTED;
    }
    if (!atomic_compare_exchange_strong_explicit(&processor->call_state, &expected, CALL_FILLING, memory_order_acquire,
                                                 memory_order_relaxed)) {
        return STATUS_BUSY;
    }
    processor->call_function = function;
    processor->call_argument = argument;
    atomic_store_explicit(&processor->call_state, CALL_READY, memory_order_release);
    gic_send(processor, INTERRUPT_CALL);
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
    if (atomic_exchange_explicit(&processor_current()->is_woken, 0, memory_order_acquire) == 0) {
        /* WFI ends for a masked interrupt as well, so that none can slip in between (Arm ARM, D1.6.2). */
        __asm__ volatile("dsb sy\n\twfi" ::: "memory");
        interrupts_enable();
        instruction_barrier();
    }
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
    for (uint32_t index = 0; index < processors_running(); index++) {
        if (index != self) {
            gic_send(processors[index], INTERRUPT_STOP);
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
