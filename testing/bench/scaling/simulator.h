/*
 * Up to 256 CPUs in one thread: coroutines that change places at accesses to memory, in an order that a seed decides.
 *
 * The allocators are compiled as for ThreadSanitizer, so that the compiler calls a function before each access and
 * for each atomic operation (LLVM, ThreadSanitizer.cpp and tsan_interface_atomic.h). The functions are ours
 * (accesses.c): they count, and let other CPUs go on. What the CPUs themselves run is not compiled so, and counts for
 * nothing.
 *
 * Time is simulated, in ticks: an access costs 1, a read-modify-write RMW_TICKS, a transfer TRANSFER_TICKS, and a
 * line that is on its way makes others who want it wait. The CPU that is behind goes on next. So the same seed gives
 * the same counts anywhere.
 */
#ifndef TESTING_BENCH_SCALING_SIMULATOR_H
#define TESTING_BENCH_SCALING_SIMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/cpu_local.h"

/* About what they cost beside an access to the first-level cache on current machines, in cycles. */
#define RMW_TICKS      20u
#define TRANSFER_TICKS 100u

typedef struct access_counts {
    uint64_t lock_acquisitions;
    uint64_t contended_acquisitions; /* those that found the lock held at the first try */
    uint64_t read_modify_writes;     /* atomic ones; those of locks, too */
    uint64_t transfers;              /* of cache lines, from owner to owner */
    uint64_t accesses;
    uint64_t ticks; /* of all CPUs together */
} access_counts_t;

/*
 * Runs body(cpu) on each of `count` CPUs until all have returned. Each has the allocation context of cpus[cpu]. The
 * caller's own is in force again afterwards.
 */
void simulator_run(cpu_t *cpus, unsigned count, uint64_t seed, void (*body)(unsigned cpu));

/* For bodies. Lets time pass: others go on. For waiting on them. */
void simulator_wait(void);

/*
 * For bodies: waits until all CPUs are here. What is done before it and after it does not mix; the counts start anew.
 */
void simulator_meet(void);

/* For bodies: this CPU's accesses count no more, until the next meeting. */
void simulator_stop_counting(void);

/* The counts of all CPUs since they met, as long as each counted. */
access_counts_t simulator_counts(void);

/* For bodies: a number below `limit`, from this CPU's own generator. */
uint64_t simulator_draw(uint64_t limit);

/* For accesses.c: one access of `size` bytes at `address` by the running CPU, or nothing when no CPU runs. */
typedef enum access_kind {
    ACCESS_READ,
    ACCESS_WRITE,
    ACCESS_READ_MODIFY_WRITE,
} access_kind_t;
void simulator_access(uintptr_t address, size_t size, access_kind_t kind);

/* For accesses.c: the running CPU tried to take a lock, and it was held or not. */
void simulator_tried_lock(bool was_held);

/*
 * For accesses.c: the running CPU has read `word`, and it is not 0. Returns true when that is a lock that it waits
 * for, once the word was changed. (In between it would read its own copy of the line again and again: that is no
 * access.)
 */
bool simulator_spins_on(const void *word);

/* For accesses.c: `word` was changed. */
void simulator_changed(const void *word);

#endif
