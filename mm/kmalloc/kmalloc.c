/*
 * kmalloc and kfree: the straight lines, and where they turn off.
 *
 *   _kmalloc: size -> class -> the context's slot -> lowest bit of its free word -> object
 *   _kfree:   pointer -> page word -> the slot -> number of the object in its current slab, if it is one -> set the bit
 *
 * The lines themselves stand in mm/kmalloc/kmalloc_lines.h, since others have them, too.
 */
#include "mm/kmalloc.h"

#include "arch/page_backend.h"
#include "base/check.h"
#include "mm/kmalloc/kmalloc_large.h"
#include "mm/kmalloc/kmalloc_lines.h"
#include "mm/slab/slab.h"
#include "mm/slab/slab_guard.h"
#include "mm/slab/slab_kmalloc.h"

_Static_assert(KMALLOC_SLAB_MAX == 1u << PAGE_CODE_SHIFT_MAX, "the largest class is the largest code");

/*
 * Who called kmalloc or kfree. In the functions that these end with it is the same address, because a call in the last
 * place is a jump; asking there keeps the straight lines free of it. (Without optimization it names kfree itself.)
 */
#define CALLER ((uintptr_t)__builtin_return_address(0))

static slab_context_t *context_current(void)
{
    return (slab_context_t *)allocation_context_current();
}

#define TWICE(number)       number, number
#define FOUR_TIMES(number)  TWICE(number), TWICE(number)
#define EIGHT_TIMES(number) FOUR_TIMES(number), FOUR_TIMES(number)
#define TIMES_16(number)    EIGHT_TIMES(number), EIGHT_TIMES(number)
#define TIMES_32(number)    TIMES_16(number), TIMES_16(number)
#define TIMES_64(number)    TIMES_32(number), TIMES_32(number)

#define POWER(n)  SLAB_SLOT_OF_SHIFT(n)
#define TRIPLE(n) (KMALLOC_HAS_TRIPLES ? SLAB_SLOT_OF_TRIPLE(n) : SLAB_SLOT_OF_SHIFT((n) + 2))

const uint8_t kmalloc_slot_numbers[KMALLOC_SLAB_MAX >> KMALLOC_SHIFT_MIN] = {
    POWER(4),
    POWER(5),
    TRIPLE(4),
    POWER(6),
    TWICE(TRIPLE(5)),
    TWICE(POWER(7)),
    FOUR_TIMES(TRIPLE(6)),
    FOUR_TIMES(POWER(8)),
    EIGHT_TIMES(TRIPLE(7)),
    EIGHT_TIMES(POWER(9)),
    TIMES_16(TRIPLE(8)),
    TIMES_16(POWER(10)),
    TIMES_32(TRIPLE(9)),
    TIMES_32(POWER(11)),
    TIMES_64(TRIPLE(10)),
    TIMES_64(POWER(12)),
};

static NOINLINE void *refill_class(size_t size, uintptr_t caller)
{
    kmem_cache_t *const cache = &slab_kmalloc_caches[slab_kmalloc_class(kmalloc_last(size))];
    return slab_alloc_slow(cache, context_current(), size, caller);
}

NOINLINE void *kmalloc_refill(size_t size)
{
    return size - 1 < KMALLOC_SLAB_MAX ? refill_class(size, CALLER) : kmalloc_odd(size);
}

NOINLINE void *kmalloc_odd(size_t size)
{
    return size == 0 ? kmalloc(1) : kmalloc_large_alloc(size);
}

void *_kmalloc(size_t size)
{
    return kmalloc_line(size);
}

/* A free by the page's word, whatever it says. */
static ALWAYS_INLINE void free_by_word(uintptr_t address, uint64_t word)
{
    const unsigned code = word & PAGE_CODE_MASK;
    if (LIKELY(code >= PAGE_CODE_SHIFT_MIN) || code == PAGE_CODE_TYPED) {
        slab_free(slab_of_address(word, address), address, context_current(), CALLER);
    } else if (code == PAGE_CODE_LARGE) {
        kmalloc_large_free((void *)address, word);
    } else {
        slab_misuse_no_slab(address, word);
    }
}

NOINLINE void kfree_nowhere(void *pointer)
{
    if (pointer != NULL) {
        slab_misuse_no_slab((uintptr_t)pointer, PAGE_CODE_NONE);
    }
}

NOINLINE void kfree_elsewhere(uint64_t rotated, uint64_t word)
{
    free_by_word(kfree_line_pointer(rotated, word), word);
}

void _kfree(void *pointer)
{
    kfree_line(pointer);
}

/* How many bytes the live block at `pointer` has; *slab is where, or NULL for a large block. */
static size_t block_size(const void *pointer, slab_t **slab)
{
    *slab = NULL;
    const uint64_t *const word_place = page_word(pointer);
    const uint64_t word = word_place == NULL ? PAGE_CODE_NONE : __atomic_load_n(word_place, __ATOMIC_ACQUIRE);
    const unsigned code = word & PAGE_CODE_MASK;
    if (code == PAGE_CODE_LARGE && kmalloc_large_is_start(word, pointer)) {
        return kmalloc_large_size(word);
    }
    if (code < PAGE_CODE_SHIFT_MIN && code != PAGE_CODE_TYPED) {
        slab_misuse_no_slab((uintptr_t)pointer, word);
    }
    *slab = slab_of_address(word, (uintptr_t)pointer);
    if (slab_object_index(*slab, (uintptr_t)pointer) == BITS_NONE) {
        slab_misuse_misaligned(*slab, (uintptr_t)pointer);
    }
    return (*slab)->cache->object_size;
}

/* From now on the block's user means `size` bytes of it: a canary behind it moves. */
static void settle_size(const slab_t *slab, const void *pointer, size_t size, uintptr_t caller)
{
    if (slab != NULL && UNLIKELY(RELAXED_LOAD(&slab->cache->tier) != SLAB_TIER_FAST)) {
        slab_guard_resize(slab, (uintptr_t)pointer, size, caller);
    }
}

size_t kmalloc_slot_size(const void *pointer)
{
    slab_t *slab;
    return block_size(pointer, &slab);
}

size_t kmalloc_usable_size(const void *pointer)
{
    slab_t *slab;
    const size_t size = block_size(pointer, &slab);
    settle_size(slab, pointer, size, CALLER);
    return size;
}

/*
 * Whether a block of `have` bytes is the right one for `size` bytes: neither too small nor a class too large. A large
 * block is made to fit where it is, if it can be.
 */
static bool fits(void *pointer, size_t have, size_t size)
{
    if (have > KMALLOC_SLAB_MAX) {
        return size > KMALLOC_SLAB_MAX && kmalloc_large_resize(pointer, have, size);
    }
    return size <= KMALLOC_SLAB_MAX && kmalloc_class_bytes(kmalloc_last(size)) == have;
}

void *_krealloc(void *pointer, size_t size)
{
    if (pointer == NULL) {
        return kmalloc(size);
    }
    if (size == 0) {
        kfree(pointer);
        return NULL;
    }
    slab_t *slab;
    const size_t have = block_size(pointer, &slab);
    if (fits(pointer, have, size)) {
        settle_size(slab, pointer, size, CALLER);
        return pointer;
    }
    void *const moved = kmalloc(size);
    if (moved == NULL) {
        return NULL;
    }
    __builtin_memcpy(moved, pointer, have < size ? have : size);
    kfree(pointer);
    return moved;
}

void *_kcalloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    void *const block = kmalloc(bytes);
    if (block != NULL) {
        __builtin_memset(block, 0, bytes);
    }
    return block;
}
