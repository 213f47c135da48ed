/*
 * Reads the start info of PVH (Xen, docs/misc/pvh.pandoc; public/arch-x86/hvm/start_info.h), which QEMU -kernel leaves.
 */
#ifndef KERNEL_BOOT_PVH_H
#define KERNEL_BOOT_PVH_H

#include "boot_data.h"

/* More regions or modules than these are left unread. */
#define PVH_REGION_COUNT_MAX 4096
#define PVH_MODULE_COUNT_MAX 256

/*
 * Reads the structure at physical `address` into `boot`; it and the tables it points to are added to the map as RESERVED.
 *
 * Returns STATUS_CORRUPT, nothing read, when the structure is outside the window or has no magic number, and STATUS_NOT_FOUND when it tells of
 * no memory. Anything less than that is a complaint.
 */
MUST_USE status_t pvh_read(const boot_window_t *window, physical_address_t address, boot_data_t *boot);

#endif
