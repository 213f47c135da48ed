/*
 * The failure sweep: a scenario is done again and again while its 1st allocation is refused, then its 2nd, and so on,
 * until it goes through untouched (3.10).
 *
 * Each time, either the scenario says STATUS_NO_MEMORY and nothing of it is left, or it went through all the same, by
 * a second try of the allocator's, and undo() then leaves nothing. "Nothing" is the books: pages handed out, live
 * objects, large blocks and caches are as many as before. Pages and objects count alike, in the order in which they
 * are asked for. All of it is done twice: with one allocation refused, and with all from there on.
 *
 * A new scenario is a table row: see testing/README.md. Other CPUs are idle meanwhile.
 */
#ifndef TESTING_MODELS_FAILURE_SWEEP_H
#define TESTING_MODELS_FAILURE_SWEEP_H

#include "testing/property/property.h"

typedef struct failure_scenario {
    /* Does it. STATUS_OK, or what it failed with, everything undone. Draws nothing: each time it must do the same. */
    status_t (*act)(property_run_t *run, void *context);
    /* Takes back what act() did when it said STATUS_OK. */
    void (*undo)(property_run_t *run, void *context);
    /* Looks at the state after a failure, which must be that of before; NULL: the books are all there is. */
    void (*expect_as_before)(property_run_t *run, void *context);
} failure_scenario_t;

/* Sweeps. Returns how many allocations the untouched scenario makes. */
uint64_t failure_sweep(property_run_t *run, const failure_scenario_t *scenario, void *context);

/* The books, for properties that keep their own order. */
typedef struct failure_books {
    uint64_t pages;
    uint64_t objects;
    uint64_t large_blocks;
    uint64_t caches;
} failure_books_t;

void failure_books_take(failure_books_t *books);
void failure_books_expect(property_run_t *run, const failure_books_t *before);

#endif
