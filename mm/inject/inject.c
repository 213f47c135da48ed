/*
 * The rule that is in force, and its decisions: see mm/inject.h.
 *
 * The lock guards the rule and the books. It is a leaf, since a request may be made under any other lock of mm.
 */
#include "mm/inject.h"

#include "base/spinlock.h"
#include "base/text.h"

_Atomic bool inject_armed;

static spinlock_t lock = SPINLOCK_INITIALIZER(LOCK_RANK_INJECT);
static inject_report_t books;

/* Whether the rule covers objects of `cache`, or pages when that is NULL. The lock is held. */
static bool covers(const inject_rule_t *rule, uint32_t kind, const char *cache)
{
    if (rule->kinds != 0 && (rule->kinds & kind) == 0) {
        return false;
    }
    return rule->cache[0] == '\0' || (cache != NULL && text_equal(rule->cache, cache));
}

/* Whether number `index` (from 0) of the covered allocations is refused. */
static bool is_chosen(const inject_rule_t *rule, uint64_t index)
{
    const uint64_t period = rule->passes + rule->refusals;
    if (rule->refusals == UINT64_MAX || period < rule->passes) {
        return index >= rule->passes;
    }
    return rule->repeats ? index % period >= rule->passes : index >= rule->passes && index < period;
}

bool inject_refuses(uint32_t kind, const char *cache, uintptr_t caller)
{
    bool is_refused = false;
    const spinlock_hold_t hold = spinlock_lock(&lock);
    const inject_rule_t *const rule = &books.rule;
    const bool is_caller = rule->caller_end == 0 || (caller >= rule->caller_start && caller < rule->caller_end);
    if (books.is_armed && is_caller && covers(rule, kind, cache)) {
        is_refused = is_chosen(rule, books.seen) && (rule->refusals_max == 0 || books.refused < rule->refusals_max);
        books.seen++;
    }
    if (is_refused) {
        books.refused++;
        books.last_kind = kind;
        books.last_caller = caller;
        text_print(books.last_cache, sizeof(books.last_cache), "%s", cache == NULL ? "" : cache);
    }
    spinlock_unlock(&lock, hold);
    return is_refused;
}

bool inject_covers_cache(const char *cache)
{
    if (LIKELY(!inject_is_armed())) {
        return false;
    }
    const spinlock_hold_t hold = spinlock_lock(&lock);
    const bool is_covered = books.is_armed && covers(&books.rule, INJECT_OBJECTS, cache);
    spinlock_unlock(&lock, hold);
    return is_covered;
}

void inject_rule_set(const inject_rule_t *rule)
{
    const spinlock_hold_t hold = spinlock_lock(&lock);
    if (rule != NULL) {
        books = (inject_report_t){.is_armed = true, .rule = *rule};
    }
    books.is_armed = rule != NULL;
    atomic_store_explicit(&inject_armed, books.is_armed, memory_order_relaxed);
    spinlock_unlock(&lock, hold);
}

void inject_report(inject_report_t *report)
{
    const spinlock_hold_t hold = spinlock_lock(&lock);
    *report = books;
    spinlock_unlock(&lock, hold);
}
