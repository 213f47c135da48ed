/*
 * One execution of a property: its choices, its memory, its cleanups, and how it ended.
 */
#ifndef TESTING_PROPERTY_RUN_H
#define TESTING_PROPERTY_RUN_H

#include <stdatomic.h>

#include "base/check_trap.h"
#include "base/text.h"
#include "engine.h"
#include "source.h"

#define PROPERTY_DETAIL_MAX 200

/* Why a run failed. */
typedef struct property_failure {
    const check_site_t *site; /* NULL: it did not */
    char detail[PROPERTY_DETAIL_MAX];
} property_failure_t;

typedef struct property_cleanup {
    void (*function)(void *argument);
    void *argument;
    struct property_cleanup *next;
} property_cleanup_t;

typedef struct property_state {
    choice_source_t source;
    char *memory; /* the arena */
    size_t memory_bytes;
    size_t memory_used;
    property_cleanup_t *cleanups; /* the last deferred first */
    check_trap_t *trap;           /* open while the property, or a cleanup of it, runs; its owner is this state */
    property_failure_t failure;
    _Atomic bool worker_has_failed; /* who sets it first writes worker_failure */
    property_failure_t worker_failure;
    property_line_function_t note; /* NULL, or where property_note() goes */
    void *note_argument;
} property_state_t;

/*
 * Runs `function` once on `run`, whose state has its source and memory set; then the cleanups. Afterwards state->failure tells
 * how it went.
 */
void property_run_execute(property_run_t *run, void (*function)(property_run_t *run));

/* Whether two failures are the same trouble, for shrinking: the same check, wherever the numbers stand. */
bool property_failure_is_same(const property_failure_t *left, const property_failure_t *right);

#endif
