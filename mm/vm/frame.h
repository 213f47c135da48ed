/*
 * Frames: pages that hold what processes see, each with a count of those who hold it.
 *
 * The count lives in the page's word (arch/page_backend.h), under the code that says "not the slab core's"
 * (mm/slab/page_code.h): so kfree of such a page is told as what it is, the free of a foreign pointer, and its straight
 * line costs nothing more.
 *
 *    63                                      6 5    0
 *   |  how many page tables or objects hold it |  0  |
 *
 * A frame counts for the quota (mm/quota.h; NULL: none) that it was allocated with, and whoever lets go of it last says
 * the same one: those who share a frame share a quota.
 *
 * Holding a frame is what allows to look at its count: a holder that reads 1 is alone, and stays so until it shares the
 * frame itself. Any context; no locks.
 */
#ifndef MM_VM_FRAME_H
#define MM_VM_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/user_page_table.h"
#include "base/compiler.h"
#include "base/units.h"
#include "mm/quota.h"

/* The frames of a large page. */
#define FRAMES_PER_LARGE_PAGE (USER_LARGE_PAGE_SIZE / PAGE_SIZE)

/* One frame, held once, contents unspecified; or NULL, for lack of memory or when the quota is full. */
MUST_USE void *frame_alloc(quota_t *quota);

/* The same, filled with zeros. */
MUST_USE void *frame_alloc_zeroed(quota_t *quota);

/* The frames of a large page in a row, at a multiple of its size, each held once, filled with zeros; or NULL. */
MUST_USE void *frame_alloc_large(quota_t *quota);

/* Whether any of `count` frames in a row, which the caller holds, has another holder. */
MUST_USE bool frames_are_shared(const void *first, size_t count);

/* How many hold this frame, of which the caller is one. */
MUST_USE uint64_t frame_holders(const void *frame);

/* One holder more, for each of `count` frames in a row that the caller holds. */
void frames_share(void *first, size_t count);

/* One holder less; frames that nobody holds any more go back to the page allocator. */
void frames_release(quota_t *quota, void *first, size_t count);

#endif
