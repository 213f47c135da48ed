/*
 * Failure sweeps: whichever allocation of a scenario is refused, an error comes back and nothing is left of it.
 */
#include "fs/kfs.h"
#include "fs/kfs_nodes.h"
#include "mm/init.h"
#include "mm/inject.h"
#include "mm/kmalloc.h"
#include "mm/pages.h"
#include "testing/models/failure_sweep.h"

/* ---- caches ---- */

#define OBJECTS_MAX 90u

typedef struct cache_scenario {
    kmem_cache_config_t config;
    size_t wanted;
    kmem_cache_t *cache;
    void *objects[OBJECTS_MAX];
    size_t count;
} cache_scenario_t;

static void undo_cache(property_run_t *run, void *context)
{
    cache_scenario_t *const scenario = context;
    for (; scenario->count != 0; scenario->count--) {
        kmem_cache_free(scenario->cache, scenario->objects[scenario->count - 1]);
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_destroy(scenario->cache));
    scenario->cache = NULL;
}

static status_t act_cache(property_run_t *run, void *context)
{
    cache_scenario_t *const scenario = context;
    const status_t status = kmem_cache_create(&scenario->config, &scenario->cache);
    if (status != STATUS_OK) {
        PROPERTY_EXPECT(run, scenario->cache == NULL); /* "*created is then untouched" */
        return status;
    }
    for (; scenario->count < scenario->wanted; scenario->count++) {
        scenario->objects[scenario->count] = kmem_cache_alloc(scenario->cache);
        if (scenario->objects[scenario->count] == NULL) {
            undo_cache(run, scenario);
            return STATUS_NO_MEMORY;
        }
    }
    return STATUS_OK;
}

/* Validates 1.10, 1.11, 3.10: a cache is made, filled and destroyed. */
static void a_cache_without_memory_leaves_nothing(property_run_t *run)
{
    static const failure_scenario_t scenario = {act_cache, undo_cache, NULL};
    cache_scenario_t *const context = property_alloc(run, sizeof(*context));
    context->config = (kmem_cache_config_t){"swept", property_size_skewed(run, KMEM_OBJECT_SIZE_MAX), 0};
    context->wanted = 1 + property_draw(run, OBJECTS_MAX);
    PROPERTY_EXPECT(run, failure_sweep(run, &scenario, context) >= 2 + context->wanted);
}

/* ---- blocks ---- */

#define BLOCKS_MAX 24u
#define BLOCK_SIZE 40000u

#define LONG_PAGES_MAX 6000u

typedef struct block_scenario {
    size_t sizes[BLOCKS_MAX];
    bool is_zeroed[BLOCKS_MAX]; /* by kcalloc */
    size_t wanted;
    unsigned char *blocks[BLOCKS_MAX];
    size_t count;
} block_scenario_t;

static void undo_blocks(property_run_t *run, void *context)
{
    block_scenario_t *const scenario = context;
    (void)run;
    for (; scenario->count != 0; scenario->count--) {
        kfree(scenario->blocks[scenario->count - 1]);
    }
}

static status_t act_blocks(property_run_t *run, void *context)
{
    block_scenario_t *const scenario = context;
    for (; scenario->count < scenario->wanted; scenario->count++) {
        const size_t at = scenario->count;
        unsigned char *const block =
            scenario->is_zeroed[at] ? kcalloc(1, scenario->sizes[at]) : kmalloc(scenario->sizes[at]);
        if (block == NULL) {
            undo_blocks(run, scenario);
            return STATUS_NO_MEMORY;
        }
        for (size_t i = 0; scenario->is_zeroed[at] && i < scenario->sizes[at]; i++) {
            PROPERTY_EXPECT_EQUAL(run, block[i], 0);
        }
        __builtin_memset(block, (int)at, scenario->sizes[at]);
        scenario->blocks[at] = block;
    }
    return STATUS_OK;
}

/* Validates 1.11, 3.10: kmalloc and kcalloc of any size, large blocks among them. */
static void blocks_without_memory_leave_nothing(property_run_t *run)
{
    static const failure_scenario_t scenario = {act_blocks, undo_blocks, NULL};
    block_scenario_t *const context = property_alloc(run, sizeof(*context));
    context->wanted = 1 + property_draw(run, BLOCKS_MAX);
    for (size_t i = 0; i < context->wanted; i++) {
        context->sizes[i] = property_size_skewed(run, BLOCK_SIZE);
        context->is_zeroed[i] = property_bool(run);
    }
    PROPERTY_EXPECT(run, failure_sweep(run, &scenario, context) >= context->wanted);
}

/* One block so long that memory below it may never have been touched: its page words are made on the way. */
typedef struct long_scenario {
    size_t size;
    void *block;
} long_scenario_t;

static void undo_long(property_run_t *run, void *context)
{
    const long_scenario_t *const scenario = context;
    (void)run;
    kfree(scenario->block);
}

static status_t act_long(property_run_t *run, void *context)
{
    long_scenario_t *const scenario = context;
    (void)run;
    scenario->block = kmalloc(scenario->size);
    return scenario->block == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

/* Validates 1.11, 3.10: a block for whose page words there is no memory is no block, and its pages come back. */
static void a_long_block_without_memory_leaves_nothing(property_run_t *run)
{
    static const failure_scenario_t scenario = {act_long, undo_long, NULL};
    long_scenario_t *const context = property_alloc(run, sizeof(*context));
    pages_stats_t stats;
    pages_stats(&stats);
    const uint64_t pages = stats.largest_free_run / 2 < LONG_PAGES_MAX ? stats.largest_free_run / 2 : LONG_PAGES_MAX;
    context->size = PAGE_SIZE + 1 + (size_t)property_draw(run, pages * PAGE_SIZE);
    PROPERTY_EXPECT_EQUAL(run, failure_sweep(run, &scenario, context), 2); /* the block and its pages */
}

/* ---- growth ---- */

typedef struct growth_scenario {
    size_t first_size;
    size_t step_count;
    unsigned char *block;
    size_t size;
} growth_scenario_t;

static void undo_growth(property_run_t *run, void *context)
{
    growth_scenario_t *const scenario = context;
    (void)run;
    kfree(scenario->block);
    scenario->block = NULL;
}

static status_t act_growth(property_run_t *run, void *context)
{
    growth_scenario_t *const scenario = context;
    scenario->size = 0;
    for (size_t step = 0; step < scenario->step_count; step++) {
        const size_t size = scenario->first_size << step;
        unsigned char *const grown = krealloc(scenario->block, size);
        /* Moved or not, and after a refusal as well, the contents are those of before. */
        const unsigned char *const now = grown != NULL ? grown : scenario->block;
        for (size_t i = 0; i < scenario->size; i++) {
            PROPERTY_EXPECT_EQUAL(run, now[i], (unsigned char)(i * 7));
        }
        if (grown == NULL) {
            undo_growth(run, scenario);
            return STATUS_NO_MEMORY;
        }
        scenario->block = grown;
        for (; scenario->size < size; scenario->size++) {
            grown[scenario->size] = (unsigned char)(scenario->size * 7);
        }
    }
    return STATUS_OK;
}

/* Validates 1.11, 3.10: a block that grows through all classes into large ones stays whole when it can't. */
static void growth_without_memory_keeps_the_block(property_run_t *run)
{
    static const failure_scenario_t scenario = {act_growth, undo_growth, NULL};
    growth_scenario_t *const context = property_alloc(run, sizeof(*context));
    context->first_size = 1 + property_draw(run, 40);
    context->step_count = 1 + property_draw(run, 11);
    PROPERTY_EXPECT(run, failure_sweep(run, &scenario, context) >= 1);
}

/* ---- pages ---- */

#define RUNS_MAX 8u

typedef struct page_scenario {
    pages_request_t requests[RUNS_MAX];
    size_t wanted;
    void *runs[RUNS_MAX];
    size_t count;
} page_scenario_t;

static void undo_pages(property_run_t *run, void *context)
{
    page_scenario_t *const scenario = context;
    (void)run;
    for (; scenario->count != 0; scenario->count--) {
        pages_free(scenario->runs[scenario->count - 1], scenario->requests[scenario->count - 1].count);
    }
}

static status_t act_pages(property_run_t *run, void *context)
{
    page_scenario_t *const scenario = context;
    for (; scenario->count < scenario->wanted; scenario->count++) {
        scenario->runs[scenario->count] = pages_alloc_with(&scenario->requests[scenario->count]);
        if (scenario->runs[scenario->count] == NULL) {
            undo_pages(run, scenario);
            return STATUS_NO_MEMORY;
        }
    }
    return STATUS_OK;
}

/* Validates 2.2, 3.10: runs of pages of any length and alignment. */
static void runs_without_memory_leave_nothing(property_run_t *run)
{
    static const failure_scenario_t scenario = {act_pages, undo_pages, NULL};
    page_scenario_t *const context = property_alloc(run, sizeof(*context));
    context->wanted = 1 + property_draw(run, RUNS_MAX);
    for (size_t i = 0; i < context->wanted; i++) {
        context->requests[i].count = property_size_skewed(run, 200);
        context->requests[i].is_zeroed = property_bool(run);
        context->requests[i].may_use_reserve = property_bool(run);
    }
    PROPERTY_EXPECT_EQUAL(run, failure_sweep(run, &scenario, context), context->wanted);
}

/* ---- KFS ---- */

typedef struct file_scenario {
    kfs_t kfs;
    kfs_node_t node;
    kfs_node_t other;
    kfs_file_t *file;
    kfs_file_t *directory;
    size_t text_length;
    unsigned writes;
} file_scenario_t;

static void read_letters(const kfs_node_t *node, text_writer_t *writer)
{
    const file_scenario_t *const scenario = node->context;
    for (size_t i = 0; i < scenario->text_length; i++) {
        text_char(writer, (char)('a' + i % 26));
    }
}

static status_t write_letters(kfs_node_t *node, const char *text)
{
    file_scenario_t *const scenario = node->context;
    (void)text;
    scenario->writes++;
    return STATUS_OK;
}

static void undo_files(property_run_t *run, void *context)
{
    file_scenario_t *const scenario = context;
    kfs_close(scenario->file);
    kfs_close(scenario->directory);
    scenario->file = scenario->directory = NULL;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_destroy(&scenario->kfs));
}

static status_t use_files(property_run_t *run, file_scenario_t *scenario)
{
    const kfs_placement_t placements[] = {{"//one/two/three", &scenario->node}, {"//one/two", &scenario->other}};
    char buffer[64];
    size_t count;
    status_t status = kfs_place(&scenario->kfs, placements, ARRAY_COUNT(placements));
    if (status == STATUS_OK) {
        status = kfs_open(&scenario->kfs, "//one/two/three/letters", &scenario->file);
    }
    if (status == STATUS_OK) {
        status = kfs_open(&scenario->kfs, "//one/two", &scenario->directory);
    }
    const unsigned writes = scenario->writes;
    if (status == STATUS_OK) {
        status = kfs_write(scenario->file, "value", 5);
        PROPERTY_EXPECT_EQUAL(run, scenario->writes, writes + (status == STATUS_OK)); /* all of it or nothing */
    }
    if (status == STATUS_OK) {
        status = kfs_read(scenario->file, 0, buffer, sizeof(buffer), &count);
        const size_t expected = scenario->text_length < sizeof(buffer) ? scenario->text_length : sizeof(buffer);
        PROPERTY_EXPECT_EQUAL(run, count, expected);
    }
    return status;
}

static status_t act_files(property_run_t *run, void *context)
{
    file_scenario_t *const scenario = context;
    kfs_init(&scenario->kfs);
    scenario->node = (kfs_node_t){.name = "letters", .read = read_letters, .write = write_letters, .context = scenario};
    scenario->other = (kfs_node_t){.name = "other", .read = read_letters, .context = scenario};
    const status_t status = use_files(run, scenario);
    if (status != STATUS_OK) {
        undo_files(run, scenario); /* no file is open that was not opened: the tree can be destroyed */
    }
    return status;
}

/* Validates 3.10, 4.12: directories are made, a file placed, opened, read and written, and all of it taken away. */
static void files_without_memory_leave_nothing(property_run_t *run)
{
    static const failure_scenario_t scenario = {act_files, undo_files, NULL};
    file_scenario_t *const context = property_alloc(run, sizeof(*context));
    context->text_length = property_size_skewed(run, 20000);
    PROPERTY_EXPECT(run, failure_sweep(run, &scenario, context) >= 8);
}

/* ---- initialization ---- */

/* A small kernel's steps: a cache, a tree with a file in it, a table. */
typedef struct init_scenario {
    init_sequence_t sequence;
    kmem_cache_t *cache;
    void *object;
    kfs_t kfs;
    kfs_node_t node;
    void *table;
} init_scenario_t;

static status_t step_cache(void *argument)
{
    init_scenario_t *const scenario = argument;
    const kmem_cache_config_t config = {"swept", 200, 0};
    const status_t status = kmem_cache_create(&config, &scenario->cache);
    if (status != STATUS_OK) {
        return status;
    }
    scenario->object = kmem_cache_alloc(scenario->cache);
    if (scenario->object == NULL) {
        CHECK(kmem_cache_destroy(scenario->cache) == STATUS_OK, "an empty cache can't be destroyed");
        return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

static void end_cache(void *argument)
{
    init_scenario_t *const scenario = argument;
    kmem_cache_free(scenario->cache, scenario->object);
    CHECK(kmem_cache_destroy(scenario->cache) == STATUS_OK, "an empty cache can't be destroyed");
}

static void end_tree(void *argument)
{
    init_scenario_t *const scenario = argument;
    CHECK(kfs_destroy(&scenario->kfs) == STATUS_OK, "the tree of a property has an open file");
}

static void read_nothing(const kfs_node_t *node, text_writer_t *writer)
{
    text_string(writer, node->name);
}

static status_t step_tree(void *argument)
{
    init_scenario_t *const scenario = argument;
    const kfs_placement_t placement = {"//kern/mem", &scenario->node};
    kfs_init(&scenario->kfs);
    scenario->node = (kfs_node_t){.name = "file", .read = read_nothing};
    const status_t status = kfs_place(&scenario->kfs, &placement, 1);
    if (status != STATUS_OK) {
        end_tree(scenario);
    }
    return status;
}

static status_t step_table(void *argument)
{
    init_scenario_t *const scenario = argument;
    scenario->table = kcalloc(100, 100);
    return scenario->table == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static void end_table(void *argument)
{
    init_scenario_t *const scenario = argument;
    kfree(scenario->table);
}

static const init_step_t small_steps[] = {
    {.name = "cache", .run = step_cache, .cleanup = end_cache},
    {.name = "tree", .needs = INIT_NEEDS(0), .run = step_tree, .cleanup = end_tree},
    {.name = "table", .needs = INIT_NEEDS(0) | INIT_NEEDS(1), .run = step_table, .cleanup = end_table},
};

static void undo_init(property_run_t *run, void *context)
{
    init_scenario_t *const scenario = context;
    (void)run;
    init_cleanup_all(&scenario->sequence);
}

static status_t act_init(property_run_t *run, void *context)
{
    init_scenario_t *const scenario = context;
    size_t failed = ARRAY_COUNT(small_steps);
    init_sequence_start(&scenario->sequence, small_steps, ARRAY_COUNT(small_steps), scenario);
    scenario->sequence.is_quiet = true;
    const status_t status = init_run_all(&scenario->sequence, &failed);
    if (status == STATUS_OK) {
        return status;
    }
    for (size_t step = 0; step < ARRAY_COUNT(small_steps); step++) {
        const init_state_t state = scenario->sequence.records[step].state;
        PROPERTY_EXPECT_EQUAL(run, state,
                              step < failed    ? INIT_STATE_DONE
                              : step == failed ? INIT_STATE_FAILED
                                               : INIT_STATE_PENDING);
    }
    init_cleanup_all(&scenario->sequence);
    return status;
}

/* Validates 3.10, 6.6, 6.8: a sequence of steps runs out of memory anywhere, and cleaning up hands everything back. */
static void a_sequence_without_memory_hands_everything_back(property_run_t *run)
{
    static const failure_scenario_t scenario = {act_init, undo_init, NULL};
    init_scenario_t *const context = property_alloc(run, sizeof(*context));
    PROPERTY_EXPECT(run, failure_sweep(run, &scenario, context) >= 6);
}

PROPERTY_SUITE(failure_sweep, PROPERTY_EFFORT(a_cache_without_memory_leaves_nothing, 20, "1.10 1.11 3.10"),
               PROPERTY_EFFORT(blocks_without_memory_leave_nothing, 30, "1.11 3.10"),
               PROPERTY_EFFORT(a_long_block_without_memory_leaves_nothing, 30, "1.11 3.10"),
               PROPERTY_EFFORT(growth_without_memory_keeps_the_block, 30, "1.11 3.10"),
               PROPERTY_EFFORT(runs_without_memory_leave_nothing, 30, "2.2 3.10"),
               PROPERTY_EFFORT(files_without_memory_leave_nothing, 20, "3.10 4.12"),
               PROPERTY(a_sequence_without_memory_hands_everything_back, "3.10 6.6 6.8"));
