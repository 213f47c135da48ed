/*
 * Memory objects: pages that several address spaces can map.
 *
 * A reference-counted kernel object of a fixed size. Its pages are zeros until first used, and are taken then.
 * Whoever holds a reference keeps it alive: every area that maps it holds one, and so may handles of processes. The
 * last release gives all pages back.
 *
 * Any CPU, thread context.
 */
#ifndef MM_MEMORY_OBJECT_H
#define MM_MEMORY_OBJECT_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"
#include "base/units.h"
#include "mm/quota.h"

typedef struct memory_object memory_object_t;

#define MEMORY_OBJECT_SIZE_MAX GIB(1)

/*
 * Makes an object of `size` bytes, rounded up to whole pages, with one reference, which is the caller's. Returns
 * STATUS_INVALID for 0 bytes or more than MEMORY_OBJECT_SIZE_MAX, STATUS_NO_MEMORY, and STATUS_NOT_READY before
 * vm_init().
 */
MUST_USE status_t memory_object_create(uint64_t size, memory_object_t **created);

/* The same; its pages and the index to them count for `quota` (mm/quota.h) when they are taken, whoever does it. */
MUST_USE status_t memory_object_create_for(quota_t *quota, uint64_t size, memory_object_t **created);

/* One reference more. Returns `object`. The caller has one. */
memory_object_t *memory_object_retain(memory_object_t *object);

/*
 * One reference less; the last one ends the object. NULL is allowed and does nothing. One release too many stops the
 * kernel with "memory object released too often", while its memory has no other use yet.
 */
void memory_object_release(memory_object_t *object);

/*
 * More than one owner has the object from now on: for allocation tracking (mm/slab_debug.h) it is nobody's. The caller
 * has a reference.
 */
void memory_object_disown(memory_object_t *object);

/*
 * Copies between the kernel's memory and the object, for loaders and tests. STATUS_OUT_OF_RANGE, with nothing copied,
 * when the range is not within the object; STATUS_NO_MEMORY or STATUS_OVER_QUOTA with a part written (reading takes no memory).
 */
MUST_USE status_t memory_object_read(memory_object_t *object, uint64_t offset, void *to, size_t size);
MUST_USE status_t memory_object_write(memory_object_t *object, uint64_t offset, const void *from, size_t size);

/* One snapshot of one object. */
typedef struct memory_object_stats {
    uint64_t id; /* a number that no other object of this run has */
    uint64_t size_bytes;
    uint64_t pages_resident;
    uint64_t pages_index; /* what the object takes to find its pages */
    uint64_t references;
} memory_object_stats_t;

void memory_object_stats(memory_object_t *object, memory_object_stats_t *stats);

/* NULL, or the name of the first broken invariant ("O1"), as mm/vm/memory_object.c numbers them. Nobody uses it. */
const char *memory_object_validate(memory_object_t *object);

#endif
