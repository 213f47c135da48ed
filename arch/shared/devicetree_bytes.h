/*
 * Big-endian numbers at any alignment. Callers know that the bytes are there.
 */
#ifndef ARCH_SHARED_DEVICETREE_BYTES_H
#define ARCH_SHARED_DEVICETREE_BYTES_H

#include <stdint.h>

static inline uint32_t bytes_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline uint64_t bytes_u64(const uint8_t *bytes)
{
    return (uint64_t)bytes_u32(bytes) << 32 | bytes_u32(bytes + 4);
}

#endif
