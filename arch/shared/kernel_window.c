/*
 * The kernel's window (arch/kernel_window.h) in the kernel's page table. The port says where it is, below a part of the root
 * that all address spaces share, and brings kernel_window_flush().
 */
#include "arch/kernel_window.h"

#include "base/check.h"
#include "kernel_page_table.h"

static void check_range(uintptr_t address, uint64_t size)
{
    const kernel_window_t window = kernel_window();

    CHECK(((address | size) & PAGE_OFFSET_MASK) == 0 && address >= window.start &&
              address - window.start <= window.size && size <= window.size - (address - window.start),
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
    kernel_window_flush(address, size);
}

void kernel_window_trim(uintptr_t address, uint64_t size, void (*release)(void *page, void *context), void *context)
{
    check_range(address, size);
    uint64_t *const unlinked = radix_unlink_below_root(&kernel_page_table.table, address, address + size);
    if (unlinked != NULL) {
        const kernel_window_t window = kernel_window();
        /* All of it: a machine that is told an address may go on remembering the tables on the way there. */
        kernel_window_flush(window.start, window.size);
        radix_release(unlinked, release, context);
    }
}

bool kernel_window_find(uintptr_t address, physical_address_t *physical)
{
    radix_leaf_t leaf;

    check_range(align_down(address, PAGE_SIZE), PAGE_SIZE);
    if (!page_table_find(address, &leaf)) {
        return false;
    }
    *physical = leaf.address;
    return true;
}
