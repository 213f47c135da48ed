/*
 * Safe lists: ranges that never overlap, in order of address, found in O(log n).
 *
 * Safe under concurrent use, because the list and its lock are one thing: every function below but init and lock is
 * called by the holder of the list's lock (debug builds check that somebody holds it), and what a function returns
 * may be used until the lock is let go. The list never allocates and never frees: an element embeds its node, comes
 * from its owner's typed cache, and is the owner's again when it has been removed. So a lock is held for O(log n)
 * steps, and nothing waits for memory under it.
 *
 * The structure is a height-balanced tree (Adelson-Velsky and Landis, 1962; Knuth, TAOCP 3, 6.2.3): n ranges are at
 * most 1.45 log2(n + 2) deep. Each node also knows the extent of its subtree and the largest gap inside, so that the
 * first gap of a size is found in O(log n), too.
 *
 * Invariants
 *   L1  in order of the tree, each range is not empty, and starts at or behind the end of the one before
 *   L2  a node's children name it as their parent; the root has none
 *   L3  a node's height is one more than the greater of its children's, which differ by one at most
 *   L4  first, last and gap are those of the subtree
 *   L5  count is the number of nodes
 */
#ifndef MM_STRUCTURES_SAFE_LIST_H
#define MM_STRUCTURES_SAFE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/spinlock.h"

typedef struct safe_list_node {
    uint64_t start; /* the list's: changed by safe_list_resize() only */
    uint64_t end;
    struct safe_list_node *parent;
    struct safe_list_node *children[2]; /* what lies below, what lies above */
    uint64_t first;                     /* start of the subtree's lowest range */
    uint64_t last;                      /* end of its highest one */
    uint64_t gap;                       /* the largest distance between neighbours in it */
    uint32_t height;                    /* of a leaf: 1 */
} safe_list_node_t;

typedef struct safe_list {
    spinlock_t lock;
    safe_list_node_t *root;
    uint64_t count;
    uint64_t steps; /* nodes looked at, ever: what a test of O(log n) reads */
} safe_list_t;

/* Makes an empty list whose lock has this rank. */
void safe_list_init(safe_list_t *list, lock_rank_t rank);

MUST_USE static inline spinlock_hold_t safe_list_lock(safe_list_t *list)
{
    return spinlock_lock(&list->lock);
}

static inline void safe_list_unlock(safe_list_t *list, spinlock_hold_t hold)
{
    spinlock_unlock(&list->lock, hold);
}

/* The range that holds `address`, or NULL. */
safe_list_node_t *safe_list_find(safe_list_t *list, uint64_t address);

/* The lowest range that ends behind `address`: it holds the address or is the next one above. NULL when none is. */
safe_list_node_t *safe_list_find_from(safe_list_t *list, uint64_t address);

/* The highest range that starts below `address`: it holds the address or is the next one below. NULL when none is. */
safe_list_node_t *safe_list_find_before(safe_list_t *list, uint64_t address);

/* The neighbours; NULL at the ends. */
safe_list_node_t *safe_list_next(safe_list_t *list, const safe_list_node_t *node);
safe_list_node_t *safe_list_previous(safe_list_t *list, const safe_list_node_t *node);

/* Whether no range has a part in [start, end). */
bool safe_list_is_free(safe_list_t *list, uint64_t start, uint64_t end);

/*
 * Puts [start, end) into the list, as `node`, which is in none. Returns false, with nothing changed, when the range is
 * empty or part of it is taken.
 */
MUST_USE bool safe_list_insert(safe_list_t *list, safe_list_node_t *node, uint64_t start, uint64_t end);

/* Takes `node` out of the list that it is in. */
void safe_list_remove(safe_list_t *list, safe_list_node_t *node);

/*
 * Gives `node` another start and end, between its neighbours. Returns false, with nothing changed, when the new range
 * is empty or reaches into one.
 */
MUST_USE bool safe_list_resize(safe_list_t *list, safe_list_node_t *node, uint64_t start, uint64_t end);

/*
 * Finds the lowest place for `size` bytes (not 0) within [low, high) that no range has a part in. Returns false when
 * there is none.
 */
MUST_USE bool safe_list_first_fit(safe_list_t *list, uint64_t low, uint64_t high, uint64_t size, uint64_t *place);

/* NULL, or the first broken invariant. */
const char *safe_list_validate(const safe_list_t *list);

#endif
