/*
 * A cache as the slab core sees it: the geometry of its slabs, and the slabs that no context owns.
 *
 * The lock guards the three lists and the counts beside them. Which list a slab is on follows from its free_word alone.
 */
#ifndef MM_SLAB_SLAB_CACHE_H
#define MM_SLAB_SLAB_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/spinlock.h"
#include "mm/kmem_cache.h"
#include "mm/slab_context.h"
#include "mm/slab_tier.h"

#define SLAB_BYTES_MAX 32768u

struct kmem_cache {
    /* Geometry: written once. */
    uint32_t object_size;       /* distance between objects, in bytes */
    uint32_t object_reciprocal; /* ceil(2^32 / object_size) */
    uint64_t object_bits;       /* objects_per_slab low bits set */
    uint64_t spaced_bits;       /* those that are objects in a slab with red zones; 0 when such a slab has no room */
    uint32_t object_size_asked; /* of object_size: what the cache's user asked for */
    uint8_t object_shift;       /* log2 of object_size, or 0 when that is no power of two */
    uint8_t objects_per_slab;
    uint8_t slabs_per_run; /* 1, 2 or 4: slabs made from one run of pages */
    uint8_t pages_per_run;
    uint8_t slot_number; /* kmalloc's: which of a context's slots */
    uint8_t page_code;   /* in its pages' words */
    uint32_t slab_bytes;
    uint32_t slot_empty_max; /* how many empty slabs a slot keeps */
    slab_slot_t *slots; /* one for each context, by its index; NULL for kmalloc's caches, which use the contexts' own */
    uint64_t *remote_frees; /* as in slab_context_t, by the context's index; NULL for kmalloc's caches */
    char name[KMEM_CACHE_NAME_MAX + 1];

    spinlock_t lock;  /* LOCK_RANK_CACHE */
    list_t available; /* slabs without an owner: some objects free, */
    list_t full;      /* none free, */
    list_t empty;     /* all free */
    uint64_t available_count;
    uint64_t full_count;
    uint64_t empty_count;
    uint64_t slabs_held;
    uint64_t slabs_counted; /* the most slabs held at a count of live objects */
    uint64_t live_peak;

    _Atomic uint64_t failures; /* allocations that got NULL */

    list_link_t link;         /* all caches, under LOCK_RANK_CACHES */
    slab_tier_t tier;         /* read at any time; not fast: each operation comes by the slow paths */
    _Atomic uint64_t resting; /* objects in quarantine: freed, and not free in any word */
    bool is_injected;         /* every allocation asks mm/inject.h: slab_inject.c */
};

/*
 * Fills in the geometry for objects of `object_size` bytes (a multiple of 16, up to 4096) and the tier that caches of
 * that name have; everything else is empty.
 */
void slab_cache_init(kmem_cache_t *cache, const char *name, uint32_t object_size);

/* Adds to, takes from the list of all caches. */
void slab_caches_add(kmem_cache_t *cache);
void slab_caches_remove(kmem_cache_t *cache);

/* How many allocations a slot has seen, ever. */
uint64_t slab_slot_allocations(const slab_slot_t *slot);

/* The sum over all contexts: frees first, so that they never exceed allocations. */
void slab_cache_count(kmem_cache_t *cache, uint64_t *allocations, uint64_t *frees);

#endif
