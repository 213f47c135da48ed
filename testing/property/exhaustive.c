/*
 * All small inputs: every sequence of choices that a property can draw, in lexicographic order.
 *
 * A case is run, its choices and their bounds are noted, and the last choice that can still grow grows by one; what came behind
 * it starts again from 0. A property whose draws end comes to an end itself when the first choice has been through.
 */
#include "engine_parts.h"

static const check_site_t too_many_cases = {"exhaustive property does not come to an end",
                                            "cases <= PROPERTY_CASES_MAX", __FILE_NAME__, __LINE__};
static const check_site_t too_many_choices = {"exhaustive property draws too many choices", "the trace is whole",
                                              __FILE_NAME__, __LINE__};

/* Moves `candidate` on to the case behind the one in the trace. Returns false when that was the last. */
static bool advance(property_engine_t *engine)
{
    choice_list_t *const next = &engine->candidate;

    choice_list_copy(next, &engine->trace);
    while (next->count > 0 && next->values[next->count - 1] + 1 == engine->bounds.values[next->count - 1]) {
        next->count--;
    }
    if (next->count == 0) {
        return false;
    }
    next->values[next->count - 1]++;
    return true;
}

bool engine_exhaust(property_engine_t *engine, uint64_t *cases)
{
    const uint32_t steps = engine->property->steps_fixed != 0 ? engine->property->steps_fixed : engine->settings->steps;

    engine->candidate.count = 0;
    for (*cases = 1;; ++*cases) {
        if (engine_run_once(engine, choice_source_recorded(engine->candidate.values, engine->candidate.count), steps)) {
            return true;
        }
        if (!choice_source_is_traced(&engine->state.source)) {
            engine->state.failure.site = &too_many_choices;
            return true;
        }
        if (!advance(engine)) {
            return false;
        }
        if (*cases == PROPERTY_CASES_MAX) {
            engine->state.failure.site = &too_many_cases;
            return true;
        }
    }
}
