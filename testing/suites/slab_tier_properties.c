/*
 * Correct use in every tier: nothing is told that is not so, and all promises of the tier fast hold as before. What
 * is wrong is in slab_tier_misuse_properties.c.
 */
#include <stdatomic.h>

#include "arch/cpu_jobs.h"
#include "mm/kmalloc.h"
#include "mm/pages/page_inject.h"
#include "testing/models/slab_tiers.h"

#define BLOCKS_MAX 150

/*
 * Validates 1.14, 5.1, 5.3, 5.5: a cache whose tier changes at any time, with objects live, serves its users as
 * before.
 */
static void a_cache_serves_as_before_while_its_tier_changes(property_run_t *run)
{
    (void)slab_tiers_start_drawn(run);
    slab_fixture_t *const fixture = slab_fixture_open(run);
    for (uint32_t step = 0; step < run->steps; step++) {
        if (property_draw(run, 8) == 1) {
            const slab_tier_t tier = slab_tiers_draw(run);
            PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set(fixture->cache, tier));
            PROPERTY_EXPECT_EQUAL(run, slab_tier_of(fixture->cache), tier);
        }
        slab_fixture_step(fixture);
        slab_fixture_expect_agreement(fixture);
    }
}

static void free_all(void *argument)
{
    live_objects_t *const live = argument;
    while (live->count != 0) {
        kfree(live->objects[--live->count].address);
    }
}

/* Takes a block out of the model, makes it another size, and puts it back. */
static void resize_one(property_run_t *run, live_objects_t *live)
{
    const size_t index = property_draw(run, live->count);
    const size_t size = property_size_skewed(run, 5000);
    const live_object_t old = live->objects[index];
    void *const kept = live_objects_remove(live, index);
    unsigned char *const block = krealloc(kept, size);
    PROPERTY_EXPECT(run, block != NULL);
    live_objects_expect_bytes(run, block, size < old.size_bytes ? size : old.size_bytes, old.pattern);
    live_objects_add(live, block, size);
}

/* Takes a block out of the model, and puts it back with all the room that it really has. */
static void use_all_of_one(property_run_t *run, live_objects_t *live)
{
    const size_t index = property_draw(run, live->count);
    const size_t asked = live->objects[index].size_bytes;
    void *const block = live_objects_remove(live, index);
    const size_t usable = kmalloc_usable_size(block);
    PROPERTY_EXPECT(run, usable >= asked);
    live_objects_add(live, block, usable);
}

/*
 * Validates 1.1, 1.2, 1.3, 5.1, 5.3, 5.5: blocks of all sizes keep their contents and their alignment in every tier,
 * grow and shrink, and may be used to the end of what they have.
 */
static void blocks_keep_their_contents_in_every_tier(property_run_t *run)
{
    live_objects_t *const live = property_alloc(run, sizeof *live);
    const bool is_ours = slab_tiers_start_drawn(run);
    *live = live_objects_new(run, BLOCKS_MAX);
    property_defer(run, free_all, live);
    if (is_ours) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set_all(slab_tiers_draw(run)));
    }
    for (uint32_t step = 0; step < run->steps * 4; step++) {
        const uint64_t what = property_draw(run, 6);
        const size_t size = property_size_skewed(run, 5000);
        if (live->count == 0 || (what < 3 && live->count < live->capacity)) {
            void *const block = kmalloc(size);
            PROPERTY_EXPECT(run, block != NULL);
            size_t class = 16;
            while (class < size && class < 4096) {
                class *= 2;
            }
            const size_t alignment = KMALLOC_HAS_TRIPLES && class > 32 ? class / 4 : class;
            PROPERTY_EXPECT_EQUAL(run, (uintptr_t)block % alignment, 0);
            live_objects_add(live, block, size);
        } else if (what == 3) {
            resize_one(run, live);
        } else if (what == 4) {
            use_all_of_one(run, live);
        } else {
            kfree(live_objects_remove(live, property_draw(run, live->count)));
        }
    }
}

/* How many bytes rest in the calling context's quarantine. */
static size_t resting_bytes(const slab_fixture_t *fixture)
{
    kmem_cache_stats_t stats;
    kmem_cache_stats(fixture->cache, &stats);
    return stats.objects_resting * stats.object_size_bytes;
}

/*
 * Validates 5.3: a freed object rests, is nobody's as long as it does, and the oldest leaves first; the bound in bytes
 * holds after every free; under pressure all of them leave.
 */
static void the_quarantine_keeps_its_bound_and_its_order(property_run_t *run)
{
    const slab_debug_config_t config = {.records = 4000, .quarantine_bytes = property_draw(run, 20000), .seed = 1};
    slab_fixture_t *const fixture = slab_fixture_open(run);
    if (!slab_tiers_start(run, &config)) {
        return;
    }
    const slab_tier_t tier = property_bool(run) ? SLAB_TIER_DEBUG : SLAB_TIER_GUARDED;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set(fixture->cache, tier));
    slab_record_t record;
    for (uint32_t step = 0; step < run->steps; step++) {
        slab_fixture_alloc(fixture, SLAB_ACTOR_SELF);
        if (property_bool(run) && fixture->live.count != 0) {
            const uintptr_t freed = (uintptr_t)fixture->live.objects[0].address;
            kmem_cache_free(fixture->cache, live_objects_remove(&fixture->live, 0));
            fixture->frees++;
            PROPERTY_EXPECT(run, resting_bytes(fixture) <= config.quarantine_bytes);
            PROPERTY_EXPECT(run, slab_debug_find(freed, &record));
            kmem_cache_stats_t stats;
            kmem_cache_stats(fixture->cache, &stats);
            const bool may_rest = stats.object_size_bytes <= config.quarantine_bytes;
            PROPERTY_EXPECT_EQUAL(run, record.state, may_rest ? SLAB_RECORD_RESTING : SLAB_RECORD_FREE);
        }
        slab_fixture_expect_agreement(fixture);
    }
    (void)kmem_caches_shrink();
    PROPERTY_EXPECT_EQUAL(run, resting_bytes(fixture), 0);
    slab_fixture_expect_agreement(fixture);
}

/* The places in its slab that objects of a fresh cache in tier guarded take, in order. */
static void places_taken(property_run_t *run, uint64_t seed, uint32_t *places, size_t count)
{
    const slab_debug_config_t config = {.records = 1000, .seed = seed};
    const kmem_cache_config_t cache_config = {"places", 64, 0};
    kmem_cache_t *cache;
    void *objects[64];
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_debug_start(&config));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_create(&cache_config, &cache));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set(cache, SLAB_TIER_GUARDED));
    for (size_t i = 0; i < count; i++) {
        objects[i] = kmem_cache_alloc(cache);
        PROPERTY_EXPECT(run, objects[i] != NULL);
        places[i] = (uint32_t)((uintptr_t)objects[i] & 4095);
    }
    for (size_t i = 0; i < count; i++) {
        kmem_cache_free(cache, objects[i]);
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_destroy(cache));
    slab_debug_stop();
}

/* Validates 1.14: guarded takes places at random, another order for another seed, and the same for the same. */
static void places_are_random_and_repeat_with_the_seed(property_run_t *run)
{
    uint32_t first[40];
    uint32_t again[40];
    uint32_t other[40];
    size_t differ = 0;
    const uint64_t seed = property_bits64(run);
    if (slab_debug_is_on()) {
        return;
    }
    places_taken(run, seed, first, ARRAY_COUNT(first));
    places_taken(run, seed, again, ARRAY_COUNT(again));
    places_taken(run, seed + 1, other, ARRAY_COUNT(other));
    for (size_t i = 0; i < ARRAY_COUNT(first); i++) {
        PROPERTY_EXPECT_EQUAL(run, first[i], again[i]);
        differ += first[i] != other[i];
    }
    /* 40 of 64 places: the same orders by chance are one in more than 10^60. */
    PROPERTY_EXPECT(run, differ > 0);
}

static void end_refusals(void *argument)
{
    (void)argument;
    (void)pages_inject_end(NULL);
}

/*
 * Validates 1.14, 3.10: without memory for records tracking does not begin and nothing has changed; with too few, what
 * has no record is counted, and served as in fast.
 */
static void lack_of_room_for_records_is_harmless(property_run_t *run)
{
    const slab_debug_config_t config = {.records = 1 + property_draw(run, 100000), .seed = 1};
    if (slab_debug_is_on()) {
        return;
    }
    const uint64_t before = slab_pages_in_use();
    pages_inject(0, UINT64_MAX);
    property_defer(run, end_refusals, NULL);
    PROPERTY_EXPECT_STATUS(run, STATUS_NO_MEMORY, slab_debug_start(&config));
    PROPERTY_EXPECT(run, !slab_debug_is_on());
    PROPERTY_EXPECT_STATUS(run, STATUS_NOT_READY, slab_tier_set_all(SLAB_TIER_GUARDED));
    (void)pages_inject_end(NULL);
    PROPERTY_EXPECT_EQUAL(run, slab_pages_in_use(), before);

    const slab_debug_config_t few = {.records = 1, .quarantine_bytes = property_draw(run, 4000), .seed = 1};
    slab_fixture_t *const fixture = slab_fixture_open_sized(run, 32, 0);
    PROPERTY_EXPECT(run, slab_tiers_start(run, &few));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set(fixture->cache, SLAB_TIER_DEBUG));
    for (uint32_t i = 0; i < SLAB_FIXTURE_OBJECTS_MAX; i++) {
        slab_fixture_alloc(fixture, SLAB_ACTOR_SELF);
    }
    PROPERTY_EXPECT(run, slab_debug_untracked() > 0);
    while (fixture->live.count != 0) {
        slab_fixture_free(fixture, SLAB_ACTOR_SELF);
    }
    slab_fixture_expect_agreement(fixture);
}

/* What all sites hold together. */
static slab_site_t all_sites(void)
{
    slab_site_t sum = {.addresses = {0}};
    slab_site_t site;
    for (uint32_t number = 0; slab_debug_site(number, &site); number++) {
        sum.objects_live += site.objects_live;
        sum.bytes_live += site.bytes_live;
    }
    return sum;
}

/* Validates 5.4, 5.10: what call sites hold is what is live, in objects and in bytes asked for, after every step. */
static void sites_hold_what_is_live(property_run_t *run)
{
    const slab_debug_config_t config = {.records = 16000, .quarantine_bytes = property_draw(run, 8000), .seed = 1};
    live_objects_t *const live = property_alloc(run, sizeof *live);
    *live = live_objects_new(run, BLOCKS_MAX);
    if (!slab_tiers_start(run, &config)) {
        return;
    }
    property_defer(run, free_all, live);
    const slab_tier_t tier = property_bool(run) ? SLAB_TIER_DEBUG : SLAB_TIER_GUARDED;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set_all(tier));
    uint64_t bytes = 0;
    for (uint32_t step = 0; step < run->steps; step++) {
        const bool frees = property_bool(run);
        const size_t size = property_size_skewed(run, 4096);
        if (frees && live->count != 0) {
            const size_t index = property_draw(run, live->count);
            bytes -= live->objects[index].size_bytes;
            kfree(live_objects_remove(live, index));
        } else if (live->count < live->capacity) {
            live_objects_add(live, kmalloc(size), size);
            bytes += size;
        }
        const slab_site_t sum = all_sites();
        PROPERTY_EXPECT_EQUAL(run, sum.objects_live, live->count);
        PROPERTY_EXPECT_EQUAL(run, sum.bytes_live, bytes);
    }
    PROPERTY_EXPECT_EQUAL(run, slab_debug_untracked(), 0);
}

/* Validates 5.4: the trace has the newest operations, in order, each with its object. */
static void the_trace_has_the_newest_operations_in_order(property_run_t *run)
{
    const slab_debug_config_t config = {.records = 1000, .seed = 1};
    slab_fixture_t *const fixture = slab_fixture_open_sized(run, 48, 0);
    if (!slab_tiers_start(run, &config)) {
        return;
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set(fixture->cache, SLAB_TIER_GUARDED));
    const uint64_t pairs = property_draw(run, 600);
    for (uint64_t i = 0; i < pairs; i++) {
        slab_fixture_alloc(fixture, SLAB_ACTOR_SELF);
        slab_fixture_free(fixture, SLAB_ACTOR_SELF);
    }
    const uint64_t total = pairs * 2;
    uint64_t expected = total > SLAB_TRACE_COUNT ? total - SLAB_TRACE_COUNT + 1 : 1;
    slab_operation_t operation;
    for (uint64_t from = 0; slab_debug_operation(from, &operation); from = operation.number + 1) {
        PROPERTY_EXPECT_EQUAL(run, operation.number, expected++);
        PROPERTY_EXPECT_EQUAL(run, operation.kind,
                              operation.number % 2 != 0 ? SLAB_OPERATION_ALLOC : SLAB_OPERATION_FREE);
        PROPERTY_EXPECT_EQUAL(run, operation.size_bytes, 48);
        PROPERTY_EXPECT_TEXT(run, "fixture", operation.cache);
    }
    PROPERTY_EXPECT_EQUAL(run, expected, total + 1);
}

/* ---- owners ---- */

#define OWNERS 4u

/* Whom the property allocates for; CPUs that take part in nothing allocate nothing. */
static uint32_t owner_now;

static uint32_t tell_owner(void)
{
    return owner_now;
}

static const slab_debug_hooks_t owner_hooks = {.owner = tell_owner};

typedef struct hooks_before {
    const slab_debug_hooks_t *hooks;
} hooks_before_t;

static void restore_hooks(void *argument)
{
    const hooks_before_t *const before = argument;
    (void)slab_debug_set_hooks(before->hooks);
}

/* Validates 5.4, 5.10: what is live is told by owner, in objects and in bytes asked for. */
static void what_is_live_is_told_by_owner(property_run_t *run)
{
    const slab_debug_config_t config = {.records = 4000, .quarantine_bytes = property_draw(run, 4000), .seed = 1};
    slab_fixture_t *const fixture = slab_fixture_open_sized(run, property_range(run, 1, 100), 0);
    uint64_t objects[OWNERS] = {0};
    uint32_t owners[SLAB_FIXTURE_OBJECTS_MAX];
    if (slab_debug_is_on()) {
        return;
    }
    hooks_before_t *const before = property_alloc(run, sizeof *before);
    before->hooks = slab_debug_set_hooks(&owner_hooks);
    property_defer(run, restore_hooks, before);
    PROPERTY_EXPECT(run, slab_tiers_start(run, &config));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set(fixture->cache, SLAB_TIER_GUARDED));
    for (uint32_t step = 0; step < run->steps; step++) {
        const bool frees = property_bool(run);
        owner_now = (uint32_t)property_draw(run, OWNERS);
        if (!frees && fixture->live.count < fixture->live.capacity) {
            owners[fixture->live.count] = owner_now;
            objects[owner_now]++;
            slab_fixture_alloc(fixture, SLAB_ACTOR_SELF);
        } else if (fixture->live.count != 0) {
            /* Who frees does not matter. */
            objects[owners[--fixture->live.count]]--;
            kmem_cache_free(fixture->cache, fixture->live.objects[fixture->live.count].address);
            fixture->frees++;
        }
        for (uint32_t owner = 0; owner < OWNERS; owner++) {
            uint64_t count;
            uint64_t bytes;
            slab_debug_owned(owner, &count, &bytes);
            PROPERTY_EXPECT_EQUAL(run, count, objects[owner]);
            PROPERTY_EXPECT_EQUAL(run, bytes, objects[owner] * fixture->object_size);
        }
    }
}

/* ---- all CPUs at once ---- */

#define PLACES          128u
#define OPERATIONS_EACH 400u

typedef struct crowd {
    property_run_t *run;
    uint64_t seed;
    void *_Atomic places[PLACES];
} crowd_t;

/* A block starts with its size, and is filled with it to the end. */
static void fill(unsigned char *block, uint16_t size)
{
    __builtin_memset(block, size & 0xff, size);
    __builtin_memcpy(block, &size, sizeof size);
}

static void check_and_free(crowd_t *crowd, unsigned char *block)
{
    uint16_t size;
    if (block == NULL) {
        return;
    }
    __builtin_memcpy(&size, block, sizeof size);
    for (size_t i = sizeof size; i < size; i += 13) {
        PROPERTY_EXPECT_EQUAL(crowd->run, block[i], size & 0xff);
    }
    kfree(block);
}

static void crowd_work(void *argument)
{
    crowd_t *const crowd = argument;
    uint64_t state = crowd->seed * 31 + cpu_current()->index;
    for (uint32_t i = 0; i < OPERATIONS_EACH && !property_worker_has_failed(crowd->run); i++) {
        const uint16_t size = (uint16_t)(2 + property_worker_draw(&state, 1500));
        unsigned char *const block = kmalloc(size);
        PROPERTY_EXPECT(crowd->run, block != NULL);
        fill(block, size);
        check_and_free(crowd, atomic_exchange(&crowd->places[property_worker_draw(&state, PLACES)], block));
    }
}

static void crowd_worker(void *argument, uint32_t index)
{
    crowd_t *const crowd = argument;
    (void)index;
    property_worker_run(crowd->run, crowd_work, crowd);
}

static void free_places(void *argument)
{
    crowd_t *const crowd = argument;
    for (uint32_t i = 0; i < PLACES; i++) {
        kfree(atomic_exchange(&crowd->places[i], NULL));
    }
}

/* Nothing may fail here: the list of caches is locked. */
static void validate_cache(kmem_cache_t *cache, void *argument)
{
    const char **const broken = (const char **)argument;
    if (*broken == NULL) {
        *broken = kmem_cache_validate(cache);
    }
}

/*
 * Validates 1.9, 5.1, 5.3, 5.4: CPUs that free each other's blocks, in every tier, while the tier changes before and
 * after: nothing is told, nothing is lost.
 */
static void all_cpus_share_blocks_in_every_tier(property_run_t *run)
{
    crowd_t *const crowd = property_alloc(run, sizeof *crowd);
    crowd->run = run;
    crowd->seed = property_bits64(run);
    const bool is_ours = slab_tiers_start_drawn(run);
    property_defer(run, free_places, crowd);
    for (int round = 0; round < 2; round++) {
        if (is_ours) {
            PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set_all(slab_tiers_draw(run)));
        }
        cpu_jobs_run_on_all(cpu_count(), crowd_worker, crowd);
        const char *broken = NULL;
        kmem_caches_visit(validate_cache, (void *)&broken);
        PROPERTY_EXPECT_VALID(run, broken);
    }
}

PROPERTY_SUITE(slab_tier, PROPERTY(a_cache_serves_as_before_while_its_tier_changes, "1.14 5.1 5.3 5.5"),
               PROPERTY_EFFORT(blocks_keep_their_contents_in_every_tier, 50, "1.1 1.2 1.3 5.1 5.3 5.5"),
               PROPERTY(the_quarantine_keeps_its_bound_and_its_order, "5.3"),
               PROPERTY_EFFORT(places_are_random_and_repeat_with_the_seed, 20, "1.14"),
               PROPERTY_EFFORT(lack_of_room_for_records_is_harmless, 20, "1.14 3.10"),
               PROPERTY_EFFORT(sites_hold_what_is_live, 8, "5.4 5.10"),
               PROPERTY_EFFORT(the_trace_has_the_newest_operations_in_order, 20, "5.4"),
               PROPERTY_EFFORT(what_is_live_is_told_by_owner, 8, "5.4 5.10"),
               PROPERTY_EFFORT(all_cpus_share_blocks_in_every_tier, 4, "1.9 5.1 5.3 5.4"));
