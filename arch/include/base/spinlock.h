/*
 * Spinlocks: test, then test-and-set (Mellor-Crummey and Scott, 1991, section 2.1).
 *
 * Not by order of arrival: where an emulator or hypervisor runs more CPUs than its host has, a ticket lock hands itself
 * to a CPU that is not running, and each hand-over costs a host's time slice. Eight CPUs in QEMU on two cores passed
 * one lock 160,000 times in 20 to 45 ms this way, and in over 40 s by tickets.
 *
 * Holding a lock masks interrupts on the CPU that holds it: handlers may take any lock. Sections are short and never
 * sleep. Debug builds check the order of base/lock_order.h on every acquisition and that the holder lets go.
 */
#ifndef BASE_SPINLOCK_H
#define BASE_SPINLOCK_H

#include <stdatomic.h>
#include <stdint.h>

#include "arch/inline.h"
#include "base/check.h"
#include "base/lock_order.h"

typedef struct spinlock {
    _Atomic uint32_t is_held; /* 0 or 1 */
    lock_rank_t rank;
} spinlock_t;

/* What to give back to spinlock_unlock(): the interrupt state from before. */
typedef struct spinlock_hold {
    interrupt_state_t interrupts;
} spinlock_hold_t;

#define SPINLOCK_INITIALIZER(lock_rank) {0, lock_rank}

static inline void spinlock_init(spinlock_t *lock, lock_rank_t rank)
{
    atomic_init(&lock->is_held, 0);
    lock->rank = rank;
}

/*
 * Waits for the lock and takes it. Any context; the caller does not hold it, nor any lock of its rank or a later
 * one.
 */
MUST_USE static inline spinlock_hold_t spinlock_lock(spinlock_t *lock)
{
    const spinlock_hold_t hold = {interrupts_save()};
#ifdef QUARRY_DEBUG
    cpu_t *const cpu = cpu_current();
    CHECK((cpu->ranks_held >> lock->rank) == 0, "lock order violated");
    cpu->ranks_held |= UINT32_C(1) << lock->rank;
#endif
    while (UNLIKELY(atomic_exchange_explicit(&lock->is_held, 1, memory_order_acquire) != 0)) {
        /* Wait by reading, so that the cache line is not pulled from CPU to CPU meanwhile. */
        while (atomic_load_explicit(&lock->is_held, memory_order_relaxed) != 0) {
            cpu_relax();
        }
    }
    return hold;
}

/* Lets go of the lock and puts interrupts back as they were. */
static inline void spinlock_unlock(spinlock_t *lock, spinlock_hold_t hold)
{
#ifdef QUARRY_DEBUG
    cpu_current()->ranks_held &= ~(UINT32_C(1) << lock->rank);
#endif
    atomic_store_explicit(&lock->is_held, 0, memory_order_release);
    interrupts_restore(hold.interrupts);
}

/* Whether somebody holds the lock: for checks and panics, where the answer may be out of date at once. */
static inline bool spinlock_is_held(spinlock_t *lock)
{
    return atomic_load_explicit(&lock->is_held, memory_order_relaxed) != 0;
}

#endif
