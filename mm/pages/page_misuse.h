/*
 * What callers of the page allocator get wrong, and how it is told: a report to the log, then the check that stops the
 * kernel.
 */
#ifndef MM_PAGES_PAGE_MISUSE_H
#define MM_PAGES_PAGE_MISUSE_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/units.h"

/* The messages are in page_misuse.c, and part of the contract in arch/page_backend.h. */
typedef enum page_misuse {
    PAGE_MISUSE_NONE = 0,
    PAGE_MISUSE_FREE,
    PAGE_MISUSE_RESERVED,
    PAGE_MISUSE_INVALID,
    PAGE_MISUSE_FOREIGN,
    PAGE_MISUSE_MISALIGNED,
    PAGE_MISUSE_COUNT,
    PAGE_MISUSE_KINDS
} page_misuse_t;

/* Stops the kernel over a free of `count` pages from `first` on, because of `page`. No lock is held. */
NORETURN COLD void page_misuse_report(page_misuse_t misuse, page_number_t first, uint64_t count, page_number_t page);

/* The same for what is no page of the allocator at all, or not the start of one. */
NORETURN COLD void page_misuse_report_pointer(page_misuse_t misuse, const void *pointer, uint64_t count);

#endif
