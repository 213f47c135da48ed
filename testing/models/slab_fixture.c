#include "testing/models/slab_fixture.h"

#include <stdatomic.h>

#include "arch/cpu.h"
#include "mm/allocation_context.h"
#include "mm/pages.h"

/* How long an interrupt that a CPU sends to itself may take, in looks. */
#define INTERRUPT_LOOKS_MAX 2000000000u

typedef struct interrupt_call {
    property_run_t *run;
    void (*function)(void *argument);
    void *argument;
    _Atomic bool is_done;
} interrupt_call_t;

static void take_call(void *argument)
{
    interrupt_call_t *const call = argument;
    property_worker_run(call->run, call->function, call->argument);
    atomic_store(&call->is_done, true);
}

void slab_in_interrupt(property_run_t *run, void (*function)(void *argument), void *argument)
{
    interrupt_call_t call = {run, function, argument, false};
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, cpu_interrupt(cpu_current()->index, take_call, &call));
    uint32_t looks = 0;
    while (!atomic_load(&call.is_done)) {
        CHECK(++looks < INTERRUPT_LOOKS_MAX, "an interrupt to oneself got lost");
        cpu_relax();
    }
}

uint64_t slab_pages_in_use(void)
{
    pages_stats_t stats;
    (void)kmem_caches_shrink();
    pages_stats(&stats);
    return stats.pages_allocated;
}

static void close_fixture(void *argument)
{
    slab_fixture_t *const fixture = argument;
    for (size_t i = 0; i < fixture->live.count; i++) {
        kmem_cache_free(fixture->cache, fixture->live.objects[i].address);
    }
    fixture->live.count = 0;
    slab_fixture_guest_leave(fixture);
    PROPERTY_EXPECT_STATUS(fixture->run, STATUS_OK, kmem_cache_destroy(fixture->cache));
}

slab_fixture_t *slab_fixture_open_sized(property_run_t *run, size_t object_size, size_t alignment)
{
    slab_fixture_t *const fixture = property_alloc(run, sizeof *fixture);
    const kmem_cache_config_t config = {"fixture", object_size, alignment};
    fixture->run = run;
    fixture->object_size = object_size;
    fixture->alignment = alignment == 0 ? 16 : alignment;
    fixture->live = live_objects_new(run, SLAB_FIXTURE_OBJECTS_MAX);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_create(&config, &fixture->cache));
    property_defer(run, close_fixture, fixture);
    return fixture;
}

slab_fixture_t *slab_fixture_open(property_run_t *run)
{
    const size_t object_size = property_size_skewed(run, KMEM_OBJECT_SIZE_MAX);
    const uint64_t alignment_shift = property_draw(run, 10);
    return slab_fixture_open_sized(run, object_size, alignment_shift < 4 ? 0 : (size_t)8 << (alignment_shift - 3));
}

/* One operation of the cache, so that it can be done in an interrupt. */
typedef struct cache_call {
    kmem_cache_t *cache;
    void *object;
} cache_call_t;

static void do_alloc(void *argument)
{
    cache_call_t *const call = argument;
    call->object = kmem_cache_alloc(call->cache);
}

static void do_free(void *argument)
{
    const cache_call_t *const call = argument;
    kmem_cache_free(call->cache, call->object);
}

static void act_as_guest(slab_fixture_t *fixture, void (*function)(void *argument), void *argument)
{
    cpu_t *const cpu = cpu_current();
    if (fixture->guest.thread_context == NULL) {
        PROPERTY_EXPECT_STATUS(fixture->run, STATUS_OK, allocation_contexts_attach(&fixture->guest));
    }
    struct allocation_context *const own = cpu->allocation_context;
    cpu->allocation_context = fixture->guest.thread_context; /* a check that fails puts it back */
    function(argument);
    cpu->allocation_context = own;
}

void slab_fixture_act(slab_fixture_t *fixture, slab_actor_t actor, void (*function)(void *argument), void *argument)
{
    switch (actor) {
    case SLAB_ACTOR_INTERRUPT:
        slab_in_interrupt(fixture->run, function, argument);
        break;
    case SLAB_ACTOR_GUEST:
        act_as_guest(fixture, function, argument);
        break;
    default:
        function(argument);
        break;
    }
}

void slab_fixture_guest_leave(slab_fixture_t *fixture)
{
    if (fixture->guest.thread_context != NULL) {
        allocation_contexts_detach(&fixture->guest);
    }
}

void slab_fixture_alloc(slab_fixture_t *fixture, slab_actor_t actor)
{
    cache_call_t call = {fixture->cache, NULL};
    if (fixture->live.count == fixture->live.capacity) {
        return;
    }
    slab_fixture_act(fixture, actor, do_alloc, &call);
    PROPERTY_EXPECT(fixture->run, call.object != NULL);
    PROPERTY_EXPECT_EQUAL(fixture->run, (uintptr_t)call.object & (fixture->alignment - 1), 0);
    live_objects_add(&fixture->live, call.object, fixture->object_size);
    fixture->allocations++;
}

void slab_fixture_free(slab_fixture_t *fixture, slab_actor_t actor)
{
    if (fixture->live.count == 0) {
        return;
    }
    cache_call_t call = {fixture->cache, NULL};
    call.object = live_objects_remove(&fixture->live, property_draw(fixture->run, fixture->live.count));
    slab_fixture_act(fixture, actor, do_free, &call);
    fixture->frees++;
}

void slab_fixture_step(slab_fixture_t *fixture)
{
    static const uint32_t weights[] = {45, 45, 3, 2, 5};
    property_run_t *const run = fixture->run;
    const size_t what = property_choice(run, weights, ARRAY_COUNT(weights));
    const slab_actor_t actor = (slab_actor_t)property_draw(run, SLAB_ACTOR_COUNT);
    switch (what) {
    case 0:
        slab_fixture_alloc(fixture, actor);
        break;
    case 1:
        slab_fixture_free(fixture, actor);
        break;
    case 2:
        (void)kmem_cache_shrink(fixture->cache);
        break;
    case 3:
        slab_fixture_guest_leave(fixture);
        break;
    default:
        /* A burst, so that slabs fill within the steps of one run. */
        for (uint64_t left = property_draw(run, 100); left > 0; left--) {
            slab_fixture_alloc(fixture, actor);
        }
        break;
    }
}

void slab_fixture_expect_agreement(slab_fixture_t *fixture)
{
    property_run_t *const run = fixture->run;
    kmem_cache_stats_t stats;
    PROPERTY_EXPECT_VALID(run, kmem_cache_validate(fixture->cache));
    kmem_cache_stats(fixture->cache, &stats);
    PROPERTY_EXPECT_EQUAL(run, stats.allocations, fixture->allocations);
    PROPERTY_EXPECT_EQUAL(run, stats.frees, fixture->frees);
    PROPERTY_EXPECT_EQUAL(run, stats.objects_live, fixture->live.count);
    PROPERTY_EXPECT(run, stats.objects_live_peak >= stats.objects_live);
    PROPERTY_EXPECT(run, stats.objects_live_peak <= stats.objects_total || stats.objects_total == 0 ||
                             stats.objects_live_peak <= SLAB_FIXTURE_OBJECTS_MAX);
    PROPERTY_EXPECT_EQUAL(run, stats.objects_total, stats.slabs_held * stats.objects_per_slab);
    PROPERTY_EXPECT_EQUAL(run, stats.slabs_held,
                          stats.slabs_owned + stats.slabs_available + stats.slabs_full + stats.slabs_empty);
    PROPERTY_EXPECT(run, stats.objects_live <= stats.objects_total);
    PROPERTY_EXPECT(run, stats.object_size_bytes >= fixture->object_size);
    PROPERTY_EXPECT(run, stats.slab_size_bytes >= stats.object_size_bytes * stats.objects_per_slab);
    PROPERTY_EXPECT(run, stats.fragmentation_percent <= 100);
}
