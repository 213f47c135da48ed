/*
 * Initialization: no step runs before what it needs, whatever the table, the order and the failures.
 */
#include "mm/init.h"

#include "base/text.h"
#include "testing/property/property.h"

#define STEPS_MAX 10u

/* A table with drawn needs, some of whose steps fail, and what a naive reading expects of each. */
typedef struct init_world {
    init_sequence_t sequence;
    init_step_t steps[STEPS_MAX];
    size_t count;
    bool fails[STEPS_MAX];
    bool is_done[STEPS_MAX];
    size_t running; /* which step the next call of run_step() is for */
    size_t runs;
    size_t cleanups;
} init_world_t;

static status_t run_step(void *context)
{
    init_world_t *const world = context;
    world->runs++;
    return world->fails[world->running] ? STATUS_NO_MEMORY : STATUS_OK;
}

static void clean_step(void *context)
{
    init_world_t *const world = context;
    world->cleanups++;
}

static const char *const step_names[STEPS_MAX] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};

static init_world_t *draw_world(property_run_t *run)
{
    init_world_t *const world = property_alloc(run, sizeof(*world));
    world->count = 1 + property_draw(run, STEPS_MAX);
    for (size_t i = 0; i < world->count; i++) {
        world->steps[i] = (init_step_t){
            .name = step_names[i],
            .needs = (uint32_t)property_draw(run, UINT64_C(1) << world->count),
            .is_optional = property_bool(run),
            .run = run_step,
            .cleanup = property_bool(run) ? clean_step : NULL,
        };
        world->steps[i].needs &= (uint32_t)property_bits64(run); /* few needs, so that steps run at all */
        world->fails[i] = property_draw(run, 4) == 3;
    }
    init_sequence_start(&world->sequence, world->steps, world->count, world);
    world->sequence.is_quiet = true;
    return world;
}

static bool needs_are_met(const init_world_t *world, size_t step)
{
    for (size_t other = 0; other < STEPS_MAX; other++) {
        if ((world->steps[step].needs >> other & 1) != 0 && !(other < world->count && world->is_done[other])) {
            return false;
        }
    }
    return true;
}

/* Runs one step and checks status, record and whether its function was called. */
static status_t run_one(property_run_t *run, init_world_t *world, size_t step)
{
    const size_t runs = world->runs;
    const bool is_known = step < world->count;
    const bool was_done = is_known && world->is_done[step];
    const bool may_run = is_known && !was_done && needs_are_met(world, step);
    const status_t expected = !is_known            ? STATUS_NOT_FOUND
                              : was_done           ? STATUS_EXISTS
                              : !may_run           ? STATUS_NOT_READY
                              : world->fails[step] ? STATUS_NO_MEMORY
                                                   : STATUS_OK;
    world->running = step;
    PROPERTY_EXPECT_STATUS(run, expected, init_run(&world->sequence, step));
    PROPERTY_EXPECT_EQUAL(run, world->runs - runs, may_run);
    if (is_known && !was_done) {
        world->is_done[step] = expected == STATUS_OK;
        const init_state_t state = expected == STATUS_OK          ? INIT_STATE_DONE
                                   : expected == STATUS_NOT_READY ? INIT_STATE_REFUSED
                                                                  : INIT_STATE_FAILED;
        PROPERTY_EXPECT_EQUAL(run, world->sequence.records[step].state, state);
        PROPERTY_EXPECT_STATUS(run, expected, world->sequence.records[step].status);
    }
    return expected;
}

/*
 * Validates 6.2, 6.5, 6.6, 6.9, 6.10: steps in any order; what fails may be tried again, and what is refused has not
 * run.
 */
static void no_step_runs_before_what_it_needs(property_run_t *run)
{
    init_world_t *const world = draw_world(run);
    for (uint32_t step = 0; step < run->steps; step++) {
        const size_t which = property_draw(run, world->count + 1);
        if (property_draw(run, 8) == 7 && which < world->count) {
            world->fails[which] = !world->fails[which];
        }
        (void)run_one(run, world, which);
    }
}

/* For init_run_all(): the naive reading, in order, up to the first failure that is not optional. */
static status_t model_run_all(init_world_t *world, size_t *failed)
{
    for (size_t step = 0; step < world->count; step++) {
        const bool is_met = needs_are_met(world, step);
        world->is_done[step] = is_met && !world->fails[step];
        if (!world->is_done[step] && !world->steps[step].is_optional) {
            *failed = step;
            return is_met ? STATUS_NO_MEMORY : STATUS_NOT_READY;
        }
    }
    return STATUS_OK;
}

/*
 * The function of a step knows its number here: steps run in order, and each that runs is the next whose needs are
 * met.
 */
static status_t run_in_order(void *context)
{
    init_world_t *const world = context;
    for (size_t step = 0; step < world->count; step++) {
        if (world->sequence.records[step].state == INIT_STATE_RUNNING) {
            return world->fails[step] ? STATUS_NO_MEMORY : STATUS_OK;
        }
    }
    return STATUS_CORRUPT; /* no step is running: fails the comparison */
}

/* Validates 6.1, 6.5, 6.6, 6.8, 6.10: a whole sequence stops where it must, and cleans up exactly what is done. */
static void a_sequence_stops_where_it_must(property_run_t *run)
{
    init_world_t *const world = draw_world(run);
    size_t expected_failed = STEPS_MAX;
    size_t failed = STEPS_MAX;
    size_t cleanups = 0;
    for (size_t i = 0; i < world->count; i++) {
        world->steps[i].run = run_in_order;
    }
    const status_t expected = model_run_all(world, &expected_failed);
    PROPERTY_EXPECT_STATUS(run, expected, init_run_all(&world->sequence, &failed));
    PROPERTY_EXPECT_EQUAL(run, failed, expected_failed);
    for (size_t i = 0; i < world->count; i++) {
        const init_state_t state = world->sequence.records[i].state;
        PROPERTY_EXPECT_EQUAL(run, state == INIT_STATE_DONE, world->is_done[i]);
        PROPERTY_EXPECT(run, i <= expected_failed || state == INIT_STATE_PENDING);
        cleanups += world->is_done[i] && world->steps[i].cleanup != NULL;
    }
    init_cleanup_all(&world->sequence);
    PROPERTY_EXPECT_EQUAL(run, world->cleanups, cleanups);
    for (size_t i = 0; i < world->count; i++) {
        PROPERTY_EXPECT_EQUAL(run, world->sequence.records[i].state == INIT_STATE_ENDED, world->is_done[i]);
    }
    init_cleanup_all(&world->sequence);
    PROPERTY_EXPECT_EQUAL(run, world->cleanups, cleanups);
}

/* ---- steps made to fail ---- */

/*
 * Which step is made to fail, and how often that was asked: asked once, it is not yet known when it is found out
 * late.
 */
static struct doom {
    const char *name;
    bool is_late;
    unsigned asked;
} doom;

static bool is_doomed(const init_step_t *step)
{
    return text_equal(step->name, doom.name) && (doom.asked++ != 0 || !doom.is_late);
}

/*
 * Validates 6.6, 6.8, 6.9: a step made to fail has not run, or is cleaned up; who needs it is refused, others are
 * done.
 */
static void a_step_made_to_fail_is_missed_by_those_that_need_it(property_run_t *run)
{
    init_world_t *const world = draw_world(run);
    const size_t doomed = property_draw(run, world->count);
    size_t failed = STEPS_MAX;
    for (size_t i = 0; i < world->count; i++) {
        world->fails[i] = false;
        world->steps[i].is_optional = true;
        world->steps[i].needs &= (uint32_t)((UINT64_C(1) << i) - 1);
    }
    doom = (struct doom){step_names[doomed], property_bool(run), 0};
    world->sequence.must_fail = is_doomed;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, init_run_all(&world->sequence, &failed));
    size_t done = 0;
    for (size_t i = 0; i < world->count; i++) {
        const init_record_t *const record = &world->sequence.records[i];
        world->is_done[i] = i != doomed && needs_are_met(world, i);
        done += world->is_done[i];
        PROPERTY_EXPECT_EQUAL(run, record->state,
                              world->is_done[i]         ? INIT_STATE_DONE
                              : needs_are_met(world, i) ? INIT_STATE_FAILED
                                                        : INIT_STATE_REFUSED);
        PROPERTY_EXPECT_STATUS(run,
                               world->is_done[i]         ? STATUS_OK
                               : needs_are_met(world, i) ? STATUS_NO_MEMORY
                                                         : STATUS_NOT_READY,
                               record->status);
    }
    const bool was_run = doom.is_late && needs_are_met(world, doomed);
    PROPERTY_EXPECT_EQUAL(run, world->runs, done + was_run);
    PROPERTY_EXPECT_EQUAL(run, world->cleanups, was_run && world->steps[doomed].cleanup != NULL);
}

PROPERTY_SUITE(init, PROPERTY(a_step_made_to_fail_is_missed_by_those_that_need_it, "6.6 6.8 6.9"),
               PROPERTY(no_step_runs_before_what_it_needs, "6.2 6.5 6.6 6.9 6.10"),
               PROPERTY(a_sequence_stops_where_it_must, "6.1 6.5 6.6 6.8 6.10"));
