/*
 * The bytes that memory nobody may write is filled with, and the first one that is wrong.
 */
#ifndef MM_SLAB_SLAB_GUARD_BYTES_H
#define MM_SLAB_SLAB_GUARD_BYTES_H

#include <stddef.h>
#include <stdint.h>

#define GUARD_FILL_ZERO     0x00 /* freed in the tier guarded */
#define GUARD_FILL_FREED    0x6b /* freed in the tier debug */
#define GUARD_FILL_FRESH    0x5a /* allocated in the tier debug, not yet written */
#define GUARD_FILL_RED_ZONE 0xbb
#define GUARD_FILL_CANARY   (-1) /* behind an object in its slot: differs from byte to byte and from boot to boot */

#define GUARD_BYTES_FINE SIZE_MAX

/* What the byte at `address` is filled with. `key` makes the canaries; other fills don't ask for it. */
unsigned char guard_byte(uintptr_t address, int fill, uint64_t key);

void guard_bytes_fill(uintptr_t start, size_t length, int fill, uint64_t key);

/* The distance from `start` of the first byte that is not as it was filled, or GUARD_BYTES_FINE. */
size_t guard_bytes_first_wrong(uintptr_t start, size_t length, int fill, uint64_t key);

#endif
