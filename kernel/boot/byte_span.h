/*
 * Reading bytes that nobody vouches for: a span knows where it ends, and every access asks it.
 *
 * Numbers are little-endian, which all our bootloaders and firmware tables are, and may lie at any alignment. No access outside a span
 * is possible through these functions; offsets and lengths may be anything.
 */
#ifndef KERNEL_BOOT_BYTE_SPAN_H
#define KERNEL_BOOT_BYTE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* bytes[0 .. length) may be read. */
typedef struct byte_span {
    const uint8_t *bytes;
    size_t length;
} byte_span_t;

static inline byte_span_t byte_span(const void *bytes, size_t length)
{
    return (byte_span_t){bytes, length};
}

/* Whether `length` bytes from `offset` on are all inside. */
static inline bool byte_span_covers(byte_span_t span, uint64_t offset, uint64_t length)
{
    return offset <= span.length && length <= span.length - offset;
}

/* The part from `offset` on, at most `length` bytes: cut at the end of `span`, empty when `offset` is beyond it. */
static inline byte_span_t byte_span_part(byte_span_t span, uint64_t offset, uint64_t length)
{
    if (offset >= span.length) {
        return byte_span(span.bytes, 0);
    }
    const uint64_t rest = span.length - offset;
    return byte_span(span.bytes + offset, (size_t)(length < rest ? length : rest));
}

/* Reads an unsigned number of `size` bytes (1 to 8). Returns false, *value 0, when it is not all inside. */
MUST_USE static inline bool byte_span_read(byte_span_t span, uint64_t offset, size_t size, uint64_t *value)
{
    *value = 0;
    if (!byte_span_covers(span, offset, size)) {
        return false;
    }
    for (size_t index = size; index-- > 0;) {
        *value = *value << 8 | span.bytes[offset + index];
    }
    return true;
}

/* The same for places that the caller has made sure of: 0 outside, never a stray read. */
static inline uint32_t byte_span_u32(byte_span_t span, uint64_t offset)
{
    uint64_t value;
    return byte_span_read(span, offset, 4, &value) ? (uint32_t)value : 0;
}

static inline uint64_t byte_span_u64(byte_span_t span, uint64_t offset)
{
    uint64_t value;
    return byte_span_read(span, offset, 8, &value) ? value : 0;
}

#endif
