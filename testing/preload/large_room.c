/*
 * Where blocks that grow are settled.
 *
 * A block that starts to grow goes to the first room, one behind the other, each cutting off what was there before:
 * most of them stay short, and had better stay together. One that needs more gets one of the later rooms, twice as
 * long as it is, or longer if an idle one is at hand. When all that came to the first room of late outgrew it, or
 * were freed when they were long, the next ones get the longest of the idle rooms at once, and never move; until one
 * of them stays.
 *
 * Where many blocks grow by turns, five rooms are no help: each is taken away before it was used. After each time that
 * happened, twice as many blocks that grow get none, until one was of use again.
 */
#include "testing/preload/large_room.h"

#include "testing/preload/context.h"
#include "testing/preload/large_internal.h"
#include "testing/preload/pages.h"

#define FIRST_PAGES 16u

/* A wrong guess doubles LARGE_ROOM_SURE so many times at most. */
#define SURE_SHIFT_MAX 10u

/* A block that is to have a later room gets one that is at most so many times as long, as long as nothing is sure. */
#define LATER_TIMES_MAX 8u

/* So many blocks at most get no room after one that was of no use. */
#define REST_MAX 1023u

/* Somebody else gets a taken room, or could have. */
static void judge(large_rest_t *rest, uint64_t room)
{
    if ((room & LARGE_ROOM_GREW) != 0) {
        rest->length /= 2;
        rest->left = 0;
    } else {
        rest->length = rest->length < REST_MAX ? (uint16_t)(2 * rest->length + 1) : REST_MAX;
        rest->left = rest->length;
    }
}

bool large_room_return(void *from, void *end, bool is_whole)
{
    large_cache_t *const cache = &preload_context_current()->large;
    const uint64_t first = large_page_number(from);
    uint64_t *const room = large_room_at(cache, large_page_number(end));
    const uint64_t pages = large_page_number(end) - first;
    if (room == NULL || pages + large_room_pages(*room) > LARGE_BIN_PAGES_MAX ||
        cache->pages + pages > cache->pages_max) {
        return false;
    }
    cache->pages += pages;
    const uint64_t bits = is_whole ? 0 : (*room & LARGE_ROOM_BITS) | LARGE_ROOM_TAKEN;
    large_room_set(room, first, large_room_end(*room), bits);
    if (is_whole && room == &cache->rooms[0] && pages >= FIRST_PAGES / 2) {
        cache->outgrown++;
    }
    return true;
}

/* ---- a new place ---- */

static ALWAYS_INLINE void *settle_in(preload_context_t *context, uint64_t *room, size_t pages, uint64_t bits)
{
    const uint64_t begin = large_room_begin(*room);
    large_room_set(room, begin + pages, large_room_end(*room), LARGE_ROOM_TAKEN | bits);
    context->large.pages -= pages;
    RELAXED_ADD(&context->allocation.slab.large_allocations, 1);
    return large_page_pointer(begin);
}

/* Context entered, as for all that follows. */
static void give_up(large_cache_t *cache, uint64_t *room)
{
    const uint64_t begin = large_room_begin(*room);
    const uint64_t pages = large_room_pages(*room);
    large_room_set(room, 0, 0, 0);
    if (pages != 0) {
        cache->pages -= pages;
        large_run_free(large_page_pointer(begin), pages);
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
        if ((cache->rooms[i] & LARGE_ROOM_TAKEN) == 0) {
            return &cache->rooms[i];
        }
    }
    for (;;) {
        uint64_t *const room = &cache->rooms[1 + cache->room_turn++ % (LARGE_ROOM_COUNT - 1)];
        judge(&cache->rest_later, *room);
        if ((*room & LARGE_ROOM_USED) == 0) {
            return room;
        }
        RELAXED_STORE(room, *room & ~(LARGE_ROOM_USED | LARGE_ROOM_GREW));
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
            const uint64_t begin = large_page_number(large_take_from_bin(cache, number));
            cache->pages += length;
            large_room_set(room, begin, begin + length, LARGE_ROOM_TAKEN);
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
        large_room_set(room, large_page_number(run), large_page_number(run) + wanted, LARGE_ROOM_TAKEN);
    }
    return run != NULL;
}

/* The first room goes to another block, whatever became of the one before. */
static void pass_on(large_cache_t *cache)
{
    const uint64_t room = cache->rooms[0];
    if ((room & LARGE_ROOM_TAKEN) != 0) {
        cache->outgrown = 0;
        judge(&cache->rest_first, room);
    }
}

static NOINLINE void *settle_anew(size_t pages, bool is_first)
{
    void *block = NULL;
    preload_context_t *const context = preload_context_enter();
    large_cache_t *const cache = &context->large;
    uint64_t *const room = is_first ? &cache->rooms[0] : pick(cache);
    const size_t wanted = is_first ? FIRST_PAGES : large_pages_for(2 * pages - 1);
    if (is_first) {
        pass_on(cache);
    }
    bool is_there = !is_first && large_room_pages(*room) >= wanted;
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
    if (UNLIKELY(large_room_pages(cache->rooms[0]) < 2 * pages)) {
        return settle_anew(pages, true);
    }
    pass_on(cache);
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
        if (UNLIKELY((*room & LARGE_ROOM_EARLY) != 0)) {
            RELAXED_STORE(room, *room - LARGE_ROOM_EARLY);
            cache->outgrown = 0;
            cache->sure_shift += cache->sure_shift < SURE_SHIFT_MAX;
            return NULL;
        }
        if ((*room & LARGE_ROOM_TAKEN) == 0 && large_room_pages(*room) > length) {
            longest = room;
            length = large_room_pages(*room);
        }
    }
    return longest != NULL ? settle_in(context, longest, pages, LARGE_ROOM_EARLY) : NULL;
}

/* Into an idle room that is long, but not too long. */
static void *settle_later(preload_context_t *context, size_t pages)
{
    uint64_t *longest = NULL;
    uint64_t length = pages - 1;
    for (unsigned i = 1; i < LARGE_ROOM_COUNT; i++) {
        uint64_t *const room = &context->large.rooms[i];
        if ((*room & LARGE_ROOM_TAKEN) == 0 && large_room_pages(*room) > length &&
            large_room_pages(*room) <= pages * LATER_TIMES_MAX) {
            longest = room;
            length = large_room_pages(*room);
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
    if (LIKELY(large_room_is_sure())) {
        void *const block = settle_early(context, pages);
        if (LIKELY(block != NULL)) {
            return block;
        }
    }
    return settle_first(context, pages);
}

bool large_room_is_resting(size_t pages)
{
    large_cache_t *const cache = &preload_context_current()->large;
    large_rest_t *const rest = pages > FIRST_PAGES / 2 ? &cache->rest_later : &cache->rest_first;
    if (LIKELY(rest->left == 0)) {
        return false;
    }
    rest->left--;
    return true;
}
