/*
 * Text into buffers: formatting agrees with a naive reading of the C standard, for every capacity, and numbers read back.
 */
#include "base/text.h"
#include "testing/property/property.h"

/* Formats are made up here, which is just what the compiler warns of elsewhere. */
#pragma clang diagnostic ignored "-Wformat-nonliteral"

#define TEXT_MAX  400u
#define WIDTH_MAX 70u
#define GUARD     '#'

/* What a drawn conversion should come out as, and the format that asks for it. */
typedef struct conversion_case {
    char format[48];
    size_t format_length;
    char expected[TEXT_MAX];
    size_t expected_length;
    bool is_left;
    bool is_zero;
    size_t width;
} conversion_case_t;

static void put(conversion_case_t *one, char character)
{
    one->format[one->format_length++] = character;
    one->format[one->format_length] = '\0';
}

static void put_number(conversion_case_t *one, uint64_t number)
{
    if (number >= 10) {
        put_number(one, number / 10);
    }
    put(one, (char)('0' + number % 10));
}

static void expect_char(conversion_case_t *one, char character)
{
    one->expected[one->expected_length++] = character;
}

/* The field of C17 7.21.6.1: padded to the width with blanks on the left or right, or with zeros behind the sign. */
static void expect_field(conversion_case_t *one, const char *sign, const char *body, size_t body_length,
                         bool is_numeric)
{
    size_t sign_length = 0;
    while (sign[sign_length] != '\0') {
        sign_length++;
    }
    const size_t total = sign_length + body_length;
    const size_t padding = one->width > total ? one->width - total : 0;
    const bool pads_zeros = one->is_zero && !one->is_left && is_numeric;
    for (size_t i = 0; i < padding && !one->is_left && !pads_zeros; i++) {
        expect_char(one, ' ');
    }
    for (size_t i = 0; i < sign_length; i++) {
        expect_char(one, sign[i]);
    }
    for (size_t i = 0; i < padding && pads_zeros; i++) {
        expect_char(one, '0');
    }
    for (size_t i = 0; i < body_length; i++) {
        expect_char(one, body[i]);
    }
    for (size_t i = 0; i < padding && one->is_left; i++) {
        expect_char(one, ' ');
    }
}

static void expect_number(conversion_case_t *one, uint64_t value, bool is_negative, unsigned base, char letter_a)
{
    char digits[64];
    size_t count = 0;
    do {
        const unsigned digit = (unsigned)(value % base);
        digits[63 - count++] = (char)(digit < 10 ? '0' + digit : (unsigned)letter_a + digit - 10);
        value /= base;
    } while (value != 0);
    expect_field(one, is_negative ? "-" : "", digits + 64 - count, count, true);
}

/* Draws '%', flags and width. */
static conversion_case_t *draw_case(property_run_t *run)
{
    conversion_case_t *const one = property_alloc(run, sizeof(*one));
    one->is_left = property_bool(run);
    one->is_zero = property_bool(run);
    one->width = property_bool(run) ? property_range(run, 1, WIDTH_MAX) : 0;
    put(one, '%');
    if (one->is_zero) {
        put(one, '0');
    }
    if (one->is_left) {
        put(one, '-');
    }
    if (one->width != 0) {
        put_number(one, one->width);
    }
    return one;
}

/* Formats into every capacity from 0 up; what comes out is always the beginning of the whole, and nothing is written beyond. */
static void check_capacities(property_run_t *run, const conversion_case_t *one, const char *buffer, size_t capacity,
                             size_t length)
{
    PROPERTY_EXPECT_EQUAL(run, length, one->expected_length);
    const size_t kept = capacity == 0 ? 0 : length < capacity ? length : capacity - 1;
    for (size_t i = 0; i < kept; i++) {
        PROPERTY_EXPECT_EQUAL(run, buffer[i], one->expected[i]);
    }
    if (capacity != 0) {
        PROPERTY_EXPECT_EQUAL(run, buffer[kept], '\0');
    }
    for (size_t i = capacity; i < TEXT_MAX; i++) {
        PROPERTY_EXPECT_EQUAL(run, buffer[i], GUARD);
    }
}

#define CHECK_ALL_CAPACITIES(run, one, ...)                                                    \
    do {                                                                                       \
        for (size_t capacity_ = 0; capacity_ < (one)->expected_length + 3; capacity_++) {      \
            char buffer_[TEXT_MAX];                                                            \
            __builtin_memset(buffer_, GUARD, sizeof(buffer_));                                 \
            const size_t length_ = text_print(buffer_, capacity_, (one)->format, __VA_ARGS__); \
            check_capacities((run), (one), buffer_, capacity_, length_);                       \
        }                                                                                      \
    } while (0)

/* Validates 4.5: the statistics' texts are numbers written this way. */
static void integers_come_out_as_the_standard_says(property_run_t *run)
{
    conversion_case_t *const one = draw_case(run);
    const uint64_t bits = property_bits64(run) >> property_draw(run, 64);
    const unsigned length = (unsigned)property_draw(run, 5);
    static const char *const names[] = {"", "l", "ll", "z", "j"};
    static const char letters[] = {'u', 'd', 'i', 'x', 'X'};
    const char letter = letters[property_draw(run, sizeof(letters))];
    for (const char *name = names[length]; *name != '\0'; name++) {
        put(one, *name);
    }
    put(one, letter);

    const bool is_signed = letter == 'd' || letter == 'i';
    const uint64_t value = length == 0 ? (is_signed ? (uint64_t)(int64_t)(int)bits : (unsigned)bits) : bits;
    const bool is_negative = is_signed && (int64_t)value < 0;
    expect_number(one, is_negative ? 0 - value : value, is_negative, letter == 'x' || letter == 'X' ? 16 : 10,
                  letter == 'X' ? 'A' : 'a');
    property_note(run, "%s of 0x%llx", one->format, (unsigned long long)bits);
    if (length == 0) {
        CHECK_ALL_CAPACITIES(run, one, (unsigned)bits);
    } else {
        CHECK_ALL_CAPACITIES(run, one, bits);
    }
}

/* Validates 4.5. */
static void strings_and_characters_fill_their_fields(property_run_t *run)
{
    conversion_case_t *const one = draw_case(run);
    char string[24];
    const size_t length = property_draw(run, sizeof(string));
    for (size_t i = 0; i < length; i++) {
        string[i] = (char)property_range(run, 1, 126);
    }
    string[length] = '\0';
    if (property_bool(run)) {
        put(one, 'c');
        const char character = (char)property_range(run, 1, 126);
        expect_field(one, "", &character, 1, false);
        CHECK_ALL_CAPACITIES(run, one, character);
        return;
    }
    const uint64_t precision_kind = property_draw(run, 3);
    const size_t precision = property_draw(run, 30);
    if (precision_kind != 0) {
        put(one, '.');
    }
    if (precision_kind == 1) {
        put_number(one, precision);
    } else if (precision_kind == 2) {
        put(one, '*');
    }
    put(one, 's');
    const size_t shown = precision_kind != 0 && precision < length ? precision : length;
    expect_field(one, "", string, shown, false);
    if (precision_kind == 2) {
        CHECK_ALL_CAPACITIES(run, one, (int)precision, string);
    } else {
        CHECK_ALL_CAPACITIES(run, one, string);
    }
}

/* Validates 4.5: however a text is cut into additions, and whatever its buffer, it is the text. */
static void a_text_is_the_sum_of_its_parts(property_run_t *run)
{
    char whole[TEXT_MAX];
    char buffer[TEXT_MAX];
    size_t length = 0;
    const size_t capacity = property_draw(run, TEXT_MAX);
    __builtin_memset(buffer, GUARD, sizeof(buffer));
    text_writer_t writer = text_writer(buffer, capacity);
    for (uint32_t step = 0; step < run->steps && length + 40 < TEXT_MAX; step++) {
        char part[40];
        const size_t part_length = property_draw(run, sizeof(part));
        for (size_t i = 0; i < part_length; i++) {
            part[i] = (char)property_range(run, 'a', 'z');
            whole[length++] = part[i];
        }
        part[part_length < sizeof(part) ? part_length : sizeof(part) - 1] = '\0';
        switch (property_draw(run, 3)) {
        case 0:
            text_bytes(&writer, part, part_length);
            break;
        case 1:
            text_string(&writer, part);
            break;
        default:
            text_format(&writer, "%s", part);
            break;
        }
        PROPERTY_EXPECT_EQUAL(run, writer.length, length);
    }
    PROPERTY_EXPECT_EQUAL(run, text_is_truncated(&writer), length != 0 && length >= capacity);
    for (size_t i = 0; i < length && i + 1 < capacity; i++) {
        PROPERTY_EXPECT_EQUAL(run, buffer[i], whole[i]);
    }
    for (size_t i = capacity; i < TEXT_MAX; i++) {
        PROPERTY_EXPECT_EQUAL(run, buffer[i], GUARD);
    }
}

/* Validates 4.5: readers get back the number that was written. */
static void a_written_number_reads_back(property_run_t *run)
{
    char text[40];
    const uint64_t number = property_bits64(run) >> property_draw(run, 64);
    const bool is_hexadecimal = property_bool(run);
    uint64_t value = ~number;
    (void)text_print(text, sizeof(text), is_hexadecimal ? "0x%llx" : "%llu", (unsigned long long)number);
    PROPERTY_EXPECT(run, text_parse_u64(text, property_bool(run), &value));
    PROPERTY_EXPECT_EQUAL(run, value, number);
}

/* The naive reading of a number, in arithmetic that can't overflow at these lengths. */
static bool model_parse(const char *text, bool allow_suffix, uint64_t *value)
{
    const bool is_hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    unsigned __int128 sum = 0;
    size_t at = is_hexadecimal ? 2 : 0;
    const size_t first = at;
    for (;; at++) {
        const char c = text[at];
        if (c >= '0' && c <= '9') {
            sum = sum * (is_hexadecimal ? 16 : 10) + (unsigned)(c - '0');
        } else if (is_hexadecimal && c >= 'a' && c <= 'f') {
            sum = sum * 16 + (unsigned)(c - 'a') + 10;
        } else {
            break;
        }
    }
    static const char suffixes[] = "KMGT";
    for (unsigned i = 0; i < 4 && allow_suffix && at != first; i++) {
        if (text[at] == suffixes[i]) {
            sum <<= 10 * (i + 1);
            at++;
            break;
        }
    }
    if (at == first || text[at] != '\0' || sum > UINT64_MAX) {
        return false;
    }
    *value = (uint64_t)sum;
    return true;
}

/* Validates 2.6: what is no number is refused as a whole, and leaves the value alone. */
static void only_whole_numbers_are_numbers(property_run_t *run)
{
    static const char alphabet[] = "0123456789abcfx KMGT-+";
    char text[24];
    const size_t length = property_draw(run, sizeof(text) - 1);
    for (size_t i = 0; i < length; i++) {
        text[i] = alphabet[property_draw(run, sizeof(alphabet) - 1)];
    }
    text[length] = '\0';
    const bool allow_suffix = property_bool(run);
    uint64_t expected = 12345;
    uint64_t value = 12345;
    property_note(run, "\"%s\"", text);
    PROPERTY_EXPECT_EQUAL(run, text_parse_u64(text, allow_suffix, &value), model_parse(text, allow_suffix, &expected));
    PROPERTY_EXPECT_EQUAL(run, value, expected);
}

PROPERTY_SUITE(text, PROPERTY(integers_come_out_as_the_standard_says, "4.5"),
               PROPERTY(strings_and_characters_fill_their_fields, "4.5"),
               PROPERTY(a_text_is_the_sum_of_its_parts, "4.5"), PROPERTY(a_written_number_reads_back, "4.5"),
               PROPERTY(only_whole_numbers_are_numbers, "2.6"));
