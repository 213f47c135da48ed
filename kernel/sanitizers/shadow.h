/*
 * The shadow: for every 8 bytes of memory one byte that says which of them may be accessed (Serebryany et al.,
 * AddressSanitizer, USENIX ATC 2012, section 3.1).
 *
 *   0        all eight
 *   1 to 7   so many, from the first on
 *   else     none, and why: a shadow_kind_t
 *
 * It lies in pages of the page allocator, from shadow_start() to shadow_end(); before and after, everything may be
 * accessed. Addresses outside the direct map have no shadow. Every function may be called from any context; the bytes
 * of one object are changed by who owns the object.
 */
#ifndef KERNEL_SANITIZERS_SHADOW_H
#define KERNEL_SANITIZERS_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "mm/memory_map.h"

#define SHADOW_GRANULE 8u

typedef enum shadow_kind {
    SHADOW_OPEN = 0,
    SHADOW_BEYOND = 0xfc,     /* behind what was asked for, in the object or page run that it came from */
    SHADOW_FREED = 0xfd,      /* an object that was freed */
    SHADOW_FREED_PAGE = 0xff, /* a page that was freed, or never allocated */
} shadow_kind_t;

/*
 * Makes the shadow of all usable memory of `map`, and closes every page that is free. The page allocator is up. Without
 * memory for it, says so and does nothing.
 */
void shadow_start(const memory_map_t *map);

/* Gives the shadow's pages back. */
void shadow_end(void);

/*
 * Opens the first `size` bytes of [start, start + capacity) and closes the rest; both ends are multiples of
 * SHADOW_GRANULE.
 */
void shadow_open(const void *start, size_t size, size_t capacity);

/* Closes [start, start + size), which are multiples of SHADOW_GRANULE. */
void shadow_close(const void *start, size_t size, shadow_kind_t kind);

/* Whether all of [address, address + size) may be accessed; if not, *kind says why. */
MUST_USE bool shadow_allows(uintptr_t address, size_t size, shadow_kind_t *kind);

#endif
