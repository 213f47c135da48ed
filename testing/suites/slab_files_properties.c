/*
 * //kern/slab/tier, leaks and trace: what is written changes what it names or nothing, and what is read is a table
 * that agrees with what is known.
 */
#include "fs/kfs.h"
#include "fs/kfs_nodes.h"
#include "mm/kmalloc.h"
#include "testing/models/slab_tiers.h"

#define TEXT_MAX 120000

static void remove_nodes(void *argument)
{
    property_run_t *const run = argument;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_destroy(&kfs_kernel));
    kfs_kernel.root.name = NULL;
}

/* The kernel has the files; on the host they are put into its tree for this run. */
static void need_files(property_run_t *run)
{
    if (kfs_kernel.root.name == NULL) {
        kfs_init(&kfs_kernel);
        property_defer(run, remove_nodes, run);
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_add_slab_safety_nodes(&kfs_kernel));
    }
}

static void close_file(void *argument)
{
    kfs_close(*(kfs_file_t **)argument);
    *(kfs_file_t **)argument = NULL;
}

/* The file's text, terminated. */
static const char *read_file(property_run_t *run, const char *path)
{
    char *const text = property_alloc(run, TEXT_MAX);
    kfs_file_t **const file = (kfs_file_t **)property_alloc(run, sizeof(kfs_file_t *));
    size_t count;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_open(&kfs_kernel, path, file));
    property_defer(run, close_file, (void *)file);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_read(*file, 0, text, TEXT_MAX - 1, &count));
    PROPERTY_EXPECT(run, count < TEXT_MAX - 1);
    close_file((void *)file);
    return text;
}

static status_t write_file(property_run_t *run, const char *path, const char *text)
{
    kfs_file_t *file;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_open(&kfs_kernel, path, &file));
    const status_t status = kfs_write(file, text, text_length(text));
    kfs_close(file);
    return status;
}

/* Expects every line to have as many words as the first, with single blanks between. Returns how many lines. */
static size_t expect_table(property_run_t *run, const char *text)
{
    size_t lines = 0;
    size_t words = 1;
    size_t words_first = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == ' ') {
            PROPERTY_EXPECT(run, at[1] != ' ' && at[1] != '\n' && at[1] != '\0');
            words++;
        } else if (*at == '\n') {
            words_first = lines++ == 0 ? words : words_first;
            PROPERTY_EXPECT_EQUAL(run, words, words_first);
            words = 1;
        }
    }
    return lines;
}

/* The tiers of the caches that a property writes to, as they should be. */
typedef struct tier_model {
    kmem_cache_t *caches[3];
    slab_tier_t tiers[3];
} tier_model_t;

static void destroy_caches(void *argument)
{
    tier_model_t *const model = argument;
    for (size_t i = 0; i < ARRAY_COUNT(model->caches); i++) {
        if (model->caches[i] != NULL && kmem_cache_destroy(model->caches[i]) != STATUS_OK) {
            CHECK(false, "a cache without objects is busy");
        }
    }
}

static const char *const cache_names[] = {"files-a", "files-b", "files-c"};

static tier_model_t *make_caches(property_run_t *run)
{
    tier_model_t *const model = property_alloc(run, sizeof *model);
    property_defer(run, destroy_caches, model);
    for (size_t i = 0; i < ARRAY_COUNT(model->caches); i++) {
        const kmem_cache_config_t config = {cache_names[i], 40, 0};
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_create(&config, &model->caches[i]));
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set(model->caches[i], SLAB_TIER_FAST));
    }
    return model;
}

static void stop_tracking(void *argument)
{
    (void)argument;
    slab_debug_stop();
}

/* Validates 4.5, 4.12, 1.14: NAME=TIER changes that cache; whatever else is written changes nothing and is refused. */
static void the_tier_file_changes_what_it_names_or_nothing(property_run_t *run)
{
    static const char *const words[] = {"fast", "guarded", "debug", "", "Fast", "debugs", "0"};
    static const char *const names[] = {"files-a", "files-b", "files-c",
                                        "",        "files",   "a-name-of-more-than-31-letters-is-no-name"};
    need_files(run);
    if (!slab_debug_is_on()) {
        property_defer(run, stop_tracking, NULL); /* the first write begins it */
    }
    tier_model_t *const model = make_caches(run);
    char text[96];
    for (uint32_t step = 0; step < run->steps; step++) {
        const size_t name = property_draw(run, ARRAY_COUNT(names));
        const size_t word = property_draw(run, ARRAY_COUNT(words));
        const bool has_newline = property_bool(run);
        text_print(text, sizeof text, "%s=%s%s", names[name], words[word], has_newline ? "\n" : "");
        const status_t expected = name == 5 || word >= SLAB_TIER_COUNT ? STATUS_INVALID
                                  : name >= ARRAY_COUNT(cache_names)   ? STATUS_NOT_FOUND
                                                                       : STATUS_OK;
        PROPERTY_EXPECT_STATUS(run, expected, write_file(run, "//kern/slab/tier", text));
        if (expected == STATUS_OK) {
            model->tiers[name] = (slab_tier_t)word;
        }
        for (size_t i = 0; i < ARRAY_COUNT(model->caches); i++) {
            PROPERTY_EXPECT_EQUAL(run, slab_tier_of(model->caches[i]), model->tiers[i]);
        }
    }
    PROPERTY_EXPECT(run, expect_table(run, read_file(run, "//kern/slab/tier")) > ARRAY_COUNT(cache_names));
}

/* Two places in the code that allocate. */
static NOINLINE void *allocate_here(kmem_cache_t *cache)
{
    void *const object = kmem_cache_alloc(cache);
    __asm__ volatile("" ::: "memory"); /* the call stays a call */
    return object;
}

static NOINLINE void *allocate_there(kmem_cache_t *cache)
{
    void *const object = kmem_cache_alloc(cache);
    __asm__ volatile("nop" ::: "memory");
    return object;
}

/* How often the sites hold exactly `objects` objects of 40 bytes each. */
static size_t sites_with(uint64_t objects)
{
    size_t count = 0;
    slab_site_t site;
    for (uint32_t number = 0; slab_debug_site(number, &site); number++) {
        count += objects != 0 && site.objects_live == objects && site.bytes_live == objects * 40;
    }
    return count;
}

/* Validates 5.4, 5.10, 4.5: who holds what is told by call site, and the files are tables whatever is in them. */
static void leaks_are_told_by_call_site(property_run_t *run)
{
    const slab_debug_config_t config = {.records = 2000, .seed = 1};
    need_files(run);
    if (!slab_tiers_start(run, &config)) {
        return;
    }
    tier_model_t *const model = make_caches(run);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set(model->caches[0], SLAB_TIER_GUARDED));
    const uint64_t here = property_range(run, 1, 100);
    const uint64_t there = property_range(run, 101, 200);
    void *objects[300];
    size_t count = 0;
    for (uint64_t i = 0; i < here; i++) {
        objects[count++] = allocate_here(model->caches[0]);
    }
    for (uint64_t i = 0; i < there; i++) {
        objects[count++] = allocate_there(model->caches[0]);
    }
    const size_t told_here = sites_with(here);
    const size_t told_there = sites_with(there);
    const char *const leaks = read_file(run, "//kern/slab/leaks");
    const char *const trace = read_file(run, "//kern/slab/trace");
    while (count != 0) {
        kmem_cache_free(model->caches[0], objects[--count]);
    }
    PROPERTY_EXPECT_EQUAL(run, told_here, 1);
    PROPERTY_EXPECT_EQUAL(run, told_there, 1);
    PROPERTY_EXPECT_EQUAL(run, expect_table(run, leaks), 3);
    PROPERTY_EXPECT_EQUAL(run, expect_table(run, trace), here + there + 1);
    PROPERTY_EXPECT_EQUAL(run, expect_table(run, read_file(run, "//kern/slab/leaks")), 1);
}

PROPERTY_SUITE(slab_files, PROPERTY(the_tier_file_changes_what_it_names_or_nothing, "4.5 4.12 1.14"),
               PROPERTY(leaks_are_told_by_call_site, "5.4 5.10 4.5"));
