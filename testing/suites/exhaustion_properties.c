/*
 * Memory that is really gone: ordinary requests get nothing, the reserve serves those that must not fail, a CPU without
 * contexts has none; and all of it comes back.
 */
#include "arch/cpu.h"
#include "base/units.h"
#include "mm/allocation_context.h"
#include "mm/inject.h"
#include "mm/kmalloc.h"
#include "mm/kmem_cache.h"
#include "mm/pages.h"
#include "testing/models/failure_sweep.h"

/* ---- the reserve ---- */

#define EXHAUST_RUN_PAGES 4096u /* the longest runs that are tried for */
#define EXHAUST_RUNS_MAX  8192u

typedef struct exhaustion {
    property_run_t *run;
    struct {
        void *start;
        size_t count;
    } runs[EXHAUST_RUNS_MAX];
    size_t run_count;
    failure_books_t before;
} exhaustion_t;

static bool take_run(exhaustion_t *exhaustion, const pages_request_t *request)
{
    void *const start = pages_alloc_with(request);
    if (start == NULL) {
        return false;
    }
    PROPERTY_EXPECT(exhaustion->run, exhaustion->run_count < EXHAUST_RUNS_MAX);
    exhaustion->runs[exhaustion->run_count].start = start;
    exhaustion->runs[exhaustion->run_count++].count = request->count;
    return true;
}

static void end_exhaustion(void *argument)
{
    exhaustion_t *const exhaustion = argument;
    while (exhaustion->run_count != 0) {
        exhaustion->run_count--;
        pages_free(exhaustion->runs[exhaustion->run_count].start, exhaustion->runs[exhaustion->run_count].count);
    }
}

/* All that ordinary requests can get. */
static void exhaust(exhaustion_t *exhaustion)
{
    (void)kmem_caches_shrink();
    for (size_t count = EXHAUST_RUN_PAGES; count != 0; count /= 2) {
        while (take_run(exhaustion, &(pages_request_t){.count = count})) {
        }
    }
}

/* What needs memory says so, and changes nothing. */
static void expect_refusals(property_run_t *run)
{
    kmem_cache_t *cache = NULL;
    const kmem_cache_config_t config = {"never", 64, 0};
    PROPERTY_EXPECT(run, kmalloc(3 * PAGE_SIZE) == NULL);
    PROPERTY_EXPECT_STATUS(run, STATUS_NO_MEMORY, kmem_cache_create(&config, &cache));
    PROPERTY_EXPECT(run, cache == NULL);
}

/*
 * Validates 6.7, 1.11, 2.2, 3.10: when ordinary requests get nothing any more, those that must not fail get every
 * page of the reserve and no other; what comes back fills it again, and in the end all is as before.
 */
static void the_reserve_serves_when_all_else_is_gone(property_run_t *run)
{
    exhaustion_t *const exhaustion = property_alloc(run, sizeof(*exhaustion));
    const pages_request_t urgent = {.count = 1, .may_use_reserve = true};
    pages_stats_t stats;
    exhaustion->run = run;
    failure_books_take(&exhaustion->before);
    property_defer(run, end_exhaustion, exhaustion);
    exhaust(exhaustion);
    expect_refusals(run);
    pages_stats(&stats);
    const uint64_t reserve = stats.pages_emergency;
    const size_t ordinary = exhaustion->run_count;
    PROPERTY_EXPECT_EQUAL(run, stats.pages_free, reserve);
    while (take_run(exhaustion, &urgent)) {
    }
    PROPERTY_EXPECT_EQUAL(run, exhaustion->run_count - ordinary, reserve);
    pages_stats(&stats);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_free, 0);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_emergency, 0);
    for (; exhaustion->run_count > ordinary; exhaustion->run_count--) {
        pages_free(exhaustion->runs[exhaustion->run_count - 1].start, 1);
        PROPERTY_EXPECT(run, pages_alloc(1) == NULL); /* it is in the reserve again, where only the urgent look */
    }
    pages_stats(&stats);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_emergency, reserve);
    end_exhaustion(exhaustion);
    failure_books_expect(run, &exhaustion->before);
}

/* ---- contexts of CPUs ---- */

#define GUESTS_MAX (SLAB_CONTEXT_MAX / 2)

typedef struct context_scenario {
    property_run_t *run;
    size_t count;
    cpu_t guests[GUESTS_MAX]; /* CPUs that are played: they have contexts and do nothing */
} context_scenario_t;

static void end_guests(void *argument)
{
    context_scenario_t *const scenario = argument;
    inject_disarm(NULL);
    while (scenario->count != 0) {
        allocation_contexts_detach(&scenario->guests[--scenario->count]);
    }
}

/* Contexts that are registered and nobody has. */
static size_t idle_contexts(const context_scenario_t *scenario)
{
    size_t registered = 0;
    for (const slab_context_t *context = slab_context_first(); context != NULL; context = context->next) {
        registered++;
    }
    return registered - 2 * (cpu_count() + scenario->count);
}

/* Attaches guests, `passes` runs of pages allowed, until one gets nothing. */
static void attach_until_refused(context_scenario_t *scenario, uint64_t passes)
{
    property_run_t *const run = scenario->run;
    const inject_rule_t rule = {.passes = passes, .refusals = UINT64_MAX};
    inject_report_t report;
    status_t status = STATUS_OK;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, inject_arm(&rule));
    while (status == STATUS_OK && scenario->count < GUESTS_MAX) {
        status = allocation_contexts_attach(&scenario->guests[scenario->count]);
        scenario->count += status == STATUS_OK;
    }
    inject_disarm(&report);
    PROPERTY_EXPECT_STATUS(run, STATUS_NO_MEMORY, status);
    PROPERTY_EXPECT(run, scenario->guests[scenario->count].thread_context == NULL);
    PROPERTY_EXPECT(run, idle_contexts(scenario) <= 1); /* a CPU needs two */
}

/*
 * Validates 1.9, 3.10: a CPU that gets no memory for contexts has none, and what was made or taken for it on the way
 * serves the next one. Pages of contexts stay such for good, so that few runs are made.
 */
static void contexts_without_memory_are_none(property_run_t *run)
{
    context_scenario_t *const scenario = property_alloc(run, sizeof(*scenario));
    failure_books_t before;
    scenario->run = run;
    property_defer(run, end_guests, scenario);
    failure_books_take(&before);
    const uint64_t pages = allocation_contexts_pages();
    for (uint64_t passes = 0; passes < 2; passes++) {
        attach_until_refused(scenario, passes);
        attach_until_refused(scenario, 0);
    }
    end_guests(scenario);
    before.pages += allocation_contexts_pages() - pages;
    PROPERTY_EXPECT(run, allocation_contexts_pages() - pages <= ALLOCATION_CONTEXT_RUN_PAGES);
    failure_books_expect(run, &before);
}

PROPERTY_SUITE(exhaustion, PROPERTY_EFFORT(the_reserve_serves_when_all_else_is_gone, 10, "1.11 2.2 3.10 6.7"),
               PROPERTY_EFFORT(contexts_without_memory_are_none, 10, "1.9 3.10"));
