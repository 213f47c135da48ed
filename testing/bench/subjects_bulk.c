/*
 * What is measured of kmalloc's other entry points: batches by one call each way, blocks that stay where they are, and zeroed
 * blocks.
 */
#include "mm/kmalloc.h"
#include "testing/bench/subjects.h"

#include "arch/inline.h"
#include "base/compiler.h"

/* One round in 64 is made, and its ticks are scaled up. */
#define SHARE 64u

static void *batch[BENCH_BATCH];

/* A batch, so many blocks at a time. */
static uint64_t run_bulk(uint32_t rounds, size_t count)
{
    uint64_t ticks = 0;
    for (uint32_t round = 0; round < rounds / SHARE; round++) {
        const uint64_t start = cycle_counter();
        for (size_t done = 0; done < BENCH_BATCH; done += count) {
            if (kmalloc_bulk(64, count, batch) == 0) {
                return BENCH_FAILED;
            }
            kfree_bulk(count, batch);
        }
        ticks += cycle_counter() - start;
    }
    return ticks * SHARE;
}

uint64_t bench_kmalloc_bulk_20(uint32_t rounds)
{
    return run_bulk(rounds, 20);
}

uint64_t bench_kmalloc_bulk_1000(uint32_t rounds)
{
    return run_bulk(rounds, BENCH_BATCH);
}

/* A block that grows and shrinks by a few bytes, within its class. */
uint64_t bench_krealloc_in_place(uint32_t rounds)
{
    void *block = kmalloc(100);
    if (block == NULL) {
        return BENCH_FAILED;
    }
    bool has_failed = false;
    const uint64_t start = cycle_counter();
    for (uint32_t round = 0; round < rounds; round++) {
        void *const same = krealloc(block, 70 + round % 50);
        has_failed = has_failed || same != block;
        block = same == NULL ? block : same;
    }
    const uint64_t ticks = cycle_counter() - start;
    kfree(block);
    return has_failed ? BENCH_FAILED : ticks;
}

static uint64_t run_kcalloc(uint32_t rounds, size_t size)
{
    bool has_failed = false;
    const uint64_t start = cycle_counter();
    for (uint32_t round = 0; round < rounds; round++) {
        void *pointer = kcalloc(1, size);
        has_failed = has_failed || pointer == NULL;
        __asm__ volatile("" : "+r"(pointer), "+r"(size) : : "memory");
        kfree(pointer);
    }
    return has_failed ? BENCH_FAILED : cycle_counter() - start;
}

uint64_t bench_kcalloc_64(uint32_t rounds)
{
    return run_kcalloc(rounds, 64);
}

uint64_t bench_kcalloc_4096(uint32_t rounds)
{
    return run_kcalloc(rounds, 4096);
}
