/*
 * A tree of copies: every process of so many levels clones two more, changes its memory, and finds it as it left it
 * when they are done. clone [levels]
 */
#include "quarry.h"

#define WORDS 1024u

static uint64_t words[WORDS];

static void fill(uint64_t mark)
{
    for (uint64_t index = 0; index < WORDS; index++) {
        words[index] = mark + index;
    }
}

static int check(uint64_t mark)
{
    for (uint64_t index = 0; index < WORDS; index++) {
        if (words[index] != mark + index) {
            return quarry_failed("clone", "a word is somebody else's", (int64_t)index);
        }
    }
    return 0;
}

static int grow(uint64_t levels, uint64_t mark)
{
    if (check(mark) != 0) { /* the parent's, at the moment of the copy */
        return 1;
    }
    const uint64_t own = mark + ((uint64_t)quarry_getpid() << 32);
    fill(own);
    int64_t children[2] = {0, 0};
    for (uint64_t index = 0; levels != 0 && index < 2; index++) {
        children[index] = quarry_clone();
        if (children[index] == 0) {
            return grow(levels - 1, own);
        }
        if (children[index] < 0) {
            return quarry_failed("clone", "no child", children[index]);
        }
    }
    int status = 0;
    for (uint64_t index = 0; levels != 0 && index < 2; index++) {
        system_result_t result = {0, 0};
        if (quarry_wait(children[index], &result) != children[index] || result.end != SYSTEM_END_EXIT) {
            return quarry_failed("clone", "a child did not end well", (int64_t)result.end);
        }
        status |= (int)result.status;
    }
    return status | check(own);
}

int main(int count, char **arguments)
{
    fill(0);
    return grow(quarry_number(count > 1 ? arguments[1] : NULL, 2), 0);
}
