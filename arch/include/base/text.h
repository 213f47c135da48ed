/*
 * Text into a buffer that is never overrun: the only way this kernel makes strings.
 *
 * A writer remembers how long the text would have been, so a caller can measure first (capacity 0) or notice
 * truncation after. The text is always terminated when the capacity is at least 1. No locks, no memory; any context.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

typedef struct text_writer {
    char *buffer;
    size_t capacity; /* bytes in buffer, the terminator included */
    size_t length;   /* bytes the whole text has, without the terminator; may be beyond capacity */
} text_writer_t;

/* Starts an empty text in `buffer`, which the caller owns and which may be NULL when `capacity` is 0. */
text_writer_t text_writer(char *buffer, size_t capacity);

/* Adds to the text. */
void text_char(text_writer_t *writer, char character);
void text_string(text_writer_t *writer, const char *string);
void text_bytes(text_writer_t *writer, const char *bytes, size_t length);

/*
 * Adds formatted text: %s %c %d %i %u %x %X %p %% with the flags 0 and -, a width or *, .precision for %s, and the
 * lengths l, ll, z, j (the C standard's meaning for all of them: C17 7.21.6.1). Anything else is copied as it stands.
 */
PRINTF_LIKE(2, 3) void text_format(text_writer_t *writer, const char *format, ...);
PRINTF_LIKE(2, 0) void text_format_list(text_writer_t *writer, const char *format, va_list arguments);

/* Whether the text did not fit. */
static inline bool text_is_truncated(const text_writer_t *writer)
{
    return writer->length >= writer->capacity && writer->length != 0;
}

/* Formats into `buffer` as a whole; returns the length the text would have had. */
PRINTF_LIKE(3, 4) size_t text_print(char *buffer, size_t capacity, const char *format, ...);

/* String helpers for text of known bounds. */
size_t text_length(const char *string);
bool text_equal(const char *left, const char *right);
bool text_starts_with(const char *string, const char *prefix);

/*
 * Reads an unsigned number: decimal, or hexadecimal after 0x, with an optional final K, M, G or T (powers of 1024)
 * when `allow_suffix`. The whole string must be the number. Returns false, *value untouched, on anything else or on
 * overflow.
 */
MUST_USE bool text_parse_u64(const char *string, bool allow_suffix, uint64_t *value);

#endif
