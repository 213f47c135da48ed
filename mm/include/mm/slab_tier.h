/*
 * Safety tiers of slab caches: how much is checked, at what price. Each cache has its own.
 *
 *   fast      what is checked always: double, wild, misaligned and foreign frees. Costs nothing more.
 *   guarded   for running with: a random place for each object, memory zeroed on free and looked at again before it is
 *             reused, canaries behind objects that leave room in their slot, freed objects that rest in a quarantine.
 *   debug     for finding a bug: freed and fresh objects are filled with patterns, red zones stand on both sides of
 *             each object, and each operation looks at the whole slab.
 *
 * Guarded and debug note who allocated and freed each object (mm/slab_debug.h) and need slab_debug_start() first. What
 * each tier catches is a table in mm/README.md.
 */
#ifndef MM_SLAB_TIER_H
#define MM_SLAB_TIER_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/status.h"
#include "mm/kmem_cache.h"

typedef enum slab_tier { SLAB_TIER_FAST, SLAB_TIER_GUARDED, SLAB_TIER_DEBUG } slab_tier_t;

#define SLAB_TIER_COUNT 3

/* "fast", "guarded", "debug". */
const char *slab_tier_name(slab_tier_t tier);

/* The tier of that name; false, *tier untouched, when there is none. */
MUST_USE bool slab_tier_parse(const char *name, slab_tier_t *tier);

slab_tier_t slab_tier_of(const kmem_cache_t *cache);

/*
 * Puts a cache into another tier. STATUS_NOT_READY, nothing changed, for any but fast before slab_debug_start().
 *
 * Sound at any time, as follows. Objects that are live stay what they are: they have no record, no canary and no red
 * zones, and their free is checked as in fast. Slabs that the cache has already keep their layout: red zones stand in
 * slabs made from now on, so in slabs of before, an object in debug has only what room its slot leaves. The calling
 * context follows at once; another CPU goes on with the current slab that it has until that is used up. Back to fast,
 * what was known about the cache's objects is forgotten, and what rested in quarantine is free.
 */
MUST_USE status_t slab_tier_set(kmem_cache_t *cache, slab_tier_t tier);

/* The same for the cache of that name. STATUS_NOT_FOUND when there is none. */
MUST_USE status_t slab_tier_set_named(const char *name, slab_tier_t tier);

/* The same for every cache there is, and for those created from now on. */
MUST_USE status_t slab_tier_set_all(slab_tier_t tier);

/*
 * Asks `rule` for the tier of each cache by its name: of those there are, as slab_tier_set() does, and of each that is
 * created from now on. NULL ends it. STATUS_NOT_READY as above; rule must not allocate.
 */
MUST_USE status_t slab_tier_set_rule(slab_tier_t (*rule)(const char *name));

#endif
