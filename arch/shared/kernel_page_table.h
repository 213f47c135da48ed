/*
 * The kernel's own page table, as all ports with an MMU use it: what is mapped where, device registers, and the pages
 * that tables are made of before there is an allocator.
 *
 * How the table comes to be, and what its entries look like, is the port's (its page_table.c).
 */
#ifndef ARCH_SHARED_KERNEL_PAGE_TABLE_H
#define ARCH_SHARED_KERNEL_PAGE_TABLE_H

#include "arch/shared/radix_page_table.h"
#include "base/compiler.h"
#include "base/status.h"
#include "base/units.h"

/* ---- what the port brings ---- */

typedef struct kernel_page_table {
    radix_table_t table;
    uintptr_t devices_next; /* the window for device registers, from what is free of it to its end */
    uintptr_t devices_end;
    uint64_t device_limit; /* what an entry can name: physical addresses below this */
    uint64_t mapped_end;   /* the direct map has everything below this from the start */
    unsigned char (*early_pages)[PAGE_SIZE];
    unsigned early_pages_left;
} kernel_page_table_t;

extern kernel_page_table_t kernel_page_table;

/* Where a byte of the image is. */
physical_address_t physical_of_image(const void *pointer);

/*
 * Makes every CPU forget what it remembers of [address, address + size) in the kernel's window (arch/kernel_window.h); all
 * have when it returns. Locks may be held and interrupts masked, here and on the other CPUs.
 */
void kernel_window_flush(uintptr_t address, uint64_t size);

/* ---- what the port and its parts call ---- */

/* What linker scripts tell of the image: its sections and what each allows. */
#define IMAGE_SECTION_COUNT 4
typedef struct image_section {
    const char *start;
    const char *end;
    page_access_t access;
} image_section_t;

extern const image_section_t image_sections[IMAGE_SECTION_COUNT];

/*
 * Maps into the kernel's table; radix_map() says how it fails. The caller serializes calls for one window of the
 * port's address map.
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

/* Whether [physical, physical + size) can be read through the direct map. False for ranges that wrap. */
MUST_USE bool page_table_covers(physical_address_t physical, uint64_t size);

/*
 * Device registers at [physical, physical + size), for good. Returns NULL when the window or the early pages are used
 * up, or no such address is possible. Boot CPU.
 */
MUST_USE volatile void *device_map(physical_address_t physical, uint64_t size);

/*
 * A page of the static pool for early tables, as a machine_page_source_t; NULL when it is used up. `context` is
 * ignored.
 */
void *page_table_early_page(void *context);

#endif
