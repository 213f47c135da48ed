/*
 * Text into bounded buffers: base/text.h.
 *
 * Every byte goes through text_bytes() or text_fill(), which are the only places that store: they keep the terminator, and
 * count what did not fit.
 *
 * Invariants
 *   X1  with capacity at least 1, buffer[min(length, capacity - 1)] is the terminator
 *   X2  bytes below that one are the text's first bytes
 */
#include "base/text.h"

/* How many bytes may still be stored, the terminator's place kept free. */
static size_t text_room(const text_writer_t *writer)
{
    return writer->length + 1 < writer->capacity ? writer->capacity - 1 - writer->length : 0;
}

/* Moves the end of the text on by `length` bytes, of which `stored` are in the buffer. */
static void text_advance(text_writer_t *writer, size_t length, size_t stored)
{
    if (stored != 0) {
        writer->buffer[writer->length + stored] = '\0';
    }
    writer->length = length <= SIZE_MAX - writer->length ? writer->length + length : SIZE_MAX;
}

static void text_fill(text_writer_t *writer, char character, size_t count)
{
    const size_t room = text_room(writer);
    const size_t stored = count < room ? count : room;
    for (size_t index = 0; index < stored; index++) {
        writer->buffer[writer->length + index] = character;
    }
    text_advance(writer, count, stored);
}

text_writer_t text_writer(char *buffer, size_t capacity)
{
    if (capacity != 0) {
        buffer[0] = '\0';
    }
    return (text_writer_t){buffer, capacity, 0};
}

void text_char(text_writer_t *writer, char character)
{
    text_fill(writer, character, 1);
}

void text_bytes(text_writer_t *writer, const char *bytes, size_t length)
{
    const size_t room = text_room(writer);
    const size_t stored = length < room ? length : room;
    if (stored != 0) {
        __builtin_memcpy(writer->buffer + writer->length, bytes, stored);
    }
    text_advance(writer, length, stored);
}

void text_string(text_writer_t *writer, const char *string)
{
    text_bytes(writer, string, text_length(string));
}

/* One conversion between '%' and its letter. */
typedef struct text_conversion {
    bool is_left;
    bool is_zero_padded;
    bool has_precision;
    size_t width;
    size_t precision;
    unsigned length; /* 0: int, 1: long, 2: long long, 3: size_t, 4: intmax_t */
} text_conversion_t;

/* Writes prefix and body in the field that the conversion asks for. */
static void text_field(text_writer_t *writer, const text_conversion_t *conversion, const char *prefix,
                       size_t prefix_length, const char *body, size_t body_length)
{
    const size_t used = prefix_length + body_length;
    const size_t padding = conversion->width > used ? conversion->width - used : 0;

    if (!conversion->is_left && !conversion->is_zero_padded) {
        text_fill(writer, ' ', padding);
    }
    text_bytes(writer, prefix, prefix_length);
    if (!conversion->is_left && conversion->is_zero_padded) {
        text_fill(writer, '0', padding);
    }
    text_bytes(writer, body, body_length);
    if (conversion->is_left) {
        text_fill(writer, ' ', padding);
    }
}

static void text_number(text_writer_t *writer, const text_conversion_t *conversion, uint64_t magnitude, unsigned base,
                        bool is_upper, const char *prefix)
{
    const char *const digits = is_upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char body[20]; /* UINT64_MAX has 20 decimal digits */
    size_t first = sizeof(body);
    do {
        body[--first] = digits[magnitude % base];
        magnitude /= base;
    } while (magnitude != 0);
    text_field(writer, conversion, prefix, text_length(prefix), body + first, sizeof(body) - first);
}

/*
 * The argument list travels in a structure: va_list may be an array type, which decays when it is passed, and a helper that
 * takes arguments must move the caller's list on.
 */
typedef struct text_arguments {
    va_list list;
} text_arguments_t;

static uint64_t text_argument_unsigned(text_arguments_t *arguments, unsigned length)
{
    switch (length) {
    case 1:
        return va_arg(arguments->list, unsigned long);
    case 2:
        return va_arg(arguments->list, unsigned long long);
    case 3:
        return va_arg(arguments->list, size_t);
    case 4:
        return va_arg(arguments->list, uintmax_t);
    default:
        return va_arg(arguments->list, unsigned int);
    }
}

static int64_t text_argument_signed(text_arguments_t *arguments, unsigned length)
{
    switch (length) {
    case 1:
        return va_arg(arguments->list, long);
    case 2:
        return va_arg(arguments->list, long long);
    case 3:
        return (int64_t)va_arg(arguments->list, size_t);
    case 4:
        return va_arg(arguments->list, intmax_t);
    default:
        return va_arg(arguments->list, int);
    }
}

/* Reads decimal digits; a number that would not fit in an int stays at a value no field reaches. */
static const char *text_read_width(const char *at, size_t *width)
{
    size_t value = 0;
    while (*at >= '0' && *at <= '9') {
        value = value < INT32_MAX / 10 ? value * 10 + (size_t)(*at - '0') : INT32_MAX;
        at++;
    }
    *width = value;
    return at;
}

/* Reads flags, width, precision and length after '%'; returns where the letter should be. */
static const char *text_read_conversion(const char *at, text_conversion_t *conversion, text_arguments_t *arguments)
{
    for (;; at++) {
        if (*at == '-') {
            conversion->is_left = true;
        } else if (*at == '0') {
            conversion->is_zero_padded = true;
        } else {
            break;
        }
    }
    if (*at == '*') {
        const int width = va_arg(arguments->list, int);
        conversion->is_left = conversion->is_left || width < 0;
        conversion->width = width < 0 ? (size_t)(-(int64_t)width) : (size_t)width;
        at++;
    } else {
        at = text_read_width(at, &conversion->width);
    }
    if (*at == '.') {
        conversion->has_precision = true;
        at++;
        if (*at == '*') {
            const int precision = va_arg(arguments->list, int);
            conversion->has_precision = precision >= 0;
            conversion->precision = precision >= 0 ? (size_t)precision : 0;
            at++;
        } else {
            at = text_read_width(at, &conversion->precision);
        }
    }
    if (*at == 'l') {
        conversion->length = at[1] == 'l' ? 2 : 1;
        at += conversion->length;
    } else if (*at == 'z' || *at == 'j') {
        conversion->length = *at == 'z' ? 3 : 4;
        at++;
    }
    return at;
}

static void text_string_field(text_writer_t *writer, const text_conversion_t *conversion, const char *string)
{
    const char *const body = string != NULL ? string : "(null)";
    /* With a precision the string need not be terminated, so no byte beyond it may be looked at. */
    size_t length = 0;
    while ((!conversion->has_precision || length < conversion->precision) && body[length] != '\0') {
        length++;
    }
    text_field(writer, conversion, "", 0, body, length);
}

/* Writes one conversion whose letter is at `letter`. Returns false, nothing written or taken, when the letter is none of ours. */
static bool text_convert(text_writer_t *writer, text_conversion_t *conversion, char letter, text_arguments_t *arguments)
{
    if (conversion->is_left || letter == 's' || letter == 'c') {
        conversion->is_zero_padded = false;
    }
    if (conversion->has_precision && letter != 's') {
        return false;
    }
    switch (letter) {
    case 's':
        text_string_field(writer, conversion, va_arg(arguments->list, const char *));
        return true;
    case 'c': {
        const char character = (char)va_arg(arguments->list, int);
        text_field(writer, conversion, "", 0, &character, 1);
        return true;
    }
    case 'd':
    case 'i': {
        const int64_t value = text_argument_signed(arguments, conversion->length);
        text_number(writer, conversion, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, false,
                    value < 0 ? "-" : "");
        return true;
    }
    case 'u':
        text_number(writer, conversion, text_argument_unsigned(arguments, conversion->length), 10, false, "");
        return true;
    case 'x':
    case 'X':
        text_number(writer, conversion, text_argument_unsigned(arguments, conversion->length), 16, letter == 'X', "");
        return true;
    case 'p':
        text_number(writer, conversion, (uintptr_t)va_arg(arguments->list, void *), 16, false, "0x");
        return true;
    case '%':
        text_char(writer, '%');
        return true;
    default:
        return false;
    }
}

void text_format_list(text_writer_t *writer, const char *format, va_list list)
{
    text_arguments_t arguments;
    va_copy(arguments.list, list);

    for (const char *at = format; *at != '\0';) {
        const char *const plain = at;
        while (*at != '\0' && *at != '%') {
            at++;
        }
        text_bytes(writer, plain, (size_t)(at - plain));
        if (*at == '\0') {
            break;
        }
        text_conversion_t conversion = {0};
        const char *const letter = text_read_conversion(at + 1, &conversion, &arguments);
        if (text_convert(writer, &conversion, *letter, &arguments)) {
            at = letter + 1;
        } else {
            text_bytes(writer, at, (size_t)(letter - at));
            at = letter;
            if (*at != '\0' && *at != '%') {
                text_char(writer, *at++);
            }
        }
    }
    va_end(arguments.list);
}

void text_format(text_writer_t *writer, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    text_format_list(writer, format, list);
    va_end(list);
}

size_t text_print(char *buffer, size_t capacity, const char *format, ...)
{
    text_writer_t writer = text_writer(buffer, capacity);
    va_list list;
    va_start(list, format);
    text_format_list(&writer, format, list);
    va_end(list);
    return writer.length;
}

size_t text_length(const char *string)
{
    size_t length = 0;
    while (string[length] != '\0') {
        length++;
    }
    return length;
}

bool text_equal(const char *left, const char *right)
{
    while (*left != '\0' && *left == *right) {
        left++;
        right++;
    }
    return *left == *right;
}

bool text_starts_with(const char *string, const char *prefix)
{
    while (*prefix != '\0') {
        if (*string++ != *prefix++) {
            return false;
        }
    }
    return true;
}

/* The value of a digit in `base`, or `base` when it is none. */
static unsigned text_digit(char character, unsigned base)
{
    unsigned value = base;
    if (character >= '0' && character <= '9') {
        value = (unsigned)(character - '0');
    } else if (character >= 'a' && character <= 'f') {
        value = (unsigned)(character - 'a') + 10;
    } else if (character >= 'A' && character <= 'F') {
        value = (unsigned)(character - 'A') + 10;
    }
    return value < base ? value : base;
}

/* The shift that a final K, M, G or T stands for, or 0. */
static unsigned text_suffix_shift(char character)
{
    switch (character) {
    case 'K':
        return 10;
    case 'M':
        return 20;
    case 'G':
        return 30;
    case 'T':
        return 40;
    default:
        return 0;
    }
}

bool text_parse_u64(const char *string, bool allow_suffix, uint64_t *value)
{
    const bool is_hexadecimal = string[0] == '0' && (string[1] == 'x' || string[1] == 'X');
    const unsigned base = is_hexadecimal ? 16 : 10;
    const char *at = is_hexadecimal ? string + 2 : string;
    if (text_digit(*at, base) == base) {
        return false;
    }
    uint64_t sum = 0;
    for (unsigned digit = text_digit(*at, base); digit < base; digit = text_digit(*++at, base)) {
        if (__builtin_mul_overflow(sum, (uint64_t)base, &sum) || __builtin_add_overflow(sum, (uint64_t)digit, &sum)) {
            return false;
        }
    }
    const unsigned shift = allow_suffix ? text_suffix_shift(*at) : 0;
    if (shift != 0) {
        at++;
        if (sum > UINT64_MAX >> shift) {
            return false;
        }
        sum <<= shift;
    }
    if (*at != '\0') {
        return false;
    }
    *value = sum;
    return true;
}
