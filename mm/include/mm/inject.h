/*
 * Failure injection: chosen allocations are refused on purpose, so that every path that runs out of memory can be
 * walked (3.10).
 *
 * One rule is in force at a time. It counts the allocations that it covers, pages and objects in one row, in the
 * order in which they are asked for, and refuses some of them: the caller gets what he gets when memory is out. While
 * no rule is armed, no straight line pays for it: arming makes each covered cache, and the page allocator, leave
 * nothing in hand between two requests, so that all come by the slow paths, which ask.
 *
 * On the CPU that arms, thread context, a rule is in force at once. Contexts of other CPUs and interrupt handlers
 * serve what they have in hand first: at most a slab of objects, at most a block of pages.
 *
 * Arming and disarming: thread context of any CPU, one at a time. The rest: any CPU, any context.
 */
#ifndef MM_INJECT_H
#define MM_INJECT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"
#include "mm/kmem_cache.h"

/* What is asked for. */
#define INJECT_PAGES   1u /* a run of pages; also a page that the allocator needs for its own books */
#define INJECT_OBJECTS 2u /* an object of a cache, or a large block of kmalloc's */

/* The name under which large blocks are covered by a rule for one cache. */
#define INJECT_LARGE "large"

/* Which allocations a rule covers, and which of those it refuses. */
typedef struct inject_rule {
    uint32_t kinds;                      /* INJECT_PAGES, INJECT_OBJECTS or both; 0: both */
    char cache[KMEM_CACHE_NAME_MAX + 1]; /* objects of this cache alone; "": of any, and pages */
    uintptr_t caller_start;              /* asked for by code in [caller_start, caller_end); both 0: by anybody */
    uintptr_t caller_end;
    uint64_t passes;       /* so many covered ones are let through, */
    uint64_t refusals;     /* so many are then refused (UINT64_MAX: all), */
    bool repeats;          /* and then it begins again, or the rest passes */
    uint64_t refusals_max; /* the end of it all: after so many refusals everything passes; 0: no such end */
} inject_rule_t;

/* What is armed, and what has happened since it was. */
typedef struct inject_report {
    bool is_armed;
    inject_rule_t rule;
    uint64_t seen; /* covered allocations */
    uint64_t refused;
    uint32_t last_kind;                       /* of the last one refused; 0: none was */
    char last_cache[KMEM_CACHE_NAME_MAX + 1]; /* "" for pages */
    uintptr_t last_caller;                    /* where that call returns to */
} inject_report_t;

/*
 * Arms a rule, in the place of the one that is armed. STATUS_INVALID when it refuses nothing, covers nothing, or its
 * range of callers is empty; nothing is changed then.
 */
MUST_USE status_t inject_arm(const inject_rule_t *rule);

/* Disarms, and tells what has happened; `report` may be NULL. Nothing happens when no rule is armed. */
void inject_disarm(inject_report_t *report);

/* The report so far; after inject_disarm() that of the last rule. */
void inject_report(inject_report_t *report);

/* ---- for the allocators ---- */

extern _Atomic bool inject_armed;

static inline bool inject_is_armed(void)
{
    return atomic_load_explicit(&inject_armed, memory_order_relaxed);
}

/*
 * Whether to refuse this allocation: counts it when the rule covers it. `cache` is NULL for pages; `caller` is the
 * return address of the call.
 */
MUST_USE COLD bool inject_refuses(uint32_t kind, const char *cache, uintptr_t caller);

/* Whether the armed rule covers objects of this cache. */
MUST_USE bool inject_covers_cache(const char *cache);

/* Puts a rule in the place of the armed one, NULL for none: mm/inject_arm.c calls it, and tells the allocators. */
void inject_rule_set(const inject_rule_t *rule);

#endif
