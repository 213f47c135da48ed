/*
 * Property 1, Basic Slab Allocation Consistency: kmalloc and caches against naive models, on one CPU and its
 * interrupt context. Misuse is in slab_misuse_properties.c, many CPUs in slab_concurrency_properties.c.
 */
#include "mm/kmalloc.h"
#include "mm/pages.h"
#include "mm/pages/page_inject.h"
#include "mm/slab_tier.h"
#include "testing/models/slab_fixture.h"

#define BLOCKS_MAX 200
#define LARGE_MAX  200000

static size_t class_size(size_t size)
{
    size_t class = 16;
    while (class < size) {
        if (KMALLOC_HAS_TRIPLES && class >= 32 && class < 4096 && size <= class / 2 * 3) {
            return class / 2 * 3;
        }
        class *= 2;
    }
    return class;
}

/*
 * Validates 1.1, 1.2, 1.3, 1.4, 1.11: every size up to a page has the class it should, and is aligned to it, or to
 * its third where classes lie between powers of two.
 */
static void every_small_size_has_its_class_and_alignment(property_run_t *run)
{
    for (size_t size = 1; size <= 4096; size++) {
        void *const block = kmalloc(size);
        PROPERTY_EXPECT(run, block != NULL);
        PROPERTY_EXPECT_EQUAL(run, kmalloc_usable_size(block), class_size(size));
        PROPERTY_EXPECT_EQUAL(run, (uintptr_t)block % (class_size(size) & -class_size(size)), 0);
        _kfree(block);
    }
}

/* Validates 1.2, 1.3: a size that the compiler knows is served as one that it doesn't. */
static void constant_sizes_take_the_same_classes(property_run_t *run)
{
    void *const blocks[] = {kmalloc(1),   kmalloc(16),  kmalloc(17),   kmalloc(64),   kmalloc(65),
                            kmalloc(500), kmalloc(512), kmalloc(4095), kmalloc(4096), kmalloc(4097)};
    static const size_t sizes[] = {1, 16, 17, 64, 65, 500, 512, 4095, 4096, 8192};
    for (size_t i = 0; i < ARRAY_COUNT(blocks); i++) {
        PROPERTY_EXPECT(run, blocks[i] != NULL);
        PROPERTY_EXPECT_EQUAL(run, kmalloc_usable_size(blocks[i]), class_size(sizes[i]));
        kfree(blocks[i]);
    }
}

static void free_all(void *argument)
{
    live_objects_t *const live = argument;
    while (live->count != 0) {
        kfree(live->objects[--live->count].address);
    }
}

static void allocate_one(property_run_t *run, live_objects_t *live, bool zeroed)
{
    const size_t size = property_size_skewed(run, LARGE_MAX);
    if (live->count == live->capacity) {
        return;
    }
    void *const block = zeroed ? kcalloc(1, size) : kmalloc(size);
    PROPERTY_EXPECT(run, block != NULL);
    if (zeroed) {
        live_objects_expect_bytes(run, block, size, 0);
    }
    PROPERTY_EXPECT(run, kmalloc_usable_size(block) >= size);
    live_objects_add(live, block, size);
}

static void reallocate_one(property_run_t *run, live_objects_t *live)
{
    const size_t index = property_draw(run, live->count);
    const size_t size = property_size_skewed(run, LARGE_MAX);
    const live_object_t old = live->objects[index];
    const size_t had = kmalloc_usable_size(old.address);
    void *const kept = live_objects_remove(live, index);
    void *const block = krealloc(kept, size);
    PROPERTY_EXPECT(run, block != NULL);
    live_objects_expect_bytes(run, block, size < old.size_bytes ? size : old.size_bytes, old.pattern);
    /* The block stays where it is when its class still fits, or, a large one, enough of its pages. */
    if (size <= 4096 ? had == class_size(size) : had >= size) {
        PROPERTY_EXPECT_EQUAL(run, (uintptr_t)block, (uintptr_t)kept);
    }
    live_objects_add(live, block, size);
}

/* Validates 1.1, 1.2, 1.3, 1.11: blocks of any size never overlap, keep their contents, and come back. */
static void live_blocks_never_overlap_and_keep_their_contents(property_run_t *run)
{
    live_objects_t live = live_objects_new(run, BLOCKS_MAX);
    live_objects_t *const kept = property_alloc(run, sizeof live);
    *kept = live;
    property_defer(run, free_all, kept);
    for (uint32_t step = 0; step < run->steps; step++) {
        static const uint32_t weights[] = {5, 4, 1, 2};
        const size_t what = property_choice(run, weights, ARRAY_COUNT(weights));
        if (what == 0 || kept->count == 0) {
            allocate_one(run, kept, false);
        } else if (what == 1) {
            kfree(live_objects_remove(kept, property_draw(run, kept->count)));
        } else if (what == 2) {
            allocate_one(run, kept, true);
        } else {
            reallocate_one(run, kept);
        }
    }
}

/* Validates 1.1, 1.2: the corners of the four entry points. */
static void corners_of_the_entry_points(property_run_t *run)
{
    kfree(NULL);
    void *const nothing = kmalloc(property_draw(run, 1));
    PROPERTY_EXPECT(run, nothing != NULL);
    PROPERTY_EXPECT(run, krealloc(nothing, 0) == NULL);
    void *const fresh = krealloc(NULL, 100);
    PROPERTY_EXPECT(run, fresh != NULL);
    kfree(fresh);
    PROPERTY_EXPECT(run, kcalloc(SIZE_MAX / 2, 3) == NULL);
    PROPERTY_EXPECT(run, kcalloc(SIZE_MAX, SIZE_MAX) == NULL);
    PROPERTY_EXPECT(run, kmalloc(SIZE_MAX) == NULL);
    PROPERTY_EXPECT(run, kmalloc(SIZE_MAX - 4095) == NULL);
    PROPERTY_EXPECT(run, kmalloc((size_t)1 << 46) == NULL);
    void *const empty = kcalloc(0, 8);
    PROPERTY_EXPECT(run, empty != NULL);
    kfree(empty);
}

/* Validates 1.4, 1.5, 1.7, 1.8, 1.9: a typed cache of any geometry agrees with its model after every step. */
static void a_cache_agrees_with_its_model(property_run_t *run)
{
    slab_fixture_t *const fixture = slab_fixture_open(run);
    for (uint32_t step = 0; step < run->steps; step++) {
        slab_fixture_step(fixture);
        slab_fixture_expect_agreement(fixture);
    }
}

static NOT_WATCHED void expect_freed_bytes(property_run_t *run, const unsigned char *object, unsigned char pattern)
{
    for (size_t i = 0; i < 64; i++) {
        PROPERTY_EXPECT_EQUAL(run, object[i], pattern);
    }
}

/*
 * Validates 1.5, 1.6: the free object with the lowest address of a slab is the next one out, and nothing is written
 * into free objects: in the tier fast.
 */
static void freed_objects_come_back_in_order_of_address(property_run_t *run)
{
    slab_fixture_t *const fixture = slab_fixture_open_sized(run, 64, 64);
    live_objects_t *const live = &fixture->live;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set(fixture->cache, SLAB_TIER_FAST));
    unsigned char *const first = kmem_cache_alloc(fixture->cache);
    kmem_cache_free(fixture->cache, first);
    for (size_t i = 0; i < 64; i++) {
        slab_fixture_alloc(fixture, SLAB_ACTOR_SELF);
        PROPERTY_EXPECT_EQUAL(run, (uintptr_t)live->objects[i].address, (uintptr_t)first + i * 64);
    }
    const size_t high = property_range(run, 1, 63);
    const size_t low = property_draw(run, high);
    const unsigned char pattern = live->objects[low].pattern;
    kmem_cache_free(fixture->cache, live_objects_remove(live, high));
    kmem_cache_free(fixture->cache, live_objects_remove(live, low));
    expect_freed_bytes(run, first + low * 64, pattern);
    slab_fixture_alloc(fixture, SLAB_ACTOR_SELF);
    PROPERTY_EXPECT_EQUAL(run, (uintptr_t)live->objects[62].address, (uintptr_t)first + low * 64);
    slab_fixture_alloc(fixture, SLAB_ACTOR_SELF);
    PROPERTY_EXPECT_EQUAL(run, (uintptr_t)live->objects[63].address, (uintptr_t)first + high * 64);
}

/* Validates 1.7, 1.9: when a CPU leaves, its slabs are the cache's, and all it allocated can be freed by others. */
static void a_cpu_that_leaves_hands_its_slabs_over(property_run_t *run)
{
    slab_fixture_t *const fixture = slab_fixture_open(run);
    kmem_cache_stats_t stats;
    for (uint64_t left = property_range(run, 1, 200); left > 0; left--) {
        slab_fixture_alloc(fixture, SLAB_ACTOR_GUEST);
    }
    for (uint64_t left = property_draw(run, fixture->live.count); left > 0; left--) {
        slab_fixture_free(fixture, (slab_actor_t)property_draw(run, SLAB_ACTOR_COUNT));
    }
    slab_fixture_guest_leave(fixture);
    slab_fixture_expect_agreement(fixture);
    kmem_cache_stats(fixture->cache, &stats);
    PROPERTY_EXPECT_EQUAL(run, stats.slabs_owned, 0);
    PROPERTY_EXPECT_EQUAL(run, stats.slabs_held, stats.slabs_available + stats.slabs_full + stats.slabs_empty);
    while (fixture->live.count != 0) {
        slab_fixture_free(fixture, property_bool(run) ? SLAB_ACTOR_INTERRUPT : SLAB_ACTOR_SELF);
        slab_fixture_expect_agreement(fixture);
    }
}

/* Validates 1.5, 1.7, 1.10: whatever the order of frees, a destroyed cache has given back all it took. */
static void destroying_a_cache_returns_every_page(property_run_t *run)
{
    /* Once before counting, so that kmalloc has its slab for the cache itself. */
    const kmem_cache_config_t config = {"before", property_size_skewed(run, KMEM_OBJECT_SIZE_MAX), 0};
    kmem_cache_t *cache;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_create(&config, &cache));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_destroy(cache));
    const uint64_t before = slab_pages_in_use();

    void **const objects = property_alloc(run, 1000 * sizeof(void *));
    const size_t count = property_draw(run, 1000);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_create(&config, &cache));
    for (size_t i = 0; i < count; i++) {
        objects[i] = kmem_cache_alloc(cache);
        PROPERTY_EXPECT(run, objects[i] != NULL);
    }
    if (count != 0) {
        PROPERTY_EXPECT_STATUS(run, STATUS_BUSY, kmem_cache_destroy(cache));
        PROPERTY_EXPECT_VALID(run, kmem_cache_validate(cache));
    }
    uint64_t seed = property_bits64(run);
    for (size_t left = count; left > 0; left--) {
        const size_t pick = property_worker_draw(&seed, left);
        kmem_cache_free(cache, objects[pick]);
        objects[pick] = objects[left - 1];
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_destroy(cache));
    PROPERTY_EXPECT_EQUAL(run, slab_pages_in_use(), before);
}

/* Validates 1.7, 1.10: a cache whose objects are all free keeps a small reserve of slabs, however many it had. */
static void empty_slabs_go_back_beyond_a_small_reserve(property_run_t *run)
{
    slab_fixture_t *const fixture = slab_fixture_open_sized(run, property_range(run, 513, KMEM_OBJECT_SIZE_MAX), 0);
    kmem_cache_stats_t stats;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set(fixture->cache, SLAB_TIER_FAST)); /* no quarantine */
    for (size_t i = 0; i < SLAB_FIXTURE_OBJECTS_MAX; i++) {
        slab_fixture_alloc(fixture, SLAB_ACTOR_SELF);
    }
    while (fixture->live.count != 0) {
        slab_fixture_free(fixture, SLAB_ACTOR_SELF);
    }
    kmem_cache_stats(fixture->cache, &stats);
    PROPERTY_EXPECT(run, stats.slabs_empty <= 4);
    /* 64 KiB in the slot, the current slab, and what the cache keeps. */
    PROPERTY_EXPECT(run, stats.slabs_held * stats.slab_size_bytes <= KIB(64) + 5 * stats.slab_size_bytes);
    (void)kmem_cache_shrink(fixture->cache);
    kmem_cache_stats(fixture->cache, &stats);
    PROPERTY_EXPECT(run, stats.slabs_held <= 1);
}

/* Validates 1.4: caches refuse what breaks their rules, and change nothing. */
static void bad_configurations_are_refused(property_run_t *run)
{
    static const kmem_cache_config_t bad[] = {
        {NULL, 64, 0},
        {"", 64, 0},
        {"a name with blanks", 64, 0},
        {"a-name-that-is-one-letter-too-long", 64, 0},
        {"zero", 0, 0},
        {"large", KMEM_OBJECT_SIZE_MAX + 1, 0},
        {"aligned", 64, 24},
        {"aligned", 64, 8},
        {"aligned", 64, 8192},
    };
    kmem_cache_t *created = NULL;
    PROPERTY_EXPECT_STATUS(run, STATUS_INVALID,
                           kmem_cache_create(&bad[property_draw(run, ARRAY_COUNT(bad))], &created));
    PROPERTY_EXPECT(run, created == NULL);
    const kmem_cache_config_t taken = {"kmalloc-64", 64, 0};
    PROPERTY_EXPECT_STATUS(run, STATUS_EXISTS, kmem_cache_create(&taken, &created));
    PROPERTY_EXPECT(run, created == NULL);
}

/* Whatever a subsystem may do with memory: true when nothing was refused. Everything is given back either way. */
static bool scenario(property_run_t *run, size_t object_size, size_t large_size)
{
    const kmem_cache_config_t config = {"scenario", object_size, 0};
    kmem_cache_t *cache;
    void *objects[80] = {NULL};
    bool is_whole = false;
    const status_t status = kmem_cache_create(&config, &cache);
    if (status != STATUS_OK) {
        PROPERTY_EXPECT_STATUS(run, STATUS_NO_MEMORY, status);
        return false;
    }
    size_t count = 0;
    while (count < ARRAY_COUNT(objects) && (objects[count] = kmem_cache_alloc(cache)) != NULL) {
        count++;
    }
    void *const large = kmalloc(large_size);
    void *const larger = large == NULL ? NULL : krealloc(large, 2 * large_size);
    is_whole = count == ARRAY_COUNT(objects) && larger != NULL;
    kfree(larger != NULL ? larger : large);
    for (size_t i = 0; i < count; i++) {
        kmem_cache_free(cache, objects[i]);
    }
    PROPERTY_EXPECT_VALID(run, kmem_cache_validate(cache));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_destroy(cache));
    return is_whole;
}

static void end_injection(void *argument)
{
    (void)argument;
    (void)pages_inject_end(NULL);
}

/*
 * Validates 1.10, 1.11: the page backend refuses the 1st request, the 2nd, ... until all goes through; nothing leaks
 * at any of them.
 */
static void every_refused_page_request_leaves_nothing_behind(property_run_t *run)
{
    const size_t object_size = property_size_skewed(run, KMEM_OBJECT_SIZE_MAX);
    const size_t large_size = 4097 + property_draw(run, 100000);
    PROPERTY_EXPECT(run, scenario(run, object_size, large_size));
    const uint64_t before = slab_pages_in_use();
    property_defer(run, end_injection, NULL);

    bool is_whole = false;
    for (uint64_t passes = 0; !is_whole; passes++) {
        PROPERTY_EXPECT(run, passes < 1000);
        /* Two refusals: the allocator tries once more after a shrink. */
        pages_inject(passes, UINT64_MAX);
        is_whole = scenario(run, object_size, large_size);
        uint64_t refused;
        (void)pages_inject_end(&refused);
        PROPERTY_EXPECT(run, is_whole == (refused == 0));
        PROPERTY_EXPECT_EQUAL(run, slab_pages_in_use(), before);
    }
}

/* Validates 1.10, 1.11: when memory is out, NULL comes back, and all is well again once something is freed. */
static void running_out_is_no_end(property_run_t *run)
{
    const uint64_t before = slab_pages_in_use();
    const size_t size = (size_t)16 << property_draw(run, 9);
    void **list = NULL;
    uint64_t count = 0;
    pages_inject(property_draw(run, 40), UINT64_MAX);
    for (void **block = kmalloc(size); block != NULL; block = kmalloc(size)) {
        *block = list;
        list = block;
        count++;
    }
    (void)pages_inject_end(NULL);
    void *const again = kmalloc(size);
    PROPERTY_EXPECT(run, again != NULL);
    kfree(again);
    for (; list != NULL; count--) {
        void **const next = *list;
        kfree(list);
        list = next;
    }
    PROPERTY_EXPECT_EQUAL(run, count, 0);
    /* At most the class's current slab stays with the context, and its descriptor page. */
    PROPERTY_EXPECT(run, slab_pages_in_use() <= before + 8 + 1);
}

/* Validates 1.13, 6.3: the slab allocator is up, and refuses to be set up again. */
static void the_slab_allocator_starts_once(property_run_t *run)
{
    PROPERTY_EXPECT_STATUS(run, STATUS_EXISTS, slab_init());
}

static void expect_laws(kmem_cache_t *cache, void *argument)
{
    property_run_t *const run = argument;
    kmem_cache_stats_t stats;
    kmem_cache_stats(cache, &stats);
    PROPERTY_EXPECT_EQUAL(run, stats.allocations - stats.frees, stats.objects_live);
    PROPERTY_EXPECT_EQUAL(run, stats.slabs_held * stats.objects_per_slab, stats.objects_total);
    PROPERTY_EXPECT(run, stats.objects_live <= stats.objects_total && stats.objects_live <= stats.objects_live_peak);
    PROPERTY_EXPECT_VALID(run, kmem_cache_validate(cache));
}

/* Validates 1.4, 1.7, 1.8, 1.12: every cache there is keeps the laws of its statistics. */
static void every_cache_keeps_the_laws_of_its_statistics(property_run_t *run)
{
    void *blocks[32];
    for (size_t i = 0; i < ARRAY_COUNT(blocks); i++) {
        blocks[i] = kmalloc(property_size_skewed(run, 8192));
        PROPERTY_EXPECT(run, blocks[i] != NULL);
    }
    kmem_caches_visit(expect_laws, run);
    for (size_t i = 0; i < ARRAY_COUNT(blocks); i++) {
        kfree(blocks[i]);
    }
    kmem_caches_visit(expect_laws, run);
}

PROPERTY_SUITE(slab, PROPERTY(every_small_size_has_its_class_and_alignment, "1.1 1.2 1.3 1.4 1.11"),
               PROPERTY(constant_sizes_take_the_same_classes, "1.2 1.3"),
               PROPERTY(live_blocks_never_overlap_and_keep_their_contents, "1.1 1.2 1.3 1.11"),
               PROPERTY(corners_of_the_entry_points, "1.1 1.2"),
               PROPERTY(a_cache_agrees_with_its_model, "1.4 1.5 1.7 1.8 1.9"),
               PROPERTY(freed_objects_come_back_in_order_of_address, "1.5 1.6"),
               PROPERTY(a_cpu_that_leaves_hands_its_slabs_over, "1.7 1.9"),
               PROPERTY(destroying_a_cache_returns_every_page, "1.5 1.7 1.10"),
               PROPERTY(empty_slabs_go_back_beyond_a_small_reserve, "1.7 1.10"),
               PROPERTY(bad_configurations_are_refused, "1.4"),
               PROPERTY_EFFORT(every_refused_page_request_leaves_nothing_behind, 20, "1.10 1.11"),
               PROPERTY(running_out_is_no_end, "1.10 1.11"), PROPERTY(the_slab_allocator_starts_once, "1.13 6.3"),
               PROPERTY(every_cache_keeps_the_laws_of_its_statistics, "1.4 1.7 1.8 1.12"));
