/*
 * What the engine's files share: the memory that an adapter lent, cut into lists of choices and the runs' arena.
 */
#ifndef TESTING_PROPERTY_ENGINE_PARTS_H
#define TESTING_PROPERTY_ENGINE_PARTS_H

#include "engine.h"
#include "run.h"

typedef struct property_engine {
    const property_settings_t *settings;
    const property_suite_t *suite;
    const property_t *property;
    property_run_t run;
    property_state_t state;
    choice_list_t best;      /* the simplest choices known to fail, without trailing zeros */
    choice_list_t candidate; /* what is tried next */
    choice_list_t trace;     /* what the last run really drew */
    choice_list_t bounds;
    uint32_t steps; /* of `best` */
    property_failure_t failure;
    uint64_t shrink_attempts;
} property_engine_t;

/* Runs the property once on `source`, tracing. Returns whether it failed; state.failure says how. */
bool engine_run_once(property_engine_t *engine, choice_source_t source, uint32_t steps);

/* Takes the run that has just failed as the best. Its trace is whole. */
void engine_keep_run(property_engine_t *engine);

/* Simplifies `best` until nothing helps or the attempts are used up (shrink.c). */
void engine_shrink(property_engine_t *engine);

/* Tries every sequence of choices (exhaustive.c). Returns whether one failed, and how many cases there were. */
bool engine_exhaust(property_engine_t *engine, uint64_t *cases);

/* What a replay text says (replay.c). */
typedef struct property_recipe {
    const property_suite_t *suite;
    const property_t *property;
    uint32_t steps;
    bool has_choices; /* else `seed` makes them */
    uint64_t seed;
} property_recipe_t;

/* Writes the text for `choices`, or for the seed when `choices` is NULL or too long. */
void recipe_write(char *text, size_t capacity, const property_recipe_t *recipe, const choice_list_t *choices);

/* Reads one; choices go to `choices`. STATUS_CORRUPT or STATUS_NOT_FOUND, as property_replay() has it. */
MUST_USE status_t recipe_read(const char *text, const property_suite_t *const *suites, property_recipe_t *recipe,
                              choice_list_t *choices);

#endif
