/*
 * The tree behind a safe list: see safe_list.h.
 *
 * A change touches one node, and then everything above it: fix_upward() recomputes what each node knows of its
 * subtree and turns the subtree where it leans by two. So insertion, removal and resizing are a search, a few
 * pointers, and one walk to the root.
 */
#include "mm/structures/safe_list.h"

#include "base/check.h"

enum { BELOW = 0, ABOVE = 1 };

void safe_list_init(safe_list_t *list, lock_rank_t rank)
{
    *list = (safe_list_t){.root = NULL};
    spinlock_init(&list->lock, rank);
}

/* ---- what a node knows of its subtree ---- */

static uint32_t height_of(const safe_list_node_t *node)
{
    return node == NULL ? 0 : node->height;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a < b ? b : a;
}

static void update(safe_list_node_t *node)
{
    const safe_list_node_t *const below = node->children[BELOW];
    const safe_list_node_t *const above = node->children[ABOVE];
    node->first = node->start;
    node->last = node->end;
    node->gap = 0;
    if (below != NULL) {
        node->first = below->first;
        node->gap = larger(below->gap, node->start - below->last);
    }
    if (above != NULL) {
        node->last = above->last;
        node->gap = larger(node->gap, larger(above->gap, above->first - node->end));
    }
    const uint32_t height_below = height_of(below);
    const uint32_t height_above = height_of(above);
    node->height = 1 + (height_below > height_above ? height_below : height_above);
}

/* ---- pointers ---- */

/* Puts `node` (or nothing) where `old` hangs. */
static void replace(safe_list_t *list, const safe_list_node_t *old, safe_list_node_t *node)
{
    safe_list_node_t *const parent = old->parent;
    if (parent == NULL) {
        list->root = node;
    } else {
        parent->children[parent->children[ABOVE] == old] = node;
    }
    if (node != NULL) {
        node->parent = parent;
    }
}

static void adopt(safe_list_node_t *parent, unsigned side, safe_list_node_t *child)
{
    parent->children[side] = child;
    if (child != NULL) {
        child->parent = parent;
    }
}

/* Lifts the child on `side` above its parent, which becomes its child on the other side. Returns the new top. */
static safe_list_node_t *rotate(safe_list_t *list, safe_list_node_t *node, unsigned side)
{
    safe_list_node_t *const top = node->children[side];
    replace(list, node, top);
    adopt(node, side, top->children[!side]);
    adopt(top, !side, node);
    update(node);
    update(top);
    return top;
}

/* Makes all right from `node` (or nothing) up to the root. */
static void fix_upward(safe_list_t *list, safe_list_node_t *node)
{
    while (node != NULL) {
        list->steps++;
        const uint32_t below = height_of(node->children[BELOW]);
        const uint32_t above = height_of(node->children[ABOVE]);
        if (below > above + 1 || above > below + 1) {
            const unsigned side = above > below;
            safe_list_node_t *const child = node->children[side];
            if (height_of(child->children[!side]) > height_of(child->children[side])) {
                (void)rotate(list, child, !side);
            }
            node = rotate(list, node, side);
        } else {
            update(node);
        }
        node = node->parent;
    }
}

/* ---- finding ---- */

safe_list_node_t *safe_list_find_from(safe_list_t *list, uint64_t address)
{
    DEBUG_CHECK(spinlock_is_held(&list->lock));
    safe_list_node_t *found = NULL;
    for (safe_list_node_t *node = list->root; node != NULL;) {
        list->steps++;
        if (node->end > address) {
            found = node;
            if (node->start <= address) {
                break;
            }
            node = node->children[BELOW];
        } else {
            node = node->children[ABOVE];
        }
    }
    return found;
}

safe_list_node_t *safe_list_find(safe_list_t *list, uint64_t address)
{
    safe_list_node_t *const node = safe_list_find_from(list, address);
    return node != NULL && node->start <= address ? node : NULL;
}

safe_list_node_t *safe_list_find_before(safe_list_t *list, uint64_t address)
{
    DEBUG_CHECK(spinlock_is_held(&list->lock));
    safe_list_node_t *found = NULL;
    for (safe_list_node_t *node = list->root; node != NULL;) {
        list->steps++;
        if (node->start < address) {
            found = node;
        }
        node = node->children[node->start < address ? ABOVE : BELOW];
    }
    return found;
}

/* The neighbour on `side`. */
static safe_list_node_t *neighbour(safe_list_t *list, const safe_list_node_t *node, unsigned side)
{
    safe_list_node_t *next = node->children[side];
    list->steps++;
    if (next != NULL) {
        while (next->children[!side] != NULL) {
            list->steps++;
            next = next->children[!side];
        }
        return next;
    }
    for (next = node->parent; next != NULL && next->children[side] == node; next = next->parent) {
        list->steps++;
        node = next;
    }
    return next;
}

safe_list_node_t *safe_list_next(safe_list_t *list, const safe_list_node_t *node)
{
    DEBUG_CHECK(spinlock_is_held(&list->lock));
    return neighbour(list, node, ABOVE);
}

safe_list_node_t *safe_list_previous(safe_list_t *list, const safe_list_node_t *node)
{
    DEBUG_CHECK(spinlock_is_held(&list->lock));
    return neighbour(list, node, BELOW);
}

bool safe_list_is_free(safe_list_t *list, uint64_t start, uint64_t end)
{
    const safe_list_node_t *const node = safe_list_find_from(list, start);
    return node == NULL || node->start >= end;
}

/* ---- changing ---- */

bool safe_list_insert(safe_list_t *list, safe_list_node_t *node, uint64_t start, uint64_t end)
{
    DEBUG_CHECK(spinlock_is_held(&list->lock));
    if (start >= end) {
        return false;
    }
    safe_list_node_t *parent = NULL;
    unsigned side = BELOW;
    for (safe_list_node_t *at = list->root; at != NULL; at = at->children[side]) {
        list->steps++;
        if (start < at->end && end > at->start) {
            return false;
        }
        parent = at;
        side = start >= at->end;
    }
    *node = (safe_list_node_t){.start = start, .end = end, .parent = parent};
    update(node);
    if (parent == NULL) {
        list->root = node;
    } else {
        parent->children[side] = node;
    }
    list->count++;
    fix_upward(list, parent);
    return true;
}

void safe_list_remove(safe_list_t *list, safe_list_node_t *node)
{
    DEBUG_CHECK(spinlock_is_held(&list->lock));
    safe_list_node_t *lowest_changed;
    if (node->children[BELOW] == NULL || node->children[ABOVE] == NULL) {
        lowest_changed = node->parent;
        replace(list, node, node->children[node->children[BELOW] == NULL ? ABOVE : BELOW]);
    } else {
        /* The next range has no child below: it leaves its place, and takes the node's. */
        safe_list_node_t *const next = neighbour(list, node, ABOVE);
        lowest_changed = next->parent == node ? next : next->parent;
        replace(list, next, next->children[ABOVE]);
        adopt(next, BELOW, node->children[BELOW]);
        adopt(next, ABOVE, node->children[ABOVE]);
        replace(list, node, next);
    }
    list->count--;
    fix_upward(list, lowest_changed);
}

bool safe_list_resize(safe_list_t *list, safe_list_node_t *node, uint64_t start, uint64_t end)
{
    const safe_list_node_t *const previous = safe_list_previous(list, node);
    const safe_list_node_t *const next = safe_list_next(list, node);
    if (start >= end || (previous != NULL && previous->end > start) || (next != NULL && next->start < end)) {
        return false;
    }
    node->start = start;
    node->end = end;
    fix_upward(list, node);
    return true;
}

/* ---- gaps ---- */

/* The lowest gap of `size` within the subtree of `node`, which has one. */
static uint64_t gap_inside(safe_list_t *list, const safe_list_node_t *node, uint64_t size)
{
    for (;;) {
        const safe_list_node_t *const below = node->children[BELOW];
        const safe_list_node_t *const above = node->children[ABOVE];
        list->steps++;
        if (below != NULL && below->gap >= size) {
            node = below;
        } else if (below != NULL && node->start - below->last >= size) {
            return below->last;
        } else if (above->first - node->end >= size) {
            return node->end;
        } else {
            node = above;
        }
    }
}

/*
 * The lowest gap of `size` behind `node`: between it and what is above it in its subtree; in that; then the same from
 * each parent that lies above. The last gap, behind all ranges, has no end.
 */
static uint64_t gap_behind(safe_list_t *list, const safe_list_node_t *node, uint64_t size)
{
    for (;;) {
        const safe_list_node_t *const above = node->children[ABOVE];
        list->steps++;
        if (above != NULL && above->first - node->end >= size) {
            return node->end;
        }
        if (above != NULL && above->gap >= size) {
            return gap_inside(list, above, size);
        }
        const uint64_t last = above == NULL ? node->end : above->last;
        const safe_list_node_t *parent = node->parent;
        while (parent != NULL && parent->children[ABOVE] == node) {
            list->steps++;
            node = parent;
            parent = node->parent;
        }
        if (parent == NULL || parent->start - last >= size) {
            return last;
        }
        node = parent;
    }
}

bool safe_list_first_fit(safe_list_t *list, uint64_t low, uint64_t high, uint64_t size, uint64_t *place)
{
    if (high < low || high - low < size) {
        return false;
    }
    const safe_list_node_t *const first = safe_list_find_from(list, low);
    const bool fits_before = first == NULL || (first->start >= low && first->start - low >= size);
    const uint64_t found = fits_before ? low : gap_behind(list, first, size);
    if (found > high - size) {
        return false;
    }
    *place = found;
    return true;
}

/* ---- validation ---- */

static const char *validate_node(const safe_list_t *list, const safe_list_node_t *node)
{
    const safe_list_node_t *const parent = node->parent;
    if (parent == NULL ? list->root != node : parent->children[BELOW] != node && parent->children[ABOVE] != node) {
        return "L2";
    }
    safe_list_node_t copy = *node;
    update(&copy);
    const uint32_t below = height_of(node->children[BELOW]);
    const uint32_t above = height_of(node->children[ABOVE]);
    if (copy.height != node->height || below > above + 1 || above > below + 1) {
        return "L3";
    }
    return copy.first != node->first || copy.last != node->last || copy.gap != node->gap ? "L4" : NULL;
}

const char *safe_list_validate(const safe_list_t *list)
{
    safe_list_t walker = {.root = list->root}; /* counts the steps of the walk, which are not the list's */
    uint64_t count = 0;
    uint64_t end = 0;
    const safe_list_node_t *node = list->root;
    while (node != NULL && node->children[BELOW] != NULL) {
        node = node->children[BELOW];
    }
    for (; node != NULL && count <= list->count; node = neighbour(&walker, node, ABOVE)) {
        if (node->start >= node->end || (count != 0 && node->start < end)) {
            return "L1";
        }
        const char *const broken = validate_node(list, node);
        if (broken != NULL) {
            return broken;
        }
        end = node->end;
        count++;
    }
    return count == list->count ? NULL : "L5";
}
