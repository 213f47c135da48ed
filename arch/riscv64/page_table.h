/*
 * The kernel's page tables on riscv64: building them at boot, and mapping more into them.
 *
 * The root's upper half is complete when boot is over (page_table_prepare and machine_map_memory fill it), so an
 * address space may copy it once and share everything below.
 */
#ifndef RISCV64_PAGE_TABLE_H
#define RISCV64_PAGE_TABLE_H

#include "arch/shared/radix_page_table.h"
#include "base/status.h"
#include "base/units.h"

#define PAGE_TABLE_LEVELS_MIN 3u /* Sv39 */
#define PAGE_TABLE_LEVELS_MAX 5u /* Sv57 */

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

/* Of the kernel's tables, once prepared: what satp holds, and how many levels there are. */
uint64_t page_table_satp(void);
unsigned page_table_levels(void);

/*
 * Maps into the kernel's tables; radix_map() says how it fails. The caller serializes calls for one window of
 * address_map.h.
 */
MUST_USE status_t page_table_map(uintptr_t address, physical_address_t physical, uint64_t size, page_access_t access,
                                 machine_page_source_t source, void *context);

/*
 * Maps a page from `source`, filled with zeros, writable, at `address`, where nothing is mapped. Tables are made first,
 * so that running dry never costs a page that was meant for the mapping: a source of one page a call gets there in the
 * end. STATUS_NO_MEMORY, no other. Other CPUs may still fault on the page, once each: trap.c knows.
 */
MUST_USE status_t page_table_map_new_page(uintptr_t address, machine_page_source_t source, void *context);

/* Looks an address of the kernel's half up. */
MUST_USE bool page_table_find(uintptr_t address, radix_leaf_t *leaf);

/* Whether [physical, physical + size) can be read through the direct map. False for ranges that wrap. */
MUST_USE bool page_table_covers(physical_address_t physical, uint64_t size);

/* Where a byte of the image is. */
physical_address_t page_table_physical_of_image(const void *pointer);

/*
 * Device registers at [physical, physical + size), for good. Returns NULL when the window is full. Boot CPU.
 */
MUST_USE volatile void *device_map(physical_address_t physical, uint64_t size);

/*
 * A page of the static pool for early tables, as a machine_page_source_t; NULL when it is used up. `context` is
 * ignored.
 */
void *page_table_early_page(void *context);

#endif
