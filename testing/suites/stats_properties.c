/*
 * Statistics: every file keeps its laws after every step and under load from all CPUs, and one trace of operations
 * makes the same text on every machine.
 */
#include "mm/stats.h"

#include "arch/cpu_jobs.h"
#include "fs/kfs_nodes.h"
#include "fs/kfs_table.h"
#include "mm/allocation_context.h"
#include "mm/kmalloc.h"
#include "mm/pages.h"
#include "mm/slab_tier.h"
#include "testing/models/page_world.h"
#include "testing/property/property.h"

#define FIELDS_MAX 40u
#define TEXT_MAX   16384u

/* ---- files and their laws ---- */

typedef struct stats_file {
    const char *path;
    const stats_layout_t *layout;
    bool is_table; /* a row a thing, with its name first; otherwise one row and no name */
} stats_file_t;

static const stats_file_t files[] = {
    {"//kern/mem/stats/physical", &stats_physical_layout, false},
    {"//kern/mem/stats/pools", &stats_pools_layout, false},
    {"//kern/slab/stats", &stats_slab_layout, false},
    {"//kern/slab/caches", &stats_cache_layout, true},
    {"//kern/slab/usage", &stats_usage_layout, true},
};

/* In a kernel the files are there; on the host they are placed at first use, and stay. */
static void place_files(property_run_t *run)
{
    static memory_map_t map;
    static init_sequence_t sequence;
    kfs_stat_t stat;
    if (kfs_kernel.root.name == NULL) {
        kfs_init(&kfs_kernel);
    }
    if (kfs_stat(&kfs_kernel, files[0].path, &stat) == STATUS_OK) {
        return;
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_add_slab_nodes(&kfs_kernel));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_add_memory_nodes(&kfs_kernel, &map, &sequence));
}

/* Reads row number `row` of a file's text, every field by its name. False when there is no such row. */
static bool read_row(property_run_t *run, const stats_file_t *file, const char *text, size_t length, size_t row,
                     uint64_t *values)
{
    for (size_t i = 0; i < file->layout->count; i++) {
        char cell[24];
        const status_t status = kfs_table_find(text, length, file->layout->fields[i].name, row, cell, sizeof(cell));
        if (i == 0 && status == STATUS_NOT_FOUND && row != 0) {
            return false;
        }
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, status);
        PROPERTY_EXPECT(run, text_parse_u64(cell, false, &values[i]));
    }
    return true;
}

/* Two lines, or a line a row; words with single spaces; as many in each line. */
static void expect_shape(property_run_t *run, const stats_file_t *file, const char *text, size_t length)
{
    const size_t expected = file->layout->count + file->is_table;
    size_t lines = 0;
    size_t words = 1;
    PROPERTY_EXPECT(run, length != 0 && text[length - 1] == '\n');
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n') {
            PROPERTY_EXPECT_EQUAL(run, words, expected);
            lines++;
            words = 1;
        } else if (text[i] == ' ') {
            PROPERTY_EXPECT(run, i != 0 && text[i - 1] > ' ' && text[i + 1] > ' ');
            words++;
        }
    }
    PROPERTY_EXPECT(run, file->is_table ? lines >= 2 : lines == 2);
}

/* Opens a file, reads all of it into text[], and expects what it says to be lawful. Any CPU, in thread context. */
static void expect_lawful(property_run_t *run, const stats_file_t *file, char *text)
{
    uint64_t values[FIELDS_MAX];
    kfs_file_t *opened;
    size_t length;
    PROPERTY_EXPECT(run, file->layout->count <= FIELDS_MAX);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_open(&kfs_kernel, file->path, &opened));
    const status_t status = kfs_read(opened, 0, text, TEXT_MAX, &length);
    kfs_close(opened);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, status);
    PROPERTY_EXPECT(run, length < TEXT_MAX);
    expect_shape(run, file, text, length);
    for (size_t row = 0; read_row(run, file, text, length, row, values); row++) {
        PROPERTY_EXPECT_VALID(run, stats_validate(file->layout, values));
        if (!file->is_table) {
            break;
        }
    }
}

static void expect_all_lawful(property_run_t *run, char *text)
{
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        expect_lawful(run, &files[i], text);
    }
}

/* ---- after every step ---- */

#define THINGS_MAX 40u

typedef enum thing_kind { THING_NONE, THING_BLOCK, THING_PAGES, THING_CACHE } thing_kind_t;

typedef struct thing {
    thing_kind_t kind;
    void *pointer; /* the block, run or cache */
    size_t count;  /* pages of a run, objects of a cache */
    void *objects[8];
} thing_t;

typedef struct step_world {
    property_run_t *run;
    thing_t things[THINGS_MAX];
    unsigned names; /* caches made so far */
    char text[TEXT_MAX];
} step_world_t;

static void drop(step_world_t *world, thing_t *thing)
{
    if (thing->kind == THING_BLOCK) {
        kfree(thing->pointer);
    } else if (thing->kind == THING_PAGES) {
        pages_free(thing->pointer, thing->count);
    } else if (thing->kind == THING_CACHE) {
        for (size_t i = 0; i < thing->count; i++) {
            kmem_cache_free(thing->pointer, thing->objects[i]);
        }
        PROPERTY_EXPECT_STATUS(world->run, STATUS_OK, kmem_cache_destroy(thing->pointer));
    }
    thing->kind = THING_NONE;
}

static void drop_all(void *argument)
{
    step_world_t *const world = argument;
    for (size_t i = 0; i < THINGS_MAX; i++) {
        drop(world, &world->things[i]);
    }
}

static void make(step_world_t *world, thing_t *thing)
{
    static const uint32_t weights[] = {6, 3, 1};
    property_run_t *const run = world->run;
    const thing_kind_t kind = THING_BLOCK + (thing_kind_t)property_choice(run, weights, ARRAY_COUNT(weights));
    const size_t size = property_size_skewed(run, kind == THING_CACHE ? KMEM_OBJECT_SIZE_MAX : 30000);
    thing->count = 1 + size % 8;
    if (kind == THING_BLOCK) {
        thing->pointer = kmalloc(size);
    } else if (kind == THING_PAGES) {
        thing->pointer = pages_alloc(thing->count);
    } else {
        char name[16];
        kmem_cache_t *cache;
        text_print(name, sizeof(name), "step-%u", world->names++);
        const kmem_cache_config_t config = {name, size, 0};
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_create(&config, &cache));
        thing->pointer = cache;
        for (size_t i = 0; i < thing->count; i++) {
            thing->objects[i] = kmem_cache_alloc(cache);
            PROPERTY_EXPECT(run, thing->objects[i] != NULL);
        }
    }
    PROPERTY_EXPECT(run, thing->pointer != NULL);
    thing->kind = kind;
}

/* Validates 4.1, 4.4, 4.5, 4.6, 4.9, 4.10, 4.12: read through KFS after each step, every file keeps all its laws. */
static void every_file_keeps_its_laws_after_every_step(property_run_t *run)
{
    step_world_t *const world = property_alloc(run, sizeof(*world));
    world->run = run;
    place_files(run);
    property_defer(run, drop_all, world);
    for (uint32_t step = 0; step < run->steps; step++) {
        thing_t *const thing = &world->things[property_draw(run, THINGS_MAX)];
        if (thing->kind != THING_NONE) {
            drop(world, thing);
        } else {
            make(world, thing);
        }
        if (property_draw(run, 16) == 15) {
            (void)kmem_caches_shrink();
        }
        expect_all_lawful(run, world->text);
    }
}

/* ---- under load ---- */

#define CHURN_BLOCKS 16u
#define CHURN_STEPS  400u
#define LOOKERS      2u /* CPUs that look: the first two, when there are three at least */
#define LOOKS_MIN    5u
#define LOOKS_MAX    20000u

typedef struct churn {
    property_run_t *run;
    uint64_t seed;
    uint32_t looker_count;
    _Atomic uint32_t done; /* CPUs that have allocated all they had to */
    char text[LOOKERS][TEXT_MAX];
} churn_t;

typedef struct churn_part {
    churn_t *churn;
    uint32_t index;
} churn_part_t;

static void churn_work(void *argument)
{
    const churn_part_t *const part = argument;
    void *blocks[CHURN_BLOCKS] = {NULL};
    uint64_t state = part->churn->seed + part->index;
    for (uint32_t step = 0; step < CHURN_STEPS; step++) {
        void **const block = &blocks[property_worker_draw(&state, CHURN_BLOCKS)];
        kfree(*block);
        *block = kmalloc(1 + property_worker_draw(&state, 6000));
    }
    for (size_t i = 0; i < CHURN_BLOCKS; i++) {
        kfree(blocks[i]);
    }
}

static void look(void *argument)
{
    const churn_part_t *const part = argument;
    churn_t *const churn = part->churn;
    uint32_t looks = 0;
    do {
        expect_all_lawful(churn->run, churn->text[part->index]);
    } while (!property_worker_has_failed(churn->run) &&
             (++looks < LOOKS_MIN || (churn->done + churn->looker_count < cpu_count() && looks < LOOKS_MAX)));
}

static void churn_or_look(void *argument, uint32_t index)
{
    churn_t *const churn = argument;
    churn_part_t part = {churn, index};
    if (index < churn->looker_count) {
        property_worker_run(churn->run, look, &part);
    } else {
        property_worker_run(churn->run, churn_work, &part);
        churn->done++;
    }
}

/* Validates 1.8, 1.9, 2.14, 4.6, 4.9, 4.10, 4.11: no snapshot is torn while all other CPUs allocate and free. */
static void no_snapshot_is_torn_under_load(property_run_t *run)
{
    churn_t *const churn = property_alloc(run, sizeof(*churn));
    churn->run = run;
    churn->seed = property_bits64(run);
    churn->looker_count = cpu_count() >= LOOKERS + 1 ? LOOKERS : 1;
    place_files(run);
    cpu_jobs_run_on_all(cpu_count(), churn_or_look, churn);
}

/* ---- the same on every machine ---- */

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
    "33226752 28311552 4907008 0 0 8192 262144 12288 8454144 8388608 1536 1464 0",
    "name object_size objects_per_slab slabs available full empty total live peak allocs frees failed "
    "fragmentation owned remote_frees resting",
    "trace-64 64 64 2 0 0 0 128 62 62 528 466 0 51 2 177 0",
    "trace-200 208 19 6 0 0 0 114 83 83 544 461 0 27 6 176 0",
    "trace-4096 4096 8 11 0 0 0 88 65 68 533 468 0 26 11 168 0",
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

/* ---- laws ---- */

/* Validates 4.5, 4.6: a law is told exactly when it is broken, as a reckoning by hand has it. */
static void laws_say_what_they_say(property_run_t *run)
{
    stats_physical_t stats = {0};
    uint64_t *const values[] = {&stats.total,     &stats.free,      &stats.used,
                                &stats.cached,    &stats.reserved,  &stats.invalid,
                                &stats.emergency, &stats.used_peak, &stats.largest_free_run};
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        *values[i] = property_draw(run, 3);
    }
    if (property_bool(run)) {
        stats.total = stats.free + stats.used + stats.reserved + stats.invalid;
    }
    const char *const expected = stats.total != stats.free + stats.used + stats.reserved + stats.invalid
                                     ? "total = free + used + reserved + invalid"
                                 : stats.cached > stats.used           ? "cached <= used"
                                 : stats.emergency > stats.free        ? "emergency <= free"
                                 : stats.largest_free_run > stats.free ? "largest_free_run <= free"
                                 : stats.used > stats.used_peak        ? "used <= used_peak"
                                                                       : NULL;
    PROPERTY_EXPECT_TEXT(run, expected, stats_validate(&stats_physical_layout, &stats));
}

/* Validates 4.5: what is no law, or names no field, is told as broken instead of passing. */
static void what_is_no_law_is_told(property_run_t *run)
{
    static const char *const texts[] = {
        "total = nothing",   "total", "total < free",  "total = free +",
        "total = free free", "",      " total = free", "total = free * 0 + used = used"};
    const char *const laws[] = {texts[property_draw(run, ARRAY_COUNT(texts))], NULL};
    const stats_layout_t layout = {stats_physical_layout.fields, stats_physical_layout.count, laws};
    const stats_physical_t stats = {0};
    PROPERTY_EXPECT_TEXT(run, laws[0], stats_validate(&layout, &stats));
}

PROPERTY_SUITE(stats, PROPERTY(every_file_keeps_its_laws_after_every_step, "4.1 4.4 4.5 4.6 4.9 4.10 4.12"),
               PROPERTY_EFFORT(no_snapshot_is_torn_under_load, 20, "1.8 1.9 2.14 4.6 4.9 4.10 4.11"),
               PROPERTY(one_trace_makes_one_text, "1.8 2.14 4.5 4.6 4.9"), PROPERTY(laws_say_what_they_say, "4.5 4.6"),
               PROPERTY_EXHAUSTIVE(what_is_no_law_is_told, 1, "4.5"));
