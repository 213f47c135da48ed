/*
 * Object caches: many objects of one size, carved from runs of pages.
 *
 * All functions may be called from any CPU, in thread or interrupt context, unless they say otherwise; none sleeps.
 * Not from exception handlers (arch/cpu_local.h).
 */
#ifndef MM_KMEM_CACHE_H
#define MM_KMEM_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"

typedef struct kmem_cache kmem_cache_t;

#define KMEM_OBJECT_SIZE_MAX 4096
#define KMEM_CACHE_NAME_MAX  31

/* What every object of a cache has in common. */
typedef struct kmem_cache_config {
    const char *name; /* shown in //kern/slab/caches: 1 to KMEM_CACHE_NAME_MAX letters, digits, '-', '_', '.'; copied */
    size_t object_size_bytes; /* 1 to KMEM_OBJECT_SIZE_MAX; rounded up to a multiple of 16, or of the alignment */
    size_t alignment_bytes;   /* 0 (16), or a power of two from 16 to 4096 */
} kmem_cache_config_t;

/*
 * Creates a cache and stores it in *created.
 *
 * Returns STATUS_INVALID when `config` breaks a rule above, STATUS_EXISTS when a cache has that name, and
 * STATUS_NO_MEMORY when the page backend has nothing left; *created is then untouched. Thread context.
 */
MUST_USE status_t kmem_cache_create(const kmem_cache_config_t *config, kmem_cache_t **created);

/* Returns an object with unspecified contents, or NULL when memory is out. */
MUST_USE void *kmem_cache_alloc(kmem_cache_t *cache);

/*
 * Takes back an object that this very cache handed out. `object` may be NULL. Stops the kernel on "double free",
 * "free of a misaligned pointer", "free of a foreign pointer" and "free to the wrong cache".
 */
void kmem_cache_free(kmem_cache_t *cache, void *object);

/* Gives the cache's empty slabs back to the page backend. Returns how many pages that were. */
size_t kmem_cache_shrink(kmem_cache_t *cache);

/*
 * Destroys the cache; every page goes back. Returns STATUS_BUSY, and changes nothing that a user could see, while an
 * object is live. Thread context; no CPU may use the cache any more.
 */
MUST_USE status_t kmem_cache_destroy(kmem_cache_t *cache);

/* Shrinks every cache: for when pages run out. Returns how many pages came free. */
size_t kmem_caches_shrink(void);

/* One snapshot. In it frees never exceed allocations, whatever other CPUs do meanwhile. */
typedef struct kmem_cache_stats {
    char name[KMEM_CACHE_NAME_MAX + 1];
    uint64_t object_size_bytes; /* the distance between objects */
    uint64_t objects_per_slab;
    uint64_t slab_size_bytes;
    uint64_t slabs_held;
    uint64_t slabs_owned;     /* by a CPU's context */
    uint64_t slabs_available; /* in no context: with free objects, without, and with nothing but free objects */
    uint64_t slabs_full;
    uint64_t slabs_empty;
    uint64_t objects_total; /* slabs_held x objects_per_slab: places, red zones included */
    uint64_t objects_live;
    uint64_t objects_live_peak; /* sampled as the cache grows and when statistics are read: a lower bound */
    uint64_t allocations;       /* ever */
    uint64_t frees;             /* ever */
    uint64_t allocations_failed;
    uint64_t remote_frees;          /* frees by other than the owner, as collected */
    uint64_t fragmentation_percent; /* share of held object memory that is not live */
    uint64_t objects_resting;       /* freed, and in quarantine: mm/slab_tier.h */
} kmem_cache_stats_t;

void kmem_cache_stats(kmem_cache_t *cache, kmem_cache_stats_t *stats);

/*
 * Calls visit for every cache, kmalloc's first, in order of creation. The cache stays while visit runs. visit must
 * not create or destroy caches.
 */
void kmem_caches_visit(void (*visit)(kmem_cache_t *cache, void *argument), void *argument);

/* Large blocks (over 4096 bytes), which belong to no cache. */
typedef struct kmalloc_large_stats {
    uint64_t blocks_live;
    uint64_t pages_live;
    uint64_t allocations;
    uint64_t frees;
    uint64_t allocations_failed;
} kmalloc_large_stats_t;

void kmalloc_large_stats(kmalloc_large_stats_t *stats);

/*
 * NULL, or the name of the first broken invariant ("S2"), as mm/slab/slab.h numbers them. While it runs, no CPU may
 * use the cache.
 */
const char *kmem_cache_validate(kmem_cache_t *cache);

/*
 * Makes the slab allocator ready: kmalloc's caches exist from then on. Boot CPU, once, when the page backend works.
 * Needs no memory.
 */
MUST_USE status_t slab_init(void);

/*
 * Ends it: every cache's empty slabs, and the descriptor pages, go back to the page backend. Returns how many objects
 * and large blocks are still live (leaked); 0 is a clean end. Other CPUs are stopped.
 */
uint64_t slab_shutdown(void);

#endif
