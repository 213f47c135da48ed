/*
 * Rooms, each a word: where it begins, where it ends, in pages of the arena, and two bits.
 *
 *   63            32 31             3    2       1        0
 *  |      begin     |      end      |  early |  used  |  taken  |
 *
 * Taken: a block grew out of it, and has not come back; else the room is idle, and waits for the next block that
 * grows. Used: lately; a room that is wanted for somebody else is passed over once. Early: its block began here. A
 * room without pages is still worth its word while its block lives, because the block's pages become one when they
 * come back.
 *
 * A block that starts to grow goes to the first room, one behind the other, each cutting off what was there before:
 * most of them stay short, and had better stay together. One that needs more gets one of the later rooms, twice as
 * long as it is, or longer if an idle one is at hand. When all that came to the first room of late outgrew it, or
 * were freed when they were long, the next ones get the longest of the idle rooms at once, and never move; until one
 * of them stays.
 *
 * A thread changes its rooms by a store of one word, and takes pages out of the word before it says that they are a
 * block's: so a fork at any moment leaves the child rooms that are in order.
 */
#include "testing/preload/large_room.h"

#include "testing/preload/context.h"
#include "testing/preload/large_internal.h"
#include "testing/preload/pages.h"

#define BEGIN_SHIFT 32
#define END_SHIFT   3
#define END_MASK    (bits_low(BEGIN_SHIFT) - bits_low(END_SHIFT))
#define EARLY       UINT64_C(4)
#define USED        UINT64_C(2)
#define TAKEN       UINT64_C(1)

#define FIRST_PAGES 16u

/* So many blocks in a row must have had half of the first room and come back, for the next ones to pass it over. */
#define SURE           4u
#define SURE_SHIFT_MAX 16u /* times 2 each time it was wrong */

/* A block that is to have a later room gets one that is at most so many times as long, as long as nothing is sure. */
#define LATER_TIMES_MAX 8u

static ALWAYS_INLINE uint64_t page_of(const void *address)
{
    return (uint64_t)((const char *)address - preload_arena) >> PAGE_SHIFT;
}

static ALWAYS_INLINE void *pointer_of(uint64_t page)
{
    return preload_arena + (page << PAGE_SHIFT);
}

static ALWAYS_INLINE uint64_t begin_of(uint64_t room)
{
    return room >> BEGIN_SHIFT;
}

static ALWAYS_INLINE uint64_t end_of(uint64_t room)
{
    return (room & END_MASK) >> END_SHIFT;
}

static ALWAYS_INLINE uint64_t pages_of(uint64_t room)
{
    return end_of(room) - begin_of(room);
}

static ALWAYS_INLINE void set_room(uint64_t *room, uint64_t begin, uint64_t end, uint64_t bits)
{
    atomic_signal_fence(memory_order_seq_cst);
    RELAXED_STORE(room, begin << BEGIN_SHIFT | end << END_SHIFT | bits);
    atomic_signal_fence(memory_order_seq_cst);
}

/* The room that begins at `page`, or NULL. */
static ALWAYS_INLINE uint64_t *room_at(large_cache_t *cache, uint64_t page)
{
    for (unsigned i = 0; i < LARGE_ROOM_COUNT; i++) {
        if (begin_of(cache->rooms[i]) == page) {
            return &cache->rooms[i];
        }
    }
    return NULL;
}

/* ---- growing and shrinking where one is ---- */

bool large_room_extend(void *block, size_t have, size_t least, size_t *pages)
{
    large_cache_t *const cache = &preload_context_current()->large;
    const uint64_t begin = page_of(block) + have;
    uint64_t *const room = room_at(cache, begin);
    if (room == NULL) {
        return false;
    }
    const uint64_t all = have + pages_of(*room);
    if (all < least) {
        return false;
    }
    *pages = *pages < all ? *pages : all;
    set_room(room, begin + *pages - have, end_of(*room), TAKEN | USED | (*room & EARLY));
    cache->pages -= *pages - have;
    return true;
}

bool large_room_return(void *from, void *end, bool is_whole)
{
    large_cache_t *const cache = &preload_context_current()->large;
    const uint64_t first = page_of(from);
    uint64_t *const room = room_at(cache, page_of(end));
    const uint64_t pages = page_of(end) - first;
    if (room == NULL || pages + pages_of(*room) > LARGE_BIN_PAGES_MAX || cache->pages + pages > cache->pages_max) {
        return false;
    }
    cache->pages += pages;
    set_room(room, first, end_of(*room), is_whole ? 0 : TAKEN | USED);
    if (is_whole && room == &cache->rooms[0] && pages >= FIRST_PAGES / 2) {
        cache->outgrown++;
    }
    return true;
}

/* ---- a new place ---- */

static ALWAYS_INLINE void *settle_in(preload_context_t *context, uint64_t *room, size_t pages, uint64_t bits)
{
    const uint64_t begin = begin_of(*room);
    set_room(room, begin + pages, end_of(*room), TAKEN | USED | bits);
    context->large.pages -= pages;
    RELAXED_ADD(&context->allocation.slab.large_allocations, 1);
    return pointer_of(begin);
}

/* Context entered, as for all that follows. */
static void give_up(large_cache_t *cache, uint64_t *room)
{
    const uint64_t begin = begin_of(*room);
    const uint64_t pages = pages_of(*room);
    set_room(room, 0, 0, 0);
    if (pages != 0) {
        cache->pages -= pages;
        large_run_free(pointer_of(begin), pages);
    }
}

void large_room_flush(large_cache_t *cache, uint64_t keep)
{
    for (unsigned i = 0; i < LARGE_ROOM_COUNT; i++) {
        if (cache->pages > keep || keep == 0) {
            give_up(cache, &cache->rooms[i]);
        }
    }
    cache->has_rooms &= keep != 0;
}

/*
 * Which of the later rooms somebody else may have: an idle one, or else the next that was not used since its last
 * turn.
 */
static uint64_t *pick(large_cache_t *cache)
{
    for (unsigned i = 1; i < LARGE_ROOM_COUNT; i++) {
        if ((cache->rooms[i] & TAKEN) == 0) {
            return &cache->rooms[i];
        }
    }
    for (;;) {
        uint64_t *const room = &cache->rooms[1 + cache->room_turn++ % (LARGE_ROOM_COUNT - 1)];
        if ((*room & USED) == 0) {
            return room;
        }
        RELAXED_STORE(room, *room & ~USED);
    }
}

/* Makes a room of `wanted` pages: a run of a bin, one out of the tree, or one of `pages` if that is all there is. */
static bool make(preload_context_t *context, uint64_t *room, size_t wanted, size_t pages)
{
    large_cache_t *const cache = &context->large;
    bool is_zeroed;
    if (wanted <= LARGE_BIN_PAGES_MAX) {
        const size_t bin = large_bin_of(wanted - 1, large_step_of(wanted - 1));
        const uint64_t found = (cache->filled >> bin) & bits_low(1u << LARGE_STEP_SHIFT);
        if (found != 0) {
            const size_t number = bin + find_first_set_nonzero(found);
            const size_t length = large_pages_of_bin(number);
            const uint64_t begin = page_of(large_take_from_bin(cache, number));
            cache->pages += length;
            set_room(room, begin, begin + length, TAKEN);
            return true;
        }
    }
    if (cache->pages + wanted - pages > cache->pages_max) {
        large_cache_flush(cache, cache->pages_max - cache->pages_max / 8);
    }
    if (cache->pages + wanted - pages > cache->pages_max) {
        wanted = pages;
    }
    void *run = preload_pages_alloc(wanted, 0, &is_zeroed);
    if (run == NULL) {
        wanted = pages;
        run = large_run_alloc(context, pages, 0, &is_zeroed);
    }
    if (run != NULL) {
        cache->pages += wanted;
        set_room(room, page_of(run), page_of(run) + wanted, TAKEN);
    }
    return run != NULL;
}

static NOINLINE void *settle_anew(size_t pages, bool is_first)
{
    void *block = NULL;
    preload_context_t *const context = preload_context_enter();
    large_cache_t *const cache = &context->large;
    uint64_t *const room = is_first ? &cache->rooms[0] : pick(cache);
    const size_t wanted = is_first ? FIRST_PAGES : large_pages_for(2 * pages - 1);
    if (is_first && (*room & TAKEN) != 0) {
        cache->outgrown = 0;
    }
    bool is_there = !is_first && pages_of(*room) >= wanted;
    if (!is_there) {
        give_up(cache, room);
        is_there = make(context, room, wanted, pages);
    }
    if (is_there) {
        cache->has_rooms = true;
        block = settle_in(context, room, pages, 0);
    } else {
        RELAXED_ADD(&context->allocation.slab.large_failures, 1);
    }
    preload_context_leave(context);
    return block;
}

/* Into the first room, behind the block that came there before. */
static void *settle_first(preload_context_t *context, size_t pages)
{
    large_cache_t *const cache = &context->large;
    if (UNLIKELY(pages_of(cache->rooms[0]) < 2 * pages)) {
        return settle_anew(pages, true);
    }
    if ((cache->rooms[0] & TAKEN) != 0) {
        cache->outgrown = 0;
    }
    return settle_in(context, &cache->rooms[0], pages, 0);
}

/*
 * Into the longest idle room, as a block that is sure to grow; NULL when there is none, or when the last such block did
 * not come back: then it takes twice as many to be sure again.
 */
static void *settle_early(preload_context_t *context, size_t pages)
{
    large_cache_t *const cache = &context->large;
    uint64_t *longest = NULL;
    uint64_t length = pages - 1;
    for (unsigned i = 1; i < LARGE_ROOM_COUNT; i++) {
        uint64_t *const room = &cache->rooms[i];
        if (UNLIKELY((*room & EARLY) != 0)) {
            *room -= EARLY;
            cache->outgrown = 0;
            cache->sure_shift += cache->sure_shift < SURE_SHIFT_MAX;
            return NULL;
        }
        if ((*room & TAKEN) == 0 && pages_of(*room) > length) {
            longest = room;
            length = pages_of(*room);
        }
    }
    return longest != NULL ? settle_in(context, longest, pages, EARLY) : NULL;
}

/* Into an idle room that is long, but not too long. */
static void *settle_later(preload_context_t *context, size_t pages)
{
    uint64_t *longest = NULL;
    uint64_t length = pages - 1;
    for (unsigned i = 1; i < LARGE_ROOM_COUNT; i++) {
        uint64_t *const room = &context->large.rooms[i];
        if ((*room & TAKEN) == 0 && pages_of(*room) > length && pages_of(*room) <= pages * LATER_TIMES_MAX) {
            longest = room;
            length = pages_of(*room);
        }
    }
    return longest != NULL ? settle_in(context, longest, pages, 0) : settle_anew(pages, false);
}

void *large_room_settle(size_t pages)
{
    preload_context_t *const context = preload_context_current();
    if (pages > FIRST_PAGES / 2) {
        return settle_later(context, pages);
    }
    if (LIKELY(context->large.outgrown >= SURE << context->large.sure_shift)) {
        void *const block = settle_early(context, pages);
        if (LIKELY(block != NULL)) {
            return block;
        }
    }
    return settle_first(context, pages);
}
