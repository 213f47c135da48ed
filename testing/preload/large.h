/*
 * Blocks over 4096 bytes: runs of pages, whose length is in the first page's word (mm/slab/page_code.h).
 *
 * Runs have one of 64 lengths, eight for each doubling, up to 4 MiB; longer ones have as many pages as they need. A
 * thread keeps some that it freed, by length: one comes out of a cache, or goes into one, without a lock. A request
 * that finds none of its length takes one that is at most three eighths longer.
 *
 * A kept run is no live block: its first page's word says so, so that a double free is noticed. Nothing is written
 * into it. The words of a run's other pages say whatever they said before, but never that something live starts
 * there.
 */
#ifndef TESTING_PRELOAD_LARGE_H
#define TESTING_PRELOAD_LARGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/units.h"

#define LARGE_BIN_COUNT 64u
#define LARGE_BIN_DEPTH 31u

/* Rooms to grow that a thread has: large_room.h. */
#define LARGE_ROOM_COUNT 5u

typedef struct large_bin {
    uint64_t count;
    void *runs[LARGE_BIN_DEPTH];
} large_bin_t;

/* How long rooms to grow are not worth their while: large_room.c. */
typedef struct large_rest {
    uint16_t length;
    uint16_t left;
} large_rest_t;

/* What one thread keeps. All zero is an empty one. */
typedef struct large_cache {
    uint64_t pages;     /* in all bins and rooms */
    uint64_t pages_max; /* no more than so many: the more contexts there are, the fewer */
    uint64_t filled;    /* bit i: bin i may have a run; a clear one has none */
    uint64_t rooms[LARGE_ROOM_COUNT];
    large_rest_t rest_first;
    large_rest_t rest_later;
    uint32_t outgrown;  /* blocks in a row that were long when they left the first room */
    uint8_t sure_shift; /* how often it was wrong to rely on that: each time it takes twice as many */
    bool has_rooms;     /* some room is not zero */
    uint32_t room_turn; /* whose turn it is to be given up */
    uint32_t flush_bin; /* where the next flush begins */
    large_bin_t bins[LARGE_BIN_COUNT];
} large_cache_t;

struct preload_context;

/*
 * Returns a block of at least `size` bytes, which is over 4096, at a multiple of `alignment`, a power of two; NULL when
 * memory is out. Sets *is_zeroed if the block has never been written to.
 */
MUST_USE void *large_alloc(size_t size, size_t alignment, bool *is_zeroed);

/* Takes back the block at `pointer`, whose page's word is `word`, with the code of large blocks. */
void large_free(void *pointer, uint64_t word);

/* The size of the live block at `pointer`, whose page's word is `word`; stops the program if none starts there. */
MUST_USE size_t large_size(const void *pointer, uint64_t word);

/*
 * Returns a block of at least `size` bytes, which is over 2048, that will probably grow; NULL when memory is out.
 * What it can grow by is not in its size.
 */
MUST_USE void *large_alloc_to_grow(size_t size);

/*
 * Makes the live block at `pointer`, whose page's word is `word`, one of `size` bytes, over 4096, without a copy:
 * where it is, or by moving its pages to other addresses. Returns NULL, with nothing changed, when that can't be
 * done, or is no good idea; never for a size that the block has.
 */
MUST_USE void *large_resize(void *pointer, uint64_t word, size_t size);

/* Says how much a cache may keep when there are `contexts` of them. */
void large_cache_limit(large_cache_t *cache, uint32_t contexts);

/* Gives back all that a context keeps. The caller may touch the context, and has entered one. */
void large_flush(struct preload_context *context);

#endif
