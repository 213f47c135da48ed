/*
 * Statistics: every file keeps its laws after every step and under load from all CPUs.
 */
#include "mm/stats.h"

#include "arch/cpu_features.h"
#include "arch/cpu_jobs.h"
#include "fs/kfs_nodes.h"
#include "fs/kfs_table.h"
#include "mm/address_space.h"
#include "mm/kmalloc.h"
#include "mm/pages.h"
#include "testing/models/vm_start.h"

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
    {"//kern/mem/stats/virtual", &stats_virtual_layout, false},
    {"//kern/mem/stats/system", &stats_system_layout, false},
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

#define THINGS_MAX  40u
#define SPACE_PAGES 16u

typedef enum thing_kind { THING_NONE, THING_BLOCK, THING_PAGES, THING_CACHE, THING_SPACE } thing_kind_t;

typedef struct thing {
    thing_kind_t kind;
    void *pointer; /* the block, run, cache or address space */
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
    if (thing->kind == THING_SPACE) {
        address_space_destroy(thing->pointer);
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

/* An address space with an area, of which `count` pages are touched; NULL when memory is out. */
static address_space_t *make_space(size_t count)
{
    const vm_request_t request = {.size = SPACE_PAGES * PAGE_SIZE, .access = VM_READ | VM_WRITE};
    address_space_t *space;
    uintptr_t address;
    if (address_space_create(&space) != STATUS_OK) {
        return NULL;
    }
    if (address_space_map(space, &request, &address) != STATUS_OK) {
        address_space_destroy(space);
        return NULL;
    }
    for (size_t page = 0; page < count; page++) {
        (void)address_space_fault(space, address + page * PAGE_SIZE, page % 2 == 0 ? VM_WRITE : VM_READ);
    }
    return space;
}

static void make(step_world_t *world, thing_t *thing)
{
    static const uint32_t weights[] = {6, 3, 1, 2};
    property_run_t *const run = world->run;
    const thing_kind_t kind = THING_BLOCK + (thing_kind_t)property_choice(run, weights, ARRAY_COUNT(weights));
    const size_t size = property_size_skewed(run, kind == THING_CACHE ? KMEM_OBJECT_SIZE_MAX : 30000);
    thing->count = 1 + size % 8;
    if (kind == THING_BLOCK) {
        thing->pointer = kmalloc(size);
    } else if (kind == THING_PAGES) {
        thing->pointer = pages_alloc(thing->count);
    } else if (kind == THING_SPACE) {
        thing->pointer = make_space(thing->count);
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

/* Validates 4.1-4.10, 4.12: read through KFS after each step, every file keeps all its laws. */
static void every_file_keeps_its_laws_after_every_step(property_run_t *run)
{
    vm_start(run);
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
        if (step % 16 == 0) {
            address_space_destroy(make_space(property_worker_draw(&state, SPACE_PAGES)));
        }
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

/* Validates 1.8, 1.9, 2.14, 4.6-4.11: no snapshot is torn while all other CPUs allocate and free. */
static void no_snapshot_is_torn_under_load(property_run_t *run)
{
    churn_t *const churn = property_alloc(run, sizeof(*churn));
    churn->run = run;
    churn->seed = property_bits64(run);
    churn->looker_count = cpu_count() >= LOOKERS + 1 ? LOOKERS : 1;
    place_files(run);
    cpu_jobs_run_on_all(cpu_count(), churn_or_look, churn);
}

/* ---- the machine's features ---- */

/*
 * Validates 3.3: each feature is told once, in one word; none is on that is not offered; the list is always the same.
 */
static void features_of_the_machine_are_told_once_each(property_run_t *run)
{
    size_t count;
    size_t again;
    const cpu_feature_t *const features = cpu_features(&count);
    PROPERTY_EXPECT(run, cpu_features(&again) == features && again == count);
    for (size_t i = 0; i < count; i++) {
        PROPERTY_EXPECT(run, features[i].name[0] != '\0' && (features[i].is_offered || !features[i].is_on));
        for (const char *letter = features[i].name; *letter != '\0'; letter++) {
            PROPERTY_EXPECT(run, *letter > ' ');
        }
        for (size_t other = 0; other < i; other++) {
            PROPERTY_EXPECT(run, !text_equal(features[i].name, features[other].name));
        }
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

PROPERTY_SUITE(stats,
               PROPERTY(every_file_keeps_its_laws_after_every_step, "4.1 4.2 4.3 4.4 4.5 4.6 4.7 4.8 4.9 4.10 4.12"),
               PROPERTY_EFFORT(no_snapshot_is_torn_under_load, 20, "1.8 1.9 2.14 4.6 4.7 4.8 4.9 4.10 4.11"),
               PROPERTY(features_of_the_machine_are_told_once_each, "3.3"), PROPERTY(laws_say_what_they_say, "4.5 4.6"),
               PROPERTY_EXHAUSTIVE(what_is_no_law_is_told, 1, "4.5"));
