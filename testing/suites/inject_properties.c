/*
 * Failure injection: a rule refuses exactly what a naive count says, and leaves no trace when it is gone.
 */
#include "mm/inject.h"

#include "arch/cpu_jobs.h"
#include "fs/kfs_inject.h"
#include "mm/kmalloc.h"
#include "mm/pages.h"
#include "testing/property/property.h"

static void disarm(void *argument)
{
    (void)argument;
    inject_disarm(NULL);
}

/* The naive count: number `index` from 0 of what the rule covers, when `refused` have been before. */
static bool model_refuses(const inject_rule_t *rule, uint64_t index, uint64_t refused)
{
    if (rule->refusals_max != 0 && refused >= rule->refusals_max) {
        return false;
    }
    uint64_t passes_left = rule->passes;
    uint64_t refusals_left = rule->refusals;
    for (uint64_t before = 0; before < index; before++) {
        if (passes_left != 0) {
            passes_left--;
        } else if (refusals_left != 0) {
            refusals_left -= refusals_left != UINT64_MAX;
        }
        if (passes_left == 0 && refusals_left == 0 && rule->repeats) {
            passes_left = rule->passes;
            refusals_left = rule->refusals;
        }
    }
    return passes_left == 0 && refusals_left != 0;
}

/* Validates 3.10: passes, refusals, repetition and the end of it all, for every small rule. */
static void a_rule_refuses_what_a_naive_count_says(property_run_t *run)
{
    static const uint64_t refusals[] = {1, 2, UINT64_MAX};
    inject_rule_t rule = {.kinds = INJECT_OBJECTS, .cache = "nobody"};
    rule.passes = property_draw(run, 4);
    rule.refusals = refusals[property_draw(run, ARRAY_COUNT(refusals))];
    rule.repeats = property_bool(run);
    rule.refusals_max = property_draw(run, 4);
    uint64_t refused = 0;
    property_defer(run, disarm, NULL);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, inject_arm(&rule));
    for (uint64_t index = 0; index < 14; index++) {
        const bool expected = model_refuses(&rule, index, refused);
        PROPERTY_EXPECT(run, !inject_refuses(INJECT_PAGES, NULL, 1));
        PROPERTY_EXPECT(run, !inject_refuses(INJECT_OBJECTS, "somebody", 1));
        PROPERTY_EXPECT_EQUAL(run, inject_refuses(INJECT_OBJECTS, "nobody", 1), expected);
        refused += expected;
    }
    inject_report_t report;
    inject_disarm(&report);
    PROPERTY_EXPECT(run, !report.is_armed);
    PROPERTY_EXPECT_EQUAL(run, report.seen, 14);
    PROPERTY_EXPECT_EQUAL(run, report.refused, refused);
    PROPERTY_EXPECT(run, !inject_refuses(INJECT_OBJECTS, "nobody", 1));
}

/* ---- real allocations ---- */

#define LIVE_MAX 80u

typedef struct inject_world {
    property_run_t *run;
    kmem_cache_t *cache;
    void *objects[LIVE_MAX]; /* of the cache */
    void *blocks[LIVE_MAX];  /* of kmalloc */
    size_t object_count;
    size_t block_count;
} inject_world_t;

static void close_world(void *argument)
{
    inject_world_t *const world = argument;
    inject_disarm(NULL);
    for (size_t i = 0; i < world->object_count; i++) {
        kmem_cache_free(world->cache, world->objects[i]);
    }
    for (size_t i = 0; i < world->block_count; i++) {
        kfree(world->blocks[i]);
    }
    PROPERTY_EXPECT_VALID(world->run, kmem_cache_validate(world->cache));
    PROPERTY_EXPECT_STATUS(world->run, STATUS_OK, kmem_cache_destroy(world->cache));
}

static inject_world_t *open_world(property_run_t *run)
{
    inject_world_t *const world = property_alloc(run, sizeof(*world));
    const kmem_cache_config_t config = {"injected", property_size_skewed(run, KMEM_OBJECT_SIZE_MAX), 0};
    world->run = run;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_create(&config, &world->cache));
    property_defer(run, close_world, world);
    return world;
}

/* What is asked for: an object of the cache, or a block that belongs to the cache of its name. */
typedef struct inject_subject {
    const char *cache;
    size_t size; /* 0: an object of the world's own cache */
} inject_subject_t;

static const inject_subject_t subjects[] = {
    {"injected", 0}, {"kmalloc-64", 64}, {"kmalloc-512", 500}, {"kmalloc-4096", 4096}, {INJECT_LARGE, 9000},
};

static bool allocate(inject_world_t *world, const inject_subject_t *subject)
{
    void *const got = subject->size == 0 ? kmem_cache_alloc(world->cache) : kmalloc(subject->size);
    if (got == NULL) {
        return false;
    }
    if (subject->size == 0) {
        world->objects[world->object_count++] = got;
    } else {
        world->blocks[world->block_count++] = got;
    }
    return true;
}

static uint64_t failures_of(kmem_cache_t *cache)
{
    kmem_cache_stats_t stats;
    kmem_cache_stats(cache, &stats);
    return stats.allocations_failed;
}

/*
 * Validates 3.10, 1.11: whichever caches a rule covers, exactly the chosen allocations get NULL, whatever was in
 * hand.
 */
static void exactly_the_chosen_allocations_fail(property_run_t *run)
{
    inject_world_t *const world = open_world(run);
    for (size_t i = 0; i < 2 * ARRAY_COUNT(subjects); i++) { /* so that every class has a slab in hand */
        PROPERTY_EXPECT(run, allocate(world, &subjects[i % ARRAY_COUNT(subjects)]));
    }
    inject_rule_t rule = {.kinds = INJECT_OBJECTS};
    const size_t which = property_draw(run, ARRAY_COUNT(subjects) + 1);
    rule.passes = property_draw(run, 5);
    rule.refusals = 1 + property_draw(run, 3);
    rule.repeats = property_bool(run);
    if (which < ARRAY_COUNT(subjects)) {
        text_print(rule.cache, sizeof(rule.cache), "%s", subjects[which].cache);
    }
    const uint64_t failures = failures_of(world->cache);
    uint64_t own_failures = 0;
    uint64_t seen = 0;
    uint64_t refused = 0;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, inject_arm(&rule));
    for (uint32_t step = 0; step < run->steps && step < LIVE_MAX - 2 * ARRAY_COUNT(subjects); step++) {
        const size_t subject = property_draw(run, ARRAY_COUNT(subjects));
        const bool is_freed = property_bool(run);
        const bool is_covered = which == ARRAY_COUNT(subjects) || which == subject;
        const bool expected = is_covered && model_refuses(&rule, seen, refused);
        PROPERTY_EXPECT_EQUAL(run, !allocate(world, &subjects[subject]), expected);
        seen += is_covered;
        refused += expected;
        own_failures += expected && subject == 0;
        if (is_freed && world->block_count != 0) {
            kfree(world->blocks[--world->block_count]);
        }
    }
    inject_report_t report;
    inject_disarm(&report);
    PROPERTY_EXPECT_EQUAL(run, report.seen, seen);
    PROPERTY_EXPECT_EQUAL(run, report.refused, refused);
    PROPERTY_EXPECT_EQUAL(run, failures_of(world->cache) - failures, own_failures);
    for (size_t i = 0; i < ARRAY_COUNT(subjects); i++) {
        PROPERTY_EXPECT(run, allocate(world, &subjects[i]));
    }
}

/* ---- callers ---- */

/*
 * Two functions that ask for the same, in ways whose caller is known in every build: a call in the last place that is
 * no jump, as sanitizers have it, would name kmalloc itself for sizes that are not known while compiling.
 */
typedef struct asker {
    size_t kind; /* 0: a block; 1: an object of the cache; 2: a page */
    kmem_cache_t *cache;
} asker_t;

static ALWAYS_INLINE void *ask(const asker_t *asker)
{
    const pages_request_t one = {.count = 1};
    void *volatile got = NULL; /* so that there is code after each call, and none is a jump */
    if (asker->kind == 0) {
        got = kmalloc(64);
    } else if (asker->kind == 1) {
        got = kmem_cache_alloc(asker->cache);
    } else {
        got = pages_alloc_with(&one);
    }
    return got;
}

static NOINLINE void *first_caller(const asker_t *asker)
{
    return ask(asker);
}

static NOINLINE void *second_caller(const asker_t *asker)
{
    return ask(asker);
}

static void give_back(const asker_t *asker, void *got)
{
    if (asker->kind == 0) {
        kfree(got);
    } else if (asker->kind == 1) {
        kmem_cache_free(asker->cache, got);
    } else {
        pages_free(got, 1);
    }
}

/* Where the call in `function` returns to, as the report of a refusal has it. */
static uintptr_t learn_caller(property_run_t *run, void *(*function)(const asker_t *asker), const asker_t *asker)
{
    const inject_rule_t everything = {.refusals = UINT64_MAX};
    inject_report_t report;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, inject_arm(&everything));
    PROPERTY_EXPECT(run, function(asker) == NULL);
    inject_disarm(&report);
    PROPERTY_EXPECT_EQUAL(run, report.refused, 1);
    return report.last_caller;
}

/* Validates 3.10: a rule for one caller refuses that one's requests and nobody else's. */
static void a_caller_can_be_refused_alone(property_run_t *run)
{
    inject_world_t *const world = open_world(run);
    asker_t asker = {.cache = world->cache};
    asker.kind = property_draw(run, 3);
    const uintptr_t first = learn_caller(run, first_caller, &asker);
    const uintptr_t second = learn_caller(run, second_caller, &asker);
    PROPERTY_EXPECT(run, first != second);
    const inject_rule_t rule = {.caller_start = first, .caller_end = first + 1, .refusals = UINT64_MAX};
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, inject_arm(&rule));
    PROPERTY_EXPECT(run, first_caller(&asker) == NULL);
    void *const got = second_caller(&asker);
    PROPERTY_EXPECT(run, got != NULL);
    give_back(&asker, got);
    inject_report_t report;
    inject_disarm(&report);
    PROPERTY_EXPECT_EQUAL(run, report.seen, 1);
    PROPERTY_EXPECT_EQUAL(run, report.last_caller, first);
}

/* ---- under load ---- */

#define LOAD_BLOCKS 12u
#define LOAD_STEPS  300u

typedef struct load {
    property_run_t *run;
    uint64_t seed;
    _Atomic uint64_t failures;
} load_t;

typedef struct load_part {
    load_t *load;
    uint32_t index;
} load_part_t;

static void load_work(void *argument)
{
    const load_part_t *const part = argument;
    unsigned char *blocks[LOAD_BLOCKS] = {NULL};
    uint64_t state = part->load->seed + part->index;
    for (uint32_t step = 0; step < LOAD_STEPS; step++) {
        const uint32_t which = (uint32_t)property_worker_draw(&state, LOAD_BLOCKS);
        kfree(blocks[which]);
        blocks[which] = kmalloc(16 + property_worker_draw(&state, 9000));
        if (blocks[which] == NULL) {
            part->load->failures++;
        } else {
            blocks[which][0] = (unsigned char)part->index;
            blocks[which][15] = (unsigned char)which;
        }
        for (uint32_t i = 0; i < LOAD_BLOCKS; i++) {
            PROPERTY_EXPECT(part->load->run, blocks[i] == NULL || (blocks[i][0] == part->index && blocks[i][15] == i));
        }
    }
    for (uint32_t i = 0; i < LOAD_BLOCKS; i++) {
        kfree(blocks[i]);
    }
}

static void load_all(void *argument, uint32_t index)
{
    load_t *const load = argument;
    load_part_t part = {load, index};
    property_worker_run(load->run, load_work, &part);
}

/* Validates 1.9, 3.10: rules hold while all CPUs allocate: what they got is theirs, and all that failed was refused. */
static void all_cpus_live_with_a_rule(property_run_t *run)
{
    load_t *const load = property_alloc(run, sizeof(*load));
    const uint64_t period = 2 + property_draw(run, 20);
    load->run = run;
    load->seed = property_bits64(run);
    property_defer(run, disarm, NULL);
    const inject_rule_t rule = {.passes = period - 1, .refusals = 1, .repeats = true};
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, inject_arm(&rule));
    cpu_jobs_run_on_all(cpu_count(), load_all, load);
    inject_report_t report;
    inject_disarm(&report);
    PROPERTY_EXPECT_EQUAL(run, report.refused, report.seen / period);
    PROPERTY_EXPECT(run, load->failures <= report.refused); /* what a cache can do without is refused and not missed */
    PROPERTY_EXPECT(run, report.refused != 0 && load->failures != 0);
}

/* ---- rules in words ---- */

static bool find_function(const char *name, uintptr_t *start, uintptr_t *end)
{
    if (!text_equal(name, "some_function")) {
        return false;
    }
    *start = 0x1000;
    *end = 0x1080;
    return true;
}

static void describe(uintptr_t address, text_writer_t *writer)
{
    text_format(writer, "at_0x%llx", (unsigned long long)address);
}

static const kfs_code_names_t names = {find_function, describe};

typedef struct words_case {
    const char *text;
    status_t status;
    inject_rule_t rule;
} words_case_t;

#define USUAL KFS_INJECT_TIMES_USUAL

static const words_case_t words_cases[] = {
    {"nth 5", STATUS_OK, {.passes = 4, .refusals = 1, .refusals_max = USUAL}},
    {" every\t3\n", STATUS_OK, {.passes = 2, .refusals = 1, .repeats = true, .refusals_max = USUAL}},
    {"after 0", STATUS_OK, {.refusals = UINT64_MAX, .refusals_max = USUAL}},
    {"times 0 pages after 7", STATUS_OK, {.kinds = INJECT_PAGES, .passes = 7, .refusals = UINT64_MAX}},
    {"cache kmalloc-64 nth 1 objects times 2",
     STATUS_OK,
     {.kinds = INJECT_OBJECTS, .cache = "kmalloc-64", .refusals = 1, .refusals_max = 2}},
    {"nth 1 caller some_function",
     STATUS_OK,
     {.caller_start = 0x1000, .caller_end = 0x1080, .refusals = 1, .refusals_max = USUAL}},
    {"caller 0x1234 nth 1",
     STATUS_OK,
     {.caller_start = 0x1234, .caller_end = 0x1235, .refusals = 1, .refusals_max = USUAL}},
    {"nth 1 caller nobody", STATUS_NOT_FOUND, {0}},
    {"", STATUS_INVALID, {0}},
    {"nth", STATUS_INVALID, {0}},
    {"nth 0", STATUS_INVALID, {0}},
    {"every 0", STATUS_INVALID, {0}},
    {"nth 1 every 2", STATUS_INVALID, {0}},
    {"nth 1 off", STATUS_INVALID, {0}},
    {"off nth 1", STATUS_INVALID, {0}},
    {"nth 18446744073709551616", STATUS_INVALID, {0}},
    {"nth 1 caller 0", STATUS_INVALID, {0}},
    {"nth 1 caller 1 caller 2", STATUS_INVALID, {0}},
    {"nth 1 cache a cache b", STATUS_INVALID, {0}},
    {"nth 1 cache 12345678901234567890123456789012", STATUS_INVALID, {0}},
    {"nth 1 pages objects", STATUS_INVALID, {0}},
    {"nth 1 times 1 times 1", STATUS_INVALID, {0}},
    {"nth 1 sometimes", STATUS_INVALID, {0}},
    {"nth 1 pages cache kmalloc-64", STATUS_INVALID, {0}}, /* parses, but covers nothing: refused when armed */
};

/* Validates 3.10, 4.12: the words of //kern/mem/inject make the rule they say or none, and the armed one then stays. */
static void words_make_a_rule_or_nothing(property_run_t *run)
{
    kfs_t kfs;
    kfs_node_t node = kfs_inject_node(&names);
    kfs_file_t *file;
    const words_case_t *const one = &words_cases[property_draw(run, ARRAY_COUNT(words_cases))];
    const inject_rule_t before = {.cache = "nobody", .refusals = 1};
    kfs_init(&kfs);
    property_note(run, "\"%s\"", one->text);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_add(&kfs, "//", &node));
    property_defer(run, disarm, NULL);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, inject_arm(&before));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_open(&kfs, "//inject", &file));
    const status_t status = kfs_write(file, one->text, text_length(one->text));
    inject_report_t report;
    inject_disarm(&report);
    kfs_close(file);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_destroy(&kfs));
    PROPERTY_EXPECT_STATUS(run, one->status, status);
    const inject_rule_t *const expected = one->status == STATUS_OK ? &one->rule : &before;
    PROPERTY_EXPECT_EQUAL(run, report.rule.kinds, expected->kinds);
    PROPERTY_EXPECT_TEXT(run, expected->cache, report.rule.cache);
    PROPERTY_EXPECT_EQUAL(run, report.rule.caller_start, expected->caller_start);
    PROPERTY_EXPECT_EQUAL(run, report.rule.caller_end, expected->caller_end);
    PROPERTY_EXPECT_EQUAL(run, report.rule.passes, expected->passes);
    PROPERTY_EXPECT_EQUAL(run, report.rule.refusals, expected->refusals);
    PROPERTY_EXPECT_EQUAL(run, report.rule.repeats, expected->repeats);
    PROPERTY_EXPECT_EQUAL(run, report.rule.refusals_max, expected->refusals_max);
}

/* Validates 3.10: any words are a rule or refused, and never read past their end. */
static void any_words_are_a_rule_or_refused(property_run_t *run)
{
    static const char *const words[] = {"nth",    "every", "after",      "3",  "0",   "pages", "objects", "cache",
                                        "caller", "times", "kmalloc-64", "0x", "off", " ",     "\n",      "x"};
    char text[200];
    text_writer_t writer = text_writer(text, sizeof(text));
    for (uint64_t left = property_draw(run, 10); left > 0; left--) {
        const size_t word = property_draw(run, ARRAY_COUNT(words));
        text_format(&writer, property_draw(run, 8) == 7 ? "%s" : "%s ", words[word]);
    }
    inject_rule_t rule = {.passes = 12345};
    bool is_off;
    const status_t status = kfs_inject_parse(text, &names, &rule, &is_off);
    PROPERTY_EXPECT(run, status == STATUS_OK || status == STATUS_INVALID || status == STATUS_NOT_FOUND);
    PROPERTY_EXPECT_EQUAL(run, rule.passes == 12345, status != STATUS_OK || is_off);
}

PROPERTY_SUITE(inject, PROPERTY_EXHAUSTIVE(a_rule_refuses_what_a_naive_count_says, 1, "3.10"),
               PROPERTY(exactly_the_chosen_allocations_fail, "1.11 3.10"),
               PROPERTY(a_caller_can_be_refused_alone, "3.10"),
               PROPERTY_EFFORT(all_cpus_live_with_a_rule, 40, "1.9 3.10"),
               PROPERTY_EXHAUSTIVE(words_make_a_rule_or_nothing, 1, "3.10 4.12"),
               PROPERTY(any_words_are_a_rule_or_refused, "3.10"));
