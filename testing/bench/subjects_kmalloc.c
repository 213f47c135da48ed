/*
 * kmalloc at work rather than in pairs: batches in three orders, churn, growth, and frees in another context. The
 * workloads of testing/bench/peers, as far as a kernel's memory allows.
 *
 * What the loops themselves cost is measured and taken off: the orders are drawn beforehand, or once more for
 * nothing.
 */
#include "arch/inline.h"
#include "base/compiler.h"
#include "base/units.h"
#include "mm/kmalloc.h"
#include "testing/bench/subjects.h"

#define SEED       UINT64_C(0x9e3779b97f4a7c15)
#define CHURN_LIVE 20000u
#define CHURN_MIN  16u
#define CHURN_MAX  4096u
#define GROWTH_MAX 4096u
#define HANDED     32u /* objects handed over at a time */

/* Keeps what is computed, where it is used for nothing. */
#define KEEP(value) __asm__ volatile("" : : "r"(value) : "memory")

static void *batch[BENCH_BATCH];
static uint16_t order[BENCH_BATCH];
static void *live[CHURN_LIVE];

/* xorshift64* (Vigna, 2016). */
static ALWAYS_INLINE uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

static ALWAYS_INLINE size_t churn_size(uint64_t draw)
{
    return CHURN_MIN + (draw >> 20) % (CHURN_MAX - CHURN_MIN + 1);
}

static void free_all(void **blocks, uint32_t count)
{
    for (uint32_t index = 0; index < count; index++) {
        kfree(blocks[index]);
        blocks[index] = NULL;
    }
}

static uint64_t run_batches(uint32_t rounds, size_t size)
{
    uint64_t ticks = 0;
    for (uint32_t round = 0; round < rounds / BENCH_BATCH_SHARE; round++) {
        const uint64_t start = cycle_counter();
        for (uint32_t index = 0; index < BENCH_BATCH; index++) {
            batch[index] = kmalloc(size);
            if (UNLIKELY(batch[index] == NULL)) {
                free_all(batch, index);
                return BENCH_FAILED;
            }
        }
        for (uint32_t index = 0; index < BENCH_BATCH; index++) {
            kfree(batch[order[index]]);
        }
        ticks += cycle_counter() - start;
    }
    return ticks * BENCH_BATCH_SHARE;
}

uint64_t bench_kmalloc_lifo(uint32_t rounds)
{
    for (uint32_t index = 0; index < BENCH_BATCH; index++) {
        order[index] = (uint16_t)(BENCH_BATCH - 1 - index);
    }
    return run_batches(rounds, 64);
}

/* A random order (Fisher and Yates; Knuth, volume 2, 3.4.2). */
static void shuffle(void)
{
    uint64_t random = SEED;
    for (uint32_t index = 0; index < BENCH_BATCH; index++) {
        const uint32_t other = (uint32_t)(next_random(&random) % (index + 1));
        order[index] = order[other];
        order[other] = (uint16_t)index;
    }
}

uint64_t bench_kmalloc_random_64(uint32_t rounds)
{
    shuffle();
    return run_batches(rounds, 64);
}

uint64_t bench_kmalloc_random_1024(uint32_t rounds)
{
    shuffle();
    return run_batches(rounds, 1024);
}

/* Replaces live objects at random; returns false when memory is out, with all in their places. */
static NOINLINE bool replace(uint32_t count, uint64_t *random)
{
    for (uint32_t round = 0; round < count; round++) {
        const uint64_t draw = next_random(random);
        void **const place = &live[draw % CHURN_LIVE];
        kfree(*place);
        *place = kmalloc(churn_size(draw));
        if (UNLIKELY(*place == NULL)) {
            return false;
        }
    }
    return true;
}

/* The same for nothing. */
static NOINLINE void replace_nothing(uint32_t count, uint64_t *random)
{
    for (uint32_t round = 0; round < count; round++) {
        const uint64_t draw = next_random(random);
        void **const place = &live[draw % CHURN_LIVE];
        KEEP(*place);
        KEEP(churn_size(draw));
    }
}

/* 20,000 live objects of 16 to 4096 bytes, all sizes alike, one replaced at a time. */
uint64_t bench_kmalloc_churn(uint32_t rounds)
{
    uint64_t random = SEED;
    uint64_t ticks = BENCH_FAILED;
    for (uint32_t index = 0; index < CHURN_LIVE; index++) {
        live[index] = kmalloc(churn_size(next_random(&random)));
        if (live[index] == NULL) {
            goto undo;
        }
    }
    if (!replace(CHURN_LIVE, &random)) {
        goto undo;
    }
    const uint64_t start = cycle_counter();
    const bool is_done = replace(rounds, &random);
    const uint64_t middle = cycle_counter();
    replace_nothing(rounds, &random);
    ticks = is_done ? middle - start - (cycle_counter() - middle) : BENCH_FAILED;
undo:
    free_all(live, CHURN_LIVE);
    return ticks;
}

/* A block grows by a quarter from 16 bytes to 4096, and starts anew: a round is a step of it, copying included. */
uint64_t bench_krealloc_step(uint32_t rounds)
{
    void *block = NULL;
    size_t size = 0;
    const uint64_t start = cycle_counter();
    for (uint32_t round = 0; round < rounds; round++) {
        size += size / 4;
        if (size == 0 || size > GROWTH_MAX) {
            kfree(block);
            size = CHURN_MIN;
            block = kmalloc(size);
        } else {
            void *const grown = krealloc(block, size);
            block = grown != NULL ? grown : block;
        }
        if (UNLIKELY(block == NULL)) {
            return BENCH_FAILED;
        }
    }
    const uint64_t ticks = cycle_counter() - start;
    kfree(block);
    return ticks;
}

/*
 * Objects that a thread allocates and an interrupt handler frees: another context, as another CPU's is, so these are
 * remote frees. The contexts change places as in an interrupt's entry.
 */
uint64_t bench_kmalloc_handed(uint32_t rounds)
{
    cpu_t *const cpu = cpu_current();
    uint64_t ticks = 0;
    for (uint32_t round = 0; round < rounds; round += HANDED) {
        const uint64_t start = cycle_counter();
        for (uint32_t index = 0; index < HANDED; index++) {
            batch[index] = kmalloc(64);
            if (UNLIKELY(batch[index] == NULL)) {
                free_all(batch, index);
                return BENCH_FAILED;
            }
        }
        struct allocation_context *const own = cpu->allocation_context;
        cpu->allocation_context = cpu->interrupt_context;
        for (uint32_t index = 0; index < HANDED; index++) {
            kfree(batch[index]);
        }
        cpu->allocation_context = own;
        ticks += cycle_counter() - start;
    }
    return ticks;
}
