/*
 * Large blocks: the cache of runs that each thread has, and the pages behind it.
 *
 * Bin i of a cache has runs of one length: with n pages and s = log2((n - 1) | 8) - 3, i is 8s + ((n - 1) >> s), and
 * the length is n rounded up to a multiple of 2^s. A full cache gives back an eighth of what it may have before it takes
 * more, beginning where it ended the last time.
 *
 * A thread writes to its own cache alone, one word at a time, and a block leaves a bin before its page's word says that
 * it is live: so a fork at any moment leaves the child a cache that is in order.
 */
#include "testing/preload/large.h"

#include <stdint.h>
#include <sys/mman.h>

#include "arch/page_backend.h"
#include "base/bits.h"
#include "base/check.h"
#include "base/relaxed.h"
#include "mm/kmem_cache.h"
#include "mm/slab/slab.h"
#include "testing/preload/context.h"
#include "testing/preload/pages.h"

#define STEP_SHIFT    3 /* eight lengths for each doubling */
#define BIN_PAGES_MAX (MIB(4) / PAGE_SIZE)

/* What all caches may keep together, if each has as much as one that is attached last. */
#define CACHES_PAGES_MAX (MIB(64) / PAGE_SIZE)

/* Bins that a request looks into: its own and those up to three eighths longer. */
#define BINS_TRIED 4u

/* Moving pages by the system beats copying them from here on. */
#define MOVE_BYTES_MIN KIB(256)

_Static_assert(BIN_PAGES_MAX == 16u << (LARGE_BIN_COUNT / 8 - 2), "the last bin has the longest runs");

/* In a large block's word: its pages are a mapping of their own, by mremap(2). */
#define LARGE_WAS_MOVED (UINT64_C(1) << (PAGE_WORD_VALUE_SHIFT - 1))

/* Rounded down to a power of two, how far apart lengths near `last` + 1 pages are: the power. */
static ALWAYS_INLINE unsigned step_of(size_t last)
{
    return find_last_set_nonzero(last | (1u << STEP_SHIFT)) - STEP_SHIFT;
}

static ALWAYS_INLINE size_t bin_of(size_t last, unsigned step)
{
    return ((size_t)step << STEP_SHIFT) + (last >> step);
}

/* How many pages the runs of a bin have. */
static ALWAYS_INLINE size_t pages_of_bin(size_t bin)
{
    const size_t step = bin < 2u << STEP_SHIFT ? 0 : (bin >> STEP_SHIFT) - 1;
    return (bin - (step << STEP_SHIFT) + 1) << step;
}

static ALWAYS_INLINE void set_word(void *block, size_t pages, uint64_t code)
{
    __atomic_store_n(page_word(block), (uint64_t)pages << PAGE_WORD_VALUE_SHIFT | code, __ATOMIC_RELEASE);
}

static ALWAYS_INLINE size_t pages_of_word(uint64_t word)
{
    return word >> PAGE_WORD_VALUE_SHIFT;
}

/* ---- allocation ---- */

static void *alloc_pages(size_t pages, size_t alignment, bool *is_zeroed)
{
    void *block = preload_pages_alloc(pages, alignment >> PAGE_SHIFT, is_zeroed);
    if (block == NULL && kmem_caches_shrink() + preload_pages_trim() != 0) {
        block = preload_pages_alloc(pages, alignment >> PAGE_SHIFT, is_zeroed);
    }
    return block;
}

static NOINLINE void *alloc_slowly(size_t pages, size_t alignment, bool *is_zeroed)
{
    preload_context_t *const context = preload_context_enter();
    void *const block = alloc_pages(pages, alignment, is_zeroed);
    if (block != NULL) {
        set_word(block, pages, PAGE_CODE_LARGE);
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
    if (UNLIKELY(last >= BIN_PAGES_MAX || alignment > PAGE_SIZE)) {
        return size > PTRDIFF_MAX ? NULL : alloc_slowly(last + 1, alignment, is_zeroed);
    }
    preload_context_t *const context = preload_context_current();
    const unsigned step = step_of(last);
    const size_t wanted = bin_of(last, step);
    const uint64_t found = (context->large.filled >> wanted) & bits_low(BINS_TRIED);
    if (UNLIKELY(found == 0)) {
        return alloc_slowly(((last >> step) + 1) << step, alignment, is_zeroed);
    }
    const size_t number = wanted + find_first_set_nonzero(found);
    const size_t pages = pages_of_bin(number);
    large_bin_t *const bin = &context->large.bins[number];
    const uint64_t count = bin->count;
    void *const block = bin->blocks[count - 1];
    if (count == 1) {
        RELAXED_STORE(&context->large.filled, context->large.filled & ~(UINT64_C(1) << number));
    }
    atomic_signal_fence(memory_order_seq_cst);
    RELAXED_STORE(&bin->count, count - 1);
    context->large.pages -= pages;
    RELAXED_ADD(&context->allocation.slab.large_allocations, 1);
    atomic_signal_fence(memory_order_seq_cst);
    set_word(block, pages, PAGE_CODE_LARGE);
    return block;
}

/* ---- free ---- */

static void give_back(void *block, size_t pages)
{
    set_word(block, 0, PAGE_CODE_GONE);
    pages_free(block, pages);
}

/* Gives back what is in bins, from where the last flush ended, until no more than `keep` pages are left. */
static void flush(large_cache_t *cache, uint64_t keep)
{
    for (unsigned turn = 0; turn < LARGE_BIN_COUNT && cache->pages > keep; turn++) {
        const uint64_t number = cache->flush_bin++ % LARGE_BIN_COUNT;
        large_bin_t *const bin = &cache->bins[number];
        cache->filled &= ~(UINT64_C(1) << number);
        while (bin->count != 0) {
            void *const block = bin->blocks[bin->count - 1];
            const size_t pages = pages_of_word(RELAXED_LOAD(page_word(block)));
            RELAXED_STORE(&bin->count, bin->count - 1);
            cache->pages -= pages;
            give_back(block, pages);
        }
    }
}

void large_cache_limit(large_cache_t *cache, uint32_t contexts)
{
    cache->pages_max = CACHES_PAGES_MAX / (1 + contexts);
}

void large_flush(preload_context_t *context)
{
    flush(&context->large, 0);
}

/*
 * Makes a run a part of the one mapping again. False when the system refuses: the run may then be mapped no more, and
 * must not be handed out again.
 */
static bool restore(void *block, size_t pages)
{
    return mmap(block, pages << PAGE_SHIFT, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == block;
}

/* The block is free by its word already. */
static NOINLINE void free_slowly(void *block, uint64_t word)
{
    const size_t pages = pages_of_word(word);
    preload_context_t *const context = preload_context_enter();
    if (context->large.pages + pages > context->large.pages_max) {
        flush(&context->large, context->large.pages_max - context->large.pages_max / 8);
    }
    if (LIKELY((word & LARGE_WAS_MOVED) == 0 || restore(block, pages))) {
        give_back(block, pages);
    }
    RELAXED_ADD(&context->allocation.slab.large_frees, 1);
    preload_context_leave(context);
}

static bool is_start(const void *pointer, uint64_t word)
{
    return pages_of_word(word) != 0 && ((uintptr_t)pointer & PAGE_OFFSET_MASK) == 0;
}

void large_free(void *pointer, uint64_t word)
{
    if (UNLIKELY(!is_start(pointer, word))) {
        slab_misuse_no_slab((uintptr_t)pointer, word);
    }
    /* Of two frees at once one finds the block gone. */
    const uint64_t gone = (word & ~PAGE_CODE_MASK) | PAGE_CODE_GONE;
    const uint64_t before = __atomic_exchange_n(page_word(pointer), gone, __ATOMIC_ACQ_REL);
    if (UNLIKELY((before & PAGE_CODE_MASK) != PAGE_CODE_LARGE)) {
        slab_misuse_no_slab((uintptr_t)pointer, before);
    }
    preload_context_t *const context = preload_context_current();
    const size_t pages = pages_of_word(word);
    const size_t last = pages - 1;
    const unsigned step = step_of(last);
    if (UNLIKELY(last >= BIN_PAGES_MAX || (last + 1) & (((size_t)1 << step) - 1) || (word & LARGE_WAS_MOVED) != 0 ||
                 context->large.pages + pages > context->large.pages_max)) {
        free_slowly(pointer, word);
        return;
    }
    const size_t number = bin_of(last, step);
    large_bin_t *const bin = &context->large.bins[number];
    const uint64_t count = bin->count;
    if (UNLIKELY(count == LARGE_BIN_DEPTH)) {
        free_slowly(pointer, word);
        return;
    }
    bin->blocks[count] = pointer;
    atomic_signal_fence(memory_order_seq_cst);
    RELAXED_STORE(&bin->count, count + 1);
    atomic_signal_fence(memory_order_seq_cst);
    RELAXED_STORE(&context->large.filled, context->large.filled | UINT64_C(1) << number);
    context->large.pages += pages;
    RELAXED_ADD(&context->allocation.slab.large_frees, 1);
}

/* ---- other sizes ---- */

size_t large_size(const void *pointer, uint64_t word)
{
    if (UNLIKELY(!is_start(pointer, word))) {
        slab_misuse_no_slab((uintptr_t)pointer, word);
    }
    return pages_of_word(word) << PAGE_SHIFT;
}

/* How many pages a block of `size` bytes gets. */
static size_t pages_for(size_t size)
{
    const size_t last = (size - 1) >> PAGE_SHIFT;
    const unsigned step = last < BIN_PAGES_MAX ? step_of(last) : 0;
    return ((last >> step) + 1) << step;
}

/* Gives back the pages behind the first `pages` ones. */
static void *shorten(char *block, size_t have, size_t pages)
{
    preload_context_t *const context = preload_context_enter();
    const uint64_t flags = RELAXED_LOAD(page_word(block)) & LARGE_WAS_MOVED;
    set_word(block, pages, PAGE_CODE_LARGE | flags);
    set_word(block + (pages << PAGE_SHIFT), 0, PAGE_CODE_GONE);
    pages_free(block + (pages << PAGE_SHIFT), have - pages);
    preload_context_leave(context);
    return block;
}

/*
 * Moves the pages to the start of a longer run: the system changes tables, and copies nothing. NULL when it does not:
 * it may have no such call (Linux before 5.7), or no room for more mappings.
 */
static void *move(char *block, size_t have, size_t pages)
{
    static _Atomic bool is_refused;
    bool is_zeroed;
    if (atomic_load_explicit(&is_refused, memory_order_relaxed)) {
        return NULL;
    }
    preload_context_t *const context = preload_context_enter();
    char *moved = alloc_pages(pages, PAGE_SIZE, &is_zeroed);
    if (moved == NULL) {
        goto out;
    }
    if (mremap(block, have << PAGE_SHIFT, have << PAGE_SHIFT, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
               moved) != moved) {
        atomic_store_explicit(&is_refused, true, memory_order_relaxed);
        if (restore(moved, pages)) {
            pages_free(moved, pages);
        }
        moved = NULL;
        goto out;
    }
    set_word(moved, pages, PAGE_CODE_LARGE | LARGE_WAS_MOVED);
    if (restore(block, have)) {
        give_back(block, have);
    } else {
        set_word(block, 0, PAGE_CODE_GONE);
    }

out:
    preload_context_leave(context);
    return moved;
}

void *large_resize(void *pointer, size_t have, size_t size)
{
    if (size > PTRDIFF_MAX) {
        return NULL;
    }
    const size_t pages = pages_for(size);
    if (size <= have) {
        const size_t spare = (have >> PAGE_SHIFT) - pages;
        return spare < pages / 4 + 1 ? pointer : shorten(pointer, have >> PAGE_SHIFT, pages);
    }
    return have < MOVE_BYTES_MIN ? NULL : move(pointer, have >> PAGE_SHIFT, pages);
}
