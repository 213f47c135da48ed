/*
 * Memory as the CPU offers it: how much it can address, and zeroing. The rest is arch/shared/page_words.c's.
 */
#include "arch/machine.h"

#include "address_map.h"
#include "registers.h"

const char machine_name[] = "aarch64";

/* DCZID_EL0: the block that DC ZVA zeroes is 4 << BS bytes; DZP prohibits it (Arm ARM, D17.2.31). */
#define ZERO_BLOCK_MASK       UINT64_C(15)
#define ZERO_BLOCK_PROHIBITED UINT64_C(16)

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
