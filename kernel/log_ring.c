/*
 * The ring as one stream of bytes, of which the last LOG_RING_BYTES are kept; the first line of these may have lost its head.
 */
#include "kernel/log_ring.h"

_Static_assert((LOG_RING_BYTES & (LOG_RING_BYTES - 1)) == 0, "positions are cut by a mask");

static void put(log_ring_t *ring, char byte)
{
    ring->bytes[ring->written & (LOG_RING_BYTES - 1)] = byte;
    ring->written++;
}

void log_ring_add(log_ring_t *ring, const char *line, size_t length)
{
    const size_t kept = length < LOG_RING_BYTES - 1 ? length : LOG_RING_BYTES - 1;
    for (size_t index = 0; index < kept; index++) {
        put(ring, line[index] == '\n' ? ' ' : line[index]);
    }
    put(ring, '\n');
}

void log_ring_write(const log_ring_t *ring, text_writer_t *writer)
{
    uint64_t at = ring->written > LOG_RING_BYTES ? ring->written - LOG_RING_BYTES : 0;
    if (at != 0) {
        /* Whether a line starts right here can't be told any more: its predecessor's newline is overwritten. */
        while (ring->bytes[at++ & (LOG_RING_BYTES - 1)] != '\n') {
        }
    }
    const uint64_t count = ring->written - at;
    const uint64_t start = at & (LOG_RING_BYTES - 1);
    const uint64_t straight = count < LOG_RING_BYTES - start ? count : LOG_RING_BYTES - start;
    text_bytes(writer, ring->bytes + start, (size_t)straight);
    text_bytes(writer, ring->bytes, (size_t)(count - straight));
}
