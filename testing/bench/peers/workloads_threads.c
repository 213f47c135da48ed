/*
 * The workloads of two threads: what one allocates the other frees.
 *
 * Threads wait for each other by yielding, since there may be fewer CPUs than threads.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "testing/bench/peers/workloads.h"

#define THREADS     2u
#define RING        4096u /* blocks on their way; a power of two */
#define RING_STEP   64u   /* told of at once, so that the ring itself costs little */
#define LARSON_LIVE 1000u
#define LARSON_TURN 10000u
#define LARSON_MIN  16u
#define LARSON_MAX  512u
#define CACHE_LINE  64

/* A ring with one writer and one reader (Lamport, 1983). */
static void *ring[RING];
static _Alignas(CACHE_LINE) _Atomic uint64_t written;
static _Alignas(CACHE_LINE) _Atomic uint64_t read_so_far;
static _Alignas(CACHE_LINE) uint64_t to_send;

static void start_thread(pthread_t *thread, void *(*body)(void *argument), void *argument)
{
    if (pthread_create(thread, NULL, body, argument) != 0) {
        fprintf(stderr, "the system refuses a thread\n");
        exit(2);
    }
}

static void *consume(void *argument)
{
    (void)argument;
    for (uint64_t taken = 0; taken < to_send;) {
        const uint64_t there = atomic_load_explicit(&written, memory_order_acquire);
        if (there == taken) {
            (void)sched_yield();
            continue;
        }
        for (; taken < there; taken++) {
            RELEASE(ring[taken % RING]);
        }
        atomic_store_explicit(&read_so_far, taken, memory_order_release);
    }
    return NULL;
}

static uint64_t producer_consumer(uint64_t operations, workload_memory_t *memory)
{
    pthread_t consumer;
    (void)memory;
    to_send = operations / RING_STEP * RING_STEP;
    start_thread(&consumer, consume, NULL);
    const uint64_t start = clock_on_wall();
    for (uint64_t sent = 0; sent < to_send; sent += RING_STEP) {
        while (sent + RING_STEP - atomic_load_explicit(&read_so_far, memory_order_acquire) > RING) {
            (void)sched_yield();
        }
        for (unsigned i = 0; i < RING_STEP; i++) {
            ring[(sent + i) % RING] = use(ALLOCATE(64));
        }
        atomic_store_explicit(&written, sent + RING_STEP, memory_order_release);
    }
    (void)pthread_join(consumer, NULL);
    return clock_on_wall() - start;
}

/*
 * After Larson and Krishnan (1998), a server's threads: each replaces objects of its set at random, and after so many
 * hands the set to a new thread, which frees what others allocated.
 */
typedef struct larson {
    void *live[LARSON_LIVE];
    uint64_t random;
    uint64_t turns;
} larson_t;

static larson_t larsons[THREADS];

static void *larson_turn(void *argument)
{
    larson_t *const set = argument;
    for (unsigned i = 0; i < LARSON_TURN; i++) {
        const uint64_t draw = next_random(&set->random);
        void **const place = &set->live[draw % LARSON_LIVE];
        RELEASE(*place);
        *place = use(ALLOCATE(LARSON_MIN + (draw >> 20) % (LARSON_MAX - LARSON_MIN)));
    }
    return NULL;
}

static uint64_t larson(uint64_t operations, workload_memory_t *memory)
{
    (void)memory;
    for (unsigned thread = 0; thread < THREADS; thread++) {
        larsons[thread].random = thread + 1;
        for (unsigned i = 0; i < LARSON_LIVE; i++) {
            larsons[thread].live[i] = use(ALLOCATE(LARSON_MIN));
        }
    }
    const uint64_t start = clock_on_wall();
    for (uint64_t done = 0; done < operations; done += (uint64_t)THREADS * LARSON_TURN) {
        pthread_t threads[THREADS];
        for (unsigned thread = 0; thread < THREADS; thread++) {
            start_thread(&threads[thread], larson_turn, &larsons[thread]);
        }
        for (unsigned thread = 0; thread < THREADS; thread++) {
            (void)pthread_join(threads[thread], NULL);
        }
    }
    const uint64_t time = clock_on_wall() - start;
    for (unsigned thread = 0; thread < THREADS; thread++) {
        for (unsigned i = 0; i < LARSON_LIVE; i++) {
            RELEASE(larsons[thread].live[i]);
        }
    }
    return time;
}

const workload_t workloads_threads[] = {
    {"producer_consumer", producer_consumer, 5000000, THREADS},
    {"larson", larson, 5000000, THREADS},
    {NULL, NULL, 0, 0},
};
