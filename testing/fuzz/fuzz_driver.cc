/*
 * libFuzzer around the property engine: the input is the choice sequence.
 *
 *   PROGRAM --quarry_property=PATTERN [--quarry_steps=N] [libFuzzer's own options] [corpus folder ...]
 *   PROGRAM --quarry_list
 *
 * PATTERN is as in property_name_matches(). Where it matches several properties, the first byte of an input says which. A property that fails,
 * a sanitizer's report and a check outside any trap all end the process, after the line that replays the choices anywhere.
 */
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "testing/host/world.h"
#include "testing/property/engine.h"
#include "testing/property/suite_list.h"

extern "C" {
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
const char *__asan_default_options(void);
void __asan_on_error(void);
void __ubsan_on_report(void);
}

namespace {

constexpr uint32_t kStepsUsual = 30;
constexpr size_t kMemoryBytes = 4u << 20;

alignas(16) char memory[kMemoryBytes];
property_settings_t settings;
std::vector<std::pair<const property_suite_t *, const property_t *>> chosen;
char replay_of_crash[PROPERTY_REPLAY_MAX];

[[noreturn]] void Refuse(const std::string &problem)
{
    std::fprintf(stderr, "%s\n", problem.c_str());
    std::exit(2);
}

void TellLine(void *argument, const char *line)
{
    (void)argument;
    std::fprintf(stderr, "%s\n", line);
}

/* The value of --quarry_<name>=, or what is usual. libFuzzer itself passes over options with two dashes. */
std::string Option(int argc, char **argv, const std::string &name, const std::string &usual)
{
    const std::string flag = "--quarry_" + name + "=";
    std::string value = usual;
    for (int index = 1; index < argc; index++) {
        const std::string argument = argv[index];
        if (argument.compare(0, flag.size(), flag) == 0) {
            value = argument.substr(flag.size());
        }
    }
    return value;
}

bool HasFlag(int argc, char **argv, const std::string &flag)
{
    for (int index = 1; index < argc; index++) {
        if (flag == argv[index]) {
            return true;
        }
    }
    return false;
}

void List()
{
    for (const property_suite_t *const *suite = property_suite_list; *suite != nullptr; suite++) {
        for (size_t index = 0; index < (*suite)->property_count; index++) {
            std::printf("%s.%s\n", (*suite)->name, (*suite)->properties[index].name);
        }
    }
}

void Choose(const std::string &pattern)
{
    for (const property_suite_t *const *suite = property_suite_list; *suite != nullptr; suite++) {
        for (size_t index = 0; index < (*suite)->property_count; index++) {
            const property_t *const property = &(*suite)->properties[index];
            if (property_name_matches(pattern.c_str(), *suite, property)) {
                chosen.emplace_back(*suite, property);
            }
        }
    }
    if (pattern.empty() || chosen.empty()) {
        Refuse("--quarry_property=\"" + pattern + "\" names no property; --quarry_list lists all");
    }
    if (chosen.size() > 256) {
        Refuse("--quarry_property=\"" + pattern + "\" names more properties than a byte can choose from");
    }
}

/* Told once, however many reports follow. */
void TellReplayOfCrash()
{
    static bool is_told;
    if (!is_told && property_replay_under_way(replay_of_crash, sizeof(replay_of_crash))) {
        is_told = true;
        std::fprintf(stderr, "replay: %s\n", replay_of_crash);
    }
}

} // namespace

/* A check outside any trap aborts: then, too, the replay line is told. */
const char *__asan_default_options(void)
{
    return "handle_abort=1:detect_stack_use_after_return=1:strict_string_checks=1";
}

void __asan_on_error(void)
{
    TellReplayOfCrash();
}

void __ubsan_on_report(void)
{
    TellReplayOfCrash();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    if (HasFlag(*argc, *argv, "--quarry_list")) {
        List();
        std::exit(0);
    }
    const std::string steps = Option(*argc, *argv, "steps", std::to_string(kStepsUsual));
    settings.steps = static_cast<uint32_t>(std::strtoul(steps.c_str(), nullptr, 10));
    if (settings.steps < 1) {
        Refuse("--quarry_steps=" + steps + " is no number of steps");
    }
    settings.seed = PROPERTY_SEED_USUAL;
    settings.runs = 1;
    settings.memory = memory;
    settings.memory_bytes = kMemoryBytes;
    settings.tell = TellLine;
    Choose(Option(*argc, *argv, "property", ""));
    world_start();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static property_result_t result;
    size_t index = 0;
    if (chosen.size() > 1) {
        if (count == 0) {
            return 0;
        }
        index = bytes[0] % chosen.size();
        bytes++;
        count--;
    }
    property_check_bytes(&settings, chosen[index].first, chosen[index].second, bytes, count, &result);
    if (!result.passed) {
        std::abort();
    }
    return 0;
}
