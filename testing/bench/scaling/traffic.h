/*
 * What simulated CPUs do to the allocators: the kinds of traffic, each with a body for simulator_run().
 */
#ifndef TESTING_BENCH_SCALING_TRAFFIC_H
#define TESTING_BENCH_SCALING_TRAFFIC_H

#include <stdint.h>

typedef struct traffic {
    const char *name;
    void (*body)(unsigned cpu);
    unsigned
        operations; /* a CPU does while it is counted; an operation is an allocation and a free, here or elsewhere */
} traffic_t;

/* Ends with a row without a name. */
extern const traffic_t traffic_kinds[];

/* For bodies: how many CPUs there are. Set before simulator_run(). */
extern unsigned traffic_cpus;

#endif
