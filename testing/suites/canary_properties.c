/*
 * The canary: a suite that must fail, or the runner is broken. The runners' own tests run it and want exactly this failure, shrunk
 * to exactly these choices, on the host and in the kernel alike. No other test program has it.
 */
#include "testing/property/property.h"

/* Validates nothing: it is false when a number of 1000 and more comes after a 7. The simplest choices are 7,1000. */
static void the_canary_dies(property_run_t *run)
{
    const uint64_t first = property_draw(run, 8);
    const uint64_t second = property_draw(run, 100000);

    property_note(run, "drew %llu and %llu", (unsigned long long)first, (unsigned long long)second);
    PROPERTY_EXPECT(run, !(first == 7 && second >= 1000));
}

/* Validates nothing, and holds: the rows beside a failure must be told as they are. */
static void the_miner_lives(property_run_t *run)
{
    const uint64_t number = property_draw(run, 10);

    PROPERTY_EXPECT(run, number < 10);
}

PROPERTY_SUITE(canary, PROPERTY(the_canary_dies, ""), PROPERTY(the_miner_lives, ""));
