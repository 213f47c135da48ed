/*
 * The functions of the family, but for those that resize (resize.c), and for what they stand on: classes and slabs are
 * mm's, large blocks large.c's.
 *
 * malloc and free are mm/kmalloc's straight lines, with what mm/slab/slab_beside.h adds to them in the same function, and
 * with a guess (predicted()). Everything else enters a context first, because it may change what threads share.
 */
#include "testing/preload/family.h"

#include <errno.h>

#include "base/check.h"
#include "mm/kmalloc/kmalloc_lines.h"
#include "mm/slab/slab.h"
#include "mm/slab/slab_beside.h"
#include "mm/slab/slab_kmalloc.h"
#include "testing/preload/context.h"
#include "testing/preload/large.h"
#include "testing/preload/pages.h"

/* What a process's addresses have: no bits where a page's word has its slot's place. */
#define PAGE_WORD_ADDRESS_MASK (bits_low(PAGE_WORD_SLOT_SHIFT))

#define CALLER ((uintptr_t)__builtin_return_address(0))

/* ---- what the straight lines turn off to ---- */

static COLD void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

/* What kmalloc_refill() leaves. */
static NOINLINE void *refill_slowly(size_t size)
{
    kmem_cache_t *const cache = &slab_kmalloc_caches[slab_kmalloc_class(kmalloc_last(size))];
    preload_context_t *const context = preload_context_enter();
    void *const block = slab_alloc_slow(cache, &context->allocation.slab, size, CALLER);
    preload_context_leave(context);
    return LIKELY(block != NULL) ? block : no_memory();
}

/* The slot may be that of no context, which has no slab. */
NOINLINE void *kmalloc_refill(size_t size)
{
    if (UNLIKELY(size - 1 >= KMALLOC_SLAB_MAX)) {
        return kmalloc_odd(size);
    }
    preload_context_t *const context = preload_context_current();
    if (UNLIKELY(atomic_load_explicit(&context->allocation.slab.posted, memory_order_relaxed) != NULL)) {
        return refill_slowly(size);
    }
    void *const block = slab_beside_alloc(kmalloc_slot_of_last(kmalloc_last(size)));
    return LIKELY(block != NULL) ? block : refill_slowly(size);
}

NOINLINE void *kmalloc_odd(size_t size)
{
    bool is_zeroed;
    if (UNLIKELY(size == 0)) {
        return FAMILY(malloc)(1);
    }
    void *const block = large_alloc(size, PAGE_SIZE, &is_zeroed);
    return LIKELY(block != NULL) ? block : no_memory();
}

NOINLINE void kfree_nowhere(void *pointer)
{
    if (pointer != NULL) {
        slab_misuse_no_slab((uintptr_t)pointer, PAGE_CODE_NONE);
    }
}

/* What free_beside() leaves. */
static NOINLINE void free_in_slab(uintptr_t address, slab_t *slab)
{
    preload_context_t *const context = preload_context_enter();
    slab_free_slow(slab, address, &context->allocation.slab, CALLER);
    preload_context_leave(context);
}

/* What is no slab's object. */
static NOINLINE void free_other(void *pointer, uint64_t word)
{
    if ((word & PAGE_CODE_MASK) == PAGE_CODE_LARGE) {
        large_free(pointer, word);
    } else {
        slab_misuse_no_slab((uintptr_t)pointer, word);
    }
}

/*
 * What kfree_into_slot() leaves. The line of kfree's ends in a call here; in the shim's free it stands in the same
 * function, because programs free in no order.
 */
static ALWAYS_INLINE void free_beside(void *pointer, uint64_t word)
{
    const uintptr_t address = (uintptr_t)pointer;
    if (UNLIKELY((word & PAGE_CODE_MASK) < PAGE_CODE_SHIFT_MIN)) {
        free_other(pointer, word);
        return;
    }
    slab_t *const slab = slab_of_address(word, address & PAGE_WORD_ADDRESS_MASK);
    const uint64_t index = bits_rotate_right(address - slab->base, word) * kfree_line_multiplier(word);
    if (UNLIKELY(atomic_load_explicit(&slab->owner, memory_order_relaxed) != (uintptr_t)preload_context_current() ||
                 !slab_beside_free(kfree_line_slot(word), slab, index, slab->cache->object_bits))) {
        free_in_slab(address, slab);
    }
}

/* The entry points that mm/kmem_cache.c has its own memory from. */
void *_kmalloc(size_t size)
{
    return FAMILY(malloc)(size);
}

void _kfree(void *pointer)
{
    FAMILY(free)(pointer);
}

/* ---- the usual two ---- */

/*
 * Returns `object`, in a way that lets the processor go on before it is known: when it is what was freed last into the
 * slot's current slab, the branch is predicted, and the address at hand. Else a pair that reuses one object waits for
 * itself: its free for the object's address, by way of which bit stands for it, and the next pair for the bit.
 */
static ALWAYS_INLINE void *predicted(const slab_slot_t *slot, uintptr_t object)
{
    const uintptr_t *const guess = preload_context_guess(slot);
    bool is_right;
    /* Hidden from the compiler, which would give the one for the other. */
    __asm__("cmpq %2, %1" : "=@cce"(is_right) : "r"(object), "m"(*guess));
    return (void *)(UNLIKELY(is_right) ? RELAXED_LOAD(guess) : object);
}

void *FAMILY(malloc)(size_t size)
{
    if (KMALLOC_HAS_TABLE && UNLIKELY(size - 1 >= KMALLOC_SLAB_MAX)) {
        return kmalloc_odd(size);
    }
    slab_slot_t *const slot = kmalloc_slot_of_last(kmalloc_last(size));
    uintptr_t object;
    return LIKELY(kmalloc_take(slot, size, &object)) ? predicted(slot, object) : kmalloc_refill(size);
}

void FAMILY(free)(void *pointer)
{
    const uint64_t *const word_place = page_word(pointer);
    if (UNLIKELY(word_place == NULL)) {
        kfree_nowhere(pointer);
        return;
    }
    const uint64_t word = RELAXED_LOAD(word_place);
    slab_slot_t *const slot = kfree_line_slot(word);
    uint64_t rotated;
    if (kfree_into_slot(slot, (uintptr_t)pointer, word, kfree_line_multiplier(word), &rotated)) {
        *preload_context_guess(slot) = (uintptr_t)pointer;
    } else {
        free_beside(pointer, word);
    }
}

/* ---- cleared ---- */

void *FAMILY(calloc)(size_t count, size_t size)
{
    size_t bytes;
    bool is_zeroed = false;
    if (UNLIKELY(__builtin_mul_overflow(count, size, &bytes))) {
        return no_memory();
    }
    void *const block =
        LIKELY(bytes <= KMALLOC_SLAB_MAX) ? FAMILY(malloc)(bytes) : large_alloc(bytes, PAGE_SIZE, &is_zeroed);
    if (UNLIKELY(block == NULL)) {
        return no_memory();
    }
    if (!is_zeroed) {
        __builtin_memset(block, 0, bytes);
    }
    return block;
}

/* ---- aligned ---- */

/* A class is aligned to its size, and a large block to a page: only more than that needs a word. */
static void *alloc_aligned(size_t alignment, size_t size)
{
    bool is_zeroed;
    if (LIKELY(alignment <= PAGE_SIZE)) {
        return FAMILY(malloc)(size > alignment ? size : alignment);
    }
    void *const block = large_alloc(size > KMALLOC_SLAB_MAX ? size : KMALLOC_SLAB_MAX + 1, alignment, &is_zeroed);
    return block != NULL ? block : no_memory();
}

void *FAMILY(aligned_alloc)(size_t alignment, size_t size)
{
    if (!is_power_of_two(alignment)) {
        errno = EINVAL;
        return NULL;
    }
    return alloc_aligned(alignment, size);
}

int FAMILY(posix_memalign)(void **block, size_t alignment, size_t size)
{
    if (!is_power_of_two(alignment) || alignment % sizeof(void *) != 0) {
        return EINVAL;
    }
    const int before = errno;
    void *const found = alloc_aligned(alignment, size);
    if (found == NULL) {
        errno = before;
        return ENOMEM;
    }
    *block = found;
    return 0;
}

void *FAMILY(memalign)(size_t alignment, size_t size)
{
    if (alignment > SIZE_MAX / 2 + 1) {
        errno = EINVAL;
        return NULL;
    }
    const size_t next = alignment <= 1 ? 1 : (size_t)2 << find_last_set_nonzero(alignment - 1);
    return alloc_aligned(next, size);
}

void *FAMILY(valloc)(size_t size)
{
    return alloc_aligned(PAGE_SIZE, size);
}

void *FAMILY(pvalloc)(size_t size)
{
    return size > PTRDIFF_MAX ? no_memory() : alloc_aligned(PAGE_SIZE, align_up(size, PAGE_SIZE));
}

/* ---- memory as a whole ---- */

int FAMILY(malloc_trim)(size_t pad)
{
    (void)pad;
    preload_context_t *const context = preload_context_enter();
    large_flush(context);
    (void)kmem_caches_shrink();
    preload_pages_drain(context);
    const size_t bytes = preload_pages_trim();
    preload_context_leave(context);
    return bytes != 0;
}
