/*
 * The engine's thread of thought: run, and when that failed: repeat, shrink, tell.
 *
 * Run i of a property draws from a seed of its own, made of the adapter's seed, the property's name and i. So each run repeats by itself,
 * and properties that come or go leave the others' choices alone. Steps grow from 1 in the first run to the full number in
 * the last: what fails early fails small.
 */
#include "base/check.h"
#include "base/units.h"
#include "engine_parts.h"

#define LIST_COUNT         4u
#define COMMAND_REPLAY_MAX 400u /* a longer text is not printed twice */

_Static_assert(sizeof(property_engine_t) < 2048, "an engine fits on a kernel stack");

static choice_list_t cut_list(char **memory, size_t capacity)
{
    choice_list_t list = {.values = (uint64_t *)(void *)*memory, .capacity = capacity};

    *memory += capacity * sizeof(uint64_t);
    return list;
}

static void engine_open(property_engine_t *engine, const property_settings_t *settings, const property_suite_t *suite,
                        const property_t *property)
{
    CHECK(settings->memory_bytes >= PROPERTY_MEMORY_MIN && ((uintptr_t)settings->memory & 15) == 0,
          "property engine needs memory");
    CHECK(settings->runs >= 1 && settings->steps >= 1, "property engine needs runs and steps");

    const size_t capacity = (settings->memory_bytes / 2 / LIST_COUNT / sizeof(uint64_t)) & ~(size_t)1;
    char *memory = settings->memory;
    engine->settings = settings;
    engine->suite = suite;
    engine->property = property;
    engine->best = cut_list(&memory, capacity);
    engine->candidate = cut_list(&memory, capacity);
    engine->trace = cut_list(&memory, capacity);
    engine->bounds = cut_list(&memory, capacity);
    engine->steps = 0;
    engine->failure.site = NULL;
    engine->shrink_attempts = 0;
    engine->run.state = &engine->state;
    engine->state.trap = NULL;
    engine->state.memory = memory;
    engine->state.memory_bytes = settings->memory_bytes - (size_t)(memory - (char *)settings->memory);
    engine->state.note = NULL;
    engine->state.note_argument = NULL;
}

bool engine_run_once(property_engine_t *engine, choice_source_t source, uint32_t steps)
{
    engine->trace.count = 0;
    engine->bounds.count = 0;
    engine->state.source = source;
    engine->state.source.trace = &engine->trace;
    engine->state.source.bounds = &engine->bounds;
    engine->run.steps = steps;
    property_run_execute(&engine->run, engine->property->function);
    return engine->state.failure.site != NULL;
}

void engine_keep_run(property_engine_t *engine)
{
    choice_list_copy(&engine->best, &engine->trace);
    choice_list_trim(&engine->best);
    engine->steps = engine->run.steps;
    engine->failure = engine->state.failure;
}

/* FNV-1a (Fowler, Noll, Vo) of the property's full name. */
static uint64_t name_hash(const property_suite_t *suite, const property_t *property)
{
    const char *const parts[] = {suite->name, ".", property->name};
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t part = 0; part < ARRAY_COUNT(parts); part++) {
        for (const char *character = parts[part]; *character != '\0'; character++) {
            hash = (hash ^ (uint8_t)*character) * UINT64_C(0x100000001b3);
        }
    }
    return hash;
}

static uint32_t steps_of_run(const property_engine_t *engine, uint64_t run, uint64_t runs)
{
    if (engine->property->steps_fixed != 0) {
        return engine->property->steps_fixed;
    }
    const uint64_t longest = engine->settings->steps;
    return runs <= 1 ? (uint32_t)longest : (uint32_t)(1 + (longest - 1) * run / (runs - 1));
}

/* Returns whether a run failed; *seed is then what made its choices. */
static bool run_randomly(property_engine_t *engine, uint64_t *runs_made, uint64_t *seed)
{
    const uint64_t wanted = (uint64_t)engine->settings->runs * engine->property->effort_percent / 100;
    const uint64_t runs = wanted < 1 ? 1 : wanted;
    uint64_t seeds = engine->settings->seed ^ name_hash(engine->suite, engine->property);
    uint64_t run = 0;

    for (*runs_made = 1;; ++*runs_made) {
        *seed = generator_next(&seeds);
        if (engine_run_once(engine, choice_source_generated(*seed), steps_of_run(engine, run, runs))) {
            return true;
        }
        if (run == runs - 1) {
            return false;
        }
        /* Without choices all runs of one length are the same, so the longest is the only other one worth making. */
        run = engine->state.source.choices_made == 0 ? runs - 1 : run + 1;
    }
}

static void tell(const property_engine_t *engine, const char *line)
{
    engine->settings->tell(engine->settings->tell_argument, line);
}

PRINTF_LIKE(2, 3) static void tell_format(const property_engine_t *engine, const char *format, ...)
{
    char line[320];
    text_writer_t writer = text_writer(line, sizeof(line));
    va_list arguments;
    va_start(arguments, format);
    text_format_list(&writer, format, arguments);
    va_end(arguments);
    tell(engine, line);
}

static void tell_failure(const property_engine_t *engine, const property_failure_t *failure)
{
    tell_format(engine, "%s: %s", failure->site->message, failure->site->condition);
    tell_format(engine, "  at %s:%d", failure->site->file, failure->site->line);
    if (failure->detail[0] != '\0') {
        tell_format(engine, "  %s", failure->detail);
    }
}

static void tell_note(void *argument, const char *line)
{
    tell_format(argument, "  note: %s", line);
}

/* The text that repeats the failure, and the command that does so on the host. */
static void tell_replay(const property_engine_t *engine, const property_result_t *result)
{
    static char line[PROPERTY_REPLAY_MAX + 128];
    const bool is_short = text_length(result->replay) <= COMMAND_REPLAY_MAX;

    text_print(line, sizeof(line), "replay: %s", result->replay);
    tell(engine, line);
    text_print(line, sizeof(line), "on the host: ./bazelw test //testing:%s_host_test --test_env=QUARRY_REPLAY='%s'",
               engine->suite->name, is_short ? result->replay : "...the text above...");
    tell(engine, line);
}

/* Runs the best once more, aloud. Returns whether it failed as before. */
static bool repeat_aloud(property_engine_t *engine)
{
    engine->state.note = tell_note;
    engine->state.note_argument = engine;
    const bool has_failed =
        engine_run_once(engine, choice_source_recorded(engine->best.values, engine->best.count), engine->steps);
    engine->state.note = NULL;
    return has_failed && property_failure_is_same(&engine->state.failure, &engine->failure);
}

/* The run that has just been made failed: makes the most of it. `seed` made its choices, when `is_seeded`. */
static void conclude_failure(property_engine_t *engine, bool is_seeded, uint64_t seed, property_result_t *result)
{
    const bool is_whole = choice_source_is_traced(&engine->state.source);
    const uint32_t found_steps = engine->run.steps;

    result->passed = false;
    if (is_whole) {
        engine_keep_run(engine);
    } else {
        engine->failure = engine->state.failure;
        engine->steps = found_steps;
    }
    tell_format(engine, "%s.%s failed in run %llu, with %llu choices in %u steps", engine->suite->name,
                engine->property->name, (unsigned long long)result->runs,
                (unsigned long long)engine->state.source.choices_made, found_steps);
    tell_failure(engine, &engine->failure);

    /* Shrinking trusts that the same choices fail again; with several CPUs that need not be so. */
    result->is_repeatable =
        is_whole &&
        engine_run_once(engine, choice_source_recorded(engine->best.values, engine->best.count), engine->steps) &&
        property_failure_is_same(&engine->state.failure, &engine->failure);
    if (result->is_repeatable) {
        engine_shrink(engine);
        tell_format(engine,
                    "shrunk in %llu attempts to %llu choices in %u steps:", (unsigned long long)engine->shrink_attempts,
                    (unsigned long long)engine->best.count, engine->steps);
        result->is_repeatable = repeat_aloud(engine);
        tell_failure(engine, &engine->failure);
    }
    if (!result->is_repeatable) {
        tell(engine, is_whole ? "the same choices did not fail every time" : "too many choices to shrink");
    }
    result->shrink_attempts = engine->shrink_attempts;
    result->site = engine->failure.site;
    result->choice_count = engine->best.count;
    result->steps = engine->steps;
    const property_recipe_t recipe = {engine->suite, engine->property, engine->steps, is_whole, seed};
    recipe_write(result->replay, sizeof(result->replay), &recipe, is_whole || !is_seeded ? &engine->best : NULL);
    tell_replay(engine, result);
}

static void result_clear(property_result_t *result)
{
    result->passed = true;
    result->runs = 0;
    result->shrink_attempts = 0;
    result->is_repeatable = false;
    result->site = NULL;
    result->choice_count = 0;
    result->steps = 0;
    result->replay[0] = '\0';
}

void property_check(const property_settings_t *settings, const property_suite_t *suite, const property_t *property,
                    property_result_t *result)
{
    property_engine_t engine;
    uint64_t seed = 0;
    const bool is_random = property->kind == PROPERTY_KIND_RANDOM;

    result_clear(result);
    engine_open(&engine, settings, suite, property);
    if (is_random ? run_randomly(&engine, &result->runs, &seed) : engine_exhaust(&engine, &result->runs)) {
        conclude_failure(&engine, is_random, seed, result);
    }
}

status_t property_replay_find(const property_settings_t *settings, const property_suite_t *const *suites,
                              const char *text)
{
    property_engine_t engine;
    property_recipe_t recipe;

    engine_open(&engine, settings, NULL, NULL);
    return recipe_read(text, suites, &recipe, &engine.best);
}

status_t property_replay(const property_settings_t *settings, const property_suite_t *const *suites, const char *text,
                         property_result_t *result)
{
    property_engine_t engine;
    property_recipe_t recipe;

    result_clear(result);
    engine_open(&engine, settings, NULL, NULL);
    const status_t status = recipe_read(text, suites, &recipe, &engine.best);
    if (status != STATUS_OK) {
        return status;
    }
    engine.suite = recipe.suite;
    engine.property = recipe.property;
    engine.state.note = tell_note;
    engine.state.note_argument = &engine;
    const choice_source_t source = recipe.has_choices ? choice_source_recorded(engine.best.values, engine.best.count)
                                                      : choice_source_generated(recipe.seed);
    result->runs = 1;
    result->steps = recipe.steps;
    result->choice_count = engine.best.count;
    result->passed = !engine_run_once(&engine, source, recipe.steps);
    result->site = engine.state.failure.site;
    recipe_write(result->replay, sizeof(result->replay), &recipe, recipe.has_choices ? &engine.best : NULL);
    if (!result->passed) {
        result->is_repeatable = true;
        tell_failure(&engine, &engine.state.failure);
        tell_replay(&engine, result);
    }
    return STATUS_OK;
}

/* The engine whose run on bytes is under way, or NULL. */
static property_engine_t *engine_on_bytes;

static bool run_on_bytes(property_engine_t *engine, const uint8_t *bytes, size_t count)
{
    engine_on_bytes = engine;
    const bool has_failed = engine_run_once(engine, choice_source_from_bytes(bytes, count), engine->settings->steps);
    engine_on_bytes = NULL;
    return has_failed;
}

/* Writes the choices of a run on bytes. False when there is no room for them: no seed would make them again. */
static bool write_bytes_replay(property_engine_t *engine, char *text, size_t capacity)
{
    const property_recipe_t recipe = {engine->suite, engine->property, engine->settings->steps, true, 0};
    const bool is_whole = choice_source_is_traced(&engine->state.source);

    choice_list_trim(&engine->trace);
    recipe_write(text, capacity, &recipe, &engine->trace);
    return is_whole;
}

bool property_replay_under_way(char *text, size_t capacity)
{
    text[0] = '\0';
    return engine_on_bytes != NULL && write_bytes_replay(engine_on_bytes, text, capacity);
}

void property_check_bytes(const property_settings_t *settings, const property_suite_t *suite,
                          const property_t *property, const uint8_t *bytes, size_t count, property_result_t *result)
{
    property_engine_t engine;

    result_clear(result);
    engine_open(&engine, settings, suite, property);
    result->runs = 1;
    if (!run_on_bytes(&engine, bytes, count)) {
        return;
    }
    result->passed = false;
    tell_failure(&engine, &engine.state.failure);
    result->site = engine.state.failure.site;
    result->steps = settings->steps;
    result->choice_count = engine.trace.count;
    (void)write_bytes_replay(&engine, result->replay, sizeof(result->replay));
    tell_replay(&engine, result);
}

/* Matches `text` against a pattern with '*', by the usual backtracking to the last star. */
static bool text_matches(const char *pattern, const char *text)
{
    const char *star = NULL;
    const char *resume = NULL;

    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            resume = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

bool property_name_matches(const char *pattern, const property_suite_t *suite, const property_t *property)
{
    char name[256];
    bool has_star = false;

    text_print(name, sizeof(name), "%s.%s", suite->name, property->name);
    for (const char *character = pattern; *character != '\0'; character++) {
        has_star = has_star || *character == '*';
    }
    return has_star ? text_matches(pattern, name) : text_starts_with(name, pattern);
}
