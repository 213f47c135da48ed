/*
 * Tries to break the kernel: random system calls with arguments that are random, nearly right, or right.
 * hostile [seed] [calls]. Whatever comes back, comes back: only the kernel's own word counts, and that is not asked.
 */
#include "quarry.h"

#define CALLS_USUAL  2000u
#define CHILDREN_MAX 2u

static char data[8192];

/* An argument that a careless kernel would stumble over. */
static uint64_t argument(uint64_t *state)
{
    static const char path[] = "//kern/process/stats";
    const uint64_t mixed = quarry_random(state);
    const uint64_t page = (quarry_random(state) % 64) << 12;
    switch (mixed % 16) {
    case 0:
        return quarry_random(state);
    case 1:
        return 0 - (quarry_random(state) % 65536); /* the very top, and small negative numbers */
    case 2:
        return UINT64_C(0xffffffff80000000) + page; /* where a kernel may be */
    case 3:
        return UINT64_C(0xffff800000000000) + page; /* where its memory may be */
    case 4:
        return UINT64_C(0x4000000000) - page; /* the end of the user's space */
    case 5:
        return UINT64_C(0x8000000000) - page; /* the end of the lower half */
    case 6:
        return (uint64_t)(uintptr_t)data + mixed / 16 % sizeof(data);
    case 7:
        return (uint64_t)(uintptr_t)path;
    case 8:
        return sizeof(path) - 1;
    case 9:
        return UINT64_C(0x10000000) + page;
    case 10:
        return page;
    case 11:
        return mixed / 16 % 8;
    case 12:
        return (uint64_t)(uintptr_t)&argument; /* code */
    case 13:
        return UINT64_C(1) << (mixed / 16 % 64);
    default:
        return mixed / 16 % 20;
    }
}

int main(int count, char **arguments)
{
    uint64_t state = quarry_number(count > 1 ? arguments[1] : NULL, 1);
    const uint64_t calls = quarry_number(count > 2 ? arguments[2] : NULL, CALLS_USUAL);
    uint64_t children = 0;
    for (uint64_t call = 0; call < calls; call++) {
        uint64_t number = quarry_random(&state) % (SYSTEM_CALL_COUNT + 2);
        if (number == SYSTEM_CALL_EXIT && quarry_random(&state) % 64 != 0) {
            number = SYSTEM_CALL_YIELD;
        }
        if (number == SYSTEM_CALL_WRITE) {
            number = quarry_random(&state); /* any number; the console is spared */
            number = number == SYSTEM_CALL_WRITE ? SYSTEM_CALL_COUNT : number;
        }
        if (number == SYSTEM_CALL_CLONE && ++children > CHILDREN_MAX) {
            continue;
        }
        uint64_t a[6];
        for (unsigned index = 0; index < 6; index++) {
            a[index] = argument(&state);
        }
        (void)quarry_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    return 0;
}
