/*
 * Running a property once.
 *
 * Every piece of the author's code (the property, each cleanup, each worker) runs under a check trap that is owned by the run's
 * state. So a failed expectation and a failed CHECK leave by the same door, and what an author opened in between
 * (check_trap_run) is closed on the way.
 */
#include "run.h"

#include "base/check.h"

/* What one trap guards: the author's function in one of its shapes. */
typedef struct guarded_call {
    property_run_t *run;
    void (*property)(property_run_t *run);
    void (*function)(void *argument);
    void *argument;
} guarded_call_t;

static void make_guarded_call(void *argument)
{
    const guarded_call_t *const call = argument;

    if (call->property != NULL) {
        call->property(call->run);
    } else {
        call->function(call->argument);
    }
}

static void record(property_failure_t *failure, const check_site_t *site, const char *detail)
{
    failure->site = site;
    text_print(failure->detail, sizeof(failure->detail), "%s", detail);
}

/* The innermost trap of this CPU that belongs to the run: the engine's, or a worker's. */
static check_trap_t *own_trap(const property_state_t *state)
{
    check_trap_t *trap = cpu_current()->check_trap;
    while (trap != NULL && trap->owner != state) {
        trap = trap->outer;
    }
    return trap;
}

/* Keeps the first failure of the property itself, or of all its workers. */
static void keep_failure(property_state_t *state, bool is_worker, const check_site_t *site, const char *detail)
{
    if (is_worker) {
        if (!atomic_exchange_explicit(&state->worker_has_failed, true, memory_order_acq_rel)) {
            record(&state->worker_failure, site, detail);
        }
    } else if (state->failure.site == NULL) {
        record(&state->failure, site, detail);
    }
}

void property_fail(property_run_t *run, const check_site_t *site, const char *format, ...)
{
    property_state_t *const state = run->state;
    check_trap_t *const trap = own_trap(state);

    /* An expectation outside of any worker or property, or in a handler that has no trap of its own, has nowhere to go. */
    if (trap == NULL || trap->interrupt_depth != cpu_current()->interrupt_depth) {
        check_report_and_stop(site);
    }
    char detail[PROPERTY_DETAIL_MAX];
    text_writer_t writer = text_writer(detail, sizeof(detail));
    va_list arguments;
    va_start(arguments, format);
    text_format_list(&writer, format, arguments);
    va_end(arguments);

    keep_failure(state, trap != state->trap, site, detail);
    check_trap_leave(trap, site);
}

static bool texts_are_equal(const char *left, const char *right)
{
    return left == NULL || right == NULL ? left == right : text_equal(left, right);
}

void property_expect_text(property_run_t *run, const check_site_t *site, const char *expected, const char *actual)
{
    if (!texts_are_equal(expected, actual)) {
        property_fail(run, site, "expected \"%s\", got \"%s\"", expected == NULL ? "(nothing)" : expected,
                      actual == NULL ? "(nothing)" : actual);
    }
}

/* Runs one piece of the author's code; a CHECK that failed in it is kept as a failure. */
static void run_guarded(property_state_t *state, guarded_call_t *call)
{
    check_trap_t trap;

    trap.owner = state;
    state->trap = &trap;
    const check_site_t *const site = check_trap_catch(&trap, make_guarded_call, call);
    state->trap = NULL;
    if (site != NULL) {
        keep_failure(state, false, site, ""); /* a failed expectation has been kept already, with its detail */
    }
}

void property_run_execute(property_run_t *run, void (*function)(property_run_t *run))
{
    property_state_t *const state = run->state;

    state->memory_used = 0;
    state->cleanups = NULL;
    state->failure.site = NULL;
    state->worker_failure.site = NULL;
    atomic_store_explicit(&state->worker_has_failed, false, memory_order_relaxed);

    run_guarded(state, &(guarded_call_t){.run = run, .property = function});
    while (state->cleanups != NULL) {
        const property_cleanup_t *const cleanup = state->cleanups;
        state->cleanups = cleanup->next;
        run_guarded(state, &(guarded_call_t){.function = cleanup->function, .argument = cleanup->argument});
    }
    /* What a worker saw is nearer to the trouble than what the property noticed afterwards. */
    if (atomic_load_explicit(&state->worker_has_failed, memory_order_acquire)) {
        state->failure = state->worker_failure;
    }
}

void property_worker_run(property_run_t *run, void (*function)(void *argument), void *argument)
{
    property_state_t *const state = run->state;
    guarded_call_t call = {.function = function, .argument = argument};
    check_trap_t trap;

    trap.owner = state;
    const check_site_t *const site = check_trap_catch(&trap, make_guarded_call, &call);
    if (site != NULL) {
        keep_failure(state, true, site, "");
    }
}

bool property_worker_has_failed(const property_run_t *run)
{
    return atomic_load_explicit(&run->state->worker_has_failed, memory_order_acquire);
}

uint64_t property_worker_draw(uint64_t *state, uint64_t bound)
{
    return generator_scale(generator_next(state), bound);
}

void *property_alloc(property_run_t *run, size_t size_bytes)
{
    property_state_t *const state = run->state;
    const uintptr_t next = (uintptr_t)state->memory + state->memory_used;
    const size_t gap = size_bytes < CACHE_LINE_BYTES ? 0 : align_up(next, CACHE_LINE_BYTES) - next;
    const size_t left = state->memory_bytes - state->memory_used;

    if (size_bytes > left || gap + align_up(size_bytes, 16) > left) {
        PROPERTY_SITE_("property memory exhausted", "property_alloc");
        property_fail(run, &property_site_here_, "%llu bytes asked for, %llu left", (unsigned long long)size_bytes,
                      (unsigned long long)left);
    }
    char *const block = state->memory + state->memory_used + gap;
    state->memory_used += gap + align_up(size_bytes, 16);
    __builtin_memset(block, 0, size_bytes);
    return block;
}

void property_defer(property_run_t *run, void (*function)(void *argument), void *argument)
{
    property_cleanup_t *const cleanup = property_alloc(run, sizeof(*cleanup));

    *cleanup = (property_cleanup_t){function, argument, run->state->cleanups};
    run->state->cleanups = cleanup;
}

void property_note(property_run_t *run, const char *format, ...)
{
    const property_state_t *const state = run->state;
    if (state->note == NULL) {
        return;
    }
    char line[PROPERTY_DETAIL_MAX];
    text_writer_t writer = text_writer(line, sizeof(line));
    va_list arguments;
    va_start(arguments, format);
    text_format_list(&writer, format, arguments);
    va_end(arguments);
    state->note(state->note_argument, line);
}

bool property_failure_is_same(const property_failure_t *left, const property_failure_t *right)
{
    return left->site == right->site;
}
