/*
 * One access, as a property asks for it. The first word of its arguments is the kind, the next the address; see
 * testing/models/probe.h. Every outcome but a fault ends in a system call.
 */
#include "quarry.h"

int main(int count, char **arguments)
{
    const uint64_t *const words = (const uint64_t *)(uintptr_t)arguments;
    volatile uint8_t *const byte = (volatile uint8_t *)(uintptr_t)words[0];
    switch (count) {
    case 0:
        return *byte;
    case 1:
        *byte = (uint8_t)words[1];
        return 0;
    case 2:
        ((void (*)(void))words[0])();
        return 0;
    default:
        return (int)quarry_call(words[0], words[1], words[2], words[3], words[4], words[5], 0);
    }
}
