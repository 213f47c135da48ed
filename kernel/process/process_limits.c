/*
 * Limits of what a program and its descendants may have: one quota a family (kernel/process.h, mm/quota.h).
 */
#include "mm/pages.h"
#include "process_internal.h"

static process_limits_t limits_now; /* the table's lock */
static uint64_t pages_usual;        /* since process_limits_open() */

void process_limits_open(void)
{
    pages_usual = pages_count_total() / 2;
}

void process_limits_set(const process_limits_t *limits)
{
    const spinlock_hold_t hold = process_lock();
    limits_now = *limits;
    process_unlock(hold);
}

void process_limits(process_limits_t *limits)
{
    const spinlock_hold_t hold = process_lock();
    *limits = limits_now;
    process_unlock(hold);
    if (limits->pages == 0) {
        limits->pages = pages_usual;
    }
    if (limits->areas == 0) {
        limits->areas = PROCESS_AREAS_USUAL;
    }
    if (limits->processes == 0) {
        limits->processes = PROCESS_FAMILY_USUAL;
    }
}

status_t process_quota_create(quota_t **created)
{
    process_limits_t limits;
    process_limits(&limits);
    const uint64_t maxima[QUOTA_KINDS] = {
        [QUOTA_PAGES] = limits.pages,
        [QUOTA_AREAS] = limits.areas,
        [QUOTA_PROCESSES] = limits.processes,
    };
    return quota_create(maxima, created);
}
