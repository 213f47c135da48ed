/*
 * The workloads of one thread.
 */
#include "testing/bench/peers/workloads.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SEED         UINT64_C(0x9e3779b97f4a7c15)
#define BATCH        1000u
#define CHURN_LIVE   100000u
#define CHURN_MIN    16u
#define CHURN_MAX    4096u
#define LARGE_LIVE   100u
#define LARGE_MIN    8192u
#define LARGE_SHIFT  7u /* 8 KiB to 1 MiB */
#define GROWTH_FIRST 16u
#define GROWTH_LAST  (256u << 10)
#define SIZES        4096u /* drawn beforehand; a power of two */

static uint64_t nanoseconds(clockid_t clock)
{
    struct timespec time;
    (void)clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

uint64_t clock_of_process(void)
{
    return nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t clock_on_wall(void)
{
    return nanoseconds(CLOCK_MONOTONIC);
}

void out_of_memory(void)
{
    fprintf(stderr, "memory is out\n");
    exit(2);
}

/* The process's memory that is its own alone, in bytes (Linux, proc_pid_statm(5): resident less shared pages). */
static uint64_t own_bytes(void)
{
    uint64_t size;
    uint64_t resident;
    uint64_t shared;
    FILE *const file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu %lu", &size, &resident, &shared) != 3) {
        fprintf(stderr, "/proc/self/statm tells nothing\n");
        exit(2);
    }
    (void)fclose(file);
    return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t pairs_of(size_t size, uint64_t operations)
{
    const uint64_t start = clock_of_process();
    for (uint64_t i = 0; i < operations; i++) {
        RELEASE(use(ALLOCATE(size)));
    }
    return clock_of_process() - start;
}

static uint64_t pairs_64(uint64_t operations, workload_memory_t *memory)
{
    (void)memory;
    return pairs_of(64, operations);
}

static uint64_t pairs_4096(uint64_t operations, workload_memory_t *memory)
{
    (void)memory;
    return pairs_of(4096, operations);
}

static uint32_t sizes[SIZES];

/* As many sizes, each in its range as likely as any other. */
static void draw_sizes(size_t least, size_t most)
{
    uint64_t random = SEED;
    for (unsigned i = 0; i < SIZES; i++) {
        sizes[i] = (uint32_t)(least + next_random(&random) % (most - least + 1));
    }
}

static uint64_t pairs_mixed(uint64_t operations, workload_memory_t *memory)
{
    (void)memory;
    draw_sizes(CHURN_MIN, CHURN_MAX);
    const uint64_t start = clock_of_process();
    for (uint64_t i = 0; i < operations; i++) {
        RELEASE(use(ALLOCATE(sizes[i % SIZES])));
    }
    return clock_of_process() - start;
}

static void *batch[BATCH];
static uint32_t order[BATCH];

/* Allocates 1000, frees them by `order`, again and again. */
static uint64_t batches_of(size_t size, uint64_t operations)
{
    const uint64_t start = clock_of_process();
    for (uint64_t done = 0; done < operations; done += BATCH) {
        for (unsigned i = 0; i < BATCH; i++) {
            batch[i] = use(ALLOCATE(size));
        }
        for (unsigned i = 0; i < BATCH; i++) {
            RELEASE(batch[order[i]]);
        }
    }
    return clock_of_process() - start;
}

static uint64_t batch_lifo_64(uint64_t operations, workload_memory_t *memory)
{
    (void)memory;
    for (unsigned i = 0; i < BATCH; i++) {
        order[i] = BATCH - 1 - i;
    }
    return batches_of(64, operations);
}

static uint64_t batch_fifo_64(uint64_t operations, workload_memory_t *memory)
{
    (void)memory;
    for (unsigned i = 0; i < BATCH; i++) {
        order[i] = i;
    }
    return batches_of(64, operations);
}

/* A random order (Fisher and Yates; Knuth, volume 2, 3.4.2). */
static void shuffle(void)
{
    uint64_t random = SEED;
    for (unsigned i = 0; i < BATCH; i++) {
        const unsigned other = (unsigned)(next_random(&random) % (i + 1));
        order[i] = order[other];
        order[other] = i;
    }
}

static uint64_t batch_random_64(uint64_t operations, workload_memory_t *memory)
{
    (void)memory;
    shuffle();
    return batches_of(64, operations);
}

static uint64_t batch_random_1024(uint64_t operations, workload_memory_t *memory)
{
    (void)memory;
    shuffle();
    return batches_of(1024, operations);
}

typedef struct object {
    char *block;
    size_t size;
} object_t;

/* Writes its first byte, and one in every page: then the system has to give them. */
static void fill(object_t *object, size_t size)
{
    object->size = size;
    object->block = use(ALLOCATE(size));
#ifndef WITHOUT_ALLOCATOR
    for (size_t at = 1024; at < size; at += 1024) {
        *(volatile char *)&object->block[at] = 1;
    }
    *(volatile char *)&object->block[size - 1] = 1;
#endif
}

/* 100,000 live objects, one replaced at a time, any one by one of any size. */
static uint64_t churn(uint64_t operations, workload_memory_t *memory)
{
    static object_t live[CHURN_LIVE];
    uint64_t random = SEED;
    draw_sizes(CHURN_MIN, CHURN_MAX);
    memset(live, 1, sizeof live); /* their pages are not the allocator's */
    const uint64_t before = own_bytes();
    for (unsigned i = 0; i < CHURN_LIVE; i++) {
        fill(&live[i], sizes[next_random(&random) % SIZES]);
    }
    /* Until the heap is as mixed as it gets. */
    for (unsigned i = 0; i < 2 * CHURN_LIVE; i++) {
        object_t *const object = &live[next_random(&random) % CHURN_LIVE];
        RELEASE(object->block);
        fill(object, sizes[next_random(&random) % SIZES]);
    }
    const uint64_t start = clock_of_process();
    for (uint64_t i = 0; i < operations; i++) {
        const uint64_t draw = next_random(&random);
        object_t *const object = &live[draw % CHURN_LIVE];
        RELEASE(object->block);
        object->size = sizes[(draw >> 20) % SIZES];
        object->block = use(ALLOCATE(object->size));
    }
    const uint64_t time = clock_of_process() - start;
    const uint64_t after = own_bytes();
    memory->used_bytes = after > before ? after - before : 0;
    for (unsigned i = 0; i < CHURN_LIVE; i++) {
        memory->live_bytes += live[i].size;
        RELEASE(live[i].block);
    }
    return time;
}

/* 100 live blocks of 8 KiB to 1 MiB, sizes as likely small as large by their logarithm. */
static uint64_t large_churn(uint64_t operations, workload_memory_t *memory)
{
    void *live[LARGE_LIVE];
    uint64_t random = SEED;
    (void)memory;
    for (unsigned i = 0; i < SIZES; i++) {
        const uint64_t least = LARGE_MIN << next_random(&random) % LARGE_SHIFT;
        sizes[i] = (uint32_t)(least + next_random(&random) % least);
    }
    for (unsigned i = 0; i < LARGE_LIVE; i++) {
        live[i] = use(ALLOCATE(sizes[i]));
    }
    const uint64_t start = clock_of_process();
    for (uint64_t i = 0; i < operations; i++) {
        void **const place = &live[next_random(&random) % LARGE_LIVE];
        RELEASE(*place);
        *place = use(ALLOCATE(sizes[i % SIZES]));
    }
    const uint64_t time = clock_of_process() - start;
    for (unsigned i = 0; i < LARGE_LIVE; i++) {
        RELEASE(live[i]);
    }
    return time;
}

/* Buffers that grow by a quarter from 16 bytes to 256 KiB, and start again. A step is an operation. */
static uint64_t realloc_growth(uint64_t operations, workload_memory_t *memory)
{
    (void)memory;
    char *buffer = use(ALLOCATE(GROWTH_FIRST));
    size_t size = GROWTH_FIRST;
    const uint64_t start = clock_of_process();
    for (uint64_t i = 0; i < operations; i++) {
        size += size / 4;
        if (size > GROWTH_LAST) {
            RELEASE(buffer);
            size = GROWTH_FIRST;
            buffer = use(ALLOCATE(size));
        } else {
            buffer = use(REALLOCATE(buffer, size));
            *(volatile char *)&buffer[size - 1] = 1;
        }
    }
    const uint64_t time = clock_of_process() - start;
    RELEASE(buffer);
    return time;
}

const workload_t workloads[] = {
    {"pairs_64", pairs_64, 10000000, 1},
    {"pairs_4096", pairs_4096, 10000000, 1},
    {"pairs_mixed", pairs_mixed, 10000000, 1},
    {"batch_lifo_64", batch_lifo_64, 5000000, 1},
    {"batch_fifo_64", batch_fifo_64, 5000000, 1},
    {"batch_random_64", batch_random_64, 5000000, 1},
    {"batch_random_1024", batch_random_1024, 5000000, 1},
    {"churn", churn, 2000000, 1},
    {"large_churn", large_churn, 1000000, 1},
    {"realloc_growth", realloc_growth, 500000, 1},
    {NULL, NULL, 0, 0},
};
