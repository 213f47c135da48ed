/*
 * A process around the slab core and the page tree: threads are CPUs, one reserved range of addresses is memory.
 *
 *   preload_arena: | page words, 8 bytes a page | pages of the tree ... | reserved, not committed yet |
 *                  '--------------------------- preload_arena_bytes ---------------------------------'
 *
 * The words lie at the arena's start, so that one load gives both. All of them can be read; what is not committed yet has
 * words of zero.
 *
 * There is no interrupt level: a signal handler may call malloc no more here than with any other C library.
 */
#ifndef TESTING_PRELOAD_PORT_H
#define TESTING_PRELOAD_PORT_H

#include <sched.h>
#include <time.h>

#define PORT_FRAME_RECORD_OFFSET 0

typedef int interrupt_state_t;

/* How far a thread is with its context: context.c. */
typedef enum preload_phase {
    PRELOAD_THREAD_NEW = 0,
    PRELOAD_THREAD_ATTACHED,
    PRELOAD_THREAD_ENDED,
} preload_phase_t;

typedef struct preload_thread {
    cpu_t cpu; /* its allocation_context is never NULL: a thread without one has preload_context_none's */
    preload_phase_t phase;
    uint32_t end_rounds; /* how often the end of the thread has been told */
    uint32_t waits;
    bool is_forking;
} preload_thread_t;

/* Named hidden, so that they are reached without the table of addresses that a library has for others' variables. */
#define PRELOAD_HIDDEN __attribute__((visibility("hidden")))

extern PRELOAD_HIDDEN _Thread_local preload_thread_t preload_thread __attribute__((tls_model("initial-exec")));

extern PRELOAD_HIDDEN char *preload_arena;
extern PRELOAD_HIDDEN uint64_t preload_arena_bytes; /* 0 before there is an arena */

static inline cpu_t *cpu_current(void)
{
    return &preload_thread.cpu;
}

static inline struct allocation_context *allocation_context_current(void)
{
    return preload_thread.cpu.allocation_context;
}

/* A holder that is not running needs the CPU that waits for it: yield soon, and sleep for those of lower priority. */
static inline void cpu_relax(void)
{
    const uint32_t waits = ++preload_thread.waits;
    if (waits % 4096 == 0) {
        nanosleep(&(const struct timespec){.tv_nsec = 50000}, NULL);
    } else if (waits % 32 == 0) {
        sched_yield();
    } else {
        __builtin_ia32_pause();
    }
}

static inline interrupt_state_t interrupts_save(void)
{
    return 0;
}

static inline void interrupts_restore(interrupt_state_t state)
{
    (void)state;
}

/* The tree's nodes are elsewhere (page_tree_config_t.metadata_source); these two complete the contract. */
static inline void *physical_to_pointer(physical_address_t address)
{
    return preload_arena + address.value;
}

static inline physical_address_t pointer_to_physical(const void *pointer)
{
    return physical_address((uint64_t)((const char *)pointer - preload_arena));
}

static inline uint64_t *page_word(const void *pointer)
{
    char *const arena = preload_arena;
    const uint64_t offset = (uint64_t)((uintptr_t)pointer - (uintptr_t)arena);
    if (UNLIKELY(offset >= preload_arena_bytes)) {
        return 0;
    }
    __builtin_assume(arena != 0);
    return (uint64_t *)(void *)arena + (offset >> PAGE_SHIFT);
}

#endif
