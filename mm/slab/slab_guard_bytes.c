#include "mm/slab/slab_guard_bytes.h"

#include "base/compiler.h"

/* Canaries have their high bit set, so that no zero and no text ever passes for one. */
#define CANARY_BIT 0x80

unsigned char guard_byte(uintptr_t address, int fill, uint64_t key)
{
    if (fill != GUARD_FILL_CANARY) {
        return (unsigned char)fill;
    }
    const uint64_t mixed = (key ^ (address >> 3)) * UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned char)(mixed >> (address & 7) * 8) | CANARY_BIT;
}

void guard_bytes_fill(uintptr_t start, size_t length, int fill, uint64_t key)
{
    if (fill != GUARD_FILL_CANARY) {
        __builtin_memset((void *)start, fill, length);
        return;
    }
    for (size_t i = 0; i < length; i++) {
        ((unsigned char *)start)[i] = guard_byte(start + i, fill, key);
    }
}

/* Whole words of one byte value from an aligned `start`; returns how many bytes of them are as they should be. */
static size_t words_fine(uintptr_t start, size_t length, unsigned char value)
{
    const uint64_t pattern = value * UINT64_C(0x0101010101010101);
    const uint64_t *const words = (const uint64_t *)start;
    const size_t count = length / sizeof(uint64_t);
    size_t i = 0;
    while (i < count && words[i] == pattern) {
        i++;
    }
    return i * sizeof(uint64_t);
}

size_t guard_bytes_first_wrong(uintptr_t start, size_t length, int fill, uint64_t key)
{
    const unsigned char *const bytes = (const unsigned char *)start;
    size_t i = 0;
    if (fill != GUARD_FILL_CANARY && start % sizeof(uint64_t) == 0) {
        i = words_fine(start, length, (unsigned char)fill);
    }
    for (; i < length; i++) {
        if (bytes[i] != guard_byte(start + i, fill, key)) {
            return i;
        }
    }
    return GUARD_BYTES_FINE;
}
