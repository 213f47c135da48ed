/*
 * The functions of the family that ask for a block's size or change it.
 *
 * A block that still fits stays where it is: its page's word says how long it is, and no more is looked at. A block
 * of a class moves to another one by a copy of at most 4096 bytes. A large one has room to grow in behind it
 * (large_room.h), or its pages are moved.
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

/* Whether the lowest `count` bits of an address are zeros. */
static ALWAYS_INLINE bool is_aligned(const void *pointer, unsigned count)
{
    return ((uintptr_t)pointer & (((uintptr_t)1 << count) - 1)) == 0;
}

/* How many bytes the live block at `pointer` has, which is no large one. An object of 2^n bytes is aligned to that. */
static ALWAYS_INLINE size_t size_of_object(const void *pointer, uint64_t word)
{
    const unsigned code = word & PAGE_CODE_MASK;
    if (UNLIKELY(KMALLOC_HAS_TRIPLES || code < PAGE_CODE_SHIFT_MIN || !is_aligned(pointer, code))) {
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

/* By a copy: to a larger class, or to a large block. `code` is that of the block's class, if it has one. */
static ALWAYS_INLINE void *enlarge(void *pointer, size_t have, unsigned code, size_t size)
{
    void *const moved = LIKELY(size <= KMALLOC_SLAB_MAX / 2 || (size <= KMALLOC_SLAB_MAX && !large_room_is_sure()))
                            ? FAMILY(malloc)(size)
                            : large_alloc_to_grow(size);
    if (UNLIKELY(moved == NULL)) {
        return no_memory();
    }
    switch (code) { /* instructions in place, where they are fewer than a call takes */
    case 4:
        __builtin_memcpy(moved, pointer, 16);
        break;
    case 5:
        __builtin_memcpy(moved, pointer, 32);
        break;
    case 6:
        __builtin_memcpy(moved, pointer, 64);
        break;
    case 7:
        __builtin_memcpy(moved, pointer, 128);
        break;
    default:
        __builtin_memcpy(moved, pointer, have);
    }
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

static NOINLINE void *enlarge_large(void *pointer, uint64_t word, size_t size)
{
    return enlarge(pointer, large_size(pointer, word), 0, size);
}

static NOINLINE void *resize_object(void *pointer, uint64_t word, size_t size)
{
    const size_t have = size_of_object(pointer, word);
    if (LIKELY(size > have)) {
        return enlarge(pointer, have, KMALLOC_HAS_TRIPLES ? 0 : word & PAGE_CODE_MASK, size);
    }
    return size > have / 2 || have == 1u << KMALLOC_SHIFT_MIN ? pointer : reduce(pointer, size);
}

static NOINLINE void *resize(void *pointer, uint64_t word, size_t size)
{
    if (UNLIKELY(pointer == NULL)) {
        return FAMILY(malloc)(size);
    }
    if (UNLIKELY(size == 0)) {
        FAMILY(free)(pointer);
        return NULL;
    }
    if (!is_large(word)) {
        return resize_object(pointer, word, size);
    }
    if (size <= KMALLOC_SLAB_MAX) {
        return size > KMALLOC_SLAB_MAX / 2 && large_size(pointer, word) == PAGE_SIZE ? pointer : reduce(pointer, size);
    }
    void *const same = large_resize(pointer, word, size);
    return LIKELY(same != NULL) ? same : enlarge_large(pointer, word, size);
}

/* The straight line is that of an object that stays: `size` is over half of what it has. */
void *FAMILY(realloc)(void *pointer, size_t size)
{
    const uint64_t word = word_of(pointer);
    const unsigned code = word & PAGE_CODE_MASK;
    if (!KMALLOC_HAS_TRIPLES &&
        LIKELY(code >= PAGE_CODE_SHIFT_MIN && is_aligned(pointer, code) && (size - 1) >> (code - 1) == 1)) {
        return pointer;
    }
    return resize(pointer, word, size);
}

void *FAMILY(reallocarray)(void *pointer, size_t count, size_t size)
{
    size_t bytes;
    return UNLIKELY(__builtin_mul_overflow(count, size, &bytes)) ? no_memory() : FAMILY(realloc)(pointer, bytes);
}
