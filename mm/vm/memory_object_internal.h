/*
 * What the rest of mm/vm does with memory objects beyond mm/memory_object.h.
 */
#ifndef MM_VM_MEMORY_OBJECT_INTERNAL_H
#define MM_VM_MEMORY_OBJECT_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/spinlock.h"
#include "mm/kmem_cache.h"
#include "mm/memory_object.h"

/* The fields are mm/vm/memory_object.c's. */
struct memory_object {
    _Atomic uint64_t references;
    quota_t *quota; /* that its pages and its index count for, or NULL */
    uint64_t id;
    uint64_t size; /* a multiple of PAGE_SIZE */
    spinlock_t lock;
    uint64_t pages_resident;
    uint64_t pages_index;
    void ***directory;
};

extern kmem_cache_t *memory_object_cache;

typedef struct memory_object_totals {
    uint64_t created;
    uint64_t destroyed;
    uint64_t pages;
} memory_object_totals_t;

/* One consistent look at all objects' counts: destroyed never exceeds created. */
void memory_object_totals(memory_object_totals_t *totals);

/* Whether [offset, offset + size) is within the object. */
bool memory_object_contains(const memory_object_t *object, uint64_t offset, uint64_t size);

/*
 * The page at `offset`, a multiple of PAGE_SIZE within the object, made (zeros) if it was not there yet; NULL when
 * memory is out. It stays as long as the caller's reference.
 */
MUST_USE void *memory_object_page(memory_object_t *object, uint64_t offset);

/* The same page if it is there, else NULL. */
void *memory_object_page_if_present(memory_object_t *object, uint64_t offset);

/* Makes the object ready to adopt any of its pages without more memory. At most 512 pages long. */
MUST_USE status_t memory_object_prepare(memory_object_t *object);

/* Gives the object, which is prepared and not shared yet, a frame for a place that has none; the hold goes with it. */
void memory_object_adopt(memory_object_t *object, uint64_t offset, void *frame);

/* Releases a reference that is not the last one: needs no more than that. Any context. */
void memory_object_release_early(memory_object_t *object);

uint64_t memory_object_id(const memory_object_t *object);

#endif
