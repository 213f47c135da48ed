#include "testing/models/slab_tiers.h"

static void stop(void *argument)
{
    (void)argument;
    slab_debug_stop();
}

bool slab_tiers_start(property_run_t *run, const slab_debug_config_t *config)
{
    if (slab_debug_is_on()) {
        return false;
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_debug_start(config));
    property_defer(run, stop, NULL);
    return true;
}

bool slab_tiers_start_drawn(property_run_t *run)
{
    slab_debug_config_t config = {.records = 0};
    config.quarantine_bytes = property_draw(run, 40000);
    config.records = property_draw(run, 2000);
    config.seed = property_draw(run, 1000);
    return slab_tiers_start(run, &config);
}

slab_tier_t slab_tiers_draw(property_run_t *run)
{
    return (slab_tier_t)property_draw(run, SLAB_TIER_COUNT);
}
