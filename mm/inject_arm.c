/*
 * Arming failure injection: the rule, the caches that it covers, and the page allocator.
 */
#include "mm/inject.h"

#include "mm/pages/page_inject.h"
#include "mm/slab/slab_lifecycle.h"

static bool is_valid(const inject_rule_t *rule)
{
    const bool has_callers = rule->caller_start != 0 || rule->caller_end != 0;
    const bool covers_something = rule->cache[0] == '\0' || rule->kinds != INJECT_PAGES;
    return rule->refusals != 0 && (rule->kinds & ~(INJECT_PAGES | INJECT_OBJECTS)) == 0 && covers_something &&
           (!has_callers || rule->caller_start < rule->caller_end);
}

static void apply(const inject_rule_t *rule)
{
    inject_rule_set(rule);
    slab_inject_apply();
    pages_inject_hold(rule != NULL);
}

status_t inject_arm(const inject_rule_t *rule)
{
    if (!is_valid(rule)) {
        return STATUS_INVALID;
    }
    apply(rule);
    return STATUS_OK;
}

void inject_disarm(inject_report_t *report)
{
    if (inject_is_armed()) {
        apply(NULL);
    }
    if (report != NULL) {
        inject_report(report);
    }
}

void pages_inject(uint64_t passes, uint64_t refusals)
{
    apply(&(inject_rule_t){.kinds = INJECT_PAGES, .passes = passes, .refusals = refusals});
}

uint64_t pages_inject_end(uint64_t *refused)
{
    inject_report_t report;
    inject_disarm(&report);
    if (refused != NULL) {
        *refused = report.refused;
    }
    return report.seen;
}
