/*
 * A small world for the page tree: a map with holes, a tree over it, contexts that play CPUs, and the model beside
 * them.
 *
 * No memory is behind the pages unless the world is made of borrowed ones, so that it may lie anywhere below 16 TiB.
 * Each step does one operation to the tree and to the model, and expects that they agree.
 */
#ifndef TESTING_MODELS_PAGE_WORLD_H
#define TESTING_MODELS_PAGE_WORLD_H

#include "mm/pages/page_tree.h"
#include "testing/models/page_model.h"
#include "testing/property/property.h"

#define PAGE_WORLD_CONTEXTS 4u
#define PAGE_WORLD_RUN_MAX  256u

typedef struct page_world_run {
    uint64_t first;
    uint64_t count;
} page_world_run_t;

typedef struct page_world {
    property_run_t *run;
    memory_map_t map;
    page_tree_t tree;
    page_context_t contexts[PAGE_WORLD_CONTEXTS];
    page_model_t model;
    page_world_run_t runs[PAGE_WORLD_RUN_MAX]; /* what is handed out */
    size_t run_count;
    uint64_t metadata_left; /* pages that the simulated source of metadata still gives */
    void *borrowed;         /* NULL, or the pages of the kernel's own allocator that the world is made of */
} page_world_t;

/* Makes an empty world over `count` pages from `first` on; the map and tree are still to be made. */
page_world_t *page_world_new(property_run_t *run, uint64_t first, uint64_t count);

/*
 * The same over `count` pages borrowed from pages_alloc(), which go back when the property is over: the tree's metadata
 * lies in them.
 */
page_world_t *page_world_new_borrowed(property_run_t *run, uint64_t count);

/* Adds whole pages to the map, relative to the window. */
void page_world_add(page_world_t *world, uint64_t first, uint64_t count, memory_region_type_t type);

/* Draws a map: most of the window, with holes, reserved and bad stretches. */
void page_world_draw_map(page_world_t *world);

/* Finishes the map, and makes the model and the tree. */
MUST_USE status_t page_world_start(page_world_t *world, uint64_t reserve_pages);

/*
 * One request: true, and the run noted in world->runs, when it was met. Expects what came to be allowed, and refusals
 * to be right.
 */
bool page_world_alloc(page_world_t *world, page_context_t *context, const pages_request_t *request);

/* Frees the part [offset, offset + count) of a run that is handed out. */
void page_world_free(page_world_t *world, page_context_t *context, size_t index, uint64_t offset, uint64_t count);

/* Frees everything. */
void page_world_free_all(page_world_t *world);

/* Expects that a free of these pages stops with the message that the model asks for. */
void page_world_misuse(page_world_t *world, uint64_t first, uint64_t count);

/* Takes pages out of service and expects the model's answer. */
void page_world_mark_invalid(page_world_t *world, uint64_t first, uint64_t count);

/* Draws and does one operation of any kind. */
void page_world_step(page_world_t *world);

/* Expects the invariants, the statistics and, if so asked, the state of every page to agree with the model. */
void page_world_expect_agreement(page_world_t *world, bool with_every_page);

#endif
