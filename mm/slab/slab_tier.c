/*
 * Tiers: their names, and how a cache changes from one to another while it is in use.
 *
 * The tier is one word, read by every slow path. From the store on, operations of a tracked cache that come by the slow
 * paths leave records; those that go by a context's current slab do not, and when that context gives the slab up
 * (slab_slot_follow_tier), what records say about the slab's objects is forgotten. So no record is older than what it
 * tells of. Records of an earlier time as a tracked cache go before the tier changes.
 */
#include "mm/slab_tier.h"

#include "arch/page_backend.h"
#include "base/text.h"
#include "mm/slab/slab_quarantine.h"
#include "mm/slab/slab_tracking.h"

static const char *const names[SLAB_TIER_COUNT] = {"fast", "guarded", "debug"};

static slab_tier_t tier_of_new_caches;
static slab_tier_t (*tier_rule)(const char *name);

const char *slab_tier_name(slab_tier_t tier)
{
    return names[tier];
}

bool slab_tier_parse(const char *name, slab_tier_t *tier)
{
    for (unsigned i = 0; i < SLAB_TIER_COUNT; i++) {
        if (text_equal(name, names[i])) {
            *tier = (slab_tier_t)i;
            return true;
        }
    }
    return false;
}

slab_tier_t slab_tier_of(const kmem_cache_t *cache)
{
    return RELAXED_LOAD(&cache->tier);
}

slab_tier_t slab_tier_for_new_cache(const char *name)
{
    if (!slab_debug_is_on()) {
        return SLAB_TIER_FAST;
    }
    return tier_rule != NULL ? tier_rule(name) : tier_of_new_caches;
}

/* The records of the cache's objects, but for those in quarantine. */
static void forget_cache(const kmem_cache_t *cache)
{
    const size_t count = slab_record_count();
    for (size_t i = 0; i < count; i++) {
        const spinlock_hold_t hold = slab_tracking_lock();
        slab_record_t *const record = slab_tracking.records == NULL ? NULL : &slab_tracking.records[i];
        if (record != NULL && record->state != SLAB_RECORD_NONE && record->state != SLAB_RECORD_RESTING &&
            slab_of_address(RELAXED_LOAD(page_word((const void *)record->address)), record->address)->cache == cache) {
            slab_record_forget(record);
        }
        slab_tracking_unlock(hold);
    }
}

/* Nothing here reports, so it may run under the lock of the list of caches. */
static void change_tier(kmem_cache_t *cache, slab_tier_t tier)
{
    if (cache->tier == tier) {
        return;
    }
    if (tier == SLAB_TIER_FAST || cache->tier == SLAB_TIER_FAST) {
        RELAXED_STORE(&cache->tier, SLAB_TIER_FAST);
        forget_cache(cache);
    }
    RELAXED_STORE(&cache->tier, tier);
    if (tier != SLAB_TIER_FAST) {
        slab_context_t *const context = (slab_context_t *)allocation_context_current();
        slab_slot_follow_tier(slab_slot(cache, context), context);
    }
}

status_t slab_tier_set(kmem_cache_t *cache, slab_tier_t tier)
{
    if (tier != SLAB_TIER_FAST && !slab_debug_is_on()) {
        return STATUS_NOT_READY;
    }
    change_tier(cache, tier);
    if (tier == SLAB_TIER_FAST) {
        (void)slab_quarantine_drain(cache);
    }
    return STATUS_OK;
}

/* A cache that is looked for, and what it shall become. */
typedef struct named_change {
    const char *name;
    slab_tier_t tier;
    bool is_found;
} named_change_t;

static void change_if_named(kmem_cache_t *cache, void *argument)
{
    named_change_t *const change = argument;
    if (text_equal(cache->name, change->name)) {
        change_tier(cache, change->tier);
        change->is_found = true;
    }
}

status_t slab_tier_set_named(const char *name, slab_tier_t tier)
{
    named_change_t change = {name, tier, false};
    if (tier != SLAB_TIER_FAST && !slab_debug_is_on()) {
        return STATUS_NOT_READY;
    }
    kmem_caches_visit(change_if_named, &change);
    if (tier == SLAB_TIER_FAST) {
        (void)slab_quarantine_drain(NULL);
    }
    return change.is_found ? STATUS_OK : STATUS_NOT_FOUND;
}

static void follow_default(kmem_cache_t *cache, void *argument)
{
    (void)argument;
    change_tier(cache, slab_tier_for_new_cache(cache->name));
}

static status_t apply_to_all(slab_tier_t tier, slab_tier_t (*rule)(const char *name))
{
    if ((tier != SLAB_TIER_FAST || rule != NULL) && !slab_debug_is_on()) {
        return STATUS_NOT_READY;
    }
    tier_of_new_caches = tier;
    tier_rule = rule;
    kmem_caches_visit(follow_default, NULL);
    (void)slab_quarantine_drain(NULL);
    return STATUS_OK;
}

status_t slab_tier_set_all(slab_tier_t tier)
{
    return apply_to_all(tier, NULL);
}

status_t slab_tier_set_rule(slab_tier_t (*rule)(const char *name))
{
    return apply_to_all(SLAB_TIER_FAST, rule);
}

void slab_tiers_reset(void)
{
    (void)apply_to_all(SLAB_TIER_FAST, NULL);
}
