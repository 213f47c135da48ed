/*
 * Refusing requests on purpose, at a page tree: so tests walk every path that runs out of memory (3.10).
 *
 * While a gate is armed, no context checks a block out: each request takes the slow path, which asks the gate. So the
 * fast path pays nothing for it. The kernel's own tree is held open by its gate while mm/inject.h decides; a private
 * tree's gate decides by itself.
 * A tree that is watched (page_watch.c) has its gate armed for good.
 */
#ifndef MM_PAGES_PAGE_INJECT_H
#define MM_PAGES_PAGE_INJECT_H

#include <stdbool.h>
#include <stdint.h>

struct page_tree;
struct page_context;

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

/*
 * Arms a gate that lets everything through, or disarms it: what `own`, the calling context, has checked out goes back
 * at once, what others have when it is used up.
 */
void page_tree_inject_hold(struct page_tree *tree, struct page_context *own, bool is_armed);

/* The same for the kernel's own tree; mm/inject_arm.c calls it. */
void pages_inject_hold(bool is_armed);

/*
 * A rule of mm/inject.h for page requests alone, whoever makes them: lets `passes` of them through, refuses the next
 * `refusals`, then lets all through. The end tells how many there were.
 */
void pages_inject(uint64_t passes, uint64_t refusals);
uint64_t pages_inject_end(uint64_t *refused);

#endif
