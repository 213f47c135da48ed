/* Suites in, KTAP lines out; see ktap.h. */
#include "testing/kernel/ktap.h"

#include <stdarg.h>

#include "base/text.h"

/* The longest line is a replay text behind its label. */
#define LINE_MAX (PROPERTY_REPLAY_MAX + 64)

/* One test run at a time: these two are too large for a kernel stack. */
static char line_buffer[LINE_MAX];
static property_result_t result;

PRINTF_LIKE(2, 3) static void write_format(const ktap_options_t *options, const char *format, ...)
{
    text_writer_t writer = text_writer(line_buffer, sizeof(line_buffer));
    va_list arguments;
    va_start(arguments, format);
    text_format_list(&writer, format, arguments);
    va_end(arguments);
    options->write_line(options->argument, line_buffer);
}

/* What the engine has to say becomes diagnostic lines. */
static void write_diagnostic(void *argument, const char *line)
{
    write_format(argument, "# %s", line);
}

/* "1.5 1.7" as one word, since blanks end a word of the row's data. */
static void join_requirements(char *text, size_t capacity, const char *requirements)
{
    text_writer_t writer = text_writer(text, capacity);
    for (; *requirements != '\0'; requirements++) {
        text_char(&writer, *requirements == ' ' ? ',' : *requirements);
    }
}

static void write_row(const ktap_options_t *options, uint64_t number, const property_suite_t *suite,
                      const property_t *property)
{
    char requirements[128];
    join_requirements(requirements, sizeof(requirements), property->requirements);
    write_format(options, "%s %llu %s.%s # requirements=%s runs=%llu", result.passed ? "ok" : "not ok",
                 (unsigned long long)number, suite->name, property->name, requirements,
                 (unsigned long long)result.runs);
}

/* Calls visit for every selected property; returns how many there are. `visit` may be NULL. */
static uint64_t for_each_selected(const property_suite_t *const *suites, const ktap_options_t *options,
                                  bool (*visit)(const ktap_options_t *, uint64_t, const property_suite_t *,
                                                const property_t *),
                                  uint64_t *failures)
{
    uint64_t count = 0;
    for (; *suites != NULL; suites++) {
        for (size_t index = 0; index < (*suites)->property_count; index++) {
            const property_t *const property = &(*suites)->properties[index];
            if (!property_name_matches(options->pattern, *suites, property)) {
                continue;
            }
            count++;
            if (visit != NULL && !visit(options, count, *suites, property)) {
                ++*failures;
            }
        }
    }
    return count;
}

static bool check_one(const ktap_options_t *options, uint64_t number, const property_suite_t *suite,
                      const property_t *property)
{
    property_check(&options->settings, suite, property, &result);
    write_row(options, number, suite, property);
    return result.passed;
}

static int replay_one(const property_suite_t *const *suites, const ktap_options_t *options)
{
    status_t status = property_replay_find(&options->settings, suites, options->replay);
    if (status == STATUS_OK) {
        write_format(options, "1..1");
        status = property_replay(&options->settings, suites, options->replay, &result);
    }
    if (status != STATUS_OK) {
        write_format(options, "# replay: %s",
                     status == STATUS_NOT_FOUND ? "this image has no such property" : "this is no replay text");
        write_format(options, "1..0");
        return KTAP_STATUS_REFUSED;
    }
    /* The row's name is the text up to the first colon. */
    size_t length = 0;
    while (result.replay[length] != ':' && result.replay[length] != '\0') {
        length++;
    }
    write_format(options, "%s 1 %.*s # runs=1", result.passed ? "ok" : "not ok", (int)length, result.replay);
    return result.passed ? KTAP_STATUS_PASSED : KTAP_STATUS_FAILED;
}

int ktap_run(const property_suite_t *const *suites, const ktap_options_t *options)
{
    ktap_options_t told = *options;
    uint64_t failures = 0;

    told.settings.tell = write_diagnostic;
    told.settings.tell_argument = &told;
    write_format(&told, "KTAP version 1");
    if (told.replay != NULL && told.replay[0] != '\0') {
        return replay_one(suites, &told);
    }
    const uint64_t count = for_each_selected(suites, &told, NULL, NULL);
    if (count == 0) {
        write_format(&told, "# no test of this image matches \"%s\"", told.pattern);
        write_format(&told, "1..0");
        return KTAP_STATUS_REFUSED;
    }
    write_format(&told, "1..%llu", (unsigned long long)count);
    (void)for_each_selected(suites, &told, check_one, &failures);
    return failures == 0 ? KTAP_STATUS_PASSED : KTAP_STATUS_FAILED;
}
