/*
 * Steps of initialization: a table of what is to be set up, what each step needs, and what became of it.
 *
 * The table is the order; needs are checked all the same, so that a step that would run before what it depends on is
 * refused instead of running on air. //kern/mem/init shows the records. One CPU, thread context, at boot; records may
 * be read from anywhere afterwards.
 */
#ifndef MM_INIT_H
#define MM_INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"

#define INIT_STEP_MAX 32

/* Bit n of a step's `needs` is step number n. */
#define INIT_NEEDS(step) (UINT32_C(1) << (step))

typedef struct init_step {
    const char *name;
    uint32_t needs;                 /* steps that must be done before */
    bool is_optional;               /* its failure is reported and the rest goes on */
    status_t (*run)(void *context); /* sets up; a failure leaves nothing half done */
    void (*cleanup)(void *context); /* takes back, in reverse order; NULL: nothing to do */
} init_step_t;

typedef enum init_state {
    INIT_STATE_PENDING = 0, /* not tried yet */
    INIT_STATE_RUNNING,
    INIT_STATE_DONE,
    INIT_STATE_FAILED,  /* it said so: see its status */
    INIT_STATE_REFUSED, /* what it needs was not done */
    INIT_STATE_ENDED,   /* cleaned up */
} init_state_t;

typedef struct init_record {
    init_state_t state;
    status_t status; /* of the last try */
    uint64_t cycles; /* cycle_counter() ticks that the last try took */
} init_record_t;

typedef struct init_sequence {
    const init_step_t *steps;
    size_t count;
    void *context;
    bool is_quiet; /* failures and refusals are not logged, only recorded; false until set */
    /*
     * NULL, or says which steps are made to fail, to see what comes of it: asked before a step runs, which then does
     * not, and once more when it is done, which is then cleaned up (so a step that reads the command line can be
     * named there).
     */
    bool (*must_fail)(const init_step_t *step);
    init_record_t records[INIT_STEP_MAX];
} init_sequence_t;

/* "pending", "running", "done", "failed", "refused", "ended". */
const char *init_state_name(init_state_t state);

/*
 * Starts a sequence over `steps`, of which there are at most INIT_STEP_MAX and which must outlive it; all are
 * pending.
 */
void init_sequence_start(init_sequence_t *sequence, const init_step_t *steps, size_t count, void *context);

/*
 * Runs one step. Returns STATUS_NOT_READY (refused) while a step it needs is not done, STATUS_EXISTS when it is done
 * or running already, STATUS_NOT_FOUND when there is no such step, what the step said, or STATUS_NO_MEMORY when it
 * was made to fail.
 */
MUST_USE status_t init_run(init_sequence_t *sequence, size_t step);

/*
 * Runs all pending steps in order. Returns STATUS_OK when every step that is not optional is done; otherwise what the
 * first such step that is not said, with its number in *failed; later steps stay pending.
 */
MUST_USE status_t init_run_all(init_sequence_t *sequence, size_t *failed);

/*
 * Cleans up every step that is done, the last one first. A step that another, not cleaned up, needs comes after it by
 * that order.
 */
void init_cleanup_all(init_sequence_t *sequence);

/* The kernel's own sequence, for //kern/mem/init: set by kernel/main.c. */
extern init_sequence_t init_kernel;

#endif
