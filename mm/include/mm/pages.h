/*
 * Pages: the kernel's own page allocator, the one instance of the page tree (mm/pages/page_tree.h) that is fed by the
 * boot memory map.
 *
 * pages_alloc, pages_free and pages_mark_invalid are in arch/page_backend.h; this header adds what only this kernel's
 * own code asks for, and makes the first two straight lines in the caller where the compiler knows the count. Any CPU,
 * any context, unless said otherwise; nothing sleeps.
 */
#ifndef MM_PAGES_H
#define MM_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/page_backend.h"
#include "mm/memory_map.h"
#include "mm/page_state.h"

/* "free", "allocated", "invalid", "reserved". */
const char *page_state_name(page_state_t state);

/* How pages_alloc_with() should look for a run. All zero means what pages_alloc() does. */
typedef struct pages_request {
    size_t count;             /* pages in a row, at least 1 */
    size_t alignment;         /* in pages, a power of two; 0: natural for a power-of-two count up to 64, else 1 */
    bool is_zeroed;           /* the run is filled with zeros */
    bool may_use_reserve;     /* must not fail: may dip into the emergency reserve */
    physical_address_t limit; /* the whole run lies below this address; 0: anywhere */
} pages_request_t;

/* Returns a run, or NULL. `request` breaking a rule above also returns NULL. */
MUST_USE void *pages_alloc_with(const pages_request_t *request);

/*
 * One page for tables that will never go back, contents unspecified, or NULL: it is RESERVED from then on and no leak.
 */
MUST_USE void *pages_alloc_for_good(void);

/*
 * One consistent snapshot: total = free + allocated + invalid + reserved. All counts are pages unless the name says
 * else.
 */
typedef struct pages_stats {
    uint64_t pages_total;     /* pages in AVAILABLE memory at boot */
    uint64_t pages_free;      /* the emergency reserve and what CPUs have checked out but not handed out included */
    uint64_t pages_allocated; /* handed out, metadata not included */
    uint64_t pages_invalid;
    uint64_t pages_reserved;  /* taken by the allocator's own metadata */
    uint64_t pages_emergency; /* of the free pages, how many only a must-not-fail request gets */
    uint64_t metadata_bytes;  /* page tree, page words and their page tables: what the allocator took for itself */
    uint64_t runs_allocated;  /* successful requests ever */
    uint64_t runs_freed;      /* frees ever: a run may come back in parts, and so in more frees than one */
    uint64_t requests_failed;
    uint64_t pages_allocated_peak; /* sampled: a lower bound */
    uint64_t largest_free_run;     /* in pages; 0 when none: a lower bound within one 1 GiB region */
} pages_stats_t;

/* Takes the statistics. */
void pages_stats(pages_stats_t *stats);

/* The fields pages_allocated and pages_total of the statistics alone, which takes no search. */
uint64_t pages_count_allocated(void);
uint64_t pages_count_total(void);

/* The state of the page that holds physical `address`; PAGE_STATE_INVALID outside all memory. */
page_state_t pages_state(physical_address_t address);

/*
 * Builds the allocator over a finished map, which it keeps a pointer to (it must outlive the allocator). Boot CPU,
 * once. Metadata is made when memory is first touched, so that the time does not depend on how much there is. Returns
 * STATUS_NO_MEMORY when the map holds too little to start with and STATUS_NOT_READY when the map is not finished.
 */
MUST_USE status_t pages_init(const memory_map_t *map);

/*
 * From then on ordinary requests take memory below `address` only when there is none above: it is kept for requests
 * with a limit (DMA). At first requests are served from the lowest memory up, which is mapped from the start.
 */
void pages_spare_below(physical_address_t address);

/*
 * From then on pages are closed while they are free, so that an access to one faults at once (arch/memory_tags.h, which
 * checks them already). Every request takes the tree's lock then. Boot CPU, while there is no other, once.
 */
void pages_watch(void);
bool pages_are_watched(void);

/*
 * Puts back what one context, or every context, has checked out. The CPU of each is the caller, or idle, or stopped.
 */
struct allocation_context;
void pages_drain_context(struct allocation_context *context);
void pages_drain_contexts(void);

/*
 * Ends the allocator: returns how many pages are still allocated (leaked); 0 is a clean end. Other CPUs are stopped.
 * Requests fail from then on. There is no second beginning: page words and their tables stay where they are.
 */
uint64_t pages_shutdown(void);

/*
 * When a fault address lies in the window of page words, the pointer whose word was looked for is foreign: returns true
 * and the first byte of the page that was asked for.
 */
bool page_words_fault_address(uintptr_t fault_address, const void **page);

/*
 * NULL, or the name of the first broken invariant of the tree ("P3"). Walks all metadata; other CPUs may go on
 * allocating only if idle.
 */
const char *pages_validate(void);

#include "mm/pages_inline.h"

#endif
