/*
 * Large blocks go to the page backend directly.
 *
 * The word of the first page says how many pages there are; the words of the other pages say "large block, no pages",
 * so that a pointer into the middle is told apart from a foreign one. A free takes the first word away atomically: of
 * two racing frees of one block, one finds it gone.
 */
#include "mm/kmalloc/kmalloc_large.h"

#include "arch/page_backend.h"
#include "base/check.h"
#include "base/relaxed.h"
#include "mm/inject.h"
#include "mm/kmem_cache.h"
#include "mm/slab/slab.h"

#define LENGTH_SHIFT PAGE_WORD_VALUE_SHIFT

static slab_context_t *context_current(void)
{
    return (slab_context_t *)allocation_context_current();
}

static void set_word(char *page, uint64_t word)
{
    __atomic_store_n(page_word(page), word, __ATOMIC_RELEASE);
}

void *kmalloc_large_alloc(size_t size)
{
    slab_context_t *const context = context_current();
    const size_t count = pages_for_bytes(size);
    if (UNLIKELY(inject_is_armed()) &&
        inject_refuses(INJECT_OBJECTS, INJECT_LARGE, (uintptr_t)__builtin_return_address(0))) {
        goto failed;
    }
    char *block = pages_alloc(count);
    if (block == NULL && kmem_caches_shrink() != 0) {
        block = pages_alloc(count);
    }
    if (block == NULL) {
        goto failed;
    }
    if (page_words_claim(block, count) != STATUS_OK) {
        pages_free(block, count);
        goto failed;
    }
    for (size_t page = 1; page < count; page++) {
        set_word(block + page * PAGE_SIZE, PAGE_CODE_LARGE);
    }
    set_word(block, (uint64_t)count << LENGTH_SHIFT | PAGE_CODE_LARGE);
    RELAXED_ADD(&context->large_allocations, 1);
    RELAXED_ADD(&context->large_pages_allocated, count);
    return block;

failed:
    RELAXED_ADD(&context->large_failures, 1);
    return NULL;
}

bool kmalloc_large_is_start(uint64_t word, const void *pointer)
{
    return word >> LENGTH_SHIFT != 0 && ((uintptr_t)pointer & PAGE_OFFSET_MASK) == 0;
}

size_t kmalloc_large_size(uint64_t word)
{
    return (size_t)(word >> LENGTH_SHIFT) << PAGE_SHIFT;
}

void kmalloc_large_free(void *pointer)
{
    slab_context_t *const context = context_current();
    const uint64_t word = __atomic_exchange_n(page_word(pointer), PAGE_CODE_GONE, __ATOMIC_ACQ_REL);
    if (UNLIKELY((word & PAGE_CODE_MASK) != PAGE_CODE_LARGE)) {
        slab_misuse_no_slab((uintptr_t)pointer, word);
    }
    const size_t count = word >> LENGTH_SHIFT;
    for (size_t page = 1; page < count; page++) {
        set_word((char *)pointer + page * PAGE_SIZE, PAGE_CODE_GONE);
    }
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
