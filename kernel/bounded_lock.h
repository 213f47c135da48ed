/*
 * A lock that gives up waiting: for what must work in a panic too, when the holder may be stopped for good.
 *
 * Masks interrupts while it is held. The section must stay sound, if perhaps garbled, when two CPUs are in it at once.
 */
#ifndef KERNEL_BOUNDED_LOCK_H
#define KERNEL_BOUNDED_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "arch/inline.h"

/* Looks at the lock before giving up: some hundred milliseconds, longer than any line takes on a slow serial port. */
#define BOUNDED_LOCK_LOOKS_MAX 20000000u

typedef struct bounded_lock {
    atomic_bool is_held;
} bounded_lock_t;

typedef struct bounded_hold {
    interrupt_state_t interrupts;
    bool is_ours; /* false: waited in vain, the section runs unprotected */
} bounded_hold_t;

static inline bounded_hold_t bounded_lock(bounded_lock_t *lock)
{
    bounded_hold_t hold = {interrupts_save(), false};
    for (unsigned looks = 0; !hold.is_ours && looks < BOUNDED_LOCK_LOOKS_MAX; looks++) {
        hold.is_ours = !atomic_load_explicit(&lock->is_held, memory_order_relaxed) &&
                       !atomic_exchange_explicit(&lock->is_held, true, memory_order_acquire);
        if (!hold.is_ours) {
            cpu_relax();
        }
    }
    return hold;
}

static inline void bounded_unlock(bounded_lock_t *lock, bounded_hold_t hold)
{
    if (hold.is_ours) {
        atomic_store_explicit(&lock->is_held, false, memory_order_release);
    }
    interrupts_restore(hold.interrupts);
}

/* For a panic, when all other CPUs are stopped: whoever held it will not come back. */
static inline void bounded_lock_break(bounded_lock_t *lock)
{
    atomic_store_explicit(&lock->is_held, false, memory_order_release);
}

#endif
