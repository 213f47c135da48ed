/*
 * The kinds of traffic. Every body first does what brings the allocators to where they stay, meets the others, and is
 * counted from then on. What is live at the end is freed uncounted.
 *
 * Whoever waits for another CPU (a full or an empty box) lets simulated time pass, which is in the ticks, but is no
 * access.
 */
#include "testing/bench/scaling/traffic.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/page_backend.h"
#include "mm/kmalloc.h"
#include "testing/bench/scaling/cache_lines.h"
#include "testing/bench/scaling/simulator.h"

#define OPERATIONS     400u
#define WARM_UP        400u
#define LIVE           100u  /* objects of one CPU's own */
#define WIDE_LIVE      5000u /* pages likewise: more than a chunk has */
#define BOX_MAX        64u   /* objects on the way to one CPU */
#define SIZE_MIN       16u
#define SIZE_SHIFT_MAX 8u /* 16 << 8 = 4096 */
#define RUN_SHIFT_MAX  4u /* 16 pages */

unsigned traffic_cpus;

/* A block, and what is needed to free it: 0 pages is kmalloc's. */
typedef struct block {
    void *address;
    size_t pages;
} block_t;

static block_t some_object(size_t size)
{
    return (block_t){kmalloc(size), 0};
}

static block_t some_run(size_t pages)
{
    return (block_t){pages_alloc(pages), pages};
}

/* 16 to 4096 bytes, each power of two as likely as any other. */
static block_t random_object(void)
{
    const size_t most = (size_t)SIZE_MIN << simulator_draw(SIZE_SHIFT_MAX + 1);
    return some_object(most - simulator_draw(most / 2));
}

static block_t random_large(void)
{
    return some_object(KIB(8) + simulator_draw(KIB(56)));
}

static block_t random_run(void)
{
    return some_run((size_t)1 << simulator_draw(RUN_SHIFT_MAX + 1));
}

static block_t one_page(void)
{
    return some_run(1);
}

static void give_back(block_t block)
{
    if (block.address == NULL) {
        fprintf(stderr, "memory is out\n");
        exit(2);
    }
    if (block.pages == 0) {
        kfree(block.address);
    } else {
        pages_free(block.address, block.pages);
    }
}

static block_t small_object(void)
{
    return some_object(64);
}

static void alternate(block_t (*make)(void))
{
    for (unsigned i = 0; i < WARM_UP + OPERATIONS; i++) {
        if (i == WARM_UP) {
            simulator_meet();
        }
        give_back(make());
    }
}

static void pairs(unsigned cpu)
{
    (void)cpu;
    alternate(small_object);
}

static void page_pairs(unsigned cpu)
{
    (void)cpu;
    alternate(one_page);
}

/* A set of live objects, one replaced at a time, in any order. */
static void churn_among(block_t *live, unsigned count, block_t (*make)(void))
{
    for (unsigned i = 0; i < count; i++) {
        live[i] = make();
    }
    for (unsigned i = 0; i < WARM_UP + OPERATIONS; i++) {
        if (i == WARM_UP) {
            simulator_meet();
        }
        block_t *const place = &live[simulator_draw(count)];
        give_back(*place);
        *place = make();
    }
    simulator_stop_counting();
    for (unsigned i = 0; i < count; i++) {
        give_back(live[i]);
    }
}

static void churn(block_t (*make)(void))
{
    block_t live[LIVE];
    churn_among(live, LIVE, make);
}

static void object_churn(unsigned cpu)
{
    (void)cpu;
    churn(random_object);
}

static void large_churn(unsigned cpu)
{
    (void)cpu;
    churn(random_large);
}

static void page_churn(unsigned cpu)
{
    (void)cpu;
    churn(one_page);
}

static void wide_page_churn(unsigned cpu)
{
    static block_t live[SIMULATED_CPUS_MAX][WIDE_LIVE];
    churn_among(live[cpu], WIDE_LIVE, one_page);
}

static void run_churn(unsigned cpu)
{
    (void)cpu;
    churn(random_run);
}

/* What is on its way to a CPU. */
typedef struct box {
    block_t blocks[BOX_MAX];
    unsigned count;
    unsigned first;
} box_t;

static box_t boxes[SIMULATED_CPUS_MAX];
static unsigned cpus_done; /* with what they send */

static bool box_put(unsigned cpu, block_t block)
{
    box_t *const box = &boxes[cpu];
    if (box->count == BOX_MAX) {
        return false;
    }
    box->blocks[(box->first + box->count++) % BOX_MAX] = block;
    return true;
}

/* Frees the oldest block in this CPU's box, if there is one. */
static bool box_free_one(unsigned cpu)
{
    box_t *const box = &boxes[cpu];
    if (box->count == 0) {
        return false;
    }
    const block_t block = box->blocks[box->first];
    box->first = (box->first + 1) % BOX_MAX;
    box->count--;
    give_back(block);
    return true;
}

/* CPUs in twos: one allocates, the other frees. A single CPU is both. */
static void send_to_next(unsigned cpu, block_t (*make)(void))
{
    const bool is_alone = (cpu ^ 1) >= traffic_cpus;
    const bool is_producer = is_alone || cpu % 2 == 0;
    const bool is_consumer = is_alone || cpu % 2 == 1;
    const unsigned consumer = is_alone ? cpu : cpu | 1;
    /* Two CPUs share the work of one operation each. */
    const unsigned turns = is_alone ? 1 : 2;
    for (unsigned i = 0; i < turns * (WARM_UP + OPERATIONS); i++) {
        if (i == turns * WARM_UP) {
            simulator_meet();
        }
        if (is_producer) {
            const block_t block = make();
            while (!box_put(consumer, block)) {
                simulator_wait();
            }
        }
        while (is_consumer && !box_free_one(cpu)) {
            simulator_wait();
        }
    }
}

static void producer_consumer(unsigned cpu)
{
    send_to_next(cpu, random_object);
}

static void producer_consumer_pages(unsigned cpu)
{
    send_to_next(cpu, one_page);
}

/* Each allocates for any other, and frees what came to it. */
static void send_to_any(unsigned cpu, block_t (*make)(void))
{
    for (unsigned i = 0; i < WARM_UP + OPERATIONS; i++) {
        if (i == WARM_UP) {
            simulator_meet();
        }
        const block_t block = make();
        while (!box_put((unsigned)simulator_draw(traffic_cpus), block)) {
            if (!box_free_one(cpu)) {
                simulator_wait();
            }
        }
        box_free_one(cpu);
    }
    simulator_stop_counting();
    cpus_done++;
    while (cpus_done != traffic_cpus) {
        if (!box_free_one(cpu)) {
            simulator_wait();
        }
    }
    while (box_free_one(cpu)) {
    }
}

static void all_to_all(unsigned cpu)
{
    send_to_any(cpu, random_object);
}

static void all_to_all_pages(unsigned cpu)
{
    send_to_any(cpu, one_page);
}

const traffic_t traffic_kinds[] = {
    {"pairs", pairs, OPERATIONS},
    {"churn", object_churn, OPERATIONS},
    {"producer_consumer", producer_consumer, OPERATIONS},
    {"all_to_all", all_to_all, OPERATIONS},
    {"large_churn", large_churn, OPERATIONS},
    {"page_pairs", page_pairs, OPERATIONS},
    {"page_churn", page_churn, OPERATIONS},
    {"page_wide_churn", wide_page_churn, OPERATIONS},
    {"page_producer_consumer", producer_consumer_pages, OPERATIONS},
    {"page_all_to_all", all_to_all_pages, OPERATIONS},
    {"run_churn", run_churn, OPERATIONS},
    {NULL, NULL, 0},
};
