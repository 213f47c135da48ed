/*
 * Properties as GoogleTest tests: one test a property, named suite.property.
 *
 * Options, each as a flag or in the environment (the flag wins):
 *   --quarry_seed=N     QUARRY_SEED      what choices are made from; the same always unless set
 *   --quarry_runs=N     QUARRY_RUNS      runs a property
 *   --quarry_steps=N    QUARRY_STEPS     steps of the longest run
 *   --quarry_replay=T   QUARRY_REPLAY    repeats one failure, as a failing test printed it, and nothing else
 */
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "testing/host/world.h"
#include "testing/property/engine.h"
#include "testing/property/suite_list.h"
#include "gtest/gtest.h"

namespace {

constexpr uint32_t kRunsUsual = 150;
constexpr uint32_t kStepsUsual = 100;
constexpr size_t kMemoryBytes = 4u << 20;

alignas(16) char memory[kMemoryBytes];
property_settings_t settings;
std::string replay_text;

void TellLine(void *argument, const char *line)
{
    std::string *const story = static_cast<std::string *>(argument);
    *story += line;
    *story += '\n';
}

class PropertyTest : public ::testing::Test {
  public:
    PropertyTest(const property_suite_t *suite, const property_t *property) : suite_(suite), property_(property)
    {
    }

    void TestBody() override
    {
        std::string story;
        property_settings_t told = settings;
        told.tell = TellLine;
        told.tell_argument = &story;
        static property_result_t result;

        RecordProperty("requirements", property_->requirements);
        RecordProperty("platform", "host");
        if (replay_text.empty()) {
            property_check(&told, suite_, property_, &result);
        } else {
            ASSERT_EQ(property_replay(&told, property_suite_list, replay_text.c_str(), &result), STATUS_OK);
        }
        RecordProperty("runs", std::to_string(result.runs));
        if (!result.passed) {
            ADD_FAILURE_AT(result.site->file, result.site->line) << story;
        }
    }

  private:
    const property_suite_t *suite_;
    const property_t *property_;
};

void Register(const property_suite_t *suite, const property_t *property)
{
    ::testing::RegisterTest(suite->name, property->name, nullptr, nullptr, __FILE__, __LINE__,
                            [=]() -> ::testing::Test * { return new PropertyTest(suite, property); });
}

[[noreturn]] void Refuse(const std::string &problem)
{
    std::fprintf(stderr, "%s\n", problem.c_str());
    std::exit(2);
}

/* The option's text: from --quarry_<name>=, which is taken out of the arguments, or from QUARRY_<NAME>; empty when neither is there. */
std::string TakeOption(int *argc, char **argv, const std::string &name)
{
    std::string variable = "QUARRY_";
    for (const char character : name) {
        variable += static_cast<char>(std::toupper(static_cast<unsigned char>(character)));
    }
    const char *const from_environment = std::getenv(variable.c_str());
    std::string text = from_environment == nullptr ? "" : from_environment;
    const std::string flag = "--quarry_" + name + "=";
    int kept = 0;
    for (int index = 0; index < *argc; index++) {
        const std::string argument = argv[index];
        if (index > 0 && argument.compare(0, flag.size(), flag) == 0) {
            text = argument.substr(flag.size());
        } else {
            argv[kept++] = argv[index];
        }
    }
    *argc = kept;
    return text;
}

uint64_t TakeNumber(int *argc, char **argv, const std::string &name, uint64_t usual, uint64_t minimum, uint64_t maximum)
{
    const std::string text = TakeOption(argc, argv, name);
    if (text.empty()) {
        return usual;
    }
    char *end = nullptr;
    errno = 0;
    const uint64_t number = std::strtoull(text.c_str(), &end, 0);
    if (errno != 0 || *end != '\0' || text[0] == '-' || number < minimum || number > maximum) {
        Refuse("quarry_" + name + ": \"" + text + "\" is no number from " + std::to_string(minimum) + " to " +
               std::to_string(maximum));
    }
    return number;
}

/* In replay mode the one property, else all. */
void RegisterAll()
{
    const std::string name = replay_text.substr(0, replay_text.find(':'));
    bool is_found = false;
    for (const property_suite_t *const *suite = property_suite_list; *suite != nullptr; suite++) {
        for (size_t index = 0; index < (*suite)->property_count; index++) {
            const property_t *const property = &(*suite)->properties[index];
            if (replay_text.empty() || name == std::string((*suite)->name) + "." + property->name) {
                Register(*suite, property);
                is_found = true;
            }
        }
    }
    if (!is_found) {
        Refuse("quarry_replay: this test has no property \"" + name + "\"");
    }
}

} // namespace

int main(int argc, char **argv)
{
    ::testing::InitGoogleTest(&argc, argv);
    settings.seed = TakeNumber(&argc, argv, "seed", PROPERTY_SEED_USUAL, 0, UINT64_MAX);
    settings.runs = static_cast<uint32_t>(TakeNumber(&argc, argv, "runs", kRunsUsual, 1, UINT32_MAX));
    settings.steps = static_cast<uint32_t>(TakeNumber(&argc, argv, "steps", kStepsUsual, 1, UINT32_MAX));
    settings.shrink_attempts = PROPERTY_SHRINK_ATTEMPTS_USUAL;
    settings.memory = memory;
    settings.memory_bytes = kMemoryBytes;
    replay_text = TakeOption(&argc, argv, "replay");
    if (replay_text.compare(0, 8, "replay: ") == 0) {
        replay_text.erase(0, 8);
    }
    if (argc > 1) {
        Refuse(std::string("unknown argument: ") + argv[1]);
    }
    /* A death test runs in a process of its own that starts from main(): with threads about, a fork alone is not safe. */
    ::testing::FLAGS_gtest_death_test_style = "threadsafe";
    world_start();
    RegisterAll();
    return RUN_ALL_TESTS();
}
