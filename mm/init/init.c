/*
 * Running a table of initialization steps; mm/init.h says what for.
 *
 * Invariants
 *   I1  a step is done only if every step it needs was done before it ran
 *   I2  at most one step is running
 */
#include "mm/init.h"

#include "arch/inline.h"
#include "base/check.h"
#include "base/log.h"

init_sequence_t init_kernel;

const char *init_state_name(init_state_t state)
{
    static const char *const names[] = {"pending", "running", "done", "failed", "refused", "ended"};
    return (unsigned)state < ARRAY_COUNT(names) ? names[state] : "unknown";
}

void init_sequence_start(init_sequence_t *sequence, const init_step_t *steps, size_t count, void *context)
{
    CHECK(count <= INIT_STEP_MAX, "too many init steps");
    *sequence = (init_sequence_t){.steps = steps, .count = count, .context = context};
}

/* The first step that `step` needs and that is not done, or NULL. */
static const char *missing_need(const init_sequence_t *sequence, size_t step)
{
    const uint32_t needs = sequence->steps[step].needs;
    for (size_t other = 0; other < INIT_STEP_MAX; other++) {
        if ((needs & INIT_NEEDS(other)) == 0) {
            continue;
        }
        if (other >= sequence->count) {
            return "a step that does not exist";
        }
        if (sequence->records[other].state != INIT_STATE_DONE) {
            return sequence->steps[other].name;
        }
    }
    return NULL;
}

static bool must_fail(const init_sequence_t *sequence, const init_step_t *step)
{
    return sequence->must_fail != NULL && sequence->must_fail(step);
}

static status_t run_or_fail(const init_sequence_t *sequence, const init_step_t *step)
{
    if (must_fail(sequence, step)) {
        return STATUS_NO_MEMORY;
    }
    const status_t status = step->run(sequence->context);
    if (status == STATUS_OK && must_fail(sequence, step)) {
        if (step->cleanup != NULL) {
            step->cleanup(sequence->context);
        }
        return STATUS_NO_MEMORY;
    }
    return status;
}

status_t init_run(init_sequence_t *sequence, size_t step)
{
    if (step >= sequence->count) {
        return STATUS_NOT_FOUND;
    }
    init_record_t *const record = &sequence->records[step];
    if (record->state == INIT_STATE_DONE || record->state == INIT_STATE_RUNNING) {
        return STATUS_EXISTS;
    }
    const char *const missing = missing_need(sequence, step);
    if (missing != NULL) {
        if (!sequence->is_quiet) {
            log_line("init: %s is refused: it needs %s first", sequence->steps[step].name, missing);
        }
        record->state = INIT_STATE_REFUSED;
        record->status = STATUS_NOT_READY;
        return STATUS_NOT_READY;
    }
    record->state = INIT_STATE_RUNNING;
    const uint64_t start = cycle_counter();
    record->status = run_or_fail(sequence, &sequence->steps[step]);
    record->cycles = cycle_counter() - start;
    record->state = record->status == STATUS_OK ? INIT_STATE_DONE : INIT_STATE_FAILED;
    if (record->status != STATUS_OK && !sequence->is_quiet) {
        log_line("init: %s failed: %s", sequence->steps[step].name, status_name(record->status));
    }
    return record->status;
}

status_t init_run_all(init_sequence_t *sequence, size_t *failed)
{
    for (size_t step = 0; step < sequence->count; step++) {
        if (sequence->records[step].state == INIT_STATE_DONE) {
            continue;
        }
        const status_t status = init_run(sequence, step);
        if (status != STATUS_OK && !sequence->steps[step].is_optional) {
            *failed = step;
            return status;
        }
    }
    return STATUS_OK;
}

void init_cleanup_all(init_sequence_t *sequence)
{
    for (size_t step = sequence->count; step-- > 0;) {
        init_record_t *const record = &sequence->records[step];
        if (record->state != INIT_STATE_DONE) {
            continue;
        }
        if (sequence->steps[step].cleanup != NULL) {
            sequence->steps[step].cleanup(sequence->context);
        }
        record->state = INIT_STATE_ENDED;
    }
}
