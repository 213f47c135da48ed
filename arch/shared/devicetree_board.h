/*
 * What machines ask of a device tree: the console, the CPUs, memory, interrupts. The rules behind devicetree.h's nodes
 * and cells.
 *
 * Functions of an opened tree, like all in devicetree.h; any context.
 */
#ifndef ARCH_SHARED_DEVICETREE_BOARD_H
#define ARCH_SHARED_DEVICETREE_BOARD_H

#include "devicetree.h"

#define DEVICETREE_INTERRUPT_CELLS_MAX 4u

/* /chosen's `bootargs`, without the final zero byte. False, *arguments empty, without one. */
bool devicetree_bootargs(const devicetree_t *tree, devicetree_value_t *arguments);

/*
 * The console's node: /chosen's `stdout-path` (or `linux,stdout-path`), a path or an alias, up to a ':' with options.
 * STATUS_NOT_FOUND without one, or when it leads nowhere.
 */
MUST_USE status_t devicetree_stdout(const devicetree_t *tree, devicetree_node_t *node);

/* /chosen's `linux,initrd-start` and `-end`. STATUS_NOT_FOUND without them, STATUS_CORRUPT when they are no range. */
MUST_USE status_t devicetree_initrd(const devicetree_t *tree, devicetree_range_t *range);

/*
 * Memory nodes in turn: available children of the root with device_type "memory". Start with the root. False after the
 * last.
 */
bool devicetree_next_memory(devicetree_node_t *node);

/*
 * Static and dynamic regions in /reserved-memory in turn: available children. Start with the root; dynamic ones have no
 * `reg`.
 */
bool devicetree_next_reserved(devicetree_node_t *node);

/*
 * CPUs in turn: children of /cpus with device_type "cpu" that are available (one with `status` "disabled" waits for its
 * enable-method, and counts when it has one: section 3.8.1). Start with the root; false after the last. Its number is
 * devicetree_cpu_id().
 */
bool devicetree_next_cpu(devicetree_node_t *node);

/* The first address in a CPU's `reg`: MPIDR affinity or hart number. False without one. */
bool devicetree_cpu_id(const devicetree_node_t *cpu, uint64_t *id);

/* `timebase-frequency` of the CPU, or else of /cpus, in Hz. False, *hertz untouched, without one, or when it is 0. */
bool devicetree_timebase_frequency(const devicetree_node_t *cpu, uint64_t *hertz);

/*
 * Whether a RISC-V CPU says that it has an extension, in lower case ("zbb", "sstc", "v"): in `riscv,isa-extensions`, or
 * else in `riscv,isa` ("rv64imafdc_zbb_sstc").
 */
bool devicetree_riscv_has(const devicetree_node_t *cpu, const char *extension);

/* One interrupt of a device: whose it is, and the cells that the controller understands. */
typedef struct devicetree_interrupt {
    devicetree_node_t controller;
    uint32_t cells[DEVICETREE_INTERRUPT_CELLS_MAX];
    uint32_t cell_count;
} devicetree_interrupt_t;

/*
 * The node that handles a device's `interrupts`: `interrupt-parent` of the device or its nearest ancestor with one, or
 * the nearest ancestor that is a controller or nexus itself (section 2.4.1). STATUS_NOT_FOUND without one.
 */
MUST_USE status_t devicetree_interrupt_parent(const devicetree_node_t *node, devicetree_node_t *controller);

/*
 * A device's interrupts in turn, of `interrupts-extended` or else `interrupts`: start with *cursor 0. Each costs a
 * search of the tree, so bound how many are asked for.
 *
 * Returns STATUS_NOT_FOUND after the last, STATUS_CORRUPT when the rest can't be told apart. In `interrupts-extended` a
 * phandle of 0 or 2^32 - 1 is an interrupt that is not connected: cell_count is then 0.
 */
MUST_USE status_t devicetree_next_interrupt(const devicetree_node_t *node, uint32_t *cursor,
                                            devicetree_interrupt_t *interrupt);

#endif
