/*
 * One L3 block: the states of 64 pages in two words, and the only operations that change them.
 *
 *   high low    state
 *     0   0     FREE
 *     0   1     ALLOCATED
 *     1   0     INVALID
 *     1   1     RESERVED
 *
 * The two words are the truth about every page; all that lies above them is a hint that is recomputed from them. They
 * change by atomic operations only, and each of those returns what was there before, so that every transition is
 * judged by the state that it really met (5.7, 5.8), without a lock.
 *
 * Who may do what
 *   FREE -> ALLOCATED       page_block_claim: the context that has the block checked out, and who holds the tree's lock
 *   ALLOCATED -> FREE       page_block_release: anyone
 *   to INVALID or RESERVED  page_block_retire, page_block_reserve: under the tree's lock, checked out or not
 *
 * A claim without the lock is decided by `low` alone. So while a context has a block checked out, `low` is set of
 * every page that is not free: INVALID ones look like RESERVED ones there, and the context knows which they are
 * (page_context.h: bad_pages). A retirer sets `low` first: whoever claims after that finds the bit set, and whoever
 * claimed before has had an allocated page taken away.
 *
 * Two such words also say of a chunk's blocks what becomes of them as wholes (page_wholes.c). There the last state is
 * left without `low`, and a claim looks at `high` once more after it has set the bits in `low`. The splitter sets
 * `high` before it clears `low`, and both sides are sequentially consistent, so that either the claimer sees the bit
 * in `high` and lets go, or the splitter sees an allocated block.
 */
#ifndef MM_PAGE_BLOCK_H
#define MM_PAGE_BLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bits.h"
#include "base/bits_atomic.h"
#include "base/relaxed.h"
#include "mm/page_state.h"

typedef struct page_block {
    _Atomic uint64_t low;
    _Atomic uint64_t high;
} page_block_t;

_Static_assert(sizeof(page_block_t) == 16, "four blocks share a cache line, 64 are 1 KiB");

/* The free pages; out of date at once unless the caller may claim. */
static ALWAYS_INLINE uint64_t page_block_free_word(const page_block_t *block)
{
    return ~(atomic_load_explicit(&block->low, memory_order_relaxed) |
             atomic_load_explicit(&block->high, memory_order_relaxed));
}

static inline page_state_t page_block_state(const page_block_t *block, unsigned index)
{
    const uint64_t high = (atomic_load(&block->high) >> index) & 1;
    return (page_state_t)(high << 1 | ((atomic_load(&block->low) >> index) & 1));
}

/* Sets the bits of `mask` in `low`, if all that they stand for is free. */
MUST_USE static ALWAYS_INLINE bool page_block_claim_begin(page_block_t *block, uint64_t mask)
{
    uint64_t before = atomic_load(&block->low);
    do {
        if (((before | atomic_load(&block->high)) & mask) != 0) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&block->low, &before, before | mask));
    return true;
}

/* The order of a load that must not come before the read-modify-write that is ahead of it. */
#define PAGE_BLOCK_LOAD_AFTER (RMW_IS_A_FENCE ? memory_order_relaxed : memory_order_seq_cst)

/* For blocks as wholes: whether one has been split since. */
MUST_USE static ALWAYS_INLINE bool page_wholes_claim_has_met_splitter(const page_block_t *block, uint64_t mask)
{
    return UNLIKELY((atomic_load_explicit(&block->high, PAGE_BLOCK_LOAD_AFTER) & mask) != 0);
}

/* If so: lets go, and returns the blocks that the splitter has taken over already. */
static inline uint64_t page_wholes_claim_undo(page_block_t *block, uint64_t mask)
{
    return mask & ~atomic_fetch_and(&block->low, ~mask);
}

/*
 * Makes the pages of `mask` ALLOCATED if all of them are FREE, and returns whether they were. Otherwise nothing has
 * changed, not even for a moment, which a double free could use.
 */
MUST_USE static inline bool page_block_claim(page_block_t *block, uint64_t mask)
{
    return page_block_claim_begin(block, mask);
}

/*
 * The same for blocks of a chunk. When one is split in this very moment, all are let go of again. Of those, *gone are
 * the blocks that the splitter met as allocated ones: for them the claim came first, and their pages are the
 * caller's. Under the tree's lock, or of a claim that was met, there are none.
 */
MUST_USE static inline bool page_wholes_claim(page_block_t *block, uint64_t mask, uint64_t *gone)
{
    *gone = 0;
    if (!page_block_claim_begin(block, mask)) {
        return false;
    }
    if (page_wholes_claim_has_met_splitter(block, mask)) {
        *gone = page_wholes_claim_undo(block, mask);
        return false;
    }
    return true;
}

/*
 * Claims what has clear bits in `low`, as the caller has read it: one attempt, which fails when the word has changed
 * since. Pages of a block that the context has checked out; and the same for blocks, with *gone as above.
 */
MUST_USE static ALWAYS_INLINE bool page_block_claim_seen(page_block_t *block, uint64_t low, uint64_t mask)
{
    return LIKELY(bits_atomic_replace(&block->low, low, low + mask));
}

MUST_USE static ALWAYS_INLINE bool page_wholes_claim_seen(page_block_t *block, uint64_t low, uint64_t mask,
                                                          uint64_t *gone)
{
    *gone = 0;
    if (UNLIKELY(!page_block_claim_seen(block, low, mask))) {
        return false;
    }
    if (page_wholes_claim_has_met_splitter(block, mask)) {
        *gone = page_wholes_claim_undo(block, mask);
        return false;
    }
    return true;
}

/*
 * Claims the first page that is free, of a block that the context has checked out, and stores which it is: one attempt,
 * which fails when there is none, or the page was taken, or retired, at this very moment.
 */
MUST_USE static ALWAYS_INLINE bool page_block_claim_first(page_block_t *block, uint64_t *index)
{
    return LIKELY(bits_atomic_set_first_clear(&block->low, index));
}

/*
 * Claims one page whose bit in `low` tells: of a block that the context has checked out, or, under the lock, one seen
 * to be free. `bit` is the word with bit `index` set, which some machines have sooner than others.
 */
MUST_USE static ALWAYS_INLINE bool page_block_claim_one(page_block_t *block, uint64_t index, uint64_t bit)
{
    if (BITS_ATOMIC_TEST_IS_FREE) {
        return LIKELY(!bit_atomic_test_and_set(&block->low, index));
    }
    return LIKELY((atomic_fetch_or(&block->low, bit) & bit) == 0);
}

/* Makes an ALLOCATED page FREE; any other is left as it is, and false comes back. */
MUST_USE static ALWAYS_INLINE bool page_block_release_one(page_block_t *block, uint64_t index)
{
    __builtin_assume(index < BITS_PER_WORD);
    /* In no order with `low`: of a page that is being retired this tells late, but then its bit in `low` is gone. */
    const uint64_t high = atomic_load_explicit(&block->high, memory_order_relaxed);
    if (BITS_ATOMIC_TEST_IS_FREE) {
        return LIKELY(!bit_is_set(high, index)) && LIKELY(bit_atomic_test_and_clear(&block->low, index));
    }
    const uint64_t bit = (UINT64_C(1) << index) & ~high;
    return LIKELY((bits_atomic_clear(&block->low, bit) & bit) != 0);
}

/*
 * Makes the pages of `mask` FREE if all of them are ALLOCATED, in one attempt: false, with nothing changed, when they
 * are not, or, on some machines, the word changed meanwhile.
 */
MUST_USE static ALWAYS_INLINE bool page_block_release_at_once(page_block_t *block, uint64_t mask)
{
    return LIKELY(bits_atomic_clear_all(&block->low, mask, atomic_load_explicit(&block->high, memory_order_relaxed)));
}

/* What page_block_release() met, for who keeps the hints. */
typedef struct page_release {
    bool is_done;          /* all pages were ALLOCATED and are now FREE; otherwise nothing has changed */
    bool is_turning_point; /* before it no page was free, or after it all are */
} page_release_t;

/* Makes the pages of `mask` FREE if all of them are ALLOCATED. */
MUST_USE static inline page_release_t page_block_release(page_block_t *block, uint64_t mask)
{
    uint64_t before = atomic_load(&block->low);
    do {
        if ((before & mask) != mask || (atomic_load(&block->high) & mask) != 0) {
            return (page_release_t){false, false};
        }
    } while (!atomic_compare_exchange_weak(&block->low, &before, before & ~mask));

    /*
     * `high` is read again: a page retired between the first look and the exchange may have been the last one in `low`.
     */
    const uint64_t high = atomic_load(&block->high);
    return (page_release_t){true, (before | high) == ~UINT64_C(0) || ((before & ~mask) | high) == 0};
}

/*
 * The three steps of a retirement. First: nobody can claim these pages any more. Returns those that were not
 * allocated.
 */
static inline uint64_t page_block_retire_begin(page_block_t *block, uint64_t mask)
{
    return mask & ~atomic_fetch_or(&block->low, mask);
}

/* Second: nobody can free them. */
static inline void page_block_retire_mark(page_block_t *block, uint64_t mask)
{
    atomic_fetch_or(&block->high, mask);
}

/* Third: they are INVALID. Returns the ones that nobody has freed, or let go of, since the first step. */
static inline uint64_t page_block_retire_end(page_block_t *block, uint64_t mask)
{
    return mask & atomic_fetch_and(&block->low, ~mask);
}

/*
 * Makes pages INVALID that are FREE or ALLOCATED. Returns through the two words which ones this very call took from
 * free to allocated, and which ones it took away from an owner (its own claims among them): their counts keep the books
 * exact however the call races with claims and frees.
 */
static inline void page_block_retire(page_block_t *block, uint64_t mask, uint64_t *claimed, uint64_t *taken)
{
    *claimed = page_block_retire_begin(block, mask);
    page_block_retire_mark(block, mask);
    *taken = page_block_retire_end(block, mask);
}

/* The third step for pages of a block that a context has checked out: `low` stays set, or is set again. */
static inline uint64_t page_block_retire_end_held(page_block_t *block, uint64_t mask)
{
    return mask & atomic_fetch_or(&block->low, mask);
}

/* Makes a page RESERVED that the caller has just claimed. */
static inline void page_block_reserve(page_block_t *block, uint64_t mask)
{
    atomic_fetch_or(&block->high, mask);
}

#endif
