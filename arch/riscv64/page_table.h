/*
 * The kernel's page tables on riscv64: building them at boot, and mapping more into them.
 *
 * The root's upper half is complete when boot is over (page_table_prepare and machine_map_memory fill it), so an
 * address space may copy it once and share everything below.
 */
#ifndef RISCV64_PAGE_TABLE_H
#define RISCV64_PAGE_TABLE_H

#include "arch/shared/kernel_page_table.h"
#include "base/status.h"
#include "base/units.h"

#define PAGE_TABLE_LEVELS_MIN 3u /* Sv39 */
#define PAGE_TABLE_LEVELS_MAX 5u /* Sv57 */

#define PHYSICAL_BITS 56 /* of an address in an entry */

/*
 * Takes over the boot tables, where the image's first byte is at `image_physical`: what they map can be looked up. Boot
 * CPU, first thing in C.
 */
void page_table_use_boot_tables(physical_address_t image_physical);

/*
 * Leaves the boot tables for the kernel's: the deepest mode of at most `levels_max` levels that the CPU takes, W^X for the
 * image and for its alias in the direct map, no execution in the direct map, nothing below the kernel's half. Boot CPU;
 * pointers into the direct map from before are void. STATUS_NO_MEMORY can't happen with an image that the linker script
 * let pass.
 */
MUST_USE status_t page_table_prepare(unsigned levels_max);

/* Of the kernel's tables, once prepared: what satp holds, and how many bits an address has, 39, 48 or 57. */
uint64_t page_table_satp(void);
unsigned page_table_address_bits(void);

/* How entries of a user's table are spelled. */
const radix_format_t *page_table_user_format(void);

#endif
