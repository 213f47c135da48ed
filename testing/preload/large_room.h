/*
 * Room to grow: free pages behind blocks that realloc made longer.
 *
 *   | block: its pages, and its size, are in its first page's word | room: nobody's but the context's |
 *
 * A thread remembers up to five of them. A block that grows takes pages from the room that begins where it ends; one that
 * shrinks, or is freed by the thread that made it grow, gives them back to it: so a buffer that is grown and freed again
 * and again has all the room that it ever needed. A room is a part of the thread's cache, counted and flushed with its
 * runs. Its pages are not the block's: what somebody does to a block that came to another thread concerns no room, and
 * a room can go at any moment.
 */
#ifndef TESTING_PRELOAD_LARGE_ROOM_H
#define TESTING_PRELOAD_LARGE_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "testing/preload/large.h"

/*
 * Returns a run of `pages` pages that will probably grow, with room behind it if there is some; NULL when memory is out.
 * Its word is not set.
 */
MUST_USE void *large_room_settle(size_t pages);

/*
 * Adds to the block at `block` of `have` pages the pages behind it: as many as make it `*pages` long, or fewer, but at
 * least `least`. Returns false, with nothing changed, when there is no such room; the block's word is the caller's to set.
 */
MUST_USE bool large_room_extend(void *block, size_t have, size_t least, size_t *pages);

/*
 * Gives the last pages of a block, or the whole block, [`from`, `end`), to the room that begins where they end. False,
 * with nothing changed, when there is none or it may not have more.
 */
MUST_USE bool large_room_return(void *from, void *end, bool is_whole);

/* Gives rooms to the tree until the cache has no more than `keep` pages. The caller has entered a context. */
void large_room_flush(large_cache_t *cache, uint64_t keep);

#endif
