/*
 * Reads the boot information of Multiboot2 (Multiboot2 Specification 2.0, section 3.6), which GRUB leaves.
 */
#ifndef KERNEL_BOOT_MULTIBOOT2_H
#define KERNEL_BOOT_MULTIBOOT2_H

#include "boot_data.h"

/* A larger boot information structure is read up to here. */
#define MULTIBOOT2_INFO_SIZE_MAX ((uint64_t)1 << 20)

/*
 * Reads the structure at physical `address` into `boot`; the structure itself is added to the map as RESERVED.
 *
 * Returns STATUS_CORRUPT, nothing read, when the address is misaligned or outside the window or the header makes no sense, and
 * STATUS_NOT_FOUND when no tag told of memory. Anything less than that is a complaint.
 */
MUST_USE status_t multiboot2_read(const boot_window_t *window, physical_address_t address, boot_data_t *boot);

#endif
