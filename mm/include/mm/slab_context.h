/*
 * What one allocation context keeps of the slab core: for each cache a slot with the slab it allocates from now.
 *
 * Written by the context's own CPU alone, but for `posted`, where other CPUs push slabs that they freed into. Other
 * CPUs may look at the rest (statistics, double-free checks), so all access is by base/relaxed.h.
 *
 *   slot   | free_word | base | current |...          the truth about the current slab's free objects is here, in
 *               .------------------'                   free_word, as long as the slab is current
 *               v
 *   slab   | free_word | remote_word | base | cache | owner | link | posted_next |      mm/slab/slab.h
 */
#ifndef MM_SLAB_CONTEXT_H
#define MM_SLAB_CONTEXT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"

struct slab;

/*
 * A context's place at one cache. One cache line.
 *
 * The slot of an object of 2^n bytes from kmalloc is slots[n]: the page word of its page says n (mm/slab/page_code.h).
 */
typedef struct slab_slot {
    uint64_t free_word;   /* free objects of the current slab */
    uintptr_t base;       /* where bit 0 of free_word lies: may be before the slab itself, see mm/slab/slab.h */
    struct slab *current; /* SLAB_NONE when there is none; never NULL */
    uint64_t allocations; /* by this context, ever */
    uint64_t frees;       /* by this context, ever, whoever owned the slab */
    struct slab *partial; /* owned slabs with free objects that are not current: a list through their links */
    uint32_t generation;  /* grows by 2 when the current slab changes; odd in the middle of it */
    uint32_t empty_count; /* slabs on `partial` that have no live object */

    /* Constants of kmalloc's classes; 0 in the slots of typed caches. */
    uint32_t offset_mask; /* the address bits that are 0 where an object starts */
    uint32_t
        row_mask; /* the bits of an object's number that tell which slab of its page it is in: mm/slab/page_code.h */
} ALIGNED(CACHE_LINE_BYTES) slab_slot_t;

_Static_assert(sizeof(slab_slot_t) == CACHE_LINE_BYTES, "a slot is a cache line");

/* No slab: unlike NULL it differs from whatever a page word that was never written leads to. */
#define SLAB_NONE ((struct slab *)1)

#define SLAB_SLOT_COUNT 13 /* by page code: 4 to 12 are kmalloc's classes; 0 to 3 are no slots and stay at SLAB_NONE */

typedef struct slab_context {
    slab_slot_t slots[SLAB_SLOT_COUNT];

    /* What other CPUs write has a line of its own. */
    ALIGNED(CACHE_LINE_BYTES) struct slab *_Atomic posted; /* slabs of ours that got their first remote free: a stack */
    _Atomic uint32_t is_collecting;                        /* 1 while the owner walks what it took off the stack */

    /* Slow paths only. */
    ALIGNED(CACHE_LINE_BYTES) struct slab_context *next; /* the registry: written once */
    uint32_t index; /* in the registry, dense; which of a typed cache's slots is ours */
    _Atomic bool is_attached;
    uint64_t large_allocations; /* blocks over 4096 bytes, by this context, ever */
    uint64_t large_frees;
    uint64_t large_pages_allocated;
    uint64_t large_pages_freed;
    uint32_t large_failures;
} slab_context_t;

/* How many contexts there may be: two for each of 64 CPUs. */
#define SLAB_CONTEXT_MAX 128

/*
 * Makes `context` ready for use and enters it in the registry, for good: its memory must never become anything else.
 * STATUS_OUT_OF_RANGE when SLAB_CONTEXT_MAX are registered. Thread context of any CPU.
 */
MUST_USE status_t slab_context_register(slab_context_t *context);

/* The first registered context; the rest follow through `next`. NULL when there is none. */
slab_context_t *slab_context_first(void);

#endif
