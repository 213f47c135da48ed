/*
 * The device tree that the bootloader left, for the parts of the port that ask it for their device.
 */
#ifndef RISCV64_BOARD_H
#define RISCV64_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/shared/devicetree_board.h"
#include "base/compiler.h"
#include "base/units.h"

/*
 * Opens the tree at `address`; called again whenever the direct map has moved. Returns false, and there is no tree, when
 * its bytes can't be reached or are no sound tree. Faults where there is no memory. Boot CPU.
 */
bool board_open(physical_address_t address);

/* The tree, or NULL. */
const devicetree_t *board_tree(void);

/* The node of the CPU with this hart number. False without one. */
bool board_find_cpu(uint64_t hart, devicetree_node_t *cpu);

/* The first available device that is compatible with one of the strings (up to NULL). False without one. */
bool board_find_device(const char *const *compatible, devicetree_node_t *device);

/* Maps `size` bytes of a device's first register range, `offset` into it. NULL when it has no such bytes, or they can't be mapped. */
volatile void *board_map_registers(const devicetree_node_t *device, uint64_t offset, uint64_t size);

#endif
