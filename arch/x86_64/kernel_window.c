/*
 * The kernel's window for mappings that come and go: one entry of the root, which every address space shares. The rest is
 * arch/shared/kernel_window.c's.
 */
#include "arch/kernel_window.h"

#include "address_map.h"
#include "page_table.h"
#include "tlb.h"

kernel_window_t kernel_window(void)
{
    return (kernel_window_t){ADDRESS_WINDOW, ADDRESS_WINDOW_SIZE};
}

void kernel_window_flush(uintptr_t address, uint64_t size)
{
    tlb_flush(UINT64_MAX, address, size);
}
