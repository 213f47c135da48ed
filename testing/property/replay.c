/*
 * The text that repeats a run: one word without blanks or quotes, so that it passes through shells and kernel command lines.
 *
 *   suite.property:steps=12:choices=1,0,17        the choices in decimal
 *   suite.property:steps=12:choices=~AYAC...      many of them: LEB128 numbers (DWARF 5, section 7.6) in base64url (RFC 4648)
 *   suite.property:steps=12:seed=0x1f00           too many of them: the generator makes them again
 *
 * Reading trusts nothing: every length and number is checked.
 */
#include "engine_parts.h"

#define DECIMAL_LENGTH_MAX 320u
#define NAME_LENGTH_MAX    160u

static const char base64url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void write_decimal(text_writer_t *writer, const choice_list_t *choices)
{
    for (size_t index = 0; index < choices->count; index++) {
        text_format(writer, "%s%llu", index == 0 ? "" : ",", (unsigned long long)choices->values[index]);
    }
}

/* Bits that wait to be written as digits of six. */
typedef struct digit_stream {
    text_writer_t *writer;
    uint32_t bits;
    unsigned bit_count;
} digit_stream_t;

static void write_byte(digit_stream_t *stream, uint8_t byte)
{
    stream->bits = (stream->bits << 8) | byte;
    stream->bit_count += 8;
    while (stream->bit_count >= 6) {
        stream->bit_count -= 6;
        text_char(stream->writer, base64url_digits[(stream->bits >> stream->bit_count) & 63]);
    }
}

static void write_packed(text_writer_t *writer, const choice_list_t *choices)
{
    digit_stream_t stream = {writer, 0, 0};

    text_char(writer, '~');
    for (size_t index = 0; index < choices->count; index++) {
        uint64_t value = choices->values[index];
        while (value >= 0x80) {
            write_byte(&stream, (uint8_t)(value | 0x80));
            value >>= 7;
        }
        write_byte(&stream, (uint8_t)value);
    }
    if (stream.bit_count != 0) {
        text_char(writer, base64url_digits[(stream.bits << (6 - stream.bit_count)) & 63]);
    }
}

void recipe_write(char *text, size_t capacity, const property_recipe_t *recipe, const choice_list_t *choices)
{
    text_writer_t writer = text_writer(text, capacity);
    text_format(&writer, "%s.%s:steps=%u:", recipe->suite->name, recipe->property->name, recipe->steps);
    const text_writer_t start = writer;

    if (choices != NULL) {
        text_string(&writer, "choices=");
        write_decimal(&writer, choices);
        if (writer.length - start.length <= DECIMAL_LENGTH_MAX && !text_is_truncated(&writer)) {
            return;
        }
        writer = start;
        text_string(&writer, "choices=");
        write_packed(&writer, choices);
        if (!text_is_truncated(&writer)) {
            return;
        }
        writer = start;
    }
    text_format(&writer, "seed=0x%llx", (unsigned long long)recipe->seed);
}

/* Copies text up to `end` characters into a terminated buffer. Returns false when it does not fit. */
static bool take_word(char *word, size_t capacity, const char **cursor, char stop)
{
    size_t length = 0;
    while (**cursor != stop && **cursor != '\0') {
        if (length + 1 >= capacity) {
            return false;
        }
        word[length++] = *(*cursor)++;
    }
    word[length] = '\0';
    return true;
}

static bool append(choice_list_t *choices, uint64_t value)
{
    if (choices->count == choices->capacity) {
        return false;
    }
    choices->values[choices->count++] = value;
    return true;
}

static bool read_decimal(const char **cursor, choice_list_t *choices)
{
    char word[24];
    uint64_t value;

    if (**cursor == '\0' || **cursor == ':') {
        return true;
    }
    for (;;) {
        size_t length = 0;
        while (**cursor >= '0' && **cursor <= '9' && length + 1 < sizeof(word)) {
            word[length++] = *(*cursor)++;
        }
        word[length] = '\0';
        if (!text_parse_u64(word, false, &value) || !append(choices, value)) {
            return false;
        }
        if (**cursor != ',') {
            return true;
        }
        ++*cursor;
    }
}

static int digit_value(char digit)
{
    for (int value = 0; value < 64; value++) {
        if (base64url_digits[value] == digit) {
            return value;
        }
    }
    return -1;
}

static bool read_packed(const char **cursor, choice_list_t *choices)
{
    uint32_t bits = 0;
    unsigned bit_count = 0;
    uint64_t value = 0;
    unsigned shift = 0;

    for (int digit = digit_value(**cursor); digit >= 0; digit = digit_value(*++*cursor)) {
        bits = (bits << 6) | (uint32_t)digit;
        bit_count += 6;
        if (bit_count < 8) {
            continue;
        }
        bit_count -= 8;
        const uint8_t byte = (uint8_t)(bits >> bit_count);
        if (shift > 63 || (shift == 63 && (byte & 0x7e) != 0)) {
            return false; /* more than 64 bits */
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
        if ((byte & 0x80) == 0) {
            if (!append(choices, value)) {
                return false;
            }
            value = 0;
            shift = 0;
        }
    }
    return shift == 0; /* a number that was begun is ended */
}

static bool read_field(const char **cursor, property_recipe_t *recipe, choice_list_t *choices)
{
    char word[32];

    if (text_starts_with(*cursor, "choices=")) {
        *cursor += text_length("choices=");
        recipe->has_choices = true;
        choices->count = 0;
        if (**cursor == '~') {
            ++*cursor;
            return read_packed(cursor, choices);
        }
        return read_decimal(cursor, choices);
    }
    const bool is_steps = text_starts_with(*cursor, "steps=");
    if (!is_steps && !text_starts_with(*cursor, "seed=")) {
        return false;
    }
    *cursor += text_length(is_steps ? "steps=" : "seed=");
    uint64_t number;
    if (!take_word(word, sizeof(word), cursor, ':') || !text_parse_u64(word, false, &number)) {
        return false;
    }
    if (is_steps) {
        if (number < 1 || number > UINT32_MAX) {
            return false;
        }
        recipe->steps = (uint32_t)number;
    } else {
        recipe->seed = number;
    }
    return true;
}

static bool find_property(const char *suite_name, const char *name, const property_suite_t *const *suites,
                          property_recipe_t *recipe)
{
    for (; *suites != NULL; suites++) {
        if (!text_equal((*suites)->name, suite_name)) {
            continue;
        }
        for (size_t index = 0; index < (*suites)->property_count; index++) {
            if (text_equal((*suites)->properties[index].name, name)) {
                recipe->suite = *suites;
                recipe->property = &(*suites)->properties[index];
                return true;
            }
        }
    }
    return false;
}

status_t recipe_read(const char *text, const property_suite_t *const *suites, property_recipe_t *recipe,
                     choice_list_t *choices)
{
    static const char label[] = "replay: ";
    char suite_name[NAME_LENGTH_MAX];
    char name[NAME_LENGTH_MAX];
    const char *cursor = text_starts_with(text, label) ? text + sizeof(label) - 1 : text;

    *recipe = (property_recipe_t){.suite = NULL};
    choices->count = 0;
    if (!take_word(suite_name, sizeof(suite_name), &cursor, '.') || *cursor++ != '.' ||
        !take_word(name, sizeof(name), &cursor, ':')) {
        return STATUS_CORRUPT;
    }
    while (*cursor == ':') {
        cursor++;
        if (!read_field(&cursor, recipe, choices)) {
            return STATUS_CORRUPT;
        }
    }
    if (*cursor != '\0' || recipe->steps == 0) {
        return STATUS_CORRUPT;
    }
    return find_property(suite_name, name, suites, recipe) ? STATUS_OK : STATUS_NOT_FOUND;
}
