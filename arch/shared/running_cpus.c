/*
 * One slot a CPU, written by the others before they send it an interrupt: an interrupt too many finds nothing to do.
 */
#include "running_cpus.h"

#include <stdatomic.h>

#include "base/check.h"

/* A CPU that does not stop within this many looks is beyond help, or spins where no interrupt reaches it. */
#define STOP_POLLS 10000000u

#define STOPPER_NONE UINT32_MAX

/* A call to a CPU: none, being written or read, ready to be taken. */
typedef enum call_state { CALL_FREE, CALL_HELD, CALL_READY } call_state_t;

typedef struct cpu_slot {
    cpu_t *cpu;
    void (*call_function)(void *argument);
    void *call_argument;
    _Atomic uint32_t call_state; /* a call_state_t */
    _Atomic uint32_t is_woken;   /* cpu_wake() since the last wait */
    _Atomic uint32_t is_stopped;
} ALIGNED(CACHE_LINE_BYTES) cpu_slot_t;

static cpu_slot_t slots[CPU_COUNT_MAX];
static _Atomic uint32_t slot_count;

/* Which CPU stops the others. The first one wins; there is no way back. */
static _Atomic uint32_t stopper = STOPPER_NONE;

static cpu_slot_t *slot_of_caller(void)
{
    return &slots[cpu_current()->index];
}

/* A running CPU's slot. */
static cpu_slot_t *slot_by_index(uint32_t index)
{
    CHECK(index < cpu_count(), "no such CPU");
    return &slots[index];
}

void running_cpus_add(cpu_t *cpu)
{
    const uint32_t index = atomic_load_explicit(&slot_count, memory_order_relaxed);

    slots[index].cpu = cpu;
    atomic_store_explicit(&slot_count, index + 1, memory_order_release);
}

uint32_t cpu_count(void)
{
    return atomic_load_explicit(&slot_count, memory_order_acquire);
}

cpu_t *cpu_by_index(uint32_t index)
{
    return slot_by_index(index)->cpu;
}

void cpu_wake(uint32_t index)
{
    cpu_slot_t *const slot = slot_by_index(index);

    if (index != cpu_current()->index) {
        atomic_store_explicit(&slot->is_woken, 1, memory_order_release);
        /* Without interrupts between CPUs none but the caller runs. */
        (void)!running_cpus_send(slot->cpu, CPU_SIGNAL_WAKE);
    }
}

bool running_cpus_take_wake(void)
{
    return atomic_exchange_explicit(&slot_of_caller()->is_woken, 0, memory_order_acquire) != 0;
}

/* From one state to another, if the slot is in it. */
static bool call_moves(cpu_slot_t *slot, uint32_t from, uint32_t to)
{
    return atomic_compare_exchange_strong_explicit(&slot->call_state, &from, to, memory_order_acquire,
                                                   memory_order_relaxed);
}

status_t cpu_interrupt(uint32_t index, void (*function)(void *argument), void *argument)
{
    cpu_slot_t *const slot = slot_by_index(index);

    if (!call_moves(slot, CALL_FREE, CALL_HELD)) {
        return STATUS_BUSY;
    }
    slot->call_function = function;
    slot->call_argument = argument;
    atomic_store_explicit(&slot->call_state, CALL_READY, memory_order_release);

    const status_t status = running_cpus_send(slot->cpu, CPU_SIGNAL_CALL);
    /* What could not be sent is taken back, unless another interrupt has brought it there. */
    return status != STATUS_OK && call_moves(slot, CALL_READY, CALL_FREE) ? status : STATUS_OK;
}

void running_cpus_take_call(void)
{
    cpu_slot_t *const slot = slot_of_caller();

    if (!call_moves(slot, CALL_READY, CALL_HELD)) {
        return;
    }
    void (*const function)(void *argument) = slot->call_function;
    void *const argument = slot->call_argument;
    /* Free before the call: the function, or whoever waits for it, may ask for the next one. */
    atomic_store_explicit(&slot->call_state, CALL_FREE, memory_order_release);
    function(argument);
}

void running_cpus_stop_if_asked(void)
{
    const uint32_t by = atomic_load_explicit(&stopper, memory_order_acquire);

    if (by != STOPPER_NONE && by != cpu_current()->index) {
        atomic_store_explicit(&slot_of_caller()->is_stopped, 1, memory_order_release);
        running_cpus_halt();
    }
}

bool running_cpus_is_stopped(uint32_t index)
{
    return atomic_load_explicit(&slot_by_index(index)->is_stopped, memory_order_acquire) != 0;
}

void cpu_stop_others(void)
{
    const uint32_t self = cpu_current()->index;
    uint32_t expected = STOPPER_NONE;

    if (!atomic_compare_exchange_strong_explicit(&stopper, &expected, self, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        /* If another CPU was first, this one is one of its others. */
        running_cpus_stop_if_asked();
        return;
    }
    for (uint32_t index = 0; index < cpu_count(); index++) {
        if (index != self) {
            (void)!running_cpus_send(slots[index].cpu, CPU_SIGNAL_STOP);
        }
    }
    for (uint32_t index = 0; index < cpu_count(); index++) {
        for (unsigned poll = 0; index != self && poll < STOP_POLLS; poll++) {
            if (atomic_load_explicit(&slots[index].is_stopped, memory_order_acquire) != 0) {
                break;
            }
            cpu_relax();
        }
    }
}
