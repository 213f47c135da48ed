/*
 * The engine's own tests: does it find, shrink to the very simplest, repeat, and tell?
 */
#include <cstring>
#include <string>
#include <vector>

#include "testing/property/engine.h"
#include "testing/property/samples.h"
#include "gtest/gtest.h"

namespace {

constexpr size_t kMemoryBytes = 1 << 20;
alignas(16) char memory[kMemoryBytes];

const property_suite_t *const kSuites[] = {&sample_properties, nullptr};

void Remember(void *argument, const char *line)
{
    static_cast<std::vector<std::string> *>(argument)->push_back(line);
}

class EngineTest : public ::testing::Test {
  protected:
    EngineTest()
    {
        settings_.seed = PROPERTY_SEED_USUAL;
        settings_.runs = 200;
        settings_.steps = 60;
        settings_.shrink_attempts = PROPERTY_SHRINK_ATTEMPTS_USUAL;
        settings_.memory = memory;
        settings_.memory_bytes = kMemoryBytes;
        settings_.tell = Remember;
        settings_.tell_argument = &lines_;
    }

    const property_t &Find(const std::string &name)
    {
        for (size_t index = 0; index < sample_properties.property_count; index++) {
            if (name == sample_properties.properties[index].name) {
                return sample_properties.properties[index];
            }
        }
        ADD_FAILURE() << "no sample " << name;
        return sample_properties.properties[0];
    }

    bool Check(const std::string &name)
    {
        lines_.clear();
        property_check(&settings_, &sample_properties, &Find(name), &result_);
        return result_.passed;
    }

    bool HasLine(const std::string &part) const
    {
        for (const std::string &line : lines_) {
            if (line.find(part) != std::string::npos) {
                return true;
            }
        }
        return false;
    }

    /* What every failure must satisfy: the same text fails again, at the same check, and is told. */
    void ExpectReplays()
    {
        const std::string text = result_.replay;
        const check_site_t *const site = result_.site;
        EXPECT_TRUE(HasLine("replay: " + text));
        property_result_t again;
        ASSERT_EQ(property_replay(&settings_, kSuites, text.c_str(), &again), STATUS_OK) << text;
        EXPECT_FALSE(again.passed) << text;
        EXPECT_EQ(again.site, site);
        EXPECT_EQ(std::string(again.replay), text);
        ASSERT_EQ(property_replay(&settings_, kSuites, ("replay: " + text).c_str(), &again), STATUS_OK);
        EXPECT_FALSE(again.passed);
    }

    property_settings_t settings_;
    property_result_t result_;
    std::vector<std::string> lines_;
};

TEST_F(EngineTest, TruePropertiesPassInSilence)
{
    for (const char *name : {"sums_are_commutative", "mistakes_are_noticed", "memory_is_zero_and_aligned"}) {
        EXPECT_TRUE(Check(name)) << name;
        EXPECT_TRUE(lines_.empty()) << lines_[0];
        EXPECT_STREQ(result_.replay, "");
    }
    EXPECT_TRUE(Check("sums_are_commutative"));
    EXPECT_EQ(result_.runs, 200u);
}

TEST_F(EngineTest, WhatDrawsNothingRunsShortAndLongOnly)
{
    sample_cases_seen = 0;
    EXPECT_TRUE(Check("nothing_is_drawn"));
    EXPECT_EQ(sample_cases_seen, 2u);
}

TEST_F(EngineTest, ANumberShrinksToTheEdge)
{
    EXPECT_FALSE(Check("numbers_are_small"));
    EXPECT_STREQ(result_.replay, "sample.numbers_are_small:steps=1:choices=1000");
    EXPECT_TRUE(result_.is_repeatable);
    ExpectReplays();
}

TEST_F(EngineTest, StepsThatDoNotMatterGo)
{
    EXPECT_FALSE(Check("stacks_hold_few_large_numbers"));
    EXPECT_STREQ(result_.replay, "sample.stacks_hold_few_large_numbers:steps=3:choices=1,100,1,100,1,100");
    EXPECT_TRUE(HasLine("note: push 100"));
    EXPECT_FALSE(HasLine("note: pop"));
    ExpectReplays();
}

TEST_F(EngineTest, CountsShrinkWithWhatTheyCount)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        settings_.seed = seed;
        EXPECT_FALSE(Check("lists_have_small_sums"));
        EXPECT_EQ(result_.choice_count, 3u) << result_.replay; /* two numbers are the fewest that reach 500 */
        EXPECT_STREQ(result_.replay, "sample.lists_have_small_sums:steps=1:choices=2,201,299");
        ExpectReplays();
    }
}

TEST_F(EngineTest, StepsShrinkWhenOnlyTheEndFails)
{
    EXPECT_FALSE(Check("nothing_is_left_at_the_end"));
    EXPECT_STREQ(result_.replay, "sample.nothing_is_left_at_the_end:steps=1:choices=3");
    EXPECT_TRUE(HasLine("left 1 (0x1), right 0 (0x0)"));
    ExpectReplays();
}

TEST_F(EngineTest, AFailedCheckIsAFailedProperty)
{
    EXPECT_FALSE(Check("a_check_of_the_code_fails"));
    EXPECT_STREQ(result_.site->message, "sample called with nothing");
    EXPECT_STREQ(result_.replay, "sample.a_check_of_the_code_fails:steps=1:choices=40");
    ExpectReplays();
}

TEST_F(EngineTest, AnotherMessageIsNotTheExpectedOne)
{
    EXPECT_FALSE(Check("a_mistake_goes_unnoticed"));
    EXPECT_TRUE(HasLine("expected \"another message\", got \"sample called with nothing\""));
}

TEST_F(EngineTest, AnExpectationLeavesThroughInnerTraps)
{
    EXPECT_FALSE(Check("an_expectation_fails_inside_a_trap"));
    EXPECT_STREQ(result_.site->message, "values differ");
    /* No trap is left open: this one is caught by its own. */
    EXPECT_TRUE(Check("mistakes_are_noticed"));
}

TEST_F(EngineTest, CleanupsRunAfterEveryRun)
{
    settings_.shrink_attempts = 0;
    sample_cleanups_run = 0;
    EXPECT_FALSE(Check("cleanups_run_after_a_failure"));
    EXPECT_EQ(sample_cleanups_run, 2 * (result_.runs + 2)); /* found, repeated, told */
}

TEST_F(EngineTest, AFailingCleanupFailsThePropertyAndSparesTheOthers)
{
    settings_.shrink_attempts = 0;
    sample_cleanups_run = 0;
    EXPECT_FALSE(Check("a_cleanup_fails"));
    EXPECT_TRUE(HasLine("left 5 (0x5), right 6 (0x6)"));
    EXPECT_EQ(sample_cleanups_run, 3u);
}

TEST_F(EngineTest, AWorkersFailureCounts)
{
    EXPECT_FALSE(Check("a_worker_fails"));
    EXPECT_TRUE(HasLine("left 7 (0x7), right 8 (0x8)"));
}

TEST_F(EngineTest, MemoryThatRunsOutIsAFailure)
{
    EXPECT_FALSE(Check("memory_runs_out"));
    EXPECT_STREQ(result_.site->message, "property memory exhausted");
}

TEST_F(EngineTest, ExhaustiveMeansEveryCaseOnce)
{
    sample_cases_seen = 0;
    EXPECT_TRUE(Check("all_cases_are_seen"));
    EXPECT_EQ(result_.runs, 36u);
    EXPECT_EQ(sample_cases_seen, 36u);
}

TEST_F(EngineTest, ExhaustiveFindsTheOneCase)
{
    EXPECT_FALSE(Check("one_case_is_wrong"));
    EXPECT_EQ(result_.runs, 740u); /* the place of 7, 3, 9 in the order */
    EXPECT_STREQ(result_.replay, "sample.one_case_is_wrong:steps=1:choices=7,3,9");
    ExpectReplays();
}

TEST_F(EngineTest, ExhaustiveWithoutAnEndIsAFailure)
{
    EXPECT_FALSE(Check("there_is_no_end"));
    EXPECT_STREQ(result_.site->message, "exhaustive property does not come to an end");
}

TEST_F(EngineTest, WhatDoesNotRepeatIsSaidAndNotShrunk)
{
    sample_is_fragile = true;
    EXPECT_FALSE(Check("the_first_run_fails"));
    EXPECT_FALSE(result_.is_repeatable);
    EXPECT_EQ(result_.shrink_attempts, 0u);
    EXPECT_TRUE(HasLine("did not fail every time"));
    EXPECT_NE(std::string(result_.replay), "");
}

TEST_F(EngineTest, TooManyChoicesReplayByTheirSeed)
{
    EXPECT_FALSE(Check("choices_are_countless"));
    EXPECT_NE(std::string(result_.replay).find(":seed=0x"), std::string::npos) << result_.replay;
    ExpectReplays();
}

TEST_F(EngineTest, LongCounterexamplesArePacked)
{
    EXPECT_FALSE(Check("many_choices_are_needed"));
    EXPECT_EQ(result_.choice_count, 200u);
    EXPECT_NE(std::string(result_.replay).find(":choices=~"), std::string::npos) << result_.replay;
    EXPECT_LT(std::strlen(result_.replay), 400u);
    ExpectReplays();
    settings_.shrink_attempts = 0;
    EXPECT_FALSE(Check("many_choices_are_needed"));
    ExpectReplays();
}

TEST_F(EngineTest, OneSeedOneStory)
{
    EXPECT_FALSE(Check("stacks_hold_few_large_numbers"));
    const std::vector<std::string> before = lines_;
    EXPECT_FALSE(Check("stacks_hold_few_large_numbers"));
    EXPECT_EQ(lines_, before);
    settings_.seed++;
    EXPECT_FALSE(Check("stacks_hold_few_large_numbers"));
    EXPECT_NE(lines_, before);
}

TEST_F(EngineTest, BytesAreChoicesToo)
{
    const uint8_t bytes[] = {1, 200, 0, 1, 100, 0, 0, 1, 44, 1};
    property_check_bytes(&settings_, &sample_properties, &Find("stacks_hold_few_large_numbers"), bytes, sizeof(bytes),
                         &result_);
    EXPECT_FALSE(result_.passed);
    EXPECT_STREQ(result_.replay, "sample.stacks_hold_few_large_numbers:steps=60:choices=1,200,1,100,0,1,300");
    ExpectReplays();
    property_check_bytes(&settings_, &sample_properties, &Find("stacks_hold_few_large_numbers"), bytes, 6, &result_);
    EXPECT_TRUE(result_.passed);
}

char replay_under_way[PROPERTY_REPLAY_MAX];

void AskForReplayUnderWay(property_run_t *run)
{
    (void)property_draw(run, 256);
    (void)property_draw(run, 256);
    EXPECT_TRUE(property_replay_under_way(replay_under_way, sizeof(replay_under_way)));
    (void)property_draw(run, 256);
}

TEST_F(EngineTest, ARunOnBytesTellsItsChoicesSoFar)
{
    const property_t property = {"asks", AskForReplayUnderWay, "1.1", PROPERTY_KIND_RANDOM, 0, 100};
    const property_suite_t suite = {"local", &property, 1};
    const uint8_t bytes[] = {5, 6, 7};
    property_check_bytes(&settings_, &suite, &property, bytes, sizeof(bytes), &result_);
    EXPECT_TRUE(result_.passed);
    EXPECT_STREQ(replay_under_way, "local.asks:steps=60:choices=5,6");
    EXPECT_FALSE(property_replay_under_way(replay_under_way, sizeof(replay_under_way)));
    EXPECT_STREQ(replay_under_way, "");
}

TEST_F(EngineTest, NonsenseIsNoReplayText)
{
    for (const char *text : {"",
                             "sample",
                             "sample.",
                             ".",
                             ":",
                             "sample.numbers_are_small",
                             "sample.numbers_are_small:",
                             "sample.numbers_are_small:steps=0:choices=1",
                             "sample.numbers_are_small:steps=4294967296:choices=1",
                             "sample.numbers_are_small:steps=-1:choices=1",
                             "sample.numbers_are_small:steps=1:choices=1,",
                             "sample.numbers_are_small:steps=1:choices=,1",
                             "sample.numbers_are_small:steps=1:choices=1 2",
                             "sample.numbers_are_small:steps=1:choices=18446744073709551616",
                             "sample.numbers_are_small:steps=1:choices=99999999999999999999999999999999999999",
                             "sample.numbers_are_small:steps=1:choices=~gA",
                             "sample.numbers_are_small:steps=1:choices=~_______________",
                             "sample.numbers_are_small:steps=1:choices=~!",
                             "sample.numbers_are_small:steps=1:seed=0xx",
                             "sample.numbers_are_small:choices=1",
                             "sample.numbers_are_small:steps=1:colour=1"}) {
        EXPECT_EQ(property_replay(&settings_, kSuites, text, &result_), STATUS_CORRUPT) << text;
    }
    const std::string too_long(100000, 'x');
    EXPECT_EQ(property_replay(&settings_, kSuites, too_long.c_str(), &result_), STATUS_CORRUPT);
    std::string too_many = "sample.numbers_are_small:steps=1:choices=1";
    for (int index = 0; index < 100000; index++) {
        too_many += ",1";
    }
    EXPECT_EQ(property_replay(&settings_, kSuites, too_many.c_str(), &result_), STATUS_CORRUPT);
    EXPECT_EQ(property_replay(&settings_, kSuites, "sample.no_such:steps=1:choices=1", &result_), STATUS_NOT_FOUND);
    EXPECT_EQ(property_replay(&settings_, kSuites, "other.numbers_are_small:steps=1:choices=", &result_),
              STATUS_NOT_FOUND);
}

TEST_F(EngineTest, PatternsSelectProperties)
{
    const property_t &property = Find("numbers_are_small");
    for (const char *pattern : {"", "sample", "sample.numbers_are_small", "*", "*small", "s*.n*l", "*numbers*", "**"}) {
        EXPECT_TRUE(property_name_matches(pattern, &sample_properties, &property)) << pattern;
    }
    for (const char *pattern : {"numbers", "*numbers", "sample.numbers_are_smaller", "*x*", "s*.n*s"}) {
        EXPECT_FALSE(property_name_matches(pattern, &sample_properties, &property)) << pattern;
    }
}

} // namespace
