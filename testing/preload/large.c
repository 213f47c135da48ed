/*
 * Large blocks: the cache of runs that each thread has, and the pages behind it.
 *
 * A full cache gives back an eighth of what it may have before it takes more, beginning where it ended the last time.
 *
 * A thread writes to its own cache alone, one word at a time, and a block leaves a bin before its page's word says that
 * it is live: so a fork at any moment leaves the child a cache that is in order.
 */
#include "testing/preload/large.h"

#include <stdint.h>
#include <sys/mman.h>

#include "base/check.h"
#include "mm/kmem_cache.h"
#include "mm/slab/slab.h"
#include "testing/preload/context.h"
#include "testing/preload/large_internal.h"
#include "testing/preload/large_room.h"
#include "testing/preload/pages.h"

/* What all caches may keep together, if each has as much as one that is attached last. */
#define CACHES_PAGES_MAX (MIB(64) / PAGE_SIZE)

/* Bins that a request looks into: its own and those up to three eighths longer. */
#define BINS_TRIED 4u

/* ---- allocation ---- */

void *large_run_alloc(preload_context_t *context, size_t pages, size_t alignment, bool *is_zeroed)
{
    void *run = preload_pages_alloc(pages, alignment >> PAGE_SHIFT, is_zeroed);
    if (run == NULL && pages < preload_arena_bytes >> PAGE_SHIFT) {
        large_flush(context);
        (void)(kmem_caches_shrink() + preload_pages_trim());
        run = preload_pages_alloc(pages, alignment >> PAGE_SHIFT, is_zeroed);
    }
    return run;
}

static NOINLINE void *alloc_slowly(size_t pages, size_t alignment, bool *is_zeroed)
{
    preload_context_t *const context = preload_context_enter();
    void *const block = large_run_alloc(context, pages, alignment, is_zeroed);
    if (block != NULL) {
        large_set_word(block, pages, PAGE_CODE_LARGE);
        RELAXED_ADD(&context->allocation.slab.large_allocations, 1);
    } else {
        RELAXED_ADD(&context->allocation.slab.large_failures, 1);
    }
    preload_context_leave(context);
    return block;
}

void *large_alloc(size_t size, size_t alignment, bool *is_zeroed)
{
    const size_t last = (size - 1) >> PAGE_SHIFT;
    *is_zeroed = false;
    if (UNLIKELY(last >= LARGE_BIN_PAGES_MAX || alignment > PAGE_SIZE)) {
        return size > PTRDIFF_MAX ? NULL : alloc_slowly(last + 1, alignment, is_zeroed);
    }
    preload_context_t *const context = preload_context_current();
    const unsigned step = large_step_of(last);
    const size_t wanted = large_bin_of(last, step);
    const uint64_t found = (context->large.filled >> wanted) & bits_low(BINS_TRIED);
    if (UNLIKELY(found == 0)) {
        return alloc_slowly(((last >> step) + 1) << step, alignment, is_zeroed);
    }
    const size_t number = wanted + find_first_set_nonzero(found);
    void *const block = large_take_from_bin(&context->large, number);
    RELAXED_ADD(&context->allocation.slab.large_allocations, 1);
    large_set_word(block, large_pages_of_bin(number), PAGE_CODE_LARGE);
    return block;
}

/* ---- free ---- */

void large_run_free(void *run, size_t pages)
{
    large_set_word(run, 0, PAGE_CODE_GONE);
    pages_free(run, pages);
}

/* From where the last flush ended; rooms last. */
void large_cache_flush(large_cache_t *cache, uint64_t keep)
{
    for (unsigned turn = 0; turn < LARGE_BIN_COUNT && cache->pages > keep; turn++) {
        const uint64_t number = cache->flush_bin++ % LARGE_BIN_COUNT;
        large_bin_t *const bin = &cache->bins[number];
        cache->filled &= ~(UINT64_C(1) << number);
        while (bin->count != 0) {
            void *const run = bin->runs[bin->count - 1];
            RELAXED_STORE(&bin->count, bin->count - 1);
            cache->pages -= large_pages_of_bin(number);
            large_run_free(run, large_pages_of_bin(number));
        }
    }
    large_room_flush(cache, keep);
}

void large_cache_limit(large_cache_t *cache, uint32_t contexts)
{
    cache->pages_max = CACHES_PAGES_MAX / (1 + contexts);
}

void large_flush(preload_context_t *context)
{
    large_cache_flush(&context->large, 0);
}

bool large_run_restore(void *run, size_t pages)
{
    return mmap(run, pages << PAGE_SHIFT, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == run;
}

/* The block is free by its word already. */
static NOINLINE void free_slowly(char *block, uint64_t word)
{
    const size_t pages = large_pages_of_word(word);
    preload_context_t *const context = preload_context_enter();
    large_cache_t *const cache = &context->large;
    if (cache->pages + pages > cache->pages_max) {
        large_cache_flush(cache, cache->pages_max - cache->pages_max / 8);
    }
    if (LIKELY((word & LARGE_WAS_MOVED) == 0 || large_run_restore(block, pages)) &&
        !large_room_return(block, block + (pages << PAGE_SHIFT), true)) {
        large_run_free(block, pages);
    }
    RELAXED_ADD(&context->allocation.slab.large_frees, 1);
    preload_context_leave(context);
}

/* What is left to do with a block that was taken from its owner: into its bin, if there is room. */
static ALWAYS_INLINE void keep(void *pointer, uint64_t word)
{
    preload_context_t *const context = preload_context_current();
    const size_t pages = large_pages_of_word(word);
    const size_t last = pages - 1;
    const unsigned step = large_step_of(last);
    if (UNLIKELY(last >= LARGE_BIN_PAGES_MAX || pages & (((size_t)1 << step) - 1) || (word & LARGE_WAS_MOVED) != 0 ||
                 context->large.pages + pages > context->large.pages_max)) {
        free_slowly(pointer, word);
        return;
    }
    const size_t number = large_bin_of(last, step);
    large_bin_t *const bin = &context->large.bins[number];
    const uint64_t count = bin->count;
    if (UNLIKELY(count == LARGE_BIN_DEPTH)) {
        free_slowly(pointer, word);
        return;
    }
    context->large.pages += pages;
    bin->runs[count] = pointer;
    atomic_signal_fence(memory_order_seq_cst);
    RELAXED_STORE(&bin->count, count + 1);
    atomic_signal_fence(memory_order_seq_cst);
    RELAXED_STORE(&context->large.filled, context->large.filled | UINT64_C(1) << number);
    RELAXED_ADD(&context->allocation.slab.large_frees, 1);
}

/* The same in a thread that has rooms, one of which may be behind the block. */
static NOINLINE void keep_or_return(void *pointer, uint64_t word)
{
    char *const end = (char *)pointer + (large_pages_of_word(word) << PAGE_SHIFT);
    if ((word & LARGE_WAS_MOVED) == 0 && large_room_return(pointer, end, true)) {
        RELAXED_ADD(&preload_context_current()->allocation.slab.large_frees, 1);
        return;
    }
    keep(pointer, word);
}

void large_free(void *pointer, uint64_t word)
{
    if (UNLIKELY(!large_is_start(pointer, word))) {
        slab_misuse_no_slab((uintptr_t)pointer, word);
    }
    /* Of two frees at once one finds the block gone. */
    const uint64_t gone = (word & ~PAGE_CODE_MASK) | PAGE_CODE_GONE;
    const uint64_t before = __atomic_exchange_n(large_word_of(pointer), gone, __ATOMIC_ACQ_REL);
    if (UNLIKELY((before & PAGE_CODE_MASK) != PAGE_CODE_LARGE)) {
        slab_misuse_no_slab((uintptr_t)pointer, before);
    }
    if (preload_context_current()->large.has_rooms) {
        keep_or_return(pointer, word);
        return;
    }
    keep(pointer, word);
}
