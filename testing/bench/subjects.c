/*
 * What is measured: pairs of an allocation and a free, back to back, and in batches that fill slabs and blocks.
 *
 * A pair back to back is the usual path alone. A batch of 1000 allocations and then 1000 frees adds, averaged, what it costs to take
 * slabs or blocks and to hand them back.
 */
#include "testing/bench/subjects.h"

#include "base/compiler.h"
#include "base/units.h"
#include "mm/kmalloc.h"
#include "mm/pages.h"

/* The compiler must believe that the pointer is used, and must not know the size where a subject says so. */
#define USE(pointer) __asm__ volatile("" : "+r"(pointer) : : "memory")
#define HIDE(value)  __asm__ volatile("" : "+r"(value))

static void *batch[BENCH_BATCH];

/*
 * Whether memory is there at all. The rounds of a pair don't ask again: each gives back what it took, and the question is no part of
 * what is measured.
 */
static NOINLINE bool kmalloc_works(size_t size)
{
    void *const pointer = kmalloc(size);
    kfree(pointer);
    return pointer != NULL;
}

static NOINLINE bool pages_work(size_t count)
{
    void *const run = pages_alloc(count);
    if (run != NULL) {
        pages_free(run, count);
    }
    return run != NULL;
}

/* A pair of kmalloc and kfree whose size the compiler knows, and one whose size it does not. */
#define KMALLOC_PAIRS(size)                                               \
    static NOINLINE uint64_t run_kmalloc_##size(uint32_t rounds)          \
    {                                                                     \
        if (!kmalloc_works(size)) {                                       \
            return BENCH_FAILED;                                          \
        }                                                                 \
        const uint64_t start = cycle_counter();                           \
        for (uint32_t round = 0; round < rounds; round++) {               \
            void *pointer = kmalloc(size);                                \
            USE(pointer);                                                 \
            kfree(pointer);                                               \
        }                                                                 \
        return cycle_counter() - start;                                   \
    }                                                                     \
    static NOINLINE uint64_t run_kmalloc_sized_##size(uint32_t rounds)    \
    {                                                                     \
        if (!kmalloc_works(size)) {                                       \
            return BENCH_FAILED;                                          \
        }                                                                 \
        const uint64_t start = cycle_counter();                           \
        for (uint32_t round = 0; round < rounds; round++) {               \
            void *pointer = kmalloc(size);                                \
            USE(pointer);                                                 \
            kfree_sized(pointer, size);                                   \
        }                                                                 \
        return cycle_counter() - start;                                   \
    }                                                                     \
    static NOINLINE uint64_t run_kmalloc_variable_##size(uint32_t rounds) \
    {                                                                     \
        size_t hidden = size;                                             \
        if (!kmalloc_works(hidden)) {                                     \
            return BENCH_FAILED;                                          \
        }                                                                 \
        const uint64_t start = cycle_counter();                           \
        for (uint32_t round = 0; round < rounds; round++) {               \
            HIDE(hidden);                                                 \
            void *pointer = kmalloc(hidden);                              \
            USE(pointer);                                                 \
            kfree(pointer);                                               \
        }                                                                 \
        return cycle_counter() - start;                                   \
    }

KMALLOC_PAIRS(16)
KMALLOC_PAIRS(32)
KMALLOC_PAIRS(64)
KMALLOC_PAIRS(128)
KMALLOC_PAIRS(256)
KMALLOC_PAIRS(512)
KMALLOC_PAIRS(1024)
KMALLOC_PAIRS(2048)
KMALLOC_PAIRS(4096)
KMALLOC_PAIRS(16384)

/* A run of pages and back, of a length that the compiler knows, and of one that it does not. */
#define PAGES_PAIRS(count)                                               \
    static NOINLINE uint64_t run_pages_##count(uint32_t rounds)          \
    {                                                                    \
        if (!pages_work(count)) {                                        \
            return BENCH_FAILED;                                         \
        }                                                                \
        const uint64_t start = cycle_counter();                          \
        for (uint32_t round = 0; round < rounds; round++) {              \
            void *run = pages_alloc(count);                              \
            USE(run);                                                    \
            pages_free(run, count);                                      \
        }                                                                \
        return cycle_counter() - start;                                  \
    }                                                                    \
    static NOINLINE uint64_t run_pages_variable_##count(uint32_t rounds) \
    {                                                                    \
        size_t hidden = count;                                           \
        if (!pages_work(hidden)) {                                       \
            return BENCH_FAILED;                                         \
        }                                                                \
        const uint64_t start = cycle_counter();                          \
        for (uint32_t round = 0; round < rounds; round++) {              \
            HIDE(hidden);                                                \
            void *run = pages_alloc(hidden);                             \
            USE(run);                                                    \
            pages_free(run, hidden);                                     \
        }                                                                \
        return cycle_counter() - start;                                  \
    }

PAGES_PAIRS(1)
PAGES_PAIRS(8)
PAGES_PAIRS(16)
PAGES_PAIRS(512)

/* Batches: two loops in functions of their own, so that what else is to be counted is in no register of theirs. */
#define BATCHES(name, acquire, release)                                             \
    static NOINLINE uint32_t fill_##name(void)                                      \
    {                                                                               \
        uint32_t count = 0;                                                         \
        while (count < BENCH_BATCH && LIKELY((batch[count] = (acquire)) != NULL)) { \
            count++;                                                                \
        }                                                                           \
        return count;                                                               \
    }                                                                               \
    static NOINLINE void drain_##name(uint32_t count)                               \
    {                                                                               \
        for (uint32_t index = 0; index < count; index++) {                          \
            void *const pointer = batch[index];                                     \
            release;                                                                \
        }                                                                           \
    }                                                                               \
    static NOINLINE uint64_t run_##name(uint32_t rounds)                            \
    {                                                                               \
        return run_batches(rounds, fill_##name, drain_##name);                      \
    }

static uint64_t run_batches(uint32_t rounds, uint32_t (*fill)(void), void (*drain)(uint32_t))
{
    uint64_t ticks = 0;
    for (uint32_t round = 0; round < rounds / BENCH_BATCH_SHARE; round++) {
        const uint64_t start = cycle_counter();
        const uint32_t count = fill();
        drain(count);
        ticks += cycle_counter() - start;
        if (count != BENCH_BATCH) {
            return BENCH_FAILED;
        }
    }
    return ticks * BENCH_BATCH_SHARE;
}

BATCHES(kmalloc_batch_64, kmalloc(64), kfree(pointer))
BATCHES(pages_batch_1, pages_alloc(1), pages_free(pointer, 1))

#define PAGES_ROWS(count) \
    {"pages_" #count "_pair", run_pages_##count, 1}, {"pages_variable_" #count "_pair", run_pages_variable_##count, 1}
#define KMALLOC_ROWS(size)                                                   \
    {"kmalloc_" #size "_pair", run_kmalloc_##size, 1},                       \
        {"kmalloc_variable_" #size "_pair", run_kmalloc_variable_##size, 1}, \
        {"kmalloc_sized_" #size "_pair", run_kmalloc_sized_##size, 1}

const bench_subject_t bench_subjects[] = {
    KMALLOC_ROWS(16),
    KMALLOC_ROWS(32),
    KMALLOC_ROWS(64),
    KMALLOC_ROWS(128),
    KMALLOC_ROWS(256),
    KMALLOC_ROWS(512),
    KMALLOC_ROWS(1024),
    KMALLOC_ROWS(2048),
    KMALLOC_ROWS(4096),
    KMALLOC_ROWS(16384),
    {"kmalloc_64_batch_pair", run_kmalloc_batch_64, BENCH_BATCH},
    PAGES_ROWS(1),
    PAGES_ROWS(8),
    PAGES_ROWS(16),
    PAGES_ROWS(512),
    {"pages_1_batch_pair", run_pages_batch_1, BENCH_BATCH},
    {"process_life", bench_process_life, 1},
    {"user_call", bench_user_call, 1},
    {"user_map_1_pair", bench_user_map_1, 1},
    {"user_map_512_pair", bench_user_map_512, 1},
    {"vm_space_pair", bench_vm_space, 1},
    {"vm_map_1_pair", bench_vm_map_1, 1},
    {"vm_map_512_pair", bench_vm_map_512, 1},
    {"vm_map_100000_pair", bench_vm_map_100000, 1},
    {"vm_fault_zero", bench_vm_fault_zero, BENCH_VM_PAGES},
    {"vm_fault_copy", bench_vm_fault_copy, BENCH_VM_PAGES},
    {"vm_unmap_page", bench_vm_unmap_page, BENCH_VM_PAGES},
    {"vm_clone_page", bench_vm_clone_page, BENCH_VM_PAGES},
    /* Last, since they leave partly used blocks of pages, which a long run has to pass by. */
    {"kmalloc_64_lifo_pair", bench_kmalloc_lifo, BENCH_BATCH},
    {"kmalloc_64_random_pair", bench_kmalloc_random_64, BENCH_BATCH},
    {"kmalloc_1024_random_pair", bench_kmalloc_random_1024, BENCH_BATCH},
    {"kmalloc_churn_pair", bench_kmalloc_churn, 1},
    {"kmalloc_handed_pair", bench_kmalloc_handed, 1},
    {"krealloc_step", bench_krealloc_step, 1},
    {"krealloc_in_place", bench_krealloc_in_place, 1},
    {"kmalloc_bulk_64_by_20_pair", bench_kmalloc_bulk_20, BENCH_BATCH},
    {"kmalloc_bulk_64_by_1000_pair", bench_kmalloc_bulk_1000, BENCH_BATCH},
    {"kcalloc_64_pair", bench_kcalloc_64, 1},
    {"kcalloc_4096_pair", bench_kcalloc_4096, 1},
    {NULL, NULL, 0},
};
