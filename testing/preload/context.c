/*
 * Contexts that come and go with threads.
 *
 * There is room for PRELOAD_CONTEXT_COUNT of them, in memory that never becomes anything else. One is registered with
 * the slab core when no idle one is left. A thread's end is told by a destructor of thread-specific data; it asks to
 * be told again until the last round but one, so that others' destructors find the context still in place. What is allocated
 * and freed after that goes by the shared context.
 *
 * A thread that ends gives its slabs with free objects to the caches, but keeps the full ones: finding those would mean
 * looking at every slab there is. Objects in them that are freed later are posted to the idle context, and brought
 * home when another thread takes it over, or when pages run short and somebody sweeps (preload_context_sweep()).
 */
#include "testing/preload/context.h"

#include <limits.h>
#include <pthread.h>

#include "base/check.h"
#include "mm/kmem_cache.h"
#include "mm/slab/slab.h"
#include "testing/preload/fork.h"
#include "testing/preload/pages.h"

_Thread_local preload_thread_t preload_thread = {
    .cpu = {.allocation_context = &preload_context_none.allocation},
};

preload_context_t preload_context_none;
preload_context_t preload_context_shared;

/* Rounds of destructors that a thread's context lives through. The last is left to a sanitizer, which ends there, too. */
#define END_ROUNDS (PTHREAD_DESTRUCTOR_ITERATIONS - 1)

static preload_lock_t shared_lock;

/* Guards the list of idle contexts and what follows. Nothing else is locked meanwhile. */
static preload_lock_t lock;
static preload_context_t *idle_first;
static preload_context_t *idle_last;
static uint64_t attachments;

static preload_context_t contexts[PRELOAD_CONTEXT_COUNT];
static _Atomic uint32_t context_count;

static pthread_key_t end_key;

/* ---- idle contexts: first in, first out, so that a sweep gets to all of them ---- */

static void put_idle_locked(preload_context_t *context)
{
    context->is_idle = true;
    context->next_idle = NULL;
    if (idle_last != NULL) {
        idle_last->next_idle = context;
    } else {
        RELAXED_STORE(&idle_first, context);
    }
    idle_last = context;
}

static void put_idle(preload_context_t *context)
{
    preload_lock_take(&lock);
    put_idle_locked(context);
    preload_lock_release(&lock);
}

static preload_context_t *take_idle(void)
{
    preload_lock_take(&lock);
    preload_context_t *const context = idle_first;
    if (context != NULL) {
        RELAXED_STORE(&idle_first, context->next_idle);
        idle_last = idle_first == NULL ? NULL : idle_last;
        context->is_idle = false;
    }
    preload_lock_release(&lock);
    return context;
}

/* A context that was never used; NULL when all are. */
static preload_context_t *make_context(void)
{
    preload_context_t *context = NULL;
    preload_lock_take(&lock);
    const uint32_t count = atomic_load_explicit(&context_count, memory_order_relaxed);
    if (count < PRELOAD_CONTEXT_COUNT && slab_context_register(&contexts[count].allocation.slab) == STATUS_OK) {
        context = &contexts[count];
        page_context_init(&context->allocation.pages);
        atomic_store_explicit(&context_count, count + 1, memory_order_release);
    }
    preload_lock_release(&lock);
    return context;
}

preload_context_t *preload_context_by_index(uint32_t index)
{
    return index < preload_context_count() ? &contexts[index] : NULL;
}

uint32_t preload_context_count(void)
{
    return atomic_load_explicit(&context_count, memory_order_acquire);
}

uint64_t preload_context_attachments(void)
{
    return RELAXED_LOAD(&attachments);
}

/* ---- giving back what a context has ---- */

static void drain_slot(kmem_cache_t *cache, void *context)
{
    slab_slot_drain(cache, context);
}

/* The caller has entered a context, and may touch this one. */
static void drain(preload_context_t *context)
{
    large_flush(context);
    slab_collect(&context->allocation.slab);
    kmem_caches_visit(drain_slot, &context->allocation.slab);
    preload_pages_drain(context);
    context->is_left_full = false;
}

void preload_context_sweep(void)
{
    if (LIKELY(RELAXED_LOAD(&idle_first) == NULL)) {
        return;
    }
    preload_context_t *const context = take_idle();
    if (context == NULL) {
        return;
    }
    if (context->is_left_full || atomic_load_explicit(&context->allocation.slab.posted, memory_order_relaxed) != NULL) {
        drain(context);
    }
    put_idle(context);
}

/* ---- a thread's context ---- */

/* The destructor of the thread-specific data. */
static void end_thread(void *argument)
{
    preload_thread_t *const thread = &preload_thread;
    thread->end_rounds++;
    if (thread->end_rounds < END_ROUNDS && pthread_setspecific(end_key, argument) == 0) {
        return;
    }
    preload_context_t *const context = argument;
    preload_context_begin(context);
    drain(context);
    preload_context_leave(context);
    thread->cpu.allocation_context = &preload_context_none.allocation;
    thread->phase = PRELOAD_THREAD_ENDED;
    put_idle(context);
}

/* Takes over, or makes, a context; false when there is none. */
static bool attach(preload_thread_t *thread)
{
    preload_context_t *context = take_idle();
    if (context == NULL) {
        context = make_context();
    }
    if (context == NULL) {
        return false;
    }
    large_cache_limit(&context->large, preload_context_count());
    thread->phase = PRELOAD_THREAD_ATTACHED;
    thread->cpu.allocation_context = &context->allocation;
    __atomic_fetch_add(&attachments, 1, __ATOMIC_RELAXED);
    /* May allocate, which works by now. */
    if (pthread_setspecific(end_key, context) != 0) {
        thread->phase = PRELOAD_THREAD_ENDED;
        thread->cpu.allocation_context = &preload_context_none.allocation;
        context->is_left_full = true;
        put_idle(context);
        return false;
    }
    return true;
}

COLD preload_context_t *preload_context_attach(void)
{
    preload_thread_t *const thread = &preload_thread;
    preload_start();
    if (thread->phase == PRELOAD_THREAD_NEW && attach(thread)) {
        preload_context_t *const context = preload_context_current();
        preload_context_begin(context);
        return context;
    }
    preload_lock_take(&shared_lock);
    thread->cpu.allocation_context = &preload_context_shared.allocation;
    preload_context_begin(&preload_context_shared);
    return &preload_context_shared;
}

COLD void preload_context_leave_shared(void)
{
    preload_thread.cpu.allocation_context = &preload_context_none.allocation;
    preload_lock_release(&shared_lock);
}

/* ---- fork ---- */

void preload_contexts_hold(void)
{
    preload_lock_take(&lock);
}

void preload_contexts_let_go(void)
{
    preload_lock_release(&lock);
}

void preload_contexts_inherit(void)
{
    preload_lock_reset(&lock);
    preload_lock_reset(&shared_lock);
    for (uint32_t index = 0; index < preload_context_count(); index++) {
        preload_context_t *const context = &contexts[index];
        if (context != preload_context_current() && !context->is_idle) {
            context->is_left_full = true;
            put_idle_locked(context);
        }
    }
}

/* ---- start ---- */

static void start_parts(void)
{
    CHECK(preload_pages_start() == STATUS_OK, "no addresses for malloc");
    CHECK(pthread_key_create(&end_key, end_thread) == 0, "no key for the ends of threads");
    CHECK(slab_context_register(&preload_context_shared.allocation.slab) == STATUS_OK, "no context to share");
    page_context_init(&preload_context_shared.allocation.pages);
    CHECK(slab_init() == STATUS_OK, "slab core does not start");
}

void preload_start(void)
{
    enum { NOT_YET, STARTING, STARTED };
    static _Atomic int state;
    int before = NOT_YET;
    if (LIKELY(atomic_load_explicit(&state, memory_order_acquire) == STARTED)) {
        return;
    }
    if (atomic_compare_exchange_strong(&state, &before, STARTING)) {
        start_parts();
        atomic_store_explicit(&state, STARTED, memory_order_release);
        preload_fork_start(); /* may allocate */
    }
    while (atomic_load_explicit(&state, memory_order_acquire) != STARTED) {
        cpu_relax();
    }
}
