/*
 * Runs one workload, on whatever malloc the process has:
 *
 *   workload NAME [OPERATIONS]     prints `NAME operations=N nanoseconds=T used=BYTES live=BYTES`
 *   workload                       prints `NAME OPERATIONS THREADS` for each workload there is
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing/bench/peers/workloads.h"

#ifdef WITHOUT_ALLOCATOR
/* As long as the longest block that is written to. */
char the_block[1 << 21];
#endif

static const workload_t *const lists[] = {workloads, workloads_threads};

static const workload_t *find(const char *name)
{
    for (size_t list = 0; list < sizeof lists / sizeof lists[0]; list++) {
        for (const workload_t *workload = lists[list]; workload->name != NULL; workload++) {
            if (strcmp(workload->name, name) == 0) {
                return workload;
            }
        }
    }
    return NULL;
}

static void list_all(void)
{
    for (size_t list = 0; list < sizeof lists / sizeof lists[0]; list++) {
        for (const workload_t *workload = lists[list]; workload->name != NULL; workload++) {
            printf("%s %llu %u\n", workload->name, (unsigned long long)workload->operations, workload->threads);
        }
    }
}

int main(int argument_count, char **arguments)
{
    if (argument_count < 2) {
        list_all();
        return 0;
    }
    const workload_t *const workload = find(arguments[1]);
    if (workload == NULL) {
        fprintf(stderr, "no workload %s\n", arguments[1]);
        return 2;
    }
    const uint64_t operations = argument_count > 2 ? strtoull(arguments[2], NULL, 10) : workload->operations;
    workload_memory_t memory = {0, 0};
    const uint64_t time = workload->run(operations, &memory);
    printf("%s operations=%llu nanoseconds=%llu used=%llu live=%llu\n", workload->name, (unsigned long long)operations,
           (unsigned long long)time, (unsigned long long)memory.used_bytes, (unsigned long long)memory.live_bytes);
    return 0;
}
