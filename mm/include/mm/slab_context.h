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

#include "base/bits.h"
#include "base/compiler.h"
#include "base/status.h"

struct slab;

/*
 * A context's place at one cache. One cache line, in the order in which kmalloc and kfree use it.
 *
 * Allocations are not counted one by one: all that kmalloc changes is free_word, and a free changes it back. So
 *
 *   allocations by this context, ever = frees + balance - free objects in free_word
 *
 * and slow paths change `balance` where they change one side of this alone (slab.h, slab_slot_count_*).
 *
 * `limit` is what tells kfree that a free is its own business: an object of the current slab is one whose number is
 * below it. It is 0 when there is no current slab, and when another context has freed into the current slab since this
 * one last looked (slab_free.c), because a double free can then not be told from free_word alone.
 */
typedef struct slab_slot {
    uint64_t frees;       /* by this context, ever, whoever owned the slab */
    uint64_t free_word;   /* free objects of the current slab */
    uint64_t limit;       /* how many objects the current slab has, or 0: see above; others may set it to 0 */
    uintptr_t base;       /* the first object of the current slab */
    uint32_t object_size; /* distance between objects: the cache's, for good */
    uint32_t state;       /* SLAB_SLOT_EMPTY and SLAB_SLOT_CHANGE, below */
    uint64_t balance;     /* modulo 2^64: see above */
    struct slab *current; /* NULL when there is none */
    struct slab *partial; /* owned slabs with free objects that are not current: a list through their links */
} ALIGNED(CACHE_LINE_BYTES) slab_slot_t;

_Static_assert(sizeof(slab_slot_t) == CACHE_LINE_BYTES, "a slot is a cache line");

/*
 * In slab_slot_t.state: the slabs on `partial` that have no live object, counted in the low half; above it a number
 * that grows by 2 when the current slab changes, and is odd in the middle of it.
 */
#define SLAB_SLOT_EMPTY      1u
#define SLAB_SLOT_EMPTY_MASK 0xffffu
#define SLAB_SLOT_CHANGE     0x10000u

/*
 * kmalloc's class of 2^n bytes has slots[BITS_ORDER_OF(n - 1)], where the highest bit of the sizes that it is for,
 * less 1, leads. The others are no class's, and have a limit of 0 and nothing free for good: sizes without a class
 * lead there, which so need no comparison of their own.
 */
#define SLAB_SLOT_COUNT       64
#define SLAB_SLOT_OF_SHIFT(n) BITS_ORDER_OF((n) - 1u)

/* Of the class of 3 * 2^n bytes, where there are such (mm/kmalloc_inline.h). */
#define SLAB_SLOT_OF_TRIPLE(n) (16u + (n))

/* What a page backend may keep for each context, near its beginning, where it is reached in as few instructions. */
#define SLAB_CONTEXT_BACKEND_BYTES 192

typedef struct slab_context {
    slab_slot_t nothing; /* likewise, where page words lead that are not of kmalloc's slabs */
    ALIGNED(CACHE_LINE_BYTES) unsigned char backend[SLAB_CONTEXT_BACKEND_BYTES];
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
    uint64_t remote_frees[SLAB_SLOT_COUNT]; /* by others, of objects of each slot's slabs, as collected, ever */
} slab_context_t;

/* How many contexts there may be: two for each of 64 CPUs, unless the build says otherwise. */
#ifndef SLAB_CONTEXT_MAX
#define SLAB_CONTEXT_MAX 128
#endif

/*
 * Makes `context` ready for use and enters it in the registry, for good: its memory must never become anything else.
 * STATUS_OUT_OF_RANGE when SLAB_CONTEXT_MAX are registered. Thread context of any CPU.
 */
MUST_USE status_t slab_context_register(slab_context_t *context);

/* The first registered context; the rest follow through `next`. NULL when there is none. */
slab_context_t *slab_context_first(void);

#endif
