/*
 * The workloads that every allocator runs: written once, against malloc and free, for one process that measures one
 * of them.
 */
#ifndef TESTING_BENCH_PEERS_WORKLOADS_H
#define TESTING_BENCH_PEERS_WORKLOADS_H

#include <stddef.h>
#include <stdint.h>

/* What a run tells beside its time. */
typedef struct workload_memory {
    uint64_t live_bytes; /* asked for and not yet freed at the end; 0 when nothing is kept for long */
    uint64_t used_bytes; /* how much more memory the process has than before */
} workload_memory_t;

typedef struct workload {
    const char *name;
    /*
     * Does `operations`, each an allocation and its free (or a step of growth), and returns the nanoseconds they
     * took. What comes before and after is not in them.
     */
    uint64_t (*run)(uint64_t operations, workload_memory_t *memory);
    uint64_t operations; /* so that a run takes some tenths of a second */
    uint32_t threads;
} workload_t;

/* Ends with a row without a name. */
extern const workload_t workloads[];
extern const workload_t workloads_threads[];

/* Helpers of both files. */

/*
 * Nanoseconds that this process has had a CPU: for one thread, on a machine that does other things, too. And
 * nanoseconds of a clock on the wall, for several.
 */
uint64_t clock_of_process(void);
uint64_t clock_on_wall(void);

/* xorshift64* (Vigna, 2016): cheap beside what is measured. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

/*
 * The operations that are measured. In the program without an allocator (main.c) they are one block that is always
 * there, so that what remains is the loop around them.
 */
#ifdef WITHOUT_ALLOCATOR
extern char the_block[];
#define ALLOCATE(size)            take_the_block(size)
#define REALLOCATE(pointer, size) take_the_block((size) + (size_t)((pointer) != the_block))
#define RELEASE(pointer)          __asm__ volatile("" : : "r"(pointer) : "memory")
static inline void *take_the_block(size_t size)
{
    void *block = the_block;
    __asm__ volatile("" : "+r"(block) : "r"(size) : "memory");
    return block;
}
#else
#include <stdlib.h>
#define ALLOCATE(size)            malloc(size)
#define REALLOCATE(pointer, size) realloc((pointer), (size))
#define RELEASE(pointer)          free(pointer)
#endif

/*
 * Writes to the block, as its user would, where the compiler can't see that nobody reads it. Ends the program when
 * memory is out.
 */
void out_of_memory(void) __attribute__((noreturn));
static inline void *use(void *block)
{
    if (__builtin_expect(block == NULL, 0)) {
        out_of_memory();
    }
    *(volatile char *)block = 1;
    return block;
}

#endif
