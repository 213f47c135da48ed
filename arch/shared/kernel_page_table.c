/*
 * The kernel's page table; kernel_page_table.h says what for. Walks are radix_page_table.c's.
 */
#include "kernel_page_table.h"

extern char kernel_text_start[], kernel_text_end[], kernel_rodata_start[], kernel_rodata_end[];
extern char kernel_data_start[], kernel_data_end[], kernel_symbols_start[], kernel_image_end[];

const image_section_t image_sections[IMAGE_SECTION_COUNT] = {
    {kernel_text_start, kernel_text_end, PAGE_ACCESS_EXECUTE},
    {kernel_rodata_start, kernel_rodata_end, PAGE_ACCESS_READ},
    {kernel_data_start, kernel_data_end, PAGE_ACCESS_WRITE},
    {kernel_symbols_start, kernel_image_end, PAGE_ACCESS_READ},
};

status_t page_table_map(uintptr_t address, physical_address_t physical, uint64_t size, page_access_t access,
                        machine_page_source_t source, void *context)
{
    return radix_map(&kernel_page_table.table, address, physical, size, access, source, context);
}

status_t page_table_map_new_page(uintptr_t address, machine_page_source_t source, void *context)
{
    const status_t status = radix_prepare(&kernel_page_table.table, address, 0, source, context);
    if (status != STATUS_OK) {
        return status;
    }
    void *const page = source(context);
    if (page == NULL) {
        return STATUS_NO_MEMORY;
    }
    machine_zero_page(page);
    return page_table_map(address, pointer_to_physical(page), PAGE_SIZE, PAGE_ACCESS_WRITE, source, context);
}

bool page_table_find(uintptr_t address, radix_leaf_t *leaf)
{
    return radix_find(&kernel_page_table.table, address, leaf);
}

bool page_table_covers(physical_address_t physical, uint64_t size)
{
    const uint64_t limit = machine_physical_limit();

    if (physical.value >= limit || size > limit - physical.value) {
        return false;
    }
    const uint64_t end = physical.value + size;
    uint64_t at = physical.value;
    while (at < end) {
        radix_leaf_t leaf;
        if (!page_table_find((uintptr_t)physical_to_pointer(physical_address(at)), &leaf)) {
            return false;
        }
        at = align_down(at, radix_span(leaf.level)) + radix_span(leaf.level);
    }
    return true;
}

volatile void *device_map(physical_address_t physical, uint64_t size)
{
    kernel_page_table_t *const kernel = &kernel_page_table;
    const uint64_t offset = physical.value & PAGE_OFFSET_MASK;
    const uint64_t room = kernel->devices_end - kernel->devices_next;

    if (size == 0 || size > room || offset + size > room || physical.value >= kernel->device_limit ||
        size > kernel->device_limit - physical.value) {
        return NULL;
    }
    const uint64_t mapped_size = align_up(offset + size, PAGE_SIZE);
    const uintptr_t address = kernel->devices_next;
    const status_t status = page_table_map(address, physical_address(physical.value - offset), mapped_size,
                                           PAGE_ACCESS_WRITE | PAGE_ACCESS_DEVICE, page_table_early_page, NULL);
    if (status != STATUS_OK) {
        return NULL;
    }
    kernel->devices_next = address + mapped_size;
    return (volatile void *)(address + offset);
}

void *page_table_early_page(void *context)
{
    (void)context;
    if (kernel_page_table.early_pages_left == 0) {
        return NULL;
    }
    /* By its name in the direct map, as every page has from a source. */
    return physical_to_pointer(physical_of_image(kernel_page_table.early_pages[--kernel_page_table.early_pages_left]));
}
