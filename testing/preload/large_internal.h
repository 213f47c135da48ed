/*
 * What the files of large blocks share: lengths, words, and where runs come from and go to.
 *
 * The bins have runs of one length each: with n pages and s = log2((n - 1) | 8) - 3, the bin is 8s + ((n - 1) >> s),
 * and the length is n rounded up to a multiple of 2^s.
 */
#ifndef TESTING_PRELOAD_LARGE_INTERNAL_H
#define TESTING_PRELOAD_LARGE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/page_backend.h"
#include "base/bits.h"
#include "base/relaxed.h"
#include "mm/slab/page_code.h"
#include "testing/preload/large.h"

#define LARGE_STEP_SHIFT    3 /* eight lengths for each doubling */
#define LARGE_BIN_PAGES_MAX (MIB(4) / PAGE_SIZE)

_Static_assert(LARGE_BIN_PAGES_MAX == 16u << (LARGE_BIN_COUNT / 8 - 2), "the last bin has the longest runs");

/* In a large block's word: its pages are a mapping of their own, by mremap(2). */
#define LARGE_WAS_MOVED (UINT64_C(1) << (PAGE_WORD_VALUE_SHIFT - 1))

/* ---- lengths ---- */

/* Rounded down to a power of two, how far apart lengths near `last` + 1 pages are: the power. */
static ALWAYS_INLINE unsigned large_step_of(size_t last)
{
    return find_last_set_nonzero(last | (1u << LARGE_STEP_SHIFT)) - LARGE_STEP_SHIFT;
}

static ALWAYS_INLINE size_t large_bin_of(size_t last, unsigned step)
{
    return ((size_t)step << LARGE_STEP_SHIFT) + (last >> step);
}

/* How many pages the runs of a bin have. */
static ALWAYS_INLINE size_t large_pages_of_bin(size_t bin)
{
    const size_t step = bin < 2u << LARGE_STEP_SHIFT ? 0 : (bin >> LARGE_STEP_SHIFT) - 1;
    return (bin - (step << LARGE_STEP_SHIFT) + 1) << step;
}

/* How many pages a block gets that needs `last` + 1. */
static ALWAYS_INLINE size_t large_pages_for(size_t last)
{
    const unsigned step = last < LARGE_BIN_PAGES_MAX ? large_step_of(last) : 0;
    return ((last >> step) + 1) << step;
}

/* ---- words ---- */

/* Pages of the arena by number. */
static ALWAYS_INLINE uint64_t large_page_number(const void *address)
{
    return (uint64_t)((const char *)address - preload_arena) >> PAGE_SHIFT;
}

static ALWAYS_INLINE void *large_page_pointer(uint64_t page)
{
    return preload_arena + (page << PAGE_SHIFT);
}

/* The word of the first page of a block, which is in the arena. */
static ALWAYS_INLINE uint64_t *large_word_of(const void *block)
{
    uint64_t *const words = (uint64_t *)(void *)preload_arena;
    return &words[large_page_number(block)];
}

static ALWAYS_INLINE void large_set_word(void *block, size_t pages, uint64_t code)
{
    __atomic_store_n(large_word_of(block), (uint64_t)pages << PAGE_WORD_VALUE_SHIFT | code, __ATOMIC_RELEASE);
}

static ALWAYS_INLINE size_t large_pages_of_word(uint64_t word)
{
    return word >> PAGE_WORD_VALUE_SHIFT;
}

static ALWAYS_INLINE bool large_is_start(const void *pointer, uint64_t word)
{
    return large_pages_of_word(word) != 0 && ((uintptr_t)pointer & PAGE_OFFSET_MASK) == 0;
}

/* ---- runs; callers of what follows have entered a context ---- */

/* A run of the tree's, after giving to the system and the tree what is idle if need be; or NULL. */
MUST_USE void *large_run_alloc(struct preload_context *context, size_t pages, size_t alignment, bool *is_zeroed);

/* Gives a run to the tree. */
void large_run_free(void *run, size_t pages);

/* Gives what a context keeps to the tree, until it keeps no more than `keep` pages. */
void large_cache_flush(large_cache_t *cache, uint64_t keep);

/*
 * Makes a run a part of the one mapping again. False when the system refuses: the run may then be mapped no more, and
 * must not be handed out again.
 */
MUST_USE bool large_run_restore(void *run, size_t pages);

/*
 * Takes a run out of the bin `number`, which the context's cache has as filled; whoever gets it sets its word. Needs no
 * context entered.
 */
static ALWAYS_INLINE void *large_take_from_bin(large_cache_t *cache, size_t number)
{
    large_bin_t *const bin = &cache->bins[number];
    const uint64_t count = bin->count;
    void *const run = bin->runs[count - 1];
    if (count == 1) {
        RELAXED_STORE(&cache->filled, cache->filled & ~(UINT64_C(1) << number));
    }
    atomic_signal_fence(memory_order_seq_cst);
    RELAXED_STORE(&bin->count, count - 1);
    cache->pages -= large_pages_of_bin(number);
    atomic_signal_fence(memory_order_seq_cst);
    return run;
}

#endif
