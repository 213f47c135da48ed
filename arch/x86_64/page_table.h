/*
 * The kernel's page tables on x86_64: building them at boot, and mapping more into them.
 *
 * The root's upper half is complete when boot is over (page_table_prepare and machine_map_memory fill it), so an
 * address space may copy it once and share everything below.
 */
#ifndef X86_64_PAGE_TABLE_H
#define X86_64_PAGE_TABLE_H

#include "arch/shared/kernel_page_table.h"
#include "base/status.h"
#include "base/units.h"

/*
 * Turns the boot tables into the kernel's: W^X for the image and for its alias in the direct map, no execution in the
 * direct map, nothing below the kernel's half. Boot CPU, first thing in C. STATUS_NO_MEMORY can't happen with an image
 * that the linker script let pass.
 */
MUST_USE status_t page_table_prepare(void);

/* The root, for CR3. */
physical_address_t page_table_root_physical(void);

/*
 * A root for starting CPUs: the kernel's half, and PHYSICAL_TRAMPOLINE mapped one to one. It is below 4 GiB, where a
 * CPU can load it before it is in long mode. Boot CPU.
 */
MUST_USE status_t page_table_trampoline_root(physical_address_t *root);

#endif
