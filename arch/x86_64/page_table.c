/*
 * The kernel's page tables: 4-level paging with 4 KiB, 2 MiB and 1 GiB pages (Intel SDM vol. 3, 4.5).
 *
 *   63   62..52   51..........12   11..9   8   7   6   5   4    3    2   1   0
 *   NX   free     address          free    G   PS  D   A   PCD  PWT  U   W   P
 *
 * PS at levels 1 and 2 makes a leaf; at level 0 the bit is PAT, which stays clear here. Accessed and dirty bits are
 * preset in leaves: the kernel does not use them, and the CPU need not write them.
 *
 * Boot starts from what entry.S built: 2 MiB pages of the first 4 GiB, shared by three root entries. Here the image
 * gets tables of its own, page by page, and the direct map's large pages over the image are split, so that neither name
 * of a page is both writable and executable.
 */
#include "page_table.h"

#include "address_map.h"
#include "arch/shared/user_page_table.h"
#include "registers.h"

#define ENTRY_PRESENT       (UINT64_C(1) << 0)
#define ENTRY_WRITABLE      (UINT64_C(1) << 1)
#define ENTRY_USER          (UINT64_C(1) << 2)
#define ENTRY_WRITE_THROUGH (UINT64_C(1) << 3)
#define ENTRY_NO_CACHE      (UINT64_C(1) << 4)
#define ENTRY_ACCESSED      (UINT64_C(1) << 5)
#define ENTRY_DIRTY         (UINT64_C(1) << 6)
#define ENTRY_LARGE         (UINT64_C(1) << 7)
#define ENTRY_NO_EXECUTE    (UINT64_C(1) << 63)
#define ENTRY_ADDRESS       UINT64_C(0x000ffffffffff000)

#define ROOT_LEVEL          3
#define ROOT_INDEX(address) (((address) >> 39) & 511)
#define IMAGE_TABLE_INDEX   510 /* of the last root entry's table: the GiB at ADDRESS_IMAGE */

/*
 * Tables made at boot: one directory and eight tables for the image, nine to split the direct map over it, the
 * roots of windows, devices.
 */
#define EARLY_PAGES 32

extern uint64_t page_table_root[RADIX_ENTRIES];
extern uint64_t boot_table_high[RADIX_ENTRIES];

static ALIGNED(4096) unsigned char early_pages[EARLY_PAGES][PAGE_SIZE];

/* ENTRY_NO_EXECUTE, or 0 on a CPU without it, for which the bit is reserved. */
static uint64_t no_execute;

static uint64_t table_entry(physical_address_t table)
{
    return table.value | ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_USER;
}

static uint64_t leaf_entry(physical_address_t page, unsigned level, page_access_t access)
{
    uint64_t entry = page.value | ENTRY_PRESENT | ENTRY_ACCESSED | ENTRY_DIRTY;

    entry |= level > 0 ? ENTRY_LARGE : 0;
    entry |= (access & PAGE_ACCESS_WRITE) != 0 ? ENTRY_WRITABLE : 0;
    entry |= (access & PAGE_ACCESS_USER) != 0 ? ENTRY_USER : 0;
    entry |= (access & PAGE_ACCESS_DEVICE) != 0 ? ENTRY_NO_CACHE | ENTRY_WRITE_THROUGH : 0;
    entry |= (access & PAGE_ACCESS_EXECUTE) != 0 ? 0 : no_execute;
    return entry;
}

static page_access_t leaf_access(uint64_t entry)
{
    page_access_t access = PAGE_ACCESS_READ;

    access |= (entry & ENTRY_WRITABLE) != 0 ? PAGE_ACCESS_WRITE : 0;
    access |= (entry & ENTRY_USER) != 0 ? PAGE_ACCESS_USER : 0;
    access |= (entry & ENTRY_NO_CACHE) != 0 ? PAGE_ACCESS_DEVICE : 0;
    access |= (entry & ENTRY_NO_EXECUTE) == 0 ? PAGE_ACCESS_EXECUTE : 0;
    return access;
}

#define FORMAT_WITH_LEAVES_UP_TO(level)                                                                   \
    .levels = 4, .leaf_level_max = (level), .address_mask = ENTRY_ADDRESS, .present_mask = ENTRY_PRESENT, \
    .leaf_mask = ENTRY_LARGE, .table_bits = 0, .table_entry = table_entry, .leaf_entry = leaf_entry,      \
    .leaf_access = leaf_access

/* Of the kernel; leaves up to level 2 when the CPU has pages of 1 GiB. */
static radix_format_t format = {FORMAT_WITH_LEAVES_UP_TO(1), .entry_changed = tlb_flush_page};
static const radix_format_t small_page_format = {FORMAT_WITH_LEAVES_UP_TO(0), .entry_changed = tlb_flush_page};

/* Of user space: nothing to be done here when an entry changes, as the table may be active on any CPU or none. */
static const radix_format_t user_format = {FORMAT_WITH_LEAVES_UP_TO(1)};

const radix_format_t *user_table_format(void)
{
    return &user_format;
}

kernel_page_table_t kernel_page_table = {
    .table = {.format = &format, .root = page_table_root},
    .devices_next = ADDRESS_DEVICES,
    .devices_end = ADDRESS_DEVICES + ADDRESS_DEVICES_SIZE,
    .early_pages = early_pages,
    .early_pages_left = EARLY_PAGES,
    .mapped_end = GIB(4),
};

physical_address_t physical_of_image(const void *pointer)
{
    return physical_address((uint64_t)(uintptr_t)pointer - ADDRESS_IMAGE);
}

/* The image's own tables, page by page, built beside the live ones and then put in their place by one store. */
static status_t map_image(void)
{
    uint64_t *const top = page_table_early_page(NULL);
    if (top == NULL) {
        return STATUS_NO_MEMORY;
    }
    const radix_table_t image = {.format = &small_page_format, .root = top};
    for (size_t index = 0; index < ARRAY_COUNT(image_sections); index++) {
        const image_section_t *const section = &image_sections[index];
        const status_t status =
            radix_map(&image, (uintptr_t)section->start, physical_of_image(section->start),
                      (uint64_t)(section->end - section->start), section->access, page_table_early_page, NULL);
        if (status != STATUS_OK) {
            return status;
        }
    }
    const uint64_t *const pointers = physical_to_pointer(radix_table_address(&format, top[ROOT_INDEX(ADDRESS_IMAGE)]));
    boot_table_high[IMAGE_TABLE_INDEX] = pointers[IMAGE_TABLE_INDEX];
    cr3_write(cr3_read());
    return STATUS_OK;
}

/*
 * The same rights, less execution, for the image's alias in the direct map. Only after map_image(): until then the
 * image runs from the very large pages that are split here.
 */
static status_t protect_image_alias(void)
{
    for (size_t index = 0; index < ARRAY_COUNT(image_sections); index++) {
        const image_section_t *const section = &image_sections[index];
        const uintptr_t alias = (uintptr_t)physical_to_pointer(physical_of_image(section->start));
        const status_t status =
            radix_protect(&kernel_page_table.table, alias, (uint64_t)(section->end - section->start),
                          section->access & ~PAGE_ACCESS_EXECUTE, page_table_early_page, NULL);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

status_t page_table_prepare(void)
{
    no_execute = (msr_read(MSR_EFER) & EFER_NO_EXECUTE) != 0 ? ENTRY_NO_EXECUTE : 0;
    kernel_page_table.device_limit = machine_physical_limit();
    /* Pages of 1 GiB: CPUID 0x80000001, EDX bit 26. */
    format.leaf_level_max = (cpuid_read(0x80000001, 0).edx & (1u << 26)) != 0 ? 2 : 1;

    status_t status = map_image();
    if (status != STATUS_OK) {
        return status;
    }
    status = protect_image_alias();
    if (status != STATUS_OK) {
        return status;
    }
    /* The root entry's bit covers all that is below it. */
    page_table_root[ROOT_INDEX(ADDRESS_DIRECT_MAP)] |= no_execute;
    page_table_root[0] = 0;
    cr3_write(cr3_read());

    status = radix_prepare(&kernel_page_table.table, ADDRESS_STACKS, ROOT_LEVEL - 1, page_table_early_page, NULL);
    if (status != STATUS_OK) {
        return status;
    }
    status = radix_prepare(&kernel_page_table.table, ADDRESS_WINDOW, ROOT_LEVEL - 1, page_table_early_page, NULL);
    if (status != STATUS_OK) {
        return status;
    }
    return radix_prepare(&kernel_page_table.table, ADDRESS_DEVICES, ROOT_LEVEL - 1, page_table_early_page, NULL);
}

physical_address_t page_table_root_physical(void)
{
    return physical_of_image(page_table_root);
}

status_t page_table_trampoline_root(physical_address_t *root)
{
    static uint64_t *trampoline_root;

    if (trampoline_root == NULL) {
        uint64_t *const page = page_table_early_page(NULL);
        if (page == NULL) {
            return STATUS_NO_MEMORY;
        }
        const radix_table_t table = {.format = &format, .root = page};
        const status_t status = radix_map(&table, PHYSICAL_TRAMPOLINE, physical_address(PHYSICAL_TRAMPOLINE), PAGE_SIZE,
                                          PAGE_ACCESS_EXECUTE, page_table_early_page, NULL);
        if (status != STATUS_OK) {
            return status;
        }
        trampoline_root = page;
    }
    for (size_t index = RADIX_ENTRIES / 2; index < RADIX_ENTRIES; index++) {
        trampoline_root[index] = page_table_root[index];
    }
    *root = pointer_to_physical(trampoline_root);
    return STATUS_OK;
}
