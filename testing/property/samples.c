/*
 * Properties for the engine's own tests: some hold, most are false on purpose, and the tests know how and where they must fail.
 */
#include "testing/property/samples.h"

#include "testing/property/property.h"

uint64_t sample_cases_seen;
uint32_t sample_cleanups_run;
bool sample_is_fragile;

static void sums_are_commutative(property_run_t *run)
{
    const uint64_t left = property_bits64(run);
    const uint64_t right = property_bits64(run);

    PROPERTY_EXPECT_EQUAL(run, left + right, right + left);
}

static void nothing_is_drawn(property_run_t *run)
{
    sample_cases_seen++;
    PROPERTY_EXPECT(run, run->steps >= 1);
}

/* False from 1000 on; the smallest counterexample is the single choice 1000. */
static void numbers_are_small(property_run_t *run)
{
    PROPERTY_EXPECT(run, property_draw(run, UINT64_C(1) << 40) < 1000);
}

/*
 * A stack of numbers that must never hold 3 values of 100 and more: needs 3 pushes (operation 1, value 100) and whatever pops in between must go.
 * The simplest: 1,100,1,100,1,100 in 3 steps.
 */
static void stacks_hold_few_large_numbers(property_run_t *run)
{
    uint64_t *const stack = property_alloc(run, run->steps * sizeof(*stack));
    uint32_t depth = 0;

    for (uint32_t step = 0; step < run->steps; step++) {
        switch (property_draw(run, 3)) {
        case 1:
            stack[depth++] = property_draw(run, 10000);
            property_note(run, "push %llu", (unsigned long long)stack[depth - 1]);
            break;
        case 2:
            depth -= depth > 0 ? 1 : 0;
            property_note(run, "pop");
            break;
        default:
            break;
        }
        uint32_t large = 0;
        for (uint32_t index = 0; index < depth; index++) {
            large += stack[index] >= 100 ? 1 : 0;
        }
        PROPERTY_EXPECT(run, large < 3);
    }
}

/* A count and then that many numbers: no list of small numbers sums up to 500. The simplest: two numbers, or one. */
static void lists_have_small_sums(property_run_t *run)
{
    uint64_t sum = 0;
    for (uint64_t left = property_draw(run, 50); left > 0; left--) {
        sum += property_draw(run, 300);
    }
    PROPERTY_EXPECT(run, sum < 500);
}

/* Fails only after all steps: the steps themselves must shrink. */
static void nothing_is_left_at_the_end(property_run_t *run)
{
    uint32_t left = 0;
    for (uint32_t step = 0; step < run->steps; step++) {
        left += property_draw(run, 4) == 3 ? 1 : 0;
    }
    PROPERTY_EXPECT_EQUAL(run, left, 0);
}

static void bad_call(void *argument)
{
    CHECK(argument != NULL, "sample called with nothing");
}

static void a_check_of_the_code_fails(property_run_t *run)
{
    bad_call(property_draw(run, 100) >= 40 ? NULL : run);
}

static void mistakes_are_noticed(property_run_t *run)
{
    PROPERTY_EXPECT_CHECK(run, "sample called with nothing", bad_call, NULL);
    PROPERTY_EXPECT_CHECK(run, NULL, bad_call, run);
}

static void a_mistake_goes_unnoticed(property_run_t *run)
{
    PROPERTY_EXPECT_CHECK(run, "another message", bad_call, NULL);
}

typedef struct nested_trap {
    property_run_t *run;
} nested_trap_t;

static void expect_inside(void *argument)
{
    const nested_trap_t *const nested = argument;
    PROPERTY_EXPECT_EQUAL(nested->run, 1, 2);
}

/* The expectation is in a function that runs under a trap of its own, which must not catch it. */
static void an_expectation_fails_inside_a_trap(property_run_t *run)
{
    nested_trap_t nested = {run};
    PROPERTY_EXPECT_TEXT(run, "the trap came back", check_trap_run(expect_inside, &nested));
}

static void count_cleanup(void *argument)
{
    (void)argument;
    sample_cleanups_run++;
}

static void cleanups_run_after_a_failure(property_run_t *run)
{
    property_defer(run, count_cleanup, NULL);
    property_defer(run, count_cleanup, NULL);
    PROPERTY_EXPECT(run, property_draw(run, 2) == 0);
}

static void fail_in_cleanup(void *argument)
{
    PROPERTY_EXPECT_EQUAL((property_run_t *)argument, 5, 6);
}

static void a_cleanup_fails(property_run_t *run)
{
    property_defer(run, count_cleanup, NULL);
    property_defer(run, fail_in_cleanup, run);
}

static void worker(void *argument)
{
    PROPERTY_EXPECT_EQUAL((property_run_t *)argument, 7, 8);
}

static void a_worker_fails(property_run_t *run)
{
    property_worker_run(run, worker, run);
    PROPERTY_EXPECT(run, property_worker_has_failed(run));
}

static void memory_runs_out(property_run_t *run)
{
    for (uint32_t block = 0; block < 1000000; block++) {
        (void)property_alloc(run, 4096);
    }
}

static void memory_is_zero_and_aligned(property_run_t *run)
{
    for (uint32_t step = 0; step < run->steps; step++) {
        const size_t size = property_size_skewed(run, 600);
        unsigned char *const block = property_alloc(run, size);
        PROPERTY_EXPECT_EQUAL(run, (uintptr_t)block & (size < 64 ? 15 : 63), 0);
        for (size_t index = 0; index < size; index++) {
            PROPERTY_EXPECT_EQUAL(run, block[index], 0);
            block[index] = 0xa5;
        }
    }
}

/* 2 steps of (3 alternatives, the last with 4 more): (2 + 4)^2 = 36 cases. */
static void all_cases_are_seen(property_run_t *run)
{
    sample_cases_seen++;
    for (uint32_t step = 0; step < run->steps; step++) {
        if (property_draw(run, 3) == 2) {
            (void)property_draw(run, 4);
        }
    }
}

/* One case of 10 * 10 * 10 is wrong. */
static void one_case_is_wrong(property_run_t *run)
{
    const uint64_t a = property_draw(run, 10);
    const uint64_t b = property_draw(run, 10);
    const uint64_t c = property_draw(run, 10);
    PROPERTY_EXPECT(run, !(a == 7 && b == 3 && c == 9));
}

static void there_is_no_end(property_run_t *run)
{
    (void)property_bits64(run);
}

/* Fails the first time only: trouble that the same choices do not repeat. */
static void the_first_run_fails(property_run_t *run)
{
    (void)property_draw(run, 10);
    const bool is_first = sample_is_fragile;
    sample_is_fragile = false;
    PROPERTY_EXPECT(run, !is_first);
}

/* More choices than any trace holds; fails at the end by what the first one said. */
static void choices_are_countless(property_run_t *run)
{
    const uint64_t first = property_draw(run, 1000);
    uint64_t sum = 0;
    for (uint32_t draw = 0; draw < 2000000; draw++) {
        sum += property_draw(run, 2);
    }
    PROPERTY_EXPECT(run, sum == 0 || first < 10);
}

/* Long counterexamples that can't shrink below 200 choices: for the packed form of the replay text. */
static void many_choices_are_needed(property_run_t *run)
{
    uint32_t ones = 0;
    for (uint32_t draw = 0; draw < 400; draw++) {
        ones += property_draw(run, 300) != 0 ? 1 : 0;
    }
    PROPERTY_EXPECT(run, ones < 200);
}

PROPERTY_SUITE(sample, PROPERTY(sums_are_commutative, "1.1"), PROPERTY(nothing_is_drawn, "1.1"),
               PROPERTY(numbers_are_small, "1.1"), PROPERTY(stacks_hold_few_large_numbers, "1.1"),
               PROPERTY(lists_have_small_sums, "1.1"), PROPERTY(nothing_is_left_at_the_end, "1.1"),
               PROPERTY(a_check_of_the_code_fails, "1.1"), PROPERTY(mistakes_are_noticed, "1.1"),
               PROPERTY(a_mistake_goes_unnoticed, "1.1"), PROPERTY(an_expectation_fails_inside_a_trap, "1.1"),
               PROPERTY(cleanups_run_after_a_failure, "1.1"), PROPERTY(a_cleanup_fails, "1.1"),
               PROPERTY(a_worker_fails, "1.1"), PROPERTY(memory_runs_out, "1.1"),
               PROPERTY(memory_is_zero_and_aligned, "1.1"), PROPERTY_EXHAUSTIVE(all_cases_are_seen, 2, "1.1"),
               PROPERTY_EXHAUSTIVE(one_case_is_wrong, 1, "1.1"), PROPERTY_EXHAUSTIVE(there_is_no_end, 1, "1.1"),
               PROPERTY(the_first_run_fails, "1.1"), PROPERTY_EFFORT(choices_are_countless, 1, "1.1"),
               PROPERTY(many_choices_are_needed, "1.1"));
