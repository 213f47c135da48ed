/*
 * What callers of kmalloc and of caches get wrong.
 */
#include "arch/page_backend.h"
#include "mm/kmalloc.h"
#include "mm/kmem_cache.h"
#include "mm/slab/descriptor_table.h"
#include "mm/slab_debug.h"
#include "mm/slab_tier.h"
#include "testing/host/mistakes.h"

#define LARGE_BYTES (PAGE_SIZE * 3)

static void *block(size_t size_bytes)
{
    void *const pointer = kmalloc(size_bytes);
    mistake_needs(pointer != NULL, "no memory");
    return pointer;
}

static kmem_cache_t *cache_of(const char *name)
{
    const kmem_cache_config_t config = {.name = name, .object_size_bytes = 40};
    kmem_cache_t *cache = NULL;
    mistake_needs(kmem_cache_create(&config, &cache) == STATUS_OK, "no cache");
    return cache;
}

static void freeing_a_block_twice(void)
{
    void *const pointer = block(100);
    kfree(pointer);
    kfree(pointer);
}

static void freeing_a_large_block_twice(void)
{
    void *const pointer = block(LARGE_BYTES);
    kfree(pointer);
    kfree(pointer);
}

static void freeing_an_object_twice(void)
{
    kmem_cache_t *const cache = cache_of("twice");
    void *const object = kmem_cache_alloc(cache);
    kmem_cache_free(cache, object);
    kmem_cache_free(cache, object);
}

static void freeing_inside_a_block(void)
{
    kfree((char *)block(100) + 16);
}

static void freeing_inside_a_large_block(void)
{
    kfree((char *)block(LARGE_BYTES) + PAGE_SIZE);
}

static void freeing_static_memory(void)
{
    static char memory[16];
    kfree(memory);
}

static void freeing_pages_as_a_block(void)
{
    void *const page = pages_alloc(1);
    mistake_needs(page != NULL && page_words_claim(page, 1, 0) == STATUS_OK, "no page");
    kfree(page);
}

static void freeing_to_another_cache(void)
{
    kmem_cache_t *const cache = cache_of("one");
    kmem_cache_free(cache_of("other"), kmem_cache_alloc(cache));
}

/* Every cache in this tier, without a quarantine, so that a freed object is the next one. */
static void watch(slab_tier_t tier)
{
    const slab_debug_config_t config = {.records = 100, .seed = 1};
    mistake_needs(slab_debug_start(&config) == STATUS_OK && slab_tier_set_all(tier) == STATUS_OK, "no tracking");
}

static void writing_after_a_free(void)
{
    watch(SLAB_TIER_DEBUG);
    char *const pointer = block(64);
    kfree(pointer);
    pointer[5] = 'x';
    kfree(block(64));
}

static void writing_past_the_end(void)
{
    watch(SLAB_TIER_GUARDED);
    char *const pointer = block(50);
    pointer[50] = '\0';
    kfree(pointer);
}

static void writing_before_the_start(void)
{
    watch(SLAB_TIER_DEBUG);
    char *const pointer = block(64);
    pointer[-1] = 'x';
    kfree(pointer);
}

static void freeing_a_descriptor_twice(void)
{
    slab_t *const descriptor = descriptors_alloc(1);
    mistake_needs(descriptor != NULL, "no descriptor");
    descriptors_free(descriptor, 1);
    descriptors_free(descriptor, 1);
}

const mistake_t slab_mistakes[] = {
    MISTAKE(freeing_a_block_twice, "double free"),
    MISTAKE(freeing_a_large_block_twice, "double free"),
    MISTAKE(freeing_an_object_twice, "double free"),
    MISTAKE(freeing_inside_a_block, "free of a misaligned pointer"),
    MISTAKE(freeing_inside_a_large_block, "free of a misaligned pointer"),
    MISTAKE(freeing_static_memory, "free of a foreign pointer"),
    MISTAKE(freeing_pages_as_a_block, "free of a foreign pointer"),
    MISTAKE(freeing_to_another_cache, "free to the wrong cache"),
    MISTAKE(writing_after_a_free, "write after free"),
    MISTAKE(writing_past_the_end, "write past the end of an object"),
    MISTAKE(writing_before_the_start, "write before the start of an object"),
    MISTAKE(freeing_a_descriptor_twice, "slab descriptor freed twice"),
    MISTAKES_END,
};
