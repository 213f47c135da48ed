/*
 * Counts, for each kind of traffic and 1 to 256 simulated CPUs, what decides whether allocation scales. One line each:
 *
 *   scaling TRAFFIC CPUS locks=L contended=C rmws=R transfers=T accesses=A ticks=K
 *
 * in thousandths an operation; and at last `scaling rows N`. The same on every machine.
 *
 *   main [CPUS,CPUS,... [TRAFFIC]]
 *
 * Each row is made in a process of its own, which ends the allocators and fails when anything is left over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/units.h"
#include "host.h"
#include "mm/allocation_context.h"
#include "mm/kmem_cache.h"
#include "mm/memory_map.h"
#include "mm/pages.h"
#include "mm/slab/slab_lifecycle.h"
#include "testing/bench/scaling/cache_lines.h"
#include "testing/bench/scaling/simulator.h"
#include "testing/bench/scaling/traffic.h"

#define ARENA_BYTES GIB(16)
#define SEED        20260101u

static cpu_t cpus[SIMULATED_CPUS_MAX];

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "scaling: %s\n", what);
        exit(2);
    }
}

static void start(void)
{
    static memory_map_t map; /* the page allocator keeps a pointer to it */
    require(host_start(ARENA_BYTES) == STATUS_OK, "no arena");
    require(allocation_contexts_attach_boot(cpu_current()) == STATUS_OK, "no context for the boot CPU");
    memory_map_init(&map);
    require(memory_map_add(&map, physical_address(0), ARENA_BYTES, MEMORY_REGION_AVAILABLE) == STATUS_OK &&
                memory_map_finish(&map, physical_address(ARENA_BYTES)) == STATUS_OK,
            "no memory map");
    require(pages_init(&map) == STATUS_OK && slab_init() == STATUS_OK, "no allocators");
    for (unsigned cpu = 0; cpu < traffic_cpus; cpu++) {
        cpus[cpu] = *cpu_current();
        require(cpu == 0 || allocation_contexts_attach(&cpus[cpu]) == STATUS_OK, "no context for a CPU");
    }
}

static void end(void)
{
    for (unsigned cpu = 1; cpu < traffic_cpus; cpu++) {
        allocation_contexts_detach(&cpus[cpu]);
    }
    require(pages_validate() == NULL, "the page tree is broken");
    require(slab_shutdown() == 0, "objects are left over");
    pages_drain_contexts();
    require(pages_shutdown() == allocation_contexts_pages(), "pages are left over");
}

static unsigned long long thousandths(uint64_t count, uint64_t operations)
{
    return (count * 1000 + operations / 2) / operations;
}

static void make_row(const traffic_t *kind, unsigned count)
{
    traffic_cpus = count;
    start();
    simulator_run(cpus, count, SEED, kind->body);
    end();
    const access_counts_t counts = simulator_counts();
    const uint64_t operations = (uint64_t)kind->operations * count;
    printf("scaling %s %u locks=%llu contended=%llu rmws=%llu transfers=%llu accesses=%llu ticks=%llu\n", kind->name,
           count, thousandths(counts.lock_acquisitions, operations),
           thousandths(counts.contended_acquisitions, operations), thousandths(counts.read_modify_writes, operations),
           thousandths(counts.transfers, operations), thousandths(counts.accesses, operations),
           thousandths(counts.ticks, operations));
}

static void make_row_apart(const traffic_t *kind, unsigned count)
{
    (void)fflush(stdout);
    const pid_t child = fork();
    require(child >= 0, "the system refuses a process");
    if (child == 0) {
        make_row(kind, count);
        exit(0);
    }
    int status;
    require(waitpid(child, &status, 0) == child && status == 0, "a row failed");
}

int main(int argument_count, char **arguments)
{
    const char *const counts = argument_count > 1 ? arguments[1] : "1,2,4,8,16,32,64,128,256";
    unsigned rows = 0;
    for (const traffic_t *kind = traffic_kinds; kind->name != NULL; kind++) {
        if (argument_count > 2 && strcmp(arguments[2], kind->name) != 0) {
            continue;
        }
        const char *rest = counts;
        do {
            char *end_of_number;
            const unsigned long count = strtoul(rest + (*rest == ','), &end_of_number, 10);
            require(count >= 1 && count <= SIMULATED_CPUS_MAX, "numbers of CPUs are 1 to 256, with commas");
            make_row_apart(kind, (unsigned)count);
            rows++;
            rest = end_of_number;
        } while (*rest == ',');
    }
    printf("scaling rows %u\n", rows);
    return rows == 0 ? 2 : 0;
}
