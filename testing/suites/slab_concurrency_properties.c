/*
 * The slab allocator under all CPUs at once, their interrupts included: remote frees above all.
 *
 * Blocks change hands through a table of exchange places: a worker swaps what it has with what lies there, and frees
 * what it got, so that most objects are freed by another context than the one that owns their slab. Each block
 * carries the number of its allocation in its first and last bytes; a block that two owners had would show.
 */
#include <stdatomic.h>

#include "arch/cpu_jobs.h"
#include "mm/kmalloc.h"
#include "testing/models/slab_fixture.h"

#define PLACES          512u
#define OPERATIONS_EACH 3000u
#define HELD_MAX        64u

typedef struct crowd {
    property_run_t *run;
    kmem_cache_t *cache; /* NULL: kmalloc with drawn sizes */
    size_t size_max;
    uint64_t seed;
    uint32_t cpu_count;
    bool with_interrupts;
    void *_Atomic places[PLACES];
    _Atomic uint64_t allocations;
    _Atomic uint64_t frees;
    _Atomic uint64_t handler_runs;
} crowd_t;

/* What a block starts with; its size is kept, so that who frees it can look at its end. */
typedef struct tag {
    uint32_t size;
    uint32_t mark;
} tag_t;

static void *tagged_alloc(crowd_t *crowd, uint64_t *state)
{
    const size_t size = sizeof(tag_t) + property_worker_draw(state, crowd->size_max - sizeof(tag_t) + 1);
    unsigned char *const block = crowd->cache != NULL ? kmem_cache_alloc(crowd->cache) : kmalloc(size);
    if (block == NULL) {
        return NULL;
    }
    const tag_t tag = {(uint32_t)size, (uint32_t)property_worker_draw(state, UINT32_MAX)};
    __builtin_memcpy(block, &tag, sizeof tag);
    for (size_t i = sizeof tag; i < size; i += 61) {
        block[i] = (unsigned char)tag.mark;
    }
    atomic_fetch_add_explicit(&crowd->allocations, 1, memory_order_relaxed);
    return block;
}

static void tagged_free(crowd_t *crowd, unsigned char *block)
{
    tag_t tag;
    if (block == NULL) {
        return;
    }
    __builtin_memcpy(&tag, block, sizeof tag);
    PROPERTY_EXPECT(crowd->run, tag.size >= sizeof tag && tag.size <= crowd->size_max);
    for (size_t i = sizeof tag; i < tag.size; i += 61) {
        PROPERTY_EXPECT_EQUAL(crowd->run, block[i], (unsigned char)tag.mark);
    }
    const tag_t gone = {0, 0};
    __builtin_memcpy(block, &gone, sizeof gone);
    if (crowd->cache != NULL) {
        kmem_cache_free(crowd->cache, block);
    } else {
        kfree(block);
    }
    atomic_fetch_add_explicit(&crowd->frees, 1, memory_order_relaxed);
}

static void swap_at(crowd_t *crowd, uint64_t place, void *block)
{
    tagged_free(crowd, atomic_exchange(&crowd->places[place % PLACES], block));
}

/* In interrupt context: allocates, swaps, frees. */
static void handler_body(void *argument)
{
    crowd_t *const crowd = argument;
    uint64_t state = crowd->seed + atomic_fetch_add(&crowd->handler_runs, 1) * 77;
    for (int i = 0; i < 4; i++) {
        void *const block = tagged_alloc(crowd, &state);
        PROPERTY_EXPECT(crowd->run, block != NULL);
        swap_at(crowd, property_worker_draw(&state, PLACES), block);
    }
}

static void handler(void *argument)
{
    crowd_t *const crowd = argument;
    property_worker_run(crowd->run, handler_body, crowd);
}

/* One CPU's share, in thread context. */
static void worker_body(void *argument)
{
    crowd_t *const crowd = argument;
    const uint32_t self = cpu_current()->index;
    uint64_t state = crowd->seed * 31 + self;
    void *held[HELD_MAX] = {NULL};
    for (uint32_t i = 0; i < OPERATIONS_EACH && !property_worker_has_failed(crowd->run); i++) {
        const uint64_t pick = property_worker_draw(&state, HELD_MAX);
        if (held[pick] == NULL) {
            held[pick] = tagged_alloc(crowd, &state);
            PROPERTY_EXPECT(crowd->run, held[pick] != NULL);
        } else if (property_worker_draw(&state, 2) == 0) {
            swap_at(crowd, property_worker_draw(&state, PLACES), held[pick]);
            held[pick] = NULL;
        } else {
            tagged_free(crowd, held[pick]);
            held[pick] = NULL;
        }
        if (crowd->with_interrupts && i % 64 == 0) {
            /* Busy means that the CPU has one coming anyway. */
            const status_t status =
                cpu_interrupt((uint32_t)property_worker_draw(&state, crowd->cpu_count), handler, crowd);
            PROPERTY_EXPECT(crowd->run, status == STATUS_OK || status == STATUS_BUSY);
        }
    }
    for (uint32_t i = 0; i < HELD_MAX; i++) {
        tagged_free(crowd, held[i]);
    }
}

static void worker(void *argument, uint32_t index)
{
    crowd_t *const crowd = argument;
    (void)index;
    property_worker_run(crowd->run, worker_body, crowd);
}

static void no_operation(void *argument)
{
    atomic_fetch_add((_Atomic uint32_t *)argument, 1);
}

/* Waits until no CPU has an interrupt of ours coming: each takes one more, and they come in order. */
static void settle_interrupts(property_run_t *run, uint32_t cpu_total)
{
    _Atomic uint32_t taken = 0;
    for (uint32_t cpu = 0; cpu < cpu_total; cpu++) {
        while (cpu_interrupt(cpu, no_operation, (void *)&taken) != STATUS_OK) {
            cpu_relax();
        }
    }
    while (atomic_load(&taken) != cpu_total) {
        cpu_relax();
    }
    PROPERTY_EXPECT_EQUAL(run, atomic_load(&taken), cpu_total);
}

static crowd_t *crowd_run(property_run_t *run, kmem_cache_t *cache, size_t size_max)
{
    crowd_t *const crowd = property_alloc(run, sizeof *crowd);
    crowd->run = run;
    crowd->cache = cache;
    crowd->size_max = size_max;
    crowd->seed = property_bits64(run);
    crowd->cpu_count = (uint32_t)property_range(run, 1, cpu_count());
    crowd->with_interrupts = property_bool(run);
    cpu_jobs_run_on_all(crowd->cpu_count, worker, crowd);
    if (crowd->with_interrupts) {
        settle_interrupts(run, crowd->cpu_count);
    }
    for (uint32_t place = 0; place < PLACES && !property_worker_has_failed(run); place++) {
        swap_at(crowd, place, NULL);
    }
    if (!property_worker_has_failed(run)) {
        PROPERTY_EXPECT_EQUAL(run, atomic_load(&crowd->allocations), atomic_load(&crowd->frees));
    }
    return crowd;
}

static void expect_cache_sound(kmem_cache_t *cache, void *argument)
{
    property_run_t *const run = argument;
    PROPERTY_EXPECT_VALID(run, kmem_cache_validate(cache));
}

/* Validates 1.9: all sizes, all CPUs, interrupts, most frees remote: nothing is lost, shared or spoiled. */
static void blocks_survive_a_crowd_of_cpus(property_run_t *run)
{
    (void)crowd_run(run, NULL, (size_t)32 << property_draw(run, 10));
    if (!property_worker_has_failed(run)) {
        kmem_caches_visit(expect_cache_sound, run);
    }
}

/* Validates 1.4, 1.7, 1.8, 1.9: a typed cache under the same load keeps its invariants, and gives every page back. */
static void a_cache_survives_a_crowd_and_gives_everything_back(property_run_t *run)
{
    kmem_cache_t *cache;
    kmem_cache_stats_t stats;
    const size_t size = sizeof(tag_t) + property_size_skewed(run, KMEM_OBJECT_SIZE_MAX - sizeof(tag_t));
    const kmem_cache_config_t config = {"crowd", size, 0};
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_create(&config, &cache));
    const crowd_t *const crowd = crowd_run(run, cache, size);
    if (property_worker_has_failed(run)) {
        return;
    }
    PROPERTY_EXPECT_VALID(run, kmem_cache_validate(cache));
    kmem_cache_stats(cache, &stats);
    PROPERTY_EXPECT_EQUAL(run, stats.objects_live, 0);
    PROPERTY_EXPECT_EQUAL(run, stats.allocations, atomic_load(&crowd->allocations));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_destroy(cache));
}

typedef struct watch {
    crowd_t crowd;
    _Atomic uint32_t working;
} watch_t;

static void watch_or_work(void *argument, uint32_t index)
{
    watch_t *const watch = argument;
    if (index != 0) {
        property_worker_run(watch->crowd.run, worker_body, &watch->crowd);
        atomic_fetch_sub(&watch->working, 1);
        return;
    }
    kmem_cache_stats_t stats;
    while (atomic_load(&watch->working) != 0) {
        kmem_cache_stats(watch->crowd.cache, &stats);
        PROPERTY_EXPECT(watch->crowd.run, stats.frees <= stats.allocations);
        PROPERTY_EXPECT_EQUAL(watch->crowd.run, stats.objects_live, stats.allocations - stats.frees);
    }
}

/* Validates 1.8, 1.9: statistics read under load never show more frees than allocations. */
static void statistics_under_load_are_consistent(property_run_t *run)
{
    const kmem_cache_config_t config = {"watched", 64, 0};
    watch_t *const watch = property_alloc(run, sizeof *watch);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_create(&config, &watch->crowd.cache));
    watch->crowd.run = run;
    watch->crowd.size_max = 64;
    watch->crowd.seed = property_bits64(run);
    watch->crowd.cpu_count = cpu_count();
    atomic_store(&watch->working, cpu_count() - 1);
    cpu_jobs_run_on_all(cpu_count(), watch_or_work, watch);
    for (uint32_t place = 0; place < PLACES && !property_worker_has_failed(run); place++) {
        swap_at(&watch->crowd, place, NULL);
    }
    if (!property_worker_has_failed(run)) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_destroy(watch->crowd.cache));
    }
}

PROPERTY_SUITE(slab_concurrency, PROPERTY_EFFORT(blocks_survive_a_crowd_of_cpus, 20, "1.9"),
               PROPERTY_EFFORT(a_cache_survives_a_crowd_and_gives_everything_back, 20, "1.4 1.7 1.8 1.9"),
               PROPERTY_EFFORT(statistics_under_load_are_consistent, 10, "1.8 1.9"));
