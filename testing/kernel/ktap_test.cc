/*
 * What a test image writes, checked on the host: line by line, for the canary.
 */
#include <string>
#include <vector>

#include "gtest/gtest.h"

extern "C" {
#include "testing/kernel/ktap.h"

extern const property_suite_t canary_properties;
}

namespace {

alignas(16) char memory[1 << 18];
const property_suite_t *const kSuites[] = {&canary_properties, nullptr};

void Remember(void *argument, const char *line)
{
    static_cast<std::vector<std::string> *>(argument)->push_back(line);
}

int RunKtap(const char *pattern, const char *replay, std::vector<std::string> *lines)
{
    ktap_options_t options = {};
    options.pattern = pattern;
    options.replay = replay;
    options.settings.seed = PROPERTY_SEED_USUAL;
    options.settings.runs = 100;
    options.settings.steps = 20;
    options.settings.shrink_attempts = PROPERTY_SHRINK_ATTEMPTS_USUAL;
    options.settings.memory = memory;
    options.settings.memory_bytes = sizeof(memory);
    options.write_line = Remember;
    options.argument = lines;
    return ktap_run(kSuites, &options);
}

TEST(KtapTest, TellsAFailureAndGoesOn)
{
    std::vector<std::string> lines;
    EXPECT_EQ(RunKtap("", nullptr, &lines), KTAP_STATUS_FAILED);
    ASSERT_GE(lines.size(), 5u);
    EXPECT_EQ(lines[0], "KTAP version 1");
    EXPECT_EQ(lines[1], "1..2");
    EXPECT_EQ(lines[2].compare(0, 40, "# canary.the_canary_dies failed in run 1", 0, 40), 0) << lines[2];
    EXPECT_EQ(lines[lines.size() - 4], "# replay: canary.the_canary_dies:steps=1:choices=7,1000");
    EXPECT_EQ(lines[lines.size() - 2].compare(0, 28, "not ok 1 canary.the_canary_d"), 0) << lines[lines.size() - 2];
    EXPECT_EQ(lines.back(), "ok 2 canary.the_miner_lives # requirements= runs=100");
}

TEST(KtapTest, PatternsSelect)
{
    std::vector<std::string> lines;
    EXPECT_EQ(RunKtap("*miner*", nullptr, &lines), KTAP_STATUS_PASSED);
    const std::vector<std::string> wanted = {"KTAP version 1", "1..1",
                                             "ok 1 canary.the_miner_lives # requirements= runs=100"};
    EXPECT_EQ(lines, wanted);
}

TEST(KtapTest, NothingToRunIsRefused)
{
    std::vector<std::string> lines;
    EXPECT_EQ(RunKtap("no_such", nullptr, &lines), KTAP_STATUS_REFUSED);
    const std::vector<std::string> wanted = {"KTAP version 1", "# no test of this image matches \"no_such\"", "1..0"};
    EXPECT_EQ(lines, wanted);
}

TEST(KtapTest, Replays)
{
    std::vector<std::string> lines;
    EXPECT_EQ(RunKtap("", "canary.the_canary_dies:steps=1:choices=7,1000", &lines), KTAP_STATUS_FAILED);
    EXPECT_EQ(lines[1], "1..1");
    EXPECT_EQ(lines.back(), "not ok 1 canary.the_canary_dies # runs=1");
    lines.clear();
    EXPECT_EQ(RunKtap("", "canary.the_canary_dies:steps=1:choices=7,999", &lines), KTAP_STATUS_PASSED);
    EXPECT_EQ(lines.back(), "ok 1 canary.the_canary_dies # runs=1");
    lines.clear();
    EXPECT_EQ(RunKtap("", "nonsense", &lines), KTAP_STATUS_REFUSED);
    EXPECT_EQ(lines.back(), "1..0");
    EXPECT_EQ(RunKtap("", "canary.no_such:steps=1:choices=", &lines), KTAP_STATUS_REFUSED);
}

} // namespace
