/*
 * Where the port meets the device tree. The tree itself is read by arch/shared/devicetree.c, which trusts none of it.
 */
#include "board.h"

#include "page_table.h"

static devicetree_t tree;
static bool has_tree;

/* Reads a byte of every page, so that what can't be read is found out here, and not in the middle of something. */
static void touch(const volatile uint8_t *bytes, uint32_t size)
{
    for (uint32_t at = 0; size - at > PAGE_SIZE; at += PAGE_SIZE) {
        (void)bytes[at];
    }
    (void)bytes[size - 1];
}

bool board_open(physical_address_t address)
{
    has_tree = false;
    if (!page_table_covers(address, DEVICETREE_HEADER_SIZE)) {
        return false;
    }
    const uint32_t size = devicetree_total_size(physical_to_pointer(address), DEVICETREE_HEADER_SIZE);
    if (size == 0 || !page_table_covers(address, size)) {
        return false;
    }
    touch(physical_to_pointer(address), size);
    has_tree = devicetree_open(physical_to_pointer(address), size, &tree) == STATUS_OK;
    return has_tree;
}

const devicetree_t *board_tree(void)
{
    return has_tree ? &tree : NULL;
}

bool board_find_cpu(uint64_t hart, devicetree_node_t *cpu)
{
    if (!has_tree) {
        return false;
    }
    *cpu = devicetree_root(&tree);
    while (devicetree_next_cpu(cpu)) {
        uint64_t id;
        if (devicetree_cpu_id(cpu, &id) && id == hart) {
            return true;
        }
    }
    return false;
}

bool board_find_device(const char *const *compatible, devicetree_node_t *device)
{
    for (; has_tree && *compatible != NULL; compatible++) {
        *device = devicetree_root(&tree);
        if (devicetree_find_compatible(device, *compatible)) {
            return true;
        }
    }
    return false;
}

volatile void *board_map_registers(const devicetree_node_t *device, uint64_t offset, uint64_t size)
{
    devicetree_range_t range;

    if (devicetree_reg(device, 0, &range) != STATUS_OK || offset > range.size || size > range.size - offset) {
        return NULL;
    }
    return device_map(physical_address(range.base + offset), size);
}
