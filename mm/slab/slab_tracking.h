/*
 * What the slab core notes about objects of tracked caches (mm/slab_debug.h): records, sites, the trace. One lock
 * guards all of it, LOCK_RANK_TRACKING; nothing is called and nothing reported under it.
 */
#ifndef MM_SLAB_SLAB_TRACKING_H
#define MM_SLAB_SLAB_TRACKING_H

#include "base/spinlock.h"
#include "mm/slab/slab.h"
#include "mm/slab_debug.h"

/* The circumstances of an operation: gathered before the lock is taken, because hooks are the kernel's. */
typedef struct slab_call {
    uintptr_t addresses[SLAB_SITE_DEPTH];
    uint64_t time;
    uint32_t owner;
    uint16_t cpu;
} slab_call_t;

/* --- slab_debug.c: the records --- */

/* All that slab_debug_start() took memory for. NULL members: it is off. Written under the lock. */
typedef struct slab_tracking {
    slab_record_t *records;
    size_t bucket_count; /* a power of two */
    slab_site_t *sites;
    slab_operation_t *trace;
    struct slab_quarantine *quarantines; /* one for each context */
    size_t quarantine_bytes;
    size_t pages;
    uint64_t operations; /* so far */
    uint64_t untracked;
    uint64_t seed;
} slab_tracking_t;

extern slab_tracking_t slab_tracking;

spinlock_hold_t slab_tracking_lock(void);
void slab_tracking_unlock(spinlock_hold_t hold);

/* In debug with the caller's callers: they cost more than all the rest. */
void slab_call_gather(slab_call_t *call, const kmem_cache_t *cache, uintptr_t caller);

/* The lock is held for these. The record of `address`, or NULL. */
slab_record_t *slab_record_find(uintptr_t address);

/* A place for a record of `address`: its own, an empty one, or that of the object freed longest ago; NULL: no room. */
slab_record_t *slab_record_place(uintptr_t address);

/* How many records there may be. No lock. */
size_t slab_record_count(void);

/* Forgets an object. */
void slab_record_forget(slab_record_t *record);

/* Forgets the objects of a slab whose pages go back: what others write there is no write after free. */
void slab_debug_forget(const slab_t *slab);

/* Forgets what may be wrong by now: this slab's objects went by the fast paths. Those in quarantine did not. */
void slab_debug_distrust(const slab_t *slab);

/* Forgets the object at `address`. */
void slab_debug_forget_object(uintptr_t address);

/* --- slab_sites.c; the lock is held --- */

/* The number of the site that `call` was made at. */
uint16_t slab_site_note(const slab_call_t *call);

/* An object of `size` bytes of a site has come, gone, changed its size. */
void slab_site_add(uint16_t site, uint32_t size);
void slab_site_remove(uint16_t site, uint32_t size);
void slab_site_resize(uint16_t site, uint32_t from, uint32_t to);

/* --- slab_trace.c; the lock is held --- */

/* Notes an operation and returns its number. */
uint64_t slab_trace_add(const slab_call_t *call, slab_operation_kind_t kind, const kmem_cache_t *cache,
                        uintptr_t address, uint32_t size, uint16_t site);

/* --- slab_tier.c --- */

/* What a cache of that name starts with. */
slab_tier_t slab_tier_for_new_cache(const char *name);

/* Puts every cache into the tier fast. */
void slab_tiers_reset(void);

#endif
