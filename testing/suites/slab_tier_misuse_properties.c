/*
 * Every mistake in every tier: told by its exact message, or by design not, as the table in mm/README.md says.
 *
 * A mistake that writes undoes its write afterwards. After each, told or not, the cache serves as before: a check that
 * fails has changed nothing.
 */
#include "arch/page_backend.h"
#include "mm/kmalloc.h"
#include "mm/slab/slab.h"
#include "testing/models/slab_tiers.h"

#define PAST_END     "write past the end of an object"
#define BEFORE_START "write before the start of an object"
#define AFTER_FREE   "write after free"
#define DOUBLE_FREE  "double free"
#define MISALIGNED   "free of a misaligned pointer"
#define WRONG_CACHE  "free to the wrong cache"

/* One object of a cache of its own, to make mistakes with. It is live, and out of the fixture's model meanwhile. */
typedef struct bench {
    property_run_t *run;
    slab_fixture_t *fixture;
    kmem_cache_t *other;
    unsigned char *object;
    slab_t *slab;
    size_t room;         /* of the object's slot */
    int64_t offset;      /* of what is spoiled, or freed, from the object */
    unsigned char spoil; /* what is flipped in a byte */
    bool is_live;
} bench_t;

/* Outside the object, and so for no sanitizer's eyes. */
static NOT_WATCHED void flip(const bench_t *bench)
{
    volatile unsigned char *const byte = bench->object + bench->offset;
    *byte = *byte ^ bench->spoil;
}

static void free_object(void *argument)
{
    const bench_t *const bench = argument;
    kmem_cache_free(bench->fixture->cache, bench->object);
}

static void free_inside(void *argument)
{
    const bench_t *const bench = argument;
    kmem_cache_free(bench->fixture->cache, bench->object + bench->offset);
}

static void free_elsewhere(void *argument)
{
    const bench_t *const bench = argument;
    kmem_cache_free(bench->other, bench->object);
}

/* Meets a freed object: in its next use, or on its way out of quarantine. */
static void use_freed(void *argument)
{
    const bench_t *const bench = argument;
    for (unsigned i = 0; i < BITS_PER_WORD; i++) {
        slab_fixture_alloc(bench->fixture, SLAB_ACTOR_SELF);
    }
    (void)kmem_cache_shrink(bench->fixture->cache);
}

/* Frees the object, with a mistake or without. Returns the message. */
static const char *try_free(bench_t *bench)
{
    const char *const message = check_trap_run(free_object, bench);
    bench->is_live = message != NULL;
    bench->fixture->frees += message == NULL;
    return message;
}

/* ---- each makes its mistake, lets what may notice it run, undoes it, and returns the message ---- */

static const char *write_and_free(bench_t *bench)
{
    flip(bench);
    const char *const message = try_free(bench);
    flip(bench);
    return message;
}

static const char *write_past_end_in_slot(bench_t *bench)
{
    bench->offset = (int64_t)property_range(bench->run, bench->fixture->object_size, bench->room - 1);
    flip(bench);
    const char *const message = try_free(bench);
    if (message != NULL) {
        flip(bench); /* else a free object's slot is what it is */
    }
    return message;
}

static const char *write_past_slot(bench_t *bench)
{
    bench->offset = (int64_t)bench->room;
    return write_and_free(bench);
}

static const char *write_before_start(bench_t *bench)
{
    bench->offset = -1;
    return write_and_free(bench);
}

/* In debug, what is wrong beside one object is noticed by an operation on another. */
static const char *write_past_slot_and_alloc(bench_t *bench)
{
    bench->offset = (int64_t)bench->room;
    flip(bench);
    const char *const message = check_trap_run(use_freed, bench);
    flip(bench);
    return message;
}

static const char *write_after_free(bench_t *bench)
{
    bench->offset = (int64_t)property_draw(bench->run, bench->room);
    if (try_free(bench) != NULL) {
        return "no mistake yet";
    }
    flip(bench);
    const char *const message = check_trap_run(use_freed, bench);
    if (message != NULL) {
        flip(bench); /* else somebody has the object by now */
    }
    return message;
}

static const char *double_free(bench_t *bench)
{
    return try_free(bench) != NULL ? "no mistake yet" : check_trap_run(free_object, bench);
}

static const char *double_free_after_rest(bench_t *bench)
{
    if (try_free(bench) != NULL) {
        return "no mistake yet";
    }
    (void)kmem_cache_shrink(bench->fixture->cache);
    return check_trap_run(free_object, bench);
}

static const char *interior_free(bench_t *bench)
{
    bench->offset = (int64_t)property_range(bench->run, 1, bench->room - 1);
    return check_trap_run(free_inside, bench);
}

static const char *free_to_other_cache(bench_t *bench)
{
    return check_trap_run(free_elsewhere, bench);
}

/* The pointer is where an object would be without red zones. */
static const char *red_zone_free(bench_t *bench)
{
    bench->offset = property_bool(bench->run) ? (int64_t)bench->room : -(int64_t)bench->room;
    return check_trap_run(free_inside, bench);
}

/* What a mistake needs: room behind the object in its slot, slots beside it, another object in its slab, red zones. */
typedef enum need { NEEDS_NOTHING, NEEDS_SLACK, NEEDS_NEIGHBOURS, NEEDS_COMPANY, NEEDS_RED_ZONES } need_t;

typedef struct misuse {
    const char *(*make)(bench_t *bench);
    need_t need;
    const char *messages[SLAB_TIER_COUNT]; /* fast, guarded, debug; NULL: not noticed */
} misuse_t;

static const misuse_t misuses[] = {
    {double_free, NEEDS_NOTHING, {DOUBLE_FREE, DOUBLE_FREE, DOUBLE_FREE}},
    {double_free_after_rest, NEEDS_NOTHING, {DOUBLE_FREE, DOUBLE_FREE, DOUBLE_FREE}},
    {interior_free, NEEDS_NOTHING, {MISALIGNED, MISALIGNED, MISALIGNED}},
    {free_to_other_cache, NEEDS_NOTHING, {WRONG_CACHE, WRONG_CACHE, WRONG_CACHE}},
    {write_after_free, NEEDS_NOTHING, {NULL, AFTER_FREE, AFTER_FREE}},
    {write_past_end_in_slot, NEEDS_SLACK, {NULL, PAST_END, PAST_END}},
    {write_past_slot, NEEDS_NEIGHBOURS, {NULL, NULL, PAST_END}},
    {write_past_slot_and_alloc, NEEDS_COMPANY, {NULL, NULL, PAST_END}},
    {write_before_start, NEEDS_NEIGHBOURS, {NULL, NULL, BEFORE_START}},
    {red_zone_free, NEEDS_RED_ZONES, {NULL, NULL, MISALIGNED}},
};

/* A live object becomes the fixture's again. */
static void put_back(bench_t *bench)
{
    if (bench->is_live) {
        bench->is_live = false;
        (void)kmalloc_usable_size(bench->object); /* KASan took the free that was refused for one */
        live_objects_add(&bench->fixture->live, bench->object, bench->fixture->object_size);
    }
}

static void close_bench(void *argument)
{
    bench_t *const bench = argument;
    put_back(bench);
    PROPERTY_EXPECT_STATUS(bench->run, STATUS_OK, kmem_cache_destroy(bench->other));
}

static bench_t *open_bench(property_run_t *run, slab_tier_t tier)
{
    bench_t *const bench = property_alloc(run, sizeof *bench);
    const slab_debug_config_t config = {.records = 4000, .quarantine_bytes = property_draw(run, 2) * 20000, .seed = 1};
    bench->run = run;
    if (slab_tiers_start(run, &config)) {
        /* A cache that is in debug from the start has red zones whatever its objects' size. */
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set_all(tier));
    }
    bench->fixture = slab_fixture_open_sized(run, property_size_skewed(run, KMEM_OBJECT_SIZE_MAX), 0);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set(bench->fixture->cache, tier));
    const kmem_cache_config_t other = {"other", bench->fixture->object_size, 0};
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_create(&other, &bench->other));
    property_defer(run, close_bench, bench);

    slab_fixture_alloc(bench->fixture, SLAB_ACTOR_SELF);
    bench->object = live_objects_remove(&bench->fixture->live, 0);
    bench->slab = slab_of_address(*page_word(bench->object), (uintptr_t)bench->object);
    bench->room = bench->slab->cache->object_size;
    bench->spoil = (unsigned char)property_range(run, 1, 255);
    bench->is_live = true;
    return bench;
}

static bool has_red_zones(const bench_t *bench)
{
    return (bench->slab->base & SLAB_HAS_RED_ZONES) != 0;
}

/* Whether the bytes before and behind the slot are the slab's. */
static bool has_neighbours(const bench_t *bench)
{
    const uintptr_t offset = (uintptr_t)bench->object - slab_start(bench->slab);
    return offset != 0 && offset + bench->room < bench->slab->cache->slab_bytes;
}

static bool can_be_made(const bench_t *bench, need_t need, slab_tier_t tier)
{
    switch (need) {
    case NEEDS_SLACK:
        return bench->fixture->object_size < bench->room;
    case NEEDS_NEIGHBOURS:
        return tier == SLAB_TIER_DEBUG ? has_red_zones(bench) : has_neighbours(bench);
    case NEEDS_COMPANY:
        return can_be_made(bench, NEEDS_NEIGHBOURS, tier) && bench->slab->free_word != 0;
    case NEEDS_RED_ZONES:
        return has_red_zones(bench);
    default:
        return true;
    }
}

/*
 * Validates 1.15, 5.1, 5.2, 5.3, 5.5, 5.6: each mistake in each tier, told by its message or, by design, not; and
 * nothing is broken by the telling.
 */
static void each_mistake_is_told_in_its_tiers(property_run_t *run)
{
    const misuse_t *const misuse = &misuses[property_draw(run, ARRAY_COUNT(misuses))];
    const slab_tier_t tier = slab_tiers_draw(run);
    bench_t *const bench = open_bench(run, tier);
    if (can_be_made(bench, misuse->need, tier)) {
        property_note(run, "mistake %u in tier %s", (unsigned)(misuse - misuses), slab_tier_name(tier));
        const char *const message = misuse->make(bench);
        put_back(bench);
        PROPERTY_EXPECT_TEXT(run, misuse->messages[tier], message);
    }
    put_back(bench);
    slab_fixture_expect_agreement(bench->fixture);
    slab_fixture_alloc(bench->fixture, SLAB_ACTOR_SELF);
    slab_fixture_free(bench->fixture, SLAB_ACTOR_SELF);
    slab_fixture_expect_agreement(bench->fixture);
}

/*
 * Validates 5.3: who reads an object before writing it, or after its free, gets the tier's pattern and never what
 * another user left.
 */
static NOT_WATCHED void nobody_reads_what_another_left(property_run_t *run)
{
    const slab_tier_t tier = property_bool(run) ? SLAB_TIER_DEBUG : SLAB_TIER_GUARDED;
    bench_t *const bench = open_bench(run, tier);
    const size_t at = property_draw(run, bench->fixture->object_size);
    const volatile unsigned char *const object = bench->object;
    PROPERTY_EXPECT(run, try_free(bench) == NULL);
    PROPERTY_EXPECT_EQUAL(run, object[at], tier == SLAB_TIER_DEBUG ? 0x6b : 0);
    for (unsigned i = 0; i < 8; i++) {
        const volatile unsigned char *const fresh = kmem_cache_alloc(bench->fixture->cache);
        PROPERTY_EXPECT(run, fresh != NULL);
        const unsigned char byte = fresh[at];
        kmem_cache_free(bench->fixture->cache, (void *)(uintptr_t)fresh);
        bench->fixture->allocations++;
        bench->fixture->frees++;
        PROPERTY_EXPECT(run, tier == SLAB_TIER_GUARDED || byte == 0x5a);
    }
}

/* The same mistakes by another CPU's hands: the object is freed and met there. */
typedef struct remote_mistake {
    bench_t *bench;
    const char *message;
} remote_mistake_t;

static void free_as_actor(void *argument)
{
    remote_mistake_t *const mistake = argument;
    mistake->message = check_trap_run(free_object, mistake->bench);
}

/* Validates 5.1, 5.2, 5.6: who frees does not matter: interrupt handlers and other CPUs are told the same. */
static void mistakes_are_told_to_every_context(property_run_t *run)
{
    const slab_tier_t tier = property_bool(run) ? SLAB_TIER_DEBUG : SLAB_TIER_GUARDED;
    const slab_actor_t first = (slab_actor_t)property_draw(run, SLAB_ACTOR_COUNT);
    const slab_actor_t second = (slab_actor_t)property_draw(run, SLAB_ACTOR_COUNT);
    bench_t *const bench = open_bench(run, tier);
    remote_mistake_t mistake = {bench, NULL};
    if (bench->fixture->object_size < bench->room) {
        bench->offset = (int64_t)bench->fixture->object_size;
        flip(bench);
        slab_fixture_act(bench->fixture, first, free_as_actor, &mistake);
        flip(bench);
        PROPERTY_EXPECT_TEXT(run, PAST_END, mistake.message);
    }
    slab_fixture_act(bench->fixture, first, free_as_actor, &mistake);
    bench->is_live = mistake.message != NULL;
    PROPERTY_EXPECT_TEXT(run, NULL, mistake.message);
    bench->fixture->frees++;
    slab_fixture_act(bench->fixture, second, free_as_actor, &mistake);
    PROPERTY_EXPECT_TEXT(run, DOUBLE_FREE, mistake.message);
    slab_fixture_expect_agreement(bench->fixture);
}

PROPERTY_SUITE(slab_tier_misuse, PROPERTY(each_mistake_is_told_in_its_tiers, "1.15 5.1 5.2 5.3 5.5 5.6"),
               PROPERTY(nobody_reads_what_another_left, "5.3"),
               PROPERTY(mistakes_are_told_to_every_context, "5.1 5.2 5.6"));
