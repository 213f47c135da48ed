/*
 * Laws of statistics, read from their text: mm/stats.h has the grammar.
 *
 * Text, so that one line is what is checked, what a failure names, and what fs/README.md shows.
 */
#include "mm/stats.h"

#include "base/text.h"

/* A law being read, for one structure. */
typedef struct law_reader {
    const stats_layout_t *layout;
    const void *structure;
    const char *at;
    bool is_wrong; /* it is no law, or names a field that is not there */
} law_reader_t;

const stats_field_t *stats_find_field(const stats_layout_t *layout, const char *name, size_t length)
{
    for (size_t index = 0; index < layout->count; index++) {
        const char *const field = layout->fields[index].name;
        if (text_length(field) == length && __builtin_memcmp(field, name, length) == 0) {
            return &layout->fields[index];
        }
    }
    return NULL;
}

/* Takes `text` when it comes next. */
static bool take(law_reader_t *reader, const char *text)
{
    if (!text_starts_with(reader->at, text)) {
        return false;
    }
    reader->at += text_length(text);
    return true;
}

static uint64_t take_factor(law_reader_t *reader)
{
    const char *const start = reader->at;
    uint64_t number = 0;
    while (*reader->at != '\0' && *reader->at != ' ') {
        reader->at++;
    }
    const size_t length = (size_t)(reader->at - start);
    if (length != 0 && start[0] >= '0' && start[0] <= '9') {
        for (const char *digit = start; digit < reader->at; digit++) {
            number = number * 10 + (uint64_t)(*digit - '0');
        }
        return number;
    }
    const stats_field_t *const field = stats_find_field(reader->layout, start, length);
    reader->is_wrong = reader->is_wrong || field == NULL;
    return field == NULL ? 0 : stats_value(field, reader->structure);
}

static uint64_t take_sum(law_reader_t *reader)
{
    uint64_t sum = 0;
    do {
        uint64_t product = take_factor(reader);
        while (take(reader, " * ")) {
            product *= take_factor(reader);
        }
        sum += product;
    } while (take(reader, " + "));
    return sum;
}

static bool holds(const stats_layout_t *layout, const void *structure, const char *law)
{
    law_reader_t reader = {layout, structure, law, false};
    const uint64_t left = take_sum(&reader);
    const bool is_equation = take(&reader, " = ");
    if (!is_equation && !take(&reader, " <= ")) {
        return false;
    }
    const uint64_t right = take_sum(&reader);
    if (reader.is_wrong || *reader.at != '\0') {
        return false;
    }
    return is_equation ? left == right : left <= right;
}

const char *stats_validate(const stats_layout_t *layout, const void *structure)
{
    for (size_t index = 0; layout->laws[index] != NULL; index++) {
        if (!holds(layout, structure, layout->laws[index])) {
            return layout->laws[index];
        }
    }
    return NULL;
}
