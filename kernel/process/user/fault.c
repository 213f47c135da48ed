/* Does what it is told to an address: fault read|write|execute ADDRESS. Where that is not allowed, it ends there. */
#include "quarry.h"

static NOINLINE void access_as(char kind, uint64_t address)
{
    volatile char *const byte = (volatile char *)(uintptr_t)address;
    if (kind == 'w') {
        *byte = 1;
    } else if (kind == 'e') {
        ((void (*)(void))(uintptr_t)address)();
    } else {
        (void)*byte;
    }
}

int main(int count, char **arguments)
{
    access_as(count > 1 ? arguments[1][0] : 'r', quarry_number(count > 2 ? arguments[2] : NULL, 0));
    quarry_print("fault: that was allowed\n");
    return 0;
}
