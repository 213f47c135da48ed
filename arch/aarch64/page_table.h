/*
 * The kernel's page tables on aarch64: building them at boot, and mapping more into them.
 *
 * Nothing that is mapped is ever mapped differently, so no entry needs to be broken before it is made (Arm ARM, D8.14.1),
 * and no other CPU has an outdated translation: only empty entries are filled.
 */
#ifndef AARCH64_PAGE_TABLE_H
#define AARCH64_PAGE_TABLE_H

#include "arch/shared/kernel_page_table.h"
#include "base/status.h"
#include "base/units.h"

/*
 * Builds the kernel's tables for an image at physical `image`: the image W^X under both of its names, the device tree
 * at `tree` (its header is readable), and puts them in place of boot's. Boot CPU, first thing in C. STATUS_NO_MEMORY
 * can't happen with an image that the linker script let pass.
 */
MUST_USE status_t page_table_prepare(physical_address_t image, physical_address_t tree, uint64_t tree_size);

/* The tables that a starting CPU needs: one to one, the kernel's, none. */
physical_address_t page_table_low_root(void);
physical_address_t page_table_root_physical(void);
physical_address_t page_table_empty_root(void);

#endif
