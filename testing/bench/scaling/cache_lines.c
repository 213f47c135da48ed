/*
 * The table of lines: open addressing, never shrinking. A line's state is the set of CPUs that hold it: one holder
 * may write, several may read.
 */
#include "testing/bench/scaling/cache_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_SHIFT 18
#define TABLE_COUNT (1u << TABLE_SHIFT)
#define LINE_SHIFT  6

/* Of open addressing half full or less. */
#define LINES_MAX (TABLE_COUNT / 2)

static cache_line_t table[TABLE_COUNT];
static unsigned line_count;

void cache_lines_reset(void)
{
    memset(table, 0, sizeof table);
    line_count = 0;
}

cache_line_t *cache_line_at(uintptr_t address)
{
    const uintptr_t number = address >> LINE_SHIFT;
    /* Fibonacci hashing (Knuth, volume 3, 6.4). */
    unsigned place = (unsigned)((number * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - TABLE_SHIFT));
    while (table[place].number != number && table[place].number != 0) {
        place = (place + 1) % TABLE_COUNT;
    }
    if (table[place].number == 0) {
        if (++line_count > LINES_MAX) {
            fprintf(stderr, "more than %u cache lines\n", LINES_MAX);
            exit(2);
        }
        table[place].number = number;
    }
    return &table[place];
}

static bool is_held_by(const cache_line_t *line, unsigned cpu)
{
    return (line->holders[cpu / 64] >> cpu % 64 & 1) != 0;
}

static bool is_held_by_others(const cache_line_t *line, unsigned cpu)
{
    uint64_t others = 0;
    for (unsigned word = 0; word < SIMULATED_CPUS_MAX / 64; word++) {
        others |= line->holders[word] & ~(word == cpu / 64 ? UINT64_C(1) << cpu % 64 : 0);
    }
    return others != 0;
}

bool cache_line_read(cache_line_t *line, unsigned cpu)
{
    const bool is_transfer = !is_held_by(line, cpu) && is_held_by_others(line, cpu);
    line->holders[cpu / 64] |= UINT64_C(1) << cpu % 64;
    return is_transfer;
}

bool cache_line_write(cache_line_t *line, unsigned cpu)
{
    const bool is_transfer = is_held_by_others(line, cpu);
    if (is_transfer) {
        memset(line->holders, 0, sizeof line->holders);
    }
    line->holders[cpu / 64] |= UINT64_C(1) << cpu % 64;
    return is_transfer;
}
