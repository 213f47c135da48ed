/*
 * Objects that were freed and rest before anybody gets them again: a queue for each context, bounded in bytes.
 *
 * To the slab a resting object is in use; to statistics it is freed, and counted by kmem_cache_t.resting. Its record
 * says SLAB_RECORD_RESTING for as long, so a second free is told. When it leaves, what its free filled it with is
 * looked at: "write after free".
 */
#ifndef MM_SLAB_SLAB_QUARANTINE_H
#define MM_SLAB_SLAB_QUARANTINE_H

#include "mm/slab/slab.h"
#include "mm/slab_debug.h"

#define SLAB_QUARANTINE_OBJECTS_MAX 61u

/* Under LOCK_RANK_TRACKING. Places of objects that left out of turn are 0. */
typedef struct slab_quarantine {
    uint64_t random_state; /* the context's random numbers: only it draws them */
    uint32_t first;
    uint32_t count;
    size_t bytes;
    uintptr_t objects[SLAB_QUARANTINE_OBJECTS_MAX];
} slab_quarantine_t;

_Static_assert(sizeof(slab_quarantine_t) == 512, "quarantines don't share cache lines");

/*
 * Lets a freed object rest, if it ever may: false when it is larger than the whole quarantine. The lock is held, and
 * the caller then calls slab_quarantine_settle() without it.
 */
MUST_USE bool slab_quarantine_add(slab_context_t *context, const slab_t *slab, uintptr_t address);

/* Makes the oldest objects of the calling context free until the bound holds. */
void slab_quarantine_settle(slab_context_t *context);

/*
 * Makes all resting objects of `cache`, or of every cache when that is NULL, free, whoever freed them. Returns how
 * many.
 */
size_t slab_quarantine_drain(const kmem_cache_t *cache);

/* The same for the objects that `context` freed; it is the calling one, or its CPU has stopped allocating. */
void slab_quarantine_drain_context(slab_context_t *context);

#endif
