/*
 * The kernel's page tables: Sv39, Sv48 and Sv57 (RISC-V Privileged Architecture 1.12, 4.4 to 4.6), which differ in the
 * number of levels and in nothing else.
 *
 *   63  62..61  60..54  53............10  9..8  7   6   5   4   3   2   1   0
 *   N   PBMT    0       page number       free  D   A   G   U   X   W   R   V
 *
 * An entry without R, W and X leads to a table; one with any is a leaf, at every level. W without R is reserved. Accessed
 * and dirty bits are preset in leaves: the kernel does not use them, and a CPU may fault where they are clear. What is a
 * device is told by the machine's physical memory attributes and not by the entry; bit 8 only remembers it. Bit 9 marks
 * what a user's table keeps without the user being able to get at it.
 *
 * The kernel's tables are built beside the boot tables, in the shape of the mode that is tried, and then put in force by
 * one write of satp: a CPU that does not know the mode ignores the write (4.1.11), and a mode with fewer levels is tried.
 */
#include "page_table.h"

#include "address_map.h"
#include "registers.h"

#define ENTRY_VALID    (UINT64_C(1) << 0)
#define ENTRY_READ     (UINT64_C(1) << 1)
#define ENTRY_WRITE    (UINT64_C(1) << 2)
#define ENTRY_EXECUTE  (UINT64_C(1) << 3)
#define ENTRY_USER     (UINT64_C(1) << 4)
#define ENTRY_ACCESSED (UINT64_C(1) << 6)
#define ENTRY_DIRTY    (UINT64_C(1) << 7)
#define ENTRY_DEVICE   (UINT64_C(1) << 8) /* ours */
#define ENTRY_HIDDEN   (UINT64_C(1) << 9) /* ours */
#define ENTRY_PAGE     UINT64_C(0x003ffffffffffc00)
#define ENTRY_SHIFT    2 /* an address, shifted right by this, is in the page number's place */

#define BOOT_MAP_SIZE        GIB(4) /* what arch/boot.h promises */
#define LEAF_LEVEL_MAX       2      /* 1 GiB */
#define USER_LEAF_LEVEL_MAX  1      /* 2 MiB */
#define DIRECT_MAP_SV39      UINT64_C(0xffffffc000000000)
#define DIRECT_MAP_SHIFT     37
#define ADDRESS_BITS(levels) (PAGE_SHIFT + RADIX_INDEX_BITS * (levels))

/*
 * Tables made at boot: the root and two levels of the direct map's, eleven of the image, nine to split the direct map over
 * it, two for windows, and eight for devices.
 */
#define EARLY_PAGES 40

extern uint64_t page_table_root39[RADIX_ENTRIES];
extern char kernel_image_start[];

/* As entry.S maps it. */
port_direct_map_t port_direct_map = {.base = DIRECT_MAP_SV39, .shift = DIRECT_MAP_SHIFT};

static ALIGNED(4096) unsigned char early_pages[EARLY_PAGES][PAGE_SIZE];
static physical_address_t image_start;
static uint64_t satp;

static uint64_t table_entry(physical_address_t table)
{
    return table.value >> ENTRY_SHIFT | ENTRY_VALID;
}

static uint64_t leaf_entry(physical_address_t page, unsigned level, page_access_t access)
{
    uint64_t entry = page.value >> ENTRY_SHIFT | ENTRY_VALID | ENTRY_READ | ENTRY_ACCESSED | ENTRY_DIRTY;

    (void)level;
    entry |= (access & PAGE_ACCESS_WRITE) != 0 ? ENTRY_WRITE : 0;
    entry |= (access & PAGE_ACCESS_EXECUTE) != 0 ? ENTRY_EXECUTE : 0;
    entry |= (access & PAGE_ACCESS_USER) != 0 ? ENTRY_USER : 0;
    entry |= (access & PAGE_ACCESS_DEVICE) != 0 ? ENTRY_DEVICE : 0;
    return entry;
}

static page_access_t leaf_access(uint64_t entry)
{
    page_access_t access = PAGE_ACCESS_READ;

    access |= (entry & ENTRY_WRITE) != 0 ? PAGE_ACCESS_WRITE : 0;
    access |= (entry & ENTRY_EXECUTE) != 0 ? PAGE_ACCESS_EXECUTE : 0;
    access |= (entry & ENTRY_USER) != 0 ? PAGE_ACCESS_USER : 0;
    access |= (entry & ENTRY_DEVICE) != 0 ? PAGE_ACCESS_DEVICE : 0;
    return access;
}

static void entry_changed(uintptr_t address)
{
    (void)address;
    tlb_flush();
}

/*
 * A hidden page of a user's: not valid to the CPU, whether it asks for the user or for the kernel, and to us an entry that
 * remembers all the rest.
 */
static uint64_t user_leaf_entry(physical_address_t page, unsigned level, page_access_t access)
{
    const uint64_t entry = leaf_entry(page, level, access);

    return (access & PAGE_ACCESS_USER) != 0 ? entry : (entry & ~ENTRY_VALID) | ENTRY_HIDDEN;
}

static radix_format_t format = {
    .levels = PAGE_TABLE_LEVELS_MIN,
    .leaf_level_max = LEAF_LEVEL_MAX,
    .table_entry = table_entry,
    .leaf_entry = leaf_entry,
    .address_shift = ENTRY_SHIFT,
    .address_mask = ENTRY_PAGE,
    .present_mask = ENTRY_VALID,
    .leaf_mask = ENTRY_READ | ENTRY_WRITE | ENTRY_EXECUTE,
    .leaf_access = leaf_access,
    .entry_changed = entry_changed,
};

/* Of user space; as many levels as the kernel's. */
static radix_format_t user_format = {
    .levels = PAGE_TABLE_LEVELS_MIN,
    .leaf_level_max = USER_LEAF_LEVEL_MAX,
    .table_entry = table_entry,
    .leaf_entry = user_leaf_entry,
    .address_shift = ENTRY_SHIFT,
    .address_mask = ENTRY_PAGE,
    .present_mask = ENTRY_VALID | ENTRY_HIDDEN,
    .leaf_mask = ENTRY_READ | ENTRY_WRITE | ENTRY_EXECUTE,
    .leaf_access = leaf_access,
};

kernel_page_table_t kernel_page_table = {
    .table = {.format = &format},
    .devices_next = ADDRESS_DEVICES,
    .devices_end = ADDRESS_DEVICES + ADDRESS_DEVICES_SIZE,
    .device_limit = UINT64_C(1) << PHYSICAL_BITS,
    .early_pages = early_pages,
    .early_pages_left = EARLY_PAGES,
    .mapped_end = BOOT_MAP_SIZE,
};

physical_address_t physical_of_image(const void *pointer)
{
    return physical_address(image_start.value + (uint64_t)((const char *)pointer - kernel_image_start));
}

/* One section of the image, and the same rights less execution for its alias in the direct map at `direct_map`. */
static status_t map_section(const image_section_t *section, uintptr_t direct_map)
{
    const physical_address_t physical = physical_of_image(section->start);
    const uint64_t size = (uint64_t)(section->end - section->start);
    const status_t status = radix_map(&kernel_page_table.table, (uintptr_t)section->start, physical, size,
                                      section->access, page_table_early_page, NULL);

    if (status != STATUS_OK || physical.value + size > BOOT_MAP_SIZE) {
        return status;
    }
    return radix_protect(&kernel_page_table.table, direct_map + physical.value, size,
                         section->access & ~PAGE_ACCESS_EXECUTE, page_table_early_page, NULL);
}

/* Builds tables of so many levels, with the direct map where they have it. */
static status_t build(unsigned levels, uintptr_t direct_map)
{
    kernel_page_table.early_pages_left = EARLY_PAGES;
    format.levels = levels;
    user_format.levels = levels;
    kernel_page_table.table.root = page_table_early_page(NULL);
    machine_zero_page(kernel_page_table.table.root);
    status_t status = radix_map(&kernel_page_table.table, direct_map, physical_address(0), BOOT_MAP_SIZE,
                                PAGE_ACCESS_WRITE, page_table_early_page, NULL);
    for (size_t index = 0; status == STATUS_OK && index < ARRAY_COUNT(image_sections); index++) {
        status = map_section(&image_sections[index], direct_map);
    }
    if (status == STATUS_OK) {
        status = radix_prepare(&kernel_page_table.table, ADDRESS_STACKS, 0, page_table_early_page, NULL);
    }
    return status;
}

void page_table_use_boot_tables(physical_address_t image_physical)
{
    image_start = image_physical;
    kernel_page_table.table.root = physical_to_pointer(physical_of_image(page_table_root39));
}

status_t page_table_prepare(unsigned levels_max)
{
    for (unsigned levels = levels_max; levels >= PAGE_TABLE_LEVELS_MIN; levels--) {
        const port_direct_map_t map = {.base = -(UINT64_C(1) << (ADDRESS_BITS(levels) - 1)),
                                       .shift = ADDRESS_BITS(levels) - 2};
        const status_t status = build(levels, map.base);
        if (status != STATUS_OK) {
            return status;
        }
        const physical_address_t root = pointer_to_physical(kernel_page_table.table.root);
        satp = SATP_MODE_OF(levels) << SATP_MODE_SHIFT | page_of_physical(root).value;
        CSR_WRITE(satp, satp);
        tlb_flush();
        if (CSR_READ(satp) == satp) {
            port_direct_map = map;
            kernel_page_table.table.root = physical_to_pointer(root);
            return STATUS_OK;
        }
    }
    return STATUS_UNSUPPORTED;
}

uint64_t page_table_satp(void)
{
    return satp;
}

unsigned page_table_address_bits(void)
{
    return ADDRESS_BITS(format.levels);
}

const radix_format_t *page_table_user_format(void)
{
    return &user_format;
}
