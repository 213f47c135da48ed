/*
 * Who holds which cache line: caches without end, kept coherent as by MESI (Papamarcos and Patel, 1984).
 *
 * Counts what makes CPUs wait for each other: an access is a transfer when the line has to come from another CPU's
 * cache, or has to go from one. Misses of size and of first use are not counted, since all CPUs have those to
 * themselves.
 */
#ifndef TESTING_BENCH_SCALING_CACHE_LINES_H
#define TESTING_BENCH_SCALING_CACHE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIMULATED_CPUS_MAX 256u

typedef struct cache_line {
    uintptr_t number;                          /* address / 64; 0 is a free place in the table */
    uint64_t holders[SIMULATED_CPUS_MAX / 64]; /* a bit for each CPU that may read without asking */
    uint64_t busy_until;                       /* on its way from CPU to CPU until then, in ticks */
} cache_line_t;

/* Forgets every line. */
void cache_lines_reset(void);

/* The line that holds `address`, which is entered when it is new. */
cache_line_t *cache_line_at(uintptr_t address);

/* Has `cpu` read or write the line; returns whether that was a transfer. */
bool cache_line_read(cache_line_t *line, unsigned cpu);
bool cache_line_write(cache_line_t *line, unsigned cpu);

#endif
