/*
 * The allocators' interface with the shadow around it.
 *
 * Images with KASan are linked with --wrap for each name here (toolchains/kernel_image.bzl): calls from outside the
 * allocators come to __wrap_<name>, which calls the real function as __real_<name>. So the allocators know nothing of
 * the shadow, and cost what they cost without.
 *
 * Memory is closed before it is given back, while it is still the caller's: afterwards another CPU may have it. A
 * pointer that is none of an allocator's is left to the real function, whose report is the better one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/page_backend.h"
#include "base/units.h"
#include "mm/kmalloc.h"
#include "mm/kmem_cache.h"
#include "mm/pages.h"
#include "shadow.h"

/* Declares both names of a function. */
#define WRAPPED(type, name, ...)     \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

WRAPPED(status_t, pages_init, const memory_map_t *map);
WRAPPED(uint64_t, pages_shutdown, void);
WRAPPED(void *, pages_alloc, size_t count);
WRAPPED(void *, pages_alloc_with, const pages_request_t *request);
WRAPPED(void, pages_free, void *address, size_t count);
WRAPPED(void *, _kmalloc, size_t size);
WRAPPED(void, _kfree, void *pointer);
WRAPPED(void *, _krealloc, void *pointer, size_t size);
WRAPPED(void *, _kcalloc, size_t count, size_t size);
WRAPPED(size_t, kmalloc_usable_size, const void *pointer);
WRAPPED(void *, kmem_cache_alloc, kmem_cache_t *cache);
WRAPPED(void, kmem_cache_free, kmem_cache_t *cache, void *object);

/* ---- pages ---- */

status_t __wrap_pages_init(const memory_map_t *map)
{
    const status_t status = __real_pages_init(map);
    if (status == STATUS_OK) {
        shadow_start(map);
    }
    return status;
}

uint64_t __wrap_pages_shutdown(void)
{
    shadow_end();
    return __real_pages_shutdown();
}

void *__wrap_pages_alloc(size_t count)
{
    void *const run = __real_pages_alloc(count);
    if (run != NULL) {
        shadow_open(run, count * PAGE_SIZE, count * PAGE_SIZE);
    }
    return run;
}

void *__wrap_pages_alloc_with(const pages_request_t *request)
{
    void *const run = __real_pages_alloc_with(request);
    if (run != NULL) {
        shadow_open(run, request->count * PAGE_SIZE, request->count * PAGE_SIZE);
    }
    return run;
}

/* Whether pages_free() will take it all back: only then are the pages the caller's to close. */
static bool pages_are_allocated(const char *address, size_t count)
{
    if (((uintptr_t)address & PAGE_OFFSET_MASK) != 0 || !direct_map_contains(address)) {
        return false;
    }
    const uint64_t first = pointer_to_physical(address).value;
    for (size_t index = 0; index < count; index++) {
        if (pages_state(physical_address(first + index * PAGE_SIZE)) != PAGE_STATE_ALLOCATED) {
            return false;
        }
    }
    return true;
}

void __wrap_pages_free(void *address, size_t count)
{
    if (pages_are_allocated(address, count)) {
        shadow_close(address, count * PAGE_SIZE, SHADOW_FREED_PAGE);
    }
    __real_pages_free(address, count);
}

/* ---- objects ---- */

/* What was asked for may be accessed, and nothing behind it. */
static void *open_object(void *object, size_t size)
{
    if (object != NULL) {
        shadow_open(object, size, kmalloc_slot_size(object));
    }
    return object;
}

/* Ends with the report of a misuse when `object` is no object at all. */
static void close_object(void *object)
{
    shadow_close(object, kmalloc_slot_size(object), SHADOW_FREED);
}

void *__wrap__kmalloc(size_t size)
{
    return open_object(__real__kmalloc(size), size);
}

void __wrap__kfree(void *pointer)
{
    if (pointer != NULL) {
        close_object(pointer);
    }
    __real__kfree(pointer);
}

void *__wrap__krealloc(void *pointer, size_t size)
{
    if (pointer == NULL) {
        return __wrap__kmalloc(size);
    }
    if (size == 0) {
        __wrap__kfree(pointer);
        return NULL;
    }
    /* If the block moves, it is free before we hear of it; if there is no memory, it stays the caller's, all of it. */
    const size_t have = kmalloc_slot_size(pointer);
    shadow_close(pointer, have, SHADOW_FREED);
    void *const block = __real__krealloc(pointer, size);
    if (block == NULL) {
        shadow_open(pointer, have, have);
        return NULL;
    }
    return open_object(block, size);
}

void *__wrap__kcalloc(size_t count, size_t size)
{
    return open_object(__real__kcalloc(count, size), count * size);
}

size_t __wrap_kmalloc_usable_size(const void *pointer)
{
    const size_t size = __real_kmalloc_usable_size(pointer);
    /* Who asks may use all of it. */
    shadow_open(pointer, size, size);
    return size;
}

void *__wrap_kmem_cache_alloc(kmem_cache_t *cache)
{
    void *const object = __real_kmem_cache_alloc(cache);
    return object == NULL ? NULL : open_object(object, kmalloc_slot_size(object));
}

void __wrap_kmem_cache_free(kmem_cache_t *cache, void *object)
{
    if (object != NULL) {
        close_object(object);
    }
    __real_kmem_cache_free(cache, object);
}
