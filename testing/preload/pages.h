/*
 * The page backend: a page tree over a range of addresses that is reserved at once and committed as it is first used.
 *
 * Callers have entered a context (context.h). What has been free for a while goes back to the system.
 */
#ifndef TESTING_PRELOAD_PAGES_H
#define TESTING_PRELOAD_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"

/* Reserves the range. STATUS_NO_MEMORY when the system has no addresses left for us. */
MUST_USE status_t preload_pages_start(void);

/*
 * Returns `count` pages in a row at a multiple of `alignment` pages, a power of two (0: no matter), or NULL. Sets
 * *is_zeroed if none of them was ever written to, or not since they went to the system and came back.
 */
MUST_USE void *preload_pages_alloc(size_t count, size_t alignment, bool *is_zeroed);

/* Gives to the system what is free. Returns how many bytes went. */
size_t preload_pages_trim(void);

/* Puts back the block of pages that the context has checked out. */
struct preload_context;
void preload_pages_drain(struct preload_context *context);

#endif
