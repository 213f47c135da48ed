/* The typed draws: each is a few choices, arranged so that smaller choices are simpler values. */
#include "base/bits.h"
#include "base/check.h"
#include "run.h"

uint64_t property_draw(property_run_t *run, uint64_t bound)
{
    CHECK(bound >= 1, "draw from nothing");
    return choice_source_next(&run->state->source, bound);
}

uint64_t property_range(property_run_t *run, uint64_t low, uint64_t high)
{
    CHECK(low <= high, "draw from an empty range");
    /* The whole range of 64 bits has 2^64 numbers, which is the bound 0. */
    return low + choice_source_next(&run->state->source, high - low + 1);
}

bool property_bool(property_run_t *run)
{
    return property_draw(run, 2) == 1;
}

uint64_t property_bits64(property_run_t *run)
{
    return choice_source_next(&run->state->source, 0);
}

size_t property_choice(property_run_t *run, const uint32_t *weights, size_t count)
{
    uint64_t sum = 0;
    for (size_t index = 0; index < count; index++) {
        sum += weights[index];
    }
    uint64_t point = property_draw(run, sum);
    size_t index = 0;
    while (point >= weights[index]) {
        point -= weights[index++];
    }
    return index;
}

size_t property_size_skewed(property_run_t *run, size_t maximum)
{
    CHECK(maximum >= 1, "draw from an empty range");
    const unsigned highest = find_last_set(maximum);
    const unsigned magnitude = (unsigned)property_draw(run, highest + 1);
    const uint64_t base = UINT64_C(1) << magnitude;

    /* Half of the places are the edge and its neighbours, the others are anywhere in [base, 2 * base). */
    const uint64_t edge = base / 3 + 1;
    const uint64_t place = property_draw(run, 3 * edge + base);
    const uint64_t size = place < edge       ? base
                          : place < 2 * edge ? base + 1
                          : place < 3 * edge ? base - 1
                                             : base + (place - 3 * edge);
    return size < 1 ? 1 : size > maximum ? maximum : (size_t)size;
}
