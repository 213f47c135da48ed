/*
 * An allocation context: all that one CPU (or one CPU's interrupt level, or one host thread) allocates from without a
 * lock.
 *
 * The slab core's part comes first, so that the slab core, embedded elsewhere, may take a context for its part alone.
 * Contexts are type-stable: their memory never becomes anything else, because other CPUs push frees to an owner that
 * may just be leaving.
 */
#ifndef MM_ALLOCATION_CONTEXT_H
#define MM_ALLOCATION_CONTEXT_H

#include "arch/cpu_local.h"
#include "base/status.h"
#include "mm/page_context.h"
#include "mm/slab_context.h"

typedef struct allocation_context {
    union {
        slab_context_t slab;
        struct {
            slab_slot_t nothing;
            page_context_t pages; /* in slab.backend */
        };
    };
} allocation_context_t;

_Static_assert(sizeof(page_context_t) <= SLAB_CONTEXT_BACKEND_BYTES, "the page allocator's part has room");

/* Contexts, but for the boot CPU's, are made a run of so many pages at a time. */
#define ALLOCATION_CONTEXT_RUN_PAGES 4u

/* The boot CPU's two contexts: static memory, so that it can have them before there is an allocator. */
extern allocation_context_t allocation_context_boot_thread;
extern allocation_context_t allocation_context_boot_interrupt;

/* Gives the boot CPU its contexts, which it keeps. Boot CPU, once, before pages_init(). */
MUST_USE status_t allocation_contexts_attach_boot(cpu_t *cpu);

/*
 * Gives `cpu` its thread and interrupt contexts, made or reused. STATUS_NO_MEMORY, and nothing changed, when there is
 * no room. Thread context of any CPU whose own contexts are in place.
 */
MUST_USE status_t allocation_contexts_attach(cpu_t *cpu);

/*
 * Takes them back when `cpu` has stopped allocating: what they own goes to the caches and the page tree. Thread
 * context of another CPU, or of `cpu` itself as the last thing it does with memory.
 */
void allocation_contexts_detach(cpu_t *cpu);

/* How many pages hold contexts: they stay such for good, and so are no leak when the page allocator ends. */
uint64_t allocation_contexts_pages(void);

#endif
