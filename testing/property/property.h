/*
 * Properties: what a suite's author needs.
 *
 * A property is a C function that draws choices from its run and from nowhere else, does things, and expects truths. It holds for
 * any choices. The engine (engine.h) makes choices up, and when an expectation fails, or a CHECK of the code under test does,
 * looks for the shortest choices that still fail and prints one line that replays them anywhere: host or kernel, any port.
 *
 *   static void a_list_gives_back_what_it_got(property_run_t *run)
 *   {
 *       for (uint32_t step = 0; step < run->steps; step++) {
 *           ... property_draw(run, 3) ...
 *           PROPERTY_EXPECT(run, list_is_sane(list));
 *       }
 *   }
 *   PROPERTY_SUITE(list, PROPERTY(a_list_gives_back_what_it_got, "1.7 3.6"));
 *
 * A failed expectation leaves the property at once; what property_defer() was told then runs, as it does after a success. Draw and expect
 * on the CPU that runs the property, in thread context; what runs elsewhere goes through property_worker_run() (below).
 *
 * Choices shrink towards 0 and towards fewer of them: let 0 stand for the simplest alternative, and draw a step's choices
 * together, so that a step can be dropped as a whole. Never put two draws into one expression or one call's arguments: C leaves open which
 * comes first, and a replay on another machine may differ.
 */
#ifndef TESTING_PROPERTY_PROPERTY_H
#define TESTING_PROPERTY_PROPERTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/compiler.h"
#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One execution of one property. Suites read `steps`; all else belongs to the engine (run.h). */
typedef struct property_run property_run_t;
struct property_state;

struct property_run {
    uint32_t steps; /* how many operations a step-by-step property should do */
    struct property_state *state;
};

/* Draws: each takes one choice. */

/* A number below `bound`, all equally likely; `bound` is at least 1. */
uint64_t property_draw(property_run_t *run, uint64_t bound);

/* A number from `low` to `high`, both included; shrinks towards `low`. */
uint64_t property_range(property_run_t *run, uint64_t low, uint64_t high);

/* A coin; shrinks towards false. */
bool property_bool(property_run_t *run);

/* Any 64 bits. */
uint64_t property_bits64(property_run_t *run);

/* An index below `count`, index i with probability weights[i] / sum; shrinks towards index 0. The sum is at least 1. */
size_t property_choice(property_run_t *run, const uint32_t *weights, size_t count);

/*
 * A size from 1 to `maximum` for which every order of magnitude is equally likely, with the edges (powers of two, and one beside
 * them) drawn often. Takes two choices.
 */
size_t property_size_skewed(property_run_t *run, size_t maximum);

/* Memory and cleanup. */

/*
 * Zeroed memory for models, aligned to 16 bytes, and to a cache line from there on up; goes back when the run is over.
 * Running out of it fails the property.
 */
void *property_alloc(property_run_t *run, size_t size_bytes);

/* Has function(argument) run when the property is over, however it ends; the last deferred runs first. It may expect things too. */
void property_defer(property_run_t *run, void (*function)(void *argument), void *argument);

/* Says what the property is doing. Printed only when a shrunk failure is told, so that it costs nothing otherwise. */
PRINTF_LIKE(2, 3) void property_note(property_run_t *run, const char *format, ...);

/* Expectations. */

#define PROPERTY_EXPECT(run, condition)                           \
    do {                                                          \
        if (UNLIKELY(!(condition))) {                             \
            PROPERTY_SITE_("expectation failed", #condition);     \
            property_fail((run), &property_site_here_, "%s", ""); \
        }                                                         \
    } while (0)

/* That two integers (or pointers) are equal. */
#define PROPERTY_EXPECT_EQUAL(run, left, right)                                                      \
    do {                                                                                             \
        const uint64_t property_left_ = (uint64_t)(left);                                            \
        const uint64_t property_right_ = (uint64_t)(right);                                          \
        if (UNLIKELY(property_left_ != property_right_)) {                                           \
            PROPERTY_SITE_("values differ", #left " == " #right);                                    \
            property_fail((run), &property_site_here_, "left %llu (0x%llx), right %llu (0x%llx)",    \
                          (unsigned long long)property_left_, (unsigned long long)property_left_,    \
                          (unsigned long long)property_right_, (unsigned long long)property_right_); \
        }                                                                                            \
    } while (0)

/* That a call returned this status. */
#define PROPERTY_EXPECT_STATUS(run, expected, actual)                                                                  \
    do {                                                                                                               \
        const status_t property_expected_ = (expected);                                                                \
        const status_t property_actual_ = (actual);                                                                    \
        if (UNLIKELY(property_expected_ != property_actual_)) {                                                        \
            PROPERTY_SITE_("status differs", #actual);                                                                 \
            property_fail((run), &property_site_here_, "expected \"%s\", got \"%s\"", status_name(property_expected_), \
                          status_name(property_actual_));                                                              \
        }                                                                                                              \
    } while (0)

/* That a validator (NULL, or the name of a broken invariant) finds nothing. */
#define PROPERTY_EXPECT_VALID(run, validation)                                            \
    do {                                                                                  \
        const char *const property_broken_ = (validation);                                \
        if (UNLIKELY(property_broken_ != NULL)) {                                         \
            PROPERTY_SITE_("invariant broken", #validation);                              \
            property_fail((run), &property_site_here_, "invariant %s", property_broken_); \
        }                                                                                 \
    } while (0)

/* That two strings are equal; NULL equals only NULL. */
#define PROPERTY_EXPECT_TEXT(run, expected, actual)                                                 \
    do {                                                                                            \
        static const check_site_t property_site_here_ = PROPERTY_SITE_OF_("texts differ", #actual); \
        property_expect_text((run), &property_site_here_, (expected), (actual));                    \
    } while (0)

/* That function(argument) is stopped by the CHECK with exactly this message. */
#define PROPERTY_EXPECT_CHECK(run, message, function, argument)                                               \
    do {                                                                                                      \
        static const check_site_t property_site_here_ =                                                       \
            PROPERTY_SITE_OF_("check did not fail as expected", #function "(" #argument ")");                 \
        property_expect_text((run), &property_site_here_, (message), check_trap_run((function), (argument))); \
    } while (0)

/*
 * Workers: what the property started on other CPUs or in interrupt handlers. property_worker_run() runs function(argument) there; an
 * expectation or CHECK that fails inside ends function, is kept (the first one of all), and fails the property when it ends.
 * All workers must be done by then. They don't draw, allocate, defer or note: give each a seed or a table that was drawn before.
 */
void property_worker_run(property_run_t *run, void (*function)(void *argument), void *argument);

/* Whether any worker has failed: a reason for the others to stop early. Any CPU, any context. */
bool property_worker_has_failed(const property_run_t *run);

/* A worker's own small generator, from a drawn seed: the next number below `bound`, and the state after it. */
uint64_t property_worker_draw(uint64_t *state, uint64_t bound);

/* What the macros stand on. property_fail() does not return. */
PRINTF_LIKE(3, 4)
NORETURN COLD void property_fail(property_run_t *run, const check_site_t *site, const char *format, ...);
void property_expect_text(property_run_t *run, const check_site_t *site, const char *expected, const char *actual);

#define PROPERTY_SITE_OF_(text, condition) {text, condition, __FILE_NAME__, __LINE__}
#define PROPERTY_SITE_(text, condition) \
    static const check_site_t property_site_here_ = PROPERTY_SITE_OF_(text, condition)

/* Suites: const tables. */

typedef enum property_kind {
    PROPERTY_KIND_RANDOM,     /* many runs with choices made up */
    PROPERTY_KIND_EXHAUSTIVE, /* every sequence of choices that there is */
} property_kind_t;

typedef struct property {
    const char *name;
    void (*function)(property_run_t *run);
    const char *requirements; /* the numbers that it validates, with blanks between: "1.5 1.7" */
    property_kind_t kind;
    uint32_t steps_fixed;    /* 0, or the steps of every run */
    uint32_t effort_percent; /* of the runs that the adapter asks for; 100 for most */
} property_t;

typedef struct property_suite {
    const char *name;
    const property_t *properties;
    size_t property_count;
} property_suite_t;

/* A row for `function`, which validates `requirements`. A function that draws nothing runs once. */
#define PROPERTY(function, requirements) {#function, function, requirements, PROPERTY_KIND_RANDOM, 0, 100}

/* The same, with so many percent of the usual runs: for what takes long. At least one run is made. */
#define PROPERTY_EFFORT(function, percent, requirements) \
    {#function, function, requirements, PROPERTY_KIND_RANDOM, 0, percent}

/* Tries all that can be drawn, with `steps_` steps. It must come to an end within PROPERTY_CASES_MAX cases, or it fails. */
#define PROPERTY_EXHAUSTIVE(function, steps_, requirements) \
    {#function, function, requirements, PROPERTY_KIND_EXHAUSTIVE, steps_, 100}

#define PROPERTY_CASES_MAX 4000000u

/* Defines the suite `name`, as `const property_suite_t name_properties`. */
#define PROPERTY_SUITE(name, ...)                                                                                  \
    static const property_t name##_property_table[] = {__VA_ARGS__};                                               \
    const property_suite_t name##_properties = {#name, name##_property_table, ARRAY_COUNT(name##_property_table)}; \
    _Static_assert(ARRAY_COUNT(name##_property_table) > 0, "a suite has properties")

#ifdef __cplusplus
}
#endif

#endif
