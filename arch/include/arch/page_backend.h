/*
 * The page backend: all that the slab core needs of the kernel it lives in.
 *
 * Here mm/pages provides it; a foreign kernel that embeds the slab core writes these five functions and nothing else:
 *
 *   pages_alloc, pages_free         where memory comes from and goes back to
 *   page_word, page_words_claim     one 64-bit word a page, which leads the slab core from an address to its descriptor
 *   allocation_context_current      this CPU's (or interrupt level's) context: arch/inline.h
 *
 * besides the spinlock of base/spinlock.h, which needs cpu_relax() and the interrupt mask. Declared low and defined
 * higher, by linking: the one such place in the tree.
 *
 * All functions may be called from any CPU and from interrupt handlers; none sleeps.
 */
#ifndef ARCH_PAGE_BACKEND_H
#define ARCH_PAGE_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "arch/inline.h"
#include "base/compiler.h"
#include "base/status.h"
#include "base/units.h"

/*
 * Returns `count` pages in a row, contents unspecified, or NULL when no such run is free. `count` is at least 1. A run
 * whose count is a power of two up to 64 starts at a multiple of its own size. The caller owns the run until
 * pages_free(). A backend may place runs as its structure has it (ours: up to 64 pages within 64 aligned ones), and so
 * refuse a run that free pages across such a boundary would make up.
 */
MUST_USE void *pages_alloc(size_t count);

/*
 * Takes back `count` pages that start at `address`: a run, or any part of one. Stops the kernel, with nothing
 * changed, on "free of a free page", "free of a reserved page", "free of an invalid page", "free of a foreign page",
 * "free of a misaligned address" and "page count out of range".
 */
void pages_free(void *address, size_t count);

/*
 * Takes `count` pages that start at `address` out of service for good: bad memory. Free pages leave the allocator at
 * once; an allocated page leaves it too and is never handed out again (its owner must not free it). Returns
 * STATUS_OUT_OF_RANGE when a page is no memory that the allocator knows or is reserved, STATUS_NO_MEMORY when there is
 * no room to note it, STATUS_INVALID for misalignment and a count of 0; nothing is then changed.
 */
MUST_USE status_t pages_mark_invalid(void *address, size_t count);

/*
 * Makes the words of a run writable, and sets each of them to `value`. The slab core calls it once for a run that it
 * got from pages_alloc(), before it writes the words. Returns STATUS_NO_MEMORY when the words have no room; nothing
 * is then changed.
 */
MUST_USE status_t page_words_claim(const void *address, size_t count, uint64_t value);

/*
 * page_word(pointer), in port.h: where the word of the page that holds `pointer` lives, or NULL when no page of the
 * backend can be there. A word that was never claimed reads as zero, or faults: then the backend's fault handler
 * reports the free of a foreign pointer (see page_words_fault_address in mm/pages.h). The slab core owns the words'
 * contents, also of runs that it gave back: there they tell a double free from the free of a foreign pointer, until
 * the run is claimed again.
 */

#endif
