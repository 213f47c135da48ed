/*
 * Memory as the machine offers it: the direct map, the window of page words, zeroing.
 */
#include "arch/machine.h"

#include "address_map.h"
#include "page_table.h"
#include "registers.h"

const char machine_name[] = "aarch64";

/* DCZID_EL0: the block that DC ZVA zeroes is 4 << BS bytes; DZP prohibits it (Arm ARM, D17.2.31). */
#define ZERO_BLOCK_MASK       UINT64_C(15)
#define ZERO_BLOCK_PROHIBITED UINT64_C(16)

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
    return address >= ADDRESS_PAGE_WORDS && address - ADDRESS_PAGE_WORDS < UINT64_C(1) << ADDRESS_PAGE_WORDS_SHIFT;
}

const void *machine_page_of_word(uintptr_t word_address)
{
    const uint64_t page = (word_address - ADDRESS_PAGE_WORDS) / sizeof(uint64_t);

    return physical_to_pointer(physical_of_page(page_number(page)));
}

status_t machine_map_memory(physical_address_t base, uint64_t size_bytes, machine_page_source_t source, void *context)
{
    const uint64_t limit = machine_physical_limit();

    if (base.value >= limit || size_bytes > limit - base.value) {
        return STATUS_OUT_OF_RANGE;
    }
    const uint64_t start = align_down(base.value, PAGE_SIZE);
    const uint64_t end = align_up(base.value + size_bytes, PAGE_SIZE);
    return page_table_map((uintptr_t)physical_to_pointer(physical_address(start)), physical_address(start), end - start,
                          PAGE_ACCESS_WRITE, source, context);
}

uint64_t machine_physical_limit(void)
{
    /* ID_AA64MMFR0_EL1.PARange; what is beyond the list is beyond the direct map as well. */
    static const uint8_t bits[] = {32, 36, 40, 42, 44, 48};
    const unsigned range = register_field(SYSTEM_REGISTER_READ(id_aa64mmfr0_el1), 0);
    const unsigned reported = range < ARRAY_COUNT(bits) ? bits[range] : ADDRESS_DIRECT_MAP_SHIFT;

    return UINT64_C(1) << (reported < ADDRESS_DIRECT_MAP_SHIFT ? reported : ADDRESS_DIRECT_MAP_SHIFT);
}

void machine_zero_page(void *page)
{
    const uint64_t zeroing = SYSTEM_REGISTER_READ(dczid_el0);
    const uint64_t block = UINT64_C(4) << (zeroing & ZERO_BLOCK_MASK);
    const uintptr_t end = (uintptr_t)page + PAGE_SIZE;

    if ((zeroing & ZERO_BLOCK_PROHIBITED) == 0 && block <= PAGE_SIZE) {
        for (uintptr_t at = (uintptr_t)page; at < end; at += block) {
            __asm__ volatile("dc zva, %0" ::"r"(at) : "memory");
        }
        return;
    }
    for (uintptr_t at = (uintptr_t)page; at < end; at += 2 * sizeof(uint64_t)) {
        __asm__ volatile("stp xzr, xzr, [%0]" ::"r"(at) : "memory");
    }
}
