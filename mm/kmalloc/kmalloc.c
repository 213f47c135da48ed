/*
 * kmalloc and kfree: the straight lines, and where they turn off.
 *
 *   _kmalloc: size -> class -> the context's slot -> lowest bit of its free word -> object
 *   _kfree:   pointer -> page word -> descriptor = the slot's current slab? -> set the bit
 *
 * Neither line calls, loops or locks. kfree's line checks, before it changes anything, that the pointer is the start
 * of an object that is not free: in the slot's word, or among remote frees that are not collected yet.
 */
#include "mm/kmalloc.h"

#include "arch/page_backend.h"
#include "base/check.h"
#include "mm/kmalloc/kmalloc_large.h"
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

NOINLINE void *kmalloc_refill(size_t size, unsigned shift)
{
    return slab_alloc_slow(slab_kmalloc_cache(shift), context_current(), size, CALLER);
}

/* Sizes that have no class: none at all, or more than a slab's objects have. */
static NOINLINE void *alloc_odd(size_t size)
{
    return size == 0 ? kmalloc(1) : kmalloc_large_alloc(size);
}

void *_kmalloc(size_t size)
{
    size_t last = size - 1;
    /* So that the compiler keeps this one difference, and does not compute the comparison from another. */
    __asm__("" : "+r"(last));
    if (UNLIKELY(last >= KMALLOC_SLAB_MAX)) {
        return alloc_odd(size);
    }
    return kmalloc_class(kmalloc_shift_of_last(last), size);
}

/* Whatever is no free into the context's current slab of one of kmalloc's classes. */
static NOINLINE void free_other(void *pointer)
{
    const uintptr_t caller = CALLER;
    if (pointer == NULL) {
        return;
    }
    const uint64_t *const word_place = page_word(pointer);
    const uint64_t word = word_place == NULL ? PAGE_CODE_NONE : __atomic_load_n(word_place, __ATOMIC_ACQUIRE);
    const unsigned code = word & PAGE_CODE_MASK;
    if (code >= PAGE_CODE_SHIFT_MIN || code == PAGE_CODE_TYPED) {
        slab_free_slow(slab_of_address(word, (uintptr_t)pointer), (uintptr_t)pointer, context_current(), caller);
    } else if (code == PAGE_CODE_LARGE && kmalloc_large_is_start(word, pointer)) {
        kmalloc_large_free(pointer);
    } else {
        slab_misuse_no_slab((uintptr_t)pointer, word);
    }
}

/* A free that is not into the current slab: most go into another slab of the same context. */
static NOINLINE void free_elsewhere(void *pointer, uint64_t word)
{
    slab_context_t *const context = context_current();
    const uintptr_t address = (uintptr_t)pointer;
    const unsigned shift = word & PAGE_CODE_MASK;
    slab_slot_t *const slot = &context->slots[shift];
    if (shift < PAGE_CODE_SHIFT_MIN ||
        !slab_free_owned(page_word_slab(word, address >> shift, slot->row_mask), address, slot, context)) {
        free_other(pointer);
    }
}

void _kfree(void *pointer)
{
    const uintptr_t address = (uintptr_t)pointer;
    const uint64_t *const word_place = page_word(pointer);
    if (UNLIKELY(word_place == NULL)) {
        free_other(pointer);
        return;
    }
    const uint64_t word = RELAXED_LOAD(word_place);
    const unsigned shift = word & PAGE_CODE_MASK;
    slab_slot_t *const slot = &context_current()->slots[shift];
    const uintptr_t index = address >> shift;
    slab_t *const slab = page_word_slab(word, index, slot->row_mask);
    if (UNLIKELY(slab != RELAXED_LOAD(&slot->current))) {
        free_elsewhere(pointer, word);
        return;
    }
    uint64_t free_word = RELAXED_LOAD(&slot->free_word);
    const uint64_t remote_word = atomic_load_explicit(&slab->remote_word, memory_order_relaxed);
    if (UNLIKELY(((uint32_t)address & slot->offset_mask) != 0)) {
        free_other(pointer);
        return;
    }
    if (UNLIKELY(bit_is_set(remote_word, index) || bit_test_and_set(&free_word, index))) {
        free_other(pointer);
        return;
    }
    RELAXED_STORE(&slot->free_word, free_word);
    RELAXED_ADD(&slot->frees, 1);
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
 * Whether a block of `have` bytes is the right one for `size` bytes: neither too small nor a class (or a page) too
 * large.
 */
static bool still_fits(size_t have, size_t size)
{
    if (size > have) {
        return false;
    }
    return have <= KMALLOC_SLAB_MAX ? size > have / 2 || have <= (1u << KMALLOC_SHIFT_MIN)
                                    : size > KMALLOC_SLAB_MAX && pages_for_bytes(size) == have >> PAGE_SHIFT;
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
    if (still_fits(have, size)) {
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
