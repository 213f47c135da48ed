/*
 * The page tree: all physical memory as sets of 64, down to single pages.
 *
 *   root         groups of 64 GiB        256 of them: 16 TiB
 *    '- group    64 regions of 1 GiB     L1
 *        '- region   64 chunks of 16 MiB     L2
 *            '- chunk    64 blocks of 256 KiB    L3
 *                '- block    64 pages, two bits each: page_block.h
 *
 * Nodes are made when memory below them is first needed, from the memory map; memory that nobody touched costs nothing.
 * A node, once made, stays, so that walking down needs no lock. page_tree.c holds the design: invariants and locking.
 *
 * Everything takes a tree and the calling CPU's context; mm/pages.h is the kernel's own tree. Nothing here touches the
 * memory that it manages, except for metadata, and a config can have that come from elsewhere: so a test can manage 16
 * TiB that are not there. Any CPU, any context, unless said otherwise.
 */
#ifndef MM_PAGES_PAGE_TREE_H
#define MM_PAGES_PAGE_TREE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/spinlock.h"
#include "mm/memory_map.h"
#include "mm/page_block.h"
#include "mm/page_context.h"
#include "mm/pages.h"
#include "mm/pages/page_inject.h"

#define PAGES_PER_BLOCK     64u
#define BLOCKS_PER_CHUNK    64u
#define CHUNKS_PER_REGION   64u
#define REGIONS_PER_GROUP   64u
#define BLOCK_SHIFT         6u  /* page number to block number */
#define CHUNK_BLOCK_SHIFT   6u  /* block number to chunk number, and so on up */
#define REGION_BLOCK_SHIFT  12u /* block number to region number */
#define GROUP_BLOCK_SHIFT   18u
#define PAGE_TREE_GROUP_MAX 256u
#define PAGE_TREE_PAGE_MAX  ((uint64_t)PAGE_TREE_GROUP_MAX << (GROUP_BLOCK_SHIFT + BLOCK_SHIFT))

/* Blocks that can be set aside for requests that must not fail. */
#define PAGE_RESERVE_BLOCK_MAX 16u

/*
 * What the words above the blocks say of the 64 things below them. Blocks that are checked out count as none of it, and
 * those of chunks that are lent don't, either.
 */
typedef enum page_plane {
    PAGE_PLANE_PARTLY,    /* has a block of which some pages are free, and some not */
    PAGE_PLANE_VACANT,    /* has a block of which all pages are free */
    PAGE_PLANE_WHOLE,     /* has nothing but such blocks */
    PAGE_PLANE_UNTOUCHED, /* has usable memory that no node has been made for */
    PAGE_PLANE_COUNT
} page_plane_t;

typedef struct page_chunk {
    page_block_t blocks[BLOCKS_PER_CHUNK]; /* by page_block_place() */
} page_chunk_t;

/*
 * Where in its chunk's array a block stands. Neighbours stand apart: blocks are checked out in their order, and CPUs
 * whose blocks' words share a cache line would pass it to and fro.
 */
static inline uint64_t page_block_place(uint64_t block)
{
    const uint64_t lines = sizeof(page_chunk_t) / CACHE_LINE_BYTES;
    const uint64_t index = block % BLOCKS_PER_CHUNK;
    return index % lines * (BLOCKS_PER_CHUNK / lines) + index / lines;
}

/* The states of wholes, beside PAGE_STATE_FREE and PAGE_STATE_ALLOCATED: page_wholes.c. */
#define PAGE_WHOLE_SPLIT PAGE_STATE_INVALID
#define PAGE_WHOLE_TAKEN PAGE_STATE_RESERVED

/*
 * The words over a chunk's blocks, and what else those who share the chunk look at, in a cache line apart from that of
 * any other chunk.
 */
typedef struct page_chunk_words {
    page_chunk_t *node;      /* the chunk */
    _Atomic uint64_t partly; /* split, in nobody's hands, and some pages are free: written by who guards the chunk */
    page_block_t wholes;     /* two bits for each block: page_wholes.c */
    page_context_t *_Atomic borrower; /* who has it, or NULL; meanwhile nothing of it shows in the planes */
    spinlock_t lock;                  /* guards it meanwhile */
} ALIGNED(CACHE_LINE_BYTES) page_chunk_words_t;

typedef struct page_region {
    uint64_t planes[PAGE_PLANE_COUNT];
    ALIGNED(CACHE_LINE_BYTES) page_chunk_words_t *_Atomic chunks[CHUNKS_PER_REGION];
} page_region_t;

typedef struct page_group {
    uint64_t planes[PAGE_PLANE_COUNT];
    ALIGNED(CACHE_LINE_BYTES) page_region_t *_Atomic regions[REGIONS_PER_GROUP];
} page_group_t;

/* Where nodes are carved from. */
typedef struct page_metadata {
    char *bump;       /* the next free byte of the page in use */
    size_t bump_left; /* bytes from there to the end of that page */
    char *rest;       /* the same of an earlier page, too small for the node that came then */
    size_t rest_left;
    void *spare;              /* one more page in hand: enough for a group, a region and a chunk */
    uint64_t pages;           /* taken ever, the page words' included */
    uint64_t pages_from_tree; /* of those, how many are RESERVED pages of this tree */
} page_metadata_t;

/* A source of pages for nodes; NULL when it is dry. */
typedef void *(*page_metadata_source_t)(void *argument);

/* Who closes pages to every access, and opens them. Any CPU, any context, with and without the tree's lock. */
typedef struct page_watch {
    void (*open)(void *first, size_t count);
    void (*close)(void *first, size_t count);
} page_watch_t;

typedef struct page_tree_config {
    const memory_map_t *map;                /* finished; must outlive the tree */
    page_metadata_source_t metadata_source; /* NULL: the tree's own pages, through physical_to_pointer() */
    void *metadata_argument;
    uint64_t reserve_pages; /* the emergency reserve, rounded up to blocks, at most PAGE_RESERVE_BLOCK_MAX of them */
} page_tree_config_t;

typedef struct page_tree {
    bool is_ready;
    const page_watch_t *watch; /* NULL: its free pages are open */
    page_tree_config_t config;
    uint64_t page_end; /* the first page above all usable memory */
    uint64_t
        ordinary_from; /* the first block that ordinary requests take while there is one: see page_tree_spare_below() */
    uint64_t pages_total;

    /* What changes while the tree is in use, apart from what does not: */
    ALIGNED(CACHE_LINE_BYTES) spinlock_t lock;
    uint64_t pages_retired; /* made INVALID since the start */
    /* The two sums of page_block_retire(): allocations and frees in the books, by nobody's hand. */
    page_counter_t claimed_by_retire;
    page_counter_t taken_by_retire;
    _Atomic uint64_t pages_allocated_peak;
    page_metadata_t metadata;
    page_gate_t gate;
    page_context_t *contexts; /* all that have been seen; the sums read them without the lock */
    uint32_t context_count;
    uint64_t reserve_blocks[PAGE_RESERVE_BLOCK_MAX];
    size_t reserve_count;
    uint64_t planes[PAGE_PLANE_COUNT][PAGE_TREE_GROUP_MAX / BITS_PER_WORD];
    ALIGNED(CACHE_LINE_BYTES) page_group_t *_Atomic groups[PAGE_TREE_GROUP_MAX];
} page_tree_t;

/*
 * Makes a tree over config->map. Takes as long for 16 TiB as for 16 MiB. Returns STATUS_NOT_READY when the map is not
 * finished and STATUS_NO_MEMORY when it, or the metadata source, holds too little to start with.
 */
MUST_USE status_t page_tree_init(page_tree_t *tree, const page_tree_config_t *config);

/* From then on ordinary requests take pages below `page` (of a whole block) only when there is none above. */
void page_tree_spare_below(page_tree_t *tree, page_number_t page);

/*
 * From then on the tree's free pages are closed: page_watch.c says how. The memory is there, behind
 * physical_to_pointer(), and no other CPU uses the tree meanwhile.
 */
void page_tree_watch(page_tree_t *tree, const page_watch_t *watch);

/*
 * Finds a run as `request` says (is_zeroed is left to the caller) and stores its first page. Returns false when there
 * is none or the request breaks a rule of pages_request_t.
 *
 * A run of up to 64 pages lies within one block. A longer one, or one aligned to more, starts at a block's first page
 * and consists of blocks that were entirely free and that no context has checked out; the rest of its last block stays
 * free.
 */
MUST_USE bool page_tree_alloc(page_tree_t *tree, page_context_t *context, const pages_request_t *request,
                              page_number_t *first);

/*
 * The slow path after page_context_take_wholes() and page_context_give_wholes(), in the chunk that the context has,
 * or had a moment ago. `gone` are blocks that a claim lost. Whether `count` blocks from block `index` of a recalled
 * chunk on may be kept: only if they can't be given up any more. `first` is any page of a chunk.
 */
void page_tree_give_up_wholes(page_tree_t *tree, page_context_t *context, uint64_t gone);
MUST_USE bool page_tree_keep_wholes(page_tree_t *tree, const page_context_t *context, uint64_t index, size_t count);
void page_tree_settle_wholes(page_tree_t *tree, page_number_t first);

/* Takes pages back, with the checks of pages_free(). A mistake stops the kernel, through base/check.h. */
void page_tree_free(page_tree_t *tree, page_context_t *context, page_number_t first, size_t count);

/*
 * pages_mark_invalid() for a tree. STATUS_NO_MEMORY: no room for the nodes that hold these pages; nothing is then
 * changed.
 */
MUST_USE status_t page_tree_mark_invalid(page_tree_t *tree, page_number_t first, size_t count);

/* Takes one page for metadata of others (page words and their tables). It is RESERVED from then on, for good. */
MUST_USE bool page_tree_alloc_metadata(page_tree_t *tree, page_number_t *page);

page_state_t page_tree_state(page_tree_t *tree, page_number_t page);

void page_tree_stats(page_tree_t *tree, pages_stats_t *stats);

/* Puts back what a context, or every context, has checked out. The CPU of each is the caller, or idle, or stopped. */
void page_tree_drain(page_tree_t *tree, page_context_t *context);
void page_tree_drain_all(page_tree_t *tree);

/* NULL, or the name of the first broken invariant ("P3"). No CPU uses the tree meanwhile. */
MUST_USE const char *page_tree_validate(page_tree_t *tree);

/*
 * Ends the tree: returns how many pages are still allocated. All contexts are as new, and every request fails from then
 * on.
 */
uint64_t page_tree_shutdown(page_tree_t *tree);

#endif
