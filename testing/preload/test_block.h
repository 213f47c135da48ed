/*
 * What the tests of the malloc family know of a block: its size, and the byte that it was filled with.
 */
#ifndef TESTING_PRELOAD_TEST_BLOCK_H
#define TESTING_PRELOAD_TEST_BLOCK_H

#include <cstddef>
#include <cstring>

struct Block {
    unsigned char *bytes;
    size_t size;
    unsigned char seed;

    void Fill() const
    {
        memset(bytes, seed, size);
    }
    size_t CountWrong(size_t up_to) const
    {
        size_t wrong = 0;
        for (size_t i = 0; i < size && i < up_to; i++) {
            wrong += bytes[i] != seed;
        }
        return wrong;
    }
};

#endif
