/*
 * What one allocation context keeps of the page allocator: the block it has checked out.
 *
 * Only the context's own CPU touches it. All zero is a context with nothing checked out.
 */
#ifndef MM_PAGE_CONTEXT_H
#define MM_PAGE_CONTEXT_H

#include <stdint.h>

#include "base/units.h"

struct page_block; /* mm/pages/page_tree.h: the two state words of 64 pages */

typedef struct page_context {
    struct page_block *block; /* NULL when none is checked out */
    page_number_t first_page; /* of that block */
    uint64_t runs_allocated;  /* by this context, ever */
    uint64_t runs_freed;
    uint64_t pages_allocated;
    uint64_t pages_freed;
    uint64_t requests_failed;
} page_context_t;

#endif
