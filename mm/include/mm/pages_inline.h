/*
 * The straight lines of pages_alloc and pages_free: private to mm/pages.h.
 *
 * A run whose length the compiler knows comes and goes in the caller, out of the block (or the chunk) that the caller's
 * context has. All else is a call.
 */
#ifndef MM_PAGES_INLINE_H
#define MM_PAGES_INLINE_H

#include "arch/inline.h"
#include "arch/page_backend.h"
#include "base/bits.h"
#include "mm/allocation_context.h"
#include "mm/page_fast.h"

#define PAGES_SHORT_MAX   ((size_t)BITS_PER_WORD - 1) /* longer runs are of whole blocks, if they are */
#define PAGES_LINE_MAX    ((size_t)BITS_PER_WORD * BITS_PER_WORD)
#define PAGES_WHOLE_SHIFT (PAGE_SHIFT + BITS_PER_WORD_SHIFT)

/* Whether every run shall come and go by a call, where kernel/sanitizers looks on. */
#ifdef QUARRY_KASAN
#define PAGES_ARE_WATCHED true
#else
#define PAGES_ARE_WATCHED false
#endif

/* What the lines turn off to, each in the place of the rest of it. */
MUST_USE void *pages_alloc_slowly(size_t count);
MUST_USE void *pages_alloc_after(page_wholes_answer_t answer, size_t count, uint64_t index, uint64_t gone);
void pages_free_slowly(void *address, size_t count);
void pages_free_after(void *address);

/*
 * What page_context_count_allocated() and page_context_count_freed() do; a page that was asked for by a variable may
 * count as a longer run, of 1.
 */
static ALWAYS_INLINE void pages_note_allocated(allocation_context_t *context, size_t count)
{
    if (__builtin_constant_p(count) && count == 1) {
        page_context_count_allocated(&context->pages, 1);
    } else {
        RELAXED_ADD_BOTH(context, pages.longer_runs_allocated, pages.longer_pages_allocated, 1, count);
    }
}

static ALWAYS_INLINE void pages_note_freed(allocation_context_t *context, size_t count)
{
    if (__builtin_constant_p(count) && count == 1) {
        page_context_count_freed(&context->pages, 1);
    } else {
        page_counter_order_free();
        RELAXED_ADD_BOTH(context, pages.longer_runs_freed, pages.longer_pages_freed, 1, count);
    }
}

/* A run of up to PAGES_SHORT_MAX pages. */
static ALWAYS_INLINE void *pages_alloc_short(size_t count)
{
    allocation_context_t *const context = allocation_context_current();
    page_block_t *block;
    uintptr_t kept;
    uint64_t index;
    RELAXED_LOAD_FIRST(context, pages.block, pages.address, block, kept);
    if (UNLIKELY(!page_block_take(block, count, &index))) {
        return pages_alloc_slowly(count);
    }
    pages_note_allocated(context, count);
    return (void *)(RELAXED_LOAD_SECOND(context, pages.address, kept) + ((uintptr_t)index << PAGE_SHIFT));
}

/* Where blocks of a context's chunk are, when they have been taken. */
static ALWAYS_INLINE void *pages_wholes_taken(allocation_context_t *context, size_t count, uint64_t index)
{
    pages_note_allocated(context, count);
    return (void *)(context->pages.chunk_address + ((uintptr_t)index << PAGES_WHOLE_SHIFT));
}

/* A run of `count` pages, which are `blocks` blocks, up to 64. */
static ALWAYS_INLINE void *pages_alloc_wholes(size_t count, uint64_t blocks)
{
    allocation_context_t *const context = allocation_context_current();
    uint64_t index = 0;
    uint64_t gone;
    const page_wholes_answer_t answer = page_context_take_wholes(&context->pages, blocks, &index, &gone);
    if (UNLIKELY(answer != PAGE_WHOLES_DONE)) {
        return pages_alloc_after(answer, count, index, gone);
    }
    return pages_wholes_taken(context, count, index);
}

static ALWAYS_INLINE void pages_free_short(void *address, size_t count)
{
    allocation_context_t *const context = allocation_context_current();
    page_block_t *block;
    uintptr_t kept;
    RELAXED_LOAD_FIRST(context, pages.block, pages.address, block, kept);
    const uint64_t index =
        page_fast_index(RELAXED_LOAD_SECOND(context, pages.address, kept), (uintptr_t)address, PAGE_SHIFT);
    if (UNLIKELY(!page_block_give(block, index, count))) {
        pages_free_slowly(address, count);
        return;
    }
    pages_note_freed(context, count);
}

static ALWAYS_INLINE void pages_free_wholes(void *address, size_t count, uint64_t blocks)
{
    allocation_context_t *const context = allocation_context_current();
    const uint64_t index = page_fast_index(context->pages.chunk_address, (uintptr_t)address, PAGES_WHOLE_SHIFT);
    const page_wholes_answer_t answer = page_context_give_wholes(&context->pages, index, blocks);
    if (UNLIKELY(answer == PAGE_WHOLES_NONE)) {
        pages_free_slowly(address, count);
        return;
    }
    pages_note_freed(context, count);
    if (UNLIKELY(answer == PAGE_WHOLES_RECALLED)) {
        pages_free_after(address);
    }
}

static ALWAYS_INLINE void *pages_alloc_known(size_t count)
{
    return count <= PAGES_SHORT_MAX ? pages_alloc_short(count)
                                    : pages_alloc_wholes(count, count >> BITS_PER_WORD_SHIFT);
}

static ALWAYS_INLINE void pages_free_known(void *address, size_t count)
{
    if (count <= PAGES_SHORT_MAX) {
        pages_free_short(address, count);
    } else {
        pages_free_wholes(address, count, count >> BITS_PER_WORD_SHIFT);
    }
}

/* Whether a line does it: for a power of two that the compiler knows. Macros, since only then it knows it for sure. */
#define PAGES_HAVE_LINE(count)                                                                    \
    (!PAGES_ARE_WATCHED && __builtin_constant_p(count) && (size_t)(count) - 1 < PAGES_LINE_MAX && \
     ((size_t)(count) & ((size_t)(count) - 1)) == 0)

#define pages_alloc(count) (PAGES_HAVE_LINE(count) ? pages_alloc_known(count) : (pages_alloc)(count))
#define pages_free(address, count) \
    (PAGES_HAVE_LINE(count) ? pages_free_known((address), (count)) : (pages_free)((address), (count)))

#endif
