/*
 * From nodes to regions. arch/shared/devicetree.c has looked at the whole tree before anything is taken from it.
 *
 *   /memory@...  reg           available       several, in any order, of any cell sizes
 *   reservation block          reserved
 *   /reserved-memory/...  reg  reserved        with `no-map` or without: whoever owns it is not us
 *   /chosen                    bootargs, linux,initrd-start and -end, u-boot,version
 *
 * A region to hand out has to make sense as a whole; one to keep is kept as far as it can be told.
 */
#include "devicetree.h"

#include "arch/shared/devicetree_board.h"
#include "base/text.h"

#define TREE_ALIGNMENT 8u

static void read_reservations(const devicetree_t *tree, boot_data_t *boot)
{
    devicetree_range_t range;
    for (size_t index = 0; devicetree_reservation(tree, index, &range); index++) {
        if (range.base > UINT64_MAX - (range.size - 1)) {
            boot_complain(boot, "devicetree: the reservation at 0x%llx wraps, and is cut",
                          (unsigned long long)range.base);
            range.size = 0 - range.base;
        }
        boot_add_region(boot, range.base, range.size, MEMORY_REGION_RESERVED);
    }
}

/* Adds all that a node's `reg` has; what makes no sense is told, and added as far as it goes when it is to be kept. */
static void read_reg(const devicetree_node_t *node, boot_data_t *boot, memory_region_type_t type)
{
    for (size_t index = 0;; index++) {
        devicetree_range_t range = {0, 0};
        const status_t status = devicetree_reg(node, index, &range);
        if (status == STATUS_NOT_FOUND) {
            return;
        }
        if (status != STATUS_OK) {
            boot_complain(boot, "devicetree: %.40s: region %zu %s: %s", devicetree_name(node), index,
                          type == MEMORY_REGION_AVAILABLE ? "refused" : "kept in part", status_name(status));
        }
        if (status == STATUS_OK || type != MEMORY_REGION_AVAILABLE) {
            boot_add_region(boot, range.base, range.size, type);
        }
        if (status == STATUS_CORRUPT) {
            return; /* it holds for all entries */
        }
    }
}

static void read_memory(const devicetree_t *tree, boot_data_t *boot)
{
    devicetree_node_t node = devicetree_root(tree);
    while (devicetree_next_memory(&node)) {
        read_reg(&node, boot, MEMORY_REGION_AVAILABLE);
    }
    node = devicetree_root(tree);
    while (devicetree_next_reserved(&node)) {
        read_reg(&node, boot, MEMORY_REGION_RESERVED);
    }
}

static void read_loader_name(const devicetree_t *tree, boot_data_t *boot)
{
    devicetree_node_t chosen;
    if (devicetree_find(tree, "/chosen", SIZE_MAX, &chosen) != STATUS_OK) {
        return;
    }
    const char *version = devicetree_property_string(&chosen, "u-boot,version");
    if (version == NULL) {
        return;
    }
    text_print(boot->loader_name, sizeof(boot->loader_name), "U-Boot %s", version);
    for (char *at = boot->loader_name; *at != '\0'; at++) {
        *at = *at >= ' ' && *at <= '~' ? *at : '?';
    }
}

static void read_chosen(const devicetree_t *tree, boot_data_t *boot)
{
    devicetree_value_t arguments;
    devicetree_range_t initrd;
    if (devicetree_bootargs(tree, &arguments)) {
        cmdline_set(boot->cmdline, (const char *)arguments.bytes, arguments.length);
    }
    const status_t status = devicetree_initrd(tree, &initrd);
    if (status == STATUS_OK) {
        boot_add_module(boot, initrd.base, initrd.base + initrd.size);
    } else if (status != STATUS_NOT_FOUND) {
        boot_complain(boot, "devicetree: the initial RAM disk's place makes no sense");
    }
    read_loader_name(tree, boot);
}

status_t devicetree_read(const boot_window_t *window, physical_address_t address, boot_data_t *boot)
{
    const byte_span_t header = boot_window_view(window, address.value, DEVICETREE_HEADER_SIZE);
    const uint32_t total_size = devicetree_total_size(header.bytes, header.length);
    if (address.value % TREE_ALIGNMENT != 0 || total_size == 0 || total_size > DEVICETREE_SIZE_MAX) {
        boot_complain(boot, "devicetree: no tree can be at 0x%llx", (unsigned long long)address.value);
        return STATUS_CORRUPT;
    }
    const byte_span_t bytes = boot_window_view(window, address.value, total_size);
    devicetree_t tree;
    if (devicetree_open(bytes.bytes, bytes.length, &tree) != STATUS_OK) {
        boot_complain(boot, "devicetree: the tree at 0x%llx of %u bytes is damaged", (unsigned long long)address.value,
                      total_size);
        return STATUS_CORRUPT;
    }
    boot_add_region(boot, address.value, total_size, MEMORY_REGION_RESERVED);
    read_reservations(&tree, boot);
    read_chosen(&tree, boot);

    const size_t complaints = boot->complaints;
    read_memory(&tree, boot);
    for (size_t index = 0; index < boot->map->input_count; index++) {
        if (boot->map->input[index].type == MEMORY_REGION_AVAILABLE) {
            return STATUS_OK;
        }
    }
    if (boot->complaints == complaints) {
        boot_complain(boot, "devicetree: no node tells of memory");
    }
    return STATUS_NOT_FOUND;
}
