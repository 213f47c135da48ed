/*
 * What the slab suites share: a cache of their own with its model, a way to act from a second context, and a count of
 * pages.
 */
#ifndef TESTING_MODELS_SLAB_FIXTURE_H
#define TESTING_MODELS_SLAB_FIXTURE_H

#include "arch/cpu_local.h"
#include "mm/kmem_cache.h"
#include "testing/models/live_objects.h"

#define SLAB_FIXTURE_OBJECTS_MAX 400

/* Who does an operation: this CPU's thread, its interrupt level, or the thread of a CPU that is played by this one. */
typedef enum slab_actor { SLAB_ACTOR_SELF, SLAB_ACTOR_INTERRUPT, SLAB_ACTOR_GUEST, SLAB_ACTOR_COUNT } slab_actor_t;

/* A cache and the objects that should be live in it. */
typedef struct slab_fixture {
    property_run_t *run;
    kmem_cache_t *cache;
    live_objects_t live;
    size_t object_size;
    size_t alignment;
    uint64_t allocations; /* what statistics should say */
    uint64_t frees;
    cpu_t guest; /* contexts of a CPU that comes and goes; without any while it is away */
} slab_fixture_t;

/*
 * Makes a cache for objects of a drawn size and alignment. It is destroyed, its live objects freed, when the run is
 * over.
 */
slab_fixture_t *slab_fixture_open(property_run_t *run);

/* The same for objects of `object_size` bytes. */
slab_fixture_t *slab_fixture_open_sized(property_run_t *run, size_t object_size, size_t alignment);

/* Allocates, or frees a drawn object. */
void slab_fixture_alloc(slab_fixture_t *fixture, slab_actor_t actor);
void slab_fixture_free(slab_fixture_t *fixture, slab_actor_t actor);

/* Runs function(argument) as `actor`. A guest that is away comes first. */
void slab_fixture_act(slab_fixture_t *fixture, slab_actor_t actor, void (*function)(void *argument), void *argument);

/* Has the guest's CPU leave: what its contexts own goes to the caches. Nothing happens while it is away. */
void slab_fixture_guest_leave(slab_fixture_t *fixture);

/* Draws one operation, does it to the cache and to the model. */
void slab_fixture_step(slab_fixture_t *fixture);

/* Expects the validator to find nothing and the statistics to agree with the model and with each other. */
void slab_fixture_expect_agreement(slab_fixture_t *fixture);

/* Runs function(argument) in interrupt context on this CPU and comes back when it is done. */
void slab_in_interrupt(property_run_t *run, void (*function)(void *argument), void *argument);

/* Pages handed out now, when all that caches keep in hand has gone back. */
uint64_t slab_pages_in_use(void);

#endif
