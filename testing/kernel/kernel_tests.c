/* Reads the command line and runs the suites on the console; see kernel_tests.h. */
#include "testing/kernel/kernel_tests.h"

#include "base/text.h"
#include "kernel/cmdline.h"
#include "kernel/console.h"
#include "testing/kernel/ktap.h"
#include "testing/property/suite_list.h"

#define RUNS_USUAL  20u
#define STEPS_USUAL 60u
#define PATTERN_MAX 256u

/* Static, so that tests which use up all memory do not take the engine's. */
#define MEMORY_BYTES ((size_t)1 << 20)
static char memory[MEMORY_BYTES] ALIGNED(16);
static char replay[PROPERTY_REPLAY_MAX + 16];
static char line_with_end[PROPERTY_REPLAY_MAX + 80];

static void write_line(void *argument, const char *line)
{
    (void)argument;
    text_writer_t writer = text_writer(line_with_end, sizeof(line_with_end));
    text_format(&writer, "%s\n", line);
    kernel_console_write(line_with_end,
                         writer.length < sizeof(line_with_end) ? writer.length : sizeof(line_with_end) - 1);
}

/* The number at `key`, `usual` when the key is missing. Returns false, and says so, for what is no number in range. */
static bool read_number(const char *key, uint64_t usual, uint64_t minimum, uint64_t maximum, uint64_t *number)
{
    char text[32];
    const status_t status = cmdline_get_param(key, text, sizeof(text));

    *number = usual;
    if (status == STATUS_NOT_FOUND) {
        return true;
    }
    if (status == STATUS_OK && text_parse_u64(text, false, number) && *number >= minimum && *number <= maximum) {
        return true;
    }
    kernel_print("%s=%s is no number from %llu to %llu\n", key, text, (unsigned long long)minimum,
                 (unsigned long long)maximum);
    return false;
}

static bool read_text(const char *key, char *text, size_t capacity)
{
    text[0] = '\0';
    const status_t status = cmdline_get_param(key, text, capacity);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
        return true;
    }
    kernel_print("%s is too long\n", key);
    return false;
}

static int run_with(const char *pattern, const char *replay_text)
{
    ktap_options_t options = {.pattern = pattern, .replay = replay_text, .write_line = write_line};
    uint64_t runs;
    uint64_t steps;

    if (!read_number("seed", PROPERTY_SEED_USUAL, 0, UINT64_MAX, &options.settings.seed) ||
        !read_number("runs", RUNS_USUAL, 1, UINT32_MAX, &runs) ||
        !read_number("steps", STEPS_USUAL, 1, UINT32_MAX, &steps)) {
        return KTAP_STATUS_REFUSED;
    }
    options.settings.runs = (uint32_t)runs;
    options.settings.steps = (uint32_t)steps;
    options.settings.shrink_attempts = PROPERTY_SHRINK_ATTEMPTS_USUAL;
    options.settings.memory = memory;
    options.settings.memory_bytes = sizeof(memory);
    return ktap_run(property_suite_list, &options);
}

int kernel_tests_run(void)
{
    char pattern[PATTERN_MAX];

    if (!read_text("test", pattern, sizeof(pattern)) || !read_text("replay", replay, sizeof(replay))) {
        return KTAP_STATUS_REFUSED;
    }
    return run_with(pattern, replay);
}

int kernel_tests_run_matching(const char *pattern)
{
    return run_with(pattern, NULL);
}
