/*
 * Memory as the CPU offers it: how much it can address, and zeroing. The rest is arch/shared/page_words.c's.
 */
#include "arch/machine.h"

#include "address_map.h"
#include "registers.h"

const char machine_name[] = "x86_64";

/* CPUID 0x80000008, EAX bits 0 to 7; 36 on CPUs that do not say (Intel SDM vol. 3, 4.1.4). */
#define PHYSICAL_BITS_LEAF    UINT32_C(0x80000008)
#define PHYSICAL_BITS_DEFAULT 36

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
