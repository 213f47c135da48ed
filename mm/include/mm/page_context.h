/*
 * What one allocation context keeps of the page allocator: the block it has checked out, and its share of the
 * statistics.
 *
 * Only the context's own CPU writes it (others do when that CPU is stopped or idle); statistics read the counters from
 * anywhere. All zero is a context with nothing checked out; page_context_init() makes it ready for the fast paths, too.
 */
#ifndef MM_PAGE_CONTEXT_H
#define MM_PAGE_CONTEXT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/relaxed.h"
#include "base/units.h"

struct page_block; /* mm/page_block.h: the two state words of 64 pages */

/*
 * Written by the owner with plain increments, read by anyone: through the functions below. All count since the context
 * was first used.
 */
typedef uint64_t page_counter_t;

/* As many chunks can be borrowed at a time. */
#define PAGE_CONTEXT_CHUNKS 8u

typedef struct page_context {
    struct page_block *block; /* page_block_none, or NULL, when none is checked out; what follows is then meaningless */
    uintptr_t address;        /* of that block's first byte, ready for the fast paths */
    page_number_t first_page;
    uint64_t bad_pages; /* those of the block that are INVALID, whatever its words say: under its chunk's guard */

    /*
     * The borrowed chunk that it was last served from: the words of its wholes. Others may take it away at any time.
     */
    struct page_block *_Atomic chunk; /* page_block_none, or NULL, when there is none */
    uintptr_t chunk_address;
    page_number_t chunk_first_page;

    /* A run is what one call asked for or gave back; a single is a run of one page. */
    page_counter_t singles_allocated;
    page_counter_t singles_freed;
    page_counter_t longer_runs_allocated;
    page_counter_t longer_pages_allocated; /* pages in those runs */
    page_counter_t longer_runs_freed;
    page_counter_t longer_pages_freed;
    page_counter_t requests_failed;

    struct page_context *next; /* the tree's list of contexts that it has seen, for the sums */
    bool is_listed;
    bool is_plain;            /* listed, and nobody watches the tree: frees need no more than the block's words */
    uint32_t slow_operations; /* page_tree_sample_peak() */

    /* The chunks that are borrowed, by their numbers, in the order of time: written under the tree's lock. */
    uint32_t chunk_count;
    uint32_t chunks[PAGE_CONTEXT_CHUNKS];
} page_context_t;

/*
 * Stands for a block where there is none: all its pages are reserved, so that nothing can be had of it or given to
 * it.
 */
extern struct page_block page_block_none;

/* Makes a context new: nothing is checked out, and all counters are 0. */
void page_context_init(page_context_t *context);

/* Whether it has a block checked out. */
static inline bool page_context_has_block(const page_context_t *context)
{
    return context->block != NULL && context->block != &page_block_none;
}

/* Whether it has a chunk borrowed. */
static inline bool page_context_has_chunk(const page_context_t *context)
{
    struct page_block *const chunk = atomic_load_explicit(&context->chunk, memory_order_relaxed);
    return chunk != NULL && chunk != &page_block_none;
}

/* Adds to a counter of one's own context. */
static inline void page_counter_add(page_counter_t *counter, uint64_t amount)
{
    __atomic_store_n(counter, RELAXED_LOAD(counter) + amount, __ATOMIC_RELEASE);
}

/*
 * A run of one page, or of more, was allocated. In no order with what comes before: whoever reads frees, which are told
 * in order, and then allocations, sees the allocation of every page whose free it saw.
 */
static ALWAYS_INLINE void page_context_count_allocated(page_context_t *context, uint64_t count)
{
    if (count == 1) {
        RELAXED_ADD(&context->singles_allocated, 1);
    } else {
        RELAXED_ADD_BOTH(context, longer_runs_allocated, longer_pages_allocated, 1, count);
    }
}

/* Before counters of what was freed, by a read-modify-write that was the last thing before: one for all of them. */
static ALWAYS_INLINE void page_counter_order_free(void)
{
    if (!RMW_IS_A_FENCE) {
        atomic_thread_fence(memory_order_release);
    }
}

/* The same of a run that was freed so. */
static ALWAYS_INLINE void page_context_count_freed(page_context_t *context, uint64_t count)
{
    if (count == 1) {
        __atomic_store_n(&context->singles_freed, RELAXED_LOAD(&context->singles_freed) + 1,
                         RMW_IS_A_FENCE ? __ATOMIC_RELAXED : __ATOMIC_RELEASE);
    } else {
        page_counter_order_free();
        RELAXED_ADD_BOTH(context, longer_runs_freed, longer_pages_freed, 1, count);
    }
}

/* Reads anybody's counter. What its owner did before counting is seen too. */
static inline uint64_t page_counter_read(const page_counter_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

#endif
