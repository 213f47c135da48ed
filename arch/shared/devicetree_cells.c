/*
 * Numbers of several cells, and addresses through the buses above a device (Devicetree Specification v0.4, sections
 * 2.3.5 to 2.3.8).
 *
 *   reg      (address, size) ...                              cells as the parent says for its children
 *   ranges   (address inside, address outside, length) ...    of a bus: cells of the bus, of its parent, of the bus
 *            empty: the same addresses inside and outside
 */
#include "devicetree.h"
#include "devicetree_bytes.h"

bool devicetree_value_number(devicetree_value_t value, uint64_t first, uint32_t cells, uint64_t *number)
{
    *number = 0;
    if (first > value.length / 4 || cells > value.length / 4 - first) {
        return false;
    }
    for (uint32_t index = 0; index < cells; index++) {
        if (*number >> 32 != 0) {
            return false;
        }
        *number = *number << 32 | bytes_u32(value.bytes + (first + index) * 4);
    }
    return true;
}

/* One of the two properties. Returns false when it makes no sense. */
static bool read_cell_count(const devicetree_node_t *node, const char *name, uint32_t otherwise, uint32_t *count)
{
    devicetree_value_t value;
    *count = otherwise;
    if (!devicetree_property(node, name, &value)) {
        return true;
    }
    return devicetree_property_u32(node, name, count) && *count <= DEVICETREE_CELLS_MAX;
}

status_t devicetree_cells(const devicetree_node_t *node, devicetree_cells_t *cells)
{
    const bool is_sound = read_cell_count(node, "#address-cells", 2, &cells->address) &&
                          read_cell_count(node, "#size-cells", 1, &cells->size);
    return is_sound ? STATUS_OK : STATUS_CORRUPT;
}

/* Whether the range ends at or below the top of the address space. */
static bool range_is_sound(const devicetree_range_t *range)
{
    return range->size == 0 || range->base <= UINT64_MAX - (range->size - 1);
}

status_t devicetree_reg_local(const devicetree_node_t *node, size_t index, devicetree_range_t *range)
{
    const devicetree_node_t parent = devicetree_parent(node);
    devicetree_value_t reg;
    devicetree_cells_t cells;
    if (node->depth == 0 || !devicetree_property(node, "reg", &reg)) {
        return STATUS_NOT_FOUND;
    }
    const status_t status = devicetree_cells(&parent, &cells);
    if (status != STATUS_OK) {
        return status;
    }
    const uint32_t entry_cells = cells.address + cells.size;
    if (cells.address == 0 || reg.length % (entry_cells * 4) != 0) {
        return STATUS_CORRUPT;
    }
    if (index >= reg.length / (entry_cells * 4)) {
        return STATUS_NOT_FOUND;
    }
    const uint64_t first = (uint64_t)index * entry_cells;
    if (!devicetree_value_number(reg, first, cells.address, &range->base) ||
        !devicetree_value_number(reg, first + cells.address, cells.size, &range->size)) {
        *range = (devicetree_range_t){0, 0};
        return STATUS_OUT_OF_RANGE;
    }
    if (!range_is_sound(range)) {
        range->size = 0 - range->base;
        return STATUS_OUT_OF_RANGE;
    }
    return STATUS_OK;
}

/* Takes *range from the address space inside `bus` to the one that `bus` itself is in. */
static status_t translate_upwards(const devicetree_node_t *bus, devicetree_range_t *range)
{
    const devicetree_node_t above = devicetree_parent(bus);
    devicetree_value_t ranges;
    devicetree_cells_t inner;
    devicetree_cells_t outer;
    if (!devicetree_property(bus, "ranges", &ranges)) {
        return STATUS_OUT_OF_RANGE; /* nothing inside can be reached from outside */
    }
    if (ranges.length == 0) {
        return STATUS_OK;
    }
    if (devicetree_cells(bus, &inner) != STATUS_OK || devicetree_cells(&above, &outer) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    const uint32_t entry_cells = inner.address + outer.address + inner.size;
    if (entry_cells == 0 || ranges.length % (entry_cells * 4) != 0) {
        return STATUS_CORRUPT;
    }
    for (uint64_t first = 0; first < ranges.length / 4; first += entry_cells) {
        devicetree_range_t window;
        uint64_t target;
        if (!devicetree_value_number(ranges, first, inner.address, &window.base) ||
            !devicetree_value_number(ranges, first + inner.address, outer.address, &target) ||
            !devicetree_value_number(ranges, first + inner.address + outer.address, inner.size, &window.size)) {
            continue; /* PCI spaces have numbers beyond 64 bits: not the way to this device */
        }
        const uint64_t offset = range->base - window.base;
        if (range->base >= window.base && offset < window.size && range->size <= window.size - offset) {
            const devicetree_range_t moved = {target + offset, range->size};
            if (target > UINT64_MAX - offset || !range_is_sound(&moved)) {
                return STATUS_OUT_OF_RANGE;
            }
            *range = moved;
            return STATUS_OK;
        }
    }
    return STATUS_OUT_OF_RANGE;
}

status_t devicetree_reg(const devicetree_node_t *node, size_t index, devicetree_range_t *range)
{
    status_t status = devicetree_reg_local(node, index, range);
    devicetree_node_t bus = *node;
    while (status == STATUS_OK && bus.depth > 1) {
        bus = devicetree_parent(&bus);
        status = translate_upwards(&bus, range);
    }
    return status;
}
