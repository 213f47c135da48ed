/*
 * Memory as the machine offers it: the direct map, the window of page words, zeroing.
 */
#include "arch/machine.h"

#include "address_map.h"
#include "page_table.h"
#include "registers.h"

const char machine_name[] = "x86_64";

/* CPUID 0x80000008, EAX bits 0 to 7; 36 on CPUs that do not say (Intel SDM vol. 3, 4.1.4). */
#define PHYSICAL_BITS_LEAF    UINT32_C(0x80000008)
#define PHYSICAL_BITS_DEFAULT 36

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
    const uint32_t reported = cpuid_read(PHYSICAL_BITS_LEAF, 0).eax & 0xff;
    const uint32_t bits = reported == 0 ? PHYSICAL_BITS_DEFAULT : reported;

    return UINT64_C(1) << (bits < ADDRESS_DIRECT_MAP_SHIFT ? bits : ADDRESS_DIRECT_MAP_SHIFT);
}

void machine_zero_page(void *page)
{
    uint64_t count = PAGE_SIZE / sizeof(uint64_t);

    /* Microcode moves whole cache lines here (Intel optimization manual, 3.7.6). */
    __asm__ volatile("rep stosq" : "+D"(page), "+c"(count) : "a"(UINT64_C(0)) : "memory");
}
