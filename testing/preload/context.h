/*
 * Allocation contexts for threads: found through a thread-local variable, attached at a thread's first allocation, and
 * given to another thread when theirs has ended.
 *
 * A thread without a context has the context "none", which has nothing in hand and takes nothing back: so the straight
 * lines of malloc and free need not ask, and every operation of such a thread ends up here. That is so before the first
 * allocation, after the destructors that end a thread, and when all contexts are in use; the last two share one context
 * under a lock.
 *
 * Between preload_context_enter() and preload_context_leave() a thread may change what slab core and page tree share.
 * fork() waits until nobody does: see context_fork.c.
 */
#ifndef TESTING_PRELOAD_CONTEXT_H
#define TESTING_PRELOAD_CONTEXT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/inline.h"
#include "mm/allocation_context.h"
#include "testing/preload/large.h"

#define PRELOAD_CONTEXT_COUNT (SLAB_CONTEXT_MAX - 1) /* one is the shared one */

/* What malloc returned last from a slot's current slab: as far from the slot as any other from its own. */
typedef struct preload_guess {
    ALIGNED(sizeof(slab_slot_t)) uintptr_t object;
} preload_guess_t;

typedef struct preload_context {
    allocation_context_t allocation; /* first: the slab core and the page tree know no more */
    preload_guess_t guesses[SLAB_SLOT_COUNT];
    _Atomic uint32_t is_busy; /* between enter and leave */
    bool is_idle;             /* no thread has it; under the lock of context.c */
    bool is_left_full;        /* idle, and its slabs have not been given to their caches */
    struct preload_context *next_idle;
    uint64_t pages_freed; /* and not yet told to pages.c as a whole */
    large_cache_t large;
} preload_context_t;

extern PRELOAD_HIDDEN preload_context_t preload_context_none;

/* The calling thread's, which may be "none". */
static inline preload_context_t *preload_context_current(void)
{
    return (preload_context_t *)(void *)allocation_context_current();
}

static ALWAYS_INLINE uintptr_t *preload_context_guess(const slab_slot_t *slot)
{
    return (uintptr_t *)((uintptr_t)slot + offsetof(preload_context_t, guesses) -
                         offsetof(preload_context_t, allocation.slab.slots));
}

/* Whether contexts may begin to work: anything but OPEN is looked into by preload_context_wait(). */
typedef enum preload_gate {
    PRELOAD_GATE_OPEN = 0,
    PRELOAD_GATE_FENCED, /* open, on a system without membarrier(2): who enters needs a fence */
    PRELOAD_GATE_CLOSED, /* a fork is under way */
} preload_gate_t;

extern PRELOAD_HIDDEN _Atomic preload_gate_t preload_gate;

/* The rare cases of enter and leave. */
MUST_USE preload_context_t *preload_context_attach(void);
void preload_context_wait(preload_context_t *context);
void preload_context_leave_shared(void);

extern PRELOAD_HIDDEN preload_context_t preload_context_shared;

/* Says that `context` works, or waits until it may. */
static inline void preload_context_begin(preload_context_t *context)
{
    atomic_store_explicit(&context->is_busy, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    if (UNLIKELY(atomic_load_explicit(&preload_gate, memory_order_relaxed) != PRELOAD_GATE_OPEN)) {
        preload_context_wait(context);
    }
}

/* Returns the context to work with, the thread's own as a rule. */
MUST_USE static inline preload_context_t *preload_context_enter(void)
{
    preload_context_t *const context = preload_context_current();
    if (UNLIKELY(context == &preload_context_none)) {
        return preload_context_attach();
    }
    preload_context_begin(context);
    return context;
}

static inline void preload_context_leave(preload_context_t *context)
{
    atomic_store_explicit(&context->is_busy, 0, memory_order_release);
    if (UNLIKELY(context == &preload_context_shared)) {
        preload_context_leave_shared();
    }
}

/* What a context that no thread has been given back meanwhile goes to the caches: of one such context, if any. */
void preload_context_sweep(void);

/* Whether `context` has been registered, by number; NULL past the last one. */
preload_context_t *preload_context_by_index(uint32_t index);

/* How often a thread got a context of its own, and how many contexts there are. */
uint64_t preload_context_attachments(void);
uint32_t preload_context_count(void);

/* Makes everything ready; called by the first allocation. Idempotent. */
void preload_start(void);

#endif
