/*
 * A naive model of the page allocator: one byte a page, over a window of page numbers, searched from end to end.
 *
 * Pages outside the window are no memory. It knows states and where a run could be; it does not know which run the real
 * allocator prefers: a suite tells it what the allocator did, and the model says whether that was allowed.
 */
#ifndef TESTING_MODELS_PAGE_MODEL_H
#define TESTING_MODELS_PAGE_MODEL_H

#include "mm/memory_map.h"
#include "mm/pages.h"

typedef struct page_model {
    uint64_t first;  /* of the window */
    uint64_t count;  /* pages in it */
    uint8_t *states; /* page_state_t of each */
    bool *is_usable; /* as the map said at the start */
} page_model_t;

/* A run as a request would have it. */
typedef struct page_model_search {
    uint64_t count;
    uint64_t alignment;
    uint64_t limit; /* the run ends at or below this page */
} page_model_search_t;

/*
 * Starts with what the inputs of a map say: all pages invalid, then, input by input, the strictest wins. Inputs are
 * whole pages.
 */
void page_model_init(page_model_t *model, const memory_map_t *map);

page_state_t page_model_state(const page_model_t *model, uint64_t page);

/* Puts the pages of a run into a state. They lie in the window. */
void page_model_set(page_model_t *model, uint64_t first, uint64_t count, page_state_t state);

/* Whether all pages of a run are in a state. */
bool page_model_all(const page_model_t *model, uint64_t first, uint64_t count, page_state_t state);

/* How many usable pages are in a state. */
uint64_t page_model_count(const page_model_t *model, page_state_t state);

/*
 * Whether the tree would have to find such a run (page_tree_alloc says where runs lie), if the blocks for which
 * is_out_of_reach(argument, block) holds were not there.
 */
bool page_model_has_run(const page_model_t *model, const page_model_search_t *search,
                        bool (*is_out_of_reach)(void *argument, uint64_t block), void *argument);

/* The message with which freeing these pages must stop; NULL when it must not. */
const char *page_model_misuse(const page_model_t *model, const memory_map_t *map, uint64_t first, uint64_t count);

#endif
