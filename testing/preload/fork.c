/*
 * fork() while other threads allocate: the child gets a heap in which nothing is half done.
 *
 * Instead of taking every lock, the forking thread closes a gate and waits until nobody is between entering and
 * leaving a context. Then no lock is held, no list is half changed and no page in between owners, in contexts of other
 * threads either: the child can take all of them over. The straight lines of malloc and free run on outside the gate:
 * each changes what the child sees by one store of one word, so that a block is allocated or it is not.
 *
 * Who enters says so and then looks at the gate; who closes it does so and then looks who has entered. The fence that
 * this needs is on the closing side alone, by membarrier(2): entering costs a store and a load. Where the system has no
 * membarrier, the gate is never quite open, and who enters makes the fence.
 */
#include "testing/preload/fork.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "testing/preload/context.h"

_Atomic preload_gate_t preload_gate = PRELOAD_GATE_FENCED;

static preload_lock_t fork_lock;
static preload_gate_t open_gate = PRELOAD_GATE_FENCED;

static bool membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0) == 0;
}

COLD void preload_context_wait(preload_context_t *context)
{
    if (preload_thread.is_forking) {
        return;
    }
    for (;;) {
        atomic_thread_fence(memory_order_seq_cst);
        if (atomic_load(&preload_gate) != PRELOAD_GATE_CLOSED) {
            return;
        }
        atomic_store_explicit(&context->is_busy, 0, memory_order_release);
        while (atomic_load(&preload_gate) == PRELOAD_GATE_CLOSED) {
            cpu_relax();
        }
        atomic_store_explicit(&context->is_busy, 1, memory_order_relaxed);
    }
}

static void wait_for(const preload_context_t *context)
{
    while (context != preload_context_current() && atomic_load_explicit(&context->is_busy, memory_order_acquire) != 0) {
        cpu_relax();
    }
}

static void before_fork(void)
{
    /* So that handlers of others, on this thread, find a context while nobody can attach. */
    preload_context_leave(preload_context_enter());

    preload_lock_take(&fork_lock);
    preload_thread.is_forking = true;
    atomic_store(&preload_gate, PRELOAD_GATE_CLOSED);
    atomic_thread_fence(memory_order_seq_cst);
    if (open_gate == PRELOAD_GATE_OPEN) {
        CHECK(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED), "membarrier refused");
    }
    wait_for(&preload_context_shared);
    for (uint32_t index = 0; index < preload_context_count(); index++) {
        wait_for(preload_context_by_index(index));
    }
    preload_contexts_hold(); /* last: who sweeps takes that lock, too */
}

static void after_fork(void)
{
    atomic_store(&preload_gate, open_gate);
    preload_thread.is_forking = false;
    preload_lock_release(&fork_lock);
}

static void after_fork_in_parent(void)
{
    preload_contexts_let_go();
    after_fork();
}

static void after_fork_in_child(void)
{
    preload_contexts_inherit();
    after_fork();
}

void preload_fork_start(void)
{
    if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)) {
        open_gate = PRELOAD_GATE_OPEN;
        atomic_store(&preload_gate, PRELOAD_GATE_OPEN);
    }
    CHECK(pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0, "fork is not watched");
}
