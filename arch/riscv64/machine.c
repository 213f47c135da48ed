/*
 * Memory as the CPU offers it: how much it can address, and zeroing. The rest is arch/shared/page_words.c's.
 */
#include "arch/machine.h"

#include "page_table.h"

const char machine_name[] = "riscv64";

uint64_t machine_physical_limit(void)
{
    return UINT64_C(1) << (port_direct_map.shift < PHYSICAL_BITS ? port_direct_map.shift : PHYSICAL_BITS);
}

void machine_zero_page(void *page)
{
    uint64_t *const words = page;

    for (size_t index = 0; index < PAGE_SIZE / sizeof(uint64_t); index += 8) {
        words[index] = 0;
        words[index + 1] = 0;
        words[index + 2] = 0;
        words[index + 3] = 0;
        words[index + 4] = 0;
        words[index + 5] = 0;
        words[index + 6] = 0;
        words[index + 7] = 0;
    }
}
