/*
 * A range of kernel addresses for mappings that come and go: scattered pages made to look like a run, stacks with
 * guards.
 *
 * Who may have which part of it is decided above (mm/kernel_mapping.h); here translations are written. All address
 * spaces share the window. The caller serializes calls.
 */
#ifndef ARCH_KERNEL_WINDOW_H
#define ARCH_KERNEL_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/machine.h"
#include "arch/page_access.h"
#include "base/compiler.h"
#include "base/status.h"
#include "base/units.h"

typedef struct kernel_window {
    uintptr_t start; /* page-aligned, as is the size */
    uint64_t size;
} kernel_window_t;

/* Where it is: the same for the whole run. */
kernel_window_t kernel_window(void);

/*
 * Maps the page at `address`, which is in the window and not mapped, to `page`, for the kernel. Returns
 * STATUS_NO_MEMORY when `source`, which gives the tables, ran dry; they stay.
 */
MUST_USE status_t kernel_window_map(uintptr_t address, physical_address_t page, page_access_t access,
                                    machine_page_source_t source, void *context);

/*
 * Takes the translations of [address, address + size) away; parts without one are passed over. When it returns, no CPU
 * uses one any more. Locks may be held and interrupts masked, here and on the other CPUs.
 */
void kernel_window_unmap(uintptr_t address, uint64_t size);

/*
 * Gives tables that serve [address, address + size) only to release(), when no CPU walks them any more; nothing is mapped
 * there. Tables not given back this way stay for later mappings.
 */
void kernel_window_trim(uintptr_t address, uint64_t size, void (*release)(void *page, void *context), void *context);

/* Where the byte at `address` in the window really is; false when nowhere. */
MUST_USE bool kernel_window_find(uintptr_t address, physical_address_t *physical);

#endif
