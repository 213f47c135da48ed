/* Uses the CPU and nothing else: spin [rounds], for good without a number. Only the timer takes the CPU from it. */
#include "quarry.h"

int main(int count, char **arguments)
{
    const uint64_t rounds = quarry_number(count > 1 ? arguments[1] : NULL, UINT64_MAX);
    volatile uint64_t done = 0;
    while (done < rounds) {
        done = done + 1;
    }
    return 0;
}
