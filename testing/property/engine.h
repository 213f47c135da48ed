/*
 * The property engine, for adapters: runs a property many times, shrinks what fails, and says how to repeat it.
 *
 * Freestanding: no allocator, no clock, no threads of its own; all memory is lent by the adapter. Thread context; one check at a
 * time in one piece of memory.
 */
#ifndef TESTING_PROPERTY_ENGINE_H
#define TESTING_PROPERTY_ENGINE_H

#include "property.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Longest replay text, terminator included: fits a kernel's command line with room to spare. */
#define PROPERTY_REPLAY_MAX 3072

/* Half of the memory holds choices, half is the properties' own (property_alloc). */
#define PROPERTY_MEMORY_MIN ((size_t)64 * 1024)

#define PROPERTY_SEED_USUAL            UINT64_C(0x5175617272790001)
#define PROPERTY_SHRINK_ATTEMPTS_USUAL 4000u

/* Takes one line of text, without a newline. */
typedef void (*property_line_function_t)(void *argument, const char *line);

typedef struct property_settings {
    uint64_t seed;
    uint32_t runs;            /* of a random property, at least 1 */
    uint32_t steps;           /* of its longest run, at least 1; the first runs are shorter */
    uint32_t shrink_attempts; /* 0: failures are told as they were found */
    void *memory;             /* at least PROPERTY_MEMORY_MIN bytes, aligned to 16 */
    size_t memory_bytes;
    property_line_function_t tell; /* where a failure's story goes, line by line */
    void *tell_argument;
} property_settings_t;

typedef struct property_result {
    bool passed;
    uint64_t runs;            /* made before the verdict, shrinking not counted */
    uint64_t shrink_attempts; /* made */
    /* The rest means something only when !passed: what was left after shrinking. */
    bool is_repeatable; /* the same choices failed again */
    const check_site_t *site;
    size_t choice_count;
    uint32_t steps;
    char replay[PROPERTY_REPLAY_MAX]; /* "suite.property:steps=2:choices=1,0,17" */
} property_result_t;

/* Checks one property of a suite; `result` is filled in whole. */
void property_check(const property_settings_t *settings, const property_suite_t *suite, const property_t *property,
                    property_result_t *result);

/*
 * Repeats what a failure printed, once, with notes told. Takes the text with or without "replay: " before it. Returns STATUS_CORRUPT for a
 * text that is none and STATUS_NOT_FOUND for a property that no suite of the NULL-terminated list has.
 */
MUST_USE status_t property_replay(const property_settings_t *settings, const property_suite_t *const *suites,
                                  const char *text, property_result_t *result);

/* What property_replay() would return for a text, without running anything. */
MUST_USE status_t property_replay_find(const property_settings_t *settings, const property_suite_t *const *suites,
                                       const char *text);

/* Runs a property once on choices read from `bytes`: for fuzzers. A failure is told, not shrunk. */
void property_check_bytes(const property_settings_t *settings, const property_suite_t *suite,
                          const property_t *property, const uint8_t *bytes, size_t count, property_result_t *result);

/*
 * Writes the replay text of what the run of property_check_bytes() that is under way has chosen so far: for a process that dies of something no
 * check trap catches. Returns false, and writes an empty text, when no such run is under way or its choices are too many.
 */
bool property_replay_under_way(char *text, size_t capacity);

/* Whether "suite.property" matches a pattern in which '*' stands for any text; a pattern without '*' is a prefix. */
bool property_name_matches(const char *pattern, const property_suite_t *suite, const property_t *property);

#ifdef __cplusplus
}
#endif

#endif
