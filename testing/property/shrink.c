/*
 * Shrinking: from choices that fail to simpler choices that fail in the same way.
 *
 * Works on the sequence of choices and knows nothing of what they mean (the idea of Hypothesis: MacIver and Donaldson, "Test-Case
 * Reduction via Test-Case Generation", ECOOP 2020). A candidate is run like any recording; it is taken when the same check
 * fails and the choices that it really drew are simpler: fewer, or the first difference smaller, or the same with fewer steps. So every
 * candidate taken is progress, and shrinking ends.
 */
#include "engine_parts.h"

/* Below this many choices a chunk is tried at every place and in every length: one step of a property is that long. */
#define SMALL_CHUNK 8u

static bool attempts_are_left(const property_engine_t *engine)
{
    return engine->shrink_attempts < engine->settings->shrink_attempts;
}

/* Runs the candidate; takes it when it is progress. */
static bool try_candidate(property_engine_t *engine, uint32_t steps)
{
    if (!attempts_are_left(engine)) {
        return false;
    }
    engine->shrink_attempts++;
    const choice_source_t source = choice_source_recorded(engine->candidate.values, engine->candidate.count);
    if (!engine_run_once(engine, source, steps) ||
        !property_failure_is_same(&engine->state.failure, &engine->failure) ||
        !choice_source_is_traced(&engine->state.source)) {
        return false;
    }
    choice_list_trim(&engine->trace);
    const bool is_simpler = choice_list_is_simpler(&engine->trace, &engine->best);
    const bool is_as_simple = !is_simpler && !choice_list_is_simpler(&engine->best, &engine->trace);
    if (!is_simpler && !(is_as_simple && steps < engine->steps)) {
        return false;
    }
    engine_keep_run(engine);
    return true;
}

static bool try_without(property_engine_t *engine, size_t start, size_t length)
{
    choice_list_t *const candidate = &engine->candidate;

    choice_list_copy(candidate, &engine->best);
    for (size_t index = start + length; index < candidate->count; index++) {
        candidate->values[index - length] = candidate->values[index];
    }
    candidate->count -= length;
    return try_candidate(engine, engine->steps);
}

static bool try_zeros(property_engine_t *engine, size_t start, size_t length)
{
    choice_list_copy(&engine->candidate, &engine->best);
    bool is_changed = false;
    for (size_t index = start; index < start + length; index++) {
        is_changed = is_changed || engine->candidate.values[index] != 0;
        engine->candidate.values[index] = 0;
    }
    return is_changed && try_candidate(engine, engine->steps);
}

static bool try_value(property_engine_t *engine, size_t index, uint64_t value)
{
    choice_list_copy(&engine->candidate, &engine->best);
    engine->candidate.values[index] = value;
    return try_candidate(engine, engine->steps);
}

/* One pass of `attempt` over chunks of many lengths, from the end to the start. Returns whether anything was taken. */
static bool pass_over_chunks(property_engine_t *engine, bool (*attempt)(property_engine_t *, size_t, size_t))
{
    bool has_improved = false;
    size_t length = engine->best.count;
    while (length >= 1 && attempts_are_left(engine)) {
        const size_t stride = length > SMALL_CHUNK ? length : 1;
        size_t end = engine->best.count;
        while (end >= length && attempts_are_left(engine)) {
            if (attempt(engine, end - length, length)) {
                has_improved = true;
                end = end - length < engine->best.count ? end - length : engine->best.count;
            } else {
                end = end > stride ? end - stride : 0;
            }
        }
        length = length > 2 * SMALL_CHUNK ? length / 2 : length > SMALL_CHUNK ? SMALL_CHUNK : length - 1;
    }
    return has_improved;
}

/* Makes each choice as small as it will go: 0, or what a binary search finds. */
static bool pass_over_values(property_engine_t *engine)
{
    bool has_improved = false;
    for (size_t index = 0; index < engine->best.count && attempts_are_left(engine); index++) {
        if (engine->best.values[index] == 0 || try_value(engine, index, 0)) {
            continue;
        }
        uint64_t passes = 0; /* the largest value known not to fail */
        while (index < engine->best.count && engine->best.values[index] - passes > 1 && attempts_are_left(engine)) {
            const uint64_t middle = passes + (engine->best.values[index] - passes) / 2;
            if (try_value(engine, index, middle)) {
                has_improved = true;
                if (index < engine->best.count && engine->best.values[index] <= passes) {
                    break; /* the choice stands for something else by now */
                }
            } else {
                passes = middle;
            }
        }
    }
    return has_improved;
}

/* A count that was drawn before the things counted: one fewer, and one thing (1 to 4 choices) gone. */
static bool pass_over_counts(property_engine_t *engine)
{
    bool has_improved = false;
    for (size_t index = 0; index < engine->best.count && attempts_are_left(engine); index++) {
        for (size_t length = 1; length <= 4 && index + length < engine->best.count; length++) {
            if (engine->best.values[index] == 0) {
                break;
            }
            choice_list_t *const candidate = &engine->candidate;
            choice_list_copy(candidate, &engine->best);
            candidate->values[index]--;
            for (size_t from = index + 1 + length; from < candidate->count; from++) {
                candidate->values[from - length] = candidate->values[from];
            }
            candidate->count -= length;
            has_improved = try_candidate(engine, engine->steps) || has_improved;
        }
    }
    return has_improved;
}

/* Numbers that must reach a sum: moves as much as it can from one to one of the next four, so that the first may become 0 and go. */
static bool pass_over_pairs(property_engine_t *engine)
{
    bool has_improved = false;
    for (size_t from = 0; from < engine->best.count && attempts_are_left(engine); from++) {
        for (size_t to = from + 1; to <= from + 4 && to < engine->best.count; to++) {
            uint64_t amount = engine->best.values[from];
            while (amount > 0 && to < engine->best.count && attempts_are_left(engine)) {
                choice_list_t *const candidate = &engine->candidate;
                choice_list_copy(candidate, &engine->best);
                candidate->values[from] -= amount;
                candidate->values[to] += amount;
                if (try_candidate(engine, engine->steps)) {
                    has_improved = true;
                    amount = from < engine->best.count && engine->best.values[from] < amount ? engine->best.values[from]
                                                                                             : amount;
                } else {
                    amount /= 2;
                }
            }
        }
    }
    return has_improved;
}

/* Fewer steps, by halves and then one by one. */
static bool pass_over_steps(property_engine_t *engine)
{
    if (engine->property->steps_fixed != 0) {
        return false;
    }
    bool has_improved = false;
    uint32_t passes = 0;
    while (engine->steps - passes > 1 && attempts_are_left(engine)) {
        const uint32_t middle = passes + (engine->steps - passes) / 2;
        choice_list_copy(&engine->candidate, &engine->best);
        if (try_candidate(engine, middle)) {
            has_improved = true;
        } else {
            passes = middle;
        }
    }
    return has_improved;
}

void engine_shrink(property_engine_t *engine)
{
    bool has_improved = true;
    while (has_improved && attempts_are_left(engine)) {
        has_improved = pass_over_steps(engine);
        has_improved = pass_over_chunks(engine, try_without) || has_improved;
        has_improved = pass_over_chunks(engine, try_zeros) || has_improved;
        has_improved = pass_over_values(engine) || has_improved;
        has_improved = pass_over_counts(engine) || has_improved;
        has_improved = pass_over_pairs(engine) || has_improved;
    }
}
