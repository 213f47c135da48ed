/*
 * Spinlocks: a ticket lock, so that CPUs get in by order of arrival (Mellor-Crummey and Scott, 1991, section 2.2).
 *
 * Holding a lock masks interrupts on the CPU that holds it: handlers may take any lock. Sections are short and never sleep.
 * Debug builds check the order of base/lock_order.h on every acquisition and that the holder lets go.
 */
#ifndef BASE_SPINLOCK_H
#define BASE_SPINLOCK_H

#include <stdatomic.h>
#include <stdint.h>

#include "arch/inline.h"
#include "base/check.h"
#include "base/lock_order.h"

typedef struct spinlock {
    _Atomic uint32_t next_ticket;
    _Atomic uint32_t now_serving;
    lock_rank_t rank;
} spinlock_t;

/* What to give back to spinlock_unlock(): the interrupt state from before. */
typedef struct spinlock_hold {
    interrupt_state_t interrupts;
} spinlock_hold_t;

#define SPINLOCK_INITIALIZER(lock_rank) {0, 0, lock_rank}

static inline void spinlock_init(spinlock_t *lock, lock_rank_t rank)
{
    atomic_init(&lock->next_ticket, 0);
    atomic_init(&lock->now_serving, 0);
    lock->rank = rank;
}

/* Waits for the lock and takes it. Any context; the caller does not hold it, nor any lock of its rank or a later one. */
MUST_USE static inline spinlock_hold_t spinlock_lock(spinlock_t *lock)
{
    const spinlock_hold_t hold = {interrupts_save()};
#ifdef QUARRY_DEBUG
    cpu_t *const cpu = cpu_current();
    CHECK((cpu->ranks_held >> lock->rank) == 0, "lock order violated");
    cpu->ranks_held |= UINT32_C(1) << lock->rank;
#endif
    const uint32_t ticket = atomic_fetch_add_explicit(&lock->next_ticket, 1, memory_order_relaxed);
    while (atomic_load_explicit(&lock->now_serving, memory_order_acquire) != ticket) {
        cpu_relax();
    }
    return hold;
}

/* Lets go of the lock and puts interrupts back as they were. */
static inline void spinlock_unlock(spinlock_t *lock, spinlock_hold_t hold)
{
#ifdef QUARRY_DEBUG
    cpu_current()->ranks_held &= ~(UINT32_C(1) << lock->rank);
#endif
    const uint32_t served = atomic_load_explicit(&lock->now_serving, memory_order_relaxed);
    atomic_store_explicit(&lock->now_serving, served + 1, memory_order_release);
    interrupts_restore(hold.interrupts);
}

/* Whether somebody holds the lock: for checks and panics, where the answer may be out of date at once. */
static inline bool spinlock_is_held(spinlock_t *lock)
{
    return atomic_load_explicit(&lock->next_ticket, memory_order_relaxed) !=
           atomic_load_explicit(&lock->now_serving, memory_order_relaxed);
}

#endif
