/*
 * Running CPUs: finding one by index, waking it, calling on it, stopping it. Starting them is smp.c's.
 *
 * One software interrupt serves all three. What it is for is in the receiver's structure, written before it is sent; an
 * interrupt too many finds nothing to do.
 */
#include "processor.h"

#include "address_map.h"
#include "base/check.h"
#include "registers.h"
#include "sbi.h"
#include "stacks.h"

/* A CPU that does not stop within this many looks has interrupts masked for good; it takes no lock and no memory then. */
#define STOP_POLLS 10000000u

#define STOPPER_NONE UINT32_MAX

processor_t boot_processor;

static processor_t *processors[CPU_COUNT_MAX] = {&boot_processor};
static _Atomic uint32_t processor_count = 1;

/* Which CPU stops the others. The first one wins; there is no way back. */
static _Atomic uint32_t stopper = STOPPER_NONE;

void processor_init(processor_t *processor, uint32_t index, uint32_t hart)
{
    processor->cpu.index = index;
    processor->cpu.hardware_id = hart;
    processor->cpu.self = &processor->cpu;
    processor->cpu.assembly_scratch[SCRATCH_STACK_SLOT] = (uint64_t)((int64_t)stack_slot(index) >> STACK_SLOT_SHIFT);
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
        /* The hart runs, so the firmware can't refuse; if it did, the timer would end the wait. */
        (void)!sbi_send_ipi(processor->cpu.hardware_id);
    }
}

status_t cpu_interrupt(uint32_t index, void (*function)(void *argument), void *argument)
{
    processor_t *const processor = processor_by_index(index);
    uint32_t expected = CALL_FREE;

    if (!atomic_compare_exchange_strong_explicit(&processor->call_state, &expected, CALL_FILLING, memory_order_acquire,
                                                 memory_order_relaxed)) {
        return STATUS_BUSY;
    }
    processor->call_function = function;
    processor->call_argument = argument;
    atomic_store_explicit(&processor->call_state, CALL_READY, memory_order_release);

    const status_t status = sbi_send_ipi(processor->cpu.hardware_id);
    expected = CALL_READY;
    if (status != STATUS_OK && atomic_compare_exchange_strong_explicit(&processor->call_state, &expected, CALL_FREE,
                                                                       memory_order_acq_rel, memory_order_relaxed)) {
        return STATUS_UNSUPPORTED;
    }
    return STATUS_OK;
}

static void take_call(processor_t *processor)
{
    uint32_t expected = CALL_READY;

    if (!atomic_compare_exchange_strong_explicit(&processor->call_state, &expected, CALL_FILLING, memory_order_acquire,
                                                 memory_order_relaxed)) {
        return;
    }
    void (*const function)(void *argument) = processor->call_function;
    void *const argument = processor->call_argument;
    /* Free before the call: the function, or whoever waits for it, may ask for the next one. */
    atomic_store_explicit(&processor->call_state, CALL_FREE, memory_order_release);
    function(argument);
}

/* Stops this CPU if another one has said that all others are to stop. */
static void stop_if_asked(processor_t *processor)
{
    const uint32_t by = atomic_load_explicit(&stopper, memory_order_acquire);

    if (by != STOPPER_NONE && by != processor->cpu.index) {
        atomic_store_explicit(&processor->is_stopped, 1, memory_order_release);
        cpu_halt_forever();
    }
}

void processor_software_interrupt(void)
{
    processor_t *const processor = processor_current();

    /* Before looking: what is written after a look raises it again. */
    CSR_CLEAR(sip, INTERRUPT_BIT(INTERRUPT_SOFTWARE));
    atomic_thread_fence(memory_order_seq_cst);
    stop_if_asked(processor);
    take_call(processor);
}

void cpu_wait_for_interrupt(void)
{
    const interrupt_state_t interrupts = interrupts_save();

    /* A wake that came before counts: its interrupt may have been taken between the caller's last look and here. */
    if (atomic_exchange_explicit(&processor_current()->is_woken, 0, memory_order_acquire) == 0) {
        /* Goes on when an interrupt is pending, masked or not (Privileged Architecture, 3.3.3), so none can slip in before. */
        __asm__ volatile("wfi" ::: "memory");
        interrupts_enable(); /* it is taken here */
    }
    interrupts_restore(interrupts);
}

void cpu_stop_others(void)
{
    const uint32_t self = cpu_current()->index;
    uint32_t expected = STOPPER_NONE;

    if (!atomic_compare_exchange_strong_explicit(&stopper, &expected, self, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        /* Another CPU was first: to it, this one is one of the others. */
        stop_if_asked(processor_current());
        return;
    }
    for (uint32_t index = 0; index < processors_running(); index++) {
        if (index != self) {
            (void)!sbi_send_ipi(processors[index]->cpu.hardware_id);
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
