/*
 * The kernel's page tables: 48-bit addresses, 4 KiB granule, 4 KiB, 2 MiB and 1 GiB leaves (Arm ARM, D8.3).
 *
 * Every leaf is global, out of the reach of user mode, and execute-never for it; only the image's code is executable at
 * all.
 *
 * Boot starts from what entry.S built: blocks of 2 MiB around image and device tree. Here a new tree is built beside it,
 * with the image page by page, and entry.S puts it in place.
 */
#include "page_table.h"

#include "address_map.h"
#include "boot_entry.h"
#include "page_entry.h"

#define LEVELS     4
#define ROOT_LEVEL (LEVELS - 1)

/*
 * Tables made at boot: at most 10 for the image, 12 for its alias in the direct map, 5 for the one-to-one map, 4 for the
 * device tree and for each bank of memory, some for devices and the roots of windows.
 */
#define EARLY_PAGES 96

extern char boot_low_start[], boot_low_end[];

static ALIGNED(4096) uint64_t root[RADIX_ENTRIES];
static ALIGNED(4096) uint64_t low_root[RADIX_ENTRIES];   /* one to one: entry.S's code, for starting CPUs */
static ALIGNED(4096) uint64_t empty_root[RADIX_ENTRIES]; /* the lower half while there is no user's */
static ALIGNED(4096) unsigned char early_pages[EARLY_PAGES][PAGE_SIZE];
static physical_address_t image_base;

uint64_t entry_of_table(physical_address_t table)
{
    return table.value | ENTRY_VALID | ENTRY_TABLE;
}

static uint64_t leaf_entry(physical_address_t page, unsigned level, page_access_t access)
{
    const uint64_t index = (access & PAGE_ACCESS_DEVICE) != 0 ? MEMORY_DEVICE : MEMORY_NORMAL;
    uint64_t entry = page.value | ENTRY_VALID | ENTRY_ACCESSED | ENTRY_SHARED_INNER | ENTRY_NO_USER_CODE;

    entry |= index << ENTRY_INDEX_SHIFT;
    entry |= level == 0 ? ENTRY_TABLE : 0;
    entry |= (access & PAGE_ACCESS_WRITE) != 0 ? 0 : ENTRY_READ_ONLY;
    entry |= (access & PAGE_ACCESS_EXECUTE) != 0 ? 0 : ENTRY_NO_EXECUTE;
    return entry;
}

/* The image's: part of it is read-only under all its names, so that it could not be given tags (memory_tags.c). */
static uint64_t image_leaf_entry(physical_address_t page, unsigned level, page_access_t access)
{
    return leaf_entry(page, level, access) | (uint64_t)MEMORY_UNTAGGED << ENTRY_INDEX_SHIFT;
}

static page_access_t leaf_access(uint64_t entry)
{
    page_access_t access = PAGE_ACCESS_READ;

    access |= (entry & ENTRY_READ_ONLY) == 0 ? PAGE_ACCESS_WRITE : 0;
    access |= ((entry >> ENTRY_INDEX_SHIFT) & ENTRY_INDEX) == MEMORY_DEVICE ? PAGE_ACCESS_DEVICE : 0;
    access |= (entry & ENTRY_NO_EXECUTE) == 0 ? PAGE_ACCESS_EXECUTE : 0;
    return access;
}

/*
 * The store is seen by the walkers before anything that follows. An entry that was empty is in no translation cache (Arm
 * ARM, D8.13), and others change in the kernel's window only, which sees to that.
 */
static void entry_changed(uintptr_t address)
{
    (void)address;
    __asm__ volatile("dsb ishst\n\tisb" ::: "memory");
}

#define FORMAT(level, entry)            \
    {                                   \
        .levels = LEVELS,               \
        .leaf_level_max = (level),      \
        ENTRY_BITS,                     \
        .table_entry = entry_of_table,  \
        .leaf_entry = (entry),          \
        .leaf_access = leaf_access,     \
        .entry_changed = entry_changed, \
    }

static const radix_format_t format = FORMAT(2, leaf_entry);
static const radix_format_t image_format = FORMAT(0, image_leaf_entry);

kernel_page_table_t kernel_page_table = {
    .table = {.format = &format, .root = root},
    .devices_next = ADDRESS_DEVICES,
    .devices_end = ADDRESS_DEVICES + ADDRESS_DEVICES_SIZE,
    .early_pages = early_pages,
    .early_pages_left = EARLY_PAGES,
};

physical_address_t physical_of_image(const void *pointer)
{
    return physical_address((uint64_t)(uintptr_t)pointer - ADDRESS_IMAGE + image_base.value);
}

physical_address_t page_table_low_root(void)
{
    return physical_of_image(low_root);
}

physical_address_t page_table_root_physical(void)
{
    return physical_of_image(root);
}

physical_address_t page_table_empty_root(void)
{
    return physical_of_image(empty_root);
}

/* One section under its own name, and by the same rights, less execution, in the direct map. */
static status_t map_section(const image_section_t *section)
{
    const radix_table_t table = {.format = &image_format, .root = root};
    const physical_address_t physical = physical_of_image(section->start);
    const uint64_t size = (uint64_t)(section->end - section->start);
    const status_t status =
        radix_map(&table, (uintptr_t)section->start, physical, size, section->access, page_table_early_page, NULL);

    if (status != STATUS_OK) {
        return status;
    }
    return radix_map(&table, (uintptr_t)physical_to_pointer(physical), physical, size,
                     section->access & ~PAGE_ACCESS_EXECUTE, page_table_early_page, NULL);
}

/* The code that runs at its physical address, for CPUs on their way in. */
static status_t map_low_code(void)
{
    const radix_table_t low_table = {.format = &image_format, .root = low_root};
    const physical_address_t physical = physical_of_image(boot_low_start);

    return radix_map(&low_table, (uintptr_t)physical.value, physical,
                     align_up((uint64_t)(boot_low_end - boot_low_start), PAGE_SIZE), PAGE_ACCESS_EXECUTE,
                     page_table_early_page, NULL);
}

status_t page_table_prepare(physical_address_t image, physical_address_t tree, uint64_t tree_size)
{
    const uint64_t tree_start = align_down(tree.value, PAGE_SIZE);
    const uint64_t tree_end = align_up(tree.value + tree_size, PAGE_SIZE);

    image_base = image;
    kernel_page_table.device_limit = machine_physical_limit();
    for (size_t index = 0; index < ARRAY_COUNT(image_sections); index++) {
        const status_t status = map_section(&image_sections[index]);
        if (status != STATUS_OK) {
            return status;
        }
    }
    status_t status = map_low_code();
    if (status == STATUS_OK) {
        status =
            page_table_map((uintptr_t)physical_to_pointer(physical_address(tree_start)), physical_address(tree_start),
                           tree_end - tree_start, PAGE_ACCESS_WRITE, page_table_early_page, NULL);
    }
    if (status == STATUS_OK) {
        status = radix_prepare(&kernel_page_table.table, ADDRESS_STACKS, ROOT_LEVEL - 1, page_table_early_page, NULL);
    }
    if (status == STATUS_OK) {
        status = radix_prepare(&kernel_page_table.table, ADDRESS_DEVICES, ROOT_LEVEL - 1, page_table_early_page, NULL);
    }
    if (status == STATUS_OK) {
        status = radix_prepare(&kernel_page_table.table, ADDRESS_WINDOW, ROOT_LEVEL - 1, page_table_early_page, NULL);
    }
    if (status != STATUS_OK) {
        return status;
    }
    boot_switch_root(page_table_root_physical().value, page_table_empty_root().value, image.value);
    return STATUS_OK;
}
