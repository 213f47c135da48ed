/*
 * Memory that the kernel may read before it has a memory map.
 */
#ifndef AARCH64_MEMORY_WINDOW_H
#define AARCH64_MEMORY_WINDOW_H

#include "arch/boot.h"
#include "arch/shared/devicetree.h"
#include "base/compiler.h"
#include "base/status.h"

/*
 * Maps all memory of the tree in the hand-over's window into the direct map, but for what is reserved and not to be mapped. Boot CPU,
 * before kernel_main(). STATUS_NO_MEMORY when the tables for it do not suffice.
 */
MUST_USE status_t memory_window_map(const devicetree_t *tree, const boot_handoff_t *window);

#endif
