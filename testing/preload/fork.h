/*
 * fork() in a program with threads, and the locks that it puts right.
 */
#ifndef TESTING_PRELOAD_FORK_H
#define TESTING_PRELOAD_FORK_H

#include <stdatomic.h>

#include "arch/inline.h"

/* A lock outside the order of base/lock_order.h: its holder takes none of those, but for the shared context's. */
typedef struct preload_lock {
    _Atomic bool is_held;
} preload_lock_t;

static inline void preload_lock_take(preload_lock_t *lock)
{
    while (atomic_exchange_explicit(&lock->is_held, true, memory_order_acquire)) {
        while (atomic_load_explicit(&lock->is_held, memory_order_relaxed)) {
            cpu_relax();
        }
    }
}

static inline void preload_lock_release(preload_lock_t *lock)
{
    atomic_store_explicit(&lock->is_held, false, memory_order_release);
}

/* In a child, where its holder is not. */
static inline void preload_lock_reset(preload_lock_t *lock)
{
    preload_lock_release(lock);
}

/* Has fork() call us. */
void preload_fork_start(void);

/* context.c: nobody attaches or is left; that again; and, in a child, all contexts but the caller's are idle. */
void preload_contexts_hold(void);
void preload_contexts_let_go(void);
void preload_contexts_inherit(void);

#endif
