/*
 * The gate at which tests refuse requests: see page_inject.h.
 */
#include "mm/pages/page_inject.h"

#include "mm/pages/page_tree_internal.h"

bool page_gate_refuses(page_gate_t *gate)
{
    if (!gate->is_armed) {
        return false;
    }
    gate->seen++;
    if (gate->passes > 0) {
        gate->passes--;
        return false;
    }
    if (gate->refusals == 0) {
        return false;
    }
    if (gate->refusals != UINT64_MAX) {
        gate->refusals--;
    }
    gate->refused++;
    return true;
}

void page_gate_rest(page_tree_t *tree)
{
    tree->gate = (page_gate_t){.is_armed = tree->watch != NULL, .passes = UINT64_MAX};
}

void page_tree_inject(page_tree_t *tree, uint64_t passes, uint64_t refusals)
{
    page_tree_drain_all(tree);
    const spinlock_hold_t hold = spinlock_lock(&tree->lock);
    tree->gate = (page_gate_t){.is_armed = true, .passes = passes, .refusals = refusals};
    spinlock_unlock(&tree->lock, hold);
}

uint64_t page_tree_inject_end(page_tree_t *tree, uint64_t *refused)
{
    const spinlock_hold_t hold = spinlock_lock(&tree->lock);
    const page_gate_t gate = tree->gate;
    page_gate_rest(tree);
    spinlock_unlock(&tree->lock, hold);
    if (refused != NULL) {
        *refused = gate.refused;
    }
    return gate.seen;
}

void page_tree_inject_hold(page_tree_t *tree, page_context_t *own, bool is_armed)
{
    const spinlock_hold_t hold = spinlock_lock(&tree->lock);
    page_gate_rest(tree);
    if (is_armed) {
        tree->gate.is_armed = true;
        (void)page_chunks_recall(tree);
        page_context_check_in(tree, own);
    }
    spinlock_unlock(&tree->lock, hold);
}
