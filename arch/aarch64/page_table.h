/*
 * The kernel's page tables on aarch64: building them at boot, and mapping more into them.
 *
 * Nothing that is mapped is ever mapped differently, so no entry needs to be broken before it is made (Arm ARM, D8.14.1),
 * and no other CPU has an outdated translation: only empty entries are filled.
 */
#ifndef AARCH64_PAGE_TABLE_H
#define AARCH64_PAGE_TABLE_H

#include "arch/shared/radix_page_table.h"
#include "base/status.h"
#include "base/units.h"

/*
 * Builds the kernel's tables for an image at physical `image`: the image W^X under both of its names, the device tree
 * at `tree` (its header is readable), and puts them in place of boot's. Boot CPU, first thing in C. STATUS_NO_MEMORY
 * can't happen with an image that the linker script let pass.
 */
MUST_USE status_t page_table_prepare(physical_address_t image, physical_address_t tree, uint64_t tree_size);

/*
 * Maps into the kernel's tables; radix_map() says how it fails. The caller serializes calls for one window of
 * address_map.h.
 */
MUST_USE status_t page_table_map(uintptr_t address, physical_address_t physical, uint64_t size, page_access_t access,
                                 machine_page_source_t source, void *context);

/*
 * Maps a page from `source`, filled with zeros, writable, at `address`, where nothing is mapped. Tables are made first,
 * so that running dry never costs a page that was meant for the mapping: a source of one page a call gets there in the
 * end. STATUS_NO_MEMORY, no other.
 */
MUST_USE status_t page_table_map_new_page(uintptr_t address, machine_page_source_t source, void *context);

/* Looks an address of the kernel's half up. */
MUST_USE bool page_table_find(uintptr_t address, radix_leaf_t *leaf);

/*
 * Device registers at [physical, physical + size), for good. Returns NULL when the window or the tables are used up, or
 * no such address is possible. Boot CPU.
 */
MUST_USE volatile void *device_map(physical_address_t physical, uint64_t size);

/* Where a byte of the image is in memory, and the tables that a starting CPU needs: one to one, the kernel's, none. */
physical_address_t physical_of_image(const void *pointer);
physical_address_t page_table_low_root(void);
physical_address_t page_table_root_physical(void);
physical_address_t page_table_empty_root(void);

/*
 * A page of the static pool for early tables, as a machine_page_source_t; NULL when it is used up. `context` is
 * ignored.
 */
void *page_table_early_page(void *context);

#endif
