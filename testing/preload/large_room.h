/*
 * Room to grow: free pages behind blocks that realloc made longer.
 *
 *   | block: its pages, and its size, are in its first page's word | room: nobody's but the context's |
 *
 * A thread remembers up to five of them. A block that grows takes pages from the room that begins where it ends; one
 * that shrinks, or is freed by the thread that made it grow, gives them back to it: so a buffer that is grown and
 * freed again and again has all the room that it ever needed. A room is a part of the thread's cache, counted and
 * flushed with its runs. Its pages are not the block's: what somebody does to a block that came to another thread
 * concerns no room, and a room can go at any moment.
 *
 * A room is a word: where it begins, where it ends, in pages of the arena, and four bits.
 *
 *   63       34 33      4    3       2      1       0
 *  |   begin   |   end   | early | grew | used | taken |
 *
 * Taken: a block grew out of it, and has not come back; else the room is idle, and waits for the next block that
 * grows. Used: its block took pages of it, and grew: more than once; a room that is wanted for somebody else is then
 * passed over once. Early: its block began here. A room without pages is still worth its word while its block lives,
 * because the block's pages become one when they come back.
 *
 * A thread changes its rooms by a store of one word, and takes pages out of the word before it says that they are a
 * block's: so a fork at any moment leaves the child rooms that are in order.
 */
#ifndef TESTING_PRELOAD_LARGE_ROOM_H
#define TESTING_PRELOAD_LARGE_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "testing/preload/context.h"
#include "testing/preload/large.h"
#include "testing/preload/large_internal.h"

#define LARGE_ROOM_BEGIN_SHIFT 34
#define LARGE_ROOM_END_SHIFT   4
#define LARGE_ROOM_END_MASK    (bits_low(LARGE_ROOM_BEGIN_SHIFT) - LARGE_ROOM_BITS)
#define LARGE_ROOM_EARLY       UINT64_C(8)
#define LARGE_ROOM_GREW        UINT64_C(4) /* beside USED, from which it follows by a shift */
#define LARGE_ROOM_USED        UINT64_C(2)
#define LARGE_ROOM_TAKEN       UINT64_C(1)
#define LARGE_ROOM_BITS        UINT64_C(15)

/* So many blocks in a row must have come back long, for the next ones to begin in a long room. */
#define LARGE_ROOM_SURE 4u

static ALWAYS_INLINE uint64_t large_room_begin(uint64_t room)
{
    return room >> LARGE_ROOM_BEGIN_SHIFT;
}

static ALWAYS_INLINE uint64_t large_room_end(uint64_t room)
{
    return (room & LARGE_ROOM_END_MASK) >> LARGE_ROOM_END_SHIFT;
}

static ALWAYS_INLINE uint64_t large_room_pages(uint64_t room)
{
    return large_room_end(room) - large_room_begin(room);
}

static ALWAYS_INLINE void large_room_set(uint64_t *room, uint64_t begin, uint64_t end, uint64_t bits)
{
    atomic_signal_fence(memory_order_seq_cst);
    RELAXED_STORE(room, begin << LARGE_ROOM_BEGIN_SHIFT | end << LARGE_ROOM_END_SHIFT | bits);
    atomic_signal_fence(memory_order_seq_cst);
}

/* The room that begins at `page`, or NULL. */
static ALWAYS_INLINE uint64_t *large_room_at(large_cache_t *cache, uint64_t page)
{
    for (unsigned i = 0; i < LARGE_ROOM_COUNT; i++) {
        if (large_room_begin(cache->rooms[i]) == page) {
            return &cache->rooms[i];
        }
    }
    return NULL;
}

/* Whether blocks that grow get long in this thread: a longer room for each is then no waste. */
static ALWAYS_INLINE bool large_room_is_sure(void)
{
    const large_cache_t *const cache = &preload_context_current()->large;
    return cache->outgrown >= LARGE_ROOM_SURE << cache->sure_shift;
}

/*
 * Returns a run of `pages` pages that will probably grow, with room behind it if there is some; NULL when memory is
 * out. Its word is not set.
 */
MUST_USE void *large_room_settle(size_t pages);

/* Whether a block of `pages` pages that will probably grow had better get no room. Each time may be the last. */
MUST_USE bool large_room_is_resting(size_t pages);

/*
 * Adds to the block at `block` of `have` pages the pages behind it: as many as make it `*pages` long, or fewer, but
 * at least `least`. Returns false, with nothing changed, when there is no such room; the block's word is the caller's
 * to set.
 */
MUST_USE static ALWAYS_INLINE bool large_room_extend(void *block, size_t have, size_t least, size_t *pages)
{
    large_cache_t *const cache = &preload_context_current()->large;
    const uint64_t begin = large_page_number(block) + have;
    uint64_t *const room = large_room_at(cache, begin);
    if (UNLIKELY(room == NULL)) {
        return false;
    }
    const uint64_t all = have + large_room_pages(*room);
    if (UNLIKELY(all < least)) {
        return false;
    }
    const uint64_t more = (*pages < all ? *pages : all) - have;
    *pages = have + more;
    atomic_signal_fence(memory_order_seq_cst);
    const uint64_t bits = LARGE_ROOM_TAKEN | LARGE_ROOM_USED | (*room & LARGE_ROOM_USED) << 1;
    RELAXED_STORE(room, (*room | bits) + (more << LARGE_ROOM_BEGIN_SHIFT));
    atomic_signal_fence(memory_order_seq_cst);
    cache->pages -= more;
    return true;
}

/*
 * Gives the last pages of a block, or the whole block, [`from`, `end`), to the room that begins where they end. False,
 * with nothing changed, when there is none or it may not have more.
 */
MUST_USE bool large_room_return(void *from, void *end, bool is_whole);

/* Gives rooms to the tree until the cache has no more than `keep` pages. The caller has entered a context. */
void large_room_flush(large_cache_t *cache, uint64_t keep);

#endif
