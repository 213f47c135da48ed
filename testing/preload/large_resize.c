/*
 * Large blocks of another size: into the room behind them, by giving back what is behind their new end, or by moving
 * pages to other addresses. Copies are the caller's.
 */
#include <sys/mman.h>

#include "mm/slab/slab.h"
#include "testing/preload/context.h"
#include "testing/preload/large_internal.h"
#include "testing/preload/large_room.h"

/* Moving pages by the system beats copying them from here on. */
#define MOVE_PAGES_MIN (KIB(256) / PAGE_SIZE)

size_t large_size(const void *pointer, uint64_t word)
{
    if (UNLIKELY(!large_is_start(pointer, word))) {
        slab_misuse_no_slab((uintptr_t)pointer, word);
    }
    return large_pages_of_word(word) << PAGE_SHIFT;
}

void *large_alloc_to_grow(size_t size)
{
    if (UNLIKELY(size > PTRDIFF_MAX)) {
        return NULL;
    }
    const size_t pages = large_pages_for((size - 1) >> PAGE_SHIFT);
    if (UNLIKELY(large_room_is_resting(pages))) {
        bool is_zeroed;
        return large_alloc(size, PAGE_SIZE, &is_zeroed);
    }
    void *const block = large_room_settle(pages);
    if (LIKELY(block != NULL)) {
        large_set_word(block, pages, PAGE_CODE_LARGE);
    }
    return block;
}

/* Gives back the pages behind the first `pages` ones. */
static void *shorten(char *block, uint64_t word, size_t pages)
{
    const size_t have = large_pages_of_word(word);
    char *const end = block + (pages << PAGE_SHIFT);
    large_set_word(block, pages, PAGE_CODE_LARGE | (word & LARGE_WAS_MOVED));
    if ((word & LARGE_WAS_MOVED) == 0 && large_room_return(end, block + (have << PAGE_SHIFT), false)) {
        return block;
    }
    preload_context_t *const context = preload_context_enter();
    large_run_free(end, have - pages);
    preload_context_leave(context);
    return block;
}

/*
 * Moves the pages to the start of a longer run: the system changes tables, and copies nothing. NULL when it does not:
 * it may have no such call (Linux before 5.7), or no room for more mappings.
 */
static NOINLINE void *move(char *block, size_t have, size_t pages)
{
    static _Atomic bool is_refused;
    if (atomic_load_explicit(&is_refused, memory_order_relaxed)) {
        return NULL;
    }
    char *moved = large_room_settle(pages);
    if (moved == NULL) {
        return NULL;
    }
    preload_context_t *const context = preload_context_enter();
    RELAXED_ADD(&context->allocation.slab.large_frees, 1); /* of the one or the other */
    if (mremap(block, have << PAGE_SHIFT, have << PAGE_SHIFT, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
               moved) != moved) {
        atomic_store_explicit(&is_refused, true, memory_order_relaxed);
        if (large_run_restore(moved, pages)) {
            large_run_free(moved, pages);
        }
        moved = NULL;
        goto out;
    }
    large_set_word(moved, pages, PAGE_CODE_LARGE | LARGE_WAS_MOVED);
    large_set_word(block, 0, PAGE_CODE_GONE);
    if (large_run_restore(block, have) && !large_room_return(block, block + (have << PAGE_SHIFT), true)) {
        large_run_free(block, have);
    }

out:
    preload_context_leave(context);
    return moved;
}

static NOINLINE void *resize_slowly(void *pointer, uint64_t word, size_t size)
{
    const size_t have = large_pages_of_word(word);
    const size_t pages = large_pages_for((size - 1) >> PAGE_SHIFT);
    if (size <= have << PAGE_SHIFT) {
        return have < pages + pages / 4 + 1 ? pointer : shorten(pointer, word, pages);
    }
    return have < MOVE_PAGES_MIN || size > PTRDIFF_MAX ? NULL : move(pointer, have, pages);
}

void *large_resize(void *pointer, uint64_t word, size_t size)
{
    const size_t have = large_pages_of_word(word);
    const size_t last = (size - 1) >> PAGE_SHIFT;
    if (UNLIKELY(!large_is_start(pointer, word))) {
        slab_misuse_no_slab((uintptr_t)pointer, word);
    }
    if (LIKELY(last >= have)) {
        size_t pages = large_pages_for(last);
        if (LIKELY(large_room_extend(pointer, have, last + 1, &pages))) {
            large_set_word(pointer, pages, PAGE_CODE_LARGE | (word & LARGE_WAS_MOVED));
            return pointer;
        }
    } else if (LIKELY(last >= have - have / 8)) {
        return pointer;
    }
    return resize_slowly(pointer, word, size);
}
