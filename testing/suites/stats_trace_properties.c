/*
 * One trace of operations makes the same statistics on every machine, byte for byte.
 */
#include "fs/kfs_table.h"
#include "mm/allocation_context.h"
#include "mm/kmem_cache.h"
#include "mm/slab_tier.h"
#include "mm/stats.h"
#include "testing/models/page_world.h"
#include "testing/property/property.h"

#define TRACE_SEED   UINT64_C(20261122)
#define TRACE_STEPS  3000u
#define TRACE_LIVE   128u
#define TRACE_CACHES 3u
#define TRACE_FIRST  0x40000u /* pages; nothing is behind them */
#define TRACE_PAGES  8192u

typedef struct trace {
    property_run_t *run;
    uint64_t state; /* of the generator: the same numbers everywhere */
    char text[2048];
    text_writer_t writer;
    kmem_cache_t *caches[TRACE_CACHES];
    void *objects[TRACE_CACHES][TRACE_LIVE];
    cpu_t guest; /* a CPU that is played by this one */
} trace_t;

static uint64_t trace_draw(trace_t *trace, uint64_t bound)
{
    return property_worker_draw(&trace->state, bound);
}

/* The page allocator's part: a private tree of 32 MiB with a hole, four contexts, runs of many lengths. */
static void trace_pages(trace_t *trace)
{
    property_run_t *const run = trace->run;
    page_world_t *const world = page_world_new(run, TRACE_FIRST, TRACE_PAGES);
    page_number_t runs[TRACE_LIVE] = {{0}};
    uint64_t counts[TRACE_LIVE] = {0};
    page_world_add(world, 0, TRACE_PAGES, MEMORY_REGION_AVAILABLE);
    page_world_add(world, 1000, 77, MEMORY_REGION_RESERVED);
    page_world_add(world, 5000, 3, MEMORY_REGION_BAD);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, page_world_start(world, PAGES_PER_BLOCK));
    for (uint32_t step = 0; step < TRACE_STEPS; step++) {
        page_context_t *const context = &world->contexts[trace_draw(trace, PAGE_WORLD_CONTEXTS)];
        const size_t which = trace_draw(trace, TRACE_LIVE);
        const uint64_t length = trace_draw(trace, 4) == 3 ? 1 + trace_draw(trace, 150) : 1;
        if (counts[which] != 0) {
            page_tree_free(&world->tree, context, runs[which], counts[which]);
            counts[which] = 0;
        } else if (page_tree_alloc(&world->tree, context, &(pages_request_t){.count = length}, &runs[which])) {
            counts[which] = length;
        }
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, page_tree_mark_invalid(&world->tree, page_number(TRACE_FIRST + 7000), 2));
    pages_stats_t pages;
    stats_physical_t stats;
    page_tree_stats(&world->tree, &pages);
    stats_physical_from(&pages, 0, &stats);
    PROPERTY_EXPECT_VALID(run, stats_validate(&stats_physical_layout, &stats));
    kfs_table_single(&trace->writer, &stats_physical_layout, &stats);
}

static void close_trace(void *argument)
{
    trace_t *const trace = argument;
    for (size_t i = 0; i < TRACE_CACHES && trace->caches[i] != NULL; i++) {
        for (size_t which = 0; which < TRACE_LIVE; which++) {
            kmem_cache_free(trace->caches[i], trace->objects[i][which]);
        }
        PROPERTY_EXPECT_STATUS(trace->run, STATUS_OK, kmem_cache_destroy(trace->caches[i]));
    }
    if (trace->guest.thread_context != NULL) {
        allocation_contexts_detach(&trace->guest);
    }
}

/* One operation on an object of the caches, by this CPU or by its guest. */
static void trace_step(trace_t *trace)
{
    cpu_t *const cpu = cpu_current();
    struct allocation_context *const own = cpu->allocation_context;
    const size_t which = trace_draw(trace, TRACE_CACHES);
    void **const object = &trace->objects[which][trace_draw(trace, TRACE_LIVE)];
    const bool is_guest = trace_draw(trace, 4) == 3;
    cpu->allocation_context = is_guest ? trace->guest.thread_context : own;
    if (*object == NULL) {
        *object = kmem_cache_alloc(trace->caches[which]);
    } else {
        kmem_cache_free(trace->caches[which], *object);
        *object = NULL;
    }
    cpu->allocation_context = own;
}

/* The slab core's part: three caches, two contexts, and frees of each other's objects. */
static void trace_caches(trace_t *trace)
{
    static const kmem_cache_config_t configs[TRACE_CACHES] = {
        {"trace-64", 64, 0}, {"trace-200", 200, 0}, {"trace-4096", 4096, 0}};
    property_run_t *const run = trace->run;
    stats_pools_t pools = {0};
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, allocation_contexts_attach(&trace->guest));
    for (size_t i = 0; i < TRACE_CACHES; i++) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_create(&configs[i], &trace->caches[i]));
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set(trace->caches[i], SLAB_TIER_FAST));
    }
    for (uint32_t step = 0; step < TRACE_STEPS; step++) {
        trace_step(trace);
    }
    kfs_table_header(&trace->writer, "name", &stats_cache_layout);
    for (size_t i = 0; i < TRACE_CACHES; i++) {
        kmem_cache_stats_t stats;
        stats_cache_t row;
        kmem_cache_stats(trace->caches[i], &stats);
        stats_cache_from(&stats, &row);
        stats_pools_add(&pools, &stats);
        PROPERTY_EXPECT_VALID(run, stats_validate(&stats_cache_layout, &row));
        kfs_table_row(&trace->writer, stats.name, &stats_cache_layout, &row);
    }
    stats_pools_end(&pools);
    PROPERTY_EXPECT_VALID(run, stats_validate(&stats_pools_layout, &pools));
    kfs_table_single(&trace->writer, &stats_pools_layout, &pools);
}

/*
 * What the trace says, line by line, wherever it runs. A change of an allocator's policy, or a new field, changes it:
 * the new text is then that of every machine, or the change is wrong. A failure's notes show what it is.
 */
static const char *const trace_lines[] = {
    "total free used cached reserved invalid emergency metadata used_peak largest_free_run "
    "run_allocations run_frees failed_requests",
    "33226752 28311552 4907008 0 0 8192 262144 8192 9084928 12582912 1536 1464 0",
    "name object_size objects_per_slab slabs available full empty total live peak allocs frees failed "
    "fragmentation owned remote_frees resting",
    "trace-64 64 64 2 0 0 0 128 62 62 528 466 0 51 2 174 0",
    "trace-200 208 19 6 0 0 0 114 83 83 544 461 0 27 6 175 0",
    "trace-4096 4096 8 11 0 0 0 88 65 68 533 468 0 26 11 164 0",
    "pool_count utilization fragmentation bytes_held bytes_live objects_live objects_total slabs_held "
    "slabs_empty",
    "3 73 27 393216 287472 210 330 19 0",
};

/* Validates 4.5, 4.6, 4.9, 2.14, 1.8: one trace of operations makes the same text, byte for byte, on every machine. */
static void one_trace_makes_one_text(property_run_t *run)
{
    trace_t *const trace = property_alloc(run, sizeof(*trace));
    trace->run = run;
    trace->state = TRACE_SEED;
    trace->writer = text_writer(trace->text, sizeof(trace->text));
    trace_pages(trace);
    property_defer(run, close_trace, trace);
    trace_caches(trace);
    PROPERTY_EXPECT(run, !text_is_truncated(&trace->writer));

    const char *lines[16] = {NULL};
    size_t count = 0;
    const char *start = trace->text;
    for (char *at = trace->text; *at != '\0'; at++) {
        if (*at == '\n') {
            *at = '\0';
            PROPERTY_EXPECT(run, count < ARRAY_COUNT(lines));
            property_note(run, "%s", start);
            lines[count++] = start;
            start = at + 1;
        }
    }
    PROPERTY_EXPECT_EQUAL(run, count, ARRAY_COUNT(trace_lines));
    for (size_t i = 0; i < count; i++) {
        PROPERTY_EXPECT_TEXT(run, trace_lines[i], lines[i]);
    }
}

PROPERTY_SUITE(stats_trace, PROPERTY(one_trace_makes_one_text, "1.8 2.14 4.5 4.6 4.9"));
