/*
 * The kernel's own mappings: scattered pages made to look like a run, and stacks that end in a guard.
 *
 * Each takes a part of the kernel's window (arch/kernel_window.h) with an unmapped page on both sides, so that what
 * runs off an end faults instead of meeting its neighbour. On the host, where the window is walked by software only,
 * the addresses are not to be followed (kernel_mapping_is_followable()).
 *
 * Any CPU, thread context.
 */
#ifndef MM_KERNEL_MAPPING_H
#define MM_KERNEL_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/page_access.h"
#include "base/compiler.h"
#include "base/status.h"
#include "base/units.h"

/* The most pages of one mapping, and the largest stack. */
#define KERNEL_MAPPING_PAGES_MAX 4096
#define KERNEL_STACK_SIZE_MAX    KIB(256)

/*
 * Makes `count` pages (pages[i] is the first byte of one, through the direct map; they stay the caller's) a run at
 * *address, with these rights: PAGE_ACCESS_READ or PAGE_ACCESS_WRITE. Returns STATUS_INVALID for another count than 1
 * to KERNEL_MAPPING_PAGES_MAX, other rights, or what is no page; STATUS_OUT_OF_RANGE when the window has no such
 * place; STATUS_NO_MEMORY. Nothing is then mapped.
 */
MUST_USE status_t kernel_mapping_map(void *const *pages, size_t count, page_access_t access, void **address);

/*
 * Ends the mapping that starts at `address`. When it returns, no CPU can use it. Stops the kernel with "unmap of no
 * kernel mapping" when there is none, or when it is a stack.
 */
void kernel_mapping_unmap(void *address);

/*
 * Makes a stack of `size` bytes (a multiple of PAGE_SIZE up to KERNEL_STACK_SIZE_MAX) of its own pages, contents
 * unspecified, and stores its lowest address in *stack; it ends at *stack + size. Below it is a guard. Fails as
 * kernel_mapping_map() does.
 */
MUST_USE status_t kernel_stack_create(size_t size, void **stack);

/* Takes a stack back, pages and all. Nobody runs on it. Stops the kernel with "destroy of no kernel stack". */
void kernel_stack_destroy(void *stack);

/* What an address in the window is. */
typedef enum kernel_mapping_place {
    KERNEL_MAPPING_NOWHERE, /* not in the window, or nobody's */
    KERNEL_MAPPING_INSIDE,
    KERNEL_MAPPING_GUARD_BELOW, /* the page below a mapping: where a stack that is used up arrives */
    KERNEL_MAPPING_GUARD_ABOVE,
} kernel_mapping_place_t;

/*
 * Says what `address` is, without locks, from the translations alone: for fault handlers. While mappings come and go
 * nearby, the answer may be that of a moment before.
 */
kernel_mapping_place_t kernel_mapping_place(uintptr_t address);

/* NULL, or the name of the first broken invariant ("K1"), as mm/vm/kernel_mapping.c numbers them. Nobody maps. */
const char *kernel_mapping_validate(void);

#endif
