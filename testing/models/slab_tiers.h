/*
 * Tiers for one run of a property: tracking begins with it and ends with it.
 */
#ifndef TESTING_MODELS_SLAB_TIERS_H
#define TESTING_MODELS_SLAB_TIERS_H

#include "mm/slab_debug.h"
#include "mm/slab_tier.h"
#include "testing/models/slab_fixture.h"

/*
 * Starts tracking with `config` until the run is over; caches stay in their tiers. Returns false, having done nothing,
 * when the whole kernel is tracked: then its own configuration holds.
 */
bool slab_tiers_start(property_run_t *run, const slab_debug_config_t *config);

/* The same with a drawn configuration of few records to many, with a quarantine and without. */
bool slab_tiers_start_drawn(property_run_t *run);

/* A drawn tier. */
slab_tier_t slab_tiers_draw(property_run_t *run);

#endif
