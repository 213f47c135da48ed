/*
 * The kernel's window for mappings that come and go: one entry of the root, which every address space shares.
 */
#include "arch/kernel_window.h"

#include "address_map.h"
#include "base/check.h"
#include "page_table.h"
#include "tlb.h"

kernel_window_t kernel_window(void)
{
    return (kernel_window_t){ADDRESS_WINDOW, ADDRESS_WINDOW_SIZE};
}

static void check_range(uintptr_t address, uint64_t size)
{
    CHECK(((address | size) & PAGE_OFFSET_MASK) == 0 && address >= ADDRESS_WINDOW &&
              address - ADDRESS_WINDOW <= ADDRESS_WINDOW_SIZE && size <= ADDRESS_WINDOW + ADDRESS_WINDOW_SIZE - address,
          "range outside of the kernel's window");
}

status_t kernel_window_map(uintptr_t address, physical_address_t page, page_access_t access,
                           machine_page_source_t source, void *context)
{
    radix_leaf_t leaf;

    check_range(address, PAGE_SIZE);
    CHECK(!page_table_find(address, &leaf), "kernel page mapped twice");
    return page_table_map(address, page, PAGE_SIZE, access & ~PAGE_ACCESS_USER, source, context);
}

static bool clear_leaf(const radix_table_t *table, uintptr_t address, uint64_t *entry, unsigned level, void *context)
{
    (void)level;
    (void)context;
    radix_set(table, entry, 0, address);
    return true;
}

void kernel_window_unmap(uintptr_t address, uint64_t size)
{
    check_range(address, size);
    (void)radix_walk(&kernel_page_table.table, address, address + size, clear_leaf, NULL);
    tlb_flush(UINT64_MAX, address, size);
}

bool kernel_window_find(uintptr_t address, physical_address_t *physical)
{
    radix_leaf_t leaf;

    check_range(align_down(address, PAGE_SIZE), PAGE_SIZE);
    if (!page_table_find(align_down(address, PAGE_SIZE), &leaf)) {
        return false;
    }
    *physical = leaf.address;
    return true;
}
