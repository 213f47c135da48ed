/*
 * A ring of text lines: the newest ones, as many as fit.
 *
 * No locks; the owner brings them (kernel/log.c). All zero is an empty ring.
 */
#ifndef KERNEL_LOG_RING_H
#define KERNEL_LOG_RING_H

#include <stdint.h>

#include "base/text.h"

#define LOG_RING_BYTES 32768u /* a power of two */

typedef struct log_ring {
    uint64_t written; /* bytes ever: the next one goes to bytes[written % LOG_RING_BYTES] */
    char bytes[LOG_RING_BYTES];
} log_ring_t;

/* Adds line[0 .. length) and a newline; newlines inside become blanks. A line longer than the ring is cut. */
void log_ring_add(log_ring_t *ring, const char *line, size_t length);

/* Writes all whole lines that are left, the oldest first. */
void log_ring_write(const log_ring_t *ring, text_writer_t *writer);

#endif
