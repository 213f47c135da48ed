/*
 * What the files of the page tree share, and nobody else needs. "Locked" in a comment: the caller holds the tree's
 * lock. "Guarded": the caller holds what guards the chunk, which is the chunk's lock while it is lent, and else the
 * tree's.
 *
 * Inside the tree memory is counted in blocks (page number / 64) and chunks (block number / 64); a range [from, to) is
 * of blocks unless it says pages.
 */
#ifndef MM_PAGES_PAGE_TREE_INTERNAL_H
#define MM_PAGES_PAGE_TREE_INTERNAL_H

#include "arch/inline.h"
#include "mm/pages/page_tree.h"

#define PAGES_PER_CHUNK ((uint64_t)PAGES_PER_BLOCK * BLOCKS_PER_CHUNK)
#define PAGE_NONE       UINT64_MAX

/* A range of pages. */
typedef struct page_span {
    uint64_t first;
    uint64_t end;
} page_span_t;

/* What a request comes down to. */
typedef struct page_search {
    uint64_t count;     /* pages */
    uint64_t alignment; /* pages, a power of two */
    uint64_t limit;     /* the run ends at or below this page */
    bool may_adopt;     /* the context may have the block besides that the run was found in */
    bool may_borrow;    /* and the chunk; only with the former */
} page_search_t;

/* ---- page_nodes.c: making nodes, and the memory they are made of ---- */

/* The next usable memory at or above page `first` and below `end`, by the map; false when there is none. */
MUST_USE bool page_map_next_usable(const page_tree_t *tree, uint64_t first, uint64_t end, page_span_t *span);

/* The state that the pages of a region begin with. */
page_state_t page_state_at_start(const memory_region_t *region);

/* Takes the first pages for nodes, at start. */
MUST_USE status_t page_nodes_start(page_tree_t *tree);

/* Locked. Makes the nodes that lead to `chunk`, as far as they are missing. False when there is no memory for them. */
MUST_USE bool page_nodes_make(page_tree_t *tree, uint64_t chunk);

/* Locked. Makes the first untouched chunk of [from, to); false when there is none, or no memory for its nodes. */
MUST_USE bool page_nodes_make_next(page_tree_t *tree, uint64_t from, uint64_t to);

/* Locked. Takes a page out of the touched memory for metadata: it becomes RESERVED. */
MUST_USE bool page_nodes_take_page(page_tree_t *tree, page_number_t *page);

/* ---- page_words_above.c: the words above the blocks ---- */

/* No lock needed. The node, or NULL where none has been made; any number is allowed. */
page_region_t *page_region_find(const page_tree_t *tree, uint64_t region);
page_chunk_t *page_chunk_find(const page_tree_t *tree, uint64_t chunk);
page_block_t *page_block_find(const page_tree_t *tree, uint64_t block);

/* The words of a chunk; NULL where none has been made. */
page_chunk_words_t *page_chunk_words(const page_tree_t *tree, uint64_t chunk);

/*
 * The blocks of a chunk that are free as wholes: that are there, and that others than its borrower may take (locked).
 */
uint64_t page_words_vacant(const page_chunk_words_t *words);
uint64_t page_chunk_vacant(const page_tree_t *tree, uint64_t chunk);

/* The blocks of a chunk that are partly free, and that others than its borrower may take (locked). */
uint64_t page_chunk_partly(const page_tree_t *tree, uint64_t chunk);

/* What the word above says of a word with these bits. */
bool page_plane_summary(page_plane_t plane, uint64_t word);

/* Guarded. Recomputes, from the truth, all that the words above say of blocks [from, to), which lie in one chunk. */
void page_words_settle(page_tree_t *tree, uint64_t from, uint64_t to);

/* Guarded. The same for what is above the chunk's own words; nothing, while it is lent. */
void page_words_settle_chunk(page_tree_t *tree, uint64_t chunk);

/* Locked. The same for a chunk that has just been lent, or taken back. */
void page_words_settle_lending(page_tree_t *tree, uint64_t chunk);

/* Locked. Passes on to the words above what the planes of a region say. */
void page_words_settle_region(page_tree_t *tree, uint64_t region);

/* Locked. The first block of [from, to) in PARTLY or VACANT; `to` when there is none. */
uint64_t page_words_next(const page_tree_t *tree, page_plane_t plane, uint64_t from, uint64_t to);

/*
 * Locked. The first untouched node at or above `chunk`: the range of chunks it stands for, one chunk, one region or one
 * group. False when there is none.
 */
MUST_USE bool page_words_next_untouched(const page_tree_t *tree, uint64_t chunk, uint64_t *first, uint64_t *end);

/* ---- page_wholes.c: blocks as wholes ---- */

/* Whether a block's own words tell of its pages; without the lock it may be split at any time. */
bool page_whole_is_split(const page_tree_t *tree, uint64_t block);

/*
 * Guarded. Makes the block's own words tell; its pages keep their states. Who goes on without claiming any settles it.
 */
void page_whole_split(page_tree_t *tree, uint64_t block);

/* Locked. The free pages of a block, whether it is split or not. */
uint64_t page_whole_free_word(const page_tree_t *tree, uint64_t block);

/* ---- page_borrow.c: the chunks that contexts borrow ---- */

/* No lock needed, and out of date at once without. Whether a context has the chunk, which has been made. */
bool page_chunk_is_lent(const page_tree_t *tree, uint64_t chunk);

/* Takes the lock that guards a chunk now, and lets go of it. For who holds neither. */
typedef struct page_guard {
    spinlock_t *lock;
    spinlock_hold_t hold;
} page_guard_t;
MUST_USE page_guard_t page_chunk_guard(page_tree_t *tree, uint64_t chunk);
void page_chunk_unguard(page_guard_t guard);

/*
 * Locked. Lends a chunk that nobody has to a context, unless it is of memory that is spared; for one too many the
 * context gives back the first. Gives back all that a context has. Takes back all.
 */
void page_chunk_borrow(page_tree_t *tree, page_context_t *context, uint64_t chunk);
bool page_chunks_return(page_tree_t *tree, page_context_t *context);
bool page_chunks_recall(page_tree_t *tree);

/*
 * Finds and takes a run of less than 64 pages in the chunks that the context has borrowed. The caller holds no lock.
 * May change the context's block, and its chunk.
 */
MUST_USE bool page_borrowed_run_take(page_tree_t *tree, page_context_t *context, const page_search_t *search,
                                     uint64_t *first);

/* ---- page_alloc.c, page_run.c, page_reserve.c: finding ---- */

/* Locked. Finds and takes a run; of up to 64 pages, and of more. */
MUST_USE bool page_small_run_take(page_tree_t *tree, const page_search_t *search, uint64_t from, uint64_t to,
                                  uint64_t *first);
MUST_USE bool page_long_run_take(page_tree_t *tree, const page_search_t *search, uint64_t from, uint64_t to,
                                 uint64_t *first);

/* The same in one block, whose node is `node`. Guarded, or in the block that the caller's context has checked out. */
MUST_USE bool page_block_run_take(page_block_t *node, uint64_t block, const page_search_t *search, uint64_t *first);

/*
 * Sets blocks aside at start; takes a run of up to 64 pages from them (locked); how many free pages they have (locked).
 */
void page_reserve_fill(page_tree_t *tree, uint64_t pages);
MUST_USE bool page_reserve_take(page_tree_t *tree, const page_search_t *search, uint64_t *first);
uint64_t page_reserve_free_pages(const page_tree_t *tree);

/*
 * Guarded. Marks a block as checked out, or puts it back; gives a context that has none a block that nobody has, and
 * back.
 */
void page_block_check_out(page_tree_t *tree, uint64_t block);
void page_block_check_in(page_tree_t *tree, uint64_t block);
void page_block_adopt(page_tree_t *tree, page_context_t *context, uint64_t block);
void page_block_leave(page_tree_t *tree, page_context_t *context);

/*
 * A run this short leaves room for more of its kind in its block: the context has that block from then on, so that the
 * next runs, and their frees, need no lock.
 */
#define PAGE_ADOPT_MAX (PAGES_PER_BLOCK / 4)

/* ---- page_context.c: contexts and the sums over them ---- */

/* Locked. Makes the tree remember a context. */
void page_context_list(page_tree_t *tree, page_context_t *context);

/* Locked. Puts back the block that a context has checked out, if any; and the chunk that it has borrowed, too. */
void page_context_check_in_block(page_tree_t *tree, page_context_t *context);
void page_context_check_in(page_tree_t *tree, page_context_t *context);

/* Locked. Who has a block checked out, or NULL; and which of its pages are INVALID, checked out or not. */
page_context_t *page_context_of_block(const page_tree_t *tree, const page_block_t *node);
uint64_t page_block_bad_pages(const page_tree_t *tree, const page_block_t *node);

/* No lock needed. How many pages are handed out. */
uint64_t page_tree_pages_allocated(const page_tree_t *tree);

/*
 * No lock needed. The peak is not below `allocated`; takes a sample of it, now and then, by the hand of a context that
 * is listed.
 */
void page_tree_raise_peak(page_tree_t *tree, uint64_t allocated);
void page_tree_sample_peak(page_tree_t *tree, page_context_t *context);

/* Counts what was freed on one of the longer ways. */
static inline void page_context_count_free(page_context_t *context, uint64_t count)
{
    if (count == 1) {
        page_counter_add(&context->singles_freed, 1);
    } else {
        page_counter_add(&context->longer_pages_freed, count);
        page_counter_add(&context->longer_runs_freed, 1);
    }
}

/*
 * Where users of the tree find the page: in the direct map, or, in a tree that keeps its metadata elsewhere because
 * there is no memory behind it, at the physical address itself.
 */
static inline uintptr_t page_tree_address(const page_tree_t *tree, page_number_t page)
{
    const physical_address_t address = physical_of_page(page);
    return tree->config.metadata_source == NULL ? (uintptr_t)physical_to_pointer(address) : (uintptr_t)address.value;
}

/* ---- page_watch.c: closing free pages of a tree that is watched ---- */

/* Opens a run that was just taken from the tree. */
void page_watch_taken(const page_tree_t *tree, page_number_t first, uint64_t count);

/* Closes a run that is allocated and about to be given back. */
void page_watch_given(const page_tree_t *tree, page_number_t first, uint64_t count);

/* Locked. Closes the free pages of a chunk that was just made. */
void page_watch_chunk(const page_tree_t *tree, uint64_t chunk);

/* ---- page_inject.c ---- */

/* Locked. Puts the gate where it is while nobody injects. */
void page_gate_rest(page_tree_t *tree);

/* Locked. Whether the request at hand is to be refused. */
MUST_USE bool page_gate_refuses(page_gate_t *gate);

#endif
