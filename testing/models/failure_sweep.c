#include "testing/models/failure_sweep.h"

#include "mm/inject.h"
#include "mm/kmem_cache.h"
#include "mm/pages.h"

/* More allocations than any scenario makes. */
#define TRIES_MAX 5000u

static void add_cache(kmem_cache_t *cache, void *argument)
{
    failure_books_t *const books = argument;
    kmem_cache_stats_t stats;
    kmem_cache_stats(cache, &stats);
    books->objects += stats.objects_live;
    books->caches++;
}

void failure_books_take(failure_books_t *books)
{
    pages_stats_t pages;
    kmalloc_large_stats_t large;
    *books = (failure_books_t){0};
    (void)kmem_caches_shrink();
    kmem_caches_visit(add_cache, books);
    pages_stats(&pages);
    kmalloc_large_stats(&large);
    books->pages = pages.pages_allocated;
    books->large_blocks = large.blocks_live;
}

static void expect_cache_valid(kmem_cache_t *cache, void *argument)
{
    property_run_t *const run = argument;
    PROPERTY_EXPECT_VALID(run, kmem_cache_validate(cache));
}

void failure_books_expect(property_run_t *run, const failure_books_t *before)
{
    failure_books_t now;
    failure_books_take(&now);
    PROPERTY_EXPECT_EQUAL(run, now.caches, before->caches);
    PROPERTY_EXPECT_EQUAL(run, now.objects, before->objects);
    PROPERTY_EXPECT_EQUAL(run, now.large_blocks, before->large_blocks);
    PROPERTY_EXPECT_EQUAL(run, now.pages, before->pages);
    PROPERTY_EXPECT_VALID(run, pages_validate());
    kmem_caches_visit(expect_cache_valid, run);
}

static void disarm(void *argument)
{
    (void)argument;
    inject_disarm(NULL);
}

/* Once, with `passes` allocations let through and `refusals` after them refused; tells what was seen and refused. */
static status_t try_once(property_run_t *run, const failure_scenario_t *scenario, void *context, uint64_t passes,
                         uint64_t refusals, inject_report_t *report)
{
    const inject_rule_t rule = {.passes = passes, .refusals = refusals};
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, inject_arm(&rule));
    const status_t status = scenario->act(run, context);
    inject_disarm(report);
    if (status == STATUS_OK) {
        scenario->undo(run, context);
    } else if (scenario->expect_as_before != NULL) {
        scenario->expect_as_before(run, context);
    }
    return status;
}

static uint64_t sweep_with(property_run_t *run, const failure_scenario_t *scenario, void *context, uint64_t refusals)
{
    for (uint64_t passes = 0;; passes++) {
        failure_books_t before;
        inject_report_t report;
        property_note(run, "%llu allocations pass", (unsigned long long)passes);
        PROPERTY_EXPECT(run, passes < TRIES_MAX);
        failure_books_take(&before);
        const status_t status = try_once(run, scenario, context, passes, refusals, &report);
        failure_books_expect(run, &before);
        if (report.refused == 0) {
            PROPERTY_EXPECT_STATUS(run, STATUS_OK, status);
            return report.seen;
        }
        if (status != STATUS_OK) {
            PROPERTY_EXPECT_STATUS(run, STATUS_NO_MEMORY, status);
        }
    }
}

uint64_t failure_sweep(property_run_t *run, const failure_scenario_t *scenario, void *context)
{
    property_defer(run, disarm, NULL);
    /*
     * Arming takes the slabs in hand away from their slots, so that the books of before and after can agree to the page.
     * What the allocators take for their own books is no part of ours, and may come and stay.
     */
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, inject_arm(&(inject_rule_t){.passes = UINT64_MAX / 2, .refusals = 1}));
    inject_disarm(NULL);
    const uint64_t count = sweep_with(run, scenario, context, 1);
    const uint64_t again = sweep_with(run, scenario, context, UINT64_MAX);
    PROPERTY_EXPECT(run, again <= count); /* page words that were made by then are there */
    return again;
}
