/*
 * The direct map and the window of page words of ports with an MMU: implements arch/machine.h but for what the CPU itself
 * has to say (machine_name, machine_physical_limit, machine_zero_page).
 *
 * The window is where page_word() sends the direct map, so nothing here knows an address.
 */
#include "arch/machine.h"

#include "kernel_page_table.h"

static uintptr_t window_base(void)
{
    return (uintptr_t)page_word(physical_to_pointer(physical_address(0)));
}

status_t machine_back_page_words(const uint64_t *word, machine_page_source_t source, void *context)
{
    const uintptr_t page_address = align_down((uintptr_t)word, PAGE_SIZE);

    if (!machine_page_words_contain(page_address)) {
        return STATUS_OUT_OF_RANGE;
    }
    if (machine_page_words_are_backed(word)) {
        return STATUS_OK;
    }
    return page_table_map_new_page(page_address, source, context);
}

bool machine_page_words_are_backed(const uint64_t *word)
{
    radix_leaf_t leaf;

    return page_table_find((uintptr_t)word, &leaf);
}

bool machine_page_words_contain(uintptr_t address)
{
    const uint64_t size = (UINT64_C(1) << ADDRESS_DIRECT_MAP_SHIFT) / PAGE_SIZE * sizeof(uint64_t);

    return address >= window_base() && address - window_base() < size;
}

const void *machine_page_of_word(uintptr_t word_address)
{
    const uint64_t page = (word_address - window_base()) / sizeof(uint64_t);

    return physical_to_pointer(physical_of_page(page_number(page)));
}

status_t machine_map_memory(physical_address_t base, uint64_t size_bytes, machine_page_source_t source, void *context)
{
    const uint64_t limit = machine_physical_limit();

    if (base.value >= limit || size_bytes > limit - base.value) {
        return STATUS_OUT_OF_RANGE;
    }
    const uint64_t mapped_end = kernel_page_table.mapped_end;
    const uint64_t start = align_down(base.value > mapped_end ? base.value : mapped_end, PAGE_SIZE);
    const uint64_t end = align_up(base.value + size_bytes, PAGE_SIZE);
    if (end <= start) {
        return STATUS_OK;
    }
    return page_table_map((uintptr_t)physical_to_pointer(physical_address(start)), physical_address(start), end - start,
                          PAGE_ACCESS_WRITE, source, context);
}
