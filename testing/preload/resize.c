/*
 * The functions of the family that ask for a block's size or change it.
 *
 * A block that still fits stays where it is: its page's word says how long it is, and no more is looked at. A block of a
 * class moves to another one by a copy of at most 4096 bytes. A large one has room to grow in behind it (large_room.h),
 * or its pages are moved.
 */
#include <errno.h>

#include "base/check.h"
#include "mm/kmalloc.h"
#include "mm/slab/page_code.h"
#include "mm/slab/slab.h"
#include "testing/preload/context.h"
#include "testing/preload/family.h"
#include "testing/preload/large.h"
#include "testing/preload/large_room.h"

/* ---- what a block has ---- */

static uint64_t word_of(const void *pointer)
{
    const uint64_t *const place = page_word(pointer);
    return UNLIKELY(place == NULL) ? PAGE_CODE_NONE : __atomic_load_n(place, __ATOMIC_ACQUIRE);
}

/* The size of the objects of the slab that `word` leads to; stops the program if none starts at `pointer`. */
static NOINLINE size_t size_in_slab(const void *pointer, uint64_t word)
{
    const unsigned code = word & PAGE_CODE_MASK;
    if (code < PAGE_CODE_SHIFT_MIN && code != PAGE_CODE_TYPED) {
        slab_misuse_no_slab((uintptr_t)pointer, word);
    }
    const slab_t *const slab = slab_of_address(word, (uintptr_t)pointer);
    if (slab_object_index(slab, (uintptr_t)pointer) == BITS_NONE) {
        slab_misuse_misaligned(slab, (uintptr_t)pointer);
    }
    return slab->cache->object_size;
}

/* How many bytes the live block at `pointer` has, which is no large one. An object of 2^n bytes is aligned to that. */
static ALWAYS_INLINE size_t size_of_object(const void *pointer, uint64_t word)
{
    const unsigned code = word & PAGE_CODE_MASK;
    if (UNLIKELY(KMALLOC_HAS_TRIPLES || code < PAGE_CODE_SHIFT_MIN ||
                 ((uintptr_t)pointer & (((uintptr_t)1 << code) - 1)) != 0)) {
        return size_in_slab(pointer, word);
    }
    return (size_t)1 << code;
}

static ALWAYS_INLINE bool is_large(uint64_t word)
{
    return (word & PAGE_CODE_MASK) == PAGE_CODE_LARGE;
}

size_t FAMILY(malloc_usable_size)(void *pointer)
{
    if (pointer == NULL) {
        return 0;
    }
    const uint64_t word = word_of(pointer);
    return is_large(word) ? large_size(pointer, word) : size_of_object(pointer, word);
}

/* ---- another size ---- */

static COLD void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

/* By instructions in place, where that is less than a call. */
static ALWAYS_INLINE void copy_block(void *to, const void *from, size_t size)
{
    switch (size) {
    case 16:
        __builtin_memcpy(to, from, 16);
        return;
    case 32:
        __builtin_memcpy(to, from, 32);
        return;
    case 64:
        __builtin_memcpy(to, from, 64);
        return;
    case 128:
        __builtin_memcpy(to, from, 128);
        return;
    default:
        __builtin_memcpy(to, from, size);
    }
}

/* By a copy: to a larger class, or to a large block. */
static NOINLINE void *enlarge(void *pointer, size_t have, size_t size)
{
    void *const moved = LIKELY(size <= KMALLOC_SLAB_MAX) ? FAMILY(malloc)(size) : large_alloc_to_grow(size);
    if (UNLIKELY(moved == NULL)) {
        return no_memory();
    }
    copy_block(moved, pointer, have);
    FAMILY(free)(pointer);
    return moved;
}

/* To a class: from a larger one, or from a large block. Without memory for that, the block stays as long as it is. */
static NOINLINE void *reduce(void *pointer, size_t size)
{
    void *const moved = FAMILY(malloc)(size);
    if (UNLIKELY(moved == NULL)) {
        return pointer;
    }
    __builtin_memcpy(moved, pointer, size);
    FAMILY(free)(pointer);
    return moved;
}

static NOINLINE void *resize_large(void *pointer, uint64_t word, size_t size)
{
    const size_t have = large_size(pointer, word);
    if (size <= KMALLOC_SLAB_MAX) {
        return reduce(pointer, size);
    }
    void *const same = large_resize(pointer, word, size);
    return LIKELY(same != NULL) ? same : enlarge(pointer, have, size);
}

/* Of no block, or to no size. */
static COLD void *resize_oddly(void *pointer, size_t size)
{
    if (pointer == NULL) {
        return FAMILY(malloc)(size);
    }
    FAMILY(free)(pointer);
    return NULL;
}

void *FAMILY(realloc)(void *pointer, size_t size)
{
    if (UNLIKELY(pointer == NULL || size == 0)) {
        return resize_oddly(pointer, size);
    }
    const uint64_t word = word_of(pointer);
    if (is_large(word)) {
        return resize_large(pointer, word, size);
    }
    const size_t have = size_of_object(pointer, word);
    if (size > have) {
        return enlarge(pointer, have, size);
    }
    return LIKELY(size > have / 2 || have == 1u << KMALLOC_SHIFT_MIN) ? pointer : reduce(pointer, size);
}

void *FAMILY(reallocarray)(void *pointer, size_t count, size_t size)
{
    size_t bytes;
    return UNLIKELY(__builtin_mul_overflow(count, size, &bytes)) ? no_memory() : FAMILY(realloc)(pointer, bytes);
}
