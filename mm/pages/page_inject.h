/*
 * Refusing requests on purpose, so that tests can walk every path that runs out of memory (3.10).
 *
 * While a gate is armed, no context has a block checked out: each request takes the slow path, which asks the gate. So
 * the fast path pays nothing for it.
 */
#ifndef MM_PAGES_PAGE_INJECT_H
#define MM_PAGES_PAGE_INJECT_H

#include <stdbool.h>
#include <stdint.h>

struct page_tree;

typedef struct page_gate {
    bool is_armed;
    uint64_t passes;   /* requests still to let through */
    uint64_t refusals; /* requests to refuse after those */
    uint64_t refused;  /* how many were */
    uint64_t seen;     /* requests that came while armed */
} page_gate_t;

/*
 * Lets `passes` requests through, refuses the next `refusals` (UINT64_MAX: all), then lets all through. Other CPUs are
 * idle.
 */
void page_tree_inject(struct page_tree *tree, uint64_t passes, uint64_t refusals);

/* Disarms the gate and returns how many requests it saw and, in *refused (may be NULL), how many it refused. */
uint64_t page_tree_inject_end(struct page_tree *tree, uint64_t *refused);

/* The same for the kernel's own tree. */
void pages_inject(uint64_t passes, uint64_t refusals);
uint64_t pages_inject_end(uint64_t *refused);

#endif
