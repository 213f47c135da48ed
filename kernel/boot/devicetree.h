/*
 * Reads the device tree that firmware or a bootloader leaves (Devicetree Specification v0.4; Linux booting.rst).
 */
#ifndef KERNEL_BOOT_DEVICETREE_H
#define KERNEL_BOOT_DEVICETREE_H

#include "boot_data.h"

/* A tree that claims to be larger is not believed. The Image protocol allows 2 MiB. */
#define DEVICETREE_SIZE_MAX MIB(16)

/*
 * Reads the tree at physical `address` into `boot`: memory nodes, the command line, an initial RAM disk as a module.
 * The tree itself, its memory reservation block and all of /reserved-memory are added to the map as RESERVED.
 *
 * Returns STATUS_CORRUPT, nothing read, when the address is no multiple of 8 or outside the window, or the tree is not
 * sound (arch/shared/devicetree.h), and STATUS_NOT_FOUND when it tells of no memory. Anything less than that is a
 * complaint. What is reserved by an entry that makes sense in part stays reserved in that part.
 */
MUST_USE status_t devicetree_read(const boot_window_t *window, physical_address_t address, boot_data_t *boot);

#endif
