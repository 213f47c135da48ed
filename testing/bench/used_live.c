/*
 * How much memory kmalloc holds for what its callers use: after churn, as `bazel run //testing/bench:used_live` prints it.
 *
 * 100,000 blocks of 16 to 4096 bytes are live, sizes drawn evenly or evenly by powers of two; a million times a drawn one
 * goes and another comes. `used` is every page that the page allocator has handed out (slabs, descriptors, contexts),
 * and the words of those pages, 8 bytes each; `live` is the sum of the sizes asked for.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "mm/kmalloc.h"
#include "mm/pages.h"
#include "testing/host/world.h"

#define LIVE     100000u
#define ROUNDS   1000000u
#define SIZE_MIN 16u
#define SIZE_TOP 4096u

typedef size_t (*draw_t)(void);

static uint64_t state = 20261122;

static uint64_t draw(uint64_t bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % bound;
}

static size_t draw_evenly(void)
{
    return SIZE_MIN + draw(SIZE_TOP - SIZE_MIN + 1);
}

static size_t draw_by_powers(void)
{
    const size_t power = (size_t)SIZE_MIN << draw(8);
    return power + draw(power + 1);
}

static void *block(size_t size)
{
    void *const pointer = kmalloc(size);
    if (pointer == NULL) {
        fputs("used_live: memory is out\n", stderr);
        exit(EXIT_FAILURE);
    }
    return pointer;
}

static void churn(const char *name, draw_t draw_size)
{
    static void *blocks[LIVE];
    static size_t sizes[LIVE];
    const uint64_t before = pages_count_allocated();
    uint64_t live = 0;
    for (uint32_t i = 0; i < LIVE; i++) {
        sizes[i] = draw_size();
        blocks[i] = block(sizes[i]);
        live += sizes[i];
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint64_t i = draw(LIVE);
        kfree(blocks[i]);
        live -= sizes[i];
        sizes[i] = draw_size();
        blocks[i] = block(sizes[i]);
        live += sizes[i];
    }
    const uint64_t used = (pages_count_allocated() - before) * (PAGE_SIZE + sizeof(uint64_t));
    printf("%-28s used %10llu  live %10llu  used / live %.3f\n", name, (unsigned long long)used,
           (unsigned long long)live, (double)used / (double)live);
    for (uint32_t i = 0; i < LIVE; i++) {
        kfree(blocks[i]);
    }
}

int main(void)
{
    world_start();
    printf("classes: %s\n", KMALLOC_HAS_TRIPLES ? "powers of two and three times them" : "powers of two");
    churn("16 to 4096, evenly", draw_evenly);
    churn("16 to 4096, by powers of two", draw_by_powers);
    return 0;
}
