/*
 * Large blocks go to the page backend directly.
 *
 * The word of the first page says how many pages there are; the words of the other pages say "large block, no pages",
 * so that a pointer into the middle is told apart from a foreign one. A free takes the first word away atomically: of
 * two racing frees of one block, one finds it gone. The other words it leaves as they are: whatever the pages are next,
 * nothing starts where they say so.
 */
#include "mm/kmalloc/kmalloc_large.h"

#include "arch/page_backend.h"
#include "base/check.h"
#include "base/relaxed.h"
#include "mm/inject.h"
#include "mm/kmem_cache.h"
#include "mm/slab/slab.h"

static slab_context_t *context_current(void)
{
    return (slab_context_t *)allocation_context_current();
}

/* In no order: whoever frees the block was told of it by somebody, in an order of theirs. */
static void set_length(void *block, size_t count)
{
    RELAXED_STORE(page_word(block), (uint64_t)count << PAGE_WORD_VALUE_SHIFT | PAGE_CODE_LARGE);
}

static NOINLINE void *refuse(void)
{
    RELAXED_ADD(&context_current()->large_failures, 1);
    return NULL;
}

/* Once more, after caches have given back what they don't need. */
static NOINLINE void *pages_after_shrinking(size_t count)
{
    return kmem_caches_shrink() != 0 ? pages_alloc(count) : NULL;
}

void *kmalloc_large_alloc(size_t size)
{
    const size_t count = pages_for_bytes(size);
    if (UNLIKELY(inject_is_armed()) &&
        inject_refuses(INJECT_OBJECTS, INJECT_LARGE, (uintptr_t)__builtin_return_address(0))) {
        return refuse();
    }
    void *block = pages_alloc(count);
    if (UNLIKELY(block == NULL)) {
        block = pages_after_shrinking(count);
        if (block == NULL) {
            return refuse();
        }
    }
    if (UNLIKELY(page_words_claim(block, count, PAGE_CODE_LARGE) != STATUS_OK)) {
        pages_free(block, count);
        return refuse();
    }
    set_length(block, count);
    slab_context_t *const context = context_current();
    RELAXED_ADD(&context->large_allocations, 1);
    RELAXED_ADD(&context->large_pages_allocated, count);
    return block;
}

bool kmalloc_large_resize(void *pointer, size_t have, size_t size)
{
    const size_t count = pages_for_bytes(size);
    const size_t had = have >> PAGE_SHIFT;
    if (count >= had) {
        return count == had;
    }
    set_length(pointer, count);
    RELAXED_ADD(&context_current()->large_pages_freed, had - count);
    pages_free((char *)pointer + (count << PAGE_SHIFT), had - count);
    return true;
}

void kmalloc_large_free(void *pointer, uint64_t word)
{
    if (UNLIKELY(!kmalloc_large_is_start(word, pointer)) ||
        UNLIKELY(!__atomic_compare_exchange_n(page_word(pointer), &word, PAGE_CODE_GONE, false, __ATOMIC_ACQ_REL,
                                              __ATOMIC_ACQUIRE))) {
        slab_misuse_no_slab((uintptr_t)pointer, word);
    }
    slab_context_t *const context = context_current();
    const size_t count = word >> PAGE_WORD_VALUE_SHIFT;
    RELAXED_ADD(&context->large_frees, 1);
    RELAXED_ADD(&context->large_pages_freed, count);
    pages_free(pointer, count);
}

void kmalloc_large_stats(kmalloc_large_stats_t *stats)
{
    uint64_t pages_freed = 0;
    uint64_t pages_allocated = 0;
    *stats = (kmalloc_large_stats_t){0};
    /* Frees first: a free that is counted here has its allocation counted below. */
    for (const slab_context_t *context = slab_context_first(); context != NULL; context = context->next) {
        stats->frees += __atomic_load_n(&context->large_frees, __ATOMIC_ACQUIRE);
        pages_freed += __atomic_load_n(&context->large_pages_freed, __ATOMIC_ACQUIRE);
    }
    for (const slab_context_t *context = slab_context_first(); context != NULL; context = context->next) {
        stats->allocations += RELAXED_LOAD(&context->large_allocations);
        pages_allocated += RELAXED_LOAD(&context->large_pages_allocated);
        stats->allocations_failed += RELAXED_LOAD(&context->large_failures);
    }
    stats->blocks_live = stats->allocations - stats->frees;
    stats->pages_live = pages_allocated - pages_freed;
}
