/*
 * The functions of the family, but for those that resize (resize.c), and for what they stand on: classes and slabs are
 * mm's, large blocks large.c's.
 *
 * malloc and free are mm/kmalloc's straight lines under other names. Everything else enters a context first, because it
 * may change what threads share.
 */
#include "testing/preload/family.h"

#include <errno.h>

#include "base/check.h"
#include "mm/kmalloc/kmalloc_lines.h"
#include "mm/slab/slab.h"
#include "mm/slab/slab_kmalloc.h"
#include "testing/preload/context.h"
#include "testing/preload/large.h"
#include "testing/preload/pages.h"

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

/*
 * Takes the first slab off a slot's list, which gives its last free object. False, with nothing changed, when the
 * context may not do so now. The list is slab_partial_push()'s.
 */
static ALWAYS_INLINE bool pop_partial(preload_context_t *context, slab_slot_t *slot, slab_t *slab)
{
    if (!preload_context_begin_at_once(context)) {
        return false;
    }
    list_link_t *const next = slab->link.next;
    RELAXED_STORE(&slab->free_word, 0);
    if (next != NULL) {
        next->previous = NULL;
    }
    slot->partial = next == NULL ? NULL : CONTAINER_OF(next, slab_t, link);
    list_link_init(&slab->link);
    preload_context_end(context);
    return true;
}

/*
 * An object of the first partly used slab, if that has so few that it is not worth being the current one: a switch costs
 * as much as several of these. `slot` may be that of no context, which has no slab.
 */
NOINLINE void *kmalloc_refill(size_t size)
{
    if (UNLIKELY(size - 1 >= KMALLOC_SLAB_MAX)) {
        return kmalloc_odd(size);
    }
    preload_context_t *const context = preload_context_current();
    slab_slot_t *const slot = kmalloc_slot_of_last(kmalloc_last(size));
    slab_t *const slab = slot->partial;
    if (UNLIKELY(slab == NULL ||
                 atomic_load_explicit(&context->allocation.slab.posted, memory_order_relaxed) != NULL)) {
        return refill_slowly(size);
    }
    const uint64_t free_word = slab->free_word;
    const uint64_t but_one = free_word & (free_word - 1);
    const uint64_t but_two = but_one & (but_one - 1);
    const uint64_t but_three = but_two & (but_two - 1);
    if ((but_three & (but_three - 1)) != 0) {
        return refill_slowly(size);
    }
    if (but_one != 0) {
        RELAXED_STORE(&slab->free_word, but_one);
    } else if (!pop_partial(context, slot, slab)) {
        return refill_slowly(size);
    }
    slab_slot_count_allocation(slot);
    return (void *)(slab->base + find_first_set_nonzero(free_word) * slot->object_size);
}

NOINLINE void *kmalloc_odd(size_t size)
{
    bool is_zeroed;
    if (UNLIKELY(size == 0)) {
        return kmalloc_line(1);
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

/* What free_in_place() leaves. */
static NOINLINE void free_in_slab(slab_t *slab, uintptr_t address)
{
    preload_context_t *const context = preload_context_enter();
    slab_free(slab, address, &context->allocation.slab, CALLER);
    preload_context_leave(context);
}

/* The first object of a full slab comes free: slab_partial_push(), or false as above. */
static ALWAYS_INLINE bool push_partial(preload_context_t *context, slab_slot_t *slot, slab_t *slab, uint64_t bit)
{
    if (!preload_context_begin_at_once(context)) {
        return false;
    }
    slab_t *const head = slot->partial;
    RELAXED_STORE(&slab->free_word, bit);
    slab->link.previous = NULL;
    slab->link.next = head == NULL ? NULL : &head->link;
    if (head != NULL) {
        head->link.previous = &slab->link;
    }
    slot->partial = slab;
    preload_context_end(context);
    return true;
}

/*
 * Frees into a slab of the own context that is not the current one, without a switch. It turns off to free_in_slab()
 * when that is not all there is to do, and when the last such free went to the same slab: then more of them will
 * follow, and the slab had better be current.
 */
static ALWAYS_INLINE void free_in_place(slab_t *slab, uintptr_t address, uint64_t word)
{
    preload_context_t *const context = preload_context_current();
    const uint64_t index = bits_rotate_right(address - slab->base, word) * kfree_line_multiplier(word);
    if (UNLIKELY(atomic_load_explicit(&slab->owner, memory_order_relaxed) != (uintptr_t)context)) {
        free_in_slab(slab, address);
        return;
    }
    if (context->allocation.slab.freed_into == slab || UNLIKELY(index >= BITS_PER_WORD)) {
        free_in_slab(slab, address);
        return;
    }
    const uint64_t bit = UINT64_C(1) << index;
    const uint64_t before = slab->free_word;
    const uint64_t remote = atomic_load_explicit(&slab->remote_word, memory_order_relaxed);
    if (UNLIKELY(((before | remote) & bit) != 0 || (before | bit) == slab->cache->object_bits)) {
        free_in_slab(slab, address);
        return;
    }
    slab_slot_t *const slot = kfree_line_slot(word);
    if (before != 0) {
        RELAXED_STORE(&slab->free_word, before | bit);
    } else if (!push_partial(context, slot, slab, bit)) {
        free_in_slab(slab, address);
        return;
    }
    context->allocation.slab.freed_into = slab;
    slab_slot_count_free(slot);
}

NOINLINE void kfree_elsewhere(uint64_t rotated, uint64_t word)
{
    const uintptr_t address = kfree_line_pointer(rotated, word);
    const unsigned code = word & PAGE_CODE_MASK;
    if (LIKELY(code >= PAGE_CODE_SHIFT_MIN)) {
        free_in_place(slab_of_address(word, address), address, word);
    } else if (code == PAGE_CODE_LARGE) {
        large_free((void *)address, word);
    } else {
        slab_misuse_no_slab(address, word);
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

void *FAMILY(malloc)(size_t size)
{
    return kmalloc_line(size);
}

void FAMILY(free)(void *pointer)
{
    kfree_line(pointer);
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
        LIKELY(bytes <= KMALLOC_SLAB_MAX) ? kmalloc_line(bytes) : large_alloc(bytes, PAGE_SIZE, &is_zeroed);
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
