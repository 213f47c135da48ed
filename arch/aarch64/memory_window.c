/*
 * Maps what arch/boot.h promises to be readable: memory in a window.
 *
 * Memory only, and not the whole window: the CPU may read ahead anywhere where normal memory is mapped, which a device
 * would notice and a region of the secure world would answer with an error. So nodes of /reserved-memory with `no-map`
 * are left out to the page (Devicetree Specification, 3.5.4).
 */
#include "memory_window.h"

#include "arch/machine.h"
#include "arch/shared/devicetree_board.h"
#include "page_table.h"

/* A tree that cuts memory into more pieces than these is refused: looking for the next piece costs a walk of the tree. */
#define PIECES_MAX 256u

/* Entry `index` of the node's `reg`, or false after the last. Entries that make no sense are empty. */
static bool range_of(const devicetree_node_t *node, size_t index, devicetree_range_t *range)
{
    const status_t status = devicetree_reg(node, index, range);

    if (status == STATUS_OUT_OF_RANGE) {
        *range = (devicetree_range_t){0, 0};
    }
    return status == STATUS_OK || status == STATUS_OUT_OF_RANGE;
}

/* Pages from `start` on that may be mapped, below `end`: a run without a forbidden page in it. Empty if there are none. */
static devicetree_range_t next_piece(const devicetree_t *tree, uint64_t start, uint64_t end)
{
    devicetree_node_t node = devicetree_root(tree);

    while (start < end && devicetree_next_reserved(&node)) {
        devicetree_value_t value;
        devicetree_range_t range;
        if (!devicetree_property(&node, "no-map", &value)) {
            continue;
        }
        for (size_t index = 0; range_of(&node, index, &range); index++) {
            if (range.size == 0 || range.base >= end || range.base + (range.size - 1) < start) {
                continue;
            }
            const uint64_t forbidden_end =
                range.size >= end - range.base ? end : align_up(range.base + range.size, PAGE_SIZE);
            const uint64_t forbidden_start = align_down(range.base, PAGE_SIZE);
            if (forbidden_start <= start) {
                start = forbidden_end;
                node = devicetree_root(tree); /* regions before this one may begin here */
                break;
            }
            end = forbidden_start;
        }
    }
    return (devicetree_range_t){start, start < end ? end - start : 0};
}

/* Maps one bank, piece by piece. */
static status_t map_bank(const devicetree_t *tree, const boot_handoff_t *window, devicetree_range_t bank,
                         unsigned *pieces)
{
    const uint64_t window_end = window->window_end.value;

    if (bank.size == 0 || bank.base >= window_end) {
        return STATUS_OK;
    }
    const uint64_t end = align_down(bank.size < window_end - bank.base ? bank.base + bank.size : window_end, PAGE_SIZE);
    uint64_t start = align_up(bank.base, PAGE_SIZE);
    start = start > window->window_start.value ? start : window->window_start.value;

    while (start < end) {
        const devicetree_range_t piece = next_piece(tree, start, end);
        if (piece.size == 0) {
            break;
        }
        if (++*pieces > PIECES_MAX) {
            return STATUS_NO_MEMORY;
        }
        const status_t status =
            machine_map_memory(physical_address(piece.base), piece.size, page_table_early_page, NULL);
        if (status != STATUS_OK) {
            return status;
        }
        start = piece.base + piece.size;
    }
    return STATUS_OK;
}

status_t memory_window_map(const devicetree_t *tree, const boot_handoff_t *window)
{
    devicetree_node_t node = devicetree_root(tree);
    unsigned pieces = 0;

    while (devicetree_next_memory(&node)) {
        devicetree_range_t bank;
        for (size_t index = 0; range_of(&node, index, &bank); index++) {
            const status_t status = map_bank(tree, window, bank, &pieces);
            if (status != STATUS_OK) {
                return status;
            }
        }
    }
    return STATUS_OK;
}
